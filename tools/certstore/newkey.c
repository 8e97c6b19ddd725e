/* SPDX-License-Identifier: Apache-2.0 */
/* newkey.c: see newkey.h. */
#include "newkey.h"

static const struct {
    const char *word;
    uint32_t bit;
} words[] = {
    { "extractable", CERTSTORE_KEY_EXTRACTABLE },
    { "readable", CERTSTORE_KEY_READABLE },
    { "always-authenticate", CERTSTORE_KEY_ALWAYS_AUTHENTICATE },
    { "reuse", CERTSTORE_KEY_REUSE },
    { "rotate", CERTSTORE_KEY_ROTATE },
};

static uint32_t bit_of(const char *word, size_t size)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i].word) == size && strncmp(words[i].word, word, size) == 0)
            return words[i].bit;
    return 0;
}

bool newkey_policy(struct cli *cli, const struct args *args, uint32_t *policy, int *status)
{
    const char *at = args_value(args, "key-policy");
    *policy = 0;
    if (at != NULL && args_value(args, "new-key") == NULL) {
        *status = report_usage(cli, "--key-policy: there is no new key that it could be about; write --new-key ALGORITHM");
        return false;
    }
    for (bool more = at != NULL; more;) {
        const char *end = strchr(at, ',');
        size_t size = end != NULL ? (size_t)(end - at) : strlen(at);
        uint32_t bit = bit_of(at, size);
        if (bit == 0) {
            *status = report_usage(cli, "--key-policy: \"%.*s\" is none of extractable, readable, always-authenticate, reuse, rotate", (int)size, at);
            return false;
        }
        *policy |= bit;
        more = end != NULL;
        at += size + 1;
    }
    return true;
}

certstore_entry *newkey_make(struct cli *cli, struct target *target, const char *alias, const char *algorithm, uint32_t policy, int *status)
{
    OWNED(certstore_error) *err = certstore_error_new();
    certstore_entry *entry = certstore_key_generate(target->store, alias, algorithm, policy, err);
    if (entry != NULL)
        return entry;
    const certstore_entry *present = certstore_bundle_find(target->bundle, alias);
    bool is_key = present != NULL && certstore_entry_kind(present) == CERTSTORE_KEY;
    if (certstore_error_status(err) != CERTSTORE_E_EXISTS || !is_key)
        *status = report_error(cli, err);
    else
        *status = report_failure(cli, CERTSTORE_E_EXISTS, target_full_uri(target),
                                 "%s: \"%s\" has a key already; write --key-policy reuse to use it, or --key-policy rotate for a new one beside it",
                                 target_uri(target), alias);
    return NULL;
}
