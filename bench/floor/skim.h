/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skim.h: what every yardstick does with a certificate: find subject and expiry in its DER, enter its alias into an index, print a line.
 * The yardsticks say how fast the end user's work can be done on this machine; they check less and keep less than the library does.
 */
#ifndef BENCH_SKIM_H
#define BENCH_SKIM_H

#include "support/common.h"

struct certificate {
    struct bytes subject; /* whole Name */
    int64_t not_after;
};
/* RFC 5280 section 4.1: false where the bytes are no certificate. */
bool skim(const uint8_t *der, size_t size, struct certificate *found);

struct row {
    uint64_t offset;
    uint32_t size;
    uint32_t alias_hash;
    int64_t not_after;
};
/* Rows, and a table of them by alias. */
struct catalogue {
    struct row *rows;
    size_t count;
    size_t capacity;
    uint32_t *slots;
    size_t slot_mask;
};
void catalogue_add(struct catalogue *catalogue, const char *alias, size_t alias_size, struct row row);
void catalogue_free(struct catalogue *catalogue);

/* Alias, subject in RFC 2253 form, expiry, SHA-256: the same columns as the command prints. */
void print_row(const char *alias, size_t alias_size, struct certificate found, const uint8_t *der, size_t size);
void print_end(void);

#endif
