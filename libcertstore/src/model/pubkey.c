/* SPDX-License-Identifier: Apache-2.0 */
/* pubkey.c: RFC 3279, RFC 5480 and RFC 8410 on one side, PKCS#11 2.40 and 3.0 on the other. */
#define OPENSSL_SUPPRESS_DEPRECATED /* the low-level calls neither allocate nor fail, as csi_sha256() */
#include "model/pubkey.h"

#include <openssl/sha.h>
#include <p11-kit/pkcs11.h>

#include "base/reader.h"
#include "base/writer.h"

enum { CKK_MONTGOMERY = 0x41 }; /* CKK_EC_MONTGOMERY of PKCS#11 3.0, which p11-kit's header does not have */

enum family { NO_FAMILY, RSA, DSA, EC, EDWARDS, MONTGOMERY };

static const struct known {
    uint8_t oid[9];
    uint8_t size;
    enum family family;
    uint8_t point; /* RFC 8410: how many bytes its keys have */
} known[] = {
    { { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 }, 9, RSA, 0 },
    { { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a }, 9, RSA, 0 }, /* RSASSA-PSS */
    { { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x07 }, 9, RSA, 0 }, /* RSAES-OAEP */
    { { 0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01 }, 7, DSA, 0 },
    { { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 }, 7, EC, 0 },
    { { 0x2b, 0x65, 0x70 }, 3, EDWARDS, 32 }, /* Ed25519 */
    { { 0x2b, 0x65, 0x71 }, 3, EDWARDS, 57 }, /* Ed448 */
    { { 0x2b, 0x65, 0x6e }, 3, MONTGOMERY, 32 },
    { { 0x2b, 0x65, 0x6f }, 3, MONTGOMERY, 56 },
};
enum { KNOWN = sizeof known / sizeof *known };

struct spki {
    const struct known *algorithm; /* NULL: not known here */
    struct csi_span parameters;    /* whole; empty where there are none */
    struct csi_span key;           /* the BIT STRING's content without its count of unused bits */
};

static bool parse(struct csi_span bytes, struct spki *spki)
{
    struct csi_reader outer = csi_reader(bytes);
    struct csi_reader whole;
    struct csi_reader algorithm;
    struct csi_tlv oid;
    struct csi_tlv bits;
    *spki = (struct spki){ 0 };
    if (!csi_der_enter(&outer, CSI_DER_SEQUENCE, &whole) || !csi_der_enter(&whole, CSI_DER_SEQUENCE, &algorithm) ||
        !csi_der_expect(&algorithm, CSI_DER_OID, &oid) || !csi_der_expect(&whole, CSI_DER_BIT_STRING, &bits) || bits.content.size < 2 ||
        bits.content.data[0] != 0)
        return false;
    spki->parameters = csi_span(algorithm.at, csi_left(&algorithm));
    spki->key = csi_span(bits.content.data + 1, bits.content.size - 1);
    for (size_t i = 0; i < KNOWN && spki->algorithm == NULL; i++)
        if (csi_span_equal(oid.content, csi_span(known[i].oid, known[i].size)))
            spki->algorithm = &known[i];
    return true;
}

static bool rsa_numbers(struct csi_span key, struct csi_span *modulus, struct csi_span *exponent)
{
    struct csi_reader outer = csi_reader(key);
    struct csi_reader numbers;
    struct csi_tlv n;
    struct csi_tlv e;
    if (!csi_der_enter(&outer, CSI_DER_SEQUENCE, &numbers) || !csi_der_expect(&numbers, CSI_DER_INTEGER, &n) ||
        !csi_der_expect(&numbers, CSI_DER_INTEGER, &e))
        return false;
    *modulus = n.content;
    *exponent = e.content;
    return true;
}

/* ----------------------------------------------------------------------------------------------------------------- identity */

/* A DER INTEGER has a zero in front where its first bit is set; PKCS#11's big integers have none, or as many as a module likes. */
static struct csi_span without_zeros(struct csi_span number)
{
    while (number.size > 0 && number.data[0] == 0)
        number = csi_span(number.data + 1, number.size - 1);
    return number;
}

static bool digest(enum family family, const void *first, size_t first_size, struct csi_span rest, struct csi_pubkey *key)
{
    uint8_t tag = (uint8_t)family;
    SHA256_CTX context;
    if (first_size + rest.size == 0)
        return false;
    SHA256_Init(&context);
    SHA256_Update(&context, &tag, sizeof tag);
    SHA256_Update(&context, first, first_size);
    SHA256_Update(&context, rest.data, rest.size);
    SHA256_Final(key->identity, &context);
    return true;
}

/* SEC 1 section 2.3.3: 04 X Y, or 02 or 03 and X, where the last bit of Y chooses. */
static bool digest_point(struct csi_span point, struct csi_pubkey *key)
{
    if (point.size < 3 || point.data[0] < 2 || point.data[0] > 4 || (point.data[0] == 4 && point.size % 2 == 0))
        return false;
    bool whole = point.data[0] == 4;
    uint8_t sign = whole ? 2 | (point.data[point.size - 1] & 1) : point.data[0];
    struct csi_span x = csi_span(point.data + 1, whole ? (point.size - 1) / 2 : point.size - 1);
    return digest(EC, &sign, 1, x, key);
}

static bool digest_key(enum family family, struct csi_span number, struct csi_pubkey *key)
{
    if (family == EC)
        return digest_point(number, key);
    return digest(family, NULL, 0, family == RSA || family == DSA ? without_zeros(number) : number, key);
}

bool csi_pubkey_equal(const struct csi_pubkey *a, const struct csi_pubkey *b)
{
    return memcmp(a->identity, b->identity, sizeof a->identity) == 0;
}

bool csi_pubkey_of_spki(struct csi_span bytes, struct csi_pubkey *key)
{
    struct spki spki;
    struct csi_span exponent;
    if (!parse(bytes, &spki) || spki.algorithm == NULL)
        return false;
    enum family family = spki.algorithm->family;
    struct csi_span number = spki.key;
    if (family == RSA && !rsa_numbers(spki.key, &number, &exponent))
        return false;
    struct csi_reader r = csi_reader(spki.key);
    struct csi_tlv y;
    if (family == DSA) {
        if (!csi_der_expect(&r, CSI_DER_INTEGER, &y))
            return false;
        number = y.content;
    }
    return digest_key(family, number, key);
}

static enum family family_of(struct csi_span object)
{
    switch (csi_object_number(object, CKA_KEY_TYPE, UINT32_MAX)) {
    case CKK_RSA:
        return RSA;
    case CKK_DSA:
        return DSA;
    case CKK_EC:
        return EC;
    case CKK_EC_EDWARDS:
        return EDWARDS;
    case CKK_MONTGOMERY:
        return MONTGOMERY;
    default:
        return NO_FAMILY;
    }
}

/* The content of an OCTET STRING that fills the bytes: how PKCS#11 2.40 wants a point, and not every module gives it. */
static bool unwrap(struct csi_span bytes, struct csi_span *point)
{
    struct csi_reader r = csi_reader(bytes);
    struct csi_tlv tlv;
    if (!csi_der_expect(&r, CSI_DER_OCTET_STRING, &tlv) || csi_left(&r) > 0)
        return false;
    *point = tlv.content;
    return true;
}

size_t csi_pubkey_of_object(struct csi_span object, struct csi_pubkey keys[2])
{
    struct csi_span value;
    struct csi_span point;
    enum family family = family_of(object);
    size_t count = 0;
    if (csi_object_get(object, CKA_PUBLIC_KEY_INFO, &value) && csi_pubkey_of_spki(value, &keys[0]))
        return 1;
    if (family == RSA)
        return csi_object_get(object, CKA_MODULUS, &value) && digest_key(RSA, value, &keys[0]) ? 1 : 0;
    if (family == DSA) /* a private one's value is the secret */
        return csi_object_class(object) == CKO_PUBLIC_KEY && csi_object_get(object, CKA_VALUE, &value) && digest_key(DSA, value, &keys[0]) ? 1 : 0;
    if (family == NO_FAMILY || !csi_object_get(object, CKA_EC_POINT, &value))
        return 0;
    if (unwrap(value, &point) && digest_key(family, point, &keys[0]))
        count++;
    if (digest_key(family, value, &keys[count]))
        count++;
    return count;
}

/* --------------------------------------------------------------------------------------------------------- SPKI from object */

static void put_algorithm(struct csi_buf *out, const struct known *algorithm, struct csi_span parameters)
{
    size_t from = out->size;
    csi_der_put(out, CSI_DER_OID, csi_span(algorithm->oid, algorithm->size));
    csi_buf_put_span(out, parameters);
    csi_der_wrap(out, from, CSI_DER_SEQUENCE);
}

static void put_key(struct csi_buf *out, struct csi_span key)
{
    size_t from = out->size;
    csi_buf_put_u8(out, 0); /* unused bits */
    csi_buf_put_span(out, key);
    csi_der_wrap(out, from, CSI_DER_BIT_STRING);
}

static const struct known *find_known(enum family family, size_t point)
{
    for (size_t i = 0; i < KNOWN; i++)
        if (known[i].family == family && known[i].point == point)
            return &known[i];
    return NULL;
}

static void put_integer(struct csi_buf *out, struct csi_span number)
{
    size_t from = out->size;
    number = without_zeros(number);
    if (number.size == 0 || (number.data[0] & 0x80) != 0)
        csi_buf_put_u8(out, 0);
    csi_buf_put_span(out, number);
    csi_der_wrap(out, from, CSI_DER_INTEGER);
}

static bool put_rsa(struct csi_span object, struct csi_buf *out)
{
    static const uint8_t null[] = { CSI_DER_NULL, 0 };
    struct csi_span modulus;
    struct csi_span exponent;
    CSI_AUTO_BUF key = { 0 };
    if (!csi_object_get(object, CKA_MODULUS, &modulus) || !csi_object_get(object, CKA_PUBLIC_EXPONENT, &exponent))
        return false;
    put_integer(&key, modulus);
    put_integer(&key, exponent);
    csi_der_wrap(&key, 0, CSI_DER_SEQUENCE);
    put_algorithm(out, &known[0], csi_span(null, sizeof null)); /* RFC 3279 section 2.3.1 */
    put_key(out, csi_buf_span(&key));
    out->failed = out->failed || key.failed;
    return true;
}

/* A point in an OCTET STRING is taken before a bare one wherever its size is one that the curve's points can have. */
static bool put_curve(struct csi_span object, enum family family, struct csi_buf *out)
{
    struct csi_span parameters = { 0 };
    struct csi_span value;
    struct csi_span point;
    if (!csi_object_get(object, CKA_EC_POINT, &value))
        return false;
    struct csi_pubkey ignored;
    if (!unwrap(value, &point) || (family == EC ? !digest_point(point, &ignored) : find_known(family, point.size) == NULL))
        point = value;
    const struct known *algorithm = find_known(family, family == EC ? 0 : point.size);
    if (algorithm == NULL || (family == EC && (!csi_object_get(object, CKA_EC_PARAMS, &parameters) || !digest_point(point, &ignored))))
        return false;
    put_algorithm(out, algorithm, parameters);
    put_key(out, point);
    return true;
}

bool csi_object_spki(struct csi_span object, struct csi_buf *out)
{
    struct csi_span value;
    struct spki ignored;
    if (csi_object_get(object, CKA_PUBLIC_KEY_INFO, &value) && parse(value, &ignored)) {
        csi_buf_put_span(out, value);
        return !out->failed;
    }
    size_t from = out->size;
    enum family family = family_of(object);
    bool put = family == RSA ? put_rsa(object, out) : (family == EC || family == EDWARDS || family == MONTGOMERY) && put_curve(object, family, out);
    if (put)
        csi_der_wrap(out, from, CSI_DER_SEQUENCE);
    return put && !out->failed;
}

/* --------------------------------------------------------------------------------------------------------- object from SPKI */

uint32_t csi_spki_key_type(struct csi_span bytes)
{
    static const uint32_t types[] = { [RSA] = CKK_RSA, [DSA] = CKK_DSA, [EC] = CKK_EC, [EDWARDS] = CKK_EC_EDWARDS, [MONTGOMERY] = CKK_MONTGOMERY };
    struct spki spki;
    return parse(bytes, &spki) && spki.algorithm != NULL ? types[spki.algorithm->family] : UINT32_MAX;
}

bool csi_object_put_spki(struct csi_object_draft *draft, struct csi_span bytes, bool with_point)
{
    struct spki spki;
    struct csi_span modulus;
    struct csi_span exponent;
    CSI_AUTO_BUF encoded = { 0 };
    if (!parse(bytes, &spki) || spki.algorithm == NULL || spki.algorithm->family == DSA)
        return false;
    if (spki.algorithm->family == RSA) {
        if (!rsa_numbers(spki.key, &modulus, &exponent))
            return false;
        csi_object_put_number(draft, CKA_KEY_TYPE, CKK_RSA);
        csi_object_put(draft, CKA_MODULUS, without_zeros(modulus));
        csi_object_put(draft, CKA_PUBLIC_EXPONENT, without_zeros(exponent));
        return true;
    }
    csi_object_put_number(draft, CKA_KEY_TYPE, csi_spki_key_type(bytes));
    csi_der_put(&encoded, CSI_DER_OID, csi_span(spki.algorithm->oid, spki.algorithm->size)); /* RFC 8410: the algorithm is the curve */
    csi_object_put(draft, CKA_EC_PARAMS, spki.algorithm->family == EC ? spki.parameters : csi_buf_span(&encoded));
    if (with_point) {
        encoded.size = 0;
        csi_der_put(&encoded, CSI_DER_OCTET_STRING, spki.key);
        csi_object_put(draft, CKA_EC_POINT, csi_buf_span(&encoded));
    }
    draft->bytes.failed = draft->bytes.failed || encoded.failed;
    return true;
}

bool csi_spki_key_id(struct csi_span bytes, bool as_nss, uint8_t id[20])
{
    struct spki spki;
    struct csi_span exponent;
    if (!parse(bytes, &spki))
        return false;
    struct csi_span number = spki.key;
    if (as_nss && spki.algorithm != NULL && spki.algorithm->family == RSA && rsa_numbers(spki.key, &number, &exponent))
        number = without_zeros(number);
    SHA1(number.data, number.size, id);
    return true;
}

/* -------------------------------------------------------------------------------------------------------------- secret keys */

static const struct {
    uint32_t type;
    const char *name;
} secret_types[] = {
    { CKK_AES, "AES" },
    { CKK_DES3, "DESede" },
    { CKK_DES, "DES" },
    { CKK_CAMELLIA, "Camellia" },
    { CKK_ARIA, "ARIA" },
    { CKK_BLOWFISH, "Blowfish" },
    { CKK_RC2, "RC2" },
    { CKK_RC4, "RC4" },
    { CKK_SEED, "SEED" },
    { CKK_MD5_HMAC, "HmacMD5" },
    { CKK_SHA_1_HMAC, "HmacSHA1" },
    { CKK_SHA224_HMAC, "HmacSHA224" },
    { CKK_SHA256_HMAC, "HmacSHA256" },
    { CKK_SHA384_HMAC, "HmacSHA384" },
    { CKK_SHA512_HMAC, "HmacSHA512" },
    { CKK_GENERIC_SECRET, "" },
};
enum { SECRET_TYPES = sizeof secret_types / sizeof *secret_types };

const char *csi_object_secret_algorithm(struct csi_span object)
{
    uint32_t type = csi_object_number(object, CKA_KEY_TYPE, UINT32_MAX);
    for (size_t i = 0; i < SECRET_TYPES; i++)
        if (secret_types[i].type == type)
            return secret_types[i].name;
    return NULL;
}

uint32_t csi_secret_key_type(const char *algorithm)
{
    for (size_t i = 0; i < SECRET_TYPES; i++)
        if (strcmp(secret_types[i].name, algorithm) == 0)
            return secret_types[i].type;
    return CKK_GENERIC_SECRET;
}
