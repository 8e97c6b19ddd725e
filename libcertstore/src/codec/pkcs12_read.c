/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs12_read.c: PFX, MAC and safes (RFC 7292 section 4), checked and decrypted. See pkcs12.h for the shape of it. */
#include "codec/pkcs12.h"
#include "codec/pkcs8.h"

#define OID(...)                                                                   \
    {                                                                              \
        (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }) \
    }
const struct csi_span csi_oid_data = OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01);           /* 1.2.840.113549.1.7.1 */
const struct csi_span csi_oid_encrypted_data = OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x06); /* 1.2.840.113549.1.7.6 */

static void destroy(csi_document *document)
{
    csi_pkcs12_free((csi_pkcs12 *)document);
}

void csi_pkcs12_free(csi_pkcs12 *pkcs12)
{
    if (pkcs12 == NULL)
        return;
    for (size_t i = 0; i < pkcs12->safe_count; i++) {
        csi_blob_free(pkcs12->safes[i].owner);
        csi_secret_free(pkcs12->safes[i].password);
    }
    csi_blob_free(pkcs12->file);
    csi_blob_free(pkcs12->outer);
    csi_blob_free(pkcs12->inner);
    csi_secret_free(pkcs12->password);
    free(pkcs12->safes);
    free(pkcs12->bags);
    free(pkcs12->items);
    free(pkcs12->chains);
    free(pkcs12);
}

static certstore_status malformed(const char *what, certstore_error *err)
{
    return csi_fail(err, CERTSTORE_E_MALFORMED, "PKCS#12: %s is not well formed; restore it from a copy", what);
}

/* What ends early inside something complete is not a truncated file. */
static certstore_status inside(const char *what, const certstore_error *from, certstore_error *err)
{
    if (from->status == CERTSTORE_E_TRUNCATED)
        return malformed(what, err);
    csi_error_move(err, from);
    return err->status;
}

/* The first element of `bytes`, in DER, as a blob: owner itself when nothing need change. *used: how much of the input it took. */
static csi_blob *in_der(csi_pkcs12 *pkcs12, csi_blob *owner, struct csi_span bytes, const struct csi_limits *limits, struct csi_tlv *tlv,
                        size_t *used, certstore_error *err)
{
    struct csi_reader r = csi_reader(bytes);
    if (csi_der_next(&r, tlv) && !csi_ber_needed(tlv->whole)) {
        *used = tlv->whole.size;
        return csi_blob_ref(owner);
    }
    CSI_AUTO(csi_blob) *der = csi_ber_normalise(bytes, limits, used, err);
    if (der == NULL)
        return NULL;
    pkcs12->ber = true;
    r = csi_reader(csi_blob_span(der));
    if (!csi_der_next(&r, tlv)) {
        malformed("its outermost element", err);
        return NULL;
    }
    return csi_steal(&der);
}

/* ContentInfo ::= SEQUENCE { contentType OID, content [0] EXPLICIT ANY OPTIONAL } (RFC 2315 section 7). */
static bool read_content_info(struct csi_reader *r, struct csi_tlv *whole, struct csi_tlv *type, struct csi_reader *content)
{
    if (!csi_der_expect(r, CSI_DER_SEQUENCE, whole))
        return false;
    struct csi_reader body = csi_reader(whole->content);
    return csi_der_expect(&body, CSI_DER_OID, type) && csi_der_enter(&body, CSI_DER_CONTEXT_CONSTRUCTED | 0, content);
}

static certstore_status unsupported_content(const char *what, struct csi_span whole_oid, certstore_error *err)
{
    char name[96];
    csi_algorithm_text(whole_oid, name, sizeof name);
    return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "PKCS#12: %s of type %s is not supported; protect it with a passphrase instead", what, name);
}

/* PFX ::= SEQUENCE { version INTEGER (3), authSafe ContentInfo, macData MacData OPTIONAL }. */
static certstore_status read_pfx(csi_pkcs12 *pkcs12, const struct csi_limits *limits, certstore_error *err)
{
    struct csi_tlv pfx, whole, type, octets, mac;
    struct csi_span file = csi_blob_span(pkcs12->file);
    size_t used;
    uint64_t version;
    if (file.size > 0 && file.data[0] != CSI_DER_SEQUENCE)
        return csi_fail(err, CERTSTORE_E_MALFORMED, "PKCS#12: it does not begin like one; name the right file");
    pkcs12->outer = in_der(pkcs12, pkcs12->file, file, limits, &pfx, &used, err);
    if (pkcs12->outer == NULL)
        return err->status;
    pkcs12->trailing = csi_span(file.data + used, file.size - used);
    struct csi_reader body = csi_reader(pfx.content);
    struct csi_reader content;
    if (!csi_der_uint(&body, &version))
        return malformed("its version", err);
    if (version != 3)
        return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "PKCS#12: version %llu is not known; convert it to version 3", (unsigned long long)version);
    if (!read_content_info(&body, &whole, &type, &content))
        return malformed("authSafe", err);
    if (!csi_span_equal(type.content, csi_oid_data))
        return unsupported_content("authSafe", type.whole, err);
    if (!csi_der_expect(&content, CSI_DER_OCTET_STRING, &octets))
        return malformed("authSafe's content", err);
    pkcs12->mac_input = octets.content;
    if (csi_left(&body) == 0)
        return CERTSTORE_OK;
    if (!csi_der_next(&body, &mac) || csi_left(&body) != 0)
        return malformed("macData", err);
    return csi_p12_mac_parse(mac.whole, &pkcs12->mac, err);
}

/* encryptedContent [0] IMPLICIT OCTET STRING, which BER may have cut into segments: then they are put together in `joined`. */
static bool read_encrypted_content(struct csi_reader *r, struct csi_buf *joined, struct csi_span *content)
{
    struct csi_tlv tlv;
    if (csi_der_expect(r, CSI_DER_CONTEXT | 0, &tlv)) {
        *content = tlv.content;
        return true;
    }
    if (!csi_der_expect(r, CSI_DER_CONTEXT_CONSTRUCTED | 0, &tlv))
        return false;
    struct csi_reader segments = csi_reader(tlv.content);
    while (csi_left(&segments) > 0) {
        if (!csi_der_expect(&segments, CSI_DER_OCTET_STRING, &tlv))
            return false;
        csi_buf_put_span(joined, tlv.content);
    }
    *content = csi_buf_span(joined);
    return true;
}

/* EncryptedData ::= SEQUENCE { version, EncryptedContentInfo SEQUENCE { type, algorithm, [0] content } } (RFC 2315 section 13). */
static certstore_status read_encrypted(struct csi_reader *r, struct csi_safe *safe, struct csi_buf *joined, struct csi_span *content,
                                       certstore_error *err)
{
    struct csi_reader body, info;
    struct csi_tlv type, algorithm;
    uint64_t version;
    if (!csi_der_enter(r, CSI_DER_SEQUENCE, &body) || !csi_der_uint(&body, &version) || !csi_der_enter(&body, CSI_DER_SEQUENCE, &info) ||
        !csi_der_expect(&info, CSI_DER_OID, &type) || !csi_der_expect(&info, CSI_DER_SEQUENCE, &algorithm) ||
        !read_encrypted_content(&info, joined, content))
        return malformed("an encrypted safe", err);
    safe->algorithm = algorithm.whole;
    return csi_buf_check(joined, err);
}

/* What a wrong key practically never gives: one SEQUENCE that spans everything and holds SEQUENCEs; or its BER form. */
static bool is_safe_contents(struct csi_span plain)
{
    struct csi_reader r = csi_reader(plain);
    struct csi_reader inner;
    if (plain.size >= 4 && plain.data[0] == CSI_DER_SEQUENCE && plain.data[1] == 0x80)
        return plain.data[2] == CSI_DER_SEQUENCE || plain.data[2] == 0;
    return csi_der_enter(&r, CSI_DER_SEQUENCE, &inner) && csi_left(&r) == 0 && (csi_left(&inner) == 0 || *inner.at == CSI_DER_SEQUENCE);
}

static certstore_status unseal(struct csi_p12_read *read, struct csi_safe *safe, struct csi_span ciphertext, const csi_secret *password,
                               struct csi_buf *plain, certstore_error *err)
{
    CSI_TRY(csi_pbe_open(&read->session, safe->algorithm, ciphertext, password, is_safe_contents, plain, &safe->reading, err));
    safe->password = csi_secret_ref(password);
    return CERTSTORE_OK;
}

/* The store's passphrase, then the keys': some programs seal the content with another one than the MAC. */
static certstore_status unseal_with_any(csi_pkcs12 *pkcs12, struct csi_p12_read *read, struct csi_safe *safe, struct csi_span ciphertext,
                                        struct csi_buf *plain, certstore_error *err)
{
    const csi_secret *store = read->passwords != NULL ? read->passwords->store : NULL;
    const csi_secret *other = read->passwords != NULL ? read->passwords->key : NULL;
    certstore_error first = { 0 };
    if (unseal(read, safe, ciphertext, store, plain, &first) == CERTSTORE_OK)
        return CERTSTORE_OK;
    if (first.status == CERTSTORE_E_PASSWORD && other != NULL &&
        unseal(read, safe, ciphertext, other, plain, &(certstore_error){ 0 }) == CERTSTORE_OK)
        return CERTSTORE_OK;
    if (first.status == CERTSTORE_E_PASSWORD && pkcs12->verified)
        return csi_fail(err, CERTSTORE_E_PASSWORD,
                        "passphrase: it fits the integrity check, but the content has another one; give that as the key passphrase");
    csi_error_move(err, &first);
    return err->status;
}

static certstore_status open_safe(csi_pkcs12 *pkcs12, struct csi_p12_read *read, struct csi_reader *content, struct csi_safe *safe,
                                  certstore_error *err)
{
    CSI_AUTO_BUF joined = { 0 };
    CSI_AUTO_BUF plain = { 0 };
    struct csi_span ciphertext = { NULL, 0 };
    CSI_TRY(read_encrypted(content, safe, &joined, &ciphertext, err));
    CSI_TRY(unseal_with_any(pkcs12, read, safe, ciphertext, &plain, err));
    safe->owner = csi_blob_from_buf(&plain, err);
    if (safe->owner == NULL)
        return err->status;
    safe->contents = csi_blob_span(safe->owner);
    return CERTSTORE_OK;
}

static certstore_status take_clear(const csi_pkcs12 *pkcs12, struct csi_reader *content, struct csi_safe *safe, certstore_error *err)
{
    struct csi_tlv octets;
    if (!csi_der_expect(content, CSI_DER_OCTET_STRING, &octets))
        return malformed("a safe", err);
    safe->owner = csi_blob_ref(pkcs12->inner);
    safe->contents = octets.content;
    return CERTSTORE_OK;
}

static certstore_status read_safe(csi_pkcs12 *pkcs12, struct csi_p12_read *read, struct csi_reader *r, certstore_error *err)
{
    struct csi_tlv whole, type;
    struct csi_reader content;
    if (!read_content_info(r, &whole, &type, &content))
        return malformed("a safe's ContentInfo", err);
    CSI_TRY(csi_limit_check(read->limits, CERTSTORE_LIMIT_ENTRIES, pkcs12->safe_count + 1, err));
    struct csi_safe *safes = csi_grow(pkcs12->safes, &pkcs12->safe_capacity, pkcs12->safe_count + 1, sizeof *safes, err);
    if (safes == NULL)
        return err->status;
    pkcs12->safes = safes;
    struct csi_safe *safe = &safes[pkcs12->safe_count++];
    safe->whole = whole.whole;
    if (csi_span_equal(type.content, csi_oid_data))
        return take_clear(pkcs12, &content, safe, err);
    if (!csi_span_equal(type.content, csi_oid_encrypted_data))
        return unsupported_content("a safe", type.whole, err);
    safe->encrypted = true;
    return open_safe(pkcs12, read, &content, safe, err);
}

/* The bags of a safe, whose content is put into DER first if it has to be. */
static certstore_status walk(csi_pkcs12 *pkcs12, uint32_t number, const struct csi_limits *limits, certstore_error *err)
{
    struct csi_safe *safe = &pkcs12->safes[number];
    size_t before = pkcs12->bag_count;
    size_t used;
    certstore_error first = { 0 };
    certstore_error second = { 0 };
    if (csi_pkcs12_walk(pkcs12, number, limits, &first) == CERTSTORE_OK)
        return CERTSTORE_OK;
    if (first.status != CERTSTORE_E_MALFORMED) {
        csi_error_move(err, &first);
        return err->status;
    }
    csi_blob *der = csi_ber_normalise(safe->contents, limits, &used, &second);
    if (der == NULL)
        return inside("a safe", &second, err);
    csi_blob_free(safe->owner);
    safe->owner = der;
    safe->contents = csi_blob_span(der);
    pkcs12->ber = true;
    pkcs12->bag_count = before;
    return csi_pkcs12_walk(pkcs12, number, limits, err);
}

static certstore_status read_safes(csi_pkcs12 *pkcs12, struct csi_p12_read *read, certstore_error *err)
{
    struct csi_tlv whole;
    size_t used;
    certstore_error trial = { 0 };
    pkcs12->inner = in_der(pkcs12, pkcs12->outer, pkcs12->mac_input, read->limits, &whole, &used, &trial);
    if (pkcs12->inner == NULL)
        return inside("AuthenticatedSafe", &trial, err);
    if (whole.tag != CSI_DER_SEQUENCE || used != pkcs12->mac_input.size)
        return malformed("AuthenticatedSafe", err);
    struct csi_reader r = csi_reader(whole.content);
    while (csi_left(&r) > 0) {
        CSI_TRY(read_safe(pkcs12, read, &r, err));
        CSI_TRY(walk(pkcs12, (uint32_t)(pkcs12->safe_count - 1), read->limits, err));
    }
    return CERTSTORE_OK;
}

/* Does anything in the file open with the passphrase? */
static bool opens_something(csi_pkcs12 *pkcs12, struct csi_p12_read *read, const csi_secret *password)
{
    certstore_error ignored = { 0 };
    for (size_t i = 0; i < pkcs12->safe_count; i++)
        if (pkcs12->safes[i].password == password)
            return true;
    for (size_t i = 0; i < pkcs12->bag_count; i++) {
        if (pkcs12->bags[i].kind != CSI_BAG_SHROUDED)
            continue;
        CSI_AUTO(csi_blob) *sealed = csi_blob_new(pkcs12->bags[i].object.data, pkcs12->bags[i].object.size, &ignored);
        CSI_AUTO_PLAIN plain = { 0 };
        return sealed != NULL && csi_protection_pkcs8.open(sealed, password, &read->budget, &plain, &ignored) == CERTSTORE_OK;
    }
    return false;
}

/* The MAC does not fit. Is the content damaged (it is no PKCS#12, or opens with the passphrase all the same), or the passphrase wrong? */
static certstore_status judge_mismatch(csi_pkcs12 *pkcs12, struct csi_p12_read *read, const csi_secret *password, const certstore_error *mismatch,
                                       certstore_error *err)
{
    certstore_error content = { 0 };
    if (read_safes(pkcs12, read, &content) == CERTSTORE_E_MALFORMED)
        csi_error_move(err, &content);
    else if (opens_something(pkcs12, read, password))
        csi_fail(err, CERTSTORE_E_TAMPERED,
                 "PKCS#12: the passphrase is right, but the content is not what its integrity check was made over; "
                 "restore it from a copy");
    csi_error_move(err, mismatch);
    return err->status;
}

static certstore_status check_mac(csi_pkcs12 *pkcs12, struct csi_p12_read *read, certstore_error *err)
{
    const csi_secret *password = read->passwords != NULL ? read->passwords->store : NULL;
    certstore_error mismatch = { 0 };
    if (!pkcs12->mac.present || password == NULL)
        return CERTSTORE_OK;
    certstore_status status = csi_p12_mac_verify(&read->session, &pkcs12->mac, pkcs12->mac_input, password, &pkcs12->reading, &mismatch);
    if (status == CERTSTORE_E_PASSWORD)
        return judge_mismatch(pkcs12, read, password, &mismatch, err);
    if (status != CERTSTORE_OK) {
        csi_error_move(err, &mismatch);
        return status;
    }
    pkcs12->password = csi_secret_ref(password);
    pkcs12->verified = true;
    return CERTSTORE_OK;
}

csi_pkcs12 *csi_pkcs12_read(struct csi_p12_read *read, csi_blob *file, certstore_error *err)
{
    CSI_AUTO(csi_pkcs12) *pkcs12 = csi_new(1, sizeof *pkcs12, err);
    if (pkcs12 == NULL)
        return NULL;
    pkcs12->base.codec = &csi_codec_pkcs12;
    pkcs12->base.destroy = destroy;
    pkcs12->base.refs = 1;
    pkcs12->file = csi_blob_ref(file);
    if (read_pfx(pkcs12, read->limits, err) != CERTSTORE_OK || check_mac(pkcs12, read, err) != CERTSTORE_OK ||
        read_safes(pkcs12, read, err) != CERTSTORE_OK)
        return NULL;
    return csi_steal(&pkcs12);
}
