/* SPDX-License-Identifier: Apache-2.0 */
/* test_cost.c: what a commit does not ask of the system, and that nothing is lost by not asking. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "media/place_internal.h"
#include "support/storedir.h"
#include "txn/transaction.h"

/* A transaction that wants this text of a place. */
static csi_txn *want_of(struct storedir *f, csi_place *place, const char *text)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_parts) *parts = NULL;
    CSI_AUTO(csi_snapshot) *snapshot = NULL;
    assert_int_equal(csi_place_read(place, &csi_limits_default, &parts, &snapshot, &err), CERTSTORE_OK);
    CSI_AUTO(csi_parts) *wanted = csi_parts_new(&err);
    CSI_AUTO(csi_blob) *bytes = csi_blob_new(text, strlen(text), &err);
    assert_int_equal(csi_parts_add(wanted, "", bytes, &err), CERTSTORE_OK);
    csi_txn *txn = csi_txn_begin(&f->env, &err);
    assert_int_equal(csi_place_replace(txn, place, snapshot, wanted, false, CSI_KEYS_REFUSE, &err), CERTSTORE_OK);
    return txn;
}

static csi_txn *want(struct storedir *f, const char *text)
{
    certstore_error err = { 0 };
    const char *paths[] = { f->path };
    CSI_AUTO(csi_place) *place = csi_place_open(&f->env, paths, 1, false, &err);
    return want_of(f, place, text);
}

static certstore_status put(struct storedir *f, const char *text)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_txn) *txn = want(f, text);
    return csi_txn_commit(txn, &err);
}

/* ---------------------------------------------------------------------------------------------------------- the store's bytes */

/* What a clock that stands still would show. */
static struct stat frozen;
static int stand_still(const struct csi_os *os, int dir, const char *path, int flags, struct stat *st)
{
    (void)os;
    int status = csi_os_real.stat(&csi_os_real, dir, path, flags, st);
    if (status == 0 && st->st_ino == frozen.st_ino) {
        st->st_mtim = frozen.st_mtim;
        st->st_ctim = frozen.st_ctim;
    }
    return status;
}

static void a_change_in_the_same_tick_as_the_read_is_a_conflict(void **state)
{
    (void)state;
    for (int prepared = 0; prepared < 2; prepared++) {
        struct storedir f;
        certstore_error err = { 0 };
        storedir_open(&f);
        assert_int_equal(stat(f.path, &frozen), 0);
        f.os.table.stat = stand_still;
        CSI_AUTO(csi_txn) *txn = want(&f, "ours");
        if (prepared)
            assert_int_equal(csi_txn_prepare(txn, &err), CERTSTORE_OK);
        CSI_AUTO_FD fd = { &csi_os_real, open(f.path, O_WRONLY) };
        assert_int_equal(write(fd.fd, "two", 3), 3); /* as long as it was, in the same file */
        assert_int_equal(csi_txn_commit(txn, &err), CERTSTORE_E_CONFLICT);
        assert_true(storedir_holds(&f, "a.pem", "two"));
        storedir_close(&f);
    }
}

/* ---------------------------------------------------------------------------------------------------- what is not asked for */

static int no_truncate(const struct csi_os *os, int fd, off_t size)
{
    (void)os;
    (void)fd;
    (void)size;
    fail_msg("something was cut off");
    return -EIO;
}

static void a_commit_cuts_nothing_off_its_journal(void **state)
{
    (void)state;
    struct storedir f;
    storedir_open(&f);
    f.os.table.truncate = no_truncate;
    assert_int_equal(put(&f, "two"), CERTSTORE_OK);
    assert_true(storedir_holds(&f, "a.pem", "two"));
    storedir_close(&f);
}

static int blind_stat(const struct csi_os *os, int dir, const char *path, int flags, struct stat *st)
{
    (void)os;
    (void)dir;
    (void)path;
    (void)flags;
    (void)st;
    return -EIO;
}

static void a_light_commit_that_cannot_look_before_its_step_has_done_nothing(void **state)
{
    (void)state;
    struct storedir f;
    certstore_error err = { 0 };
    storedir_open(&f);
    CSI_AUTO(csi_txn) *txn = want(&f, "two");
    assert_int_equal(csi_txn_prepare(txn, &err), CERTSTORE_OK);
    f.os.table.stat = blind_stat;
    assert_int_equal(csi_txn_commit(txn, &err), CERTSTORE_E_IO); /* and not in doubt */
    assert_false(csi_txn_committed(txn));
    f.os.table.stat = csi_os_real.stat;
    CSI_AUTO(certstore_report) *report = csi_recover(&f.env, &err);
    assert_non_null(report);
    assert_true(storedir_holds(&f, "a.pem", "one"));
    assert_int_equal(test_names(f.dir), 2); /* the store and the state directory */
    storedir_close(&f);
}

static void what_a_crash_left_under_the_staging_name_is_cleared_away(void **state)
{
    (void)state;
    struct storedir f;
    storedir_open(&f);
    test_write(f.dir, ".a.pem.certstore-new", "left by a crash");
    assert_int_equal(put(&f, "two"), CERTSTORE_OK);
    assert_true(storedir_holds(&f, "a.pem", "two"));
    assert_int_equal(test_names(f.dir), 2);
    storedir_close(&f);
}

static void assert_content(csi_place *place, const char *text, int64_t generation)
{
    certstore_error err = { 0 };
    struct csi_content_digests now;
    char digest[CSI_DIGEST_TEXT + 1];
    int64_t number = 0;
    CSI_AUTO(csi_parts) *parts = NULL;
    CSI_AUTO(csi_snapshot) *snapshot = NULL;
    assert_int_equal(csi_digest_text(csi_span_text(text), digest, &err), CERTSTORE_OK);
    assert_int_equal(csi_place_content(place, &now, &err), CERTSTORE_OK);
    assert_string_equal(now.part[0], digest);
    assert_int_equal(csi_place_generation(place, &number, &err), CERTSTORE_OK);
    assert_int_equal(number, generation);
    assert_int_equal(csi_place_read(place, &csi_limits_default, &parts, &snapshot, &err), CERTSTORE_OK);
    assert_true(csi_span_equal(csi_blob_span(parts->items[0].bytes), csi_span_text(text)));
    assert_int_equal(csi_snapshot_content(snapshot, &now, &err), CERTSTORE_OK);
    assert_string_equal(now.part[0], digest);
}

static void what_was_put_is_known_and_what_others_put_after_it_is_seen(void **state)
{
    (void)state;
    struct storedir f;
    certstore_error err = { 0 };
    storedir_open(&f);
    const char *paths[] = { f.path };
    CSI_AUTO(csi_place) *place = csi_place_open(&f.env, paths, 1, false, &err);
    CSI_AUTO(csi_txn) *txn = want_of(&f, place, "two");
    assert_int_equal(csi_txn_commit(txn, &err), CERTSTORE_OK);
    assert_content(place, "two", 2);
    test_write(f.dir, "a.pem", "six"); /* as long */
    assert_content(place, "six", 3);
    test_write(f.dir, "a.pem", "longer");
    assert_content(place, "longer", 3);
    test_write(f.dir, "a.pem", "two");
    assert_content(place, "two", 2);
    storedir_close(&f);
}

static void what_was_not_put_after_all_is_not_taken_for_what_is_there(void **state)
{
    (void)state;
    struct storedir f;
    certstore_error err = { 0 };
    storedir_open(&f);
    assert_int_equal(put(&f, "two"), CERTSTORE_OK);
    const char *paths[] = { f.path };
    CSI_AUTO(csi_place) *place = csi_place_open(&f.env, paths, 1, false, &err);
    CSI_AUTO(csi_txn) *txn = want_of(&f, place, "ours");
    assert_content(place, "two", 2);
    csi_txn_free(csi_steal(&txn));
    assert_content(place, "two", 2);
    txn = want_of(&f, place, "ours");
    test_write(f.dir, "a.pem", "else");
    assert_int_equal(csi_txn_commit(txn, &err), CERTSTORE_E_CONFLICT);
    assert_content(place, "else", 3);
    storedir_close(&f);
}

/* --------------------------------------------------------------------------------------------------------------- the history */

static int lists;
static ssize_t count_list(const struct csi_os *os, int fd, void *data, size_t size)
{
    (void)os;
    lists++;
    return csi_os_real.list(&csi_os_real, fd, data, size);
}

/* The number of the newest row of the store, which must be there under that number alone. */
static bool is_newest(const struct storedir *f, int64_t number)
{
    certstore_error err = { 0 };
    const char *paths[] = { f->path };
    CSI_AUTO(csi_place) *place = csi_place_open(&f->env, paths, 1, false, &err);
    CSI_AUTO(certstore_history) *history = csi_place_history(place, &err);
    return history != NULL && history->count > 0 && history->rows[history->count - 1].number == number;
}

static void a_commit_looks_through_the_state_directory_once(void **state)
{
    (void)state;
    struct storedir f;
    storedir_open(&f);
    for (int i = 0; i < 20; i++)
        assert_int_equal(put(&f, i % 2 == 0 ? "two" : "one"), CERTSTORE_OK);
    lists = 0;
    f.os.table.list = count_list;
    assert_int_equal(put(&f, "two"), CERTSTORE_OK);
    assert_int_equal(lists, 2); /* the names, and that there are no more */
    f.os.table.list = csi_os_real.list;
    assert_true(is_newest(&f, 22));
    storedir_close(&f);
}

static void a_row_made_between_the_look_and_the_lock_is_not_overlooked(void **state)
{
    (void)state;
    for (int others = 1; others <= 5; others++) {
        struct storedir f;
        certstore_error err = { 0 };
        storedir_open(&f);
        assert_int_equal(put(&f, "two"), CERTSTORE_OK);
        CSI_AUTO(csi_txn) *late = want(&f, "late");
        late->looked = true; /* nothing was there: that is how long ago it looked */
        for (int i = 0; i < others; i++)
            assert_int_equal(put(&f, i % 2 == 0 ? "one" : "two"), CERTSTORE_OK);
        late->dir = csi_state_txn_dir(&f.env, false, &err);
        late->members[0].participant->before = (struct csi_content_digests){ 0 }; /* changed outside, whatever it was */
        late->members[0].seen = 2;
        assert_int_equal(csi_txn_number(late, &err), CERTSTORE_OK);
        assert_int_equal(late->members[0].old_generation, 2 + others + 1);
        storedir_close(&f);
    }
}

static void a_row_taken_back_between_the_look_and_the_lock_is_not_counted(void **state)
{
    (void)state;
    struct storedir f;
    certstore_error err = { 0 };
    storedir_open(&f);
    assert_int_equal(put(&f, "two"), CERTSTORE_OK);
    CSI_AUTO(csi_txn) *late = want(&f, "late");
    late->looked = true;
    late->dir = csi_state_txn_dir(&f.env, false, &err);
    late->members[0].seen = 7;
    assert_int_equal(csi_txn_number(late, &err), CERTSTORE_OK);
    assert_int_equal(late->members[0].generation, 3);
    storedir_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_in_the_same_tick_as_the_read_is_a_conflict),
        cmocka_unit_test(a_commit_cuts_nothing_off_its_journal),
        cmocka_unit_test(a_light_commit_that_cannot_look_before_its_step_has_done_nothing),
        cmocka_unit_test(what_a_crash_left_under_the_staging_name_is_cleared_away),
        cmocka_unit_test(what_was_put_is_known_and_what_others_put_after_it_is_seen),
        cmocka_unit_test(what_was_not_put_after_all_is_not_taken_for_what_is_there),
        cmocka_unit_test(a_commit_looks_through_the_state_directory_once),
        cmocka_unit_test(a_row_made_between_the_look_and_the_lock_is_not_overlooked),
        cmocka_unit_test(a_row_taken_back_between_the_look_and_the_lock_is_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
