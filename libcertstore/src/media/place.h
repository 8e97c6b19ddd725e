/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place.h: where a store's bytes live on disk, as the API floor uses it: one file, two files that belong together, or a hashed directory.
 *
 *     place = csi_place_open(env, paths, 1, false, err)           resolves symlinks, settles what a crash left pending
 *     csi_place_read(place, limits, &parts, &snapshot, err)       parts for the codec; the snapshot goes into the bundle
 *     csi_place_replace(txn, place, snapshot, wanted, err)        participants for what differs; nothing differs: nothing happens
 */
#ifndef CSI_PLACE_H
#define CSI_PLACE_H

#include "codec/codec.h"
#include "p11/token.h"
#include "txn/engine.h"

/* "file", "directory" and "token": what env->kinds should point to. */
extern const struct csi_participant_kind *const csi_place_kinds[];

typedef struct csi_place csi_place;

/* What a place looked like when it was read. Immutable, shared by count. */
typedef struct csi_snapshot csi_snapshot;
csi_snapshot *csi_snapshot_ref(const csi_snapshot *snapshot);
void csi_snapshot_free(csi_snapshot *snapshot); /* drops one reference */
CSI_DEFINE_AUTO(csi_snapshot, csi_snapshot_free)
/* True if the snapshot was taken of that place (the same paths), not of another. */
bool csi_snapshot_of(const csi_snapshot *snapshot, const csi_place *place);

/* paths: one or two file names, or one directory name. They need not exist, their parent directory must. env and what it points to are
 * copied (os, kinds and world by pointer). Fails with CERTSTORE_E_PENDING when a crashed transaction holds the place and cannot be settled from here.
 */
csi_place *csi_place_open(const struct csi_txn_env *env, const char *const *paths, size_t count, bool directory, certstore_error *err);
/* The same for a token, of which a reference is taken. */
csi_place *csi_place_open_token(const struct csi_txn_env *env, csi_p11 *token, const struct csi_limits *limits, certstore_error *err);
/* What env->world points to where tokens may have to be recovered: those that are open, and may be logged in. */
struct csi_token_list {
    csi_p11 **items; /* borrowed */
    size_t count;
    size_t capacity;
};
void csi_place_free(csi_place *place);
CSI_DEFINE_AUTO(csi_place, csi_place_free)
const struct csi_txn_env *csi_place_env(const csi_place *place);
bool csi_place_exists(const csi_place *place);
/* True for an existing directory: how a bare path is told apart. Follows symlinks. */
bool csi_path_is_directory(const struct csi_os *os, const char *path);
/* The first bytes of a file, for recognising its format; CERTSTORE_E_NOT_FOUND when there is none. */
csi_blob *csi_path_peek(const struct csi_os *os, const char *path, size_t size, certstore_error *err);

/* Whole content. A place that does not exist: no parts, and a snapshot that says so. Never half of a transaction that is being carried out: waits for
 * one, up to the lock time limit. Part names: "" and "key" for files; file names for a directory, symlinks followed. */
certstore_status csi_place_read(csi_place *place, const struct csi_limits *limits, csi_parts **parts, csi_snapshot **snapshot, certstore_error *err);
/* True if the place is certainly still what the snapshot shows: one stat a file. */
bool csi_place_unchanged(const csi_place *place, const csi_snapshot *snapshot);

/* What becomes of keys that a token holds and that are not wanted: media/tokenplan.h. */
enum csi_key_fate {
    CSI_KEYS_REFUSE, /* a key that another one of its label takes the place of stays; one that is simply left out is a refusal */
    CSI_KEYS_KEEP,   /* keys that are not wanted stay: going back to an earlier generation must not destroy */
    CSI_KEYS_DESTROY /* they are destroyed: the caller said so */
};

/* The place shall hold these parts. Adds one participant for each file that differs (none if nothing does) in place of what was asked for this place
 * before. private_bytes: a file that has to be made gets mode 0600, not 0644 less the umask. */
certstore_status csi_place_replace(csi_txn *txn, csi_place *place, const csi_snapshot *snapshot, const csi_parts *wanted, bool private_bytes,
                                   enum csi_key_fate fate, certstore_error *err);

/* ------------------------------------------------------------------------------------------------------------ generations */

struct csi_generation {
    int64_t number;
    int64_t time; /* seconds since 1970 */
    char *actor;
    char *note;
    char *txn;                        /* "" for content that did not come from a transaction */
    char sha256[CSI_DIGEST_TEXT + 1]; /* "" where the store did not exist */
    bool kept;
};
/* Oldest first; the last one is what the store holds now. */
struct certstore_history {
    struct csi_generation *rows;
    size_t count;
    size_t capacity;
};
CSI_DEFINE_AUTO(certstore_history, certstore_history_free)
/* certstore_history_free() is defined in media/history.c; the other accessors are the API's. */
certstore_history *csi_place_history(csi_place *place, certstore_error *err);
/* The number of what the store holds now; 0 while no transaction has touched it. */
certstore_status csi_place_generation(csi_place *place, int64_t *number, certstore_error *err);
/* The number that a transaction's commit gave to what it put there; 0: it put nothing there, or is not committed. */
int64_t csi_place_generation_made(const csi_place *place, const csi_txn *txn);
/* The parts of a generation; CERTSTORE_E_NOT_FOUND when there is no such one or its bytes are not kept. A generation in which the store did not exist
 * has no parts. */
csi_parts *csi_place_generation_parts(csi_place *place, int64_t number, certstore_error *err);

/* --------------------------------------------------------------------------------------------------------------- recovery */

/* Settles what is pending on this place, whichever state directory it was begun in, and removes what a crash left beside it. Rows as csi_recover().
 */
certstore_report *csi_place_recover(csi_place *place, certstore_error *err);

/* The lock of a token's place: while it is held no transaction of ours touches the token. CERTSTORE_E_PENDING: one that a crash cut short does. */
certstore_status csi_token_hold(csi_place *place, certstore_error *err);
void csi_token_release(csi_place *place);

/* A PIN from RFC 7512's pin-source: "file:/PATH" or "/PATH", the first line. NULL without an error when source is NULL. */
csi_secret *csi_token_pin_from(const struct csi_os *os, const char *source, certstore_error *err);

/* $CERTSTORE_STATE_DIR, /var/lib/certstore for root, $XDG_STATE_HOME/certstore, ~/.local/state/certstore; absolute. */
char *csi_default_state_dir(const struct csi_os *os, certstore_error *err);

#endif
