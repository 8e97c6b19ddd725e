/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_pkcs12.c: any bytes at all as a PKCS#12 store, read without a passphrase (nothing stops at the MAC) and with one. What decodes must
 * encode: unchanged to the same bytes; with its first entry renamed, to something that decodes again and has as many entries.
 */
#include <stdlib.h>

#include "codec/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool promise)
{
    if (!promise)
        abort();
}

static struct csi_limits small_limits(void)
{
    struct csi_limits limits = csi_limits_default;
    limits.value[CERTSTORE_LIMIT_KDF_ITERATIONS] = 3000;
    limits.value[CERTSTORE_LIMIT_KDF_TOTAL] = 6000;
    return limits;
}

static certstore_bundle *decode(const csi_parts *parts, const csi_passwords *passwords)
{
    const struct csi_limits limits = small_limits();
    certstore_error err = { 0 };
    const struct csi_decode in = { .parts = parts, .passwords = passwords, .limits = &limits };
    certstore_bundle *bundle = csi_codec_pkcs12.decode(&in, &err);
    must((bundle == NULL) == (err.status != CERTSTORE_OK));
    return bundle;
}

static csi_parts *encode(const certstore_bundle *bundle, const csi_passwords *passwords)
{
    const struct csi_limits limits = small_limits();
    certstore_error err = { 0 };
    CSI_AUTO(csi_parts) *parts = csi_parts_new(&err);
    const struct csi_encode in = { .passwords = passwords, .protect = passwords, .part_count = 1, .limits = &limits };
    if (parts == NULL || csi_codec_pkcs12.encode(bundle, &in, parts, &err) != CERTSTORE_OK)
        return NULL; /* an edit may need a passphrase */
    return csi_steal(&parts);
}

static void check(const csi_parts *parts, const csi_passwords *passwords)
{
    certstore_error err = { 0 };
    CSI_AUTO(certstore_bundle) *bundle = decode(parts, passwords);
    if (bundle == NULL)
        return;
    CSI_AUTO(csi_parts) *same = encode(bundle, passwords);
    must(same != NULL && csi_span_equal(csi_blob_span(same->items[0].bytes), csi_blob_span(parts->items[0].bytes)));
    if (bundle->count == 0 || csi_bundle_rename(bundle, bundle->entries[0]->alias, "another name", &err) != CERTSTORE_OK)
        return;
    CSI_AUTO(csi_parts) *edited = encode(bundle, passwords);
    if (edited == NULL)
        return;
    CSI_AUTO(certstore_bundle) *again = decode(edited, passwords);
    must(again != NULL && again->count == bundle->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_parts) *parts = csi_parts_new(&err);
    CSI_AUTO(csi_blob) *bytes = csi_blob_new(data, size, &err);
    CSI_AUTO(csi_passwords) *passwords = csi_passwords_new(&err);
    csi_codec_pkcs12.probe(csi_span(data, size));
    if (passwords == NULL || bytes == NULL || parts == NULL || csi_parts_add(parts, "", bytes, &err) != CERTSTORE_OK)
        return 0;
    check(parts, NULL);
    passwords->store = csi_secret_new("1234", 4, &err);
    if (passwords->store != NULL)
        check(parts, passwords);
    return 0;
}
