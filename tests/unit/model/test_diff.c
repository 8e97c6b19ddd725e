/* SPDX-License-Identifier: Apache-2.0 */
/* test_diff.c: two stores differ by what they mean, not by what their formats call it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "model/diff.h"
#include "support/make.h"
#include "support/token.h"

static csi_blob *cert_named(const char *subject, int number)
{
    X509 *x = make_cert(&(struct make_cert){ .subject = subject, .key = make_key("ED25519", number), .serial = "01" });
    csi_blob *der = make_der(x);
    X509_free(x);
    return der;
}

static certstore_bundle *bundle_of(const char *format, enum csi_alias_rule rule)
{
    certstore_error err = { 0 };
    certstore_bundle *bundle = csi_bundle_new(format, rule, &err);
    assert_non_null(bundle);
    return bundle;
}

static void add(certstore_bundle *bundle, certstore_entry *entry, bool unnamed)
{
    certstore_error err = { 0 };
    entry->unnamed = unnamed;
    assert_int_equal(csi_bundle_append(bundle, entry, true, &err), CERTSTORE_OK);
}

/* "code subject" for each row, joined by "; ". */
static void assert_diff(const certstore_bundle *a, const certstore_bundle *b, const char *expected)
{
    certstore_error err = { 0 };
    CSI_AUTO(certstore_report) *report = csi_report_new(&err);
    CSI_AUTO_BUF rows = { 0 };
    assert_int_equal(csi_bundle_diff(a, b, report, &err), CERTSTORE_OK);
    for (size_t i = 0; i < report->count; i++)
        csi_buf_printf(&rows, "%s%s %s", i > 0 ? "; " : "", report->rows[i].code, report->rows[i].subject);
    csi_buf_put_u8(&rows, 0);
    assert_string_equal((const char *)rows.data, expected);
}

static void a_pem_bundle_and_a_jks_with_the_same_content_are_equal(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO(csi_blob) *x = cert_named("CN=x", 1);
    CSI_AUTO(csi_blob) *y = cert_named("CN=y", 2);
    struct make_chain chain = make_chain("web.example", "EC:P-256", 1);
    CSI_AUTO(certstore_bundle) *pem = bundle_of("pem", CSI_ALIAS_EXACT);
    CSI_AUTO(certstore_bundle) *jks = bundle_of("jks", CSI_ALIAS_LOWER);
    add(pem, make_identity("web.example", &chain), true);
    add(pem, make_trusted("x", x), true);
    add(pem, make_trusted("y", y), true);
    add(jks, make_trusted("first-root", y), false);
    add(jks, make_trusted("second-root", x), false);
    add(jks, make_identity("server", &chain), false);
    assert_int_equal(csi_entry_add_trust(jks->entries[0], "serverAuth", false, &err), CERTSTORE_OK);
    assert_diff(pem, jks, "");
    assert_diff(jks, pem, "");
    make_chain_free(&chain);
}

static void what_was_added_removed_renamed_and_changed_is_said_so(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO(csi_blob) *x = cert_named("CN=x", 1);
    CSI_AUTO(csi_blob) *y = cert_named("CN=y", 2);
    CSI_AUTO(csi_blob) *z = cert_named("CN=z", 3);
    CSI_AUTO(certstore_bundle) *a = bundle_of("jks", CSI_ALIAS_LOWER);
    CSI_AUTO(certstore_bundle) *b = bundle_of("jks", CSI_ALIAS_LOWER);
    add(a, make_trusted("gone", z), false);
    add(a, make_trusted("old-name", x), false);
    add(a, make_trusted("Root", y), false);
    add(b, make_trusted("root", x), false);
    add(b, make_trusted("new", y), false);
    assert_diff(a, b, "removed gone; removed old-name; certificates-changed root; added new");
    assert_int_equal(csi_bundle_remove(b, "root", &err), CERTSTORE_OK);
    assert_diff(a, b, "removed gone; removed old-name; renamed new");
    assert_diff(a, a, "");
}

static void a_renewed_certificate_in_pem_is_changed_and_not_another(void **state)
{
    (void)state;
    CSI_AUTO(csi_blob) *old = cert_named("CN=web.example", 1);
    CSI_AUTO(csi_blob) *renewed = cert_named("CN=web.example", 2);
    CSI_AUTO(certstore_bundle) *a = bundle_of("pem", CSI_ALIAS_EXACT);
    CSI_AUTO(certstore_bundle) *b = bundle_of("pem", CSI_ALIAS_EXACT);
    add(a, make_trusted("web.example", old), true);
    add(b, make_trusted("web.example", renewed), true);
    assert_diff(a, b, "certificates-changed web.example");
}

static void a_chain_a_key_a_kind_and_trust_are_told_apart(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    struct make_chain chain = make_chain("web.example", "EC:P-256", 1);
    struct make_chain rekeyed = make_chain("web.example", "EC:P-256", 2);
    CSI_AUTO(certstore_bundle) *a = bundle_of("pkcs12", CSI_ALIAS_LOWER);
    CSI_AUTO(certstore_bundle) *shorter = bundle_of("pkcs12", CSI_ALIAS_LOWER);
    CSI_AUTO(certstore_bundle) *other = bundle_of("pkcs12", CSI_ALIAS_LOWER);
    CSI_AUTO(certstore_bundle) *kind = bundle_of("pkcs12", CSI_ALIAS_LOWER);
    CSI_AUTO(certstore_bundle) *trust = bundle_of("pkcs12", CSI_ALIAS_LOWER);
    add(a, make_identity("web", &chain), false);
    certstore_entry *cut = make_identity("web", &chain);
    csi_entry_clear_certs(cut);
    assert_int_equal(csi_entry_append_cert(cut, chain.leaf, csi_blob_span(chain.leaf), &err), CERTSTORE_OK);
    add(shorter, cut, false);
    add(other, make_identity("web", &rekeyed), false);
    add(kind, make_trusted("web", chain.leaf), false);
    certstore_entry *trusted = make_trusted("web", chain.leaf);
    assert_int_equal(csi_entry_add_trust(trusted, "serverAuth", false, &err), CERTSTORE_OK);
    add(trust, trusted, false);
    assert_diff(a, shorter, "chain-changed web");
    assert_diff(a, other, "certificates-changed web; key-changed web");
    assert_diff(a, kind, "kind-changed web");
    assert_diff(kind, trust, "trust-changed web");
    make_chain_free(&chain);
    make_chain_free(&rekeyed);
}

static certstore_status never_opens(const csi_blob *sealed, const csi_secret *password, struct csi_budget *budget, struct csi_plain_key *plain,
                                    certstore_error *err)
{
    (void)sealed, (void)password, (void)budget, (void)plain;
    return csi_fail(err, CERTSTORE_E_PASSWORD, "key: wrong passphrase");
}

static const struct csi_protection shut = { .name = "a lock", .open = never_opens };

static certstore_entry *make_sealed(const char *alias, const char *bytes, csi_blob *cert)
{
    certstore_error err = { 0 };
    certstore_entry *entry = csi_entry_new(CERTSTORE_KEY, alias, &err);
    CSI_AUTO(csi_blob) *sealed = csi_blob_new(bytes, strlen(bytes), &err);
    entry->key = csi_key_new_sealed(&shut, sealed, NULL, &csi_limits_default, &err);
    if (cert != NULL)
        assert_int_equal(csi_entry_append_cert(entry, cert, csi_blob_span(cert), &err), CERTSTORE_OK);
    return entry;
}

static void sealed_keys_are_compared_by_their_certificates(void **state)
{
    (void)state;
    struct make_chain chain = make_chain("web.example", "EC:P-256", 1);
    struct make_chain renewed = make_chain("web.example", "EC:P-256", 1);
    CSI_AUTO(certstore_bundle) *a = bundle_of("jks", CSI_ALIAS_LOWER);
    CSI_AUTO(certstore_bundle) *b = bundle_of("jks", CSI_ALIAS_LOWER);
    CSI_AUTO(certstore_bundle) *bare_a = bundle_of("pem", CSI_ALIAS_EXACT);
    CSI_AUTO(certstore_bundle) *bare_b = bundle_of("pem", CSI_ALIAS_EXACT);
    add(a, make_sealed("web", "first sealing", chain.leaf), false);
    add(b, make_sealed("web", "second sealing", renewed.leaf), false);
    add(bare_a, make_sealed("web", "first sealing", NULL), false);
    add(bare_b, make_sealed("web", "second sealing", NULL), false);
    assert_diff(a, b, "certificates-changed web");
    assert_diff(bare_a, bare_a, "");
    assert_diff(bare_a, bare_b, "key-not-compared web");
    make_chain_free(&chain);
    make_chain_free(&renewed);
}

static void twenty_thousand_copies_of_one_certificate_are_paired_in_linear_time(void **state)
{
    (void)state;
    CSI_AUTO(csi_blob) *x = cert_named("CN=x", 1);
    CSI_AUTO(certstore_bundle) *a = bundle_of("pem", CSI_ALIAS_EXACT);
    CSI_AUTO(certstore_bundle) *b = bundle_of("jks", CSI_ALIAS_LOWER);
    char alias[32];
    for (int i = 0; i < 20000; i++) {
        add(a, make_trusted("x", x), true);
        snprintf(alias, sizeof alias, "copy-%d", i);
        add(b, make_trusted(alias, x), false);
    }
    assert_diff(a, b, "");
    certstore_error err = { 0 };
    assert_int_equal(csi_bundle_remove(b, "copy-7", &err), CERTSTORE_OK);
    CSI_AUTO(certstore_report) *report = csi_report_new(&err);
    assert_int_equal(csi_bundle_diff(a, b, report, &err), CERTSTORE_OK);
    assert_int_equal(report->count, 1);
    assert_string_equal(report->rows[0].code, "removed");
}

static void a_key_on_a_token_and_the_same_key_in_a_file_do_not_differ(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    struct token token;
    struct make_chain chain = make_chain("web.example", "EC:P-256", 1);
    struct make_chain other = make_chain("web.example", "EC:P-256", 2);
    token_begin(&token, CSI_TOKEN_WRITABLE);
    token_add(&token, token_private(TOKEN_SOFTHSM, chain.key, "web", "01"));
    token_add(&token, token_public(TOKEN_SOFTHSM, chain.key, "web", "01"));
    CSI_AUTO(certstore_bundle) *there = token_read(&token, &csi_codec_pkcs11);
    CSI_AUTO(certstore_bundle) *same = bundle_of("pkcs12", CSI_ALIAS_EXACT);
    CSI_AUTO(certstore_bundle) *renamed = bundle_of("pkcs12", CSI_ALIAS_EXACT);
    CSI_AUTO(certstore_bundle) *another = bundle_of("pkcs12", CSI_ALIAS_EXACT);
    certstore_entry *bare = make_identity("web", &chain);
    csi_entry_clear_certs(bare);
    certstore_entry *bare_other = make_identity("web", &other);
    csi_entry_clear_certs(bare_other);
    certstore_entry *certified = make_identity("www", &chain);
    add(same, bare, false);
    add(another, bare_other, false);
    add(renamed, certified, false);
    assert_diff(there, same, "");
    assert_diff(same, there, "");
    assert_diff(there, another, "key-changed web");
    assert_diff(there, renamed, "renamed www; certificates-changed www");
    assert_int_equal(err.status, CERTSTORE_OK);
    assert_int_equal(token.opened, 0);
    certstore_bundle_free(csi_steal(&there));
    make_chain_free(&chain);
    make_chain_free(&other);
    token_end(&token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pem_bundle_and_a_jks_with_the_same_content_are_equal),
        cmocka_unit_test(what_was_added_removed_renamed_and_changed_is_said_so),
        cmocka_unit_test(a_renewed_certificate_in_pem_is_changed_and_not_another),
        cmocka_unit_test(a_chain_a_key_a_kind_and_trust_are_told_apart),
        cmocka_unit_test(sealed_keys_are_compared_by_their_certificates),
        cmocka_unit_test(twenty_thousand_copies_of_one_certificate_are_paired_in_linear_time),
        cmocka_unit_test(a_key_on_a_token_and_the_same_key_in_a_file_do_not_differ),
    };
    return cmocka_run_group_tests_name("diff", tests, NULL, NULL);
}
