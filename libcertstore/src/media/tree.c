/* SPDX-License-Identifier: Apache-2.0 */
/* tree.c: whole directories removed and carried along. */
#include "media/tree.h"

#include <errno.h>
#include <fcntl.h>

#include "media/attributes.h"

enum { DEPTH_MAX = 16 };

static certstore_status fail(const char *about, int number, const char *what, certstore_error *err)
{
    return csi_fail_errno(err, -number, "%s: cannot be %s; see the cause", about, what);
}

static certstore_status remove_tree(const struct csi_os *os, int dir, const char *name, const char *about, int depth, certstore_error *err)
{
    CSI_AUTO_NAMES names = { 0 };
    CSI_AUTO_FD fd = { os, csi_os_open(os, dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0) };
    if (fd.fd == -ENOENT)
        return CERTSTORE_OK;
    int status = fd.fd < 0 ? fd.fd : csi_os_names(os, fd.fd, &names);
    for (size_t i = 0; i < names.count && status == 0; i++) {
        status = os->unlink(os, fd.fd, names.items[i], 0);
        if (status == -EISDIR && depth < DEPTH_MAX) {
            CSI_TRY(remove_tree(os, fd.fd, names.items[i], about, depth + 1, err));
            status = 0;
        } else if (status == -ENOENT) {
            status = 0;
        }
    }
    if (status == 0)
        status = os->unlink(os, dir, name, AT_REMOVEDIR);
    return status < 0 && status != -ENOENT ? fail(about, status, "cleared of what was written beside it", err) : CERTSTORE_OK;
}

certstore_status csi_tree_remove(const struct csi_os *os, int dir, const char *name, const char *about, certstore_error *err)
{
    return remove_tree(os, dir, name, about, 0, err);
}

/* A second name for whatever it is (a symlink's own, not its target's); a directory is made anew and filled likewise. */
static certstore_status carry(const struct csi_os *os, int from, int to, const char *name, const char *about, int depth, certstore_error *err);

static certstore_status carry_tree(const struct csi_os *os, int from, int to, const char *name, const char *about, int depth, certstore_error *err)
{
    CSI_AUTO_NAMES names = { 0 };
    if (depth >= DEPTH_MAX)
        return csi_fail(err, CERTSTORE_E_READ_ONLY, "%s: its subdirectories are too deep to be carried along; move them out of it", about);
    int status = os->mkdir(os, to, name, 0700);
    if (status < 0)
        return fail(about, status, "built anew", err);
    CSI_AUTO_FD source = { os, csi_os_open(os, from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0) };
    CSI_AUTO_FD target = { os, csi_os_open(os, to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0) };
    status = source.fd < 0 ? source.fd : target.fd < 0 ? target.fd : csi_os_names(os, source.fd, &names);
    if (status < 0)
        return fail(about, status, "built anew", err);
    for (size_t i = 0; i < names.count; i++)
        CSI_TRY(carry(os, source.fd, target.fd, names.items[i], about, depth + 1, err));
    CSI_TRY(csi_attributes_copy(os, source.fd, target.fd, about, err));
    status = os->fsync(os, target.fd);
    return status < 0 ? fail(about, status, "made durable", err) : CERTSTORE_OK;
}

static certstore_status carry(const struct csi_os *os, int from, int to, const char *name, const char *about, int depth, certstore_error *err)
{
    struct stat st;
    int status = os->stat(os, from, name, AT_SYMLINK_NOFOLLOW, &st);
    if (status == 0 && S_ISDIR(st.st_mode))
        return carry_tree(os, from, to, name, about, depth, err);
    if (status == 0)
        status = os->link(os, from, name, to, name);
    return status < 0 ? fail(about, status, "built anew", err) : CERTSTORE_OK;
}

certstore_status csi_tree_carry(const struct csi_os *os, int from, int to, const char *name, const char *about, certstore_error *err)
{
    return carry(os, from, to, name, about, 0, err);
}
