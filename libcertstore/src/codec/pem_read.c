/* SPDX-License-Identifier: Apache-2.0 */
/* pem_read.c: pieces to entries: identities, trusted certificates, CRLs, what CMS blocks hold, and whatever else there is. */
#include "codec/pem.h"

#include <ctype.h>

#include "codec/base64.h"

static void free_sizes(size_t *sizes)
{
    free(sizes);
}
typedef size_t csi_sizes;
CSI_DEFINE_AUTO(csi_sizes, free_sizes)

static void destroy(struct csi_document *base)
{
    struct csi_pem_document *document = (struct csi_pem_document *)base;
    for (size_t i = 0; i < CSI_PEM_PARTS; i++) {
        csi_blob_free(document->text[i]);
        csi_blob_free(document->bodies[i]);
    }
    free(document->pieces);
    csi_buf_free(&document->aliases);
    free(document);
}

const struct csi_pem_document *csi_pem_document_of(const certstore_bundle *bundle)
{
    const csi_document *document = bundle->document;
    return document != NULL && document->codec == &csi_codec_pem ? (const struct csi_pem_document *)document : NULL;
}

/* A file that is no text: DER under a .crt or .cer name. */
static certstore_status read_der(struct csi_pem_document *document, unsigned part, certstore_error *err)
{
    const struct csi_span bytes = csi_blob_span(document->text[part]);
    enum csi_pem_kind kind;
    const char *label;
    if (!csi_pem_classify_der(bytes, &kind, &label))
        return csi_fail(err, CERTSTORE_E_MALFORMED, "PEM: no BEGIN line, and no certificate, CRL or key in DER either; is this the right file?");
    struct csi_pem_piece *piece = csi_pem_add_piece(document, err);
    if (piece == NULL)
        return err->status;
    piece->kind = kind;
    piece->part = part;
    piece->end = bytes.size;
    piece->label = csi_span_text(label);
    piece->body = bytes;
    document->der[part] = true;
    document->bodies[part] = csi_blob_ref(document->text[part]);
    document->key_count += csi_pem_is_key(kind);
    if (kind == CSI_PEM_CERT)
        __atomic_store_n(&document->text[part]->open, true, __ATOMIC_RELAXED);
    return kind == CSI_PEM_CERT ? csi_pem_name_piece(document, piece, err) : CERTSTORE_OK;
}

static certstore_status read_parts(struct csi_pem_document *document, const struct csi_decode *in, certstore_error *err)
{
    for (size_t i = 0; i < in->parts->count; i++) {
        const struct csi_part *part = &in->parts->items[i];
        const unsigned number = strcmp(part->name, "key") == 0 ? 1 : 0;
        if (document->text[number] != NULL)
            return csi_fail(err, CERTSTORE_E_ARGUMENT, "PEM: two parts of one name; give the certificates and the key once each");
        document->text[number] = csi_blob_ref(part->bytes);
        if (number + 1 > document->part_count)
            document->part_count = number + 1;
    }
    for (unsigned i = 0; i < CSI_PEM_PARTS; i++) {
        if (document->text[i] == NULL)
            continue;
        CSI_TRY(csi_pem_is_text(csi_blob_span(document->text[i])) ? csi_pem_split(document, i, in->limits, err) : read_der(document, i, err));
    }
    return CERTSTORE_OK;
}

/* Appends an entry and gives it its place in the document. */
static certstore_status append(certstore_bundle *bundle, certstore_entry *entry, size_t unit, certstore_error *err)
{
    csi_entry_set_origin(entry, bundle->document, unit);
    return csi_bundle_append(bundle, entry, true, err);
}

static const char *alias_of(const struct csi_pem_document *document, const struct csi_pem_piece *piece)
{
    return (const char *)document->aliases.data + piece->alias;
}

static certstore_entry *cert_entry(csi_document *home, size_t unit, const char *alias, const struct csi_pem_piece *piece, csi_blob *owner,
                                   struct csi_span cert, certstore_error *err)
{
    CSI_AUTO(certstore_entry) *entry = csi_entry_new_in(home, unit, CERTSTORE_TRUSTED, alias, err);
    if (entry == NULL || csi_entry_append_cert(entry, owner, cert, err) != CERTSTORE_OK || csi_pem_aux_read(piece->aux, entry, err) != CERTSTORE_OK)
        return NULL;
    return csi_steal(&entry);
}

certstore_entry *csi_pem_entry_cert(const struct csi_pem_document *document, const struct csi_pem_piece *piece, csi_document *home, size_t unit,
                                    certstore_error *err)
{
    certstore_entry *entry = cert_entry(home, unit, alias_of(document, piece), piece, document->bodies[piece->part], piece->body, err);
    if (entry != NULL)
        entry->unnamed = piece->unnamed;
    return entry;
}

static certstore_status add_trusted(certstore_bundle *bundle, struct csi_pem_document *document, const struct csi_pem_piece *piece,
                                    certstore_error *err)
{
    certstore_entry *entry = csi_pem_entry_cert(document, piece, &document->base, document->unit_count, err);
    if (entry == NULL)
        return err->status;
    document->unit_count++;
    return csi_bundle_append(bundle, entry, true, err);
}

/* "DH PARAMETERS" to "dh-parameters". */
static char *alias_for_label(struct csi_span label, certstore_error *err)
{
    char *alias = csi_strndup((const char *)label.data, label.size, err);
    for (char *c = alias; c != NULL && *c != 0; c++)
        *c = (char)(*c == ' ' ? '-' : tolower((unsigned char)*c));
    if (alias != NULL && *alias == 0) {
        free(alias);
        return csi_strdup("block", err);
    }
    return alias;
}

/* The CN of the issuer, "crl" before it: csi_alias_for_cert() knows certificates only. */
static char *alias_for_crl(struct csi_span der, certstore_error *err)
{
    struct csi_span issuer;
    CSI_AUTO_BUF text = { 0 };
    CSI_AUTO_BUF alias = { 0 };
    if (csi_pem_crl_issuer(der, &issuer) && csi_name_text(issuer, &text))
        csi_buf_put_u8(&text, 0);
    const char *name = text.size > 0 && !text.failed && text.data[text.size - 1] == 0 ? strstr((const char *)text.data, "CN=") : NULL;
    csi_buf_put_text(&alias, "crl");
    for (const char *c = name != NULL ? name + 3 : ""; *c != 0 && *c != ',' && alias.size < 64; c++)
        if (isalnum((unsigned char)*c)) {
            if (alias.size == 3)
                csi_buf_put_u8(&alias, '-');
            csi_buf_put_u8(&alias, (uint8_t)tolower((unsigned char)*c));
        } else if (alias.size > 3 && alias.data[alias.size - 1] != '-') {
            csi_buf_put_u8(&alias, '-');
        }
    return csi_buf_check(&alias, err) == CERTSTORE_OK ? csi_strndup((const char *)alias.data, alias.size, err) : NULL;
}

static certstore_entry *content_entry(certstore_kind kind, const char *alias, struct csi_span content, certstore_error *err)
{
    CSI_AUTO(certstore_entry) *entry = csi_entry_new(kind, alias, err);
    if (entry == NULL || (entry->content = csi_blob_new(content.data, content.size, err)) == NULL)
        return NULL;
    entry->unnamed = true;
    return csi_steal(&entry);
}

certstore_entry *csi_pem_entry_crl(struct csi_span der, certstore_error *err)
{
    CSI_AUTO(csi_chars) *alias = alias_for_crl(der, err);
    return alias != NULL ? content_entry(CERTSTORE_CRL, alias, der, err) : NULL;
}

static certstore_status add_crl(certstore_bundle *bundle, struct csi_pem_document *document, struct csi_span der, certstore_error *err)
{
    certstore_entry *entry = csi_pem_entry_crl(der, err);
    return entry != NULL ? append(bundle, entry, document->unit_count++, err) : err->status;
}

static certstore_status add_opaque(certstore_bundle *bundle, struct csi_pem_document *document, const struct csi_pem_piece *piece,
                                   certstore_error *err)
{
    CSI_AUTO(csi_chars) *alias = alias_for_label(piece->label, err);
    CSI_AUTO(certstore_entry) *entry = alias != NULL ? content_entry(CERTSTORE_OPAQUE, alias, piece->body, err) : NULL;
    if (entry == NULL || (entry->type = csi_strndup((const char *)piece->label.data, piece->label.size, err)) == NULL)
        return err->status;
    return append(bundle, csi_steal(&entry), document->unit_count++, err);
}

/* A certificate out of a CMS block; a friendlyName line above the block speaks of all that it holds. */
static certstore_status add_member(certstore_bundle *bundle, struct csi_pem_document *document, const struct csi_pem_piece *piece,
                                   struct csi_span der, certstore_error *err)
{
    CSI_AUTO(csi_chars) *alias = piece->name.size > 0 ? csi_strndup((const char *)piece->name.data, piece->name.size, err) : NULL;
    if (piece->name.size == 0)
        alias = csi_alias_for_cert(der, err);
    if (alias == NULL)
        return err->status;
    certstore_entry *entry = cert_entry(&document->base, document->unit_count, alias, piece, document->bodies[piece->part], der, err);
    if (entry == NULL)
        return err->status;
    entry->unnamed = piece->name.size == 0;
    document->unit_count++;
    return csi_bundle_append(bundle, entry, true, err);
}

static certstore_status add_cms(certstore_bundle *bundle, struct csi_pem_document *document, struct csi_pem_piece *piece,
                                const struct csi_limits *limits, certstore_error *err)
{
    struct csi_pem_members members = { 0 };
    certstore_status status = csi_pem_cms_members(piece->body, limits, &members, err);
    piece->units = members.count > 0 ? members.count : 1;
    for (size_t i = 0; status == CERTSTORE_OK && i < members.count; i++) {
        const struct csi_span der = members.items[i].der;
        status = members.items[i].crl ? add_crl(bundle, document, der, err) : add_member(bundle, document, piece, der, err);
    }
    if (status == CERTSTORE_OK && members.count > 0)
        status = csi_report_add(bundle->notes, "pem-cms", CERTSTORE_INFO, "", err,
                                "a %.*s block holds %zu entries; changing one of them writes the others as blocks of their own",
                                (int)piece->label.size, (const char *)piece->label.data, members.count);
    if (status == CERTSTORE_OK && members.count == 0)
        status = add_opaque(bundle, document, piece, err);
    free(members.items);
    return status;
}

static certstore_status add_identity(certstore_bundle *bundle, struct csi_pem_document *document, const struct csi_pem_identity *identity,
                                     certstore_error *err)
{
    struct csi_pem_piece *key = &document->pieces[identity->key_piece];
    struct csi_pem_piece *leaf = identity->cert_count > 0 ? &document->pieces[identity->certs[0]] : NULL;
    bool unnamed = leaf == NULL || leaf->unnamed;
    CSI_AUTO(csi_chars) *alias = NULL;
    if (key->name.size > 0 && unnamed) { /* openssl pkcs12 writes it over the key as well */
        alias = csi_strndup((const char *)key->name.data, key->name.size, err);
        unnamed = false;
    } else {
        alias = leaf != NULL ? csi_strdup(alias_of(document, leaf), err) : alias_for_label(key->label, err);
    }
    CSI_AUTO(certstore_entry) *entry = alias != NULL ? csi_entry_new(CERTSTORE_KEY, alias, err) : NULL;
    if (entry == NULL)
        return err->status;
    entry->unnamed = unnamed;
    entry->key = csi_key_ref(identity->key);
    for (size_t i = 0; i < identity->cert_count; i++) {
        struct csi_pem_piece *piece = &document->pieces[identity->certs[i]];
        piece->unit = document->unit_count;
        CSI_TRY(csi_entry_append_cert(entry, document->bodies[piece->part], piece->body, err));
    }
    if (leaf != NULL)
        CSI_TRY(csi_pem_aux_read(leaf->aux, entry, err));
    key->unit = document->unit_count;
    if (identity->key_piece > 0 && key[-1].kind == CSI_PEM_EC_PARAMETERS && key[-1].part == key->part)
        key[-1].unit = key->unit;
    return append(bundle, csi_steal(&entry), document->unit_count++, err);
}

/* The identity that a piece is part of, or NULL. `owner` has a row a piece: 1 + the identity's number. */
static const struct csi_pem_identity *identity_of(const struct csi_pem_identities *ids, const size_t *owner, size_t piece)
{
    return owner != NULL && owner[piece] > 0 ? &ids->items[owner[piece] - 1] : NULL;
}

static certstore_status find_owners(const struct csi_pem_document *document, const struct csi_pem_identities *ids, size_t **owner,
                                    certstore_error *err)
{
    *owner = NULL;
    if (ids->count == 0)
        return CERTSTORE_OK;
    size_t *rows = csi_new(document->count, sizeof *rows, err);
    if (rows == NULL)
        return err->status;
    for (size_t i = 0; i < ids->count; i++) {
        const size_t key = ids->items[i].key_piece;
        rows[key] = i + 1;
        if (key > 0 && document->pieces[key - 1].kind == CSI_PEM_EC_PARAMETERS && document->pieces[key - 1].part == document->pieces[key].part)
            rows[key - 1] = i + 1;
        for (size_t j = 0; j < ids->items[i].cert_count; j++)
            rows[ids->items[i].certs[j]] = i + 1;
    }
    *owner = rows;
    return CERTSTORE_OK;
}

static certstore_status add_piece(certstore_bundle *bundle, struct csi_pem_document *document, struct csi_pem_piece *piece,
                                  const struct csi_limits *limits, certstore_error *err)
{
    piece->unit = document->unit_count;
    switch (piece->kind) {
    case CSI_PEM_CERT:
    case CSI_PEM_TRUSTED:
        return add_trusted(bundle, document, piece, err);
    case CSI_PEM_CRL:
        return add_crl(bundle, document, piece->body, err);
    case CSI_PEM_CMS:
        return add_cms(bundle, document, piece, limits, err);
    default:
        return add_opaque(bundle, document, piece, err);
    }
}

/* In file order: an identity stands where its first block stands. */
static certstore_status add_entries(certstore_bundle *bundle, struct csi_pem_document *document, const struct csi_decode *in,
                                    const struct csi_pem_identities *ids, certstore_error *err)
{
    enum { AHEAD = 8 };
    CSI_AUTO(csi_sizes) *owner = NULL;
    CSI_TRY(find_owners(document, ids, &owner, err));
    CSI_TRY(csi_bundle_reserve(bundle, document->count, err));
    for (size_t i = 0; i < document->count; i++) {
        struct csi_pem_piece *piece = &document->pieces[i];
        const struct csi_pem_identity *identity = identity_of(ids, owner, i);
        if (document->count - i > AHEAD) /* the bodies of a large file are out of the cache by now */
            __builtin_prefetch(document->pieces[i + AHEAD].body.data);
        if (identity == NULL)
            CSI_TRY(add_piece(bundle, document, piece, in->limits, err));
        else if (piece->unit == SIZE_MAX)
            CSI_TRY(add_identity(bundle, document, identity, err));
    }
    return CERTSTORE_OK;
}

static certstore_status decode(struct csi_pem_document *document, const struct csi_decode *in, certstore_bundle *bundle, certstore_error *err)
{
    struct csi_pem_identities identities = { 0 };
    CSI_TRY(read_parts(document, in, err));
    certstore_status status = csi_pem_pair(document, in, &identities, err);
    if (status == CERTSTORE_OK)
        status = add_entries(bundle, document, in, &identities, err);
    csi_pem_identities_clear(&identities);
    csi_buf_free(&document->aliases);
    if (status == CERTSTORE_OK && (document->der[0] || document->der[1]))
        status = csi_report_add(bundle->notes, "pem-der", CERTSTORE_INFO, "", err, "the file is one object in DER; a change writes it as PEM");
    return status;
}

certstore_bundle *csi_pem_decode_store(const struct csi_decode *in, certstore_error *err)
{
    struct csi_pem_document *document = csi_new(1, sizeof *document, err);
    if (document == NULL)
        return NULL;
    document->base.codec = &csi_codec_pem;
    document->base.destroy = destroy;
    document->base.refs = 1;
    CSI_AUTO(csi_document) *base = &document->base;
    CSI_AUTO(certstore_bundle) *bundle = csi_bundle_new(csi_codec_pem.name, csi_codec_pem.rule, err);
    if (bundle == NULL)
        return NULL;
    bundle->integrity = CERTSTORE_INTEGRITY_ABSENT;
    bundle->document = csi_document_ref(base);
    if (decode(document, in, bundle, err) != CERTSTORE_OK)
        return NULL;
    return csi_steal(&bundle);
}
