/* SPDX-License-Identifier: Apache-2.0 */
/* count.c: preloaded, counts allocations, and says at the end how many there were and of how many bytes: "allocations N BYTES". */
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);

static _Atomic uint64_t calls;
static _Atomic uint64_t bytes;

void *malloc(size_t size)
{
    calls++;
    bytes += size;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    calls++;
    bytes += count * size;
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    calls++;
    bytes += size;
    return __libc_realloc(old, size);
}

__attribute__((destructor)) static void say(void)
{
    fprintf(stderr, "allocations %llu %llu\n", (unsigned long long)calls, (unsigned long long)bytes);
}
