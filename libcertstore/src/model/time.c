/* SPDX-License-Identifier: Apache-2.0 */
/*
 * time.c: UTCTime and GeneralizedTime. RFC 5280 section 4.1.2.5 wants seconds and a Z; stores hold older certificates that leave the seconds out
 * or give an offset (X.680 sections 46 and 47), and their dates are as good.
 */
#include <stdio.h>

#include "model/cert.h"

static bool two_digits(struct csi_reader *r, int *value)
{
    struct csi_span text;
    if (!csi_read_span(r, 2, &text))
        return false;
    int high = text.data[0] - '0';
    int low = text.data[1] - '0';
    if (high < 0 || high > 9 || low < 0 || low > 9)
        return false;
    *value = high * 10 + low;
    return true;
}

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from 1970-01-01 in the proleptic Gregorian calendar; false when there is no such day. */
static bool days_of(int year, int month, int day, int64_t *days)
{
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
    if (month < 1 || month > 12 || day < 1 || day > lengths[month - 1] + (month == 2 && is_leap(year)))
        return false;
    int64_t past = (int64_t)year - 1; /* whole years since year 1; year 0 comes out right as well, since it is a leap year */
    int64_t leaps = year > 0 ? past / 4 - past / 100 + past / 400 : -1;
    *days = past * 365 + leaps + before[month - 1] + (month > 2 && is_leap(year)) + day - 1 - 719162;
    return true;
}

static bool year_of(struct csi_reader *r, uint8_t tag, int *year)
{
    int high;
    int low;
    if (!two_digits(r, &high))
        return false;
    if (tag == CSI_DER_UTC_TIME) {
        *year = high < 50 ? 2000 + high : 1900 + high; /* RFC 5280 section 4.1.2.5.1 */
        return true;
    }
    if (tag != CSI_DER_GENERALIZED_TIME || !two_digits(r, &low))
        return false;
    *year = high * 100 + low;
    return true;
}

/* Seconds, and the fraction of a GeneralizedTime, which is passed over. */
static bool seconds_of(struct csi_reader *r, uint8_t tag, int *second)
{
    *second = 0;
    if (csi_left(r) == 0 || *r->at < '0' || *r->at > '9')
        return true;
    if (!two_digits(r, second) || *second > 60)
        return false;
    if (tag == CSI_DER_GENERALIZED_TIME && csi_left(r) > 0 && (*r->at == '.' || *r->at == ',')) {
        do
            r->at++;
        while (csi_left(r) > 0 && *r->at >= '0' && *r->at <= '9');
    }
    return true;
}

/* "Z", or "+hhmm" and "-hhmm": what local time is ahead by. */
static bool offset_of(struct csi_reader *r, int *offset)
{
    uint8_t sign;
    int hours;
    int minutes;
    if (!csi_read_u8(r, &sign))
        return false;
    *offset = 0;
    if (sign == 'Z')
        return true;
    if ((sign != '+' && sign != '-') || !two_digits(r, &hours) || !two_digits(r, &minutes) || hours > 23 || minutes > 59)
        return false;
    *offset = (sign == '+' ? 1 : -1) * (hours * 60 + minutes) * 60;
    return true;
}

bool csi_time_from_der(struct csi_span time, int64_t *seconds)
{
    struct csi_reader whole = csi_reader(time);
    struct csi_tlv tlv;
    int year;
    int month;
    int day;
    int hour;
    int minute;
    int second;
    int offset;
    int64_t days;
    if (!csi_der_next(&whole, &tlv) || csi_left(&whole) != 0)
        return false;
    struct csi_reader r = csi_reader(tlv.content);
    if (!year_of(&r, tlv.tag, &year) || !two_digits(&r, &month) || !two_digits(&r, &day) || !two_digits(&r, &hour) || !two_digits(&r, &minute) ||
        hour > 23 || minute > 59 || !seconds_of(&r, tlv.tag, &second) || !offset_of(&r, &offset) || csi_left(&r) != 0 ||
        !days_of(year, month, day, &days))
        return false;
    *seconds = days * 86400 + hour * 3600 + minute * 60 + second - offset;
    return true;
}

void csi_time_text(int64_t seconds, char text[CSI_TIME_TEXT_SIZE])
{
    int64_t days = seconds / 86400 - (seconds % 86400 < 0);
    int64_t rest = seconds - days * 86400;
    int64_t first;
    int year = 0;
    for (int step = 8192; step > 0; step /= 2) { /* the last year that does not begin after the day */
        if (year + step <= 9999 && days_of(year + step, 1, 1, &first) && first <= days)
            year += step;
    }
    int month = 1;
    while (month < 12 && days_of(year, month + 1, 1, &first) && first <= days)
        month++;
    days_of(year, month, 1, &first);
    int64_t day = days - first + 1;
    if (day < 1 || day > 31) {
        snprintf(text, CSI_TIME_TEXT_SIZE, "%s", days < 0 ? "before the year 0" : "after the year 9999");
        return;
    }
    snprintf(text, CSI_TIME_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02dZ", year % 10000, month, (int)day, (int)(rest / 3600), (int)(rest / 60 % 60),
             (int)(rest % 60));
}
