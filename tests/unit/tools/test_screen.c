/* SPDX-License-Identifier: Apache-2.0 */
/* test_screen.c: nothing that an alias holds moves a cursor, and widths are what a terminal shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "screen.h"

static void what_moves_a_cursor_is_escaped(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *shown;
    } cases[] = {
        { "plain alias", "plain alias" },
        { "\033[2J", "\\x1b[2J" },
        { "a\nb\tc\177", "a\\x0ab\\x09c\\x7f" },
        { "\xc2\x9b"
          "31m",
          "\\u{009b}31m" },
        { "\xe2\x80\xae"
          "gpj",
          "\\u{202e}gpj" },
        { "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
        { "\xff", "\\xff" },
        { "\xc0\x80", "\\xc0\\x80" },
        { "\xed\xa0\x80", "\\xed\\xa0\\x80" },
        { "\xe2\x82", "\\xe2\\x82" },
        { "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
        { "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        OWNED(owned_chars) *shown = screen_escape(cases[i].text);
        assert_string_equal(shown, cases[i].shown);
    }
}

/* Eight bytes are looked at together: each byte at each place must be seen, and what is appended is what is escaped alone. */
static void a_byte_is_escaped_wherever_it_stands(void **state)
{
    (void)state;
    struct text out = { 0 };
    for (size_t size = 1; size <= 17; size++)
        for (size_t at = 0; at < size; at++)
            for (unsigned c = 1; c < 0x100; c++) {
                char value[18] = "";
                memset(value, 'x', size);
                value[at] = (char)c;
                OWNED(owned_chars) *alone = screen_escape(value);
                const size_t from = out.size;
                const bool plain = c >= 0x20 && c < 0x7f;
                assert_int_equal(screen_put_escaped(&out, value), screen_width_of(alone));
                assert_string_equal(out.data + from, alone);
                assert_int_equal(strcmp(alone, value) == 0, plain);
            }
    free(out.data);
}

static void width_counts_columns_not_bytes(void **state)
{
    (void)state;
    assert_int_equal(screen_width_of(""), 0);
    assert_int_equal(screen_width_of("gr\xc3\xbc\xc3\x9f"), 4);
    assert_int_equal(screen_width_of("u\xcc\x88"), 1);                /* a combining mark */
    assert_int_equal(screen_width_of("\xe6\x97\xa5\xe6\x9c\xac"), 4); /* two wide characters */
}

static void a_cut_never_splits_a_character(void **state)
{
    (void)state;
    assert_int_equal(screen_fit("abc", 2), 2);
    assert_int_equal(screen_fit("abc", 9), 3);
    assert_int_equal(screen_fit("\xc3\xbc\xc3\xbc", 1), 2);
    assert_int_equal(screen_fit("\xe6\x97\xa5\xe6\x9c\xac", 3), 3);
    assert_int_equal(screen_fit("\xe6\x97\xa5", 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_moves_a_cursor_is_escaped),
        cmocka_unit_test(a_byte_is_escaped_wherever_it_stands),
        cmocka_unit_test(width_counts_columns_not_bytes),
        cmocka_unit_test(a_cut_never_splits_a_character),
    };
    return cmocka_run_group_tests_name("screen", tests, NULL, NULL);
}
