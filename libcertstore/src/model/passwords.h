/* SPDX-License-Identifier: Apache-2.0 */
/* passwords.h: the passphrases one store is opened with, shared by the bundle's keys so that they can be opened later. */
#ifndef CSI_PASSWORDS_H
#define CSI_PASSWORDS_H

#include "base/error.h"
#include "base/secret.h"

struct csi_entry_password {
    char *alias;
    csi_secret *password;
};
/* Immutable once shared. NULL members: not given (which is not the same as empty). */
struct csi_passwords {
    csi_secret *store;
    csi_secret *key;
    struct csi_entry_password *entries;
    size_t entry_count;
    _Atomic uint32_t refs;
};
typedef struct csi_passwords csi_passwords;

csi_passwords *csi_passwords_new(certstore_error *err);
csi_passwords *csi_passwords_copy(const csi_passwords *from, certstore_error *err); /* not shared yet: may be changed */
csi_passwords *csi_passwords_ref(const csi_passwords *passwords);
void csi_passwords_free(csi_passwords *passwords);
CSI_DEFINE_AUTO(csi_passwords, csi_passwords_free)
certstore_status csi_passwords_set_entry(csi_passwords *passwords, const char *alias, struct csi_span password, certstore_error *err);
/* The passphrases worth trying on an entry's key, most specific first: its own, the key's, the store's; each once. NULL past the last.
 * passwords may be NULL. */
const csi_secret *csi_passwords_candidate(const csi_passwords *passwords, const char *alias, size_t index);
/* The one to protect a NEW key with: its own, else the key's, else the store's, else NULL. */
const csi_secret *csi_passwords_for_key(const csi_passwords *passwords, const char *alias);

#endif
