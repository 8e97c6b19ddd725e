/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_queue.c: OpenSSL's error queue is the caller's: no public function leaves anything on it or takes anything away, whatever OpenSSL has said to
 * what was read; and what needs no OpenSSL does not make it load its messages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "api/store.h"
#include "model/entry.h"
#include "support/faulty_os.h"
#include "support/make.h"

static const char *const formats[] = { "pem", "pkcs12", "jks", "jceks" };
enum { FORMATS = sizeof formats / sizeof *formats };

struct room {
    char *dir;
    struct make_chain chain;
    certstore_entry *site;
    certstore_entry *root;
};

static int set_up(void **state)
{
    struct room *room = calloc(1, sizeof *room);
    room->dir = test_dir_new();
    room->chain = make_chain("site", "EC:P-256", 0);
    room->site = make_identity("site", &room->chain);
    room->root = make_trusted("root", room->chain.root);
    *state = room;
    return 0;
}

static int tear_down(void **state)
{
    struct room *room = *state;
    make_chain_free(&room->chain);
    certstore_entry_free(room->site);
    certstore_entry_free(room->root);
    test_dir_remove(room->dir);
    free(room);
    return 0;
}

/* What every step must leave: an error of the caller's alone, or nothing. */
static void start_with(bool error)
{
    ERR_clear_error();
    if (error)
        ERR_raise(ERR_LIB_USER, 7);
}

static void assert_left(bool error)
{
    const unsigned long first = ERR_get_error();
    assert_int_equal(ERR_peek_error(), 0);
    assert_int_equal(ERR_GET_REASON(first), error ? 7 : 0);
    start_with(error);
}

static certstore_options *options_new(const struct room *room, const char *password)
{
    char path[512];
    certstore_options *opts = certstore_options_new(NULL);
    snprintf(path, sizeof path, "%s/state", room->dir);
    assert_int_equal(certstore_options_set_state_dir(opts, path, NULL), CERTSTORE_OK);
    if (password != NULL)
        assert_int_equal(certstore_options_set_password(opts, (const uint8_t *)password, strlen(password), NULL), CERTSTORE_OK);
    return opts;
}

/* Reads the store, with its keys. The status of the first that fails. */
static certstore_status read_all(const struct room *room, const char *format, const char *name, const char *password, bool error)
{
    char uri[512];
    certstore_error err = { 0 };
    snprintf(uri, sizeof uri, "%s:%s/%s", format, room->dir, name);
    start_with(error);
    certstore_options *opts = options_new(room, password);
    certstore *store = certstore_open(uri, opts, &err);
    assert_left(error);
    certstore_bundle *bundle = certstore_read(store, &err);
    assert_left(error);
    for (size_t i = 0; bundle != NULL && i < certstore_bundle_count(bundle); i++) {
        const certstore_entry *entry = certstore_bundle_at(bundle, i);
        if (entry->kind == CERTSTORE_KEY)
            certstore_bytes_free(certstore_entry_export_key(entry, &err));
        assert_left(error);
    }
    certstore_bundle_free(bundle);
    certstore_free(store);
    certstore_options_free(opts);
    assert_left(error);
    return err.status;
}

static certstore_status put(const struct room *room, const char *format, const char *name, const certstore_entry *entry, bool error)
{
    char uri[512];
    certstore_error err = { 0 };
    snprintf(uri, sizeof uri, "%s:%s/%s", format, room->dir, name);
    start_with(error);
    certstore_options *opts = options_new(room, "changeit");
    certstore *store = certstore_open(uri, opts, &err);
    certstore_bundle *bundle = certstore_read(store, &err);
    certstore_txn *txn = certstore_txn_begin(&err);
    certstore_bundle_put(bundle, entry, &err);
    certstore_txn_replace(txn, store, bundle, &err);
    assert_left(error);
    certstore_txn_commit(txn, &err);
    assert_left(error);
    certstore_txn_free(txn);
    certstore_bundle_free(bundle);
    certstore_free(store);
    certstore_options_free(opts);
    assert_left(error);
    return err.status;
}

static void each_format_is_written_and_read(void **state)
{
    const struct room *room = *state;
    for (int error = 0; error < 2; error++) {
        for (size_t i = 0; i < FORMATS; i++) {
            assert_int_equal(put(room, formats[i], formats[i], room->root, error), CERTSTORE_OK);
            assert_int_equal(put(room, formats[i], formats[i], room->site, error), CERTSTORE_OK);
            assert_int_equal(read_all(room, formats[i], formats[i], "changeit", error), CERTSTORE_OK);
        }
    }
}

static void a_wrong_passphrase_is_told(void **state)
{
    const struct room *room = *state;
    for (int error = 0; error < 2; error++)
        for (size_t i = 1; i < FORMATS; i++) /* ours is in the clear in PEM */
            assert_int_equal(read_all(room, formats[i], formats[i], "changed", error), CERTSTORE_E_PASSWORD);
}

static BIO *create(const struct room *room, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", room->dir, name);
    BIO *file = BIO_new_file(path, "wb");
    assert_non_null(file);
    return file;
}

static void what_openssl_encrypted_in_pem_is_opened_or_not(void **state)
{
    const struct room *room = *state;
    char password[] = "changeit";
    BIO *legacy = create(room, "legacy.pem"), *pkcs8 = create(room, "pkcs8.pem");
    assert_int_equal(PEM_write_bio_PrivateKey_traditional(legacy, room->chain.key, EVP_aes_128_cbc(), NULL, 0, NULL, password), 1);
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(pkcs8, room->chain.key, EVP_aes_256_cbc(), NULL, 0, NULL, password), 1);
    BIO_free(legacy);
    BIO_free(pkcs8);
    for (int error = 0; error < 2; error++) {
        assert_int_equal(read_all(room, "pem", "legacy.pem", password, error), CERTSTORE_OK);
        assert_int_equal(read_all(room, "pem", "pkcs8.pem", password, error), CERTSTORE_OK);
        assert_int_equal(read_all(room, "pem", "legacy.pem", "changed", error), CERTSTORE_E_PASSWORD);
        assert_int_equal(read_all(room, "pem", "pkcs8.pem", "changed", error), CERTSTORE_E_PASSWORD);
    }
}

static void a_cipher_that_nobody_knows_is_named(void **state)
{
    const struct room *room = *state;
    test_write(room->dir, "unknown.pem",
               "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: NO-SUCH-CIPHER,0011223344556677\n\nZm9vYmFy\n"
               "-----END RSA PRIVATE KEY-----\n");
    for (int error = 0; error < 2; error++)
        assert_int_equal(read_all(room, "pem", "unknown.pem", "changeit", error), CERTSTORE_E_UNSUPPORTED);
}

/* ------------------------------------------------------------------------------------------------------- without OpenSSL's help */

static bool has_messages(void)
{
    return ERR_lib_error_string(ERR_PACK(ERR_LIB_X509, 0, 0)) != NULL;
}

/* A program of its own: 0 when it read the store and OpenSSL has not loaded its messages, as the first look at the queue then makes it. */
static int read_plainly(const char *uri)
{
    certstore_error err = { 0 };
    certstore_options *opts = certstore_options_new(&err);
    certstore_options_set_password(opts, (const uint8_t *)"changeit", 8, &err);
    certstore *store = certstore_open(uri, opts, &err);
    certstore_bundle *bundle = certstore_read(store, &err);
    const int read = err.status == CERTSTORE_OK && certstore_bundle_count(bundle) == 1;
    const bool before = has_messages();
    ERR_peek_error();
    const bool after = has_messages();
    certstore_bundle_free(bundle);
    certstore_free(store);
    certstore_options_free(opts);
    return read && !before && after ? 0 : 1;
}

static void reading_what_needs_no_openssl_loads_none_of_its_messages(void **state)
{
    const struct room *room = *state;
    static const char *const plain[] = { "pem", "jks", "jceks" };
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        char uri[512];
        int status = -1;
        assert_int_equal(put(room, plain[i], "plain", room->root, false), CERTSTORE_OK);
        snprintf(uri, sizeof uri, "%s:%s/plain", plain[i], room->dir);
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            execl("/proc/self/exe", "read", uri, (char *)NULL);
            _exit(127);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        snprintf(uri, sizeof uri, "%s/plain", room->dir);
        assert_int_equal(unlink(uri), 0);
    }
}

int main(int argc, char **argv)
{
    if (argc == 2)
        return read_plainly(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_format_is_written_and_read),
        cmocka_unit_test(a_wrong_passphrase_is_told),
        cmocka_unit_test(what_openssl_encrypted_in_pem_is_opened_or_not),
        cmocka_unit_test(a_cipher_that_nobody_knows_is_named),
        cmocka_unit_test(reading_what_needs_no_openssl_loads_none_of_its_messages),
    };
    return cmocka_run_group_tests_name("queue", tests, set_up, tear_down);
}
