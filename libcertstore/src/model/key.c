/* SPDX-License-Identifier: Apache-2.0 */
/* key.c: keys stay sealed until somebody asks for them. */
#include "model/key.h"

#include <stdatomic.h>
#include <stdio.h>

void csi_plain_key_clear(struct csi_plain_key *plain)
{
    csi_secret_free(plain->bytes);
    *plain = (struct csi_plain_key){ 0 };
}

static csi_key *new_key(certstore_error *err)
{
    csi_key *key = csi_new(1, sizeof *key, err);
    if (key == NULL)
        return NULL;
    key->limits = csi_limits_default;
    atomic_init(&key->refs, 1);
    return key;
}

csi_key *csi_key_new_plain(struct csi_span bytes, const char *algorithm, certstore_error *err)
{
    CSI_AUTO(csi_key) *key = new_key(err);
    if (key == NULL)
        return NULL;
    key->plain.bytes = csi_secret_new(bytes.data, bytes.size, err);
    if (key->plain.bytes == NULL)
        return NULL;
    snprintf(key->plain.algorithm, sizeof key->plain.algorithm, "%s", algorithm);
    return csi_steal(&key);
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
    key->limits = *limits;
    return key;
}

csi_key *csi_key_ref(const csi_key *key)
{
    csi_key *shared = (csi_key *)(uintptr_t)key; /* the count is the one thing that changes in a key */
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
    free(key);
}

/* Tries every candidate of one set. CERTSTORE_E_PASSWORD means "go on"; anything else ends the search. */
static certstore_status try_all(const csi_key *key, const char *alias, const csi_passwords *passwords, struct csi_budget *budget, size_t *tried,
                                struct csi_plain_key *plain, certstore_error *err)
{
    const csi_secret *password;
    for (size_t i = 0; (password = csi_passwords_candidate(passwords, alias, i)) != NULL; i++) {
        certstore_error attempt = { 0 };
        *tried += 1;
        certstore_status status = key->protection->open(key->sealed, password, budget, plain, &attempt);
        if (status == CERTSTORE_E_PASSWORD)
            continue;
        csi_error_move(err, &attempt);
        return status;
    }
    return CERTSTORE_E_PASSWORD;
}

certstore_status csi_key_open(const csi_key *key, const char *alias, const csi_passwords *more, struct csi_plain_key *plain, certstore_error *err)
{
    if (key->protection == NULL) {
        *plain = key->plain;
        plain->bytes = csi_secret_ref(key->plain.bytes);
        return CERTSTORE_OK;
    }
    struct csi_budget budget = { .limits = &key->limits };
    size_t tried = 0;
    certstore_status status = try_all(key, alias, key->passwords, &budget, &tried, plain, err);
    if (status == CERTSTORE_E_PASSWORD)
        status = try_all(key, alias, more, &budget, &tried, plain, err);
    if (status != CERTSTORE_E_PASSWORD)
        return status;
    /* Without a passphrase some forms open all the same, and one that needs an algorithm we lack says so rather than "password". */
    certstore_error attempt = { 0 };
    status = key->protection->open(key->sealed, NULL, &budget, plain, &attempt);
    if (status != CERTSTORE_E_PASSWORD) {
        csi_error_move(err, &attempt);
        return status;
    }
    if (tried == 0)
        return csi_fail(err, CERTSTORE_E_PASSWORD, "%s: the key is encrypted and no passphrase was given; give the key's passphrase", alias);
    return csi_fail(err, CERTSTORE_E_PASSWORD, "%s: the key does not open with the passphrase given; give the key's own passphrase", alias);
}
