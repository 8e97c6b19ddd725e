/* SPDX-License-Identifier: Apache-2.0 */
/* uri.c: "FORMAT:PATH[?key=PATH]". Only '%', '?' and '#' in a path need their %XX form (RFC 3986 section 2.1). */
#include "api/uri.h"

#include "api/registry.h"
#include "base/text.h"

void csi_uri_clear(struct csi_uri *uri)
{
    free(uri->path);
    free(uri->key_path);
    *uri = (struct csi_uri){ 0 };
}

static char *unescape(const char *text, size_t size, certstore_error *err)
{
    CSI_AUTO(csi_chars) *plain = csi_strndup(text, size, err);
    if (plain == NULL)
        return NULL;
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] != '%') {
            plain[used++] = text[i];
            continue;
        }
        char digits[3] = { 0 };
        uint8_t byte;
        if (size - i > 2)
            memcpy(digits, text + i + 1, 2);
        if (!csi_unhex(digits, &byte, 1) || byte == 0) {
            csi_fail(err, CERTSTORE_E_ARGUMENT, "URI: '%%' is not followed by two hexadecimal digits; write a '%%' itself as %%25");
            return NULL;
        }
        plain[used++] = (char)byte;
        i += 2;
    }
    plain[used] = '\0';
    return csi_steal(&plain);
}

static certstore_status parse_query(const char *query, struct csi_uri *uri, certstore_error *err)
{
    while (*query != '\0') {
        size_t size = strcspn(query, "&");
        if (size > 4 && strncmp(query, "key=", 4) == 0 && uri->codec == &csi_codec_pem && uri->key_path == NULL) {
            uri->key_path = unescape(query + 4, size - 4, err);
            if (uri->key_path == NULL)
                return err->status;
        } else {
            return csi_fail(err, CERTSTORE_E_ARGUMENT, "URI: '%.*s' is not understood; after '?' stands key=PATH, for pem only",
                            (int)strcspn(query, "=&"), query);
        }
        query += size + (query[size] == '&');
    }
    return CERTSTORE_OK;
}

/* The format in front of a ':', if it is one; a path may hold a ':' of its own, but not after a format's name. */
static const struct csi_codec *scheme_of(const char *text, size_t size)
{
    char name[16];
    if (size == 0 || size >= sizeof name)
        return NULL;
    memcpy(name, text, size);
    name[size] = '\0';
    return csi_registry_find(name);
}

certstore_status csi_uri_parse(const char *text, struct csi_uri *uri, certstore_error *err)
{
    CSI_AUTO_URI parsed = { 0 };
    size_t scheme = strcspn(text, ":/?");
    if (text[scheme] == ':')
        parsed.codec = scheme_of(text, scheme);
    if (parsed.codec == NULL || parsed.codec == &csi_codec_pkcs11) { /* RFC 7512 has an escape and a query of its own: p11/uri.c */
        parsed.path = csi_strdup(text, err);
    } else {
        const char *path = text + scheme + 1;
        size_t size = strcspn(path, "?");
        parsed.path = unescape(path, size, err);
        if (parsed.path != NULL && path[size] == '?')
            CSI_TRY(parse_query(path + size + 1, &parsed, err));
    }
    if (parsed.path == NULL)
        return err->status;
    if (parsed.path[0] == '\0')
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "URI: it names no path; write FORMAT:PATH, or the path alone");
    *uri = parsed;
    parsed = (struct csi_uri){ 0 };
    return CERTSTORE_OK;
}

static void put_escaped(struct csi_buf *out, const char *path)
{
    for (; *path != '\0'; path++) {
        if (strchr("%?#&", *path) != NULL || (unsigned char)*path < 0x20)
            csi_buf_printf(out, "%%%02X", (unsigned)(unsigned char)*path);
        else
            csi_buf_put_u8(out, (uint8_t)*path);
    }
}

bool csi_uri_is_token(const struct csi_uri *uri)
{
    return uri->codec == &csi_codec_pkcs11 || uri->codec == &csi_codec_nss;
}

char *csi_uri_text(const struct csi_uri *uri, certstore_error *err)
{
    CSI_AUTO_BUF out = { 0 };
    csi_buf_printf(&out, "%s:", uri->codec->name);
    put_escaped(&out, uri->path);
    if (uri->key_path != NULL) {
        csi_buf_put_text(&out, "?key=");
        put_escaped(&out, uri->key_path);
    }
    if (csi_buf_check(&out, err) != CERTSTORE_OK)
        return NULL;
    return csi_strndup((const char *)out.data, out.size, err);
}
