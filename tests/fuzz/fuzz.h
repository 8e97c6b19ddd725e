/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.h: what the fuzz targets share: promises that abort, ceilings under which the time goes into parsing. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdlib.h>

#include "codec/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void must(bool promise)
{
    if (!promise)
        abort();
}

/* Few iterations: a fuzzer that derives keys finds nothing else. */
static inline struct csi_limits fuzz_limits(uint64_t iterations)
{
    struct csi_limits limits = csi_limits_default;
    limits.value[CERTSTORE_LIMIT_KDF_ITERATIONS] = iterations;
    limits.value[CERTSTORE_LIMIT_KDF_TOTAL] = 5 * iterations;
    return limits;
}

static inline csi_passwords *fuzz_passwords(const char *store)
{
    certstore_error err = { 0 };
    csi_passwords *passwords = csi_passwords_new(&err);
    must(passwords != NULL);
    passwords->store = csi_secret_new(store, strlen(store), &err);
    must(passwords->store != NULL);
    return passwords;
}

static inline bool same_blob(const csi_blob *a, const csi_blob *b)
{
    return a == b || (a != NULL && b != NULL && csi_span_equal(csi_blob_span(a), csi_blob_span(b)));
}

#endif
