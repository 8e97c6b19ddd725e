/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs12.c: the PKCS#12 codec's table: recognising, decoding to a bundle, and what the format cannot hold. */
#include "codec/pkcs12_encode.h"

/* SEQUENCE { INTEGER 3, SEQUENCE { pkcs7-data ..., in DER or BER. */
static int probe(struct csi_span content)
{
    struct csi_reader r = csi_reader(content);
    struct csi_span skipped;
    uint8_t tag, length, version[3];
    if (!csi_read_u8(&r, &tag) || tag != CSI_DER_SEQUENCE || !csi_read_u8(&r, &length))
        return 0;
    if (length > 0x80 && !csi_read_span(&r, length & 0x7f, &skipped))
        return 0;
    for (size_t i = 0; i < sizeof version; i++)
        if (!csi_read_u8(&r, &version[i]))
            return 0;
    if (version[0] != CSI_DER_INTEGER || version[1] != 1 || version[2] != 3 || !csi_read_u8(&r, &tag) || tag != CSI_DER_SEQUENCE)
        return 0;
    return 90;
}

static certstore_status note_reading(certstore_bundle *bundle, const char *what, enum csi_reading reading, enum csi_reading standard,
                                     certstore_error *err)
{
    if (reading == standard)
        return CERTSTORE_OK;
    return csi_report_add(bundle->notes, "password-reading", CERTSTORE_INFO, "", err, "%s takes the passphrase as %s; many programs cannot open that",
                          what, csi_reading_name(reading));
}

static certstore_status note_safe(const csi_pkcs12 *p, const struct csi_safe *safe, certstore_bundle *bundle, certstore_error *err)
{
    struct csi_pbe pbe;
    if (!safe->encrypted)
        return CERTSTORE_OK;
    CSI_TRY(csi_pbe_parse(safe->algorithm, &pbe, err));
    enum csi_reading standard = pbe.derivation.kdf == CSI_KDF_PKCS12 ? CSI_READ_BMP : CSI_READ_BYTES;
    CSI_TRY(note_reading(bundle, "the encrypted content", safe->reading, standard, err));
    if (p->verified && safe->password != p->password)
        return csi_report_add(bundle->notes, "other-password", CERTSTORE_INFO, "", err,
                              "the content is encrypted with another passphrase than the integrity check has");
    return CERTSTORE_OK;
}

static certstore_status note(const csi_pkcs12 *p, certstore_bundle *bundle, certstore_error *err)
{
    if (p->verified)
        CSI_TRY(note_reading(bundle, "the integrity check", p->reading, p->mac.pbmac1 ? CSI_READ_BYTES : CSI_READ_BMP, err));
    for (size_t i = 0; i < p->safe_count; i++)
        CSI_TRY(note_safe(p, &p->safes[i], bundle, err));
    if (p->trailing.size > 0)
        CSI_TRY(csi_report_add(bundle->notes, "trailing-bytes", CERTSTORE_INFO, "", err, "%zu bytes follow the end of the PKCS#12 data",
                               p->trailing.size));
    return CERTSTORE_OK;
}

static certstore_integrity integrity_of(const csi_pkcs12 *p)
{
    if (!p->mac.present)
        return CERTSTORE_INTEGRITY_ABSENT;
    return p->verified ? CERTSTORE_INTEGRITY_VERIFIED : CERTSTORE_INTEGRITY_UNCHECKED;
}

static certstore_bundle *decode(const struct csi_decode *in, certstore_error *err)
{
    struct csi_p12_read read = { .passwords = in->passwords, .limits = in->limits, .budget = { .limits = in->limits } };
    CSI_AUTO(certstore_bundle) *bundle = csi_bundle_new("pkcs12", CSI_ALIAS_LOWER, err);
    if (bundle == NULL)
        return NULL;
    if (in->parts->count == 0) {
        csi_fail(err, CERTSTORE_E_TRUNCATED, "PKCS#12: there is no data; restore it from a copy");
        return NULL;
    }
    read.session.budget = &read.budget;
    csi_pkcs12 *pkcs12 = csi_pkcs12_read(&read, in->parts->items[0].bytes, err);
    csi_pbe_session_close(&read.session);
    if (pkcs12 == NULL)
        return NULL;
    bundle->document = &pkcs12->base; /* freed with the bundle from here on */
    bundle->integrity = integrity_of(pkcs12);
    if (note(pkcs12, bundle, err) != CERTSTORE_OK || csi_pkcs12_entries(pkcs12, &read, bundle, err) != CERTSTORE_OK)
        return NULL;
    return csi_steal(&bundle);
}

static certstore_status losses_of(const certstore_entry *entry, certstore_report *losses, certstore_error *err)
{
    bool bound, empty;
    CSI_TRY(csi_losses_bound(entry, &bound, losses, err));
    CSI_TRY(csi_losses_empty(entry, &empty, losses, err));
    if (bound || empty)
        return CERTSTORE_OK;
    if (entry->kind == CERTSTORE_OPAQUE && !csi_p12_is_bag(entry))
        return csi_report_add(losses, "opaque-lost", CERTSTORE_FAULT, entry->alias, err, "PKCS#12 has no place for %s",
                              entry->type != NULL ? entry->type : "it");
    for (size_t i = 0; i < entry->trust.rejected_count && !losses->left_out_only; i++)
        CSI_TRY(csi_report_add(losses, "trust-lost", CERTSTORE_WARNING, entry->alias, err, "PKCS#12 cannot say that it is not trusted for %s",
                               entry->trust.rejected[i]));
    return CERTSTORE_OK;
}

static certstore_status losses(const certstore_bundle *bundle, certstore_report *report, certstore_error *err)
{
    for (size_t i = 0; i < bundle->count; i++)
        CSI_TRY(losses_of(bundle->entries[i], report, err));
    return CERTSTORE_OK;
}

static const char *const suffixes[] = { ".p12", ".pfx", ".pkcs12", NULL };

const struct csi_codec csi_codec_pkcs12 = {
    .name = "pkcs12",
    .capabilities = CERTSTORE_CAN_READ | CERTSTORE_CAN_WRITE | CERTSTORE_CAN_TRUSTED | CERTSTORE_CAN_KEYS | CERTSTORE_CAN_SECRETS |
                    CERTSTORE_CAN_CRLS | CERTSTORE_CAN_ALIASES | CERTSTORE_CAN_TRUST_PURPOSES | CERTSTORE_CAN_DATES | CERTSTORE_CAN_KEY_PASSWORDS |
                    CERTSTORE_CAN_INTEGRITY,
    .rule = CSI_ALIAS_LOWER,
    .suffixes = suffixes,
    .probe = probe,
    .decode = decode,
    .encode = csi_pkcs12_encode,
    .losses = losses,
};
