/* SPDX-License-Identifier: Apache-2.0 */
/* mem.h: allocation with checked arithmetic, and the cleanup attribute by which an early return is always right. */
#ifndef CSI_MEM_H
#define CSI_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <certstore.h>

#define CSI_UNUSED __attribute__((unused))

/* CSI_AUTO(type) *x frees x at the end of its scope; csi_steal(&x) hands it over instead. CSI_DEFINE_AUTO names a type's free function
 * once, where the type is declared. */
#define CSI_DEFINE_AUTO(type, free_function)                     \
    CSI_UNUSED static inline void csi_auto_##type(type **object) \
    {                                                            \
        free_function(*object);                                  \
    }
#define CSI_AUTO(type) __attribute__((cleanup(csi_auto_##type))) type
#define csi_steal(object)                          \
    __extension__({                                \
        __typeof__(*(object)) stolen_ = *(object); \
        *(object) = NULL;                          \
        stolen_;                                   \
    })

/* The one control-flow macro: returns the status of a call that failed. */
#define CSI_TRY(expression)                      \
    do {                                         \
        certstore_status status_ = (expression); \
        if (status_ != CERTSTORE_OK)             \
            return status_;                      \
    } while (0)

#define CSI_PRINTF(format_index, first) __attribute__((format(printf, format_index, first)))

/* Bytes that somebody else owns. */
struct csi_span {
    const uint8_t *data;
    size_t size;
};

static inline struct csi_span csi_span(const void *data, size_t size)
{
    return (struct csi_span){ data, size };
}

static inline struct csi_span csi_span_text(const char *text)
{
    return (struct csi_span){ (const uint8_t *)text, strlen(text) };
}

/* Just behind the last byte. An empty span may have no memory, and adding even 0 to NULL is undefined (C11 6.5.6). */
static inline const uint8_t *csi_span_end(struct csi_span bytes)
{
    return bytes.size > 0 ? bytes.data + bytes.size : bytes.data;
}

static inline bool csi_span_equal(struct csi_span a, struct csi_span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Zeroed memory, or NULL with CERTSTORE_E_MEMORY in err. count * size is checked for overflow. */
void *csi_new(size_t count, size_t size, certstore_error *err);
/* Grows an array to hold at least `wanted` items, doubling; *capacity is updated. Returns the array (moved or not), or NULL with the old one
 * untouched. New items are zeroed. */
void *csi_grow(void *array, size_t *capacity, size_t wanted, size_t size, certstore_error *err);
char *csi_strdup(const char *text, certstore_error *err);
/* A NUL-terminated copy of a span. */
char *csi_strndup(const char *text, size_t size, certstore_error *err);
/* printf into a new string. */
char *csi_format(certstore_error *err, const char *format, ...) CSI_PRINTF(2, 3);

/* a + b and a * b; false on overflow, with *sum untouched. */
static inline bool csi_add(size_t a, size_t b, size_t *sum)
{
    size_t result;
    if (__builtin_add_overflow(a, b, &result))
        return false;
    *sum = result;
    return true;
}
static inline bool csi_mul(size_t a, size_t b, size_t *product)
{
    size_t result;
    if (__builtin_mul_overflow(a, b, &result))
        return false;
    *product = result;
    return true;
}

/* Overwrites memory so that the compiler cannot leave it out. */
void csi_wipe(void *data, size_t size);
/* Equality whose time does not depend on the content. */
bool csi_equal_ct(const void *a, const void *b, size_t size);

static inline void csi_free_chars(char *text)
{
    free(text);
}
static inline void csi_free_octets(uint8_t *data)
{
    free(data);
}
typedef char csi_chars;
typedef uint8_t csi_octets;
CSI_DEFINE_AUTO(csi_chars, csi_free_chars)   /* CSI_AUTO(csi_chars) *text */
CSI_DEFINE_AUTO(csi_octets, csi_free_octets) /* CSI_AUTO(csi_octets) *data */

#endif
