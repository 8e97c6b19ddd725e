/* SPDX-License-Identifier: Apache-2.0 */
/* pem.c: base64 with line ends. */
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
