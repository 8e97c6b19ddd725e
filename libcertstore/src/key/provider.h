/* SPDX-License-Identifier: Apache-2.0 */
/*
 * provider.h: a key that stays on its token as an EVP_PKEY that works wherever OpenSSL takes one, in any library context.
 *
 * How, and why so, is in docs/internals/provider.md.
 */
#ifndef CSI_PROVIDER_H
#define CSI_PROVIDER_H

#include <openssl/types.h>

#include "p11/token.h"

/* The private key that the object describes, RSA, EC or Ed25519, as an EVP_PKEY; spki is its public key. It holds the token (csi_p11_ref) and may
 * outlive every store and bundle. The token is not asked for it: a key that is not there shows when it signs. */
EVP_PKEY *csi_token_pkey(csi_p11 *token, struct csi_span object, struct csi_span spki, certstore_error *err);
/* Why the last operation of such a key failed, in err; err is left alone where none did, and for every other key. */
void csi_token_pkey_failure(const EVP_PKEY *key, certstore_error *err);

#endif
