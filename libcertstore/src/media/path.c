/* SPDX-License-Identifier: Apache-2.0 */
/* path.c: symlinks resolved one component at a time (path_resolution(7)), so that each link's owner can be judged. */
#include "media/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

enum { LINKS_MAX = 40 }; /* as the kernel's MAXSYMLINKS */

struct walk {
    const struct csi_os *os;
    const char *whole; /* for messages */
    char *done;        /* canonical so far; "" is the root */
    char *rest;
    unsigned links;
};

static void clear_walk(struct walk *walk)
{
    free(walk->done);
    free(walk->rest);
}

static certstore_status replace(char **text, char *with, certstore_error *err)
{
    if (with == NULL)
        return err->status;
    free(*text);
    *text = with;
    return CERTSTORE_OK;
}

/* Takes the first component off the rest; NULL at the end. *last: nothing but slashes follows. */
static char *next(struct walk *walk, bool *last, certstore_error *err)
{
    const char *start = walk->rest + strspn(walk->rest, "/");
    if (*start == '\0')
        return NULL;
    size_t size = strcspn(start, "/");
    char *component = csi_strndup(start, size, err);
    *last = start[size + strspn(start + size, "/")] == '\0';
    if (component == NULL || replace(&walk->rest, csi_strdup(start + size, err), err) != CERTSTORE_OK) {
        free(component);
        return NULL;
    }
    return component;
}

static certstore_status check_link_owner(const struct walk *walk, const char *link, certstore_error *err)
{
    struct stat dir;
    struct stat st;
    const struct csi_os *os = walk->os;
    int status = os->stat(os, AT_FDCWD, walk->done[0] != '\0' ? walk->done : "/", 0, &dir);
    if (status == 0)
        status = os->stat(os, AT_FDCWD, link, AT_SYMLINK_NOFOLLOW, &st);
    if (status < 0)
        return csi_fail_errno(err, -status, "%s: cannot be followed; see the cause", walk->whole);
    bool shared = (dir.st_mode & S_IWOTH) != 0 && (dir.st_mode & S_ISVTX) != 0;
    if (shared && st.st_uid != os->euid(os) && st.st_uid != dir.st_uid)
        return csi_fail(err, CERTSTORE_E_READ_ONLY, "%s: %s is another user's symlink in a shared directory; name the file itself", walk->whole,
                        link);
    return CERTSTORE_OK;
}

static certstore_status follow(struct walk *walk, const char *link, const char *text, certstore_error *err)
{
    if (++walk->links > LINKS_MAX)
        return csi_fail_errno(err, ELOOP, "%s: its symlinks go round in circles; mend them", walk->whole);
    CSI_TRY(check_link_owner(walk, link, err));
    CSI_TRY(replace(&walk->rest, csi_format(err, "%s/%s", text, walk->rest), err));
    return text[0] == '/' ? replace(&walk->done, csi_strdup("", err), err) : CERTSTORE_OK;
}

static certstore_status step(struct walk *walk, const char *component, bool last, certstore_error *err)
{
    if (strcmp(component, ".") == 0)
        return CERTSTORE_OK;
    if (strcmp(component, "..") == 0) {
        char *slash = strrchr(walk->done, '/');
        if (slash != NULL)
            *slash = '\0';
        return CERTSTORE_OK;
    }
    CSI_AUTO(csi_chars) *path = csi_format(err, "%s/%s", walk->done, component);
    CSI_AUTO(csi_chars) *text = NULL;
    if (path == NULL)
        return err->status;
    int status = csi_os_readlink(walk->os, AT_FDCWD, path, &text);
    if (status == 0)
        return follow(walk, path, text, err);
    if (status == -ENOENT && !last)
        return csi_fail_errno(err, ENOENT, "%s: there is no directory %s; make it first", walk->whole, path);
    if (status != -EINVAL && status != -ENOENT)
        return csi_fail_errno(err, -status, "%s: cannot be reached; see the cause", walk->whole);
    return replace(&walk->done, csi_steal(&path), err);
}

char *csi_path_absolute(const struct csi_os *os, const char *path, certstore_error *err)
{
    char cwd[PATH_MAX];
    if (path[0] == '/')
        return csi_strdup(path, err);
    int status = os->cwd(os, cwd, sizeof cwd);
    if (status == 0)
        return csi_format(err, "%s/%s", cwd, path);
    csi_fail_errno(err, -status, "%s: the current directory cannot be found; give the whole path", path);
    return NULL;
}

char *csi_path_resolve(const struct csi_os *os, const char *path, certstore_error *err)
{
    struct walk walk __attribute__((cleanup(clear_walk))) = { .os = os, .whole = path, .done = csi_strdup("", err) };
    walk.rest = csi_path_absolute(os, path, err);
    while (err->status == CERTSTORE_OK) {
        bool last = false;
        CSI_AUTO(csi_chars) *component = next(&walk, &last, err);
        if (component == NULL)
            break;
        step(&walk, component, last, err);
    }
    if (err->status == CERTSTORE_OK && walk.done[0] == '\0')
        csi_fail(err, CERTSTORE_E_ARGUMENT, "%s: is the root directory; name a file", path);
    return err->status == CERTSTORE_OK ? csi_steal(&walk.done) : NULL;
}

certstore_status csi_path_split(const char *path, char **dir, char **name, certstore_error *err)
{
    const char *slash = strrchr(path, '/');
    CSI_AUTO(csi_chars) *first = csi_strndup(path, slash == path ? 1 : (size_t)(slash - path), err);
    CSI_AUTO(csi_chars) *second = csi_strdup(slash + 1, err);
    if (first == NULL || second == NULL)
        return err->status;
    *dir = csi_steal(&first);
    *name = csi_steal(&second);
    return CERTSTORE_OK;
}
