/* SPDX-License-Identifier: Apache-2.0 */
/* retire-root.c: takes a root out of a PEM bundle and a Java truststore: both change, or neither does.
 *
 *     retire-root ALIAS-IN-PEM ca.pem ALIAS-IN-JKS cacerts.jks      ($STORE_PASS is the truststore's passphrase) */
#include <certstore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    const char *password = getenv("STORE_PASS");
    if (argc != 5 || password == NULL) {
        fprintf(stderr, "usage: STORE_PASS=... retire-root ALIAS-IN-PEM FILE.pem ALIAS-IN-JKS FILE.jks\n");
        return 2;
    }
    certstore_error *err = certstore_error_new();
    certstore_options *opts = certstore_options_new(err);
    certstore_options_set_password(opts, (const uint8_t *)password, strlen(password), err);
    certstore *stores[2] = { certstore_open(argv[2], NULL, err), certstore_open(argv[4], opts, err) };
    const char *aliases[2] = { argv[1], argv[3] };

    certstore_txn *txn = certstore_txn_begin(err);
    certstore_txn_set_note(txn, "retire-root", err);
    for (int i = 0; i < 2; i++) {
        certstore_bundle *roots = certstore_read(stores[i], err);
        certstore_bundle_remove(roots, aliases[i], err);
        certstore_txn_replace(txn, stores[i], roots, err);
        certstore_bundle_free(roots);
    }
    certstore_status status = certstore_txn_commit(txn, err); /* the first error stays: fails if any step above did */
    if (status == CERTSTORE_OK)
        printf("retired from %zu stores\n", certstore_txn_changed(txn));
    else
        fprintf(stderr, "retire-root: %s\n", certstore_error_message(err));

    certstore_txn_free(txn); /* one that was not committed is rolled back here */
    certstore_free(stores[0]);
    certstore_free(stores[1]);
    certstore_options_free(opts);
    certstore_error_free(err);
    return status == CERTSTORE_OK ? 0 : 1;
}
