/* SPDX-License-Identifier: Apache-2.0 */
/*
 * provider_internal.h: what the rooms of the provider share.
 *
 * Every key has a twin: its public half as a key of OpenSSL's default provider. The twin verifies and encrypts, it answers what a key's size and
 * curve are, and a context over it keeps the books of an operation: padding, salt, digests, the AlgorithmIdentifier, in every spelling that
 * OpenSSL takes. So only two things are done here, signing and decrypting, and nothing is parsed twice.
 */
#ifndef CSI_PROVIDER_INTERNAL_H
#define CSI_PROVIDER_INTERNAL_H

#include <pthread.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "base/error.h"
#include "key/provider.h"

#define CSI_PROVIDER_NAME "certstore"
#define CSI_PROVIDER_ITSELF "provider=" CSI_PROVIDER_NAME
/* Whatever is looked up for a twin says so: OpenSSL 3.0 caches what it fetched from a provider that was named to it under the properties alone,
 * and then gives it to whoever asks with the same properties and names none. */
#define CSI_PROVIDER_TWIN "provider=default"
/* The one parameter that makes a key of a token: an octet pointer to a struct csi_token_source. */
#define CSI_PROVIDER_SOURCE "certstore-source"
/* Gets the key's last failure: an octet string with the room of a certstore_error. */
#define CSI_PROVIDER_FAILURE "certstore-failure"

/* What every callback gets: the provider's own context and the way to OpenSSL's error queue. */
struct csi_provider {
    const OSSL_CORE_HANDLE *core;
    OSSL_LIB_CTX *context;
    OSSL_FUNC_core_new_error_fn *new_error;
    OSSL_FUNC_core_set_error_debug_fn *set_error_debug;
    OSSL_FUNC_core_vset_error_fn *vset_error;
};

/* Where a key comes from; lies on the stack of csi_token_pkey(). */
struct csi_token_source {
    csi_p11 *token;
    csi_blob *object;
    EVP_PKEY *twin;
};

/* Filled once, by an import, before anybody else sees it. */
struct csi_token_key {
    const struct csi_provider *provider;
    const char *type; /* "RSA", "EC", "ED25519" */
    csi_p11 *token;   /* NULL: a public key only */
    csi_blob *object;
    EVP_PKEY *twin; /* NULL until imported */
    _Atomic uint32_t refs;
    pthread_mutex_t lock; /* of the failure */
    certstore_error failure;
};
struct csi_token_key *csi_token_key_ref(struct csi_token_key *key);
void csi_token_key_free(struct csi_token_key *key);
/* Drops a callback's error, or puts it on OpenSSL's queue and remembers it for csi_token_pkey_failure(). Returns 1 or 0, as callbacks do. */
int csi_token_done(struct csi_token_key *key, const certstore_error *err);

/* provider_twin.c: a public key of the default provider in that context; the caller's. */
EVP_PKEY *csi_provider_twin(OSSL_LIB_CTX *context, struct csi_span spki, certstore_error *err);

/* What an operation's books say. */
struct csi_books {
    EVP_PKEY_CTX *context;
    const struct csi_provider *provider;
};
/* The digest under that name in the books, fetched; *md is NULL where none is set. The caller frees it. */
certstore_status csi_books_digest(const struct csi_books *books, const char *name, EVP_MD **md, certstore_error *err);
certstore_status csi_books_number(const struct csi_books *books, const char *name, int *number, certstore_error *err);

/* provider_rsa.c, provider_ec.c: one signature over what was hashed (for Ed25519: over the message), appended to out in the form that X.509 has
 * it. */
certstore_status csi_rsa_sign(struct csi_token_key *key, const struct csi_books *books, struct csi_span digest, struct csi_buf *out,
                              certstore_error *err);
certstore_status csi_rsa_decrypt(struct csi_token_key *key, const struct csi_books *books, struct csi_span data, struct csi_buf *out,
                                 certstore_error *err);
certstore_status csi_ec_sign(struct csi_token_key *key, struct csi_span digest, struct csi_buf *out, certstore_error *err);
certstore_status csi_ed25519_sign(struct csi_token_key *key, struct csi_span message, struct csi_buf *out, certstore_error *err);
certstore_status csi_token_sign(struct csi_token_key *key, const struct csi_books *books, struct csi_span data, struct csi_buf *out,
                                certstore_error *err);
/* csi_p11_sign() or csi_p11_decrypt() with the key's token. */
certstore_status csi_token_operate(struct csi_token_key *key, const CK_MECHANISM *mechanism, bool decrypt, struct csi_span data, struct csi_buf *out,
                                   certstore_error *err);

/* The tables that the provider answers OpenSSL's queries with. */
extern const OSSL_ALGORITHM csi_provider_keymgmt[];
extern const OSSL_ALGORITHM csi_provider_signature[];
extern const OSSL_ALGORITHM csi_provider_cipher[];

CSI_DEFINE_AUTO(EVP_PKEY, EVP_PKEY_free)
CSI_DEFINE_AUTO(EVP_MD, EVP_MD_free)
CSI_DEFINE_AUTO(EVP_PKEY_CTX, EVP_PKEY_CTX_free)

#endif
