/* SPDX-License-Identifier: Apache-2.0 */
/* seal.c: JKS's digest and PKCS#12's envelope, straight on libcrypto. SHA-1 by its low-level calls, which start no provider. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "support/common.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/sha.h>

static const uint8_t oid_data[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01 };
static const uint8_t oid_encrypted[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x06 };
static const uint8_t oid_cert_bag[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, 0x03 };
static const uint8_t oid_x509[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x16, 0x01 };
static const uint8_t oid_friendly_name[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x14 };
static const uint8_t oid_java_trust[] = { 0x60, 0x86, 0x48, 0x01, 0x86, 0xf9, 0x66, 0xad, 0xca, 0x7b, 0x01, 0x01 };
static const uint8_t oid_any_usage[] = { 0x55, 0x1d, 0x25, 0x00 };
static const uint8_t oid_pbes2[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d };
static const uint8_t oid_pbkdf2[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c };
static const uint8_t oid_hmac_sha256[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x09 };
static const uint8_t oid_aes256_cbc[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a };
static const uint8_t oid_sha256[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 };

void p12_cipher_key(const char *password, const uint8_t *salt, size_t salt_size, uint64_t iterations, uint8_t key[32])
{
    if (PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt, (int)salt_size, (int)iterations, EVP_sha256(), 32, key) != 1)
        die("PBKDF2 failed");
}

/* RFC 7292 appendix B: the password in UTF-16BE with a final NUL. */
void p12_mac_key(const char *password, const uint8_t *salt, size_t salt_size, uint64_t iterations, uint8_t key[32])
{
    uint8_t wide[256] = { 0 };
    size_t length = strlen(password);
    int id = 3;
    if (length > 100)
        die("a password of the benchmark is short");
    for (size_t i = 0; i < length; i++)
        wide[2 * i + 1] = (uint8_t)password[i];
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "PKCS12KDF", NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char[]){ "SHA256" }, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, wide, 2 * length + 2),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (uint8_t *)(uintptr_t)salt, salt_size),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_ITER, &iterations),
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_PKCS12_ID, &id),
        OSSL_PARAM_construct_end(),
    };
    if (EVP_KDF_derive(context, key, 32, parameters) != 1)
        die("PKCS12KDF failed");
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
}

void p12_mac(const uint8_t key[32], struct bytes content, uint8_t mac[32])
{
    HMAC(EVP_sha256(), key, 32, content.data, content.size, mac, NULL);
}

struct p12 p12_begin(size_t count, size_t certificate_bytes)
{
    return (struct p12){ back_new(certificate_bytes + count * 256 + 4096) };
}

static void put_attribute(struct back *b, const uint8_t *oid, size_t oid_size, uint8_t tag, const void *value, size_t size)
{
    const uint8_t *end = b->at;
    back_element(b, tag, value, size);
    back_wrap(b, 0x31, end);
    back_element(b, 0x06, oid, oid_size);
    back_wrap(b, 0x30, end);
}

void p12_add(struct p12 *p12, const char *alias, struct bytes certificate)
{
    struct back *b = &p12->back;
    const uint8_t *end = b->at;
    uint8_t wide[256] = { 0 };
    size_t length = strlen(alias);
    for (size_t i = 0; i < length && i < 127; i++)
        wide[2 * i + 1] = (uint8_t)alias[i];
    put_attribute(b, oid_java_trust, sizeof oid_java_trust, 0x06, oid_any_usage, sizeof oid_any_usage);
    put_attribute(b, oid_friendly_name, sizeof oid_friendly_name, 0x1e, wide, 2 * length);
    back_wrap(b, 0x31, end);
    const uint8_t *value_end = b->at;
    back_element(b, 0x04, certificate.data, certificate.size);
    back_wrap(b, 0xa0, value_end);
    back_element(b, 0x06, oid_x509, sizeof oid_x509);
    back_wrap(b, 0x30, value_end);
    back_wrap(b, 0xa0, value_end);
    back_element(b, 0x06, oid_cert_bag, sizeof oid_cert_bag);
    back_wrap(b, 0x30, end);
}

static void put_null_algorithm(struct back *b, const uint8_t *oid, size_t oid_size)
{
    const uint8_t *end = b->at;
    back_element(b, 0x05, "", 0);
    back_element(b, 0x06, oid, oid_size);
    back_wrap(b, 0x30, end);
}

static void put_pbes2(struct back *b, const uint8_t *salt, const uint8_t *iv)
{
    const uint8_t *end = b->at;
    back_element(b, 0x04, iv, 16);
    back_element(b, 0x06, oid_aes256_cbc, sizeof oid_aes256_cbc);
    back_wrap(b, 0x30, end);
    const uint8_t *kdf_end = b->at;
    put_null_algorithm(b, oid_hmac_sha256, sizeof oid_hmac_sha256);
    back_uint(b, P12_ITERATIONS);
    back_element(b, 0x04, salt, P12_SALT);
    back_wrap(b, 0x30, kdf_end);
    back_element(b, 0x06, oid_pbkdf2, sizeof oid_pbkdf2);
    back_wrap(b, 0x30, kdf_end);
    back_wrap(b, 0x30, end);
    back_element(b, 0x06, oid_pbes2, sizeof oid_pbes2);
    back_wrap(b, 0x30, end);
}

static struct bytes encrypt(struct bytes plain, const char *password, const uint8_t *salt, const uint8_t *iv)
{
    uint8_t key[32];
    int first = 0;
    int last = 0;
    struct bytes cipher = { need(plain.size + 16), 0 };
    p12_cipher_key(password, salt, P12_SALT, P12_ITERATIONS, key);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (EVP_EncryptInit_ex(context, EVP_aes_256_cbc(), NULL, key, iv) != 1 ||
        EVP_EncryptUpdate(context, cipher.data, &first, plain.data, (int)plain.size) != 1 ||
        EVP_EncryptFinal_ex(context, cipher.data + first, &last) != 1)
        die("AES failed");
    EVP_CIPHER_CTX_free(context);
    cipher.size = (size_t)first + (size_t)last;
    return cipher;
}

static void put_content(struct back *b, const uint8_t *end, const uint8_t *oid, size_t oid_size)
{
    back_wrap(b, 0xa0, end);
    back_element(b, 0x06, oid, oid_size);
    back_wrap(b, 0x30, end);
}

struct bytes p12_end(struct p12 *p12, const char *password, const uint8_t salts[2][P12_SALT], const uint8_t iv[16])
{
    uint8_t key[32];
    uint8_t mac[32];
    struct back *bags = &p12->back;
    back_wrap(bags, 0x30, bags->end);
    struct bytes cipher = encrypt(back_bytes(bags), password, salts[0], iv);
    struct back safe = back_new(cipher.size + 1024);
    back_put(&safe, cipher.data, cipher.size);
    back_wrap(&safe, 0x80, safe.end);
    put_pbes2(&safe, salts[0], iv);
    back_element(&safe, 0x06, oid_data, sizeof oid_data);
    back_wrap(&safe, 0x30, safe.end);
    back_uint(&safe, 0);
    back_wrap(&safe, 0x30, safe.end);
    put_content(&safe, safe.end, oid_encrypted, sizeof oid_encrypted);
    back_wrap(&safe, 0x30, safe.end);
    struct bytes content = back_bytes(&safe);
    p12_mac_key(password, salts[1], P12_SALT, P12_ITERATIONS, key);
    p12_mac(key, content, mac);
    struct back pfx = back_new(content.size + 1024);
    back_uint(&pfx, P12_ITERATIONS);
    back_element(&pfx, 0x04, salts[1], P12_SALT);
    const uint8_t *digest_end = pfx.at;
    back_element(&pfx, 0x04, mac, sizeof mac);
    put_null_algorithm(&pfx, oid_sha256, sizeof oid_sha256);
    back_wrap(&pfx, 0x30, digest_end);
    back_wrap(&pfx, 0x30, pfx.end);
    const uint8_t *content_end = pfx.at;
    back_put(&pfx, content.data, content.size);
    back_wrap(&pfx, 0x04, content_end);
    put_content(&pfx, content_end, oid_data, sizeof oid_data);
    back_uint(&pfx, 3);
    back_wrap(&pfx, 0x30, pfx.end);
    return back_bytes(&pfx);
}

void jks_digest_begin(SHA_CTX *sha, const char *password)
{
    SHA1_Init(sha);
    for (const char *c = password; *c != '\0'; c++)
        SHA1_Update(sha, (uint8_t[]){ 0, (uint8_t)*c }, 2);
    SHA1_Update(sha, "Mighty Aphrodite", 16);
}

void jks_digest(const char *password, struct bytes content, uint8_t digest[20])
{
    SHA_CTX sha;
    jks_digest_begin(&sha, password);
    SHA1_Update(&sha, content.data, content.size);
    SHA1_Final(digest, &sha);
}
