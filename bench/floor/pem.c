/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pem.c: the yardstick for PEM bundles: memchr for the lines, base64 from four tables, skim, index; windows of 256 KiB.
 *
 *   pem index FILE    CPU time of it, in this process
 *   pem list FILE     prints one line a certificate
 */
#include "floor/skim.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BAD = 0x1000000, WINDOW = 256 * 1024 };
static uint32_t table[4][256];

static void make_tables(void)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t place = 0; place < 4; place++) {
        for (size_t c = 0; c < 256; c++)
            table[place][c] = BAD;
        for (uint32_t value = 0; value < 64; value++)
            table[place][(uint8_t)alphabet[value]] = value << (18 - 6 * place);
    }
}

/* Whole lines of whole quads, as every program writes them. */
static size_t decode(const uint8_t *at, const uint8_t *end, uint8_t *to)
{
    uint8_t *start = to;
    while (at < end) {
        const uint8_t *line_end = memchr(at, '\n', (size_t)(end - at));
        if (line_end == NULL)
            line_end = end;
        const uint8_t *text_end = line_end > at && line_end[-1] == '\r' ? line_end - 1 : line_end;
        size_t padding = 0;
        while (text_end > at && text_end[-1] == '=') {
            text_end--;
            padding++;
        }
        for (; text_end - at >= 4; at += 4) {
            uint32_t value = table[0][at[0]] | table[1][at[1]] | table[2][at[2]] | table[3][at[3]];
            if (value >= BAD)
                die("no base64");
            *to++ = (uint8_t)(value >> 16);
            *to++ = (uint8_t)(value >> 8);
            *to++ = (uint8_t)value;
        }
        if (padding > 0) {
            uint32_t value = 0;
            for (size_t place = 0; at < text_end; place++)
                value |= table[place][*at++];
            *to++ = (uint8_t)(value >> 16);
            if (padding == 1)
                *to++ = (uint8_t)(value >> 8);
        }
        at = line_end + 1;
    }
    return (size_t)(to - start);
}

struct stream {
    int fd;
    uint64_t offset; /* of data[start] in the file */
    uint8_t *data;
    size_t start;
    size_t end;
};

/* Reads a window behind what is left; false at the end of the file. */
static bool fill(struct stream *s)
{
    size_t left = s->end - s->start;
    if (left > WINDOW)
        die("a block is larger than a window");
    memmove(s->data, s->data + s->start, left);
    s->start = 0;
    ssize_t got = read(s->fd, s->data + left, WINDOW);
    if (got < 0)
        die("the store cannot be read");
    s->end = left + (size_t)got;
    return got > 0;
}

/* base64 has no dash: memchr gets to the next line of dashes faster than memmem. */
static const uint8_t *find(const uint8_t *at, const uint8_t *end, const char *line, size_t size)
{
    while ((at = memchr(at, '-', (size_t)(end - at))) != NULL && (size_t)(end - at) >= size) {
        if (memcmp(at, line, size) == 0)
            return at;
        at++;
    }
    return NULL;
}

/* The next block's body. */
static bool next_block(struct stream *s, const uint8_t **body, const uint8_t **stop)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----\n";
    static const char finish[] = "-----END CERTIFICATE-----\n";
    do {
        const uint8_t *end = s->data + s->end;
        const uint8_t *at = find(s->data + s->start, end, begin, sizeof begin - 1);
        if (at == NULL)
            continue;
        *body = at + sizeof begin - 1;
        *stop = find(*body, end, finish, sizeof finish - 1);
        if (*stop == NULL)
            continue;
        size_t next = (size_t)(*stop - s->data) + sizeof finish - 1;
        s->offset += next - s->start;
        s->start = next;
        return true;
    } while (fill(s));
    return false;
}

static void walk(const char *path, bool print)
{
    struct stream s = { .fd = open(path, O_RDONLY | O_CLOEXEC), .data = need(2 * WINDOW) };
    struct catalogue catalogue = { .count = 0 };
    uint8_t *der = need(WINDOW);
    const uint8_t *body;
    const uint8_t *stop;
    if (s.fd < 0)
        die("%s: cannot be read", path);
    while (next_block(&s, &body, &stop)) {
        struct certificate found;
        uint32_t alias = (uint32_t)catalogue.count; /* PEM has none: a number stands for it */
        size_t size = decode(body, stop, der);
        if (!skim(der, size, &found))
            die("%s: block %zu holds no certificate", path, catalogue.count);
        struct row row = { .offset = s.offset, .size = (uint32_t)size, .not_after = found.not_after };
        catalogue_add(&catalogue, (const char *)&alias, sizeof alias, row);
        if (print)
            print_row("", 0, found, der, size);
    }
    catalogue_free(&catalogue);
    close(s.fd);
    free(der);
    free(s.data);
}

static void index_once(void *path)
{
    walk(path, false);
}

int main(int argc, char **argv)
{
    make_tables();
    if (argc == 3 && strcmp(argv[1], "index") == 0)
        print_median(index_once, argv[2], 1);
    else if (argc == 3 && strcmp(argv[1], "list") == 0)
        walk(argv[2], true);
    else
        die("usage: pem index|list FILE");
    print_end();
    return 0;
}
