/* SPDX-License-Identifier: Apache-2.0 */
/* test_recovery.c: what recovery says and does where it cannot simply go on: damage, strangers' changes, ROLLBACK, lost journals; and what
 * history knows then. */
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
#include "txn/journal.h"

enum { PAIR = 3, TWO_STORES = 4, DIRECTORY = 5, ALL = 6 };

/* The one journal that is open; NULL when there is none. */
static char *open_journal(const struct fixture *f)
{
    CSI_AUTO(csi_chars) *txn = join(f->state, "txn");
    DIR *dir = opendir(txn);
    char *path = NULL;
    for (const struct dirent *entry = dir != NULL ? readdir(dir) : NULL; entry != NULL && path == NULL; entry = readdir(dir)) {
        size_t size = strlen(entry->d_name);
        if (size > 5 && strcmp(entry->d_name + size - 5, ".open") == 0)
            path = join(txn, entry->d_name);
    }
    if (dir != NULL)
        closedir(dir);
    return path;
}

/* Commits and stops dead at a change; false once the commit got through. */
static bool stop_at(struct fixture *f, const struct row *row, long at)
{
    open_fixture(f, row);
    f->os.stop_at = at;
    commit(f);
    bool stopped = f->os.changes >= at;
    faulty_os_reset(&f->os);
    return stopped;
}

/* Stops where COMMIT is in the journal and the last store is not promoted yet. */
static char *stop_committed(struct fixture *f, const struct row *row, long *from)
{
    for (long at = *from;; at++) {
        certstore_error err = { 0 };
        assert_true(stop_at(f, row, at));
        CSI_AUTO(csi_chars) *path = open_journal(f);
        CSI_AUTO(csi_journal) *journal = path != NULL ? csi_journal_open(&csi_os_real, path, false, &err) : NULL;
        if (journal != NULL && csi_journal_find(journal, "COMMIT") != NULL && !all_new(f)) {
            *from = at + 1;
            return csi_steal(&path);
        }
        close_fixture(f);
    }
}

static bool reports(const certstore_report *report, const char *code)
{
    for (size_t i = 0; report != NULL && i < report->count; i++)
        if (strcmp(report->rows[i].code, code) == 0)
            return true;
    return false;
}

static certstore_report *recover_all(struct fixture *f)
{
    certstore_error err = { 0 };
    return csi_recover(&f->env, &err);
}

/* --------------------------------------------------------------------------------------------------------------- decisions */

static int markers_in(const char *path)
{
    DIR *dir = opendir(path);
    int count = 0;
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        size_t size = strlen(entry->d_name);
        count += entry->d_name[0] == '.' && size > 10 && strcmp(entry->d_name + size - 10, ".certstore") == 0;
    }
    closedir(dir);
    return count;
}

/* Finishing takes the marks away, and is only begun where there is no way back any more. */
static bool may_still_go_back(const struct fixture *f, const csi_journal *journal)
{
    CSI_AUTO(csi_chars) *sub = join(f->dir, "sub");
    int participants = 0;
    for (size_t i = 0; i < journal->count; i++)
        participants += strcmp(csi_record_get(&journal->records[i], "type"), "PARTICIPANT") == 0;
    return csi_journal_find(journal, "COMMIT") != NULL && markers_in(f->dir) + markers_in(sub) == participants;
}

static void rollback_in_the_journal_takes_every_store_back(void **state)
{
    (void)state;
    static const size_t chosen[] = { PAIR, TWO_STORES, ALL };
    int tried = 0;
    for (size_t c = 0; c < sizeof chosen / sizeof *chosen; c++) {
        for (long at = 1;; at++) {
            struct fixture f;
            certstore_error err = { 0 };
            bool stopped = stop_at(&f, &rows[chosen[c]], at);
            CSI_AUTO(csi_chars) *path = open_journal(&f);
            csi_journal *journal = path != NULL ? csi_journal_open(&csi_os_real, path, true, &err) : NULL;
            bool may_be_finishing = chosen[c] == ALL && all_new(&f); /* a directory's old content goes before its mark */
            if (journal != NULL && !may_be_finishing && may_still_go_back(&f, journal)) {
                tried++;
                CSI_AUTO_RECORD record = { 0 };
                csi_record_put(&record, "type", "ROLLBACK");
                assert_int_equal(csi_journal_add(journal, &record, &err), CERTSTORE_OK);
                assert_int_equal(csi_journal_sync(journal, &err), CERTSTORE_OK);
                csi_journal_free(csi_steal(&journal));
                CSI_AUTO(certstore_report) *report = recover_all(&f);
                assert_true(reports(report, "recovered-back"));
                assert_true(all_old(&f));
                assert_true(has_one_name_each(&f));
                recover(&f);
                assert_int_equal(litter(&f), 0);
            }
            csi_journal_free(journal);
            close_fixture(&f);
            if (!stopped)
                break;
        }
    }
    assert_true(tried > 10);
}

static void rollback_leaves_a_store_that_others_changed_and_says_so(void **state)
{
    (void)state;
    struct fixture f;
    certstore_error err = { 0 };
    long from = 1;
    CSI_AUTO(csi_chars) *path = stop_committed(&f, &rows[TWO_STORES], &from);
    csi_journal *journal = csi_journal_open(&csi_os_real, path, true, &err);
    CSI_AUTO_RECORD record = { 0 };
    csi_record_put(&record, "type", "ROLLBACK");
    csi_journal_add(journal, &record, &err);
    assert_int_equal(csi_journal_sync(journal, &err), CERTSTORE_OK);
    csi_journal_free(journal);
    test_write(f.dir, "a.pem", "theirs");
    CSI_AUTO(certstore_report) *report = recover_all(&f);
    assert_true(reports(report, "in-doubt"));
    CSI_AUTO(csi_chars) *theirs = test_read(f.dir, "a.pem");
    assert_string_equal(theirs, "theirs");
    close_fixture(&f);
}

/* What openers do by the way must not hide a conflict; a person's `recover` reports it and ends the matter. */
static void a_conflict_after_commit_is_for_a_person_to_see(void **state)
{
    (void)state;
    struct fixture f;
    certstore_error err = { 0 };
    long from = 1;
    CSI_UNUSED CSI_AUTO(csi_chars) *path = stop_committed(&f, &rows[TWO_STORES], &from);
    test_write(f.dir, "sub/b.p12", "theirs");
    assert_null(open_place(&f, &f.row->places[0], &err));
    assert_int_equal(err.status, CERTSTORE_E_IN_DOUBT);
    assert_non_null(strstr(err.message, "certstore recover"));
    CSI_AUTO(certstore_report) *report = recover_all(&f);
    assert_true(reports(report, "in-doubt") && reports(report, "recovered-forward"));
    CSI_AUTO(csi_chars) *theirs = test_read(f.dir, "sub/b.p12");
    CSI_AUTO(csi_chars) *ours = test_read(f.dir, "a.pem");
    assert_string_equal(theirs, "theirs");
    assert_string_equal(ours, "new a");
    assert_int_equal(recover(&f), 0);
    close_fixture(&f);
}

static void a_damaged_journal_blocks_and_nothing_is_touched(void **state)
{
    (void)state;
    struct fixture f;
    certstore_error err = { 0 };
    long from = 1;
    CSI_AUTO(csi_chars) *path = stop_committed(&f, &rows[PAIR], &from);
    int fd = open(path, O_RDWR);
    assert_int_equal(pwrite(fd, "X", 1, 10), 1);
    close(fd);
    CSI_AUTO(certstore_report) *report = recover_all(&f);
    assert_true(reports(report, "blocked"));
    assert_non_null(strstr(report->rows[0].message, "nothing was touched"));
    assert_null(open_place(&f, &f.row->places[0], &err));
    assert_int_equal(err.status, CERTSTORE_E_PENDING);
    err = (certstore_error){ 0 };
    assert_null(begin(&f, &err));
    close_fixture(&f);
}

/* Rewrites the journal with one text replaced by another of the same size, and a sound chain. */
static void forge(const char *path, const char *from, const char *to)
{
    certstore_error err = { 0 };
    csi_journal *old = csi_journal_open(&csi_os_real, path, false, &err);
    unlink(path);
    csi_journal *new = csi_journal_create(&csi_os_real, path, 0, &err);
    for (size_t i = 0; i < old->count; i++) {
        CSI_AUTO_RECORD copy = { 0 };
        for (size_t n = 0; n < old->records[i].count; n++) {
            const struct csi_field *field = &old->records[i].fields[n];
            if (field->text != NULL)
                csi_record_put(&copy, field->name, strcmp(field->text, from) == 0 ? to : field->text);
            else
                csi_record_put_int(&copy, field->name, strcmp(field->name, from) == 0 ? atoi(to) : field->number);
        }
        csi_journal_add(new, &copy, &err);
    }
    assert_int_equal(csi_journal_sync(new, &err), CERTSTORE_OK);
    csi_journal_free(new);
    csi_journal_free(old);
}

static void a_journal_this_version_does_not_understand_blocks(void **state)
{
    (void)state;
    static const char *const cases[][2] = { { "v", "2" }, { "file", "moon" }, { "part", "7" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f;
        long from = 1;
        CSI_AUTO(csi_chars) *path = stop_committed(&f, &rows[PAIR], &from);
        forge(path, cases[i][0], cases[i][1]);
        CSI_AUTO(certstore_report) *report = recover_all(&f);
        assert_true(reports(report, "blocked"));
        close_fixture(&f);
    }
}

static void a_location_that_is_no_path_blocks(void **state)
{
    (void)state;
    static const size_t chosen[] = { PAIR, ALL };
    for (size_t c = 0; c < 2; c++) {
        struct fixture f;
        long from = 1;
        CSI_AUTO(csi_chars) *path = stop_committed(&f, &rows[chosen[c]], &from);
        CSI_AUTO(csi_chars) *location = join(f.dir, c == 0 ? "cert.pem" : "certs");
        forge(path, location, "relative");
        CSI_AUTO(certstore_report) *report = recover_all(&f);
        assert_true(reports(report, "blocked"));
        close_fixture(&f);
    }
}

static void what_is_pending_is_told_without_touching_it(void **state)
{
    (void)state;
    struct fixture f;
    certstore_error err = { 0 };
    long from = 1;
    CSI_AUTO(csi_chars) *path = stop_committed(&f, &rows[PAIR], &from);
    CSI_AUTO(certstore_report) *pending = csi_pending(&f.env, &err);
    assert_true(reports(pending, "pending"));
    assert_int_equal(access(path, F_OK), 0);
    csi_journal *owner = csi_journal_open(&csi_os_real, path, true, &err);
    CSI_AUTO(certstore_report) *active = csi_pending(&f.env, &err);
    assert_true(reports(active, "active"));
    CSI_AUTO(certstore_report) *left_alone = recover_all(&f);
    assert_true(reports(left_alone, "active"));
    csi_journal_free(owner);
    close_fixture(&f);
}

/* Power: the journal's name was durable, its content was not. */
static void a_journal_without_content_leaves_no_second_name_behind(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        for (long at = 1;; at++) {
            struct fixture f;
            bool stopped = stop_at(&f, &rows[i], at);
            CSI_AUTO(csi_chars) *path = open_journal(&f);
            bool lost = path != NULL && all_old(&f);
            if (lost) {
                assert_int_equal(at % 2 == 0 ? truncate(path, 0) : unlink(path), 0); /* its content, or its name as well */
                recover(&f);
                assert_true(all_old(&f) && has_one_name_each(&f));
                assert_int_equal(litter(&f), 0);
                assert_int_equal(commit(&f), CERTSTORE_OK);
                assert_true(all_new(&f));
            }
            close_fixture(&f);
            if (!stopped)
                break;
        }
    }
}

/* The other half: the rename of a light transaction is on the disk, its journal is not. The old bytes stay. */
static void a_light_commit_whose_journal_was_lost_keeps_the_old_bytes(void **state)
{
    (void)state;
    long tried = 0;
    for (long at = 1;; at++) {
        struct fixture f;
        certstore_error err = { 0 };
        bool stopped = stop_at(&f, &rows[0], at);
        CSI_AUTO(csi_chars) *path = open_journal(&f);
        if (path != NULL && all_new(&f)) {
            tried++; /* the journal's content first, then its name as well */
            assert_int_equal(at % 2 == 0 ? truncate(path, 0) : unlink(path), 0);
            recover(&f);
            CSI_AUTO(csi_place) *place = open_place(&f, &f.row->places[0], &err);
            CSI_AUTO(csi_parts) *old = csi_place_generation_parts(place, 1, &err);
            CSI_AUTO(certstore_history) *history = csi_place_history(place, &err);
            assert_int_equal(history->count, 2);
            assert_int_equal(history->rows[1].number, 2);
            assert_true(history->rows[0].kept);
            assert_true(csi_span_equal(csi_blob_span(old->items[0].bytes), csi_span_text("old a")));
            assert_int_equal(recover(&f), 0);
        }
        close_fixture(&f);
        if (!stopped)
            break;
    }
    assert_true(tried > 0);
}

/* A place was opened and read; then somebody with another state directory began a transaction there, and died. */
static void a_committer_that_meets_a_dead_transaction_settles_it_first(void **state)
{
    (void)state;
    for (long at = 1;; at++) {
        struct fixture f;
        certstore_error err = { 0 };
        open_fixture(&f, &rows[TWO_STORES]);
        CSI_AUTO(csi_txn) *late = begin(&f, &err);
        CSI_AUTO(csi_chars) *other = join(f.root, "another-state");
        f.env.state_dir = other;
        f.os.stop_at = at;
        commit(&f);
        bool stopped = f.os.changes >= at;
        faulty_os_reset(&f.os);
        certstore_status status = csi_txn_commit(late, &err);
        /* It was undone: we are not in its way. It had committed: the stores have changed since we read them, into what it (and we) wanted. */
        assert_true(status == CERTSTORE_OK || status == CERTSTORE_E_CONFLICT);
        if (status == CERTSTORE_OK)
            assert_true(all_new(&f));
        recover(&f);
        assert_true(all_new(&f));
        assert_int_equal(litter(&f), 0);
        close_fixture(&f);
        if (!stopped)
            break;
    }
}

static void a_marker_that_names_no_path_stops_writers_with_advice(void **state)
{
    (void)state;
    struct fixture f;
    certstore_error err = { 0 };
    open_fixture(&f, &rows[0]);
    CSI_AUTO(csi_chars) *marker = join(f.dir, ".a.pem.certstore");
    assert_int_equal(symlink("nowhere", marker), 0);
    CSI_AUTO(csi_txn) *txn = begin(&f, &err);
    assert_int_equal(csi_txn_commit(txn, &err), CERTSTORE_E_PENDING);
    assert_non_null(strstr(err.message, "remove it"));
    assert_true(all_old(&f));
    close_fixture(&f);
}

static void a_transaction_is_prepared_and_committed_once(void **state)
{
    (void)state;
    struct fixture f;
    certstore_error err = { 0 };
    open_fixture(&f, &rows[ALL]);
    CSI_AUTO(csi_txn) *txn = begin(&f, &err);
    assert_int_equal(strlen(csi_txn_id(txn)), 32);
    assert_int_equal(csi_txn_stores(txn), 3);
    assert_int_equal(csi_txn_set_note(txn, "first", &err), CERTSTORE_OK);
    assert_int_equal(csi_txn_prepare(txn, &err), CERTSTORE_OK);
    assert_false(csi_txn_committed(txn));
    assert_int_equal(csi_txn_prepare(txn, &err), CERTSTORE_E_ARGUMENT);
    err = (certstore_error){ 0 };
    assert_int_equal(csi_txn_set_note(txn, "too late", &err), CERTSTORE_E_ARGUMENT);
    csi_txn_drop_store(txn, "");
    err = (certstore_error){ 0 };
    assert_int_equal(csi_txn_commit(txn, &err), CERTSTORE_OK);
    assert_true(csi_txn_committed(txn));
    assert_int_equal(csi_txn_commit(txn, &err), CERTSTORE_E_ARGUMENT);
    assert_true(all_new(&f));
    close_fixture(&f);
}

static void a_later_request_for_a_store_takes_the_place_of_the_earlier(void **state)
{
    (void)state;
    struct fixture f;
    certstore_error err = { 0 };
    open_fixture(&f, &rows[PAIR]);
    CSI_AUTO(csi_txn) *txn = begin(&f, &err);
    CSI_AUTO(csi_place) *place = open_place(&f, &f.row->places[0], &err);
    CSI_AUTO(csi_parts) *parts = NULL;
    CSI_AUTO(csi_snapshot) *snapshot = NULL;
    assert_int_equal(csi_place_read(place, &csi_limits_default, &parts, &snapshot, &err), CERTSTORE_OK);
    assert_int_equal(csi_place_replace(txn, place, snapshot, parts, true, CSI_KEYS_REFUSE, &err), CERTSTORE_OK); /* as it is */
    assert_int_equal(csi_txn_stores(txn), 0);
    assert_int_equal(csi_txn_commit(txn, &err), CERTSTORE_OK);
    assert_true(all_old(&f));
    close_fixture(&f);
}

/* ----------------------------------------------------------------------------------------------------------------- history */

static void check_generation(csi_place *place, int64_t number, const char *const *texts, size_t count)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_parts) *parts = csi_place_generation_parts(place, number, &err);
    assert_non_null(parts);
    assert_int_equal(parts->count, count);
    for (size_t i = 0; i < count; i++)
        assert_true(csi_span_equal(csi_blob_span(parts->items[i].bytes), csi_span_text(texts[i])));
}

static void generations_of_a_pair_and_of_a_directory_come_back_whole(void **state)
{
    (void)state;
    static const char *const pair_old[] = { "old cert", "old key" };
    static const char *const pair_new[] = { "new cert", "new key" };
    static const char *const dir_old[] = { "old 0", "old 1", "kept" };
    static const char *const dir_new[] = { "new 0", "new 2", "kept" };
    certstore_error err = { 0 };
    struct fixture f;
    open_fixture(&f, &rows[PAIR]);
    assert_int_equal(commit(&f), CERTSTORE_OK);
    CSI_AUTO(csi_place) *pair = open_place(&f, &f.row->places[0], &err);
    check_generation(pair, 1, pair_old, 2);
    check_generation(pair, 2, pair_new, 2);
    close_fixture(&f);
    open_fixture(&f, &rows[DIRECTORY]);
    assert_int_equal(commit(&f), CERTSTORE_OK);
    CSI_AUTO(csi_place) *dir = open_place(&f, &f.row->places[0], &err);
    check_generation(dir, 1, dir_old, 3);
    check_generation(dir, 2, dir_new, 3);
    assert_null(csi_place_generation_parts(dir, 3, &err));
    assert_int_equal(err.status, CERTSTORE_E_NOT_FOUND);
    close_fixture(&f);
}

static void a_change_of_the_second_file_only_is_seen(void **state)
{
    (void)state;
    struct fixture f;
    certstore_error err = { 0 };
    int64_t number = 0;
    open_fixture(&f, &rows[PAIR]);
    assert_int_equal(commit(&f), CERTSTORE_OK);
    test_write(f.dir, "key.pem", "their key");
    CSI_AUTO(csi_place) *place = open_place(&f, &f.row->places[0], &err);
    assert_int_equal(csi_place_generation(place, &number, &err), CERTSTORE_OK);
    assert_int_equal(number, 3);
    assert_int_equal(commit(&f), CERTSTORE_OK);
    assert_int_equal(csi_place_generation(place, &number, &err), CERTSTORE_OK);
    assert_int_equal(number, 4);
    static const char *const between[] = { "new cert", "their key" };
    check_generation(place, 3, between, 2);
    close_fixture(&f);
}

static void a_generation_in_which_a_store_did_not_exist_has_no_parts(void **state)
{
    (void)state;
    struct fixture f;
    certstore_error err = { 0 };
    open_fixture(&f, &rows[2]); /* a file that goes */
    assert_int_equal(commit(&f), CERTSTORE_OK);
    CSI_AUTO(csi_place) *place = open_place(&f, &f.row->places[0], &err);
    check_generation(place, 2, NULL, 0);
    CSI_AUTO(certstore_history) *history = csi_place_history(place, &err);
    assert_string_equal(history->rows[1].sha256, "");
    close_fixture(&f);
}

static void read_everything(struct fixture *f, certstore_error *err)
{
    for (size_t i = 0; i < 3 && err->status == CERTSTORE_OK; i++) {
        int64_t number = 0;
        CSI_AUTO(csi_place) *place = open_place(f, &f->row->places[i], err);
        CSI_AUTO(certstore_history) *history = place != NULL ? csi_place_history(place, err) : NULL;
        CSI_AUTO(csi_parts) *parts = history != NULL ? csi_place_generation_parts(place, 1, err) : NULL;
        if (parts != NULL)
            csi_place_generation(place, &number, err);
    }
}

static void reading_history_survives_any_failed_call_or_allocation(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, &rows[ALL]);
    assert_int_equal(commit(&f), CERTSTORE_OK);
    for (int allocations = 0; allocations < 2; allocations++) {
        bool done = false;
        for (long at = 1; !done; at++) {
            certstore_error err = { 0 };
            faulty_os_reset(&f.os);
            f.os.fail_at = allocations ? 0 : at;
            f.os.number = EIO;
            faulty_alloc_reset(allocations ? at : 0, false);
            read_everything(&f, &err);
            done = allocations ? !faulty_alloc_hit() : f.os.hit == NULL;
            faulty_alloc_reset(0, false);
            if (done)
                assert_int_equal(err.status, CERTSTORE_OK);
            assert_int_equal(f.os.changes, 0);
        }
    }
    assert_true(all_new(&f));
    close_fixture(&f);
}

static void recovery_survives_any_failed_allocation(void **state)
{
    (void)state;
    bool done = false;
    long from = 1;
    for (long at = 1; !done; at++) {
        struct fixture f;
        CSI_UNUSED CSI_AUTO(csi_chars) *path = stop_committed(&f, &rows[ALL], &from);
        from--; /* the same place again */
        faulty_alloc_reset(at, false);
        recover(&f);
        done = !faulty_alloc_hit();
        faulty_alloc_reset(0, false);
        recover(&f);
        assert_true(all_new(&f));
        assert_int_equal(litter(&f), 0);
        close_fixture(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rollback_in_the_journal_takes_every_store_back),
        cmocka_unit_test(rollback_leaves_a_store_that_others_changed_and_says_so),
        cmocka_unit_test(a_conflict_after_commit_is_for_a_person_to_see),
        cmocka_unit_test(a_damaged_journal_blocks_and_nothing_is_touched),
        cmocka_unit_test(a_journal_this_version_does_not_understand_blocks),
        cmocka_unit_test(a_location_that_is_no_path_blocks),
        cmocka_unit_test(what_is_pending_is_told_without_touching_it),
        cmocka_unit_test(a_journal_without_content_leaves_no_second_name_behind),
        cmocka_unit_test(a_light_commit_whose_journal_was_lost_keeps_the_old_bytes),
        cmocka_unit_test(a_committer_that_meets_a_dead_transaction_settles_it_first),
        cmocka_unit_test(a_marker_that_names_no_path_stops_writers_with_advice),
        cmocka_unit_test(a_transaction_is_prepared_and_committed_once),
        cmocka_unit_test(a_later_request_for_a_store_takes_the_place_of_the_earlier),
        cmocka_unit_test(a_change_of_the_second_file_only_is_seen),
        cmocka_unit_test(generations_of_a_pair_and_of_a_directory_come_back_whole),
        cmocka_unit_test(a_generation_in_which_a_store_did_not_exist_has_no_parts),
        cmocka_unit_test(reading_history_survives_any_failed_call_or_allocation),
        cmocka_unit_test(recovery_survives_any_failed_allocation),
    };
    return cmocka_run_group_tests_name("recovery", tests, NULL, NULL);
}
