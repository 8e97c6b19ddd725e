/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.h: the smallest place: named cells in memory. It exists so that the engine can be proved before any file is involved, and to be read first:
 * what the seven verbs mean is easiest seen here. Its world can refuse any step, or die at it.
 */
#ifndef CSI_MEMORY_H
#define CSI_MEMORY_H

#include "txn/engine.h"

extern const struct csi_participant_kind csi_memory_kind;

struct csi_cell {
    char *name;
    csi_blob *content; /* NULL: not there */
    csi_blob *staged;
    csi_blob *kept; /* the old content while a transaction is open */
    bool locked;
};
/* What lasts: cells survive the death of a transaction, locks do not (csi_memory_reboot). */
struct csi_memory {
    struct csi_cell *cells;
    size_t count;
    size_t capacity;
    long steps;    /* how many steps have been taken */
    long fail_at;  /* the step that is refused; 0: none */
    bool for_good; /* and all after it: as if the process had died there */
};
void csi_memory_clear(struct csi_memory *memory);
void csi_memory_reboot(struct csi_memory *memory);
/* Makes a cell or gives it other content, from outside of any transaction; text NULL: takes it away. */
certstore_status csi_memory_set(struct csi_memory *memory, const char *name, const char *text, certstore_error *err);
const struct csi_cell *csi_memory_find(const struct csi_memory *memory, const char *name);
/* "This cell, which now holds what it holds, shall hold this." */
csi_participant *csi_memory_participant(struct csi_memory *memory, const char *name, const char *wanted, certstore_error *err);

#endif
