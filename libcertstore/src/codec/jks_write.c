/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jks_write.c: a bundle to JKS and JCEKS. An entry that was not touched is copied from the file it was read from, byte for byte; of one that
 * was, only what changed is made anew. The digest follows the writing, over bytes that are still in the cache.
 */
#include "codec/java_serial.h"
#include "codec/jks.h"
#include "codec/pkcs8.h"

struct encoder {
    const struct csi_codec *codec;
    const certstore_bundle *bundle;
    const struct csi_encode *in;
    certstore_error *err;
    const struct csi_jks_document *document; /* NULL: made anew */
    uint32_t magic;
    uint32_t version;
    struct csi_buf out;
    struct csi_java_digest digest;
    size_t digested;
};

/* ------------------------------------------------------------------------------------------------------------- pieces */

static certstore_status put_utf(struct encoder *e, struct csi_span text)
{
    if (text.size > UINT16_MAX)
        return csi_fail(e->err, CERTSTORE_E_LIMIT, "key store: an alias of %zu bytes; Java's key stores hold at most 65,535", text.size);
    csi_buf_put_u16(&e->out, (uint16_t)text.size);
    csi_buf_put_span(&e->out, text);
    return csi_buf_check(&e->out, e->err);
}

static certstore_status put_bytes(struct encoder *e, struct csi_span bytes)
{
    if (bytes.size > INT32_MAX)
        return csi_fail(e->err, CERTSTORE_E_LIMIT, "key store: something of %zu bytes; Java's key stores hold at most 2 GiB", bytes.size);
    csi_buf_put_u32(&e->out, (uint32_t)bytes.size);
    csi_buf_put_span(&e->out, bytes);
    return csi_buf_check(&e->out, e->err);
}

static certstore_status put_cert(struct encoder *e, const certstore_cert *cert)
{
    if (e->version != CSI_JKS_VERSION_1)
        CSI_TRY(put_utf(e, csi_span_text("X.509")));
    return put_bytes(e, csi_span(cert->data, cert->size));
}

/* Java looks aliases up in lower case, so only those can be found again. */
static certstore_status put_new_alias(struct encoder *e, const char *alias)
{
    CSI_AUTO_BUF lower = { 0 };
    CSI_AUTO_BUF modified = { 0 };
    if (!csi_text_lower(csi_span_text(alias), &lower) || !csi_text_to_modified_utf8(csi_buf_span(&lower), &modified)) {
        CSI_TRY(csi_buf_check(&lower, e->err));
        CSI_TRY(csi_buf_check(&modified, e->err));
        return csi_fail(e->err, CERTSTORE_E_ARGUMENT, "key store: alias \"%s\" is no UTF-8; rename the entry", alias);
    }
    CSI_TRY(csi_buf_check(&lower, e->err));
    CSI_TRY(csi_buf_check(&modified, e->err));
    return put_utf(e, csi_buf_span(&modified));
}

/* --------------------------------------------------------------------------------------------------------------- keys */

static certstore_status open_key(struct encoder *e, const certstore_entry *entry, struct csi_plain_key *plain, const csi_secret **password)
{
    *password = csi_passwords_for_key(e->in->protect, entry->alias);
    if (*password == NULL)
        return csi_fail(e->err, CERTSTORE_E_PASSWORD, "entry \"%s\": no passphrase to encrypt its key with; give one", entry->alias);
    return csi_key_open(entry->key, entry->alias, e->in->passwords, plain, e->err);
}

static certstore_status put_sealed_key(struct encoder *e, const certstore_entry *entry)
{
    CSI_AUTO_PLAIN plain = { 0 };
    const csi_secret *password = NULL;
    CSI_TRY(open_key(e, entry, &plain, &password));
    /* A JCEKS reader takes both protections; in a file with the magic of JKS a JKS reader must find its own. */
    const enum csi_pkcs8_scheme scheme = e->magic == CSI_JKS_MAGIC ? CSI_PKCS8_JKS : CSI_PKCS8_JCEKS;
    CSI_AUTO(csi_blob) *sealed = csi_pkcs8_seal(scheme, csi_secret_span(plain.bytes), password, 0, e->err);
    if (sealed == NULL)
        return e->err->status;
    return put_bytes(e, csi_blob_span(sealed));
}

static certstore_status put_secret(struct encoder *e, const certstore_entry *entry)
{
    CSI_AUTO_PLAIN plain = { 0 };
    const csi_secret *password = NULL;
    CSI_TRY(open_key(e, entry, &plain, &password));
    return csi_jks_seal_secret(&plain, password, &e->out, e->err);
}

/* ------------------------------------------------------------------------------------------------------------ entries */

static certstore_status put_chain(struct encoder *e, const certstore_entry *entry)
{
    csi_buf_put_u32(&e->out, (uint32_t)entry->cert_count);
    for (size_t i = 0; i < entry->cert_count; i++)
        CSI_TRY(put_cert(e, &entry->certs[i]));
    return csi_buf_check(&e->out, e->err);
}

/* What follows alias and date. read is NULL for an entry that is not from this store; fresh has the parts that are made anew. */
static certstore_status put_body(struct encoder *e, const certstore_entry *entry, const struct csi_jks_record *read, unsigned fresh)
{
    if (read != NULL && (fresh & (CSI_CHANGED_CERTS | CSI_CHANGED_KEY)) == 0) {
        csi_buf_put_span(&e->out, read->body);
        return csi_buf_check(&e->out, e->err);
    }
    if (entry->kind == CERTSTORE_TRUSTED)
        return put_cert(e, &entry->certs[0]);
    if (entry->kind == CERTSTORE_SECRET)
        return put_secret(e, entry);
    if (read != NULL && read->tag == CSI_JKS_TAG_KEY && (fresh & CSI_CHANGED_KEY) == 0)
        CSI_TRY(put_bytes(e, read->key));
    else
        CSI_TRY(put_sealed_key(e, entry));
    return put_chain(e, entry);
}

static uint32_t tag_of(const certstore_entry *entry, const struct csi_jks_record *read)
{
    if (entry->kind == CERTSTORE_OPAQUE)
        return read->tag;
    if (entry->kind == CERTSTORE_SECRET)
        return CSI_JKS_TAG_SECRET;
    return entry->kind == CERTSTORE_KEY ? CSI_JKS_TAG_KEY : CSI_JKS_TAG_TRUSTED;
}

static certstore_status put_changed(struct encoder *e, const certstore_entry *entry, const struct csi_jks_record *read, unsigned fresh)
{
    csi_buf_put_u32(&e->out, tag_of(entry, read));
    if (read != NULL && (fresh & CSI_CHANGED_ALIAS) == 0)
        CSI_TRY(put_utf(e, read->alias));
    else
        CSI_TRY(put_new_alias(e, entry->alias));
    csi_buf_put_u64(&e->out, (uint64_t)(entry->created_ms != INT64_MIN ? entry->created_ms : e->in->now_ms));
    return put_body(e, entry, read, fresh);
}

/* The record an entry was read from; false when it is not from this store. */
static certstore_status find_record(struct encoder *e, const certstore_entry *entry, struct csi_jks_record *record, bool *found)
{
    *found = e->document != NULL && entry->origin.document == &e->document->base;
    if (!*found)
        return CERTSTORE_OK;
    const struct csi_span file = csi_span(e->document->file->data, e->document->end);
    struct csi_reader r = csi_reader(csi_span(file.data + entry->origin.index, file.size - entry->origin.index));
    return csi_jks_read_record(&r, e->document->version, e->in->limits, record, e->err);
}

static certstore_status put_entry(struct encoder *e, const certstore_entry *entry)
{
    struct csi_jks_record read;
    bool found = false;
    CSI_TRY(find_record(e, entry, &read, &found));
    unsigned fresh = found ? entry->origin.changed : CSI_CHANGED_ALL;
    if (e->in->reprotect && entry->key != NULL)
        fresh |= CSI_CHANGED_KEY;
    if ((fresh & ~(unsigned)CSI_CHANGED_TRUST) != 0) /* what an entry is trusted for has no place in these formats */
        return put_changed(e, entry, found ? &read : NULL, fresh);
    csi_buf_put_span(&e->out, read.whole);
    return csi_buf_check(&e->out, e->err);
}

/* ------------------------------------------------------------------------------------------------------------- encode */

static void follow(struct encoder *e, size_t window)
{
    const size_t behind = e->out.size - e->digested;
    if (behind < window)
        return;
    csi_java_digest_add(&e->digest, csi_span(e->out.data + e->digested, behind));
    e->digested = e->out.size;
}

/* JCEKS readers take stores with the magic of JKS; such a store keeps it until it has to hold a secret key. */
static uint32_t choose_magic(const struct encoder *e)
{
    if (e->codec == &csi_codec_jks)
        return CSI_JKS_MAGIC;
    if (e->document == NULL || e->document->magic != CSI_JKS_MAGIC)
        return CSI_JCEKS_MAGIC;
    for (size_t i = 0; i < e->bundle->count; i++)
        if (e->bundle->entries[i]->kind == CERTSTORE_SECRET)
            return CSI_JCEKS_MAGIC;
    return CSI_JKS_MAGIC;
}

/* About what the store will take, so that the buffer does not grow by copying. */
static size_t estimate(const certstore_bundle *bundle)
{
    size_t total = CSI_JKS_HEADER_SIZE + CSI_SHA1_SIZE;
    for (size_t i = 0; i < bundle->count; i++) {
        const certstore_entry *entry = bundle->entries[i];
        size_t size = 64 + 2 * strlen(entry->alias);
        for (size_t j = 0; j < entry->cert_count; j++)
            size += entry->certs[j].size + 11;
        if (entry->key != NULL)
            size += 512 + (entry->key->sealed != NULL ? entry->key->sealed->size : 2048);
        if (!csi_add(total, size, &total))
            return 0;
    }
    return total;
}

static certstore_status write_store(struct encoder *e, const csi_secret *password)
{
    size_t count = 0;
    for (size_t i = 0; i < e->bundle->count; i++)
        count += csi_jks_holds(e->codec, e->bundle, e->bundle->entries[i]) ? 1 : 0;
    if (count > INT32_MAX)
        return csi_fail(e->err, CERTSTORE_E_LIMIT, "key store: more entries than Java's key stores can count");
    CSI_TRY(csi_java_digest_begin(&e->digest, password, e->err));
    csi_buf_reserve(&e->out, estimate(e->bundle));
    csi_buf_put_u32(&e->out, e->magic);
    csi_buf_put_u32(&e->out, e->version);
    csi_buf_put_u32(&e->out, (uint32_t)count);
    for (size_t i = 0; i < e->bundle->count; i++) {
        if (!csi_jks_holds(e->codec, e->bundle, e->bundle->entries[i]))
            continue;
        CSI_TRY(put_entry(e, e->bundle->entries[i]));
        follow(e, CSI_JKS_WINDOW);
    }
    CSI_TRY(csi_buf_check(&e->out, e->err));
    follow(e, 1);
    uint8_t digest[CSI_SHA1_SIZE];
    csi_java_digest_end(&e->digest, digest);
    csi_buf_put(&e->out, digest, sizeof digest);
    if (e->document != NULL)
        csi_buf_put(&e->out, e->document->file->data + e->document->end, e->document->file->size - e->document->end);
    return csi_buf_check(&e->out, e->err);
}

certstore_status csi_jks_encode(const struct csi_codec *codec, const certstore_bundle *bundle, const struct csi_encode *in, csi_parts *parts,
                                certstore_error *err)
{
    const csi_secret *password = in->protect != NULL ? in->protect->store : NULL;
    if (password == NULL)
        return csi_fail(err, CERTSTORE_E_PASSWORD,
                        "key store: a passphrase seals the whole of a %s store, and none was given; give one (it may be empty)",
                        codec == &csi_codec_jks ? "JKS" : "JCEKS");
    CSI_TRY(csi_jks_collisions(codec, bundle, NULL, err));
    struct encoder e = { .codec = codec, .bundle = bundle, .in = in, .err = err, .document = csi_jks_document_of(codec, bundle) };
    e.magic = choose_magic(&e);
    e.version = e.document != NULL ? e.document->version : CSI_JKS_VERSION_2;
    certstore_status status = write_store(&e, password);
    csi_wipe(&e.digest, sizeof e.digest);
    CSI_AUTO(csi_blob) *file = status == CERTSTORE_OK ? csi_blob_from_buf(&e.out, err) : NULL;
    csi_buf_free(&e.out);
    if (file == NULL)
        return err->status;
    return csi_parts_add(parts, "", file, err);
}
