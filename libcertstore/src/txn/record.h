/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.h: one line of a journal: a flat JSON object whose values are strings and integers, nothing else, so that a strict reader of a
 * screenful suffices where a JSON library would bring its own surprises into the one file that must never be misread.
 *
 * Strings hold any bytes but NUL. What is not printable ASCII, and '%' itself, is written percent-encoded: a path is bytes, JSON wants UTF-8,
 * and a line stays a line.
 */
#ifndef CSI_RECORD_H
#define CSI_RECORD_H

#include "base/buf.h"
#include "base/error.h"

enum { CSI_RECORD_MAX = 1024 * 1024 }; /* bytes of one line */

struct csi_field {
    char *name;
    char *text; /* NULL: an integer */
    int64_t number;
};
struct csi_record {
    struct csi_field *fields;
    size_t count;
    size_t capacity;
    bool failed; /* out of memory in a put; sticky, checked by csi_record_write() */
};

void csi_record_free(struct csi_record *record);
#define CSI_AUTO_RECORD __attribute__((cleanup(csi_record_free))) struct csi_record

void csi_record_put(struct csi_record *record, const char *name, const char *text);
void csi_record_put_int(struct csi_record *record, const char *name, int64_t number);
/* "" and the fallback when there is no such field (of that kind). */
const char *csi_record_get(const struct csi_record *record, const char *name);
int64_t csi_record_get_int(const struct csi_record *record, const char *name, int64_t fallback);
/* Appends {"name":"text","number":1} without a newline. */
certstore_status csi_record_write(const struct csi_record *record, struct csi_buf *out, certstore_error *err);
/* Reads exactly what csi_record_write() writes (and spaces between tokens); CERTSTORE_E_MALFORMED otherwise. */
certstore_status csi_record_read(struct csi_span line, struct csi_record *record, certstore_error *err);

#endif
