/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_uri.c: any text as the name of a store, to the library and to the command. What a URI was read from and what it is written as must be read to
 * the same. */
#include "api/uri.h"
#include "fuzz/fuzz.h"
#include "p11/token.h"
#include "tools/certstore/uri.h"

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* RFC 7512: whatever is read, its text for people shows no PIN. */
static void read_token(const char *text)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_p11_address) *address = csi_p11_address_parse(text, &err);
    must((address != NULL) == (err.status == CERTSTORE_OK));
    if (address == NULL)
        return;
    CSI_AUTO(csi_chars) *written = csi_p11_address_text(address, &err);
    must(written != NULL && strstr(written, "pin-value") == NULL);
}

static void read_in_library(const char *text)
{
    certstore_error err = { 0 };
    CSI_AUTO_URI uri = { 0 };
    const certstore_status status = csi_uri_parse(text, &uri, &err);
    must(status == err.status && (status == CERTSTORE_OK) == (uri.path != NULL));
    if (status != CERTSTORE_OK || uri.codec == NULL)
        return;
    if (strncmp(text, "pkcs11:", 7) == 0) {
        read_token(uri.path);
        return;
    }
    CSI_AUTO_URI again = { 0 };
    CSI_AUTO(csi_chars) *written = csi_uri_text(&uri, &err);
    must(written != NULL && csi_uri_parse(written, &again, &err) == CERTSTORE_OK);
    must(again.codec == uri.codec && same_text(again.path, uri.path) && same_text(again.key_path, uri.key_path));
}

/* What the command hands on holds no source of a passphrase any more. */
static void read_in_command(const char *text)
{
    struct store_name name = store_name_parse(text);
    must(name.uri != NULL);
    const char *query = strchr(name.uri, '?');
    if (name.pass != NULL && query != NULL)
        must(strncmp(query, "?pass=", 6) != 0 && strstr(query, "&pass=") == NULL);
    read_in_library(name.uri);
    store_name_free(&name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_chars) *text = csi_strndup((const char *)data, size, &err);
    if (text == NULL)
        return 0;
    read_in_library(text);
    read_in_command(text);
    return 0;
}
