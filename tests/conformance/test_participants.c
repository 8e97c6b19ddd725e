/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_participants.c: what the engine promises, asked of every kind of place alike: one file, a file that is new or goes, two files of one store, stores in
 * two directories, a hashed directory, and all of them in one transaction. (Memory has its own in tests/unit/txn/test_engine.c.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "media/place.h"
#include "support/faulty_os.h"

enum { FILES_MAX = 8, PLACES_MAX = 4 };

/* A file and what it holds before and after; NULL: it is not there. */
struct file_case {
    const char *name;
    const char *old;
    const char *new;
};
struct place_case {
    const char *paths[2]; /* a directory's ends in a slash here */
};
struct row {
    const char *title;
    struct place_case places[PLACES_MAX];
    struct file_case files[FILES_MAX];
    long syncs; /* a commit's budget, once the state directory is there */
};

static const struct row rows[] = {
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
enum { ROWS = sizeof rows / sizeof *rows };

struct fixture {
    const struct row *row;
    struct faulty_os os;
    char *root;
    char *dir; /* where the stores are */
    char *state;
    struct csi_txn_env env;
};

static char *join(const char *dir, const char *name)
{
    char *path = NULL;
    assert_true(asprintf(&path, "%s/%s", dir, name) > 0);
    return path;
}

static void make_dir(const char *dir, const char *name)
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

static void open_fixture(struct fixture *f, const struct row *row)
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

static void close_fixture(struct fixture *f)
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

static bool all_old(const struct fixture *f)
{
    return shows(f, false);
}

static bool all_new(const struct fixture *f)
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
static int litter(const struct fixture *f)
{
    CSI_AUTO(csi_chars) *sub = join(f->dir, "sub");
    CSI_AUTO(csi_chars) *txn = join(f->state, "txn");
    return odd_names(f->dir, false) + odd_names(sub, false) + odd_names(txn, true);
}

static csi_place *open_place(struct fixture *f, const struct place_case *which, certstore_error *err)
{
    CSI_AUTO(csi_chars) *first = join(f->dir, which->paths[0]);
    CSI_AUTO(csi_chars) *second = which->paths[1] != NULL ? join(f->dir, which->paths[1]) : NULL;
    const char *paths[2] = { first, second };
    return csi_place_open(&f->env, paths, second != NULL ? 2 : 1, first[strlen(first) - 1] == '/', err);
}

static void add_wanted(csi_parts *parts, const char *name, const char *text, certstore_error *err)
{
    CSI_AUTO(csi_blob) *bytes = csi_blob_new(text, strlen(text), err);
    csi_parts_add(parts, name, bytes, err);
}

static csi_parts *wanted_parts(const struct fixture *f, const struct place_case *which, certstore_error *err)
{
    csi_parts *parts = csi_parts_new(err);
    size_t size = strlen(which->paths[0]);
    bool directory = which->paths[0][size - 1] == '/';
    for (size_t i = 0; i < FILES_MAX && f->row->files[i].name != NULL; i++) {
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
    return csi_place_replace(txn, place, snapshot, wanted, false, err);
}

static csi_txn *begin(struct fixture *f, certstore_error *err)
{
    CSI_AUTO(csi_txn) *txn = csi_txn_begin(&f->env, err);
    for (size_t i = 0; txn != NULL && i < PLACES_MAX && f->row->places[i].paths[0] != NULL; i++)
        if (ask(f, txn, &f->row->places[i], err) != CERTSTORE_OK)
            return NULL;
    return csi_steal(&txn);
}

static certstore_status commit(struct fixture *f)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_txn) *txn = begin(f, &err);
    return txn != NULL ? csi_txn_commit(txn, &err) : err.status;
}

/* What `certstore recover STORE...` does; the number of rows. */
static size_t recover(struct fixture *f)
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
static bool has_one_name_each(const struct fixture *f)
{
    bool one = true;
    for (size_t i = 0; i < FILES_MAX && f->row->files[i].name != NULL; i++) {
        struct stat st;
        CSI_AUTO(csi_chars) *path = join(f->dir, f->row->files[i].name);
        one = one && (lstat(path, &st) != 0 || st.st_nlink == 1);
    }
    return one;
}

static void check_end(struct fixture *f, certstore_status status)
{
    bool is_old = all_old(f);
    bool is_new = all_new(f);
    if (!is_old && !is_new)
        print_error("%s: neither old nor new (status %d, call %s)\n", f->row->title, status, f->os.hit != NULL ? f->os.hit : "-");
    assert_true(is_old || is_new);
    if (status == CERTSTORE_OK)
        assert_true(is_new);
    else if (status != CERTSTORE_E_IN_DOUBT)
        assert_true(is_old);
    assert_int_equal(litter(f), 0);
    assert_true(has_one_name_each(f));
}

static void commit_replaces_all_and_leaves_nothing_behind(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct fixture f;
        open_fixture(&f, &rows[i]);
        assert_true(all_old(&f));
        assert_int_equal(commit(&f), CERTSTORE_OK);
        assert_true(all_new(&f));
        assert_int_equal(litter(&f), 0);
        assert_int_equal(recover(&f), 0);
        close_fixture(&f);
    }
}

static void invariant_12_a_commit_that_changes_nothing_writes_nothing_and_syncs_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct fixture f;
        open_fixture(&f, &rows[i]);
        assert_int_equal(commit(&f), CERTSTORE_OK);
        faulty_os_reset(&f.os);
        assert_int_equal(commit(&f), CERTSTORE_OK);
        assert_int_equal(f.os.changes, 0);
        assert_int_equal(f.os.syncs, 0);
        close_fixture(&f);
    }
}

static void a_commit_syncs_as_often_as_the_budget_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct fixture f;
        open_fixture(&f, &rows[i]);
        CSI_AUTO(csi_chars) *txn_dir = join(f.state, "txn");
        make_dir(f.root, "state");
        assert_int_equal(mkdir(txn_dir, 0700), 0);
        assert_int_equal(commit(&f), CERTSTORE_OK);
        if (rows[i].syncs != 0 && f.os.syncs != rows[i].syncs)
            print_error("%s: %ld syncs, the budget says %ld\n", rows[i].title, f.os.syncs, rows[i].syncs);
        if (rows[i].syncs != 0)
            assert_int_equal(f.os.syncs, rows[i].syncs);
        close_fixture(&f);
    }
}

static void freeing_a_prepared_transaction_leaves_no_trace(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct fixture f;
        certstore_error err = { 0 };
        open_fixture(&f, &rows[i]);
        csi_txn *txn = begin(&f, &err);
        assert_non_null(txn);
        assert_int_equal(csi_txn_prepare(txn, &err), CERTSTORE_OK);
        assert_true(all_old(&f));
        assert_int_not_equal(litter(&f), 0);
        csi_txn_free(txn);
        assert_true(all_old(&f));
        assert_int_equal(litter(&f), 0);
        CSI_AUTO(csi_chars) *txn_dir = join(f.state, "txn");
        assert_int_equal(test_names(txn_dir), 0);
        close_fixture(&f);
    }
}

static void fail_each_call(const struct row *row, int number, bool for_good)
{
    bool done = false;
    for (long at = 1; !done; at++) {
        struct fixture f;
        open_fixture(&f, row);
        f.os.fail_at = at;
        f.os.number = number;
        f.os.for_good = for_good;
        certstore_status status = commit(&f);
        const char *hit = f.os.hit;
        done = hit == NULL;
        faulty_os_reset(&f.os);
        if (status != CERTSTORE_OK && status != CERTSTORE_E_IN_DOUBT)
            assert_true(all_old(&f)); /* at once, not only after recovery */
        recover(&f);
        f.os.hit = hit;
        check_end(&f, status);
        assert_int_equal(recover(&f), 0);
        close_fixture(&f);
        assert_in_range(at, 1, 3000);
    }
}

static void invariants_1_and_2_when_any_call_fails_once(void **state)
{
    (void)state;
    static const int numbers[] = { EIO, ENOSPC, EINTR, 0 };
    for (size_t i = 0; i < ROWS; i++)
        for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++)
            fail_each_call(&rows[i], numbers[n], false);
}

static void invariants_1_and_2_when_any_call_fails_for_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        fail_each_call(&rows[i], EIO, true);
        fail_each_call(&rows[i], ENOSPC, true);
    }
}

static void invariant_4_after_recovery_every_store_is_old_or_every_store_is_new(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        bool done = false;
        for (long at = 1; !done; at++) {
            struct fixture f;
            open_fixture(&f, &rows[i]);
            f.os.stop_at = at;
            commit(&f);
            done = f.os.changes < at;
            faulty_os_reset(&f.os);
            recover(&f);
            check_end(&f, CERTSTORE_E_IN_DOUBT);
            assert_int_equal(recover(&f), 0);
            close_fixture(&f);
        }
    }
}

/* The two rows that reach every branch of recovery; the others would only take longer. */
static void invariant_3_recovery_may_be_killed_anywhere_and_run_again(void **state)
{
    (void)state;
    static const size_t chosen[] = { 0, 3 };
    for (size_t c = 0; c < sizeof chosen / sizeof *chosen; c++) {
        bool done = false;
        for (long at = 1; !done; at++) {
            bool settled = false;
            for (long again = 1; !settled; again++) {
                struct fixture f;
                open_fixture(&f, &rows[chosen[c]]);
                f.os.stop_at = at;
                commit(&f);
                done = f.os.changes < at;
                faulty_os_reset(&f.os);
                f.os.stop_at = again;
                recover(&f);
                settled = f.os.changes < again;
                faulty_os_reset(&f.os);
                recover(&f);
                check_end(&f, CERTSTORE_E_IN_DOUBT);
                close_fixture(&f);
            }
        }
    }
}

static void invariant_10_a_store_changed_since_it_was_read_is_a_conflict_and_stays(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++)
        for (int prepared = 0; prepared < 2; prepared++) {
            struct fixture f;
            certstore_error err = { 0 };
            open_fixture(&f, &rows[i]);
            CSI_AUTO(csi_txn) *txn = begin(&f, &err);
            if (prepared)
                assert_int_equal(csi_txn_prepare(txn, &err), CERTSTORE_OK);
            test_write(f.dir, rows[i].files[0].name, "theirs");
            assert_int_equal(csi_txn_commit(txn, &err), CERTSTORE_E_CONFLICT);
            CSI_AUTO(csi_chars) *text = test_read(f.dir, rows[i].files[0].name);
            assert_string_equal(text, "theirs");
            assert_int_equal(litter(&f), 0);
            close_fixture(&f);
        }
}

/* Looks on at each rename over a store: what is replaced lies in the state directory by then, and nothing is opened wider than it was. */
static const struct fixture *watched;
static int renames_seen;

static bool kept_in(const char *txn, const char *text)
{
    DIR *open = opendir(txn);
    bool found = false;
    for (const struct dirent *entry = open != NULL ? readdir(open) : NULL; entry != NULL && !found; entry = readdir(open)) {
        const char *end = strstr(entry->d_name, ".old");
        CSI_AUTO(csi_chars) *kept = end != NULL && end[4] == '\0' ? test_read(txn, entry->d_name) : NULL;
        found = kept != NULL && strstr(kept, text) != NULL;
    }
    closedir(open);
    return found;
}

static int watching_rename(const struct csi_os *os, int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    CSI_AUTO(csi_chars) *txn = join(watched->state, "txn");
    struct stat staged;
    struct stat target;
    for (size_t i = 0; i < FILES_MAX && watched->row->files[i].name != NULL; i++) {
        const struct file_case *file = &watched->row->files[i];
        const char *slash = strrchr(file->name, '/');
        if (file->old == NULL || strcmp(slash != NULL ? slash + 1 : file->name, to) != 0)
            continue;
        renames_seen++;
        assert_true(kept_in(txn, file->old));
        assert_int_equal(fstatat(from_dir, from, &staged, 0), 0);
        assert_int_equal(fstatat(to_dir, to, &target, 0), 0);
        assert_int_equal(staged.st_mode, target.st_mode);
    }
    return csi_os_real.rename(os, from_dir, from, to_dir, to, flags);
}

static void invariant_6_nothing_changes_before_what_it_replaces_is_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct fixture f;
        open_fixture(&f, &rows[i]);
        watched = &f;
        f.os.table.rename = watching_rename;
        assert_int_equal(commit(&f), CERTSTORE_OK);
        close_fixture(&f);
    }
    assert_true(renames_seen >= 6);
}

static bool file_holds(const char *dir, const char *name, const char *text)
{
    CSI_AUTO(csi_chars) *content = test_read(dir, name);
    return content != NULL && strstr(content, text) != NULL;
}

static void invariant_8_no_content_of_a_store_is_in_a_journal_or_a_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct fixture f;
        struct stat st;
        open_fixture(&f, &rows[i]);
        assert_int_equal(commit(&f), CERTSTORE_OK);
        CSI_AUTO(csi_chars) *txn = join(f.state, "txn");
        assert_true(stat(txn, &st) == 0 && (st.st_mode & 07777) == 0700);
        DIR *open = opendir(txn);
        int journals = 0;
        for (const struct dirent *entry = readdir(open); entry != NULL; entry = readdir(open)) {
            bool journal = strstr(entry->d_name, ".done") != NULL;
            journals += journal;
            for (size_t n = 0; n < FILES_MAX && journal && rows[i].files[n].name != NULL; n++) {
                assert_false(rows[i].files[n].old != NULL && file_holds(txn, entry->d_name, rows[i].files[n].old));
                assert_false(rows[i].files[n].new != NULL &&file_holds(txn, entry->d_name, rows[i].files[n].new));
            }
            if (journal)
                assert_true(fstatat(dirfd(open), entry->d_name, &st, 0) == 0 && (st.st_mode & 07777) == 0600);
        }
        closedir(open);
        assert_int_equal(journals, 1);
        close_fixture(&f);
    }
}

/* Invariant 10, after the commit point: found dead between two renames, with one store changed by somebody else since. */
static void invariant_10_recovery_leaves_a_store_that_somebody_else_changed_alone(void **state)
{
    (void)state;
    bool done = false;
    for (long at = 1; !done; at++) {
        struct fixture f;
        open_fixture(&f, &rows[4]);
        f.os.stop_at = at;
        commit(&f);
        done = f.os.changes < at;
        faulty_os_reset(&f.os);
        test_write(f.dir, "sub/b.p12", "theirs");
        recover(&f);
        CSI_AUTO(csi_chars) *theirs = test_read(f.dir, "sub/b.p12");
        CSI_AUTO(csi_chars) *ours = test_read(f.dir, "a.pem");
        assert_string_equal(theirs, "theirs");
        assert_true(strcmp(ours, "old a") == 0 || strcmp(ours, "new a") == 0);
        assert_int_equal(litter(&f), 0);
        assert_int_equal(recover(&f), 0);
        close_fixture(&f);
    }
}

static void invariant_9_the_next_opener_settles_what_a_crash_left_whatever_its_state_directory(void **state)
{
    (void)state;
    bool done = false;
    for (long at = 1; !done; at++) {
        struct fixture f;
        open_fixture(&f, &rows[3]);
        f.os.stop_at = at;
        commit(&f);
        done = f.os.changes < at;
        faulty_os_reset(&f.os);
        certstore_error err = { 0 };
        CSI_AUTO(csi_chars) *other = join(f.root, "another-state");
        f.env.state_dir = other;
        CSI_AUTO(csi_place) *place = open_place(&f, &f.row->places[0], &err);
        assert_non_null(place);
        assert_true(all_old(&f) || all_new(&f));
        assert_int_equal(commit(&f), CERTSTORE_OK);
        assert_true(all_new(&f));
        close_fixture(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commit_replaces_all_and_leaves_nothing_behind),
        cmocka_unit_test(invariant_12_a_commit_that_changes_nothing_writes_nothing_and_syncs_nothing),
        cmocka_unit_test(a_commit_syncs_as_often_as_the_budget_says),
        cmocka_unit_test(freeing_a_prepared_transaction_leaves_no_trace),
        cmocka_unit_test(invariants_1_and_2_when_any_call_fails_once),
        cmocka_unit_test(invariants_1_and_2_when_any_call_fails_for_good),
        cmocka_unit_test(invariant_4_after_recovery_every_store_is_old_or_every_store_is_new),
        cmocka_unit_test(invariant_3_recovery_may_be_killed_anywhere_and_run_again),
        cmocka_unit_test(invariant_6_nothing_changes_before_what_it_replaces_is_kept),
        cmocka_unit_test(invariant_8_no_content_of_a_store_is_in_a_journal_or_a_name),
        cmocka_unit_test(invariant_10_a_store_changed_since_it_was_read_is_a_conflict_and_stays),
        cmocka_unit_test(invariant_10_recovery_leaves_a_store_that_somebody_else_changed_alone),
        cmocka_unit_test(invariant_9_the_next_opener_settles_what_a_crash_left_whatever_its_state_directory),
    };
    return cmocka_run_group_tests_name("participants", tests, NULL, NULL);
}
