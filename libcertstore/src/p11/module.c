/* SPDX-License-Identifier: Apache-2.0 */
/*
 * module.c: from an address to a module that is initialised and a slot that has the token.
 *
 * Modules are loaded as p11-kit's managed ones: each user of one in the process has an own view, sessions and initialisation count (logging in
 * alone is shared). A URI that names its module loads that file and no other: others may print, or make directories, as they are initialised.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <strings.h>

#include <openssl/sha.h>

#include "base/text.h"
#include "p11/internal.h"

enum { SLOTS_MAX = 256 };

/* NSS's own form of CK_C_INITIALIZE_ARGS has one more pointer behind pReserved, and takes its parameters as text there. */
struct nss_args {
    CK_C_INITIALIZE_ARGS standard;
    void *end;
};

/* p11-kit looks for a bare name among its own modules; softokn lies where the linker finds it. The caller's. */
static char *find_softokn(certstore_error *err)
{
    struct link_map *map = NULL;
    void *library = dlopen("libsoftokn3.so", RTLD_NOW | RTLD_LOCAL);
    char *path = library != NULL && dlinfo(library, RTLD_DI_LINKMAP, &map) == 0 ? csi_strdup(map->l_name, err) : NULL;
    if (library == NULL)
        csi_fail(err, CERTSTORE_E_UNAVAILABLE, "NSS: libsoftokn3.so cannot be loaded; install it (libnss3)");
    if (library != NULL)
        dlclose(library);
    return path;
}

static certstore_status set_text(csi_p11 *token, size_t index, const char **slot, const char *text, size_t size, certstore_error *err)
{
    while (size > 0 && text[size - 1] == ' ')
        size--;
    size = strnlen(text, size);
    token->texts[index] = csi_strndup(text, size, err);
    *slot = token->texts[index];
    return token->texts[index] != NULL ? CERTSTORE_OK : err->status;
}

/* ---------------------------------------------------------------------------------------------------------------- finding */

CK_RV csi_token_state(CK_FUNCTION_LIST *module, CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    enum { FIRST_PAUSE = 1000000, LAST_PAUSE = 256000000 }; /* nanoseconds */
    CK_RV rv = module->C_GetTokenInfo(slot, info);
    for (int64_t pause = FIRST_PAUSE; rv == CKR_GENERAL_ERROR && pause <= LAST_PAUSE; pause *= 2) {
        csi_os_real.sleep(&csi_os_real, pause);
        rv = module->C_GetTokenInfo(slot, info);
    }
    return rv;
}

/* What the token of a slot is called, for a message. */
static void add_name(struct csi_buf *names, const CK_TOKEN_INFO *info)
{
    size_t size = sizeof info->label;
    while (size > 0 && info->label[size - 1] == ' ')
        size--;
    csi_buf_printf(names, "%s'%.*s' (serial %.16s)", names->size > 0 ? ", " : "", (int)size, (const char *)info->label,
                   (const char *)info->serialNumber);
}

/* One module's slots, searched for the token. */
struct search {
    const csi_p11_address *address;
    char description[33]; /* of the NSS token that is ours; "" for others */
    size_t found;
    bool softhsm; /* one of the modules was SoftHSM */
    bool hasty;   /* a SoftHSM token that seems to be read by half only is passed over: there is time to look again */
    CK_FUNCTION_LIST *module;
    CK_SLOT_ID slot;
    CK_TOKEN_INFO info;
    struct csi_buf names;
};

static bool matches_module(struct search *search, CK_FUNCTION_LIST *module)
{
    static const char softhsm[] = "SoftHSM";
    CK_INFO info;
    if (search->address->uri == NULL)
        return true;
    if (module->C_GetInfo(&info) != CKR_OK)
        return false;
    search->softhsm = search->softhsm || memcmp(info.manufacturerID, softhsm, strlen(softhsm)) == 0;
    return csi_kit()->uri_match_module_info(search->address->uri, &info) == 1;
}

static bool matches_slot(const csi_p11_address *address, CK_FUNCTION_LIST *module, CK_SLOT_ID slot)
{
    CK_SLOT_INFO info;
    return module->C_GetSlotInfo(slot, &info) == CKR_OK && csi_kit()->uri_match_slot_info(address->uri, &info) == 1;
}

static bool matches(const struct search *search, CK_FUNCTION_LIST *module, CK_SLOT_ID slot, const CK_TOKEN_INFO *info)
{
    if (search->description[0] != '\0')
        return strncmp((const char *)info->label, search->description, strlen(search->description)) == 0;
    CK_SLOT_ID wanted = csi_kit()->uri_get_slot_id(search->address->uri);
    if ((info->flags & CKF_TOKEN_INITIALIZED) == 0 || (wanted != (CK_SLOT_ID)-1 && wanted != slot))
        return false;
    return csi_kit()->uri_match_token_info(search->address->uri, info) == 1 && matches_slot(search->address, module, slot);
}

/* A token that was set up has both of these. */
static bool seems_whole(const CK_TOKEN_INFO *info)
{
    return (info->flags & CKF_USER_PIN_INITIALIZED) != 0 && info->serialNumber[0] != ' ' && info->serialNumber[0] != '\0';
}

static certstore_status search_module(struct search *search, CK_FUNCTION_LIST *module, certstore_error *err)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    if (!matches_module(search, module))
        return CERTSTORE_OK;
    CK_RV rv = module->C_GetSlotList(CK_TRUE, slots, &count);
    if (rv != CKR_OK)
        return csi_fail_ckr("?", rv, "listing the slots", err);
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO info;
        if (csi_token_state(module, slots[i], &info) != CKR_OK || !matches(search, module, slots[i], &info))
            continue;
        if (search->softhsm && search->hasty && !seems_whole(&info))
            continue;
        add_name(&search->names, &info);
        if (search->found++ > 0)
            continue;
        search->module = module;
        search->slot = slots[i];
        search->info = info;
    }
    return CERTSTORE_OK;
}

static certstore_status check_found(struct search *search, certstore_error *err)
{
    if (search->found == 0)
        return csi_fail(err, CERTSTORE_E_UNAVAILABLE, "token: none is there that the URI names; plug it in, or see p11-kit list-modules");
    if (search->found == 1)
        return CERTSTORE_OK;
    csi_buf_put_u8(&search->names, 0);
    CSI_TRY(csi_buf_check(&search->names, err));
    return csi_fail(err, CERTSTORE_E_ARGUMENT, "URI: several tokens are meant: %.400s; add token= or serial=", (const char *)search->names.data);
}

/* ---------------------------------------------------------------------------------------------------------------- loading */

static CK_RV initialise(CK_FUNCTION_LIST *module, void *args)
{
    CK_RV rv = args != NULL ? module->C_Initialize(args) : csi_kit()->module_initialize(module);
    return rv == CKR_CRYPTOKI_ALREADY_INITIALIZED ? CKR_OK : rv;
}

static CK_FUNCTION_LIST *load(const char *path, void *args, certstore_error *err)
{
    CK_FUNCTION_LIST *module = csi_kit()->module_load(path, 0);
    if (module == NULL) {
        csi_fail(err, CERTSTORE_E_UNAVAILABLE, "module %s: cannot be loaded; see the cause", path);
        csi_error_set_cause(err, csi_kit()->message() != NULL ? csi_kit()->message() : "");
        return NULL;
    }
    CK_RV rv = initialise(module, args);
    if (rv == CKR_OK)
        return module;
    csi_kit()->module_release(module);
    char room[24];
    csi_fail(err, CERTSTORE_E_UNAVAILABLE, "module %s: cannot be initialised; see its configuration", path);
    csi_error_set_cause(err, csi_ckr_name(rv, room));
    return NULL;
}

static void unload(CK_FUNCTION_LIST *module)
{
    csi_kit()->module_finalize(module);
    csi_kit()->module_release(module);
}

/* The end of a search in a module that was loaded for it: it stays if it has the one token that is meant. */
static certstore_status keep(struct search *search, CK_FUNCTION_LIST *module, certstore_status status, certstore_error *err)
{
    if (status == CERTSTORE_OK)
        status = check_found(search, err);
    if (status != CERTSTORE_OK)
        unload(module);
    return status;
}

/* module-name is the file's name without "lib" and ".so", upper or lower case (RFC 7512 section 2.3), or what the configuration calls it. */
static bool may_be(CK_FUNCTION_LIST *module, const char *wanted)
{
    if (wanted == NULL)
        return true;
    char *name = csi_kit()->module_get_name(module);
    char *file = csi_kit()->module_get_filename(module);
    const char *base = file != NULL ? strrchr(file, '/') : NULL;
    base = base != NULL ? base + 1 : file;
    bool same = name != NULL && strcasecmp(name, wanted) == 0;
    if (!same && base != NULL) {
        const char *bare = strncmp(base, "lib", 3) == 0 ? base + 3 : base;
        same = strncasecmp(bare, wanted, strlen(wanted)) == 0 && (bare[strlen(wanted)] == '.' || bare[strlen(wanted)] == '\0');
    }
    free(name);
    free(file);
    return same;
}

/* A URI that names file and module means one that is both. */
static certstore_status check_name(CK_FUNCTION_LIST *module, const csi_p11_address *address, certstore_error *err)
{
    const char *wanted = csi_kit()->uri_get_module_name(address->uri);
    if (may_be(module, wanted))
        return CERTSTORE_OK;
    return csi_fail(err, CERTSTORE_E_UNAVAILABLE, "%s: it is not the module %s; leave one of the two out",
                    csi_kit()->uri_get_module_path(address->uri), wanted);
}

/* Every registered module that the URI can mean; the one that has the token stays, the others go. */
static certstore_status search_registered(struct search *search, certstore_error *err)
{
    CK_FUNCTION_LIST **modules = csi_kit()->modules_load(NULL, 0);
    if (modules == NULL)
        return csi_fail(err, CERTSTORE_E_UNAVAILABLE, "modules: p11-kit has none; name one with module-path=FILE");
    const char *wanted = csi_kit()->uri_get_module_name(search->address->uri);
    for (size_t i = 0; modules[i] != NULL; i++) {
        certstore_error ignored = { 0 };
        CK_FUNCTION_LIST *module = modules[i];
        bool initialised = may_be(module, wanted) && csi_kit()->module_initialize(module) == CKR_OK;
        if (initialised)
            search_module(search, module, &ignored);
        if (search->module == module)
            continue;
        if (initialised)
            csi_kit()->module_finalize(module);
        csi_kit()->module_release(module);
    }
    free(modules);
    certstore_status status = check_found(search, err);
    if (status != CERTSTORE_OK && search->module != NULL)
        unload(search->module);
    return status;
}

/* ------------------------------------------------------------------------------------------------------------------- NSS */

/* NSS takes 4 to 100 for slots of other people's making. */
enum { NSS_SLOT_FIRST = 4, NSS_SLOT_LAST = 100 };

static CK_SLOT_ID free_nss_slot(CK_FUNCTION_LIST *module)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    CK_SLOT_ID wanted = NSS_SLOT_FIRST;
    if (module->C_GetSlotList(CK_FALSE, slots, &count) != CKR_OK)
        count = 0;
    for (CK_ULONG i = 0; i < count; i++) { /* each one that is taken starts the search anew, one further on */
        if (slots[i] != wanted)
            continue;
        wanted++;
        i = (CK_ULONG)-1;
    }
    return wanted;
}

/* A second initialisation of one softokn with other parameters is passed over without a word: the token's description, made from the directory, tells
 * whether what is there is ours. If not, it is added as one more slot. */
static certstore_status add_nss_slot(CK_FUNCTION_LIST *module, const char *directory, const char *description, certstore_error *err)
{
    CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
    CK_OBJECT_HANDLE made;
    CK_OBJECT_CLASS object_class = CKO_NSS_NEWSLOT;
    CK_SLOT_ID slot = free_nss_slot(module);
    if (slot > NSS_SLOT_LAST)
        return csi_fail(err, CERTSTORE_E_LIMIT, "%s: NSS has no slot left in this process; close some databases", directory);
    CSI_AUTO(csi_chars) *spec = csi_format(err, "tokens=[0x%lx=<configdir='sql:%s' tokenDescription='%s'>]", slot, directory, description);
    if (spec == NULL)
        return err->status;
    CK_ATTRIBUTE template[] = { { CKA_CLASS, &object_class, sizeof object_class }, { CKA_NSS_MODULE_SPEC, spec, strlen(spec) } };
    CK_RV rv = module->C_OpenSession(1, CKF_SERIAL_SESSION, NULL, NULL, &session);
    if (rv == CKR_OK)
        rv = module->C_CreateObject(session, template, 2, &made);
    if (session != CK_INVALID_HANDLE)
        module->C_CloseSession(session);
    return rv == CKR_OK ? CERTSTORE_OK : csi_fail_ckr(directory, rv, "opening a second NSS database in this process", err);
}

/* Another directory, or other files in it, is another token: softokn keeps those open that it was told of first. */
static certstore_status describe_nss(const char *directory, char description[33], certstore_error *err)
{
    struct stat st;
    uint8_t digest[SHA256_DIGEST_LENGTH];
    char hex[2 * 11 + 1];
    CSI_AUTO(csi_chars) *file = csi_format(err, "%s/cert9.db", directory);
    if (file == NULL)
        return err->status;
    int status = csi_os_real.stat(&csi_os_real, AT_FDCWD, file, 0, &st);
    if (status < 0)
        return csi_fail_errno(err, -status, "%s: cannot be looked at; see the cause", file);
    CSI_AUTO(csi_chars) *what = csi_format(err, "%s %ju %ju", file, (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    if (what == NULL)
        return err->status;
    SHA256((const uint8_t *)what, strlen(what), digest);
    csi_hex(digest, 11, hex);
    snprintf(description, 33, "certstore %s", hex);
    return CERTSTORE_OK;
}

static certstore_status open_nss(csi_p11 *token, const csi_p11_address *address, struct search *search, certstore_error *err)
{
    const char *description = search->description;
    CSI_TRY(describe_nss(address->directory, search->description, err));
    struct nss_args *args = csi_new(1, sizeof *args, err);
    token->init_args = args;
    token->init_text = csi_format(err, "configdir='sql:%s' certPrefix='' keyPrefix='' secmod='secmod.db' flags=noModDB dbTokenDescription='%s'",
                                  address->directory, description);
    if (token->init_text == NULL || args == NULL)
        return err->status;
    args->standard.flags = CKF_OS_LOCKING_OK;
    args->standard.pReserved = token->init_text;
    CSI_AUTO(csi_chars) *path = find_softokn(err);
    CK_FUNCTION_LIST *module = path != NULL ? load(path, args, err) : NULL;
    if (module == NULL)
        return err->status;
    certstore_status status = search_module(search, module, err);
    if (status == CERTSTORE_OK && search->found == 0) {
        status = add_nss_slot(module, address->directory, description, err);
        if (status == CERTSTORE_OK)
            status = search_module(search, module, err);
    }
    return keep(search, module, status, err);
}

/* ------------------------------------------------------------------------------------------------------------------ opening */

static certstore_status describe(csi_p11 *token, const csi_p11_address *address, const struct search *search, certstore_error *err)
{
    char real[PATH_MAX];
    char *file = csi_kit()->module_get_filename(search->module);
    const char *path = file != NULL && realpath(file, real) != NULL ? real : file != NULL ? file : "";
    certstore_status status = set_text(token, 0, &token->info.module, path, strlen(path), err);
    free(file);
    CSI_TRY(status);
    const CK_TOKEN_INFO *info = &search->info;
    /* NSS's label is of our making, and says nothing to people. */
    const char *label = address->directory != NULL ? "NSS Certificate DB" : (const char *)info->label;
    CSI_TRY(set_text(token, 1, &token->info.label, label, address->directory != NULL ? strlen(label) : sizeof info->label, err));
    CSI_TRY(set_text(token, 2, &token->info.serial, (const char *)info->serialNumber, sizeof info->serialNumber, err));
    CSI_TRY(set_text(token, 3, &token->info.model, (const char *)info->model, sizeof info->model, err));
    CSI_TRY(set_text(token, 4, &token->info.maker, (const char *)info->manufacturerID, sizeof info->manufacturerID, err));
    if (address->directory != NULL)
        CSI_TRY(set_text(token, 5, &token->info.directory, address->directory, strlen(address->directory), err));
    bool is_trust = strcmp(token->info.model, "p11-kit-trust") == 0;
    bool is_tpm = strstr(token->info.module, "tpm2_pkcs11") != NULL;
    token->forgetful = is_trust || is_tpm;
    token->torn = strstr(token->info.module, "softhsm") != NULL;
    token->found = *info;
    token->read_only = (info->flags & CKF_WRITE_PROTECTED) != 0;
    token->info.login_required = (info->flags & CKF_LOGIN_REQUIRED) != 0;
    return CERTSTORE_OK;
}

static void clear_search(struct search *search)
{
    csi_buf_free(&search->names);
}

static certstore_status search_file(struct search *search, const char *file, certstore_error *err)
{
    CK_FUNCTION_LIST *module = load(file, NULL, err);
    if (module == NULL)
        return err->status;
    certstore_status status = check_name(module, search->address, err);
    if (status == CERTSTORE_OK)
        status = search_module(search, module, err);
    return keep(search, module, status, err);
}

/* As it is initialised, SoftHSM leaves out a token whose file another process is rewriting just then, or reads half of it and knows of no serial
 * number or PIN: it is looked for again, for 170 ms. What it has read it keeps until the next change, so that asking again later would not do. */
static certstore_status search_patiently(struct search *search, certstore_error *err)
{
    enum { FIRST_PAUSE = 2000000, LAST_PAUSE = 128000000, GROWTH = 4 }; /* nanoseconds */
    const char *file = csi_kit()->uri_get_module_path(search->address->uri);
    for (int64_t pause = FIRST_PAUSE;; pause *= GROWTH) {
        search->hasty = pause <= LAST_PAUSE;
        certstore_status status = file != NULL ? search_file(search, file, err) : search_registered(search, err);
        if (status == CERTSTORE_OK || search->found > 0 || !search->softhsm || pause > LAST_PAUSE)
            return status;
        csi_os_real.sleep(&csi_os_real, pause);
        certstore_error_clear(err);
    }
}

certstore_status csi_module_open(csi_p11 *token, const csi_p11_address *address, certstore_error *err)
{
    struct search search __attribute__((cleanup(clear_search))) = { .address = address };
    CSI_TRY(address->directory != NULL ? open_nss(token, address, &search, err) : search_patiently(&search, err));
    token->module = search.module;
    token->slot = search.slot;
    return describe(token, address, &search, err);
}

certstore_status csi_module_find_slot(csi_p11 *token, certstore_error *err)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    CK_TOKEN_INFO info;
    CSI_TRY(csi_fail_ckr(token->info.label, token->module->C_GetSlotList(CK_TRUE, slots, &count), "listing the slots", err));
    for (CK_ULONG i = 0; i < count; i++) {
        if (csi_token_state(token->module, slots[i], &info) != CKR_OK || memcmp(info.label, token->found.label, sizeof info.label) != 0 ||
            memcmp(info.serialNumber, token->found.serialNumber, sizeof info.serialNumber) != 0)
            continue;
        token->slot = slots[i];
        return CERTSTORE_OK;
    }
    return csi_fail(err, CERTSTORE_E_UNAVAILABLE, "token %s: it is not there any more; bring it back and try again", token->info.label);
}

void csi_module_close(csi_p11 *token)
{
    if (token->module != NULL)
        unload(token->module);
    token->module = NULL;
}
