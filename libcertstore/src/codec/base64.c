/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base64.c: base64 (RFC 4648 section 4), decoded four characters a step.
 *
 * A CA bundle is 10 MB of base64 and little else, so decoding it is what reading it costs. Each character is looked up in the table of
 * its place, so a group is four loads and three ORs, and one bit says whether all of it were characters. Whatever is no plain run of them
 * (line ends, blanks, padding) takes the careful path, one at a time.
 */
#include "codec/base64.h"

#include <endian.h>

#include "codec/base64_tables.h"

#define NO_CHARACTER 0x80000000u
enum { BAD = 0x80, BLANK = 0x81, LINE = 0x82, PAD = 0x83 };
enum { LINE_GROUPS = 16 }; /* of a line of 64 characters */

/* clang-format off */
#define B BAD
static const uint8_t values[256] = {
    B, B, B, B, B, B, B, B, B, BLANK, LINE, B, B, LINE, B, B,   B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
    BLANK, B, B, B, B, B, B, B, B, B, B, 62, B, B, B, 63,               52, 53, 54, 55, 56, 57, 58, 59, 60, 61, B, B, B, PAD, B, B,
    B, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,                15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, B, B, B, B, B,
    B, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,      41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, B, B, B, B, B,
    B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,   B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
    B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,   B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
    B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,   B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
    B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,   B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
};
#undef B
/* clang-format on */

struct state {
    const uint8_t *at;
    const uint8_t *end;
    uint8_t *out;
    uint32_t bits;      /* of the characters since the last whole group of four */
    unsigned have;      /* how many those are */
    unsigned pads;      /* '=' seen */
    unsigned line_ends; /* since the last character; CR LF is one */
    unsigned carriages; /* CRs whose LF may follow */
    bool any;           /* a character was seen */
};

static uint32_t group(const uint8_t *at)
{
    return places[0][at[0]] | places[1][at[1]] | places[2][at[2]] | places[3][at[3]];
}

/* Two groups with one write of eight bytes, of which six count: at least one more character follows wherever this is called, so that there is
 * room for the other two. */
static void put_groups(uint32_t first, uint32_t second, uint8_t *out)
{
    const uint64_t six = htobe64((uint64_t)first << 40 | (uint64_t)second << 16);
    memcpy(out, &six, sizeof six);
}

static bool decode_line(const uint8_t *at, uint8_t *out)
{
    uint32_t all = 0;
    for (size_t i = 0; i < LINE_GROUPS; i += 2, at += 8, out += 6) {
        const uint32_t first = group(at), second = group(at + 4);
        all |= first | second;
        put_groups(first, second, out);
    }
    return (all & NO_CHARACTER) == 0;
}

/* The LF or CR LF that ends a line at `at`; 0: something else stands there. */
static size_t line_end_size(const uint8_t *at, const uint8_t *end)
{
    if (*at == '\n')
        return 1;
    return *at == '\r' && end - at > 1 && at[1] == '\n' ? 2 : 0;
}

/* Lines as RFC 7468 section 2 has them written: 64 characters and a line end. What their characters are is asked once a line. */
static void decode_lines(struct state *s)
{
    enum { CHARACTERS = 4 * LINE_GROUPS };
    while (s->end - s->at > CHARACTERS) {
        const size_t ending = line_end_size(s->at + CHARACTERS, s->end);
        if (ending == 0 || !decode_line(s->at, s->out))
            return;
        s->at += CHARACTERS + ending;
        s->out += 3 * LINE_GROUPS;
        s->any = true;
        s->line_ends = 1;
    }
}

/* Whole groups of four, as long as they are nothing but characters. */
static void decode_run(struct state *s)
{
    const uint8_t *at = s->at;
    uint8_t *out = s->out;
    for (; s->end - at >= 12; at += 8, out += 6) {
        const uint32_t first = group(at), second = group(at + 4);
        if (((first | second) & NO_CHARACTER) != 0)
            break;
        put_groups(first, second, out);
    }
    for (; s->end - at >= 4; at += 4) {
        const uint32_t three = group(at);
        if ((three & NO_CHARACTER) != 0)
            break;
        *out++ = (uint8_t)(three >> 16);
        *out++ = (uint8_t)(three >> 8);
        *out++ = (uint8_t)three;
    }
    if (at != s->at) {
        s->any = true;
        s->line_ends = 0;
    }
    s->at = at;
    s->out = out;
}

/* One character of the alphabet; NULL, or what is wrong with it where it stands. */
static const char *take(struct state *s, uint8_t value)
{
    s->line_ends += s->carriages;
    s->carriages = 0;
    if (s->pads > 0)
        return "data after the padding";
    if (s->any && s->line_ends > 1)
        return "an empty line within the data";
    s->any = true;
    s->line_ends = 0;
    s->bits = s->bits << 6 | value;
    if (++s->have == 4) {
        *s->out++ = (uint8_t)(s->bits >> 16);
        *s->out++ = (uint8_t)(s->bits >> 8);
        *s->out++ = (uint8_t)s->bits;
        s->have = 0;
        s->bits = 0;
    }
    return NULL;
}

static const char *take_pad(struct state *s)
{
    if (s->have < 2 || s->have + s->pads >= 4)
        return "padding where none belongs";
    s->pads++;
    return NULL;
}

static void take_line_end(struct state *s, uint8_t character)
{
    if (character == '\r') {
        s->carriages++;
        return;
    }
    s->line_ends++; /* the LF that the CRs before it, if any, belong to */
    s->carriages = 0;
}

static const char *step(struct state *s)
{
    const uint8_t value = values[*s->at];
    switch (value) {
    case BAD:
        return "a character that is no base64";
    case BLANK:
        return NULL;
    case LINE:
        take_line_end(s, *s->at);
        return NULL;
    case PAD:
        return take_pad(s);
    default:
        return take(s, value);
    }
}

/* Two or three characters and their padding are one or two bytes. */
static const char *finish(struct state *s)
{
    if (s->have == 0)
        return NULL;
    if (s->have + s->pads != 4)
        return "data that ends within a group of four characters";
    s->bits <<= 6 * s->pads;
    *s->out++ = (uint8_t)(s->bits >> 16);
    if (s->pads == 1)
        *s->out++ = (uint8_t)(s->bits >> 8);
    return NULL;
}

/* NULL at the end of the text, or what is wrong where it stands. */
static const char *decode(struct state *s)
{
    const char *wrong = NULL;
    while (wrong == NULL && s->at < s->end) {
        if (s->have == 0 && s->pads == 0 && s->carriages == 0 && s->line_ends <= 1) {
            decode_lines(s);
            decode_run(s);
        }
        if (s->at < s->end && (wrong = step(s)) == NULL)
            s->at++;
    }
    return wrong;
}

bool csi_base64_decode(struct csi_span text, uint8_t *out, size_t *size, size_t *bad, const char **why)
{
    struct state s = { .at = text.data, .end = csi_span_end(text) };
    s.out = out;
    const char *wrong = decode(&s);
    if (wrong == NULL)
        wrong = finish(&s);
    *size = (size_t)(s.out - out);
    *bad = (size_t)(s.at - text.data);
    *why = wrong;
    return wrong == NULL;
}

bool csi_base64_decode_to_dash(struct csi_span text, uint8_t *out, size_t *size, size_t *stop)
{
    struct state s = { .at = text.data, .end = csi_span_end(text) };
    s.out = out;
    const bool dash = decode(&s) != NULL && *s.at == '-' && finish(&s) == NULL;
    *size = (size_t)(s.out - out);
    *stop = (size_t)(s.at - text.data);
    return dash;
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode_group(const uint8_t *in, size_t size, uint8_t *out)
{
    const uint32_t bits = (uint32_t)in[0] << 16 | (uint32_t)(size > 1 ? in[1] : 0) << 8 | (uint32_t)(size > 2 ? in[2] : 0);
    out[0] = (uint8_t)alphabet[bits >> 18];
    out[1] = (uint8_t)alphabet[bits >> 12 & 63];
    out[2] = (uint8_t)(size > 1 ? alphabet[bits >> 6 & 63] : '=');
    out[3] = (uint8_t)(size > 2 ? alphabet[bits & 63] : '=');
}

/* 48 bytes, six a step. Eight are loaded for them, so that two more must follow. */
static void encode_line(const uint8_t *in, uint8_t *out)
{
    for (size_t i = 0; i < LINE_GROUPS; i += 2, in += 6, out += 8) {
        uint64_t six;
        memcpy(&six, in, sizeof six);
        six = be64toh(six);
        out[0] = (uint8_t)alphabet[six >> 58];
        out[1] = (uint8_t)alphabet[six >> 52 & 63];
        out[2] = (uint8_t)alphabet[six >> 46 & 63];
        out[3] = (uint8_t)alphabet[six >> 40 & 63];
        out[4] = (uint8_t)alphabet[six >> 34 & 63];
        out[5] = (uint8_t)alphabet[six >> 28 & 63];
        out[6] = (uint8_t)alphabet[six >> 22 & 63];
        out[7] = (uint8_t)alphabet[six >> 16 & 63];
    }
}

void csi_base64_encode_lines(struct csi_span bytes, struct csi_buf *out)
{
    enum { LINE_BYTES = 3 * LINE_GROUPS, LINE_SIZE = 4 * LINE_GROUPS + 1 };
    const size_t whole = bytes.size < 2 ? 0 : (bytes.size - 2) / LINE_BYTES; /* those with two bytes behind them */
    const uint8_t *at = bytes.data;
    uint8_t *room = csi_buf_reserve(out, csi_base64_lines(bytes.size));
    if (room == NULL)
        return;
    for (size_t i = 0; i < whole; i++, at += LINE_BYTES, room += LINE_SIZE) {
        encode_line(at, room);
        room[LINE_SIZE - 1] = '\n';
    }
    for (size_t left = bytes.size - whole * LINE_BYTES; left > 0;) {
        const size_t line = left < LINE_BYTES ? left : LINE_BYTES;
        for (size_t i = 0; i < line; i += 3, room += 4)
            encode_group(at + i, line - i, room);
        *room++ = '\n';
        at += line;
        left -= line;
    }
    out->size = (size_t)(room - out->data);
}
