/* SPDX-License-Identifier: Apache-2.0 */
/* csr.h: certificate requests (PKCS#10, RFC 2986). */
#ifndef CSI_CSR_H
#define CSI_CSR_H

#include <openssl/types.h>

#include "base/buf.h"

/* A signed request in DER. subject: RFC 4514 text; sans: comma-separated DNS names, addresses and "email:", "URI:" names, "" for none. */
csi_blob *csi_csr_make(EVP_PKEY *key, const char *subject, const char *sans, certstore_error *err);

#endif
