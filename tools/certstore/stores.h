/* SPDX-License-Identifier: Apache-2.0 */
/* stores.h: opening the stores that a command names, with the passphrase of each found, taken or asked for. */
#ifndef TOOL_STORES_H
#define TOOL_STORES_H

#include "cli.h"
#include "source.h"
#include "uri.h"

/* A store of the command line, and the value it is to have. */
struct target {
    struct store_name name;
    certstore_options *options;
    certstore *store;
    char *shown;              /* see target_uri() */
    certstore_bundle *bundle; /* as read; the verbs change it in place */
    certstore_bundle *before; /* a copy of what was read, where the verb asked for one */
    bool has_password;
};

struct targets {
    struct target *items;
    size_t count;
};

enum target_use {
    TARGET_READ = 1,   /* read what it holds */
    TARGET_UNLOCK = 2, /* its passphrase must be known, a new store's as well: it will be written, or a key of it used */
    TARGET_EXISTS = 4, /* a store that is not there is an error */
    TARGET_LOSSY = 8   /* what its format cannot hold may be left out: it was told what, and allowed it */
};

/* Options with the run's state directory. NULL after reporting. */
certstore_options *options_new(struct cli *cli, int *status);

/* Opens one store by its name (taken over, also on failure). Returns the exit status; a failure is reported. */
int target_open(struct cli *cli, struct target *target, struct store_name name, unsigned use);
void target_free(struct target *target);
/* What tables and messages call it: the URI with its format once it is open, before that what was written. Of a token only what tells it from
 * others: the way to its module and its PIN is long, and says nothing of what it holds. */
const char *target_uri(const struct target *target);
/* The whole of it: what a JSON document calls the store, in a list as in an error. */
const char *target_full_uri(const struct target *target);

/* Opens one more store. Naming one twice is wrong usage: the second edit would undo the first. */
int targets_add(struct cli *cli, struct targets *targets, struct store_name name, unsigned use);
/* Opens the stores of args from the given position on. */
int targets_open(struct cli *cli, struct targets *targets, const struct args *args, size_t from, unsigned use);
void targets_free(struct targets *targets);

#endif
