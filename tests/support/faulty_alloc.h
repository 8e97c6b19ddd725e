/* SPDX-License-Identifier: Apache-2.0 */
/* faulty_alloc.h: the library's own allocations, counted and failed. Test programs are linked with --wrap=malloc and its kin, so that every call
 * that the library's objects make comes here; OpenSSL's and libc's own do not. */
#ifndef TEST_FAULTY_ALLOC_H
#define TEST_FAULTY_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* Counts from zero again; fail_at 1 is the next allocation, 0 none. for_good: and every one after it. */
void faulty_alloc_reset(long fail_at, bool for_good);
long faulty_alloc_calls(void);
/* All bytes that were asked for since the reset, whether or not they were given back. */
size_t faulty_alloc_bytes(void);
bool faulty_alloc_hit(void);

#endif
