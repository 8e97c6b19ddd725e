/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_put.c: `certstore put`: one certificate, with or without its key, into any number of stores in one transaction. */
#include "change.h"
#include "edit.h"
#include "trust.h"
#include "verbs.h"

static int run_put(struct cli *cli, const struct args *args)
{
    const char *alias = args->positional[0];
    const char *cert = args_value(args, "cert");
    SCOPED(material) material = { 0 };
    SCOPED(targets) targets = { 0 };
    if (cert == NULL)
        return report_usage(cli, "put: --cert is missing; name the file with the new certificate");
    int status = material_read(cli, &material, cert, args_value(args, "chain"), args_value(args, "key"));
    material.allow_loss = args_flag(args, "allow-loss");
    if (status == STATUS_DONE)
        status = trust_parse(cli, &material, args_value(args, "trust"));
    if (status == STATUS_DONE)
        status = targets_open(cli, &targets, args, 1, TARGET_READ | TARGET_UNLOCK | (material.allow_loss ? TARGET_LOSSY : 0));
    if (status == STATUS_DONE && args_flag(args, "dry-run"))
        status = change_remember(cli, &targets);
    for (size_t i = 0; i < targets.count && status == STATUS_DONE; i++) {
        const char *own = targets.items[i].name.alias;
        status = edit_put(cli, &targets.items[i], own != NULL ? own : alias, &material);
    }
    if (status != STATUS_DONE)
        return status;
    OWNED(owned_chars) *note = heap_format("put %s", alias);
    return args_flag(args, "dry-run") ? change_show(cli, &targets) : change_commit(cli, &targets, note);
}

static const struct option options[] = {
    { "cert", 0, "FILE", false, "the certificate; its chain may follow it in the same file" },
    { "chain", 0, "FILE", false, "the certificates between it and the root, in any order" },
    { "key", 0, "FILE", false, "its private key" },
    { "trust", 0, "PURPOSE[,PURPOSE]", false, "what it is trusted for: serverAuth, clientAuth, codeSigning, emailProtection, any ... or an OID" },
    { "allow-loss", 0, NULL, false, "put it also where what --trust says cannot be held" },
    { "dry-run", 0, NULL, false, "show what would change in each store, and change nothing" },
    { 0 },
};
const struct verb verb_put = {
    .name = "put",
    .synopsis = "ALIAS --cert FILE [--chain FILE] [--key FILE] [--trust PURPOSE[,PURPOSE]]\n"
                "       [--allow-loss] [--dry-run] STORE...",
    .summary = "add or replace one entry in all the stores, in one transaction",
    .about = "With --key the entry is an identity: the key, its certificate and its chain,\n"
             "which is put in order. Without --key it is a trusted certificate; but where\n"
             "ALIAS is a key that the new certificate was issued for, that key stays and its\n"
             "certificates are replaced. All the stores take the entry, or none does.\n"
             "\n"
             "A PEM store with exactly one private key is an identity, and is replaced\n"
             "whatever its alias. A PEM file without a key that holds a server's certificate\n"
             "and its issuers, or a new one, takes the certificate and its chain and is\n"
             "replaced whole: for a server whose key is on a token. STORE#OTHER puts the entry\n"
             "under OTHER in that store. A certificate that does not carry the key's public key\n"
             "is refused. FILE may be PEM, DER or any store, with ?pass=SOURCE where it is\n"
             "sealed; a FILE that holds a key beside the certificate needs no --key.\n"
             "\n"
             "--trust says what a trusted certificate is trusted for, in every store that can hold\n"
             "it; one that cannot is refused without --allow-loss. Without --trust it is what the\n"
             "entry was trusted for in whose place it comes, else what FILE says. In an NSS\n"
             "database, which trusts nothing that is not named, a new CA gets serverAuth.\n",
    .examples = "certstore put corp-root --cert root.pem --trust serverAuth,clientAuth nss:/etc/pki/nssdb\n"
                "certstore put corp-root --cert root.pem /etc/app/ca.pem 'jks:cacerts?pass=file:/etc/app/pw'\n"
                "certstore put web --cert web.pem --chain chain.pem --key web.key \\\n"
                "    'pem:/etc/nginx/fullchain.pem?key=/etc/nginx/privkey.pem' \\\n"
                "    'pkcs12:/etc/app/app.p12?pass=file:/etc/app/pw'\n",
    .options = options,
    .min_arguments = 2,
    .max_arguments = -1,
    .run = run_put,
};
