/* SPDX-License-Identifier: Apache-2.0 */
/* test_address.c: which URIs are addresses, what they show of themselves, and which token they find. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "support/faulty_os.h"
#include "support/tokens.h"

static void a_uri_that_says_too_much_or_nonsense_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "pkcs11",
        "http://x",
        "pkcs11:token=a;token=b",
        "pkcs11:object=a?pin-value=1&pin-value=2",
        "pkcs11:token=a%zz",
        "pkcs11:type=trust",
        "pkcs11:colour=red",
        "pkcs11:token=a?module-path=/x&colour=red",
        "pkcs11:token=a;module-path=/x",
        "pkcs11:token=a?pin-value=12%0034",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        certstore_error err = { 0 };
        CSI_AUTO(csi_p11_address) *address = csi_p11_address_parse(bad[i], &err);
        if (address != NULL || err.status != CERTSTORE_E_ARGUMENT)
            fail_msg("was read: %s", bad[i]);
    }
}

static void a_pin_is_never_in_the_text(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO(csi_p11_address) *address = csi_p11_address_parse("pkcs11:token=web?pin-value=secret&module-path=/m.so", &err);
    assert_non_null(address);
    CSI_AUTO(csi_chars) *text = csi_p11_address_text(address, &err);
    assert_null(strstr(text, "secret"));
    assert_non_null(strstr(text, "token=web"));
    assert_true(csi_span_equal(csi_secret_span(csi_p11_address_pin_value(address)), csi_span_text("secret")));
    assert_false(csi_p11_address_is_partial(address));
    CSI_AUTO(csi_p11_address) *sourced = csi_p11_address_parse("pkcs11:token=web;type=cert?pin-source=file:/etc/pin", &err);
    assert_string_equal(csi_p11_address_pin_source(sourced), "file:/etc/pin");
    assert_true(csi_p11_address_is_partial(sourced));
    assert_null(csi_p11_address_pin_value(sourced));
}

static void a_directory_without_a_database_is_left_without_one(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    char *folder = test_dir_new();
    assert_null(csi_p11_address_nss(folder, &err));
    assert_int_equal(err.status, CERTSTORE_E_NOT_FOUND);
    certstore_error_clear(&err);
    char *made = test_read(folder, "cert9.db");
    assert_null(made);
    assert_null(csi_p11_address_located("ftp:nowhere", &err));
    test_dir_remove(folder);
}

static void several_tokens_are_an_error_that_names_them_and_none_is_unavailable(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    char *folder = test_dir_new();
    tokens_softhsm_begin(folder);
    tokens_softhsm_add("twin");
    tokens_softhsm_add("twin");
    tokens_softhsm_add("single");
    assert_null(tokens_open_softhsm("twin", NULL, &err));
    assert_int_equal(err.status, CERTSTORE_E_ARGUMENT);
    assert_non_null(strstr(err.message, "'twin' (serial "));
    certstore_error_clear(&err);
    assert_null(tokens_open_softhsm("nobody", NULL, &err));
    assert_int_equal(err.status, CERTSTORE_E_UNAVAILABLE);
    certstore_error_clear(&err);
    CSI_AUTO(csi_p11) *token = tokens_open_softhsm("single", NULL, &err);
    assert_non_null(token);
    assert_string_equal(csi_p11_info(token)->label, "single");
    test_dir_remove(folder);
}

static void every_attribute_of_the_uri_counts(void **state)
{
    (void)state;
    static const struct {
        const char *attribute;
        bool matches;
    } rows[] = {
        { "manufacturer=SoftHSM%20project", true },
        { "manufacturer=Other", false },
        { "model=SoftHSM%20v2", true },
        { "model=v3", false },
        { "serial=0000", false },
        { "library-manufacturer=SoftHSM", true },
        { "library-manufacturer=Other", false },
        { "slot-description=Nothing", false },
        { "slot-id=424242", false },
        { "slot-manufacturer=Other", false },
        { "library-description=Other", false },
    };
    char *folder = test_dir_new();
    tokens_softhsm_begin(folder);
    tokens_softhsm_add("box");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        certstore_error err = { 0 };
        char uri[512];
        snprintf(uri, sizeof uri, "pkcs11:token=box;%s?module-path=%s", rows[i].attribute, tokens_softhsm_module());
        CSI_AUTO(csi_p11) *token = tokens_open_uri(uri, NULL, &err);
        if ((token != NULL) != rows[i].matches)
            fail_msg("%s: %s", rows[i].attribute, token != NULL ? "matched" : err.message);
    }
    test_dir_remove(folder);
}

static void paths_are_readable_in_the_text_and_mean_the_same(void **state)
{
    (void)state;
    static const char uri[] = "pkcs11:token=a%2Fb?pin-source=file:/run/a%252Fb&module-path=/usr/lib/module.so";
    certstore_error err = { 0 };
    CSI_AUTO(csi_p11_address) *address = csi_p11_address_parse(uri, &err);
    assert_non_null(address);
    CSI_AUTO(csi_chars) *text = csi_p11_address_text(address, &err);
    assert_string_equal(text, uri);
    CSI_AUTO(csi_p11_address) *again = csi_p11_address_parse(text, &err);
    assert_string_equal(csi_p11_address_pin_source(again), "file:/run/a%2Fb");
}

static void a_location_finds_the_token_again(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    char *folder = test_dir_new();
    tokens_softhsm_begin(folder);
    tokens_softhsm_add("box one");
    CSI_AUTO(csi_p11) *token = tokens_open_softhsm("box%20one", TOKEN_PIN, &err);
    assert_non_null(token);
    CSI_AUTO(csi_chars) *location = csi_p11_location(token, &err);
    assert_null(strstr(location, TOKEN_PIN));
    assert_null(strstr(location, "slot"));
    CSI_AUTO(csi_p11_address) *address = csi_p11_address_located(location, &err);
    CSI_AUTO(csi_p11) *again = csi_p11_open(address, NULL, &err);
    assert_non_null(again);
    assert_string_equal(csi_p11_info(again)->serial, csi_p11_info(token)->serial);
    test_dir_remove(folder);
}

static void a_module_that_cannot_be_loaded_is_unavailable(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    assert_null(tokens_open_uri("pkcs11:token=a?module-path=/nowhere/module.so", NULL, &err));
    assert_int_equal(err.status, CERTSTORE_E_UNAVAILABLE);
    assert_non_null(strstr(err.message, "/nowhere/module.so"));
}

static void an_answer_without_a_name_is_shown_as_its_number(void **state)
{
    (void)state;
    char room[24];
    assert_string_equal(csi_ckr_name(CKR_PIN_INCORRECT, room), "CKR_PIN_INCORRECT");
    assert_string_equal(csi_ckr_name(0x80000001UL, room), "CKR_0x80000001");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_uri_that_says_too_much_or_nonsense_is_refused),
        cmocka_unit_test(a_pin_is_never_in_the_text),
        cmocka_unit_test(a_directory_without_a_database_is_left_without_one),
        cmocka_unit_test(several_tokens_are_an_error_that_names_them_and_none_is_unavailable),
        cmocka_unit_test(every_attribute_of_the_uri_counts),
        cmocka_unit_test(paths_are_readable_in_the_text_and_mean_the_same),
        cmocka_unit_test(a_location_finds_the_token_again),
        cmocka_unit_test(a_module_that_cannot_be_loaded_is_unavailable),
        cmocka_unit_test(an_answer_without_a_name_is_shown_as_its_number),
    };
    return cmocka_run_group_tests_name("p11 address", tests, NULL, NULL);
}
