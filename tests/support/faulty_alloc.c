/* SPDX-License-Identifier: Apache-2.0 */
/* faulty_alloc.c: see faulty_alloc.h. */
#include "support/faulty_alloc.h"

#include <errno.h>
#include <stddef.h>

static long calls;
static long fail_at;
static bool for_good;
static bool hit;

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);

void faulty_alloc_reset(long at, bool good)
{
    calls = 0;
    fail_at = at;
    for_good = good;
    hit = false;
}

long faulty_alloc_calls(void)
{
    return calls;
}

bool faulty_alloc_hit(void)
{
    return hit;
}

static bool refuse(void)
{
    calls++;
    bool now = fail_at != 0 && (calls == fail_at || (for_good && calls > fail_at));
    hit = hit || now;
    if (now)
        errno = ENOMEM;
    return now;
}

void *__wrap_malloc(size_t size)
{
    return refuse() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refuse() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return refuse() ? NULL : __real_realloc(memory, size);
}
