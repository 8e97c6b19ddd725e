/* SPDX-License-Identifier: Apache-2.0 */
/* test_token_read.c: the objects of a token as entries: what belongs to which key, and what is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <p11-kit/pkcs11.h>
#include <p11-kit/pkcs11x.h>

#include "support/codec.h"
#include "support/token.h"

enum { WRITABLE = CSI_TOKEN_WRITABLE | CSI_TOKEN_KEYS | CSI_TOKEN_SECRETS | CSI_TOKEN_DATA };

static void assert_chain(const certstore_entry *entry, size_t count, const csi_blob *const *certs)
{
    assert_int_equal(entry->cert_count, count);
    for (size_t i = 0; i < count; i++)
        assert_true(csi_span_equal(csi_span(entry->certs[i].data, entry->certs[i].size), csi_blob_span(certs[i])));
}

/* ------------------------------------------------------------------------------------------------------------------ pairing */

static void a_key_and_its_certificate_are_one_entry_whatever_their_names_are(void **state)
{
    (void)state;
    static const char *const types[] = { "RSA:2048", "EC:P-256", "EC:P-521", "ED25519" };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct token token;
        struct make_chain chain = make_chain("web.example", types[i], 1);
        token_begin(&token, WRITABLE);
        token_add(&token, token_private(TOKEN_SOFTHSM, chain.key, "web", "01"));
        token_add(&token, token_public(TOKEN_SOFTHSM, chain.key, "web", "01"));
        token_add(&token, token_cert(TOKEN_SOFTHSM, chain.leaf, "something else", "77"));
        CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_pkcs11);
        assert_int_equal(bundle->count, 1);
        const certstore_entry *entry = codec_entry(bundle, "web");
        assert_int_equal(entry->kind, CERTSTORE_KEY);
        assert_false(entry->unnamed);
        assert_true(csi_key_is_remote(entry->key));
        assert_chain(entry, 1, (const csi_blob *const[]){ chain.leaf });
        assert_int_equal(bundle->notes->count, 0);
        certstore_bundle_free(csi_steal(&bundle));
        make_chain_free(&chain);
        assert_int_equal(token.opened, 0);
        token_end(&token);
    }
}

static void a_keys_object_in_the_bundle_says_its_public_key(void **state)
{
    (void)state;
    struct token token;
    struct make_chain chain = make_chain("web.example", "EC:P-256", 1);
    token_begin(&token, WRITABLE);
    token_add(&token, token_private(TOKEN_SOFTHSM, chain.key, "web", "01"));
    token_add(&token, token_public(TOKEN_SOFTHSM, chain.key, "web", "01"));
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_pkcs11);
    CSI_AUTO_BUF spki = { 0 };
    CSI_AUTO(csi_blob) *expected = make_spki(chain.key);
    assert_true(csi_object_spki(csi_blob_span(codec_entry(bundle, "web")->key->sealed), &spki));
    assert_true(csi_span_equal(csi_buf_span(&spki), csi_blob_span(expected)));
    certstore_bundle_free(csi_steal(&bundle));
    make_chain_free(&chain);
    token_end(&token);
}

static void points_in_an_octet_string_and_bare_ones_are_the_same_key(void **state)
{
    (void)state;
    static const char *const types[] = { "EC:P-256", "EC:P-384", "ED25519", "ED448" };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct token token;
        struct make_chain chain = make_chain("web.example", types[i], 1);
        CSI_AUTO(csi_blob) *public = token_public(TOKEN_SOFTHSM, chain.key, "web", "01");
        struct csi_span point;
        assert_true(csi_object_get(csi_blob_span(public), CKA_EC_POINT, &point));
        token_begin(&token, WRITABLE);
        token_add(&token, token_private(TOKEN_SOFTHSM, chain.key, "web", "01"));
        token_add(&token, token_with(public, CKA_EC_POINT,
                                     csi_span(point.data + (point.data[1] < 0x80 ? 2 : 3), point.size - (point.data[1] < 0x80 ? 2 : 3))));
        token_add(&token, token_cert(TOKEN_SOFTHSM, chain.leaf, NULL, NULL));
        CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_pkcs11);
        assert_int_equal(bundle->count, 1);
        assert_int_equal(bundle->entries[0]->cert_count, 1);
        certstore_bundle_free(csi_steal(&bundle));
        make_chain_free(&chain);
        token_end(&token);
    }
}

static void without_a_public_key_the_id_pairs_and_at_last_the_label(void **state)
{
    (void)state;
    struct token token;
    struct make_chain a = make_chain("a.example", "EC:P-256", 1);
    struct make_chain b = make_chain("b.example", "EC:P-256", 2);
    token_begin(&token, WRITABLE);
    token_add(&token, token_private(TOKEN_SOFTHSM, a.key, "a", "01"));
    token_add(&token, token_private(TOKEN_SOFTHSM, b.key, "b", NULL));
    token_add(&token, token_cert(TOKEN_SOFTHSM, a.leaf, "b", "01"));
    token_add(&token, token_cert(TOKEN_SOFTHSM, b.leaf, "b", "02"));
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_pkcs11);
    assert_int_equal(bundle->count, 2);
    assert_chain(codec_entry(bundle, "a"), 1, (const csi_blob *const[]){ a.leaf });
    assert_chain(codec_entry(bundle, "b"), 1, (const csi_blob *const[]){ b.leaf });
    certstore_bundle_free(csi_steal(&bundle));
    make_chain_free(&a);
    make_chain_free(&b);
    token_end(&token);
}

static void a_certificate_of_another_key_is_not_paired_by_id_or_label_and_that_is_said(void **state)
{
    (void)state;
    static const char *const types[] = { "RSA:2048", "EC:P-256" };
    for (size_t i = 0; i < 2; i++) {
        struct token token;
        struct make_chain mine = make_chain("mine.example", types[i], 1);
        struct make_chain other = make_chain("other.example", types[i], 2);
        token_begin(&token, WRITABLE);
        token_add(&token, token_private(TOKEN_SOFTHSM, mine.key, "web", "01"));
        token_add(&token, token_public(TOKEN_SOFTHSM, mine.key, "web", "01"));
        token_add(&token, token_cert(TOKEN_SOFTHSM, other.leaf, "web", "01"));
        CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_pkcs11);
        assert_int_equal(bundle->count, 2);
        assert_int_equal(codec_entry(bundle, "web")->kind, CERTSTORE_KEY);
        assert_int_equal(codec_entry(bundle, "web")->cert_count, 0);
        assert_true(token_noted(bundle->notes, "key-mismatch", "web"));
        certstore_bundle_free(csi_steal(&bundle));
        make_chain_free(&mine);
        make_chain_free(&other);
        token_end(&token);
    }
}

static void another_kind_of_key_is_a_mismatch_even_where_the_token_hides_the_public_key(void **state)
{
    (void)state;
    struct token token;
    struct make_chain rsa = make_chain("rsa.example", "RSA:2048", 1);
    token_begin(&token, WRITABLE);
    token_add(&token, token_private(TOKEN_SOFTHSM, make_key("EC:P-256", 1), "web", "01"));
    token_add(&token, token_cert(TOKEN_SOFTHSM, rsa.leaf, "web", "01"));
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_pkcs11);
    assert_int_equal(bundle->count, 2);
    assert_true(token_noted(bundle->notes, "key-mismatch", "web"));
    certstore_bundle_free(csi_steal(&bundle));
    make_chain_free(&rsa);
    token_end(&token);
}

static void the_newest_certificate_of_a_key_is_its_own_and_the_older_ones_stay_beside_it(void **state)
{
    (void)state;
    struct token token;
    EVP_PKEY *key = make_key("EC:P-256", 1);
    X509 *old = make_cert(&(struct make_cert){ .subject = "CN=web", .key = key, .not_before = -200 * MAKE_DAY });
    X509 *new = make_cert(&(struct make_cert){ .subject = "CN=web", .key = key, .not_before = -2 * MAKE_DAY });
    CSI_AUTO(csi_blob) *old_der = make_der(old);
    CSI_AUTO(csi_blob) *new_der = make_der(new);
    token_begin(&token, WRITABLE);
    token_add(&token, token_private(TOKEN_SOFTHSM, key, "web", "01"));
    token_add(&token, token_public(TOKEN_SOFTHSM, key, "web", "01"));
    token_add(&token, token_cert(TOKEN_SOFTHSM, old_der, "web", "01"));
    token_add(&token, token_cert(TOKEN_SOFTHSM, new_der, "renewed", "02"));
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_pkcs11);
    assert_int_equal(bundle->count, 2);
    assert_chain(codec_entry(bundle, "web"), 1, (const csi_blob *const[]){ new_der });
    assert_true(token_noted(bundle->notes, "duplicate-certificate", "web"));
    assert_int_equal(bundle->entries[1]->kind, CERTSTORE_TRUSTED);
    assert_chain(bundle->entries[1], 1, (const csi_blob *const[]){ old_der });
    certstore_bundle_free(csi_steal(&bundle));
    X509_free(old);
    X509_free(new);
    token_end(&token);
}

static void a_key_that_is_there_twice_takes_the_certificate_of_its_own_name(void **state)
{
    (void)state;
    struct token token;
    EVP_PKEY *key = make_key("RSA:2048", 1);
    X509 *a = make_cert(&(struct make_cert){ .subject = "CN=a", .key = key });
    X509 *b = make_cert(&(struct make_cert){ .subject = "CN=b", .key = key, .not_before = -2 * MAKE_DAY });
    CSI_AUTO(csi_blob) *a_der = make_der(a);
    CSI_AUTO(csi_blob) *b_der = make_der(b);
    token_begin(&token, WRITABLE);
    token_add(&token, token_private(TOKEN_SOFTHSM, key, "b", "01"));
    token_add(&token, token_private(TOKEN_SOFTHSM, key, "a", "02"));
    token_add(&token, token_cert(TOKEN_SOFTHSM, a_der, "a", "01"));
    token_add(&token, token_cert(TOKEN_SOFTHSM, b_der, "b", "02"));
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_pkcs11);
    assert_chain(codec_entry(bundle, "a"), 1, (const csi_blob *const[]){ a_der });
    assert_chain(codec_entry(bundle, "b"), 1, (const csi_blob *const[]){ b_der });
    assert_true(token_noted(bundle->notes, "duplicate-key", NULL));
    certstore_bundle_free(csi_steal(&bundle));
    X509_free(a);
    X509_free(b);
    token_end(&token);
}

static void a_key_under_a_label_that_is_taken_has_a_name_of_its_own_and_is_reported(void **state)
{
    (void)state;
    struct token token;
    struct make_chain chain = make_chain("web.example", "EC:P-256", 1);
    EVP_PKEY *before = make_key("EC:P-256", 2);
    token_begin(&token, WRITABLE);
    token_add(&token, token_private(TOKEN_SOFTHSM, before, "web", "02"));
    token_add(&token, token_private(TOKEN_SOFTHSM, chain.key, "web", "01"));
    token_add(&token, token_cert(TOKEN_SOFTHSM, chain.leaf, "web", "01"));
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_pkcs11);
    assert_chain(codec_entry(bundle, "web"), 1, (const csi_blob *const[]){ chain.leaf });
    assert_memory_equal(bundle->entries[1]->alias, "web-key-", 8);
    assert_true(token_noted(bundle->notes, "shared-label", bundle->entries[1]->alias));
    certstore_bundle_free(csi_steal(&bundle));
    make_chain_free(&chain);
    token_end(&token);
}

/* -------------------------------------------------------------------------------------------------------------------- chain */

static void a_chain_is_followed_by_issuer_and_subject_over_certificates_that_stay_entries(void **state)
{
    (void)state;
    struct token token;
    struct make_chain chain = make_chain("web.example", "EC:P-256", 1);
    token_begin(&token, WRITABLE);
    token_add(&token, token_private(TOKEN_SOFTHSM, chain.key, "web", "01"));
    token_add(&token, token_cert(TOKEN_SOFTHSM, chain.leaf, "web", "01"));
    token_add(&token, token_cert(TOKEN_SOFTHSM, chain.root, "root", NULL));
    token_add(&token, token_cert(TOKEN_SOFTHSM, chain.intermediate, "issuer", NULL));
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_pkcs11);
    assert_int_equal(bundle->count, 3);
    assert_chain(codec_entry(bundle, "web"), 3, (const csi_blob *const[]){ chain.leaf, chain.intermediate, chain.root });
    assert_int_equal(codec_entry(bundle, "root")->kind, CERTSTORE_TRUSTED);
    assert_int_equal(codec_entry(bundle, "issuer")->kind, CERTSTORE_TRUSTED);
    certstore_bundle_free(csi_steal(&bundle));
    make_chain_free(&chain);
    token_end(&token);
}

static void certificates_labelled_as_a_chain_are_that_chain_and_no_entries(void **state)
{
    (void)state;
    struct token token;
    struct make_chain chain = make_chain("web.example", "EC:P-256", 1);
    token_begin(&token, WRITABLE);
    token_add(&token, token_private(TOKEN_SOFTHSM, chain.key, "web", "01"));
    token_add(&token, token_cert(TOKEN_SOFTHSM, chain.leaf, "web", "01"));
    token_add(&token, token_cert(TOKEN_SOFTHSM, chain.root, "web chain 2", NULL));
    token_add(&token, token_cert(TOKEN_SOFTHSM, chain.intermediate, "web chain 1", NULL));
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_pkcs11);
    assert_int_equal(bundle->count, 1);
    assert_chain(bundle->entries[0], 3, (const csi_blob *const[]){ chain.leaf, chain.intermediate, chain.root });
    certstore_bundle_free(csi_steal(&bundle));
    make_chain_free(&chain);
    token_end(&token);
}

static void a_chain_label_of_no_key_is_a_label_like_any_other(void **state)
{
    (void)state;
    struct token token;
    struct make_chain chain = make_chain("web.example", "EC:P-256", 1);
    token_begin(&token, WRITABLE);
    token_add(&token, token_cert(TOKEN_SOFTHSM, chain.intermediate, "web chain 1", NULL));
    token_add(&token, token_cert(TOKEN_SOFTHSM, chain.root, "web chain 01", NULL));
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_pkcs11);
    assert_int_equal(bundle->count, 2);
    codec_entry(bundle, "web chain 1");
    codec_entry(bundle, "web chain 01");
    certstore_bundle_free(csi_steal(&bundle));
    make_chain_free(&chain);
    token_end(&token);
}

static void two_authorities_that_certify_each_other_make_a_chain_that_ends(void **state)
{
    (void)state;
    struct token token;
    EVP_PKEY *a_key = make_key("EC:P-256", 1);
    EVP_PKEY *b_key = make_key("EC:P-256", 2);
    X509 *a = make_cert(&(struct make_cert){ .subject = "CN=A", .issuer = "CN=B", .key = a_key, .signer_key = b_key, .ca = true });
    X509 *b = make_cert(&(struct make_cert){ .subject = "CN=B", .issuer = "CN=A", .key = b_key, .signer_key = a_key, .ca = true });
    CSI_AUTO(csi_blob) *a_der = make_der(a);
    CSI_AUTO(csi_blob) *b_der = make_der(b);
    token_begin(&token, WRITABLE);
    token_add(&token, token_private(TOKEN_SOFTHSM, a_key, "a", "01"));
    token_add(&token, token_cert(TOKEN_SOFTHSM, a_der, "a", "01"));
    token_add(&token, token_cert(TOKEN_SOFTHSM, b_der, "b", NULL));
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_pkcs11);
    assert_chain(codec_entry(bundle, "a"), 2, (const csi_blob *const[]){ a_der, b_der });
    certstore_bundle_free(csi_steal(&bundle));
    X509_free(a);
    X509_free(b);
    token_end(&token);
}

/* -------------------------------------------------------------------------------------------------------------------- others */

static void what_has_no_label_gets_a_name_that_is_known_to_be_made_up(void **state)
{
    (void)state;
    struct token token;
    struct make_chain chain = make_chain("web.example", "EC:P-256", 1);
    token_begin(&token, WRITABLE);
    token_add(&token, token_private(TOKEN_SOFTHSM, chain.key, NULL, "01"));
    token_add(&token, token_cert(TOKEN_SOFTHSM, chain.leaf, NULL, "01"));
    token_add(&token, token_private(TOKEN_SOFTHSM, make_key("EC:P-256", 5), NULL, "05"));
    token_add(&token, token_cert(TOKEN_SOFTHSM, chain.root, NULL, NULL));
    token_add(&token, token_cert(TOKEN_SOFTHSM, chain.root, NULL, NULL));
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_pkcs11);
    assert_int_equal(bundle->count, 4);
    assert_true(codec_entry(bundle, "web.example")->unnamed);
    assert_true(codec_entry(bundle, "test-root")->unnamed);
    for (size_t i = 0; i < bundle->count; i++)
        assert_true(bundle->entries[i]->unnamed);
    certstore_bundle_free(csi_steal(&bundle));
    make_chain_free(&chain);
    token_end(&token);
}

static void a_certificates_label_names_the_key_that_has_none(void **state)
{
    (void)state;
    struct token token;
    struct make_chain chain = make_chain("web.example", "RSA:2048", 1);
    token_begin(&token, WRITABLE);
    token_add(&token, token_private(TOKEN_SOFTHSM, chain.key, NULL, "01"));
    token_add(&token, token_cert(TOKEN_SOFTHSM, chain.leaf, "web", "01"));
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_pkcs11);
    assert_false(codec_entry(bundle, "web")->unnamed);
    certstore_bundle_free(csi_steal(&bundle));
    make_chain_free(&chain);
    token_end(&token);
}

static void labels_of_any_bytes_are_aliases(void **state)
{
    (void)state;
    struct token token;
    struct make_chain chain = make_chain("web.example", "RSA:2048", 1);
    CSI_AUTO(csi_blob) *cert = token_cert(TOKEN_SOFTHSM, chain.root, NULL, NULL);
    token_begin(&token, WRITABLE);
    token_add(&token, token_with(cert, CKA_LABEL, csi_span("a\0b", 3)));
    token_add(&token, token_with(cert, CKA_LABEL, csi_span("caf\xe9", 4)));
    token_add(&token, token_with(cert, CKA_LABEL, csi_span("caf\xc3\xa8", 5)));
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_pkcs11);
    assert_int_equal(bundle->count, 3);
    codec_entry(bundle, "a\xc0\x80"
                        "b");
    codec_entry(bundle, "caf\xc3\xa9");
    codec_entry(bundle, "caf\xc3\xa8");
    certstore_bundle_free(csi_steal(&bundle));
    make_chain_free(&chain);
    token_end(&token);
}

static void secret_keys_data_and_lone_public_keys_are_entries_of_their_kinds(void **state)
{
    (void)state;
    struct token token;
    EVP_PKEY *key = make_key("RSA:2048", 1);
    CSI_AUTO(csi_blob) *spki = make_spki(key);
    CSI_AUTO(csi_blob) *data = token_data("notes", "app", "hello");
    token_begin(&token, WRITABLE);
    token_add(&token, token_aes("backup", "06"));
    token_add(&token, csi_blob_ref(data));
    token_add(&token, token_public(TOKEN_SOFTHSM, key, "peer", "09"));
    token_add(&token, token_with_number(data, CKA_CLASS, CKO_HW_FEATURE));
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_pkcs11);
    assert_int_equal(bundle->count, 4);
    assert_int_equal(codec_entry(bundle, "backup")->kind, CERTSTORE_SECRET);
    assert_string_equal(csi_object_secret_algorithm(csi_blob_span(codec_entry(bundle, "backup")->key->sealed)), "AES");
    const certstore_entry *notes = codec_entry(bundle, "notes");
    assert_string_equal(notes->type, "data");
    assert_true(csi_span_equal(csi_blob_span(notes->content), csi_span_text("hello")));
    const certstore_entry *peer = codec_entry(bundle, "peer");
    assert_string_equal(peer->type, "public-key");
    assert_true(csi_span_equal(csi_blob_span(peer->content), csi_blob_span(spki)));
    assert_string_equal(bundle->entries[3]->type, "class 0x5");
    certstore_bundle_free(csi_steal(&bundle));
    token_end(&token);
}

static void nsss_revocation_lists_are_revocation_lists(void **state)
{
    (void)state;
    struct token token;
    EVP_PKEY *key = make_key("EC:P-256", 1);
    X509 *root = make_cert(&(struct make_cert){ .subject = "CN=Root", .key = key, .ca = true });
    CSI_AUTO(csi_blob) *der = make_crl(root, key);
    CSI_AUTO(csi_blob) *like = token_data("x", "x", "x");
    CSI_AUTO(csi_blob) *crl = token_with_number(like, CKA_CLASS, CKO_NSS_CRL);
    token_begin(&token, CSI_TOKEN_NSS_TRUST);
    token_add(&token, token_with(crl, CKA_VALUE, csi_blob_span(der)));
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_nss);
    assert_int_equal(bundle->count, 1);
    assert_int_equal(bundle->entries[0]->kind, CERTSTORE_CRL);
    assert_true(csi_span_equal(csi_blob_span(bundle->entries[0]->content), csi_blob_span(der)));
    certstore_bundle_free(csi_steal(&bundle));
    X509_free(root);
    token_end(&token);
}

static void what_is_no_object_and_what_is_over_a_ceiling_is_refused(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    struct csi_limits limits = csi_limits_default;
    struct token token;
    token_begin(&token, 0);
    token_add(&token, token_data("a", "b", "c"));
    token_add(&token, token_data("d", "e", "f"));
    const struct csi_decode in = { .parts = token.parts, .limits = &limits };
    limits.value[CERTSTORE_LIMIT_ENTRIES] = 1;
    assert_null(csi_codec_pkcs11.decode(&in, &err));
    assert_int_equal(err.status, CERTSTORE_E_LIMIT);
    err = (certstore_error){ 0 };
    limits = csi_limits_default;
    limits.value[CERTSTORE_LIMIT_CERT_SIZE] = 8;
    assert_null(csi_codec_pkcs11.decode(&in, &err));
    assert_int_equal(err.status, CERTSTORE_E_LIMIT);
    err = (certstore_error){ 0 };
    limits = csi_limits_default;
    limits.value[CERTSTORE_LIMIT_ALIAS_SIZE] = 0;
    assert_null(csi_codec_pkcs11.decode(&in, &err));
    assert_int_equal(err.status, CERTSTORE_E_LIMIT);
    err = (certstore_error){ 0 };
    limits = csi_limits_default;
    token_add(&token, csi_blob_new("no object", 9, &err));
    assert_null(csi_codec_pkcs11.decode(&in, &err));
    assert_int_equal(err.status, CERTSTORE_E_MALFORMED);
    token_end(&token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_and_its_certificate_are_one_entry_whatever_their_names_are),
        cmocka_unit_test(a_keys_object_in_the_bundle_says_its_public_key),
        cmocka_unit_test(points_in_an_octet_string_and_bare_ones_are_the_same_key),
        cmocka_unit_test(without_a_public_key_the_id_pairs_and_at_last_the_label),
        cmocka_unit_test(a_certificate_of_another_key_is_not_paired_by_id_or_label_and_that_is_said),
        cmocka_unit_test(another_kind_of_key_is_a_mismatch_even_where_the_token_hides_the_public_key),
        cmocka_unit_test(the_newest_certificate_of_a_key_is_its_own_and_the_older_ones_stay_beside_it),
        cmocka_unit_test(a_key_that_is_there_twice_takes_the_certificate_of_its_own_name),
        cmocka_unit_test(a_key_under_a_label_that_is_taken_has_a_name_of_its_own_and_is_reported),
        cmocka_unit_test(a_chain_is_followed_by_issuer_and_subject_over_certificates_that_stay_entries),
        cmocka_unit_test(certificates_labelled_as_a_chain_are_that_chain_and_no_entries),
        cmocka_unit_test(a_chain_label_of_no_key_is_a_label_like_any_other),
        cmocka_unit_test(two_authorities_that_certify_each_other_make_a_chain_that_ends),
        cmocka_unit_test(what_has_no_label_gets_a_name_that_is_known_to_be_made_up),
        cmocka_unit_test(a_certificates_label_names_the_key_that_has_none),
        cmocka_unit_test(labels_of_any_bytes_are_aliases),
        cmocka_unit_test(secret_keys_data_and_lone_public_keys_are_entries_of_their_kinds),
        cmocka_unit_test(nsss_revocation_lists_are_revocation_lists),
        cmocka_unit_test(what_is_no_object_and_what_is_over_a_ceiling_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
