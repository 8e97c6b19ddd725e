/* SPDX-License-Identifier: Apache-2.0 */
/* record.c: flat JSON objects (RFC 8259) of strings and integers, written one way and read strictly. */
#include "txn/record.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/reader.h"

void csi_record_free(struct csi_record *record)
{
    for (size_t i = 0; i < record->count; i++) {
        free(record->fields[i].name);
        free(record->fields[i].text);
    }
    free(record->fields);
    *record = (struct csi_record){ 0 };
}

/* Takes name and text. */
static void add(struct csi_record *record, char *name, char *text, bool is_text, int64_t number)
{
    certstore_error none = { 0 };
    struct csi_field *fields = csi_grow(record->fields, &record->capacity, record->count + 1, sizeof *fields, &none);
    if (fields != NULL)
        record->fields = fields;
    if (fields == NULL || name == NULL || (is_text && text == NULL)) {
        record->failed = true;
        free(name);
        free(text);
        return;
    }
    fields[record->count++] = (struct csi_field){ .name = name, .text = text, .number = number };
}

void csi_record_put(struct csi_record *record, const char *name, const char *text)
{
    add(record, strdup(name), strdup(text), true, 0);
}

void csi_record_put_int(struct csi_record *record, const char *name, int64_t number)
{
    add(record, strdup(name), NULL, false, number);
}

static const struct csi_field *find(const struct csi_record *record, const char *name)
{
    for (size_t i = 0; i < record->count; i++)
        if (strcmp(record->fields[i].name, name) == 0)
            return &record->fields[i];
    return NULL;
}

const char *csi_record_get(const struct csi_record *record, const char *name)
{
    const struct csi_field *field = find(record, name);
    return field != NULL && field->text != NULL ? field->text : "";
}

int64_t csi_record_get_int(const struct csi_record *record, const char *name, int64_t fallback)
{
    const struct csi_field *field = find(record, name);
    return field != NULL && field->text == NULL ? field->number : fallback;
}

/* Quote and backslash are encoded as well, so that a string never needs an escape of JSON's. */
static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x7f && c != '%' && c != '"' && c != '\\';
}

static void put_text(struct csi_buf *out, const char *text)
{
    csi_buf_put_u8(out, '"');
    for (const uint8_t *c = (const uint8_t *)text; *c != '\0'; c++) {
        if (is_plain(*c))
            csi_buf_put_u8(out, *c);
        else
            csi_buf_printf(out, "%%%02x", *c);
    }
    csi_buf_put_u8(out, '"');
}

certstore_status csi_record_write(const struct csi_record *record, struct csi_buf *out, certstore_error *err)
{
    if (record->failed)
        return csi_error_memory(err);
    for (size_t i = 0; i < record->count; i++) {
        const struct csi_field *field = &record->fields[i];
        csi_buf_put_u8(out, i == 0 ? '{' : ',');
        put_text(out, field->name);
        csi_buf_put_u8(out, ':');
        if (field->text != NULL)
            put_text(out, field->text);
        else
            csi_buf_printf(out, "%" PRId64, field->number);
    }
    csi_buf_put_text(out, record->count > 0 ? "}" : "{}");
    return csi_buf_check(out, err);
}

static void skip_spaces(struct csi_reader *r)
{
    while (r->at < r->end && *r->at == ' ')
        r->at++;
}

/* The next token, if it is that character. */
static bool take(struct csi_reader *r, char c)
{
    skip_spaces(r);
    if (r->at == r->end || *r->at != (uint8_t)c)
        return false;
    r->at++;
    return true;
}

static int hex_value(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The character that a string's next byte begins: itself, or %xx, which is never 00 and never what stands for itself (one text, one spelling). */
static bool take_char(struct csi_reader *r, uint8_t c, char *out)
{
    *out = (char)c;
    if (c != '%')
        return is_plain(c);
    uint8_t high = 0;
    uint8_t low = 0;
    if (!csi_read_u8(r, &high) || !csi_read_u8(r, &low) || hex_value(high) < 0 || hex_value(low) < 0)
        return false;
    c = (uint8_t)(hex_value(high) << 4 | hex_value(low));
    *out = (char)c;
    return c != 0 && !is_plain(c);
}

/* NULL: no text, or no memory for it, which record->failed tells. */
static char *take_text(struct csi_reader *r, struct csi_record *record)
{
    if (!take(r, '"'))
        return NULL;
    const uint8_t *close = memchr(r->at, '"', csi_left(r));
    if (close == NULL)
        return NULL;
    struct csi_reader inside = csi_reader(csi_span(r->at, (size_t)(close - r->at)));
    CSI_AUTO(csi_chars) *text = malloc(csi_left(&inside) + 1);
    if (text == NULL) {
        record->failed = true;
        return NULL;
    }
    size_t size = 0;
    uint8_t c = 0;
    while (csi_read_u8(&inside, &c))
        if (!take_char(&inside, c, &text[size++]))
            return NULL;
    text[size] = '\0';
    r->at = close + 1;
    return csi_steal(&text);
}

/* -?(0|[1-9][0-9]*), within int64_t. */
static bool take_number(struct csi_reader *r, int64_t *number)
{
    skip_spaces(r);
    bool negative = take(r, '-');
    const uint8_t *start = r->at;
    int64_t value = 0;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9') {
        int digit = *r->at++ - '0';
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_sub_overflow(value, digit, &value))
            return false;
    }
    if (r->at == start || (*start == '0' && r->at - start > 1) || (!negative && value == INT64_MIN))
        return false;
    *number = negative ? value : -value;
    return true;
}

static bool take_field(struct csi_reader *r, struct csi_record *record)
{
    CSI_AUTO(csi_chars) *name = take_text(r, record);
    if (name == NULL || find(record, name) != NULL || !take(r, ':'))
        return false;
    skip_spaces(r);
    if (r->at < r->end && *r->at == '"') {
        char *text = take_text(r, record);
        if (text == NULL)
            return false;
        add(record, csi_steal(&name), text, true, 0);
        return true;
    }
    int64_t number = 0;
    if (!take_number(r, &number))
        return false;
    add(record, csi_steal(&name), NULL, false, number);
    return true;
}

static bool take_record(struct csi_reader *r, struct csi_record *record)
{
    if (!take(r, '{'))
        return false;
    if (!take(r, '}')) {
        do
            if (!take_field(r, record))
                return false;
        while (take(r, ','));
        if (!take(r, '}'))
            return false;
    }
    skip_spaces(r);
    return csi_left(r) == 0;
}

certstore_status csi_record_read(struct csi_span line, struct csi_record *record, certstore_error *err)
{
    struct csi_reader r = csi_reader(line);
    bool whole = line.size <= CSI_RECORD_MAX && take_record(&r, record);
    if (record->failed)
        return csi_error_memory(err);
    if (!whole)
        return csi_fail(err, CERTSTORE_E_MALFORMED, "journal: a record is not what this library writes; it was damaged or edited");
    return CERTSTORE_OK;
}
