/* SPDX-License-Identifier: Apache-2.0 */
/* writer.c: DER headers: short form below 128 bytes, else the fewest length octets (X.690 section 10.1). */
#include "base/writer.h"

static size_t length_octets(size_t size)
{
    size_t octets = 0;
    for (; size > 0; size >>= 8)
        octets++;
    return octets;
}

size_t csi_der_header_size(size_t size)
{
    return size < 0x80 ? 2 : 2 + length_octets(size);
}

static size_t make_header(uint8_t tag, size_t size, uint8_t header[2 + sizeof size])
{
    header[0] = tag;
    if (size < 0x80) {
        header[1] = (uint8_t)size;
        return 2;
    }
    size_t octets = length_octets(size);
    header[1] = (uint8_t)(0x80 | octets);
    for (size_t i = 0; i < octets; i++)
        header[2 + i] = (uint8_t)(size >> 8 * (octets - 1 - i));
    return 2 + octets;
}

void csi_der_put_header(struct csi_buf *out, uint8_t tag, size_t size)
{
    uint8_t header[2 + sizeof size];
    csi_buf_put(out, header, make_header(tag, size, header));
}

void csi_der_put(struct csi_buf *out, uint8_t tag, struct csi_span content)
{
    csi_der_put_header(out, tag, content.size);
    csi_buf_put_span(out, content);
}

void csi_der_put_buf(struct csi_buf *out, uint8_t tag, const struct csi_buf *inner)
{
    csi_der_put_header(out, tag, inner->size);
    csi_buf_put_buf(out, inner);
}

void csi_der_wrap(struct csi_buf *out, size_t from, uint8_t tag)
{
    uint8_t header[2 + sizeof from];
    size_t size = out->size - from;
    size_t extra = make_header(tag, size, header);
    if (csi_buf_reserve(out, extra) == NULL)
        return;
    memmove(out->data + from + extra, out->data + from, size);
    memcpy(out->data + from, header, extra);
    out->size += extra;
}

void csi_der_put_uint(struct csi_buf *out, uint64_t value)
{
    uint8_t bytes[1 + sizeof value] = { 0 };
    for (size_t i = 0; i < sizeof value; i++)
        bytes[1 + i] = (uint8_t)(value >> 8 * (sizeof value - 1 - i));
    size_t skip = 0;
    while (skip < sizeof value && bytes[skip] == 0 && (bytes[skip + 1] & 0x80) == 0)
        skip++;
    csi_der_put(out, CSI_DER_INTEGER, csi_span(bytes + skip, sizeof bytes - skip));
}
