/* SPDX-License-Identifier: Apache-2.0 */
/* view.c: reading a file so that what was read is what was there. */
#define OPENSSL_SUPPRESS_DEPRECATED /* SHA-256 by the low-level calls, as in model/cert.c */
#include "media/view.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>

#include <openssl/sha.h>

#include "base/text.h"

enum { READ_ATTEMPTS = 5, RACY_SECONDS = 1, WINDOW = 64 * 1024 };

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

void csi_view_of(const struct stat *st, struct csi_view *view)
{
    *view =
        (struct csi_view){ .exists = true, .dev = st->st_dev, .ino = st->st_ino, .size = st->st_size, .mtime = st->st_mtim, .ctime = st->st_ctim };
}

bool csi_view_same_content(const struct csi_view *view, const struct stat *st)
{
    return view->exists && view->dev == st->st_dev && view->ino == st->st_ino && view->size == st->st_size && same_time(view->mtime, st->st_mtim);
}

bool csi_view_unchanged(const struct csi_view *view, const struct stat *st)
{
    return csi_view_same_content(view, st) && same_time(view->ctime, st->st_ctim);
}

bool csi_view_holds(const struct csi_os *os, int dir, const char *name, int flags, const struct csi_view *view)
{
    struct stat st;
    int status = os->stat(os, dir, name, (flags & O_NOFOLLOW) != 0 ? AT_SYMLINK_NOFOLLOW : 0, &st);
    if (!view->exists)
        return status == -ENOENT;
    return status == 0 && !view->racy && csi_view_unchanged(view, &st);
}

static bool is_racy(const struct csi_os *os, const struct stat *st)
{
    struct timespec now = { 0 };
    os->now(os, CSI_CLOCK_WALL, &now);
    return st->st_mtim.tv_sec >= now.tv_sec - RACY_SECONDS;
}

static struct csi_view view_of(const struct csi_os *os, const struct stat *st)
{
    struct csi_view view;
    csi_view_of(st, &view);
    view.racy = is_racy(os, st);
    return view;
}

static certstore_status cannot_read(const char *about, int number, uint64_t limit, certstore_error *err)
{
    if (number == -ELOOP)
        return csi_fail(err, CERTSTORE_E_CONFLICT, "%s: became a symlink while it was in use; try again", about);
    if (number == -EFBIG)
        return csi_fail(err, CERTSTORE_E_LIMIT, "%s: larger than the limit of %llu bytes; raise the file size limit if it is what it should be",
                        about, (unsigned long long)limit);
    return csi_fail_errno(err, -number, "%s: cannot be read; see the cause", about);
}

/* Hashes a file without keeping it: a window that stays in the cache, instead of as much memory as the file is long. */
static int digest_file(const struct csi_os *os, int fd, uint64_t limit, char *digest, uint64_t *size)
{
    uint8_t window[WINDOW];
    uint8_t sum[SHA256_DIGEST_LENGTH];
    SHA256_CTX sha;
    SHA256_Init(&sha);
    ssize_t got;
    *size = 0;
    while ((got = os->pread(os, fd, window, sizeof window, (off_t)*size)) != 0) {
        if (got == -EINTR)
            continue;
        if (got < 0)
            return (int)got;
        *size += (uint64_t)got;
        if (*size > limit)
            return -EFBIG;
        SHA256_Update(&sha, window, (size_t)got);
    }
    SHA256_Final(sum, &sha);
    csi_hex(sum, sizeof sum, digest);
    csi_wipe(window, sizeof window); /* a PEM file may hold a key in the clear */
    return 0;
}

/* Reads once; *stable: nothing moved since it was looked at before. seen NULL: that is to be done here. bytes NULL: only the digest is wanted. */
static certstore_status read_once(const struct csi_os *os, int fd, const struct stat *seen, uint64_t limit, const char *about, struct csi_view *view,
                                  struct csi_buf *bytes, bool *stable, certstore_error *err)
{
    struct stat before;
    struct stat after;
    int status = seen == NULL ? csi_os_fstat(os, fd, &before) : 0;
    if (seen != NULL)
        before = *seen;
    if (status < 0)
        return cannot_read(about, status, limit, err);
    if (!S_ISREG(before.st_mode))
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "%s: is no regular file; name the file itself", about);
    char digest[CSI_DIGEST_TEXT + 1] = "";
    uint64_t size = 0;
    if (bytes == NULL) {
        status = digest_file(os, fd, limit, digest, &size);
    } else {
        bytes->size = 0;
        status = csi_os_read_sized(os, fd, &before, limit < SIZE_MAX ? (size_t)limit : SIZE_MAX, bytes);
        size = bytes->size;
    }
    if (status == 0)
        status = csi_os_fstat(os, fd, &after);
    if (status < 0)
        return cannot_read(about, status, limit, err);
    *stable = before.st_dev == after.st_dev && before.st_ino == after.st_ino && same_time(before.st_mtim, after.st_mtim) &&
              before.st_size == after.st_size && (uint64_t)after.st_size == size;
    *view = view_of(os, &after);
    memcpy(view->digest, digest, sizeof digest);
    return CERTSTORE_OK;
}

/* A file that is not there is a view that says so, and no content. */
static certstore_status read_stable(const struct csi_os *os, int dir, const char *name, int flags, const struct stat *seen, uint64_t limit,
                                    const char *about, struct csi_view *view, struct csi_buf *content, certstore_error *err)
{
    *view = (struct csi_view){ 0 };
    CSI_AUTO_FD fd = { os, csi_os_open(os, dir, name, O_RDONLY | O_NONBLOCK | flags, 0) };
    if (fd.fd == -ENOENT)
        return CERTSTORE_OK;
    if (fd.fd < 0)
        return cannot_read(about, fd.fd, limit, err);
    bool stable = false;
    for (int i = 0; i < READ_ATTEMPTS && !stable; i++)
        CSI_TRY(read_once(os, fd.fd, i == 0 ? seen : NULL, limit, about, view, content, &stable, err));
    if (!stable)
        return csi_fail(err, CERTSTORE_E_CONFLICT, "%s: somebody is writing to it; try again", about);
    return CERTSTORE_OK;
}

static certstore_status hand_over(const struct csi_view *view, struct csi_buf *content, csi_blob **bytes, certstore_error *err)
{
    if (!view->exists)
        return CERTSTORE_OK;
    *bytes = csi_blob_from_buf(content, err);
    return *bytes != NULL ? CERTSTORE_OK : err->status;
}

static certstore_status read_undigested(const struct csi_os *os, int dir, const char *name, int flags, const struct stat *seen, uint64_t limit,
                                        const char *about, struct csi_view *view, csi_blob **bytes, certstore_error *err)
{
    CSI_AUTO_BUF content = { 0 };
    CSI_TRY(read_stable(os, dir, name, flags, seen, limit, about, view, &content, err));
    return hand_over(view, &content, bytes, err);
}

static certstore_status read_digested(const struct csi_os *os, int dir, const char *name, int flags, const struct stat *seen, uint64_t limit,
                                      const char *about, struct csi_view *view, csi_blob **bytes, certstore_error *err)
{
    CSI_AUTO_BUF content = { 0 };
    CSI_TRY(read_stable(os, dir, name, flags, seen, limit, about, view, &content, err));
    if (view->exists)
        CSI_TRY(csi_digest_text(csi_buf_span(&content), view->digest, err));
    return hand_over(view, &content, bytes, err);
}

certstore_status csi_view_read(const struct csi_os *os, int dir, const char *name, int flags, uint64_t limit, const char *about,
                               struct csi_view *view, csi_blob **bytes, certstore_error *err)
{
    if (bytes == NULL)
        return read_stable(os, dir, name, flags, NULL, limit, about, view, NULL, err);
    return read_digested(os, dir, name, flags, NULL, limit, about, view, bytes, err);
}

certstore_status csi_view_read_seen(const struct csi_os *os, int dir, const char *name, const struct stat *seen, bool digested, uint64_t limit,
                                    const char *about, struct csi_view *view, csi_blob **bytes, certstore_error *err)
{
    return digested ? read_digested(os, dir, name, 0, seen, limit, about, view, bytes, err)
                    : read_undigested(os, dir, name, 0, seen, limit, about, view, bytes, err);
}

certstore_status csi_view_read_undigested(const struct csi_os *os, int dir, const char *name, int flags, uint64_t limit, const char *about,
                                          struct csi_view *view, csi_blob **bytes, certstore_error *err)
{
    return read_undigested(os, dir, name, flags, NULL, limit, about, view, bytes, err);
}

/* The end of the file is read as well: it must come where the bytes end. */
static int compare_file(const struct csi_os *os, int fd, struct csi_span bytes, bool *same)
{
    uint8_t window[WINDOW];
    size_t at = 0;
    ssize_t got;
    *same = true;
    while (*same && (got = os->pread(os, fd, window, sizeof window, (off_t)at)) != 0) {
        if (got == -EINTR)
            continue;
        if (got < 0)
            return (int)got;
        *same = (size_t)got <= bytes.size - at && memcmp(window, bytes.data + at, (size_t)got) == 0;
        at += *same ? (size_t)got : 0;
    }
    *same = *same && at == bytes.size;
    csi_wipe(window, sizeof window);
    return 0;
}

certstore_status csi_view_matches(const struct csi_os *os, int dir, const char *name, struct csi_span bytes, const char *about, bool *same,
                                  certstore_error *err)
{
    *same = false;
    CSI_AUTO_FD fd = { os, csi_os_open(os, dir, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0) };
    if (fd.fd == -ENOENT)
        return CERTSTORE_OK;
    const int status = fd.fd < 0 ? fd.fd : compare_file(os, fd.fd, bytes, same);
    return status < 0 ? cannot_read(about, status, UINT64_MAX, err) : CERTSTORE_OK;
}
