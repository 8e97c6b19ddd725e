/* SPDX-License-Identifier: Apache-2.0 */
/* path.h: where a name really leads: the file at the end of a chain of symlinks is the one that is replaced; the links stay. */
#ifndef CSI_PATH_H
#define CSI_PATH_H

#include "base/os.h"

/* The canonical absolute path: no symlink in it, no "." or "..". Its last component need not exist; its directory must. A symlink of another user in
 * a directory that everybody can write to is refused (what /proc/sys/fs/protected_symlinks guards against, which may be off). */
char *csi_path_resolve(const struct csi_os *os, const char *path, certstore_error *err);
/* The path with the current directory in front, if it is relative. */
char *csi_path_absolute(const struct csi_os *os, const char *path, certstore_error *err);
/* "/a/b" -> "/a" and "b"; "/b" -> "/" and "b". The caller's. */
certstore_status csi_path_split(const char *path, char **dir, char **name, certstore_error *err);

#endif
