/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object.h: an object of a PKCS#11 token as bytes, so that a token's content can be compared, hashed, kept and decoded where no token is.
 *
 *     object = *( type u32, size u32, value )      big-endian, each type once, in ascending order
 *
 * A CK_ULONG value takes four bytes, big-endian; a CK_BBOOL one byte, 0 or 1; everything else is as the token gave it. What an object leaves out the
 * token did not tell, or holds empty: a module answers either way, and a module's mood is no difference between two objects.
 */
#ifndef CSI_OBJECT_H
#define CSI_OBJECT_H

#include "base/buf.h"

/* Stands in an object that is to be made, never in one that was read: the private key as PKCS#8 PrivateKeyInfo, in the clear. */
#define CSI_OBJECT_PKCS8 0x80c50001u

/* What kind of token it is, as far as a format must know. */
enum csi_token_trait {
    CSI_TOKEN_NSS_TRUST = 1, /* what is trusted is said by CKO_NSS_TRUST objects; one certificate of an issuer and serial number */
    CSI_TOKEN_P11_TRUST = 2, /* what is trusted is said by CKA_TRUSTED and CKA_X_DISTRUSTED: p11-kit's trust module */
    CSI_TOKEN_DATA = 4,      /* holds data objects */
    CSI_TOKEN_KEYS = 8,      /* makes private keys from their values */
    CSI_TOKEN_SECRETS = 16,  /* makes secret keys from their values */
    CSI_TOKEN_WRITABLE = 32,
    CSI_TOKEN_OFFICER = 64 /* its security officer, and nobody else, sets CKA_TRUSTED */
};

struct csi_attribute {
    uint32_t type; /* CKA_... */
    struct csi_span value;
};

/* An object being put together, in any order; a later value of a type takes the place of an earlier one. Zero-initialise it. */
struct csi_object_draft {
    struct csi_draft_attribute {
        uint32_t type;
        size_t at; /* in bytes */
        size_t size;
    } * items;
    size_t count;
    size_t capacity;
    struct csi_buf bytes;
};
void csi_object_draft_clear(struct csi_object_draft *draft);
#define CSI_AUTO_DRAFT __attribute__((cleanup(csi_object_draft_clear))) struct csi_object_draft
/* Each fails for want of memory only, which csi_object_finish() reports. An empty value leaves the attribute out. */
void csi_object_put(struct csi_object_draft *draft, uint32_t type, struct csi_span value);
void csi_object_put_number(struct csi_object_draft *draft, uint32_t type, uint32_t value);
void csi_object_put_flag(struct csi_object_draft *draft, uint32_t type, bool value);
/* All attributes of an object. */
void csi_object_put_all(struct csi_object_draft *draft, struct csi_span object);
csi_blob *csi_object_finish(struct csi_object_draft *draft, certstore_error *err);

/* CERTSTORE_E_MALFORMED unless the bytes are an object: sizes that fit, ascending types, a CKA_CLASS. */
certstore_status csi_object_check(struct csi_span object, certstore_error *err);
/* The readers take an object that was checked, and answer false or the fallback for what is not there or has another size. */
bool csi_object_get(struct csi_span object, uint32_t type, struct csi_span *value);
uint32_t csi_object_number(struct csi_span object, uint32_t type, uint32_t fallback);
bool csi_object_flag(struct csi_span object, uint32_t type, bool fallback);
/* CKA_CLASS; UINT32_MAX when it is not there. */
uint32_t csi_object_class(struct csi_span object);
/* The attribute at *at, which moves on; false at the end. */
bool csi_object_next(struct csi_span object, size_t *at, struct csi_attribute *attribute);
/* True for the attributes whose value is a CK_ULONG, and a CK_BBOOL, in the object's bytes. */
bool csi_attribute_is_number(uint32_t type);
bool csi_attribute_is_flag(uint32_t type);

/* What makes it this object and no other, as bytes: class, label and ID, and the value itself (a certificate's DER, a key's public part, a trust
 * object's issuer, serial number and levels, a data object's application and value). Two readings of one object have the same essence, and so do an
 * object that was asked for and what the module made of it, however many attributes it added. */
certstore_status csi_object_essence(struct csi_span object, struct csi_buf *out, certstore_error *err);
bool csi_object_same(struct csi_span a, struct csi_span b);

/* A list of objects. */
struct csi_objects {
    csi_blob **items;
    size_t count;
    size_t capacity;
};
void csi_objects_clear(struct csi_objects *objects);
#define CSI_AUTO_OBJECTS __attribute__((cleanup(csi_objects_clear))) struct csi_objects
/* Takes a reference. */
certstore_status csi_objects_add(struct csi_objects *objects, csi_blob *object, certstore_error *err);
/* In the order of their bytes: a token has no order of its own. */
void csi_objects_sort(struct csi_objects *objects);

#endif
