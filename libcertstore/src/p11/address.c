/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address.c: which token is meant. RFC 7512 is read by p11-kit, and then held to: its parser takes a doubled attribute (section 2.3: "MUST NOT
 * contain duplicate attributes"), passes over what it does not know, which then matches too much, and cuts a PIN at a NUL.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "p11/internal.h"

void csi_p11_address_free(csi_p11_address *address)
{
    if (address == NULL)
        return;
    if (address->uri != NULL)
        csi_kit()->uri_free(address->uri);
    csi_secret_free(address->pin);
    free(address->directory);
    free(address);
}

static certstore_status malformed(const char *why, certstore_error *err)
{
    return csi_fail(err, CERTSTORE_E_ARGUMENT, "URI: %s; write pkcs11:token=LABEL;object=NAME?module-path=FILE (RFC 7512)", why);
}

/* p11-kit says of an unknown attribute in the path that it did not recognise it, and keeps one in the query as some vendor's. */
static bool is_known_query(const char *name, size_t size)
{
    static const char *const known[] = { "pin-source", "pin-value", "module-name", "module-path" };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i]) == size && strncmp(known[i], name, size) == 0)
            return true;
    return false;
}

/* Each attribute once, and no NUL anywhere: "token=a;token=b" is one URI for us and another for the next program. */
static certstore_status check_text(const char *uri, certstore_error *err)
{
    const char *names[32];
    size_t sizes[32];
    size_t count = 0;
    const char *colon = strchr(uri, ':');
    const char *query = strchr(uri, '?');
    if (colon == NULL)
        return malformed("it has no scheme", err);
    for (const char *at = colon + 1; *at != '\0'; at += strcspn(at, ";?&") + (at[strcspn(at, ";?&")] != '\0')) {
        size_t size = strcspn(at, "=;?&");
        if (size == 0)
            continue;
        if (query != NULL && at > query && !is_known_query(at, size))
            return malformed("it holds an attribute that is not known here", err);
        for (size_t i = 0; i < count; i++)
            if (sizes[i] == size && strncmp(names[i], at, size) == 0)
                return malformed("an attribute is given twice", err);
        if (count == sizeof names / sizeof *names)
            return malformed("it has more attributes than there are", err);
        names[count] = at;
        sizes[count++] = size;
    }
    return strstr(uri, "%00") != NULL ? malformed("it holds a NUL (%00)", err) : CERTSTORE_OK;
}

static certstore_status parse(csi_p11_address *address, const char *uri, certstore_error *err)
{
    CSI_TRY(csi_kit_load(err));
    address->uri = csi_kit()->uri_new();
    if (address->uri == NULL)
        return csi_error_memory(err);
    int status = csi_kit()->uri_parse(uri, P11_KIT_URI_FOR_ANY, address->uri);
    if (status == P11_KIT_URI_BAD_ENCODING)
        return malformed("a '%' is not followed by two hexadecimal digits", err);
    if (status != P11_KIT_URI_OK)
        return malformed("it is not well formed", err);
    if (csi_kit()->uri_any_unrecognized(address->uri))
        return malformed("it holds an attribute or a type that is not known here", err);
    const char *pin = csi_kit()->uri_get_pin_value(address->uri);
    if (pin == NULL)
        return CERTSTORE_OK;
    address->pin = csi_secret_new(pin, strlen(pin), err);
    csi_kit()->uri_set_pin_value(address->uri, NULL); /* it must not come out again in a text */
    return err->status;
}

csi_p11_address *csi_p11_address_parse(const char *uri, certstore_error *err)
{
    CSI_AUTO(csi_p11_address) *address = csi_new(1, sizeof *address, err);
    if (address == NULL || check_text(uri, err) != CERTSTORE_OK || parse(address, uri, err) != CERTSTORE_OK)
        return NULL;
    return csi_steal(&address);
}

csi_p11_address *csi_p11_address_nss(const char *directory, certstore_error *err)
{
    char real[PATH_MAX];
    CSI_AUTO(csi_p11_address) *address = csi_new(1, sizeof *address, err);
    if (address == NULL || csi_kit_load(err) != CERTSTORE_OK)
        return NULL;
    if (strncmp(directory, "sql:", 4) == 0)
        directory += 4;
    CSI_AUTO(csi_chars) *database = csi_format(err, "%s/cert9.db", directory);
    if (database == NULL)
        return NULL;
    struct stat st;
    /* NSS makes empty databases in a directory that has none, and says nothing. */
    if (csi_os_real.stat(&csi_os_real, AT_FDCWD, database, 0, &st) < 0) {
        csi_fail(err, CERTSTORE_E_NOT_FOUND, "%s: no NSS database (cert9.db) is there; make one with certutil -N -d sql:%s", directory, directory);
        return NULL;
    }
    if (realpath(directory, real) == NULL) {
        csi_fail_errno(err, errno, "%s: cannot be resolved; see the cause", directory);
        return NULL;
    }
    if (strpbrk(real, "'\"<>[]{}") != NULL) {
        csi_fail(err, CERTSTORE_E_ARGUMENT, "%s: NSS cannot be told of a path with quotes or brackets; rename it", directory);
        return NULL;
    }
    address->directory = csi_strdup(real, err);
    return address->directory != NULL ? csi_steal(&address) : NULL;
}

csi_p11_address *csi_p11_address_located(const char *location, certstore_error *err)
{
    if (strncmp(location, "nss:", 4) == 0)
        return csi_p11_address_nss(location + 4, err);
    if (strncmp(location, "pkcs11:", 7) == 0)
        return csi_p11_address_parse(location, err);
    csi_fail(err, CERTSTORE_E_MALFORMED, "journal: '%s' is no place of a token", location);
    return NULL;
}

/* p11-kit escapes every slash and colon. RFC 7512 section 2.3 allows both in the query (pk11-qchar), and with them paths stay readable. */
static void unescape_query(char *uri)
{
    const char *in = uri + strcspn(uri, "?");
    for (char *out = uri + (in - uri);; in++, out++) {
        bool slash = strncmp(in, "%2F", 3) == 0;
        bool colon = strncmp(in, "%3A", 3) == 0;
        *out = slash ? '/' : colon ? ':' : *in;
        if (*out == '\0')
            return;
        if (slash || colon)
            in += 2;
    }
}

char *csi_p11_address_text(const csi_p11_address *address, certstore_error *err)
{
    if (address->directory != NULL)
        return csi_format(err, "nss:%s", address->directory);
    char *formatted = NULL;
    if (csi_kit()->uri_format(address->uri, P11_KIT_URI_FOR_ANY, &formatted) != P11_KIT_URI_OK) {
        csi_error_memory(err);
        return NULL;
    }
    char *text = csi_strdup(formatted, err);
    free(formatted);
    if (text != NULL)
        unescape_query(text);
    return text;
}

const char *csi_p11_address_pin_source(const csi_p11_address *address)
{
    return address->uri != NULL ? csi_kit()->uri_get_pin_source(address->uri) : NULL;
}

const csi_secret *csi_p11_address_pin_value(const csi_p11_address *address)
{
    return address->pin;
}

bool csi_p11_address_is_partial(const csi_p11_address *address)
{
    CK_ULONG count = 0;
    return address->uri != NULL && csi_kit()->uri_get_attributes(address->uri, &count) != NULL && count > 0;
}
