/* SPDX-License-Identifier: Apache-2.0 */
/* table.c: columns two spaces apart, cut with an ellipsis only where a terminal is too narrow. Piped output is never cut. */
#include "table.h"

#include <stdio.h>

#include "screen.h"

enum { GAP = 2 };

static const char *const color_codes[] = {
    [COLOR_NONE] = "", [COLOR_RED] = "\033[31m", [COLOR_YELLOW] = "\033[33m", [COLOR_GREEN] = "\033[32m", [COLOR_DIM] = "\033[2m",
};

void table_add(struct table *table, const char *text, enum color color)
{
    table->cells = heap_grow(table->cells, table->cell_count, sizeof *table->cells);
    char *escaped = screen_escape(text);
    table->cells[table->cell_count++] = (struct cell){ escaped, screen_width_of(escaped), color };
}

static void measure(const struct table *table, size_t *widths)
{
    for (size_t c = 0; c < table->column_count; c++)
        widths[c] = screen_width_of(table->columns[c].title);
    for (size_t i = 0; i < table->cell_count; i++) {
        size_t *width = &widths[i % table->column_count];
        if (table->cells[i].width > *width)
            *width = table->cells[i].width;
    }
}

/* Takes columns away from whichever cuttable column is widest, until the row fits or nothing more can go. */
static void shrink(const struct table *table, size_t *widths, size_t room)
{
    size_t total = GAP * (table->column_count - 1);
    for (size_t c = 0; c < table->column_count; c++)
        total += widths[c];
    while (total > room) {
        size_t widest = table->column_count;
        for (size_t c = 0; c < table->column_count; c++) {
            bool can = table->columns[c].least != 0 && widths[c] > table->columns[c].least;
            if (can && (widest == table->column_count || widths[c] > widths[widest]))
                widest = c;
        }
        if (widest == table->column_count)
            return;
        widths[widest]--;
        total--;
    }
}

static void print_padding(size_t count)
{
    static const char blanks[] = "                                ";
    for (; count >= sizeof blanks; count -= sizeof blanks - 1)
        fputs(blanks, stdout);
    fputs(blanks + sizeof blanks - 1 - count, stdout);
}

static void print_cell(const char *text, size_t own, size_t width, bool right, bool last, const char *color)
{
    size_t bytes = strlen(text);
    bool cut = own > width;
    if (cut) {
        bytes = screen_fit(text, width - 1);
        OWNED(owned_chars) *shown = heap_copy_part(text, bytes);
        own = screen_width_of(shown) + 1;
    }
    size_t padding = width - own;
    if (right)
        print_padding(padding);
    fputs(color, stdout);
    fwrite(text, 1, bytes, stdout);
    fputs(cut ? "…" : "", stdout);
    fputs(*color != '\0' ? "\033[0m" : "", stdout);
    if (!right && !last)
        print_padding(padding);
    fputs(last ? "\n" : "  ", stdout);
}

void table_print(const struct cli *cli, const struct table *table)
{
    if (table->column_count == 0)
        return;
    size_t *widths = heap_new(table->column_count, sizeof *widths);
    size_t last = table->column_count - 1;
    bool colors = screen_colors(cli);
    measure(table, widths);
    if (screen_columns() != 0)
        shrink(table, widths, screen_columns());
    for (size_t c = 0; c < table->column_count; c++)
        print_cell(table->columns[c].title, screen_width_of(table->columns[c].title), widths[c], table->columns[c].right, c == last,
                   colors ? "\033[1m" : "");
    for (size_t i = 0; i < table->cell_count; i++) {
        size_t c = i % table->column_count;
        const struct cell *cell = &table->cells[i];
        print_cell(cell->text, cell->width, widths[c], table->columns[c].right, c == last, colors ? color_codes[cell->color] : "");
    }
    free(widths);
}

void table_free(struct table *table)
{
    for (size_t i = 0; i < table->cell_count; i++)
        free(table->cells[i].text);
    free(table->cells);
    table->cells = NULL;
    table->cell_count = 0;
}
