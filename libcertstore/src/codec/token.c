/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.c: the formats `pkcs11` and `nss`: the objects of a PKCS#11 token, and of an NSS database, as a store. They differ in how trust is said,
 * and in that NSS holds one certificate of an issuer and serial number. No token is spoken to here: objects come and go as bytes.
 */
#include "codec/token.h"

#include <p11-kit/pkcs11.h>

bool csi_token_is_ours(const struct csi_document *document)
{
    return document != NULL && (document->codec == &csi_codec_pkcs11 || document->codec == &csi_codec_nss);
}

/* ------------------------------------------------------------------------------------------------------------------------ text */

/* U+0000 stands as C0 80 in an alias (base/text.h), and as itself on a token. */
char *csi_token_label_text(struct csi_span label, certstore_error *err)
{
    CSI_AUTO_BUF text = { 0 };
    const uint8_t *end = csi_span_end(label);
    if (csi_utf8_valid(label))
        for (const uint8_t *at = label.data; at < end;)
            csi_utf8_put(&text, csi_utf8_next(&at, end));
    else
        csi_text_from_latin1(label, &text);
    csi_buf_put_u8(&text, 0);
    return csi_buf_check(&text, err) == CERTSTORE_OK ? csi_strdup((const char *)text.data, err) : NULL;
}

certstore_status csi_token_put_label(struct csi_object_draft *draft, const char *alias, certstore_error *err)
{
    CSI_AUTO_BUF label = { 0 };
    for (const char *at = alias; *at != '\0'; at++) {
        bool is_nul = (uint8_t)at[0] == 0xc0 && (uint8_t)at[1] == 0x80;
        csi_buf_put_u8(&label, is_nul ? 0 : (uint8_t)*at);
        at += is_nul;
    }
    CSI_TRY(csi_buf_check(&label, err));
    csi_object_put(draft, CKA_LABEL, csi_buf_span(&label));
    return CERTSTORE_OK;
}

/* ---------------------------------------------------------------------------------------------------------------------- losses */

static certstore_status add_trust_losses(const struct csi_codec *codec, const certstore_entry *entry, certstore_report *losses, certstore_error *err)
{
    bool ours = csi_token_is_ours(entry->origin.document);
    bool says = entry->trust.trusted_count + entry->trust.rejected_count > 0;
    if (codec == &csi_codec_nss && entry->kind == CERTSTORE_TRUSTED && !says && !ours)
        return csi_report_add(losses, "trust-unsaid", CERTSTORE_WARNING, entry->alias, err,
                              "that it is trusted: an NSS database trusts a certificate only for purposes that are named, and none is");
    if (codec == &csi_codec_nss && csi_token_has_foreign_purpose(entry))
        return csi_report_add(losses, "trust-lost", CERTSTORE_WARNING, entry->alias, err,
                              "some purposes it is trusted for: NSS has serverAuth, clientAuth, codeSigning and emailProtection");
    if (codec == &csi_codec_nss || !says || csi_token_trusts_all(entry) || ours)
        return CERTSTORE_OK;
    if (entry->trust.rejected_count > 0)
        CSI_TRY(csi_report_add(losses, "lost-reject", CERTSTORE_WARNING, entry->alias, err,
                               "what it is not trusted for: a token cannot say that; whoever reads it trusts the certificate"));
    if (entry->trust.trusted_count > 0)
        CSI_TRY(csi_report_add(losses, "trust-lost", CERTSTORE_WARNING, entry->alias, err,
                               "what it is trusted for: a token does not say that; whoever reads it decides"));
    return CERTSTORE_OK;
}

/* A CRL, or something opaque, stays on the token that it is on; nobody can tell another one to take it. */
static bool is_from(const certstore_bundle *bundle, const certstore_entry *entry)
{
    return csi_token_is_ours(bundle->document) && entry->origin.document == bundle->document;
}

static certstore_status add_entry_losses(const struct csi_codec *codec, const certstore_bundle *bundle, const certstore_entry *entry,
                                         certstore_report *losses, certstore_error *err)
{
    bool ours = is_from(bundle, entry);
    bool is_data = entry->kind == CERTSTORE_OPAQUE && entry->type != NULL && strcmp(entry->type, "data") == 0;
    if (entry->created_ms != INT64_MIN)
        CSI_TRY(csi_report_add(losses, "date-lost", CERTSTORE_INFO, entry->alias, err, "a token does not say when an entry was made"));
    bool bound, empty;
    CSI_TRY(csi_losses_bound(entry, &bound, losses, err));
    CSI_TRY(csi_losses_empty(entry, &empty, losses, err));
    if (bound || empty)
        return CERTSTORE_OK;
    if (entry->kind == CERTSTORE_CRL && !ours)
        return csi_report_add(losses, "crl-lost", CERTSTORE_FAULT, entry->alias, err, "a token is given no revocation lists; it is left out");
    if (entry->kind == CERTSTORE_OPAQUE && !ours && !(is_data && codec == &csi_codec_pkcs11))
        return csi_report_add(losses, "opaque-lost", CERTSTORE_FAULT, entry->alias, err, "only the format it comes from can hold it");
    if ((entry->kind != CERTSTORE_TRUSTED && entry->kind != CERTSTORE_KEY) || losses->left_out_only)
        return CERTSTORE_OK;
    return add_trust_losses(codec, entry, losses, err);
}

static certstore_status add_losses(const struct csi_codec *codec, const certstore_bundle *bundle, certstore_report *losses, certstore_error *err)
{
    for (size_t i = 0; i < bundle->count; i++)
        CSI_TRY(add_entry_losses(codec, bundle, bundle->entries[i], losses, err));
    return CERTSTORE_OK;
}

/* ----------------------------------------------------------------------------------------------------------------- the two codecs */

/* Objects are never found in a file. */
static int probe(struct csi_span content)
{
    (void)content;
    return 0;
}

static certstore_bundle *decode_pkcs11(const struct csi_decode *in, certstore_error *err)
{
    return csi_token_decode(&csi_codec_pkcs11, in, err);
}

static certstore_bundle *decode_nss(const struct csi_decode *in, certstore_error *err)
{
    return csi_token_decode(&csi_codec_nss, in, err);
}

static certstore_status encode_pkcs11(const certstore_bundle *bundle, const struct csi_encode *in, csi_parts *parts, certstore_error *err)
{
    return csi_token_encode(&csi_codec_pkcs11, bundle, in, parts, err);
}

static certstore_status encode_nss(const certstore_bundle *bundle, const struct csi_encode *in, csi_parts *parts, certstore_error *err)
{
    return csi_token_encode(&csi_codec_nss, bundle, in, parts, err);
}

static certstore_status losses_pkcs11(const certstore_bundle *bundle, certstore_report *losses, certstore_error *err)
{
    return add_losses(&csi_codec_pkcs11, bundle, losses, err);
}

static certstore_status losses_nss(const certstore_bundle *bundle, certstore_report *losses, certstore_error *err)
{
    return add_losses(&csi_codec_nss, bundle, losses, err);
}

static const char *const suffixes[] = { NULL };

enum {
    BOTH_CAN = CERTSTORE_CAN_READ | CERTSTORE_CAN_WRITE | CERTSTORE_CAN_TRUSTED | CERTSTORE_CAN_KEYS | CERTSTORE_CAN_SECRETS | CERTSTORE_CAN_ALIASES |
               CERTSTORE_CAN_GENERATE | CERTSTORE_CAN_WRAP
};

const struct csi_codec csi_codec_pkcs11 = {
    .name = "pkcs11",
    .capabilities = BOTH_CAN | CERTSTORE_CAN_MARK_TRUSTED,
    .rule = CSI_ALIAS_EXACT,
    .suffixes = suffixes,
    .probe = probe,
    .decode = decode_pkcs11,
    .encode = encode_pkcs11,
    .losses = losses_pkcs11,
};

const struct csi_codec csi_codec_nss = {
    .name = "nss",
    .capabilities = BOTH_CAN | CERTSTORE_CAN_TRUST_PURPOSES,
    .rule = CSI_ALIAS_EXACT,
    .suffixes = suffixes,
    .probe = probe,
    .decode = decode_nss,
    .encode = encode_nss,
    .losses = losses_nss,
};
