/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gen.c: the stores that the benchmark reads, the same bytes on every machine: `gen DIRECTORY SHAPE...`, SHAPE being rsa-N, ec-N or
 * real=BUNDLE. Each shape is written as SHAPE.pem, SHAPE.jks and SHAPE.p12, passphrase "changeit", as keytool and OpenSSL 3 would.
 *
 * Keys and signatures are fixed numbers (signing 100,000 certificates takes a minute, and no program that lists a store checks a
 * signature); serial number, subject and dates are functions of the certificate's number.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "support/common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

static const char password[] = "changeit";

/* splitmix64: the number's hash. */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
    return x ^ x >> 31;
}

static void fill(uint8_t *data, size_t size, uint64_t seed)
{
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(mix(seed * 4096 + i / 8) >> 8 * (i % 8));
}

static const uint8_t sha256_rsa[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b };
static const uint8_t rsa[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 };
static const uint8_t sha256_ecdsa[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
static const uint8_t ec[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
static const uint8_t p256[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
/* The generator of P-256: a point of the curve that needs no making. */
static const uint8_t point[] = { 0x00, 0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40,
                                 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
                                 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b,
                                 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5 };

static void put_rdn(struct back *b, uint8_t type, uint8_t tag, const char *text)
{
    const uint8_t *end = b->at;
    back_element(b, tag, text, strlen(text));
    back_element(b, 0x06, (uint8_t[]){ 0x55, 0x04, type }, 3);
    back_wrap(b, 0x30, end);
    back_wrap(b, 0x31, end);
}

static void put_name(struct back *b, const char *unit, const char *common)
{
    const uint8_t *end = b->at;
    put_rdn(b, 3, 0x0c, common);
    put_rdn(b, 11, 0x0c, unit);
    put_rdn(b, 10, 0x0c, "Benchmark Trust Services");
    put_rdn(b, 6, 0x13, "DE");
    back_wrap(b, 0x30, end);
}

static void put_extension(struct back *b, uint8_t last, bool critical, const void *value, size_t size)
{
    const uint8_t *end = b->at;
    back_element(b, 0x04, value, size);
    if (critical)
        back_element(b, 0x01, "\xff", 1);
    back_element(b, 0x06, (uint8_t[]){ 0x55, 0x1d, last }, 3);
    back_wrap(b, 0x30, end);
}

static void put_extensions(struct back *b, uint64_t number)
{
    const uint8_t *end = b->at;
    uint8_t key_id[24] = { 0x30, 22, 0x80, 20 };
    fill(key_id + 4, 20, 7);
    put_extension(b, 35, false, key_id, 24);
    key_id[2] = 0x04;
    fill(key_id + 4, 20, number + 100);
    put_extension(b, 14, false, key_id + 2, 22);
    put_extension(b, 15, true, (uint8_t[]){ 0x03, 0x02, 0x01, 0x06 }, 4);
    put_extension(b, 19, true, (uint8_t[]){ 0x30, 0x03, 0x01, 0x01, 0xff }, 5);
    back_wrap(b, 0x30, end);
    back_wrap(b, 0xa3, end);
}

static void put_time(struct back *b, int64_t seconds)
{
    char text[40];
    time_t t = (time_t)seconds;
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(text, sizeof text, "%y%m%d%H%M%SZ", &tm);
    back_element(b, 0x17, text, 13);
}

static void put_algorithm(struct back *b, bool is_ec)
{
    const uint8_t *end = b->at;
    if (!is_ec)
        back_element(b, 0x05, "", 0);
    back_element(b, 0x06, is_ec ? sha256_ecdsa : sha256_rsa, is_ec ? sizeof sha256_ecdsa : sizeof sha256_rsa);
    back_wrap(b, 0x30, end);
}

static void put_key(struct back *b, bool is_ec)
{
    const uint8_t *end = b->at;
    if (is_ec) {
        back_element(b, 0x03, point, sizeof point);
    } else {
        uint8_t modulus[257] = { 0 };
        fill(modulus + 1, 256, 1);
        modulus[1] |= 0x80;
        modulus[256] |= 1;
        back_uint(b, 65537);
        back_element(b, 0x02, modulus, sizeof modulus);
        back_wrap(b, 0x30, end);
        back_put(b, "", 1);
        back_wrap(b, 0x03, end);
    }
    const uint8_t *algorithm_end = b->at;
    back_element(b, is_ec ? 0x06 : 0x05, p256, is_ec ? sizeof p256 : 0);
    back_element(b, 0x06, is_ec ? ec : rsa, is_ec ? sizeof ec : sizeof rsa);
    back_wrap(b, 0x30, algorithm_end);
    back_wrap(b, 0x30, end);
}

static void put_signature(struct back *b, bool is_ec)
{
    const uint8_t *end = b->at;
    uint8_t number[256];
    fill(number, sizeof number, 2);
    number[0] &= 0x7f;
    number[0] |= 0x40;
    if (is_ec) {
        back_element(b, 0x02, number, 32);
        back_element(b, 0x02, number, 32);
        back_wrap(b, 0x30, end);
    } else {
        back_put(b, number, sizeof number);
    }
    back_put(b, "", 1);
    back_wrap(b, 0x03, end);
}

static struct bytes certificate(uint64_t number, bool is_ec)
{
    struct back b = back_new(2048);
    char unit[40];
    char common[60];
    uint8_t serial[16];
    int64_t start = 1577836800 + (int64_t)(mix(number) % 1000) * 86400; /* from 2020-01-01 on */
    fill(serial, sizeof serial, number + 1);
    serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40);
    snprintf(unit, sizeof unit, "Unit %02u", (unsigned)(mix(number) % 97));
    snprintf(common, sizeof common, "Benchmark Root %06u", (unsigned)number);
    put_signature(&b, is_ec);
    put_algorithm(&b, is_ec);
    const uint8_t *end = b.at;
    put_extensions(&b, number);
    put_key(&b, is_ec);
    put_name(&b, unit, common);
    const uint8_t *dates_end = b.at;
    put_time(&b, start + (int64_t)(3650 + mix(number + 5) % 3650) * 86400);
    put_time(&b, start);
    back_wrap(&b, 0x30, dates_end);
    put_name(&b, unit, common);
    put_algorithm(&b, is_ec);
    back_element(&b, 0x02, serial, sizeof serial);
    const uint8_t *version_end = b.at;
    back_uint(&b, 2);
    back_wrap(&b, 0xa0, version_end);
    back_wrap(&b, 0x30, end);
    back_wrap(&b, 0x30, b.end);
    return back_bytes(&b);
}

struct shape {
    char name[64];
    struct bytes *certificates;
    size_t count;
    size_t bytes;
};

static void add(struct shape *shape, struct bytes certificate)
{
    shape->certificates[shape->count++] = certificate;
    shape->bytes += certificate.size;
}

static FILE *create(const char *directory, const char *name, const char *suffix)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.%s", directory, name, suffix);
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        die("%s: cannot be made", path);
    return file;
}

static void write_pem(const struct shape *shape, const char *directory)
{
    FILE *file = create(directory, shape->name, "pem");
    for (size_t i = 0; i < shape->count; i++) {
        fputs("-----BEGIN CERTIFICATE-----\n", file);
        for (size_t at = 0; at < shape->certificates[i].size; at += 48) {
            uint8_t line[80];
            size_t left = shape->certificates[i].size - at;
            EVP_EncodeBlock(line, shape->certificates[i].data + at, (int)(left < 48 ? left : 48));
            fprintf(file, "%s\n", line);
        }
        fputs("-----END CERTIFICATE-----\n", file);
    }
    if (fclose(file) != 0)
        die("%s.pem: cannot be written", shape->name);
}

static void alias_of(const struct shape *shape, size_t index, char alias[64])
{
    snprintf(alias, 64, "%.3s-%06zu", shape->name, index);
}

static uint8_t *put_be(uint8_t *at, uint64_t value, int octets)
{
    for (int i = octets - 1; i >= 0; i--)
        *at++ = (uint8_t)(value >> 8 * i);
    return at;
}

static void write_jks(const struct shape *shape, const char *directory)
{
    uint8_t *store = need(12 + shape->bytes + shape->count * 128 + 20);
    uint8_t *at = put_be(store, 0xfeedfeed, 4);
    at = put_be(at, 2, 4);
    at = put_be(at, shape->count, 4);
    for (size_t i = 0; i < shape->count; i++) {
        char alias[64];
        alias_of(shape, i, alias);
        at = put_be(at, 2, 4);
        at = put_be(at, strlen(alias), 2);
        at = (uint8_t *)mempcpy(at, alias, strlen(alias));
        at = put_be(at, 1600000000000ULL + i, 8);
        at = put_be(at, 5, 2);
        at = (uint8_t *)mempcpy(at, "X.509", 5);
        at = put_be(at, shape->certificates[i].size, 4);
        at = (uint8_t *)mempcpy(at, shape->certificates[i].data, shape->certificates[i].size);
    }
    struct bytes content = { store, (size_t)(at - store) };
    jks_digest(password, content, at);
    FILE *file = create(directory, shape->name, "jks");
    fwrite(store, 1, content.size + 20, file);
    if (fclose(file) != 0)
        die("%s.jks: cannot be written", shape->name);
}

static void write_p12(const struct shape *shape, const char *directory)
{
    uint8_t random[3][P12_SALT];
    fill(&random[0][0], sizeof random, 3);
    struct p12 p12 = p12_begin(shape->count, shape->bytes);
    for (size_t i = shape->count; i-- > 0;) {
        char alias[64];
        alias_of(shape, i, alias);
        p12_add(&p12, alias, shape->certificates[i]);
    }
    struct bytes store = p12_end(&p12, password, (const uint8_t(*)[P12_SALT])random, random[2]);
    FILE *file = create(directory, shape->name, "p12");
    fwrite(store.data, 1, store.size, file);
    if (fclose(file) != 0)
        die("%s.p12: cannot be written", shape->name);
}

/* The certificates of a PEM bundle, as OpenSSL's tools would find them. */
static void read_bundle(struct shape *shape, const char *path)
{
    FILE *file = fopen(path, "r");
    char line[200];
    EVP_ENCODE_CTX *base64 = EVP_ENCODE_CTX_new();
    struct bytes der = { NULL, 0 };
    int got = 0;
    if (file == NULL)
        die("%s: cannot be read", path);
    while (fgets(line, sizeof line, file) != NULL && shape->count < 10000) {
        if (strncmp(line, "-----BEGIN CERTIFICATE", 22) == 0) {
            der = (struct bytes){ need(65536), 0 };
            EVP_DecodeInit(base64);
        } else if (strncmp(line, "-----END", 8) == 0 && der.data != NULL) {
            EVP_DecodeFinal(base64, der.data + der.size, &got);
            der.size += (size_t)got;
            add(shape, der);
            der.data = NULL;
        } else if (der.data != NULL && der.size < 65000) {
            if (EVP_DecodeUpdate(base64, der.data + der.size, &got, (const uint8_t *)line, (int)strlen(line)) < 0)
                die("%s: no base64", path);
            der.size += (size_t)got;
        }
    }
    EVP_ENCODE_CTX_free(base64);
    fclose(file);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        die("usage: gen DIRECTORY (rsa-N | ec-N | real=BUNDLE)...");
    for (int i = 2; i < argc; i++) {
        const char *spec = argv[i];
        struct shape shape = { .count = 0 };
        bool is_ec = strncmp(spec, "ec-", 3) == 0;
        if (strncmp(spec, "real=", 5) == 0) {
            shape.certificates = need(10000 * sizeof *shape.certificates);
            snprintf(shape.name, sizeof shape.name, "real");
            read_bundle(&shape, spec + 5);
        } else if (is_ec || strncmp(spec, "rsa-", 4) == 0) {
            size_t count = strtoul(strchr(spec, '-') + 1, NULL, 10);
            snprintf(shape.name, sizeof shape.name, "%s", spec);
            shape.certificates = need(count * sizeof *shape.certificates);
            for (size_t n = 0; n < count; n++)
                add(&shape, certificate(n, is_ec));
        } else {
            die("%s: no such shape", spec);
        }
        write_pem(&shape, argv[1]);
        write_jks(&shape, argv[1]);
        write_p12(&shape, argv[1]);
        printf("%s\t%zu certificates\t%zu bytes each\n", shape.name, shape.count, shape.count > 0 ? shape.bytes / shape.count : 0);
    }
    return 0;
}
