/* SPDX-License-Identifier: Apache-2.0 */
/* source.c: passphrases from the environment, files, descriptors and, with a warning, the command line. */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

struct secret *secret_new(void)
{
    struct secret *secret = heap_new(1, sizeof *secret);
    secret->room = SECRET_MOST; /* never moved, so that no copy is left behind */
    secret->data = heap_new(secret->room + 1, 1);
    mlock(secret->data, secret->room); /* a courtesy: an unprivileged process may have no allowance for it */
    return secret;
}

void secret_free(struct secret *secret)
{
    if (secret == NULL)
        return;
    explicit_bzero(secret->data, secret->room);
    munlock(secret->data, secret->room);
    free(secret->data);
    free(secret);
}

void secret_add(struct secret *secret, uint8_t byte)
{
    if (secret->size <= secret->room)
        secret->data[secret->size++] = byte; /* one byte over the most that is allowed shows that it was too long */
}

static struct secret *check(struct cli *cli, struct secret *taken, const char *source, const char *what, int *status)
{
    if (taken->size <= SECRET_MOST)
        return taken;
    *status = report_failure(cli, CERTSTORE_E_LIMIT, NULL, "%s: %s for %s is longer than %d bytes; give a shorter one", source, "the passphrase",
                             what, SECRET_MOST);
    secret_free(taken);
    return NULL;
}

/* One line, byte by byte: what follows in a pipe belongs to the next reader. */
static int read_line(int fd, struct secret *line)
{
    uint8_t byte;
    ssize_t got;
    bool any = false;
    while ((got = read(fd, &byte, 1)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno;
        any = true;
        if (byte == '\n')
            break;
        secret_add(line, byte);
        if (line->size > SECRET_MOST)
            break;
    }
    if (line->size > 0 && line->size <= SECRET_MOST && line->data[line->size - 1] == '\r')
        line->size--;
    return any ? 0 : ENODATA;
}

static struct secret *from_fd(struct cli *cli, int fd, const char *source, const char *what, int *status)
{
    struct secret *line = secret_new();
    int error = read_line(fd, line);
    if (error == 0)
        return check(cli, line, source, what, status);
    secret_free(line);
    *status = report_failure(cli, CERTSTORE_E_PASSWORD, NULL, "%s: holds no line with the passphrase for %s (%s); write one there", source, what,
                             error == ENODATA ? "it is at its end" : strerror(error));
    return NULL;
}

static struct secret *from_file(struct cli *cli, const char *path, const char *source, const char *what, int *status)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        *status = report_failure(cli, CERTSTORE_E_PASSWORD, NULL, "%s: the passphrase for %s cannot be read: %s; check the path and its permissions",
                                 source, what, strerror(errno));
        return NULL;
    }
    struct secret *line = from_fd(cli, fd, source, what, status);
    close(fd);
    return line;
}

static struct secret *from_text(struct cli *cli, const char *text, const char *source, const char *what, int *status)
{
    struct secret *taken = secret_new();
    for (; *text != '\0'; text++)
        secret_add(taken, (uint8_t)*text);
    return check(cli, taken, source, what, status);
}

struct secret *source_read(struct cli *cli, const char *source, const char *what, int *status)
{
    if (strcmp(source, "stdin") == 0)
        return from_fd(cli, STDIN_FILENO, source, what, status);
    if (strncmp(source, "file:", 5) == 0)
        return from_file(cli, source + 5, source, what, status);
    if (strncmp(source, "env:", 4) == 0) {
        const char *value = getenv(source + 4);
        if (value != NULL)
            return from_text(cli, value, source, what, status);
        *status = report_failure(cli, CERTSTORE_E_PASSWORD, NULL,
                                 "%s: no such environment variable, and it was to hold the passphrase for %s; set it", source, what);
        return NULL;
    }
    if (strncmp(source, "fd:", 3) == 0) {
        char *end;
        errno = 0;
        long fd = strtol(source + 3, &end, 10);
        if (errno == 0 && end != source + 3 && *end == '\0' && fd >= 0 && fd <= 1 << 20)
            return from_fd(cli, (int)fd, source, what, status);
    }
    if (strncmp(source, "pass:", 5) == 0) {
        report_warning(cli, "pass: shows the passphrase to everybody who can list processes; use env:, file: or fd: instead");
        return from_text(cli, source + 5, "pass:", what, status);
    }
    /* The word is not repeated: somebody who forgot "pass:" wrote the passphrase itself. */
    *status = report_usage(cli, "the source of the passphrase for %s: is none; write env:VAR, file:PATH, fd:N, stdin or pass:TEXT", what);
    return NULL;
}

const struct secret *source_general(struct cli *cli, int *status)
{
    if (cli->pass != NULL && cli->general == NULL)
        cli->general = source_read(cli, cli->pass, "the stores (--pass)", status);
    return cli->general;
}

const struct secret *source_officer(struct cli *cli, int *status)
{
    if (cli->so_pin != NULL && strncmp(cli->so_pin, "pass:", 5) == 0)
        *status = report_usage(cli, "--so-pin: pass: shows the PIN to everybody who can list processes; use env:, file: or fd:");
    else if (cli->so_pin != NULL && cli->officer == NULL)
        cli->officer = source_read(cli, cli->so_pin, "the security officer (--so-pin)", status);
    return cli->officer;
}

void source_hide_arguments(int argc, char **argv)
{
    static const char *const marks[] = { "pass:", "pin-value=" };
    for (int i = 1; i < argc; i++)
        for (size_t m = 0; m < sizeof marks / sizeof *marks; m++) {
            char *at = strstr(argv[i], marks[m]);
            if (at != NULL)
                memset(at + strlen(marks[m]), '*', strlen(at + strlen(marks[m])));
        }
}
