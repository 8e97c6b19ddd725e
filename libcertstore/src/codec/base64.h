/* SPDX-License-Identifier: Apache-2.0 */
/* base64.h: base64 (RFC 4648 section 4) as PEM text carries it: in lines, with white space that does not count. */
#ifndef CSI_BASE64_H
#define CSI_BASE64_H

#include "base/buf.h"

/* The most bytes that decoding `size` characters writes. */
static inline size_t csi_base64_room(size_t size)
{
    return size / 4 * 3 + 3;
}
/* Decodes text into out, which has csi_base64_room(text.size) bytes. False when the text is no base64, with *bad the offset of what is wrong
 * and *why a few static words. White space is skipped, but an empty line within the data is an error: there a header would end. */
bool csi_base64_decode(struct csi_span text, uint8_t *out, size_t *size, size_t *bad, const char **why);
/* Decodes what stands before the first hyphen-minus, which no base64 holds, and tells where that is. False when there is none, or when that is no
 * base64: *stop is then where it ends to be some. */
bool csi_base64_decode_to_dash(struct csi_span text, uint8_t *out, size_t *size, size_t *stop);
/* The most that `size` bytes take in lines. */
static inline size_t csi_base64_lines(size_t size)
{
    return size / 48 * 65 + 65;
}
/* Appends lines of 64 characters, each with a LF (RFC 7468 section 2: generators MUST wrap so). */
void csi_base64_encode_lines(struct csi_span bytes, struct csi_buf *out);

#endif
