/* SPDX-License-Identifier: Apache-2.0 */
/* pem.c: base64 with line ends, and a look at the first few tags of DER (X.690). */
#include "pem.h"

enum { LINE = 64 };

static void add_base64(struct text *out, const uint8_t *data, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t column = 0;
    for (size_t i = 0; i < size; i += 3) {
        size_t have = size - i < 3 ? size - i : 3;
        uint32_t group = (uint32_t)data[i] << 16 | (have > 1 ? (uint32_t)data[i + 1] << 8 : 0) | (have > 2 ? data[i + 2] : 0U);
        char four[4] = { digits[group >> 18], digits[group >> 12 & 63], have > 1 ? digits[group >> 6 & 63] : '=',
                         have > 2 ? digits[group & 63] : '=' };
        text_add(out, four, 4);
        column += 4;
        if (column == LINE || i + 3 >= size) {
            text_add(out, "\n", 1);
            column = 0;
        }
    }
}

char *pem_wrap(const char *label, const uint8_t *data, size_t size)
{
    struct text out = { 0 };
    text_add_format(&out, "-----BEGIN %s-----\n", label);
    add_base64(&out, data, size);
    text_add_format(&out, "-----END %s-----\n", label);
    return text_take(&out);
}

enum { TAG_INTEGER = 0x02, TAG_OCTET_STRING = 0x04, TAG_SEQUENCE = 0x30 };

struct element {
    uint8_t tag;
    const uint8_t *content;
    size_t size;
};

/* The element at the start of the bytes; false where there is none that fits into them. */
static bool first_element(const uint8_t *data, size_t size, struct element *element)
{
    if (size < 2)
        return false;
    size_t head = 2;
    size_t length = data[1];
    if (length >= 0x80) {
        size_t digits = length & 0x7f;
        if (digits == 0 || digits > 4 || size < 2 + digits)
            return false;
        length = 0;
        for (size_t i = 0; i < digits; i++)
            length = length << 8 | data[2 + i];
        head += digits;
    }
    if (length > size - head)
        return false;
    *element = (struct element){ data[0], data + head, length };
    return true;
}

static bool next_element(const struct element *before, const struct element *outer, struct element *element)
{
    const uint8_t *at = before->content + before->size;
    return first_element(at, (size_t)(outer->content + outer->size - at), element);
}

const char *pem_label_of_key(const uint8_t *data, size_t size)
{
    struct element outer;
    struct element version;
    struct element second;
    if (!first_element(data, size, &outer) || outer.tag != TAG_SEQUENCE || !first_element(outer.content, outer.size, &version))
        return NULL;
    if (version.tag != TAG_INTEGER || version.size != 1 || !next_element(&version, &outer, &second))
        return NULL;
    if (second.tag == TAG_INTEGER && version.content[0] == 0)
        return "RSA PRIVATE KEY";                                                               /* RFC 8017 A.1.2 */
    return second.tag == TAG_OCTET_STRING && version.content[0] == 1 ? "EC PRIVATE KEY" : NULL; /* RFC 5915 section 3 */
}
