/* SPDX-License-Identifier: Apache-2.0 */
/* table.h: numbers by hash: open addressing, eight bytes a slot. The caller keeps what was hashed, and compares. */
#ifndef CSI_TABLE_H
#define CSI_TABLE_H

#include "base/error.h"

struct csi_slot {
    uint32_t hash;
    uint32_t value_plus_1; /* 0: empty */
};
/* Zero-initialise it. */
struct csi_table {
    struct csi_slot *slots; /* a power of two of them, at most three quarters of them taken */
    size_t slot_count;
    size_t used;
};

void csi_table_free(struct csi_table *table);
#define CSI_AUTO_TABLE __attribute__((cleanup(csi_table_free))) struct csi_table
certstore_status csi_table_copy(struct csi_table *to, const struct csi_table *from, certstore_error *err);
/* Room for so many values: that many puts cannot fail afterwards. */
certstore_status csi_table_reserve(struct csi_table *table, size_t count, certstore_error *err);
/* Adds a value below UINT32_MAX. Values that are equal to the caller belong in a list of the caller's own: a thousand equal hashes are a thousand
 * steps each. */
certstore_status csi_table_put(struct csi_table *table, uint32_t hash, size_t value, certstore_error *err);
/* Removes that value under that hash, if it is there. */
void csi_table_remove(struct csi_table *table, uint32_t hash, size_t value);
/* Lets the processor fetch what the next look-up of a hash will read, while there is something else to do. */
void csi_table_prefetch(const struct csi_table *table, uint32_t hash);
/* The values under a hash, one a call; SIZE_MAX past the last. *cursor is 0 at first, and the table's afterwards. */
size_t csi_table_next(const struct csi_table *table, uint32_t hash, size_t *cursor);

#endif
