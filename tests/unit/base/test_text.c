/* SPDX-License-Identifier: Apache-2.0 */
/* test_text.c: every encoding there and back, and lower case as Java has it (the expected values are what Java 17 printed). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/text.h"

static const struct csi_hash_key key = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

static void assert_text(struct csi_buf *buf, const char *expected)
{
    csi_buf_put_u8(buf, 0);
    assert_false(buf->failed);
    assert_string_equal((const char *)buf->data, expected);
}

static void code_points_survive_utf8_there_and_back(void **state)
{
    (void)state;
    for (int32_t c = 0; c <= 0x10ffff; c += c < 0x3000 ? 1 : 37) {
        CSI_AUTO_BUF buf = { 0 };
        csi_utf8_put(&buf, c);
        const uint8_t *at = buf.data;
        assert_int_equal(csi_utf8_next(&at, buf.data + buf.size), c);
        assert_ptr_equal(at, buf.data + buf.size);
        assert_true(c == 0 || memchr(buf.data, 0, buf.size) == NULL);
    }
}

static void what_is_not_our_utf8_is_refused_and_moves_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80",
        "\xc1\x81",
        "\xc0\x81",
        "\xe0\x80\x80",
        "\xf0\x80\x80\x80",
        "\xf4\x90\x80\x80",
        "\xf8\x88\x80\x80\x80",
        /* a pair in twice three bytes: one code point must have one spelling */
        "\xff",
        "\xc3",
        "\xe2\x82",
        "\xc3(",
        "\xed\xa0\xbd\xed\xb8\x80",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const uint8_t *at = (const uint8_t *)bad[i];
        assert_int_equal(csi_utf8_next(&at, at + strlen(bad[i])), -1);
        assert_ptr_equal(at, bad[i]);
        assert_false(csi_utf8_valid(csi_span_text(bad[i])));
    }
    assert_true(csi_utf8_valid(csi_span_text("\xed\xa0\xbd")));
    assert_true(csi_utf8_valid(csi_span_text("\xc0\x80")));
}

static void java_and_bmp_strings_survive_there_and_back(void **state)
{
    (void)state;
    static const struct {
        const char *ours;
        const char *modified;
        const char *utf16;
        size_t utf16_size;
    } cases[] = {
        { "abc", "abc", "\0a\0b\0c", 6 },
        { "\xc0\x80", "\xc0\x80", "\0\0", 2 },
        { "\xf0\x9f\x98\x80", "\xed\xa0\xbd\xed\xb8\x80", "\xd8\x3d\xde\x00", 4 },
        { "\xed\xa0\xbd!", "\xed\xa0\xbd!", "\xd8\x3d\0!", 4 },
        { "\xed\xb8\x80\xed\xa0\xbd", "\xed\xb8\x80\xed\xa0\xbd", "\xde\x00\xd8\x3d", 4 },
        { "\xc3\x9c"
          "bersee",
          "\xc3\x9c"
          "bersee",
          "\0\xdc\0b\0e\0r\0s\0e\0e", 14 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CSI_AUTO_BUF a = { 0 };
        CSI_AUTO_BUF b = { 0 };
        CSI_AUTO_BUF c = { 0 };
        CSI_AUTO_BUF d = { 0 };
        assert_true(csi_text_to_modified_utf8(csi_span_text(cases[i].ours), &a));
        assert_true(csi_text_from_modified_utf8(csi_span_text(cases[i].modified), &b));
        assert_true(csi_text_to_utf16be(csi_span_text(cases[i].ours), &c));
        assert_true(csi_text_from_utf16be(csi_span(cases[i].utf16, cases[i].utf16_size), &d));
        assert_text(&a, cases[i].modified);
        assert_text(&b, cases[i].ours);
        assert_true(csi_span_equal(csi_buf_span(&c), csi_span(cases[i].utf16, cases[i].utf16_size)));
        assert_text(&d, cases[i].ours);
    }
    CSI_AUTO_BUF ignored = { 0 };
    assert_false(csi_text_from_utf16be(csi_span("abc", 3), &ignored));
    assert_false(csi_text_from_modified_utf8(csi_span_text("\xf0\x9f\x98\x80"), &ignored));
    assert_false(csi_text_to_utf16be(csi_span_text("\xff"), &ignored));
}

static void latin1_becomes_utf8(void **state)
{
    (void)state;
    CSI_AUTO_BUF buf = { 0 };
    csi_text_from_latin1(csi_span_text("M\xfcnchen"), &buf);
    assert_text(&buf, "M\xc3\xbcnchen");
}

static const struct {
    const char *text;
    const char *lower;
} java[] = {
    { "ABCxyz-09", "abcxyz-09" },
    { "\xc3\x9c"
      "BERSEE",
      "\xc3\xbc"
      "bersee" },
    { "\xc4\xb0stanbul", "i\xcc\x87stanbul" }, /* U+0130 */
    { "I\xc4\xb1", "i\xc4\xb1" },              /* ENGLISH, not Turkish */
    { "\xe2\x84\xaa"
      "ey",
      "key" },                                                      /* KELVIN SIGN */
    { "\xe1\xba\x9e", "\xc3\x9f" },                                 /* capital sharp s */
    { "\xc7\x85", "\xc7\x86" },                                     /* title case */
    { "\xf0\x90\x90\x80", "\xf0\x90\x90\xa8" },                     /* Deseret */
    { "\xea\x9f\x80", "\xea\x9f\x80" },                             /* U+A7C0: Unicode 14, after Java 17 */
    { "\xce\xa3", "\xcf\x83" },                                     /* a sigma alone */
    { "\xce\x9f\xce\xa3", "\xce\xbf\xcf\x82" },                     /* at the end of a word */
    { "\xce\xa3\xce\x9f", "\xcf\x83\xce\xbf" },                     /* at its beginning */
    { "\xce\x9f\xce\xa3 \xce\x91", "\xce\xbf\xcf\x82 \xce\xb1" },   /* a space ends a word */
    { "\xce\x9f\xce\xa3-\xce\x91", "\xce\xbf\xcf\x83-\xce\xb1" },   /* a dash in the middle does not */
    { "\xce\x9f\xce\xa3--\xce\x91", "\xce\xbf\xcf\x82--\xce\xb1" }, /* two dashes do */
    { "\xce\x9f\xce\xa3"
      "1",
      "\xce\xbf\xcf\x82"
      "1" }, /* a digit is no cased letter */
    { "\xce\x9f\xce\xa3/\xce\x91", "\xce\xbf\xcf\x82/\xce\xb1" },
    { "\xed\xa0\xbd"
      "A",
      "\xed\xa0\xbd"
      "a" }, /* half a pair */
};

static void lower_case_is_javas(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof java / sizeof *java; i++) {
        CSI_AUTO_BUF buf = { 0 };
        assert_true(csi_text_lower(csi_span_text(java[i].text), &buf));
        assert_text(&buf, java[i].lower);
    }
    CSI_AUTO_BUF ignored = { 0 };
    assert_false(csi_text_lower(csi_span_text("A\xff"), &ignored));
}

static void aliases_are_equal_and_hash_alike_exactly_when_their_folded_forms_are_equal(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    for (size_t i = 0; i < sizeof java / sizeof *java; i++) {
        CSI_AUTO(csi_chars) *folded = csi_alias_fold(CSI_ALIAS_LOWER, java[i].text, &err);
        assert_string_equal(folded, java[i].lower);
        for (size_t j = 0; j < sizeof java / sizeof *java; j++) {
            bool same = strcmp(java[i].lower, java[j].lower) == 0;
            assert_int_equal(csi_alias_equal(CSI_ALIAS_LOWER, java[i].text, java[j].text), same);
            assert_int_equal(csi_alias_hash(CSI_ALIAS_LOWER, &key, java[i].text) == csi_alias_hash(CSI_ALIAS_LOWER, &key, java[j].text), same);
        }
        if (csi_alias_equal(CSI_ALIAS_LOWER, java[i].text, java[i].lower))
            assert_int_equal(csi_alias_hash(CSI_ALIAS_LOWER, &key, java[i].text), csi_alias_hash(CSI_ALIAS_LOWER, &key, java[i].lower));
    }
    assert_false(csi_alias_equal(CSI_ALIAS_EXACT, "A", "a"));
    assert_false(csi_alias_equal(CSI_ALIAS_LOWER, "A\xff", "a\xff"));
    assert_true(csi_alias_equal(CSI_ALIAS_LOWER, "A\xff", "A\xff"));
}

static void a_hash_depends_on_its_key_and_on_every_byte(void **state)
{
    (void)state;
    const struct csi_hash_key other = { 1, 2 };
    assert_int_not_equal(csi_alias_hash(CSI_ALIAS_EXACT, &key, "web"), csi_alias_hash(CSI_ALIAS_EXACT, &other, "web"));
    assert_int_not_equal(csi_alias_hash(CSI_ALIAS_EXACT, &key, "web"), csi_alias_hash(CSI_ALIAS_EXACT, &key, "Web"));
    assert_int_not_equal(csi_alias_hash(CSI_ALIAS_EXACT, &key, "12345678"), csi_alias_hash(CSI_ALIAS_EXACT, &key, "123456781"));
}

static void folding_a_long_alias_of_sigmas_takes_no_longer_than_reading_it(void **state)
{
    (void)state;
    CSI_AUTO_BUF in = { 0 };
    CSI_AUTO_BUF out = { 0 };
    for (int i = 0; i < 500000; i++)
        csi_buf_put_text(&in, "\xce\xa3.1"); /* quadratic work would take minutes, and the test's time limit */
    assert_true(csi_text_lower(csi_buf_span(&in), &out));
    assert_int_equal(out.size, in.size);
}

static void hexadecimal_is_strict(void **state)
{
    (void)state;
    uint8_t bytes[2];
    char text[5];
    csi_hex((const uint8_t *)"\x0f\xa0", 2, text);
    assert_string_equal(text, "0fa0");
    assert_true(csi_unhex("0FA0", bytes, 2));
    assert_memory_equal(bytes, "\x0f\xa0", 2);
    static const char *const bad[] = { "", "0", "0fa", "0fa00", "0fag", "0f a", "0x0f" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(csi_unhex(bad[i], bytes, 2));
}

/* NULL and 0, as an absent field is, which UndefinedBehaviorSanitizer watches. */
static void text_without_memory_is_empty_text(void **state)
{
    (void)state;
    const struct csi_span none = csi_span(NULL, 0);
    CSI_AUTO_BUF out = { 0 };
    assert_true(csi_utf8_valid(none));
    assert_true(csi_text_from_modified_utf8(none, &out) && csi_text_to_modified_utf8(none, &out));
    assert_true(csi_text_from_utf16be(none, &out) && csi_text_to_utf16be(none, &out) && csi_text_lower(none, &out));
    csi_text_from_latin1(none, &out);
    assert_int_equal(out.size, 0);
    assert_false(out.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_points_survive_utf8_there_and_back),
        cmocka_unit_test(what_is_not_our_utf8_is_refused_and_moves_nothing),
        cmocka_unit_test(java_and_bmp_strings_survive_there_and_back),
        cmocka_unit_test(latin1_becomes_utf8),
        cmocka_unit_test(lower_case_is_javas),
        cmocka_unit_test(aliases_are_equal_and_hash_alike_exactly_when_their_folded_forms_are_equal),
        cmocka_unit_test(a_hash_depends_on_its_key_and_on_every_byte),
        cmocka_unit_test(folding_a_long_alias_of_sigmas_takes_no_longer_than_reading_it),
        cmocka_unit_test(text_without_memory_is_empty_text),
        cmocka_unit_test(hexadecimal_is_strict),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
