/* SPDX-License-Identifier: Apache-2.0 */
/*
 * objectset.h: what a token holds, as a set that can be compared: objects in the order of what makes them themselves (csi_object_essence). A token
 * may hold the same object twice, and then so does the set.
 */
#ifndef CSI_OBJECTSET_H
#define CSI_OBJECTSET_H

#include "model/object.h"
#include "txn/participant.h"

enum { CSI_ESSENCE_SIZE = 32 };

struct csi_set_item {
    uint8_t essence[CSI_ESSENCE_SIZE]; /* SHA-256 of it */
    csi_blob *object;                  /* NULL where only the essence is known */
};
struct csi_object_set {
    struct csi_set_item *items; /* ascending */
    size_t count;
    size_t capacity;
};
void csi_object_set_clear(struct csi_object_set *set);
#define CSI_AUTO_SET __attribute__((cleanup(csi_object_set_clear))) struct csi_object_set

/* Takes a reference. The set is to be sorted when all are in. */
certstore_status csi_object_set_add(struct csi_object_set *set, csi_blob *object, certstore_error *err);
certstore_status csi_object_set_add_item(struct csi_object_set *set, const struct csi_set_item *item, certstore_error *err);
void csi_object_set_sort(struct csi_object_set *set);
certstore_status csi_object_set_of(const struct csi_objects *objects, struct csi_object_set *set, certstore_error *err);
certstore_status csi_object_set_copy(const struct csi_object_set *from, struct csi_object_set *set, certstore_error *err);
/* The items of a that b has not, as often as it has them not. */
certstore_status csi_object_set_minus(const struct csi_object_set *a, const struct csi_object_set *b, struct csi_object_set *rest,
                                      certstore_error *err);
/* Every item of a, as often, is in b. */
bool csi_object_set_within(const struct csi_object_set *a, const struct csi_object_set *b);
bool csi_object_set_has(const struct csi_object_set *set, const struct csi_set_item *item);
bool csi_object_set_equal(const struct csi_object_set *a, const struct csi_object_set *b);
/* One digest of it all, as text. */
certstore_status csi_object_set_digest(const struct csi_object_set *set, char text[CSI_DIGEST_TEXT + 1], certstore_error *err);

#endif
