/* SPDX-License-Identifier: Apache-2.0 */
/* sign.c: digests and paddings by their names; the rest is OpenSSL's, or the token's behind it. */
#include "key/sign.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "key/provider.h"
#include "model/ossl.h"

CSI_DEFINE_AUTO(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
CSI_DEFINE_AUTO(EVP_MD_CTX, EVP_MD_CTX_free)
CSI_DEFINE_AUTO(EVP_MD, EVP_MD_free)

certstore_status csi_fail_key(const EVP_PKEY *key, certstore_error *err, certstore_status status, const char *message)
{
    csi_token_pkey_failure(key, err); /* the first error stays */
    return csi_fail_ossl(err, status, "%s", message);
}

/* *md is NULL for "". */
static certstore_status fetch_digest(const char *name, EVP_MD **md, certstore_error *err)
{
    *md = NULL;
    if (name[0] == '\0')
        return CERTSTORE_OK;
    *md = EVP_MD_fetch(NULL, name, NULL);
    return *md != NULL ? CERTSTORE_OK
                       : csi_fail_ossl(err, CERTSTORE_E_UNSUPPORTED, "digest: OpenSSL knows no '%.64s'; use SHA256, SHA384 or SHA512", name);
}

static certstore_status check_size(const EVP_MD *md, struct csi_span data, certstore_error *err)
{
    if (md == NULL || data.size == (size_t)EVP_MD_get_size(md))
        return CERTSTORE_OK;
    return csi_fail(err, CERTSTORE_E_ARGUMENT, "data: %zu bytes, where a value of %s has %d; hash what is to be signed, and give that", data.size,
                    EVP_MD_get0_name(md), EVP_MD_get_size(md));
}

/* ----------------------------------------------------------------------------------------------------------------- signing */

static certstore_status set_signature_padding(EVP_PKEY_CTX *context, bool is_rsa, const char *padding, const EVP_MD *md, certstore_error *err)
{
    bool pss = strcmp(padding, "pss") == 0;
    if (!is_rsa && padding[0] != '\0')
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "padding: '%.64s' is RSA's, and this key is not; give \"\"", padding);
    if (!is_rsa)
        return CERTSTORE_OK;
    if (!pss && strcmp(padding, "pkcs1") != 0)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "padding: '%.64s' is not one for RSA signatures; give pkcs1 or pss", padding);
    if (pss && md == NULL)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "digest: PSS needs one; name it");
    if (EVP_PKEY_CTX_set_rsa_padding(context, pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) != 1 ||
        (pss && EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) != 1))
        return csi_fail_ossl(err, CERTSTORE_E_UNSUPPORTED, "padding: this key does not take %s", padding);
    return CERTSTORE_OK;
}

/* RFC 8032: the message itself is signed, and there is nothing to choose. */
static certstore_status sign_message(EVP_PKEY *key, struct csi_span message, struct csi_buf *out, certstore_error *err)
{
    size_t size = (size_t)EVP_PKEY_get_size(key);
    CSI_AUTO(EVP_MD_CTX) *context = EVP_MD_CTX_new();
    uint8_t *room = csi_buf_reserve(out, size);
    if (context == NULL || room == NULL)
        return csi_error_memory(err);
    if (EVP_DigestSignInit_ex(context, NULL, NULL, NULL, NULL, key, NULL) != 1 ||
        EVP_DigestSign(context, room, &size, message.data, message.size) != 1)
        return csi_fail_key(key, err, CERTSTORE_E_UNSUPPORTED, "key: it cannot sign this; use an RSA, EC or EdDSA key");
    out->size += size;
    return CERTSTORE_OK;
}

static certstore_status sign_digest(EVP_PKEY *key, EVP_PKEY_CTX *context, struct csi_span data, struct csi_buf *out, certstore_error *err)
{
    size_t size = (size_t)EVP_PKEY_get_size(key);
    uint8_t *room = csi_buf_reserve(out, size);
    if (room == NULL)
        return csi_error_memory(err);
    if (EVP_PKEY_sign(context, room, &size, data.data, data.size) != 1)
        return csi_fail_key(key, err, CERTSTORE_E_UNSUPPORTED, "key: it cannot sign this; use a larger key or a smaller digest");
    out->size += size;
    return CERTSTORE_OK;
}

certstore_status csi_key_sign(EVP_PKEY *key, const char *digest, const char *padding, struct csi_span data, struct csi_buf *out, certstore_error *err)
{
    EVP_MD *fetched = NULL;
    bool eddsa = EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448");
    bool is_rsa = EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS");
    if (eddsa && (digest[0] != '\0' || padding[0] != '\0'))
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "digest: this key signs the message itself; give \"\" for digest and padding");
    if (eddsa)
        return sign_message(key, data, out, err);
    CSI_TRY(fetch_digest(digest, &fetched, err));
    CSI_AUTO(EVP_MD) *md = fetched;
    CSI_TRY(check_size(md, data, err));
    CSI_AUTO(EVP_PKEY_CTX) *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    if (context == NULL || EVP_PKEY_sign_init(context) != 1)
        return csi_fail_key(key, err, CERTSTORE_E_UNSUPPORTED, "key: it cannot sign; use an RSA, EC or EdDSA key");
    CSI_TRY(set_signature_padding(context, is_rsa, padding, md, err));
    if (md != NULL && EVP_PKEY_CTX_set_signature_md(context, md) != 1)
        return csi_fail_ossl(err, CERTSTORE_E_UNSUPPORTED, "digest: this key does not sign under %.64s", digest);
    return sign_digest(key, context, data, out, err);
}

certstore_status csi_key_prove(EVP_PKEY *key, bool *verified, certstore_error *err)
{
    static const uint8_t challenge[32] = "libcertstore: do the two belong?";
    uint8_t made[1024];
    size_t size = sizeof made;
    *verified = false;
    const EVP_MD *md = EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256();
    CSI_AUTO(EVP_MD_CTX) *signing = EVP_MD_CTX_new();
    CSI_AUTO(EVP_MD_CTX) *verifying = EVP_MD_CTX_new();
    if (signing == NULL || verifying == NULL)
        return csi_error_memory(err);
    if ((size_t)EVP_PKEY_get_size(key) > sizeof made || EVP_DigestSignInit(signing, NULL, md, NULL, key) != 1 ||
        EVP_DigestSign(signing, made, &size, challenge, sizeof challenge) != 1)
        return csi_fail_key(key, err, CERTSTORE_E_UNSUPPORTED, "key: it cannot sign, so it cannot be compared with its certificate");
    *verified =
        EVP_DigestVerifyInit(verifying, NULL, md, NULL, key) == 1 && EVP_DigestVerify(verifying, made, size, challenge, sizeof challenge) == 1;
    return CERTSTORE_OK;
}

/* -------------------------------------------------------------------------------------------------------------- decrypting */

static certstore_status set_oaep(EVP_PKEY_CTX *context, const EVP_MD *md, certstore_error *err)
{
    if (md == NULL)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "digest: OAEP needs one; name it");
    if (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) != 1 || EVP_PKEY_CTX_set_rsa_oaep_md(context, md) != 1)
        return csi_fail_ossl(err, CERTSTORE_E_UNSUPPORTED, "padding: this key does not take OAEP with %s", EVP_MD_get0_name(md));
    return CERTSTORE_OK;
}

certstore_status csi_key_decrypt(EVP_PKEY *key, const char *padding, const char *digest, struct csi_span data, struct csi_buf *out,
                                 certstore_error *err)
{
    EVP_MD *fetched = NULL;
    bool oaep = strcmp(padding, "oaep") == 0;
    if (!EVP_PKEY_is_a(key, "RSA"))
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "key: it is %s, and only RSA decrypts; use an RSA key", EVP_PKEY_get0_type_name(key));
    if (!oaep && strcmp(padding, "pkcs1") != 0)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "padding: '%.64s' is not one for RSA encryption; give oaep or pkcs1", padding);
    if (!oaep && digest[0] != '\0')
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "digest: PKCS#1 v1.5 encryption has none; give \"\"");
    CSI_TRY(fetch_digest(digest, &fetched, err));
    CSI_AUTO(EVP_MD) *md = fetched;
    CSI_AUTO(EVP_PKEY_CTX) *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    if (context == NULL || EVP_PKEY_decrypt_init(context) != 1)
        return csi_fail_key(key, err, CERTSTORE_E_UNSUPPORTED, "key: it cannot decrypt; use an RSA key");
    if (oaep)
        CSI_TRY(set_oaep(context, md, err));
    size_t size = (size_t)EVP_PKEY_get_size(key);
    uint8_t *room = csi_buf_reserve(out, size);
    if (room == NULL)
        return csi_error_memory(err);
    if (EVP_PKEY_decrypt(context, room, &size, data.data, data.size) != 1) {
        csi_wipe(room, (size_t)EVP_PKEY_get_size(key));
        return csi_fail_key(key, err, CERTSTORE_E_ARGUMENT, "data: this key and padding do not decrypt it; give what was encrypted for this key");
    }
    out->size += size;
    return CERTSTORE_OK;
}
