/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs12_mac.c: the integrity check: HMAC keyed by PKCS12KDF (RFC 7292 section 5.1 and appendix B), or PBMAC1 (RFC 9579). */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>

#include "base/writer.h"
#include "codec/pkcs12.h"

#define OID(...)                                                                   \
    {                                                                              \
        (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }) \
    }
static const struct csi_span oid_pbmac1 = OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0e); /* 1.2.840.113549.1.5.14 */
static const struct csi_span oid_sha1 = OID(0x2b, 0x0e, 0x03, 0x02, 0x1a);                           /* 1.3.14.3.2.26 */
static const struct csi_span oid_sha256 = OID(0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01); /* 2.16.840.1.101.3.4.2.1 */
static const struct csi_span oid_pbkdf2 = OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c);
static const struct csi_span oid_hmac_sha256 = OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x09);

static const struct {
    uint8_t last; /* of hmacWithXXX 1.2.840.113549.2.n */
    const char *digest;
} hmacs[] = {
    { 7, "SHA1" }, { 8, "SHA2-224" }, { 9, "SHA2-256" }, { 10, "SHA2-384" }, { 11, "SHA2-512" }, { 12, "SHA2-512/224" }, { 13, "SHA2-512/256" },
};

/* RFC 9579 section 4: a keyLength below this lets a forged MAC pass; more than 64 no HMAC here needs. */
enum { MIN_KEY = 20, MAX_KEY = 64 };
enum { SALT_SIZE = 20, PBMAC1_SALT_SIZE = 16, ITERATIONS = 10000, LEGACY_ITERATIONS = 100000 };

CSI_DEFINE_AUTO(EVP_MD, EVP_MD_free)
CSI_DEFINE_AUTO(EVP_MAC, EVP_MAC_free)
CSI_DEFINE_AUTO(EVP_MAC_CTX, EVP_MAC_CTX_free)

static certstore_status malformed(const char *what, certstore_error *err)
{
    return csi_fail(err, CERTSTORE_E_MALFORMED, "PKCS#12: %s is not well formed; restore it from a copy", what);
}

static certstore_status unsupported(struct csi_span whole_oid, certstore_error *err)
{
    char name[96];
    csi_algorithm_text(whole_oid, name, sizeof name);
    return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "integrity check: the algorithm %s is not supported; make it anew with another one", name);
}

/* PBMAC1-params ::= SEQUENCE { keyDerivationFunc, messageAuthScheme }; MacData's own salt and iterations are not used. */
static certstore_status parse_pbmac1(struct csi_reader *parameters, struct csi_p12_mac *mac, certstore_error *err)
{
    struct csi_reader body, scheme;
    struct csi_tlv kdf, hmac;
    if (!csi_der_enter(parameters, CSI_DER_SEQUENCE, &body) || !csi_der_expect(&body, CSI_DER_SEQUENCE, &kdf) ||
        !csi_der_enter(&body, CSI_DER_SEQUENCE, &scheme) || !csi_der_expect(&scheme, CSI_DER_OID, &hmac))
        return malformed("PBMAC1", err);
    mac->pbmac1 = true;
    CSI_TRY(csi_derivation_parse(kdf.whole, &mac->derivation, err));
    if (mac->derivation.kdf != CSI_KDF_PBKDF2)
        return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "PBMAC1: only PBKDF2 is supported; make the integrity check anew");
    if (mac->derivation.key_size < MIN_KEY || mac->derivation.key_size > MAX_KEY)
        return csi_fail(err, CERTSTORE_E_MALFORMED, "PBMAC1: its keyLength is missing or not within %d to %d; do not trust this file", MIN_KEY,
                        MAX_KEY);
    for (size_t i = 0; i < sizeof hmacs / sizeof *hmacs; i++) {
        if (hmac.content.size == oid_hmac_sha256.size && memcmp(hmac.content.data, oid_hmac_sha256.data, oid_hmac_sha256.size - 1) == 0 &&
            hmac.content.data[oid_hmac_sha256.size - 1] == hmacs[i].last) {
            mac->digest = hmacs[i].digest;
            return CERTSTORE_OK;
        }
    }
    return unsupported(hmac.whole, err);
}

/* MacData ::= SEQUENCE { DigestInfo { AlgorithmIdentifier, OCTET STRING }, macSalt, iterations INTEGER DEFAULT 1 }. */
certstore_status csi_p12_mac_parse(struct csi_span mac_data, struct csi_p12_mac *mac, certstore_error *err)
{
    struct csi_reader r = csi_reader(mac_data);
    struct csi_reader body, info;
    struct csi_tlv algorithm, value, salt, oid;
    *mac = (struct csi_p12_mac){ .present = true, .whole = mac_data };
    if (!csi_der_enter(&r, CSI_DER_SEQUENCE, &body) || !csi_der_enter(&body, CSI_DER_SEQUENCE, &info) ||
        !csi_der_expect(&info, CSI_DER_SEQUENCE, &algorithm) || !csi_der_expect(&info, CSI_DER_OCTET_STRING, &value) ||
        !csi_der_expect(&body, CSI_DER_OCTET_STRING, &salt))
        return malformed("macData", err);
    struct csi_reader parameters = csi_reader(algorithm.content);
    if (!csi_der_expect(&parameters, CSI_DER_OID, &oid))
        return malformed("macData's algorithm", err);
    mac->algorithm = algorithm.whole;
    mac->digest_oid = oid.whole;
    mac->value = value.content;
    if (csi_span_equal(oid.content, oid_pbmac1))
        return parse_pbmac1(&parameters, mac, err);
    mac->derivation = (struct csi_derivation){ .kdf = CSI_KDF_PKCS12, .salt = salt.content, .iterations = 1 };
    if (csi_left(&body) > 0 && !csi_der_uint(&body, &mac->derivation.iterations))
        return malformed("macData's iterations", err);
    mac->digest = csi_digest_name(oid.whole);
    if (mac->digest == NULL)
        return unsupported(oid.whole, err);
    mac->derivation.digest = mac->digest;
    return CERTSTORE_OK;
}

static certstore_status hmac(OSSL_LIB_CTX *library, const char *digest, struct csi_span key, struct csi_span input, uint8_t *out, size_t *size,
                             certstore_error *err)
{
    char name[64];
    snprintf(name, sizeof name, "%s", digest);
    const OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0), OSSL_PARAM_construct_end() };
    CSI_AUTO(EVP_MAC) *mac = EVP_MAC_fetch(library, "HMAC", NULL);
    CSI_AUTO(EVP_MAC_CTX) *ctx = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
    if (ctx == NULL || EVP_MAC_init(ctx, key.data, key.size, params) != 1 || EVP_MAC_update(ctx, input.data, input.size) != 1 ||
        EVP_MAC_final(ctx, out, size, EVP_MAX_MD_SIZE) != 1)
        return csi_fail_ossl(err, CERTSTORE_E_UNSUPPORTED, "integrity check: HMAC with %s cannot be used here; make it anew with another one",
                             digest);
    return CERTSTORE_OK;
}

static certstore_status compute(struct csi_pbe_session *session, const struct csi_p12_mac *mac, struct csi_span input, struct csi_span password,
                                uint8_t out[EVP_MAX_MD_SIZE], size_t *size, certstore_error *err)
{
    CSI_AUTO(EVP_MD) *md = NULL;
    OSSL_LIB_CTX *library;
    uint8_t key[EVP_MAX_MD_SIZE];
    certstore_error unknown = { 0 };
    CSI_AUTO_FENCE fence;
    csi_fence_begin(&fence);
    if (csi_pbe_digest(session, mac->digest, &md, &library, &unknown) == CERTSTORE_E_UNSUPPORTED && !mac->pbmac1)
        return unsupported(mac->digest_oid, err);
    if (md == NULL) {
        csi_error_move(err, &unknown);
        return err->status;
    }
    size_t key_size = mac->pbmac1 ? (size_t)mac->derivation.key_size : (size_t)EVP_MD_get_size(md);
    if (key_size > sizeof key || (EVP_MD_get_flags(md) & EVP_MD_FLAG_XOF) != 0)
        return unsupported(mac->digest_oid, err);
    certstore_status status = csi_derive(session, &mac->derivation, password, CSI_ID_MAC, key, key_size, err);
    if (status == CERTSTORE_OK)
        status = hmac(library, mac->digest, csi_span(key, key_size), input, out, size, err);
    csi_wipe(key, sizeof key);
    return status;
}

certstore_status csi_p12_mac_verify(struct csi_pbe_session *session, const struct csi_p12_mac *mac, struct csi_span input, const csi_secret *password,
                                    enum csi_reading *reading, certstore_error *err)
{
    CSI_AUTO_READINGS readings = { 0 };
    CSI_TRY(csi_readings_make(&readings, mac->pbmac1 ? CSI_FAMILY_PKCS5 : CSI_FAMILY_PKCS12, password, err));
    for (size_t i = 0; i < readings.count; i++) {
        uint8_t value[EVP_MAX_MD_SIZE];
        size_t size = 0;
        certstore_error trial = { 0 };
        certstore_status status = compute(session, mac, input, csi_secret_span(readings.items[i].bytes), value, &size, &trial);
        if (status == CERTSTORE_E_LIMIT && i > 0)
            break;
        if (status != CERTSTORE_OK) {
            csi_error_move(err, &trial);
            return status;
        }
        if (size == mac->value.size && csi_equal_ct(value, mac->value.data, size)) {
            *reading = readings.items[i].kind;
            return CERTSTORE_OK;
        }
    }
    return csi_fail(err, CERTSTORE_E_PASSWORD, "passphrase: it does not fit the integrity check; give the right one");
}

/* The template's bytes are copied, and salt and value replaced in place: parameters of any form survive as they are. */
certstore_status csi_p12_mac_make(struct csi_pbe_session *session, const struct csi_p12_mac *like, struct csi_span input, const csi_secret *password,
                                  struct csi_buf *out, certstore_error *err)
{
    CSI_AUTO_BUF copy = { 0 };
    struct csi_p12_mac mac;
    uint8_t value[EVP_MAX_MD_SIZE];
    size_t size = 0;
    csi_buf_put_span(&copy, like->whole);
    CSI_TRY(csi_buf_check(&copy, err));
    CSI_TRY(csi_p12_mac_parse(csi_buf_span(&copy), &mac, err));
    struct csi_span salt = mac.derivation.salt;
    if (salt.size > 0)
        CSI_TRY(csi_random(copy.data + (salt.data - copy.data), salt.size, err));
    CSI_AUTO(csi_secret) *bytes = csi_reading_standard(mac.pbmac1 ? CSI_FAMILY_PKCS5 : CSI_FAMILY_PKCS12, password, err);
    if (bytes == NULL)
        return err->status;
    CSI_TRY(compute(session, &mac, input, csi_secret_span(bytes), value, &size, err));
    if (size != mac.value.size)
        return malformed("macData's value", err);
    memcpy(copy.data + (mac.value.data - copy.data), value, size);
    csi_buf_put_buf(out, &copy);
    return csi_buf_check(out, err);
}

static void put_algorithm(struct csi_buf *out, struct csi_span oid)
{
    size_t from = out->size;
    csi_der_put(out, CSI_DER_OID, oid);
    csi_der_put(out, CSI_DER_NULL, csi_span(NULL, 0));
    csi_der_wrap(out, from, CSI_DER_SEQUENCE);
}

static void put_pbmac1_algorithm(struct csi_buf *out)
{
    static const uint8_t zeros[PBMAC1_SALT_SIZE];
    size_t whole = out->size;
    csi_der_put(out, CSI_DER_OID, oid_pbmac1);
    size_t parameters = out->size;
    csi_der_put(out, CSI_DER_OID, oid_pbkdf2);
    size_t pbkdf2 = out->size;
    csi_der_put(out, CSI_DER_OCTET_STRING, csi_span(zeros, sizeof zeros));
    csi_der_put_uint(out, ITERATIONS);
    csi_der_put_uint(out, 32);
    put_algorithm(out, oid_hmac_sha256);
    csi_der_wrap(out, pbkdf2, CSI_DER_SEQUENCE);
    csi_der_wrap(out, parameters, CSI_DER_SEQUENCE);
    put_algorithm(out, oid_hmac_sha256);
    csi_der_wrap(out, parameters, CSI_DER_SEQUENCE);
    csi_der_wrap(out, whole, CSI_DER_SEQUENCE);
}

void csi_p12_mac_put_template(enum csi_profile profile, struct csi_buf *out)
{
    static const uint8_t zeros[32];
    bool sha1 = profile == CSI_PROFILE_JAVA8 || profile == CSI_PROFILE_LEGACY;
    size_t whole = out->size;
    if (profile == CSI_PROFILE_FIPS)
        put_pbmac1_algorithm(out);
    else
        put_algorithm(out, sha1 ? oid_sha1 : oid_sha256);
    csi_der_put(out, CSI_DER_OCTET_STRING, csi_span(zeros, sha1 ? 20 : 32));
    csi_der_wrap(out, whole, CSI_DER_SEQUENCE);
    if (profile == CSI_PROFILE_FIPS) { /* RFC 9579 section 5: not used, and there all the same */
        csi_der_put(out, CSI_DER_OCTET_STRING, csi_span("NOT USED", 8));
        csi_der_put_uint(out, 1);
    } else {
        csi_der_put(out, CSI_DER_OCTET_STRING, csi_span(zeros, SALT_SIZE));
        csi_der_put_uint(out, sha1 ? LEGACY_ITERATIONS : ITERATIONS);
    }
    csi_der_wrap(out, whole, CSI_DER_SEQUENCE);
}
