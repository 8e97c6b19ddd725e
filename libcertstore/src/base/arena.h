/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h: memory for many small things that go together: one step each to take, freed all at once. Not for secrets: it is not wiped. */
#ifndef CSI_ARENA_H
#define CSI_ARENA_H

#include "base/mem.h"

struct csi_arena_chunk;
/* Zero-initialise it. */
struct csi_arena {
    struct csi_arena_chunk *last;
    uint8_t *at;
    size_t left;
    size_t next_size; /* of the chunk that comes when this one is full */
};

/* Zeroed, and aligned for any type; NULL and CERTSTORE_E_MEMORY when there is none. */
void *csi_arena_new(struct csi_arena *arena, size_t size, certstore_error *err);
void csi_arena_free(struct csi_arena *arena);

#endif
