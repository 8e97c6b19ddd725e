/* SPDX-License-Identifier: Apache-2.0 */
/* test_engine_edges.c: what the engine does where places, processes and memory behave as they rarely do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "support/faulty_alloc.h"
#include "support/statedir.h"
#include "txn/state.h"

enum { NAME_ROOM = 64 };

static csi_txn *begin(struct statedir *f, const struct csi_participant_kind *second, certstore_error *err)
{
    csi_txn *txn = csi_txn_begin(&f->env, err);
    if (txn == NULL)
        return NULL;
    csi_participant *a = csi_memory_participant(&f->memory, "a", "new a", err);
    if (a != NULL)
        csi_txn_add(txn, a, err);
    csi_participant *b = a != NULL ? csi_memory_participant(&f->memory, "b", "new b", err) : NULL;
    if (b != NULL) {
        b->kind = second;
        csi_txn_add(txn, b, err);
    }
    return txn;
}

static size_t recover(struct statedir *f)
{
    certstore_error err = { 0 };
    CSI_AUTO(certstore_report) *report = csi_recover(&f->env, &err);
    return report != NULL ? report->count : 0;
}

/* ------------------------------------------------------------------------------------------------------------------ memory */

static certstore_status commit(struct statedir *f)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_txn) *txn = begin(f, &csi_memory_kind, &err);
    if (err.status != CERTSTORE_OK || csi_txn_set_note(txn, "a note", &err) != CERTSTORE_OK)
        return err.status;
    return csi_txn_commit(txn, &err);
}

static void a_failed_allocation_leaves_all_old_or_all_new(void **state)
{
    (void)state;
    bool done = false;
    for (long at = 1; !done; at++) {
        struct statedir f;
        statedir_open(&f);
        faulty_alloc_reset(at, false);
        certstore_status status = commit(&f);
        done = !faulty_alloc_hit();
        faulty_alloc_reset(0, false);
        csi_memory_reboot(&f.memory);
        recover(&f);
        assert_true(statedir_holds(&f, "old a", "old b") || statedir_holds(&f, "new a", "new b"));
        if (status == CERTSTORE_OK)
            assert_true(statedir_holds(&f, "new a", "new b"));
        else if (status != CERTSTORE_E_IN_DOUBT)
            assert_true(statedir_holds(&f, "old a", "old b"));
        assert_int_equal(recover(&f), 0);
        statedir_close(&f);
        assert_in_range(at, 1, 1000);
    }
}

/* What power left of the cell "a": behind a transaction that is over, a row whose journal it took, and the backup of one whose row it took. */
static void leave_after_power_failure(struct statedir *f, char row[NAME_ROOM], char backup[NAME_ROOM])
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_chars) *whole = NULL;
    CSI_AUTO(csi_chars) *lost = NULL;
    char store[CSI_DIGEST_TEXT + 1];
    csi_digest_text(csi_span_text("a"), store, &err);
    snprintf(row, NAME_ROOM, "%.*s.7", CSI_ID_TEXT, store);
    snprintf(backup, NAME_ROOM, "%.*s.9.0.old", CSI_ID_TEXT, store);
    assert_true(asprintf(&whole, "%s/%.*s.3", f->txn_dir, CSI_ID_TEXT, store) > 0);
    assert_true(asprintf(&lost, "%s/%s", f->txn_dir, row) > 0);
    assert_int_equal(symlink(STATEDIR_ID ":-:-:", whole), 0);
    assert_int_equal(symlink(STATEDIR_OTHER_ID ":-:-:", lost), 0);
    test_write(f->txn_dir, STATEDIR_ID ".done", "over");
    test_write(f->txn_dir, backup, "nobody's");
}

/* The newest row is not certain then, and all names are looked through. */
static void a_commit_clears_what_power_left_whatever_allocation_fails(void **state)
{
    (void)state;
    bool done = false;
    for (long at = 1; !done; at++) {
        struct statedir f;
        char row[NAME_ROOM];
        char backup[NAME_ROOM];
        statedir_open_made(&f);
        leave_after_power_failure(&f, row, backup);
        faulty_alloc_reset(at, false);
        certstore_status status = commit(&f);
        done = !faulty_alloc_hit();
        faulty_alloc_reset(0, false);
        csi_memory_reboot(&f.memory);
        recover(&f);
        assert_true(status == CERTSTORE_OK
                        ? statedir_holds(&f, "new a", "new b")
                        : statedir_holds(&f, "old a", "old b") || (status == CERTSTORE_E_IN_DOUBT && statedir_holds(&f, "new a", "new b")));
        assert_false(statedir_has(&f, row));
        assert_false(statedir_has(&f, backup));
        assert_true(statedir_has(&f, STATEDIR_ID ".done"));
        statedir_close(&f);
        assert_in_range(at, 1, 1000);
    }
}

/* A commit that stops dead at that change of the disk. */
static bool die_at(struct statedir *f, long at)
{
    statedir_open(f);
    f->os.stop_at = at;
    commit(f);
    bool died = f->os.changes >= at;
    faulty_os_reset(&f->os);
    csi_memory_reboot(&f->memory);
    return died;
}

static void going_back_survives_any_failed_allocation(void **state)
{
    (void)state;
    bool died = true;
    for (long where = 1; died; where++) {
        bool done = false;
        for (long at = 1; died && !done; at++) {
            struct statedir f;
            died = die_at(&f, where);
            faulty_alloc_reset(at, false);
            recover(&f);
            done = !faulty_alloc_hit();
            faulty_alloc_reset(0, false);
            csi_memory_reboot(&f.memory);
            recover(&f);
            assert_true(statedir_holds(&f, "old a", "old b") || statedir_holds(&f, "new a", "new b"));
            assert_int_equal(recover(&f), 0);
            statedir_close(&f);
            assert_in_range(at, 1, 1000);
        }
        assert_in_range(where, 1, 200);
    }
}

/* ------------------------------------------------------------------------------------------------------------------ places */

/* A place whose marker names a journal each time it is locked. */
static const char *named;
static int locked;
static certstore_status always_pending(csi_participant *p, int64_t deadline, certstore_error *err)
{
    (void)deadline;
    locked++;
    free(p->pending);
    p->pending = strdup(named);
    return csi_fail(err, CERTSTORE_E_PENDING, "%s: another transaction's marker is here", p->location);
}

static void a_marker_that_comes_back_each_time_is_given_up(void **state)
{
    (void)state;
    struct statedir f;
    certstore_error err = { 0 };
    statedir_open(&f);
    struct csi_participant_kind kind = csi_memory_kind;
    kind.lock = always_pending;
    CSI_AUTO(csi_chars) *path = NULL;
    assert_true(asprintf(&path, "%s/none.open", f.dir) > 0); /* its transaction is over, says the directory */
    named = path;
    locked = 0;
    CSI_AUTO(csi_txn) *txn = begin(&f, &kind, &err);
    assert_int_equal(csi_txn_commit(txn, &err), CERTSTORE_E_PENDING);
    assert_in_range(locked, 2, 100);
    assert_true(statedir_holds(&f, "old a", "old b"));
    statedir_close(&f);
}

static void a_marker_whose_journal_cannot_be_settled_stops_the_commit(void **state)
{
    (void)state;
    struct statedir f;
    certstore_error err = { 0 };
    statedir_open(&f);
    struct csi_participant_kind kind = csi_memory_kind;
    kind.lock = always_pending;
    CSI_AUTO(csi_chars) *path = NULL;
    assert_true(asprintf(&path, "%s/alive.open", f.dir) > 0);
    CSI_AUTO(csi_journal) *alive = csi_journal_create(&f.os.table, path, 0, &err);
    assert_non_null(alive);
    named = path;
    CSI_AUTO(csi_txn) *txn = begin(&f, &kind, &err);
    assert_int_equal(csi_txn_commit(txn, &err), CERTSTORE_E_LOCKED);
    assert_true(statedir_holds(&f, "old a", "old b"));
    statedir_close(&f);
}

/* A place that somebody else changes between COMMIT and its promotion. */
static struct csi_memory *meddled;
static certstore_status promote_too_late(csi_participant *p, struct csi_dirs *dirs, certstore_error *err)
{
    certstore_error none = { 0 };
    csi_memory_set(meddled, p->location, "theirs", &none);
    return csi_memory_kind.promote(p, dirs, err);
}

static void a_store_changed_after_the_commit_point_is_in_doubt_and_stays_theirs(void **state)
{
    (void)state;
    struct statedir f;
    certstore_error err = { 0 };
    statedir_open(&f);
    struct csi_participant_kind kind = csi_memory_kind;
    kind.promote = promote_too_late;
    meddled = &f.memory;
    CSI_AUTO(csi_txn) *txn = begin(&f, &kind, &err);
    assert_int_equal(csi_txn_commit(txn, &err), CERTSTORE_E_IN_DOUBT);
    assert_false(csi_txn_committed(txn));
    assert_true(statedir_holds(&f, "new a", "theirs"));
    csi_memory_reboot(&f.memory);
    assert_true(recover(&f) > 0); /* told to a person, and over */
    assert_true(statedir_holds(&f, "new a", "theirs"));
    assert_int_equal(recover(&f), 0);
    statedir_close(&f);
}

static void a_place_that_is_not_atomic_goes_through_the_commit_record_alone_as_well(void **state)
{
    (void)state;
    struct statedir f;
    certstore_error err = { 0 };
    statedir_open(&f);
    struct csi_participant_kind kind = csi_memory_kind;
    kind.atomic = false;
    csi_participant *p = csi_memory_participant(&f.memory, "b", "new b", &err);
    p->kind = &kind;
    CSI_AUTO(csi_txn) *txn = csi_txn_begin(&f.env, &err);
    csi_txn_add(txn, p, &err);
    assert_int_equal(csi_txn_prepare(txn, &err), CERTSTORE_OK);
    assert_false(txn->light);
    assert_int_equal(csi_txn_commit(txn, &err), CERTSTORE_OK);
    assert_true(csi_txn_committed(txn));
    assert_true(statedir_holds(&f, "old a", "new b"));
    statedir_close(&f);
}

/* A place whose staging others see at once: what takes it back must not be lost to a power failure that keeps the staging. */
static const struct faulty_os *watched;
static long syncs_at_stage;
static certstore_status stage_in_sight(csi_participant *p, const struct csi_stage *stage, struct csi_dirs *dirs, certstore_error *err)
{
    syncs_at_stage = watched->syncs;
    return csi_memory_kind.stage(p, stage, dirs, err);
}

static void what_others_see_early_is_staged_after_its_journal_is_durable(void **state)
{
    (void)state;
    bool done = false;
    long refused = 0;
    struct csi_participant_kind kind = csi_memory_kind;
    kind.early = true;
    kind.stage = stage_in_sight;
    for (long at = 1; !done; at++) {
        struct statedir f;
        certstore_error err = { 0 };
        statedir_open(&f);
        watched = &f.os;
        CSI_AUTO(csi_chars) *made = csi_state_txn_dir(&f.env, true, &err);
        assert_non_null(made);
        CSI_AUTO(csi_txn) *txn = begin(&f, &kind, &err);
        faulty_os_reset(&f.os);
        f.os.fail_at = at;
        f.os.number = EIO;
        syncs_at_stage = -1;
        certstore_status status = csi_txn_prepare(txn, &err);
        done = f.os.hit == NULL;
        bool in_sync = f.os.hit != NULL && strcmp(f.os.hit, "fsync") == 0;
        refused += in_sync && syncs_at_stage < 0;
        faulty_os_reset(&f.os);
        assert_true(syncs_at_stage != 0); /* not staged, or after a sync */
        assert_true(status == CERTSTORE_OK || statedir_holds(&f, "old a", "old b"));
        csi_txn_free(csi_steal(&txn));
        csi_memory_reboot(&f.memory);
        recover(&f);
        assert_true(statedir_holds(&f, "old a", "old b"));
        statedir_close(&f);
        assert_in_range(at, 1, 200);
    }
    assert_true(refused > 0); /* a journal that cannot be made durable is no journal */
}

/* --------------------------------------------------------------------------------------------------------------- processes */

static void nothing_is_added_to_what_is_prepared_and_a_child_prepares_nothing(void **state)
{
    (void)state;
    struct statedir f;
    certstore_error err = { 0 };
    statedir_open(&f);
    CSI_AUTO(csi_txn) *txn = begin(&f, &csi_memory_kind, &err);
    f.os.pid = 1;
    assert_int_equal(csi_txn_prepare(txn, &err), CERTSTORE_E_ARGUMENT);
    f.os.pid = 0;
    err = (certstore_error){ 0 };
    assert_int_equal(csi_txn_prepare(txn, &err), CERTSTORE_OK);
    csi_memory_set(&f.memory, "c", "old c", &err);
    assert_int_equal(csi_txn_add(txn, csi_memory_participant(&f.memory, "c", "new c", &err), &err), CERTSTORE_E_ARGUMENT);
    err = (certstore_error){ 0 };
    assert_int_equal(csi_txn_set_actor(txn, "another", &err), CERTSTORE_E_ARGUMENT);
    err = (certstore_error){ 0 };
    assert_int_equal(csi_txn_commit(txn, &err), CERTSTORE_OK);
    assert_true(statedir_holds(&f, "new a", "new b"));
    statedir_close(&f);
}

/* A generation's row passes to the transaction that followed where a power failure kept a dead one's from being known: the row is theirs. */
static void going_back_leaves_a_row_that_became_a_later_transactions(void **state)
{
    (void)state;
    struct statedir f;
    certstore_error err = { 0 };
    statedir_open(&f);
    CSI_AUTO(csi_txn) *txn = begin(&f, &csi_memory_kind, &err);
    assert_int_equal(csi_txn_prepare(txn, &err), CERTSTORE_OK);
    const struct csi_member *member = &txn->members[0];
    struct csi_row later = { .generation = member->generation, .content = member->participant->after };
    memset(later.txn, 'f', CSI_ID_TEXT);
    assert_int_equal(csi_state_put_row(&f.os.table, f.txn_dir, member->participant->store, &later, &err), CERTSTORE_OK);
    CSI_AUTO(csi_chars) *row = csi_state_row_path(f.txn_dir, member->participant->store, member->generation, &err);
    csi_txn_free(csi_steal(&txn));
    assert_true(statedir_holds(&f, "old a", "old b"));
    assert_int_equal(access(f.txn_dir, F_OK), 0);
    char text[256];
    assert_true(readlink(row, text, sizeof text) > CSI_ID_TEXT);
    assert_memory_equal(text, later.txn, CSI_ID_TEXT);
    assert_int_equal(test_names(f.txn_dir), 1);
    statedir_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_allocation_leaves_all_old_or_all_new),
        cmocka_unit_test(a_commit_clears_what_power_left_whatever_allocation_fails),
        cmocka_unit_test(going_back_survives_any_failed_allocation),
        cmocka_unit_test(a_marker_that_comes_back_each_time_is_given_up),
        cmocka_unit_test(a_marker_whose_journal_cannot_be_settled_stops_the_commit),
        cmocka_unit_test(a_store_changed_after_the_commit_point_is_in_doubt_and_stays_theirs),
        cmocka_unit_test(a_place_that_is_not_atomic_goes_through_the_commit_record_alone_as_well),
        cmocka_unit_test(what_others_see_early_is_staged_after_its_journal_is_durable),
        cmocka_unit_test(nothing_is_added_to_what_is_prepared_and_a_child_prepares_nothing),
        cmocka_unit_test(going_back_leaves_a_row_that_became_a_later_transactions),
    };
    return cmocka_run_group_tests_name("engine, edges", tests, NULL, NULL);
}
