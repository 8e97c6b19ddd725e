/* SPDX-License-Identifier: Apache-2.0 */
/* common.c: files, time, and DER in both directions. */
#include "support/common.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

void *need(size_t size)
{
    void *room = malloc(size > 0 ? size : 1);
    if (room == NULL)
        die("no memory for %zu bytes", size);
    return room;
}

struct bytes read_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        die("%s: cannot be read", path);
    struct bytes bytes = { need((size_t)st.st_size), (size_t)st.st_size };
    for (size_t done = 0; done < bytes.size;) {
        ssize_t got = read(fd, bytes.data + done, bytes.size - done);
        if (got <= 0)
            die("%s: ends too early", path);
        done += (size_t)got;
    }
    close(fd);
    return bytes;
}

static void write_to(int fd, const char *path, struct bytes bytes)
{
    for (size_t done = 0; done < bytes.size;) {
        ssize_t put = write(fd, bytes.data + done, bytes.size - done);
        if (put <= 0)
            die("%s: cannot be written", path);
        done += (size_t)put;
    }
}

void write_file(const char *path, struct bytes bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        die("%s: cannot be made", path);
    write_to(fd, path, bytes);
    close(fd);
}

void replace_durably(const char *path, struct bytes bytes)
{
    char fresh[4096];
    char folder[4096];
    if (snprintf(fresh, sizeof fresh, "%s.new", path) >= (int)sizeof fresh)
        die("%s: too long", path);
    memcpy(folder, path, strlen(path) + 1);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        die("%s: cannot be made", fresh);
    write_to(fd, fresh, bytes);
    int directory = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fsync(fd) != 0 || rename(fresh, path) != 0 || directory < 0 || fsync(directory) != 0)
        die("%s: cannot be replaced", path);
    close(directory);
    close(fd);
}

double cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

void print_median(void (*work)(void *argument), void *argument, double times)
{
    enum { MOST = 15, LEAST = 3 };
    double runs[MOST];
    double begin = cpu_us();
    size_t count = 0;
    while (count < LEAST || (count < MOST && cpu_us() - begin < 300e3)) {
        double start = cpu_us();
        work(argument);
        runs[count++] = cpu_us() - start;
    }
    qsort(runs, count, sizeof *runs, by_value);
    printf("%.1f\n", runs[count / 2] / times);
}

bool der_next(const uint8_t **at, const uint8_t *end, struct item *item)
{
    const uint8_t *p = *at;
    if (end - p < 2)
        return false;
    item->whole = p;
    item->tag = *p++;
    size_t size = *p++;
    if (size >= 0x80) {
        size_t octets = size & 0x7f;
        if (octets == 0 || octets > 4 || (size_t)(end - p) < octets)
            return false;
        for (size = 0; octets > 0; octets--)
            size = size << 8 | *p++;
    }
    if ((size_t)(end - p) < size)
        return false;
    item->content = p;
    item->end = p + size;
    *at = item->end;
    return true;
}

struct item der_need(const uint8_t **at, const uint8_t *end, uint8_t tag)
{
    struct item item;
    if (!der_next(at, end, &item) || item.tag != tag)
        die("no element with tag %02x where one must stand", tag);
    return item;
}

struct back back_new(size_t room)
{
    struct back b = { .room = need(room) };
    b.at = b.end = b.room + room;
    return b;
}

void back_put(struct back *b, const void *data, size_t size)
{
    if ((size_t)(b->at - b->room) < size)
        die("room estimated too small");
    b->at -= size;
    memcpy(b->at, data, size);
}

void back_wrap(struct back *b, uint8_t tag, const uint8_t *end)
{
    size_t size = (size_t)(end - b->at);
    uint8_t header[6] = { tag, (uint8_t)size };
    size_t used = 2;
    if (size >= 0x80) {
        size_t octets = size > 0xffffff ? 4 : size > 0xffff ? 3 : size > 0xff ? 2 : 1;
        header[1] = (uint8_t)(0x80 | octets);
        for (size_t i = 0; i < octets; i++)
            header[used++] = (uint8_t)(size >> 8 * (octets - 1 - i));
    }
    back_put(b, header, used);
}

void back_element(struct back *b, uint8_t tag, const void *data, size_t size)
{
    const uint8_t *end = b->at;
    back_put(b, data, size);
    back_wrap(b, tag, end);
}

void back_uint(struct back *b, uint64_t value)
{
    uint8_t octets[9];
    size_t used = 0;
    do {
        octets[8 - used++] = (uint8_t)value;
        value >>= 8;
    } while (value > 0);
    if (octets[9 - used] >= 0x80)
        octets[8 - used++] = 0;
    back_element(b, 0x02, octets + 9 - used, used);
}

struct bytes back_bytes(const struct back *b)
{
    return (struct bytes){ b->at, (size_t)(b->end - b->at) };
}

uint32_t be32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}
