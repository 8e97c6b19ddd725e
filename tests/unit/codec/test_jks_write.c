/* SPDX-License-Identifier: Apache-2.0 */
/* test_jks_write.c: what an edit leaves as it was, what it makes anew, and what JKS and JCEKS cannot hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "codec/codec.h"
#include "support/jksfile.h"

static void assert_bytes(const csi_blob *blob, const struct csi_buf *file)
{
    assert_int_equal(blob->size, file->size);
    assert_memory_equal(blob->data, file->data, file->size);
}

/* Trusted, key and (JCEKS) secret entries, capitals, another certificate type, and a tail. */
static void make_store(struct csi_buf *file, uint32_t magic, uint32_t version)
{
    const bool jceks = magic == JKSFILE_JCEKS;
    jksfile_begin(file, magic, version, jceks ? 4 : 3);
    jksfile_trusted(file, version, "IssuingCA", 1500000000000, 1);
    jksfile_sealed_key(file, CSI_PKCS8_JKS, version, "web", "keypass", 1600000000000, 2);
    if (jceks)
        jksfile_secret(file, "token", "keypass");
    jksfile_head(file, 2, "odd", 3);
    jksfile_cert(file, version, version == 1 ? "" : "PGP", csi_span_text("\x30\x01\x05"));
}

static void a_bundle_that_was_not_changed_is_written_byte_for_byte(void **state)
{
    (void)state;
    const uint32_t magics[] = { JKSFILE_JKS, JKSFILE_JCEKS };
    for (size_t i = 0; i < 4; i++) {
        CSI_AUTO_BUF file = { 0 };
        const struct csi_codec *codec = i / 2 == 0 ? &csi_codec_jks : &csi_codec_jceks;
        make_store(&file, magics[i / 2], 1 + (uint32_t)i % 2);
        jksfile_end(&file, "changeit");
        csi_buf_put_text(&file, "tail");
        CSI_AUTO(certstore_bundle) *bundle = jksfile_read(codec, &file, "changeit", CERTSTORE_OK);
        CSI_AUTO(csi_passwords) *protect = jksfile_passwords("changeit", NULL);
        CSI_AUTO(csi_blob) *written = jksfile_write(codec, bundle, protect, false, CERTSTORE_OK);
        assert_bytes(written, &file);
    }
}

static void renaming_changes_the_alias_and_nothing_else(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO_BUF file = { 0 };
    CSI_AUTO_BUF expected = { 0 };
    jksfile_begin(&file, JKSFILE_JKS, 2, 2);
    jksfile_key(&file, 2, "old", 5, "sealed by another, and opened by nobody here", 2);
    jksfile_trusted(&file, 2, "ca", 6, 1);
    jksfile_end(&file, "changeit");
    jksfile_begin(&expected, JKSFILE_JKS, 2, 2);
    jksfile_key(&expected, 2, "n\xc3\xa4w", 5, "sealed by another, and opened by nobody here", 2);
    jksfile_trusted(&expected, 2, "ca", 6, 1);
    jksfile_end(&expected, "changeit");
    CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_jks, &file, "changeit", CERTSTORE_OK);
    assert_int_equal(csi_bundle_rename(bundle, "old", "N\xc3\x84W", &err), CERTSTORE_OK);
    CSI_AUTO(csi_passwords) *protect = jksfile_passwords("changeit", NULL);
    CSI_AUTO(csi_blob) *written = jksfile_write(&csi_codec_jks, bundle, protect, false, CERTSTORE_OK);
    assert_bytes(written, &expected);
}

static certstore_entry *new_trusted(const char *alias, uint8_t mark)
{
    certstore_error err = { 0 };
    const uint8_t der[] = { 0x30, 0x03, 0x02, 0x01, mark };
    CSI_AUTO(csi_blob) *blob = csi_blob_new(der, sizeof der, &err);
    certstore_entry *entry = csi_entry_new(CERTSTORE_TRUSTED, alias, &err);
    assert_int_equal(csi_entry_append_cert(entry, blob, csi_blob_span(blob), &err), CERTSTORE_OK);
    return entry;
}

static certstore_entry *new_key(const char *alias, certstore_kind kind)
{
    certstore_error err = { 0 };
    certstore_entry *entry = csi_entry_new(kind, alias, &err);
    entry->key =
        kind == CERTSTORE_SECRET ? csi_key_new_plain(csi_span_text("0123456789abcdef"), "AES", &err) : csi_key_new_plain(jksfile_pkcs8(), "", &err);
    assert_non_null(entry->key);
    return entry;
}

static void put(certstore_bundle *bundle, certstore_entry *taken)
{
    certstore_error err = { 0 };
    CSI_AUTO(certstore_entry) *entry = taken;
    assert_int_equal(csi_bundle_put(bundle, entry, &err), CERTSTORE_OK);
}

static certstore_bundle *new_bundle(enum csi_alias_rule rule)
{
    certstore_error err = { 0 };
    certstore_bundle *bundle = csi_bundle_new(rule == CSI_ALIAS_LOWER ? "jks" : "pem", rule, &err);
    assert_non_null(bundle);
    return bundle;
}

static void a_new_entry_is_dated_typed_and_in_lower_case(void **state)
{
    (void)state;
    for (uint32_t version = 1; version <= 2; version++) {
        CSI_AUTO_BUF file = { 0 };
        CSI_AUTO_BUF expected = { 0 };
        jksfile_begin(&file, JKSFILE_JKS, version, 1);
        jksfile_trusted(&file, version, "Old", 1, 1);
        jksfile_end(&file, "changeit");
        jksfile_begin(&expected, JKSFILE_JKS, version, 2); /* version 1 stays version 1 */
        jksfile_trusted(&expected, version, "Old", 1, 1);
        jksfile_trusted(&expected, version, "i\xcc\x87stanbul", 1700000000000, 9);
        jksfile_end(&expected, "changeit");
        CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_jks, &file, "changeit", CERTSTORE_OK);
        put(bundle, new_trusted("\xc4\xb0stanbul", 9));
        CSI_AUTO(csi_passwords) *protect = jksfile_passwords("changeit", NULL);
        CSI_AUTO(csi_blob) *written = jksfile_write(&csi_codec_jks, bundle, protect, false, CERTSTORE_OK);
        assert_bytes(written, &expected);
    }
}

static void a_date_that_is_known_is_kept(void **state)
{
    (void)state;
    CSI_AUTO_BUF expected = { 0 };
    jksfile_begin(&expected, JKSFILE_JKS, 2, 1);
    jksfile_trusted(&expected, 2, "ca", -5, 9);
    jksfile_end(&expected, "");
    CSI_AUTO(certstore_bundle) *bundle = new_bundle(CSI_ALIAS_EXACT);
    certstore_entry *entry = new_trusted("ca", 9);
    entry->created_ms = -5;
    put(bundle, entry);
    CSI_AUTO(csi_passwords) *protect = jksfile_passwords("", NULL); /* an empty passphrase is one */
    CSI_AUTO(csi_blob) *written = jksfile_write(&csi_codec_jks, bundle, protect, false, CERTSTORE_OK);
    assert_bytes(written, &expected);
}

static void without_a_password_nothing_is_written(void **state)
{
    (void)state;
    CSI_AUTO(certstore_bundle) *bundle = new_bundle(CSI_ALIAS_LOWER);
    CSI_AUTO(csi_passwords) *none = jksfile_passwords(NULL, NULL);
    assert_null(jksfile_write(&csi_codec_jks, bundle, none, false, CERTSTORE_E_PASSWORD));
    assert_null(jksfile_write(&csi_codec_jceks, bundle, NULL, false, CERTSTORE_E_PASSWORD));
}

static certstore_bundle *reread(const struct csi_codec *codec, const csi_blob *blob, const char *password)
{
    const struct csi_buf file = { .data = blob->data, .size = blob->size };
    return jksfile_read(codec, &file, password, CERTSTORE_OK);
}

static void assert_key_opens(const certstore_bundle *bundle, const char *alias, const char *password, certstore_status expected)
{
    certstore_error err = { 0 };
    const certstore_entry *entry = jksfile_find(bundle, alias);
    assert_non_null(entry);
    struct csi_budget budget = { .limits = &csi_limits_default };
    CSI_AUTO(csi_secret) *secret = csi_secret_new(password, strlen(password), &err);
    CSI_AUTO_PLAIN plain = { 0 };
    assert_int_equal(entry->key->protection->open(entry->key->sealed, secret, &budget, &plain, &err), expected);
    if (expected == CERTSTORE_OK && entry->kind == CERTSTORE_KEY)
        assert_true(csi_span_equal(csi_secret_span(plain.bytes), jksfile_pkcs8()));
}

static bool has_oid(const certstore_entry *entry, const char *oid, size_t size)
{
    return memmem(entry->key->sealed->data, entry->key->sealed->size, oid, size) != NULL;
}

static void a_new_key_gets_its_own_password_and_its_formats_protection(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    const struct csi_codec *const codecs[] = { &csi_codec_jks, &csi_codec_jceks };
    static const char *const oids[] = { "\x2b\x06\x01\x04\x01\x2a\x02\x11\x01\x01", "\x2b\x06\x01\x04\x01\x2a\x02\x13\x01" };
    for (size_t i = 0; i < 2; i++) {
        CSI_AUTO(certstore_bundle) *bundle = new_bundle(CSI_ALIAS_LOWER);
        put(bundle, new_key("store's", CERTSTORE_KEY));
        put(bundle, new_key("own", CERTSTORE_KEY));
        CSI_AUTO(csi_passwords) *protect = jksfile_passwords("changeit", NULL);
        assert_int_equal(csi_passwords_set_entry(protect, "own", csi_span_text("for this one"), &err), CERTSTORE_OK);
        CSI_AUTO(csi_blob) *written = jksfile_write(codecs[i], bundle, protect, false, CERTSTORE_OK);
        CSI_AUTO(certstore_bundle) *again = reread(codecs[i], written, "changeit");
        assert_key_opens(again, "store's", "changeit", CERTSTORE_OK);
        assert_key_opens(again, "own", "for this one", CERTSTORE_OK);
        assert_key_opens(again, "own", "changeit", CERTSTORE_E_PASSWORD);
        assert_true(has_oid(again->entries[0], oids[i], strlen(oids[i])));
    }
}

static void a_secret_key_comes_back_from_jceks(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO(certstore_bundle) *bundle = new_bundle(CSI_ALIAS_LOWER);
    put(bundle, new_key("token", CERTSTORE_SECRET));
    CSI_AUTO(csi_passwords) *protect = jksfile_passwords("changeit", NULL);
    CSI_AUTO(csi_blob) *written = jksfile_write(&csi_codec_jceks, bundle, protect, false, CERTSTORE_OK);
    CSI_AUTO(certstore_bundle) *again = reread(&csi_codec_jceks, written, "changeit");
    CSI_AUTO_PLAIN plain = { 0 };
    assert_int_equal(again->entries[0]->kind, CERTSTORE_SECRET);
    assert_int_equal(csi_key_open(again->entries[0]->key, "token", NULL, &plain, &err), CERTSTORE_OK);
    assert_string_equal(plain.algorithm, "AES");
    assert_true(csi_span_equal(csi_secret_span(plain.bytes), csi_span_text("0123456789abcdef")));
}

static void another_chain_leaves_the_sealed_key_as_it_was(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO_BUF file = { 0 };
    CSI_AUTO_BUF expected = { 0 };
    jksfile_begin(&file, JKSFILE_JKS, 2, 1);
    jksfile_key(&file, 2, "web", 5, "sealed", 2);
    jksfile_end(&file, "changeit");
    jksfile_begin(&expected, JKSFILE_JKS, 2, 1);
    jksfile_key(&expected, 2, "web", 5, "sealed", 1);
    jksfile_end(&expected, "changeit");
    CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_jks, &file, "changeit", CERTSTORE_OK);
    CSI_AUTO(certstore_entry) *entry = csi_entry_copy(bundle->entries[0], &err);
    const uint8_t der[] = { 0x30, 0x03, 0x02, 0x01, 0 };
    CSI_AUTO(csi_blob) *blob = csi_blob_new(der, sizeof der, &err);
    csi_entry_clear_certs(entry);
    assert_int_equal(csi_entry_append_cert(entry, blob, csi_blob_span(blob), &err), CERTSTORE_OK);
    entry->origin.changed |= CSI_CHANGED_CERTS;
    assert_int_equal(csi_bundle_put(bundle, entry, &err), CERTSTORE_OK);
    CSI_AUTO(csi_passwords) *protect = jksfile_passwords("changeit", NULL);
    CSI_AUTO(csi_blob) *written = jksfile_write(&csi_codec_jks, bundle, protect, false, CERTSTORE_OK);
    assert_bytes(written, &expected);
}

static void another_password_seals_the_digest_and_every_key_anew(void **state)
{
    (void)state;
    const struct csi_codec *const codecs[] = { &csi_codec_jks, &csi_codec_jceks };
    for (size_t i = 0; i < 2; i++) {
        certstore_error err = { 0 };
        CSI_AUTO_BUF file = { 0 };
        make_store(&file, i == 0 ? JKSFILE_JKS : JKSFILE_JCEKS, 2);
        jksfile_end(&file, "old");
        CSI_AUTO(csi_blob) *blob = csi_blob_new(file.data, file.size, &err);
        CSI_AUTO(csi_parts) *parts = csi_parts_new(&err);
        assert_int_equal(csi_parts_add(parts, "", blob, &err), CERTSTORE_OK);
        CSI_AUTO(csi_passwords) *passwords = jksfile_passwords("old", "keypass");
        const struct csi_decode in = { .parts = parts, .passwords = passwords, .limits = &csi_limits_default };
        CSI_AUTO(certstore_bundle) *bundle = codecs[i]->decode(&in, &err);
        assert_non_null(bundle);
        CSI_AUTO(csi_passwords) *protect = jksfile_passwords("new", NULL);
        CSI_AUTO(csi_blob) *written = jksfile_write(codecs[i], bundle, protect, true, CERTSTORE_OK);
        CSI_AUTO(certstore_bundle) *again = reread(codecs[i], written, "new");
        assert_int_equal(again->integrity, CERTSTORE_INTEGRITY_VERIFIED);
        assert_int_equal(again->count, bundle->count);
        assert_key_opens(again, "web", "new", CERTSTORE_OK);
        assert_key_opens(again, "web", "keypass", CERTSTORE_E_PASSWORD);
        assert_string_equal(again->entries[0]->alias, "IssuingCA");
        if (i == 1)
            assert_key_opens(again, "token", "new", CERTSTORE_OK);
    }
}

static void a_key_that_does_not_open_stops_the_change_of_password(void **state)
{
    (void)state;
    CSI_AUTO_BUF file = { 0 };
    jksfile_begin(&file, JKSFILE_JKS, 2, 1);
    jksfile_sealed_key(&file, CSI_PKCS8_JKS, 2, "web", "nobody knows", 0, 1);
    jksfile_end(&file, "old");
    CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_jks, &file, "old", CERTSTORE_OK);
    CSI_AUTO(csi_passwords) *protect = jksfile_passwords("new", NULL);
    assert_null(jksfile_write(&csi_codec_jks, bundle, protect, true, CERTSTORE_E_PASSWORD));
}

static void a_jceks_store_keeps_the_magic_of_jks_until_it_holds_a_secret_key(void **state)
{
    (void)state;
    CSI_AUTO_BUF file = { 0 };
    jksfile_begin(&file, JKSFILE_JKS, 2, 1);
    jksfile_trusted(&file, 2, "ca", 0, 1);
    jksfile_end(&file, "changeit");
    CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_jceks, &file, "changeit", CERTSTORE_OK);
    CSI_AUTO(csi_passwords) *protect = jksfile_passwords("changeit", NULL);
    put(bundle, new_key("web", CERTSTORE_KEY));
    CSI_AUTO(csi_blob) *before = jksfile_write(&csi_codec_jceks, bundle, protect, false, CERTSTORE_OK);
    CSI_AUTO(certstore_bundle) *as_jks = reread(&csi_codec_jks, before, "changeit");
    assert_key_opens(as_jks, "web", "changeit", CERTSTORE_OK);
    put(bundle, new_key("token", CERTSTORE_SECRET));
    CSI_AUTO(csi_blob) *after = jksfile_write(&csi_codec_jceks, bundle, protect, false, CERTSTORE_OK);
    assert_int_equal(after->data[0], 0xce);
}

static certstore_report *losses(const struct csi_codec *codec, const certstore_bundle *bundle)
{
    certstore_error err = { 0 };
    certstore_report *report = csi_report_new(&err);
    assert_int_equal(codec->losses(bundle, report, &err), CERTSTORE_OK);
    return report;
}

static void what_cannot_be_held_is_named(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO(certstore_bundle) *bundle = new_bundle(CSI_ALIAS_EXACT);
    put(bundle, new_trusted("ca", 1));
    put(bundle, new_key("token", CERTSTORE_SECRET));
    certstore_entry *crl = csi_entry_new(CERTSTORE_CRL, "crl", &err);
    crl->content = csi_blob_new("\x30\x00", 2, &err);
    put(bundle, crl);
    certstore_entry *opaque = csi_entry_new(CERTSTORE_OPAQUE, "bag", &err);
    opaque->content = csi_blob_new("\x30\x00", 2, &err);
    opaque->type = csi_strdup("1.2.3", &err);
    put(bundle, opaque);
    certstore_entry *server = new_trusted("server", 2);
    assert_int_equal(csi_entry_add_trust(server, "serverAuth", false, &err), CERTSTORE_OK);
    put(bundle, server);
    certstore_entry *any = new_trusted("any", 3);
    assert_int_equal(csi_entry_add_trust(any, "any", false, &err), CERTSTORE_OK);
    put(bundle, any);
    put(bundle, new_trusted("Capitals", 4));
    CSI_AUTO(certstore_report) *jks = losses(&csi_codec_jks, bundle);
    CSI_AUTO(certstore_report) *jceks = losses(&csi_codec_jceks, bundle);
    assert_int_equal(jks->count, 5);
    assert_int_equal(jceks->count, 4);
    assert_true(jksfile_has_row(jks, "secret-lost", "token"));
    assert_true(jksfile_has_row(jceks, "crl-lost", "crl"));
    assert_true(jksfile_has_row(jceks, "opaque-lost", "bag"));
    assert_true(jksfile_has_row(jceks, "trust-lost", "server"));
    assert_true(jksfile_has_row(jceks, "case-lost", "Capitals"));
    CSI_AUTO(csi_passwords) *protect = jksfile_passwords("changeit", NULL);
    CSI_AUTO(csi_blob) *written = jksfile_write(&csi_codec_jks, bundle, protect, false, CERTSTORE_OK);
    CSI_AUTO(certstore_bundle) *again = reread(&csi_codec_jks, written, "changeit");
    assert_int_equal(again->count, 4); /* what losses() named is what is missing, and nothing else */
}

static void what_was_read_from_the_store_is_no_loss(void **state)
{
    (void)state;
    CSI_AUTO_BUF file = { 0 };
    make_store(&file, JKSFILE_JCEKS, 2);
    jksfile_end(&file, "changeit");
    CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_jceks, &file, "changeit", CERTSTORE_OK);
    CSI_AUTO(certstore_report) *none = losses(&csi_codec_jceks, bundle);
    assert_int_equal(none->count, 0);
}

static void aliases_that_java_cannot_tell_apart_are_refused(void **state)
{
    (void)state;
    CSI_AUTO(certstore_bundle) *bundle = new_bundle(CSI_ALIAS_EXACT);
    put(bundle, new_trusted("\xc3\x84rger", 1));
    put(bundle, new_trusted("\xc3\xa4rger", 2));
    CSI_AUTO(certstore_report) *report = losses(&csi_codec_jks, bundle);
    assert_true(jksfile_has_row(report, "alias-collision", "\xc3\xa4rger"));
    CSI_AUTO(csi_passwords) *protect = jksfile_passwords("changeit", NULL);
    assert_null(jksfile_write(&csi_codec_jks, bundle, protect, false, CERTSTORE_E_EXISTS));
}

static void an_entry_of_another_store_is_sealed_under_this_ones_password(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO_BUF file = { 0 };
    jksfile_begin(&file, JKSFILE_JKS, 2, 1);
    jksfile_sealed_key(&file, CSI_PKCS8_JKS, 2, "web", "theirs", 0, 1);
    jksfile_end(&file, "theirs");
    CSI_AUTO(certstore_bundle) *theirs = jksfile_read(&csi_codec_jks, &file, "theirs", CERTSTORE_OK);
    CSI_AUTO_BUF empty = { 0 };
    jksfile_begin(&empty, JKSFILE_JKS, 2, 0);
    jksfile_end(&empty, "ours");
    CSI_AUTO(certstore_bundle) *ours = jksfile_read(&csi_codec_jks, &empty, "ours", CERTSTORE_OK);
    assert_int_equal(csi_bundle_put(ours, theirs->entries[0], &err), CERTSTORE_OK);
    CSI_AUTO(csi_passwords) *protect = jksfile_passwords("ours", NULL);
    CSI_AUTO(csi_blob) *written = jksfile_write(&csi_codec_jks, ours, protect, false, CERTSTORE_OK);
    CSI_AUTO(certstore_bundle) *again = reread(&csi_codec_jks, written, "ours");
    assert_key_opens(again, "web", "ours", CERTSTORE_OK);
}

static void a_hundred_thousand_entries_are_read_and_written(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    CSI_AUTO_BUF file = { 0 };
    jksfile_begin(&file, JKSFILE_JKS, 2, COUNT);
    for (int i = 0; i < COUNT; i++) {
        char alias[32];
        snprintf(alias, sizeof alias, "entry-%d", i);
        jksfile_trusted(&file, 2, alias, i, 1);
    }
    jksfile_end(&file, "changeit");
    CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_jks, &file, "changeit", CERTSTORE_OK);
    assert_int_equal(bundle->count, COUNT);
    put(bundle, new_trusted("one-more", 2));
    CSI_AUTO(csi_passwords) *protect = jksfile_passwords("changeit", NULL);
    CSI_AUTO(csi_blob) *written = jksfile_write(&csi_codec_jks, bundle, protect, false, CERTSTORE_OK);
    CSI_AUTO(certstore_bundle) *again = reread(&csi_codec_jks, written, "changeit");
    assert_int_equal(again->count, COUNT + 1);
    assert_non_null(jksfile_find(again, "ENTRY-99999"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bundle_that_was_not_changed_is_written_byte_for_byte),
        cmocka_unit_test(renaming_changes_the_alias_and_nothing_else),
        cmocka_unit_test(a_new_entry_is_dated_typed_and_in_lower_case),
        cmocka_unit_test(a_date_that_is_known_is_kept),
        cmocka_unit_test(without_a_password_nothing_is_written),
        cmocka_unit_test(a_new_key_gets_its_own_password_and_its_formats_protection),
        cmocka_unit_test(a_secret_key_comes_back_from_jceks),
        cmocka_unit_test(another_chain_leaves_the_sealed_key_as_it_was),
        cmocka_unit_test(another_password_seals_the_digest_and_every_key_anew),
        cmocka_unit_test(a_key_that_does_not_open_stops_the_change_of_password),
        cmocka_unit_test(a_jceks_store_keeps_the_magic_of_jks_until_it_holds_a_secret_key),
        cmocka_unit_test(what_cannot_be_held_is_named),
        cmocka_unit_test(what_was_read_from_the_store_is_no_loss),
        cmocka_unit_test(aliases_that_java_cannot_tell_apart_are_refused),
        cmocka_unit_test(an_entry_of_another_store_is_sealed_under_this_ones_password),
        cmocka_unit_test(a_hundred_thousand_entries_are_read_and_written),
    };
    return cmocka_run_group_tests_name("jks_write", tests, NULL, NULL);
}
