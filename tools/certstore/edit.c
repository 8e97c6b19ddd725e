/* SPDX-License-Identifier: Apache-2.0 */
/* edit.c: see edit.h. */
#include "edit.h"

#include "chain.h"
#include "chainfile.h"
#include "json.h"
#include "trust.h"

const certstore_entry *edit_find(struct cli *cli, const struct target *target, const char *alias, int *status)
{
    const certstore_entry *entry = certstore_bundle_find(target->bundle, alias);
    if (entry == NULL)
        *status = report_failure(cli, CERTSTORE_E_NOT_FOUND, target_full_uri(target),
                                 "%s: holds no entry \"%s\"; `certstore list` shows what it holds", target_uri(target), alias);
    return entry;
}

/* The only private key's entry of a PEM store; NULL where there is none, or more than one. */
static const certstore_entry *pem_identity(const struct target *target)
{
    const certstore_entry *found = NULL;
    if (strcmp(certstore_format(target->store), "pem") != 0)
        return NULL;
    for (size_t i = 0; i < certstore_bundle_count(target->bundle); i++) {
        const certstore_entry *entry = certstore_bundle_at(target->bundle, i);
        if (certstore_entry_kind(entry) != CERTSTORE_KEY)
            continue;
        if (found != NULL)
            return NULL;
        found = entry;
    }
    return found;
}

/* Whether the new entry asks for no other trust than the present one has; one that says nothing of trust asks for none. */
static bool same_purposes(const certstore_entry *present, const certstore_entry *wanted)
{
    size_t trusted = certstore_entry_trust_count(wanted);
    size_t rejected = certstore_entry_reject_count(wanted);
    if (trusted == 0 && rejected == 0)
        return true;
    if (trusted != certstore_entry_trust_count(present) || rejected != certstore_entry_reject_count(present))
        return false;
    for (size_t i = 0; i < trusted; i++)
        if (strcmp(certstore_entry_trust(present, i), certstore_entry_trust(wanted, i)) != 0)
            return false;
    for (size_t i = 0; i < rejected; i++)
        if (strcmp(certstore_entry_reject(present, i), certstore_entry_reject(wanted, i)) != 0)
            return false;
    return true;
}

/* Whether both hold the same certificates in the same order, and, for keys, the key that the first of them belongs to. */
static bool is_same(const certstore_entry *present, const certstore_entry *wanted)
{
    size_t count = certstore_entry_cert_count(present);
    if (certstore_entry_kind(present) != certstore_entry_kind(wanted) || count == 0 || count != certstore_entry_cert_count(wanted))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!same_cert(certstore_entry_cert(present, i), certstore_entry_cert(wanted, i)))
            return false;
    if (certstore_entry_kind(present) == CERTSTORE_KEY)
        return certstore_entry_check_key(present, NULL) == CERTSTORE_OK && certstore_entry_check_key(wanted, NULL) == CERTSTORE_OK;
    return same_purposes(present, wanted);
}

/* A store that holds the entry already is left alone: put anew, its key would be encrypted anew, and its bytes would change for nothing. */
static int put_entry(struct cli *cli, struct target *target, const certstore_entry *entry)
{
    OWNED(certstore_error) *err = certstore_error_new();
    const certstore_entry *present = certstore_bundle_find(target->bundle, certstore_entry_alias(entry));
    if (present != NULL && is_same(present, entry))
        return STATUS_DONE;
    return certstore_bundle_put(target->bundle, entry, err) == CERTSTORE_OK ? STATUS_DONE : report_error(cli, err);
}

/* A new key with its certificates. */
static int put_key(struct cli *cli, struct target *target, const char *alias, struct material *material)
{
    OWNED(certstore_error) *err = certstore_error_new();
    OWNED(certstore_bytes) *pkcs8 = certstore_entry_export_key(material->key, err);
    if (pkcs8 == NULL)
        return report_error(cli, err);
    OWNED(certstore_entry) *entry = certstore_entry_new_key(alias, certstore_bytes_data(pkcs8), certstore_bytes_size(pkcs8), err);
    if (entry == NULL)
        return report_error(cli, err);
    int status = chain_attach(cli, entry, material, target);
    return status == STATUS_DONE ? put_entry(cli, target, entry) : status;
}

/* A renewal: the key stays, and its certificates are replaced. */
static int put_renewed(struct cli *cli, struct target *target, const certstore_entry *existing, struct material *material)
{
    OWNED(certstore_error) *err = certstore_error_new();
    OWNED(certstore_entry) *entry = certstore_entry_copy(existing, err);
    if (entry == NULL)
        return report_error(cli, err);
    int status = chain_attach(cli, entry, material, target);
    return status == STATUS_DONE ? put_entry(cli, target, entry) : status;
}

/* Without aliases a certificate is told by itself: the one that is there already is the one that is put. */
static const certstore_entry *same_trusted(const struct target *target, const certstore_cert *cert)
{
    if ((certstore_capabilities(certstore_format(target->store)) & CERTSTORE_CAN_ALIASES) != 0)
        return NULL;
    for (size_t i = 0; i < certstore_bundle_count(target->bundle); i++) {
        const certstore_entry *entry = certstore_bundle_at(target->bundle, i);
        if (certstore_entry_kind(entry) == CERTSTORE_TRUSTED && certstore_entry_cert_count(entry) == 1 &&
            same_cert(certstore_entry_cert(entry, 0), cert))
            return entry;
    }
    return NULL;
}

static int put_trusted(struct cli *cli, struct target *target, const char *alias, const struct material *material)
{
    if (material->cert_count != 1 || material->chain_given)
        return report_failure(cli, CERTSTORE_E_ARGUMENT, target_full_uri(target),
                              "%s: a trusted entry is one certificate, and %zu were given; add --key for an identity, or name one with FILE#ALIAS",
                              target_uri(target), material->cert_count);
    OWNED(certstore_error) *err = certstore_error_new();
    const certstore_cert *cert = material->certs[0];
    OWNED(certstore_entry) *entry = material->trusted != NULL && material->purpose_count == 0
                                        ? certstore_entry_copy(material->trusted, err)
                                        : certstore_entry_new_trusted(alias, certstore_cert_data(cert), certstore_cert_size(cert), err);
    const certstore_entry *same = same_trusted(target, cert);
    const certstore_entry *present = same != NULL ? same : certstore_bundle_find(target->bundle, alias);
    if (entry == NULL || certstore_entry_set_alias(entry, same != NULL ? certstore_entry_alias(same) : alias, err) != CERTSTORE_OK)
        return report_error(cli, err);
    int status = trust_settle(cli, target, material, present, entry);
    return status == STATUS_DONE ? put_entry(cli, target, entry) : status;
}

/* Whether the entry's key can be opened and fits one of the certificates. */
static bool is_renewal(const certstore_entry *existing, const struct material *material)
{
    OWNED(certstore_entry) *probe = certstore_entry_copy(existing, NULL);
    return probe != NULL && chain_leaf(probe, material, NULL) != NULL;
}

/* A key that was made beside the one of that alias, on its token, and waits for this certificate; NULL: none. Its alias is "ALIAS-key-...". */
static const certstore_entry *rotated_key(const struct target *target, const char *alias, const struct material *material)
{
    size_t size = strlen(alias);
    for (size_t i = 0; i < certstore_bundle_count(target->bundle); i++) {
        const certstore_entry *entry = certstore_bundle_at(target->bundle, i);
        const char *other = certstore_entry_alias(entry);
        if (certstore_entry_kind(entry) == CERTSTORE_KEY && certstore_entry_cert_count(entry) == 0 && strncmp(other, alias, size) == 0 &&
            strncmp(other + size, "-key-", 5) == 0 && is_renewal(entry, material))
            return entry;
    }
    return NULL;
}

/* The rotation's end: the new key has the alias, the old one stays on the token without its certificate. */
static int put_rotated(struct cli *cli, struct target *target, const char *alias, const certstore_entry *key, struct material *material)
{
    OWNED(certstore_error) *err = certstore_error_new();
    OWNED(certstore_entry) *entry = certstore_entry_copy(key, err);
    if (entry == NULL || certstore_bundle_remove(target->bundle, certstore_entry_alias(key), err) != CERTSTORE_OK ||
        certstore_entry_set_alias(entry, alias, err) != CERTSTORE_OK)
        return report_error(cli, err);
    int status = chain_attach(cli, entry, material, target);
    return status == STATUS_DONE ? put_entry(cli, target, entry) : status;
}

static bool is_on_token(const struct target *target)
{
    const char *format = certstore_format(target->store);
    return strcmp(format, "pkcs11") == 0 || strcmp(format, "nss") == 0;
}

static int put_key_certificate(struct cli *cli, struct target *target, const certstore_entry *named, struct material *material)
{
    const char *alias = certstore_entry_alias(named);
    const certstore_entry *rotated = is_on_token(target) && !is_renewal(named, material) ? rotated_key(target, alias, material) : NULL;
    if (rotated == NULL)
        return put_renewed(cli, target, named, material);
    OWNED(owned_chars) *copy = heap_copy(alias); /* the bundle gives its own up */
    return put_rotated(cli, target, copy, rotated, material);
}

/* A PEM store over two files whose key is gone: what stands in the file of certificates is the old identity's, and a server takes the first of them
 * for the one that goes with the key. */
static int clear_widowed(struct cli *cli, struct target *target)
{
    OWNED(certstore_error) *err = certstore_error_new();
    size_t count = certstore_bundle_count(target->bundle);
    if (strcmp(certstore_format(target->store), "pem") != 0 || strstr(certstore_uri(target->store), "?key=") == NULL || count == 0)
        return STATUS_DONE;
    for (size_t i = 0; i < count; i++)
        if (certstore_entry_kind(certstore_bundle_at(target->bundle, i)) == CERTSTORE_KEY)
            return STATUS_DONE;
    report_warning(cli, "%s: held certificates without a key; the new identity takes their place", target_uri(target));
    for (size_t i = count; i-- > 0;)
        if (certstore_entry_kind(certstore_bundle_at(target->bundle, i)) == CERTSTORE_TRUSTED)
            certstore_bundle_remove(target->bundle, certstore_entry_alias(certstore_bundle_at(target->bundle, i)), err);
    return certstore_error_status(err) == CERTSTORE_OK ? STATUS_DONE : report_error(cli, err);
}

/* A format without a place for a private key would leave it out without a word. */
static int make_room_for_key(struct cli *cli, struct target *target)
{
    const char *format = certstore_format(target->store);
    if ((certstore_capabilities(format) & CERTSTORE_CAN_KEYS) == 0)
        return report_failure(cli, CERTSTORE_E_LOSSY, target_full_uri(target),
                              "%s: the format %s holds no private keys; leave this store out, or --key", target_uri(target), format);
    return clear_widowed(cli, target);
}

int edit_put(struct cli *cli, struct target *target, const char *alias, struct material *material)
{
    int status = material->key != NULL ? make_room_for_key(cli, target) : STATUS_DONE;
    if (status != STATUS_DONE)
        return status;
    const certstore_entry *named = certstore_bundle_find(target->bundle, alias);
    const certstore_entry *identity = pem_identity(target);
    if (material->purpose_count > 0 && (material->key != NULL || (named != NULL && certstore_entry_kind(named) == CERTSTORE_KEY)))
        return report_failure(cli, CERTSTORE_E_ARGUMENT, target_full_uri(target),
                              "%s: --trust is about a trusted certificate, and \"%s\" is a key's; leave one of the two out", target_uri(target),
                              alias);
    if (material->key != NULL)
        return put_key(cli, target, identity != NULL ? certstore_entry_alias(identity) : alias, material);
    if (named != NULL && certstore_entry_kind(named) == CERTSTORE_KEY)
        return put_key_certificate(cli, target, named, material);
    if (identity != NULL && material->purpose_count == 0 && is_renewal(identity, material))
        return put_renewed(cli, target, identity, material);
    if (chainfile_fits(target, material))
        return chainfile_put(cli, target, alias, material);
    return put_trusted(cli, target, alias, material);
}

int edit_remove(struct cli *cli, struct target *target, const char *alias)
{
    int status = STATUS_DONE;
    OWNED(certstore_error) *err = certstore_error_new();
    if (edit_find(cli, target, alias, &status) == NULL)
        return status;
    return certstore_bundle_remove(target->bundle, alias, err) == CERTSTORE_OK ? STATUS_DONE : report_error(cli, err);
}

int edit_rename(struct cli *cli, struct target *target, const char *alias, const char *new_alias)
{
    int status = STATUS_DONE;
    OWNED(certstore_error) *err = certstore_error_new();
    if (edit_find(cli, target, alias, &status) == NULL)
        return status;
    if ((certstore_capabilities(certstore_format(target->store)) & CERTSTORE_CAN_ALIASES) == 0)
        return report_failure(cli, CERTSTORE_E_UNSUPPORTED, target_full_uri(target), "%s: the format %s keeps no aliases; there is nothing to rename",
                              target_uri(target), certstore_format(target->store));
    if (certstore_bundle_rename(target->bundle, alias, new_alias, err) == CERTSTORE_OK)
        return STATUS_DONE;
    return report_failure(cli, certstore_error_status(err), target_full_uri(target), "%s: %s", target_uri(target), certstore_error_message(err));
}

static bool is_selected(const struct target *from, const certstore_entry *entry, const char *const *aliases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (certstore_bundle_find(from->bundle, aliases[i]) == entry)
            return true;
    return count == 0;
}

certstore_bundle *edit_selection(struct cli *cli, const struct target *from, const char *const *aliases, size_t count, int *status)
{
    for (size_t i = 0; i < count; i++)
        if (edit_find(cli, from, aliases[i], status) == NULL)
            return NULL;
    OWNED(certstore_error) *err = certstore_error_new();
    OWNED(certstore_bundle) *selection = certstore_bundle_copy(from->bundle, err);
    for (size_t i = 0; i < certstore_bundle_count(from->bundle); i++) {
        const certstore_entry *entry = certstore_bundle_at(from->bundle, i);
        if (!is_selected(from, entry, aliases, count))
            certstore_bundle_remove(selection, certstore_entry_alias(entry), err);
    }
    if (certstore_error_status(err) == CERTSTORE_OK)
        return steal(&selection);
    *status = report_error(cli, err);
    return NULL;
}

/* The aliases that were written by this copy stand in `written`, under the target's rule for aliases; NULL: in the target alone, which was empty. */
static int copy_entry(struct cli *cli, const certstore_entry *entry, struct target *to, certstore_bundle *written, certstore_error *err)
{
    const char *alias = certstore_entry_alias(entry);
    const certstore_entry *clash = certstore_bundle_find(written != NULL ? written : to->bundle, alias);
    if (clash != NULL)
        return report_failure(cli, CERTSTORE_E_EXISTS, target_full_uri(to),
                              "%s: the aliases \"%s\" and \"%s\" are one and the same there; rename one of them first", target_uri(to),
                              certstore_entry_alias(clash), alias);
    if (written != NULL)
        certstore_bundle_put(written, entry, err);
    return certstore_bundle_put(to->bundle, entry, err) == CERTSTORE_OK ? STATUS_DONE : report_error(cli, err);
}

/* The rows of the entries whose keys do not leave their token. A report may have a row for each of many entries: they are looked through once. */
struct bound_rows {
    const certstore_report *losses;
    size_t *rows;
    size_t count;
};

static void bound_rows_free(struct bound_rows *bound)
{
    free(bound->rows);
}

/* Nothing else can be bound to a token. */
static bool holds_keys(const certstore_bundle *bundle)
{
    for (size_t i = 0; i < certstore_bundle_count(bundle); i++) {
        certstore_kind kind = certstore_entry_kind(certstore_bundle_at(bundle, i));
        if (kind == CERTSTORE_KEY || kind == CERTSTORE_SECRET)
            return true;
    }
    return false;
}

static struct bound_rows find_bound(const certstore_report *losses)
{
    struct bound_rows bound = { losses, heap_new(certstore_report_count(losses) + 1, sizeof(size_t)), 0 };
    for (size_t i = 0; i < certstore_report_count(losses); i++)
        if (strcmp(certstore_report_code(losses, i), "key-bound") == 0)
            bound.rows[bound.count++] = i;
    return bound;
}

/* edit_check_losses() has said so, and the caller takes it. */
static bool is_bound(const struct bound_rows *bound, const certstore_entry *entry)
{
    for (size_t i = 0; i < bound->count; i++)
        if (strcmp(certstore_report_subject(bound->losses, bound->rows[i]), certstore_entry_alias(entry)) == 0)
            return true;
    return false;
}

int edit_copy(struct cli *cli, const struct target *from, struct target *to, const char *const *aliases, size_t count)
{
    int status = STATUS_DONE;
    OWNED(certstore_bundle) *selection = edit_selection(cli, from, aliases, count, &status);
    if (selection == NULL)
        return status;
    OWNED(certstore_error) *err = certstore_error_new();
    OWNED(certstore_bundle) *written = certstore_bundle_count(to->bundle) > 0 ? certstore_bundle_new(certstore_format(to->store), err) : NULL;
    OWNED(certstore_report) *losses = holds_keys(selection) ? certstore_bundle_losses(selection, certstore_format(to->store), err) : NULL;
    if (certstore_error_status(err) != CERTSTORE_OK)
        return report_error(cli, err);
    SCOPED(bound_rows) bound = find_bound(losses);
    for (size_t i = 0; i < certstore_bundle_count(selection) && status == STATUS_DONE; i++) {
        const certstore_entry *entry = certstore_bundle_at(selection, i);
        status = is_bound(&bound, entry) ? STATUS_DONE : copy_entry(cli, entry, to, written, err);
    }
    return status;
}

enum { NAMED = 3 };

/* The aliases of the rows that say the same as row `first`, and how many there are. */
static char *aliases_alike(const certstore_report *losses, size_t first, size_t *alike)
{
    struct text names = { 0 };
    for (size_t i = first; i < certstore_report_count(losses); i++) {
        const char *alias = certstore_report_subject(losses, i);
        if (strcmp(certstore_report_message(losses, i), certstore_report_message(losses, first)) != 0)
            continue;
        if ((*alike)++ < NAMED && *alias != '\0')
            text_add_format(&names, "%s%s", names.size > 0 ? ", " : "", alias);
    }
    if (*alike > NAMED)
        text_add_format(&names, " and %zu more", *alike - NAMED);
    return text_take(&names);
}

static bool said_before(const certstore_report *losses, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(certstore_report_message(losses, i), certstore_report_message(losses, index)) == 0)
            return true;
    return false;
}

/* What is lost alike is said once: a trust store of 140 roots loses 140 aliases. */
static void tell_losses(struct cli *cli, const certstore_report *losses)
{
    for (size_t i = 0; i < certstore_report_count(losses); i++) {
        size_t alike = 0;
        if (said_before(losses, i))
            continue;
        OWNED(owned_chars) *aliases = aliases_alike(losses, i, &alike);
        report_warning(cli, "lost: %s%s%s", aliases, *aliases != '\0' ? ": " : "", certstore_report_message(losses, i));
    }
    if (!cli->json)
        return;
    json_decref(cli->losses);
    cli->losses = json_report(losses);
}

static size_t fault_count(const certstore_report *losses)
{
    size_t count = 0;
    for (size_t i = 0; i < certstore_report_count(losses); i++)
        count += certstore_report_severity(losses, i) == CERTSTORE_FAULT;
    return count;
}

/* Revocation lists and opaque entries: nothing else may be held by the store that it is in alone. */
static bool holds_its_own(const certstore_bundle *bundle)
{
    for (size_t i = 0; i < certstore_bundle_count(bundle); i++) {
        certstore_kind kind = certstore_entry_kind(certstore_bundle_at(bundle, i));
        if (kind == CERTSTORE_CRL || kind == CERTSTORE_OPAQUE)
            return true;
    }
    return false;
}

/* What copying the entries loses. Of the source as it stands the library says what would be lost if all of it became another store. What only the
 * store that it is in can hold (an opaque entry of a JKS, an object of a token) is lost between two of one format, or two tokens, as well: that
 * shows where entries stand by themselves. */
static certstore_report *copy_losses(const certstore_bundle *selection, const char *format, certstore_error *err)
{
    OWNED(certstore_report) *whole = certstore_bundle_losses(selection, format, err);
    if (!holds_its_own(selection))
        return steal(&whole);
    OWNED(certstore_bundle) *apart = certstore_bundle_new(certstore_bundle_format(selection), err);
    for (size_t i = 0; i < certstore_bundle_count(selection); i++)
        certstore_bundle_put(apart, certstore_bundle_at(selection, i), err);
    OWNED(certstore_report) *each = certstore_bundle_losses(apart, format, err);
    return fault_count(each) > fault_count(whole) ? steal(&each) : steal(&whole);
}

int edit_check_losses(struct cli *cli, const struct target *from, const struct target *to, const char *const *aliases, size_t count, bool allowed)
{
    int status = STATUS_DONE;
    const char *format = certstore_format(to->store);
    if ((certstore_capabilities(format) & CERTSTORE_CAN_WRITE) == 0)
        return report_failure(cli, CERTSTORE_E_READ_ONLY, target_full_uri(to), "%s: the format %s is only read here; copy to another one",
                              target_uri(to), format);
    OWNED(certstore_error) *err = certstore_error_new();
    OWNED(certstore_bundle) *selection = edit_selection(cli, from, aliases, count, &status);
    if (selection == NULL)
        return status;
    OWNED(certstore_report) *losses = copy_losses(selection, format, err);
    if (losses == NULL)
        return report_error(cli, err);
    tell_losses(cli, losses);
    if (certstore_report_count(losses) == 0 || allowed)
        return STATUS_DONE;
    return report_failure(cli, CERTSTORE_E_LOSSY, target_full_uri(to),
                          "%s: the format %s cannot hold everything: %s; copy with --allow-loss to lose it", target_uri(to), format,
                          certstore_report_message(losses, 0));
}
