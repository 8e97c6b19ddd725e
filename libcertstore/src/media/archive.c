/* SPDX-License-Identifier: Apache-2.0 */
/* archive.c: named bytes in one file: a magic line, then for each part its name's size (4 bytes), the name, the bytes' size (8), the bytes. */
#include "base/reader.h"
#include "media/directory.h"

static const char magic[] = "certstore parts 1\n";

certstore_status csi_archive_write(const csi_parts *parts, struct csi_buf *out, certstore_error *err)
{
    csi_buf_put_text(out, magic);
    for (size_t i = 0; i < parts->count; i++) {
        const struct csi_part *part = &parts->items[i];
        csi_buf_put_u32(out, (uint32_t)strlen(part->name));
        csi_buf_put_text(out, part->name);
        csi_buf_put_u64(out, part->bytes->size);
        csi_buf_put_span(out, csi_blob_span(part->bytes));
    }
    return csi_buf_check(out, err);
}

static bool read_part(struct csi_reader *r, csi_parts *parts, certstore_error *err)
{
    uint32_t name_size = 0;
    uint64_t size = 0;
    struct csi_span name;
    struct csi_span bytes;
    if (!csi_read_u32(r, &name_size) || !csi_read_span(r, name_size, &name) || !csi_read_u64(r, &size) || size > csi_left(r) ||
        !csi_read_span(r, (size_t)size, &bytes) || memchr(name.data, '\0', name.size) != NULL)
        return false;
    CSI_AUTO(csi_chars) *text = csi_strndup((const char *)name.data, name.size, err);
    CSI_AUTO(csi_blob) *blob = csi_blob_new(bytes.data, bytes.size, err);
    return text != NULL && blob != NULL && csi_parts_add(parts, text, blob, err) == CERTSTORE_OK;
}

csi_parts *csi_archive_read(struct csi_span bytes, certstore_error *err)
{
    struct csi_reader r = csi_reader(bytes);
    struct csi_span start;
    CSI_AUTO(csi_parts) *parts = csi_parts_new(err);
    if (parts == NULL)
        return NULL;
    bool good = csi_read_span(&r, sizeof magic - 1, &start) && csi_span_equal(start, csi_span_text(magic));
    while (good && csi_left(&r) > 0)
        good = read_part(&r, parts, err);
    if (!good)
        csi_fail(err, CERTSTORE_E_TAMPERED, "generation: its kept bytes are damaged; choose another one");
    return good ? csi_steal(&parts) : NULL;
}
