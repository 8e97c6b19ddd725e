/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_rename.c: `certstore rename`. */
#include "change.h"
#include "edit.h"
#include "verbs.h"

static int run_rename(struct cli *cli, const struct args *args)
{
    const char *alias = args->positional[0];
    const char *new_alias = args->positional[1];
    SCOPED(targets) targets = { 0 };
    int status = targets_open(cli, &targets, args, 2, TARGET_READ | TARGET_UNLOCK | TARGET_EXISTS);
    if (status == STATUS_DONE && args_flag(args, "dry-run"))
        status = change_remember(cli, &targets);
    for (size_t i = 0; i < targets.count && status == STATUS_DONE; i++) {
        const struct target *target = &targets.items[i];
        status = target->name.alias == NULL ? edit_rename(cli, &targets.items[i], alias, new_alias)
                                            : report_usage(cli, "%s: rename takes no #ALIAS; write rename OLD NEW STORE", target_uri(target));
    }
    if (status != STATUS_DONE)
        return status;
    OWNED(owned_chars) *note = heap_format("rename %s to %s", alias, new_alias);
    return args_flag(args, "dry-run") ? change_show(cli, &targets) : change_commit(cli, &targets, note);
}

static const struct option options[] = {
    { "dry-run", 0, NULL, false, "show what would change in each store, and change nothing" },
    { 0 },
};
const struct verb verb_rename = {
    .name = "rename",
    .synopsis = "[--dry-run] OLD NEW STORE...",
    .summary = "give an entry another alias in all the stores, in one transaction",
    .about = "Where one of the stores does not hold OLD, or holds NEW already, nothing is\n"
             "changed in any. Keys are not encrypted anew. PEM keeps no aliases, so there is\n"
             "nothing to rename in it.\n",
    .examples = "certstore --pass file:/etc/app/pw rename tomcat web app.p12 app.jks\n",
    .options = options,
    .min_arguments = 3,
    .max_arguments = -1,
    .run = run_rename,
};
