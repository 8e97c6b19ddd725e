/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p12.c: the yardstick for PKCS#12: MAC, one decryption in place, walk, skim, index. It reads what gen writes: one encrypted safe.
 *
 *   p12 index FILE              CPU time of it, in this process
 *   p12 kdf FILE                CPU time of the two key derivations alone
 *   p12 list FILE               prints one line a certificate
 *   p12 to-pem FILE OUT         the certificates as a PEM bundle, written durably
 *   p12 from-jks JKS OUT        the certificates of a JKS as PKCS#12, written durably
 *   p12 add FILE CERT ALIAS     opens, adds a DER certificate, seals with fresh salts, replaces the file durably
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "floor/skim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

static const char password[] = "changeit";

struct p12_file {
    struct bytes store;
    struct bytes content; /* what the MAC covers */
    const uint8_t *mac;
    struct bytes mac_salt;
    uint64_t mac_iterations;
    struct bytes cipher;
    struct bytes salt;
    uint64_t iterations;
    const uint8_t *iv;
};

static struct bytes span(const struct item *item)
{
    return (struct bytes){ (uint8_t *)(uintptr_t)item->content, (size_t)(item->end - item->content) };
}

static uint64_t number(const struct item *item)
{
    uint64_t value = 0;
    for (const uint8_t *at = item->content; at < item->end; at++)
        value = value << 8 | *at;
    return value;
}

/* Enters `depth` constructed elements, each the first in the one before, with these tags. */
static struct item enter(const uint8_t **at, const uint8_t *end, const uint8_t *tags, size_t depth)
{
    struct item item = der_need(at, end, tags[0]);
    for (size_t i = 1; i < depth; i++) {
        const uint8_t *inner = item.content;
        item = der_need(&inner, item.end, tags[i]);
    }
    return item;
}

static void read_pbes2(struct p12_file *p, const struct item *algorithm)
{
    const uint8_t *at = algorithm->content;
    der_need(&at, algorithm->end, 0x06);
    struct item parameters = der_need(&at, algorithm->end, 0x30);
    at = parameters.content;
    struct item kdf = der_need(&at, parameters.end, 0x30);
    struct item scheme = der_need(&at, parameters.end, 0x30);
    at = kdf.content;
    der_need(&at, kdf.end, 0x06);
    struct item kdf_parameters = der_need(&at, kdf.end, 0x30);
    at = kdf_parameters.content;
    struct item salt = der_need(&at, kdf_parameters.end, 0x04);
    struct item iterations = der_need(&at, kdf_parameters.end, 0x02);
    p->salt = span(&salt);
    p->iterations = number(&iterations);
    at = scheme.content;
    der_need(&at, scheme.end, 0x06);
    p->iv = der_need(&at, scheme.end, 0x04).content;
}

static struct p12_file p12_open(const char *path)
{
    struct p12_file p = { .store = read_file(path) };
    const uint8_t *at = p.store.data;
    struct item pfx = der_need(&at, p.store.data + p.store.size, 0x30);
    at = pfx.content;
    der_need(&at, pfx.end, 0x02);
    struct item safe = der_need(&at, pfx.end, 0x30);
    struct item mac = der_need(&at, pfx.end, 0x30);
    at = safe.content;
    der_need(&at, safe.end, 0x06);
    struct item content = enter(&at, safe.end, (const uint8_t[]){ 0xa0, 0x04 }, 2);
    p.content = span(&content);
    at = mac.content;
    struct item digest = der_need(&at, mac.end, 0x30);
    struct item salt = der_need(&at, mac.end, 0x04);
    struct item iterations = der_need(&at, mac.end, 0x02);
    p.mac_salt = span(&salt);
    p.mac_iterations = number(&iterations);
    at = digest.content;
    der_need(&at, digest.end, 0x30);
    p.mac = der_need(&at, digest.end, 0x04).content;
    at = p.content.data;
    struct item encrypted = enter(&at, p.content.data + p.content.size, (const uint8_t[]){ 0x30, 0x30 }, 2);
    at = encrypted.content;
    der_need(&at, encrypted.end, 0x06);
    struct item data = enter(&at, encrypted.end, (const uint8_t[]){ 0xa0, 0x30 }, 2);
    at = data.content;
    der_need(&at, data.end, 0x02);
    struct item info = der_need(&at, data.end, 0x30);
    at = info.content;
    der_need(&at, info.end, 0x06);
    struct item algorithm = der_need(&at, info.end, 0x30);
    struct item cipher = der_need(&at, info.end, 0x80);
    p.cipher = span(&cipher);
    read_pbes2(&p, &algorithm);
    return p;
}

static void check_mac(const struct p12_file *p)
{
    uint8_t key[32];
    uint8_t mac[32];
    p12_mac_key(password, p->mac_salt.data, p->mac_salt.size, p->mac_iterations, key);
    p12_mac(key, p->content, mac);
    if (memcmp(mac, p->mac, sizeof mac) != 0)
        die("the MAC is wrong");
}

/* In place: plain text is never longer than what it was encrypted to. */
static struct bytes decrypt(const struct p12_file *p)
{
    uint8_t key[32];
    int first = 0;
    int last = 0;
    p12_cipher_key(password, p->salt.data, p->salt.size, p->iterations, key);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (EVP_DecryptInit_ex(context, EVP_aes_256_cbc(), NULL, key, p->iv) != 1 ||
        EVP_DecryptUpdate(context, p->cipher.data, &first, p->cipher.data, (int)p->cipher.size) != 1 ||
        EVP_DecryptFinal_ex(context, p->cipher.data + first, &last) != 1)
        die("the decryption failed");
    EVP_CIPHER_CTX_free(context);
    return (struct bytes){ p->cipher.data, (size_t)first + (size_t)last };
}

struct bag {
    char alias[128];
    size_t alias_size;
    struct bytes certificate;
};

static void read_bag(const struct item *item, struct bag *bag)
{
    const uint8_t *at = item->content;
    der_need(&at, item->end, 0x06);
    struct item value = enter(&at, item->end, (const uint8_t[]){ 0xa0, 0x30 }, 2);
    struct item attributes = der_need(&at, item->end, 0x31);
    at = value.content;
    der_need(&at, value.end, 0x06);
    struct item certificate = enter(&at, value.end, (const uint8_t[]){ 0xa0, 0x04 }, 2);
    bag->certificate = span(&certificate);
    bag->alias_size = 0;
    for (at = attributes.content; at < attributes.end;) {
        struct item attribute = der_need(&at, attributes.end, 0x30);
        const uint8_t *inner = attribute.content;
        der_need(&inner, attribute.end, 0x06);
        struct item set = der_need(&inner, attribute.end, 0x31);
        struct item text;
        inner = set.content;
        if (der_next(&inner, set.end, &text) && text.tag == 0x1e)
            for (const uint8_t *c = text.content; c + 1 < text.end && bag->alias_size < sizeof bag->alias; c += 2)
                bag->alias[bag->alias_size++] = (char)c[1];
    }
}

typedef void visit(void *argument, const struct bag *bag);

static void walk(const char *path, visit *visitor, void *argument)
{
    struct p12_file p = p12_open(path);
    check_mac(&p);
    struct bytes plain = decrypt(&p);
    struct catalogue catalogue = { .count = 0 };
    const uint8_t *at = plain.data;
    struct item bags = der_need(&at, plain.data + plain.size, 0x30);
    for (at = bags.content; at < bags.end;) {
        struct item item = der_need(&at, bags.end, 0x30);
        struct bag bag;
        struct certificate found;
        read_bag(&item, &bag);
        if (!skim(bag.certificate.data, bag.certificate.size, &found))
            die("%s: a bag holds no certificate", path);
        struct row row = { .offset = (uint64_t)(bag.certificate.data - plain.data),
                           .size = (uint32_t)bag.certificate.size,
                           .not_after = found.not_after };
        catalogue_add(&catalogue, bag.alias, bag.alias_size, row);
        if (visitor != NULL)
            visitor(argument, &bag);
    }
    catalogue_free(&catalogue);
    free(p.store.data);
}

static void index_once(void *path)
{
    walk(path, NULL, NULL);
}

static void kdf_once(void *path)
{
    uint8_t key[32];
    struct p12_file p = p12_open(path);
    p12_mac_key(password, p.mac_salt.data, p.mac_salt.size, p.mac_iterations, key);
    p12_cipher_key(password, p.salt.data, p.salt.size, p.iterations, key);
    free(p.store.data);
}

static void print_bag(void *argument, const struct bag *bag)
{
    (void)argument;
    struct certificate found;
    if (skim(bag->certificate.data, bag->certificate.size, &found))
        print_row(bag->alias, bag->alias_size, found, bag->certificate.data, bag->certificate.size);
}

struct growing {
    struct bytes bytes;
    size_t capacity;
    size_t count;
};

static uint8_t *extend(struct growing *g, size_t more)
{
    if (g->capacity - g->bytes.size < more) {
        g->capacity = g->capacity * 2 + more;
        g->bytes.data = realloc(g->bytes.data, g->capacity);
        if (g->bytes.data == NULL)
            die("no memory");
    }
    return g->bytes.data + g->bytes.size;
}

static void append_pem(void *argument, const struct bag *bag)
{
    struct growing *pem = argument;
    static const char begin[] = "-----BEGIN CERTIFICATE-----\n";
    static const char finish[] = "-----END CERTIFICATE-----\n";
    uint8_t *start = extend(pem, bag->certificate.size / 2 * 3 + 256);
    uint8_t *to = (uint8_t *)mempcpy(start, begin, sizeof begin - 1);
    for (size_t at = 0; at < bag->certificate.size; at += 48) {
        size_t left = bag->certificate.size - at;
        to += EVP_EncodeBlock(to, bag->certificate.data + at, (int)(left < 48 ? left : 48));
        *to++ = '\n';
    }
    to = (uint8_t *)mempcpy(to, finish, sizeof finish - 1);
    pem->bytes.size += (size_t)(to - start);
}

static void append_bag(void *argument, const struct bag *bag)
{
    struct growing *bags = argument;
    memcpy(extend(bags, sizeof *bag), bag, sizeof *bag);
    bags->bytes.size += sizeof *bag;
    struct bag *kept = (struct bag *)(void *)(bags->bytes.data + bags->bytes.size - sizeof *bag);
    kept->certificate.data = need(bag->certificate.size);
    memcpy(kept->certificate.data, bag->certificate.data, bag->certificate.size);
    bags->count++;
}

static void seal(const struct growing *bags, const char *path)
{
    uint8_t random[3][P12_SALT];
    size_t bytes = 0;
    const struct bag *first = (const struct bag *)(const void *)bags->bytes.data;
    if (RAND_bytes(&random[0][0], (int)sizeof random) != 1)
        die("no random bytes");
    for (size_t i = 0; i < bags->count; i++)
        bytes += first[i].certificate.size;
    struct p12 p12 = p12_begin(bags->count, bytes);
    for (size_t i = bags->count; i-- > 0;) {
        char alias[sizeof first->alias + 1] = { 0 };
        memcpy(alias, first[i].alias, first[i].alias_size);
        p12_add(&p12, alias, first[i].certificate);
    }
    replace_durably(path, p12_end(&p12, password, (const uint8_t(*)[P12_SALT])random, random[2]));
}

static void convert_jks(const char *path, const char *out)
{
    struct bytes store = read_file(path);
    uint8_t digest[20];
    struct growing bags = { .count = 0 };
    jks_digest(password, (struct bytes){ store.data, store.size - 20 }, digest);
    if (memcmp(digest, store.data + store.size - 20, sizeof digest) != 0)
        die("%s: the digest is wrong", path);
    const uint8_t *at = store.data + 12;
    while (at < store.data + store.size - 20) {
        struct bag bag = { .alias_size = (size_t)at[4] << 8 | at[5] };
        if (be32(at) != 2 || bag.alias_size > sizeof bag.alias)
            die("%s: only certificates are measured", path);
        memcpy(bag.alias, at + 6, bag.alias_size);
        at += 6 + bag.alias_size + 8;
        at += 2 + ((size_t)at[0] << 8 | at[1]);
        bag.certificate = (struct bytes){ (uint8_t *)(uintptr_t)(at + 4), be32(at) };
        append_bag(&bags, &bag);
        at += 4 + bag.certificate.size;
    }
    seal(&bags, out);
}

static void add(const char *path, const char *certificate, const char *alias)
{
    struct growing bags = { .count = 0 };
    struct bag bag = { .alias_size = strlen(alias), .certificate = read_file(certificate) };
    if (bag.alias_size > sizeof bag.alias)
        die("%s: too long", alias);
    memcpy(bag.alias, alias, bag.alias_size);
    walk(path, append_bag, &bags);
    append_bag(&bags, &bag);
    seal(&bags, path);
}

int main(int argc, char **argv)
{
    const char *verb = argc > 2 ? argv[1] : "";
    struct growing pem = { .count = 0 };
    if (argc == 3 && strcmp(verb, "index") == 0)
        print_median(index_once, argv[2], 1);
    else if (argc == 3 && strcmp(verb, "kdf") == 0)
        print_median(kdf_once, argv[2], 1);
    else if (argc == 3 && strcmp(verb, "list") == 0)
        walk(argv[2], print_bag, NULL);
    else if (argc == 4 && strcmp(verb, "to-pem") == 0) {
        walk(argv[2], append_pem, &pem);
        replace_durably(argv[3], pem.bytes);
    } else if (argc == 4 && strcmp(verb, "from-jks") == 0)
        convert_jks(argv[2], argv[3]);
    else if (argc == 5 && strcmp(verb, "add") == 0)
        add(argv[2], argv[3], argv[4]);
    else
        die("usage: p12 index|kdf|list FILE; p12 to-pem FILE OUT; p12 from-jks JKS OUT; p12 add FILE CERT ALIAS");
    print_end();
    free(pem.bytes.data);
    return 0;
}
