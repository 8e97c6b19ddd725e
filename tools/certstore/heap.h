/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap.h: the command's memory, and the cleanup attribute by which an early return is always right.
 *
 * A command that has no memory left can only say so: these never return NULL. What must not be cut short (a transaction) is the library's,
 * which reports instead of exiting.
 */
#ifndef TOOL_HEAP_H
#define TOOL_HEAP_H

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <certstore.h>

/* OWNED(type) *x frees x at the end of its scope; steal(&x) hands it over instead. */
#define DEFINE_OWNED(type, free_function)               \
    static inline void free_owned_##type(type **object) \
    {                                                   \
        free_function(*object);                         \
    }
#define OWNED(type) __attribute__((cleanup(free_owned_##type))) type
/* SCOPED(tag) x frees what a struct on the stack owns: tag_free(&x). */
#define SCOPED(tag) __attribute__((cleanup(tag##_free))) struct tag
#define steal(object)                              \
    __extension__({                                \
        __typeof__(*(object)) stolen_ = *(object); \
        *(object) = NULL;                          \
        stolen_;                                   \
    })

#define PRINTF(format_index, first) __attribute__((format(printf, format_index, first)))

void *heap_new(size_t count, size_t size);
/* Room for one more item behind `count`; the array grows by doubling and is full whenever count is a power of two. */
void *heap_grow(void *array, size_t count, size_t size);
char *heap_copy(const char *text);
char *heap_copy_part(const char *text, size_t size);
char *heap_format(const char *format, ...) PRINTF(1, 2);
char *heap_vformat(const char *format, va_list args);

/* Text that grows. */
struct text {
    char *data; /* NULL or NUL-terminated */
    size_t size;
    size_t room;
};
void text_add(struct text *text, const char *data, size_t size);
void text_add_string(struct text *text, const char *string);
void text_add_format(struct text *text, const char *format, ...) PRINTF(2, 3);
/* The text as an owned string ("" when nothing was added); the text is empty afterwards. */
char *text_take(struct text *text);

typedef char owned_chars;
static inline void heap_free_chars(owned_chars *text)
{
    free(text);
}
DEFINE_OWNED(owned_chars, heap_free_chars)
DEFINE_OWNED(certstore, certstore_free)
DEFINE_OWNED(certstore_bundle, certstore_bundle_free)
DEFINE_OWNED(certstore_bytes, certstore_bytes_free)
DEFINE_OWNED(certstore_entry, certstore_entry_free)
DEFINE_OWNED(certstore_error, certstore_error_free)
DEFINE_OWNED(certstore_history, certstore_history_free)
DEFINE_OWNED(certstore_options, certstore_options_free)
DEFINE_OWNED(certstore_report, certstore_report_free)
DEFINE_OWNED(certstore_txn, certstore_txn_free)

#endif
