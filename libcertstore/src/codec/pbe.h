/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pbe.h: password-based encryption as an AlgorithmIdentifier states it: PKCS#12 PBE (RFC 7292 appendix C), PBES1 and PBES2 (RFC 8018).
 *
 * The parameters are read from the ASN.1 here, so that iterations are known, and paid for from the budget, before anything is derived.
 * Primitives are OpenSSL's. The default library context serves first; a private one with the legacy provider is opened only when an
 * algorithm is not there (RC2, RC4, single DES, MD4).
 */
#ifndef CSI_PBE_H
#define CSI_PBE_H

#include "base/buf.h"
#include "base/reader.h"
#include "codec/readings.h"
#include "model/limits.h"
#include "model/ossl.h"

enum csi_kdf { CSI_KDF_PKCS12, CSI_KDF_PBKDF1, CSI_KDF_PBKDF2, CSI_KDF_SCRYPT };

/* A key derivation: what PBES1 and PBES2 share with PKCS#12's MAC and PBMAC1. Spans point into the AlgorithmIdentifier. */
struct csi_derivation {
    enum csi_kdf kdf;
    const char *digest; /* OpenSSL's name of the digest, or of the PRF's */
    struct csi_span salt;
    uint64_t iterations; /* scrypt: N */
    uint64_t block_size; /* scrypt: r */
    uint64_t parallel;   /* scrypt: p */
    uint64_t key_size;   /* PBKDF2's and scrypt's keyLength; 0: absent */
};
struct csi_pbe {
    struct csi_derivation derivation;
    const char *cipher; /* OpenSSL's name */
    size_t key_size;    /* what the scheme itself fixes; 0: the cipher's own */
    unsigned rc2_bits;  /* RC2's effective key bits; 0: not RC2 */
    struct csi_span iv; /* PBES2 states it; the others derive it */
    char name[96];      /* for messages and notes */
};

/* CERTSTORE_E_UNSUPPORTED names what is not known, CERTSTORE_E_MALFORMED what is not well formed. */
certstore_status csi_pbe_parse(struct csi_span algorithm, struct csi_pbe *pbe, certstore_error *err);
/* A PBKDF2 or scrypt AlgorithmIdentifier (RFC 8018 appendix A.2, RFC 7914 section 7). */
certstore_status csi_derivation_parse(struct csi_span algorithm, struct csi_derivation *derivation, certstore_error *err);
/* OpenSSL's name of a digest, by a whole OID element; NULL when it has none of that kind. */
const char *csi_digest_name(struct csi_span whole_oid);
/* "idea-cbc (1.3.6.1.4.1.188.7.1.1.2)" or the OID alone, by a whole OID element: for messages. */
void csi_algorithm_text(struct csi_span whole_oid, char *text, size_t room);

/* What a run of derivations shares: the budget, the private context once it is needed, and what was derived last for each purpose (two safes
 * with the same salt and iterations cost one derivation). */
struct csi_derived {
    struct csi_derivation how; /* its salt is a copy's span */
    csi_blob *salt;
    csi_secret *password;
    csi_secret *key;
};
enum csi_pkcs12_id { CSI_ID_KEY = 1, CSI_ID_IV = 2, CSI_ID_MAC = 3 }; /* RFC 7292 appendix B.3 */
struct csi_pbe_session {
    struct csi_budget *budget;
    struct csi_ossl ossl;
    bool opened;
    struct csi_derived last[CSI_ID_MAC + 1];
};
void csi_pbe_session_close(struct csi_pbe_session *session);
#define CSI_AUTO_PBE_SESSION __attribute__((cleanup(csi_pbe_session_close))) struct csi_pbe_session

/* Pays from the budget and derives `size` bytes. The purpose is mixed in by CSI_KDF_PKCS12 alone. A derived IV comes free with its key. */
certstore_status csi_derive(struct csi_pbe_session *session, const struct csi_derivation *derivation, struct csi_span password,
                            enum csi_pkcs12_id purpose, uint8_t *out, size_t size, certstore_error *err);
/* The library context that has a digest; CERTSTORE_E_UNSUPPORTED if none has. */
certstore_status csi_pbe_digest(struct csi_pbe_session *session, const char *name, EVP_MD **md, OSSL_LIB_CTX **library, certstore_error *err);

/* CERTSTORE_E_PASSWORD when the padding does not come out right. Appends to plain. A keyLength that contradicts the cipher's OID wins (old NSS
 * took the cipher's size from it). */
certstore_status csi_pbe_decrypt(struct csi_pbe_session *session, const struct csi_pbe *pbe, struct csi_span password, struct csi_span ciphertext,
                                 struct csi_buf *plain, certstore_error *err);
/* Tries every reading of the passphrase until one decrypts to what `fits` accepts. reading says which one it was. */
certstore_status csi_pbe_open(struct csi_pbe_session *session, struct csi_span algorithm, struct csi_span ciphertext, const csi_secret *password,
                              bool (*fits)(struct csi_span plain), struct csi_buf *plain, enum csi_reading *reading, certstore_error *err);

/* Encrypts with the algorithm and parameters of `like`, with a fresh salt and IV of the same sizes: appends the new AlgorithmIdentifier to
 * algorithm and the ciphertext to ciphertext. */
certstore_status csi_pbe_seal(struct csi_pbe_session *session, struct csi_span like, const csi_secret *password, struct csi_span plain,
                              struct csi_buf *algorithm, struct csi_buf *ciphertext, certstore_error *err);
/* True if csi_pbe_seal() can follow it: known, and its keyLength agrees with its cipher. */
bool csi_pbe_can_seal(struct csi_span like);
/* Parameters for something new, with zeros for salt and IV: csi_pbe_seal() fills them in. */
void csi_pbe_put_pbes2(struct csi_buf *out, unsigned iterations);                  /* PBKDF2-HMAC-SHA256, AES-256-CBC */
void csi_pbe_put_pkcs12(struct csi_buf *out, uint8_t number, unsigned iterations); /* 3: 3-key triple DES, 6: RC2-40 */

#endif
