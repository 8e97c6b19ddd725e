/* SPDX-License-Identifier: Apache-2.0 */
/* test_recover_edges.c: recovery over state directories made by hand: journals that say what no engine writes, leftovers beside journals that are
 * alive, names that come and go while it looks, and no memory to say so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "support/faulty_alloc.h"
#include "support/statedir.h"
#include "txn/state.h"

#define ID STATEDIR_ID
#define OTHER_ID STATEDIR_OTHER_ID

static bool reports(const certstore_report *report, const char *code)
{
    for (size_t i = 0; report != NULL && i < report->count; i++)
        if (strcmp(report->rows[i].code, code) == 0)
            return true;
    return false;
}

/* ------------------------------------------------------------------------------------------------------- journals made by hand */

static void add_begin(csi_journal *journal, bool light, certstore_error *err)
{
    CSI_AUTO_RECORD record = { 0 };
    csi_record_put(&record, "type", "BEGIN");
    csi_record_put_int(&record, "v", 1);
    csi_record_put(&record, "id", ID);
    csi_record_put_int(&record, "light", light);
    csi_journal_add(journal, &record, err);
}

static void add_participant(csi_journal *journal, const char *name, const char *before, const char *after, int part, certstore_error *err)
{
    CSI_AUTO_RECORD record = { 0 };
    char digest[CSI_DIGEST_TEXT + 1];
    csi_record_put(&record, "type", "PARTICIPANT");
    csi_record_put(&record, "kind", "memory");
    csi_record_put(&record, "location", name);
    csi_record_put_int(&record, "part", part);
    csi_digest_text(csi_span_text(before), digest, err);
    csi_record_put(&record, "before0", digest);
    csi_digest_text(csi_span_text(after), digest, err);
    csi_record_put(&record, "after0", digest);
    csi_record_put_int(&record, "old_generation", 1);
    csi_record_put_int(&record, "generation", 2);
    csi_journal_add(journal, &record, err);
}

static void add_type(csi_journal *journal, const char *type, certstore_error *err)
{
    CSI_AUTO_RECORD record = { 0 };
    csi_record_put(&record, "type", type);
    csi_journal_add(journal, &record, err);
}

/* A dead transaction that would make "a" hold "new a"; last: its last record, or NULL. */
static void put_journal(struct statedir *f, bool light, int part, const char *last)
{
    certstore_error err = { 0 };
    csi_journal *journal = csi_journal_create(&csi_os_real, f->journal, 0, &err);
    add_begin(journal, light, &err);
    if (part != INT_MIN)
        add_participant(journal, "a", "old a", "new a", part, &err);
    if (last != NULL)
        add_type(journal, last, &err);
    assert_int_equal(csi_journal_sync(journal, &err), CERTSTORE_OK);
    csi_journal_free(journal);
}

static void a_part_that_no_store_has_blocks(void **state)
{
    (void)state;
    static const int parts[] = { -1, CSI_PARTS_MAX };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct statedir f;
        statedir_open_made(&f);
        put_journal(&f, false, parts[i], "COMMIT");
        CSI_AUTO(certstore_report) *report = statedir_recover(&f);
        assert_true(reports(report, "blocked"));
        assert_true(statedir_holds(&f, "old a", "old b"));
        assert_true(statedir_has(&f, ID ".open"));
        statedir_close(&f);
    }
}

static void a_journal_under_another_transactions_name_blocks(void **state)
{
    (void)state;
    struct statedir f;
    statedir_open_made(&f);
    put_journal(&f, false, 0, "COMMIT");
    CSI_AUTO(csi_chars) *renamed = NULL;
    assert_true(asprintf(&renamed, "%s/" OTHER_ID ".open", f.txn_dir) > 0);
    assert_int_equal(rename(f.journal, renamed), 0);
    CSI_AUTO(certstore_report) *report = statedir_recover(&f);
    assert_true(reports(report, "blocked"));
    assert_non_null(strstr(report->rows[0].message, "renamed"));
    assert_true(statedir_holds(&f, "old a", "old b"));
    statedir_close(&f);
}

static void a_light_journal_torn_before_its_participant_goes(void **state)
{
    (void)state;
    struct statedir f;
    statedir_open_made(&f);
    put_journal(&f, true, INT_MIN, NULL);
    CSI_AUTO(certstore_report) *report = statedir_recover(&f);
    assert_true(reports(report, "recovered-back"));
    assert_false(statedir_has(&f, ID ".open"));
    assert_true(statedir_holds(&f, "old a", "old b"));
    statedir_close(&f);
}

static void a_place_that_cannot_be_looked_at_leaves_a_light_transaction_pending(void **state)
{
    (void)state;
    struct statedir f;
    statedir_open_made(&f);
    put_journal(&f, true, 0, NULL);
    f.memory.fail_at = 2; /* locked, then looked at */
    CSI_AUTO(certstore_report) *report = statedir_recover(&f);
    assert_true(reports(report, "blocked"));
    assert_true(statedir_has(&f, ID ".open"));
    f.memory.fail_at = 0;
    csi_memory_reboot(&f.memory);
    CSI_AUTO(certstore_report) *again = statedir_recover(&f);
    assert_true(reports(again, "recovered-back"));
    assert_false(statedir_has(&f, ID ".open"));
    statedir_close(&f);
}

/* What a person must be told is told, or asked for again: never is a transaction over and nobody knows that a store was left as it is. */
static void a_conflict_is_told_or_the_call_fails_for_want_of_memory(void **state)
{
    (void)state;
    static const char *const last[] = { "COMMIT", "ROLLBACK" };
    for (size_t i = 0; i < 2; i++) {
        bool done = false;
        for (long at = 1; !done; at++) {
            struct statedir f;
            certstore_error err = { 0 };
            statedir_open_made(&f);
            put_journal(&f, false, 0, last[i]);
            csi_memory_set(&f.memory, "a", "theirs", &err);
            faulty_alloc_reset(at, false);
            CSI_AUTO(certstore_report) *report = csi_recover(&f.env, &err);
            done = !faulty_alloc_hit();
            faulty_alloc_reset(0, false);
            if (report == NULL)
                assert_int_equal(err.status, CERTSTORE_E_MEMORY);
            else
                assert_true(reports(report, "in-doubt") || reports(report, "blocked") || statedir_has(&f, ID ".open"));
            assert_true(statedir_holds(&f, "theirs", "old b"));
            statedir_close(&f);
            assert_in_range(at, 1, 1000);
        }
    }
}

static void whether_a_transaction_is_over_is_not_said_without_memory(void **state)
{
    (void)state;
    bool done = false;
    for (long at = 1; !done; at++) {
        struct statedir f;
        certstore_error err = { 0 };
        statedir_open_made(&f);
        faulty_alloc_reset(at, false);
        certstore_status status = csi_settle(&f.env, f.journal, false, false, NULL, &err);
        done = !faulty_alloc_hit();
        faulty_alloc_reset(0, false);
        assert_true(done ? status == CERTSTORE_OK : status != CERTSTORE_OK);
        statedir_close(&f);
        assert_in_range(at, 1, 100);
    }
}

/* ---------------------------------------------------------------------------------------------------------------- leftovers */

static void what_lies_beside_a_living_journal_stays_and_what_lies_beside_none_goes(void **state)
{
    (void)state;
    static const char *const strange[] = { "x", ".old", "open", ID ".-x", ID ".3" };
    bool done = false;
    for (long at = 1; !done; at++) {
        struct statedir f;
        certstore_error err = { 0 };
        statedir_open_made(&f);
        for (size_t i = 0; i < sizeof strange / sizeof *strange; i++)
            test_write(f.txn_dir, strange[i], "strange");
        test_write(f.txn_dir, ID ".plan-0123456789abcdef", "of a transaction that lives");
        test_write(f.txn_dir, OTHER_ID ".plan-0123456789abcdef", "of one that is over");
        CSI_AUTO(csi_journal) *alive = csi_journal_create(&csi_os_real, f.journal, 0, &err);
        add_begin(alive, false, &err);
        assert_int_equal(csi_journal_sync(alive, &err), CERTSTORE_OK);
        faulty_alloc_reset(at, false);
        CSI_UNUSED CSI_AUTO(certstore_report) *report = csi_recover(&f.env, &err);
        done = !faulty_alloc_hit();
        faulty_alloc_reset(0, false);
        if (done)
            assert_true(reports(report, "active"));
        CSI_UNUSED CSI_AUTO(certstore_report) *again = statedir_recover(&f);
        for (size_t i = 0; i < sizeof strange / sizeof *strange; i++)
            assert_true(statedir_has(&f, strange[i]));
        assert_true(statedir_has(&f, ID ".open"));
        assert_true(statedir_has(&f, ID ".plan-0123456789abcdef"));
        assert_false(statedir_has(&f, OTHER_ID ".plan-0123456789abcdef"));
        csi_journal_free(csi_steal(&alive));
        statedir_close(&f);
        assert_in_range(at, 1, 1000);
    }
}

/* Between the list of names and a look at a row another process begins a transaction, or ends one. */
static const struct statedir *meanwhile;
static const char *made_meanwhile;
static ssize_t readlink_slowly(const struct csi_os *os, int dir, const char *path, char *text, size_t room)
{
    (void)os;
    test_write(meanwhile->txn_dir, made_meanwhile, "a journal");
    return csi_os_real.readlink(&csi_os_real, dir, path, text, room);
}

static void a_row_whose_journal_was_made_after_the_names_were_listed_stays(void **state)
{
    (void)state;
    static const char *const made[] = { ID ".open", ID ".done", NULL };
    for (size_t i = 0; i < 3; i++) {
        struct statedir f;
        statedir_open_made(&f);
        CSI_AUTO(csi_chars) *row = NULL;
        assert_true(asprintf(&row, "%s/" OTHER_ID ".2", f.txn_dir) > 0);
        assert_int_equal(symlink(ID ":-:-:", row), 0);
        meanwhile = &f;
        made_meanwhile = made[i];
        if (made[i] != NULL)
            f.os.table.readlink = readlink_slowly;
        CSI_AUTO(certstore_report) *report = statedir_recover(&f);
        assert_non_null(report);
        assert_int_equal(statedir_has(&f, OTHER_ID ".2"), made[i] != NULL); /* of a transaction that nobody knows: cleared away */
        statedir_close(&f);
    }
}

static void a_row_is_cleared_away_or_stays_whole_whatever_allocation_fails(void **state)
{
    (void)state;
    bool done = false;
    for (long at = 1; !done; at++) {
        struct statedir f;
        certstore_error err = { 0 };
        statedir_open_made(&f);
        CSI_AUTO(csi_chars) *row = NULL;
        assert_true(asprintf(&row, "%s/" OTHER_ID ".2", f.txn_dir) > 0);
        assert_int_equal(symlink(ID ":-:-:", row), 0);
        test_write(f.txn_dir, OTHER_ID ".1.0.old", "old");
        faulty_alloc_reset(at, false);
        CSI_UNUSED CSI_AUTO(certstore_report) *report = csi_recover(&f.env, &err);
        done = !faulty_alloc_hit();
        faulty_alloc_reset(0, false);
        CSI_UNUSED CSI_AUTO(certstore_report) *again = statedir_recover(&f);
        assert_false(statedir_has(&f, OTHER_ID ".2"));
        assert_false(statedir_has(&f, OTHER_ID ".1.0.old"));
        statedir_close(&f);
        assert_in_range(at, 1, 1000);
    }
}

/* ------------------------------------------------------------------------------------------------------------------ pending */

static void what_is_pending_is_told_or_the_call_fails(void **state)
{
    (void)state;
    for (int alloc = 0; alloc < 2; alloc++) {
        bool done = false;
        for (long at = 1; !done; at++) {
            struct statedir f;
            certstore_error err = { 0 };
            statedir_open_made(&f);
            put_journal(&f, false, 0, "COMMIT");
            if (alloc) {
                faulty_alloc_reset(at, false);
            } else {
                f.os.fail_at = at;
                f.os.number = EIO;
            }
            CSI_AUTO(certstore_report) *report = csi_pending(&f.env, &err);
            done = alloc ? !faulty_alloc_hit() : f.os.hit == NULL;
            faulty_alloc_reset(0, false);
            if (report == NULL)
                assert_true(!done && err.status != CERTSTORE_OK);
            else
                assert_true(reports(report, "pending"));
            assert_true(statedir_has(&f, ID ".open"));
            statedir_close(&f);
            assert_in_range(at, 1, 100);
        }
    }
}

static void a_transaction_whose_process_lives_is_active_and_not_pending(void **state)
{
    (void)state;
    struct statedir f;
    certstore_error err = { 0 };
    statedir_open_made(&f);
    CSI_AUTO(csi_journal) *alive = csi_journal_create(&csi_os_real, f.journal, 0, &err);
    assert_non_null(alive);
    CSI_AUTO(certstore_report) *report = csi_pending(&f.env, &err);
    assert_true(reports(report, "active") && !reports(report, "pending"));
    csi_journal_free(csi_steal(&alive));
    unlink(f.journal);
    assert_int_equal(symlink("nowhere", f.journal), 0); /* what cannot be opened is nobody's who works on it */
    CSI_AUTO(certstore_report) *link = csi_pending(&f.env, &err);
    assert_true(reports(link, "pending"));
    statedir_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_that_no_store_has_blocks),
        cmocka_unit_test(a_journal_under_another_transactions_name_blocks),
        cmocka_unit_test(a_light_journal_torn_before_its_participant_goes),
        cmocka_unit_test(a_place_that_cannot_be_looked_at_leaves_a_light_transaction_pending),
        cmocka_unit_test(a_conflict_is_told_or_the_call_fails_for_want_of_memory),
        cmocka_unit_test(whether_a_transaction_is_over_is_not_said_without_memory),
        cmocka_unit_test(what_lies_beside_a_living_journal_stays_and_what_lies_beside_none_goes),
        cmocka_unit_test(a_row_whose_journal_was_made_after_the_names_were_listed_stays),
        cmocka_unit_test(a_row_is_cleared_away_or_stays_whole_whatever_allocation_fails),
        cmocka_unit_test(what_is_pending_is_told_or_the_call_fails),
        cmocka_unit_test(a_transaction_whose_process_lives_is_active_and_not_pending),
    };
    return cmocka_run_group_tests_name("recovery, edges", tests, NULL, NULL);
}
