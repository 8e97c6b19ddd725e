/* SPDX-License-Identifier: Apache-2.0 */
/* facts.c: asks the library for each fact once. */
#include "facts.h"

#include "when.h"

char *facts_text(certstore_bytes *bytes)
{
    if (bytes == NULL)
        return NULL;
    char *text = heap_copy_part((const char *)certstore_bytes_data(bytes), certstore_bytes_size(bytes));
    certstore_bytes_free(bytes);
    return text;
}

const char *facts_kind(certstore_kind kind)
{
    switch (kind) {
    case CERTSTORE_TRUSTED:
        return "trusted";
    case CERTSTORE_KEY:
        return "key";
    case CERTSTORE_SECRET:
        return "secret";
    case CERTSTORE_CRL:
        return "crl";
    case CERTSTORE_OPAQUE:
        break;
    }
    return "opaque";
}

const char *facts_integrity(certstore_integrity integrity)
{
    switch (integrity) {
    case CERTSTORE_INTEGRITY_VERIFIED:
        return "verified";
    case CERTSTORE_INTEGRITY_ABSENT:
        return "absent";
    case CERTSTORE_INTEGRITY_UNCHECKED:
        break;
    }
    return "unchecked";
}

const char *facts_severity(certstore_severity severity)
{
    switch (severity) {
    case CERTSTORE_INFO:
        return "info";
    case CERTSTORE_WARNING:
        return "warning";
    case CERTSTORE_FAULT:
        break;
    }
    return "fault";
}

static void add_certificate(struct facts *facts, int64_t now)
{
    const certstore_cert *leaf = facts->leaf;
    facts->subject = facts_text(certstore_cert_export_subject(leaf, NULL));
    facts->sha256 = facts_text(certstore_cert_export_sha256(leaf, NULL));
    facts->expires = certstore_cert_not_after(leaf);
    facts->days_left = when_days_left(facts->expires, now);
    facts->issuer = facts_text(certstore_cert_export_issuer(leaf, NULL));
    facts->serial = facts_text(certstore_cert_export_serial(leaf, NULL));
    facts->spki_sha256 = facts_text(certstore_cert_export_spki_sha256(leaf, NULL));
    facts->not_before = when_rfc3339(certstore_cert_not_before(leaf));
    facts->not_after = when_rfc3339(facts->expires);
}

/* What the certificate says of its key needs no passphrase; only a key without certificates has to be opened. */
static void add_key(struct facts *facts)
{
    if (facts->leaf != NULL) {
        facts->key_algorithm = facts_text(certstore_cert_export_key_algorithm(facts->leaf, NULL));
        facts->key_bits = certstore_cert_key_bits(facts->leaf);
        return;
    }
    facts->key_algorithm = facts_text(certstore_entry_export_key_algorithm(facts->entry, NULL));
    facts->key_bits = certstore_entry_key_bits(facts->entry, NULL);
}

struct facts facts_of(const certstore_entry *entry, int64_t now)
{
    struct facts facts = { .entry = entry, .leaf = certstore_entry_cert(entry, 0), .expires = INT64_MAX };
    certstore_kind kind = certstore_entry_kind(entry);
    if (facts.leaf != NULL)
        add_certificate(&facts, now);
    if (kind == CERTSTORE_KEY || kind == CERTSTORE_SECRET)
        add_key(&facts);
    int64_t created = certstore_entry_created(entry);
    if (created != INT64_MIN)
        facts.created = when_rfc3339(created / 1000 - (created % 1000 < 0));
    return facts;
}

void facts_free(struct facts *facts)
{
    free(facts->subject);
    free(facts->issuer);
    free(facts->serial);
    free(facts->sha256);
    free(facts->not_before);
    free(facts->not_after);
    free(facts->key_algorithm);
    free(facts->spki_sha256);
    free(facts->created);
    *facts = (struct facts){ 0 };
}
