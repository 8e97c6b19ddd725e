/* SPDX-License-Identifier: Apache-2.0 */
/* mem.c: allocation with checked arithmetic. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"

void *csi_new(size_t count, size_t size, certstore_error *err)
{
    void *memory = calloc(count > 0 ? count : 1, size > 0 ? size : 1);
    if (memory == NULL)
        csi_error_memory(err);
    return memory;
}

void *csi_grow(void *array, size_t *capacity, size_t wanted, size_t size, certstore_error *err)
{
    if (array != NULL && wanted <= *capacity)
        return array;
    size_t larger = *capacity > 0 ? *capacity : 8;
    while (larger < wanted) {
        if (!csi_mul(larger, 2, &larger)) {
            csi_error_memory(err);
            return NULL;
        }
    }
    size_t bytes;
    if (!csi_mul(larger, size, &bytes)) {
        csi_error_memory(err);
        return NULL;
    }
    uint8_t *grown = realloc(array, bytes);
    if (grown == NULL) {
        csi_error_memory(err);
        return NULL;
    }
    size_t used = array != NULL ? *capacity * size : 0;
    memset(grown + used, 0, bytes - used);
    *capacity = larger;
    return grown;
}

char *csi_strdup(const char *text, certstore_error *err)
{
    return csi_strndup(text, strlen(text), err);
}

char *csi_strndup(const char *text, size_t size, certstore_error *err)
{
    size_t bytes;
    if (!csi_add(size, 1, &bytes)) {
        csi_error_memory(err);
        return NULL;
    }
    char *copy = malloc(bytes);
    if (copy == NULL) {
        csi_error_memory(err);
        return NULL;
    }
    if (size > 0)
        memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

char *csi_format(certstore_error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = length >= 0 ? malloc((size_t)length + 1) : NULL;
    if (text == NULL) {
        csi_error_memory(err);
        return NULL;
    }
    va_start(args, format);
    vsnprintf(text, (size_t)length + 1, format, args);
    va_end(args);
    return text;
}

void csi_wipe(void *data, size_t size)
{
    if (data != NULL && size > 0)
        explicit_bzero(data, size);
}

bool csi_equal_ct(const void *a, const void *b, size_t size)
{
    const volatile uint8_t *left = a;
    const volatile uint8_t *right = b;
    uint8_t difference = 0;
    for (size_t i = 0; i < size; i++)
        difference = (uint8_t)(difference | (left[i] ^ right[i]));
    return difference == 0;
}
