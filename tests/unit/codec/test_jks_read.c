/* SPDX-License-Identifier: Apache-2.0 */
/* test_jks_read.c: what is read of JKS and JCEKS files that are put together here byte by byte, and what is refused, and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "codec/codec.h"
#include "codec/jks.h"
#include "support/jksfile.h"

static void an_empty_store_is_32_bytes(void **state)
{
    (void)state;
    CSI_AUTO_BUF file = { 0 };
    jksfile_begin(&file, JKSFILE_JKS, 2, 0);
    jksfile_end(&file, "changeit");
    assert_int_equal(file.size, 32);
    CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_jks, &file, "changeit", CERTSTORE_OK);
    assert_int_equal(bundle->count, 0);
    assert_int_equal(bundle->integrity, CERTSTORE_INTEGRITY_VERIFIED);
}

static void make_two(struct csi_buf *file, uint32_t version, const char *password)
{
    jksfile_begin(file, JKSFILE_JKS, version, 2);
    jksfile_trusted(file, version, "zeta", 1500000000000, 7);
    jksfile_key(file, version, "alpha", -1, "not looked at before it is asked for", 3);
    jksfile_end(file, password);
}

static void entries_keep_their_order_dates_and_certificates(void **state)
{
    (void)state;
    for (uint32_t version = 1; version <= 2; version++) {
        CSI_AUTO_BUF file = { 0 };
        make_two(&file, version, "changeit");
        CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_jks, &file, "changeit", CERTSTORE_OK);
        assert_int_equal(bundle->count, 2);
        const certstore_entry *zeta = bundle->entries[0];
        const certstore_entry *alpha = bundle->entries[1];
        assert_string_equal(zeta->alias, "zeta");
        assert_int_equal(zeta->kind, CERTSTORE_TRUSTED);
        assert_int_equal(zeta->created_ms, 1500000000000);
        assert_int_equal(zeta->cert_count, 1);
        assert_int_equal(zeta->certs[0].data[4], 7);
        assert_int_equal(alpha->kind, CERTSTORE_KEY);
        assert_int_equal(alpha->created_ms, -1);
        assert_int_equal(alpha->cert_count, 3);
        assert_int_equal(alpha->certs[2].data[4], 2);
        assert_true(csi_span_equal(csi_blob_span(alpha->key->sealed), csi_span_text("not looked at before it is asked for")));
        assert_int_equal(bundle->notes->count, 0);
    }
}

static void certificates_are_slices_of_the_file(void **state)
{
    (void)state;
    CSI_AUTO_BUF file = { 0 };
    make_two(&file, 2, "changeit");
    CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_jks, &file, "changeit", CERTSTORE_OK);
    const csi_blob *owner = bundle->entries[0]->certs[0].owner;
    assert_int_equal(owner->size, file.size);
    for (size_t i = 0; i < 3; i++)
        assert_ptr_equal(bundle->entries[1]->certs[i].owner, owner);
}

static void the_digest_covers_every_byte(void **state)
{
    (void)state;
    CSI_AUTO_BUF file = { 0 };
    jksfile_begin(&file, JKSFILE_JKS, 2, 1);
    jksfile_trusted(&file, 2, "a", 0, 1);
    jksfile_end(&file, "changeit");
    for (size_t i = 26; i < 34; i++) { /* the date, which nothing else guards */
        file.data[i - 7] ^= 1;
        CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_jks, &file, "changeit", CERTSTORE_E_PASSWORD);
        assert_null(bundle);
        file.data[i - 7] ^= 1;
    }
}

/* "open": not wiped when it is freed, since there is nothing secret in it. */
static void only_a_file_that_never_held_a_key_is_left_unwiped(void **state)
{
    (void)state;
    for (int keys = 0; keys < 2; keys++) {
        CSI_AUTO_BUF file = { 0 };
        jksfile_begin(&file, JKSFILE_JKS, 2, 2);
        if (keys > 0)
            jksfile_key(&file, 2, "a", 1, "sealed", 1);
        else
            jksfile_trusted(&file, 2, "b", 1, 1);
        jksfile_trusted(&file, 2, "a", 2, 2); /* takes the key's place, which still stands in the file */
        jksfile_end(&file, "changeit");
        CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_jks, &file, "changeit", CERTSTORE_OK);
        assert_int_equal(csi_jks_document_of(&csi_codec_jks, bundle)->file->open, keys == 0);
    }
}

static void without_a_password_nothing_is_checked_and_that_is_said(void **state)
{
    (void)state;
    CSI_AUTO_BUF file = { 0 };
    make_two(&file, 2, "changeit");
    CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_jks, &file, NULL, CERTSTORE_OK);
    assert_int_equal(bundle->count, 2);
    assert_int_equal(bundle->integrity, CERTSTORE_INTEGRITY_UNCHECKED);
}

static void an_empty_password_is_a_password(void **state)
{
    (void)state;
    CSI_AUTO_BUF file = { 0 };
    make_two(&file, 2, "");
    CSI_AUTO(certstore_bundle) *right = jksfile_read(&csi_codec_jks, &file, "", CERTSTORE_OK);
    assert_int_equal(right->integrity, CERTSTORE_INTEGRITY_VERIFIED);
    CSI_AUTO(certstore_bundle) *wrong = jksfile_read(&csi_codec_jks, &file, "x", CERTSTORE_E_PASSWORD);
    assert_null(wrong);
}

/* The password of the digest is UTF-16BE: U+1F600 is two units there. */
static void a_password_beyond_the_basic_plane_fits(void **state)
{
    (void)state;
    CSI_AUTO_BUF file = { 0 };
    make_two(&file, 2, "p\xc3\xa4ss\xf0\x9f\x98\x80");
    CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_jks, &file, "p\xc3\xa4ss\xf0\x9f\x98\x80", CERTSTORE_OK);
    assert_int_equal(bundle->integrity, CERTSTORE_INTEGRITY_VERIFIED);
}

static void a_changed_store_whose_key_opens_is_tampered_with(void **state)
{
    (void)state;
    CSI_AUTO_BUF file = { 0 };
    jksfile_begin(&file, JKSFILE_JKS, 2, 2);
    jksfile_trusted(&file, 2, "ca", 0, 1);
    jksfile_sealed_key(&file, CSI_PKCS8_JKS, 2, "web", "changeit", 0, 1);
    jksfile_end(&file, "changeit");
    CSI_AUTO(certstore_bundle) *sound = jksfile_read(&csi_codec_jks, &file, "changeit", CERTSTORE_OK);
    assert_non_null(sound);
    file.data[24] ^= 1; /* in the date of "ca" */
    CSI_AUTO(certstore_bundle) *right = jksfile_read(&csi_codec_jks, &file, "changeit", CERTSTORE_E_TAMPERED);
    CSI_AUTO(certstore_bundle) *wrong = jksfile_read(&csi_codec_jks, &file, "changeiT", CERTSTORE_E_PASSWORD);
    assert_null(right);
    assert_null(wrong);
}

static void a_store_cut_anywhere_is_truncated(void **state)
{
    (void)state;
    for (uint32_t version = 1; version <= 2; version++) {
        CSI_AUTO_BUF file = { 0 };
        make_two(&file, version, "changeit");
        for (size_t size = 0; size < file.size; size++) {
            const struct csi_buf cut = { .data = file.data, .size = size };
            CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_jks, &cut, "changeit", CERTSTORE_E_TRUNCATED);
            assert_null(bundle);
        }
    }
}

static void put_at(struct csi_buf *file, size_t offset, uint32_t value)
{
    for (size_t i = 0; i < 4; i++)
        file->data[offset + i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Offsets: 4 version, 8 count, 12 tag, 16 alias length, 18 "a", 19 date, 27 key length, 29+... */
static void counts_and_lengths_that_cannot_be_are_told_apart(void **state)
{
    (void)state;
    enum { MAGIC = 0, VERSION = 4, COUNT = 8, TAG = 12, KEY_SIZE = 27, CHAIN = 34 };
    static const struct {
        size_t offset;
        uint32_t value;
        certstore_status status;
    } cases[] = {
        { MAGIC, 0xcafebabe, CERTSTORE_E_MALFORMED },
        { VERSION, 0, CERTSTORE_E_UNSUPPORTED },
        { VERSION, 3, CERTSTORE_E_UNSUPPORTED },
        { COUNT, 0xffffffff, CERTSTORE_E_MALFORMED },
        { COUNT, 0x7fffffff, CERTSTORE_E_TRUNCATED },
        { TAG, 0, CERTSTORE_E_MALFORMED },
        { TAG, 4, CERTSTORE_E_MALFORMED },
        { TAG, 0xffffffff, CERTSTORE_E_MALFORMED },
        { KEY_SIZE, 0x80000000, CERTSTORE_E_MALFORMED },
        { KEY_SIZE, 0x7fffffff, CERTSTORE_E_TRUNCATED },
        { CHAIN, 0x80000000, CERTSTORE_E_MALFORMED },
        { CHAIN, 0x7fffffff, CERTSTORE_E_TRUNCATED },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CSI_AUTO_BUF file = { 0 };
        jksfile_begin(&file, JKSFILE_JKS, 2, 1);
        jksfile_key(&file, 2, "a", 0, "key", 1);
        put_at(&file, cases[i].offset, cases[i].value);
        jksfile_end(&file, "changeit");
        CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_jks, &file, "changeit", cases[i].status);
        assert_null(bundle);
    }
}

static void more_than_a_limit_allows_is_over_a_limit(void **state)
{
    (void)state;
    static const struct {
        certstore_limit limit;
        uint64_t value;
    } cases[] = {
        { CERTSTORE_LIMIT_ENTRIES, 1 }, { CERTSTORE_LIMIT_ALIAS_SIZE, 4 }, { CERTSTORE_LIMIT_CHAIN_LENGTH, 2 }, { CERTSTORE_LIMIT_CERT_SIZE, 4 }
    };
    CSI_AUTO_BUF file = { 0 };
    make_two(&file, 2, "changeit");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct csi_limits limits = csi_limits_default;
        limits.value[cases[i].limit] = cases[i].value;
        CSI_AUTO(certstore_bundle) *bundle = jksfile_read_within(&csi_codec_jks, &file, "changeit", &limits, CERTSTORE_E_LIMIT);
        assert_null(bundle);
    }
}

static void an_alias_that_is_not_modified_utf8_is_malformed(void **state)
{
    (void)state;
    static const char *const aliases[] = { "\xff", "\xf0\x9f\x98\x80", "\xc3", "\xe2\x82" };
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        CSI_AUTO_BUF file = { 0 };
        jksfile_begin(&file, JKSFILE_JKS, 2, 1);
        jksfile_trusted(&file, 2, aliases[i], 0, 1);
        jksfile_end(&file, "changeit");
        CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_jks, &file, "changeit", CERTSTORE_E_MALFORMED);
        assert_null(bundle);
    }
}

static void a_surrogate_pair_in_an_alias_is_one_character(void **state)
{
    (void)state;
    CSI_AUTO_BUF file = { 0 };
    jksfile_begin(&file, JKSFILE_JKS, 2, 3);
    jksfile_trusted(&file, 2, "\xed\xa0\xbd\xed\xb8\x80", 0, 1);
    jksfile_trusted(&file, 2, "nul\xc0\x80", 0, 2);
    jksfile_trusted(&file, 2, "", 0, 3);
    jksfile_end(&file, "changeit");
    CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_jks, &file, "changeit", CERTSTORE_OK);
    assert_string_equal(bundle->entries[0]->alias, "\xf0\x9f\x98\x80");
    assert_string_equal(bundle->entries[1]->alias, "nul\xc0\x80");
    assert_string_equal(bundle->entries[2]->alias, "");
    assert_int_equal(bundle->notes->count, 0);
}

static void what_is_no_certificate_is_malformed_as_java_says(void **state)
{
    (void)state;
    CSI_AUTO_BUF file = { 0 };
    jksfile_begin(&file, JKSFILE_JKS, 2, 1);
    jksfile_head(&file, 2, "a", 0);
    jksfile_cert(&file, 2, "X.509", csi_span_text("-----BEGIN"));
    jksfile_end(&file, "changeit");
    CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_jks, &file, "changeit", CERTSTORE_E_MALFORMED);
    assert_null(bundle);
}

static void a_certificate_of_another_type_is_carried_along(void **state)
{
    (void)state;
    CSI_AUTO_BUF file = { 0 };
    jksfile_begin(&file, JKSFILE_JKS, 2, 2);
    jksfile_head(&file, 2, "pgp", 0);
    jksfile_cert(&file, 2, "PGP", csi_span_text("something else"));
    jksfile_head(&file, 2, "x", 0);
    jksfile_cert(&file, 2, "X509", csi_span_text("\x30\x01\x05"));
    jksfile_end(&file, "changeit");
    CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_jks, &file, "changeit", CERTSTORE_OK);
    assert_int_equal(bundle->entries[0]->kind, CERTSTORE_OPAQUE);
    assert_int_equal(bundle->entries[1]->kind, CERTSTORE_TRUSTED);
    assert_true(jksfile_has_note(bundle, "certificate-type", "pgp"));
}

static void bytes_behind_the_digest_are_noted(void **state)
{
    (void)state;
    CSI_AUTO_BUF file = { 0 };
    make_two(&file, 2, "changeit");
    csi_buf_put_text(&file, "tail");
    CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_jks, &file, "changeit", CERTSTORE_OK);
    assert_int_equal(bundle->integrity, CERTSTORE_INTEGRITY_VERIFIED);
    assert_true(jksfile_has_note(bundle, "trailing-bytes", ""));
}

/* The digest goes over the file in windows, ahead of the entries, and has to begin anew where something follows it. */
static void a_store_of_many_windows_is_verified_whatever_follows_it(void **state)
{
    (void)state;
    enum { ENTRIES = 3000 };
    static const size_t tails[] = { 0, 1, CSI_SHA1_SIZE, CSI_JKS_WINDOW, 3 * CSI_JKS_WINDOW + 7 };
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        CSI_AUTO_BUF file = { 0 };
        jksfile_begin(&file, JKSFILE_JKS, 2, ENTRIES);
        for (int entry = 0; entry < ENTRIES; entry++) {
            char alias[24];
            snprintf(alias, sizeof alias, "entry-%d", entry);
            jksfile_trusted(&file, 2, alias, entry, (uint8_t)entry);
        }
        jksfile_end(&file, "changeit");
        const size_t content = file.size - CSI_SHA1_SIZE;
        assert_true(content > 5 * (size_t)CSI_JKS_WINDOW);
        for (size_t tail = 0; tail < tails[i]; tail++)
            csi_buf_put_u8(&file, (uint8_t)tail);
        CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_jks, &file, "changeit", CERTSTORE_OK);
        assert_int_equal(bundle->count, ENTRIES);
        assert_int_equal(bundle->integrity, CERTSTORE_INTEGRITY_VERIFIED);
        for (size_t at = content - 1; at > CSI_JKS_WINDOW; at -= CSI_JKS_WINDOW - 1) {
            file.data[at] ^= 1;
            certstore_error err = { 0 };
            CSI_AUTO(csi_blob) *changed = csi_blob_new(file.data, file.size, &err);
            CSI_AUTO(csi_parts) *parts = csi_parts_new(&err);
            CSI_AUTO(csi_passwords) *passwords = jksfile_passwords("changeit", NULL);
            csi_parts_add(parts, "", changed, &err);
            const struct csi_decode in = { .parts = parts, .passwords = passwords, .limits = &csi_limits_default };
            assert_null(csi_codec_jks.decode(&in, &err));
            assert_int_not_equal(err.status, CERTSTORE_OK);
            file.data[at] ^= 1;
        }
    }
}

static void of_two_entries_with_one_alias_the_last_counts(void **state)
{
    (void)state;
    CSI_AUTO_BUF file = { 0 };
    jksfile_begin(&file, JKSFILE_JKS, 2, 3);
    jksfile_trusted(&file, 2, "a", 0, 1);
    jksfile_trusted(&file, 2, "b", 0, 2);
    jksfile_trusted(&file, 2, "a", 0, 3);
    jksfile_end(&file, "changeit");
    CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_jks, &file, "changeit", CERTSTORE_OK);
    assert_int_equal(bundle->count, 2);
    assert_int_equal(jksfile_find(bundle, "a")->certs[0].data[4], 3);
    assert_true(jksfile_has_note(bundle, "duplicate-alias", "a"));
}

static void an_alias_in_capitals_is_kept_and_noted(void **state)
{
    (void)state;
    CSI_AUTO_BUF file = { 0 };
    jksfile_begin(&file, JKSFILE_JKS, 2, 2);
    jksfile_trusted(&file, 2, "IssuingCA", 0, 1);
    jksfile_trusted(&file, 2, "\xc3\xa4rger", 0, 2); /* lower case, and not ASCII: nothing to say */
    jksfile_end(&file, "changeit");
    CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_jks, &file, "changeit", CERTSTORE_OK);
    assert_string_equal(bundle->entries[0]->alias, "IssuingCA");
    assert_true(jksfile_has_note(bundle, "java-invisible", "IssuingCA"));
    assert_int_equal(bundle->notes->count, 1);
}

/* Java keeps both, and finds "foo" only. */
static void aliases_that_differ_in_case_are_both_kept(void **state)
{
    (void)state;
    for (int order = 0; order < 2; order++) {
        CSI_AUTO_BUF file = { 0 };
        jksfile_begin(&file, JKSFILE_JKS, 2, 2);
        jksfile_trusted(&file, 2, order == 0 ? "foo" : "Foo", 0, order == 0 ? 1 : 2);
        jksfile_trusted(&file, 2, order == 0 ? "Foo" : "foo", 0, order == 0 ? 2 : 1);
        jksfile_end(&file, "changeit");
        CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_jks, &file, "changeit", CERTSTORE_OK);
        assert_int_equal(bundle->count, 2);
        assert_int_equal(jksfile_find(bundle, "foo")->certs[0].data[4], 1);
        assert_true(jksfile_has_note(bundle, "java-invisible", "Foo"));
        assert_int_equal(bundle->entries[0]->certs[0].data[4], order == 0 ? 1 : 2); /* in the file's order, or writing would change it */
        CSI_AUTO(csi_passwords) *passwords = jksfile_passwords("changeit", NULL);
        CSI_AUTO(csi_blob) *same = jksfile_write(&csi_codec_jks, bundle, passwords, false, CERTSTORE_OK);
        assert_true(csi_span_equal(csi_blob_span(same), csi_buf_span(&file)));
    }
}

static void each_format_is_known_by_its_magic_number(void **state)
{
    (void)state;
    CSI_AUTO_BUF jks = { 0 };
    CSI_AUTO_BUF jceks = { 0 };
    jksfile_begin(&jks, JKSFILE_JKS, 2, 0);
    jksfile_end(&jks, "changeit");
    jksfile_begin(&jceks, JKSFILE_JCEKS, 2, 0);
    jksfile_end(&jceks, "changeit");
    assert_int_equal(csi_codec_jks.probe(csi_buf_span(&jks)), 100);
    assert_int_equal(csi_codec_jceks.probe(csi_buf_span(&jceks)), 100);
    assert_int_equal(csi_codec_jks.probe(csi_buf_span(&jceks)), 0);
    assert_int_equal(csi_codec_jceks.probe(csi_buf_span(&jks)), 0);
    assert_int_equal(csi_codec_jks.probe(csi_span("\xfe\xed", 2)), 0);
    CSI_AUTO(certstore_bundle) *both = jksfile_read(&csi_codec_jceks, &jks, "changeit", CERTSTORE_OK); /* as Java's JCEKS does */
    CSI_AUTO(certstore_bundle) *none = jksfile_read(&csi_codec_jks, &jceks, "changeit", CERTSTORE_E_MALFORMED);
    assert_non_null(both);
    assert_null(none);
}

static void a_secret_key_under_the_magic_of_jks_is_sent_to_jceks(void **state)
{
    (void)state;
    CSI_AUTO_BUF file = { 0 };
    jksfile_begin(&file, JKSFILE_JKS, 2, 1);
    jksfile_secret(&file, "token", "changeit");
    jksfile_end(&file, "changeit");
    CSI_AUTO(certstore_bundle) *jks = jksfile_read(&csi_codec_jks, &file, "changeit", CERTSTORE_E_UNSUPPORTED);
    CSI_AUTO(certstore_bundle) *jceks = jksfile_read(&csi_codec_jceks, &file, "changeit", CERTSTORE_OK);
    assert_null(jks);
    assert_int_equal(jceks->entries[0]->kind, CERTSTORE_SECRET);
}

static void the_entry_behind_a_secret_key_is_found(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO_BUF file = { 0 };
    jksfile_begin(&file, JKSFILE_JCEKS, 2, 2);
    jksfile_secret(&file, "token", "changeit");
    jksfile_trusted(&file, 2, "ca", 0, 1);
    jksfile_end(&file, "changeit");
    CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_jceks, &file, "changeit", CERTSTORE_OK);
    assert_int_equal(bundle->count, 2);
    assert_string_equal(bundle->entries[1]->alias, "ca");
    CSI_AUTO_PLAIN plain = { 0 };
    assert_int_equal(csi_key_open(bundle->entries[0]->key, "token", NULL, &plain, &err), CERTSTORE_OK);
    assert_string_equal(plain.algorithm, "AES");
    assert_true(csi_span_equal(csi_secret_span(plain.bytes), csi_span_text("0123456789abcdef")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_store_is_32_bytes),
        cmocka_unit_test(entries_keep_their_order_dates_and_certificates),
        cmocka_unit_test(certificates_are_slices_of_the_file),
        cmocka_unit_test(the_digest_covers_every_byte),
        cmocka_unit_test(only_a_file_that_never_held_a_key_is_left_unwiped),
        cmocka_unit_test(without_a_password_nothing_is_checked_and_that_is_said),
        cmocka_unit_test(an_empty_password_is_a_password),
        cmocka_unit_test(a_password_beyond_the_basic_plane_fits),
        cmocka_unit_test(a_changed_store_whose_key_opens_is_tampered_with),
        cmocka_unit_test(a_store_cut_anywhere_is_truncated),
        cmocka_unit_test(counts_and_lengths_that_cannot_be_are_told_apart),
        cmocka_unit_test(more_than_a_limit_allows_is_over_a_limit),
        cmocka_unit_test(an_alias_that_is_not_modified_utf8_is_malformed),
        cmocka_unit_test(a_surrogate_pair_in_an_alias_is_one_character),
        cmocka_unit_test(what_is_no_certificate_is_malformed_as_java_says),
        cmocka_unit_test(a_certificate_of_another_type_is_carried_along),
        cmocka_unit_test(bytes_behind_the_digest_are_noted),
        cmocka_unit_test(a_store_of_many_windows_is_verified_whatever_follows_it),
        cmocka_unit_test(of_two_entries_with_one_alias_the_last_counts),
        cmocka_unit_test(an_alias_in_capitals_is_kept_and_noted),
        cmocka_unit_test(aliases_that_differ_in_case_are_both_kept),
        cmocka_unit_test(each_format_is_known_by_its_magic_number),
        cmocka_unit_test(a_secret_key_under_the_magic_of_jks_is_sent_to_jceks),
        cmocka_unit_test(the_entry_behind_a_secret_key_is_found),
    };
    return cmocka_run_group_tests_name("jks_read", tests, NULL, NULL);
}
