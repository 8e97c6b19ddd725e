/* SPDX-License-Identifier: Apache-2.0 */
/* provider_rsa.c: what OpenSSL calls a padding, as PKCS#11 mechanisms (PKCS#11 2.40 section 2.1; RFC 8017). */
#include <openssl/objects.h>
#include <openssl/rsa.h>

#include "base/writer.h"
#include "key/provider_internal.h"
#include "model/ossl.h"

certstore_status csi_books_number(const struct csi_books *books, const char *name, int *number, certstore_error *err)
{
    OSSL_PARAM params[] = { OSSL_PARAM_construct_int(name, number), OSSL_PARAM_construct_end() };
    if (EVP_PKEY_CTX_get_params(books->context, params) != 1)
        return csi_fail_ossl(err, CERTSTORE_E_UNSUPPORTED, "key: OpenSSL does not say the operation's %s", name);
    return CERTSTORE_OK;
}

certstore_status csi_books_digest(const struct csi_books *books, const char *name, EVP_MD **md, certstore_error *err)
{
    char text[64] = "";
    OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(name, text, sizeof text), OSSL_PARAM_construct_end() };
    *md = NULL;
    if (EVP_PKEY_CTX_get_params(books->context, params) != 1 || text[0] == '\0')
        return CERTSTORE_OK;
    *md = EVP_MD_fetch(books->provider->context, text, CSI_PROVIDER_TWIN);
    return *md != NULL ? CERTSTORE_OK : csi_fail_ossl(err, CERTSTORE_E_UNSUPPORTED, "key: no digest %s is to be had from OpenSSL", text);
}

/* A digest that PKCS#11 can name as a parameter of PSS and OAEP. */
static const struct hash {
    int nid;
    CK_MECHANISM_TYPE digest;
    CK_RSA_PKCS_MGF_TYPE mgf;
} hashes[] = {
    { NID_sha1, CKM_SHA_1, CKG_MGF1_SHA1 },      { NID_sha224, CKM_SHA224, CKG_MGF1_SHA224 }, { NID_sha256, CKM_SHA256, CKG_MGF1_SHA256 },
    { NID_sha384, CKM_SHA384, CKG_MGF1_SHA384 }, { NID_sha512, CKM_SHA512, CKG_MGF1_SHA512 },
};

static const struct hash *find_hash(const EVP_MD *md, certstore_error *err)
{
    for (size_t i = 0; md != NULL && i < sizeof hashes / sizeof *hashes; i++)
        if (hashes[i].nid == EVP_MD_get_type(md))
            return &hashes[i];
    csi_fail(err, CERTSTORE_E_UNSUPPORTED, "key: a token takes no %s here; use SHA-256, SHA-384 or SHA-512",
             md != NULL ? EVP_MD_get0_name(md) : "data without a digest");
    return NULL;
}

/* The books name the digest of the mask generation only where somebody set one; else it is the main digest (RFC 8017 section 9.1). */
static const struct hash *find_mask(const struct csi_books *books, const char *name, const EVP_MD *main, certstore_error *err)
{
    EVP_MD *fetched = NULL;
    if (csi_books_digest(books, name, &fetched, err) != CERTSTORE_OK)
        return NULL;
    CSI_AUTO(EVP_MD) *mask = fetched;
    return find_hash(mask != NULL ? mask : main, err);
}

/* DigestInfo (RFC 8017 section 9.2): TLS 1.0's MD5 and SHA-1 side by side have none, and neither has data of no digest. */
static certstore_status sign_pkcs1(struct csi_token_key *key, const EVP_MD *md, struct csi_span digest, struct csi_buf *out, certstore_error *err)
{
    static const uint8_t null[] = { CSI_DER_NULL, 0 };
    const CK_MECHANISM mechanism = { .mechanism = CKM_RSA_PKCS };
    if (md == NULL || EVP_MD_get_type(md) == NID_md5_sha1)
        return csi_token_operate(key, &mechanism, false, digest, out, err);
    const ASN1_OBJECT *algorithm = OBJ_nid2obj(EVP_MD_get_type(md));
    if (algorithm == NULL || OBJ_length(algorithm) == 0)
        return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "key: the digest %s has no object identifier to sign it under", EVP_MD_get0_name(md));
    CSI_AUTO_BUF info = { 0 };
    csi_der_put(&info, CSI_DER_OID, csi_span(OBJ_get0_data(algorithm), OBJ_length(algorithm)));
    csi_buf_put(&info, null, sizeof null);
    csi_der_wrap(&info, 0, CSI_DER_SEQUENCE);
    csi_der_put(&info, CSI_DER_OCTET_STRING, digest);
    csi_der_wrap(&info, 0, CSI_DER_SEQUENCE);
    CSI_TRY(csi_buf_check(&info, err));
    return csi_token_operate(key, &mechanism, false, csi_buf_span(&info), out, err);
}

/* Octets of salt: a number, or one of OpenSSL's words for it. The most that fits is emLen - hLen - 2 (RFC 8017 section 9.1.1). */
static certstore_status salt_size(const struct csi_books *books, const struct csi_token_key *key, const EVP_MD *md, CK_ULONG *size,
                                  certstore_error *err)
{
    int wanted = RSA_PSS_SALTLEN_DIGEST;
    CSI_TRY(csi_books_number(books, OSSL_SIGNATURE_PARAM_PSS_SALTLEN, &wanted, err));
    int digest = EVP_MD_get_size(md);
    int most = (EVP_PKEY_get_bits(key->twin) + 6) / 8 - digest - 2;
    if (wanted == RSA_PSS_SALTLEN_DIGEST)
        wanted = digest;
    else if (wanted < 0) /* AUTO and MAX: when signing, the most */
        wanted = most;
    if (wanted < 0 || wanted > most)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "key: %s and its salt do not fit a signature of %d bits; use a smaller digest",
                        EVP_MD_get0_name(md), EVP_PKEY_get_bits(key->twin));
    *size = (CK_ULONG)wanted;
    return CERTSTORE_OK;
}

static certstore_status sign_pss(struct csi_token_key *key, const struct csi_books *books, const EVP_MD *md, struct csi_span digest,
                                 struct csi_buf *out, certstore_error *err)
{
    CK_RSA_PKCS_PSS_PARAMS pss = { 0 };
    const struct hash *hash = find_hash(md, err);
    const struct hash *mask = hash != NULL ? find_mask(books, OSSL_SIGNATURE_PARAM_MGF1_DIGEST, md, err) : NULL;
    if (mask == NULL)
        return err->status;
    pss.hashAlg = hash->digest;
    pss.mgf = mask->mgf;
    CSI_TRY(salt_size(books, key, md, &pss.sLen, err));
    const CK_MECHANISM mechanism = { CKM_RSA_PKCS_PSS, &pss, sizeof pss };
    return csi_token_operate(key, &mechanism, false, digest, out, err);
}

static certstore_status refuse_padding(int padding, certstore_error *err)
{
    return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "key: OpenSSL's padding mode %d is not offered on a token; use PKCS#1 v1.5, PSS or OAEP", padding);
}

certstore_status csi_rsa_sign(struct csi_token_key *key, const struct csi_books *books, struct csi_span digest, struct csi_buf *out,
                              certstore_error *err)
{
    EVP_MD *fetched = NULL;
    int padding = RSA_PKCS1_PADDING;
    CSI_TRY(csi_books_number(books, OSSL_SIGNATURE_PARAM_PAD_MODE, &padding, err));
    CSI_TRY(csi_books_digest(books, OSSL_SIGNATURE_PARAM_DIGEST, &fetched, err));
    CSI_AUTO(EVP_MD) *md = fetched;
    if (md != NULL && digest.size != (size_t)EVP_MD_get_size(md))
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "key: %zu bytes are no value of %s; hash the data first", digest.size, EVP_MD_get0_name(md));
    if (padding == RSA_PKCS1_PADDING)
        return sign_pkcs1(key, md, digest, out, err);
    return padding == RSA_PKCS1_PSS_PADDING ? sign_pss(key, books, md, digest, out, err) : refuse_padding(padding, err);
}

/* The label (RFC 8017 section 7.1) lies in the books' context, which outlives the operation. */
static certstore_status decrypt_oaep(struct csi_token_key *key, const struct csi_books *books, struct csi_span data, struct csi_buf *out,
                                     certstore_error *err)
{
    EVP_MD *fetched = NULL;
    unsigned char *label = NULL;
    CSI_TRY(csi_books_digest(books, OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, &fetched, err));
    CSI_AUTO(EVP_MD) *md = fetched;
    const struct hash *hash = find_hash(md, err);
    const struct hash *mask = hash != NULL ? find_mask(books, OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, md, err) : NULL;
    if (mask == NULL)
        return err->status;
    int label_size = EVP_PKEY_CTX_get0_rsa_oaep_label(books->context, &label);
    CK_RSA_PKCS_OAEP_PARAMS oaep = { .hashAlg = hash->digest, .mgf = mask->mgf, .source = CKZ_DATA_SPECIFIED };
    if (label_size > 0 && label != NULL) {
        oaep.pSourceData = label;
        oaep.ulSourceDataLen = (CK_ULONG)label_size;
    }
    const CK_MECHANISM mechanism = { CKM_RSA_PKCS_OAEP, &oaep, sizeof oaep };
    return csi_token_operate(key, &mechanism, true, data, out, err);
}

/* TLS's own padding (mode 7, for its static RSA key exchange) is not offered: it must not show whether the padding was right, not even by the time
 * that it takes, and what a token does meanwhile is not in our hands. */
certstore_status csi_rsa_decrypt(struct csi_token_key *key, const struct csi_books *books, struct csi_span data, struct csi_buf *out,
                                 certstore_error *err)
{
    static const CK_MECHANISM pkcs1 = { .mechanism = CKM_RSA_PKCS };
    int padding = RSA_PKCS1_PADDING;
    if (key->token == NULL)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "key: this is a public key; decrypt with the private one");
    CSI_TRY(csi_books_number(books, OSSL_ASYM_CIPHER_PARAM_PAD_MODE, &padding, err));
    if (padding == RSA_PKCS1_PADDING)
        return csi_token_operate(key, &pkcs1, true, data, out, err);
    return padding == RSA_PKCS1_OAEP_PADDING ? decrypt_oaep(key, books, data, out, err) : refuse_padding(padding, err);
}
