/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pemdir_write.c: a bundle to the files of a hashed directory.
 *
 * Every hash-named file that stays, and every new entry, is a claim on a number under its hash. Under one hash the numbers run from 0
 * without gaps; a file that has one of those keeps it, so that a change touches no more files than it must; the others fill what is
 * free: files in the order they had, then new entries in the order of their fingerprints, so that the result does not depend on chance.
 */
#include "codec/pemdir.h"

#include <stdio.h>

struct claim {
    struct csi_pemdir_slot slot; /* number: the one it has, UINT_MAX for a new entry */
    csi_blob *bytes;
    uint8_t sha256[32];
};
struct claims {
    struct claim *items;
    size_t count;
    size_t capacity;
};
static void clear_claims(struct claims *claims)
{
    for (size_t i = 0; i < claims->count; i++)
        csi_blob_free(claims->items[i].bytes);
    free(claims->items);
}
#define CSI_AUTO_CLAIMS __attribute__((cleanup(clear_claims))) struct claims

static certstore_status claim(struct claims *claims, struct csi_pemdir_slot slot, csi_blob *bytes, struct csi_span der, certstore_error *err)
{
    struct claim *items = csi_grow(claims->items, &claims->capacity, claims->count + 1, sizeof *items, err);
    if (items == NULL)
        return err->status;
    claims->items = items;
    struct claim *added = &items[claims->count++];
    *added = (struct claim){ .slot = slot, .bytes = csi_blob_ref(bytes) };
    if (der.size > 0)
        csi_sha256(der, added->sha256);
    return CERTSTORE_OK;
}

static bool same_group(const struct claim *a, const struct claim *b)
{
    return a->slot.hash == b->slot.hash && a->slot.crl == b->slot.crl;
}

/* By hash, then certificates before CRLs, then the number they have, new ones last and by fingerprint. */
static int compare_claims(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    if (x->slot.hash != y->slot.hash)
        return x->slot.hash < y->slot.hash ? -1 : 1;
    if (x->slot.crl != y->slot.crl)
        return x->slot.crl ? 1 : -1;
    if (x->slot.number != y->slot.number)
        return x->slot.number < y->slot.number ? -1 : 1;
    return memcmp(x->sha256, y->sha256, sizeof x->sha256);
}

static certstore_status emit(struct csi_pemdir_slot slot, csi_blob *bytes, csi_parts *parts, certstore_error *err)
{
    char name[32];
    snprintf(name, sizeof name, "%08x.%s%u", slot.hash, slot.crl ? "r" : "", slot.number);
    return csi_parts_add(parts, name, bytes, err);
}

/* One group: `count` sorted claims get the numbers 0 to count - 1. Those that have one of them come first in the order and keep it; `next`
 * runs over the numbers that none of them has. */
static certstore_status number_group(struct claim *claims, size_t count, csi_parts *parts, certstore_error *err)
{
    size_t kept = 0;
    while (kept < count && claims[kept].slot.number < count)
        kept++;
    size_t next = 0, seen = 0;
    for (size_t i = 0; i < count; i++) {
        struct csi_pemdir_slot slot = claims[i].slot;
        if (i >= kept) {
            while (seen < kept && claims[seen].slot.number == next) {
                seen++;
                next++;
            }
            slot.number = (unsigned)next++;
        }
        CSI_TRY(emit(slot, claims[i].bytes, parts, err));
    }
    return CERTSTORE_OK;
}

static certstore_status number_all(struct claims *claims, csi_parts *parts, certstore_error *err)
{
    if (claims->count > 0)
        qsort(claims->items, claims->count, sizeof *claims->items, compare_claims);
    for (size_t i = 0, to; i < claims->count; i = to) {
        for (to = i + 1; to < claims->count && same_group(&claims->items[i], &claims->items[to]); to++)
            continue;
        CSI_TRY(number_group(&claims->items[i], to - i, parts, err));
    }
    return CERTSTORE_OK;
}

/* An entry that is written anew. `old` is the slot it had, or NULL: it keeps its number when its hash is still the same. */
static certstore_status claim_entry(struct claims *claims, const certstore_entry *entry, const struct csi_pemdir_slot *old, certstore_error *err)
{
    struct csi_pemdir_slot slot = { .crl = entry->kind == CERTSTORE_CRL, .number = UINT32_MAX };
    CSI_AUTO_BUF text = { 0 };
    if (entry->kind != CERTSTORE_CRL && (entry->kind != CERTSTORE_TRUSTED || entry->cert_count == 0))
        return CERTSTORE_OK; /* losses() has said so */
    const struct csi_span der = slot.crl ? csi_blob_span(entry->content) : csi_span(entry->certs[0].data, entry->certs[0].size);
    if (!csi_pemdir_hash(der, slot.crl, &slot.hash))
        return csi_fail(err, CERTSTORE_E_MALFORMED, "%s: its subject cannot be read, so OpenSSL could not find it; leave it out", entry->alias);
    if (slot.crl)
        csi_pem_write(&text, "X509 CRL", der);
    else
        CSI_TRY(csi_pem_write_cert(entry, 0, NULL, &text, err));
    CSI_AUTO(csi_blob) *bytes = csi_blob_from_buf(&text, err);
    if (bytes == NULL)
        return err->status;
    if (old != NULL && old->hash == slot.hash && old->crl == slot.crl)
        slot.number = old->number;
    return claim(claims, slot, bytes, der, err);
}

/* By unit: what stands there now, and whether its files can stay. */
struct fate {
    const certstore_entry *now;
    bool written;
};

static bool rewritten(const certstore_entry *entry)
{
    return (entry->origin.changed & (CSI_CHANGED_CERTS | CSI_CHANGED_KEY | CSI_CHANGED_TRUST)) != 0;
}

static certstore_status claim_file(struct claims *claims, const struct csi_pemdir_file *file, struct fate *fates, certstore_error *err)
{
    if (file->unit == SIZE_MAX) /* not readable as one certificate, but it has its number */
        return claim(claims, file->slot, file->bytes, csi_blob_span(file->bytes), err);
    struct fate *fate = &fates[file->unit];
    if (fate->now == NULL)
        return CERTSTORE_OK; /* removed, with every duplicate: the certificate would still be found otherwise */
    if (!rewritten(fate->now))
        return claim(claims, file->slot, file->bytes, csi_blob_span(file->bytes), err);
    if (fate->written)
        return CERTSTORE_OK;
    fate->written = true;
    return claim_entry(claims, fate->now, &file->slot, err);
}

static certstore_status claim_files(const struct csi_pemdir *dir, struct fate *fates, struct claims *claims, csi_parts *parts, certstore_error *err)
{
    for (size_t i = 0; i < dir->count; i++) {
        const struct csi_pemdir_file *file = &dir->files[i];
        if (file->stale)
            continue;
        if (file->hashed)
            CSI_TRY(claim_file(claims, file, fates, err));
        else
            CSI_TRY(csi_parts_add(parts, file->name, file->bytes, err));
    }
    return CERTSTORE_OK;
}

/* A change that changes nothing gives the same files, stale ones and all. */
static certstore_status hand_through(const struct csi_pemdir *dir, csi_parts *parts, certstore_error *err)
{
    for (size_t i = 0; i < dir->count; i++)
        CSI_TRY(csi_parts_add(parts, dir->files[i].name, dir->files[i].bytes, err));
    return CERTSTORE_OK;
}

static void free_fates(struct fate *fates)
{
    free(fates);
}
typedef struct fate csi_fates;
CSI_DEFINE_AUTO(csi_fates, free_fates)

certstore_status csi_pemdir_encode(const certstore_bundle *bundle, const struct csi_encode *in, csi_parts *parts, certstore_error *err)
{
    const bool ours = bundle->document != NULL && bundle->document->codec == &csi_codec_pemdir;
    const struct csi_pemdir *dir = ours ? (const struct csi_pemdir *)bundle->document : NULL;
    CSI_AUTO_CLAIMS claims = { 0 };
    (void)in;
    if (dir != NULL && csi_bundle_pristine(bundle))
        return hand_through(dir, parts, err);
    CSI_AUTO(csi_fates) *fates = csi_new(dir != NULL ? dir->unit_count : 0, sizeof *fates, err);
    if (fates == NULL)
        return err->status;
    for (size_t i = 0; i < bundle->count; i++) {
        const certstore_entry *entry = bundle->entries[i];
        if (dir != NULL && entry->origin.document == &dir->base && fates[entry->origin.index].now == NULL)
            fates[entry->origin.index].now = entry;
        else
            CSI_TRY(claim_entry(&claims, entry, NULL, err));
    }
    if (dir != NULL)
        CSI_TRY(claim_files(dir, fates, &claims, parts, err));
    return number_all(&claims, parts, err);
}

static size_t find_slot(const struct csi_pemdir_known *known, const uint8_t sha256[32])
{
    size_t at;
    memcpy(&at, sha256, sizeof at);
    for (at &= known->capacity - 1; known->slots[at].unit_plus_1 != 0; at = (at + 1) & (known->capacity - 1))
        if (memcmp(known->slots[at].sha256, sha256, 32) == 0)
            break;
    return at;
}

static certstore_status enlarge(struct csi_pemdir_known *known, certstore_error *err)
{
    struct csi_pemdir_known larger = { .capacity = known->capacity > 0 ? known->capacity * 2 : 64, .count = known->count };
    larger.slots = csi_new(larger.capacity, sizeof *larger.slots, err);
    if (larger.slots == NULL)
        return err->status;
    for (size_t i = 0; i < known->capacity; i++)
        if (known->slots[i].unit_plus_1 != 0)
            larger.slots[find_slot(&larger, known->slots[i].sha256)] = known->slots[i];
    free(known->slots);
    *known = larger;
    return CERTSTORE_OK;
}

certstore_status csi_pemdir_known_add(struct csi_pemdir_known *known, struct csi_span der, size_t unit, size_t *found, bool *is_new,
                                      certstore_error *err)
{
    uint8_t sha256[32];
    if (2 * (known->count + 1) > known->capacity)
        CSI_TRY(enlarge(known, err));
    csi_sha256(der, sha256);
    struct csi_pemdir_seen *slot = &known->slots[find_slot(known, sha256)];
    *is_new = slot->unit_plus_1 == 0;
    if (*is_new) {
        memcpy(slot->sha256, sha256, sizeof sha256);
        slot->unit_plus_1 = unit + 1;
        known->count++;
    }
    *found = slot->unit_plus_1 - 1;
    return CERTSTORE_OK;
}
