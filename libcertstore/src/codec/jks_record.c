/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jks_record.c: one entry of a JKS or JCEKS file, as JDK sun/security/provider/JavaKeyStore.java and com/sun/crypto/provider/JceKeyStore.java
 * read it. All integers are big-endian; lengths are Java's signed ints, so the top bit makes one invalid.
 */
#include "codec/java_serial.h"
#include "codec/jks.h"

static certstore_status truncated(certstore_error *err)
{
    return csi_fail(err, CERTSTORE_E_TRUNCATED, "key store: it ends in the middle of an entry; the file was cut short, restore it");
}

static certstore_status take_length(struct csi_reader *r, uint32_t *length, certstore_error *err)
{
    if (!csi_read_u32(r, length))
        return truncated(err);
    if (*length > INT32_MAX)
        return csi_fail(err, CERTSTORE_E_MALFORMED, "key store: an entry says that something in it has a negative length");
    return CERTSTORE_OK;
}

static certstore_status take_bytes(struct csi_reader *r, const struct csi_limits *limits, struct csi_span *bytes, certstore_error *err)
{
    uint32_t length;
    CSI_TRY(take_length(r, &length, err));
    if (!csi_read_span(r, length, bytes))
        return truncated(err);
    return csi_limit_check(limits, CERTSTORE_LIMIT_CERT_SIZE, length, err);
}

static bool take_utf(struct csi_reader *r, struct csi_span *text)
{
    uint16_t size;
    return csi_read_u16(r, &size) && csi_read_span(r, size, text);
}

static certstore_status skip_cert(struct csi_reader *r, uint32_t version, const struct csi_limits *limits, certstore_error *err)
{
    struct csi_span ignored;
    if (version != CSI_JKS_VERSION_1 && !take_utf(r, &ignored))
        return truncated(err);
    return take_bytes(r, limits, &ignored, err);
}

static certstore_status take_chain(struct csi_reader *r, uint32_t version, const struct csi_limits *limits, struct csi_jks_record *record,
                                   certstore_error *err)
{
    uint32_t count;
    CSI_TRY(take_length(r, &count, err));
    if (count > csi_left(r) / (version == CSI_JKS_VERSION_1 ? 4 : 6)) /* the least that a certificate takes */
        return truncated(err);
    CSI_TRY(csi_limit_check(limits, CERTSTORE_LIMIT_CHAIN_LENGTH, count, err));
    record->cert_count = count;
    record->certs = *r;
    for (uint32_t i = 0; i < count; i++)
        CSI_TRY(skip_cert(r, version, limits, err));
    return CERTSTORE_OK;
}

static certstore_status take_body(struct csi_reader *r, uint32_t version, const struct csi_limits *limits, struct csi_jks_record *record,
                                  certstore_error *err)
{
    if (record->tag == CSI_JKS_TAG_TRUSTED) {
        record->cert_count = 1;
        record->certs = *r;
        return skip_cert(r, version, limits, err);
    }
    if (record->tag == CSI_JKS_TAG_KEY) {
        CSI_TRY(take_bytes(r, limits, &record->key, err));
        return take_chain(r, version, limits, record, err);
    }
    struct csi_java_sealed sealed;
    CSI_TRY(csi_java_read_sealed(r, &sealed, err));
    record->key = sealed.whole;
    return csi_limit_check(limits, CERTSTORE_LIMIT_CERT_SIZE, sealed.whole.size, err);
}

certstore_status csi_jks_read_record(struct csi_reader *r, uint32_t version, const struct csi_limits *limits, struct csi_jks_record *record,
                                     certstore_error *err)
{
    const uint8_t *start = r->at;
    uint64_t date;
    *record = (struct csi_jks_record){ 0 };
    if (!csi_read_u32(r, &record->tag))
        return truncated(err);
    if (record->tag < CSI_JKS_TAG_KEY || record->tag > CSI_JKS_TAG_SECRET)
        return csi_fail(err, CERTSTORE_E_MALFORMED, "key store: an entry of unknown kind %lu", (unsigned long)record->tag);
    if (!take_utf(r, &record->alias) || !csi_read_u64(r, &date))
        return truncated(err);
    CSI_TRY(csi_limit_check(limits, CERTSTORE_LIMIT_ALIAS_SIZE, record->alias.size, err));
    record->created_ms = (int64_t)date;
    const uint8_t *body = r->at;
    CSI_TRY(take_body(r, version, limits, record, err));
    record->body = csi_span(body, (size_t)(r->at - body));
    record->whole = csi_span(start, (size_t)(r->at - start));
    return CERTSTORE_OK;
}

bool csi_jks_next_cert(struct csi_reader *certs, uint32_t version, struct csi_jks_cert *cert)
{
    uint32_t size;
    cert->type = csi_span_text("X.509");
    if (version != CSI_JKS_VERSION_1 && !take_utf(certs, &cert->type))
        return false;
    return csi_read_u32(certs, &size) && csi_read_span(certs, size, &cert->bytes);
}
