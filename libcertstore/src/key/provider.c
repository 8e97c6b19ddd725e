/* SPDX-License-Identifier: Apache-2.0 */
/*
 * provider.c: a built-in OpenSSL provider in a library context of its own, and the keys that come out of it.
 *
 * That context is the one thing in this library that a process has once and keeps. It is made when the first key of a token is asked for, never
 * changed afterwards, and never freed: an EVP_PKEY refers to it for as long as it lives, OpenSSL gives no place after an EVP_PKEY's end at which
 * it could be freed, and threads that drew random numbers in it come back to it when they end.
 */
#include "key/provider.h"

#include <stdarg.h>
#include <stdatomic.h>

#include <openssl/err.h>
#include <openssl/provider.h>

#include "key/provider_internal.h"
#include "model/ossl.h"

/* ---------------------------------------------------------------------------------------------------------------- provider */

static const OSSL_ALGORITHM *query(void *provider CSI_UNUSED, int operation, int *no_cache)
{
    *no_cache = 0;
    switch (operation) {
    case OSSL_OP_KEYMGMT:
        return csi_provider_keymgmt;
    case OSSL_OP_SIGNATURE:
        return csi_provider_signature;
    case OSSL_OP_ASYM_CIPHER:
        return csi_provider_cipher;
    default:
        return NULL;
    }
}

static void teardown(void *provider)
{
    OPENSSL_free(provider);
}

/* Reasons are our statuses; the message says the rest. */
static const OSSL_ITEM *reasons(void *provider CSI_UNUSED)
{
    static const OSSL_ITEM items[] = {
        { CERTSTORE_E_ARGUMENT, (void *)(uintptr_t) "the operation is not one for this key" },
        { CERTSTORE_E_MEMORY, (void *)(uintptr_t) "no memory" },
        { CERTSTORE_E_IO, (void *)(uintptr_t) "the token failed" },
        { CERTSTORE_E_NOT_FOUND, (void *)(uintptr_t) "the key is not on its token" },
        { CERTSTORE_E_PASSWORD, (void *)(uintptr_t) "the token is not logged in" },
        { CERTSTORE_E_UNSUPPORTED, (void *)(uintptr_t) "the token does not offer this" },
        { CERTSTORE_E_LOCKED, (void *)(uintptr_t) "the token is locked or busy" },
        { CERTSTORE_E_UNAVAILABLE, (void *)(uintptr_t) "the token is not there" },
        { CERTSTORE_E_BOUND, (void *)(uintptr_t) "the private key does not leave its token" },
        { 0, NULL },
    };
    return items;
}

static const OSSL_DISPATCH provider_functions[] = {
    { OSSL_FUNC_PROVIDER_TEARDOWN, (void (*)(void))teardown },
    { OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query },
    { OSSL_FUNC_PROVIDER_GET_REASON_STRINGS, (void (*)(void))reasons },
    { 0, NULL },
};

static int provider_init(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **context)
{
    struct csi_provider *provider = OPENSSL_zalloc(sizeof *provider);
    OSSL_FUNC_core_get_libctx_fn *get_context = NULL;
    if (provider == NULL)
        return 0;
    provider->core = core;
    for (; in->function_id != 0; in++) {
        if (in->function_id == OSSL_FUNC_CORE_GET_LIBCTX)
            get_context = OSSL_FUNC_core_get_libctx(in);
        else if (in->function_id == OSSL_FUNC_CORE_NEW_ERROR)
            provider->new_error = OSSL_FUNC_core_new_error(in);
        else if (in->function_id == OSSL_FUNC_CORE_SET_ERROR_DEBUG)
            provider->set_error_debug = OSSL_FUNC_core_set_error_debug(in);
        else if (in->function_id == OSSL_FUNC_CORE_VSET_ERROR)
            provider->vset_error = OSSL_FUNC_core_vset_error(in);
    }
    if (get_context == NULL || provider->new_error == NULL || provider->set_error_debug == NULL || provider->vset_error == NULL) {
        OPENSSL_free(provider);
        return 0;
    }
    provider->context = (OSSL_LIB_CTX *)get_context(core); /* for a built-in provider the two are one (provider-base(7)) */
    *out = provider_functions;
    *context = provider;
    return 1;
}

/* ----------------------------------------------------------------------------------------------------------------- context */

/* The default provider comes first, and is preferred where nobody says otherwise: what this provider does not do must not be asked of it. */
static OSSL_LIB_CTX *make_context(void)
{
    OSSL_LIB_CTX *context = OSSL_LIB_CTX_new();
    if (context == NULL)
        return NULL;
    if (OSSL_PROVIDER_load(context, "default") != NULL && OSSL_PROVIDER_add_builtin(context, CSI_PROVIDER_NAME, provider_init) == 1 &&
        OSSL_PROVIDER_load(context, CSI_PROVIDER_NAME) != NULL && EVP_set_default_properties(context, "?" CSI_PROVIDER_TWIN) == 1)
        return context;
    OSSL_LIB_CTX_free(context); /* and what was loaded into it */
    return NULL;
}

/* Two threads may make one at once; one of the two is kept. Without a lock, a fork cannot leave one held. */
static OSSL_LIB_CTX *the_context(certstore_error *err)
{
    static _Atomic(OSSL_LIB_CTX *) kept;
    OSSL_LIB_CTX *context = atomic_load_explicit(&kept, memory_order_acquire);
    if (context != NULL)
        return context;
    context = make_context();
    if (context == NULL) {
        csi_fail_ossl(err, CERTSTORE_E_MEMORY, "OpenSSL: no library context can be made; free some memory and try again");
        return NULL;
    }
    OSSL_LIB_CTX *other = NULL;
    if (atomic_compare_exchange_strong(&kept, &other, context))
        return context;
    OSSL_LIB_CTX_free(context);
    return other;
}

/* -------------------------------------------------------------------------------------------------------------------- keys */

struct csi_token_key *csi_token_key_ref(struct csi_token_key *key)
{
    atomic_fetch_add_explicit(&key->refs, 1, memory_order_relaxed);
    return key;
}

/* May run while the process ends: csi_p11_drop() asks nothing of the module. */
void csi_token_key_free(struct csi_token_key *key)
{
    if (key == NULL || atomic_fetch_sub_explicit(&key->refs, 1, memory_order_acq_rel) != 1)
        return;
    csi_p11_drop(key->token);
    csi_blob_free(key->object);
    EVP_PKEY_free(key->twin);
    pthread_mutex_destroy(&key->lock);
    free(key);
}

static void raise_error(const struct csi_provider *provider, uint32_t reason, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    provider->new_error(provider->core);
    provider->set_error_debug(provider->core, OPENSSL_FILE, OPENSSL_LINE, OPENSSL_FUNC);
    provider->vset_error(provider->core, reason, format, args);
    va_end(args);
}

int csi_token_done(struct csi_token_key *key, const certstore_error *err)
{
    if (err->status == CERTSTORE_OK)
        return 1;
    pthread_mutex_lock(&key->lock);
    key->failure = *err;
    pthread_mutex_unlock(&key->lock);
    raise_error(key->provider, (uint32_t)err->status, "%s%s%s", err->message, err->cause[0] != '\0' ? ": " : "", err->cause);
    return 0;
}

/* A module shares our libcrypto and leaves errors of its own on the queue, also on success. */
certstore_status csi_token_operate(struct csi_token_key *key, const CK_MECHANISM *mechanism, bool decrypt, struct csi_span data, struct csi_buf *out,
                                   certstore_error *err)
{
    struct csi_span object = csi_blob_span(key->object);
    ERR_set_mark();
    certstore_status status =
        decrypt ? csi_p11_decrypt(key->token, object, mechanism, data, out, err) : csi_p11_sign(key->token, object, mechanism, data, out, err);
    ERR_pop_to_mark();
    return status;
}

certstore_status csi_token_sign(struct csi_token_key *key, const struct csi_books *books, struct csi_span data, struct csi_buf *out,
                                certstore_error *err)
{
    if (key->token == NULL)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "key: this is a public key; sign with the private one");
    if (strcmp(key->type, "RSA") == 0)
        return csi_rsa_sign(key, books, data, out, err);
    return strcmp(key->type, "EC") == 0 ? csi_ec_sign(key, data, out, err) : csi_ed25519_sign(key, data, out, err);
}

static const char *type_of(const EVP_PKEY *twin, certstore_error *err)
{
    static const char *const types[] = { "RSA", "EC", "ED25519" };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (EVP_PKEY_is_a(twin, types[i]))
            return types[i];
    csi_fail(err, CERTSTORE_E_UNSUPPORTED, "key: on a token RSA, EC and Ed25519 keys can be used; this is %s", EVP_PKEY_get0_type_name(twin));
    return NULL;
}

static EVP_PKEY *import(OSSL_LIB_CTX *context, const char *type, struct csi_token_source *source, certstore_error *err)
{
    void *address = source;
    OSSL_PARAM params[] = { OSSL_PARAM_construct_octet_ptr(CSI_PROVIDER_SOURCE, &address, sizeof *source), OSSL_PARAM_construct_end() };
    CSI_AUTO(EVP_PKEY_CTX) *maker = EVP_PKEY_CTX_new_from_name(context, type, CSI_PROVIDER_ITSELF);
    EVP_PKEY *key = NULL;
    if (maker == NULL || EVP_PKEY_fromdata_init(maker) != 1 || EVP_PKEY_fromdata(maker, &key, EVP_PKEY_KEYPAIR, params) != 1)
        csi_fail_ossl(err, CERTSTORE_E_MEMORY, "key: OpenSSL cannot make an object for it; free some memory and try again");
    return key;
}

EVP_PKEY *csi_token_pkey(csi_p11 *token, struct csi_span object, struct csi_span spki, certstore_error *err)
{
    OSSL_LIB_CTX *context = the_context(err);
    CSI_AUTO(EVP_PKEY) *twin = context != NULL ? csi_provider_twin(context, spki, err) : NULL;
    const char *type = twin != NULL ? type_of(twin, err) : NULL;
    CSI_AUTO(csi_blob) *blob = type != NULL ? csi_blob_new(object.data, object.size, err) : NULL;
    if (blob == NULL)
        return NULL;
    struct csi_token_source source = { token, blob, twin };
    return import(context, type, &source, err);
}

void csi_token_pkey_failure(const EVP_PKEY *key, certstore_error *err)
{
    certstore_error failure = { 0 };
    OSSL_PARAM params[] = { OSSL_PARAM_construct_octet_string(CSI_PROVIDER_FAILURE, &failure, sizeof failure), OSSL_PARAM_construct_end() };
    if (EVP_PKEY_get_params(key, params) == 1 && OSSL_PARAM_modified(params) && failure.status != CERTSTORE_OK)
        csi_error_move(err, &failure);
}
