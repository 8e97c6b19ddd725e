/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_write.c: a bundle as the objects that a token shall hold. What an entry did not change comes out as it was read, and whoever carries it out
 * leaves such objects alone; everything else is an object that is to be made, with no more attributes than it takes.
 */
#include "codec/token_write.h"

#include <p11-kit/pkcs11.h>
#include <p11-kit/pkcs11x.h>
#include <stdio.h>

#include "base/writer.h"
#include "model/certinfo.h"

static void writing_free(struct csi_token_writing *w)
{
    for (size_t i = 0; i < w->wanted_count; i++)
        csi_blob_free(w->wanted[i].object);
    free(w->wanted);
    free(w->kept);
    csi_token_index_clear(&w->private_objects);
    csi_token_index_clear(&w->private_keys);
}
#define AUTO_WRITING __attribute__((cleanup(writing_free))) struct csi_token_writing

certstore_status csi_token_want(struct csi_token_writing *w, csi_blob *object, enum csi_token_role role, const char *alias)
{
    struct csi_token_wanted *wanted = csi_grow(w->wanted, &w->wanted_capacity, w->wanted_count + 1, sizeof *wanted, w->err);
    if (wanted == NULL)
        return w->err->status;
    w->wanted = wanted;
    wanted[w->wanted_count++] = (struct csi_token_wanted){ .object = csi_blob_ref(object), .alias = alias, .role = role };
    return CERTSTORE_OK;
}

certstore_status csi_token_keep(struct csi_token_writing *w, size_t part, const char *alias)
{
    if (w->kept[part])
        return CERTSTORE_OK;
    w->kept[part] = true;
    return csi_token_want(w, w->document->parts[part].object, w->document->parts[part].role, alias);
}

size_t csi_token_unit_of(const struct csi_token_writing *w, const certstore_entry *entry)
{
    return w->document != NULL && entry->origin.document == &w->document->base ? entry->origin.index : SIZE_MAX;
}

struct csi_span csi_token_object(const struct csi_token_writing *w, size_t part)
{
    return csi_blob_span(w->document->parts[part].object);
}

size_t csi_token_part_of(const struct csi_token_writing *w, size_t unit, enum csi_token_role role, struct csi_span value)
{
    if (unit == SIZE_MAX)
        return SIZE_MAX;
    for (size_t i = w->document->units[unit]; i != SIZE_MAX; i = w->document->parts[i].next) {
        struct csi_span found = { 0 };
        if (w->document->parts[i].role != role)
            continue;
        csi_object_get(csi_token_object(w, i), CKA_VALUE, &found);
        if (value.size == 0 || csi_span_equal(value, found))
            return i;
    }
    return SIZE_MAX;
}

bool csi_token_is_renamed(const struct csi_token_writing *w, const certstore_entry *entry)
{
    return csi_token_unit_of(w, entry) == SIZE_MAX || (entry->origin.changed & CSI_CHANGED_ALIAS) != 0;
}

/* --------------------------------------------------------------------------------------------------------------- certificates */

static void copy_attribute(struct csi_object_draft *draft, struct csi_span from, uint32_t type)
{
    struct csi_span value;
    if (from.size > 0 && csi_object_get(from, type, &value))
        csi_object_put(draft, type, value);
}

enum { TOKEN_USER = 1, AUTHORITY = 2, OTHER_ENTITY = 3 }; /* PKCS#11 2.40, CKA_CERTIFICATE_CATEGORY */

static void put_category(struct csi_object_draft *draft, const certstore_entry *entry, size_t number, const struct csi_cert_view *view)
{
    uint32_t category = csi_cert_is_ca(view) ? AUTHORITY : entry->kind == CERTSTORE_KEY && number == 0 ? TOKEN_USER : OTHER_ENTITY;
    csi_object_put_number(draft, CKA_CERTIFICATE_CATEGORY, category);
}

/* Where the security officer marks certificates, and was asked to. */
static bool marks_trust(const struct csi_token_writing *w)
{
    return w->by == CSI_TRUST_BY_PRESENCE && w->in->by_officer && (w->in->traits & CSI_TOKEN_OFFICER) != 0;
}

static void put_flags(struct csi_object_draft *draft, const struct csi_token_writing *w, const certstore_entry *entry, size_t number,
                      struct csi_span like)
{
    bool asked = csi_token_unit_of(w, entry) == SIZE_MAX || (entry->origin.changed & CSI_CHANGED_TRUST) != 0;
    if (w->by == CSI_TRUST_BY_ATTRIBUTE && number == 0 && (asked || like.size == 0)) {
        csi_object_put_flag(draft, CKA_TRUSTED, csi_token_trusts_all(entry));
        csi_object_put_flag(draft, CKA_X_DISTRUSTED, csi_token_rejects_all(entry));
        return;
    }
    if (marks_trust(w) && entry->kind == CERTSTORE_TRUSTED && (asked || like.size == 0)) {
        if (csi_token_trusts_all(entry))
            csi_object_put_flag(draft, CKA_TRUSTED, true);
        return;
    }
    /* Elsewhere the attribute is the security officer's: it stays with its certificate, and no other gets it. */
    copy_attribute(draft, like, CKA_TRUSTED);
    copy_attribute(draft, like, CKA_X_DISTRUSTED);
}

csi_blob *csi_token_make_cert(const struct csi_token_writing *w, const certstore_entry *entry, size_t number, struct csi_span label,
                              struct csi_span id, struct csi_span like)
{
    CSI_AUTO_DRAFT draft = { 0 };
    CSI_AUTO_BUF serial = { 0 };
    struct csi_cert_view view;
    uint8_t digest[20];
    struct csi_span der = csi_span(entry->certs[number].data, entry->certs[number].size);
    if (!csi_cert_skim(der, &view)) {
        csi_fail(w->err, CERTSTORE_E_MALFORMED, "%s: a certificate whose names cannot be read; a token would not take it", entry->alias);
        return NULL;
    }
    if (like.size > 0) {
        id = csi_span(NULL, 0);
        csi_object_get(like, CKA_ID, &id);
    } else if (id.size == 0 && csi_spki_key_id(view.spki, w->by == CSI_TRUST_BY_OBJECT, digest))
        id = csi_span(digest, sizeof digest);
    csi_der_put(&serial, CSI_DER_INTEGER, view.serial);
    csi_object_put_number(&draft, CKA_CLASS, CKO_CERTIFICATE);
    csi_object_put_number(&draft, CKA_CERTIFICATE_TYPE, CKC_X_509);
    csi_object_put_flag(&draft, CKA_PRIVATE, false);
    csi_object_put(&draft, CKA_LABEL, label);
    csi_object_put(&draft, CKA_ID, id);
    csi_object_put(&draft, CKA_SUBJECT, view.subject);
    csi_object_put(&draft, CKA_ISSUER, view.issuer);
    csi_object_put(&draft, CKA_SERIAL_NUMBER, csi_buf_span(&serial));
    csi_object_put(&draft, CKA_VALUE, der);
    if (w->by != CSI_TRUST_BY_OBJECT) /* NSS takes a category and cannot be asked for it again */
        put_category(&draft, entry, number, &view);
    copy_attribute(&draft, like, CKA_PRIVATE);
    copy_attribute(&draft, like, CKA_START_DATE);
    copy_attribute(&draft, like, CKA_END_DATE);
    put_flags(&draft, w, entry, number, like);
    draft.bytes.failed = draft.bytes.failed || serial.failed;
    return csi_object_finish(&draft, w->err);
}

/* The label that the entry's certificate gets: its alias, or what the key is called on the token where that is not what the alias came to be. */
static certstore_status cert_label(const struct csi_token_writing *w, const certstore_entry *entry, size_t old, struct csi_buf *label)
{
    CSI_AUTO_DRAFT draft = { 0 };
    struct csi_span value = { 0 };
    size_t unit = csi_token_unit_of(w, entry);
    bool renamed = csi_token_is_renamed(w, entry);
    size_t private = csi_token_part_of(w, unit, CSI_TOKEN_PRIVATE, csi_span(NULL, 0));
    if (entry->unnamed)
        return CERTSTORE_OK;
    if (!renamed && ((old != SIZE_MAX && csi_object_get(csi_token_object(w, old), CKA_LABEL, &value)) ||
                     (private != SIZE_MAX && csi_object_get(csi_token_object(w, private), CKA_LABEL, &value)))) {
        csi_buf_put_span(label, value);
        return csi_buf_check(label, w->err);
    }
    CSI_TRY(csi_token_put_label(&draft, entry->alias, w->err));
    CSI_TRY(csi_buf_check(&draft.bytes, w->err));
    csi_buf_put_buf(label, &draft.bytes);
    return csi_buf_check(label, w->err);
}

/* What is said of the certificate's trust in objects beside it. */
static certstore_status write_trust(struct csi_token_writing *w, const certstore_entry *entry, size_t old_cert)
{
    size_t unit = csi_token_unit_of(w, entry);
    bool same = old_cert != SIZE_MAX && (entry->origin.changed & CSI_CHANGED_TRUST) == 0;
    size_t old = csi_token_part_of(w, unit, CSI_TOKEN_TRUST, csi_span(NULL, 0));
    if (same || (w->by != CSI_TRUST_BY_OBJECT && old_cert != SIZE_MAX)) {
        for (size_t i = w->document->units[unit]; i != SIZE_MAX; i = w->document->parts[i].next)
            if (w->document->parts[i].role == CSI_TOKEN_TRUST)
                CSI_TRY(csi_token_keep(w, i, entry->alias));
        return CERTSTORE_OK;
    }
    if (w->by != CSI_TRUST_BY_OBJECT)
        return CERTSTORE_OK;
    CSI_AUTO(csi_blob) *trust =
        csi_token_make_trust(entry, old_cert != SIZE_MAX && old != SIZE_MAX ? csi_token_object(w, old) : csi_span(NULL, 0), w->err);
    if (trust == NULL)
        return w->err->status;
    return csi_token_want(w, trust, CSI_TOKEN_TRUST, entry->alias);
}

/* An entry's first certificate. id: the private key's. */
static certstore_status write_cert(struct csi_token_writing *w, const certstore_entry *entry, struct csi_span id)
{
    CSI_AUTO_BUF label = { 0 };
    struct csi_span der = csi_span(entry->certs[0].data, entry->certs[0].size);
    size_t unit = csi_token_unit_of(w, entry);
    size_t old = csi_token_part_of(w, unit, CSI_TOKEN_CERT, csi_span(NULL, 0));
    size_t same = csi_token_part_of(w, unit, CSI_TOKEN_CERT, der);
    bool other_flags =
        (w->by == CSI_TRUST_BY_ATTRIBUTE || (marks_trust(w) && entry->kind == CERTSTORE_TRUSTED)) && (entry->origin.changed & CSI_CHANGED_TRUST) != 0;
    bool stays = same != SIZE_MAX && !csi_token_is_renamed(w, entry) && !other_flags;
    if (stays)
        CSI_TRY(csi_token_keep(w, same, entry->alias));
    if (!stays) {
        CSI_TRY(cert_label(w, entry, old, &label));
        CSI_AUTO(csi_blob) *cert =
            csi_token_make_cert(w, entry, 0, csi_buf_span(&label), id, same != SIZE_MAX ? csi_token_object(w, same) : csi_span(NULL, 0));
        if (cert == NULL)
            return w->err->status;
        CSI_TRY(csi_token_want(w, cert, CSI_TOKEN_CERT, entry->alias));
    }
    return write_trust(w, entry, same);
}

/* --------------------------------------------------------------------------------------------------------------------- entries */

static certstore_status write_key_entry(struct csi_token_writing *w, const certstore_entry *entry)
{
    CSI_AUTO_BUF id = { 0 };
    size_t unit;
    CSI_TRY(csi_token_write_key(w, entry, &id, &unit));
    return entry->cert_count > 0 ? write_cert(w, entry, csi_buf_span(&id)) : CERTSTORE_OK;
}

/* The format holds data, this token does not: losses() cannot know. */
static certstore_status refuse_data(const struct csi_token_writing *w, const certstore_entry *entry)
{
    if (w->in->allow_loss)
        return CERTSTORE_OK;
    return csi_fail(w->err, CERTSTORE_E_LOSSY, "entry \"%.64s\": this token takes no data objects; leave it out, or allow the loss (--allow-loss)",
                    entry->alias);
}

static certstore_status write_opaque(struct csi_token_writing *w, const certstore_entry *entry)
{
    CSI_AUTO_DRAFT draft = { 0 };
    size_t unit = csi_token_unit_of(w, entry);
    bool is_data = entry->type != NULL && strcmp(entry->type, "data") == 0;
    if (unit != SIZE_MAX) { /* only its alias can have changed */
        size_t part = w->document->units[unit];
        if (!csi_token_is_renamed(w, entry) || entry->unnamed || entry->kind == CERTSTORE_CRL)
            return csi_token_keep(w, part, entry->alias);
        CSI_AUTO(csi_blob) *renamed = csi_token_relabel(csi_token_object(w, part), entry->alias, w->err);
        w->kept[part] = true;
        return renamed != NULL ? csi_token_want(w, renamed, CSI_TOKEN_ALONE, entry->alias) : w->err->status;
    }
    if (entry->kind == CERTSTORE_CRL || !is_data || entry->content == NULL)
        return CERTSTORE_OK; /* losses() has said so */
    if ((w->in->traits & CSI_TOKEN_DATA) == 0)
        return refuse_data(w, entry);
    csi_object_put_number(&draft, CKA_CLASS, CKO_DATA);
    csi_object_put(&draft, CKA_VALUE, csi_blob_span(entry->content));
    CSI_TRY(csi_token_put_label(&draft, entry->alias, w->err));
    CSI_AUTO(csi_blob) *data = csi_object_finish(&draft, w->err);
    return data != NULL ? csi_token_want(w, data, CSI_TOKEN_ALONE, entry->alias) : w->err->status;
}

static certstore_status write_entry(struct csi_token_writing *w, const certstore_entry *entry)
{
    switch (entry->kind) {
    case CERTSTORE_TRUSTED:
        return entry->cert_count > 0 ? write_cert(w, entry, csi_span(NULL, 0)) : CERTSTORE_OK;
    case CERTSTORE_KEY:
        return write_key_entry(w, entry);
    case CERTSTORE_SECRET:
        return csi_token_write_secret(w, entry);
    default:
        return write_opaque(w, entry);
    }
}

/* Everything of it but its chain, which depends on what else is there. */
static certstore_status keep_entry(struct csi_token_writing *w, const certstore_entry *entry)
{
    const struct csi_token_document *document = w->document;
    for (size_t i = document->units[entry->origin.index]; i != SIZE_MAX; i = document->parts[i].next)
        if (document->parts[i].role != CSI_TOKEN_CHAIN)
            CSI_TRY(csi_token_keep(w, i, entry->alias));
    return CERTSTORE_OK;
}

static bool is_untouched(const struct csi_token_writing *w, const certstore_entry *entry)
{
    return csi_token_unit_of(w, entry) != SIZE_MAX && entry->origin.changed == 0;
}

/* Trust that is said of certificates elsewhere stays, unless an entry now says it of the same issuer and serial number. */
static certstore_status keep_orphans(struct csi_token_writing *w)
{
    CSI_AUTO_INDEX said = { 0 };
    uint8_t key[32];
    for (size_t i = 0; i < w->wanted_count; i++)
        if (w->wanted[i].role == CSI_TOKEN_TRUST && csi_token_serial_key_of(csi_blob_span(w->wanted[i].object), key))
            CSI_TRY(csi_token_index_add(&said, key, 0, i, w->err));
    csi_token_index_sort(&said);
    for (size_t i = 0; w->document != NULL && i < w->document->count; i++) {
        if (w->document->parts[i].unit != SIZE_MAX)
            continue;
        bool again = csi_token_serial_key_of(csi_token_object(w, i), key) && csi_token_index_find(&said, key) != SIZE_MAX;
        if (!again)
            CSI_TRY(csi_token_keep(w, i, ""));
    }
    return CERTSTORE_OK;
}

/* ------------------------------------------------------------------------------------------------------------ what cannot be held */

static certstore_status check_serials(struct csi_token_writing *w)
{
    CSI_AUTO_INDEX serials = { 0 };
    uint8_t key[32];
    for (size_t i = 0; i < w->wanted_count; i++) {
        bool is_cert = w->wanted[i].role == CSI_TOKEN_CERT || w->wanted[i].role == CSI_TOKEN_CHAIN;
        if (is_cert && csi_token_serial_key_of(csi_blob_span(w->wanted[i].object), key))
            CSI_TRY(csi_token_index_add(&serials, key, 0, i, w->err));
    }
    csi_token_index_sort(&serials);
    for (size_t i = 0; i < serials.count; i++) {
        size_t next = csi_token_index_next(&serials, i);
        if (next == SIZE_MAX)
            continue;
        const struct csi_token_wanted *a = &w->wanted[serials.items[i].value];
        const struct csi_token_wanted *b = &w->wanted[serials.items[next].value];
        return csi_fail(w->err, CERTSTORE_E_EXISTS,
                        "%s: its certificate has the issuer and serial number of one of %s, and NSS holds one of them only; leave one out", b->alias,
                        a->alias);
    }
    return CERTSTORE_OK;
}

/* A trusted certificate under the name that a key's chain goes by would be taken for a part of it. */
static certstore_status check_names(const struct csi_token_writing *w)
{
    for (size_t i = 0; i < w->bundle->count; i++) {
        const certstore_entry *entry = w->bundle->entries[i];
        struct csi_span base;
        size_t number;
        if (entry->kind != CERTSTORE_TRUSTED || is_untouched(w, entry) || !csi_token_chain_label(csi_span_text(entry->alias), &base, &number))
            continue;
        CSI_AUTO(csi_chars) *name = csi_strndup((const char *)base.data, base.size, w->err);
        if (name == NULL)
            return w->err->status;
        size_t position = csi_bundle_position(w->bundle, name);
        if (position != SIZE_MAX && w->bundle->entries[position]->kind == CERTSTORE_KEY)
            return csi_fail(w->err, CERTSTORE_E_ARGUMENT, "%s: on a token that is the name of a certificate in the chain of %s; choose another alias",
                            entry->alias, name);
    }
    return CERTSTORE_OK;
}

/* ---------------------------------------------------------------------------------------------------------------------- encode */

static certstore_status write_all(struct csi_token_writing *w)
{
    for (size_t i = 0; i < w->bundle->count; i++)
        if (is_untouched(w, w->bundle->entries[i]))
            CSI_TRY(keep_entry(w, w->bundle->entries[i]));
    for (size_t i = 0; i < w->bundle->count; i++)
        if (!is_untouched(w, w->bundle->entries[i]))
            CSI_TRY(write_entry(w, w->bundle->entries[i]));
    CSI_TRY(check_names(w));
    CSI_TRY(csi_token_write_chains(w));
    CSI_TRY(keep_orphans(w));
    return w->one_of_a_serial ? check_serials(w) : CERTSTORE_OK;
}

static certstore_status emit(csi_blob *object, size_t number, csi_parts *parts, certstore_error *err)
{
    char name[24];
    snprintf(name, sizeof name, "%zu", number);
    return csi_parts_add(parts, name, object, err);
}

certstore_status csi_token_encode(const struct csi_codec *codec, const certstore_bundle *bundle, const struct csi_encode *in, csi_parts *parts,
                                  certstore_error *err)
{
    const struct csi_token_document *document = csi_token_is_ours(bundle->document) ? (const struct csi_token_document *)bundle->document : NULL;
    AUTO_WRITING w = { .codec = codec, .bundle = bundle, .in = in, .document = document, .by = csi_token_trust_of(codec, in->traits), .err = err };
    w.one_of_a_serial = w.by == CSI_TRUST_BY_OBJECT;
    if (document != NULL && csi_bundle_pristine(bundle)) {
        for (size_t i = 0; i < document->count; i++)
            CSI_TRY(emit(document->parts[i].object, i, parts, err));
        return CERTSTORE_OK;
    }
    w.kept = csi_new(document != NULL ? document->count : 0, sizeof *w.kept, err);
    if (w.kept == NULL)
        return err->status;
    CSI_TRY(write_all(&w));
    for (size_t i = 0; i < w.wanted_count; i++)
        CSI_TRY(emit(w.wanted[i].object, i, parts, err));
    return CERTSTORE_OK;
}
