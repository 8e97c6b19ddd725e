/* SPDX-License-Identifier: Apache-2.0 */
/* places.h: kinds of stores on disk, each with an old and a new content, and what the tests of transactions do with them. */
#ifndef TEST_PLACES_H
#define TEST_PLACES_H

#include "media/place.h"
#include "support/faulty_os.h"

enum { FILES_MAX = 8, PLACES_MAX = 4 };

/* A file and what it holds before and after; NULL: it is not there. */
struct file_case {
    const char *name;
    const char *old;
    const char *new;
};
struct place_case {
    const char *paths[2]; /* a directory's ends in a slash here */
};
struct row {
    const char *title;
    struct place_case places[PLACES_MAX];
    struct file_case files[FILES_MAX];
    long syncs; /* a commit's budget, once the state directory is there */
};
enum { ROWS = 7 };
extern const struct row rows[ROWS];

struct fixture {
    const struct row *row;
    struct faulty_os os;
    char *root;
    char *dir; /* where the stores are */
    char *state;
    struct csi_txn_env env;
};

/* A path the caller frees. */
char *join(const char *dir, const char *name);
void make_dir(const char *dir, const char *name);
void open_fixture(struct fixture *f, const struct row *row);
void close_fixture(struct fixture *f);
/* By reading the files, not through the library: content, mode, owner, and what is none of the stores' business. */
bool all_old(const struct fixture *f);
bool all_new(const struct fixture *f);
bool has_one_name_each(const struct fixture *f);
/* Names that only a transaction under way may leave. */
int litter(const struct fixture *f);
csi_place *open_place(struct fixture *f, const struct place_case *which, certstore_error *err);
csi_txn *begin(struct fixture *f, certstore_error *err);
certstore_status commit(struct fixture *f);
/* What `certstore recover` and `certstore recover STORE...` do; the number of rows reported. */
size_t recover(struct fixture *f);

#endif
