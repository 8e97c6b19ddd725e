/* SPDX-License-Identifier: Apache-2.0 */
/* test_state.c: the state directory as it may be found: not ours, not there, with strange names, with rows that say nothing or go while they are
 * looked at; and what the engine and recovery make of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "support/faulty_alloc.h"
#include "support/statedir.h"
#include "txn/state.h"

#define ID STATEDIR_ID
#define OTHER_ID STATEDIR_OTHER_ID
#define DIGITS ID ID

static void put_link(const struct statedir *f, const char *name, const char *text)
{
    CSI_AUTO(csi_chars) *path = NULL;
    assert_true(asprintf(&path, "%s/%s", f->txn_dir, name) > 0);
    unlink(path);
    assert_int_equal(symlink(text, path), 0);
}

/* A whole transaction over the cell "a". */
static certstore_status change(struct statedir *f, const char *content, certstore_error *err)
{
    CSI_AUTO(csi_txn) *txn = csi_txn_begin(&f->env, err);
    csi_participant *p = txn != NULL ? csi_memory_participant(&f->memory, "a", content, err) : NULL;
    if (p == NULL || csi_txn_add(txn, p, err) != CERTSTORE_OK)
        return err->status;
    return csi_txn_commit(txn, err);
}

static bool holds(const struct statedir *f, const char *content)
{
    return csi_span_equal(csi_blob_span(csi_memory_find(&f->memory, "a")->content), csi_span_text(content));
}

/* The key of the cell "a" in names of the state directory. */
static void key_of_a(char *key)
{
    certstore_error err = { 0 };
    char digest[CSI_DIGEST_TEXT + 1];
    csi_digest_text(csi_span_text("a"), digest, &err);
    memcpy(key, digest, CSI_ID_TEXT);
    key[CSI_ID_TEXT] = '\0';
}

/* ------------------------------------------------------------------------------------------------------- the directory itself */

static struct stat pretended;
static int pretend_stat(const struct csi_os *os, int dir, const char *path, int flags, struct stat *st)
{
    (void)os;
    int status = csi_os_real.stat(&csi_os_real, dir, path, flags, st);
    st->st_mode = pretended.st_mode;
    st->st_uid = pretended.st_uid;
    return status;
}

static uid_t somebody(const struct csi_os *os)
{
    (void)os;
    return 1000;
}

static void a_state_directory_is_used_if_root_or_we_own_it_and_nobody_else_can_write(void **state)
{
    (void)state;
    static const struct {
        mode_t mode;
        uid_t uid;
        bool good;
    } cases[] = {
        { S_IFDIR | 0700, 1000, true },  { S_IFDIR | 0755, 0, true },  { S_IFDIR | 0700, 1001, false }, { S_IFDIR | 0720, 1000, false },
        { S_IFDIR | 0702, 1000, false }, { S_IFLNK | 0777, 0, false }, { S_IFREG | 0600, 1000, false },
    };
    struct statedir f;
    statedir_open_made(&f);
    f.os.table.stat = pretend_stat;
    f.os.table.euid = somebody;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        certstore_error err = { 0 };
        pretended.st_mode = cases[i].mode;
        pretended.st_uid = cases[i].uid;
        CSI_AUTO(csi_chars) *dir = csi_state_txn_dir(&f.env, false, &err);
        assert_int_equal(dir != NULL, cases[i].good);
        assert_int_equal(err.status, cases[i].good ? CERTSTORE_OK : CERTSTORE_E_ARGUMENT);
    }
    statedir_close(&f);
}

static void a_state_directory_is_named_from_the_root_and_is_a_directory(void **state)
{
    (void)state;
    struct statedir f;
    certstore_error err = { 0 };
    statedir_open_made(&f);
    f.env.state_dir = "state";
    assert_null(csi_state_txn_dir(&f.env, true, &err));
    assert_int_equal(err.status, CERTSTORE_E_ARGUMENT);
    err = (certstore_error){ 0 };
    test_write(f.dir, "file", "not a directory");
    CSI_AUTO(csi_chars) *file = NULL;
    assert_true(asprintf(&file, "%s/file", f.dir) > 0);
    f.env.state_dir = file;
    assert_null(csi_state_txn_dir(&f.env, true, &err));
    assert_non_null(strstr(err.message, "cannot be made"));
    statedir_close(&f);
}

static char made_first[64];
static int refuse_mkdir(const struct csi_os *os, int dir, const char *path, mode_t mode)
{
    (void)os;
    (void)dir;
    assert_int_equal(mode, 0700);
    if (made_first[0] != '\0')
        return -EROFS;
    snprintf(made_first, sizeof made_first, "%s", path);
    return 0;
}

static void a_state_directory_may_lie_at_the_root(void **state)
{
    (void)state;
    struct statedir f;
    certstore_error err = { 0 };
    statedir_open_made(&f);
    f.os.table.mkdir = refuse_mkdir;
    f.env.state_dir = "/certstore-state-that-is-not-there";
    made_first[0] = '\0';
    assert_null(csi_state_txn_dir(&f.env, true, &err)); /* the second, txn in it, is refused */
    assert_string_equal(made_first, f.env.state_dir);
    statedir_close(&f);
}

/* ---------------------------------------------------------------------------------------------------------------- rows */

static void a_row_is_read_as_far_as_it_says_something(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool txn, first, second, light;
    } cases[] = {
        { ID ":" DIGITS ":" DIGITS ":light", true, true, true, true },
        { ID ":" DIGITS ":-:", true, true, false, false },
        { ID ":-:" DIGITS ":light", true, false, true, true },
        { ID, true, false, false, false },
        { ID ":" DIGITS, true, true, false, false },
        { "short:" DIGITS ":-:light", false, true, false, true },
        { "-", false, false, false, false },
    };
    struct statedir f;
    statedir_open_made(&f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        certstore_error err = { 0 };
        struct csi_row row = { .generation = 3 };
        bool there = false;
        put_link(&f, OTHER_ID ".3", cases[i].text);
        assert_int_equal(csi_state_read_row(&f.os.table, f.txn_dir, OTHER_ID, &row, &there, &err), CERTSTORE_OK);
        assert_true(there);
        assert_string_equal(row.txn, cases[i].txn ? ID : "");
        assert_string_equal(row.content.part[0], cases[i].first ? DIGITS : "");
        assert_string_equal(row.content.part[1], cases[i].second ? DIGITS : "");
        assert_int_equal(row.light, cases[i].light);
    }
    statedir_close(&f);
}

static const char *const strange[] = {
    "x", ID, ID "-3", ID ".", ID ".x", ID ".0", ID ".3x", ID ".99999999999999999999", ID ".-3", ID ".plan-",
};

static void names_that_are_no_row_are_none_and_stay(void **state)
{
    (void)state;
    struct statedir f;
    certstore_error err = { 0 };
    statedir_open_made(&f);
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++)
        test_write(f.txn_dir, strange[i], "strange");
    put_link(&f, ID ".7", OTHER_ID ":-:-:");
    test_write(f.txn_dir, ID ".6.0.old", "what generation 6 held");
    test_write(f.txn_dir, ID "-6.0.old", "nobody's");
    CSI_AUTO_NAMES names = { 0 };
    CSI_AUTO_ROWS rows = { 0 };
    assert_int_equal(csi_state_names(&f.os.table, f.txn_dir, &names, &err), CERTSTORE_OK);
    assert_int_equal(csi_state_rows(&f.os.table, f.txn_dir, &names, ID, &rows, &err), CERTSTORE_OK);
    assert_int_equal(rows.count, 1);
    assert_int_equal(rows.items[0].generation, 7);
    csi_state_retain(&f.os.table, f.txn_dir, &names, ID, 7, 1); /* 6 is the one to keep */
    assert_true(statedir_has(&f, ID ".6.0.old"));
    csi_state_retain(&f.os.table, f.txn_dir, &names, ID, 8, 1);
    assert_false(statedir_has(&f, ID ".6.0.old"));
    csi_state_forget(&f.os.table, f.txn_dir, OTHER_ID);
    assert_false(statedir_has(&f, ID ".7"));
    CSI_AUTO(certstore_report) *report = statedir_recover(&f);
    assert_int_equal(report->count, 0);
    for (size_t i = 0; i + 1 < sizeof strange / sizeof *strange; i++)
        assert_true(statedir_has(&f, strange[i]));
    assert_false(statedir_has(&f, ID ".plan-")); /* whose journal is over */
    statedir_close(&f);
}

/* A transaction takes its row back while others look. */
static const char *vanishing;
static ssize_t readlink_too_late(const struct csi_os *os, int dir, const char *path, char *text, size_t room)
{
    (void)os;
    const size_t size = strlen(path);
    if (size > strlen(vanishing) && strcmp(path + size - strlen(vanishing), vanishing) == 0)
        return -ENOENT;
    return csi_os_real.readlink(&csi_os_real, dir, path, text, room);
}

static void a_row_that_goes_while_it_is_looked_at_is_none(void **state)
{
    (void)state;
    struct statedir f;
    certstore_error err = { 0 };
    char key[CSI_ID_TEXT + 1];
    char name[64];
    statedir_open_made(&f);
    key_of_a(key);
    assert_int_equal(change(&f, "second", &err), CERTSTORE_OK);
    snprintf(name, sizeof name, "%s.9", key);
    put_link(&f, name, ID ":-:-:");
    test_write(f.txn_dir, ID ".done", "of the transaction that takes it back");
    vanishing = ".9";
    f.os.table.readlink = readlink_too_late;
    CSI_AUTO_NAMES names = { 0 };
    CSI_AUTO_ROWS rows = { 0 };
    assert_int_equal(csi_state_names(&f.os.table, f.txn_dir, &names, &err), CERTSTORE_OK);
    assert_int_equal(csi_state_rows(&f.os.table, f.txn_dir, &names, key, &rows, &err), CERTSTORE_OK);
    assert_int_equal(rows.count, 1);
    assert_int_equal(rows.items[0].generation, 2);
    assert_int_equal(change(&f, "third", &err), CERTSTORE_OK);
    snprintf(name, sizeof name, "%s.3", key);
    assert_true(statedir_has(&f, name)); /* after 2, not after 9 */
    statedir_close(&f);
}

static void clearing_away_takes_the_row_last_whatever_fails(void **state)
{
    (void)state;
    for (int alloc = 0; alloc < 2; alloc++) {
        bool done = false;
        for (long at = 1; !done; at++) {
            struct statedir f;
            statedir_open_made(&f);
            put_link(&f, OTHER_ID ".7", ID ":-:-:");
            test_write(f.txn_dir, OTHER_ID ".6.0.old", "old");
            test_write(f.txn_dir, OTHER_ID ".8", "a file where a row belongs");
            if (alloc) {
                faulty_alloc_reset(at, false);
            } else {
                f.os.fail_at = at;
                f.os.number = EIO;
            }
            csi_state_forget(&f.os.table, f.txn_dir, ID);
            done = alloc ? !faulty_alloc_hit() : f.os.hit == NULL;
            bool failed_to_unlink = f.os.hit != NULL && strcmp(f.os.hit, "unlink") == 0;
            faulty_alloc_reset(0, false);
            faulty_os_reset(&f.os);
            assert_true(statedir_has(&f, OTHER_ID ".7") || !statedir_has(&f, OTHER_ID ".6.0.old") || failed_to_unlink);
            csi_state_forget(&f.os.table, f.txn_dir, ID);
            assert_false(statedir_has(&f, OTHER_ID ".7"));
            assert_true(statedir_has(&f, OTHER_ID ".8"));
            statedir_close(&f);
            assert_in_range(at, 1, 1000);
        }
    }
}

static void old_generations_that_cannot_go_now_go_next_time(void **state)
{
    (void)state;
    bool done = false;
    for (long at = 1; !done; at++) {
        struct statedir f;
        statedir_open_made(&f);
        certstore_error err = { 0 };
        CSI_AUTO_NAMES names = { 0 };
        test_write(f.txn_dir, OTHER_ID ".2.0.old", "old");
        assert_int_equal(csi_state_names(&f.os.table, f.txn_dir, &names, &err), CERTSTORE_OK);
        faulty_alloc_reset(at, false);
        csi_state_retain(&f.os.table, f.txn_dir, &names, OTHER_ID, 9, 1);
        done = !faulty_alloc_hit();
        faulty_alloc_reset(0, false);
        csi_state_retain(&f.os.table, f.txn_dir, &names, OTHER_ID, 9, 1);
        assert_false(statedir_has(&f, OTHER_ID ".2.0.old"));
        statedir_close(&f);
        assert_in_range(at, 1, 100);
    }
}

/* ---------------------------------------------------------------------------------------------------------------- numbers */

static csi_txn *begin_with(struct statedir *f, const char *before0, const char *before1, certstore_error *err)
{
    csi_txn *txn = csi_txn_begin(&f->env, err);
    csi_participant *p = csi_memory_participant(&f->memory, "a", "new a", err);
    if (before0 != NULL)
        snprintf(p->before.part[0], sizeof p->before.part[0], "%s", before0);
    snprintf(p->before.part[1], sizeof p->before.part[1], "%s", before1);
    assert_int_equal(csi_txn_add(txn, p, err), CERTSTORE_OK);
    txn->dir = csi_strdup(f->txn_dir, err);
    return txn;
}

static void what_only_one_side_knows_of_a_second_file_is_no_change(void **state)
{
    (void)state;
    static const struct {
        const char *row1, *now1;
        int64_t old_generation;
    } cases[] = {
        { "-", "", 7 }, { DIGITS, "", 7 }, { "-", DIGITS, 7 }, { DIGITS, DIGITS, 7 }, { DIGITS, ID "00000000000000000000000000000000", 8 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct statedir f;
        certstore_error err = { 0 };
        char key[CSI_ID_TEXT + 1], name[64], text[256];
        statedir_open_made(&f);
        key_of_a(key);
        CSI_AUTO(csi_txn) *txn = begin_with(&f, NULL, cases[i].now1, &err);
        snprintf(name, sizeof name, "%s.7", key);
        snprintf(text, sizeof text, OTHER_ID ":%s:%s:", txn->members[0].participant->before.part[0], cases[i].row1);
        put_link(&f, name, text);
        test_write(f.txn_dir, OTHER_ID ".done", "");
        assert_int_equal(csi_txn_number(txn, &err), CERTSTORE_OK);
        assert_int_equal(txn->members[0].old_generation, cases[i].old_generation);
        assert_int_equal(txn->members[0].generation, cases[i].old_generation + 1);
        statedir_close(&f);
    }
}

static void a_store_of_which_only_the_second_file_is_there_has_a_first_generation(void **state)
{
    (void)state;
    static const char *const second[] = { "", DIGITS };
    for (int i = 0; i < 2; i++) {
        struct statedir f;
        certstore_error err = { 0 };
        statedir_open_made(&f);
        CSI_AUTO(csi_txn) *txn = begin_with(&f, "", second[i], &err);
        assert_int_equal(csi_txn_number(txn, &err), CERTSTORE_OK);
        assert_int_equal(txn->members[0].old_generation, i);
        statedir_close(&f);
    }
}

static void a_generation_whose_transaction_is_open_does_not_count(void **state)
{
    (void)state;
    struct statedir f;
    certstore_error err = { 0 };
    char key[CSI_ID_TEXT + 1], name[64];
    statedir_open_made(&f);
    key_of_a(key);
    snprintf(name, sizeof name, "%s.7", key);
    put_link(&f, name, OTHER_ID ":-:-:");
    test_write(f.txn_dir, OTHER_ID ".open", "a journal");
    test_write(f.txn_dir, OTHER_ID ".open.new", "its replacement");
    CSI_AUTO(csi_txn) *txn = begin_with(&f, NULL, "", &err);
    assert_int_equal(csi_txn_number(txn, &err), CERTSTORE_OK);
    assert_int_equal(txn->members[0].old_generation, 1);
    statedir_close(&f);
}

/* With a history behind it a commit reads rows. */
static void a_later_commit_survives_any_failed_call_or_allocation(void **state)
{
    (void)state;
    for (int alloc = 0; alloc < 2; alloc++) {
        bool done = false;
        for (long at = 1; !done; at++) {
            struct statedir f;
            certstore_error err = { 0 };
            statedir_open_made(&f);
            assert_int_equal(change(&f, "second", &err), CERTSTORE_OK);
            test_write(f.txn_dir, OTHER_ID ".open", ""); /* somebody else's first moment */
            faulty_os_reset(&f.os);
            if (alloc) {
                faulty_alloc_reset(at, false);
            } else {
                f.os.fail_at = at;
                f.os.number = EIO;
            }
            certstore_status status = change(&f, "third", &err);
            done = alloc ? !faulty_alloc_hit() : f.os.hit == NULL;
            faulty_alloc_reset(0, false);
            faulty_os_reset(&f.os);
            csi_memory_reboot(&f.memory);
            CSI_AUTO(certstore_report) *report = statedir_recover(&f);
            assert_non_null(report);
            assert_true(holds(&f, "third") || (status != CERTSTORE_OK && holds(&f, "second")));
            statedir_close(&f);
            assert_in_range(at, 1, 1000);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_directory_is_used_if_root_or_we_own_it_and_nobody_else_can_write),
        cmocka_unit_test(a_state_directory_is_named_from_the_root_and_is_a_directory),
        cmocka_unit_test(a_state_directory_may_lie_at_the_root),
        cmocka_unit_test(a_row_is_read_as_far_as_it_says_something),
        cmocka_unit_test(names_that_are_no_row_are_none_and_stay),
        cmocka_unit_test(a_row_that_goes_while_it_is_looked_at_is_none),
        cmocka_unit_test(clearing_away_takes_the_row_last_whatever_fails),
        cmocka_unit_test(old_generations_that_cannot_go_now_go_next_time),
        cmocka_unit_test(what_only_one_side_knows_of_a_second_file_is_no_change),
        cmocka_unit_test(a_store_of_which_only_the_second_file_is_there_has_a_first_generation),
        cmocka_unit_test(a_generation_whose_transaction_is_open_does_not_count),
        cmocka_unit_test(a_later_commit_survives_any_failed_call_or_allocation),
    };
    return cmocka_run_group_tests_name("state directory", tests, NULL, NULL);
}
