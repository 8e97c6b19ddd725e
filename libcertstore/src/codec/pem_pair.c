/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pem_pair.c: which certificates of a PEM text belong to which private key.
 *
 * PEM says nothing about it, so what counts is the mathematics: a key's leaf is the first certificate that carries its public key. A key
 * that cannot be opened goes by its place: with the certificates right above it, else with those right below. From the leaf the chain is
 * followed by issuer and subject. Certificates that no chain needs are trusted ones.
 *
 * Certificates are found through two sorted lists of digests, so that a file of many keys costs no more than n log n.
 */
#include "codec/pem.h"

#include "model/ossl.h"

struct ref {
    uint64_t digest;
    size_t piece;
    size_t passed; /* in the first row of a digest: how many from it on are used */
};
struct refs {
    struct ref *items;
    size_t count;
    size_t capacity;
};
struct pairing {
    const struct csi_pem_document *document;
    const struct csi_decode *in;
    struct csi_pem_identities *identities;
    struct refs by_key;     /* of the subjectPublicKey */
    struct refs by_subject; /* of the whole Name */
    bool *used;             /* by piece */
    struct csi_budget budget;
};
/* How many certificates of one subject a chain looks at: a hostile file can hold thousands. */
enum { SAME_SUBJECT_MAX = 64 };

static void clear_pairing(struct pairing *p)
{
    free(p->by_key.items);
    free(p->by_subject.items);
    free(p->used);
}

void csi_pem_identities_clear(struct csi_pem_identities *identities)
{
    for (size_t i = 0; i < identities->count; i++) {
        csi_key_free(identities->items[i].key);
        free(identities->items[i].certs);
    }
    free(identities->items);
    *identities = (struct csi_pem_identities){ 0 };
}

static uint64_t digest_of(struct csi_span bytes)
{
    uint8_t digest[32];
    uint64_t value;
    csi_sha256(bytes, digest);
    memcpy(&value, digest, sizeof value);
    return value;
}

static int compare_refs(const void *a, const void *b)
{
    const struct ref *x = a, *y = b;
    if (x->digest != y->digest)
        return x->digest < y->digest ? -1 : 1;
    return (x->piece > y->piece) - (x->piece < y->piece);
}

static certstore_status add_ref(struct refs *refs, struct csi_span bytes, size_t piece, certstore_error *err)
{
    struct ref *items = csi_grow(refs->items, &refs->capacity, refs->count + 1, sizeof *items, err);
    if (items == NULL)
        return err->status;
    refs->items = items;
    items[refs->count++] = (struct ref){ .digest = digest_of(bytes), .piece = piece };
    return CERTSTORE_OK;
}

/* The first row of a digest; refs->count when there is none. */
static size_t first_ref(const struct refs *refs, uint64_t digest)
{
    size_t low = 0, high = refs->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (refs->items[middle].digest < digest)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The BIT STRING of a SubjectPublicKeyInfo: parameters may be written in more than one way (RSA with and without NULL), the key may not. */
static struct csi_span key_bits(struct csi_span spki)
{
    struct csi_reader r = csi_reader(spki), inner;
    struct csi_tlv tlv;
    if (!csi_der_enter(&r, CSI_DER_SEQUENCE, &inner) || !csi_der_expect(&inner, CSI_DER_SEQUENCE, &tlv) ||
        !csi_der_expect(&inner, CSI_DER_BIT_STRING, &tlv))
        return csi_span(NULL, 0);
    return tlv.content;
}

static bool is_cert(const struct csi_pem_piece *piece)
{
    return piece->kind == CSI_PEM_CERT || piece->kind == CSI_PEM_TRUSTED;
}

static certstore_status index_certs(struct pairing *p, certstore_error *err)
{
    struct csi_cert_view view;
    for (size_t i = 0; i < p->document->count; i++) {
        const struct csi_pem_piece *piece = &p->document->pieces[i];
        if (!is_cert(piece) || !csi_cert_skim(piece->body, &view))
            continue;
        CSI_TRY(add_ref(&p->by_key, key_bits(view.spki), i, err));
        CSI_TRY(add_ref(&p->by_subject, view.subject, i, err));
    }
    if (p->by_key.count > 0) {
        qsort(p->by_key.items, p->by_key.count, sizeof(struct ref), compare_refs);
        qsort(p->by_subject.items, p->by_subject.count, sizeof(struct ref), compare_refs);
    }
    return CERTSTORE_OK;
}

/* Opens a key with the passphrases at hand. That it cannot be opened is no error: then it goes by its place. */
static bool open_key(struct pairing *p, const csi_key *key, struct csi_plain_key *plain, certstore_error *scratch)
{
    const csi_secret *password;
    for (size_t i = 0; (password = csi_passwords_candidate(p->in->passwords, "", i)) != NULL; i++) {
        certstore_error_clear(scratch);
        if (key->protection->open(key->sealed, password, &p->budget, plain, scratch) == CERTSTORE_OK)
            return true;
        csi_plain_key_clear(plain);
    }
    return false;
}

/* The public key that belongs to a private one; NULL when that cannot be told. */
static csi_secret *public_of(struct pairing *p, const csi_key *key, certstore_error *scratch)
{
    CSI_AUTO_PLAIN opened = { 0 };
    if (key->protection == NULL)
        return csi_ossl_public_of(csi_secret_span(key->plain.bytes), scratch);
    if (!open_key(p, key, &opened, scratch))
        return NULL;
    certstore_error_clear(scratch);
    return csi_ossl_public_of(csi_secret_span(opened.bytes), scratch);
}

static certstore_status add_cert(struct pairing *p, struct csi_pem_identity *identity, size_t piece, certstore_error *err)
{
    size_t *certs = csi_grow(identity->certs, &identity->cert_capacity, identity->cert_count + 1, sizeof *certs, err);
    if (certs == NULL)
        return err->status;
    identity->certs = certs;
    certs[identity->cert_count++] = piece;
    p->used[piece] = true;
    return CERTSTORE_OK;
}

/* The first certificate with that public key that no key has yet; SIZE_MAX: none. What is used stays used, so nobody looks at it twice. */
static size_t first_unused(struct pairing *p, uint64_t digest)
{
    const size_t first = first_ref(&p->by_key, digest);
    if (first == p->by_key.count)
        return SIZE_MAX;
    size_t i = first + p->by_key.items[first].passed;
    while (i < p->by_key.count && p->by_key.items[i].digest == digest && p->used[p->by_key.items[i].piece])
        i++;
    p->by_key.items[first].passed = i - first;
    return i < p->by_key.count && p->by_key.items[i].digest == digest ? p->by_key.items[i].piece : SIZE_MAX;
}

static certstore_status pair_by_key(struct pairing *p, struct csi_pem_identity *identity, certstore_error *err)
{
    CSI_AUTO(certstore_error) *scratch = certstore_error_new();
    if (scratch == NULL)
        return csi_error_memory(err);
    CSI_AUTO(csi_secret) *public = public_of(p, identity->key, scratch);
    identity->known = public != NULL;
    if (!identity->known)
        return scratch->status == CERTSTORE_E_MEMORY ? csi_error_memory(err) : CERTSTORE_OK;
    const size_t piece = first_unused(p, digest_of(key_bits(csi_secret_span(public))));
    return piece != SIZE_MAX ? add_cert(p, identity, piece, err) : CERTSTORE_OK;
}

static bool is_ca(struct csi_span der)
{
    static const uint8_t basic_constraints[] = { 0x55, 0x1d, 0x13 };
    struct csi_cert_view view;
    struct csi_span value;
    struct csi_tlv tlv;
    bool critical;
    if (!csi_cert_skim(der, &view) || !csi_cert_extension(&view, csi_span(basic_constraints, sizeof basic_constraints), &value, &critical))
        return false;
    struct csi_reader r = csi_reader(value), inner;
    return csi_der_enter(&r, CSI_DER_SEQUENCE, &inner) && csi_der_expect(&inner, CSI_DER_BOOLEAN, &tlv) && tlv.content.size == 1 &&
           tlv.content.data[0] != 0;
}

/* The leaf among the certificates from..to that no key has yet: the first that is no CA, else the first. SIZE_MAX: none. */
static size_t leaf_within(const struct pairing *p, size_t from, size_t to)
{
    size_t first = SIZE_MAX;
    for (size_t i = from; i < to; i++) {
        if (p->used[i] || !is_cert(&p->document->pieces[i]))
            continue;
        if (!is_ca(p->document->pieces[i].body))
            return i;
        if (first == SIZE_MAX)
            first = i;
    }
    return first;
}

static bool is_boundary(const struct pairing *p, size_t piece)
{
    return csi_pem_is_key(p->document->pieces[piece].kind) || p->used[piece];
}

static certstore_status pair_by_place(struct pairing *p, struct csi_pem_identity *identity, certstore_error *err)
{
    size_t from = identity->key_piece, to = identity->key_piece + 1;
    while (from > 0 && !is_boundary(p, from - 1))
        from--;
    size_t leaf = leaf_within(p, from, identity->key_piece);
    while (to < p->document->count && !is_boundary(p, to))
        to++;
    if (leaf == SIZE_MAX)
        leaf = leaf_within(p, identity->key_piece + 1, to);
    return leaf != SIZE_MAX ? add_cert(p, identity, leaf, err) : CERTSTORE_OK;
}

/* The certificate that issued another by its names: one after it in the file rather than one before. SIZE_MAX: not here. */
static size_t find_issuer(const struct pairing *p, size_t cert, struct csi_span issuer)
{
    const uint64_t digest = digest_of(issuer);
    const size_t start = first_ref(&p->by_subject, digest);
    size_t before = SIZE_MAX;
    for (size_t i = start; i < p->by_subject.count && i - start < SAME_SUBJECT_MAX && p->by_subject.items[i].digest == digest; i++) {
        const size_t piece = p->by_subject.items[i].piece;
        if (p->used[piece])
            continue;
        if (piece > cert)
            return piece;
        if (before == SIZE_MAX)
            before = piece;
    }
    return before;
}

static certstore_status follow_chain(struct pairing *p, struct csi_pem_identity *identity, certstore_error *err)
{
    struct csi_cert_view view;
    while (identity->cert_count > 0 && identity->cert_count < p->in->limits->value[CERTSTORE_LIMIT_CHAIN_LENGTH]) {
        const size_t last = identity->certs[identity->cert_count - 1];
        if (!csi_cert_skim(p->document->pieces[last].body, &view) || csi_span_equal(view.issuer, view.subject))
            return CERTSTORE_OK;
        const size_t issuer = find_issuer(p, last, view.issuer);
        if (issuer == SIZE_MAX)
            return CERTSTORE_OK;
        CSI_TRY(add_cert(p, identity, issuer, err));
    }
    return CERTSTORE_OK;
}

static certstore_status collect_keys(struct pairing *p, certstore_error *err)
{
    struct csi_pem_identities *ids = p->identities;
    for (size_t i = 0; i < p->document->count; i++) {
        if (!csi_pem_is_key(p->document->pieces[i].kind))
            continue;
        struct csi_pem_identity *items = csi_grow(ids->items, &ids->capacity, ids->count + 1, sizeof *items, err);
        if (items == NULL)
            return err->status;
        ids->items = items;
        csi_key *key = csi_pem_key(p->document, &p->document->pieces[i], p->in, err);
        if (key == NULL)
            return err->status;
        items[ids->count++] = (struct csi_pem_identity){ .key_piece = i, .key = key };
    }
    return CERTSTORE_OK;
}

static certstore_status pair(struct pairing *p, certstore_error *err)
{
    struct csi_pem_identities *ids = p->identities;
    if (p->document->key_count == 0)
        return CERTSTORE_OK;
    CSI_TRY(collect_keys(p, err));
    if (ids->count == 0)
        return CERTSTORE_OK;
    if ((p->used = csi_new(p->document->count, sizeof *p->used, err)) == NULL)
        return err->status;
    CSI_TRY(index_certs(p, err));
    if (p->by_key.count == 0)
        return CERTSTORE_OK;
    for (size_t i = 0; i < ids->count; i++)
        CSI_TRY(pair_by_key(p, &ids->items[i], err));
    for (size_t i = 0; i < ids->count; i++) {
        struct csi_pem_identity *identity = &ids->items[i];
        /* Two files named as one identity belong together even where they do not fit: verify then says so. */
        const bool meant = p->document->part_count == 2 && ids->count == 1;
        if (identity->cert_count == 0 && (!identity->known || meant))
            CSI_TRY(pair_by_place(p, identity, err));
    }
    for (size_t i = 0; i < ids->count; i++)
        CSI_TRY(follow_chain(p, &ids->items[i], err));
    return CERTSTORE_OK;
}

certstore_status csi_pem_pair(const struct csi_pem_document *document, const struct csi_decode *in, struct csi_pem_identities *identities,
                              certstore_error *err)
{
    struct pairing p = { .document = document, .in = in, .identities = identities, .budget = { .limits = in->limits } };
    const certstore_status status = pair(&p, err);
    clear_pairing(&p);
    return status;
}
