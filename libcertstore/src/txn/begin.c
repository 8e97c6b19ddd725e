/* SPDX-License-Identifier: Apache-2.0 */
/* begin.c: what is on record before anything is done: generation numbers, rows of history, BEGIN and the participants. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>

#include "txn/transaction.h"

enum { JOURNAL_ROOM = 64 * 1024 }; /* so that COMMIT and ROLLBACK cannot meet a full disk */

bool csi_txn_leads_store(const csi_txn *txn, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(txn->members[i].participant->store, txn->members[index].participant->store) == 0)
            return false;
    return true;
}

/* ------------------------------------------------------------------------------------------------------------- generations */

/* Was the store changed outside of transactions since its newest row? A part that only one side knows says nothing, the first part apart. */
static bool changed_outside(const struct csi_content_digests *row, const struct csi_content_digests *now)
{
    if (strcmp(row->part[0], now->part[0]) != 0)
        return true;
    return row->part[1][0] != '\0' && now->part[1][0] != '\0' && strcmp(row->part[1], now->part[1]) != 0;
}

static bool exists(const struct csi_content_digests *content)
{
    return content->part[0][0] != '\0' || content->part[1][0] != '\0';
}

/* A number is one above the newest row of its time, or two where others had changed the store in between. */
enum { STEP_MAX = 2 };

static int look_for(const csi_txn *txn, const char *path)
{
    struct stat st;
    return txn->env.os->stat(txn->env.os, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &st);
}

/* The newest row that was seen before the store was locked. Rows are made under the lock, so that it still is the newest if it is there, its
 * transaction is over, and no row follows within a step: a few looks, however long the history is. Otherwise, or without memory: *certain is false. */
static void newest_seen(const csi_txn *txn, const struct csi_member *member, struct csi_row *row, bool *certain)
{
    const char *store = member->participant->store;
    certstore_error none = { 0 };
    *certain = false;
    *row = (struct csi_row){ .generation = member->seen };
    if (row->generation > 0) {
        bool there = false;
        if (csi_state_read_row(txn->env.os, txn->dir, store, row, &there, &none) != CERTSTORE_OK || !there)
            return;
        CSI_AUTO(csi_chars) *done = csi_state_journal(txn->dir, row->txn, true, &none);
        if (done == NULL || look_for(txn, done) != 0)
            return;
    }
    for (int step = 1; step <= STEP_MAX; step++) {
        CSI_AUTO(csi_chars) *next = csi_state_row_path(txn->dir, store, row->generation + step, &none);
        if (next == NULL || look_for(txn, next) != -ENOENT)
            return;
    }
    *certain = true;
}

/* Under our lock and without a marker nobody else is at work here: a row whose journal is open is of a transaction that died before it had marked the
 * store, or after it had taken its mark away. Either way the store itself tells what came after the rows before it. */
static bool is_over(const struct csi_names *names, const struct csi_row *row)
{
    for (size_t i = 0; i < names->count; i++)
        if (strncmp(names->items[i], row->txn, CSI_ID_TEXT) == 0 && strcmp(names->items[i] + CSI_ID_TEXT, ".open") == 0)
            return false;
    return true;
}

/* The same from the names of all rows. *row: generation 0 when there is none. */
static certstore_status newest_listed(const csi_txn *txn, const char *store, struct csi_row *row, certstore_error *err)
{
    CSI_AUTO_NAMES before = { 0 };
    CSI_AUTO_NAMES names = { 0 };
    CSI_AUTO_ROWS rows = { 0 };
    *row = (struct csi_row){ 0 };
    CSI_TRY(csi_state_names(txn->env.os, txn->dir, &before, err));
    csi_clear_lost_rows(&txn->env, txn->dir, &before, false);
    CSI_TRY(csi_state_names(txn->env.os, txn->dir, &names, err));
    CSI_TRY(csi_state_numbers(&names, store, &rows, err));
    for (size_t i = rows.count; i > 0; i--) {
        bool there = false;
        CSI_TRY(csi_state_read_row(txn->env.os, txn->dir, store, &rows.items[i - 1], &there, err));
        if (there && is_over(&names, &rows.items[i - 1])) {
            *row = rows.items[i - 1];
            break;
        }
    }
    return CERTSTORE_OK;
}

/* What was there before the first transaction is generation 1; each change adds one, and so does each that others made in between. */
static certstore_status number(csi_txn *txn, struct csi_member *member, certstore_error *err)
{
    const csi_participant *p = member->participant;
    struct csi_row newest = { 0 };
    bool certain = false;
    if (txn->looked)
        newest_seen(txn, member, &newest, &certain);
    if (!certain)
        CSI_TRY(newest_listed(txn, p->store, &newest, err));
    if (newest.generation == 0)
        member->old_generation = exists(&p->before) ? 1 : 0;
    else
        member->old_generation = newest.generation + (changed_outside(&newest.content, &p->before) ? 1 : 0);
    member->generation = member->old_generation + 1;
    if (txn->env.generations <= 0 || p->before.part[p->part][0] == '\0')
        return CERTSTORE_OK;
    member->backup = csi_state_backup_path(txn->dir, p->store, member->old_generation, p->part, err);
    return member->backup != NULL ? CERTSTORE_OK : err->status;
}

certstore_status csi_txn_number(csi_txn *txn, certstore_error *err)
{
    for (size_t i = 0; i < txn->count; i++)
        CSI_TRY(number(txn, &txn->members[i], err));
    return CERTSTORE_OK;
}

certstore_status csi_txn_put_rows(csi_txn *txn, certstore_error *err)
{
    for (size_t i = 0; i < txn->count; i++) {
        if (!csi_txn_leads_store(txn, i))
            continue;
        struct csi_row row = { .generation = txn->members[i].generation, .light = txn->light, .content = txn->members[i].participant->after };
        memcpy(row.txn, txn->id, sizeof row.txn);
        CSI_TRY(csi_state_put_row(txn->env.os, txn->dir, txn->members[i].participant->store, &row, err));
    }
    return CERTSTORE_OK;
}

/* ----------------------------------------------------------------------------------------------------------------- journal */

certstore_status csi_txn_record(csi_txn *txn, const char *type, certstore_error *err)
{
    CSI_AUTO_RECORD record = { 0 };
    csi_record_put(&record, "type", type);
    return csi_journal_add(txn->journal, &record, err);
}

static certstore_status add_begin(csi_txn *txn, certstore_error *err)
{
    CSI_AUTO_RECORD record = { 0 };
    struct timespec now = { 0 };
    char boot[40];
    txn->env.os->now(txn->env.os, CSI_CLOCK_WALL, &now);
    txn->env.os->boot_id(txn->env.os, boot);
    csi_record_put(&record, "type", "BEGIN");
    csi_record_put_int(&record, "v", 1);
    csi_record_put(&record, "id", txn->id);
    csi_record_put_int(&record, "t", now.tv_sec);
    csi_record_put(&record, "boot", boot);
    csi_record_put(&record, "actor", txn->actor);
    csi_record_put(&record, "note", txn->note);
    csi_record_put_int(&record, "light", txn->light);
    csi_record_put_int(&record, "participants", (int64_t)txn->count);
    return csi_journal_add(txn->journal, &record, err);
}

static certstore_status add_participant(csi_txn *txn, const struct csi_member *member, certstore_error *err)
{
    CSI_AUTO_RECORD record = { 0 };
    const csi_participant *p = member->participant;
    csi_record_put(&record, "type", "PARTICIPANT");
    csi_record_put(&record, "kind", p->kind->name);
    csi_record_put(&record, "location", p->location);
    csi_record_put(&record, "store", p->store_location);
    csi_record_put_int(&record, "part", p->part);
    csi_record_put(&record, "before0", p->before.part[0]);
    csi_record_put(&record, "before1", p->before.part[1]);
    csi_record_put(&record, "after0", p->after.part[0]);
    csi_record_put(&record, "after1", p->after.part[1]);
    csi_record_put_int(&record, "old_generation", member->old_generation);
    csi_record_put_int(&record, "generation", member->generation);
    csi_record_put(&record, "backup", member->backup != NULL ? member->backup : "");
    p->kind->describe(p, &record);
    return csi_journal_add(txn->journal, &record, err);
}

/* No side effect outside STATE/txn comes before the record that says how to take it back. */
certstore_status csi_txn_write_begin(csi_txn *txn, certstore_error *err)
{
    CSI_AUTO(csi_chars) *path = csi_state_journal(txn->dir, txn->id, false, err);
    if (path == NULL)
        return err->status;
    txn->journal = csi_journal_create(txn->env.os, path, txn->light ? 0 : JOURNAL_ROOM, err);
    if (txn->journal == NULL)
        return err->status;
    CSI_TRY(add_begin(txn, err));
    for (size_t i = 0; i < txn->count; i++)
        CSI_TRY(add_participant(txn, &txn->members[i], err));
    return csi_journal_write(txn->journal, err);
}
