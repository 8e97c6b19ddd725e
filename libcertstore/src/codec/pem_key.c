/* SPDX-License-Identifier: Apache-2.0 */
/* pem_key.c: private keys in PEM: read in every form there is, written as PKCS#8 (RFC 7468 sections 10 and 11). */
#include "codec/pem.h"

#include "codec/pkcs8.h"

/* A plain traditional key becomes PKCS#8 once, here, so that everything else knows one form. */
static csi_key *plain_key(const struct csi_pem_piece *piece, certstore_error *err)
{
    if (piece->kind == CSI_PEM_PKCS8)
        return csi_key_new_plain(piece->body, "", err);
    char type[32] = "";
    memcpy(type, piece->label.data, piece->label.size < sizeof type ? piece->label.size : 0);
    CSI_AUTO(csi_secret) *pkcs8 = csi_pkcs8_from_traditional(type, piece->body, err);
    return pkcs8 != NULL ? csi_key_new_plain(csi_secret_span(pkcs8), "", err) : NULL;
}

/* RFC 1421 section 4.6.1.1: the one processing type that hides anything. The rest of the headers is read when the key is opened. */
static certstore_status check_headers(const struct csi_pem_document *document, const struct csi_pem_piece *piece, certstore_error *err)
{
    struct csi_span value;
    if (csi_pem_header(piece->headers, "Proc-Type", &value) && csi_span_equal(value, csi_span_text("4,ENCRYPTED")) &&
        csi_pem_header(piece->headers, "DEK-Info", &value) && memchr(value.data, ',', value.size) != NULL)
        return CERTSTORE_OK;
    return csi_fail(err, CERTSTORE_E_MALFORMED,
                    "line %zu: the Proc-Type and DEK-Info headers of %.*s are malformed; restore the block from its source",
                    csi_pem_line(csi_blob_span(document->text[piece->part]), piece->begin), (int)piece->label.size, (const char *)piece->label.data);
}

csi_key *csi_pem_key(const struct csi_pem_document *document, const struct csi_pem_piece *piece, const struct csi_decode *in, certstore_error *err)
{
    CSI_AUTO(csi_blob) *sealed = NULL;
    if (piece->headers.size > 0) {
        if (check_headers(document, piece, err) != CERTSTORE_OK)
            return NULL;
        sealed = csi_blob_new(document->text[piece->part]->data + piece->begin, piece->end - piece->begin, err);
        return sealed != NULL ? csi_key_new_sealed(&csi_protection_pem_legacy, sealed, in->passwords, in->limits, err) : NULL;
    }
    if (piece->kind != CSI_PEM_PKCS8_SEALED)
        return plain_key(piece, err);
    sealed = csi_blob_new(piece->body.data, piece->body.size, err);
    return sealed != NULL ? csi_key_new_sealed(&csi_protection_pkcs8, sealed, in->passwords, in->limits, err) : NULL;
}

static enum csi_pkcs8_scheme scheme_of(enum csi_profile profile)
{
    const bool old = profile == CSI_PROFILE_JAVA8 || profile == CSI_PROFILE_LEGACY;
    return old ? CSI_PKCS8_PBE_SHA1_3DES : CSI_PKCS8_PBES2_AES256_SHA256;
}

/* An edit keeps algorithms: the new key is sealed as the old one was, where that can still be done. */
static csi_blob *seal(struct csi_span pkcs8, const csi_blob *like, const csi_secret *password, const struct csi_encode *in, certstore_error *err)
{
    if (like != NULL) {
        CSI_AUTO(certstore_error) *scratch = certstore_error_new();
        if (scratch == NULL) {
            csi_error_memory(err);
            return NULL;
        }
        csi_blob *sealed = csi_pkcs8_reseal(csi_blob_span(like), pkcs8, password, in->limits, scratch);
        if (sealed != NULL || scratch->status != CERTSTORE_E_UNSUPPORTED) {
            csi_error_move(err, scratch);
            return sealed;
        }
    }
    return csi_pkcs8_seal(scheme_of(in->profile), pkcs8, password, 0, err);
}

static bool is_pem(const certstore_entry *entry)
{
    return entry->origin.document != NULL && entry->origin.document->codec == &csi_codec_pem;
}

/* As it was sealed: moved from one PEM store to another, there is nothing to decrypt it for. */
static void write_sealed(const csi_key *key, struct csi_buf *out)
{
    if (key->protection == &csi_protection_pem_legacy) {
        csi_buf_put_span(out, csi_blob_span(key->sealed));
        if (out->size > 0 && out->data[out->size - 1] != '\n')
            csi_buf_put_u8(out, '\n');
        return;
    }
    csi_pem_write(out, "ENCRYPTED PRIVATE KEY", csi_blob_span(key->sealed));
}

/* What the block in whose place the key goes says about protection: in the clear stays in the clear (a server reads it at start-up, and
 * nobody is there to type a passphrase), encrypted stays encrypted. Without such a block the caller's `protect` decides. */
static certstore_status choose_password(const certstore_entry *entry, const struct csi_pem_piece *old, const struct csi_encode *in,
                                        const csi_secret **password, certstore_error *err)
{
    const bool was_plain = old != NULL && old->kind != CSI_PEM_PKCS8_SEALED && old->headers.size == 0;
    const bool was_sealed = old != NULL && !was_plain;
    *password = was_plain && !in->reprotect ? NULL : csi_passwords_for_key(in->protect, entry->alias);
    if (*password == NULL && was_sealed && !in->reprotect)
        *password = csi_passwords_for_key(in->passwords, entry->alias);
    if (*password == NULL && was_sealed && !in->reprotect)
        return csi_fail(err, CERTSTORE_E_PASSWORD, "%s: the key that it replaces is encrypted; give the passphrase to encrypt the new one with",
                        entry->alias);
    return CERTSTORE_OK;
}

certstore_status csi_pem_write_key(const certstore_entry *entry, const struct csi_pem_piece *old, const struct csi_encode *in, struct csi_buf *out,
                                   certstore_error *err)
{
    const csi_key *key = entry->key;
    const csi_secret *password;
    CSI_AUTO_PLAIN plain = { 0 };
    CSI_AUTO(csi_blob) *like = NULL;
    CSI_TRY(choose_password(entry, old, in, &password, err));
    if (key->protection != NULL && password == NULL && !in->reprotect && is_pem(entry)) {
        write_sealed(key, out);
        return csi_buf_check(out, err);
    }
    CSI_TRY(csi_key_open(key, entry->alias, in->passwords, &plain, err));
    if (password == NULL) {
        csi_pem_write(out, "PRIVATE KEY", csi_secret_span(plain.bytes));
        return csi_buf_check(out, err);
    }
    if (old != NULL && old->kind == CSI_PEM_PKCS8_SEALED && (like = csi_blob_new(old->body.data, old->body.size, err)) == NULL)
        return err->status;
    CSI_AUTO(csi_blob) *sealed = seal(csi_secret_span(plain.bytes), like, password, in, err);
    if (sealed == NULL)
        return err->status;
    csi_pem_write(out, "ENCRYPTED PRIVATE KEY", csi_blob_span(sealed));
    return csi_buf_check(out, err);
}
