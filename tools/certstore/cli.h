/* SPDX-License-Identifier: Apache-2.0 */
/* cli.h: what every verb is given, and what a verb is. */
#ifndef TOOL_CLI_H
#define TOOL_CLI_H

#include <stdbool.h>

#include "args.h"
#include "heap.h"
#include "status.h"

/* The global options, and what belongs to the whole run. */
struct cli {
    const char *state_dir;  /* NULL: the library's default */
    const char *pass;       /* the SOURCE for stores that name none; NULL when not given */
    const char *profile;    /* for what is written anew; NULL: the library's default */
    const char *so_pin;     /* the SOURCE of the PIN of tokens' security officers; NULL when not given */
    struct secret *officer; /* the PIN read from it, once */
    struct secret *general; /* the passphrase read from it, once */
    json_t *failure;        /* the first failure that was reported; NULL: none */
    json_t *losses;         /* what a copy loses, for its document; NULL: no copy was made */
    bool printed;           /* the document of --json is out */
    bool destroy_keys;      /* on a token, where the change leaves them out */
    bool json;
    bool quiet;
    bool verbose;
    bool no_color;
};

struct verb {
    const char *name;
    const char *synopsis; /* after "certstore NAME"; lines separated by \n */
    const char *summary;  /* one line, no full stop */
    const char *about;    /* what it does, in paragraphs */
    const char *examples;
    const char *exit_status;      /* what differs from the common list; NULL: nothing */
    const struct option *options; /* ends with a NULL name */
    int min_arguments;
    int max_arguments; /* -1: any number */
    bool later;        /* known, and not in this version */
    int (*run)(struct cli *cli, const struct args *args);
};

extern const struct option global_options[];
const struct verb *verb_at(size_t index); /* NULL past the end */
const struct verb *verb_find(const char *name);

/* What `certstore help`, `certstore help VERB` and `--help` print. */
void help_print_overview(void);
void help_print_verb(const struct verb *verb);

#endif
