/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_history.c: `certstore history`: what changed when, and by whom. */
#include <inttypes.h>
#include <stdio.h>

#include "json.h"
#include "stores.h"
#include "table.h"
#include "verbs.h"
#include "when.h"

enum { SHOWN_DIGITS = 16 };

static json_t *history_json(const struct target *target, const certstore_history *history)
{
    json_t *generations = json_array();
    for (size_t i = 0; i < certstore_history_count(history); i++) {
        OWNED(owned_chars) *time = when_rfc3339(certstore_history_time(history, i));
        const char *sha256 = certstore_history_sha256(history, i);
        json_t *row = json_object();
        json_object_set_new(row, "generation", json_integer(certstore_history_generation(history, i)));
        json_object_set_new(row, "time", json_text(time));
        json_object_set_new(row, "actor", json_text(certstore_history_actor(history, i)));
        json_object_set_new(row, "note", json_text(certstore_history_note(history, i)));
        json_object_set_new(row, "transaction", json_text(certstore_history_txn(history, i)));
        json_object_set_new(row, "sha256", *sha256 != '\0' ? json_text(sha256) : json_null());
        json_object_set_new(row, "kept", json_boolean(certstore_history_kept(history, i)));
        json_array_append_new(generations, row);
    }
    json_t *store = json_store(target->store, NULL);
    json_object_set_new(store, "generations", generations);
    return store;
}

static void add_rows(struct table *table, const struct target *target, const certstore_history *history, bool several)
{
    for (size_t i = certstore_history_count(history); i-- > 0;) { /* the newest first */
        OWNED(owned_chars) *generation = heap_format("%" PRId64, certstore_history_generation(history, i));
        OWNED(owned_chars) *time = when_rfc3339(certstore_history_time(history, i));
        OWNED(owned_chars) *digest = heap_copy_part(certstore_history_sha256(history, i), SHOWN_DIGITS);
        bool current = i + 1 == certstore_history_count(history);
        if (several)
            table_add(table, target_uri(target), COLOR_NONE);
        table_add(table, generation, COLOR_NONE);
        table_add(table, time != NULL ? time : "-", COLOR_NONE);
        table_add(table, certstore_history_actor(history, i), COLOR_NONE);
        table_add(table, certstore_history_note(history, i), COLOR_NONE);
        table_add(table, *digest != '\0' ? digest : "(no store)", COLOR_DIM);
        table_add(table, current ? "current" : certstore_history_kept(history, i) ? "yes" : "no", COLOR_NONE);
    }
}

static int run_history(struct cli *cli, const struct args *args)
{
    static const struct column columns[] = {
        { "STORE", false, 8 }, { "GENERATION", true, 0 }, { "TIME", false, 0 }, { "BY", false, 4 },
        { "WHAT", false, 6 },  { "SHA-256", false, 4 },   { "KEPT", false, 0 },
    };
    SCOPED(targets) targets = { 0 };
    int status = targets_open(cli, &targets, args, 0, 0);
    if (status != STATUS_DONE)
        return status;
    bool several = targets.count > 1;
    SCOPED(table) table = { .columns = several ? columns : columns + 1, .column_count = several ? 7 : 6 };
    OWNED(certstore_error) *err = certstore_error_new();
    json_t *stores = json_array();
    for (size_t i = 0; i < targets.count && status == STATUS_DONE; i++) {
        OWNED(certstore_history) *history = certstore_history_read(targets.items[i].store, err);
        if (history == NULL) {
            status = report_error(cli, err);
            break;
        }
        add_rows(&table, &targets.items[i], history, several);
        json_array_append_new(stores, history_json(&targets.items[i], history));
    }
    if (status == STATUS_DONE && cli->json)
        print_document(cli, json_pack("{s:O}", "stores", stores));
    else if (status == STATUS_DONE && table.cell_count > 0)
        table_print(cli, &table);
    else if (status == STATUS_DONE && !cli->quiet)
        puts("no history: no transaction has touched it yet");
    json_decref(stores);
    return status;
}

static const struct option options[] = { { 0 } };
const struct verb verb_history = {
    .name = "history",
    .synopsis = "STORE...",
    .summary = "the generations of stores: what changed when, by whom",
    .about = "Every transaction that changes a store makes a new generation of it. The newest\n"
             "comes first. The last few are kept whole, and `certstore rollback` can go back to\n"
             "them; of the others only the line remains.\n",
    .examples = "certstore history /etc/nginx/fullchain.pem\n"
                "certstore --json history app.p12 app.jks\n",
    .options = options,
    .min_arguments = 1,
    .max_arguments = -1,
    .run = run_history,
};
