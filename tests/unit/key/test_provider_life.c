/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_provider_life.c: how long a token's key lives and what it lives through: threads, forks, logouts, a token that goes away, stores and
 * bundles freed before it, and the end of the process. Over SoftHSM.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "key/provider.h"
#include "support/faulty_alloc.h"
#include "support/make.h"
#include "support/tokenkey.h"

CSI_DEFINE_AUTO(EVP_PKEY, EVP_PKEY_free)
CSI_DEFINE_AUTO(EVP_MD_CTX, EVP_MD_CTX_free)

static const uint8_t text[] = "signed by many";

static const EVP_MD *digest_for(const EVP_PKEY *key)
{
    return EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256();
}

static bool sign(EVP_PKEY *key, uint8_t *made, size_t *size)
{
    CSI_AUTO(EVP_MD_CTX) *context = EVP_MD_CTX_new();
    return EVP_DigestSignInit(context, NULL, digest_for(key), NULL, key) == 1 && EVP_DigestSign(context, made, size, text, sizeof text) == 1;
}

static bool signs(EVP_PKEY *key, EVP_PKEY *verifier)
{
    uint8_t made[512];
    size_t size = sizeof made;
    CSI_AUTO(EVP_MD_CTX) *context = EVP_MD_CTX_new();
    return sign(key, made, &size) && EVP_DigestVerifyInit(context, NULL, digest_for(verifier), NULL, verifier) == 1 &&
           EVP_DigestVerify(context, made, size, text, sizeof text) == 1;
}

/* ----------------------------------------------------------------------------------------------------------------- threads */

enum { THREADS = 16, ROUNDS = 25 };
struct shared {
    EVP_PKEY *keys[3];
    EVP_PKEY *verifiers[3];
    atomic_int good;
};

static void *sign_often(void *data)
{
    struct shared *shared = data;
    for (int i = 0; i < ROUNDS; i++)
        for (int j = 0; j < 3; j++)
            if (signs(shared->keys[j], shared->verifiers[j]))
                atomic_fetch_add(&shared->good, 1);
    return NULL;
}

static int exit_status(pid_t child)
{
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

/* Children that are made while others sign. Whatever locks those held stay taken for ever in a child: it asks us, waits for nobody, is told to open
 * the token anew, lets go of it, and ends. */
static void fork_in_the_middle(struct shared *shared)
{
    enum { CHILDREN = 8, PATIENCE = 20 /* seconds */ };
    CSI_AUTO(csi_p11) *token = tokenkey_token();
    for (int i = 0; i < CHILDREN; i++) {
        while (shared->good < (i + 1) * THREADS) /* they are at it */
            usleep(100);
        pid_t child = fork();
        if (child == 0) {
            certstore_error err = { 0 };
            alarm(PATIENCE);
            bool told = csi_p11_login(token, &err) == CERTSTORE_E_UNAVAILABLE;
            csi_p11_free(csi_steal(&token));
            _exit(told ? 0 : 1);
        }
        assert_true(child > 0);
        assert_int_equal(exit_status(child), 0);
    }
}

static void sixteen_threads_sign_with_the_same_keys_and_forks_disturb_none(void **state)
{
    (void)state;
    static const char *const types[] = { "RSA:2048", "EC:P-256", "ED25519" };
    struct shared shared = { .good = 0 };
    pthread_t threads[THREADS];
    for (int i = 0; i < 3; i++) {
        shared.keys[i] = tokenkey_make(types[i]);
        shared.verifiers[i] = make_key(types[i], 1);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sign_often, &shared), 0);
    fork_in_the_middle(&shared);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < 3; i++)
        EVP_PKEY_free(shared.keys[i]);
    assert_int_equal(shared.good, THREADS * ROUNDS * 3);
}

static void *make_and_sign(void *data)
{
    atomic_int *good = data;
    certstore_error err = { 0 };
    CSI_AUTO(csi_p11) *token = tokenkey_token();
    CSI_AUTO(csi_blob) *object = tokenkey_object(token, "EC:P-256");
    CSI_AUTO(csi_blob) *spki = make_spki(make_key("EC:P-256", 1));
    for (int i = 0; i < ROUNDS; i++) {
        CSI_AUTO(EVP_PKEY) *key = csi_token_pkey(token, csi_blob_span(object), csi_blob_span(spki), &err);
        if (key != NULL && signs(key, key))
            atomic_fetch_add(good, 1);
    }
    return NULL;
}

/* Run first in this program, so that the threads meet while the private library context is made. */
static void threads_that_make_the_first_keys_at_once_all_get_one(void **state)
{
    (void)state;
    atomic_int good = 0;
    pthread_t threads[THREADS];
    CSI_AUTO(csi_p11) *token = tokenkey_token();
    CSI_AUTO(csi_blob) *object = tokenkey_object(token, "EC:P-256");
    assert_non_null(object);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_and_sign, &good), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(good, THREADS * ROUNDS);
}

/* -------------------------------------------------------------------------------------------------------------------- fork */

/* A child has not logged in: its signature fails with a reason, and its parent's goes on. */
static void a_child_is_told_to_open_the_token_anew_and_the_parent_goes_on(void **state)
{
    (void)state;
    CSI_AUTO(EVP_PKEY) *key = tokenkey_make("EC:P-256");
    assert_true(signs(key, key));
    pid_t child = fork();
    if (child == 0) {
        certstore_error err = { 0 };
        bool made = signs(key, key);
        csi_token_pkey_failure(key, &err);
        bool told = !made && err.status == CERTSTORE_E_UNAVAILABLE && ERR_GET_REASON(ERR_peek_last_error()) == CERTSTORE_E_UNAVAILABLE;
        EVP_PKEY_free(key);
        _exit(told ? 0 : 1);
    }
    assert_true(child > 0);
    assert_true(signs(key, key));
    assert_int_equal(exit_status(child), 0);
    assert_true(signs(key, key));
}

/* ---------------------------------------------------------------------------------------------------------------- failures */

static void after_a_logout_by_somebody_else_the_key_signs_again_or_says_why(void **state)
{
    (void)state;
    CSI_AUTO(csi_p11) *token = tokenkey_token();
    CSI_AUTO(EVP_PKEY) *key = tokenkey_make("EC:P-256");
    assert_true(signs(key, key));
    assert_int_equal(token->module->C_Logout(token->anchor), CKR_OK);
    assert_true(signs(key, key)); /* the PIN is at hand: logged in again, and the key found again */
}

static void a_key_that_is_gone_fails_with_the_reason_on_openssls_queue(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO(csi_p11) *token = tokenkey_token();
    CSI_AUTO(csi_blob) *object = tokenkey_object(token, "EC:P-384");
    CSI_AUTO(EVP_PKEY) *key = tokenkey_make("EC:P-384");
    assert_true(signs(key, key));
    assert_int_equal(csi_p11_destroy(token, csi_blob_span(object), &err), CERTSTORE_OK);
    ERR_clear_error();
    assert_false(signs(key, key));
    const char *data = NULL;
    int flags = 0;
    unsigned long code = ERR_peek_last_error_all(NULL, NULL, NULL, &data, &flags);
    assert_string_equal(ERR_lib_error_string(code), "certstore");
    assert_int_equal(ERR_GET_REASON(code), CERTSTORE_E_NOT_FOUND);
    assert_non_null(ERR_reason_error_string(code));
    assert_true((flags & ERR_TXT_STRING) != 0 && strstr(data, "token keys") != NULL);
    csi_token_pkey_failure(key, &err);
    assert_int_equal(err.status, CERTSTORE_E_NOT_FOUND);
    ERR_clear_error();
}

static void success_leaves_openssls_queue_as_it_was(void **state)
{
    (void)state;
    CSI_AUTO(EVP_PKEY) *key = tokenkey_make("RSA:2048");
    ERR_clear_error();
    assert_true(signs(key, key));
    assert_int_equal(ERR_peek_error(), 0);
    ERR_raise(ERR_LIB_USER, 42);
    assert_true(signs(key, key));
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), 42);
    assert_int_equal(ERR_GET_REASON(ERR_peek_last_error()), 42);
    ERR_clear_error();
}

static void a_software_key_has_no_failure_to_tell(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    csi_token_pkey_failure(make_key("RSA:2048", 1), &err);
    assert_int_equal(err.status, CERTSTORE_OK);
}

/* One after the other, of those that this library makes itself: no signature, and a reason; and then the next one works. */
static void every_allocation_may_fail(void **state)
{
    (void)state;
    enum { MOST = 400 };
    static const char *const types[] = { "RSA:2048", "EC:P-256", "ED25519" };
    CSI_AUTO(csi_p11) *token = tokenkey_token();
    for (int i = 0; i < 3; i++) {
        CSI_AUTO(csi_blob) *object = tokenkey_object(token, types[i]);
        CSI_AUTO(csi_blob) *spki = make_spki(make_key(types[i], 1));
        int at = 1;
        bool hit = true;
        for (; at < MOST && hit; at++) {
            certstore_error err = { 0 };
            faulty_alloc_reset(at, false);
            CSI_AUTO(EVP_PKEY) *key = csi_token_pkey(token, csi_blob_span(object), csi_blob_span(spki), &err);
            bool made = key != NULL && signs(key, key);
            hit = faulty_alloc_hit();
            faulty_alloc_reset(0, false);
            assert_true(made || hit);
            assert_true(made || key != NULL || err.status == CERTSTORE_E_MEMORY);
            assert_true(key == NULL || signs(key, key));
            ERR_clear_error();
        }
        assert_true(at > 5 && at < MOST);
    }
}

/* -------------------------------------------------------------------------------------------------------------- ownership */

static void a_key_outlives_its_entry_and_every_other_reference(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    csi_p11_free(tokenkey_token()); /* it is there now, whichever test runs first */
    csi_p11 *token = tokens_open_softhsm("keys", TOKEN_PIN, &err);
    assert_non_null(token);
    CSI_AUTO(csi_blob) *object = tokenkey_object(token, "RSA:2048");
    CSI_AUTO(csi_blob) *spki = make_spki(make_key("RSA:2048", 1));
    EVP_PKEY *key = csi_token_pkey(token, csi_blob_span(object), csi_blob_span(spki), &err);
    assert_non_null(key);
    csi_p11_free(token);
    assert_true(signs(key, make_key("RSA:2048", 1)));
    EVP_PKEY_free(key); /* csi_p11_drop(): no call of the module */
}

/* --------------------------------------------------------------------------------------------------------------- the end */

static EVP_PKEY *left;
static void free_left(void)
{
    EVP_PKEY_free(left);
    left = NULL;
}
static enum { NOWHERE, IN_DESTRUCTOR } freed;
__attribute__((destructor)) static void free_last(void)
{
    if (freed == IN_DESTRUCTOR)
        free_left();
}

enum ending { NEVER, AT_EXIT, AT_OPENSSLS_EXIT, DESTRUCTOR, AFTER_CLEANUP, ENDINGS };

/* In a child of its own, which begins anew: the handlers of exit() are registered before the module is loaded, which is what crashes a program that
 * touches SoftHSM in them. */
static void end_so(enum ending ending)
{
    certstore_error err = { 0 };
    if (ending == AT_EXIT)
        atexit(free_left);
    if (ending == AT_OPENSSLS_EXIT)
        OPENSSL_atexit(free_left);
    csi_p11 *token = tokens_open_softhsm("keys", TOKEN_PIN, &err);
    csi_blob *object = token != NULL ? tokens_find(token, CKO_PRIVATE_KEY, "RSA:2048") : NULL;
    csi_blob *spki = make_spki(make_key("RSA:2048", 1));
    left = object != NULL ? csi_token_pkey(token, csi_blob_span(object), csi_blob_span(spki), &err) : NULL;
    if (left == NULL || !signs(left, left))
        _exit(2);
    csi_blob_free(object);
    csi_blob_free(spki);
    csi_p11_free(token);
    freed = ending == DESTRUCTOR ? IN_DESTRUCTOR : NOWHERE;
    if (ending == AFTER_CLEANUP) {
        OPENSSL_cleanup();
        free_left();
    }
    exit(0);
}

static void the_process_ends_well_wherever_the_key_is_freed(void **state)
{
    (void)state;
    CSI_AUTO(csi_p11) *token = tokenkey_token();
    CSI_AUTO(csi_blob) *object = tokenkey_object(token, "RSA:2048");
    assert_non_null(object);
    fflush(NULL);
    for (int ending = NEVER; ending < ENDINGS; ending++) {
        pid_t child = fork();
        if (child == 0)
            end_so((enum ending)ending);
        assert_true(child > 0);
        int status = exit_status(child);
        if (status != 0)
            fail_msg("ending %d: status %d", ending, status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_that_make_the_first_keys_at_once_all_get_one),
        cmocka_unit_test(sixteen_threads_sign_with_the_same_keys_and_forks_disturb_none),
        cmocka_unit_test(a_child_is_told_to_open_the_token_anew_and_the_parent_goes_on),
        cmocka_unit_test(after_a_logout_by_somebody_else_the_key_signs_again_or_says_why),
        cmocka_unit_test(a_key_that_is_gone_fails_with_the_reason_on_openssls_queue),
        cmocka_unit_test(success_leaves_openssls_queue_as_it_was),
        cmocka_unit_test(a_software_key_has_no_failure_to_tell),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(a_key_outlives_its_entry_and_every_other_reference),
        cmocka_unit_test(the_process_ends_well_wherever_the_key_is_freed),
    };
    return cmocka_run_group_tests_name("provider_life", tests, NULL, NULL);
}
