/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pem_cms.c: what `openssl crl2pkcs7` and Windows call a PKCS#7 file: a CMS SignedData (RFC 5652 section 5.1) that carries certificates and
 * CRLs and mostly no signature at all.
 *
 *   SignedData ::= SEQUENCE { version, digestAlgorithms SET, encapContentInfo SEQUENCE, certificates [0] IMPLICIT SET OPTIONAL,
 *                             crls [1] IMPLICIT SET OPTIONAL, signerInfos SET }
 *
 * CMS is BER: lengths may be indefinite. Those are followed here; the certificates themselves are DER.
 */
#include "codec/pem.h"

/* One BER element: its tag, its content, and what follows it. */
static bool ber_next(struct csi_reader *r, uint8_t *tag, struct csi_span *content, struct csi_span *whole, unsigned depth);

/* The content of an indefinite-length element ends with 00 00 after its last member. */
static bool ber_indefinite(struct csi_reader *r, struct csi_span *content, unsigned depth)
{
    const uint8_t *start = r->at;
    while (csi_left(r) >= 2) {
        if (r->at[0] == 0 && r->at[1] == 0) {
            *content = csi_span(start, (size_t)(r->at - start));
            r->at += 2;
            return true;
        }
        uint8_t tag;
        struct csi_span inner, whole;
        if (depth == 0 || !ber_next(r, &tag, &inner, &whole, depth - 1))
            return false;
    }
    return false;
}

static bool ber_next(struct csi_reader *r, uint8_t *tag, struct csi_span *content, struct csi_span *whole, unsigned depth)
{
    struct csi_reader ahead = *r;
    struct csi_tlv tlv;
    if (csi_der_next(&ahead, &tlv)) {
        *tag = tlv.tag;
        *content = tlv.content;
        *whole = tlv.whole;
        *r = ahead;
        return true;
    }
    uint8_t length;
    ahead = *r;
    if (!csi_read_u8(&ahead, tag) || !csi_read_u8(&ahead, &length) || length != 0x80 || (*tag & 0x20) == 0 || (*tag & 0x1f) == 0x1f ||
        !ber_indefinite(&ahead, content, depth))
        return false;
    *whole = csi_span(r->at, (size_t)(ahead.at - r->at));
    *r = ahead;
    return true;
}

static bool enter(struct csi_reader *r, uint8_t wanted, struct csi_reader *inner, unsigned depth)
{
    uint8_t tag;
    struct csi_span content, whole;
    struct csi_reader ahead = *r;
    if (!ber_next(&ahead, &tag, &content, &whole, depth) || tag != wanted)
        return false;
    *r = ahead;
    *inner = csi_reader(content);
    return true;
}

static certstore_status add_members(struct csi_reader list, bool crl, const struct csi_limits *limits, struct csi_pem_members *members,
                                    certstore_error *err)
{
    struct csi_tlv tlv;
    while (csi_left(&list) > 0) {
        if (!csi_der_next(&list, &tlv))
            return csi_fail(err, CERTSTORE_E_MALFORMED, "PKCS7: a certificate or CRL in it is malformed; restore it from its source");
        if (tlv.tag != CSI_DER_SEQUENCE)
            continue; /* an attribute certificate or another format [n]: nothing that TLS uses */
        CSI_TRY(csi_limit_check(limits, CERTSTORE_LIMIT_ENTRIES, members->count + 1, err));
        struct csi_pem_member *items = csi_grow(members->items, &members->capacity, members->count + 1, sizeof *items, err);
        if (items == NULL)
            return err->status;
        members->items = items;
        items[members->count++] = (struct csi_pem_member){ .der = tlv.whole, .crl = crl };
    }
    return CERTSTORE_OK;
}

certstore_status csi_pem_cms_members(struct csi_span cms, const struct csi_limits *limits, struct csi_pem_members *members, certstore_error *err)
{
    static const uint8_t signed_data[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02 };
    const uint64_t nesting = limits->value[CERTSTORE_LIMIT_NESTING];
    const unsigned depth = nesting < 64 ? (unsigned)nesting : 64;
    struct csi_reader r = csi_reader(cms), info, content, data, list;
    struct csi_tlv tlv;
    uint8_t tag;
    struct csi_span inner, whole;
    if (!enter(&r, CSI_DER_SEQUENCE, &info, depth) || csi_left(&r) > 0 || !csi_der_expect(&info, CSI_DER_OID, &tlv))
        return csi_fail(err, CERTSTORE_E_MALFORMED, "PKCS7: no ContentInfo; restore it from its source");
    if (!csi_span_equal(tlv.content, csi_span(signed_data, sizeof signed_data)))
        return CERTSTORE_OK; /* enveloped or the like: no certificates in the clear */
    if (!enter(&info, CSI_DER_CONTEXT_CONSTRUCTED | 0, &content, depth) || !enter(&content, CSI_DER_SEQUENCE, &data, depth) ||
        !csi_der_expect(&data, CSI_DER_INTEGER, &tlv) || !enter(&data, CSI_DER_SET, &list, depth) || !ber_next(&data, &tag, &inner, &whole, depth) ||
        tag != CSI_DER_SEQUENCE)
        return csi_fail(err, CERTSTORE_E_MALFORMED, "PKCS7: no SignedData; restore it from its source");
    if (enter(&data, CSI_DER_CONTEXT_CONSTRUCTED | 0, &list, depth))
        CSI_TRY(add_members(list, false, limits, members, err));
    if (enter(&data, CSI_DER_CONTEXT_CONSTRUCTED | 1, &list, depth))
        CSI_TRY(add_members(list, true, limits, members, err));
    return CERTSTORE_OK;
}
