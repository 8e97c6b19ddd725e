/* SPDX-License-Identifier: Apache-2.0 */
/* pbe_parse.c: AlgorithmIdentifiers of password-based encryption: RFC 7292 appendix C, RFC 8018 appendix A, RFC 7914 section 7. */
#include "codec/pbe.h"

#include <openssl/objects.h>
#include <stdio.h>

#define OID(...)                                                                   \
    {                                                                              \
        (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }) \
    }

/* Schemes that fix both derivation and cipher. */
struct fixed_scheme {
    struct csi_span oid;
    enum csi_kdf kdf;
    const char *digest;
    const char *cipher;
    uint8_t key_size;
    uint8_t rc2_bits;
};
#define PKCS12_PBE(n) OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01, n) /* 1.2.840.113549.1.12.1.n */
#define PKCS5(n) OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, n)            /* 1.2.840.113549.1.5.n */
static const struct fixed_scheme fixed_schemes[] = {
    { PKCS12_PBE(1), CSI_KDF_PKCS12, "SHA1", "RC4", 16, 0 },
    { PKCS12_PBE(2), CSI_KDF_PKCS12, "SHA1", "RC4-40", 5, 0 },
    { PKCS12_PBE(3), CSI_KDF_PKCS12, "SHA1", "DES-EDE3-CBC", 24, 0 },
    { PKCS12_PBE(4), CSI_KDF_PKCS12, "SHA1", "DES-EDE-CBC", 16, 0 },
    { PKCS12_PBE(5), CSI_KDF_PKCS12, "SHA1", "RC2-CBC", 16, 128 },
    { PKCS12_PBE(6), CSI_KDF_PKCS12, "SHA1", "RC2-CBC", 5, 40 },
    { PKCS5(1), CSI_KDF_PBKDF1, "MD2", "DES-CBC", 8, 0 },
    { PKCS5(3), CSI_KDF_PBKDF1, "MD5", "DES-CBC", 8, 0 },
    { PKCS5(4), CSI_KDF_PBKDF1, "MD2", "RC2-CBC", 8, 64 },
    { PKCS5(6), CSI_KDF_PBKDF1, "MD5", "RC2-CBC", 8, 64 },
    { PKCS5(10), CSI_KDF_PBKDF1, "SHA1", "DES-CBC", 8, 0 },
    { PKCS5(11), CSI_KDF_PBKDF1, "SHA1", "RC2-CBC", 8, 64 },
};
static const struct csi_span pbes2 = PKCS5(13);
static const struct csi_span pbkdf2 = PKCS5(12);
static const struct csi_span scrypt = OID(0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b); /* 1.3.6.1.4.1.11591.4.11 */

/* RFC 8018 appendix B.1. HMAC with SHA-3 as a PRF is left out: neither OpenSSL 3.0 nor Java 17 reads it. */
#define HMAC_WITH(n) OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, n) /* 1.2.840.113549.2.n */
static const struct {
    struct csi_span oid;
    const char *digest;
} prfs[] = {
    { HMAC_WITH(6), "MD5" },       { HMAC_WITH(7), "SHA1" },      { HMAC_WITH(8), "SHA2-224" },      { HMAC_WITH(9), "SHA2-256" },
    { HMAC_WITH(10), "SHA2-384" }, { HMAC_WITH(11), "SHA2-512" }, { HMAC_WITH(12), "SHA2-512/224" }, { HMAC_WITH(13), "SHA2-512/256" },
};

static int oid_nid(struct csi_span whole_oid)
{
    CSI_AUTO_FENCE fence;
    csi_fence_begin(&fence);
    const unsigned char *at = whole_oid.data;
    ASN1_OBJECT *object = d2i_ASN1_OBJECT(NULL, &at, (long)whole_oid.size);
    int nid = object != NULL ? OBJ_obj2nid(object) : NID_undef;
    ASN1_OBJECT_free(object);
    return nid;
}

void csi_algorithm_text(struct csi_span whole_oid, char *text, size_t room)
{
    char dotted[64] = "malformed OID";
    struct csi_reader r = csi_reader(whole_oid);
    struct csi_tlv tlv;
    if (csi_der_expect(&r, CSI_DER_OID, &tlv) && !csi_oid_text(tlv.content, dotted, sizeof dotted))
        snprintf(dotted, sizeof dotted, "malformed OID");
    int nid = oid_nid(whole_oid);
    if (nid == NID_undef)
        snprintf(text, room, "%s", dotted);
    else
        snprintf(text, room, "%s (%s)", OBJ_nid2sn(nid), dotted);
}

const char *csi_digest_name(struct csi_span whole_oid)
{
    int nid = oid_nid(whole_oid);
    return nid != NID_undef ? OBJ_nid2sn(nid) : NULL;
}

static certstore_status malformed(const char *what, certstore_error *err)
{
    return csi_fail(err, CERTSTORE_E_MALFORMED, "encryption parameters: %s is not well formed; the store is damaged", what);
}

static certstore_status unsupported(const char *what, struct csi_span whole_oid, certstore_error *err)
{
    char name[96];
    csi_algorithm_text(whole_oid, name, sizeof name);
    return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "%s: the algorithm %s is not supported; encrypt it with another one", what, name);
}

/* SEQUENCE { OID, parameters ANY OPTIONAL } that fills its bytes. */
static bool read_algorithm(struct csi_span whole, struct csi_tlv *oid, struct csi_reader *parameters)
{
    struct csi_reader r = csi_reader(whole);
    return csi_der_enter(&r, CSI_DER_SEQUENCE, parameters) && csi_left(&r) == 0 && csi_der_expect(parameters, CSI_DER_OID, oid);
}

/* RFC 8018 appendix A.2: SEQUENCE { salt CHOICE { OCTET STRING, AlgorithmIdentifier }, iterationCount, keyLength OPTIONAL, prf DEFAULT }. */
static certstore_status parse_pbkdf2(struct csi_reader *r, struct csi_derivation *d, certstore_error *err)
{
    struct csi_reader body, prf;
    struct csi_tlv salt, oid;
    if (!csi_der_enter(r, CSI_DER_SEQUENCE, &body) || !csi_der_expect(&body, CSI_DER_OCTET_STRING, &salt) || !csi_der_uint(&body, &d->iterations))
        return malformed("PBKDF2", err);
    d->kdf = CSI_KDF_PBKDF2;
    d->salt = salt.content;
    d->digest = "SHA1";
    if (csi_left(&body) > 0 && *body.at == CSI_DER_INTEGER && !csi_der_uint(&body, &d->key_size))
        return malformed("PBKDF2's keyLength", err);
    if (csi_left(&body) == 0)
        return CERTSTORE_OK;
    if (!csi_der_enter(&body, CSI_DER_SEQUENCE, &prf) || !csi_der_expect(&prf, CSI_DER_OID, &oid))
        return malformed("PBKDF2's PRF", err);
    for (size_t i = 0; i < sizeof prfs / sizeof *prfs; i++) {
        if (csi_span_equal(prfs[i].oid, oid.content)) {
            d->digest = prfs[i].digest;
            return CERTSTORE_OK;
        }
    }
    return unsupported("PBKDF2", oid.whole, err);
}

/* RFC 7914 section 7: SEQUENCE { salt, N, r, p, keyLength OPTIONAL }. */
static certstore_status parse_scrypt(struct csi_reader *r, struct csi_derivation *d, certstore_error *err)
{
    struct csi_reader body;
    struct csi_tlv salt;
    if (!csi_der_enter(r, CSI_DER_SEQUENCE, &body) || !csi_der_expect(&body, CSI_DER_OCTET_STRING, &salt) || !csi_der_uint(&body, &d->iterations) ||
        !csi_der_uint(&body, &d->block_size) || !csi_der_uint(&body, &d->parallel))
        return malformed("scrypt", err);
    d->kdf = CSI_KDF_SCRYPT;
    d->salt = salt.content;
    if (csi_left(&body) > 0 && !csi_der_uint(&body, &d->key_size))
        return malformed("scrypt's keyLength", err);
    return CERTSTORE_OK;
}

certstore_status csi_derivation_parse(struct csi_span algorithm, struct csi_derivation *derivation, certstore_error *err)
{
    struct csi_reader parameters;
    struct csi_tlv oid;
    *derivation = (struct csi_derivation){ 0 };
    if (!read_algorithm(algorithm, &oid, &parameters))
        return malformed("the key derivation", err);
    if (csi_span_equal(oid.content, pbkdf2))
        return parse_pbkdf2(&parameters, derivation, err);
    if (csi_span_equal(oid.content, scrypt))
        return parse_scrypt(&parameters, derivation, err);
    return unsupported("key derivation", oid.whole, err);
}

/* RFC 8018 appendix B.2.3: SEQUENCE { rc2ParameterVersion INTEGER OPTIONAL, iv OCTET STRING }; absent means 32 effective bits. */
static certstore_status parse_rc2(struct csi_reader *r, struct csi_pbe *pbe, certstore_error *err)
{
    struct csi_reader body;
    struct csi_tlv iv;
    uint64_t version = 0;
    if (!csi_der_enter(r, CSI_DER_SEQUENCE, &body) || (csi_left(&body) > 0 && *body.at == CSI_DER_INTEGER && !csi_der_uint(&body, &version)) ||
        !csi_der_expect(&body, CSI_DER_OCTET_STRING, &iv))
        return malformed("RC2", err);
    pbe->iv = iv.content;
    switch (version) { /* RFC 2268 section 6: the encoding of the common sizes; 256 and above stand for themselves */
    case 58:
        pbe->rc2_bits = 128;
        break;
    case 120:
        pbe->rc2_bits = 64;
        break;
    case 160:
        pbe->rc2_bits = 40;
        break;
    default:
        return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "rc2-cbc: the parameter version %llu is not supported; encrypt it with another algorithm",
                        (unsigned long long)version);
    }
    return CERTSTORE_OK;
}

static certstore_status parse_cipher(struct csi_span algorithm, struct csi_pbe *pbe, certstore_error *err)
{
    struct csi_reader parameters;
    struct csi_tlv oid, iv;
    if (!read_algorithm(algorithm, &oid, &parameters))
        return malformed("the cipher", err);
    int nid = oid_nid(oid.whole);
    if (nid == NID_undef)
        return unsupported("PBES2", oid.whole, err);
    pbe->cipher = OBJ_nid2sn(nid);
    if (nid == NID_rc2_cbc)
        return parse_rc2(&parameters, pbe, err);
    if (csi_der_expect(&parameters, CSI_DER_OCTET_STRING, &iv))
        pbe->iv = iv.content;
    else if (csi_left(&parameters) > 0 && *parameters.at != CSI_DER_NULL) /* RC5, AEAD modes, GOST: parameters of their own */
        return unsupported("PBES2", oid.whole, err);
    return CERTSTORE_OK;
}

/* RFC 8018 appendix A.4: SEQUENCE { keyDerivationFunc, encryptionScheme }. */
static certstore_status parse_pbes2(struct csi_reader *r, struct csi_pbe *pbe, certstore_error *err)
{
    struct csi_reader body;
    struct csi_tlv kdf, cipher;
    if (!csi_der_enter(r, CSI_DER_SEQUENCE, &body) || !csi_der_expect(&body, CSI_DER_SEQUENCE, &kdf) ||
        !csi_der_expect(&body, CSI_DER_SEQUENCE, &cipher))
        return malformed("PBES2", err);
    CSI_TRY(csi_derivation_parse(kdf.whole, &pbe->derivation, err));
    CSI_TRY(parse_cipher(cipher.whole, pbe, err));
    snprintf(pbe->name, sizeof pbe->name, "PBES2 %s", pbe->cipher);
    return CERTSTORE_OK;
}

certstore_status csi_pbe_parse(struct csi_span algorithm, struct csi_pbe *pbe, certstore_error *err)
{
    struct csi_reader parameters, body;
    struct csi_tlv oid, salt;
    *pbe = (struct csi_pbe){ 0 };
    if (!read_algorithm(algorithm, &oid, &parameters))
        return malformed("the algorithm", err);
    if (csi_span_equal(oid.content, pbes2))
        return parse_pbes2(&parameters, pbe, err);
    for (size_t i = 0; i < sizeof fixed_schemes / sizeof *fixed_schemes; i++) {
        const struct fixed_scheme *scheme = &fixed_schemes[i];
        if (!csi_span_equal(scheme->oid, oid.content))
            continue;
        if (!csi_der_enter(&parameters, CSI_DER_SEQUENCE, &body) || !csi_der_expect(&body, CSI_DER_OCTET_STRING, &salt) ||
            !csi_der_uint(&body, &pbe->derivation.iterations))
            return malformed("PBE", err);
        pbe->derivation.kdf = scheme->kdf;
        pbe->derivation.digest = scheme->digest;
        pbe->derivation.salt = salt.content;
        pbe->cipher = scheme->cipher;
        pbe->key_size = scheme->key_size;
        pbe->rc2_bits = scheme->rc2_bits;
        csi_algorithm_text(oid.whole, pbe->name, sizeof pbe->name);
        return CERTSTORE_OK;
    }
    return unsupported("encryption", oid.whole, err);
}
