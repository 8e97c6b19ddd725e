/* SPDX-License-Identifier: Apache-2.0 */
/* test_modules_shared.c: a token that is not ours alone, asked of every module: others log us out, and other processes change it at the same time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/make.h"
#include "support/modules.h"

enum { PROCESSES = 3, CHANGES = 4, TRIES = 500, LOCK_PATIENCE = 20000 };

/* The store with one more certificate; a transaction that is only begun. */
static certstore_txn *add(certstore *store, const char *alias, certstore_error *err)
{
    CSI_AUTO(csi_blob) *der = tokens_der(alias, alias);
    certstore_bundle *bundle = certstore_read(store, err);
    certstore_entry *entry = certstore_entry_new_trusted(alias, der->data, der->size, err);
    certstore_txn *txn = certstore_txn_begin(err);
    certstore_bundle_put(bundle, entry, err);
    certstore_txn_replace(txn, store, bundle, err);
    certstore_entry_free(entry);
    certstore_bundle_free(bundle);
    return txn;
}

static size_t count_certificates(const struct module_fixture *f)
{
    CSI_AUTO(csi_p11) *token = module_token(f, f->pin);
    return tokens_count(token, CKO_CERTIFICATE);
}

/* PKCS#11 logs out a program, not one of its users: here the other one does so between prepare and commit. */
static void log_out_in_the_middle(struct module_fixture *f)
{
    certstore_error err = { 0 };
    if (f->pin == NULL)
        return;
    certstore *store = module_store(f);
    CSI_AUTO(csi_p11) *other = module_token(f, f->pin);
    certstore_txn *txn = add(store, "11", &err);
    assert_int_equal(certstore_txn_prepare(txn, &err), CERTSTORE_OK);
    assert_int_equal(other->module->C_Logout(other->anchor), CKR_OK);
    if (certstore_txn_commit(txn, &err) != CERTSTORE_OK)
        fail_msg("%s: %s (%s)", f->module->name, err.message, err.cause);
    certstore_txn_free(txn);
    certstore_free(store);
    csi_p11_free(csi_steal(&other));
    assert_int_equal(count_certificates(f), 1);
}

static void a_logout_between_prepare_and_commit_stops_nothing(void **state)
{
    (void)state;
    with_each_module(log_out_in_the_middle);
}

/* Another process came first, or SoftHSM read by half what that one was writing and refused a call: the transaction is taken back, and made anew. */
static bool may_be_tried_again(certstore_status status, const certstore_error *err)
{
    return status == CERTSTORE_E_CONFLICT || status == CERTSTORE_E_LOCKED || strcmp(err->cause, "CKR_GENERAL_ERROR") == 0;
}

/* One process's changes. 0 when all are done. */
static int change(const char *uri, const certstore_options *opts, int number)
{
    int done = 0;
    for (int tries = 0; tries < TRIES && done < CHANGES; tries++) {
        certstore_error err = { 0 };
        char alias[32];
        snprintf(alias, sizeof alias, "%d%d", number + 1, done + 1);
        certstore *store = certstore_open(uri, opts, &err);
        certstore_txn *txn = store != NULL ? add(store, alias, &err) : NULL;
        certstore_status status = certstore_txn_commit(txn, &err);
        certstore_txn_free(txn);
        certstore_free(store);
        done += status == CERTSTORE_OK;
        if (status != CERTSTORE_OK && !may_be_tried_again(status, &err)) {
            fprintf(stderr, "%s: %s (%s)\n", uri, err.message, err.cause);
            return 1;
        }
    }
    return done < CHANGES;
}

/* A program of its own where the token can be had past the shim: a TPM's module does not outlive a fork. */
static void be_another_process(const struct module_fixture *f, int number)
{
    char digit[2] = { (char)('0' + number), '\0' };
    if (f->bare_uri == NULL)
        _exit(change(f->uri, f->opts, number));
    execl("/proc/self/exe", "change", f->bare_uri, digit, (char *)NULL);
    _exit(127);
}

static int main_of_another_process(const char *uri, int number)
{
    certstore_error err = { 0 };
    certstore_options *opts = certstore_options_new(&err);
    certstore_options_set_lock_timeout(opts, LOCK_PATIENCE, &err);
    certstore_options_set_password(opts, (const uint8_t *)TOKEN_PIN, strlen(TOKEN_PIN), &err);
    int result = change(uri, opts, number);
    certstore_options_free(opts);
    return result;
}

static void change_at_once(struct module_fixture *f)
{
    pid_t children[PROCESSES];
    certstore_error err = { 0 };
    if ((f->module->can & MODULE_SHARED) == 0) {
        printf("# table %s: not held to several processes at once\n", f->module->name);
        return;
    }
    certstore_bytes *state = certstore_options_export_state_dir(f->opts, &err);
    certstore_options_set_lock_timeout(f->opts, LOCK_PATIENCE, &err);
    assert_int_equal(setenv("CERTSTORE_STATE_DIR", (const char *)certstore_bytes_data(state), 1), 0);
    certstore_bytes_free(state);
    fflush(NULL);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            be_another_process(f, i);
    }
    int failures = 0;
    for (int i = 0; i < PROCESSES; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        failures += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    }
    assert_int_equal(failures, 0);
    assert_int_equal(count_certificates(f), PROCESSES * CHANGES);
}

static void several_processes_lose_no_change_of_each_other(void **state)
{
    (void)state;
    with_each_module(change_at_once);
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return main_of_another_process(argv[1], argv[2][0] - '0');
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_logout_between_prepare_and_commit_stops_nothing),
        cmocka_unit_test(several_processes_lose_no_change_of_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
