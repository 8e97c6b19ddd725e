/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prompt.c: asks for a passphrase on the terminal. Signals are held back while the echo is off and watched through a descriptor, so that Ctrl-C and
 * Ctrl-Z find the terminal as it was, without a handler and without global state.
 */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

bool prompt_possible(void)
{
    return isatty(STDIN_FILENO);
}

enum answer { ANSWERED, ENDED, INTERRUPTED };

static void watched_signals(sigset_t *set)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGALRM };
    sigemptyset(set);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaddset(set, signals[i]);
}

static enum answer read_answer(int tty, int signals, struct secret *line)
{
    struct pollfd watched[2] = { { .fd = tty, .events = POLLIN }, { .fd = signals, .events = POLLIN } };
    for (;;) {
        if (poll(watched, 2, -1) < 0 && errno != EINTR)
            return ENDED;
        if (watched[1].revents != 0)
            return INTERRUPTED;
        uint8_t byte;
        if (watched[0].revents == 0)
            continue;
        ssize_t got = read(tty, &byte, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return ENDED;
        if (byte == '\n')
            return ANSWERED;
        secret_add(line, byte);
    }
}

static void say(int tty, const char *text)
{
    ssize_t ignored = write(tty, text, strlen(text));
    (void)ignored;
}

/* One question with the echo off. What interrupts it is delivered after the terminal is itself again. */
static enum answer ask_once(int tty, const char *question, struct secret *line)
{
    sigset_t watched;
    sigset_t before;
    struct termios normal;
    watched_signals(&watched);
    if (tcgetattr(tty, &normal) != 0 || sigprocmask(SIG_BLOCK, &watched, &before) != 0)
        return ENDED;
    int signals = signalfd(-1, &watched, SFD_CLOEXEC);
    struct termios silent = normal;
    silent.c_lflag &= (tcflag_t) ~(tcflag_t)ECHO;
    silent.c_lflag |= ICANON | ISIG;
    enum answer answer = ENDED;
    if (signals >= 0 && tcsetattr(tty, TCSAFLUSH, &silent) == 0) {
        say(tty, question);
        answer = read_answer(tty, signals, line);
        say(tty, "\n");
        tcsetattr(tty, TCSAFLUSH, &normal);
    }
    if (signals >= 0)
        close(signals);
    sigprocmask(SIG_SETMASK, &before, NULL); /* a signal that ends us ends us here; after Ctrl-Z we come back and ask again */
    return answer;
}

static struct secret *ask(int tty, const char *question)
{
    for (;;) {
        struct secret *line = secret_new();
        enum answer answer = ask_once(tty, question, line);
        if (answer == ANSWERED && line->size <= SECRET_MOST)
            return line;
        secret_free(line);
        if (answer != INTERRUPTED)
            return NULL;
    }
}

struct secret *prompt_secret(struct cli *cli, const char *question, bool confirm)
{
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (tty < 0) {
        report_warning(cli, "/dev/tty: cannot be opened to ask for a passphrase: %s; name a source with --pass", strerror(errno));
        return NULL;
    }
    OWNED_SECRET *first = ask(tty, question);
    OWNED_SECRET *second = first != NULL && confirm ? ask(tty, "The same again: ") : NULL;
    close(tty);
    if (first == NULL || !confirm)
        return steal(&first);
    if (second != NULL && first->size == second->size && memcmp(first->data, second->data, first->size) == 0)
        return steal(&first);
    report_line("passphrase: the two answers differ; try again");
    return NULL;
}
