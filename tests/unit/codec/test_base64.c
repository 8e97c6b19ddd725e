/* SPDX-License-Identifier: Apache-2.0 */
/* test_base64.c: base64 decodes to what OpenSSL decodes it to, and says where it is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "codec/base64.h"

/* Decodes into memory of exactly the promised size, so that a sanitizer sees a byte too many. */
static bool decode(const char *text, size_t text_size, uint8_t **out, size_t *size, size_t *bad, const char **why)
{
    *out = malloc(csi_base64_room(text_size));
    assert_non_null(*out);
    return csi_base64_decode(csi_span(text, text_size), *out, size, bad, why);
}

static void assert_decodes(const char *text, const char *expected)
{
    uint8_t *out;
    size_t size, bad;
    const char *why;
    assert_true(decode(text, strlen(text), &out, &size, &bad, &why));
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(out, expected, size);
    free(out);
}

static void assert_refused(const char *text, size_t where, const char *reason)
{
    uint8_t *out;
    size_t size, bad;
    const char *why;
    assert_false(decode(text, strlen(text), &out, &size, &bad, &why));
    assert_string_equal(why, reason);
    assert_int_equal(bad, where);
    free(out);
}

static void the_test_vectors_of_rfc_4648_decode(void **state)
{
    (void)state;
    static const char *const vectors[][2] = {
        { "", "" }, { "Zg==", "f" }, { "Zm8=", "fo" }, { "Zm9v", "foo" }, { "Zm9vYg==", "foob" }, { "Zm9vYmE=", "fooba" }, { "Zm9vYmFy", "foobar" }
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        assert_decodes(vectors[i][0], vectors[i][1]);
}

static void every_length_in_every_line_width_and_line_end_decodes_as_it_was_encoded(void **state)
{
    (void)state;
    static const char *const ends[] = { "\n", "\r\n", "\r", " \t\n", "\r\r\n" };
    uint8_t data[150];
    char flat[256], text[1024];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 37 + 11);
    for (size_t n = 0; n <= sizeof data; n++) {
        const int flat_size = EVP_EncodeBlock((unsigned char *)flat, data, (int)n);
        for (size_t width = 1; width <= 77; width += 7) {
            for (size_t e = 0; e < sizeof ends / sizeof *ends; e++) {
                size_t size = 0;
                for (int i = 0; i < flat_size; i++) {
                    text[size++] = flat[i];
                    if ((size_t)(i + 1) % width == 0) {
                        memcpy(text + size, ends[e], strlen(ends[e]));
                        size += strlen(ends[e]);
                    }
                }
                uint8_t *out;
                size_t got, bad;
                const char *why;
                assert_true(decode(text, size, &out, &got, &bad, &why));
                assert_int_equal(got, n);
                assert_memory_equal(out, data, n);
                free(out);
            }
        }
    }
}

static void padding_stands_only_where_it_belongs(void **state)
{
    (void)state;
    assert_refused("====Zm9v", 0, "padding where none belongs");
    assert_refused("Zm9v=", 4, "padding where none belongs");
    assert_refused("Zm8==", 4, "padding where none belongs");
    assert_refused("Zg==Zg==", 4, "data after the padding");
    assert_refused("Zg=", 3, "data that ends within a group of four characters");
    assert_refused("Zm9vZ", 5, "data that ends within a group of four characters");
}

static void a_character_outside_the_alphabet_is_named_by_its_place(void **state)
{
    (void)state;
    static const char bad[] = "!\"#$%&'()*,-.:;<>?@[]^_`{|}~\x7f\x80\xff";
    for (size_t i = 0; i < sizeof bad - 1; i++) {
        for (size_t at = 0; at < 16; at++) {
            char text[] = "AAAABBBBCCCCDDDD";
            text[at] = bad[i];
            assert_refused(text, at, "a character that is no base64");
        }
    }
}

static void in_whole_lines_a_wrong_character_is_named_by_its_place_as_well(void **state)
{
    (void)state;
    static const char *const ends[] = { "\n", "\r\n" };
    for (size_t e = 0; e < sizeof ends / sizeof *ends; e++) {
        for (size_t at = 0; at < 160; at++) {
            char text[256] = "";
            for (size_t i = 0; i < 160; i++)
                strcat(strcat(text, "A"), i % 64 == 63 ? ends[e] : "");
            const size_t place = at + at / 64 * strlen(ends[e]);
            text[place] = '-';
            assert_refused(text, place, "a character that is no base64");
        }
    }
}

static void an_empty_line_is_refused_within_the_data_and_nowhere_else(void **state)
{
    (void)state;
    assert_refused("Zm9v\n\nYmFy", 6, "an empty line within the data");
    assert_refused("Zm9v\r\rYmFy", 6, "an empty line within the data");
    assert_refused("Zm9v\r\n \r\nYmFy", 9, "an empty line within the data");
    assert_decodes("\n\nZm9v\n\n\n", "foo");
    static const char line[] = "YWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJj";
    static const char *const breaks[] = { "\n\n", "\r\n\r\n", "\n\r\n", "\r\r", "\n \n" };
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++) {
        char text[256];
        const int before = snprintf(text, sizeof text, "%s%s", line, breaks[i]);
        strcat(text, line);
        assert_refused(text, (size_t)before, "an empty line within the data");
    }
}

static void encoding_wraps_at_64_characters_and_ends_every_line(void **state)
{
    (void)state;
    CSI_AUTO_BUF out = { 0 };
    uint8_t data[49] = { 0 };
    csi_base64_encode_lines(csi_span(data, sizeof data), &out);
    assert_int_equal(out.size, 65 + 5);
    assert_int_equal(out.data[64], '\n');
    assert_memory_equal(out.data + 65, "AA==\n", 5);
}

static void lines_hold_what_openssl_encodes_for_every_length(void **state)
{
    (void)state;
    uint8_t data[200];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 89 + 5);
    for (size_t n = 0; n <= sizeof data; n++) {
        CSI_AUTO_BUF text = { 0 };
        CSI_AUTO(csi_octets) *exact = malloc(n + 1); /* so that a sanitizer sees a byte read too many */
        uint8_t flat[300];
        assert_non_null(exact);
        memcpy(exact + 1, data, n);
        csi_base64_encode_lines(csi_span(exact + 1, n), &text);
        const int flat_size = EVP_EncodeBlock(flat, data, (int)n);
        assert_int_equal(text.size, (size_t)flat_size + ((size_t)flat_size + 63) / 64);
        assert_true(text.size <= csi_base64_lines(n));
        for (size_t i = 0; i < text.size; i++)
            assert_int_equal(text.data[i], i % 65 == 64 || i + 1 == text.size ? '\n' : flat[i - i / 65]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_test_vectors_of_rfc_4648_decode),
        cmocka_unit_test(every_length_in_every_line_width_and_line_end_decodes_as_it_was_encoded),
        cmocka_unit_test(padding_stands_only_where_it_belongs),
        cmocka_unit_test(a_character_outside_the_alphabet_is_named_by_its_place),
        cmocka_unit_test(in_whole_lines_a_wrong_character_is_named_by_its_place_as_well),
        cmocka_unit_test(an_empty_line_is_refused_within_the_data_and_nowhere_else),
        cmocka_unit_test(lines_hold_what_openssl_encodes_for_every_length),
        cmocka_unit_test(encoding_wraps_at_64_characters_and_ends_every_line),
    };
    return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
