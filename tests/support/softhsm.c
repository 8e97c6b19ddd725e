/* SPDX-License-Identifier: Apache-2.0 */
/* softhsm.c: see softhsm.h. */
#include "support/softhsm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <unistd.h>

static const char *module_path(void)
{
    static const char *const places[] = { "/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
                                          "/usr/lib64/pkcs11/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so" };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (access(places[i], R_OK) == 0)
            return places[i];
    return NULL;
}

bool softhsm_there(void)
{
    return module_path() != NULL && system("softhsm2-util --version >/dev/null 2>&1") == 0;
}

static void run(const char *format, const char *a, const char *b)
{
    char command[1024];
    assert_true((size_t)snprintf(command, sizeof command, format, a, b) < sizeof command);
    assert_int_equal(system(command), 0);
}

void softhsm_begin(const char *folder)
{
    char path[512];
    snprintf(path, sizeof path, "%s/softhsm2.conf", folder);
    FILE *conf = fopen(path, "we");
    assert_non_null(conf);
    fprintf(conf, "directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n", folder);
    fclose(conf);
    setenv("SOFTHSM2_CONF", path, 1);
    setenv("P11SHIM_MODULE", module_path(), 1);
    snprintf(path, sizeof path, "%s/locks", folder);
    setenv("CERTSTORE_TOKEN_DIR", path, 1);
    run("mkdir -p %s/tokens %s/locks", folder, folder);
}

void softhsm_add_token(const char *label)
{
    run("softhsm2-util --init-token --free --label %s --so-pin 5678 --pin %s >/dev/null", label, SOFTHSM_PIN);
}

void softhsm_keep(const char *folder)
{
    run("rm -rf %s/kept && cp -a %s/tokens $(dirname $SOFTHSM2_CONF)/kept", folder, folder);
}

void softhsm_bring_back(const char *folder)
{
    run("rm -rf %s/tokens && cp -a %s/kept $(dirname $SOFTHSM2_CONF)/tokens", folder, folder);
}

/* Built beside the tests. */
static const char *shim_path(void)
{
    static char path[1024];
    char self[512];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(size > 0);
    self[size] = '\0';
    char *tests = strstr(self, "/tests/");
    assert_non_null(tests);
    *tests = '\0';
    snprintf(path, sizeof path, "%s/tests/shim/p11shim.so", self);
    return path;
}

csi_p11 *softhsm_open(const char *label, bool behind_shim, const char *pin, certstore_error *err)
{
    char uri[1200];
    snprintf(uri, sizeof uri, "pkcs11:token=%s?module-path=%s", label, behind_shim ? shim_path() : module_path());
    CSI_AUTO(csi_p11_address) *address = csi_p11_address_parse(uri, err);
    CSI_AUTO(csi_secret) *secret = pin != NULL ? csi_secret_new(pin, strlen(pin), err) : NULL;
    return address != NULL && err->status == CERTSTORE_OK ? csi_p11_open(address, secret, err) : NULL;
}

struct p11shim *softhsm_shim(void)
{
    struct p11shim *(*get)(void) = NULL;
    void *library = dlopen(shim_path(), RTLD_NOW | RTLD_NOLOAD);
    if (library == NULL)
        return NULL;
    *(void **)&get = dlsym(library, "p11shim_control");
    return get != NULL ? get() : NULL;
}
