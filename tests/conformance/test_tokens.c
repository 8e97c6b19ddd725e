/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_tokens.c: one transaction over two tokens and three files, stopped and refused at each call of the module: afterwards all of them are old, or
 * all are new, no key is lost and nothing is left behind.
 *
 *     token web     the certificate of its key is renewed
 *     token app     a new key with its certificate comes in; the old key's certificate goes, the old key stays
 *     three files   new content
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "media/token.h"
#include "support/make.h"
#include "support/softhsm.h"

enum { TOKENS = 2, FILES = 3, CALLS_MAX = 2000 };
static const char *const labels[TOKENS] = { "web", "app" };

struct world {
    char root[64];
    char *state;
    char *files[FILES];
    struct csi_txn_env env;
    struct csi_objects old[TOKENS]; /* what each token is to hold before and after; keys as they read, without their values */
    struct csi_objects new[TOKENS];
};

/* ----------------------------------------------------------------------------------------------------------------- objects */

static csi_blob *cert_object(const char *label, csi_blob *der, X509 *x509)
{
    CSI_AUTO_DRAFT draft = { 0 };
    certstore_error err = { 0 };
    uint8_t *name = NULL;
    int size = i2d_X509_NAME(X509_get_subject_name(x509), &name);
    assert_true(size > 0);
    csi_object_put_number(&draft, CKA_CLASS, CKO_CERTIFICATE);
    csi_object_put_number(&draft, CKA_CERTIFICATE_TYPE, CKC_X_509);
    csi_object_put(&draft, CKA_LABEL, csi_span_text(label));
    csi_object_put(&draft, CKA_ID, csi_span("\1\2\3\4", 4));
    csi_object_put(&draft, CKA_SUBJECT, csi_span(name, (size_t)size));
    csi_object_put(&draft, CKA_VALUE, csi_blob_span(der));
    OPENSSL_free(name);
    csi_blob *object = csi_object_finish(&draft, &err);
    assert_non_null(object);
    return object;
}

static csi_blob *new_cert(const char *label, const char *subject, int number)
{
    X509 *x509 = make_cert(&(struct make_cert){ .subject = subject, .key = make_key("EC:P-256", number) });
    CSI_AUTO(csi_blob) *der = make_der(x509);
    csi_blob *object = cert_object(label, der, x509);
    X509_free(x509);
    return object;
}

/* A private key to be made: RSA, whose modulus tells it. */
static csi_blob *new_key(const char *label, int number)
{
    CSI_AUTO_DRAFT draft = { 0 };
    certstore_error err = { 0 };
    EVP_PKEY *key = make_key("RSA:2048", number);
    CSI_AUTO(csi_blob) *pkcs8 = make_pkcs8(key);
    BIGNUM *n = NULL;
    uint8_t modulus[256];
    assert_int_equal(EVP_PKEY_get_bn_param(key, "n", &n), 1);
    assert_int_equal(BN_bn2bin(n, modulus), sizeof modulus);
    BN_free(n);
    csi_object_put_number(&draft, CKA_CLASS, CKO_PRIVATE_KEY);
    csi_object_put_number(&draft, CKA_KEY_TYPE, CKK_RSA);
    csi_object_put(&draft, CKA_LABEL, csi_span_text(label));
    csi_object_put(&draft, CKA_ID, csi_span(modulus, 20));
    csi_object_put(&draft, CKA_MODULUS, csi_span(modulus, sizeof modulus));
    csi_object_put(&draft, CSI_OBJECT_PKCS8, csi_blob_span(pkcs8));
    csi_blob *object = csi_object_finish(&draft, &err);
    assert_non_null(object);
    return object;
}

static void take(struct csi_objects *list, csi_blob *object)
{
    certstore_error err = { 0 };
    assert_int_equal(csi_objects_add(list, object, &err), CERTSTORE_OK);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static bool holds_text(const char *path, const char *text)
{
    char room[64] = "";
    FILE *file = fopen(path, "re");
    size_t got = file != NULL ? fread(room, 1, sizeof room - 1, file) : 0;
    room[got] = '\0';
    if (file != NULL)
        fclose(file);
    return strcmp(room, text) == 0;
}

/* ------------------------------------------------------------------------------------------------------------------- world */

static void fill_token(struct world *w, int i)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_blob) *key = new_key(labels[i], i);
    CSI_AUTO(csi_blob) *old_cert = new_cert(labels[i], "CN=old", i);
    CSI_AUTO(csi_blob) *new_one = new_cert(labels[i], "CN=new", i + 2);
    CSI_AUTO(csi_blob) *other = new_cert("bystander", "CN=bystander", 9);
    CSI_AUTO(csi_p11) *token = softhsm_open(labels[i], false, SOFTHSM_PIN, &err);
    assert_non_null(token);
    csi_blob *const before[] = { key, old_cert, other };
    for (size_t k = 0; k < 3; k++) {
        assert_int_equal(csi_p11_create(token, csi_blob_span(before[k]), &err), CERTSTORE_OK);
        take(&w->old[i], before[k]);
    }
    take(&w->new[i], key);
    take(&w->new[i], other);
    take(&w->new[i], new_one);
    if (i == 1) {
        CSI_AUTO(csi_blob) *second = new_key(labels[i], 7);
        take(&w->new[i], second);
    }
}

static void open_world(struct world *w)
{
    *w = (struct world){ .root = "/tmp/certstore-tokens-XXXXXX" };
    assert_non_null(mkdtemp(w->root));
    certstore_error err = { 0 };
    w->state = csi_format(&err, "%s/state", w->root);
    softhsm_begin(w->root);
    for (int i = 0; i < TOKENS; i++) {
        softhsm_add_token(labels[i]);
        fill_token(w, i);
    }
    softhsm_keep(w->root);
    for (int i = 0; i < FILES; i++)
        w->files[i] = csi_format(&err, "%s/file%d", w->root, i);
    w->env = (struct csi_txn_env){
        .os = &csi_os_real, .state_dir = w->state, .kinds = csi_place_kinds, .actor = "test", .lock_timeout_ms = 2000, .generations = 3
    };
}

static void reset(struct world *w)
{
    char command[256];
    snprintf(command, sizeof command, "rm -rf %s %s/locks/.[!.]*", w->state, w->root);
    assert_int_equal(system(command), 0);
    softhsm_bring_back(w->root);
    for (int i = 0; i < FILES; i++)
        write_text(w->files[i], "old");
}

static void close_world(struct world *w)
{
    char command[128];
    for (int i = 0; i < TOKENS; i++) {
        csi_objects_clear(&w->old[i]);
        csi_objects_clear(&w->new[i]);
    }
    for (int i = 0; i < FILES; i++)
        free(w->files[i]);
    free(w->state);
    snprintf(command, sizeof command, "rm -rf %s", w->root);
    assert_int_equal(system(command), 0);
}

/* By a fresh look that knows nothing of transactions. */
static bool holds(int i, const struct csi_objects *wanted)
{
    certstore_error err = { 0 };
    CSI_AUTO_OBJECTS found = { 0 };
    CSI_AUTO_SET now = { 0 };
    CSI_AUTO_SET set = { 0 };
    CSI_AUTO(csi_p11) *token = softhsm_open(labels[i], false, SOFTHSM_PIN, &err);
    assert_non_null(token);
    assert_int_equal(csi_p11_read(token, &csi_limits_default, &found, &err), CERTSTORE_OK);
    assert_int_equal(csi_object_set_of(&found, &now, &err), CERTSTORE_OK);
    assert_int_equal(csi_object_set_of(wanted, &set, &err), CERTSTORE_OK);
    return csi_object_set_equal(&now, &set);
}

static bool all(const struct world *w, bool new)
{
    bool good = true;
    for (int i = 0; i < TOKENS && good; i++)
        good = holds(i, new ? &w->new[i] : &w->old[i]);
    for (int i = 0; i < FILES && good; i++)
        good = holds_text(w->files[i], new ? "new" : "old");
    return good;
}

/* Names that only a transaction under way may leave: marker, lock, plan, open journal. */
static int litter_in(const char *dir, const char *part)
{
    int count = 0;
    DIR *names = opendir(dir);
    for (const struct dirent *entry = names != NULL ? readdir(names) : NULL; entry != NULL; entry = readdir(names)) {
        count += strstr(entry->d_name, part) != NULL;
    }
    if (names != NULL)
        closedir(names);
    return count;
}

static int litter(const struct world *w)
{
    char path[128];
    int count = litter_in(w->root, ".certstore");
    snprintf(path, sizeof path, "%s/locks", w->root);
    count += litter_in(path, ".certstore");
    snprintf(path, sizeof path, "%s/txn", w->state);
    return count + litter_in(path, ".plan-") + litter_in(path, ".open");
}

/* ------------------------------------------------------------------------------------------------------------- transaction */

static certstore_status add_token(struct world *w, csi_txn *txn, int i, csi_p11 *token, certstore_error *err)
{
    CSI_AUTO(csi_place) *place = csi_place_open_token(&w->env, token, &csi_limits_default, err);
    CSI_AUTO(csi_parts) *now = NULL;
    CSI_AUTO(csi_snapshot) *snapshot = NULL;
    CSI_AUTO(csi_parts) *wanted = csi_parts_new(err);
    if (place == NULL || wanted == NULL || csi_place_read(place, &csi_limits_default, &now, &snapshot, err) != CERTSTORE_OK)
        return err->status;
    for (size_t k = 0; k < w->new[i].count; k++)
        CSI_TRY(csi_parts_add(wanted, "", w->new[i].items[k], err));
    return csi_place_replace(txn, place, snapshot, wanted, true, CSI_KEYS_REFUSE, err);
}

static certstore_status add_file(struct world *w, csi_txn *txn, int i, certstore_error *err)
{
    const char *const paths[] = { w->files[i] };
    CSI_AUTO(csi_place) *place = csi_place_open(&w->env, paths, 1, false, err);
    CSI_AUTO(csi_parts) *now = NULL;
    CSI_AUTO(csi_snapshot) *snapshot = NULL;
    CSI_AUTO(csi_parts) *wanted = csi_parts_new(err);
    CSI_AUTO(csi_blob) *text = csi_blob_new("new", 3, err);
    if (place == NULL || wanted == NULL || text == NULL || csi_place_read(place, &csi_limits_default, &now, &snapshot, err) != CERTSTORE_OK)
        return err->status;
    CSI_TRY(csi_parts_add(wanted, "", text, err));
    return csi_place_replace(txn, place, snapshot, wanted, false, CSI_KEYS_REFUSE, err);
}

static certstore_status commit(struct world *w, csi_p11 *const tokens[TOKENS], certstore_error *err)
{
    CSI_AUTO(csi_txn) *txn = csi_txn_begin(&w->env, err);
    for (int i = 0; i < TOKENS && err->status == CERTSTORE_OK; i++)
        add_token(w, txn, i, tokens[i], err);
    for (int i = 0; i < FILES && err->status == CERTSTORE_OK; i++)
        add_file(w, txn, i, err);
    return err->status == CERTSTORE_OK ? csi_txn_commit(txn, err) : err->status;
}

/* Everything from opening on, behind the shim; `tamper` is set once both tokens are open, so that there is a transaction to stop. */
static certstore_status run(struct world *w, const struct p11shim *tamper, long *calls, certstore_error *err)
{
    CSI_AUTO(csi_p11) *first = softhsm_open(labels[0], true, SOFTHSM_PIN, err);
    CSI_AUTO(csi_p11) *second = softhsm_open(labels[1], true, SOFTHSM_PIN, err);
    assert_true(first != NULL && second != NULL);
    csi_p11 *const tokens[TOKENS] = { first, second };
    struct p11shim *shim = softhsm_shim();
    assert_non_null(shim);
    *shim = *tamper;
    certstore_status status = commit(w, tokens, err);
    *calls = shim->calls;
    *shim = (struct p11shim){ 0 };
    return status;
}

/* What `certstore recover` and `certstore recover STORE...` do, with the tokens' PIN. */
static void recover(struct world *w)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_p11) *first = softhsm_open(labels[0], true, SOFTHSM_PIN, &err);
    CSI_AUTO(csi_p11) *second = softhsm_open(labels[1], true, SOFTHSM_PIN, &err);
    csi_p11 *tokens[TOKENS] = { first, second };
    struct csi_token_list list = { .items = tokens, .count = TOKENS };
    struct csi_txn_env env = w->env;
    env.world = &list;
    certstore_report_free(csi_recover(&env, &err));
    for (int i = 0; i < TOKENS; i++) {
        CSI_AUTO(csi_place) *place = csi_place_open_token(&env, tokens[i], &csi_limits_default, &err);
        certstore_report_free(place != NULL ? csi_place_recover(place, &err) : NULL);
    }
    for (int i = 0; i < FILES; i++) {
        const char *const paths[] = { w->files[i] };
        CSI_AUTO(csi_place) *place = csi_place_open(&env, paths, 1, false, &err);
        certstore_report_free(place != NULL ? csi_place_recover(place, &err) : NULL);
    }
    assert_string_equal(err.message, "");
}

/* ------------------------------------------------------------------------------------------------------------------- tests */

static struct world world;

static void skip_without_softhsm(void)
{
    if (!softhsm_there())
        skip();
}

static void two_tokens_and_three_files_change_together(void **state)
{
    (void)state;
    skip_without_softhsm();
    certstore_error err = { 0 };
    long calls = 0;
    reset(&world);
    assert_true(all(&world, false));
    certstore_status status = run(&world, &(struct p11shim){ 0 }, &calls, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(status, CERTSTORE_OK);
    assert_true(all(&world, true));
    assert_int_equal(litter(&world), 0);
}

static void killed_between_any_two_calls_all_is_old_or_all_is_new(void **state)
{
    (void)state;
    skip_without_softhsm();
    long points = 0;
    long forward = 0;
    for (int after = 0; after < 2; after++) {
        bool through = false;
        for (long at = 1; !through && at < CALLS_MAX; at++) {
            reset(&world);
            pid_t child = fork();
            if (child == 0) {
                certstore_error err = { 0 };
                long calls = 0;
                run(&world, &(struct p11shim){ .at = at, .kill = true, .done_first = after != 0 }, &calls, &err);
                _exit(err.status == CERTSTORE_OK ? 0 : 1);
            }
            int result = 0;
            assert_int_equal(waitpid(child, &result, 0), child);
            assert_true(WIFEXITED(result));
            through = WEXITSTATUS(result) == 0;
            assert_true(through || WEXITSTATUS(result) == 9);
            recover(&world);
            bool is_new = all(&world, true);
            assert_true(is_new || all(&world, false));
            assert_int_equal(litter(&world), 0);
            points += !through;
            forward += is_new && !through;
        }
        assert_true(through);
    }
    printf("# table killed at %ld points between PKCS#11 calls: %ld went back, %ld forward\n", points, points - forward, forward);
}

static void refuse_each_call(CK_RV rv, bool for_good, bool done_first, long *trials, long *doubtful)
{
    bool reached = true;
    for (long at = 1; reached && at < CALLS_MAX; at++) {
        long calls = 0;
        certstore_error err = { 0 };
        reset(&world);
        certstore_status status = run(&world, &(struct p11shim){ .at = at, .rv = rv, .for_good = for_good, .done_first = done_first }, &calls, &err);
        bool is_new = all(&world, true);
        if (status == CERTSTORE_OK)
            assert_true(is_new);
        else if (status != CERTSTORE_E_IN_DOUBT && !for_good && !done_first)
            assert_true(all(&world, false));
        reached = calls >= at;
        *doubtful += status == CERTSTORE_E_IN_DOUBT;
        (*trials)++;
        recover(&world);
        assert_true(all(&world, true) || all(&world, false));
        assert_int_equal(litter(&world), 0);
    }
}

static void refused_at_any_call_all_is_old_or_all_is_new(void **state)
{
    (void)state;
    skip_without_softhsm();
    long trials = 0;
    long doubtful = 0;
    refuse_each_call(CKR_DEVICE_MEMORY, false, false, &trials, &doubtful);
    refuse_each_call(CKR_DEVICE_REMOVED, true, false, &trials, &doubtful);
    refuse_each_call(CKR_DEVICE_ERROR, false, true, &trials, &doubtful);
    printf("# table refused at %ld calls (token full, removed, answer lost): %ld left to recovery\n", trials, doubtful);
}

static void a_reader_sees_nothing_of_what_is_only_staged(void **state)
{
    (void)state;
    skip_without_softhsm();
    certstore_error err = { 0 };
    reset(&world);
    CSI_AUTO(csi_p11) *token = softhsm_open(labels[0], false, SOFTHSM_PIN, &err);
    CSI_AUTO(csi_txn) *txn = csi_txn_begin(&world.env, &err);
    assert_int_equal(add_token(&world, txn, 0, token, &err), CERTSTORE_OK);
    assert_int_equal(csi_txn_prepare(txn, &err), CERTSTORE_OK);
    CSI_AUTO(csi_place) *place = csi_place_open_token(&world.env, token, &csi_limits_default, &err);
    CSI_AUTO(csi_parts) *parts = NULL;
    CSI_AUTO(csi_snapshot) *snapshot = NULL;
    assert_int_equal(csi_place_read(place, &csi_limits_default, &parts, &snapshot, &err), CERTSTORE_OK);
    assert_int_equal(parts->count, world.old[0].count);
    CSI_AUTO_OBJECTS raw = { 0 };
    assert_int_equal(csi_p11_read(token, &csi_limits_default, &raw, &err), CERTSTORE_OK);
    assert_true(raw.count > parts->count); /* the new ones are there for everybody else: a superset, never a gap */
}

static void an_empty_token_takes_its_first_objects(void **state)
{
    (void)state;
    skip_without_softhsm();
    certstore_error err = { 0 };
    reset(&world);
    CSI_AUTO(csi_p11) *token = softhsm_open(labels[0], false, SOFTHSM_PIN, &err);
    CSI_AUTO_OBJECTS there = { 0 };
    assert_int_equal(csi_p11_read(token, &csi_limits_default, &there, &err), CERTSTORE_OK);
    for (size_t i = 0; i < there.count; i++)
        assert_int_equal(csi_p11_destroy(token, csi_blob_span(there.items[i]), &err), CERTSTORE_OK);
    CSI_AUTO(csi_txn) *txn = csi_txn_begin(&world.env, &err);
    struct csi_objects all_new = world.new[0];
    CSI_AUTO(csi_place) *place = csi_place_open_token(&world.env, token, &csi_limits_default, &err);
    CSI_AUTO(csi_parts) *now = NULL;
    CSI_AUTO(csi_snapshot) *snapshot = NULL;
    CSI_AUTO(csi_parts) *wanted = csi_parts_new(&err);
    for (size_t i = 0; i < all_new.count; i++)
        csi_parts_add(wanted, "", all_new.items[i], &err);
    assert_int_equal(csi_place_read(place, &csi_limits_default, &now, &snapshot, &err), CERTSTORE_OK);
    assert_int_equal(csi_place_replace(txn, place, snapshot, wanted, true, CSI_KEYS_REFUSE, &err), CERTSTORE_OK);
    assert_int_equal(csi_txn_commit(txn, &err), CERTSTORE_OK);
    assert_true(holds(0, &all_new));
    assert_int_equal(litter(&world), 0);
}

static void a_key_is_never_destroyed_unasked(void **state)
{
    (void)state;
    skip_without_softhsm();
    certstore_error err = { 0 };
    reset(&world);
    CSI_AUTO(csi_p11) *token = softhsm_open(labels[0], false, SOFTHSM_PIN, &err);
    CSI_AUTO(csi_place) *place = csi_place_open_token(&world.env, token, &csi_limits_default, &err);
    CSI_AUTO(csi_txn) *txn = csi_txn_begin(&world.env, &err);
    CSI_AUTO(csi_parts) *now = NULL;
    CSI_AUTO(csi_snapshot) *snapshot = NULL;
    CSI_AUTO(csi_parts) *nothing = csi_parts_new(&err);
    assert_int_equal(csi_place_read(place, &csi_limits_default, &now, &snapshot, &err), CERTSTORE_OK);
    assert_int_equal(csi_place_replace(txn, place, snapshot, nothing, true, CSI_KEYS_REFUSE, &err), CERTSTORE_E_LOSSY);
    certstore_error_clear(&err);
    assert_int_equal(csi_place_replace(txn, place, snapshot, nothing, true, CSI_KEYS_DESTROY, &err), CERTSTORE_OK);
    assert_int_equal(csi_txn_commit(txn, &err), CERTSTORE_OK);
    CSI_AUTO_OBJECTS left = { 0 };
    assert_int_equal(csi_p11_read(token, &csi_limits_default, &left, &err), CERTSTORE_OK);
    assert_int_equal(left.count, 0);
}

static void an_earlier_generation_comes_back_with_its_certificate(void **state)
{
    (void)state;
    skip_without_softhsm();
    certstore_error err = { 0 };
    long calls = 0;
    reset(&world);
    assert_int_equal(run(&world, &(struct p11shim){ 0 }, &calls, &err), CERTSTORE_OK);
    CSI_AUTO(csi_p11) *token = softhsm_open(labels[0], true, SOFTHSM_PIN, &err);
    CSI_AUTO(csi_place) *place = csi_place_open_token(&world.env, token, &csi_limits_default, &err);
    CSI_AUTO(certstore_history) *history = csi_place_history(place, &err);
    assert_non_null(history);
    assert_int_equal(history->count, 2);
    assert_true(history->rows[0].kept);
    CSI_AUTO(csi_parts) *first = csi_place_generation_parts(place, 1, &err);
    CSI_AUTO(csi_parts) *now = NULL;
    CSI_AUTO(csi_snapshot) *snapshot = NULL;
    CSI_AUTO(csi_txn) *txn = csi_txn_begin(&world.env, &err);
    assert_non_null(first);
    assert_int_equal(csi_place_read(place, &csi_limits_default, &now, &snapshot, &err), CERTSTORE_OK);
    assert_int_equal(csi_place_replace(txn, place, snapshot, first, true, CSI_KEYS_KEEP, &err), CERTSTORE_OK);
    assert_int_equal(csi_txn_commit(txn, &err), CERTSTORE_OK);
    assert_true(holds(0, &world.old[0]));
}

static int begin_all(void **state)
{
    (void)state;
    if (softhsm_there())
        open_world(&world);
    return 0;
}

static int end_all(void **state)
{
    (void)state;
    if (softhsm_there())
        close_world(&world);
    return 0;
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
    return cmocka_run_group_tests(tests, begin_all, end_all);
}
