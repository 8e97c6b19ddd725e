/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_passwd.c: `certstore passwd`. */
#include "change.h"
#include "verbs.h"

static struct secret *new_passphrase(struct cli *cli, const struct args *args, int *status)
{
    const char *source = args_value(args, "new-pass");
    if (source != NULL)
        return source_read(cli, source, "the store (--new-pass)", status);
    if (!prompt_possible()) {
        *status = report_failure(cli, CERTSTORE_E_PASSWORD, NULL,
                                 "passwd: the new passphrase is missing, and there is no terminal to ask on; give --new-pass SOURCE");
        return NULL;
    }
    struct secret *answer = prompt_secret(cli, "New passphrase: ", true);
    if (answer == NULL)
        *status = report_failure(cli, CERTSTORE_E_PASSWORD, NULL, "passwd: no new passphrase was given; nothing was done");
    return answer;
}

static int run_passwd(struct cli *cli, const struct args *args)
{
    SCOPED(targets) targets = { 0 };
    int status = targets_open(cli, &targets, args, 0, TARGET_READ | TARGET_UNLOCK | TARGET_EXISTS);
    if (status != STATUS_DONE)
        return status;
    OWNED_SECRET *fresh = new_passphrase(cli, args, &status);
    if (fresh == NULL)
        return status;
    OWNED(certstore_error) *err = certstore_error_new();
    OWNED(certstore_txn) *txn = certstore_txn_begin(err);
    for (size_t i = 0; i < targets.count; i++)
        certstore_txn_set_password(txn, targets.items[i].store, fresh->data, fresh->size, err);
    return change_finish(cli, txn, &targets, "passwd", err);
}

static const struct option options[] = {
    { "new-pass", 0, "SOURCE", false, "where the new passphrase comes from; asked for twice without it" },
    { 0 },
};
const struct verb verb_passwd = {
    .name = "passwd",
    .synopsis = "[--new-pass SOURCE] STORE...",
    .summary = "change the passphrase of stores, and encrypt their keys anew",
    .about = "The store's seal and every key in it are made anew under the new passphrase, in\n"
             "one transaction over all the stores named. Earlier generations keep the\n"
             "passphrase they were written with.\n"
             "\n"
             "Of a token or an NSS database it is the user's PIN, which changes at once and is\n"
             "never taken back: name that store alone. The old PIN is presented once.\n",
    .examples = "certstore passwd app.p12\n"
                "certstore --pass file:/etc/app/pin passwd --new-pass file:/etc/app/new-pin pkcs11:token=web\n"
                "certstore --pass file:/etc/app/old passwd --new-pass file:/etc/app/new app.p12 app.jks\n",
    .options = options,
    .min_arguments = 1,
    .max_arguments = -1,
    .run = run_passwd,
};
