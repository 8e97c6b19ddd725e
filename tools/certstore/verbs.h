/* SPDX-License-Identifier: Apache-2.0 */
/* verbs.h: every verb, each in a file of its own, cmd_NAME.c. */
#ifndef TOOL_VERBS_H
#define TOOL_VERBS_H

#include "cli.h"

extern const struct verb verb_list;
extern const struct verb verb_show;
extern const struct verb verb_put;
extern const struct verb verb_remove;
extern const struct verb verb_rename;
extern const struct verb verb_copy;
extern const struct verb verb_diff;
extern const struct verb verb_verify;
extern const struct verb verb_passwd;
extern const struct verb verb_csr;
extern const struct verb verb_apply;
extern const struct verb verb_history;
extern const struct verb verb_rollback;
extern const struct verb verb_recover;
extern const struct verb verb_status;
extern const struct verb verb_confirm;
extern const struct verb verb_cancel;
extern const struct verb verb_probe;

#endif
