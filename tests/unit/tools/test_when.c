/* SPDX-License-Identifier: Apache-2.0 */
/* test_when.c: dates as RFC 3339 writes them, days left, and lengths of time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "heap.h"
#include "when.h"

static void times_are_written_as_rfc_3339(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {
        { 0, "1970-01-01T00:00:00Z" },
        { -1, "1969-12-31T23:59:59Z" },
        { 1795325522, "2026-11-22T05:32:02Z" },
        { 253402300799, "9999-12-31T23:59:59Z" },
        { -62167219200, "0000-01-01T00:00:00Z" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        OWNED(owned_chars) *text = when_rfc3339(cases[i].seconds);
        assert_string_equal(text, cases[i].text);
    }
    assert_null(when_rfc3339(253402300800));
    assert_null(when_rfc3339(INT64_MIN));
    assert_null(when_rfc3339(INT64_MAX));
    char text[WHEN_DAY_SIZE];
    assert_string_equal(when_day(0, text), "1970-01-01");
    assert_string_equal(when_day(INT64_MAX, text), "-");
}

/* Every day of the ten thousand years, beside the C library's calendar. */
static void every_day_is_the_calendars(void **state)
{
    (void)state;
    for (int64_t seconds = -62167219200; seconds <= 253402300799; seconds += 86400) {
        const time_t at = (time_t)(seconds + 86399);
        struct tm parts;
        char day[WHEN_DAY_SIZE];
        char wanted[32];
        assert_non_null(gmtime_r(&at, &parts));
        snprintf(wanted, sizeof wanted, "%04d-%02d-%02d", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
        assert_string_equal(when_day(seconds, day), wanted);
        assert_string_equal(when_day(seconds + 86399, day), wanted);
    }
}

static void counts_of_any_size_are_written(void **state)
{
    (void)state;
    char text[WHEN_COUNT_SIZE];
    assert_string_equal(when_count(0, text), "0");
    assert_string_equal(when_count(-7, text), "-7");
    assert_string_equal(when_count(3410, text), "3410");
    assert_string_equal(when_count(INT64_MIN, text), "-9223372036854775808");
    assert_string_equal(when_count(INT64_MAX, text), "9223372036854775807");
}

static void days_left_are_rounded_down(void **state)
{
    (void)state;
    assert_int_equal(when_days_left(86400, 0), 1);
    assert_int_equal(when_days_left(86399, 0), 0);
    assert_int_equal(when_days_left(0, 0), 0);
    assert_int_equal(when_days_left(-1, 0), -1);
    assert_int_equal(when_days_left(-86400, 0), -1);
    assert_int_equal(when_days_left(-86401, 0), -2);
    assert_true(when_days_left(INT64_MAX, 0) == INT64_MAX);
}

static void a_length_of_time_has_a_unit(void **state)
{
    (void)state;
    int64_t seconds = 0;
    assert_true(when_parse_span("12h", &seconds));
    assert_int_equal(seconds, 43200);
    assert_true(when_parse_span("30d", &seconds));
    assert_int_equal(seconds, 30 * 86400);
    assert_true(when_parse_span("4w", &seconds));
    assert_int_equal(seconds, 28 * 86400);
    assert_true(when_parse_span("7", &seconds));
    assert_int_equal(seconds, 7 * 86400);
    static const char *const none[] = { "", "d", "-3d", "3x", "3dd", "d3", " 3d", "99999999999999999999d", "2000000d" };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_false(when_parse_span(none[i], &seconds));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_written_as_rfc_3339),  cmocka_unit_test(every_day_is_the_calendars),
        cmocka_unit_test(counts_of_any_size_are_written), cmocka_unit_test(days_left_are_rounded_down),
        cmocka_unit_test(a_length_of_time_has_a_unit),
    };
    return cmocka_run_group_tests_name("when", tests, NULL, NULL);
}
