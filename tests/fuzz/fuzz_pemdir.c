/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_pemdir.c: any files at all as a hashed directory, and any bytes as the Name whose hash is their file's name.
 *
 * An input is the files one after the other; a line "@NAME" begins the next. What stands before the first such line is a file under the name that
 * OpenSSL would look for it by. What decodes must encode: unchanged to the same files; with its first entry removed, to files that decode again.
 */
#include <openssl/x509.h>

#include "codec/pemdir.h"
#include "fuzz/fuzz.h"
#include "model/cert.h"

enum { FILES_MAX = 32 };

static certstore_bundle *decode(const struct csi_codec *codec, const csi_parts *parts)
{
    certstore_error err = { 0 };
    const struct csi_limits limits = fuzz_limits(1);
    const struct csi_decode in = { .parts = parts, .limits = &limits };
    certstore_bundle *bundle = codec->decode(&in, &err);
    must((bundle != NULL) == (err.status == CERTSTORE_OK));
    return bundle;
}

static void add_part(csi_parts *parts, const char *name, struct csi_span bytes)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_blob) *blob = csi_blob_new(bytes.data, bytes.size, &err);
    must(blob != NULL && csi_parts_add(parts, name, blob, &err) == CERTSTORE_OK);
}

/* HASH.0 or HASH.r0, by the first thing in the file that has a hash. */
static void hashed_name(struct csi_span bytes, char name[32])
{
    certstore_error err = { 0 };
    uint32_t hash = 0;
    bool crl = false;
    CSI_AUTO(csi_parts) *alone = csi_parts_new(&err);
    must(alone != NULL);
    add_part(alone, "", bytes);
    CSI_AUTO(certstore_bundle) *bundle = decode(&csi_codec_pem, alone);
    for (size_t i = 0; bundle != NULL && i < bundle->count && hash == 0; i++) {
        const certstore_entry *entry = bundle->entries[i];
        crl = entry->kind == CERTSTORE_CRL;
        if (entry->cert_count > 0)
            csi_pemdir_hash(csi_span(entry->certs[0].data, entry->certs[0].size), false, &hash);
        else if (crl)
            csi_pemdir_hash(csi_blob_span(entry->content), true, &hash);
    }
    snprintf(name, 32, "%08x.%s", hash, crl ? "r0" : "0");
}

static bool has_part(const csi_parts *parts, const char *name)
{
    for (size_t i = 0; i < parts->count; i++)
        if (strcmp(parts->items[i].name, name) == 0)
            return true;
    return false;
}

/* The end of a file: where a line begins with '@', or the input's end. */
static size_t file_end(struct csi_span input, size_t from)
{
    for (size_t i = from; i < input.size; i++)
        if (input.data[i] == '@' && (i == 0 || input.data[i - 1] == '\n'))
            return i;
    return input.size;
}

static void split(struct csi_span input, csi_parts *parts)
{
    char name[32];
    size_t end = file_end(input, 0);
    if (end > 0) {
        hashed_name(csi_span(input.data, end), name);
        add_part(parts, name, csi_span(input.data, end));
    }
    while (end < input.size && parts->count < FILES_MAX) {
        size_t at = end + 1, size = 0;
        for (; at < input.size && input.data[at] != '\n'; at++)
            if (size + 1 < sizeof name && input.data[at] != 0 && input.data[at] != '/')
                name[size++] = (char)input.data[at];
        name[size] = 0;
        at += at < input.size;
        end = file_end(input, at);
        if (size > 0 && !has_part(parts, name)) /* as in any directory */
            add_part(parts, name, csi_span(input.data + at, end - at));
    }
}

static csi_parts *encode(const certstore_bundle *bundle)
{
    certstore_error err = { 0 };
    const struct csi_limits limits = fuzz_limits(1);
    csi_parts *parts = csi_parts_new(&err);
    const struct csi_encode in = { .part_count = 1, .limits = &limits };
    must(parts != NULL && csi_codec_pemdir.encode(bundle, &in, parts, &err) == CERTSTORE_OK);
    return parts;
}

static const csi_blob *find_part(const csi_parts *parts, const char *name)
{
    for (size_t i = 0; i < parts->count; i++)
        if (strcmp(parts->items[i].name, name) == 0)
            return parts->items[i].bytes;
    return NULL;
}

/* Links to nothing, which are empty files here, are the one thing that writing takes away. */
static void must_keep_files(const csi_parts *before, const csi_parts *after)
{
    for (size_t i = 0; i < before->count; i++) {
        const struct csi_part *part = &before->items[i];
        const csi_blob *kept = find_part(after, part->name);
        struct csi_pemdir_slot slot;
        must(kept != NULL ? same_blob(kept, part->bytes) : part->bytes->size == 0 && csi_pemdir_parse_name(part->name, &slot));
    }
}

static void fuzz_directory(struct csi_span input)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_parts) *parts = csi_parts_new(&err);
    must(parts != NULL);
    split(input, parts);
    CSI_AUTO(certstore_bundle) *bundle = decode(&csi_codec_pemdir, parts);
    if (bundle == NULL)
        return;
    CSI_AUTO(csi_parts) *same = encode(bundle);
    if (csi_bundle_pristine(bundle))
        must_keep_files(parts, same);
    CSI_AUTO(certstore_bundle) *again = decode(&csi_codec_pemdir, same);
    must(again != NULL && again->count == bundle->count);
    if (bundle->count == 0)
        return;
    must(csi_bundle_remove(bundle, bundle->entries[0]->alias, &err) == CERTSTORE_OK);
    CSI_AUTO(csi_parts) *edited = encode(bundle);
    CSI_AUTO(certstore_bundle) *fewer = decode(&csi_codec_pemdir, edited);
    must(fewer != NULL && fewer->count == bundle->count);
}

/* Where both have an opinion, it is the same one. */
static void compare_hashes(struct csi_span name)
{
    uint32_t ours = 0;
    const unsigned char *at = name.data;
    const bool hashed = csi_name_hash(name, &ours);
    X509_NAME *parsed = name.size <= INT32_MAX ? d2i_X509_NAME(NULL, &at, (long)name.size) : NULL;
    int good = 0;
    const unsigned long theirs = parsed != NULL ? X509_NAME_hash_ex(parsed, NULL, NULL, &good) : 0;
    must(!hashed || good == 0 || (uint32_t)theirs == ours);
    X509_NAME_free(parsed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_directory(csi_span(data, size));
    compare_hashes(csi_span(data, size));
    struct csi_cert_view view;
    if (csi_cert_skim(csi_span(data, size), &view))
        compare_hashes(view.subject);
    return 0;
}
