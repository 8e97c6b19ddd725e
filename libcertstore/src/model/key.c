/* SPDX-License-Identifier: Apache-2.0 */
/* key.c: keys stay sealed until somebody asks; which passphrases are tried then, and what it means when none fits. */
#include "model/key.h"

#include <stdatomic.h>
#include <stdio.h>

#include <p11-kit/pkcs11.h>

#include "model/ossl.h"

void csi_plain_key_clear(struct csi_plain_key *plain)
{
    csi_secret_free(plain->bytes);
    *plain = (struct csi_plain_key){ 0 };
}

static csi_key *new_key(certstore_error *err)
{
    csi_key *key = csi_new(1, sizeof *key, err);
    if (key != NULL) {
        atomic_init(&key->refs, 1);
        key->limits = csi_limits_default;
    }
    return key;
}

csi_key *csi_key_new_plain(struct csi_span bytes, const char *algorithm, certstore_error *err)
{
    CSI_AUTO(csi_key) *key = new_key(err);
    if (key == NULL)
        return NULL;
    int length = snprintf(key->plain.algorithm, sizeof key->plain.algorithm, "%s", algorithm);
    if (length < 0 || (size_t)length >= sizeof key->plain.algorithm) {
        csi_fail(err, CERTSTORE_E_LIMIT, "key: the name of its algorithm is too long; at most %zu bytes", sizeof key->plain.algorithm - 1);
        return NULL;
    }
    key->plain.bytes = csi_secret_new(bytes.data, bytes.size, err);
    return key->plain.bytes != NULL ? csi_steal(&key) : NULL;
}

csi_key *csi_key_new_sealed(const struct csi_protection *protection, csi_blob *sealed, const csi_passwords *passwords,
                            const struct csi_limits *limits, certstore_error *err)
{
    csi_key *key = new_key(err);
    if (key == NULL)
        return NULL;
    key->protection = protection;
    key->sealed = csi_blob_ref(sealed);
    key->passwords = csi_passwords_ref(passwords);
    if (limits != NULL)
        key->limits = *limits;
    return key;
}

/* What is said of a key whose token is not at hand. The table's address is what tells a remote key. */
static certstore_status open_elsewhere(const csi_blob *sealed CSI_UNUSED, const csi_secret *password CSI_UNUSED, struct csi_budget *budget CSI_UNUSED,
                                       struct csi_plain_key *plain CSI_UNUSED, certstore_error *err)
{
    return csi_fail(err, CERTSTORE_E_UNAVAILABLE, "key: its token is not at hand; open the store that it is in");
}
static const struct csi_protection on_token = { .name = "token", .open = open_elsewhere };

csi_key *csi_key_new_remote(struct csi_remote *remote, csi_blob *object, certstore_error *err)
{
    csi_key *key = csi_key_new_sealed(&on_token, object, NULL, NULL, err);
    if (key == NULL || remote == NULL)
        return key;
    remote->ref(remote);
    key->remote = remote;
    return key;
}

bool csi_key_is_remote(const csi_key *key)
{
    return key != NULL && key->protection == &on_token;
}

bool csi_key_is_bound(const csi_key *key, const char *alias)
{
    certstore_error why = { 0 };
    CSI_AUTO_PLAIN plain = { 0 };
    if (!csi_key_is_remote(key))
        return false;
    if (!csi_object_flag(csi_blob_span(key->sealed), CKA_EXTRACTABLE, true))
        return true;
    certstore_status status = csi_key_open(key, alias, NULL, &plain, &why);
    return status == CERTSTORE_E_BOUND || status == CERTSTORE_E_UNAVAILABLE;
}

csi_key *csi_key_ref(const csi_key *key)
{
    csi_key *shared = (csi_key *)(uintptr_t)key; /* only the count changes */
    if (shared != NULL)
        atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
    return shared;
}

void csi_key_free(csi_key *key)
{
    if (key == NULL || atomic_fetch_sub_explicit(&key->refs, 1, memory_order_acq_rel) != 1)
        return;
    csi_blob_free(key->sealed);
    csi_plain_key_clear(&key->plain);
    csi_passwords_free(key->passwords);
    if (key->remote != NULL)
        key->remote->free(key->remote);
    free(key);
}

struct attempt {
    const csi_key *key;
    struct csi_budget budget; /* one for the whole call: ten passphrases must not buy ten times the iterations */
    bool given;               /* some passphrase was tried */
    struct csi_plain_key *plain;
};

/* One try. CERTSTORE_E_PASSWORD is the one failure after which another passphrase is worth a try; it leaves err alone. */
static certstore_status try_one(struct attempt *attempt, const csi_secret *password, certstore_error *err)
{
    certstore_error trial = { 0 };
    attempt->given = attempt->given || password != NULL;
    certstore_status status = attempt->key->protection->open(attempt->key->sealed, password, &attempt->budget, attempt->plain, &trial);
    if (status == CERTSTORE_OK)
        return CERTSTORE_OK;
    csi_plain_key_clear(attempt->plain);
    if (status != CERTSTORE_E_PASSWORD)
        csi_error_move(err, &trial);
    return status;
}

static bool was_tried(const csi_passwords *passwords, const char *alias, const csi_secret *password)
{
    const csi_secret *earlier;
    for (size_t i = 0; (earlier = csi_passwords_candidate(passwords, alias, i)) != NULL; i++)
        if (csi_secret_equal(earlier, password))
            return true;
    return false;
}

static certstore_status try_all(struct attempt *attempt, const char *alias, const csi_passwords *passwords, const csi_passwords *before,
                                certstore_error *err)
{
    const csi_secret *password;
    for (size_t i = 0; (password = csi_passwords_candidate(passwords, alias, i)) != NULL; i++) {
        if (was_tried(before, alias, password))
            continue;
        certstore_status status = try_one(attempt, password, err);
        if (status != CERTSTORE_E_PASSWORD)
            return status;
    }
    return CERTSTORE_E_PASSWORD;
}

static certstore_status copy_plain(const csi_key *key, struct csi_plain_key *plain)
{
    *plain = key->plain;
    plain->bytes = csi_secret_ref(key->plain.bytes);
    return CERTSTORE_OK;
}

certstore_status csi_key_open(const csi_key *key, const char *alias, const csi_passwords *more, struct csi_plain_key *plain, certstore_error *err)
{
    *plain = (struct csi_plain_key){ 0 };
    if (err->status != CERTSTORE_OK)
        return err->status;
    if (key->protection == NULL)
        return copy_plain(key, plain);
    if (csi_key_is_remote(key))
        return key->remote != NULL ? key->remote->open(key->remote, csi_blob_span(key->sealed), plain, err)
                                   : open_elsewhere(NULL, NULL, NULL, NULL, err);
    struct attempt attempt = { .key = key, .budget = { .limits = &key->limits }, .plain = plain };
    certstore_status status = try_all(&attempt, alias, key->passwords, NULL, err);
    if (status == CERTSTORE_E_PASSWORD && more != key->passwords)
        status = try_all(&attempt, alias, more, key->passwords, err);
    bool given = attempt.given;
    if (status == CERTSTORE_E_PASSWORD)
        status = try_one(&attempt, NULL, err);
    if (status != CERTSTORE_E_PASSWORD)
        return status;
    return csi_fail(err, CERTSTORE_E_PASSWORD,
                    given ? "key %s: the passphrase does not open its %s; give the right one"
                          : "key %s: sealed with %s, and no passphrase was given; give one",
                    alias, key->protection->name);
}

bool csi_key_public(const csi_key *key, const char *alias, const csi_passwords *more, struct csi_pubkey *public)
{
    certstore_error ignored = { 0 };
    CSI_AUTO_PLAIN plain = { 0 };
    CSI_AUTO_BUF spki = { 0 };
    if (csi_key_is_remote(key))
        return csi_object_class(csi_blob_span(key->sealed)) == CKO_PRIVATE_KEY && csi_object_spki(csi_blob_span(key->sealed), &spki) &&
               csi_pubkey_of_spki(csi_buf_span(&spki), public);
    if (csi_key_open(key, alias, more, &plain, &ignored) != CERTSTORE_OK || plain.algorithm[0] != '\0')
        return false;
    CSI_AUTO(csi_secret) *opened = csi_ossl_public_of(csi_secret_span(plain.bytes), &ignored);
    return opened != NULL && csi_pubkey_of_spki(csi_secret_span(opened), public);
}

bool csi_key_same(const csi_key *a, const csi_key *b, const char *alias)
{
    if (a == b)
        return true;
    if (a == NULL || b == NULL)
        return false;
    if (a->protection != NULL && a->protection == b->protection && csi_span_equal(csi_blob_span(a->sealed), csi_blob_span(b->sealed)))
        return true;
    if (csi_key_is_remote(a) || csi_key_is_remote(b)) { /* no token is asked for its keys only to compare them */
        struct csi_pubkey one;
        struct csi_pubkey other;
        return csi_key_public(a, alias, b->passwords, &one) && csi_key_public(b, alias, a->passwords, &other) && csi_pubkey_equal(&one, &other);
    }
    certstore_error ignored = { 0 }; /* a key that does not open is not known to be the same */
    CSI_AUTO_PLAIN left = { 0 };
    CSI_AUTO_PLAIN right = { 0 };
    if (csi_key_open(a, alias, b->passwords, &left, &ignored) != CERTSTORE_OK ||
        csi_key_open(b, alias, a->passwords, &right, &ignored) != CERTSTORE_OK)
        return false;
    return strcmp(left.algorithm, right.algorithm) == 0 && csi_secret_equal(left.bytes, right.bytes);
}
