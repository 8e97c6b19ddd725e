/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alias.c: an alias for what a format gives none: readable, and the same every time.
 *
 * A bundle of ten thousand roots needs as many, and nearly every name is ASCII: such a one becomes an alias where it stands, in one pass. Any
 * other is brought to UTF-8 and to lower case first.
 */
#include "model/bundle.h"

enum { LONGEST = 96 };                                /* that people can still type; the last character may reach past it */
enum { COMMON_NAME, UNIT, ORGANIZATION, ATTRIBUTES }; /* in this order of preference */

/* What an ASCII character becomes: letters, digits, '.', '_' and '*' stay, in lower case; everything else is a dash. */
static const char slugs[] = "--------------------------------"
                            "----------*---.-0123456789------"
                            "-abcdefghijklmnopqrstuvwxyz----_"
                            "-abcdefghijklmnopqrstuvwxyz-----";

static size_t attribute_of(struct csi_span oid)
{
    if (oid.size != 3 || oid.data[0] != 0x55 || oid.data[1] != 0x04)
        return ATTRIBUTES;
    switch (oid.data[2]) {
    case 0x03:
        return COMMON_NAME;
    case 0x0b:
        return UNIT;
    case 0x0a:
        return ORGANIZATION;
    default:
        return ATTRIBUTES;
    }
}

/* Where the values of those attributes start in a Name; NULL: it has none. The most specific one of a type is the last. */
static void find_attributes(struct csi_span name, const uint8_t *found[ATTRIBUTES])
{
    struct csi_reader outer = csi_reader(name);
    struct csi_reader rdns;
    struct csi_reader set;
    struct csi_reader pair;
    if (!csi_der_enter(&outer, CSI_DER_SEQUENCE, &rdns))
        return;
    while (csi_der_enter(&rdns, CSI_DER_SET, &set)) {
        while (csi_der_enter(&set, CSI_DER_SEQUENCE, &pair)) {
            struct csi_tlv oid;
            struct csi_tlv value;
            if (!csi_der_expect(&pair, CSI_DER_OID, &oid))
                continue;
            const size_t attribute = attribute_of(oid.content);
            const uint8_t *start = pair.at;
            if (attribute != ATTRIBUTES && csi_der_next(&pair, &value))
                found[attribute] = start;
        }
    }
}

/* Dashes in a row are one, and none stands at either end. */
static void end_slug(char alias[CSI_ALIAS_ROOM], size_t used)
{
    while (used > 0 && alias[used - 1] == '-')
        used--;
    alias[used] = '\0';
}

/* False when the text is not ASCII, or has a NUL. What comes next is always written, and counts unless it is one dash too many. */
static bool slug_ascii(struct csi_span text, char alias[CSI_ALIAS_ROOM])
{
    uint8_t seen = 0;
    char last = '-';
    size_t used = 0;
    for (size_t i = 0; i < text.size; i++) {
        const uint8_t c = text.data[i];
        seen |= (uint8_t)(c | (c - 1));
        const char next = slugs[c & 0x7f];
        alias[used] = next;
        used += used < LONGEST && (next != '-' || last != '-');
        last = next;
    }
    end_slug(alias, used);
    return seen < 0x80;
}

/* The same for lower-case text, in which what is not ASCII stays as well. */
static void slug(struct csi_span text, char alias[CSI_ALIAS_ROOM])
{
    size_t used = 0;
    const uint8_t *end = csi_span_end(text);
    for (const uint8_t *at = text.data; at < end && used < LONGEST;) {
        const uint8_t *from = at;
        const int32_t c = *at < 0x80 ? slugs[*at++] : csi_utf8_next(&at, end);
        if (c < 0)
            break;
        if (c >= 0xa0) {
            memcpy(alias + used, from, (size_t)(at - from));
            used += (size_t)(at - from);
        } else if (c > 0 && c < 0x80 && c != '-') {
            alias[used++] = (char)c;
        } else if (used > 0 && alias[used - 1] != '-') {
            alias[used++] = '-';
        }
    }
    end_slug(alias, used);
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

/* False when there is no value, or it has no text at all, so that the next attribute is asked. */
static bool alias_from(struct csi_reader at, char alias[CSI_ALIAS_ROOM], certstore_error *err)
{
    struct csi_tlv value;
    if (at.at == NULL || !csi_der_next(&at, &value) || value.content.size == 0)
        return false;
    if (value.tag != CSI_DER_BMP_STRING && slug_ascii(value.content, alias))
        return true;
    alias[0] = '\0';
    CSI_AUTO_BUF text = { 0 };
    CSI_AUTO_BUF lower = { 0 };
    value_text(&value, &text);
    if (csi_buf_check(&text, err) != CERTSTORE_OK || text.size == 0)
        return false;
    const bool valid = csi_text_lower(csi_buf_span(&text), &lower);
    if (csi_buf_check(&lower, err) == CERTSTORE_OK && valid)
        slug(csi_buf_span(&lower), alias);
    return true;
}

certstore_status csi_alias_make(struct csi_span der, char alias[CSI_ALIAS_ROOM], certstore_error *err)
{
    struct csi_cert_view view;
    const uint8_t *found[ATTRIBUTES] = { 0 };
    alias[0] = '\0';
    if (csi_cert_skim(der, &view))
        find_attributes(view.subject, found);
    for (size_t i = 0; i < ATTRIBUTES; i++) {
        if (alias_from((struct csi_reader){ found[i], csi_span_end(der) }, alias, err))
            break;
        CSI_TRY(err->status);
    }
    if (alias[0] == '\0')
        memcpy(alias, "certificate", sizeof "certificate");
    return err->status;
}

char *csi_alias_for_cert(struct csi_span der, certstore_error *err)
{
    char alias[CSI_ALIAS_ROOM];
    return csi_alias_make(der, alias, err) == CERTSTORE_OK ? csi_strdup(alias, err) : NULL;
}
