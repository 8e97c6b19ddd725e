/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h: a plan file: many changes over many stores as one JSON document (docs/guide/plans.md). */
#ifndef TOOL_PLAN_H
#define TOOL_PLAN_H

#include <jansson.h>

#include "cli.h"

/* A plan that was read and found to be well-formed: every field is known and of its type, and every store that is named exists in it. */
struct plan {
    json_t *root;
};

/* Reads a plan ("-": standard input). Returns the exit status; what is wrong is reported with its line. */
int plan_read(struct cli *cli, struct plan *plan, const char *path);
void plan_free(struct plan *plan);

/* The position of a store in the plan's list, by its name; SIZE_MAX where there is none. */
size_t plan_store_position(const struct plan *plan, const char *name);

#endif
