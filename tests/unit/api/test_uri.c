/* SPDX-License-Identifier: Apache-2.0 */
/* test_uri.c: what a user writes for a store, and what is made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/uri.h"

static void check(const char *text, const char *format, const char *path, const char *key_path)
{
    certstore_error err = { 0 };
    CSI_AUTO_URI uri = { 0 };
    assert_int_equal(csi_uri_parse(text, &uri, &err), CERTSTORE_OK);
    if (format != NULL)
        assert_string_equal(uri.codec->name, format);
    else
        assert_null(uri.codec);
    assert_string_equal(uri.path, path);
    if (key_path != NULL)
        assert_string_equal(uri.key_path, key_path);
    else
        assert_null(uri.key_path);
}

static void a_format_and_a_path_are_told_apart(void **state)
{
    (void)state;
    check("pem:/etc/a.pem", "pem", "/etc/a.pem", NULL);
    check("pkcs12:relative.p12", "pkcs12", "relative.p12", NULL);
    check("/plain/path.jks", NULL, "/plain/path.jks", NULL);
    check("odd:name.pem", NULL, "odd:name.pem", NULL);
    check("./jks:not-a-scheme", NULL, "./jks:not-a-scheme", NULL);
    check("pem:/a?key=/b", "pem", "/a", "/b");
    check("pem:/a%3Fb%20c", "pem", "/a?b c", NULL);
}

static void what_is_not_understood_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = { "pem:", "pem:/a?kee=/b", "jks:/a?key=/b", "pem:/a%0", "pem:/a%00", "pem:/a%zz", "pem:/a?key=" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        certstore_error err = { 0 };
        struct csi_uri uri = { 0 };
        assert_int_equal(csi_uri_parse(wrong[i], &uri, &err), CERTSTORE_E_ARGUMENT);
        assert_null(uri.path);
    }
}

static void a_token_is_left_to_those_who_know_tokens(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    struct csi_uri uri = { 0 };
    assert_int_equal(csi_uri_parse("pkcs11:token=a?pin-source=file:/p", &uri, &err), CERTSTORE_OK);
    assert_true(csi_uri_is_token(&uri));
    assert_string_equal(uri.path, "pkcs11:token=a?pin-source=file:/p"); /* RFC 7512 is read by those who know tokens */
    csi_uri_clear(&uri);
}

static void the_text_form_reads_back_as_the_same_place(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO_URI uri = { 0 };
    CSI_AUTO_URI again = { 0 };
    assert_int_equal(csi_uri_parse("pem:/odd%25%3F%23name?key=/k&", &uri, &err), CERTSTORE_OK);
    CSI_AUTO(csi_chars) *text = csi_uri_text(&uri, &err);
    assert_string_equal(text, "pem:/odd%25%3F%23name?key=/k");
    assert_int_equal(csi_uri_parse(text, &again, &err), CERTSTORE_OK);
    assert_string_equal(again.path, uri.path);
    assert_string_equal(again.key_path, uri.key_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_format_and_a_path_are_told_apart),
        cmocka_unit_test(what_is_not_understood_is_refused),
        cmocka_unit_test(a_token_is_left_to_those_who_know_tokens),
        cmocka_unit_test(the_text_form_reads_back_as_the_same_place),
    };
    return cmocka_run_group_tests_name("uri", tests, NULL, NULL);
}
