/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pem_write.c: a bundle to PEM text.
 *
 * The text that was read is the template. Each of its pieces is kept to the byte, replaced where it stands, or dropped with the comment
 * that speaks of it; everything between pieces is kept. Entries that were not in the text come behind it. Made from nothing: leaf, chain,
 * key, the order every server reads.
 *
 * An identity whose key and certificates are all new still takes the place of the one that was there, when there was one and there is one:
 * a PEM file has no aliases to tell identities apart by.
 */
#include "codec/pem.h"

#include "codec/base64.h"

/* What became of an entry of the document. */
struct unit {
    const certstore_entry *now; /* NULL: removed */
    unsigned changed;           /* enum csi_changed */
    size_t cert_slots;          /* certificate pieces it has in the document */
    size_t slots_seen;
    bool had_key;
    bool done; /* an entry of another kind was written in its place */
};
struct writer {
    const certstore_bundle *bundle;
    const struct csi_pem_document *document; /* NULL: made from nothing */
    const struct csi_encode *in;
    struct unit *units;
    bool *placed; /* by position in the bundle: stands in the document's text */
    bool pristine;
    unsigned part_count;
    struct csi_buf out[CSI_PEM_PARTS];
};

static void clear_writer(struct writer *w)
{
    free(w->units);
    free(w->placed);
    for (size_t i = 0; i < CSI_PEM_PARTS; i++)
        csi_buf_free(&w->out[i]);
}

/* ----------------------------------------------------------------------------------------------------- what became of what */

static void count_pieces(struct writer *w)
{
    for (size_t i = 0; i < w->document->count; i++) {
        const struct csi_pem_piece *piece = &w->document->pieces[i];
        struct unit *unit = &w->units[piece->unit];
        unit->cert_slots += piece->kind == CSI_PEM_CERT || piece->kind == CSI_PEM_TRUSTED;
        unit->had_key = unit->had_key || csi_pem_is_key(piece->kind);
    }
}

static void place_entries(struct writer *w)
{
    for (size_t i = 0; i < w->bundle->count; i++) {
        const certstore_entry *entry = w->bundle->entries[i];
        if (entry->origin.document != &w->document->base || w->units[entry->origin.index].now != NULL)
            continue;
        struct unit *unit = &w->units[entry->origin.index];
        unit->now = entry;
        unit->changed = entry->origin.changed;
        w->placed[i] = true;
    }
}

/* The new identity in the place of the old one: exactly one key went, exactly one came. */
static void place_identity(struct writer *w)
{
    struct unit *gone = NULL;
    size_t came = SIZE_MAX, keys_gone = 0, keys_came = 0;
    for (size_t i = 0; i < w->document->unit_count; i++) {
        if (!w->units[i].had_key)
            continue;
        gone = &w->units[i];
        keys_gone++;
    }
    for (size_t i = 0; i < w->bundle->count; i++) {
        if (w->bundle->entries[i]->kind != CERTSTORE_KEY)
            continue;
        came = w->placed[i] ? came : i;
        keys_came++;
    }
    if (keys_gone != 1 || keys_came != 1 || came == SIZE_MAX || gone->now != NULL)
        return;
    gone->now = w->bundle->entries[came];
    gone->changed = CSI_CHANGED_ALL;
    w->placed[came] = true;
}

static certstore_status plan(struct writer *w, certstore_error *err)
{
    w->placed = csi_new(w->bundle->count, sizeof *w->placed, err);
    if (w->placed == NULL)
        return err->status;
    if (w->document == NULL)
        return CERTSTORE_OK;
    w->units = csi_new(w->document->unit_count, sizeof *w->units, err);
    if (w->units == NULL)
        return err->status;
    count_pieces(w);
    place_entries(w);
    place_identity(w);
    return CERTSTORE_OK;
}

/* ------------------------------------------------------------------------------------------------------------ new blocks */

/* "A missing newline at the end of the old text": what comes next must start a line. */
static void start_line(struct csi_buf *out)
{
    if (out->size > 0 && out->data[out->size - 1] != '\n' && out->data[out->size - 1] != '\r')
        csi_buf_put_u8(out, '\n');
}

/* Where the blocks of a kind go that have no place yet. */
static struct csi_buf *target(struct writer *w, bool key)
{
    return &w->out[key && w->part_count == 2 ? 1 : 0];
}

static certstore_status write_cert(struct writer *w, const certstore_entry *entry, size_t index, const struct csi_pem_piece *old,
                                   certstore_error *err)
{
    start_line(target(w, false));
    return csi_pem_write_cert(entry, index, old, target(w, false), err);
}

static certstore_status write_new_key(struct writer *w, const certstore_entry *entry, const struct csi_pem_piece *old, struct csi_buf *out,
                                      certstore_error *err)
{
    start_line(out);
    return csi_pem_write_key(entry, old, w->in, out, err);
}

/* A whole entry. What PEM cannot hold (secret keys, other formats' opaque entries) is left out: losses() has said so. */
static certstore_status write_entry(struct writer *w, const certstore_entry *entry, const struct csi_pem_piece *old, certstore_error *err)
{
    struct csi_buf *out = target(w, false);
    for (size_t i = 0; i < entry->cert_count; i++)
        CSI_TRY(write_cert(w, entry, i, NULL, err));
    if (entry->kind == CERTSTORE_KEY)
        CSI_TRY(write_new_key(w, entry, old, target(w, true), err));
    const bool ours = entry->origin.document != NULL && entry->origin.document->codec == &csi_codec_pem;
    if (entry->kind == CERTSTORE_CRL || (entry->kind == CERTSTORE_OPAQUE && ours)) {
        start_line(out);
        csi_pem_write(out, entry->kind == CERTSTORE_CRL ? "X509 CRL" : entry->type, csi_blob_span(entry->content));
    }
    return csi_buf_check(out, err);
}

/* ------------------------------------------------------------------------------------------------------------ old pieces */

static struct csi_span text_of(const struct writer *w, const struct csi_pem_piece *piece, size_t from, size_t to)
{
    return csi_span(w->document->text[piece->part]->data + from, to - from);
}

/* Where a piece of the document goes: into the part it came from, or, when the number of files changes, where its kind belongs. */
static struct csi_buf *place_of(struct writer *w, const struct csi_pem_piece *piece)
{
    const bool key = csi_pem_is_key(piece->kind) || piece->kind == CSI_PEM_EC_PARAMETERS;
    if (w->document->part_count == w->part_count)
        return &w->out[piece->part];
    return target(w, key);
}

static bool fits_on_a_line(const char *text)
{
    for (const char *c = text; *c != 0; c++)
        if ((unsigned char)*c < ' ')
            return false;
    return true;
}

/* Whether the comment of a piece starts a line: words behind the dashes of the END before it do not. */
static bool comment_starts_line(const struct writer *w, const struct csi_pem_piece *piece)
{
    const uint8_t *text = w->document->text[piece->part]->data;
    return piece->comment == 0 || text[piece->comment - 1] == '\n' || text[piece->comment - 1] == '\r';
}

/* The comment above a piece; a friendlyName in it follows the alias. */
static void put_comment(struct writer *w, const struct csi_pem_piece *piece, const struct unit *unit)
{
    struct csi_buf *out = place_of(w, piece);
    const bool renamed = piece->name.size > 0 && unit->now != NULL && (unit->changed & CSI_CHANGED_ALIAS) != 0 && fits_on_a_line(unit->now->alias);
    if (piece->comment == piece->begin)
        return;
    if (comment_starts_line(w, piece))
        start_line(out);
    if (!renamed) {
        csi_buf_put_span(out, text_of(w, piece, piece->comment, piece->begin));
        return;
    }
    const size_t name = (size_t)(piece->name.data - w->document->text[piece->part]->data);
    csi_buf_put_span(out, text_of(w, piece, piece->comment, name));
    csi_buf_put_text(out, unit->now->alias);
    csi_buf_put_span(out, text_of(w, piece, name + piece->name.size, piece->begin));
}

static void keep(struct writer *w, const struct csi_pem_piece *piece, const struct unit *unit)
{
    put_comment(w, piece, unit);
    csi_buf_put_span(place_of(w, piece), text_of(w, piece, piece->begin, piece->end));
}

/* DER cannot be mixed with text: once anything in such a file changes, all of it becomes PEM. */
static bool must_rewrite(const struct writer *w, const struct csi_pem_piece *piece)
{
    return w->document->der[piece->part] && !w->pristine;
}

static certstore_status replace_cert(struct writer *w, const struct csi_pem_piece *piece, struct unit *unit, certstore_error *err)
{
    const certstore_entry *entry = unit->now;
    const size_t slot = unit->slots_seen++;
    const bool last = unit->slots_seen == unit->cert_slots;
    struct csi_span ignored;
    const bool named = csi_pem_aux_alias(piece->aux, &ignored);
    const bool settings = slot == 0 && ((unit->changed & CSI_CHANGED_TRUST) != 0 || ((unit->changed & CSI_CHANGED_ALIAS) != 0 && named));
    if ((unit->changed & CSI_CHANGED_CERTS) == 0 && !settings && !must_rewrite(w, piece)) {
        keep(w, piece, unit);
        return CERTSTORE_OK;
    }
    for (size_t i = slot; i < entry->cert_count && (i == slot || last); i++) {
        const bool same = i == slot && csi_span_equal(piece->body, csi_span(entry->certs[i].data, entry->certs[i].size));
        const bool bare = entry->trust.trusted_count == 0 && entry->trust.rejected_count == 0 && piece->aux.size == 0;
        if (same && (slot > 0 || bare) && !must_rewrite(w, piece)) {
            keep(w, piece, unit);
            continue;
        }
        if (i == slot)
            put_comment(w, piece, unit);
        CSI_TRY(write_cert(w, entry, i, i == slot ? piece : NULL, err));
    }
    if (last && entry->kind == CERTSTORE_KEY && !unit->had_key && w->part_count == 1)
        return write_new_key(w, entry, NULL, target(w, true), err);
    return CERTSTORE_OK;
}

/* A renewal with the same key leaves the key's block alone. */
static bool same_key(const struct csi_pem_piece *piece, const certstore_entry *entry)
{
    return piece->kind == CSI_PEM_PKCS8 && piece->headers.size == 0 && entry->key->protection == NULL &&
           csi_span_equal(piece->body, csi_secret_span(entry->key->plain.bytes));
}

static bool keeps_key(const struct writer *w, const struct csi_pem_piece *piece, const struct unit *unit)
{
    if (w->in->reprotect || must_rewrite(w, piece))
        return false;
    return (unit->changed & CSI_CHANGED_KEY) == 0 || same_key(piece, unit->now);
}

static certstore_status replace_key(struct writer *w, const struct csi_pem_piece *piece, struct unit *unit, certstore_error *err)
{
    const certstore_entry *entry = unit->now;
    if (entry->kind != CERTSTORE_KEY)
        return CERTSTORE_OK;
    for (size_t i = 0; unit->cert_slots == 0 && i < entry->cert_count; i++)
        CSI_TRY(write_cert(w, entry, i, NULL, err));
    if (keeps_key(w, piece, unit)) {
        keep(w, piece, unit);
        return CERTSTORE_OK;
    }
    put_comment(w, piece, unit);
    return write_new_key(w, entry, piece, place_of(w, piece), err);
}

/* The piece after EC PARAMETERS is its key: they stay or go together. */
static void place_parameters(struct writer *w, const struct csi_pem_piece *piece, const struct unit *unit)
{
    if (unit->now->kind == CERTSTORE_KEY && keeps_key(w, &piece[1], unit))
        keep(w, piece, unit);
}

static certstore_status place_cms(struct writer *w, const struct csi_pem_piece *piece, certstore_error *err)
{
    const struct unit *units = &w->units[piece->unit];
    bool whole = !must_rewrite(w, piece);
    for (size_t i = 0; i < piece->units; i++)
        whole = whole && units[i].now != NULL && (units[i].changed & (CSI_CHANGED_CERTS | CSI_CHANGED_KEY | CSI_CHANGED_TRUST)) == 0;
    if (whole) {
        keep(w, piece, units);
        return CERTSTORE_OK;
    }
    for (size_t i = 0; i < piece->units; i++)
        if (units[i].now != NULL)
            CSI_TRY(write_entry(w, units[i].now, NULL, err));
    return CERTSTORE_OK;
}

static certstore_status place_content(struct writer *w, const struct csi_pem_piece *piece, struct unit *unit, certstore_error *err)
{
    const unsigned meaning = CSI_CHANGED_CERTS | CSI_CHANGED_KEY | CSI_CHANGED_TRUST;
    if ((unit->changed & meaning) == 0 && !must_rewrite(w, piece)) {
        keep(w, piece, unit);
        return CERTSTORE_OK;
    }
    if (unit->done)
        return CERTSTORE_OK;
    unit->done = true;
    return write_entry(w, unit->now, piece, err);
}

static certstore_status place_piece(struct writer *w, const struct csi_pem_piece *piece, certstore_error *err)
{
    struct unit *unit = &w->units[piece->unit];
    if (piece->kind == CSI_PEM_CMS && piece->units > 0)
        return place_cms(w, piece, err);
    if (unit->now == NULL)
        return CERTSTORE_OK; /* dropped, with its comment */
    const bool pair = unit->now->kind == CERTSTORE_TRUSTED || unit->now->kind == CERTSTORE_KEY;
    if (pair && (piece->kind == CSI_PEM_CERT || piece->kind == CSI_PEM_TRUSTED))
        return replace_cert(w, piece, unit, err);
    if (pair && csi_pem_is_key(piece->kind))
        return replace_key(w, piece, unit, err);
    if (pair && piece->kind == CSI_PEM_EC_PARAMETERS && unit->had_key) {
        place_parameters(w, piece, unit);
        return CERTSTORE_OK;
    }
    return place_content(w, piece, unit, err);
}

/* Everything that was read: pieces by their fate, the text between them as it is. */
static certstore_status place_text(struct writer *w, unsigned part, certstore_error *err)
{
    const csi_blob *text = w->document->text[part];
    struct csi_buf *gaps = &w->out[w->document->part_count == w->part_count ? part : 0];
    size_t at = 0;
    if (text == NULL)
        return CERTSTORE_OK;
    for (size_t i = 0; i < w->document->count; i++) {
        const struct csi_pem_piece *piece = &w->document->pieces[i];
        if (piece->part != part)
            continue;
        csi_buf_put(gaps, text->data + at, piece->comment - at);
        CSI_TRY(place_piece(w, piece, err));
        at = piece->end;
    }
    csi_buf_put(gaps, text->data + at, text->size - at);
    return csi_buf_check(gaps, err);
}

static certstore_status place_new(struct writer *w, certstore_error *err)
{
    for (size_t i = 0; i < w->bundle->count; i++)
        if (!w->placed[i])
            CSI_TRY(write_entry(w, w->bundle->entries[i], NULL, err));
    /* A certificate that became an identity, where keys have a file of their own. */
    for (size_t i = 0; w->document != NULL && w->part_count == 2 && i < w->document->unit_count; i++) {
        const struct unit *unit = &w->units[i];
        if (unit->now != NULL && unit->now->kind == CERTSTORE_KEY && !unit->had_key)
            CSI_TRY(write_new_key(w, unit->now, NULL, target(w, true), err));
    }
    return CERTSTORE_OK;
}

/* Certificates and CRLs are no secret, nor is what was read when it held nothing else. */
static bool is_open(const struct writer *w)
{
    for (size_t i = 0; i < w->bundle->count; i++)
        if (w->bundle->entries[i]->kind != CERTSTORE_TRUSTED && w->bundle->entries[i]->kind != CERTSTORE_CRL)
            return false;
    for (size_t i = 0; w->document != NULL && i < CSI_PEM_PARTS; i++)
        if (w->document->text[i] != NULL && !__atomic_load_n(&w->document->text[i]->open, __ATOMIC_RELAXED))
            return false;
    return true;
}

static certstore_status hand_over(struct writer *w, csi_parts *parts, certstore_error *err)
{
    static const char *const names[CSI_PEM_PARTS] = { "", "key" };
    for (unsigned i = 0; i < w->part_count && i < CSI_PEM_PARTS; i++) {
        const bool existed = w->document != NULL && w->document->text[i] != NULL;
        if (i > 0 && !existed && w->out[i].size == 0)
            continue; /* no key, and no file for one */
        if (!w->pristine && !csi_pem_is_text(csi_buf_span(&w->out[i])))
            csi_buf_free(&w->out[i]); /* the last block went, and what is left would not be read as a store again */
        CSI_AUTO(csi_blob) *bytes = csi_blob_from_buf(&w->out[i], err);
        if (bytes == NULL)
            return err->status;
        bytes->open = is_open(w);
        CSI_TRY(csi_parts_add(parts, names[i], bytes, err));
    }
    return CERTSTORE_OK;
}

/* What the certificates that have no place yet will take, as text: one allocation instead of a growing one. */
static size_t new_size(const struct writer *w)
{
    enum { MARKS = 64 };
    size_t size = 0;
    for (size_t i = 0; i < w->bundle->count; i++)
        for (size_t j = 0; !w->placed[i] && j < w->bundle->entries[i]->cert_count; j++)
            size += csi_base64_lines(w->bundle->entries[i]->certs[j].size) + MARKS;
    return size;
}

static void reserve(struct writer *w)
{
    size_t size = new_size(w);
    for (unsigned i = 0; i < w->part_count && i < CSI_PEM_PARTS; i++) {
        const csi_blob *text = w->document != NULL ? w->document->text[i] : NULL;
        size += text != NULL ? text->size : 0;
        if (size > 0)
            csi_buf_reserve(&w->out[i], size);
        size = 0;
    }
}

static certstore_status encode(struct writer *w, csi_parts *parts, certstore_error *err)
{
    CSI_TRY(plan(w, err));
    reserve(w);
    for (unsigned i = 0; w->document != NULL && i < CSI_PEM_PARTS; i++)
        CSI_TRY(place_text(w, i, err));
    CSI_TRY(place_new(w, err));
    return hand_over(w, parts, err);
}

certstore_status csi_pem_encode_store(const certstore_bundle *bundle, const struct csi_encode *in, csi_parts *parts, certstore_error *err)
{
    struct writer w = { .bundle = bundle, .document = csi_pem_document_of(bundle), .in = in, .part_count = in->part_count == 2 ? 2 : 1 };
    w.pristine = !in->reprotect && csi_bundle_pristine(bundle);
    const certstore_status status = encode(&w, parts, err);
    clear_writer(&w);
    return status;
}
