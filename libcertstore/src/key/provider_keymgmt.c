/* SPDX-License-Identifier: Apache-2.0 */
/* provider_keymgmt.c: keys as OpenSSL handles them (provider-keymgmt(7)). The public half is open to everybody, the private half to nobody. */
#include <stdatomic.h>

#include <openssl/params.h>

#include "key/provider_internal.h"

static void *new_key(void *provider, const char *type)
{
    struct csi_token_key *key = calloc(1, sizeof *key);
    if (key == NULL)
        return NULL;
    key->provider = provider;
    key->type = type;
    atomic_init(&key->refs, 1);
    pthread_mutex_init(&key->lock, NULL);
    return key;
}

static void *new_rsa(void *provider)
{
    return new_key(provider, "RSA");
}

static void *new_ec(void *provider)
{
    return new_key(provider, "EC");
}

static void *new_ed25519(void *provider)
{
    return new_key(provider, "ED25519");
}

static void free_key(void *key)
{
    csi_token_key_free(key);
}

static int has(const void *data, int selection)
{
    const struct csi_token_key *key = data;
    return key->twin != NULL && ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0 || key->token != NULL);
}

/* Two keys are equal where their public halves are: one public key has one private key. */
static int match(const void *left, const void *right, int selection)
{
    const struct csi_token_key *a = left;
    const struct csi_token_key *b = right;
    if (a->twin == NULL || b->twin == NULL)
        return 0;
    return (selection & OSSL_KEYMGMT_SELECT_KEYPAIR) != 0 ? EVP_PKEY_eq(a->twin, b->twin) == 1 : EVP_PKEY_parameters_eq(a->twin, b->twin) == 1;
}

/* -------------------------------------------------------------------------------------------------------- import and export */

static int import_source(struct csi_token_key *key, const OSSL_PARAM *param)
{
    const void *address = NULL;
    size_t size = 0;
    if (OSSL_PARAM_get_octet_ptr(param, &address, &size) != 1 || size != sizeof(struct csi_token_source))
        return 0;
    const struct csi_token_source *source = address;
    if (EVP_PKEY_up_ref(source->twin) != 1)
        return 0;
    key->twin = source->twin;
    key->token = csi_p11_ref(source->token);
    key->object = csi_blob_ref(source->object);
    return 1;
}

static bool is_private(const OSSL_PARAM *params)
{
    static const char *const names[] = { OSSL_PKEY_PARAM_PRIV_KEY, OSSL_PKEY_PARAM_RSA_D };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (OSSL_PARAM_locate_const(params, names[i]) != NULL)
            return true;
    return false;
}

/* OpenSSL brings other providers' public keys here to compare them with ours. A software private key has no business on this side: it would be
 * one that signs nothing. */
static int import(void *data, int selection, const OSSL_PARAM params[])
{
    struct csi_token_key *key = data;
    const OSSL_PARAM *source = OSSL_PARAM_locate_const(params, CSI_PROVIDER_SOURCE);
    if (key->twin != NULL)
        return 0;
    if (source != NULL)
        return import_source(key, source);
    if (is_private(params) || (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) == 0)
        return 0;
    CSI_AUTO(EVP_PKEY_CTX) *maker = EVP_PKEY_CTX_new_from_name(key->provider->context, key->type, CSI_PROVIDER_TWIN);
    return maker != NULL && EVP_PKEY_fromdata_init(maker) == 1 &&
           EVP_PKEY_fromdata(maker, &key->twin, EVP_PKEY_PUBLIC_KEY, (OSSL_PARAM *)(uintptr_t)params) == 1;
}

/* A refusal is what sends OpenSSL to us: before it signs it tries to export the whole key to the default provider. To give the public half alone
 * would look like success, and end in a signature without a private key. */
static int export_key(void *data, int selection, OSSL_CALLBACK *callback, void *argument)
{
    const struct csi_token_key *key = data;
    if (key->twin == NULL || (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0)
        return 0;
    return EVP_PKEY_export(key->twin, selection, callback, argument);
}

static const OSSL_PARAM *transferable(int selection)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_END,
    };
    return (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0 ? types : NULL;
}

static const OSSL_PARAM *importable(int selection)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_octet_ptr(CSI_PROVIDER_SOURCE, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_END,
    };
    return (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0 ? types : NULL;
}

/* With the private half it is the same key; without it, one that has a twin only. */
static void *duplicate(const void *data, int selection)
{
    struct csi_token_key *key = (struct csi_token_key *)(uintptr_t)data;
    if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0)
        return csi_token_key_ref(key);
    if ((selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) == 0 || key->twin == NULL)
        return NULL;
    struct csi_token_key *copy = new_key((void *)(uintptr_t)key->provider, key->type);
    if (copy != NULL && EVP_PKEY_up_ref(key->twin) == 1)
        copy->twin = key->twin;
    return copy;
}

/* -------------------------------------------------------------------------------------------------------------- parameters */

static int get_failure(struct csi_token_key *key, OSSL_PARAM *param)
{
    pthread_mutex_lock(&key->lock);
    int got = OSSL_PARAM_set_octet_string(param, &key->failure, sizeof key->failure);
    pthread_mutex_unlock(&key->lock);
    return got;
}

static int get_params(void *data, OSSL_PARAM params[])
{
    struct csi_token_key *key = data;
    OSSL_PARAM *failure = OSSL_PARAM_locate(params, CSI_PROVIDER_FAILURE);
    if (key->twin == NULL || (failure != NULL && get_failure(key, failure) != 1))
        return 0;
    return EVP_PKEY_get_params(key->twin, params);
}

static const OSSL_PARAM *gettable(void *provider CSI_UNUSED)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
        OSSL_PARAM_octet_string(CSI_PROVIDER_FAILURE, NULL, 0),
        OSSL_PARAM_END,
    };
    return types;
}

/* An EC key signs with ECDSA; agreeing on secrets is not offered. */
static const char *operation_of_ec(int operation)
{
    return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

#define COMMON                                                                                                                         \
    { OSSL_FUNC_KEYMGMT_FREE, (void (*)(void))free_key }, { OSSL_FUNC_KEYMGMT_HAS, (void (*)(void))has },                              \
        { OSSL_FUNC_KEYMGMT_MATCH, (void (*)(void))match }, { OSSL_FUNC_KEYMGMT_IMPORT, (void (*)(void))import },                      \
        { OSSL_FUNC_KEYMGMT_IMPORT_TYPES, (void (*)(void))importable }, { OSSL_FUNC_KEYMGMT_EXPORT, (void (*)(void))export_key },      \
        { OSSL_FUNC_KEYMGMT_EXPORT_TYPES, (void (*)(void))transferable }, { OSSL_FUNC_KEYMGMT_DUP, (void (*)(void))duplicate },        \
        { OSSL_FUNC_KEYMGMT_GET_PARAMS, (void (*)(void))get_params }, { OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (void (*)(void))gettable }, \
    {                                                                                                                                  \
        0, NULL                                                                                                                        \
    }

static const OSSL_DISPATCH of_rsa[] = { { OSSL_FUNC_KEYMGMT_NEW, (void (*)(void))new_rsa }, COMMON };
static const OSSL_DISPATCH of_ec[] = {
    { OSSL_FUNC_KEYMGMT_NEW, (void (*)(void))new_ec },
    { OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, (void (*)(void))operation_of_ec },
    COMMON,
};
static const OSSL_DISPATCH of_ed25519[] = { { OSSL_FUNC_KEYMGMT_NEW, (void (*)(void))new_ed25519 }, COMMON };

const OSSL_ALGORITHM csi_provider_keymgmt[] = {
    { "RSA:rsaEncryption:1.2.840.113549.1.1.1", CSI_PROVIDER_ITSELF, of_rsa, "RSA keys of a token" },
    { "EC:id-ecPublicKey:1.2.840.10045.2.1", CSI_PROVIDER_ITSELF, of_ec, "EC keys of a token" },
    { "ED25519:1.3.101.112", CSI_PROVIDER_ITSELF, of_ed25519, "Ed25519 keys of a token" },
    { NULL, NULL, NULL, NULL },
};
