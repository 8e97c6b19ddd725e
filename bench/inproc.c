/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inproc.c: the library through its public interface, in a process that is running already. Prints CPU microseconds.
 *
 *   inproc read URI              certstore_read and free: integrity check and index
 *   inproc print URI             the same, and alias, subject and expiry of every certificate as text
 *   inproc one URI ALIAS         an X509 of one certificate
 *   inproc refresh URI           certstore_changed on a store that has not
 *   inproc threads URI           how much faster two threads are than one, each listing the store on its own
 *   inproc put STATE URI CERT OTHER
 *                                a durable replacement: one alias, one certificate and the other in turn
 *   inproc copy STATE URI TARGET a durable copy into another format
 *   inproc remove STATE URI ALIAS
 *   inproc hold URI              nothing, after reading the store
 *   inproc threads-control | stat FILE | files DIRECTORY
 *                                what some of these are compared with
 *
 * With "once" before the verb the work is done exactly once: for counting instructions and system calls instead of time.
 */
#include "support/common.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>

#include <certstore_openssl.h>

struct job {
    char **words;
    certstore_options *options;
    certstore *store;
    certstore_bundle *bundle;
    int turn;
};

static void expect(certstore_error *err)
{
    if (certstore_error_status(err) != CERTSTORE_OK)
        die("%s (%s)", certstore_error_message(err), certstore_error_cause(err));
}

static certstore *open_store(const struct job *job, const char *uri)
{
    certstore_error *err = certstore_error_new();
    certstore *store = certstore_open(uri, job->options, err);
    expect(err);
    certstore_error_free(err);
    return store;
}

static certstore_bundle *read_store(certstore *store)
{
    certstore_error *err = certstore_error_new();
    certstore_bundle *bundle = certstore_read(store, err);
    expect(err);
    certstore_error_free(err);
    return bundle;
}

static void run_read(void *argument)
{
    struct job *job = argument;
    certstore_bundle_free(read_store(job->store));
}

static char *put_number(char *at, int value, int digits)
{
    for (int i = digits - 1; i >= 0; i--, value /= 10)
        at[i] = (char)('0' + value % 10);
    return at + digits;
}

/* "alias, tab, subject, tab, day, newline", by hand: printf would be half of what is measured. */
static void print_line(FILE *out, const char *alias, const certstore_bytes *subject, time_t expiry)
{
    char day[13];
    struct tm tm;
    gmtime_r(&expiry, &tm);
    char *at = put_number(day + 1, tm.tm_year + 1900, 4);
    day[0] = '\t';
    *at++ = '-';
    at = put_number(at, tm.tm_mon + 1, 2);
    *at++ = '-';
    at = put_number(at, tm.tm_mday, 2);
    *at++ = '\n';
    fwrite_unlocked(alias, 1, strlen(alias), out);
    fputc_unlocked('\t', out);
    fwrite_unlocked(certstore_bytes_data(subject), 1, certstore_bytes_size(subject), out);
    fwrite_unlocked(day, 1, (size_t)(at - day), out);
}

static void run_print(void *argument)
{
    struct job *job = argument;
    certstore_bundle *bundle = read_store(job->store);
    certstore_error *err = certstore_error_new();
    static FILE *null;
    if (null == NULL)
        null = fopen("/dev/null", "w");
    for (size_t i = 0; i < certstore_bundle_count(bundle); i++) {
        const certstore_entry *entry = certstore_bundle_at(bundle, i);
        const certstore_cert *cert = certstore_entry_cert(entry, 0);
        certstore_bytes *subject = certstore_cert_export_subject(cert, err);
        expect(err);
        print_line(null, certstore_entry_alias(entry), subject, (time_t)certstore_cert_not_after(cert));
        certstore_bytes_free(subject);
    }
    certstore_error_free(err);
    certstore_bundle_free(bundle);
}

static void one_x509(const certstore_bundle *bundle, const char *alias)
{
    certstore_error *err = certstore_error_new();
    const certstore_entry *entry = certstore_bundle_find(bundle, alias);
    if (entry == NULL)
        die("%s: no such alias", alias);
    X509 *x509 = certstore_cert_x509(certstore_entry_cert(entry, 0), err);
    expect(err);
    X509_free(x509);
    certstore_error_free(err);
}

enum { ONES = 100 }; /* as often as the yardstick, whose caches are as warm */

static void run_one(void *argument)
{
    struct job *job = argument;
    for (int i = 0; i < ONES; i++)
        one_x509(job->bundle, job->words[1]);
}

enum { REFRESHES = 1000 };

static void run_refresh(void *argument)
{
    struct job *job = argument;
    for (int i = 0; i < REFRESHES; i++)
        if (certstore_changed(job->store, job->bundle) != 0)
            die("the store has changed");
}

static void run_hold(void *argument)
{
    (void)argument;
}

static void run_stat(void *argument)
{
    struct job *job = argument;
    struct stat st;
    for (int i = 0; i < REFRESHES; i++)
        if (stat(job->words[0], &st) != 0)
            die("%s: not there", job->words[0]);
}

/* A hashed directory's least: every distinct file opened, read and closed; the links looked at. */
static void run_files(void *argument)
{
    struct job *job = argument;
    static uint8_t room[1 << 16];
    DIR *directory = opendir(job->words[0]);
    struct dirent *item;
    if (directory == NULL)
        die("%s: no directory", job->words[0]);
    while ((item = readdir(directory)) != NULL) {
        struct stat st;
        if (fstatat(dirfd(directory), item->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
            continue;
        int fd = openat(dirfd(directory), item->d_name, O_RDONLY | O_CLOEXEC);
        while (read(fd, room, sizeof room) > 0)
            ;
        close(fd);
    }
    closedir(directory);
}

static void commit(certstore *store, const certstore_bundle *bundle)
{
    certstore_error *err = certstore_error_new();
    certstore_txn *txn = certstore_txn_begin(err);
    certstore_txn_replace(txn, store, bundle, err);
    certstore_txn_commit(txn, err);
    expect(err);
    certstore_txn_free(txn);
    certstore_error_free(err);
}

static void run_put(void *argument)
{
    struct job *job = argument;
    certstore_error *err = certstore_error_new();
    certstore_bundle *bundle = read_store(job->store);
    struct bytes file = read_file(job->words[2 + job->turn++ % 2]);
    certstore_entry *entry = certstore_entry_new_trusted("added", file.data, file.size, err);
    certstore_bundle_put(bundle, entry, err);
    expect(err);
    commit(job->store, bundle);
    certstore_entry_free(entry);
    free(file.data);
    certstore_bundle_free(bundle);
    certstore_error_free(err);
}

static void run_remove(void *argument)
{
    struct job *job = argument;
    certstore_error *err = certstore_error_new();
    certstore_bundle *bundle = read_store(job->store);
    certstore_bundle_remove(bundle, job->words[2], err);
    expect(err);
    commit(job->store, bundle);
    certstore_bundle_free(bundle);
    certstore_error_free(err);
}

static void run_copy(void *argument)
{
    struct job *job = argument;
    certstore_error *err = certstore_error_new();
    certstore_bundle *bundle = read_store(job->store);
    certstore *target = open_store(job, job->words[2]);
    certstore_bundle *copy = certstore_bundle_new(certstore_format(target), err);
    for (size_t i = 0; i < certstore_bundle_count(bundle); i++)
        certstore_bundle_put(copy, certstore_bundle_at(bundle, i), err);
    expect(err);
    commit(target, copy);
    certstore_bundle_free(copy);
    certstore_free(target);
    certstore_bundle_free(bundle);
    certstore_error_free(err);
}

static void *list_in_thread(void *argument)
{
    struct job *job = argument;
    struct job own = { .words = job->words, .options = job->options, .store = open_store(job, job->words[0]) };
    for (int i = 0; i < 8; i++)
        run_read(&own);
    certstore_free(own.store);
    return NULL;
}

static void *hash_in_thread(void *argument)
{
    static uint8_t data[1 << 20];
    uint8_t digest[32];
    (void)argument;
    for (int i = 0; i < 64; i++)
        if (EVP_Digest(data, sizeof data, digest, NULL, EVP_sha256(), NULL) != 1)
            die("SHA-256 failed");
    return NULL;
}

static double wall(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Twice the work in two threads against once in one: 2 would be all that two processors can give. */
static void speed_up(void *(*work)(void *), struct job *job)
{
    double best = 0;
    for (int i = 0; i < 5; i++) {
        pthread_t threads[2];
        double start = wall();
        work(job);
        double one = wall() - start;
        start = wall();
        for (int t = 0; t < 2; t++)
            if (pthread_create(&threads[t], NULL, work, job) != 0)
                die("no thread");
        for (int t = 0; t < 2; t++)
            pthread_join(threads[t], NULL);
        double two = wall() - start;
        if (2 * one / two > best)
            best = 2 * one / two;
    }
    printf("%.3f\n", best);
}

static const struct verb {
    const char *name;
    int words;
    int uri;  /* which word is the store's; -1: none */
    int read; /* the store is read before the clock starts */
    int times;
    void (*run)(void *);
} verbs[] = {
    { "read", 1, 0, 0, 1, run_read },     { "print", 1, 0, 0, 1, run_print },
    { "one", 2, 0, 1, ONES, run_one },    { "refresh", 1, 0, 1, REFRESHES, run_refresh },
    { "hold", 1, 0, 1, 1, run_hold },     { "stat", 1, -1, 0, REFRESHES, run_stat },
    { "files", 1, -1, 0, 1, run_files },  { "put", 4, 1, 0, 1, run_put },
    { "remove", 3, 1, 0, 1, run_remove }, { "copy", 3, 1, 0, 1, run_copy },
};

static void run_verb(const struct verb *verb, struct job *job, bool once)
{
    if (verb->uri >= 0)
        job->store = open_store(job, job->words[verb->uri]);
    if (verb->read)
        job->bundle = read_store(job->store);
    if (once)
        verb->run(job);
    else
        print_median(verb->run, job, verb->times);
    certstore_bundle_free(job->bundle);
    certstore_free(job->store);
}

int main(int argc, char **argv)
{
    certstore_error *err = certstore_error_new();
    bool once = argc > 1 && strcmp(argv[1], "once") == 0;
    int first = once ? 2 : 1;
    const char *name = first < argc ? argv[first] : "";
    struct job job = { .words = argv + first + 1, .options = certstore_options_new(err) };
    int count = argc - first - 1;
    bool known = false;
    certstore_options_set_password(job.options, (const uint8_t *)"changeit", 8, err);
    if (strcmp(name, "put") == 0 || strcmp(name, "remove") == 0 || strcmp(name, "copy") == 0)
        certstore_options_set_state_dir(job.options, job.words[0], err);
    expect(err);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs && !known; i++)
        if (strcmp(name, verbs[i].name) == 0 && count == verbs[i].words) {
            run_verb(&verbs[i], &job, once);
            known = true;
        }
    if (!known && strcmp(name, "threads") == 0 && count == 1)
        speed_up(list_in_thread, &job);
    else if (!known && strcmp(name, "threads-control") == 0)
        speed_up(hash_in_thread, &job);
    else if (!known)
        die("no such work; inproc.c says what there is");
    certstore_options_free(job.options);
    certstore_error_free(err);
    return 0;
}
