/* SPDX-License-Identifier: Apache-2.0 */
/* wrap.c: a key that leaves a token encrypted, under a secret key of the token, and comes back: for a backup, or a second token with the same
 * secret. */
#include "p11/internal.h"

/* PKCS#11 3.0's own number for RFC 5649. CKM_AES_KEY_WRAP_PAD was left open by 2.40, and SoftHSM means RFC 5649 by it. */
#define AES_KEY_WRAP_KWP 0x210bUL

enum { WRAPPED_MAX = 16 << 10 };

static certstore_status choose(csi_p11 *token, CK_FLAGS use, CK_MECHANISM *mechanism, certstore_error *err)
{
    static const CK_MECHANISM_TYPE known[] = { AES_KEY_WRAP_KWP, CKM_AES_KEY_WRAP_PAD };
    CSI_TRY(csi_check_process(token, err));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        *mechanism = (CK_MECHANISM){ known[i], NULL, 0 };
        if (csi_p11_offers(token, known[i], use))
            return CERTSTORE_OK;
    }
    return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "token %s: it has no AES key wrap with padding (RFC 5649); its keys cannot be moved this way",
                    token->info.label);
}

static certstore_status find_present(struct csi_use *use, struct csi_span object, const char *what, CK_OBJECT_HANDLE *handle, certstore_error *err)
{
    CSI_TRY(csi_find_object(use, object, handle, err));
    if (*handle == CK_INVALID_HANDLE)
        return csi_fail(err, CERTSTORE_E_NOT_FOUND, "token %s: the %s is not there; read the store again", use->token->info.label, what);
    return CERTSTORE_OK;
}

certstore_status csi_p11_wrap(csi_p11 *token, struct csi_span key, struct csi_span wrapping, struct csi_buf *out, certstore_error *err)
{
    CK_MECHANISM mechanism;
    CK_OBJECT_HANDLE inner = CK_INVALID_HANDLE;
    CK_OBJECT_HANDLE outer = CK_INVALID_HANDLE;
    CSI_TRY(choose(token, CKF_WRAP, &mechanism, err));
    CSI_TRY(csi_p11_login(token, err));
    CSI_AUTO_USE use = { 0 };
    CSI_TRY(csi_use_begin(&use, token, err));
    CSI_TRY(find_present(&use, key, "key", &inner, err));
    CSI_TRY(find_present(&use, wrapping, "wrapping key", &outer, err));
    uint8_t *room = csi_buf_reserve(out, WRAPPED_MAX);
    if (room == NULL)
        return csi_buf_check(out, err);
    CK_ULONG size = WRAPPED_MAX;
    CSI_TRY(csi_ckr(&use, use.f->C_WrapKey(use.session, &mechanism, outer, inner, room, &size), "wrapping a key", err));
    out->size += size;
    return CERTSTORE_OK;
}

/* What came out of its wrapping is another key than was expected: it goes again. */
static certstore_status check_modulus(struct csi_use *use, struct csi_span expected, CK_OBJECT_HANDLE made, certstore_error *err)
{
    struct csi_span wanted;
    struct csi_span found;
    if (!csi_object_get(expected, CKA_MODULUS, &wanted))
        return CERTSTORE_OK;
    CSI_AUTO(csi_blob) *key = csi_read_object(use, made, csi_object_class(expected), UINT32_MAX, err);
    if (key != NULL && (!csi_object_get(csi_blob_span(key), CKA_MODULUS, &found) || csi_span_equal(wanted, found)))
        return CERTSTORE_OK;
    use->f->C_DestroyObject(use->session, made);
    return csi_fail(err, CERTSTORE_E_MISMATCH, "token %s: the wrapped key is not that of the public key; it was taken back", use->token->info.label);
}

certstore_status csi_p11_unwrap(csi_p11 *token, struct csi_span template_object, struct csi_span wrapping, struct csi_span wrapped,
                                certstore_error *err)
{
    CK_MECHANISM mechanism;
    CK_OBJECT_HANDLE outer = CK_INVALID_HANDLE;
    CK_OBJECT_HANDLE made = CK_INVALID_HANDLE;
    struct csi_template t = { .count = 0 };
    uint32_t object_class = csi_object_class(template_object);
    CSI_TRY(csi_object_check(template_object, err));
    CSI_TRY(choose(token, CKF_UNWRAP, &mechanism, err));
    csi_template_object(&t, template_object);
    if (object_class == CKO_PRIVATE_KEY) {
        csi_template_number(&t, CKA_KEY_TYPE, csi_object_number(template_object, CKA_KEY_TYPE, CKK_RSA));
        csi_template_uses(&t);
    }
    csi_template_policy(&t, object_class);
    CSI_TRY(csi_p11_login(token, err));
    CSI_AUTO_USE use = { 0 };
    CSI_TRY(csi_use_begin(&use, token, err));
    CSI_TRY(find_present(&use, wrapping, "wrapping key", &outer, err));
    CK_BYTE *bytes = (CK_BYTE *)(uintptr_t)wrapped.data; /* PKCS#11 has no const */
    CK_RV rv = use.f->C_UnwrapKey(use.session, &mechanism, outer, bytes, wrapped.size, t.items, t.count, &made);
    CSI_TRY(csi_ckr(&use, rv, "unwrapping a key", err));
    CSI_TRY(check_modulus(&use, template_object, made, err));
    return csi_read_back(&use, template_object, &t, made, err);
}

bool csi_p11_wraps(csi_p11 *token)
{
    CK_MECHANISM mechanism;
    certstore_error ignored = { 0 };
    return choose(token, CKF_WRAP | CKF_UNWRAP, &mechanism, &ignored) == CERTSTORE_OK;
}
