/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs12_make.c: new bags and new encryption. */
#include "base/text.h"
#include "base/writer.h"
#include "codec/pkcs12_encode.h"
#include "codec/pkcs8.h"
#include "model/purpose.h"

enum { OLD_JAVA_ITERATIONS = 50000, NEW_ITERATIONS = 10000, PBE_3DES = 3, PBE_RC2_40 = 6 };

/* Attribute ::= SEQUENCE { type OID, values SET }: the value stands in out since `from`. */
static void wrap_attribute(struct csi_buf *out, size_t from, struct csi_span type)
{
    CSI_AUTO_BUF oid = { 0 };
    csi_der_wrap(out, from, CSI_DER_SET);
    csi_der_put(&oid, CSI_DER_OID, type);
    uint8_t *room = csi_buf_reserve(out, oid.size);
    out->failed = out->failed || oid.failed;
    if (room == NULL || out->failed)
        return;
    memmove(out->data + from + oid.size, out->data + from, out->size - from);
    memcpy(out->data + from, oid.data, oid.size);
    out->size += oid.size;
    csi_der_wrap(out, from, CSI_DER_SEQUENCE);
}

static certstore_status put_name(struct csi_buf *out, const char *alias, certstore_error *err)
{
    size_t from = out->size;
    if (!csi_text_to_utf16be(csi_span_text(alias), out))
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "alias: it is not UTF-8; choose another");
    csi_der_wrap(out, from, CSI_DER_BMP_STRING);
    wrap_attribute(out, from, csi_oid_friendly_name);
    return CERTSTORE_OK;
}

/* Java reads the attribute's values as extended key usages; any (2.5.29.37.0) where the entry names none. */
static certstore_status put_trust(struct csi_buf *out, const struct csi_trust *trust, certstore_error *err)
{
    static const uint8_t any[] = { 0x55, 0x1d, 0x25, 0x00 };
    size_t from = out->size;
    for (size_t i = 0; i < trust->trusted_count; i++) {
        uint8_t oid[128];
        size_t size;
        if (!csi_purpose_to_oid(trust->trusted[i], oid, sizeof oid, &size))
            return csi_fail(err, CERTSTORE_E_ARGUMENT, "trust: %s is no purpose; name one or give a dotted OID", trust->trusted[i]);
        csi_der_put(out, CSI_DER_OID, csi_span(oid, size));
    }
    if (trust->trusted_count == 0)
        csi_der_put(out, CSI_DER_OID, csi_span(any, sizeof any));
    wrap_attribute(out, from, csi_oid_java_trust);
    return CERTSTORE_OK;
}

static bool is_set_here(struct csi_span type, const struct csi_bag_says *says)
{
    return (says->alias != NULL && csi_span_equal(type, csi_oid_friendly_name)) ||
           (says->local_key_id.size > 0 && csi_span_equal(type, csi_oid_local_key_id)) ||
           (says->trust != NULL && csi_span_equal(type, csi_oid_java_trust));
}

static void put_kept(struct csi_buf *out, const struct csi_bag_says *says)
{
    struct csi_reader r = csi_reader(says->keep);
    struct csi_tlv attribute, type;
    while (csi_der_next(&r, &attribute)) {
        struct csi_reader body = csi_reader(attribute.content);
        if (csi_der_expect(&body, CSI_DER_OID, &type) && !is_set_here(type.content, says))
            csi_buf_put_span(out, attribute.whole);
    }
}

static certstore_status put_attributes(struct csi_buf *out, const struct csi_bag_says *says, certstore_error *err)
{
    size_t from = out->size;
    put_kept(out, says);
    if (says->alias != NULL)
        CSI_TRY(put_name(out, says->alias, err));
    if (says->local_key_id.size > 0) {
        size_t value = out->size;
        csi_der_put(out, CSI_DER_OCTET_STRING, says->local_key_id);
        wrap_attribute(out, value, csi_oid_local_key_id);
    }
    if (says->trust != NULL)
        CSI_TRY(put_trust(out, says->trust, err));
    if (out->size > from)
        csi_der_wrap(out, from, CSI_DER_SET);
    return CERTSTORE_OK;
}

certstore_status csi_bag_put(struct csi_buf *out, struct csi_span type, struct csi_span value, const struct csi_bag_says *says, certstore_error *err)
{
    size_t from = out->size;
    csi_der_put(out, CSI_DER_OID, type);
    csi_der_put(out, CSI_DER_CONTEXT_CONSTRUCTED | 0, value);
    CSI_TRY(put_attributes(out, says, err));
    csi_der_wrap(out, from, CSI_DER_SEQUENCE);
    return csi_buf_check(out, err);
}

void csi_bag_put_typed(struct csi_buf *out, struct csi_span type, struct csi_span octets)
{
    size_t from = out->size;
    csi_der_put(out, CSI_DER_OID, type);
    size_t content = out->size;
    csi_der_put(out, CSI_DER_OCTET_STRING, octets);
    csi_der_wrap(out, content, CSI_DER_CONTEXT_CONSTRUCTED | 0);
    csi_der_wrap(out, from, CSI_DER_SEQUENCE);
}

static bool is_ascii(const csi_secret *password)
{
    for (size_t i = 0; i < password->size; i++)
        if (password->data[i] < 0x20 || password->data[i] > 0x7e)
            return false;
    return true;
}

/* Java opens no PKCS#12 content under such a passphrase, whatever the algorithm (PBEKey: "Password is not ASCII", JDK 17), nor writes any. */
certstore_status csi_p12_check_password(enum csi_profile profile, const csi_secret *password, certstore_error *err)
{
    if (password == NULL || is_ascii(password) || (profile != CSI_PROFILE_JAVA8 && profile != CSI_PROFILE_JAVA17))
        return CERTSTORE_OK;
    return csi_fail(err, CERTSTORE_E_ARGUMENT,
                    "passphrase: Java opens PKCS#12 with ASCII passphrases only; choose such a one, or a profile not for Java");
}

static bool wants_pbes1(enum csi_profile profile)
{
    return profile == CSI_PROFILE_JAVA8 || profile == CSI_PROFILE_LEGACY;
}

void csi_p12_put_safe_algorithm(enum csi_profile profile, struct csi_buf *out)
{
    if (wants_pbes1(profile))
        csi_pbe_put_pkcs12(out, profile == CSI_PROFILE_LEGACY ? PBE_RC2_40 : PBE_3DES, OLD_JAVA_ITERATIONS);
    else
        csi_pbe_put_pbes2(out, NEW_ITERATIONS);
}

static csi_blob *seal(const struct csi_p12_edit *edit, struct csi_span pkcs8, const csi_secret *password, struct csi_span like, certstore_error *err)
{
    if (like.size > 0)
        return csi_pkcs8_reseal(like, pkcs8, password, &edit->limits, err);
    if (csi_p12_check_password(edit->in->profile, password, err) != CERTSTORE_OK)
        return NULL;
    if (wants_pbes1(edit->in->profile))
        return csi_pkcs8_seal(CSI_PKCS8_PBE_SHA1_3DES, pkcs8, password, OLD_JAVA_ITERATIONS, err);
    return csi_pkcs8_seal(CSI_PKCS8_PBES2_AES256_SHA256, pkcs8, password, NEW_ITERATIONS, err);
}

/* A secret key's bag holds an encrypted form in any case: there is no other that Java would read. */
static certstore_status make_secret(struct csi_p12_edit *edit, const struct csi_plain_key *plain, const char *alias, const csi_secret *password,
                                    struct csi_span like, struct csi_buf *value, certstore_error *err)
{
    uint8_t oid[CSI_BAG_OID_SIZE];
    CSI_AUTO_BUF wrapped = { 0 };
    if (password == NULL)
        return csi_fail(err, CERTSTORE_E_PASSWORD, "%s: PKCS#12 holds secret keys encrypted only; give a passphrase", alias);
    CSI_TRY(csi_p12_secret_wrap(plain->algorithm, csi_secret_span(plain->bytes), &wrapped, err));
    CSI_AUTO(csi_blob) *sealed = seal(edit, csi_buf_span(&wrapped), password, like, err);
    if (sealed == NULL)
        return err->status;
    csi_bag_oid(CSI_BAG_OID_SHROUDED, oid);
    csi_bag_put_typed(value, csi_span(oid, sizeof oid), csi_blob_span(sealed));
    return csi_buf_check(value, err);
}

/* A key that does not open with what is at hand goes along as it is, if its encrypted form is one that PKCS#12 has. */
static bool carry_sealed(const certstore_entry *entry, struct csi_buf *value, enum csi_bag_number *number)
{
    uint8_t oid[CSI_BAG_OID_SIZE];
    const csi_key *key = entry->key;
    if (key->protection == &csi_protection_pkcs8 && entry->kind == CERTSTORE_KEY && !csi_pkcs8_is_java(csi_blob_span(key->sealed))) {
        csi_buf_put_span(value, csi_blob_span(key->sealed));
        *number = CSI_BAG_OID_SHROUDED;
        return true;
    }
    if (key->protection != &csi_protection_pkcs12_secret)
        return false;
    csi_bag_oid(CSI_BAG_OID_SHROUDED, oid);
    csi_bag_put_typed(value, csi_span(oid, sizeof oid), csi_blob_span(key->sealed));
    *number = CSI_BAG_OID_SECRET;
    return true;
}

certstore_status csi_bag_make_key(struct csi_p12_edit *edit, const certstore_entry *entry, const csi_secret *password, struct csi_span like,
                                  struct csi_buf *value, enum csi_bag_number *number, certstore_error *err)
{
    CSI_AUTO_PLAIN plain = { 0 };
    certstore_error closed = { 0 };
    if (csi_key_open(entry->key, entry->alias, edit->in->passwords, &plain, &closed) != CERTSTORE_OK) {
        if (closed.status == CERTSTORE_E_PASSWORD && !edit->in->reprotect && carry_sealed(entry, value, number))
            return csi_buf_check(value, err);
        csi_error_move(err, &closed);
        return err->status;
    }
    *number = CSI_BAG_OID_SECRET;
    if (entry->kind == CERTSTORE_SECRET)
        return make_secret(edit, &plain, entry->alias, password, like, value, err);
    *number = password != NULL ? CSI_BAG_OID_SHROUDED : CSI_BAG_OID_KEY;
    if (password == NULL) {
        csi_buf_put_span(value, csi_secret_span(plain.bytes));
        return csi_buf_check(value, err);
    }
    CSI_AUTO(csi_blob) *sealed = seal(edit, csi_secret_span(plain.bytes), password, like, err);
    if (sealed == NULL)
        return err->status;
    csi_buf_put_span(value, csi_blob_span(sealed));
    return csi_buf_check(value, err);
}
