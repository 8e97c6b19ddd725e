/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_diff.c: `certstore diff`: what two stores mean, compared, whatever their formats. */
#include <stdio.h>

#include "edit.h"
#include "json.h"
#include "table.h"
#include "verbs.h"

static certstore_bundle *open_side(struct cli *cli, struct target *target, const char *text, int *status)
{
    *status = target_open(cli, target, store_name_parse(text), TARGET_READ | TARGET_EXISTS);
    if (*status != STATUS_DONE)
        return NULL;
    const char *const alias[] = { target->name.alias };
    return edit_selection(cli, target, alias, target->name.alias != NULL ? 1 : 0, status);
}

static void print_text(struct cli *cli, const certstore_report *differences)
{
    static const struct column columns[] = { { "ALIAS", false, 6 }, { "CHANGE", false, 0 }, { "DIFFERENCE", false, 12 } };
    SCOPED(table) table = { .columns = columns, .column_count = 3 };
    for (size_t i = 0; i < certstore_report_count(differences); i++) {
        table_add(&table, certstore_report_subject(differences, i), COLOR_NONE);
        table_add(&table, certstore_report_code(differences, i), COLOR_NONE);
        table_add(&table, certstore_report_message(differences, i), COLOR_NONE);
    }
    if (table.cell_count > 0)
        table_print(cli, &table);
}

static int run_diff(struct cli *cli, const struct args *args)
{
    SCOPED(target) a = { 0 };
    SCOPED(target) b = { 0 };
    int status = STATUS_DONE;
    OWNED(certstore_bundle) *left = open_side(cli, &a, args->positional[0], &status);
    OWNED(certstore_bundle) *right = left != NULL ? open_side(cli, &b, args->positional[1], &status) : NULL;
    if (right == NULL)
        return status;
    OWNED(certstore_error) *err = certstore_error_new();
    OWNED(certstore_report) *differences = certstore_bundle_diff(left, right, err);
    if (differences == NULL)
        return report_error(cli, err);
    if (cli->json)
        print_document(cli, json_pack("{s:o, s:o, s:o}", "a", json_text(certstore_uri(a.store)), "b", json_text(certstore_uri(b.store)),
                                      "differences", json_report(differences)));
    else if (!cli->quiet)
        print_text(cli, differences);
    return certstore_report_count(differences) > 0 ? STATUS_NEGATIVE : STATUS_DONE;
}

static const struct option options[] = { { 0 } };
const struct verb verb_diff = {
    .name = "diff",
    .synopsis = "A B",
    .summary = "what differs between two stores of any formats",
    .about = "Compares entries by alias and then by meaning: the same certificate, key and chain\n"
             "are equal in a PEM file and in a Java key store. A row says what has to be done to\n"
             "A to make it B. STORE#ALIAS compares one entry. With -q only the exit status says\n"
             "whether something differs.\n",
    .examples = "certstore --pass env:PW diff app.jks app.p12\n"
                "certstore -q diff /etc/app/ca.pem /srv/ca.pem || echo differs\n",
    .exit_status = "1 when something differs",
    .options = options,
    .min_arguments = 2,
    .max_arguments = 2,
    .run = run_diff,
};
