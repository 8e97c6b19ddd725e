/* SPDX-License-Identifier: Apache-2.0 */
/* purpose.c: trust purposes and their OIDs (RFC 5280 section 4.2.1.12). */
#include "model/purpose.h"

#include "base/reader.h"

static const struct purpose {
    const char *name;
    uint8_t size;
    uint8_t oid[8];
} purposes[] = {
    { "any", 4, { 0x55, 0x1d, 0x25, 0x00 } }, /* anyExtendedKeyUsage 2.5.29.37.0 */
    { "serverAuth", 8, { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01 } },
    { "clientAuth", 8, { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02 } },
    { "codeSigning", 8, { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03 } },
    { "emailProtection", 8, { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x04 } },
    { "timeStamping", 8, { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08 } },
    { "OCSPSigning", 8, { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x09 } },
};
enum { PURPOSE_COUNT = sizeof purposes / sizeof *purposes };

/* One arc of a dotted OID, base 128 (X.690 section 8.19.2). */
static bool put_arc(uint64_t arc, uint8_t *oid, size_t room, size_t *size)
{
    uint8_t digits[10];
    size_t count = 0;
    do {
        digits[count++] = (uint8_t)(arc & 0x7f);
        arc >>= 7;
    } while (arc > 0);
    if (count > room - *size)
        return false;
    while (count-- > 0)
        oid[(*size)++] = (uint8_t)(digits[count] | (count > 0 ? 0x80 : 0));
    return true;
}

static bool read_arc(const char **text, uint64_t *arc)
{
    uint64_t value = 0;
    const char *at = *text;
    if (*at < '0' || *at > '9')
        return false;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *text = at;
    *arc = value;
    return true;
}

static bool dotted_to_oid(const char *text, uint8_t *oid, size_t room, size_t *size)
{
    uint64_t first;
    uint64_t arc;
    size_t used = 0;
    if (!read_arc(&text, &first) || first > 2 || *text++ != '.' || !read_arc(&text, &arc) || (first < 2 && arc > 39) ||
        arc > UINT64_MAX - first * 40 || !put_arc(first * 40 + arc, oid, room, &used))
        return false;
    while (*text == '.') {
        text++;
        if (!read_arc(&text, &arc) || !put_arc(arc, oid, room, &used))
            return false;
    }
    *size = used;
    return *text == '\0';
}

bool csi_purpose_to_oid(const char *purpose, uint8_t *oid, size_t room, size_t *size)
{
    for (size_t i = 0; i < PURPOSE_COUNT; i++) {
        if (strcmp(purpose, purposes[i].name) != 0)
            continue;
        if (room < purposes[i].size)
            return false;
        memcpy(oid, purposes[i].oid, purposes[i].size);
        *size = purposes[i].size;
        return true;
    }
    return dotted_to_oid(purpose, oid, room, size);
}

bool csi_purpose_from_oid(struct csi_span oid, char *text, size_t room)
{
    for (size_t i = 0; i < PURPOSE_COUNT; i++) {
        if (!csi_span_equal(oid, csi_span(purposes[i].oid, purposes[i].size)))
            continue;
        const size_t size = strlen(purposes[i].name) + 1;
        if (size > room)
            return false;
        memcpy(text, purposes[i].name, size);
        return true;
    }
    return csi_oid_text(oid, text, room);
}
