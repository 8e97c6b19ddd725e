/* SPDX-License-Identifier: Apache-2.0 */
/* reader.h: the bounded cursor through which every decoder reads. A read past the end returns false and moves nothing. */
#ifndef CSI_READER_H
#define CSI_READER_H

#include "base/mem.h"

struct csi_reader {
    const uint8_t *at;
    const uint8_t *end;
};

static inline struct csi_reader csi_reader(struct csi_span bytes)
{
    return (struct csi_reader){ bytes.data, csi_span_end(bytes) };
}
static inline size_t csi_left(const struct csi_reader *r)
{
    return (size_t)(r->end - r->at);
}
static inline bool csi_read_span(struct csi_reader *r, size_t size, struct csi_span *bytes)
{
    if (csi_left(r) < size)
        return false;
    *bytes = csi_span(r->at, size);
    if (size > 0)
        r->at += size;
    return true;
}
/* Big-endian integers. */
bool csi_read_u8(struct csi_reader *r, uint8_t *value);
bool csi_read_u16(struct csi_reader *r, uint16_t *value);
bool csi_read_u32(struct csi_reader *r, uint32_t *value);
bool csi_read_u64(struct csi_reader *r, uint64_t *value);

/* One DER element (X.690): identifier octets with tag numbers below 31, definite length, at most SIZE_MAX / 2 bytes. */
struct csi_tlv {
    uint8_t tag;             /* the identifier octet: class, constructed bit and number */
    struct csi_span content; /* what stands between header and end */
    struct csi_span whole;   /* header and content */
};
enum {
    CSI_DER_BOOLEAN = 0x01,
    CSI_DER_INTEGER = 0x02,
    CSI_DER_BIT_STRING = 0x03,
    CSI_DER_OCTET_STRING = 0x04,
    CSI_DER_NULL = 0x05,
    CSI_DER_OID = 0x06,
    CSI_DER_UTF8_STRING = 0x0c,
    CSI_DER_PRINTABLE_STRING = 0x13,
    CSI_DER_T61_STRING = 0x14,
    CSI_DER_IA5_STRING = 0x16,
    CSI_DER_UTC_TIME = 0x17,
    CSI_DER_GENERALIZED_TIME = 0x18,
    CSI_DER_UNIVERSAL_STRING = 0x1c,
    CSI_DER_BMP_STRING = 0x1e,
    CSI_DER_SEQUENCE = 0x30,
    CSI_DER_SET = 0x31,
    CSI_DER_CONTEXT = 0x80,            /* | number: [n] primitive */
    CSI_DER_CONTEXT_CONSTRUCTED = 0xa0 /* | number: [n] constructed */
};
/* How many octets stand before an element's content, and how many are its content; header 0: the length is no DER. In registers, so that nothing
 * below has to lie in memory. */
struct csi_der_size {
    size_t header;
    size_t content;
};
/* Of an element whose length is 128 or more; `left` is at least 2. */
struct csi_der_size csi_der_long_size(const uint8_t *at, size_t left);
/* The next element; false when the bytes end too early or are no DER. Most are short, and measured here. */
static inline bool csi_der_next(struct csi_reader *r, struct csi_tlv *tlv)
{
    const uint8_t *at = r->at;
    const size_t left = csi_left(r);
    if (left < 2 || (at[0] & 0x1f) == 0x1f)
        return false;
    const struct csi_der_size size = at[1] < 0x80 ? (struct csi_der_size){ 2, at[1] } : csi_der_long_size(at, left);
    if (size.header == 0 || size.content > left - size.header)
        return false;
    *tlv = (struct csi_tlv){ at[0], csi_span(at + size.header, size.content), csi_span(at, size.header + size.content) };
    r->at += size.header + size.content;
    return true;
}
/* The next element if it has that tag; otherwise false, and nothing is moved. */
static inline bool csi_der_expect(struct csi_reader *r, uint8_t tag, struct csi_tlv *tlv)
{
    return csi_left(r) > 0 && *r->at == tag && csi_der_next(r, tlv);
}
/* Enters the next element, which must have that tag: inner reads its content. */
static inline bool csi_der_enter(struct csi_reader *r, uint8_t tag, struct csi_reader *inner)
{
    struct csi_tlv tlv;
    if (!csi_der_expect(r, tag, &tlv))
        return false;
    *inner = csi_reader(tlv.content);
    return true;
}
/* A non-negative INTEGER that fits. */
bool csi_der_uint(struct csi_reader *r, uint64_t *value);
/* Writes the dotted form of an OID's content; false if it is malformed or does not fit. */
bool csi_oid_text(struct csi_span oid, char *text, size_t room);

#endif
