/* SPDX-License-Identifier: Apache-2.0 */
/*
 * codec.h: a codec is a FORMAT: bytes <-> bundle. Pure: no I/O, no clock, no global state, so that it can be fuzzed; random bytes (salts, IVs)
 * come from OpenSSL.
 *
 * A store's bytes are its PARTS: one for a key store file, two for a PEM identity in two files, one a file for a hashed directory.
 *
 * What decode() promises: decode then encode with nothing changed gives the same parts, byte for byte (the caller does not even ask then: see
 * csi_bundle_pristine). What encode() promises: everything the edit did not touch comes out as it was: unknown parts, order, dates,
 * algorithms and their parameters, the encrypted form of keys.
 */
#ifndef CSI_CODEC_H
#define CSI_CODEC_H

#include "model/bundle.h"

struct csi_part {
    char *name; /* a file name for hashed directories; "" for the only or first part, "key" for a PEM identity's key file */
    csi_blob *bytes;
};
struct csi_parts {
    struct csi_part *items;
    size_t count;
    size_t capacity;
};
typedef struct csi_parts csi_parts;
csi_parts *csi_parts_new(certstore_error *err);
/* Takes a reference of bytes. */
certstore_status csi_parts_add(csi_parts *parts, const char *name, csi_blob *bytes, certstore_error *err);
void csi_parts_free(csi_parts *parts);
CSI_DEFINE_AUTO(csi_parts, csi_parts_free)

enum csi_profile { CSI_PROFILE_DEFAULT, CSI_PROFILE_JAVA8, CSI_PROFILE_JAVA17, CSI_PROFILE_OPENSSL3, CSI_PROFILE_FIPS, CSI_PROFILE_LEGACY };

struct csi_decode {
    const csi_parts *parts;
    const csi_passwords *passwords; /* may be NULL: none given */
    const struct csi_limits *limits;
    struct csi_remote *remote; /* the token that the parts were read from, for its keys; NULL for files */
};
struct csi_encode {
    const csi_passwords *passwords; /* to open what must be encrypted anew; keys know their own as well */
    const csi_passwords *protect;   /* to protect what is written; may be the same object; NULL: write without protection where the format can */
    bool reprotect;                 /* the passphrase changes: MAC, safes and every key are made anew under `protect` */
    enum csi_profile profile;       /* for what is written anew */
    int64_t now_ms;                 /* for entries without a date, where the format wants one */
    size_t part_count;              /* PEM: 2 when the key goes to a file of its own; otherwise 1 */
    const struct csi_limits *limits;
    bool allow_loss;           /* what only the place, and not the format, cannot hold may be left out */
    struct csi_remote *remote; /* the token that is written to; NULL for files */
    unsigned traits;           /* enum csi_token_trait, of that token */
    bool by_officer;           /* the security officer's PIN is there: CSI_TOKEN_OFFICER may be made use of */
};

struct csi_codec {
    const char *name;
    uint32_t capabilities; /* certstore_capability bits */
    enum csi_alias_rule rule;
    const char *const *suffixes; /* ".p12", ...; NULL-terminated; for stores that do not exist yet */
    /* How sure the content looks like this format: 0 not at all ... 100 a magic number. Reads at most the first few KiB. */
    int (*probe)(struct csi_span content);
    /* Returns a bundle whose document, origins, integrity and notes are set; NULL on failure. */
    certstore_bundle *(*decode)(const struct csi_decode *in, certstore_error *err);
    /* Appends to parts. bundle may come from any format: what has no origin in this codec's document is written anew. */
    certstore_status (*encode)(const certstore_bundle *bundle, const struct csi_encode *in, csi_parts *parts, certstore_error *err);
    /* Adds a row for each thing of the bundle that this format cannot hold. Whatever encode() leaves out without failing has a row that is a
     * CERTSTORE_FAULT. With left_out_only (model/report.h) it is asked before every write, and looks at what entries are, not into them. */
    certstore_status (*losses)(const certstore_bundle *bundle, certstore_report *losses, certstore_error *err);
};

/* For losses(): a row for an entry whose key does not leave its token. It is left out whole: a certificate without its key would pass for a trusted
 * one. Its encode() fails on such a key with CERTSTORE_E_BOUND. */
certstore_status csi_losses_bound(const certstore_entry *entry, bool *bound, certstore_report *losses, certstore_error *err);
/* The same for an entry that has lost the certificate, or the key, that it is about. */
certstore_status csi_losses_empty(const certstore_entry *entry, bool *empty, certstore_report *losses, certstore_error *err);

extern const struct csi_codec csi_codec_pem;
extern const struct csi_codec csi_codec_pemdir;
extern const struct csi_codec csi_codec_pkcs12;
extern const struct csi_codec csi_codec_jks;
extern const struct csi_codec csi_codec_jceks;
extern const struct csi_codec csi_codec_bks;
/* Parts are objects of a token (model/object.h), one each; their names mean nothing. */
extern const struct csi_codec csi_codec_pkcs11;
extern const struct csi_codec csi_codec_nss;
/* Recognised and declined by name. */
extern const struct csi_codec csi_codec_uber;
extern const struct csi_codec csi_codec_bcfks;
extern const struct csi_codec csi_codec_p11kit;
extern const struct csi_codec csi_codec_certdata;
extern const struct csi_codec csi_codec_edk2;
extern const struct csi_codec csi_codec_sqlite;

#endif
