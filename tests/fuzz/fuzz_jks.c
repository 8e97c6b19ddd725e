/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_jks.c: any bytes at all as a JKS and a JCEKS store, with a passphrase (which also opens keys, to tell tampering) and without. What
 * decodes must encode: unchanged to the same bytes but for the digest, which is under another passphrase here; and edited to something that
 * decodes again.
 */
#include <stdlib.h>

#include "codec/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool promise)
{
    if (!promise)
        abort();
}

/* Few iterations, so that the fuzzer's time goes into parsing. */
static struct csi_limits fuzz_limits(void)
{
    struct csi_limits limits = csi_limits_default;
    limits.value[CERTSTORE_LIMIT_KDF_ITERATIONS] = 100;
    limits.value[CERTSTORE_LIMIT_KDF_TOTAL] = 1000;
    return limits;
}

static csi_passwords *password(certstore_error *err)
{
    csi_passwords *passwords = csi_passwords_new(err);
    must(passwords != NULL);
    passwords->store = csi_secret_new("changeit", 8, err);
    must(passwords->store != NULL);
    return passwords;
}

static certstore_bundle *decode(const struct csi_codec *codec, const csi_parts *parts, const csi_passwords *passwords, certstore_error *err)
{
    const struct csi_limits limits = fuzz_limits();
    const struct csi_decode in = { .parts = parts, .passwords = passwords, .limits = &limits };
    certstore_bundle *bundle = codec->decode(&in, err);
    must((bundle != NULL) == (certstore_error_status(err) == CERTSTORE_OK));
    return bundle;
}

/* NULL where the edit needs a key that nobody can open. */
static csi_parts *encode(const struct csi_codec *codec, const certstore_bundle *bundle, certstore_error *err)
{
    const struct csi_limits limits = fuzz_limits();
    CSI_AUTO(csi_passwords) *passwords = password(err);
    CSI_AUTO(csi_parts) *parts = csi_parts_new(err);
    must(parts != NULL);
    const struct csi_encode in = { .passwords = passwords, .protect = passwords, .part_count = 1, .limits = &limits };
    if (codec->encode(bundle, &in, parts, err) != CERTSTORE_OK)
        return NULL;
    must(parts->count == 1);
    return csi_steal(&parts);
}

static void check_again(const struct csi_codec *codec, const certstore_bundle *bundle, const csi_parts *written)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    CSI_AUTO(csi_passwords) *passwords = password(err);
    CSI_AUTO(certstore_bundle) *again = decode(codec, written, passwords, err);
    must(again != NULL && again->integrity == CERTSTORE_INTEGRITY_VERIFIED && again->count == bundle->count);
}

static bool lost_a_duplicate(const certstore_bundle *bundle)
{
    for (size_t i = 0; i < bundle->notes->count; i++)
        if (strcmp(bundle->notes->rows[i].code, "duplicate-alias") == 0)
            return true;
    return false;
}

/* Behind the magic number (JCEKS may have to write its own) all differences lie within the digest's 20 bytes. */
static bool same_but_for_digest(const csi_blob *a, const csi_blob *b)
{
    if (a->size != b->size)
        return false;
    size_t first = SIZE_MAX;
    size_t last = 0;
    for (size_t i = 4; i < a->size; i++) {
        if (a->data[i] == b->data[i])
            continue;
        first = first == SIZE_MAX ? i : first;
        last = i;
    }
    return first == SIZE_MAX || last - first < 20;
}

static void check_unchanged(const struct csi_codec *codec, const certstore_bundle *bundle, const csi_parts *before)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    CSI_AUTO(csi_parts) *written = encode(codec, bundle, err);
    must(written != NULL);
    must(lost_a_duplicate(bundle) || same_but_for_digest(before->items[0].bytes, written->items[0].bytes));
    check_again(codec, bundle, written);
}

static void check_edited(const struct csi_codec *codec, certstore_bundle *bundle)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    if (bundle->count == 0)
        return;
    must(csi_bundle_remove(bundle, bundle->entries[0]->alias, err) == CERTSTORE_OK);
    if (bundle->count > 0 && csi_bundle_position(bundle, "renamed") == SIZE_MAX)
        must(csi_bundle_rename(bundle, bundle->entries[0]->alias, "renamed", err) == CERTSTORE_OK);
    CSI_AUTO(csi_parts) *written = encode(codec, bundle, err);
    must(written != NULL); /* nothing that was edited needs a key opened */
    check_again(codec, bundle, written);
}

static void check(const struct csi_codec *codec, const csi_parts *parts)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    CSI_AUTO(certstore_error) *err_sealed = certstore_error_new();
    CSI_AUTO(csi_passwords) *passwords = password(err);
    CSI_AUTO(certstore_bundle) *sealed = decode(codec, parts, passwords, err_sealed);
    CSI_AUTO(certstore_bundle) *bundle = decode(codec, parts, NULL, err);
    must(bundle != NULL || sealed == NULL);
    if (bundle == NULL)
        return;
    check_unchanged(codec, bundle, parts);
    check_edited(codec, bundle);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    CSI_AUTO(csi_parts) *parts = csi_parts_new(err);
    CSI_AUTO(csi_blob) *bytes = csi_blob_new(data, size, err);
    csi_codec_jks.probe(csi_span(data, size));
    csi_codec_jceks.probe(csi_span(data, size));
    if (err == NULL || parts == NULL || bytes == NULL || csi_parts_add(parts, "", bytes, err) != CERTSTORE_OK)
        return 0;
    check(&csi_codec_jks, parts);
    check(&csi_codec_jceks, parts);
    return 0;
}
