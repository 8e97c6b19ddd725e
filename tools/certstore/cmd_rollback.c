/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_rollback.c: `certstore rollback`: an earlier generation becomes the newest, in one transaction over all the stores. */
#include <errno.h>
#include <inttypes.h>

#include "change.h"
#include "verbs.h"

/* The newest generation before the current one; 0 after reporting that there is none. */
static int64_t previous_generation(struct cli *cli, struct target *target, int *status)
{
    OWNED(certstore_error) *err = certstore_error_new();
    OWNED(certstore_history) *history = certstore_history_read(target->store, err);
    if (history == NULL) {
        *status = report_error(cli, err);
        return 0;
    }
    size_t count = certstore_history_count(history);
    if (count == 0) {
        *status = report_failure(cli, CERTSTORE_E_NOT_FOUND, target_full_uri(target),
                                 "%s: no transaction has changed it yet, so there is nothing to go back to; leave it out", target_uri(target));
        return 0;
    }
    if (count == 1) {
        *status = report_failure(cli, CERTSTORE_E_NOT_FOUND, target_full_uri(target),
                                 "%s: it did not exist before generation %" PRId64 ", which it still has; delete it yourself, or leave it out",
                                 target_uri(target), certstore_history_generation(history, 0));
        return 0;
    }
    if (certstore_history_kept(history, count - 2))
        return certstore_history_generation(history, count - 2);
    *status = report_failure(cli, CERTSTORE_E_NOT_FOUND, target_full_uri(target),
                             "%s: the bytes of its previous generation are not kept; `certstore history` shows which are", target_uri(target));
    return 0;
}

static bool parse_generation(const char *text, int64_t *generation)
{
    char *end;
    errno = 0;
    *generation = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *generation > 0;
}

static int run_rollback(struct cli *cli, const struct args *args)
{
    SCOPED(targets) targets = { 0 };
    const char *to = args_value(args, "to");
    int64_t asked = 0;
    if (to != NULL && !parse_generation(to, &asked))
        return report_usage(cli, "--to: \"%s\" is no generation; `certstore history` shows their numbers", to);
    int status = targets_open(cli, &targets, args, 0, 0);
    if (status != STATUS_DONE)
        return status;
    OWNED(certstore_error) *err = certstore_error_new();
    OWNED(certstore_txn) *txn = certstore_txn_begin(err);
    for (size_t i = 0; i < targets.count; i++) {
        int64_t generation = to != NULL ? asked : previous_generation(cli, &targets.items[i], &status);
        if (status != STATUS_DONE)
            return status;
        certstore_txn_restore(txn, targets.items[i].store, generation, err);
    }
    OWNED(owned_chars) *note = to != NULL ? heap_format("rollback to %" PRId64, asked) : heap_copy("rollback");
    return change_finish(cli, txn, &targets, note, err);
}

static const struct option options[] = {
    { "to", 0, "N", false, "the generation to go back to; without it, the one before the current" },
    { 0 },
};
const struct verb verb_rollback = {
    .name = "rollback",
    .synopsis = "[--to N] STORE...",
    .summary = "go back to an earlier generation, in one transaction",
    .about = "Each store gets the bytes of its earlier generation again, exactly. Going back is a\n"
             "transaction of its own and makes a new generation: a second rollback undoes the\n"
             "first. No passphrase is needed.\n",
    .examples = "certstore rollback /etc/nginx/fullchain.pem app.p12\n"
                "certstore rollback --to 3 app.jks\n",
    .options = options,
    .min_arguments = 1,
    .max_arguments = -1,
    .run = run_rollback,
};
