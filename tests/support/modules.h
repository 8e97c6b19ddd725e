/* SPDX-License-Identifier: Apache-2.0 */
/*
 * modules.h: PKCS#11 modules, each with an empty token of the test's own, behind the shim. SoftHSM and NSS are made on the spot; p11-kit's trust
 * module is given a folder of its own, never the system's; a TPM's token is made by who starts the program (tests/interop/check-modules).
 *
 * CERTSTORE_MODULES names those to be tested, by blanks apart; SoftHSM and NSS where it is not set.
 */
#ifndef TESTS_MODULES_H
#define TESTS_MODULES_H

#include "certstore.h"
#include "support/tokens.h"

/* What a module is held to. What it is not held to, it must refuse, and keep its token as it was. */
enum module_can {
    MODULE_LOGIN = 1,
    MODULE_KEYS = 2,        /* private keys come in */
    MODULE_GENERATES = 4,   /* key pairs are made: RSA and EC at least */
    MODULE_SECRETS = 8,     /* secret keys come in */
    MODULE_DATA = 16,       /* data objects */
    MODULE_PUBLIC = 32,     /* public keys come in alone */
    MODULE_DUPLICATES = 64, /* one certificate twice */
    MODULE_RENAMES = 128,   /* a key with its public key gets another label */
    MODULE_SHARED = 256     /* several processes use it at once; another's own database refuses them */
};

struct module_fixture;
struct module {
    const char *name;
    unsigned can;
    const char *purpose; /* what a trusted certificate is trusted for, once it is read back; NULL: whatever its reader says */
    bool (*there)(void);
    void (*begin)(struct module_fixture *f);
    /* Another process puts a certificate onto the token. */
    void (*write_elsewhere)(const struct module_fixture *f, const char *label, const csi_blob *der);
};

struct module_fixture {
    const struct module *module;
    char *folder;
    char *uri;      /* of the store, behind the shim */
    char *bare_uri; /* past it, for other processes */
    const char *pin;
    certstore_options *opts;
};

/* The modules to be tested; NULL past the end. */
const struct module *module_at(size_t index);
void module_begin(struct module_fixture *f, const struct module *module);
void module_end(struct module_fixture *f);
/* The work with each of them; skips the test where none is installed. */
void with_each_module(void (*work)(struct module_fixture *f));
/* The store, and the token that it is. Fail the test where they do not open. */
certstore *module_store(const struct module_fixture *f);
csi_p11 *module_token(const struct module_fixture *f, const char *pin);

#endif
