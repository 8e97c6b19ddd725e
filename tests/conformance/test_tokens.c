/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_tokens.c: one transaction over two tokens and three files (support/tokenworld.h), stopped and refused at each call of the modules: afterwards
 * all of them are old, or all are new, no key is lost and nothing is left behind. SoftHSM with NSS here; two of SoftHSM and two of NSS as well, and
 * recovery itself stopped at each of its calls, with CERTSTORE_SWEEP=all (make check-crash).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/tokenworld.h"

enum { CALLS_MAX = 2000 };

static const struct pair {
    enum world_maker makers[WORLD_TOKENS];
    const char *title;
} pairs[] = {
    { { WORLD_SOFTHSM, WORLD_NSS }, "SoftHSM and NSS" },
    { { WORLD_SOFTHSM, WORLD_SOFTHSM }, "two of SoftHSM" },
    { { WORLD_NSS, WORLD_NSS }, "two of NSS" },
};

static bool sweeps_all(void)
{
    const char *wanted = getenv("CERTSTORE_SWEEP");
    return wanted != NULL && strcmp(wanted, "all") == 0;
}

/* Each pair that there is; skips when there is none. */
static void with_each_pair(void (*work)(struct world *w, const char *title))
{
    size_t done = 0;
    for (size_t i = 0; i < (sweeps_all() ? sizeof pairs / sizeof *pairs : 1); i++) {
        struct world w;
        if (!world_can_be(pairs[i].makers[0], pairs[i].makers[1]))
            continue;
        world_begin(&w, pairs[i].makers[0], pairs[i].makers[1]);
        work(&w, pairs[i].title);
        world_end(&w);
        done++;
    }
    if (done > 0)
        return;
    print_message("# SKIP: SoftHSM (softhsm2) or NSS's certutil (libnss3-tools) is not installed\n");
    skip();
}

static void (*work_of_one)(struct world *w, int i);

static void do_each(struct world *w, const char *title)
{
    (void)title;
    for (int i = 0; i < WORLD_TOKENS; i++)
        work_of_one(w, i);
}

static void with_each_token(void (*work)(struct world *w, int i))
{
    work_of_one = work;
    with_each_pair(do_each);
}

/* ------------------------------------------------------------------------------------------------------------------- stops */

/* A child does it and is killed at a call, or gets through (0). */
static int do_in_child(struct world *w, void (*work)(struct world *w, const struct p11shim *tamper), const struct p11shim *tamper)
{
    int result = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        work(w, tamper);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    return WEXITSTATUS(result);
}

static void run_or_die(struct world *w, const struct p11shim *tamper)
{
    certstore_error err = { 0 };
    long calls = 0;
    if (world_run(w, tamper, &calls, &err) != CERTSTORE_OK)
        _exit(1);
}

static void recover_or_die(struct world *w, const struct p11shim *tamper)
{
    world_open(w);
    tokens_shim = *tamper;
    world_recover(w);
}

/* What it comes to after a recovery that nothing disturbs; *found: what it was before. */
static enum world_content settle(struct world *w, enum world_content *found)
{
    world_open(w);
    *found = world_look(w);
    world_recover(w);
    enum world_content content = world_look(w);
    if (content == WORLD_MIXED)
        world_describe(w);
    assert_int_not_equal(content, WORLD_MIXED);
    assert_int_equal(world_litter(w), 0);
    world_close(w);
    return content;
}

static void kill_between_calls(struct world *w, const char *title)
{
    long points = 0;
    long forward = 0;
    for (int after = 0; after < 2; after++) {
        int status = 9;
        enum world_content found;
        for (long at = 1; status == 9 && at < CALLS_MAX; at++) {
            world_reset(w);
            status = do_in_child(w, run_or_die, &(struct p11shim){ .at = at, .kill = true, .done_first = after != 0 });
            bool is_new = settle(w, &found) == WORLD_NEW;
            points += status == 9;
            forward += status == 9 && is_new;
        }
        assert_int_equal(status, 0);
    }
    printf("# table %s: killed at %ld points between PKCS#11 calls: %ld went back, %ld forward\n", title, points, points - forward, forward);
}

static void killed_between_any_two_calls_all_is_old_or_all_is_new(void **state)
{
    (void)state;
    with_each_pair(kill_between_calls);
}

enum { NESTED_STEP = 7 };

static void kill_recovery(struct world *w, const char *title)
{
    long trials = 0;
    int outer = 9;
    for (long at = NESTED_STEP; outer == 9 && at < CALLS_MAX; at += NESTED_STEP) {
        int inner = 9;
        enum world_content found;
        for (long again = 1; inner == 9 && again < CALLS_MAX; again++) {
            world_reset(w);
            outer = do_in_child(w, run_or_die, &(struct p11shim){ .at = at, .kill = true });
            inner = do_in_child(w, recover_or_die, &(struct p11shim){ .at = again, .kill = true, .done_first = again % 2 != 0 });
            settle(w, &found);
            trials += inner == 9;
        }
        assert_int_equal(inner, 0);
    }
    assert_int_equal(outer, 0);
    printf("# table %s: recovery killed at %ld points of its own\n", title, trials);
}

static void a_recovery_that_is_killed_can_be_run_again(void **state)
{
    (void)state;
    with_each_pair(kill_recovery);
}

/* ---------------------------------------------------------------------------------------------------------------- refusals */

static void refuse_each_call(struct world *w, CK_RV rv, bool for_good, bool done_first, long *trials, long *doubtful)
{
    bool reached = true;
    for (long at = 1; reached && at < CALLS_MAX; at++) {
        long calls = 0;
        enum world_content found;
        certstore_error err = { 0 };
        world_reset(w);
        certstore_status status = world_run(w, &(struct p11shim){ .at = at, .rv = rv, .for_good = for_good, .done_first = done_first }, &calls, &err);
        settle(w, &found);
        if (status == CERTSTORE_OK)
            assert_int_equal(found, WORLD_NEW);
        else if (status != CERTSTORE_E_IN_DOUBT && !for_good && !done_first)
            assert_int_equal(found, WORLD_OLD);
        reached = calls >= at;
        *doubtful += status == CERTSTORE_E_IN_DOUBT;
        (*trials)++;
    }
    assert_false(reached);
}

static void refuse_calls(struct world *w, const char *title)
{
    long trials = 0;
    long doubtful = 0;
    refuse_each_call(w, CKR_DEVICE_MEMORY, false, false, &trials, &doubtful);
    refuse_each_call(w, CKR_DEVICE_REMOVED, true, false, &trials, &doubtful);
    refuse_each_call(w, CKR_DEVICE_ERROR, false, true, &trials, &doubtful);
    printf("# table %s: refused at %ld calls (token full, removed, answer lost): %ld left to recovery\n", title, trials, doubtful);
}

static void refused_at_any_call_all_is_old_or_all_is_new(void **state)
{
    (void)state;
    with_each_pair(refuse_calls);
}

/* ------------------------------------------------------------------------------------------------------------------- tests */

static void change_all(struct world *w, const char *title)
{
    (void)title;
    certstore_error err = { 0 };
    enum world_content found;
    long calls = 0;
    world_reset(w);
    world_open(w);
    assert_int_equal(world_look(w), WORLD_OLD);
    world_close(w);
    certstore_status status = world_run(w, &(struct p11shim){ 0 }, &calls, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(status, CERTSTORE_OK);
    assert_int_equal(settle(w, &found), WORLD_NEW);
    assert_int_equal(found, WORLD_NEW);
}

static void two_tokens_and_three_files_change_together(void **state)
{
    (void)state;
    with_each_pair(change_all);
}

static void stage_only(struct world *w, int i)
{
    certstore_error err = { 0 };
    world_reset(w);
    world_open(w);
    CSI_AUTO(csi_txn) *txn = csi_txn_begin(&w->env, &err);
    assert_int_equal(world_add_token(w, txn, i, &err), CERTSTORE_OK);
    assert_int_equal(csi_txn_prepare(txn, &err), CERTSTORE_OK);
    CSI_AUTO(csi_place) *place = csi_place_open_token(&w->env, w->tokens[i], &csi_limits_default, &err);
    CSI_AUTO(csi_parts) *parts = NULL;
    CSI_AUTO(csi_snapshot) *snapshot = NULL;
    assert_int_equal(csi_place_read(place, &csi_limits_default, &parts, &snapshot, &err), CERTSTORE_OK);
    assert_int_equal(parts->count, w->old[i].count);
    CSI_AUTO_OBJECTS raw = { 0 };
    assert_int_equal(csi_p11_read(w->tokens[i], &csi_limits_default, &raw, &err), CERTSTORE_OK);
    /* The new ones are there for everybody else: a superset, never a gap. NSS takes no second certificate of that name and number. */
    assert_true(raw.count > parts->count || (w->maker[i] == WORLD_NSS && i == 0 && raw.count == parts->count));
    world_close(w);
}

static void a_reader_sees_nothing_of_what_is_only_staged(void **state)
{
    (void)state;
    with_each_token(stage_only);
}

static void fill_when_empty(struct world *w, int i)
{
    certstore_error err = { 0 };
    world_reset(w);
    world_open(w);
    CSI_AUTO_OBJECTS there = { 0 };
    assert_int_equal(csi_p11_read(w->tokens[i], &csi_limits_default, &there, &err), CERTSTORE_OK);
    for (size_t k = 0; k < there.count; k++)
        assert_int_equal(csi_p11_destroy(w->tokens[i], csi_blob_span(there.items[k]), &err), CERTSTORE_OK);
    CSI_AUTO(csi_txn) *txn = csi_txn_begin(&w->env, &err);
    struct csi_objects wanted_there = w->old[i]; /* with the keys in them */
    CSI_AUTO(csi_place) *place = csi_place_open_token(&w->env, w->tokens[i], &csi_limits_default, &err);
    CSI_AUTO(csi_parts) *now = NULL;
    CSI_AUTO(csi_snapshot) *snapshot = NULL;
    CSI_AUTO(csi_parts) *wanted = csi_parts_new(&err);
    for (size_t k = 0; k < wanted_there.count; k++)
        csi_parts_add(wanted, "", wanted_there.items[k], &err);
    assert_int_equal(csi_place_read(place, &csi_limits_default, &now, &snapshot, &err), CERTSTORE_OK);
    assert_int_equal(csi_place_replace(txn, place, snapshot, wanted, true, CSI_KEYS_REFUSE, &err), CERTSTORE_OK);
    assert_int_equal(csi_txn_commit(txn, &err), CERTSTORE_OK);
    assert_true(world_token_holds(w->tokens[i], &wanted_there, NULL));
    assert_int_equal(world_litter(w), 0);
    world_close(w);
}

static void an_empty_token_takes_its_first_objects(void **state)
{
    (void)state;
    with_each_token(fill_when_empty);
}

static void destroy_when_asked(struct world *w, int i)
{
    certstore_error err = { 0 };
    world_reset(w);
    world_open(w);
    CSI_AUTO(csi_place) *place = csi_place_open_token(&w->env, w->tokens[i], &csi_limits_default, &err);
    CSI_AUTO(csi_txn) *txn = csi_txn_begin(&w->env, &err);
    CSI_AUTO(csi_parts) *now = NULL;
    CSI_AUTO(csi_snapshot) *snapshot = NULL;
    CSI_AUTO(csi_parts) *nothing = csi_parts_new(&err);
    assert_int_equal(csi_place_read(place, &csi_limits_default, &now, &snapshot, &err), CERTSTORE_OK);
    assert_int_equal(csi_place_replace(txn, place, snapshot, nothing, true, CSI_KEYS_REFUSE, &err), CERTSTORE_E_LOSSY);
    certstore_error_clear(&err);
    assert_int_equal(csi_place_replace(txn, place, snapshot, nothing, true, CSI_KEYS_DESTROY, &err), CERTSTORE_OK);
    assert_int_equal(csi_txn_commit(txn, &err), CERTSTORE_OK);
    CSI_AUTO_OBJECTS left = { 0 };
    assert_int_equal(csi_p11_read(w->tokens[i], &csi_limits_default, &left, &err), CERTSTORE_OK);
    assert_int_equal(left.count, 0);
    world_close(w);
}

static void a_key_is_never_destroyed_unasked(void **state)
{
    (void)state;
    with_each_token(destroy_when_asked);
}

static void restore_first(struct world *w, int i)
{
    certstore_error err = { 0 };
    long calls = 0;
    world_reset(w);
    assert_int_equal(world_run(w, &(struct p11shim){ 0 }, &calls, &err), CERTSTORE_OK);
    world_open(w);
    CSI_AUTO(csi_place) *place = csi_place_open_token(&w->env, w->tokens[i], &csi_limits_default, &err);
    CSI_AUTO(certstore_history) *history = csi_place_history(place, &err);
    assert_non_null(history);
    assert_int_equal(history->count, 2);
    assert_true(history->rows[0].kept);
    CSI_AUTO(csi_parts) *first = csi_place_generation_parts(place, 1, &err);
    CSI_AUTO(csi_parts) *now = NULL;
    CSI_AUTO(csi_snapshot) *snapshot = NULL;
    CSI_AUTO(csi_txn) *txn = csi_txn_begin(&w->env, &err);
    assert_non_null(first);
    assert_int_equal(csi_place_read(place, &csi_limits_default, &now, &snapshot, &err), CERTSTORE_OK);
    assert_int_equal(csi_place_replace(txn, place, snapshot, first, true, CSI_KEYS_KEEP, &err), CERTSTORE_OK);
    assert_int_equal(csi_txn_commit(txn, &err), CERTSTORE_OK);
    assert_true(world_token_holds(w->tokens[i], &w->old[i], i == 1 ? &w->second : NULL)); /* no key is destroyed unasked */
    world_close(w);
}

static void an_earlier_generation_comes_back_with_its_certificate(void **state)
{
    (void)state;
    with_each_token(restore_first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_tokens_and_three_files_change_together),
        cmocka_unit_test(a_reader_sees_nothing_of_what_is_only_staged),
        cmocka_unit_test(an_empty_token_takes_its_first_objects),
        cmocka_unit_test(a_key_is_never_destroyed_unasked),
        cmocka_unit_test(an_earlier_generation_comes_back_with_its_certificate),
        cmocka_unit_test(refused_at_any_call_all_is_old_or_all_is_new),
        cmocka_unit_test(killed_between_any_two_calls_all_is_old_or_all_is_new),
    };
    const struct CMUnitTest long_ones[] = {
        cmocka_unit_test(a_recovery_that_is_killed_can_be_run_again),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    return sweeps_all() ? failures + cmocka_run_group_tests(long_ones, NULL, NULL) : failures;
}
