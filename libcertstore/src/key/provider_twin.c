/* SPDX-License-Identifier: Apache-2.0 */
/*
 * provider_twin.c: the public half of a token's key as a key of the default provider.
 *
 * OpenSSL 3.0's own decoder sets itself up anew for every key and takes 170 us for it, more than a token takes to sign; from the numbers themselves
 * a key is made in 25 us. What is not in one of the usual forms (RFC 3279, RFC 5480, RFC 8410) is left to the decoder.
 */
#include <openssl/objects.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "base/reader.h"
#include "key/provider_internal.h"
#include "model/ossl.h"

CSI_DEFINE_AUTO(OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)
CSI_DEFINE_AUTO(OSSL_PARAM, OSSL_PARAM_free)
CSI_DEFINE_AUTO(BIGNUM, BN_free)

struct spki {
    int algorithm; /* NID */
    struct csi_reader parameters;
    struct csi_span key; /* the BIT STRING's content without its count of unused bits */
};

/* Of a whole OBJECT IDENTIFIER; NID_undef for one that OpenSSL does not know. */
static int nid_of(struct csi_span oid)
{
    const unsigned char *at = oid.data;
    ASN1_OBJECT *object = d2i_ASN1_OBJECT(NULL, &at, (long)oid.size);
    int nid = object != NULL ? OBJ_obj2nid(object) : NID_undef;
    ASN1_OBJECT_free(object);
    return nid;
}

static bool parse(struct csi_span bytes, struct spki *spki)
{
    enum { MOST = 16384 };
    struct csi_reader outer = csi_reader(bytes);
    struct csi_reader whole;
    struct csi_tlv oid;
    struct csi_tlv bits;
    if (bytes.size > MOST || !csi_der_enter(&outer, CSI_DER_SEQUENCE, &whole) || !csi_der_enter(&whole, CSI_DER_SEQUENCE, &spki->parameters) ||
        !csi_der_expect(&spki->parameters, CSI_DER_OID, &oid) || !csi_der_expect(&whole, CSI_DER_BIT_STRING, &bits) || bits.content.size < 2 ||
        bits.content.data[0] != 0 || csi_left(&whole) > 0 || csi_left(&outer) > 0)
        return false;
    spki->algorithm = nid_of(oid.whole);
    spki->key = csi_span(bits.content.data + 1, bits.content.size - 1);
    return true;
}

static EVP_PKEY *from_params(OSSL_LIB_CTX *context, const char *type, OSSL_PARAM_BLD *build)
{
    EVP_PKEY *key = NULL;
    CSI_AUTO(OSSL_PARAM) *params = OSSL_PARAM_BLD_to_param(build);
    CSI_AUTO(EVP_PKEY_CTX) *maker = EVP_PKEY_CTX_new_from_name(context, type, CSI_PROVIDER_TWIN);
    if (params != NULL && maker != NULL && EVP_PKEY_fromdata_init(maker) == 1)
        EVP_PKEY_fromdata(maker, &key, EVP_PKEY_PUBLIC_KEY, params);
    return key;
}

static BIGNUM *read_number(struct csi_reader *r)
{
    struct csi_tlv number;
    if (!csi_der_expect(r, CSI_DER_INTEGER, &number) || number.content.size == 0 || (number.content.data[0] & 0x80) != 0)
        return NULL;
    return BN_bin2bn(number.content.data, (int)number.content.size, NULL);
}

static EVP_PKEY *make_rsa(OSSL_LIB_CTX *context, const struct spki *spki)
{
    struct csi_reader outer = csi_reader(spki->key);
    struct csi_reader numbers;
    if (!csi_der_enter(&outer, CSI_DER_SEQUENCE, &numbers))
        return NULL;
    CSI_AUTO(BIGNUM) *n = read_number(&numbers);
    CSI_AUTO(BIGNUM) *e = read_number(&numbers);
    CSI_AUTO(OSSL_PARAM_BLD) *build = OSSL_PARAM_BLD_new();
    if (n == NULL || e == NULL || build == NULL || OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) != 1)
        return NULL;
    return from_params(context, "RSA", build);
}

/* A point that is not on the curve is refused by OpenSSL. */
static EVP_PKEY *make_ec(OSSL_LIB_CTX *context, const struct spki *spki)
{
    struct csi_reader parameters = spki->parameters;
    struct csi_tlv curve;
    if (!csi_der_expect(&parameters, CSI_DER_OID, &curve))
        return NULL;
    const char *name = OBJ_nid2sn(nid_of(curve.whole));
    CSI_AUTO(OSSL_PARAM_BLD) *build = OSSL_PARAM_BLD_new();
    if (name == NULL || build == NULL || OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, name, 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, spki->key.data, spki->key.size) != 1)
        return NULL;
    return from_params(context, "EC", build);
}

static EVP_PKEY *from_numbers(OSSL_LIB_CTX *context, struct csi_span bytes)
{
    struct spki spki = { 0 };
    if (!parse(bytes, &spki))
        return NULL;
    switch (spki.algorithm) {
    case NID_rsaEncryption:
        return make_rsa(context, &spki);
    case NID_X9_62_id_ecPublicKey:
        return make_ec(context, &spki);
    case NID_ED25519:
        return EVP_PKEY_new_raw_public_key_ex(context, "ED25519", CSI_PROVIDER_TWIN, spki.key.data, spki.key.size);
    default:
        return NULL;
    }
}

EVP_PKEY *csi_provider_twin(OSSL_LIB_CTX *context, struct csi_span spki, certstore_error *err)
{
    const unsigned char *at = spki.data;
    EVP_PKEY *twin = from_numbers(context, spki);
    if (twin == NULL && spki.size <= INT32_MAX)
        twin = d2i_PUBKEY_ex(NULL, &at, (long)spki.size, context, CSI_PROVIDER_TWIN);
    if (twin == NULL)
        csi_fail_ossl(err, CERTSTORE_E_MALFORMED, "key: OpenSSL cannot read its public key; give the certificate that belongs to it");
    return twin;
}
