/* SPDX-License-Identifier: Apache-2.0 */
/* name_hash.h: the number by which OpenSSL finds a certificate in a hashed directory. */
#ifndef CSI_NAME_HASH_H
#define CSI_NAME_HASH_H

#include "base/mem.h"

/* What X509_NAME_hash_ex() gives for a whole Name in DER; false when it is malformed. */
bool csi_name_hash(struct csi_span name, uint32_t *hash);

#endif
