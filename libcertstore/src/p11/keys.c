/* SPDX-License-Identifier: Apache-2.0 */
/* keys.c: what a token's keys do: sign and decrypt; and how a key from outside is told to a token. */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "model/ossl.h"
#include "p11/internal.h"

/* ---------------------------------------------------------------------------------------------------------------- handles */

static uint64_t hash_of(struct csi_span object)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a: for finding again, not for telling apart an adversary's */
    for (size_t i = 0; i < object.size; i++)
        hash = (hash ^ object.data[i]) * 1099511628211u;
    return hash | 1;
}

static CK_OBJECT_HANDLE known(csi_p11 *token, uint64_t hash)
{
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    pthread_mutex_lock(&token->lock);
    for (size_t i = 0; i < CSI_HANDLES; i++)
        if (token->handles[i].hash == hash)
            handle = token->handles[i].handle;
    pthread_mutex_unlock(&token->lock);
    return handle;
}

static void remember(csi_p11 *token, uint64_t hash, CK_OBJECT_HANDLE handle)
{
    size_t at = 0;
    pthread_mutex_lock(&token->lock);
    while (at < CSI_HANDLES && token->handles[at].hash != hash)
        at++;
    if (at == CSI_HANDLES)
        at = token->next_handle++ % CSI_HANDLES;
    token->handles[at] = (struct csi_handle){ hash, handle };
    pthread_mutex_unlock(&token->lock);
}

void csi_forget_handles(csi_p11 *token)
{
    pthread_mutex_lock(&token->lock);
    memset(token->handles, 0, sizeof token->handles);
    pthread_mutex_unlock(&token->lock);
}

static certstore_status find_key(struct csi_use *use, struct csi_span object, bool anew, CK_OBJECT_HANDLE *handle, certstore_error *err)
{
    uint64_t hash = hash_of(object);
    *handle = anew ? CK_INVALID_HANDLE : known(use->token, hash);
    if (*handle != CK_INVALID_HANDLE)
        return CERTSTORE_OK;
    CSI_TRY(csi_find_object(use, object, handle, err));
    if (*handle == CK_INVALID_HANDLE)
        return csi_fail(err, CERTSTORE_E_NOT_FOUND, "token %s: the key is not there; see what it holds with certstore list", use->token->info.label);
    remember(use->token, hash, *handle);
    return CERTSTORE_OK;
}

/* ------------------------------------------------------------------------------------------------------------- operations */

/* The two operations differ in three functions of one shape. */
struct operation {
    CK_RV (*init)(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE);
    CK_RV (*run)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *);
    const char *what;
};

static CK_RV attempt(struct csi_use *use, const struct operation *op, CK_OBJECT_HANDLE key, const CK_MECHANISM *mechanism, bool always,
                     struct csi_span data, uint8_t *room, CK_ULONG *size)
{
    CK_RV rv = op->init(use->session, (CK_MECHANISM *)(uintptr_t)mechanism, key);
    /* CKA_ALWAYS_AUTHENTICATE: between beginning and doing, in this very session (PKCS#11 2.40 section 5.6, C_Login). */
    if (rv == CKR_OK && always && use->token->pin != NULL)
        rv = use->f->C_Login(use->session, CKU_CONTEXT_SPECIFIC, use->token->pin->data, use->token->pin->size);
    return rv == CKR_OK ? op->run(use->session, (CK_BYTE *)(uintptr_t)data.data, data.size, room, size) : rv;
}

enum { RESULT_MAX = 2048 }; /* RSA with 16,384 bits */

struct request {
    struct csi_span object;
    const CK_MECHANISM *mechanism;
    bool decrypt;
    struct csi_span data;
    struct csi_buf *out;
};

static certstore_status try_once(csi_p11 *token, const struct request *request, bool anew, CK_RV *rv, certstore_error *err)
{
    uint8_t room[RESULT_MAX];
    CK_ULONG size = sizeof room;
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    bool always = csi_object_flag(request->object, CKA_ALWAYS_AUTHENTICATE, false);
    *rv = CKR_OK;
    CSI_TRY(csi_p11_login(token, err));
    CSI_AUTO_USE use = { 0 };
    CSI_TRY(csi_use_begin(&use, token, err));
    const struct operation op = { request->decrypt ? use.f->C_DecryptInit : use.f->C_SignInit, request->decrypt ? use.f->C_Decrypt : use.f->C_Sign,
                                  request->decrypt ? "decrypting" : "signing" };
    if (find_key(&use, request->object, anew, &key, err) != CERTSTORE_OK) {
        /* Somebody who logs out hides private objects, which then are not found. */
        *rv = err->status == CERTSTORE_E_NOT_FOUND && !csi_use_logged_in(&use) ? CKR_USER_NOT_LOGGED_IN : CKR_OK;
        *rv = use.gone ? CKR_SESSION_HANDLE_INVALID : *rv;
        return err->status;
    }
    *rv = attempt(&use, &op, key, request->mechanism, always, request->data, room, &size);
    use.broken = *rv != CKR_OK; /* an operation may still be active in it */
    CSI_TRY(csi_ckr(&use, *rv, op.what, err));
    csi_buf_put(request->out, room, size);
    csi_wipe(room, sizeof room);
    return csi_buf_check(request->out, err);
}

/* A logout by another user of the token makes private handles invalid, and a login brings none back; sessions end with the token that is pulled
 * out. The second look finds out whether that was all. */
static bool is_worth_another(CK_RV rv)
{
    return rv == CKR_KEY_HANDLE_INVALID || rv == CKR_OBJECT_HANDLE_INVALID || rv == CKR_USER_NOT_LOGGED_IN || csi_session_is_gone(rv);
}

static certstore_status operate(csi_p11 *token, const struct request *request, certstore_error *err)
{
    CK_RV rv;
    certstore_error first = { 0 };
    if (err->status != CERTSTORE_OK)
        return err->status;
    if (try_once(token, request, false, &rv, &first) == CERTSTORE_OK)
        return CERTSTORE_OK;
    if (is_worth_another(rv))
        return try_once(token, request, true, &rv, err);
    csi_error_move(err, &first);
    return err->status;
}

certstore_status csi_p11_sign(csi_p11 *token, struct csi_span object, const CK_MECHANISM *mechanism, struct csi_span data, struct csi_buf *out,
                              certstore_error *err)
{
    return operate(token, &(struct request){ object, mechanism, false, data, out }, err);
}

certstore_status csi_p11_decrypt(csi_p11 *token, struct csi_span object, const CK_MECHANISM *mechanism, struct csi_span data, struct csi_buf *out,
                                 certstore_error *err)
{
    return operate(token, &(struct request){ object, mechanism, true, data, out }, err);
}

bool csi_p11_offers(csi_p11 *token, CK_MECHANISM_TYPE mechanism, CK_FLAGS use)
{
    CK_MECHANISM_INFO info;
    certstore_error ignored = { 0 };
    CSI_AUTO_FENCE fence;
    csi_fence_begin(&fence);
    return csi_check_process(token, &ignored) == CERTSTORE_OK && token->module->C_GetMechanismInfo(token->slot, mechanism, &info) == CKR_OK &&
           (info.flags & use) == use;
}

/* -------------------------------------------------------------------------------------------------------- from the outside */

CSI_DEFINE_AUTO(EVP_PKEY, EVP_PKEY_free)
CSI_DEFINE_AUTO(BIGNUM, BN_clear_free)

enum { NUMBER_MAX = 2048 };

/* Values are put into one buffer, which may move while it grows: so they are first noted by where they begin. */
struct noted {
    CK_ATTRIBUTE_TYPE type;
    size_t at;
    size_t size;
};

static bool note_number(EVP_PKEY *key, const char *name, CK_ATTRIBUTE_TYPE type, size_t least, struct csi_buf *owned, struct noted *noted)
{
    CSI_AUTO(BIGNUM) *number = NULL;
    if (EVP_PKEY_get_bn_param(key, name, &number) != 1)
        return false;
    size_t size = (size_t)BN_num_bytes(number);
    size = size < least ? least : size;
    uint8_t *room = size <= NUMBER_MAX ? csi_buf_reserve(owned, size) : NULL;
    if (room == NULL || BN_bn2binpad(number, room, (int)size) < 0)
        return false;
    *noted = (struct noted){ type, owned->size, size };
    owned->size += size;
    return true;
}

static void put_noted(struct csi_template *t, const struct noted *noted, size_t count, const struct csi_buf *owned)
{
    for (size_t i = 0; i < count; i++)
        csi_template_put(t, noted[i].type, csi_span(owned->data + noted[i].at, noted[i].size));
}

static certstore_status put_rsa(struct csi_template *t, EVP_PKEY *key, struct csi_buf *owned, certstore_error *err)
{
    static const struct {
        const char *name;
        CK_ATTRIBUTE_TYPE type;
    } parts[] = {
        { OSSL_PKEY_PARAM_RSA_N, CKA_MODULUS },
        { OSSL_PKEY_PARAM_RSA_E, CKA_PUBLIC_EXPONENT },
        { OSSL_PKEY_PARAM_RSA_D, CKA_PRIVATE_EXPONENT },
        { OSSL_PKEY_PARAM_RSA_FACTOR1, CKA_PRIME_1 },
        { OSSL_PKEY_PARAM_RSA_FACTOR2, CKA_PRIME_2 },
        { OSSL_PKEY_PARAM_RSA_EXPONENT1, CKA_EXPONENT_1 },
        { OSSL_PKEY_PARAM_RSA_EXPONENT2, CKA_EXPONENT_2 },
        { OSSL_PKEY_PARAM_RSA_COEFFICIENT1, CKA_COEFFICIENT },
    };
    enum { COUNT = sizeof parts / sizeof *parts };
    struct noted noted[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        if (!note_number(key, parts[i].name, parts[i].type, 0, owned, &noted[i]))
            return csi_fail_ossl(err, CERTSTORE_E_UNSUPPORTED, "key: this RSA key lacks its primes; a token wants them");
    put_noted(t, noted, COUNT, owned);
    return CERTSTORE_OK;
}

/* The curve as the parameters of the key's own SubjectPublicKeyInfo (RFC 5480 section 2.1.1). */
static certstore_status put_ec(struct csi_template *t, EVP_PKEY *key, struct csi_buf *owned, certstore_error *err)
{
    struct noted noted[2];
    uint8_t *parameters = NULL;
    int size = i2d_KeyParams(key, &parameters);
    size_t field = ((size_t)EVP_PKEY_get_bits(key) + 7) / 8; /* the private key takes as many bytes (RFC 5915 section 3) */
    if (size <= 0 || !note_number(key, OSSL_PKEY_PARAM_PRIV_KEY, CKA_VALUE, field, owned, &noted[0])) {
        OPENSSL_free(parameters);
        return csi_fail_ossl(err, CERTSTORE_E_UNSUPPORTED, "key: its curve cannot be told to a token; use a named one");
    }
    noted[1] = (struct noted){ CKA_EC_PARAMS, owned->size, (size_t)size };
    csi_buf_put(owned, parameters, (size_t)size);
    OPENSSL_free(parameters);
    CSI_TRY(csi_buf_check(owned, err));
    put_noted(t, noted, 2, owned);
    return CERTSTORE_OK;
}

static certstore_status put_ed25519(struct csi_template *t, EVP_PKEY *key, struct csi_buf *owned, certstore_error *err)
{
    static const uint8_t oid[] = { 0x06, 0x03, 0x2b, 0x65, 0x70 }; /* id-Ed25519 (RFC 8410 section 3) */
    uint8_t raw[32];
    size_t size = sizeof raw;
    if (EVP_PKEY_get_raw_private_key(key, raw, &size) != 1)
        return csi_fail_ossl(err, CERTSTORE_E_UNSUPPORTED, "key: its bytes cannot be had from OpenSSL");
    size_t at = owned->size;
    csi_buf_put(owned, raw, size);
    csi_wipe(raw, sizeof raw);
    CSI_TRY(csi_buf_check(owned, err));
    csi_template_put(t, CKA_VALUE, csi_span(owned->data + at, size));
    csi_template_put(t, CKA_EC_PARAMS, csi_span(oid, sizeof oid));
    return CERTSTORE_OK;
}

certstore_status csi_template_pkcs8(struct csi_template *t, struct csi_span pkcs8, struct csi_buf *owned, certstore_error *err)
{
    CSI_AUTO(EVP_PKEY) *key = csi_ossl_private_key(pkcs8, err);
    if (key == NULL)
        return err->status;
    if (EVP_PKEY_is_a(key, "RSA")) {
        csi_template_number(t, CKA_KEY_TYPE, CKK_RSA);
        return put_rsa(t, key, owned, err);
    }
    if (EVP_PKEY_is_a(key, "EC")) {
        csi_template_number(t, CKA_KEY_TYPE, CKK_EC);
        return put_ec(t, key, owned, err);
    }
    if (EVP_PKEY_is_a(key, "ED25519")) {
        csi_template_number(t, CKA_KEY_TYPE, CKK_EC_EDWARDS);
        return put_ed25519(t, key, owned, err);
    }
    return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "key: a token takes RSA, EC and Ed25519 keys; this is %s", EVP_PKEY_get0_type_name(key));
}
