/* SPDX-License-Identifier: Apache-2.0 */
/* test_verify.c: every finding is found where it is, and a sound store has none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "support/make.h"
#include "support/token.h"
#include "trust/verify.h"

static certstore_bundle *bundle_of(const char *format, enum csi_alias_rule rule)
{
    certstore_error err = { 0 };
    certstore_bundle *bundle = csi_bundle_new(format, rule, &err);
    assert_non_null(bundle);
    return bundle;
}

static void add(certstore_bundle *bundle, certstore_entry *entry)
{
    certstore_error err = { 0 };
    assert_int_equal(csi_bundle_append(bundle, entry, true, &err), CERTSTORE_OK);
}

/* "code subject" for each row, joined by "; ". */
static void assert_findings(const certstore_bundle *bundle, const char *expected)
{
    certstore_error err = { 0 };
    CSI_AUTO(certstore_report) *report = csi_report_new(&err);
    CSI_AUTO_BUF rows = { 0 };
    assert_int_equal(csi_bundle_verify(bundle, MAKE_NOW, 30, report, &err), CERTSTORE_OK);
    for (size_t i = 0; i < report->count; i++) {
        csi_buf_printf(&rows, "%s%s %s", i > 0 ? "; " : "", report->rows[i].code, report->rows[i].subject);
        assert_true(report->rows[i].message[0] != '\0' && strchr(report->rows[i].message, '\n') == NULL);
    }
    csi_buf_put_u8(&rows, 0);
    assert_string_equal((const char *)rows.data, expected);
}

/* The findings of one trusted certificate in a PEM bundle. */
static void assert_of_cert(const struct make_cert *wanted, const char *expected)
{
    X509 *x = make_cert(wanted);
    CSI_AUTO(csi_blob) *der = make_der(x);
    X509_free(x);
    CSI_AUTO(certstore_bundle) *bundle = bundle_of("pem", CSI_ALIAS_EXACT);
    add(bundle, make_trusted("a", der));
    assert_findings(bundle, expected);
}

static void a_sound_store_has_no_findings(void **state)
{
    (void)state;
    static const char *const types[] = { "RSA:2048", "EC:P-256", "ED25519", "ED448", "RSA-PSS:2048" };
    CSI_AUTO(certstore_bundle) *bundle = bundle_of("jks", CSI_ALIAS_LOWER);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct make_chain chain = make_chain("web.example", types[i], 1);
        char alias[32];
        snprintf(alias, sizeof alias, "web-%zu", i);
        add(bundle, make_identity(alias, &chain));
        if (i == 0)
            add(bundle, make_trusted("root", chain.root));
        make_chain_free(&chain);
    }
    assert_findings(bundle, "");
}

static void dates_are_judged_by_the_time_that_is_given(void **state)
{
    (void)state;
    EVP_PKEY *key = make_key("ED25519", 1);
    assert_of_cert(&(struct make_cert){ .subject = "CN=a", .key = key, .not_after = -1 }, "expired a");
    assert_of_cert(&(struct make_cert){ .subject = "CN=a", .key = key, .not_after = 30 * MAKE_DAY - 1 }, "expiring a");
    assert_of_cert(&(struct make_cert){ .subject = "CN=a", .key = key, .not_after = 30 * MAKE_DAY }, "");
    assert_of_cert(&(struct make_cert){ .subject = "CN=a", .key = key, .not_before = 1 }, "not-yet-valid a");
    assert_of_cert(&(struct make_cert){ .subject = "CN=a", .key = key, .not_after = 8000LL * 365 * MAKE_DAY / 2 }, "");
}

static void weak_keys_and_signatures_are_found(void **state)
{
    (void)state;
    EVP_PKEY *key = make_key("RSA:2048", 1);
    assert_of_cert(&(struct make_cert){ .subject = "CN=a", .key = make_key("RSA:1024", 1) }, "weak-key a");
    assert_of_cert(&(struct make_cert){ .subject = "CN=a", .key = make_key("EC:prime192v1", 1) }, "weak-key a");
    assert_of_cert(&(struct make_cert){ .subject = "CN=a", .key = make_key("DSA:1024", 1) }, "weak-key a");
    assert_of_cert(&(struct make_cert){ .subject = "CN=a", .issuer = "CN=b", .key = key, .digest = "SHA1" }, "weak-signature a");
    assert_of_cert(&(struct make_cert){ .subject = "CN=a", .issuer = "CN=b", .key = key, .digest = "MD5" }, "weak-signature a");
    assert_of_cert(&(struct make_cert){ .subject = "CN=a", .key = key, .digest = "SHA1" }, "");
    EVP_PKEY *ec = make_key("EC:P-256", 1);
    assert_of_cert(&(struct make_cert){ .subject = "CN=a", .issuer = "CN=b", .key = ec, .digest = "SHA1" }, "weak-signature a");
    EVP_PKEY *pss = make_key("RSA-PSS:2048", 1);
    assert_of_cert(&(struct make_cert){ .subject = "CN=a", .issuer = "CN=b", .key = pss, .digest = "SHA1" }, "weak-signature a");
    assert_of_cert(&(struct make_cert){ .subject = "CN=a", .issuer = "CN=b", .key = pss, .digest = "SHA256" }, "");
}

static certstore_entry *identity_of(const char *alias, EVP_PKEY *key, csi_blob *const *certs, size_t count)
{
    certstore_error err = { 0 };
    certstore_entry *entry = csi_entry_new(CERTSTORE_KEY, alias, &err);
    CSI_AUTO(csi_blob) *pkcs8 = make_pkcs8(key);
    entry->key = csi_key_new_plain(csi_blob_span(pkcs8), "", &err);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(csi_entry_append_cert(entry, certs[i], csi_blob_span(certs[i]), &err), CERTSTORE_OK);
    return entry;
}

static void assert_of_identity(EVP_PKEY *key, csi_blob *const *certs, size_t count, const char *expected)
{
    CSI_AUTO(certstore_bundle) *bundle = bundle_of("jks", CSI_ALIAS_LOWER);
    add(bundle, identity_of("web", key, certs, count));
    assert_findings(bundle, expected);
}

static void chains_are_complete_in_order_and_belong_to_the_key(void **state)
{
    (void)state;
    struct make_chain c = make_chain("web.example", "EC:P-256", 1);
    EVP_PKEY *other = make_key("EC:P-256", 2);
    X509 *self = make_cert(&(struct make_cert){ .subject = "CN=self", .key = c.key });
    CSI_AUTO(csi_blob) *stranger = make_der(self);
    X509_free(self);
    assert_of_identity(c.key, (csi_blob *[]){ c.leaf, c.intermediate, c.root }, 3, "");
    assert_of_identity(c.key, (csi_blob *[]){ c.leaf, c.intermediate }, 2, "");
    assert_of_identity(c.key, (csi_blob *[]){ stranger }, 1, "");
    assert_of_identity(c.key, (csi_blob *[]){ c.leaf }, 1, "chain-incomplete web");
    assert_of_identity(c.key, (csi_blob *[]){ c.leaf, c.root }, 2, "chain-disordered web; chain-incomplete web");
    assert_of_identity(c.key, (csi_blob *[]){ c.leaf, c.root, c.intermediate }, 3, "chain-disordered web");
    assert_of_identity(c.key, (csi_blob *[]){ c.leaf, c.intermediate, c.root, stranger }, 4, "chain-disordered web");
    assert_of_identity(other, (csi_blob *[]){ c.leaf, c.intermediate }, 2, "key-mismatch web");
    assert_of_identity(make_key("ED25519", 1), (csi_blob *[]){ c.leaf, c.intermediate }, 2, "key-mismatch web");
    assert_of_identity(make_key("EC:P-256", 9001), (csi_blob *[]){ c.intermediate, c.root }, 2, "ca-as-leaf web");
    assert_of_identity(c.key, NULL, 0, "no-certificate web");
    CSI_AUTO(certstore_bundle) *bundle = bundle_of("jks", CSI_ALIAS_LOWER); /* the issuer stands elsewhere in the store */
    add(bundle, identity_of("web", c.key, (csi_blob *[]){ c.leaf }, 1));
    add(bundle, make_trusted("issuer", c.intermediate));
    assert_findings(bundle, "");
    make_chain_free(&c);
}

static certstore_status never_opens(const csi_blob *sealed, const csi_secret *password, struct csi_budget *budget, struct csi_plain_key *plain,
                                    certstore_error *err)
{
    (void)sealed, (void)password, (void)budget, (void)plain;
    return csi_fail(err, CERTSTORE_E_PASSWORD, "key: wrong passphrase");
}

static const struct csi_protection shut = { .name = "a lock", .open = never_opens };

static void what_cannot_be_read_is_a_finding_and_not_a_failure(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    struct make_chain c = make_chain("web.example", "EC:P-256", 1);
    CSI_AUTO(csi_blob) *junk = csi_blob_new("\x30\x03\x02\x01\x05", 5, &err);
    CSI_AUTO(certstore_bundle) *bundle = bundle_of("pem", CSI_ALIAS_EXACT);
    add(bundle, make_trusted("junk", junk));
    certstore_entry *sealed = csi_entry_new(CERTSTORE_KEY, "sealed", &err);
    sealed->key = csi_key_new_sealed(&shut, junk, NULL, &csi_limits_default, &err);
    assert_int_equal(csi_entry_append_cert(sealed, c.leaf, csi_blob_span(c.leaf), &err), CERTSTORE_OK);
    assert_int_equal(csi_entry_append_cert(sealed, c.intermediate, csi_blob_span(c.intermediate), &err), CERTSTORE_OK);
    add(bundle, sealed);
    certstore_entry *broken = csi_entry_new(CERTSTORE_KEY, "broken", &err);
    broken->key = csi_key_new_plain(csi_blob_span(junk), "", &err);
    assert_int_equal(csi_entry_append_cert(broken, c.leaf, csi_blob_span(c.leaf), &err), CERTSTORE_OK);
    add(bundle, broken);
    certstore_entry *des = csi_entry_new(CERTSTORE_SECRET, "des", &err);
    des->key = csi_key_new_plain(csi_span("12345678", 8), "DES", &err);
    add(bundle, des);
    certstore_entry *list = csi_entry_new(CERTSTORE_CRL, "list", &err);
    list->content = csi_blob_ref(junk);
    add(bundle, list);
    assert_findings(bundle, "unreadable-certificate junk; key-unreadable sealed; key-unreadable broken; weak-key des; unreadable-crl list");
    make_chain_free(&c);
}

static void a_revocation_list_is_due(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    X509 *ca = make_cert(&(struct make_cert){ .subject = "CN=ca", .key = make_key("EC:P-256", 1), .ca = true });
    certstore_entry *entry = csi_entry_new(CERTSTORE_CRL, "list", &err);
    entry->content = make_crl(ca, make_key("EC:P-256", 1));
    X509_free(ca);
    CSI_AUTO(certstore_bundle) *bundle = bundle_of("pem", CSI_ALIAS_EXACT);
    add(bundle, entry);
    assert_findings(bundle, "");
    CSI_AUTO(certstore_report) *report = csi_report_new(&err);
    assert_int_equal(csi_bundle_verify(bundle, MAKE_NOW + 31 * (int64_t)MAKE_DAY, 0, report, &err), CERTSTORE_OK);
    assert_int_equal(report->count, 1);
    assert_string_equal(report->rows[0].code, "crl-expired");
}

static void what_only_shows_between_entries_is_found(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    X509 *x = make_cert(&(struct make_cert){ .subject = "CN=a", .key = make_key("ED25519", 1) });
    X509 *y = make_cert(&(struct make_cert){ .subject = "CN=b", .key = make_key("ED25519", 2) });
    CSI_AUTO(csi_blob) *a = make_der(x);
    CSI_AUTO(csi_blob) *b = make_der(y);
    X509_free(x);
    X509_free(y);
    CSI_AUTO(certstore_bundle) *pem = bundle_of("pem", CSI_ALIAS_EXACT);
    add(pem, make_trusted("\xc3\x9c", a));
    add(pem, make_trusted("again", a));
    add(pem, make_trusted("\xc3\xbc", b));
    assert_findings(pem, "duplicate-certificate again; duplicate-alias \xc3\xbc");
    CSI_AUTO(certstore_bundle) *jks = bundle_of("jks", CSI_ALIAS_LOWER);
    add(jks, make_trusted("Root", a));
    assert_findings(jks, "java-invisible Root");
    CSI_AUTO(certstore_bundle) *p12 = bundle_of("pkcs12", CSI_ALIAS_LOWER);
    certstore_entry *visible = make_trusted("visible", b);
    assert_int_equal(csi_entry_add_trust(visible, "any", false, &err), CERTSTORE_OK);
    add(p12, make_trusted("hidden", a));
    add(p12, visible);
    assert_findings(p12, "java-invisible hidden");
}

static void leave(csi_document *document)
{
    (void)document;
}

static void integrity_is_judged_where_a_format_can_have_one(void **state)
{
    (void)state;
    static csi_document document = { .destroy = leave, .refs = 1 };
    CSI_AUTO(certstore_bundle) *pem = bundle_of("pem", CSI_ALIAS_EXACT);
    CSI_AUTO(certstore_bundle) *p12 = bundle_of("pkcs12", CSI_ALIAS_LOWER);
    CSI_AUTO(certstore_bundle) *made = bundle_of("pkcs12", CSI_ALIAS_LOWER);
    pem->document = csi_document_ref(&document);
    p12->document = csi_document_ref(&document);
    assert_findings(pem, "");
    assert_findings(made, "");
    assert_findings(p12, "no-integrity ");
    p12->integrity = CERTSTORE_INTEGRITY_UNCHECKED;
    assert_findings(p12, "unchecked-integrity ");
    p12->integrity = CERTSTORE_INTEGRITY_VERIFIED;
    assert_findings(p12, "");
}

static void ten_thousand_certificates_are_judged_without_parsing_them(void **state)
{
    (void)state;
    enum { MANY = 10000 };
    certstore_error err = { 0 };
    X509 *x = make_cert(&(struct make_cert){ .subject = "CN=a", .key = make_key("RSA:2048", 1), .serial = "0123456789ABCDEF" });
    CSI_AUTO(csi_blob) *der = make_der(x);
    X509_free(x);
    CSI_AUTO(certstore_bundle) *bundle = bundle_of("jks", CSI_ALIAS_LOWER);
    for (int i = 0; i < MANY; i++) {
        CSI_AUTO(csi_blob) *copy = csi_blob_new(der->data, der->size, &err);
        char alias[32];
        copy->data[20] = (uint8_t)i; /* in the serial number */
        copy->data[21] = (uint8_t)(i >> 8);
        snprintf(alias, sizeof alias, "root-%d", i);
        add(bundle, make_trusted(alias, copy));
    }
    struct timespec from;
    struct timespec to;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    assert_findings(bundle, "");
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    double took = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    print_message("# 10,000 certificates judged in %.3f s\n", took);
    assert_true(took < 1); /* d2i_X509 alone takes 100 us each; a sanitizer slows this down tenfold */
}

static void a_tokens_keys_are_judged_by_their_public_halves_and_what_reading_found_counts(void **state)
{
    (void)state;
    struct token token;
    struct make_chain chain = make_chain("web.example", "EC:P-256", 1);
    struct make_chain other = make_chain("other.example", "EC:P-256", 2);
    token_begin(&token, CSI_TOKEN_WRITABLE);
    token_add(&token, token_private(TOKEN_SOFTHSM, chain.key, "web", "01"));
    token_add(&token, token_cert(TOKEN_SOFTHSM, chain.leaf, "web", "01"));
    token_add(&token, token_cert(TOKEN_SOFTHSM, chain.intermediate, "issuer", NULL));
    token_add(&token, token_cert(TOKEN_SOFTHSM, chain.root, "root", NULL));
    token_add(&token, token_aes("backup", "06"));
    CSI_AUTO(certstore_bundle) *sound = token_read(&token, &csi_codec_pkcs11);
    assert_findings(sound, "");
    token_add(&token, token_private(TOKEN_SOFTHSM, other.key, "lone", "02"));
    token_add(&token, token_public(TOKEN_SOFTHSM, other.key, "lone", "02"));
    token_add(&token, token_cert(TOKEN_SOFTHSM, chain.root, "lone", "02"));
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_pkcs11);
    certstore_error err = { 0 };
    CSI_AUTO(certstore_report) *report = csi_report_new(&err);
    assert_int_equal(csi_bundle_verify(bundle, MAKE_NOW, 30, report, &err), CERTSTORE_OK);
    assert_true(token_noted(report, "no-certificate", "lone"));
    assert_true(token_noted(report, "key-mismatch", "lone"));
    assert_true(token_noted(report, "duplicate-certificate", NULL));
    assert_false(token_noted(report, "key-unreadable", NULL));
    assert_false(token_noted(report, "no-integrity", NULL));
    assert_int_equal(token.opened, 0);
    certstore_bundle_free(csi_steal(&sound));
    certstore_bundle_free(csi_steal(&bundle));
    make_chain_free(&chain);
    make_chain_free(&other);
    token_end(&token);
}

static void a_certificate_that_was_put_to_the_wrong_key_on_a_token_is_found(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    struct token token;
    struct make_chain chain = make_chain("web.example", "EC:P-256", 1);
    struct make_chain other = make_chain("web.example", "EC:P-256", 2);
    token_begin(&token, CSI_TOKEN_WRITABLE);
    token_add(&token, token_private(TOKEN_SOFTHSM, chain.key, "web", "01"));
    token_add(&token, token_public(TOKEN_SOFTHSM, chain.key, "web", "01"));
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_pkcs11);
    CSI_AUTO(certstore_entry) *wrong = csi_entry_copy(bundle->entries[0], &err);
    csi_blob *const certs[] = { other.leaf, other.intermediate, other.root };
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(csi_entry_append_cert(wrong, certs[i], csi_blob_span(certs[i]), &err), CERTSTORE_OK);
    assert_int_equal(csi_bundle_put(bundle, wrong, &err), CERTSTORE_OK);
    assert_findings(bundle, "key-mismatch web");
    certstore_bundle_free(csi_steal(&bundle));
    certstore_entry_free(csi_steal(&wrong));
    make_chain_free(&chain);
    make_chain_free(&other);
    token_end(&token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_store_has_no_findings),
        cmocka_unit_test(dates_are_judged_by_the_time_that_is_given),
        cmocka_unit_test(weak_keys_and_signatures_are_found),
        cmocka_unit_test(chains_are_complete_in_order_and_belong_to_the_key),
        cmocka_unit_test(what_cannot_be_read_is_a_finding_and_not_a_failure),
        cmocka_unit_test(a_revocation_list_is_due),
        cmocka_unit_test(what_only_shows_between_entries_is_found),
        cmocka_unit_test(integrity_is_judged_where_a_format_can_have_one),
        cmocka_unit_test(ten_thousand_certificates_are_judged_without_parsing_them),
        cmocka_unit_test(a_tokens_keys_are_judged_by_their_public_halves_and_what_reading_found_counts),
        cmocka_unit_test(a_certificate_that_was_put_to_the_wrong_key_on_a_token_is_found),
    };
    return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
