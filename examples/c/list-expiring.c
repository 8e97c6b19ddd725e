/* SPDX-License-Identifier: Apache-2.0 */
/* list-expiring.c: what expires within some days, over any number of stores of any formats; exit status 1 when something does.
 *
 *     list-expiring DAYS STORE...      ($STORE_PASS opens those that need a passphrase) */
#include <certstore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Prints the certificates of one store that end before `limit`; returns how many, or -1. */
static int list(certstore *store, int64_t limit, certstore_error *err)
{
    int found = 0;
    certstore_bundle *bundle = certstore_read(store, err);
    for (size_t i = 0; i < certstore_bundle_count(bundle); i++) {
        const certstore_entry *entry = certstore_bundle_at(bundle, i);
        for (size_t k = 0; k < certstore_entry_cert_count(entry); k++) {
            const certstore_cert *cert = certstore_entry_cert(entry, k);
            int64_t end = certstore_cert_not_after(cert);
            if (end >= limit)
                continue;
            certstore_bytes *subject = certstore_cert_export_subject(cert, err);
            printf("%6lld days  %s  %s  %s\n", (long long)((end - (int64_t)time(NULL)) / 86400), certstore_uri(store), certstore_entry_alias(entry),
                   subject != NULL ? (const char *)certstore_bytes_data(subject) : "?");
            certstore_bytes_free(subject);
            found++;
        }
    }
    certstore_bundle_free(bundle);
    return certstore_error_status(err) == CERTSTORE_OK ? found : -1;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: list-expiring DAYS STORE...\n");
        return 2;
    }
    int64_t limit = (int64_t)time(NULL) + strtoll(argv[1], NULL, 10) * 86400;
    const char *password = getenv("STORE_PASS");
    certstore_error *err = certstore_error_new();
    certstore_options *opts = certstore_options_new(err);
    if (password != NULL)
        certstore_options_set_password(opts, (const uint8_t *)password, strlen(password), err);

    int found = 0, failed = 0;
    for (int i = 2; i < argc; i++) {
        certstore *store = certstore_open(argv[i], opts, err);
        int n = list(store, limit, err);
        certstore_free(store);
        if (n >= 0) {
            found += n;
            continue;
        }
        fprintf(stderr, "list-expiring: %s\n", certstore_error_message(err));
        certstore_error_clear(err); /* and on to the next store */
        failed = 1;
    }
    certstore_options_free(opts);
    certstore_error_free(err);
    return failed ? 3 : found > 0;
}
