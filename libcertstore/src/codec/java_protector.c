/* SPDX-License-Identifier: Apache-2.0 */
/*
 * java_protector.c: Java's two ways to protect a key.
 *
 *   JKS    1.3.6.1.4.1.42.2.17.1.1  a SHA-1 key stream with a keyed check (JDK sun/security/provider/KeyProtector.java)
 *   JCEKS  1.3.6.1.4.1.42.2.19.1    PBEWithMD5AndTripleDES (JDK com/sun/crypto/provider/PBES1Core.java)
 *
 * Both are far below today's strength; they are here because the formats know nothing else.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/md5.h>
#include <openssl/sha.h>

#include "base/reader.h"
#include "codec/java.h"
#include "codec/pkcs8.h"
#include "model/ossl.h"

/* ---------------------------------------------------------------------------------------------------------------- JKS */

/* SHA-1 over up to two pieces. */
static void sha1(struct csi_span a, struct csi_span b, uint8_t out[CSI_SHA1_SIZE])
{
    SHA_CTX context;
    SHA1_Init(&context);
    SHA1_Update(&context, a.data, a.size);
    SHA1_Update(&context, b.data, b.size);
    SHA1_Final(out, &context);
    csi_wipe(&context, sizeof context);
}

/* out = in XOR K1 | K2 | ..., where K1 = SHA-1(password | salt) and Ki = SHA-1(password | Ki-1). */
static void jks_stream(struct csi_span password, struct csi_span salt, struct csi_span in, uint8_t *out)
{
    uint8_t block[CSI_SHA1_SIZE];
    struct csi_span previous = salt;
    for (size_t i = 0; i < in.size; i++) {
        const size_t at = i % sizeof block;
        if (at == 0)
            sha1(password, previous, block);
        previous = csi_span(block, sizeof block);
        out[i] = in.data[i] ^ block[at];
    }
    csi_wipe(block, sizeof block);
}

static certstore_status no_password(certstore_error *err)
{
    return csi_fail(err, CERTSTORE_E_PASSWORD, "private key: it is encrypted and no passphrase was given; give the key's passphrase");
}

certstore_status csi_jks_key_open(struct csi_span ciphertext, const csi_secret *password, csi_secret **pkcs8, certstore_error *err)
{
    if (password == NULL)
        return no_password(err);
    if (ciphertext.size < 2 * CSI_SHA1_SIZE)
        return csi_fail(err, CERTSTORE_E_MALFORMED, "private key: shorter than the salt and check that Java's protection puts around it");
    CSI_AUTO_BUF chars = { 0 };
    CSI_TRY(csi_java_password(password, &chars, err));
    const size_t size = ciphertext.size - 2 * CSI_SHA1_SIZE;
    const struct csi_span sealed = csi_span(ciphertext.data + CSI_SHA1_SIZE, size);
    CSI_AUTO(csi_secret) *plain = csi_secret_new(sealed.data, size, err);
    if (plain == NULL)
        return err->status;
    jks_stream(csi_buf_span(&chars), csi_span(ciphertext.data, CSI_SHA1_SIZE), sealed, plain->data);
    uint8_t check[CSI_SHA1_SIZE];
    sha1(csi_buf_span(&chars), csi_secret_span(plain), check);
    if (!csi_equal_ct(check, sealed.data + size, sizeof check))
        return csi_fail(err, CERTSTORE_E_PASSWORD, "private key: this passphrase does not open it; give the key's own passphrase");
    *pkcs8 = csi_steal(&plain);
    return CERTSTORE_OK;
}

certstore_status csi_jks_key_seal(struct csi_span pkcs8, const csi_secret *password, struct csi_buf *ciphertext, certstore_error *err)
{
    if (password == NULL)
        return csi_fail(err, CERTSTORE_E_PASSWORD, "private key: Java's key stores hold encrypted keys only; give a passphrase to encrypt it with");
    CSI_AUTO_BUF chars = { 0 };
    CSI_TRY(csi_java_password(password, &chars, err));
    uint8_t salt[CSI_SHA1_SIZE];
    CSI_TRY(csi_random(salt, sizeof salt, err));
    csi_buf_put(ciphertext, salt, sizeof salt);
    uint8_t *room = csi_buf_reserve(ciphertext, pkcs8.size);
    if (room == NULL)
        return csi_error_memory(err);
    jks_stream(csi_buf_span(&chars), csi_span(salt, sizeof salt), pkcs8, room);
    ciphertext->size += pkcs8.size;
    uint8_t check[CSI_SHA1_SIZE];
    sha1(csi_buf_span(&chars), pkcs8, check);
    csi_buf_put(ciphertext, check, sizeof check);
    return csi_buf_check(ciphertext, err);
}

/* -------------------------------------------------------------------------------------------------------------- JCEKS */

enum { SALT_SIZE = 8, HALF = SALT_SIZE / 2, DEFAULT_ITERATIONS = 200000 /* jdk.jceks.iterationCount since 2017 */ };

/* Java changed what it does to a salt whose halves are equal (JDK-8181692); stores of both times exist. */
enum salt_rule { SALT_RULE_2017, SALT_RULE_OLD };

static bool halves_are_equal(const uint8_t salt[SALT_SIZE])
{
    return memcmp(salt, salt + HALF, HALF) == 0;
}

/* "If the salt halves are equal, invert one of them": [a b c d] becomes [d c b a]; until 2017 a slip made it [d a b d]. */
static void spread_halves(uint8_t salt[SALT_SIZE], enum salt_rule rule)
{
    const uint8_t a = salt[0], b = salt[1], c = salt[2], d = salt[3];
    const uint8_t now[HALF] = { d, c, b, a };
    const uint8_t old[HALF] = { d, a, b, d };
    memcpy(salt, rule == SALT_RULE_2017 ? now : old, HALF);
}

/* Key and IV: for each half of the salt MD5(half | password), then MD5(previous | password) iterations - 1 times. */
static void jceks_derive(const uint8_t salt[SALT_SIZE], struct csi_span password, uint64_t iterations, uint8_t out[2 * MD5_DIGEST_LENGTH])
{
    MD5_CTX context;
    for (size_t half = 0; half < 2; half++) {
        uint8_t *digest = out + half * MD5_DIGEST_LENGTH;
        const uint8_t *previous = salt + half * HALF;
        size_t previous_size = HALF;
        for (uint64_t i = 0; i < iterations; i++) {
            MD5_Init(&context);
            MD5_Update(&context, previous, previous_size);
            MD5_Update(&context, password.data, password.size);
            MD5_Final(digest, &context);
            previous = digest;
            previous_size = MD5_DIGEST_LENGTH;
        }
    }
    csi_wipe(&context, sizeof context);
}

/* Java takes the characters U+0020 to U+007E for these keys, and U+0000 alone (PBEKey.java); one byte each. */
static bool is_ascii(const csi_secret *password)
{
    if (password->size == 1 && password->data[0] == 0)
        return true;
    for (size_t i = 0; i < password->size; i++)
        if (password->data[i] < 0x20 || password->data[i] > 0x7e)
            return false;
    return true;
}

/* What these keys hold is a PKCS#8 structure or a serialized object: one wrong passphrase in 256 leaves good padding, and none this. */
static bool plausible(struct csi_span plain)
{
    static const uint8_t stream[] = { 0xac, 0xed, 0x00, 0x05 };
    if (plain.size >= sizeof stream && memcmp(plain.data, stream, sizeof stream) == 0)
        return true;
    struct csi_reader r = csi_reader(plain);
    struct csi_tlv tlv;
    return csi_der_expect(&r, CSI_DER_SEQUENCE, &tlv) && csi_left(&r) == 0;
}

struct pbe {
    uint8_t salt[SALT_SIZE];
    uint64_t iterations;
};

static certstore_status parse_parameters(struct csi_span parameters, struct pbe *pbe, certstore_error *err)
{
    struct csi_reader r = csi_reader(parameters);
    struct csi_reader inner;
    struct csi_tlv salt;
    if (!csi_der_enter(&r, CSI_DER_SEQUENCE, &inner) || csi_left(&r) > 0 || !csi_der_expect(&inner, CSI_DER_OCTET_STRING, &salt) ||
        !csi_der_uint(&inner, &pbe->iterations) || csi_left(&inner) > 0)
        return csi_fail(err, CERTSTORE_E_MALFORMED, "key: the parameters of its encryption (PBEWithMD5AndTripleDES) are malformed");
    if (salt.content.size != SALT_SIZE || pbe->iterations == 0)
        return csi_fail(err, CERTSTORE_E_MALFORMED, "key: PBEWithMD5AndTripleDES takes a salt of 8 bytes and at least one iteration");
    memcpy(pbe->salt, salt.content.data, SALT_SIZE);
    return CERTSTORE_OK;
}

static certstore_status open_with_salt(const uint8_t salt[SALT_SIZE], uint64_t iterations, struct csi_span password, struct csi_span ciphertext,
                                       struct csi_budget *budget, struct csi_buf *plain, bool *opened, certstore_error *err)
{
    CSI_TRY(csi_budget_spend(budget, iterations, err));
    uint8_t derived[2 * MD5_DIGEST_LENGTH];
    jceks_derive(salt, password, iterations, derived);
    plain->size = 0;
    *opened = csi_des3_open(derived, derived + CSI_DES3_KEY_SIZE, ciphertext, plain) && plausible(csi_buf_span(plain));
    csi_wipe(derived, sizeof derived);
    return csi_buf_check(plain, err);
}

certstore_status csi_jceks_pbe_open(struct csi_span parameters, struct csi_span ciphertext, const csi_secret *password, struct csi_budget *budget,
                                    csi_secret **plain, certstore_error *err)
{
    struct pbe pbe = { 0 };
    CSI_TRY(parse_parameters(parameters, &pbe, err));
    if (ciphertext.size == 0 || ciphertext.size % CSI_DES_BLOCK_SIZE != 0)
        return csi_fail(err, CERTSTORE_E_MALFORMED, "key: its ciphertext is not a whole number of blocks");
    if (password == NULL)
        return no_password(err);
    if (!is_ascii(password))
        return csi_fail(err, CERTSTORE_E_PASSWORD, "key: Java encrypts these keys with ASCII passphrases only; give the key's own passphrase");
    const bool equal = halves_are_equal(pbe.salt);
    CSI_AUTO_BUF buf = { 0 };
    bool opened = false;
    for (int rule = SALT_RULE_2017; rule <= SALT_RULE_OLD && !opened; rule++) {
        uint8_t salt[SALT_SIZE];
        memcpy(salt, pbe.salt, sizeof salt);
        if (equal)
            spread_halves(salt, (enum salt_rule)rule);
        else if (rule == SALT_RULE_OLD)
            break;
        CSI_TRY(open_with_salt(salt, pbe.iterations, csi_secret_span(password), ciphertext, budget, &buf, &opened, err));
    }
    if (!opened)
        return csi_fail(err, CERTSTORE_E_PASSWORD, "key: this passphrase does not open it; give the key's own passphrase");
    *plain = csi_secret_new(buf.data, buf.size, err);
    return *plain != NULL ? CERTSTORE_OK : err->status;
}

/* Salts with equal halves mean different things to different versions of Java, so none is written. */
static certstore_status draw_salt(uint8_t salt[SALT_SIZE], certstore_error *err)
{
    CSI_TRY(csi_random(salt, SALT_SIZE, err));
    if (halves_are_equal(salt))
        salt[0] ^= 1;
    return CERTSTORE_OK;
}

static void put_parameters(const struct pbe *pbe, struct csi_buf *out)
{
    uint8_t number[5]; /* a leading zero keeps it positive */
    size_t digits = 0;
    for (uint64_t rest = pbe->iterations; digits == 0 || rest > 0; rest >>= 8)
        number[digits++] = (uint8_t)rest;
    if ((number[digits - 1] & 0x80) != 0)
        number[digits++] = 0;
    const uint8_t head[] = { CSI_DER_SEQUENCE, (uint8_t)(2 + SALT_SIZE + 2 + digits), CSI_DER_OCTET_STRING, SALT_SIZE };
    csi_buf_put(out, head, sizeof head);
    csi_buf_put(out, pbe->salt, SALT_SIZE);
    csi_buf_put_u8(out, CSI_DER_INTEGER);
    csi_buf_put_u8(out, (uint8_t)digits);
    while (digits > 0)
        csi_buf_put_u8(out, number[--digits]);
}

certstore_status csi_jceks_pbe_seal(struct csi_span plain, const csi_secret *password, unsigned iterations, struct csi_buf *parameters,
                                    struct csi_buf *ciphertext, certstore_error *err)
{
    if (password == NULL)
        return csi_fail(err, CERTSTORE_E_PASSWORD, "key: JCEKS holds encrypted keys only; give a passphrase to encrypt it with");
    if (!is_ascii(password))
        return csi_fail(err, CERTSTORE_E_PASSWORD, "key: Java encrypts JCEKS keys with ASCII passphrases only; give an ASCII key passphrase");
    struct pbe pbe = { .iterations = iterations > 0 ? iterations : DEFAULT_ITERATIONS };
    CSI_TRY(draw_salt(pbe.salt, err));
    uint8_t derived[2 * MD5_DIGEST_LENGTH];
    jceks_derive(pbe.salt, csi_secret_span(password), pbe.iterations, derived);
    csi_des3_seal(derived, derived + CSI_DES3_KEY_SIZE, plain, ciphertext);
    csi_wipe(derived, sizeof derived);
    put_parameters(&pbe, parameters);
    CSI_TRY(csi_buf_check(ciphertext, err));
    return csi_buf_check(parameters, err);
}
