/* SPDX-License-Identifier: Apache-2.0 */
/* index.h: positions by folded alias: open addressing, one hash a slot, no second copy of the aliases. */
#ifndef CSI_INDEX_H
#define CSI_INDEX_H

#include "base/text.h"

struct csi_alias_index;

/* The alias that stands at a position: how the index compares without a copy of its own. */
typedef const char *(*csi_alias_at)(const void *owner, size_t position);

struct csi_alias_index *csi_index_new(enum csi_alias_rule rule, csi_alias_at at, certstore_error *err);
void csi_index_free(struct csi_alias_index *index);
/* Position of an alias among the owner's; SIZE_MAX when there is none. */
size_t csi_index_find(const struct csi_alias_index *index, const void *owner, const char *alias);
/* Adds a position whose alias is not in the index yet. */
certstore_status csi_index_add(struct csi_alias_index *index, const void *owner, size_t position, certstore_error *err);
/* Built anew over `count` positions, after positions have moved. */
certstore_status csi_index_rebuild(struct csi_alias_index *index, const void *owner, size_t count, certstore_error *err);

#endif
