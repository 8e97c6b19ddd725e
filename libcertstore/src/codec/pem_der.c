/* SPDX-License-Identifier: Apache-2.0 */
/* pem_der.c: what PEM would call an object that came in bare DER. Tells them apart by their outline alone. */
#include "codec/pem.h"

/* CertificateList (RFC 5280 section 5.1): tbsCertList is version OPTIONAL, AlgorithmIdentifier, issuer, thisUpdate. *rest begins behind the
 * issuer. */
static bool enter_crl(struct csi_span der, struct csi_span *issuer, struct csi_reader *rest)
{
    struct csi_reader r = csi_reader(der), list;
    struct csi_tlv tlv;
    if (!csi_der_enter(&r, CSI_DER_SEQUENCE, &list) || csi_left(&r) > 0 || !csi_der_enter(&list, CSI_DER_SEQUENCE, rest))
        return false;
    csi_der_expect(rest, CSI_DER_INTEGER, &tlv);
    if (!csi_der_expect(rest, CSI_DER_SEQUENCE, &tlv))
        return false;
    const bool named = csi_der_expect(rest, CSI_DER_SEQUENCE, &tlv);
    *issuer = tlv.whole;
    return named;
}

bool csi_pem_crl_issuer(struct csi_span der, struct csi_span *issuer)
{
    struct csi_reader rest;
    return enter_crl(der, issuer, &rest);
}

/* Where a CRL has a Time, a certificate has a SEQUENCE. */
bool csi_pem_is_crl(struct csi_span der)
{
    struct csi_reader rest;
    struct csi_span issuer;
    struct csi_tlv tlv;
    return enter_crl(der, &issuer, &rest) && csi_der_next(&rest, &tlv) && (tlv.tag == CSI_DER_UTC_TIME || tlv.tag == CSI_DER_GENERALIZED_TIME);
}

/* *left: how many bytes follow in the SEQUENCE. */
static bool starts_with(struct csi_span der, const uint8_t *tags, size_t count, size_t *left)
{
    struct csi_reader r = csi_reader(der), inner;
    struct csi_tlv tlv;
    if (!csi_der_enter(&r, CSI_DER_SEQUENCE, &inner) || csi_left(&r) > 0)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!csi_der_expect(&inner, tags[i], &tlv))
            return false;
    *left = csi_left(&inner);
    return true;
}

/* ContentInfo (RFC 5652 section 3) begins with its type, and that can be BER: only the start is looked at. */
static bool is_cms(struct csi_span der)
{
    static const uint8_t signed_data[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02 };
    for (size_t header = 2; header <= 6; header++)
        if (der.size > header + sizeof signed_data && der.data[0] == CSI_DER_SEQUENCE &&
            memcmp(der.data + header, signed_data, sizeof signed_data) == 0)
            return true;
    return false;
}

/* RSAPrivateKey is nine INTEGERs (RFC 8017 appendix A.1.2; more primes may follow), OpenSSL's DSA key six and nothing else. ECPrivateKey (RFC 5915
 * section 3) names its curve: without that it is no key that could be used alone. */
static const char *traditional_label(struct csi_span der)
{
    static const uint8_t integers[] = { CSI_DER_INTEGER, CSI_DER_INTEGER, CSI_DER_INTEGER, CSI_DER_INTEGER, CSI_DER_INTEGER,
                                        CSI_DER_INTEGER, CSI_DER_INTEGER, CSI_DER_INTEGER, CSI_DER_INTEGER };
    static const uint8_t ec[] = { CSI_DER_INTEGER, CSI_DER_OCTET_STRING, CSI_DER_CONTEXT_CONSTRUCTED | 0 };
    size_t left = 0;
    if (starts_with(der, integers, 9, &left))
        return "RSA PRIVATE KEY";
    if (starts_with(der, integers, 6, &left) && left == 0)
        return "DSA PRIVATE KEY";
    return starts_with(der, ec, sizeof ec, &left) ? "EC PRIVATE KEY" : NULL;
}

bool csi_pem_classify_der(struct csi_span der, enum csi_pem_kind *kind, const char **label)
{
    static const uint8_t pkcs8[] = { CSI_DER_INTEGER, CSI_DER_SEQUENCE, CSI_DER_OCTET_STRING };
    static const uint8_t sealed[] = { CSI_DER_SEQUENCE, CSI_DER_OCTET_STRING };
    static const struct {
        enum csi_pem_kind kind;
        const char *label;
    } kinds[] = {
        { CSI_PEM_CERT, "CERTIFICATE" },  { CSI_PEM_CRL, "X509 CRL" },
        { CSI_PEM_PKCS8, "PRIVATE KEY" }, { CSI_PEM_PKCS8_SEALED, "ENCRYPTED PRIVATE KEY" },
        { CSI_PEM_CMS, "PKCS7" },
    };
    size_t left = 0;
    struct csi_reader r = csi_reader(der);
    struct csi_tlv whole;
    struct csi_cert_view view;
    const bool one = csi_der_expect(&r, CSI_DER_SEQUENCE, &whole) && csi_left(&r) == 0;
    const bool is[] = { one && csi_cert_skim(der, &view), csi_pem_is_crl(der), starts_with(der, pkcs8, sizeof pkcs8, &left),
                        starts_with(der, sealed, sizeof sealed, &left), is_cms(der) };
    for (size_t i = 0; i < sizeof is / sizeof *is; i++) {
        if (is[i]) {
            *kind = kinds[i].kind;
            *label = kinds[i].label;
            return true;
        }
    }
    *kind = CSI_PEM_TRADITIONAL;
    *label = one ? traditional_label(der) : NULL;
    return *label != NULL;
}
