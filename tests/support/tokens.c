/* SPDX-License-Identifier: Apache-2.0 */
/* tokens.c: see tokens.h. */
#include "support/tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <dirent.h>
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "support/make.h"

static const char *first_of(const char *const *places)
{
    while (*places != NULL && access(*places, R_OK) != 0)
        places++;
    return *places;
}

const char *tokens_softhsm_module(void)
{
    static const char *const places[] = { "/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so",
                                          "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so", NULL };
    return first_of(places);
}

static bool is_installed(const char *command)
{
    char line[256];
    snprintf(line, sizeof line, "command -v %s >/dev/null 2>&1", command);
    return system(line) == 0;
}

bool tokens_softhsm_there(void)
{
    return tokens_softhsm_module() != NULL && is_installed("softhsm2-util");
}

bool tokens_nss_there(void)
{
    return is_installed("certutil");
}

static void skip_without(const char *command, const char *package)
{
    if (is_installed(command))
        return;
    print_message("# SKIP: %s is not installed (Debian: %s)\n", command, package);
    skip();
}

static void run(const char *format, ...)
{
    char command[1024];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(command, sizeof command, format, args);
    va_end(args);
    assert_true(size > 0 && (size_t)size < sizeof command);
    if (system(command) != 0)
        fail_msg("failed: %s", command);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

void tokens_softhsm_begin(const char *folder)
{
    char path[512];
    char text[1200];
    if (tokens_softhsm_module() == NULL) {
        print_message("# SKIP: SoftHSM is not installed (Debian: softhsm2)\n");
        skip();
    }
    skip_without("softhsm2-util", "softhsm2");
    snprintf(path, sizeof path, "%s/softhsm2.conf", folder);
    snprintf(text, sizeof text, "directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n", folder);
    write_file(path, text);
    run("mkdir -p %s/tokens", folder);
    assert_int_equal(setenv("SOFTHSM2_CONF", path, 1), 0);
}

void tokens_softhsm_add(const char *label)
{
    run("softhsm2-util --init-token --free --label '%s' --so-pin %s --pin %s >/dev/null", label, TOKEN_SO_PIN, TOKEN_PIN);
}

char *tokens_nss_make(const char *folder, const char *name, const char *password)
{
    skip_without("certutil", "libnss3-tools");
    char *directory = NULL;
    char path[512];
    char text[128];
    assert_true(asprintf(&directory, "%s/%s", folder, name) > 0);
    snprintf(path, sizeof path, "%s/%s.password", folder, name);
    snprintf(text, sizeof text, "%s\n", password);
    write_file(path, text);
    run("mkdir -p '%s' && certutil -N -d 'sql:%s' -f '%s' >/dev/null", directory, directory, path);
    return directory;
}

static csi_p11 *open_address(const csi_p11_address *address, const char *pin, certstore_error *err)
{
    CSI_AUTO(csi_secret) *secret = pin != NULL ? csi_secret_new(pin, strlen(pin), err) : NULL;
    return address != NULL ? csi_p11_open(address, secret, err) : NULL;
}

csi_p11 *tokens_open_uri(const char *uri, const char *pin, certstore_error *err)
{
    CSI_AUTO(csi_p11_address) *address = csi_p11_address_parse(uri, err);
    return open_address(address, pin, err);
}

csi_p11 *tokens_open_softhsm(const char *label, const char *pin, certstore_error *err)
{
    char uri[512];
    snprintf(uri, sizeof uri, "pkcs11:token=%s?module-path=%s", label, tokens_softhsm_module());
    return tokens_open_uri(uri, pin, err);
}

csi_p11 *tokens_open_nss(const char *directory, const char *pin, certstore_error *err)
{
    CSI_AUTO(csi_p11_address) *address = csi_p11_address_nss(directory, err);
    return open_address(address, pin, err);
}

/* -------------------------------------------------------------------------------------------------------------------- shim */

struct p11shim tokens_shim;
static char softhsm_shim[1100]; /* built beside the tests */

static void shim_path(char *room, size_t size, const char *name)
{
    char self[512];
    ssize_t got = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(got > 0);
    self[got] = '\0';
    char *tests = strstr(self, "/tests/");
    assert_non_null(tests);
    *tests = '\0';
    snprintf(room, size, "%s/tests/shim/%s", self, name);
}

static void load_shim(const char *path, const char *module, const char *reserved)
{
    void (*set)(const char *, struct p11shim *, const char *) = NULL;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        fail_msg("%s", dlerror());
    *(void **)&set = dlsym(library, "p11shim_begin");
    assert_non_null(set);
    set(module, &tokens_shim, reserved);
}

void tokens_shim_begin(void)
{
    static char softokn[PATH_MAX];
    char path[1100];
    struct link_map *map = NULL;
    if (softhsm_shim[0] != '\0')
        return;
    shim_path(softhsm_shim, sizeof softhsm_shim, "p11shim.so");
    load_shim(softhsm_shim, tokens_softhsm_module(), NULL);
    void *library = dlopen("libsoftokn3.so", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return;
    assert_int_equal(dlinfo(library, RTLD_DI_LINKMAP, &map), 0);
    snprintf(softokn, sizeof softokn, "%s", map->l_name);
    dlclose(library); /* the linker gives whoever asks for that name what it loaded under it first */
    shim_path(path, sizeof path, "p11shim-nss.so");
    load_shim(path, softokn, NULL);
}

csi_p11 *tokens_open_shimmed(const char *label, const char *pin, certstore_error *err)
{
    char uri[1300];
    snprintf(uri, sizeof uri, "pkcs11:token=%s?module-path=%s", label, softhsm_shim);
    return tokens_open_uri(uri, pin, err);
}

static void copy_file(const char *from, const char *to)
{
    char bytes[65536];
    FILE *in = fopen(from, "re");
    FILE *out = fopen(to, "we");
    assert_true(in != NULL && out != NULL);
    for (size_t got = fread(bytes, 1, sizeof bytes, in); got > 0; got = fread(bytes, 1, sizeof bytes, in))
        assert_int_equal(fwrite(bytes, 1, got, out), got);
    fclose(in);
    assert_int_equal(fclose(out), 0);
}

char *tokens_shim_before(const char *module, const char *reserved, const char *folder)
{
    char shim[1100];
    char *copy = NULL;
    const char *name = strrchr(module, '/');
    assert_true(asprintf(&copy, "%s%s", folder, name) > 0);
    shim_path(shim, sizeof shim, "p11shim.so");
    copy_file(shim, copy);
    load_shim(copy, module, reserved);
    return copy;
}

void tokens_copy_tree(const char *from, const char *to)
{
    DIR *names = opendir(from);
    assert_non_null(names);
    assert_int_equal(mkdir(to, 0700), 0);
    for (const struct dirent *entry = readdir(names); entry != NULL; entry = readdir(names)) {
        char source[1024];
        char target[1024];
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(source, sizeof source, "%s/%s", from, entry->d_name);
        snprintf(target, sizeof target, "%s/%s", to, entry->d_name);
        assert_int_equal(stat(source, &st), 0);
        if (S_ISDIR(st.st_mode))
            tokens_copy_tree(source, target);
        else
            copy_file(source, target);
    }
    closedir(names);
}

/* ----------------------------------------------------------------------------------------------------------------- objects */

static void put_text(struct csi_object_draft *draft, uint32_t type, const char *text)
{
    if (text != NULL)
        csi_object_put(draft, type, csi_span_text(text));
}

static csi_blob *finish(struct csi_object_draft *draft)
{
    certstore_error err = { 0 };
    csi_blob *object = csi_object_finish(draft, &err);
    assert_non_null(object);
    return object;
}

csi_blob *tokens_der(const char *common_name, const char *serial)
{
    char subject[128];
    snprintf(subject, sizeof subject, "CN=%s", common_name);
    X509 *cert = make_cert(&(struct make_cert){ .subject = subject, .key = make_key("EC:P-256", 1), .serial = serial, .ca = true });
    csi_blob *der = make_der(cert);
    X509_free(cert);
    return der;
}

csi_blob *tokens_certificate(const char *label, const char *id, csi_blob *der)
{
    CSI_AUTO_DRAFT draft = { 0 };
    const unsigned char *at = der->data;
    X509 *cert = d2i_X509(NULL, &at, (long)der->size);
    unsigned char *part = NULL;
    assert_non_null(cert);
    csi_object_put_number(&draft, CKA_CLASS, CKO_CERTIFICATE);
    csi_object_put_number(&draft, CKA_CERTIFICATE_TYPE, CKC_X_509);
    csi_object_put(&draft, CKA_VALUE, csi_blob_span(der));
    int size = i2d_X509_NAME(X509_get_subject_name(cert), &part);
    csi_object_put(&draft, CKA_SUBJECT, csi_span(part, (size_t)size));
    OPENSSL_free(part);
    part = NULL;
    size = i2d_X509_NAME(X509_get_issuer_name(cert), &part);
    csi_object_put(&draft, CKA_ISSUER, csi_span(part, (size_t)size));
    OPENSSL_free(part);
    part = NULL;
    size = i2d_ASN1_INTEGER(X509_get_serialNumber(cert), &part);
    csi_object_put(&draft, CKA_SERIAL_NUMBER, csi_span(part, (size_t)size));
    OPENSSL_free(part);
    X509_free(cert);
    put_text(&draft, CKA_LABEL, label);
    put_text(&draft, CKA_ID, id);
    return finish(&draft);
}

csi_blob *tokens_private_key(const char *label, const char *id, const char *type)
{
    CSI_AUTO_DRAFT draft = { 0 };
    CSI_AUTO(csi_blob) *pkcs8 = make_pkcs8(make_key(type, 1));
    csi_object_put_number(&draft, CKA_CLASS, CKO_PRIVATE_KEY);
    csi_object_put(&draft, CSI_OBJECT_PKCS8, csi_blob_span(pkcs8));
    put_text(&draft, CKA_LABEL, label);
    put_text(&draft, CKA_ID, id);
    return finish(&draft);
}

csi_blob *tokens_data(const char *label, struct csi_span value)
{
    CSI_AUTO_DRAFT draft = { 0 };
    csi_object_put_number(&draft, CKA_CLASS, CKO_DATA);
    csi_object_put_flag(&draft, CKA_PRIVATE, false);
    put_text(&draft, CKA_APPLICATION, "libcertstore");
    put_text(&draft, CKA_LABEL, label);
    csi_object_put(&draft, CKA_VALUE, value);
    return finish(&draft);
}

csi_blob *tokens_aes(const char *label, bool extractable)
{
    CSI_AUTO_DRAFT draft = { 0 };
    csi_object_put_number(&draft, CKA_CLASS, CKO_SECRET_KEY);
    csi_object_put_number(&draft, CKA_KEY_TYPE, CKK_AES);
    csi_object_put(&draft, CKA_VALUE, csi_span("0123456789abcdef0123456789abcdef", 32));
    csi_object_put_flag(&draft, CKA_SENSITIVE, !extractable);
    csi_object_put_flag(&draft, CKA_EXTRACTABLE, extractable);
    csi_object_put_flag(&draft, CKA_WRAP, true);
    csi_object_put_flag(&draft, CKA_UNWRAP, true);
    put_text(&draft, CKA_LABEL, label);
    return finish(&draft);
}

csi_blob *tokens_trust(csi_blob *certificate)
{
    CSI_AUTO_DRAFT draft = { 0 };
    uint8_t digest[SHA_DIGEST_LENGTH];
    struct csi_span value = { 0 };
    struct csi_span object = csi_blob_span(certificate);
    csi_object_put_number(&draft, CKA_CLASS, CKO_NSS_TRUST);
    assert_true(csi_object_get(object, CKA_ISSUER, &value));
    csi_object_put(&draft, CKA_ISSUER, value);
    assert_true(csi_object_get(object, CKA_SERIAL_NUMBER, &value));
    csi_object_put(&draft, CKA_SERIAL_NUMBER, value);
    assert_true(csi_object_get(object, CKA_VALUE, &value));
    SHA1(value.data, value.size, digest);
    csi_object_put(&draft, CKA_CERT_SHA1_HASH, csi_span(digest, sizeof digest));
    assert_int_equal(EVP_Q_digest(NULL, "MD5", NULL, value.data, value.size, digest, NULL), 1);
    csi_object_put(&draft, CKA_CERT_MD5_HASH, csi_span(digest, 16));
    csi_object_put_flag(&draft, CKA_TRUST_STEP_UP_APPROVED, false);
    csi_object_put_number(&draft, CKA_TRUST_SERVER_AUTH, (uint32_t)CKT_NSS_TRUSTED_DELEGATOR);
    csi_object_put_number(&draft, CKA_TRUST_CLIENT_AUTH, (uint32_t)CKT_NSS_MUST_VERIFY_TRUST);
    csi_object_put_number(&draft, CKA_TRUST_CODE_SIGNING, (uint32_t)CKT_NSS_MUST_VERIFY_TRUST);
    csi_object_put_number(&draft, CKA_TRUST_EMAIL_PROTECTION, (uint32_t)CKT_NSS_MUST_VERIFY_TRUST);
    return finish(&draft);
}

static void read_all(csi_p11 *token, struct csi_objects *objects)
{
    certstore_error err = { 0 };
    if (csi_p11_read(token, &csi_limits_default, objects, &err) != CERTSTORE_OK)
        fail_msg("read: %s (%s)", err.message, err.cause);
}

size_t tokens_count(csi_p11 *token, uint32_t object_class)
{
    CSI_AUTO_OBJECTS objects = { 0 };
    size_t count = 0;
    read_all(token, &objects);
    for (size_t i = 0; i < objects.count; i++)
        count += csi_object_class(csi_blob_span(objects.items[i])) == object_class;
    return count;
}

csi_blob *tokens_find(csi_p11 *token, uint32_t object_class, const char *label)
{
    CSI_AUTO_OBJECTS objects = { 0 };
    struct csi_span value;
    read_all(token, &objects);
    for (size_t i = 0; i < objects.count; i++) {
        struct csi_span object = csi_blob_span(objects.items[i]);
        if (csi_object_class(object) == object_class && csi_object_get(object, CKA_LABEL, &value) && csi_span_equal(value, csi_span_text(label)))
            return csi_blob_ref(objects.items[i]);
    }
    return NULL;
}

/* --------------------------------------------------------------------------------------------------------------------- spy */

struct tokens_spy tokens_spy;
static pthread_mutex_t spy_lock = PTHREAD_MUTEX_INITIALIZER;

/* The answer that stands in for the call; CKR_OK: it is made. */
static CK_RV asked(const char *function, int *counter)
{
    CK_RV answer = CKR_OK;
    pthread_mutex_lock(&spy_lock);
    if (counter != NULL)
        ++*counter;
    if (tokens_spy.refuse.function != NULL && strcmp(tokens_spy.refuse.function, function) == 0 && tokens_spy.refuse.after-- <= 0 &&
        tokens_spy.refuse.times-- > 0)
        answer = tokens_spy.refuse.answer;
    pthread_mutex_unlock(&spy_lock);
    return answer;
}

static CK_RV spy_login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_BYTE *pin, CK_ULONG size)
{
    CK_RV rv = asked("C_Login", &tokens_spy.logins);
    return rv != CKR_OK ? rv : tokens_spy.real->C_Login(session, user, pin, size);
}

static CK_RV spy_open(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify, CK_SESSION_HANDLE *session)
{
    CK_RV rv = asked("C_OpenSession", NULL);
    pthread_mutex_lock(&spy_lock);
    CK_ULONG open = (CK_ULONG)(tokens_spy.opened - tokens_spy.closed);
    if (rv == CKR_OK && tokens_spy.sessions_allowed != 0 && open >= tokens_spy.sessions_allowed)
        rv = CKR_SESSION_COUNT;
    if (rv == CKR_OK)
        rv = tokens_spy.real->C_OpenSession(slot, flags, application, notify, session);
    tokens_spy.opened += rv == CKR_OK;
    if (tokens_spy.opened - tokens_spy.closed > tokens_spy.most_open)
        tokens_spy.most_open = tokens_spy.opened - tokens_spy.closed;
    pthread_mutex_unlock(&spy_lock);
    return rv;
}

static CK_RV spy_close(CK_SESSION_HANDLE session)
{
    CK_RV rv = tokens_spy.real->C_CloseSession(session);
    pthread_mutex_lock(&spy_lock);
    tokens_spy.closed += rv == CKR_OK;
    pthread_mutex_unlock(&spy_lock);
    return rv;
}

static CK_RV spy_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    CK_RV rv = asked("C_GetTokenInfo", NULL);
    if (rv != CKR_OK || (rv = tokens_spy.real->C_GetTokenInfo(slot, info)) != CKR_OK)
        return rv;
    info->flags |= tokens_spy.token_flags;
    return CKR_OK;
}

static CK_RV spy_find(CK_SESSION_HANDLE session, CK_ATTRIBUTE *t, CK_ULONG count)
{
    CK_RV rv = asked("C_FindObjectsInit", &tokens_spy.finds);
    return rv != CKR_OK ? rv : tokens_spy.real->C_FindObjectsInit(session, t, count);
}

static CK_RV spy_create(CK_SESSION_HANDLE session, CK_ATTRIBUTE *t, CK_ULONG count, CK_OBJECT_HANDLE *object)
{
    CK_RV rv = asked("C_CreateObject", &tokens_spy.creates);
    return rv != CKR_OK ? rv : tokens_spy.real->C_CreateObject(session, t, count, object);
}

static CK_RV spy_sign(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    CK_RV rv = asked("C_SignInit", &tokens_spy.signs);
    return rv != CKR_OK ? rv : tokens_spy.real->C_SignInit(session, mechanism, key);
}

static CK_RV spy_get(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *t, CK_ULONG count)
{
    CK_RV rv = asked("C_GetAttributeValue", NULL);
    return rv != CKR_OK ? rv : tokens_spy.real->C_GetAttributeValue(session, object, t, count);
}

static CK_RV spy_copy(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *t, CK_ULONG count, CK_OBJECT_HANDLE *copy)
{
    CK_RV rv = asked("C_CopyObject", NULL);
    return rv != CKR_OK ? rv : tokens_spy.real->C_CopyObject(session, object, t, count, copy);
}

void tokens_spy_on(csi_p11 *token)
{
    tokens_spy = (struct tokens_spy){ .token = token, .real = token->module, .list = *token->module, .opened = 1 };
    tokens_spy.list.C_Login = spy_login;
    tokens_spy.list.C_OpenSession = spy_open;
    tokens_spy.list.C_CloseSession = spy_close;
    tokens_spy.list.C_GetTokenInfo = spy_token_info;
    tokens_spy.list.C_FindObjectsInit = spy_find;
    tokens_spy.list.C_CreateObject = spy_create;
    tokens_spy.list.C_SignInit = spy_sign;
    tokens_spy.list.C_GetAttributeValue = spy_get;
    tokens_spy.list.C_CopyObject = spy_copy;
    token->module = &tokens_spy.list;
}

void tokens_spy_off(void)
{
    tokens_spy.token->module = tokens_spy.real;
}
