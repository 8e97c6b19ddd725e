/* SPDX-License-Identifier: Apache-2.0 */
/* sign.h: signing and decrypting with everything named by text, for callers that have no OpenSSL of their own; keys in files and on tokens alike. */
#ifndef CSI_SIGN_H
#define CSI_SIGN_H

#include <openssl/types.h>

#include "base/buf.h"
#include "base/error.h"

/* One signature; see certstore_key_sign(). Appends to out. */
certstore_status csi_key_sign(EVP_PKEY *key, const char *digest, const char *padding, struct csi_span data, struct csi_buf *out,
                              certstore_error *err);
/* See certstore_key_decrypt(). Appends to out, and leaves nothing of it anywhere else. */
certstore_status csi_key_decrypt(EVP_PKEY *key, const char *padding, const char *digest, struct csi_span data, struct csi_buf *out,
                                 certstore_error *err);
/* Signs something and verifies it: *verified says whether private and public half belong together. */
certstore_status csi_key_prove(EVP_PKEY *key, bool *verified, certstore_error *err);
/* An operation with the key failed: in the token's words where it is a token's, else in ours with OpenSSL's reason. */
certstore_status csi_fail_key(const EVP_PKEY *key, certstore_error *err, certstore_status status, const char *message);

#endif
