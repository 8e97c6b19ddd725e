/* SPDX-License-Identifier: Apache-2.0 */
/*
 * java_crypto.c: the primitives under Java's key stores: the whitened SHA-1 of the store (JDK sun/security/provider/JavaKeyStore.java,
 * getPreKeyedHash) and triple DES in CBC mode.
 *
 * The formats fix these algorithms, so they are called directly: OpenSSL's low-level functions need no provider and no configuration, cannot
 * fail, and spare a listing the start of the whole provider machinery (8.6 million instructions instead of 2.6 for a small store).
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "codec/java.h"

#include <assert.h>
#include <openssl/des.h>
#include <openssl/sha.h>

#include "base/error.h"
#include "base/text.h"

static const char whitener[] = "Mighty Aphrodite";

certstore_status csi_java_password(const csi_secret *password, struct csi_buf *utf16be, certstore_error *err)
{
    const struct csi_span text = csi_secret_span(password);
    if (csi_text_to_utf16be(text, utf16be))
        return csi_buf_check(utf16be, err);
    CSI_AUTO_BUF wide = { 0 };
    csi_text_from_latin1(text, &wide);
    CSI_TRY(csi_buf_check(&wide, err));
    utf16be->size = 0;
    csi_text_to_utf16be(csi_buf_span(&wide), utf16be);
    return csi_buf_check(utf16be, err);
}

static_assert(sizeof(SHA_CTX) <= sizeof((struct csi_java_digest *)0)->state, "the state holds an SHA_CTX");

static void load(SHA_CTX *context, const struct csi_java_digest *digest)
{
    memcpy(context, digest->state, sizeof *context);
}

static void store(struct csi_java_digest *digest, const SHA_CTX *context)
{
    memcpy(digest->state, context, sizeof *context);
}

certstore_status csi_java_digest_begin(struct csi_java_digest *digest, const csi_secret *password, certstore_error *err)
{
    CSI_AUTO_BUF chars = { 0 };
    CSI_TRY(csi_java_password(password, &chars, err));
    SHA_CTX context;
    SHA1_Init(&context);
    SHA1_Update(&context, chars.data, chars.size);
    SHA1_Update(&context, whitener, sizeof whitener - 1);
    store(digest, &context);
    csi_wipe(&context, sizeof context);
    return CERTSTORE_OK;
}

void csi_java_digest_add(struct csi_java_digest *digest, struct csi_span bytes)
{
    SHA_CTX context;
    load(&context, digest);
    SHA1_Update(&context, bytes.data, bytes.size);
    store(digest, &context);
    csi_wipe(&context, sizeof context);
}

void csi_java_digest_end(struct csi_java_digest *digest, uint8_t out[CSI_SHA1_SIZE])
{
    SHA_CTX context;
    load(&context, digest);
    SHA1_Final(out, &context);
    csi_wipe(&context, sizeof context);
    csi_wipe(digest, sizeof *digest);
}

struct des3 {
    DES_key_schedule part[3];
};

static void des3_key(struct des3 *des3, const uint8_t key[CSI_DES3_KEY_SIZE])
{
    for (size_t i = 0; i < 3; i++) {
        DES_cblock block;
        memcpy(block, key + i * sizeof block, sizeof block);
        DES_set_key_unchecked(&block, &des3->part[i]);
        csi_wipe(block, sizeof block);
    }
}

/* The size without PKCS#5 padding (RFC 8018 section 6.1.1, step 4: n bytes of value n), SIZE_MAX if it is none. */
static size_t without_padding(const uint8_t *data, size_t size)
{
    const uint8_t count = data[size - 1];
    if (count == 0 || count > CSI_DES_BLOCK_SIZE)
        return SIZE_MAX;
    for (size_t i = size - count; i < size; i++)
        if (data[i] != count)
            return SIZE_MAX;
    return size - count;
}

bool csi_des3_open(const uint8_t key[CSI_DES3_KEY_SIZE], const uint8_t iv[CSI_DES_BLOCK_SIZE], struct csi_span ciphertext, struct csi_buf *plain)
{
    if (ciphertext.size == 0 || ciphertext.size % CSI_DES_BLOCK_SIZE != 0 || ciphertext.size > INT32_MAX)
        return false;
    uint8_t *room = csi_buf_reserve(plain, ciphertext.size);
    if (room == NULL)
        return false;
    struct des3 des3;
    des3_key(&des3, key);
    DES_cblock chain;
    memcpy(chain, iv, sizeof chain);
    DES_ede3_cbc_encrypt(ciphertext.data, room, (long)ciphertext.size, &des3.part[0], &des3.part[1], &des3.part[2], &chain, DES_DECRYPT);
    csi_wipe(&des3, sizeof des3);
    const size_t size = without_padding(room, ciphertext.size);
    if (size == SIZE_MAX)
        return false;
    plain->size += size;
    return true;
}

void csi_des3_seal(const uint8_t key[CSI_DES3_KEY_SIZE], const uint8_t iv[CSI_DES_BLOCK_SIZE], struct csi_span plain, struct csi_buf *ciphertext)
{
    const uint8_t count = (uint8_t)(CSI_DES_BLOCK_SIZE - plain.size % CSI_DES_BLOCK_SIZE);
    const size_t size = plain.size + count;
    uint8_t *room = csi_buf_reserve(ciphertext, size);
    if (room == NULL)
        return;
    if (plain.size > 0)
        memcpy(room, plain.data, plain.size);
    memset(room + plain.size, count, count);
    struct des3 des3;
    des3_key(&des3, key);
    DES_cblock chain;
    memcpy(chain, iv, sizeof chain);
    DES_ede3_cbc_encrypt(room, room, (long)size, &des3.part[0], &des3.part[1], &des3.part[2], &chain, DES_ENCRYPT);
    csi_wipe(&des3, sizeof des3);
    ciphertext->size += size;
}
