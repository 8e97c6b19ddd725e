/* SPDX-License-Identifier: Apache-2.0 */
/* test_token_key.c: keys made on a SoftHSM token through the public functions, let out wrapped and brought back; its officer and its PIN. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <p11-kit/pkcs11.h>

#include "model/bundle.h"
#include "support/faulty_os.h"
#include "support/make.h"
#include "support/tokens.h"

struct room {
    char *dir;
    certstore_options *opts;
    certstore *store;
    certstore_error *err;
};

static certstore *open_token(struct room *room, const char *extra)
{
    char uri[512];
    snprintf(uri, sizeof uri, "pkcs11:token=box%s?module-path=%s", extra, tokens_softhsm_module());
    return certstore_open(uri, room->opts, room->err);
}

static void begin(struct room *room)
{
    char path[512];
    *room = (struct room){ .dir = test_dir_new(), .opts = certstore_options_new(NULL), .err = certstore_error_new() };
    tokens_softhsm_begin(room->dir);
    tokens_softhsm_add("box");
    snprintf(path, sizeof path, "%s/locks", room->dir);
    assert_int_equal(setenv("CERTSTORE_TOKEN_DIR", path, 1), 0);
    snprintf(path, sizeof path, "%s/state", room->dir);
    certstore_options_set_state_dir(room->opts, path, room->err);
    certstore_options_set_password(room->opts, (const uint8_t *)TOKEN_PIN, sizeof TOKEN_PIN - 1, room->err);
    room->store = open_token(room, "");
    if (room->store == NULL)
        fail_msg("%s (%s)", certstore_error_message(room->err), certstore_error_cause(room->err));
}

static void end(struct room *room)
{
    certstore_free(room->store);
    certstore_options_free(room->opts);
    certstore_error_free(room->err);
    test_dir_remove(room->dir);
}

static certstore_entry *generate(struct room *room, const char *alias, const char *algorithm, uint32_t policy)
{
    certstore_entry *entry = certstore_key_generate(room->store, alias, algorithm, policy, room->err);
    if (entry == NULL)
        fail_msg("%s %s: %s (%s)", alias, algorithm, certstore_error_message(room->err), certstore_error_cause(room->err));
    return entry;
}

static void fails_with(struct room *room, certstore_status status, const void *result)
{
    assert_null(result);
    if (certstore_error_status(room->err) != status)
        fail_msg("%s: %s", certstore_status_name(certstore_error_status(room->err)), certstore_error_message(room->err));
    certstore_error_clear(room->err);
}

static size_t count(struct room *room)
{
    CSI_AUTO(certstore_bundle) *bundle = certstore_read(room->store, room->err);
    return certstore_bundle_count(bundle);
}

/* A self-signed certificate for the entry's key, signed elsewhere: what a CA gives back. */
static csi_blob *certify(struct room *room, const certstore_entry *entry, const char *name)
{
    certstore_bytes *spki = certstore_entry_export_public_key(entry, room->err);
    const uint8_t *at = certstore_bytes_data(spki);
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)certstore_bytes_size(spki));
    assert_non_null(key);
    EVP_PKEY *ca = make_key("EC:P-256", 9);
    X509 *cert = make_cert(&(struct make_cert){ .subject = name, .issuer = "CN=CA", .key = key, .signer_key = ca });
    csi_blob *der = make_der(cert);
    X509_free(cert);
    EVP_PKEY_free(key);
    certstore_bytes_free(spki);
    return der;
}

static void every_algorithm_gives_a_key_that_signs_and_stays(void **state)
{
    (void)state;
    static const struct {
        const char *asked, *algorithm, *digest, *padding;
        int bits;
    } rows[] = { { "RSA:2048", "RSA", "SHA256", "pss", 2048 },
                 { "ec:p-256", "EC", "SHA256", "", 256 },
                 { "EC:P-384", "EC", "SHA256", "", 384 },
                 { "EC:P-521", "EC", "SHA256", "", 521 },
                 { "Ed25519", "ED25519", "", "", 256 } };
    static const uint8_t digest[32] = { 1 };
    struct room room;
    begin(&room);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CSI_AUTO(certstore_entry) *entry = generate(&room, rows[i].asked, rows[i].asked, 0);
        assert_string_equal(certstore_entry_alias(entry), rows[i].asked);
        assert_int_equal(certstore_entry_kind(entry), CERTSTORE_KEY);
        assert_int_equal(certstore_entry_bound(entry), 1);
        certstore_bytes *name = certstore_entry_export_key_algorithm(entry, room.err);
        assert_string_equal((const char *)certstore_bytes_data(name), rows[i].algorithm);
        assert_in_range(certstore_entry_key_bits(entry, room.err), rows[i].bits - 3, rows[i].bits);
        if (rows[i].digest[0] != '\0') { /* SoftHSM loses a few bytes for each Ed25519 signature: Python's tests make one */
            certstore_bytes *signature = certstore_key_sign(entry, rows[i].digest, rows[i].padding, digest, sizeof digest, room.err);
            assert_non_null(signature);
            certstore_bytes_free(signature);
        }
        certstore_bytes_free(name);
        assert_null(certstore_entry_export_key(entry, room.err));
        assert_int_equal(certstore_error_status(room.err), CERTSTORE_E_BOUND);
        certstore_error_clear(room.err);
    }
    assert_int_equal(count(&room), 5);
    end(&room);
}

static void an_alias_that_has_a_key_keeps_it_unless_told(void **state)
{
    (void)state;
    struct room room;
    begin(&room);
    CSI_AUTO(certstore_entry) *first = generate(&room, "web", "EC:P-256", 0);
    fails_with(&room, CERTSTORE_E_EXISTS, certstore_key_generate(room.store, "web", "EC:P-256", 0, room.err));
    CSI_AUTO(certstore_entry) *again = generate(&room, "web", "RSA:2048", CERTSTORE_KEY_REUSE);
    assert_true(csi_key_same(first->key, again->key, "web"));
    assert_int_equal(count(&room), 1);
    CSI_AUTO(certstore_entry) *beside = generate(&room, "web", "EC:P-256", CERTSTORE_KEY_ROTATE);
    assert_false(csi_key_same(first->key, beside->key, "web"));
    assert_int_equal(count(&room), 2);
    end(&room);
}

static certstore_status put_cert(struct room *room, const certstore_entry *key, const char *alias, csi_blob *der)
{
    certstore_bundle *bundle = certstore_read(room->store, room->err);
    certstore_entry *entry = certstore_entry_copy(key, room->err);
    certstore_txn *txn = certstore_txn_begin(room->err);
    certstore_entry_clear_certs(entry, room->err);
    certstore_entry_add_cert(entry, der->data, der->size, room->err);
    if (strcmp(certstore_entry_alias(key), alias) != 0) { /* the key comes into the place of the one that has the alias */
        certstore_bundle_remove(bundle, certstore_entry_alias(key), room->err);
        certstore_entry_set_alias(entry, alias, room->err);
    }
    certstore_bundle_put(bundle, entry, room->err);
    certstore_txn_replace(txn, room->store, bundle, room->err);
    certstore_status status = certstore_txn_commit(txn, room->err);
    certstore_txn_free(txn);
    certstore_entry_free(entry);
    certstore_bundle_free(bundle);
    return status;
}

static void a_rotated_key_takes_the_alias_with_its_certificate_and_the_old_one_stays(void **state)
{
    (void)state;
    struct room room;
    begin(&room);
    CSI_AUTO(certstore_entry) *first = generate(&room, "web", "EC:P-256", 0);
    CSI_AUTO(csi_blob) *old = certify(&room, first, "CN=old");
    assert_int_equal(put_cert(&room, first, "web", old), CERTSTORE_OK);
    CSI_AUTO(certstore_entry) *second = generate(&room, "web", "EC:P-256", CERTSTORE_KEY_ROTATE);
    assert_string_not_equal(certstore_entry_alias(second), "web"); /* the key in use keeps its name */
    CSI_AUTO(csi_blob) *new = certify(&room, second, "CN=new");
    if (put_cert(&room, second, "web", new) != CERTSTORE_OK)
        fail_msg("%s", certstore_error_message(room.err));
    CSI_AUTO(certstore_bundle) *bundle = certstore_read(room.store, room.err);
    assert_int_equal(certstore_bundle_count(bundle), 2);
    const certstore_entry *web = certstore_bundle_find(bundle, "web");
    assert_true(csi_key_same(web->key, second->key, "web"));
    assert_int_equal(certstore_entry_check_key(web, room.err), CERTSTORE_OK);
    end(&room);
}

static void a_key_that_is_left_out_is_not_destroyed_because_another_has_its_label(void **state)
{
    (void)state;
    struct room room;
    begin(&room);
    certstore_entry_free(generate(&room, "web", "EC:P-256", 0));
    CSI_AUTO(certstore_entry) *second = generate(&room, "web", "EC:P-256", CERTSTORE_KEY_ROTATE);
    certstore_bundle *bundle = certstore_read(room.store, room.err);
    certstore_txn *txn = certstore_txn_begin(room.err);
    certstore_bundle_remove(bundle, certstore_entry_alias(second), room.err);
    certstore_txn_replace(txn, room.store, bundle, room.err);
    assert_int_equal(certstore_txn_commit(txn, room.err), CERTSTORE_E_LOSSY);
    certstore_txn_free(txn);
    certstore_bundle_free(bundle);
    certstore_error_clear(room.err);
    assert_int_equal(count(&room), 2);
    end(&room);
}

static void a_policy_is_what_the_key_gets(void **state)
{
    (void)state;
    struct room room;
    begin(&room);
    CSI_AUTO(certstore_entry) *readable = generate(&room, "readable", "EC:P-256", CERTSTORE_KEY_READABLE);
    assert_int_equal(certstore_entry_bound(readable), 0);
    certstore_bytes *pkcs8 = certstore_entry_export_key(readable, room.err);
    assert_non_null(pkcs8);
    certstore_bytes_free(pkcs8);
    CSI_AUTO(certstore_entry) *careful = generate(&room, "careful", "RSA:2048", CERTSTORE_KEY_ALWAYS_AUTHENTICATE | CERTSTORE_KEY_EXTRACTABLE);
    struct csi_span object = csi_blob_span(careful->key->sealed);
    assert_true(csi_object_flag(object, CKA_ALWAYS_AUTHENTICATE, false));
    assert_true(csi_object_flag(object, CKA_EXTRACTABLE, false));
    assert_true(csi_object_flag(object, CKA_SENSITIVE, false));
    assert_int_equal(certstore_entry_bound(careful), 1);
    end(&room);
}

static void what_cannot_be_made_is_refused_and_leaves_nothing(void **state)
{
    (void)state;
    struct room room;
    begin(&room);
    char path[512];
    snprintf(path, sizeof path, "pem:%s/file.pem", room.dir);
    certstore *file = certstore_open(path, room.opts, room.err);
    certstore *part = open_token(&room, ";object=web");
    fails_with(&room, CERTSTORE_E_UNSUPPORTED, certstore_key_generate(file, "web", "EC:P-256", 0, room.err));
    fails_with(&room, CERTSTORE_E_ARGUMENT, certstore_key_generate(part, "web", "EC:P-256", 0, room.err));
    fails_with(&room, CERTSTORE_E_ARGUMENT, certstore_key_generate(room.store, "web", "RSA:1024", 0, room.err));
    fails_with(&room, CERTSTORE_E_ARGUMENT, certstore_key_generate(room.store, "web", "EC:P-256", 1 << 20, room.err));
    fails_with(&room, CERTSTORE_E_ARGUMENT,
               certstore_key_generate(room.store, "web", "EC:P-256", CERTSTORE_KEY_REUSE | CERTSTORE_KEY_ROTATE, room.err));
    fails_with(&room, CERTSTORE_E_ARGUMENT, certstore_key_generate(room.store, "", "EC:P-256", 0, room.err));
    fails_with(&room, CERTSTORE_E_ARGUMENT, certstore_key_generate(NULL, "web", "EC:P-256", 0, room.err));
    assert_int_equal(count(&room), 0);
    assert_int_not_equal(certstore_store_capabilities(room.store) & CERTSTORE_CAN_GENERATE, 0);
    assert_int_equal(certstore_store_capabilities(file) & (CERTSTORE_CAN_GENERATE | CERTSTORE_CAN_WRAP), 0);
    certstore_free(part);
    certstore_free(file);
    end(&room);
}

/* ------------------------------------------------------------------------------------------------------------------ wrapped */

/* A key that went away wrapped and comes back: of that type, under a key of the token. */
static void travels(struct room *room, const char *algorithm, const certstore_entry *kek)
{
    CSI_AUTO(certstore_entry) *key = generate(room, algorithm, algorithm, CERTSTORE_KEY_EXTRACTABLE);
    certstore_bytes *spki = certstore_entry_export_public_key(key, room->err);
    certstore_bytes *wrapped = certstore_key_export_wrapped(key, kek, room->err);
    if (wrapped == NULL)
        fail_msg("%s: %s (%s)", algorithm, certstore_error_message(room->err), certstore_error_cause(room->err));
    CSI_AUTO(certstore_entry) *back = certstore_key_unwrap(room->store, "back", kek, certstore_bytes_data(wrapped), certstore_bytes_size(wrapped),
                                                           certstore_bytes_data(spki), certstore_bytes_size(spki), CERTSTORE_KEY_ROTATE, room->err);
    if (back == NULL)
        fail_msg("%s: %s (%s)", algorithm, certstore_error_message(room->err), certstore_error_cause(room->err));
    certstore_bytes *same = certstore_entry_export_public_key(back, room->err);
    assert_int_equal(certstore_bytes_size(same), certstore_bytes_size(spki));
    assert_memory_equal(certstore_bytes_data(same), certstore_bytes_data(spki), certstore_bytes_size(spki));
    assert_false(csi_object_flag(csi_blob_span(back->key->sealed), CKA_EXTRACTABLE, true));
    certstore_bytes_free(same);
    certstore_bytes_free(wrapped);
    certstore_bytes_free(spki);
}

static void a_key_that_left_wrapped_comes_back_and_signs(void **state)
{
    (void)state;
    struct room room;
    begin(&room);
    assert_int_not_equal(certstore_store_capabilities(room.store) & CERTSTORE_CAN_WRAP, 0);
    CSI_AUTO(certstore_entry) *kek = generate(&room, "kek", "AES:256", 0);
    assert_int_equal(certstore_entry_kind(kek), CERTSTORE_SECRET);
    travels(&room, "RSA:2048", kek);
    travels(&room, "EC:P-256", kek);
    end(&room);
}

static void a_secret_key_travels_too(void **state)
{
    (void)state;
    struct room room;
    begin(&room);
    CSI_AUTO(certstore_entry) *kek = generate(&room, "kek", "AES:256", 0);
    CSI_AUTO(certstore_entry) *key = generate(&room, "data", "AES:128", CERTSTORE_KEY_EXTRACTABLE);
    certstore_bytes *wrapped = certstore_key_export_wrapped(key, kek, room.err);
    assert_non_null(wrapped);
    CSI_AUTO(certstore_entry) *back = certstore_key_unwrap(room.store, "data-2", kek, certstore_bytes_data(wrapped), certstore_bytes_size(wrapped),
                                                           NULL, 0, CERTSTORE_KEY_READABLE, room.err);
    if (back == NULL)
        fail_msg("%s (%s)", certstore_error_message(room.err), certstore_error_cause(room.err));
    certstore_bytes *bytes = certstore_entry_export_key(back, room.err); /* SoftHSM tells no CKA_VALUE_LEN of a key that it unwrapped */
    assert_int_equal(certstore_bytes_size(bytes), 16);
    certstore_bytes_free(bytes);
    certstore_bytes_free(wrapped);
    end(&room);
}

static void a_wrapped_key_under_another_ones_public_key_is_taken_back(void **state)
{
    (void)state;
    static const char *const algorithms[] = { "RSA:2048", "EC:P-256" };
    struct room room;
    begin(&room);
    CSI_AUTO(certstore_entry) *kek = generate(&room, "kek", "AES:256", 0);
    for (size_t i = 0; i < 2; i++) {
        CSI_AUTO(certstore_entry) *key = generate(&room, algorithms[i], algorithms[i], CERTSTORE_KEY_EXTRACTABLE);
        EVP_PKEY *other = make_key(algorithms[i], 5);
        CSI_AUTO(csi_blob) *spki = make_spki(other);
        size_t before = count(&room);
        certstore_bytes *wrapped = certstore_key_export_wrapped(key, kek, room.err);
        assert_non_null(wrapped);
        fails_with(&room, CERTSTORE_E_MISMATCH,
                   certstore_key_unwrap(room.store, "back", kek, certstore_bytes_data(wrapped), certstore_bytes_size(wrapped), spki->data, spki->size,
                                        0, room.err));
        fails_with(&room, CERTSTORE_E_ARGUMENT,
                   certstore_key_unwrap(room.store, "back", kek, certstore_bytes_data(wrapped), certstore_bytes_size(wrapped), (const uint8_t *)"x",
                                        1, 0, room.err));
        certstore_bytes_free(wrapped);
        assert_int_equal(count(&room), before);
    }
    end(&room);
}

static void a_key_that_may_not_leave_is_not_wrapped(void **state)
{
    (void)state;
    struct room room;
    begin(&room);
    CSI_AUTO(certstore_entry) *kek = generate(&room, "kek", "AES:256", 0);
    CSI_AUTO(certstore_entry) *key = generate(&room, "web", "EC:P-256", 0);
    fails_with(&room, CERTSTORE_E_BOUND, certstore_key_export_wrapped(key, kek, room.err));
    fails_with(&room, CERTSTORE_E_ARGUMENT, certstore_key_export_wrapped(key, key, room.err));
    fails_with(&room, CERTSTORE_E_ARGUMENT, certstore_key_export_wrapped(key, NULL, room.err));
    CSI_AUTO(certstore_entry) *file = certstore_entry_new_secret("s", "AES", (const uint8_t *)"0123456789abcdef", 16, room.err);
    fails_with(&room, CERTSTORE_E_ARGUMENT, certstore_key_export_wrapped(key, file, room.err));
    end(&room);
}

/* ---------------------------------------------------------------------------------------------------- officer and PIN */

static void a_commit_marks_what_is_trusted_for_any_and_reads_it_back(void **state)
{
    (void)state;
    struct room room;
    begin(&room);
    assert_int_not_equal(certstore_store_capabilities(room.store) & CERTSTORE_CAN_MARK_TRUSTED, 0);
    certstore_free(room.store);
    certstore_options_set_so_pin(room.opts, (const uint8_t *)TOKEN_SO_PIN, sizeof TOKEN_SO_PIN - 1, room.err);
    room.store = open_token(&room, "");
    struct make_chain chain = make_chain("ca", "EC:P-256", 3);
    static const char *const purposes[] = { "any", "serverAuth" };
    certstore_bundle *bundle = certstore_read(room.store, room.err);
    for (size_t i = 0; i < 2; i++) {
        CSI_AUTO(certstore_entry) *entry = make_trusted(purposes[i], i == 0 ? chain.root : chain.intermediate);
        certstore_entry_add_trust(entry, purposes[i], room.err);
        certstore_bundle_put(bundle, entry, room.err);
    }
    certstore_txn *txn = certstore_txn_begin(room.err);
    certstore_txn_replace(txn, room.store, bundle, room.err);
    if (certstore_txn_commit(txn, room.err) != CERTSTORE_OK)
        fail_msg("%s (%s)", certstore_error_message(room.err), certstore_error_cause(room.err));
    certstore_txn_free(txn);
    certstore_bundle_free(bundle);
    CSI_AUTO(certstore_bundle) *after = certstore_read(room.store, room.err);
    assert_int_equal(certstore_entry_trust_count(certstore_bundle_find(after, "any")), 1);
    assert_string_equal(certstore_entry_trust(certstore_bundle_find(after, "any"), 0), "any");
    assert_int_equal(certstore_entry_trust_count(certstore_bundle_find(after, "serverAuth")), 0); /* the mark says more than that */
    make_chain_free(&chain);
    end(&room);
}

static certstore_status commit_pin(struct room *room, certstore *beside, const certstore_bundle *bundle, size_t *changed)
{
    certstore_txn *txn = certstore_txn_begin(room->err);
    certstore_txn_set_password(txn, room->store, (const uint8_t *)"another", 7, room->err);
    if (bundle != NULL)
        certstore_txn_replace(txn, beside, bundle, room->err);
    certstore_status status = certstore_txn_commit(txn, room->err);
    *changed = certstore_txn_changed(txn);
    certstore_txn_free(txn);
    certstore_error_clear(room->err);
    return status;
}

static void a_pin_changes_alone_or_not_at_all(void **state)
{
    (void)state;
    struct room room;
    size_t changed;
    begin(&room);
    char path[512];
    snprintf(path, sizeof path, "jks:%s/file.jks", room.dir);
    certstore *file = certstore_open(path, room.opts, room.err);
    certstore_bundle *bundle = certstore_read(file, room.err);
    certstore_bundle *own = certstore_read(room.store, room.err);
    assert_int_equal(commit_pin(&room, file, bundle, &changed), CERTSTORE_E_ARGUMENT);
    assert_int_equal(commit_pin(&room, room.store, own, &changed), CERTSTORE_E_ARGUMENT);
    assert_int_equal(certstore_exists(file), 0);
    assert_int_equal(commit_pin(&room, NULL, NULL, &changed), CERTSTORE_OK); /* so the old PIN was right until now */
    assert_int_equal(changed, 1);
    CSI_AUTO(certstore_entry) *key = generate(&room, "web", "EC:P-256", 0); /* the handle goes on with the new one */
    certstore_free(room.store);
    certstore_bundle_free(own);
    room.store = NULL;
    certstore_entry_free(csi_steal(&key)); /* the last that holds the token open */
    certstore_options_set_password(room.opts, (const uint8_t *)"another", 7, room.err);
    room.store = open_token(&room, "");
    assert_int_equal(count(&room), 1);
    assert_int_equal(certstore_error_status(room.err), CERTSTORE_OK);
    certstore_bundle_free(bundle);
    certstore_free(file);
    end(&room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_algorithm_gives_a_key_that_signs_and_stays),
        cmocka_unit_test(an_alias_that_has_a_key_keeps_it_unless_told),
        cmocka_unit_test(a_rotated_key_takes_the_alias_with_its_certificate_and_the_old_one_stays),
        cmocka_unit_test(a_key_that_is_left_out_is_not_destroyed_because_another_has_its_label),
        cmocka_unit_test(a_policy_is_what_the_key_gets),
        cmocka_unit_test(what_cannot_be_made_is_refused_and_leaves_nothing),
        cmocka_unit_test(a_key_that_left_wrapped_comes_back_and_signs),
        cmocka_unit_test(a_secret_key_travels_too),
        cmocka_unit_test(a_wrapped_key_under_another_ones_public_key_is_taken_back),
        cmocka_unit_test(a_key_that_may_not_leave_is_not_wrapped),
        cmocka_unit_test(a_commit_marks_what_is_trusted_for_any_and_reads_it_back),
        cmocka_unit_test(a_pin_changes_alone_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
