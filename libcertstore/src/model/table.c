/* SPDX-License-Identifier: Apache-2.0 */
/* table.c: linear probing; a removed slot is filled from behind, so that there are no tombstones to walk over. */
#include "model/table.h"

void csi_table_free(struct csi_table *table)
{
    free(table->slots);
    *table = (struct csi_table){ 0 };
}

certstore_status csi_table_copy(struct csi_table *to, const struct csi_table *from, certstore_error *err)
{
    struct csi_slot *slots = csi_new(from->slot_count, sizeof *slots, err);
    if (slots == NULL)
        return err->status;
    if (from->slot_count > 0)
        memcpy(slots, from->slots, from->slot_count * sizeof *slots);
    *to = (struct csi_table){ .slots = slots, .slot_count = from->slot_count, .used = from->used };
    return CERTSTORE_OK;
}

static void place(struct csi_table *table, struct csi_slot slot)
{
    size_t mask = table->slot_count - 1;
    size_t i = slot.hash & mask;
    while (table->slots[i].value_plus_1 != 0)
        i = (i + 1) & mask;
    table->slots[i] = slot;
}

certstore_status csi_table_reserve(struct csi_table *table, size_t count, certstore_error *err)
{
    size_t wanted = table->slot_count > 0 ? table->slot_count : 16;
    while (wanted - wanted / 4 < count)
        if (!csi_mul(wanted, 2, &wanted))
            return csi_error_memory(err);
    if (wanted == table->slot_count)
        return CERTSTORE_OK;
    struct csi_table grown = { .slots = csi_new(wanted, sizeof *grown.slots, err), .slot_count = wanted, .used = table->used };
    if (grown.slots == NULL)
        return err->status;
    for (size_t i = 0; i < table->slot_count; i++)
        if (table->slots[i].value_plus_1 != 0)
            place(&grown, table->slots[i]);
    free(table->slots);
    *table = grown;
    return CERTSTORE_OK;
}

certstore_status csi_table_put(struct csi_table *table, uint32_t hash, size_t value, certstore_error *err)
{
    if (value >= UINT32_MAX)
        return csi_fail(err, CERTSTORE_E_LIMIT, "store: more entries than can be indexed; split it");
    CSI_TRY(csi_table_reserve(table, table->used + 1, err));
    place(table, (struct csi_slot){ hash, (uint32_t)value + 1 });
    table->used++;
    return CERTSTORE_OK;
}

/* Closes the gap at i: every slot behind it that its own probe would no longer reach moves up (Knuth, vol. 3, 6.4, algorithm R). */
static void close_gap(struct csi_table *table, size_t gap)
{
    size_t mask = table->slot_count - 1;
    for (size_t i = (gap + 1) & mask; table->slots[i].value_plus_1 != 0; i = (i + 1) & mask) {
        size_t home = table->slots[i].hash & mask;
        if (((i - home) & mask) < ((i - gap) & mask))
            continue;
        table->slots[gap] = table->slots[i];
        gap = i;
    }
    table->slots[gap] = (struct csi_slot){ 0, 0 };
}

void csi_table_remove(struct csi_table *table, uint32_t hash, size_t value)
{
    size_t mask = table->slot_count - 1;
    if (table->slot_count == 0 || value >= UINT32_MAX)
        return;
    for (size_t i = hash & mask; table->slots[i].value_plus_1 != 0; i = (i + 1) & mask) {
        if (table->slots[i].hash != hash || table->slots[i].value_plus_1 != value + 1)
            continue;
        close_gap(table, i);
        table->used--;
        return;
    }
}

void csi_table_prefetch(const struct csi_table *table, uint32_t hash)
{
    if (table->slot_count > 0)
        __builtin_prefetch(&table->slots[hash & (table->slot_count - 1)], 1);
}

size_t csi_table_next(const struct csi_table *table, uint32_t hash, size_t *cursor)
{
    size_t mask = table->slot_count - 1;
    while (table->slot_count > 0) {
        const struct csi_slot *slot = &table->slots[(hash + *cursor) & mask];
        if (slot->value_plus_1 == 0)
            break;
        ++*cursor;
        if (slot->hash == hash)
            return slot->value_plus_1 - 1;
    }
    return SIZE_MAX;
}
