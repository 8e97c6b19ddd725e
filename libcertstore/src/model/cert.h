/* SPDX-License-Identifier: Apache-2.0 */
/* cert.h: a certificate is its DER. What a listing needs is skimmed from the bytes (under 0.1 us, where d2i_X509 costs 100); an X509 is
 * made only when somebody asks for one. */
#ifndef CSI_CERT_H
#define CSI_CERT_H

#include "base/buf.h"
#include "base/error.h"
#include "base/reader.h"

/* A slice of a blob, which it keeps alive. */
struct certstore_cert {
    csi_blob *owner;
    const uint8_t *data;
    size_t size;
};

/* Where things stand in a certificate's DER (RFC 5280 section 4.1). */
struct csi_cert_view {
    struct csi_span tbs;                 /* whole TBSCertificate */
    struct csi_span serial;              /* INTEGER content */
    struct csi_span issuer;              /* whole Name */
    struct csi_span subject;             /* whole Name */
    struct csi_span not_before;          /* whole Time */
    struct csi_span not_after;           /* whole Time */
    struct csi_span spki;                /* whole SubjectPublicKeyInfo */
    struct csi_span extensions;          /* content of the SEQUENCE OF Extension; empty when there is none */
    struct csi_span signature_algorithm; /* whole AlgorithmIdentifier (outer) */
};

/* Fills a cert (a slice of owner, which gets a reference). The bytes must start with one DER SEQUENCE that spans them; nothing else is
 * asked of them, since stores hold certificates that OpenSSL would not parse. */
certstore_status csi_cert_init(struct certstore_cert *cert, csi_blob *owner, struct csi_span der, certstore_error *err);
void csi_cert_clear(struct certstore_cert *cert);
/* False when the bytes are no certificate as far as skimmed. */
bool csi_cert_skim(struct csi_span der, struct csi_cert_view *view);
/* Seconds since 1970 of a whole UTCTime or GeneralizedTime (RFC 5280 section 4.1.2.5, and the older forms with an offset or without seconds); false
 * if malformed. */
bool csi_time_from_der(struct csi_span time, int64_t *seconds);
/* RFC 3339 text in UTC: "2027-01-31T23:59:59Z". */
enum { CSI_TIME_TEXT_SIZE = 48 };
void csi_time_text(int64_t seconds, char text[CSI_TIME_TEXT_SIZE]);
/* RFC 4514 text of a whole Name. */
bool csi_name_text(struct csi_span name, struct csi_buf *out);
/* Finds an extension by OID content; value is the content of its OCTET STRING. */
bool csi_cert_extension(const struct csi_cert_view *view, struct csi_span oid, struct csi_span *value, bool *critical);
void csi_sha256(struct csi_span data, uint8_t digest[32]);

#endif
