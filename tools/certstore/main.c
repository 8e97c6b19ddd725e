/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: the command `certstore`: global options, the verb, and nothing else. */
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "source.h"
#include "verbs.h"

const struct option global_options[] = {
    { "state-dir", 0, "DIR", false, "where generations and pending transactions live" },
    { "pass", 0, "SOURCE", false, "the passphrase of every store that names none" },
    { "so-pin", 0, "SOURCE", false, "the PIN of a token's security officer, who marks certificates as trusted" },
    { "destroy-keys", 0, NULL, false, "let a change destroy keys on a token, which nobody can make again" },
    { "profile", 0, "NAME", false, "whom new keys and stores are for: java8, java17, openssl3, fips, legacy" },
    { "json", 0, NULL, false, "print one JSON document" },
    { "quiet", 'q', NULL, false, "print only what was asked for, and errors" },
    { "verbose", 'v', NULL, false, "say more on standard error" },
    { "no-color", 0, NULL, false, "no colours, as with NO_COLOR" },
    { "help", 'h', NULL, false, "explain the command, or the verb" },
    { "version", 0, NULL, false, "print the version" },
    { 0 },
};

/* Neither a core file nor another process of the same user shall see a passphrase or a key. */
static void protect_memory(void)
{
    const struct rlimit none = { 0, 0 };
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
}

static const char *verb_name_at(const void *context, size_t index)
{
    (void)context;
    const struct verb *verb = verb_at(index);
    return verb != NULL ? verb->name : NULL;
}

static int unknown_verb(struct cli *cli, const char *word)
{
    const char *near = nearest_name(word, verb_name_at, NULL);
    return near != NULL ? report_usage(cli, "%s: no such verb; did you mean %s?", word, near)
                        : report_usage(cli, "%s: no such verb; certstore --help lists them", word);
}

static void set_globals(struct cli *cli, const struct args *args)
{
    cli->state_dir = args_value(args, "state-dir");
    cli->pass = args_value(args, "pass");
    cli->so_pin = args_value(args, "so-pin");
    cli->profile = args_value(args, "profile");
    cli->destroy_keys = args_flag(args, "destroy-keys");
    cli->quiet = args_flag(args, "quiet");
    cli->verbose = args_flag(args, "verbose");
    cli->no_color = args_flag(args, "no-color");
}

static int show_help(struct cli *cli, const char *topic)
{
    if (topic == NULL || strcmp(topic, "help") == 0) {
        help_print_overview();
        return STATUS_DONE;
    }
    const struct verb *verb = verb_find(topic);
    if (verb == NULL)
        return unknown_verb(cli, topic);
    help_print_verb(verb);
    return STATUS_DONE;
}

static int show_version(void)
{
    printf("certstore %s\n", certstore_version());
    return STATUS_DONE;
}

static int run_verb(struct cli *cli, const struct verb *verb, const struct args *args)
{
    size_t count = args->count;
    if (verb->later)
        return report_usage(cli, "%s: not in this version; certstore --help lists what is", verb->name);
    if (count < (size_t)verb->min_arguments)
        return report_usage(cli, "%s: something is missing; write certstore %s %s", verb->name, verb->name, verb->synopsis);
    if (verb->max_arguments >= 0 && count > (size_t)verb->max_arguments)
        return report_usage(cli, "%s: \"%s\" is one argument too many; write certstore %s %s", verb->name, args->positional[verb->max_arguments],
                            verb->name, verb->synopsis);
    if (cli->quiet && cli->verbose)
        return report_usage(cli, "-q and -v: contradict each other; give one");
    protect_memory();
    return verb->run(cli, args);
}

/* The words behind the verb, with its options and the global ones. */
static int dispatch(struct cli *cli, struct args *args, const struct verb *verb, int argc, char **argv)
{
    const struct option *const lists[] = { verb->options, global_options, NULL };
    OWNED(owned_chars) *complaint = NULL;
    args->count = 0; /* the verb itself */
    if (verb->later)
        return run_verb(cli, verb, args);
    bool parsed = args_parse(args, argc, argv, lists, false, &complaint) >= 0;
    set_globals(cli, args);
    if (!parsed)
        return report_usage(cli, "%s: %s", verb->name, complaint);
    if (args_flag(args, "help"))
        return show_help(cli, verb->name);
    if (args_flag(args, "version"))
        return show_version();
    return run_verb(cli, verb, args);
}

/* Who wants JSON wants it of a usage error as well, wherever in the line the mistake is. */
static bool asks_for_json(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            return true;
    return false;
}

static int run(struct cli *cli, struct args *args, int argc, char **argv)
{
    const struct option *const lists[] = { global_options, NULL };
    OWNED(owned_chars) *complaint = NULL;
    int taken = args_parse(args, argc, argv, lists, true, &complaint);
    set_globals(cli, args);
    cli->json = asks_for_json(argc, argv);
    if (taken < 0)
        return report_usage(cli, "%s", complaint);
    const char *word = args->count > 0 ? args->positional[0] : NULL;
    if (args_flag(args, "version"))
        return show_version();
    if (args_flag(args, "help"))
        return show_help(cli, word);
    if (word == NULL)
        return report_usage(cli, "verb: none is given; certstore --help lists them");
    if (strcmp(word, "help") == 0)
        return show_help(cli, taken < argc ? argv[taken] : NULL);
    const struct verb *verb = verb_find(word);
    return verb != NULL ? dispatch(cli, args, verb, argc - taken, argv + taken) : unknown_verb(cli, word);
}

int main(int argc, char **argv)
{
    struct cli cli = { 0 };
    struct args args = { 0 };
    char **words = heap_new((size_t)argc + 1, sizeof *words); /* copies: the originals are about to be blanked out */
    for (int i = 0; i < argc; i++)
        words[i] = heap_copy(argv[i]);
    source_hide_arguments(argc, argv);
    int status = run(&cli, &args, argc > 0 ? argc - 1 : 0, words + 1);
    if (cli.json && cli.failure != NULL && !cli.printed)
        print_document(&cli, json_object());
    if (fflush(stdout) != 0 && status == STATUS_DONE) {
        report_line("standard output: could not be written whole; make room, and run it again");
        status = STATUS_FAILED;
    }
    json_decref(cli.losses);
    json_decref(cli.failure);
    secret_free(cli.general);
    secret_free(cli.officer);
    args_free(&args);
    for (int i = 0; i < argc; i++) {
        explicit_bzero(words[i], strlen(words[i]));
        free(words[i]);
    }
    free(words);
    return status;
}
