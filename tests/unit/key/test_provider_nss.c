/* SPDX-License-Identifier: Apache-2.0 */
/* test_provider_nss.c: the same keys in an NSS database: another module, with other habits and more mechanisms than SoftHSM has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "key/provider.h"
#include "support/faulty_os.h"
#include "support/make.h"
#include "support/tokenkey.h"

CSI_DEFINE_AUTO(EVP_PKEY, EVP_PKEY_free)
CSI_DEFINE_AUTO(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
CSI_DEFINE_AUTO(EVP_MD_CTX, EVP_MD_CTX_free)

static const uint8_t text[] = "another module";

static csi_p11 *open_database(void)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_chars) *folder = test_dir_new();
    CSI_AUTO(csi_chars) *directory = tokens_nss_make(folder, "database", TOKEN_PIN);
    csi_p11 *token = tokens_open_nss(directory, TOKEN_PIN, &err);
    if (token == NULL)
        fail_msg("%s (%s)", err.message, err.cause);
    return token;
}

static EVP_PKEY *key_in(csi_p11 *token, const char *type)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_blob) *object = tokenkey_object(token, type);
    CSI_AUTO(csi_blob) *spki = make_spki(make_key(type, 1));
    EVP_PKEY *key = csi_token_pkey(token, csi_blob_span(object), csi_blob_span(spki), &err);
    assert_non_null(key);
    return key;
}

static bool signs(EVP_PKEY *key, EVP_PKEY *verifier, int padding, int salt)
{
    uint8_t made[512];
    size_t size = sizeof made;
    EVP_PKEY_CTX *inner[2] = { NULL, NULL };
    CSI_AUTO(EVP_MD_CTX) *signing = EVP_MD_CTX_new();
    CSI_AUTO(EVP_MD_CTX) *verifying = EVP_MD_CTX_new();
    bool good = EVP_DigestSignInit(signing, &inner[0], EVP_sha384(), NULL, key) == 1 &&
                EVP_DigestVerifyInit(verifying, &inner[1], EVP_sha384(), NULL, verifier) == 1;
    for (int i = 0; i < 2 && padding != 0; i++)
        good = good && EVP_PKEY_CTX_set_rsa_padding(inner[i], padding) == 1 &&
               (padding != RSA_PKCS1_PSS_PADDING || EVP_PKEY_CTX_set_rsa_pss_saltlen(inner[i], salt) == 1);
    good = good && EVP_DigestSign(signing, made, &size, text, sizeof text) == 1 && EVP_DigestVerify(verifying, made, size, text, sizeof text) == 1;
    if (!good)
        ERR_print_errors_fp(stderr);
    return good;
}

static void keys_in_an_nss_database_sign_and_decrypt(void **state)
{
    (void)state;
    static const char *const curves[] = { "EC:P-256", "EC:P-384", "EC:P-521" };
    CSI_AUTO(csi_p11) *token = open_database();
    CSI_AUTO(EVP_PKEY) *rsa = key_in(token, "RSA:2048");
    EVP_PKEY *software = make_key("RSA:2048", 1);
    assert_true(signs(rsa, software, RSA_PKCS1_PADDING, 0));
    assert_true(signs(rsa, software, RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_DIGEST));
    assert_true(signs(rsa, software, RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_MAX));
    for (size_t i = 0; i < 3; i++) {
        CSI_AUTO(EVP_PKEY) *key = key_in(token, curves[i]);
        assert_true(signs(key, make_key(curves[i], 1), 0, 0));
    }
}

/* What SoftHSM does not do: a digest of SHA-2, and a label. */
static void oaep_with_sha256_and_a_label_is_opened(void **state)
{
    (void)state;
    uint8_t sealed[512];
    uint8_t opened[512];
    size_t size = sizeof sealed;
    size_t opened_size = sizeof opened;
    CSI_AUTO(csi_p11) *token = open_database();
    CSI_AUTO(EVP_PKEY) *rsa = key_in(token, "RSA:2048");
    CSI_AUTO(EVP_PKEY_CTX) *sealing = EVP_PKEY_CTX_new(make_key("RSA:2048", 1), NULL);
    CSI_AUTO(EVP_PKEY_CTX) *opening = EVP_PKEY_CTX_new(rsa, NULL);
    assert_int_equal(EVP_PKEY_encrypt_init(sealing), 1);
    assert_int_equal(EVP_PKEY_decrypt_init(opening), 1);
    EVP_PKEY_CTX *both[2] = { sealing, opening };
    for (int i = 0; i < 2; i++) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(both[i], RSA_PKCS1_OAEP_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md(both[i], EVP_sha256()), 1);
        assert_int_equal(EVP_PKEY_CTX_set0_rsa_oaep_label(both[i], OPENSSL_strdup("for you"), 7), 1);
    }
    assert_int_equal(EVP_PKEY_encrypt(sealing, sealed, &size, text, sizeof text), 1);
    if (EVP_PKEY_decrypt(opening, opened, &opened_size, sealed, size) != 1) {
        certstore_error err = { 0 };
        csi_token_pkey_failure(rsa, &err);
        fail_msg("%s (%s)", err.message, err.cause);
    }
    assert_int_equal(opened_size, sizeof text);
    assert_memory_equal(opened, text, sizeof text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_in_an_nss_database_sign_and_decrypt),
        cmocka_unit_test(oaep_with_sha256_and_a_label_is_opened),
    };
    return cmocka_run_group_tests_name("provider_nss", tests, NULL, NULL);
}
