/* SPDX-License-Identifier: Apache-2.0 */
/* report.h: rows of findings. The codes are listed in docs/guide/findings.md; scripts/check-docs holds the two together. */
#ifndef CSI_REPORT_H
#define CSI_REPORT_H

#include "base/error.h"

struct csi_finding {
    const char *code; /* static text */
    certstore_severity severity;
    char *subject;
    char *message;
};
struct certstore_report {
    struct csi_finding *rows;
    size_t count;
    size_t capacity;
    bool left_out_only; /* of losses: asked only for the first entry that encode() would leave out and say nothing; no other row is taken */
};
CSI_DEFINE_AUTO(certstore_report, certstore_report_free)

certstore_report *csi_report_new(certstore_error *err);
certstore_report *csi_report_copy(const certstore_report *report, certstore_error *err);
certstore_status csi_report_add(certstore_report *report, const char *code, certstore_severity severity, const char *subject, certstore_error *err,
                                const char *format, ...) CSI_PRINTF(6, 7);

#endif
