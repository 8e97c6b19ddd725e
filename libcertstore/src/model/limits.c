/* SPDX-License-Identifier: Apache-2.0 */
/* limits.c: every ceiling, by name. */
#include "model/limits.h"

#include <inttypes.h>

const struct csi_limits csi_limits_default = {
    .value = {
        [CERTSTORE_LIMIT_FILE_SIZE] = 256 << 20,
        [CERTSTORE_LIMIT_ENTRIES] = 200000,
        [CERTSTORE_LIMIT_ALIAS_SIZE] = 65535, /* what Java's writeUTF can count */
        [CERTSTORE_LIMIT_CHAIN_LENGTH] = 64,
        [CERTSTORE_LIMIT_CERT_SIZE] = 16 << 20,
        [CERTSTORE_LIMIT_KDF_ITERATIONS] = 5000000, /* jdk: "iteration count too large" above this */
        [CERTSTORE_LIMIT_KDF_TOTAL] = 10000000,
        [CERTSTORE_LIMIT_NESTING] = 32,
    },
};

static const char *const names[CSI_LIMIT_COUNT] = {
    [CERTSTORE_LIMIT_FILE_SIZE] = "bytes of a file",
    [CERTSTORE_LIMIT_ENTRIES] = "entries of a store",
    [CERTSTORE_LIMIT_ALIAS_SIZE] = "bytes of an alias",
    [CERTSTORE_LIMIT_CHAIN_LENGTH] = "certificates of a chain",
    [CERTSTORE_LIMIT_CERT_SIZE] = "bytes of a certificate, CRL or key",
    [CERTSTORE_LIMIT_KDF_ITERATIONS] = "iterations of one key derivation",
    [CERTSTORE_LIMIT_KDF_TOTAL] = "iterations of key derivation in one read",
    [CERTSTORE_LIMIT_NESTING] = "levels of nesting",
};

certstore_status csi_limit_check(const struct csi_limits *limits, certstore_limit limit, uint64_t amount, certstore_error *err)
{
    if (amount <= limits->value[limit])
        return CERTSTORE_OK;
    return csi_fail(err, CERTSTORE_E_LIMIT, "limit: %" PRIu64 " %s, and %" PRIu64 " are allowed; raise limit %d if you trust the input", amount,
                    names[limit], limits->value[limit], (int)limit);
}

certstore_status csi_budget_spend(struct csi_budget *budget, uint64_t iterations, certstore_error *err)
{
    CSI_TRY(csi_limit_check(budget->limits, CERTSTORE_LIMIT_KDF_ITERATIONS, iterations, err));
    uint64_t spent;
    if (iterations < CSI_DERIVATION_LEAST)
        iterations = CSI_DERIVATION_LEAST;
    if (__builtin_add_overflow(budget->spent, iterations, &spent))
        spent = UINT64_MAX;
    CSI_TRY(csi_limit_check(budget->limits, CERTSTORE_LIMIT_KDF_TOTAL, spent, err));
    budget->spent = spent;
    return CERTSTORE_OK;
}
