/* SPDX-License-Identifier: Apache-2.0 */
/* screen.c: escaping and measuring UTF-8 for a terminal. The locale is not asked: aliases are UTF-8 whatever LANG says. */
#include "screen.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"

struct range {
    uint32_t first;
    uint32_t last;
};

/* Takes no column: combining marks, joiners, variation selectors. */
static const struct range zero_width[] = {
    { 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd }, { 0x0610, 0x061a }, { 0x064b, 0x065f }, { 0x0e34, 0x0e3a }, { 0x0e47, 0x0e4e },
    { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x200b, 0x200d }, { 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f },
};
/* Takes two: East Asian wide and full-width characters, emoji (Unicode TR 11). */
static const struct range double_width[] = {
    { 0x1100, 0x115f }, { 0x2e80, 0x303e }, { 0x3041, 0x33ff }, { 0x3400, 0x4dbf }, { 0x4e00, 0x9fff },   { 0xa000, 0xa4cf },   { 0xac00, 0xd7a3 },
    { 0xf900, 0xfaff }, { 0xfe30, 0xfe6f }, { 0xff00, 0xff60 }, { 0xffe0, 0xffe6 }, { 0x1f300, 0x1f64f }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
};
/* Changes how what follows is shown: C1 controls, bidirectional marks and overrides, line separators, the byte order mark. */
static const struct range harmful[] = {
    { 0x0080, 0x009f }, { 0x061c, 0x061c }, { 0x200e, 0x200f }, { 0x2028, 0x202e }, { 0x2066, 0x2069 }, { 0xfeff, 0xfeff },
};

#define IS_IN(ranges, code) is_in(ranges, sizeof(ranges) / sizeof *(ranges), code)

static bool is_in(const struct range *ranges, size_t count, uint32_t code)
{
    for (size_t i = 0; i < count; i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    return false;
}

/* Decodes one character of strict UTF-8; returns its size, or 0 for a byte that starts none. */
static size_t decode(const char *text, uint32_t *code)
{
    const uint8_t *at = (const uint8_t *)text;
    if (at[0] < 0x80) {
        *code = at[0];
        return 1;
    }
    size_t size = at[0] >= 0xf0 && at[0] < 0xf5 ? 4 : at[0] >= 0xe0 ? 3 : at[0] >= 0xc2 ? 2 : 0;
    if (size == 0 || at[0] >= 0xf5)
        return 0;
    *code = at[0] & (0xffU >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (at[i] & 0x3fU);
    }
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    bool surrogate = *code >= 0xd800 && *code <= 0xdfff;
    return *code < least[size] || *code > 0x10ffff || surrogate ? 0 : size;
}

/* How many printable ASCII characters stand at the start: nearly all text is nothing else. */
static size_t plain_run(const char *text)
{
    size_t run = 0;
    while (text[run] >= 0x20 && text[run] < 0x7f)
        run++;
    return run;
}

/* Whether all of a text is printable ASCII, eight bytes at a time: taking 0x20 from each borrows from the top bit of one below it, and adding 1
 * carries into that of DEL. A byte beside such a one may be taken for one as well: then it is looked at again, one by one. */
static bool is_plain(const char *text, size_t size)
{
    const uint64_t top = 0x8080808080808080;
    uint64_t found = 0;
    size_t at = 0;
    for (; at + 8 <= size; at += 8) {
        uint64_t eight;
        memcpy(&eight, text + at, sizeof eight);
        found |= (eight - 0x2020202020202020) | (eight + 0x0101010101010101) | eight;
    }
    return (found & top) == 0 && plain_run(text + at) == size - at;
}

static void put_escaped(struct text *out, const char *text)
{
    for (;;) {
        size_t run = plain_run(text);
        text_add(out, text, run);
        text += run;
        if (*text == '\0')
            return;
        uint32_t code = 0;
        size_t size = decode(text, &code);
        if (size == 0) {
            text_add_format(out, "\\x%02x", (unsigned)(uint8_t)*text);
            size = 1;
        } else if (code < 0x20 || code == 0x7f) {
            text_add_format(out, "\\x%02x", (unsigned)code);
        } else if (IS_IN(harmful, code)) {
            text_add_format(out, "\\u{%04x}", (unsigned)code);
        } else {
            text_add(out, text, size);
        }
        text += size;
    }
}

char *screen_escape(const char *text)
{
    struct text out = { 0 };
    put_escaped(&out, text);
    return text_take(&out);
}

size_t screen_put_escaped(struct text *out, const char *text)
{
    const size_t size = strlen(text);
    const size_t from = out->size;
    if (is_plain(text, size)) { /* each of its bytes is a column */
        text_add(out, text, size);
        return size;
    }
    put_escaped(out, text);
    return screen_width_of(out->data + from);
}

static size_t columns_of(uint32_t code)
{
    if (code < 0x300)
        return 1;
    if (IS_IN(zero_width, code))
        return 0;
    return IS_IN(double_width, code) ? 2 : 1;
}

size_t screen_width_of(const char *text)
{
    size_t columns = plain_run(text);
    text += columns;
    while (*text != '\0') {
        uint32_t code = 0;
        size_t size = decode(text, &code);
        columns += size == 0 ? 1 : columns_of(code);
        text += size == 0 ? 1 : size;
    }
    return columns;
}

size_t screen_fit(const char *text, size_t columns)
{
    size_t bytes = 0;
    while (text[bytes] != '\0') {
        uint32_t code = 0;
        size_t size = decode(text + bytes, &code);
        size_t wide = size == 0 ? 1 : columns_of(code);
        if (wide > columns)
            break;
        columns -= wide;
        bytes += size == 0 ? 1 : size;
    }
    return bytes;
}

size_t screen_columns(void)
{
    if (!isatty(STDOUT_FILENO))
        return 0;
    struct winsize size = { 0 };
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

bool screen_colors(const struct cli *cli)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    if (cli->no_color || (no_color != NULL && *no_color != '\0'))
        return false;
    return isatty(STDOUT_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
}
