/* SPDX-License-Identifier: Apache-2.0 */
/* limits.h: every ceiling, by name, and the budget of key derivation that one read may spend. */
#ifndef CSI_LIMITS_H
#define CSI_LIMITS_H

#include "base/error.h"

enum { CSI_LIMIT_COUNT = 8 };

/* Indexed by certstore_limit. */
struct csi_limits {
    uint64_t value[CSI_LIMIT_COUNT];
};
extern const struct csi_limits csi_limits_default;

/* CERTSTORE_E_LIMIT with a message that names the ceiling and how to raise it, if amount is over it. */
certstore_status csi_limit_check(const struct csi_limits *limits, certstore_limit limit, uint64_t amount, certstore_error *err);

/* Every derivation has a price of its own, whatever it iterates: a library context, providers, fetches. It is counted as this many iterations, or a
 * million keys of one iteration each would cost nothing. */
enum { CSI_DERIVATION_LEAST = 500 };

/* Iterations still allowed for this read. Asked BEFORE each derivation: checks the one and the sum, and takes the amount off. */
struct csi_budget {
    const struct csi_limits *limits;
    uint64_t spent;
};
certstore_status csi_budget_spend(struct csi_budget *budget, uint64_t iterations, certstore_error *err);

#endif
