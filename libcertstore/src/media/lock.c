/* SPDX-License-Identifier: Apache-2.0 */
/* lock.c: lock, then look whether the name still is what was locked: its last holder removes the file. */
#include "media/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

enum { REMOVED_MAX = 1000 }; /* how often a holder may remove the file under our hands before that counts as held */

static bool still_there(const struct csi_lock *lock)
{
    struct stat held;
    struct stat named;
    return csi_os_fstat(lock->os, lock->fd, &held) == 0 && lock->os->stat(lock->os, lock->dir, lock->name, AT_SYMLINK_NOFOLLOW, &named) == 0 &&
           held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

/* What the holder wrote into the file, for the message only. */
static void read_holder(const struct csi_lock *lock, char *holder, size_t room)
{
    ssize_t got = lock->os->pread(lock->os, lock->fd, holder, room - 1, 0);
    holder[got > 0 ? got : 0] = '\0';
    holder[strspn(holder, "0123456789")] = '\0';
}

static certstore_status refuse(const struct csi_lock *lock, const char *about, certstore_error *err)
{
    char holder[16];
    read_holder(lock, holder, sizeof holder);
    if (holder[0] == '\0')
        return csi_fail(err, CERTSTORE_E_LOCKED, "%s: another transaction holds it; try again later", about);
    return csi_fail(err, CERTSTORE_E_LOCKED, "%s: a transaction of process %s holds it; try again later", about, holder);
}

static certstore_status cannot(const char *about, int number, certstore_error *err)
{
    if (number == -EACCES || number == -EROFS || number == -EPERM) {
        csi_fail(err, CERTSTORE_E_READ_ONLY, "%s: its directory cannot be written to; run as a user who may", about);
        char text[128];
        csi_error_set_cause(err, strerror_r(-number, text, sizeof text));
        return err->status;
    }
    return csi_fail_errno(err, -number, "%s: cannot be locked; see the cause", about);
}

/* One attempt: CERTSTORE_OK with the lock, or -EAGAIN in *number to try again. */
static certstore_status attempt(struct csi_lock *lock, const char *about, int *number, certstore_error *err)
{
    *number = 0;
    lock->fd = csi_os_open(lock->os, lock->dir, lock->name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (lock->fd < 0)
        return cannot(about, lock->fd, err);
    *number = lock->os->lock(lock->os, lock->fd, true);
    if (*number == 0 && !still_there(lock))
        *number = -ESTALE; /* its last holder removed it meanwhile: take the next one, without waiting */
    if (*number == 0 || *number == -EAGAIN || *number == -ESTALE)
        return CERTSTORE_OK;
    return cannot(about, *number, err);
}

certstore_status csi_lock_take(struct csi_lock *lock, const struct csi_os *os, int dir, const char *name, const char *about, int64_t deadline,
                               certstore_error *err)
{
    *lock = (struct csi_lock){ .os = os, .dir = dir, .fd = -1, .name = csi_strdup(name, err) };
    if (lock->name == NULL)
        return err->status;
    for (unsigned tries = 0;; tries++) {
        int number = 0;
        certstore_status status = attempt(lock, about, &number, err);
        if (status == CERTSTORE_OK && number == 0)
            break;
        if (status == CERTSTORE_OK && (number == -EAGAIN ? !csi_os_wait(os, deadline, tries) : tries >= REMOVED_MAX))
            status = refuse(lock, about, err);
        csi_lock_forget(lock);
        if (status != CERTSTORE_OK)
            return status;
        lock->name = csi_strdup(name, err);
        if (lock->name == NULL)
            return err->status;
    }
    char pid[16];
    int size = snprintf(pid, sizeof pid, "%ld\n", (long)os->pid(os));
    csi_os_write_all(os, lock->fd, csi_span(pid, (size_t)size), 0); /* for others' messages; a lock without it is a lock */
    return CERTSTORE_OK;
}

void csi_lock_forget(struct csi_lock *lock)
{
    struct csi_fd fd = { lock->os, lock->fd };
    if (lock->os != NULL)
        csi_fd_close(&fd);
    free(lock->name);
    *lock = (struct csi_lock){ .os = lock->os, .dir = lock->dir, .fd = -1 };
}

void csi_lock_release(struct csi_lock *lock)
{
    if (lock->os != NULL && lock->fd >= 0)
        lock->os->unlink(lock->os, lock->dir, lock->name, 0);
    csi_lock_forget(lock);
}
