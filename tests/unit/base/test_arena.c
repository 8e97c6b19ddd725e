/* SPDX-License-Identifier: Apache-2.0 */
/* test_arena.c: what is taken from an arena is zeroed, aligned, and apart from everything else that was. */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/error.h"

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    enum { PIECES = 3000, LARGEST = 300 };
    static uint8_t *pieces[PIECES];
    struct csi_arena arena = { 0 };
    certstore_error err = { 0 };
    for (size_t i = 0; i < PIECES; i++) {
        const size_t size = 1 + i % LARGEST;
        pieces[i] = csi_arena_new(&arena, size, &err);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        for (size_t at = 0; at < size; at++)
            assert_int_equal(pieces[i][at], 0);
        memset(pieces[i], (int)(i % 251), size);
    }
    for (size_t i = 0; i < PIECES; i++)
        for (size_t at = 0; at < 1 + i % LARGEST; at++)
            assert_int_equal(pieces[i][at], i % 251);
    csi_arena_free(&arena);
    assert_null(arena.last);
}

static void a_piece_larger_than_any_chunk_has_its_own(void **state)
{
    (void)state;
    struct csi_arena arena = { 0 };
    certstore_error err = { 0 };
    uint8_t *large = csi_arena_new(&arena, 1 << 20, &err);
    uint8_t *small = csi_arena_new(&arena, 1, &err);
    assert_non_null(large);
    assert_non_null(small);
    memset(large, 1, 1 << 20);
    assert_int_equal(*small, 0);
    csi_arena_free(&arena);
}

static void what_cannot_be_had_is_said(void **state)
{
    (void)state;
    struct csi_arena arena = { 0 };
    certstore_error err = { 0 };
    assert_null(csi_arena_new(&arena, SIZE_MAX - 4, &err));
    assert_int_equal(err.status, CERTSTORE_E_MEMORY);
    csi_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(a_piece_larger_than_any_chunk_has_its_own),
        cmocka_unit_test(what_cannot_be_had_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
