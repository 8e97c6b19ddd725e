/* SPDX-License-Identifier: Apache-2.0 */
/* writer.h: DER (ITU-T X.690) written into a csi_buf. Contents are written first and wrapped afterwards, so no length is guessed. */
#ifndef CSI_WRITER_H
#define CSI_WRITER_H

#include "base/buf.h"
#include "base/reader.h"

/* One element with its content. */
void csi_der_put(struct csi_buf *out, uint8_t tag, struct csi_span content);
/* One element with what another buffer holds; its failure becomes this one's. */
void csi_der_put_buf(struct csi_buf *out, uint8_t tag, const struct csi_buf *inner);
/* Puts a header before everything written since `from` (an earlier out->size). */
void csi_der_wrap(struct csi_buf *out, size_t from, uint8_t tag);
/* A non-negative INTEGER. */
void csi_der_put_uint(struct csi_buf *out, uint64_t value);
/* The header of an element whose content of `size` bytes follows. */
void csi_der_put_header(struct csi_buf *out, uint8_t tag, size_t size);
/* How many bytes that header takes. */
size_t csi_der_header_size(size_t size);

#endif
