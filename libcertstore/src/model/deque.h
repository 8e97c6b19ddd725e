/* SPDX-License-Identifier: Apache-2.0 */
/* deque.h: an array from whose middle an item is taken by moving the shorter side: emptying a large one from either end costs nothing to speak of. */
#ifndef CSI_DEQUE_H
#define CSI_DEQUE_H

#include "base/error.h"

/* Zero-initialise it, but for size. */
struct csi_deque {
    void *block; /* the allocation */
    void *items; /* the first item, somewhere in it */
    size_t count;
    size_t capacity; /* items in the block */
    size_t size;     /* bytes of one */
};

void csi_deque_free(struct csi_deque *deque);
certstore_status csi_deque_copy(struct csi_deque *to, const struct csi_deque *from, certstore_error *err);
/* Room for one more: the append after it cannot fail. */
certstore_status csi_deque_reserve(struct csi_deque *deque, certstore_error *err);
certstore_status csi_deque_append(struct csi_deque *deque, const void *item, certstore_error *err);
void csi_deque_remove(struct csi_deque *deque, size_t position);

#endif
