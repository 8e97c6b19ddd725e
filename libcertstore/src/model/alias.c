/* SPDX-License-Identifier: Apache-2.0 */
/* alias.c: an alias for what a format gives none: readable, and the same every time. */
#include "model/bundle.h"

enum { LONGEST = 96 }; /* what people can still type */

/* The value of an attribute of a Name by the last octet of its OID under 2.5.4: of several the last, which is the most specific. */
static bool name_attribute(struct csi_span name, uint8_t type, struct csi_tlv *found)
{
    struct csi_reader outer = csi_reader(name);
    struct csi_reader rdns;
    struct csi_reader set;
    struct csi_reader pair;
    bool any = false;
    if (!csi_der_enter(&outer, CSI_DER_SEQUENCE, &rdns))
        return false;
    while (csi_der_enter(&rdns, CSI_DER_SET, &set)) {
        while (csi_der_enter(&set, CSI_DER_SEQUENCE, &pair)) {
            struct csi_tlv oid;
            struct csi_tlv value;
            if (!csi_der_expect(&pair, CSI_DER_OID, &oid) || !csi_der_next(&pair, &value) || oid.content.size != 3 || oid.content.data[0] != 0x55 ||
                oid.content.data[1] != 0x04 || oid.content.data[2] != type)
                continue;
            *found = value;
            any = true;
        }
    }
    return any && found->content.size > 0;
}

static void value_text(const struct csi_tlv *value, struct csi_buf *out)
{
    if (value->tag == CSI_DER_BMP_STRING)
        csi_text_from_utf16be(value->content, out);
    else if (value->tag == CSI_DER_UTF8_STRING)
        csi_buf_put_span(out, value->content);
    else
        csi_text_from_latin1(value->content, out);
}

static bool is_kept(int32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0xa0 || c == '.' || c == '_' || c == '*';
}

/* An alias from ASCII, as nearly every name is: in one pass. */
static size_t slug_of_ascii(struct csi_span text, char alias[LONGEST])
{
    size_t used = 0;
    for (size_t i = 0; i < text.size && used < LONGEST; i++) {
        const uint8_t c = text.data[i];
        const bool capital = c >= 'A' && c <= 'Z';
        const uint8_t lower = (uint8_t)(capital ? c - 'A' + 'a' : c);
        if (is_kept(lower))
            alias[used++] = (char)lower;
        else if (used > 0 && alias[used - 1] != '-')
            alias[used++] = '-';
    }
    while (used > 0 && alias[used - 1] == '-')
        used--;
    return used;
}

/* Letters, digits, '.', '_', '*' and what is not ASCII stay; everything else becomes one '-'. Cut to a length that people can still type. */
static char *slug(struct csi_span text, certstore_error *err)
{
    char *alias = csi_strndup((const char *)text.data, text.size, err);
    if (alias == NULL)
        return NULL;
    size_t used = 0;
    const uint8_t *end = csi_span_end(text);
    for (const uint8_t *at = text.data; at < end && used < LONGEST;) {
        const uint8_t *from = at;
        int32_t c = *at < 0x80 ? *at++ : csi_utf8_next(&at, end);
        if (c < 0)
            break;
        if (is_kept(c)) {
            memcpy(alias + used, from, (size_t)(at - from));
            used += (size_t)(at - from);
        } else if (used > 0 && alias[used - 1] != '-') {
            alias[used++] = '-';
        }
    }
    while (used > 0 && alias[used - 1] == '-')
        used--;
    alias[used] = '\0';
    return alias;
}

/* An alias from any text, lower-cased as Unicode does it. */
static char *slug_of_any(const struct csi_buf *text, certstore_error *err)
{
    CSI_AUTO_BUF lower = { 0 };
    if (csi_buf_check(text, err) != CERTSTORE_OK)
        return NULL;
    CSI_AUTO(csi_chars) *alias = text->size > 0 && csi_text_lower(csi_buf_span(text), &lower) ? slug(csi_buf_span(&lower), err) : NULL;
    if (err->status != CERTSTORE_OK || csi_buf_check(&lower, err) != CERTSTORE_OK)
        return NULL;
    return alias != NULL && alias[0] != '\0' ? csi_steal(&alias) : csi_strdup("certificate", err);
}

char *csi_alias_for_cert(struct csi_span der, certstore_error *err)
{
    static const uint8_t preferred[] = { 0x03, 0x0b, 0x0a }; /* CN, OU, O */
    struct csi_cert_view view;
    struct csi_tlv value;
    char ascii[LONGEST];
    CSI_AUTO_BUF text = { 0 };
    bool certificate = csi_cert_skim(der, &view);
    for (size_t i = 0; i < sizeof preferred && certificate && text.size == 0; i++) {
        if (!name_attribute(view.subject, preferred[i], &value))
            continue;
        if (value.tag == CSI_DER_BMP_STRING || !csi_text_ascii(value.content)) {
            value_text(&value, &text);
            continue;
        }
        const size_t size = slug_of_ascii(value.content, ascii);
        return size > 0 ? csi_strndup(ascii, size, err) : csi_strdup("certificate", err);
    }
    return slug_of_any(&text, err);
}
