/* SPDX-License-Identifier: Apache-2.0 */
/* places.c: see places.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "support/places.h"

const struct row rows[ROWS] = {
    { "one file", { { { "a.pem", NULL } } }, { { "a.pem", "old a", "new a" } }, 3 },
    { "a new file", { { { "a.pem", NULL } } }, { { "a.pem", NULL, "new a" } }, 2 },
    { "a file that goes", { { { "a.pem", NULL } } }, { { "a.pem", "old a", NULL } }, 2 },
    { "two files of one store",
      { { { "cert.pem", "key.pem" } } },
      { { "cert.pem", "old cert", "new cert" }, { "key.pem", "old key", "new key" } },
      7 },
    { "stores in two directories",
      { { { "a.pem", NULL } }, { { "sub/b.p12", NULL } } },
      { { "a.pem", "old a", "new a" }, { "sub/b.p12", "old b", "new b" } },
      9 },
    { "a directory",
      { { { "certs/", NULL } } },
      { { "certs/01234567.0", "old 0", "new 0" },
        { "certs/01234567.1", "old 1", NULL },
        { "certs/89abcdef.0", NULL, "new 2" },
        { "certs/README", "kept", "kept" } },
      8 },
    { "all kinds at once",
      { { { "a.pem", NULL } }, { { "cert.pem", "key.pem" } }, { { "certs/", NULL } } },
      { { "a.pem", "old a", "new a" },
        { "cert.pem", "old cert", "new cert" },
        { "key.pem", NULL, "new key" },
        { "certs/01234567.0", "old 0", "new 0" },
        { "certs/README", "kept", "kept" } },
      0 },
};

char *join(const char *dir, const char *name)
{
    char *path = NULL;
    assert_true(asprintf(&path, "%s/%s", dir, name) > 0);
    return path;
}

void make_dir(const char *dir, const char *name)
{
    CSI_AUTO(csi_chars) *path = join(dir, name);
    assert_int_equal(mkdir(path, 0755), 0);
}

/* With a mode and (as root) an owner that no new file would have. */
static void write_old(const struct fixture *f, const struct file_case *file)
{
    CSI_AUTO(csi_chars) *path = join(f->dir, file->name);
    test_write(f->dir, file->name, file->old);
    assert_int_equal(chmod(path, 0614), 0);
    if (geteuid() == 0)
        assert_int_equal(chown(path, 12, 34), 0);
}

static bool looks_as_before(const struct fixture *f, const struct file_case *file)
{
    struct stat st;
    CSI_AUTO(csi_chars) *path = join(f->dir, file->name);
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 07777) == 0614 && st.st_uid == (geteuid() == 0 ? 12 : geteuid());
}

void open_fixture(struct fixture *f, const struct row *row)
{
    *f = (struct fixture){ .row = row };
    faulty_os_init(&f->os);
    f->root = test_dir_new();
    make_dir(f->root, "stores");
    f->dir = join(f->root, "stores");
    f->state = join(f->root, "state");
    make_dir(f->dir, "sub");
    make_dir(f->dir, "certs");
    make_dir(f->dir, "certs/java");
    test_write(f->dir, "certs/java/cacerts", "foreign");
    for (size_t i = 0; i < FILES_MAX && row->files[i].name != NULL; i++)
        if (row->files[i].old != NULL)
            write_old(f, &row->files[i]);
    f->env = (struct csi_txn_env){
        .os = &f->os.table, .state_dir = f->state, .kinds = csi_place_kinds, .actor = "tester", .lock_timeout_ms = 0, .generations = 5
    };
}

void close_fixture(struct fixture *f)
{
    test_dir_remove(f->root);
    free(f->dir);
    free(f->state);
}

static bool shows(const struct fixture *f, bool new)
{
    bool same = true;
    for (size_t i = 0; i < FILES_MAX && f->row->files[i].name != NULL; i++) {
        const struct file_case *file = &f->row->files[i];
        CSI_AUTO(csi_chars) *text = test_read(f->dir, file->name);
        const char *wanted = new ? file->new : file->old;
        same = same && (wanted == NULL ? text == NULL : text != NULL && strcmp(text, wanted) == 0);
        if (wanted != NULL && file->old != NULL)
            same = same && looks_as_before(f, file);
    }
    CSI_AUTO(csi_chars) *foreign = test_read(f->dir, "certs/java/cacerts");
    return same && foreign != NULL && strcmp(foreign, "foreign") == 0;
}

bool all_old(const struct fixture *f)
{
    return shows(f, false);
}

bool all_new(const struct fixture *f)
{
    return shows(f, true);
}

static int odd_names(const char *dir, bool is_state)
{
    DIR *open = opendir(dir);
    int count = 0;
    for (const struct dirent *entry = open != NULL ? readdir(open) : NULL; entry != NULL; entry = readdir(open)) {
        const char *name = entry->d_name;
        bool odd = is_state ? strstr(name, ".open") != NULL || strstr(name, ".new") != NULL : name[0] == '.';
        count += odd && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
    }
    if (open != NULL)
        closedir(open);
    return count;
}

/* Nothing beside the stores but the stores; in the state directory nothing open. */
int litter(const struct fixture *f)
{
    CSI_AUTO(csi_chars) *sub = join(f->dir, "sub");
    CSI_AUTO(csi_chars) *txn = join(f->state, "txn");
    return odd_names(f->dir, false) + odd_names(sub, false) + odd_names(txn, true);
}

csi_place *open_place(struct fixture *f, const struct place_case *which, certstore_error *err)
{
    CSI_AUTO(csi_chars) *first = join(f->dir, which->paths[0]);
    CSI_AUTO(csi_chars) *second = which->paths[1] != NULL ? join(f->dir, which->paths[1]) : NULL;
    const char *paths[2] = { first, second };
    return csi_place_open(&f->env, paths, second != NULL ? 2 : 1, first[strlen(first) - 1] == '/', err);
}

static void add_wanted(csi_parts *parts, const char *name, const char *text, certstore_error *err)
{
    CSI_AUTO(csi_blob) *bytes = csi_blob_new(text, strlen(text), err);
    if (bytes != NULL)
        csi_parts_add(parts, name, bytes, err);
}

static csi_parts *wanted_parts(const struct fixture *f, const struct place_case *which, certstore_error *err)
{
    csi_parts *parts = csi_parts_new(err);
    size_t size = strlen(which->paths[0]);
    bool directory = which->paths[0][size - 1] == '/';
    for (size_t i = 0; parts != NULL && i < FILES_MAX && f->row->files[i].name != NULL; i++) {
        const struct file_case *file = &f->row->files[i];
        if (file->new == NULL)
            continue;
        if (directory && strncmp(file->name, which->paths[0], size) == 0)
            add_wanted(parts, file->name + size, file->new, err);
        else if (strcmp(file->name, which->paths[0]) == 0)
            add_wanted(parts, "", file->new, err);
        else if (which->paths[1] != NULL && strcmp(file->name, which->paths[1]) == 0)
            add_wanted(parts, "key", file->new, err);
    }
    return parts;
}

static certstore_status ask(struct fixture *f, csi_txn *txn, const struct place_case *which, certstore_error *err)
{
    CSI_AUTO(csi_place) *place = open_place(f, which, err);
    CSI_AUTO(csi_parts) *parts = NULL;
    CSI_AUTO(csi_snapshot) *snapshot = NULL;
    if (place == NULL || csi_place_read(place, &csi_limits_default, &parts, &snapshot, err) != CERTSTORE_OK)
        return err->status;
    CSI_AUTO(csi_parts) *wanted = wanted_parts(f, which, err);
    if (err->status != CERTSTORE_OK)
        return err->status;
    return csi_place_replace(txn, place, snapshot, wanted, false, CSI_KEYS_REFUSE, err);
}

csi_txn *begin(struct fixture *f, certstore_error *err)
{
    CSI_AUTO(csi_txn) *txn = csi_txn_begin(&f->env, err);
    for (size_t i = 0; txn != NULL && i < PLACES_MAX && f->row->places[i].paths[0] != NULL; i++)
        if (ask(f, txn, &f->row->places[i], err) != CERTSTORE_OK)
            return NULL;
    return csi_steal(&txn);
}

certstore_status commit(struct fixture *f)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_txn) *txn = begin(f, &err);
    return txn != NULL ? csi_txn_commit(txn, &err) : err.status;
}

/* What `certstore recover STORE...` does; the number of rows. */
size_t recover(struct fixture *f)
{
    certstore_error err = { 0 };
    CSI_AUTO(certstore_report) *report = csi_recover(&f->env, &err);
    size_t count = report != NULL ? report->count : 0;
    for (size_t i = 0; i < PLACES_MAX && f->row->places[i].paths[0] != NULL; i++) {
        certstore_error unopened = { 0 };
        CSI_AUTO(csi_place) *place = open_place(f, &f->row->places[i], &unopened);
        CSI_AUTO(certstore_report) *beside = place != NULL ? csi_place_recover(place, &unopened) : NULL;
        count += beside != NULL ? beside->count : 0;
    }
    return count;
}

/* A link too many would part the store's names at the next change. */
bool has_one_name_each(const struct fixture *f)
{
    bool one = true;
    for (size_t i = 0; i < FILES_MAX && f->row->files[i].name != NULL; i++) {
        struct stat st;
        CSI_AUTO(csi_chars) *path = join(f->dir, f->row->files[i].name);
        one = one && (lstat(path, &st) != 0 || st.st_nlink == 1);
    }
    return one;
}
