/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.h: what the fuzz targets share: promises that abort, ceilings under which the time goes into parsing, bundles compared. */
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

static inline void must_be_the_same_entry(const certstore_entry *a, const certstore_entry *b)
{
    must(a->kind == b->kind && strcmp(a->alias, b->alias) == 0 && a->created_ms == b->created_ms && a->unnamed == b->unnamed);
    must(csi_entry_same_certs(a, b) && csi_entry_same_trust(a, b) && same_blob(a->content, b->content));
    must((a->key == NULL) == (b->key == NULL));
    if (a->key != NULL)
        must(a->key->protection == b->key->protection && same_blob(a->key->sealed, b->key->sealed));
}

/* The same entries in the same order, and found by their aliases. */
static inline void must_be_the_same(const certstore_bundle *a, const certstore_bundle *b)
{
    must(a->count == b->count);
    for (size_t i = 0; i < a->count; i++) {
        must_be_the_same_entry(a->entries[i], b->entries[i]);
        must(csi_bundle_position(b, a->entries[i]->alias) == i);
    }
}

#endif
