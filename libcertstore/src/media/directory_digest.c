/* SPDX-License-Identifier: Apache-2.0 */
/* directory_digest.c: the digest of a directory: of the names of its files and of the digests of what they hold. */
#include "media/directory.h"
#include "model/table.h"

/* Links to one file share its content, which is digested once. */
struct known {
    const csi_blob *bytes;
    char digest[CSI_DIGEST_TEXT + 1];
};
struct summary {
    struct csi_buf text;
    struct csi_table by_blob;
    struct known *known;
    size_t count;
    size_t capacity;
};

static void clear(struct summary *s)
{
    csi_buf_free(&s->text);
    csi_table_free(&s->by_blob);
    free(s->known);
}
#define AUTO_SUMMARY __attribute__((cleanup(clear))) struct summary

static uint32_t hash_of(const csi_blob *bytes)
{
    return (uint32_t)(((uint64_t)(uintptr_t)bytes * 0x9e3779b97f4a7c15) >> 32); /* Fibonacci hashing of where it lies */
}

static const char *find(const struct summary *s, const csi_blob *bytes)
{
    size_t cursor = 0;
    size_t index;
    while ((index = csi_table_next(&s->by_blob, hash_of(bytes), &cursor)) != SIZE_MAX)
        if (s->known[index].bytes == bytes)
            return s->known[index].digest;
    return NULL;
}

static certstore_status add(struct summary *s, const char *name, const csi_blob *bytes, certstore_error *err)
{
    const char *digest = find(s, bytes);
    if (digest == NULL) {
        struct known *known = csi_grow(s->known, &s->capacity, s->count + 1, sizeof *known, err);
        if (known == NULL)
            return err->status;
        s->known = known;
        known[s->count].bytes = bytes;
        CSI_TRY(csi_digest_text(csi_blob_span(bytes), known[s->count].digest, err));
        CSI_TRY(csi_table_put(&s->by_blob, hash_of(bytes), s->count, err));
        digest = known[s->count++].digest;
    }
    csi_buf_put(&s->text, name, strlen(name) + 1);
    csi_buf_put_text(&s->text, digest);
    return CERTSTORE_OK;
}

static certstore_status finish(struct summary *s, char *digest, certstore_error *err)
{
    CSI_TRY(csi_buf_check(&s->text, err));
    return csi_digest_text(csi_buf_span(&s->text), digest, err);
}

certstore_status csi_directory_digest(const csi_parts *parts, char *digest, certstore_error *err)
{
    AUTO_SUMMARY summary = { 0 };
    csi_buf_put_text(&summary.text, "directory");
    for (size_t i = 0; i < parts->count; i++)
        CSI_TRY(add(&summary, parts->items[i].name, parts->items[i].bytes, err));
    return finish(&summary, digest, err);
}

certstore_status csi_directory_digest_of(const csi_snapshot *snapshot, char *digest, certstore_error *err)
{
    AUTO_SUMMARY summary = { 0 };
    csi_buf_put_text(&summary.text, "directory");
    for (size_t i = 0; i < snapshot->entry_count; i++)
        CSI_TRY(add(&summary, snapshot->entries[i].name, snapshot->entries[i].bytes, err));
    return finish(&summary, digest, err);
}
