/* SPDX-License-Identifier: Apache-2.0 */
/* entry.c: one entry: shared once frozen, copied to be changed. */
#include "model/entry.h"

#include <assert.h>
#include <stdatomic.h>

#include "model/purpose.h"

enum { MAX_PURPOSES = 256 };

csi_document *csi_document_ref(const csi_document *document)
{
    csi_document *shared = (csi_document *)(uintptr_t)document; /* the count is the one thing that changes in a document */
    if (shared != NULL)
        atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
    return shared;
}

void csi_document_free(csi_document *document)
{
    if (document == NULL || atomic_fetch_sub_explicit(&document->refs, 1, memory_order_acq_rel) != 1)
        return;
    csi_arena_free(&document->arena);
    document->destroy(document);
}

static void init(certstore_entry *entry, certstore_kind kind)
{
    atomic_init(&entry->refs, 1);
    entry->kind = kind;
    entry->created_ms = INT64_MIN;
    entry->certs = &entry->first;
}

certstore_entry *csi_entry_new(certstore_kind kind, const char *alias, certstore_error *err)
{
    CSI_AUTO(certstore_entry) *entry = csi_new(1, sizeof *entry, err);
    if (entry == NULL)
        return NULL;
    init(entry, kind);
    entry->alias = csi_strdup(alias, err);
    return entry->alias != NULL ? csi_steal(&entry) : NULL;
}

certstore_entry *csi_entry_new_in(csi_document *document, size_t index, certstore_kind kind, const char *alias, certstore_error *err)
{
    size_t size = strlen(alias) + 1;
    certstore_entry *entry = csi_arena_new(&document->arena, sizeof *entry + size, err);
    if (entry == NULL)
        return NULL;
    init(entry, kind);
    entry->resident = entry->resident_alias = true;
    entry->alias = memcpy(entry + 1, alias, size);
    entry->origin = (struct csi_origin){ .document = csi_document_ref(document), .index = index };
    return entry;
}

certstore_entry *csi_entry_ref(const certstore_entry *entry)
{
    certstore_entry *shared = (certstore_entry *)(uintptr_t)entry; /* the count is the one thing that changes in a frozen entry */
    if (shared != NULL)
        atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
    return shared;
}

static void free_texts(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
    free(texts);
}

void certstore_entry_free(certstore_entry *entry)
{
    if (entry == NULL || atomic_fetch_sub_explicit(&entry->refs, 1, memory_order_acq_rel) != 1)
        return;
    csi_entry_clear_certs(entry);
    csi_entry_take_alias(entry, NULL);
    free(entry->type);
    csi_key_free(entry->key);
    csi_blob_free(entry->content);
    free_texts(entry->trust.trusted, entry->trust.trusted_count);
    free_texts(entry->trust.rejected, entry->trust.rejected_count);
    certstore_entry_free(entry->origin.original); /* one step: an original has none */
    csi_document *document = entry->origin.document;
    if (!entry->resident)
        free(entry);
    csi_document_free(document); /* and with it, perhaps, the entry's memory */
}

/* One certificate lies in the entry itself; more of them in an array, whose size is the next power of two. */
static certstore_status make_room(certstore_entry *entry, certstore_error *err)
{
    size_t count = entry->cert_count;
    if (count == 0 || (count & (count - 1)) != 0)
        return CERTSTORE_OK;
    struct certstore_cert *certs = csi_new(2 * count, sizeof *certs, err);
    if (certs == NULL)
        return err->status;
    memcpy(certs, entry->certs, count * sizeof *certs);
    if (entry->certs != &entry->first)
        free(entry->certs);
    entry->certs = certs;
    return CERTSTORE_OK;
}

certstore_status csi_entry_append_cert(certstore_entry *entry, csi_blob *owner, struct csi_span der, certstore_error *err)
{
    CSI_TRY(make_room(entry, err));
    CSI_TRY(csi_cert_init(&entry->certs[entry->cert_count], owner, der, err));
    entry->cert_count++;
    return CERTSTORE_OK;
}

void csi_entry_clear_certs(certstore_entry *entry)
{
    for (size_t i = 0; i < entry->cert_count; i++)
        csi_cert_clear(&entry->certs[i]);
    if (entry->certs != &entry->first)
        free(entry->certs);
    entry->certs = &entry->first;
    entry->cert_count = 0;
}

void csi_entry_set_origin(certstore_entry *entry, const csi_document *document, size_t index)
{
    assert(!entry->resident);
    csi_document *shared = csi_document_ref(document);
    csi_document_free(entry->origin.document);
    certstore_entry_free(entry->origin.original);
    entry->origin = (struct csi_origin){ .document = shared, .index = index };
}

static certstore_status append_text(char ***texts, size_t *count, const char *text, certstore_error *err)
{
    size_t capacity = *count;
    CSI_AUTO(csi_chars) *copy = csi_strdup(text, err);
    char **grown = copy != NULL ? csi_grow(*texts, &capacity, *count + 1, sizeof *grown, err) : NULL;
    if (grown == NULL)
        return err->status;
    *texts = grown;
    grown[(*count)++] = csi_steal(&copy);
    return CERTSTORE_OK;
}

static certstore_status copy_texts(char *const *from, size_t from_count, char ***to, size_t *to_count, certstore_error *err)
{
    for (size_t i = 0; i < from_count; i++)
        CSI_TRY(append_text(to, to_count, from[i], err));
    return CERTSTORE_OK;
}

certstore_status csi_entry_copy_trust(certstore_entry *entry, const certstore_entry *from, certstore_error *err)
{
    CSI_TRY(copy_texts(from->trust.trusted, from->trust.trusted_count, &entry->trust.trusted, &entry->trust.trusted_count, err));
    return copy_texts(from->trust.rejected, from->trust.rejected_count, &entry->trust.rejected, &entry->trust.rejected_count, err);
}

certstore_entry *csi_entry_copy(const certstore_entry *from, certstore_error *err)
{
    CSI_AUTO(certstore_entry) *entry = csi_entry_new(from->kind, from->alias, err);
    if (entry == NULL)
        return NULL;
    entry->unnamed = from->unnamed;
    entry->created_ms = from->created_ms;
    entry->key = csi_key_ref(from->key);
    entry->content = csi_blob_ref(from->content);
    entry->origin = from->origin;
    csi_document_ref(from->origin.document);
    if (from->origin.document != NULL && from->frozen)
        entry->origin.original = csi_entry_ref(from->origin.original != NULL ? from->origin.original : from);
    else
        csi_entry_ref(from->origin.original);
    if (from->type != NULL && (entry->type = csi_strdup(from->type, err)) == NULL)
        return NULL;
    for (size_t i = 0; i < from->cert_count; i++) {
        const struct certstore_cert *cert = &from->certs[i];
        if (csi_entry_append_cert(entry, cert->owner, csi_span(cert->data, cert->size), err) != CERTSTORE_OK)
            return NULL;
    }
    if (csi_entry_copy_trust(entry, from, err) != CERTSTORE_OK)
        return NULL;
    return csi_steal(&entry);
}

certstore_status csi_entry_set_alias(certstore_entry *entry, const char *alias, certstore_error *err)
{
    char *copy = csi_strdup(alias, err);
    if (copy == NULL)
        return err->status;
    if (strcmp(entry->alias, alias) != 0)
        entry->origin.changed |= CSI_CHANGED_ALIAS;
    csi_entry_take_alias(entry, copy);
    entry->unnamed = false;
    return CERTSTORE_OK;
}

void csi_entry_take_alias(certstore_entry *entry, char *alias)
{
    if (!entry->resident_alias)
        free(entry->alias);
    entry->alias = alias;
    entry->resident_alias = false;
}

certstore_status csi_entry_add_trust(certstore_entry *entry, const char *purpose, bool reject, certstore_error *err)
{
    uint8_t oid[128]; /* whatever fits into a name: every arc takes two characters and more */
    size_t size;
    char name[256];
    if (!csi_purpose_to_oid(purpose, oid, sizeof oid, &size) || !csi_purpose_from_oid(csi_span(oid, size), name, sizeof name))
        return csi_fail(err, CERTSTORE_E_ARGUMENT,
                        "purpose: '%.64s' is not known; use serverAuth, clientAuth, codeSigning, emailProtection, timeStamping, OCSPSigning, any or "
                        "a dotted OID",
                        purpose);
    char ***texts = reject ? &entry->trust.rejected : &entry->trust.trusted;
    size_t *count = reject ? &entry->trust.rejected_count : &entry->trust.trusted_count;
    for (size_t i = 0; i < *count; i++)
        if (strcmp((*texts)[i], name) == 0)
            return CERTSTORE_OK;
    if (*count >= MAX_PURPOSES)
        return csi_fail(err, CERTSTORE_E_LIMIT, "purposes: more than %d of one certificate; name the purposes that matter", MAX_PURPOSES);
    return append_text(texts, count, name, err);
}

bool csi_entry_same_certs(const certstore_entry *a, const certstore_entry *b)
{
    if (a->cert_count != b->cert_count)
        return false;
    for (size_t i = 0; i < a->cert_count; i++)
        if (!csi_span_equal(csi_span(a->certs[i].data, a->certs[i].size), csi_span(b->certs[i].data, b->certs[i].size)))
            return false;
    return true;
}

static bool has_text(char *const *texts, size_t count, const char *wanted)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(texts[i], wanted) == 0)
            return true;
    return false;
}

/* Purposes are a set, and each stands in it once. */
static bool same_texts(char *const *a, size_t a_count, char *const *b, size_t b_count)
{
    bool same = a_count == b_count;
    for (size_t i = 0; i < a_count && same; i++)
        same = has_text(b, b_count, a[i]);
    return same;
}

bool csi_entry_same_trust(const certstore_entry *a, const certstore_entry *b)
{
    return same_texts(a->trust.trusted, a->trust.trusted_count, b->trust.trusted, b->trust.trusted_count) &&
           same_texts(a->trust.rejected, a->trust.rejected_count, b->trust.rejected, b->trust.rejected_count);
}
