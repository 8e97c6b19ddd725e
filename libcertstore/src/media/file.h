/* SPDX-License-Identifier: Apache-2.0 */
/* file.h: the participant "this file shall hold these bytes". */
#ifndef CSI_FILE_H
#define CSI_FILE_H

#include "media/view.h"
#include "txn/engine.h"

extern const struct csi_participant_kind csi_file_kind;

/* location: canonical. seen, was: what was read (was: referenced; NULL where only its digest is known). wanted: referenced; NULL: the file shall not be there. private_bytes: mode 0600 if the file has to be
 * made. The caller fills in before and after. */
csi_participant *csi_file_participant(const struct csi_os *os, const char *location, const char *store_location, int part,
                                      const struct csi_view *seen, csi_blob *was, csi_blob *wanted, bool private_bytes, certstore_error *err);

#endif
