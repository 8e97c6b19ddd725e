/* SPDX-License-Identifier: Apache-2.0 */
/* os.c: the real system calls, one line each: the only file of the library that makes any. */
#include "base/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static int result(int value)
{
    return value < 0 ? -errno : value;
}

static ssize_t result_size(ssize_t value)
{
    return value < 0 ? -errno : value;
}

static int real_open(const struct csi_os *os CSI_UNUSED, int dir, const char *path, int flags, mode_t mode)
{
    return result(openat(dir, path, flags, mode));
}

static int real_close(const struct csi_os *os CSI_UNUSED, int fd)
{
    return result(close(fd));
}

static ssize_t real_pread(const struct csi_os *os CSI_UNUSED, int fd, void *data, size_t size, off_t at)
{
    return result_size(pread(fd, data, size, at));
}

static ssize_t real_pwrite(const struct csi_os *os CSI_UNUSED, int fd, const void *data, size_t size, off_t at)
{
    return result_size(pwrite(fd, data, size, at));
}

static int real_fsync(const struct csi_os *os CSI_UNUSED, int fd)
{
    return result(fsync(fd));
}

static int real_fdatasync(const struct csi_os *os CSI_UNUSED, int fd)
{
    return result(fdatasync(fd));
}

static int real_truncate(const struct csi_os *os CSI_UNUSED, int fd, off_t size)
{
    return result(ftruncate(fd, size));
}

static int real_allocate(const struct csi_os *os CSI_UNUSED, int fd, off_t size)
{
    return result(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, size));
}

static int real_stat(const struct csi_os *os CSI_UNUSED, int dir, const char *path, int flags, struct stat *st)
{
    return result(fstatat(dir, path, st, flags));
}

static int real_nature(const struct csi_os *os CSI_UNUSED, int dir, const char *path, int flags, struct csi_os_nature *nature)
{
    struct statx stx = { 0 };
    unsigned mount_id = 0;
#ifdef STATX_MNT_ID
    mount_id = STATX_MNT_ID;
#endif
    if (statx(dir, path, flags, STATX_TYPE | mount_id, &stx) < 0)
        return -errno;
    *nature = (struct csi_os_nature){ .immutable = (stx.stx_attributes & STATX_ATTR_IMMUTABLE) != 0,
                                      .append_only = (stx.stx_attributes & STATX_ATTR_APPEND) != 0 };
#ifdef STATX_MNT_ID
    if ((stx.stx_mask & STATX_MNT_ID) != 0)
        nature->mount = stx.stx_mnt_id;
#endif
    return 0;
}

static ssize_t real_readlink(const struct csi_os *os CSI_UNUSED, int dir, const char *path, char *text, size_t room)
{
    return result_size(readlinkat(dir, path, text, room));
}

static int real_rename(const struct csi_os *os CSI_UNUSED, int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    return result(renameat2(from_dir, from, to_dir, to, flags));
}

static int real_link(const struct csi_os *os CSI_UNUSED, int from_dir, const char *from, int to_dir, const char *to)
{
    return result(linkat(from_dir, from, to_dir, to, 0));
}

static int real_symlink(const struct csi_os *os CSI_UNUSED, const char *text, int dir, const char *path)
{
    return result(symlinkat(text, dir, path));
}

static int real_unlink(const struct csi_os *os CSI_UNUSED, int dir, const char *path, int flags)
{
    return result(unlinkat(dir, path, flags));
}

static int real_mkdir(const struct csi_os *os CSI_UNUSED, int dir, const char *path, mode_t mode)
{
    return result(mkdirat(dir, path, mode));
}

static ssize_t real_list(const struct csi_os *os CSI_UNUSED, int fd, void *data, size_t size)
{
    return result_size((ssize_t)syscall(SYS_getdents64, fd, data, size));
}

static int real_chown(const struct csi_os *os CSI_UNUSED, int fd, uid_t uid, gid_t gid)
{
    return result(fchown(fd, uid, gid));
}

static int real_chmod(const struct csi_os *os CSI_UNUSED, int fd, mode_t mode)
{
    return result(fchmod(fd, mode));
}

static ssize_t real_xattr_list(const struct csi_os *os CSI_UNUSED, int fd, char *names, size_t room)
{
    return result_size(flistxattr(fd, names, room));
}

static ssize_t real_xattr_get(const struct csi_os *os CSI_UNUSED, int fd, const char *name, void *value, size_t room)
{
    return result_size(fgetxattr(fd, name, value, room));
}

static int real_xattr_set(const struct csi_os *os CSI_UNUSED, int fd, const char *name, const void *value, size_t size)
{
    return result(fsetxattr(fd, name, value, size, 0));
}

static int real_xattr_remove(const struct csi_os *os CSI_UNUSED, int fd, const char *name)
{
    return result(fremovexattr(fd, name));
}

/* Open-file-description locks belong to the descriptor, not to the process: another thread's or library's close() cannot drop them, and
 * death does. */
static int real_lock(const struct csi_os *os CSI_UNUSED, int fd, bool exclusive)
{
    struct flock whole = { .l_type = exclusive ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET };
    if (fcntl(fd, F_OFD_SETLK, &whole) == 0)
        return 0;
    return errno == EACCES ? -EAGAIN : -errno;
}

static int real_now(const struct csi_os *os CSI_UNUSED, enum csi_os_clock clock, struct timespec *time)
{
    return result(clock_gettime(clock == CSI_CLOCK_WALL ? CLOCK_REALTIME : CLOCK_BOOTTIME, time));
}

static int real_sleep(const struct csi_os *os CSI_UNUSED, int64_t nanoseconds)
{
    struct timespec time = { .tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000 };
    return result(nanosleep(&time, NULL));
}

static int real_random(const struct csi_os *os CSI_UNUSED, void *data, size_t size)
{
    ssize_t got = getrandom(data, size, 0); /* up to 256 bytes come whole */
    return got < 0 ? -errno : (size_t)got == size ? 0 : -EIO;
}

certstore_status csi_unpredictable(void *data, size_t size, certstore_error *err)
{
    int status = real_random(NULL, data, size);
    return status < 0 ? csi_fail_errno(err, -status, "random numbers: the kernel has none to give") : CERTSTORE_OK;
}

static int real_cwd(const struct csi_os *os CSI_UNUSED, char *path, size_t room)
{
    return getcwd(path, room) != NULL ? 0 : -errno;
}

static int real_boot_id(const struct csi_os *os CSI_UNUSED, char text[40])
{
    static _Thread_local char known[40]; /* no process lives through two boots */
    if (known[0] == '\0') {
        int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            text[0] = '\0';
            return -errno;
        }
        ssize_t got = read(fd, known, 36);
        close(fd);
        known[got == 36 ? 36 : 0] = '\0';
    }
    memcpy(text, known, sizeof known);
    return 0;
}

static pid_t real_pid(const struct csi_os *os CSI_UNUSED)
{
    return getpid();
}

static uid_t real_euid(const struct csi_os *os CSI_UNUSED)
{
    return geteuid();
}

const struct csi_os csi_os_real = {
    .open = real_open,
    .close = real_close,
    .pread = real_pread,
    .pwrite = real_pwrite,
    .fsync = real_fsync,
    .fdatasync = real_fdatasync,
    .truncate = real_truncate,
    .allocate = real_allocate,
    .stat = real_stat,
    .nature = real_nature,
    .readlink = real_readlink,
    .rename = real_rename,
    .link = real_link,
    .symlink = real_symlink,
    .unlink = real_unlink,
    .mkdir = real_mkdir,
    .list = real_list,
    .chown = real_chown,
    .chmod = real_chmod,
    .xattr_list = real_xattr_list,
    .xattr_get = real_xattr_get,
    .xattr_set = real_xattr_set,
    .xattr_remove = real_xattr_remove,
    .lock = real_lock,
    .now = real_now,
    .sleep = real_sleep,
    .random = real_random,
    .cwd = real_cwd,
    .boot_id = real_boot_id,
    .pid = real_pid,
    .euid = real_euid,
};
