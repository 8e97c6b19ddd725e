/* SPDX-License-Identifier: Apache-2.0 */
/*
 * args.h: one declarative option parser. Options may stand anywhere; `--` ends them; `--name=value` and `--name value` are the same; names are
 * never abbreviated, so that a script written today means the same when options are added.
 */
#ifndef TOOL_ARGS_H
#define TOOL_ARGS_H

#include <stdbool.h>
#include <stddef.h>

struct option {
    const char *name;  /* without dashes; NULL ends a list */
    char letter;       /* 0: no short form */
    const char *value; /* what the value is called in help; NULL: a flag */
    bool repeats;      /* may be given more than once */
    const char *help;
};

struct given {
    const struct option *option;
    const char *value;
};
struct args {
    struct given *given;
    size_t given_count;
    const char **positional;
    size_t count;
};

/* Takes words from argv until the first positional argument (first_only), or all of them. `options` is a NULL-terminated list of option lists.
 * Returns how many words were taken, or -1 after it has set *complaint (owned): what is wrong, and what was probably meant. */
int args_parse(struct args *args, int argc, char **argv, const struct option *const *options, bool first_only, char **complaint);
void args_free(struct args *args);

bool args_flag(const struct args *args, const char *name);
/* The value of an option, or NULL. */
const char *args_value(const struct args *args, const char *name);
/* The index-th value of an option that repeats, or NULL. */
const char *args_value_at(const struct args *args, const char *name, size_t index);

/* The name most like `word` (at most two changes away), or NULL. `names` is called with 0, 1, 2 ... until it returns NULL. */
const char *nearest_name(const char *word, const char *(*names)(const void *context, size_t index), const void *context);

#endif
