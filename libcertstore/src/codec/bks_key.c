/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bks_key.c: keys and the integrity check of Bouncy Castle's BKS: PKCS#12's key derivation (RFC 7292 appendix B) under HMAC-SHA1 and under
 * pbeWithSHAAnd3-KeyTripleDES-CBC.
 */
#include <openssl/evp.h>
#include <openssl/pkcs12.h>

#include "base/text.h"
#include "codec/bks.h"
#include "codec/java.h"
#include "model/ossl.h"

/* RFC 7292 appendix B.3: what the derived bytes are for. */
enum purpose { FOR_KEY = 1, FOR_IV = 2, FOR_MAC = 3 };

enum { MAX_SALT = 128, MAX_PROBED_ITERATIONS = 10000000 };

static certstore_status derive(struct csi_ossl *ossl, struct csi_span password, struct csi_span salt, uint32_t iterations, enum purpose purpose,
                               uint8_t *out, size_t size, certstore_error *err)
{
    if (salt.size > INT32_MAX || iterations > INT32_MAX || password.size > INT32_MAX)
        return csi_fail(err, CERTSTORE_E_MALFORMED, "key store: the parameters of a key derivation are out of bounds");
    /* OpenSSL takes both as unsigned char * and changes neither. */
    if (PKCS12_key_gen_uni_ex((unsigned char *)(uintptr_t)password.data, (int)password.size, (unsigned char *)(uintptr_t)salt.data, (int)salt.size,
                              (int)purpose, (int)iterations, (int)size, out, EVP_sha1(), ossl->context, NULL) != 1)
        return csi_fail_ossl(err, CERTSTORE_E_UNSUPPORTED, "key store: PKCS#12's key derivation with SHA-1 cannot be used here");
    return CERTSTORE_OK;
}

/* PKCS12PasswordToBytes: UTF-16BE with its terminator, and nothing at all for the empty passphrase. */
static certstore_status password_bytes(const csi_secret *password, struct csi_buf *out, certstore_error *err)
{
    if (password->size == 0)
        return CERTSTORE_OK;
    CSI_TRY(csi_java_password(password, out, err));
    csi_buf_put_u16(out, 0);
    return csi_buf_check(out, err);
}

certstore_status csi_bks_mac(const csi_secret *password, struct csi_span salt, uint32_t iterations, size_t key_size, struct csi_span entries,
                             uint8_t mac[20], certstore_error *err)
{
    CSI_AUTO_OSSL ossl = { 0 };
    CSI_AUTO_BUF chars = { 0 };
    uint8_t key[CSI_SHA1_SIZE];
    size_t size = 0;
    CSI_AUTO_FENCE fence;
    csi_fence_begin(&fence);
    CSI_TRY(csi_ossl_open(&ossl, err));
    CSI_TRY(password_bytes(password, &chars, err));
    CSI_TRY(derive(&ossl, csi_buf_span(&chars), salt, iterations, FOR_MAC, key, key_size, err));
    const uint8_t *made = EVP_Q_mac(ossl.context, "HMAC", NULL, "SHA1", NULL, key, key_size, entries.data, entries.size, mac, CSI_SHA1_SIZE, &size);
    csi_wipe(key, sizeof key);
    if (made == NULL || size != CSI_SHA1_SIZE)
        return csi_fail_ossl(err, CERTSTORE_E_UNSUPPORTED, "key store: HMAC with SHA-1 cannot be used here");
    return CERTSTORE_OK;
}

bool csi_bks_read_header(struct csi_reader *r)
{
    uint32_t version, iterations;
    struct csi_span salt;
    return csi_read_u32(r, &version) && (version == 1 || version == 2) && csi_bks_read_bytes(r, &salt) && salt.size > 0 && salt.size <= MAX_SALT &&
           csi_read_u32(r, &iterations) && iterations > 0 && iterations <= MAX_PROBED_ITERATIONS;
}

certstore_status csi_bks_read_key(struct csi_reader *r, struct csi_bks_key *key, certstore_error *err)
{
    static const char *const formats[][2] = { { "PKCS#8", "PKCS8" }, { "X.509", "X509" }, { "RAW", "RAW" } };
    uint8_t kind;
    struct csi_span format;
    if (!csi_read_u8(r, &kind) || !csi_bks_read_utf(r, &format) || !csi_bks_read_utf(r, &key->algorithm) || !csi_bks_read_bytes(r, &key->encoded))
        return csi_fail(err, CERTSTORE_E_TRUNCATED, "key store: a key ends too early");
    if (kind > CSI_BKS_SECRET)
        return csi_fail(err, CERTSTORE_E_MALFORMED, "key store: a key of unknown kind %u", kind);
    if (!csi_span_equal(format, csi_span_text(formats[kind][0])) && !csi_span_equal(format, csi_span_text(formats[kind][1])))
        return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "key store: a key in the encoding %.*s", (int)(format.size < 100 ? format.size : 100),
                        (const char *)format.data);
    key->kind = (enum csi_bks_key_kind)kind;
    return CERTSTORE_OK;
}

certstore_status csi_bks_plain_key(const struct csi_bks_key *key, struct csi_plain_key *plain, certstore_error *err)
{
    CSI_AUTO_BUF name = { 0 };
    if (key->kind == CSI_BKS_SECRET && (!csi_text_from_modified_utf8(key->algorithm, &name) || name.size >= sizeof plain->algorithm))
        return csi_fail(err, CERTSTORE_E_MALFORMED, "secret key: the name of its algorithm cannot be read");
    plain->bytes = csi_secret_new(key->encoded.data, key->encoded.size, err);
    if (plain->bytes == NULL)
        return err->status;
    if (name.size > 0)
        memcpy(plain->algorithm, name.data, name.size);
    plain->algorithm[name.size] = '\0';
    return CERTSTORE_OK;
}

static certstore_status decrypt(struct csi_span password, struct csi_span salt, uint32_t iterations, struct csi_span ciphertext,
                                struct csi_buf *plain, bool *opened, certstore_error *err)
{
    CSI_AUTO_OSSL ossl = { 0 };
    uint8_t key[CSI_DES3_KEY_SIZE], iv[CSI_DES_BLOCK_SIZE];
    CSI_AUTO_FENCE fence;
    csi_fence_begin(&fence);
    CSI_TRY(csi_ossl_open(&ossl, err));
    CSI_TRY(derive(&ossl, password, salt, iterations, FOR_KEY, key, sizeof key, err));
    CSI_TRY(derive(&ossl, password, salt, iterations, FOR_IV, iv, sizeof iv, err));
    *opened = csi_des3_open(key, iv, ciphertext, plain);
    csi_wipe(key, sizeof key);
    return csi_buf_check(plain, err);
}

/* One wrong passphrase in 256 leaves good padding; a key within it, none. */
static bool holds_a_key(struct csi_span plain)
{
    certstore_error scratch = { 0 };
    struct csi_reader r = csi_reader(plain);
    struct csi_bks_key key = { 0 };
    return csi_bks_read_key(&r, &key, &scratch) == CERTSTORE_OK && csi_left(&r) == 0;
}

certstore_status csi_bks_open_sealed(struct csi_span sealed, const csi_secret *password, struct csi_budget *budget, csi_secret **plain,
                                     certstore_error *err)
{
    struct csi_reader r = csi_reader(sealed);
    struct csi_span salt;
    uint32_t iterations;
    if (!csi_bks_read_bytes(&r, &salt) || !csi_read_u32(&r, &iterations))
        return csi_fail(err, CERTSTORE_E_TRUNCATED, "key: its sealed form ends too early");
    if (salt.size == 0 || iterations == 0 || csi_left(&r) == 0 || csi_left(&r) % CSI_DES_BLOCK_SIZE != 0)
        return csi_fail(err, CERTSTORE_E_MALFORMED, "key: its sealed form is malformed");
    if (password == NULL)
        return csi_fail(err, CERTSTORE_E_PASSWORD, "key: it is encrypted and no passphrase was given; give the key's passphrase");
    CSI_AUTO_BUF chars = { 0 };
    CSI_AUTO_BUF buf = { 0 };
    bool opened = false;
    CSI_TRY(csi_budget_spend(budget, iterations, err));
    CSI_TRY(password_bytes(password, &chars, err));
    CSI_TRY(decrypt(csi_buf_span(&chars), salt, iterations, csi_span(r.at, csi_left(&r)), &buf, &opened, err));
    if (!opened || !holds_a_key(csi_buf_span(&buf)))
        return csi_fail(err, CERTSTORE_E_PASSWORD, "key: this passphrase does not open it; give the key's own passphrase");
    *plain = csi_secret_new(buf.data, buf.size, err);
    return *plain != NULL ? CERTSTORE_OK : err->status;
}

static certstore_status open_protection(const csi_blob *sealed, const csi_secret *password, struct csi_budget *budget, struct csi_plain_key *plain,
                                        certstore_error *err)
{
    CSI_AUTO(csi_secret) *opened = NULL;
    struct csi_bks_key key = { 0 };
    CSI_TRY(csi_bks_open_sealed(csi_blob_span(sealed), password, budget, &opened, err));
    struct csi_reader r = csi_reader(csi_secret_span(opened));
    CSI_TRY(csi_bks_read_key(&r, &key, err));
    return csi_bks_plain_key(&key, plain, err);
}

const struct csi_protection csi_protection_bks = { .name = "BKS key encryption", .open = open_protection };
