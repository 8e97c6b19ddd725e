/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_read.c: the objects of a token as a bundle: keys first, each with what belongs to it; then every certificate that is left, and everything
 * else. A token has no order of its own, so the order is that of the objects' bytes.
 */
#include "codec/token_read.h"

#include <p11-kit/pkcs11.h>
#include <p11-kit/pkcs11x.h>
#include <stdio.h>

#include "codec/pem.h"

static void free_reading(struct csi_token_reading *r)
{
    free(r->certs);
    free(r->privates);
    free(r->publics);
    csi_token_index_clear(&r->labelled);
    csi_token_index_clear(&r->trusts);
    csi_token_issuers_clear(&r->issuers);
    csi_token_issuers_clear(&r->other_issuers);
}
#define AUTO_READING __attribute__((cleanup(free_reading))) struct csi_token_reading

/* ------------------------------------------------------------------------------------------------------------------ gathering */

static struct csi_span object_at(const struct csi_token_reading *r, size_t part)
{
    return csi_blob_span(r->document->parts[part].object);
}

void csi_token_labelled_key(struct csi_span alias, size_t number, uint8_t key[32])
{
    csi_token_key(alias, csi_span(&number, sizeof number), key);
}

/* An X.509 certificate with a value that can be one; what a URL leads to is not on the token. */
static bool certificate_of(struct csi_span object, struct csi_span *der)
{
    struct csi_tlv whole;
    if (csi_object_number(object, CKA_CERTIFICATE_TYPE, CKC_X_509) != CKC_X_509 || !csi_object_get(object, CKA_VALUE, der))
        return false;
    struct csi_reader r = csi_reader(*der);
    return csi_der_expect(&r, CSI_DER_SEQUENCE, &whole) && csi_left(&r) == 0;
}

static certstore_status gather_cert(struct csi_token_reading *r, size_t part, struct csi_span object, struct csi_span der)
{
    struct csi_token_cert *cert = &r->certs[r->cert_count];
    struct csi_cert_view view;
    struct csi_span label;
    struct csi_span alias;
    size_t number;
    uint8_t key[32];
    *cert = (struct csi_token_cert){ .part = part, .object = object, .der = der, .since = INT64_MIN };
    if (csi_cert_skim(der, &view)) {
        cert->keyed = csi_pubkey_of_spki(view.spki, &cert->key);
        csi_time_from_der(view.not_before, &cert->since);
    }
    if (csi_object_get(object, CKA_LABEL, &label) && csi_token_chain_label(label, &alias, &number)) {
        cert->labelled = true;
        csi_token_labelled_key(alias, number, key);
        CSI_TRY(csi_token_index_add(&r->labelled, key, 0, r->cert_count, r->err));
    }
    return csi_token_issuers_add(cert->labelled ? &r->other_issuers : &r->issuers, der, r->cert_count++, r->err);
}

static certstore_status gather(struct csi_token_reading *r, size_t part)
{
    struct csi_span object = object_at(r, part);
    struct csi_span der;
    uint8_t key[32];
    switch (csi_object_class(object)) {
    case CKO_CERTIFICATE:
        return certificate_of(object, &der) ? gather_cert(r, part, object, der) : CERTSTORE_OK;
    case CKO_PRIVATE_KEY: {
        struct csi_token_private *private = &r->privates[r->private_count++];
        *private = (struct csi_token_private){ .part = part, .object = object, .public = SIZE_MAX, .cert = SIZE_MAX, .publics = SIZE_MAX };
        private->key_count = csi_pubkey_of_object(object, private->keys);
        return CERTSTORE_OK;
    }
    case CKO_PUBLIC_KEY:
        r->publics[r->public_count++] = (struct csi_token_public){ .part = part, .object = object, .next = SIZE_MAX };
        return CERTSTORE_OK;
    case CKO_NSS_TRUST:
        return csi_token_serial_key_of(object, key) ? csi_token_index_add(&r->trusts, key, 0, part, r->err) : CERTSTORE_OK;
    default:
        return CERTSTORE_OK;
    }
}

static certstore_status gather_all(struct csi_token_reading *r)
{
    const csi_parts *parts = r->in->parts;
    CSI_TRY(csi_limit_check(r->in->limits, CERTSTORE_LIMIT_ENTRIES, parts->count, r->err));
    r->document->parts = csi_new(parts->count, sizeof *r->document->parts, r->err);
    r->certs = csi_new(parts->count, sizeof *r->certs, r->err);
    r->privates = csi_new(parts->count, sizeof *r->privates, r->err);
    r->publics = csi_new(parts->count, sizeof *r->publics, r->err);
    if (r->document->parts == NULL || r->certs == NULL || r->privates == NULL || r->publics == NULL)
        return r->err->status;
    for (size_t i = 0; i < parts->count; i++) {
        csi_blob *object = parts->items[i].bytes;
        CSI_TRY(csi_limit_check(r->in->limits, CERTSTORE_LIMIT_CERT_SIZE, object->size, r->err));
        CSI_TRY(csi_object_check(csi_blob_span(object), r->err));
        r->document->parts[i] = (struct csi_token_part){ .object = csi_blob_ref(object), .unit = SIZE_MAX, .next = SIZE_MAX };
        r->document->count++;
        CSI_TRY(gather(r, i));
    }
    csi_token_index_sort(&r->labelled);
    csi_token_index_sort(&r->trusts);
    csi_token_issuers_sort(&r->issuers);
    csi_token_issuers_sort(&r->other_issuers);
    return CERTSTORE_OK;
}

/* ---------------------------------------------------------------------------------------------------------------------- units */

/* The unit that the next entry will be. Parts are added in front: the one that comes last leads. */
static certstore_status begin_unit(struct csi_token_reading *r)
{
    struct csi_token_document *document = r->document;
    size_t *units = csi_grow(document->units, &document->unit_capacity, document->unit_count + 1, sizeof *units, r->err);
    if (units == NULL)
        return r->err->status;
    document->units = units;
    units[document->unit_count++] = SIZE_MAX;
    return CERTSTORE_OK;
}

static void add_part(struct csi_token_reading *r, size_t part, enum csi_token_role role)
{
    struct csi_token_part *added = &r->document->parts[part];
    size_t unit = r->document->unit_count - 1;
    added->unit = unit;
    added->role = role;
    added->next = r->document->units[unit];
    r->document->units[unit] = part;
}

static certstore_status append(struct csi_token_reading *r, certstore_entry *entry)
{
    csi_entry_set_origin(entry, &r->document->base, r->document->unit_count - 1);
    return csi_bundle_append(r->bundle, entry, true, r->err);
}

/* An alias from a label; NULL with err clear when there is none. */
static char *alias_of(const struct csi_token_reading *r, struct csi_span object)
{
    struct csi_span label;
    if (!csi_object_get(object, CKA_LABEL, &label) || csi_limit_check(r->in->limits, CERTSTORE_LIMIT_ALIAS_SIZE, label.size, r->err) != CERTSTORE_OK)
        return NULL;
    return csi_token_label_text(label, r->err);
}

static certstore_entry *new_entry(const struct csi_token_reading *r, certstore_kind kind, struct csi_span object, const char *otherwise)
{
    CSI_AUTO(csi_chars) *alias = alias_of(r, object);
    if (r->err->status != CERTSTORE_OK)
        return NULL;
    certstore_entry *entry = csi_entry_new(kind, alias != NULL ? alias : otherwise, r->err);
    if (entry != NULL)
        entry->unnamed = alias == NULL;
    return entry;
}

/* --------------------------------------------------------------------------------------------------------------- certificates */

/* p11-kit's attributes say it for every usage; the object that it makes up beside them may say it for some. */
static certstore_status read_p11_trust(struct csi_span cert, certstore_entry *entry, certstore_error *err)
{
    enum { EVERY = 4 };
    bool distrusted = csi_object_flag(cert, CKA_X_DISTRUSTED, false);
    bool some = entry->trust.trusted_count > 0 && entry->trust.trusted_count < EVERY;
    if (some && !distrusted)
        return CERTSTORE_OK;
    CSI_AUTO(certstore_entry) *scratch = csi_entry_new(entry->kind, "", err);
    if (scratch == NULL)
        return err->status;
    CSI_TRY(csi_token_read_flags(cert, scratch, err));
    struct csi_trust swapped = entry->trust;
    entry->trust = scratch->trust;
    scratch->trust = swapped;
    return CERTSTORE_OK;
}

static certstore_status read_trust(struct csi_token_reading *r, const struct csi_token_cert *cert, certstore_entry *entry)
{
    struct csi_cert_view view;
    struct csi_span ignored;
    uint8_t key[32];
    bool found = false;
    bool by_attribute = csi_object_get(cert->object, CKA_X_DISTRUSTED, &ignored);
    if (csi_cert_skim(cert->der, &view)) {
        csi_token_serial_key(view.issuer, view.serial, key);
        size_t at = csi_token_index_find(&r->trusts, key);
        for (size_t tries = 0; at != SIZE_MAX && tries < CSI_TOKEN_ALIKE; tries++, at = csi_token_index_next(&r->trusts, at)) {
            size_t part = r->trusts.items[at].value;
            if (r->document->parts[part].unit != SIZE_MAX || !csi_token_trust_fits(object_at(r, part), cert->der))
                continue;
            add_part(r, part, CSI_TOKEN_TRUST);
            CSI_TRY(csi_token_read_trust(object_at(r, part), entry, r->err));
            found = true;
        }
    }
    if (by_attribute)
        return read_p11_trust(cert->object, entry, r->err);
    return found || r->codec == &csi_codec_nss ? CERTSTORE_OK : csi_token_read_flags(cert->object, entry, r->err);
}

static certstore_status append_cert(struct csi_token_reading *r, const struct csi_token_cert *cert, certstore_entry *entry)
{
    return csi_entry_append_cert(entry, r->document->parts[cert->part].object, cert->der, r->err);
}

static certstore_status read_cert(struct csi_token_reading *r, const struct csi_token_cert *cert)
{
    CSI_AUTO(csi_chars) *made_up = csi_alias_for_cert(cert->der, r->err);
    CSI_AUTO(certstore_entry) *entry = made_up != NULL ? new_entry(r, CERTSTORE_TRUSTED, cert->object, made_up) : NULL;
    if (entry == NULL || begin_unit(r) != CERTSTORE_OK)
        return r->err->status;
    CSI_TRY(append_cert(r, cert, entry));
    CSI_TRY(read_trust(r, cert, entry));
    add_part(r, cert->part, CSI_TOKEN_CERT);
    enum csi_token_trust by = csi_token_trust_of(r->codec, r->in->remote != NULL ? r->in->remote->traits : 0);
    bool silent = entry->trust.trusted_count + entry->trust.rejected_count == 0;
    if (by != CSI_TRUST_BY_PRESENCE && silent)
        CSI_TRY(csi_report_add(r->bundle->notes, "trust-unsaid", CERTSTORE_INFO, entry->alias, r->err,
                               "the store trusts this certificate for nothing by itself; name a purpose if it is an anchor"));
    return append(r, csi_steal(&entry));
}

/* ---------------------------------------------------------------------------------------------------------------- private keys */

/* The certificate at that place of the chain: the one that is labelled so, and follows where several are; SIZE_MAX: none is. */
static size_t labelled_at(const struct csi_token_reading *r, const char *alias, size_t number, const struct csi_token_cert *before)
{
    uint8_t key[32];
    size_t first = SIZE_MAX;
    struct csi_cert_view below;
    struct csi_cert_view above;
    bool skimmed = csi_cert_skim(before->der, &below);
    csi_token_labelled_key(csi_span_text(alias), number, key);
    size_t at = csi_token_index_find(&r->labelled, key);
    for (size_t tries = 0; at != SIZE_MAX && tries < CSI_TOKEN_ALIKE; tries++, at = csi_token_index_next(&r->labelled, at)) {
        size_t found = r->labelled.items[at].value;
        if (r->certs[found].taken)
            continue;
        if (skimmed && csi_cert_skim(r->certs[found].der, &above) && csi_span_equal(above.subject, below.issuer))
            return found;
        first = first != SIZE_MAX ? first : found;
    }
    return first;
}

static bool is_in_chain(const certstore_entry *entry, struct csi_span der)
{
    for (size_t i = 0; i < entry->cert_count; i++)
        if (csi_span_equal(csi_span(entry->certs[i].data, entry->certs[i].size), der))
            return true;
    return false;
}

/* What is labelled as this key's chain, and between that and after it what issuer and subject lead to. */
static certstore_status read_chain(struct csi_token_reading *r, const char *base, certstore_entry *entry, size_t leaf)
{
    const uint64_t longest = r->in->limits->value[CERTSTORE_LIMIT_CHAIN_LENGTH];
    const struct csi_token_cert *last = &r->certs[leaf];
    while (entry->cert_count < longest) {
        size_t next = labelled_at(r, base, entry->cert_count, last);
        if (next != SIZE_MAX) {
            r->certs[next].taken = true;
            add_part(r, r->certs[next].part, CSI_TOKEN_CHAIN);
        } else {
            next = csi_token_issuer_of(&r->issuers, last->der);
            next = next != SIZE_MAX ? next : csi_token_issuer_of(&r->other_issuers, last->der);
            if (next == SIZE_MAX || is_in_chain(entry, r->certs[next].der))
                return CERTSTORE_OK;
        }
        last = &r->certs[next];
        CSI_TRY(append_cert(r, last, entry));
    }
    return CERTSTORE_OK;
}

/* The key as its object says it, and its public key where another object does: what a key is must be known without asking the token. */
static csi_blob *key_object(const struct csi_token_reading *r, const struct csi_token_private *private)
{
    CSI_AUTO_BUF spki = { 0 };
    CSI_AUTO_DRAFT draft = { 0 };
    struct csi_span value;
    struct csi_cert_view view;
    if (csi_object_get(private->object, CKA_PUBLIC_KEY_INFO, &value))
        return csi_blob_ref(r->document->parts[private->part].object);
    bool known =
        csi_object_spki(private->object, &spki) || (private->public != SIZE_MAX && csi_object_spki(r->publics[private->public].object, &spki));
    if (!known && private->cert != SIZE_MAX && csi_cert_skim(r->certs[private->cert].der, &view)) {
        csi_buf_put_span(&spki, view.spki);
        known = true;
    }
    if (csi_buf_check(&spki, r->err) != CERTSTORE_OK)
        return NULL;
    if (!known)
        return csi_blob_ref(r->document->parts[private->part].object);
    csi_object_put_all(&draft, private->object);
    csi_object_put(&draft, CKA_PUBLIC_KEY_INFO, csi_buf_span(&spki));
    return csi_object_finish(&draft, r->err);
}

/* "key-1a2b3c4d", by CKA_ID or the object. */
static void key_name(struct csi_span object, char name[24])
{
    struct csi_span id;
    uint8_t digest[32];
    char digits[9];
    csi_sha256(csi_object_get(object, CKA_ID, &id) ? id : object, digest);
    csi_hex(digest, 4, digits);
    snprintf(name, 24, "key-%s", digits);
}

/* Another key goes by its label already. Programs that find keys by label take either of the two. */
static char *name_apart(const struct csi_token_reading *r, const char *taken, const char *name)
{
    CSI_AUTO(csi_chars) *alias = csi_format(r->err, "%s-%s", taken, name);
    if (alias == NULL ||
        csi_report_add(r->bundle->notes, "shared-label", CERTSTORE_WARNING, alias, r->err,
                       "the key without a certificate has the label %s, as another key has: a program that looks for the key by its label may take "
                       "this one; name the key by its ID there, or destroy this one when nothing needs it",
                       taken) != CERTSTORE_OK)
        return NULL;
    return csi_steal(&alias);
}

/* Its own label, else its certificate's, else one from the subject. Its chain's labels begin with it. */
static char *key_alias(const struct csi_token_reading *r, const struct csi_token_private *private, bool *unnamed)
{
    char name[24];
    *unnamed = false;
    char *alias = alias_of(r, private->object);
    if (alias == NULL && r->err->status == CERTSTORE_OK && private->cert != SIZE_MAX)
        alias = alias_of(r, r->certs[private->cert].object);
    if (alias != NULL && private->cert == SIZE_MAX && csi_bundle_position(r->bundle, alias) != SIZE_MAX) {
        CSI_AUTO(csi_chars) *taken = alias;
        key_name(private->object, name);
        return name_apart(r, taken, name);
    }
    if (alias != NULL || r->err->status != CERTSTORE_OK)
        return alias;
    *unnamed = true;
    if (private->cert != SIZE_MAX)
        return csi_alias_for_cert(r->certs[private->cert].der, r->err);
    key_name(private->object, name);
    return csi_strdup(name, r->err);
}

static certstore_status read_private(struct csi_token_reading *r, size_t number)
{
    const struct csi_token_private *private = &r->privates[number];
    bool unnamed;
    CSI_AUTO(csi_chars) *alias = key_alias(r, private, &unnamed);
    CSI_AUTO(certstore_entry) *entry = alias != NULL ? csi_entry_new(CERTSTORE_KEY, alias, r->err) : NULL;
    CSI_AUTO(csi_blob) *object = entry != NULL ? key_object(r, private) : NULL;
    if (object == NULL || begin_unit(r) != CERTSTORE_OK)
        return r->err->status;
    entry->unnamed = unnamed;
    entry->key = csi_key_new_remote(r->in->remote, object, r->err);
    if (entry->key == NULL)
        return r->err->status;
    if (private->cert != SIZE_MAX) {
        const struct csi_token_cert *leaf = &r->certs[private->cert];
        CSI_TRY(append_cert(r, leaf, entry));
        CSI_TRY(read_chain(r, alias, entry, private->cert));
        CSI_TRY(read_trust(r, leaf, entry));
    }
    for (size_t i = private->publics; i != SIZE_MAX; i = r->publics[i].next)
        add_part(r, r->publics[i].part, CSI_TOKEN_PUBLIC);
    if (private->cert != SIZE_MAX)
        add_part(r, r->certs[private->cert].part, CSI_TOKEN_CERT);
    add_part(r, private->part, CSI_TOKEN_PRIVATE);
    return append(r, csi_steal(&entry));
}

/* ------------------------------------------------------------------------------------------------------------------------ others */

static certstore_status read_secret(struct csi_token_reading *r, size_t part)
{
    CSI_AUTO(certstore_entry) *entry = new_entry(r, CERTSTORE_SECRET, object_at(r, part), "secret-key");
    if (entry == NULL || begin_unit(r) != CERTSTORE_OK)
        return r->err->status;
    entry->key = csi_key_new_remote(r->in->remote, r->document->parts[part].object, r->err);
    if (entry->key == NULL)
        return r->err->status;
    add_part(r, part, CSI_TOKEN_ALONE);
    return append(r, csi_steal(&entry));
}

static certstore_status read_opaque(struct csi_token_reading *r, size_t part, const char *type, struct csi_span content)
{
    CSI_AUTO(certstore_entry) *entry = new_entry(r, CERTSTORE_OPAQUE, object_at(r, part), type);
    if (entry == NULL || begin_unit(r) != CERTSTORE_OK)
        return r->err->status;
    entry->type = csi_strdup(type, r->err);
    entry->content = entry->type != NULL ? csi_blob_new(content.data, content.size, r->err) : NULL;
    if (entry->content == NULL)
        return r->err->status;
    add_part(r, part, CSI_TOKEN_ALONE);
    return append(r, csi_steal(&entry));
}

static certstore_status read_public(struct csi_token_reading *r, size_t part)
{
    CSI_AUTO_BUF spki = { 0 };
    bool known = csi_object_spki(object_at(r, part), &spki);
    CSI_TRY(csi_buf_check(&spki, r->err));
    return read_opaque(r, part, "public-key", known ? csi_buf_span(&spki) : object_at(r, part));
}

/* NSS keeps revocation lists; they have no label of their own. */
static certstore_status read_crl(struct csi_token_reading *r, size_t part, struct csi_span der)
{
    CSI_AUTO(certstore_entry) *entry = csi_pem_entry_crl(der, r->err);
    if (entry == NULL || begin_unit(r) != CERTSTORE_OK)
        return r->err->status;
    entry->unnamed = true;
    add_part(r, part, CSI_TOKEN_ALONE);
    return append(r, csi_steal(&entry));
}

static bool is_sequence(struct csi_span der)
{
    struct csi_reader reader = csi_reader(der);
    struct csi_tlv whole;
    return csi_der_expect(&reader, CSI_DER_SEQUENCE, &whole) && csi_left(&reader) == 0;
}

static certstore_status read_other(struct csi_token_reading *r, size_t part)
{
    struct csi_span object = object_at(r, part);
    struct csi_span value = { 0 };
    char type[32];
    uint32_t class = csi_object_class(object);
    bool valued = csi_object_get(object, CKA_VALUE, &value);
    switch (class) {
    case CKO_SECRET_KEY:
        return read_secret(r, part);
    case CKO_PUBLIC_KEY:
        return read_public(r, part);
    case CKO_DATA:
        return read_opaque(r, part, "data", value);
    case CKO_NSS_TRUST: /* of a certificate that is not here: kept, and nobody's */
        return CERTSTORE_OK;
    case CKO_NSS_CRL:
        if (valued && is_sequence(value))
            return read_crl(r, part, value);
        break;
    default:
        break;
    }
    snprintf(type, sizeof type, "class 0x%x", (unsigned)class);
    return read_opaque(r, part, type, valued ? value : object);
}

static certstore_status read_entries(struct csi_token_reading *r)
{
    for (size_t i = 0; i < r->private_count; i++)
        if (r->privates[i].cert != SIZE_MAX) /* a key that is in use has its name before one that another took the place of */
            CSI_TRY(read_private(r, i));
    for (size_t i = 0; i < r->private_count; i++)
        if (r->privates[i].cert == SIZE_MAX)
            CSI_TRY(read_private(r, i));
    for (size_t i = 0; i < r->cert_count; i++)
        if (!r->certs[i].taken)
            CSI_TRY(read_cert(r, &r->certs[i]));
    for (size_t i = 0; i < r->document->count; i++)
        if (r->document->parts[i].unit == SIZE_MAX)
            CSI_TRY(read_other(r, i));
    return CERTSTORE_OK;
}

/* ------------------------------------------------------------------------------------------------------------------------ decode */

static void destroy(struct csi_document *base)
{
    struct csi_token_document *document = (struct csi_token_document *)base;
    for (size_t i = 0; i < document->count; i++)
        csi_blob_free(document->parts[i].object);
    free(document->parts);
    free(document->units);
    free(document);
}

certstore_bundle *csi_token_decode(const struct csi_codec *codec, const struct csi_decode *in, certstore_error *err)
{
    struct csi_token_document *document = csi_new(1, sizeof *document, err);
    if (document == NULL)
        return NULL;
    document->base.codec = codec;
    document->base.destroy = destroy;
    document->base.refs = 1;
    CSI_AUTO(csi_document) *base = &document->base;
    CSI_AUTO(certstore_bundle) *bundle = csi_bundle_new(codec->name, codec->rule, err);
    if (bundle == NULL)
        return NULL;
    bundle->document = csi_document_ref(base);
    AUTO_READING reading = { .codec = codec, .in = in, .document = document, .bundle = bundle, .err = err };
    if (gather_all(&reading) != CERTSTORE_OK || csi_token_pair(&reading) != CERTSTORE_OK || read_entries(&reading) != CERTSTORE_OK)
        return NULL;
    return csi_steal(&bundle);
}
