/* SPDX-License-Identifier: Apache-2.0 */
/* purpose.h: trust purposes: one model, mapped onto Java's trust attribute, OpenSSL's TRUSTED CERTIFICATE, and later NSS and PKCS#11. */
#ifndef CSI_PURPOSE_H
#define CSI_PURPOSE_H

#include "base/mem.h"

/* "serverAuth" and the like to the DER content of the extended key usage OID (RFC 5280 section 4.2.1.12), a dotted OID likewise; false if it is
 * neither. */
bool csi_purpose_to_oid(const char *purpose, uint8_t *oid, size_t room, size_t *size);
/* And back: the short name where there is one, else the dotted form. */
bool csi_purpose_from_oid(struct csi_span oid, char *text, size_t room);

#endif
