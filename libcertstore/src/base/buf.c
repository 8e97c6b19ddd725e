/* SPDX-License-Identifier: Apache-2.0 */
/* buf.c: growing buffers and shared finished bytes. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>

#include "base/error.h"

enum { LEAST = 64, PAGE = 2 << 20, LARGE = 2 * PAGE };

void csi_buf_free(struct csi_buf *buf)
{
    csi_wipe(buf->data, buf->capacity);
    free(buf->data);
    *buf = (struct csi_buf){ 0 };
}

/* Large ones in large pages, where the system has them: a store of ten thousand certificates would take thousands of page faults. The first few of a
 * process are in line with such pages: they are fresh memory in any case, and are all that most programs ask for. Later ones are not: what malloc
 * has in its heap by then it gives again, and the kernel need not clear it, for who reads a store time and again. */
uint8_t *csi_bytes_room(size_t capacity)
{
    static _Atomic int in_line = 6;
    if (capacity < LARGE)
        return malloc(capacity);
    void *data;
    if (atomic_load(&in_line) > 0 && atomic_fetch_sub(&in_line, 1) > 0) {
        capacity = (capacity + PAGE - 1) / PAGE * PAGE;
        data = posix_memalign(&data, PAGE, capacity) == 0 ? data : NULL;
    } else {
        data = malloc(capacity);
    }
    if (data == NULL)
        return NULL;
    uintptr_t first = ((uintptr_t)data + PAGE - 1) / PAGE * PAGE;
    uintptr_t end = ((uintptr_t)data + capacity) / PAGE * PAGE;
    (void)madvise((void *)first, end - first, MADV_HUGEPAGE);
    return data;
}

/* Not realloc: what a buffer held may be secret, and realloc would leave the old copy behind. The first room is as large as was asked for: who knows
 * the size asks once. */
static bool enlarge(struct csi_buf *buf, size_t wanted)
{
    size_t capacity = buf->capacity > 0 ? buf->capacity : wanted > LEAST ? wanted : LEAST;
    while (capacity < wanted)
        if (!csi_mul(capacity, 2, &capacity))
            return false;
    uint8_t *data = csi_bytes_room(capacity);
    if (data == NULL)
        return false;
    if (buf->data != NULL)
        memcpy(data, buf->data, buf->size);
    csi_wipe(buf->data, buf->size);
    free(buf->data);
    buf->data = data;
    buf->capacity = capacity;
    return true;
}

uint8_t *csi_buf_reserve(struct csi_buf *buf, size_t size)
{
    size_t wanted;
    if (buf->failed)
        return NULL;
    if (!csi_add(buf->size, size, &wanted) || ((buf->data == NULL || wanted > buf->capacity) && !enlarge(buf, wanted))) {
        buf->failed = true;
        return NULL;
    }
    return buf->data + buf->size;
}

void csi_buf_put(struct csi_buf *buf, const void *data, size_t size)
{
    uint8_t *room = csi_buf_reserve(buf, size);
    if (room == NULL || size == 0)
        return;
    memcpy(room, data, size);
    buf->size += size;
}

void csi_buf_put_span(struct csi_buf *buf, struct csi_span bytes)
{
    csi_buf_put(buf, bytes.data, bytes.size);
}

void csi_buf_put_buf(struct csi_buf *buf, const struct csi_buf *inner)
{
    buf->failed = buf->failed || inner->failed;
    csi_buf_put(buf, inner->data, inner->size);
}

void csi_buf_put_text(struct csi_buf *buf, const char *text)
{
    csi_buf_put(buf, text, strlen(text));
}

void csi_buf_put_u8(struct csi_buf *buf, uint8_t value)
{
    uint8_t *room = csi_buf_reserve(buf, 1);
    if (room == NULL)
        return;
    *room = value;
    buf->size++;
}

void csi_buf_put_u16(struct csi_buf *buf, uint16_t value)
{
    const uint8_t bytes[] = { (uint8_t)(value >> 8), (uint8_t)value };
    csi_buf_put(buf, bytes, sizeof bytes);
}

void csi_buf_put_u32(struct csi_buf *buf, uint32_t value)
{
    csi_buf_put_u16(buf, (uint16_t)(value >> 16));
    csi_buf_put_u16(buf, (uint16_t)value);
}

void csi_buf_put_u64(struct csi_buf *buf, uint64_t value)
{
    csi_buf_put_u32(buf, (uint32_t)(value >> 32));
    csi_buf_put_u32(buf, (uint32_t)value);
}

void csi_buf_printf(struct csi_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    uint8_t *room = length >= 0 ? csi_buf_reserve(buf, (size_t)length + 1) : NULL;
    if (room == NULL) {
        buf->failed = true;
        return;
    }
    va_start(args, format);
    vsnprintf((char *)room, (size_t)length + 1, format, args);
    va_end(args);
    buf->size += (size_t)length;
}

certstore_status csi_buf_check(const struct csi_buf *buf, certstore_error *err)
{
    return buf->failed ? csi_error_memory(err) : CERTSTORE_OK;
}

csi_blob *csi_blob_adopt(uint8_t *data, size_t size, certstore_error *err)
{
    csi_blob *blob = csi_new(1, sizeof *blob, err);
    if (blob == NULL) {
        csi_wipe(data, size);
        free(data);
        return NULL;
    }
    blob->data = data;
    blob->size = size;
    atomic_init(&blob->refs, 1);
    return blob;
}

csi_blob *csi_blob_new(const void *data, size_t size, certstore_error *err)
{
    uint8_t *copy = csi_new(size, 1, err);
    if (copy == NULL)
        return NULL;
    if (size > 0)
        memcpy(copy, data, size);
    return csi_blob_adopt(copy, size, err);
}

csi_blob *csi_blob_from_buf(struct csi_buf *buf, certstore_error *err)
{
    if (csi_buf_check(buf, err) != CERTSTORE_OK)
        return NULL;
    struct csi_buf taken = *buf;
    *buf = (struct csi_buf){ 0 };
    return csi_blob_adopt(taken.data, taken.size, err);
}

csi_blob *csi_blob_ref(const csi_blob *blob)
{
    csi_blob *shared = (csi_blob *)(uintptr_t)blob; /* the count is the one thing that changes in a finished blob */
    if (shared != NULL)
        atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
    return shared;
}

void csi_blob_free(csi_blob *blob)
{
    if (blob == NULL || atomic_fetch_sub_explicit(&blob->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (!blob->open)
        csi_wipe(blob->data, blob->size);
    free(blob->data);
    free(blob);
}
