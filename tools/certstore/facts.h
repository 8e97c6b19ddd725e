/* SPDX-License-Identifier: Apache-2.0 */
/* facts.h: an entry as text: what `list` and `show` print and what JSON holds. */
#ifndef TOOL_FACTS_H
#define TOOL_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "heap.h"

/* Owned strings; NULL where a fact does not apply or cannot be had (a key whose passphrase is not known). */
struct facts {
    const certstore_entry *entry;
    const certstore_cert *leaf; /* NULL: the entry has no certificate */
    char *subject;
    char *issuer;
    char *serial;
    char *sha256;
    char *not_before;
    char *not_after;
    int64_t expires;     /* INT64_MAX: never, or not known */
    int64_t days_left;   /* of use only where there is a leaf */
    char *key_algorithm; /* of a private or secret key */
    int key_bits;
    char *spki_sha256;
    char *created;
};

struct facts facts_of(const certstore_entry *entry, int64_t now);
void facts_free(struct facts *facts);

/* "trusted", "key", "secret", "crl", "opaque". */
const char *facts_kind(certstore_kind kind);
/* "verified", "absent", "unchecked". */
const char *facts_integrity(certstore_integrity integrity);
/* "info", "warning", "fault". */
const char *facts_severity(certstore_severity severity);

/* Bytes that are text, as an owned string; takes the bytes. NULL for NULL. */
char *facts_text(certstore_bytes *bytes);

#endif
