/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_pair.c: which certificate belongs to which private key.
 *
 * By the public key first, since that cannot be wrong. Only where a token does not tell it, by CKA_ID, and by label at last. A name never pairs what
 * the public keys tell apart: that is a note.
 */
#include "codec/token_read.h"

#include <p11-kit/pkcs11.h>

#include "model/cert.h"

/* How much two objects that have the same public key must agree, from one pass to the next. */
enum agreement { LABEL_AND_ID, LABEL_ONLY, ID_ONLY, NOTHING };

struct pairing {
    struct csi_token_reading *r;
    struct csi_token_index certs_by_key;
    struct csi_token_index certs_by_id;
    struct csi_token_index certs_by_label;
    struct csi_token_index privates_by_key;
    struct csi_token_index publics_by_id;
};

static void pairing_free(struct pairing *p)
{
    csi_token_index_clear(&p->certs_by_key);
    csi_token_index_clear(&p->certs_by_id);
    csi_token_index_clear(&p->certs_by_label);
    csi_token_index_clear(&p->privates_by_key);
    csi_token_index_clear(&p->publics_by_id);
}
#define AUTO_PAIRING __attribute__((cleanup(pairing_free))) struct pairing

static certstore_status add_by(struct csi_token_index *index, struct csi_span object, uint32_t type, int64_t rank, size_t value, certstore_error *err)
{
    struct csi_span name;
    uint8_t key[32];
    if (!csi_object_get(object, type, &name))
        return CERTSTORE_OK;
    csi_token_key(name, csi_span(NULL, 0), key);
    return csi_token_index_add(index, key, rank, value, err);
}

static size_t find_by(const struct csi_token_index *index, struct csi_span object, uint32_t type)
{
    struct csi_span name;
    uint8_t key[32];
    if (!csi_object_get(object, type, &name))
        return SIZE_MAX;
    csi_token_key(name, csi_span(NULL, 0), key);
    return csi_token_index_find(index, key);
}

static bool same_attribute(struct csi_span a, struct csi_span b, uint32_t type)
{
    struct csi_span left;
    struct csi_span right;
    return csi_object_get(a, type, &left) && csi_object_get(b, type, &right) && csi_span_equal(left, right);
}

static bool agrees(struct csi_span a, struct csi_span b, enum agreement agreement)
{
    bool label = same_attribute(a, b, CKA_LABEL);
    bool id = same_attribute(a, b, CKA_ID);
    switch (agreement) {
    case LABEL_AND_ID:
        return label && id;
    case LABEL_ONLY:
        return label;
    case ID_ONLY:
        return id;
    default:
        return true;
    }
}

/* -------------------------------------------------------------------------------------------------------------- by public key */

/* A private key that does not say its public one: the public key object of the same type and CKA_ID says it. */
static void ask_public(struct pairing *p, struct csi_token_private *private)
{
    struct csi_token_reading *r = p->r;
    size_t at = find_by(&p->publics_by_id, private->object, CKA_ID);
    for (size_t tries = 0; at != SIZE_MAX && tries < CSI_TOKEN_ALIKE && private->key_count == 0; tries++) {
        size_t number = p->publics_by_id.items[at].value;
        const struct csi_token_public *public = &r->publics[number];
        if (same_attribute(private->object, public->object, CKA_KEY_TYPE)) {
            private->key_count = csi_pubkey_of_object(public->object, private->keys);
            private->public = private->key_count > 0 ? number : SIZE_MAX;
        }
        at = csi_token_index_next(&p->publics_by_id, at);
    }
}

static certstore_status prepare(struct pairing *p, certstore_error *err)
{
    struct csi_token_reading *r = p->r;
    for (size_t i = 0; i < r->cert_count; i++) {
        const struct csi_token_cert *cert = &r->certs[i];
        if (cert->keyed)
            CSI_TRY(csi_token_index_add(&p->certs_by_key, cert->key.identity, cert->since, i, err));
        CSI_TRY(add_by(&p->certs_by_id, cert->object, CKA_ID, cert->since, i, err));
        CSI_TRY(add_by(&p->certs_by_label, cert->object, CKA_LABEL, cert->since, i, err));
    }
    for (size_t i = 0; i < r->public_count; i++)
        CSI_TRY(add_by(&p->publics_by_id, r->publics[i].object, CKA_ID, 0, i, err));
    csi_token_index_sort(&p->certs_by_key);
    csi_token_index_sort(&p->certs_by_id);
    csi_token_index_sort(&p->certs_by_label);
    csi_token_index_sort(&p->publics_by_id);
    for (size_t i = 0; i < r->private_count; i++) {
        struct csi_token_private *private = &r->privates[i];
        if (private->key_count == 0)
            ask_public(p, private);
        for (size_t k = 0; k < private->key_count; k++)
            CSI_TRY(csi_token_index_add(&p->privates_by_key, private->keys[k].identity, 0, i, err));
    }
    csi_token_index_sort(&p->privates_by_key);
    return CERTSTORE_OK;
}

static void take(struct pairing *p, struct csi_token_private *private, size_t cert)
{
    private->cert = cert;
    p->r->certs[cert].taken = true;
}

/* The newest certificate of the key that agrees so far and is nobody's yet. */
static void pair_by_key(struct pairing *p, struct csi_token_private *private, enum agreement agreement)
{
    for (size_t k = 0; k < private->key_count && private->cert == SIZE_MAX; k++) {
        size_t at = csi_token_index_find(&p->certs_by_key, private->keys[k].identity);
        for (size_t tries = 0; at != SIZE_MAX && tries < CSI_TOKEN_ALIKE && private->cert == SIZE_MAX; tries++) {
            size_t number = p->certs_by_key.items[at].value;
            if (!p->r->certs[number].taken && agrees(private->object, p->r->certs[number].object, agreement))
                take(p, private, number);
            at = csi_token_index_next(&p->certs_by_key, at);
        }
    }
}

static bool is_twice(const struct pairing *p, const struct csi_token_private *private)
{
    size_t at = private->key_count > 0 ? csi_token_index_find(&p->privates_by_key, private->keys[0].identity) : SIZE_MAX;
    return at != SIZE_MAX && csi_token_index_next(&p->privates_by_key, at) != SIZE_MAX;
}

/* ------------------------------------------------------------------------------------------------------------- by ID and label */

static bool is_the_keys(const struct csi_token_private *private, const struct csi_token_cert *cert)
{
    for (size_t k = 0; k < private->key_count; k++)
        if (csi_pubkey_equal(&private->keys[k], &cert->key))
            return true;
    return false;
}

/* Two families are two keys, whatever their numbers are. */
static bool is_another(const struct csi_token_private *private, const struct csi_token_cert *cert)
{
    struct csi_cert_view view;
    if (!cert->keyed)
        return false;
    if (private->key_count > 0)
        return !is_the_keys(private, cert);
    return csi_cert_skim(cert->der, &view) && csi_spki_key_type(view.spki) != csi_object_number(private->object, CKA_KEY_TYPE, UINT32_MAX);
}

static char *name_of(struct csi_span object, certstore_error *err)
{
    struct csi_span label;
    return csi_object_get(object, CKA_LABEL, &label) ? csi_token_label_text(label, err) : csi_strdup("(no label)", err);
}

static certstore_status note_mismatch(struct pairing *p, const struct csi_token_private *private, const struct csi_token_cert *cert, const char *what)
{
    certstore_error *err = p->r->err;
    CSI_AUTO(csi_chars) *key = name_of(private->object, err);
    CSI_AUTO(csi_chars) *other = key != NULL ? name_of(cert->object, err) : NULL;
    if (other == NULL)
        return err->status;
    return csi_report_add(p->r->bundle->notes, "key-mismatch", CERTSTORE_WARNING, key, err,
                          "the certificate %s has the private key's %s and another public key; it is not taken for the key's", other, what);
}

static certstore_status pair_by_name(struct pairing *p, struct csi_token_private *private, const struct csi_token_index *index, uint32_t type,
                                     bool *noted)
{
    const struct csi_token_cert *another = NULL;
    size_t at = private->cert == SIZE_MAX ? find_by(index, private->object, type) : SIZE_MAX;
    for (size_t tries = 0; at != SIZE_MAX && tries < CSI_TOKEN_ALIKE && private->cert == SIZE_MAX; tries++) {
        size_t number = index->items[at].value;
        struct csi_token_cert *cert = &p->r->certs[number];
        bool wrong = !cert->taken && is_another(private, cert);
        if (wrong && another == NULL)
            another = cert;
        if (!cert->taken && !wrong)
            take(p, private, number);
        at = csi_token_index_next(index, at);
    }
    if (private->cert != SIZE_MAX || another == NULL || *noted)
        return CERTSTORE_OK;
    *noted = true;
    return note_mismatch(p, private, another, type == CKA_ID ? "ID" : "label");
}

/* -------------------------------------------------------------------------------------------------------- what is there twice */

/* Older certificates of a key that has its own: they stay, as trusted ones. */
static certstore_status note_older(struct pairing *p, const struct csi_token_private *private)
{
    certstore_error *err = p->r->err;
    for (size_t k = 0; k < private->key_count && private->cert != SIZE_MAX; k++) {
        size_t at = csi_token_index_find(&p->certs_by_key, private->keys[k].identity);
        for (size_t tries = 0; at != SIZE_MAX && tries < CSI_TOKEN_ALIKE; tries++) {
            const struct csi_token_cert *cert = &p->r->certs[p->certs_by_key.items[at].value];
            at = csi_token_index_next(&p->certs_by_key, at);
            if (cert->taken || cert->labelled)
                continue;
            CSI_AUTO(csi_chars) *name = name_of(cert->object, err);
            CSI_AUTO(csi_chars) *key = name != NULL ? name_of(private->object, err) : NULL;
            if (key == NULL)
                return err->status;
            CSI_TRY(csi_report_add(p->r->bundle->notes, "duplicate-certificate", CERTSTORE_INFO, name, err,
                                   "an older certificate of the private key %s; remove it where it is not used any more", key));
        }
    }
    return CERTSTORE_OK;
}

static certstore_status note_twice(struct pairing *p)
{
    certstore_error *err = p->r->err;
    for (size_t i = 0; i < p->privates_by_key.count; i++) {
        size_t next = csi_token_index_next(&p->privates_by_key, i);
        if (next == SIZE_MAX || p->privates_by_key.items[next].value == p->privates_by_key.items[i].value)
            continue;
        CSI_AUTO(csi_chars) *first = name_of(p->r->privates[p->privates_by_key.items[i].value].object, err);
        CSI_AUTO(csi_chars) *second = first != NULL ? name_of(p->r->privates[p->privates_by_key.items[next].value].object, err) : NULL;
        if (second == NULL)
            return err->status;
        CSI_TRY(csi_report_add(p->r->bundle->notes, "duplicate-key", CERTSTORE_WARNING, second, err, "the same private key as %s; remove one of them",
                               first));
    }
    return CERTSTORE_OK;
}

/* ------------------------------------------------------------------------------------------------------------ public key objects */

/* Whose public key it is: where a key is there twice, the one's with its CKA_ID. */
static size_t owner_of(const struct pairing *p, const struct csi_token_public *public)
{
    struct csi_pubkey keys[2];
    size_t first = SIZE_MAX;
    size_t count = csi_pubkey_of_object(public->object, keys);
    for (size_t k = 0; k < count; k++) {
        size_t at = csi_token_index_find(&p->privates_by_key, keys[k].identity);
        for (size_t tries = 0; at != SIZE_MAX && tries < CSI_TOKEN_ALIKE; tries++, at = csi_token_index_next(&p->privates_by_key, at)) {
            size_t owner = p->privates_by_key.items[at].value;
            if (same_attribute(p->r->privates[owner].object, public->object, CKA_ID))
                return owner;
            first = first != SIZE_MAX ? first : owner;
        }
    }
    return first;
}

static void give_public(struct pairing *p, size_t number)
{
    struct csi_token_public *public = &p->r->publics[number];
    size_t owner = owner_of(p, public);
    if (owner == SIZE_MAX)
        return;
    public->next = p->r->privates[owner].publics;
    p->r->privates[owner].publics = number;
}

static certstore_status pair_all(struct pairing *p)
{
    struct csi_token_reading *r = p->r;
    CSI_TRY(prepare(p, r->err));
    for (enum agreement agreement = LABEL_AND_ID; agreement < NOTHING; agreement++)
        for (size_t i = 0; i < r->private_count; i++)
            if (r->privates[i].cert == SIZE_MAX && is_twice(p, &r->privates[i]))
                pair_by_key(p, &r->privates[i], agreement);
    for (size_t i = 0; i < r->private_count; i++)
        pair_by_key(p, &r->privates[i], NOTHING);
    for (size_t i = 0; i < r->private_count; i++) {
        bool noted = false;
        CSI_TRY(pair_by_name(p, &r->privates[i], &p->certs_by_id, CKA_ID, &noted));
        CSI_TRY(pair_by_name(p, &r->privates[i], &p->certs_by_label, CKA_LABEL, &noted));
    }
    for (size_t i = 0; i < r->private_count; i++)
        CSI_TRY(note_older(p, &r->privates[i]));
    for (size_t i = 0; i < r->public_count; i++)
        give_public(p, i);
    return note_twice(p);
}

certstore_status csi_token_pair(struct csi_token_reading *r)
{
    AUTO_PAIRING pairing = { .r = r };
    return pair_all(&pairing);
}
