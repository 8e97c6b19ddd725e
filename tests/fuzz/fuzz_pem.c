/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_pem.c: any bytes at all as a PEM store. What decodes must encode: unchanged to the same bytes, and with its first entry removed to
 * something that decodes again. */
#include <stdlib.h>

#include "codec/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool promise)
{
    if (!promise)
        abort();
}

/* Which certificates belong to a key can change when others go. */
static bool has_keys(const certstore_bundle *bundle)
{
    bool any = false;
    for (size_t i = 0; i < bundle->count; i++)
        any = any || bundle->entries[i]->kind == CERTSTORE_KEY;
    return any;
}

static void check_round_trip(const certstore_bundle *bundle, const csi_parts *before, bool same)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    CSI_AUTO(csi_parts) *after = csi_parts_new(err);
    const struct csi_encode in = { .part_count = 1, .limits = &csi_limits_default };
    if (csi_codec_pem.encode(bundle, &in, after, err) != CERTSTORE_OK) {
        must(!same); /* an edit may need a passphrase */
        return;
    }
    if (same) {
        must(after->count == 1 && csi_span_equal(csi_blob_span(after->items[0].bytes), csi_blob_span(before->items[0].bytes)));
        return;
    }
    const struct csi_decode again = { .parts = after, .limits = &csi_limits_default };
    CSI_AUTO(certstore_bundle) *reread = csi_codec_pem.decode(&again, err);
    must(reread != NULL);
    must(has_keys(bundle) || reread->count == bundle->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    CSI_AUTO(csi_parts) *parts = csi_parts_new(err);
    CSI_AUTO(csi_blob) *bytes = csi_blob_new(data, size, err);
    csi_codec_pem.probe(csi_span(data, size));
    if (err == NULL || parts == NULL || bytes == NULL || csi_parts_add(parts, "", bytes, err) != CERTSTORE_OK)
        return 0;
    const struct csi_decode in = { .parts = parts, .limits = &csi_limits_default };
    CSI_AUTO(certstore_bundle) *bundle = csi_codec_pem.decode(&in, err);
    if (bundle == NULL) {
        must(certstore_error_status(err) != CERTSTORE_OK);
        return 0;
    }
    check_round_trip(bundle, parts, true);
    if (bundle->count > 0) {
        must(csi_bundle_remove(bundle, bundle->entries[0]->alias, err) == CERTSTORE_OK);
        check_round_trip(bundle, parts, false);
    }
    return 0;
}
