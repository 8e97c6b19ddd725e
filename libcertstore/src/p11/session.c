/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.c: sessions, and the login that belongs to them.
 *
 * One session is the anchor: PKCS#11 logs a program out when its last session is closed. The others are made for a call, and kept for the next one.
 * There are never more than CSI_POOL of them; where the token gives fewer, callers wait for each other, and the last resort is the anchor itself,
 * so that a token with a single session works too. A session that the module has forgotten (a card pulled out and put back, a server that was
 * restarted) makes all of them suspect: they are opened anew by the next call, which logs in again if it has to.
 */
#include <openssl/err.h>

#include "p11/internal.h"

/* ------------------------------------------------------------------------------------------------------------------ fences */

certstore_status csi_check_process(const csi_p11 *token, certstore_error *err)
{
    if (csi_os_real.pid(&csi_os_real) != token->pid)
        return csi_fail(err, CERTSTORE_E_UNAVAILABLE, "token %s: it was opened before the fork; open it anew in the child", token->info.label);
    return CERTSTORE_OK;
}

/* ---------------------------------------------------------------------------------------------------------------- sessions */

static CK_RV open_session(csi_p11 *token, CK_SESSION_HANDLE *session)
{
    CK_FLAGS flags = CKF_SERIAL_SESSION | (token->read_only ? 0 : CKF_RW_SESSION);
    CK_RV rv = token->module->C_OpenSession(token->slot, flags, NULL, NULL, session);
    if (rv != CKR_TOKEN_WRITE_PROTECTED || token->read_only)
        return rv;
    token->read_only = true;
    return token->module->C_OpenSession(token->slot, CKF_SERIAL_SESSION, NULL, NULL, session);
}

bool csi_session_is_gone(CK_RV rv)
{
    return rv == CKR_SESSION_HANDLE_INVALID || rv == CKR_SESSION_CLOSED || rv == CKR_DEVICE_REMOVED || rv == CKR_TOKEN_NOT_PRESENT;
}

certstore_status csi_sessions_open(csi_p11 *token, certstore_error *err)
{
    return csi_fail_ckr(token->info.label, open_session(token, &token->anchor), "opening a session", err);
}

void csi_sessions_close(csi_p11 *token)
{
    for (size_t i = 0; i < token->pooled; i++)
        token->module->C_CloseSession(token->pool[i]);
    token->pooled = 0;
    if (token->anchor != CK_INVALID_HANDLE)
        token->module->C_CloseSession(token->anchor);
    token->anchor = CK_INVALID_HANDLE;
    token->epoch++; /* what is lent now does not come back into the pool */
    memset(token->handles, 0, sizeof token->handles);
}

/* With the lock held. */
certstore_status csi_sessions_mend(csi_p11 *token, certstore_error *err)
{
    if (!token->suspect)
        return CERTSTORE_OK;
    csi_sessions_close(token);
    CSI_TRY(csi_sessions_open(token, err));
    token->suspect = false;
    return CERTSTORE_OK;
}

/* A session for the caller alone, with the lock held, which waiting lets go of. */
static certstore_status take(struct csi_use *use, certstore_error *err)
{
    csi_p11 *token = use->token;
    for (;;) {
        CK_RV rv = CKR_SESSION_COUNT;
        if (!token->refreshing) {
            CSI_TRY(csi_sessions_mend(token, err));
            if (token->pooled > 0) {
                use->session = token->pool[--token->pooled];
                rv = CKR_OK;
            } else if (token->lent < CSI_POOL) {
                rv = open_session(token, &use->session);
            }
            if (rv == CKR_SESSION_COUNT && !token->anchor_lent) {
                use->session = token->anchor;
                token->anchor_lent = use->anchor = true;
                rv = CKR_OK;
            }
        }
        if (rv != CKR_SESSION_COUNT) {
            token->lent += rv == CKR_OK && !use->anchor;
            use->epoch = token->epoch;
            return csi_fail_ckr(token->info.label, rv, "opening a session", err);
        }
        pthread_cond_wait(&token->returned, &token->lock); /* whoever has one gives it back at the end of his call */
    }
}

certstore_status csi_use_begin(struct csi_use *use, csi_p11 *token, certstore_error *err)
{
    *use = (struct csi_use){ .token = token, .f = token->module };
    CSI_TRY(csi_check_process(token, err));
    csi_fence_begin(&use->fence);
    pthread_mutex_lock(&token->lock);
    use->open = take(use, err) == CERTSTORE_OK;
    pthread_mutex_unlock(&token->lock);
    return use->open ? CERTSTORE_OK : err->status;
}

/* With the lock held. */
static void give_back(struct csi_use *use)
{
    csi_p11 *token = use->token;
    bool current = use->epoch == token->epoch;
    token->lent -= !use->anchor;
    token->anchor_lent = use->anchor ? false : token->anchor_lent;
    token->suspect = token->suspect || (current && use->gone);
    if (use->anchor) {
        token->suspect = token->suspect || (current && use->broken); /* it cannot be closed alone */
        return;
    }
    if (current && !use->broken && !use->gone && token->pooled < CSI_POOL)
        token->pool[token->pooled++] = use->session;
    else
        token->module->C_CloseSession(use->session);
}

void csi_use_end(struct csi_use *use)
{
    if (use->open) {
        pthread_mutex_lock(&use->token->lock);
        give_back(use);
        pthread_cond_broadcast(&use->token->returned);
        pthread_mutex_unlock(&use->token->lock);
    }
    csi_fence_end(&use->fence);
    use->open = false;
}

certstore_status csi_ckr(struct csi_use *use, CK_RV rv, const char *what, certstore_error *err)
{
    use->gone = use->gone || csi_session_is_gone(rv);
    return csi_fail_ckr(use->token->info.label, rv, what, err);
}

/* ------------------------------------------------------------------------------------------------------------------- login */

/* What must stop us before the module is asked: a wrong PIN costs one of few tries. */
static certstore_status may_present(csi_p11 *token, certstore_error *err)
{
    CK_TOKEN_INFO info;
    if (token->pin_refused)
        return csi_fail(err, CERTSTORE_E_PASSWORD,
                        "token %s: its PIN was refused before, and is not presented again; open it anew with the right one", token->info.label);
    if (token->pin == NULL)
        return csi_fail(err, CERTSTORE_E_PASSWORD, "token %s: it wants its PIN; give it (pin-source, --pass)", token->info.label);
    CSI_TRY(csi_fail_ckr(token->info.label, csi_token_state(token->module, token->slot, &info), "asking for its state", err));
    if ((info.flags & CKF_USER_PIN_LOCKED) != 0)
        return csi_fail(err, CERTSTORE_E_LOCKED, "token %s: its PIN is locked; the security officer can set a new one", token->info.label);
    if ((info.flags & CKF_USER_PIN_FINAL_TRY) != 0)
        return csi_fail(err, CERTSTORE_E_PASSWORD,
                        "token %s: one try of its PIN is left, and it is not spent here; log in with the token's own tool first", token->info.label);
    return CERTSTORE_OK;
}

/* By us, or by another user of the token in this process: PKCS#11 tells no difference. */
static bool is_in(csi_p11 *token, CK_SESSION_HANDLE session, CK_RV *rv)
{
    CK_SESSION_INFO info;
    *rv = token->module->C_GetSessionInfo(session, &info);
    return *rv == CKR_OK && (info.state == CKS_RW_USER_FUNCTIONS || info.state == CKS_RO_USER_FUNCTIONS);
}

bool csi_user_is_in(csi_p11 *token)
{
    CK_RV rv;
    return is_in(token, token->anchor, &rv);
}

bool csi_use_logged_in(struct csi_use *use)
{
    CK_RV rv;
    return is_in(use->token, use->session, &rv);
}

/* While another process rewrites the token's file, SoftHSM cannot tell the token's state or does not know of its PIN. It answers so before it has
 * looked at the one that is presented: no try is spent, and it may be asked again. */
static bool is_torn(const csi_p11 *token, CK_RV rv)
{
    return token->torn && (rv == CKR_USER_PIN_NOT_INITIALIZED || rv == CKR_GENERAL_ERROR);
}

static CK_RV present(csi_p11 *token)
{
    enum { FIRST_PAUSE = 1000000, LAST_PAUSE = 8000000 }; /* nanoseconds */
    CK_RV rv = token->module->C_Login(token->anchor, CKU_USER, token->pin->data, token->pin->size);
    for (int64_t pause = FIRST_PAUSE; is_torn(token, rv) && pause <= LAST_PAUSE; pause *= 2) {
        csi_os_real.sleep(&csi_os_real, pause);
        rv = token->module->C_Login(token->anchor, CKU_USER, token->pin->data, token->pin->size);
    }
    return rv;
}

certstore_status csi_login_locked(csi_p11 *token, certstore_error *err)
{
    CK_RV rv;
    CSI_TRY(csi_sessions_mend(token, err));
    if (is_in(token, token->anchor, &rv))
        return CERTSTORE_OK;
    if (csi_session_is_gone(rv)) {
        token->suspect = true;
        CSI_TRY(csi_sessions_mend(token, err));
    }
    CSI_TRY(may_present(token, err));
    rv = present(token);
    if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
        return CERTSTORE_OK;
    token->suspect = token->suspect || csi_session_is_gone(rv);
    token->half_read = is_torn(token, rv);
    bool wrong = rv == CKR_PIN_INCORRECT || rv == CKR_PIN_INVALID || rv == CKR_PIN_LEN_RANGE;
    token->pin_refused = wrong || rv == CKR_PIN_LOCKED || rv == CKR_PIN_EXPIRED;
    if (wrong)
        return csi_fail(err, CERTSTORE_E_PASSWORD, "token %s: the PIN is wrong; give the right one (it was presented once)", token->info.label);
    return csi_fail_ckr(token->info.label, rv, "logging in", err);
}

void csi_alone_begin(csi_p11 *token)
{
    pthread_mutex_lock(&token->lock);
    while (token->refreshing)
        pthread_cond_wait(&token->returned, &token->lock);
    token->refreshing = true;
    while (token->lent > 0 || token->anchor_lent)
        pthread_cond_wait(&token->returned, &token->lock);
}

void csi_alone_end(csi_p11 *token)
{
    token->refreshing = false;
    pthread_cond_broadcast(&token->returned);
    pthread_mutex_unlock(&token->lock);
}

/* The module's view is made at its initialisation, and there is no other way to a new one. */
static certstore_status start_anew(csi_p11 *token, certstore_error *err)
{
    bool was_in = csi_user_is_in(token);
    csi_sessions_close(token);
    csi_kit()->module_finalize(token->module);
    token->suspect = true; /* until there is an anchor again */
    CSI_TRY(csi_fail_ckr(token->info.label, csi_kit()->module_initialize(token->module), "a fresh look", err));
    CSI_TRY(csi_module_find_slot(token, err));
    CSI_TRY(csi_sessions_mend(token, err));
    return was_in ? csi_login_locked(token, err) : CERTSTORE_OK;
}

/* What it has read by half SoftHSM keeps until the next change. */
static certstore_status login_anew(csi_p11 *token, certstore_error *err)
{
    csi_alone_begin(token);
    certstore_status status = start_anew(token, err);
    if (status == CERTSTORE_OK)
        status = csi_login_locked(token, err);
    csi_alone_end(token);
    return status;
}

certstore_status csi_p11_login(csi_p11 *token, certstore_error *err)
{
    enum { FIRST_PAUSE = 8000000, LAST_PAUSE = 256000000 }; /* nanoseconds */
    CSI_TRY(csi_check_process(token, err));
    if (!token->info.login_required)
        return CERTSTORE_OK;
    CSI_AUTO_FENCE fence;
    csi_fence_begin(&fence);
    pthread_mutex_lock(&token->lock);
    while (token->refreshing)
        pthread_cond_wait(&token->returned, &token->lock);
    token->half_read = false;
    certstore_status status = csi_login_locked(token, err);
    bool again = token->half_read;
    pthread_mutex_unlock(&token->lock);
    for (int64_t pause = FIRST_PAUSE; status != CERTSTORE_OK && again && pause <= LAST_PAUSE; pause *= 2) {
        csi_os_real.sleep(&csi_os_real, pause);
        certstore_error_clear(err);
        status = login_anew(token, err);
        again = status != CERTSTORE_E_PASSWORD && status != CERTSTORE_E_LOCKED;
    }
    return status;
}

certstore_status csi_p11_refresh(csi_p11 *token, certstore_error *err)
{
    CSI_TRY(csi_check_process(token, err));
    if (!token->forgetful)
        return CERTSTORE_OK;
    CSI_AUTO_FENCE fence;
    csi_fence_begin(&fence);
    csi_alone_begin(token);
    certstore_status status = start_anew(token, err);
    csi_alone_end(token);
    return status;
}
