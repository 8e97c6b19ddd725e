/* SPDX-License-Identifier: Apache-2.0 */
/* skim.c: certificates without X509 objects: bounds-checked DER, days from a civil date, a hash table of aliases, lines in one buffer. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "floor/skim.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/sha.h>

static bool two_digits(const uint8_t *at, int *value)
{
    *value = (at[0] - '0') * 10 + (at[1] - '0');
    return at[0] >= '0' && at[0] <= '9' && at[1] >= '0' && at[1] <= '9';
}

/* Days since 1970 of a civil date, counted in years that begin in March. */
static int64_t days(int year, int month, int day)
{
    year -= month <= 2;
    int64_t era = year / 400;
    int64_t in_era = year - era * 400;
    int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

static bool time_of(const struct item *time, int64_t *seconds)
{
    const uint8_t *at = time->content;
    size_t size = (size_t)(time->end - at);
    int century = 0;
    int part[6];
    if (!(time->tag == 0x17 && size == 13) && !(time->tag == 0x18 && size == 15))
        return false;
    if (time->tag == 0x18) {
        if (!two_digits(at, &century))
            return false;
        at += 2;
    }
    for (int i = 0; i < 6; i++)
        if (!two_digits(at + 2 * (size_t)i, &part[i]))
            return false;
    int year = time->tag == 0x18 ? century * 100 + part[0] : part[0] + (part[0] < 50 ? 2000 : 1900);
    *seconds = ((days(year, part[1], part[2]) * 24 + part[3]) * 60 + part[4]) * 60 + part[5];
    return true;
}

bool skim(const uint8_t *der, size_t size, struct certificate *found)
{
    const uint8_t *at = der;
    struct item outer;
    struct item tbs;
    struct item item;
    if (!der_next(&at, der + size, &outer) || outer.tag != 0x30)
        return false;
    at = outer.content;
    if (!der_next(&at, outer.end, &tbs) || tbs.tag != 0x30)
        return false;
    at = tbs.content;
    if (!der_next(&at, tbs.end, &item))
        return false;
    if (item.tag == 0xa0 && !der_next(&at, tbs.end, &item)) /* version, then the serial number */
        return false;
    for (int i = 0; i < 2; i++) /* signature, issuer */
        if (!der_next(&at, tbs.end, &item))
            return false;
    if (!der_next(&at, tbs.end, &item) || item.tag != 0x30)
        return false;
    const uint8_t *dates = item.content;
    struct item date;
    if (!der_next(&dates, item.end, &date) || !der_next(&dates, item.end, &date) || !time_of(&date, &found->not_after))
        return false;
    if (!der_next(&at, tbs.end, &item) || item.tag != 0x30)
        return false;
    found->subject = (struct bytes){ (uint8_t *)(uintptr_t)item.whole, (size_t)(item.end - item.whole) };
    return true;
}

static void place(struct catalogue *c, size_t index)
{
    size_t slot = c->rows[index].alias_hash & c->slot_mask;
    while (c->slots[slot] != 0)
        slot = (slot + 1) & c->slot_mask;
    c->slots[slot] = (uint32_t)index + 1;
}

static void grow(struct catalogue *c)
{
    c->capacity = c->capacity > 0 ? c->capacity * 2 : 256;
    c->rows = realloc(c->rows, c->capacity * sizeof *c->rows);
    free(c->slots);
    c->slots = calloc(c->capacity * 2, sizeof *c->slots);
    if (c->rows == NULL || c->slots == NULL)
        die("no memory for the catalogue");
    c->slot_mask = c->capacity * 2 - 1;
    for (size_t i = 0; i < c->count; i++)
        place(c, i);
}

void catalogue_add(struct catalogue *c, const char *alias, size_t alias_size, struct row row)
{
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < alias_size; i++)
        hash = (hash ^ (uint8_t)alias[i]) * 16777619U;
    row.alias_hash = hash;
    if (c->count == c->capacity)
        grow(c);
    c->rows[c->count] = row;
    place(c, c->count++);
}

void catalogue_free(struct catalogue *c)
{
    free(c->rows);
    free(c->slots);
    *c = (struct catalogue){ .count = 0 };
}

static char out[1 << 16];
static size_t used;

static void flush(void)
{
    for (size_t done = 0; done < used;) {
        ssize_t put = write(STDOUT_FILENO, out + done, used - done);
        if (put <= 0)
            die("the output cannot be written");
        done += (size_t)put;
    }
    used = 0;
}

static void put(const char *text, size_t size)
{
    if (size > sizeof out)
        die("a line is too long");
    if (sizeof out - used < size)
        flush();
    memcpy(out + used, text, size);
    used += size;
}

static const struct attribute {
    uint8_t size;
    uint8_t oid[10];
    const char *name;
} attributes[] = {
    { 3, { 0x55, 4, 3 }, "CN" },
    { 3, { 0x55, 4, 10 }, "O" },
    { 3, { 0x55, 4, 11 }, "OU" },
    { 3, { 0x55, 4, 6 }, "C" },
    { 3, { 0x55, 4, 7 }, "L" },
    { 3, { 0x55, 4, 8 }, "ST" },
    { 3, { 0x55, 4, 5 }, "serialNumber" },
    { 3, { 0x55, 4, 97 }, "organizationIdentifier" },
    { 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01 }, "emailAddress" },
    { 10, { 0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19 }, "DC" },
};

static void put_rdn(const struct item *rdn)
{
    const uint8_t *at = rdn->content;
    for (bool first = true; at < rdn->end; first = false) {
        const char *name = "?";
        struct item pair = der_need(&at, rdn->end, 0x30);
        const uint8_t *inner = pair.content;
        struct item oid = der_need(&inner, pair.end, 0x06);
        struct item value;
        if (!der_next(&inner, pair.end, &value))
            die("a name's attribute has no value");
        for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
            if (attributes[i].size == oid.end - oid.content && memcmp(attributes[i].oid, oid.content, attributes[i].size) == 0)
                name = attributes[i].name;
        if (!first)
            put("+", 1);
        put(name, strlen(name));
        put("=", 1);
        for (const uint8_t *c = value.content; c < value.end; c++) {
            if (strchr(",+\"\\<>;", *c) != NULL && *c != 0)
                put("\\", 1);
            put((const char *)c, 1);
        }
    }
}

/* RFC 2253: the last RDN comes first. */
static void put_name(struct bytes name)
{
    enum { MOST = 64 };
    struct item rdns[MOST];
    size_t count = 0;
    const uint8_t *at = name.data;
    struct item outer = der_need(&at, name.data + name.size, 0x30);
    for (at = outer.content; at < outer.end && count < MOST;)
        rdns[count++] = der_need(&at, outer.end, 0x31);
    for (size_t i = count; i-- > 0;) {
        put_rdn(&rdns[i]);
        if (i > 0)
            put(",", 1);
    }
}

static void put_date(int64_t seconds)
{
    int64_t z = seconds / 86400 + 719468;
    int64_t era = z / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int64_t month = mp < 10 ? mp + 3 : mp - 9;
    int64_t year = yoe + era * 400 + (month <= 2);
    int64_t day = doy - (153 * mp + 2) / 5 + 1;
    char text[10] = { (char)('0' + year / 1000 % 10),
                      (char)('0' + year / 100 % 10),
                      (char)('0' + year / 10 % 10),
                      (char)('0' + year % 10),
                      '-',
                      (char)('0' + month / 10),
                      (char)('0' + month % 10),
                      '-',
                      (char)('0' + day / 10),
                      (char)('0' + day % 10) };
    put(text, sizeof text);
}

void print_row(const char *alias, size_t alias_size, struct certificate found, const uint8_t *der, size_t size)
{
    static const char hex[] = "0123456789abcdef";
    uint8_t digest[32];
    char text[64];
    SHA256_CTX sha;
    SHA256_Init(&sha);
    SHA256_Update(&sha, der, size);
    SHA256_Final(digest, &sha);
    for (size_t i = 0; i < sizeof digest; i++) {
        text[2 * i] = hex[digest[i] >> 4];
        text[2 * i + 1] = hex[digest[i] & 15];
    }
    put(alias, alias_size);
    put("\t", 1);
    put_name(found.subject);
    put("\t", 1);
    put_date(found.not_after);
    put("\t", 1);
    put(text, sizeof text);
    put("\n", 1);
}

void print_end(void)
{
    flush();
}
