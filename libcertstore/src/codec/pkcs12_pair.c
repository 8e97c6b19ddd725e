/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs12_pair.c: which certificates belong to which key. PKCS#12 has no chains, only bags side by side.
 *
 * The leaf: the certificate with the key's localKeyID; else the one with its public key (which opens the key, so only where localKeyID
 * says nothing); else the one with its friendlyName; else, for the only key of a file that cannot be opened, the first certificate, as
 * Java does. The chain: by issuer and subject among certificates that Java's attribute does not declare trusted, each once.
 * Sorted tables, so that a hostile file costs n log n.
 */
#include "base/text.h"
#include "codec/pkcs12.h"
#include "codec/pkcs8.h"
#include "model/cert.h"

enum { MAX_NAMESAKES = 64, SHARED_CHAINS = 4 /* certificates in chains for one entry that is allowed */ };

/* Certificate bags sorted by some bytes of theirs, then by their place in the file. */
struct row {
    struct csi_span key;
    int32_t bag;
    size_t passed; /* in the first row of a key: how many from it on are taken */
};
struct table {
    struct row *rows;
    size_t count;
    size_t capacity;
};
struct pairs {
    csi_pkcs12 *pkcs12;
    struct csi_p12_read *read;
    struct table ids, subjects, names, public_keys;
    csi_blob **folded; /* owns what `names` points into */
    size_t folded_count;
    size_t folded_capacity;
    bool *leaf;
    bool *member;
    size_t key_count;
};

static int compare_spans(struct csi_span a, struct csi_span b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common > 0 ? memcmp(a.data, b.data, common) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare_rows(const void *a, const void *b)
{
    const struct row *left = a;
    const struct row *right = b;
    int order = compare_spans(left->key, right->key);
    return order != 0 ? order : (left->bag > right->bag) - (left->bag < right->bag);
}

static certstore_status add_row(struct table *table, struct csi_span key, int32_t bag, certstore_error *err)
{
    struct row *rows = csi_grow(table->rows, &table->capacity, table->count + 1, sizeof *rows, err);
    if (rows == NULL)
        return err->status;
    table->rows = rows;
    rows[table->count++] = (struct row){ .key = key, .bag = bag };
    return CERTSTORE_OK;
}

/* The first row with that key, or where it would be. */
static size_t lower_bound(const struct table *table, struct csi_span key)
{
    size_t low = 0;
    size_t high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_spans(table->rows[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The first certificate with that key that is not `taken` yet; CSI_NO_BAG if there is none. What is taken stays taken: nobody looks at it twice. */
static int32_t find(struct table *table, struct csi_span key, const bool *taken)
{
    const size_t first = lower_bound(table, key);
    size_t i = first < table->count ? first + table->rows[first].passed : first;
    while (i < table->count && csi_span_equal(table->rows[i].key, key) && taken[table->rows[i].bag])
        i++;
    if (first < table->count)
        table->rows[first].passed = i - first;
    return i < table->count && csi_span_equal(table->rows[i].key, key) ? table->rows[i].bag : CSI_NO_BAG;
}

/* The name as aliases are compared: lower case. NULL with err clear: there is none. */
static csi_blob *folded_name(const struct csi_bag *bag, certstore_error *err)
{
    CSI_AUTO_BUF name = { 0 };
    CSI_AUTO_BUF lower = { 0 };
    bool named = csi_bag_name(bag, &name);
    if (csi_buf_check(&name, err) != CERTSTORE_OK || !named || name.size == 0 || !csi_text_lower(csi_buf_span(&name), &lower))
        return NULL;
    return csi_blob_from_buf(&lower, err);
}

static certstore_status add_name(struct pairs *p, int32_t number, certstore_error *err)
{
    CSI_AUTO(csi_blob) *name = folded_name(&p->pkcs12->bags[number], err);
    if (name == NULL)
        return err->status;
    csi_blob **folded = csi_grow(p->folded, &p->folded_capacity, p->folded_count + 1, sizeof *folded, err);
    if (folded == NULL)
        return err->status;
    p->folded = folded;
    folded[p->folded_count++] = name;
    return add_row(&p->names, csi_blob_span(csi_steal(&name)), number, err);
}

static certstore_status index_bag(struct pairs *p, int32_t number, certstore_error *err)
{
    const struct csi_bag *bag = &p->pkcs12->bags[number];
    struct csi_cert_view view;
    if (bag->kind != CSI_BAG_CERT)
        return CERTSTORE_OK;
    if (bag->local_key_id.size > 0)
        CSI_TRY(add_row(&p->ids, bag->local_key_id, number, err));
    if (bag->trusted)
        return CERTSTORE_OK;
    CSI_TRY(add_name(p, number, err));
    if (!csi_cert_skim(bag->object, &view))
        return CERTSTORE_OK;
    CSI_TRY(add_row(&p->public_keys, view.spki, number, err));
    return add_row(&p->subjects, view.subject, number, err);
}

static void sort(struct table *table)
{
    if (table->count > 0)
        qsort(table->rows, table->count, sizeof *table->rows, compare_rows);
}

static certstore_status index_bags(struct pairs *p, certstore_error *err)
{
    for (size_t i = 0; i < p->pkcs12->bag_count; i++)
        CSI_TRY(index_bag(p, (int32_t)i, err));
    sort(&p->ids);
    sort(&p->subjects);
    sort(&p->names);
    sort(&p->public_keys);
    return CERTSTORE_OK;
}

static void pairs_clear(struct pairs *p)
{
    for (size_t i = 0; i < p->folded_count; i++)
        csi_blob_free(p->folded[i]);
    free(p->folded);
    free(p->ids.rows);
    free(p->subjects.rows);
    free(p->names.rows);
    free(p->public_keys.rows);
    free(p->leaf);
}

/* Opens a sealed key with what is at hand, from the budget of the read; not being able to is no failure, being out of memory is. */
static certstore_status open_sealed(struct pairs *p, const struct csi_bag *bag, struct csi_plain_key *plain, certstore_error *err)
{
    CSI_AUTO(csi_blob) *sealed = csi_blob_new(bag->object.data, bag->object.size, err);
    CSI_AUTO_BUF name = { 0 };
    if (!csi_bag_name(bag, &name))
        name.size = 0;
    csi_buf_put_u8(&name, '\0');
    CSI_TRY(csi_buf_check(&name, err));
    for (size_t i = 0; sealed != NULL; i++) {
        certstore_error closed = { 0 };
        const csi_secret *password = csi_passwords_candidate(p->read->passwords, (const char *)name.data, i);
        if (password == NULL && i > 0)
            break;
        certstore_status status = csi_protection_pkcs8.open(sealed, password, &p->read->budget, plain, &closed);
        if (status == CERTSTORE_E_MEMORY)
            csi_error_move(err, &closed);
        if (status != CERTSTORE_E_PASSWORD)
            break;
    }
    return err->status;
}

/* The key's public half as SubjectPublicKeyInfo; NULL where it cannot be had. */
static certstore_status public_key(struct pairs *p, const struct csi_bag *bag, csi_secret **public, certstore_error *err)
{
    CSI_AUTO_PLAIN plain = { 0 };
    certstore_error unknown = { 0 };
    struct csi_span pkcs8 = bag->object;
    if (bag->kind == CSI_BAG_SHROUDED) {
        CSI_TRY(open_sealed(p, bag, &plain, err));
        if (plain.bytes == NULL)
            return CERTSTORE_OK;
        pkcs8 = csi_secret_span(plain.bytes);
    }
    *public = csi_ossl_public_of(pkcs8, &unknown);
    if (unknown.status == CERTSTORE_E_MEMORY)
        csi_error_move(err, &unknown);
    return err->status;
}

static bool is_key(const struct csi_bag *bag)
{
    return bag->kind == CSI_BAG_KEY || bag->kind == CSI_BAG_SHROUDED;
}

static size_t count_keys(const csi_pkcs12 *pkcs12)
{
    size_t keys = 0;
    for (size_t i = 0; i < pkcs12->bag_count; i++)
        keys += is_key(&pkcs12->bags[i]);
    return keys;
}

static int32_t first_free(const struct pairs *p)
{
    int32_t first = CSI_NO_BAG;
    for (size_t i = 0; i < p->public_keys.count; i++)
        if (!p->leaf[p->public_keys.rows[i].bag] && (first == CSI_NO_BAG || p->public_keys.rows[i].bag < first))
            first = p->public_keys.rows[i].bag;
    return first;
}

static certstore_status find_leaf(struct pairs *p, const struct csi_bag *key, int32_t *leaf, certstore_error *err)
{
    *leaf = key->local_key_id.size > 0 ? find(&p->ids, key->local_key_id, p->leaf) : CSI_NO_BAG;
    if (*leaf != CSI_NO_BAG || p->public_keys.count == 0)
        return CERTSTORE_OK;
    CSI_AUTO(csi_secret) *public = NULL;
    CSI_TRY(public_key(p, key, &public, err));
    if (public != NULL) {
        *leaf = find(&p->public_keys, csi_secret_span(public), p->leaf);
        return CERTSTORE_OK;
    }
    CSI_AUTO(csi_blob) *name = folded_name(key, err);
    if (name != NULL)
        *leaf = find(&p->names, csi_blob_span(name), p->leaf);
    if (*leaf == CSI_NO_BAG && p->key_count == 1)
        *leaf = first_free(p);
    return err->status;
}

static certstore_status append(csi_pkcs12 *pkcs12, struct csi_p12_item *item, int32_t bag, certstore_error *err)
{
    int32_t *chains = csi_grow(pkcs12->chains, &pkcs12->chain_capacity, pkcs12->chain_count + 1, sizeof *chains, err);
    if (chains == NULL)
        return err->status;
    pkcs12->chains = chains;
    chains[pkcs12->chain_count++] = bag;
    item->chain_count++;
    return CERTSTORE_OK;
}

static bool in_chain(const csi_pkcs12 *pkcs12, const struct csi_p12_item *item, int32_t bag)
{
    for (size_t i = 0; i < item->chain_count; i++)
        if (pkcs12->chains[item->chain + i] == bag)
            return true;
    return false;
}

/* Does the subject's authorityKeyIdentifier name another key than the issuer's subjectKeyIdentifier (RFC 5280 section 4.2.1.1)? */
static bool contradicts(const struct csi_cert_view *subject, const struct csi_cert_view *issuer)
{
    static const uint8_t oid_aki[] = { 0x55, 0x1d, 0x23 };
    static const uint8_t oid_ski[] = { 0x55, 0x1d, 0x0e };
    struct csi_span aki, ski;
    struct csi_tlv key, stated;
    struct csi_reader body;
    bool critical;
    if (!csi_cert_extension(subject, csi_span(oid_aki, sizeof oid_aki), &aki, &critical) ||
        !csi_cert_extension(issuer, csi_span(oid_ski, sizeof oid_ski), &ski, &critical))
        return false;
    struct csi_reader a = csi_reader(aki);
    struct csi_reader s = csi_reader(ski);
    return csi_der_enter(&a, CSI_DER_SEQUENCE, &body) && csi_der_expect(&body, CSI_DER_CONTEXT | 0, &key) &&
           csi_der_expect(&s, CSI_DER_OCTET_STRING, &stated) && !csi_span_equal(key.content, stated.content);
}

/* Of several certificates with the issuer's name: one whose key identifier does not contradict, then one without a friendlyName (a named one
 * is more likely somebody's entry), then one that stands behind the certificate it is to follow, as writers put chains. */
static int preference(const struct pairs *p, int32_t bag, int32_t subject, const struct csi_cert_view *view)
{
    struct csi_cert_view issuer;
    int score = csi_cert_skim(p->pkcs12->bags[bag].object, &issuer) && !contradicts(view, &issuer) ? 4 : 0;
    score += p->pkcs12->bags[bag].friendly_name.size == 0 ? 2 : 0;
    return score + (bag > subject ? 1 : 0);
}

static int32_t find_issuer(const struct pairs *p, const struct csi_p12_item *item, int32_t subject, const struct csi_cert_view *view)
{
    int32_t best = CSI_NO_BAG;
    int best_score = -1;
    size_t looked_at = 0; /* a file of one subject over and over must not cost n squared */
    for (size_t i = lower_bound(&p->subjects, view->issuer); i < p->subjects.count && looked_at < MAX_NAMESAKES; i++, looked_at++) {
        int32_t bag = p->subjects.rows[i].bag;
        if (!csi_span_equal(p->subjects.rows[i].key, view->issuer))
            break;
        int score = in_chain(p->pkcs12, item, bag) ? -1 : preference(p, bag, subject, view);
        if (score > best_score) {
            best_score = score;
            best = bag;
        }
    }
    return best;
}

static certstore_status build_chain(struct pairs *p, struct csi_p12_item *item, int32_t bag, certstore_error *err)
{
    while (bag != CSI_NO_BAG) {
        struct csi_cert_view view;
        CSI_TRY(append(p->pkcs12, item, bag, err));
        CSI_TRY(csi_limit_check(p->read->limits, CERTSTORE_LIMIT_CHAIN_LENGTH, item->chain_count, err));
        /* Keys share the certificates of their chains: without this a small file could list each of them 64 times for every key. */
        CSI_TRY(csi_limit_check(p->read->limits, CERTSTORE_LIMIT_ENTRIES, p->pkcs12->chain_count / SHARED_CHAINS, err));
        p->member[bag] = true;
        if (!csi_cert_skim(p->pkcs12->bags[bag].object, &view) || csi_span_equal(view.issuer, view.subject))
            return CERTSTORE_OK;
        bag = find_issuer(p, item, bag, &view);
    }
    return CERTSTORE_OK;
}

static certstore_status pair_key(struct pairs *p, int32_t number, certstore_error *err)
{
    csi_pkcs12 *pkcs12 = p->pkcs12;
    int32_t leaf;
    struct csi_p12_item *items = csi_grow(pkcs12->items, &pkcs12->item_capacity, pkcs12->item_count + 1, sizeof *items, err);
    if (items == NULL)
        return err->status;
    pkcs12->items = items;
    struct csi_p12_item *item = &items[pkcs12->item_count++];
    *item = (struct csi_p12_item){ .bag = number, .chain = pkcs12->chain_count };
    CSI_TRY(find_leaf(p, &pkcs12->bags[number], &leaf, err));
    if (leaf == CSI_NO_BAG)
        return CERTSTORE_OK;
    p->leaf[leaf] = true;
    return build_chain(p, item, leaf, err);
}

static certstore_status pair_all(struct pairs *p, certstore_error *err)
{
    csi_pkcs12 *pkcs12 = p->pkcs12;
    CSI_TRY(index_bags(p, err));
    p->leaf = csi_new(pkcs12->bag_count, sizeof *p->leaf, err);
    if (p->leaf == NULL)
        return err->status;
    for (size_t i = 0; i < pkcs12->bag_count; i++)
        if (is_key(&pkcs12->bags[i]))
            CSI_TRY(pair_key(p, (int32_t)i, err));
    return CERTSTORE_OK;
}

certstore_status csi_pkcs12_pair(csi_pkcs12 *pkcs12, struct csi_p12_read *read, struct csi_pairing *pairing, certstore_error *err)
{
    pairing->member = csi_new(pkcs12->bag_count, sizeof *pairing->member, err);
    if (pairing->member == NULL)
        return err->status;
    struct pairs p = { .pkcs12 = pkcs12, .read = read, .member = pairing->member, .key_count = count_keys(pkcs12) };
    if (p.key_count == 0)
        return CERTSTORE_OK;
    certstore_status status = pair_all(&p, err);
    pairs_clear(&p);
    return status;
}

void csi_pairing_clear(struct csi_pairing *pairing)
{
    free(pairing->member);
    pairing->member = NULL;
}
