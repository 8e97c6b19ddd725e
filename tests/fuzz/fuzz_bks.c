/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_bks.c: any bytes at all as a BKS store, with a passphrase and without, and as the formats that are declined. */
#include <stdlib.h>

#include "codec/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool promise)
{
    if (!promise)
        abort();
}

static void decode(const struct csi_codec *codec, const csi_parts *parts, const csi_passwords *passwords, bool declined)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    struct csi_limits limits = csi_limits_default;
    limits.value[CERTSTORE_LIMIT_KDF_ITERATIONS] = 2100; /* Bouncy Castle's own are 1,024 to 2,047 */
    limits.value[CERTSTORE_LIMIT_KDF_TOTAL] = 10000;
    const struct csi_decode in = { .parts = parts, .passwords = passwords, .limits = &limits };
    CSI_AUTO(certstore_bundle) *bundle = codec->decode(&in, err);
    must((bundle != NULL) == (certstore_error_status(err) == CERTSTORE_OK));
    must(!declined || certstore_error_status(err) == CERTSTORE_E_UNSUPPORTED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    CSI_AUTO(csi_parts) *parts = csi_parts_new(err);
    CSI_AUTO(csi_blob) *bytes = csi_blob_new(data, size, err);
    CSI_AUTO(csi_passwords) *passwords = csi_passwords_new(err);
    if (err == NULL || parts == NULL || bytes == NULL || passwords == NULL || csi_parts_add(parts, "", bytes, err) != CERTSTORE_OK)
        return 0;
    passwords->store = csi_secret_new("12345678", 8, err);
    const int bks = csi_codec_bks.probe(csi_span(data, size));
    const int uber = csi_codec_uber.probe(csi_span(data, size));
    const int bcfks = csi_codec_bcfks.probe(csi_span(data, size));
    must((bks > 0) + (uber > 0) + (bcfks > 0) <= 1);
    decode(&csi_codec_bks, parts, NULL, false);
    decode(&csi_codec_bks, parts, passwords, false);
    decode(&csi_codec_uber, parts, NULL, true);
    decode(&csi_codec_bcfks, parts, NULL, true);
    static const struct csi_codec *const others[] = { &csi_codec_p11kit, &csi_codec_certdata, &csi_codec_edk2, &csi_codec_sqlite };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const int sure = others[i]->probe(csi_span(data, size));
        must(sure >= 0 && sure <= 100);
        decode(others[i], parts, NULL, true);
    }
    return 0;
}
