/* SPDX-License-Identifier: Apache-2.0 */
/* args.c: the option parser; see args.h. */
#include "args.h"

#include <string.h>

#include "heap.h"

/* Words longer than this are not compared: nobody mistypes them into one of our names. */
enum { MAX_NAME = 31, MAX_DISTANCE = 2 };

/* Levenshtein's distance over two rows, words of at most MAX_NAME characters. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t a_size = strlen(a);
    size_t b_size = strlen(b);
    if (a_size > MAX_NAME || b_size > MAX_NAME)
        return MAX_NAME;
    size_t row[MAX_NAME + 1];
    for (size_t j = 0; j <= b_size; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b_size];
}

const char *nearest_name(const char *word, const char *(*names)(const void *context, size_t index), const void *context)
{
    const char *best = NULL;
    size_t best_distance = MAX_DISTANCE + 1;
    const char *name;
    for (size_t i = 0; (name = names(context, i)) != NULL; i++) {
        size_t distance = edit_distance(word, name);
        if (distance < best_distance && distance < strlen(name)) {
            best = name;
            best_distance = distance;
        }
    }
    return best;
}

static const struct option *option_at(const struct option *const *lists, size_t index)
{
    for (; *lists != NULL; lists++)
        for (const struct option *option = *lists; option->name != NULL; option++)
            if (index-- == 0)
                return option;
    return NULL;
}

static const char *option_name_at(const void *lists, size_t index)
{
    const struct option *option = option_at(lists, index);
    return option != NULL ? option->name : NULL;
}

static const struct option *find_long(const struct option *const *lists, const char *name, size_t size)
{
    const struct option *option;
    for (size_t i = 0; (option = option_at(lists, i)) != NULL; i++)
        if (strlen(option->name) == size && memcmp(option->name, name, size) == 0)
            return option;
    return NULL;
}

static const struct option *find_short(const struct option *const *lists, char letter)
{
    const struct option *option;
    for (size_t i = 0; (option = option_at(lists, i)) != NULL; i++)
        if (option->letter == letter)
            return option;
    return NULL;
}

static bool add_given(struct args *args, const struct option *option, const char *value, char **complaint)
{
    if (option->value != NULL && !option->repeats && args_value(args, option->name) != NULL) {
        *complaint = heap_format("--%s: given twice; give it once", option->name);
        return false;
    }
    args->given = heap_grow(args->given, args->given_count, sizeof *args->given);
    args->given[args->given_count++] = (struct given){ option, value };
    return true;
}

static bool unknown(const char *word, size_t name_size, const struct option *const *lists, char **complaint)
{
    OWNED(owned_chars) *name = heap_copy_part(word, name_size);
    const char *near = word[0] == '-' && word[1] == '-' ? nearest_name(name + 2, option_name_at, lists) : NULL;
    *complaint =
        near != NULL ? heap_format("%s: no such option; did you mean --%s?", name, near) : heap_format("%s: no such option; see --help", name);
    return false;
}

/* --name, --name=value, --name value. Moves *at over the value. */
static bool take_long(struct args *args, int argc, char **argv, int *at, const struct option *const *lists, char **complaint)
{
    const char *word = argv[*at];
    const char *equals = strchr(word, '=');
    size_t name_size = equals != NULL ? (size_t)(equals - word) : strlen(word);
    const struct option *option = find_long(lists, word + 2, name_size - 2);
    if (option == NULL)
        return unknown(word, name_size, lists, complaint);
    if (option->value == NULL && equals != NULL) {
        *complaint = heap_format("--%s: takes no value; leave the \"=\" out", option->name);
        return false;
    }
    if (option->value == NULL)
        return add_given(args, option, NULL, complaint);
    if (equals != NULL)
        return add_given(args, option, equals + 1, complaint);
    if (*at + 1 >= argc) {
        *complaint = heap_format("--%s: needs a value; write --%s %s", option->name, option->name, option->value);
        return false;
    }
    return add_given(args, option, argv[++*at], complaint);
}

/* -q, -qv, -o FILE, -oFILE. */
static bool take_short(struct args *args, int argc, char **argv, int *at, const struct option *const *lists, char **complaint)
{
    for (const char *letter = argv[*at] + 1; *letter != '\0'; letter++) {
        const struct option *option = find_short(lists, *letter);
        if (option == NULL) {
            char word[] = { '-', *letter, '\0' };
            return unknown(word, 2, lists, complaint);
        }
        if (option->value == NULL) {
            if (!add_given(args, option, NULL, complaint))
                return false;
            continue;
        }
        if (letter[1] != '\0')
            return add_given(args, option, letter + 1, complaint);
        if (*at + 1 >= argc) {
            *complaint = heap_format("-%c: needs a value; write -%c %s", *letter, *letter, option->value);
            return false;
        }
        return add_given(args, option, argv[++*at], complaint);
    }
    return true;
}

static void add_positional(struct args *args, const char *word)
{
    args->positional = heap_grow(args->positional, args->count, sizeof *args->positional);
    args->positional[args->count++] = word;
}

int args_parse(struct args *args, int argc, char **argv, const struct option *const *options, bool first_only, char **complaint)
{
    bool only_positional = false;
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        if (!only_positional && strcmp(word, "--") == 0) {
            only_positional = true;
        } else if (only_positional || word[0] != '-' || word[1] == '\0') {
            add_positional(args, word);
            if (first_only)
                return i + 1;
        } else if (word[1] == '-' ? !take_long(args, argc, argv, &i, options, complaint) : !take_short(args, argc, argv, &i, options, complaint)) {
            return -1;
        }
    }
    return argc;
}

void args_free(struct args *args)
{
    free(args->given);
    free(args->positional);
    *args = (struct args){ 0 };
}

bool args_flag(const struct args *args, const char *name)
{
    for (size_t i = 0; i < args->given_count; i++)
        if (strcmp(args->given[i].option->name, name) == 0)
            return true;
    return false;
}

const char *args_value_at(const struct args *args, const char *name, size_t index)
{
    for (size_t i = 0; i < args->given_count; i++)
        if (strcmp(args->given[i].option->name, name) == 0 && index-- == 0)
            return args->given[i].value;
    return NULL;
}

const char *args_value(const struct args *args, const char *name)
{
    return args_value_at(args, name, 0);
}
