/* SPDX-License-Identifier: Apache-2.0 */
/* faulty_alloc.c: see faulty_alloc.h. */
#include "support/faulty_alloc.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

/* Tests of threads allocate, too. */
static atomic_long calls;
static atomic_size_t bytes;
static atomic_long fail_at;
static atomic_bool for_good;
static atomic_bool hit;

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t most);
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t most);

void faulty_alloc_reset(long at, bool good)
{
    calls = 0;
    bytes = 0;
    fail_at = at;
    for_good = good;
    hit = false;
}

long faulty_alloc_calls(void)
{
    return calls;
}

size_t faulty_alloc_bytes(void)
{
    return bytes;
}

bool faulty_alloc_hit(void)
{
    return hit;
}

static bool refuse(size_t count, size_t size)
{
    size_t wanted;
    long call = ++calls;
    bytes += __builtin_mul_overflow(count, size, &wanted) ? 0 : wanted;
    bool now = fail_at != 0 && (call == fail_at || (for_good && call > fail_at));
    if (now) {
        hit = true;
        errno = ENOMEM;
    }
    return now;
}

void *__wrap_malloc(size_t size)
{
    return refuse(1, size) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refuse(count, size) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return refuse(1, size) ? NULL : __real_realloc(memory, size);
}

char *__wrap_strdup(const char *text)
{
    return refuse(strlen(text), 1) ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t most)
{
    return refuse(strnlen(text, most), 1) ? NULL : __real_strndup(text, most);
}
