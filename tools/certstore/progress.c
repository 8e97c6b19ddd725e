/* SPDX-License-Identifier: Apache-2.0 */
/* progress.c: see progress.h. */
#include "progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "screen.h"

enum { PATIENCE_MS = 500 };

static int64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct progress progress_start(const struct cli *cli)
{
    return (struct progress){ .wanted = !cli->quiet && isatty(STDERR_FILENO), .started_ms = clock_ms() };
}

void progress_step(struct progress *progress, const char *doing, size_t done, size_t total, const char *name)
{
    if (!progress->wanted || clock_ms() - progress->started_ms < PATIENCE_MS)
        return;
    OWNED(owned_chars) *shown = screen_escape(name);
    fprintf(stderr, "\r\033[K%s %zu of %zu: %.*s", doing, done, total, (int)screen_fit(shown, 50), shown);
    fflush(stderr);
    progress->shown = true;
}

void progress_end(struct progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}
