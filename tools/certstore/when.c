/* SPDX-License-Identifier: Apache-2.0 */
/* when.c: times; see when.h. */
#include "when.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
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

static char *format(int64_t seconds, const char *pattern)
{
    if (seconds < first_second || seconds > last_second)
        return NULL;
    time_t at = (time_t)seconds;
    struct tm parts;
    char text[32];
    if (gmtime_r(&at, &parts) == NULL)
        return NULL;
    snprintf(text, sizeof text, pattern, parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
    return heap_copy(text);
}

char *when_rfc3339(int64_t seconds)
{
    return format(seconds, "%04d-%02d-%02dT%02d:%02d:%02dZ");
}

char *when_day(int64_t seconds)
{
    char *text = format(seconds, "%04d-%02d-%02d");
    return text != NULL ? text : heap_copy("-");
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
