/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock.h: who may commit to a place: an open-file-description lock on `.NAME.certstore-lock` beside it. The kernel drops it with its owner; a lock
 * file that exists means nothing. It lies beside the target and not in a state directory, so that users of different state directories meet.
 */
#ifndef CSI_LOCK_H
#define CSI_LOCK_H

#include "base/os.h"

struct csi_lock {
    const struct csi_os *os;
    int dir; /* borrowed */
    char *name;
    int fd; /* -1: not held */
};

/* dir: a descriptor of the directory. about: whose lock it is, for messages. */
certstore_status csi_lock_take(struct csi_lock *lock, const struct csi_os *os, int dir, const char *name, const char *about, int64_t deadline,
                               certstore_error *err);
/* Removes the lock file, then drops the lock: nothing is left behind. */
void csi_lock_release(struct csi_lock *lock);
/* Closes the descriptor and no more: what a forked child does, whose parent still holds the lock. */
void csi_lock_forget(struct csi_lock *lock);

#endif
