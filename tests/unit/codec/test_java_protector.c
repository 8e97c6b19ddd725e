/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_java_protector.c: Java's two key protections, held against ciphertexts that others made: Java 17 (JCEKS), and Python's hashlib over
 * the description in docs/internals/jks.md (JKS; the JCEKS rule of before 2017).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "codec/pkcs8.h"

static const uint8_t small_pkcs8[] = { 0x30, 0x06, 0x02, 0x01, 0x00, 0xa0, 0x01, 0x01 };

/* "pässwörd", a salt of 00..13, and 50 bytes: three blocks of the key stream. */
static const char jks_long_plain[] = "3030000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f";
static const char jks_long_sealed[] =
    "000102030405060708090a0b0c0d0e0f1011121383a4981bc694f2d3b56b62494ff3b0800455cccabc4eb2e64950a6606b69a6420f83e4da229c7d6e3f61edf7c715debd"
    "2c4b3c89bfba6e9ddea5d3a220b44450743545ef3bcc";

struct hex {
    uint8_t data[256];
    size_t size;
};

static struct csi_span unhex(const char *text, struct hex *hex)
{
    hex->size = strlen(text) / 2;
    assert_true(hex->size <= sizeof hex->data);
    assert_true(csi_unhex(text, hex->data, hex->size));
    return csi_span(hex->data, hex->size);
}

static csi_secret *secret(const char *text)
{
    certstore_error err = { 0 };
    csi_secret *made = csi_secret_new(text, strlen(text), &err);
    assert_non_null(made);
    return made;
}

static void a_jks_key_of_another_program_opens(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    struct hex sealed, plain;
    CSI_AUTO(csi_secret) *password = secret("p\xc3\xa4ssw\xc3\xb6rd");
    CSI_AUTO(csi_secret) *opened = NULL;
    assert_int_equal(csi_jks_key_open(unhex(jks_long_sealed, &sealed), password, &opened, &err), CERTSTORE_OK);
    assert_true(csi_span_equal(csi_secret_span(opened), unhex(jks_long_plain, &plain)));
}

static void bytes_that_are_no_utf8_are_a_latin1_password(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    struct hex sealed;
    CSI_AUTO(csi_secret) *password = secret("p\xe4ssw\xf6rd");
    CSI_AUTO(csi_secret) *opened = NULL;
    assert_int_equal(csi_jks_key_open(unhex(jks_long_sealed, &sealed), password, &opened, &err), CERTSTORE_OK);
}

static void a_wrong_password_and_a_changed_key_do_not_open(void **state)
{
    (void)state;
    struct hex sealed;
    CSI_AUTO(csi_secret) *right = secret("p\xc3\xa4ssw\xc3\xb6rd");
    CSI_AUTO(csi_secret) *wrong = secret("password");
    CSI_AUTO(csi_secret) *opened = NULL;
    const struct csi_span bytes = unhex(jks_long_sealed, &sealed);
    certstore_error err = { 0 };
    assert_int_equal(csi_jks_key_open(bytes, wrong, &opened, &err), CERTSTORE_E_PASSWORD);
    for (size_t i = 0; i < sealed.size; i++) {
        err = (certstore_error){ 0 };
        sealed.data[i] ^= 0x40;
        assert_int_equal(csi_jks_key_open(bytes, right, &opened, &err), CERTSTORE_E_PASSWORD);
        sealed.data[i] ^= 0x40;
    }
    err = (certstore_error){ 0 };
    assert_int_equal(csi_jks_key_open(bytes, NULL, &opened, &err), CERTSTORE_E_PASSWORD);
    assert_null(opened);
}

static void a_jks_key_shorter_than_salt_and_check_is_malformed(void **state)
{
    (void)state;
    const uint8_t bytes[39] = { 0 };
    CSI_AUTO(csi_secret) *password = secret("x");
    CSI_AUTO(csi_secret) *opened = NULL;
    for (size_t size = 0; size <= sizeof bytes; size++) {
        certstore_error err = { 0 };
        assert_int_equal(csi_jks_key_open(csi_span(bytes, size), password, &opened, &err), CERTSTORE_E_MALFORMED);
    }
}

static void a_jks_key_sealed_twice_differs_and_opens_both_times(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO(csi_secret) *password = secret("\xf0\x9f\x98\x80");
    CSI_AUTO_BUF a = { 0 };
    CSI_AUTO_BUF b = { 0 };
    assert_int_equal(csi_jks_key_seal(csi_span(small_pkcs8, sizeof small_pkcs8), password, &a, &err), CERTSTORE_OK);
    assert_int_equal(csi_jks_key_seal(csi_span(small_pkcs8, sizeof small_pkcs8), password, &b, &err), CERTSTORE_OK);
    assert_int_equal(a.size, sizeof small_pkcs8 + 40);
    assert_false(csi_span_equal(csi_buf_span(&a), csi_buf_span(&b)));
    CSI_AUTO(csi_secret) *opened = NULL;
    assert_int_equal(csi_jks_key_open(csi_buf_span(&a), password, &opened, &err), CERTSTORE_OK);
    assert_true(csi_span_equal(csi_secret_span(opened), csi_span(small_pkcs8, sizeof small_pkcs8)));
}

static certstore_status open_jceks(const char *parameters, const char *ciphertext, const char *password, csi_secret **opened)
{
    certstore_error err = { 0 };
    struct hex p, c;
    struct csi_budget budget = { .limits = &csi_limits_default };
    CSI_AUTO(csi_secret) *pass = secret(password);
    return csi_jceks_pbe_open(unhex(parameters, &p), unhex(ciphertext, &c), pass, &budget, opened, &err);
}

static void a_jceks_key_of_java_opens(void **state)
{
    (void)state;
    CSI_AUTO(csi_secret) *opened = NULL;
    assert_int_equal(open_jceks("300d04080102030405060708020114", "5a03da2e35c91749ded344215b0523a0", "changeit", &opened), CERTSTORE_OK);
    assert_true(csi_span_equal(csi_secret_span(opened), csi_span(small_pkcs8, sizeof small_pkcs8)));
    CSI_AUTO(csi_secret) *none = NULL;
    assert_int_equal(open_jceks("300d04080102030405060708020114", "5a03da2e35c91749ded344215b0523a0", "changeiT", &none), CERTSTORE_E_PASSWORD);
    assert_null(none);
}

static void equal_salt_halves_open_under_the_rule_of_2017_and_the_one_before(void **state)
{
    (void)state;
    CSI_AUTO(csi_secret) *now = NULL;
    CSI_AUTO(csi_secret) *before = NULL;
    assert_int_equal(open_jceks("300d0408a1a2a3a4a1a2a3a4020114", "dd42f0ddfd3bfd676a293a06d512c38d", "changeit", &now), CERTSTORE_OK);
    assert_int_equal(open_jceks("300d0408a1a2a3a4a1a2a3a4020114", "ad1f247e0d714b89542ba69b7c0a1746", "changeit", &before), CERTSTORE_OK);
    assert_true(csi_span_equal(csi_secret_span(now), csi_span(small_pkcs8, sizeof small_pkcs8)));
    assert_true(csi_span_equal(csi_secret_span(before), csi_span(small_pkcs8, sizeof small_pkcs8)));
}

static void good_padding_around_no_key_is_a_wrong_password(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    static const uint8_t no_key[] = { 0x30, 0x7f, 0x00 };
    struct csi_budget budget = { .limits = &csi_limits_default };
    CSI_AUTO(csi_secret) *password = secret("changeit");
    CSI_AUTO_BUF parameters = { 0 };
    CSI_AUTO_BUF ciphertext = { 0 };
    CSI_AUTO(csi_secret) *opened = NULL;
    assert_int_equal(csi_jceks_pbe_seal(csi_span(no_key, sizeof no_key), password, 3, &parameters, &ciphertext, &err), CERTSTORE_OK);
    assert_int_equal(csi_jceks_pbe_open(csi_buf_span(&parameters), csi_buf_span(&ciphertext), password, &budget, &opened, &err),
                     CERTSTORE_E_PASSWORD);
}

static void a_sealed_jceks_key_takes_200000_iterations_and_opens_again(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    struct csi_budget budget = { .limits = &csi_limits_default };
    CSI_AUTO(csi_secret) *password = secret("changeit");
    CSI_AUTO_BUF parameters = { 0 };
    CSI_AUTO_BUF ciphertext = { 0 };
    CSI_AUTO(csi_secret) *opened = NULL;
    assert_int_equal(csi_jceks_pbe_seal(csi_span(small_pkcs8, sizeof small_pkcs8), password, 0, &parameters, &ciphertext, &err), CERTSTORE_OK);
    assert_int_equal(csi_jceks_pbe_open(csi_buf_span(&parameters), csi_buf_span(&ciphertext), password, &budget, &opened, &err), CERTSTORE_OK);
    assert_int_equal(budget.spent, 200000);
    assert_true(csi_span_equal(csi_secret_span(opened), csi_span(small_pkcs8, sizeof small_pkcs8)));
}

static void iteration_counts_of_every_size_are_written_as_der(void **state)
{
    (void)state;
    static const unsigned counts[] = { 1, 127, 128, 255, 256, 32767, 32768, 65536 };
    CSI_AUTO(csi_secret) *password = secret("changeit");
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        certstore_error err = { 0 };
        struct csi_budget budget = { .limits = &csi_limits_default };
        CSI_AUTO_BUF parameters = { 0 };
        CSI_AUTO_BUF ciphertext = { 0 };
        CSI_AUTO(csi_secret) *opened = NULL;
        assert_int_equal(csi_jceks_pbe_seal(csi_span(small_pkcs8, sizeof small_pkcs8), password, counts[i], &parameters, &ciphertext, &err),
                         CERTSTORE_OK);
        assert_int_equal(csi_jceks_pbe_open(csi_buf_span(&parameters), csi_buf_span(&ciphertext), password, &budget, &opened, &err), CERTSTORE_OK);
        assert_int_equal(budget.spent, counts[i] > CSI_DERIVATION_LEAST ? counts[i] : CSI_DERIVATION_LEAST);
    }
}

static void more_iterations_than_java_allows_are_refused_before_deriving(void **state)
{
    (void)state;
    CSI_AUTO(csi_secret) *opened = NULL;
    /* 5,000,001 is one too many; 2^63 - 1 would take centuries. */
    assert_int_equal(open_jceks("300f0408010203040506070802034c4b41", "5a03da2e35c91749ded344215b0523a0", "changeit", &opened), CERTSTORE_E_LIMIT);
    assert_int_equal(open_jceks("30140408010203040506070802087fffffffffffffff", "5a03da2e35c91749ded344215b0523a0", "changeit", &opened),
                     CERTSTORE_E_LIMIT);
}

static void malformed_parameters_are_told_from_a_wrong_password(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",                                   /* nothing */
        "0500",                               /* NULL, as the JKS protection has it */
        "300d04080102030405060708020100",     /* no iteration */
        "300c040701020304050607020114",       /* a salt of seven bytes */
        "300d040801020304050607080201ff",     /* a negative count */
        "300f040801020304050607080201140500", /* something more */
        "300d0408010203040506070802011400",   /* and behind it */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CSI_AUTO(csi_secret) *opened = NULL;
        assert_int_equal(open_jceks(cases[i], "5a03da2e35c91749ded344215b0523a0", "changeit", &opened), CERTSTORE_E_MALFORMED);
    }
    CSI_AUTO(csi_secret) *opened = NULL;
    assert_int_equal(open_jceks("300d04080102030405060708020114", "5a03da2e35c91749ded344215b0523", "changeit", &opened), CERTSTORE_E_MALFORMED);
    assert_int_equal(open_jceks("300d04080102030405060708020114", "", "changeit", &opened), CERTSTORE_E_MALFORMED);
}

static void a_password_that_java_would_refuse_is_refused_with_advice(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO(csi_secret) *password = secret("p\xc3\xa4ss");
    CSI_AUTO_BUF parameters = { 0 };
    CSI_AUTO_BUF ciphertext = { 0 };
    assert_int_equal(csi_jceks_pbe_seal(csi_span(small_pkcs8, sizeof small_pkcs8), password, 1, &parameters, &ciphertext, &err),
                     CERTSTORE_E_PASSWORD);
    assert_non_null(strstr(err.message, "ASCII"));
    assert_int_equal(ciphertext.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_jks_key_of_another_program_opens),
        cmocka_unit_test(bytes_that_are_no_utf8_are_a_latin1_password),
        cmocka_unit_test(a_wrong_password_and_a_changed_key_do_not_open),
        cmocka_unit_test(a_jks_key_shorter_than_salt_and_check_is_malformed),
        cmocka_unit_test(a_jks_key_sealed_twice_differs_and_opens_both_times),
        cmocka_unit_test(a_jceks_key_of_java_opens),
        cmocka_unit_test(equal_salt_halves_open_under_the_rule_of_2017_and_the_one_before),
        cmocka_unit_test(good_padding_around_no_key_is_a_wrong_password),
        cmocka_unit_test(a_sealed_jceks_key_takes_200000_iterations_and_opens_again),
        cmocka_unit_test(iteration_counts_of_every_size_are_written_as_der),
        cmocka_unit_test(more_iterations_than_java_allows_are_refused_before_deriving),
        cmocka_unit_test(malformed_parameters_are_told_from_a_wrong_password),
        cmocka_unit_test(a_password_that_java_would_refuse_is_refused_with_advice),
    };
    return cmocka_run_group_tests_name("java_protector", tests, NULL, NULL);
}
