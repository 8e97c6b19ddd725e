/* SPDX-License-Identifier: Apache-2.0 */
/* entry_key.c: public functions that open an entry's key or content. */
#include "api/call.h"
#include "base/bytes.h"
#include "key/csr.h"
#include "key/pkey.h"
#include "key/sign.h"

#include <openssl/evp.h>

CSI_DEFINE_AUTO(EVP_PKEY, EVP_PKEY_free)

certstore_bytes *certstore_entry_export_key_algorithm(const certstore_entry *entry, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin_fenced(&call, &err))
        return NULL;
    if (entry == NULL) {
        csi_fail_null(err, "entry");
        return NULL;
    }
    CSI_AUTO_BUF out = { 0 };
    return csi_entry_key_algorithm(entry, &out, err) == CERTSTORE_OK ? csi_bytes_from_buf(&out, err) : NULL;
}

int certstore_entry_key_bits(const certstore_entry *entry, certstore_error *err)
{
    CSI_AUTO_CALL call;
    int bits = 0;
    if (!csi_call_begin_fenced(&call, &err))
        return 0;
    if (entry == NULL)
        csi_fail_null(err, "entry");
    else
        csi_entry_key_bits(entry, &bits, err);
    return bits;
}

certstore_bytes *certstore_entry_export_key(const certstore_entry *entry, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin_fenced(&call, &err))
        return NULL;
    if (entry == NULL || entry->key == NULL) {
        csi_fail(err, CERTSTORE_E_ARGUMENT, "%s: the entry holds no key; name one that does", entry != NULL ? entry->alias : "entry");
        return NULL;
    }
    CSI_AUTO_PLAIN plain = { 0 };
    if (csi_key_open(entry->key, entry->alias, NULL, &plain, err) != CERTSTORE_OK)
        return NULL;
    return csi_bytes_new(csi_secret_span(plain.bytes), err);
}

certstore_bytes *certstore_entry_export_content(const certstore_entry *entry, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin_fenced(&call, &err))
        return NULL;
    if (entry == NULL || entry->content == NULL) {
        csi_fail(err, CERTSTORE_E_ARGUMENT, "%s: the entry is neither a CRL nor opaque; export its certificates or its key",
                 entry != NULL ? entry->alias : "entry");
        return NULL;
    }
    return csi_bytes_new(csi_blob_span(entry->content), err);
}

certstore_status certstore_entry_check_key(const certstore_entry *entry, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin_fenced(&call, &err))
        return err->status;
    return entry != NULL ? csi_entry_check_key(entry, err) : csi_fail_null(err, "entry");
}

certstore_bytes *certstore_entry_export_csr(const certstore_entry *entry, const char *subject, const char *sans, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin_fenced(&call, &err))
        return NULL;
    if (entry == NULL || subject == NULL || sans == NULL) {
        csi_fail_null(err, entry == NULL ? "entry" : subject == NULL ? "subject" : "sans");
        return NULL;
    }
    CSI_AUTO(EVP_PKEY) *key = csi_entry_pkey(entry, err);
    CSI_AUTO(csi_blob) *request = key != NULL ? csi_csr_make(key, subject, sans, err) : NULL;
    return request != NULL ? csi_bytes_new(csi_blob_span(request), err) : NULL;
}

certstore_bytes *certstore_entry_export_public_key(const certstore_entry *entry, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin_fenced(&call, &err))
        return NULL;
    if (entry == NULL) {
        csi_fail_null(err, "entry");
        return NULL;
    }
    CSI_AUTO_BUF out = { 0 };
    return csi_entry_public_key(entry, &out, err) == CERTSTORE_OK ? csi_bytes_from_buf(&out, err) : NULL;
}

/* The entry's key where the other arguments are there, too. */
static EVP_PKEY *key_for(const certstore_entry *entry, const char *digest, const char *padding, const uint8_t *data, size_t size,
                         certstore_error *err)
{
    if (entry == NULL || digest == NULL || padding == NULL || (data == NULL && size > 0)) {
        csi_fail_null(err, entry == NULL ? "entry" : digest == NULL ? "digest" : padding == NULL ? "padding" : "data");
        return NULL;
    }
    return csi_entry_pkey(entry, err);
}

certstore_bytes *certstore_key_sign(const certstore_entry *entry, const char *digest, const char *padding, const uint8_t *data, size_t size,
                                    certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin_fenced(&call, &err))
        return NULL;
    CSI_AUTO(EVP_PKEY) *key = key_for(entry, digest, padding, data, size, err);
    CSI_AUTO_BUF out = { 0 };
    if (key == NULL || csi_key_sign(key, digest, padding, csi_span(data, size), &out, err) != CERTSTORE_OK)
        return NULL;
    return csi_bytes_from_buf(&out, err);
}

certstore_bytes *certstore_key_decrypt(const certstore_entry *entry, const char *padding, const char *digest, const uint8_t *data, size_t size,
                                       certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin_fenced(&call, &err))
        return NULL;
    CSI_AUTO(EVP_PKEY) *key = key_for(entry, digest, padding, data, size, err);
    CSI_AUTO_BUF out = { 0 };
    if (key == NULL || csi_key_decrypt(key, padding, digest, csi_span(data, size), &out, err) != CERTSTORE_OK)
        return NULL;
    return csi_bytes_from_buf(&out, err);
}
