/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_bks.c: BKS stores put together byte by byte, with OpenSSL's PKCS#12 key derivation; and the formats that are declined. The stores that
 * Bouncy Castle itself wrote are in the corpus.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pkcs12.h>

#include "support/jksfile.h"

enum { ITERATIONS = 1024, HEADER = 4 + 4 + 20 + 4 };

static void put_utf(struct csi_buf *file, const char *text)
{
    csi_buf_put_u16(file, (uint16_t)strlen(text));
    csi_buf_put_text(file, text);
}

static void put_bytes(struct csi_buf *file, struct csi_span bytes)
{
    csi_buf_put_u32(file, (uint32_t)bytes.size);
    csi_buf_put_span(file, bytes);
}

static void begin(struct csi_buf *file, uint32_t version)
{
    csi_buf_put_u32(file, version);
    put_bytes(file, csi_span_text("twenty bytes of salt"));
    csi_buf_put_u32(file, ITERATIONS);
}

static void put_head(struct csi_buf *file, uint8_t kind, const char *alias, uint32_t chain)
{
    csi_buf_put_u8(file, kind);
    put_utf(file, alias);
    csi_buf_put_u64(file, 1463355608942);
    csi_buf_put_u32(file, chain);
}

static void put_cert(struct csi_buf *file, uint8_t mark)
{
    const uint8_t der[] = { 0x30, 0x03, 0x02, 0x01, mark };
    put_utf(file, "X.509");
    put_bytes(file, csi_span(der, sizeof der));
}

static void put_key(struct csi_buf *file, uint8_t kind, const char *format, const char *algorithm, struct csi_span encoded)
{
    csi_buf_put_u8(file, kind);
    put_utf(file, format);
    put_utf(file, algorithm);
    put_bytes(file, encoded);
}

static void put_sealed(struct csi_buf *file, struct csi_span plain, const char *password)
{
    unsigned char key[24], iv[8], out[512];
    unsigned char salt[] = "some more salt";
    int size = 0, last = 0;
    assert_int_equal(PKCS12_key_gen_utf8(password, -1, salt, 14, PKCS12_KEY_ID, ITERATIONS, sizeof key, key, EVP_sha1()), 1);
    assert_int_equal(PKCS12_key_gen_utf8(password, -1, salt, 14, PKCS12_IV_ID, ITERATIONS, sizeof iv, iv, EVP_sha1()), 1);
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    assert_int_equal(EVP_EncryptInit_ex(cipher, EVP_des_ede3_cbc(), NULL, key, iv), 1);
    assert_int_equal(EVP_EncryptUpdate(cipher, out, &size, plain.data, (int)plain.size), 1);
    assert_int_equal(EVP_EncryptFinal_ex(cipher, out + size, &last), 1);
    EVP_CIPHER_CTX_free(cipher);
    csi_buf_put_u32(file, (uint32_t)(4 + 14 + 4 + size + last));
    put_bytes(file, csi_span(salt, 14));
    csi_buf_put_u32(file, ITERATIONS);
    csi_buf_put(file, out, (size_t)(size + last));
}

static void end(struct csi_buf *file, const char *password, int key_size)
{
    unsigned char key[20], mac[20];
    unsigned char salt[] = "twenty bytes of salt";
    csi_buf_put_u8(file, 0);
    assert_int_equal(PKCS12_key_gen_utf8(password, -1, salt, 20, PKCS12_MAC_ID, ITERATIONS, key_size, key, EVP_sha1()), 1);
    assert_non_null(HMAC(EVP_sha1(), key, key_size, file->data + HEADER, file->size - HEADER, mac, NULL));
    csi_buf_put(file, mac, sizeof mac);
}

/* One entry of every kind. */
static void make_store(struct csi_buf *file, uint32_t version)
{
    CSI_AUTO_BUF private_key = { 0 };
    CSI_AUTO_BUF secret_key = { 0 };
    CSI_AUTO_BUF public_key = { 0 };
    put_key(&private_key, 0, "PKCS#8", "Ed25519", jksfile_pkcs8());
    put_key(&secret_key, 2, "RAW", "AES", csi_span_text("0123456789abcdef"));
    put_key(&public_key, 1, "X.509", "RSA", csi_span_text("\x30\x01\x05"));
    begin(file, version);
    put_head(file, 1, "Cert", 0);
    put_cert(file, 1);
    put_head(file, 2, "plain", 0);
    csi_buf_put_span(file, csi_buf_span(&secret_key));
    put_head(file, 3, "bytes", 0);
    put_bytes(file, csi_span_text("who knows"));
    put_head(file, 4, "private", 2);
    put_cert(file, 2);
    put_cert(file, 3);
    put_sealed(file, csi_buf_span(&private_key), "changeit");
    put_head(file, 4, "public", 0);
    put_sealed(file, csi_buf_span(&public_key), "changeit");
    put_head(file, 4, "locked", 0);
    put_sealed(file, csi_buf_span(&secret_key), "nobody knows");
    end(file, "changeit", version == 1 ? 2 : 20);
}

static void assert_opens(const certstore_bundle *bundle, const char *alias, struct csi_span expected)
{
    certstore_error err = { 0 };
    CSI_AUTO_PLAIN plain = { 0 };
    assert_int_equal(csi_key_open(jksfile_find(bundle, alias)->key, alias, NULL, &plain, &err), CERTSTORE_OK);
    assert_true(csi_span_equal(csi_secret_span(plain.bytes), expected));
}

static void every_kind_of_entry_is_read(void **state)
{
    (void)state;
    for (uint32_t version = 1; version <= 2; version++) {
        CSI_AUTO_BUF file = { 0 };
        make_store(&file, version);
        assert_true(csi_codec_bks.probe(csi_buf_span(&file)) > 50);
        CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_bks, &file, "changeit", CERTSTORE_OK);
        static const certstore_kind kinds[] = {
            CERTSTORE_TRUSTED, CERTSTORE_SECRET, CERTSTORE_OPAQUE, CERTSTORE_KEY, CERTSTORE_OPAQUE, CERTSTORE_KEY
        };
        assert_int_equal(bundle->count, sizeof kinds / sizeof *kinds);
        for (size_t i = 0; i < bundle->count; i++)
            assert_int_equal(bundle->entries[i]->kind, kinds[i]);
        assert_int_equal(bundle->integrity, CERTSTORE_INTEGRITY_VERIFIED);
        assert_int_equal(jksfile_has_note(bundle, "weak-integrity", ""), version == 1);
        assert_int_equal(jksfile_find(bundle, "private")->cert_count, 2);
        assert_int_equal(jksfile_find(bundle, "private")->created_ms, 1463355608942);
        assert_opens(bundle, "private", jksfile_pkcs8());
        assert_opens(bundle, "plain", csi_span_text("0123456789abcdef"));
        assert_null(jksfile_find(bundle, "cert")); /* aliases are told apart by case */
    }
}

static void a_wrong_password_a_changed_store_and_none_are_told(void **state)
{
    (void)state;
    CSI_AUTO_BUF file = { 0 };
    make_store(&file, 2);
    CSI_AUTO(certstore_bundle) *wrong = jksfile_read(&csi_codec_bks, &file, "changeiT", CERTSTORE_E_PASSWORD);
    CSI_AUTO(certstore_bundle) *none = jksfile_read(&csi_codec_bks, &file, NULL, CERTSTORE_OK);
    CSI_AUTO(certstore_bundle) *empty = jksfile_read(&csi_codec_bks, &file, "", CERTSTORE_OK); /* as Bouncy Castle does */
    assert_null(wrong);
    assert_int_equal(none->integrity, CERTSTORE_INTEGRITY_UNCHECKED);
    assert_int_equal(empty->integrity, CERTSTORE_INTEGRITY_UNCHECKED);
    file.data[HEADER + 12] ^= 1; /* in the first date */
    CSI_AUTO(certstore_bundle) *changed = jksfile_read(&csi_codec_bks, &file, "changeit", CERTSTORE_E_PASSWORD);
    assert_null(changed);
}

static void a_store_cut_anywhere_is_truncated(void **state)
{
    (void)state;
    CSI_AUTO_BUF file = { 0 };
    begin(&file, 2);
    put_head(&file, 1, "cert", 1);
    put_cert(&file, 1);
    put_cert(&file, 1);
    end(&file, "changeit", 20);
    for (size_t size = 0; size < file.size; size++) {
        const struct csi_buf cut = { .data = file.data, .size = size };
        CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_bks, &cut, NULL, CERTSTORE_E_TRUNCATED);
        assert_null(bundle);
    }
}

static void what_is_no_entry_is_malformed(void **state)
{
    (void)state;
    CSI_AUTO_BUF unknown = { 0 };
    begin(&unknown, 2);
    put_head(&unknown, 5, "x", 0);
    put_cert(&unknown, 1);
    end(&unknown, "changeit", 20);
    CSI_AUTO(certstore_bundle) *a = jksfile_read(&csi_codec_bks, &unknown, NULL, CERTSTORE_E_MALFORMED);
    CSI_AUTO_BUF key = { 0 };
    begin(&key, 2);
    put_head(&key, 2, "x", 0);
    put_key(&key, 3, "RAW", "AES", csi_span_text("x"));
    end(&key, "changeit", 20);
    CSI_AUTO(certstore_bundle) *b = jksfile_read(&csi_codec_bks, &key, NULL, CERTSTORE_E_MALFORMED);
    CSI_AUTO_BUF chain = { 0 };
    begin(&chain, 2);
    put_head(&chain, 1, "x", 0x7fffffff);
    end(&chain, "changeit", 20);
    CSI_AUTO(certstore_bundle) *c = jksfile_read(&csi_codec_bks, &chain, NULL, CERTSTORE_E_TRUNCATED);
    assert_true(a == NULL && b == NULL && c == NULL);
}

static void more_iterations_than_allowed_are_not_derived(void **state)
{
    (void)state;
    CSI_AUTO_BUF file = { 0 };
    make_store(&file, 2);
    static const uint8_t huge[] = { 0x7f, 0xff, 0xff, 0xff };
    memcpy(file.data + HEADER - 4, huge, sizeof huge);
    CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_bks, &file, "changeit", CERTSTORE_E_LIMIT);
    assert_null(bundle);
}

static void bks_is_not_written(void **state)
{
    (void)state;
    CSI_AUTO_BUF file = { 0 };
    make_store(&file, 2);
    CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_bks, &file, "changeit", CERTSTORE_OK);
    CSI_AUTO(csi_passwords) *passwords = jksfile_passwords("changeit", NULL);
    assert_null(jksfile_write(&csi_codec_bks, bundle, passwords, false, CERTSTORE_E_READ_ONLY));
    assert_int_equal(csi_codec_bks.capabilities & CERTSTORE_CAN_WRITE, 0);
}

static void uber_and_bcfks_are_known_and_declined_by_name(void **state)
{
    (void)state;
    static const uint8_t bcfks[] = { 0x30, 0x82, 0x10, 0x00, 0x30, 0x82, 0x0f, 0x00, 0x30, 0x4f, 0x06, 0x09,
                                     0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d, 0x30, 0x42 };
    CSI_AUTO_BUF uber = { 0 };
    begin(&uber, 1);
    csi_buf_put_text(&uber, "ciphertext that is no entry at all, of any size.");
    assert_true(csi_codec_uber.probe(csi_buf_span(&uber)) > 0);
    assert_int_equal(csi_codec_bks.probe(csi_buf_span(&uber)), 0);
    assert_true(csi_codec_bcfks.probe(csi_span(bcfks, sizeof bcfks)) > 0);
    assert_int_equal(csi_codec_bcfks.probe(csi_buf_span(&uber)), 0);
    CSI_AUTO(certstore_bundle) *a = jksfile_read(&csi_codec_uber, &uber, "x", CERTSTORE_E_UNSUPPORTED);
    CSI_AUTO(certstore_bundle) *b = jksfile_read(&csi_codec_bcfks, &uber, "x", CERTSTORE_E_UNSUPPORTED);
    assert_true(a == NULL && b == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_entry_is_read),
        cmocka_unit_test(a_wrong_password_a_changed_store_and_none_are_told),
        cmocka_unit_test(a_store_cut_anywhere_is_truncated),
        cmocka_unit_test(what_is_no_entry_is_malformed),
        cmocka_unit_test(more_iterations_than_allowed_are_not_derived),
        cmocka_unit_test(bks_is_not_written),
        cmocka_unit_test(uber_and_bcfks_are_known_and_declined_by_name),
    };
    return cmocka_run_group_tests_name("bks", tests, NULL, NULL);
}
