/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_show.c: `certstore show`: everything about one entry. */
#include <stdio.h>

#include "edit.h"
#include "json.h"
#include "pem.h"
#include "screen.h"
#include "verbs.h"
#include "when.h"
#include "x509.h"

enum { LABEL_WIDTH = 14 };

static void fact(const char *label, const char *value)
{
    if (value == NULL || *value == '\0')
        return;
    OWNED(owned_chars) *shown = screen_escape(value);
    printf("%-*s %s\n", LABEL_WIDTH, label, shown);
}

/* One value a line, the label at the first. */
static void fact_lines(const char *label, const char *lines)
{
    while (lines != NULL && *lines != '\0') {
        const char *end = strchr(lines, '\n');
        OWNED(owned_chars) *line = heap_copy_part(lines, end != NULL ? (size_t)(end - lines) : strlen(lines));
        fact(label, line);
        label = "";
        lines = end != NULL ? end + 1 : NULL;
    }
}

static char *purposes(const certstore_entry *entry, bool reject)
{
    struct text list = { 0 };
    size_t count = reject ? certstore_entry_reject_count(entry) : certstore_entry_trust_count(entry);
    for (size_t i = 0; i < count; i++) {
        text_add_string(&list, i > 0 ? ", " : "");
        text_add_string(&list, reject ? certstore_entry_reject(entry, i) : certstore_entry_trust(entry, i));
    }
    return text_take(&list);
}

static char *validity(const struct facts *facts)
{
    const char *from = facts->not_before != NULL ? facts->not_before : "?";
    if (facts->not_after == NULL)
        return heap_format("%s to ?", from);
    if (facts->days_left < 0)
        return heap_format("%s to %s, expired", from, facts->not_after);
    return heap_format("%s to %s, %lld days left", from, facts->not_after, (long long)facts->days_left);
}

static void print_certificate(const struct facts *facts)
{
    OWNED(owned_chars) *valid = validity(facts);
    OWNED(owned_chars) *sans = facts_text(certstore_cert_export_sans(facts->leaf, NULL));
    OWNED(owned_chars) *public_key = facts_text(certstore_cert_export_key_algorithm(facts->leaf, NULL));
    OWNED(owned_chars) *public_bits = heap_format("%s, %d bits", public_key != NULL ? public_key : "?", certstore_cert_key_bits(facts->leaf));
    OWNED(owned_chars) *signature = facts_text(certstore_cert_export_signature_algorithm(facts->leaf, NULL));
    OWNED(owned_chars) *sha1 = x509_sha1(facts->leaf);
    fact("Subject", facts->subject);
    fact("Issuer", facts->issuer);
    fact("Serial", facts->serial);
    fact("Valid", valid);
    fact_lines("Names", sans);
    fact("Authority", certstore_cert_is_ca(facts->leaf) ? "yes" : "no");
    fact("Public key", public_bits);
    fact("Signature", signature);
    fact("SHA-256", facts->sha256);
    fact("SHA-1", sha1);
    fact("Key SHA-256", facts->spki_sha256);
}

static void print_chain(const certstore_entry *entry)
{
    for (size_t i = 1; i < certstore_entry_cert_count(entry); i++) {
        const certstore_cert *cert = certstore_entry_cert(entry, i);
        OWNED(owned_chars) *subject = facts_text(certstore_cert_export_subject(cert, NULL));
        char text[WHEN_DAY_SIZE];
        const char *day = when_day(certstore_cert_not_after(cert), text);
        OWNED(owned_chars) *line = heap_format("%s, until %s", subject != NULL ? subject : "?", day);
        fact(i == 1 ? "Chain" : "", line);
    }
}

static const char *how_stored(const certstore_entry *entry)
{
    if (certstore_entry_bound(entry))
        return "on its token, which it does not leave";
    return certstore_entry_encrypted(entry) ? "stored encrypted" : "stored in the clear";
}

static void print_text(const struct target *target, const struct facts *facts)
{
    const certstore_entry *entry = facts->entry;
    certstore_kind kind = certstore_entry_kind(entry);
    OWNED(owned_chars) *trust = purposes(entry, false);
    OWNED(owned_chars) *reject = purposes(entry, true);
    fact("Store", certstore_uri(target->store));
    fact("Alias", certstore_entry_alias(entry));
    fact("Kind", facts_kind(kind));
    fact("Type", certstore_entry_type(entry));
    if (facts->leaf != NULL)
        print_certificate(facts);
    if (kind == CERTSTORE_KEY || kind == CERTSTORE_SECRET) {
        OWNED(owned_chars) *key = facts->key_bits > 0 ? heap_format("%s, %d bits, %s", facts->key_algorithm != NULL ? facts->key_algorithm : "?",
                                                                    facts->key_bits, how_stored(entry))
                                                      : heap_format("%s", how_stored(entry));
        fact(kind == CERTSTORE_KEY ? "Private key" : "Secret key", key);
    }
    print_chain(entry);
    fact("Trusted for", trust);
    fact("Rejected for", reject);
    fact("Created", facts->created);
}

static json_t *certificate_json(const certstore_cert *cert)
{
    OWNED(owned_chars) *subject = facts_text(certstore_cert_export_subject(cert, NULL));
    OWNED(owned_chars) *sha256 = facts_text(certstore_cert_export_sha256(cert, NULL));
    OWNED(owned_chars) *pem = facts_text(certstore_cert_export_pem(cert, NULL));
    OWNED(owned_chars) *not_after = when_rfc3339(certstore_cert_not_after(cert));
    json_t *object = json_object();
    json_object_set_new(object, "subject", json_text(subject));
    json_object_set_new(object, "not_after", json_text(not_after));
    json_object_set_new(object, "sha256", json_text(sha256));
    json_object_set_new(object, "pem", json_text(pem));
    return object;
}

static json_t *sans_json(const certstore_cert *leaf)
{
    OWNED(owned_chars) *sans = facts_text(certstore_cert_export_sans(leaf, NULL));
    json_t *list = json_array();
    for (char *line = sans; line != NULL && *line != '\0';) {
        char *end = strchr(line, '\n');
        if (end != NULL)
            *end = '\0';
        json_array_append_new(list, json_text(line));
        line = end != NULL ? end + 1 : NULL;
    }
    return list;
}

/* The entry of `list --json`, with what only `show` tells. */
static void print_json(struct cli *cli, const struct target *target, const struct facts *facts)
{
    const certstore_entry *entry = facts->entry;
    json_t *object = json_entry(facts);
    json_t *reject = json_array();
    json_t *certificates = json_array();
    for (size_t i = 0; i < certstore_entry_reject_count(entry); i++)
        json_array_append_new(reject, json_text(certstore_entry_reject(entry, i)));
    for (size_t i = 0; i < certstore_entry_cert_count(entry); i++)
        json_array_append_new(certificates, certificate_json(certstore_entry_cert(entry, i)));
    OWNED(owned_chars) *sha1 = facts->leaf != NULL ? x509_sha1(facts->leaf) : NULL;
    OWNED(owned_chars) *signature = facts->leaf != NULL ? facts_text(certstore_cert_export_signature_algorithm(facts->leaf, NULL)) : NULL;
    const char *type = certstore_entry_type(entry);
    json_object_set_new(object, "sha1", json_text(sha1));
    json_object_set_new(object, "signature_algorithm", json_text(signature));
    json_object_set_new(object, "names", facts->leaf != NULL ? sans_json(facts->leaf) : json_null());
    json_object_set_new(object, "authority", facts->leaf != NULL ? json_boolean(certstore_cert_is_ca(facts->leaf)) : json_null());
    json_object_set_new(object, "encrypted", json_boolean(certstore_entry_encrypted(entry)));
    json_object_set_new(object, "reject", reject);
    json_object_set_new(object, "type", type != NULL && *type != '\0' ? json_text(type) : json_null());
    json_object_set_new(object, "certificates", certificates);
    print_document(cli, json_pack("{s:o, s:o}", "store", json_store(target->store, target->bundle), "entry", object));
}

static int print_pem(struct cli *cli, const struct target *target, const certstore_entry *entry)
{
    OWNED(certstore_error) *err = certstore_error_new();
    if (certstore_entry_kind(entry) == CERTSTORE_CRL) {
        OWNED(certstore_bytes) *crl = certstore_entry_export_content(entry, err);
        if (crl == NULL)
            return report_error(cli, err);
        OWNED(owned_chars) *pem = pem_wrap("X509 CRL", certstore_bytes_data(crl), certstore_bytes_size(crl));
        fputs(pem, stdout);
        return STATUS_DONE;
    }
    if (certstore_entry_cert_count(entry) == 0)
        return report_failure(cli, CERTSTORE_E_NOT_FOUND, target_full_uri(target), "%s: the entry \"%s\" has no certificate to print",
                              target_uri(target), certstore_entry_alias(entry));
    for (size_t i = 0; i < certstore_entry_cert_count(entry); i++) {
        OWNED(owned_chars) *pem = facts_text(certstore_cert_export_pem(certstore_entry_cert(entry, i), err));
        if (pem == NULL)
            return report_error(cli, err);
        fputs(pem, stdout);
    }
    return STATUS_DONE;
}

static int run_show(struct cli *cli, const struct args *args)
{
    SCOPED(target) target = { 0 };
    int status = target_open(cli, &target, store_name_parse(args->positional[0]), TARGET_READ | TARGET_EXISTS);
    if (status != STATUS_DONE)
        return status;
    const char *alias = args->count > 1 ? args->positional[1] : target.name.alias;
    if (alias == NULL)
        return report_usage(cli, "show: which entry? write certstore show STORE ALIAS");
    const certstore_entry *entry = edit_find(cli, &target, alias, &status);
    if (entry == NULL)
        return status;
    if (args_flag(args, "pem") && !cli->json)
        return print_pem(cli, &target, entry);
    SCOPED(facts) facts = facts_of(entry, when_now());
    if (cli->json)
        print_json(cli, &target, &facts);
    else
        print_text(&target, &facts);
    return STATUS_DONE;
}

static const struct option options[] = {
    { "pem", 0, NULL, false, "print the entry's certificates as PEM, leaf first, and nothing else" },
    { 0 },
};
const struct verb verb_show = {
    .name = "show",
    .synopsis = "[--pem] STORE ALIAS",
    .summary = "show one entry, every fact about it",
    .about = "Prints subject, issuer, serial number, validity, names, key, fingerprints, chain\n"
             "and trust of one entry. A private key is described, never printed. STORE#ALIAS\n"
             "may be written for STORE ALIAS.\n",
    .examples = "certstore show cacerts.jks digicert-root\n"
                "certstore --pass env:PW show --pem app.p12 web > fullchain.pem\n",
    .options = options,
    .min_arguments = 1,
    .max_arguments = 2,
    .run = run_show,
};
