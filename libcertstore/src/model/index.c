/* SPDX-License-Identifier: Apache-2.0 */
/* index.c: positions by folded alias. */
#include "model/index.h"

#include "base/error.h"

struct slot {
    uint32_t hash;
    uint32_t position_plus_1; /* 0: empty */
};

struct csi_alias_index {
    enum csi_alias_rule rule;
    csi_alias_at at;
    struct slot *slots; /* a power of two of them, at most half of them taken */
    size_t slot_count;
    size_t used;
};

struct csi_alias_index *csi_index_new(enum csi_alias_rule rule, csi_alias_at at, certstore_error *err)
{
    struct csi_alias_index *index = csi_new(1, sizeof *index, err);
    if (index == NULL)
        return NULL;
    index->rule = rule;
    index->at = at;
    return index;
}

void csi_index_free(struct csi_alias_index *index)
{
    if (index == NULL)
        return;
    free(index->slots);
    free(index);
}

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}

static uint8_t lower_ascii(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* FNV-1a. Names of a store are not an attacker's lever here: entries are limited, and a chain of equal hashes costs compares only. */
static uint32_t hash_bytes(const char *text)
{
    uint32_t hash = 2166136261U;
    for (; *text != '\0'; text++)
        hash = (hash ^ (uint8_t)*text) * 16777619U;
    return hash ^ hash >> 15;
}

/* The same over lower-cased ASCII, in one pass; false for text that is more than ASCII. */
static bool hash_ascii(const char *text, uint32_t *result)
{
    uint32_t hash = 2166136261U;
    for (; *text != '\0'; text++) {
        if ((uint8_t)*text >= 0x80)
            return false;
        hash = (hash ^ lower_ascii((uint8_t)*text)) * 16777619U;
    }
    *result = hash ^ hash >> 15;
    return true;
}

/* A folded copy of what ASCII folding cannot fold; NULL (and no failure) where ASCII folding does. */
static char *folded(const struct csi_alias_index *index, const char *alias)
{
    if (index->rule == CSI_ALIAS_EXACT || is_ascii(alias))
        return NULL;
    certstore_error ignored = { 0 }; /* not before: clearing it would cost more than all the rest */
    return csi_alias_fold(index->rule, alias, &ignored);
}

static uint32_t hash_of(const struct csi_alias_index *index, const char *alias)
{
    uint32_t hash;
    if (index->rule == CSI_ALIAS_EXACT)
        return hash_bytes(alias);
    if (hash_ascii(alias, &hash))
        return hash;
    CSI_AUTO(csi_chars) *lower = folded(index, alias);
    return hash_bytes(lower != NULL ? lower : alias);
}

static bool same_alias(const struct csi_alias_index *index, const char *a, const char *b)
{
    if (index->rule == CSI_ALIAS_EXACT)
        return strcmp(a, b) == 0;
    if (is_ascii(a) && is_ascii(b)) {
        while (*a != '\0' && lower_ascii((uint8_t)*a) == lower_ascii((uint8_t)*b)) {
            a++;
            b++;
        }
        return *a == '\0' && *b == '\0';
    }
    CSI_AUTO(csi_chars) *x = folded(index, a);
    CSI_AUTO(csi_chars) *y = folded(index, b);
    certstore_error ignored = { 0 };
    if (x == NULL)
        x = csi_alias_fold(index->rule, a, &ignored);
    if (y == NULL)
        y = csi_alias_fold(index->rule, b, &ignored);
    return x != NULL && y != NULL && strcmp(x, y) == 0;
}

size_t csi_index_find(const struct csi_alias_index *index, const void *owner, const char *alias)
{
    if (index->slot_count == 0)
        return SIZE_MAX;
    uint32_t hash = hash_of(index, alias);
    for (size_t i = hash & (index->slot_count - 1);; i = (i + 1) & (index->slot_count - 1)) {
        const struct slot *slot = &index->slots[i];
        if (slot->position_plus_1 == 0)
            return SIZE_MAX;
        if (slot->hash == hash && same_alias(index, index->at(owner, slot->position_plus_1 - 1), alias))
            return slot->position_plus_1 - 1;
    }
}

static void place(struct slot *slots, size_t count, struct slot slot)
{
    size_t i = slot.hash & (count - 1);
    while (slots[i].position_plus_1 != 0)
        i = (i + 1) & (count - 1);
    slots[i] = slot;
}

static certstore_status resize(struct csi_alias_index *index, size_t wanted, certstore_error *err)
{
    size_t count = index->slot_count > 0 ? index->slot_count : 16;
    while (count / 2 < wanted)
        if (!csi_mul(count, 2, &count))
            return csi_error_memory(err);
    if (count == index->slot_count)
        return CERTSTORE_OK;
    struct slot *slots = csi_new(count, sizeof *slots, err);
    if (slots == NULL)
        return err->status;
    for (size_t i = 0; i < index->slot_count; i++)
        if (index->slots[i].position_plus_1 != 0)
            place(slots, count, index->slots[i]);
    free(index->slots);
    index->slots = slots;
    index->slot_count = count;
    return CERTSTORE_OK;
}

certstore_status csi_index_add(struct csi_alias_index *index, const void *owner, size_t position, certstore_error *err)
{
    if (position >= UINT32_MAX)
        return csi_fail(err, CERTSTORE_E_LIMIT, "store: more entries than can be indexed; split it");
    CSI_TRY(resize(index, index->used + 1, err));
    place(index->slots, index->slot_count, (struct slot){ hash_of(index, index->at(owner, position)), (uint32_t)position + 1 });
    index->used++;
    return CERTSTORE_OK;
}

certstore_status csi_index_rebuild(struct csi_alias_index *index, const void *owner, size_t count, certstore_error *err)
{
    CSI_TRY(resize(index, count, err)); /* the only step that can fail comes first */
    if (index->slot_count > 0)
        memset(index->slots, 0, index->slot_count * sizeof *index->slots);
    index->used = 0;
    for (size_t i = 0; i < count; i++)
        CSI_TRY(csi_index_add(index, owner, i, err));
    return CERTSTORE_OK;
}
