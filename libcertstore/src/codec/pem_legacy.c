/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pem_legacy.c: private keys encrypted the way OpenSSL did before PKCS#8: RFC 1421 headers over the traditional key.
 *
 *   Proc-Type: 4,ENCRYPTED
 *   DEK-Info: AES-256-CBC,A2A7FA3E5E454B59C8777564E7AF3CD6
 *
 * The key is one MD5 pass over the passphrase and the first 8 bytes of the IV (EVP_BytesToKey). Read for as long as such files lie
 * around; never written anew.
 */
#include "codec/pem.h"

#include <openssl/evp.h>

#include "codec/base64.h"
#include "codec/pkcs8.h"
#include "model/ossl.h"

struct envelope {
    char cipher[64];
    uint8_t iv[EVP_MAX_IV_LENGTH];
    size_t iv_size;
};

static certstore_status read_headers(struct csi_span headers, struct envelope *envelope, certstore_error *err)
{
    struct csi_span proc, dek;
    if (!csi_pem_header(headers, "Proc-Type", &proc) || !csi_span_equal(proc, csi_span_text("4,ENCRYPTED")))
        return csi_fail(err, CERTSTORE_E_MALFORMED, "private key: its Proc-Type header is not 4,ENCRYPTED; restore the file from its source");
    const uint8_t *comma = csi_pem_header(headers, "DEK-Info", &dek) ? memchr(dek.data, ',', dek.size) : NULL;
    const size_t name = comma != NULL ? (size_t)(comma - dek.data) : 0;
    const size_t digits = comma != NULL ? dek.size - name - 1 : 0;
    if (name == 0 || name >= sizeof envelope->cipher || digits % 2 != 0 || digits / 2 > sizeof envelope->iv)
        return csi_fail(err, CERTSTORE_E_MALFORMED, "private key: its DEK-Info header is malformed; restore the file from its source");
    memcpy(envelope->cipher, dek.data, name);
    envelope->cipher[name] = 0;
    char hex[2 * EVP_MAX_IV_LENGTH + 1];
    memcpy(hex, comma + 1, digits);
    hex[digits] = 0;
    envelope->iv_size = digits / 2;
    if (!csi_unhex(hex, envelope->iv, envelope->iv_size))
        return csi_fail(err, CERTSTORE_E_MALFORMED,
                        "private key: the IV of its DEK-Info header is not hexadecimal; restore the file from its source");
    return CERTSTORE_OK;
}

static EVP_CIPHER *fetch(const char *name, struct csi_ossl *ossl, certstore_error *err)
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
    if (cipher != NULL || csi_ossl_open(ossl, err) != CERTSTORE_OK)
        return cipher;
    return EVP_CIPHER_fetch(ossl->context, name, NULL); /* single DES, RC2, RC4 */
}

static certstore_status decrypt(const EVP_CIPHER *cipher, const struct envelope *envelope, const csi_secret *password, struct csi_span in,
                                struct csi_buf *out, certstore_error *err)
{
    uint8_t key[EVP_MAX_KEY_LENGTH];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int size = 0, last = 0;
    const bool ready = ctx != NULL && in.size <= INT32_MAX / 2 && password->size <= INT32_MAX / 2 &&
                       EVP_BytesToKey(cipher, EVP_md5(), envelope->iv, password->data, (int)password->size, 1, key, NULL) > 0 &&
                       EVP_DecryptInit_ex(ctx, cipher, NULL, key, envelope->iv) == 1 &&
                       EVP_DecryptUpdate(ctx, out->data, &size, in.data, (int)in.size) == 1;
    const bool fitted = ready && EVP_DecryptFinal_ex(ctx, out->data + size, &last) == 1;
    EVP_CIPHER_CTX_free(ctx);
    csi_wipe(key, sizeof key);
    if (!ready)
        return csi_fail_ossl(err, CERTSTORE_E_UNSUPPORTED, "private key: %s cannot be used here; convert it with openssl pkcs8", envelope->cipher);
    if (!fitted)
        return csi_fail_ossl(err, CERTSTORE_E_PASSWORD, "private key: the passphrase is wrong; give the right one");
    out->size += (size_t)(size + last);
    return CERTSTORE_OK;
}

/* The key under the encryption. Padding fits by chance once in 256 wrong passphrases: what comes out must be a key. */
static certstore_status unwrap(const struct csi_pem_block *block, struct csi_span key, struct csi_plain_key *plain, certstore_error *err)
{
    CSI_AUTO(certstore_error) *scratch = certstore_error_new();
    if (scratch == NULL)
        return csi_error_memory(err);
    struct csi_span oid;
    if (csi_pem_label_is(block, "PRIVATE KEY")) {
        if (csi_pkcs8_algorithm(key, &oid))
            plain->bytes = csi_secret_new(key.data, key.size, err);
    } else {
        char type[16] = "";
        const size_t size = block->label.size - strlen(" PRIVATE KEY");
        memcpy(type, block->label.data, size < sizeof type ? size : 0);
        plain->bytes = csi_pkcs8_from_traditional(type, key, scratch);
    }
    if (plain->bytes == NULL)
        return csi_fail(err, CERTSTORE_E_PASSWORD, "private key: the passphrase is wrong; give the right one");
    return CERTSTORE_OK;
}

static certstore_status open_legacy(const csi_blob *sealed, const csi_secret *password, struct csi_budget *budget, struct csi_plain_key *plain,
                                    certstore_error *err)
{
    struct csi_pem_scan scan = csi_pem_scan(csi_blob_span(sealed));
    struct csi_pem_block block = { 0 };
    struct envelope envelope = { 0 };
    bool found;
    CSI_TRY(csi_pem_next(&scan, &block, &found, err));
    if (!found || block.label.size < strlen("PRIVATE KEY"))
        return csi_fail(err, CERTSTORE_E_MALFORMED, "private key: no PEM block; restore the file from its source");
    CSI_TRY(read_headers(block.headers, &envelope, err));
    if (password == NULL)
        return csi_fail(err, CERTSTORE_E_PASSWORD, "private key: it is encrypted; give its passphrase");
    CSI_TRY(csi_budget_spend(budget, 1, err));

    CSI_AUTO_BUF cipher_text = { 0 };
    CSI_AUTO_BUF key = { 0 };
    size_t size = 0;
    if (csi_buf_reserve(&cipher_text, csi_base64_room(block.data.size)) == NULL)
        return csi_buf_check(&cipher_text, err);
    CSI_TRY(csi_pem_decode(&scan, &block, cipher_text.data, &size, err));
    if (csi_buf_reserve(&key, size + EVP_MAX_BLOCK_LENGTH) == NULL)
        return csi_buf_check(&key, err);

    CSI_AUTO_OSSL ossl = { 0 };
    CSI_AUTO_FENCE fence;
    csi_fence_begin(&fence);
    EVP_CIPHER *cipher = fetch(envelope.cipher, &ossl, err);
    certstore_status status = CERTSTORE_OK;
    if (cipher == NULL)
        status = csi_fail_ossl(err, CERTSTORE_E_UNSUPPORTED, "private key: the cipher %s is not known here; convert it with openssl pkcs8",
                               envelope.cipher);
    else if ((size_t)EVP_CIPHER_get_iv_length(cipher) != envelope.iv_size || envelope.iv_size < 8)
        status = csi_fail(err, CERTSTORE_E_MALFORMED, "private key: the IV of its DEK-Info header has the wrong length; restore the file");
    else
        status = decrypt(cipher, &envelope, password, csi_span(cipher_text.data, size), &key, err);
    EVP_CIPHER_free(cipher);
    return status == CERTSTORE_OK ? unwrap(&block, csi_buf_span(&key), plain, err) : status;
}

const struct csi_protection csi_protection_pem_legacy = { .name = "PEM encryption (DEK-Info)", .open = open_legacy };
