/* SPDX-License-Identifier: Apache-2.0 */
/* edit.h: the changes that the verbs and plans make to a store's bundle in memory. Nothing here writes; every failure is reported. */
#ifndef TOOL_EDIT_H
#define TOOL_EDIT_H

#include "files.h"

/* Adds the material under an alias, or puts it in the place of what is there. A PEM store with exactly one private key is an identity, and its entry
 * is replaced whatever its alias. Without a key, an entry whose key fits the certificate keeps it. */
int edit_put(struct cli *cli, struct target *target, const char *alias, struct material *material);
int edit_remove(struct cli *cli, struct target *target, const char *alias);
int edit_rename(struct cli *cli, struct target *target, const char *alias, const char *new_alias);
/* Copies entries of one store into another: those of `aliases`, or all where count is 0. Entries of the same alias are replaced; two source entries
 * that would fall on one alias of the target are refused. */
int edit_copy(struct cli *cli, const struct target *from, struct target *to, const char *const *aliases, size_t count);

/* The source's bundle reduced to those aliases (or a copy of it), for the loss report. NULL after reporting. */
certstore_bundle *edit_selection(struct cli *cli, const struct target *from, const char *const *aliases, size_t count, int *status);

/* Says what `to` cannot hold of those entries, and refuses that unless it is allowed. */
int edit_check_losses(struct cli *cli, const struct target *from, const struct target *to, const char *const *aliases, size_t count, bool allowed);

/* The entry of an alias; NULL after reporting that there is none. */
const certstore_entry *edit_find(struct cli *cli, const struct target *target, const char *alias, int *status);

#endif
