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

size_t chain_order(const struct material *material, const certstore_cert *leaf, const certstore_cert **ordered)
{
    size_t count = 0;
    ordered[count++] = leaf;
    for (size_t i = 0; i < material->cert_count && count < material->cert_count; i++) {
        const certstore_cert *above = material->certs[i];
        bool used = false;
        for (size_t j = 0; j < count; j++)
            used = used || ordered[j] == above;
        if (used || !x509_issued(above, ordered[count - 1]))
            continue;
        ordered[count++] = above;
        i = (size_t)-1; /* look for the next one from the start */
    }
    return count;
}

void chain_warn_left_out(struct cli *cli, struct material *material, const certstore_cert *const *ordered, size_t count)
{
    for (size_t i = 0; i < material->cert_count && !material->warned; i++) {
        bool used = false;
        for (size_t j = 0; j < count; j++)
            used = used || ordered[j] == material->certs[i];
        if (used)
            continue;
        OWNED(owned_chars) *subject = facts_text(certstore_cert_export_subject(material->certs[i], NULL));
        report_warning(cli, "%s: does not belong to the chain of the new certificate; left out", subject != NULL ? subject : "a certificate");
    }
    material->warned = true;
}

/* The leaf is the entry's already. */
static int add_issuers(struct cli *cli, certstore_entry *entry, const certstore_cert *const *ordered, size_t count)
{
    OWNED(certstore_error) *err = certstore_error_new();
    for (size_t i = 1; i < count; i++)
        if (certstore_entry_add_cert(entry, certstore_cert_data(ordered[i]), certstore_cert_size(ordered[i]), err) != CERTSTORE_OK)
            return report_error(cli, err);
    return STATUS_DONE;
}

int chain_attach(struct cli *cli, certstore_entry *entry, struct material *material, const struct target *target)
{
    OWNED(certstore_error) *err = certstore_error_new();
    const certstore_cert *leaf = chain_leaf(entry, material, err);
    if (certstore_error_status(err) != CERTSTORE_OK)
        return report_error(cli, err);
    if (leaf == NULL) {
        const char *alias = certstore_entry_alias(entry);
        return material->key != NULL
                   ? report_failure(cli, CERTSTORE_E_MISMATCH, target_full_uri(target),
                                    "%s: the key given with --key does not fit the certificate; give the pair that belongs together", alias)
                   : report_failure(cli, CERTSTORE_E_MISMATCH, target_full_uri(target),
                                    "%s: its entry \"%s\" holds a key that does not fit the certificate; give the new one with --key",
                                    target_uri(target), alias);
    }
    const certstore_cert **ordered = heap_new(material->cert_count, sizeof *ordered);
    size_t count = chain_order(material, leaf, ordered);
    int status = add_issuers(cli, entry, ordered, count);
    if (status == STATUS_DONE)
        chain_warn_left_out(cli, material, ordered, count);
    free(ordered);
    return status;
}
