/* SPDX-License-Identifier: Apache-2.0 */
/* provider_cipher.c: RSA encryption by the twin, decryption by the token (provider-asym_cipher(7)). */
#include <openssl/params.h>

#include "key/provider_internal.h"

struct cipher {
    const struct csi_provider *provider;
    struct csi_token_key *key;
    EVP_PKEY_CTX *books; /* an encryption by the twin: carried through where that is wanted, else it keeps the parameters */
};

static void *new_cipher(void *provider)
{
    struct cipher *cipher = calloc(1, sizeof *cipher);
    if (cipher != NULL)
        cipher->provider = provider;
    return cipher;
}

static void free_cipher(void *data)
{
    struct cipher *cipher = data;
    if (cipher == NULL)
        return;
    EVP_PKEY_CTX_free(cipher->books);
    csi_token_key_free(cipher->key);
    free(cipher);
}

static void *copy_cipher(void *data)
{
    const struct cipher *from = data;
    struct cipher *copy = new_cipher((void *)(uintptr_t)from->provider);
    if (copy == NULL)
        return NULL;
    if (from->key != NULL)
        copy->key = csi_token_key_ref(from->key);
    if (from->books != NULL && (copy->books = EVP_PKEY_CTX_dup(from->books)) == NULL) {
        free_cipher(copy);
        return NULL;
    }
    return copy;
}

static int begin(void *data, void *key, const OSSL_PARAM params[])
{
    struct cipher *cipher = data;
    struct csi_token_key *taken = key;
    if (taken == NULL || taken->twin == NULL)
        return 0;
    csi_token_key_ref(taken);
    csi_token_key_free(cipher->key);
    cipher->key = taken;
    EVP_PKEY_CTX_free(cipher->books);
    cipher->books = EVP_PKEY_CTX_new_from_pkey(cipher->provider->context, taken->twin, CSI_PROVIDER_TWIN);
    return cipher->books != NULL && EVP_PKEY_encrypt_init_ex(cipher->books, params) == 1;
}

static int encrypt(void *data, unsigned char *out, size_t *size, size_t room, const unsigned char *in, size_t in_size)
{
    const struct cipher *cipher = data;
    *size = room;
    return EVP_PKEY_encrypt(cipher->books, out, size, in, in_size) == 1;
}

static int decrypt(void *data, unsigned char *out, size_t *size, size_t room, const unsigned char *in, size_t in_size)
{
    struct cipher *cipher = data;
    certstore_error err = { 0 };
    CSI_AUTO_BUF opened = { 0 };
    const struct csi_books books = { cipher->books, cipher->provider };
    if (out == NULL) {
        *size = (size_t)EVP_PKEY_get_size(cipher->key->twin);
        return *size > 0;
    }
    if (csi_rsa_decrypt(cipher->key, &books, csi_span(in, in_size), &opened, &err) == CERTSTORE_OK && opened.size > room)
        csi_fail(&err, CERTSTORE_E_ARGUMENT, "key: what was encrypted takes %zu bytes, and there is room for %zu; make more room", opened.size, room);
    if (csi_token_done(cipher->key, &err) != 1)
        return 0;
    if (opened.size > 0)
        memcpy(out, opened.data, opened.size);
    *size = opened.size;
    return 1;
}

static int get_params(void *data, OSSL_PARAM params[])
{
    const struct cipher *cipher = data;
    return cipher->books != NULL && EVP_PKEY_CTX_get_params(cipher->books, params) == 1;
}

static int set_params(void *data, const OSSL_PARAM params[])
{
    const struct cipher *cipher = data;
    return params == NULL || (cipher->books != NULL && EVP_PKEY_CTX_set_params(cipher->books, params) == 1);
}

static const OSSL_PARAM *gettable(void *data CSI_UNUSED, void *provider CSI_UNUSED)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, NULL, 0),
        OSSL_PARAM_octet_ptr(OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL, NULL, 0),
        OSSL_PARAM_END,
    };
    return types;
}

static const OSSL_PARAM *settable(void *data CSI_UNUSED, void *provider CSI_UNUSED)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL, NULL, 0),
        OSSL_PARAM_END,
    };
    return types;
}

static const OSSL_DISPATCH of_rsa[] = {
    { OSSL_FUNC_ASYM_CIPHER_NEWCTX, (void (*)(void))new_cipher },
    { OSSL_FUNC_ASYM_CIPHER_FREECTX, (void (*)(void))free_cipher },
    { OSSL_FUNC_ASYM_CIPHER_DUPCTX, (void (*)(void))copy_cipher },
    { OSSL_FUNC_ASYM_CIPHER_ENCRYPT_INIT, (void (*)(void))begin },
    { OSSL_FUNC_ASYM_CIPHER_ENCRYPT, (void (*)(void))encrypt },
    { OSSL_FUNC_ASYM_CIPHER_DECRYPT_INIT, (void (*)(void))begin },
    { OSSL_FUNC_ASYM_CIPHER_DECRYPT, (void (*)(void))decrypt },
    { OSSL_FUNC_ASYM_CIPHER_GET_CTX_PARAMS, (void (*)(void))get_params },
    { OSSL_FUNC_ASYM_CIPHER_GETTABLE_CTX_PARAMS, (void (*)(void))gettable },
    { OSSL_FUNC_ASYM_CIPHER_SET_CTX_PARAMS, (void (*)(void))set_params },
    { OSSL_FUNC_ASYM_CIPHER_SETTABLE_CTX_PARAMS, (void (*)(void))settable },
    { 0, NULL },
};

const OSSL_ALGORITHM csi_provider_cipher[] = {
    { "RSA:rsaEncryption:1.2.840.113549.1.1.1", CSI_PROVIDER_ITSELF, of_rsa, "RSA decryption by a token" },
    { NULL, NULL, NULL, NULL },
};
