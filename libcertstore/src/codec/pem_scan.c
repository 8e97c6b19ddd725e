/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pem_scan.c: the lexer of PEM text.
 *
 * RFC 7468 has a strict grammar for writers and a lax one for readers ("parsers SHOULD ignore whitespace and other non-base64 characters
 * and MUST handle different newline conventions", section 2). This reader takes CR, LF and CR LF, a byte order mark, indentation, blanks
 * at line ends, a missing newline after the last line, two encapsulation boundaries on one line, and any text between blocks. It is strict
 * where guessing would lose something: a BEGIN without its END, another label at the END, characters that are no base64, an empty line
 * within the data. Nothing is allocated here: a block is a set of spans of the text.
 */
#include "codec/pem_scan.h"

#include "codec/base64.h"

static const char begin_mark[] = "-----BEGIN ";
static const char end_mark[] = "-----END ";
static const char dashes[] = "-----";
enum { BEGIN_SIZE = sizeof begin_mark - 1, END_SIZE = sizeof end_mark - 1, DASHES = sizeof dashes - 1, LABEL_MAX = 128 };

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\v' || c == '\f';
}

static bool is_line_end(uint8_t c)
{
    return c == '\n' || c == '\r';
}

/* Counted only when something is wrong: counting costs more than the rest of the lexer. CR LF is one line end. */
size_t csi_pem_line(struct csi_span text, size_t offset)
{
    size_t line = 1;
    for (size_t i = 0; i < offset; i++)
        line += text.data[i] == '\n' || (text.data[i] == '\r' && (i + 1 == text.size || text.data[i + 1] != '\n'));
    return line;
}

static bool starts_with(struct csi_span text, size_t at, const char *mark, size_t size)
{
    return text.size - at >= size && memcmp(text.data + at, mark, size) == 0;
}

/* The start of the line's blanks if only blanks (or a byte order mark at the very start) stand before `at`; SIZE_MAX if anything else does.
 * `from` is the end of the block before: a BEGIN may follow it at once. */
static size_t line_start(struct csi_span text, size_t from, size_t at)
{
    size_t start = at;
    while (start > from && is_blank(text.data[start - 1]))
        start--;
    if (start == from || is_line_end(text.data[start - 1]))
        return start;
    if (start == 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
        return start;
    return SIZE_MAX;
}

/* memchr and not memmem: base64 holds no hyphen-minus, so the first one is nearly always the one looked for. */
static bool find(struct csi_span text, size_t from, const char *mark, size_t size, size_t *at)
{
    for (size_t i = from; i < text.size; i++) {
        const uint8_t *hit = memchr(text.data + i, '-', text.size - i);
        if (hit == NULL)
            return false;
        i = (size_t)(hit - text.data);
        if (starts_with(text, i, mark, size)) {
            *at = i;
            return true;
        }
    }
    return false;
}

/* The next BEGIN that starts a line. */
static bool find_begin(struct csi_span text, size_t from, size_t *mark, size_t *start)
{
    for (size_t at = from; find(text, at, begin_mark, BEGIN_SIZE, mark); at = *mark + BEGIN_SIZE) {
        *start = line_start(text, from, *mark);
        if (*start != SIZE_MAX)
            return true;
    }
    return false;
}

/* The label that ends with five dashes on the same line (RFC 7468 section 3: printable characters without a hyphen-minus at either end). */
static bool read_label(struct csi_span text, size_t at, struct csi_span *label, size_t *past)
{
    static const char usual[] = "CERTIFICATE-----";
    if (starts_with(text, at, usual, sizeof usual - 1)) {
        *label = csi_span(text.data + at, sizeof usual - 1 - DASHES);
        *past = at + sizeof usual - 1;
        return true;
    }
    for (size_t i = at; i < text.size && i - at <= LABEL_MAX; i++) {
        const uint8_t c = text.data[i];
        if (c == '-' && starts_with(text, i, dashes, DASHES)) {
            *label = csi_span(text.data + at, i - at);
            *past = i + DASHES;
            return true;
        }
        if (c < 0x20 || c > 0x7e)
            return false;
    }
    return false;
}

/* Past the blanks of a line and its end. */
static size_t skip_line_end(struct csi_span text, size_t at)
{
    size_t past = at;
    while (past < text.size && is_blank(text.data[past]))
        past++;
    if (past == text.size)
        return past;
    if (!is_line_end(text.data[past]))
        return at;
    const bool pair = text.data[past] == '\r' && past + 1 < text.size && text.data[past + 1] == '\n';
    return past + (pair ? 2 : 1);
}

/* Nearly every line ends with a LF close by, which memchr finds before a loop has started; a longer line is looked through one by one. */
static size_t find_line_end(struct csi_span text, size_t at)
{
    enum { NEAR = 128 };
    const uint8_t *lf = memchr(text.data + at, '\n', text.size - at < NEAR ? text.size - at : NEAR);
    const uint8_t *cr = lf != NULL ? memchr(text.data + at, '\r', (size_t)(lf - text.data) - at) : NULL;
    size_t end = at;
    if (lf != NULL)
        return (size_t)((cr != NULL ? cr : lf) - text.data);
    while (end < text.size && !is_line_end(text.data[end]))
        end++;
    return end;
}

/* The end of a line's characters, blanks at its end left out; *next is the start of the line after it. */
static size_t line_end(struct csi_span text, size_t at, size_t *next)
{
    size_t end = find_line_end(text, at);
    *next = skip_line_end(text, end);
    while (end > at && is_blank(text.data[end - 1]))
        end--;
    return end;
}

static struct csi_span without_blanks_before(struct csi_span body)
{
    size_t at = 0;
    while (at < body.size && (is_blank(body.data[at]) || is_line_end(body.data[at])))
        at++;
    return csi_span(body.data + at, body.size - at);
}

/* RFC 1421 section 4.4: headers stand before the data and end with an empty line. There are some if the first line holds a colon, which
 * no base64 does. */
static bool split_headers(struct csi_span text, struct csi_span *headers, struct csi_span *data)
{
    const struct csi_span body = without_blanks_before(text);
    size_t next;
    const size_t end = line_end(body, 0, &next);
    *headers = csi_span(body.data, 0);
    *data = body;
    if (memchr(body.data, ':', end) == NULL)
        return true;
    for (size_t line = next; line < body.size; line = next) {
        if (line_end(body, line, &next) == line) {
            *headers = csi_span(body.data, line);
            *data = csi_span(body.data + next, body.size - next);
            return true;
        }
    }
    return false;
}

/* Whether the END of that label stands at `at`. *past is what follows its dashes. */
static bool is_end(struct csi_span text, size_t at, struct csi_span label, size_t *past)
{
    const size_t name = at + END_SIZE, after = name + label.size;
    if (!starts_with(text, at, end_mark, END_SIZE) || !starts_with(text, name, (const char *)label.data, label.size) ||
        !starts_with(text, after, dashes, DASHES))
        return false;
    *past = after + DASHES;
    return true;
}

/* The END that belongs to a BEGIN whose body starts at `body`. *close is where it stands, *past what follows its dashes. */
static certstore_status find_end(struct csi_span text, size_t mark, size_t body, struct csi_span label, size_t *close, size_t *past,
                                 certstore_error *err)
{
    const int size = (int)label.size;
    const char *name = (const char *)label.data;
    struct csi_span end_label;
    if (!find(text, body, dashes, DASHES, close))
        return csi_fail(err, CERTSTORE_E_TRUNCATED, "line %zu: BEGIN %.*s has no END; the file is cut short", csi_pem_line(text, mark), size, name);
    if (!starts_with(text, *close, end_mark, END_SIZE))
        return csi_fail(err, CERTSTORE_E_MALFORMED, "line %zu: BEGIN %.*s has no END before line %zu; add the missing lines",
                        csi_pem_line(text, mark), size, name, csi_pem_line(text, *close));
    if (!read_label(text, *close + END_SIZE, &end_label, past))
        return csi_fail(err, text.size - *close < LABEL_MAX ? CERTSTORE_E_TRUNCATED : CERTSTORE_E_MALFORMED,
                        "line %zu: an END line that does not end in five dashes; mend it", csi_pem_line(text, *close));
    if (!csi_span_equal(label, end_label))
        return csi_fail(err, CERTSTORE_E_MALFORMED, "line %zu: END %.*s does not match BEGIN %.*s of line %zu; mend one of them",
                        csi_pem_line(text, *close), (int)end_label.size, (const char *)end_label.data, size, name, csi_pem_line(text, mark));
    return CERTSTORE_OK;
}

certstore_status csi_pem_next(struct csi_pem_scan *scan, struct csi_pem_block *block, bool *found, certstore_error *err)
{
    const struct csi_span text = scan->text;
    size_t mark = 0, body = 0, close = 0, past = 0;
    *found = find_begin(text, scan->at, &mark, &block->begin);
    if (!*found)
        return CERTSTORE_OK;
    if (!read_label(text, mark + BEGIN_SIZE, &block->label, &body))
        return csi_fail(err, CERTSTORE_E_MALFORMED, "line %zu: a BEGIN line that does not end in five dashes; mend or remove it",
                        csi_pem_line(text, mark));
    CSI_TRY(find_end(text, mark, body, block->label, &close, &past, err));
    if (!split_headers(csi_span(text.data + body, close - body), &block->headers, &block->data))
        return csi_fail(err, CERTSTORE_E_MALFORMED, "line %zu: the headers of %.*s end without an empty line; add it", csi_pem_line(text, mark),
                        (int)block->label.size, (const char *)block->label.data);
    block->end = skip_line_end(text, past);
    scan->at = block->end;
    return CERTSTORE_OK;
}

bool csi_pem_take(struct csi_pem_scan *scan, struct csi_pem_block *block, uint8_t *out, size_t *size)
{
    const struct csi_span text = scan->text;
    size_t mark = 0, body = 0, past = 0, stop = 0;
    *size = 0;
    if (!find_begin(text, scan->at, &mark, &block->begin) || !read_label(text, mark + BEGIN_SIZE, &block->label, &body))
        return false;
    if (!csi_base64_decode_to_dash(csi_span(text.data + body, text.size - body), out, size, &stop)) {
        *size = csi_base64_room(stop + 64 < text.size - body ? stop + 64 : text.size - body); /* decoded a line at a time */
        return false;
    }
    if (!is_end(text, body + stop, block->label, &past))
        return false;
    block->data = without_blanks_before(csi_span(text.data + body, stop));
    block->headers = csi_span(block->data.data, 0);
    block->end = skip_line_end(text, past);
    scan->at = block->end;
    return true;
}

/* RFC 1421 section 4.3.2.4: "each line except the last containing exactly 64 printable characters and the final line containing 64 or
 * fewer". Asked of data under headers, as OpenSSL does: a cipher text whose lines were joined or cut elsewhere has lost characters before. */
static bool lines_of_64(struct csi_span data, size_t *bad)
{
    bool last = false;
    for (size_t at = 0, next; at < data.size; at = next) {
        const size_t size = line_end(data, at, &next) - at;
        if (size > 64 || (last && size > 0)) {
            *bad = at;
            return false;
        }
        last = last || size < 64;
    }
    return true;
}

/* A line that begins with a hyphen-minus ends the data, as it does for OpenSSL: what follows up to END is a comment. */
static bool is_comment(struct csi_span data, size_t at)
{
    return at > 0 && at < data.size && data.data[at] == '-' && is_line_end(data.data[at - 1]);
}

certstore_status csi_pem_decode(const struct csi_pem_scan *scan, struct csi_pem_block *block, uint8_t *out, size_t *size, certstore_error *err)
{
    size_t bad = 0;
    const char *why = NULL;
    if (block->headers.size > 0 && !lines_of_64(block->data, &bad))
        why = "a line of encrypted data that is not 64 characters long";
    else if (csi_base64_decode(block->data, out, size, &bad, &why))
        return CERTSTORE_OK;
    else if (is_comment(block->data, bad) && csi_base64_decode(csi_span(block->data.data, bad), out, size, &bad, &why)) {
        block->data.size = bad;
        return CERTSTORE_OK;
    }
    const size_t at = (size_t)(block->data.data - scan->text.data) + bad;
    return csi_fail(err, CERTSTORE_E_MALFORMED, "line %zu: %s in %.*s; restore the block from its source", csi_pem_line(scan->text, at), why,
                    (int)block->label.size, (const char *)block->label.data);
}

bool csi_pem_label_is(const struct csi_pem_block *block, const char *label)
{
    return csi_span_equal(block->label, csi_span_text(label));
}

bool csi_pem_header(struct csi_span headers, const char *name, struct csi_span *value)
{
    const size_t name_size = strlen(name);
    for (size_t at = 0, next; at < headers.size; at = next) {
        const size_t end = line_end(headers, at, &next);
        if (end - at <= name_size || memcmp(headers.data + at, name, name_size) != 0 || headers.data[at + name_size] != ':')
            continue;
        size_t start = at + name_size + 1;
        while (start < end && is_blank(headers.data[start]))
            start++;
        *value = csi_span(headers.data + start, end - start);
        return true;
    }
    return false;
}

void csi_pem_write(struct csi_buf *out, const char *label, struct csi_span der)
{
    csi_buf_put_text(out, begin_mark);
    csi_buf_put_text(out, label);
    csi_buf_put_text(out, "-----\n");
    csi_base64_encode_lines(der, out);
    csi_buf_put_text(out, end_mark);
    csi_buf_put_text(out, label);
    csi_buf_put_text(out, "-----\n");
}
