/* SPDX-License-Identifier: Apache-2.0 */
/* test_engine.c: the engine over memory alone: every step refused, every step the last one, recovery cut short at each of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "media/memory.h"
#include "support/faulty_os.h"

static const struct csi_participant_kind *const kinds[] = { &csi_memory_kind, NULL };

struct fixture {
    struct faulty_os os;
    struct csi_memory memory;
    char *dir;
    char *state;
    char *txn_dir;
    struct csi_txn_env env;
};

static void open_fixture(struct fixture *f)
{
    *f = (struct fixture){ 0 };
    faulty_os_init(&f->os);
    f->dir = test_dir_new();
    assert_true(asprintf(&f->state, "%s/state", f->dir) > 0);
    assert_true(asprintf(&f->txn_dir, "%s/txn", f->state) > 0);
    f->env = (struct csi_txn_env){
        .os = &f->os.table, .state_dir = f->state, .kinds = kinds, .world = &f->memory, .actor = "tester", .lock_timeout_ms = 0, .generations = 5
    };
    certstore_error err = { 0 };
    csi_memory_set(&f->memory, "a", "old a", &err);
    csi_memory_set(&f->memory, "b", "old b", &err);
    assert_int_equal(err.status, CERTSTORE_OK);
}

static void close_fixture(struct fixture *f)
{
    csi_memory_clear(&f->memory);
    test_dir_remove(f->dir);
    free(f->state);
    free(f->txn_dir);
}

static bool holds(const struct fixture *f, const char *name, const char *text)
{
    const struct csi_cell *cell = csi_memory_find(&f->memory, name);
    return csi_span_equal(csi_blob_span(cell->content), csi_span_text(text));
}

static bool all_old(const struct fixture *f)
{
    return holds(f, "a", "old a") && holds(f, "b", "old b");
}

static bool all_new(const struct fixture *f)
{
    return holds(f, "a", "new a") && holds(f, "b", "new b");
}

static bool no_litter(const struct fixture *f)
{
    for (size_t i = 0; i < f->memory.count; i++)
        if (f->memory.cells[i].staged != NULL || f->memory.cells[i].kept != NULL)
            return false;
    return true;
}

static csi_txn *begin_both(struct fixture *f, certstore_error *err)
{
    csi_txn *txn = csi_txn_begin(&f->env, err);
    if (txn != NULL) {
        csi_txn_add(txn, csi_memory_participant(&f->memory, "a", "new a", err), err);
        csi_txn_add(txn, csi_memory_participant(&f->memory, "b", "new b", err), err);
    }
    return txn;
}

static certstore_status commit_both(struct fixture *f)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_txn) *txn = begin_both(f, &err);
    return txn != NULL && err.status == CERTSTORE_OK ? csi_txn_commit(txn, &err) : err.status;
}

static size_t recover(struct fixture *f)
{
    certstore_error err = { 0 };
    CSI_AUTO(certstore_report) *report = csi_recover(&f->env, &err);
    return report != NULL ? report->count : 0;
}

static void all_change_together(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    assert_int_equal(commit_both(&f), CERTSTORE_OK);
    assert_true(all_new(&f) && no_litter(&f));
    assert_int_equal(recover(&f), 0);
    close_fixture(&f);
}

static void prepared_but_not_committed_is_rolled_back_when_freed(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    certstore_error err = { 0 };
    csi_txn *txn = begin_both(&f, &err);
    assert_int_equal(csi_txn_prepare(txn, &err), CERTSTORE_OK);
    assert_true(all_old(&f));
    assert_false(no_litter(&f));
    csi_txn_free(txn);
    assert_true(all_old(&f) && no_litter(&f));
    assert_int_equal(test_names(f.txn_dir), 0);
    close_fixture(&f);
}

/* Refuses each step of the places in turn: all old and an error, or all new and none, or in doubt, which recovery makes one of the two. */
static void every_step_refused(bool for_good)
{
    bool done = false;
    for (long at = 1; !done; at++) {
        struct fixture f;
        open_fixture(&f);
        f.memory.fail_at = at;
        f.memory.for_good = for_good;
        certstore_status status = commit_both(&f);
        done = f.memory.steps < at;
        csi_memory_reboot(&f.memory);
        if (status != CERTSTORE_E_IN_DOUBT && !for_good)
            assert_true(status == CERTSTORE_OK ? all_new(&f) : all_old(&f));
        recover(&f);
        assert_true(all_old(&f) || all_new(&f));
        assert_true(no_litter(&f));
        if (status == CERTSTORE_OK)
            assert_true(all_new(&f));
        else if (status != CERTSTORE_E_IN_DOUBT)
            assert_true(all_old(&f));
        assert_int_equal(recover(&f), 0);
        close_fixture(&f);
        assert_in_range(at, 1, 500);
    }
}

static void a_refused_step_leaves_all_old_or_all_new(void **state)
{
    (void)state;
    every_step_refused(false);
}

static void a_place_that_fails_for_good_is_settled_when_it_is_back(void **state)
{
    (void)state;
    every_step_refused(true);
}

/* Fails each system call of the engine in turn. */
static void every_call_failed(int number, bool for_good)
{
    bool done = false;
    for (long at = 1; !done; at++) {
        struct fixture f;
        open_fixture(&f);
        f.os.fail_at = at;
        f.os.number = number;
        f.os.for_good = for_good;
        certstore_status status = commit_both(&f);
        done = f.os.hit == NULL;
        faulty_os_reset(&f.os);
        csi_memory_reboot(&f.memory);
        recover(&f);
        assert_true(no_litter(&f));
        if (status == CERTSTORE_OK)
            assert_true(all_new(&f));
        else if (status == CERTSTORE_E_IN_DOUBT)
            assert_true(all_old(&f) || all_new(&f));
        else
            assert_true(all_old(&f));
        assert_int_equal(recover(&f), 0);
        close_fixture(&f);
        assert_in_range(at, 1, 500);
    }
}

static void a_failed_call_leaves_all_old_or_all_new(void **state)
{
    (void)state;
    static const int numbers[] = { EIO, ENOSPC, EINTR, 0 };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        every_call_failed(numbers[i], false);
}

static void calls_that_fail_for_good_leave_all_old_or_all_new(void **state)
{
    (void)state;
    every_call_failed(EIO, true);
    every_call_failed(ENOSPC, true);
}

/* Death: the places and the disk stop at the same moment. Steps of the memory and changes of the disk are cut separately, then recovery is cut at
 * each of its own changes, and run again. */
static void recovery_may_be_killed_anywhere_and_run_again(void **state)
{
    (void)state;
    bool done = false;
    for (long at = 1; !done; at++) {
        bool settled = false;
        for (long again = 1; !settled; again++) {
            struct fixture f;
            open_fixture(&f);
            f.os.stop_at = at;
            commit_both(&f);
            done = f.os.changes < at;
            faulty_os_reset(&f.os);
            csi_memory_reboot(&f.memory);
            f.os.stop_at = again;
            recover(&f);
            settled = f.os.changes < again;
            faulty_os_reset(&f.os);
            csi_memory_reboot(&f.memory);
            recover(&f);
            assert_true(all_old(&f) || all_new(&f));
            assert_true(no_litter(&f));
            assert_int_equal(recover(&f), 0);
            close_fixture(&f);
            assert_in_range(again, 1, 200);
        }
        assert_in_range(at, 1, 200);
    }
}

static void a_cell_changed_by_somebody_else_is_a_conflict(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    certstore_error err = { 0 };
    CSI_AUTO(csi_txn) *txn = begin_both(&f, &err);
    csi_memory_set(&f.memory, "b", "theirs", &err);
    assert_int_equal(csi_txn_commit(txn, &err), CERTSTORE_E_CONFLICT);
    assert_true(holds(&f, "a", "old a") && holds(&f, "b", "theirs") && no_litter(&f));
    close_fixture(&f);
}

static void a_cell_changed_after_prepare_is_a_conflict_as_well(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    certstore_error err = { 0 };
    CSI_AUTO(csi_txn) *txn = begin_both(&f, &err);
    assert_int_equal(csi_txn_prepare(txn, &err), CERTSTORE_OK);
    csi_memory_set(&f.memory, "a", "theirs", &err);
    assert_int_equal(csi_txn_commit(txn, &err), CERTSTORE_E_CONFLICT);
    assert_true(holds(&f, "a", "theirs") && holds(&f, "b", "old b") && no_litter(&f));
    close_fixture(&f);
}

static void two_participants_for_one_place_are_refused(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    certstore_error err = { 0 };
    CSI_AUTO(csi_txn) *txn = begin_both(&f, &err);
    assert_int_equal(csi_txn_add(txn, csi_memory_participant(&f.memory, "a", "x", &err), &err), CERTSTORE_E_ARGUMENT);
    close_fixture(&f);
}

static void a_forked_child_cannot_commit_and_frees_only_memory(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    certstore_error err = { 0 };
    csi_txn *txn = begin_both(&f, &err);
    assert_int_equal(csi_txn_prepare(txn, &err), CERTSTORE_OK);
    f.os.pid = 1;
    assert_int_equal(csi_txn_commit(txn, &err), CERTSTORE_E_ARGUMENT);
    long changes = f.os.changes;
    csi_txn_free(txn);
    assert_int_equal(f.os.changes, changes);
    close_fixture(&f);
}

static void a_held_place_is_locked_and_nothing_is_written(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    certstore_error err = { 0 };
    CSI_AUTO(csi_txn) *holder = begin_both(&f, &err);
    assert_int_equal(csi_txn_prepare(holder, &err), CERTSTORE_OK);
    assert_int_equal(commit_both(&f), CERTSTORE_E_LOCKED);
    assert_true(all_old(&f));
    assert_int_equal(csi_txn_commit(holder, &err), CERTSTORE_OK);
    assert_true(all_new(&f));
    close_fixture(&f);
}

/* Every transaction leaves a row in the history of its stores: one that follows must not read them all. */
static void a_long_history_makes_a_commit_no_dearer(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    long early = 0;
    for (int n = 1; n <= 80; n++) {
        certstore_error err = { 0 };
        csi_memory_set(&f.memory, "a", n % 2 ? "old a" : "older a", &err); /* every other one changed outside, so that numbers are left out */
        csi_memory_set(&f.memory, "b", "old b", &err);
        f.os.calls = 0;
        assert_int_equal(commit_both(&f), CERTSTORE_OK);
        if (n == 10)
            early = f.os.calls;
    }
    assert_true(f.os.calls <= early + 4); /* the list of names is longer */
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_change_together),
        cmocka_unit_test(prepared_but_not_committed_is_rolled_back_when_freed),
        cmocka_unit_test(a_refused_step_leaves_all_old_or_all_new),
        cmocka_unit_test(a_place_that_fails_for_good_is_settled_when_it_is_back),
        cmocka_unit_test(a_failed_call_leaves_all_old_or_all_new),
        cmocka_unit_test(calls_that_fail_for_good_leave_all_old_or_all_new),
        cmocka_unit_test(recovery_may_be_killed_anywhere_and_run_again),
        cmocka_unit_test(a_cell_changed_by_somebody_else_is_a_conflict),
        cmocka_unit_test(a_cell_changed_after_prepare_is_a_conflict_as_well),
        cmocka_unit_test(two_participants_for_one_place_are_refused),
        cmocka_unit_test(a_forked_child_cannot_commit_and_frees_only_memory),
        cmocka_unit_test(a_held_place_is_locked_and_nothing_is_written),
        cmocka_unit_test(a_long_history_makes_a_commit_no_dearer),
    };
    return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
