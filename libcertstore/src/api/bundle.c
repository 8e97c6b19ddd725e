/* SPDX-License-Identifier: Apache-2.0 */
/* bundle.c: public functions of a bundle: check the arguments, delegate to the model and the codecs. */
#include "model/bundle.h"

#include "api/call.h"
#include "api/options.h"
#include "api/registry.h"
#include "api/transcode.h"
#include "base/bytes.h"
#include "model/diff.h"
#include "trust/verify.h"

certstore_bundle *certstore_bundle_new(const char *format, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return NULL;
    const struct csi_codec *codec = csi_codec_named(format, err);
    return codec != NULL ? csi_bundle_new(codec->name, codec->rule, err) : NULL;
}

certstore_bundle *certstore_bundle_parse(const uint8_t *data, size_t size, const char *format, const certstore_options *opts, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return NULL;
    if (data == NULL && size > 0) {
        csi_fail_null(err, "data");
        return NULL;
    }
    CSI_AUTO(certstore_options) *how = csi_options_copy(opts, err);
    const struct csi_codec *codec = format != NULL ? csi_codec_named(format, err) : csi_codec_of_content(csi_span(data, size), err);
    CSI_AUTO(csi_parts) *parts = csi_parts_new(err);
    CSI_AUTO(csi_blob) *bytes = csi_blob_new(data, size, err);
    if (how == NULL || codec == NULL || parts == NULL || bytes == NULL || csi_parts_add(parts, "", bytes, err) != CERTSTORE_OK)
        return NULL;
    return csi_decode_parts(codec, parts, NULL, how, err);
}

certstore_bundle *certstore_bundle_copy(const certstore_bundle *bundle, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return NULL;
    if (bundle == NULL) {
        csi_fail_null(err, "bundle");
        return NULL;
    }
    return csi_bundle_copy(bundle, err);
}

const char *certstore_bundle_format(const certstore_bundle *bundle)
{
    return bundle != NULL ? bundle->format : "";
}

certstore_integrity certstore_bundle_integrity(const certstore_bundle *bundle)
{
    return bundle != NULL ? bundle->integrity : CERTSTORE_INTEGRITY_UNCHECKED;
}

size_t certstore_bundle_count(const certstore_bundle *bundle)
{
    return bundle != NULL ? bundle->count : 0;
}

const certstore_entry *certstore_bundle_at(const certstore_bundle *bundle, size_t index)
{
    return bundle != NULL && index < bundle->count ? bundle->entries[index] : NULL;
}

const certstore_entry *certstore_bundle_find(const certstore_bundle *bundle, const char *alias)
{
    return bundle != NULL && alias != NULL ? certstore_bundle_at(bundle, csi_bundle_position(bundle, alias)) : NULL;
}

const certstore_report *certstore_bundle_notes(const certstore_bundle *bundle)
{
    return bundle != NULL ? bundle->notes : NULL;
}

certstore_status certstore_bundle_put(certstore_bundle *bundle, const certstore_entry *entry, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return err->status;
    if (bundle == NULL || entry == NULL)
        return csi_fail_null(err, bundle == NULL ? "bundle" : "entry");
    return csi_bundle_put(bundle, entry, err);
}

certstore_status certstore_bundle_remove(certstore_bundle *bundle, const char *alias, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return err->status;
    if (bundle == NULL || alias == NULL)
        return csi_fail_null(err, bundle == NULL ? "bundle" : "alias");
    return csi_bundle_remove(bundle, alias, err);
}

certstore_status certstore_bundle_rename(certstore_bundle *bundle, const char *alias, const char *new_alias, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return err->status;
    if (bundle == NULL || alias == NULL || new_alias == NULL)
        return csi_fail_null(err, bundle == NULL ? "bundle" : "alias");
    return csi_bundle_rename(bundle, alias, new_alias, err);
}

certstore_bytes *certstore_bundle_export(const certstore_bundle *bundle, const char *format, const certstore_options *opts, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return NULL;
    if (bundle == NULL) {
        csi_fail_null(err, "bundle");
        return NULL;
    }
    const struct csi_codec *codec = csi_codec_named(format != NULL ? format : bundle->format, err);
    CSI_AUTO(certstore_options) *how = csi_options_copy(opts, err);
    if (codec == NULL || how == NULL)
        return NULL;
    CSI_AUTO(csi_parts) *parts = csi_encode_bundle(codec, bundle, how, NULL, 1, NULL, err);
    if (parts == NULL)
        return NULL;
    if (parts->count != 1) {
        csi_fail(err, CERTSTORE_E_UNSUPPORTED, "%s: a directory or a token has no single run of bytes; export as pem", codec->name);
        return NULL;
    }
    return csi_bytes_new(csi_blob_span(parts->items[0].bytes), err);
}

certstore_report *certstore_bundle_losses(const certstore_bundle *bundle, const char *format, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return NULL;
    if (bundle == NULL) {
        csi_fail_null(err, "bundle");
        return NULL;
    }
    const struct csi_codec *codec = csi_codec_named(format, err);
    CSI_AUTO(certstore_report) *losses = csi_report_new(err);
    if (codec == NULL || losses == NULL || codec->losses(bundle, losses, err) != CERTSTORE_OK)
        return NULL;
    return csi_steal(&losses);
}

certstore_report *certstore_bundle_diff(const certstore_bundle *a, const certstore_bundle *b, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return NULL;
    if (a == NULL || b == NULL) {
        csi_fail_null(err, a == NULL ? "a" : "b");
        return NULL;
    }
    CSI_AUTO(certstore_report) *report = csi_report_new(err);
    if (report == NULL || csi_bundle_diff(a, b, report, err) != CERTSTORE_OK)
        return NULL;
    return csi_steal(&report);
}

certstore_report *certstore_bundle_verify(const certstore_bundle *bundle, int64_t now, int days, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return NULL;
    if (bundle == NULL) {
        csi_fail_null(err, "bundle");
        return NULL;
    }
    CSI_AUTO(certstore_report) *report = csi_report_new(err);
    if (report == NULL || csi_bundle_verify(bundle, now, days, report, err) != CERTSTORE_OK)
        return NULL;
    return csi_steal(&report);
}
