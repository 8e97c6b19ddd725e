/* SPDX-License-Identifier: Apache-2.0 */
/* when.c: times; see when.h. */
#include "when.h"

#include <ctype.h>
#include <errno.h>
#include <time.h>

#include "heap.h"

enum { HOUR = 3600, DAY = 24 * HOUR, WEEK = 7 * DAY };
/* 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z: what RFC 3339 can write. */
static const int64_t first_second = -62167219200;
static const int64_t last_second = 253402300799;

int64_t when_now(void)
{
    return (int64_t)time(NULL);
}

/* Digits in front of what follows; snprintf would be half the time of a long listing. */
static char *put_digits(char *at, int value, int count, char follows)
{
    for (int i = count - 1; i >= 0; i--, value /= 10)
        at[i] = (char)('0' + value % 10);
    at[count] = follows;
    return at + count + 1;
}

/* The Gregorian calendar by arithmetic: gmtime() reads the time zone's file first, which UTC has no need of. Years are counted from March on, so that
 * the leap day is the last; a cycle of 400 of them has 146,097 days. */
static char *put_day(char *at, int64_t seconds, char follows)
{
    const int64_t since_march_0 = (seconds - first_second) / DAY - 60; /* 0000-03-01; the days before it count from the cycle before */
    const int64_t in_cycle = (since_march_0 + 146097) % 146097;
    const int64_t cycle = (since_march_0 + 146097) / 146097 - 1;
    const int64_t year = (in_cycle - in_cycle / 1460 + in_cycle / 36524 - in_cycle / 146096) / 365;
    const int64_t in_year = in_cycle - (365 * year + year / 4 - year / 100);
    const int64_t month = (5 * in_year + 2) / 153; /* from March: 31, 30, 31, 30, 31 days, and again */
    const int64_t day = in_year - (153 * month + 2) / 5 + 1;
    const bool next_year = month >= 10;
    at = put_digits(at, (int)(cycle * 400 + year + next_year), 4, '-');
    at = put_digits(at, (int)(next_year ? month - 9 : month + 3), 2, '-');
    return put_digits(at, (int)day, 2, follows);
}

static bool has_a_date(int64_t seconds)
{
    return seconds >= first_second && seconds <= last_second;
}

char *when_rfc3339(int64_t seconds)
{
    char text[sizeof "2026-11-22T05:32:02Z"];
    if (!has_a_date(seconds))
        return NULL;
    const int in_day = (int)((seconds - first_second) % DAY);
    char *at = put_day(text, seconds, 'T');
    at = put_digits(at, in_day / HOUR, 2, ':');
    at = put_digits(at, in_day / 60 % 60, 2, ':');
    at = put_digits(at, in_day % 60, 2, 'Z');
    return heap_copy_part(text, (size_t)(at - text));
}

const char *when_day(int64_t seconds, char text[WHEN_DAY_SIZE])
{
    if (!has_a_date(seconds))
        return "-";
    put_day(text, seconds, '\0');
    return text;
}

const char *when_count(int64_t count, char text[WHEN_COUNT_SIZE])
{
    char *at = text + WHEN_COUNT_SIZE - 1;
    uint64_t left = count < 0 ? -(uint64_t)count : (uint64_t)count;
    *at = '\0';
    do
        *--at = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    if (count < 0)
        *--at = '-';
    return at;
}

int64_t when_days_left(int64_t not_after, int64_t now)
{
    if (not_after == INT64_MAX || not_after == INT64_MIN)
        return not_after;
    int64_t left = not_after - now;
    return left >= 0 ? left / DAY : -((-left + DAY - 1) / DAY);
}

bool when_parse_span(const char *text, int64_t *seconds)
{
    if (!isdigit((unsigned char)*text))
        return false;
    char *end;
    errno = 0;
    long count = strtol(text, &end, 10);
    if (errno != 0 || count > 1000000)
        return false;
    int64_t unit;
    switch (*end) {
    case 'h':
        unit = HOUR;
        break;
    case 'd':
    case '\0': /* a bare number is days */
        unit = DAY;
        break;
    case 'w':
        unit = WEEK;
        break;
    default:
        return false;
    }
    *seconds = count * unit;
    return *end == '\0' || end[1] == '\0';
}
