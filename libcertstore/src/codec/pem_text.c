/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pem_text.c: a text falls into pieces: blocks, each with the comment that speaks of it, and everything between them.
 *
 * What belongs to a block: the lines directly above it, up to an empty line or the block before ("# Issuer: ...", the "Bag Attributes" of
 * openssl pkcs12). Lines that reach up to the start of the file are the file's own header, unless they are of a kind that programs write
 * over each block. The comment goes when its block goes; the header stays.
 */
#include "codec/pem.h"

#include "codec/base64.h"

/* The blocks of a bundle are of about one size, so that the first tells how many are to come. */
static certstore_status reserve_pieces(struct csi_pem_document *document, struct csi_span text, const struct csi_pem_block *first,
                                       certstore_error *err)
{
    document->capacity = text.size / (first->end - first->begin) + 1;
    document->pieces = csi_new(document->capacity, sizeof *document->pieces, err);
    return document->pieces != NULL ? CERTSTORE_OK : err->status;
}

struct csi_pem_piece *csi_pem_add_piece(struct csi_pem_document *document, certstore_error *err)
{
    struct csi_pem_piece *pieces = csi_grow(document->pieces, &document->capacity, document->count + 1, sizeof *pieces, err);
    if (pieces == NULL)
        return NULL;
    document->pieces = pieces;
    struct csi_pem_piece *piece = &pieces[document->count++]; /* all zero */
    piece->unit = SIZE_MAX;
    piece->units = 1;
    return piece;
}

/* Without a block this is a store that was emptied and has kept its header, or DER, or no store at all. Text is UTF-8 without control
 * characters. */
bool csi_pem_is_text(struct csi_span bytes)
{
    if (bytes.size > 0 && memmem(bytes.data, bytes.size, "-----BEGIN ", 11) != NULL)
        return true;
    for (size_t i = 0; i < bytes.size; i++)
        if (bytes.data[i] < ' ' && (bytes.data[i] < '\t' || bytes.data[i] > '\r'))
            return false;
    return csi_utf8_valid(bytes);
}

static enum csi_pem_kind kind_of(const struct csi_pem_block *block)
{
    static const struct {
        const char *label;
        enum csi_pem_kind kind;
    } labels[] = {
        { "CERTIFICATE", CSI_PEM_CERT },
        { "X509 CERTIFICATE", CSI_PEM_CERT },
        { "TRUSTED CERTIFICATE", CSI_PEM_TRUSTED },
        { "X509 CRL", CSI_PEM_CRL },
        { "PKCS7", CSI_PEM_CMS },
        { "CMS", CSI_PEM_CMS },
        { "PRIVATE KEY", CSI_PEM_PKCS8 },
        { "ENCRYPTED PRIVATE KEY", CSI_PEM_PKCS8_SEALED },
        { "RSA PRIVATE KEY", CSI_PEM_TRADITIONAL },
        { "DSA PRIVATE KEY", CSI_PEM_TRADITIONAL },
        { "EC PRIVATE KEY", CSI_PEM_TRADITIONAL },
        { "EC PARAMETERS", CSI_PEM_EC_PARAMETERS },
    };
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        if (csi_pem_label_is(block, labels[i].label))
            return labels[i].kind;
    return CSI_PEM_OTHER;
}

/* The start of the line before the one that starts at `at`, not below `from`. */
static size_t previous_line(struct csi_span text, size_t from, size_t at)
{
    size_t start = at - 1; /* on the line end before */
    if (start > from && text.data[start] == '\n' && text.data[start - 1] == '\r')
        start--;
    while (start > from && text.data[start - 1] != '\n' && text.data[start - 1] != '\r')
        start--;
    return start;
}

static bool is_empty(struct csi_span text, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (text.data[i] > ' ')
            return false;
    return true;
}

/* What openssl pkcs12, openssl x509 -text and Mozilla's bundle makers write over each certificate. */
static bool is_generated(struct csi_span text, size_t from, size_t to)
{
    static const char *const starts[] = { "Bag Attributes", "Key Attributes", "Certificate:", "subject=", "# Issuer:", "# Subject:", "# alias" };
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        const size_t size = strlen(starts[i]);
        if (to - from >= size && memcmp(text.data + from, starts[i], size) == 0)
            return true;
    }
    return false;
}

static size_t find_comment(struct csi_span text, size_t from, size_t begin)
{
    size_t start = begin;
    while (start > from) {
        const size_t line = previous_line(text, from, start);
        if (is_empty(text, line, start))
            return start;
        start = line;
    }
    if (from > 0 || is_generated(text, from, begin))
        return start;
    return begin;
}

/* "    friendlyName: web", as openssl pkcs12 writes it. It writes characters past Latin-1 wrongly, so only what is plain UTF-8 counts. */
static struct csi_span find_name(struct csi_span text, size_t comment, size_t begin)
{
    static const char mark[] = "friendlyName: ";
    if (begin == comment)
        return csi_span(NULL, 0);
    const uint8_t *hit = memmem(text.data + comment, begin - comment, mark, sizeof mark - 1);
    if (hit == NULL)
        return csi_span(NULL, 0);
    const uint8_t *start = hit + sizeof mark - 1;
    size_t size = 0;
    while (start + size < text.data + begin && start[size] >= ' ')
        size++;
    const struct csi_span name = csi_span(start, size);
    return csi_utf8_valid(name) ? name : csi_span(NULL, 0);
}

static certstore_status check_body(struct csi_pem_piece *piece, struct csi_span text, certstore_error *err)
{
    struct csi_reader r = csi_reader(piece->body);
    struct csi_tlv tlv;
    const bool whole = piece->kind == CSI_PEM_OTHER || piece->kind == CSI_PEM_CMS || piece->headers.size > 0 ||
                       (piece->kind == CSI_PEM_TRUSTED && csi_pem_aux_split(piece->body, &piece->body, &piece->aux)) ||
                       (piece->kind != CSI_PEM_TRUSTED && csi_der_next(&r, &tlv) && csi_left(&r) == 0);
    if (piece->headers.size > 0 && piece->kind != CSI_PEM_TRADITIONAL && piece->kind != CSI_PEM_PKCS8 && piece->kind != CSI_PEM_OTHER)
        return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "line %zu: %.*s is encrypted, which only private keys may be; decrypt it",
                        csi_pem_line(text, piece->begin), (int)piece->label.size, (const char *)piece->label.data);
    if (!whole)
        return csi_fail(err, CERTSTORE_E_MALFORMED, "line %zu: %.*s holds no well-formed DER; restore it from its source",
                        csi_pem_line(text, piece->begin), (int)piece->label.size, (const char *)piece->label.data);
    return CERTSTORE_OK;
}

certstore_status csi_pem_name_piece(struct csi_pem_document *document, struct csi_pem_piece *piece, certstore_error *err)
{
    struct csi_span name = piece->name;
    char made_up[CSI_ALIAS_ROOM];
    piece->unnamed = !csi_pem_aux_alias(piece->aux, &name) && name.size == 0;
    if (piece->unnamed) {
        CSI_TRY(csi_alias_make(piece->body, made_up, err));
        name = csi_span_text(made_up);
    }
    piece->alias = document->aliases.size;
    csi_buf_put_span(&document->aliases, name);
    csi_buf_put_u8(&document->aliases, 0);
    return csi_buf_check(&document->aliases, err);
}

static certstore_status add_block(struct csi_pem_document *document, unsigned part, const struct csi_pem_block *block, struct csi_span body,
                                  size_t from, certstore_error *err)
{
    const struct csi_span text = csi_blob_span(document->text[part]);
    struct csi_pem_piece *piece = csi_pem_add_piece(document, err);
    if (piece == NULL)
        return err->status;
    piece->kind = kind_of(block);
    piece->part = part;
    piece->begin = block->begin;
    piece->end = block->end;
    piece->comment = find_comment(text, from, block->begin);
    piece->label = block->label;
    piece->headers = block->headers;
    piece->body = body;
    piece->name = find_name(text, piece->comment, piece->begin);
    CSI_TRY(check_body(piece, text, err));
    /* Now, while the certificate is in the processor's cache: a large file is out of it before the last block is decoded. */
    const bool named = piece->kind == CSI_PEM_CERT || piece->kind == CSI_PEM_TRUSTED;
    return named ? csi_pem_name_piece(document, piece, err) : CERTSTORE_OK;
}

/* Certificates are no secret, nor is a text of nothing else. Any other text stays one: what stands around the blocks may have been cut out of a
 * key. A text may be shared with other readers, who mark it alike. */
static void tell_open(struct csi_pem_document *document, unsigned part, bool certificates, bool nothing_else)
{
    document->bodies[part]->open = certificates;
    if (nothing_else)
        __atomic_store_n(&document->text[part]->open, true, __ATOMIC_RELAXED);
}

/* Where it goes wrong, what was decoded of the block up to there and past it is wiped as well. */
static certstore_status decode_block(struct csi_pem_document *document, unsigned part, const struct csi_pem_scan *scan, struct csi_pem_block *block,
                                     size_t used, size_t *size, certstore_error *err)
{
    csi_blob *bodies = document->bodies[part];
    const certstore_status status = csi_pem_decode(scan, block, bodies->data + used, size, err);
    bodies->size = used + (status == CERTSTORE_OK ? *size : csi_base64_room(block->data.size));
    return status;
}

certstore_status csi_pem_split(struct csi_pem_document *document, unsigned part, const struct csi_limits *limits, certstore_error *err)
{
    const struct csi_span text = csi_blob_span(document->text[part]);
    struct csi_pem_scan scan = csi_pem_scan(text);
    struct csi_pem_block block;
    /* One allocation for everything: three bytes come out of four characters, so no block runs past it. */
    uint8_t *bodies = csi_bytes_room(csi_base64_room(text.size)); /* not zeroed: pages that are not used are never touched */
    if (bodies == NULL)
        return csi_error_memory(err);
    if ((document->bodies[part] = csi_blob_adopt(bodies, 0, err)) == NULL)
        return err->status;
    size_t used = 0;
    bool bare = true, certificates = true;
    for (bool found = true; found;) {
        const size_t from = scan.at;
        size_t size = 0;
        const bool taken = csi_pem_take(&scan, &block, bodies + used, &size);
        document->bodies[part]->size = used + size; /* so that it is wiped when it is freed */
        found = taken;
        if (!taken)
            CSI_TRY(csi_pem_next(&scan, &block, &found, err));
        bare = bare && is_empty(text, from, found ? block.begin : text.size);
        if (!found)
            break;
        CSI_TRY(csi_limit_check(limits, CERTSTORE_LIMIT_ENTRIES, document->count + 1, err));
        CSI_TRY(csi_limit_check(limits, CERTSTORE_LIMIT_CERT_SIZE, block.data.size / 4 * 3, err));
        if (document->pieces == NULL)
            CSI_TRY(reserve_pieces(document, text, &block, err));
        const size_t data_size = block.data.size;
        if (!taken)
            CSI_TRY(decode_block(document, part, &scan, &block, used, &size, err));
        CSI_TRY(add_block(document, part, &block, csi_span(bodies + used, size), from, err));
        used += size;
        const enum csi_pem_kind kind = document->pieces[document->count - 1].kind;
        document->key_count += csi_pem_is_key(kind);
        certificates = certificates && (kind == CSI_PEM_CERT || kind == CSI_PEM_TRUSTED);
        bare = bare && block.data.size == data_size;
    }
    tell_open(document, part, certificates, certificates && bare);
    return CERTSTORE_OK;
}
