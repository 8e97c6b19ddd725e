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

static void sync(certstore_bundle *bundle)
{
    bundle->entries = bundle->list.items;
    bundle->count = bundle->list.count;
}

static certstore_bundle *new_bundle(const char *format, enum csi_alias_rule rule, certstore_error *err)
{
    certstore_bundle *bundle = csi_new(1, sizeof *bundle, err);
    if (bundle == NULL)
        return NULL;
    bundle->format = format;
    bundle->rule = rule;
    bundle->integrity = CERTSTORE_INTEGRITY_ABSENT;
    bundle->list.size = sizeof(certstore_entry *);
    return bundle;
}

certstore_bundle *csi_bundle_new(const char *format, enum csi_alias_rule rule, certstore_error *err)
{
    CSI_AUTO(certstore_bundle) *bundle = new_bundle(format, rule, err);
    if (bundle == NULL)
        return NULL;
    bundle->index = csi_index_new(rule, alias_at, err);
    bundle->notes = bundle->index != NULL ? csi_report_new(err) : NULL;
    return bundle->notes != NULL ? csi_steal(&bundle) : NULL;
}

void certstore_bundle_free(certstore_bundle *bundle)
{
    if (bundle == NULL)
        return;
    for (size_t i = 0; i < bundle->count; i++)
        certstore_entry_free(bundle->entries[i]);
    csi_deque_free(&bundle->list);
    csi_table_free(&bundle->removed);
    csi_index_free(bundle->index);
    csi_document_free(bundle->document);
    certstore_report_free(bundle->notes);
    if (bundle->snapshot != NULL)
        bundle->snapshot_free(bundle->snapshot);
    free(bundle);
}

certstore_bundle *csi_bundle_copy(const certstore_bundle *from, certstore_error *err)
{
    CSI_AUTO(certstore_bundle) *bundle = new_bundle(from->format, from->rule, err);
    if (bundle == NULL || csi_deque_copy(&bundle->list, &from->list, err) != CERTSTORE_OK)
        return NULL;
    sync(bundle);
    for (size_t i = 0; i < bundle->count; i++)
        csi_entry_ref(bundle->entries[i]);
    bundle->integrity = from->integrity;
    bundle->read_count = from->read_count;
    bundle->reordered = from->reordered;
    bundle->document = csi_document_ref(from->document);
    bundle->snapshot_free = from->snapshot_free;
    bundle->snapshot_ref = from->snapshot_ref;
    if (from->snapshot != NULL)
        bundle->snapshot = from->snapshot_ref(from->snapshot);
    bundle->index = csi_index_copy(from->index, err);
    bundle->notes = bundle->index != NULL ? csi_report_copy(from->notes, err) : NULL;
    if (bundle->notes == NULL || csi_table_copy(&bundle->removed, &from->removed, err) != CERTSTORE_OK)
        return NULL;
    return csi_steal(&bundle);
}

certstore_status csi_bundle_reserve(certstore_bundle *bundle, size_t count, certstore_error *err)
{
    return csi_index_reserve(bundle->index, count, err);
}

size_t csi_bundle_position(const certstore_bundle *bundle, const char *alias)
{
    return csi_index_find(bundle->index, bundle, alias, csi_index_hash(bundle->index, alias));
}

/* Appends an entry whose alias is free; takes the reference only on success. */
static certstore_status append(certstore_bundle *bundle, certstore_entry *entry, uint32_t hash, certstore_error *err)
{
    CSI_TRY(csi_deque_reserve(&bundle->list, err));
    CSI_TRY(csi_index_append(bundle->index, hash, err));
    CSI_TRY(csi_deque_append(&bundle->list, &entry, err));
    sync(bundle);
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

static void replace_at(certstore_bundle *bundle, size_t position, certstore_entry *entry)
{
    entry->frozen = true;
    certstore_entry_free(bundle->entries[position]);
    bundle->entries[position] = entry;
}

uint32_t csi_bundle_hash(const certstore_bundle *bundle, const char *alias)
{
    return csi_index_hash(bundle->index, alias);
}

certstore_status csi_bundle_append_hashed(certstore_bundle *bundle, certstore_entry *taken, uint32_t hash, bool make_unique, certstore_error *err)
{
    CSI_AUTO(certstore_entry) *entry = taken;
    size_t position = csi_index_find(bundle->index, bundle, entry->alias, hash);
    if (position != SIZE_MAX && !make_unique) {
        replace_at(bundle, position, csi_steal(&entry));
        return CERTSTORE_OK;
    }
    if (position != SIZE_MAX) {
        char *alias = unique_alias(bundle, entry, err);
        if (alias == NULL)
            return err->status;
        csi_entry_take_alias(entry, alias);
        hash = csi_index_hash(bundle->index, alias);
    }
    CSI_TRY(append(bundle, entry, hash, err));
    csi_steal(&entry);
    bundle->read_count = bundle->count;
    return CERTSTORE_OK;
}

certstore_status csi_bundle_append(certstore_bundle *bundle, certstore_entry *taken, bool make_unique, certstore_error *err)
{
    return csi_bundle_append_hashed(bundle, taken, csi_bundle_hash(bundle, taken->alias), make_unique, err);
}

certstore_status csi_bundle_append_instead(certstore_bundle *bundle, certstore_entry *taken, certstore_error *err)
{
    CSI_AUTO(certstore_entry) *entry = taken;
    const size_t position = csi_bundle_position(bundle, entry->alias);
    if (position != SIZE_MAX) {
        CSI_AUTO(certstore_entry) *other = csi_entry_copy(bundle->entries[position], err);
        CSI_AUTO(csi_chars) *alias = other != NULL ? unique_alias(bundle, other, err) : NULL;
        if (alias == NULL)
            return err->status;
        CSI_TRY(csi_index_rename(bundle->index, position, other->alias, alias, err));
        csi_entry_take_alias(other, csi_steal(&alias));
        replace_at(bundle, position, csi_steal(&other));
    }
    return csi_bundle_append(bundle, csi_steal(&entry), false, err);
}

static bool same_content(const csi_blob *a, const csi_blob *b)
{
    return a == b || (a != NULL && b != NULL && csi_span_equal(csi_blob_span(a), csi_blob_span(b)));
}

static bool says_nothing(const struct csi_trust *trust)
{
    return trust->trusted_count == 0 && trust->rejected_count == 0;
}

/* The entry as it was read, of which this one is a changed copy; itself where it is not changed. */
static const certstore_entry *original_of(const certstore_entry *entry)
{
    return entry->origin.original != NULL ? entry->origin.original : entry;
}

static bool same_origin(const struct csi_origin *a, const struct csi_origin *b)
{
    return a->document != NULL && a->document == b->document && a->index == b->index;
}

/* Which parts of what was read are other ones in `wanted`. What an entry from elsewhere does not say (its date, its trust) it does not change. */
static unsigned changes(const certstore_entry *read, const certstore_entry *wanted, bool from_elsewhere)
{
    unsigned changed = 0;
    if (read->kind != wanted->kind || !same_content(read->content, wanted->content))
        return CSI_CHANGED_ALL;
    if (strcmp(read->alias, wanted->alias) != 0)
        changed |= CSI_CHANGED_ALIAS;
    if (!csi_entry_same_certs(read, wanted))
        changed |= CSI_CHANGED_CERTS;
    if (!csi_key_same(read->key, wanted->key, read->alias))
        changed |= CSI_CHANGED_KEY;
    if (!csi_entry_same_trust(read, wanted) && !(from_elsewhere && says_nothing(&wanted->trust)))
        changed |= CSI_CHANGED_TRUST;
    if (read->created_ms != wanted->created_ms && !(from_elsewhere && wanted->created_ms == INT64_MIN))
        changed |= CSI_CHANGED_CREATED;
    unsigned whole = CSI_CHANGED_CERTS | (read->key != NULL ? CSI_CHANGED_KEY : 0); /* neither certificate nor key is left of it */
    return (changed & whole) == whole && read->content == NULL ? CSI_CHANGED_ALL : changed;
}

/* Lets an entry take the origin of the one it stands in for, marked with what is different. */
static certstore_status inherit(certstore_entry *entry, const certstore_entry *stands, certstore_error *err)
{
    const certstore_entry *read = original_of(stands);
    bool from_elsewhere = !same_origin(&entry->origin, &stands->origin);
    unsigned changed = changes(read, entry, from_elsewhere);
    if (changed != CSI_CHANGED_ALL && from_elsewhere) {
        entry->created_ms = entry->created_ms != INT64_MIN ? entry->created_ms : stands->created_ms;
        if (says_nothing(&entry->trust))
            CSI_TRY(csi_entry_copy_trust(entry, stands, err));
    }
    csi_entry_set_origin(entry, stands->origin.document, stands->origin.index);
    entry->origin.original = stands->origin.document != NULL ? csi_entry_ref(read) : NULL;
    entry->origin.changed = stands->origin.document != NULL ? changed : 0;
    entry->unnamed = stands->unnamed && strcmp(stands->alias, entry->alias) == 0;
    return CERTSTORE_OK;
}

static uint32_t origin_hash(size_t number)
{
    return (uint32_t)number * 2654435761u; /* numbers in a row, spread out (Knuth, vol. 3, 6.4) */
}

/* An entry that was read from this store, removed, and is put back, keeps its origin, and with it what the store knows of it beside the entry. Any
 * other one is new here: two entries must not claim one place in the document. */
static certstore_status append_put(certstore_bundle *bundle, certstore_entry *entry, certstore_error *err)
{
    size_t cursor = 0;
    size_t number = entry->origin.index;
    size_t found = SIZE_MAX;
    if (entry->origin.document != NULL && entry->origin.document == bundle->document && number < UINT32_MAX)
        found = csi_table_next(&bundle->removed, origin_hash(number), &cursor);
    while (found != SIZE_MAX && found != number)
        found = csi_table_next(&bundle->removed, origin_hash(number), &cursor);
    if (found == SIZE_MAX) {
        csi_entry_set_origin(entry, NULL, 0);
        return append(bundle, entry, csi_index_hash(bundle->index, entry->alias), err);
    }
    entry->origin.changed = changes(original_of(entry), entry, false);
    CSI_TRY(append(bundle, entry, csi_index_hash(bundle->index, entry->alias), err));
    csi_table_remove(&bundle->removed, origin_hash(number), number);
    bundle->reordered = true;
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
    if (position == SIZE_MAX) {
        CSI_TRY(append_put(bundle, copy, err));
        csi_steal(&copy);
        return CERTSTORE_OK;
    }
    CSI_TRY(inherit(copy, bundle->entries[position], err));
    bool as_read = copy->origin.document != NULL && copy->origin.changed == 0;
    replace_at(bundle, position, as_read ? csi_entry_ref(copy->origin.original) : csi_steal(&copy));
    return CERTSTORE_OK;
}

certstore_status csi_bundle_remove(certstore_bundle *bundle, const char *alias, certstore_error *err)
{
    size_t position = csi_bundle_position(bundle, alias);
    if (position == SIZE_MAX)
        return csi_fail(err, CERTSTORE_E_NOT_FOUND, "%s: no entry has this alias; list the store to see those it has", alias);
    certstore_entry *removed = bundle->entries[position];
    const struct csi_origin *origin = &removed->origin;
    if (origin->document != NULL && origin->document == bundle->document && origin->index < UINT32_MAX)
        CSI_TRY(csi_table_put(&bundle->removed, origin_hash(origin->index), origin->index, err));
    csi_index_remove(bundle->index, position, removed->alias);
    csi_deque_remove(&bundle->list, position);
    sync(bundle);
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
    if (renamed->origin.document != NULL)
        renamed->origin.changed = changes(original_of(renamed), renamed, false);
    if (taken == SIZE_MAX)
        CSI_TRY(csi_index_rename(bundle->index, position, bundle->entries[position]->alias, new_alias, err));
    replace_at(bundle, position, csi_steal(&renamed));
    return CERTSTORE_OK;
}

bool csi_bundle_pristine(const certstore_bundle *bundle)
{
    /* Entries keep their order, and an origin stands here once: with as many as were read, none is missing. */
    if (bundle->document == NULL || bundle->count != bundle->read_count || bundle->reordered)
        return false;
    for (size_t i = 0; i < bundle->count; i++) {
        const struct csi_origin *origin = &bundle->entries[i]->origin;
        if (origin->document != bundle->document || origin->changed != 0)
            return false;
    }
    return true;
}
