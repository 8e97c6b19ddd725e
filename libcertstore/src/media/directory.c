/* SPDX-License-Identifier: Apache-2.0 */
/* directory.c: a directory replaced as one. */
#include "media/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "media/attributes.h"
#include "media/directory_look.h"
#include "media/tree.h"

struct directory_participant {
    csi_participant base;
    struct csi_beside beside;
    csi_parts *wanted; /* NULL for one that recovery brought back */
    char *journal;
};

static struct directory_participant *cast(csi_participant *p)
{
    return (struct directory_participant *)p;
}

static certstore_status fail(const char *about, int number, const char *what, certstore_error *err)
{
    return csi_fail_errno(err, -number, "%s: cannot be %s; see the cause", about, what);
}

static certstore_status conflict(const csi_participant *p, certstore_error *err)
{
    return csi_fail(err, CERTSTORE_E_CONFLICT, "%s: somebody else changed it; it was left as it is", p->location);
}

/* -------------------------------------------------------------------------------------------------------------------- look */

certstore_status csi_directory_look(csi_place *place, uint64_t limit, csi_parts *parts, csi_snapshot *snapshot, certstore_error *err)
{
    struct csi_beside *beside = &place->beside[0];
    struct stat st;
    CSI_TRY(csi_beside_open(beside, err));
    int status = beside->os->stat(beside->os, beside->fd, beside->name, AT_SYMLINK_NOFOLLOW, &st);
    if (status < 0 && status != -ENOENT)
        return fail(place->paths[0], status, "looked at", err);
    if (status == 0)
        csi_view_of(&st, &snapshot->views[0]);
    struct csi_look look = { .os = beside->os, .about = place->paths[0], .left = limit, .parts = parts, .snapshot = snapshot };
    /* Who only reads never asks for the digest. */
    return csi_look_at(&look, beside->fd, beside->name, parts != NULL ? NULL : snapshot->content.part[0], err);
}

bool csi_directory_unchanged(const csi_place *place, const csi_snapshot *snapshot)
{
    const struct csi_os *os = place->env.os;
    if (!csi_view_holds(os, AT_FDCWD, place->paths[0], O_NOFOLLOW, &snapshot->views[0]))
        return false;
    if (!snapshot->views[0].exists)
        return true;
    CSI_AUTO_FD fd = { os, csi_os_open(os, AT_FDCWD, place->paths[0], O_PATH | O_DIRECTORY | O_NOFOLLOW, 0) };
    bool same = fd.fd >= 0;
    for (size_t i = 0; i < snapshot->entry_count && same; i++)
        same = csi_view_holds(os, fd.fd, snapshot->entries[i].name, 0, &snapshot->entries[i].view);
    return same;
}

static certstore_status digest_of(const struct directory_participant *d, const char *name, csi_parts *parts, char *digest, certstore_error *err)
{
    struct csi_look look = { .os = d->beside.os, .about = d->base.location, .left = SIZE_MAX / 2, .parts = parts };
    return csi_look_at(&look, d->beside.fd, name, digest, err);
}

static certstore_status verify(csi_participant *p, enum csi_content *found, certstore_error *err)
{
    char digest[CSI_DIGEST_TEXT + 1];
    certstore_error why = { 0 };
    certstore_status status = digest_of(cast(p), cast(p)->beside.name, NULL, digest, &why);
    *found = CSI_CONTENT_OTHER;
    if (status == CERTSTORE_E_CONFLICT || status == CERTSTORE_E_ARGUMENT)
        return CERTSTORE_OK;
    if (status != CERTSTORE_OK) {
        csi_error_move(err, &why);
        return status;
    }
    if (strcmp(digest, p->before.part[0]) == 0)
        *found = CSI_CONTENT_OLD;
    else if (strcmp(digest, p->after.part[0]) == 0)
        *found = CSI_CONTENT_NEW;
    return CERTSTORE_OK;
}

/* ------------------------------------------------------------------------------------------------------------------- stage */

static csi_blob *find_part(const csi_parts *parts, const char *name)
{
    for (size_t i = 0; i < parts->count; i++)
        if (strcmp(parts->items[i].name, name) == 0)
            return parts->items[i].bytes;
    return NULL;
}

/* A link whose target is a part too, with the same content afterwards, stays a link. */
static bool link_still_fits(const struct directory_participant *d, int old, const struct csi_part *part)
{
    CSI_AUTO(csi_chars) *text = NULL;
    if (old < 0 || csi_os_readlink(d->beside.os, old, part->name, &text) < 0)
        return false;
    const csi_blob *target = find_part(d->wanted, text);
    return target != NULL && csi_span_equal(csi_blob_span(target), csi_blob_span(part->bytes));
}

static certstore_status write_part(const struct directory_participant *d, int old, int new, const struct csi_part *part, certstore_error *err)
{
    const struct csi_os *os = d->beside.os;
    CSI_AUTO_FD like = { os, old < 0 ? -ENOENT : csi_os_open(os, old, part->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0) };
    if (like.fd < 0 && like.fd != -ENOENT && like.fd != -ELOOP) /* ELOOP: a symlink, which has no mode of its own to keep */
        return fail(d->base.location, like.fd, "built anew", err);
    CSI_AUTO_FD fd = { os, csi_os_open(os, new, part->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, like.fd >= 0 ? 0600 : 0644) };
    int status = fd.fd < 0 ? fd.fd : csi_os_write_all(os, fd.fd, csi_blob_span(part->bytes), 0);
    if (status < 0)
        return fail(d->base.location, status, "built anew", err);
    if (like.fd >= 0)
        CSI_TRY(csi_attributes_copy(os, like.fd, fd.fd, d->base.location, err));
    status = os->fsync(os, fd.fd);
    return status < 0 ? fail(d->base.location, status, "made durable", err) : CERTSTORE_OK;
}

static certstore_status stage_parts(const struct directory_participant *d, const csi_parts *present, int old, int new, certstore_error *err)
{
    for (size_t i = 0; i < d->wanted->count; i++) {
        const struct csi_part *part = &d->wanted->items[i];
        const csi_blob *before = find_part(present, part->name);
        if (part->name[0] == '\0' || strchr(part->name, '/') != NULL || strcmp(part->name, ".") == 0 || strcmp(part->name, "..") == 0)
            return csi_fail(err, CERTSTORE_E_ARGUMENT, "%s: '%s' is no name for a file in it", d->base.location, part->name);
        bool same = before != NULL && csi_span_equal(csi_blob_span(before), csi_blob_span(part->bytes));
        if (same || (before != NULL && link_still_fits(d, old, part)))
            CSI_TRY(csi_tree_carry(d->beside.os, old, new, part->name, d->base.location, err));
        else
            CSI_TRY(write_part(d, old, new, part, err));
    }
    return CERTSTORE_OK;
}

static certstore_status carry_others(const struct directory_participant *d, int old, int new, certstore_error *err)
{
    CSI_AUTO_NAMES names = { 0 };
    CSI_AUTO_FD again = { d->beside.os, csi_os_open(d->beside.os, old, ".", O_RDONLY | O_DIRECTORY, 0) };
    int status = again.fd < 0 ? again.fd : csi_os_names(d->beside.os, again.fd, &names);
    if (status < 0)
        return fail(d->base.location, status, "listed", err);
    for (size_t i = 0; i < names.count; i++) {
        enum csi_look_kind kind = CSI_LOOK_GONE;
        CSI_TRY(csi_look_kind(d->beside.os, old, names.items[i], d->base.location, &kind, err));
        if (kind == CSI_LOOK_OTHER)
            CSI_TRY(csi_tree_carry(d->beside.os, old, new, names.items[i], d->base.location, err));
    }
    return CERTSTORE_OK;
}

/* Found out here, where it can still be refused. */
static certstore_status check_exchange(const struct directory_participant *d, int new, certstore_error *err)
{
    const struct csi_os *os = d->beside.os;
    int status = os->symlink(os, "a", new, ".certstore-a");
    if (status == 0)
        status = os->symlink(os, "b", new, ".certstore-b");
    if (status == 0)
        status = os->rename(os, new, ".certstore-a", new, ".certstore-b", RENAME_EXCHANGE);
    bool unknown = status == -EINVAL;
    if (status == 0)
        status = os->unlink(os, new, ".certstore-a", 0);
    if (status == 0)
        status = os->unlink(os, new, ".certstore-b", 0);
    if (unknown)
        return csi_fail(err, CERTSTORE_E_READ_ONLY, "%s: its file system cannot exchange two directories; use a PEM bundle there", d->base.location);
    return status < 0 ? fail(d->base.location, status, "built anew", err) : CERTSTORE_OK;
}

static certstore_status build(struct directory_participant *d, const csi_parts *present, certstore_error *err)
{
    const struct csi_os *os = d->beside.os;
    bool replaces = d->base.before.part[0][0] != '\0';
    CSI_TRY(csi_tree_remove(os, d->beside.fd, d->beside.staged, d->base.location, err));
    int status = os->mkdir(os, d->beside.fd, d->beside.staged, replaces ? 0700 : 0755);
    if (status < 0)
        return fail(d->base.location, status, "built anew", err);
    CSI_AUTO_FD new = { os, csi_os_open(os, d->beside.fd, d->beside.staged, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0) };
    CSI_AUTO_FD old = { os, replaces ? csi_os_open(os, d->beside.fd, d->beside.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0) : -ENOENT };
    if (new.fd < 0 || (replaces && old.fd < 0))
        return fail(d->base.location, new.fd < 0 ? new.fd : old.fd, "built anew", err);
    CSI_TRY(stage_parts(d, present, old.fd, new.fd, err));
    if (replaces) {
        CSI_TRY(check_exchange(d, new.fd, err));
        CSI_TRY(carry_others(d, old.fd, new.fd, err));
        CSI_TRY(csi_attributes_copy(os, old.fd, new.fd, d->base.location, err));
    }
    status = os->fsync(os, new.fd);
    return status < 0 ? fail(d->base.location, status, "made durable", err) : CERTSTORE_OK;
}

static certstore_status keep_old(const struct directory_participant *d, const csi_parts *present, const char *backup, certstore_error *err)
{
    const struct csi_os *os = d->beside.os;
    CSI_AUTO_BUF bytes = { 0 };
    if (backup == NULL)
        return CERTSTORE_OK;
    CSI_TRY(csi_archive_write(present, &bytes, err));
    (void)os->unlink(os, AT_FDCWD, backup, 0); /* of a transaction that came to nothing, and that a power failure brought back */
    CSI_AUTO_FD fd = { os, csi_os_open(os, AT_FDCWD, backup, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600) };
    int status = fd.fd < 0 ? fd.fd : csi_os_write_all(os, fd.fd, csi_buf_span(&bytes), 0);
    if (status == 0)
        status = os->fsync(os, fd.fd);
    return status < 0 ? fail(d->base.location, status, "kept", err) : CERTSTORE_OK;
}

static certstore_status read_back(const struct directory_participant *d, certstore_error *err)
{
    char digest[CSI_DIGEST_TEXT + 1];
    CSI_TRY(digest_of(d, d->beside.staged, NULL, digest, err));
    if (strcmp(digest, d->base.after.part[0]) != 0)
        return csi_fail(err, CERTSTORE_E_IO, "%s: what was built beside it does not read back as built; check the file system", d->base.location);
    return CERTSTORE_OK;
}

static certstore_status stage(csi_participant *p, const struct csi_stage *stage, struct csi_dirs *dirs, certstore_error *err)
{
    struct directory_participant *d = cast(p);
    char digest[CSI_DIGEST_TEXT + 1];
    CSI_AUTO(csi_parts) *present = csi_parts_new(err);
    if (present == NULL)
        return err->status;
    struct stat target;
    CSI_TRY(csi_beside_check_target(&d->beside, p->location, &target, err));
    CSI_TRY(digest_of(d, d->beside.name, present, digest, err));
    if (strcmp(digest, p->before.part[0]) != 0)
        return conflict(p, err);
    d->journal = csi_strdup(stage->journal, err);
    if (d->journal == NULL)
        return err->status;
    CSI_TRY(csi_marker_put(&d->beside, stage->journal, err));
    p->marked = true;
    if (digest[0] != '\0')
        CSI_TRY(keep_old(d, present, stage->backup, err));
    /* Even a light transaction needs the sibling's name on the disk: what the exchange displaces must never be the only copy that has one. */
    CSI_TRY(csi_dirs_add(dirs, d->beside.dir, err));
    CSI_TRY(build(d, present, err));
    return read_back(d, err);
}

static void describe(const csi_participant *p CSI_UNUSED, struct csi_record *record)
{
    csi_record_put(record, "medium", "directory");
}

/* ------------------------------------------------------------------------------------------------------- promote and revert */

static certstore_status swap(struct directory_participant *d, unsigned flags, struct csi_dirs *dirs, certstore_error *err)
{
    const struct csi_os *os = d->beside.os;
    int status = os->rename(os, d->beside.fd, d->beside.staged, d->beside.fd, d->beside.name, flags);
    if (status == -EEXIST)
        return conflict(&d->base, err);
    return status < 0 ? fail(d->base.location, status, "replaced", err) : csi_dirs_add(dirs, d->beside.dir, err);
}

static certstore_status promote(csi_participant *p, struct csi_dirs *dirs, certstore_error *err)
{
    struct directory_participant *d = cast(p);
    enum csi_content found = CSI_CONTENT_OTHER;
    CSI_TRY(verify(p, &found, err));
    if (found == CSI_CONTENT_OTHER)
        return conflict(p, err);
    p->stepped = true;
    if (found == CSI_CONTENT_NEW)
        return csi_dirs_add(dirs, d->beside.dir, err);
    if (d->wanted == NULL)
        CSI_TRY(read_back(d, err));
    return swap(d, p->before.part[0][0] != '\0' ? RENAME_EXCHANGE : RENAME_NOREPLACE, dirs, err);
}

static certstore_status revert(csi_participant *p, const char *backup CSI_UNUSED, struct csi_dirs *dirs, certstore_error *err)
{
    struct directory_participant *d = cast(p);
    char digest[CSI_DIGEST_TEXT + 1];
    enum csi_content found = CSI_CONTENT_OTHER;
    CSI_TRY(verify(p, &found, err));
    if (found == CSI_CONTENT_OTHER)
        return conflict(p, err);
    if (found == CSI_CONTENT_OLD)
        return CERTSTORE_OK;
    if (p->before.part[0][0] == '\0') {
        CSI_TRY(csi_dirs_add(dirs, d->beside.dir, err));
        int status = d->beside.os->rename(d->beside.os, d->beside.fd, d->beside.name, d->beside.fd, d->beside.staged, RENAME_NOREPLACE);
        return status < 0 ? fail(p->location, status, "removed", err) : CERTSTORE_OK; /* finish() clears it away */
    }
    CSI_TRY(digest_of(d, d->beside.staged, NULL, digest, err));
    if (strcmp(digest, p->before.part[0]) != 0)
        return csi_fail(err, CERTSTORE_E_IN_DOUBT, "%s: its old content was not kept; put it back from a backup of your own", p->location);
    return swap(d, RENAME_EXCHANGE, dirs, err);
}

static certstore_status finish(csi_participant *p, certstore_error *err)
{
    struct directory_participant *d = cast(p);
    CSI_TRY(csi_tree_remove(d->beside.os, d->beside.fd, d->beside.staged, p->location, err));
    const char *journal = d->journal != NULL ? d->journal : p->journal;
    return journal != NULL ? csi_marker_remove(&d->beside, journal, err) : CERTSTORE_OK;
}

/* ---------------------------------------------------------------------------------------------------------- birth and death */

static certstore_status lock(csi_participant *p, int64_t deadline, certstore_error *err)
{
    return csi_beside_lock(&cast(p)->beside, p->journal, deadline, &p->marked, &p->pending, err);
}

static void unlock(csi_participant *p)
{
    csi_beside_unlock(&cast(p)->beside);
}

static void destroy(csi_participant *p)
{
    struct directory_participant *d = cast(p);
    csi_beside_clear(&d->beside);
    csi_parts_free(d->wanted);
    free(d->journal);
    csi_participant_clear(p);
    free(d);
}

static struct directory_participant *make(const struct csi_os *os, const char *location, certstore_error *err)
{
    struct directory_participant *d = csi_new(1, sizeof *d, err);
    if (d == NULL)
        return NULL;
    d->beside.fd = d->beside.lock.fd = -1;
    if (csi_participant_init(&d->base, &csi_directory_kind, location, NULL, 0, err) == CERTSTORE_OK &&
        csi_beside_init(&d->beside, os, location, err) == CERTSTORE_OK)
        return d;
    destroy(&d->base);
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct csi_part *)a)->name, ((const struct csi_part *)b)->name);
}

static csi_parts *sorted_copy(const csi_parts *parts, certstore_error *err)
{
    CSI_AUTO(csi_parts) *copy = csi_parts_new(err);
    if (copy == NULL)
        return NULL;
    for (size_t i = 0; i < parts->count; i++)
        if (csi_parts_add(copy, parts->items[i].name, parts->items[i].bytes, err) != CERTSTORE_OK)
            return NULL;
    if (copy->count > 1)
        qsort(copy->items, copy->count, sizeof *copy->items, by_name);
    return csi_steal(&copy);
}

certstore_status csi_directory_replace(csi_txn *txn, csi_place *place, const csi_snapshot *snapshot, const csi_parts *wanted, certstore_error *err)
{
    struct directory_participant *d = make(place->env.os, place->paths[0], err);
    if (d == NULL)
        return err->status;
    CSI_AUTO(csi_participant) *p = &d->base;
    d->wanted = sorted_copy(wanted, err);
    if (d->wanted == NULL)
        return err->status;
    CSI_TRY(csi_snapshot_content(snapshot, &p->before, err));
    CSI_TRY(csi_directory_digest(d->wanted, p->after.part[0], err));
    return strcmp(p->before.part[0], p->after.part[0]) != 0 ? csi_txn_add(txn, csi_steal(&p), err) : CERTSTORE_OK;
}

static csi_participant *restore(const struct csi_record *record, const struct csi_txn_env *env, certstore_error *err)
{
    const char *location = csi_record_get(record, "location");
    if (location[0] != '/' || location[1] == '\0') {
        csi_fail(err, CERTSTORE_E_MALFORMED, "journal: '%s' is no path of a directory", location);
        return NULL;
    }
    struct directory_participant *d = make(env->os, location, err);
    return d != NULL ? &d->base : NULL;
}

const struct csi_participant_kind csi_directory_kind = {
    .name = "directory",
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
