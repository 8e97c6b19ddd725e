/* SPDX-License-Identifier: Apache-2.0 */
/* index.c: positions by folded alias. */
#include "model/index.h"

#include "base/error.h"
#include "base/os.h"
#include "model/deque.h"
#include "model/table.h"

struct csi_alias_index {
    enum csi_alias_rule rule;
    struct csi_hash_key key;
    csi_alias_at at;
    struct csi_table table;    /* alias to ordinal */
    struct csi_deque ordinals; /* uint32_t each, one a position, growing */
    uint32_t next;             /* the ordinal of the next entry */
};

static uint32_t *ordinals(const struct csi_alias_index *index)
{
    return index->ordinals.items;
}

static struct csi_alias_index *new_index(enum csi_alias_rule rule, csi_alias_at at, certstore_error *err)
{
    struct csi_alias_index *index = csi_new(1, sizeof *index, err);
    if (index == NULL)
        return NULL;
    index->rule = rule;
    index->at = at;
    index->ordinals.size = sizeof(uint32_t);
    return index;
}

struct csi_alias_index *csi_index_new(enum csi_alias_rule rule, csi_alias_at at, certstore_error *err)
{
    struct csi_alias_index *index = new_index(rule, at, err);
    if (index == NULL || csi_unpredictable(&index->key, sizeof index->key, err) == CERTSTORE_OK)
        return index;
    csi_index_free(index);
    return NULL;
}

struct csi_alias_index *csi_index_copy(const struct csi_alias_index *from, certstore_error *err)
{
    struct csi_alias_index *index = new_index(from->rule, from->at, err);
    if (index == NULL)
        return NULL;
    index->key = from->key;
    index->next = from->next;
    if (csi_table_copy(&index->table, &from->table, err) == CERTSTORE_OK && csi_deque_copy(&index->ordinals, &from->ordinals, err) == CERTSTORE_OK)
        return index;
    csi_index_free(index);
    return NULL;
}

void csi_index_free(struct csi_alias_index *index)
{
    if (index == NULL)
        return;
    csi_table_free(&index->table);
    csi_deque_free(&index->ordinals);
    free(index);
}

uint32_t csi_index_hash(const struct csi_alias_index *index, const char *alias)
{
    const uint32_t hash = csi_alias_hash(index->rule, &index->key, alias);
    csi_table_prefetch(&index->table, hash);
    return hash;
}

certstore_status csi_index_reserve(struct csi_alias_index *index, size_t count, certstore_error *err)
{
    return csi_table_reserve(&index->table, count, err);
}

/* Ordinal and position are the same until something is removed. */
static size_t position_of(const struct csi_alias_index *index, size_t ordinal)
{
    const uint32_t *sorted = ordinals(index);
    size_t low = 0;
    size_t high = index->ordinals.count;
    if (ordinal < high && sorted[ordinal] == ordinal)
        return ordinal;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sorted[middle] < ordinal)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t csi_index_find(const struct csi_alias_index *index, const void *owner, const char *alias, uint32_t hash)
{
    size_t ordinal;
    for (size_t cursor = 0; (ordinal = csi_table_next(&index->table, hash, &cursor)) != SIZE_MAX;) {
        size_t position = position_of(index, ordinal);
        if (csi_alias_equal(index->rule, index->at(owner, position), alias))
            return position;
    }
    return SIZE_MAX;
}

certstore_status csi_index_append(struct csi_alias_index *index, uint32_t hash, certstore_error *err)
{
    if (index->next == UINT32_MAX) /* four thousand million changes to one bundle */
        return csi_fail(err, CERTSTORE_E_LIMIT, "bundle: changed too often to be indexed; copy its entries to a new one");
    CSI_TRY(csi_deque_append(&index->ordinals, &index->next, err));
    certstore_status status = csi_table_put(&index->table, hash, index->next, err);
    if (status != CERTSTORE_OK) {
        csi_deque_remove(&index->ordinals, index->ordinals.count - 1);
        return status;
    }
    index->next++;
    return CERTSTORE_OK;
}

void csi_index_remove(struct csi_alias_index *index, size_t position, const char *alias)
{
    csi_table_remove(&index->table, csi_index_hash(index, alias), ordinals(index)[position]);
    csi_deque_remove(&index->ordinals, position);
}

certstore_status csi_index_rename(struct csi_alias_index *index, size_t position, const char *alias, const char *new_alias, certstore_error *err)
{
    uint32_t ordinal = ordinals(index)[position];
    CSI_TRY(csi_table_put(&index->table, csi_index_hash(index, new_alias), ordinal, err));
    csi_table_remove(&index->table, csi_index_hash(index, alias), ordinal);
    return CERTSTORE_OK;
}
