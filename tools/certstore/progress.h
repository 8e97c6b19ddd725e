/* SPDX-License-Identifier: Apache-2.0 */
/* progress.h: one line on standard error that says what is taking long; only on a terminal, only after half a second. */
#ifndef TOOL_PROGRESS_H
#define TOOL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cli;

struct progress {
    bool wanted;
    bool shown;
    int64_t started_ms;
};

struct progress progress_start(const struct cli *cli);
/* "reading 3 of 20: NAME" */
void progress_step(struct progress *progress, const char *doing, size_t done, size_t total, const char *name);
/* Takes the line away. */
void progress_end(struct progress *progress);

#endif
