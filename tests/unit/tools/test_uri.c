/* SPDX-License-Identifier: Apache-2.0 */
/* test_uri.c: how a store is named, what is taken out of the name, and what DER and JSON look like from outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "heap.h"
#include "json_line.h"
#include "pem.h"
#include "uri.h"

static void is_or_null(const char *text, const char *expected)
{
    if (expected == NULL)
        assert_null(text);
    else
        assert_string_equal(text, expected);
}

static void sources_are_taken_out_of_the_name(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *uri;
        const char *alias;
        const char *pass;
        const char *keypass;
    } cases[] = {
        { "no-such.p12", "no-such.p12", NULL, NULL, NULL },
        { "no-such.p12#web", "no-such.p12", "web", NULL, NULL },
        { "pem:a?key=b", "pem:a?key=b", NULL, NULL, NULL },
        { "a%b?key=c", "pem:a%25b?key=c", NULL, NULL, NULL },
        { "pem:a?pass=env:P&key=b#x#y", "pem:a?key=b", "x#y", "env:P", NULL },
        { "jks:a?keypass=file:k&pass=pass:p%26q%23", "jks:a", NULL, "pass:p&q#", "file:k" },
        { "jks:a?pass=pass:100%&x=1&y=2", "jks:a?x=1&y=2", NULL, "pass:100%", NULL },
        { "jks:a?", "jks:a", NULL, NULL, NULL },
        { "jks:a?pass=one&pass=two", "jks:a", NULL, "two", NULL },
        { "pkcs11:token=t;object=o?pin-source=f#g", "pkcs11:token=t;object=o?pin-source=f#g", NULL, NULL, NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct store_name name = store_name_parse(cases[i].text);
        assert_string_equal(name.uri, cases[i].uri);
        is_or_null(name.alias, cases[i].alias);
        is_or_null(name.pass, cases[i].pass);
        is_or_null(name.keypass, cases[i].keypass);
        store_name_free(&name);
    }
}

static void a_file_that_exists_is_taken_as_it_is_written(void **state)
{
    (void)state;
    char path[] = "/tmp/certstore-a#b?c=dXXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    OWNED(owned_chars) *text = heap_format("pem:%s", path);
    struct store_name bare = store_name_parse(path);
    struct store_name named = store_name_parse(text);
    unlink(path);
    assert_string_equal(bare.uri, path);
    assert_null(bare.alias);
    assert_non_null(strstr(named.uri, "pem:/tmp/certstore-a%23b%3Fc=d"));
    assert_null(named.alias);
    store_name_free(&bare);
    store_name_free(&named);
}

static void pem_is_base64_in_lines_of_64(void **state)
{
    (void)state;
    static const uint8_t bytes[49] = { 'M', 'a', 'n' };
    OWNED(owned_chars) *whole = pem_wrap("X", bytes, 48);
    OWNED(owned_chars) *longer = pem_wrap("X", bytes, 49);
    OWNED(owned_chars) *two = pem_wrap("X", bytes, 2);
    assert_string_equal(whole, "-----BEGIN X-----\nTWFuAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n-----END X-----\n");
    assert_non_null(strstr(longer, "AAAA\nAA==\n-----END"));
    assert_string_equal(two, "-----BEGIN X-----\nTWE=\n-----END X-----\n");
}

static void a_place_in_json_has_its_line(void **state)
{
    (void)state;
    static const char text[] = "{\n \"a\": [ 1, \"}]\",\n {\"b\" :\n null,\n \"c\\\"\": {},\n \"d\": true } ],\n\"e\"\n: 2 }";
    const struct json_step d[] = { { "a", 0 }, { NULL, 2 }, { "d", 0 } };
    const struct json_step e[] = { { "e", 0 } };
    const struct json_step none[] = { { "a", 0 }, { NULL, 9 } };
    assert_int_equal(json_line_of(text, d, 0), 1);
    assert_int_equal(json_line_of(text, d, 1), 2);
    assert_int_equal(json_line_of(text, d, 2), 3);
    assert_int_equal(json_line_of(text, d, 3), 6);
    assert_int_equal(json_line_of(text, e, 1), 7);
    assert_int_equal(json_line_of(text, none, 2), 2);
    assert_int_equal(json_line_of("", d, 3), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources_are_taken_out_of_the_name),
        cmocka_unit_test(a_file_that_exists_is_taken_as_it_is_written),
        cmocka_unit_test(pem_is_base64_in_lines_of_64),
        cmocka_unit_test(a_place_in_json_has_its_line),
    };
    return cmocka_run_group_tests_name("uri", tests, NULL, NULL);
}
