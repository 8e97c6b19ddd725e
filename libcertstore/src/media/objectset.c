/* SPDX-License-Identifier: Apache-2.0 */
/* objectset.c: sorted by essence, so that every comparison is one walk along two lists. */
#include "media/objectset.h"

#include <openssl/sha.h>

void csi_object_set_clear(struct csi_object_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        csi_blob_free(set->items[i].object);
    free(set->items);
    *set = (struct csi_object_set){ 0 };
}

certstore_status csi_object_set_add_item(struct csi_object_set *set, const struct csi_set_item *item, certstore_error *err)
{
    struct csi_set_item *items = csi_grow(set->items, &set->capacity, set->count + 1, sizeof *items, err);
    if (items == NULL)
        return err->status;
    set->items = items;
    items[set->count] = *item;
    items[set->count++].object = csi_blob_ref(item->object);
    return CERTSTORE_OK;
}

certstore_status csi_object_set_add(struct csi_object_set *set, csi_blob *object, certstore_error *err)
{
    CSI_AUTO_BUF essence = { 0 };
    struct csi_set_item item = { .object = object };
    CSI_TRY(csi_object_essence(csi_blob_span(object), &essence, err));
    SHA256(essence.data, essence.size, item.essence);
    return csi_object_set_add_item(set, &item, err);
}

static int compare(const void *a, const void *b)
{
    return memcmp(((const struct csi_set_item *)a)->essence, ((const struct csi_set_item *)b)->essence, CSI_ESSENCE_SIZE);
}

void csi_object_set_sort(struct csi_object_set *set)
{
    if (set->count > 1)
        qsort(set->items, set->count, sizeof *set->items, compare);
}

certstore_status csi_object_set_of(const struct csi_objects *objects, struct csi_object_set *set, certstore_error *err)
{
    for (size_t i = 0; i < objects->count; i++)
        CSI_TRY(csi_object_set_add(set, objects->items[i], err));
    csi_object_set_sort(set);
    return CERTSTORE_OK;
}

certstore_status csi_object_set_copy(const struct csi_object_set *from, struct csi_object_set *set, certstore_error *err)
{
    for (size_t i = 0; i < from->count; i++)
        CSI_TRY(csi_object_set_add_item(set, &from->items[i], err));
    return CERTSTORE_OK;
}

certstore_status csi_object_set_minus(const struct csi_object_set *a, const struct csi_object_set *b, struct csi_object_set *rest,
                                      certstore_error *err)
{
    size_t j = 0;
    for (size_t i = 0; i < a->count; i++) {
        int order = 1;
        while (j < b->count && (order = compare(&a->items[i], &b->items[j])) > 0)
            j++;
        if (j < b->count && order == 0)
            j++;
        else
            CSI_TRY(csi_object_set_add_item(rest, &a->items[i], err));
    }
    return CERTSTORE_OK;
}

bool csi_object_set_within(const struct csi_object_set *a, const struct csi_object_set *b)
{
    size_t j = 0;
    for (size_t i = 0; i < a->count; i++, j++) {
        int order = 1;
        while (j < b->count && (order = compare(&a->items[i], &b->items[j])) > 0)
            j++;
        if (j == b->count || order != 0)
            return false;
    }
    return true;
}

bool csi_object_set_has(const struct csi_object_set *set, const struct csi_set_item *item)
{
    return set->count > 0 && bsearch(item, set->items, set->count, sizeof *set->items, compare) != NULL;
}

bool csi_object_set_equal(const struct csi_object_set *a, const struct csi_object_set *b)
{
    return a->count == b->count && csi_object_set_within(a, b);
}

certstore_status csi_object_set_digest(const struct csi_object_set *set, char text[CSI_DIGEST_TEXT + 1], certstore_error *err)
{
    CSI_AUTO_BUF all = { 0 };
    csi_buf_put_text(&all, "token");
    for (size_t i = 0; i < set->count; i++)
        csi_buf_put(&all, set->items[i].essence, CSI_ESSENCE_SIZE);
    CSI_TRY(csi_buf_check(&all, err));
    return csi_digest_text(csi_buf_span(&all), text, err);
}
