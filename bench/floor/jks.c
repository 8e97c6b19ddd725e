/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jks.c: the yardstick for JKS files: hash, walk, skim and index in one pass over windows of 256 KiB, which are still in the cache when
 * they are hashed.
 *
 *   jks index FILE              CPU time of verifying and indexing, in this process
 *   jks sha1 FILE               CPU time of SHA-1 alone over the same windows
 *   jks list FILE               verifies and prints one line a certificate
 *   jks add FILE CERT ALIAS     verifies, adds a DER certificate, replaces the file durably
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "floor/skim.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/sha.h>

enum { WINDOW = 256 * 1024, TRAILER = 20 };
static const char password[] = "changeit";

struct stream {
    int fd;
    uint64_t size;   /* of the file */
    uint64_t offset; /* of data[0] in the file */
    uint8_t *data;
    size_t start; /* of what is not consumed yet */
    size_t end;
    uint64_t hashed;
    SHA_CTX sha;
};

static void stream_open(struct stream *s, const char *path)
{
    struct stat st;
    *s = (struct stream){ .fd = open(path, O_RDONLY | O_CLOEXEC) };
    if (s->fd < 0 || fstat(s->fd, &st) != 0 || st.st_size < 12 + TRAILER)
        die("%s: cannot be read", path);
    s->size = (uint64_t)st.st_size;
    s->data = need(2 * WINDOW);
    jks_digest_begin(&s->sha, password);
}

/* Reads a window behind what is left, and hashes it while it is in the cache. */
static void stream_fill(struct stream *s)
{
    size_t left = s->end - s->start;
    memmove(s->data, s->data + s->start, left);
    s->offset += s->start;
    s->start = 0;
    s->end = left;
    ssize_t got = left <= WINDOW ? read(s->fd, s->data + left, WINDOW) : 0;
    if (got <= 0)
        die("the store ends too early");
    s->end += (size_t)got;
    uint64_t content = s->size - TRAILER;
    size_t fresh = (uint64_t)got > content - s->hashed ? (size_t)(content - s->hashed) : (size_t)got;
    SHA1_Update(&s->sha, s->data + left, fresh);
    s->hashed += fresh;
}

static const uint8_t *stream_need(struct stream *s, size_t size)
{
    while (s->end - s->start < size)
        stream_fill(s);
    const uint8_t *at = s->data + s->start;
    s->start += size;
    return at;
}

static void stream_close(struct stream *s)
{
    uint8_t digest[20];
    const uint8_t *stored = stream_need(s, TRAILER);
    SHA1_Final(digest, &s->sha);
    if (memcmp(digest, stored, sizeof digest) != 0)
        die("the digest is wrong");
    close(s->fd);
    free(s->data);
}

static size_t be16(const uint8_t *at)
{
    return (size_t)at[0] << 8 | at[1];
}

static void walk(const char *path, struct catalogue *catalogue, bool print)
{
    struct stream s;
    stream_open(&s, path);
    const uint8_t *head = stream_need(&s, 12);
    uint32_t count = be32(head + 8);
    if (be32(head) != 0xfeedfeed)
        die("%s: no JKS", path);
    for (uint32_t i = 0; i < count; i++) {
        char alias[256];
        struct certificate found;
        if (be32(stream_need(&s, 4)) != 2)
            die("%s: only certificates are measured", path);
        size_t alias_size = be16(stream_need(&s, 2));
        if (alias_size > sizeof alias)
            die("%s: an alias is too long", path);
        memcpy(alias, stream_need(&s, alias_size), alias_size);
        stream_need(&s, 8);
        stream_need(&s, be16(stream_need(&s, 2)));
        size_t size = be32(stream_need(&s, 4));
        const uint8_t *der = stream_need(&s, size);
        if (!skim(der, size, &found))
            die("%s: entry %u holds no certificate", path, (unsigned)i);
        struct row row = { .offset = s.offset + s.start - size, .size = (uint32_t)size, .not_after = found.not_after };
        catalogue_add(catalogue, alias, alias_size, row);
        if (print)
            print_row(alias, alias_size, found, der, size);
    }
    stream_close(&s);
}

static void index_once(void *path)
{
    struct catalogue catalogue = { .count = 0 };
    walk(path, &catalogue, false);
    catalogue_free(&catalogue);
}

static void sha1_once(void *path)
{
    struct stream s;
    stream_open(&s, path);
    while (s.offset + s.end < s.size) {
        stream_fill(&s);
        s.start = s.end - (s.offset + s.end == s.size ? TRAILER : 0);
    }
    stream_close(&s);
}

static void add(const char *path, const char *certificate_path, const char *alias)
{
    struct bytes store = read_file(path);
    struct bytes certificate = read_file(certificate_path);
    size_t alias_size = strlen(alias);
    uint8_t digest[20];
    struct bytes content = { store.data, store.size - TRAILER };
    jks_digest(password, content, digest);
    if (memcmp(digest, store.data + content.size, sizeof digest) != 0)
        die("%s: the digest is wrong", path);
    store.data = realloc(store.data, store.size + alias_size + certificate.size + 64);
    if (store.data == NULL)
        die("no memory");
    uint8_t *at = store.data + content.size;
    uint32_t count = be32(store.data + 8) + 1;
    uint8_t head[] = { 0, 0, 0, 2, (uint8_t)(alias_size >> 8), (uint8_t)alias_size };
    uint8_t middle[] = {
        0, 0, 1, 0x74, 0, 0, 0, 0, 0, 5, 'X', '.', '5', '0', '9', 0, 0, (uint8_t)(certificate.size >> 8), (uint8_t)certificate.size
    };
    for (size_t i = 0; i < 4; i++)
        store.data[8 + i] = (uint8_t)(count >> 8 * (3 - i));
    at = (uint8_t *)mempcpy(at, head, sizeof head);
    at = (uint8_t *)mempcpy(at, alias, alias_size);
    at = (uint8_t *)mempcpy(at, middle, sizeof middle);
    at = (uint8_t *)mempcpy(at, certificate.data, certificate.size);
    content = (struct bytes){ store.data, (size_t)(at - store.data) };
    jks_digest(password, content, at);
    replace_durably(path, (struct bytes){ store.data, content.size + TRAILER });
    free(store.data);
    free(certificate.data);
}

static void add_once(void *arguments)
{
    char **argv = arguments;
    add(argv[2], argv[3], argv[4]);
}

int main(int argc, char **argv)
{
    struct catalogue catalogue = { .count = 0 };
    if (argc == 3 && strcmp(argv[1], "index") == 0)
        print_median(index_once, argv[2], 1);
    else if (argc == 3 && strcmp(argv[1], "sha1") == 0)
        print_median(sha1_once, argv[2], 1);
    else if (argc == 3 && strcmp(argv[1], "list") == 0)
        walk(argv[2], &catalogue, true);
    else if (argc == 5 && strcmp(argv[1], "add") == 0)
        add(argv[2], argv[3], argv[4]);
    else if (argc == 5 && strcmp(argv[1], "adds") == 0)
        print_median(add_once, argv, 1);
    else
        die("usage: jks index|sha1|list FILE; jks add|adds FILE CERT ALIAS");
    print_end();
    catalogue_free(&catalogue);
    return 0;
}
