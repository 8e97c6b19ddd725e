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
            test_write(f->dir, row->files[i].name, row->files[i].old);
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

static void a_commit_that_changes_nothing_writes_nothing_and_syncs_nothing(void **state)
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

static void any_call_may_fail_once(void **state)
{
    (void)state;
    static const int numbers[] = { EIO, ENOSPC, EINTR, 0 };
    for (size_t i = 0; i < ROWS; i++)
        for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++)
            fail_each_call(&rows[i], numbers[n], false);
}

static void any_call_may_fail_for_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        fail_each_call(&rows[i], EIO, true);
        fail_each_call(&rows[i], ENOSPC, true);
    }
}

static void the_process_may_stop_at_any_change(void **state)
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
static void recovery_may_stop_at_any_change_and_run_again(void **state)
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

static void a_store_changed_since_it_was_read_is_a_conflict_and_stays(void **state)
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

/* Invariant 10, after the commit point: found dead between two renames, with one store changed by somebody else since. */
static void recovery_leaves_a_store_that_others_changed_alone(void **state)
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

static void the_next_opener_settles_what_a_crash_left(void **state)
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
        cmocka_unit_test(a_commit_that_changes_nothing_writes_nothing_and_syncs_nothing),
        cmocka_unit_test(a_commit_syncs_as_often_as_the_budget_says),
        cmocka_unit_test(freeing_a_prepared_transaction_leaves_no_trace),
        cmocka_unit_test(any_call_may_fail_once),
        cmocka_unit_test(any_call_may_fail_for_good),
        cmocka_unit_test(the_process_may_stop_at_any_change),
        cmocka_unit_test(recovery_may_stop_at_any_change_and_run_again),
        cmocka_unit_test(a_store_changed_since_it_was_read_is_a_conflict_and_stays),
        cmocka_unit_test(recovery_leaves_a_store_that_others_changed_alone),
        cmocka_unit_test(the_next_opener_settles_what_a_crash_left),
    };
    return cmocka_run_group_tests_name("participants", tests, NULL, NULL);
}
