/* SPDX-License-Identifier: Apache-2.0 */
/* cert.c: a certificate seen through a cursor (RFC 5280 section 4.1). */
#include "model/cert.h"

#include <openssl/evp.h>

certstore_status csi_cert_init(struct certstore_cert *cert, csi_blob *owner, struct csi_span der, certstore_error *err)
{
    struct csi_reader r = csi_reader(der);
    struct csi_tlv whole;
    if (!csi_der_expect(&r, CSI_DER_SEQUENCE, &whole) || csi_left(&r) > 0)
        return csi_fail(err, CERTSTORE_E_MALFORMED, "certificate: the bytes are no DER SEQUENCE of their own length; replace the certificate");
    *cert = (struct certstore_cert){ .owner = csi_blob_ref(owner), .data = der.data, .size = der.size };
    return CERTSTORE_OK;
}

void csi_cert_clear(struct certstore_cert *cert)
{
    csi_blob_free(cert->owner);
    *cert = (struct certstore_cert){ 0 };
}

static bool read_validity(struct csi_reader *tbs, struct csi_cert_view *view)
{
    struct csi_reader validity;
    struct csi_tlv from;
    struct csi_tlv to;
    if (!csi_der_enter(tbs, CSI_DER_SEQUENCE, &validity) || !csi_der_next(&validity, &from) || !csi_der_next(&validity, &to))
        return false;
    view->not_before = from.whole;
    view->not_after = to.whole;
    return true;
}

/* issuerUniqueID [1], subjectUniqueID [2] and extensions [3] EXPLICIT SEQUENCE OF Extension, all optional. */
static bool read_extensions(struct csi_reader *tbs, struct csi_cert_view *view)
{
    struct csi_tlv part;
    while (csi_left(tbs) > 0) {
        if (!csi_der_next(tbs, &part))
            return false;
        if (part.tag != (CSI_DER_CONTEXT_CONSTRUCTED | 3))
            continue;
        struct csi_reader explicit = csi_reader(part.content);
        struct csi_tlv list;
        if (!csi_der_expect(&explicit, CSI_DER_SEQUENCE, &list))
            return false;
        view->extensions = list.content;
    }
    return true;
}

bool csi_cert_skim(struct csi_span der, struct csi_cert_view *view)
{
    struct csi_reader outer = csi_reader(der);
    struct csi_reader certificate;
    struct csi_tlv tbs;
    struct csi_tlv part;
    *view = (struct csi_cert_view){ 0 };
    if (!csi_der_enter(&outer, CSI_DER_SEQUENCE, &certificate) || !csi_der_expect(&certificate, CSI_DER_SEQUENCE, &tbs))
        return false;
    view->tbs = tbs.whole;
    struct csi_reader r = csi_reader(tbs.content);
    csi_der_expect(&r, CSI_DER_CONTEXT_CONSTRUCTED | 0, &part); /* version [0] DEFAULT v1 */
    if (!csi_der_expect(&r, CSI_DER_INTEGER, &part))
        return false;
    view->serial = part.content;
    if (!csi_der_expect(&r, CSI_DER_SEQUENCE, &part)) /* signature */
        return false;
    if (!csi_der_expect(&r, CSI_DER_SEQUENCE, &part))
        return false;
    view->issuer = part.whole;
    if (!read_validity(&r, view) || !csi_der_expect(&r, CSI_DER_SEQUENCE, &part))
        return false;
    view->subject = part.whole;
    if (!csi_der_expect(&r, CSI_DER_SEQUENCE, &part))
        return false;
    view->spki = part.whole;
    if (!read_extensions(&r, view) || !csi_der_expect(&certificate, CSI_DER_SEQUENCE, &part))
        return false;
    view->signature_algorithm = part.whole;
    return true;
}

bool csi_cert_extension(const struct csi_cert_view *view, struct csi_span oid, struct csi_span *value, bool *critical)
{
    struct csi_reader list = csi_reader(view->extensions);
    struct csi_reader extension;
    while (csi_left(&list) > 0 && csi_der_enter(&list, CSI_DER_SEQUENCE, &extension)) {
        struct csi_tlv id;
        struct csi_tlv flag = { 0 };
        struct csi_tlv content;
        if (!csi_der_expect(&extension, CSI_DER_OID, &id))
            return false;
        bool has_flag = csi_der_expect(&extension, CSI_DER_BOOLEAN, &flag);
        if (!csi_der_expect(&extension, CSI_DER_OCTET_STRING, &content))
            return false;
        if (!csi_span_equal(id.content, oid))
            continue;
        *critical = has_flag && flag.content.size == 1 && flag.content.data[0] != 0;
        *value = content.content;
        return true;
    }
    return false;
}

static bool two_digits(const uint8_t *at, int *value)
{
    if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9')
        return false;
    *value = (at[0] - '0') * 10 + (at[1] - '0');
    return true;
}

/* Days from 1970-01-01 in the proleptic Gregorian calendar. March is taken as the first month, so that the leap day comes last. */
static int64_t days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static int days_in_month(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

bool csi_time_from_der(struct csi_span time, int64_t *seconds)
{
    struct csi_reader r = csi_reader(time);
    struct csi_tlv tlv;
    if (!csi_der_next(&r, &tlv))
        return false;
    const uint8_t *at = tlv.content.data;
    int century = -1;
    int year;
    if (tlv.tag == CSI_DER_GENERALIZED_TIME && tlv.content.size == 15 && two_digits(at, &century))
        at += 2;
    else if (tlv.tag != CSI_DER_UTC_TIME || tlv.content.size != 13)
        return false;
    int part[5]; /* month, day, hour, minute, second */
    if (!two_digits(at, &year) || at[12] != 'Z')
        return false;
    for (int i = 0; i < 5; i++)
        if (!two_digits(at + 2 + 2 * i, &part[i]))
            return false;
    /* RFC 5280 section 4.1.2.5.1: "Where YY is greater than or equal to 50, the year SHALL be interpreted as 19YY". */
    year += century >= 0 ? century * 100 : year >= 50 ? 1900 : 2000;
    if (part[0] < 1 || part[0] > 12 || part[1] < 1 || part[1] > days_in_month(year, part[0]) || part[2] > 23 || part[3] > 59 || part[4] > 60)
        return false;
    *seconds = days_from_civil(year, part[0], part[1]) * 86400 + part[2] * 3600 + part[3] * 60 + part[4];
    return true;
}

void csi_sha256(struct csi_span data, uint8_t digest[32])
{
    /* SHA256() of OpenSSL 3.0 fetches the digest at each call; the static EVP_sha256() is fetched once a context. */
    unsigned size = 0;
    if (EVP_Digest(data.data, data.size, digest, &size, EVP_sha256(), NULL) != 1 || size != 32)
        memset(digest, 0, 32);
}
