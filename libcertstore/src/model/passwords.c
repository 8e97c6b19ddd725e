/* SPDX-License-Identifier: Apache-2.0 */
/* passwords.c: the passphrases of one store. */
#include "model/passwords.h"

#include <stdatomic.h>

#include "base/text.h"

csi_passwords *csi_passwords_new(certstore_error *err)
{
    csi_passwords *passwords = csi_new(1, sizeof *passwords, err);
    if (passwords != NULL)
        atomic_init(&passwords->refs, 1);
    return passwords;
}

csi_passwords *csi_passwords_ref(const csi_passwords *passwords)
{
    csi_passwords *shared = (csi_passwords *)(uintptr_t)passwords; /* the count is the one thing that changes once shared */
    if (shared != NULL)
        atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
    return shared;
}

void csi_passwords_free(csi_passwords *passwords)
{
    if (passwords == NULL || atomic_fetch_sub_explicit(&passwords->refs, 1, memory_order_acq_rel) != 1)
        return;
    csi_secret_free(passwords->store);
    csi_secret_free(passwords->key);
    for (size_t i = 0; i < passwords->entry_count; i++) {
        free(passwords->entries[i].alias);
        csi_secret_free(passwords->entries[i].password);
    }
    free(passwords->entries);
    free(passwords);
}

static struct csi_entry_password *entry_of(const csi_passwords *passwords, const char *alias)
{
    for (size_t i = 0; i < passwords->entry_count; i++)
        if (strcmp(passwords->entries[i].alias, alias) == 0)
            return &passwords->entries[i];
    return NULL;
}

static certstore_status set_entry(csi_passwords *passwords, const char *alias, const csi_secret *password, certstore_error *err)
{
    struct csi_entry_password *known = entry_of(passwords, alias);
    if (known != NULL) {
        csi_secret_free(known->password);
        known->password = csi_secret_ref(password);
        return CERTSTORE_OK;
    }
    CSI_AUTO(csi_chars) *copy = csi_strdup(alias, err);
    size_t capacity = passwords->entry_count;
    struct csi_entry_password *entries =
        copy != NULL ? csi_grow(passwords->entries, &capacity, passwords->entry_count + 1, sizeof *entries, err) : NULL;
    if (entries == NULL)
        return err->status;
    passwords->entries = entries;
    entries[passwords->entry_count++] = (struct csi_entry_password){ csi_steal(&copy), csi_secret_ref(password) };
    return CERTSTORE_OK;
}

certstore_status csi_passwords_set_entry(csi_passwords *passwords, const char *alias, struct csi_span password, certstore_error *err)
{
    CSI_AUTO(csi_secret) *secret = csi_secret_new(password.data, password.size, err);
    return secret != NULL ? set_entry(passwords, alias, secret, err) : err->status;
}

csi_passwords *csi_passwords_copy(const csi_passwords *from, certstore_error *err)
{
    CSI_AUTO(csi_passwords) *copy = csi_passwords_new(err);
    if (copy == NULL)
        return NULL;
    copy->store = csi_secret_ref(from->store);
    copy->key = csi_secret_ref(from->key);
    for (size_t i = 0; i < from->entry_count; i++)
        if (set_entry(copy, from->entries[i].alias, from->entries[i].password, err) != CERTSTORE_OK)
            return NULL;
    return csi_steal(&copy);
}

/* An alias as it is written, else as Java would look it up: whoever gives a passphrase for "Web" means the entry that is listed as "web". */
static const csi_secret *password_of(const csi_passwords *passwords, const char *alias)
{
    const struct csi_entry_password *exact = entry_of(passwords, alias);
    if (exact != NULL)
        return exact->password;
    for (size_t i = 0; i < passwords->entry_count; i++)
        if (csi_alias_equal(CSI_ALIAS_LOWER, passwords->entries[i].alias, alias))
            return passwords->entries[i].password;
    return NULL;
}

static bool same_secret(const csi_secret *a, const csi_secret *b)
{
    return a == b || (a != NULL && b != NULL && csi_secret_equal(a, b));
}

const csi_secret *csi_passwords_candidate(const csi_passwords *passwords, const char *alias, size_t index)
{
    if (passwords == NULL)
        return NULL;
    const csi_secret *all[] = { alias != NULL ? password_of(passwords, alias) : NULL, passwords->key, passwords->store };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        bool tried = all[i] == NULL;
        for (size_t j = 0; j < i && !tried; j++)
            tried = same_secret(all[i], all[j]);
        if (!tried && index-- == 0)
            return all[i];
    }
    return NULL;
}

const csi_secret *csi_passwords_for_key(const csi_passwords *passwords, const char *alias)
{
    return csi_passwords_candidate(passwords, alias, 0);
}
