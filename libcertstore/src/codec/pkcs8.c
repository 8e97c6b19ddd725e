/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs8.c: EncryptedPrivateKeyInfo (RFC 5958 section 3) opened and sealed; see pkcs8.h. */
#include "codec/pkcs8.h"

#include "base/writer.h"
#include "codec/pbe.h"

enum { DEFAULT_ITERATIONS = 10000, DEFAULT_JCEKS_ITERATIONS = 200000 };

static const uint8_t oid_jks[] = { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x2a, 0x02, 0x11, 0x01, 0x01 }; /* 1.3.6.1.4.1.42.2.17.1.1 */
static const uint8_t oid_jceks[] = { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x2a, 0x02, 0x13, 0x01 };     /* 1.3.6.1.4.1.42.2.19.1 */

struct envelope {
    struct csi_span algorithm;  /* whole AlgorithmIdentifier */
    struct csi_span oid;        /* its OID's content */
    struct csi_span parameters; /* whole, or empty */
    struct csi_span ciphertext;
};

/* SEQUENCE { encryptionAlgorithm, encryptedData OCTET STRING }. Bytes after it are none of ours (JKS keeps none, PEM none). */
static bool read_envelope(struct csi_span sealed, struct envelope *envelope)
{
    struct csi_reader r = csi_reader(sealed);
    struct csi_reader body, algorithm;
    struct csi_tlv whole, oid, data;
    if (!csi_der_enter(&r, CSI_DER_SEQUENCE, &body) || !csi_der_expect(&body, CSI_DER_SEQUENCE, &whole) ||
        !csi_der_expect(&body, CSI_DER_OCTET_STRING, &data))
        return false;
    algorithm = csi_reader(whole.content);
    if (!csi_der_expect(&algorithm, CSI_DER_OID, &oid))
        return false;
    envelope->algorithm = whole.whole;
    envelope->oid = oid.content;
    envelope->parameters = csi_span(algorithm.at, csi_left(&algorithm));
    envelope->ciphertext = data.content;
    return true;
}

bool csi_pkcs8_algorithm(struct csi_span pkcs8, struct csi_span *oid)
{
    struct csi_reader r = csi_reader(pkcs8);
    struct csi_reader body, algorithm;
    struct csi_tlv id, key;
    uint64_t version;
    if (!csi_der_enter(&r, CSI_DER_SEQUENCE, &body) || csi_left(&r) != 0 || !csi_der_uint(&body, &version) || version > 1 ||
        !csi_der_enter(&body, CSI_DER_SEQUENCE, &algorithm) || !csi_der_expect(&algorithm, CSI_DER_OID, &id) ||
        !csi_der_expect(&body, CSI_DER_OCTET_STRING, &key))
        return false;
    *oid = id.content;
    return true;
}

static bool is_pkcs8(struct csi_span plain)
{
    struct csi_span oid;
    return csi_pkcs8_algorithm(plain, &oid);
}

static certstore_status open_java(const struct envelope *envelope, const csi_secret *password, struct csi_budget *budget, csi_secret **bytes,
                                  certstore_error *err)
{
    if (password == NULL)
        return csi_fail(err, CERTSTORE_E_PASSWORD, "passphrase: none was given, and the key is encrypted; give the right one");
    if (csi_span_equal(envelope->oid, csi_span(oid_jks, sizeof oid_jks)))
        return csi_jks_key_open(envelope->ciphertext, password, bytes, err);
    return csi_jceks_pbe_open(envelope->parameters, envelope->ciphertext, password, budget, bytes, err);
}

static certstore_status open_pbe(const struct envelope *envelope, const csi_secret *password, struct csi_budget *budget, csi_secret **bytes,
                                 certstore_error *err)
{
    CSI_AUTO_PBE_SESSION session = { .budget = budget };
    CSI_AUTO_BUF plain = { 0 };
    enum csi_reading reading;
    CSI_TRY(csi_pbe_open(&session, envelope->algorithm, envelope->ciphertext, password, is_pkcs8, &plain, &reading, err));
    *bytes = csi_secret_new(plain.data, plain.size, err);
    return err->status;
}

static bool is_java(struct csi_span oid)
{
    return csi_span_equal(oid, csi_span(oid_jks, sizeof oid_jks)) || csi_span_equal(oid, csi_span(oid_jceks, sizeof oid_jceks));
}

bool csi_pkcs8_is_java(struct csi_span sealed)
{
    struct envelope envelope;
    return read_envelope(sealed, &envelope) && is_java(envelope.oid);
}

static certstore_status open_pkcs8(const csi_blob *sealed, const csi_secret *password, struct csi_budget *budget, struct csi_plain_key *plain,
                                   certstore_error *err)
{
    struct envelope envelope;
    CSI_AUTO(csi_secret) *bytes = NULL;
    if (!read_envelope(csi_blob_span(sealed), &envelope))
        return csi_fail(err, CERTSTORE_E_MALFORMED, "key: its encrypted form is not well formed; restore it from a copy");
    if (is_java(envelope.oid))
        CSI_TRY(open_java(&envelope, password, budget, &bytes, err));
    else
        CSI_TRY(open_pbe(&envelope, password, budget, &bytes, err));
    if (!is_pkcs8(csi_secret_span(bytes)))
        return csi_fail(err, CERTSTORE_E_MALFORMED, "key: what was decrypted is no private key; restore it from a copy");
    plain->bytes = csi_steal(&bytes);
    plain->algorithm[0] = '\0';
    return CERTSTORE_OK;
}

const struct csi_protection csi_protection_pkcs8 = { .name = "PKCS#8 encryption", .open = open_pkcs8 };

/* SEQUENCE { algorithm, OCTET STRING ciphertext }. */
static csi_blob *make_envelope(const struct csi_buf *algorithm, const struct csi_buf *ciphertext, certstore_error *err)
{
    CSI_AUTO_BUF out = { 0 };
    csi_buf_put_buf(&out, algorithm);
    csi_der_put_buf(&out, CSI_DER_OCTET_STRING, ciphertext);
    csi_der_wrap(&out, 0, CSI_DER_SEQUENCE);
    return csi_blob_from_buf(&out, err);
}

static csi_blob *seal_pbe(struct csi_span like, struct csi_span pkcs8, const csi_secret *password, const struct csi_limits *limits,
                          certstore_error *err)
{
    struct csi_budget budget = { .limits = limits };
    CSI_AUTO_PBE_SESSION session = { .budget = &budget };
    CSI_AUTO_BUF algorithm = { 0 };
    CSI_AUTO_BUF ciphertext = { 0 };
    if (csi_pbe_seal(&session, like, password, pkcs8, &algorithm, &ciphertext, err) != CERTSTORE_OK)
        return NULL;
    return make_envelope(&algorithm, &ciphertext, err);
}

static csi_blob *seal_jks(struct csi_span pkcs8, const csi_secret *password, certstore_error *err)
{
    static const struct csi_span null = { NULL, 0 };
    CSI_AUTO_BUF algorithm = { 0 };
    CSI_AUTO_BUF ciphertext = { 0 };
    csi_der_put(&algorithm, CSI_DER_OID, csi_span(oid_jks, sizeof oid_jks));
    csi_der_put(&algorithm, CSI_DER_NULL, null);
    csi_der_wrap(&algorithm, 0, CSI_DER_SEQUENCE);
    if (csi_jks_key_seal(pkcs8, password, &ciphertext, err) != CERTSTORE_OK)
        return NULL;
    return make_envelope(&algorithm, &ciphertext, err);
}

static csi_blob *seal_jceks(struct csi_span pkcs8, const csi_secret *password, unsigned iterations, certstore_error *err)
{
    CSI_AUTO_BUF algorithm = { 0 };
    CSI_AUTO_BUF parameters = { 0 };
    CSI_AUTO_BUF ciphertext = { 0 };
    if (csi_jceks_pbe_seal(pkcs8, password, iterations, &parameters, &ciphertext, err) != CERTSTORE_OK ||
        csi_buf_check(&parameters, err) != CERTSTORE_OK)
        return NULL;
    csi_der_put(&algorithm, CSI_DER_OID, csi_span(oid_jceks, sizeof oid_jceks));
    csi_buf_put_buf(&algorithm, &parameters);
    csi_der_wrap(&algorithm, 0, CSI_DER_SEQUENCE);
    return make_envelope(&algorithm, &ciphertext, err);
}

csi_blob *csi_pkcs8_seal(enum csi_pkcs8_scheme scheme, struct csi_span pkcs8, const csi_secret *password, unsigned iterations, certstore_error *err)
{
    CSI_AUTO_BUF like = { 0 };
    switch (scheme) {
    case CSI_PKCS8_PBES2_AES256_SHA256:
        csi_pbe_put_pbes2(&like, iterations > 0 ? iterations : DEFAULT_ITERATIONS);
        break;
    case CSI_PKCS8_PBE_SHA1_3DES:
        csi_pbe_put_pkcs12(&like, 3, iterations > 0 ? iterations : DEFAULT_ITERATIONS);
        break;
    case CSI_PKCS8_JKS:
        return seal_jks(pkcs8, password, err);
    case CSI_PKCS8_JCEKS:
        return seal_jceks(pkcs8, password, iterations > 0 ? iterations : DEFAULT_JCEKS_ITERATIONS, err);
    }
    if (csi_buf_check(&like, err) != CERTSTORE_OK)
        return NULL;
    return seal_pbe(csi_buf_span(&like), pkcs8, password, &csi_limits_default, err);
}

/* What the existing envelope cannot be followed in is made with the default scheme. */
csi_blob *csi_pkcs8_reseal(struct csi_span like, struct csi_span pkcs8, const csi_secret *password, const struct csi_limits *limits,
                           certstore_error *err)
{
    struct envelope envelope;
    uint64_t iterations = 0;
    if (!read_envelope(like, &envelope))
        return csi_pkcs8_seal(CSI_PKCS8_PBES2_AES256_SHA256, pkcs8, password, 0, err);
    if (csi_span_equal(envelope.oid, csi_span(oid_jks, sizeof oid_jks)))
        return seal_jks(pkcs8, password, err);
    if (!is_java(envelope.oid))
        return csi_pbe_can_seal(envelope.algorithm) ? seal_pbe(envelope.algorithm, pkcs8, password, limits, err)
                                                    : csi_pkcs8_seal(CSI_PKCS8_PBES2_AES256_SHA256, pkcs8, password, 0, err);
    struct csi_reader r = csi_reader(envelope.parameters);
    struct csi_reader body;
    struct csi_tlv salt;
    bool stated = csi_der_enter(&r, CSI_DER_SEQUENCE, &body) && csi_der_expect(&body, CSI_DER_OCTET_STRING, &salt) &&
                  csi_der_uint(&body, &iterations) && iterations <= UINT32_MAX;
    if (stated && csi_budget_spend(&(struct csi_budget){ .limits = limits }, iterations, err) != CERTSTORE_OK)
        return NULL;
    return csi_pkcs8_seal(CSI_PKCS8_JCEKS, pkcs8, password, stated ? (unsigned)iterations : 0, err);
}
