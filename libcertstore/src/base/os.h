/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os.h: every system call the library makes on files, behind one table, so that a test can fail call N, shorten a write or count syncs.
 *
 * A slot returns what the call returns, or -errno: there is no errno to be overwritten on the way. base/os.c holds the real table and is
 * the only file of the library with system calls in it. The csi_os_* functions below are the one place where interrupted calls are made
 * again and short reads and writes are continued; a sync is never made again (Linux may have dropped the pages it could not write).
 */
#ifndef CSI_OS_H
#define CSI_OS_H

#include <sys/stat.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

/* What statx(2) knows and stat(2) does not. */
struct csi_os_nature {
    uint64_t mount;   /* which mount it was reached through; 0 where the kernel does not say */
    bool immutable;   /* FS_IMMUTABLE_FL */
    bool append_only; /* FS_APPEND_FL */
};

enum csi_os_clock {
    CSI_CLOCK_WALL, /* for people and for comparing with file times */
    CSI_CLOCK_BOOT  /* for time limits: CLOCK_BOOTTIME, which suspend does not stop and nobody can set */
};

struct csi_os {
    int (*open)(const struct csi_os *os, int dir, const char *path, int flags, mode_t mode);
    int (*close)(const struct csi_os *os, int fd);
    ssize_t (*pread)(const struct csi_os *os, int fd, void *data, size_t size, off_t at);
    ssize_t (*pwrite)(const struct csi_os *os, int fd, const void *data, size_t size, off_t at);
    int (*fsync)(const struct csi_os *os, int fd);
    int (*fdatasync)(const struct csi_os *os, int fd);
    int (*truncate)(const struct csi_os *os, int fd, off_t size);
    int (*allocate)(const struct csi_os *os, int fd, off_t size);                                /* blocks beyond the end, the size stays */
    int (*stat)(const struct csi_os *os, int dir, const char *path, int flags, struct stat *st); /* path "" with AT_EMPTY_PATH: the fd itself */
    int (*nature)(const struct csi_os *os, int dir, const char *path, int flags, struct csi_os_nature *nature);
    ssize_t (*readlink)(const struct csi_os *os, int dir, const char *path, char *text, size_t room);
    int (*rename)(const struct csi_os *os, int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
    int (*link)(const struct csi_os *os, int from_dir, const char *from, int to_dir, const char *to);
    int (*symlink)(const struct csi_os *os, const char *text, int dir, const char *path);
    int (*unlink)(const struct csi_os *os, int dir, const char *path, int flags);
    int (*mkdir)(const struct csi_os *os, int dir, const char *path, mode_t mode);
    ssize_t (*list)(const struct csi_os *os, int fd, void *data, size_t size); /* getdents64 */
    int (*chown)(const struct csi_os *os, int fd, uid_t uid, gid_t gid);
    int (*chmod)(const struct csi_os *os, int fd, mode_t mode);
    ssize_t (*xattr_list)(const struct csi_os *os, int fd, char *names, size_t room);
    ssize_t (*xattr_get)(const struct csi_os *os, int fd, const char *name, void *value, size_t room);
    int (*xattr_set)(const struct csi_os *os, int fd, const char *name, const void *value, size_t size);
    int (*xattr_remove)(const struct csi_os *os, int fd, const char *name);
    int (*lock)(const struct csi_os *os, int fd, bool exclusive); /* an open-file-description lock on the whole file, or -EAGAIN at once */
    int (*now)(const struct csi_os *os, enum csi_os_clock clock, struct timespec *time);
    int (*sleep)(const struct csi_os *os, int64_t nanoseconds);
    int (*random)(const struct csi_os *os, void *data, size_t size);
    int (*cwd)(const struct csi_os *os, char *path, size_t room);
    int (*boot_id)(const struct csi_os *os, char text[40]); /* the kernel's; "" where it says none */
    pid_t (*pid)(const struct csi_os *os);
    uid_t (*euid)(const struct csi_os *os);
};

extern const struct csi_os csi_os_real;

/* An open descriptor that closes itself: CSI_AUTO_FD fd = { os, csi_os_open(...) }; */
struct csi_fd {
    const struct csi_os *os;
    int fd;
};
void csi_fd_close(struct csi_fd *fd);
#define CSI_AUTO_FD __attribute__((cleanup(csi_fd_close))) struct csi_fd

/* All of these return >= 0, or -errno. */
int csi_os_open(const struct csi_os *os, int dir, const char *path, int flags, mode_t mode); /* adds O_CLOEXEC | O_NOCTTY */
int csi_os_write_all(const struct csi_os *os, int fd, struct csi_span bytes, off_t at);
/* Reads a file from its start into a buffer, at most limit bytes: -EFBIG when there is more. */
int csi_os_read_all(const struct csi_os *os, int fd, size_t limit, struct csi_buf *bytes);
/* The same with the caller's own stat of it. */
int csi_os_read_sized(const struct csi_os *os, int fd, const struct stat *st, size_t limit, struct csi_buf *bytes);
int csi_os_fstat(const struct csi_os *os, int fd, struct stat *st);
/* A symlink's text; -EINVAL if it is none. *text is the caller's. */
int csi_os_readlink(const struct csi_os *os, int dir, const char *path, char **text);
/* Opens a directory, syncs it, closes it. */
int csi_os_sync_dir(const struct csi_os *os, int dir, const char *path);
/* The names in a directory, without . and .., sorted. */
struct csi_names {
    char **items;
    size_t count;
    size_t capacity;
};
int csi_os_names(const struct csi_os *os, int fd, struct csi_names *names);
/* Only those that are wanted: of a directory with many names no more than these are kept. */
int csi_os_names_if(const struct csi_os *os, int fd, bool (*wanted)(const char *name, void *context), void *context, struct csi_names *names);
bool csi_names_have(const struct csi_names *names, const char *name);
void csi_names_free(struct csi_names *names);
#define CSI_AUTO_NAMES __attribute__((cleanup(csi_names_free))) struct csi_names

/* The kernel's random bytes for what must be unpredictable and is no key: OpenSSL's generator would load its providers first, which takes longer than
 * listing a store does. At most 256. */
certstore_status csi_unpredictable(void *data, size_t size, certstore_error *err);

/* Until when to wait: nanoseconds of CSI_CLOCK_BOOT; INT64_MIN means do not wait. */
int64_t csi_os_deadline(const struct csi_os *os, int milliseconds);
/* Sleeps a little (randomised, growing with each attempt); false once the deadline has passed. */
bool csi_os_wait(const struct csi_os *os, int64_t deadline, unsigned attempt);

#endif
