/* SPDX-License-Identifier: Apache-2.0 */
/* table.c: columns two spaces apart, cut with an ellipsis only where a terminal is too narrow. Piped output is never cut. */
#include "table.h"

#include <stdio.h>

#include "screen.h"

enum { GAP = 2 };

static const char *const color_codes[] = {
    [COLOR_NONE] = "", [COLOR_RED] = "\033[31m", [COLOR_YELLOW] = "\033[33m", [COLOR_GREEN] = "\033[32m", [COLOR_DIM] = "\033[2m",
};

/* The cell is what was added behind `from`. One of more than half a gigabyte would lose its end. */
static void add_cell(struct table *table, size_t from, size_t width, enum color color)
{
    if (table->text.size - from > CELL_MOST)
        table->text.size = from + CELL_MOST;
    const uint32_t size = (uint32_t)(table->text.size - from);
    table->cells = heap_grow(table->cells, table->cell_count, sizeof *table->cells);
    table->cells[table->cell_count++] = (struct cell){ size, (width < size ? (uint32_t)width : size) & CELL_MOST, color & 7U };
}

void table_add(struct table *table, const char *text, enum color color)
{
    const size_t from = table->text.size;
    const size_t width = screen_put_escaped(&table->text, text);
    add_cell(table, from, width, color);
}

void table_add_plain(struct table *table, const char *text, size_t size, enum color color)
{
    const size_t from = table->text.size;
    text_add(&table->text, text, size);
    add_cell(table, from, size, color);
}

static void measure(const struct table *table, size_t *widths)
{
    for (size_t c = 0; c < table->column_count; c++)
        widths[c] = screen_width_of(table->columns[c].title);
    for (size_t i = 0, c = 0; i < table->cell_count; i++) {
        if (table->cells[i].width > widths[c])
            widths[c] = table->cells[i].width;
        c = c + 1 == table->column_count ? 0 : c + 1;
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

/* Output by pieces of a few bytes: room is made once for each cell, and stdio asked once for 64 KiB of them. */
struct sink {
    char *at;
    char room[64 << 10];
};

static void flush(struct sink *sink)
{
    fwrite(sink->room, 1, (size_t)(sink->at - sink->room), stdout);
    sink->at = sink->room;
}

/* Room for so many bytes; false when they never fit at once. */
static bool make_room(struct sink *sink, size_t size)
{
    if (size > (size_t)(sink->room + sizeof sink->room - sink->at))
        flush(sink);
    return size <= sizeof sink->room;
}

static void put(struct sink *sink, const char *data, size_t size)
{
    sink->at = mempcpy(sink->at, data, size);
}

static void put_string(struct sink *sink, const char *string)
{
    put(sink, string, strlen(string));
}

static void put_padding(struct sink *sink, size_t count)
{
    memset(sink->at, ' ', count);
    sink->at += count;
}

struct place {
    size_t width;
    bool right;
    bool last;
};

/* The longest start of a text that leaves room for an ellipsis. */
static size_t fitting(const char *text, size_t bytes, size_t width, size_t *own)
{
    OWNED(owned_chars) *whole = heap_copy_part(text, bytes);
    const size_t fits = screen_fit(whole, width - 1);
    whole[fits] = '\0';
    *own = screen_width_of(whole) + 1;
    return fits;
}

static void put_cell(struct sink *sink, const char *text, size_t bytes, size_t own, const struct place *place, const char *color)
{
    enum { COLORS_AND_GAP = 64 };
    const bool cut = own > place->width;
    if (cut)
        bytes = fitting(text, bytes, place->width, &own);
    const size_t padding = place->right || !place->last ? place->width - own : 0;
    if (!make_room(sink, bytes + padding + COLORS_AND_GAP)) { /* longer than 64 KiB: alone, and bare */
        fwrite(text, 1, bytes, stdout);
        put_string(sink, place->last ? "\n" : "  ");
        return;
    }
    if (place->right)
        put_padding(sink, padding);
    if (*color != '\0')
        put_string(sink, color);
    put(sink, text, bytes);
    if (cut)
        put_string(sink, "…");
    if (*color != '\0')
        put_string(sink, "\033[0m");
    if (!place->right)
        put_padding(sink, padding);
    put(sink, place->last ? "\n" : "  ", place->last ? 1 : GAP);
}

static void put_titles(struct sink *sink, const struct table *table, const struct place *places, bool colors)
{
    for (size_t c = 0; c < table->column_count; c++) {
        const char *title = table->columns[c].title;
        put_cell(sink, title, strlen(title), screen_width_of(title), &places[c], colors ? "\033[1m" : "");
    }
}

static void put_rows(struct sink *sink, const struct table *table, const struct place *places, bool colors)
{
    const char *text = table->text.data;
    for (size_t i = 0, c = 0; i < table->cell_count; i++) {
        const struct cell *cell = &table->cells[i];
        put_cell(sink, text, cell->size, cell->width, &places[c], colors ? color_codes[cell->color] : "");
        text += cell->size;
        c = places[c].last ? 0 : c + 1;
    }
}

void table_print(const struct cli *cli, const struct table *table)
{
    if (table->column_count == 0)
        return;
    size_t *widths = heap_new(table->column_count, sizeof *widths);
    struct place *places = heap_new(table->column_count, sizeof *places);
    bool colors = screen_colors(cli);
    measure(table, widths);
    if (screen_columns() != 0)
        shrink(table, widths, screen_columns());
    for (size_t c = 0; c < table->column_count; c++)
        places[c] = (struct place){ widths[c], table->columns[c].right, c + 1 == table->column_count };
    struct sink sink;
    sink.at = sink.room;
    put_titles(&sink, table, places, colors);
    put_rows(&sink, table, places, colors);
    flush(&sink);
    free(places);
    free(widths);
}

void table_free(struct table *table)
{
    free(table->text.data);
    free(table->cells);
    table->text = (struct text){ 0 };
    table->cells = NULL;
    table->cell_count = 0;
}
