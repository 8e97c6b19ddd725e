/* SPDX-License-Identifier: Apache-2.0 */
/* pemdir.h: what the files of the hashed directory's codec share. */
#ifndef CSI_PEMDIR_H
#define CSI_PEMDIR_H

#include "codec/name_hash.h"
#include "codec/pem.h"

/* HASH.N or HASH.rN */
struct csi_pemdir_slot {
    uint32_t hash;
    bool crl;
    unsigned number;
};
struct csi_pemdir_file {
    char *name;
    csi_blob *bytes;
    bool hashed; /* its name is a slot's */
    bool stale;  /* a link to nothing */
    struct csi_pemdir_slot slot;
    size_t unit; /* the entry it holds, also as a duplicate; SIZE_MAX: none */
};
struct csi_pemdir {
    struct csi_document base;
    struct csi_pemdir_file *files;
    size_t count;
    size_t unit_count;
};

bool csi_pemdir_parse_name(const char *name, struct csi_pemdir_slot *slot);
/* The hash under which OpenSSL looks for a certificate (by subject) or CRL (by issuer). */
bool csi_pemdir_hash(struct csi_span der, bool crl, uint32_t *hash);

/* Which certificates and CRLs were seen, by fingerprint. */
struct csi_pemdir_known {
    struct csi_pemdir_seen {
        uint8_t sha256[32];
        size_t unit_plus_1; /* 0: an empty slot */
    } * slots;
    size_t capacity; /* a power of two */
    size_t count;
};
/* Finds der, or adds it under `unit`; *found is its unit either way. */
certstore_status csi_pemdir_known_add(struct csi_pemdir_known *known, struct csi_span der, size_t unit, size_t *found, bool *is_new,
                                      certstore_error *err);

certstore_status csi_pemdir_encode(const certstore_bundle *bundle, const struct csi_encode *in, csi_parts *parts, certstore_error *err);

#endif
