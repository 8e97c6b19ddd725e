/* SPDX-License-Identifier: Apache-2.0 */
/* pem_scan.h: finds the blocks in PEM text (RFC 7468) and decodes them. */
#ifndef CSI_PEM_SCAN_H
#define CSI_PEM_SCAN_H

#include "base/buf.h"
#include "base/error.h"

/* One block, as it lies in its text. Offsets count from the start of the text. */
struct csi_pem_block {
    struct csi_span label;   /* "CERTIFICATE" */
    struct csi_span headers; /* the lines of RFC 1421 headers, empty where there are none */
    struct csi_span data;    /* base64 and white space */
    size_t begin;            /* of the block: where "-----BEGIN" stands, or the blanks before it */
    size_t end;              /* past the END line with its line end; past its dashes where the next block follows on the same line */
};

struct csi_pem_scan {
    struct csi_span text;
    size_t at;
};
static inline struct csi_pem_scan csi_pem_scan(struct csi_span text)
{
    return (struct csi_pem_scan){ .text = text };
}
/* The next block. *found is false past the last one. CERTSTORE_E_TRUNCATED when the text ends within a block, CERTSTORE_E_MALFORMED for
 * what no reader should guess about; the message names the line. */
certstore_status csi_pem_next(struct csi_pem_scan *scan, struct csi_pem_block *block, bool *found, certstore_error *err);
/* Decodes a block's data into out, which has csi_base64_room(data.size) bytes. A comment below the data is cut off. */
certstore_status csi_pem_decode(const struct csi_pem_scan *scan, struct csi_pem_block *block, uint8_t *out, size_t *size, certstore_error *err);
/* The next block and its data at once, which leaves out looking for its END first. It takes blocks as programs write them; false for any other,
 * with nothing taken: csi_pem_next() takes it or says what is wrong. `out` has csi_base64_room() of what is left of the text; *size is how much of
 * it was written to, which may be a key also where nothing was taken. */
bool csi_pem_take(struct csi_pem_scan *scan, struct csi_pem_block *block, uint8_t *out, size_t *size);
/* The line an offset stands on, counted from 1: for messages. */
size_t csi_pem_line(struct csi_span text, size_t offset);
bool csi_pem_label_is(const struct csi_pem_block *block, const char *label);
/* The value of a header (RFC 1421 section 4.6) without the blanks around it; false if there is none of that name. */
bool csi_pem_header(struct csi_span headers, const char *name, struct csi_span *value);
/* Appends a block: lines of 64 characters, LF, a newline at the end (RFC 7468 section 3). */
void csi_pem_write(struct csi_buf *out, const char *label, struct csi_span der);

#endif
