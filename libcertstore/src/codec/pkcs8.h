/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs8.h: EncryptedPrivateKeyInfo (RFC 5958 section 3), the one envelope that PEM, PKCS#12, JKS and JCEKS put private keys in: PBES1 and
 * PKCS#12 PBE, PBES2 (RFC 8018), and Java's two protectors. Shared by the codecs.
 */
#ifndef CSI_PKCS8_H
#define CSI_PKCS8_H

#include "model/key.h"

/* sealed = EncryptedPrivateKeyInfo DER. Knows every algorithm below; each reading of the password is tried (UTF-8, BMPString ...). */
extern const struct csi_protection csi_protection_pkcs8;

/* What a new envelope is made with. */
enum csi_pkcs8_scheme {
    CSI_PKCS8_PBES2_AES256_SHA256, /* PBKDF2-HMAC-SHA256, AES-256-CBC */
    CSI_PKCS8_PBE_SHA1_3DES,       /* PKCS#12 pbeWithSHAAnd3-KeyTripleDES-CBC */
    CSI_PKCS8_JKS,                 /* 1.3.6.1.4.1.42.2.17.1.1 */
    CSI_PKCS8_JCEKS                /* 1.3.6.1.4.1.42.2.19.1 */
};
/* Seals a PrivateKeyInfo. iterations 0: the scheme's default (10,000; JCEKS 200,000). */
csi_blob *csi_pkcs8_seal(enum csi_pkcs8_scheme scheme, struct csi_span pkcs8, const csi_secret *password, unsigned iterations, certstore_error *err);
/* Seals with the algorithm and parameters (fresh salt and IV) of an existing envelope: an edit keeps algorithms. That envelope may never have been
 * opened, so its work is bounded as a reader's: CERTSTORE_E_LIMIT. */
csi_blob *csi_pkcs8_reseal(struct csi_span like, struct csi_span pkcs8, const csi_secret *password, const struct csi_limits *limits,
                           certstore_error *err);

/* True for an envelope under one of Java's own two algorithms, which nothing but its key stores reads. */
bool csi_pkcs8_is_java(struct csi_span sealed);

/* Java's two protectors: codec/java_protector.c. data is the EncryptedPrivateKeyInfo's parameters (whole, may be empty) and ciphertext. */
certstore_status csi_jks_key_open(struct csi_span ciphertext, const csi_secret *password, csi_secret **pkcs8, certstore_error *err);
certstore_status csi_jks_key_seal(struct csi_span pkcs8, const csi_secret *password, struct csi_buf *ciphertext, certstore_error *err);
/* PBEWithMD5AndTripleDES: parameters = whole SEQUENCE { OCTET STRING salt(8), INTEGER iterations }. Also serves JCEKS secret keys. */
certstore_status csi_jceks_pbe_open(struct csi_span parameters, struct csi_span ciphertext, const csi_secret *password, struct csi_budget *budget,
                                    csi_secret **plain, certstore_error *err);
certstore_status csi_jceks_pbe_seal(struct csi_span plain, const csi_secret *password, unsigned iterations, struct csi_buf *parameters,
                                    struct csi_buf *ciphertext, certstore_error *err);

/* Finds the algorithm of a PrivateKeyInfo (its AlgorithmIdentifier's OID content) and checks the outline. */
bool csi_pkcs8_algorithm(struct csi_span pkcs8, struct csi_span *oid);
/* Turns a traditional key (PKCS#1 RSA, SEC 1 EC, DSA) into PKCS#8 DER. */
csi_secret *csi_pkcs8_from_traditional(const char *type, struct csi_span der, certstore_error *err);

#endif
