/* SPDX-License-Identifier: Apache-2.0 */
/* tree.h: whole directories, to the depth that a hashed directory may reasonably have below it. */
#ifndef CSI_TREE_H
#define CSI_TREE_H

#include "base/os.h"

/* Removes a directory and what is in it; one that is not there is removed. */
certstore_status csi_tree_remove(const struct csi_os *os, int dir, const char *name, const char *about, certstore_error *err);
/* Gives whatever bears a name in one directory the same name in another: a second link (a symlink's own, not its target's); a directory is made
 * anew and filled likewise. */
certstore_status csi_tree_carry(const struct csi_os *os, int from, int to, const char *name, const char *about, certstore_error *err);

#endif
