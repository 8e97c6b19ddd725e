/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal.h: one append-only file a transaction. Each line is a record, a space, the SHA-256 of (the line before's digest, the record), a
 * newline: a torn end is told from damage, and no line can be changed, moved or left out unseen.
 *
 * What has been added but not synced is always written again, in ONE write, before the sync: a power failure can then lose or tear the end of
 * the file, but not a line in its middle.
 */
#ifndef CSI_JOURNAL_H
#define CSI_JOURNAL_H

#include "txn/participant.h"

struct csi_journal {
    const struct csi_os *os;
    char *path;
    int fd;                         /* holds the lock that says "the transaction's process is alive" */
    struct csi_buf lines;           /* what the file shall hold */
    size_t durable;                 /* bytes of it that are known to be on the disk */
    size_t written;                 /* bytes of it that the file holds */
    bool ragged;                    /* the file may hold more than that: a torn end, or what a write that failed left */
    char mark[CSI_DIGEST_TEXT + 1]; /* the last line's digest */
    struct csi_record *records;     /* the lines, parsed */
    size_t count;
    size_t capacity;
};
typedef struct csi_journal csi_journal;

/* A new, empty journal, locked, with room preallocated for what is to come (0: none). */
csi_journal *csi_journal_create(const struct csi_os *os, const char *path, size_t room, certstore_error *err);
/* Opens and checks an existing one. A torn end is left out (and cut off by the next write). With lock: CERTSTORE_E_LOCKED while its process lives,
 * CERTSTORE_E_NOT_FOUND when it is over; without: a look, nothing more. CERTSTORE_E_TAMPERED: damaged before its end. */
csi_journal *csi_journal_open(const struct csi_os *os, const char *path, bool lock, certstore_error *err);
void csi_journal_free(csi_journal *journal); /* and drops the lock */
CSI_DEFINE_AUTO(csi_journal, csi_journal_free)

/* Adds a record (emptied, also on failure) to what is to be written. */
certstore_status csi_journal_add(csi_journal *journal, struct csi_record *record, certstore_error *err);
/* Hands it to the system: survives the death of the process. */
certstore_status csi_journal_write(csi_journal *journal, certstore_error *err);
/* Makes it durable. On failure the file must be taken for unknown: see csi_journal_replace(). */
certstore_status csi_journal_sync(csi_journal *journal, certstore_error *err);
/* Forgets everything but the first `count` lines, adds `last`, writes that into a fresh file (fresh pages) and puts the file, durable and locked, in
 * the place of the old one. */
certstore_status csi_journal_replace(csi_journal *journal, size_t count, struct csi_record *last, certstore_error *err);

/* The record of that type that came last; NULL if there is none. */
const struct csi_record *csi_journal_find(const csi_journal *journal, const char *type);
/* Checks bytes as a journal: fills lines, records, mark. Pure; the fuzz target's entry. */
certstore_status csi_journal_parse(csi_journal *journal, struct csi_span bytes, certstore_error *err);

#endif
