/* SPDX-License-Identifier: Apache-2.0 */
/* name.c: a Name as the text of RFC 4514, written straight from its DER. */
#include "base/text.h"
#include "model/cert.h"

/* RFC 4514 section 3: the attribute types every reader must know, and the few that certificates carry besides. */
static const struct attribute {
    uint8_t size;
    uint8_t oid[10];
    uint8_t name_size;
    const char name[14];
} attributes[] = {
    { 3, { 0x55, 0x04, 0x03 }, 3, "CN=" },
    { 3, { 0x55, 0x04, 0x0a }, 2, "O=" },
    { 3, { 0x55, 0x04, 0x06 }, 2, "C=" },
    { 3, { 0x55, 0x04, 0x0b }, 3, "OU=" },
    { 3, { 0x55, 0x04, 0x07 }, 2, "L=" },
    { 3, { 0x55, 0x04, 0x08 }, 3, "ST=" },
    { 3, { 0x55, 0x04, 0x09 }, 7, "STREET=" },
    { 10, { 0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19 }, 3, "DC=" },
    { 10, { 0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01 }, 4, "UID=" },
    { 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01 }, 13, "emailAddress=" },
    { 3, { 0x55, 0x04, 0x05 }, 13, "serialNumber=" },
    { 3, { 0x55, 0x04, 0x04 }, 3, "SN=" },
    { 3, { 0x55, 0x04, 0x2a }, 3, "GN=" },
    { 3, { 0x55, 0x04, 0x0c }, 6, "title=" },
};

/* By the last octet first, in which they differ. */
static const struct attribute *attribute_of(struct csi_span oid)
{
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes && oid.size > 0; i++) {
        const struct attribute *a = &attributes[i];
        if (a->size == oid.size && a->oid[oid.size - 1] == oid.data[oid.size - 1] && memcmp(a->oid, oid.data, oid.size) == 0)
            return a;
    }
    return NULL;
}

/* True for a value whose octets are its text in UTF-8 already. */
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

#define EACH(c) (UINT64_C(0x0101010101010101) * (c))

/* The top bit of each octet that is 0, and perhaps of those above one that is. */
static uint64_t zeros(uint64_t eight)
{
    return (eight - EACH(1)) & ~eight & EACH(0x80);
}

/* Not 0 if one of eight octets is no printable ASCII, or one of those that are escaped everywhere: "+,;<>\. (+ and ; differ in one bit, as do ,
 * and <.) */
static uint64_t wants_thought(uint64_t eight)
{
    const uint64_t unprintable = ((eight - EACH(0x20)) | (eight + EACH(1)) | eight) & EACH(0x80);
    const uint64_t joined = eight | EACH('+' ^ ';');
    return unprintable | zeros(joined ^ EACH(';')) | zeros(joined ^ EACH('<')) | zeros(eight ^ EACH('>')) | zeros(eight ^ EACH('"')) |
           zeros(eight ^ EACH('\\'));
}

/* True for a value that is written as it is: ASCII without anything to be escaped, as nearly all are. */
static bool is_verbatim(const struct csi_tlv *value)
{
    const struct csi_span text = value->content;
    if ((value->tag != CSI_DER_UTF8_STRING && value->tag != CSI_DER_PRINTABLE_STRING && value->tag != CSI_DER_IA5_STRING) || text.size == 0 ||
        text.data[0] == ' ' || text.data[0] == '#' || text.data[text.size - 1] == ' ')
        return false;
    uint64_t found = 0;
    for (size_t at = 0; at < text.size; at += 8) {
        uint64_t eight = EACH('a');
        memcpy(&eight, text.data + at, text.size - at < 8 ? text.size - at : 8);
        found |= wants_thought(eight);
    }
    return found == 0;
}

static void put_verbatim(const struct attribute *attribute, struct csi_span value, struct csi_buf *out)
{
    uint8_t *room = csi_buf_reserve(out, attribute->name_size + value.size);
    if (room == NULL)
        return;
    memcpy(room, attribute->name, attribute->name_size);
    memcpy(room + attribute->name_size, value.data, value.size);
    out->size += attribute->name_size + value.size;
}

/* Section 2.4: the hexadecimal BER of a value whose type has no string form here. */
static void put_hex(struct csi_span ber, struct csi_buf *out)
{
    csi_buf_put_u8(out, '#');
    for (size_t i = 0; i < ber.size; i++)
        csi_buf_printf(out, "%02x", ber.data[i]);
}

static bool put_unknown(struct csi_span oid, struct csi_span ber, struct csi_buf *out)
{
    char text[256];
    if (!csi_oid_text(oid, text, sizeof text))
        return false;
    csi_buf_put_text(out, text);
    csi_buf_put_u8(out, '=');
    put_hex(ber, out);
    return true;
}

static bool put_attribute(struct csi_reader *set, struct csi_buf *out)
{
    struct csi_reader pair;
    struct csi_tlv type;
    struct csi_tlv value;
    if (!csi_der_enter(set, CSI_DER_SEQUENCE, &pair) || !csi_der_expect(&pair, CSI_DER_OID, &type) || !csi_der_next(&pair, &value))
        return false;
    const struct attribute *attribute = attribute_of(type.content);
    if (attribute == NULL)
        return put_unknown(type.content, value.whole, out);
    if (is_verbatim(&value)) {
        put_verbatim(attribute, value.content, out);
        return true;
    }
    csi_buf_put(out, attribute->name, attribute->name_size);
    CSI_AUTO_BUF text = { 0 };
    if (is_utf8(&value))
        put_escaped(value.content, out);
    else if (value_text(&value, &text))
        put_escaped(csi_buf_span(&text), out);
    else if (!text.failed)
        put_hex(value.whole, out);
    return !text.failed;
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
