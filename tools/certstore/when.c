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

static bool parts_of(int64_t seconds, struct tm *parts)
{
    time_t at = (time_t)seconds;
    return seconds >= first_second && seconds <= last_second && gmtime_r(&at, parts) != NULL;
}

char *when_rfc3339(int64_t seconds)
{
    struct tm parts;
    char text[sizeof "2026-11-22T05:32:02Z"];
    if (!parts_of(seconds, &parts))
        return NULL;
    char *at = put_digits(text, parts.tm_year + 1900, 4, '-');
    at = put_digits(at, parts.tm_mon + 1, 2, '-');
    at = put_digits(at, parts.tm_mday, 2, 'T');
    at = put_digits(at, parts.tm_hour, 2, ':');
    at = put_digits(at, parts.tm_min, 2, ':');
    at = put_digits(at, parts.tm_sec, 2, 'Z');
    return heap_copy_part(text, (size_t)(at - text));
}

char *when_day(int64_t seconds)
{
    struct tm parts;
    char text[sizeof "2026-11-22"];
    if (!parts_of(seconds, &parts))
        return heap_copy("-");
    char *at = put_digits(text, parts.tm_year + 1900, 4, '-');
    at = put_digits(at, parts.tm_mon + 1, 2, '-');
    put_digits(at, parts.tm_mday, 2, '\0');
    return heap_copy(text);
}

char *when_count(int64_t count)
{
    char text[24];
    char *at = text + sizeof text - 1;
    uint64_t left = count < 0 ? -(uint64_t)count : (uint64_t)count;
    *at = '\0';
    do
        *--at = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    if (count < 0)
        *--at = '-';
    return heap_copy(at);
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
