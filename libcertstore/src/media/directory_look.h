/* SPDX-License-Identifier: Apache-2.0 */
/* directory_look.h: what a directory of files holds now: its parts, and all of it in one digest. */
#ifndef CSI_DIRECTORY_LOOK_H
#define CSI_DIRECTORY_LOOK_H

#include "media/place_internal.h"

enum csi_look_kind { CSI_LOOK_PART, CSI_LOOK_DANGLING, CSI_LOOK_OTHER, CSI_LOOK_GONE };

/* What bears that name: a file, seen through symlinks; a symlink to nothing; what is none of ours; nothing. */
certstore_status csi_look_kind(const struct csi_os *os, int fd, const char *name, const char *about, enum csi_look_kind *kind, certstore_error *err);

struct csi_look {
    const struct csi_os *os;
    const char *about;
    uint64_t left;          /* bytes that may still be read */
    csi_parts *parts;       /* gets what is found; may be NULL */
    csi_snapshot *snapshot; /* likewise */
};
/* Looks at the directory of that name in another one. Its digest is made of its parts' names and digests; "" for a directory that is not there. digest
 * NULL: files are read without; what they hold stays in the snapshot, from which the digest can be made. */
certstore_status csi_look_at(struct csi_look *look, int dir, const char *name, char *digest, certstore_error *err);

#endif
