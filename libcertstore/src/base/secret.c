/* SPDX-License-Identifier: Apache-2.0 */
/* secret.c: passphrases and key bytes. */
#include "base/secret.h"

#include <stdatomic.h>
#include <sys/mman.h>

#include "base/error.h"

csi_secret *csi_secret_new(const void *data, size_t size, certstore_error *err)
{
    csi_secret *secret = csi_new(1, sizeof *secret, err);
    if (secret == NULL)
        return NULL;
    size_t bytes;
    secret->data = csi_add(size, 1, &bytes) ? calloc(bytes, 1) : NULL;
    if (secret->data == NULL) {
        free(secret);
        csi_error_memory(err);
        return NULL;
    }
    mlock(secret->data, bytes); /* a page that cannot be locked is still wiped */
    if (size > 0)
        memcpy(secret->data, data, size);
    secret->size = size;
    atomic_init(&secret->refs, 1);
    return secret;
}

csi_secret *csi_secret_ref(const csi_secret *secret)
{
    csi_secret *shared = (csi_secret *)(uintptr_t)secret; /* the count is the one thing that changes in a secret */
    if (shared != NULL)
        atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
    return shared;
}

void csi_secret_free(csi_secret *secret)
{
    if (secret == NULL || atomic_fetch_sub_explicit(&secret->refs, 1, memory_order_acq_rel) != 1)
        return;
    csi_wipe(secret->data, secret->size + 1);
    free(secret->data);
    free(secret);
}
