/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file.c: one file, replaced whole by rename(2).
 *
 *     stage     marker; old content kept in the state directory; .NAME.certstore-new written, made to look like the old one, synced, read back
 *     promote   the target still holds what was read: rename the staged file over it
 *     revert    the kept content, staged anew, renamed over it
 */
#include "media/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "media/attributes.h"
#include "media/beside.h"

struct file_participant {
    csi_participant base;
    struct csi_beside beside;
    struct csi_view seen; /* what a stat may be compared with; racy for one that recovery brought back */
    csi_blob *was;        /* what was read; NULL where there was nothing, and for one that recovery brought back */
    csi_blob *wanted;     /* NULL for one that recovery brought back */
    char *journal;        /* what our marker says */
    bool private_bytes;
    bool staged; /* something may bear the staging name; not once it was renamed over the store */
};

static struct file_participant *cast(csi_participant *p)
{
    return (struct file_participant *)p;
}

static const char *old_digest(const csi_participant *p)
{
    return p->before.part[p->part];
}

static const char *new_digest(const csi_participant *p)
{
    return p->after.part[p->part];
}

static certstore_status fail(const csi_participant *p, int number, const char *what, certstore_error *err)
{
    return csi_fail_errno(err, -number, "%s: cannot be %s; see the cause", p->location, what);
}

static certstore_status conflict(const csi_participant *p, certstore_error *err)
{
    return csi_fail(err, CERTSTORE_E_CONFLICT, "%s: somebody else changed it; it was left as it is", p->location);
}

/* -------------------------------------------------------------------------------------------------------------------- look */

static certstore_status lock(csi_participant *p, int64_t deadline, certstore_error *err)
{
    return csi_beside_lock(&cast(p)->beside, p->journal, deadline, &p->marked, &p->pending, err);
}

static void unlock(csi_participant *p)
{
    csi_beside_unlock(&cast(p)->beside);
}

/* A file that was changed within the last second may have been changed again in the same tick of the clock, which no stat shows. Comparing what it
 * holds with what was read costs a fraction of a digest, and is asked for three times in one commit. Whatever is not plainly the same is left to the
 * digest, which also tells why. */
static bool holds_what_was_read(const struct file_participant *f)
{
    struct csi_view view = f->seen;
    certstore_error none = { 0 };
    bool same = false;
    view.racy = false;
    if (!csi_view_holds(f->beside.os, f->beside.fd, f->beside.name, O_NOFOLLOW, &view))
        return false;
    if (!f->seen.racy)
        return true;
    return f->was != NULL &&
           csi_view_matches(f->beside.os, f->beside.fd, f->beside.name, csi_blob_span(f->was), f->base.location, &same, &none) == CERTSTORE_OK &&
           same;
}

static certstore_status verify(csi_participant *p, enum csi_content *found, certstore_error *err)
{
    struct file_participant *f = cast(p);
    struct csi_view now;
    if (holds_what_was_read(f)) {
        *found = CSI_CONTENT_OLD;
        return CERTSTORE_OK;
    }
    certstore_error why = { 0 };
    certstore_status status = csi_view_read(f->beside.os, f->beside.fd, f->beside.name, O_NOFOLLOW, SIZE_MAX / 2, p->location, &now, NULL, &why);
    *found = CSI_CONTENT_OTHER;
    if (status == CERTSTORE_E_CONFLICT || status == CERTSTORE_E_ARGUMENT)
        return CERTSTORE_OK; /* being written to, or no longer a file: somebody else's */
    if (status != CERTSTORE_OK) {
        csi_error_move(err, &why);
        return status;
    }
    if (strcmp(now.digest, old_digest(p)) == 0) {
        *found = CSI_CONTENT_OLD;
        f->seen = now;
    } else if (strcmp(now.digest, new_digest(p)) == 0) {
        *found = CSI_CONTENT_NEW;
    }
    return CERTSTORE_OK;
}

/* ------------------------------------------------------------------------------------------------------------------- stage */

/* A second name for the old inode costs nothing and cannot be torn. It changes the inode's ctime, so what a stat is compared with is taken anew: by
 * then the content must still be the one that was read. */
static certstore_status keep_by_link(struct file_participant *f, const char *backup, bool *kept, certstore_error *err)
{
    const struct csi_os *os = f->beside.os;
    struct stat st;
    int status = os->link(os, f->beside.fd, f->beside.name, AT_FDCWD, backup);
    if (status == -EEXIST) { /* of a transaction that came to nothing, and that a power failure brought back */
        os->unlink(os, AT_FDCWD, backup, 0);
        status = os->link(os, f->beside.fd, f->beside.name, AT_FDCWD, backup);
    }
    *kept = status == 0;
    if (status < 0) /* another file system, or one without links, or protected_hardlinks: a copy it must be */
        return status == -ENOENT ? conflict(&f->base, err) : CERTSTORE_OK;
    status = os->stat(os, AT_FDCWD, backup, AT_SYMLINK_NOFOLLOW, &st);
    if (status < 0)
        return fail(&f->base, status, "kept", err);
    if (!csi_view_same_content(&f->seen, &st))
        return conflict(&f->base, err);
    f->seen.ctime = st.st_ctim;
    return CERTSTORE_OK;
}

static certstore_status write_synced(const struct csi_os *os, int fd, const csi_participant *p, struct csi_span bytes, certstore_error *err)
{
    int status = csi_os_write_all(os, fd, bytes, 0);
    if (status == 0)
        status = os->fsync(os, fd);
    return status < 0 ? fail(p, status, "written anew", err) : CERTSTORE_OK;
}

static certstore_status keep_by_copy(struct file_participant *f, const char *backup, certstore_error *err)
{
    const struct csi_os *os = f->beside.os;
    struct csi_view now;
    CSI_AUTO(csi_blob) *bytes = NULL;
    CSI_TRY(csi_view_read(os, f->beside.fd, f->beside.name, O_NOFOLLOW, SIZE_MAX / 2, f->base.location, &now, &bytes, err));
    if (bytes == NULL || strcmp(now.digest, old_digest(&f->base)) != 0)
        return conflict(&f->base, err);
    CSI_AUTO_FD fd = { os, csi_os_open(os, AT_FDCWD, backup, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600) };
    if (fd.fd < 0)
        return fail(&f->base, fd.fd, "kept", err);
    return write_synced(os, fd.fd, &f->base, csi_blob_span(bytes), err);
}

static certstore_status keep_old(struct file_participant *f, const char *backup, certstore_error *err)
{
    bool kept = false;
    if (backup == NULL || old_digest(&f->base)[0] == '\0')
        return CERTSTORE_OK;
    CSI_TRY(keep_by_link(f, backup, &kept, err));
    return kept ? CERTSTORE_OK : keep_by_copy(f, backup, err);
}

/* rename(2) would part the names of one file without a word. Our own backup of a transaction that came to nothing may be one of the links. */
static certstore_status check_links(const struct file_participant *f, const struct stat *target, const char *backup, certstore_error *err)
{
    const struct csi_os *os = f->beside.os;
    struct stat kept;
    if (target->st_nlink <= 1)
        return CERTSTORE_OK;
    nlink_t ours = backup != NULL && os->stat(os, AT_FDCWD, backup, AT_SYMLINK_NOFOLLOW, &kept) == 0 && kept.st_dev == target->st_dev &&
                   kept.st_ino == target->st_ino;
    if (target->st_nlink > 1 + ours)
        return csi_fail(err, CERTSTORE_E_READ_ONLY, "%s: has %ju names (hard links), which would be parted; replace the others with symlinks",
                        f->base.location, (uintmax_t)target->st_nlink);
    return CERTSTORE_OK;
}

static certstore_status look_like_old(const struct file_participant *f, int fd, certstore_error *err)
{
    const struct csi_os *os = f->beside.os;
    CSI_AUTO_FD old = { os, csi_os_open(os, f->beside.fd, f->beside.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0) };
    if (old.fd == -ENOENT)
        return CERTSTORE_OK;
    if (old.fd < 0)
        return fail(&f->base, old.fd, "opened", err);
    return csi_attributes_copy(os, old.fd, fd, f->base.location, err);
}

static int create_staged(const struct file_participant *f)
{
    bool replaces = old_digest(&f->base)[0] != '\0';
    return csi_os_open(f->beside.os, f->beside.fd, f->beside.staged, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
                       replaces || f->private_bytes ? 0600 : 0644);
}

/* The staged file, complete and durable but for its name. A new file that holds no key gets its mode from the umask, as any program's would. */
static certstore_status write_staged(struct file_participant *f, struct csi_span bytes, certstore_error *err)
{
    const struct csi_os *os = f->beside.os;
    CSI_AUTO_FD fd = { os, create_staged(f) };
    f->staged = true;
    if (fd.fd == -EEXIST) { /* what a crash left */
        int cleared = os->unlink(os, f->beside.fd, f->beside.staged, 0);
        if (cleared < 0 && cleared != -ENOENT)
            return fail(&f->base, cleared, "cleared of what a crash left beside it", err);
        fd.fd = create_staged(f);
    }
    if (fd.fd < 0)
        return fail(&f->base, fd.fd, "written beside", err);
    int status = csi_os_write_all(os, fd.fd, bytes, 0);
    if (status < 0)
        return fail(&f->base, status, "written anew", err);
    CSI_TRY(look_like_old(f, fd.fd, err));
    status = os->fsync(os, fd.fd);
    return status < 0 ? fail(&f->base, status, "made durable", err) : CERTSTORE_OK;
}

/* By the bytes where they are at hand; recovery has only their digest. */
static certstore_status read_back(const struct file_participant *f, certstore_error *err)
{
    const struct csi_beside *b = &f->beside;
    struct csi_view view;
    bool same = false;
    if (f->wanted != NULL) {
        CSI_TRY(csi_view_matches(b->os, b->fd, b->staged, csi_blob_span(f->wanted), f->base.location, &same, err));
    } else {
        CSI_TRY(csi_view_read(b->os, b->fd, b->staged, O_NOFOLLOW, SIZE_MAX / 2, f->base.location, &view, NULL, err));
        same = strcmp(view.digest, new_digest(&f->base)) == 0;
    }
    if (!same)
        return csi_fail(err, CERTSTORE_E_IO, "%s: what was written beside it does not read back as written; check the file system", f->base.location);
    return CERTSTORE_OK;
}

static certstore_status stage(csi_participant *p, const struct csi_stage *stage, struct csi_dirs *dirs, certstore_error *err)
{
    struct file_participant *f = cast(p);
    struct stat target;
    CSI_TRY(csi_beside_check_target(&f->beside, p->location, &target, err));
    CSI_TRY(check_links(f, &target, stage->backup, err));
    f->staged = true; /* a crash may have left something, even where this transaction will not */
    f->journal = csi_strdup(stage->journal, err);
    if (f->journal == NULL)
        return err->status;
    CSI_TRY(csi_marker_put(&f->beside, stage->journal, err)); /* first: by it the next opener finds out about the rest */
    p->marked = true;
    CSI_TRY(keep_old(f, stage->backup, err));
    if (!stage->light)
        CSI_TRY(csi_dirs_add(dirs, f->beside.dir, err));
    if (new_digest(p)[0] == '\0')
        return CERTSTORE_OK; /* it is to go */
    CSI_TRY(write_staged(f, csi_blob_span(f->wanted), err));
    return read_back(f, err);
}

static void describe(const csi_participant *p CSI_UNUSED, struct csi_record *record)
{
    csi_record_put(record, "medium", "file"); /* all else follows from the location */
}

/* ------------------------------------------------------------------------------------------------------- promote and revert */

static certstore_status rename_staged(struct file_participant *f, bool over, struct csi_dirs *dirs, certstore_error *err)
{
    const struct csi_os *os = f->beside.os;
    int status = os->rename(os, f->beside.fd, f->beside.staged, f->beside.fd, f->beside.name, over ? 0 : RENAME_NOREPLACE);
    if (status == -EINVAL && !over) /* a file system that knows no flags */
        status = os->rename(os, f->beside.fd, f->beside.staged, f->beside.fd, f->beside.name, 0);
    if (status == -EEXIST)
        return conflict(&f->base, err);
    if (status < 0)
        return fail(&f->base, status, "replaced", err);
    f->staged = false;
    return csi_dirs_add(dirs, f->beside.dir, err);
}

static certstore_status remove_target(struct file_participant *f, struct csi_dirs *dirs, certstore_error *err)
{
    int status = f->beside.os->unlink(f->beside.os, f->beside.fd, f->beside.name, 0);
    return status < 0 ? fail(&f->base, status, "removed", err) : csi_dirs_add(dirs, f->beside.dir, err);
}

static certstore_status promote(csi_participant *p, struct csi_dirs *dirs, certstore_error *err)
{
    struct file_participant *f = cast(p);
    enum csi_content found = CSI_CONTENT_OTHER;
    CSI_TRY(verify(p, &found, err));
    if (found == CSI_CONTENT_OTHER)
        return conflict(p, err);
    p->stepped = true;
    if (found == CSI_CONTENT_NEW) /* by an earlier attempt, whose rename may not be durable yet */
        return csi_dirs_add(dirs, f->beside.dir, err);
    if (new_digest(p)[0] == '\0')
        return remove_target(f, dirs, err);
    if (f->wanted == NULL)
        CSI_TRY(read_back(f, err));
    return rename_staged(f, old_digest(p)[0] != '\0', dirs, err);
}

static certstore_status put_back(struct file_participant *f, const char *backup, struct csi_dirs *dirs, certstore_error *err)
{
    struct csi_view kept;
    CSI_AUTO(csi_blob) *bytes = NULL;
    if (backup != NULL)
        CSI_TRY(csi_view_read(f->beside.os, AT_FDCWD, backup, O_NOFOLLOW, SIZE_MAX / 2, backup, &kept, &bytes, err));
    if (bytes == NULL || strcmp(kept.digest, old_digest(&f->base)) != 0)
        return csi_fail(err, CERTSTORE_E_IN_DOUBT, "%s: its old content was not kept; put it back from a backup of your own", f->base.location);
    CSI_TRY(write_staged(f, csi_blob_span(bytes), err));
    return rename_staged(f, true, dirs, err);
}

static certstore_status revert(csi_participant *p, const char *backup, struct csi_dirs *dirs, certstore_error *err)
{
    struct file_participant *f = cast(p);
    enum csi_content found = CSI_CONTENT_OTHER;
    CSI_TRY(verify(p, &found, err));
    if (found == CSI_CONTENT_OTHER)
        return conflict(p, err);
    if (found == CSI_CONTENT_OLD)
        return CERTSTORE_OK;
    return old_digest(p)[0] != '\0' ? put_back(f, backup, dirs, err) : remove_target(f, dirs, err);
}

static certstore_status finish(csi_participant *p, certstore_error *err)
{
    struct file_participant *f = cast(p);
    int status = f->staged ? f->beside.os->unlink(f->beside.os, f->beside.fd, f->beside.staged, 0) : 0;
    if (status < 0 && status != -ENOENT)
        return fail(p, status, "cleared of what was written beside it", err);
    const char *journal = f->journal != NULL ? f->journal : p->journal;
    return journal != NULL ? csi_marker_remove(&f->beside, journal, err) : CERTSTORE_OK;
}

/* ---------------------------------------------------------------------------------------------------------- birth and death */

static void destroy(csi_participant *p)
{
    struct file_participant *f = cast(p);
    csi_beside_clear(&f->beside);
    csi_blob_free(f->was);
    csi_blob_free(f->wanted);
    free(f->journal);
    csi_participant_clear(p);
    free(f);
}

static struct file_participant *make(const struct csi_os *os, const char *location, const char *store_location, int part, certstore_error *err)
{
    struct file_participant *f = csi_new(1, sizeof *f, err);
    if (f == NULL)
        return NULL;
    f->beside.fd = f->beside.lock.fd = -1;
    if (csi_participant_init(&f->base, &csi_file_kind, location, store_location, part, err) == CERTSTORE_OK &&
        csi_beside_init(&f->beside, os, location, err) == CERTSTORE_OK)
        return f;
    destroy(&f->base);
    return NULL;
}

csi_participant *csi_file_participant(const struct csi_os *os, const char *location, const char *store_location, int part,
                                      const struct csi_view *seen, csi_blob *was, csi_blob *wanted, bool private_bytes, certstore_error *err)
{
    struct file_participant *f = make(os, location, store_location, part, err);
    if (f == NULL)
        return NULL;
    f->seen = *seen;
    f->was = csi_blob_ref(was);
    f->wanted = csi_blob_ref(wanted);
    f->private_bytes = private_bytes;
    return &f->base;
}

static csi_participant *restore(const struct csi_record *record, const struct csi_txn_env *env, certstore_error *err)
{
    const char *location = csi_record_get(record, "location");
    if (location[0] != '/' || location[1] == '\0') {
        csi_fail(err, CERTSTORE_E_MALFORMED, "journal: '%s' is no path of a file", location);
        return NULL;
    }
    struct file_participant *f = make(env->os, location, csi_record_get(record, "store"), (int)csi_record_get_int(record, "part", 0), err);
    if (f == NULL)
        return NULL;
    f->seen.exists = f->seen.racy = true; /* no stat is trusted: the digest decides */
    f->staged = true;                     /* nor is it known how far it came */
    return &f->base;
}

const struct csi_participant_kind csi_file_kind = {
    .name = "file",
    .atomic = true,
    .lock = lock,
    .unlock = unlock,
    .verify = verify,
    .stage = stage,
    .describe = describe,
    .promote = promote,
    .revert = revert,
    .finish = finish,
    .free = destroy,
    .restore = restore,
};
