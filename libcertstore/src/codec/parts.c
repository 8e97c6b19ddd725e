/* SPDX-License-Identifier: Apache-2.0 */
/* parts.c: the named byte strings that make up one store. */
#include "codec/codec.h"

csi_parts *csi_parts_new(certstore_error *err)
{
    return csi_new(1, sizeof(csi_parts), err);
}

certstore_status csi_parts_add(csi_parts *parts, const char *name, csi_blob *bytes, certstore_error *err)
{
    CSI_AUTO(csi_chars) *copy = csi_strdup(name, err);
    if (copy == NULL)
        return err->status;
    struct csi_part *items = csi_grow(parts->items, &parts->capacity, parts->count + 1, sizeof *items, err);
    if (items == NULL)
        return err->status;
    parts->items = items;
    items[parts->count++] = (struct csi_part){ .name = csi_steal(&copy), .bytes = csi_blob_ref(bytes) };
    return CERTSTORE_OK;
}

void csi_parts_free(csi_parts *parts)
{
    if (parts == NULL)
        return;
    for (size_t i = 0; i < parts->count; i++) {
        free(parts->items[i].name);
        csi_blob_free(parts->items[i].bytes);
    }
    free(parts->items);
    free(parts);
}
