/* SPDX-License-Identifier: Apache-2.0 */
/* test_reader.c: the cursor never leaves its bytes, and sees DER as X.690 writes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/reader.h"

static void a_read_past_the_end_fails_and_moves_nothing(void **state)
{
    (void)state;
    const uint8_t bytes[] = { 0x01, 0x02, 0x03 };
    struct csi_reader r = csi_reader(csi_span(bytes, sizeof bytes));
    uint32_t wide;
    uint16_t narrow;
    assert_false(csi_read_u32(&r, &wide));
    assert_true(csi_read_u16(&r, &narrow));
    assert_int_equal(narrow, 0x0102);
    assert_int_equal(csi_left(&r), 1);
}

static void a_length_longer_than_the_input_is_no_element(void **state)
{
    (void)state;
    static const uint8_t cases[][6] = {
        { 0x30, 0x05, 0, 0, 0, 0 },
        { 0x30, 0x80, 0, 0, 0, 0 },
        { 0x30, 0x84, 0xff, 0xff, 0xff, 0xff },
        { 0x1f, 0x01, 0, 0, 0, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct csi_reader r = csi_reader(csi_span(cases[i], sizeof cases[i]));
        struct csi_tlv tlv;
        assert_false(csi_der_next(&r, &tlv));
        assert_int_equal(csi_left(&r), sizeof cases[i]);
    }
}

/* NULL and 0, as an absent field is: even reading nothing must add nothing to NULL, which UndefinedBehaviorSanitizer watches. */
static void an_empty_span_without_memory_has_nothing_to_read(void **state)
{
    (void)state;
    struct csi_reader r = csi_reader(csi_span(NULL, 0));
    struct csi_tlv tlv;
    struct csi_span none;
    uint8_t byte;
    assert_int_equal(csi_left(&r), 0);
    assert_false(csi_read_u8(&r, &byte));
    assert_false(csi_der_next(&r, &tlv));
    assert_true(csi_read_span(&r, 0, &none));
    assert_int_equal(none.size, 0);
}

static void an_oid_is_written_in_dots(void **state)
{
    (void)state;
    static const uint8_t any_eku[] = { 0x55, 0x1d, 0x25, 0x00 };
    static const uint8_t java_trust[] = { 0x60, 0x86, 0x48, 0x01, 0x86, 0xf9, 0x66, 0xad, 0xca, 0x7b, 0x01, 0x01 };
    static const uint8_t unfinished[] = { 0x55, 0x9d };
    char text[64];
    assert_true(csi_oid_text(csi_span(any_eku, sizeof any_eku), text, sizeof text));
    assert_string_equal(text, "2.5.29.37.0");
    assert_true(csi_oid_text(csi_span(java_trust, sizeof java_trust), text, sizeof text));
    assert_string_equal(text, "2.16.840.1.113894.746875.1.1");
    assert_false(csi_oid_text(csi_span(unfinished, sizeof unfinished), text, sizeof text));
    assert_false(csi_oid_text(csi_span(java_trust, sizeof java_trust), text, 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_read_past_the_end_fails_and_moves_nothing),
        cmocka_unit_test(a_length_longer_than_the_input_is_no_element),
        cmocka_unit_test(an_empty_span_without_memory_has_nothing_to_read),
        cmocka_unit_test(an_oid_is_written_in_dots),
    };
    return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
