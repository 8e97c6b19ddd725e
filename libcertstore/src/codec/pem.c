/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pem.c: the format `pem`: certificates, CRLs and keys as text (RFC 7468), in one file or, for an identity, in two.
 * docs/internals/pem.md draws the map: pem_scan.c finds blocks, pem_text.c cuts the text into pieces, pem_pair.c joins keys and
 * certificates, pem_read.c makes entries, pem_write.c puts an edited bundle back into the text.
 */
#include "codec/pem.h"

static int probe(struct csi_span content)
{
    enum csi_pem_kind kind;
    const char *label;
    const size_t window = content.size < 65536 ? content.size : 65536;
    if (content.size > 0 && memmem(content.data, window, "-----BEGIN ", 11) != NULL)
        return 90;
    return csi_pem_classify_der(content, &kind, &label) ? 40 : 0;
}

/* Whether reading the file again would make up this very alias. */
static certstore_status makes_up(const certstore_entry *entry, bool *same, certstore_error *err)
{
    *same = entry->unnamed;
    if (*same || entry->cert_count == 0)
        return CERTSTORE_OK;
    char alias[CSI_ALIAS_ROOM];
    CSI_TRY(csi_alias_make(csi_span(entry->certs[0].data, entry->certs[0].size), alias, err));
    *same = strcmp(alias, entry->alias) == 0;
    return CERTSTORE_OK;
}

static certstore_status entry_losses(const certstore_entry *entry, certstore_report *losses, certstore_error *err)
{
    const bool ours = entry->origin.document != NULL && entry->origin.document->codec == &csi_codec_pem;
    if (entry->kind == CERTSTORE_SECRET)
        return csi_report_add(losses, "secret-lost", CERTSTORE_FAULT, entry->alias, err, "PEM has no place for a secret key; it is left out");
    bool bound, empty;
    CSI_TRY(csi_losses_bound(entry, &bound, losses, err));
    CSI_TRY(csi_losses_empty(entry, &empty, losses, err));
    if (bound || empty)
        return CERTSTORE_OK;
    if (entry->kind == CERTSTORE_OPAQUE && !ours)
        return csi_report_add(losses, "opaque-lost", CERTSTORE_FAULT, entry->alias, err, "PEM has no place for %s; it is left out",
                              entry->type != NULL ? entry->type : "this entry");
    if (losses->left_out_only)
        return CERTSTORE_OK;
    bool same = true;
    if (!ours)
        CSI_TRY(makes_up(entry, &same, err));
    if (!same)
        CSI_TRY(csi_report_add(losses, "alias-lost", CERTSTORE_INFO, entry->alias, err, "PEM holds no aliases; one is made from the subject"));
    if (entry->created_ms != INT64_MIN)
        CSI_TRY(csi_report_add(losses, "date-lost", CERTSTORE_INFO, entry->alias, err, "PEM does not say when an entry was made"));
    return CERTSTORE_OK;
}

static certstore_status losses(const certstore_bundle *bundle, certstore_report *report, certstore_error *err)
{
    for (size_t i = 0; i < bundle->count; i++)
        CSI_TRY(entry_losses(bundle->entries[i], report, err));
    return CERTSTORE_OK;
}

static const char *const suffixes[] = { ".pem", ".crt", ".cer", ".key", NULL };

const struct csi_codec csi_codec_pem = {
    .name = "pem",
    .capabilities = CERTSTORE_CAN_READ | CERTSTORE_CAN_WRITE | CERTSTORE_CAN_TRUSTED | CERTSTORE_CAN_KEYS | CERTSTORE_CAN_CRLS |
                    CERTSTORE_CAN_TRUST_PURPOSES | CERTSTORE_CAN_KEY_PASSWORDS,
    .rule = CSI_ALIAS_EXACT,
    .suffixes = suffixes,
    .probe = probe,
    .decode = csi_pem_decode_store,
    .encode = csi_pem_encode_store,
    .losses = losses,
};
