/* SPDX-License-Identifier: Apache-2.0 */
/* bytes.c: bytes that the caller owns. */
#include "base/bytes.h"

#include "base/error.h"

struct certstore_bytes {
    size_t size;
    uint8_t data[];
};

certstore_bytes *csi_bytes_new(struct csi_span from, certstore_error *err)
{
    size_t room;
    if (!csi_add(sizeof(certstore_bytes) + 1, from.size, &room)) {
        csi_error_memory(err);
        return NULL;
    }
    certstore_bytes *bytes = csi_new(1, room, err);
    if (bytes == NULL)
        return NULL;
    bytes->size = from.size;
    if (from.size > 0)
        memcpy(bytes->data, from.data, from.size);
    return bytes;
}

certstore_bytes *csi_bytes_from_buf(const struct csi_buf *buf, certstore_error *err)
{
    return csi_buf_check(buf, err) == CERTSTORE_OK ? csi_bytes_new(csi_buf_span(buf), err) : NULL;
}

void csi_bytes_begin(struct csi_buf *buf, size_t expected)
{
    static const certstore_bytes header;
    size_t room;
    if (csi_add(sizeof header + 1, expected, &room))
        csi_buf_reserve(buf, room);
    csi_buf_put(buf, &header, sizeof header);
}

certstore_bytes *csi_bytes_finish(struct csi_buf *buf, certstore_error *err)
{
    csi_buf_put_u8(buf, 0);
    if (csi_buf_check(buf, err) != CERTSTORE_OK)
        return NULL;
    certstore_bytes *bytes = (void *)buf->data;
    bytes->size = buf->size - sizeof *bytes - 1;
    *buf = (struct csi_buf){ 0 };
    return bytes;
}

const uint8_t *certstore_bytes_data(const certstore_bytes *bytes)
{
    return bytes != NULL ? bytes->data : NULL;
}

size_t certstore_bytes_size(const certstore_bytes *bytes)
{
    return bytes != NULL ? bytes->size : 0;
}

void certstore_bytes_free(certstore_bytes *bytes)
{
    if (bytes == NULL)
        return;
    csi_wipe(bytes->data, bytes->size);
    free(bytes);
}
