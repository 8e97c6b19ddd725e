/* SPDX-License-Identifier: Apache-2.0 */
/* openssl.c: the bridge of certstore_openssl.h. Here, and only here, an X509 is made: one for each certificate that is asked for. */
#include <certstore_openssl.h>

#include "api/call.h"
#include "api/openssl.h"
#include "key/pkey.h"
#include "model/bundle.h"
#include "model/ossl.h"

CSI_DEFINE_AUTO(X509_STORE, X509_STORE_free)

X509 *csi_make_x509(const certstore_cert *cert, certstore_error *err)
{
    const uint8_t *at = cert->data;
    X509 *x509 = cert->size <= INT32_MAX ? d2i_X509(NULL, &at, (long)cert->size) : NULL;
    if (x509 == NULL)
        csi_fail_ossl(err, CERTSTORE_E_MALFORMED, "certificate: OpenSSL cannot parse it; replace it");
    return x509;
}

X509 *certstore_cert_x509(const certstore_cert *cert, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin_fenced(&call, &err))
        return NULL;
    if (cert == NULL) {
        csi_fail_null(err, "cert");
        return NULL;
    }
    return csi_make_x509(cert, err);
}

EVP_PKEY *certstore_entry_pkey(const certstore_entry *entry, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin_fenced(&call, &err))
        return NULL;
    if (entry == NULL) {
        csi_fail_null(err, "entry");
        return NULL;
    }
    return csi_entry_pkey(entry, err);
}

static bool named(char *const *purposes, size_t count, const char *purpose)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(purposes[i], purpose) == 0 || strcmp(purposes[i], "any") == 0)
            return true;
    return false;
}

/* Says nothing of purposes: trusted for all. Rejected for one: never for that one. */
static bool serves(const certstore_entry *entry, const char *purpose)
{
    if (entry->kind != CERTSTORE_TRUSTED)
        return false;
    if (purpose == NULL)
        return entry->trust.rejected_count == 0 || entry->trust.trusted_count > 0;
    if (named(entry->trust.rejected, entry->trust.rejected_count, purpose))
        return false;
    return entry->trust.trusted_count == 0 || named(entry->trust.trusted, entry->trust.trusted_count, purpose);
}

static certstore_status add_to_store(X509_STORE *store, const certstore_entry *entry, certstore_error *err)
{
    if (entry->kind == CERTSTORE_CRL) {
        const uint8_t *at = entry->content->data;
        X509_CRL *crl = entry->content->size <= INT32_MAX ? d2i_X509_CRL(NULL, &at, (long)entry->content->size) : NULL;
        int added = crl != NULL && X509_STORE_add_crl(store, crl) == 1;
        X509_CRL_free(crl);
        return added ? CERTSTORE_OK : csi_fail_ossl(err, CERTSTORE_E_MALFORMED, "%s: OpenSSL cannot use this CRL; replace it", entry->alias);
    }
    CSI_AUTO(X509) *x509 = csi_make_x509(&entry->certs[0], err);
    if (x509 == NULL)
        return err->status;
    return X509_STORE_add_cert(store, x509) == 1 ? CERTSTORE_OK : csi_error_memory(err);
}

X509_STORE *certstore_bundle_x509_store(const certstore_bundle *bundle, const char *purpose, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin_fenced(&call, &err))
        return NULL;
    if (bundle == NULL) {
        csi_fail_null(err, "bundle");
        return NULL;
    }
    CSI_AUTO(X509_STORE) *store = X509_STORE_new();
    if (store == NULL) {
        csi_error_memory(err);
        return NULL;
    }
    for (size_t i = 0; i < bundle->count; i++) {
        const certstore_entry *entry = bundle->entries[i];
        if ((entry->kind == CERTSTORE_CRL || serves(entry, purpose)) && add_to_store(store, entry, err) != CERTSTORE_OK)
            return NULL;
    }
    return csi_steal(&store);
}

static certstore_status append_x509(certstore_entry *entry, X509 *x509, certstore_error *err)
{
    uint8_t *der = NULL;
    int size = i2d_X509(x509, &der);
    if (size <= 0)
        return csi_fail_ossl(err, CERTSTORE_E_MALFORMED, "certificate: OpenSSL cannot write it as DER; give one that is complete");
    CSI_AUTO(csi_blob) *blob = csi_blob_new(der, (size_t)size, err);
    OPENSSL_free(der);
    return blob != NULL ? csi_entry_append_cert(entry, blob, csi_blob_span(blob), err) : err->status;
}

certstore_entry *certstore_entry_from_x509(const char *alias, X509 *cert, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin_fenced(&call, &err))
        return NULL;
    if (alias == NULL || cert == NULL) {
        csi_fail_null(err, alias == NULL ? "alias" : "cert");
        return NULL;
    }
    CSI_AUTO(certstore_entry) *entry = csi_entry_new(CERTSTORE_TRUSTED, alias, err);
    return entry != NULL && append_x509(entry, cert, err) == CERTSTORE_OK ? csi_steal(&entry) : NULL;
}

static csi_key *key_of(EVP_PKEY *pkey, certstore_error *err)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
    uint8_t *der = NULL;
    int size = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : 0;
    csi_key *key = size > 0 ? csi_key_new_plain(csi_span(der, (size_t)size), "", err) : NULL;
    if (size <= 0)
        csi_fail_ossl(err, CERTSTORE_E_UNSUPPORTED, "private key: it cannot leave OpenSSL as PKCS#8; use one that can");
    if (size > 0)
        OPENSSL_clear_free(der, (size_t)size);
    PKCS8_PRIV_KEY_INFO_free(info);
    return key;
}

certstore_entry *certstore_entry_from_pkey(const char *alias, EVP_PKEY *key, X509 *cert, STACK_OF(X509) *chain, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin_fenced(&call, &err))
        return NULL;
    if (alias == NULL || key == NULL) {
        csi_fail_null(err, alias == NULL ? "alias" : "key");
        return NULL;
    }
    CSI_AUTO(certstore_entry) *entry = csi_entry_new(CERTSTORE_KEY, alias, err);
    if (entry == NULL || (entry->key = key_of(key, err)) == NULL)
        return NULL;
    if (cert != NULL && append_x509(entry, cert, err) != CERTSTORE_OK)
        return NULL;
    for (int i = 0; i < sk_X509_num(chain); i++)
        if (append_x509(entry, sk_X509_value(chain, i), err) != CERTSTORE_OK)
            return NULL;
    return csi_steal(&entry);
}
