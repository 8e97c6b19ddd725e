/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs12_ber.c: BER (X.690 section 8) into the DER that our cursor reads. RFC 7292 section 3.1 allows BER, and NSS, Netscape and Microsoft
 * write it: indefinite lengths, and OCTET STRINGs in segments down to one byte each.
 *
 * Time is bounded by input size times nesting depth, memory by about the input's size.
 */
#include "base/writer.h"
#include "codec/pkcs12.h"

enum { CONSTRUCTED = 0x20, CONSTRUCTED_OCTET_STRING = CSI_DER_OCTET_STRING | CONSTRUCTED, MAX_DEPTH = 256 };

struct header {
    uint8_t tag;
    bool indefinite;
    size_t size; /* of the content, when definite */
};

enum outcome { FINE, ENDS_EARLY, WRONG, TOO_DEEP };

static enum outcome read_header(struct csi_reader *r, struct header *h)
{
    uint8_t first;
    *h = (struct header){ 0 };
    if (!csi_read_u8(r, &h->tag) || !csi_read_u8(r, &first))
        return ENDS_EARLY;
    if ((h->tag & 0x1f) == 0x1f)
        return WRONG;
    h->size = first;
    if (first < 0x80)
        return FINE;
    size_t digits = first & 0x7f;
    h->indefinite = digits == 0;
    h->size = 0;
    if (h->indefinite)
        return (h->tag & CONSTRUCTED) != 0 ? FINE : WRONG;
    if (digits > sizeof h->size)
        return WRONG;
    for (size_t i = 0; i < digits; i++) {
        uint8_t digit;
        if (!csi_read_u8(r, &digit))
            return ENDS_EARLY;
        h->size = h->size << 8 | digit;
    }
    return FINE;
}

static bool at_end_of_contents(const struct csi_reader *r)
{
    return csi_left(r) >= 2 && r->at[0] == 0 && r->at[1] == 0;
}

/* How deep: all levels, which the stack bounds, and those that are not mere segments of a string, which the caller's limit bounds. */
struct depth {
    size_t all;
    size_t structures;
    size_t limit;
};

static enum outcome element(struct csi_reader *r, struct depth depth, bool segment, struct csi_buf *out);

/* The elements inside a constructed one, up to where it ends. */
static enum outcome contents(struct csi_reader *r, const struct header *h, struct depth depth, bool segments, struct csi_buf *out)
{
    depth.all++;
    depth.structures += segments ? 0 : 1;
    struct csi_reader inner = *r;
    if (!h->indefinite) {
        struct csi_span content;
        if (!csi_read_span(r, h->size, &content))
            return ENDS_EARLY;
        inner = csi_reader(content);
    }
    while (h->indefinite ? !at_end_of_contents(&inner) : csi_left(&inner) > 0) {
        enum outcome outcome = element(&inner, depth, segments, out);
        if (outcome == ENDS_EARLY && !h->indefinite)
            return WRONG; /* it runs over the end of what holds it, not over the end of the input */
        if (outcome != FINE)
            return outcome;
    }
    if (h->indefinite) {
        inner.at += 2;
        *r = inner;
    }
    return FINE;
}

/* One element; a segment of an OCTET STRING gives its content alone. */
static enum outcome element(struct csi_reader *r, struct depth depth, bool segment, struct csi_buf *out)
{
    struct header h;
    struct csi_span content;
    if (depth.structures > depth.limit || depth.all > MAX_DEPTH)
        return TOO_DEEP;
    enum outcome outcome = read_header(r, &h);
    if (outcome != FINE)
        return outcome;
    bool octets = h.tag == CONSTRUCTED_OCTET_STRING;
    if (segment && !octets && h.tag != CSI_DER_OCTET_STRING)
        return WRONG;
    if ((h.tag & CONSTRUCTED) == 0) {
        if (!csi_read_span(r, h.size, &content))
            return ENDS_EARLY;
        if (segment)
            csi_buf_put_span(out, content);
        else
            csi_der_put(out, h.tag, content);
        return FINE;
    }
    size_t from = out->size;
    outcome = contents(r, &h, depth, octets, out);
    if (outcome == FINE && !segment)
        csi_der_wrap(out, from, octets ? CSI_DER_OCTET_STRING : h.tag);
    return outcome;
}

csi_blob *csi_ber_normalise(struct csi_span ber, const struct csi_limits *limits, size_t *used, certstore_error *err)
{
    CSI_AUTO_BUF out = { 0 };
    uint64_t limit = limits->value[CERTSTORE_LIMIT_NESTING];
    struct csi_reader r = csi_reader(ber);
    const struct depth depth = { .limit = limit < MAX_DEPTH ? (size_t)limit : MAX_DEPTH };
    switch (element(&r, depth, false, &out)) {
    case FINE:
        *used = ber.size - csi_left(&r);
        return csi_blob_from_buf(&out, err);
    case ENDS_EARLY:
        csi_fail(err, CERTSTORE_E_TRUNCATED, "PKCS#12: the data ends too early; restore it from a copy");
        return NULL;
    case TOO_DEEP:
        csi_fail(err, CERTSTORE_E_LIMIT, "PKCS#12: nested more than %zu deep; raise that limit if you trust the input", depth.limit);
        return NULL;
    case WRONG:
        break;
    }
    csi_fail(err, CERTSTORE_E_MALFORMED, "PKCS#12: it is not well-formed ASN.1; restore it from a copy");
    return NULL;
}

/* Definite elements one after the other, none of them an OCTET STRING in segments? Depth first, without recursion: a definite constructed
 * element is simply entered, since nothing after it needs to know where it ended. */
bool csi_ber_needed(struct csi_span bytes)
{
    struct csi_reader r = csi_reader(bytes);
    struct header h;
    struct csi_span content;
    while (csi_left(&r) > 0) {
        if (read_header(&r, &h) != FINE)
            return false;
        if (h.indefinite || h.tag == CONSTRUCTED_OCTET_STRING)
            return true;
        if ((h.tag & CONSTRUCTED) == 0 && !csi_read_span(&r, h.size, &content))
            return false;
    }
    return false;
}
