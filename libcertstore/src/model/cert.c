/* SPDX-License-Identifier: Apache-2.0 */
/* cert.c: a certificate seen through a cursor (RFC 5280 section 4.1). */
#define OPENSSL_SUPPRESS_DEPRECATED /* see csi_sha256 */
#include "model/cert.h"

#include <openssl/sha.h>

certstore_status csi_cert_init(struct certstore_cert *cert, csi_blob *owner, struct csi_span der, certstore_error *err)
{
    struct csi_reader r = csi_reader(der);
    struct csi_tlv whole;
    if (!csi_der_expect(&r, CSI_DER_SEQUENCE, &whole) || csi_left(&r) > 0)
        return csi_fail(err, CERTSTORE_E_MALFORMED, "certificate: the bytes are no DER SEQUENCE of their own length; replace the certificate");
    *cert = (struct certstore_cert){ .owner = csi_blob_ref(owner), .data = der.data, .size = der.size };
    return CERTSTORE_OK;
}

void csi_cert_clear(struct certstore_cert *cert)
{
    csi_blob_free(cert->owner);
    *cert = (struct certstore_cert){ 0 };
}

static bool read_validity(struct csi_reader *tbs, struct csi_cert_view *view)
{
    struct csi_reader validity;
    struct csi_tlv from;
    struct csi_tlv to;
    if (!csi_der_enter(tbs, CSI_DER_SEQUENCE, &validity) || !csi_der_next(&validity, &from) || !csi_der_next(&validity, &to))
        return false;
    view->not_before = from.whole;
    view->not_after = to.whole;
    return true;
}

/* issuerUniqueID [1], subjectUniqueID [2] and extensions [3] EXPLICIT SEQUENCE OF Extension, all optional. */
static bool read_extensions(struct csi_reader *tbs, struct csi_cert_view *view)
{
    struct csi_tlv part;
    while (csi_left(tbs) > 0) {
        if (!csi_der_next(tbs, &part))
            return false;
        if (part.tag != (CSI_DER_CONTEXT_CONSTRUCTED | 3))
            continue;
        struct csi_reader explicit = csi_reader(part.content);
        struct csi_tlv list;
        if (!csi_der_expect(&explicit, CSI_DER_SEQUENCE, &list))
            return false;
        view->extensions = list.content;
    }
    return true;
}

bool csi_cert_skim(struct csi_span der, struct csi_cert_view *view)
{
    struct csi_reader outer = csi_reader(der);
    struct csi_reader certificate;
    struct csi_tlv tbs;
    struct csi_tlv part;
    *view = (struct csi_cert_view){ 0 };
    if (!csi_der_enter(&outer, CSI_DER_SEQUENCE, &certificate) || !csi_der_expect(&certificate, CSI_DER_SEQUENCE, &tbs))
        return false;
    view->tbs = tbs.whole;
    struct csi_reader r = csi_reader(tbs.content);
    csi_der_expect(&r, CSI_DER_CONTEXT_CONSTRUCTED | 0, &part); /* version [0] DEFAULT v1 */
    if (!csi_der_expect(&r, CSI_DER_INTEGER, &part))
        return false;
    view->serial = part.content;
    if (!csi_der_expect(&r, CSI_DER_SEQUENCE, &part)) /* signature */
        return false;
    if (!csi_der_expect(&r, CSI_DER_SEQUENCE, &part))
        return false;
    view->issuer = part.whole;
    if (!read_validity(&r, view) || !csi_der_expect(&r, CSI_DER_SEQUENCE, &part))
        return false;
    view->subject = part.whole;
    if (!csi_der_expect(&r, CSI_DER_SEQUENCE, &part))
        return false;
    view->spki = part.whole;
    if (!read_extensions(&r, view) || !csi_der_expect(&certificate, CSI_DER_SEQUENCE, &part))
        return false;
    view->signature_algorithm = part.whole;
    return true;
}

bool csi_cert_extension(const struct csi_cert_view *view, struct csi_span oid, struct csi_span *value, bool *critical)
{
    struct csi_reader list = csi_reader(view->extensions);
    struct csi_reader extension;
    while (csi_left(&list) > 0 && csi_der_enter(&list, CSI_DER_SEQUENCE, &extension)) {
        struct csi_tlv id;
        struct csi_tlv flag = { 0 };
        struct csi_tlv content;
        if (!csi_der_expect(&extension, CSI_DER_OID, &id))
            return false;
        bool has_flag = csi_der_expect(&extension, CSI_DER_BOOLEAN, &flag);
        if (!csi_der_expect(&extension, CSI_DER_OCTET_STRING, &content))
            return false;
        if (!csi_span_equal(id.content, oid))
            continue;
        *critical = has_flag && flag.content.size == 1 && flag.content.data[0] != 0;
        *value = content.content;
        return true;
    }
    return false;
}

/* The low-level calls, which OpenSSL 3 discourages, neither allocate nor fetch: they cannot fail, and fingerprints of a large store cost a fifth
 * less than through EVP_Digest. */
void csi_sha256(struct csi_span data, uint8_t digest[32])
{
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, data.data, data.size);
    SHA256_Final(digest, &context);
}
