/* SPDX-License-Identifier: Apache-2.0 */
/* pkey.h: an entry's private key as an EVP_PKEY, and what can be said of a key without one. */
#ifndef CSI_PKEY_H
#define CSI_PKEY_H

#include <openssl/types.h>

#include "model/entry.h"

/* Opens the entry's private key; the caller frees it. CERTSTORE_E_PASSWORD if no passphrase at hand opens it. A key on a token stays there: see
 * key/provider.h. */
EVP_PKEY *csi_entry_pkey(const certstore_entry *entry, certstore_error *err);
/* The private key's public half as SubjectPublicKeyInfo, by the key itself; the certificate is asked only where a token does not say it. */
certstore_status csi_entry_public_key(const certstore_entry *entry, struct csi_buf *out, certstore_error *err);
/* "RSA" and the like of the entry's private or secret key. */
certstore_status csi_entry_key_algorithm(const certstore_entry *entry, struct csi_buf *out, certstore_error *err);
certstore_status csi_entry_key_bits(const certstore_entry *entry, int *bits, certstore_error *err);
/* Does the first certificate carry the private key's public key? CERTSTORE_E_MISMATCH if not. */
certstore_status csi_entry_check_key(const certstore_entry *entry, certstore_error *err);

#endif
