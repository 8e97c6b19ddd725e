/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_verify.c: `certstore verify`: what is wrong with stores, and what soon will be. */
#include <errno.h>
#include <stdio.h>

#include "json.h"
#include "stores.h"
#include "table.h"
#include "verbs.h"
#include "when.h"

enum { DEFAULT_DAYS = 30, MOST_DAYS = 36500 };

struct verification {
    struct table table;
    json_t *stores;
    bool several;
    bool bad; /* a warning or a fault */
    int days;
};

static void add_rows(struct verification *verification, const struct target *target, const certstore_report *findings)
{
    static const enum color colors[] = { [CERTSTORE_INFO] = COLOR_DIM, [CERTSTORE_WARNING] = COLOR_YELLOW, [CERTSTORE_FAULT] = COLOR_RED };
    for (size_t i = 0; i < certstore_report_count(findings); i++) {
        certstore_severity severity = certstore_report_severity(findings, i);
        if (verification->several)
            table_add(&verification->table, target_uri(target), COLOR_NONE);
        table_add(&verification->table, facts_severity(severity), colors[severity]);
        table_add(&verification->table, certstore_report_subject(findings, i), COLOR_NONE);
        table_add(&verification->table, certstore_report_code(findings, i), COLOR_NONE);
        table_add(&verification->table, certstore_report_message(findings, i), COLOR_NONE);
        verification->bad = verification->bad || severity != CERTSTORE_INFO;
    }
    json_t *store = json_store(target->store, target->bundle);
    json_object_set_new(store, "findings", json_report(findings));
    json_array_append_new(verification->stores, store);
}

static int verify_store(struct cli *cli, struct verification *verification, const char *text)
{
    SCOPED(target) target = { 0 };
    int status = target_open(cli, &target, store_name_parse(text), TARGET_READ | TARGET_EXISTS);
    if (status != STATUS_DONE)
        return status;
    OWNED(certstore_error) *err = certstore_error_new();
    OWNED(certstore_report) *findings = certstore_bundle_verify(target.bundle, when_now(), verification->days, err);
    if (findings == NULL)
        return report_error(cli, err);
    add_rows(verification, &target, findings);
    return STATUS_DONE;
}

static bool parse_days(const char *text, int *days)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    *days = (int)value;
    return errno == 0 && end != text && *end == '\0' && value >= 0 && value <= MOST_DAYS;
}

static void print_findings(struct cli *cli, const struct verification *verification)
{
    if (cli->json)
        print_document(cli, json_pack("{s:O}", "stores", verification->stores));
    else if (verification->table.cell_count > 0)
        table_print(cli, &verification->table);
    else if (!cli->quiet && json_array_size(verification->stores) > 0)
        puts("no findings");
}

static int run_verify(struct cli *cli, const struct args *args)
{
    static const struct column columns[] = {
        { "STORE", false, 8 }, { "SEVERITY", false, 0 }, { "ALIAS", false, 6 }, { "FINDING", false, 0 }, { "MEANING", false, 12 },
    };
    struct verification verification = { .several = args->count > 1, .days = DEFAULT_DAYS };
    const char *days = args_value(args, "days");
    if (days != NULL && !parse_days(days, &verification.days))
        return report_usage(cli, "--days: \"%s\" is no number of days; write a number from 0 to %d", days, MOST_DAYS);
    verification.table.columns = verification.several ? columns : columns + 1;
    verification.table.column_count = verification.several ? 5 : 4;
    verification.stores = json_array();
    int worst = STATUS_DONE;
    for (size_t i = 0; i < args->count; i++) {
        int status = verify_store(cli, &verification, args->positional[i]);
        if (status > worst)
            worst = status;
    }
    print_findings(cli, &verification);
    table_free(&verification.table);
    json_decref(verification.stores);
    return worst == STATUS_DONE && verification.bad ? STATUS_NEGATIVE : worst;
}

static const struct option options[] = {
    { "days", 0, "N", false, "report what expires within N days (default 30)" },
    { 0 },
};
const struct verb verb_verify = {
    .name = "verify",
    .synopsis = "[--days N] STORE...",
    .summary = "what is wrong with stores, and what soon will be",
    .about = "Checks integrity, validity, keys against their certificates, chains, weak keys and\n"
             "signatures, duplicates, and what Java would not see. Give the passphrase to have\n"
             "private keys checked as well. Findings are faults (it does not work), warnings\n"
             "(it works, and will bite) and infos.\n",
    .examples = "certstore verify /etc/nginx/fullchain.pem\n"
                "certstore --pass file:/etc/app/pw --json verify --days 60 app.p12 cacerts.jks\n",
    .exit_status = "1 when there is a warning or a fault; infos do not count",
    .options = options,
    .min_arguments = 1,
    .max_arguments = -1,
    .run = run_verify,
};
