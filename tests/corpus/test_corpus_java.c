/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_corpus_java.c: the JKS, JCEKS, BKS and UBER stores of other projects, held against what Java 17 made of each: every entry, its date,
 * certificates and key. Prints the score.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "codec/codec.h"
#include "support/corpus.h"
#include "support/jksfile.h"

static const struct {
    const char *format;
    const struct csi_codec *codec;
} formats[] = { { "JKS", &csi_codec_jks }, { "JCEKS", &csi_codec_jceks }, { "BKS", &csi_codec_bks } };

enum { FORMATS = sizeof formats / sizeof *formats };

/* The row's passphrases; those of single entries stand in the oracle's view. */
static csi_passwords *passwords_of(const struct corpus_row *row)
{
    certstore_error err = { 0 };
    csi_passwords *passwords = jksfile_passwords(NULL, NULL);
    if (row->has_password)
        passwords->store = csi_secret_new(row->password.data, row->password.size, &err);
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(json_object_get(row->record, "java"), "entries"), i, entry)
    {
        const char *own = json_string_value(json_object_get(entry, "keypass"));
        if (own != NULL)
            assert_int_equal(csi_passwords_set_entry(passwords, json_string_value(json_object_get(entry, "alias")), csi_span_text(own), &err),
                             CERTSTORE_OK);
    }
    return passwords;
}

static certstore_bundle *decode(const struct csi_codec *codec, struct csi_span bytes, const csi_passwords *passwords, certstore_error *err)
{
    CSI_AUTO(csi_blob) *blob = csi_blob_new(bytes.data, bytes.size, err);
    CSI_AUTO(csi_parts) *parts = csi_parts_new(err);
    assert_int_equal(csi_parts_add(parts, "", blob, err), CERTSTORE_OK);
    const struct csi_decode in = { .parts = parts, .passwords = passwords, .limits = &csi_limits_default };
    return codec->decode(&in, err);
}

static bool hash_is(struct csi_span bytes, const json_t *expected)
{
    uint8_t digest[32];
    char text[65];
    csi_sha256(bytes, digest);
    csi_hex(digest, sizeof digest, text);
    return json_is_string(expected) && strcmp(text, json_string_value(expected)) == 0;
}

static bool key_is(const certstore_entry *entry, const json_t *expected)
{
    if (expected == NULL)
        return true;
    if (entry->kind == CERTSTORE_OPAQUE)
        return hash_is(csi_blob_span(entry->content), expected);
    certstore_error err = { 0 };
    CSI_AUTO_PLAIN plain = { 0 };
    if (entry->key == NULL || csi_key_open(entry->key, entry->alias, NULL, &plain, &err) != CERTSTORE_OK)
        return false;
    return hash_is(csi_secret_span(plain.bytes), expected);
}

static bool kind_is(const certstore_entry *entry, const char *expected)
{
    if (strcmp(expected, "key-locked") == 0) /* Java had no passphrase for it: what it is, is not known */
        return true;
    static const char *const names[] = { [CERTSTORE_TRUSTED] = "trusted",
                                         [CERTSTORE_KEY] = "private",
                                         [CERTSTORE_SECRET] = "secret",
                                         [CERTSTORE_CRL] = "",
                                         [CERTSTORE_OPAQUE] = "other" };
    return strcmp(names[entry->kind], expected) == 0;
}

/* NULL when the entry is what Java saw, else what differs. */
static const char *compare_entry(const certstore_entry *entry, const json_t *expected)
{
    const json_t *certs = json_object_get(expected, "certs");
    if (entry == NULL)
        return "an entry is missing";
    if (!kind_is(entry, json_string_value(json_object_get(expected, "kind"))))
        return "an entry is of another kind";
    if (entry->created_ms != json_integer_value(json_object_get(expected, "created_ms")))
        return "an entry has another date";
    if (entry->cert_count != json_array_size(certs))
        return "an entry has another number of certificates";
    for (size_t i = 0; i < entry->cert_count; i++)
        if (!hash_is(csi_span(entry->certs[i].data, entry->certs[i].size), json_array_get(certs, i)))
            return "an entry has another certificate";
    return key_is(entry, json_object_get(expected, "key_sha256")) ? NULL : "a key does not open, or is another one";
}

static const char *compare(const certstore_bundle *bundle, const struct corpus_row *row)
{
    json_t *entries = json_object_get(json_object_get(row->record, "java"), "entries");
    size_t i;
    json_t *entry;
    if (bundle->count != json_array_size(entries))
        return "another number of entries";
    json_array_foreach(entries, i, entry)
    {
        const char *why = compare_entry(jksfile_find(bundle, json_string_value(json_object_get(entry, "alias"))), entry);
        if (why != NULL)
            return why;
    }
    return NULL;
}

static const char *judge_accepted(const struct csi_codec *codec, const struct corpus_row *row, struct csi_span bytes)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_passwords) *passwords = passwords_of(row);
    CSI_AUTO(certstore_bundle) *bundle = decode(codec, bytes, passwords, &err);
    if (codec->probe(bytes) < 50)
        return "not recognised";
    if (bundle == NULL) {
        print_message("# %s\n", err.message);
        return "not read";
    }
    if (bundle->integrity != CERTSTORE_INTEGRITY_VERIFIED)
        return "its integrity was not verified";
    const char *why = compare(bundle, row);
    if (why != NULL || codec == &csi_codec_bks || strcmp(row->expect, "accept") != 0)
        return why;
    CSI_AUTO(csi_blob) *written = jksfile_write(codec, bundle, passwords, false, CERTSTORE_OK);
    return csi_span_equal(csi_blob_span(written), bytes) ? NULL : "written unchanged, it has other bytes";
}

static const char *judge_rejected(const struct csi_codec *codec, const struct corpus_row *row, struct csi_span bytes)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_passwords) *passwords = passwords_of(row);
    CSI_AUTO(certstore_bundle) *bundle = decode(codec, bytes, passwords, &err);
    if (bundle != NULL)
        return "accepted";
    return err.status == CERTSTORE_E_MALFORMED || err.status == CERTSTORE_E_UNSUPPORTED ? NULL : "rejected for another reason";
}

static void judge_format(struct corpus *corpus, size_t format, struct corpus_score *score)
{
    const struct corpus_row *row;
    for (size_t at = 0; (row = corpus_next(corpus, formats[format].format, &at)) != NULL;) {
        size_t size;
        uint8_t *data = corpus_load(corpus, row->file, &size);
        assert_non_null(data);
        const bool reject = strcmp(row->expect, "reject") == 0;
        const char *why = reject ? judge_rejected(formats[format].codec, row, csi_span(data, size))
                                 : judge_accepted(formats[format].codec, row, csi_span(data, size));
        corpus_count(score, row, why == NULL, why != NULL ? why : "");
        free(data);
    }
}

static void judge_uber(struct corpus *corpus, struct corpus_score *score)
{
    const struct corpus_row *row;
    for (size_t at = 0; (row = corpus_next(corpus, "UBER", &at)) != NULL;) {
        size_t size;
        certstore_error err = { 0 };
        uint8_t *data = corpus_load(corpus, row->file, &size);
        assert_non_null(data);
        const bool known = csi_codec_uber.probe(csi_span(data, size)) >= 50 && csi_codec_bks.probe(csi_span(data, size)) == 0;
        CSI_AUTO(certstore_bundle) *bundle = decode(&csi_codec_uber, csi_span(data, size), NULL, &err);
        assert_null(bundle);
        struct corpus_row declined = *row;
        declined.expect = (char[]){ "declined by name" };
        corpus_count(score, &declined, known && err.status == CERTSTORE_E_UNSUPPORTED && strstr(err.message, "UBER") != NULL, err.message);
        free(data);
    }
}

static void every_store_is_what_java_makes_of_it(void **state)
{
    (void)state;
    struct corpus *corpus = corpus_open();
    if (corpus == NULL)
        skip();
    struct corpus_score score = { 0 };
    for (size_t i = 0; i < FORMATS; i++)
        judge_format(corpus, i, &score);
    judge_uber(corpus, &score);
    corpus_print(&score);
    const unsigned misses = corpus_misses(&score);
    corpus_free(corpus);
    assert_true(score.count >= 7);
    assert_int_equal(misses, 0);
}

/* Runs a check over every JKS and JCEKS store that Java reads. */
static void for_each_store(void (*check)(const struct csi_codec *codec, const struct corpus_row *row, struct csi_span bytes))
{
    struct corpus *corpus = corpus_open();
    if (corpus == NULL)
        skip();
    for (size_t i = 0; i < 2; i++) {
        const struct corpus_row *row;
        for (size_t at = 0; (row = corpus_next(corpus, formats[i].format, &at)) != NULL;) {
            size_t size;
            uint8_t *data = strcmp(row->expect, "accept") == 0 ? corpus_load(corpus, row->file, &size) : NULL;
            if (data != NULL)
                check(formats[i].codec, row, csi_span(data, size));
            free(data);
        }
    }
    corpus_free(corpus);
}

static void check_wrong_password(const struct csi_codec *codec, const struct corpus_row *row, struct csi_span bytes)
{
    (void)row;
    certstore_error err = { 0 };
    CSI_AUTO(csi_passwords) *wrong = jksfile_passwords("no store has this passphrase", NULL);
    CSI_AUTO(certstore_bundle) *bundle = decode(codec, bytes, wrong, &err);
    assert_null(bundle);
    assert_int_equal(err.status, CERTSTORE_E_PASSWORD);
}

static void a_wrong_password_is_never_called_anything_else(void **state)
{
    (void)state;
    for_each_store(check_wrong_password);
}

enum { SAMPLES = 61 };

static void check_cuts(const struct csi_codec *codec, const struct corpus_row *row, struct csi_span bytes)
{
    CSI_AUTO(csi_passwords) *passwords = passwords_of(row);
    for (size_t i = 0; i < SAMPLES; i++) {
        certstore_error err = { 0 };
        CSI_AUTO(certstore_bundle) *bundle = decode(codec, csi_span(bytes.data, bytes.size * i / SAMPLES), passwords, &err);
        assert_null(bundle);
        assert_int_equal(err.status, CERTSTORE_E_TRUNCATED);
    }
}

static void a_store_cut_short_is_truncated(void **state)
{
    (void)state;
    for_each_store(check_cuts);
}

static void check_changes(const struct csi_codec *codec, const struct corpus_row *row, struct csi_span bytes)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_passwords) *passwords = passwords_of(row);
    CSI_AUTO(csi_blob) *changed = csi_blob_new(bytes.data, bytes.size, &err);
    const size_t samples = codec == &csi_codec_jks ? SAMPLES : 5; /* each JCEKS key that is tried takes 200,000 iterations */
    for (size_t i = 0; i < samples; i++) {
        err = (certstore_error){ 0 };
        changed->data[bytes.size * i / samples] ^= 0x20;
        CSI_AUTO(certstore_bundle) *bundle = decode(codec, csi_blob_span(changed), passwords, &err);
        assert_null(bundle);
        changed->data[bytes.size * i / samples] ^= 0x20;
    }
}

static void a_changed_byte_is_never_accepted(void **state)
{
    (void)state;
    for_each_store(check_changes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_store_is_what_java_makes_of_it),
        cmocka_unit_test(a_wrong_password_is_never_called_anything_else),
        cmocka_unit_test(a_store_cut_short_is_truncated),
        cmocka_unit_test(a_changed_byte_is_never_accepted),
    };
    return cmocka_run_group_tests_name("corpus java", tests, NULL, NULL);
}
