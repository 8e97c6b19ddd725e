/* SPDX-License-Identifier: Apache-2.0 */
/* attributes.c: what is copied, and what is refused rather than lost. */
#include "media/attributes.h"

#include <errno.h>

enum { NAMES_FEW = 512, NAMES_ROOM = 65536, VALUE_ROOM = 65536 }; /* the latter two: the kernel's XATTR_LIST_MAX and XATTR_SIZE_MAX */

struct xattrs {
    char *names; /* one after the other, each with its NUL */
    size_t size;
};

static void clear_xattrs(struct xattrs *xattrs)
{
    free(xattrs->names);
}

static certstore_status fail(const char *about, int number, const char *what, certstore_error *err)
{
    return csi_fail_errno(err, -number, "%s: its %s cannot be kept; run as a user who may set it", about, what);
}

static certstore_status list(const struct csi_os *os, int fd, struct xattrs *xattrs, const char *about, certstore_error *err)
{
    ssize_t size = -ERANGE;
    for (size_t room = NAMES_FEW; size == -ERANGE && room <= NAMES_ROOM; room *= NAMES_ROOM / NAMES_FEW) {
        free(xattrs->names);
        xattrs->names = csi_new(room, 1, err);
        if (xattrs->names == NULL)
            return err->status;
        size = os->xattr_list(os, fd, xattrs->names, room);
    }
    if (size < 0 && size != -ENOTSUP)
        return fail(about, (int)size, "list of extended attributes", err);
    xattrs->size = size > 0 ? (size_t)size : 0;
    return CERTSTORE_OK;
}

/* Digests of the old content: they would be wrong of the new one, and the kernel makes them itself. */
static bool follows_content(const char *name)
{
    return strcmp(name, "security.ima") == 0 || strcmp(name, "security.evm") == 0;
}

static bool among(const struct xattrs *xattrs, const char *wanted)
{
    for (const char *name = xattrs->names; name < xattrs->names + xattrs->size; name += strlen(name) + 1)
        if (strcmp(name, wanted) == 0)
            return true;
    return false;
}

static certstore_status copy_one(const struct csi_os *os, int from, int to, const char *name, const char *about, certstore_error *err)
{
    CSI_AUTO(csi_octets) *value = csi_new(VALUE_ROOM, 1, err);
    CSI_AUTO(csi_octets) *present = csi_new(VALUE_ROOM, 1, err);
    if (value == NULL || present == NULL)
        return err->status;
    ssize_t size = os->xattr_get(os, from, name, value, VALUE_ROOM);
    if (size < 0)
        return fail(about, (int)size, name, err);
    /* What the system gave the new file by itself (a label, say) need not be set, which might not be allowed. */
    ssize_t there = os->xattr_get(os, to, name, present, VALUE_ROOM);
    if (there == size && (size == 0 || memcmp(value, present, (size_t)size) == 0))
        return CERTSTORE_OK;
    int status = os->xattr_set(os, to, name, value, (size_t)size);
    return status < 0 ? fail(about, status, name, err) : CERTSTORE_OK;
}

static certstore_status copy_xattrs(const struct csi_os *os, int from, int to, const char *about, certstore_error *err)
{
    struct xattrs old __attribute__((cleanup(clear_xattrs))) = { 0 };
    struct xattrs new __attribute__((cleanup(clear_xattrs))) = { 0 };
    CSI_TRY(list(os, from, &old, about, err));
    CSI_TRY(list(os, to, &new, about, err));
    for (const char *name = old.names; name < old.names + old.size; name += strlen(name) + 1)
        if (!follows_content(name))
            CSI_TRY(copy_one(os, from, to, name, about, err));
    /* A default ACL of the directory must not open the new file to more people than the old one. */
    for (const char *name = new.names; name < new.names + new.size; name += strlen(name) + 1) {
        int status = among(&old, name) || follows_content(name) ? 0 : os->xattr_remove(os, to, name);
        if (status < 0 && status != -ENODATA)
            return fail(about, status, name, err);
    }
    return CERTSTORE_OK;
}

certstore_status csi_attributes_copy(const struct csi_os *os, int from, int to, const char *about, certstore_error *err)
{
    struct stat old;
    struct stat new;
    int status = csi_os_fstat(os, from, &old);
    if (status == 0)
        status = csi_os_fstat(os, to, &new);
    if (status < 0)
        return csi_fail_errno(err, -status, "%s: cannot be looked at; see the cause", about);
    if (old.st_uid != new.st_uid || old.st_gid != new.st_gid) {
        status = os->chown(os, to, old.st_uid, old.st_gid);
        if (status < 0)
            return fail(about, status, "owner", err);
    }
    CSI_TRY(copy_xattrs(os, from, to, about, err));
    status = os->chmod(os, to, old.st_mode & 07777);
    return status < 0 ? fail(about, status, "mode", err) : CERTSTORE_OK;
}
