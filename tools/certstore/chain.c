/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chain.c: certificates in the order that TLS and Java's key stores want: leaf first, each issued by the next. What a CA sends is often in another
 * order, and sometimes holds a cross-signed twin that a linear chain has no room for.
 */
#include "chain.h"

#include "facts.h"
#include "x509.h"

const certstore_cert *chain_leaf(certstore_entry *entry, const struct material *material, certstore_error *err)
{
    for (size_t i = 0; i < material->cert_count; i++) {
        const certstore_cert *cert = material->certs[i];
        OWNED(certstore_error) *mismatch = certstore_error_new();
        if (certstore_entry_clear_certs(entry, err) != CERTSTORE_OK ||
            certstore_entry_add_cert(entry, certstore_cert_data(cert), certstore_cert_size(cert), err) != CERTSTORE_OK)
            return NULL;
        if (certstore_entry_check_key(entry, mismatch) == CERTSTORE_OK)
            return cert;
        if (certstore_error_status(mismatch) != CERTSTORE_E_MISMATCH) {
            certstore_entry_check_key(entry, err); /* the key itself cannot be had: say why */
            return NULL;
        }
    }
    return NULL;
}

static void warn_left_out(struct cli *cli, const struct material *material, const bool *used)
{
    for (size_t i = 0; i < material->cert_count; i++) {
        if (used[i])
            continue;
        OWNED(owned_chars) *subject = facts_text(certstore_cert_export_subject(material->certs[i], NULL));
        report_warning(cli, "%s: does not belong to the chain of the new certificate; left out", subject != NULL ? subject : "a certificate");
    }
}

/* Appends issuers until there is none, or the top is reached. */
static int add_issuers(struct cli *cli, certstore_entry *entry, const struct material *material, const certstore_cert *leaf, bool *used)
{
    OWNED(certstore_error) *err = certstore_error_new();
    const certstore_cert *below = leaf;
    for (size_t i = 0; i < material->cert_count; i++) {
        const certstore_cert *above = material->certs[i];
        if (used[i] || !x509_issued(above, below))
            continue;
        used[i] = true;
        if (certstore_entry_add_cert(entry, certstore_cert_data(above), certstore_cert_size(above), err) != CERTSTORE_OK)
            return report_error(cli, err);
        below = above;
        i = (size_t)-1; /* look for the next one from the start */
    }
    return STATUS_DONE;
}

int chain_attach(struct cli *cli, certstore_entry *entry, struct material *material, const char *uri)
{
    OWNED(certstore_error) *err = certstore_error_new();
    const certstore_cert *leaf = chain_leaf(entry, material, err);
    if (certstore_error_status(err) != CERTSTORE_OK)
        return report_error(cli, err);
    if (leaf == NULL) {
        const char *alias = certstore_entry_alias(entry);
        return material->key != NULL
                   ? report_failure(cli, CERTSTORE_E_MISMATCH, uri,
                                    "%s: the key given with --key does not fit the certificate; give the pair that belongs together", alias)
                   : report_failure(cli, CERTSTORE_E_MISMATCH, uri,
                                    "%s: its entry \"%s\" holds a key that does not fit the certificate; give the new one with --key", uri, alias);
    }
    bool *used = heap_new(material->cert_count, sizeof *used);
    for (size_t i = 0; i < material->cert_count; i++)
        used[i] = material->certs[i] == leaf;
    int status = add_issuers(cli, entry, material, leaf, used);
    if (status == STATUS_DONE && !material->warned) {
        warn_left_out(cli, material, used);
        material->warned = true;
    }
    free(used);
    return status;
}
