/* SPDX-License-Identifier: Apache-2.0 */
/*
 * corpus.h: the corpus of stores that other projects made, read where it lies: $CERTSTORE_CORPUS, else ../shared/corpus. It is never
 * copied. Where it is absent a test says so (corpus_open() returns NULL) and skips.
 */
#ifndef TESTS_CORPUS_H
#define TESTS_CORPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct corpus_password {
    uint8_t *data; /* may hold NUL bytes; followed by one that does not count */
    size_t size;
};

/* One line of index.tsv. Strings are never NULL. */
struct corpus_row {
    char *file;   /* relative to the corpus */
    char *format; /* "PEM", "PKCS12", "JKS" ... */
    char *cls;    /* "wellformed" | "malformed" */
    char *expect; /* "accept", "reject" ... */
    char *expected;
    char *note;
    bool has_password;  /* false: the column is empty, no passphrase is needed */
    bool null_password; /* "@null": the NULL password, which is not "" */
    struct corpus_password password;
    struct corpus_password key_passwords[4];
    size_t key_password_count;
    json_t *record; /* the line of expected.jsonl, or NULL */
};

struct corpus {
    char *root;
    struct corpus_row *rows;
    size_t count;
    json_t *records; /* file -> record; rows borrow from it */
};

/* NULL where there is no corpus. A corpus that is there and cannot be read aborts the test. */
struct corpus *corpus_open(void);
void corpus_free(struct corpus *corpus);
/* The next row of a format from *at on, or NULL past the last: for (size_t at = 0; (row = corpus_next(c, "JKS", &at)) != NULL;) */
const struct corpus_row *corpus_next(const struct corpus *corpus, const char *format, size_t *at);
/* A file's bytes, for free(); NULL when it cannot be read. relative may also name a file below a row that is a directory. */
uint8_t *corpus_load(const struct corpus *corpus, const char *relative, size_t *size);

/* A score by format and expectation, printed as lines that `make check` shows. */
struct corpus_score {
    struct corpus_tally {
        char format[24];
        char expect[32];
        unsigned good;
        unsigned total;
    } rows[64];
    size_t count;
};
/* Counts a row, and prints the file and `why` when it is not good. */
void corpus_count(struct corpus_score *score, const struct corpus_row *row, bool good, const char *why);
void corpus_print(const struct corpus_score *score);
/* Rows that are not good. */
unsigned corpus_misses(const struct corpus_score *score);

#endif
