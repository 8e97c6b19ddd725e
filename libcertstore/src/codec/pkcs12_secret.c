/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs12_secret.c: secret keys as Java keeps them in PKCS#12: the raw key dressed up as a PrivateKeyInfo, SEQUENCE { 0,
 * AlgorithmIdentifier of the key, OCTET STRING key }, and that encrypted like a private key.
 */
#include <stdio.h>

#include "base/writer.h"
#include "codec/pkcs12.h"
#include "codec/pkcs8.h"

#define OID(...)                                                                   \
    {                                                                              \
        (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }) \
    }
/* Java's names (Java Security Standard Algorithm Names) and the identifiers its AlgorithmId knows for them. */
static const struct {
    const char *name;
    struct csi_span oid;
} algorithms[] = {
    { "AES", OID(0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01) },                                 /* 2.16.840.1.101.3.4.1 */
    { "DES", OID(0x2b, 0x0e, 0x03, 0x02, 0x07) },                                                   /* 1.3.14.3.2.7 */
    { "DESede", OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x07) },                              /* 1.2.840.113549.3.7 */
    { "RC2", OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x02) },                                 /* 1.2.840.113549.3.2 */
    { "ARCFOUR", OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x04) },                             /* 1.2.840.113549.3.4 */
    { "Blowfish", OID(0x2b, 0x06, 0x01, 0x04, 0x01, 0x97, 0x55, 0x01, 0x02) },                      /* 1.3.6.1.4.1.3029.1.2 */
    { "HmacSHA1", OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x07) },                            /* 1.2.840.113549.2.7 */
    { "HmacSHA224", OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x08) },                          /* 1.2.840.113549.2.8 */
    { "HmacSHA256", OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x09) },                          /* 1.2.840.113549.2.9 */
    { "HmacSHA384", OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x0a) },                          /* 1.2.840.113549.2.10 */
    { "HmacSHA512", OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x0b) },                          /* 1.2.840.113549.2.11 */
    { "ChaCha20-Poly1305", OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x03, 0x12) }, /* 1.2.840.113549.1.9.16.3.18 */
};
enum { ALGORITHM_COUNT = sizeof algorithms / sizeof *algorithms };

/* A dotted OID stands for itself, so that a key of an algorithm nobody named survives. */
static bool put_dotted(const char *text, struct csi_buf *out)
{
    unsigned long first, arc;
    int used = 0;
    if (sscanf(text, "%1lu.%lu%n", &first, &arc, &used) != 2 || first > 2 || (first < 2 && arc > 39) || arc > UINT32_MAX)
        return false;
    arc += first * 40;
    for (const char *at = text + used;; at += used) {
        for (int shift = 35; shift > 0; shift -= 7)
            if (arc >> shift != 0)
                csi_buf_put_u8(out, (uint8_t)(0x80 | (arc >> shift & 0x7f)));
        csi_buf_put_u8(out, (uint8_t)(arc & 0x7f));
        if (*at == '\0')
            return true;
        if (sscanf(at, ".%lu%n", &arc, &used) != 1 || arc > UINT32_MAX)
            return false;
    }
}

certstore_status csi_p12_secret_wrap(const char *algorithm, struct csi_span key, struct csi_buf *out, certstore_error *err)
{
    CSI_AUTO_BUF dotted = { 0 };
    struct csi_span oid = { NULL, 0 };
    for (size_t i = 0; i < ALGORITHM_COUNT; i++)
        if (strcmp(algorithms[i].name, algorithm) == 0)
            oid = algorithms[i].oid;
    if (oid.size == 0 && put_dotted(algorithm, &dotted))
        oid = csi_buf_span(&dotted);
    CSI_TRY(csi_buf_check(&dotted, err));
    if (oid.size == 0)
        return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "secret key: PKCS#12 has no identifier for the algorithm %s; keep it in another format",
                        algorithm);
    size_t whole = out->size;
    csi_der_put_uint(out, 0);
    size_t id = out->size;
    csi_der_put(out, CSI_DER_OID, oid);
    csi_der_put(out, CSI_DER_NULL, csi_span(NULL, 0));
    csi_der_wrap(out, id, CSI_DER_SEQUENCE);
    csi_der_put(out, CSI_DER_OCTET_STRING, key);
    csi_der_wrap(out, whole, CSI_DER_SEQUENCE);
    return csi_buf_check(out, err);
}

static void name_algorithm(struct csi_span oid, char *text, size_t room)
{
    if (!csi_oid_text(oid, text, room))
        snprintf(text, room, "unknown");
    for (size_t i = 0; i < ALGORITHM_COUNT; i++)
        if (csi_span_equal(algorithms[i].oid, oid))
            snprintf(text, room, "%s", algorithms[i].name);
}

static certstore_status open_secret(const csi_blob *sealed, const csi_secret *password, struct csi_budget *budget, struct csi_plain_key *plain,
                                    certstore_error *err)
{
    CSI_AUTO_PLAIN wrapped = { 0 };
    CSI_TRY(csi_protection_pkcs8.open(sealed, password, budget, &wrapped, err));
    struct csi_reader r = csi_reader(csi_secret_span(wrapped.bytes));
    struct csi_reader body, algorithm;
    struct csi_tlv oid, key;
    uint64_t version;
    if (!csi_der_enter(&r, CSI_DER_SEQUENCE, &body) || !csi_der_uint(&body, &version) || !csi_der_enter(&body, CSI_DER_SEQUENCE, &algorithm) ||
        !csi_der_expect(&algorithm, CSI_DER_OID, &oid) || !csi_der_expect(&body, CSI_DER_OCTET_STRING, &key))
        return csi_fail(err, CERTSTORE_E_MALFORMED, "secret key: what was decrypted is none; restore it from a copy");
    plain->bytes = csi_secret_new(key.content.data, key.content.size, err);
    if (plain->bytes == NULL)
        return err->status;
    name_algorithm(oid.content, plain->algorithm, sizeof plain->algorithm);
    return CERTSTORE_OK;
}

const struct csi_protection csi_protection_pkcs12_secret = { .name = "PKCS#12 secret bag", .open = open_secret };
