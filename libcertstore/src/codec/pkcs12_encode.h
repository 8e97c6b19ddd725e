/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs12_encode.h: writing PKCS#12 so that what was not touched comes out as it was.
 *
 * An edit says for each bag of the file that was read whether it stays, what takes its place, and what follows it; new bags go to the safe
 * that holds their like. Then a safe in which nothing changed keeps its bytes, encryption included; another is encrypted anew with its own
 * algorithm and parameters; and the MAC is made anew with its own. A store that was read from nowhere is an edit of nothing.
 */
#ifndef CSI_PKCS12_ENCODE_H
#define CSI_PKCS12_ENCODE_H

#include "codec/pkcs12.h"

/* The codec's encode. */
certstore_status csi_pkcs12_encode(const certstore_bundle *bundle, const struct csi_encode *in, csi_parts *parts, certstore_error *err);

struct csi_bag_edit {
    bool wanted;                /* some entry still needs the bag */
    struct csi_buf replacement; /* stands in its place; empty: its own bytes */
    struct csi_buf after;       /* new bags behind it */
};
struct csi_p12_edit {
    const certstore_bundle *bundle;
    const struct csi_encode *in;
    const csi_pkcs12 *from; /* NULL: a new store */
    struct csi_limits limits;
    struct csi_budget budget;
    struct csi_pbe_session session;
    struct csi_bag_edit *bags; /* one for each of from's */
    bool *claimed;             /* one for each of from's items: an entry has it */
    struct csi_buf keys;       /* new bags: private and secret keys */
    struct csi_buf certs;      /* new bags: everything else */
    bool *own;                 /* one for each of from's bags: it is an entry by itself, not part of a chain */
    int64_t *dates;            /* of the localKeyIDs given out: no two are the same */
    size_t date_count;
    size_t date_capacity;
    struct csi_span *written; /* chain certificates among the new bags: each is written once */
    size_t written_count;
    size_t written_capacity;
};

/* pkcs12_edit.c: goes through the bundle's entries. */
certstore_status csi_p12_edit_entries(struct csi_p12_edit *edit, certstore_error *err);
/* pkcs12_write.c: the file that the edit comes to. */
certstore_status csi_p12_write(struct csi_p12_edit *edit, struct csi_buf *out, certstore_error *err);
/* The passphrase of MAC and encrypted safes; NULL: without. */
const csi_secret *csi_p12_store_password(const struct csi_p12_edit *edit);

/* True for an opaque entry that is a bag of some PKCS#12 file: it goes into another one whole. */
bool csi_p12_is_bag(const certstore_entry *entry);

/* pkcs12_make.c: bags. What a bag says about its content; the attributes in `keep` stay, except those that are set here. */
struct csi_bag_says {
    const char *alias;             /* friendlyName; NULL: not set */
    struct csi_span local_key_id;  /* empty: not set */
    const struct csi_trust *trust; /* Java's trust attribute; NULL: not set */
    struct csi_span keep;          /* content of an attribute SET */
};
/* SafeBag SEQUENCE { type, [0] value, attributes }. type is an OID's content. */
certstore_status csi_bag_put(struct csi_buf *out, struct csi_span type, struct csi_span value, const struct csi_bag_says *says, certstore_error *err);
/* The values of CertBag, CRLBag and Java's SecretBag: SEQUENCE { type, [0] OCTET STRING }. */
void csi_bag_put_typed(struct csi_buf *out, struct csi_span type, struct csi_span octets);
/* The key of an entry as the value of a bag, of which *number is set: encrypted like `like` (an EncryptedPrivateKeyInfo of the store; empty: as the
 * profile says) under `password`, in the clear without one. */
certstore_status csi_bag_make_key(struct csi_p12_edit *edit, const certstore_entry *entry, const csi_secret *password, struct csi_span like,
                                  struct csi_buf *value, enum csi_bag_number *number, certstore_error *err);
/* The encryption of a new safe, by profile; csi_pbe_seal() fills in salt and IV. */
void csi_p12_put_safe_algorithm(enum csi_profile profile, struct csi_buf *out);
/* CERTSTORE_E_ARGUMENT for a passphrase that the profile's readers cannot use. NULL is fine. */
certstore_status csi_p12_check_password(enum csi_profile profile, const csi_secret *password, certstore_error *err);

#endif
