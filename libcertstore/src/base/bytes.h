/* SPDX-License-Identifier: Apache-2.0 */
/* bytes.h: certstore_bytes, the one way in which bytes leave the library: owned by the caller, NUL-terminated, wiped. */
#ifndef CSI_BYTES_H
#define CSI_BYTES_H

#include "base/buf.h"

certstore_bytes *csi_bytes_new(struct csi_span bytes, certstore_error *err);
/* Copies a finished buffer; fails if an append to it had failed. */
certstore_bytes *csi_bytes_from_buf(const struct csi_buf *buf, certstore_error *err);
/* Bytes that are written where the caller will find them: a buffer that was begun takes appends like any other, and its memory becomes the bytes. */
void csi_bytes_begin(struct csi_buf *buf, size_t expected);
certstore_bytes *csi_bytes_finish(struct csi_buf *buf, certstore_error *err);
CSI_DEFINE_AUTO(certstore_bytes, certstore_bytes_free)

#endif
