/* SPDX-License-Identifier: Apache-2.0 */
/* pbe_iterate.c: derivations whose every iteration hashes one block of a known length (FIPS 180-4 section 5.1.1 for its padding). */
#define OPENSSL_SUPPRESS_DEPRECATED /* the low-level calls are the only ones to the compression itself */
#include "codec/pbe_iterate.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "base/error.h"

enum { BLOCK = 64, WORDS = 8, LARGEST = SHA256_DIGEST_LENGTH };

struct csi_iterated_hash {
    const char *name; /* OpenSSL's */
    size_t size;      /* of the digest */
    uint32_t start[WORDS];
    void (*compress)(uint32_t state[WORDS], const uint8_t block[BLOCK]);
    void (*digest)(const struct csi_span *parts, size_t count, uint8_t *out);
};

static void compress_sha1(uint32_t state[WORDS], const uint8_t block[BLOCK])
{
    SHA_CTX c = { .h0 = state[0], .h1 = state[1], .h2 = state[2], .h3 = state[3], .h4 = state[4] };
    SHA1_Transform(&c, block);
    state[0] = c.h0;
    state[1] = c.h1;
    state[2] = c.h2;
    state[3] = c.h3;
    state[4] = c.h4;
    csi_wipe(&c, sizeof c);
}

static void compress_sha256(uint32_t state[WORDS], const uint8_t block[BLOCK])
{
    SHA256_CTX c;
    memcpy(c.h, state, sizeof c.h);
    SHA256_Transform(&c, block);
    memcpy(state, c.h, sizeof c.h);
    csi_wipe(c.h, sizeof c.h);
}

static void digest_sha1(const struct csi_span *parts, size_t count, uint8_t *out)
{
    SHA_CTX c;
    SHA1_Init(&c);
    for (size_t i = 0; i < count; i++)
        SHA1_Update(&c, parts[i].data, parts[i].size);
    SHA1_Final(out, &c);
    csi_wipe(&c, sizeof c);
}

static void digest_sha256(const struct csi_span *parts, size_t count, uint8_t *out)
{
    SHA256_CTX c;
    SHA256_Init(&c);
    for (size_t i = 0; i < count; i++)
        SHA256_Update(&c, parts[i].data, parts[i].size);
    SHA256_Final(out, &c);
    csi_wipe(&c, sizeof c);
}

/* Initial hash values: FIPS 180-4 sections 5.3.1 and 5.3.3. */
static const struct csi_iterated_hash hashes[] = {
    { "SHA1", SHA_DIGEST_LENGTH, { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 }, compress_sha1, digest_sha1 },
    { "SHA2-256",
      SHA256_DIGEST_LENGTH,
      { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 },
      compress_sha256,
      digest_sha256 },
};

const struct csi_iterated_hash *csi_iterated_hash(const char *digest)
{
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++)
        if (strcmp(digest, hashes[i].name) == 0)
            return EVP_default_properties_is_fips_enabled(NULL) == 1 ? NULL : &hashes[i];
    return NULL;
}

static void put_words(uint8_t *out, const uint32_t *words, size_t size)
{
    for (size_t i = 0; i < size / 4; i++) {
        const uint32_t big_endian = __builtin_bswap32(words[i]);
        memcpy(out + 4 * i, &big_endian, sizeof big_endian);
    }
}

/* What follows a digest in the last block of a message of so many bytes. */
static void put_padding(const struct csi_iterated_hash *hash, uint8_t block[BLOCK], size_t message)
{
    const uint64_t bits = 8 * (uint64_t)message;
    memset(block + hash->size, 0, BLOCK - hash->size);
    block[hash->size] = 0x80;
    for (size_t i = 0; i < 8; i++)
        block[BLOCK - 1 - i] = (uint8_t)(bits >> 8 * i);
}

/* ------------------------------------------------------------------------------------------------------------------ PBKDF2 */

/* The HMAC key in its two blocks (RFC 2104 section 2), and the states that they lead to, which every iteration begins with. */
struct hmac {
    const struct csi_iterated_hash *hash;
    uint8_t inner_block[BLOCK];
    uint8_t outer_block[BLOCK];
    uint32_t inner[WORDS];
    uint32_t outer[WORDS];
};

static void hmac_begin(struct hmac *hmac, const struct csi_iterated_hash *hash, struct csi_span key)
{
    uint8_t block[BLOCK] = { 0 };
    if (key.size > BLOCK)
        hash->digest(&key, 1, block);
    else if (key.size > 0)
        memcpy(block, key.data, key.size);
    hmac->hash = hash;
    for (size_t i = 0; i < BLOCK; i++) {
        hmac->inner_block[i] = block[i] ^ 0x36;
        hmac->outer_block[i] = block[i] ^ 0x5c;
    }
    memcpy(hmac->inner, hash->start, sizeof hmac->inner);
    memcpy(hmac->outer, hash->start, sizeof hmac->outer);
    hash->compress(hmac->inner, hmac->inner_block);
    hash->compress(hmac->outer, hmac->outer_block);
    csi_wipe(block, sizeof block);
}

/* U1 = HMAC(P, S || INT(i)). */
static void first_u(const struct hmac *hmac, struct csi_span salt, uint32_t number, uint8_t u[LARGEST])
{
    const uint8_t i[4] = { (uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number };
    const struct csi_span inner[] = { csi_span(hmac->inner_block, BLOCK), salt, csi_span(i, sizeof i) };
    hmac->hash->digest(inner, 3, u);
    const struct csi_span outer[] = { csi_span(hmac->outer_block, BLOCK), csi_span(u, hmac->hash->size) };
    hmac->hash->digest(outer, 2, u);
}

/* T_i = U1 ^ U2 ^ ... ^ Uc, U2 and on being the HMAC of the one before. */
static void derive_t(const struct hmac *hmac, struct csi_span salt, uint32_t number, uint64_t iterations, uint8_t t[LARGEST])
{
    const struct csi_iterated_hash *hash = hmac->hash;
    uint8_t block[BLOCK];
    uint32_t state[WORDS] = { 0 };
    uint32_t sum[WORDS] = { 0 };
    first_u(hmac, salt, number, block);
    memcpy(t, block, hash->size);
    put_padding(hash, block, BLOCK + hash->size);
    for (uint64_t i = 1; i < iterations; i++) {
        memcpy(state, hmac->inner, sizeof state);
        hash->compress(state, block);
        put_words(block, state, hash->size);
        memcpy(state, hmac->outer, sizeof state);
        hash->compress(state, block);
        put_words(block, state, hash->size);
        for (size_t word = 0; word < WORDS; word++)
            sum[word] ^= state[word];
    }
    put_words(block, sum, hash->size);
    for (size_t i = 0; i < hash->size; i++)
        t[i] ^= block[i];
    csi_wipe(block, sizeof block);
    csi_wipe(state, sizeof state);
    csi_wipe(sum, sizeof sum);
}

void csi_iterate_pbkdf2(const struct csi_iterated_hash *hash, struct csi_span password, struct csi_span salt, uint64_t iterations, uint8_t *out,
                        size_t size)
{
    struct hmac hmac;
    uint8_t t[LARGEST];
    uint32_t number = 1;
    hmac_begin(&hmac, hash, password);
    for (size_t done = 0; done < size; number++) {
        const size_t part = size - done < hash->size ? size - done : hash->size;
        derive_t(&hmac, salt, number, iterations, t);
        memcpy(out + done, t, part);
        done += part;
    }
    csi_wipe(&hmac, sizeof hmac);
    csi_wipe(t, sizeof t);
}

/* ----------------------------------------------------------------------------------------------------------------- PKCS#12 */

/* Copies of bytes, one behind the other, up to a whole number of blocks; nothing where there are none. */
static void put_repeated(struct csi_buf *out, struct csi_span bytes)
{
    const size_t end = out->size + (bytes.size + BLOCK - 1) / BLOCK * BLOCK;
    while (out->size < end && !out->failed)
        csi_buf_put(out, bytes.data, bytes.size < end - out->size ? bytes.size : end - out->size);
}

/* A = H(H(...H(D || I))). */
static void hash_repeatedly(const struct csi_iterated_hash *hash, uint8_t id, struct csi_span i, uint64_t iterations, uint8_t a[LARGEST])
{
    uint8_t block[BLOCK];
    uint32_t state[WORDS] = { 0 };
    memset(block, id, sizeof block);
    const struct csi_span first[] = { csi_span(block, BLOCK), i };
    hash->digest(first, 2, a);
    memcpy(block, a, hash->size);
    put_padding(hash, block, hash->size);
    for (uint64_t round = 1; round < iterations; round++) {
        memcpy(state, hash->start, sizeof state);
        hash->compress(state, block);
        put_words(block, state, hash->size);
    }
    memcpy(a, block, hash->size);
    csi_wipe(block, sizeof block);
    csi_wipe(state, sizeof state);
}

/* Each block of I becomes I_j + B + 1 modulo 2^512, where B is A repeated to a block. */
static void add_to_blocks(const struct csi_iterated_hash *hash, uint8_t *i, size_t size, const uint8_t a[LARGEST])
{
    for (size_t start = 0; start < size; start += BLOCK) {
        unsigned carry = 1;
        for (size_t at = BLOCK; at-- > 0;) {
            carry += (unsigned)i[start + at] + a[at % hash->size];
            i[start + at] = (uint8_t)carry;
            carry >>= 8;
        }
    }
}

certstore_status csi_iterate_pkcs12(const struct csi_iterated_hash *hash, uint8_t id, struct csi_span password, struct csi_span salt,
                                    uint64_t iterations, uint8_t *out, size_t size, certstore_error *err)
{
    uint8_t a[LARGEST];
    CSI_AUTO_BUF i = { 0 };
    put_repeated(&i, salt);
    put_repeated(&i, password);
    CSI_TRY(csi_buf_check(&i, err));
    for (size_t done = 0; done < size;) {
        const size_t part = size - done < hash->size ? size - done : hash->size;
        hash_repeatedly(hash, id, csi_buf_span(&i), iterations, a);
        memcpy(out + done, a, part);
        done += part;
        if (done < size)
            add_to_blocks(hash, i.data, i.size, a);
    }
    csi_wipe(a, sizeof a);
    return CERTSTORE_OK;
}
