/* SPDX-License-Identifier: Apache-2.0 */
/* token.c: a token's life: opened, shared by reference, closed, or dropped where nothing may be said to the module any more. */
#include <stdatomic.h>

#include "p11/internal.h"

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
    csi_secret_free(token->so_pin);
    pthread_mutex_destroy(&token->lock);
    pthread_cond_destroy(&token->returned);
    free(token);
}

static void close_all(csi_p11 *token)
{
    if (token->module == NULL || csi_os_real.pid(&csi_os_real) != token->pid)
        return; /* a child closes nothing of its parent's */
    CSI_AUTO_FENCE fence;
    csi_fence_begin(&fence);
    csi_sessions_close(token);
    csi_module_close(token);
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
    pthread_cond_init(&token->returned, NULL);
    CSI_AUTO_FENCE fence;
    csi_fence_begin(&fence);
    if (csi_module_open(token, address, err) != CERTSTORE_OK || csi_sessions_open(token, err) != CERTSTORE_OK)
        return NULL;
    token->info.traits = token->remote.traits = csi_traits(token);
    token->info.partial = csi_p11_address_is_partial(address);
    if (token->info.partial) {
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
    P11KitUri *uri = csi_kit()->uri_new();
    char *formatted = NULL;
    if (uri != NULL) {
        CK_TOKEN_INFO *info = csi_kit()->uri_get_token_info(uri);
        memset(info->label, ' ', sizeof info->label);
        memset(info->serialNumber, ' ', sizeof info->serialNumber);
        memcpy(info->label, token->info.label, strnlen(token->info.label, sizeof info->label));
        memcpy(info->serialNumber, token->info.serial, strnlen(token->info.serial, sizeof info->serialNumber));
        csi_kit()->uri_set_module_path(uri, token->info.module);
        if (csi_kit()->uri_format(uri, P11_KIT_URI_FOR_ANY, &formatted) != P11_KIT_URI_OK)
            formatted = NULL;
        csi_kit()->uri_free(uri);
    }
    char *text = formatted != NULL ? csi_strdup(formatted, err) : NULL;
    if (formatted == NULL)
        csi_error_memory(err);
    free(formatted);
    return text;
}
