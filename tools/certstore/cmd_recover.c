/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_recover.c: `certstore recover`: settles what a crash left behind. */
#include <stdio.h>

#include "json.h"
#include "screen.h"
#include "stores.h"
#include "verbs.h"

struct recovery {
    json_t *rows;
    size_t count;
    bool fault;
};

static void take_report(const struct cli *cli, struct recovery *recovery, const certstore_report *report)
{
    json_t *rows = json_report(report);
    json_array_extend(recovery->rows, rows);
    json_decref(rows);
    for (size_t i = 0; i < certstore_report_count(report); i++) {
        recovery->count++;
        recovery->fault = recovery->fault || certstore_report_severity(report, i) == CERTSTORE_FAULT;
        OWNED(owned_chars) *subject = screen_escape(certstore_report_subject(report, i));
        OWNED(owned_chars) *message = screen_escape(certstore_report_message(report, i));
        if (!cli->json && !cli->quiet)
            printf("%s%s%s\n", subject, *subject != '\0' ? ": " : "", message);
    }
}

static int recover_all(struct cli *cli, struct recovery *recovery)
{
    int status = STATUS_DONE;
    OWNED(certstore_error) *err = certstore_error_new();
    OWNED(certstore_options) *options = options_new(cli, &status);
    if (options == NULL)
        return status;
    OWNED(certstore_report) *report = certstore_recover(options, err);
    if (report == NULL)
        return report_error(cli, err);
    take_report(cli, recovery, report);
    return STATUS_DONE;
}

static int recover_store(struct cli *cli, struct recovery *recovery, const char *text)
{
    SCOPED(target) target = { 0 };
    OWNED(certstore_error) *err = certstore_error_new();
    int status = target_open(cli, &target, store_name_parse(text), 0);
    if (status != STATUS_DONE)
        return status;
    OWNED(certstore_report) *report = certstore_recover_store(target.store, err);
    if (report == NULL)
        return report_error(cli, err);
    take_report(cli, recovery, report);
    return STATUS_DONE;
}

static int run_recover(struct cli *cli, const struct args *args)
{
    struct recovery recovery = { .rows = json_array() };
    int worst = args->count == 0 ? recover_all(cli, &recovery) : STATUS_DONE;
    for (size_t i = 0; i < args->count; i++) {
        int status = recover_store(cli, &recovery, args->positional[i]);
        if (status > worst)
            worst = status;
    }
    if (worst == STATUS_DONE && recovery.fault)
        worst = STATUS_IN_DOUBT;
    if (cli->json)
        print_document(cli, json_pack("{s:O}", "recovered", recovery.rows));
    else if (worst == STATUS_DONE && recovery.count == 0 && !cli->quiet)
        puts("nothing to recover");
    json_decref(recovery.rows);
    return worst;
}

static const struct option options[] = { { 0 } };
const struct verb verb_recover = {
    .name = "recover",
    .synopsis = "[STORE...]",
    .summary = "settle what a crash left behind",
    .about = "A transaction that was cut short before its commit point is undone; one that had\n"
             "passed it is carried to its end: afterwards every store is old, or every store is\n"
             "new. Without STORE every transaction in the state directory is settled; with\n"
             "STORE what is pending on those stores, whichever state directory it was begun in.\n"
             "May be interrupted anywhere and run again.\n",
    .examples = "certstore recover\n"
                "certstore recover /etc/nginx/fullchain.pem\n",
    .exit_status = "4 when something could not be settled and needs a person",
    .options = options,
    .min_arguments = 0,
    .max_arguments = -1,
    .run = run_recover,
};
