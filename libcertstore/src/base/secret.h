/* SPDX-License-Identifier: Apache-2.0 */
/* secret.h: the one type that holds passphrases and key bytes: locked in memory where possible, wiped, never printed. */
#ifndef CSI_SECRET_H
#define CSI_SECRET_H

#include "base/mem.h"

struct csi_secret {
    uint8_t *data; /* followed by a NUL that does not count */
    size_t size;
    _Atomic uint32_t refs;
};
typedef struct csi_secret csi_secret;

csi_secret *csi_secret_new(const void *data, size_t size, certstore_error *err);
csi_secret *csi_secret_ref(const csi_secret *secret);
void csi_secret_free(csi_secret *secret); /* drops one reference */
static inline struct csi_span csi_secret_span(const csi_secret *secret)
{
    return csi_span(secret->data, secret->size);
}
/* In a time that depends on the sizes alone. */
static inline bool csi_secret_equal(const csi_secret *a, const csi_secret *b)
{
    return a->size == b->size && csi_equal_ct(a->data, b->data, a->size);
}
CSI_DEFINE_AUTO(csi_secret, csi_secret_free)

#endif
