/* SPDX-License-Identifier: Apache-2.0 */
/* test_name.c: names as RFC 4514 writes them, on one printable line whatever they hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/purpose.h"
#include "model/report.h"
#include "support/make.h"

/* The text of a name with one CN of that string type; "(none)" when it is no name. */
static void assert_cn(uint8_t tag, const char *value, size_t size, const char *expected)
{
    CSI_AUTO_BUF der = { 0 };
    const uint8_t total = (uint8_t)size;
    const uint8_t head[] = { 0x30, (uint8_t)(total + 11), 0x31, (uint8_t)(total + 9), 0x30, (uint8_t)(total + 7), 0x06, 3, 0x55, 4, 3, tag, total };
    csi_buf_put(&der, head, sizeof head);
    csi_buf_put(&der, value, size);
    CSI_AUTO_BUF text = { 0 };
    assert_true(csi_name_text(csi_buf_span(&der), &text));
    csi_buf_put_u8(&text, 0);
    assert_string_equal((const char *)text.data, expected);
}

static void special_characters_are_escaped_where_rfc_4514_says(void **state)
{
    (void)state;
    assert_cn(CSI_DER_UTF8_STRING, "a,b+c\"d\\e<f>g;h", 15, "CN=a\\,b\\+c\\\"d\\\\e\\<f\\>g\\;h");
    assert_cn(CSI_DER_UTF8_STRING, " a b ", 5, "CN=\\ a b\\ ");
    assert_cn(CSI_DER_UTF8_STRING, "#a#", 3, "CN=\\#a#");
    assert_cn(CSI_DER_UTF8_STRING, "", 0, "CN=");
    assert_cn(CSI_DER_UTF8_STRING, "a\r\nb", 4, "CN=a\\0d\\0ab");
}

/* Eight octets are looked at together: each octet at each place must be seen. */
static void an_octet_is_escaped_wherever_it_stands(void **state)
{
    (void)state;
    for (size_t size = 1; size <= 17; size++)
        for (size_t at = 0; at < size; at++)
            for (unsigned c = 1; c < 0x80; c++) {
                char value[18];
                char expected[3 + 18 + 3] = "CN=";
                char *out = expected + 3;
                memset(value, 'x', sizeof value);
                value[at] = (char)c;
                for (size_t i = 0; i < size; i++) {
                    const bool edge = (value[i] == ' ' && (i == 0 || i == size - 1)) || (value[i] == '#' && i == 0);
                    if (value[i] < 0x20 || value[i] == 0x7f) {
                        out += sprintf(out, "\\%02x", (unsigned)value[i]);
                        continue;
                    }
                    if (edge || strchr("\"+,;<>\\", value[i]) != NULL)
                        *out++ = '\\';
                    *out++ = value[i];
                }
                *out = '\0';
                assert_cn(CSI_DER_UTF8_STRING, value, size, expected);
                assert_cn(CSI_DER_PRINTABLE_STRING, value, size, expected);
            }
}

static void every_kind_of_string_is_read(void **state)
{
    (void)state;
    enum { NUMERIC = 0x12, OCTETS = 0x04 };
    assert_cn(CSI_DER_PRINTABLE_STRING, "abc", 3, "CN=abc");
    assert_cn(CSI_DER_IA5_STRING, "a@b", 3, "CN=a@b");
    assert_cn(NUMERIC, "12", 2, "CN=12");
    assert_cn(CSI_DER_T61_STRING, "M\xfcnchen", 7, "CN=M\xc3\xbcnchen");
    assert_cn(CSI_DER_BMP_STRING, "\0M\0\xfc", 4, "CN=M\xc3\xbc");
    assert_cn(CSI_DER_UNIVERSAL_STRING, "\0\1\xf6\0", 4, "CN=\xf0\x9f\x98\x80");
    assert_cn(OCTETS, "ab", 2, "CN=#04026162");
    assert_cn(CSI_DER_BMP_STRING, "abc", 3, "CN=#1e03616263");
}

static void the_most_specific_part_comes_first(void **state)
{
    (void)state;
    X509 *x = make_cert(&(struct make_cert){ .subject = "CN=web,OU=Ops,O=Example,DC=example,DC=org", .key = make_key("ED25519", 1) });
    CSI_AUTO(csi_blob) *der = make_der(x);
    X509_free(x);
    struct csi_cert_view view;
    CSI_AUTO_BUF text = { 0 };
    assert_true(csi_cert_skim(csi_blob_span(der), &view));
    assert_true(csi_name_text(view.subject, &text));
    csi_buf_put_u8(&text, 0);
    assert_string_equal((const char *)text.data, "CN=web,OU=Ops,O=Example,DC=example,DC=org");
    const uint8_t *der_name = view.subject.data; /* where the order is the other way round */
    assert_true(memmem(der_name, view.subject.size, "org", 3) < memmem(der_name, view.subject.size, "web", 3));
}

static void parts_of_several_values_and_unknown_types_are_written_out(void **state)
{
    (void)state;
    static const uint8_t name[] = { 0x30, 0x1f, 0x31, 0x1d, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x03, 'w', 'e', 'b', 0x30,
                                    0x0f, 0x06, 0x06, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x01, 0x0c, 0x05, 'h',  'e',  'l', 'l', 'o' };
    CSI_AUTO_BUF text = { 0 };
    assert_true(csi_name_text(csi_span(name, sizeof name), &text));
    csi_buf_put_u8(&text, 0);
    assert_string_equal((const char *)text.data, "CN=web+1.3.6.1.4.1.1=#0c0568656c6c6f");
    for (size_t size = 0; size < sizeof name; size++) {
        CSI_AUTO_BUF ignored = { 0 };
        assert_false(csi_name_text(csi_span(name, size), &ignored));
    }
}

static void purposes_are_names_or_dotted_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *kept;
    } good[] = { { "serverAuth", "serverAuth" },
                 { "1.3.6.1.5.5.7.3.1", "serverAuth" },
                 { "any", "any" },
                 { "2.5.29.37.0", "any" },
                 { "1.3.6.1.4.1.311.10.3.4", "1.3.6.1.4.1.311.10.3.4" },
                 { "2.999.3", "2.999.3" } };
    static const char *const bad[] = { "", "serverauth", "1", "1.", ".1", "3.1", "1.40", "1.2.", "1..2", "1.2.x", "1.2.99999999999999999999999999" };
    uint8_t oid[32];
    size_t size;
    char text[64];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(csi_purpose_to_oid(good[i].given, oid, sizeof oid, &size));
        assert_true(csi_purpose_from_oid(csi_span(oid, size), text, sizeof text));
        assert_string_equal(text, good[i].kept);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(csi_purpose_to_oid(bad[i], oid, sizeof oid, &size));
    assert_false(csi_purpose_to_oid("serverAuth", oid, 7, &size));
}

static void a_report_keeps_its_rows_and_shows_no_control_characters(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO(certstore_report) *report = csi_report_new(&err);
    assert_int_equal(csi_report_add(report, "expired", CERTSTORE_FAULT, "web", &err, "line\nbreak %d", 7), CERTSTORE_OK);
    CSI_AUTO(certstore_report) *copy = csi_report_copy(report, &err);
    assert_int_equal(certstore_report_count(copy), 1);
    assert_string_equal(certstore_report_code(copy, 0), "expired");
    assert_string_equal(certstore_report_subject(copy, 0), "web");
    assert_int_equal(certstore_report_severity(copy, 0), CERTSTORE_FAULT);
    assert_null(strchr(certstore_report_message(copy, 0), '\n'));
    assert_null(certstore_report_code(copy, 1));
    assert_null(certstore_report_message(copy, SIZE_MAX));
    assert_int_equal(certstore_report_count(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(special_characters_are_escaped_where_rfc_4514_says),
        cmocka_unit_test(an_octet_is_escaped_wherever_it_stands),
        cmocka_unit_test(every_kind_of_string_is_read),
        cmocka_unit_test(the_most_specific_part_comes_first),
        cmocka_unit_test(parts_of_several_values_and_unknown_types_are_written_out),
        cmocka_unit_test(purposes_are_names_or_dotted_numbers),
        cmocka_unit_test(a_report_keeps_its_rows_and_shows_no_control_characters),
    };
    return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
