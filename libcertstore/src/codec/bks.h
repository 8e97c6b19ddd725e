/* SPDX-License-Identifier: Apache-2.0 */
/* bks.h: what the reader of BKS stores shares with the opening of their keys. */
#ifndef CSI_BKS_H
#define CSI_BKS_H

#include "base/reader.h"
#include "model/key.h"

/* Java's writeUTF, and bytes behind their length. False: not all there. */
bool csi_bks_read_utf(struct csi_reader *r, struct csi_span *text);
bool csi_bks_read_bytes(struct csi_reader *r, struct csi_span *bytes);
/* The header that BKS and UBER share; false if it cannot be one. */
bool csi_bks_read_header(struct csi_reader *r);

/* A key as it stands in an entry of kind 2, and within the sealed ones. */
enum csi_bks_key_kind { CSI_BKS_PRIVATE = 0, CSI_BKS_PUBLIC = 1, CSI_BKS_SECRET = 2 };
struct csi_bks_key {
    enum csi_bks_key_kind kind;
    struct csi_span algorithm; /* modified UTF-8 */
    struct csi_span encoded;   /* PKCS#8, SubjectPublicKeyInfo, or raw bytes */
};
certstore_status csi_bks_read_key(struct csi_reader *r, struct csi_bks_key *key, certstore_error *err);
certstore_status csi_bks_plain_key(const struct csi_bks_key *key, struct csi_plain_key *plain, certstore_error *err);
/* Opens the content of a sealed entry: salt (u4 length, bytes), u4 iterations, ciphertext of PBEWithSHAAnd3-KeyTripleDES-CBC. */
certstore_status csi_bks_open_sealed(struct csi_span sealed, const csi_secret *password, struct csi_budget *budget, csi_secret **plain,
                                     certstore_error *err);
extern const struct csi_protection csi_protection_bks;

/* HMAC-SHA1 over the entries, with a key of key_size bytes derived from the passphrase. */
certstore_status csi_bks_mac(const csi_secret *password, struct csi_span salt, uint32_t iterations, size_t key_size, struct csi_span entries,
                             uint8_t mac[20], certstore_error *err);

#endif
