/* SPDX-License-Identifier: Apache-2.0 */
/* when.h: times as people and programs read them. Seconds since 1970 UTC in an int64_t throughout. */
#ifndef TOOL_WHEN_H
#define TOOL_WHEN_H

#include <stdbool.h>
#include <stdint.h>

int64_t when_now(void);
/* RFC 3339 in UTC ("2026-11-22T05:32:02Z"), owned; NULL for a time outside the years 0 to 9999. */
char *when_rfc3339(int64_t seconds);
/* The day alone ("2026-11-22"), written where the caller says and returned; "-" where there is none. */
enum { WHEN_DAY_SIZE = sizeof "2026-11-22", WHEN_COUNT_SIZE = sizeof "-9223372036854775808" };
const char *when_day(int64_t seconds, char text[WHEN_DAY_SIZE]);
/* A number, likewise. */
const char *when_count(int64_t count, char text[WHEN_COUNT_SIZE]);
/* Whole days from now, rounded down: 0 on the last day, negative once it is over. */
int64_t when_days_left(int64_t not_after, int64_t now);
/* "30d", "4w", "12h" in seconds. False: not a length of time. */
bool when_parse_span(const char *text, int64_t *seconds);

#endif
