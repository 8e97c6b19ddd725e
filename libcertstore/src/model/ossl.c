/* SPDX-License-Identifier: Apache-2.0 */
/* ossl.c: the few things asked of libcrypto on every floor, with its errors turned into ours. */
#include "model/ossl.h"

#include <stdarg.h>
#include <stdio.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

/* An empty queue takes no mark, and going back to the one that is not there empties it: right in both cases. */
void csi_fence_begin(struct csi_fence *fence)
{
    ERR_set_mark();
    fence->up = true;
}

void csi_fence_end(struct csi_fence *fence)
{
    if (fence->up)
        ERR_pop_to_mark();
    fence->up = false;
}

certstore_status csi_ossl_open(struct csi_ossl *ossl, certstore_error *err)
{
    if (ossl->context != NULL)
        return CERTSTORE_OK;
    CSI_AUTO_FENCE fence;
    csi_fence_begin(&fence);
    ossl->context = OSSL_LIB_CTX_new();
    ossl->base = ossl->context != NULL ? OSSL_PROVIDER_load(ossl->context, "default") : NULL;
    if (ossl->base == NULL) {
        csi_ossl_close(ossl);
        return csi_fail_ossl(err, CERTSTORE_E_MEMORY, "OpenSSL: no library context can be made; free some memory and try again");
    }
    /* Not every installation has it. What needs it then fails as an unsupported algorithm, by name. */
    ossl->legacy = OSSL_PROVIDER_load(ossl->context, "legacy");
    return CERTSTORE_OK;
}

void csi_ossl_close(struct csi_ossl *ossl)
{
    if (ossl->context == NULL)
        return;
    CSI_AUTO_FENCE fence;
    csi_fence_begin(&fence);
    OSSL_PROVIDER_unload(ossl->legacy);
    OSSL_PROVIDER_unload(ossl->base);
    OSSL_LIB_CTX_free(ossl->context);
    *ossl = (struct csi_ossl){ 0 };
}

certstore_status csi_fail_ossl(certstore_error *err, certstore_status status, const char *format, ...)
{
    char message[sizeof err->message];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    unsigned long code = ERR_peek_last_error();
    bool first = err->status == CERTSTORE_OK;
    csi_fail(err, ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE ? CERTSTORE_E_MEMORY : status, "%s", message);
    if (first && code != 0) {
        char reason[sizeof err->cause];
        ERR_error_string_n(code, reason, sizeof reason);
        csi_error_set_cause(err, reason);
    }
    /* Back to the mark that the fence set, which stays for it to find. */
    ERR_pop_to_mark();
    ERR_set_mark();
    return err->status;
}

EVP_PKEY *csi_ossl_private_key(struct csi_span pkcs8, certstore_error *err)
{
    CSI_AUTO_FENCE fence;
    csi_fence_begin(&fence);
    const unsigned char *at = pkcs8.data;
    PKCS8_PRIV_KEY_INFO *info = pkcs8.size <= INT32_MAX ? d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)pkcs8.size) : NULL;
    if (info == NULL) {
        csi_fail_ossl(err, CERTSTORE_E_MALFORMED, "private key: not PKCS#8; give a PrivateKeyInfo in DER");
        return NULL;
    }
    EVP_PKEY *key = EVP_PKCS82PKEY(info);
    PKCS8_PRIV_KEY_INFO_free(info);
    if (key == NULL)
        csi_fail_ossl(err, CERTSTORE_E_UNSUPPORTED, "private key: OpenSSL cannot use it; its algorithm or parameters are not known here");
    return key;
}

static csi_secret *public_der(const EVP_PKEY *key, certstore_error *err)
{
    unsigned char *der = NULL;
    int size = i2d_PUBKEY(key, &der);
    if (size <= 0) {
        csi_fail_ossl(err, CERTSTORE_E_UNSUPPORTED, "private key: its public key cannot be had from it");
        return NULL;
    }
    csi_secret *spki = csi_secret_new(der, (size_t)size, err);
    OPENSSL_free(der);
    return spki;
}

csi_secret *csi_ossl_public_of(struct csi_span pkcs8, certstore_error *err)
{
    CSI_AUTO_FENCE fence;
    csi_fence_begin(&fence);
    EVP_PKEY *key = csi_ossl_private_key(pkcs8, err);
    csi_secret *spki = key != NULL ? public_der(key, err) : NULL;
    EVP_PKEY_free(key);
    return spki;
}

/* Both keys are known to be of OpenSSL's making here; 1 equal, anything else not. */
static bool same_public_key(const EVP_PKEY *key, struct csi_span spki)
{
    const unsigned char *at = spki.data;
    EVP_PKEY *other = spki.size <= INT32_MAX ? d2i_PUBKEY(NULL, &at, (long)spki.size) : NULL;
    bool same = other != NULL && EVP_PKEY_eq(key, other) == 1;
    EVP_PKEY_free(other);
    return same;
}

certstore_status csi_ossl_match(struct csi_span pkcs8, struct csi_span spki, certstore_error *err)
{
    CSI_AUTO_FENCE fence;
    csi_fence_begin(&fence);
    EVP_PKEY *key = csi_ossl_private_key(pkcs8, err);
    if (key == NULL)
        return err->status;
    CSI_AUTO(csi_secret) *own = public_der(key, err);
    /* One key has several encodings (absent or NULL parameters, named or explicit curves): unequal bytes ask for a second look. */
    bool same = own != NULL && (csi_span_equal(csi_secret_span(own), spki) || same_public_key(key, spki));
    EVP_PKEY_free(key);
    if (own == NULL || same)
        return own != NULL ? CERTSTORE_OK : err->status;
    return csi_fail_ossl(err, CERTSTORE_E_MISMATCH,
                         "private key: the certificate carries another public key; give the certificate that belongs to it");
}

certstore_status csi_random(void *data, size_t size, certstore_error *err)
{
    CSI_AUTO_FENCE fence;
    csi_fence_begin(&fence);
    if (size > INT32_MAX || RAND_bytes(data, (int)size) != 1)
        return csi_fail_ossl(err, CERTSTORE_E_IO, "random numbers: OpenSSL has none to give");
    return CERTSTORE_OK;
}
