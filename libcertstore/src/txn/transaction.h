/* SPDX-License-Identifier: Apache-2.0 */
/* transaction.h: what engine.c and recover.c share: a transaction, whether it is being carried out or was found in a journal. */
#ifndef CSI_TRANSACTION_H
#define CSI_TRANSACTION_H

#include "txn/journal.h"
#include "txn/state.h"

enum csi_phase { CSI_NEW, CSI_LOCKED, CSI_PREPARED, CSI_COMMITTED, CSI_DONE, CSI_REVERTED, CSI_IN_DOUBT };

struct csi_member {
    csi_participant *participant;
    int64_t old_generation;
    int64_t generation; /* what the store's content becomes */
    char *backup;       /* where the old bytes are kept; NULL: nowhere */
    bool locked;
    int64_t seen; /* the highest row of its store that one look through STATE/txn has come upon so far */
};

struct csi_txn {
    struct csi_txn_env env; /* state_dir and actor are copies */
    char *state_dir;
    char *actor;
    char *note;
    char id[CSI_ID_TEXT + 1];
    pid_t pid; /* a forked child must not finish its parent's transaction */
    enum csi_phase phase;
    bool light;                 /* one participant whose promotion is its own commit point: no COMMIT record, no marker */
    struct csi_member *members; /* in order of their locks */
    size_t count;
    size_t capacity;
    char *dir; /* STATE/txn */
    /* What one look through STATE/txn found before the stores were locked: open journals, plans, and these stores' backups.
     * History is never pruned: nothing else of it is kept, and it is not looked through again. */
    struct csi_names names;
    bool looked;
    csi_journal *journal;
};

/* True for the first member of each store. */
bool csi_txn_leads_store(const csi_txn *txn, size_t index);
/* begin.c: generation numbers and backup paths; the journal with BEGIN and participants, handed to the system; a row for each store. */
certstore_status csi_txn_number(csi_txn *txn, certstore_error *err);
certstore_status csi_txn_write_begin(csi_txn *txn, certstore_error *err);
certstore_status csi_txn_put_rows(csi_txn *txn, certstore_error *err);
/* Adds a record that is only its type. */
certstore_status csi_txn_record(csi_txn *txn, const char *type, certstore_error *err);

/* Locks every member in order; settles what a crash left on one of them first. */
certstore_status csi_txn_lock(csi_txn *txn, certstore_error *err);
void csi_txn_unlock(csi_txn *txn);
/* Promotes every member and makes that durable. Conflicts are counted and passed over, any other failure stops. err takes the first of either; the
 * status is CERTSTORE_OK when nothing but conflicts happened. */
certstore_status csi_txn_promote(csi_txn *txn, size_t *conflicts, certstore_error *err);
/* Removes staging names; records the end, durably unless light; the journal becomes history; old generations go. */
certstore_status csi_txn_finish(csi_txn *txn, size_t conflicts, certstore_error *err);
/* Everything back as it was: no staging names, no backups, no rows, no journal (kept as history: one that says ABORTED). */
certstore_status csi_txn_undo(csi_txn *txn, bool keep_history, size_t *conflicts, certstore_error *err);

/* Settles one journal whose process is dead. patient: waits for live ones (until the lock time limit), then CERTSTORE_E_LOCKED. explicit_call:
 * closes a committed transaction although a store of it was changed by somebody else (and says so); otherwise that is CERTSTORE_E_IN_DOUBT. report
 * may be NULL. */
certstore_status csi_settle(const struct csi_txn_env *env, const char *journal_path, bool patient, bool explicit_call, certstore_report *report,
                            certstore_error *err);
/* What every transaction does before it begins: looks through the state directory once, settles what it can of what it finds, waits for nothing, and
 * is content with what it cannot. */
void csi_settle_by_the_way(csi_txn *txn);
/* Clears away rows that lost their journals to a power failure: of each store from the newest back as far as they are lost, or every one. */
void csi_clear_lost_rows(const struct csi_txn_env *env, const char *dir, const struct csi_names *names, bool every_row);

#endif
