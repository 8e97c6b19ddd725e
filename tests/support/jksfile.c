/* SPDX-License-Identifier: Apache-2.0 */
/* jksfile.c: JKS and JCEKS files put together byte by byte. */
#include "support/jksfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "codec/java_serial.h"

void jksfile_begin(struct csi_buf *file, uint32_t magic, uint32_t version, uint32_t count)
{
    csi_buf_put_u32(file, magic);
    csi_buf_put_u32(file, version);
    csi_buf_put_u32(file, count);
}

static void put_utf(struct csi_buf *file, const char *text)
{
    csi_buf_put_u16(file, (uint16_t)strlen(text));
    csi_buf_put_text(file, text);
}

void jksfile_head(struct csi_buf *file, uint32_t tag, const char *alias, int64_t date)
{
    csi_buf_put_u32(file, tag);
    put_utf(file, alias);
    csi_buf_put_u64(file, (uint64_t)date);
}

void jksfile_cert(struct csi_buf *file, uint32_t version, const char *type, struct csi_span bytes)
{
    if (version != 1)
        put_utf(file, type);
    csi_buf_put_u32(file, (uint32_t)bytes.size);
    csi_buf_put_span(file, bytes);
}

static void put_marked_cert(struct csi_buf *file, uint32_t version, uint8_t mark)
{
    const uint8_t der[] = { 0x30, 0x03, 0x02, 0x01, mark };
    jksfile_cert(file, version, "X.509", csi_span(der, sizeof der));
}

void jksfile_trusted(struct csi_buf *file, uint32_t version, const char *alias, int64_t date, uint8_t mark)
{
    jksfile_head(file, 2, alias, date);
    put_marked_cert(file, version, mark);
}

static void put_key(struct csi_buf *file, uint32_t version, const char *alias, int64_t date, struct csi_span sealed, uint32_t chain)
{
    jksfile_head(file, 1, alias, date);
    csi_buf_put_u32(file, (uint32_t)sealed.size);
    csi_buf_put_span(file, sealed);
    csi_buf_put_u32(file, chain);
    for (uint32_t i = 0; i < chain; i++)
        put_marked_cert(file, version, (uint8_t)i);
}

void jksfile_key(struct csi_buf *file, uint32_t version, const char *alias, int64_t date, const char *sealed, uint32_t chain)
{
    put_key(file, version, alias, date, csi_span_text(sealed), chain);
}

struct csi_span jksfile_pkcs8(void)
{
    static const uint8_t key[] = { 0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
                                   1,    2,    3,    4,    5,    6,    7,    8,    9,    10,   11,   12,   13,   14,   15,   16,
                                   17,   18,   19,   20,   21,   22,   23,   24,   25,   26,   27,   28,   29,   30,   31,   32 };
    return csi_span(key, sizeof key);
}

static csi_secret *secret(const char *text)
{
    certstore_error err = { 0 };
    csi_secret *made = csi_secret_new(text, strlen(text), &err);
    assert_non_null(made);
    return made;
}

void jksfile_sealed_key(struct csi_buf *file, enum csi_pkcs8_scheme scheme, uint32_t version, const char *alias, const char *password, int64_t date,
                        uint32_t chain)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_secret) *pass = secret(password);
    CSI_AUTO(csi_blob) *sealed = csi_pkcs8_seal(scheme, jksfile_pkcs8(), pass, 0, &err);
    assert_non_null(sealed);
    put_key(file, version, alias, date, csi_blob_span(sealed), chain);
}

void jksfile_secret(struct csi_buf *file, const char *alias, const char *password)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_secret) *pass = secret(password);
    CSI_AUTO_BUF stream = { 0 };
    CSI_AUTO_BUF parameters = { 0 };
    CSI_AUTO_BUF ciphertext = { 0 };
    csi_java_write_secret(&stream, csi_span_text("AES"), csi_span_text("0123456789abcdef"));
    assert_int_equal(csi_jceks_pbe_seal(csi_buf_span(&stream), pass, 20, &parameters, &ciphertext, &err), CERTSTORE_OK);
    jksfile_head(file, 3, alias, 0);
    csi_java_write_sealed(file, csi_buf_span(&parameters), csi_buf_span(&ciphertext));
}

/* UTF-8 (four bytes at most) to UTF-16BE, into the digest. */
static void digest_password(EVP_MD_CTX *digest, const char *password)
{
    const unsigned char *p = (const unsigned char *)password;
    while (*p != 0) {
        const int more = *p < 0x80 ? 0 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : 3;
        uint32_t c = more == 0 ? *p : *p & (0x3fu >> more);
        for (int i = 1; i <= more; i++)
            c = c << 6 | (p[i] & 0x3fu);
        p += more + 1;
        const uint32_t units[] = { c < 0x10000 ? c : 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + ((c - 0x10000) & 0x3ff) };
        for (int i = 0; i < (c < 0x10000 ? 1 : 2); i++) {
            const uint8_t bytes[] = { (uint8_t)(units[i] >> 8), (uint8_t)units[i] };
            assert_int_equal(EVP_DigestUpdate(digest, bytes, sizeof bytes), 1);
        }
    }
}

void jksfile_end(struct csi_buf *file, const char *password)
{
    uint8_t made[20];
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestInit_ex(digest, EVP_sha1(), NULL), 1);
    digest_password(digest, password);
    assert_int_equal(EVP_DigestUpdate(digest, "Mighty Aphrodite", 16), 1);
    assert_int_equal(EVP_DigestUpdate(digest, file->data, file->size), 1);
    assert_int_equal(EVP_DigestFinal_ex(digest, made, NULL), 1);
    EVP_MD_CTX_free(digest);
    csi_buf_put(file, made, sizeof made);
    assert_false(file->failed);
}

csi_passwords *jksfile_passwords(const char *store, const char *key)
{
    certstore_error err = { 0 };
    csi_passwords *passwords = csi_passwords_new(&err);
    assert_non_null(passwords);
    passwords->store = store != NULL ? secret(store) : NULL;
    passwords->key = key != NULL ? secret(key) : NULL;
    return passwords;
}

certstore_bundle *jksfile_read_within(const struct csi_codec *codec, const struct csi_buf *file, const char *password,
                                      const struct csi_limits *limits, certstore_status expected)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_blob) *blob = csi_blob_new(file->data, file->size, &err);
    CSI_AUTO(csi_parts) *parts = csi_parts_new(&err);
    CSI_AUTO(csi_passwords) *passwords = jksfile_passwords(password, NULL);
    assert_int_equal(csi_parts_add(parts, "", blob, &err), CERTSTORE_OK);
    const struct csi_decode in = { .parts = parts, .passwords = passwords, .limits = limits };
    certstore_bundle *bundle = codec->decode(&in, &err);
    if (err.status != expected)
        print_message("%s\n", err.message);
    assert_int_equal(err.status, expected);
    assert_true((bundle != NULL) == (expected == CERTSTORE_OK));
    return bundle;
}

certstore_bundle *jksfile_read(const struct csi_codec *codec, const struct csi_buf *file, const char *password, certstore_status expected)
{
    return jksfile_read_within(codec, file, password, &csi_limits_default, expected);
}

const certstore_entry *jksfile_find(const certstore_bundle *bundle, const char *alias)
{
    const size_t position = csi_bundle_position(bundle, alias);
    return position != SIZE_MAX ? bundle->entries[position] : NULL;
}

bool jksfile_has_row(const certstore_report *report, const char *code, const char *subject)
{
    for (size_t i = 0; i < report->count; i++)
        if (strcmp(report->rows[i].code, code) == 0 && strcmp(report->rows[i].subject, subject) == 0)
            return true;
    return false;
}

bool jksfile_has_note(const certstore_bundle *bundle, const char *code, const char *subject)
{
    return jksfile_has_row(bundle->notes, code, subject);
}

csi_blob *jksfile_write(const struct csi_codec *codec, const certstore_bundle *bundle, const csi_passwords *protect, bool reprotect,
                        certstore_status expected)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_parts) *parts = csi_parts_new(&err);
    const struct csi_encode in = {
        .passwords = protect, .protect = protect, .reprotect = reprotect, .now_ms = 1700000000000, .part_count = 1, .limits = &csi_limits_default
    };
    const certstore_status status = codec->encode(bundle, &in, parts, &err);
    if (status != expected)
        print_message("%s\n", err.message);
    assert_int_equal(status, expected);
    if (status != CERTSTORE_OK)
        return NULL;
    assert_int_equal(parts->count, 1);
    assert_string_equal(parts->items[0].name, "");
    return csi_blob_ref(parts->items[0].bytes);
}
