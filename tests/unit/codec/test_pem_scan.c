/* SPDX-License-Identifier: Apache-2.0 */
/* test_pem_scan.c: what the lexer tolerates, and what it refuses with the line it stands on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "codec/base64.h"
#include "codec/pem_scan.h"

/* Scans a text; returns how many blocks it has, all of which must hold "foobar" under the label. */
static size_t blocks(const char *text, const char *label)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    struct csi_pem_scan scan = csi_pem_scan(csi_span_text(text));
    struct csi_pem_block block;
    size_t count = 0;
    for (bool found = true;;) {
        assert_int_equal(csi_pem_next(&scan, &block, &found, err), CERTSTORE_OK);
        if (!found)
            return count;
        uint8_t out[64];
        size_t size;
        assert_true(csi_base64_room(block.data.size) <= sizeof out);
        assert_int_equal(csi_pem_decode(&scan, &block, out, &size, err), CERTSTORE_OK);
        assert_int_equal(size, 6);
        assert_memory_equal(out, "foobar", 6);
        assert_true(csi_pem_label_is(&block, label));
        count++;
    }
}

static void assert_refused(const char *text, certstore_status status, const char *part)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    struct csi_pem_scan scan = csi_pem_scan(csi_span_text(text));
    struct csi_pem_block block;
    uint8_t out[512];
    size_t size;
    for (bool found = true; err->status == CERTSTORE_OK && found;)
        if (csi_pem_next(&scan, &block, &found, err) == CERTSTORE_OK && found)
            csi_pem_decode(&scan, &block, out, &size, err);
    assert_int_equal(err->status, status);
    if (strstr(err->message, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err->message, part);
}

static void every_convention_for_line_ends_is_read(void **state)
{
    (void)state;
    assert_int_equal(blocks("-----BEGIN X-----\nZm9v\nYmFy\n-----END X-----\n", "X"), 1);
    assert_int_equal(blocks("-----BEGIN X-----\r\nZm9v\r\nYmFy\r\n-----END X-----\r\n", "X"), 1);
    assert_int_equal(blocks("-----BEGIN X-----\rZm9v\rYmFy\r-----END X-----\r-----BEGIN X-----\rZm9vYmFy\r-----END X-----\r", "X"), 2);
}

static void a_byte_order_mark_indentation_and_trailing_blanks_do_not_matter(void **state)
{
    (void)state;
    assert_int_equal(blocks("\xef\xbb\xbf-----BEGIN X-----\nZm9vYmFy\n-----END X-----\n", "X"), 1);
    assert_int_equal(blocks("  \t-----BEGIN X-----  \n\t Zm9v \n  YmFy\t\n    -----END X-----   \n", "X"), 1);
}

static void a_missing_last_newline_and_two_boundaries_on_one_line_are_read(void **state)
{
    (void)state;
    assert_int_equal(blocks("-----BEGIN X-----\nZm9vYmFy\n-----END X-----", "X"), 1);
    assert_int_equal(blocks("-----BEGIN X-----\nZm9vYmFy\n-----END X----------BEGIN X-----\nZm9vYmFy\n-----END X-----", "X"), 2);
    assert_int_equal(blocks("-----BEGIN X-----Zm9vYmFy-----END X-----", "X"), 1);
}

static void text_around_blocks_is_passed_over_even_when_it_speaks_of_blocks(void **state)
{
    (void)state;
    assert_int_equal(blocks("", "X"), 0);
    assert_int_equal(blocks("see -----BEGIN Y----- for more\n-- - ----\n-----BEGIN X-----\nZm9vYmFy\n-----END X-----\nend -----END X-----\n", "X"),
                     1);
}

static void a_begin_without_its_end_is_truncated_and_names_the_line(void **state)
{
    (void)state;
    assert_refused("a\nb\n-----BEGIN X-----\nZm9v\n", CERTSTORE_E_TRUNCATED, "line 3: BEGIN X has no END");
    assert_refused("-----BEGIN X-----\nZm9v\n-----END X", CERTSTORE_E_TRUNCATED, "line 3");
    assert_refused("\r\n-----BEGIN X-----\r\nZm9v\r\n-----BEGIN X-----\r\nZm9v\r\n-----END X-----\r\n", CERTSTORE_E_MALFORMED,
                   "line 2: BEGIN X has no END before line 4");
}

static void another_label_at_the_end_is_refused(void **state)
{
    (void)state;
    assert_refused("-----BEGIN X-----\nZm9v\n-----END Y-----\n", CERTSTORE_E_MALFORMED, "line 3: END Y does not match BEGIN X of line 1");
    assert_refused("-----BEGIN X\nZm9v\n-----END X-----\n", CERTSTORE_E_MALFORMED, "line 1: a BEGIN line");
}

static void bad_base64_is_refused_with_its_line(void **state)
{
    (void)state;
    assert_refused("-----BEGIN X-----\nZm9v\nY*Fy\n-----END X-----\n", CERTSTORE_E_MALFORMED, "line 3: a character");
    assert_refused("-----BEGIN X-----\nZm9v\n\nYmFy\n-----END X-----\n", CERTSTORE_E_MALFORMED, "line 4: an empty line");
    assert_refused("-----BEGIN X-----\nZm9v\nYmF\n-----END X-----\n", CERTSTORE_E_MALFORMED, "within a group of four");
}

static void a_line_with_a_hyphen_ends_the_data_and_what_follows_is_a_comment(void **state)
{
    (void)state;
    assert_int_equal(blocks("-----BEGIN X-----\nZm9vYmFy\n-\n( . ) any drawing\n-----END X-----\n", "X"), 1);
    assert_refused("-----BEGIN X-----\nZm9v-YmFy\n-----END X-----\n", CERTSTORE_E_MALFORMED, "line 2: a character");
}

static void headers_are_read_up_to_the_empty_line(void **state)
{
    (void)state;
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    struct csi_pem_scan scan = csi_pem_scan(csi_span_text("-----BEGIN K-----\nProc-Type: 4,ENCRYPTED\nDEK-Info:  A,00 \n\nZm9v\n-----END K-----\n"));
    struct csi_pem_block block;
    struct csi_span value;
    bool found;
    assert_int_equal(csi_pem_next(&scan, &block, &found, err), CERTSTORE_OK);
    assert_true(csi_pem_header(block.headers, "Proc-Type", &value));
    assert_true(csi_span_equal(value, csi_span_text("4,ENCRYPTED")));
    assert_true(csi_pem_header(block.headers, "DEK-Info", &value));
    assert_true(csi_span_equal(value, csi_span_text("A,00")));
    assert_false(csi_pem_header(block.headers, "DEK", &value));
    assert_false(csi_pem_header(block.headers, "Nothing", &value));
    assert_refused("-----BEGIN K-----\nProc-Type: 4,ENCRYPTED\nZm9v\n-----END K-----\n", CERTSTORE_E_MALFORMED, "without an empty line");
}

static void lines_under_headers_have_64_characters_as_rfc_1421_asks(void **state)
{
    (void)state;
    char text[512];
    snprintf(text, sizeof text, "-----BEGIN K-----\nA: b\n\n%065d\n-----END K-----\n", 0);
    assert_refused(text, CERTSTORE_E_MALFORMED, "not 64 characters");
    assert_refused("-----BEGIN K-----\nA: b\n\nZm9v\nYmFy\n-----END K-----\n", CERTSTORE_E_MALFORMED, "line 5: a line of encrypted data");
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    CSI_AUTO_BUF out = { 0 };
    csi_pem_write(&out, "SOME LABEL", csi_span_text("foobar"));
    csi_buf_put_u8(&out, 0);
    assert_string_equal((const char *)out.data, "-----BEGIN SOME LABEL-----\nZm9vYmFy\n-----END SOME LABEL-----\n");
    assert_int_equal(blocks((const char *)out.data, "SOME LABEL"), 1);
}

/* Takes the next block at once; where that succeeds, step by step it must be the same one with the same data. */
static bool take_and_compare(struct csi_pem_scan *scan)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    struct csi_pem_scan again = *scan;
    const size_t left = csi_base64_room(scan->text.size - scan->at);
    CSI_AUTO(csi_octets) *out = malloc(left), *expected = malloc(left);
    struct csi_pem_block block, same;
    size_t size = 0, expected_size = 0;
    bool found = false;
    assert_true(out != NULL && expected != NULL);
    if (!csi_pem_take(scan, &block, out, &size)) {
        assert_int_equal(scan->at, again.at);
        assert_true(size <= left);
        return false;
    }
    assert_int_equal(csi_pem_next(&again, &same, &found, err), CERTSTORE_OK);
    assert_true(found);
    assert_memory_equal(&block, &same, sizeof block);
    assert_int_equal(scan->at, again.at);
    assert_int_equal(csi_pem_decode(&again, &same, expected, &expected_size, err), CERTSTORE_OK);
    assert_int_equal(size, expected_size);
    assert_memory_equal(out, expected, size);
    assert_int_equal(same.data.size, block.data.size);
    return true;
}

static void a_block_taken_at_once_is_the_one_that_is_found_step_by_step(void **state)
{
    (void)state;
    static const char signs[] = "-\n\r :A= EBD\t/";
    uint32_t random = 1;
    size_t taken = 0;
    for (size_t turn = 0; turn < 20000; turn++) {
        CSI_AUTO_BUF text = { 0 };
        uint8_t data[160] = { 0 };
        csi_pem_write(&text, "X", csi_span(data, turn % sizeof data));
        csi_pem_write(&text, "CERTIFICATE", csi_span(data, turn / 7 % sizeof data));
        for (size_t change = turn % 4; change > 0; change--) {
            random = random * 1664525 + 1013904223;
            text.data[(random >> 8) % text.size] = (uint8_t)signs[(random >> 3) % (sizeof signs - 1)];
        }
        struct csi_pem_scan scan = csi_pem_scan(csi_buf_span(&text));
        while (take_and_compare(&scan))
            taken++;
    }
    assert_true(taken > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_convention_for_line_ends_is_read),
        cmocka_unit_test(a_byte_order_mark_indentation_and_trailing_blanks_do_not_matter),
        cmocka_unit_test(a_missing_last_newline_and_two_boundaries_on_one_line_are_read),
        cmocka_unit_test(text_around_blocks_is_passed_over_even_when_it_speaks_of_blocks),
        cmocka_unit_test(a_begin_without_its_end_is_truncated_and_names_the_line),
        cmocka_unit_test(another_label_at_the_end_is_refused),
        cmocka_unit_test(bad_base64_is_refused_with_its_line),
        cmocka_unit_test(a_line_with_a_hyphen_ends_the_data_and_what_follows_is_a_comment),
        cmocka_unit_test(headers_are_read_up_to_the_empty_line),
        cmocka_unit_test(lines_under_headers_have_64_characters_as_rfc_1421_asks),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(a_block_taken_at_once_is_the_one_that_is_found_step_by_step),
    };
    return cmocka_run_group_tests_name("PEM lexer", tests, NULL, NULL);
}
