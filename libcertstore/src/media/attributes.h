/* SPDX-License-Identifier: Apache-2.0 */
/* attributes.h: the new file looks to everybody as the old one did: owner, extended attributes (ACLs and labels are such), mode. */
#ifndef CSI_ATTRIBUTES_H
#define CSI_ATTRIBUTES_H

#include "base/os.h"

/* From one open file (or directory) to another. The mode comes last: until then the new one is its owner's alone. */
certstore_status csi_attributes_copy(const struct csi_os *os, int from, int to, const char *about, certstore_error *err);

#endif
