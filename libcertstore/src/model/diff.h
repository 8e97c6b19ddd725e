/* SPDX-License-Identifier: Apache-2.0 */
/* diff.h: what differs between two bundles, whatever their formats. docs/guide/findings.md lists the codes. */
#ifndef CSI_DIFF_H
#define CSI_DIFF_H

#include "model/bundle.h"

/* Adds a row for each difference from a to b; none when they mean the same. Sealed keys are not opened where their certificates say enough. */
certstore_status csi_bundle_diff(const certstore_bundle *a, const certstore_bundle *b, certstore_report *report, certstore_error *err);

#endif
