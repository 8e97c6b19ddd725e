/* SPDX-License-Identifier: Apache-2.0 */
/* test_pubkey.c: one public key in every form it has, and no two taken for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <p11-kit/pkcs11.h>

#include <openssl/ec.h>

#include "base/writer.h"
#include "model/pubkey.h"
#include "support/make.h"

static const char *const types[] = { "RSA:2048", "RSA-PSS:2048", "EC:P-256", "EC:P-384", "EC:P-521", "ED25519", "ED448" };
enum { TYPES = sizeof types / sizeof *types };

static csi_blob *object_of(struct csi_span spki, uint32_t object_class, bool with_point)
{
    certstore_error err = { 0 };
    CSI_AUTO_DRAFT draft = { 0 };
    csi_object_put_number(&draft, CKA_CLASS, object_class);
    assert_true(csi_object_put_spki(&draft, spki, with_point));
    csi_blob *object = csi_object_finish(&draft, &err);
    assert_non_null(object);
    return object;
}

static void a_key_is_the_same_as_spki_and_as_a_tokens_numbers_and_comes_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < TYPES; i++) {
        CSI_AUTO(csi_blob) *spki = make_spki(make_key(types[i], 1));
        CSI_AUTO(csi_blob) *object = object_of(csi_blob_span(spki), CKO_PUBLIC_KEY, true);
        CSI_AUTO_BUF back = { 0 };
        struct csi_pubkey one;
        struct csi_pubkey again;
        struct csi_pubkey told[2];
        assert_true(csi_pubkey_of_spki(csi_blob_span(spki), &one));
        size_t count = csi_pubkey_of_object(csi_blob_span(object), told);
        assert_true(count > 0 && csi_pubkey_equal(&told[0], &one));
        assert_true(csi_object_spki(csi_blob_span(object), &back));
        assert_true(csi_pubkey_of_spki(csi_buf_span(&back), &again) && csi_pubkey_equal(&one, &again));
        if (strcmp(types[i], "RSA-PSS:2048") != 0) /* a token's RSA key is for any padding */
            assert_true(csi_span_equal(csi_buf_span(&back), csi_blob_span(spki)));
    }
}

static void two_keys_are_never_one(void **state)
{
    (void)state;
    struct csi_pubkey keys[2 * TYPES];
    for (size_t i = 0; i < 2 * TYPES; i++) {
        CSI_AUTO(csi_blob) *spki = make_spki(make_key(types[i / 2], 1 + (int)(i % 2)));
        assert_true(csi_pubkey_of_spki(csi_blob_span(spki), &keys[i]));
        for (size_t j = 0; j < i; j++)
            assert_false(csi_pubkey_equal(&keys[i], &keys[j]));
    }
}

static void a_compressed_point_is_the_same_key(void **state)
{
    (void)state;
    for (int number = 1; number <= 6; number++) { /* of either sign, sooner or later */
        EVP_PKEY *key = EVP_PKEY_dup(make_key("EC:P-256", number));
        CSI_AUTO(csi_blob) *whole = make_spki(key);
        assert_int_equal(EVP_PKEY_set_utf8_string_param(key, "point-format", "compressed"), 1);
        CSI_AUTO(csi_blob) *compressed = make_spki(key);
        struct csi_pubkey a;
        struct csi_pubkey b;
        assert_true(compressed->size < whole->size);
        assert_true(csi_pubkey_of_spki(csi_blob_span(whole), &a) && csi_pubkey_of_spki(csi_blob_span(compressed), &b));
        assert_true(csi_pubkey_equal(&a, &b));
        EVP_PKEY_free(key);
    }
}

static void a_bare_point_and_one_in_an_octet_string_tell_the_same_key(void **state)
{
    (void)state;
    for (size_t i = 2; i < TYPES; i++) {
        certstore_error err = { 0 };
        CSI_AUTO(csi_blob) *spki = make_spki(make_key(types[i], 1));
        CSI_AUTO(csi_blob) *object = object_of(csi_blob_span(spki), CKO_PUBLIC_KEY, true);
        CSI_AUTO_DRAFT draft = { 0 };
        struct csi_span point;
        struct csi_tlv inner;
        assert_true(csi_object_get(csi_blob_span(object), CKA_EC_POINT, &point));
        struct csi_reader r = csi_reader(point);
        assert_true(csi_der_expect(&r, CSI_DER_OCTET_STRING, &inner));
        csi_object_put_all(&draft, csi_blob_span(object));
        csi_object_put(&draft, CKA_EC_POINT, inner.content);
        CSI_AUTO(csi_blob) *bare = csi_object_finish(&draft, &err);
        CSI_AUTO_BUF back = { 0 };
        struct csi_pubkey wanted;
        struct csi_pubkey told[2];
        assert_true(csi_pubkey_of_spki(csi_blob_span(spki), &wanted));
        size_t count = csi_pubkey_of_object(csi_blob_span(bare), told);
        assert_true(count >= 1 && (csi_pubkey_equal(&told[0], &wanted) || (count == 2 && csi_pubkey_equal(&told[1], &wanted))));
        assert_true(csi_object_spki(csi_blob_span(bare), &back) && csi_span_equal(csi_buf_span(&back), csi_blob_span(spki)));
    }
}

/* Some modules name the curve in a PrintableString instead of RFC 8410's OID. */
static void a_curve_by_its_name_is_that_curve(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO(csi_blob) *spki = make_spki(make_key("ED25519", 1));
    CSI_AUTO(csi_blob) *object = object_of(csi_blob_span(spki), CKO_PUBLIC_KEY, true);
    CSI_AUTO_DRAFT draft = { 0 };
    CSI_AUTO_BUF back = { 0 };
    csi_object_put_all(&draft, csi_blob_span(object));
    csi_object_put(&draft, CKA_EC_PARAMS,
                   csi_span_text("\x13\x0c"
                                 "edwards25519"));
    CSI_AUTO(csi_blob) *named = csi_object_finish(&draft, &err);
    assert_true(csi_object_spki(csi_blob_span(named), &back) && csi_span_equal(csi_buf_span(&back), csi_blob_span(spki)));
}

static void a_private_key_says_its_public_one_only_where_its_numbers_do(void **state)
{
    (void)state;
    struct csi_pubkey told[2];
    CSI_AUTO_BUF out = { 0 };
    CSI_AUTO(csi_blob) *rsa = make_spki(make_key("RSA:2048", 1));
    CSI_AUTO(csi_blob) *ec = make_spki(make_key("EC:P-256", 1));
    CSI_AUTO(csi_blob) *rsa_object = object_of(csi_blob_span(rsa), CKO_PRIVATE_KEY, false);
    CSI_AUTO(csi_blob) *ec_object = object_of(csi_blob_span(ec), CKO_PRIVATE_KEY, false);
    assert_int_equal(csi_pubkey_of_object(csi_blob_span(rsa_object), told), 1);
    assert_int_equal(csi_pubkey_of_object(csi_blob_span(ec_object), told), 0);
    assert_false(csi_object_spki(csi_blob_span(ec_object), &out));
    assert_int_equal(out.size, 0);
}

static void dsa_is_known_by_its_public_number_and_a_private_value_is_not_taken_for_it(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO(csi_blob) *spki = make_spki(make_key("DSA:1024", 1));
    struct csi_pubkey key;
    struct csi_pubkey told[2];
    CSI_AUTO_DRAFT draft = { 0 };
    assert_true(csi_pubkey_of_spki(csi_blob_span(spki), &key));
    assert_false(csi_object_put_spki(&draft, csi_blob_span(spki), true));
    csi_object_put_number(&draft, CKA_CLASS, CKO_PRIVATE_KEY);
    csi_object_put_number(&draft, CKA_KEY_TYPE, CKK_DSA);
    csi_object_put(&draft, CKA_VALUE, csi_span_text("secret"));
    CSI_AUTO(csi_blob) *private = csi_object_finish(&draft, &err);
    assert_int_equal(csi_pubkey_of_object(csi_blob_span(private), told), 0);
    csi_object_put_number(&draft, CKA_CLASS, CKO_PUBLIC_KEY);
    CSI_AUTO(csi_blob) *public = csi_object_finish(&draft, &err);
    assert_int_equal(csi_pubkey_of_object(csi_blob_span(public), told), 1);
}

static void key_ids_are_the_standards_or_nsss(void **state)
{
    (void)state;
    uint8_t standard[20];
    uint8_t nss[20];
    CSI_AUTO(csi_blob) *ec = make_spki(make_key("EC:P-256", 1));
    assert_true(csi_spki_key_id(csi_blob_span(ec), false, standard) && csi_spki_key_id(csi_blob_span(ec), true, nss));
    assert_memory_equal(standard, nss, sizeof nss); /* of a point both take the same bytes */
    CSI_AUTO(csi_blob) *rsa = make_spki(make_key("RSA:2048", 1));
    assert_true(csi_spki_key_id(csi_blob_span(rsa), false, standard) && csi_spki_key_id(csi_blob_span(rsa), true, nss));
    assert_memory_not_equal(standard, nss, sizeof nss);
    assert_false(csi_spki_key_id(csi_span_text("no key"), false, standard));
}

static void what_is_cut_short_is_no_key(void **state)
{
    (void)state;
    struct csi_pubkey key;
    for (size_t i = 0; i < TYPES; i++) {
        CSI_AUTO(csi_blob) *spki = make_spki(make_key(types[i], 1));
        for (size_t size = 0; size < spki->size; size++)
            assert_false(csi_pubkey_of_spki(csi_span(spki->data, size), &key));
    }
}

static void secret_keys_have_javas_names_and_back(void **state)
{
    (void)state;
    static const char *const names[] = { "AES", "DESede", "HmacSHA256", "HmacSHA1", "Camellia", "" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        certstore_error err = { 0 };
        CSI_AUTO_DRAFT draft = { 0 };
        csi_object_put_number(&draft, CKA_CLASS, CKO_SECRET_KEY);
        csi_object_put_number(&draft, CKA_KEY_TYPE, csi_secret_key_type(names[i]));
        CSI_AUTO(csi_blob) *object = csi_object_finish(&draft, &err);
        assert_string_equal(csi_object_secret_algorithm(csi_blob_span(object)), names[i]);
    }
    assert_int_equal(csi_secret_key_type("PBEWithMD5AndDES"), CKK_GENERIC_SECRET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_the_same_as_spki_and_as_a_tokens_numbers_and_comes_back),
        cmocka_unit_test(two_keys_are_never_one),
        cmocka_unit_test(a_compressed_point_is_the_same_key),
        cmocka_unit_test(a_bare_point_and_one_in_an_octet_string_tell_the_same_key),
        cmocka_unit_test(a_curve_by_its_name_is_that_curve),
        cmocka_unit_test(a_private_key_says_its_public_one_only_where_its_numbers_do),
        cmocka_unit_test(dsa_is_known_by_its_public_number_and_a_private_value_is_not_taken_for_it),
        cmocka_unit_test(key_ids_are_the_standards_or_nsss),
        cmocka_unit_test(what_is_cut_short_is_no_key),
        cmocka_unit_test(secret_keys_have_javas_names_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
