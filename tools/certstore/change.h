/* SPDX-License-Identifier: Apache-2.0 */
/* change.h: the end of every verb that changes stores: show what would change, or commit it in one transaction and say what was done. */
#ifndef TOOL_CHANGE_H
#define TOOL_CHANGE_H

#include "stores.h"

/* Keeps a copy of what each store holds, for change_show(). To be called before the bundles are edited. */
int change_remember(struct cli *cli, struct targets *targets);
/* What the edits would change in each store, and nothing written. Needs change_remember(). */
int change_show(struct cli *cli, const struct targets *targets);
/* Commits every store's bundle. `note` goes into the history and, as "NOTE: 3 stores changed", to standard output. */
int change_commit(struct cli *cli, struct targets *targets, const char *note);
/* Commits a transaction that the verb has filled itself. */
int change_finish(struct cli *cli, certstore_txn *txn, struct targets *targets, const char *note, certstore_error *err);

#endif
