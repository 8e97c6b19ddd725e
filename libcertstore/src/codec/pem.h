/* SPDX-License-Identifier: Apache-2.0 */
/* pem.h: what the files of the PEM codec share: its document, and the pieces that a text falls into. */
#ifndef CSI_PEM_H
#define CSI_PEM_H

#include "codec/codec.h"
#include "codec/pem_scan.h"

enum csi_pem_kind {
    CSI_PEM_CERT,          /* CERTIFICATE, X509 CERTIFICATE */
    CSI_PEM_TRUSTED,       /* TRUSTED CERTIFICATE: with OpenSSL's trust settings behind it */
    CSI_PEM_CRL,           /* X509 CRL */
    CSI_PEM_CMS,           /* PKCS7, CMS: certificates and CRLs in one block */
    CSI_PEM_PKCS8,         /* PRIVATE KEY */
    CSI_PEM_PKCS8_SEALED,  /* ENCRYPTED PRIVATE KEY */
    CSI_PEM_TRADITIONAL,   /* RSA, DSA, EC PRIVATE KEY, in the clear or under DEK-Info */
    CSI_PEM_EC_PARAMETERS, /* belongs to the EC key that follows it */
    CSI_PEM_OTHER
};
static inline bool csi_pem_is_key(enum csi_pem_kind kind)
{
    return kind == CSI_PEM_PKCS8 || kind == CSI_PEM_PKCS8_SEALED || kind == CSI_PEM_TRADITIONAL;
}

/* A block of the document, with the text that belongs to it. A text is: header, (comment, block, gap) ... and every byte of it is kept. */
struct csi_pem_piece {
    enum csi_pem_kind kind;
    unsigned part;  /* which text it lies in */
    size_t comment; /* where the lines directly above it that speak of it begin; begin when there are none */
    size_t begin;
    size_t end;
    struct csi_span label;
    struct csi_span headers;
    struct csi_span body; /* decoded; for a TRUSTED CERTIFICATE the certificate alone */
    struct csi_span aux;  /* OpenSSL's trust settings behind the certificate; empty when there are none */
    struct csi_span name; /* of a friendlyName line in the comment; empty when there is none */
    size_t alias;         /* of a certificate: where the alias it gives its entry stands in the document's `aliases` */
    bool unnamed;         /* that alias was made up from the subject */
    size_t unit;          /* the entry it is part of: the entry's origin.index. For CMS the first of several */
    size_t units;         /* 1; for CMS how many entries came out of it */
};

enum { CSI_PEM_PARTS = 2 };
struct csi_pem_document {
    struct csi_document base;
    bool der[CSI_PEM_PARTS]; /* the part is one object in DER and no text; its piece spans it */
    unsigned part_count;
    csi_blob *text[CSI_PEM_PARTS];   /* as read; NULL where the part was not there */
    csi_blob *bodies[CSI_PEM_PARTS]; /* everything that was decoded from it, one after the other */
    struct csi_pem_piece *pieces;    /* in file order, part by part */
    size_t count;
    size_t capacity;
    size_t unit_count;
    size_t key_count;
    struct csi_buf aliases; /* while it is read: of the certificates, each with a NUL */
};

/* The document of a bundle that this codec read, else NULL. */
const struct csi_pem_document *csi_pem_document_of(const certstore_bundle *bundle);

/* pem_read.c, pem_write.c */
certstore_bundle *csi_pem_decode_store(const struct csi_decode *in, certstore_error *err);
certstore_status csi_pem_encode_store(const certstore_bundle *bundle, const struct csi_encode *in, csi_parts *parts, certstore_error *err);

/* A new entry for a piece that stands alone, not yet in the bundle: a trusted certificate, which lies in the document `home` as its unit, or a CRL,
 * which is still to be told of it. */
certstore_entry *csi_pem_entry_cert(const struct csi_pem_document *document, const struct csi_pem_piece *piece, csi_document *home, size_t unit,
                                    certstore_error *err);
certstore_entry *csi_pem_entry_crl(struct csi_span der, certstore_error *err);

/* pem_text.c: texts to pieces. Whether bytes are a PEM text at all, be it one without a block. */
bool csi_pem_is_text(struct csi_span bytes);
certstore_status csi_pem_split(struct csi_pem_document *document, unsigned part, const struct csi_limits *limits, certstore_error *err);
struct csi_pem_piece *csi_pem_add_piece(struct csi_pem_document *document, certstore_error *err);
/* Finds the alias that a certificate gives its entry: from the trust settings, else from a friendlyName line, else made up from the subject. */
certstore_status csi_pem_name_piece(struct csi_pem_document *document, struct csi_pem_piece *piece, certstore_error *err);

/* pem_der.c: one object in DER instead of text. False when it is none that is known. */
bool csi_pem_classify_der(struct csi_span der, enum csi_pem_kind *kind, const char **label);
bool csi_pem_is_crl(struct csi_span der);
/* The whole Name of a CRL's issuer. */
bool csi_pem_crl_issuer(struct csi_span der, struct csi_span *issuer);

/* pem_pair.c: which certificates belong to which key: one row a key. */
struct csi_pem_identity {
    size_t key_piece;
    csi_key *key;
    bool known;    /* its public key: then no certificate of another will do */
    size_t *certs; /* pieces, leaf first */
    size_t cert_count;
    size_t cert_capacity;
};
struct csi_pem_identities {
    struct csi_pem_identity *items;
    size_t count;
    size_t capacity;
};
void csi_pem_identities_clear(struct csi_pem_identities *identities);
certstore_status csi_pem_pair(const struct csi_pem_document *document, const struct csi_decode *in, struct csi_pem_identities *identities,
                              certstore_error *err);
/* pem_key.c: key pieces to keys and back. */
csi_key *csi_pem_key(const struct csi_pem_document *document, const struct csi_pem_piece *piece, const struct csi_decode *in, certstore_error *err);
/* Appends the key of an entry as the block that an edit asks for; `old` is the piece whose place it takes, or NULL. */
certstore_status csi_pem_write_key(const certstore_entry *entry, const struct csi_pem_piece *old, const struct csi_encode *in, struct csi_buf *out,
                                   certstore_error *err);

/* pem_aux.c: X509_CERT_AUX, what OpenSSL appends to a TRUSTED CERTIFICATE. */
bool csi_pem_aux_split(struct csi_span body, struct csi_span *cert, struct csi_span *aux);
/* The alias in it; false if there is none that can serve. */
bool csi_pem_aux_alias(struct csi_span aux, struct csi_span *alias);
certstore_status csi_pem_aux_read(struct csi_span aux, certstore_entry *entry, certstore_error *err);
/* Appends the settings of an entry. old: what the certificate had, whose keyid and other settings are kept; empty when it had none. */
certstore_status csi_pem_aux_write(const certstore_entry *entry, struct csi_span old, struct csi_buf *out, certstore_error *err);
/* Appends a certificate of an entry: as TRUSTED CERTIFICATE when it has purposes, or when `old`, the piece whose place it takes (may be NULL),
 * held its alias; else as CERTIFICATE. */
certstore_status csi_pem_write_cert(const certstore_entry *entry, size_t index, const struct csi_pem_piece *old, struct csi_buf *out,
                                    certstore_error *err);

/* pem_cms.c: the certificates and CRLs of a CMS SignedData (RFC 5652 section 5.1), DER or BER, in order. */
struct csi_pem_member {
    struct csi_span der;
    bool crl;
};
struct csi_pem_members {
    struct csi_pem_member *items;
    size_t count;
    size_t capacity;
};
certstore_status csi_pem_cms_members(struct csi_span cms, const struct csi_limits *limits, struct csi_pem_members *members, certstore_error *err);

/* pem_legacy.c: keys under "Proc-Type: 4,ENCRYPTED" (RFC 1421 section 4.6.1.1); the sealed form is the PEM block itself. */
extern const struct csi_protection csi_protection_pem_legacy;

#endif
