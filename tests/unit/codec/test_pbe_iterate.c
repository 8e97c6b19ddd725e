/* SPDX-License-Identifier: Apache-2.0 */
/* test_pbe_iterate.c: the derivations give the bytes that the standards and OpenSSL give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "base/error.h"
#include "codec/pbe_iterate.h"

static const size_t input_sizes[] = { 0, 1, 8, 20, 63, 64, 65, 128, 200 };
static const size_t output_sizes[] = { 1, 20, 21, 32, 33, 64, 100 };
static const uint64_t iteration_counts[] = { 1, 2, 3, 100 };
static const char *const digests[] = { "SHA1", "SHA2-256" };
enum { INPUTS = sizeof input_sizes / sizeof *input_sizes, OUTPUTS = sizeof output_sizes / sizeof *output_sizes };

static uint8_t bytes[256];

static int fill(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(255 - i); /* high bytes, so that sums carry */
    return 0;
}

static void expect_pbkdf2(const char *digest, const char *password, const char *salt, uint64_t iterations, const uint8_t *wanted, size_t size)
{
    uint8_t out[64];
    const struct csi_iterated_hash *hash = csi_iterated_hash(digest);
    assert_non_null(hash);
    csi_iterate_pbkdf2(hash, csi_span_text(password), csi_span_text(salt), iterations, out, size);
    assert_memory_equal(out, wanted, size);
}

static void pbkdf2_gives_what_rfc_6070_and_rfc_7914_say(void **state)
{
    (void)state;
    static const uint8_t two[] = { 0xea, 0x6c, 0x01, 0x4d, 0xc7, 0x2d, 0x6f, 0x8c, 0xcd, 0x1e,
                                   0xd9, 0x2a, 0xce, 0x1d, 0x41, 0xf0, 0xd8, 0xde, 0x89, 0x57 };
    static const uint8_t long_one[] = { 0x3d, 0x2e, 0xec, 0x4f, 0xe4, 0x1c, 0x84, 0x9b, 0x80, 0xc8, 0xd8, 0x36, 0x62,
                                        0xc0, 0xe4, 0x4a, 0x8b, 0x29, 0x1a, 0x96, 0x4c, 0xf2, 0xf0, 0x70, 0x38 };
    static const uint8_t sodium[] = { 0x4d, 0xdc, 0xd8, 0xf6, 0x0b, 0x98, 0xbe, 0x21, 0x83, 0x0c, 0xee, 0x5e, 0xf2, 0x27, 0x01, 0xf9,
                                      0x64, 0x1a, 0x44, 0x18, 0xd0, 0x4c, 0x04, 0x14, 0xae, 0xff, 0x08, 0x87, 0x6b, 0x34, 0xab, 0x56,
                                      0xa1, 0xd4, 0x25, 0xa1, 0x22, 0x58, 0x33, 0x54, 0x9a, 0xdb, 0x84, 0x1b, 0x51, 0xc9, 0xb3, 0x17,
                                      0x6a, 0x27, 0x2b, 0xde, 0xbb, 0xa1, 0xd0, 0x78, 0x47, 0x8f, 0x62, 0xb3, 0x97, 0xf3, 0x3c, 0x8d };
    expect_pbkdf2("SHA1", "password", "salt", 2, two, sizeof two);
    expect_pbkdf2("SHA1", "passwordPASSWORDpassword", "saltSALTsaltSALTsaltSALTsaltSALTsalt", 4096, long_one, sizeof long_one);
    expect_pbkdf2("SHA2-256", "Password", "NaCl", 80000, sodium, sizeof sodium);
}

static void pbkdf2_gives_what_openssl_gives(void **state)
{
    (void)state;
    for (size_t d = 0; d < 2; d++)
        for (size_t p = 0; p < INPUTS; p++)
            for (size_t s = 0; s < INPUTS; s++)
                for (size_t i = 0; i < sizeof iteration_counts / sizeof *iteration_counts; i++)
                    for (size_t o = 0; o < OUTPUTS; o++) {
                        uint8_t wanted[128];
                        uint8_t out[128] = { 0 };
                        const EVP_MD *md = d == 0 ? EVP_sha1() : EVP_sha256();
                        assert_int_equal(PKCS5_PBKDF2_HMAC((const char *)bytes, (int)input_sizes[p], bytes + 7, (int)input_sizes[s],
                                                           (int)iteration_counts[i], md, (int)output_sizes[o], wanted),
                                         1);
                        csi_iterate_pbkdf2(csi_iterated_hash(digests[d]), csi_span(bytes, input_sizes[p]), csi_span(bytes + 7, input_sizes[s]),
                                           iteration_counts[i], out, output_sizes[o]);
                        assert_memory_equal(out, wanted, output_sizes[o]);
                        assert_int_equal(out[output_sizes[o]], 0);
                    }
}

static void openssl_pkcs12(const char *digest, int id, struct csi_span password, struct csi_span salt, uint64_t iterations, uint8_t *out, size_t size)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "PKCS12KDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, (void *)(uintptr_t)password.data, password.size),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt.data, salt.size),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_ITER, &iterations),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)digest, 0),
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_PKCS12_ID, &id),
        OSSL_PARAM_construct_end(),
    };
    assert_int_equal(EVP_KDF_derive(ctx, out, size, params), 1);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}

static void pkcs12_gives_what_openssl_gives(void **state)
{
    (void)state;
    for (size_t d = 0; d < 2; d++)
        for (size_t p = 0; p < INPUTS; p++)
            for (size_t s = 0; s < INPUTS; s++)
                for (size_t i = 0; i < sizeof iteration_counts / sizeof *iteration_counts; i++)
                    for (size_t o = 0; o < OUTPUTS; o++) {
                        uint8_t wanted[128];
                        uint8_t out[128] = { 0 };
                        certstore_error err = { 0 };
                        const struct csi_span password = csi_span(bytes, input_sizes[p]);
                        const struct csi_span salt = csi_span(bytes + 7, input_sizes[s]);
                        const int id = 1 + (int)(o % 3);
                        if (password.size + salt.size == 0) /* OpenSSL 3.0 allocates nothing for both, and takes that for a failure */
                            continue;
                        openssl_pkcs12(digests[d], id, password, salt, iteration_counts[i], wanted, output_sizes[o]);
                        assert_int_equal(csi_iterate_pkcs12(csi_iterated_hash(digests[d]), (uint8_t)id, password, salt, iteration_counts[i], out,
                                                            output_sizes[o], &err),
                                         CERTSTORE_OK);
                        assert_memory_equal(out, wanted, output_sizes[o]);
                        assert_int_equal(out[output_sizes[o]], 0);
                    }
}

static void other_digests_are_left_to_openssl(void **state)
{
    (void)state;
    static const char *const others[] = { "SHA2-512", "SHA2-224", "MD5", "SHA3-256", "", "SHA" };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_null(csi_iterated_hash(others[i]));
}

/* Whoever sets the property by which OpenSSL uses validated modules only must not get this code. */
static void where_fips_is_asked_for_everything_is_left_to_openssl(void **state)
{
    (void)state;
    assert_int_equal(EVP_default_properties_enable_fips(NULL, 1), 1);
    const struct csi_iterated_hash *hash = csi_iterated_hash("SHA2-256");
    assert_int_equal(EVP_default_properties_enable_fips(NULL, 0), 1);
    assert_null(hash);
    assert_non_null(csi_iterated_hash("SHA2-256"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pbkdf2_gives_what_rfc_6070_and_rfc_7914_say),
        cmocka_unit_test(pbkdf2_gives_what_openssl_gives),
        cmocka_unit_test(pkcs12_gives_what_openssl_gives),
        cmocka_unit_test(other_digests_are_left_to_openssl),
        cmocka_unit_test(where_fips_is_asked_for_everything_is_left_to_openssl),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
