/* SPDX-License-Identifier: Apache-2.0 */
/* judge.h: what verify.c hands round: the report it fills, and the store it is about. */
#ifndef CSI_JUDGE_H
#define CSI_JUDGE_H

#include "model/bundle.h"
#include "model/table.h"

struct csi_judge {
    const certstore_bundle *bundle;
    int64_t now;
    int64_t soon;              /* what ends before this is expiring */
    struct csi_table subjects; /* hashes of the subjects of all certificates; values are of no interest */
    certstore_report *report;
    certstore_error *err;
};

static inline certstore_status csi_judge_add(const struct csi_judge *judge, const char *code, certstore_severity severity, const char *alias,
                                             const char *message)
{
    return csi_report_add(judge->report, code, severity, alias, judge->err, "%s", message);
}

uint32_t csi_judge_hash(struct csi_span bytes);
/* One certificate by itself: dates, key, signature. number 0 is an entry's first. */
certstore_status csi_judge_cert(const struct csi_judge *judge, const certstore_entry *entry, size_t number);
/* A revocation list by itself. */
certstore_status csi_judge_crl(const struct csi_judge *judge, const certstore_entry *entry);
/* A key's certificates: their order, and whether they lead anywhere. */
certstore_status csi_judge_chain(const struct csi_judge *judge, const certstore_entry *entry);

#endif
