/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jks.h: JKS and JCEKS key stores: the outline of the file, shared by its reader and its writer. The two formats differ in the magic number, in
 * how a new key is protected, and in that JCEKS holds secret keys (docs/internals/jks.md).
 */
#ifndef CSI_JKS_H
#define CSI_JKS_H

#include "base/reader.h"
#include "codec/codec.h"
#include "codec/java.h"

enum {
    CSI_JKS_VERSION_1 = 1, /* no certificate types */
    CSI_JKS_VERSION_2 = 2,
    CSI_JKS_TAG_KEY = 1,
    CSI_JKS_TAG_TRUSTED = 2,
    CSI_JKS_TAG_SECRET = 3, /* JCEKS only */
    CSI_JKS_HEADER_SIZE = 12,
    CSI_JKS_WINDOW = 16 << 10 /* how far the digest runs ahead of the entries: so little that they are still in the cache when they are read */
};
#define CSI_JKS_MAGIC UINT32_C(0xfeedfeed)
#define CSI_JCEKS_MAGIC UINT32_C(0xcececece)

/* One entry as it stands in the file. */
struct csi_jks_record {
    uint32_t tag;
    struct csi_span whole; /* from its tag on */
    struct csi_span alias; /* modified UTF-8, without its length */
    int64_t created_ms;
    struct csi_span body; /* what follows the date */
    struct csi_span key;  /* CSI_JKS_TAG_KEY: EncryptedPrivateKeyInfo; CSI_JKS_TAG_SECRET: the serialized object */
    size_t cert_count;
    struct csi_reader certs; /* for csi_jks_next_cert() */
};
struct csi_jks_cert {
    struct csi_span type; /* "X.509", also where version 1 says none */
    struct csi_span bytes;
};

/* Reads one record, checking every length in it, and moves the cursor past it. */
certstore_status csi_jks_read_record(struct csi_reader *r, uint32_t version, const struct csi_limits *limits, struct csi_jks_record *record,
                                     certstore_error *err);
/* The next of a record's certificates; the lengths have been checked. */
bool csi_jks_next_cert(struct csi_reader *certs, uint32_t version, struct csi_jks_cert *cert);

/* What is kept of the store that was read. An entry's origin.index is the place of its record in the file. */
struct csi_jks_document {
    csi_document base;
    csi_blob *file;
    uint32_t magic;
    uint32_t version;
    size_t end; /* where the digest ends; what follows is kept and means nothing */
};

/* decode and encode of the two codecs; they tell themselves by name. */
certstore_bundle *csi_jks_decode(const struct csi_codec *codec, const struct csi_decode *in, certstore_error *err);
certstore_status csi_jks_encode(const struct csi_codec *codec, const certstore_bundle *bundle, const struct csi_encode *in, csi_parts *parts,
                                certstore_error *err);
/* Aliases that differ in case only, from a store that tells them apart: a row for each in report, or CERTSTORE_E_EXISTS where that is NULL. */
certstore_status csi_jks_collisions(const struct csi_codec *codec, const certstore_bundle *bundle, certstore_report *report, certstore_error *err);
/* False for what the format cannot hold at all: losses() names it, encode leaves it out. */
bool csi_jks_holds(const struct csi_codec *codec, const certstore_bundle *bundle, const certstore_entry *entry);
/* The bundle's document if this codec read it, else NULL. */
const struct csi_jks_document *csi_jks_document_of(const struct csi_codec *codec, const certstore_bundle *bundle);

/* JCEKS secret keys: the sealed object. codec/jks_secret.c. */
extern const struct csi_protection csi_protection_sealed_object;
certstore_status csi_jks_seal_secret(const struct csi_plain_key *plain, const csi_secret *password, struct csi_buf *out, certstore_error *err);

#endif
