/* SPDX-License-Identifier: Apache-2.0 */
/* screen.h: what a terminal needs to know about text: how wide it is, what must not reach it, and whether there is a terminal at all. */
#ifndef TOOL_SCREEN_H
#define TOOL_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "heap.h"

struct cli;

/* A printable copy: control characters, bidirectional overrides and bytes that are not UTF-8 are written as \xNN or \u{NNNN}. An alias is
 * whatever somebody put into a file: it must not move the cursor or turn a line around. */
char *screen_escape(const char *text);
/* The same, appended to other text; returns the columns that it takes. */
size_t screen_put_escaped(struct text *out, const char *text);
/* Columns that printable text takes. */
size_t screen_width_of(const char *text);
/* Bytes of the longest start of text that fits into `columns`. */
size_t screen_fit(const char *text, size_t columns);

/* Columns of the terminal on standard output; 0 when that is no terminal. */
size_t screen_columns(void);
/* Whether to colour: standard output is a terminal that can, NO_COLOR is not set (no-color.org), --no-color was not given. */
bool screen_colors(const struct cli *cli);

#endif
