/* SPDX-License-Identifier: Apache-2.0 */
/* pkey.c: private keys as EVP_PKEY. What the certificate already says of its key is read there, and what a token says in the key's object: it
 * costs no passphrase, and no token is asked. */
#include "key/pkey.h"

#include <openssl/evp.h>

#include "base/writer.h"
#include "key/provider.h"
#include "key/sign.h"
#include "model/certinfo.h"
#include "model/ossl.h"
#include "model/pubkey.h"

CSI_DEFINE_AUTO(EVP_PKEY, EVP_PKEY_free)

static certstore_status open_key(const certstore_entry *entry, struct csi_plain_key *plain, certstore_error *err)
{
    if (entry->key == NULL)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "%s: the entry holds no key; name one that does", entry->alias);
    return csi_key_open(entry->key, entry->alias, NULL, plain, err);
}

static bool leaf_spki(const certstore_entry *entry, struct csi_span *spki)
{
    struct csi_cert_view view;
    if (entry->kind != CERTSTORE_KEY || entry->cert_count == 0 || !csi_cert_skim(csi_span(entry->certs[0].data, entry->certs[0].size), &view))
        return false;
    *spki = view.spki;
    return true;
}

static struct csi_span object_of(const certstore_entry *entry)
{
    return csi_blob_span(entry->key->sealed);
}

/* A key on a token: its own word first; a certificate may be another key's. */
static certstore_status remote_spki(const certstore_entry *entry, struct csi_buf *out, certstore_error *err)
{
    struct csi_span spki;
    if (csi_object_spki(object_of(entry), out))
        return CERTSTORE_OK;
    CSI_TRY(csi_buf_check(out, err));
    if (!leaf_spki(entry, &spki))
        return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "%s: its token does not say its public key; put its certificate or its public key beside it",
                        entry->alias);
    csi_buf_put_span(out, spki);
    return csi_buf_check(out, err);
}

static EVP_PKEY *remote_pkey(const certstore_entry *entry, certstore_error *err)
{
    CSI_AUTO_BUF spki = { 0 };
    csi_p11 *token = csi_p11_of_remote(entry->key->remote);
    if (token == NULL) {
        csi_fail(err, CERTSTORE_E_UNAVAILABLE, "%s: the key's token is not at hand; open the store that it is in", entry->alias);
        return NULL;
    }
    return remote_spki(entry, &spki, err) == CERTSTORE_OK ? csi_token_pkey(token, object_of(entry), csi_buf_span(&spki), err) : NULL;
}

EVP_PKEY *csi_entry_pkey(const certstore_entry *entry, certstore_error *err)
{
    if (entry->kind != CERTSTORE_KEY) {
        csi_fail(err, CERTSTORE_E_ARGUMENT, "%s: the entry holds no private key; name one that does", entry->alias);
        return NULL;
    }
    if (csi_key_is_remote(entry->key))
        return remote_pkey(entry, err);
    CSI_AUTO_PLAIN plain = { 0 };
    if (open_key(entry, &plain, err) != CERTSTORE_OK)
        return NULL;
    return csi_ossl_private_key(csi_secret_span(plain.bytes), err);
}

certstore_status csi_entry_public_key(const certstore_entry *entry, struct csi_buf *out, certstore_error *err)
{
    if (entry->kind != CERTSTORE_KEY)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "%s: the entry holds no private key; name one that does", entry->alias);
    if (csi_key_is_remote(entry->key))
        return remote_spki(entry, out, err);
    CSI_AUTO_PLAIN plain = { 0 };
    CSI_TRY(open_key(entry, &plain, err));
    CSI_AUTO(csi_secret) *spki = csi_ossl_public_of(csi_secret_span(plain.bytes), err);
    if (spki == NULL)
        return err->status;
    csi_buf_put_span(out, csi_secret_span(spki));
    return csi_buf_check(out, err);
}

/* ------------------------------------------------------------------------------------------------------ algorithm and size */

/* A secret key on a token: its object says what can be said. */
static certstore_status secret_algorithm(const certstore_entry *entry, struct csi_buf *out, certstore_error *err)
{
    CSI_AUTO_PLAIN plain = { 0 };
    if (csi_key_is_remote(entry->key)) {
        const char *name = csi_object_secret_algorithm(object_of(entry));
        csi_buf_put_text(out, name != NULL ? name : "");
        return csi_buf_check(out, err);
    }
    CSI_TRY(open_key(entry, &plain, err));
    csi_buf_put_text(out, plain.algorithm);
    return csi_buf_check(out, err);
}

static certstore_status secret_bits(const certstore_entry *entry, int *bits, certstore_error *err)
{
    CSI_AUTO_PLAIN plain = { 0 };
    size_t size = 0;
    if (csi_key_is_remote(entry->key)) {
        size = csi_object_number(object_of(entry), CKA_VALUE_LEN, 0);
    } else {
        CSI_TRY(open_key(entry, &plain, err));
        size = plain.bytes->size;
    }
    *bits = size <= INT32_MAX / 8 ? (int)size * 8 : 0;
    return CERTSTORE_OK;
}

/* Of a private key without a certificate whose token keeps its public half to itself, the object still says the family, and RSA's modulus or the
 * curve: a SubjectPublicKeyInfo that holds these and nothing else is enough to tell name and size from. */
static bool outline_spki(struct csi_span object, struct csi_buf *out)
{
    static const uint8_t ec[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
    static const uint8_t rsa[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 };
    static const uint8_t ed25519[] = { 0x2b, 0x65, 0x70 };
    static const uint8_t no_unused_bits[] = { 0 };
    struct csi_span value = { 0 };
    CSI_AUTO_BUF key = { 0 };
    csi_buf_put(&key, no_unused_bits, sizeof no_unused_bits);
    switch (csi_object_number(object, CKA_KEY_TYPE, UINT32_MAX)) {
    case CKK_RSA:
        csi_der_put(out, CSI_DER_OID, csi_span(rsa, sizeof rsa));
        if (csi_object_get(object, CKA_MODULUS, &value)) {
            csi_der_put(&key, CSI_DER_INTEGER, value);
            csi_der_put_uint(&key, 65537);
            csi_der_wrap(&key, sizeof no_unused_bits, CSI_DER_SEQUENCE);
        }
        break;
    case CKK_EC:
        csi_der_put(out, CSI_DER_OID, csi_span(ec, sizeof ec));
        if (csi_object_get(object, CKA_EC_PARAMS, &value))
            csi_buf_put_span(out, value);
        break;
    case CKK_EC_EDWARDS:
        csi_der_put(out, CSI_DER_OID, csi_span(ed25519, sizeof ed25519));
        break;
    default:
        return false;
    }
    csi_der_wrap(out, 0, CSI_DER_SEQUENCE);
    csi_der_put_buf(out, CSI_DER_BIT_STRING, &key);
    csi_der_wrap(out, 0, CSI_DER_SEQUENCE);
    return !out->failed;
}

/* As much of the key's SubjectPublicKeyInfo as tells its name and size. */
static certstore_status describing_spki(const certstore_entry *entry, struct csi_buf *out, certstore_error *err)
{
    struct csi_span leaf;
    if (leaf_spki(entry, &leaf)) {
        csi_buf_put_span(out, leaf);
        return csi_buf_check(out, err);
    }
    if (entry->key == NULL)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "%s: the entry holds no key; name one that does", entry->alias);
    if (csi_key_is_remote(entry->key) && !csi_object_spki(object_of(entry), out))
        return outline_spki(object_of(entry), out)
                   ? CERTSTORE_OK
                   : csi_fail(err, CERTSTORE_E_UNSUPPORTED, "%s: its token says neither family nor size of the key", entry->alias);
    return csi_key_is_remote(entry->key) ? csi_buf_check(out, err) : csi_entry_public_key(entry, out, err);
}

certstore_status csi_entry_key_algorithm(const certstore_entry *entry, struct csi_buf *out, certstore_error *err)
{
    CSI_AUTO_BUF spki = { 0 };
    if (entry->kind == CERTSTORE_SECRET && entry->key != NULL)
        return secret_algorithm(entry, out, err);
    CSI_TRY(describing_spki(entry, &spki, err));
    if (!csi_spki_algorithm(csi_buf_span(&spki), out))
        return csi_fail(err, CERTSTORE_E_MALFORMED, "%s: its public key cannot be read; replace the key", entry->alias);
    return CERTSTORE_OK;
}

certstore_status csi_entry_key_bits(const certstore_entry *entry, int *bits, certstore_error *err)
{
    CSI_AUTO_BUF spki = { 0 };
    if (entry->kind == CERTSTORE_SECRET && entry->key != NULL)
        return secret_bits(entry, bits, err);
    CSI_TRY(describing_spki(entry, &spki, err));
    *bits = csi_spki_bits(csi_buf_span(&spki));
    return CERTSTORE_OK;
}

/* --------------------------------------------------------------------------------------------------------- does it belong? */

static certstore_status mismatch(const certstore_entry *entry, certstore_error *err)
{
    return csi_fail(err, CERTSTORE_E_MISMATCH,
                    "%s: the certificate does not carry this private key's public key; give the pair that belongs together", entry->alias);
}

/* Where the token does not say the public key, a signature does: the certificate's key verifies it, or it is another's. */
static certstore_status try_remote(const certstore_entry *entry, certstore_error *err)
{
    CSI_AUTO(EVP_PKEY) *key = csi_entry_pkey(entry, err);
    if (key == NULL)
        return err->status;
    bool verified = false;
    CSI_TRY(csi_key_prove(key, &verified, err));
    return verified ? CERTSTORE_OK : mismatch(entry, err);
}

static certstore_status check_remote(const certstore_entry *entry, struct csi_span leaf, certstore_error *err)
{
    struct csi_pubkey own[2];
    struct csi_pubkey certified;
    size_t count = csi_pubkey_of_object(object_of(entry), own);
    if (count == 0 || !csi_pubkey_of_spki(leaf, &certified))
        return try_remote(entry, err);
    for (size_t i = 0; i < count; i++)
        if (csi_pubkey_equal(&own[i], &certified))
            return CERTSTORE_OK;
    return mismatch(entry, err);
}

certstore_status csi_entry_check_key(const certstore_entry *entry, certstore_error *err)
{
    struct csi_span spki;
    if (entry->kind != CERTSTORE_KEY || !leaf_spki(entry, &spki))
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "%s: the entry has no private key with a certificate that could be compared", entry->alias);
    if (csi_key_is_remote(entry->key))
        return check_remote(entry, spki, err);
    CSI_AUTO_PLAIN plain = { 0 };
    CSI_TRY(open_key(entry, &plain, err));
    certstore_error attempt = { 0 };
    certstore_status status = csi_ossl_match(csi_secret_span(plain.bytes), spki, &attempt);
    if (status == CERTSTORE_E_MISMATCH)
        return mismatch(entry, err);
    csi_error_move(err, &attempt);
    return status;
}
