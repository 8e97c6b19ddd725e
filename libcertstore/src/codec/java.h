/* SPDX-License-Identifier: Apache-2.0 */
/* java.h: what Java's key stores share beneath their formats: passphrases as Java sees them, and the algorithms they fix for good. */
#ifndef CSI_JAVA_H
#define CSI_JAVA_H

#include "base/buf.h"
#include "base/secret.h"

enum { CSI_SHA1_SIZE = 20, CSI_DES3_KEY_SIZE = 24, CSI_DES_BLOCK_SIZE = 8 };

/* A passphrase as Java's char[] in UTF-16BE, without mark and terminator. Bytes that are no UTF-8 are taken as ISO 8859-1. */
certstore_status csi_java_password(const csi_secret *password, struct csi_buf *utf16be, certstore_error *err);

/* The store digest of JKS and JCEKS over any number of pieces. */
struct csi_java_digest {
    uint8_t state[128]; /* an SHA_CTX; OpenSSL's header stays out of here */
};
certstore_status csi_java_digest_begin(struct csi_java_digest *digest, const csi_secret *password, certstore_error *err);
void csi_java_digest_add(struct csi_java_digest *digest, struct csi_span bytes);
/* Wipes the state: the passphrase went through it. */
void csi_java_digest_end(struct csi_java_digest *digest, uint8_t out[CSI_SHA1_SIZE]);

/* DES-EDE3-CBC with PKCS#5 padding. Opening is false for a ciphertext of an impossible size and for bad padding; plain is then untouched. */
bool csi_des3_open(const uint8_t key[CSI_DES3_KEY_SIZE], const uint8_t iv[CSI_DES_BLOCK_SIZE], struct csi_span ciphertext, struct csi_buf *plain);
void csi_des3_seal(const uint8_t key[CSI_DES3_KEY_SIZE], const uint8_t iv[CSI_DES_BLOCK_SIZE], struct csi_span plain, struct csi_buf *ciphertext);

#endif
