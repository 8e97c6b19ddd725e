/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_csr.c: `certstore csr`: a certificate request (PKCS#10, RFC 2986) signed by an entry's key, or by one that is made for it on a token. */
#include <errno.h>
#include <stdio.h>

#include "edit.h"
#include "facts.h"
#include "json.h"
#include "newkey.h"
#include "pem.h"
#include "verbs.h"

/* The names as the comma-separated list that the library takes. NULL after reporting. */
static char *join_names(struct cli *cli, const struct args *args, int *status)
{
    struct text names = { 0 };
    const char *name;
    for (size_t i = 0; (name = args_value_at(args, "san", i)) != NULL; i++) {
        if (*name == '\0' || strchr(name, ',') != NULL) {
            *status = report_usage(cli, "--san: \"%s\" is not one name; give --san once for each name", name);
            free(text_take(&names));
            return NULL;
        }
        text_add_string(&names, i > 0 ? "," : "");
        text_add_string(&names, name);
    }
    return text_take(&names);
}

/* What was asked for, or the subject of the certificate that is to be renewed. */
static char *subject_of(struct cli *cli, const struct args *args, const certstore_entry *entry, int *status)
{
    const char *asked = args_value(args, "subject");
    if (asked != NULL)
        return heap_copy(asked);
    const certstore_cert *leaf = entry != NULL ? certstore_entry_cert(entry, 0) : NULL;
    char *subject = leaf != NULL ? facts_text(certstore_cert_export_subject(leaf, NULL)) : NULL;
    if (subject == NULL)
        *status = report_usage(cli, "csr: --subject is missing, and the entry has no certificate to take it from; write --subject CN=host.example");
    return subject;
}

static int write_file(struct cli *cli, const char *path, const char *pem)
{
    FILE *file = fopen(path, "we");
    if (file == NULL)
        return report_failure(cli, CERTSTORE_E_IO, path, "%s: cannot be written: %s; choose another place", path, strerror(errno));
    bool written = fputs(pem, file) >= 0;
    if (fclose(file) != 0 || !written)
        return report_failure(cli, CERTSTORE_E_IO, path, "%s: could not be written whole: %s; make room and try again", path, strerror(errno));
    return STATUS_DONE;
}

/* The request on its way out; alias: the key's. */
static int give(struct cli *cli, const struct args *args, const certstore_bytes *request, const char *alias, const char *subject)
{
    OWNED(owned_chars) *pem = pem_wrap("CERTIFICATE REQUEST", certstore_bytes_data(request), certstore_bytes_size(request));
    const char *out = args_value(args, "out");
    int status = out != NULL ? write_file(cli, out, pem) : STATUS_DONE;
    if (status != STATUS_DONE)
        return status;
    if (cli->json)
        print_document(cli, json_pack("{s:o, s:o, s:o, s:o}", "alias", json_text(alias), "subject", json_text(subject), "out", json_text(out), "csr",
                                      json_text(pem)));
    else if (out == NULL)
        fputs(pem, stdout);
    return STATUS_DONE;
}

static int sign_and_give(struct cli *cli, const struct args *args, const certstore_entry *entry, const char *subject, const char *names)
{
    OWNED(certstore_error) *err = certstore_error_new();
    OWNED(certstore_bytes) *request = certstore_entry_export_csr(entry, subject, names, err);
    return request != NULL ? give(cli, args, request, certstore_entry_alias(entry), subject) : report_error(cli, err);
}

/* Everything that can be wrong with the request is found before there is a key, which nobody takes back; what is left is said. */
static int ask_with_new_key(struct cli *cli, const struct args *args, struct target *target, const char *alias, uint32_t policy, const char *names)
{
    int status = STATUS_DONE;
    OWNED(owned_chars) *subject = subject_of(cli, args, certstore_bundle_find(target->bundle, alias), &status);
    if (subject == NULL)
        return status;
    OWNED(certstore_entry) *entry = newkey_make(cli, target, alias, args_value(args, "new-key"), policy, &status);
    if (entry == NULL)
        return status;
    report_detail(cli, "%s: the key \"%s\" is on the token", target_uri(target), certstore_entry_alias(entry));
    status = sign_and_give(cli, args, entry, subject, names);
    if (status != STATUS_DONE)
        report_warning(cli, "%s: the new key \"%s\" stays on the token; certstore csr without --new-key uses it", target_uri(target),
                       certstore_entry_alias(entry));
    return status;
}

static int ask_with_key(struct cli *cli, const struct args *args, const struct target *target, const char *alias, const char *names)
{
    int status = STATUS_DONE;
    const certstore_entry *entry = edit_find(cli, target, alias, &status);
    OWNED(owned_chars) *subject = entry != NULL ? subject_of(cli, args, entry, &status) : NULL;
    return subject != NULL ? sign_and_give(cli, args, entry, subject, names) : status;
}

static int run_csr(struct cli *cli, const struct args *args)
{
    SCOPED(target) target = { 0 };
    int status = STATUS_DONE;
    uint32_t policy = 0;
    OWNED(owned_chars) *names = join_names(cli, args, &status);
    if (names == NULL || !newkey_policy(cli, args, &policy, &status))
        return status;
    status = target_open(cli, &target, store_name_parse(args->positional[0]), TARGET_READ | TARGET_UNLOCK | TARGET_EXISTS);
    if (status != STATUS_DONE)
        return status;
    const char *alias = args->count > 1 ? args->positional[1] : target.name.alias;
    if (alias == NULL)
        return report_usage(cli, "csr: whose key is to sign? write certstore csr STORE ALIAS");
    return args_value(args, "new-key") != NULL ? ask_with_new_key(cli, args, &target, alias, policy, names)
                                               : ask_with_key(cli, args, &target, alias, names);
}

static const struct option options[] = {
    { "subject", 0, "DN", false, "the subject, as RFC 4514 writes it: CN=a.example,O=Example" },
    { "san", 0, "NAME", true, "a DNS name or an address; once for each" },
    { "new-key", 0, "ALGORITHM", false, "make the key on the token first: RSA:2048 ... RSA:8192, EC:P-256, EC:P-384, EC:P-521, Ed25519" },
    { "key-policy", 0, "WORD[,WORD]", false, "of that key: extractable, readable, always-authenticate, reuse or rotate" },
    { "out", 'o', "FILE", false, "write the request there instead of to standard output" },
    { 0 },
};
const struct verb verb_csr = {
    .name = "csr",
    .synopsis = "[--subject DN] [--san NAME]... [--new-key ALGORITHM [--key-policy WORD[,WORD]]]\n"
                "       [--out FILE] STORE ALIAS",
    .summary = "a certificate request signed by an entry's key",
    .about = "Prints a PKCS#10 request as PEM, signed by the private key of that entry. Without\n"
             "--subject it asks for the subject of the entry's present certificate. The store is\n"
             "not changed; `certstore put ALIAS --cert FILE` installs the answer, and keeps the\n"
             "key.\n"
             "\n"
             "With --new-key the key is made first, on a token, where it stays: it is sensitive and\n"
             "cannot be taken out. --key-policy changes that: extractable lets it out wrapped,\n"
             "readable as it is; always-authenticate wants the PIN for each use. An alias that has\n"
             "a key is refused: reuse takes that key, rotate makes a new one beside it, under a name\n"
             "of its own, until `certstore put ALIAS` brings its certificate. What was made stays,\n"
             "whatever becomes of the request.\n",
    .examples = "certstore --pass env:PW csr app.p12 web --subject CN=www.example --san www.example --san 192.0.2.7\n"
                "certstore csr 'pkcs11:token=web?pin-source=file:/etc/app/pin' web --new-key EC:P-256 --subject CN=www.example\n",
    .options = options,
    .min_arguments = 1,
    .max_arguments = 2,
    .run = run_csr,
};
