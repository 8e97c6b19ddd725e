/* SPDX-License-Identifier: Apache-2.0 */
/* token_write.h: what writing a token knows on the way: the objects that shall be there. */
#ifndef CSI_TOKEN_WRITE_H
#define CSI_TOKEN_WRITE_H

#include "codec/token.h"
#include "model/table.h"

struct csi_token_wanted {
    csi_blob *object;
    const char *alias; /* of the entry it is for; "" for nobody's */
    enum csi_token_role role;
};
struct csi_token_writing {
    const struct csi_codec *codec;
    const certstore_bundle *bundle;
    const struct csi_encode *in;
    const struct csi_token_document *document; /* NULL: the bundle was not read from a token */
    enum csi_token_trust by;
    bool one_of_a_serial; /* NSS: a second certificate of an issuer and serial number is refused */
    bool *kept;           /* by part */
    struct csi_token_wanted *wanted;
    size_t wanted_count;
    size_t wanted_capacity;
    struct csi_token_index private_objects; /* parts by what makes the object this one */
    struct csi_token_index private_keys;    /* parts by public key */
    bool indexed;
    certstore_error *err;
};

/* Takes a reference. */
certstore_status csi_token_want(struct csi_token_writing *w, csi_blob *object, enum csi_token_role role, const char *alias);
/* A part as it was read. */
certstore_status csi_token_keep(struct csi_token_writing *w, size_t part, const char *alias);
/* The entry's unit; SIZE_MAX for one that was not read from this document. */
size_t csi_token_unit_of(const struct csi_token_writing *w, const certstore_entry *entry);
/* The unit's part of a role, where `value` is not empty the one with that CKA_VALUE; SIZE_MAX: none. */
size_t csi_token_part_of(const struct csi_token_writing *w, size_t unit, enum csi_token_role role, struct csi_span value);
struct csi_span csi_token_object(const struct csi_token_writing *w, size_t part);
/* True when the entry's objects get other labels than they have. */
bool csi_token_is_renamed(const struct csi_token_writing *w, const certstore_entry *entry);

/* The private key, its public key and their CKA_ID: token_key.c. */
certstore_status csi_token_write_key(struct csi_token_writing *w, const certstore_entry *entry, struct csi_buf *id, size_t *key_unit);
certstore_status csi_token_write_secret(struct csi_token_writing *w, const certstore_entry *entry);
/* The object with another label. */
csi_blob *csi_token_relabel(struct csi_span object, const char *alias, certstore_error *err);
/* A certificate object. like: the object whose ID, category and trust it keeps; may be empty. */
csi_blob *csi_token_make_cert(const struct csi_token_writing *w, const certstore_entry *entry, size_t number, struct csi_span label,
                              struct csi_span id, struct csi_span like);
/* The chains of all keys, once everything else is wanted: token_chain.c. */
certstore_status csi_token_write_chains(struct csi_token_writing *w);

#endif
