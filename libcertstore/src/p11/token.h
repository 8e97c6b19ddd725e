/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.h: an opened PKCS#11 token: found by RFC 7512 URI or NSS database directory, spoken to through p11-kit, its objects as model/object.h has
 * them.
 *
 *     address = csi_p11_address_parse("pkcs11:token=web?module-path=/usr/lib/softhsm/libsofthsm2.so", err)
 *     token = csi_p11_open(address, pin, err)
 *     csi_p11_read(token, &objects, err)
 *
 * One session stays open as long as the token does, since a login ends with the last session; each call takes another from a small pool, so a token
 * may be used by many threads at once. A PIN is presented once: a wrong one is remembered as wrong, and nothing is presented while the token says
 * that one try is left. In a forked child every call fails until the token is opened anew there. Nothing is done at exit: see csi_p11_drop().
 *
 * OpenSSL's error queue is left as it was by every call: modules share our libcrypto and leave their own errors there.
 */
#ifndef CSI_P11_TOKEN_H
#define CSI_P11_TOKEN_H

#include <p11-kit/pkcs11.h>

#include "base/os.h"
#include "model/key.h"
#include "model/object.h"

/* ----------------------------------------------------------------------------------------------------------------- address */

/* Which token, and which objects of it. */
typedef struct csi_p11_address csi_p11_address;
/* "pkcs11:..." (RFC 7512), read by p11-kit's parser and then strictly: a doubled or an unknown attribute, a bad escape or a NUL in a PIN is
 * refused. */
csi_p11_address *csi_p11_address_parse(const char *uri, certstore_error *err);
/* The NSS database in a directory ("sql:", cert9.db). It must exist: NSS would make an empty one by itself. */
csi_p11_address *csi_p11_address_nss(const char *directory, certstore_error *err);
/* Recovery's: what csi_p11_location() gave. */
csi_p11_address *csi_p11_address_located(const char *location, certstore_error *err);
void csi_p11_address_free(csi_p11_address *address);
CSI_DEFINE_AUTO(csi_p11_address, csi_p11_address_free)
/* The URI for people, without any PIN: "pkcs11:token=web?module-path=...", "nss:DIRECTORY". The caller's. */
char *csi_p11_address_text(const csi_p11_address *address, certstore_error *err);
/* "file:/etc/app/pin" as it stands in the URI; NULL when there is none. */
const char *csi_p11_address_pin_source(const csi_p11_address *address);
/* The PIN in the URI itself (pin-value); NULL when there is none. Borrowed. */
const csi_secret *csi_p11_address_pin_value(const csi_p11_address *address);
/* True when the URI names objects and not only a token (object, id, type): the store is then those objects. */
bool csi_p11_address_is_partial(const csi_p11_address *address);

/* ------------------------------------------------------------------------------------------------------------------- token */

typedef struct csi_p11 csi_p11;
struct csi_p11_info {
    const char *module;    /* canonical path */
    const char *label;     /* blanks at the end cut off */
    const char *serial;    /* likewise */
    const char *model;     /* likewise */
    const char *maker;     /* likewise */
    const char *directory; /* NSS: canonical; NULL otherwise */
    unsigned traits;       /* enum csi_token_trait */
    bool login_required;
    bool partial; /* only those of its objects that the address names */
};

/* Loads the module (only those that the address can mean), finds the token. pin may be NULL: objects that need a login are then not seen, and what
 * needs one fails with CERTSTORE_E_PASSWORD. No token: CERTSTORE_E_UNAVAILABLE; several: CERTSTORE_E_ARGUMENT, naming them. */
csi_p11 *csi_p11_open(const csi_p11_address *address, const csi_secret *pin, certstore_error *err);
/* References: a store, a bundle's keys and an EVP_PKEY each hold one. csi_p11_free() closes sessions and module with the last one; csi_p11_drop()
 * never speaks to the module, so it may be called while the process ends, after the module's own destructors (an EVP_PKEY is freed whenever
 * OpenSSL likes); where it is the last one, sessions stay open until the process is gone. */
csi_p11 *csi_p11_ref(const csi_p11 *token);
void csi_p11_free(csi_p11 *token);
void csi_p11_drop(csi_p11 *token);
CSI_DEFINE_AUTO(csi_p11, csi_p11_free)
const struct csi_p11_info *csi_p11_info(const csi_p11 *token);
/* A text that finds the token again: no PIN, no slot number, no objects. The caller's. */
char *csi_p11_location(const csi_p11 *token, certstore_error *err);
/* For a key of a bundle: model/key.h. Borrowed. */
struct csi_remote *csi_p11_remote(csi_p11 *token);
csi_p11 *csi_p11_of_remote(struct csi_remote *remote); /* NULL for another kind's; borrowed */

/* Once, where a PIN is there and the token wants one; CERTSTORE_OK when logged in already. CERTSTORE_E_PASSWORD: none given, wrong (now or
 * before), or one try left. CERTSTORE_E_LOCKED: the token has locked its PIN. */
certstore_status csi_p11_login(csi_p11 *token, certstore_error *err);
/* The security officer's PIN, presented when a certificate is to be made that the officer marks as trusted (CSI_TOKEN_OFFICER). NULL: none. */
certstore_status csi_p11_set_officer(csi_p11 *token, const csi_secret *pin, certstore_error *err);
/* The user's PIN is `fresh` from now on, at once. Logs in first, so that a wrong old one is presented once. CERTSTORE_E_ARGUMENT: the token does not
 * take that PIN. */
certstore_status csi_p11_set_pin(csi_p11 *token, const csi_secret *fresh, certstore_error *err);
/* A fresh view where the module does not see by itself what other processes wrote (p11-kit-trust, tpm2-pkcs11): closes and initialises it anew,
 * logs in again if it was. Nothing for the others. */
certstore_status csi_p11_refresh(csi_p11 *token, certstore_error *err);

/* ----------------------------------------------------------------------------------------------------------------- objects */

/* Every token object of the classes that are known here (certificates, keys, data, trust), those of the address only; logs in first where a PIN is
 * there. Sorted. limits: CERTSTORE_LIMIT_ENTRIES and CERTSTORE_LIMIT_CERT_SIZE. */
certstore_status csi_p11_read(csi_p11 *token, const struct csi_limits *limits, struct csi_objects *objects, certstore_error *err);
/* Makes a token object and reads it back: CERTSTORE_E_UNSUPPORTED, and nothing is left, if what the module made of it is another object
 * (csi_object_same). A private key comes as CSI_OBJECT_PKCS8, a secret key as CKA_VALUE. CERTSTORE_E_NO_SPACE: the token is full.
 * CERTSTORE_E_EXISTS: NSS has a certificate of that issuer and serial number. */
certstore_status csi_p11_create(csi_p11 *token, struct csi_span object, certstore_error *err);
/* Destroys one object of that essence; CERTSTORE_E_NOT_FOUND when there is none. */
certstore_status csi_p11_destroy(csi_p11 *token, struct csi_span object, certstore_error *err);
/* Gives a key that cannot be made anew another label and ID: by a copy, the first one destroyed after it, where the module copies; else in place. */
certstore_status csi_p11_relabel(csi_p11 *token, struct csi_span object, struct csi_span label, struct csi_span id, certstore_error *err);

/* -------------------------------------------------------------------------------------------------------------------- keys */

/* One operation of the private key that the object describes, found by class, ID, label and public part; found again once when a handle has gone
 * stale. out is appended to. Raw: CKM_ECDSA gives r || s. */
certstore_status csi_p11_sign(csi_p11 *token, struct csi_span object, const CK_MECHANISM *mechanism, struct csi_span data, struct csi_buf *out,
                              certstore_error *err);
certstore_status csi_p11_decrypt(csi_p11 *token, struct csi_span object, const CK_MECHANISM *mechanism, struct csi_span data, struct csi_buf *out,
                                 certstore_error *err);
/* Does the token offer the mechanism, for this CKF_ use? */
bool csi_p11_offers(csi_p11 *token, CK_MECHANISM_TYPE mechanism, CK_FLAGS use);

struct csi_key_policy {
    bool extractable;         /* may leave wrapped; default: not */
    bool readable;            /* may leave in the clear: not sensitive, and extractable */
    bool always_authenticate; /* the PIN for each use of a private key */
};
/* A new key on the token. type: "RSA:2048" ... "RSA:8192", "EC:P-256", "EC:P-384", "EC:P-521", "Ed25519"; "AES:128", "AES:192", "AES:256". id empty:
 * that of the public key (csi_spki_key_id), a random one for a secret key. made: the private and the public key object; the secret key. */
certstore_status csi_p11_generate(csi_p11 *token, const char *type, const char *label, struct csi_span id, const struct csi_key_policy *policy,
                                  struct csi_objects *made, certstore_error *err);
/* The key as PKCS#8, wrapped by CKM_AES_KEY_WRAP_PAD (RFC 5649) under a secret key of the token, and back. CERTSTORE_E_UNSUPPORTED where the module
 * cannot. */
certstore_status csi_p11_wrap(csi_p11 *token, struct csi_span key, struct csi_span wrapping, struct csi_buf *out, certstore_error *err);
certstore_status csi_p11_unwrap(csi_p11 *token, struct csi_span template_object, struct csi_span wrapping, struct csi_span wrapped,
                                certstore_error *err);

/* Does the module make key pairs; wrap and unwrap keys? */
bool csi_p11_generates(csi_p11 *token);
bool csi_p11_wraps(csi_p11 *token);

/* "CKR_PIN_INCORRECT"; "CKR_0x80000001" for one without a name. Static text or room's. */
const char *csi_ckr_name(CK_RV rv, char room[24]);

#endif
