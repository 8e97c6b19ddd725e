/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_status.c: `certstore status`: the state directory, what is pending in it, and what it keeps of stores. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "facts.h"
#include "json.h"
#include "screen.h"
#include "stores.h"
#include "verbs.h"

enum { MOST_DEPTH = 16 };

/* Bytes of the regular files below a directory; links are not followed. Takes fd. */
static uint64_t bytes_below(int fd, int depth)
{
    uint64_t bytes = 0;
    DIR *directory = fdopendir(fd);
    if (directory == NULL) {
        close(fd);
        return 0;
    }
    for (struct dirent *item; depth < MOST_DEPTH && (item = readdir(directory)) != NULL;) {
        struct stat stat;
        if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0 || fstatat(fd, item->d_name, &stat, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (S_ISREG(stat.st_mode))
            bytes += (uint64_t)stat.st_size;
        int below = S_ISDIR(stat.st_mode) ? openat(fd, item->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
        if (below >= 0)
            bytes += bytes_below(below, depth + 1);
    }
    closedir(directory);
    return bytes;
}

static uint64_t bytes_kept(const char *directory)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 ? bytes_below(fd, 0) : 0;
}

/* How many generations of a store can be gone back to, its current one included. */
static int generations_kept(struct cli *cli, struct target *target, size_t *kept)
{
    OWNED(certstore_error) *err = certstore_error_new();
    OWNED(certstore_history) *history = certstore_history_read(target->store, err);
    if (history == NULL)
        return report_error(cli, err);
    *kept = 0;
    for (size_t i = 0; i < certstore_history_count(history); i++)
        *kept += certstore_history_kept(history, i) != 0;
    return STATUS_DONE;
}

static int add_stores(struct cli *cli, struct targets *targets, json_t *stores)
{
    for (size_t i = 0; i < targets->count; i++) {
        struct target *target = &targets->items[i];
        size_t kept = 0;
        int status = generations_kept(cli, target, &kept);
        if (status != STATUS_DONE)
            return status;
        json_t *store = json_store(target->store, NULL);
        json_object_set_new(store, "generations_kept", json_integer((json_int_t)kept));
        json_array_append_new(stores, store);
        if (!cli->json) {
            OWNED(owned_chars) *uri = screen_escape(target_uri(target));
            printf("%s: generation %" PRId64 ", %zu kept\n", uri, certstore_generation(target->store, NULL), kept);
        }
    }
    return STATUS_DONE;
}

static void print_pending(const char *directory, uint64_t bytes, const certstore_report *pending)
{
    OWNED(owned_chars) *shown = screen_escape(directory);
    printf("State directory: %s\n", shown);
    printf("Kept in it:      %" PRIu64 " bytes\n", bytes);
    printf("Pending:         %zu %s\n", certstore_report_count(pending), certstore_report_count(pending) == 1 ? "transaction" : "transactions");
    for (size_t i = 0; i < certstore_report_count(pending); i++) {
        OWNED(owned_chars) *subject = screen_escape(certstore_report_subject(pending, i));
        OWNED(owned_chars) *message = screen_escape(certstore_report_message(pending, i));
        printf("  %s: %s\n", subject, message);
    }
}

static int run_status(struct cli *cli, const struct args *args)
{
    SCOPED(targets) targets = { 0 };
    OWNED(certstore_error) *err = certstore_error_new();
    int status = STATUS_DONE;
    OWNED(certstore_options) *options = options_new(cli, &status);
    if (options == NULL)
        return status;
    OWNED(certstore_report) *pending = certstore_pending(options, err); /* before a store is opened: that would settle what is pending on it */
    if (pending == NULL)
        return report_error(cli, err);
    OWNED(owned_chars) *directory = facts_text(certstore_options_export_state_dir(options, err));
    if (directory == NULL)
        return report_error(cli, err);
    status = targets_open(cli, &targets, args, 0, 0);
    if (status != STATUS_DONE)
        return status;
    uint64_t bytes = bytes_kept(directory);
    if (!cli->json)
        print_pending(directory, bytes, pending);
    json_t *stores = json_array();
    status = add_stores(cli, &targets, stores);
    if (status == STATUS_DONE && cli->json)
        print_document(cli, json_pack("{s:o, s:I, s:o, s:O}", "state_dir", json_text(directory), "bytes", (json_int_t)bytes, "pending",
                                      json_report(pending), "stores", stores));
    json_decref(stores);
    return status;
}

static const struct option options[] = { { 0 } };
const struct verb verb_status = {
    .name = "status",
    .synopsis = "[STORE...]",
    .summary = "what is pending, and what the state directory keeps",
    .about = "Shows the state directory, how much it keeps, and the transactions that a crash left\n"
             "pending in it, without touching them. For each STORE: its generation, and how many\n"
             "generations are kept.\n",
    .examples = "certstore status\n"
                "certstore --json status /etc/nginx/fullchain.pem\n",
    .options = options,
    .min_arguments = 0,
    .max_arguments = -1,
    .run = run_status,
};
