/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_remove.c: `certstore remove`. */
#include "change.h"
#include "edit.h"
#include "verbs.h"

static int run_remove(struct cli *cli, const struct args *args)
{
    const char *alias = args->positional[0];
    SCOPED(targets) targets = { 0 };
    int status = targets_open(cli, &targets, args, 1, TARGET_READ | TARGET_UNLOCK | TARGET_EXISTS);
    if (status == STATUS_DONE && args_flag(args, "dry-run"))
        status = change_remember(cli, &targets);
    for (size_t i = 0; i < targets.count && status == STATUS_DONE; i++) {
        const char *own = targets.items[i].name.alias;
        status = edit_remove(cli, &targets.items[i], own != NULL ? own : alias);
    }
    if (status != STATUS_DONE)
        return status;
    OWNED(owned_chars) *note = heap_format("remove %s", alias);
    return args_flag(args, "dry-run") ? change_show(cli, &targets) : change_commit(cli, &targets, note);
}

static const struct option options[] = {
    { "dry-run", 0, NULL, false, "show what would change in each store, and change nothing" },
    { 0 },
};
const struct verb verb_remove = {
    .name = "remove",
    .synopsis = "[--dry-run] ALIAS STORE...",
    .summary = "take one entry out of all the stores, in one transaction",
    .about = "Where one of the stores does not hold the entry, nothing is changed in any.\n"
             "STORE#OTHER takes out OTHER in that store. The generation before stays, and\n"
             "`certstore rollback` goes back to it.\n",
    .examples = "certstore remove old-root /etc/app/ca.pem 'jks:cacerts?pass=file:/etc/app/pw'\n"
                "certstore remove --dry-run old-root /etc/app/ca.pem\n",
    .options = options,
    .min_arguments = 2,
    .max_arguments = -1,
    .run = run_remove,
};
