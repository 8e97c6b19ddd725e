/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stores.c: opening stores.
 *
 * A passphrase is looked for in this order: the store's own ?pass=SOURCE, --pass, the terminal. --pass goes to the stores that have a use for it: a
 * PEM file whose keys are not encrypted stays that way, although the key stores beside it are sealed with the same --pass.
 */
#include "stores.h"

#include "progress.h"

enum { TRIES = 3 };

certstore_options *options_new(struct cli *cli, int *status)
{
    OWNED(certstore_error) *err = certstore_error_new();
    OWNED(certstore_options) *options = certstore_options_new(err);
    if (cli->state_dir != NULL)
        certstore_options_set_state_dir(options, cli->state_dir, err);
    if (cli->profile != NULL)
        certstore_options_set_profile(options, cli->profile, err);
    certstore_options_set_destroy_keys(options, cli->destroy_keys, err);
    if (certstore_error_status(err) == CERTSTORE_OK)
        return steal(&options);
    *status = report_error(cli, err);
    return NULL;
}

const char *target_uri(const struct target *target)
{
    return target->shown != NULL ? target->shown : target->name.uri;
}

const char *target_full_uri(const struct target *target)
{
    return target->store != NULL ? certstore_uri(target->store) : target->name.uri;
}

static char *shown_uri(const char *uri)
{
    bool token = strncmp(uri, "pkcs11:", strlen("pkcs11:")) == 0;
    size_t size = token ? strcspn(uri, "?") : strlen(uri);
    return heap_copy_part(uri, size > strlen("pkcs11:") ? size : strlen(uri));
}

static int reopen(struct cli *cli, struct target *target)
{
    OWNED(certstore_error) *err = certstore_error_new();
    certstore_free(target->store);
    target->store = certstore_open(target->name.uri, target->options, err);
    free(target->shown);
    target->shown = target->store != NULL ? shown_uri(certstore_uri(target->store)) : NULL;
    return target->store != NULL ? STATUS_DONE : report_error(cli, err);
}

static int use_password(struct cli *cli, struct target *target, const struct secret *secret)
{
    OWNED(certstore_error) *err = certstore_error_new();
    target->has_password = true;
    if (certstore_options_set_password(target->options, secret->data, secret->size, err) != CERTSTORE_OK)
        return report_error(cli, err);
    return reopen(cli, target);
}

static int use_general(struct cli *cli, struct target *target)
{
    int status = STATUS_DONE;
    const struct secret *general = source_general(cli, &status);
    return general != NULL ? use_password(cli, target, general) : status;
}

static int use_prompt(struct cli *cli, struct target *target, bool is_new)
{
    OWNED(owned_chars) *question = heap_format("%s for %s: ", is_new ? "New passphrase" : "Passphrase", target_uri(target));
    OWNED_SECRET *answer = prompt_secret(cli, question, is_new);
    if (answer != NULL)
        return use_password(cli, target, answer);
    return report_failure(cli, CERTSTORE_E_PASSWORD, target_full_uri(target), "%s: no passphrase was given; nothing was done", target_uri(target));
}

static int missing_password(struct cli *cli, const struct target *target)
{
    const char *uri = target_uri(target);
    return report_failure(cli, CERTSTORE_E_PASSWORD, uri,
                          "%s: a passphrase is needed, and there is no terminal to ask on; give --pass SOURCE or ?pass=SOURCE", uri);
}

static int use_prompt_if_possible(struct cli *cli, struct target *target, bool is_new)
{
    return prompt_possible() ? use_prompt(cli, target, is_new) : missing_password(cli, target);
}

/* The sources that the store itself names. */
static int use_named_sources(struct cli *cli, struct target *target)
{
    OWNED(certstore_error) *err = certstore_error_new();
    int status = STATUS_DONE;
    if (target->name.pass != NULL) {
        OWNED_SECRET *pass = source_read(cli, target->name.pass, target_uri(target), &status);
        if (pass == NULL)
            return status;
        target->has_password = true;
        certstore_options_set_password(target->options, pass->data, pass->size, err);
    }
    if (target->name.keypass != NULL) {
        OWNED_SECRET *keypass = source_read(cli, target->name.keypass, target_uri(target), &status);
        if (keypass == NULL)
            return status;
        certstore_options_set_key_password(target->options, keypass->data, keypass->size, err);
    }
    return certstore_error_status(err) == CERTSTORE_OK ? STATUS_DONE : report_error(cli, err);
}

static bool is_pem(const struct target *target)
{
    return strncmp(certstore_format(target->store), "pem", 3) == 0;
}

static bool any_encrypted(const certstore_bundle *bundle)
{
    for (size_t i = 0; i < certstore_bundle_count(bundle); i++)
        if (certstore_entry_encrypted(certstore_bundle_at(bundle, i)))
            return true;
    return false;
}

/* Reads the bundle; a passphrase that proves to be missing is looked for, one that was typed wrongly is asked for again. */
static int read_bundle(struct cli *cli, struct target *target)
{
    bool typed = false;
    for (int tries = 0;; tries++) {
        OWNED(certstore_error) *err = certstore_error_new();
        certstore_bundle_free(target->bundle);
        target->bundle = certstore_read(target->store, err);
        if (target->bundle != NULL)
            return STATUS_DONE;
        if (certstore_error_status(err) != CERTSTORE_E_PASSWORD || (target->has_password && !typed) || tries == TRIES)
            return report_error(cli, err);
        if (typed)
            report_line(certstore_error_message(err));
        bool general = cli->pass != NULL && !target->has_password;
        int status = general ? use_general(cli, target) : use_prompt_if_possible(cli, target, false);
        typed = !general;
        if (status != STATUS_DONE)
            return status;
    }
}

static bool is_token(const struct store_name *name)
{
    return strncmp(name->uri, "pkcs11:", 7) == 0 || strncmp(name->uri, "nss:", 4) == 0;
}

static bool names_pin(const struct store_name *name)
{
    return strstr(name->uri, "pin-source=") != NULL || strstr(name->uri, "pin-value=") != NULL;
}

/* Writing may need a passphrase that reading did not: a seal was not checked, a new store is to be sealed, a key is encrypted. */
static int find_password(struct cli *cli, struct target *target)
{
    bool exists = certstore_exists(target->store) != 0;
    if (is_token(&target->name))
        return STATUS_DONE;
    bool sealed = (certstore_capabilities(certstore_format(target->store)) & CERTSTORE_CAN_INTEGRITY) != 0;
    int status = STATUS_DONE;
    if (!exists && sealed)
        status = use_prompt_if_possible(cli, target, true);
    else if (exists && certstore_bundle_integrity(target->bundle) == CERTSTORE_INTEGRITY_UNCHECKED)
        status = use_prompt_if_possible(cli, target, false);
    else if (is_pem(target) && any_encrypted(target->bundle) && prompt_possible())
        status = use_prompt(cli, target, false);
    return status == STATUS_DONE && target->has_password ? read_bundle(cli, target) : status;
}

static int read_target(struct cli *cli, struct target *target, unsigned use)
{
    int status = read_bundle(cli, target);
    if (status != STATUS_DONE)
        return status;
    if (cli->pass != NULL && !target->has_password && is_pem(target) && any_encrypted(target->bundle)) {
        status = use_general(cli, target);
        if (status == STATUS_DONE)
            status = read_bundle(cli, target);
    }
    if (status == STATUS_DONE && (use & TARGET_UNLOCK) != 0 && !target->has_password)
        status = find_password(cli, target);
    if (status != STATUS_DONE)
        return status;
    const certstore_report *notes = certstore_bundle_notes(target->bundle);
    for (size_t i = 0; i < certstore_report_count(notes); i++)
        report_detail(cli, "%s: %s", target_uri(target), certstore_report_message(notes, i));
    return STATUS_DONE;
}

static int use_officer(struct cli *cli, struct target *target)
{
    int status = STATUS_DONE;
    OWNED(certstore_error) *err = certstore_error_new();
    const struct secret *officer = source_officer(cli, &status);
    if (officer != NULL && certstore_options_set_so_pin(target->options, officer->data, officer->size, err) != CERTSTORE_OK)
        return report_error(cli, err);
    return status;
}

/* A token wants its PIN as it is opened: without one it shows half of what it holds. */
static int open_token(struct cli *cli, struct target *target, unsigned use)
{
    int status = use_officer(cli, target);
    if (status != STATUS_DONE)
        return status;
    if (target->has_password || names_pin(&target->name))
        return reopen(cli, target);
    if (cli->pass != NULL)
        return use_general(cli, target);
    bool asks = (use & TARGET_UNLOCK) != 0 && strncmp(target->name.uri, "pkcs11:", 7) == 0 && prompt_possible();
    return asks ? use_prompt(cli, target, false) : reopen(cli, target);
}

static int open_files(struct cli *cli, struct target *target)
{
    int status = reopen(cli, target);
    if (status == STATUS_DONE && cli->pass != NULL && !target->has_password && !is_pem(target))
        status = use_general(cli, target);
    return status;
}

int target_open(struct cli *cli, struct target *target, struct store_name name, unsigned use)
{
    int status = STATUS_DONE;
    *target = (struct target){ .name = name };
    target->options = options_new(cli, &status);
    if (target->options == NULL)
        return status;
    if ((use & TARGET_LOSSY) != 0)
        certstore_options_set_allow_loss(target->options, 1, NULL);
    status = use_named_sources(cli, target);
    if (status == STATUS_DONE)
        status = is_token(&target->name) ? open_token(cli, target, use) : open_files(cli, target);
    if (status != STATUS_DONE)
        return status;
    if ((use & TARGET_EXISTS) != 0 && !certstore_exists(target->store))
        return report_failure(cli, CERTSTORE_E_NOT_FOUND, target_full_uri(target), "%s: there is no such store; check the path", target_uri(target));
    return (use & TARGET_READ) != 0 ? read_target(cli, target, use) : STATUS_DONE;
}

void target_free(struct target *target)
{
    store_name_free(&target->name);
    certstore_bundle_free(target->before);
    certstore_bundle_free(target->bundle);
    certstore_free(target->store);
    free(target->shown);
    certstore_options_free(target->options);
    *target = (struct target){ 0 };
}

static bool named_before(const struct targets *targets, const struct target *target)
{
    for (size_t i = 0; i < targets->count; i++)
        if (&targets->items[i] != target && strcmp(certstore_uri(targets->items[i].store), certstore_uri(target->store)) == 0)
            return true;
    return false;
}

int targets_add(struct cli *cli, struct targets *targets, struct store_name name, unsigned use)
{
    targets->items = heap_grow(targets->items, targets->count, sizeof *targets->items);
    struct target *target = &targets->items[targets->count++];
    int status = target_open(cli, target, name, use);
    if (status == STATUS_DONE && named_before(targets, target))
        return report_usage(cli, "%s: is named twice; name it once", target_uri(target));
    return status;
}

int targets_open(struct cli *cli, struct targets *targets, const struct args *args, size_t from, unsigned use)
{
    struct progress progress = progress_start(cli);
    int status = STATUS_DONE;
    for (size_t i = from; i < args->count && status == STATUS_DONE; i++) {
        struct store_name name = store_name_parse(args->positional[i]);
        progress_step(&progress, "reading", i - from + 1, args->count - from, name.uri);
        status = targets_add(cli, targets, name, use);
    }
    progress_end(&progress);
    return status;
}

void targets_free(struct targets *targets)
{
    for (size_t i = 0; i < targets->count; i++)
        target_free(&targets->items[i]);
    free(targets->items);
    *targets = (struct targets){ 0 };
}
