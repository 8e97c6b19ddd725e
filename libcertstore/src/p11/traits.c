/* SPDX-License-Identifier: Apache-2.0 */
/*
 * traits.c: what a token can do. Of NSS and p11-kit's trust module it is known; others are asked to make session objects, which cost nothing and
 * leave nothing behind. A refusal says no only where it speaks of the object: a module may refuse session objects (tpm2-pkcs11), or want a login
 * first.
 */
#include "p11/internal.h"

static bool says_never(CK_RV rv)
{
    switch (rv) {
    case CKR_ATTRIBUTE_TYPE_INVALID:
    case CKR_ATTRIBUTE_VALUE_INVALID:
    case CKR_TEMPLATE_INCONSISTENT:
    case CKR_TEMPLATE_INCOMPLETE:
    case CKR_FUNCTION_NOT_SUPPORTED:
    case CKR_TOKEN_WRITE_PROTECTED:
    case CKR_ACTION_PROHIBITED:
        return true;
    default:
        return false;
    }
}

static bool can_make(csi_p11 *token, struct csi_template *t)
{
    CK_OBJECT_HANDLE made = CK_INVALID_HANDLE;
    csi_template_flag(t, CKA_TOKEN, false);
    csi_template_flag(t, CKA_PRIVATE, false); /* a private one would want a login */
    CK_RV rv = token->module->C_CreateObject(token->anchor, t->items, t->count, &made);
    if (rv == CKR_OK)
        token->module->C_DestroyObject(token->anchor, made);
    return !says_never(rv);
}

static bool can_hold_data(csi_p11 *token)
{
    struct csi_template t = { .count = 0 };
    csi_template_number(&t, CKA_CLASS, CKO_DATA);
    csi_template_put(&t, CKA_VALUE, csi_span("probe", 5));
    return can_make(token, &t);
}

static bool can_make_secrets(csi_p11 *token)
{
    static const uint8_t value[16] = { 1 };
    struct csi_template t = { .count = 0 };
    csi_template_number(&t, CKA_CLASS, CKO_SECRET_KEY);
    csi_template_number(&t, CKA_KEY_TYPE, CKK_AES);
    csi_template_put(&t, CKA_VALUE, csi_span(value, sizeof value));
    return can_make(token, &t);
}

/* P-256 with the private key 1: as good as any to see whether the module takes one. */
static bool can_make_keys(csi_p11 *token)
{
    static const uint8_t curve[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
    static const uint8_t value[32] = { [31] = 1 };
    struct csi_template t = { .count = 0 };
    csi_template_number(&t, CKA_CLASS, CKO_PRIVATE_KEY);
    csi_template_number(&t, CKA_KEY_TYPE, CKK_EC);
    csi_template_put(&t, CKA_EC_PARAMS, csi_span(curve, sizeof curve));
    csi_template_put(&t, CKA_VALUE, csi_span(value, sizeof value));
    csi_template_flag(&t, CKA_SENSITIVE, false);
    csi_template_flag(&t, CKA_EXTRACTABLE, true);
    csi_template_flag(&t, CKA_SIGN, true);
    return can_make(token, &t);
}

/* Refused to everybody but the security officer, the attribute is one that means something. */
static bool has_officer(csi_p11 *token)
{
    static const uint8_t empty[] = { 0x30, 0x00 };
    struct csi_template t = { .count = 0 };
    CK_OBJECT_HANDLE made = CK_INVALID_HANDLE;
    csi_template_number(&t, CKA_CLASS, CKO_CERTIFICATE);
    csi_template_number(&t, CKA_CERTIFICATE_TYPE, CKC_X_509);
    csi_template_put(&t, CKA_SUBJECT, csi_span(empty, sizeof empty));
    csi_template_put(&t, CKA_VALUE, csi_span(empty, sizeof empty));
    csi_template_flag(&t, CKA_TRUSTED, true);
    csi_template_flag(&t, CKA_TOKEN, false);
    csi_template_flag(&t, CKA_PRIVATE, false);
    CK_RV rv = token->module->C_CreateObject(token->anchor, t.items, t.count, &made);
    if (rv == CKR_OK)
        token->module->C_DestroyObject(token->anchor, made);
    return rv == CKR_ATTRIBUTE_READ_ONLY;
}

unsigned csi_traits(csi_p11 *token)
{
    unsigned writable = token->read_only ? 0 : CSI_TOKEN_WRITABLE;
    if (token->info.directory != NULL) /* its token holds no data objects, its sessions do */
        return writable | CSI_TOKEN_NSS_TRUST | CSI_TOKEN_KEYS | CSI_TOKEN_SECRETS;
    if (strcmp(token->info.model, "p11-kit-trust") == 0)
        return writable | CSI_TOKEN_P11_TRUST | CSI_TOKEN_DATA;
    return writable | (can_hold_data(token) ? CSI_TOKEN_DATA : 0) | (can_make_secrets(token) ? CSI_TOKEN_SECRETS : 0) |
           (can_make_keys(token) ? CSI_TOKEN_KEYS : 0) | (has_officer(token) ? CSI_TOKEN_OFFICER : 0);
}
