/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sign.c: signing and decrypting by name, and what an entry says of its key, through the public functions: for keys in files and for keys
 * that stay on a token (SoftHSM), which must not be told apart by what comes out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <certstore_openssl.h>

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "support/make.h"
#include "support/tokenkey.h"

CSI_DEFINE_AUTO(EVP_PKEY, EVP_PKEY_free)
CSI_DEFINE_AUTO(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
CSI_DEFINE_AUTO(EVP_MD_CTX, EVP_MD_CTX_free)
CSI_DEFINE_AUTO(X509_REQ, X509_REQ_free)
CSI_DEFINE_AUTO(certstore_bytes, certstore_bytes_free)

static const uint8_t message[] = "to whom it may concern";

/* A key entry whose key is here, without a certificate; the caller's. */
static certstore_entry *file_entry(const char *type)
{
    CSI_AUTO(csi_blob) *pkcs8 = make_pkcs8(make_key(type, 1));
    certstore_entry *entry = certstore_entry_new_key("web", pkcs8->data, pkcs8->size, NULL);
    assert_non_null(entry);
    return entry;
}

static certstore_entry *entry_of(const char *type, bool on_token)
{
    return on_token ? tokenkey_entry("web", type, true, false) : file_entry(type);
}

static size_t digest_of(const char *name, uint8_t digest[64])
{
    unsigned size = 0;
    assert_int_equal(EVP_Digest(message, sizeof message, digest, &size, EVP_get_digestbyname(name), NULL), 1);
    return size;
}

static bool verifies(const char *type, const char *digest, const char *padding, const certstore_bytes *made)
{
    EVP_PKEY_CTX *inner = NULL;
    CSI_AUTO(EVP_MD_CTX) *context = EVP_MD_CTX_new();
    const EVP_MD *md = digest[0] != '\0' ? EVP_get_digestbyname(digest) : NULL;
    bool pss = strcmp(padding, "pss") == 0;
    return EVP_DigestVerifyInit(context, &inner, md, NULL, make_key(type, 1)) == 1 &&
           (!pss || (EVP_PKEY_CTX_set_rsa_padding(inner, RSA_PKCS1_PSS_PADDING) == 1 &&
                     EVP_PKEY_CTX_set_rsa_pss_saltlen(inner, RSA_PSS_SALTLEN_DIGEST) == 1)) &&
           EVP_DigestVerify(context, certstore_bytes_data(made), certstore_bytes_size(made), message, sizeof message) == 1;
}

static const struct way {
    const char *type;
    const char *digest;
    const char *padding;
} ways[] = {
    { "RSA:2048", "SHA256", "pkcs1" }, { "RSA:2048", "SHA512", "pkcs1" }, { "RSA:2048", "SHA256", "pss" },
    { "RSA:2048", "SHA384", "pss" },   { "EC:P-256", "SHA256", "" },      { "EC:P-256", "SHA512", "" },
    { "EC:P-384", "SHA384", "" },      { "EC:P-521", "SHA512", "" },      { "ED25519", "", "" },
};
enum { WAYS = sizeof ways / sizeof *ways };

static void every_key_signs_by_name_in_a_file_or_on_a_token(void **state)
{
    (void)state;
    for (int on_token = 0; on_token < 2; on_token++)
        for (size_t i = 0; i < WAYS; i++) {
            const struct way *way = &ways[i];
            certstore_error err = { 0 };
            uint8_t digest[64];
            CSI_AUTO(certstore_entry) *entry = entry_of(way->type, on_token);
            size_t size = way->digest[0] != '\0' ? digest_of(way->digest, digest) : 0;
            CSI_AUTO(certstore_bytes) *made =
                certstore_key_sign(entry, way->digest, way->padding, size > 0 ? digest : message, size > 0 ? size : sizeof message, &err);
            if (made == NULL)
                fail_msg("%s %s %s: %s (%s)", way->type, way->digest, way->padding, err.message, err.cause);
            assert_true(verifies(way->type, way->digest, way->padding, made));
            assert_int_equal(ERR_peek_error(), 0);
        }
}

static void a_deterministic_signature_is_the_same_from_a_file_and_a_token(void **state)
{
    (void)state;
    static const struct way same[] = { { "RSA:2048", "SHA256", "pkcs1" }, { "ED25519", "", "" } };
    for (size_t i = 0; i < 2; i++) {
        uint8_t digest[64];
        size_t size = same[i].digest[0] != '\0' ? digest_of(same[i].digest, digest) : 0;
        CSI_AUTO(certstore_entry) *here = entry_of(same[i].type, false);
        CSI_AUTO(certstore_entry) *there = entry_of(same[i].type, true);
        const uint8_t *data = size > 0 ? digest : message;
        size = size > 0 ? size : sizeof message;
        CSI_AUTO(certstore_bytes) *one = certstore_key_sign(here, same[i].digest, same[i].padding, data, size, NULL);
        CSI_AUTO(certstore_bytes) *other = certstore_key_sign(there, same[i].digest, same[i].padding, data, size, NULL);
        assert_non_null(one);
        assert_non_null(other);
        assert_int_equal(certstore_bytes_size(one), certstore_bytes_size(other));
        assert_memory_equal(certstore_bytes_data(one), certstore_bytes_data(other), certstore_bytes_size(one));
    }
}

static certstore_status refusal(certstore_entry *entry, const char *digest, const char *padding, size_t size)
{
    uint8_t data[64] = { 0 };
    certstore_error err = { 0 };
    CSI_AUTO(certstore_bytes) *made = certstore_key_sign(entry, digest, padding, data, size, &err);
    assert_null(made);
    assert_non_null(strchr(err.message, ';'));
    assert_int_equal(ERR_peek_error(), 0);
    return err.status;
}

static void what_does_not_go_together_is_refused_before_anything_is_signed(void **state)
{
    (void)state;
    for (int on_token = 0; on_token < 2; on_token++) {
        CSI_AUTO(certstore_entry) *rsa = entry_of("RSA:2048", on_token);
        CSI_AUTO(certstore_entry) *ec = entry_of("EC:P-256", on_token);
        CSI_AUTO(certstore_entry) *ed = entry_of("ED25519", on_token);
        assert_int_equal(refusal(rsa, "SHA256", "pkcs1", 31), CERTSTORE_E_ARGUMENT);
        assert_int_equal(refusal(rsa, "SHA256", "", 32), CERTSTORE_E_ARGUMENT);
        assert_int_equal(refusal(rsa, "SHA256", "x931", 32), CERTSTORE_E_ARGUMENT);
        assert_int_equal(refusal(rsa, "", "pss", 32), CERTSTORE_E_ARGUMENT);
        assert_int_equal(refusal(rsa, "SHA257", "pss", 32), CERTSTORE_E_UNSUPPORTED);
        assert_int_equal(refusal(ec, "SHA256", "pss", 32), CERTSTORE_E_ARGUMENT);
        assert_int_equal(refusal(ec, "SHA256", "", 33), CERTSTORE_E_ARGUMENT);
        assert_int_equal(refusal(ed, "SHA512", "", 64), CERTSTORE_E_ARGUMENT);
        assert_int_equal(refusal(ed, "", "pkcs1", 64), CERTSTORE_E_ARGUMENT);
        assert_int_equal(refusal(NULL, "", "", 0), CERTSTORE_E_ARGUMENT);
        assert_int_equal(refusal(ec, NULL, "", 32), CERTSTORE_E_ARGUMENT);
        assert_int_equal(refusal(ec, "SHA256", NULL, 32), CERTSTORE_E_ARGUMENT);
    }
    X509 *cert = tokenkey_cert("RSA:2048");
    CSI_AUTO(csi_blob) *der = make_der(cert);
    X509_free(cert);
    CSI_AUTO(certstore_entry) *trusted = make_trusted("root", der);
    assert_int_equal(refusal(trusted, "SHA256", "pkcs1", 32), CERTSTORE_E_ARGUMENT);
}

static size_t seal(int padding, const EVP_MD *md, uint8_t sealed[256])
{
    size_t size = 256;
    CSI_AUTO(EVP_PKEY_CTX) *context = EVP_PKEY_CTX_new(make_key("RSA:2048", 1), NULL);
    assert_int_equal(EVP_PKEY_encrypt_init(context), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, padding), 1);
    if (md != NULL)
        assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md(context, md), 1);
    assert_int_equal(EVP_PKEY_encrypt(context, sealed, &size, message, sizeof message), 1);
    return size;
}

static void opens(const certstore_entry *entry, const char *padding, const char *digest, const uint8_t *sealed, size_t size)
{
    certstore_error err = { 0 };
    CSI_AUTO(certstore_bytes) *opened = certstore_key_decrypt(entry, padding, digest, sealed, size, &err);
    if (opened == NULL)
        fail_msg("%s %s: %s (%s)", padding, digest, err.message, err.cause);
    assert_int_equal(certstore_bytes_size(opened), sizeof message);
    assert_memory_equal(certstore_bytes_data(opened), message, sizeof message);
}

static void what_was_encrypted_for_a_key_is_decrypted_by_name(void **state)
{
    (void)state;
    uint8_t sealed[256];
    for (int on_token = 0; on_token < 2; on_token++) {
        certstore_error err = { 0 };
        CSI_AUTO(certstore_entry) *rsa = entry_of("RSA:2048", on_token);
        opens(rsa, "pkcs1", "", sealed, seal(RSA_PKCS1_PADDING, NULL, sealed));
        opens(rsa, "oaep", "SHA1", sealed, seal(RSA_PKCS1_OAEP_PADDING, EVP_sha1(), sealed));
        if (!on_token) /* SoftHSM has OAEP with SHA-1 alone */
            opens(rsa, "oaep", "SHA256", sealed, seal(RSA_PKCS1_OAEP_PADDING, EVP_sha256(), sealed));
        size_t size = seal(RSA_PKCS1_OAEP_PADDING, EVP_sha1(), sealed);
        sealed[9] ^= 1;
        assert_null(certstore_key_decrypt(rsa, "oaep", "SHA1", sealed, size, &err));
        assert_int_not_equal(err.status, CERTSTORE_OK);
        assert_int_equal(ERR_peek_error(), 0);
    }
}

static certstore_status decrypt_refusal(certstore_entry *entry, const char *padding, const char *digest)
{
    uint8_t data[256] = { 0 };
    certstore_error err = { 0 };
    assert_null(certstore_key_decrypt(entry, padding, digest, data, sizeof data, &err));
    assert_int_equal(ERR_peek_error(), 0);
    return err.status;
}

static void only_rsa_decrypts_and_only_with_a_padding_that_it_has(void **state)
{
    (void)state;
    for (int on_token = 0; on_token < 2; on_token++) {
        CSI_AUTO(certstore_entry) *rsa = entry_of("RSA:2048", on_token);
        CSI_AUTO(certstore_entry) *ec = entry_of("EC:P-256", on_token);
        assert_int_equal(decrypt_refusal(ec, "oaep", "SHA256"), CERTSTORE_E_ARGUMENT);
        assert_int_equal(decrypt_refusal(rsa, "none", ""), CERTSTORE_E_ARGUMENT);
        assert_int_equal(decrypt_refusal(rsa, "oaep", ""), CERTSTORE_E_ARGUMENT);
        assert_int_equal(decrypt_refusal(rsa, "pkcs1", "SHA256"), CERTSTORE_E_ARGUMENT);
        assert_int_equal(decrypt_refusal(rsa, "oaep", "SHA257"), CERTSTORE_E_UNSUPPORTED);
        assert_int_equal(decrypt_refusal(rsa, NULL, ""), CERTSTORE_E_ARGUMENT);
    }
}

/* ------------------------------------------------------------------------------------------------ what an entry says of its key */

static const struct fact {
    const char *type;
    const char *algorithm;
    int bits;
} facts[] = {
    { "RSA:2048", "RSA", 2048 }, { "EC:P-256", "EC", 256 }, { "EC:P-384", "EC", 384 }, { "EC:P-521", "EC", 521 }, { "ED25519", "ED25519", 256 }
};
enum { FACTS = sizeof facts / sizeof *facts };

static void says(const certstore_entry *entry, const struct fact *fact)
{
    certstore_error err = { 0 };
    CSI_AUTO(certstore_bytes) *algorithm = certstore_entry_export_key_algorithm(entry, &err);
    if (algorithm == NULL)
        fail_msg("%s: %s", fact->type, err.message);
    assert_string_equal((const char *)certstore_bytes_data(algorithm), fact->algorithm);
    assert_int_equal(certstore_entry_key_bits(entry, &err), fact->bits);
    assert_int_equal(err.status, CERTSTORE_OK);
}

static void public_key_is(const certstore_entry *entry, const char *type)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_blob) *expected = make_spki(make_key(type, 1));
    CSI_AUTO(certstore_bytes) *made = certstore_entry_export_public_key(entry, &err);
    if (made == NULL)
        fail_msg("%s: %s", type, err.message);
    assert_int_equal(certstore_bytes_size(made), expected->size);
    assert_memory_equal(certstore_bytes_data(made), expected->data, expected->size);
}

static void algorithm_size_and_public_key_are_known_wherever_the_key_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < FACTS; i++) {
        CSI_AUTO(certstore_entry) *here = file_entry(facts[i].type);
        CSI_AUTO(certstore_entry) *certified = tokenkey_entry("web", facts[i].type, true, false);
        CSI_AUTO(certstore_entry) *told = tokenkey_entry("web", facts[i].type, false, true);
        CSI_AUTO(certstore_entry) *untold = tokenkey_entry("web", facts[i].type, false, false);
        says(here, &facts[i]);
        says(certified, &facts[i]);
        says(told, &facts[i]);
        says(untold, &facts[i]);
        public_key_is(here, facts[i].type);
        public_key_is(certified, facts[i].type);
        public_key_is(told, facts[i].type);
    }
}

/* What is found out without the token is found out without it: one that is spied upon hears nothing. */
static void no_token_is_asked_for_what_its_objects_say(void **state)
{
    (void)state;
    CSI_AUTO(csi_p11) *token = tokenkey_token();
    for (size_t i = 0; i < FACTS; i++) {
        CSI_AUTO(certstore_entry) *told = tokenkey_entry("web", facts[i].type, true, true);
        tokens_spy_on(token);
        says(told, &facts[i]);
        public_key_is(told, facts[i].type);
        assert_int_equal(certstore_entry_check_key(told, NULL), CERTSTORE_OK);
        int calls = tokens_spy.logins + tokens_spy.finds + tokens_spy.signs + tokens_spy.creates;
        tokens_spy_off();
        assert_int_equal(calls, 0);
    }
}

static void a_public_key_that_nobody_says_is_asked_for_by_name(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO(certstore_entry) *untold = tokenkey_entry("web", "EC:P-256", false, false);
    assert_null(certstore_entry_export_public_key(untold, &err));
    assert_int_equal(err.status, CERTSTORE_E_UNSUPPORTED);
    assert_string_equal(err.message, "web: its token does not say its public key; put its certificate or its public key beside it");
    certstore_error_clear(&err);
    assert_null(certstore_entry_pkey(untold, &err));
    assert_int_equal(err.status, CERTSTORE_E_UNSUPPORTED);
}

static void give_anothers_certificate(certstore_entry *entry, const char *type)
{
    certstore_error err = { 0 };
    X509 *cert = make_cert(&(struct make_cert){ .subject = "CN=another", .key = make_key(type, 2) });
    CSI_AUTO(csi_blob) *der = make_der(cert);
    X509_free(cert);
    csi_entry_clear_certs(entry);
    assert_int_equal(csi_entry_append_cert(entry, der, csi_blob_span(der), &err), CERTSTORE_OK);
}

/* By the object where it says the public key; else by a signature. */
static void a_certificate_of_another_key_is_found_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < FACTS; i++)
        for (int told = 0; told < 2; told++) {
            certstore_error err = { 0 };
            CSI_AUTO(certstore_entry) *entry = tokenkey_entry("web", facts[i].type, true, told);
            if (certstore_entry_check_key(entry, &err) != CERTSTORE_OK)
                fail_msg("%s: %s (%s)", facts[i].type, err.message, err.cause);
            give_anothers_certificate(entry, facts[i].type);
            assert_int_equal(certstore_entry_check_key(entry, &err), CERTSTORE_E_MISMATCH);
        }
}

static void a_request_is_made_with_a_key_that_stays_on_its_token(void **state)
{
    (void)state;
    for (size_t i = 0; i < FACTS; i++) {
        certstore_error err = { 0 };
        CSI_AUTO(certstore_entry) *entry = tokenkey_entry("web", facts[i].type, false, true);
        CSI_AUTO(certstore_bytes) *made = certstore_entry_export_csr(entry, "CN=web.example", "web.example", &err);
        if (made == NULL)
            fail_msg("%s: %s (%s)", facts[i].type, err.message, err.cause);
        const unsigned char *at = certstore_bytes_data(made);
        CSI_AUTO(X509_REQ) *request = d2i_X509_REQ(NULL, &at, (long)certstore_bytes_size(made));
        assert_int_equal(X509_REQ_verify(request, make_key(facts[i].type, 1)), 1);
    }
}

/* ---------------------------------------------------------------------------------------------------------------- failures */

static void the_tokens_own_reason_comes_through(void **state)
{
    (void)state;
    static const struct {
        CK_RV rv;
        certstore_status status;
    } answers[] = { { CKR_DEVICE_REMOVED, CERTSTORE_E_UNAVAILABLE }, { CKR_MECHANISM_INVALID, CERTSTORE_E_UNSUPPORTED } };
    uint8_t digest[64] = { 0 };
    CSI_AUTO(csi_p11) *token = tokenkey_token();
    for (size_t i = 0; i < 2; i++) {
        certstore_error err = { 0 };
        certstore_error csr = { 0 };
        CSI_AUTO(certstore_entry) *entry = tokenkey_entry("web", "EC:P-256", true, true);
        tokens_spy_on(token);
        tokens_spy.refuse.function = "C_SignInit";
        tokens_spy.refuse.answer = answers[i].rv;
        tokens_spy.refuse.times = 100;
        assert_null(certstore_key_sign(entry, "SHA256", "", digest, 32, &err));
        assert_null(certstore_entry_export_csr(entry, "CN=web", "", &csr));
        tokens_spy_off();
        assert_int_equal(err.status, answers[i].status);
        assert_int_equal(csr.status, answers[i].status);
        assert_non_null(strstr(err.message, "token keys"));
        assert_int_equal(ERR_peek_error(), 0);
    }
}

static void a_key_whose_token_is_not_at_hand_says_so(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    uint8_t digest[32] = { 0 };
    CSI_AUTO(csi_p11) *token = tokenkey_token();
    CSI_AUTO(csi_blob) *object = tokenkey_object(token, "RSA:2048");
    CSI_AUTO(certstore_entry) *entry = csi_entry_new(CERTSTORE_KEY, "web", &err);
    entry->key = csi_key_new_remote(NULL, object, &err);
    assert_null(certstore_key_sign(entry, "SHA256", "pkcs1", digest, sizeof digest, &err));
    assert_int_equal(err.status, CERTSTORE_E_UNAVAILABLE);
}

static void a_token_key_is_no_key_to_export(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO(certstore_entry) *entry = tokenkey_entry("web", "RSA:2048", true, true);
    CSI_AUTO(EVP_PKEY) *key = certstore_entry_pkey(entry, &err);
    assert_non_null(key);
    assert_null(certstore_entry_export_key(entry, &err));
    assert_int_equal(err.status, CERTSTORE_E_BOUND);
    certstore_error_clear(&err);
    assert_null(certstore_entry_from_pkey("copy", key, NULL, NULL, &err));
    assert_int_equal(err.status, CERTSTORE_E_UNSUPPORTED);
    assert_int_equal(ERR_peek_error(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_signs_by_name_in_a_file_or_on_a_token),
        cmocka_unit_test(a_deterministic_signature_is_the_same_from_a_file_and_a_token),
        cmocka_unit_test(what_does_not_go_together_is_refused_before_anything_is_signed),
        cmocka_unit_test(what_was_encrypted_for_a_key_is_decrypted_by_name),
        cmocka_unit_test(only_rsa_decrypts_and_only_with_a_padding_that_it_has),
        cmocka_unit_test(algorithm_size_and_public_key_are_known_wherever_the_key_is),
        cmocka_unit_test(no_token_is_asked_for_what_its_objects_say),
        cmocka_unit_test(a_public_key_that_nobody_says_is_asked_for_by_name),
        cmocka_unit_test(a_certificate_of_another_key_is_found_out),
        cmocka_unit_test(a_request_is_made_with_a_key_that_stays_on_its_token),
        cmocka_unit_test(the_tokens_own_reason_comes_through),
        cmocka_unit_test(a_key_whose_token_is_not_at_hand_says_so),
        cmocka_unit_test(a_token_key_is_no_key_to_export),
    };
    return cmocka_run_group_tests_name("sign", tests, NULL, NULL);
}
