/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pubkey.h: what a public key is, however it is written down: a certificate has it as SubjectPublicKeyInfo, a token as numbers in attributes. No
 * key is parsed for it, and no token asked.
 */
#ifndef CSI_PUBKEY_H
#define CSI_PUBKEY_H

#include "model/object.h"

/* SHA-256 over the family and the number that makes the key this one: RSA's modulus, a curve's point, DSA's y. Equal for two spellings of one key:
 * parameters written out or not, RSA and RSA-PSS, points compressed or not. */
struct csi_pubkey {
    uint8_t identity[32];
};
bool csi_pubkey_equal(const struct csi_pubkey *a, const struct csi_pubkey *b);
/* Of a whole SubjectPublicKeyInfo; false for families that are not known here and for what cannot be read. */
bool csi_pubkey_of_spki(struct csi_span spki, struct csi_pubkey *key);
/* Of a private or public key object, by what it says itself. Modules give CKA_EC_POINT bare or in an OCTET STRING, and some bytes read both ways:
 * up to two candidates. Returns how many; 0 where the object does not say (a private EC key commonly does not). */
size_t csi_pubkey_of_object(struct csi_span object, struct csi_pubkey keys[2]);

/* A key object's SubjectPublicKeyInfo, from CKA_PUBLIC_KEY_INFO or its numbers; false where it does not say them all. Appends to out. */
bool csi_object_spki(struct csi_span object, struct csi_buf *out);
/* The numbers of a SubjectPublicKeyInfo as attributes: CKA_KEY_TYPE, then CKA_MODULUS and CKA_PUBLIC_EXPONENT, or CKA_EC_PARAMS and (for a public
 * key object) CKA_EC_POINT. False for families that tokens are not given here. */
bool csi_object_put_spki(struct csi_object_draft *draft, struct csi_span spki, bool with_point);
/* RFC 5280 section 4.2.1.2 (1): SHA-1 of the BIT STRING's content. NSS takes RSA's modulus instead: its programs find a certificate's key so. */
bool csi_spki_key_id(struct csi_span spki, bool as_nss, uint8_t id[20]);

/* Java's name of a secret key object's algorithm, as far as there is one: "AES", "DESede", "HmacSHA256"; "" for a generic one. NULL: not known. */
const char *csi_object_secret_algorithm(struct csi_span object);
/* CKK_... of a secret key under Java's name; CKK_GENERIC_SECRET for any that PKCS#11 has no type for. */
uint32_t csi_secret_key_type(const char *algorithm);

#endif
