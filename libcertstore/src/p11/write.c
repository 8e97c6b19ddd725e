/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write.c: objects made, read back, destroyed, renamed.
 *
 * Nothing is edited in place: SoftHSM loses an object whose C_SetAttributeValue is cut short, and NSS changes half of what one call asks for. Modules
 * also drop attributes without a word, so whatever was made is read back, and destroyed again if it is not what was asked for.
 */
#include "p11/internal.h"

/* Attributes that the token sets by itself, and refuses from anybody else. */
static bool is_tokens_own(uint32_t object_class, uint32_t type)
{
    switch (type) {
    case CKA_LOCAL:
    case CKA_ALWAYS_SENSITIVE:
    case CKA_NEVER_EXTRACTABLE:
    case CKA_KEY_GEN_MECHANISM:
    case CKA_MODULUS_BITS:
    case CSI_OBJECT_PKCS8:
        return true;
    case CKA_VALUE_LEN:
        return object_class == CKO_SECRET_KEY;
    case CKA_MODULUS:
    case CKA_PUBLIC_EXPONENT:
    case CKA_EC_PARAMS: /* of a private key these come out of its PKCS#8 */
        return object_class == CKO_PRIVATE_KEY;
    default:
        return false;
    }
}

static void put_attribute(struct csi_template *t, const struct csi_attribute *attribute)
{
    if (csi_attribute_is_flag(attribute->type)) {
        csi_template_flag(t, attribute->type, attribute->value.data[0] != 0);
    } else if (csi_attribute_is_number(attribute->type)) {
        const uint8_t *at = attribute->value.data;
        csi_template_number(t, attribute->type, (CK_ULONG)at[0] << 24 | (CK_ULONG)at[1] << 16 | (CK_ULONG)at[2] << 8 | at[3]);
    } else {
        csi_template_put(t, attribute->type, attribute->value);
    }
}

static void put_object(struct csi_template *t, struct csi_span object)
{
    struct csi_attribute attribute;
    uint32_t object_class = csi_object_class(object);
    for (size_t at = 0; csi_object_next(object, &at, &attribute);) {
        bool no = (attribute.type == CKA_TRUSTED || attribute.type == CKA_X_DISTRUSTED) && attribute.value.data[0] == 0;
        if (!no && !is_tokens_own(object_class, attribute.type))
            put_attribute(t, &attribute);
    }
    csi_template_flag(t, CKA_TOKEN, true);
}

/* A key that comes in stays in, unless its object says otherwise. */
static void put_key_policy(struct csi_template *t, uint32_t object_class)
{
    if (object_class != CKO_PRIVATE_KEY && object_class != CKO_SECRET_KEY)
        return;
    if (!csi_template_has(t, CKA_PRIVATE))
        csi_template_flag(t, CKA_PRIVATE, true);
    if (!csi_template_has(t, CKA_SENSITIVE))
        csi_template_flag(t, CKA_SENSITIVE, true);
    if (!csi_template_has(t, CKA_EXTRACTABLE))
        csi_template_flag(t, CKA_EXTRACTABLE, false);
}

static certstore_status put_private_key(struct csi_template *t, struct csi_span object, struct csi_buf *owned, certstore_error *err)
{
    struct csi_span pkcs8;
    uint32_t type = csi_object_number(object, CKA_KEY_TYPE, UINT32_MAX);
    if (!csi_object_get(object, CSI_OBJECT_PKCS8, &pkcs8))
        return csi_fail(err, CERTSTORE_E_BOUND, "key: it is on another token, or gone, and cannot be made from what is known of it");
    if (!csi_template_has(t, CKA_SIGN))
        csi_template_flag(t, CKA_SIGN, true);
    if (type == CKK_RSA && !csi_template_has(t, CKA_DECRYPT))
        csi_template_flag(t, CKA_DECRYPT, true);
    return csi_template_pkcs8(t, pkcs8, owned, err);
}

static certstore_status needs_login(csi_p11 *token, struct csi_span object, certstore_error *err)
{
    uint32_t object_class = csi_object_class(object);
    bool is_key = object_class == CKO_PRIVATE_KEY || object_class == CKO_SECRET_KEY || object_class == CKO_NSS_TRUST;
    return is_key || csi_object_flag(object, CKA_PRIVATE, false) || token->pin != NULL ? csi_p11_login(token, err) : CERTSTORE_OK;
}

/* NSS answers "general error" to a second certificate of an issuer and serial number. */
static bool is_nss_duplicate(const struct csi_use *use, struct csi_span object, CK_RV rv)
{
    return rv == CKR_GENERAL_ERROR && (use->token->info.traits & CSI_TOKEN_NSS_TRUST) != 0 && csi_object_class(object) == CKO_CERTIFICATE;
}

static certstore_status read_back(struct csi_use *use, struct csi_span object, CK_OBJECT_HANDLE handle, certstore_error *err)
{
    certstore_error why = { 0 };
    CSI_AUTO(csi_blob) *made = csi_read_object(use, handle, csi_object_class(object), UINT32_MAX, &why);
    if (made != NULL && csi_object_same(csi_blob_span(made), object))
        return CERTSTORE_OK;
    use->f->C_DestroyObject(use->session, handle);
    csi_error_move(err, &why);
    return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "token %s: it keeps something else than it was given (class 0x%x); it was taken back",
                    use->token->info.label, csi_object_class(object));
}

certstore_status csi_p11_create(csi_p11 *token, struct csi_span object, certstore_error *err)
{
    struct csi_template template = { .count = 0 };
    CSI_AUTO_BUF owned = { 0 };
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    CSI_TRY(csi_object_check(object, err));
    CSI_TRY(needs_login(token, object, err));
    put_object(&template, object);
    put_key_policy(&template, csi_object_class(object));
    if (csi_object_class(object) == CKO_PRIVATE_KEY)
        CSI_TRY(put_private_key(&template, object, &owned, err));
    if ((token->info.traits & CSI_TOKEN_P11_TRUST) != 0)
        csi_template_flag(&template, CKA_MODIFIABLE, true); /* or it could never be destroyed again */
    CSI_AUTO_USE use = { 0 };
    CSI_TRY(csi_use_begin(&use, token, err));
    CK_RV rv = use.f->C_CreateObject(use.session, template.items, template.count, &handle);
    if (is_nss_duplicate(&use, object, rv))
        return csi_fail(err, CERTSTORE_E_EXISTS, "token %s: NSS holds one certificate of an issuer and serial number, and has this one already",
                        token->info.label);
    CSI_TRY(csi_ckr(&use, rv, "making an object", err));
    return read_back(&use, object, handle, err);
}

certstore_status csi_p11_destroy(csi_p11 *token, struct csi_span object, certstore_error *err)
{
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    CSI_TRY(needs_login(token, object, err));
    CSI_AUTO_USE use = { 0 };
    CSI_TRY(csi_use_begin(&use, token, err));
    CSI_TRY(csi_find_object(&use, object, &handle, err));
    if (handle == CK_INVALID_HANDLE)
        return csi_fail(err, CERTSTORE_E_NOT_FOUND, "token %s: an object that was to be destroyed is not there", token->info.label);
    return csi_ckr(&use, use.f->C_DestroyObject(use.session, handle), "destroying an object", err);
}

/* In place, for modules that copy nothing. */
static certstore_status set_names(struct csi_use *use, CK_OBJECT_HANDLE handle, struct csi_template *names, certstore_error *err)
{
    return csi_ckr(use, use->f->C_SetAttributeValue(use->session, handle, names->items, names->count), "renaming a key", err);
}

certstore_status csi_p11_relabel(csi_p11 *token, struct csi_span object, struct csi_span label, struct csi_span id, certstore_error *err)
{
    struct csi_template names = { .count = 0 };
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    CK_OBJECT_HANDLE copy = CK_INVALID_HANDLE;
    CSI_TRY(needs_login(token, object, err));
    CSI_AUTO_USE use = { 0 };
    CSI_TRY(csi_use_begin(&use, token, err));
    CSI_TRY(csi_find_object(&use, object, &handle, err));
    if (handle == CK_INVALID_HANDLE)
        return csi_fail(err, CERTSTORE_E_NOT_FOUND, "token %s: a key that was to be renamed is not there", token->info.label);
    csi_template_put(&names, CKA_LABEL, label);
    csi_template_put(&names, CKA_ID, id);
    CK_RV rv = use.f->C_CopyObject(use.session, handle, names.items, names.count, &copy);
    if (rv == CKR_OK)
        return csi_ckr(&use, use.f->C_DestroyObject(use.session, handle), "renaming a key", err);
    return set_names(&use, handle, &names, err);
}
