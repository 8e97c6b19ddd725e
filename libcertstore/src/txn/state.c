/* SPDX-License-Identifier: Apache-2.0 */
/* state.c: names in the state directory. */
#include "txn/state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

static certstore_status fail(int number, const char *dir, const char *what, certstore_error *err)
{
    return csi_fail_errno(err, -number, "state directory %s: cannot be %s; choose another with --state-dir or CERTSTORE_STATE_DIR", dir, what);
}

/* mkdir -p of an absolute path, durably: a new directory's name is synced into its parent before anything is put in it. */
static int make_dirs(const struct csi_os *os, char *path)
{
    struct stat st;
    if (os->stat(os, AT_FDCWD, path, 0, &st) == 0)
        return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
    char *slash = strrchr(path, '/');
    bool is_top = slash == path;
    *slash = '\0';
    int status = is_top ? 0 : make_dirs(os, path);
    *slash = '/';
    if (status < 0)
        return status;
    status = os->mkdir(os, AT_FDCWD, path, 0700);
    if (status < 0)
        return status == -EEXIST ? 0 : status;
    *slash = '\0';
    status = csi_os_sync_dir(os, AT_FDCWD, is_top ? "/" : path);
    *slash = '/';
    return status;
}

/* Who could write here could have our backups put over other people's stores. */
static certstore_status check_owner(const struct csi_os *os, const char *dir, bool *there, certstore_error *err)
{
    struct stat st;
    int status = os->stat(os, AT_FDCWD, dir, AT_SYMLINK_NOFOLLOW, &st);
    *there = status == 0;
    if (status == -ENOENT || status == -ENOTDIR) /* whoever goes on from here is told more */
        return CERTSTORE_OK;
    if (status < 0)
        return fail(status, dir, "looked at", err);
    if (!S_ISDIR(st.st_mode) || (st.st_uid != 0 && st.st_uid != os->euid(os)) || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "state directory %s: others can write to it; make it yours, with mode 0700", dir);
    return CERTSTORE_OK;
}

char *csi_state_txn_dir(const struct csi_txn_env *env, bool make, certstore_error *err)
{
    CSI_AUTO(csi_chars) *dir = csi_format(err, "%s/txn", env->state_dir);
    if (dir == NULL)
        return NULL;
    if (env->state_dir[0] != '/') {
        csi_fail(err, CERTSTORE_E_ARGUMENT, "state directory %s: must be an absolute path", env->state_dir);
        return NULL;
    }
    bool there = false;
    if (check_owner(env->os, dir, &there, err) != CERTSTORE_OK)
        return NULL;
    if (there || !make)
        return csi_steal(&dir);
    int status = make_dirs(env->os, dir);
    if (status < 0) {
        fail(status, env->state_dir, "made", err);
        return NULL;
    }
    return check_owner(env->os, dir, &there, err) == CERTSTORE_OK ? csi_steal(&dir) : NULL;
}

char *csi_state_journal(const char *dir, const char *id, bool done, certstore_error *err)
{
    return csi_format(err, "%s/%s.%s", dir, id, done ? "done" : "open");
}

char *csi_state_row_path(const char *dir, const char *store, int64_t generation, certstore_error *err)
{
    return csi_format(err, "%s/%.*s.%" PRId64, dir, CSI_ID_TEXT, store, generation);
}

char *csi_state_backup_path(const char *dir, const char *store, int64_t generation, int part, certstore_error *err)
{
    return csi_format(err, "%s/%.*s.%" PRId64 ".%d.old", dir, CSI_ID_TEXT, store, generation, part);
}

certstore_status csi_state_names_if(const struct csi_os *os, const char *dir, bool (*wanted)(const char *name, void *context), void *context,
                                    struct csi_names *names, certstore_error *err)
{
    CSI_AUTO_FD fd = { os, csi_os_open(os, AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0) };
    if (fd.fd == -ENOENT)
        return CERTSTORE_OK;
    int status = fd.fd < 0 ? fd.fd : csi_os_names_if(os, fd.fd, wanted, context, names);
    return status < 0 ? fail(status, dir, "listed", err) : CERTSTORE_OK;
}

certstore_status csi_state_names(const struct csi_os *os, const char *dir, struct csi_names *names, certstore_error *err)
{
    return csi_state_names_if(os, dir, NULL, NULL, names, err);
}

void csi_rows_free(struct csi_rows *rows)
{
    free(rows->items);
    *rows = (struct csi_rows){ 0 };
}

bool csi_state_row_number(const char *name, const char *store, int64_t *generation)
{
    if (strncmp(name, store, CSI_ID_TEXT) != 0 || name[CSI_ID_TEXT] != '.')
        return false;
    char *end = NULL;
    errno = 0;
    *generation = strtoll(name + CSI_ID_TEXT + 1, &end, 10);
    return errno == 0 && *generation > 0 && *end == '\0'; /* 0 as well where there is no digit */
}

bool csi_state_backup_number(const char *name, const char *store, int64_t *generation)
{
    if (strncmp(name, store, CSI_ID_TEXT) != 0 || name[CSI_ID_TEXT] != '.' || strcmp(name + strlen(name) - 4, ".old") != 0)
        return false;
    *generation = strtoll(name + CSI_ID_TEXT + 1, NULL, 10);
    return true;
}

static void take_digest(const char **text, char *digest)
{
    size_t size = strcspn(*text, ":");
    digest[0] = '\0';
    if (size == CSI_DIGEST_TEXT) {
        memcpy(digest, *text, size);
        digest[size] = '\0';
    }
    *text += size;
    if (**text == ':')
        (*text)++;
}

static void parse_row(const char *text, struct csi_row *row)
{
    size_t size = strcspn(text, ":");
    if (size == CSI_ID_TEXT)
        memcpy(row->txn, text, size);
    text += size;
    if (*text == ':')
        text++;
    for (int part = 0; part < CSI_PARTS_MAX; part++)
        take_digest(&text, row->content.part[part]);
    row->light = strcmp(text, "light") == 0;
}

static int by_generation(const void *a, const void *b)
{
    int64_t left = ((const struct csi_row *)a)->generation;
    int64_t right = ((const struct csi_row *)b)->generation;
    return left < right ? -1 : left > right;
}

certstore_status csi_state_numbers(const struct csi_names *names, const char *store, struct csi_rows *rows, certstore_error *err)
{
    for (size_t i = 0; i < names->count; i++) {
        struct csi_row row = { 0 };
        if (!csi_state_row_number(names->items[i], store, &row.generation))
            continue;
        struct csi_row *items = csi_grow(rows->items, &rows->capacity, rows->count + 1, sizeof *items, err);
        if (items == NULL)
            return err->status;
        rows->items = items;
        items[rows->count++] = row;
    }
    if (rows->count > 1)
        qsort(rows->items, rows->count, sizeof *rows->items, by_generation);
    return CERTSTORE_OK;
}

certstore_status csi_state_read_row(const struct csi_os *os, const char *dir, const char *store, struct csi_row *row, bool *there,
                                    certstore_error *err)
{
    CSI_AUTO(csi_chars) *path = csi_state_row_path(dir, store, row->generation, err);
    if (path == NULL)
        return err->status;
    CSI_AUTO(csi_chars) *text = NULL;
    int status = csi_os_readlink(os, AT_FDCWD, path, &text);
    *there = status >= 0;
    if (status < 0)
        return status == -ENOENT ? CERTSTORE_OK : fail(status, dir, "read", err);
    parse_row(text, row);
    return CERTSTORE_OK;
}

certstore_status csi_state_rows(const struct csi_os *os, const char *dir, const struct csi_names *names, const char *store, struct csi_rows *rows,
                                certstore_error *err)
{
    CSI_TRY(csi_state_numbers(names, store, rows, err));
    size_t kept = 0;
    for (size_t i = 0; i < rows->count; i++) {
        bool there = false;
        CSI_TRY(csi_state_read_row(os, dir, store, &rows->items[i], &there, err));
        if (there)
            rows->items[kept++] = rows->items[i];
    }
    rows->count = kept;
    return CERTSTORE_OK;
}

certstore_status csi_state_put_row(const struct csi_os *os, const char *dir, const char *store, const struct csi_row *row, certstore_error *err)
{
    CSI_AUTO(csi_chars) *path = csi_state_row_path(dir, store, row->generation, err);
    const char *first = row->content.part[0];
    const char *second = row->content.part[1];
    CSI_AUTO(csi_chars) *text =
        csi_format(err, "%s:%s:%s:%s", row->txn, first[0] != '\0' ? first : "-", second[0] != '\0' ? second : "-", row->light ? "light" : "");
    if (path == NULL || text == NULL)
        return err->status;
    int status = os->symlink(os, text, AT_FDCWD, path);
    if (status == -EEXIST) { /* of a transaction that came to nothing and lost its journal to a power failure */
        os->unlink(os, AT_FDCWD, path, 0);
        status = os->symlink(os, text, AT_FDCWD, path);
    }
    return status < 0 ? fail(status, dir, "written to", err) : CERTSTORE_OK;
}

/* True if there was a backup and no other name of its bytes is left, so that it must stay. */
static bool is_last_name(const struct csi_os *os, const char *backup)
{
    struct stat st;
    return os->stat(os, AT_FDCWD, backup, AT_SYMLINK_NOFOLLOW, &st) == 0 && st.st_nlink == 1;
}

static void forget_row(const struct csi_os *os, const char *dir, const char *name, int64_t generation, bool light)
{
    certstore_error none = { 0 };
    CSI_AUTO(csi_chars) *row = csi_state_row_path(dir, name, generation, &none);
    for (int part = 0; part < CSI_PARTS_MAX; part++) {
        CSI_AUTO(csi_chars) *backup = csi_state_backup_path(dir, name, generation - 1, part, &none);
        if (backup == NULL || (light && is_last_name(os, backup)))
            return;
        os->unlink(os, AT_FDCWD, backup, 0);
    }
    if (row != NULL)
        os->unlink(os, AT_FDCWD, row, 0); /* last: while it is there the rest is found again */
}

void csi_state_forget(const struct csi_os *os, const char *dir, const char *id)
{
    CSI_AUTO_NAMES names = { 0 };
    certstore_error none = { 0 };
    if (csi_state_names(os, dir, &names, &none) != CERTSTORE_OK)
        return;
    for (size_t i = 0; i < names.count; i++) {
        struct csi_row row = { 0 };
        const char *name = names.items[i];
        if (strlen(name) < CSI_ID_TEXT || !csi_state_row_number(name, name, &row.generation))
            continue;
        CSI_AUTO(csi_chars) *path = csi_state_row_path(dir, name, row.generation, &none);
        CSI_AUTO(csi_chars) *text = NULL;
        if (path == NULL || csi_os_readlink(os, AT_FDCWD, path, &text) < 0)
            continue;
        parse_row(text, &row);
        if (strcmp(row.txn, id) == 0)
            forget_row(os, dir, name, row.generation, row.light);
    }
}

void csi_state_retain(const struct csi_os *os, const char *dir, const struct csi_names *names, const char *store, int64_t current, int keep)
{
    certstore_error none = { 0 };
    for (size_t i = 0; i < names->count; i++) {
        int64_t generation = 0;
        if (!csi_state_backup_number(names->items[i], store, &generation) || generation >= current - keep)
            continue;
        CSI_AUTO(csi_chars) *path = csi_format(&none, "%s/%s", dir, names->items[i]);
        if (path != NULL)
            os->unlink(os, AT_FDCWD, path, 0); /* what stays for now goes next time */
    }
}
