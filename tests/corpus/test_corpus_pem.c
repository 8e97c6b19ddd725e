/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_corpus_pem.c: PEM, DER and hashed directories that other projects made. Every block that OpenSSL sees is seen here as an entry of the
 * same content and trust; what OpenSSL refuses is refused; nothing that was only opened changes by a byte.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/pemdir.h"
#include "model/ossl.h"
#include "model/purpose.h"
#include "support/corpus.h"

static struct corpus_score score;

static csi_passwords *passwords_of(const struct corpus_row *row, certstore_error *err)
{
    csi_passwords *passwords = csi_passwords_new(err);
    if (row->has_password)
        passwords->store = csi_secret_new(row->password.data, row->password.size, err);
    return passwords;
}

static csi_parts *parts_of(const uint8_t *data, size_t size, certstore_error *err)
{
    csi_parts *parts = csi_parts_new(err);
    CSI_AUTO(csi_blob) *bytes = csi_blob_new(data, size, err);
    assert_int_equal(csi_parts_add(parts, "", bytes, err), CERTSTORE_OK);
    return parts;
}

static certstore_bundle *decode(const struct csi_codec *codec, const csi_parts *parts, const csi_passwords *passwords, certstore_error *err)
{
    const struct csi_decode in = { .parts = parts, .passwords = passwords, .limits = &csi_limits_default };
    return codec->decode(&in, err);
}

static bool hex_is(struct csi_span bytes, const char *expected)
{
    uint8_t digest[32];
    char hex[65];
    csi_sha256(bytes, digest);
    csi_hex(digest, sizeof digest, hex);
    return strcmp(hex, expected) == 0;
}

static const char *text(const json_t *block, const char *name)
{
    return json_string_value(json_object_get(block, name));
}

static const certstore_entry *entry_of(const certstore_bundle *bundle, size_t unit)
{
    for (size_t i = 0; i < bundle->count; i++)
        if (bundle->entries[i]->origin.index == unit)
            return bundle->entries[i];
    return NULL;
}

static bool has_cert(const certstore_entry *entry, const char *sha256)
{
    for (size_t i = 0; i < entry->cert_count; i++)
        if (hex_is(csi_span(entry->certs[i].data, entry->certs[i].size), sha256))
            return true;
    return false;
}

/* The key opens, and its public half is the one the oracle found. */
static bool key_is(const certstore_entry *entry, const char *spki_sha256)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    CSI_AUTO_PLAIN plain = { 0 };
    if (entry->key == NULL || csi_key_open(entry->key, entry->alias, NULL, &plain, err) != CERTSTORE_OK)
        return false;
    CSI_AUTO(csi_secret) *public = csi_ossl_public_of(csi_secret_span(plain.bytes), err);
    return public != NULL && hex_is(csi_secret_span(public), spki_sha256);
}

static bool purposes_are(char *const *purposes, size_t count, const json_t *expected)
{
    if (count != json_array_size(expected))
        return false;
    for (size_t i = 0; i < count; i++) {
        uint8_t oid[128], wanted[128];
        size_t size, wanted_size;
        if (!csi_purpose_to_oid(purposes[i], oid, sizeof oid, &size) ||
            !csi_purpose_to_oid(json_string_value(json_array_get(expected, i)), wanted, sizeof wanted, &wanted_size) ||
            !csi_span_equal(csi_span(oid, size), csi_span(wanted, wanted_size)))
            return false;
    }
    return true;
}

static bool trust_is(const certstore_entry *entry, const json_t *block)
{
    const char *alias = text(block, "aux_alias");
    return purposes_are(entry->trust.trusted, entry->trust.trusted_count, json_object_get(block, "trust")) &&
           purposes_are(entry->trust.rejected, entry->trust.rejected_count, json_object_get(block, "reject")) &&
           (alias == NULL || (!entry->unnamed && strncmp(entry->alias, alias, strlen(alias)) == 0)); /* a second one of a name gets a suffix */
}

static const char *check_block(const certstore_bundle *bundle, const struct csi_pem_piece *piece, const json_t *block)
{
    const certstore_entry *entry = entry_of(bundle, piece->unit);
    const char *type = text(block, "type");
    if (!csi_span_equal(piece->label, csi_span_text(type)))
        return "another label";
    if (entry == NULL)
        return "a block that is no entry";
    if (text(block, "cert_sha256") != NULL && (!has_cert(entry, text(block, "cert_sha256")) || !trust_is(entry, block)))
        return "another certificate, or other trust";
    if (text(block, "spki_sha256") != NULL && !key_is(entry, text(block, "spki_sha256")))
        return "a key that does not open to the right public key";
    if (text(block, "cert_sha256") == NULL && text(block, "spki_sha256") == NULL && text(block, "der_sha256") != NULL &&
        piece->kind != CSI_PEM_TRUSTED && !hex_is(piece->body, text(block, "der_sha256")))
        return "another content";
    if (entry->kind == CERTSTORE_CRL && !hex_is(csi_blob_span(entry->content), text(block, "der_sha256")))
        return "another CRL";
    return NULL;
}

static const char *check_blocks(const certstore_bundle *bundle, const json_t *blocks)
{
    const struct csi_pem_document *document = csi_pem_document_of(bundle);
    if (document->count != json_array_size(blocks))
        return "another number of blocks";
    for (size_t i = 0; i < document->count; i++) {
        const char *wrong = check_block(bundle, &document->pieces[i], json_array_get(blocks, i));
        if (wrong != NULL)
            return wrong;
    }
    return NULL;
}

static bool keys_open(const certstore_bundle *bundle)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    bool open = true;
    for (size_t i = 0; i < bundle->count; i++) {
        CSI_AUTO_PLAIN plain = { 0 };
        const certstore_entry *entry = bundle->entries[i];
        open = open && (entry->key == NULL || csi_key_open(entry->key, entry->alias, NULL, &plain, err) == CERTSTORE_OK);
    }
    return open;
}

static bool comes_out_unchanged(const struct csi_codec *codec, const certstore_bundle *bundle, const csi_parts *before)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    CSI_AUTO(csi_parts) *after = csi_parts_new(err);
    const struct csi_encode in = { .part_count = 1, .limits = &csi_limits_default };
    if (codec->encode(bundle, &in, after, err) != CERTSTORE_OK || after->count != before->count)
        return false;
    for (size_t i = 0; i < after->count; i++)
        if (strcmp(after->items[i].name, before->items[i].name) != 0 ||
            !csi_span_equal(csi_blob_span(after->items[i].bytes), csi_blob_span(before->items[i].bytes)))
            return false;
    return true;
}

static void judge_pem(const struct corpus_row *row, const uint8_t *data, size_t size)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    CSI_AUTO(csi_passwords) *passwords = passwords_of(row, err);
    CSI_AUTO(csi_parts) *parts = parts_of(data, size, err);
    CSI_AUTO(certstore_bundle) *bundle = decode(&csi_codec_pem, parts, passwords, err);
    const json_t *blocks = json_object_get(json_object_get(row->record, "result"), "blocks");
    if (strcmp(row->expect, "reject-like-openssl") == 0) {
        corpus_count(&score, row, bundle == NULL || !keys_open(bundle), "it was accepted");
        return;
    }
    if (bundle == NULL) {
        corpus_count(&score, row, strcmp(row->expect, "accept") != 0, err->message);
        return;
    }
    const char *wrong = check_blocks(bundle, blocks);
    if (wrong == NULL && !comes_out_unchanged(&csi_codec_pem, bundle, parts))
        wrong = "other bytes came out than went in";
    corpus_count(&score, row, wrong == NULL, wrong != NULL ? wrong : "");
}

/* The oracle hashes what OpenSSL would write, which for BER is not what stands in the file; ours are the file's bytes. */
static bool has_bytes(const certstore_entry *entry, const uint8_t *data, size_t size)
{
    return entry->cert_count == 1 && csi_span_equal(csi_span(entry->certs[0].data, entry->certs[0].size), csi_span(data, size));
}

/* expected: "cert:SHA256", "crl:SHA256", or nothing where OpenSSL reads neither. */
static void judge_der(const struct corpus_row *row, const uint8_t *data, size_t size)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    CSI_AUTO(csi_parts) *parts = parts_of(data, size, err);
    CSI_AUTO(certstore_bundle) *bundle = decode(&csi_codec_pem, parts, NULL, err);
    const char *colon = strchr(row->expected, ':');
    if (bundle == NULL || bundle->count != 1) { /* text without a block is an empty store */
        corpus_count(&score, row, strcmp(row->expect, "accept") != 0 && (bundle == NULL || strcmp(row->format, "TEXT") == 0), err->message);
        return;
    }
    const certstore_entry *entry = bundle->entries[0];
    bool good = comes_out_unchanged(&csi_codec_pem, bundle, parts);
    if (strncmp(row->expected, "cert:", 5) == 0)
        good = good && (has_cert(entry, colon + 1) || (strcmp(row->cls, "malformed") == 0 && has_bytes(entry, data, size)));
    else if (strncmp(row->expected, "crl:", 4) == 0)
        good = good && entry->kind == CERTSTORE_CRL && hex_is(csi_blob_span(entry->content), colon + 1);
    corpus_count(&score, row, good, "not what the oracle sees");
}

static void judge_rows(const struct corpus *corpus, const char *format, void (*judge)(const struct corpus_row *, const uint8_t *, size_t))
{
    const struct corpus_row *row;
    for (size_t at = 0; (row = corpus_next(corpus, format, &at)) != NULL;) {
        size_t size;
        uint8_t *data = corpus_load(corpus, row->file, &size);
        assert_non_null(data);
        judge(row, data, size);
        free(data);
    }
}

/* The corpus keeps symlinks as small files that hold their target. */
static uint8_t *follow_link(const struct corpus *corpus, const char *relative, uint8_t *data, size_t *size)
{
    char path[4096];
    if (data == NULL || *size > 255 || memchr(data, '\n', *size) != NULL)
        return data;
    snprintf(path, sizeof path, "%s/%s", relative, (const char *)data);
    free(data);
    return corpus_load(corpus, path, size);
}

static csi_parts *read_directory(const struct corpus *corpus, const char *relative, certstore_error *err)
{
    char path[4096];
    csi_parts *parts = csi_parts_new(err);
    snprintf(path, sizeof path, "%s/%s", corpus->root, relative);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (const struct dirent *item; (item = readdir(dir)) != NULL;) {
        if (item->d_name[0] == '.')
            continue;
        size_t size;
        snprintf(path, sizeof path, "%s/%s", relative, item->d_name);
        uint8_t *data = follow_link(corpus, relative, corpus_load(corpus, path, &size), &size);
        assert_non_null(data);
        CSI_AUTO(csi_blob) *bytes = csi_blob_adopt(data, size, err);
        assert_int_equal(csi_parts_add(parts, item->d_name, bytes, err), CERTSTORE_OK);
    }
    closedir(dir);
    return parts;
}

static void judge_directory(const struct corpus *corpus, const struct corpus_row *row)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    CSI_AUTO(csi_parts) *parts = read_directory(corpus, row->file, err);
    CSI_AUTO(certstore_bundle) *bundle = decode(&csi_codec_pemdir, parts, NULL, err);
    assert_non_null(bundle);
    const size_t expected = (size_t)strtoul(row->note, NULL, 10);
    bool good = bundle->count == expected && bundle->notes->count == 0;
    corpus_count(&score, row, good && comes_out_unchanged(&csi_codec_pemdir, bundle, parts), "other entries, notes or bytes");
}

static void the_corpus_is_read_whole_refused_where_openssl_refuses_and_comes_out_unchanged(void **state)
{
    (void)state;
    struct corpus *corpus = corpus_open();
    if (corpus == NULL)
        skip();
    judge_rows(corpus, "PEM", judge_pem);
    judge_rows(corpus, "TEXT", judge_der);
    judge_rows(corpus, "DER", judge_der);
    judge_rows(corpus, "PKCS8-DER", judge_der);
    const struct corpus_row *row;
    for (size_t at = 0; (row = corpus_next(corpus, "HASHDIR", &at)) != NULL;)
        judge_directory(corpus, row);
    corpus_print(&score);
    assert_int_equal(corpus_misses(&score), 0);
    corpus_free(corpus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_corpus_is_read_whole_refused_where_openssl_refuses_and_comes_out_unchanged),
    };
    return cmocka_run_group_tests_name("corpus: PEM", tests, NULL, NULL);
}
