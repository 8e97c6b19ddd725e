/* SPDX-License-Identifier: Apache-2.0 */
/*
 * officer.c: what a token does only for one caller alone: a certificate that its security officer marks as trusted, and a new PIN.
 *
 * A login holds for the whole process (PKCS#11 2.40 section 5.6), and user and officer are never in at once. So everybody who uses the token waits,
 * the user is logged out, and in again afterwards. A PIN is presented once here as everywhere, and never where one try is left.
 */
#include "p11/internal.h"

certstore_status csi_p11_set_officer(csi_p11 *token, const csi_secret *pin, certstore_error *err)
{
    CSI_TRY(csi_check_process(token, err));
    pthread_mutex_lock(&token->lock);
    csi_secret_free(token->so_pin);
    token->so_pin = csi_secret_ref(pin);
    pthread_mutex_unlock(&token->lock);
    return CERTSTORE_OK;
}

/* ------------------------------------------------------------------------------------------------------------- the officer */

static certstore_status may_present(csi_p11 *token, certstore_error *err)
{
    CK_TOKEN_INFO info;
    if (token->so_pin == NULL)
        return csi_fail(err, CERTSTORE_E_PASSWORD,
                        "token %s: only its security officer marks a certificate as trusted; give the officer's PIN (--so-pin)", token->info.label);
    if (token->so_refused)
        return csi_fail(err, CERTSTORE_E_PASSWORD, "token %s: the security officer's PIN was refused before, and is not presented again",
                        token->info.label);
    CSI_TRY(csi_fail_ckr(token->info.label, csi_token_state(token->module, token->slot, &info), "asking for its state", err));
    if ((info.flags & CKF_SO_PIN_LOCKED) != 0)
        return csi_fail(err, CERTSTORE_E_LOCKED, "token %s: the security officer's PIN is locked; see the token's own tool", token->info.label);
    if ((info.flags & CKF_SO_PIN_FINAL_TRY) != 0)
        return csi_fail(err, CERTSTORE_E_PASSWORD, "token %s: one try of the security officer's PIN is left, and it is not spent here",
                        token->info.label);
    return CERTSTORE_OK;
}

static certstore_status enter(csi_p11 *token, certstore_error *err)
{
    CK_RV rv = token->module->C_Login(token->anchor, CKU_SO, token->so_pin->data, token->so_pin->size);
    bool wrong = rv == CKR_PIN_INCORRECT || rv == CKR_PIN_INVALID || rv == CKR_PIN_LEN_RANGE;
    token->so_refused = wrong || rv == CKR_PIN_LOCKED || rv == CKR_PIN_EXPIRED;
    if (wrong)
        return csi_fail(err, CERTSTORE_E_PASSWORD, "token %s: the security officer's PIN is wrong; give the right one (it was presented once)",
                        token->info.label);
    return csi_fail_ckr(token->info.label, rv, "logging in the security officer", err);
}

static certstore_status create(csi_p11 *token, struct csi_template *t, struct csi_span object, certstore_error *err)
{
    struct csi_use use = { .token = token, .f = token->module, .session = token->anchor }; /* nobody else has it now */
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    CK_RV rv = use.f->C_CreateObject(use.session, t->items, t->count, &handle);
    certstore_status status = csi_ckr(&use, rv, "marking a certificate as trusted", err);
    if (status == CERTSTORE_OK)
        status = csi_read_back(&use, object, t, handle, err);
    token->suspect = token->suspect || use.gone;
    return status;
}

/* Handles of private objects do not outlive a logout. */
static void log_out(csi_p11 *token)
{
    token->module->C_Logout(token->anchor);
    memset(token->handles, 0, sizeof token->handles);
}

static certstore_status create_alone(csi_p11 *token, struct csi_template *t, struct csi_span object, certstore_error *err)
{
    certstore_error later = { 0 };
    CSI_TRY(csi_sessions_mend(token, err));
    CSI_TRY(may_present(token, err));
    bool was_in = csi_user_is_in(token);
    if (was_in)
        log_out(token);
    if (enter(token, err) == CERTSTORE_OK) {
        create(token, t, object, err);
        log_out(token);
    }
    if (was_in && csi_login_locked(token, &later) != CERTSTORE_OK)
        csi_error_move(err, &later);
    return err->status;
}

certstore_status csi_officer_create(csi_p11 *token, struct csi_template *t, struct csi_span object, certstore_error *err)
{
    CSI_TRY(csi_check_process(token, err));
    CSI_AUTO_FENCE fence;
    csi_fence_begin(&fence);
    csi_alone_begin(token);
    certstore_status status = create_alone(token, t, object, err);
    csi_alone_end(token);
    return status;
}

/* ----------------------------------------------------------------------------------------------------------------- the PIN */

static certstore_status fail_new_pin(const csi_p11 *token, certstore_error *err)
{
    return csi_fail(err, CERTSTORE_E_ARGUMENT, "token %s: it does not take that new PIN; give one of %lu to %lu bytes that its rules allow",
                    token->info.label, token->found.ulMinPinLen, token->found.ulMaxPinLen);
}

static certstore_status change_alone(csi_p11 *token, const csi_secret *fresh, certstore_error *err)
{
    CK_TOKEN_INFO info;
    CK_UTF8CHAR none[1] = { 0 };
    CSI_TRY(csi_sessions_mend(token, err));
    CK_RV rv = token->module->C_SetPIN(token->anchor, token->pin != NULL ? token->pin->data : none, token->pin != NULL ? token->pin->size : 0,
                                       fresh->data, fresh->size);
    token->suspect = token->suspect || csi_session_is_gone(rv);
    if (rv == CKR_PIN_INVALID || rv == CKR_PIN_LEN_RANGE)
        return fail_new_pin(token, err);
    token->pin_refused = rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LOCKED;
    CSI_TRY(csi_fail_ckr(token->info.label, rv, "changing its PIN", err));
    csi_secret_free(token->pin);
    token->pin = csi_secret_ref(fresh);
    if (csi_token_state(token->module, token->slot, &info) == CKR_OK)
        token->info.login_required = (info.flags & CKF_LOGIN_REQUIRED) != 0;
    return CERTSTORE_OK;
}

certstore_status csi_p11_set_pin(csi_p11 *token, const csi_secret *fresh, certstore_error *err)
{
    if (token->read_only)
        return csi_fail(err, CERTSTORE_E_READ_ONLY, "token %s: it is write protected; its PIN cannot be changed here", token->info.label);
    CSI_TRY(csi_p11_login(token, err)); /* a wrong one is found here, and presented this once */
    CSI_AUTO_FENCE fence;
    csi_fence_begin(&fence);
    csi_alone_begin(token);
    certstore_status status = change_alone(token, fresh, err);
    csi_alone_end(token);
    return status;
}
