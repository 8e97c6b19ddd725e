/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokenplan.h: how a token gets from the objects it holds to those it shall hold, so that any step can be looked at, taken back or done again.
 *
 *     old = kept + destroyed + condemned + from           new = kept + created + swapped + to
 *
 *     created     made while staging: for a while a reader sees old and new together, never a gap
 *     swapped     cannot be made while an old one is there (NSS: one certificate of an issuer and serial number): made at promotion, right after it
 * went
 *     destroyed   by promotion, last
 *     from, to    keys that cannot be made again and get another label or ID
 *     condemned   keys that nobody can make again, and that the caller gave up: destroyed when the transaction is final, never before
 *
 * A key that is neither wanted nor given up is kept: see enum csi_key_fate.
 */
#ifndef CSI_TOKENPLAN_H
#define CSI_TOKENPLAN_H

#include "media/objectset.h"
#include "media/place.h"

struct csi_token_plan {
    struct csi_object_set kept;
    struct csi_object_set created;
    struct csi_object_set swapped;
    struct csi_object_set destroyed;
    struct csi_object_set condemned;
    struct csi_objects from; /* from.items[i] becomes to.items[i] */
    struct csi_objects to;
};
void csi_token_plan_clear(struct csi_token_plan *plan);
#define CSI_AUTO_PLAN __attribute__((cleanup(csi_token_plan_clear))) struct csi_token_plan

/* CERTSTORE_E_LOSSY: a key would have to be destroyed. CERTSTORE_E_NOT_FOUND: a key is wanted that is not there and cannot be made. */
certstore_status csi_token_plan_make(const struct csi_object_set *old, const struct csi_object_set *wanted, unsigned traits, enum csi_key_fate fate,
                                     struct csi_token_plan *plan, certstore_error *err);
/* True if old and new are the same. */
bool csi_token_plan_is_empty(const struct csi_token_plan *plan);
certstore_status csi_token_plan_old(const struct csi_token_plan *plan, struct csi_object_set *old, certstore_error *err);
certstore_status csi_token_plan_new(const struct csi_token_plan *plan, struct csi_object_set *new, certstore_error *err);

/* As bytes, for recovery: of what stays only the essence, and no secret of any key. */
certstore_status csi_token_plan_write(const struct csi_token_plan *plan, struct csi_buf *out, certstore_error *err);
certstore_status csi_token_plan_read(struct csi_span bytes, struct csi_token_plan *plan, certstore_error *err);

#endif
