/* SPDX-License-Identifier: Apache-2.0 */
/* help.c: what --help prints, made of the tables that the parser itself uses, so that the two cannot differ. */
#include <stdio.h>

#include "verbs.h"

enum { NAME_WIDTH = 10, OPTION_WIDTH = 22 };

static const struct verb *const verbs[] = {
    &verb_list, &verb_show,  &verb_put,     &verb_remove,   &verb_rename,  &verb_copy,   &verb_diff,    &verb_verify, &verb_passwd,
    &verb_csr,  &verb_apply, &verb_history, &verb_rollback, &verb_recover, &verb_status, &verb_confirm, &verb_cancel, &verb_probe,
};

const struct verb *verb_at(size_t index)
{
    return index < sizeof verbs / sizeof *verbs ? verbs[index] : NULL;
}

const struct verb *verb_find(const char *name)
{
    const struct verb *verb;
    for (size_t i = 0; (verb = verb_at(i)) != NULL; i++)
        if (strcmp(verb->name, name) == 0)
            return verb;
    return NULL;
}

static void print_options(const struct option *options)
{
    for (; options->name != NULL; options++) {
        OWNED(owned_chars) *letter = options->letter != 0 ? heap_format("-%c, ", options->letter) : heap_copy("");
        OWNED(owned_chars) *left =
            heap_format("%s--%s%s%s", letter, options->name, options->value != NULL ? " " : "", options->value != NULL ? options->value : "");
        printf("  %-*s  %s\n", OPTION_WIDTH, left, options->help);
    }
}

static void print_indented(const char *lines, const char *indent)
{
    while (*lines != '\0') {
        const char *end = strchr(lines, '\n');
        int size = end != NULL ? (int)(end - lines) : (int)strlen(lines);
        printf("%s%.*s\n", indent, size, lines);
        lines += size + (end != NULL);
    }
}

void help_print_overview(void)
{
    puts("usage: certstore [OPTIONS] VERB [ARGUMENTS]\n"
         "\n"
         "PEM, PKCS#12, JKS and JCEKS stores behind one command: look into them, change several\n"
         "in one transaction, go back.\n");
    puts("Verbs:");
    for (const struct verb *const *verb = verbs; verb < verbs + sizeof verbs / sizeof *verbs; verb++)
        if (!(*verb)->later)
            printf("  %-*s%s\n", NAME_WIDTH, (*verb)->name, (*verb)->summary);
    puts("\nOptions, before or after the verb:");
    print_options(global_options);
    puts("\nSTORE is a path, whose content tells the format, or pem:PATH, pemdir:PATH, pkcs12:PATH,\n"
         "jks:PATH, jceks:PATH; then ?pass=SOURCE&keypass=SOURCE, and for PEM ?key=PATH, then\n"
         "#ALIAS for one entry. SOURCE is env:VAR, file:PATH, fd:N or stdin.\n"
         "\n"
         "Exit status: 0 done, 1 a negative answer, 2 wrong usage, 3 failed and nothing changed,\n"
         "4 in doubt: run certstore recover.\n"
         "\n"
         "certstore help VERB explains one verb.");
}

void help_print_verb(const struct verb *verb)
{
    printf("usage: certstore %s %s\n\n%s", verb->name, verb->synopsis, verb->about);
    if (verb->later)
        return;
    if (verb->options->name != NULL) {
        puts("\nOptions:");
        print_options(verb->options);
    }
    puts("\nOptions of every verb:");
    print_options(global_options);
    puts("\nExamples:");
    print_indented(verb->examples, "  ");
    puts("\nExit status:");
    puts("  0 done");
    if (verb->exit_status != NULL && verb->exit_status[0] == '1')
        printf("  %s\n", verb->exit_status);
    puts("  2 wrong usage");
    puts("  3 it failed, and every store is exactly as it was");
    printf("  %s\n", verb->exit_status != NULL && verb->exit_status[0] == '4' ? verb->exit_status : "4 in doubt: run certstore recover");
}
