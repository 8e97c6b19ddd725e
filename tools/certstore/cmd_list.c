/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_list.c: `certstore list`: one table, or one document, over any number of stores. */
#include <stdio.h>

#include "edit.h"
#include "json.h"
#include "progress.h"
#include "table.h"
#include "verbs.h"
#include "when.h"

enum { RED_DAYS = 14, YELLOW_DAYS = 30, SHOWN_DIGITS = 16 };
enum order { ORDER_STORE, ORDER_ALIAS, ORDER_EXPIRY };

struct row {
    const certstore_entry *entry;
    int64_t expires; /* INT64_MAX: never, or not known; asked for early only where it decides what is listed, or in which order */
    size_t store;    /* which of the stores it is from */
};
struct listing {
    struct targets stores;
    struct row *rows;
    size_t row_count;
    int64_t now;
    bool filtered;
    int64_t expiring; /* seconds from now */
    enum order order;
};

static void listing_free(struct listing *listing)
{
    free(listing->rows);
    targets_free(&listing->stores);
}

static int by_alias(const void *a, const void *b)
{
    const struct row *left = a;
    const struct row *right = b;
    int order = strcmp(certstore_entry_alias(left->entry), certstore_entry_alias(right->entry));
    return order != 0 ? order : (left->store > right->store) - (left->store < right->store);
}

static int by_expiry(const void *a, const void *b)
{
    const struct row *left = a;
    const struct row *right = b;
    return left->expires != right->expires ? (left->expires > right->expires) - (left->expires < right->expires) : by_alias(a, b);
}

static void collect(struct listing *listing, size_t store)
{
    const struct target *target = &listing->stores.items[store];
    const bool dated = listing->filtered || listing->order == ORDER_EXPIRY;
    const certstore_entry *only = target->name.alias != NULL ? certstore_bundle_find(target->bundle, target->name.alias) : NULL;
    for (size_t i = 0; i < certstore_bundle_count(target->bundle); i++) {
        const certstore_entry *entry = certstore_bundle_at(target->bundle, i);
        if (target->name.alias != NULL && entry != only)
            continue;
        const certstore_cert *leaf = certstore_entry_cert(entry, 0);
        const int64_t expires = leaf != NULL && dated ? certstore_cert_not_after(leaf) : INT64_MAX;
        if (listing->filtered && (leaf == NULL || expires - listing->now > listing->expiring))
            continue;
        listing->rows = heap_grow(listing->rows, listing->row_count, sizeof *listing->rows);
        listing->rows[listing->row_count++] = (struct row){ entry, expires, store };
    }
}

/* Reads every store; one that fails is reported, and the others are listed all the same. */
static int read_stores(struct cli *cli, struct listing *listing, const struct args *args)
{
    struct progress progress = progress_start(cli);
    int worst = STATUS_DONE;
    listing->stores.items = heap_new(args->count, sizeof *listing->stores.items);
    for (size_t i = 0; i < args->count; i++) {
        struct target *target = &listing->stores.items[listing->stores.count];
        struct store_name name = store_name_parse(args->positional[i]);
        progress_step(&progress, "reading", i + 1, args->count, name.uri);
        int status = target_open(cli, target, name, TARGET_READ | TARGET_EXISTS);
        if (status == STATUS_DONE && name.alias != NULL)
            edit_find(cli, target, name.alias, &status);
        if (status == STATUS_DONE)
            collect(listing, listing->stores.count++);
        else
            target_free(target);
        if (status > worst)
            worst = status;
    }
    progress_end(&progress);
    return worst;
}

static enum color urgency(int64_t days_left)
{
    if (days_left >= YELLOW_DAYS)
        return COLOR_NONE;
    return days_left < RED_DAYS ? COLOR_RED : COLOR_YELLOW;
}

static void add_plain(struct table *table, const char *text, enum color color)
{
    table_add_plain(table, text, strlen(text), color);
}

/* The columns that only a certificate has. Asks for what the table shows, and no more: a tenth of the time of all facts. */
static void add_certificate(struct table *table, const certstore_cert *leaf, int64_t now)
{
    char day[WHEN_DAY_SIZE];
    char count[WHEN_COUNT_SIZE];
    OWNED(certstore_bytes) *subject = certstore_cert_export_subject(leaf, NULL);
    OWNED(certstore_bytes) *sha256 = certstore_cert_export_sha256(leaf, NULL);
    const int64_t expires = certstore_cert_not_after(leaf);
    const int64_t days_left = when_days_left(expires, now);
    const enum color color = urgency(days_left);
    table_add(table, subject != NULL ? (const char *)certstore_bytes_data(subject) : "-", COLOR_NONE);
    add_plain(table, when_day(expires, day), color);
    add_plain(table, expires != INT64_MAX ? when_count(days_left, count) : "-", color);
    table_add_plain(table, sha256 != NULL ? (const char *)certstore_bytes_data(sha256) : "-", sha256 != NULL ? SHOWN_DIGITS : 1, COLOR_DIM);
}

static void add_row(struct table *table, const struct row *row, int64_t now, const char *store)
{
    const certstore_cert *leaf = certstore_entry_cert(row->entry, 0);
    if (store != NULL)
        table_add(table, store, COLOR_NONE);
    table_add(table, certstore_entry_alias(row->entry), COLOR_NONE);
    add_plain(table, facts_kind(certstore_entry_kind(row->entry)), COLOR_NONE);
    if (leaf != NULL) {
        add_certificate(table, leaf, now);
        return;
    }
    for (int i = 0; i < 3; i++) /* subject, day and days left */
        add_plain(table, "-", COLOR_NONE);
    add_plain(table, "-", COLOR_DIM);
}

static void print_table(struct cli *cli, const struct listing *listing)
{
    static const struct column columns[] = {
        { "STORE", false, 8 },   { "ALIAS", false, 6 }, { "KIND", false, 0 },    { "SUBJECT", false, 6 },
        { "EXPIRES", false, 0 }, { "DAYS", true, 0 },   { "SHA-256", false, 4 },
    };
    bool several = listing->stores.count > 1;
    SCOPED(table) table = { .columns = several ? columns : columns + 1, .column_count = several ? 7 : 6 };
    for (size_t i = 0; i < listing->row_count; i++) {
        const struct row *row = &listing->rows[i];
        add_row(&table, row, listing->now, several ? target_uri(&listing->stores.items[row->store]) : NULL);
    }
    if (listing->row_count > 0)
        table_print(cli, &table);
    else if (!cli->quiet)
        puts(listing->filtered ? "nothing expires within that time" : "no entries");
}

static void print_json(struct cli *cli, const struct listing *listing)
{
    json_t *stores = json_array();
    for (size_t i = 0; i < listing->stores.count; i++) {
        json_t *store = json_store(listing->stores.items[i].store, listing->stores.items[i].bundle);
        json_object_set_new(store, "entries", json_array());
        json_array_append_new(stores, store);
    }
    for (size_t i = 0; i < listing->row_count; i++) {
        json_t *store = json_array_get(stores, listing->rows[i].store);
        SCOPED(facts) facts = facts_of(listing->rows[i].entry, listing->now);
        json_array_append_new(json_object_get(store, "entries"), json_entry(&facts));
    }
    print_document(cli, json_pack("{s:o}", "stores", stores));
}

static int parse_options(struct cli *cli, struct listing *listing, const struct args *args)
{
    const char *expiring = args_value(args, "expiring");
    const char *sort = args_value(args, "sort");
    listing->filtered = expiring != NULL;
    if (expiring != NULL && !when_parse_span(expiring, &listing->expiring))
        return report_usage(cli, "--expiring: \"%s\" is no length of time; write 30d, 4w or 12h", expiring);
    if (sort != NULL && strcmp(sort, "alias") != 0 && strcmp(sort, "expiry") != 0)
        return report_usage(cli, "--sort: cannot sort by \"%s\"; write alias or expiry", sort);
    if (sort != NULL)
        listing->order = strcmp(sort, "alias") == 0 ? ORDER_ALIAS : ORDER_EXPIRY;
    return STATUS_DONE;
}

static int run_list(struct cli *cli, const struct args *args)
{
    SCOPED(listing) listing = { .now = when_now() };
    int status = parse_options(cli, &listing, args);
    if (status != STATUS_DONE)
        return status;
    status = read_stores(cli, &listing, args);
    if (listing.row_count > 1 && listing.order != ORDER_STORE)
        qsort(listing.rows, listing.row_count, sizeof *listing.rows, listing.order == ORDER_ALIAS ? by_alias : by_expiry);
    if (cli->json)
        print_json(cli, &listing);
    else if (listing.stores.count > 0)
        print_table(cli, &listing);
    if (status != STATUS_DONE)
        return status;
    return listing.filtered && listing.row_count > 0 ? STATUS_NEGATIVE : STATUS_DONE;
}

static const struct option options[] = {
    { "expiring", 0, "TIME", false, "only what expires within TIME or has expired: 30d, 4w, 12h" },
    { "sort", 0, "KEY", false, "alias or expiry; without it, in the order of the store" },
    { 0 },
};
const struct verb verb_list = {
    .name = "list",
    .synopsis = "[--expiring TIME] [--sort KEY] STORE...",
    .summary = "show what stores hold, and until when it is valid",
    .about = "Prints one table over all the stores: alias, kind, subject, expiry, days left and\n"
             "fingerprint of every entry. Days left are red under 14 and yellow under 30. A\n"
             "key store's certificates can be listed without its passphrase; its integrity\n"
             "is then unchecked, as --json says. STORE#ALIAS lists one entry.\n",
    .examples = "certstore list /etc/ssl/certs/ca-certificates.crt\n"
                "certstore --pass file:/etc/app/pw list --sort expiry app.p12 cacerts.jks\n"
                "certstore list --expiring 30d --json /etc/nginx/fullchain.pem\n",
    .exit_status = "1 when --expiring found something",
    .options = options,
    .min_arguments = 1,
    .max_arguments = -1,
    .run = run_list,
};
