/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_key.c: keys on their way to a token. One that is there stays, whatever happens to its entry: it may be one that nobody can make again. One
 * that is not there goes as PKCS#8, and its object says what the module will make of it.
 */
#include "codec/token_write.h"

#include <p11-kit/pkcs11.h>

#include "model/cert.h"
#include "model/ossl.h"

/* -------------------------------------------------------------------------------------------------------- keys that are there */

static certstore_status index_private(struct csi_token_writing *w, size_t part)
{
    CSI_AUTO_BUF essence = { 0 };
    struct csi_pubkey keys[2];
    uint8_t key[32];
    CSI_TRY(csi_object_essence(csi_token_object(w, part), &essence, w->err));
    csi_token_key(csi_buf_span(&essence), csi_span(NULL, 0), key);
    CSI_TRY(csi_token_index_add(&w->private_objects, key, 0, part, w->err));
    size_t count = csi_pubkey_of_object(csi_token_object(w, part), keys);
    size_t public = csi_token_part_of(w, w->document->parts[part].unit, CSI_TOKEN_PUBLIC, csi_span(NULL, 0));
    if (count == 0 && public != SIZE_MAX)
        count = csi_pubkey_of_object(csi_token_object(w, public), keys);
    for (size_t i = 0; i < count; i++)
        CSI_TRY(csi_token_index_add(&w->private_keys, keys[i].identity, 0, part, w->err));
    return CERTSTORE_OK;
}

static certstore_status index_privates(struct csi_token_writing *w)
{
    if (w->indexed || w->document == NULL)
        return CERTSTORE_OK;
    for (size_t i = 0; i < w->document->count; i++)
        if (w->document->parts[i].role == CSI_TOKEN_PRIVATE)
            CSI_TRY(index_private(w, i));
    csi_token_index_sort(&w->private_objects);
    csi_token_index_sort(&w->private_keys);
    w->indexed = true;
    return CERTSTORE_OK;
}

/* Among several that are alike, the entry's own. */
static size_t choose(const struct csi_token_writing *w, const struct csi_token_index *index, const uint8_t key[32], size_t unit)
{
    size_t at = csi_token_index_find(index, key);
    size_t found = at != SIZE_MAX ? index->items[at].value : SIZE_MAX;
    for (; at != SIZE_MAX; at = csi_token_index_next(index, at)) {
        size_t part = index->items[at].value;
        if (w->document->parts[part].unit == unit)
            return part;
        if (w->kept[found] && !w->kept[part])
            found = part;
    }
    return found;
}

static certstore_status find_remote(struct csi_token_writing *w, const certstore_entry *entry, size_t *part)
{
    CSI_AUTO_BUF essence = { 0 };
    uint8_t key[32];
    CSI_TRY(index_privates(w));
    CSI_TRY(csi_object_essence(csi_blob_span(entry->key->sealed), &essence, w->err));
    csi_token_key(csi_buf_span(&essence), csi_span(NULL, 0), key);
    *part = choose(w, &w->private_objects, key, csi_token_unit_of(w, entry));
    return CERTSTORE_OK;
}

static certstore_status find_by_public(struct csi_token_writing *w, const certstore_entry *entry, struct csi_span spki, size_t *part)
{
    struct csi_pubkey key;
    CSI_TRY(index_privates(w));
    *part = csi_pubkey_of_spki(spki, &key) ? choose(w, &w->private_keys, key.identity, csi_token_unit_of(w, entry)) : SIZE_MAX;
    return CERTSTORE_OK;
}

csi_blob *csi_token_relabel(struct csi_span object, const char *alias, certstore_error *err)
{
    CSI_AUTO_DRAFT draft = { 0 };
    csi_object_put_all(&draft, object);
    if (csi_token_put_label(&draft, alias, err) != CERTSTORE_OK)
        return NULL;
    return csi_object_finish(&draft, err);
}

/* A key object as it was read, under the entry's alias where that is another name. */
static certstore_status keep_named(struct csi_token_writing *w, const certstore_entry *entry, size_t part, bool renamed)
{
    struct csi_span label;
    bool named = csi_object_get(csi_token_object(w, part), CKA_LABEL, &label);
    bool silent = !named && w->document->parts[part].role == CSI_TOKEN_PUBLIC; /* NSS gives public keys no label */
    if (!renamed || silent || entry->unnamed)
        return csi_token_keep(w, part, entry->alias);
    CSI_AUTO(csi_blob) *object = csi_token_relabel(csi_token_object(w, part), entry->alias, w->err);
    if (object == NULL)
        return w->err->status;
    w->kept[part] = true;
    return csi_token_want(w, object, w->document->parts[part].role, entry->alias);
}

static const char *alias_of_unit(const struct csi_token_writing *w, size_t unit)
{
    for (size_t i = 0; i < w->bundle->count; i++)
        if (csi_token_unit_of(w, w->bundle->entries[i]) == unit)
            return w->bundle->entries[i]->alias;
    return "another entry";
}

static certstore_status keep_key(struct csi_token_writing *w, const certstore_entry *entry, size_t part, struct csi_buf *id)
{
    const struct csi_token_document *document = w->document;
    size_t unit = document->parts[part].unit;
    struct csi_span value;
    if (w->kept[part])
        return csi_fail(w->err, CERTSTORE_E_EXISTS, "%s: the token has this private key already, as %s; remove one of the two entries", entry->alias,
                        alias_of_unit(w, unit));
    bool renamed = csi_token_is_renamed(w, entry) || csi_token_unit_of(w, entry) != unit;
    for (size_t i = document->units[unit]; i != SIZE_MAX; i = document->parts[i].next)
        if (document->parts[i].role == CSI_TOKEN_PRIVATE || document->parts[i].role == CSI_TOKEN_PUBLIC)
            CSI_TRY(keep_named(w, entry, i, renamed));
    if (csi_object_get(csi_token_object(w, part), CKA_ID, &value))
        csi_buf_put_span(id, value);
    return csi_buf_check(id, w->err);
}

/* ---------------------------------------------------------------------------------------------------------------- keys that are new */

static void put_usages(struct csi_object_draft *draft, uint32_t key_type, bool private)
{
    csi_object_put_flag(draft, private ? CKA_SIGN : CKA_VERIFY, true);
    if (key_type == CKK_RSA)
        csi_object_put_flag(draft, private ? CKA_DECRYPT : CKA_ENCRYPT, true);
}

/* What both key objects say. */
static certstore_status begin_object(struct csi_object_draft *draft, uint32_t class, const certstore_entry *entry, struct csi_span spki,
                                     struct csi_span id, certstore_error *err)
{
    csi_object_put_number(draft, CKA_CLASS, class);
    csi_object_put(draft, CKA_ID, id);
    if (!entry->unnamed)
        CSI_TRY(csi_token_put_label(draft, entry->alias, err));
    if (!csi_object_put_spki(draft, spki, class == CKO_PUBLIC_KEY))
        return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "%s: a private key of a kind that tokens are not given; use RSA, an elliptic curve or Ed25519",
                        entry->alias);
    return CERTSTORE_OK;
}

static uint32_t type_of(struct csi_span spki)
{
    CSI_AUTO_DRAFT draft = { 0 };
    certstore_error ignored = { 0 };
    csi_object_put_spki(&draft, spki, false);
    CSI_AUTO(csi_blob) *object = csi_object_finish(&draft, &ignored);
    return object != NULL ? csi_object_number(csi_blob_span(object), CKA_KEY_TYPE, UINT32_MAX) : UINT32_MAX;
}

static certstore_status make_private(struct csi_token_writing *w, const certstore_entry *entry, struct csi_span pkcs8, struct csi_span spki,
                                     struct csi_span id)
{
    CSI_AUTO_DRAFT draft = { 0 };
    struct csi_cert_view view;
    CSI_TRY(begin_object(&draft, CKO_PRIVATE_KEY, entry, spki, id, w->err));
    put_usages(&draft, type_of(spki), true);
    csi_object_put(&draft, CSI_OBJECT_PKCS8, pkcs8);
    if (entry->cert_count > 0 && csi_cert_skim(csi_span(entry->certs[0].data, entry->certs[0].size), &view))
        csi_object_put(&draft, CKA_SUBJECT, view.subject);
    CSI_AUTO(csi_blob) *object = csi_object_finish(&draft, w->err);
    return object != NULL ? csi_token_want(w, object, CSI_TOKEN_PRIVATE, entry->alias) : w->err->status;
}

static certstore_status make_public(struct csi_token_writing *w, const certstore_entry *entry, struct csi_span spki, struct csi_span id)
{
    CSI_AUTO_DRAFT draft = { 0 };
    CSI_TRY(begin_object(&draft, CKO_PUBLIC_KEY, entry, spki, id, w->err));
    put_usages(&draft, type_of(spki), false);
    CSI_AUTO(csi_blob) *object = csi_object_finish(&draft, w->err);
    return object != NULL ? csi_token_want(w, object, CSI_TOKEN_PUBLIC, entry->alias) : w->err->status;
}

/* A key that this write makes for two entries would be one that the next read cannot tell apart. */
static certstore_status refuse_twice(const struct csi_token_writing *w, const certstore_entry *entry, const struct csi_pubkey *key)
{
    struct csi_pubkey others[2];
    for (size_t i = 0; i < w->wanted_count; i++) {
        if (w->wanted[i].role != CSI_TOKEN_PUBLIC)
            continue;
        size_t count = csi_pubkey_of_object(csi_blob_span(w->wanted[i].object), others);
        for (size_t k = 0; k < count; k++)
            if (csi_pubkey_equal(&others[k], key))
                return csi_fail(w->err, CERTSTORE_E_EXISTS, "%s: the private key is that of %s, and a token holds a key once; leave one of them out",
                                entry->alias, w->wanted[i].alias);
    }
    return CERTSTORE_OK;
}

static certstore_status open_key(struct csi_token_writing *w, const certstore_entry *entry, struct csi_plain_key *plain)
{
    certstore_error why = { 0 };
    if (csi_key_open(entry->key, entry->alias, w->in->passwords, plain, &why) == CERTSTORE_OK)
        return CERTSTORE_OK;
    if (why.status == CERTSTORE_E_BOUND)
        return csi_fail(w->err, CERTSTORE_E_BOUND, "%s: the key does not leave the token it is on; use it there, or make a new one here",
                        entry->alias);
    csi_error_move(w->err, &why);
    return w->err->status;
}

static certstore_status import_key(struct csi_token_writing *w, const certstore_entry *entry, struct csi_buf *id, size_t *unit)
{
    CSI_AUTO_PLAIN plain = { 0 };
    uint8_t digest[20];
    size_t part;
    CSI_TRY(open_key(w, entry, &plain));
    CSI_AUTO(csi_secret) *spki = csi_ossl_public_of(csi_secret_span(plain.bytes), w->err);
    if (spki == NULL)
        return w->err->status;
    CSI_TRY(find_by_public(w, entry, csi_secret_span(spki), &part));
    if (part != SIZE_MAX) {
        *unit = w->document->parts[part].unit;
        return keep_key(w, entry, part, id);
    }
    struct csi_pubkey key;
    if (csi_pubkey_of_spki(csi_secret_span(spki), &key))
        CSI_TRY(refuse_twice(w, entry, &key));
    if ((w->in->traits & CSI_TOKEN_KEYS) == 0)
        return csi_fail(w->err, CERTSTORE_E_UNSUPPORTED,
                        "%s: this token takes no private key from outside; make the key on it and put its certificate", entry->alias);
    if (!csi_spki_key_id(csi_secret_span(spki), w->by == CSI_TRUST_BY_OBJECT, digest))
        return csi_fail(w->err, CERTSTORE_E_MALFORMED, "%s: its public key cannot be read; replace the key", entry->alias);
    csi_buf_put(id, digest, sizeof digest);
    CSI_TRY(make_private(w, entry, csi_secret_span(plain.bytes), csi_secret_span(spki), csi_buf_span(id)));
    return make_public(w, entry, csi_secret_span(spki), csi_buf_span(id));
}

/* A key of this token that was not there when the bundle was read: made since, on it. */
static certstore_status want_remote(struct csi_token_writing *w, const certstore_entry *entry, struct csi_buf *id)
{
    struct csi_span value;
    if (csi_object_get(csi_blob_span(entry->key->sealed), CKA_ID, &value))
        csi_buf_put_span(id, value);
    if (entry->unnamed)
        return csi_token_want(w, entry->key->sealed, CSI_TOKEN_PRIVATE, entry->alias);
    CSI_AUTO(csi_blob) *object = csi_token_relabel(csi_blob_span(entry->key->sealed), entry->alias, w->err);
    return object != NULL ? csi_token_want(w, object, CSI_TOKEN_PRIVATE, entry->alias) : w->err->status;
}

certstore_status csi_token_write_key(struct csi_token_writing *w, const certstore_entry *entry, struct csi_buf *id, size_t *unit)
{
    size_t part = SIZE_MAX;
    *unit = csi_token_unit_of(w, entry);
    if (entry->key == NULL)
        return CERTSTORE_OK;
    if (!csi_key_is_remote(entry->key))
        return import_key(w, entry, id, unit);
    CSI_TRY(find_remote(w, entry, &part));
    if (part != SIZE_MAX && (entry->key->remote == w->in->remote || csi_token_unit_of(w, entry) != SIZE_MAX)) {
        *unit = w->document->parts[part].unit;
        return keep_key(w, entry, part, id);
    }
    return entry->key->remote == w->in->remote ? want_remote(w, entry, id) : import_key(w, entry, id, unit);
}

/* ------------------------------------------------------------------------------------------------------------------ secret keys */

static certstore_status make_secret(struct csi_token_writing *w, const certstore_entry *entry)
{
    CSI_AUTO_DRAFT draft = { 0 };
    CSI_AUTO_PLAIN plain = { 0 };
    uint8_t id[16];
    if ((w->in->traits & CSI_TOKEN_SECRETS) == 0)
        return csi_fail(w->err, CERTSTORE_E_UNSUPPORTED, "%s: this token takes no secret key from outside; leave it out", entry->alias);
    CSI_TRY(open_key(w, entry, &plain));
    /* No two secret keys can be told apart by what a token says of them: an ID of its own makes this one another than the one it takes the place
     * of. */
    CSI_TRY(csi_random(id, sizeof id, w->err));
    csi_object_put_number(&draft, CKA_CLASS, CKO_SECRET_KEY);
    csi_object_put_number(&draft, CKA_KEY_TYPE, csi_secret_key_type(plain.algorithm));
    csi_object_put(&draft, CKA_ID, csi_span(id, sizeof id));
    csi_object_put(&draft, CKA_VALUE, csi_secret_span(plain.bytes));
    if (!entry->unnamed)
        CSI_TRY(csi_token_put_label(&draft, entry->alias, w->err));
    CSI_AUTO(csi_blob) *object = csi_object_finish(&draft, w->err);
    return object != NULL ? csi_token_want(w, object, CSI_TOKEN_ALONE, entry->alias) : w->err->status;
}

certstore_status csi_token_write_secret(struct csi_token_writing *w, const certstore_entry *entry)
{
    size_t unit = csi_token_unit_of(w, entry);
    if (entry->key == NULL)
        return CERTSTORE_OK;
    if (!csi_key_is_remote(entry->key))
        return make_secret(w, entry);
    if (unit != SIZE_MAX && csi_object_same(csi_token_object(w, w->document->units[unit]), csi_blob_span(entry->key->sealed)))
        return keep_named(w, entry, w->document->units[unit], csi_token_is_renamed(w, entry));
    if (entry->key->remote != w->in->remote)
        return make_secret(w, entry);
    CSI_AUTO(csi_blob) *object = csi_token_relabel(csi_blob_span(entry->key->sealed), entry->alias, w->err);
    return object != NULL ? csi_token_want(w, object, CSI_TOKEN_ALONE, entry->alias) : w->err->status;
}
