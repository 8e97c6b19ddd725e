/* SPDX-License-Identifier: Apache-2.0 */
/* directory_look.c: a directory's files, each read once, however many links lead to it. */
#include "media/directory_look.h"

#include <errno.h>
#include <fcntl.h>

#include "model/table.h"

/* A file that was read, for the next link that leads to it. */
struct seen {
    struct csi_view view;
    csi_blob *bytes;
};

struct progress {
    struct csi_look *look;
    int fd;
    bool digested;
    struct csi_buf summary; /* of the names and digests so far, where digests are made */
    struct csi_table by_inode;
    struct seen *seen;
    size_t seen_count;
    size_t seen_capacity;
};

static void clear(struct progress *p)
{
    for (size_t i = 0; i < p->seen_count; i++)
        csi_blob_free(p->seen[i].bytes);
    free(p->seen);
    csi_table_free(&p->by_inode);
    csi_buf_free(&p->summary);
}

static certstore_status fail(const char *about, int number, const char *what, certstore_error *err)
{
    return csi_fail_errno(err, -number, "%s: cannot be %s; see the cause", about, what);
}

static certstore_status kind_of(const struct csi_os *os, int fd, const char *name, const char *about, struct stat *st, enum csi_look_kind *kind,
                                certstore_error *err)
{
    struct stat link;
    int status = os->stat(os, fd, name, 0, st); /* through symlinks */
    *kind = status == 0 ? (S_ISREG(st->st_mode) ? CSI_LOOK_PART : CSI_LOOK_OTHER) : CSI_LOOK_GONE;
    if (status == -ENOENT || status == -ELOOP || status == -ENOTDIR) {
        status = os->stat(os, fd, name, AT_SYMLINK_NOFOLLOW, &link);
        if (status == 0)
            *kind = CSI_LOOK_DANGLING;
    }
    return status < 0 && status != -ENOENT ? fail(about, status, "looked at", err) : CERTSTORE_OK;
}

certstore_status csi_look_kind(const struct csi_os *os, int fd, const char *name, const char *about, enum csi_look_kind *kind, certstore_error *err)
{
    struct stat st;
    return kind_of(os, fd, name, about, &st, kind, err);
}

/* ------------------------------------------------------------------------------------------------------------------- files */

static uint32_t inode_hash(ino_t inode)
{
    return (uint32_t)(((uint64_t)inode * 0x9e3779b97f4a7c15) >> 32); /* Fibonacci hashing; which inode a file gets is nobody's choice */
}

/* The file as it was read under another name of it; NULL if it was not, or has changed since. */
static const struct seen *find_seen(const struct progress *p, const struct stat *st)
{
    size_t cursor = 0;
    size_t index;
    while ((index = csi_table_next(&p->by_inode, inode_hash(st->st_ino), &cursor)) != SIZE_MAX) {
        if (csi_view_unchanged(&p->seen[index].view, st))
            return &p->seen[index];
    }
    return NULL;
}

static certstore_status note_seen(struct progress *p, const struct csi_view *view, csi_blob *bytes, certstore_error *err)
{
    struct seen *seen = csi_grow(p->seen, &p->seen_capacity, p->seen_count + 1, sizeof *seen, err);
    if (seen == NULL)
        return err->status;
    p->seen = seen;
    CSI_TRY(csi_table_put(&p->by_inode, inode_hash(view->ino), p->seen_count, err));
    seen[p->seen_count++] = (struct seen){ *view, csi_blob_ref(bytes) };
    return CERTSTORE_OK;
}

/* *bytes NULL: it went while we looked. */
static certstore_status read_file(struct progress *p, const char *name, const struct stat *st, struct csi_view *view, csi_blob **bytes,
                                  certstore_error *err)
{
    const struct seen *seen = find_seen(p, st);
    if (seen != NULL && seen->bytes->size <= p->look->left) {
        *view = seen->view;
        *bytes = csi_blob_ref(seen->bytes);
        return CERTSTORE_OK;
    }
    CSI_TRY(csi_view_read_seen(p->look->os, p->fd, name, st, p->digested, p->look->left, p->look->about, view, bytes, err));
    return *bytes != NULL ? note_seen(p, view, *bytes, err) : CERTSTORE_OK;
}

/* ----------------------------------------------------------------------------------------------------------------- entries */

static certstore_status note_entry(struct progress *p, const char *name, const struct csi_view *view, csi_blob *bytes, certstore_error *err)
{
    if (p->digested) {
        csi_buf_put(&p->summary, name, strlen(name) + 1);
        csi_buf_put_text(&p->summary, view->digest);
    }
    if (p->look->parts != NULL)
        CSI_TRY(csi_parts_add(p->look->parts, name, bytes, err));
    csi_snapshot *s = p->look->snapshot;
    if (s == NULL)
        return csi_buf_check(&p->summary, err);
    struct csi_dir_entry *entries = csi_grow(s->entries, &s->entry_capacity, s->entry_count + 1, sizeof *entries, err);
    if (entries == NULL)
        return err->status;
    s->entries = entries;
    entries[s->entry_count] = (struct csi_dir_entry){ .name = csi_strdup(name, err), .view = *view };
    if (entries[s->entry_count].name == NULL)
        return err->status;
    entries[s->entry_count++].bytes = p->digested ? NULL : csi_blob_ref(bytes);
    return csi_buf_check(&p->summary, err);
}

static certstore_status look_at_entry(struct progress *p, const char *name, certstore_error *err)
{
    enum csi_look_kind kind = CSI_LOOK_GONE;
    struct stat st;
    struct csi_view view = { 0 };
    CSI_AUTO(csi_blob) *bytes = NULL;
    CSI_TRY(kind_of(p->look->os, p->fd, name, p->look->about, &st, &kind, err));
    if (kind == CSI_LOOK_PART)
        CSI_TRY(read_file(p, name, &st, &view, &bytes, err));
    if (kind == CSI_LOOK_OTHER || kind == CSI_LOOK_GONE)
        return CERTSTORE_OK;
    if (kind == CSI_LOOK_DANGLING) {
        bytes = csi_blob_new("", 0, err);
        CSI_TRY(csi_digest_text(csi_span("", 0), view.digest, err));
    }
    if (bytes == NULL) /* no memory, or it went while we looked: then the digest will tell */
        return err->status;
    p->look->left -= bytes->size;
    return note_entry(p, name, &view, bytes, err);
}

certstore_status csi_look_at(struct csi_look *look, int dir, const char *name, char *digest, certstore_error *err)
{
    if (digest != NULL)
        digest[0] = '\0';
    CSI_AUTO_FD fd = { look->os, csi_os_open(look->os, dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0) };
    if (fd.fd == -ENOENT)
        return CERTSTORE_OK;
    if (fd.fd == -ENOTDIR || fd.fd == -ELOOP)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "%s: is no directory", look->about);
    CSI_AUTO_NAMES names = { 0 };
    int status = fd.fd < 0 ? fd.fd : csi_os_names(look->os, fd.fd, &names);
    if (status < 0)
        return fail(look->about, status, "listed", err);
    struct progress p __attribute__((cleanup(clear))) = { .look = look, .fd = fd.fd, .digested = digest != NULL };
    csi_buf_put_text(&p.summary, "directory");
    for (size_t i = 0; i < names.count; i++)
        CSI_TRY(look_at_entry(&p, names.items[i], err));
    if (digest != NULL)
        return csi_digest_text(csi_buf_span(&p.summary), digest, err);
    look->snapshot->undigested = true;
    return CERTSTORE_OK;
}
