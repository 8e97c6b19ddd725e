/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.h: one commit over any number of participants. Knows no format, path, token or password. docs/internals/transactions.md tells the
 * story; engine.c opens with the states and the invariants.
 */
#ifndef CSI_ENGINE_H
#define CSI_ENGINE_H

#include "model/report.h"
#include "txn/participant.h"

/* What a transaction, a recovery and a history are carried out with. Plain values; whoever fills it keeps what it points to. */
struct csi_txn_env {
    const struct csi_os *os;
    const char *state_dir;                           /* absolute; made when it is first needed */
    const struct csi_participant_kind *const *kinds; /* those that recovery can bring back; NULL-terminated */
    void *world;                                     /* for kinds whose places need finding (memory, tests); files use none */
    const char *actor;                               /* who the history names */
    int lock_timeout_ms;
    int generations; /* how many earlier contents of each store to keep; 0: none */
};

typedef struct csi_txn csi_txn;

/* Nothing touches a disk before prepare. */
csi_txn *csi_txn_begin(const struct csi_txn_env *env, certstore_error *err);
/* Frees it; one that was not committed is rolled back first. In a forked child it only frees memory. */
void csi_txn_free(csi_txn *txn);
CSI_DEFINE_AUTO(csi_txn, csi_txn_free)
const char *csi_txn_id(const csi_txn *txn); /* 32 hexadecimal digits */
/* In place of the environment's; both only before it is prepared. */
certstore_status csi_txn_set_actor(csi_txn *txn, const char *actor, certstore_error *err);
certstore_status csi_txn_set_note(csi_txn *txn, const char *note, certstore_error *err);
/* Takes the participant, also when it fails. CERTSTORE_E_ARGUMENT when another one stands for the same location. */
certstore_status csi_txn_add(csi_txn *txn, csi_participant *participant, certstore_error *err);
/* Takes the participants of one store (its key) out again: a later replace takes the place of an earlier one. */
void csi_txn_drop_store(csi_txn *txn, const char *store);
/* How many stores would change, or have been changed. */
size_t csi_txn_stores(const csi_txn *txn);
/* Locks, checks, stages. On failure everything is as it was, and the transaction is over. */
certstore_status csi_txn_prepare(csi_txn *txn, certstore_error *err);
/* Prepares where that has not been done, then all or none. CERTSTORE_E_IN_DOUBT is the one failure after which something may have changed; the
 * transaction is then recovery's. */
certstore_status csi_txn_commit(csi_txn *txn, certstore_error *err);
bool csi_txn_committed(const csi_txn *txn);
/* The number that prepare gave to the store's new content; 0 when nothing of that store is in the transaction. */
int64_t csi_txn_generation(const csi_txn *txn, const char *store);

/* Settles what crashes left in the state directory: one row a transaction (and one for each store that cannot be settled).
 *   recovered-forward  INFO     the transaction is complete: every store is new
 *   recovered-back     INFO     it had not been committed: every store is old
 *   active             INFO     its process is alive: left alone
 *   stale-removed      INFO     leftovers of no consequence were removed
 *   in-doubt           FAULT    a store that somebody else has changed since was left as it is
 *   blocked            FAULT    cannot be settled now (no rights, a damaged journal, a store out of reach); nothing was touched
 * NULL only when not even looking was possible. */
certstore_report *csi_recover(const struct csi_txn_env *env, certstore_error *err);
/* What is pending in the state directory, without touching it: rows "pending" (WARNING) and "active" (INFO). */
certstore_report *csi_pending(const struct csi_txn_env *env, certstore_error *err);

#endif
