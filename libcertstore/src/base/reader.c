/* SPDX-License-Identifier: Apache-2.0 */
/* reader.c: the bounded cursor, and DER (ITU-T X.690) seen through it. */
#include "base/reader.h"

#include <inttypes.h>
#include <stdio.h>

bool csi_read_u8(struct csi_reader *r, uint8_t *value)
{
    if (csi_left(r) < 1)
        return false;
    *value = *r->at++;
    return true;
}

bool csi_read_u16(struct csi_reader *r, uint16_t *value)
{
    const uint8_t *p = r->at;
    if (csi_left(r) < 2)
        return false;
    *value = (uint16_t)(p[0] << 8 | p[1]);
    r->at += 2;
    return true;
}

bool csi_read_u32(struct csi_reader *r, uint32_t *value)
{
    const uint8_t *p = r->at;
    if (csi_left(r) < 4)
        return false;
    *value = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    r->at += 4;
    return true;
}

bool csi_read_u64(struct csi_reader *r, uint64_t *value)
{
    uint32_t high, low;
    if (csi_left(r) < 8 || !csi_read_u32(r, &high) || !csi_read_u32(r, &low))
        return false;
    *value = (uint64_t)high << 32 | low;
    return true;
}

/* The length octets (X.690 8.1.3). Those of certificates are two digits. */
struct csi_der_size csi_der_long_size(const uint8_t *at, size_t left)
{
    const size_t digits = at[1] & 0x7f; /* 0 would be BER's indefinite length */
    if (digits == 2 && left >= 4)
        return (struct csi_der_size){ 4, (size_t)at[2] << 8 | at[3] };
    if (digits == 0 || digits > sizeof(size_t) || left < 2 + digits)
        return (struct csi_der_size){ 0, 0 };
    size_t size = 0;
    for (size_t i = 0; i < digits; i++)
        size = size << 8 | at[2 + i];
    return (struct csi_der_size){ 2 + digits, size };
}

bool csi_der_uint(struct csi_reader *r, uint64_t *value)
{
    struct csi_reader trial = *r;
    struct csi_tlv tlv;
    if (!csi_der_expect(&trial, CSI_DER_INTEGER, &tlv) || tlv.content.size == 0 || (tlv.content.data[0] & 0x80) != 0)
        return false;
    uint64_t result = 0;
    for (size_t i = 0; i < tlv.content.size; i++) {
        if (result >> 56 != 0)
            return false;
        result = result << 8 | tlv.content.data[i];
    }
    *value = result;
    *r = trial;
    return true;
}

bool csi_oid_text(struct csi_span oid, char *text, size_t room)
{
    size_t used = 0;
    uint64_t arc = 0;
    bool first = true;
    if (oid.size == 0 || room == 0 || (oid.data[oid.size - 1] & 0x80) != 0)
        return false;
    for (size_t i = 0; i < oid.size; i++) {
        if (arc >> 57 != 0)
            return false;
        arc = arc << 7 | (oid.data[i] & 0x7f);
        if ((oid.data[i] & 0x80) != 0)
            continue;
        uint64_t top = arc < 80 ? arc / 40 : 2; /* X.690 8.19.4: the first two arcs share one number */
        int n = first ? snprintf(text, room, "%" PRIu64 ".%" PRIu64, top, arc - top * 40) : snprintf(text + used, room - used, ".%" PRIu64, arc);
        if (n < 0 || (size_t)n >= room - used)
            return false;
        used += (size_t)n;
        first = false;
        arc = 0;
    }
    return true;
}
