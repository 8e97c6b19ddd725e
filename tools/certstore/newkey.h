/* SPDX-License-Identifier: Apache-2.0 */
/* newkey.h: a key that is made on a token before it is used: --new-key ALGORITHM --key-policy WORD[,WORD]. */
#ifndef TOOL_NEWKEY_H
#define TOOL_NEWKEY_H

#include "args.h"
#include "stores.h"

/* What --key-policy says, as the library's bits; false after reporting. Wrong without --new-key. */
bool newkey_policy(struct cli *cli, const struct args *args, uint32_t *policy, int *status);
/* The key; NULL after reporting. */
certstore_entry *newkey_make(struct cli *cli, struct target *target, const char *alias, const char *algorithm, uint32_t policy, int *status);

#endif
