/* SPDX-License-Identifier: Apache-2.0 */
/* remote.c: a token's key in the clear, where the token gives it: not sensitive, and extractable. */
#include <stdio.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "model/ossl.h"
#include "p11/internal.h"

CSI_DEFINE_AUTO(EVP_PKEY, EVP_PKEY_free)

enum { VALUE_MAX = 4096 };

static certstore_status bound(const csi_p11 *token, struct csi_span object, certstore_error *err)
{
    struct csi_span label = { (const uint8_t *)"", 0 };
    csi_object_get(object, CKA_LABEL, &label);
    return csi_fail(err, CERTSTORE_E_BOUND, "key %.*s: it does not leave its token (%s); use it there", (int)(label.size < 64 ? label.size : 64),
                    (const char *)label.data, token->info.label);
}

static bool get_value(struct csi_use *use, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE type, void *room, size_t *size)
{
    CK_ATTRIBUTE one = { type, room, VALUE_MAX };
    if (use->f->C_GetAttributeValue(use->session, handle, &one, 1) != CKR_OK || one.ulValueLen == CK_UNAVAILABLE_INFORMATION)
        return false;
    *size = one.ulValueLen;
    return true;
}

static const char *secret_name(uint32_t key_type)
{
    switch (key_type) {
    case CKK_AES:
        return "AES";
    case CKK_DES3:
        return "DESede";
    default:
        return "RAW";
    }
}

static certstore_status open_secret(struct csi_use *use, CK_OBJECT_HANDLE handle, struct csi_span object, struct csi_plain_key *plain,
                                    certstore_error *err)
{
    uint8_t room[VALUE_MAX];
    size_t size = 0;
    if (!get_value(use, handle, CKA_VALUE, room, &size))
        return bound(use->token, object, err);
    plain->bytes = csi_secret_new(room, size, err);
    csi_wipe(room, sizeof room);
    snprintf(plain->algorithm, sizeof plain->algorithm, "%s", secret_name(csi_object_number(object, CKA_KEY_TYPE, UINT32_MAX)));
    return err->status;
}

struct number {
    CK_ATTRIBUTE_TYPE type;
    const char *name;
};

static EVP_PKEY *make_key(const char *type, OSSL_PARAM_BLD *build)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (params != NULL && context != NULL && EVP_PKEY_fromdata_init(context) == 1)
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    return key;
}

/* The eight numbers of an RSA key; false where the token keeps one of them. */
static bool build_rsa(struct csi_use *use, CK_OBJECT_HANDLE handle, OSSL_PARAM_BLD *build, BIGNUM *numbers[8])
{
    static const struct number parts[8] = {
        { CKA_MODULUS, OSSL_PKEY_PARAM_RSA_N },
        { CKA_PUBLIC_EXPONENT, OSSL_PKEY_PARAM_RSA_E },
        { CKA_PRIVATE_EXPONENT, OSSL_PKEY_PARAM_RSA_D },
        { CKA_PRIME_1, OSSL_PKEY_PARAM_RSA_FACTOR1 },
        { CKA_PRIME_2, OSSL_PKEY_PARAM_RSA_FACTOR2 },
        { CKA_EXPONENT_1, OSSL_PKEY_PARAM_RSA_EXPONENT1 },
        { CKA_EXPONENT_2, OSSL_PKEY_PARAM_RSA_EXPONENT2 },
        { CKA_COEFFICIENT, OSSL_PKEY_PARAM_RSA_COEFFICIENT1 },
    };
    uint8_t room[VALUE_MAX];
    size_t size = 0;
    bool good = true;
    for (size_t i = 0; i < 8 && good; i++) {
        good = get_value(use, handle, parts[i].type, room, &size) && (numbers[i] = BN_bin2bn(room, (int)size, NULL)) != NULL &&
               OSSL_PARAM_BLD_push_BN(build, parts[i].name, numbers[i]) == 1;
    }
    csi_wipe(room, sizeof room);
    return good;
}

static EVP_PKEY *open_rsa(struct csi_use *use, CK_OBJECT_HANDLE handle)
{
    BIGNUM *numbers[8] = { 0 };
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = build != NULL && build_rsa(use, handle, build, numbers) ? make_key("RSA", build) : NULL;
    OSSL_PARAM_BLD_free(build);
    for (size_t i = 0; i < 8; i++)
        BN_clear_free(numbers[i]);
    return key;
}

/* ECPrivateKey (RFC 5915) in a PrivateKeyInfo says the same with fewer calls; OpenSSL works the public point out by itself. */
static EVP_PKEY *open_ec(struct csi_use *use, CK_OBJECT_HANDLE handle, struct csi_span object)
{
    uint8_t room[VALUE_MAX];
    size_t size = 0;
    struct csi_span curve;
    if (!csi_object_get(object, CKA_EC_PARAMS, &curve) || !get_value(use, handle, CKA_VALUE, room, &size) || size > 66 || curve.size > 40)
        return NULL;
    uint8_t der[128]; /* so that each length takes one byte */
    size_t used = 0;
    const uint8_t head[] = { 0x30, (uint8_t)(7 + size + curve.size), 0x02, 0x01, 0x01, 0x04, (uint8_t)size };
    memcpy(der, head, sizeof head);
    used = sizeof head;
    memcpy(der + used, room, size);
    used += size;
    der[used++] = 0xa0;
    der[used++] = (uint8_t)curve.size;
    memcpy(der + used, curve.data, curve.size);
    used += curve.size;
    const unsigned char *at = der;
    EVP_PKEY *key = d2i_PrivateKey(EVP_PKEY_EC, NULL, &at, (long)used);
    csi_wipe(der, sizeof der);
    csi_wipe(room, sizeof room);
    return key;
}

static EVP_PKEY *open_ed25519(struct csi_use *use, CK_OBJECT_HANDLE handle)
{
    uint8_t room[VALUE_MAX];
    size_t size = 0;
    EVP_PKEY *key = get_value(use, handle, CKA_VALUE, room, &size) ? EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, room, size) : NULL;
    csi_wipe(room, sizeof room);
    return key;
}

static certstore_status open_private(struct csi_use *use, CK_OBJECT_HANDLE handle, struct csi_span object, struct csi_plain_key *plain,
                                     certstore_error *err)
{
    uint32_t type = csi_object_number(object, CKA_KEY_TYPE, UINT32_MAX);
    CSI_AUTO(EVP_PKEY) *key = type == CKK_RSA ? open_rsa(use, handle) : type == CKK_EC ? open_ec(use, handle, object) : open_ed25519(use, handle);
    PKCS8_PRIV_KEY_INFO *info = key != NULL ? EVP_PKEY2PKCS8(key) : NULL;
    uint8_t *der = NULL;
    int size = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : 0;
    if (size > 0) {
        plain->bytes = csi_secret_new(der, (size_t)size, err);
        OPENSSL_clear_free(der, (size_t)size);
    }
    PKCS8_PRIV_KEY_INFO_free(info);
    return size > 0 ? err->status : bound(use->token, object, err);
}

certstore_status csi_remote_open(struct csi_remote *remote, struct csi_span object, struct csi_plain_key *plain, certstore_error *err)
{
    csi_p11 *token = csi_p11_of_remote(remote);
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    if (csi_object_flag(object, CKA_SENSITIVE, true) || !csi_object_flag(object, CKA_EXTRACTABLE, false))
        return bound(token, object, err);
    CSI_TRY(csi_p11_login(token, err));
    CSI_AUTO_USE use = { 0 };
    CSI_TRY(csi_use_begin(&use, token, err));
    CSI_TRY(csi_find_object(&use, object, &handle, err));
    if (handle == CK_INVALID_HANDLE)
        return csi_fail(err, CERTSTORE_E_NOT_FOUND, "token %s: the key is not there any more", token->info.label);
    return csi_object_class(object) == CKO_SECRET_KEY ? open_secret(&use, handle, object, plain, err)
                                                      : open_private(&use, handle, object, plain, err);
}
