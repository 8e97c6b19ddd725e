/* SPDX-License-Identifier: Apache-2.0 */
/* follow.c: watches a store and says what changed, each time somebody changes it: what a server does that loads new certificates by itself.
 *
 *     follow STORE [CHANGES]      ends after so many changes; never, without the number */
#define _POSIX_C_SOURCE 200809L /* nanosleep */
#include <certstore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Looking costs one stat a file. */
static void wait_for_change(const certstore *store, const certstore_bundle *bundle)
{
    const struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };
    while (!certstore_changed(store, bundle))
        nanosleep(&pause, NULL);
}

static void print_report(const certstore_report *report)
{
    for (size_t i = 0; i < certstore_report_count(report); i++)
        printf("%s %s: %s\n", certstore_report_code(report, i), certstore_report_subject(report, i), certstore_report_message(report, i));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: follow STORE [CHANGES]\n");
        return 2;
    }
    long wanted = argc > 2 ? strtol(argv[2], NULL, 10) : -1;
    const char *password = getenv("STORE_PASS");
    certstore_error *err = certstore_error_new();
    certstore_options *opts = certstore_options_new(err);
    if (password != NULL)
        certstore_options_set_password(opts, (const uint8_t *)password, strlen(password), err);
    certstore *store = certstore_open(argv[1], opts, err);
    certstore_bundle *now = certstore_read(store, err);
    if (now != NULL) {
        printf("%s: %zu entries\n", certstore_uri(store), certstore_bundle_count(now));
        fflush(stdout);
    }

    while (now != NULL && wanted != 0) {
        wait_for_change(store, now);
        certstore_bundle *next = certstore_read(store, err);
        certstore_report *difference = certstore_bundle_diff(now, next, err);
        print_report(difference);
        if (certstore_report_count(difference) > 0 && wanted > 0)
            wanted--;
        certstore_report_free(difference);
        certstore_bundle_free(now);
        now = next;
    }
    certstore_status status = certstore_error_status(err);
    if (status != CERTSTORE_OK)
        fprintf(stderr, "follow: %s\n", certstore_error_message(err));
    certstore_bundle_free(now);
    certstore_free(store);
    certstore_options_free(opts);
    certstore_error_free(err);
    return status == CERTSTORE_OK ? 0 : 1;
}
