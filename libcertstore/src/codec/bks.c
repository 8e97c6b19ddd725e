/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bks.c: Bouncy Castle's BKS, versions 1 and 2, read only (org.bouncycastle.jcajce.provider.keystore.bc.BcKeyStoreSpi).
 *
 *   u4 version, salt (u4 length, bytes), u4 iterations, entries, 0 byte, HMAC-SHA1 over entries and 0 byte
 *   entry: u1 kind, UTF alias, u8 date, u4 count + certificates (UTF type, u4 length, bytes), then
 *          1 a certificate; 2 a key in the clear; 3 bytes the program that stored them understands; 4 a key sealed with PBE
 *
 * The HMAC key comes from PKCS#12's derivation (RFC 7292 appendix B, id 3). Version 1 asks it for as many BITS as SHA-1 has bytes: 20
 * bits, that is 2 bytes, which anybody can guess (CVE-2018-5382).
 */
#include "codec/bks.h"
#include "base/reader.h"
#include "codec/codec.h"

enum { KIND_END = 0, KIND_CERT = 1, KIND_KEY = 2, KIND_SECRET = 3, KIND_SEALED = 4, MAC_SIZE = 20, MAC_KEY_SIZE_V1 = 2, MAC_KEY_SIZE = 20 };

struct decoder {
    const struct csi_decode *in;
    certstore_error *err;
    struct csi_reader r;
    csi_blob *file;
    certstore_bundle *bundle;
    struct csi_budget budget; /* of the whole read: opening the sealed keys tells what they are */
    uint32_t version;
    struct csi_span salt;
    uint32_t iterations;
};

static certstore_status truncated(certstore_error *err)
{
    return csi_fail(err, CERTSTORE_E_TRUNCATED, "key store: it ends too early; the file was cut short, restore it");
}

bool csi_bks_read_utf(struct csi_reader *r, struct csi_span *text)
{
    uint16_t size;
    return csi_read_u16(r, &size) && csi_read_span(r, size, text);
}

bool csi_bks_read_bytes(struct csi_reader *r, struct csi_span *bytes)
{
    uint32_t size;
    return csi_read_u32(r, &size) && csi_read_span(r, size, bytes);
}

/* ------------------------------------------------------------------------------------------------------------ entries */

static certstore_status take_cert(struct decoder *d, certstore_entry *entry)
{
    struct csi_span type, bytes;
    if (!csi_bks_read_utf(&d->r, &type) || !csi_bks_read_bytes(&d->r, &bytes))
        return truncated(d->err);
    CSI_TRY(csi_limit_check(d->in->limits, CERTSTORE_LIMIT_CERT_SIZE, bytes.size, d->err));
    struct csi_reader der = csi_reader(bytes);
    struct csi_tlv tlv;
    if (!csi_span_equal(type, csi_span_text("X.509")) && !csi_span_equal(type, csi_span_text("X509")))
        return csi_fail(d->err, CERTSTORE_E_UNSUPPORTED, "key store: entry \"%s\" holds a certificate that is not X.509", entry->alias);
    if (!csi_der_expect(&der, CSI_DER_SEQUENCE, &tlv))
        return csi_fail(d->err, CERTSTORE_E_MALFORMED, "key store: what entry \"%s\" holds as a certificate is none", entry->alias);
    return csi_entry_append_cert(entry, d->file, tlv.whole, d->err);
}

static certstore_status take_chain(struct decoder *d, certstore_entry *entry)
{
    uint32_t count;
    if (!csi_read_u32(&d->r, &count))
        return truncated(d->err);
    if (count > csi_left(&d->r) / 6) /* the least that a certificate takes */
        return truncated(d->err);
    CSI_TRY(csi_limit_check(d->in->limits, CERTSTORE_LIMIT_CHAIN_LENGTH, count, d->err));
    for (uint32_t i = 0; i < count; i++)
        CSI_TRY(take_cert(d, entry));
    return CERTSTORE_OK;
}

static certstore_status make_opaque(struct decoder *d, certstore_entry *entry, const char *type, struct csi_span content)
{
    entry->kind = CERTSTORE_OPAQUE;
    entry->type = csi_strdup(type, d->err);
    entry->content = csi_blob_new(content.data, content.size, d->err);
    return entry->type != NULL && entry->content != NULL ? CERTSTORE_OK : d->err->status;
}

/* A key in the clear, or one that was opened: which of the three kinds it is stands inside. */
static certstore_status apply_key(struct decoder *d, certstore_entry *entry, const struct csi_bks_key *key)
{
    switch (key->kind) {
    case CSI_BKS_PRIVATE:
        entry->kind = CERTSTORE_KEY;
        return CERTSTORE_OK;
    case CSI_BKS_SECRET:
        entry->kind = CERTSTORE_SECRET;
        return CERTSTORE_OK;
    case CSI_BKS_PUBLIC:
        break;
    }
    return make_opaque(d, entry, "public key", key->encoded);
}

static certstore_status take_plain_key(struct decoder *d, certstore_entry *entry)
{
    struct csi_bks_key key = { 0 };
    CSI_TRY(csi_bks_read_key(&d->r, &key, d->err));
    CSI_TRY(apply_key(d, entry, &key));
    if (entry->kind == CERTSTORE_OPAQUE)
        return CERTSTORE_OK;
    CSI_AUTO_PLAIN plain = { 0 };
    CSI_TRY(csi_bks_plain_key(&key, &plain, d->err));
    entry->key = csi_key_new_plain(csi_secret_span(plain.bytes), plain.algorithm, d->err);
    return entry->key != NULL ? CERTSTORE_OK : d->err->status;
}

/* A sealed key does not say what it is until it is opened; one that no passphrase at hand opens is taken for a private key. */
static certstore_status take_sealed_key(struct decoder *d, certstore_entry *entry)
{
    struct csi_span bytes;
    if (!csi_bks_read_bytes(&d->r, &bytes))
        return truncated(d->err);
    CSI_TRY(csi_limit_check(d->in->limits, CERTSTORE_LIMIT_CERT_SIZE, bytes.size, d->err));
    entry->kind = CERTSTORE_KEY;
    const csi_secret *password;
    for (size_t i = 0; (password = csi_passwords_candidate(d->in->passwords, entry->alias, i)) != NULL; i++) {
        certstore_error scratch = { 0 };
        CSI_AUTO(csi_secret) *opened = NULL;
        struct csi_bks_key key = { 0 };
        const certstore_status status = csi_bks_open_sealed(bytes, password, &d->budget, &opened, &scratch);
        if (status == CERTSTORE_E_PASSWORD)
            continue;
        if (status != CERTSTORE_OK) {
            csi_error_move(d->err, &scratch);
            return d->err->status;
        }
        struct csi_reader r = csi_reader(csi_secret_span(opened));
        CSI_TRY(csi_bks_read_key(&r, &key, d->err));
        CSI_TRY(apply_key(d, entry, &key));
        break;
    }
    if (entry->kind == CERTSTORE_OPAQUE)
        return CERTSTORE_OK;
    CSI_AUTO(csi_blob) *sealed = csi_blob_new(bytes.data, bytes.size, d->err);
    if (sealed == NULL)
        return d->err->status;
    entry->key = csi_key_new_sealed(&csi_protection_bks, sealed, d->in->passwords, d->in->limits, d->err);
    return entry->key != NULL ? CERTSTORE_OK : d->err->status;
}

static certstore_status take_secret(struct decoder *d, certstore_entry *entry)
{
    struct csi_span bytes;
    if (!csi_bks_read_bytes(&d->r, &bytes))
        return truncated(d->err);
    CSI_TRY(csi_limit_check(d->in->limits, CERTSTORE_LIMIT_CERT_SIZE, bytes.size, d->err));
    return make_opaque(d, entry, "stored bytes", bytes);
}

static certstore_status take_content(struct decoder *d, certstore_entry *entry, uint8_t kind)
{
    switch (kind) {
    case KIND_CERT:
        entry->kind = CERTSTORE_TRUSTED;
        csi_entry_clear_certs(entry);
        return take_cert(d, entry);
    case KIND_KEY:
        return take_plain_key(d, entry);
    case KIND_SECRET:
        return take_secret(d, entry);
    case KIND_SEALED:
        return take_sealed_key(d, entry);
    default:
        return csi_fail(d->err, CERTSTORE_E_MALFORMED, "key store: an entry of unknown kind %u", kind);
    }
}

static certstore_status take_entry(struct decoder *d, uint8_t kind)
{
    struct csi_span raw;
    uint64_t date;
    CSI_AUTO_BUF alias = { 0 };
    if (!csi_bks_read_utf(&d->r, &raw) || !csi_read_u64(&d->r, &date))
        return truncated(d->err);
    if (!csi_text_from_modified_utf8(raw, &alias) && !alias.failed)
        return csi_fail(d->err, CERTSTORE_E_MALFORMED, "key store: an alias is not in Java's modified UTF-8");
    csi_buf_put_u8(&alias, 0);
    CSI_TRY(csi_buf_check(&alias, d->err));
    CSI_AUTO(certstore_entry) *entry = csi_entry_new(CERTSTORE_OPAQUE, (const char *)alias.data, d->err);
    if (entry == NULL)
        return d->err->status;
    entry->created_ms = (int64_t)date;
    CSI_TRY(take_chain(d, entry));
    CSI_TRY(take_content(d, entry, kind));
    const size_t before = d->bundle->count;
    CSI_TRY(csi_bundle_append(d->bundle, csi_steal(&entry), false, d->err));
    if (d->bundle->count > before)
        return CERTSTORE_OK;
    return csi_report_add(d->bundle->notes, "duplicate-alias", CERTSTORE_WARNING, (const char *)alias.data, d->err,
                          "the store has this alias more than once; as in Java the last one counts");
}

/* -------------------------------------------------------------------------------------------------------------- store */

static certstore_status check_mac(struct decoder *d, struct csi_span entries)
{
    struct csi_span stored;
    if (!csi_read_span(&d->r, MAC_SIZE, &stored))
        return truncated(d->err);
    const csi_secret *password = d->in->passwords != NULL ? d->in->passwords->store : NULL;
    d->bundle->integrity = CERTSTORE_INTEGRITY_UNCHECKED;
    /* Bouncy Castle itself checks nothing under an empty passphrase. */
    if (password == NULL || password->size == 0)
        return CERTSTORE_OK;
    uint8_t computed[MAC_SIZE];
    CSI_TRY(csi_budget_spend(&d->budget, d->iterations, d->err));
    CSI_TRY(csi_bks_mac(password, d->salt, d->iterations, d->version == 1 ? MAC_KEY_SIZE_V1 : MAC_KEY_SIZE, entries, computed, d->err));
    if (!csi_equal_ct(computed, stored.data, sizeof computed))
        return csi_fail(d->err, CERTSTORE_E_PASSWORD, "key store: wrong passphrase, or the store was changed; give the right one");
    d->bundle->integrity = CERTSTORE_INTEGRITY_VERIFIED;
    if (d->version != 1)
        return CERTSTORE_OK;
    return csi_report_add(d->bundle->notes, "weak-integrity", CERTSTORE_WARNING, "", d->err,
                          "BKS version 1 checks its content with a key of 16 bits, which anybody can guess (CVE-2018-5382)");
}

static certstore_status read_header(struct decoder *d)
{
    if (!csi_read_u32(&d->r, &d->version))
        return truncated(d->err);
    if (d->version != 1 && d->version != 2)
        return csi_fail(d->err, CERTSTORE_E_MALFORMED, "key store: it does not begin as a BKS store does");
    if (!csi_bks_read_bytes(&d->r, &d->salt) || !csi_read_u32(&d->r, &d->iterations))
        return truncated(d->err);
    if (d->iterations == 0 || d->iterations > INT32_MAX || d->salt.size == 0)
        return csi_fail(d->err, CERTSTORE_E_MALFORMED, "key store: no salt or no iterations for its integrity check");
    return CERTSTORE_OK;
}

static certstore_status read_store(struct decoder *d)
{
    CSI_TRY(read_header(d));
    const uint8_t *start = d->r.at;
    size_t count = 0;
    for (;;) {
        uint8_t kind;
        if (!csi_read_u8(&d->r, &kind))
            return truncated(d->err);
        if (kind == KIND_END)
            break;
        CSI_TRY(csi_limit_check(d->in->limits, CERTSTORE_LIMIT_ENTRIES, ++count, d->err));
        CSI_TRY(take_entry(d, kind));
    }
    CSI_TRY(check_mac(d, csi_span(start, (size_t)(d->r.at - start))));
    if (csi_left(&d->r) == 0)
        return CERTSTORE_OK;
    return csi_report_add(d->bundle->notes, "trailing-bytes", CERTSTORE_INFO, "", d->err,
                          "%zu bytes follow the end of the store; no reader looks at them", csi_left(&d->r));
}

static certstore_bundle *decode_bks(const struct csi_decode *in, certstore_error *err)
{
    csi_blob *file = in->parts->items[0].bytes;
    CSI_AUTO(certstore_bundle) *bundle = csi_bundle_new("bks", CSI_ALIAS_EXACT, err);
    if (bundle == NULL)
        return NULL;
    struct decoder d = { .in = in, .err = err, .r = csi_reader(csi_blob_span(file)), .file = file, .bundle = bundle };
    d.budget.limits = in->limits;
    return read_store(&d) == CERTSTORE_OK ? csi_steal(&bundle) : NULL;
}

/* -------------------------------------------------------------------------------------------------------------- codec */

/* BKS and UBER begin alike; what follows the header is an entry here and ciphertext there. */
static int probe_bks(struct csi_span content)
{
    struct csi_reader r = csi_reader(content);
    uint8_t kind;
    struct csi_span alias;
    if (!csi_bks_read_header(&r) || !csi_read_u8(&r, &kind))
        return 0;
    if (kind == KIND_END)
        return csi_left(&r) == MAC_SIZE ? 90 : 0;
    uint64_t date;
    uint32_t chain;
    if (kind > KIND_SEALED || !csi_bks_read_utf(&r, &alias) || !csi_read_u64(&r, &date) || !csi_read_u32(&r, &chain) || chain > UINT16_MAX)
        return 0;
    CSI_AUTO_BUF text = { 0 };
    return csi_text_from_modified_utf8(alias, &text) ? 90 : 0;
}

static certstore_status encode_bks(const certstore_bundle *bundle CSI_UNUSED, const struct csi_encode *in CSI_UNUSED, csi_parts *parts CSI_UNUSED,
                                   certstore_error *err)
{
    return csi_fail(err, CERTSTORE_E_READ_ONLY, "key store: BKS is read only here; convert it to PKCS#12, which Bouncy Castle reads as well");
}

static certstore_status losses_bks(const certstore_bundle *bundle, certstore_report *losses, certstore_error *err)
{
    for (size_t i = 0; i < bundle->count; i++)
        CSI_TRY(csi_report_add(losses, "read-only", CERTSTORE_FAULT, bundle->entries[i]->alias, err, "BKS is read only here"));
    return CERTSTORE_OK;
}

static const char *const suffixes_bks[] = { ".bks", NULL };

const struct csi_codec csi_codec_bks = {
    .name = "bks",
    .capabilities = CERTSTORE_CAN_READ,
    .rule = CSI_ALIAS_EXACT,
    .suffixes = suffixes_bks,
    .probe = probe_bks,
    .decode = decode_bks,
    .encode = encode_bks,
    .losses = losses_bks,
};
