/* SPDX-License-Identifier: Apache-2.0 */
/* cert.c: public functions of a certificate: skimmed from its DER (RFC 5280 section 4.1), without an X509. */
#include "model/cert.h"

#include "api/call.h"
#include "base/bytes.h"
#include "base/text.h"
#include "codec/pem_scan.h"
#include "model/certinfo.h"

const uint8_t *certstore_cert_data(const certstore_cert *cert)
{
    return cert != NULL ? cert->data : NULL;
}

size_t certstore_cert_size(const certstore_cert *cert)
{
    return cert != NULL ? cert->size : 0;
}

static bool view_of(const certstore_cert *cert, struct csi_cert_view *view)
{
    return cert != NULL && csi_cert_skim(csi_span(cert->data, cert->size), view);
}

int64_t certstore_cert_not_before(const certstore_cert *cert)
{
    struct csi_cert_view view;
    int64_t seconds;
    return view_of(cert, &view) && csi_time_from_der(view.not_before, &seconds) ? seconds : INT64_MIN;
}

int64_t certstore_cert_not_after(const certstore_cert *cert)
{
    struct csi_cert_view view;
    int64_t seconds;
    return view_of(cert, &view) && csi_time_from_der(view.not_after, &seconds) ? seconds : INT64_MAX;
}

int certstore_cert_is_ca(const certstore_cert *cert)
{
    struct csi_cert_view view;
    return view_of(cert, &view) && csi_cert_is_ca(&view);
}

int certstore_cert_is_self_issued(const certstore_cert *cert)
{
    struct csi_cert_view view;
    return view_of(cert, &view) && csi_span_equal(view.subject, view.issuer);
}

int certstore_cert_key_bits(const certstore_cert *cert)
{
    struct csi_cert_view view;
    return view_of(cert, &view) ? csi_spki_bits(view.spki) : 0;
}

/* What most exports do: the view, then one writer that appends to the bytes that the caller gets. */
static certstore_bytes *write_out(const certstore_cert *cert, bool (*write)(const struct csi_cert_view *view, struct csi_buf *out), const char *what,
                                  certstore_error *err)
{
    enum { USUAL = 100 };
    if (cert == NULL) {
        csi_fail_null(err, "cert");
        return NULL;
    }
    struct csi_cert_view view;
    CSI_AUTO_BUF out = { 0 };
    csi_bytes_begin(&out, USUAL);
    if (!view_of(cert, &view) || !write(&view, &out)) {
        csi_fail(err, CERTSTORE_E_MALFORMED, "certificate: its %s cannot be read; replace the certificate", what);
        return NULL;
    }
    return csi_bytes_finish(&out, err);
}

/* The same for writers that ask OpenSSL nothing. */
static certstore_bytes *export(const certstore_cert *cert, bool (*write)(const struct csi_cert_view *view, struct csi_buf *out), const char *what,
                               certstore_error *err)
{
    CSI_AUTO_CALL call;
    return csi_call_begin(&call, &err) ? write_out(cert, write, what, err) : NULL;
}

static bool write_subject(const struct csi_cert_view *view, struct csi_buf *out)
{
    return csi_name_text(view->subject, out);
}

static bool write_issuer(const struct csi_cert_view *view, struct csi_buf *out)
{
    return csi_name_text(view->issuer, out);
}

static bool write_serial(const struct csi_cert_view *view, struct csi_buf *out)
{
    char *room = (char *)csi_buf_reserve(out, view->serial.size * 2 + 1); /* a NUL that does not count */
    if (room != NULL)
        csi_hex(view->serial.data, view->serial.size, room);
    out->size += room != NULL ? view->serial.size * 2 : 0;
    return view->serial.size > 0;
}

static bool write_spki_sha256(const struct csi_cert_view *view, struct csi_buf *out)
{
    uint8_t digest[32];
    char text[65];
    csi_sha256(view->spki, digest);
    csi_hex(digest, sizeof digest, text);
    csi_buf_put_text(out, text);
    return true;
}

static bool write_key_algorithm(const struct csi_cert_view *view, struct csi_buf *out)
{
    return csi_spki_algorithm(view->spki, out);
}

static bool write_signature_algorithm(const struct csi_cert_view *view, struct csi_buf *out)
{
    return csi_algorithm_name(view->signature_algorithm, out);
}

static bool write_sans(const struct csi_cert_view *view, struct csi_buf *out)
{
    return csi_cert_sans(view, out);
}

certstore_bytes *certstore_cert_export_subject(const certstore_cert *cert, certstore_error *err)
{
    return export(cert, write_subject, "subject", err);
}

certstore_bytes *certstore_cert_export_issuer(const certstore_cert *cert, certstore_error *err)
{
    return export(cert, write_issuer, "issuer", err);
}

certstore_bytes *certstore_cert_export_serial(const certstore_cert *cert, certstore_error *err)
{
    return export(cert, write_serial, "serial number", err);
}

certstore_bytes *certstore_cert_export_spki_sha256(const certstore_cert *cert, certstore_error *err)
{
    return export(cert, write_spki_sha256, "public key", err);
}

certstore_bytes *certstore_cert_export_key_algorithm(const certstore_cert *cert, certstore_error *err)
{
    return export(cert, write_key_algorithm, "public key", err);
}

certstore_bytes *certstore_cert_export_signature_algorithm(const certstore_cert *cert, certstore_error *err)
{
    return export(cert, write_signature_algorithm, "signature algorithm", err);
}

certstore_bytes *certstore_cert_export_sans(const certstore_cert *cert, certstore_error *err)
{
    return export(cert, write_sans, "subject alternative names", err);
}

certstore_bytes *certstore_cert_export_sha256(const certstore_cert *cert, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return NULL;
    if (cert == NULL) {
        csi_fail_null(err, "cert");
        return NULL;
    }
    uint8_t digest[32];
    char text[65];
    csi_sha256(csi_span(cert->data, cert->size), digest);
    csi_hex(digest, sizeof digest, text);
    return csi_bytes_new(csi_span_text(text), err);
}

certstore_bytes *certstore_cert_export_pem(const certstore_cert *cert, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return NULL;
    if (cert == NULL) {
        csi_fail_null(err, "cert");
        return NULL;
    }
    CSI_AUTO_BUF out = { 0 };
    csi_pem_write(&out, "CERTIFICATE", csi_span(cert->data, cert->size));
    return csi_bytes_from_buf(&out, err);
}
