/* SPDX-License-Identifier: Apache-2.0 */
/*
 * provider_signature.c: signing and verifying (provider-signature(7)).
 *
 * Whatever is asked for, a verification by the twin is begun. Where that is what was asked for, it is carried through; where a signature was, it
 * keeps the books: it takes the parameters and answers for them, and the token signs what was hashed here.
 */
#include <openssl/params.h>

#include "key/provider_internal.h"

struct signature {
    const struct csi_provider *provider;
    struct csi_token_key *key;
    EVP_MD_CTX *twin;    /* a verification of the twin, with its hashing; NULL for what comes hashed already */
    EVP_PKEY_CTX *books; /* the twin's; its own where there is no such verification */
    EVP_MD_CTX *hash;    /* what will be signed */
};

static void *new_signature(void *provider, const char *properties CSI_UNUSED)
{
    struct signature *signature = calloc(1, sizeof *signature);
    if (signature != NULL)
        signature->provider = provider;
    return signature;
}

static void reset(struct signature *signature)
{
    if (signature->twin == NULL)
        EVP_PKEY_CTX_free(signature->books);
    EVP_MD_CTX_free(signature->twin);
    EVP_MD_CTX_free(signature->hash);
    signature->twin = signature->hash = NULL;
    signature->books = NULL;
}

static void free_signature(void *data)
{
    struct signature *signature = data;
    if (signature == NULL)
        return;
    reset(signature);
    csi_token_key_free(signature->key);
    free(signature);
}

static bool copy_digest_context(EVP_MD_CTX **to, const EVP_MD_CTX *from)
{
    if (from == NULL)
        return true;
    *to = EVP_MD_CTX_new();
    return *to != NULL && EVP_MD_CTX_copy_ex(*to, from) == 1;
}

static void *copy_signature(void *data)
{
    const struct signature *from = data;
    struct signature *copy = new_signature((void *)(uintptr_t)from->provider, NULL);
    if (copy == NULL)
        return NULL;
    if (from->key != NULL)
        copy->key = csi_token_key_ref(from->key);
    bool copied = copy_digest_context(&copy->hash, from->hash) && copy_digest_context(&copy->twin, from->twin);
    if (copied && copy->twin != NULL)
        copy->books = EVP_MD_CTX_get_pkey_ctx(copy->twin);
    else if (copied && from->books != NULL)
        copied = (copy->books = EVP_PKEY_CTX_dup(from->books)) != NULL;
    if (copied)
        return copy;
    free_signature(copy);
    return NULL;
}

/* OpenSSL begins anew with the same key by giving none. */
static bool take_key(struct signature *signature, void *key)
{
    struct csi_token_key *taken = key != NULL ? csi_token_key_ref(key) : signature->key;
    if (taken != signature->key || key != NULL) {
        csi_token_key_free(signature->key);
        signature->key = taken;
    }
    reset(signature);
    return taken != NULL && taken->twin != NULL;
}

/* ------------------------------------------------------------------------------------------------- of what is hashed already */

static int begin(void *data, void *key, const OSSL_PARAM params[])
{
    struct signature *signature = data;
    if (!take_key(signature, key))
        return 0;
    signature->books = EVP_PKEY_CTX_new_from_pkey(signature->provider->context, signature->key->twin, CSI_PROVIDER_TWIN);
    return signature->books != NULL && EVP_PKEY_verify_init_ex(signature->books, params) == 1;
}

static int sign_data(struct signature *signature, struct csi_span data, unsigned char *out, size_t *size, size_t room)
{
    certstore_error err = { 0 };
    CSI_AUTO_BUF made = { 0 };
    const struct csi_books books = { signature->books, signature->provider };
    if (csi_token_sign(signature->key, &books, data, &made, &err) == CERTSTORE_OK && made.size > room)
        csi_fail(&err, CERTSTORE_E_ARGUMENT, "key: the signature takes %zu bytes, and there is room for %zu; make more room", made.size, room);
    if (csi_token_done(signature->key, &err) != 1)
        return 0;
    memcpy(out, made.data, made.size);
    *size = made.size;
    return 1;
}

static int answer_size(const struct signature *signature, size_t *size)
{
    *size = (size_t)EVP_PKEY_get_size(signature->key->twin);
    return *size > 0;
}

static int sign(void *data, unsigned char *out, size_t *size, size_t room, const unsigned char *digest, size_t digest_size)
{
    struct signature *signature = data;
    return out == NULL ? answer_size(signature, size) : sign_data(signature, csi_span(digest, digest_size), out, size, room);
}

static int verify(void *data, const unsigned char *made, size_t size, const unsigned char *digest, size_t digest_size)
{
    const struct signature *signature = data;
    return EVP_PKEY_verify(signature->books, made, size, digest, digest_size) == 1;
}

/* ---------------------------------------------------------------------------------------------------- of what is hashed here */

static int begin_hashing(void *data, const char *digest, void *key, const OSSL_PARAM params[])
{
    struct signature *signature = data;
    const char *name = digest != NULL && digest[0] != '\0' ? digest : NULL;
    if (!take_key(signature, key) || (signature->twin = EVP_MD_CTX_new()) == NULL)
        return 0;
    return EVP_DigestVerifyInit_ex(signature->twin, &signature->books, name, signature->provider->context, CSI_PROVIDER_TWIN, signature->key->twin,
                                   params) == 1;
}

static int begin_signing(void *data, const char *digest, void *key, const OSSL_PARAM params[])
{
    struct signature *signature = data;
    EVP_MD *fetched = NULL;
    certstore_error err = { 0 };
    if (begin_hashing(data, digest, key, params) != 1)
        return 0;
    const struct csi_books books = { signature->books, signature->provider };
    if (csi_books_digest(&books, OSSL_SIGNATURE_PARAM_DIGEST, &fetched, &err) != CERTSTORE_OK)
        return csi_token_done(signature->key, &err);
    CSI_AUTO(EVP_MD) *md = fetched;
    return md == NULL || ((signature->hash = EVP_MD_CTX_new()) != NULL && EVP_DigestInit_ex2(signature->hash, md, NULL) == 1);
}

static int hash_more(void *data, const unsigned char *bytes, size_t size)
{
    const struct signature *signature = data;
    return signature->hash != NULL && EVP_DigestUpdate(signature->hash, bytes, size) == 1;
}

static int sign_hash(void *data, unsigned char *out, size_t *size, size_t room)
{
    struct signature *signature = data;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned digest_size = 0;
    if (out == NULL)
        return answer_size(signature, size);
    if (signature->hash == NULL || EVP_DigestFinal_ex(signature->hash, digest, &digest_size) != 1)
        return 0;
    return sign_data(signature, csi_span(digest, digest_size), out, size, room);
}

static int verify_more(void *data, const unsigned char *bytes, size_t size)
{
    const struct signature *signature = data;
    return signature->twin != NULL && EVP_DigestVerifyUpdate(signature->twin, bytes, size) == 1;
}

static int verify_hash(void *data, const unsigned char *made, size_t size)
{
    const struct signature *signature = data;
    return signature->twin != NULL && EVP_DigestVerifyFinal(signature->twin, made, size) == 1;
}

static int verify_message(void *data, const unsigned char *made, size_t size, const unsigned char *message, size_t message_size)
{
    const struct signature *signature = data;
    return signature->twin != NULL && EVP_DigestVerify(signature->twin, made, size, message, message_size) == 1;
}

/* -------------------------------------------------------------------------------------------------------------- parameters */

static int get_params(void *data, OSSL_PARAM params[])
{
    const struct signature *signature = data;
    return signature->books != NULL && EVP_PKEY_CTX_get_params(signature->books, params) == 1;
}

static bool sets_digest(const OSSL_PARAM params[])
{
    return OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_DIGEST) != NULL;
}

/* Once hashing has begun its digest stays. */
static int set_params(void *data, const OSSL_PARAM params[])
{
    const struct signature *signature = data;
    if (params == NULL)
        return 1;
    return signature->books != NULL && !(signature->twin != NULL && sets_digest(params)) && EVP_PKEY_CTX_set_params(signature->books, params) == 1;
}

#define DIGEST OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0)
#define PADDING                                                                                                                        \
    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0), OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0), \
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0)
#define IDENTIFIER OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0)

static const OSSL_PARAM *gettable(void *data CSI_UNUSED, void *provider CSI_UNUSED)
{
    static const OSSL_PARAM types[] = { IDENTIFIER, DIGEST, PADDING, OSSL_PARAM_END };
    return types;
}

static const OSSL_PARAM *settable(void *data CSI_UNUSED, void *provider CSI_UNUSED)
{
    static const OSSL_PARAM types[] = { DIGEST, PADDING, OSSL_PARAM_END };
    return types;
}

#define CONTEXT                                                                                                                                    \
    { OSSL_FUNC_SIGNATURE_NEWCTX, (void (*)(void))new_signature }, { OSSL_FUNC_SIGNATURE_FREECTX, (void (*)(void))free_signature },                \
        { OSSL_FUNC_SIGNATURE_DUPCTX, (void (*)(void))copy_signature }, { OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, (void (*)(void))get_params },        \
        { OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, (void (*)(void))gettable }, { OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, (void (*)(void))set_params }, \
        { OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, (void (*)(void))settable },                                                                     \
        { OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (void (*)(void))begin_signing },                                                                   \
    {                                                                                                                                              \
        OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT, (void (*)(void))begin_hashing                                                                      \
    }

static const OSSL_DISPATCH of_digests[] = {
    CONTEXT,
    { OSSL_FUNC_SIGNATURE_SIGN_INIT, (void (*)(void))begin },
    { OSSL_FUNC_SIGNATURE_SIGN, (void (*)(void))sign },
    { OSSL_FUNC_SIGNATURE_VERIFY_INIT, (void (*)(void))begin },
    { OSSL_FUNC_SIGNATURE_VERIFY, (void (*)(void))verify },
    { OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, (void (*)(void))hash_more },
    { OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, (void (*)(void))sign_hash },
    { OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_UPDATE, (void (*)(void))verify_more },
    { OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_FINAL, (void (*)(void))verify_hash },
    { 0, NULL },
};
/* The whole message at once, and no digest (RFC 8032): sign() then gets the message. */
static const OSSL_DISPATCH of_messages[] = {
    CONTEXT,
    { OSSL_FUNC_SIGNATURE_DIGEST_SIGN, (void (*)(void))sign },
    { OSSL_FUNC_SIGNATURE_DIGEST_VERIFY, (void (*)(void))verify_message },
    { 0, NULL },
};

const OSSL_ALGORITHM csi_provider_signature[] = {
    { "RSA:rsaEncryption:1.2.840.113549.1.1.1", CSI_PROVIDER_ITSELF, of_digests, "RSA signatures by a token" },
    { "ECDSA", CSI_PROVIDER_ITSELF, of_digests, "ECDSA by a token" },
    { "ED25519:1.3.101.112", CSI_PROVIDER_ITSELF, of_messages, "Ed25519 by a token" },
    { NULL, NULL, NULL, NULL },
};
