/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_library_fault.c: put, remove, change of passphrase and rollback over a PEM file, a PKCS#12 file and a JKS at once, with every system call and
 * every allocation failing in turn, once and from then on. Whatever fails: all three stores are as they were, or all three are new.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "api/options.h"
#include "base/text.h"
#include "model/cert.h"
#include "support/faulty_alloc.h"
#include "support/faulty_os.h"
#include "support/make.h"

#include <certstore_openssl.h>

enum { STORES = 3, ROUNDS_TOGETHER = 32 /* failed rounds leave the stores as they were: the next one may start there */ };
static const char *const files[STORES] = { "a.pem", "b.p12", "c.jks" };
static const char *const formats[STORES] = { "pem", "pkcs12", "jks" };

struct world {
    char *template; /* directory with the stores before */
    char *work;     /* directory the operation works in */
    struct make_chain chains[2];
    certstore_entry *sites[2]; /* the identity before, and the one that is put in its place */
    certstore_entry *root;
    struct faulty_os os;
    long alloc_at; /* which allocation fails; an even one, and all after it */
    bool alloc_hit;
    bool moved; /* the stores are new: start again */
};

static void run(const char *format, const char *a, const char *b)
{
    char command[1024];
    snprintf(command, sizeof command, format, a, b);
    assert_int_equal(system(command), 0);
}

static certstore_options *make_options(struct world *world, const char *password)
{
    char state[512];
    certstore_error err = { 0 };
    certstore_options *opts = certstore_options_new(&err);
    snprintf(state, sizeof state, "%s/state", world->work);
    certstore_options_set_state_dir(opts, state, &err);
    certstore_options_set_password(opts, (const uint8_t *)password, strlen(password), &err);
    certstore_options_set_lock_timeout(opts, 0, &err);
    assert_int_equal(err.status, CERTSTORE_OK);
    return opts;
}

typedef certstore_status (*change)(struct world *world, certstore_txn *txn, certstore *store, certstore_error *err);

static certstore_status change_put(struct world *world, certstore_txn *txn, certstore *store, certstore_error *err)
{
    certstore_bundle *bundle = certstore_read(store, err);
    certstore_bundle_put(bundle, world->sites[1], err);
    certstore_txn_replace(txn, store, bundle, err);
    certstore_bundle_free(bundle);
    return err->status;
}

static certstore_status change_remove(struct world *world, certstore_txn *txn, certstore *store, certstore_error *err)
{
    (void)world;
    certstore_bundle *bundle = certstore_read(store, err);
    const certstore_entry *last = certstore_bundle_at(bundle, certstore_bundle_count(bundle) - 1);
    certstore_bundle_remove(bundle, certstore_entry_alias(last), err);
    certstore_txn_replace(txn, store, bundle, err);
    certstore_bundle_free(bundle);
    return err->status;
}

static certstore_status change_password(struct world *world, certstore_txn *txn, certstore *store, certstore_error *err)
{
    (void)world;
    return certstore_txn_set_password(txn, store, (const uint8_t *)"next-one", 8, err);
}

static certstore_status change_rollback(struct world *world, certstore_txn *txn, certstore *store, certstore_error *err)
{
    (void)world;
    return certstore_txn_restore(txn, store, certstore_generation(store, err) - 1, err);
}

/* One whole operation, as a program would do it, with the faults that the world is set to. */
static certstore_status operate(struct world *world, change what, certstore_error *err)
{
    certstore_options *opts = make_options(world, "changeit");
    certstore *stores[STORES] = { 0 };
    opts->os = &world->os.table;
    faulty_alloc_reset(world->alloc_at, world->alloc_at % 2 == 0);
    certstore_txn *txn = certstore_txn_begin(err);
    for (int i = 0; i < STORES; i++) {
        char uri[512];
        snprintf(uri, sizeof uri, "%s:%s/%s", formats[i], world->work, files[i]);
        stores[i] = certstore_open(uri, opts, err);
        if (stores[i] != NULL)
            what(world, txn, stores[i], err);
    }
    certstore_status status = certstore_txn_commit(txn, err);
    certstore_txn_free(txn);
    for (int i = 0; i < STORES; i++)
        certstore_free(stores[i]);
    certstore_options_free(opts);
    world->alloc_hit = faulty_alloc_hit();
    faulty_alloc_reset(0, false);
    return status;
}

/* SHA-256 over what a store says: aliases, kinds, certificates, keys; mode and owner besides. "" when neither passphrase reads it. */
static void view(struct world *world, int which, const char *password, char text[65])
{
    char uri[512];
    struct stat st;
    certstore_error err = { 0 };
    CSI_AUTO(certstore_options) *opts = make_options(world, password);
    snprintf(uri, sizeof uri, "%s:%s/%s", formats[which], world->work, files[which]);
    certstore *store = certstore_open(uri, opts, &err);
    certstore_bundle *bundle = certstore_read(store, &err);
    CSI_AUTO_BUF all = { 0 };
    csi_buf_put_text(&all, password);
    for (size_t i = 0; bundle != NULL && i < certstore_bundle_count(bundle); i++) {
        const certstore_entry *entry = certstore_bundle_at(bundle, i);
        csi_buf_printf(&all, "|%s %d", certstore_entry_alias(entry), (int)certstore_entry_kind(entry));
        for (size_t j = 0; j < certstore_entry_cert_count(entry); j++) {
            const certstore_cert *cert = certstore_entry_cert(entry, j);
            csi_buf_put(&all, certstore_cert_data(cert), certstore_cert_size(cert));
        }
        if (certstore_entry_kind(entry) == CERTSTORE_KEY) {
            certstore_bytes *key = certstore_entry_export_key(entry, &err);
            csi_buf_put(&all, certstore_bytes_data(key), certstore_bytes_size(key));
            certstore_bytes_free(key);
        }
    }
    assert_int_equal(stat(strchr(uri, ':') + 1, &st), 0);
    csi_buf_printf(&all, "|%o %u", (unsigned)st.st_mode, (unsigned)st.st_uid);
    uint8_t digest[32];
    csi_sha256(csi_buf_span(&all), digest);
    csi_hex(digest, sizeof digest, text);
    if (err.status != CERTSTORE_OK)
        text[0] = '\0';
    certstore_bundle_free(bundle);
    certstore_free(store);
}

/* The same bytes and mode as the template's: nothing needs decrypting to see that. */
static bool untouched(const struct world *world, int which)
{
    struct stat then;
    struct stat now;
    char path[512];
    char *was = test_read(world->template, files[which]);
    char *is = test_read(world->work, files[which]);
    snprintf(path, sizeof path, "%s/%s", world->template, files[which]);
    assert_int_equal(stat(path, &then), 0);
    snprintf(path, sizeof path, "%s/%s", world->work, files[which]);
    assert_int_equal(stat(path, &now), 0);
    bool same = was != NULL && is != NULL && then.st_size == now.st_size && then.st_mode == now.st_mode && then.st_uid == now.st_uid &&
                memcmp(was, is, (size_t)now.st_size) == 0;
    free(was);
    free(is);
    return same;
}

static void view_any(struct world *world, int which, char text[65])
{
    view(world, which, "changeit", text);
    if (text[0] == '\0')
        view(world, which, "next-one", text);
}

static void start_again(struct world *world)
{
    char command[1100];
    snprintf(command, sizeof command, "rm -rf '%s' && cp -a '%s' '%s'", world->work, world->template, world->work);
    assert_int_equal(system(command), 0);
    world->moved = false;
}

static void recover_stores(struct world *world)
{
    CSI_AUTO(certstore_options) *opts = make_options(world, "changeit");
    for (int i = 0; i < STORES; i++) {
        char uri[512];
        certstore_error err = { 0 };
        snprintf(uri, sizeof uri, "%s:%s/%s", formats[i], world->work, files[i]);
        certstore *store = certstore_open(uri, opts, &err);
        certstore_report_free(certstore_recover_store(store, &err));
        certstore_free(store);
        if (err.status != CERTSTORE_OK)
            fail_msg("%s", err.message);
    }
}

static void judge(struct world *world, certstore_status status, char before[STORES][65], char after[STORES][65], const char *what, long n)
{
    int old = 0;
    int fresh = 0;
    world->moved = true;
    if (status == CERTSTORE_E_IN_DOUBT) {
        CSI_AUTO(certstore_options) *opts = make_options(world, "changeit");
        certstore_error err = { 0 };
        certstore_report *report = certstore_recover(opts, &err);
        assert_non_null(report);
        for (size_t i = 0; i < certstore_report_count(report); i++)
            if (certstore_report_severity(report, i) == CERTSTORE_FAULT)
                fail_msg("%s, fault %ld (%s): %s: %s", what, n, world->os.hit, certstore_report_code(report, i), certstore_report_message(report, i));
        certstore_report_free(report);
    }
    for (int i = 0; i < STORES; i++) {
        char now[65];
        if (untouched(world, i)) {
            old++;
            continue;
        }
        view_any(world, i, now);
        old += strcmp(now, before[i]) == 0;
        fresh += strcmp(now, after[i]) == 0;
    }
    bool right = status == CERTSTORE_OK ? fresh == STORES : status == CERTSTORE_E_IN_DOUBT ? old == STORES || fresh == STORES : old == STORES;
    if (!right)
        fail_msg("%s, fault %ld (%s): status %s, %d old and %d new of %d", what, n, world->os.hit, certstore_status_name(status), old, fresh, STORES);
    world->moved = old != STORES;
    /* Where the call that failed was the one that cleans up, something stays behind, and recovery takes it away. */
    if (test_names(world->work) != STORES + 1)
        recover_stores(world);
    int names = test_names(world->work);
    if (names != STORES + 1)
        fail_msg("%s, fault %ld (%s): status %s, %d names beside the stores", what, n, world->os.hit, certstore_status_name(status),
                 names - STORES - 1);
}

static void clean_run(struct world *world, change what, char before[STORES][65], char after[STORES][65])
{
    certstore_error err = { 0 };
    start_again(world);
    for (int i = 0; i < STORES; i++)
        view_any(world, i, before[i]);
    faulty_os_reset(&world->os);
    assert_int_equal(operate(world, what, &err), CERTSTORE_OK);
    for (int i = 0; i < STORES; i++) {
        view_any(world, i, after[i]);
        assert_string_not_equal(before[i], after[i]);
        assert_string_not_equal(after[i], "");
    }
}

static void calls_fail(struct world *world, change what, const char *name)
{
    static const struct {
        int number;
        bool for_good;
    } ways[] = { { ENOSPC, false }, { EIO, true } };
    char before[STORES][65];
    char after[STORES][65];
    long tried = 0;
    clean_run(world, what, before, after);
    world->moved = true;
    long calls = world->os.calls;
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
        for (long n = 1; n <= calls; n++) {
            certstore_error err = { 0 };
            if (world->moved || n % ROUNDS_TOGETHER == 0)
                start_again(world);
            faulty_os_reset(&world->os);
            world->os.fail_at = n;
            world->os.number = ways[way].number;
            world->os.for_good = ways[way].for_good;
            certstore_status status = operate(world, what, &err);
            judge(world, status, before, after, name, n);
            tried++;
        }
    }
    printf("# table %-10s %4ld system calls, %5ld faults: all old or all new\n", name, calls, tried);
}

static void allocations_fail(struct world *world, change what, const char *name)
{
    char before[STORES][65];
    char after[STORES][65];
    clean_run(world, what, before, after);
    world->moved = true;
    faulty_os_reset(&world->os);
    long n = 0;
    for (bool hit = true; hit;) {
        certstore_error err = { 0 };
        world->alloc_at = ++n;
        if (world->moved || n % ROUNDS_TOGETHER == 0)
            start_again(world);
        certstore_status status = operate(world, what, &err);
        hit = world->alloc_hit;
        world->alloc_at = 0;
        judge(world, status, before, after, name, n);
        assert_true(n < 100000);
    }
    printf("# table %-10s %4ld allocations failed: all old or all new\n", name, n - 1);
}

/* A transaction that puts one entry into every store, so that all of them have generations to go back to. */
static void fill(struct world *world, const certstore_entry *entry)
{
    certstore_error err = { 0 };
    CSI_AUTO(certstore_options) *opts = make_options(world, "changeit");
    certstore_txn *txn = certstore_txn_begin(&err);
    certstore *stores[STORES];
    for (int i = 0; i < STORES; i++) {
        char uri[512];
        snprintf(uri, sizeof uri, "%s:%s/%s", formats[i], world->work, files[i]);
        stores[i] = certstore_open(uri, opts, &err);
        certstore_bundle *bundle = certstore_read(stores[i], &err);
        certstore_bundle_put(bundle, entry, &err);
        certstore_txn_replace(txn, stores[i], bundle, &err);
        certstore_bundle_free(bundle);
    }
    certstore_txn_commit(txn, &err);
    if (err.status != CERTSTORE_OK)
        fail_msg("%s", err.message);
    certstore_txn_free(txn);
    for (int i = 0; i < STORES; i++)
        certstore_free(stores[i]);
}

/* The stores whose keys are derived from passphrases, with one iteration each, which what replaces them keeps: thousands of rounds take seconds. */
static void write_cheap_stores(const struct world *world, X509 *leaf)
{
    char path[512];
    EVP_PKEY *key = world->chains[0].key;
    snprintf(path, sizeof path, "%s/%s", world->work, files[1]);
    FILE *out = fopen(path, "wb");
    PKCS12 *p12 = PKCS12_create("changeit", "site", key, leaf, NULL, 0, 0, 1, 1, 0);
    assert_int_equal(i2d_PKCS12_fp(out, p12), 1);
    fclose(out);
    PKCS12_free(p12);

    snprintf(path, sizeof path, "%s/%s", world->work, files[0]);
    out = fopen(path, "w");
    PKCS8_PRIV_KEY_INFO *plain = EVP_PKEY2PKCS8(key);
    X509_SIG *sealed = PKCS8_encrypt(-1, EVP_aes_256_cbc(), "changeit", 8, NULL, 0, 1, plain);
    fputs("    friendlyName: site\n", out);
    assert_int_equal(PEM_write_PKCS8(out, sealed), 1);
    fputs("    friendlyName: site\n", out);
    assert_int_equal(PEM_write_X509(out, leaf), 1);
    fclose(out);
    X509_SIG_free(sealed);
    PKCS8_PRIV_KEY_INFO_free(plain);
}

static void make_template(struct world *world)
{
    certstore_error err = { 0 };
    world->chains[0] = make_chain("before", "EC:P-256", 1);
    world->chains[1] = make_chain("after", "EC:P-256", 2);
    for (int i = 0; i < 2; i++)
        world->sites[i] = make_identity("site", &world->chains[i]);
    world->root = make_trusted("root", world->chains[1].root);
    X509 *leaf = certstore_cert_x509(certstore_entry_cert(world->sites[0], 0), &err);
    write_cheap_stores(world, leaf);
    X509_free(leaf);
    for (int round = 0; round < 2; round++)
        fill(world, round == 0 ? world->sites[0] : world->root);
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    faulty_os_init(&world->os);
    world->work = test_dir_new();
    world->template = malloc(strlen(world->work) + 16);
    sprintf(world->template, "%s.template", world->work);
    make_template(world);
    run("cp -a '%s' '%s'", world->work, world->template);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 2; i++) {
        make_chain_free(&world->chains[i]);
        certstore_entry_free(world->sites[i]);
    }
    certstore_entry_free(world->root);
    test_dir_remove(world->work);
    run("rm -rf '%s' '%s'", world->template, world->template);
    free(world->template);
    free(world);
    return 0;
}

static void put_is_all_or_nothing_when_a_system_call_fails(void **state)
{
    calls_fail(*state, change_put, "put");
}

static void remove_is_all_or_nothing_when_a_system_call_fails(void **state)
{
    calls_fail(*state, change_remove, "remove");
}

static void a_new_passphrase_is_all_or_nothing_when_a_system_call_fails(void **state)
{
    calls_fail(*state, change_password, "passwd");
}

static void rollback_is_all_or_nothing_when_a_system_call_fails(void **state)
{
    calls_fail(*state, change_rollback, "rollback");
}

static void put_is_all_or_nothing_when_an_allocation_fails(void **state)
{
    allocations_fail(*state, change_put, "put");
}

static void remove_is_all_or_nothing_when_an_allocation_fails(void **state)
{
    allocations_fail(*state, change_remove, "remove");
}

static void a_new_passphrase_is_all_or_nothing_when_an_allocation_fails(void **state)
{
    allocations_fail(*state, change_password, "passwd");
}

static void rollback_is_all_or_nothing_when_an_allocation_fails(void **state)
{
    allocations_fail(*state, change_rollback, "rollback");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_is_all_or_nothing_when_a_system_call_fails),
        cmocka_unit_test(remove_is_all_or_nothing_when_a_system_call_fails),
        cmocka_unit_test(a_new_passphrase_is_all_or_nothing_when_a_system_call_fails),
        cmocka_unit_test(rollback_is_all_or_nothing_when_a_system_call_fails),
        cmocka_unit_test(put_is_all_or_nothing_when_an_allocation_fails),
        cmocka_unit_test(remove_is_all_or_nothing_when_an_allocation_fails),
        cmocka_unit_test(a_new_passphrase_is_all_or_nothing_when_an_allocation_fails),
        cmocka_unit_test(rollback_is_all_or_nothing_when_an_allocation_fails),
    };
    return cmocka_run_group_tests_name("library faults", tests, set_up, tear_down);
}
