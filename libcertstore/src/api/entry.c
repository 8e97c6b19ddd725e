/* SPDX-License-Identifier: Apache-2.0 */
/* entry.c: public functions of an entry: making one, asking one, opening its key. */
#include "model/entry.h"
#include "model/object.h"

#include <p11-kit/pkcs11.h>

#include "api/call.h"
#include "api/transcode.h"
#include "base/bytes.h"
#include "codec/pkcs8.h"

static bool alias_given(const char *alias, certstore_error *err)
{
    if (alias == NULL)
        csi_fail_null(err, "alias");
    else if (!csi_utf8_valid(csi_span_text(alias)))
        csi_fail(err, CERTSTORE_E_ARGUMENT, "alias: it is not UTF-8; convert it");
    return err->status == CERTSTORE_OK;
}

static certstore_status append_single(certstore_entry *entry, const uint8_t *data, size_t size, certstore_error *err)
{
    if (data == NULL)
        return csi_fail_null(err, "data");
    CSI_AUTO(csi_blob) *der = csi_single_der(csi_span(data, size), CERTSTORE_TRUSTED, err);
    if (der == NULL)
        return err->status;
    struct csi_cert_view view;
    if (!csi_cert_skim(csi_blob_span(der), &view))
        return csi_fail(err, CERTSTORE_E_MALFORMED, "certificate: the bytes are no X.509 certificate; give one in DER or PEM");
    return csi_entry_append_cert(entry, der, csi_blob_span(der), err);
}

certstore_entry *certstore_entry_new_trusted(const char *alias, const uint8_t *data, size_t size, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err) || !alias_given(alias, err))
        return NULL;
    CSI_AUTO(certstore_entry) *entry = csi_entry_new(CERTSTORE_TRUSTED, alias, err);
    return entry != NULL && append_single(entry, data, size, err) == CERTSTORE_OK ? csi_steal(&entry) : NULL;
}

certstore_entry *certstore_entry_new_key(const char *alias, const uint8_t *pkcs8, size_t size, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err) || !alias_given(alias, err))
        return NULL;
    struct csi_span oid;
    if (pkcs8 == NULL || !csi_pkcs8_algorithm(csi_span(pkcs8, size), &oid)) {
        csi_fail(err, CERTSTORE_E_MALFORMED,
                 "private key: the bytes are no PKCS#8 PrivateKeyInfo; convert the key with 'openssl pkcs8 -topk8 -nocrypt'");
        return NULL;
    }
    CSI_AUTO(certstore_entry) *entry = csi_entry_new(CERTSTORE_KEY, alias, err);
    if (entry == NULL)
        return NULL;
    entry->key = csi_key_new_plain(csi_span(pkcs8, size), "", err);
    return entry->key != NULL ? csi_steal(&entry) : NULL;
}

certstore_entry *certstore_entry_new_secret(const char *alias, const char *algorithm, const uint8_t *data, size_t size, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err) || !alias_given(alias, err))
        return NULL;
    if (algorithm == NULL || algorithm[0] == '\0' || strlen(algorithm) >= sizeof((struct csi_plain_key *)NULL)->algorithm || data == NULL ||
        size == 0) {
        csi_fail(err, CERTSTORE_E_ARGUMENT, "secret key: give its algorithm's name (1 to 63 bytes) and at least one byte");
        return NULL;
    }
    CSI_AUTO(certstore_entry) *entry = csi_entry_new(CERTSTORE_SECRET, alias, err);
    if (entry == NULL)
        return NULL;
    entry->key = csi_key_new_plain(csi_span(data, size), algorithm, err);
    return entry->key != NULL ? csi_steal(&entry) : NULL;
}

certstore_entry *certstore_entry_new_crl(const char *alias, const uint8_t *data, size_t size, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err) || !alias_given(alias, err))
        return NULL;
    if (data == NULL) {
        csi_fail_null(err, "data");
        return NULL;
    }
    CSI_AUTO(certstore_entry) *entry = csi_entry_new(CERTSTORE_CRL, alias, err);
    if (entry == NULL)
        return NULL;
    entry->content = csi_single_der(csi_span(data, size), CERTSTORE_CRL, err);
    return entry->content != NULL ? csi_steal(&entry) : NULL;
}

certstore_entry *certstore_entry_copy(const certstore_entry *entry, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return NULL;
    if (entry == NULL) {
        csi_fail_null(err, "entry");
        return NULL;
    }
    return csi_entry_copy(entry, err);
}

/* The fence of every setter: an entry in a bundle is shared and never changes. */
static certstore_status own(const certstore_entry *entry, certstore_error *err)
{
    if (entry == NULL)
        return csi_fail_null(err, "entry");
    if (entry->frozen)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "entry: it belongs to a bundle; change a certstore_entry_copy() and put that");
    return CERTSTORE_OK;
}

certstore_status certstore_entry_set_alias(certstore_entry *entry, const char *alias, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return err->status;
    CSI_TRY(own(entry, err));
    return alias_given(alias, err) ? csi_entry_set_alias(entry, alias, err) : err->status;
}

certstore_status certstore_entry_add_cert(certstore_entry *entry, const uint8_t *data, size_t size, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return err->status;
    CSI_TRY(own(entry, err));
    if (entry->kind != CERTSTORE_KEY && (entry->kind != CERTSTORE_TRUSTED || entry->cert_count > 0))
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "entry: only a private key has a chain of certificates; make one entry for each certificate");
    CSI_TRY(append_single(entry, data, size, err));
    entry->origin.changed |= CSI_CHANGED_CERTS;
    return CERTSTORE_OK;
}

certstore_status certstore_entry_clear_certs(certstore_entry *entry, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return err->status;
    CSI_TRY(own(entry, err));
    csi_entry_clear_certs(entry);
    entry->origin.changed |= CSI_CHANGED_CERTS;
    return CERTSTORE_OK;
}

certstore_status certstore_entry_set_created(certstore_entry *entry, int64_t milliseconds, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return err->status;
    CSI_TRY(own(entry, err));
    entry->created_ms = milliseconds;
    entry->origin.changed |= CSI_CHANGED_CREATED;
    return CERTSTORE_OK;
}

static certstore_status add_purpose(certstore_entry *entry, const char *purpose, bool reject, certstore_error *err)
{
    CSI_TRY(own(entry, err));
    if (purpose == NULL)
        return csi_fail_null(err, "purpose");
    if (entry->kind != CERTSTORE_TRUSTED)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "entry: only a trusted certificate has purposes");
    CSI_TRY(csi_entry_add_trust(entry, purpose, reject, err));
    entry->origin.changed |= CSI_CHANGED_TRUST;
    return CERTSTORE_OK;
}

certstore_status certstore_entry_add_trust(certstore_entry *entry, const char *purpose, certstore_error *err)
{
    CSI_AUTO_CALL call;
    return csi_call_begin(&call, &err) ? add_purpose(entry, purpose, false, err) : err->status;
}

certstore_status certstore_entry_add_reject(certstore_entry *entry, const char *purpose, certstore_error *err)
{
    CSI_AUTO_CALL call;
    return csi_call_begin(&call, &err) ? add_purpose(entry, purpose, true, err) : err->status;
}

const char *certstore_entry_alias(const certstore_entry *entry)
{
    return entry != NULL ? entry->alias : "";
}

certstore_kind certstore_entry_kind(const certstore_entry *entry)
{
    return entry != NULL ? entry->kind : CERTSTORE_OPAQUE;
}

int64_t certstore_entry_created(const certstore_entry *entry)
{
    return entry != NULL ? entry->created_ms : INT64_MIN;
}

size_t certstore_entry_cert_count(const certstore_entry *entry)
{
    return entry != NULL ? entry->cert_count : 0;
}

const certstore_cert *certstore_entry_cert(const certstore_entry *entry, size_t index)
{
    return entry != NULL && index < entry->cert_count ? &entry->certs[index] : NULL;
}

size_t certstore_entry_trust_count(const certstore_entry *entry)
{
    return entry != NULL ? entry->trust.trusted_count : 0;
}

const char *certstore_entry_trust(const certstore_entry *entry, size_t index)
{
    return entry != NULL && index < entry->trust.trusted_count ? entry->trust.trusted[index] : NULL;
}

size_t certstore_entry_reject_count(const certstore_entry *entry)
{
    return entry != NULL ? entry->trust.rejected_count : 0;
}

const char *certstore_entry_reject(const certstore_entry *entry, size_t index)
{
    return entry != NULL && index < entry->trust.rejected_count ? entry->trust.rejected[index] : NULL;
}

int certstore_entry_encrypted(const certstore_entry *entry)
{
    return entry != NULL && entry->key != NULL && entry->key->protection != NULL;
}

int certstore_entry_bound(const certstore_entry *entry)
{
    if (entry == NULL || !csi_key_is_remote(entry->key))
        return 0;
    struct csi_span object = csi_blob_span(entry->key->sealed);
    return csi_object_flag(object, CKA_SENSITIVE, true) || !csi_object_flag(object, CKA_EXTRACTABLE, false);
}

const char *certstore_entry_type(const certstore_entry *entry)
{
    return entry != NULL && entry->kind == CERTSTORE_OPAQUE && entry->type != NULL ? entry->type : "";
}
