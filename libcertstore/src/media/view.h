/* SPDX-License-Identifier: Apache-2.0 */
/* view.h: what a file looked like when it was read, so that a change by somebody else is seen: by one stat, or, failing that, by its digest. */
#ifndef CSI_VIEW_H
#define CSI_VIEW_H

#include "txn/participant.h"

struct csi_view {
    bool exists;
    bool racy; /* changed so shortly before it was read that a change in the same clock tick would show in no time stamp */
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec mtime;
    struct timespec ctime;
    char digest[CSI_DIGEST_TEXT + 1]; /* "": does not exist */
};

/* Reads a file whole (flags: O_NOFOLLOW, or 0 to follow a symlink). *bytes may be wanted or not (NULL). A missing file is a view that says so, with
 * *bytes NULL. CERTSTORE_E_ARGUMENT for what is no regular file, CERTSTORE_E_LIMIT over the limit, CERTSTORE_E_CONFLICT when it keeps changing while
 * it is read. */
certstore_status csi_view_read(const struct csi_os *os, int dir, const char *name, int flags, uint64_t limit, const char *about,
                               struct csi_view *view, csi_blob **bytes, certstore_error *err);
/* The same for a file that the caller has just looked at, which spares a look; with a digest or without. */
certstore_status csi_view_read_seen(const struct csi_os *os, int dir, const char *name, const struct stat *seen, bool digested, uint64_t limit,
                                    const char *about, struct csi_view *view, csi_blob **bytes, certstore_error *err);
/* The same, leaving the digest empty: it costs as much as reading, and most who read never ask for it. */
certstore_status csi_view_read_undigested(const struct csi_os *os, int dir, const char *name, int flags, uint64_t limit, const char *about,
                                          struct csi_view *view, csi_blob **bytes, certstore_error *err);
/* Whether a file of our own holds exactly these bytes. Comparing spares a digest over all of it. */
certstore_status csi_view_matches(const struct csi_os *os, int dir, const char *name, struct csi_span bytes, const char *about, bool *same,
                                  certstore_error *err);
/* What a stat says of a file, with nothing of its content. */
void csi_view_of(const struct stat *st, struct csi_view *view);
/* One stat: certainly unchanged? (A racy view never is certain.) */
bool csi_view_holds(const struct csi_os *os, int dir, const char *name, int flags, const struct csi_view *view);
/* The same file with the same content by inode, size and modification time; its link count (and so ctime) may have changed. */
bool csi_view_same_content(const struct csi_view *view, const struct stat *st);
/* The same as well by its change time: nothing about it was changed. */
bool csi_view_unchanged(const struct csi_view *view, const struct stat *st);

#endif
