/* SPDX-License-Identifier: Apache-2.0 */
/* change.c: see change.h. */
#include "change.h"

#include <inttypes.h>
#include <stdio.h>

#include "json.h"
#include "progress.h"
#include "screen.h"

/* The library's limit for a line of the history. */
enum { NOTE_MOST = 255 };

int change_remember(struct cli *cli, struct targets *targets)
{
    OWNED(certstore_error) *err = certstore_error_new();
    for (size_t i = 0; i < targets->count; i++) {
        targets->items[i].before = certstore_bundle_copy(targets->items[i].bundle, err);
        if (targets->items[i].before == NULL)
            return report_error(cli, err);
    }
    return STATUS_DONE;
}

static json_t *show_json(const struct target *target, const certstore_report *changes)
{
    json_t *store = json_store(target->store, NULL);
    json_object_set_new(store, "changes", json_report(changes));
    return store;
}

static void show_text(const struct target *target, const certstore_report *changes)
{
    OWNED(owned_chars) *uri = screen_escape(target_uri(target));
    printf("%s: %s\n", uri, certstore_report_count(changes) == 0 ? "would stay as it is" : "would change");
    for (size_t i = 0; i < certstore_report_count(changes); i++) {
        OWNED(owned_chars) *alias = screen_escape(certstore_report_subject(changes, i));
        OWNED(owned_chars) *message = screen_escape(certstore_report_message(changes, i));
        printf("  %s: %s: %s\n", alias, certstore_report_code(changes, i), message);
    }
}

int change_show(struct cli *cli, const struct targets *targets)
{
    OWNED(certstore_error) *err = certstore_error_new();
    json_t *stores = json_array();
    int status = STATUS_DONE;
    for (size_t i = 0; i < targets->count && status == STATUS_DONE; i++) {
        const struct target *target = &targets->items[i];
        OWNED(certstore_report) *changes = certstore_bundle_diff(target->before, target->bundle, err);
        if (changes == NULL)
            status = report_error(cli, err);
        else if (cli->json)
            json_array_append_new(stores, show_json(target, changes));
        else
            show_text(target, changes);
    }
    if (cli->json && status == STATUS_DONE)
        print_document(cli, json_pack("{s:b, s:O}", "dry_run", 1, "stores", stores));
    json_decref(stores);
    return status;
}

static void print_result_json(struct cli *cli, const certstore_txn *txn, const struct targets *targets)
{
    json_t *stores = json_array();
    for (size_t i = 0; i < targets->count; i++)
        json_array_append_new(stores, json_store(targets->items[i].store, NULL));
    json_t *document = json_object();
    json_object_set_new(document, "transaction", json_text(certstore_txn_id(txn)));
    json_object_set_new(document, "changed", json_integer((json_int_t)certstore_txn_changed(txn)));
    json_object_set_new(document, "stores", stores);
    print_document(cli, document);
}

static void print_result(struct cli *cli, const certstore_txn *txn, const struct targets *targets, const char *note)
{
    size_t changed = certstore_txn_changed(txn);
    if (cli->json) {
        print_result_json(cli, txn, targets);
        return;
    }
    if (cli->quiet)
        return;
    OWNED(owned_chars) *shown = screen_escape(note);
    if (changed == 0)
        printf("%s: nothing to change\n", shown);
    else if (changed == targets->count)
        printf("%s: %zu %s changed\n", shown, changed, changed == 1 ? "store" : "stores");
    else
        printf("%s: %zu of %zu stores changed, the others were so already\n", shown, changed, targets->count);
    for (size_t i = 0; i < targets->count; i++) {
        OWNED(owned_chars) *uri = screen_escape(target_uri(&targets->items[i]));
        int64_t made = certstore_txn_generation(txn, targets->items[i].store);
        printf("  %s (generation %" PRId64 ")\n", uri, made > 0 ? made : certstore_generation(targets->items[i].store, NULL));
    }
    report_detail(cli, "transaction %s", certstore_txn_id(txn));
}

int change_finish(struct cli *cli, certstore_txn *txn, struct targets *targets, const char *note, certstore_error *err)
{
    OWNED(owned_chars) *line = heap_copy_part(note, NOTE_MOST);
    struct progress progress = progress_start(cli);
    certstore_txn_set_note(txn, line, err);
    if (certstore_txn_prepare(txn, err) == CERTSTORE_OK)
        progress_step(&progress, "committing", targets->count, targets->count, note);
    certstore_status status = certstore_txn_commit(txn, err);
    progress_end(&progress);
    if (status != CERTSTORE_OK)
        return report_error(cli, err);
    print_result(cli, txn, targets, note);
    return STATUS_DONE;
}

int change_commit(struct cli *cli, struct targets *targets, const char *note)
{
    OWNED(certstore_error) *err = certstore_error_new();
    OWNED(certstore_txn) *txn = certstore_txn_begin(err);
    for (size_t i = 0; i < targets->count; i++)
        certstore_txn_replace(txn, targets->items[i].store, targets->items[i].bundle, err);
    return change_finish(cli, txn, targets, note, err);
}
