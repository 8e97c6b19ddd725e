/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.h: what the files of the codecs `pkcs11` and `nss` share: the objects of a token as a store.
 *
 * A part is one object (model/object.h); its name, a number, means nothing. Several objects make one entry, a UNIT: a private key, its public key,
 * its certificate, the certificates that we labelled as its chain, and what is said of its trust.
 */
#ifndef CSI_TOKEN_H
#define CSI_TOKEN_H

#include "codec/codec.h"
#include "model/object.h"
#include "model/pubkey.h"

/* What an object is in its unit. */
enum csi_token_role {
    CSI_TOKEN_ALONE,   /* in no unit (what is trusted of a certificate that is not here), or the whole of one (data, secret keys) */
    CSI_TOKEN_PRIVATE, /* the private key */
    CSI_TOKEN_PUBLIC,  /* its public key */
    CSI_TOKEN_CERT,    /* the private key's certificate, or a trusted one */
    CSI_TOKEN_CHAIN,   /* a certificate labelled "ALIAS chain N" */
    CSI_TOKEN_TRUST    /* what its certificate is trusted for */
};
struct csi_token_part {
    csi_blob *object;
    size_t unit; /* SIZE_MAX: none */
    size_t next; /* the unit's next part; SIZE_MAX at the end */
    enum csi_token_role role;
};
struct csi_token_document {
    struct csi_document base;
    struct csi_token_part *parts;
    size_t count;
    size_t *units; /* each one's first part */
    size_t unit_count;
    size_t unit_capacity;
};

/* How a store of these formats reads trust: by NSS's objects, by p11-kit's attributes, or not at all. */
enum csi_token_trust { CSI_TRUST_BY_PRESENCE, CSI_TRUST_BY_OBJECT, CSI_TRUST_BY_ATTRIBUTE };
enum csi_token_trust csi_token_trust_of(const struct csi_codec *codec, unsigned traits);
bool csi_token_is_ours(const struct csi_document *document);

certstore_bundle *csi_token_decode(const struct csi_codec *codec, const struct csi_decode *in, certstore_error *err);
certstore_status csi_token_encode(const struct csi_codec *codec, const certstore_bundle *bundle, const struct csi_encode *in, csi_parts *parts,
                                  certstore_error *err);

/* ------------------------------------------------------------------------------------------------------------------- index */

/* Numbers by a 32-byte key, those of one key from the highest rank to the lowest: filled, sorted, then asked. Sorting bounds the work whatever the
 * token holds: many equal keys are a run, and no collision costs anything. */
struct csi_token_index {
    struct csi_token_item {
        uint8_t key[32];
        int64_t rank;
        size_t value;
    } * items;
    size_t count;
    size_t capacity;
};
void csi_token_index_clear(struct csi_token_index *index);
#define CSI_AUTO_INDEX __attribute__((cleanup(csi_token_index_clear))) struct csi_token_index
certstore_status csi_token_index_add(struct csi_token_index *index, const uint8_t key[32], int64_t rank, size_t value, certstore_error *err);
void csi_token_index_sort(struct csi_token_index *index);
/* Position of the first item of a key; SIZE_MAX when there is none. */
size_t csi_token_index_find(const struct csi_token_index *index, const uint8_t key[32]);
/* The next position of the same key, or SIZE_MAX. */
size_t csi_token_index_next(const struct csi_token_index *index, size_t position);
/* The key of two texts. */
void csi_token_key(struct csi_span first, struct csi_span second, uint8_t key[32]);

/* ------------------------------------------------------------------------------------------------------------------- chain */

/* Certificates by the names they can be found by as somebody's issuer. */
struct csi_token_issuers {
    struct csi_token_index by_name; /* subject */
    struct csi_token_index by_key;  /* subject and subjectKeyIdentifier */
};
void csi_token_issuers_clear(struct csi_token_issuers *issuers);
#define CSI_AUTO_ISSUERS __attribute__((cleanup(csi_token_issuers_clear))) struct csi_token_issuers
certstore_status csi_token_issuers_add(struct csi_token_issuers *issuers, struct csi_span der, size_t value, certstore_error *err);
void csi_token_issuers_sort(struct csi_token_issuers *issuers);
/* The issuer of a certificate: by authorityKeyIdentifier where there is one, else by name; the newest of several. SIZE_MAX: none, or self-issued. */
size_t csi_token_issuer_of(const struct csi_token_issuers *issuers, struct csi_span der);
/* "ALIAS chain N" taken apart, N from 1; false for any other label. */
bool csi_token_chain_label(struct csi_span label, struct csi_span *alias, size_t *number);

/* ------------------------------------------------------------------------------------------------------------------- trust */

/* What a trust object is bound by: the key of issuer (whole Name) and serial number (INTEGER's content). */
void csi_token_serial_key(struct csi_span issuer, struct csi_span serial, uint8_t key[32]);
/* The same of a trust or certificate object; false where it does not say both. */
bool csi_token_serial_key_of(struct csi_span object, uint8_t key[32]);
/* True unless the trust object names another certificate's SHA-1. */
bool csi_token_trust_fits(struct csi_span trust, struct csi_span der);
/* Purposes of a trust object, and of a certificate object's own attributes. */
certstore_status csi_token_read_trust(struct csi_span trust, certstore_entry *entry, certstore_error *err);
certstore_status csi_token_read_flags(struct csi_span cert, certstore_entry *entry, certstore_error *err);
/* A trust object for an entry's first certificate; NULL with err clear where the entry says nothing that NSS has a word for. `old`, where there is
 * one, keeps what it says beside the purposes. */
csi_blob *csi_token_make_trust(const certstore_entry *entry, struct csi_span old, certstore_error *err);
bool csi_token_trusts_all(const certstore_entry *entry);
bool csi_token_rejects_all(const certstore_entry *entry);
/* Names of purposes that NSS has no word for: true if the entry has one. */
bool csi_token_has_foreign_purpose(const certstore_entry *entry);

/* -------------------------------------------------------------------------------------------------------------------- text */

/* A label as an alias, and back. Labels are UTF-8 by the standard; one that is not is taken for Latin-1. */
char *csi_token_label_text(struct csi_span label, certstore_error *err);
certstore_status csi_token_put_label(struct csi_object_draft *draft, const char *alias, certstore_error *err);

#endif
