/* SPDX-License-Identifier: Apache-2.0 */
/* faulty_os.c: see faulty_os.h. */
#include "support/faulty_os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

static struct faulty_os *self(const struct csi_os *os)
{
    return (struct faulty_os *)(uintptr_t)os;
}

/* 0: go on. Otherwise the error to return. */
static int fault(const struct csi_os *table, const char *slot)
{
    struct faulty_os *os = self(table);
    os->calls++;
    bool now = os->fail_at != 0 && os->calls == os->fail_at;
    bool again = os->for_good && os->hit != NULL && strcmp(os->hit, slot) == 0;
    if (now)
        os->hit = slot;
    return now || again ? -os->number : 0;
}

/* After the stop nothing reaches the disk any more: the process is dead and has not noticed. */
static bool stopped(const struct csi_os *table)
{
    struct faulty_os *os = self(table);
    os->changes++;
    return os->stop_at != 0 && os->changes >= os->stop_at;
}

#define CHANGE(slot)              \
    if (stopped(os))              \
        return -EIO;              \
    int failed = fault(os, slot); \
    if (failed != 0)              \
        return failed;
#define LOOK(slot)                \
    int failed = fault(os, slot); \
    if (failed != 0)              \
        return failed;

static int fake_open(const struct csi_os *os, int dir, const char *path, int flags, mode_t mode)
{
    if ((flags & O_CREAT) != 0 && stopped(os))
        return -EIO;
    LOOK("open")
    return csi_os_real.open(os, dir, path, flags, mode);
}

static ssize_t fake_pread(const struct csi_os *os, int fd, void *data, size_t size, off_t at)
{
    LOOK("pread")
    return csi_os_real.pread(os, fd, data, size, at);
}

static ssize_t fake_pwrite(const struct csi_os *os, int fd, const void *data, size_t size, off_t at)
{
    bool was_hit = self(os)->hit != NULL;
    CHANGE("pwrite")
    bool cut = self(os)->number == 0 && self(os)->hit != NULL && (!was_hit || self(os)->for_good) && size > 1;
    return csi_os_real.pwrite(os, fd, data, cut ? size / 2 : size, at);
}

static int fake_fsync(const struct csi_os *os, int fd)
{
    self(os)->syncs++;
    CHANGE("fsync")
    return csi_os_real.fsync(os, fd);
}

static int fake_fdatasync(const struct csi_os *os, int fd)
{
    self(os)->syncs++;
    CHANGE("fsync")
    return csi_os_real.fdatasync(os, fd);
}

static int fake_truncate(const struct csi_os *os, int fd, off_t size)
{
    CHANGE("truncate")
    return csi_os_real.truncate(os, fd, size);
}

static int fake_allocate(const struct csi_os *os, int fd, off_t size)
{
    CHANGE("allocate")
    return csi_os_real.allocate(os, fd, size);
}

static int fake_stat(const struct csi_os *os, int dir, const char *path, int flags, struct stat *st)
{
    LOOK("stat")
    return csi_os_real.stat(os, dir, path, flags, st);
}

static int fake_nature(const struct csi_os *os, int dir, const char *path, int flags, struct csi_os_nature *nature)
{
    LOOK("nature")
    return csi_os_real.nature(os, dir, path, flags, nature);
}

static ssize_t fake_readlink(const struct csi_os *os, int dir, const char *path, char *text, size_t room)
{
    LOOK("readlink")
    return csi_os_real.readlink(os, dir, path, text, room);
}

static int fake_rename(const struct csi_os *os, int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    CHANGE("rename")
    return csi_os_real.rename(os, from_dir, from, to_dir, to, flags);
}

static int fake_link(const struct csi_os *os, int from_dir, const char *from, int to_dir, const char *to)
{
    CHANGE("link")
    return csi_os_real.link(os, from_dir, from, to_dir, to);
}

static int fake_symlink(const struct csi_os *os, const char *text, int dir, const char *path)
{
    CHANGE("symlink")
    return csi_os_real.symlink(os, text, dir, path);
}

static int fake_unlink(const struct csi_os *os, int dir, const char *path, int flags)
{
    CHANGE("unlink")
    return csi_os_real.unlink(os, dir, path, flags);
}

static int fake_mkdir(const struct csi_os *os, int dir, const char *path, mode_t mode)
{
    CHANGE("mkdir")
    return csi_os_real.mkdir(os, dir, path, mode);
}

static ssize_t fake_list(const struct csi_os *os, int fd, void *data, size_t size)
{
    LOOK("list")
    return csi_os_real.list(os, fd, data, size);
}

static int fake_chown(const struct csi_os *os, int fd, uid_t uid, gid_t gid)
{
    CHANGE("chown")
    return csi_os_real.chown(os, fd, uid, gid);
}

static int fake_chmod(const struct csi_os *os, int fd, mode_t mode)
{
    CHANGE("chmod")
    return csi_os_real.chmod(os, fd, mode);
}

static ssize_t fake_xattr_list(const struct csi_os *os, int fd, char *names, size_t room)
{
    LOOK("xattr_list")
    return csi_os_real.xattr_list(os, fd, names, room);
}

static ssize_t fake_xattr_get(const struct csi_os *os, int fd, const char *name, void *value, size_t room)
{
    LOOK("xattr_get")
    return csi_os_real.xattr_get(os, fd, name, value, room);
}

static int fake_xattr_set(const struct csi_os *os, int fd, const char *name, const void *value, size_t size)
{
    CHANGE("xattr_set")
    return csi_os_real.xattr_set(os, fd, name, value, size);
}

static int fake_xattr_remove(const struct csi_os *os, int fd, const char *name)
{
    CHANGE("xattr_remove")
    return csi_os_real.xattr_remove(os, fd, name);
}

static int fake_lock(const struct csi_os *os, int fd, bool exclusive)
{
    LOOK("lock")
    return csi_os_real.lock(os, fd, exclusive);
}

static int fake_random(const struct csi_os *os, void *data, size_t size)
{
    LOOK("random")
    return csi_os_real.random(os, data, size);
}

static pid_t fake_pid(const struct csi_os *os)
{
    return self(os)->pid != 0 ? self(os)->pid : csi_os_real.pid(os);
}

void faulty_os_init(struct faulty_os *os)
{
    *os = (struct faulty_os){ .table = csi_os_real };
    os->table.open = fake_open;
    os->table.pread = fake_pread;
    os->table.pwrite = fake_pwrite;
    os->table.fsync = fake_fsync;
    os->table.fdatasync = fake_fdatasync;
    os->table.truncate = fake_truncate;
    os->table.allocate = fake_allocate;
    os->table.stat = fake_stat;
    os->table.nature = fake_nature;
    os->table.readlink = fake_readlink;
    os->table.rename = fake_rename;
    os->table.link = fake_link;
    os->table.symlink = fake_symlink;
    os->table.unlink = fake_unlink;
    os->table.mkdir = fake_mkdir;
    os->table.list = fake_list;
    os->table.chown = fake_chown;
    os->table.chmod = fake_chmod;
    os->table.xattr_list = fake_xattr_list;
    os->table.xattr_get = fake_xattr_get;
    os->table.xattr_set = fake_xattr_set;
    os->table.xattr_remove = fake_xattr_remove;
    os->table.lock = fake_lock;
    os->table.random = fake_random;
    os->table.pid = fake_pid;
}

void faulty_os_reset(struct faulty_os *os)
{
    struct csi_os table = os->table;
    *os = (struct faulty_os){ .table = table };
}

/* ------------------------------------------------------------------------------------------------------------- directories */

static int remove_one(const char *path, const struct stat *st CSI_UNUSED, int type CSI_UNUSED, struct FTW *ftw CSI_UNUSED)
{
    return remove(path);
}

static void remove_tree(const char *dir)
{
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* What was made by this process, so that a test that fails, or keeps its directory to the end, leaves none behind. */
static struct made {
    struct made *before;
    pid_t by;
    char path[];
} * last_made;

static void remove_made(void)
{
    while (last_made != NULL && last_made->by == getpid()) {
        struct made *made = last_made;
        last_made = made->before;
        remove_tree(made->path);
        free(made);
    }
}

static void note_made(const char *path)
{
    struct made *made = malloc(sizeof *made + strlen(path) + 1);
    if (made == NULL || (last_made == NULL && atexit(remove_made) != 0))
        abort();
    made->before = last_made;
    made->by = getpid();
    strcpy(made->path, path);
    last_made = made;
}

char *test_dir_new(void)
{
    /* In memory where possible: thousands of small trees, and what a sync costs is not the question. */
    const char *base = getenv("TMPDIR");
    if (base == NULL)
        base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    char *path = NULL;
    if (asprintf(&path, "%s/certstore-test-XXXXXX", base) < 0 || mkdtemp(path) == NULL)
        abort();
    char *real = realpath(path, NULL);
    free(path);
    if (real != NULL)
        note_made(real);
    return real;
}

void test_dir_remove(char *dir)
{
    remove_tree(dir);
    free(dir);
}

static char *join(const char *dir, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", dir, name) < 0)
        abort();
    return path;
}

void test_write(const char *dir, const char *name, const char *text)
{
    CSI_AUTO(csi_chars) *path = join(dir, name);
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
        abort();
}

char *test_read(const char *dir, const char *name)
{
    CSI_AUTO(csi_chars) *path = join(dir, name);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return NULL;
    char *text = calloc(1, 65536);
    if (text != NULL)
        text[fread(text, 1, 65535, file)] = '\0';
    fclose(file);
    return text;
}

int test_names(const char *dir)
{
    DIR *open = opendir(dir);
    if (open == NULL)
        return -1;
    int count = 0;
    for (const struct dirent *entry = readdir(open); entry != NULL; entry = readdir(open))
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(open);
    return count;
}
