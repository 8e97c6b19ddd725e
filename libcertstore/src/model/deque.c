/* SPDX-License-Identifier: Apache-2.0 */
/* deque.c: an array that gives way at both ends. */
#include "model/deque.h"

static uint8_t *item_at(const struct csi_deque *deque, size_t position)
{
    return (uint8_t *)deque->items + position * deque->size;
}

void csi_deque_free(struct csi_deque *deque)
{
    free(deque->block);
    *deque = (struct csi_deque){ .size = deque->size };
}

certstore_status csi_deque_copy(struct csi_deque *to, const struct csi_deque *from, certstore_error *err)
{
    void *block = csi_new(from->count, from->size, err);
    if (block == NULL)
        return err->status;
    if (from->count > 0)
        memcpy(block, from->items, from->count * from->size);
    *to =
        (struct csi_deque){ .block = block, .items = block, .count = from->count, .capacity = from->count > 0 ? from->count : 1, .size = from->size };
    return CERTSTORE_OK;
}

certstore_status csi_deque_reserve(struct csi_deque *deque, certstore_error *err)
{
    size_t before = deque->block != NULL ? (size_t)((uint8_t *)deque->items - (uint8_t *)deque->block) / deque->size : 0;
    if (deque->block != NULL && before + deque->count < deque->capacity)
        return CERTSTORE_OK;
    if (before > deque->capacity / 2) { /* at most as many items are moved as were removed before */
        memmove(deque->block, deque->items, deque->count * deque->size);
        deque->items = deque->block;
        return CERTSTORE_OK;
    }
    void *block = csi_grow(deque->block, &deque->capacity, before + deque->count + 1, deque->size, err);
    if (block == NULL)
        return err->status;
    deque->block = block;
    deque->items = (uint8_t *)block + before * deque->size;
    return CERTSTORE_OK;
}

certstore_status csi_deque_append(struct csi_deque *deque, const void *item, certstore_error *err)
{
    CSI_TRY(csi_deque_reserve(deque, err));
    memcpy(item_at(deque, deque->count), item, deque->size);
    deque->count++;
    return CERTSTORE_OK;
}

void csi_deque_remove(struct csi_deque *deque, size_t position)
{
    size_t behind = deque->count - position - 1;
    if (position < behind) {
        memmove(item_at(deque, 1), deque->items, position * deque->size);
        deque->items = item_at(deque, 1);
    } else {
        memmove(item_at(deque, position), item_at(deque, position + 1), behind * deque->size);
    }
    deque->count--;
}
