/* SPDX-License-Identifier: Apache-2.0 */
/* pbe_crypt.c: opening and sealing with password-based encryption; see pbe.h. */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>

#include "base/writer.h"
#include "codec/pbe.h"

enum { CHUNK = 1 << 30 }; /* EVP counts in int */

CSI_DEFINE_AUTO(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)

/* A cipher with the sizes it is to be used with. */
struct machine {
    EVP_CIPHER *cipher;
    size_t key_size;
    size_t iv_size;
    uint8_t key[EVP_MAX_KEY_LENGTH];
    uint8_t iv[EVP_MAX_IV_LENGTH];
};

static void machine_clear(struct machine *m)
{
    EVP_CIPHER_free(m->cipher);
    csi_wipe(m, sizeof *m);
}
#define AUTO_MACHINE __attribute__((cleanup(machine_clear))) struct machine

static EVP_CIPHER *fetch(struct csi_pbe_session *session, const char *name, certstore_error *err)
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
    if (cipher != NULL)
        return cipher;
    if (!session->opened && csi_ossl_open(&session->ossl, err) != CERTSTORE_OK)
        return NULL;
    session->opened = true;
    cipher = EVP_CIPHER_fetch(session->ossl.context, name, NULL);
    if (cipher == NULL)
        csi_fail_ossl(err, CERTSTORE_E_UNSUPPORTED, "encryption: %s is not supported here; encrypt the store with another one", name);
    return cipher;
}

/* "AES-128-CBC" and 32 bytes: "AES-256-CBC". */
static bool sized_name(const char *name, size_t key_size, char *sized, size_t room)
{
    const char *first = strchr(name, '-');
    const char *last = strrchr(name, '-');
    if (first == NULL || first == last)
        return false;
    int n = snprintf(sized, room, "%.*s-%zu%s", (int)(first - name), name, key_size * 8, last);
    return n > 0 && (size_t)n < room;
}

/* Chooses cipher and key size. A stated keyLength decides, where the cipher can have that size. */
static certstore_status choose(struct csi_pbe_session *session, const struct csi_pbe *pbe, struct machine *m, certstore_error *err)
{
    m->cipher = fetch(session, pbe->cipher, err);
    if (m->cipher == NULL)
        return err->status;
    m->key_size = pbe->key_size > 0 ? pbe->key_size : pbe->rc2_bits > 0 ? pbe->rc2_bits / 8 : (size_t)EVP_CIPHER_get_key_length(m->cipher);
    uint64_t stated = pbe->derivation.key_size;
    char sized[64];
    if (stated != 0 && stated != m->key_size) {
        bool variable = (EVP_CIPHER_get_flags(m->cipher) & EVP_CIPH_VARIABLE_LENGTH) != 0;
        if (stated > EVP_MAX_KEY_LENGTH || (!variable && !sized_name(pbe->cipher, (size_t)stated, sized, sizeof sized)))
            return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "encryption: %s with a key of %llu bytes is not supported; encrypt the store anew",
                            pbe->cipher, (unsigned long long)stated);
        m->key_size = (size_t)stated;
        if (!variable) {
            EVP_CIPHER_free(m->cipher);
            m->cipher = fetch(session, sized, err);
        }
    }
    if (m->cipher == NULL)
        return err->status;
    m->iv_size = (size_t)EVP_CIPHER_get_iv_length(m->cipher);
    if ((EVP_CIPHER_get_flags(m->cipher) & EVP_CIPH_FLAG_AEAD_CIPHER) != 0 || EVP_CIPHER_get_mode(m->cipher) == EVP_CIPH_XTS_MODE ||
        EVP_CIPHER_get_mode(m->cipher) == EVP_CIPH_WRAP_MODE)
        return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "encryption: %s is not supported in PBES2; encrypt the store with another one", pbe->cipher);
    return CERTSTORE_OK;
}

static certstore_status prepare(struct csi_pbe_session *session, const struct csi_pbe *pbe, struct csi_span password, struct machine *m,
                                certstore_error *err)
{
    CSI_TRY(choose(session, pbe, m, err));
    const struct csi_derivation *d = &pbe->derivation;
    if (d->kdf == CSI_KDF_PBKDF1) { /* RFC 8018 section 6.1: 16 bytes, a key of 8 and an IV of 8 */
        uint8_t both[16];
        CSI_TRY(csi_derive(session, d, password, CSI_ID_KEY, both, sizeof both, err));
        memcpy(m->key, both, 8);
        memcpy(m->iv, both + 8, 8);
        csi_wipe(both, sizeof both);
        return CERTSTORE_OK;
    }
    if (d->kdf != CSI_KDF_PKCS12 && pbe->iv.size != m->iv_size)
        return csi_fail(err, CERTSTORE_E_MALFORMED, "encryption: an IV of %zu bytes for %s; the store is damaged", pbe->iv.size, pbe->cipher);
    CSI_TRY(csi_derive(session, d, password, CSI_ID_KEY, m->key, m->key_size, err));
    if (m->iv_size == 0)
        return CERTSTORE_OK;
    if (d->kdf == CSI_KDF_PKCS12)
        return csi_derive(session, d, password, CSI_ID_IV, m->iv, m->iv_size, err);
    memcpy(m->iv, pbe->iv.data, m->iv_size);
    return CERTSTORE_OK;
}

static EVP_CIPHER_CTX *start(const struct csi_pbe *pbe, const struct machine *m, int encrypt)
{
    CSI_AUTO(EVP_CIPHER_CTX) *ctx = EVP_CIPHER_CTX_new();
    if (ctx == NULL || EVP_CipherInit_ex2(ctx, m->cipher, NULL, NULL, encrypt, NULL) != 1)
        return NULL;
    size_t bits = pbe->rc2_bits;
    OSSL_PARAM rc2[] = { OSSL_PARAM_construct_size_t(OSSL_CIPHER_PARAM_RC2_KEYBITS, &bits), OSSL_PARAM_construct_end() };
    if (EVP_CIPHER_CTX_get_key_length(ctx) != (int)m->key_size && EVP_CIPHER_CTX_set_key_length(ctx, (int)m->key_size) != 1)
        return NULL;
    if (bits > 0 && EVP_CIPHER_CTX_set_params(ctx, rc2) != 1)
        return NULL;
    if (EVP_CipherInit_ex2(ctx, NULL, m->key, m->iv_size > 0 ? m->iv : NULL, encrypt, NULL) != 1)
        return NULL;
    return csi_steal(&ctx);
}

/* False: the padding is wrong (opening), or OpenSSL refused. */
static bool run(EVP_CIPHER_CTX *ctx, struct csi_span in, uint8_t *out, size_t *size)
{
    int n = 0;
    *size = 0;
    for (size_t done = 0; done < in.size;) {
        int part = in.size - done > CHUNK ? CHUNK : (int)(in.size - done);
        if (EVP_CipherUpdate(ctx, out + *size, &n, in.data + done, part) != 1)
            return false;
        *size += (size_t)n;
        done += (size_t)part;
    }
    if (EVP_CipherFinal_ex(ctx, out + *size, &n) != 1)
        return false;
    *size += (size_t)n;
    return true;
}

static certstore_status crypt(const struct csi_pbe *pbe, const struct machine *m, int encrypt, struct csi_span in, struct csi_buf *out,
                              certstore_error *err)
{
    size_t room, size;
    uint8_t *at = csi_add(in.size, EVP_MAX_BLOCK_LENGTH, &room) ? csi_buf_reserve(out, room) : NULL;
    CSI_AUTO(EVP_CIPHER_CTX) *ctx = start(pbe, m, encrypt);
    if (at == NULL)
        return csi_error_memory(err);
    if (ctx == NULL)
        return csi_fail_ossl(err, CERTSTORE_E_UNSUPPORTED, "encryption: %s cannot be used here; encrypt the store with another one", pbe->name);
    if (!run(ctx, in, at, &size))
        return csi_fail_ossl(err, encrypt != 0 ? CERTSTORE_E_UNSUPPORTED : CERTSTORE_E_PASSWORD,
                             "passphrase: it does not decrypt; give the right one");
    out->size += size;
    return CERTSTORE_OK;
}

certstore_status csi_pbe_decrypt(struct csi_pbe_session *session, const struct csi_pbe *pbe, struct csi_span password, struct csi_span ciphertext,
                                 struct csi_buf *plain, certstore_error *err)
{
    AUTO_MACHINE m = { 0 };
    CSI_AUTO_FENCE fence;
    csi_fence_begin(&fence);
    CSI_TRY(prepare(session, pbe, password, &m, err));
    return crypt(pbe, &m, 0, ciphertext, plain, err);
}

static enum csi_reading_family family_of(const struct csi_pbe *pbe)
{
    return pbe->derivation.kdf == CSI_KDF_PKCS12 ? CSI_FAMILY_PKCS12 : CSI_FAMILY_PKCS5;
}

certstore_status csi_pbe_open(struct csi_pbe_session *session, struct csi_span algorithm, struct csi_span ciphertext, const csi_secret *password,
                              bool (*fits)(struct csi_span plain), struct csi_buf *plain, enum csi_reading *reading, certstore_error *err)
{
    struct csi_pbe pbe;
    CSI_AUTO_READINGS readings = { 0 };
    CSI_TRY(csi_pbe_parse(algorithm, &pbe, err));
    CSI_TRY(csi_readings_make(&readings, family_of(&pbe), password, err));
    size_t before = plain->size;
    for (size_t i = 0; i < readings.count; i++) {
        certstore_error trial = { 0 };
        certstore_status status = csi_pbe_decrypt(session, &pbe, csi_secret_span(readings.items[i].bytes), ciphertext, plain, &trial);
        if (status == CERTSTORE_OK && fits(csi_span(plain->data + before, plain->size - before))) {
            *reading = readings.items[i].kind;
            return CERTSTORE_OK;
        }
        plain->size = before;
        if (status == CERTSTORE_E_LIMIT && i > 0) /* the standard reading was paid for and does not fit */
            break;
        if (status != CERTSTORE_OK && status != CERTSTORE_E_PASSWORD) {
            csi_error_move(err, &trial);
            return status;
        }
    }
    return csi_fail(err, CERTSTORE_E_PASSWORD, "passphrase: %s; give the right one",
                    password != NULL ? "it does not decrypt the content" : "none was given, and the content is encrypted");
}

bool csi_pbe_can_seal(struct csi_span like)
{
    struct csi_pbe pbe;
    certstore_error ignored = { 0 };
    if (csi_pbe_parse(like, &pbe, &ignored) != CERTSTORE_OK)
        return false;
    CSI_AUTO_FENCE fence;
    csi_fence_begin(&fence);
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, pbe.cipher, NULL);
    bool agrees = cipher == NULL || pbe.derivation.key_size == 0 || pbe.derivation.key_size == (uint64_t)EVP_CIPHER_get_key_length(cipher);
    EVP_CIPHER_free(cipher);
    return agrees;
}

/* Random bytes in the place of a span that lies in `bytes`. */
static certstore_status refresh(struct csi_buf *bytes, struct csi_span part, certstore_error *err)
{
    return part.size > 0 ? csi_random(bytes->data + (part.data - bytes->data), part.size, err) : CERTSTORE_OK;
}

certstore_status csi_pbe_seal(struct csi_pbe_session *session, struct csi_span like, const csi_secret *password, struct csi_span plain,
                              struct csi_buf *algorithm, struct csi_buf *ciphertext, certstore_error *err)
{
    struct csi_pbe pbe;
    AUTO_MACHINE m = { 0 };
    size_t from = algorithm->size;
    csi_buf_put_span(algorithm, like);
    CSI_TRY(csi_buf_check(algorithm, err));
    CSI_TRY(csi_pbe_parse(csi_span(algorithm->data + from, like.size), &pbe, err));
    CSI_TRY(refresh(algorithm, pbe.derivation.salt, err));
    CSI_TRY(refresh(algorithm, pbe.iv, err));
    CSI_AUTO(csi_secret) *bytes = csi_reading_standard(family_of(&pbe), password, err);
    if (bytes == NULL)
        return err->status;
    CSI_AUTO_FENCE fence;
    csi_fence_begin(&fence);
    CSI_TRY(prepare(session, &pbe, csi_secret_span(bytes), &m, err));
    return crypt(&pbe, &m, 1, plain, ciphertext, err);
}

void csi_pbe_put_pbes2(struct csi_buf *out, unsigned iterations)
{
    static const uint8_t zeros[16], pbes2[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d };
    static const uint8_t pbkdf2[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c };
    static const uint8_t hmac_sha256[] = { 0x30, 0x0c, 0x06, 0x08, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x09, 0x05, 0x00 };
    static const uint8_t aes256_cbc[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a };
    size_t whole = out->size;
    csi_der_put(out, CSI_DER_OID, csi_span(pbes2, sizeof pbes2));
    size_t both = out->size;
    csi_der_put(out, CSI_DER_OID, csi_span(pbkdf2, sizeof pbkdf2));
    size_t parameters = out->size;
    csi_der_put(out, CSI_DER_OCTET_STRING, csi_span(zeros, 16));
    csi_der_put_uint(out, iterations);
    csi_buf_put(out, hmac_sha256, sizeof hmac_sha256);
    csi_der_wrap(out, parameters, CSI_DER_SEQUENCE);
    csi_der_wrap(out, both, CSI_DER_SEQUENCE);
    size_t cipher = out->size;
    csi_der_put(out, CSI_DER_OID, csi_span(aes256_cbc, sizeof aes256_cbc));
    csi_der_put(out, CSI_DER_OCTET_STRING, csi_span(zeros, 16));
    csi_der_wrap(out, cipher, CSI_DER_SEQUENCE);
    csi_der_wrap(out, both, CSI_DER_SEQUENCE);
    csi_der_wrap(out, whole, CSI_DER_SEQUENCE);
}

void csi_pbe_put_pkcs12(struct csi_buf *out, uint8_t number, unsigned iterations)
{
    static const uint8_t zeros[8];
    const uint8_t oid[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01, number };
    size_t whole = out->size;
    csi_der_put(out, CSI_DER_OID, csi_span(oid, sizeof oid));
    size_t parameters = out->size;
    csi_der_put(out, CSI_DER_OCTET_STRING, csi_span(zeros, sizeof zeros));
    csi_der_put_uint(out, iterations);
    csi_der_wrap(out, parameters, CSI_DER_SEQUENCE);
    csi_der_wrap(out, whole, CSI_DER_SEQUENCE);
}
