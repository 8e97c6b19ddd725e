/* SPDX-License-Identifier: Apache-2.0 */
/* jks.c: the two codecs over Java's own key store formats: how they are recognised, and what they cannot hold. */
#include "codec/jks.h"

static uint32_t magic_of(struct csi_span content)
{
    struct csi_reader r = csi_reader(content);
    uint32_t magic;
    return csi_read_u32(&r, &magic) ? magic : 0;
}

static int probe_jks(struct csi_span content)
{
    return magic_of(content) == CSI_JKS_MAGIC ? 100 : 0;
}

static int probe_jceks(struct csi_span content)
{
    return magic_of(content) == CSI_JCEKS_MAGIC ? 100 : 0;
}

static certstore_bundle *decode_jks(const struct csi_decode *in, certstore_error *err)
{
    return csi_jks_decode(&csi_codec_jks, in, err);
}

static certstore_bundle *decode_jceks(const struct csi_decode *in, certstore_error *err)
{
    return csi_jks_decode(&csi_codec_jceks, in, err);
}

static certstore_status encode_jks(const certstore_bundle *bundle, const struct csi_encode *in, csi_parts *parts, certstore_error *err)
{
    return csi_jks_encode(&csi_codec_jks, bundle, in, parts, err);
}

static certstore_status encode_jceks(const certstore_bundle *bundle, const struct csi_encode *in, csi_parts *parts, certstore_error *err)
{
    return csi_jks_encode(&csi_codec_jceks, bundle, in, parts, err);
}

const struct csi_jks_document *csi_jks_document_of(const struct csi_codec *codec, const certstore_bundle *bundle)
{
    if (bundle->document == NULL || bundle->document->codec != codec)
        return NULL;
    return (const struct csi_jks_document *)bundle->document;
}

/* ------------------------------------------------------------------------------------------------------------- losses */

static bool is_from(const struct csi_codec *codec, const certstore_bundle *bundle, const certstore_entry *entry)
{
    const struct csi_jks_document *document = csi_jks_document_of(codec, bundle);
    return document != NULL && entry->origin.document == &document->base;
}

bool csi_jks_holds(const struct csi_codec *codec, const certstore_bundle *bundle, const certstore_entry *entry)
{
    switch (entry->kind) {
    case CERTSTORE_TRUSTED:
        return entry->cert_count > 0;
    case CERTSTORE_KEY:
        return entry->key != NULL;
    case CERTSTORE_SECRET:
        return entry->key != NULL && codec == &csi_codec_jceks;
    case CERTSTORE_OPAQUE:
        return is_from(codec, bundle, entry);
    case CERTSTORE_CRL:
        break;
    }
    return false;
}

static certstore_status add_unheld(const certstore_entry *entry, certstore_report *losses, certstore_error *err)
{
    switch (entry->kind) {
    case CERTSTORE_CRL:
        return csi_report_add(losses, "crl-lost", CERTSTORE_FAULT, entry->alias, err, "a revocation list: Java's key stores hold none");
    case CERTSTORE_SECRET:
        return csi_report_add(losses, "secret-lost", CERTSTORE_FAULT, entry->alias, err, "a secret key: JKS holds none (JCEKS and PKCS#12 do)");
    case CERTSTORE_OPAQUE:
        return csi_report_add(losses, "opaque-lost", CERTSTORE_FAULT, entry->alias, err, "%s: only the format it comes from can hold it",
                              entry->type != NULL ? entry->type : "something unknown");
    case CERTSTORE_KEY:
    case CERTSTORE_TRUSTED:
        break;
    }
    return csi_report_add(losses, "opaque-lost", CERTSTORE_FAULT, entry->alias, err, "an entry without the key or certificate that makes it one");
}

/* "any" is what a trusted certificate of these formats is trusted for anyway. */
static bool has_purposes(const struct csi_trust *trust)
{
    for (size_t i = 0; i < trust->trusted_count; i++)
        if (strcmp(trust->trusted[i], "any") == 0)
            return trust->rejected_count > 0;
    return trust->trusted_count + trust->rejected_count > 0;
}

static certstore_status add_entry_losses(const struct csi_codec *codec, const certstore_bundle *bundle, const certstore_entry *entry,
                                         certstore_report *losses, certstore_error *err)
{
    if (!csi_jks_holds(codec, bundle, entry))
        return add_unheld(entry, losses, err);
    bool bound;
    CSI_TRY(csi_losses_bound(entry, &bound, losses, err));
    if (bound || losses->left_out_only)
        return CERTSTORE_OK;
    if (has_purposes(&entry->trust))
        CSI_TRY(csi_report_add(losses, "trust-lost", CERTSTORE_WARNING, entry->alias, err,
                               "what it is trusted for: in Java's own key stores every trusted certificate is trusted for everything"));
    if (is_from(codec, bundle, entry) && (entry->origin.changed & CSI_CHANGED_ALIAS) == 0)
        return CERTSTORE_OK; /* its alias is written as it was read */
    CSI_AUTO(csi_chars) *folded = csi_alias_fold(CSI_ALIAS_LOWER, entry->alias, err);
    if (folded == NULL)
        return err->status;
    if (strcmp(folded, entry->alias) == 0)
        return CERTSTORE_OK;
    return csi_report_add(losses, "case-lost", CERTSTORE_INFO, entry->alias, err, "the capital letters of its alias: it becomes \"%s\"", folded);
}

certstore_status csi_jks_collisions(const struct csi_codec *codec, const certstore_bundle *bundle, certstore_report *report, certstore_error *err)
{
    if (bundle->rule == CSI_ALIAS_LOWER)
        return CERTSTORE_OK;
    CSI_AUTO(certstore_bundle) *seen = csi_bundle_new("jks", CSI_ALIAS_LOWER, err);
    if (seen == NULL)
        return err->status;
    for (size_t i = 0; i < bundle->count; i++) {
        const certstore_entry *entry = bundle->entries[i];
        if (!csi_jks_holds(codec, bundle, entry))
            continue;
        const size_t other = csi_bundle_position(seen, entry->alias);
        if (other == SIZE_MAX) {
            CSI_TRY(csi_bundle_append(seen, csi_entry_ref(entry), false, err));
            continue;
        }
        const char *taken = seen->entries[other]->alias;
        if (report == NULL)
            return csi_fail(err, CERTSTORE_E_EXISTS, "alias \"%s\": Java's key stores cannot tell it from \"%s\"; rename one of them", entry->alias,
                            taken);
        CSI_TRY(csi_report_add(report, "alias-collision", CERTSTORE_FAULT, entry->alias, err,
                               "Java's key stores cannot tell its alias from \"%s\"; rename one of them", taken));
    }
    return CERTSTORE_OK;
}

static certstore_status add_losses(const struct csi_codec *codec, const certstore_bundle *bundle, certstore_report *losses, certstore_error *err)
{
    for (size_t i = 0; i < bundle->count; i++)
        CSI_TRY(add_entry_losses(codec, bundle, bundle->entries[i], losses, err));
    return losses->left_out_only ? CERTSTORE_OK : csi_jks_collisions(codec, bundle, losses, err); /* encode() fails on them by itself */
}

static certstore_status losses_jks(const certstore_bundle *bundle, certstore_report *losses, certstore_error *err)
{
    return add_losses(&csi_codec_jks, bundle, losses, err);
}

static certstore_status losses_jceks(const certstore_bundle *bundle, certstore_report *losses, certstore_error *err)
{
    return add_losses(&csi_codec_jceks, bundle, losses, err);
}

/* ------------------------------------------------------------------------------------------------------------- codecs */

enum {
    BOTH_CAN = CERTSTORE_CAN_READ | CERTSTORE_CAN_WRITE | CERTSTORE_CAN_TRUSTED | CERTSTORE_CAN_KEYS | CERTSTORE_CAN_ALIASES | CERTSTORE_CAN_DATES |
               CERTSTORE_CAN_KEY_PASSWORDS | CERTSTORE_CAN_INTEGRITY
};

static const char *const suffixes_jks[] = { ".jks", NULL };
static const char *const suffixes_jceks[] = { ".jceks", NULL };

const struct csi_codec csi_codec_jks = {
    .name = "jks",
    .capabilities = BOTH_CAN,
    .rule = CSI_ALIAS_LOWER,
    .suffixes = suffixes_jks,
    .probe = probe_jks,
    .decode = decode_jks,
    .encode = encode_jks,
    .losses = losses_jks,
};

const struct csi_codec csi_codec_jceks = {
    .name = "jceks",
    .capabilities = BOTH_CAN | CERTSTORE_CAN_SECRETS,
    .rule = CSI_ALIAS_LOWER,
    .suffixes = suffixes_jceks,
    .probe = probe_jceks,
    .decode = decode_jceks,
    .encode = encode_jceks,
    .losses = losses_jceks,
};
