/* SPDX-License-Identifier: Apache-2.0 */
/* modules.c: see modules.h. */
#include "support/modules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <unistd.h>

#include "support/faulty_os.h"
#include "support/make.h"

static char *text(const char *format, ...)
{
    char *made = NULL;
    va_list args;
    va_start(args, format);
    int size = vasprintf(&made, format, args);
    va_end(args);
    assert_true(size > 0);
    return made;
}

static const char *first_readable(const char *const *places)
{
    while (*places != NULL && access(*places, R_OK) != 0)
        places++;
    return *places;
}

static void write_bytes(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* The command, as it was built beside the tests: another process, and another one's view. */
static void put_by_command(const struct module_fixture *f, const char *label, const csi_blob *der)
{
    char self[512];
    ssize_t got = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(got > 0);
    self[got] = '\0';
    char *tests = strstr(self, "/tests/");
    assert_non_null(tests);
    *tests = '\0';
    CSI_AUTO(csi_chars) *file = text("%s/elsewhere.der", f->folder);
    CSI_AUTO(csi_chars) *command =
        text("CERTSTORE_STATE_DIR='%s/other-state' PIN=%s '%s/bin/certstore' -q --pass env:PIN put %s --cert '%s' '%s' >'%s/log' 2>&1", f->folder,
             f->pin, self, label, file, f->bare_uri, f->folder);
    write_bytes(file, der->data, der->size);
    if (system(command) != 0) {
        CSI_AUTO(csi_chars) *said = test_read(f->folder, "log");
        fail_msg("%s: %s", command, said);
    }
}

/* ----------------------------------------------------------------------------------------------------------------- SoftHSM */

static void begin_softhsm(struct module_fixture *f)
{
    tokens_softhsm_begin(f->folder);
    tokens_softhsm_add("box");
    CSI_AUTO(csi_chars) *shim = tokens_shim_before(tokens_softhsm_module(), NULL, f->folder);
    f->uri = text("pkcs11:token=box?module-path=%s", shim);
    f->bare_uri = text("pkcs11:token=box?module-path=%s", tokens_softhsm_module());
    f->pin = TOKEN_PIN;
}

/* --------------------------------------------------------------------------------------------------------------------- NSS */

static void begin_nss(struct module_fixture *f)
{
    tokens_shim_begin();
    CSI_AUTO(csi_chars) *directory = tokens_nss_make(f->folder, "db", TOKEN_PIN);
    f->uri = text("nss:%s", directory);
    f->bare_uri = text("nss:%s", directory);
    f->pin = TOKEN_PIN;
}

/* ----------------------------------------------------------------------------------------------------------- p11-kit-trust */

static const char *trust_module(void)
{
    static const char *const places[] = { "/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-trust.so", "/usr/lib/aarch64-linux-gnu/pkcs11/p11-kit-trust.so",
                                          "/usr/lib64/pkcs11/p11-kit-trust.so", NULL };
    return first_readable(places);
}

static bool trust_is_there(void)
{
    return trust_module() != NULL;
}

/* A token of that module is a folder; its name is the token's. */
static void begin_trust(struct module_fixture *f)
{
    static char reserved[1024];
    CSI_AUTO(csi_chars) *anchors = text("%s/anchors", f->folder);
    assert_int_equal(mkdir(anchors, 0700), 0);
    snprintf(reserved, sizeof reserved, "paths='%s'", anchors);
    CSI_AUTO(csi_chars) *shim = tokens_shim_before(trust_module(), reserved, f->folder);
    f->uri = text("pkcs11:token=anchors?module-path=%s", shim);
}

static void write_file_into_folder(const struct module_fixture *f, const char *label, const csi_blob *der)
{
    CSI_AUTO(csi_chars) *path = text("%s/anchors/%s.crt", f->folder, label);
    write_bytes(path, der->data, der->size);
}

/* --------------------------------------------------------------------------------------------------------------------- TPM */

static const char *tpm_module(void)
{
    static const char *const places[] = { "/usr/lib/x86_64-linux-gnu/pkcs11/libtpm2_pkcs11.so", "/usr/lib/aarch64-linux-gnu/pkcs11/libtpm2_pkcs11.so",
                                          "/usr/lib64/pkcs11/libtpm2_pkcs11.so", NULL };
    return first_readable(places);
}

static bool tpm_is_there(void)
{
    return tpm_module() != NULL && getenv("TPM2_PKCS11_STORE") != NULL;
}

/* The one token that there is, emptied. */
static void begin_tpm(struct module_fixture *f)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_chars) *shim = tokens_shim_before(tpm_module(), NULL, f->folder);
    f->uri = text("pkcs11:token=tpm?module-path=%s", shim);
    f->bare_uri = text("pkcs11:token=tpm?module-path=%s", tpm_module());
    f->pin = TOKEN_PIN;
    CSI_AUTO(csi_p11) *token = module_token(f, f->pin);
    CSI_AUTO_OBJECTS objects = { 0 };
    assert_int_equal(csi_p11_read(token, &csi_limits_default, &objects, &err), CERTSTORE_OK);
    for (size_t i = 0; i < objects.count; i++) { /* a key pair's halves go together there */
        certstore_error gone = { 0 };
        csi_p11_destroy(token, csi_blob_span(objects.items[i]), &gone);
    }
}

/* ------------------------------------------------------------------------------------------------------------------- table */

static const struct module modules[] = {
    { "SoftHSM2",
      MODULE_LOGIN | MODULE_KEYS | MODULE_GENERATES | MODULE_SECRETS | MODULE_DATA | MODULE_PUBLIC | MODULE_DUPLICATES | MODULE_RENAMES |
          MODULE_SHARED,
      NULL, tokens_softhsm_there, begin_softhsm, put_by_command },
    { "NSS", MODULE_LOGIN | MODULE_KEYS | MODULE_GENERATES | MODULE_SECRETS | MODULE_PUBLIC | MODULE_RENAMES | MODULE_SHARED, "serverAuth",
      tokens_nss_there, begin_nss, put_by_command },
    { "p11-kit-trust", MODULE_DATA | MODULE_DUPLICATES | MODULE_SHARED, "any", trust_is_there, begin_trust, write_file_into_folder },
    { "tpm2-pkcs11", MODULE_LOGIN | MODULE_GENERATES | MODULE_DUPLICATES, NULL, tpm_is_there, begin_tpm, put_by_command },
};

static bool is_wanted(const char *name)
{
    const char *list = getenv("CERTSTORE_MODULES");
    const char *at = strstr(list != NULL ? list : "SoftHSM2 NSS", name);
    return at != NULL;
}

const struct module *module_at(size_t index)
{
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++)
        if (is_wanted(modules[i].name) && modules[i].there() && index-- == 0)
            return &modules[i];
    return NULL;
}

/* ------------------------------------------------------------------------------------------------------------------ fixture */

void module_begin(struct module_fixture *f, const struct module *module)
{
    certstore_error err = { 0 };
    *f = (struct module_fixture){ .module = module, .folder = test_dir_new() };
    CSI_AUTO(csi_chars) *locks = text("%s/locks", f->folder);
    CSI_AUTO(csi_chars) *state = text("%s/state", f->folder);
    assert_int_equal(setenv("CERTSTORE_TOKEN_DIR", locks, 1), 0);
    tokens_shim = (struct p11shim){ 0 };
    module->begin(f);
    f->opts = certstore_options_new(&err);
    certstore_options_set_state_dir(f->opts, state, &err);
    if (f->pin != NULL)
        certstore_options_set_password(f->opts, (const uint8_t *)f->pin, strlen(f->pin), &err);
    assert_string_equal(err.message, "");
}

void module_end(struct module_fixture *f)
{
    certstore_options_free(f->opts);
    free(f->uri);
    free(f->bare_uri);
    test_dir_remove(f->folder);
}

certstore *module_store(const struct module_fixture *f)
{
    certstore_error err = { 0 };
    certstore *store = certstore_open(f->uri, f->opts, &err);
    if (store == NULL)
        fail_msg("%s: %s (%s)", f->module->name, err.message, err.cause);
    return store;
}

csi_p11 *module_token(const struct module_fixture *f, const char *pin)
{
    certstore_error err = { 0 };
    bool is_nss = strncmp(f->uri, "nss:", 4) == 0;
    csi_p11 *token = is_nss ? tokens_open_nss(f->uri + 4, pin, &err) : tokens_open_uri(f->uri, pin, &err);
    if (token == NULL)
        fail_msg("%s: %s (%s)", f->module->name, err.message, err.cause);
    return token;
}

void with_each_module(void (*work)(struct module_fixture *f))
{
    size_t count = 0;
    for (const struct module *module = module_at(0); module != NULL; module = module_at(++count)) {
        struct module_fixture f;
        module_begin(&f, module);
        work(&f);
        module_end(&f);
    }
    if (count > 0)
        return;
    print_message("# SKIP: none of the modules is installed (Debian: softhsm2, libnss3-tools)\n");
    skip();
}
