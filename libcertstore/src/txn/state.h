/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.h: the state directory. ONE flat directory, STATE/txn (0700), so that one sync makes a transaction's journal, its backups and its rows of
 * history durable together:
 *
 *     ID.open              the journal of an open transaction; its lock says whether its process lives
 *     ID.done              the journal of one that is over: the audit trail
 *     STORE.N              a symlink, the row of history of generation N: its text is ID:DIGEST0:DIGEST1: ("-" for a part that did not exist or
 *                          is none of the store's), with "light" at the end of a light transaction's. Metadata only, so it is durable even where a
 *                          light transaction's journal is not.
 *     ID.plan-KEY          what a participant whose steps are many (a token) needs to go on or back; KEY is the first 16 digits of its own
 *     STORE.N.P.old        the bytes of part P in generation N, kept by the transaction that replaced them
 *
 * ID is 32 hexadecimal digits of chance, STORE the first 32 of the SHA-256 of the store's location.
 */
#ifndef CSI_STATE_H
#define CSI_STATE_H

#include "txn/engine.h"

enum { CSI_ID_TEXT = 32 };

struct csi_row {
    int64_t generation;
    char txn[CSI_ID_TEXT + 1];
    bool light; /* the transaction's journal may have been lost in a power failure although it was carried out */
    struct csi_content_digests content;
};
struct csi_rows {
    struct csi_row *items; /* by generation */
    size_t count;
    size_t capacity;
};
void csi_rows_free(struct csi_rows *rows);
#define CSI_AUTO_ROWS __attribute__((cleanup(csi_rows_free))) struct csi_rows

/* STATE/txn as a path, the caller's. With make: creates it (and its parents, durably) when it is not there. */
char *csi_state_txn_dir(const struct csi_txn_env *env, bool make, certstore_error *err);
/* DIR/ID.open, DIR/ID.done. */
char *csi_state_journal(const char *dir, const char *id, bool done, certstore_error *err);
char *csi_state_row_path(const char *dir, const char *store, int64_t generation, certstore_error *err);
char *csi_state_backup_path(const char *dir, const char *store, int64_t generation, int part, certstore_error *err);
/* The names in STATE/txn; none when there is no such directory. */
certstore_status csi_state_names(const struct csi_os *os, const char *dir, struct csi_names *names, certstore_error *err);
/* Those of them that are wanted: a history may be long. */
certstore_status csi_state_names_if(const struct csi_os *os, const char *dir, bool (*wanted)(const char *name, void *context), void *context,
                                    struct csi_names *names, certstore_error *err);
/* "STORE.N" and nothing behind it. */
bool csi_state_row_number(const char *name, const char *store, int64_t *generation);
/* "STORE.N.P.old". */
bool csi_state_backup_number(const char *name, const char *store, int64_t *generation);
/* The rows of a store, oldest first, of which only the generation is filled in; what they say is read one at a time, where it is needed. */
certstore_status csi_state_numbers(const struct csi_names *names, const char *store, struct csi_rows *rows, certstore_error *err);
/* Fills in the row of row->generation; *there: false when its transaction was just taken back. */
certstore_status csi_state_read_row(const struct csi_os *os, const char *dir, const char *store, struct csi_row *row, bool *there,
                                    certstore_error *err);
/* The rows of a store, oldest first, read. */
certstore_status csi_state_rows(const struct csi_os *os, const char *dir, const struct csi_names *names, const char *store, struct csi_rows *rows,
                                certstore_error *err);
certstore_status csi_state_put_row(const struct csi_os *os, const char *dir, const char *store, const struct csi_row *row, certstore_error *err);
/* Clears away what a transaction without a (whole) journal left: its rows, and the backups made with them. A light one may have been carried out all
 * the same: then its backup is the only name of the old bytes, and both stay. */
void csi_state_forget(const struct csi_os *os, const char *dir, const char *id);
/* Unlinks those of the named backups of a store that are older than the newest `keep` ones before generation `current`. */
void csi_state_retain(const struct csi_os *os, const char *dir, const struct csi_names *names, const char *store, int64_t current, int keep);

#endif
