/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_session.c: what may happen to a token while it is in use: a wrong PIN, the last try, a logout by somebody else, sessions that run out or
 * are lost, a fork, many threads, the end of the process; and OpenSSL's queue through all of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/faulty_os.h"
#include "support/make.h"
#include "support/tokens.h"

struct fixture {
    char *folder;
    csi_p11 *token;
    csi_blob *key;
    certstore_error err;
};

static void begin(struct fixture *f)
{
    *f = (struct fixture){ .folder = test_dir_new() };
    tokens_softhsm_begin(f->folder);
    tokens_softhsm_add("box");
    f->token = tokens_open_softhsm("box", TOKEN_PIN, &f->err);
    assert_non_null(f->token);
    CSI_AUTO(csi_blob) *asked = tokens_private_key("key", "\x01", "EC:P-256");
    assert_int_equal(csi_p11_create(f->token, csi_blob_span(asked), &f->err), CERTSTORE_OK);
    f->key = tokens_find(f->token, CKO_PRIVATE_KEY, "key");
    assert_non_null(f->key);
}

static void end(struct fixture *f)
{
    csi_blob_free(f->key);
    csi_p11_free(f->token);
    test_dir_remove(f->folder);
}

static certstore_status sign(csi_p11 *token, csi_blob *key, certstore_error *err)
{
    static const uint8_t digest[32] = { 1 };
    CK_MECHANISM mechanism = { CKM_ECDSA, NULL, 0 };
    CSI_AUTO_BUF out = { 0 };
    certstore_status status = csi_p11_sign(token, csi_blob_span(key), &mechanism, csi_span(digest, sizeof digest), &out, err);
    return status == CERTSTORE_OK && out.size != 64 ? CERTSTORE_E_MALFORMED : status;
}

static void must_sign(struct fixture *f)
{
    if (sign(f->token, f->key, &f->err) != CERTSTORE_OK)
        fail_msg("%s (%s)", f->err.message, f->err.cause);
}

/* --------------------------------------------------------------------------------------------------------------------- PIN */

static void a_wrong_pin_is_presented_once(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    csi_p11_free(f.token); /* whoever is logged in lets everybody in */
    f.token = tokens_open_softhsm("box", TOKEN_WRONG_PIN, &f.err);
    tokens_spy_on(f.token);
    for (int i = 0; i < 4; i++) {
        certstore_error err = { 0 };
        CSI_AUTO_OBJECTS objects = { 0 };
        certstore_status status = i % 2 == 0 ? csi_p11_login(f.token, &err) : csi_p11_read(f.token, &csi_limits_default, &objects, &err);
        assert_int_equal(status, CERTSTORE_E_PASSWORD);
        assert_null(strstr(err.message, TOKEN_WRONG_PIN));
        assert_null(strstr(err.cause, TOKEN_WRONG_PIN));
    }
    assert_int_equal(sign(f.token, f.key, &f.err), CERTSTORE_E_PASSWORD);
    assert_int_equal(tokens_spy.logins, 1);
    tokens_spy_off();
    end(&f);
}

static void the_last_try_and_a_locked_pin_are_not_touched(void **state)
{
    (void)state;
    static const struct {
        CK_FLAGS flags;
        certstore_status status;
    } rows[] = { { CKF_USER_PIN_FINAL_TRY, CERTSTORE_E_PASSWORD }, { CKF_USER_PIN_LOCKED, CERTSTORE_E_LOCKED } };
    struct fixture f;
    begin(&f);
    csi_p11_free(f.token);
    f.token = tokens_open_softhsm("box", TOKEN_PIN, &f.err);
    tokens_spy_on(f.token);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        certstore_error err = { 0 };
        tokens_spy.token_flags = rows[i].flags;
        assert_int_equal(csi_p11_login(f.token, &err), rows[i].status);
        assert_int_equal(tokens_spy.logins, 0);
    }
    tokens_spy.token_flags = 0;
    assert_int_equal(csi_p11_login(f.token, &f.err), CERTSTORE_OK); /* it was not held against the PIN */
    tokens_spy_off();
    end(&f);
}

/* SoftHSM answers so while another process rewrites the token's file. */
static void a_state_that_cannot_be_read_for_a_moment_is_asked_for_again(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    csi_p11_free(f.token);
    f.token = tokens_open_softhsm("box", TOKEN_PIN, &f.err);
    tokens_spy_on(f.token);
    tokens_spy.refuse.function = "C_GetTokenInfo";
    tokens_spy.refuse.answer = CKR_GENERAL_ERROR;
    tokens_spy.refuse.times = 1000;
    certstore_error err = { 0 };
    assert_int_equal(csi_p11_login(f.token, &err), CERTSTORE_E_IO); /* it is not for ever that it asks */
    assert_int_equal(tokens_spy.logins, 0);
    tokens_spy.refuse.times = 3;
    assert_int_equal(csi_p11_login(f.token, &f.err), CERTSTORE_OK);
    assert_int_equal(tokens_spy.logins, 1);
    tokens_spy_off();
    end(&f);
}

/* In that moment a token has no PIN either, and presenting one is refused unseen. */
static void a_pin_that_the_token_does_not_know_of_for_a_moment_is_presented_again(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    csi_p11_free(f.token);
    f.token = tokens_open_softhsm("box", TOKEN_PIN, &f.err);
    tokens_spy_on(f.token);
    tokens_spy.refuse.function = "C_Login";
    tokens_spy.refuse.answer = CKR_USER_PIN_NOT_INITIALIZED;
    tokens_spy.refuse.times = 1000;
    certstore_error err = { 0 };
    assert_int_not_equal(csi_p11_login(f.token, &err), CERTSTORE_OK); /* it is not for ever that it asks */
    assert_in_range(tokens_spy.logins, 2, 20);
    tokens_spy.refuse.times = 3;
    assert_int_equal(csi_p11_login(f.token, &f.err), CERTSTORE_OK);
    tokens_spy_off();
    end(&f);
}

/* So does it, as it is initialised, with a token whose file another process rewrites. */
static void a_token_that_softhsm_overlooked_is_looked_for_again(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    tokens_shim_begin();
    tokens_shim.blind = 3;
    CSI_AUTO(csi_p11) *token = tokens_open_shimmed("box", TOKEN_PIN, &f.err);
    assert_non_null(token);
    assert_int_equal(tokens_shim.blind, 0);
    csi_p11_free(csi_steal(&token));
    certstore_error err = { 0 };
    tokens_shim.blind = 1000;
    assert_null(tokens_open_shimmed("box", TOKEN_PIN, &err));
    assert_int_equal(err.status, CERTSTORE_E_UNAVAILABLE);
    assert_in_range(tokens_shim.blind, 990, 997); /* several times, and not for ever */
    tokens_shim.blind = 0;
    end(&f);
}

static void without_a_pin_public_objects_are_seen_and_a_key_says_what_it_wants(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    CSI_AUTO(csi_blob) *data = tokens_data("note", csi_span("x", 1));
    assert_int_equal(csi_p11_create(f.token, csi_blob_span(data), &f.err), CERTSTORE_OK);
    csi_p11_free(f.token);
    f.token = tokens_open_softhsm("box", NULL, &f.err);
    assert_int_equal(tokens_count(f.token, CKO_DATA), 1);
    assert_int_equal(tokens_count(f.token, CKO_PRIVATE_KEY), 0);
    assert_int_equal(sign(f.token, f.key, &f.err), CERTSTORE_E_PASSWORD);
    end(&f);
}

/* ---------------------------------------------------------------------------------------------------------------- sessions */

static void a_logout_by_somebody_else_is_mended(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    must_sign(&f);
    CSI_AUTO(csi_p11) *other = tokens_open_softhsm("box", TOKEN_PIN, &f.err);
    assert_int_equal(other->module->C_Logout(other->anchor), CKR_OK);
    must_sign(&f); /* logged in again, and the key found again */
    assert_int_equal(other->module->C_Logout(other->anchor), CKR_OK);
    assert_int_equal(tokens_count(f.token, CKO_PRIVATE_KEY), 1);
    end(&f);
}

static void a_logout_in_the_middle_of_reading_hides_nothing(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    CSI_AUTO(csi_p11) *other = tokens_open_softhsm("box", TOKEN_PIN, &f.err);
    CSI_AUTO_OBJECTS objects = { 0 };
    struct csi_use use;
    assert_int_equal(csi_use_begin(&use, f.token, &f.err), CERTSTORE_OK);
    assert_true(csi_use_logged_in(&use));
    assert_int_equal(other->module->C_Logout(other->anchor), CKR_OK);
    assert_false(csi_use_logged_in(&use));
    csi_use_end(&use);
    assert_int_equal(csi_p11_read(f.token, &csi_limits_default, &objects, &f.err), CERTSTORE_OK);
    assert_int_equal(objects.count, 1);
    end(&f);
}

static void a_stale_handle_is_found_again_once(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    must_sign(&f);
    tokens_spy_on(f.token);
    must_sign(&f);
    assert_int_equal(tokens_spy.finds, 0); /* the handle was remembered */
    tokens_spy.refuse.function = "C_SignInit";
    tokens_spy.refuse.answer = CKR_KEY_HANDLE_INVALID;
    tokens_spy.refuse.times = 1;
    must_sign(&f);
    assert_int_equal(tokens_spy.finds, 1);
    tokens_spy.refuse.times = 5;
    assert_int_equal(sign(f.token, f.key, &f.err), CERTSTORE_E_NOT_FOUND);
    assert_int_equal(tokens_spy.refuse.times, 3);
    tokens_spy_off();
    end(&f);
}

static void sessions_that_the_module_has_forgotten_are_opened_anew(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    must_sign(&f);
    assert_int_equal(f.token->module->C_CloseAllSessions(f.token->slot), CKR_OK);
    must_sign(&f);
    assert_int_equal(f.token->module->C_CloseAllSessions(f.token->slot), CKR_OK);
    assert_int_equal(tokens_count(f.token, CKO_PRIVATE_KEY), 1);
    assert_int_equal(f.token->module->C_CloseAllSessions(f.token->slot), CKR_OK);
    CSI_AUTO(csi_blob) *data = tokens_data("note", csi_span("x", 1));
    assert_int_equal(csi_p11_create(f.token, csi_blob_span(data), &f.err), CERTSTORE_OK);
    end(&f);
}

static void a_token_that_is_gone_is_unavailable_and_comes_back(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    must_sign(&f);
    tokens_spy_on(f.token);
    tokens_spy.refuse.function = "C_SignInit";
    tokens_spy.refuse.answer = CKR_DEVICE_REMOVED;
    tokens_spy.refuse.times = 2;
    certstore_error err = { 0 };
    assert_int_equal(sign(f.token, f.key, &err), CERTSTORE_E_UNAVAILABLE);
    must_sign(&f);
    tokens_spy_off();
    end(&f);
}

enum { THREADS = 16, ROUNDS = 25 };

struct worker {
    struct fixture *f;
    int failures;
};

static void *work(void *argument)
{
    struct worker *worker = argument;
    for (int i = 0; i < ROUNDS; i++) {
        certstore_error err = { 0 };
        if (i % 5 == 4) {
            CSI_AUTO_OBJECTS objects = { 0 };
            worker->failures += csi_p11_read(worker->f->token, &csi_limits_default, &objects, &err) != CERTSTORE_OK || objects.count != 1;
        } else {
            worker->failures += sign(worker->f->token, worker->f->key, &err) != CERTSTORE_OK;
        }
    }
    return NULL;
}

static int run_threads(struct fixture *f)
{
    pthread_t threads[THREADS];
    struct worker workers[THREADS];
    int failures = 0;
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){ .f = f };
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        failures += workers[i].failures;
    }
    return failures;
}

static void sixteen_threads_share_a_bounded_number_of_sessions(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    tokens_spy_on(f.token);
    tokens_spy.opened += (int)f.token->pooled;
    assert_int_equal(run_threads(&f), 0);
    assert_true(tokens_spy.most_open <= CSI_POOL + 1);
    tokens_spy_off();
    end(&f);
}

static void a_token_with_a_single_session_serves_sixteen_threads(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    f.token->suspect = true; /* all but a new anchor are closed */
    tokens_spy_on(f.token);
    tokens_spy.opened += (int)f.token->pooled;
    tokens_spy.sessions_allowed = 1;
    assert_int_equal(run_threads(&f), 0);
    assert_int_equal(tokens_spy.opened - tokens_spy.closed, 1);
    tokens_spy_off();
    end(&f);
}

static void a_token_without_a_session_left_is_said_to_be_busy(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    tokens_spy_on(f.token);
    f.token->suspect = true;
    tokens_spy.refuse.function = "C_OpenSession";
    tokens_spy.refuse.answer = CKR_SESSION_COUNT;
    tokens_spy.refuse.times = 1;
    assert_int_equal(sign(f.token, f.key, &f.err), CERTSTORE_E_LOCKED);
    certstore_error_clear(&f.err);
    must_sign(&f);
    tokens_spy_off();
    end(&f);
}

/* ---------------------------------------------------------------------------------------------------------- fork, exit, queue */

static void a_child_uses_nothing_of_its_parents(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    must_sign(&f);
    tokens_spy_on(f.token);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        certstore_error err = { 0 };
        certstore_error anew = { 0 };
        CSI_AUTO_OBJECTS objects = { 0 };
        int wrong = sign(f.token, f.key, &err) != CERTSTORE_E_UNAVAILABLE;
        certstore_error_clear(&err);
        wrong |= csi_p11_read(f.token, &csi_limits_default, &objects, &err) != CERTSTORE_E_UNAVAILABLE;
        wrong |= csi_p11_offers(f.token, CKM_ECDSA, CKF_SIGN);
        wrong |= tokens_spy.logins + tokens_spy.signs + tokens_spy.finds != 0;
        csi_p11_free(f.token);
        wrong |= tokens_spy.closed != 0;
        csi_p11 *own = tokens_open_softhsm("box", TOKEN_PIN, &anew);
        wrong |= own == NULL || sign(own, f.key, &anew) != CERTSTORE_OK;
        csi_p11_free(own);
        _exit(wrong);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    must_sign(&f); /* the parent was not disturbed */
    tokens_spy_off();
    end(&f);
}

static csi_p11 *left_over;

static void drop_at_exit(void)
{
    csi_p11_drop(left_over);
}

/* SoftHSM crashes when it is spoken to after its own destructors, which run before what was registered earlier than it was loaded. */
static void the_last_reference_may_be_dropped_at_exit(void **state)
{
    (void)state;
    char *folder = test_dir_new();
    tokens_softhsm_begin(folder);
    tokens_softhsm_add("box");
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        certstore_error err = { 0 };
        if (atexit(drop_at_exit) != 0)
            _exit(2);
        left_over = tokens_open_softhsm("box", TOKEN_PIN, &err);
        if (left_over == NULL || csi_p11_login(left_over, &err) != CERTSTORE_OK)
            _exit(3);
        csi_p11_drop(csi_p11_ref(left_over)); /* not the last one */
        exit(0);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("status 0x%x", (unsigned)status);
    test_dir_remove(folder);
}

static void openssl_s_queue_is_as_it_was(void **state)
{
    (void)state;
    struct fixture f;
    for (int full = 0; full < 2; full++) {
        ERR_clear_error();
        if (full)
            ERR_raise(ERR_LIB_USER, 42);
        unsigned long before = ERR_peek_last_error();
        begin(&f);
        must_sign(&f);
        certstore_error err = { 0 };
        CK_MECHANISM nonsense = { CKM_RSA_PKCS, NULL, 0 };
        CSI_AUTO_BUF out = { 0 };
        assert_int_not_equal(csi_p11_sign(f.token, csi_blob_span(f.key), &nonsense, csi_span("x", 1), &out, &err), CERTSTORE_OK);
        csi_p11_offers(f.token, CKM_ECDSA, CKF_SIGN);
        end(&f);
        assert_true(ERR_peek_last_error() == before);
        assert_true(ERR_get_error() == before);
        assert_true(ERR_get_error() == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_reference_may_be_dropped_at_exit), /* first: the module must not be loaded yet */
        cmocka_unit_test(a_wrong_pin_is_presented_once),
        cmocka_unit_test(the_last_try_and_a_locked_pin_are_not_touched),
        cmocka_unit_test(a_state_that_cannot_be_read_for_a_moment_is_asked_for_again),
        cmocka_unit_test(a_pin_that_the_token_does_not_know_of_for_a_moment_is_presented_again),
        cmocka_unit_test(a_token_that_softhsm_overlooked_is_looked_for_again),
        cmocka_unit_test(without_a_pin_public_objects_are_seen_and_a_key_says_what_it_wants),
        cmocka_unit_test(a_logout_by_somebody_else_is_mended),
        cmocka_unit_test(a_logout_in_the_middle_of_reading_hides_nothing),
        cmocka_unit_test(a_stale_handle_is_found_again_once),
        cmocka_unit_test(sessions_that_the_module_has_forgotten_are_opened_anew),
        cmocka_unit_test(a_token_that_is_gone_is_unavailable_and_comes_back),
        cmocka_unit_test(sixteen_threads_share_a_bounded_number_of_sessions),
        cmocka_unit_test(a_token_with_a_single_session_serves_sixteen_threads),
        cmocka_unit_test(a_token_without_a_session_left_is_said_to_be_busy),
        cmocka_unit_test(a_child_uses_nothing_of_its_parents),
        cmocka_unit_test(openssl_s_queue_is_as_it_was),
    };
    return cmocka_run_group_tests_name("p11 sessions", tests, NULL, NULL);
}
