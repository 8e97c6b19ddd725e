/* SPDX-License-Identifier: Apache-2.0 */
/* test_pkcs12_write.c: what is written to PKCS#12 comes back, and an edit changes what it is about and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/writer.h"
#include "codec/pkcs12.h"
#include "support/codec.h"
#include "support/make.h"

static const char store_password[] = "changeit";

struct fixture {
    csi_passwords *passwords;
    struct make_chain web;
    struct make_chain mail;
    certstore_bundle *bundle; /* two keys with chains, two trusted certificates, a secret key, a CRL */
    csi_blob *file;           /* written with the default profile */
};

static void put(certstore_bundle *bundle, certstore_entry *entry)
{
    certstore_error err = { 0 };
    assert_int_equal(csi_bundle_put(bundle, entry, &err), CERTSTORE_OK);
    certstore_entry_free(entry);
}

static certstore_entry *secret_entry(const char *alias)
{
    certstore_error err = { 0 };
    certstore_entry *entry = csi_entry_new(CERTSTORE_SECRET, alias, &err);
    entry->key = csi_key_new_plain(csi_span("0123456789abcdef", 16), "AES", &err);
    assert_int_equal(err.status, CERTSTORE_OK);
    return entry;
}

static certstore_entry *crl_entry(const char *alias)
{
    certstore_error err = { 0 };
    EVP_PKEY *key = make_key("EC:P-256", 90);
    X509 *issuer = make_cert(&(struct make_cert){ .subject = "CN=crl issuer", .key = key, .ca = true });
    certstore_entry *entry = csi_entry_new(CERTSTORE_CRL, alias, &err);
    entry->content = make_crl(issuer, key);
    X509_free(issuer);
    return entry;
}

static certstore_bundle *sample(const struct fixture *f)
{
    certstore_error err = { 0 };
    certstore_bundle *bundle = csi_bundle_new("pkcs12", CSI_ALIAS_LOWER, &err);
    certstore_entry *web = make_identity("Web", &f->web);
    web->created_ms = 1500000000123;
    put(bundle, web);
    put(bundle, make_identity("\xc3\x9c"
                              "bersee \xf0\x9f\x98\x80",
                              &f->mail));
    put(bundle, make_trusted("web-root", f->web.root));
    certstore_entry *mail_root = make_trusted("mail-root", f->mail.root);
    assert_int_equal(csi_entry_add_trust(mail_root, "emailProtection", false, &err), CERTSTORE_OK);
    assert_int_equal(csi_entry_add_trust(mail_root, "1.2.3.4", false, &err), CERTSTORE_OK);
    put(bundle, mail_root);
    put(bundle, secret_entry("aes"));
    put(bundle, crl_entry("revoked"));
    return bundle;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->passwords = codec_passwords(store_password, NULL);
    f->web = make_chain("web.example", "EC:P-256", 1);
    f->mail = make_chain("mail.example", "EC:P-256", 2);
    f->bundle = sample(f);
    f->file = codec_encode(&csi_codec_pkcs12, f->bundle, f->passwords, CSI_PROFILE_DEFAULT);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    csi_blob_free(f->file);
    certstore_bundle_free(f->bundle);
    make_chain_free(&f->web);
    make_chain_free(&f->mail);
    csi_passwords_free(f->passwords);
    free(f);
    return 0;
}

static certstore_bundle *read_back(csi_blob *file, const csi_passwords *passwords)
{
    certstore_status status;
    certstore_bundle *bundle = codec_decode(&csi_codec_pkcs12, file, passwords, &status);
    assert_int_equal(status, CERTSTORE_OK);
    return bundle;
}

static const csi_pkcs12 *raw(const certstore_bundle *bundle)
{
    return (const csi_pkcs12 *)bundle->document;
}

static void assert_same_key(const certstore_entry *a, const certstore_entry *b)
{
    CSI_AUTO(csi_secret) *left = codec_key(a);
    CSI_AUTO(csi_secret) *right = codec_key(b);
    assert_true(csi_span_equal(csi_secret_span(left), csi_secret_span(right)));
}

static void assert_equal_entries(const certstore_bundle *wanted, const certstore_bundle *got)
{
    assert_int_equal(wanted->count, got->count);
    for (size_t i = 0; i < wanted->count; i++) {
        const certstore_entry *a = wanted->entries[i];
        const certstore_entry *b = codec_entry(got, a->alias);
        assert_string_equal(a->alias, b->alias);
        assert_int_equal(a->kind, b->kind);
        assert_true(codec_same_certs(a, b));
        if (a->key != NULL)
            assert_same_key(a, b);
        if (a->kind == CERTSTORE_CRL)
            assert_true(csi_span_equal(csi_blob_span(a->content), csi_blob_span(b->content)));
    }
}

/* The bag that holds these bytes, with the friendlyName where one is asked for. */
static const struct csi_bag *bag_of(const csi_pkcs12 *p, struct csi_span object, const char *name)
{
    for (size_t i = 0; i < p->bag_count; i++) {
        CSI_AUTO_BUF text = { 0 };
        bool named = csi_bag_name(&p->bags[i], &text);
        if (csi_span_equal(p->bags[i].object, object) && (name == NULL || (named && csi_span_equal(csi_buf_span(&text), csi_span_text(name)))))
            return &p->bags[i];
    }
    return NULL;
}

static bool holds_bag(const csi_pkcs12 *p, struct csi_span whole)
{
    for (size_t i = 0; i < p->bag_count; i++)
        if (csi_span_equal(p->bags[i].whole, whole))
            return true;
    return false;
}

static void every_kind_of_entry_comes_back_in_every_profile(void **state)
{
    const struct fixture *f = *state;
    const enum csi_profile profiles[] = { CSI_PROFILE_DEFAULT,  CSI_PROFILE_JAVA8, CSI_PROFILE_JAVA17,
                                          CSI_PROFILE_OPENSSL3, CSI_PROFILE_FIPS,  CSI_PROFILE_LEGACY };
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++) {
        CSI_AUTO(csi_blob) *file = codec_encode(&csi_codec_pkcs12, f->bundle, f->passwords, profiles[i]);
        CSI_AUTO(certstore_bundle) *back = read_back(file, f->passwords);
        assert_int_equal(back->integrity, CERTSTORE_INTEGRITY_VERIFIED);
        assert_int_equal(certstore_report_count(back->notes), 0);
        assert_equal_entries(f->bundle, back);
        assert_int_equal(raw(back)->mac.pbmac1, profiles[i] == CSI_PROFILE_FIPS);
    }
}

static void trust_purposes_and_dates_come_back(void **state)
{
    const struct fixture *f = *state;
    CSI_AUTO(certstore_bundle) *back = read_back(f->file, f->passwords);
    const certstore_entry *mail_root = codec_entry(back, "mail-root");
    assert_int_equal(mail_root->trust.trusted_count, 2);
    assert_string_equal(mail_root->trust.trusted[0], "emailProtection");
    assert_string_equal(mail_root->trust.trusted[1], "1.2.3.4");
    assert_string_equal(codec_entry(back, "web-root")->trust.trusted[0], "any");
    assert_int_equal(codec_entry(back, "Web")->created_ms, 1500000000123);
}

static void javas_trust_attribute_is_on_trusted_entries_and_never_on_a_chain(void **state)
{
    const struct fixture *f = *state;
    CSI_AUTO(certstore_bundle) *back = read_back(f->file, f->passwords);
    const csi_pkcs12 *p = raw(back);
    size_t trusted = 0;
    for (size_t i = 0; i < p->bag_count; i++) {
        trusted += p->bags[i].trusted;
        if (p->bags[i].trusted)
            assert_int_equal(p->bags[i].local_key_id.size, 0);
    }
    assert_int_equal(trusted, 2);
    assert_false(bag_of(p, csi_blob_span(f->web.leaf), "Web")->trusted);
    assert_false(bag_of(p, csi_blob_span(f->web.intermediate), NULL)->trusted);
}

static void a_key_and_its_leaf_share_a_local_key_id_that_is_nobody_elses(void **state)
{
    const struct fixture *f = *state;
    CSI_AUTO(certstore_bundle) *back = read_back(f->file, f->passwords);
    const csi_pkcs12 *p = raw(back);
    for (size_t i = 0; i < p->bag_count; i++) {
        if (p->bags[i].kind != CSI_BAG_SHROUDED)
            continue;
        size_t same = 0;
        assert_true(p->bags[i].local_key_id.size > 0);
        for (size_t j = 0; j < p->bag_count; j++)
            same += csi_span_equal(p->bags[i].local_key_id, p->bags[j].local_key_id);
        assert_int_equal(same, 2);
    }
    assert_int_equal(bag_of(p, csi_blob_span(f->web.intermediate), NULL)->local_key_id.size, 0);
}

static void an_unchanged_store_is_written_byte_for_byte(void **state)
{
    const struct fixture *f = *state;
    CSI_AUTO(certstore_bundle) *back = read_back(f->file, f->passwords);
    CSI_AUTO(csi_blob) *again = codec_encode(&csi_codec_pkcs12, back, f->passwords, CSI_PROFILE_LEGACY);
    assert_true(csi_span_equal(csi_blob_span(again), csi_blob_span(f->file)));
}

static void a_rename_changes_two_names_and_leaves_the_sealed_key_alone(void **state)
{
    const struct fixture *f = *state;
    certstore_error err = { 0 };
    CSI_AUTO(certstore_bundle) *back = read_back(f->file, f->passwords);
    assert_int_equal(csi_bundle_rename(back, "Web", "Front", &err), CERTSTORE_OK);
    CSI_AUTO(csi_blob) *file = codec_encode(&csi_codec_pkcs12, back, f->passwords, CSI_PROFILE_DEFAULT);
    CSI_AUTO(certstore_bundle) *renamed = read_back(file, f->passwords);
    const csi_pkcs12 *before = raw(back);
    const csi_pkcs12 *after = raw(renamed);
    assert_int_equal(before->bag_count, after->bag_count);
    size_t changed = 0;
    for (size_t i = 0; i < before->bag_count; i++) {
        bool same = csi_span_equal(before->bags[i].whole, after->bags[i].whole);
        assert_true(csi_span_equal(before->bags[i].object, after->bags[i].object)); /* sealed keys included */
        assert_true(csi_span_equal(before->bags[i].local_key_id, after->bags[i].local_key_id));
        changed += !same;
    }
    assert_int_equal(changed, 2);
    assert_non_null(bag_of(after, csi_blob_span(f->web.leaf), "Front"));
    assert_equal_entries(back, renamed);
}

static void an_edit_in_one_safe_leaves_the_bytes_of_the_other(void **state)
{
    const struct fixture *f = *state;
    certstore_error err = { 0 };
    CSI_AUTO(certstore_bundle) *back = read_back(f->file, f->passwords);
    assert_int_equal(csi_bundle_remove(back, "web-root", &err), CERTSTORE_OK);
    CSI_AUTO(csi_blob) *file = codec_encode(&csi_codec_pkcs12, back, f->passwords, CSI_PROFILE_LEGACY);
    CSI_AUTO(certstore_bundle) *after = read_back(file, f->passwords);
    assert_int_equal(raw(back)->safe_count, 2);
    assert_int_equal(raw(after)->safe_count, 2);
    assert_true(csi_span_equal(raw(back)->safes[0].whole, raw(after)->safes[0].whole));
    assert_false(csi_span_equal(raw(back)->safes[1].whole, raw(after)->safes[1].whole));
    assert_int_equal(raw(back)->safes[1].algorithm.size, raw(after)->safes[1].algorithm.size); /* the profile asked for does not matter */
    assert_int_equal(raw(after)->mac.derivation.iterations, raw(back)->mac.derivation.iterations);
    assert_false(csi_span_equal(raw(after)->mac.derivation.salt, raw(back)->mac.derivation.salt));
    assert_equal_entries(back, after);
}

static void a_replaced_identity_takes_the_place_of_the_old_one(void **state)
{
    const struct fixture *f = *state;
    struct make_chain renewed = make_chain("web.example", "EC:P-256", 3);
    CSI_AUTO(certstore_bundle) *back = read_back(f->file, f->passwords);
    put(back, make_identity("web", &renewed));
    CSI_AUTO(csi_blob) *file = codec_encode(&csi_codec_pkcs12, back, f->passwords, CSI_PROFILE_DEFAULT);
    CSI_AUTO(certstore_bundle) *after = read_back(file, f->passwords);
    assert_equal_entries(back, after);
    assert_int_equal(codec_entry(after, "web")->cert_count, 3);
    assert_null(bag_of(raw(after), csi_blob_span(f->web.leaf), NULL));
    assert_null(bag_of(raw(after), csi_blob_span(f->web.intermediate), NULL));
    assert_int_equal(csi_bundle_position(after, "web"), csi_bundle_position(back, "web"));
    make_chain_free(&renewed);
}

static void a_renewed_certificate_keeps_the_sealed_key(void **state)
{
    const struct fixture *f = *state;
    certstore_error err = { 0 };
    CSI_AUTO(certstore_bundle) *back = read_back(f->file, f->passwords);
    X509 *renewed = make_cert(&(struct make_cert){ .subject = "CN=web.example", .key = f->web.key });
    CSI_AUTO(csi_blob) *der = make_der(renewed);
    certstore_entry *entry = csi_entry_copy(codec_entry(back, "Web"), &err);
    csi_entry_clear_certs(entry);
    assert_int_equal(csi_entry_append_cert(entry, der, csi_blob_span(der), &err), CERTSTORE_OK);
    put(back, entry);
    CSI_AUTO(csi_blob) *file = codec_encode(&csi_codec_pkcs12, back, f->passwords, CSI_PROFILE_DEFAULT);
    CSI_AUTO(certstore_bundle) *after = read_back(file, f->passwords);
    assert_true(csi_span_equal(raw(back)->safes[0].whole, raw(after)->safes[0].whole));
    assert_equal_entries(back, after);
    X509_free(renewed);
}

static void a_chain_certificate_that_two_keys_share_is_there_once_and_outlives_one_of_them(void **state)
{
    const struct fixture *f = *state;
    certstore_error err = { 0 };
    CSI_AUTO(certstore_bundle) *bundle = csi_bundle_new("pkcs12", CSI_ALIAS_LOWER, &err);
    struct make_chain second = f->web;
    second.leaf = f->mail.leaf; /* any leaf; its chain is given, not found */
    put(bundle, make_identity("one", &f->web));
    X509 *sibling =
        make_cert(&(struct make_cert){ .subject = "CN=sibling", .issuer = "CN=no such issuer", .key = f->mail.key, .signer_key = f->web.key });
    CSI_AUTO(csi_blob) *leaf = make_der(sibling);
    X509_free(sibling);
    second.leaf = leaf;
    second.key = f->mail.key;
    put(bundle, make_identity("two", &second));
    CSI_AUTO(csi_blob) *file = codec_encode(&csi_codec_pkcs12, bundle, f->passwords, CSI_PROFILE_DEFAULT);
    CSI_AUTO(certstore_bundle) *back = read_back(file, f->passwords);
    assert_int_equal(raw(back)->bag_count, 2 + 2 + 2); /* keys, leaves, and the intermediate and root once */
    assert_int_equal(csi_bundle_remove(back, "two", &err), CERTSTORE_OK);
    CSI_AUTO(csi_blob) *less = codec_encode(&csi_codec_pkcs12, back, f->passwords, CSI_PROFILE_DEFAULT);
    CSI_AUTO(certstore_bundle) *after = read_back(less, f->passwords);
    assert_int_equal(after->count, 1);
    assert_int_equal(codec_entry(after, "one")->cert_count, 3);
}

static void keys_keep_passphrases_of_their_own(void **state)
{
    const struct fixture *f = *state;
    certstore_error err = { 0 };
    CSI_AUTO(csi_passwords) *own = csi_passwords_copy(f->passwords, &err);
    assert_int_equal(csi_passwords_set_entry(own, "Web", csi_span("its own", 7), &err), CERTSTORE_OK);
    CSI_AUTO(csi_blob) *file = codec_encode(&csi_codec_pkcs12, f->bundle, own, CSI_PROFILE_DEFAULT);
    CSI_AUTO(certstore_bundle) *with = read_back(file, own);
    assert_equal_entries(f->bundle, with);
    CSI_AUTO(certstore_bundle) *without = read_back(file, f->passwords);
    CSI_AUTO_PLAIN plain = { 0 };
    assert_int_equal(csi_key_open(codec_entry(without, "Web")->key, "Web", NULL, &plain, &err), CERTSTORE_E_PASSWORD);
    assert_int_equal(csi_bundle_rename(without, "Web", "Other", &(certstore_error){ 0 }), CERTSTORE_OK); /* needs no key */
    CSI_AUTO(csi_blob) *renamed = codec_encode(&csi_codec_pkcs12, without, f->passwords, CSI_PROFILE_DEFAULT);
    assert_non_null(renamed);
}

static void another_passphrase_opens_everything_and_the_old_one_nothing(void **state)
{
    const struct fixture *f = *state;
    certstore_status status;
    CSI_AUTO(csi_passwords) *other = codec_passwords("n\xc3\xa4xt", NULL);
    CSI_AUTO(certstore_bundle) *back = read_back(f->file, f->passwords);
    CSI_AUTO(csi_blob) *file = codec_reprotect(&csi_codec_pkcs12, back, f->passwords, other);
    CSI_AUTO(certstore_bundle) *after = read_back(file, other);
    assert_equal_entries(f->bundle, after);
    assert_int_equal(raw(after)->safes[1].algorithm.size, raw(back)->safes[1].algorithm.size);
    assert_null(codec_decode(&csi_codec_pkcs12, file, f->passwords, &status));
    assert_int_equal(status, CERTSTORE_E_PASSWORD);
}

static void a_store_without_a_passphrase_stays_without(void **state)
{
    const struct fixture *f = *state;
    certstore_error err = { 0 };
    CSI_AUTO(certstore_bundle) *bundle = csi_bundle_new("pkcs12", CSI_ALIAS_LOWER, &err);
    put(bundle, make_trusted("root", f->web.root));
    CSI_AUTO(csi_blob) *file = codec_encode(&csi_codec_pkcs12, bundle, NULL, CSI_PROFILE_DEFAULT);
    CSI_AUTO(certstore_bundle) *back = read_back(file, NULL);
    assert_int_equal(back->integrity, CERTSTORE_INTEGRITY_ABSENT);
    put(back, make_trusted("another", f->mail.root));
    CSI_AUTO(csi_blob) *edited = codec_encode(&csi_codec_pkcs12, back, f->passwords, CSI_PROFILE_DEFAULT);
    CSI_AUTO(certstore_bundle) *after = read_back(edited, NULL);
    assert_int_equal(after->integrity, CERTSTORE_INTEGRITY_ABSENT);
    assert_int_equal(after->count, 2);
    CSI_AUTO(csi_blob) *sealed = codec_reprotect(&csi_codec_pkcs12, after, NULL, f->passwords); /* unless it is given one */
    CSI_AUTO(certstore_bundle) *protected = read_back(sealed, f->passwords);
    assert_int_equal(protected->integrity, CERTSTORE_INTEGRITY_VERIFIED);
    assert_true(raw(protected)->safes[0].encrypted);
}

static certstore_status encode_for(const struct fixture *f, const csi_passwords *protect, enum csi_profile profile)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_parts) *parts = csi_parts_new(&err);
    const struct csi_encode in = {
        .passwords = f->passwords, .protect = protect, .profile = profile, .part_count = 1, .limits = &csi_limits_default
    };
    return csi_codec_pkcs12.encode(f->bundle, &in, parts, &err);
}

static void a_passphrase_that_java_cannot_use_is_refused_for_java_alone(void **state)
{
    const struct fixture *f = *state;
    certstore_error err = { 0 };
    CSI_AUTO(csi_passwords) *umlaut = codec_passwords("\xc3\xbc"
                                                      "ber",
                                                      NULL);
    CSI_AUTO(csi_passwords) *own = csi_passwords_copy(f->passwords, &err);
    assert_int_equal(csi_passwords_set_entry(own, "Web", csi_span("\xc3\xbc", 2), &err), CERTSTORE_OK);
    assert_int_equal(encode_for(f, umlaut, CSI_PROFILE_JAVA17), CERTSTORE_E_ARGUMENT);
    assert_int_equal(encode_for(f, umlaut, CSI_PROFILE_JAVA8), CERTSTORE_E_ARGUMENT);
    assert_int_equal(encode_for(f, own, CSI_PROFILE_JAVA17), CERTSTORE_E_ARGUMENT);
    assert_int_equal(encode_for(f, umlaut, CSI_PROFILE_OPENSSL3), CERTSTORE_OK);
}

static void a_trusted_entry_that_says_nothing_about_trust_keeps_saying_nothing(void **state)
{
    const struct fixture *f = *state;
    certstore_error err = { 0 };
    CSI_AUTO(certstore_bundle) *back = read_back(f->file, f->passwords);
    const csi_pkcs12 *p = raw(back);
    assert_int_equal(csi_bundle_remove(back, "Web", &err), CERTSTORE_OK); /* and its chain goes with it */
    CSI_AUTO(csi_blob) *file = codec_encode(&csi_codec_pkcs12, back, f->passwords, CSI_PROFILE_DEFAULT);
    CSI_AUTO(certstore_bundle) *after = read_back(file, f->passwords);
    assert_null(bag_of(raw(after), csi_blob_span(f->web.intermediate), NULL));
    assert_true(holds_bag(raw(after), bag_of(p, csi_blob_span(f->web.root), "web-root")->whole));
    assert_false(bag_of(raw(after), csi_blob_span(f->web.root), "web-root") == NULL);
}

static void reading_what_was_added_costs_one_derivation_for_the_safe_and_one_for_the_mac(void **state)
{
    const struct fixture *f = *state;
    certstore_error err = { 0 };
    struct csi_limits limits = csi_limits_default;
    limits.value[CERTSTORE_LIMIT_KDF_TOTAL] = 20000; /* 10,000 each */
    CSI_AUTO(csi_parts) *parts = csi_parts_new(&err);
    assert_int_equal(csi_parts_add(parts, "", f->file, &err), CERTSTORE_OK);
    struct csi_decode in = { .parts = parts, .passwords = f->passwords, .limits = &limits };
    CSI_AUTO(certstore_bundle) *back = csi_codec_pkcs12.decode(&in, &err);
    assert_non_null(back);
    limits.value[CERTSTORE_LIMIT_KDF_TOTAL] = 19999;
    assert_null(csi_codec_pkcs12.decode(&in, &err));
    assert_int_equal(err.status, CERTSTORE_E_LIMIT);
}

static void what_has_no_place_is_a_loss(void **state)
{
    const struct fixture *f = *state;
    certstore_error err = { 0 };
    CSI_AUTO(certstore_report) *none = csi_report_new(&err);
    CSI_AUTO(certstore_report) *some = csi_report_new(&err);
    assert_int_equal(csi_codec_pkcs12.losses(f->bundle, none, &err), CERTSTORE_OK);
    assert_int_equal(certstore_report_count(none), 0);
    CSI_AUTO(certstore_bundle) *bundle = csi_bundle_new("pem", CSI_ALIAS_EXACT, &err);
    certstore_entry *distrusted = make_trusted("bad", f->web.root);
    assert_int_equal(csi_entry_add_trust(distrusted, "serverAuth", true, &err), CERTSTORE_OK);
    put(bundle, distrusted);
    certstore_entry *opaque = csi_entry_new(CERTSTORE_OPAQUE, "params", &err);
    opaque->content = csi_blob_new("x", 1, &err);
    opaque->type = csi_strdup("DH PARAMETERS", &err);
    put(bundle, opaque);
    assert_int_equal(csi_codec_pkcs12.losses(bundle, some, &err), CERTSTORE_OK);
    assert_int_equal(certstore_report_count(some), 2);
}

/* The store in DER with a MacData behind its authSafe that asks for 8,388,607 iterations. */
static csi_blob *with_costly_mac(const csi_blob *plain)
{
    static const uint8_t cheap[] = { 0x02, 0x03, 0x01, 0x86, 0xa0 };
    static const uint8_t costly[] = { 0x02, 0x03, 0x7f, 0xff, 0xff };
    certstore_error err = { 0 };
    struct csi_reader r = csi_reader(csi_blob_span(plain));
    struct csi_tlv pfx;
    CSI_AUTO_BUF out = { 0 };
    assert_true(csi_der_expect(&r, CSI_DER_SEQUENCE, &pfx));
    csi_buf_put_span(&out, pfx.content);
    csi_p12_mac_put_template(CSI_PROFILE_LEGACY, &out);
    assert_memory_equal(out.data + out.size - sizeof cheap, cheap, sizeof cheap);
    memcpy(out.data + out.size - sizeof costly, costly, sizeof costly);
    csi_der_wrap(&out, 0, CSI_DER_SEQUENCE);
    return csi_blob_from_buf(&out, &err);
}

/* Read without a passphrase, its MAC was never derived; an edit with one must not do so either. */
static void a_mac_that_was_never_verified_is_not_followed_beyond_the_limits(void **state)
{
    struct fixture *f = *state;
    certstore_error err = { 0 };
    CSI_AUTO(certstore_bundle) *roots = csi_bundle_new("pkcs12", CSI_ALIAS_LOWER, &err);
    put(roots, make_trusted("a", f->web.root));
    put(roots, make_trusted("b", f->mail.root));
    CSI_AUTO(csi_blob) *plain = codec_encode(&csi_codec_pkcs12, roots, NULL, CSI_PROFILE_DEFAULT);
    CSI_AUTO(csi_blob) *bomb = with_costly_mac(plain);
    CSI_AUTO(certstore_bundle) *read = read_back(bomb, NULL);
    CSI_AUTO(csi_parts) *parts = csi_parts_new(&err);
    struct csi_encode in = { .protect = f->passwords, .part_count = 1, .limits = &csi_limits_default };
    assert_int_equal(csi_bundle_remove(read, "a", &err), CERTSTORE_OK);
    assert_int_equal(csi_codec_pkcs12.encode(read, &in, parts, &err), CERTSTORE_E_LIMIT);
    certstore_error_clear(&err);
    in.reprotect = true;
    assert_int_equal(csi_codec_pkcs12.encode(read, &in, parts, &err), CERTSTORE_E_LIMIT);
    assert_int_equal(parts->count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_kind_of_entry_comes_back_in_every_profile),
        TEST(trust_purposes_and_dates_come_back),
        TEST(javas_trust_attribute_is_on_trusted_entries_and_never_on_a_chain),
        TEST(a_key_and_its_leaf_share_a_local_key_id_that_is_nobody_elses),
        TEST(an_unchanged_store_is_written_byte_for_byte),
        TEST(a_rename_changes_two_names_and_leaves_the_sealed_key_alone),
        TEST(an_edit_in_one_safe_leaves_the_bytes_of_the_other),
        TEST(a_replaced_identity_takes_the_place_of_the_old_one),
        TEST(a_renewed_certificate_keeps_the_sealed_key),
        TEST(a_chain_certificate_that_two_keys_share_is_there_once_and_outlives_one_of_them),
        TEST(keys_keep_passphrases_of_their_own),
        TEST(another_passphrase_opens_everything_and_the_old_one_nothing),
        TEST(a_store_without_a_passphrase_stays_without),
        TEST(a_passphrase_that_java_cannot_use_is_refused_for_java_alone),
        TEST(a_trusted_entry_that_says_nothing_about_trust_keeps_saying_nothing),
        TEST(reading_what_was_added_costs_one_derivation_for_the_safe_and_one_for_the_mac),
        TEST(a_mac_that_was_never_verified_is_not_followed_beyond_the_limits),
        TEST(what_has_no_place_is_a_loss),
    };
    return cmocka_run_group_tests_name("pkcs12 writing", tests, NULL, NULL);
}
