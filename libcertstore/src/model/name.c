/* SPDX-License-Identifier: Apache-2.0 */
/* name.c: a Name as the text of RFC 4514, written straight from its DER. */
#include "base/text.h"
#include "model/cert.h"

/* RFC 4514 section 3: the attribute types every reader must know, and the few that certificates carry besides. */
static const struct attribute {
    uint8_t size;
    uint8_t oid[10];
    const char *name;
} attributes[] = {
    { 3, { 0x55, 0x04, 0x03 }, "CN" },
    { 3, { 0x55, 0x04, 0x07 }, "L" },
    { 3, { 0x55, 0x04, 0x08 }, "ST" },
    { 3, { 0x55, 0x04, 0x0a }, "O" },
    { 3, { 0x55, 0x04, 0x0b }, "OU" },
    { 3, { 0x55, 0x04, 0x06 }, "C" },
    { 3, { 0x55, 0x04, 0x09 }, "STREET" },
    { 10, { 0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19 }, "DC" },
    { 10, { 0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01 }, "UID" },
    { 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01 }, "emailAddress" },
    { 3, { 0x55, 0x04, 0x05 }, "serialNumber" },
    { 3, { 0x55, 0x04, 0x04 }, "SN" },
    { 3, { 0x55, 0x04, 0x2a }, "GN" },
    { 3, { 0x55, 0x04, 0x0c }, "title" },
};

static bool put_type(struct csi_span oid, struct csi_buf *out, bool *known)
{
    char text[256];
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
        if (!csi_span_equal(oid, csi_span(attributes[i].oid, attributes[i].size)))
            continue;
        csi_buf_put_text(out, attributes[i].name);
        *known = true;
        return true;
    }
    *known = false;
    if (!csi_oid_text(oid, text, sizeof text))
        return false;
    csi_buf_put_text(out, text);
    return true;
}

/* True for a value whose octets are its text in UTF-8 already, as nearly all are. */
static bool is_utf8(const struct csi_tlv *value)
{
    if (value->tag == CSI_DER_UTF8_STRING)
        return csi_utf8_valid(value->content);
    return (value->tag == CSI_DER_PRINTABLE_STRING || value->tag == CSI_DER_IA5_STRING) && csi_text_ascii(value->content);
}

/* The value as UTF-8; false for a type of string that is none of X.520's DirectoryString or IA5String, or for bytes that are not its. */
static bool value_text(const struct csi_tlv *value, struct csi_buf *text)
{
    switch (value->tag) {
    case CSI_DER_UTF8_STRING:
        csi_buf_put_span(text, value->content);
        return csi_utf8_valid(value->content);
    case CSI_DER_PRINTABLE_STRING:
    case CSI_DER_IA5_STRING:
    case CSI_DER_T61_STRING: /* read as Latin-1, as everybody does */
    case 0x12:               /* NumericString */
    case 0x1a:               /* VisibleString */
        csi_text_from_latin1(value->content, text);
        return true;
    case CSI_DER_BMP_STRING:
        return csi_text_from_utf16be(value->content, text);
    case CSI_DER_UNIVERSAL_STRING:
        if (value->content.size % 4 != 0)
            return false;
        for (size_t i = 0; i < value->content.size; i += 4) {
            const uint8_t *p = value->content.data + i;
            int32_t c = p[1] << 16 | p[2] << 8 | p[3];
            if (p[0] != 0 || c > 0x10ffff)
                return false;
            csi_utf8_put(text, c);
        }
        return true;
    default:
        return false;
    }
}

/* Neither escaped anywhere nor a blank, which is at the edges, nor the first octet of our U+0000: one bit an octet. */
static bool needs_no_thought(uint8_t c)
{
    static const uint64_t plain[] = {
        0xa7ffe7f000000000,                     /* not " # + , ; < >, nor controls and blank */
        0x7fffffffefffffff,                     /* not \ nor DEL */
        0xffffffffffffffff, 0xfffffffffffffffe, /* not 0xc0 */
    };
    return (plain[c / 64] >> (c % 64) & 1) != 0;
}

/* How many octets from there on are written as they are: those, and blanks between others. */
static size_t plain_run(struct csi_span text, size_t from)
{
    size_t at = from;
    while (at < text.size && (needs_no_thought(text.data[at]) || (text.data[at] == ' ' && at > 0 && at + 1 < text.size)))
        at++;
    return at - from;
}

/* RFC 4514 section 2.4: what must be escaped, and where. Control characters as \hh, so that a name cannot break a line. */
static void put_escaped(struct csi_span text, struct csi_buf *out)
{
    for (size_t i = 0; i < text.size; i++) {
        size_t run = plain_run(text, i);
        csi_buf_put(out, text.data + i, run);
        i += run;
        if (i == text.size)
            return;
        uint8_t c = text.data[i];
        bool edge = (i == 0 && (c == ' ' || c == '#')) || (i + 1 == text.size && c == ' ');
        bool nul = c == 0xc0 && i + 1 < text.size && text.data[i + 1] == 0x80; /* our U+0000 */
        if (nul) {
            csi_buf_put_text(out, "\\00");
            i++;
        } else if (c < 0x20 || c == 0x7f) {
            csi_buf_printf(out, "\\%02x", c);
        } else {
            if (edge || strchr("\"+,;<>\\", c) != NULL)
                csi_buf_put_u8(out, '\\');
            csi_buf_put_u8(out, c);
        }
    }
}

static bool put_attribute(struct csi_reader *set, struct csi_buf *out)
{
    struct csi_reader pair;
    struct csi_tlv type;
    struct csi_tlv value;
    bool known;
    if (!csi_der_enter(set, CSI_DER_SEQUENCE, &pair) || !csi_der_expect(&pair, CSI_DER_OID, &type) || !csi_der_next(&pair, &value) ||
        !put_type(type.content, out, &known))
        return false;
    csi_buf_put_u8(out, '=');
    if (known && is_utf8(&value)) {
        put_escaped(value.content, out);
        return true;
    }
    CSI_AUTO_BUF text = { 0 };
    if (known && value_text(&value, &text)) {
        put_escaped(csi_buf_span(&text), out);
        return !text.failed;
    }
    if (text.failed)
        return false;
    csi_buf_put_u8(out, '#'); /* section 2.4: the hexadecimal BER of a value whose type has no string form here */
    for (size_t i = 0; i < value.whole.size; i++)
        csi_buf_printf(out, "%02x", value.whole.data[i]);
    return true;
}

static bool put_rdn(struct csi_span content, struct csi_buf *out)
{
    struct csi_reader set = csi_reader(content);
    for (bool first = true; csi_left(&set) > 0; first = false) {
        if (!first)
            csi_buf_put_u8(out, '+');
        if (!put_attribute(&set, out))
            return false;
    }
    return true;
}

/* Section 2.1: "starting with the last element of the sequence and moving backwards toward the first". DER is read forwards, so the RDNs are
 * noted first; a name with more of them than fit is no name. */
bool csi_name_text(struct csi_span name, struct csi_buf *out)
{
    enum { MAX_RDNS = 64 };
    struct csi_reader outer = csi_reader(name);
    struct csi_reader sequence;
    struct csi_span rdns[MAX_RDNS];
    struct csi_tlv set;
    size_t count = 0;
    if (!csi_der_enter(&outer, CSI_DER_SEQUENCE, &sequence))
        return false;
    csi_buf_reserve(out, name.size); /* the text is hardly ever longer */
    while (csi_left(&sequence) > 0) {
        if (count == MAX_RDNS || !csi_der_expect(&sequence, CSI_DER_SET, &set))
            return false;
        rdns[count++] = set.content;
    }
    while (count-- > 0) {
        if (!put_rdn(rdns[count], out))
            return false;
        if (count > 0)
            csi_buf_put_u8(out, ',');
    }
    return true;
}
