/* SPDX-License-Identifier: Apache-2.0 */
/* x509.h: the two questions about certificates that the command asks OpenSSL itself. */
#ifndef TOOL_X509_H
#define TOOL_X509_H

#include <stdbool.h>

#include "heap.h"

/* Whether issuer signed subject: names, key identifiers and the signature itself. */
bool x509_issued(const certstore_cert *issuer, const certstore_cert *subject);
/* SHA-1 of the DER in lower-case hexadecimal, owned: what older tools show. NULL when it cannot be had. */
char *x509_sha1(const certstore_cert *cert);

#endif
