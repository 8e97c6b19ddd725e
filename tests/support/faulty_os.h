/* SPDX-License-Identifier: Apache-2.0 */
/* faulty_os.h: the real system calls behind a table that counts them, fails call N (once or from then on), shortens writes, and stops dead. */
#ifndef TEST_FAULTY_OS_H
#define TEST_FAULTY_OS_H

#include "base/os.h"

struct faulty_os {
    struct csi_os table; /* first: a slot finds its counters behind it */
    long calls;          /* of those that can fail */
    long changes;        /* of those that change something or make it durable */
    long syncs;
    long fail_at;    /* 1: the first of `calls`; 0: none */
    long stop_at;    /* from this one of `changes` on nothing has any effect: what a kill leaves */
    int number;      /* the errno; 0: a write is cut short, other calls succeed */
    bool for_good;   /* and all later calls of the same kind */
    const char *hit; /* the slot that was failed; NULL: none yet */
    pid_t pid;       /* what the process's id is said to be; 0: the truth */
};

void faulty_os_init(struct faulty_os *os);
/* Counts from zero again; faults are off. */
void faulty_os_reset(struct faulty_os *os);

/* A new directory of the test's own, removed with all that is in it by test_dir_remove(), at the latest when the process ends. */
char *test_dir_new(void);
void test_dir_remove(char *dir);
void test_write(const char *dir, const char *name, const char *text);
/* The file's text, malloc'ed; NULL when there is none. */
char *test_read(const char *dir, const char *name);
/* Number of names in a directory, hidden ones included; -1: no such directory. */
int test_names(const char *dir);

#endif
