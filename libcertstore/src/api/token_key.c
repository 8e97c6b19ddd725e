/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_key.c: public functions that make a key on a token, let it out wrapped, and bring it back.
 *
 * None of them is part of a transaction: a key that nobody can make again cannot be taken back by making it again. They hold the token's lock, so
 * that no transaction of ours finds an object on its token that it does not know.
 */
#include <p11-kit/pkcs11.h>

#include "api/call.h"
#include "api/store.h"
#include "base/bytes.h"
#include "codec/token.h"
#include "key/pkey.h"
#include "key/sign.h"
#include "model/ossl.h"

#include <openssl/evp.h>

CSI_DEFINE_AUTO(EVP_PKEY, EVP_PKEY_free)

enum {
    KNOWN_POLICY = CERTSTORE_KEY_EXTRACTABLE | CERTSTORE_KEY_READABLE | CERTSTORE_KEY_ALWAYS_AUTHENTICATE | CERTSTORE_KEY_REUSE | CERTSTORE_KEY_ROTATE
};

/* A key that is to come onto a token. */
struct arrival {
    certstore *store;
    const char *alias;
    uint32_t policy;
    const char *algorithm;    /* to be made */
    struct csi_span wrapping; /* or to be unwrapped */
    struct csi_span wrapped;
    struct csi_span spki; /* of a private key; empty for a secret one */
};

static certstore_status check_arrival(const struct arrival *a, certstore_error *err)
{
    if (a->store->token == NULL)
        return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "%s: keys are made on tokens only; make one with openssl genpkey and put it here",
                        a->store->text);
    if (csi_p11_info(a->store->token)->partial)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "%s: it names objects of a token; name the token alone", a->store->text);
    if ((a->policy & ~(uint32_t)KNOWN_POLICY) != 0)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "policy: 0x%x holds bits that are not known here", (unsigned)a->policy);
    if ((a->policy & CERTSTORE_KEY_REUSE) != 0 && (a->policy & CERTSTORE_KEY_ROTATE) != 0)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "policy: a key is either reused or rotated; choose one");
    return a->alias[0] != '\0' ? CERTSTORE_OK : csi_fail(err, CERTSTORE_E_ARGUMENT, "alias: it is empty; a key needs one");
}

/* ------------------------------------------------------------------------------------------------------------ what is there */

/* What the alias has already: *present is a copy of a key that is to be used as it is. */
static certstore_status look_at_alias(const struct arrival *a, certstore_entry **present, certstore_error *err)
{
    CSI_AUTO(certstore_bundle) *bundle = certstore_read(a->store, err);
    const certstore_entry *entry = bundle != NULL ? certstore_bundle_find(bundle, a->alias) : NULL;
    if (entry == NULL)
        return err->status;
    if (entry->key == NULL)
        return csi_fail(err, CERTSTORE_E_EXISTS, "%s: it is there, and is no key; choose another alias, or rename it first", a->alias);
    if ((a->policy & CERTSTORE_KEY_REUSE) != 0) {
        *present = csi_entry_copy(entry, err);
        return err->status;
    }
    if ((a->policy & CERTSTORE_KEY_ROTATE) != 0)
        return CERTSTORE_OK;
    return csi_fail(err, CERTSTORE_E_EXISTS, "%s: it has a key already; reuse that, or rotate it: a new key beside it", a->alias);
}

/* The new key as the store reads now. */
static certstore_entry *find_made(const struct arrival *a, struct csi_span object, certstore_error *err)
{
    CSI_AUTO(certstore_bundle) *bundle = certstore_read(a->store, err);
    for (size_t i = 0; bundle != NULL && i < bundle->count; i++) {
        const certstore_entry *entry = bundle->entries[i];
        if (entry->key != NULL && csi_key_is_remote(entry->key) && csi_object_same(csi_blob_span(entry->key->sealed), object))
            return csi_entry_copy(entry, err);
    }
    csi_fail(err, CERTSTORE_E_NOT_FOUND, "%s: the token says that it made the key, and does not show it; look with its own tool", a->alias);
    return NULL;
}

/* ---------------------------------------------------------------------------------------------------------------- generate */

static certstore_entry *generate(const struct arrival *a, certstore_error *err)
{
    CSI_AUTO_OBJECTS made = { 0 };
    const struct csi_key_policy policy = {
        .extractable = (a->policy & CERTSTORE_KEY_EXTRACTABLE) != 0,
        .readable = (a->policy & CERTSTORE_KEY_READABLE) != 0,
        .always_authenticate = (a->policy & CERTSTORE_KEY_ALWAYS_AUTHENTICATE) != 0,
    };
    if (csi_p11_generate(a->store->token, a->algorithm, a->alias, csi_span(NULL, 0), &policy, &made, err) != CERTSTORE_OK)
        return NULL;
    return find_made(a, csi_blob_span(made.items[0]), err);
}

/* ------------------------------------------------------------------------------------------------------------------ unwrap */

static void put_policy(struct csi_object_draft *draft, uint32_t policy)
{
    csi_object_put_flag(draft, CKA_SENSITIVE, (policy & CERTSTORE_KEY_READABLE) == 0);
    csi_object_put_flag(draft, CKA_EXTRACTABLE, (policy & (CERTSTORE_KEY_READABLE | CERTSTORE_KEY_EXTRACTABLE)) != 0);
    if ((policy & CERTSTORE_KEY_ALWAYS_AUTHENTICATE) != 0)
        csi_object_put_flag(draft, CKA_ALWAYS_AUTHENTICATE, true);
}

/* The object of a key that comes wrapped, as far as it is known from outside. */
static csi_blob *describe(const struct arrival *a, uint32_t object_class, certstore_error *err)
{
    CSI_AUTO_DRAFT draft = { 0 };
    uint8_t id[20];
    bool as_nss = (csi_p11_info(a->store->token)->traits & CSI_TOKEN_NSS_TRUST) != 0;
    if (object_class == CKO_SECRET_KEY && csi_random(id, sizeof id, err) != CERTSTORE_OK)
        return NULL;
    if (object_class != CKO_SECRET_KEY &&
        (!csi_spki_key_id(a->spki, as_nss, id) || !csi_object_put_spki(&draft, a->spki, object_class == CKO_PUBLIC_KEY))) {
        csi_fail(err, CERTSTORE_E_ARGUMENT, "public key: it is no SubjectPublicKeyInfo of RSA, a curve or Ed25519; give the key's own");
        return NULL;
    }
    csi_object_put_number(&draft, CKA_CLASS, object_class);
    csi_object_put(&draft, CKA_ID, csi_span(id, sizeof id));
    if (object_class == CKO_SECRET_KEY)
        csi_object_put_number(&draft, CKA_KEY_TYPE, CKK_AES);
    if (object_class != CKO_PUBLIC_KEY)
        put_policy(&draft, a->policy);
    else
        csi_object_put_flag(&draft, CKA_VERIFY, true);
    if (csi_token_put_label(&draft, a->alias, err) != CERTSTORE_OK)
        return NULL;
    return csi_object_finish(&draft, err);
}

/* A private key says its modulus and is compared by it; one of a curve says nothing, and has to show what it signs. */
static certstore_status prove(const struct arrival *a, const certstore_entry *entry, certstore_error *err)
{
    bool verified = false;
    if (entry->kind != CERTSTORE_KEY)
        return CERTSTORE_OK;
    CSI_AUTO(EVP_PKEY) *key = csi_entry_pkey(entry, err);
    if (key == NULL)
        return err->status;
    CSI_TRY(csi_key_prove(key, &verified, err));
    return verified ? CERTSTORE_OK
                    : csi_fail(err, CERTSTORE_E_MISMATCH, "%s: the wrapped key is not that of the public key; it was taken back", a->alias);
}

static certstore_entry *finish_unwrap(const struct arrival *a, csi_blob *key, csi_blob *public_key, certstore_error *err)
{
    if (public_key != NULL && csi_p11_create(a->store->token, csi_blob_span(public_key), err) != CERTSTORE_OK)
        return NULL;
    CSI_AUTO(certstore_entry) *entry = find_made(a, csi_blob_span(key), err);
    if (entry != NULL && prove(a, entry, err) == CERTSTORE_OK)
        return csi_steal(&entry);
    certstore_error ignored = { 0 };
    if (public_key != NULL)
        csi_p11_destroy(a->store->token, csi_blob_span(public_key), &ignored);
    return NULL;
}

static certstore_entry *unwrap(const struct arrival *a, certstore_error *err)
{
    bool is_secret = a->spki.size == 0;
    CSI_AUTO(csi_blob) *key = describe(a, is_secret ? CKO_SECRET_KEY : CKO_PRIVATE_KEY, err);
    CSI_AUTO(csi_blob) *public_key = key != NULL && !is_secret ? describe(a, CKO_PUBLIC_KEY, err) : NULL;
    if (err->status != CERTSTORE_OK || csi_p11_unwrap(a->store->token, csi_blob_span(key), a->wrapping, a->wrapped, err) != CERTSTORE_OK)
        return NULL;
    certstore_entry *entry = finish_unwrap(a, key, public_key, err);
    certstore_error ignored = { 0 };
    if (entry == NULL)
        csi_p11_destroy(a->store->token, csi_blob_span(key), &ignored);
    return entry;
}

/* ------------------------------------------------------------------------------------------------------------------ public */

static certstore_entry *receive(const struct arrival *a, certstore_error *err)
{
    CSI_AUTO(certstore_entry) *present = NULL;
    if (check_arrival(a, err) != CERTSTORE_OK || csi_p11_login(a->store->token, err) != CERTSTORE_OK ||
        csi_token_hold(a->store->place, err) != CERTSTORE_OK)
        return NULL;
    if (look_at_alias(a, &present, err) == CERTSTORE_OK && present == NULL)
        present = a->algorithm != NULL ? generate(a, err) : unwrap(a, err);
    csi_token_release(a->store->place);
    return csi_steal(&present);
}

static certstore_entry *receive_about(const struct arrival *a, certstore_error *err)
{
    certstore_entry *entry = receive(a, err);
    if (entry == NULL)
        csi_error_about(err, a->store->text);
    return entry;
}

certstore_entry *certstore_key_generate(certstore *store, const char *alias, const char *algorithm, uint32_t policy, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin_fenced(&call, &err))
        return NULL;
    if (store == NULL || alias == NULL || algorithm == NULL) {
        csi_fail_null(err, store == NULL ? "store" : alias == NULL ? "alias" : "algorithm");
        return NULL;
    }
    return receive_about(&(struct arrival){ .store = store, .alias = alias, .algorithm = algorithm, .policy = policy }, err);
}

/* The token that a wrapping key is on; NULL with an error where it is none. */
static csi_p11 *token_of(const certstore_entry *wrapping, certstore_error *err)
{
    csi_p11 *token = wrapping->kind == CERTSTORE_SECRET ? csi_p11_of_remote(wrapping->key->remote) : NULL;
    if (token == NULL)
        csi_fail(err, CERTSTORE_E_ARGUMENT, "%s: it is no secret key on a token; wrap with one of the token that holds the key", wrapping->alias);
    return token;
}

certstore_bytes *certstore_key_export_wrapped(const certstore_entry *entry, const certstore_entry *wrapping, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin_fenced(&call, &err))
        return NULL;
    if (entry == NULL || wrapping == NULL) {
        csi_fail_null(err, entry == NULL ? "entry" : "wrapping");
        return NULL;
    }
    CSI_AUTO_BUF out = { 0 };
    csi_p11 *token = token_of(wrapping, err);
    if (token == NULL)
        return NULL;
    if (entry->key == NULL || entry->key->remote != wrapping->key->remote) {
        csi_fail(err, CERTSTORE_E_ARGUMENT, "%s: it is no key on the token of %s; read both from one store", entry->alias, wrapping->alias);
        return NULL;
    }
    if (csi_p11_wrap(token, csi_blob_span(entry->key->sealed), csi_blob_span(wrapping->key->sealed), &out, err) != CERTSTORE_OK)
        return NULL;
    return csi_bytes_from_buf(&out, err);
}

certstore_entry *certstore_key_unwrap(certstore *store, const char *alias, const certstore_entry *wrapping, const uint8_t *data, size_t size,
                                      const uint8_t *public_key, size_t public_size, uint32_t policy, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin_fenced(&call, &err))
        return NULL;
    if (store == NULL || alias == NULL || wrapping == NULL || data == NULL || (public_key == NULL && public_size > 0)) {
        csi_fail_null(err, store == NULL ? "store" : alias == NULL ? "alias" : wrapping == NULL ? "wrapping" : data == NULL ? "data" : "public_key");
        return NULL;
    }
    csi_p11 *token = token_of(wrapping, err);
    if (token == NULL)
        return NULL;
    if (token != store->token) {
        csi_fail(err, CERTSTORE_E_ARGUMENT, "%s: it is not on the token of %s; read it from that store", wrapping->alias, store->text);
        return NULL;
    }
    return receive_about(&(struct arrival){ .store = store,
                                            .alias = alias,
                                            .policy = policy,
                                            .wrapping = csi_blob_span(wrapping->key->sealed),
                                            .wrapped = csi_span(data, size),
                                            .spki = csi_span(public_key, public_size) },
                         err);
}
