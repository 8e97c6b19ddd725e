/* SPDX-License-Identifier: Apache-2.0 */
/* uri.c: see uri.h. */
#include "uri.h"

#include <stdint.h>
#include <unistd.h>

#include "heap.h"

static const char *const file_schemes[] = { "pem:", "pemdir:", "pkcs12:", "jks:", "jceks:", "bks:", "nss:" };

const char *store_name_path(const char *uri)
{
    for (size_t i = 0; i < sizeof file_schemes / sizeof *file_schemes; i++)
        if (strncmp(uri, file_schemes[i], strlen(file_schemes[i])) == 0)
            return uri + strlen(file_schemes[i]);
    return uri;
}

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* RFC 3986 section 2.1, in place. A percent sign that starts no pair of digits stands for itself. */
static char *percent_decode(char *text)
{
    char *out = text;
    for (const char *in = text; *in != '\0'; in++) {
        int high = *in == '%' ? hex_digit(in[1]) : -1;
        int low = high >= 0 ? hex_digit(in[2]) : -1;
        *out++ = *in;
        if (low >= 0) {
            out[-1] = (char)(high << 4 | low);
            in += 2;
        }
    }
    *out = '\0';
    return text;
}

/* Takes pass= and keypass= out of the query; the rest goes back behind the URI. */
static void take_query(struct store_name *name, struct text *uri, const char *query)
{
    char separator = '?';
    while (query != NULL) {
        const char *end = strchr(query, '&');
        size_t size = end != NULL ? (size_t)(end - query) : strlen(query);
        char **place = strncmp(query, "pass=", 5) == 0 ? &name->pass : strncmp(query, "keypass=", 8) == 0 ? &name->keypass : NULL;
        if (place != NULL) {
            size_t skip = place == &name->pass ? 5 : 8;
            free(*place);
            *place = percent_decode(heap_copy_part(query + skip, size - skip));
        } else if (size > 0) {
            text_add(uri, &separator, 1);
            text_add(uri, query, size);
            separator = '&';
        }
        query = end != NULL ? end + 1 : NULL;
    }
}

/* A path as it stands behind a format's name: RFC 3986's form for what would mean something there. */
static void add_escaped(struct text *uri, const char *path)
{
    for (; *path != '\0'; path++)
        if (strchr("%?#", *path) != NULL)
            text_add_format(uri, "%%%02X", (unsigned)(unsigned char)*path);
        else
            text_add(uri, path, 1);
}

struct store_name store_name_parse(const char *text)
{
    struct store_name name = { 0 };
    struct text uri = { 0 };
    const char *path = store_name_path(text);
    if (strncmp(text, "pkcs11:", 7) == 0 || (path == text && access(path, F_OK) == 0)) { /* RFC 7512 has a query of its own */
        name.uri = heap_copy(text);
        return name;
    }
    if (access(path, F_OK) == 0) { /* a file may well be called "a#b" */
        text_add(&uri, text, (size_t)(path - text));
        add_escaped(&uri, path);
        name.uri = text_take(&uri);
        return name;
    }
    OWNED(owned_chars) *body = heap_copy(text);
    char *hash = strchr(body, '#');
    if (hash != NULL) {
        *hash = '\0';
        name.alias = heap_copy(hash + 1);
    }
    char *query = strchr(body, '?');
    if (query != NULL)
        *query++ = '\0';
    take_query(&name, &uri, query);
    OWNED(owned_chars) *rest = text_take(&uri);
    if (*rest != '\0' && path == text) { /* only a PEM store takes another parameter, and the library reads them in URIs only */
        text_add_string(&uri, "pem:");
        add_escaped(&uri, body);
    } else {
        text_add_string(&uri, body);
    }
    text_add_string(&uri, rest);
    name.uri = text_take(&uri);
    return name;
}

void store_name_free(struct store_name *name)
{
    free(name->uri);
    free(name->alias);
    free(name->pass);
    free(name->keypass);
    *name = (struct store_name){ 0 };
}
