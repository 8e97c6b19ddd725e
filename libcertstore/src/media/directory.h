/* SPDX-License-Identifier: Apache-2.0 */
/*
 * directory.h: the participant "this directory shall hold these files": a sibling is built beside it (what stays is hard-linked, so other people's
 * files come along) and put in its place by one RENAME_EXCHANGE: a reader sees the old directory or the new one, and never a link to nothing.
 */
#ifndef CSI_DIRECTORY_H
#define CSI_DIRECTORY_H

#include "media/place_internal.h"

extern const struct csi_participant_kind csi_directory_kind;

/* Every regular file, and every symlink that leads to one or to nothing (then with no bytes), is a part. Everything else is carried along. */
certstore_status csi_directory_look(csi_place *place, uint64_t limit, csi_parts *parts, csi_snapshot *snapshot, certstore_error *err);
bool csi_directory_unchanged(const csi_place *place, const csi_snapshot *snapshot);
certstore_status csi_directory_replace(csi_txn *txn, csi_place *place, const csi_snapshot *snapshot, const csi_parts *wanted, certstore_error *err);
/* The digest of a directory of these parts, which must be sorted by name: of their names and their own digests. Content that parts share is digested
 * once. */
certstore_status csi_directory_digest(const csi_parts *parts, char *digest, certstore_error *err);
/* The same of one that was read without. */
certstore_status csi_directory_digest_of(const csi_snapshot *snapshot, char *digest, certstore_error *err);
/* A generation of a directory is kept as one file. */
certstore_status csi_archive_write(const csi_parts *parts, struct csi_buf *out, certstore_error *err);
csi_parts *csi_archive_read(struct csi_span bytes, certstore_error *err);

#endif
