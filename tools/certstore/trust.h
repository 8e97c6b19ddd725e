/* SPDX-License-Identifier: Apache-2.0 */
/* trust.h: what a certificate that is put is trusted for: what --trust says, else what the entry in whose place it comes was trusted for. */
#ifndef TOOL_TRUST_H
#define TOOL_TRUST_H

#include "files.h"

/* Purposes that `put` is told, as the library names them: a list with commas (NULL: none was given), or one of a plan's. Wrong usage is reported. */
int trust_parse(struct cli *cli, struct material *material, const char *list);
int trust_add(struct cli *cli, struct material *material, const char *purpose);

/* Gives a trusted entry its purposes. present: the entry whose place it takes; NULL: none. What the target's format cannot hold is said, and refused
 * where it was told and no loss is allowed. */
int trust_settle(struct cli *cli, const struct target *target, const struct material *material, const certstore_entry *present,
                 certstore_entry *entry);

#endif
