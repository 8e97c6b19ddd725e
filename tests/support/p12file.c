/* SPDX-License-Identifier: Apache-2.0 */
/* p12file.c: see p12file.h; the structures are those of RFC 7292 section 4. */
#include "support/p12file.h"

#include "codec/pbe.h"

void p12file_put_data(struct csi_buf *out, struct csi_span content)
{
    const size_t whole = out->size;
    csi_der_put(out, CSI_DER_OID, csi_oid_data);
    const size_t from = out->size;
    csi_der_put(out, CSI_DER_OCTET_STRING, content);
    csi_der_wrap(out, from, CSI_DER_CONTEXT_CONSTRUCTED);
    csi_der_wrap(out, whole, CSI_DER_SEQUENCE);
}

/* The algorithm with its salt filled with one byte. */
static void put_algorithm(struct csi_buf *out, uint8_t salt, unsigned iterations)
{
    enum { SALT = 8, SALT_AT = 18 }; /* behind the headers of two SEQUENCEs, the OID and the salt itself */
    const size_t from = out->size;
    csi_pbe_put_pkcs12(out, 3, iterations);
    if (out->size >= from + SALT_AT + SALT)
        memset(out->data + from + SALT_AT, salt, SALT);
}

void p12file_put_costly_safe(struct csi_buf *out, uint8_t salt, unsigned iterations)
{
    static const uint8_t ciphertext[16];
    const size_t whole = out->size;
    csi_der_put(out, CSI_DER_OID, csi_oid_encrypted_data);
    const size_t content = out->size;
    csi_der_put_uint(out, 0);
    const size_t info = out->size;
    csi_der_put(out, CSI_DER_OID, csi_oid_data);
    put_algorithm(out, salt, iterations);
    csi_der_put(out, CSI_DER_CONTEXT, csi_span(ciphertext, sizeof ciphertext));
    csi_der_wrap(out, info, CSI_DER_SEQUENCE);
    csi_der_wrap(out, content, CSI_DER_SEQUENCE);
    csi_der_wrap(out, content, CSI_DER_CONTEXT_CONSTRUCTED);
    csi_der_wrap(out, whole, CSI_DER_SEQUENCE);
}

void p12file_finish(struct csi_buf *out, struct csi_buf *safes)
{
    csi_der_wrap(safes, 0, CSI_DER_SEQUENCE);
    csi_der_put_uint(out, 3);
    p12file_put_data(out, csi_buf_span(safes));
    csi_der_wrap(out, 0, CSI_DER_SEQUENCE);
    csi_buf_free(safes);
}

static void put_attribute(struct csi_buf *out, struct csi_span type, uint8_t tag, const char *text)
{
    if (text == NULL)
        return;
    const size_t attribute = out->size;
    csi_der_put(out, CSI_DER_OID, type);
    const size_t values = out->size;
    csi_der_put(out, tag, csi_span_text(text));
    csi_der_wrap(out, values, CSI_DER_SET);
    csi_der_wrap(out, attribute, CSI_DER_SEQUENCE);
}

void p12file_put_bag(struct csi_buf *out, enum csi_bag_number number, struct csi_span value, const char *name, const char *id)
{
    uint8_t oid[CSI_BAG_OID_SIZE];
    csi_bag_oid(number, oid);
    const size_t whole = out->size;
    csi_der_put(out, CSI_DER_OID, csi_span(oid, sizeof oid));
    csi_der_put(out, CSI_DER_CONTEXT_CONSTRUCTED, value);
    const size_t attributes = out->size;
    put_attribute(out, csi_oid_friendly_name, CSI_DER_UTF8_STRING, name);
    put_attribute(out, csi_oid_local_key_id, CSI_DER_OCTET_STRING, id);
    csi_der_wrap(out, attributes, CSI_DER_SET);
    csi_der_wrap(out, whole, CSI_DER_SEQUENCE);
}

void p12file_put_cert(struct csi_buf *out, struct csi_span der, const char *name, const char *id)
{
    CSI_AUTO_BUF value = { 0 };
    csi_der_put(&value, CSI_DER_OID, csi_oid_x509_certificate);
    const size_t from = value.size;
    csi_der_put(&value, CSI_DER_OCTET_STRING, der);
    csi_der_wrap(&value, from, CSI_DER_CONTEXT_CONSTRUCTED);
    csi_der_wrap(&value, 0, CSI_DER_SEQUENCE);
    p12file_put_bag(out, CSI_BAG_OID_CERT, csi_buf_span(&value), name, id);
}

void p12file_nest(struct csi_buf *contents)
{
    CSI_AUTO_BUF bag = { 0 };
    p12file_put_bag(&bag, CSI_BAG_OID_NEST, csi_buf_span(contents), NULL, NULL);
    csi_der_wrap(&bag, 0, CSI_DER_SEQUENCE);
    contents->size = 0;
    csi_buf_put_buf(contents, &bag);
}

void p12file_finish_bags(struct csi_buf *out, struct csi_buf *bags)
{
    CSI_AUTO_BUF safes = { 0 };
    csi_der_wrap(bags, 0, CSI_DER_SEQUENCE);
    p12file_put_data(&safes, csi_buf_span(bags));
    csi_buf_free(bags);
    p12file_finish(out, &safes);
}
