/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_chain.c: the chains of keys on a token, which has no place for an order. A chain is what issuer and subject lead to among the certificates
 * that are there for their own sake; a certificate that is there for a chain only is labelled "ALIAS chain N". So each key's chain is followed as a
 * reader will follow it, and a labelled certificate is written only where that would not find the right one.
 *
 * A chain that nobody changed shrinks when a trusted certificate that it leads over is removed: whoever retires an authority wants it gone, and not
 * kept under another name. But a certificate that stands in one key's chain only is not taken from another key that shares it.
 */
#include "codec/token_write.h"

#include <p11-kit/pkcs11.h>

#include "model/cert.h"

struct links {
    struct csi_token_writing *w;
    struct csi_token_issuers own; /* wanted certificates that are there for their own sake; values are numbers in w->wanted */
    struct csi_table values;      /* all wanted certificates by value */
    struct csi_token_index was;   /* parts that were in a chain, by value */
};

static void links_free(struct links *links)
{
    csi_token_issuers_clear(&links->own);
    csi_table_free(&links->values);
    csi_token_index_clear(&links->was);
}
#define AUTO_LINKS __attribute__((cleanup(links_free))) struct links

static struct csi_span value_of(struct csi_span object)
{
    struct csi_span value = { 0 };
    csi_object_get(object, CKA_VALUE, &value);
    return value;
}

static struct csi_span wanted_value(const struct csi_token_writing *w, size_t number)
{
    return value_of(csi_blob_span(w->wanted[number].object));
}

static uint32_t hash(struct csi_span bytes)
{
    uint8_t digest[32];
    csi_sha256(bytes, digest);
    return (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 | digest[3];
}

static bool is_wanted(const struct links *links, struct csi_span der)
{
    size_t number;
    for (size_t cursor = 0; (number = csi_table_next(&links->values, hash(der), &cursor)) != SIZE_MAX;)
        if (csi_span_equal(wanted_value(links->w, number), der))
            return true;
    return false;
}

static certstore_status note_value(struct links *links, size_t number)
{
    struct csi_span der = wanted_value(links->w, number);
    return is_wanted(links, der) ? CERTSTORE_OK : csi_table_put(&links->values, hash(der), number, links->w->err);
}

static certstore_status prepare(struct links *links)
{
    struct csi_token_writing *w = links->w;
    uint8_t key[32];
    for (size_t i = 0; i < w->wanted_count; i++) {
        if (w->wanted[i].role != CSI_TOKEN_CERT)
            continue;
        CSI_TRY(csi_token_issuers_add(&links->own, wanted_value(w, i), i, w->err));
        CSI_TRY(note_value(links, i));
    }
    csi_token_issuers_sort(&links->own);
    for (size_t i = 0; w->document != NULL && i < w->document->count; i++) {
        if (w->document->parts[i].role != CSI_TOKEN_CHAIN)
            continue;
        csi_token_key(value_of(csi_token_object(w, i)), csi_span(NULL, 0), key);
        CSI_TRY(csi_token_index_add(&links->was, key, 0, i, w->err));
    }
    csi_token_index_sort(&links->was);
    return CERTSTORE_OK;
}

/* The name its chain goes by: what a reader makes of the key's objects, before two such names are told apart. */
static char *base_name(const struct csi_token_writing *w, const certstore_entry *entry)
{
    struct csi_span label;
    size_t unit = csi_token_unit_of(w, entry);
    if (csi_token_is_renamed(w, entry))
        return csi_strdup(entry->alias, w->err);
    size_t private = csi_token_part_of(w, unit, CSI_TOKEN_PRIVATE, csi_span(NULL, 0));
    size_t cert = csi_token_part_of(w, unit, CSI_TOKEN_CERT, csi_span(NULL, 0));
    if ((private != SIZE_MAX && csi_object_get(csi_token_object(w, private), CKA_LABEL, &label)) ||
        (cert != SIZE_MAX && csi_object_get(csi_token_object(w, cert), CKA_LABEL, &label)))
        return csi_token_label_text(label, w->err);
    return csi_alias_for_cert(csi_span(entry->certs[0].data, entry->certs[0].size), w->err);
}

static certstore_status add_labelled(struct links *links, const certstore_entry *entry, size_t number)
{
    struct csi_token_writing *w = links->w;
    CSI_AUTO(csi_chars) *base = base_name(w, entry);
    CSI_AUTO(csi_chars) *label = base != NULL ? csi_format(w->err, "%s chain %zu", base, number) : NULL;
    CSI_AUTO(csi_blob) *object =
        label != NULL ? csi_token_make_cert(w, entry, number, csi_span_text(label), csi_span(NULL, 0), csi_span(NULL, 0)) : NULL;
    if (object == NULL)
        return w->err->status;
    CSI_TRY(csi_token_want(w, object, CSI_TOKEN_CHAIN, entry->alias));
    return note_value(links, w->wanted_count - 1);
}

/* Where a reader gets to from the certificate before it. */
static bool is_reached(const struct links *links, struct csi_span before, struct csi_span der)
{
    size_t number = csi_token_issuer_of(&links->own, before);
    return number != SIZE_MAX && csi_span_equal(wanted_value(links->w, number), der);
}

/* It stood in a chain under a label, and that one goes. */
static bool is_orphaned(const struct links *links, struct csi_span der)
{
    uint8_t key[32];
    csi_token_key(der, csi_span(NULL, 0), key);
    size_t at = csi_token_index_find(&links->was, key);
    if (at == SIZE_MAX)
        return false;
    for (; at != SIZE_MAX; at = csi_token_index_next(&links->was, at))
        if (links->w->kept[links->was.items[at].value])
            return false;
    return true;
}

static bool has_number(struct csi_span object, size_t number)
{
    struct csi_span label;
    struct csi_span alias;
    size_t found;
    return csi_object_get(object, CKA_LABEL, &label) && csi_token_chain_label(label, &alias, &found) && found == number;
}

static certstore_status write_link(struct links *links, const certstore_entry *entry, size_t number, bool explicit)
{
    struct csi_token_writing *w = links->w;
    struct csi_span before = csi_span(entry->certs[number - 1].data, entry->certs[number - 1].size);
    struct csi_span der = csi_span(entry->certs[number].data, entry->certs[number].size);
    size_t unit = csi_token_unit_of(w, entry);
    size_t part = csi_token_part_of(w, unit, CSI_TOKEN_CHAIN, der);
    if (w->one_of_a_serial && is_wanted(links, der))
        return CERTSTORE_OK;
    if (part != SIZE_MAX && !w->kept[part] && !csi_token_is_renamed(w, entry) && has_number(csi_token_object(w, part), number)) {
        CSI_TRY(csi_token_keep(w, part, entry->alias));
        return note_value(links, w->wanted_count - 1);
    }
    if (is_reached(links, before, der) || (!explicit && part == SIZE_MAX && !is_orphaned(links, der)))
        return CERTSTORE_OK;
    return add_labelled(links, entry, number);
}

/* Chains that nobody touched are wanted as they are, before any other makes use of them. */
static bool is_untouched(const struct links *links, const certstore_entry *entry)
{
    return csi_token_unit_of(links->w, entry) != SIZE_MAX && (entry->origin.changed & (CSI_CHANGED_ALIAS | CSI_CHANGED_CERTS)) == 0;
}

static certstore_status write_all(struct links *links)
{
    const certstore_bundle *bundle = links->w->bundle;
    CSI_TRY(prepare(links));
    for (int untouched = 1; untouched >= 0; untouched--) {
        for (size_t i = 0; i < bundle->count; i++) {
            const certstore_entry *entry = bundle->entries[i];
            if (entry->kind != CERTSTORE_KEY || is_untouched(links, entry) != (untouched != 0))
                continue;
            bool explicit = csi_token_unit_of(links->w, entry) == SIZE_MAX || (entry->origin.changed & CSI_CHANGED_CERTS) != 0;
            for (size_t n = 1; n < entry->cert_count; n++)
                CSI_TRY(write_link(links, entry, n, explicit));
        }
    }
    return CERTSTORE_OK;
}

certstore_status csi_token_write_chains(struct csi_token_writing *w)
{
    AUTO_LINKS links = { .w = w };
    return write_all(&links);
}
