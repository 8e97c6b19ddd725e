/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs12_entries.c: bags to entries, in the file's order. Keys stay sealed; certificates are slices of what their safe held. */
#include <stdio.h>

#include "codec/pkcs12.h"
#include "codec/pkcs8.h"
#include "model/purpose.h"

enum { DATE_PREFIX = 5, DATE_DIGITS = 18 };

/* Java writes the creation date of a key into its localKeyID: "Time " and milliseconds (PKCS12KeyStore). */
static int64_t created_from(struct csi_span id)
{
    int64_t value = 0;
    if (id.size <= DATE_PREFIX || id.size > DATE_PREFIX + DATE_DIGITS || memcmp(id.data, "Time ", DATE_PREFIX) != 0)
        return INT64_MIN;
    for (size_t i = DATE_PREFIX; i < id.size; i++) {
        if (id.data[i] < '0' || id.data[i] > '9')
            return INT64_MIN;
        value = value * 10 + (id.data[i] - '0');
    }
    return value;
}

struct build {
    csi_pkcs12 *pkcs12;
    struct csi_p12_read *read;
    certstore_bundle *bundle;
    const bool *member;
    size_t next_key;     /* items of keys come first, in the order of their bags */
    size_t index;        /* of the item that the entry is being made of */
    struct csi_buf name; /* of that entry */
};

static csi_blob *owner_of(const struct build *b, const struct csi_bag *bag)
{
    return b->pkcs12->safes[bag->safe].owner;
}

/* Whether the bag has a name of its own that can be read. */
static bool read_name(struct build *b, const struct csi_bag *bag, certstore_error *err)
{
    b->name.size = 0;
    const bool named = bag != NULL && csi_bag_name(bag, &b->name) && b->name.size > 0;
    return csi_buf_check(&b->name, err) == CERTSTORE_OK && named &&
           csi_limit_check(b->read->limits, CERTSTORE_LIMIT_ALIAS_SIZE, b->name.size, err) == CERTSTORE_OK;
}

static certstore_status invent_name(struct build *b, const struct csi_bag *cert, const char *what, size_t number, certstore_error *err)
{
    CSI_AUTO(csi_chars) *name = cert != NULL ? csi_alias_for_cert(cert->object, err) : csi_format(err, "%s-%zu", what, number + 1);
    b->name.size = 0;
    if (name != NULL)
        csi_buf_put_text(&b->name, name);
    return err->status;
}

/* The entry under the first name there is: the bag's, its certificate's, or one made up. */
static certstore_entry *start(struct build *b, certstore_kind kind, const struct csi_bag *bag, const struct csi_bag *cert, const char *what,
                              certstore_error *err)
{
    bool named = read_name(b, bag, err);
    if (!named && cert != bag && err->status == CERTSTORE_OK)
        named = read_name(b, cert, err);
    if (!named && err->status == CERTSTORE_OK)
        invent_name(b, cert, what, (size_t)(bag - b->pkcs12->bags), err);
    csi_buf_put_u8(&b->name, 0);
    if (err->status != CERTSTORE_OK || csi_buf_check(&b->name, err) != CERTSTORE_OK)
        return NULL;
    certstore_entry *entry = csi_entry_new_in(&b->pkcs12->base, b->index, kind, (const char *)b->name.data, err);
    if (entry != NULL)
        entry->unnamed = !named;
    return entry;
}

static certstore_status seal_in(const struct build *b, certstore_entry *entry, const struct csi_bag *bag, const struct csi_protection *protection,
                                certstore_error *err)
{
    CSI_AUTO(csi_blob) *sealed = csi_blob_new(bag->object.data, bag->object.size, err);
    if (sealed == NULL)
        return err->status;
    entry->key = csi_key_new_sealed(protection, sealed, b->read->passwords, b->read->limits, err);
    return err->status;
}

static certstore_entry *key_entry(struct build *b, const struct csi_p12_item *item, certstore_error *err)
{
    const csi_pkcs12 *p = b->pkcs12;
    const struct csi_bag *bag = &p->bags[item->bag];
    const struct csi_bag *leaf = item->chain_count > 0 ? &p->bags[p->chains[item->chain]] : NULL;
    CSI_AUTO(certstore_entry) *entry = start(b, CERTSTORE_KEY, bag, leaf, "key", err);
    if (entry == NULL)
        return NULL;
    entry->created_ms = created_from(bag->local_key_id);
    if (bag->kind == CSI_BAG_KEY)
        entry->key = csi_key_new_plain(bag->object, "", err);
    else
        seal_in(b, entry, bag, &csi_protection_pkcs8, err);
    for (size_t i = 0; i < item->chain_count && err->status == CERTSTORE_OK; i++) {
        const struct csi_bag *cert = &p->bags[p->chains[item->chain + i]];
        csi_entry_append_cert(entry, owner_of(b, cert), cert->object, err);
    }
    return err->status == CERTSTORE_OK ? csi_steal(&entry) : NULL;
}

/* The trust attribute's values: extended key usage OIDs. */
static certstore_status add_purposes(certstore_entry *entry, struct csi_span values, certstore_error *err)
{
    struct csi_reader r = csi_reader(values);
    struct csi_tlv oid;
    char purpose[128];
    while (csi_der_expect(&r, CSI_DER_OID, &oid))
        if (csi_purpose_from_oid(oid.content, purpose, sizeof purpose))
            CSI_TRY(csi_entry_add_trust(entry, purpose, false, err));
    return CERTSTORE_OK;
}

static certstore_entry *trusted_entry(struct build *b, const struct csi_bag *bag, certstore_error *err)
{
    CSI_AUTO(certstore_entry) *entry = start(b, CERTSTORE_TRUSTED, bag, bag, "cert", err);
    if (entry == NULL || csi_entry_append_cert(entry, owner_of(b, bag), bag->object, err) != CERTSTORE_OK ||
        add_purposes(entry, bag->trust, err) != CERTSTORE_OK)
        return NULL;
    return csi_steal(&entry);
}

static certstore_entry *secret_entry(struct build *b, const struct csi_bag *bag, certstore_error *err)
{
    CSI_AUTO(certstore_entry) *entry = start(b, CERTSTORE_SECRET, bag, NULL, "secret", err);
    if (entry == NULL || seal_in(b, entry, bag, &csi_protection_pkcs12_secret, err) != CERTSTORE_OK)
        return NULL;
    entry->created_ms = created_from(bag->local_key_id);
    return csi_steal(&entry);
}

/* A CRL's DER, or the whole bag of something not understood. */
static certstore_entry *content_entry(struct build *b, const struct csi_bag *bag, certstore_error *err)
{
    bool crl = bag->kind == CSI_BAG_CRL;
    struct csi_span bytes = crl ? bag->object : bag->whole;
    char type[128] = "";
    CSI_AUTO(certstore_entry) *entry = start(b, crl ? CERTSTORE_CRL : CERTSTORE_OPAQUE, bag, NULL, crl ? "crl" : "bag", err);
    if (entry == NULL)
        return NULL;
    entry->content = csi_blob_new(bytes.data, bytes.size, err);
    if (!crl && csi_oid_text(bag->type, type, sizeof type))
        entry->type = csi_strdup(type, err);
    return err->status == CERTSTORE_OK ? csi_steal(&entry) : NULL;
}

static certstore_status add_item(struct build *b, int32_t bag, certstore_error *err)
{
    csi_pkcs12 *p = b->pkcs12;
    struct csi_p12_item *items = csi_grow(p->items, &p->item_capacity, p->item_count + 1, sizeof *items, err);
    if (items == NULL)
        return err->status;
    p->items = items;
    b->index = p->item_count;
    items[p->item_count++] = (struct csi_p12_item){ .bag = bag };
    return CERTSTORE_OK;
}

static certstore_entry *make_entry(struct build *b, int32_t number, certstore_error *err)
{
    const struct csi_bag *bag = &b->pkcs12->bags[number];
    if (bag->kind == CSI_BAG_KEY || bag->kind == CSI_BAG_SHROUDED) {
        b->index = b->next_key++;
        return key_entry(b, &b->pkcs12->items[b->index], err);
    }
    if (add_item(b, number, err) != CERTSTORE_OK)
        return NULL;
    switch (bag->kind) {
    case CSI_BAG_CERT:
        return trusted_entry(b, bag, err);
    case CSI_BAG_SECRET:
        return secret_entry(b, bag, err);
    default:
        return content_entry(b, bag, err);
    }
}

static certstore_status build_entries(struct build *b, certstore_error *err)
{
    CSI_TRY(csi_bundle_reserve(b->bundle, b->pkcs12->bag_count, err));
    for (size_t i = 0; i < b->pkcs12->bag_count; i++) {
        if (b->pkcs12->bags[i].kind == CSI_BAG_NEST || b->member[i])
            continue;
        certstore_entry *entry = make_entry(b, (int32_t)i, err);
        if (entry == NULL)
            return err->status;
        CSI_TRY(csi_bundle_append(b->bundle, entry, true, err));
    }
    return CERTSTORE_OK;
}

certstore_status csi_pkcs12_entries(csi_pkcs12 *pkcs12, struct csi_p12_read *read, certstore_bundle *bundle, certstore_error *err)
{
    CSI_AUTO_PAIRING pairing = { 0 };
    CSI_TRY(csi_pkcs12_pair(pkcs12, read, &pairing, err));
    struct build b = { .pkcs12 = pkcs12, .read = read, .bundle = bundle, .member = pairing.member };
    const certstore_status status = build_entries(&b, err);
    csi_buf_free(&b.name);
    return status;
}
