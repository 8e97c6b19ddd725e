/* SPDX-License-Identifier: Apache-2.0 */
/* text.c: UTF-8 as the library keeps it (see text.h), and the encodings of Java and of BMPString. */
#include "base/text.h"

#include "base/error.h"
#include "base/text_lower.h"

enum { HIGH_SURROGATE = 0xd800, LOW_SURROGATE = 0xdc00, SURROGATE_END = 0xe000, FIRST_SUPPLEMENTARY = 0x10000 };

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

int32_t csi_utf8_next(const uint8_t **at, const uint8_t *end)
{
    const uint8_t *p = *at;
    size_t left = (size_t)(end - p);
    if (left == 0)
        return -1;
    if (p[0] < 0x80) {
        *at += 1;
        return p[0];
    }
    if (p[0] >= 0xc0 && p[0] < 0xe0 && left >= 2 && is_continuation(p[1])) {
        int32_t c = (p[0] & 0x1f) << 6 | (p[1] & 0x3f);
        *at += 2;
        return c >= 0x80 || c == 0 ? c : -1; /* C0 80 is U+0000; no other overlong form */
    }
    if ((p[0] & 0xf0) == 0xe0 && left >= 3 && is_continuation(p[1]) && is_continuation(p[2])) {
        int32_t c = (p[0] & 0x0f) << 12 | (p[1] & 0x3f) << 6 | (p[2] & 0x3f);
        *at += 3;
        return c >= 0x800 ? c : -1;
    }
    if ((p[0] & 0xf8) == 0xf0 && left >= 4 && is_continuation(p[1]) && is_continuation(p[2]) && is_continuation(p[3])) {
        int32_t c = (p[0] & 0x07) << 18 | (p[1] & 0x3f) << 12 | (p[2] & 0x3f) << 6 | (p[3] & 0x3f);
        *at += 4;
        return c >= FIRST_SUPPLEMENTARY && c <= 0x10ffff ? c : -1;
    }
    return -1;
}

/* Code points below 0x10000 in one, two or three bytes; U+0000 as C0 80. Modified UTF-8 is this and nothing more. */
static void put_bmp(struct csi_buf *out, int32_t c)
{
    if (c != 0 && c < 0x80) {
        csi_buf_put_u8(out, (uint8_t)c);
        return;
    }
    if (c < 0x800) {
        csi_buf_put_u8(out, (uint8_t)(0xc0 | c >> 6));
    } else {
        csi_buf_put_u8(out, (uint8_t)(0xe0 | c >> 12));
        csi_buf_put_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
    }
    csi_buf_put_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
}

void csi_utf8_put(struct csi_buf *out, int32_t c)
{
    if (c < FIRST_SUPPLEMENTARY) {
        put_bmp(out, c);
        return;
    }
    csi_buf_put_u8(out, (uint8_t)(0xf0 | c >> 18));
    csi_buf_put_u8(out, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
    csi_buf_put_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
    csi_buf_put_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
}

bool csi_utf8_valid(struct csi_span text)
{
    const uint8_t *at = text.data;
    const uint8_t *end = text.data + text.size;
    while (at < end)
        if (csi_utf8_next(&at, end) < 0)
            return false;
    return true;
}

/* UTF-16 units become code points: a pair is joined, a surrogate on its own stays what it is. */
struct units {
    int32_t high; /* a high surrogate that waits for its low one, or 0 */
};

static void put_unit(struct units *units, int32_t unit, struct csi_buf *out)
{
    bool low = unit >= LOW_SURROGATE && unit < SURROGATE_END;
    if (units->high != 0 && low) {
        csi_utf8_put(out, FIRST_SUPPLEMENTARY + ((units->high - HIGH_SURROGATE) << 10) + (unit - LOW_SURROGATE));
        units->high = 0;
        return;
    }
    if (units->high != 0)
        csi_utf8_put(out, units->high);
    bool high = unit >= HIGH_SURROGATE && unit < LOW_SURROGATE;
    units->high = high ? unit : 0;
    if (!high)
        csi_utf8_put(out, unit);
}

static void end_units(struct units *units, struct csi_buf *out)
{
    if (units->high != 0)
        csi_utf8_put(out, units->high);
    units->high = 0;
}

static int32_t high_of(int32_t c)
{
    return HIGH_SURROGATE + ((c - FIRST_SUPPLEMENTARY) >> 10);
}

static int32_t low_of(int32_t c)
{
    return LOW_SURROGATE + ((c - FIRST_SUPPLEMENTARY) & 0x3ff);
}

bool csi_text_from_modified_utf8(struct csi_span in, struct csi_buf *out)
{
    const uint8_t *at = in.data;
    const uint8_t *end = in.data + in.size;
    struct units units = { 0 };
    while (at < end) {
        /* DataInput.readUTF: no byte F0..FF, and no bare 00 from a writer; Java reads a bare 00 all the same. */
        if (*at >= 0xf0)
            return false;
        int32_t unit = csi_utf8_next(&at, end);
        if (unit < 0)
            return false;
        put_unit(&units, unit, out);
    }
    end_units(&units, out);
    return true;
}

bool csi_text_to_modified_utf8(struct csi_span in, struct csi_buf *out)
{
    const uint8_t *at = in.data;
    const uint8_t *end = in.data + in.size;
    while (at < end) {
        int32_t c = csi_utf8_next(&at, end);
        if (c < 0)
            return false;
        if (c >= FIRST_SUPPLEMENTARY) {
            put_bmp(out, high_of(c));
            put_bmp(out, low_of(c));
        } else {
            put_bmp(out, c);
        }
    }
    return true;
}

bool csi_text_from_utf16be(struct csi_span in, struct csi_buf *out)
{
    struct units units = { 0 };
    if (in.size % 2 != 0)
        return false;
    for (size_t i = 0; i < in.size; i += 2)
        put_unit(&units, in.data[i] << 8 | in.data[i + 1], out);
    end_units(&units, out);
    return true;
}

bool csi_text_to_utf16be(struct csi_span in, struct csi_buf *out)
{
    const uint8_t *at = in.data;
    const uint8_t *end = in.data + in.size;
    while (at < end) {
        int32_t c = csi_utf8_next(&at, end);
        if (c < 0)
            return false;
        if (c >= FIRST_SUPPLEMENTARY) {
            csi_buf_put_u16(out, (uint16_t)high_of(c));
            csi_buf_put_u16(out, (uint16_t)low_of(c));
        } else {
            csi_buf_put_u16(out, (uint16_t)c);
        }
    }
    return true;
}

void csi_text_from_latin1(struct csi_span in, struct csi_buf *out)
{
    for (size_t i = 0; i < in.size; i++)
        csi_utf8_put(out, in.data[i]);
}

static bool fold_ascii(struct csi_span in, struct csi_buf *out)
{
    uint8_t *room = csi_buf_reserve(out, in.size);
    if (room == NULL)
        return true; /* the buffer remembers that it failed */
    for (size_t i = 0; i < in.size; i++) {
        if (in.data[i] >= 0x80)
            return false;
        room[i] = in.data[i] >= 'A' && in.data[i] <= 'Z' ? (uint8_t)(in.data[i] + 32) : in.data[i];
    }
    out->size += in.size;
    return true;
}

enum { SIGMA = 0x3a3, SMALL_SIGMA = 0x3c3, FINAL_SIGMA = 0x3c2, DOTTED_I = 0x130, COMBINING_DOT = 0x307 };

/* Unicode's Final_Sigma condition: a cased letter before, none after, with case-ignorable characters passed over. */
static bool sigma_is_final(const uint8_t *start, const uint8_t *before, const uint8_t *after, const uint8_t *end)
{
    bool cased_before = false;
    for (const uint8_t *at = start; at < before;) {
        int32_t c = csi_utf8_next(&at, before);
        if (c < 0)
            return false;
        if (!csi_case_ignorable(c))
            cased_before = csi_cased(c);
    }
    while (cased_before && after < end) {
        int32_t c = csi_utf8_next(&after, end);
        if (c < 0)
            return false;
        if (!csi_case_ignorable(c))
            return !csi_cased(c);
    }
    return cased_before;
}

bool csi_text_lower(struct csi_span in, struct csi_buf *out)
{
    if (fold_ascii(in, out))
        return true;
    const uint8_t *at = in.data;
    const uint8_t *end = in.data + in.size;
    while (at < end) {
        const uint8_t *here = at;
        int32_t c = csi_utf8_next(&at, end);
        if (c < 0)
            return false;
        if (c == DOTTED_I) { /* String.toLowerCase in every language but Turkish, Azeri, Lithuanian */
            csi_utf8_put(out, 'i');
            csi_utf8_put(out, COMBINING_DOT);
        } else if (c == SIGMA) {
            csi_utf8_put(out, sigma_is_final(in.data, here, at, end) ? FINAL_SIGMA : SMALL_SIGMA);
        } else {
            csi_utf8_put(out, csi_lower(c));
        }
    }
    return true;
}

char *csi_alias_fold(enum csi_alias_rule rule, const char *alias, certstore_error *err)
{
    if (rule == CSI_ALIAS_EXACT)
        return csi_strdup(alias, err);
    CSI_AUTO_BUF lower = { 0 };
    if (!csi_text_lower(csi_span_text(alias), &lower))
        return csi_strdup(alias, err); /* not UTF-8: it is found by its bytes */
    if (csi_buf_check(&lower, err) != CERTSTORE_OK)
        return NULL;
    return csi_strndup((const char *)lower.data, lower.size, err);
}

void csi_hex(const uint8_t *data, size_t size, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[data[i] >> 4];
        text[2 * i + 1] = digits[data[i] & 15];
    }
    text[2 * size] = '\0';
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool csi_unhex(const char *text, uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        int high = digit_value(text[2 * i]);
        int low = high >= 0 ? digit_value(text[2 * i + 1]) : -1;
        if (low < 0)
            return false;
        data[i] = (uint8_t)(high << 4 | low);
    }
    return text[2 * size] == '\0';
}
