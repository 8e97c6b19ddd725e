/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h: a plan file: many changes over many stores as one JSON document (docs/guide/plans.md). */
#ifndef TOOL_PLAN_H
#define TOOL_PLAN_H

#include <jansson.h>

#include "cli.h"

/* A plan that was read and found to be well-formed: every field is known and of its type, and every store that is named exists in it. */
struct plan {
    json_t *root;
    json_t *positions; /* a store's name: its position in the list */
};

/* Reads a plan ("-": standard input). Returns the exit status; what is wrong is reported with its line. */
int plan_read(struct cli *cli, struct plan *plan, const char *path);
/* The same for text that was read already and ends with a NUL behind its `size` bytes; `path` is for messages. */
int plan_parse(struct cli *cli, struct plan *plan, const char *path, const char *text, size_t size);
void plan_free(struct plan *plan);

/* The position of a store in the plan's list, by its name; SIZE_MAX where there is none. */
size_t plan_store_position(const struct plan *plan, const char *name);

#endif
