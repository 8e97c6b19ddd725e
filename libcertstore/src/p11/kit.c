/* SPDX-License-Identifier: Apache-2.0 */
/* kit.c: loading p11-kit; see kit.h. It stays loaded: it has handlers for fork and exit, and modules stay with it. */
#include "p11/kit.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char soname[] = "libp11-kit.so.0";

static const struct {
    const char *name;
    size_t at; /* of its pointer in struct csi_kit */
} functions[] = {
    { "p11_kit_message", offsetof(struct csi_kit, message) },
    { "p11_kit_modules_load", offsetof(struct csi_kit, modules_load) },
    { "p11_kit_module_load", offsetof(struct csi_kit, module_load) },
    { "p11_kit_module_initialize", offsetof(struct csi_kit, module_initialize) },
    { "p11_kit_module_finalize", offsetof(struct csi_kit, module_finalize) },
    { "p11_kit_module_release", offsetof(struct csi_kit, module_release) },
    { "p11_kit_module_get_name", offsetof(struct csi_kit, module_get_name) },
    { "p11_kit_module_get_filename", offsetof(struct csi_kit, module_get_filename) },
    { "p11_kit_uri_new", offsetof(struct csi_kit, uri_new) },
    { "p11_kit_uri_free", offsetof(struct csi_kit, uri_free) },
    { "p11_kit_uri_parse", offsetof(struct csi_kit, uri_parse) },
    { "p11_kit_uri_format", offsetof(struct csi_kit, uri_format) },
    { "p11_kit_uri_any_unrecognized", offsetof(struct csi_kit, uri_any_unrecognized) },
    { "p11_kit_uri_get_attributes", offsetof(struct csi_kit, uri_get_attributes) },
    { "p11_kit_uri_get_module_name", offsetof(struct csi_kit, uri_get_module_name) },
    { "p11_kit_uri_get_module_path", offsetof(struct csi_kit, uri_get_module_path) },
    { "p11_kit_uri_set_module_path", offsetof(struct csi_kit, uri_set_module_path) },
    { "p11_kit_uri_get_pin_source", offsetof(struct csi_kit, uri_get_pin_source) },
    { "p11_kit_uri_get_pin_value", offsetof(struct csi_kit, uri_get_pin_value) },
    { "p11_kit_uri_set_pin_value", offsetof(struct csi_kit, uri_set_pin_value) },
    { "p11_kit_uri_get_slot_id", offsetof(struct csi_kit, uri_get_slot_id) },
    { "p11_kit_uri_get_token_info", offsetof(struct csi_kit, uri_get_token_info) },
    { "p11_kit_uri_match_module_info", offsetof(struct csi_kit, uri_match_module_info) },
    { "p11_kit_uri_match_slot_info", offsetof(struct csi_kit, uri_match_slot_info) },
    { "p11_kit_uri_match_token_info", offsetof(struct csi_kit, uri_match_token_info) },
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };
_Static_assert(sizeof(struct csi_kit) == FUNCTIONS * sizeof(void *), "a function of the table is not looked up");

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct csi_kit kit;
static bool loaded;
static char reason[256];

static void load(void)
{
    void *library = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
    loaded = library != NULL;
    for (size_t i = 0; loaded && i < FUNCTIONS; i++) {
        void *function = dlsym(library, functions[i].name);
        loaded = function != NULL;
        memcpy((char *)&kit + functions[i].at, &function, sizeof function); /* POSIX: a data pointer holds it */
    }
    if (!loaded) {
        const char *said = dlerror();
        snprintf(reason, sizeof reason, "%s", said != NULL ? said : "");
    }
}

certstore_status csi_kit_load(certstore_error *err)
{
    pthread_once(&once, load);
    if (loaded)
        return CERTSTORE_OK;
    csi_fail(err, CERTSTORE_E_UNAVAILABLE, "p11-kit (%s) cannot be loaded; install it (Debian: libp11-kit0)", soname);
    csi_error_set_cause(err, reason);
    return err->status;
}

const struct csi_kit *csi_kit(void)
{
    return &kit;
}
