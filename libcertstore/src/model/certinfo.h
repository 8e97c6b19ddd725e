/* SPDX-License-Identifier: Apache-2.0 */
/* certinfo.h: what a person asks a certificate: names of algorithms, sizes of keys, alternative names. All from the skimmed view. */
#ifndef CSI_CERTINFO_H
#define CSI_CERTINFO_H

#include "model/cert.h"

/* basicConstraints cA (RFC 5280 section 4.2.1.9); a version 1 certificate is none. */
bool csi_cert_is_ca(const struct csi_cert_view *view);
/* "RSA", "EC", "ED25519", "ED448", "X25519", "DSA", "DH", "RSA-PSS", or the dotted OID, of a whole SubjectPublicKeyInfo. */
bool csi_spki_algorithm(struct csi_span spki, struct csi_buf *out);
/* Bits of the key: the modulus, the curve's order, the prime; 0 when not known. */
int csi_spki_bits(struct csi_span spki);
/* The name OpenSSL gives a whole AlgorithmIdentifier, or its dotted OID. */
bool csi_algorithm_name(struct csi_span algorithm, struct csi_buf *out);
/* RFC 5280 section 4.2.1.6, one name a line: DNS:, IP:, email:, URI:, DirName:, RID:, otherName:OID. True (and nothing) without the
 * extension. */
bool csi_cert_sans(const struct csi_cert_view *view, struct csi_buf *out);
/* How a message names a certificate: its subject and 8 digits of its fingerprint. */
void csi_cert_label(struct csi_span der, struct csi_buf *out);

#endif
