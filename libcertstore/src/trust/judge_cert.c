/* SPDX-License-Identifier: Apache-2.0 */
/* judge_cert.c: a certificate or a revocation list by itself, from its skimmed bytes. */
#include <stdio.h>

#include "model/certinfo.h"
#include "trust/judge.h"

enum { SECONDS_A_DAY = 86400 };

/* What a message begins with: nothing for an entry's own certificate, else which of its chain. */
static void put_which(const certstore_entry *entry, size_t number, struct csi_buf *text)
{
    if (number == 0)
        return;
    csi_buf_printf(text, "certificate %zu of the chain, ", number + 1);
    csi_cert_label(csi_span(entry->certs[number].data, entry->certs[number].size), text);
    csi_buf_put_text(text, ": ");
}

static certstore_status add_about(const struct csi_judge *judge, const char *code, certstore_severity severity, const certstore_entry *entry,
                                  size_t number, const char *message)
{
    CSI_AUTO_BUF text = { 0 };
    put_which(entry, number, &text);
    csi_buf_put_text(&text, message);
    csi_buf_put_u8(&text, 0);
    CSI_TRY(csi_buf_check(&text, judge->err));
    return csi_judge_add(judge, code, severity, entry->alias, (const char *)text.data);
}

static certstore_status judge_dates(const struct csi_judge *judge, const certstore_entry *entry, size_t number, const struct csi_cert_view *view)
{
    int64_t from;
    int64_t to;
    char when[CSI_TIME_TEXT_SIZE];
    char message[128];
    if (!csi_time_from_der(view->not_before, &from) || !csi_time_from_der(view->not_after, &to))
        return add_about(judge, "unreadable-certificate", CERTSTORE_FAULT, entry, number, "its dates cannot be read; replace it");
    if (from > judge->now) {
        csi_time_text(from, when);
        snprintf(message, sizeof message, "not valid before %s; wait, or set the clock right", when);
        return add_about(judge, "not-yet-valid", CERTSTORE_FAULT, entry, number, message);
    }
    if (to >= judge->soon)
        return CERTSTORE_OK;
    csi_time_text(to, when);
    if (to < judge->now) {
        snprintf(message, sizeof message, "expired on %s, %lld days ago; replace it", when, (long long)(judge->now - to) / SECONDS_A_DAY);
        return add_about(judge, "expired", CERTSTORE_FAULT, entry, number, message);
    }
    snprintf(message, sizeof message, "expires on %s, in %lld days; renew it", when, (long long)(to - judge->now) / SECONDS_A_DAY);
    return add_about(judge, "expiring", CERTSTORE_WARNING, entry, number, message);
}

static certstore_status judge_key(const struct csi_judge *judge, const certstore_entry *entry, size_t number, const struct csi_cert_view *view)
{
    /* NIST SP 800-131A: below 112 bits of security. Bits 0: not known, and nothing to say. */
    static const struct {
        const char *name;
        int least;
    } rules[] = { { "RSA", 2048 }, { "RSA-PSS", 2048 }, { "EC", 224 }, { "DSA", INT32_MAX } };
    CSI_AUTO_BUF algorithm = { 0 };
    char message[128];
    int bits = csi_spki_bits(view->spki);
    if (!csi_spki_algorithm(view->spki, &algorithm))
        return add_about(judge, "unreadable-certificate", CERTSTORE_FAULT, entry, number, "its public key cannot be read; replace it");
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (!csi_span_equal(csi_buf_span(&algorithm), csi_span_text(rules[i].name)) || bits == 0 || bits >= rules[i].least)
            continue;
        snprintf(message, sizeof message, "its %d bit %s key is too weak today; make a new key", bits, rules[i].name);
        return add_about(judge, "weak-key", CERTSTORE_WARNING, entry, number, message);
    }
    return CERTSTORE_OK;
}

/* RSASSA-PSS-params (RFC 4055 section 3.1): hashAlgorithm [0] DEFAULT sha1. */
static bool pss_is_sha1(struct csi_reader parameters)
{
    static const uint8_t sha1[] = { 0x2b, 0x0e, 0x03, 0x02, 0x1a };
    struct csi_reader fields;
    struct csi_reader hash;
    struct csi_reader algorithm;
    struct csi_tlv oid;
    if (csi_left(&parameters) == 0)
        return true;
    if (!csi_der_enter(&parameters, CSI_DER_SEQUENCE, &fields))
        return false;
    if (!csi_der_enter(&fields, CSI_DER_CONTEXT_CONSTRUCTED | 0, &hash))
        return true;
    return csi_der_enter(&hash, CSI_DER_SEQUENCE, &algorithm) && csi_der_expect(&algorithm, CSI_DER_OID, &oid) &&
           csi_span_equal(oid.content, csi_span(sha1, sizeof sha1));
}

/* The broken hash of a signature algorithm; NULL when it has none. */
static const char *broken_hash(struct csi_span algorithm)
{
    static const struct {
        uint8_t size;
        uint8_t oid[9];
        const char *hash;
    } broken[] = {
        { 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x02 }, "MD2" },
        { 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x03 }, "MD4" },
        { 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04 }, "MD5" },
        { 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05 }, "SHA-1" },
        { 7, { 0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x03 }, "SHA-1" }, /* dsa-with-SHA1 */
        { 7, { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01 }, "SHA-1" }, /* ecdsa-with-SHA1 */
        { 5, { 0x2b, 0x0e, 0x03, 0x02, 0x03 }, "MD5" },               /* OIW's names for the same */
        { 5, { 0x2b, 0x0e, 0x03, 0x02, 0x1b }, "SHA-1" },
        { 5, { 0x2b, 0x0e, 0x03, 0x02, 0x1d }, "SHA-1" },
    };
    static const uint8_t pss[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a };
    struct csi_reader r = csi_reader(algorithm);
    struct csi_reader inner;
    struct csi_tlv oid;
    if (!csi_der_enter(&r, CSI_DER_SEQUENCE, &inner) || !csi_der_expect(&inner, CSI_DER_OID, &oid))
        return NULL;
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        if (csi_span_equal(oid.content, csi_span(broken[i].oid, broken[i].size)))
            return broken[i].hash;
    return csi_span_equal(oid.content, csi_span(pss, sizeof pss)) && pss_is_sha1(inner) ? "SHA-1" : NULL;
}

static certstore_status judge_signature(const struct csi_judge *judge, const certstore_entry *entry, size_t number, const struct csi_cert_view *view)
{
    /* Nobody relies on the signature of a self-issued certificate: it is trusted for being there. */
    const char *hash = csi_span_equal(view->issuer, view->subject) ? NULL : broken_hash(view->signature_algorithm);
    char message[128];
    if (hash == NULL)
        return CERTSTORE_OK;
    snprintf(message, sizeof message, "signed over %s, which can be forged; have it issued anew", hash);
    return add_about(judge, "weak-signature", CERTSTORE_WARNING, entry, number, message);
}

certstore_status csi_judge_cert(const struct csi_judge *judge, const certstore_entry *entry, size_t number)
{
    const struct certstore_cert *cert = &entry->certs[number];
    struct csi_cert_view view;
    if (!csi_cert_skim(csi_span(cert->data, cert->size), &view))
        return add_about(judge, "unreadable-certificate", CERTSTORE_FAULT, entry, number, "not an X.509 certificate; replace or remove it");
    CSI_TRY(judge_dates(judge, entry, number, &view));
    CSI_TRY(judge_key(judge, entry, number, &view));
    return judge_signature(judge, entry, number, &view);
}

/* TBSCertList ::= SEQUENCE { version OPTIONAL, signature, issuer, thisUpdate, nextUpdate OPTIONAL ... } (RFC 5280 section 5.1) */
certstore_status csi_judge_crl(const struct csi_judge *judge, const certstore_entry *entry)
{
    struct csi_reader r = csi_reader(csi_blob_span(entry->content));
    struct csi_reader list;
    struct csi_reader tbs;
    struct csi_tlv part;
    int64_t due;
    char when[CSI_TIME_TEXT_SIZE];
    char message[128];
    bool outline = csi_der_enter(&r, CSI_DER_SEQUENCE, &list) && csi_der_enter(&list, CSI_DER_SEQUENCE, &tbs);
    if (outline)
        csi_der_expect(&tbs, CSI_DER_INTEGER, &part);
    if (!outline || !csi_der_expect(&tbs, CSI_DER_SEQUENCE, &part) || !csi_der_expect(&tbs, CSI_DER_SEQUENCE, &part) || !csi_der_next(&tbs, &part))
        return csi_judge_add(judge, "unreadable-crl", CERTSTORE_FAULT, entry->alias, "not an X.509 revocation list; replace or remove it");
    if (!csi_der_next(&tbs, &part) || !csi_time_from_der(part.whole, &due) || due >= judge->now)
        return CERTSTORE_OK;
    csi_time_text(due, when);
    snprintf(message, sizeof message, "the next revocation list was due on %s; fetch it", when);
    return csi_judge_add(judge, "crl-expired", CERTSTORE_WARNING, entry->alias, message);
}
