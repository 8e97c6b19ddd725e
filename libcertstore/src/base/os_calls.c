/* SPDX-License-Identifier: Apache-2.0 */
/* os_calls.c: the calls of os.h made whole: interrupted ones are made again, short ones continued. Never a sync. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/os.h"

enum { READ_WINDOW = 256 * 1024, NAMES_WINDOW = 32 * 1024, LINK_MAX_SIZE = 4096 };

void csi_fd_close(struct csi_fd *fd)
{
    if (fd->fd >= 0)
        fd->os->close(fd->os, fd->fd); /* whatever had to be durable was synced, so that nothing is lost here */
    fd->fd = -1;
}

int csi_os_open(const struct csi_os *os, int dir, const char *path, int flags, mode_t mode)
{
    int fd;
    do
        fd = os->open(os, dir, path, flags | O_CLOEXEC | O_NOCTTY, mode);
    while (fd == -EINTR);
    return fd;
}

int csi_os_write_all(const struct csi_os *os, int fd, struct csi_span bytes, off_t at)
{
    size_t done = 0;
    while (done < bytes.size) {
        ssize_t put = os->pwrite(os, fd, bytes.data + done, bytes.size - done, at + (off_t)done);
        if (put == -EINTR)
            continue;
        if (put <= 0)
            return put < 0 ? (int)put : -EIO;
        done += (size_t)put;
    }
    return 0;
}

int csi_os_read_all(const struct csi_os *os, int fd, size_t limit, struct csi_buf *bytes)
{
    struct stat st;
    int status = csi_os_fstat(os, fd, &st);
    return status < 0 ? status : csi_os_read_sized(os, fd, &st, limit, bytes);
}

int csi_os_read_sized(const struct csi_os *os, int fd, const struct stat *st, size_t limit, struct csi_buf *bytes)
{
    if (st->st_size > 0 && (uint64_t)st->st_size > limit)
        return -EFBIG;
    size_t start = bytes->size;
    size_t window = (size_t)st->st_size + 1; /* one more than there is: what comes short of that has reached the end */
    for (;;) {
        uint8_t *room = csi_buf_reserve(bytes, window);
        if (room == NULL)
            return -ENOMEM;
        ssize_t got = os->pread(os, fd, room, window, (off_t)(bytes->size - start));
        if (got == -EINTR)
            continue;
        if (got <= 0)
            return (int)got;
        bytes->size += (size_t)got;
        if (bytes->size - start > limit)
            return -EFBIG;
        if ((size_t)got < window && bytes->size - start == (size_t)st->st_size)
            return 0;
        window = window > (size_t)got ? window - (size_t)got : READ_WINDOW;
    }
}

int csi_os_fstat(const struct csi_os *os, int fd, struct stat *st)
{
    return os->stat(os, fd, "", AT_EMPTY_PATH, st);
}

int csi_os_readlink(const struct csi_os *os, int dir, const char *path, char **text)
{
    char found[LINK_MAX_SIZE + 1];
    ssize_t size = os->readlink(os, dir, path, found, LINK_MAX_SIZE);
    if (size < 0)
        return (int)size;
    *text = strndup(found, (size_t)size);
    return *text != NULL ? 0 : -ENOMEM;
}

int csi_os_sync_dir(const struct csi_os *os, int dir, const char *path)
{
    CSI_AUTO_FD fd = { os, csi_os_open(os, dir, path, O_RDONLY | O_DIRECTORY, 0) };
    return fd.fd < 0 ? fd.fd : os->fsync(os, fd.fd);
}

/* struct linux_dirent64 of getdents64(2): the name starts after inode (8), offset (8), record length (2) and type (1). */
enum { DIRENT_LENGTH = 16, DIRENT_NAME = 19 };

static int add_name(struct csi_names *names, const char *name)
{
    certstore_error none = { 0 };
    char **items = csi_grow(names->items, &names->capacity, names->count + 1, sizeof *items, &none);
    if (items == NULL)
        return -ENOMEM;
    names->items = items;
    items[names->count] = strdup(name);
    return items[names->count] != NULL ? (names->count++, 0) : -ENOMEM;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

int csi_os_names_if(const struct csi_os *os, int fd, bool (*wanted)(const char *name, void *context), void *context, struct csi_names *names)
{
    char window[NAMES_WINDOW] __attribute__((aligned(8)));
    ssize_t got;
    while ((got = os->list(os, fd, window, sizeof window)) > 0) {
        unsigned short length;
        for (ssize_t at = 0; at < got; at += length) {
            memcpy(&length, window + at + DIRENT_LENGTH, sizeof length);
            const char *name = window + at + DIRENT_NAME;
            if (is_dots(name) || (wanted != NULL && !wanted(name, context)))
                continue;
            int status = add_name(names, name);
            if (status < 0)
                return status;
        }
    }
    if (got < 0)
        return (int)got;
    if (names->count > 0)
        qsort(names->items, names->count, sizeof *names->items, by_name);
    return 0;
}

int csi_os_names(const struct csi_os *os, int fd, struct csi_names *names)
{
    return csi_os_names_if(os, fd, NULL, NULL, names);
}

bool csi_names_have(const struct csi_names *names, const char *name)
{
    return names->count > 0 && bsearch(&name, names->items, names->count, sizeof *names->items, by_name) != NULL;
}

void csi_names_free(struct csi_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
    *names = (struct csi_names){ 0 };
}

static int64_t boot_time(const struct csi_os *os)
{
    struct timespec now = { 0 };
    os->now(os, CSI_CLOCK_BOOT, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t csi_os_deadline(const struct csi_os *os, int milliseconds)
{
    return milliseconds > 0 ? boot_time(os) + (int64_t)milliseconds * 1000000 : INT64_MIN;
}

bool csi_os_wait(const struct csi_os *os, int64_t deadline, unsigned attempt)
{
    int64_t left = deadline == INT64_MIN ? 0 : deadline - boot_time(os);
    if (left <= 0)
        return false;
    uint16_t dice = 0;
    os->random(os, &dice, sizeof dice); /* without it, waiters merely stay in step */
    int64_t pause = (INT64_C(100000) << (attempt < 7 ? attempt : 7)) + (int64_t)dice * 16;
    os->sleep(os, pause < left ? pause : left);
    return true;
}
