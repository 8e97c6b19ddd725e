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
    case CKA_KEY_TYPE:
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

void csi_template_object(struct csi_template *t, struct csi_span object)
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
void csi_template_policy(struct csi_template *t, uint32_t object_class)
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

/* What a key of that type is for, where its object does not say. */
void csi_template_uses(struct csi_template *t)
{
    CK_ULONG type = CK_UNAVAILABLE_INFORMATION;
    for (CK_ULONG i = 0; i < t->count; i++)
        if (t->items[i].type == CKA_KEY_TYPE)
            type = *(const CK_ULONG *)t->items[i].pValue;
    if (!csi_template_has(t, CKA_SIGN))
        csi_template_flag(t, CKA_SIGN, true);
    if (type == CKK_RSA && !csi_template_has(t, CKA_DECRYPT))
        csi_template_flag(t, CKA_DECRYPT, true);
    if (type == CKK_EC && !csi_template_has(t, CKA_DERIVE))
        csi_template_flag(t, CKA_DERIVE, true);
}

static certstore_status put_private_key(struct csi_template *t, struct csi_span object, struct csi_buf *owned, certstore_error *err)
{
    struct csi_span pkcs8;
    if (!csi_object_get(object, CSI_OBJECT_PKCS8, &pkcs8))
        return csi_fail(err, CERTSTORE_E_BOUND, "key: it is on another token, or gone, and cannot be made from what is known of it");
    CSI_TRY(csi_template_pkcs8(t, pkcs8, owned, err));
    csi_template_uses(t);
    return CERTSTORE_OK;
}

static certstore_status needs_login(csi_p11 *token, struct csi_span object, certstore_error *err)
{
    uint32_t object_class = csi_object_class(object);
    bool is_key = object_class == CKO_PRIVATE_KEY || object_class == CKO_SECRET_KEY || object_class == CKO_NSS_TRUST;
    return is_key || csi_object_flag(object, CKA_PRIVATE, false) || token->pin != NULL ? csi_p11_login(token, err) : CERTSTORE_OK;
}

static bool has_such(struct csi_use *use, const uint32_t *types, size_t count, struct csi_span object)
{
    struct csi_template t = { .count = 0 };
    certstore_error ignored = { 0 };
    CK_OBJECT_HANDLE *handles = NULL;
    size_t found = 0;
    csi_template_number(&t, CKA_CLASS, csi_object_class(object));
    csi_template_flag(&t, CKA_TOKEN, true);
    for (size_t i = 0; i < count; i++) {
        struct csi_span value;
        if (!csi_object_get(object, types[i], &value))
            return false;
        csi_template_put(&t, types[i], value);
    }
    csi_find_handles(use, &t, UINT32_MAX, &handles, &found, &ignored);
    free(handles);
    return found > 0;
}

/* NSS answers "general error" to a second certificate of an issuer and serial number, and to much else. */
static bool is_nss_duplicate(struct csi_use *use, struct csi_span object, CK_RV rv)
{
    static const uint32_t name[] = { CKA_ISSUER, CKA_SERIAL_NUMBER };
    return rv == CKR_GENERAL_ERROR && (use->token->info.traits & CSI_TOKEN_NSS_TRUST) != 0 && csi_object_class(object) == CKO_CERTIFICATE &&
           has_such(use, name, 2, object);
}

/* NSS has one key of a class and ID: another one is written over it without a word, and what was there is gone. */
static bool is_nss_key_taken(struct csi_use *use, struct csi_span object)
{
    static const uint32_t id[] = { CKA_ID };
    uint32_t object_class = csi_object_class(object);
    bool is_key = object_class == CKO_PRIVATE_KEY || object_class == CKO_PUBLIC_KEY || object_class == CKO_SECRET_KEY;
    return is_key && (use->token->info.traits & CSI_TOKEN_NSS_TRUST) != 0 && has_such(use, id, 1, object);
}

/* What was asked for, with what the module was told of a private key (its public part), and without what was left to it: a label or an ID that it
 * makes up by itself is no difference, nor is what comes out of a wrapped key. */
static csi_blob *expected(struct csi_span object, const struct csi_template *t, struct csi_span made, certstore_error *err)
{
    static const uint32_t told[] = { CKA_KEY_TYPE, CKA_MODULUS, CKA_EC_PARAMS };
    static const uint32_t free_to_choose[] = { CKA_LABEL, CKA_ID, CKA_MODULUS, CKA_EC_PARAMS };
    struct csi_span value;
    CSI_AUTO_DRAFT draft = { 0 };
    csi_object_put_all(&draft, object);
    for (CK_ULONG i = 0; csi_object_class(object) == CKO_PRIVATE_KEY && i < t->count; i++)
        for (size_t k = 0; k < sizeof told / sizeof *told; k++)
            if (t->items[i].type == told[k] && told[k] == CKA_KEY_TYPE)
                csi_object_put_number(&draft, CKA_KEY_TYPE, (uint32_t) * (const CK_ULONG *)t->items[i].pValue);
            else if (t->items[i].type == told[k])
                csi_object_put(&draft, told[k], csi_span(t->items[i].pValue, t->items[i].ulValueLen));
    for (size_t k = 0; k < sizeof free_to_choose / sizeof *free_to_choose; k++)
        if (!csi_object_get(object, free_to_choose[k], &value) && csi_object_get(made, free_to_choose[k], &value))
            csi_object_put(&draft, free_to_choose[k], value);
    return csi_object_finish(&draft, err);
}

certstore_status csi_read_back(struct csi_use *use, struct csi_span object, const struct csi_template *t, CK_OBJECT_HANDLE handle,
                               certstore_error *err)
{
    certstore_error why = { 0 };
    CSI_AUTO(csi_blob) *made = csi_read_object(use, handle, csi_object_class(object), UINT32_MAX, &why);
    CSI_AUTO(csi_blob) *asked = made != NULL ? expected(object, t, csi_blob_span(made), &why) : NULL;
    if (asked != NULL && csi_object_same(csi_blob_span(made), csi_blob_span(asked)))
        return CERTSTORE_OK;
    use->f->C_DestroyObject(use->session, handle);
    csi_error_move(err, &why);
    return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "token %s: it keeps something else than it was given (class 0x%x); it was taken back",
                    use->token->info.label, csi_object_class(object));
}

static certstore_status fill(struct csi_template *t, csi_p11 *token, struct csi_span object, struct csi_buf *owned, certstore_error *err)
{
    CSI_AUTO_FENCE fence;
    csi_fence_begin(&fence);
    csi_template_object(t, object);
    csi_template_policy(t, csi_object_class(object));
    if ((token->info.traits & CSI_TOKEN_P11_TRUST) != 0)
        csi_template_flag(t, CKA_MODIFIABLE, true); /* or it could never be destroyed again */
    return csi_object_class(object) == CKO_PRIVATE_KEY ? put_private_key(t, object, owned, err) : CERTSTORE_OK;
}

certstore_status csi_p11_create(csi_p11 *token, struct csi_span object, certstore_error *err)
{
    struct csi_template template = { .count = 0 };
    CSI_AUTO_BUF owned = { 0 };
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    CSI_TRY(csi_object_check(object, err));
    CSI_TRY(fill(&template, token, object, &owned, err));
    CSI_TRY(needs_login(token, object, err));
    if ((token->info.traits & CSI_TOKEN_OFFICER) != 0 && csi_object_flag(object, CKA_TRUSTED, false))
        return csi_officer_create(token, &template, object, err);
    CSI_AUTO_USE use = { 0 };
    CSI_TRY(csi_use_begin(&use, token, err));
    if (is_nss_key_taken(&use, object))
        return csi_fail(err, CERTSTORE_E_EXISTS, "token %s: NSS holds one key of an ID, and has one already; give it another ID", token->info.label);
    CK_RV rv = use.f->C_CreateObject(use.session, template.items, template.count, &handle);
    if (is_nss_duplicate(&use, object, rv))
        return csi_fail(err, CERTSTORE_E_EXISTS, "token %s: NSS holds one certificate of an issuer and serial number, and has this one already",
                        token->info.label);
    CSI_TRY(csi_ckr(&use, rv, "making an object", err));
    return csi_read_back(&use, object, &template, handle, err);
}

static certstore_status find_present(struct csi_use *use, struct csi_span object, CK_OBJECT_HANDLE *handle, certstore_error *err)
{
    CSI_TRY(csi_find_object(use, object, handle, err));
    if (*handle == CK_INVALID_HANDLE)
        return csi_fail(err, CERTSTORE_E_NOT_FOUND, "token %s: an object that was to be changed is not there; read the store again",
                        use->token->info.label);
    return CERTSTORE_OK;
}

certstore_status csi_p11_destroy(csi_p11 *token, struct csi_span object, certstore_error *err)
{
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    CSI_TRY(needs_login(token, object, err));
    CSI_AUTO_USE use = { 0 };
    CSI_TRY(csi_use_begin(&use, token, err));
    CSI_TRY(find_present(&use, object, &handle, err));
    csi_forget_handles(token);
    return csi_ckr(&use, use.f->C_DestroyObject(use.session, handle), "destroying an object", err);
}

/* ----------------------------------------------------------------------------------------------------------------- renaming */

/* Is it the same key, under the new names? */
static certstore_status check_renamed(struct csi_use *use, struct csi_span wanted, CK_OBJECT_HANDLE handle, certstore_error *err)
{
    CSI_AUTO(csi_blob) *now = csi_read_object(use, handle, csi_object_class(wanted), UINT32_MAX, err);
    if (now == NULL)
        return err->status;
    if (csi_object_same(csi_blob_span(now), wanted))
        return CERTSTORE_OK;
    return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "token %s: it gives the key other names than it was told to", use->token->info.label);
}

/* The key that cannot be made anew goes only when its copy has been seen beside it: NSS, which has one key of an ID, renames the key itself where it
 * is asked for a copy, and both handles are the same key. */
static certstore_status rename_by_copy(struct csi_use *use, struct csi_span object, struct csi_span wanted, CK_OBJECT_HANDLE old,
                                       CK_OBJECT_HANDLE copy, certstore_error *err)
{
    certstore_error unseen = { 0 };
    certstore_status seen = check_renamed(use, wanted, copy, err);
    CSI_AUTO(csi_blob) *still = csi_read_object(use, old, csi_object_class(object), UINT32_MAX, &unseen);
    bool two = old != copy && still != NULL && csi_object_same(csi_blob_span(still), object);
    if (seen != CERTSTORE_OK && two)
        use->f->C_DestroyObject(use->session, copy);
    if (seen != CERTSTORE_OK)
        return err->status;
    csi_error_move(err, &unseen);
    if (still == NULL)
        return err->status;
    return two ? csi_ckr(use, use->f->C_DestroyObject(use->session, old), "destroying the key under its old name", err) : CERTSTORE_OK;
}

/* For modules that copy nothing. */
static certstore_status rename_in_place(struct csi_use *use, struct csi_span wanted, CK_OBJECT_HANDLE handle, struct csi_template *names,
                                        certstore_error *err)
{
    CSI_TRY(csi_ckr(use, use->f->C_SetAttributeValue(use->session, handle, names->items, names->count), "renaming a key", err));
    return check_renamed(use, wanted, handle, err);
}

certstore_status csi_p11_relabel(csi_p11 *token, struct csi_span object, struct csi_span label, struct csi_span id, certstore_error *err)
{
    struct csi_template names = { .count = 0 };
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    CK_OBJECT_HANDLE copy = CK_INVALID_HANDLE;
    CSI_AUTO_DRAFT draft = { 0 };
    csi_object_put_all(&draft, object);
    csi_object_put(&draft, CKA_LABEL, label);
    csi_object_put(&draft, CKA_ID, id);
    CSI_AUTO(csi_blob) *wanted = csi_object_finish(&draft, err);
    if (wanted == NULL)
        return err->status;
    CSI_TRY(needs_login(token, object, err));
    CSI_AUTO_USE use = { 0 };
    CSI_TRY(csi_use_begin(&use, token, err));
    CSI_TRY(find_present(&use, object, &handle, err));
    csi_forget_handles(token);
    csi_template_put(&names, CKA_LABEL, label);
    csi_template_put(&names, CKA_ID, id);
    CK_RV rv = use.f->C_CopyObject(use.session, handle, names.items, names.count, &copy);
    copy = rv == CKR_OK ? copy : CK_INVALID_HANDLE;
    if (csi_session_is_gone(rv))
        return csi_ckr(&use, rv, "renaming a key", err);
    if (rv != CKR_OK) /* a copy may be there although its answer was lost */
        CSI_TRY(csi_find_object(&use, csi_blob_span(wanted), &copy, err));
    return copy != CK_INVALID_HANDLE ? rename_by_copy(&use, object, csi_blob_span(wanted), handle, copy, err)
                                     : rename_in_place(&use, csi_blob_span(wanted), handle, &names, err);
}
