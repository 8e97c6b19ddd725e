/* SPDX-License-Identifier: Apache-2.0 */
/*
 * common.h: what the generator and the yardsticks share: files, DER forwards and backwards, PKCS#12's two key derivations. Nothing of the
 * library: a yardstick that used it would measure it against itself.
 */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
    uint8_t *data;
    size_t size;
};

_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
void *need(size_t size);
struct bytes read_file(const char *path);
void write_file(const char *path, struct bytes bytes);
/* The least that replaces a file so that a power cut shows the old or the new one: a new file, fsync, rename, fsync of the directory. */
void replace_durably(const char *path, struct bytes bytes);
/* CPU time of this process in microseconds. */
double cpu_us(void);
/* Runs the work some times (at least 3, until 0.3 s are over or 15 runs made) and prints the median of its CPU time in
 * microseconds, divided by how often the work does its thing in one go. */
void print_median(void (*work)(void *argument), void *argument, double times);

/* One DER element of those at *at; false when it does not fit before end. */
struct item {
    uint8_t tag;
    const uint8_t *whole;
    const uint8_t *content;
    const uint8_t *end;
};
bool der_next(const uint8_t **at, const uint8_t *end, struct item *item);
/* The next element, which must have that tag; otherwise the program ends. */
struct item der_need(const uint8_t **at, const uint8_t *end, uint8_t tag);

/* DER written from its end to its start, so that every length is known when it is written. */
struct back {
    uint8_t *room;
    uint8_t *at;
    uint8_t *end;
};
struct back back_new(size_t room);
void back_put(struct back *b, const void *data, size_t size);
/* Puts a header over everything written since `end`. */
void back_wrap(struct back *b, uint8_t tag, const uint8_t *end);
void back_element(struct back *b, uint8_t tag, const void *data, size_t size);
void back_uint(struct back *b, uint64_t value);
struct bytes back_bytes(const struct back *b);

/* PKCS#12 (RFC 7292): PBES2 with AES-256-CBC, a MAC with SHA-256, 10,000 iterations each, as OpenSSL 3 and Java 17 write it. */
enum { P12_ITERATIONS = 10000, P12_SALT = 16 };
void p12_mac_key(const char *password, const uint8_t *salt, size_t salt_size, uint64_t iterations, uint8_t key[32]);
void p12_cipher_key(const char *password, const uint8_t *salt, size_t salt_size, uint64_t iterations, uint8_t key[32]);
void p12_mac(const uint8_t key[32], struct bytes content, uint8_t mac[32]);

/* A store of trusted certificates, one at a time, as PKCS#12; certificates come from the last to the first. */
struct p12 {
    struct back back;
};
struct p12 p12_begin(size_t count, size_t certificate_bytes);
void p12_add(struct p12 *p12, const char *alias, struct bytes certificate);
struct bytes p12_end(struct p12 *p12, const char *password, const uint8_t salts[2][P12_SALT], const uint8_t iv[16]);

/* JKS's keyed digest over everything before it: SHA-1(password in UTF-16BE, "Mighty Aphrodite", content). */
struct SHAstate_st;
void jks_digest_begin(struct SHAstate_st *sha, const char *password);
void jks_digest(const char *password, struct bytes content, uint8_t digest[20]);
uint32_t be32(const uint8_t *at);

#endif
