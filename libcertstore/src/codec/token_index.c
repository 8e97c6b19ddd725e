/* SPDX-License-Identifier: Apache-2.0 */
/* token_index.c: what a token's objects are found by, and whose issuer a certificate is. */
#include "codec/token.h"

#include "model/cert.h"

/* ------------------------------------------------------------------------------------------------------------------- index */

void csi_token_index_clear(struct csi_token_index *index)
{
    free(index->items);
    *index = (struct csi_token_index){ 0 };
}

certstore_status csi_token_index_add(struct csi_token_index *index, const uint8_t key[32], int64_t rank, size_t value, certstore_error *err)
{
    struct csi_token_item *items = csi_grow(index->items, &index->capacity, index->count + 1, sizeof *items, err);
    if (items == NULL)
        return err->status;
    index->items = items;
    struct csi_token_item *item = &items[index->count++];
    memcpy(item->key, key, sizeof item->key);
    item->rank = rank;
    item->value = value;
    return CERTSTORE_OK;
}

static int compare(const void *a, const void *b)
{
    const struct csi_token_item *left = a;
    const struct csi_token_item *right = b;
    int order = memcmp(left->key, right->key, sizeof left->key);
    if (order != 0)
        return order;
    if (left->rank != right->rank)
        return left->rank > right->rank ? -1 : 1;
    return (left->value > right->value) - (left->value < right->value);
}

void csi_token_index_sort(struct csi_token_index *index)
{
    if (index->count > 1)
        qsort(index->items, index->count, sizeof *index->items, compare);
}

size_t csi_token_index_find(const struct csi_token_index *index, const uint8_t key[32])
{
    size_t from = 0;
    size_t to = index->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (memcmp(index->items[middle].key, key, 32) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from < index->count && memcmp(index->items[from].key, key, 32) == 0 ? from : SIZE_MAX;
}

size_t csi_token_index_next(const struct csi_token_index *index, size_t position)
{
    size_t next = position + 1;
    return next < index->count && memcmp(index->items[next].key, index->items[position].key, 32) == 0 ? next : SIZE_MAX;
}

void csi_token_key(struct csi_span first, struct csi_span second, uint8_t key[32])
{
    uint8_t digests[2][32];
    csi_sha256(first, digests[0]);
    csi_sha256(second, digests[1]);
    csi_sha256(csi_span(digests, sizeof digests), key);
}

/* ------------------------------------------------------------------------------------------------------------------- chain */

void csi_token_issuers_clear(struct csi_token_issuers *issuers)
{
    csi_token_index_clear(&issuers->by_name);
    csi_token_index_clear(&issuers->by_key);
}

static bool extension(const struct csi_cert_view *view, uint8_t last, struct csi_tlv *tlv)
{
    const uint8_t oid[] = { 0x55, 0x1d, last };
    struct csi_span value;
    bool critical;
    if (!csi_cert_extension(view, csi_span(oid, sizeof oid), &value, &critical))
        return false;
    struct csi_reader r = csi_reader(value);
    return csi_der_next(&r, tlv);
}

/* RFC 5280 section 4.2.1.2. */
static bool subject_key(const struct csi_cert_view *view, struct csi_span *id)
{
    struct csi_tlv tlv;
    if (!extension(view, 0x0e, &tlv) || tlv.tag != CSI_DER_OCTET_STRING)
        return false;
    *id = tlv.content;
    return true;
}

/* RFC 5280 section 4.2.1.1: keyIdentifier [0]. */
static bool authority_key(const struct csi_cert_view *view, struct csi_span *id)
{
    struct csi_tlv tlv;
    if (!extension(view, 0x23, &tlv) || tlv.tag != CSI_DER_SEQUENCE)
        return false;
    struct csi_reader r = csi_reader(tlv.content);
    if (!csi_der_expect(&r, CSI_DER_CONTEXT | 0, &tlv))
        return false;
    *id = tlv.content;
    return true;
}

certstore_status csi_token_issuers_add(struct csi_token_issuers *issuers, struct csi_span der, size_t value, certstore_error *err)
{
    struct csi_cert_view view;
    struct csi_span id = { 0 };
    uint8_t key[32];
    int64_t since = INT64_MIN;
    if (!csi_cert_skim(der, &view))
        return CERTSTORE_OK;
    csi_time_from_der(view.not_before, &since);
    /* A certificate that says which key it has is found by name alone only by those that do not ask for a key. */
    csi_token_key(view.subject, csi_span(NULL, 0), key);
    CSI_TRY(csi_token_index_add(&issuers->by_name, key, since, value, err));
    subject_key(&view, &id);
    csi_token_key(view.subject, id, key);
    return csi_token_index_add(&issuers->by_key, key, since, value, err);
}

void csi_token_issuers_sort(struct csi_token_issuers *issuers)
{
    csi_token_index_sort(&issuers->by_name);
    csi_token_index_sort(&issuers->by_key);
}

static size_t best(const struct csi_token_index *index, struct csi_span name, struct csi_span id)
{
    uint8_t key[32];
    csi_token_key(name, id, key);
    size_t position = csi_token_index_find(index, key);
    return position != SIZE_MAX ? index->items[position].value : SIZE_MAX;
}

size_t csi_token_issuer_of(const struct csi_token_issuers *issuers, struct csi_span der)
{
    struct csi_cert_view view;
    struct csi_span id;
    if (!csi_cert_skim(der, &view) || csi_span_equal(view.issuer, view.subject))
        return SIZE_MAX;
    if (!authority_key(&view, &id))
        return best(&issuers->by_name, view.issuer, csi_span(NULL, 0));
    size_t found = best(&issuers->by_key, view.issuer, id);
    return found != SIZE_MAX ? found : best(&issuers->by_key, view.issuer, csi_span(NULL, 0)); /* one that does not say which key it has */
}

bool csi_token_chain_label(struct csi_span label, struct csi_span *alias, size_t *number)
{
    enum { DIGITS = 4 };
    static const char middle[] = " chain ";
    size_t digits = 0;
    size_t power = 1;
    *number = 0;
    while (digits < label.size && digits < DIGITS && label.data[label.size - 1 - digits] >= '0' && label.data[label.size - 1 - digits] <= '9') {
        *number += (size_t)(label.data[label.size - 1 - digits] - '0') * power;
        power *= 10;
        digits++;
    }
    size_t tail = digits + sizeof middle - 1;
    if (digits == 0 || label.size <= tail || label.data[label.size - digits] == '0' ||
        memcmp(label.data + label.size - tail, middle, sizeof middle - 1) != 0)
        return false;
    *alias = csi_span(label.data, label.size - tail);
    return true;
}
