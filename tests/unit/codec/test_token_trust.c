/* SPDX-License-Identifier: Apache-2.0 */
/* test_token_trust.c: what a token says of trust, in NSS's objects and p11-kit's attributes, and that nothing comes to be trusted by the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <p11-kit/pkcs11.h>
#include <p11-kit/pkcs11x.h>

#include "support/codec.h"
#include "support/token.h"

enum { NSS = CSI_TOKEN_WRITABLE | CSI_TOKEN_KEYS | CSI_TOKEN_NSS_TRUST, P11 = CSI_TOKEN_WRITABLE | CSI_TOKEN_P11_TRUST };

static const uint32_t silent[4] = { CKT_NSS_MUST_VERIFY_TRUST, CKT_NSS_MUST_VERIFY_TRUST, CKT_NSS_MUST_VERIFY_TRUST, CKT_NSS_MUST_VERIFY_TRUST };
/* certutil -t C,, */
static const uint32_t server[4] = { CKT_NSS_TRUSTED_DELEGATOR, CKT_NSS_VALID_DELEGATOR, CKT_NSS_MUST_VERIFY_TRUST, CKT_NSS_MUST_VERIFY_TRUST };
/* certutil -t p,p,p */
static const uint32_t never[4] = { CKT_NSS_NOT_TRUSTED, CKT_NSS_NOT_TRUSTED, CKT_NSS_NOT_TRUSTED, CKT_NSS_NOT_TRUSTED };
static const uint32_t always[4] = { CKT_NSS_TRUSTED_DELEGATOR, CKT_NSS_TRUSTED_DELEGATOR, CKT_NSS_TRUSTED_DELEGATOR, CKT_NSS_TRUSTED_DELEGATOR };

static csi_blob *make_root(const char *subject, bool ca)
{
    X509 *cert = make_cert(&(struct make_cert){ .subject = subject, .key = make_key("EC:P-256", 1), .ca = ca });
    csi_blob *der = make_der(cert);
    X509_free(cert);
    return der;
}

static void add_trust(certstore_entry *entry, const char *purpose, bool reject)
{
    certstore_error err = { 0 };
    assert_int_equal(csi_entry_add_trust(entry, purpose, reject, &err), CERTSTORE_OK);
}

static void put_entry(certstore_bundle *bundle, certstore_entry *entry)
{
    certstore_error err = { 0 };
    assert_int_equal(csi_bundle_put(bundle, entry, &err), CERTSTORE_OK);
    certstore_entry_free(entry);
}

static bool trusts(const certstore_entry *entry, const char *purpose, bool reject)
{
    char *const *texts = reject ? entry->trust.rejected : entry->trust.trusted;
    size_t count = reject ? entry->trust.rejected_count : entry->trust.trusted_count;
    for (size_t i = 0; i < count; i++)
        if (strcmp(texts[i], purpose) == 0)
            return true;
    return false;
}

static void assert_levels(struct csi_span trust, const uint32_t levels[4])
{
    assert_int_equal(csi_object_number(trust, CKA_TRUST_SERVER_AUTH, 0), levels[0]);
    assert_int_equal(csi_object_number(trust, CKA_TRUST_CLIENT_AUTH, 0), levels[1]);
    assert_int_equal(csi_object_number(trust, CKA_TRUST_CODE_SIGNING, 0), levels[2]);
    assert_int_equal(csi_object_number(trust, CKA_TRUST_EMAIL_PROTECTION, 0), levels[3]);
}

/* ------------------------------------------------------------------------------------------------------------------- reading */

static void nsss_levels_are_purposes_and_a_certificate_without_them_is_trusted_for_nothing(void **state)
{
    (void)state;
    struct token token;
    CSI_AUTO(csi_blob) *a = make_root("CN=a", true);
    CSI_AUTO(csi_blob) *b = make_root("CN=b", true);
    CSI_AUTO(csi_blob) *c = make_root("CN=c", true);
    CSI_AUTO(csi_blob) *d = make_root("CN=d", true);
    token_begin(&token, NSS);
    token_add(&token, token_cert(TOKEN_NSS, a, "server", NULL));
    token_add(&token, token_trust(a, server));
    token_add(&token, token_cert(TOKEN_NSS, b, "never", NULL));
    token_add(&token, token_trust(b, never));
    token_add(&token, token_cert(TOKEN_NSS, c, "silent", NULL));
    token_add(&token, token_trust(c, silent));
    token_add(&token, token_cert(TOKEN_NSS, d, "none", NULL));
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_nss);
    assert_int_equal(bundle->count, 4);
    const certstore_entry *entry = codec_entry(bundle, "server");
    assert_true(entry->trust.trusted_count == 1 && entry->trust.rejected_count == 0 && trusts(entry, "serverAuth", false));
    entry = codec_entry(bundle, "never");
    assert_true(entry->trust.trusted_count == 0 && entry->trust.rejected_count == 4 && trusts(entry, "emailProtection", true));
    entry = codec_entry(bundle, "silent");
    assert_true(entry->trust.trusted_count == 0 && entry->trust.rejected_count == 0);
    assert_true(token_noted(bundle->notes, "trust-unsaid", "silent"));
    assert_true(token_noted(bundle->notes, "trust-unsaid", "none"));
    assert_int_equal(bundle->notes->count, 2);
    certstore_bundle_free(csi_steal(&bundle));
    token_end(&token);
}

static void trust_is_bound_by_issuer_serial_number_and_fingerprint(void **state)
{
    (void)state;
    struct token token;
    X509 *first = make_cert(&(struct make_cert){ .subject = "CN=a", .key = make_key("EC:P-256", 1), .ca = true, .serial = "0505" });
    X509 *second = make_cert(&(struct make_cert){ .subject = "CN=a", .key = make_key("EC:P-256", 2), .ca = true, .serial = "0505" });
    CSI_AUTO(csi_blob) *first_der = make_der(first);
    CSI_AUTO(csi_blob) *second_der = make_der(second);
    token_begin(&token, NSS);
    token_add(&token, token_cert(TOKEN_NSS, second_der, "second", NULL));
    token_add(&token, token_trust(first_der, server));
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_nss);
    assert_int_equal(codec_entry(bundle, "second")->trust.trusted_count, 0);
    CSI_AUTO(csi_blob) *trust = token_trust(first_der, server);
    CSI_AUTO(csi_parts) *parts = token_must_write(&token, &csi_codec_nss, bundle);
    assert_true(token_holds(parts, trust));
    certstore_bundle_free(csi_steal(&bundle));
    X509_free(first);
    X509_free(second);
    token_end(&token);
}

static void p11_kits_attributes_are_trust_for_everything_unless_its_object_says_for_what(void **state)
{
    (void)state;
    struct token token;
    CSI_AUTO(csi_blob) *a = make_root("CN=a", true);
    CSI_AUTO(csi_blob) *b = make_root("CN=b", true);
    CSI_AUTO(csi_blob) *c = make_root("CN=c", true);
    CSI_AUTO(csi_blob) *d = make_root("CN=d", true);
    CSI_AUTO(csi_blob) *a_cert = token_cert(TOKEN_P11_KIT, a, "anchor", NULL);
    CSI_AUTO(csi_blob) *b_cert = token_cert(TOKEN_P11_KIT, b, "blocked", NULL);
    CSI_AUTO(csi_blob) *c_cert = token_cert(TOKEN_P11_KIT, c, "servers", NULL);
    token_begin(&token, P11);
    token_add(&token, token_with_flag(a_cert, CKA_TRUSTED, true));
    token_add(&token, token_trust(a, always));
    token_add(&token, token_with_flag(b_cert, CKA_X_DISTRUSTED, true));
    token_add(&token, token_trust(b, never));
    token_add(&token, token_with_flag(c_cert, CKA_TRUSTED, true));
    token_add(&token, token_trust(c, server));
    token_add(&token, token_cert(TOKEN_P11_KIT, d, "neutral", NULL));
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_pkcs11);
    assert_int_equal(bundle->count, 4);
    const certstore_entry *entry = codec_entry(bundle, "anchor");
    assert_true(entry->trust.trusted_count == 1 && trusts(entry, "any", false) && entry->trust.rejected_count == 0);
    entry = codec_entry(bundle, "blocked");
    assert_true(entry->trust.rejected_count == 1 && trusts(entry, "any", true) && entry->trust.trusted_count == 0);
    entry = codec_entry(bundle, "servers");
    assert_true(entry->trust.trusted_count == 1 && trusts(entry, "serverAuth", false));
    assert_true(token_noted(bundle->notes, "trust-unsaid", "neutral"));
    certstore_bundle_free(csi_steal(&bundle));
    token_end(&token);
}

static void a_plain_token_says_nothing_but_what_its_officer_said(void **state)
{
    (void)state;
    struct token token;
    CSI_AUTO(csi_blob) *a = make_root("CN=a", true);
    CSI_AUTO(csi_blob) *b = make_root("CN=b", true);
    CSI_AUTO(csi_blob) *b_cert = token_cert(TOKEN_SOFTHSM, b, "officer", NULL);
    token_begin(&token, CSI_TOKEN_WRITABLE);
    token_add(&token, token_cert(TOKEN_SOFTHSM, a, "plain", NULL));
    token_add(&token, token_with_flag(b_cert, CKA_TRUSTED, true));
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_pkcs11);
    assert_int_equal(codec_entry(bundle, "plain")->trust.trusted_count, 0);
    assert_true(trusts(codec_entry(bundle, "officer"), "any", false));
    assert_int_equal(bundle->notes->count, 0);
    certstore_bundle_free(csi_steal(&bundle));
    token_end(&token);
}

/* ------------------------------------------------------------------------------------------------------------------- writing */

static void purposes_become_nsss_levels_by_what_the_certificate_is(void **state)
{
    (void)state;
    static const struct {
        const char *trusted;
        const char *rejected;
        bool ca;
        uint32_t levels[4];
    } rows[] = {
        { "serverAuth", NULL, true, { CKT_NSS_TRUSTED_DELEGATOR, CKT_NSS_MUST_VERIFY_TRUST, CKT_NSS_MUST_VERIFY_TRUST, CKT_NSS_MUST_VERIFY_TRUST } },
        { "serverAuth", NULL, false, { CKT_NSS_TRUSTED, CKT_NSS_MUST_VERIFY_TRUST, CKT_NSS_MUST_VERIFY_TRUST, CKT_NSS_MUST_VERIFY_TRUST } },
        { "any", NULL, true, { CKT_NSS_TRUSTED_DELEGATOR, CKT_NSS_TRUSTED_DELEGATOR, CKT_NSS_TRUSTED_DELEGATOR, CKT_NSS_TRUSTED_DELEGATOR } },
        { NULL, "any", true, { CKT_NSS_NOT_TRUSTED, CKT_NSS_NOT_TRUSTED, CKT_NSS_NOT_TRUSTED, CKT_NSS_NOT_TRUSTED } },
        { "any", "codeSigning", true, { CKT_NSS_TRUSTED_DELEGATOR, CKT_NSS_TRUSTED_DELEGATOR, CKT_NSS_NOT_TRUSTED, CKT_NSS_TRUSTED_DELEGATOR } },
        { "any", "any", true, { CKT_NSS_NOT_TRUSTED, CKT_NSS_NOT_TRUSTED, CKT_NSS_NOT_TRUSTED, CKT_NSS_NOT_TRUSTED } },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct token token;
        CSI_AUTO(csi_blob) *der = make_root("CN=a", rows[i].ca);
        token_begin(&token, NSS);
        CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_nss);
        certstore_entry *entry = make_trusted("a", der);
        if (rows[i].trusted != NULL)
            add_trust(entry, rows[i].trusted, false);
        if (rows[i].rejected != NULL)
            add_trust(entry, rows[i].rejected, true);
        put_entry(bundle, entry);
        CSI_AUTO(csi_parts) *parts = token_must_write(&token, &csi_codec_nss, bundle);
        assert_int_equal(parts->count, 2);
        struct csi_span trust = token_object(parts, CKO_NSS_TRUST, NULL);
        struct csi_span value;
        assert_levels(trust, rows[i].levels);
        assert_true(csi_token_trust_fits(trust, csi_blob_span(der)));
        assert_true(csi_object_get(trust, CKA_CERT_MD5_HASH, &value) && value.size == 16);
        assert_false(csi_object_flag(trust, CKA_TRUST_STEP_UP_APPROVED, true));
        assert_false(csi_object_get(token_object(parts, CKO_CERTIFICATE, "a"), CKA_CERTIFICATE_CATEGORY, &value));
        token_become(&token, parts);
        CSI_AUTO(certstore_bundle) *after = token_read(&token, &csi_codec_nss);
        assert_int_equal(codec_entry(after, "a")->cert_count, 1);
        certstore_bundle_free(csi_steal(&bundle));
        certstore_bundle_free(csi_steal(&after));
        token_end(&token);
    }
}

static void nothing_is_trusted_that_nobody_said_was(void **state)
{
    (void)state;
    static const struct {
        const struct csi_codec *codec;
        unsigned traits;
    } stores[] = { { &csi_codec_nss, NSS }, { &csi_codec_pkcs11, NSS }, { &csi_codec_pkcs11, P11 }, { &csi_codec_pkcs11, CSI_TOKEN_WRITABLE } };
    for (size_t i = 0; i < sizeof stores / sizeof *stores; i++) {
        struct token token;
        CSI_AUTO(csi_blob) *silent_der = make_root("CN=silent", true);
        CSI_AUTO(csi_blob) *some_der = make_root("CN=some", true);
        token_begin(&token, stores[i].traits);
        CSI_AUTO(certstore_bundle) *bundle = token_read(&token, stores[i].codec);
        put_entry(bundle, make_trusted("silent", silent_der));
        certstore_entry *some = make_trusted("some", some_der);
        add_trust(some, "timeStamping", false); /* which neither has a word for */
        put_entry(bundle, some);
        CSI_AUTO(csi_parts) *parts = token_must_write(&token, stores[i].codec, bundle);
        assert_int_equal(parts->count, 2);
        assert_false(csi_object_flag(token_object(parts, CKO_CERTIFICATE, "silent"), CKA_TRUSTED, false));
        assert_false(csi_object_flag(token_object(parts, CKO_CERTIFICATE, "some"), CKA_TRUSTED, false));
        certstore_bundle_free(csi_steal(&bundle));
        token_end(&token);
    }
}

static void p11_kit_is_told_by_attributes(void **state)
{
    (void)state;
    struct token token;
    CSI_AUTO(csi_blob) *a = make_root("CN=a", true);
    CSI_AUTO(csi_blob) *b = make_root("CN=b", true);
    token_begin(&token, P11);
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_pkcs11);
    certstore_entry *anchor = make_trusted("anchor", a);
    add_trust(anchor, "any", false);
    put_entry(bundle, anchor);
    certstore_entry *blocked = make_trusted("blocked", b);
    add_trust(blocked, "any", true);
    put_entry(bundle, blocked);
    CSI_AUTO(csi_parts) *parts = token_must_write(&token, &csi_codec_pkcs11, bundle);
    assert_int_equal(parts->count, 2);
    assert_true(csi_object_flag(token_object(parts, CKO_CERTIFICATE, "anchor"), CKA_TRUSTED, false));
    assert_false(csi_object_flag(token_object(parts, CKO_CERTIFICATE, "anchor"), CKA_X_DISTRUSTED, false));
    assert_true(csi_object_flag(token_object(parts, CKO_CERTIFICATE, "blocked"), CKA_X_DISTRUSTED, false));
    assert_false(csi_object_flag(token_object(parts, CKO_CERTIFICATE, "blocked"), CKA_TRUSTED, false));
    certstore_bundle_free(csi_steal(&bundle));
    token_end(&token);
}

static void a_removed_certificate_takes_what_was_said_of_it_along(void **state)
{
    (void)state;
    struct token token;
    certstore_error err = { 0 };
    CSI_AUTO(csi_blob) *a = make_root("CN=a", true);
    CSI_AUTO(csi_blob) *b = make_root("CN=b", true);
    token_begin(&token, NSS);
    token_add(&token, token_cert(TOKEN_NSS, a, "a", NULL));
    token_add(&token, token_trust(a, server));
    token_add(&token, token_trust(b, never)); /* of a certificate that is not here: stays */
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_nss);
    assert_int_equal(bundle->count, 1);
    assert_int_equal(csi_bundle_remove(bundle, "a", &err), CERTSTORE_OK);
    CSI_AUTO(csi_parts) *parts = token_must_write(&token, &csi_codec_nss, bundle);
    assert_int_equal(parts->count, 1);
    assert_levels(token_object(parts, CKO_NSS_TRUST, NULL), never);
    certstore_bundle_free(csi_steal(&bundle));
    token_end(&token);
}

static void a_renamed_certificate_keeps_its_trust_object_and_a_replaced_one_gets_its_own(void **state)
{
    (void)state;
    struct token token;
    certstore_error err = { 0 };
    CSI_AUTO(csi_blob) *old = make_root("CN=a", true);
    CSI_AUTO(csi_blob) *new = make_root("CN=a", true);
    CSI_AUTO(csi_blob) *trust = token_trust(old, server);
    token_begin(&token, NSS);
    token_add(&token, token_cert(TOKEN_NSS, old, "a", NULL));
    token_add(&token, csi_blob_ref(trust));
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_nss);
    assert_int_equal(csi_bundle_rename(bundle, "a", "b", &err), CERTSTORE_OK);
    CSI_AUTO(csi_parts) *renamed = token_must_write(&token, &csi_codec_nss, bundle);
    assert_int_equal(renamed->count, 2);
    assert_true(token_holds(renamed, trust));
    certstore_entry *entry = make_trusted("b", new);
    add_trust(entry, "serverAuth", false);
    put_entry(bundle, entry);
    CSI_AUTO(csi_parts) *replaced = token_must_write(&token, &csi_codec_nss, bundle);
    assert_int_equal(replaced->count, 2);
    assert_true(csi_token_trust_fits(token_object(replaced, CKO_NSS_TRUST, NULL), csi_blob_span(new)));
    put_entry(bundle, make_trusted("b", new)); /* not the certificate that was read, and nobody says that it is trusted */
    CSI_AUTO(csi_parts) *again = token_must_write(&token, &csi_codec_nss, bundle);
    assert_int_equal(again->count, 1);
    certstore_bundle_free(csi_steal(&bundle));
    token_end(&token);
}

static void trust_that_is_changed_leaves_the_certificate_as_it_is(void **state)
{
    (void)state;
    struct token token;
    CSI_AUTO(csi_blob) *a = make_root("CN=a", true);
    CSI_AUTO(csi_blob) *cert = token_cert(TOKEN_NSS, a, "a", NULL);
    token_begin(&token, NSS);
    token_add(&token, csi_blob_ref(cert));
    token_add(&token, token_trust(a, server));
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_nss);
    certstore_entry *entry = make_trusted("a", a);
    add_trust(entry, "emailProtection", false);
    put_entry(bundle, entry);
    CSI_AUTO(csi_parts) *parts = token_must_write(&token, &csi_codec_nss, bundle);
    static const uint32_t mail[4] = { CKT_NSS_MUST_VERIFY_TRUST, CKT_NSS_VALID_DELEGATOR, CKT_NSS_MUST_VERIFY_TRUST, CKT_NSS_TRUSTED_DELEGATOR };
    assert_int_equal(parts->count, 2);
    assert_true(token_holds_same(parts, cert));
    assert_levels(token_object(parts, CKO_NSS_TRUST, NULL), mail);
    certstore_bundle_free(csi_steal(&bundle));
    token_end(&token);
}

static void what_is_said_anew_of_a_certificate_takes_the_place_of_what_was_said_before_it_came(void **state)
{
    (void)state;
    struct token token;
    CSI_AUTO(csi_blob) *a = make_root("CN=a", true);
    CSI_AUTO(csi_blob) *distrust = token_trust(a, never);
    token_begin(&token, NSS);
    token_add(&token, csi_blob_ref(distrust));
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_nss);
    put_entry(bundle, make_trusted("a", a));
    CSI_AUTO(csi_parts) *parts = token_must_write(&token, &csi_codec_nss, bundle);
    assert_true(token_holds(parts, distrust)); /* nobody said that it is to be trusted now */
    certstore_entry *entry = make_trusted("a", a);
    add_trust(entry, "any", false);
    put_entry(bundle, entry);
    CSI_AUTO(csi_parts) *trusted = token_must_write(&token, &csi_codec_nss, bundle);
    assert_int_equal(trusted->count, 2);
    assert_levels(token_object(trusted, CKO_NSS_TRUST, NULL), always);
    certstore_bundle_free(csi_steal(&bundle));
    token_end(&token);
}

static void a_keys_certificate_keeps_its_trust(void **state)
{
    (void)state;
    struct token token;
    struct make_chain chain = make_chain("web.example", "EC:P-256", 1);
    static const uint32_t peer[4] = { CKT_NSS_TRUSTED, CKT_NSS_MUST_VERIFY_TRUST, CKT_NSS_MUST_VERIFY_TRUST, CKT_NSS_MUST_VERIFY_TRUST };
    token_begin(&token, NSS);
    token_add(&token, token_private(TOKEN_NSS, chain.key, "web", "01"));
    token_add(&token, token_cert(TOKEN_NSS, chain.leaf, "web", "01"));
    token_add(&token, token_trust(chain.leaf, peer));
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_nss);
    assert_int_equal(bundle->count, 1);
    assert_true(trusts(bundle->entries[0], "serverAuth", false));
    certstore_bundle_free(csi_steal(&bundle));
    make_chain_free(&chain);
    token_end(&token);
}

/* ------------------------------------------------------------------------------------------------------------- NSS's own rules */

static void nss_holds_one_certificate_of_an_issuer_and_serial_number_and_both_are_named(void **state)
{
    (void)state;
    struct token token;
    char message[512];
    certstore_status status;
    X509 *first = make_cert(&(struct make_cert){ .subject = "CN=a", .key = make_key("EC:P-256", 1), .ca = true, .serial = "0505" });
    X509 *second = make_cert(&(struct make_cert){ .subject = "CN=a", .key = make_key("EC:P-256", 2), .ca = true, .serial = "0505" });
    CSI_AUTO(csi_blob) *first_der = make_der(first);
    CSI_AUTO(csi_blob) *second_der = make_der(second);
    token_begin(&token, NSS);
    token_add(&token, token_cert(TOKEN_NSS, first_der, "first", NULL));
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_nss);
    put_entry(bundle, make_trusted("second", second_der));
    assert_null(token_write(&token, &csi_codec_nss, bundle, &status, message));
    assert_int_equal(status, CERTSTORE_E_EXISTS);
    assert_true(strstr(message, "first") != NULL && strstr(message, "second") != NULL);
    token.remote.traits = CSI_TOKEN_WRITABLE; /* any other token takes both */
    CSI_AUTO(csi_parts) *parts = token_must_write(&token, &csi_codec_pkcs11, bundle);
    assert_int_equal(parts->count, 2);
    certstore_bundle_free(csi_steal(&bundle));
    X509_free(first);
    X509_free(second);
    token_end(&token);
}

static void nss_ids_are_those_that_its_own_programs_look_for(void **state)
{
    (void)state;
    struct token token;
    struct make_chain chain = make_chain("web.example", "RSA:2048", 1);
    CSI_AUTO(csi_blob) *spki = make_spki(chain.key);
    uint8_t nss[20];
    uint8_t others[20];
    assert_true(csi_spki_key_id(csi_blob_span(spki), true, nss) && csi_spki_key_id(csi_blob_span(spki), false, others));
    assert_memory_not_equal(nss, others, sizeof nss);
    token_begin(&token, NSS);
    CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_nss);
    put_entry(bundle, make_identity("web", &chain));
    CSI_AUTO(csi_parts) *parts = token_must_write(&token, &csi_codec_nss, bundle);
    struct csi_span id;
    struct csi_span modulus;
    uint8_t digest[20];
    assert_true(csi_object_get(token_object(parts, CKO_PRIVATE_KEY, "web"), CKA_ID, &id) && csi_span_equal(id, csi_span(nss, sizeof nss)));
    assert_true(csi_object_get(token_object(parts, CKO_PRIVATE_KEY, "web"), CKA_MODULUS, &modulus));
    assert_int_equal(EVP_Q_digest(NULL, "SHA1", NULL, modulus.data, modulus.size, digest, NULL), 1);
    assert_memory_equal(digest, nss, sizeof digest);
    certstore_bundle_free(csi_steal(&bundle));
    make_chain_free(&chain);
    token_end(&token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nsss_levels_are_purposes_and_a_certificate_without_them_is_trusted_for_nothing),
        cmocka_unit_test(trust_is_bound_by_issuer_serial_number_and_fingerprint),
        cmocka_unit_test(p11_kits_attributes_are_trust_for_everything_unless_its_object_says_for_what),
        cmocka_unit_test(a_plain_token_says_nothing_but_what_its_officer_said),
        cmocka_unit_test(purposes_become_nsss_levels_by_what_the_certificate_is),
        cmocka_unit_test(nothing_is_trusted_that_nobody_said_was),
        cmocka_unit_test(p11_kit_is_told_by_attributes),
        cmocka_unit_test(a_removed_certificate_takes_what_was_said_of_it_along),
        cmocka_unit_test(a_renamed_certificate_keeps_its_trust_object_and_a_replaced_one_gets_its_own),
        cmocka_unit_test(trust_that_is_changed_leaves_the_certificate_as_it_is),
        cmocka_unit_test(what_is_said_anew_of_a_certificate_takes_the_place_of_what_was_said_before_it_came),
        cmocka_unit_test(a_keys_certificate_keeps_its_trust),
        cmocka_unit_test(nss_holds_one_certificate_of_an_issuer_and_serial_number_and_both_are_named),
        cmocka_unit_test(nss_ids_are_those_that_its_own_programs_look_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
