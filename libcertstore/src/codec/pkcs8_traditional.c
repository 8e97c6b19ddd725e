/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs8_traditional.c: keys in their own older forms (RFC 8017 appendix A.1.2, RFC 5915, OpenSSL's DSA) put into PKCS#8. */
#include "base/writer.h"
#include "codec/pkcs8.h"

static const uint8_t oid_rsa[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 };
static const uint8_t oid_ec[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
static const uint8_t oid_dsa[] = { 0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01 };

static void start(struct csi_buf *out, struct csi_span oid)
{
    csi_der_put_uint(out, 0);
    csi_der_put(out, CSI_DER_OID, oid);
}

/* RSAPrivateKey goes in as it is. */
static bool put_rsa(struct csi_span der, struct csi_buf *out)
{
    start(out, csi_span(oid_rsa, sizeof oid_rsa));
    csi_der_put(out, CSI_DER_NULL, csi_span(NULL, 0));
    csi_der_wrap(out, 3, CSI_DER_SEQUENCE); /* behind the version's three bytes */
    csi_der_put(out, CSI_DER_OCTET_STRING, der);
    return true;
}

/* ECPrivateKey SEQUENCE { 1, OCTET STRING, [0] parameters, [1] public key }: the parameters move to the AlgorithmIdentifier. */
static bool put_ec(struct csi_span der, struct csi_buf *out)
{
    struct csi_reader r = csi_reader(der);
    struct csi_reader body;
    struct csi_tlv version, secret, parameters, public;
    if (!csi_der_enter(&r, CSI_DER_SEQUENCE, &body) || !csi_der_expect(&body, CSI_DER_INTEGER, &version) ||
        !csi_der_expect(&body, CSI_DER_OCTET_STRING, &secret) || !csi_der_expect(&body, CSI_DER_CONTEXT_CONSTRUCTED | 0, &parameters))
        return false;
    start(out, csi_span(oid_ec, sizeof oid_ec));
    csi_buf_put_span(out, parameters.content);
    csi_der_wrap(out, 3, CSI_DER_SEQUENCE);
    size_t key = out->size;
    csi_buf_put_span(out, version.whole);
    csi_buf_put_span(out, secret.whole);
    if (csi_der_expect(&body, CSI_DER_CONTEXT_CONSTRUCTED | 1, &public))
        csi_buf_put_span(out, public.whole);
    csi_der_wrap(out, key, CSI_DER_SEQUENCE);
    csi_der_wrap(out, key, CSI_DER_OCTET_STRING);
    return true;
}

/* SEQUENCE { 0, p, q, g, y, x }: p, q and g are parameters, x is the key. */
static bool put_dsa(struct csi_span der, struct csi_buf *out)
{
    struct csi_reader r = csi_reader(der);
    struct csi_reader body;
    struct csi_tlv number[6];
    if (!csi_der_enter(&r, CSI_DER_SEQUENCE, &body))
        return false;
    for (size_t i = 0; i < 6; i++)
        if (!csi_der_expect(&body, CSI_DER_INTEGER, &number[i]))
            return false;
    start(out, csi_span(oid_dsa, sizeof oid_dsa));
    size_t parameters = out->size;
    for (size_t i = 1; i <= 3; i++)
        csi_buf_put_span(out, number[i].whole);
    csi_der_wrap(out, parameters, CSI_DER_SEQUENCE);
    csi_der_wrap(out, 3, CSI_DER_SEQUENCE);
    csi_der_put(out, CSI_DER_OCTET_STRING, number[5].whole);
    return true;
}

/* type is what PEM calls it: "RSA", "EC" or "DSA", with or without " PRIVATE KEY". */
csi_secret *csi_pkcs8_from_traditional(const char *type, struct csi_span der, certstore_error *err)
{
    CSI_AUTO_BUF out = { 0 };
    struct csi_reader r = csi_reader(der);
    struct csi_tlv whole;
    size_t name = strcspn(type, " ");
    bool good = csi_der_expect(&r, CSI_DER_SEQUENCE, &whole);
    if (name == 3 && memcmp(type, "RSA", 3) == 0)
        good = good && put_rsa(whole.whole, &out);
    else if (name == 2 && memcmp(type, "EC", 2) == 0)
        good = good && put_ec(whole.whole, &out);
    else if (name == 3 && memcmp(type, "DSA", 3) == 0)
        good = good && put_dsa(whole.whole, &out);
    else {
        csi_fail(err, CERTSTORE_E_UNSUPPORTED, "key: the form %s is not known; convert it to PKCS#8", type);
        return NULL;
    }
    if (!good) {
        csi_fail(err, CERTSTORE_E_MALFORMED, "key: its %.*s form is not well formed; restore it from a copy", (int)name, type);
        return NULL;
    }
    csi_der_wrap(&out, 0, CSI_DER_SEQUENCE);
    if (csi_buf_check(&out, err) != CERTSTORE_OK)
        return NULL;
    return csi_secret_new(out.data, out.size, err);
}
