/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.c: a token's life: sessions, login, the fork that must not inherit them.
 *
 * One session is the anchor: PKCS#11 logs a program out when its last session is closed. The others are made for a call, and kept for the next one.
 */
#include <openssl/err.h>
#include <stdatomic.h>

#include "p11/internal.h"

/* ---------------------------------------------------------------------------------------------------------------- sessions */

static certstore_status open_session(csi_p11 *token, CK_SESSION_HANDLE *session, certstore_error *err)
{
    CK_FLAGS flags = CKF_SERIAL_SESSION | (token->read_only ? 0 : CKF_RW_SESSION);
    CK_RV rv = token->module->C_OpenSession(token->slot, flags, NULL, NULL, session);
    if (rv == CKR_TOKEN_WRITE_PROTECTED) {
        token->read_only = true;
        rv = token->module->C_OpenSession(token->slot, CKF_SERIAL_SESSION, NULL, NULL, session);
    }
    return csi_fail_ckr(token->info.label, rv, "opening a session", err);
}

static certstore_status check_process(const csi_p11 *token, certstore_error *err)
{
    if (csi_os_real.pid(&csi_os_real) != token->pid)
        return csi_fail(err, CERTSTORE_E_UNAVAILABLE, "token %s: it was opened before the fork; open it anew in the child", token->info.label);
    return CERTSTORE_OK;
}

certstore_status csi_use_begin(struct csi_use *use, csi_p11 *token, certstore_error *err)
{
    *use = (struct csi_use){ .token = token, .f = token->module };
    CSI_TRY(check_process(token, err));
    use->marked = ERR_set_mark() == 1;
    pthread_mutex_lock(&token->lock);
    bool had = token->pooled > 0;
    if (had)
        use->session = token->pool[--token->pooled];
    pthread_mutex_unlock(&token->lock);
    if (!had)
        CSI_TRY(open_session(token, &use->session, err));
    use->open = true;
    return CERTSTORE_OK;
}

void csi_use_end(struct csi_use *use)
{
    csi_p11 *token = use->token;
    if (use->open) {
        pthread_mutex_lock(&token->lock);
        bool kept = !use->broken && token->pooled < CSI_POOL;
        if (kept)
            token->pool[token->pooled++] = use->session;
        pthread_mutex_unlock(&token->lock);
        if (!kept)
            token->module->C_CloseSession(use->session);
    }
    if (use->marked)
        ERR_pop_to_mark();
    use->open = use->marked = false;
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
    CSI_TRY(csi_fail_ckr(token->info.label, token->module->C_GetTokenInfo(token->slot, &info), "asking for its state", err));
    if ((info.flags & CKF_USER_PIN_LOCKED) != 0)
        return csi_fail(err, CERTSTORE_E_LOCKED, "token %s: its PIN is locked; the security officer can set a new one", token->info.label);
    if ((info.flags & CKF_USER_PIN_FINAL_TRY) != 0)
        return csi_fail(err, CERTSTORE_E_PASSWORD,
                        "token %s: one try of its PIN is left, and it is not spent here; log in with the token's own tool first", token->info.label);
    return CERTSTORE_OK;
}

static certstore_status login(csi_p11 *token, certstore_error *err)
{
    CK_SESSION_INFO session;
    CK_RV rv = token->module->C_GetSessionInfo(token->anchor, &session);
    if (rv == CKR_OK && (session.state == CKS_RW_USER_FUNCTIONS || session.state == CKS_RO_USER_FUNCTIONS)) {
        token->logged_in = true; /* by us, or by another user of the token in this process */
        return CERTSTORE_OK;
    }
    CSI_TRY(may_present(token, err));
    rv = token->module->C_Login(token->anchor, CKU_USER, token->pin->data, token->pin->size);
    token->logged_in = rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN;
    if (token->logged_in)
        return CERTSTORE_OK;
    token->pin_refused = rv == CKR_PIN_INCORRECT || rv == CKR_PIN_INVALID || rv == CKR_PIN_LEN_RANGE || rv == CKR_PIN_LOCKED;
    if (rv == CKR_PIN_INCORRECT || rv == CKR_PIN_INVALID || rv == CKR_PIN_LEN_RANGE)
        return csi_fail(err, CERTSTORE_E_PASSWORD, "token %s: the PIN is wrong; give the right one (it was presented once)", token->info.label);
    return csi_fail_ckr(token->info.label, rv, "logging in", err);
}

certstore_status csi_p11_login(csi_p11 *token, certstore_error *err)
{
    CSI_TRY(check_process(token, err));
    if (!token->info.login_required && token->pin == NULL)
        return CERTSTORE_OK;
    ERR_set_mark();
    pthread_mutex_lock(&token->lock);
    certstore_status status = login(token, err);
    pthread_mutex_unlock(&token->lock);
    ERR_pop_to_mark();
    return status;
}

/* ---------------------------------------------------------------------------------------------------------- birth and death */

static void remote_ref(struct csi_remote *remote)
{
    csi_p11_ref((csi_p11 *)remote);
}

static void remote_free(struct csi_remote *remote)
{
    csi_p11_free((csi_p11 *)remote);
}

struct csi_remote *csi_p11_remote(csi_p11 *token)
{
    return &token->remote;
}

csi_p11 *csi_p11_of_remote(struct csi_remote *remote)
{
    return remote != NULL && remote->free == remote_free ? (csi_p11 *)remote : NULL;
}

static void release(csi_p11 *token)
{
    for (size_t i = 0; i < sizeof token->texts / sizeof *token->texts; i++)
        free(token->texts[i]);
    free(token->init_args);
    free(token->init_text);
    csi_p11_address_free(token->objects);
    csi_secret_free(token->pin);
    pthread_mutex_destroy(&token->lock);
    free(token);
}

static void close_all(csi_p11 *token)
{
    if (token->module == NULL || csi_os_real.pid(&csi_os_real) != token->pid)
        return; /* a child closes nothing of its parent's */
    ERR_set_mark();
    for (size_t i = 0; i < token->pooled; i++)
        token->module->C_CloseSession(token->pool[i]);
    token->pooled = 0;
    if (token->anchor != CK_INVALID_HANDLE)
        token->module->C_CloseSession(token->anchor);
    token->anchor = CK_INVALID_HANDLE;
    csi_module_close(token);
    ERR_pop_to_mark();
}

csi_p11 *csi_p11_open(const csi_p11_address *address, const csi_secret *pin, certstore_error *err)
{
    CSI_AUTO(csi_p11) *token = csi_new(1, sizeof *token, err);
    if (token == NULL)
        return NULL;
    atomic_init(&token->refs, 1);
    token->remote = (struct csi_remote){ .ref = remote_ref, .free = remote_free, .open = csi_remote_open };
    token->pid = csi_os_real.pid(&csi_os_real);
    token->pin = csi_secret_ref(pin);
    pthread_mutex_init(&token->lock, NULL);
    ERR_set_mark();
    certstore_status status = csi_module_open(token, address, err);
    if (status == CERTSTORE_OK)
        status = open_session(token, &token->anchor, err);
    ERR_pop_to_mark();
    if (status != CERTSTORE_OK)
        return NULL;
    if (csi_p11_address_is_partial(address)) {
        CSI_AUTO(csi_chars) *text = csi_p11_address_text(address, err);
        token->objects = text != NULL ? csi_p11_address_parse(text, err) : NULL;
        if (token->objects == NULL)
            return NULL;
    }
    return csi_steal(&token);
}

csi_p11 *csi_p11_ref(const csi_p11 *token)
{
    csi_p11 *shared = (csi_p11 *)(uintptr_t)token; /* only the count changes */
    if (shared != NULL)
        atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
    return shared;
}

static bool is_last(csi_p11 *token)
{
    return token != NULL && atomic_fetch_sub_explicit(&token->refs, 1, memory_order_acq_rel) == 1;
}

void csi_p11_free(csi_p11 *token)
{
    if (!is_last(token))
        return;
    close_all(token);
    release(token);
}

/* The sessions stay open until the process is gone: nobody can say here whether the module still is what it was. */
void csi_p11_drop(csi_p11 *token)
{
    if (is_last(token))
        release(token);
}

const struct csi_p11_info *csi_p11_info(const csi_p11 *token)
{
    return &token->info;
}

char *csi_p11_location(const csi_p11 *token, certstore_error *err)
{
    if (token->info.directory != NULL)
        return csi_format(err, "nss:%s", token->info.directory);
    P11KitUri *uri = p11_kit_uri_new();
    char *formatted = NULL;
    if (uri != NULL) {
        CK_TOKEN_INFO *info = p11_kit_uri_get_token_info(uri);
        memset(info->label, ' ', sizeof info->label);
        memset(info->serialNumber, ' ', sizeof info->serialNumber);
        memcpy(info->label, token->info.label, strnlen(token->info.label, sizeof info->label));
        memcpy(info->serialNumber, token->info.serial, strnlen(token->info.serial, sizeof info->serialNumber));
        p11_kit_uri_set_module_path(uri, token->info.module);
        if (p11_kit_uri_format(uri, P11_KIT_URI_FOR_ANY, &formatted) != P11_KIT_URI_OK)
            formatted = NULL;
        p11_kit_uri_free(uri);
    }
    char *text = formatted != NULL ? csi_strdup(formatted, err) : NULL;
    if (formatted == NULL)
        csi_error_memory(err);
    free(formatted);
    return text;
}

/* The module's view is made at its initialisation, and there is no other way to a new one. */
certstore_status csi_p11_refresh(csi_p11 *token, certstore_error *err)
{
    CSI_TRY(check_process(token, err));
    if (!token->forgetful)
        return CERTSTORE_OK;
    ERR_set_mark();
    pthread_mutex_lock(&token->lock);
    bool was_in = token->logged_in;
    for (size_t i = 0; i < token->pooled; i++)
        token->module->C_CloseSession(token->pool[i]);
    token->pooled = 0;
    token->module->C_CloseSession(token->anchor);
    p11_kit_module_finalize(token->module);
    token->logged_in = false;
    memset(token->handles, 0, sizeof token->handles);
    certstore_status status = csi_fail_ckr(token->info.label, p11_kit_module_initialize(token->module), "a fresh look", err);
    if (status == CERTSTORE_OK)
        status = open_session(token, &token->anchor, err);
    if (status == CERTSTORE_OK && was_in)
        status = login(token, err);
    pthread_mutex_unlock(&token->lock);
    ERR_pop_to_mark();
    return status;
}
