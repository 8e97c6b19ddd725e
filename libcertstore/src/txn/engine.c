/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.c: one commit over many places. Everything that can fail happens before the commit point, everything after it can be done again.
 *
 *              lock, verify        stage, sync          COMMIT on disk          promote, sync, finish
 *       NEW ----------------> LOCKED --------> PREPARED ==============> COMMITTED --------------------> DONE
 *        |                      |                 |                         |
 *        +----------------------+-----------------+                         | cannot go on, or not known whether COMMIT is on the disk
 *                     any failure                                           v
 *                          v                                            IN_DOUBT ---- recovery ----> DONE or REVERTED
 *                      REVERTED
 *
 * A transaction of one participant whose promotion is a single atomic step (a rename) is light: that step is the commit point. It takes the same path
 * without COMMIT record, and its journal and marker are written but not synced: recovery decides it by looking.
 *
 * Invariants. Each has a test of that name in tests/conformance/test_participants.c (9: tests/unit/media/test_place.c as well), but for those that
 * only tokens can break: 5 is held by tests/conformance/test_tokens.c, 7 by tests/unit/p11/test_session.c. 11 comes with deadlines.
 *
 *    1. Before COMMIT every failure leaves every store byte-identical, with mode, owner, xattrs and links, and no litter.
 *    2. After COMMIT no call says "not done": it says OK or IN_DOUBT, and recovery makes it one or the other.
 *    3. Recovery may be killed anywhere and run again; running it twice is running it once.
 *    4. After recovery every store is old, or every store is new.
 *    5. No private key is lost, at any point, in any order of failures.
 *    6. Nothing visible changes before what it replaces is durable elsewhere.
 *    7. A wrong PIN is presented once.
 *    8. No secret in the clear that was not in the clear before; none in a journal, a message or a name.
 *    9. Two openers never both apply; a reader that uses the library never sees half of a transaction.
 *   10. A store that somebody else changed is never overwritten, neither forward nor back.
 *   11. A provisional transaction ends by its deadline.
 *   12. A commit that changes nothing writes nothing and syncs nothing.
 *
 * Syncs, exactly: light 1 staged file + 1 STATE/txn (for invariant 6; none when no generation is kept) + 1 directory; otherwise K staged files + D
 * directories (staged names) + 1 STATE/txn + 1 COMMIT + D directories (renames) + 1 DONE, and 1 for each backup that link(2) cannot make.
 */
#include "txn/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "txn/transaction.h"

enum { SETTLE_ATTEMPTS = 16 };

/* ---------------------------------------------------------------------------------------------------------- putting together */

csi_txn *csi_txn_begin(const struct csi_txn_env *env, certstore_error *err)
{
    uint8_t chance[CSI_ID_TEXT / 2];
    int status = env->os->random(env->os, chance, sizeof chance);
    if (status < 0) {
        csi_fail_errno(err, -status, "transaction: no random bytes for its name; see the cause");
        return NULL;
    }
    CSI_AUTO(csi_txn) *txn = csi_new(1, sizeof *txn, err);
    if (txn == NULL)
        return NULL;
    txn->env = *env;
    txn->pid = env->os->pid(env->os);
    for (size_t i = 0; i < sizeof chance; i++)
        snprintf(txn->id + 2 * i, 3, "%02x", chance[i]);
    txn->env.state_dir = txn->state_dir = csi_strdup(env->state_dir, err);
    txn->env.actor = txn->actor = csi_strdup(env->actor != NULL ? env->actor : "", err);
    txn->note = csi_strdup("", err);
    return err->status == CERTSTORE_OK ? csi_steal(&txn) : NULL;
}

const char *csi_txn_id(const csi_txn *txn)
{
    return txn->id;
}

bool csi_txn_committed(const csi_txn *txn)
{
    return txn->phase == CSI_DONE; /* COMMITTED does not outlast the call: what cannot be finished is in doubt */
}

static certstore_status require_new(const csi_txn *txn, certstore_error *err)
{
    if (txn->phase != CSI_NEW)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "transaction: already prepared or over; begin another one");
    return CERTSTORE_OK;
}

certstore_status csi_txn_set_note(csi_txn *txn, const char *note, certstore_error *err)
{
    CSI_TRY(require_new(txn, err));
    char *copy = csi_strdup(note, err);
    if (copy == NULL)
        return err->status;
    free(txn->note);
    txn->note = copy;
    return CERTSTORE_OK;
}

certstore_status csi_txn_set_actor(csi_txn *txn, const char *actor, certstore_error *err)
{
    CSI_TRY(require_new(txn, err));
    char *copy = csi_strdup(actor, err);
    if (copy == NULL)
        return err->status;
    free(txn->actor);
    txn->env.actor = txn->actor = copy;
    return CERTSTORE_OK;
}

certstore_status csi_txn_add(csi_txn *txn, csi_participant *participant, certstore_error *err)
{
    CSI_AUTO(csi_participant) *taken = participant;
    CSI_TRY(require_new(txn, err));
    size_t at = 0;
    while (at < txn->count && strcmp(txn->members[at].participant->key, taken->key) < 0)
        at++;
    if (at < txn->count && strcmp(txn->members[at].participant->key, taken->key) == 0)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "%s: two stores of one transaction share it; use two transactions", taken->location);
    struct csi_member *members = csi_grow(txn->members, &txn->capacity, txn->count + 1, sizeof *members, err);
    if (members == NULL)
        return err->status;
    txn->members = members;
    memmove(members + at + 1, members + at, (txn->count - at) * sizeof *members);
    members[at] = (struct csi_member){ .participant = csi_steal(&taken) };
    txn->count++;
    return CERTSTORE_OK;
}

static void clear_member(struct csi_member *member)
{
    csi_participant_free(member->participant);
    free(member->backup);
}

void csi_txn_drop_store(csi_txn *txn, const char *store)
{
    size_t kept = 0;
    if (txn->phase != CSI_NEW)
        return;
    for (size_t i = 0; i < txn->count; i++) {
        if (strcmp(txn->members[i].participant->store, store) == 0)
            clear_member(&txn->members[i]);
        else
            txn->members[kept++] = txn->members[i];
    }
    txn->count = kept;
}

size_t csi_txn_stores(const csi_txn *txn)
{
    size_t stores = 0;
    for (size_t i = 0; i < txn->count; i++)
        stores += csi_txn_leads_store(txn, i);
    return stores;
}

int64_t csi_txn_generation(const csi_txn *txn, const char *store)
{
    for (size_t i = 0; i < txn->count; i++)
        if (strcmp(txn->members[i].participant->store, store) == 0)
            return txn->members[i].generation;
    return 0;
}

/* ------------------------------------------------------------------------------------------------------------------- locks */

void csi_txn_unlock(csi_txn *txn)
{
    for (size_t i = txn->count; i > 0; i--) {
        struct csi_member *member = &txn->members[i - 1];
        if (member->locked)
            member->participant->kind->unlock(member->participant);
        member->locked = false;
    }
}

/* In order of their keys, so that two transactions never wait for each other. *held_up: the member another transaction's marker was found on. */
static certstore_status lock_each(csi_txn *txn, int64_t deadline, struct csi_member **held_up, certstore_error *err)
{
    for (size_t i = 0; i < txn->count; i++) {
        struct csi_member *member = &txn->members[i];
        certstore_status status = member->participant->kind->lock(member->participant, deadline, err);
        if (status != CERTSTORE_OK) {
            csi_error_about(err, member->participant->store_location);
            csi_txn_unlock(txn);
            *held_up = status == CERTSTORE_E_PENDING && member->participant->pending != NULL ? member : NULL;
            return status;
        }
        member->locked = true;
    }
    return CERTSTORE_OK;
}

certstore_status csi_txn_lock(csi_txn *txn, certstore_error *err)
{
    int64_t deadline = csi_os_deadline(txn->env.os, txn->env.lock_timeout_ms);
    for (int attempt = 0;; attempt++) {
        struct csi_member *held_up = NULL;
        certstore_error refusal = { 0 };
        if (lock_each(txn, deadline, &held_up, &refusal) == CERTSTORE_OK)
            return CERTSTORE_OK;
        if (held_up == NULL || attempt == SETTLE_ATTEMPTS) {
            csi_error_move(err, &refusal);
            return err->status;
        }
        /* No store lock is held here: settling takes the dead transaction's journal first and its stores then, and nobody who holds a store may wait
         * for a journal. */
        CSI_AUTO(csi_chars) *journal = csi_steal(&held_up->participant->pending);
        CSI_TRY(csi_settle(&txn->env, journal, true, false, NULL, err));
    }
}

static certstore_status conflict(const csi_participant *p, certstore_error *err)
{
    return csi_fail(err, CERTSTORE_E_CONFLICT, "%s: somebody else changed it since it was read; read it again", p->location);
}

static certstore_status verify_all(csi_txn *txn, certstore_error *err)
{
    for (size_t i = 0; i < txn->count; i++) {
        csi_participant *p = txn->members[i].participant;
        enum csi_content found = CSI_CONTENT_OTHER;
        certstore_status status = p->kind->verify(p, &found, err);
        if (status == CERTSTORE_OK && found != CSI_CONTENT_OLD)
            status = conflict(p, err);
        csi_error_about(err, p->store_location);
        CSI_TRY(status);
    }
    return CERTSTORE_OK;
}

/* ----------------------------------------------------------------------------------------------------------------- prepare */

static certstore_status stage_all(csi_txn *txn, certstore_error *err)
{
    struct csi_dirs dirs __attribute__((cleanup(csi_dirs_free))) = { 0 };
    bool kept = false;
    for (size_t i = 0; i < txn->count; i++) {
        csi_participant *p = txn->members[i].participant;
        struct csi_stage stage = { .backup = txn->members[i].backup, .journal = txn->journal->path, .light = txn->light };
        certstore_status status = p->kind->stage(p, &stage, &dirs, err);
        csi_error_about(err, p->store_location);
        CSI_TRY(status);
        kept = kept || stage.backup != NULL;
    }
    if (!txn->light || kept)
        CSI_TRY(csi_dirs_add(&dirs, txn->dir, err));
    CSI_TRY(csi_dirs_sync(&dirs, txn->env.os, err));
    CSI_TRY(csi_txn_record(txn, "PREPARED", err));
    /* Recovery of a light transaction looks at the store and never asks how far it came: that line may wait for the next. */
    return txn->light ? CERTSTORE_OK : csi_journal_write(txn->journal, err);
}

static bool stages_early(const csi_txn *txn)
{
    for (size_t i = 0; i < txn->count; i++)
        if (txn->members[i].participant->kind->early)
            return true;
    return false;
}

static certstore_status prepare(csi_txn *txn, certstore_error *err)
{
    CSI_TRY(csi_txn_lock(txn, err));
    txn->phase = CSI_LOCKED;
    CSI_TRY(verify_all(txn, err));
    txn->dir = csi_state_txn_dir(&txn->env, true, err);
    if (txn->dir == NULL)
        return err->status;
    CSI_TRY(csi_txn_number(txn, err));
    CSI_TRY(csi_txn_write_begin(txn, err));
    CSI_TRY(csi_txn_put_rows(txn, err));
    if (stages_early(txn))
        CSI_TRY(csi_journal_sync(txn->journal, err));
    CSI_TRY(stage_all(txn, err));
    txn->phase = CSI_PREPARED;
    return CERTSTORE_OK;
}

static certstore_status check_process(const csi_txn *txn, certstore_error *err)
{
    if (txn->env.os->pid(txn->env.os) != txn->pid)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "transaction: it belongs to the process that began it, not to a forked child; begin another one");
    return CERTSTORE_OK;
}

/* Ends a transaction that came to nothing. What cannot be cleaned up now stays in its journal, for recovery. */
static void take_back(csi_txn *txn)
{
    certstore_error ignored = { 0 };
    size_t conflicts = 0;
    if (txn->journal != NULL)
        csi_txn_undo(txn, false, &conflicts, &ignored);
    csi_txn_unlock(txn);
    csi_journal_free(csi_steal(&txn->journal));
    txn->phase = CSI_REVERTED;
}

certstore_status csi_txn_prepare(csi_txn *txn, certstore_error *err)
{
    CSI_TRY(check_process(txn, err));
    CSI_TRY(require_new(txn, err));
    txn->light = txn->count == 1 && txn->members[0].participant->kind->atomic;
    if (txn->count == 0) {
        txn->phase = CSI_PREPARED;
        return CERTSTORE_OK;
    }
    csi_settle_by_the_way(txn); /* no store is locked yet */
    certstore_status status = prepare(txn, err);
    if (status != CERTSTORE_OK)
        take_back(txn);
    return status;
}

/* ------------------------------------------------------------------------------------------------------------------ commit */

static certstore_status in_doubt(csi_txn *txn, const certstore_error *why, certstore_error *err)
{
    txn->phase = CSI_IN_DOUBT;
    csi_txn_unlock(txn);
    csi_journal_free(csi_steal(&txn->journal));
    csi_fail(err, CERTSTORE_E_IN_DOUBT, "transaction %s: in doubt; run certstore recover (%s)", txn->id, why->message);
    csi_error_set_cause(err, why->cause);
    return err->status;
}

/* COMMIT could not be written or synced, so nobody knows what the disk holds. A fresh journal that ends in ROLLBACK settles it; if not even that can
 * be made durable, recovery goes by what it finds, and either is right: nothing has been promoted. */
static certstore_status withdraw(csi_txn *txn, size_t lines, certstore_error *why, certstore_error *err)
{
    certstore_error again = { 0 };
    CSI_AUTO_RECORD record = { 0 };
    csi_record_put(&record, "type", "ROLLBACK");
    csi_record_put(&record, "why", why->message);
    if (csi_journal_replace(txn->journal, lines, &record, &again) != CERTSTORE_OK)
        return in_doubt(txn, why, err);
    take_back(txn);
    csi_error_move(err, why);
    return err->status;
}

static certstore_status write_commit(csi_txn *txn, certstore_error *err)
{
    certstore_error why = { 0 };
    size_t lines = txn->journal->count;
    CSI_TRY(csi_txn_record(txn, "COMMIT", err));
    if (csi_journal_sync(txn->journal, &why) != CERTSTORE_OK)
        return withdraw(txn, lines, &why, err);
    return CERTSTORE_OK;
}

certstore_status csi_txn_promote(csi_txn *txn, size_t *conflicts, certstore_error *err)
{
    struct csi_dirs dirs __attribute__((cleanup(csi_dirs_free))) = { 0 };
    for (size_t i = 0; i < txn->count; i++) {
        csi_participant *p = txn->members[i].participant;
        certstore_error why = { 0 };
        if (!p->marked && !txn->light) /* the marks were durable before COMMIT: this one is finished already */
            continue;
        certstore_status status = p->kind->promote(p, &dirs, &why);
        csi_error_move(err, &why);
        if (status == CERTSTORE_E_CONFLICT)
            (*conflicts)++;
        else if (status != CERTSTORE_OK)
            return err->status;
    }
    certstore_error why = { 0 };
    certstore_status status = csi_dirs_sync(&dirs, txn->env.os, &why);
    if (status != CERTSTORE_OK)
        csi_error_move(err, &why);
    return status;
}

/* The look before it failed: nothing was done. The rename or its sync failed: is it done? Looking tells. */
static certstore_status light_failed(csi_txn *txn, const certstore_error *why, certstore_error *err)
{
    csi_participant *p = txn->members[0].participant;
    certstore_error blind = { 0 };
    enum csi_content found = CSI_CONTENT_OTHER;
    if (p->stepped && (p->kind->verify(p, &found, &blind) != CERTSTORE_OK || found == CSI_CONTENT_NEW))
        return in_doubt(txn, why, err);
    take_back(txn);
    if (why->status == CERTSTORE_E_CONFLICT)
        conflict(p, err);
    csi_error_move(err, why);
    csi_error_about(err, p->store_location);
    return err->status;
}

/* Backups that others made since the look through the state directory are theirs to clear away. */
static void retain(csi_txn *txn)
{
    certstore_error none = { 0 };
    if (!txn->looked && csi_state_names(txn->env.os, txn->dir, &txn->names, &none) != CERTSTORE_OK)
        return;
    for (size_t i = 0; i < txn->count; i++)
        if (csi_txn_leads_store(txn, i))
            csi_state_retain(txn->env.os, txn->dir, &txn->names, txn->members[i].participant->store, txn->members[i].generation,
                             txn->env.generations);
}

certstore_status csi_txn_finish(csi_txn *txn, size_t conflicts, certstore_error *err)
{
    for (size_t i = 0; i < txn->count; i++)
        CSI_TRY(txn->members[i].participant->kind->finish(txn->members[i].participant, err));
    CSI_AUTO(csi_chars) *done = csi_state_journal(txn->dir, txn->id, true, err);
    if (done == NULL)
        return err->status;
    CSI_AUTO_RECORD record = { 0 };
    csi_record_put(&record, "type", "DONE");
    csi_record_put_int(&record, "conflicts", (int64_t)conflicts);
    /* DONE must be durable before the next transaction may change these stores: an unfinished journal that a power failure brings back would find
     * them neither old nor new. A light one may come back: it then has nothing to do. When it cannot be written the new name says the same. */
    certstore_error unwritten = { 0 };
    if (csi_txn_record(txn, "APPLIED", &unwritten) == CERTSTORE_OK && csi_journal_add(txn->journal, &record, &unwritten) == CERTSTORE_OK) {
        if (txn->light)
            csi_journal_write(txn->journal, &unwritten);
        else
            csi_journal_sync(txn->journal, &unwritten);
    }
    int status = txn->env.os->rename(txn->env.os, AT_FDCWD, txn->journal->path, AT_FDCWD, done, 0);
    if (status < 0)
        return csi_fail_errno(err, -status, "journal %s: cannot be closed; see the cause", txn->journal->path);
    if (unwritten.status != CERTSTORE_OK && !txn->light)
        csi_os_sync_dir(txn->env.os, AT_FDCWD, txn->dir);
    retain(txn);
    return CERTSTORE_OK;
}

/* From the commit point on: the answer is OK or IN_DOUBT. */
static certstore_status carry_out(csi_txn *txn, certstore_error *err)
{
    certstore_error why = { 0 };
    size_t conflicts = 0;
    certstore_status status = csi_txn_promote(txn, &conflicts, &why);
    if (txn->light && why.status != CERTSTORE_OK)
        return light_failed(txn, &why, err);
    if (status != CERTSTORE_OK || conflicts > 0)
        return in_doubt(txn, &why, err);
    txn->phase = CSI_COMMITTED;
    if (csi_txn_finish(txn, 0, &why) != CERTSTORE_OK)
        return in_doubt(txn, &why, err);
    csi_txn_unlock(txn);
    csi_journal_free(csi_steal(&txn->journal));
    txn->phase = CSI_DONE;
    return CERTSTORE_OK;
}

certstore_status csi_txn_commit(csi_txn *txn, certstore_error *err)
{
    CSI_TRY(check_process(txn, err));
    if (txn->phase != CSI_PREPARED)
        CSI_TRY(csi_txn_prepare(txn, err));
    if (txn->count == 0) {
        txn->phase = CSI_DONE;
        return CERTSTORE_OK;
    }
    if (txn->light) /* whose promotion looks right before its one step, which is the commit point */
        return carry_out(txn, err);
    certstore_status status = verify_all(txn, err);
    if (status != CERTSTORE_OK) {
        take_back(txn);
        return status;
    }
    CSI_TRY(write_commit(txn, err));
    return carry_out(txn, err);
}

/* -------------------------------------------------------------------------------------------------------------------- undo */

static certstore_status revert_all(csi_txn *txn, size_t *conflicts, certstore_error *err)
{
    struct csi_dirs dirs __attribute__((cleanup(csi_dirs_free))) = { 0 };
    for (size_t i = 0; i < txn->count; i++) {
        csi_participant *p = txn->members[i].participant;
        certstore_error why = { 0 };
        if (!p->marked) /* never begun here, or already taken back */
            continue;
        certstore_status status = p->kind->revert(p, txn->members[i].backup, &dirs, &why);
        if (status == CERTSTORE_E_CONFLICT)
            (*conflicts)++;
        else if (status != CERTSTORE_OK) {
            csi_error_move(err, &why);
            return status;
        }
    }
    return csi_dirs_sync(&dirs, txn->env.os, err);
}

/* The row of that generation is a later transaction's, and so are the bytes that were kept before it. */
static bool is_taken_over(const csi_txn *txn, const char *row)
{
    CSI_AUTO(csi_chars) *text = NULL;
    return csi_os_readlink(txn->env.os, AT_FDCWD, row, &text) == 0 && strncmp(text, txn->id, CSI_ID_TEXT) != 0;
}

static certstore_status remove_traces(csi_txn *txn, certstore_error *err)
{
    for (size_t i = 0; i < txn->count; i++) {
        const struct csi_member *member = &txn->members[i];
        CSI_AUTO(csi_chars) *row = csi_state_row_path(txn->dir, member->participant->store, member->generation, err);
        if (row == NULL)
            return err->status;
        if (is_taken_over(txn, row))
            continue;
        int status = member->backup != NULL ? txn->env.os->unlink(txn->env.os, AT_FDCWD, member->backup, 0) : 0;
        if (status == 0 || status == -ENOENT)
            status = txn->env.os->unlink(txn->env.os, AT_FDCWD, row, 0);
        if (status < 0 && status != -ENOENT)
            return csi_fail_errno(err, -status, "state directory %s: cannot be cleaned up; see the cause", txn->dir);
    }
    return CERTSTORE_OK;
}

static certstore_status end_journal(csi_txn *txn, bool keep_history, certstore_error *err)
{
    const struct csi_os *os = txn->env.os;
    int status = 0;
    if (keep_history) {
        CSI_AUTO(csi_chars) *done = csi_state_journal(txn->dir, txn->id, true, err);
        if (done == NULL)
            return err->status;
        CSI_TRY(csi_txn_record(txn, "ABORTED", err));
        CSI_TRY(csi_journal_write(txn->journal, err));
        status = os->rename(os, AT_FDCWD, txn->journal->path, AT_FDCWD, done, 0);
    } else {
        status = os->unlink(os, AT_FDCWD, txn->journal->path, 0);
    }
    return status < 0 ? csi_fail_errno(err, -status, "journal %s: cannot be closed; see the cause", txn->journal->path) : CERTSTORE_OK;
}

certstore_status csi_txn_undo(csi_txn *txn, bool keep_history, size_t *conflicts, certstore_error *err)
{
    CSI_TRY(revert_all(txn, conflicts, err));
    for (size_t i = 0; i < txn->count; i++)
        CSI_TRY(txn->members[i].participant->kind->finish(txn->members[i].participant, err));
    CSI_TRY(remove_traces(txn, err));
    return end_journal(txn, keep_history, err);
}

void csi_txn_free(csi_txn *txn)
{
    if (txn == NULL)
        return;
    bool ours = txn->env.os->pid(txn->env.os) == txn->pid;
    if (ours && txn->phase == CSI_PREPARED) /* a prepare that fails has taken everything back itself */
        take_back(txn);
    for (size_t i = 0; i < txn->count; i++) /* no unlocking here: in a child that would drop its parent's locks */
        clear_member(&txn->members[i]);
    free(txn->members);
    csi_journal_free(txn->journal);
    csi_names_free(&txn->names);
    free(txn->state_dir);
    free(txn->actor);
    free(txn->note);
    free(txn->dir);
    free(txn);
}
