/* SPDX-License-Identifier: Apache-2.0 */
/* follow.c: a small daemon that follows a store. Each time somebody changes it, the new generation is taken up, as a server takes up new certificates
 * without a restart, and what is different is said. A store that cannot be read leaves the last good generation in use.
 *
 *     follow STORE [CHANGES]      STORE_PASS holds the passphrase; ends after so many changes, or by SIGTERM or SIGINT
 *
 * SIGHUP: reads the store at once, whatever its files look like. */
#define _POSIX_C_SOURCE 200809L /* sigtimedwait */
#include <certstore.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct follower {
    certstore *store;
    certstore_bundle *now; /* the last good generation */
    int64_t generation;    /* its number */
    int broken;            /* the store cannot be read, and that has been said */
};

static void print_report(const certstore_report *report)
{
    for (size_t i = 0; i < certstore_report_count(report); i++)
        printf("%s %s: %s\n", certstore_report_code(report, i), certstore_report_subject(report, i), certstore_report_message(report, i));
}

static void print_state(const struct follower *f)
{
    printf("%s: generation %" PRId64 ", %zu entries\n", certstore_uri(f->store), f->generation, certstore_bundle_count(f->now));
    fflush(stdout);
}

static int begin(struct follower *f, const char *uri, const certstore_options *opts, certstore_error *err)
{
    f->store = certstore_open(uri, opts, err);
    f->generation = certstore_generation(f->store, err);
    f->now = certstore_read(f->store, err);
    if (f->now != NULL)
        print_state(f);
    return f->now != NULL;
}

/* 1 if the store held something else, which is in use now. */
static int take_up(struct follower *f)
{
    certstore_error *err = certstore_error_new();
    const int64_t generation = certstore_generation(f->store, err);
    certstore_bundle *next = certstore_read(f->store, err);
    certstore_report *difference = certstore_bundle_diff(f->now, next, err);
    const int good = difference != NULL;
    const int different = good && certstore_report_count(difference) > 0;
    if (!good && !f->broken)
        fprintf(stderr, "follow: %s (going on with the last good generation)\n", certstore_error_message(err));
    f->broken = !good;
    if (different)
        print_report(difference);
    if (good) {
        certstore_bundle_free(f->now);
        f->now = next;
    }
    if (good && (different || generation != f->generation)) { /* a commit gives its number a moment after the content */
        f->generation = generation;
        print_state(f);
    }
    certstore_report_free(difference);
    if (!good)
        certstore_bundle_free(next);
    certstore_error_free(err);
    return different;
}

/* Looking costs one stat a file. The signals are blocked, and asked for in the pause: no handler, and none comes at a bad time. */
static void follow(struct follower *f, const sigset_t *signals, long wanted)
{
    const struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };
    while (wanted != 0) {
        const int got = sigtimedwait(signals, NULL, &pause);
        if (got == SIGTERM || got == SIGINT)
            return;
        if ((got == SIGHUP || certstore_changed(f->store, f->now)) && take_up(f) && wanted > 0)
            wanted--;
    }
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: follow STORE [CHANGES]\n");
        return 2;
    }
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);

    const char *password = getenv("STORE_PASS");
    certstore_error *err = certstore_error_new();
    certstore_options *opts = certstore_options_new(err);
    if (password != NULL)
        certstore_options_set_password(opts, (const uint8_t *)password, strlen(password), err);
    struct follower f = { 0 };
    const int good = begin(&f, argv[1], opts, err);
    if (good)
        follow(&f, &signals, argc > 2 ? strtol(argv[2], NULL, 10) : -1);
    else
        fprintf(stderr, "follow: %s\n", certstore_error_message(err));
    certstore_bundle_free(f.now);
    certstore_free(f.store);
    certstore_options_free(opts);
    certstore_error_free(err);
    return good ? 0 : 1;
}
