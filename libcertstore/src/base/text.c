/* SPDX-License-Identifier: Apache-2.0 */
/* text.c: UTF-8 with two liberties (text.h), and the encodings the formats use instead of it. Lower case is in text_fold.c. */
#include "base/text.h"

enum { LEAD_FIRST = 0xd800, TRAIL_FIRST = 0xdc00, SURROGATE_END = 0xe000, SUPPLEMENTARY = 0x10000, LAST_CODE_POINT = 0x10ffff };

static bool is_lead(int32_t unit)
{
    return unit >= LEAD_FIRST && unit < TRAIL_FIRST;
}

static bool is_trail(int32_t unit)
{
    return unit >= TRAIL_FIRST && unit < SURROGATE_END;
}

static int32_t join_surrogates(int32_t lead, int32_t trail)
{
    return SUPPLEMENTARY + ((lead - LEAD_FIRST) << 10) + (trail - TRAIL_FIRST);
}

/* One sequence of RFC 3629 section 4, except that C0 80 and surrogates pass; -1 for any other overlong or broken form. */
static int32_t next_sequence(const uint8_t **at, const uint8_t *end)
{
    const uint8_t *p = *at;
    if (p == end)
        return -1;
    size_t more = *p < 0x80 ? 0 : *p < 0xc0 ? 4 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : *p < 0xf8 ? 3 : 4;
    static const int32_t smallest[] = { 0, 0x80, 0x800, SUPPLEMENTARY };
    static const uint8_t lead_bits[] = { 0x7f, 0x1f, 0x0f, 0x07 };
    if (more == 4 || (size_t)(end - p) <= more)
        return -1;
    int32_t code_point = *p & lead_bits[more];
    for (size_t i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return -1;
        code_point = code_point << 6 | (p[i] & 0x3f);
    }
    bool nul = more == 1 && code_point == 0;
    if ((code_point < smallest[more] && !nul) || code_point > LAST_CODE_POINT)
        return -1;
    *at = p + more + 1;
    return code_point;
}

int32_t csi_utf8_next(const uint8_t **at, const uint8_t *end)
{
    const uint8_t *after = *at;
    int32_t code_point = next_sequence(&after, end);
    if (is_lead(code_point)) {
        /* A pair in two times three bytes would be a second spelling of one code point: only unpaired surrogates pass. */
        const uint8_t *ahead = after;
        if (is_trail(next_sequence(&ahead, end)))
            return -1;
    }
    if (code_point >= 0)
        *at = after;
    return code_point;
}

void csi_utf8_put(struct csi_buf *out, int32_t code_point)
{
    uint32_t c = (uint32_t)code_point;
    if (c != 0 && c < 0x80) {
        csi_buf_put_u8(out, (uint8_t)c);
        return;
    }
    uint8_t bytes[4];
    size_t size = 0;
    if (c < 0x800) {
        bytes[size++] = (uint8_t)(0xc0 | c >> 6);
    } else if (c < SUPPLEMENTARY) {
        bytes[size++] = (uint8_t)(0xe0 | c >> 12);
        bytes[size++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    } else {
        bytes[size++] = (uint8_t)(0xf0 | c >> 18);
        bytes[size++] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
        bytes[size++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    }
    bytes[size++] = (uint8_t)(0x80 | (c & 0x3f));
    csi_buf_put(out, bytes, size);
}

bool csi_text_ascii(struct csi_span text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] == 0 || text.data[i] >= 0x80)
            return false;
    return true;
}

bool csi_utf8_valid(struct csi_span text)
{
    if (csi_text_ascii(text))
        return true;
    const uint8_t *end = csi_span_end(text);
    for (const uint8_t *at = text.data; at < end;)
        if (csi_utf8_next(&at, end) < 0)
            return false;
    return true;
}

/* Collects UTF-16 units, joining pairs: what both Java's form and BMPString boil down to. */
struct unit_sink {
    struct csi_buf *out;
    int32_t lead; /* a lead surrogate that waits for its trail; 0: none */
};

static void flush_units(struct unit_sink *sink)
{
    if (sink->lead != 0)
        csi_utf8_put(sink->out, sink->lead);
    sink->lead = 0;
}

static void put_unit(struct unit_sink *sink, int32_t unit)
{
    if (sink->lead != 0 && is_trail(unit)) {
        csi_utf8_put(sink->out, join_surrogates(sink->lead, unit));
        sink->lead = 0;
        return;
    }
    flush_units(sink);
    if (is_lead(unit))
        sink->lead = unit;
    else
        csi_utf8_put(sink->out, unit);
}

bool csi_text_from_modified_utf8(struct csi_span in, struct csi_buf *out)
{
    if (csi_text_ascii(in)) {
        csi_buf_put_span(out, in);
        return true;
    }
    struct unit_sink sink = { out, 0 };
    const uint8_t *end = csi_span_end(in);
    for (const uint8_t *at = in.data; at < end;) {
        int32_t unit = next_sequence(&at, end);
        if (unit < 0 || unit >= SUPPLEMENTARY)
            return false;
        put_unit(&sink, unit);
    }
    flush_units(&sink);
    return true;
}

/* The UTF-16 units of a code point; returns how many. */
static size_t to_units(int32_t code_point, uint16_t units[2])
{
    if (code_point < SUPPLEMENTARY) {
        units[0] = (uint16_t)code_point;
        return 1;
    }
    units[0] = (uint16_t)(LEAD_FIRST + ((code_point - SUPPLEMENTARY) >> 10));
    units[1] = (uint16_t)(TRAIL_FIRST + ((code_point - SUPPLEMENTARY) & 0x3ff));
    return 2;
}

bool csi_text_to_modified_utf8(struct csi_span in, struct csi_buf *out)
{
    if (csi_text_ascii(in)) {
        csi_buf_put_span(out, in);
        return true;
    }
    const uint8_t *end = csi_span_end(in);
    for (const uint8_t *at = in.data; at < end;) {
        int32_t code_point = csi_utf8_next(&at, end);
        if (code_point < 0)
            return false;
        uint16_t units[2];
        size_t count = to_units(code_point, units);
        for (size_t i = 0; i < count; i++)
            csi_utf8_put(out, units[i]); /* each surrogate in three bytes of its own */
    }
    return true;
}

/* Writes units that are all ASCII, as those of nearly every name are; false, and nothing written, for any other. */
static bool put_narrow(struct csi_span in, struct csi_buf *out)
{
    uint8_t *room = csi_buf_reserve(out, in.size / 2);
    for (size_t i = 0; room != NULL && i < in.size; i += 2) {
        if (in.data[i] != 0 || in.data[i + 1] == 0 || in.data[i + 1] >= 0x80)
            return false;
        room[i / 2] = in.data[i + 1];
    }
    out->size += room != NULL ? in.size / 2 : 0;
    return room != NULL;
}

bool csi_text_from_utf16be(struct csi_span in, struct csi_buf *out)
{
    if (in.size % 2 != 0)
        return false;
    if (put_narrow(in, out))
        return true;
    struct unit_sink sink = { out, 0 };
    for (size_t i = 0; i < in.size; i += 2)
        put_unit(&sink, in.data[i] << 8 | in.data[i + 1]);
    flush_units(&sink);
    return true;
}

bool csi_text_to_utf16be(struct csi_span in, struct csi_buf *out)
{
    const uint8_t *end = csi_span_end(in);
    for (const uint8_t *at = in.data; at < end;) {
        int32_t code_point = csi_utf8_next(&at, end);
        if (code_point < 0)
            return false;
        uint16_t units[2];
        size_t count = to_units(code_point, units);
        for (size_t i = 0; i < count; i++)
            csi_buf_put_u16(out, units[i]);
    }
    return true;
}

void csi_text_from_latin1(struct csi_span in, struct csi_buf *out)
{
    if (csi_text_ascii(in)) {
        csi_buf_put_span(out, in);
        return;
    }
    for (size_t i = 0; i < in.size; i++)
        csi_utf8_put(out, in.data[i]);
}

void csi_hex(const uint8_t *data, size_t size, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        *text++ = digits[data[i] >> 4];
        *text++ = digits[data[i] & 15];
    }
    *text = '\0';
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

bool csi_unhex(const char *text, uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        int high = hex_value(text[2 * i]);
        int low = high >= 0 ? hex_value(text[2 * i + 1]) : -1; /* the first character that is no digit may be the NUL */
        if (low < 0)
            return false;
        data[i] = (uint8_t)(high << 4 | low);
    }
    return text[2 * size] == '\0';
}
