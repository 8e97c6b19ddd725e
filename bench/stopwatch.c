/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stopwatch.c: runs programs in turn, A B C A B C, and writes down what each run cost: `stopwatch DIRECTORY ROUNDS < LIST`.
 *
 * LIST has one program a line, four fields between tabs: NAME, KIND, SETUP, COMMAND. KIND "whole" counts the whole process, user and
 * system; "self" takes the microseconds that the program prints. SETUP is a shell command that is run before each run and not
 * counted ("-": none). COMMAND is split at blanks. The last output goes to DIRECTORY/NAME.out.
 *
 * Standard output: NAME, round, CPU in us, wall in us, peak RSS in KiB, exit status (-1: killed at the time limit). Round 0 is the warm-up. A
 * program may cost a few seconds of a row: one that is slower than that is run less often. "control" lines time a fixed piece of work
 * before and after each round: where they differ, something else had the machine.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_PROGRAMS = 24, MOST_WORDS = 64, MOST_SECONDS = 25, BUDGET_US = 2500000, SHORT_US = 20000, REPEATS = 5 };

struct program {
    char *name;
    char *kind;
    char *setup;
    char *words[MOST_WORDS];
    double spent;
    int repeats;
    int over; /* no more runs */
};
struct cost {
    double cpu;
    double wall;
    long rss;
    int status;
};

static volatile pid_t running;

static void stop_running(int signal_number)
{
    (void)signal_number;
    kill(running, SIGKILL);
}

static double now_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static double us(struct timeval tv)
{
    return (double)tv.tv_sec * 1e6 + (double)tv.tv_usec;
}

/* What a program's memory is compared with starts at the parent's: this one stays small. */
static double control(void)
{
    static uint8_t data[32 * 1024];
    volatile uint64_t sum = 14695981039346656037ULL;
    double start = now_us(CLOCK_MONOTONIC);
    for (int pass = 0; pass < 32; pass++)
        for (size_t i = 0; i < sizeof data; i++)
            sum = (sum ^ data[i]) * 1099511628211ULL;
    return now_us(CLOCK_MONOTONIC) - start;
}

static double self_time(const char *output)
{
    double value = -1;
    FILE *file = fopen(output, "r");
    if (file != NULL && fscanf(file, "%lf", &value) != 1)
        value = -1;
    if (file != NULL)
        fclose(file);
    return value;
}

static struct cost run_once(const struct program *program, const char *directory)
{
    char output[4096];
    struct rusage usage;
    int status = 0;
    if (strcmp(program->setup, "-") != 0 && system(program->setup) != 0) /* NOLINT(cert-env33-c): the driver's own words */
        return (struct cost){ .status = 127 };
    snprintf(output, sizeof output, "%s/%s.out", directory, program->name);
    double start = now_us(CLOCK_MONOTONIC);
    pid_t child = vfork();
    if (child == 0) {
        int out = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0644);
        int in = open("/dev/null", O_RDWR);
        if (out < 0 || in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(in, 2) < 0)
            _exit(126);
        execvp(program->words[0], program->words);
        _exit(127);
    }
    running = child;
    alarm(MOST_SECONDS);
    while (wait4(child, &status, 0, &usage) < 0)
        ;
    alarm(0);
    struct cost cost = { us(usage.ru_utime) + us(usage.ru_stime), now_us(CLOCK_MONOTONIC) - start, usage.ru_maxrss, 0 };
    cost.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (strcmp(program->kind, "self") == 0 && cost.status == 0)
        cost.cpu = self_time(output);
    return cost;
}

static void run_round(struct program *program, const char *directory, int round)
{
    struct cost sum = { 0 };
    int repeats = round > 0 ? program->repeats : 1;
    for (int i = 0; i < repeats; i++) {
        struct cost cost = run_once(program, directory);
        sum.cpu += cost.cpu / repeats;
        sum.wall += cost.wall / repeats;
        sum.rss = cost.rss > sum.rss ? cost.rss : sum.rss;
        sum.status = cost.status != 0 ? cost.status : sum.status;
    }
    printf("%s\t%d\t%.4f\t%.1f\t%ld\t%d\n", program->name, round, sum.cpu, sum.wall, sum.rss, sum.status);
    program->spent += sum.wall * repeats;
    if (round == 0)
        program->repeats = strcmp(program->kind, "self") != 0 && sum.wall < SHORT_US ? REPEATS : 1;
    if (sum.status == -1 || sum.status == 127 || program->spent + sum.wall > BUDGET_US)
        program->over = 1;
}

static int parse(char *line, struct program *program)
{
    size_t count = 0;
    program->name = strtok(line, "\t");
    program->kind = strtok(NULL, "\t");
    program->setup = strtok(NULL, "\t");
    for (char *word = strtok(NULL, " \n"); word != NULL && count < MOST_WORDS - 1; word = strtok(NULL, " \n"))
        program->words[count++] = word;
    return count > 0;
}

int main(int argc, char **argv)
{
    static struct program programs[MOST_PROGRAMS];
    int count = 0;
    int rounds = argc == 3 ? atoi(argv[2]) : 0;
    char *line = NULL;
    size_t room = 0;
    if (rounds < 1) {
        fputs("usage: stopwatch DIRECTORY ROUNDS < LIST\n", stderr);
        return 2;
    }
    while (count < MOST_PROGRAMS && getline(&line, &room, stdin) > 0) {
        if (parse(line, &programs[count]))
            count++;
        line = NULL;
        room = 0;
    }
    signal(SIGALRM, stop_running);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int round = 0; round <= rounds; round++) {
        double before = control();
        for (int i = 0; i < count; i++)
            if (!programs[i].over)
                run_round(&programs[i], argv[1], round);
        printf("control\t%d\t%.1f\t%.1f\t0\t0\n", round, before, control());
    }
    return 0;
}
