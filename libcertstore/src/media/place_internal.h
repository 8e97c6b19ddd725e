/* SPDX-License-Identifier: Apache-2.0 */
/* place_internal.h: what place.c, history.c and directory.c share. */
#ifndef CSI_PLACE_INTERNAL_H
#define CSI_PLACE_INTERNAL_H

#include "media/beside.h"
#include "media/objectset.h"
#include "media/place.h"
#include "media/view.h"

/* Bytes whose digest is known: what a transaction was last asked to put here. That is so whether it was carried out or not; found here later, they need
 * not be digested again, nor kept twice. */
struct csi_known_bytes {
    csi_blob *bytes;
    char digest[CSI_DIGEST_TEXT + 1];
};
struct csi_place {
    struct csi_txn_env env; /* strings are copies */
    char *state_dir;
    char *actor;
    bool directory;
    csi_p11 *token;              /* NULL: files */
    struct csi_token_list known; /* that one, for recovery */
    struct csi_limits limits;    /* for a token's objects */
    size_t count;
    char *paths[CSI_PARTS_MAX]; /* canonical */
    struct csi_beside beside[CSI_PARTS_MAX];
    char store[CSI_DIGEST_TEXT + 1];
    struct csi_known_bytes known_bytes[CSI_PARTS_MAX]; /* of files */
    csi_snapshot *last;                                /* of the last read: spares hashing again what a stat shows to be unchanged */
};

/* A file of a directory, by name. */
struct csi_dir_entry {
    char *name;
    struct csi_view view;
    csi_blob *bytes; /* where the directory was read without digests */
};
struct csi_snapshot {
    _Atomic uint32_t refs;
    char store[CSI_DIGEST_TEXT + 1];
    size_t count;
    struct csi_view views[CSI_PARTS_MAX]; /* of a directory: the first one, of the directory itself, with its content's digest */
    csi_blob *bytes[CSI_PARTS_MAX];       /* of files: what was read, for the digests; NULL where there was none */
    struct csi_content_digests content;   /* of a directory; of files, see csi_snapshot_content() */
    struct csi_dir_entry *entries;
    bool undigested; /* the content of a directory is what its entries hold */
    size_t entry_count;
    size_t entry_capacity;
    struct csi_object_set objects; /* of a token */
};

/* Its parts are many, and a generation of them is kept as one archive. */
static inline bool csi_place_is_archived(const csi_place *place)
{
    return place->directory || place->token != NULL;
}
/* The names of the parts of a store of files. */
extern const char *const csi_part_names[CSI_PARTS_MAX];

csi_snapshot *csi_snapshot_new(const csi_place *place, certstore_error *err);
/* The content as it is now: parts may be NULL where only the digests are wanted. */
certstore_status csi_place_look(csi_place *place, uint64_t limit, csi_parts *parts, csi_snapshot **snapshot, certstore_error *err);
/* One digest of a store's parts: the only one's own, or that of both digests' text. */
certstore_status csi_content_digest(const struct csi_content_digests *content, char *digest, certstore_error *err);
/* The digests of what was read. They are made when a transaction asks for them, which most readers never do. */
certstore_status csi_snapshot_content(const csi_snapshot *snapshot, struct csi_content_digests *content, certstore_error *err);
/* The digests of what the place holds now, from the last read if a stat shows that it still holds. */
certstore_status csi_place_content(csi_place *place, struct csi_content_digests *content, certstore_error *err);

#endif
