/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status.h: how the command fails: one line on standard error, `certstore: NOUN: what is wrong; what to do`, with --json also a document on
 * standard output, and an exit status that a script can act on (docs/guide/exit-codes.md).
 */
#ifndef TOOL_STATUS_H
#define TOOL_STATUS_H

#include <certstore.h>
#include <jansson.h>

#include "heap.h"

enum {
    STATUS_DONE = 0,
    STATUS_NEGATIVE = 1, /* the answer is no: something differs, a finding, something expires */
    STATUS_USAGE = 2,
    STATUS_FAILED = 3,  /* and every store is exactly as it was */
    STATUS_IN_DOUBT = 4 /* run `certstore recover` */
};

struct cli;

/* Reports an error of the library; returns the exit status. */
int report_error(struct cli *cli, const certstore_error *err);
/* Reports a failure that the command itself found. `store` is the URI or path it is about, or NULL. The format gives the whole message. */
int report_failure(struct cli *cli, certstore_status status, const char *store, const char *format, ...) PRINTF(4, 5);
/* Wrong usage: STATUS_USAGE. */
int report_usage(struct cli *cli, const char *format, ...) PRINTF(2, 3);
/* A line on standard error that does not change the outcome; nothing with --quiet. */
void report_warning(struct cli *cli, const char *format, ...) PRINTF(2, 3);
/* A line on standard error about what is being done, with --verbose only. */
void report_detail(struct cli *cli, const char *format, ...) PRINTF(2, 3);

/* The exit status a library status comes to. */
int exit_status_of(certstore_status status);

/* A line on standard error, and nothing else. */
void report_line(const char *message);

/* Prints the document of --json and gives it up. What was reported before stands in its "error". */
void print_document(struct cli *cli, json_t *document);

#endif
