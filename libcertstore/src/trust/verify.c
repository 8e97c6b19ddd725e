/* SPDX-License-Identifier: Apache-2.0 */
/* verify.c: the findings of a whole store: its integrity, its entries one by one, and what only shows between them. */
#include "trust/verify.h"

#include "base/os.h"
#include "model/ossl.h"
#include "trust/judge.h"

uint32_t csi_judge_hash(struct csi_span bytes)
{
    uint8_t digest[32]; /* a hash nobody can aim at: names come from whoever wrote the store */
    csi_sha256(bytes, digest);
    return (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 | digest[3];
}

static bool format_is(const struct csi_judge *judge, const char *format)
{
    return strcmp(judge->bundle->format, format) == 0;
}

static certstore_status judge_integrity(const struct csi_judge *judge)
{
    bool can_have_one = strncmp(judge->bundle->format, "pem", 3) != 0 && !format_is(judge, "pkcs11") && !format_is(judge, "nss");
    if (judge->bundle->integrity == CERTSTORE_INTEGRITY_ABSENT && can_have_one && judge->bundle->document != NULL)
        return csi_judge_add(judge, "no-integrity", CERTSTORE_WARNING, "",
                             "the store carries no integrity check, so nobody would notice a change; write it with a passphrase");
    if (judge->bundle->integrity == CERTSTORE_INTEGRITY_UNCHECKED)
        return csi_judge_add(judge, "unchecked-integrity", CERTSTORE_WARNING, "",
                             "the store's integrity was not checked for want of a passphrase; give it");
    return CERTSTORE_OK;
}

static certstore_status add_unreadable(const struct csi_judge *judge, const certstore_entry *entry, const certstore_error *why)
{
    if (why->status == CERTSTORE_E_MEMORY) {
        csi_error_move(judge->err, why);
        return judge->err->status;
    }
    if (why->status == CERTSTORE_E_PASSWORD)
        return csi_judge_add(judge, "key-unreadable", CERTSTORE_WARNING, entry->alias, why->message);
    return csi_judge_add(judge, "key-unreadable", CERTSTORE_FAULT, entry->alias, why->message);
}

/* A key on a token is not asked for: its object says its public key. */
static certstore_status judge_remote_pair(const struct csi_judge *judge, const certstore_entry *entry)
{
    struct csi_cert_view view;
    struct csi_pubkey key;
    struct csi_pubkey certified;
    if (entry->cert_count == 0 || !csi_cert_skim(csi_span(entry->certs[0].data, entry->certs[0].size), &view) ||
        !csi_key_public(entry->key, entry->alias, NULL, &key) || !csi_pubkey_of_spki(view.spki, &certified) || csi_pubkey_equal(&key, &certified))
        return CERTSTORE_OK;
    return csi_judge_add(judge, "key-mismatch", CERTSTORE_FAULT, entry->alias,
                         "the certificate carries another public key than the private key's; replace the one that is wrong");
}

/* Opens the key and holds it against the first certificate, if there is one. */
static certstore_status judge_key_pair(const struct csi_judge *judge, const certstore_entry *entry)
{
    certstore_error why = { 0 };
    CSI_AUTO_PLAIN plain = { 0 };
    struct csi_cert_view view;
    if (csi_key_open(entry->key, entry->alias, NULL, &plain, &why) != CERTSTORE_OK)
        return add_unreadable(judge, entry, &why);
    if (entry->cert_count == 0 || !csi_cert_skim(csi_span(entry->certs[0].data, entry->certs[0].size), &view))
        return CERTSTORE_OK;
    certstore_status status = csi_ossl_match(csi_secret_span(plain.bytes), view.spki, &why);
    if (status == CERTSTORE_E_MISMATCH)
        return csi_judge_add(judge, "key-mismatch", CERTSTORE_FAULT, entry->alias,
                             "the certificate carries another public key than the private key's; replace the one that is wrong");
    return status == CERTSTORE_OK ? CERTSTORE_OK : add_unreadable(judge, entry, &why);
}

static certstore_status judge_key_entry(const struct csi_judge *judge, const certstore_entry *entry)
{
    if (entry->cert_count == 0)
        CSI_TRY(csi_judge_add(judge, "no-certificate", CERTSTORE_WARNING, entry->alias, "the key has no certificate; add the one issued for it"));
    else
        CSI_TRY(csi_judge_chain(judge, entry));
    if (entry->key == NULL)
        return CERTSTORE_OK;
    return csi_key_is_remote(entry->key) ? judge_remote_pair(judge, entry) : judge_key_pair(judge, entry);
}

static certstore_status judge_secret(const struct csi_judge *judge, const certstore_entry *entry)
{
    enum { LEAST_BYTES = 14 }; /* 112 bits, as for the others */
    certstore_error why = { 0 };
    CSI_AUTO_PLAIN plain = { 0 };
    if (entry->key == NULL || csi_key_is_remote(entry->key))
        return CERTSTORE_OK;
    if (csi_key_open(entry->key, entry->alias, NULL, &plain, &why) != CERTSTORE_OK)
        return add_unreadable(judge, entry, &why);
    if (plain.bytes->size >= LEAST_BYTES)
        return CERTSTORE_OK;
    return csi_judge_add(judge, "weak-key", CERTSTORE_WARNING, entry->alias, "the secret key has less than 112 bits; make a new key");
}

/* What Java's key stores would not show, or would not find. */
static certstore_status judge_java(const struct csi_judge *judge, const certstore_entry *entry)
{
    if (format_is(judge, "pkcs12") && entry->kind == CERTSTORE_TRUSTED && entry->trust.trusted_count == 0)
        return csi_judge_add(judge, "java-invisible", CERTSTORE_WARNING, entry->alias,
                             "without Java's trust attribute Java does not list this certificate; trust it for a purpose, such as any");
    if (!format_is(judge, "jks") && !format_is(judge, "jceks"))
        return CERTSTORE_OK;
    CSI_AUTO(csi_chars) *folded = csi_alias_fold(CSI_ALIAS_LOWER, entry->alias, judge->err);
    if (folded == NULL)
        return judge->err->status;
    if (strcmp(folded, entry->alias) == 0)
        return CERTSTORE_OK;
    return csi_judge_add(judge, "java-invisible", CERTSTORE_WARNING, entry->alias,
                         "Java lists this alias and cannot find it, since it looks for lower case; rename the entry");
}

static certstore_status judge_entry(const struct csi_judge *judge, const certstore_entry *entry)
{
    for (size_t i = 0; i < entry->cert_count; i++)
        CSI_TRY(csi_judge_cert(judge, entry, i));
    CSI_TRY(judge_java(judge, entry));
    switch (entry->kind) {
    case CERTSTORE_KEY:
        return judge_key_entry(judge, entry);
    case CERTSTORE_SECRET:
        return judge_secret(judge, entry);
    case CERTSTORE_CRL:
        return entry->content != NULL ? csi_judge_crl(judge, entry) : CERTSTORE_OK;
    default:
        return CERTSTORE_OK;
    }
}

/* Every subject once: the table only says whether a name is there. */
static certstore_status note_subjects(struct csi_judge *judge, const certstore_entry *entry)
{
    for (size_t i = 0; i < entry->cert_count; i++) {
        struct csi_cert_view view;
        size_t cursor = 0;
        if (!csi_cert_skim(csi_span(entry->certs[i].data, entry->certs[i].size), &view))
            continue;
        uint32_t hash = csi_judge_hash(view.subject);
        if (csi_table_next(&judge->subjects, hash, &cursor) == SIZE_MAX)
            CSI_TRY(csi_table_put(&judge->subjects, hash, 0, judge->err));
    }
    return CERTSTORE_OK;
}

/* The same trust anchor under two aliases: removing one leaves it trusted. */
static certstore_status judge_duplicates(const struct csi_judge *judge)
{
    CSI_AUTO_TABLE seen = { 0 };
    for (size_t i = 0; i < judge->bundle->count; i++) {
        const certstore_entry *entry = judge->bundle->entries[i];
        const certstore_entry *earlier = NULL;
        size_t cursor = 0;
        size_t j;
        if (entry->kind != CERTSTORE_TRUSTED || entry->cert_count == 0)
            continue;
        struct csi_span der = csi_span(entry->certs[0].data, entry->certs[0].size);
        uint32_t hash = csi_judge_hash(der);
        while (earlier == NULL && (j = csi_table_next(&seen, hash, &cursor)) != SIZE_MAX) {
            const struct certstore_cert *cert = &judge->bundle->entries[j]->certs[0];
            if (csi_span_equal(der, csi_span(cert->data, cert->size)))
                earlier = judge->bundle->entries[j];
        }
        if (earlier == NULL)
            CSI_TRY(csi_table_put(&seen, hash, i, judge->err));
        else
            CSI_TRY(csi_report_add(judge->report, "duplicate-certificate", CERTSTORE_WARNING, entry->alias, judge->err,
                                   "the same certificate as %s; remove one of them", earlier->alias));
    }
    return CERTSTORE_OK;
}

/* Aliases that differ in case only: one format keeps them apart, Java's do not. */
static certstore_status judge_aliases(const struct csi_judge *judge)
{
    CSI_AUTO_TABLE seen = { 0 };
    struct csi_hash_key key;
    if (judge->bundle->rule == CSI_ALIAS_LOWER) /* the bundle could not hold two of them */
        return CERTSTORE_OK;
    CSI_TRY(csi_unpredictable(&key, sizeof key, judge->err));
    for (size_t i = 0; i < judge->bundle->count; i++) {
        const certstore_entry *entry = judge->bundle->entries[i];
        uint32_t hash = csi_alias_hash(CSI_ALIAS_LOWER, &key, entry->alias);
        size_t cursor = 0;
        size_t j;
        do
            j = csi_table_next(&seen, hash, &cursor);
        while (j != SIZE_MAX && !csi_alias_equal(CSI_ALIAS_LOWER, judge->bundle->entries[j]->alias, entry->alias));
        if (j == SIZE_MAX)
            CSI_TRY(csi_table_put(&seen, hash, i, judge->err));
        else
            CSI_TRY(csi_report_add(judge->report, "duplicate-alias", CERTSTORE_WARNING, entry->alias, judge->err,
                                   "differs from the alias %s in case only, which Java does not see; rename one of them",
                                   judge->bundle->entries[j]->alias));
    }
    return CERTSTORE_OK;
}

/* What a token's objects say of one another shows only while they are read: a certificate that is not the key's whose name it has, a key twice. */
static certstore_status judge_notes(const struct csi_judge *judge)
{
    static const char *const codes[] = { "key-mismatch", "duplicate-key", "duplicate-certificate", "shared-label" };
    const certstore_report *notes = judge->bundle->notes;
    for (size_t i = 0; i < notes->count; i++)
        for (size_t c = 0; c < sizeof codes / sizeof *codes; c++)
            if (strcmp(notes->rows[i].code, codes[c]) == 0)
                CSI_TRY(csi_report_add(judge->report, codes[c], notes->rows[i].severity, notes->rows[i].subject, judge->err, "%s",
                                       notes->rows[i].message));
    return CERTSTORE_OK;
}

static certstore_status judge_all(struct csi_judge *judge)
{
    const certstore_bundle *bundle = judge->bundle;
    CSI_TRY(judge_integrity(judge));
    for (size_t i = 0; i < bundle->count; i++)
        CSI_TRY(note_subjects(judge, bundle->entries[i]));
    for (size_t i = 0; i < bundle->count; i++)
        CSI_TRY(judge_entry(judge, bundle->entries[i]));
    CSI_TRY(judge_duplicates(judge));
    CSI_TRY(judge_notes(judge));
    return judge_aliases(judge);
}

certstore_status csi_bundle_verify(const certstore_bundle *bundle, int64_t now, int days, certstore_report *report, certstore_error *err)
{
    int64_t soon;
    if (__builtin_add_overflow(now, (int64_t)(days > 0 ? days : 0) * 86400, &soon))
        soon = INT64_MAX;
    struct csi_judge judge = { .bundle = bundle, .now = now, .soon = soon, .report = report, .err = err };
    certstore_status status = judge_all(&judge);
    csi_table_free(&judge.subjects);
    return status;
}
