/* SPDX-License-Identifier: Apache-2.0 */
/* table.h: rows of text as columns that fit the terminal. */
#ifndef TOOL_TABLE_H
#define TOOL_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "heap.h"

struct cli;

enum color { COLOR_NONE, COLOR_RED, COLOR_YELLOW, COLOR_GREEN, COLOR_DIM };

struct column {
    const char *title;
    bool right;   /* numbers */
    size_t least; /* may be cut down to this many columns when the terminal is narrow; 0: never cut */
};
/* Eight bytes, since a listing has tens of thousands of them, and touching memory for the first time is what it spends the most on. */
struct cell {
    uint32_t size;           /* bytes of its text, which follows that of the cell before */
    unsigned int width : 29; /* columns on the screen; never more than bytes */
    unsigned int color : 3;  /* an enum color */
};
enum { CELL_MOST = (1 << 29) - 1 };
struct table {
    const struct column *columns;
    size_t column_count;
    struct cell *cells;
    size_t cell_count;
    struct text text; /* of all cells, escaped */
};

/* Adds the next cell, row by row. */
void table_add(struct table *table, const char *text, enum color color);
/* The same for what we wrote ourselves and is printable ASCII for certain. */
void table_add_plain(struct table *table, const char *text, size_t size, enum color color);
void table_print(const struct cli *cli, const struct table *table);
void table_free(struct table *table);

#endif
