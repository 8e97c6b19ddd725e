/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index.h: positions by folded alias, found in constant time, whatever was removed before: an alias leads to an ordinal that its entry keeps for
 * life, and the ordinals in order of position are sorted, since entries are only ever added behind the others.
 */
#ifndef CSI_INDEX_H
#define CSI_INDEX_H

#include "base/text.h"

struct csi_alias_index;

/* The alias that stands at a position: how the index compares without a copy of its own. */
typedef const char *(*csi_alias_at)(const void *owner, size_t position);

struct csi_alias_index *csi_index_new(enum csi_alias_rule rule, csi_alias_at at, certstore_error *err);
struct csi_alias_index *csi_index_copy(const struct csi_alias_index *index, certstore_error *err);
void csi_index_free(struct csi_alias_index *index);
/* What an alias is found by, made once for a search and what follows it. The place in the table is on its way to the processor afterwards. */
uint32_t csi_index_hash(const struct csi_alias_index *index, const char *alias);
/* Room for that many aliases, so that the table does not grow by copying. */
certstore_status csi_index_reserve(struct csi_alias_index *index, size_t count, certstore_error *err);
/* Position of an alias, whose hash that is, among the owner's; SIZE_MAX when there is none. */
size_t csi_index_find(const struct csi_alias_index *index, const void *owner, const char *alias, uint32_t hash);
/* Adds the position behind the last, under the hash of an alias that is not in the index yet. */
certstore_status csi_index_append(struct csi_alias_index *index, uint32_t hash, certstore_error *err);
/* Takes a position out; those behind it move up by one. */
void csi_index_remove(struct csi_alias_index *index, size_t position, const char *alias);
/* The entry at a position gets another alias, which is not in the index yet. */
certstore_status csi_index_rename(struct csi_alias_index *index, size_t position, const char *alias, const char *new_alias, certstore_error *err);

#endif
