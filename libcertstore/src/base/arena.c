/* SPDX-License-Identifier: Apache-2.0 */
/* arena.c: chunks that grow with what is taken, so that a store of three entries does not pay for one of ten thousand. */
#include "base/arena.h"

#include <stdalign.h>
#include <stddef.h>

#include "base/error.h"

enum { FIRST_CHUNK = 1 << 10, LARGEST_CHUNK = 1 << 16, ALIGNMENT = alignof(max_align_t) };

struct csi_arena_chunk {
    struct csi_arena_chunk *before;
    alignas(max_align_t) uint8_t room[];
};

static bool add_chunk(struct csi_arena *arena, size_t least)
{
    size_t size = arena->next_size > 0 ? arena->next_size : FIRST_CHUNK;
    arena->next_size = size < LARGEST_CHUNK ? 2 * size : size;
    if (size < least)
        size = least;
    size_t bytes;
    struct csi_arena_chunk *chunk = csi_add(size, sizeof *chunk, &bytes) ? malloc(bytes) : NULL;
    if (chunk == NULL)
        return false;
    chunk->before = arena->last;
    arena->last = chunk;
    arena->at = chunk->room;
    arena->left = size;
    return true;
}

void *csi_arena_new(struct csi_arena *arena, size_t size, certstore_error *err)
{
    size_t rounded = 0;
    bool fits = csi_add(size, ALIGNMENT - 1, &rounded);
    rounded -= rounded % ALIGNMENT;
    if (!fits || (rounded > arena->left && !add_chunk(arena, rounded))) {
        csi_error_memory(err);
        return NULL;
    }
    void *taken = arena->at;
    arena->at += rounded;
    arena->left -= rounded;
    return memset(taken, 0, size);
}

void csi_arena_free(struct csi_arena *arena)
{
    while (arena->last != NULL) {
        struct csi_arena_chunk *before = arena->last->before;
        free(arena->last);
        arena->last = before;
    }
    *arena = (struct csi_arena){ 0 };
}
