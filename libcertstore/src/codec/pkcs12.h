/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs12.h: a PKCS#12 file (RFC 7292) as it stands: its safes and its bags in their order, with every attribute and every byte.
 *
 *   PFX { version 3, authSafe ContentInfo, macData OPTIONAL }
 *     authSafe: data -> SEQUENCE OF ContentInfo, the SAFES, each data (in the clear) or encryptedData
 *       safe: SEQUENCE OF SafeBag { type, [0] value, attributes SET OPTIONAL }; a bag may itself hold bags (safeContents)
 *
 * Reading goes: pkcs12_read.c (PFX, safes) -> pkcs12_bags.c (bags) -> pkcs12_entries.c, pkcs12_pair.c (entries). Writing goes:
 * pkcs12_edit.c (what becomes of each bag) -> pkcs12_make.c (new bags) -> pkcs12_write.c (safes, authSafe, MAC).
 * Nothing is copied: spans point into the file, or into what a safe decrypted to.
 */
#ifndef CSI_PKCS12_H
#define CSI_PKCS12_H

#include "codec/codec.h"
#include "codec/pbe.h"

enum csi_bag_kind {
    CSI_BAG_KEY,      /* a private key in the clear */
    CSI_BAG_SHROUDED, /* EncryptedPrivateKeyInfo */
    CSI_BAG_CERT,     /* an X.509 certificate */
    CSI_BAG_CRL,      /* an X.509 CRL */
    CSI_BAG_SECRET,   /* a secret key as Java writes them */
    CSI_BAG_NEST,     /* safeContents: the bags behind it, down to its last, are inside */
    CSI_BAG_OPAQUE    /* anything else */
};
enum { CSI_NO_BAG = -1 };

struct csi_bag {
    enum csi_bag_kind kind;
    bool trusted;   /* carries Java's trust attribute */
    int32_t parent; /* the CSI_BAG_NEST it is in, or CSI_NO_BAG */
    uint32_t safe;
    struct csi_span whole;         /* SafeBag */
    struct csi_span type;          /* its OID's content */
    struct csi_span value;         /* content of [0] */
    struct csi_span object;        /* certificate, CRL, PrivateKeyInfo or EncryptedPrivateKeyInfo; else the value */
    struct csi_span attributes;    /* content of the SET; empty when there is none */
    struct csi_span friendly_name; /* whole string element of the friendlyName attribute; empty when there is none */
    struct csi_span local_key_id;  /* content of the localKeyID; empty when there is none */
    struct csi_span trust;         /* content of the trust attribute's SET of extended key usage OIDs */
};

struct csi_safe {
    struct csi_span whole; /* ContentInfo */
    bool encrypted;
    struct csi_span algorithm; /* encrypted: AlgorithmIdentifier */
    struct csi_span contents;  /* SafeContents, in DER */
    csi_blob *owner;           /* of the contents */
    csi_secret *password;      /* what opened it; NULL when in the clear, or opened without a passphrase */
    enum csi_reading reading;
};

/* MacData (RFC 7292 section 4), or PBMAC1 in its place (RFC 9579). */
struct csi_p12_mac {
    bool present;
    bool pbmac1;
    struct csi_derivation derivation;
    struct csi_span whole;      /* MacData */
    struct csi_span algorithm;  /* whole AlgorithmIdentifier of the DigestInfo */
    struct csi_span digest_oid; /* HMAC: whole OID of the digest */
    struct csi_span value;
    const char *digest; /* OpenSSL's name */
};

/* Which bags an entry is made of. */
struct csi_p12_item {
    int32_t bag;  /* key, certificate, CRL ... */
    size_t chain; /* KEY: where its certificates' bags are in `chains` */
    size_t chain_count;
};

struct csi_pkcs12 {
    csi_document base;
    csi_blob *file;            /* as read */
    csi_blob *outer;           /* the PFX in DER: the file itself, or its normal form */
    csi_blob *inner;           /* AuthenticatedSafe in DER */
    struct csi_span mac_input; /* the octets the MAC is over, as they stood */
    struct csi_span trailing;  /* what follows the PFX in the file */
    struct csi_p12_mac mac;
    csi_secret *password; /* the one the MAC was verified with; NULL: not verified, or none */
    bool verified;
    enum csi_reading reading; /* what the MAC took the passphrase for */
    bool ber;                 /* something had to be put into DER first */
    struct csi_safe *safes;
    size_t safe_count;
    size_t safe_capacity;
    struct csi_bag *bags;
    size_t bag_count;
    size_t bag_capacity;
    struct csi_p12_item *items;
    size_t item_count;
    size_t item_capacity;
    int32_t *chains;
    size_t chain_count;
    size_t chain_capacity;
};
typedef struct csi_pkcs12 csi_pkcs12;
void csi_pkcs12_free(csi_pkcs12 *pkcs12);
CSI_DEFINE_AUTO(csi_pkcs12, csi_pkcs12_free)

/* What a read carries through: passphrases, ceilings, and one session of derivations. */
struct csi_p12_read {
    const csi_passwords *passwords;
    const struct csi_limits *limits;
    struct csi_budget budget;
    struct csi_pbe_session session;
};

/* The raw view: safes and bags, checked and decrypted, no entries yet. */
csi_pkcs12 *csi_pkcs12_read(struct csi_p12_read *read, csi_blob *file, certstore_error *err);

/* pkcs12_ber.c: BER into DER: definite lengths, OCTET STRINGs in one piece. *used is what the first element took of the input.
 * CERTSTORE_E_TRUNCATED when the input ends inside it. */
csi_blob *csi_ber_normalise(struct csi_span ber, const struct csi_limits *limits, size_t *used, certstore_error *err);
/* True if something in it (outside primitive strings) is not DER in that sense; false for what is not even BER. */
bool csi_ber_needed(struct csi_span bytes);

/* pkcs12_bags.c: appends the bags of safe number `safe`. CERTSTORE_E_MALFORMED when the SafeContents is not well formed. */
certstore_status csi_pkcs12_walk(csi_pkcs12 *pkcs12, uint32_t safe, const struct csi_limits *limits, certstore_error *err);
/* The friendlyName as text; false when there is none that can be read. */
bool csi_bag_name(const struct csi_bag *bag, struct csi_buf *name);

/* pkcs12_mac.c */
certstore_status csi_p12_mac_parse(struct csi_span mac_data, struct csi_p12_mac *mac, certstore_error *err);
/* CERTSTORE_E_PASSWORD when no reading of the passphrase gives the stored value. */
certstore_status csi_p12_mac_verify(struct csi_pbe_session *session, const struct csi_p12_mac *mac, struct csi_span input, const csi_secret *password,
                                    enum csi_reading *reading, certstore_error *err);
/* Appends a MacData with the algorithm and iterations of `like` and a fresh salt. */
certstore_status csi_p12_mac_make(struct csi_pbe_session *session, const struct csi_p12_mac *like, struct csi_span input, const csi_secret *password,
                                  struct csi_buf *out, certstore_error *err);
/* MacData of a profile, with zeros for what csi_p12_mac_make() fills in. */
void csi_p12_mac_put_template(enum csi_profile profile, struct csi_buf *out);

/* pkcs12_entries.c: fills the bundle, and the items that say which bags an entry is made of. */
certstore_status csi_pkcs12_entries(csi_pkcs12 *pkcs12, struct csi_p12_read *read, certstore_bundle *bundle, certstore_error *err);
/* pkcs12_pair.c: for each key bag the certificates that go with it, leaf first. leaf_of: bag -> is it in some key's chain. */
struct csi_pairing {
    bool *member; /* one a bag: it is in the chain of some key */
};
void csi_pairing_clear(struct csi_pairing *pairing);
#define CSI_AUTO_PAIRING __attribute__((cleanup(csi_pairing_clear))) struct csi_pairing
/* Adds an item for each key bag. */
certstore_status csi_pkcs12_pair(csi_pkcs12 *pkcs12, struct csi_p12_read *read, struct csi_pairing *pairing, certstore_error *err);

/* pkcs12_secret.c: a secret bag's EncryptedPrivateKeyInfo opens to Java's wrapping of the raw key. */
extern const struct csi_protection csi_protection_pkcs12_secret;
/* Java's name of a secret key's algorithm to the wrapping's plaintext; CERTSTORE_E_UNSUPPORTED for a name without an OID. */
certstore_status csi_p12_secret_wrap(const char *algorithm, struct csi_span key, struct csi_buf *out, certstore_error *err);

/* Object identifiers, as content octets. */
extern const struct csi_span csi_oid_data, csi_oid_encrypted_data;
extern const struct csi_span csi_oid_friendly_name, csi_oid_local_key_id, csi_oid_java_trust, csi_oid_x509_certificate, csi_oid_x509_crl;
/* 1.2.840.113549.1.12.10.1.n */
enum csi_bag_number { CSI_BAG_OID_KEY = 1, CSI_BAG_OID_SHROUDED, CSI_BAG_OID_CERT, CSI_BAG_OID_CRL, CSI_BAG_OID_SECRET, CSI_BAG_OID_NEST };
enum { CSI_BAG_OID_SIZE = 11 };
/* The number, or 0 for another OID. */
unsigned csi_bag_number(struct csi_span oid);
void csi_bag_oid(enum csi_bag_number number, uint8_t oid[CSI_BAG_OID_SIZE]);

#endif
