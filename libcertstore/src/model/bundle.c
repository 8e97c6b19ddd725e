/* SPDX-License-Identifier: Apache-2.0 */
/* bundle.c: ordered entries under an index. Every change either happens whole or leaves the bundle as it was. */
#include "model/bundle.h"

#include <stdio.h>

#include "model/index.h"

static const char *alias_at(const void *owner, size_t position)
{
    const certstore_bundle *bundle = owner;
    return bundle->entries[position]->alias;
}

certstore_bundle *csi_bundle_new(const char *format, enum csi_alias_rule rule, certstore_error *err)
{
    CSI_AUTO(certstore_bundle) *bundle = csi_new(1, sizeof *bundle, err);
    if (bundle == NULL)
        return NULL;
    bundle->format = format;
    bundle->rule = rule;
    bundle->integrity = CERTSTORE_INTEGRITY_ABSENT;
    bundle->index = csi_index_new(rule, alias_at, err);
    bundle->notes = csi_report_new(err);
    return bundle->index != NULL && bundle->notes != NULL ? csi_steal(&bundle) : NULL;
}

void certstore_bundle_free(certstore_bundle *bundle)
{
    if (bundle == NULL)
        return;
    for (size_t i = 0; i < bundle->count; i++)
        certstore_entry_free(bundle->entries[i]);
    free(bundle->entries);
    csi_index_free(bundle->index);
    csi_document_free(bundle->document);
    certstore_report_free(bundle->notes);
    if (bundle->snapshot != NULL)
        bundle->snapshot_free(bundle->snapshot);
    free(bundle);
}

certstore_bundle *csi_bundle_copy(const certstore_bundle *from, certstore_error *err)
{
    CSI_AUTO(certstore_bundle) *bundle = csi_bundle_new(from->format, from->rule, err);
    CSI_AUTO(certstore_report) *notes = bundle != NULL ? csi_report_copy(from->notes, err) : NULL;
    if (notes == NULL)
        return NULL;
    certstore_report_free(bundle->notes);
    bundle->notes = csi_steal(&notes);
    bundle->entries = csi_grow(NULL, &bundle->capacity, from->count, sizeof *bundle->entries, err);
    if (bundle->entries == NULL)
        return NULL;
    for (size_t i = 0; i < from->count; i++)
        bundle->entries[bundle->count++] = csi_entry_ref(from->entries[i]);
    bundle->integrity = from->integrity;
    bundle->read_count = from->read_count;
    bundle->document = csi_document_ref(from->document);
    bundle->snapshot_free = from->snapshot_free;
    bundle->snapshot_ref = from->snapshot_ref;
    if (from->snapshot != NULL)
        bundle->snapshot = from->snapshot_ref(from->snapshot);
    return csi_index_rebuild(bundle->index, bundle, bundle->count, err) == CERTSTORE_OK ? csi_steal(&bundle) : NULL;
}

size_t csi_bundle_position(const certstore_bundle *bundle, const char *alias)
{
    return csi_index_find(bundle->index, bundle, alias);
}

/* Appends an entry whose alias is free; takes the reference only on success. */
static certstore_status append(certstore_bundle *bundle, certstore_entry *entry, certstore_error *err)
{
    certstore_entry **entries = csi_grow(bundle->entries, &bundle->capacity, bundle->count + 1, sizeof *entries, err);
    if (entries == NULL)
        return err->status;
    bundle->entries = entries;
    entries[bundle->count] = entry;
    CSI_TRY(csi_index_add(bundle->index, bundle, bundle->count, err));
    bundle->count++;
    entry->frozen = true;
    return CERTSTORE_OK;
}

static void fingerprint(const certstore_entry *entry, char text[9])
{
    uint8_t digest[32] = { 0 };
    if (entry->cert_count > 0)
        csi_sha256(csi_span(entry->certs[0].data, entry->certs[0].size), digest);
    else if (entry->content != NULL)
        csi_sha256(csi_blob_span(entry->content), digest);
    csi_hex(digest, 4, text);
}

/* "name-1a2b3c4d", and where that is taken as well (the same certificate again) "name-1a2b3c4d-2": stable whatever stands around it. The counter
 * grows by doubling steps until a free name is found, so that a thousand copies are not a million look-ups. */
static char *unique_alias(const certstore_bundle *bundle, const certstore_entry *entry, certstore_error *err)
{
    char digits[9];
    fingerprint(entry, digits);
    CSI_AUTO(csi_chars) *base = csi_format(err, "%s%s%s", entry->alias, entry->alias[0] != '\0' ? "-" : "", digits);
    if (base == NULL || csi_bundle_position(bundle, base) == SIZE_MAX)
        return csi_steal(&base);
    size_t taken = 1;
    size_t free_at = 2;
    for (;; free_at *= 2) {
        CSI_AUTO(csi_chars) *name = csi_format(err, "%s-%zu", base, free_at);
        if (name == NULL)
            return NULL;
        if (csi_bundle_position(bundle, name) == SIZE_MAX)
            break;
        taken = free_at;
    }
    while (free_at - taken > 1) { /* names are taken in order, so the first free one is found by halving */
        size_t middle = taken + (free_at - taken) / 2;
        CSI_AUTO(csi_chars) *name = csi_format(err, "%s-%zu", base, middle);
        if (name == NULL)
            return NULL;
        if (csi_bundle_position(bundle, name) == SIZE_MAX)
            free_at = middle;
        else
            taken = middle;
    }
    return csi_format(err, "%s-%zu", base, free_at);
}

certstore_status csi_bundle_append(certstore_bundle *bundle, certstore_entry *taken, bool make_unique, certstore_error *err)
{
    CSI_AUTO(certstore_entry) *entry = taken;
    size_t position = csi_bundle_position(bundle, entry->alias);
    if (position != SIZE_MAX && !make_unique) {
        certstore_entry_free(bundle->entries[position]);
        entry->frozen = true;
        bundle->entries[position] = csi_steal(&entry);
        return CERTSTORE_OK;
    }
    if (position != SIZE_MAX) {
        char *alias = unique_alias(bundle, entry, err);
        if (alias == NULL)
            return err->status;
        free(entry->alias);
        entry->alias = alias;
    }
    CSI_TRY(append(bundle, entry, err));
    csi_steal(&entry);
    bundle->read_count = bundle->count;
    return CERTSTORE_OK;
}

/* The same key object, or two that lie in the clear with the same bytes. Sealed keys are not opened for this: a key that comes sealed from elsewhere
 * is another one. */
static bool same_key(const csi_key *a, const csi_key *b)
{
    if (a == b)
        return true;
    if (a == NULL || b == NULL)
        return false;
    if (a->protection == NULL && b->protection == NULL)
        return csi_secret_equal(a->plain.bytes, b->plain.bytes) && strcmp(a->plain.algorithm, b->plain.algorithm) == 0;
    return a->protection == b->protection && a->sealed != NULL && b->sealed != NULL &&
           csi_span_equal(csi_blob_span(a->sealed), csi_blob_span(b->sealed));
}

static bool same_content(const csi_blob *a, const csi_blob *b)
{
    return a == b || (a != NULL && b != NULL && csi_span_equal(csi_blob_span(a), csi_blob_span(b)));
}

/* Which parts of the entry that stands in the store are changed when `wanted` takes its place. */
static unsigned changes(const certstore_entry *stands, const certstore_entry *wanted)
{
    if (stands->kind != wanted->kind || !same_content(stands->content, wanted->content))
        return CSI_CHANGED_ALL;
    unsigned changed = stands->origin.changed;
    if (strcmp(stands->alias, wanted->alias) != 0)
        changed |= CSI_CHANGED_ALIAS;
    if (!csi_entry_same_certs(stands, wanted))
        changed |= CSI_CHANGED_CERTS;
    if (!same_key(stands->key, wanted->key))
        changed |= CSI_CHANGED_KEY;
    if (!csi_entry_same_trust(stands, wanted))
        changed |= CSI_CHANGED_TRUST;
    if (wanted->created_ms != INT64_MIN && stands->created_ms != wanted->created_ms)
        changed |= CSI_CHANGED_CREATED;
    unsigned whole = CSI_CHANGED_CERTS | (stands->key != NULL ? CSI_CHANGED_KEY : 0);
    return (changed & whole) == whole ? CSI_CHANGED_ALL : changed;
}

static certstore_status replace_at(certstore_bundle *bundle, size_t position, certstore_entry **entry, certstore_error *err)
{
    certstore_entry *stands = bundle->entries[position];
    unsigned changed = changes(stands, *entry);
    csi_entry_set_origin(*entry, stands->origin.document, stands->origin.index);
    (*entry)->origin.changed = changed;
    if (changed == 0) /* an equal entry: what was read stays, so that nothing is written */
        return CERTSTORE_OK;
    if ((*entry)->created_ms == INT64_MIN && (changed & CSI_CHANGED_ALL) != CSI_CHANGED_ALL)
        (*entry)->created_ms = stands->created_ms;
    (*entry)->unnamed = stands->unnamed && strcmp(stands->alias, (*entry)->alias) == 0;
    (*entry)->frozen = true;
    bundle->entries[position] = csi_steal(entry);
    certstore_entry_free(stands);
    (void)err;
    return CERTSTORE_OK;
}

certstore_status csi_bundle_put(certstore_bundle *bundle, const certstore_entry *entry, certstore_error *err)
{
    if (entry->alias[0] == '\0')
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "alias: it is empty; give the entry a name");
    CSI_AUTO(certstore_entry) *copy = csi_entry_copy(entry, err);
    if (copy == NULL)
        return err->status;
    size_t position = csi_bundle_position(bundle, copy->alias);
    if (position != SIZE_MAX)
        return replace_at(bundle, position, &copy, err);
    csi_entry_set_origin(copy, NULL, 0); /* a second entry made from one that was read is a new one */
    CSI_TRY(append(bundle, copy, err));
    csi_steal(&copy);
    return CERTSTORE_OK;
}

certstore_status csi_bundle_remove(certstore_bundle *bundle, const char *alias, certstore_error *err)
{
    size_t position = csi_bundle_position(bundle, alias);
    if (position == SIZE_MAX)
        return csi_fail(err, CERTSTORE_E_NOT_FOUND, "%s: no entry has this alias; list the store to see those it has", alias);
    certstore_entry *removed = bundle->entries[position];
    memmove(&bundle->entries[position], &bundle->entries[position + 1], (bundle->count - position - 1) * sizeof removed);
    bundle->count--;
    /* Never larger than before, so it does not allocate and cannot fail. */
    CSI_TRY(csi_index_rebuild(bundle->index, bundle, bundle->count, err));
    certstore_entry_free(removed);
    return CERTSTORE_OK;
}

certstore_status csi_bundle_rename(certstore_bundle *bundle, const char *alias, const char *new_alias, certstore_error *err)
{
    size_t position = csi_bundle_position(bundle, alias);
    size_t taken = csi_bundle_position(bundle, new_alias);
    if (position == SIZE_MAX)
        return csi_fail(err, CERTSTORE_E_NOT_FOUND, "%s: no entry has this alias; list the store to see those it has", alias);
    if (new_alias[0] == '\0' || !csi_utf8_valid(csi_span_text(new_alias)))
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "alias: the new one is empty or not UTF-8; give the entry a name");
    if (taken != SIZE_MAX && taken != position)
        return csi_fail(err, CERTSTORE_E_EXISTS, "%s: another entry has this alias; remove or rename that one first", new_alias);
    CSI_AUTO(certstore_entry) *renamed = csi_entry_copy(bundle->entries[position], err);
    if (renamed == NULL || csi_entry_set_alias(renamed, new_alias, err) != CERTSTORE_OK)
        return err->status;
    renamed->frozen = true;
    certstore_entry_free(bundle->entries[position]);
    bundle->entries[position] = csi_steal(&renamed);
    return csi_index_rebuild(bundle->index, bundle, bundle->count, err);
}

bool csi_bundle_pristine(const certstore_bundle *bundle)
{
    if (bundle->document == NULL || bundle->count != bundle->read_count)
        return false;
    for (size_t i = 0; i < bundle->count; i++) {
        const struct csi_origin *origin = &bundle->entries[i]->origin;
        if (origin->document != bundle->document || origin->changed != 0)
            return false;
        /* Entries keep their order, and with as many as were read none is missing; one removed and put back has lost its origin. */
    }
    return true;
}

/* An attribute of a Name by the last octet of its OID under 2.5.4, as text. */
static bool name_attribute(struct csi_span name, uint8_t type, struct csi_buf *out)
{
    struct csi_reader outer = csi_reader(name);
    struct csi_reader rdns;
    struct csi_reader set;
    struct csi_reader pair;
    if (!csi_der_enter(&outer, CSI_DER_SEQUENCE, &rdns))
        return false;
    while (csi_der_enter(&rdns, CSI_DER_SET, &set)) {
        while (csi_der_enter(&set, CSI_DER_SEQUENCE, &pair)) {
            struct csi_tlv oid;
            struct csi_tlv value;
            const uint8_t wanted[] = { 0x55, 0x04, type };
            if (!csi_der_expect(&pair, CSI_DER_OID, &oid) || !csi_der_next(&pair, &value) ||
                !csi_span_equal(oid.content, csi_span(wanted, sizeof wanted)))
                continue;
            out->size = 0; /* the most specific one is the last */
            if (value.tag == CSI_DER_BMP_STRING)
                csi_text_from_utf16be(value.content, out);
            else if (value.tag == CSI_DER_UTF8_STRING)
                csi_buf_put_span(out, value.content);
            else
                csi_text_from_latin1(value.content, out);
        }
    }
    return out->size > 0;
}

/* Letters, digits, '.', '_', '*' and what is not ASCII stay; everything else becomes one '-'. */
static char *slug(const struct csi_buf *text, certstore_error *err)
{
    char *alias = csi_strndup((const char *)text->data, text->size, err);
    if (alias == NULL)
        return NULL;
    size_t used = 0;
    for (size_t i = 0; i < text->size; i++) {
        uint8_t c = text->data[i];
        bool kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c >= 0x80 || (c != 0 && strchr("._*", c) != NULL);
        if (kept)
            alias[used++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
        else if (used > 0 && alias[used - 1] != '-')
            alias[used++] = '-';
    }
    while (used > 0 && alias[used - 1] == '-')
        used--;
    alias[used] = '\0';
    return alias;
}

char *csi_alias_for_cert(const certstore_bundle *bundle, struct csi_span der, certstore_error *err)
{
    static const uint8_t preferred[] = { 0x03, 0x0b, 0x0a }; /* CN, OU, O */
    struct csi_cert_view view;
    CSI_AUTO_BUF text = { 0 };
    (void)bundle;
    if (csi_cert_skim(der, &view))
        for (size_t i = 0; i < sizeof preferred && text.size == 0; i++)
            name_attribute(view.subject, preferred[i], &text);
    CSI_AUTO(csi_chars) *alias = text.size > 0 && csi_utf8_valid(csi_buf_span(&text)) ? slug(&text, err) : NULL;
    if (err->status != CERTSTORE_OK)
        return NULL;
    return alias != NULL && alias[0] != '\0' ? csi_steal(&alias) : csi_strdup("certificate", err);
}
