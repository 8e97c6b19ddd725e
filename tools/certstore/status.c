/* SPDX-License-Identifier: Apache-2.0 */
/* status.c: errors, as people and as programs read them. */
#include "status.h"

#include <stdio.h>

#include "cli.h"
#include "json.h"
#include "screen.h"

int exit_status_of(certstore_status status)
{
    switch (status) {
    case CERTSTORE_OK:
        return STATUS_DONE;
    case CERTSTORE_E_ARGUMENT:
        return STATUS_USAGE;
    case CERTSTORE_E_IN_DOUBT:
    case CERTSTORE_E_PENDING:
        return STATUS_IN_DOUBT;
    default:
        return STATUS_FAILED;
    }
}

static void print_line(const char *prefix, const char *message)
{
    OWNED(owned_chars) *printable = screen_escape(message);
    fflush(stdout);
    fprintf(stderr, "certstore: %s%s\n", prefix, printable);
}

void report_line(const char *message)
{
    print_line("", message);
}

/* The first failure is the one a program is told; main() prints it unless the verb has a document to put it into. */
static int report(struct cli *cli, certstore_status status, const char *store, const char *message)
{
    print_line("", message);
    if (cli->failure == NULL)
        cli->failure = json_error(status, store, message);
    return exit_status_of(status);
}

void print_document(struct cli *cli, json_t *document)
{
    if (cli->failure != NULL)
        json_object_set(document, "error", cli->failure);
    if (cli->losses != NULL)
        json_object_set(document, "losses", cli->losses);
    json_dumpf(document, stdout, JSON_INDENT(2));
    fputc('\n', stdout);
    json_decref(document);
    cli->printed = true;
}

/* The cause goes behind the message where it adds something: "No such file or directory" often already stands there. */
static char *message_with_cause(const certstore_error *err)
{
    const char *message = certstore_error_message(err);
    const char *cause = certstore_error_cause(err);
    if (*cause == '\0' || strstr(message, cause) != NULL)
        return heap_copy(message);
    return heap_format("%s (%s)", message, cause);
}

int report_error(struct cli *cli, const certstore_error *err)
{
    OWNED(owned_chars) *message = message_with_cause(err);
    const char *subject = certstore_error_subject(err);
    return report(cli, certstore_error_status(err), *subject != '\0' ? subject : NULL, message);
}

int report_failure(struct cli *cli, certstore_status status, const char *store, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    OWNED(owned_chars) *message = heap_vformat(format, args);
    va_end(args);
    return report(cli, status, store, message);
}

int report_usage(struct cli *cli, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    OWNED(owned_chars) *message = heap_vformat(format, args);
    va_end(args);
    return report(cli, CERTSTORE_E_ARGUMENT, NULL, message);
}

void report_warning(struct cli *cli, const char *format, ...)
{
    if (cli->quiet)
        return;
    va_list args;
    va_start(args, format);
    OWNED(owned_chars) *message = heap_vformat(format, args);
    va_end(args);
    print_line("warning: ", message);
}

void report_detail(struct cli *cli, const char *format, ...)
{
    if (!cli->verbose)
        return;
    va_list args;
    va_start(args, format);
    OWNED(owned_chars) *message = heap_vformat(format, args);
    va_end(args);
    print_line("", message);
}
