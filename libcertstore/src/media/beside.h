/* SPDX-License-Identifier: Apache-2.0 */
/*
 * beside.h: what we keep in the directory of a target while a transaction is under way, under names made from its own:
 *
 *     .NAME.certstore-lock    the lock file
 *     .NAME.certstore-new     the staged content (a directory's old content, once it was exchanged)
 *     .NAME.certstore         the marker: a symlink to the journal, by which any opener with any state directory sees a transaction that is pending
 *
 * The names are fixed, so that what a crash left is known for what it is.
 */
#ifndef CSI_BESIDE_H
#define CSI_BESIDE_H

#include "media/lock.h"
#include "txn/participant.h"

struct csi_beside {
    const struct csi_os *os;
    char *dir; /* canonical */
    char *name;
    char *staged; /* names in dir */
    char *marker;
    char *lock_name;
    int fd; /* of dir; -1 until csi_beside_open() */
    struct csi_lock lock;
};
certstore_status csi_beside_init(struct csi_beside *beside, const struct csi_os *os, const char *location, certstore_error *err);
void csi_beside_clear(struct csi_beside *beside); /* without unlocking: see csi_lock_forget() */
certstore_status csi_beside_open(struct csi_beside *beside, certstore_error *err);

/* Opens the directory, takes the lock, looks for a marker: another's is CERTSTORE_E_PENDING with *pending set and nothing locked; one that leads
 * nowhere is removed. own: the journal that is being settled, or NULL; *marked: its marker is here. */
certstore_status csi_beside_lock(struct csi_beside *beside, const char *own, int64_t deadline, bool *marked, char **pending, certstore_error *err);
void csi_beside_unlock(struct csi_beside *beside);

/* The journal a marker names; *journal NULL when there is none. */
certstore_status csi_marker_read(const struct csi_beside *beside, char **journal, certstore_error *err);
/* True if the journal is certainly over: its directory is there and it is not in it. */
bool csi_marker_is_stale(const struct csi_os *os, const char *journal);
certstore_status csi_marker_put(const struct csi_beside *beside, const char *journal, certstore_error *err);
/* Removes it if it names this journal (by its last component: a state directory may be spelt in more than one way). */
certstore_status csi_marker_remove(const struct csi_beside *beside, const char *journal, certstore_error *err);
bool csi_same_journal(const char *a, const char *b);

/* Can a rename replace this target? Refused with advice here, while everything can still be refused: bind mounts, immutable files, append-only and
 * sticky directories. *target: what it is now; no links where it is not there. */
certstore_status csi_beside_check_target(const struct csi_beside *beside, const char *location, struct stat *target, certstore_error *err);

#endif
