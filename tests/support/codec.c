/* SPDX-License-Identifier: Apache-2.0 */
/* codec.c: decoding and encoding in one call. */
#include "support/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { NOW_MS_HIGH = 1767225 }; /* seconds / 1000 of 2026-01-01 */

csi_passwords *codec_passwords(const char *store, const char *key)
{
    certstore_error err = { 0 };
    csi_passwords *passwords = csi_passwords_new(&err);
    assert_non_null(passwords);
    if (store != NULL)
        passwords->store = csi_secret_new(store, strlen(store), &err);
    if (key != NULL)
        passwords->key = csi_secret_new(key, strlen(key), &err);
    assert_int_equal(err.status, CERTSTORE_OK);
    return passwords;
}

certstore_bundle *codec_decode(const struct csi_codec *codec, csi_blob *bytes, const csi_passwords *passwords, certstore_status *status)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_parts) *parts = csi_parts_new(&err);
    assert_int_equal(csi_parts_add(parts, "", bytes, &err), CERTSTORE_OK);
    const struct csi_decode in = { .parts = parts, .passwords = passwords, .limits = &csi_limits_default };
    certstore_bundle *bundle = codec->decode(&in, &err);
    assert_int_equal(bundle == NULL, err.status != CERTSTORE_OK);
    *status = err.status;
    return bundle;
}

static csi_blob *encode(const struct csi_codec *codec, const certstore_bundle *bundle, const struct csi_encode *in)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_parts) *parts = csi_parts_new(&err);
    if (codec->encode(bundle, in, parts, &err) != CERTSTORE_OK)
        fail_msg("encode: %s: %s (%s)", certstore_status_name(err.status), err.message, err.cause);
    assert_int_equal(parts->count, 1);
    return csi_blob_ref(parts->items[0].bytes);
}

csi_blob *codec_encode(const struct csi_codec *codec, const certstore_bundle *bundle, const csi_passwords *passwords, enum csi_profile profile)
{
    const struct csi_encode in = {
        .passwords = passwords,
        .protect = passwords,
        .profile = profile,
        .now_ms = (int64_t)NOW_MS_HIGH * 1000000,
        .part_count = 1,
        .limits = &csi_limits_default,
    };
    return encode(codec, bundle, &in);
}

csi_blob *codec_reprotect(const struct csi_codec *codec, const certstore_bundle *bundle, const csi_passwords *passwords, const csi_passwords *protect)
{
    const struct csi_encode in = {
        .passwords = passwords,
        .protect = protect,
        .reprotect = true,
        .now_ms = (int64_t)NOW_MS_HIGH * 1000000,
        .part_count = 1,
        .limits = &csi_limits_default,
    };
    return encode(codec, bundle, &in);
}

const certstore_entry *codec_entry(const certstore_bundle *bundle, const char *alias)
{
    size_t position = csi_bundle_position(bundle, alias);
    if (position == SIZE_MAX)
        fail_msg("no entry \"%s\"", alias);
    return bundle->entries[position];
}

bool codec_same_certs(const certstore_entry *a, const certstore_entry *b)
{
    if (a->cert_count != b->cert_count)
        return false;
    for (size_t i = 0; i < a->cert_count; i++)
        if (!csi_span_equal(csi_span(a->certs[i].data, a->certs[i].size), csi_span(b->certs[i].data, b->certs[i].size)))
            return false;
    return true;
}

csi_secret *codec_key(const certstore_entry *entry)
{
    certstore_error err = { 0 };
    CSI_AUTO_PLAIN plain = { 0 };
    if (csi_key_open(entry->key, entry->alias, NULL, &plain, &err) != CERTSTORE_OK)
        fail_msg("key %s: %s", entry->alias, err.message);
    return csi_secret_ref(plain.bytes);
}
