/* SPDX-License-Identifier: Apache-2.0 */
/* test_cert.c: what is skimmed from a certificate's bytes is what OpenSSL finds when it parses all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/x509v3.h>

#include "model/certinfo.h"
#include "support/make.h"

static int64_t openssl_seconds(const ASN1_TIME *time)
{
    int days;
    int seconds;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    assert_int_equal(ASN1_TIME_diff(&days, &seconds, epoch, time), 1);
    ASN1_TIME_free(epoch);
    return (int64_t)days * 86400 + seconds;
}

static void a_skim_finds_what_openssl_parses(void **state)
{
    (void)state;
    static const char *const types[] = { "RSA:2048", "EC:P-256", "EC:secp521r1", "ED25519", "ED448", "RSA-PSS:2048" };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        X509 *x = make_cert(&(struct make_cert){ .subject = "CN=a.example,O=Example",
                                                 .key = make_key(types[i], 1),
                                                 .not_before = -40 * 365 * (int64_t)MAKE_DAY,
                                                 .not_after = 30 * 365 * (int64_t)MAKE_DAY,
                                                 .ca = i % 2 == 0,
                                                 .sans = "DNS:a.example,IP:192.0.2.1",
                                                 .serial = "80FF" });
        CSI_AUTO(csi_blob) *der = make_der(x);
        CSI_AUTO(csi_blob) *spki = make_spki(make_key(types[i], 1));
        struct csi_cert_view view;
        int64_t from;
        int64_t to;
        assert_true(csi_cert_skim(csi_blob_span(der), &view));
        assert_true(csi_span_equal(view.spki, csi_blob_span(spki)));
        assert_true(csi_span_equal(view.subject, view.issuer));
        assert_true(csi_span_equal(view.serial, csi_span("\x00\x80\xff", 3)));
        assert_true(csi_time_from_der(view.not_before, &from));
        assert_true(csi_time_from_der(view.not_after, &to));
        assert_int_equal(from, openssl_seconds(X509_get0_notBefore(x)));
        assert_int_equal(to, openssl_seconds(X509_get0_notAfter(x)));
        assert_int_equal(csi_cert_is_ca(&view), i % 2 == 0);
        assert_int_equal(csi_spki_bits(view.spki), EVP_PKEY_get_bits(make_key(types[i], 1)));
        X509_free(x);
    }
}

static void a_certificate_cut_anywhere_or_broken_in_its_outline_never_reads_beyond_its_bytes(void **state)
{
    (void)state;
    X509 *x = make_cert(&(struct make_cert){ .subject = "CN=a", .key = make_key("ED25519", 1), .sans = "DNS:a" });
    CSI_AUTO(csi_blob) *der = make_der(x);
    X509_free(x);
    struct csi_cert_view view;
    for (size_t size = 0; size < der->size; size++) {
        uint8_t *exact = malloc(size > 0 ? size : 1); /* so that a sanitizer sees one byte too far */
        assert_non_null(exact);
        memcpy(exact, der->data, size);
        assert_false(csi_cert_skim(csi_span(exact, size), &view));
        free(exact);
    }
    CSI_AUTO(csi_blob) *copy = csi_blob_new(der->data, der->size, &(certstore_error){ 0 });
    size_t still_certificates = 0;
    for (size_t at = 0; at < copy->size; at++) {
        copy->data[at] ^= 0x55;
        still_certificates += csi_cert_skim(csi_blob_span(copy), &view);
        copy->data[at] ^= 0x55;
    }
    assert_true(still_certificates > 0 && still_certificates < copy->size);
}

static void a_time_is_read_as_rfc_5280_writes_it(void **state)
{
    (void)state;
    static const struct {
        const char *der;
        size_t size;
        bool valid;
        int64_t seconds;
    } cases[] = {
        { "\x17\x0d"
          "700101000000Z",
          15, true, 0 },
        { "\x17\x0d"
          "491231235959Z",
          15, true, 2524607999 },
        { "\x17\x0d"
          "500101000000Z",
          15, true, -631152000 },
        { "\x18\x0f"
          "20500101000000Z",
          17, true, 2524608000 },
        { "\x18\x0f"
          "99991231235959Z",
          17, true, 253402300799 },
        { "\x18\x0f"
          "00000101000000Z",
          17, true, -62167219200 },
        { "\x17\x0d"
          "000229000000Z",
          15, true, 951782400 },
        { "\x17\x0d"
          "010229000000Z",
          15, false, 0 },
        { "\x17\x0d"
          "700001000000Z",
          15, false, 0 },
        { "\x17\x0d"
          "701301000000Z",
          15, false, 0 },
        { "\x17\x0d"
          "700101240000Z",
          15, false, 0 },
        { "\x17\x0d"
          "70010100000 Z",
          15, false, 0 },
        { "\x17\x0d"
          "7001010000000",
          15, false, 0 },
        { "\x17\x00", 2, false, 0 },
        { "\x0c\x0d"
          "700101000000Z",
          15, false, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t seconds;
        assert_int_equal(csi_time_from_der(csi_span(cases[i].der, cases[i].size), &seconds), cases[i].valid);
        if (cases[i].valid)
            assert_int_equal(seconds, cases[i].seconds);
    }
}

static void an_extension_is_found_with_its_critical_flag(void **state)
{
    (void)state;
    static const uint8_t constraints[] = { 0x55, 0x1d, 0x13 };
    static const uint8_t absent[] = { 0x55, 0x1d, 0x7f };
    X509 *x = make_cert(&(struct make_cert){ .subject = "CN=a", .key = make_key("ED25519", 1), .ca = true });
    CSI_AUTO(csi_blob) *der = make_der(x);
    X509_free(x);
    struct csi_cert_view view;
    struct csi_span value;
    bool critical = false;
    assert_true(csi_cert_skim(csi_blob_span(der), &view));
    assert_true(csi_cert_extension(&view, csi_span(constraints, sizeof constraints), &value, &critical));
    assert_true(critical);
    assert_true(csi_span_equal(value, csi_span("\x30\x03\x01\x01\xff", 5)));
    assert_false(csi_cert_extension(&view, csi_span(absent, sizeof absent), &value, &critical));
}

static void a_fingerprint_is_sha_256(void **state)
{
    (void)state;
    uint8_t digest[32];
    char text[65];
    csi_sha256(csi_span("abc", 3), digest);
    csi_hex(digest, sizeof digest, text);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_skim_finds_what_openssl_parses),
        cmocka_unit_test(a_certificate_cut_anywhere_or_broken_in_its_outline_never_reads_beyond_its_bytes),
        cmocka_unit_test(a_time_is_read_as_rfc_5280_writes_it),
        cmocka_unit_test(an_extension_is_found_with_its_critical_flag),
        cmocka_unit_test(a_fingerprint_is_sha_256),
    };
    return cmocka_run_group_tests_name("cert", tests, NULL, NULL);
}
