/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundle.h: the value of a store: ordered entries plus its document. An index over folded aliases finds an entry in constant time.
 */
#ifndef CSI_BUNDLE_H
#define CSI_BUNDLE_H

#include "model/deque.h"
#include "model/entry.h"
#include "model/report.h"
#include "model/table.h"

struct csi_alias_index; /* model/index.h */

struct certstore_bundle {
    const char *format; /* static text: the codec's name */
    enum csi_alias_rule rule;
    certstore_integrity integrity;
    certstore_entry **entries; /* what `list` holds, for reading */
    size_t count;
    struct csi_deque list;
    struct csi_alias_index *index;
    size_t read_count;        /* entries when it had been read */
    csi_document *document;   /* what it was read from; NULL when made in memory */
    struct csi_table removed; /* the origins that were read and are no longer here: whoever puts one back gets it back */
    bool reordered;           /* one was put back, and so moved to the end */
    certstore_report *notes;
    void *snapshot; /* what the place looked like when it was read (media's); freed by snapshot_free */
    void (*snapshot_free)(void *snapshot);
    void *(*snapshot_ref)(const void *snapshot); /* for the bundle's copies */
};
CSI_DEFINE_AUTO(certstore_bundle, certstore_bundle_free)

certstore_bundle *csi_bundle_new(const char *format, enum csi_alias_rule rule, certstore_error *err);
certstore_bundle *csi_bundle_copy(const certstore_bundle *bundle, certstore_error *err);
/* Room in the index for as many entries as a decoder has found to come. */
certstore_status csi_bundle_reserve(certstore_bundle *bundle, size_t count, certstore_error *err);
/* What an alias is found by here. Who makes it before the entry spares the wait for memory in a large index. */
uint32_t csi_bundle_hash(const certstore_bundle *bundle, const char *alias);
/* Appends an entry while decoding, under the hash of its alias: takes the caller's reference (also when it fails) and freezes it. An alias that is
 * there already: with unique_alias true it is made unique with a suffix; otherwise the earlier entry is REPLACED in place (what Java does with
 * duplicates). */
certstore_status csi_bundle_append_hashed(certstore_bundle *bundle, certstore_entry *entry, uint32_t hash, bool unique_alias, certstore_error *err);
certstore_status csi_bundle_append(certstore_bundle *bundle, certstore_entry *entry, bool unique_alias, certstore_error *err);
/* The same where another entry has the alias: that one gets a name of its own instead, and stays where it is. */
certstore_status csi_bundle_append_instead(certstore_bundle *bundle, certstore_entry *entry, certstore_error *err);
/* Position by alias under the bundle's rule; SIZE_MAX when there is none. */
size_t csi_bundle_position(const certstore_bundle *bundle, const char *alias);
certstore_status csi_bundle_put(certstore_bundle *bundle, const certstore_entry *entry, certstore_error *err);
certstore_status csi_bundle_remove(certstore_bundle *bundle, const char *alias, certstore_error *err);
certstore_status csi_bundle_rename(certstore_bundle *bundle, const char *alias, const char *new_alias, certstore_error *err);
/* True while nothing differs from what was read: same entries, same order, nothing changed. Such a bundle is never written. */
bool csi_bundle_pristine(const certstore_bundle *bundle);
/* A stable readable alias for what a format gives none: the subject's CN, else OU, else O, in lower case, with '-' for what does not belong in a
 * name; "certificate" where there is none of them. csi_bundle_append() tells two of them apart. */
char *csi_alias_for_cert(struct csi_span der, certstore_error *err);
/* The same into memory of the caller's, for decoders that make up thousands. */
enum { CSI_ALIAS_ROOM = 100 };
certstore_status csi_alias_make(struct csi_span der, char alias[CSI_ALIAS_ROOM], certstore_error *err);

#endif
