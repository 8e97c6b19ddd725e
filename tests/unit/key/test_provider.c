/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_provider.c: what OpenSSL does with a key that stays on its token, each thing in the default library context: signs what X.509 has to sign,
 * CMS, every padding that RSA has; what it may not have, the private key, it does not get. Over SoftHSM; verified by software keys.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/cms.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "key/provider.h"
#include "support/make.h"
#include "support/tokenkey.h"

CSI_DEFINE_AUTO(EVP_PKEY, EVP_PKEY_free)
CSI_DEFINE_AUTO(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
CSI_DEFINE_AUTO(EVP_MD_CTX, EVP_MD_CTX_free)
CSI_DEFINE_AUTO(X509, X509_free)
CSI_DEFINE_AUTO(X509_REQ, X509_REQ_free)
CSI_DEFINE_AUTO(X509_CRL, X509_CRL_free)
CSI_DEFINE_AUTO(CMS_ContentInfo, CMS_ContentInfo_free)
CSI_DEFINE_AUTO(BIO, BIO_free_all)

static const char *const types[] = { "RSA:2048", "EC:P-256", "EC:P-384", "EC:P-521", "ED25519" };
enum { TYPES = sizeof types / sizeof *types };
static const uint8_t text[] = "what is signed and what is sealed";

static const EVP_MD *digest_for(const char *type)
{
    return strcmp(type, "ED25519") == 0 ? NULL : EVP_sha256();
}

static void check(int good, const char *what, const char *type)
{
    if (good > 0)
        return;
    ERR_print_errors_fp(stderr);
    fail_msg("%s: %s failed", type, what);
}

/* ------------------------------------------------------------------------------------------------------------------- X.509 */

static X509_REQ *make_request(EVP_PKEY *key, const char *type)
{
    X509_REQ *request = X509_REQ_new();
    check(X509_REQ_set_version(request, X509_REQ_VERSION_1), "X509_REQ_set_version", type);
    check(X509_REQ_set_pubkey(request, key), "X509_REQ_set_pubkey", type);
    check(X509_REQ_sign(request, key, digest_for(type)), "X509_REQ_sign", type);
    return request;
}

static void a_request_is_signed_and_says_the_same_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < TYPES; i++) {
        CSI_AUTO(EVP_PKEY) *key = tokenkey_make(types[i]);
        CSI_AUTO(X509_REQ) *request = make_request(key, types[i]);
        check(X509_REQ_verify(request, make_key(types[i], 1)), "X509_REQ_verify by the software key", types[i]);
        check(X509_REQ_verify(request, key), "X509_REQ_verify by the token's key", types[i]);
        check(X509_REQ_verify(request, X509_REQ_get0_pubkey(request)), "X509_REQ_verify by the key inside", types[i]);
    }
}

static X509 *make_signed(EVP_PKEY *key, const char *type)
{
    X509 *cert = tokenkey_cert(type);
    check(X509_set_pubkey(cert, key), "X509_set_pubkey", type);
    check(X509_sign(cert, key, digest_for(type)), "X509_sign", type);
    return cert;
}

static void a_certificate_is_signed_and_names_the_algorithm(void **state)
{
    (void)state;
    static const int algorithms[] = { NID_sha256WithRSAEncryption, NID_ecdsa_with_SHA256, NID_ecdsa_with_SHA256, NID_ecdsa_with_SHA256, NID_ED25519 };
    for (size_t i = 0; i < TYPES; i++) {
        CSI_AUTO(EVP_PKEY) *key = tokenkey_make(types[i]);
        CSI_AUTO(X509) *cert = make_signed(key, types[i]);
        assert_int_equal(X509_get_signature_nid(cert), algorithms[i]);
        check(X509_verify(cert, make_key(types[i], 1)), "X509_verify by the software key", types[i]);
        check(X509_verify(cert, key), "X509_verify by the token's key", types[i]);
        check(X509_check_private_key(cert, key), "X509_check_private_key", types[i]);
    }
}

static void a_certificate_is_signed_with_pss(void **state)
{
    (void)state;
    CSI_AUTO(EVP_PKEY) *key = tokenkey_make("RSA:2048");
    CSI_AUTO(X509) *cert = tokenkey_cert("RSA:2048");
    CSI_AUTO(EVP_MD_CTX) *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *inner = NULL;
    check(EVP_DigestSignInit(context, &inner, EVP_sha384(), NULL, key), "EVP_DigestSignInit", "PSS");
    check(EVP_PKEY_CTX_set_rsa_padding(inner, RSA_PKCS1_PSS_PADDING), "padding", "PSS");
    check(EVP_PKEY_CTX_set_rsa_pss_saltlen(inner, RSA_PSS_SALTLEN_DIGEST), "salt", "PSS");
    check(X509_sign_ctx(cert, context), "X509_sign_ctx", "PSS");
    assert_int_equal(X509_get_signature_nid(cert), NID_rsassaPss);
    check(X509_verify(cert, make_key("RSA:2048", 1)), "X509_verify", "PSS");
}

static void a_revocation_list_is_signed(void **state)
{
    (void)state;
    for (size_t i = 0; i < TYPES; i++) {
        CSI_AUTO(EVP_PKEY) *key = tokenkey_make(types[i]);
        CSI_AUTO(X509) *cert = tokenkey_cert(types[i]);
        CSI_AUTO(csi_blob) *der = make_crl(cert, make_key(types[i], 1));
        const unsigned char *at = der->data;
        CSI_AUTO(X509_CRL) *crl = d2i_X509_CRL(NULL, &at, (long)der->size);
        ASN1_INTEGER *serial = ASN1_INTEGER_new();
        assert_int_equal(ASN1_INTEGER_set(serial, 77), 1);
        X509_REVOKED *revoked = X509_REVOKED_new();
        check(X509_REVOKED_set_serialNumber(revoked, serial), "X509_REVOKED_set_serialNumber", types[i]);
        check(X509_REVOKED_set_revocationDate(revoked, (ASN1_TIME *)(uintptr_t)X509_CRL_get0_lastUpdate(crl)), "date", types[i]);
        check(X509_CRL_add0_revoked(crl, revoked), "X509_CRL_add0_revoked", types[i]);
        ASN1_INTEGER_free(serial);
        assert_int_not_equal(X509_CRL_verify(crl, key), 1); /* another content than was signed */
        check(X509_CRL_sign(crl, key, digest_for(types[i])), "X509_CRL_sign", types[i]);
        check(X509_CRL_verify(crl, make_key(types[i], 1)), "X509_CRL_verify", types[i]);
    }
}

/* --------------------------------------------------------------------------------------------------------------------- CMS */

static void sign_cms(const char *type, bool pss)
{
    CSI_AUTO(EVP_PKEY) *key = tokenkey_make(type);
    CSI_AUTO(X509) *cert = tokenkey_cert(type);
    CSI_AUTO(BIO) *content = BIO_new_mem_buf(text, sizeof text);
    CSI_AUTO(BIO) *opened = BIO_new(BIO_s_mem());
    unsigned flags = CMS_BINARY | CMS_PARTIAL | CMS_NOSMIMECAP;
    CSI_AUTO(CMS_ContentInfo) *cms = CMS_sign(NULL, NULL, NULL, NULL, flags);
    assert_non_null(cms);
    CMS_SignerInfo *signer = CMS_add1_signer(cms, cert, key, EVP_sha256(), flags | (pss ? CMS_KEY_PARAM : 0));
    check(signer != NULL, "CMS_add1_signer", type);
    if (pss)
        check(EVP_PKEY_CTX_set_rsa_padding(CMS_SignerInfo_get0_pkey_ctx(signer), RSA_PKCS1_PSS_PADDING), "padding", type);
    check(CMS_final(cms, content, NULL, flags), "CMS_final", type);
    check(CMS_verify(cms, NULL, NULL, NULL, opened, CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY), "CMS_verify", type);
    char *data = NULL;
    assert_int_equal(BIO_get_mem_data(opened, &data), sizeof text);
    assert_memory_equal(data, text, sizeof text);
}

/* Not Ed25519: OpenSSL 3.0 has no digest for it in CMS, and says so for software keys as well. */
static void cms_is_signed_with_every_padding(void **state)
{
    (void)state;
    for (size_t i = 0; i + 1 < TYPES; i++)
        sign_cms(types[i], false);
    sign_cms("RSA:2048", true);
}

static void cms_that_was_encrypted_for_the_certificate_is_opened(void **state)
{
    (void)state;
    CSI_AUTO(EVP_PKEY) *key = tokenkey_make("RSA:2048");
    CSI_AUTO(X509) *cert = tokenkey_cert("RSA:2048");
    CSI_AUTO(BIO) *content = BIO_new_mem_buf(text, sizeof text);
    CSI_AUTO(BIO) *opened = BIO_new(BIO_s_mem());
    STACK_OF(X509) *to = sk_X509_new_null();
    assert_true(sk_X509_push(to, cert) > 0);
    CSI_AUTO(CMS_ContentInfo) *cms = CMS_encrypt(to, content, EVP_aes_128_cbc(), CMS_BINARY);
    sk_X509_free(to);
    assert_non_null(cms);
    check(CMS_decrypt(cms, key, cert, NULL, opened, CMS_BINARY), "CMS_decrypt", "RSA");
    char *data = NULL;
    assert_int_equal(BIO_get_mem_data(opened, &data), sizeof text);
    assert_memory_equal(data, text, sizeof text);
}

/* ---------------------------------------------------------------------------------------------------------------- paddings */

static size_t sign_pss(EVP_PKEY *key, const EVP_MD *md, int salt, uint8_t *out, size_t room)
{
    CSI_AUTO(EVP_MD_CTX) *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *inner = NULL;
    size_t size = room;
    check(EVP_DigestSignInit(context, &inner, md, NULL, key), "EVP_DigestSignInit", "PSS");
    check(EVP_PKEY_CTX_set_rsa_padding(inner, RSA_PKCS1_PSS_PADDING), "padding", "PSS");
    check(EVP_PKEY_CTX_set_rsa_pss_saltlen(inner, salt), "salt", "PSS");
    /* In pieces, and with the size asked for first. */
    check(EVP_DigestSignUpdate(context, text, 5), "update", "PSS");
    check(EVP_DigestSignUpdate(context, text + 5, sizeof text - 5), "update", "PSS");
    check(EVP_DigestSignFinal(context, NULL, &size), "size", "PSS");
    assert_int_equal(size, EVP_PKEY_get_size(key));
    check(EVP_DigestSignFinal(context, out, &size), "final", "PSS");
    return size;
}

static bool verify_pss(EVP_PKEY *key, const EVP_MD *md, int salt, const uint8_t *made, size_t size)
{
    CSI_AUTO(EVP_MD_CTX) *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *inner = NULL;
    return EVP_DigestVerifyInit(context, &inner, md, NULL, key) == 1 && EVP_PKEY_CTX_set_rsa_padding(inner, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(inner, salt) == 1 && EVP_DigestVerify(context, made, size, text, sizeof text) == 1;
}

static void pss_takes_every_digest_and_salt(void **state)
{
    (void)state;
    const EVP_MD *digests[] = { EVP_sha1(), EVP_sha224(), EVP_sha256(), EVP_sha384(), EVP_sha512() };
    static const int salts[] = { RSA_PSS_SALTLEN_DIGEST, RSA_PSS_SALTLEN_MAX, 0, 17 };
    CSI_AUTO(EVP_PKEY) *key = tokenkey_make("RSA:2048");
    uint8_t made[512];
    for (size_t i = 0; i < sizeof digests / sizeof *digests; i++)
        for (size_t j = 0; j < sizeof salts / sizeof *salts; j++) {
            size_t size = sign_pss(key, digests[i], salts[j], made, sizeof made);
            assert_true(verify_pss(make_key("RSA:2048", 1), digests[i], salts[j], made, size));
            assert_true(verify_pss(key, digests[i], salts[j], made, size));
            made[size / 2] ^= 1;
            assert_false(verify_pss(key, digests[i], salts[j], made, size));
        }
    ERR_clear_error();
}

static bool seal_and_open(EVP_PKEY *sealer, EVP_PKEY *opener, int padding, const EVP_MD *md)
{
    uint8_t sealed[512];
    uint8_t opened[512];
    size_t size = sizeof sealed;
    size_t opened_size = sizeof opened;
    CSI_AUTO(EVP_PKEY_CTX) *sealing = EVP_PKEY_CTX_new(sealer, NULL);
    CSI_AUTO(EVP_PKEY_CTX) *opening = EVP_PKEY_CTX_new(opener, NULL);
    check(EVP_PKEY_encrypt_init(sealing), "EVP_PKEY_encrypt_init", "RSA");
    check(EVP_PKEY_CTX_set_rsa_padding(sealing, padding), "padding", "RSA");
    check(EVP_PKEY_decrypt_init(opening), "EVP_PKEY_decrypt_init", "RSA");
    check(EVP_PKEY_CTX_set_rsa_padding(opening, padding), "padding", "RSA");
    if (md != NULL) {
        check(EVP_PKEY_CTX_set_rsa_oaep_md(sealing, md), "md", "RSA");
        check(EVP_PKEY_CTX_set_rsa_oaep_md(opening, md), "md", "RSA");
    }
    check(EVP_PKEY_encrypt(sealing, sealed, &size, text, sizeof text), "EVP_PKEY_encrypt", "RSA");
    return EVP_PKEY_decrypt(opening, opened, &opened_size, sealed, size) == 1 && opened_size == sizeof text && memcmp(opened, text, sizeof text) == 0;
}

/* SoftHSM 2.6.1 does OAEP with SHA-1 only; that it refuses another is the error that is looked for. */
static void what_was_encrypted_for_the_key_is_decrypted_by_the_token(void **state)
{
    (void)state;
    CSI_AUTO(EVP_PKEY) *key = tokenkey_make("RSA:2048");
    EVP_PKEY *software = make_key("RSA:2048", 1);
    assert_true(seal_and_open(software, key, RSA_PKCS1_PADDING, NULL));
    assert_true(seal_and_open(key, software, RSA_PKCS1_PADDING, NULL));
    assert_true(seal_and_open(software, key, RSA_PKCS1_OAEP_PADDING, EVP_sha1()));
    assert_true(seal_and_open(key, key, RSA_PKCS1_OAEP_PADDING, EVP_sha1()));
    assert_true(seal_and_open(key, software, RSA_PKCS1_OAEP_PADDING, EVP_sha256()));
    ERR_clear_error();
    certstore_error err = { 0 };
    if (!seal_and_open(software, key, RSA_PKCS1_OAEP_PADDING, EVP_sha256())) {
        csi_token_pkey_failure(key, &err);
        assert_int_equal(err.status, CERTSTORE_E_UNSUPPORTED);
        assert_int_equal(ERR_GET_REASON(ERR_peek_last_error()), CERTSTORE_E_UNSUPPORTED);
    }
    ERR_clear_error();
}

static void a_padding_that_leaks_by_time_is_refused(void **state)
{
    (void)state;
    uint8_t sealed[256] = { 1 };
    uint8_t opened[256];
    size_t size = sizeof opened;
    CSI_AUTO(EVP_PKEY) *key = tokenkey_make("RSA:2048");
    CSI_AUTO(EVP_PKEY_CTX) *opening = EVP_PKEY_CTX_new(key, NULL);
    check(EVP_PKEY_decrypt_init(opening), "EVP_PKEY_decrypt_init", "RSA");
    if (EVP_PKEY_CTX_set_rsa_padding(opening, RSA_PKCS1_WITH_TLS_PADDING) == 1)
        assert_int_not_equal(EVP_PKEY_decrypt(opening, opened, &size, sealed, sizeof sealed), 1);
    assert_int_not_equal(ERR_peek_last_error(), 0);
    ERR_clear_error();
}

static void a_digest_is_signed_as_it_stands(void **state)
{
    (void)state;
    uint8_t digest[32] = { 7 };
    uint8_t made[512];
    for (size_t i = 0; i + 1 < TYPES; i++) {
        size_t size = sizeof made;
        CSI_AUTO(EVP_PKEY) *key = tokenkey_make(types[i]);
        CSI_AUTO(EVP_PKEY_CTX) *signing = EVP_PKEY_CTX_new(key, NULL);
        CSI_AUTO(EVP_PKEY_CTX) *verifying = EVP_PKEY_CTX_new(make_key(types[i], 1), NULL);
        check(EVP_PKEY_sign_init(signing), "EVP_PKEY_sign_init", types[i]);
        check(EVP_PKEY_CTX_set_signature_md(signing, EVP_sha256()), "md", types[i]);
        check(EVP_PKEY_sign(signing, made, &size, digest, sizeof digest), "EVP_PKEY_sign", types[i]);
        check(EVP_PKEY_verify_init(verifying), "EVP_PKEY_verify_init", types[i]);
        check(EVP_PKEY_CTX_set_signature_md(verifying, EVP_sha256()), "md", types[i]);
        check(EVP_PKEY_verify(verifying, made, size, digest, sizeof digest), "EVP_PKEY_verify", types[i]);
        size = 8;
        assert_int_not_equal(EVP_PKEY_sign(signing, made, &size, digest, sizeof digest), 1); /* no room */
        size = sizeof made;
        if (strncmp(types[i], "RSA", 3) == 0)
            assert_int_not_equal(EVP_PKEY_sign(signing, made, &size, digest, 31), 1); /* no value of SHA-256 */
        ERR_clear_error();
    }
}

/* ------------------------------------------------------------------------------------------------------ what a key is asked */

static void the_key_equals_its_certificate_and_its_software_self_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < TYPES; i++) {
        CSI_AUTO(EVP_PKEY) *key = tokenkey_make(types[i]);
        CSI_AUTO(EVP_PKEY) *again = tokenkey_make(types[i]);
        CSI_AUTO(X509) *cert = tokenkey_cert(types[i]);
        assert_int_equal(EVP_PKEY_eq(key, X509_get0_pubkey(cert)), 1);
        assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(cert), key), 1);
        assert_int_equal(EVP_PKEY_eq(key, make_key(types[i], 1)), 1);
        assert_int_equal(EVP_PKEY_eq(key, again), 1);
        assert_int_not_equal(EVP_PKEY_eq(key, make_key(types[i], 2)), 1);
        assert_int_not_equal(EVP_PKEY_eq(make_key(types[i], 2), key), 1);
        ERR_clear_error();
    }
}

static void the_key_answers_as_its_software_self(void **state)
{
    (void)state;
    for (size_t i = 0; i < TYPES; i++) {
        CSI_AUTO(EVP_PKEY) *key = tokenkey_make(types[i]);
        EVP_PKEY *software = make_key(types[i], 1);
        char name[64] = "";
        char expected[64] = "";
        assert_int_equal(EVP_PKEY_get_bits(key), EVP_PKEY_get_bits(software));
        assert_int_equal(EVP_PKEY_get_size(key), EVP_PKEY_get_size(software));
        assert_int_equal(EVP_PKEY_get_security_bits(key), EVP_PKEY_get_security_bits(software));
        assert_int_equal(EVP_PKEY_get_id(key), EVP_PKEY_get_id(software));
        assert_int_equal(EVP_PKEY_get_default_digest_name(key, name, sizeof name),
                         EVP_PKEY_get_default_digest_name(software, expected, sizeof expected));
        assert_string_equal(name, expected);
        if (strncmp(types[i], "EC:", 3) == 0) {
            check(EVP_PKEY_get_group_name(key, name, sizeof name, NULL), "group", types[i]);
            check(EVP_PKEY_get_group_name(software, expected, sizeof expected, NULL), "group", types[i]);
            assert_string_equal(name, expected);
        }
        unsigned char *point = NULL;
        unsigned char *expected_point = NULL;
        size_t size = EVP_PKEY_get1_encoded_public_key(key, &point);
        assert_int_equal(size, EVP_PKEY_get1_encoded_public_key(software, &expected_point));
        if (size > 0)
            assert_memory_equal(point, expected_point, size);
        OPENSSL_free(point);
        OPENSSL_free(expected_point);
        ERR_clear_error();
    }
}

static void the_public_key_can_be_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < TYPES; i++) {
        CSI_AUTO(EVP_PKEY) *key = tokenkey_make(types[i]);
        CSI_AUTO(csi_blob) *expected = make_spki(make_key(types[i], 1));
        CSI_AUTO(BIO) *out = BIO_new(BIO_s_mem());
        unsigned char *der = NULL;
        int size = i2d_PUBKEY(key, &der);
        assert_int_equal(size, expected->size);
        assert_memory_equal(der, expected->data, expected->size);
        OPENSSL_free(der);
        check(PEM_write_bio_PUBKEY(out, key), "PEM_write_bio_PUBKEY", types[i]);
    }
}

static void the_private_key_is_not_given_to_anybody(void **state)
{
    (void)state;
    for (size_t i = 0; i < TYPES; i++) {
        CSI_AUTO(EVP_PKEY) *key = tokenkey_make(types[i]);
        CSI_AUTO(X509) *cert = tokenkey_cert(types[i]);
        CSI_AUTO(BIO) *out = BIO_new(BIO_s_mem());
        OSSL_PARAM *params = NULL;
        BIGNUM *number = NULL;
        uint8_t raw[64];
        size_t size = sizeof raw;
        assert_int_not_equal(PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
        assert_null(EVP_PKEY2PKCS8(key));
        assert_null(PKCS12_create("secret", "web", key, cert, NULL, 0, 0, 0, 0, 0));
        assert_int_not_equal(EVP_PKEY_todata(key, EVP_PKEY_KEYPAIR, &params), 1);
        assert_null(params);
        assert_int_not_equal(EVP_PKEY_get_bn_param(key, strncmp(types[i], "RSA", 3) == 0 ? "d" : "priv", &number), 1);
        assert_int_not_equal(EVP_PKEY_get_raw_private_key(key, raw, &size), 1);
        char *written = NULL;
        assert_true(BIO_get_mem_data(out, &written) <= 0);
        ERR_clear_error();
    }
}

/* What would be taken for a key of a token, and sign nothing. */
static void a_software_private_key_does_not_get_in(void **state)
{
    (void)state;
    CSI_AUTO(EVP_PKEY) *key = tokenkey_make("RSA:2048");
    EVP_PKEY *made = NULL;
    OSSL_PARAM *params = NULL;
    check(EVP_PKEY_todata(make_key("RSA:2048", 2), EVP_PKEY_KEYPAIR, &params), "EVP_PKEY_todata", "RSA");
    CSI_AUTO(EVP_PKEY_CTX) *maker = EVP_PKEY_CTX_new(key, NULL);
    check(EVP_PKEY_fromdata_init(maker), "EVP_PKEY_fromdata_init", "RSA");
    assert_int_not_equal(EVP_PKEY_fromdata(maker, &made, EVP_PKEY_KEYPAIR, params), 1);
    assert_null(made);
    OSSL_PARAM_free(params);
    ERR_clear_error();
}

static void a_duplicate_signs_as_well_and_outlives_the_first(void **state)
{
    (void)state;
    for (size_t i = 0; i < TYPES; i++) {
        EVP_PKEY *key = tokenkey_make(types[i]);
        CSI_AUTO(EVP_PKEY) *copy = EVP_PKEY_dup(key);
        assert_non_null(copy);
        EVP_PKEY_free(key);
        CSI_AUTO(X509_REQ) *request = make_request(copy, types[i]);
        check(X509_REQ_verify(request, make_key(types[i], 1)), "X509_REQ_verify", types[i]);
    }
}

/* A digest context that is copied in the middle gives the same signature as the first (Ed25519 and PKCS#1 v1.5 have one each). */
static void a_context_can_be_copied_in_the_middle(void **state)
{
    (void)state;
    CSI_AUTO(EVP_PKEY) *key = tokenkey_make("RSA:2048");
    CSI_AUTO(EVP_MD_CTX) *first = EVP_MD_CTX_new();
    CSI_AUTO(EVP_MD_CTX) *second = EVP_MD_CTX_new();
    uint8_t made[2][512];
    size_t sizes[2] = { sizeof made[0], sizeof made[1] };
    check(EVP_DigestSignInit(first, NULL, EVP_sha256(), NULL, key), "init", "RSA");
    check(EVP_DigestSignUpdate(first, text, 9), "update", "RSA");
    check(EVP_MD_CTX_copy_ex(second, first), "copy", "RSA");
    check(EVP_DigestSignUpdate(first, text + 9, sizeof text - 9), "update", "RSA");
    check(EVP_DigestSignUpdate(second, text + 9, sizeof text - 9), "update", "RSA");
    check(EVP_DigestSignFinal(first, made[0], &sizes[0]), "final", "RSA");
    check(EVP_DigestSignFinal(second, made[1], &sizes[1]), "final", "RSA");
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(made[0], made[1], sizes[0]);
}

static void the_key_works_in_a_library_context_of_the_programs_own(void **state)
{
    (void)state;
    OSSL_LIB_CTX *own = OSSL_LIB_CTX_new();
    assert_non_null(own);
    for (size_t i = 0; i < TYPES; i++) {
        uint8_t made[512];
        size_t size = sizeof made;
        CSI_AUTO(EVP_PKEY) *key = tokenkey_make(types[i]);
        CSI_AUTO(EVP_MD_CTX) *signing = EVP_MD_CTX_new();
        CSI_AUTO(EVP_MD_CTX) *verifying = EVP_MD_CTX_new();
        const char *md = digest_for(types[i]) != NULL ? "SHA256" : NULL;
        check(EVP_DigestSignInit_ex(signing, NULL, md, own, NULL, key, NULL), "init", types[i]);
        check(EVP_DigestSign(signing, made, &size, text, sizeof text), "sign", types[i]);
        check(EVP_DigestVerifyInit_ex(verifying, NULL, md, own, NULL, key, NULL), "init", types[i]);
        check(EVP_DigestVerify(verifying, made, size, text, sizeof text), "verify", types[i]);
    }
    OSSL_LIB_CTX_free(own);
}

static void a_kind_of_key_that_no_token_has_is_refused_by_name(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO(csi_p11) *token = tokenkey_token();
    CSI_AUTO(csi_blob) *object = tokenkey_object(token, "EC:P-256");
    CSI_AUTO(csi_blob) *spki = make_spki(make_key("ED448", 1));
    assert_null(csi_token_pkey(token, csi_blob_span(object), csi_blob_span(spki), &err));
    assert_int_equal(err.status, CERTSTORE_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "ED448"));
    certstore_error_clear(&err);
    assert_null(csi_token_pkey(token, csi_blob_span(object), csi_span_text("nonsense"), &err));
    assert_int_equal(err.status, CERTSTORE_E_MALFORMED);
    ERR_clear_error();
}

/* A compressed point; one that is not on its curve; one that was cut short. */
static void a_public_key_in_an_unusual_form_is_read_or_refused_as_openssl_does(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO(csi_p11) *token = tokenkey_token();
    CSI_AUTO(csi_blob) *object = tokenkey_object(token, "EC:P-256");
    CSI_AUTO(EVP_PKEY) *compressed = EVP_PKEY_dup(make_key("EC:P-256", 1));
    check(EVP_PKEY_set_utf8_string_param(compressed, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed"), "form", "EC");
    CSI_AUTO(csi_blob) *spki = make_spki(compressed);
    CSI_AUTO(EVP_PKEY) *key = csi_token_pkey(token, csi_blob_span(object), csi_blob_span(spki), &err);
    assert_int_equal(EVP_PKEY_eq(key, make_key("EC:P-256", 1)), 1);
    CSI_AUTO(csi_blob) *whole = make_spki(make_key("EC:P-256", 1));
    whole->data[whole->size - 1] ^= 1;
    assert_null(csi_token_pkey(token, csi_blob_span(object), csi_blob_span(whole), &err));
    assert_int_equal(err.status, CERTSTORE_E_MALFORMED);
    for (size_t size = 0; size < whole->size; size += 7) {
        certstore_error_clear(&err);
        assert_null(csi_token_pkey(token, csi_blob_span(object), csi_span(whole->data, size), &err));
        assert_int_equal(err.status, CERTSTORE_E_MALFORMED);
    }
    ERR_clear_error();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_signed_and_says_the_same_key),
        cmocka_unit_test(a_certificate_is_signed_and_names_the_algorithm),
        cmocka_unit_test(a_certificate_is_signed_with_pss),
        cmocka_unit_test(a_revocation_list_is_signed),
        cmocka_unit_test(cms_is_signed_with_every_padding),
        cmocka_unit_test(cms_that_was_encrypted_for_the_certificate_is_opened),
        cmocka_unit_test(pss_takes_every_digest_and_salt),
        cmocka_unit_test(what_was_encrypted_for_the_key_is_decrypted_by_the_token),
        cmocka_unit_test(a_padding_that_leaks_by_time_is_refused),
        cmocka_unit_test(a_digest_is_signed_as_it_stands),
        cmocka_unit_test(the_key_equals_its_certificate_and_its_software_self_both_ways),
        cmocka_unit_test(the_key_answers_as_its_software_self),
        cmocka_unit_test(the_public_key_can_be_written),
        cmocka_unit_test(the_private_key_is_not_given_to_anybody),
        cmocka_unit_test(a_software_private_key_does_not_get_in),
        cmocka_unit_test(a_duplicate_signs_as_well_and_outlives_the_first),
        cmocka_unit_test(a_context_can_be_copied_in_the_middle),
        cmocka_unit_test(the_key_works_in_a_library_context_of_the_programs_own),
        cmocka_unit_test(a_public_key_in_an_unusual_form_is_read_or_refused_as_openssl_does),
        cmocka_unit_test(a_kind_of_key_that_no_token_has_is_refused_by_name),
    };
    return cmocka_run_group_tests_name("provider", tests, NULL, NULL);
}
