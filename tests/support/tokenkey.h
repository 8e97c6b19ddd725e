/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokenkey.h: private keys that make_key() made, put onto a SoftHSM token of the test's own. The token is made once a program, and every key once;
 * what is not installed skips the test, visibly.
 */
#ifndef TESTS_TOKENKEY_H
#define TESTS_TOKENKEY_H

#include <openssl/evp.h>

#include "model/entry.h"
#include "support/tokens.h"

/* The program's token, opened and logged in; one reference for the caller. */
csi_p11 *tokenkey_token(void);
/* The private key object of make_key(type, 1) on a token, as the token tells it, put there where it is not yet; the caller's. */
csi_blob *tokenkey_object(csi_p11 *token, const char *type);
/* The same as an EVP_PKEY; the caller's. Its public half is from make_key(). */
EVP_PKEY *tokenkey_make(const char *type);
/* A key entry for it, with a self-signed certificate or without one; the caller's. The object says the public key where `told`. */
certstore_entry *tokenkey_entry(const char *alias, const char *type, bool certified, bool told);
/* A self-signed certificate for make_key(type, 1), signed by that key, not by the token's; the caller's. */
X509 *tokenkey_cert(const char *type);

#endif
