/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key.h: a private or secret key as a store holds it. It stays in its stored, protected form until somebody asks for it, so that listing
 * costs no key derivation and an edit elsewhere never encrypts it anew.
 */
#ifndef CSI_KEY_H
#define CSI_KEY_H

#include "base/buf.h"
#include "base/secret.h"
#include "model/limits.h"
#include "model/passwords.h"
#include "model/pubkey.h"

/* A key in the clear. */
struct csi_plain_key {
    csi_secret *bytes;  /* private key: PKCS#8 PrivateKeyInfo DER; secret key: its raw bytes */
    char algorithm[64]; /* secret keys: Java's name ("AES"); private keys: "" (the PKCS#8 says it) */
};
void csi_plain_key_clear(struct csi_plain_key *plain);
#define CSI_AUTO_PLAIN __attribute__((cleanup(csi_plain_key_clear))) struct csi_plain_key

/* How a sealed form is opened: one static table a form (EncryptedPrivateKeyInfo, DEK-Info PEM, Java's SealedObject, BKS ...), owned by
 * the codec. CERTSTORE_E_PASSWORD for a wrong password (NULL: try without), CERTSTORE_E_UNSUPPORTED with the algorithm's name. */
struct csi_protection {
    const char *name; /* for messages: "PKCS#8 encryption" */
    certstore_status (*open)(const csi_blob *sealed, const csi_secret *password, struct csi_budget *budget, struct csi_plain_key *plain,
                             certstore_error *err);
};

/* Where a key lives that may not leave: a token, as far as the model must know. Embedded in p11's own. */
struct csi_remote {
    unsigned traits; /* enum csi_token_trait */
    void (*ref)(struct csi_remote *remote);
    void (*free)(struct csi_remote *remote);
    /* The key in the clear, where the token gives it. CERTSTORE_E_BOUND where it does not. */
    certstore_status (*open)(struct csi_remote *remote, struct csi_span object, struct csi_plain_key *plain, certstore_error *err);
};

/* Immutable and shared. */
struct csi_key {
    struct csi_remote *remote;               /* NULL: the key is here */
    const struct csi_protection *protection; /* NULL: in the clear, in `plain` */
    csi_blob *sealed;                        /* the protected form's bytes; of a remote key: its object (model/object.h) */
    struct csi_plain_key plain;
    csi_passwords *passwords; /* what to open it with; may be NULL */
    struct csi_limits limits;
    _Atomic uint32_t refs;
};
typedef struct csi_key csi_key;

csi_key *csi_key_new_plain(struct csi_span bytes, const char *algorithm, certstore_error *err);
csi_key *csi_key_new_sealed(const struct csi_protection *protection, csi_blob *sealed /* taken by reference */, const csi_passwords *passwords,
                            const struct csi_limits *limits, certstore_error *err);
/* A key on a token, described by its object: what the token says of it and, as CKA_PUBLIC_KEY_INFO, its public key wherever that is known. remote
 * may be NULL for a token that is not at hand: the key then opens nowhere. */
csi_key *csi_key_new_remote(struct csi_remote *remote, csi_blob *object /* taken by reference */, certstore_error *err);
/* True for a key on a token, at hand or not. */
bool csi_key_is_remote(const csi_key *key);
/* True for a key on a token that does not leave it, or whose token is not at hand. Asks the token only where its object does not say. */
bool csi_key_is_bound(const csi_key *key, const char *alias);
/* Its public key: of a remote key what its object says; any other private key is opened for it. */
bool csi_key_public(const csi_key *key, const char *alias, const csi_passwords *more, struct csi_pubkey *public);
csi_key *csi_key_ref(const csi_key *key);
void csi_key_free(csi_key *key);
CSI_DEFINE_AUTO(csi_key, csi_key_free)
/* Opens the key with the passphrases it came with, then with `more` (may be NULL), then without one. The caller clears *plain. */
certstore_status csi_key_open(const csi_key *key, const char *alias, const csi_passwords *more, struct csi_plain_key *plain, certstore_error *err);
/* True if both hold the same key: the same sealed bytes, or the same bytes when opened (which costs key derivation). A key on a token is never opened
 * for it: it is the same as one with its public key. */
bool csi_key_same(const csi_key *a, const csi_key *b, const char *alias);

#endif
