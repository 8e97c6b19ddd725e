/* SPDX-License-Identifier: Apache-2.0 */
/* pkey.c: private keys as EVP_PKEY. What the certificate already says of its key is read there: it costs no passphrase. */
#include "key/pkey.h"

#include "model/certinfo.h"
#include "model/ossl.h"
#include "model/pubkey.h"

static certstore_status open_key(const certstore_entry *entry, struct csi_plain_key *plain, certstore_error *err)
{
    if (entry->key == NULL)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "%s: the entry holds no key; name one that does", entry->alias);
    return csi_key_open(entry->key, entry->alias, NULL, plain, err);
}

EVP_PKEY *csi_entry_pkey(const certstore_entry *entry, certstore_error *err)
{
    if (entry->kind != CERTSTORE_KEY) {
        csi_fail(err, CERTSTORE_E_ARGUMENT, "%s: the entry holds no private key; name one that does", entry->alias);
        return NULL;
    }
    CSI_AUTO_PLAIN plain = { 0 };
    if (open_key(entry, &plain, err) != CERTSTORE_OK)
        return NULL;
    return csi_ossl_private_key(csi_secret_span(plain.bytes), err);
}

/* What a token says of a key is enough: the token itself is not asked. */
static csi_secret *public_of_remote(const certstore_entry *entry, certstore_error *err)
{
    CSI_AUTO_BUF spki = { 0 };
    if (!csi_object_spki(csi_blob_span(entry->key->sealed), &spki) || spki.failed) {
        csi_fail(err, CERTSTORE_E_NOT_FOUND, "%s: the token does not say what the key's public half is; put its public key or certificate beside it",
                 entry->alias);
        return NULL;
    }
    return csi_secret_new(spki.data, spki.size, err);
}

/* A private key's public half, as SubjectPublicKeyInfo. */
static csi_secret *public_of(const certstore_entry *entry, certstore_error *err)
{
    if (csi_key_is_remote(entry->key))
        return public_of_remote(entry, err);
    CSI_AUTO_PLAIN plain = { 0 };
    if (open_key(entry, &plain, err) != CERTSTORE_OK)
        return NULL;
    return csi_ossl_public_of(csi_secret_span(plain.bytes), err);
}

static bool leaf_spki(const certstore_entry *entry, struct csi_span *spki)
{
    struct csi_cert_view view;
    if (entry->kind != CERTSTORE_KEY || entry->cert_count == 0 || !csi_cert_skim(csi_span(entry->certs[0].data, entry->certs[0].size), &view))
        return false;
    *spki = view.spki;
    return true;
}

certstore_status csi_entry_key_algorithm(const certstore_entry *entry, struct csi_buf *out, certstore_error *err)
{
    struct csi_span spki;
    if (leaf_spki(entry, &spki) && csi_spki_algorithm(spki, out))
        return CERTSTORE_OK;
    if (entry->kind == CERTSTORE_SECRET) {
        CSI_AUTO_PLAIN plain = { 0 };
        CSI_TRY(open_key(entry, &plain, err));
        csi_buf_put_text(out, plain.algorithm);
        return CERTSTORE_OK;
    }
    CSI_AUTO(csi_secret) *public = public_of(entry, err);
    if (public == NULL)
        return err->status;
    if (!csi_spki_algorithm(csi_secret_span(public), out))
        return csi_fail(err, CERTSTORE_E_MALFORMED, "%s: its public key cannot be read; replace the key", entry->alias);
    return CERTSTORE_OK;
}

certstore_status csi_entry_key_bits(const certstore_entry *entry, int *bits, certstore_error *err)
{
    struct csi_span spki;
    if (leaf_spki(entry, &spki)) {
        *bits = csi_spki_bits(spki);
        return CERTSTORE_OK;
    }
    if (entry->kind == CERTSTORE_SECRET) {
        CSI_AUTO_PLAIN plain = { 0 };
        CSI_TRY(open_key(entry, &plain, err));
        *bits = plain.bytes->size <= INT32_MAX / 8 ? (int)plain.bytes->size * 8 : 0;
        return CERTSTORE_OK;
    }
    CSI_AUTO(csi_secret) *public = public_of(entry, err);
    if (public == NULL)
        return err->status;
    *bits = csi_spki_bits(csi_secret_span(public));
    return CERTSTORE_OK;
}

static certstore_status mismatch(const certstore_entry *entry, certstore_error *err)
{
    return csi_fail(err, CERTSTORE_E_MISMATCH, "%s: the certificate does not carry this private key's public key; give the pair that belongs together",
                    entry->alias);
}

static certstore_status check_remote(const certstore_entry *entry, struct csi_span spki, certstore_error *err)
{
    struct csi_pubkey own;
    struct csi_pubkey leaf;
    CSI_AUTO(csi_secret) *public = public_of_remote(entry, err);
    if (public == NULL)
        return err->status;
    if (!csi_pubkey_of_spki(csi_secret_span(public), &own) || !csi_pubkey_of_spki(spki, &leaf) || !csi_pubkey_equal(&own, &leaf))
        return mismatch(entry, err);
    return CERTSTORE_OK;
}

certstore_status csi_entry_check_key(const certstore_entry *entry, certstore_error *err)
{
    struct csi_span spki;
    if (entry->kind != CERTSTORE_KEY || !leaf_spki(entry, &spki))
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "%s: the entry has no private key with a certificate that could be compared", entry->alias);
    if (csi_key_is_remote(entry->key))
        return check_remote(entry, spki, err);
    CSI_AUTO_PLAIN plain = { 0 };
    CSI_TRY(open_key(entry, &plain, err));
    certstore_error attempt = { 0 };
    certstore_status status = csi_ossl_match(csi_secret_span(plain.bytes), spki, &attempt);
    if (status == CERTSTORE_E_MISMATCH)
        return mismatch(entry, err);
    csi_error_move(err, &attempt);
    return status;
}
