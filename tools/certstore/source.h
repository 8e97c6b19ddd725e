/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source.h: where a passphrase comes from. SOURCE is OpenSSL's notation: env:VAR, file:PATH (its first line), fd:N, stdin, pass:TEXT; and the
 * terminal, without echo.
 */
#ifndef TOOL_SOURCE_H
#define TOOL_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "cli.h"

/* A passphrase: wiped when freed, kept out of swap where the system lets us. */
struct secret {
    uint8_t *data;
    size_t size;
    size_t room;
};

void secret_free(struct secret *secret);
static inline void secret_free_owned(struct secret **secret)
{
    secret_free(*secret);
}
#define OWNED_SECRET __attribute__((cleanup(secret_free_owned))) struct secret

/* Reads a SOURCE. NULL after reporting; *status is then the exit status. `what` names the passphrase in messages. stdin and fd:N give one line for
 * each time they are named, in order. */
struct secret *source_read(struct cli *cli, const char *source, const char *what, int *status);
/* The passphrase of --pass, read once; NULL with *status 0 when none was given. Borrowed. */
const struct secret *source_general(struct cli *cli, int *status);

/* The same of --so-pin, whose SOURCE is never pass:TEXT. */
const struct secret *source_officer(struct cli *cli, int *status);

/* Whether somebody can be asked: standard input is a terminal. */
bool prompt_possible(void);
/* Asks on the terminal, without echo; twice when `confirm`. NULL when nobody answered or the answers differ (reported). */
struct secret *prompt_secret(struct cli *cli, const char *question, bool confirm);

/* Blanks out every pass:TEXT and pin-value=TEXT of the process's own argument list, so that `ps` shows none from here on. */
void source_hide_arguments(int argc, char **argv);

/* Shared by source.c and prompt.c. */
struct secret *secret_new(void);
void secret_add(struct secret *secret, uint8_t byte);
enum { SECRET_MOST = 4096 };

#endif
