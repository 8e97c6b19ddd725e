/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_copy.c: `certstore copy`: from one store into another of any format, after saying what that cannot hold. */
#include "change.h"
#include "edit.h"
#include "verbs.h"

static const char **aliases_of(const struct args *args, const struct target *from, size_t *count)
{
    const char **aliases = heap_new(args->given_count + 1, sizeof *aliases);
    const char *alias;
    if (from->name.alias != NULL)
        aliases[(*count)++] = from->name.alias;
    for (size_t i = 0; (alias = args_value_at(args, "alias", i)) != NULL; i++)
        aliases[(*count)++] = alias;
    return aliases;
}

static int edit(struct cli *cli, const struct args *args, const struct target *from, struct targets *targets)
{
    size_t count = 0;
    const char **aliases = aliases_of(args, from, &count);
    int status = edit_check_losses(cli, from, &targets->items[0], aliases, count, args_flag(args, "allow-loss") || args_flag(args, "dry-run"));
    if (status == STATUS_DONE)
        status = edit_copy(cli, from, &targets->items[0], aliases, count);
    free(aliases);
    return status;
}

static int run_copy(struct cli *cli, const struct args *args)
{
    SCOPED(target) from = { 0 };
    SCOPED(targets) targets = { 0 };
    int status = target_open(cli, &from, store_name_parse(args->positional[0]), TARGET_READ | TARGET_EXISTS);
    if (status == STATUS_DONE)
        status = targets_open(cli, &targets, args, 1, TARGET_READ | TARGET_UNLOCK | (args_flag(args, "allow-loss") ? TARGET_LOSSY : 0));
    if (status == STATUS_DONE && strcmp(certstore_uri(from.store), certstore_uri(targets.items[0].store)) == 0)
        status = report_usage(cli, "copy: %s is both source and target; name two stores", target_uri(&from));
    if (status == STATUS_DONE && args_flag(args, "dry-run"))
        status = change_remember(cli, &targets);
    if (status == STATUS_DONE)
        status = edit(cli, args, &from, &targets);
    if (status != STATUS_DONE)
        return status;
    OWNED(owned_chars) *note = heap_format("copy from %s", certstore_uri(from.store));
    return args_flag(args, "dry-run") ? change_show(cli, &targets) : change_commit(cli, &targets, note);
}

static const struct option options[] = {
    { "alias", 0, "ALIAS", true, "copy this entry only; may be given more than once" },
    { "dry-run", 0, NULL, false, "say what would be lost and what would change, and change nothing" },
    { "allow-loss", 0, NULL, false, "copy although the target's format cannot hold everything" },
    { 0 },
};
const struct verb verb_copy = {
    .name = "copy",
    .synopsis = "[--alias ALIAS]... [--dry-run] [--allow-loss] SRC DST",
    .summary = "copy entries into another store, of any format",
    .about = "Adds the entries of SRC to DST, which is made where it does not exist; entries of\n"
             "the same alias are replaced. What DST's format cannot hold (aliases, trust\n"
             "purposes, dates, unknown content) is said first, and refused without\n"
             "--allow-loss. Two entries that would fall on one alias in DST are refused.\n",
    .examples = "certstore --pass file:/etc/app/pw copy old.jks new.p12\n"
                "certstore copy --dry-run 'jks:cacerts?pass=env:PW' pem:roots.pem\n"
                "certstore copy --alias web 'app.p12?pass=env:PW' pem:web.pem --allow-loss\n",
    .options = options,
    .min_arguments = 2,
    .max_arguments = 2,
    .run = run_copy,
};
