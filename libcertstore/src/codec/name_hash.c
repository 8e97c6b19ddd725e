/* SPDX-License-Identifier: Apache-2.0 */
/*
 * name_hash.c: the first four bytes, little-endian, of the SHA-1 of a Name's canonical form.
 *
 * The form is OpenSSL's own. Character strings become UTF8String, without white space at the ends, with one blank for every run within,
 * ASCII letters in lower case; other values stay as they are. The SETs follow one another without the SEQUENCE around them, each with its
 * members in DER order. Computed here and not by OpenSSL because d2i_X509 costs a hundred times as much for each certificate.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* SHA-1 is what the names are made with; the low-level calls need no provider */
#include "codec/name_hash.h"

#include <openssl/sha.h>

#include "base/reader.h"
#include "base/text.h"
#include "base/writer.h"

/* The four bytes of each character. */
static bool from_universal(struct csi_span in, struct csi_buf *out)
{
    if (in.size % 4 != 0)
        return false;
    for (size_t i = 0; i < in.size; i += 4) {
        const uint32_t c = (uint32_t)in.data[i] << 24 | (uint32_t)in.data[i + 1] << 16 | (uint32_t)in.data[i + 2] << 8 | in.data[i + 3];
        if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
            return false;
        csi_utf8_put(out, (int32_t)c);
    }
    return true;
}

/* A Latin-1 byte or an ASCII one: OpenSSL reads T61String as the former. Ours of U+0000 is two bytes, a canonical name has one. */
static void from_bytes(struct csi_span in, struct csi_buf *out)
{
    for (size_t i = 0; i < in.size; i++) {
        if (in.data[i] < 0x80)
            csi_buf_put_u8(out, in.data[i]);
        else
            csi_utf8_put(out, in.data[i]);
    }
}

/* Sets *is_text to false for types that are no character strings. False: malformed. */
static bool to_utf8(const struct csi_tlv *value, struct csi_buf *out, bool *is_text)
{
    *is_text = true;
    switch (value->tag) {
    case CSI_DER_UTF8_STRING:
        csi_buf_put_span(out, value->content);
        return true;
    case CSI_DER_PRINTABLE_STRING:
    case CSI_DER_T61_STRING:
    case CSI_DER_IA5_STRING:
    case 0x1a: /* VisibleString */
        from_bytes(value->content, out);
        return true;
    case CSI_DER_BMP_STRING:
        return csi_text_from_utf16be(value->content, out);
    case CSI_DER_UNIVERSAL_STRING:
        return from_universal(value->content, out);
    default:
        *is_text = false;
        return true;
    }
}

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void fold(struct csi_buf *text)
{
    size_t from = 0, to = 0, end = text->size;
    while (from < end && is_space(text->data[from]))
        from++;
    while (end > from && is_space(text->data[end - 1]))
        end--;
    while (from < end) {
        uint8_t c = text->data[from++];
        if (is_space(c)) {
            c = ' ';
            while (is_space(text->data[from]))
                from++;
        }
        text->data[to++] = (uint8_t)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    text->size = to;
}

/* One buffer of each kind for a whole name: a name has as many values as a certificate has other fields. */
struct room {
    struct csi_buf text;
    struct csi_buf content;
    struct csi_buf members;
    struct csi_buf sorted;
};

static void clear(struct room *room)
{
    csi_buf_free(&room->text);
    csi_buf_free(&room->content);
    csi_buf_free(&room->members);
    csi_buf_free(&room->sorted);
}

/* SEQUENCE { type, value } in its canonical form. */
static bool canonical_member(struct csi_reader *set, struct room *room)
{
    struct csi_reader member;
    struct csi_tlv type, value;
    bool is_text;
    room->text.size = room->content.size = 0;
    if (!csi_der_enter(set, CSI_DER_SEQUENCE, &member) || !csi_der_expect(&member, CSI_DER_OID, &type) || !csi_der_next(&member, &value) ||
        csi_left(&member) > 0 || !to_utf8(&value, &room->text, &is_text))
        return false;
    fold(&room->text);
    csi_buf_put_span(&room->content, type.whole);
    if (is_text)
        csi_der_put(&room->content, CSI_DER_UTF8_STRING, csi_buf_span(&room->text));
    else
        csi_buf_put_span(&room->content, value.whole);
    csi_der_put(&room->members, CSI_DER_SEQUENCE, csi_buf_span(&room->content));
    return !room->text.failed && !room->content.failed && !room->members.failed;
}

static int compare_spans(const void *a, const void *b)
{
    const struct csi_span *x = a, *y = b;
    const int order = memcmp(x->data, y->data, x->size < y->size ? x->size : y->size);
    return order != 0 ? order : (x->size > y->size) - (x->size < y->size);
}

/* X.690 section 11.6: the members of a SET OF stand in ascending order of their encodings. */
enum { MEMBERS_MAX = 64 };
static bool canonical_set(struct csi_reader *rdn, struct room *room, struct csi_buf *out)
{
    struct csi_span spans[MEMBERS_MAX];
    struct csi_tlv tlv;
    size_t count = 0;
    room->members.size = room->sorted.size = 0;
    while (csi_left(rdn) > 0)
        if (!canonical_member(rdn, room))
            return false;
    struct csi_reader r = csi_reader(csi_buf_span(&room->members));
    while (count < MEMBERS_MAX && csi_der_next(&r, &tlv))
        spans[count++] = tlv.whole;
    if (csi_left(&r) > 0)
        return false; /* no real name has so many values in one place */
    if (count > 1)
        qsort(spans, count, sizeof *spans, compare_spans);
    for (size_t i = 0; i < count; i++)
        csi_buf_put_span(&room->sorted, spans[i]);
    if (count > 0)
        csi_der_put(out, CSI_DER_SET, csi_buf_span(&room->sorted));
    return !room->sorted.failed && !out->failed;
}

bool csi_name_hash(struct csi_span name, uint32_t *hash)
{
    struct csi_reader r = csi_reader(name), names, rdn;
    CSI_AUTO_BUF canonical = { 0 };
    struct room room __attribute__((cleanup(clear))) = { 0 };
    uint8_t digest[SHA_DIGEST_LENGTH];
    SHA_CTX sha;
    if (!csi_der_enter(&r, CSI_DER_SEQUENCE, &names))
        return false;
    while (csi_left(&names) > 0)
        if (!csi_der_enter(&names, CSI_DER_SET, &rdn) || !canonical_set(&rdn, &room, &canonical))
            return false;
    SHA1_Init(&sha);
    SHA1_Update(&sha, canonical.data, canonical.size);
    SHA1_Final(digest, &sha);
    *hash = (uint32_t)digest[0] | (uint32_t)digest[1] << 8 | (uint32_t)digest[2] << 16 | (uint32_t)digest[3] << 24;
    return true;
}
