/* SPDX-License-Identifier: Apache-2.0 */
/* pbe_derive.c: passphrase to key bytes: RFC 7292 appendix B, RFC 8018 section 5, RFC 7914. */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdio.h>

#include "codec/pbe.h"
#include "codec/pbe_iterate.h"

/* scrypt's working memory, 128 * N * r bytes, beyond which no real store goes. */
enum { SCRYPT_MEMORY = 64 * 1024 * 1024 };

CSI_DEFINE_AUTO(EVP_MD, EVP_MD_free)
CSI_DEFINE_AUTO(EVP_KDF, EVP_KDF_free)
CSI_DEFINE_AUTO(EVP_KDF_CTX, EVP_KDF_CTX_free)

static void forget(struct csi_derived *derived)
{
    csi_blob_free(derived->salt);
    csi_secret_free(derived->password);
    csi_secret_free(derived->key);
    *derived = (struct csi_derived){ 0 };
}

void csi_pbe_session_close(struct csi_pbe_session *session)
{
    for (size_t i = 0; i < sizeof session->last / sizeof *session->last; i++)
        forget(&session->last[i]);
    if (session->opened)
        csi_ossl_close(&session->ossl);
    session->opened = false;
}

certstore_status csi_pbe_digest(struct csi_pbe_session *session, const char *name, EVP_MD **md, OSSL_LIB_CTX **library, certstore_error *err)
{
    CSI_AUTO_FENCE fence;
    csi_fence_begin(&fence);
    *library = NULL;
    *md = EVP_MD_fetch(NULL, name, NULL);
    if (*md != NULL)
        return CERTSTORE_OK;
    if (!session->opened)
        CSI_TRY(csi_ossl_open(&session->ossl, err));
    session->opened = true;
    *library = session->ossl.context;
    *md = EVP_MD_fetch(*library, name, NULL);
    if (*md == NULL)
        return csi_fail_ossl(err, CERTSTORE_E_UNSUPPORTED, "digest: %s is not supported here; protect the store with another one", name);
    return CERTSTORE_OK;
}

/* RFC 8018 section 5.1: T1 = Hash(P || S), Ti = Hash(Ti-1). */
static certstore_status pbkdf1(const EVP_MD *md, const struct csi_derivation *d, struct csi_span password, uint8_t *out, size_t size,
                               certstore_error *err)
{
    uint8_t t[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    CSI_AUTO_BUF first = { 0 };
    csi_buf_put_span(&first, password);
    csi_buf_put_span(&first, d->salt);
    CSI_TRY(csi_buf_check(&first, err));
    bool good = EVP_Digest(first.data, first.size, t, &length, md, NULL) == 1 && size <= length;
    for (uint64_t i = 1; good && i < d->iterations; i++)
        good = EVP_Digest(t, length, t, &length, md, NULL) == 1;
    if (good)
        memcpy(out, t, size);
    csi_wipe(t, sizeof t);
    return good ? CERTSTORE_OK : csi_fail_ossl(err, CERTSTORE_E_UNSUPPORTED, "PBKDF1: cannot derive; protect the store with another algorithm");
}

static certstore_status run_kdf(OSSL_LIB_CTX *library, const char *name, const OSSL_PARAM *params, uint8_t *out, size_t size, certstore_error *err)
{
    CSI_AUTO(EVP_KDF) *kdf = EVP_KDF_fetch(library, name, NULL);
    if (kdf == NULL)
        return csi_fail_ossl(err, CERTSTORE_E_UNSUPPORTED, "%s: OpenSSL does not have it here; protect the store with another algorithm", name);
    CSI_AUTO(EVP_KDF_CTX) *ctx = EVP_KDF_CTX_new(kdf);
    if (ctx == NULL)
        return csi_error_memory(err);
    if (EVP_KDF_derive(ctx, out, size, params) == 1)
        return CERTSTORE_OK;
    if (strcmp(name, "SCRYPT") == 0) /* N may be no power of two, and so on */
        return csi_fail_ossl(err, CERTSTORE_E_UNSUPPORTED, "scrypt: OpenSSL cannot derive with these parameters; protect the store anew");
    /* The digest was fetched and the numbers are checked: what is left is memory, of which OpenSSL wants some in every iteration. */
    return csi_fail_ossl(err, CERTSTORE_E_MEMORY, "%s: OpenSSL could not derive; free some memory and try again", name);
}

/* OpenSSL's parameters are not const; it does not write to these. */
static OSSL_PARAM octets(const char *key, struct csi_span bytes)
{
    static const uint8_t nothing;
    return OSSL_PARAM_construct_octet_string(key, (void *)(uintptr_t)(bytes.size > 0 ? bytes.data : &nothing), bytes.size);
}

static certstore_status scrypt(const struct csi_derivation *d, struct csi_span password, uint8_t *out, size_t size, certstore_error *err)
{
    uint64_t n = d->iterations, r = d->block_size, p = d->parallel, memory = SCRYPT_MEMORY + (1U << 20);
    OSSL_PARAM params[] = {
        octets(OSSL_KDF_PARAM_PASSWORD, password),
        octets(OSSL_KDF_PARAM_SALT, d->salt),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_R, &r),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_P, &p),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory),
        OSSL_PARAM_construct_end(),
    };
    return run_kdf(NULL, "SCRYPT", params, out, size, err);
}

static certstore_status with_digest(struct csi_pbe_session *session, const struct csi_derivation *d, struct csi_span password,
                                    enum csi_pkcs12_id purpose, uint8_t *out, size_t size, certstore_error *err)
{
    CSI_AUTO(EVP_MD) *md = NULL;
    OSSL_LIB_CTX *library;
    CSI_TRY(csi_pbe_digest(session, d->digest, &md, &library, err));
    if (d->kdf == CSI_KDF_PBKDF1)
        return pbkdf1(md, d, password, out, size, err);
    const struct csi_iterated_hash *iterated = csi_iterated_hash(d->digest);
    if (iterated != NULL && d->kdf == CSI_KDF_PKCS12)
        return csi_iterate_pkcs12(iterated, (uint8_t)purpose, password, d->salt, d->iterations, out, size, err);
    if (iterated != NULL) {
        csi_iterate_pbkdf2(iterated, password, d->salt, d->iterations, out, size);
        return CERTSTORE_OK;
    }
    uint64_t iterations = d->iterations;
    int id = (int)purpose;
    char digest[64];
    snprintf(digest, sizeof digest, "%s", d->digest);
    OSSL_PARAM params[] = {
        octets(OSSL_KDF_PARAM_PASSWORD, password),
        octets(OSSL_KDF_PARAM_SALT, d->salt),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_ITER, &iterations),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        d->kdf == CSI_KDF_PKCS12 ? OSSL_PARAM_construct_int(OSSL_KDF_PARAM_PKCS12_ID, &id) : OSSL_PARAM_construct_end(),
        OSSL_PARAM_construct_end(),
    };
    return run_kdf(library, d->kdf == CSI_KDF_PKCS12 ? "PKCS12KDF" : "PBKDF2", params, out, size, err);
}

/* scrypt's work is counted in its blocks, which take about as long as an iteration of PBKDF2. */
static certstore_status pay(struct csi_budget *budget, const struct csi_derivation *d, certstore_error *err)
{
    size_t cost = d->iterations;
    if (cost == 0)
        return csi_fail(err, CERTSTORE_E_MALFORMED, "encryption parameters: zero iterations; the store is damaged");
    if (d->kdf != CSI_KDF_SCRYPT)
        return csi_budget_spend(budget, cost, err);
    size_t memory;
    if (!csi_mul(cost, d->block_size, &cost) || !csi_mul(cost, 128, &memory) || memory > SCRYPT_MEMORY || !csi_mul(cost, d->parallel, &cost))
        return csi_fail(err, CERTSTORE_E_LIMIT, "scrypt: its parameters ask for more than 64 MiB; protect the store with smaller ones");
    return csi_budget_spend(budget, cost, err);
}

static bool same(const struct csi_derived *last, const struct csi_derivation *d, struct csi_span password, size_t size)
{
    return last->key != NULL && last->key->size == size && last->how.kdf == d->kdf && last->how.iterations == d->iterations &&
           last->how.block_size == d->block_size && last->how.parallel == d->parallel &&
           (d->kdf == CSI_KDF_SCRYPT || strcmp(last->how.digest, d->digest) == 0) && csi_span_equal(csi_blob_span(last->salt), d->salt) &&
           last->password->size == password.size && csi_equal_ct(last->password->data, password.data, password.size);
}

static certstore_status remember(struct csi_derived *last, const struct csi_derivation *d, struct csi_span password, const uint8_t *key, size_t size,
                                 certstore_error *err)
{
    forget(last);
    last->how = *d;
    last->salt = csi_blob_new(d->salt.data, d->salt.size, err);
    last->password = csi_secret_new(password.data, password.size, err);
    last->key = csi_secret_new(key, size, err);
    if (last->salt == NULL || last->password == NULL || last->key == NULL)
        forget(last);
    return err->status;
}

certstore_status csi_derive(struct csi_pbe_session *session, const struct csi_derivation *derivation, struct csi_span password,
                            enum csi_pkcs12_id purpose, uint8_t *out, size_t size, certstore_error *err)
{
    struct csi_derived *last = &session->last[purpose];
    if (same(last, derivation, password, size)) {
        memcpy(out, last->key->data, size);
        return CERTSTORE_OK;
    }
    if (purpose != CSI_ID_IV)
        CSI_TRY(pay(session->budget, derivation, err));
    CSI_AUTO_FENCE fence;
    csi_fence_begin(&fence);
    if (derivation->kdf == CSI_KDF_SCRYPT)
        CSI_TRY(scrypt(derivation, password, out, size, err));
    else
        CSI_TRY(with_digest(session, derivation, password, purpose, out, size, err));
    return remember(last, derivation, password, out, size, err);
}
