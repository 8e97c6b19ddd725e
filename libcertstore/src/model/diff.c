/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff.c: which entry of one bundle is which of the other, and what is different about it.
 *
 * Entries are paired in four passes, each over what the ones before left: by the aliases both stores gave; by meaning (the same certificate, key or
 * content under another alias, or under none, as in PEM); keys by their public key, so that a renewed certificate is a change and not another
 * entry; and at last by any alias, made up or not, since a PEM file's renewed certificate keeps the
 * alias its subject gives it. What is left was added or removed.
 */
#include "model/diff.h"

#include <p11-kit/pkcs11.h>

#include "base/os.h"
#include "model/certinfo.h"
#include "model/ossl.h"
#include "model/table.h"

enum { NONE = -1 };

struct pairing {
    const certstore_bundle *a;
    const certstore_bundle *b;
    enum csi_alias_rule rule; /* the one that tells fewer aliases apart: what it takes for one, one of the two stores does */
    struct csi_hash_key key;
    bool by_public_key; /* what pair_by_meaning() goes by: the public key of private keys alone */
    ptrdiff_t *mate_of_a;
    ptrdiff_t *mate_of_b;
    ptrdiff_t *next; /* entries of b with the same meaning, in order: lists of their own, so that many copies of one cost no more */
};

static void pairing_free(struct pairing *pairing)
{
    free(pairing->mate_of_a);
    free(pairing->mate_of_b);
    free(pairing->next);
}
#define AUTO_PAIRING __attribute__((cleanup(pairing_free))) struct pairing

static certstore_status pairing_begin(struct pairing *p, certstore_error *err)
{
    p->rule = p->a->rule == CSI_ALIAS_LOWER ? p->a->rule : p->b->rule;
    p->mate_of_a = csi_new(p->a->count, sizeof *p->mate_of_a, err);
    p->mate_of_b = csi_new(p->b->count, sizeof *p->mate_of_b, err);
    p->next = csi_new(p->b->count, sizeof *p->next, err);
    if (p->mate_of_a == NULL || p->mate_of_b == NULL || p->next == NULL)
        return err->status;
    for (size_t i = 0; i < p->a->count; i++)
        p->mate_of_a[i] = NONE;
    for (size_t i = 0; i < p->b->count; i++)
        p->mate_of_b[i] = p->next[i] = NONE;
    return csi_unpredictable(&p->key, sizeof p->key, err);
}

static void join(struct pairing *p, size_t i, size_t j)
{
    p->mate_of_a[i] = (ptrdiff_t)j;
    p->mate_of_b[j] = (ptrdiff_t)i;
}

/* An entry of b of that alias that has no mate yet: the very same spelling first, then any that the rule takes for it. */
static size_t find_alias(const struct pairing *p, const struct csi_table *aliases, const char *alias, bool exact)
{
    uint32_t hash = csi_alias_hash(p->rule, &p->key, alias);
    size_t j;
    for (size_t cursor = 0; (j = csi_table_next(aliases, hash, &cursor)) != SIZE_MAX;)
        if (p->mate_of_b[j] == NONE && csi_alias_equal(exact ? CSI_ALIAS_EXACT : p->rule, p->b->entries[j]->alias, alias))
            return j;
    return SIZE_MAX;
}

static certstore_status pair_by_alias(struct pairing *p, bool made_up_too, certstore_error *err)
{
    CSI_AUTO_TABLE aliases = { 0 };
    for (size_t j = 0; j < p->b->count; j++)
        if (p->mate_of_b[j] == NONE && (made_up_too || !p->b->entries[j]->unnamed))
            CSI_TRY(csi_table_put(&aliases, csi_alias_hash(p->rule, &p->key, p->b->entries[j]->alias), j, err));
    for (int exact = 1; exact >= 0; exact--) {
        for (size_t i = 0; i < p->a->count; i++) {
            const certstore_entry *entry = p->a->entries[i];
            if (p->mate_of_a[i] != NONE || (entry->unnamed && !made_up_too))
                continue;
            size_t j = find_alias(p, &aliases, entry->alias, exact != 0);
            if (j != SIZE_MAX)
                join(p, i, j);
        }
    }
    return CERTSTORE_OK;
}

/* What an entry is, whatever it is called: its first certificate, else its content, else its key's bytes as stored. */
static struct csi_span essence(const certstore_entry *entry)
{
    if (entry->cert_count > 0)
        return csi_span(entry->certs[0].data, entry->certs[0].size);
    if (entry->content != NULL)
        return csi_blob_span(entry->content);
    if (entry->key == NULL)
        return csi_span(NULL, 0);
    return entry->key->protection != NULL ? csi_blob_span(entry->key->sealed) : csi_secret_span(entry->key->plain.bytes);
}

static struct csi_span meaning(const struct pairing *p, const certstore_entry *entry)
{
    struct csi_cert_view view;
    if (!p->by_public_key)
        return essence(entry);
    struct csi_span spki = { 0 };
    if (entry->kind == CERTSTORE_KEY && entry->cert_count > 0 && csi_cert_skim(essence(entry), &view))
        spki = view.spki;
    else if (entry->kind == CERTSTORE_KEY && csi_key_is_remote(entry->key))
        csi_object_get(csi_blob_span(entry->key->sealed), CKA_PUBLIC_KEY_INFO, &spki);
    return spki;
}

static uint32_t meaning_hash(const struct pairing *p, const certstore_entry *entry)
{
    uint8_t digest[32];
    csi_sha256(meaning(p, entry), digest);
    return (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 | digest[3];
}

static bool same_meaning(const struct pairing *p, const certstore_entry *a, const certstore_entry *b)
{
    struct csi_span bytes = meaning(p, a);
    return a->kind == b->kind && bytes.size > 0 && csi_span_equal(bytes, meaning(p, b));
}

/* The head of the list of b's entries that are the same as one; SIZE_MAX when there is none. */
static size_t find_meaning(const struct pairing *p, const struct csi_table *table, uint32_t hash, const certstore_entry *entry)
{
    size_t j;
    for (size_t cursor = 0; (j = csi_table_next(table, hash, &cursor)) != SIZE_MAX;)
        if (same_meaning(p, p->b->entries[j], entry))
            return j;
    return SIZE_MAX;
}

static certstore_status list_meanings(struct pairing *p, struct csi_table *table, certstore_error *err)
{
    for (size_t j = p->b->count; j-- > 0;) { /* backwards, so that each list comes out in order */
        const certstore_entry *entry = p->b->entries[j];
        if (p->mate_of_b[j] != NONE || meaning(p, entry).size == 0)
            continue;
        uint32_t hash = meaning_hash(p, entry);
        size_t head = find_meaning(p, table, hash, entry);
        p->next[j] = NONE;
        if (head != SIZE_MAX) {
            p->next[j] = (ptrdiff_t)head;
            csi_table_remove(table, hash, head);
        }
        CSI_TRY(csi_table_put(table, hash, j, err));
    }
    return CERTSTORE_OK;
}

static certstore_status pair_by_meaning(struct pairing *p, bool by_public_key, certstore_error *err)
{
    p->by_public_key = by_public_key;
    CSI_AUTO_TABLE table = { 0 };
    CSI_TRY(list_meanings(p, &table, err));
    for (size_t i = 0; i < p->a->count; i++) {
        const certstore_entry *entry = p->a->entries[i];
        if (p->mate_of_a[i] != NONE || meaning(p, entry).size == 0)
            continue;
        uint32_t hash = meaning_hash(p, entry);
        size_t head = find_meaning(p, &table, hash, entry);
        if (head == SIZE_MAX)
            continue;
        join(p, i, head);
        csi_table_remove(&table, hash, head);
        if (p->next[head] != NONE)
            CSI_TRY(csi_table_put(&table, hash, (size_t)p->next[head], err));
    }
    return CERTSTORE_OK;
}

static const char *const kind_names[] = { "trusted certificate", "private key", "secret key", "CRL", "opaque entry" };

static certstore_status describe(const certstore_entry *entry, struct csi_buf *text, certstore_error *err)
{
    csi_buf_put_text(text, kind_names[entry->kind]);
    if (entry->cert_count > 0) {
        csi_buf_put_u8(text, ' ');
        csi_cert_label(essence(entry), text);
    }
    csi_buf_put_u8(text, 0);
    return csi_buf_check(text, err);
}

static certstore_status report_alone(certstore_report *report, const char *code, certstore_severity severity, const certstore_entry *entry,
                                     certstore_error *err)
{
    CSI_AUTO_BUF text = { 0 };
    CSI_TRY(describe(entry, &text, err));
    return csi_report_add(report, code, severity, entry->alias, err, "%s", (const char *)text.data);
}

static bool same_cert(const struct certstore_cert *a, const struct certstore_cert *b)
{
    return csi_span_equal(csi_span(a->data, a->size), csi_span(b->data, b->size));
}

/* The certificate, and what stands behind it: a trust anchor has no chain, so that all of its certificates count as its own. */
static certstore_status diff_certs(const certstore_entry *a, const certstore_entry *b, certstore_report *report, certstore_error *err)
{
    if (csi_entry_same_certs(a, b))
        return CERTSTORE_OK;
    if (a->cert_count > 0 && b->cert_count > 0 && same_cert(&a->certs[0], &b->certs[0]))
        return csi_report_add(report, "chain-changed", CERTSTORE_INFO, b->alias, err,
                              "the certificate is the same, its chain is not: %zu certificates, were %zu", b->cert_count, a->cert_count);
    CSI_AUTO_BUF was = { 0 };
    CSI_AUTO_BUF is = { 0 };
    CSI_TRY(describe(a, &was, err));
    CSI_TRY(describe(b, &is, err));
    return csi_report_add(report, "certificates-changed", CERTSTORE_INFO, b->alias, err, "is %s, was %s", (const char *)is.data,
                          (const char *)was.data);
}

enum likeness { SAME, OTHER, UNKNOWN };

/* By the public key that the first certificate carries. */
static enum likeness compare_spki(const certstore_entry *a, const certstore_entry *b)
{
    struct csi_cert_view left;
    struct csi_cert_view right;
    if (a->cert_count == 0 || b->cert_count == 0 || !csi_cert_skim(essence(a), &left) || !csi_cert_skim(essence(b), &right))
        return UNKNOWN;
    return csi_span_equal(left.spki, right.spki) ? SAME : OTHER;
}

/* By the bytes of both keys in the clear. One private key has several encodings, so unequal bytes ask for the public keys. */
static enum likeness compare_plain(const certstore_entry *a, const certstore_entry *b)
{
    certstore_error ignored = { 0 };
    CSI_AUTO_PLAIN left = { 0 };
    CSI_AUTO_PLAIN right = { 0 };
    if (csi_key_open(a->key, a->alias, NULL, &left, &ignored) != CERTSTORE_OK ||
        csi_key_open(b->key, b->alias, NULL, &right, &ignored) != CERTSTORE_OK)
        return UNKNOWN;
    if (csi_secret_equal(left.bytes, right.bytes))
        return strcmp(left.algorithm, right.algorithm) == 0 ? SAME : OTHER;
    if (a->kind != CERTSTORE_KEY)
        return OTHER;
    CSI_AUTO(csi_secret) *left_public = csi_ossl_public_of(csi_secret_span(left.bytes), &ignored);
    CSI_AUTO(csi_secret) *right_public = left_public != NULL ? csi_ossl_public_of(csi_secret_span(right.bytes), &ignored) : NULL;
    return right_public != NULL && csi_secret_equal(left_public, right_public) ? SAME : OTHER;
}

/* A key on a token is told by its public key alone. */
static enum likeness compare_public(const certstore_entry *a, const certstore_entry *b)
{
    struct csi_pubkey left;
    struct csi_pubkey right;
    if (!csi_key_public(a->key, a->alias, NULL, &left) || !csi_key_public(b->key, b->alias, NULL, &right))
        return compare_spki(a, b);
    return csi_pubkey_equal(&left, &right) ? SAME : OTHER;
}

static enum likeness compare_keys(const certstore_entry *a, const certstore_entry *b)
{
    if (a->key == NULL || b->key == NULL)
        return a->key == b->key ? SAME : OTHER;
    if (a->key == b->key)
        return SAME;
    if (csi_key_is_remote(a->key) || csi_key_is_remote(b->key))
        return csi_key_same(a->key, b->key, a->alias) ? SAME : compare_public(a, b);
    if (a->key->protection == NULL && b->key->protection == NULL)
        return compare_plain(a, b);
    if (a->key->protection == b->key->protection && csi_span_equal(csi_blob_span(a->key->sealed), csi_blob_span(b->key->sealed)))
        return SAME;
    enum likeness by_certificate = compare_spki(a, b);
    return by_certificate != UNKNOWN ? by_certificate : compare_plain(a, b); /* without certificates only opening them tells */
}

static certstore_status diff_keys(const certstore_entry *a, const certstore_entry *b, certstore_report *report, certstore_error *err)
{
    switch (compare_keys(a, b)) {
    case SAME:
        return CERTSTORE_OK;
    case OTHER:
        return csi_report_add(report, "key-changed", CERTSTORE_INFO, b->alias, err, "another %s", kind_names[b->kind]);
    default:
        return csi_report_add(report, "key-not-compared", CERTSTORE_WARNING, b->alias, err,
                              "the %s is encrypted or on a token, has no certificate to tell it by, and does not open; give the passphrase",
                              kind_names[b->kind]);
    }
}

static bool says_nothing(const struct csi_trust *trust)
{
    return trust->trusted_count == 0 && trust->rejected_count == 0;
}

static certstore_status diff_trust(const struct pairing *p, const certstore_entry *a, const certstore_entry *b, certstore_report *report,
                                   certstore_error *err)
{
    /* Between two formats, one that says nothing may well be one that cannot. */
    bool silent = strcmp(p->a->format, p->b->format) != 0 && (says_nothing(&a->trust) || says_nothing(&b->trust));
    if (silent || csi_entry_same_trust(a, b))
        return CERTSTORE_OK;
    return csi_report_add(report, "trust-changed", CERTSTORE_INFO, b->alias, err, "purposes trusted for: %zu, rejected for: %zu; were %zu and %zu",
                          b->trust.trusted_count, b->trust.rejected_count, a->trust.trusted_count, a->trust.rejected_count);
}

static certstore_status diff_content(const certstore_entry *a, const certstore_entry *b, certstore_report *report, certstore_error *err)
{
    if ((a->content == NULL && b->content == NULL) || csi_span_equal(essence(a), essence(b)))
        return CERTSTORE_OK;
    return csi_report_add(report, "content-changed", CERTSTORE_INFO, b->alias, err, "another %s", kind_names[b->kind]);
}

static certstore_status diff_pair(const struct pairing *p, size_t i, certstore_report *report, certstore_error *err)
{
    const certstore_entry *a = p->a->entries[i];
    const certstore_entry *b = p->b->entries[p->mate_of_a[i]];
    if (!a->unnamed && !b->unnamed && !csi_alias_equal(p->rule, a->alias, b->alias))
        CSI_TRY(csi_report_add(report, "renamed", CERTSTORE_INFO, b->alias, err, "was called %s", a->alias));
    if (a->kind != b->kind)
        return csi_report_add(report, "kind-changed", CERTSTORE_INFO, b->alias, err, "is a %s, was a %s", kind_names[b->kind], kind_names[a->kind]);
    CSI_TRY(diff_certs(a, b, report, err));
    CSI_TRY(diff_keys(a, b, report, err));
    CSI_TRY(diff_trust(p, a, b, report, err));
    return a->cert_count == 0 ? diff_content(a, b, report, err) : CERTSTORE_OK;
}

certstore_status csi_bundle_diff(const certstore_bundle *a, const certstore_bundle *b, certstore_report *report, certstore_error *err)
{
    AUTO_PAIRING pairing = { .a = a, .b = b };
    CSI_TRY(pairing_begin(&pairing, err));
    CSI_TRY(pair_by_alias(&pairing, false, err));
    CSI_TRY(pair_by_meaning(&pairing, false, err));
    CSI_TRY(pair_by_meaning(&pairing, true, err));
    CSI_TRY(pair_by_alias(&pairing, true, err));
    for (size_t i = 0; i < a->count; i++)
        CSI_TRY(pairing.mate_of_a[i] != NONE ? diff_pair(&pairing, i, report, err)
                                             : report_alone(report, "removed", CERTSTORE_INFO, a->entries[i], err));
    for (size_t j = 0; j < b->count; j++)
        if (pairing.mate_of_b[j] == NONE)
            CSI_TRY(report_alone(report, "added", CERTSTORE_INFO, b->entries[j], err));
    return CERTSTORE_OK;
}
