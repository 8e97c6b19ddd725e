/* SPDX-License-Identifier: Apache-2.0 */
/* test_store.c: stores and transactions through the public functions, as a program sees them. */
#include <fcntl.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/store.h"
#include "model/entry.h"
#include "support/faulty_os.h"
#include "support/make.h"

struct room {
    char *dir;
    certstore_options *opts;
    struct make_chain chains[2];
    certstore_entry *sites[2];
    certstore_entry *root;
};

static int set_up(void **state)
{
    struct room *room = calloc(1, sizeof *room);
    char path[512];
    room->dir = test_dir_new();
    room->opts = certstore_options_new(NULL);
    snprintf(path, sizeof path, "%s/state", room->dir);
    assert_int_equal(certstore_options_set_state_dir(room->opts, path, NULL), CERTSTORE_OK);
    assert_int_equal(certstore_options_set_password(room->opts, (const uint8_t *)"changeit", 8, NULL), CERTSTORE_OK);
    assert_int_equal(certstore_options_set_lock_timeout(room->opts, 50, NULL), CERTSTORE_OK);
    for (int i = 0; i < 2; i++) {
        room->chains[i] = make_chain(i == 0 ? "old" : "new", "EC:P-256", i);
        room->sites[i] = make_identity("site", &room->chains[i]);
    }
    room->root = make_trusted("root", room->chains[0].root);
    *state = room;
    return 0;
}

static int tear_down(void **state)
{
    struct room *room = *state;
    for (int i = 0; i < 2; i++) {
        make_chain_free(&room->chains[i]);
        certstore_entry_free(room->sites[i]);
    }
    certstore_entry_free(room->root);
    certstore_options_free(room->opts);
    test_dir_remove(room->dir);
    free(room);
    return 0;
}

static certstore *open_in(struct room *room, const char *format, const char *name, certstore_error *err)
{
    char uri[512];
    snprintf(uri, sizeof uri, "%s%s%s/%s", format, format[0] != '\0' ? ":" : "", room->dir, name);
    return certstore_open(uri, room->opts, err);
}

/* One entry put into one store, in a transaction of its own. */
static certstore_status put(certstore *store, const certstore_entry *entry, certstore_error *err)
{
    certstore_bundle *bundle = certstore_read(store, err);
    certstore_txn *txn = certstore_txn_begin(err);
    certstore_bundle_put(bundle, entry, err);
    certstore_txn_replace(txn, store, bundle, err);
    certstore_status status = certstore_txn_commit(txn, err);
    certstore_txn_free(txn);
    certstore_bundle_free(bundle);
    return status;
}

static certstore *store_with(struct room *room, const char *format, const char *name, const certstore_entry *entry)
{
    certstore_error err = { 0 };
    certstore *store = open_in(room, format, name, &err);
    put(store, entry, &err);
    if (err.status != CERTSTORE_OK)
        fail_msg("%s", err.message);
    return store;
}

static void make_old(const struct room *room, const char *name)
{
    const struct timespec times[2] = { { .tv_sec = MAKE_NOW }, { .tv_sec = MAKE_NOW } };
    char path[512];
    snprintf(path, sizeof path, "%s/%s", room->dir, name);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void each_format_takes_an_identity_and_gives_it_back(void **state)
{
    struct room *room = *state;
    static const char *const formats[] = { "pem", "pkcs12", "jks", "jceks" };
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        certstore_error err = { 0 };
        certstore *store = store_with(room, formats[i], formats[i], room->sites[0]);
        certstore_bundle *bundle = certstore_read(store, &err);
        assert_non_null(bundle);
        assert_int_equal(certstore_bundle_count(bundle), 1);
        const certstore_entry *entry = certstore_bundle_at(bundle, 0);
        assert_int_equal(certstore_entry_kind(entry), CERTSTORE_KEY);
        assert_int_equal(certstore_entry_cert_count(entry), 3);
        assert_int_equal(certstore_entry_check_key(entry, &err), CERTSTORE_OK);
        certstore_bytes *key = certstore_entry_export_key(entry, &err);
        certstore_bytes *wanted = certstore_entry_export_key(room->sites[0], &err);
        assert_int_equal(certstore_bytes_size(key), certstore_bytes_size(wanted));
        assert_memory_equal(certstore_bytes_data(key), certstore_bytes_data(wanted), certstore_bytes_size(wanted));
        certstore_bytes_free(key);
        certstore_bytes_free(wanted);
        certstore_bundle_free(bundle);
        certstore_free(store);
        assert_int_equal(err.status, CERTSTORE_OK);
    }
}

static void a_bare_path_is_recognised_by_content_and_not_by_name(void **state)
{
    struct room *room = *state;
    certstore_error err = { 0 };
    certstore_free(store_with(room, "jks", "misnamed.p12", room->root));
    certstore *store = open_in(room, "", "misnamed.p12", &err);
    assert_string_equal(certstore_format(store), "jks");
    certstore_free(store);
    store = open_in(room, "", "new.pfx", &err);
    assert_string_equal(certstore_format(store), "pkcs12");
    assert_false(certstore_exists(store));
    certstore_free(store);
    assert_null(open_in(room, "", "new.unknown", &err));
    assert_int_equal(err.status, CERTSTORE_E_NOT_FOUND);
}

static void a_wrong_format_in_the_uri_is_told_what_the_content_is(void **state)
{
    struct room *room = *state;
    certstore_error err = { 0 };
    certstore_free(store_with(room, "pkcs12", "a", room->sites[0]));
    certstore *store = open_in(room, "jks", "a", &err);
    assert_null(certstore_read(store, &err));
    assert_int_equal(err.status, CERTSTORE_E_MALFORMED);
    assert_non_null(strstr(certstore_error_message(&err), "pkcs12"));
    assert_string_equal(certstore_error_subject(&err), certstore_uri(store));
    certstore_free(store);
}

static void a_store_changed_by_somebody_else_is_a_conflict_and_is_not_overwritten(void **state)
{
    struct room *room = *state;
    certstore_error err = { 0 };
    certstore *store = store_with(room, "pem", "a.pem", room->root);
    make_old(room, "a.pem"); /* within the clock's grain of a change a stat cannot be sure */
    certstore_bundle *bundle = certstore_read(store, &err);
    assert_false(certstore_changed(store, bundle));
    test_write(room->dir, "a.pem", "somebody else's text\n");
    assert_true(certstore_changed(store, bundle));
    certstore_txn *txn = certstore_txn_begin(&err);
    certstore_bundle_put(bundle, room->sites[0], &err);
    certstore_txn_replace(txn, store, bundle, &err);
    assert_int_equal(certstore_txn_commit(txn, &err), CERTSTORE_E_CONFLICT);
    char *text = test_read(room->dir, "a.pem");
    assert_string_equal(text, "somebody else's text\n");
    free(text);
    certstore_txn_free(txn);
    certstore_bundle_free(bundle);
    certstore_free(store);
}

static void a_bundle_from_elsewhere_never_overwrites_a_store_unseen(void **state)
{
    struct room *room = *state;
    certstore_error err = { 0 };
    certstore *from = store_with(room, "pem", "from.pem", room->root);
    certstore *to = store_with(room, "jks", "to.jks", room->sites[0]);
    certstore_bundle *bundle = certstore_read(from, &err);
    certstore_txn *txn = certstore_txn_begin(&err);
    certstore_txn_replace(txn, to, bundle, &err);
    assert_int_equal(certstore_txn_commit(txn, &err), CERTSTORE_E_EXISTS);
    certstore_txn_free(txn);
    certstore_bundle_free(bundle);
    certstore_free(from);
    certstore_free(to);
}

static void an_equal_entry_changes_nothing_and_writes_nothing(void **state)
{
    struct room *room = *state;
    struct stat before;
    struct stat after;
    char path[512];
    static const char *const formats[] = { "pem", "pkcs12", "jks" };
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        certstore_error err = { 0 };
        certstore *store = store_with(room, formats[i], formats[i], room->root);
        snprintf(path, sizeof path, "%s/%s", room->dir, formats[i]);
        assert_int_equal(stat(path, &before), 0);
        certstore_bundle *bundle = certstore_read(store, &err);
        certstore_txn *txn = certstore_txn_begin(&err);
        certstore_bundle_put(bundle, certstore_bundle_at(bundle, 0), &err);
        certstore_txn_replace(txn, store, bundle, &err);
        assert_int_equal(certstore_txn_commit(txn, &err), CERTSTORE_OK);
        assert_int_equal(certstore_txn_changed(txn), 0);
        assert_int_equal(stat(path, &after), 0);
        assert_true(before.st_ino == after.st_ino && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
        certstore_txn_free(txn);
        certstore_bundle_free(bundle);
        certstore_free(store);
    }
}

/* Whatever others make of the store afterwards. */
static void a_commit_says_which_generation_it_made(void **state)
{
    struct room *room = *state;
    certstore_error err = { 0 };
    certstore *store = store_with(room, "jks", "numbered", room->root);
    certstore_bundle *bundle = certstore_read(store, &err);
    certstore_txn *txn = certstore_txn_begin(&err);
    certstore_bundle_put(bundle, room->sites[0], &err);
    certstore_txn_replace(txn, store, bundle, &err);
    assert_int_equal(certstore_txn_generation(txn, store), 0);
    assert_int_equal(certstore_txn_prepare(txn, &err), CERTSTORE_OK);
    assert_int_equal(certstore_txn_generation(txn, store), 0);
    assert_int_equal(certstore_txn_commit(txn, &err), CERTSTORE_OK);
    assert_int_equal(certstore_txn_generation(txn, store), 2);
    certstore *other = store_with(room, "jks", "numbered", room->sites[1]);
    certstore *elsewhere = store_with(room, "jks", "elsewhere", room->root);
    assert_int_equal(certstore_generation(store, &err), 3);
    assert_int_equal(certstore_txn_generation(txn, store), 2);
    assert_int_equal(certstore_txn_generation(txn, other), 2);
    assert_int_equal(certstore_txn_generation(txn, elsewhere), 0);
    assert_int_equal(certstore_txn_generation(txn, NULL), 0);
    assert_int_equal(certstore_txn_generation(NULL, store), 0);
    certstore_txn *idle = certstore_txn_begin(&err);
    assert_int_equal(certstore_txn_generation(idle, store), 0);
    certstore_txn_free(idle);
    certstore_txn_free(txn);
    certstore_bundle_free(bundle);
    certstore_free(elsewhere);
    certstore_free(other);
    certstore_free(store);
}

static void a_new_passphrase_is_the_only_one_that_opens_the_store(void **state)
{
    struct room *room = *state;
    static const char *const formats[] = { "pkcs12", "jks", "jceks" };
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        certstore_error err = { 0 };
        certstore *store = store_with(room, formats[i], formats[i], room->sites[0]);
        certstore_txn *txn = certstore_txn_begin(&err);
        certstore_txn_set_password(txn, store, (const uint8_t *)"next", 4, &err);
        assert_int_equal(certstore_txn_commit(txn, &err), CERTSTORE_OK);
        certstore_bundle *bundle = certstore_read(store, &err); /* the handle knows the new one */
        assert_non_null(bundle);
        assert_int_equal(certstore_entry_check_key(certstore_bundle_at(bundle, 0), &err), CERTSTORE_OK);
        certstore *again = open_in(room, formats[i], formats[i], &err);
        assert_null(certstore_read(again, &err));
        assert_int_equal(err.status, CERTSTORE_E_PASSWORD);
        certstore_free(again);
        certstore_bundle_free(bundle);
        certstore_txn_free(txn);
        certstore_free(store);
    }
}

static void an_earlier_generation_comes_back_byte_for_byte(void **state)
{
    struct room *room = *state;
    certstore_error err = { 0 };
    certstore *store = store_with(room, "pem", "a.pem", room->sites[0]);
    char *first = test_read(room->dir, "a.pem");
    assert_int_equal(put(store, room->sites[1], &err), CERTSTORE_OK);
    certstore_history *history = certstore_history_read(store, &err);
    size_t count = certstore_history_count(history);
    assert_true(count >= 2);
    int64_t earlier = certstore_history_generation(history, count - 2);
    assert_int_equal(certstore_history_generation(history, count - 1), certstore_generation(store, &err));
    assert_true(certstore_history_kept(history, count - 2));
    certstore_bundle *old = certstore_generation_read(store, earlier, &err);
    assert_int_equal(certstore_bundle_count(old), 1);
    certstore_txn *txn = certstore_txn_begin(&err);
    certstore_txn_restore(txn, store, earlier, &err);
    assert_int_equal(certstore_txn_commit(txn, &err), CERTSTORE_OK);
    char *now = test_read(room->dir, "a.pem");
    assert_string_equal(now, first);
    free(now);
    free(first);
    certstore_bundle_free(old);
    certstore_history_free(history);
    certstore_txn_free(txn);
    certstore_free(store);
}

static void a_transaction_that_is_freed_uncommitted_is_rolled_back(void **state)
{
    struct room *room = *state;
    certstore_error err = { 0 };
    certstore *store = store_with(room, "pem", "a.pem", room->root);
    char *before = test_read(room->dir, "a.pem");
    certstore_bundle *bundle = certstore_read(store, &err);
    certstore_txn *txn = certstore_txn_begin(&err);
    certstore_bundle_put(bundle, room->sites[0], &err);
    certstore_txn_replace(txn, store, bundle, &err);
    assert_int_equal(certstore_txn_prepare(txn, &err), CERTSTORE_OK);
    certstore_txn_free(txn);
    char *after = test_read(room->dir, "a.pem");
    assert_string_equal(after, before);
    assert_int_equal(test_names(room->dir), 2); /* the store and the state directory */
    free(after);
    free(before);
    certstore_bundle_free(bundle);
    certstore_free(store);
}

static void a_store_held_by_another_transaction_is_locked(void **state)
{
    struct room *room = *state;
    certstore_error err = { 0 };
    certstore *store = store_with(room, "pem", "a.pem", room->root);
    certstore *second = open_in(room, "pem", "a.pem", &err);
    certstore_bundle *bundle = certstore_read(store, &err);
    certstore_bundle *other = certstore_read(second, &err);
    certstore_bundle_put(bundle, room->sites[0], &err);
    certstore_bundle_put(other, room->sites[1], &err);
    certstore_txn *txn = certstore_txn_begin(&err);
    certstore_txn_replace(txn, store, bundle, &err);
    assert_int_equal(certstore_txn_prepare(txn, &err), CERTSTORE_OK);
    certstore_txn *late = certstore_txn_begin(&err);
    certstore_txn_replace(late, second, other, &err);
    assert_int_equal(certstore_txn_commit(late, &err), CERTSTORE_E_LOCKED);
    certstore_error_clear(&err);
    assert_int_equal(certstore_txn_commit(txn, &err), CERTSTORE_OK);
    certstore_txn_free(late);
    certstore_txn_free(txn);
    certstore_bundle_free(bundle);
    certstore_bundle_free(other);
    certstore_free(store);
    certstore_free(second);
}

static void certificate_and_key_in_two_files_are_one_store(void **state)
{
    struct room *room = *state;
    certstore_error err = { 0 };
    char name[512];
    snprintf(name, sizeof name, "full.pem?key=%s/key.pem", room->dir);
    certstore *store = store_with(room, "pem", name, room->sites[0]);
    char *certs = test_read(room->dir, "full.pem");
    char *key = test_read(room->dir, "key.pem");
    assert_non_null(strstr(certs, "BEGIN CERTIFICATE"));
    assert_null(strstr(certs, "PRIVATE KEY"));
    assert_non_null(strstr(key, "PRIVATE KEY"));
    assert_null(strstr(key, "CERTIFICATE"));
    struct stat st;
    snprintf(name, sizeof name, "%s/key.pem", room->dir);
    assert_int_equal(stat(name, &st), 0);
    assert_int_equal(st.st_mode & 077, 0);
    certstore_bundle *bundle = certstore_read(store, &err);
    certstore_entry *next = certstore_entry_copy(room->sites[1], &err);
    certstore_entry_set_alias(next, certstore_entry_alias(certstore_bundle_at(bundle, 0)), &err);
    certstore_bundle_free(bundle);
    assert_int_equal(put(store, next, &err), CERTSTORE_OK);
    bundle = certstore_read(store, &err);
    assert_int_equal(certstore_bundle_count(bundle), 1);
    assert_int_equal(certstore_entry_check_key(certstore_bundle_at(bundle, 0), &err), CERTSTORE_OK);
    certstore_entry_free(next);
    free(certs);
    free(key);
    certstore_bundle_free(bundle);
    certstore_free(store);
}

static void a_check_that_is_demanded_and_missing_has_its_own_status(void **state)
{
    struct room *room = *state;
    certstore_error err = { 0 };
    certstore_free(store_with(room, "pem", "a.pem", room->root));
    certstore_options_set_require_integrity(room->opts, 1, &err);
    certstore *store = open_in(room, "pem", "a.pem", &err);
    assert_null(certstore_read(store, &err));
    assert_int_equal(err.status, CERTSTORE_E_NO_MAC);
    certstore_free(store);
}

static void the_first_error_stays_and_later_calls_do_nothing(void **state)
{
    struct room *room = *state;
    certstore_error err = { 0 };
    assert_null(certstore_open("pem:", room->opts, &err));
    assert_int_equal(err.status, CERTSTORE_E_ARGUMENT);
    assert_null(certstore_txn_begin(&err));
    assert_null(certstore_read(NULL, &err));
    assert_int_equal(certstore_options_set_generations(room->opts, 3, &err), CERTSTORE_E_ARGUMENT);
    assert_int_equal(err.status, CERTSTORE_E_ARGUMENT);
    certstore_error_clear(&err);
    assert_int_equal(certstore_options_set_generations(room->opts, 3, &err), CERTSTORE_OK);
}

/* The user database, in place of the C library's. */
static int lookups;
int getpwuid_r(uid_t uid, struct passwd *entry, char *text, size_t room, struct passwd **found)
{
    lookups++;
    snprintf(text, room, "user-%u", (unsigned)uid);
    entry->pw_name = text;
    *found = entry;
    return 0;
}

static void who_it_is_is_asked_for_where_something_changes_and_once(void **state)
{
    struct room *room = *state;
    certstore_error *err = certstore_error_new();
    certstore_report_free(certstore_recover(room->opts, err));
    assert_int_equal(lookups, 0); /* this test goes first */
    certstore *store = store_with(room, "jks", "who.jks", room->root);
    assert_int_equal(lookups, 1);
    assert_int_equal(put(store, room->root, err), CERTSTORE_OK); /* is there already */
    assert_int_equal(lookups, 1);
    assert_int_equal(put(store, room->sites[0], err), CERTSTORE_OK);
    assert_int_equal(put(store, room->sites[1], err), CERTSTORE_OK);
    assert_int_equal(lookups, 1);
    certstore_history *history = certstore_history_read(store, err);
    assert_int_equal(certstore_history_count(history), 3);
    char expected[64];
    snprintf(expected, sizeof expected, "user-%u ", (unsigned)geteuid());
    assert_memory_equal(certstore_history_actor(history, 2), expected, strlen(expected));
    certstore_history_free(history);
    certstore_free(store);
    certstore_error_free(err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_it_is_is_asked_for_where_something_changes_and_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_format_takes_an_identity_and_gives_it_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_bare_path_is_recognised_by_content_and_not_by_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wrong_format_in_the_uri_is_told_what_the_content_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_store_changed_by_somebody_else_is_a_conflict_and_is_not_overwritten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_bundle_from_elsewhere_never_overwrites_a_store_unseen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_equal_entry_changes_nothing_and_writes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_commit_says_which_generation_it_made, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_new_passphrase_is_the_only_one_that_opens_the_store, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_earlier_generation_comes_back_byte_for_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_transaction_that_is_freed_uncommitted_is_rolled_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_store_held_by_another_transaction_is_locked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(certificate_and_key_in_two_files_are_one_store, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_check_that_is_demanded_and_missing_has_its_own_status, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_first_error_stays_and_later_calls_do_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
