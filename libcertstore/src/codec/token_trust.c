/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_trust.c: what a token says of trust, and the one model's purposes.
 *
 * NSS says it in an object of its own, bound to a certificate by issuer, serial number and SHA-1, with a level for each of four purposes. p11-kit
 * says it in two attributes of the certificate, and makes up NSS's objects from them and from the usages it was given. Everybody else says nothing:
 * what is on the token is trusted by whoever reads it.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* SHA-1 and MD5 as csi_sha256(): they cannot fail, and here they bind and do not protect */
#include "codec/token.h"

#include <openssl/md5.h>
#include <openssl/sha.h>
#include <p11-kit/pkcs11.h>
#include <p11-kit/pkcs11x.h>

#include "base/writer.h"
#include "model/certinfo.h"

static const struct {
    uint32_t attribute;
    const char *purpose;
} levels[] = {
    { CKA_TRUST_SERVER_AUTH, "serverAuth" },
    { CKA_TRUST_CLIENT_AUTH, "clientAuth" },
    { CKA_TRUST_CODE_SIGNING, "codeSigning" },
    { CKA_TRUST_EMAIL_PROTECTION, "emailProtection" },
};
enum { LEVELS = sizeof levels / sizeof *levels };

enum csi_token_trust csi_token_trust_of(const struct csi_codec *codec, unsigned traits)
{
    if (codec == &csi_codec_nss || (traits & CSI_TOKEN_NSS_TRUST) != 0)
        return CSI_TRUST_BY_OBJECT;
    return (traits & CSI_TOKEN_P11_TRUST) != 0 ? CSI_TRUST_BY_ATTRIBUTE : CSI_TRUST_BY_PRESENCE;
}

/* ----------------------------------------------------------------------------------------------------------------- binding */

void csi_token_serial_key(struct csi_span issuer, struct csi_span serial, uint8_t key[32])
{
    csi_token_key(issuer, serial, key);
}

bool csi_token_serial_key_of(struct csi_span object, uint8_t key[32])
{
    struct csi_span issuer;
    struct csi_span serial;
    struct csi_tlv tlv;
    if (!csi_object_get(object, CKA_ISSUER, &issuer) || !csi_object_get(object, CKA_SERIAL_NUMBER, &serial))
        return false;
    struct csi_reader r = csi_reader(serial);
    if (csi_der_expect(&r, CSI_DER_INTEGER, &tlv) && csi_left(&r) == 0) /* DER by the standard; some write the number alone */
        serial = tlv.content;
    csi_token_serial_key(issuer, serial, key);
    return true;
}

bool csi_token_trust_fits(struct csi_span trust, struct csi_span der)
{
    struct csi_span named;
    uint8_t digest[SHA_DIGEST_LENGTH];
    if (!csi_object_get(trust, CKA_CERT_SHA1_HASH, &named))
        return true;
    SHA1(der.data, der.size, digest);
    return csi_span_equal(named, csi_span(digest, sizeof digest));
}

/* ----------------------------------------------------------------------------------------------------------------- reading */

static bool is_trusted(uint32_t level)
{
    return level == CKT_NSS_TRUSTED_DELEGATOR || level == CKT_NSS_TRUSTED;
}

certstore_status csi_token_read_trust(struct csi_span trust, certstore_entry *entry, certstore_error *err)
{
    for (size_t i = 0; i < LEVELS; i++) {
        uint32_t level = csi_object_number(trust, levels[i].attribute, CKT_NSS_TRUST_UNKNOWN);
        if (is_trusted(level) || level == CKT_NSS_NOT_TRUSTED)
            CSI_TRY(csi_entry_add_trust(entry, levels[i].purpose, level == CKT_NSS_NOT_TRUSTED, err));
    }
    return CERTSTORE_OK;
}

certstore_status csi_token_read_flags(struct csi_span cert, certstore_entry *entry, certstore_error *err)
{
    if (csi_object_flag(cert, CKA_X_DISTRUSTED, false))
        return csi_entry_add_trust(entry, "any", true, err);
    return csi_object_flag(cert, CKA_TRUSTED, false) ? csi_entry_add_trust(entry, "any", false, err) : CERTSTORE_OK;
}

/* ----------------------------------------------------------------------------------------------------------------- writing */

static bool has(char *const *purposes, size_t count, const char *purpose)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(purposes[i], purpose) == 0)
            return true;
    return false;
}

bool csi_token_trusts_all(const certstore_entry *entry)
{
    return has(entry->trust.trusted, entry->trust.trusted_count, "any") && entry->trust.rejected_count == 0;
}

bool csi_token_rejects_all(const certstore_entry *entry)
{
    return has(entry->trust.rejected, entry->trust.rejected_count, "any");
}

static bool is_foreign(const char *purpose)
{
    for (size_t i = 0; i < LEVELS; i++)
        if (strcmp(levels[i].purpose, purpose) == 0)
            return false;
    return strcmp(purpose, "any") != 0;
}

bool csi_token_has_foreign_purpose(const certstore_entry *entry)
{
    for (size_t i = 0; i < entry->trust.trusted_count; i++)
        if (is_foreign(entry->trust.trusted[i]))
            return true;
    for (size_t i = 0; i < entry->trust.rejected_count; i++)
        if (is_foreign(entry->trust.rejected[i]))
            return true;
    return false;
}

/* An authority is trusted for what it issues, anything else for itself. */
static uint32_t wanted_level(const certstore_entry *entry, const char *purpose, bool is_ca, uint32_t silent)
{
    const struct csi_trust *trust = &entry->trust;
    if (csi_token_rejects_all(entry) || has(trust->rejected, trust->rejected_count, purpose))
        return CKT_NSS_NOT_TRUSTED;
    if (has(trust->trusted, trust->trusted_count, "any") || has(trust->trusted, trust->trusted_count, purpose))
        return is_ca ? CKT_NSS_TRUSTED_DELEGATOR : CKT_NSS_TRUSTED;
    return silent;
}

/* What a purpose that the entry does not name had before: "valid delegator" and the like stay, trust and distrust do not. */
static uint32_t silent_level(struct csi_span old, uint32_t attribute)
{
    uint32_t level = old.size > 0 ? csi_object_number(old, attribute, CKT_NSS_MUST_VERIFY_TRUST) : CKT_NSS_MUST_VERIFY_TRUST;
    return is_trusted(level) || level == CKT_NSS_NOT_TRUSTED ? CKT_NSS_MUST_VERIFY_TRUST : level;
}

static void put_serial(struct csi_object_draft *draft, struct csi_span serial)
{
    CSI_AUTO_BUF der = { 0 };
    csi_der_put(&der, CSI_DER_INTEGER, serial);
    csi_object_put(draft, CKA_SERIAL_NUMBER, csi_buf_span(&der));
    draft->bytes.failed = draft->bytes.failed || der.failed;
}

csi_blob *csi_token_make_trust(const certstore_entry *entry, struct csi_span old, certstore_error *err)
{
    CSI_AUTO_DRAFT draft = { 0 };
    struct csi_cert_view view;
    uint8_t sha1[SHA_DIGEST_LENGTH];
    uint8_t md5[MD5_DIGEST_LENGTH];
    bool says_something = false;
    const struct certstore_cert *cert = &entry->certs[0];
    if (entry->cert_count == 0 || !csi_cert_skim(csi_span(cert->data, cert->size), &view))
        return NULL;
    bool is_ca = csi_cert_is_ca(&view) || (view.extensions.size == 0 && csi_span_equal(view.issuer, view.subject)); /* a root of version 1 */
    for (size_t i = 0; i < LEVELS; i++) {
        uint32_t silent = silent_level(old, levels[i].attribute);
        uint32_t level = wanted_level(entry, levels[i].purpose, is_ca, silent);
        says_something = says_something || level != silent;
        csi_object_put_number(&draft, levels[i].attribute, level);
    }
    if (!says_something)
        return NULL;
    SHA1(cert->data, cert->size, sha1);
    MD5(cert->data, cert->size, md5);
    csi_object_put_number(&draft, CKA_CLASS, CKO_NSS_TRUST);
    csi_object_put(&draft, CKA_ISSUER, view.issuer);
    put_serial(&draft, view.serial);
    csi_object_put(&draft, CKA_CERT_SHA1_HASH, csi_span(sha1, sizeof sha1));
    csi_object_put(&draft, CKA_CERT_MD5_HASH, csi_span(md5, sizeof md5));
    csi_object_put_flag(&draft, CKA_TRUST_STEP_UP_APPROVED, false);
    return csi_object_finish(&draft, err);
}
