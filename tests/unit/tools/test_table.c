/* SPDX-License-Identifier: Apache-2.0 */
/* test_table.c: cells lie one behind the other in one text, each with what it takes of it and how wide it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "screen.h"
#include "table.h"

static const struct column columns[] = { { "A", false, 0 }, { "B", true, 0 } };

static void a_cell_is_where_the_one_before_ends(void **state)
{
    (void)state;
    static const char *const texts[] = { "", "plain", "gr\xc3\xbc\xc3\x9f", "\xe6\x97\xa5\xe6\x9c\xac", "a\nb\033[31m", "u\xcc\x88", "last" };
    SCOPED(table) table = { .columns = columns, .column_count = 2 };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        table_add(&table, texts[i], i % 2 == 0 ? COLOR_DIM : COLOR_RED);
    size_t at = 0;
    assert_int_equal(table.cell_count, sizeof texts / sizeof *texts);
    for (size_t i = 0; i < table.cell_count; i++) {
        OWNED(owned_chars) *shown = screen_escape(texts[i]);
        assert_int_equal(table.cells[i].size, strlen(shown));
        assert_int_equal(table.cells[i].width, screen_width_of(shown));
        assert_int_equal(table.cells[i].color, i % 2 == 0 ? COLOR_DIM : COLOR_RED);
        assert_memory_equal(table.text.data + at, shown, strlen(shown));
        at += table.cells[i].size;
    }
    assert_int_equal(table.text.size, at);
}

static void what_is_plain_is_taken_as_it_is_and_no_further_than_its_size(void **state)
{
    (void)state;
    SCOPED(table) table = { .columns = columns, .column_count = 2 };
    table_add_plain(&table, "0123456789abcdef", 4, COLOR_NONE);
    table_add(&table, "0123", COLOR_NONE);
    table_add_plain(&table, "-", 1, COLOR_YELLOW);
    assert_int_equal(table.cell_count, 3);
    assert_int_equal(table.cells[0].size, table.cells[1].size);
    assert_int_equal(table.cells[0].width, table.cells[1].width);
    assert_int_equal(table.cells[2].width, 1);
    assert_int_equal(table.cells[2].color, COLOR_YELLOW);
    assert_string_equal(table.text.data, "01230123-");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cell_is_where_the_one_before_ends),
        cmocka_unit_test(what_is_plain_is_taken_as_it_is_and_no_further_than_its_size),
    };
    return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
