/* SPDX-License-Identifier: Apache-2.0 */
/* test_token_write.c: a bundle as the objects that a token shall hold: what is left alone, what is made, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <p11-kit/pkcs11.h>
#include <p11-kit/pkcs11x.h>

#include "support/codec.h"
#include "support/faulty_alloc.h"
#include "support/token.h"

enum { WRITABLE = CSI_TOKEN_WRITABLE | CSI_TOKEN_KEYS | CSI_TOKEN_SECRETS | CSI_TOKEN_DATA };

/* A key with its public key and certificate, an issuer and a root that are trusted, and one of everything else. */
struct fixture {
    struct token token;
    struct make_chain chain;
    struct csi_objects objects; /* what was put on the token, to compare with */
};

static void put(struct fixture *f, csi_blob *object)
{
    certstore_error err = { 0 };
    assert_int_equal(csi_objects_add(&f->objects, object, &err), CERTSTORE_OK);
    token_add(&f->token, object);
}

static void fixture_begin(struct fixture *f)
{
    *f = (struct fixture){ .chain = make_chain("web.example", "EC:P-256", 1) };
    token_begin(&f->token, WRITABLE);
    put(f, token_private(TOKEN_SOFTHSM, f->chain.key, "web", "01"));
    put(f, token_public(TOKEN_SOFTHSM, f->chain.key, "web", "01"));
    put(f, token_cert(TOKEN_SOFTHSM, f->chain.leaf, "web cert", "01"));
    put(f, token_cert(TOKEN_SOFTHSM, f->chain.intermediate, "issuer", "02"));
    put(f, token_cert(TOKEN_SOFTHSM, f->chain.root, "root", NULL));
    put(f, token_aes("backup", "06"));
    put(f, token_data("notes", "app", "hello"));
}

static void fixture_end(struct fixture *f)
{
    assert_int_equal(f->token.opened, 0);
    csi_objects_clear(&f->objects);
    make_chain_free(&f->chain);
    token_end(&f->token);
}

/* Signatures differ from one making to the next: the same authorities for both chains. */
static void share_authorities(struct make_chain *chain, const struct make_chain *with)
{
    csi_blob_free(chain->intermediate);
    csi_blob_free(chain->root);
    chain->intermediate = csi_blob_ref(with->intermediate);
    chain->root = csi_blob_ref(with->root);
}

static void rename_entry(certstore_bundle *bundle, const char *from, const char *to)
{
    certstore_error err = { 0 };
    assert_int_equal(csi_bundle_rename(bundle, from, to, &err), CERTSTORE_OK);
}

static void remove_entry(certstore_bundle *bundle, const char *alias)
{
    certstore_error err = { 0 };
    assert_int_equal(csi_bundle_remove(bundle, alias, &err), CERTSTORE_OK);
}

/* Takes the entry over. */
static void put_entry(certstore_bundle *bundle, certstore_entry *entry)
{
    certstore_error err = { 0 };
    assert_int_equal(csi_bundle_put(bundle, entry, &err), CERTSTORE_OK);
    certstore_entry_free(entry);
}

static void assert_holds_but(const struct fixture *f, const csi_parts *parts, size_t from, size_t to)
{
    for (size_t i = 0; i < f->objects.count; i++)
        if (token_holds(parts, f->objects.items[i]) != (i < from || i >= to))
            fail_msg("object %zu is %s", i, i < from || i >= to ? "missing" : "still there");
}

static bool label_is(struct csi_span object, const char *label)
{
    struct csi_span value;
    return csi_object_get(object, CKA_LABEL, &value) && csi_span_equal(value, csi_span_text(label));
}

/* Reads what was written, as a token would have it, and writes that: nothing may change any more. */
static certstore_bundle *read_back(struct token *token, const struct csi_codec *codec, csi_parts *parts)
{
    token_become(token, parts);
    certstore_bundle *bundle = token_read(token, codec);
    CSI_AUTO(csi_parts) *again = token_must_write(token, codec, bundle);
    assert_int_equal(again->count, parts->count);
    for (size_t i = 0; i < parts->count; i++)
        assert_true(token_holds_same(again, parts->items[i].bytes));
    return bundle;
}

/* ------------------------------------------------------------------------------------------------------------ what stays */

static void a_bundle_nobody_changed_is_the_objects_that_were_read(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    CSI_AUTO(certstore_bundle) *bundle = token_read(&f.token, &csi_codec_pkcs11);
    CSI_AUTO(csi_parts) *parts = token_must_write(&f.token, &csi_codec_pkcs11, bundle);
    assert_int_equal(parts->count, f.objects.count);
    assert_holds_but(&f, parts, 0, 0);
    certstore_bundle_free(csi_steal(&bundle));
    fixture_end(&f);
}

static void a_new_certificate_leaves_every_other_object_as_it_was(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    X509 *cert = make_cert(&(struct make_cert){ .subject = "CN=new", .key = make_key("EC:P-256", 7), .ca = true });
    CSI_AUTO(csi_blob) *der = make_der(cert);
    CSI_AUTO(certstore_bundle) *bundle = token_read(&f.token, &csi_codec_pkcs11);
    put_entry(bundle, make_trusted("new", der));
    CSI_AUTO(csi_parts) *parts = token_must_write(&f.token, &csi_codec_pkcs11, bundle);
    assert_int_equal(parts->count, f.objects.count + 1);
    assert_holds_but(&f, parts, 0, 0);
    struct csi_span object = token_object(parts, CKO_CERTIFICATE, "new");
    struct csi_span value;
    assert_true(csi_object_get(object, CKA_VALUE, &value) && csi_span_equal(value, csi_blob_span(der)));
    assert_true(csi_object_get(object, CKA_ID, &value) && value.size == 20);
    assert_true(csi_object_get(object, CKA_SUBJECT, &value) && csi_object_get(object, CKA_ISSUER, &value));
    assert_true(csi_object_get(object, CKA_SERIAL_NUMBER, &value) && value.data[0] == CSI_DER_INTEGER);
    assert_int_equal(csi_object_number(object, CKA_CERTIFICATE_TYPE, 99), CKC_X_509);
    assert_int_equal(csi_object_number(object, CKA_CERTIFICATE_CATEGORY, 99), 2);
    assert_false(csi_object_flag(object, CKA_PRIVATE, true));
    assert_false(csi_object_get(object, CKA_TOKEN, &value));
    CSI_AUTO(certstore_bundle) *after = read_back(&f.token, &csi_codec_pkcs11, parts);
    assert_true(codec_same_certs(codec_entry(after, "new"), codec_entry(bundle, "new")));
    certstore_bundle_free(csi_steal(&bundle));
    certstore_bundle_free(csi_steal(&after));
    X509_free(cert);
    fixture_end(&f);
}

static void a_removed_entry_takes_its_own_objects_with_it_and_no_others(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    CSI_AUTO(certstore_bundle) *bundle = token_read(&f.token, &csi_codec_pkcs11);
    remove_entry(bundle, "web");
    CSI_AUTO(csi_parts) *parts = token_must_write(&f.token, &csi_codec_pkcs11, bundle);
    assert_int_equal(parts->count, f.objects.count - 3);
    assert_holds_but(&f, parts, 0, 3);
    certstore_bundle_free(csi_steal(&bundle));
    fixture_end(&f);
}

static void an_authority_that_is_removed_is_gone_although_a_chain_led_over_it(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    CSI_AUTO(certstore_bundle) *bundle = token_read(&f.token, &csi_codec_pkcs11);
    assert_int_equal(codec_entry(bundle, "web")->cert_count, 3);
    remove_entry(bundle, "root");
    CSI_AUTO(csi_parts) *parts = token_must_write(&f.token, &csi_codec_pkcs11, bundle);
    assert_int_equal(parts->count, f.objects.count - 1);
    assert_holds_but(&f, parts, 4, 5);
    certstore_bundle_free(csi_steal(&bundle));
    fixture_end(&f);
}

/* ---------------------------------------------------------------------------------------------------------------- renaming */

static void a_renamed_key_is_the_same_key_object_under_another_label(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    CSI_AUTO(certstore_bundle) *bundle = token_read(&f.token, &csi_codec_pkcs11);
    rename_entry(bundle, "web", "www");
    CSI_AUTO(csi_parts) *parts = token_must_write(&f.token, &csi_codec_pkcs11, bundle);
    assert_int_equal(parts->count, f.objects.count);
    assert_holds_but(&f, parts, 0, 3);
    CSI_AUTO(csi_blob) *private = token_with(f.objects.items[0], CKA_LABEL, csi_span_text("www"));
    CSI_AUTO(csi_blob) *public = token_with(f.objects.items[1], CKA_LABEL, csi_span_text("www"));
    assert_true(token_holds(parts, private));
    assert_true(token_holds(parts, public));
    struct csi_span id;
    assert_true(csi_object_get(token_object(parts, CKO_CERTIFICATE, "www"), CKA_ID, &id));
    assert_true(csi_span_equal(id, csi_span("\x01", 1)));
    CSI_AUTO(certstore_bundle) *after = read_back(&f.token, &csi_codec_pkcs11, parts);
    assert_int_equal(codec_entry(after, "www")->cert_count, 3);
    certstore_bundle_free(csi_steal(&bundle));
    certstore_bundle_free(csi_steal(&after));
    fixture_end(&f);
}

static void renamed_certificates_secret_keys_and_data_keep_what_else_they_say(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    CSI_AUTO(certstore_bundle) *bundle = token_read(&f.token, &csi_codec_pkcs11);
    rename_entry(bundle, "issuer", "Issuing CA");
    rename_entry(bundle, "backup", "backup 2");
    rename_entry(bundle, "notes", "notes 2");
    CSI_AUTO(csi_parts) *parts = token_must_write(&f.token, &csi_codec_pkcs11, bundle);
    struct csi_span id;
    assert_true(csi_object_get(token_object(parts, CKO_CERTIFICATE, "Issuing CA"), CKA_ID, &id) && csi_span_equal(id, csi_span("\x02", 1)));
    assert_true(csi_object_get(token_object(parts, CKO_SECRET_KEY, "backup 2"), CKA_ID, &id) && csi_span_equal(id, csi_span("\x06", 1)));
    assert_true(csi_object_get(token_object(parts, CKO_DATA, "notes 2"), CKA_APPLICATION, &id) && csi_span_equal(id, csi_span_text("app")));
    assert_int_equal(parts->count, f.objects.count);
    certstore_bundle_free(csi_steal(&bundle));
    fixture_end(&f);
}

/* -------------------------------------------------------------------------------------------------------------------- keys */

static void a_renewed_certificate_changes_certificate_objects_alone(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    certstore_error err = { 0 };
    X509 *cert = make_cert(&(struct make_cert){ .subject = "CN=web.example,O=Renewed", .key = f.chain.key });
    CSI_AUTO(csi_blob) *der = make_der(cert);
    CSI_AUTO(certstore_bundle) *bundle = token_read(&f.token, &csi_codec_pkcs11);
    certstore_entry *renewed = csi_entry_copy(codec_entry(bundle, "web"), &err);
    csi_entry_clear_certs(renewed);
    assert_int_equal(csi_entry_append_cert(renewed, der, csi_blob_span(der), &err), CERTSTORE_OK);
    put_entry(bundle, renewed);
    CSI_AUTO(csi_parts) *parts = token_must_write(&f.token, &csi_codec_pkcs11, bundle);
    assert_int_equal(parts->count, f.objects.count);
    assert_holds_but(&f, parts, 2, 3);
    struct csi_span value;
    struct csi_span object = token_object(parts, CKO_CERTIFICATE, "web cert"); /* where others look for it */
    assert_true(csi_object_get(object, CKA_VALUE, &value) && csi_span_equal(value, csi_blob_span(der)));
    assert_true(csi_object_get(object, CKA_ID, &value) && csi_span_equal(value, csi_span("\x01", 1)));
    certstore_bundle_free(csi_steal(&bundle));
    X509_free(cert);
    fixture_end(&f);
}

static void a_key_from_a_file_goes_with_its_numbers_and_its_chain(void **state)
{
    (void)state;
    static const char *const types[] = { "RSA:2048", "EC:P-384", "ED25519" };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct fixture f;
        fixture_begin(&f);
        struct make_chain chain = make_chain("app.example", types[i], 3);
        share_authorities(&chain, &f.chain);
        CSI_AUTO(csi_blob) *pkcs8 = make_pkcs8(chain.key);
        CSI_AUTO(csi_blob) *spki = make_spki(chain.key);
        CSI_AUTO(certstore_bundle) *bundle = token_read(&f.token, &csi_codec_pkcs11);
        put_entry(bundle, make_identity("app", &chain));
        CSI_AUTO(csi_parts) *parts = token_must_write(&f.token, &csi_codec_pkcs11, bundle);
        assert_holds_but(&f, parts, 0, 0);
        assert_int_equal(parts->count, f.objects.count + 3); /* issuer and root are there for their own sake */
        struct csi_span private = token_object(parts, CKO_PRIVATE_KEY, "app");
        struct csi_span public = token_object(parts, CKO_PUBLIC_KEY, "app");
        struct csi_span cert = token_object(parts, CKO_CERTIFICATE, "app");
        struct csi_span value;
        struct csi_span id;
        uint8_t expected[20];
        CSI_AUTO_BUF told = { 0 };
        assert_true(csi_object_get(private, CSI_OBJECT_PKCS8, &value) && csi_span_equal(value, csi_blob_span(pkcs8)));
        assert_true(csi_object_get(private, CKA_SUBJECT, &value));
        assert_true(csi_object_spki(public, &told) && csi_span_equal(csi_buf_span(&told), csi_blob_span(spki)));
        assert_true(csi_spki_key_id(csi_blob_span(spki), false, expected));
        assert_true(csi_object_get(private, CKA_ID, &id) && csi_span_equal(id, csi_span(expected, sizeof expected)));
        assert_true(csi_object_get(public, CKA_ID, &value) && csi_span_equal(id, value));
        assert_true(csi_object_get(cert, CKA_ID, &value) && csi_span_equal(id, value));
        CSI_AUTO(certstore_bundle) *after = read_back(&f.token, &csi_codec_pkcs11, parts);
        assert_true(codec_same_certs(codec_entry(after, "app"), codec_entry(bundle, "app")));
        assert_true(csi_key_same(codec_entry(after, "app")->key, codec_entry(bundle, "app")->key, "app"));
        certstore_bundle_free(csi_steal(&bundle));
        certstore_bundle_free(csi_steal(&after));
        make_chain_free(&chain);
        fixture_end(&f);
    }
}

static void a_key_that_the_token_has_already_stays_the_tokens(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    CSI_AUTO(certstore_bundle) *bundle = token_read(&f.token, &csi_codec_pkcs11);
    put_entry(bundle, make_identity("web", &f.chain)); /* the same key and chain, from a file */
    CSI_AUTO(csi_parts) *parts = token_must_write(&f.token, &csi_codec_pkcs11, bundle);
    assert_int_equal(parts->count, f.objects.count);
    assert_holds_but(&f, parts, 0, 0);
    remove_entry(bundle, "web");
    put_entry(bundle, make_identity("www", &f.chain));
    CSI_AUTO(csi_parts) *moved = token_must_write(&f.token, &csi_codec_pkcs11, bundle);
    CSI_AUTO(csi_blob) *private = token_with(f.objects.items[0], CKA_LABEL, csi_span_text("www"));
    assert_true(token_holds(moved, private));
    assert_int_equal(moved->count, f.objects.count);
    certstore_bundle_free(csi_steal(&bundle));
    fixture_end(&f);
}

static void one_key_is_not_two_entries(void **state)
{
    (void)state;
    struct fixture f;
    char message[512];
    certstore_status status;
    fixture_begin(&f);
    CSI_AUTO(certstore_bundle) *bundle = token_read(&f.token, &csi_codec_pkcs11);
    put_entry(bundle, make_identity("second", &f.chain));
    assert_null(token_write(&f.token, &csi_codec_pkcs11, bundle, &status, message));
    assert_int_equal(status, CERTSTORE_E_EXISTS);
    assert_non_null(strstr(message, "second"));
    assert_non_null(strstr(message, "web"));
    remove_entry(bundle, "second");
    struct make_chain chain = make_chain("app.example", "EC:P-256", 3);
    put_entry(bundle, make_identity("one", &chain));
    put_entry(bundle, make_identity("two", &chain));
    assert_null(token_write(&f.token, &csi_codec_pkcs11, bundle, &status, message));
    assert_int_equal(status, CERTSTORE_E_EXISTS);
    certstore_bundle_free(csi_steal(&bundle));
    make_chain_free(&chain);
    fixture_end(&f);
}

static void a_key_of_another_token_does_not_come_along_and_is_named(void **state)
{
    (void)state;
    struct fixture f;
    struct token other;
    char message[512];
    certstore_status status;
    fixture_begin(&f);
    token_begin(&other, WRITABLE);
    token_add(&other, token_private(TOKEN_SOFTHSM, make_key("RSA:2048", 4), "far", "04"));
    CSI_AUTO(certstore_bundle) *there = token_read(&other, &csi_codec_pkcs11);
    CSI_AUTO(certstore_bundle) *bundle = token_read(&f.token, &csi_codec_pkcs11);
    put_entry(bundle, csi_entry_ref(codec_entry(there, "far")));
    assert_null(token_write(&f.token, &csi_codec_pkcs11, bundle, &status, message));
    assert_int_equal(status, CERTSTORE_E_BOUND);
    assert_non_null(strstr(message, "far"));
    certstore_bundle_free(csi_steal(&bundle));
    certstore_bundle_free(csi_steal(&there));
    assert_int_equal(other.opened, 1);
    token_end(&other);
    fixture_end(&f);
}

static void a_token_that_takes_no_keys_says_so_by_name(void **state)
{
    (void)state;
    struct fixture f;
    char message[512];
    certstore_status status;
    certstore_error err = { 0 };
    fixture_begin(&f);
    f.token.remote.traits = CSI_TOKEN_WRITABLE;
    struct make_chain chain = make_chain("app.example", "EC:P-256", 3);
    CSI_AUTO(certstore_bundle) *bundle = token_read(&f.token, &csi_codec_pkcs11);
    put_entry(bundle, make_identity("app", &chain));
    assert_null(token_write(&f.token, &csi_codec_pkcs11, bundle, &status, message));
    assert_int_equal(status, CERTSTORE_E_UNSUPPORTED);
    assert_non_null(strstr(message, "app"));
    remove_entry(bundle, "app");
    certstore_entry *secret = csi_entry_new(CERTSTORE_SECRET, "aes", &err);
    secret->key = csi_key_new_plain(csi_span("0123456789abcdef", 16), "AES", &err);
    put_entry(bundle, secret);
    assert_null(token_write(&f.token, &csi_codec_pkcs11, bundle, &status, message));
    assert_int_equal(status, CERTSTORE_E_UNSUPPORTED);
    certstore_bundle_free(csi_steal(&bundle));
    make_chain_free(&chain);
    fixture_end(&f);
}

static void a_secret_key_in_anothers_place_is_another_object(void **state)
{
    (void)state;
    struct fixture f;
    certstore_error err = { 0 };
    fixture_begin(&f);
    CSI_AUTO(certstore_bundle) *bundle = token_read(&f.token, &csi_codec_pkcs11);
    certstore_entry *secret = csi_entry_new(CERTSTORE_SECRET, "backup", &err);
    secret->key = csi_key_new_plain(csi_span("0123456789abcdef", 16), "AES", &err);
    put_entry(bundle, secret);
    CSI_AUTO(csi_parts) *parts = token_must_write(&f.token, &csi_codec_pkcs11, bundle);
    struct csi_span object = token_object(parts, CKO_SECRET_KEY, "backup");
    struct csi_span value;
    assert_false(csi_object_same(object, csi_blob_span(f.objects.items[5])));
    assert_int_equal(csi_object_number(object, CKA_KEY_TYPE, 99), CKK_AES);
    assert_true(csi_object_get(object, CKA_VALUE, &value) && csi_span_equal(value, csi_span_text("0123456789abcdef")));
    certstore_bundle_free(csi_steal(&bundle));
    fixture_end(&f);
}

/* ------------------------------------------------------------------------------------------------------------------- chain */

static void a_chain_that_is_nowhere_else_is_labelled_and_goes_with_its_key(void **state)
{
    (void)state;
    struct token token;
    struct make_chain chain = make_chain("app.example", "EC:P-256", 3);
    token_begin(&token, WRITABLE);
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_pkcs11);
    put_entry(bundle, make_identity("app", &chain));
    CSI_AUTO(csi_parts) *parts = token_must_write(&token, &csi_codec_pkcs11, bundle);
    assert_int_equal(parts->count, 5);
    token_object(parts, CKO_CERTIFICATE, "app chain 1");
    token_object(parts, CKO_CERTIFICATE, "app chain 2");
    CSI_AUTO(certstore_bundle) *after = read_back(&token, &csi_codec_pkcs11, parts);
    assert_int_equal(after->count, 1);
    assert_int_equal(after->entries[0]->cert_count, 3);
    rename_entry(after, "app", "web");
    CSI_AUTO(csi_parts) *renamed = token_must_write(&token, &csi_codec_pkcs11, after);
    assert_int_equal(renamed->count, 5);
    token_object(renamed, CKO_CERTIFICATE, "web chain 1");
    token_object(renamed, CKO_CERTIFICATE, "web chain 2");
    remove_entry(after, "web");
    CSI_AUTO(csi_parts) *none = token_must_write(&token, &csi_codec_pkcs11, after);
    assert_int_equal(none->count, 0);
    certstore_bundle_free(csi_steal(&bundle));
    certstore_bundle_free(csi_steal(&after));
    make_chain_free(&chain);
    token_end(&token);
}

static void a_chain_comes_back_in_its_order_whatever_that_is(void **state)
{
    (void)state;
    struct token token;
    certstore_error err = { 0 };
    struct make_chain chain = make_chain("app.example", "EC:P-256", 3);
    token_begin(&token, WRITABLE);
    token_add(&token, token_cert(TOKEN_SOFTHSM, chain.root, "root", NULL));
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_pkcs11);
    certstore_entry *entry = make_identity("app", &chain);
    csi_entry_clear_certs(entry);
    csi_blob *const order[] = { chain.leaf, chain.root, chain.intermediate };
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(csi_entry_append_cert(entry, order[i], csi_blob_span(order[i]), &err), CERTSTORE_OK);
    put_entry(bundle, entry);
    CSI_AUTO(csi_parts) *parts = token_must_write(&token, &csi_codec_pkcs11, bundle);
    CSI_AUTO(certstore_bundle) *after = read_back(&token, &csi_codec_pkcs11, parts);
    assert_true(codec_same_certs(codec_entry(after, "app"), codec_entry(bundle, "app")));
    certstore_bundle_free(csi_steal(&bundle));
    certstore_bundle_free(csi_steal(&after));
    make_chain_free(&chain);
    token_end(&token);
}

static void a_chain_that_two_keys_share_outlives_either_of_them(void **state)
{
    (void)state;
    static const struct csi_codec *const codecs[] = { &csi_codec_pkcs11, &csi_codec_nss };
    for (size_t c = 0; c < 2; c++) {
        for (int first = 0; first < 2; first++) {
            struct token token;
            struct make_chain a = make_chain("a.example", "EC:P-256", 3);
            struct make_chain b = make_chain("b.example", "EC:P-256", 4);
            share_authorities(&b, &a);
            token_begin(&token, WRITABLE);
            CSI_AUTO(certstore_bundle) *bundle = token_read(&token, codecs[c]);
            put_entry(bundle, make_identity("a", &a));
            put_entry(bundle, make_identity("b", &b));
            CSI_AUTO(csi_parts) *parts = token_must_write(&token, codecs[c], bundle);
            assert_int_equal(token_count(parts, CKO_CERTIFICATE), codecs[c] == &csi_codec_nss ? 4 : 6);
            CSI_AUTO(certstore_bundle) *both = read_back(&token, codecs[c], parts);
            assert_int_equal(codec_entry(both, "a")->cert_count, 3);
            assert_int_equal(codec_entry(both, "b")->cert_count, 3);
            remove_entry(both, first == 0 ? "a" : "b");
            CSI_AUTO(csi_parts) *less = token_must_write(&token, codecs[c], both);
            CSI_AUTO(certstore_bundle) *one = read_back(&token, codecs[c], less);
            assert_int_equal(one->count, 1);
            assert_int_equal(codec_entry(one, first == 0 ? "b" : "a")->cert_count, 3);
            certstore_bundle_free(csi_steal(&bundle));
            certstore_bundle_free(csi_steal(&both));
            certstore_bundle_free(csi_steal(&one));
            make_chain_free(&a);
            make_chain_free(&b);
            token_end(&token);
        }
    }
}

static void the_name_of_a_chain_is_no_name_for_a_trusted_certificate(void **state)
{
    (void)state;
    struct fixture f;
    char message[512];
    certstore_status status;
    fixture_begin(&f);
    X509 *cert = make_cert(&(struct make_cert){ .subject = "CN=new", .key = make_key("EC:P-256", 7), .ca = true });
    CSI_AUTO(csi_blob) *der = make_der(cert);
    CSI_AUTO(certstore_bundle) *bundle = token_read(&f.token, &csi_codec_pkcs11);
    put_entry(bundle, make_trusted("web chain 1", der));
    assert_null(token_write(&f.token, &csi_codec_pkcs11, bundle, &status, message));
    assert_int_equal(status, CERTSTORE_E_ARGUMENT);
    certstore_bundle_free(csi_steal(&bundle));
    X509_free(cert);
    fixture_end(&f);
}

/* -------------------------------------------------------------------------------------------------------------- cannot be held */

static void what_a_token_cannot_hold_is_named_before(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    EVP_PKEY *key = make_key("EC:P-256", 1);
    X509 *root = make_cert(&(struct make_cert){ .subject = "CN=Root", .key = key, .ca = true });
    CSI_AUTO(csi_blob) *der = make_der(root);
    CSI_AUTO(csi_blob) *list = make_crl(root, key);
    CSI_AUTO(certstore_bundle) *bundle = csi_bundle_new("pem", CSI_ALIAS_EXACT, &err);
    CSI_AUTO(certstore_report) *pkcs11 = csi_report_new(&err);
    CSI_AUTO(certstore_report) *nss = csi_report_new(&err);
    certstore_entry *crl = csi_entry_new(CERTSTORE_CRL, "list", &err);
    crl->content = csi_blob_ref(list);
    put_entry(bundle, crl);
    certstore_entry *opaque = csi_entry_new(CERTSTORE_OPAQUE, "thing", &err);
    opaque->type = csi_strdup("X", &err);
    opaque->content = csi_blob_ref(list);
    put_entry(bundle, opaque);
    certstore_entry *some = make_trusted("some", der);
    some->created_ms = 1;
    assert_int_equal(csi_entry_add_trust(some, "serverAuth", false, &err), CERTSTORE_OK);
    assert_int_equal(csi_entry_add_trust(some, "timeStamping", true, &err), CERTSTORE_OK);
    put_entry(bundle, some);
    put_entry(bundle, make_trusted("silent", der));
    assert_int_equal(csi_codec_pkcs11.losses(bundle, pkcs11, &err), CERTSTORE_OK);
    assert_true(token_noted(pkcs11, "crl-lost", "list"));
    assert_true(token_noted(pkcs11, "opaque-lost", "thing"));
    assert_true(token_noted(pkcs11, "date-lost", "some"));
    assert_true(token_noted(pkcs11, "trust-lost", "some"));
    assert_true(token_noted(pkcs11, "lost-reject", "some"));
    assert_false(token_noted(pkcs11, "trust-unsaid", NULL));
    assert_int_equal(csi_codec_nss.losses(bundle, nss, &err), CERTSTORE_OK);
    assert_true(token_noted(nss, "crl-lost", "list"));
    assert_true(token_noted(nss, "trust-lost", "some"));
    assert_true(token_noted(nss, "trust-unsaid", "silent"));
    X509_free(root);
}

static void what_is_opaque_on_one_token_is_lost_on_another_one(void **state)
{
    (void)state;
    static const struct csi_codec *const codecs[] = { &csi_codec_pkcs11, &csi_codec_nss };
    for (size_t i = 0; i < 2; i++) {
        struct token one;
        struct token other;
        certstore_error err = { 0 };
        token_begin(&one, WRITABLE);
        token_begin(&other, WRITABLE);
        token_add(&one, token_public(TOKEN_SOFTHSM, make_key("EC:P-256", 1), "lone", "01"));
        CSI_AUTO(certstore_bundle) *from = token_read(&one, codecs[i]);
        CSI_AUTO(certstore_bundle) *to = token_read(&other, codecs[i]);
        CSI_AUTO(certstore_report) *own = csi_report_new(&err);
        CSI_AUTO(certstore_report) *lost = csi_report_new(&err);
        assert_int_equal(codec_entry(from, "lone")->kind, CERTSTORE_OPAQUE);
        assert_int_equal(csi_bundle_put(to, codec_entry(from, "lone"), &err), CERTSTORE_OK);
        assert_int_equal(codecs[i]->losses(from, own, &err), CERTSTORE_OK);
        assert_int_equal(certstore_report_count(own), 0);
        assert_int_equal(codecs[i]->losses(to, lost, &err), CERTSTORE_OK);
        assert_true(token_noted(lost, "opaque-lost", "lone"));
        certstore_bundle_free(csi_steal(&from));
        certstore_bundle_free(csi_steal(&to));
        token_end(&one);
        token_end(&other);
    }
}

static void data_goes_where_a_token_takes_it(void **state)
{
    (void)state;
    struct token token;
    certstore_error err = { 0 };
    CSI_AUTO(certstore_bundle) *bundle = csi_bundle_new("pkcs11", CSI_ALIAS_EXACT, &err);
    certstore_entry *data = csi_entry_new(CERTSTORE_OPAQUE, "notes", &err);
    data->type = csi_strdup("data", &err);
    data->content = csi_blob_new("hello", 5, &err);
    put_entry(bundle, data);
    token_begin(&token, WRITABLE);
    CSI_AUTO(csi_parts) *parts = token_must_write(&token, &csi_codec_pkcs11, bundle);
    assert_true(label_is(token_object(parts, CKO_DATA, "notes"), "notes"));
    token.remote.traits = CSI_TOKEN_WRITABLE;
    certstore_status status;
    char message[512];
    assert_null(token_write(&token, &csi_codec_pkcs11, bundle, &status, message));
    assert_int_equal(status, CERTSTORE_E_LOSSY);
    const struct csi_encode allowed = { .part_count = 1, .limits = &csi_limits_default, .traits = CSI_TOKEN_WRITABLE, .allow_loss = true };
    CSI_AUTO(csi_parts) *none = csi_parts_new(&err);
    assert_int_equal(csi_codec_pkcs11.encode(bundle, &allowed, none, &err), CERTSTORE_OK);
    assert_int_equal(none->count, 0);
    token_end(&token);
}

/* ------------------------------------------------------------------------------------------------------------------ memory */

/* A key of each kind, a chain by label, trust, and what is opaque: read, changed in every way, and written. */
static certstore_status do_all(const csi_parts *parts, csi_blob *pkcs8, const struct make_chain *chain, certstore_error *err)
{
    const struct csi_decode reading = { .parts = parts, .limits = &csi_limits_default };
    const struct csi_encode writing = { .part_count = 1, .limits = &csi_limits_default, .traits = WRITABLE };
    CSI_AUTO(certstore_bundle) *bundle = csi_codec_nss.decode(&reading, err);
    if (bundle == NULL)
        return err->status;
    CSI_TRY(csi_bundle_rename(bundle, "web", "www", err));
    CSI_TRY(csi_bundle_rename(bundle, "notes", "other notes", err));
    CSI_TRY(csi_bundle_remove(bundle, "root", err));
    CSI_AUTO(certstore_entry) *entry = csi_entry_new(CERTSTORE_KEY, "new", err);
    if (entry == NULL)
        return err->status;
    entry->key = csi_key_new_plain(csi_blob_span(pkcs8), "", err);
    if (entry->key == NULL)
        return err->status;
    CSI_TRY(csi_entry_append_cert(entry, chain->leaf, csi_blob_span(chain->leaf), err));
    CSI_TRY(csi_entry_append_cert(entry, chain->root, csi_blob_span(chain->root), err));
    CSI_TRY(csi_entry_add_trust(entry, "serverAuth", false, err));
    CSI_TRY(csi_bundle_put(bundle, entry, err));
    CSI_AUTO(csi_parts) *written = csi_parts_new(err);
    if (written == NULL)
        return err->status;
    CSI_TRY(csi_codec_nss.encode(bundle, &writing, written, err));
    assert_int_equal(written->count, 13);
    return CERTSTORE_OK;
}

static void whatever_allocation_fails_the_store_is_read_and_written_whole_or_not_at_all(void **state)
{
    (void)state;
    enum { MOST = 20000 };
    struct fixture f;
    static const uint32_t server[4] = { CKT_NSS_TRUSTED_DELEGATOR, CKT_NSS_MUST_VERIFY_TRUST, CKT_NSS_MUST_VERIFY_TRUST, CKT_NSS_MUST_VERIFY_TRUST };
    fixture_begin(&f);
    put(&f, token_trust(f.chain.intermediate, server));
    put(&f, token_public(TOKEN_SOFTHSM, make_key("RSA:2048", 4), "peer", "09"));
    struct make_chain chain = make_chain("new.example", "EC:P-256", 8);
    CSI_AUTO(csi_blob) *pkcs8 = make_pkcs8(chain.key);
    bool whole = false;
    for (long number = 1; number <= MOST && !whole; number++) {
        certstore_error err = { 0 };
        faulty_alloc_reset(number, false);
        certstore_status status = do_all(f.token.parts, pkcs8, &chain, &err);
        whole = !faulty_alloc_hit();
        faulty_alloc_reset(0, false);
        if (!whole && status != CERTSTORE_E_MEMORY)
            fail_msg("allocation %ld: %s: %s", number, certstore_status_name(status), err.message);
        if (whole && status != CERTSTORE_OK)
            fail_msg("%s: %s", certstore_status_name(status), err.message);
    }
    assert_true(whole);
    make_chain_free(&chain);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bundle_nobody_changed_is_the_objects_that_were_read),
        cmocka_unit_test(a_new_certificate_leaves_every_other_object_as_it_was),
        cmocka_unit_test(a_removed_entry_takes_its_own_objects_with_it_and_no_others),
        cmocka_unit_test(an_authority_that_is_removed_is_gone_although_a_chain_led_over_it),
        cmocka_unit_test(a_renamed_key_is_the_same_key_object_under_another_label),
        cmocka_unit_test(renamed_certificates_secret_keys_and_data_keep_what_else_they_say),
        cmocka_unit_test(a_renewed_certificate_changes_certificate_objects_alone),
        cmocka_unit_test(a_key_from_a_file_goes_with_its_numbers_and_its_chain),
        cmocka_unit_test(a_key_that_the_token_has_already_stays_the_tokens),
        cmocka_unit_test(one_key_is_not_two_entries),
        cmocka_unit_test(a_key_of_another_token_does_not_come_along_and_is_named),
        cmocka_unit_test(a_token_that_takes_no_keys_says_so_by_name),
        cmocka_unit_test(a_secret_key_in_anothers_place_is_another_object),
        cmocka_unit_test(a_chain_that_is_nowhere_else_is_labelled_and_goes_with_its_key),
        cmocka_unit_test(a_chain_comes_back_in_its_order_whatever_that_is),
        cmocka_unit_test(a_chain_that_two_keys_share_outlives_either_of_them),
        cmocka_unit_test(the_name_of_a_chain_is_no_name_for_a_trusted_certificate),
        cmocka_unit_test(what_a_token_cannot_hold_is_named_before),
        cmocka_unit_test(what_is_opaque_on_one_token_is_lost_on_another_one),
        cmocka_unit_test(data_goes_where_a_token_takes_it),
        cmocka_unit_test(whatever_allocation_fails_the_store_is_read_and_written_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
