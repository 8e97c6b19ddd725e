/* SPDX-License-Identifier: Apache-2.0 */
/* statedir.h: an engine over two cells in memory and a state directory of the test's own, which is made by hand where a test wants it strange. */
#ifndef TESTS_STATEDIR_H
#define TESTS_STATEDIR_H

#include "media/memory.h"
#include "support/faulty_os.h"
#include "txn/transaction.h"

/* IDs as transactions and stores have them. */
#define STATEDIR_ID "0123456789abcdef0123456789abcdef"
#define STATEDIR_OTHER_ID "fedcba9876543210fedcba9876543210"

struct statedir {
    struct faulty_os os;
    struct csi_memory memory; /* "a" holds "old a", "b" holds "old b" */
    char *dir;
    char *state;
    char *txn_dir; /* below it, where the transactions lie */
    char *journal; /* STATEDIR_ID.open there; not made */
    struct csi_txn_env env;
};

/* Nothing below f->dir is there yet: the engine makes it. */
void statedir_open(struct statedir *f);
/* With the directories made. */
void statedir_open_made(struct statedir *f);
void statedir_close(struct statedir *f);
/* A name below txn_dir, whatever it is. */
bool statedir_has(const struct statedir *f, const char *name);
/* Do the cells hold this? */
bool statedir_holds(const struct statedir *f, const char *a, const char *b);
certstore_report *statedir_recover(struct statedir *f);

#endif
