/* SPDX-License-Identifier: Apache-2.0 */
/* test_pkcs8.c: EncryptedPrivateKeyInfo opens whatever OpenSSL writes, says why when it does not open, and follows an existing one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "codec/pbe.h"
#include "codec/pkcs8.h"

static const char right[] = "p\xc3\xa4ssword";

struct fixture {
    csi_secret *pkcs8;
    csi_secret *password;
    csi_secret *wrong;
    EVP_PKEY *key;
    certstore_error err;
};

static csi_secret *pkcs8_of(EVP_PKEY *key, certstore_error *err)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    unsigned char *der = NULL;
    int size = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    assert_true(size > 0);
    csi_secret *secret = csi_secret_new(der, (size_t)size, err);
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(info);
    return secret;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->key = EVP_EC_gen("P-256");
    f->pkcs8 = pkcs8_of(f->key, &f->err);
    f->password = csi_secret_new(right, sizeof right - 1, &f->err);
    f->wrong = csi_secret_new("wrong", 5, &f->err);
    *state = f;
    return f->err.status == CERTSTORE_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    EVP_PKEY_free(f->key);
    csi_secret_free(f->pkcs8);
    csi_secret_free(f->password);
    csi_secret_free(f->wrong);
    free(f);
    return 0;
}

/* Opens with a limit on iterations, and compares with the key it should be. */
static certstore_status open_within(const struct fixture *f, const csi_blob *sealed, const csi_secret *password, uint64_t limit, uint64_t *spent)
{
    struct csi_limits limits = csi_limits_default;
    limits.value[CERTSTORE_LIMIT_KDF_ITERATIONS] = limit;
    struct csi_budget budget = { .limits = &limits };
    certstore_error err = { 0 };
    CSI_AUTO_PLAIN plain = { 0 };
    certstore_status status = csi_protection_pkcs8.open(sealed, password, &budget, &plain, &err);
    if (status == CERTSTORE_OK)
        assert_true(csi_span_equal(csi_secret_span(plain.bytes), csi_secret_span(f->pkcs8)));
    else
        assert_true(strstr(err.message, right) == NULL);
    *spent = budget.spent;
    return status;
}

static certstore_status open_it(const struct fixture *f, const csi_blob *sealed, const csi_secret *password)
{
    uint64_t spent;
    return open_within(f, sealed, password, 5000000, &spent);
}

/* What OpenSSL itself makes; nid of a cipher for PBES2, of a scheme otherwise. */
static csi_blob *openssl_sealed(struct fixture *f, int nid)
{
    const EVP_CIPHER *cipher = EVP_get_cipherbynid(nid);
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(f->key);
    X509_SIG *sig = PKCS8_encrypt(cipher != NULL ? -1 : nid, cipher, right, (int)sizeof right - 1, NULL, 0, 2048, info);
    PKCS8_PRIV_KEY_INFO_free(info);
    if (sig == NULL)
        return NULL;
    unsigned char *der = NULL;
    int size = i2d_X509_SIG(sig, &der);
    csi_blob *blob = csi_blob_new(der, (size_t)size, &f->err);
    OPENSSL_free(der);
    X509_SIG_free(sig);
    return blob;
}

static void what_openssl_seals_opens_at_the_price_of_one_derivation(void **state)
{
    struct fixture *f = *state;
    const int nids[] = { NID_aes_128_cbc,
                         NID_aes_192_cbc,
                         NID_aes_256_cbc,
                         NID_des_ede3_cbc,
                         NID_camellia_128_cbc,
                         NID_pbe_WithSHA1And3_Key_TripleDES_CBC,
                         NID_pbe_WithSHA1And2_Key_TripleDES_CBC };
    for (size_t i = 0; i < sizeof nids / sizeof *nids; i++) {
        CSI_AUTO(csi_blob) *sealed = openssl_sealed(f, nids[i]);
        uint64_t spent;
        assert_non_null(sealed);
        assert_int_equal(open_within(f, sealed, f->password, 5000000, &spent), CERTSTORE_OK);
        assert_int_equal(spent, 2048);
        assert_int_equal(open_it(f, sealed, f->wrong), CERTSTORE_E_PASSWORD);
        assert_int_equal(open_it(f, sealed, NULL), CERTSTORE_E_PASSWORD);
    }
}

static void what_is_sealed_opens_again_and_the_salt_is_fresh(void **state)
{
    struct fixture *f = *state;
    const enum csi_pkcs8_scheme schemes[] = { CSI_PKCS8_PBES2_AES256_SHA256, CSI_PKCS8_PBE_SHA1_3DES, CSI_PKCS8_JKS };
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        CSI_AUTO(csi_blob) *a = csi_pkcs8_seal(schemes[i], csi_secret_span(f->pkcs8), f->password, 0, &f->err);
        CSI_AUTO(csi_blob) *b = csi_pkcs8_seal(schemes[i], csi_secret_span(f->pkcs8), f->password, 0, &f->err);
        assert_non_null(a);
        assert_non_null(b);
        assert_false(csi_span_equal(csi_blob_span(a), csi_blob_span(b)));
        assert_int_equal(open_it(f, a, f->password), CERTSTORE_OK);
        assert_int_equal(open_it(f, a, f->wrong), CERTSTORE_E_PASSWORD);
    }
}

static void jceks_seals_under_an_ascii_passphrase(void **state)
{
    struct fixture *f = *state;
    CSI_AUTO(csi_secret) *ascii = csi_secret_new("changeit", 8, &f->err);
    CSI_AUTO(csi_blob) *sealed = csi_pkcs8_seal(CSI_PKCS8_JCEKS, csi_secret_span(f->pkcs8), ascii, 100, &f->err);
    uint64_t spent;
    assert_non_null(sealed);
    assert_int_equal(open_within(f, sealed, ascii, 100, &spent), CERTSTORE_OK);
    assert_int_equal(open_within(f, sealed, ascii, 99, &spent), CERTSTORE_E_LIMIT);
}

static void resealing_keeps_algorithm_and_iterations_and_changes_salt_and_iv(void **state)
{
    struct fixture *f = *state;
    CSI_AUTO(csi_blob) *like = openssl_sealed(f, NID_camellia_128_cbc);
    CSI_AUTO(csi_blob) *again = csi_pkcs8_reseal(csi_blob_span(like), csi_secret_span(f->pkcs8), f->wrong, &csi_limits_default, &f->err);
    assert_non_null(again);
    assert_int_equal(again->size, like->size);
    assert_int_equal(open_it(f, again, f->wrong), CERTSTORE_OK);
    assert_int_equal(open_it(f, again, f->password), CERTSTORE_E_PASSWORD);
    size_t different = 0;
    for (size_t i = 0; i < 90; i++) /* the parameters: only salt (8) and IV (16) may differ */
        different += like->data[i] != again->data[i];
    assert_in_range(different, 8, 24);
}

/* An edit may follow an envelope that nobody has opened: what it asks for is bounded all the same. */
static void an_envelope_that_asks_for_too_much_work_is_not_followed(void **state)
{
    struct fixture *f = *state;
    static const enum csi_pkcs8_scheme schemes[] = { CSI_PKCS8_PBES2_AES256_SHA256, CSI_PKCS8_PBE_SHA1_3DES, CSI_PKCS8_JCEKS };
    CSI_AUTO(csi_secret) *ascii = csi_secret_new("changeit", 8, &f->err);
    struct csi_limits limits = csi_limits_default;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        certstore_error err = { 0 };
        CSI_AUTO(csi_blob) *like = csi_pkcs8_seal(schemes[i], csi_secret_span(f->pkcs8), ascii, 3000, &err);
        limits.value[CERTSTORE_LIMIT_KDF_ITERATIONS] = 2999;
        assert_null(csi_pkcs8_reseal(csi_blob_span(like), csi_secret_span(f->pkcs8), ascii, &limits, &err));
        assert_int_equal(err.status, CERTSTORE_E_LIMIT);
        certstore_error_clear(&err);
        limits.value[CERTSTORE_LIMIT_KDF_ITERATIONS] = 3000;
        CSI_AUTO(csi_blob) *again = csi_pkcs8_reseal(csi_blob_span(like), csi_secret_span(f->pkcs8), ascii, &limits, &err);
        assert_int_equal(open_it(f, again, ascii), CERTSTORE_OK);
    }
}

static void iterations_are_refused_before_anything_is_derived(void **state)
{
    struct fixture *f = *state;
    CSI_AUTO(csi_blob) *sealed = csi_pkcs8_seal(CSI_PKCS8_PBES2_AES256_SHA256, csi_secret_span(f->pkcs8), f->password, 3000, &f->err);
    uint64_t spent;
    assert_int_equal(open_within(f, sealed, f->password, 2999, &spent), CERTSTORE_E_LIMIT);
    assert_int_equal(spent, 0);
    assert_int_equal(open_within(f, sealed, f->password, 3000, &spent), CERTSTORE_OK);
}

static void an_unknown_algorithm_is_named_and_is_not_a_wrong_passphrase(void **state)
{
    struct fixture *f = *state;
    CSI_AUTO(csi_blob) *sealed = openssl_sealed(f, NID_aes_256_cbc);
    static const uint8_t aes256_cbc[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a };
    uint8_t *oid = memmem(sealed->data, sealed->size, aes256_cbc, sizeof aes256_cbc);
    assert_non_null(oid);
    oid[8] = 0x7f;
    struct csi_budget budget = { .limits = &csi_limits_default };
    certstore_error err = { 0 };
    CSI_AUTO_PLAIN plain = { 0 };
    assert_int_equal(csi_protection_pkcs8.open(sealed, f->password, &budget, &plain, &err), CERTSTORE_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "2.16.840.1.101.3.4.1.127"));
    assert_int_equal(budget.spent, 0);
}

static void every_cut_and_every_flipped_byte_is_refused_or_read_without_harm(void **state)
{
    struct fixture *f = *state;
    CSI_AUTO(csi_blob) *sealed = csi_pkcs8_seal(CSI_PKCS8_PBES2_AES256_SHA256, csi_secret_span(f->pkcs8), f->password, 1, &f->err);
    for (size_t i = 0; i < sealed->size; i++) {
        CSI_AUTO(csi_blob) *cut = csi_blob_new(sealed->data, i, &f->err);
        CSI_AUTO(csi_blob) *flipped = csi_blob_new(sealed->data, sealed->size, &f->err);
        flipped->data[i] ^= 0x41;
        struct csi_budget budget = { .limits = &csi_limits_default };
        certstore_error err = { 0 };
        CSI_AUTO_PLAIN plain = { 0 };
        CSI_AUTO_PLAIN other = { 0 };
        assert_int_equal(csi_protection_pkcs8.open(cut, f->password, &budget, &plain, &err), CERTSTORE_E_MALFORMED);
        err = (certstore_error){ 0 };
        csi_protection_pkcs8.open(flipped, f->password, &budget, &other, &err);
    }
}

static void old_forms_become_the_pkcs8_that_openssl_makes_of_them(void **state)
{
    struct fixture *f = *state;
    const struct {
        const char *type;
        EVP_PKEY *key;
    } cases[] = { { "RSA PRIVATE KEY", EVP_RSA_gen(1024) }, { "EC", f->key } };
    for (size_t i = 0; i < 2; i++) {
        unsigned char *der = NULL;
        int size = i2d_PrivateKey(cases[i].key, &der); /* the traditional form */
        assert_true(size > 0);
        CSI_AUTO(csi_secret) *expected = pkcs8_of(cases[i].key, &f->err);
        CSI_AUTO(csi_secret) *made = csi_pkcs8_from_traditional(cases[i].type, csi_span(der, (size_t)size), &f->err);
        assert_non_null(made);
        assert_true(csi_span_equal(csi_secret_span(expected), csi_secret_span(made)));
        OPENSSL_free(der);
    }
    EVP_PKEY_free(cases[0].key);
    certstore_error err = { 0 };
    assert_null(csi_pkcs8_from_traditional("EC", csi_secret_span(f->pkcs8), &err));
    assert_int_equal(err.status, CERTSTORE_E_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_openssl_seals_opens_at_the_price_of_one_derivation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_sealed_opens_again_and_the_salt_is_fresh, set_up, tear_down),
        cmocka_unit_test_setup_teardown(jceks_seals_under_an_ascii_passphrase, set_up, tear_down),
        cmocka_unit_test_setup_teardown(resealing_keeps_algorithm_and_iterations_and_changes_salt_and_iv, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_envelope_that_asks_for_too_much_work_is_not_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(iterations_are_refused_before_anything_is_derived, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_unknown_algorithm_is_named_and_is_not_a_wrong_passphrase, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_cut_and_every_flipped_byte_is_refused_or_read_without_harm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(old_forms_become_the_pkcs8_that_openssl_makes_of_them, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("pkcs8", tests, NULL, NULL);
}
