/* SPDX-License-Identifier: Apache-2.0 */
/* chainfile.c: see chainfile.h. */
#include "chainfile.h"

#include "chain.h"
#include "x509.h"

/* Each issued by the next: anything else is somebody's collection, of which nothing may go. */
static bool holds_a_chain(const certstore_bundle *bundle)
{
    const certstore_cert *below = NULL;
    for (size_t i = 0; i < certstore_bundle_count(bundle); i++) {
        const certstore_entry *entry = certstore_bundle_at(bundle, i);
        const certstore_cert *cert = certstore_entry_kind(entry) == CERTSTORE_TRUSTED ? certstore_entry_cert(entry, 0) : NULL;
        if (cert == NULL || (below == NULL ? certstore_cert_is_ca(cert) : !x509_issued(cert, below)))
            return false;
        below = cert;
    }
    return true;
}

bool chainfile_fits(const struct target *target, const struct material *material)
{
    bool pem = strcmp(certstore_format(target->store), "pem") == 0 && strstr(certstore_uri(target->store), "?key=") == NULL;
    bool chain = material->cert_count > 1 && material->key == NULL && material->purpose_count == 0 && !certstore_cert_is_ca(material->certs[0]);
    return pem && chain && holds_a_chain(target->bundle);
}

static bool holds_these(const certstore_bundle *bundle, const certstore_cert *const *ordered, size_t count)
{
    if (certstore_bundle_count(bundle) != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!same_cert(certstore_entry_cert(certstore_bundle_at(bundle, i), 0), ordered[i]))
            return false;
    return true;
}

static certstore_status replace(certstore_bundle *bundle, const char *alias, const certstore_cert *const *ordered, size_t count, certstore_error *err)
{
    for (size_t i = certstore_bundle_count(bundle); i-- > 0;)
        certstore_bundle_remove(bundle, certstore_entry_alias(certstore_bundle_at(bundle, i)), err);
    for (size_t i = 0; i < count; i++) {
        OWNED(owned_chars) *name = i == 0 ? heap_copy(alias) : heap_format("%s chain %zu", alias, i); /* in the file no certificate has a name */
        OWNED(certstore_entry) *entry = certstore_entry_new_trusted(name, certstore_cert_data(ordered[i]), certstore_cert_size(ordered[i]), err);
        certstore_bundle_put(bundle, entry, err);
    }
    return certstore_error_status(err);
}

int chainfile_put(struct cli *cli, struct target *target, const char *alias, struct material *material)
{
    OWNED(certstore_error) *err = certstore_error_new();
    const certstore_cert **ordered = heap_new(material->cert_count, sizeof *ordered);
    size_t count = chain_order(material, material->certs[0], ordered);
    int status = STATUS_DONE;
    chain_warn_left_out(cli, material, ordered, count);
    if (!holds_these(target->bundle, ordered, count) && replace(target->bundle, alias, ordered, count, err) != CERTSTORE_OK)
        status = report_error(cli, err);
    free(ordered);
    return status;
}
