/* SPDX-License-Identifier: Apache-2.0 */
/* verify.h: what is wrong, or soon will be, with what a store holds. docs/guide/findings.md lists the codes. */
#ifndef CSI_VERIFY_H
#define CSI_VERIFY_H

#include "model/bundle.h"

/* Adds a row for each finding, entry by entry. `now` in seconds; `days` before its end a certificate counts as expiring. Private keys are opened
 * with the passphrases the bundle was read with; everything else is judged from the skimmed bytes. */
certstore_status csi_bundle_verify(const certstore_bundle *bundle, int64_t now, int days, certstore_report *report, certstore_error *err);

#endif
