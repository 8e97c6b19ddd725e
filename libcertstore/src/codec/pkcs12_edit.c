/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs12_edit.c: from the bundle's entries to what becomes of each bag.
 *
 * Java's habits are followed where the standard leaves room: a key's localKeyID is "Time " and its date, and its leaf carries the same one
 * and the same name; chain certificates carry neither; trusted certificates, and they alone, carry the trust attribute.
 */
#include <inttypes.h>
#include <stdio.h>

#include "codec/pkcs12_encode.h"
#include "model/entry.h"

enum { ID_SIZE = 40 };

/* The entry's item in the file that was read, or NULL: it is new here. */
static const struct csi_p12_item *item_of(const struct csi_p12_edit *e, const certstore_entry *entry)
{
    const csi_pkcs12 *from = e->from;
    if (from == NULL || entry->origin.document != &from->base || entry->origin.index >= from->item_count || e->claimed[entry->origin.index])
        return NULL;
    const struct csi_p12_item *item = &from->items[entry->origin.index];
    bool same_kind = false;
    switch (from->bags[item->bag].kind) {
    case CSI_BAG_KEY:
    case CSI_BAG_SHROUDED:
        same_kind = entry->kind == CERTSTORE_KEY;
        break;
    case CSI_BAG_CERT:
        same_kind = entry->kind == CERTSTORE_TRUSTED;
        break;
    case CSI_BAG_SECRET:
        same_kind = entry->kind == CERTSTORE_SECRET;
        break;
    case CSI_BAG_CRL:
        same_kind = entry->kind == CERTSTORE_CRL;
        break;
    default:
        same_kind = entry->kind == CERTSTORE_OPAQUE;
        break;
    }
    return same_kind ? item : NULL;
}

const csi_secret *csi_p12_store_password(const struct csi_p12_edit *edit)
{
    const struct csi_encode *in = edit->in;
    if (edit->from == NULL || in->reprotect)
        return in->protect != NULL ? in->protect->store : NULL;
    if (edit->from->password != NULL)
        return edit->from->password;
    for (size_t i = 0; i < edit->from->safe_count; i++)
        if (edit->from->safes[i].password != NULL)
            return edit->from->safes[i].password;
    return edit->from->mac.present && in->passwords != NULL ? in->passwords->store : NULL; /* a store without a passphrase stays without */
}

static const csi_secret *key_password(const struct csi_p12_edit *e, const char *alias)
{
    const csi_secret *own = csi_passwords_for_key(e->in->protect, alias);
    return own != NULL ? own : csi_p12_store_password(e);
}

/* ------------------------------------------------------------------------------------------------------- localKeyID */

static bool id_is_used(const struct csi_p12_edit *e, int64_t ms, struct csi_span id)
{
    for (size_t i = 0; i < e->date_count; i++)
        if (e->dates[i] == ms)
            return true;
    for (size_t i = 0; e->from != NULL && i < e->from->bag_count; i++)
        if (csi_span_equal(e->from->bags[i].local_key_id, id))
            return true;
    return false;
}

/* "Time <ms>", different for every key: a date that is taken is moved on by a millisecond. */
static certstore_status new_id(struct csi_p12_edit *e, const certstore_entry *entry, char text[ID_SIZE], struct csi_span *id, certstore_error *err)
{
    int64_t ms = entry->created_ms >= 0 ? entry->created_ms : e->in->now_ms;
    int64_t *dates = csi_grow(e->dates, &e->date_capacity, e->date_count + 1, sizeof *dates, err);
    if (dates == NULL)
        return err->status;
    e->dates = dates;
    for (;; ms++) {
        snprintf(text, ID_SIZE, "Time %" PRId64, ms);
        *id = csi_span_text(text);
        if (!id_is_used(e, ms, *id))
            break;
    }
    dates[e->date_count++] = ms;
    return CERTSTORE_OK;
}

/* ------------------------------------------------------------------------------------------------------------- keys */

static certstore_status put_cert(struct csi_buf *out, struct csi_span der, const struct csi_bag_says *says, certstore_error *err)
{
    uint8_t oid[CSI_BAG_OID_SIZE];
    CSI_AUTO_BUF value = { 0 };
    csi_bag_oid(CSI_BAG_OID_CERT, oid);
    csi_bag_put_typed(&value, csi_oid_x509_certificate, der);
    CSI_TRY(csi_buf_check(&value, err));
    return csi_bag_put(out, csi_span(oid, sizeof oid), csi_buf_span(&value), says, err);
}

/* A certificate of the file that can serve in a chain: it is no entry of its own and no leaf. */
static int32_t chain_bag(const struct csi_p12_edit *e, struct csi_span der)
{
    for (size_t i = 0; e->from != NULL && i < e->from->bag_count; i++) {
        const struct csi_bag *bag = &e->from->bags[i];
        if (bag->kind == CSI_BAG_CERT && !e->own[i] && bag->local_key_id.size == 0 && csi_span_equal(bag->object, der))
            return (int32_t)i;
    }
    return CSI_NO_BAG;
}

static bool already_written(const struct csi_p12_edit *e, struct csi_span der)
{
    for (size_t i = 0; i < e->written_count; i++)
        if (csi_span_equal(e->written[i], der))
            return true;
    return false;
}

/* Chain certificates behind the leaf: those the file has stay where they are, others are written to `out`, each once. */
static certstore_status put_chain(struct csi_p12_edit *e, const certstore_entry *entry, struct csi_buf *out, certstore_error *err)
{
    const struct csi_bag_says nothing = { 0 };
    for (size_t i = 1; i < entry->cert_count; i++) {
        struct csi_span der = csi_span(entry->certs[i].data, entry->certs[i].size);
        int32_t there = chain_bag(e, der);
        if (there != CSI_NO_BAG) {
            e->bags[there].wanted = true;
            continue;
        }
        if (already_written(e, der))
            continue;
        struct csi_span *written = csi_grow(e->written, &e->written_capacity, e->written_count + 1, sizeof *written, err);
        if (written == NULL)
            return err->status;
        e->written = written;
        written[e->written_count++] = der;
        CSI_TRY(put_cert(out, der, &nothing, err));
    }
    return CERTSTORE_OK;
}

static struct csi_span first_cert(const certstore_entry *entry)
{
    return csi_span(entry->certs[0].data, entry->certs[0].size);
}

/* An existing EncryptedPrivateKeyInfo of that kind, whose algorithm a new key shall have as well. */
static struct csi_span like_others(const struct csi_p12_edit *e, enum csi_bag_kind kind)
{
    for (size_t i = 0; e->from != NULL && i < e->from->bag_count; i++)
        if (e->from->bags[i].kind == kind)
            return e->from->bags[i].object;
    return csi_span(NULL, 0);
}

static certstore_status new_key(struct csi_p12_edit *e, const certstore_entry *entry, certstore_error *err)
{
    char id[ID_SIZE];
    uint8_t oid[CSI_BAG_OID_SIZE];
    enum csi_bag_number number;
    CSI_AUTO_BUF value = { 0 };
    enum csi_bag_kind kind = entry->kind == CERTSTORE_SECRET ? CSI_BAG_SECRET : CSI_BAG_SHROUDED;
    CSI_TRY(csi_bag_make_key(e, entry, key_password(e, entry->alias), like_others(e, kind), &value, &number, err));
    struct csi_bag_says says = { .alias = entry->alias };
    CSI_TRY(new_id(e, entry, id, &says.local_key_id, err));
    csi_bag_oid(number, oid);
    CSI_TRY(csi_bag_put(&e->keys, csi_span(oid, sizeof oid), csi_buf_span(&value), &says, err));
    if (entry->cert_count == 0)
        return CERTSTORE_OK;
    CSI_TRY(put_cert(&e->certs, first_cert(entry), &says, err));
    return put_chain(e, entry, &e->certs, err);
}

/* The value of the key's bag: its own bytes, or sealed anew (a new key, or a new passphrase). */
static certstore_status key_value(struct csi_p12_edit *e, const certstore_entry *entry, const struct csi_bag *bag, struct csi_buf *value,
                                  enum csi_bag_number *number, certstore_error *err)
{
    if ((entry->origin.changed & CSI_CHANGED_KEY) == 0 && !e->in->reprotect) {
        csi_buf_put_span(value, bag->value);
        *number = (enum csi_bag_number)csi_bag_number(bag->type);
        return csi_buf_check(value, err);
    }
    struct csi_span like = bag->kind == CSI_BAG_KEY ? like_others(e, CSI_BAG_SHROUDED) : bag->object;
    return csi_bag_make_key(e, entry, key_password(e, entry->alias), like, value, number, err);
}

/* A bag anew, with the attributes it had but for those that changed. */
static certstore_status remake_key(struct csi_p12_edit *e, const certstore_entry *entry, int32_t number, const struct csi_bag_says *changes,
                                   certstore_error *err)
{
    const struct csi_bag *bag = &e->from->bags[number];
    struct csi_bag_says says = *changes;
    CSI_AUTO_BUF value = { 0 };
    enum csi_bag_number kind;
    uint8_t oid[CSI_BAG_OID_SIZE];
    says.keep = bag->attributes;
    CSI_TRY(key_value(e, entry, bag, &value, &kind, err));
    csi_bag_oid(kind, oid);
    return csi_bag_put(&e->bags[number].replacement, csi_span(oid, sizeof oid), csi_buf_span(&value), &says, err);
}

static certstore_status remake(struct csi_p12_edit *e, int32_t number, struct csi_span value, const struct csi_bag_says *changes,
                               certstore_error *err)
{
    const struct csi_bag *bag = &e->from->bags[number];
    struct csi_bag_says says = *changes;
    says.keep = bag->attributes;
    return csi_bag_put(&e->bags[number].replacement, bag->type, value, &says, err);
}

static bool is_changed(const certstore_entry *entry, unsigned bits)
{
    return (entry->origin.changed & bits) != 0;
}

/* The leaf's bag follows the key's: another name, another id; or gives way to another certificate in its place. */
static certstore_status edit_leaf(struct csi_p12_edit *e, const certstore_entry *entry, const struct csi_p12_item *item,
                                  const struct csi_bag_says *changes, const struct csi_bag_says *whole, certstore_error *err)
{
    int32_t old = item->chain_count > 0 ? e->from->chains[item->chain] : CSI_NO_BAG;
    struct csi_buf *behind = old != CSI_NO_BAG ? &e->bags[old].after : &e->certs;
    bool same = old != CSI_NO_BAG && entry->cert_count > 0 && csi_span_equal(e->from->bags[old].object, first_cert(entry));
    if (same) {
        e->bags[old].wanted = true;
        if (changes->alias != NULL || changes->local_key_id.size > 0)
            CSI_TRY(remake(e, old, e->from->bags[old].value, changes, err));
    } else if (entry->cert_count > 0) {
        CSI_TRY(put_cert(behind, first_cert(entry), whole, err));
    }
    if (is_changed(entry, CSI_CHANGED_CERTS))
        return put_chain(e, entry, behind, err);
    for (size_t i = 0; i < item->chain_count; i++)
        e->bags[e->from->chains[item->chain + i]].wanted = true;
    return CERTSTORE_OK;
}

static certstore_status edit_key(struct csi_p12_edit *e, const certstore_entry *entry, const struct csi_p12_item *item, certstore_error *err)
{
    const struct csi_bag *bag = &e->from->bags[item->bag];
    char id[ID_SIZE];
    struct csi_bag_says changes = { 0 };
    bool needs_id = bag->local_key_id.size == 0 && is_changed(entry, CSI_CHANGED_CERTS) && entry->cert_count > 0;
    if (is_changed(entry, CSI_CHANGED_ALIAS))
        changes.alias = entry->alias;
    if (is_changed(entry, CSI_CHANGED_CREATED) || needs_id)
        CSI_TRY(new_id(e, entry, id, &changes.local_key_id, err));
    const struct csi_bag_says whole = {
        .alias = entry->unnamed && !is_changed(entry, CSI_CHANGED_ALIAS) ? NULL : entry->alias,
        .local_key_id = changes.local_key_id.size > 0 ? changes.local_key_id : bag->local_key_id,
    };
    e->bags[item->bag].wanted = true;
    if (changes.alias != NULL || changes.local_key_id.size > 0 || is_changed(entry, CSI_CHANGED_KEY) || e->in->reprotect)
        CSI_TRY(remake_key(e, entry, item->bag, &changes, err));
    return edit_leaf(e, entry, item, &changes, &whole, err);
}

/* ------------------------------------------------------------------------------------------------ everything else */

static certstore_status edit_secret(struct csi_p12_edit *e, const certstore_entry *entry, const struct csi_p12_item *item, certstore_error *err)
{
    char id[ID_SIZE];
    struct csi_bag_says changes = { 0 };
    e->bags[item->bag].wanted = true;
    if (entry->origin.changed == 0 && !e->in->reprotect)
        return CERTSTORE_OK;
    if (is_changed(entry, CSI_CHANGED_ALIAS))
        changes.alias = entry->alias;
    if (is_changed(entry, CSI_CHANGED_CREATED))
        CSI_TRY(new_id(e, entry, id, &changes.local_key_id, err));
    return remake_key(e, entry, item->bag, &changes, err);
}

static certstore_status edit_trusted(struct csi_p12_edit *e, const certstore_entry *entry, const struct csi_p12_item *item, certstore_error *err)
{
    const struct csi_bag *bag = &e->from->bags[item->bag];
    struct csi_bag_says changes = { 0 };
    CSI_AUTO_BUF value = { 0 };
    e->bags[item->bag].wanted = true;
    if (!is_changed(entry, CSI_CHANGED_ALIAS | CSI_CHANGED_CERTS | CSI_CHANGED_TRUST))
        return CERTSTORE_OK;
    if (is_changed(entry, CSI_CHANGED_ALIAS))
        changes.alias = entry->alias;
    if (is_changed(entry, CSI_CHANGED_TRUST))
        changes.trust = &entry->trust;
    csi_bag_put_typed(&value, csi_oid_x509_certificate, first_cert(entry));
    CSI_TRY(csi_buf_check(&value, err));
    return remake(e, item->bag, is_changed(entry, CSI_CHANGED_CERTS) ? csi_buf_span(&value) : bag->value, &changes, err);
}

static certstore_status edit_content(struct csi_p12_edit *e, const certstore_entry *entry, const struct csi_p12_item *item, certstore_error *err)
{
    const struct csi_bag *bag = &e->from->bags[item->bag];
    const struct csi_bag_says changes = { .alias = entry->alias };
    CSI_AUTO_BUF value = { 0 };
    e->bags[item->bag].wanted = true;
    bool other = entry->kind == CERTSTORE_CRL && !csi_span_equal(csi_blob_span(entry->content), bag->object);
    if (!is_changed(entry, CSI_CHANGED_ALIAS) && !other)
        return CERTSTORE_OK;
    csi_bag_put_typed(&value, csi_oid_x509_crl, csi_blob_span(entry->content));
    CSI_TRY(csi_buf_check(&value, err));
    return remake(e, item->bag, other ? csi_buf_span(&value) : bag->value, &changes, err);
}

static certstore_status new_trusted(struct csi_p12_edit *e, const certstore_entry *entry, certstore_error *err)
{
    const struct csi_bag_says says = { .alias = entry->alias, .trust = &entry->trust };
    return entry->cert_count > 0 ? put_cert(&e->certs, first_cert(entry), &says, err) : CERTSTORE_OK;
}

static certstore_status new_crl(struct csi_p12_edit *e, const certstore_entry *entry, certstore_error *err)
{
    uint8_t oid[CSI_BAG_OID_SIZE];
    const struct csi_bag_says says = { .alias = entry->alias };
    CSI_AUTO_BUF value = { 0 };
    csi_bag_oid(CSI_BAG_OID_CRL, oid);
    csi_bag_put_typed(&value, csi_oid_x509_crl, csi_blob_span(entry->content));
    CSI_TRY(csi_buf_check(&value, err));
    return csi_bag_put(&e->certs, csi_span(oid, sizeof oid), csi_buf_span(&value), &says, err);
}

/* SafeBag SEQUENCE { type OID, [0] ... } whose type is what the entry says it is. What such a file was seen to hold is one whatever it looks like:
 * the OID of an odd one may be too long for a text. */
bool csi_p12_is_bag(const certstore_entry *entry)
{
    char type[128];
    struct csi_reader body;
    struct csi_tlv oid, value;
    if (entry->kind != CERTSTORE_OPAQUE || entry->content == NULL)
        return false;
    if (entry->origin.document != NULL && entry->origin.document->codec == &csi_codec_pkcs12)
        return true;
    if (entry->type == NULL)
        return false;
    struct csi_reader r = csi_reader(csi_blob_span(entry->content));
    return csi_der_enter(&r, CSI_DER_SEQUENCE, &body) && csi_left(&r) == 0 && csi_der_expect(&body, CSI_DER_OID, &oid) &&
           csi_der_expect(&body, CSI_DER_CONTEXT_CONSTRUCTED | 0, &value) && csi_oid_text(oid.content, type, sizeof type) &&
           strcmp(type, entry->type) == 0;
}

/* What other formats could not understand has no place here (losses() says so). */
static certstore_status new_opaque(struct csi_p12_edit *e, const certstore_entry *entry, certstore_error *err)
{
    if (csi_p12_is_bag(entry))
        csi_buf_put_span(&e->certs, csi_blob_span(entry->content));
    return csi_buf_check(&e->certs, err);
}

static certstore_status add_new(struct csi_p12_edit *e, const certstore_entry *entry, certstore_error *err)
{
    switch (entry->kind) {
    case CERTSTORE_TRUSTED:
        return new_trusted(e, entry, err);
    case CERTSTORE_KEY:
    case CERTSTORE_SECRET:
        return new_key(e, entry, err);
    case CERTSTORE_CRL:
        return new_crl(e, entry, err);
    case CERTSTORE_OPAQUE:
        return new_opaque(e, entry, err);
    }
    return CERTSTORE_OK;
}

static certstore_status edit_old(struct csi_p12_edit *e, const certstore_entry *entry, const struct csi_p12_item *item, certstore_error *err)
{
    e->claimed[entry->origin.index] = true;
    switch (entry->kind) {
    case CERTSTORE_TRUSTED:
        return edit_trusted(e, entry, item, err);
    case CERTSTORE_KEY:
        return edit_key(e, entry, item, err);
    case CERTSTORE_SECRET:
        return edit_secret(e, entry, item, err);
    case CERTSTORE_CRL:
    case CERTSTORE_OPAQUE:
        return edit_content(e, entry, item, err);
    }
    return CERTSTORE_OK;
}

certstore_status csi_p12_edit_entries(struct csi_p12_edit *edit, certstore_error *err)
{
    for (size_t i = 0; i < edit->bundle->count; i++) {
        const certstore_entry *entry = edit->bundle->entries[i];
        const struct csi_p12_item *item = item_of(edit, entry);
        if (item != NULL)
            CSI_TRY(edit_old(edit, entry, item, err));
        else
            CSI_TRY(add_new(edit, entry, err));
    }
    return CERTSTORE_OK;
}
