/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pem_aux.c: the settings that OpenSSL keeps behind a TRUSTED CERTIFICATE.
 *
 *   CertAux ::= SEQUENCE {
 *       trust   SEQUENCE OF OBJECT IDENTIFIER OPTIONAL,
 *       reject  [0] IMPLICIT SEQUENCE OF OBJECT IDENTIFIER OPTIONAL,
 *       alias   UTF8String OPTIONAL,
 *       keyid   OCTET STRING OPTIONAL,
 *       other   [1] IMPLICIT SEQUENCE OF AlgorithmIdentifier OPTIONAL }
 *
 * The whole of it may be absent: p11-kit writes a bare certificate under that label.
 */
#include "codec/pem.h"

#include "base/writer.h"
#include "model/purpose.h"

struct aux {
    struct csi_span trust; /* content of the SEQUENCE OF */
    struct csi_span reject;
    struct csi_span alias;
    struct csi_span keyid; /* whole */
    struct csi_span other; /* whole */
};

static bool parse(struct csi_span bytes, struct aux *aux)
{
    *aux = (struct aux){ 0 };
    if (bytes.size == 0)
        return true;
    struct csi_reader outer = csi_reader(bytes), r;
    struct csi_tlv tlv;
    if (!csi_der_enter(&outer, CSI_DER_SEQUENCE, &r) || csi_left(&outer) > 0)
        return false;
    if (csi_der_expect(&r, CSI_DER_SEQUENCE, &tlv))
        aux->trust = tlv.content;
    if (csi_der_expect(&r, CSI_DER_CONTEXT_CONSTRUCTED | 0, &tlv))
        aux->reject = tlv.content;
    if (csi_der_expect(&r, CSI_DER_UTF8_STRING, &tlv))
        aux->alias = tlv.content;
    if (csi_der_expect(&r, CSI_DER_OCTET_STRING, &tlv))
        aux->keyid = tlv.whole;
    if (csi_der_expect(&r, CSI_DER_CONTEXT_CONSTRUCTED | 1, &tlv))
        aux->other = tlv.whole;
    return csi_left(&r) == 0;
}

bool csi_pem_aux_split(struct csi_span body, struct csi_span *cert, struct csi_span *aux)
{
    struct csi_reader r = csi_reader(body);
    struct csi_tlv tlv;
    struct aux parsed;
    if (!csi_der_expect(&r, CSI_DER_SEQUENCE, &tlv))
        return false;
    *cert = tlv.whole;
    *aux = csi_span(r.at, csi_left(&r));
    return parse(*aux, &parsed);
}

bool csi_pem_aux_alias(struct csi_span aux, struct csi_span *alias)
{
    struct aux parsed;
    if (aux.size == 0 || !parse(aux, &parsed) || parsed.alias.size == 0)
        return false;
    *alias = parsed.alias;
    return csi_utf8_valid(*alias) && memchr(alias->data, 0, alias->size) == NULL;
}

static certstore_status read_purposes(struct csi_span oids, bool reject, certstore_entry *entry, certstore_error *err)
{
    struct csi_reader r = csi_reader(oids);
    struct csi_tlv tlv;
    char purpose[256];
    while (csi_left(&r) > 0) {
        if (!csi_der_expect(&r, CSI_DER_OID, &tlv) || !csi_purpose_from_oid(tlv.content, purpose, sizeof purpose))
            return csi_fail(err, CERTSTORE_E_MALFORMED,
                            "TRUSTED CERTIFICATE: a purpose that is no object identifier; write it anew with openssl x509");
        CSI_TRY(csi_entry_add_trust(entry, purpose, reject, err));
    }
    return CERTSTORE_OK;
}

certstore_status csi_pem_aux_read(struct csi_span aux, certstore_entry *entry, certstore_error *err)
{
    struct aux parsed;
    if (aux.size == 0)
        return CERTSTORE_OK;
    if (!parse(aux, &parsed))
        return csi_fail(err, CERTSTORE_E_MALFORMED, "TRUSTED CERTIFICATE: malformed trust settings; write it anew with openssl x509");
    CSI_TRY(read_purposes(parsed.trust, false, entry, err));
    return read_purposes(parsed.reject, true, entry, err);
}

static certstore_status write_purposes(char *const *purposes, size_t count, uint8_t tag, struct csi_buf *out, certstore_error *err)
{
    CSI_AUTO_BUF list = { 0 };
    for (size_t i = 0; i < count; i++) {
        uint8_t oid[128];
        size_t size;
        if (!csi_purpose_to_oid(purposes[i], oid, sizeof oid, &size))
            return csi_fail(err, CERTSTORE_E_ARGUMENT, "purpose %s: neither a known name nor a dotted object identifier; correct it", purposes[i]);
        csi_der_put(&list, CSI_DER_OID, csi_span(oid, size));
    }
    CSI_TRY(csi_buf_check(&list, err));
    if (count > 0)
        csi_der_put(out, tag, csi_buf_span(&list));
    return CERTSTORE_OK;
}

certstore_status csi_pem_aux_write(const certstore_entry *entry, struct csi_span old, struct csi_buf *out, certstore_error *err)
{
    struct aux kept;
    if (!parse(old, &kept))
        kept = (struct aux){ 0 };
    CSI_AUTO_BUF content = { 0 };
    CSI_TRY(write_purposes(entry->trust.trusted, entry->trust.trusted_count, CSI_DER_SEQUENCE, &content, err));
    CSI_TRY(write_purposes(entry->trust.rejected, entry->trust.rejected_count, CSI_DER_CONTEXT_CONSTRUCTED | 0, &content, err));
    if (!entry->unnamed)
        csi_der_put(&content, CSI_DER_UTF8_STRING, csi_span_text(entry->alias));
    csi_buf_put_span(&content, kept.keyid);
    csi_buf_put_span(&content, kept.other);
    CSI_TRY(csi_buf_check(&content, err));
    csi_der_put(out, CSI_DER_SEQUENCE, csi_buf_span(&content));
    return csi_buf_check(out, err);
}

certstore_status csi_pem_write_cert(const certstore_entry *entry, size_t index, const struct csi_pem_piece *old, struct csi_buf *out,
                                    certstore_error *err)
{
    const struct csi_span der = csi_span(entry->certs[index].data, entry->certs[index].size);
    struct csi_span ignored;
    const bool named = old != NULL && csi_pem_aux_alias(old->aux, &ignored);
    if (index > 0 || (entry->trust.trusted_count == 0 && entry->trust.rejected_count == 0 && !named)) {
        csi_pem_write(out, "CERTIFICATE", der);
        return csi_buf_check(out, err);
    }
    CSI_AUTO_BUF body = { 0 };
    const bool same = old != NULL && csi_span_equal(old->body, der);
    csi_buf_put_span(&body, der);
    CSI_TRY(csi_pem_aux_write(entry, same ? old->aux : csi_span(NULL, 0), &body, err));
    csi_pem_write(out, "TRUSTED CERTIFICATE", csi_buf_span(&body));
    return csi_buf_check(out, err);
}
