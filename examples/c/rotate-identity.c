/* SPDX-License-Identifier: Apache-2.0 */
/* rotate-identity.c: a new certificate, chain and key under one alias in several stores, in one transaction.
 *
 *     rotate-identity ALIAS NEW-IDENTITY STORE...
 *
 * NEW-IDENTITY is any store with one private key: a PEM file of certificate, chain and key, or a PKCS#12 file. $STORE_PASS opens and seals what
 * needs a passphrase. A PEM store that holds one private key has it replaced, whatever its alias was. */
#include <certstore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The one private key of a bundle, or NULL. */
static const certstore_entry *identity_of(const certstore_bundle *bundle)
{
    const certstore_entry *found = NULL;
    for (size_t i = 0; i < certstore_bundle_count(bundle); i++) {
        const certstore_entry *entry = certstore_bundle_at(bundle, i);
        if (certstore_entry_kind(entry) != CERTSTORE_KEY)
            continue;
        if (found != NULL)
            return NULL;
        found = entry;
    }
    return found;
}

/* The store shall hold the identity. */
static void rotate(certstore_txn *txn, certstore *store, const certstore_entry *identity, certstore_error *err)
{
    certstore_bundle *bundle = certstore_read(store, err);
    const certstore_entry *old = identity_of(bundle);
    certstore_entry *entry = certstore_entry_copy(identity, err);
    if (old != NULL && strcmp(certstore_format(store), "pem") == 0)
        certstore_entry_set_alias(entry, certstore_entry_alias(old), err);
    certstore_bundle_put(bundle, entry, err);
    certstore_txn_replace(txn, store, bundle, err);
    certstore_entry_free(entry);
    certstore_bundle_free(bundle);
}

int main(int argc, char **argv)
{
    enum { MOST = 16 };
    const char *password = getenv("STORE_PASS");
    if (argc < 4 || argc - 3 > MOST) {
        fprintf(stderr, "usage: rotate-identity ALIAS NEW-IDENTITY STORE...\n");
        return 2;
    }
    certstore_error *err = certstore_error_new();
    certstore_options *opts = certstore_options_new(err);
    if (password != NULL)
        certstore_options_set_password(opts, (const uint8_t *)password, strlen(password), err);

    certstore *source = certstore_open(argv[2], opts, err);
    certstore_bundle *given = certstore_read(source, err);
    const certstore_entry *found = identity_of(given);
    if (given != NULL && found == NULL)
        fprintf(stderr, "rotate-identity: %s does not hold exactly one private key\n", argv[2]);
    certstore_entry *identity = certstore_entry_copy(found, err);
    certstore_entry_set_alias(identity, argv[1], err);
    certstore_entry_check_key(identity, err); /* refuses a certificate that is for another key */

    certstore *stores[MOST] = { NULL };
    certstore_txn *txn = certstore_txn_begin(err);
    for (int i = 0; i < argc - 3; i++) {
        stores[i] = certstore_open(argv[3 + i], opts, err);
        rotate(txn, stores[i], identity, err);
    }
    certstore_status status = certstore_txn_commit(txn, err);
    if (status == CERTSTORE_OK)
        printf("%s: %zu stores changed\n", argv[1], certstore_txn_changed(txn));
    else
        fprintf(stderr, "rotate-identity: %s\n", certstore_error_message(err));

    certstore_txn_free(txn);
    for (int i = 0; i < argc - 3; i++)
        certstore_free(stores[i]);
    certstore_entry_free(identity);
    certstore_bundle_free(given);
    certstore_free(source);
    certstore_options_free(opts);
    certstore_error_free(err);
    return status == CERTSTORE_OK ? 0 : 1;
}
