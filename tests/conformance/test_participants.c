/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_participants.c: what the engine promises, asked of every kind of place alike: one file, a file that is new or goes, two files of one store,
 * stores in two directories, a hashed directory, and all of them in one transaction. (Memory has its own in tests/unit/txn/test_engine.c.)
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

#include "support/faulty_alloc.h"
#include "support/places.h"

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

static void invariants_1_and_2_when_any_allocation_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        bool done = false;
        for (long at = 1; !done; at++) {
            struct fixture f;
            open_fixture(&f, &rows[i]);
            faulty_alloc_reset(at, false);
            certstore_status status = commit(&f);
            done = !faulty_alloc_hit();
            faulty_alloc_reset(0, false);
            if (status != CERTSTORE_OK && status != CERTSTORE_E_IN_DOUBT)
                assert_true(all_old(&f));
            recover(&f);
            check_end(&f, status);
            assert_int_equal(recover(&f), 0);
            close_fixture(&f);
        }
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

/* How many generations a store has; *kept: they follow one another, and the bytes of each are there. */
static size_t generations(struct fixture *f, const struct place_case *which, bool *kept)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_place) *place = open_place(f, which, &err);
    CSI_AUTO(certstore_history) *history = csi_place_history(place, &err);
    assert_non_null(history);
    *kept = true;
    for (size_t i = 0; i < history->count; i++)
        *kept = *kept && history->rows[i].kept && history->rows[i].number == history->rows[0].number + (int64_t)i;
    return history->count;
}

/* A process dies before it has marked the stores, so that the next opener sees nothing of it; another transaction makes the same content; only then
 * comes recovery. */
static void recovery_takes_nothing_from_a_transaction_that_followed(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * ROWS; i++) {
        bool done = false;
        for (long at = 1; !done; at++) {
            struct fixture f;
            open_fixture(&f, &rows[i / 2]);
            CSI_AUTO(csi_chars) *other = join(f.root, "another-state");
            const char *first = f.env.state_dir;
            f.os.stop_at = at;
            commit(&f);
            done = f.os.changes < at;
            faulty_os_reset(&f.os);
            f.env.state_dir = i % 2 == 0 ? first : other;
            assert_int_equal(commit(&f), CERTSTORE_OK);
            assert_true(all_new(&f));
            f.env.state_dir = first;
            recover(&f);
            assert_true(all_new(&f));
            assert_int_equal(recover(&f), 0);
            for (size_t p = 0; i % 2 == 0 && p < PLACES_MAX && f.row->places[p].paths[0] != NULL; p++) {
                bool kept = false;
                size_t count = generations(&f, &f.row->places[p], &kept);
                if (count > 2 || !kept)
                    print_error("%s, stopped at %ld: %zu generations of store %zu, %s\n", f.row->title, at, count, p, kept ? "kept" : "lost");
                assert_true(count <= 2 && kept);
            }
            close_fixture(&f);
        }
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
        cmocka_unit_test(invariants_1_and_2_when_any_allocation_fails),
        cmocka_unit_test(invariant_4_after_recovery_every_store_is_old_or_every_store_is_new),
        cmocka_unit_test(invariant_3_recovery_may_be_killed_anywhere_and_run_again),
        cmocka_unit_test(invariant_6_nothing_changes_before_what_it_replaces_is_kept),
        cmocka_unit_test(invariant_8_no_content_of_a_store_is_in_a_journal_or_a_name),
        cmocka_unit_test(invariant_10_a_store_changed_since_it_was_read_is_a_conflict_and_stays),
        cmocka_unit_test(invariant_10_recovery_leaves_a_store_that_somebody_else_changed_alone),
        cmocka_unit_test(recovery_takes_nothing_from_a_transaction_that_followed),
        cmocka_unit_test(invariant_9_the_next_opener_settles_what_a_crash_left_whatever_its_state_directory),
    };
    return cmocka_run_group_tests_name("participants", tests, NULL, NULL);
}
