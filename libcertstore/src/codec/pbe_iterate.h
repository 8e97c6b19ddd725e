/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pbe_iterate.h: PBKDF2 (RFC 8018 section 5.2) and the PKCS#12 derivation (RFC 7292 appendix B.2) with SHA-1 and SHA-256, in whose iterations a
 * store of ordinary size spends nine tenths of its time. An iteration is one or two compressions, and nothing else here: through OpenSSL's own
 * functions it takes two to four times as long for the same bytes. The compressions themselves are OpenSSL's.
 */
#ifndef CSI_PBE_ITERATE_H
#define CSI_PBE_ITERATE_H

#include "base/buf.h"

struct csi_iterated_hash;
/* By OpenSSL's name of the digest; NULL for any other than the two, and where the process is to use validated (FIPS) code only. */
const struct csi_iterated_hash *csi_iterated_hash(const char *digest);
/* iterations: at least 1. */
void csi_iterate_pbkdf2(const struct csi_iterated_hash *hash, struct csi_span password, struct csi_span salt, uint64_t iterations, uint8_t *out,
                        size_t size);
/* id: what the bytes are for, RFC 7292 appendix B.3. The password is in the form that the format wants. Fails for want of memory only. */
certstore_status csi_iterate_pkcs12(const struct csi_iterated_hash *hash, uint8_t id, struct csi_span password, struct csi_span salt,
                                    uint64_t iterations, uint8_t *out, size_t size, certstore_error *err);

#endif
