/* SPDX-License-Identifier: Apache-2.0 */
/* buf.h: bytes: csi_buf grows while it is written, csi_blob is finished, shared and never changes. */
#ifndef CSI_BUF_H
#define CSI_BUF_H

#include "base/mem.h"

/* A growing buffer. Zero-initialise it; the first failure stays (`failed`), so that a run of appends is checked once. Wiped when freed. */
struct csi_buf {
    uint8_t *data;
    size_t size;
    size_t capacity;
    bool failed;
};

void csi_buf_free(struct csi_buf *buf);
void csi_buf_put(struct csi_buf *buf, const void *data, size_t size);
void csi_buf_put_span(struct csi_buf *buf, struct csi_span bytes);
/* What another buffer holds; its failure becomes this one's, so that nothing cut short is ever taken for whole. */
void csi_buf_put_buf(struct csi_buf *buf, const struct csi_buf *inner);
void csi_buf_put_text(struct csi_buf *buf, const char *text);
void csi_buf_put_u8(struct csi_buf *buf, uint8_t value);
/* Big-endian. */
void csi_buf_put_u16(struct csi_buf *buf, uint16_t value);
void csi_buf_put_u32(struct csi_buf *buf, uint32_t value);
void csi_buf_put_u64(struct csi_buf *buf, uint64_t value);
void csi_buf_printf(struct csi_buf *buf, const char *format, ...) CSI_PRINTF(2, 3);
/* Room for `size` more bytes, which the caller fills and then adds to buf->size; NULL on failure. */
uint8_t *csi_buf_reserve(struct csi_buf *buf, size_t size);
/* CERTSTORE_E_MEMORY if any append failed. */
certstore_status csi_buf_check(const struct csi_buf *buf, certstore_error *err);
static inline struct csi_span csi_buf_span(const struct csi_buf *buf)
{
    return csi_span(buf->data, buf->size);
}
/* struct csi_buf b __attribute__((cleanup(csi_buf_free))) = { 0 }; */
#define CSI_AUTO_BUF __attribute__((cleanup(csi_buf_free))) struct csi_buf

/* Finished bytes, shared by reference count (atomic). A slice of a blob keeps the blob alive. Wiped when the last reference goes. */
struct csi_blob {
    uint8_t *data;
    size_t size;
    _Atomic uint32_t refs;
    bool open; /* its decoder found certificates and nothing else in it: no secret, sealed or not, so it is not wiped */
};
typedef struct csi_blob csi_blob;

csi_blob *csi_blob_new(const void *data, size_t size, certstore_error *err);
/* Takes over the buffer's memory; the buffer is empty afterwards. */
csi_blob *csi_blob_from_buf(struct csi_buf *buf, certstore_error *err);
/* Memory as malloc gives it, in pages that suit its size. */
uint8_t *csi_bytes_room(size_t size);
/* Takes over malloc'ed memory, also when it fails. */
csi_blob *csi_blob_adopt(uint8_t *data, size_t size, certstore_error *err);
csi_blob *csi_blob_ref(const csi_blob *blob);
void csi_blob_free(csi_blob *blob); /* drops one reference */
static inline struct csi_span csi_blob_span(const csi_blob *blob)
{
    return csi_span(blob->data, blob->size);
}
CSI_DEFINE_AUTO(csi_blob, csi_blob_free)

#endif
