/* SPDX-License-Identifier: Apache-2.0 */
/* beside.c: lock, marker and staging names beside a target. */
#include "media/beside.h"

#include <errno.h>
#include <fcntl.h>

#include "media/path.h"

certstore_status csi_beside_init(struct csi_beside *beside, const struct csi_os *os, const char *location, certstore_error *err)
{
    *beside = (struct csi_beside){ .os = os, .fd = -1, .lock = { .fd = -1 } };
    CSI_TRY(csi_path_split(location, &beside->dir, &beside->name, err));
    beside->staged = csi_format(err, ".%s.certstore-new", beside->name);
    beside->marker = csi_format(err, ".%s.certstore", beside->name);
    beside->lock_name = csi_format(err, ".%s.certstore-lock", beside->name);
    return err->status;
}

void csi_beside_clear(struct csi_beside *beside)
{
    csi_lock_forget(&beside->lock);
    struct csi_fd fd = { beside->os, beside->fd };
    if (beside->os != NULL)
        csi_fd_close(&fd);
    free(beside->dir);
    free(beside->name);
    free(beside->staged);
    free(beside->marker);
    free(beside->lock_name);
}

certstore_status csi_beside_open(struct csi_beside *beside, certstore_error *err)
{
    if (beside->fd >= 0)
        return CERTSTORE_OK;
    beside->fd = csi_os_open(beside->os, AT_FDCWD, beside->dir, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
    if (beside->fd == -ENOENT)
        return csi_fail_errno(err, ENOENT, "%s: there is no such directory; make it first", beside->dir);
    return beside->fd < 0 ? csi_fail_errno(err, -beside->fd, "%s: the directory cannot be opened; see the cause", beside->dir) : CERTSTORE_OK;
}

/* ------------------------------------------------------------------------------------------------------------------ marker */

certstore_status csi_marker_read(const struct csi_beside *beside, char **journal, certstore_error *err)
{
    *journal = NULL;
    int status = csi_os_readlink(beside->os, beside->fd, beside->marker, journal);
    if (status == 0 || status == -ENOENT || status == -EINVAL) /* not a symlink: somebody's file of that name, none of ours */
        return CERTSTORE_OK;
    return csi_fail_errno(err, -status, "%s/%s: cannot be looked at; see the cause", beside->dir, beside->name);
}

bool csi_marker_is_stale(const struct csi_os *os, const char *journal)
{
    struct stat st;
    const char *slash = strrchr(journal, '/');
    if (journal[0] != '/' || slash == journal || os->stat(os, AT_FDCWD, journal, AT_SYMLINK_NOFOLLOW, &st) != -ENOENT)
        return false;
    certstore_error none = { 0 };
    CSI_AUTO(csi_chars) *dir = csi_strndup(journal, (size_t)(slash - journal), &none);
    return dir != NULL && os->stat(os, AT_FDCWD, dir, 0, &st) == 0;
}

bool csi_same_journal(const char *a, const char *b)
{
    const char *left = strrchr(a, '/');
    const char *right = strrchr(b, '/');
    return strcmp(left != NULL ? left : a, right != NULL ? right : b) == 0;
}

certstore_status csi_marker_put(const struct csi_beside *beside, const char *journal, certstore_error *err)
{
    int status = beside->os->symlink(beside->os, journal, beside->fd, beside->marker);
    return status < 0 ? csi_fail_errno(err, -status, "%s/%s: cannot be made; see the cause", beside->dir, beside->marker) : CERTSTORE_OK;
}

certstore_status csi_marker_remove(const struct csi_beside *beside, const char *journal, certstore_error *err)
{
    CSI_AUTO(csi_chars) *found = NULL;
    CSI_TRY(csi_marker_read(beside, &found, err));
    if (found == NULL || !csi_same_journal(found, journal))
        return CERTSTORE_OK;
    int status = beside->os->unlink(beside->os, beside->fd, beside->marker, 0);
    return status < 0 && status != -ENOENT ? csi_fail_errno(err, -status, "%s/%s: cannot be removed; see the cause", beside->dir, beside->marker)
                                           : CERTSTORE_OK;
}

/* -------------------------------------------------------------------------------------------------------------------- lock */

static certstore_status look_for_marker(struct csi_beside *beside, const char *own, bool *marked, char **pending, certstore_error *err)
{
    CSI_AUTO(csi_chars) *journal = NULL;
    CSI_TRY(csi_marker_read(beside, &journal, err));
    *marked = journal != NULL && own != NULL && csi_same_journal(journal, own);
    if (journal == NULL || *marked)
        return CERTSTORE_OK;
    if (journal[0] != '/')
        return csi_fail(err, CERTSTORE_E_PENDING, "%s/%s: leads nowhere a journal could be; remove it", beside->dir, beside->marker);
    if (csi_marker_is_stale(beside->os, journal))
        return csi_marker_remove(beside, journal, err);
    csi_fail(err, CERTSTORE_E_PENDING, "%s/%s: a crashed transaction holds it (%s); run certstore recover", beside->dir, beside->name, journal);
    *pending = csi_steal(&journal);
    return err->status;
}

certstore_status csi_beside_lock(struct csi_beside *beside, const char *own, int64_t deadline, bool *marked, char **pending, certstore_error *err)
{
    CSI_TRY(csi_beside_open(beside, err));
    CSI_AUTO(csi_chars) *about = csi_format(err, "%s/%s", strcmp(beside->dir, "/") == 0 ? "" : beside->dir, beside->name);
    if (about == NULL)
        return err->status;
    CSI_TRY(csi_lock_take(&beside->lock, beside->os, beside->fd, beside->lock_name, about, deadline, err));
    certstore_status status = look_for_marker(beside, own, marked, pending, err);
    if (status != CERTSTORE_OK)
        csi_beside_unlock(beside);
    return status;
}

void csi_beside_unlock(struct csi_beside *beside)
{
    csi_lock_release(&beside->lock);
}

/* ------------------------------------------------------------------------------------------------------------------ target */

static certstore_status refuse(const char *location, const char *why, certstore_error *err)
{
    return csi_fail(err, CERTSTORE_E_READ_ONLY, "%s: %s", location, why);
}

static certstore_status check_directory(const struct csi_beside *beside, const struct stat *target, const char *location, certstore_error *err)
{
    struct stat dir;
    uid_t me = beside->os->euid(beside->os);
    if (me == 0 || me == target->st_uid)
        return CERTSTORE_OK;
    int status = csi_os_fstat(beside->os, beside->fd, &dir);
    if (status < 0)
        return csi_fail_errno(err, -status, "%s: the directory cannot be looked at; see the cause", beside->dir);
    /* unlink(2): in a sticky directory only the owner of the file or of the directory may rename over it. */
    if ((dir.st_mode & S_ISVTX) != 0 && me != dir.st_uid)
        return refuse(location, "belongs to somebody else in a sticky directory; run as its owner", err);
    return CERTSTORE_OK;
}

certstore_status csi_beside_check_target(const struct csi_beside *beside, const char *location, struct stat *st, certstore_error *err)
{
    const struct csi_os *os = beside->os;
    struct csi_os_nature target = { 0 };
    struct csi_os_nature dir = { 0 };
    *st = (struct stat){ 0 };
    int status = os->nature(os, beside->fd, "", AT_EMPTY_PATH, &dir);
    if (status < 0)
        return csi_fail_errno(err, -status, "%s: the directory cannot be looked at; see the cause", beside->dir);
    if (dir.append_only || dir.immutable)
        return refuse(location, "its directory is immutable or append-only (chattr); lift that first", err);
    status = os->stat(os, beside->fd, beside->name, AT_SYMLINK_NOFOLLOW, st);
    if (status == 0)
        status = os->nature(os, beside->fd, beside->name, AT_SYMLINK_NOFOLLOW, &target);
    if (status == -ENOENT)
        return CERTSTORE_OK;
    if (status < 0)
        return csi_fail_errno(err, -status, "%s: cannot be looked at; see the cause", location);
    if (target.immutable || target.append_only)
        return refuse(location, "is immutable or append-only (chattr); lift that first", err);
    if (target.mount != dir.mount)
        return refuse(location,
                      "is a mount point (a bind mount), which cannot be replaced; change it where it is mounted from, or mount its directory", err);
    return check_directory(beside, st, location, err);
}
