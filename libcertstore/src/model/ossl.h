/* SPDX-License-Identifier: Apache-2.0 */
/* ossl.h: OpenSSL at arm's length: a private library context for legacy algorithms, errors turned into ours, the caller's queue kept. */
#ifndef CSI_OSSL_H
#define CSI_OSSL_H

#include <openssl/types.h>

#include "base/error.h"
#include "base/secret.h"

/* Around every use of OpenSSL that can fail, and of PKCS#11 modules, which may share it with us: the thread's error queue is the caller's, and as it
 * was at the end of the scope. Not around more than that: a program's first look at the queue makes OpenSSL load all its messages, which takes
 * longer than reading a store of hundreds of certificates. */
struct csi_fence {
    bool up;
};
void csi_fence_begin(struct csi_fence *fence);
void csi_fence_end(struct csi_fence *fence);
#define CSI_AUTO_FENCE __attribute__((cleanup(csi_fence_end))) struct csi_fence

/* A private library context with the default and (where it can be loaded) legacy providers: RC2, RC4, single DES. Made for one decode or encode and
 * freed after it; nothing touches the default context. Made lazily: most stores never need it. */
struct csi_ossl {
    OSSL_LIB_CTX *context;
    OSSL_PROVIDER *base;
    OSSL_PROVIDER *legacy;
};
/* Does nothing when it is open already. */
certstore_status csi_ossl_open(struct csi_ossl *ossl, certstore_error *err);
void csi_ossl_close(struct csi_ossl *ossl);
#define CSI_AUTO_OSSL __attribute__((cleanup(csi_ossl_close))) struct csi_ossl

/* Fails with OpenSSL's newest reason as the cause, and clears what it left on the queue since the fence around the caller began. */
certstore_status csi_fail_ossl(certstore_error *err, certstore_status status, const char *format, ...) CSI_PRINTF(3, 4);
/* Parses a PKCS#8 PrivateKeyInfo with the default context; the caller frees it. */
EVP_PKEY *csi_ossl_private_key(struct csi_span pkcs8, certstore_error *err);
/* The public key of a private one as SubjectPublicKeyInfo DER. */
csi_secret *csi_ossl_public_of(struct csi_span pkcs8, certstore_error *err);
/* CERTSTORE_OK if the private key's public key is the one of the SubjectPublicKeyInfo, CERTSTORE_E_MISMATCH if not. */
certstore_status csi_ossl_match(struct csi_span pkcs8, struct csi_span spki, certstore_error *err);
/* OpenSSL's random bytes. */
certstore_status csi_random(void *data, size_t size, certstore_error *err);

#endif
