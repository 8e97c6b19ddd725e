/* SPDX-License-Identifier: Apache-2.0 */
/* test_error.c: the first error stays, and a message is one line of UTF-8 whatever went into it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/text.h"

static void the_first_error_stays_until_it_is_cleared(void **state)
{
    (void)state;
    certstore_error *err = certstore_error_new();
    assert_int_equal(certstore_error_status(err), CERTSTORE_OK);
    assert_string_equal(certstore_error_message(err), "");
    assert_int_equal(csi_fail(err, CERTSTORE_E_PASSWORD, "key: %s", "wrong"), CERTSTORE_E_PASSWORD);
    assert_int_equal(csi_fail(err, CERTSTORE_E_MEMORY, "later"), CERTSTORE_E_PASSWORD);
    assert_int_equal(csi_fail_errno(err, ENOSPC, "later"), CERTSTORE_E_PASSWORD);
    assert_string_equal(certstore_error_message(err), "key: wrong");
    certstore_error_clear(err);
    assert_int_equal(csi_fail_errno(err, ENOSPC, "disk: full"), CERTSTORE_E_NO_SPACE);
    assert_string_equal(certstore_error_cause(err), "No space left on device");
    certstore_error_free(err);
    certstore_error_free(NULL);
    certstore_error_clear(NULL);
    assert_int_equal(certstore_error_status(NULL), CERTSTORE_OK);
    assert_string_equal(certstore_error_subject(NULL), "");
}

static void the_subject_is_named_once(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    csi_error_about(&err, "pem:/a");
    assert_string_equal(err.message, "");
    csi_fail(&err, CERTSTORE_E_TRUNCATED, "the file ends too early");
    csi_error_about(&err, "pem:/a");
    csi_error_about(&err, "pem:/b");
    assert_string_equal(err.message, "pem:/a: the file ends too early");
    assert_string_equal(err.subject, "pem:/a");
}

static void a_message_is_printable_and_stays_utf8_when_it_is_cut(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    csi_fail(&err, CERTSTORE_E_ARGUMENT, "a\nb\x1b[31m \xc3\xbc \xff \xc0\x80 \xed\xa0\x80 \xc2\x9b");
    assert_string_equal(err.message, "a?b?[31m \xc3\xbc ? ?? ??? ??");
    for (size_t lead = 0; lead < 4; lead++) {
        char text[2 * sizeof err.message] = "aaa";
        certstore_error_clear(&err);
        for (size_t i = lead; i + 5 < sizeof text; i += 4)
            memcpy(text + i, "\xf0\x9f\x98\x80", 5);
        csi_fail(&err, CERTSTORE_E_ARGUMENT, "%s", text);
        assert_int_equal(strlen(err.message), sizeof err.message - 1);
        assert_true(csi_utf8_valid(csi_span_text(err.message)));
    }
}

static void every_status_has_its_own_name(void **state)
{
    (void)state;
    for (int i = 0; i <= CERTSTORE_E_BOUND; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(certstore_status_name((certstore_status)i), certstore_status_name((certstore_status)j));
    assert_string_equal(certstore_status_name(CERTSTORE_E_IN_DOUBT), "IN_DOUBT");
    assert_string_equal(certstore_status_name((certstore_status)(CERTSTORE_E_BOUND + 1)), "UNKNOWN");
    assert_string_equal(certstore_status_name((certstore_status)-1), "UNKNOWN");
}

static void bytes_end_in_a_nul_that_does_not_count(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO_BUF buf = { 0 };
    csi_buf_put_text(&buf, "abc");
    CSI_AUTO(certstore_bytes) *bytes = csi_bytes_from_buf(&buf, &err);
    assert_int_equal(certstore_bytes_size(bytes), 3);
    assert_string_equal((const char *)certstore_bytes_data(bytes), "abc");
    assert_int_equal(certstore_bytes_size(NULL), 0);
    assert_null(certstore_bytes_data(NULL));
    CSI_AUTO_BUF failed = { .failed = true };
    assert_null(csi_bytes_from_buf(&failed, &err));
    assert_int_equal(err.status, CERTSTORE_E_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_error_stays_until_it_is_cleared),
        cmocka_unit_test(the_subject_is_named_once),
        cmocka_unit_test(a_message_is_printable_and_stays_utf8_when_it_is_cut),
        cmocka_unit_test(every_status_has_its_own_name),
        cmocka_unit_test(bytes_end_in_a_nul_that_does_not_count),
    };
    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
