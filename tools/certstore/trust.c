/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust.c: see trust.h.
 *
 * An NSS database trusts a certificate for purposes that are named, and for nothing else. Who puts a CA there and names none gets what
 * `certutil -t C,,` gives, serverAuth, and is told so; any other certificate is held and not trusted, since that is what a peer's certificate wants.
 */
#include "trust.h"

static const char *const default_purpose = "serverAuth";

int trust_add(struct cli *cli, struct material *material, const char *purpose)
{
    OWNED(certstore_error) *err = certstore_error_new();
    const certstore_cert *cert = material->certs[0];
    OWNED(certstore_entry) *probe = certstore_entry_new_trusted("probe", certstore_cert_data(cert), certstore_cert_size(cert), err);
    if (probe == NULL)
        return report_error(cli, err);
    if (certstore_entry_add_trust(probe, purpose, err) != CERTSTORE_OK)
        return report_usage(
            cli,
            "trust: \"%s\" is no purpose; name serverAuth, clientAuth, codeSigning, emailProtection, timeStamping, OCSPSigning, any, or a "
            "dotted OID",
            purpose);
    material->purposes = heap_grow(material->purposes, material->purpose_count, sizeof *material->purposes);
    material->purposes[material->purpose_count++] = heap_copy(purpose);
    return STATUS_DONE;
}

int trust_parse(struct cli *cli, struct material *material, const char *list)
{
    int status = STATUS_DONE;
    while (list != NULL && status == STATUS_DONE) {
        const char *end = strchr(list, ',');
        OWNED(owned_chars) *purpose = end != NULL ? heap_copy_part(list, (size_t)(end - list)) : heap_copy(list);
        status = trust_add(cli, material, purpose);
        list = end != NULL ? end + 1 : NULL;
    }
    return status;
}

static bool says_nothing(const certstore_entry *entry)
{
    return certstore_entry_trust_count(entry) == 0 && certstore_entry_reject_count(entry) == 0;
}

static void take_over(const certstore_entry *present, certstore_entry *entry, certstore_error *err)
{
    for (size_t i = 0; i < certstore_entry_trust_count(present); i++)
        certstore_entry_add_trust(entry, certstore_entry_trust(present, i), err);
    for (size_t i = 0; i < certstore_entry_reject_count(present); i++)
        certstore_entry_add_reject(entry, certstore_entry_reject(present, i), err);
}

static void choose_for_nss(struct cli *cli, const struct target *target, certstore_entry *entry, certstore_error *err)
{
    const char *alias = certstore_entry_alias(entry);
    if (!certstore_cert_is_ca(certstore_entry_cert(entry, 0))) {
        report_warning(cli, "%s: \"%s\" is no CA, and NSS trusts it for nothing; name purposes with --trust", target_uri(target), alias);
        return;
    }
    certstore_entry_add_trust(entry, default_purpose, err);
    report_warning(cli, "%s: \"%s\" is trusted for %s, since NSS wants a purpose and none was named; name others with --trust", target_uri(target),
                   alias, default_purpose);
}

static bool is_marked(const certstore_entry *entry)
{
    return entry != NULL && certstore_entry_trust_count(entry) == 1 && strcmp(certstore_entry_trust(entry, 0), "any") == 0;
}

/* Who gives the security officer's PIN wants a CA marked as trusted; without it no certificate is, and one that was loses its mark. */
static int choose_for_officer(struct cli *cli, const struct target *target, const certstore_entry *present, certstore_entry *entry)
{
    OWNED(certstore_error) *err = certstore_error_new();
    bool is_token = strcmp(certstore_format(target->store), "pkcs11") == 0;
    bool marks = (certstore_store_capabilities(target->store) & CERTSTORE_CAN_MARK_TRUSTED) != 0;
    if (!is_token || (cli->so_pin == NULL && !marks))
        return STATUS_DONE;
    if (!marks)
        return report_failure(cli, CERTSTORE_E_UNSUPPORTED, target_full_uri(target),
                              "%s: this token's security officer marks no certificates as trusted; leave out --so-pin", target_uri(target));
    if (cli->so_pin == NULL && is_marked(present))
        report_warning(cli, "%s: \"%s\" was marked as trusted by the security officer, and is not any more; give --so-pin to mark it again",
                       target_uri(target), certstore_entry_alias(entry));
    if (cli->so_pin != NULL && says_nothing(entry) && certstore_cert_is_ca(certstore_entry_cert(entry, 0)) &&
        certstore_entry_add_trust(entry, "any", err) != CERTSTORE_OK)
        return report_error(cli, err);
    return STATUS_DONE;
}

static bool is_about_trust(const char *code)
{
    return strcmp(code, "trust-lost") == 0 || strcmp(code, "lost-reject") == 0;
}

static int check_losses(struct cli *cli, const struct target *target, const struct material *material, const certstore_entry *entry)
{
    OWNED(certstore_error) *err = certstore_error_new();
    const char *format = certstore_format(target->store);
    OWNED(certstore_bundle) *alone = certstore_bundle_new(format, err);
    certstore_bundle_put(alone, entry, err);
    OWNED(certstore_report) *losses = certstore_bundle_losses(alone, format, err);
    if (losses == NULL)
        return report_error(cli, err);
    for (size_t i = 0; i < certstore_report_count(losses); i++) {
        if (!is_about_trust(certstore_report_code(losses, i)))
            continue;
        if (material->purpose_count > 0 && !material->allow_loss)
            return report_failure(cli, CERTSTORE_E_LOSSY, target_full_uri(target),
                                  "%s: the format %s cannot hold what --trust says: %s; leave this store out, or put with --allow-loss",
                                  target_uri(target), format, certstore_report_message(losses, i));
        report_warning(cli, "%s: lost: %s: %s", target_uri(target), certstore_entry_alias(entry), certstore_report_message(losses, i));
    }
    return STATUS_DONE;
}

int trust_settle(struct cli *cli, const struct target *target, const struct material *material, const certstore_entry *present,
                 certstore_entry *entry)
{
    OWNED(certstore_error) *err = certstore_error_new();
    for (size_t i = 0; i < material->purpose_count; i++)
        certstore_entry_add_trust(entry, material->purposes[i], err);
    if (says_nothing(entry) && present != NULL && certstore_entry_kind(present) == CERTSTORE_TRUSTED)
        take_over(present, entry, err);
    else if (says_nothing(entry) && strcmp(certstore_format(target->store), "nss") == 0)
        choose_for_nss(cli, target, entry, err);
    if (certstore_error_status(err) != CERTSTORE_OK)
        return report_error(cli, err);
    int status = choose_for_officer(cli, target, present, entry);
    return status == STATUS_DONE ? check_losses(cli, target, material, entry) : status;
}
