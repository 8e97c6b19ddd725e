/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jks_read.c: JKS and JCEKS to a bundle, in one pass: the store's digest goes ahead by a window, and brings the entries in it into the cache, where
 * they are found. Certificates stay slices of the file and are not parsed.
 */
#include "codec/jks.h"
#include "codec/pkcs8.h"
#include "model/ossl.h"

enum { TAMPER_TRIALS = 4 /* keys tried to tell a wrong passphrase from a changed store */ };

struct decoder {
    const struct csi_codec *codec;
    const struct csi_decode *in;
    const struct csi_limits *limits;
    certstore_error *err;
    struct csi_reader r;
    struct csi_jks_document *document; /* borrowed */
    certstore_bundle *bundle;          /* borrowed */
    const csi_secret *password;        /* NULL: the digest is not checked */
    struct csi_java_digest digest;
    const uint8_t *digested; /* up to here */
    struct csi_buf alias;    /* the current entry's, NUL-terminated */
    uint32_t hash;           /* its own in the bundle */
    bool alias_may_fold;     /* it holds something that lower case could change */
    bool capitals;           /* this alias or one before it is not in lower case */
    bool holds_keys;         /* an entry was read that is not a certificate's, whether or not a later one took its place */
};

static void destroy_document(struct csi_document *base)
{
    struct csi_jks_document *document = (struct csi_jks_document *)base;
    csi_blob_free(document->file);
    free(document);
}

static csi_document *new_document(const struct csi_codec *codec, csi_blob *file, certstore_error *err)
{
    struct csi_jks_document *document = csi_new(1, sizeof *document, err);
    if (document == NULL)
        return NULL;
    document->base.codec = codec;
    document->base.destroy = destroy_document;
    document->base.refs = 1;
    document->file = csi_blob_ref(file);
    return &document->base;
}

/* ------------------------------------------------------------------------------------------------------------- digest */

/* Lets the digest go a window ahead once the cursor has reached it, up to where the digest itself should stand. */
static void lead(struct decoder *d)
{
    if (d->password == NULL || d->r.at < d->digested || csi_left(&d->r) <= CSI_SHA1_SIZE)
        return;
    const size_t ahead = (size_t)(d->r.end - d->digested) - CSI_SHA1_SIZE;
    const struct csi_span window = csi_span(d->digested, ahead < CSI_JKS_WINDOW ? ahead : CSI_JKS_WINDOW);
    csi_java_digest_add(&d->digest, window);
    d->digested = csi_span_end(window);
}

/* Brings it to the cursor, which has found the end. Where more follows than the digest, it went too far, and begins anew. */
static certstore_status settle(struct decoder *d)
{
    if (d->digested > d->r.at) {
        CSI_TRY(csi_java_digest_begin(&d->digest, d->password, d->err));
        d->digested = d->document->file->data;
    }
    csi_java_digest_add(&d->digest, csi_span(d->digested, (size_t)(d->r.at - d->digested)));
    return CERTSTORE_OK;
}

/* True if the store's passphrase opens one of its keys: then it is right, whatever the digest says. */
static bool opens_a_key(struct decoder *d)
{
    struct csi_budget budget = { .limits = d->limits };
    size_t trials = 0;
    for (size_t i = 0; i < d->bundle->count && trials < TAMPER_TRIALS; i++) {
        const csi_key *key = d->bundle->entries[i]->key;
        if (key == NULL || key->protection == NULL)
            continue;
        certstore_error scratch = { 0 };
        CSI_AUTO_PLAIN plain = { 0 };
        if (key->protection->open(key->sealed, d->password, &budget, &plain, &scratch) == CERTSTORE_OK)
            return true;
        trials++;
    }
    return false;
}

static bool holds_a_key(const struct decoder *d)
{
    for (size_t i = 0; i < d->bundle->count; i++)
        if (d->bundle->entries[i]->key != NULL)
            return true;
    return false;
}

static certstore_status fail_digest(struct decoder *d)
{
    if (opens_a_key(d))
        return csi_fail(d->err, CERTSTORE_E_TAMPERED,
                        "key store: the passphrase is right, for it opens a key, but the content was changed since it was sealed; restore the file");
    if (holds_a_key(d))
        return csi_fail(
            d->err, CERTSTORE_E_PASSWORD,
            "key store: wrong passphrase, or the store was changed (its keys do not open with this passphrase either); give the right one");
    return csi_fail(d->err, CERTSTORE_E_PASSWORD,
                    "key store: wrong passphrase, or the store was changed (without a key in it nothing can tell which); give the right one");
}

static certstore_status check_digest(struct decoder *d)
{
    struct csi_span stored;
    const bool checked = d->password != NULL;
    if (checked)
        CSI_TRY(settle(d));
    if (!csi_read_span(&d->r, CSI_SHA1_SIZE, &stored))
        return csi_fail(d->err, CERTSTORE_E_TRUNCATED, "key store: it ends before its digest; the file was cut short, restore it");
    if (!checked) {
        d->bundle->integrity = CERTSTORE_INTEGRITY_UNCHECKED;
        return CERTSTORE_OK;
    }
    uint8_t computed[CSI_SHA1_SIZE];
    csi_java_digest_end(&d->digest, computed);
    if (!csi_equal_ct(computed, stored.data, sizeof computed))
        return fail_digest(d);
    d->bundle->integrity = CERTSTORE_INTEGRITY_VERIFIED;
    return CERTSTORE_OK;
}

/* ------------------------------------------------------------------------------------------------------------ entries */

/* True for ASCII without U+0000 and capitals: nearly all aliases are that, and are their own lower case. */
static bool is_plain(struct csi_span raw)
{
    bool plain = true;
    for (size_t i = 0; i < raw.size; i++)
        plain &= raw.data[i] - 1u < 0x7f && (unsigned)(raw.data[i] - 'A') > 25u;
    return plain;
}

static certstore_status read_alias(struct decoder *d, struct csi_span raw)
{
    d->alias_may_fold = !is_plain(raw);
    d->alias.size = 0;
    if (!d->alias_may_fold)
        csi_buf_put_span(&d->alias, raw);
    else if (!csi_text_from_modified_utf8(raw, &d->alias) && !d->alias.failed)
        return csi_fail(d->err, CERTSTORE_E_MALFORMED, "key store: an alias is not in Java's modified UTF-8");
    csi_buf_put_u8(&d->alias, 0);
    CSI_TRY(csi_buf_check(&d->alias, d->err));
    d->hash = csi_bundle_hash(d->bundle, (const char *)d->alias.data);
    return CERTSTORE_OK;
}

/* "X.509", and "X509", by which Java finds the same certificates. */
static bool is_x509(struct csi_span type)
{
    return (type.size == 5 && memcmp(type.data, "X.509", 5) == 0) || (type.size == 4 && memcmp(type.data, "X509", 4) == 0);
}

/* True if every certificate of the record is an X.509 one as its type says. */
static bool all_x509(const struct csi_jks_record *record, uint32_t version)
{
    struct csi_reader certs = record->certs;
    struct csi_jks_cert cert;
    for (size_t i = 0; i < record->cert_count; i++)
        if (!csi_jks_next_cert(&certs, version, &cert) || !is_x509(cert.type))
            return false;
    return true;
}

static certstore_status add_certs(struct decoder *d, certstore_entry *entry, const struct csi_jks_record *record)
{
    struct csi_reader certs = record->certs;
    struct csi_jks_cert cert;
    for (size_t i = 0; i < record->cert_count; i++) {
        if (!csi_jks_next_cert(&certs, d->document->version, &cert))
            return csi_fail(d->err, CERTSTORE_E_MALFORMED, "key store: a certificate cannot be found again");
        struct csi_reader der = csi_reader(cert.bytes);
        struct csi_tlv tlv;
        if (!csi_der_expect(&der, CSI_DER_SEQUENCE, &tlv))
            return csi_fail(d->err, CERTSTORE_E_MALFORMED, "key store: what entry \"%s\" holds as a certificate is none", entry->alias);
        if (csi_left(&der) > 0)
            CSI_TRY(csi_report_add(d->bundle->notes, "trailing-bytes", CERTSTORE_INFO, entry->alias, d->err,
                                   "%zu bytes follow the certificate inside its entry; they are kept", csi_left(&der)));
        CSI_TRY(csi_entry_append_cert(entry, d->document->file, tlv.whole, d->err));
    }
    return CERTSTORE_OK;
}

static certstore_status add_key(struct decoder *d, certstore_entry *entry, const struct csi_jks_record *record)
{
    const struct csi_protection *protection = record->tag == CSI_JKS_TAG_SECRET ? &csi_protection_sealed_object : &csi_protection_pkcs8;
    CSI_AUTO(csi_blob) *sealed = csi_blob_new(record->key.data, record->key.size, d->err);
    if (sealed == NULL)
        return d->err->status;
    entry->key = csi_key_new_sealed(protection, sealed, d->in->passwords, d->limits, d->err);
    return entry->key != NULL ? CERTSTORE_OK : d->err->status;
}

/* An entry around certificates of another type than X.509: Java hands such a store to its providers, we carry it along. */
static certstore_status fill_opaque(struct decoder *d, certstore_entry *entry, const struct csi_jks_record *record)
{
    entry->type =
        csi_strdup(record->tag == CSI_JKS_TAG_KEY ? "private key with certificates of an unknown type" : "certificate of an unknown type", d->err);
    entry->content = csi_blob_new(record->body.data, record->body.size, d->err);
    if (entry->type == NULL || entry->content == NULL)
        return d->err->status;
    return csi_report_add(d->bundle->notes, "certificate-type", CERTSTORE_WARNING, entry->alias, d->err,
                          "holds a certificate that is not X.509; it is kept as it is");
}

static certstore_entry *make_entry(struct decoder *d, const struct csi_jks_record *record)
{
    static const certstore_kind kinds[] = {
        [CSI_JKS_TAG_KEY] = CERTSTORE_KEY, [CSI_JKS_TAG_TRUSTED] = CERTSTORE_TRUSTED, [CSI_JKS_TAG_SECRET] = CERTSTORE_SECRET
    };
    const bool known = all_x509(record, d->document->version);
    const size_t place = (size_t)(record->whole.data - d->document->file->data);
    CSI_AUTO(certstore_entry) *entry =
        csi_entry_new_in(&d->document->base, place, known ? kinds[record->tag] : CERTSTORE_OPAQUE, (const char *)d->alias.data, d->err);
    if (entry == NULL)
        return NULL;
    entry->created_ms = record->created_ms;
    if (!known)
        return fill_opaque(d, entry, record) == CERTSTORE_OK ? csi_steal(&entry) : NULL;
    if (add_certs(d, entry, record) != CERTSTORE_OK)
        return NULL;
    if (record->tag != CSI_JKS_TAG_TRUSTED && add_key(d, entry, record) != CERTSTORE_OK)
        return NULL;
    return csi_steal(&entry);
}

/* Java looks an alias up in lower case: one that is stored in another case is listed there and cannot be reached. */
static certstore_status note_case(struct decoder *d)
{
    const char *alias = (const char *)d->alias.data;
    CSI_AUTO(csi_chars) *folded = csi_alias_fold(CSI_ALIAS_LOWER, alias, d->err);
    if (folded == NULL)
        return d->err->status;
    if (strcmp(folded, alias) == 0) {
        d->alias_may_fold = false;
        return CERTSTORE_OK;
    }
    d->capitals = true;
    return csi_report_add(d->bundle->notes, "java-invisible", CERTSTORE_WARNING, alias, d->err,
                          "Java lists this alias and cannot find it, because it is stored with capital letters; rename it to mend that");
}

/* Adds an entry whose alias another one has under the rule of lower case, though not in the file: both stay, in their order. The one that Java
 * finds keeps the alias, the other gets a name of its own here; in the file nothing changes. */
static certstore_status add_beside(struct decoder *d, certstore_entry *entry)
{
    return d->alias_may_fold ? csi_bundle_append(d->bundle, entry, true, d->err) : csi_bundle_append_instead(d->bundle, entry, d->err);
}

static certstore_status add_entry(struct decoder *d, certstore_entry *taken)
{
    CSI_AUTO(certstore_entry) *entry = taken;
    if (d->capitals) { /* otherwise equal under the rule is equal in the file */
        const size_t position = csi_bundle_position(d->bundle, entry->alias);
        if (position != SIZE_MAX && strcmp(d->bundle->entries[position]->alias, entry->alias) != 0)
            return add_beside(d, csi_steal(&entry));
    }
    const size_t before = d->bundle->count;
    CSI_TRY(csi_bundle_append_hashed(d->bundle, csi_steal(&entry), d->hash, false, d->err));
    if (d->bundle->count > before)
        return CERTSTORE_OK;
    return csi_report_add(d->bundle->notes, "duplicate-alias", CERTSTORE_WARNING, (const char *)d->alias.data, d->err,
                          "the store has this alias more than once; as in Java the last one counts");
}

static certstore_status read_entry(struct decoder *d)
{
    struct csi_jks_record record;
    lead(d);
    CSI_TRY(csi_jks_read_record(&d->r, d->document->version, d->limits, &record, d->err));
    if (record.tag == CSI_JKS_TAG_SECRET && d->codec == &csi_codec_jks)
        return csi_fail(d->err, CERTSTORE_E_UNSUPPORTED, "key store: it holds a secret key, which JKS cannot; open it as jceks:");
    d->holds_keys = d->holds_keys || record.tag != CSI_JKS_TAG_TRUSTED;
    CSI_TRY(read_alias(d, record.alias));
    if (d->alias_may_fold)
        CSI_TRY(note_case(d));
    CSI_AUTO(certstore_entry) *entry = make_entry(d, &record);
    if (entry == NULL)
        return d->err->status;
    return add_entry(d, csi_steal(&entry));
}

/* ------------------------------------------------------------------------------------------------------------- decode */

static certstore_status read_header(struct decoder *d, uint32_t *count)
{
    const bool jceks = d->codec == &csi_codec_jceks;
    if (csi_left(&d->r) < CSI_JKS_HEADER_SIZE)
        return csi_fail(d->err, CERTSTORE_E_TRUNCATED, "key store: shorter than the header of one; the file was cut short, restore it");
    csi_read_u32(&d->r, &d->document->magic);
    csi_read_u32(&d->r, &d->document->version);
    csi_read_u32(&d->r, count);
    if (d->document->magic != CSI_JKS_MAGIC && !(jceks && d->document->magic == CSI_JCEKS_MAGIC))
        return csi_fail(d->err, CERTSTORE_E_MALFORMED, "key store: it does not begin as a %s store does", jceks ? "JCEKS" : "JKS");
    if (d->document->version != CSI_JKS_VERSION_1 && d->document->version != CSI_JKS_VERSION_2)
        return csi_fail(d->err, CERTSTORE_E_UNSUPPORTED, "key store: version %lu; versions 1 and 2 are known", (unsigned long)d->document->version);
    if (*count > INT32_MAX)
        return csi_fail(d->err, CERTSTORE_E_MALFORMED, "key store: it says that it has a negative number of entries");
    if (*count > csi_left(&d->r) / 14) /* the least that an entry takes: tag, length of the alias, date */
        return csi_fail(d->err, CERTSTORE_E_TRUNCATED, "key store: it says that it has %lu entries and has not; the file was cut short, restore it",
                        (unsigned long)*count);
    return csi_limit_check(d->limits, CERTSTORE_LIMIT_ENTRIES, *count, d->err);
}

static certstore_status read_store(struct decoder *d)
{
    uint32_t count;
    CSI_TRY(read_header(d, &count));
    if (d->password != NULL)
        CSI_TRY(csi_java_digest_begin(&d->digest, d->password, d->err));
    CSI_TRY(csi_bundle_reserve(d->bundle, count, d->err)); /* no more than the file can hold: see read_header() */
    for (uint32_t i = 0; i < count; i++)
        CSI_TRY(read_entry(d));
    CSI_TRY(check_digest(d));
    d->document->end = (size_t)(d->r.at - d->document->file->data);
    if (csi_left(&d->r) == 0) {
        d->document->file->open = !d->holds_keys;
        return CERTSTORE_OK;
    }
    return csi_report_add(d->bundle->notes, "trailing-bytes", CERTSTORE_INFO, "", d->err,
                          "%zu bytes follow the end of the store; they are kept, and no reader looks at them", csi_left(&d->r));
}

certstore_bundle *csi_jks_decode(const struct csi_codec *codec, const struct csi_decode *in, certstore_error *err)
{
    csi_blob *file = in->parts->items[0].bytes;
    CSI_AUTO(certstore_bundle) *bundle = csi_bundle_new(codec->name, codec->rule, err);
    if (bundle == NULL)
        return NULL;
    bundle->document = new_document(codec, file, err);
    if (bundle->document == NULL)
        return NULL;
    struct decoder d = { .codec = codec,
                         .in = in,
                         .limits = in->limits,
                         .err = err,
                         .r = csi_reader(csi_blob_span(file)),
                         .document = (struct csi_jks_document *)bundle->document,
                         .bundle = bundle,
                         .password = in->passwords != NULL ? in->passwords->store : NULL,
                         .digested = file->data };
    const certstore_status status = read_store(&d);
    csi_buf_free(&d.alias);
    csi_wipe(&d.digest, sizeof d.digest);
    return status == CERTSTORE_OK ? csi_steal(&bundle) : NULL;
}
