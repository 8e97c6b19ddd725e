/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.c: runs a fuzz target without a fuzzer: over the files and directories named as arguments, over the shared corpus where it is
 * ($CERTSTORE_CORPUS, else ../shared/corpus), and over mutations of both made with a fixed seed, so that every run is the same run. Prints
 * TAP. A crash, a hang or a sanitizer's report is the failure.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 1 << 20, DEPTH_MAX = 12, MUTANTS = 4, SECONDS_MAX = 20 };
static unsigned inputs, mutants;
static uint64_t random_state = 0x9e3779b97f4a7c15u;
static clock_t started;

static uint32_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32);
}

static bool out_of_time(void)
{
    return (clock() - started) / CLOCKS_PER_SEC >= SECONDS_MAX;
}

/* In place; returns the new size. Never larger. */
static size_t mutate(uint8_t *data, size_t size)
{
    const size_t at = next_random() % size;
    const size_t run = 1 + next_random() % (size - at < 16 ? size - at : 16);
    switch (next_random() % 6) {
    case 0:
        data[at] ^= (uint8_t)(1u << next_random() % 8);
        return size;
    case 1:
        data[at] = (uint8_t)next_random();
        return size;
    case 2: /* what lengths like least */
        memset(data + at, next_random() % 2 != 0 ? 0xff : 0x00, run);
        return size;
    case 3:
        memmove(data + at, data + at + run, size - at - run);
        return size - run;
    case 4:
        memmove(data + at, data + next_random() % (size - run + 1), run);
        return size;
    default:
        return at;
    }
}

/* The target gets memory of the input's own size, so that a sanitizer sees a byte too many. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size > 0 ? size : 1);
    if (exact == NULL)
        abort();
    if (size > 0)
        memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static void replay_file(const char *path)
{
    uint8_t *data = malloc(INPUT_MAX);
    FILE *file = fopen(path, "rb");
    if (data == NULL || file == NULL) {
        printf("not ok - cannot read %s\n", path);
        exit(1);
    }
    const size_t size = fread(data, 1, INPUT_MAX, file);
    fclose(file);
    run(data, size);
    inputs++;
    uint8_t *mutant = malloc(size > 0 ? size : 1);
    for (int i = 0; mutant != NULL && size > 0 && size <= 65536 && i < MUTANTS && !out_of_time(); i++) {
        memcpy(mutant, data, size);
        size_t left = size;
        for (uint32_t changes = 1 + next_random() % 4; changes > 0 && left > 0; changes--)
            left = mutate(mutant, left);
        run(mutant, left);
        mutants++;
    }
    free(mutant);
    free(data);
}

static void replay(const char *path, int depth)
{
    struct stat st;
    if (out_of_time() || stat(path, &st) != 0)
        return;
    if (S_ISREG(st.st_mode)) {
        replay_file(path);
        return;
    }
    struct dirent **items;
    const int count = S_ISDIR(st.st_mode) && depth < DEPTH_MAX ? scandir(path, &items, NULL, alphasort) : 0;
    for (int i = 0; i < count; i++) {
        char inner[4096];
        const int size = snprintf(inner, sizeof inner, "%s/%s", path, items[i]->d_name);
        if (items[i]->d_name[0] != '.' && size > 0 && (size_t)size < sizeof inner)
            replay(inner, depth + 1);
        free(items[i]);
    }
    if (count > 0)
        free(items);
}

/* The seeds of this very target: tests/fuzz/seeds/fuzz_NAME for .../fuzz_NAME_replay. */
static void replay_seeds(const char *name)
{
    char path[256];
    const size_t size = strlen(name) - (strlen(name) > 7 ? strlen("_replay") : 0);
    snprintf(path, sizeof path, "tests/fuzz/seeds/%.*s", (int)size, name);
    replay(path, 0);
}

int main(int argc, char **argv)
{
    started = clock();
    const char *corpus = getenv("CERTSTORE_CORPUS");
    for (int i = 1; i < argc; i++)
        replay(argv[i], 0);
    const char *name = strrchr(argv[0], '/') != NULL ? strrchr(argv[0], '/') + 1 : argv[0];
    replay_seeds(name);
    replay("tests/fixtures", 0);
    replay(corpus != NULL && *corpus != 0 ? corpus : "../shared/corpus", 0);
    static const uint8_t nothing[1];
    run(nothing, 0);
    if (inputs == 0)
        printf("ok 1 - %s: the empty input # skip no corpus, no fixtures and no arguments\n", name);
    else
        printf("ok 1 - %s: %u inputs and %u mutations of them do no harm%s\n", name, inputs, mutants, out_of_time() ? " (time was up)" : "");
    printf("1..1\n");
    return 0;
}
