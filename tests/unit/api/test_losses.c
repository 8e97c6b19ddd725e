/* SPDX-License-Identifier: Apache-2.0 */
/* test_losses.c: what a format cannot hold at all is never left out without a word: a transaction and an export refuse it unless that is allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "api/transcode.h"
#include "model/bundle.h"
#include "support/faulty_alloc.h"
#include "support/faulty_os.h"
#include "support/jksfile.h"
#include "support/make.h"
#include "support/p12file.h"

struct room {
    char *dir;
    certstore_options *opts;
    certstore_options *allowing;
    struct make_chain chain;
    certstore_entry *root;      /* what the store holds already */
    certstore_entry *things[6]; /* what some format cannot hold; see enum thing */
};
enum thing { SECRET, CRL, KEY, BAG, LABEL, EMPTY };
enum { TRUSTED_TAG = 2 };

static certstore_entry *make_opaque(const char *alias, const char *type, struct csi_span content)
{
    certstore_error err = { 0 };
    certstore_entry *entry = csi_entry_new(CERTSTORE_OPAQUE, alias, &err);
    entry->type = csi_strdup(type, &err);
    entry->content = csi_blob_new(content.data, content.size, &err);
    assert_int_equal(err.status, CERTSTORE_OK);
    return entry;
}

static certstore_options *make_options(const struct room *room, int allowed)
{
    char path[512];
    certstore_options *opts = certstore_options_new(NULL);
    snprintf(path, sizeof path, "%s/state", room->dir);
    assert_int_equal(certstore_options_set_state_dir(opts, path, NULL), CERTSTORE_OK);
    assert_int_equal(certstore_options_set_password(opts, (const uint8_t *)"changeit", 8, NULL), CERTSTORE_OK);
    assert_int_equal(certstore_options_set_allow_loss(opts, allowed, NULL), CERTSTORE_OK);
    return opts;
}

/* A bag of a type that nobody knows, as the file has it. */
static void put_odd_bag(struct csi_buf *out)
{
    static const uint8_t bag[] = { 0x30, 0x09, 0x06, 0x03, 0x2a, 0x03, 0x04, 0xa0, 0x02, 0x05, 0x00 };
    csi_buf_put(out, bag, sizeof bag);
}

static int set_up(void **state)
{
    CSI_AUTO_BUF bag = { 0 };
    struct room *room = calloc(1, sizeof *room);
    room->dir = test_dir_new();
    room->opts = make_options(room, 0);
    room->allowing = make_options(room, 1);
    room->chain = make_chain("web.example", "EC:P-256", 1);
    X509 *issuer = make_cert(&(struct make_cert){ .subject = "CN=lists", .key = make_key("EC:P-256", 2), .ca = true });
    CSI_AUTO(csi_blob) *list = make_crl(issuer, make_key("EC:P-256", 2));
    X509_free(issuer);
    put_odd_bag(&bag);
    room->root = make_trusted("root", room->chain.root);
    room->things[SECRET] = certstore_entry_new_secret("session", "AES", (const uint8_t *)"0123456789abcdef", 16, NULL);
    room->things[CRL] = certstore_entry_new_crl("list", list->data, list->size, NULL);
    room->things[KEY] = make_identity("web", &room->chain);
    room->things[BAG] = make_opaque("odd", "1.2.3.4", csi_buf_span(&bag));
    room->things[LABEL] = make_opaque("odd", "DH PARAMETERS", csi_span_text("x"));
    room->things[EMPTY] = make_trusted("empty", room->chain.leaf);
    assert_int_equal(certstore_entry_clear_certs(room->things[EMPTY], NULL), CERTSTORE_OK);
    *state = room;
    return 0;
}

static int tear_down(void **state)
{
    struct room *room = *state;
    for (size_t i = 0; i < sizeof room->things / sizeof *room->things; i++)
        certstore_entry_free(room->things[i]);
    certstore_entry_free(room->root);
    make_chain_free(&room->chain);
    certstore_options_free(room->opts);
    certstore_options_free(room->allowing);
    test_dir_remove(room->dir);
    free(room);
    return 0;
}

static const struct {
    const char *format;
    enum thing thing;
} unheld[] = {
    { "jks", SECRET }, { "pem", SECRET },  { "pemdir", SECRET }, { "jks", CRL },      { "jceks", CRL },    { "pemdir", KEY },
    { "jks", BAG },    { "jceks", BAG },   { "pem", BAG },       { "pemdir", BAG },   { "pkcs12", LABEL }, { "pemdir", LABEL },
    { "jks", EMPTY },  { "jceks", EMPTY }, { "pem", EMPTY },     { "pemdir", EMPTY }, { "pkcs12", EMPTY },
};
enum { UNHELD = sizeof unheld / sizeof *unheld };

static certstore *open_in(const struct room *room, const char *format, const char *name, const certstore_options *opts)
{
    char uri[512];
    certstore_error err = { 0 };
    snprintf(uri, sizeof uri, "%s:%s/%s", format, room->dir, name);
    certstore *store = certstore_open(uri, opts, &err);
    if (store == NULL)
        fail_msg("%s", err.message);
    return store;
}

static certstore_status commit(certstore *store, const certstore_bundle *bundle, certstore_error *err)
{
    certstore_txn *txn = certstore_txn_begin(err);
    certstore_txn_replace(txn, store, bundle, err);
    certstore_status status = certstore_txn_commit(txn, err);
    certstore_txn_free(txn);
    return status;
}

static void must_commit(certstore *store, const certstore_bundle *bundle)
{
    certstore_error err = { 0 };
    if (commit(store, bundle, &err) != CERTSTORE_OK)
        fail_msg("%s: %s", certstore_status_name(err.status), err.message);
}

/* The message names the store or the format, and the alias, and says what to do; in one line. */
static void assert_says(const certstore_error *err, const char *where, const char *alias)
{
    if (err->status != CERTSTORE_E_LOSSY || strstr(err->message, where) == NULL || strstr(err->message, alias) == NULL ||
        strstr(err->message, "--allow-loss") == NULL || strchr(err->message, '\n') != NULL)
        fail_msg("%s: %s", certstore_status_name(err->status), err->message);
}

static size_t count_of(certstore *store)
{
    certstore_error err = { 0 };
    CSI_AUTO(certstore_bundle) *bundle = certstore_read(store, &err);
    assert_non_null(bundle);
    return certstore_bundle_count(bundle);
}

static void what_a_format_cannot_hold_makes_a_commit_fail_and_changes_nothing(void **state)
{
    const struct room *room = *state;
    for (size_t i = 0; i < UNHELD; i++) {
        certstore_error err = { 0 };
        char name[16];
        snprintf(name, sizeof name, "store%zu", i);
        const certstore_entry *thing = room->things[unheld[i].thing];
        certstore *store = open_in(room, unheld[i].format, name, room->opts);
        CSI_AUTO(certstore_bundle) *bundle = certstore_read(store, &err);
        certstore_bundle_put(bundle, room->root, &err);
        must_commit(store, bundle);
        certstore_bundle_free(bundle);
        bundle = certstore_read(store, &err);
        int64_t generation = certstore_generation(store, &err);
        CSI_AUTO(csi_chars) *before = test_read(room->dir, name); /* NULL: a directory */
        certstore_bundle_put(bundle, thing, &err);
        assert_int_equal(err.status, CERTSTORE_OK);
        commit(store, bundle, &err);
        assert_says(&err, certstore_uri(store), certstore_entry_alias(thing));
        assert_string_equal(certstore_error_subject(&err), certstore_uri(store));
        CSI_AUTO(csi_chars) *after = test_read(room->dir, name);
        assert_true(before == NULL ? after == NULL : strcmp(before, after) == 0);
        assert_int_equal(certstore_bundle_count(bundle), 2);
        certstore_error_clear(&err);
        assert_int_equal(certstore_generation(store, &err), generation);
        assert_int_equal(count_of(store), 1);
        certstore_free(store);
    }
}

static void a_new_store_is_not_made_without_what_it_was_to_hold(void **state)
{
    const struct room *room = *state;
    certstore_error err = { 0 };
    certstore *jks = open_in(room, "jks", "new.jks", room->opts);
    certstore *jceks = open_in(room, "jceks", "new.jceks", room->opts);
    CSI_AUTO(certstore_bundle) *bundle = certstore_bundle_new("jceks", &err);
    certstore_bundle_put(bundle, room->things[SECRET], &err);
    certstore_txn *txn = certstore_txn_begin(&err);
    certstore_txn_replace(txn, jceks, bundle, &err);
    certstore_txn_replace(txn, jks, bundle, &err);
    assert_int_equal(certstore_txn_commit(txn, &err), CERTSTORE_E_LOSSY);
    assert_says(&err, certstore_uri(jks), "session");
    assert_false(certstore_exists(jks));
    assert_false(certstore_exists(jceks)); /* all stores, or none */
    certstore_txn_free(txn);
    certstore_free(jks);
    certstore_free(jceks);
}

static void where_the_loss_is_allowed_the_rest_is_written(void **state)
{
    const struct room *room = *state;
    for (size_t i = 0; i < UNHELD; i++) {
        certstore_error err = { 0 };
        char name[16];
        snprintf(name, sizeof name, "loose%zu", i);
        certstore *store = open_in(room, unheld[i].format, name, room->allowing);
        CSI_AUTO(certstore_bundle) *bundle = certstore_read(store, &err);
        certstore_bundle_put(bundle, room->root, &err);
        certstore_bundle_put(bundle, room->things[unheld[i].thing], &err);
        must_commit(store, bundle);
        assert_int_equal(count_of(store), 1);
        certstore_free(store);
    }
}

static void an_export_refuses_what_the_format_cannot_hold_unless_that_is_allowed(void **state)
{
    const struct room *room = *state;
    for (size_t i = 0; i < UNHELD; i++) {
        certstore_error err = { 0 };
        const char *format = unheld[i].format;
        const certstore_entry *thing = room->things[unheld[i].thing];
        CSI_AUTO(certstore_bundle) *bundle = certstore_bundle_new("pkcs12", &err);
        certstore_bundle_put(bundle, room->root, &err);
        certstore_bundle_put(bundle, thing, &err);
        assert_null(certstore_bundle_export(bundle, format, room->opts, &err));
        assert_says(&err, format, certstore_entry_alias(thing));
        assert_int_equal(certstore_bundle_count(bundle), 2);
        certstore_error_clear(&err);
        if (strcmp(format, "pemdir") == 0)
            continue; /* gives no bytes anyway */
        certstore_bytes *bytes = certstore_bundle_export(bundle, format, room->allowing, &err);
        CSI_AUTO(certstore_bundle) *rest = certstore_bundle_parse(certstore_bytes_data(bytes), certstore_bytes_size(bytes), format, room->opts, &err);
        assert_int_equal(err.status, CERTSTORE_OK);
        assert_int_equal(certstore_bundle_count(rest), 1);
        certstore_bytes_free(bytes);
    }
}

static void what_losses_calls_a_fault_is_what_is_refused(void **state)
{
    const struct room *room = *state;
    static const char *const formats[] = { "pem", "pkcs12", "jks", "jceks" };
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
        for (size_t i = 0; i < sizeof room->things / sizeof *room->things; i++) {
            certstore_error err = { 0 };
            bool fault = false;
            CSI_AUTO(certstore_bundle) *bundle = certstore_bundle_new("pkcs12", &err);
            certstore_bundle_put(bundle, room->things[i], &err);
            CSI_AUTO(certstore_report) *losses = certstore_bundle_losses(bundle, formats[f], &err);
            for (size_t row = 0; row < certstore_report_count(losses); row++)
                fault = fault || certstore_report_severity(losses, row) == CERTSTORE_FAULT;
            assert_int_equal(err.status, CERTSTORE_OK);
            certstore_bytes_free(certstore_bundle_export(bundle, formats[f], room->opts, &err));
            assert_int_equal(err.status, fault ? CERTSTORE_E_LOSSY : CERTSTORE_OK);
        }
    }
}

static void what_is_only_a_property_of_an_entry_refuses_nothing(void **state)
{
    const struct room *room = *state;
    static const char *const formats[] = { "pem", "pemdir", "pkcs12", "jks", "jceks" };
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        certstore_error err = { 0 };
        certstore *store = open_in(room, formats[i], formats[i], room->opts);
        CSI_AUTO(certstore_bundle) *bundle = certstore_bundle_new("pem", &err); /* which tells capitals apart */
        CSI_AUTO(certstore_entry) *entry = make_trusted("Capitals", room->chain.root);
        certstore_entry_add_trust(entry, "serverAuth", &err);
        certstore_entry_add_reject(entry, "timeStamping", &err);
        certstore_entry_set_created(entry, 1, &err);
        certstore_bundle_put(bundle, entry, &err);
        CSI_AUTO(certstore_report) *losses = certstore_bundle_losses(bundle, formats[i], &err);
        assert_int_not_equal(certstore_report_count(losses), 0);
        must_commit(store, bundle);
        assert_int_equal(count_of(store), 1);
        certstore_free(store);
    }
}

/* ---------------------------------------------------------------------------------------------------- what a store holds itself */

static void write_bytes(const struct room *room, const char *name, struct csi_span bytes)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", room->dir, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.data, 1, bytes.size, file), bytes.size);
    assert_int_equal(fclose(file), 0);
}

/* One opaque entry and one certificate each. */
static void put_store(const struct room *room, const char *format, struct csi_buf *file)
{
    certstore_error err = { 0 };
    CSI_AUTO_BUF bags = { 0 };
    if (strcmp(format, "pkcs12") == 0) {
        put_odd_bag(&bags);
        p12file_put_cert(&bags, csi_blob_span(room->chain.leaf), "leaf", NULL);
        p12file_finish_bags(file, &bags);
        return;
    }
    if (strcmp(format, "pem") == 0) {
        certstore_bytes *text = certstore_cert_export_pem(certstore_entry_cert(room->root, 0), &err);
        csi_buf_put_text(file, "-----BEGIN DH PARAMETERS-----\nMAYCAQcCAQI=\n-----END DH PARAMETERS-----\n");
        csi_buf_put(file, certstore_bytes_data(text), certstore_bytes_size(text));
        certstore_bytes_free(text);
        return;
    }
    jksfile_begin(file, strcmp(format, "jks") == 0 ? JKSFILE_JKS : JKSFILE_JCEKS, 2, 2);
    jksfile_head(file, TRUSTED_TAG, "odd", 1);
    jksfile_cert(file, 2, "X.400", csi_span_text("what is this"));
    jksfile_head(file, TRUSTED_TAG, "leaf", 1);
    jksfile_cert(file, 2, "X.509", csi_blob_span(room->chain.leaf));
    jksfile_end(file, "changeit");
}

static size_t opaque_in(const certstore_bundle *bundle)
{
    size_t count = 0;
    for (size_t i = 0; i < certstore_bundle_count(bundle); i++)
        count += certstore_entry_kind(certstore_bundle_at(bundle, i)) == CERTSTORE_OPAQUE;
    return count;
}

static void what_a_store_holds_itself_is_written_back_whatever_it_is(void **state)
{
    const struct room *room = *state;
    static const char *const formats[] = { "pem", "pkcs12", "jks", "jceks" };
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        certstore_error err = { 0 };
        CSI_AUTO_BUF file = { 0 };
        char name[16];
        snprintf(name, sizeof name, "own.%s", formats[i]);
        put_store(room, formats[i], &file);
        write_bytes(room, name, csi_buf_span(&file));
        certstore *store = open_in(room, formats[i], name, room->opts);
        CSI_AUTO(certstore_bundle) *bundle = certstore_read(store, &err);
        assert_int_equal(opaque_in(bundle), 1);
        CSI_AUTO(certstore_entry) *more = make_trusted("more", room->chain.intermediate);
        certstore_bundle_put(bundle, more, &err);
        must_commit(store, bundle);
        certstore_bundle_free(bundle);
        bundle = certstore_read(store, &err);
        assert_int_equal(certstore_bundle_count(bundle), 3);
        assert_int_equal(opaque_in(bundle), 1);
        certstore_bytes *bytes = certstore_bundle_export(bundle, NULL, room->opts, &err);
        assert_non_null(bytes);
        certstore_bytes_free(bytes);
        if (strcmp(formats[i], "pem") != 0) { /* all of it is made anew under another passphrase */
            certstore_txn *txn = certstore_txn_begin(&err);
            certstore_txn_set_password(txn, store, (const uint8_t *)"another", 7, &err);
            assert_int_equal(certstore_txn_commit(txn, &err), CERTSTORE_OK);
            certstore_txn_free(txn);
            assert_int_equal(count_of(store), 3);
        }
        certstore_free(store);
        assert_int_equal(err.status, CERTSTORE_OK);
    }
}

static void an_opaque_entry_of_a_store_is_refused_by_another_one(void **state)
{
    const struct room *room = *state;
    certstore_error err = { 0 };
    CSI_AUTO_BUF file = { 0 };
    put_store(room, "jks", &file);
    write_bytes(room, "one.jks", csi_buf_span(&file));
    certstore *one = open_in(room, "jks", "one.jks", room->opts);
    certstore *other = open_in(room, "jks", "other.jks", room->opts);
    CSI_AUTO(certstore_bundle) *from = certstore_read(one, &err);
    CSI_AUTO(certstore_bundle) *to = certstore_read(other, &err);
    for (size_t i = 0; i < certstore_bundle_count(from); i++)
        certstore_bundle_put(to, certstore_bundle_at(from, i), &err);
    commit(other, to, &err);
    assert_says(&err, "other.jks", "odd");
    assert_false(certstore_exists(other));
    certstore_error_clear(&err);
    must_commit(other, from); /* the whole of the other store goes over as it is */
    assert_int_equal(count_of(other), 2);
    certstore_free(one);
    certstore_free(other);
}

/* ------------------------------------------------------------------------------------------- statuses that say more, and the price */

static void a_status_that_says_more_stays_whether_or_not_the_loss_is_allowed(void **state)
{
    const struct room *room = *state;
    certstore_error err = { 0 };
    CSI_AUTO(certstore_bundle) *twice = certstore_bundle_new("pem", &err);
    CSI_AUTO(certstore_entry) *lower = make_trusted("same", room->chain.root);
    CSI_AUTO(certstore_entry) *upper = make_trusted("SAME", room->chain.leaf);
    certstore_bundle_put(twice, lower, &err);
    certstore_bundle_put(twice, upper, &err);
    const certstore_options *const both[] = { room->opts, room->allowing };
    for (size_t i = 0; i < 2; i++) {
        assert_null(certstore_bundle_export(twice, "jks", both[i], &err));
        assert_int_equal(err.status, CERTSTORE_E_EXISTS);
        certstore_error_clear(&err);
        assert_null(certstore_bundle_export(twice, "bks", both[i], &err));
        assert_int_equal(err.status, CERTSTORE_E_READ_ONLY);
        certstore_error_clear(&err);
    }
}

static void the_option_wants_options(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    assert_int_equal(certstore_options_set_allow_loss(NULL, 1, &err), CERTSTORE_E_ARGUMENT);
}

static void a_long_alias_leaves_room_for_what_to_do(void **state)
{
    const struct room *room = *state;
    certstore_error err = { 0 };
    char alias[4001];
    memset(alias, 'a', sizeof alias - 1);
    alias[sizeof alias - 1] = '\0';
    CSI_AUTO(certstore_bundle) *bundle = certstore_bundle_new("pkcs12", &err);
    CSI_AUTO(certstore_entry) *entry = certstore_entry_copy(room->things[SECRET], &err);
    certstore_entry_set_alias(entry, alias, &err);
    certstore_bundle_put(bundle, entry, &err);
    assert_null(certstore_bundle_export(bundle, "pem", room->opts, &err));
    assert_says(&err, "pem", "aaaa");
}

static void nothing_is_allocated_for_certificates_that_every_format_holds(void **state)
{
    const struct room *room = *state;
    static const struct csi_codec *const codecs[] = { &csi_codec_pem,   &csi_codec_pemdir, &csi_codec_pkcs12, &csi_codec_jks,
                                                      &csi_codec_jceks, &csi_codec_pkcs11, &csi_codec_nss };
    certstore_error err = { 0 };
    CSI_AUTO(certstore_bundle) *bundle = csi_bundle_new("pkcs11", CSI_ALIAS_EXACT, &err);
    for (int i = 0; i < 10000; i++) {
        char alias[24];
        snprintf(alias, sizeof alias, "Root %d", i);
        CSI_AUTO(certstore_entry) *entry = make_trusted(alias, room->chain.root);
        certstore_entry_add_trust(entry, "clientAuth", &err);
        certstore_entry_set_created(entry, 1, &err);
        certstore_bundle_put(bundle, entry, &err);
    }
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++) {
        faulty_alloc_reset(0, false);
        assert_int_equal(csi_refuse_losses(codecs[i], bundle, &err), CERTSTORE_OK);
        assert_true(faulty_alloc_calls() <= 1); /* the report itself */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_a_format_cannot_hold_makes_a_commit_fail_and_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_new_store_is_not_made_without_what_it_was_to_hold, set_up, tear_down),
        cmocka_unit_test_setup_teardown(where_the_loss_is_allowed_the_rest_is_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_export_refuses_what_the_format_cannot_hold_unless_that_is_allowed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_losses_calls_a_fault_is_what_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_only_a_property_of_an_entry_refuses_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_store_holds_itself_is_written_back_whatever_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_opaque_entry_of_a_store_is_refused_by_another_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_status_that_says_more_stays_whether_or_not_the_loss_is_allowed, set_up, tear_down),
        cmocka_unit_test(the_option_wants_options),
        cmocka_unit_test_setup_teardown(a_long_alias_leaves_room_for_what_to_do, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_allocated_for_certificates_that_every_format_holds, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
