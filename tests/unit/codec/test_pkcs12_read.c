/* SPDX-License-Identifier: Apache-2.0 */
/* test_pkcs12_read.c: PKCS#12 in the forms other programs give it, what fits together in it, and why it is refused when it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/writer.h"
#include "codec/pkcs12_encode.h"
#include "codec/pkcs8.h"
#include "support/codec.h"
#include "support/make.h"

static void put(certstore_bundle *bundle, certstore_entry *entry)
{
    certstore_error err = { 0 };
    assert_int_equal(csi_bundle_put(bundle, entry, &err), CERTSTORE_OK);
    certstore_entry_free(entry);
}

/* A key with its chain and a trusted certificate, written for a profile. */
static csi_blob *sample(const char *password, enum csi_profile profile)
{
    certstore_error err = { 0 };
    struct make_chain chain = make_chain("web.example", "EC:P-256", 1);
    CSI_AUTO(csi_passwords) *passwords = password != NULL ? codec_passwords(password, NULL) : NULL;
    CSI_AUTO(certstore_bundle) *bundle = csi_bundle_new("pkcs12", CSI_ALIAS_LOWER, &err);
    put(bundle, make_identity("web", &chain));
    put(bundle, make_trusted("root", chain.root));
    make_chain_free(&chain);
    return codec_encode(&csi_codec_pkcs12, bundle, passwords, profile);
}

static certstore_status status_of(csi_blob *file, const char *password)
{
    certstore_status status;
    CSI_AUTO(csi_passwords) *passwords = codec_passwords(password, NULL);
    certstore_bundle_free(codec_decode(&csi_codec_pkcs12, file, passwords, &status));
    return status;
}

static certstore_bundle *read_back(csi_blob *file, const char *password)
{
    certstore_status status;
    CSI_AUTO(csi_passwords) *passwords = codec_passwords(password, NULL);
    certstore_bundle *bundle = codec_decode(&csi_codec_pkcs12, file, passwords, &status);
    if (bundle == NULL)
        fail_msg("decode: %s", certstore_status_name(status));
    return bundle;
}

/* ---------------------------------------------------------------------------------------------------------- refusals */

static void a_wrong_passphrase_is_not_tampering_and_tampering_is_no_wrong_passphrase(void **state)
{
    (void)state;
    CSI_AUTO(csi_blob) *file = sample("right", CSI_PROFILE_DEFAULT);
    assert_int_equal(status_of(file, "right"), CERTSTORE_OK);
    assert_int_equal(status_of(file, "wrong"), CERTSTORE_E_PASSWORD);
    static const uint8_t web[] = { 0, 'w', 0, 'e', 0, 'b' }; /* the key's name, which is not encrypted */
    uint8_t *name = memmem(file->data, file->size, web, sizeof web);
    assert_non_null(name);
    name[1] = 'W';
    assert_int_equal(status_of(file, "right"), CERTSTORE_E_TAMPERED);
    assert_int_equal(status_of(file, "wrong"), CERTSTORE_E_PASSWORD);
}

static void a_file_that_ends_early_is_truncated_wherever_it_is_cut(void **state)
{
    (void)state;
    CSI_AUTO(csi_blob) *file = sample("right", CSI_PROFILE_DEFAULT);
    for (size_t size = 0; size < file->size; size += size < 64 ? 1 : 97) {
        certstore_error err = { 0 };
        CSI_AUTO(csi_blob) *cut = csi_blob_new(file->data, size, &err);
        assert_int_equal(status_of(cut, "right"), CERTSTORE_E_TRUNCATED);
    }
}

static void what_is_no_pkcs12_is_malformed(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    static const char text[] = "-----BEGIN CERTIFICATE-----";
    static const uint8_t empty[] = { 0x30, 0x00 };
    CSI_AUTO(csi_blob) *pem = csi_blob_new(text, sizeof text - 1, &err);
    CSI_AUTO(csi_blob) *nothing = csi_blob_new(empty, sizeof empty, &err);
    assert_int_equal(status_of(pem, NULL), CERTSTORE_E_MALFORMED);
    assert_int_equal(status_of(nothing, NULL), CERTSTORE_E_MALFORMED);
    assert_int_equal(csi_codec_pkcs12.probe(csi_blob_span(pem)), 0);
    CSI_AUTO(csi_blob) *file = sample("right", CSI_PROFILE_DEFAULT);
    assert_in_range(csi_codec_pkcs12.probe(csi_blob_span(file)), 50, 100);
}

static void iterations_over_the_limit_are_refused_and_cost_nothing(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO(csi_blob) *file = sample("right", CSI_PROFILE_DEFAULT);
    CSI_AUTO(csi_passwords) *passwords = codec_passwords("right", NULL);
    struct csi_limits limits = csi_limits_default;
    limits.value[CERTSTORE_LIMIT_KDF_ITERATIONS] = 9999;
    struct csi_p12_read read = { .passwords = passwords, .limits = &limits, .budget = { .limits = &limits } };
    read.session.budget = &read.budget;
    assert_null(csi_pkcs12_read(&read, file, &err));
    assert_int_equal(err.status, CERTSTORE_E_LIMIT);
    assert_int_equal(read.budget.spent, 0);
    csi_pbe_session_close(&read.session);
}

static void pbmac1_without_a_sound_key_length_is_refused(void **state)
{
    (void)state;
    static const uint8_t key_length[] = { 0x02, 0x01, 0x20, 0x30, 0x0c, 0x06, 0x08, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x09 };
    CSI_AUTO(csi_blob) *file = sample("right", CSI_PROFILE_FIPS);
    assert_int_equal(status_of(file, "right"), CERTSTORE_OK);
    uint8_t *at = memmem(file->data, file->size, key_length, sizeof key_length);
    assert_non_null(at);
    at[2] = 1;
    assert_int_equal(status_of(file, "right"), CERTSTORE_E_MALFORMED);
    at[2] = 65;
    assert_int_equal(status_of(file, "right"), CERTSTORE_E_MALFORMED);
    /* Sound, but another: the MAC does not fit, and the content opens. Not 33: HMAC fills a short key up with zeros (RFC 2104, section 2), so
     * one more byte changes nothing where that byte happens to be zero. */
    at[2] = 64;
    assert_int_equal(status_of(file, "right"), CERTSTORE_E_TAMPERED);
}

static void an_unknown_digest_of_the_mac_is_named(void **state)
{
    (void)state;
    static const uint8_t sha256[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 };
    CSI_AUTO(csi_blob) *file = sample("right", CSI_PROFILE_DEFAULT);
    uint8_t *at = memmem(file->data, file->size, sha256, sizeof sha256);
    assert_non_null(at);
    at[8] = 0x7e;
    assert_int_equal(status_of(file, "right"), CERTSTORE_E_UNSUPPORTED);
}

/* ---------------------------------------------------------------------------------------------------- passphrases */

static void without_a_passphrase_what_is_open_opens_unchecked(void **state)
{
    (void)state;
    CSI_AUTO(csi_blob) *sealed = sample("right", CSI_PROFILE_DEFAULT);
    CSI_AUTO(csi_blob) *open = sample(NULL, CSI_PROFILE_DEFAULT);
    assert_int_equal(status_of(sealed, NULL), CERTSTORE_E_PASSWORD);
    CSI_AUTO(certstore_bundle) *bundle = read_back(open, NULL);
    assert_int_equal(bundle->integrity, CERTSTORE_INTEGRITY_ABSENT);
    assert_int_equal(bundle->count, 2);
}

static void an_empty_passphrase_is_a_passphrase(void **state)
{
    (void)state;
    CSI_AUTO(csi_blob) *file = sample("", CSI_PROFILE_LEGACY);
    CSI_AUTO(certstore_bundle) *with = read_back(file, "");
    CSI_AUTO(certstore_bundle) *without = read_back(file, NULL);
    assert_int_equal(with->integrity, CERTSTORE_INTEGRITY_VERIFIED);
    assert_int_equal(without->integrity, CERTSTORE_INTEGRITY_UNCHECKED);
    assert_int_equal(status_of(file, "x"), CERTSTORE_E_PASSWORD);
}

static bool notes_say(const certstore_bundle *bundle, const char *code)
{
    for (size_t i = 0; i < certstore_report_count(bundle->notes); i++)
        if (strcmp(certstore_report_code(bundle->notes, i), code) == 0)
            return true;
    return false;
}

static void other_readings_of_the_passphrase_are_tried_and_reported(void **state)
{
    (void)state;
    /* Made with U+00C3 U+00BC, which is what "ü" comes to when its UTF-8 bytes are widened one by one. */
    CSI_AUTO(csi_blob) *widened = sample("\xc3\x83\xc2\xbc", CSI_PROFILE_LEGACY);
    /* Made with the one byte FC, which is "ü" in ISO 8859-1. */
    CSI_AUTO(csi_blob) *latin1 = sample("\xfc", CSI_PROFILE_FIPS);
    CSI_AUTO(csi_blob) *standard = sample("\xc3\xbc", CSI_PROFILE_OPENSSL3);
    CSI_AUTO(certstore_bundle) *a = read_back(widened, "\xc3\xbc");
    CSI_AUTO(certstore_bundle) *b = read_back(latin1, "\xc3\xbc");
    CSI_AUTO(certstore_bundle) *c = read_back(standard, "\xc3\xbc");
    assert_true(notes_say(a, "password-reading"));
    assert_true(notes_say(b, "password-reading"));
    assert_false(notes_say(c, "password-reading"));
    CSI_AUTO(csi_secret) *key = codec_key(codec_entry(a, "web"));
    CSI_AUTO(csi_secret) *same = codec_key(codec_entry(b, "web"));
    assert_true(csi_span_equal(csi_secret_span(key), csi_secret_span(same)));
}

/* ------------------------------------------------------------------------------------------------------------- BER */

/* Every constructed element with indefinite length, every OCTET STRING in segments of `piece` bytes. */
static void put_ber(struct csi_buf *out, struct csi_span der, size_t piece)
{
    static const uint8_t end[] = { 0, 0 };
    struct csi_reader r = csi_reader(der);
    struct csi_tlv tlv;
    while (csi_der_next(&r, &tlv)) {
        if (tlv.tag != CSI_DER_OCTET_STRING && (tlv.tag & 0x20) == 0) {
            csi_buf_put_span(out, tlv.whole);
            continue;
        }
        csi_buf_put_u8(out, (uint8_t)(tlv.tag | 0x20));
        csi_buf_put_u8(out, 0x80);
        if (tlv.tag != CSI_DER_OCTET_STRING)
            put_ber(out, tlv.content, piece);
        for (size_t at = 0; tlv.tag == CSI_DER_OCTET_STRING && at < tlv.content.size; at += piece) {
            size_t size = tlv.content.size - at < piece ? tlv.content.size - at : piece;
            csi_der_put(out, CSI_DER_OCTET_STRING, csi_span(tlv.content.data + at, size));
        }
        csi_buf_put(out, end, sizeof end);
    }
}

static void ber_with_segments_of_any_size_reads_as_its_der_does(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO(csi_blob) *file = sample("right", CSI_PROFILE_DEFAULT);
    CSI_AUTO(certstore_bundle) *from_der = read_back(file, "right");
    const size_t pieces[] = { 1, 7, 1000 };
    for (size_t i = 0; i < 3; i++) {
        CSI_AUTO_BUF out = { 0 };
        put_ber(&out, csi_blob_span(file), pieces[i]);
        CSI_AUTO(csi_blob) *ber = csi_blob_from_buf(&out, &err);
        CSI_AUTO(certstore_bundle) *bundle = read_back(ber, "right");
        assert_int_equal(bundle->integrity, CERTSTORE_INTEGRITY_VERIFIED);
        assert_int_equal(bundle->count, from_der->count);
        assert_true(codec_same_certs(codec_entry(bundle, "web"), codec_entry(from_der, "web")));
        CSI_AUTO(csi_blob) *same = codec_encode(&csi_codec_pkcs12, bundle, NULL, CSI_PROFILE_DEFAULT);
        assert_true(csi_span_equal(csi_blob_span(same), csi_blob_span(ber)));
        CSI_AUTO(csi_blob) *cut = csi_blob_new(ber->data, ber->size - 2, &err);
        assert_int_equal(status_of(cut, "right"), CERTSTORE_E_TRUNCATED);
    }
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO_BUF out = { 0 };
    for (size_t i = 0; i < 100000; i++) {
        csi_buf_put_u8(&out, CSI_DER_SEQUENCE);
        csi_buf_put_u8(&out, 0x80);
    }
    CSI_AUTO(csi_blob) *deep = csi_blob_from_buf(&out, &err);
    assert_int_equal(status_of(deep, NULL), CERTSTORE_E_LIMIT);
}

static void trailing_bytes_are_reported_and_kept(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO(csi_blob) *file = sample("right", CSI_PROFILE_DEFAULT);
    CSI_AUTO_BUF out = { 0 };
    csi_buf_put_span(&out, csi_blob_span(file));
    csi_buf_put_text(&out, "more");
    CSI_AUTO(csi_blob) *longer = csi_blob_from_buf(&out, &err);
    CSI_AUTO(csi_passwords) *passwords = codec_passwords("right", NULL);
    CSI_AUTO(certstore_bundle) *bundle = read_back(longer, "right");
    assert_true(notes_say(bundle, "trailing-bytes"));
    assert_int_equal(csi_bundle_rename(bundle, "root", "other", &err), CERTSTORE_OK);
    CSI_AUTO(csi_blob) *edited = codec_encode(&csi_codec_pkcs12, bundle, passwords, CSI_PROFILE_DEFAULT);
    assert_memory_equal(edited->data + edited->size - 4, "more", 4);
}

/* ---------------------------------------------------------------------------------------------------- bags by hand */

struct hand {
    struct csi_buf bags;
};

static void put_cert(struct hand *h, csi_blob *cert, const char *alias, const char *id)
{
    uint8_t oid[CSI_BAG_OID_SIZE];
    certstore_error err = { 0 };
    CSI_AUTO_BUF value = { 0 };
    const struct csi_bag_says says = { .alias = alias, .local_key_id = csi_span_text(id) };
    csi_bag_oid(CSI_BAG_OID_CERT, oid);
    csi_bag_put_typed(&value, csi_oid_x509_certificate, csi_blob_span(cert));
    assert_int_equal(csi_bag_put(&h->bags, csi_span(oid, sizeof oid), csi_buf_span(&value), &says, &err), CERTSTORE_OK);
}

static void put_key(struct hand *h, EVP_PKEY *key, const char *alias, const char *id, const char *password)
{
    uint8_t oid[CSI_BAG_OID_SIZE];
    certstore_error err = { 0 };
    CSI_AUTO(csi_blob) *pkcs8 = make_pkcs8(key);
    CSI_AUTO(csi_secret) *secret = csi_secret_new(password, strlen(password), &err);
    CSI_AUTO(csi_blob) *sealed = csi_pkcs8_seal(CSI_PKCS8_PBES2_AES256_SHA256, csi_blob_span(pkcs8), secret, 1, &err);
    const struct csi_bag_says says = { .alias = alias, .local_key_id = csi_span_text(id) };
    csi_bag_oid(CSI_BAG_OID_SHROUDED, oid);
    assert_int_equal(csi_bag_put(&h->bags, csi_span(oid, sizeof oid), csi_blob_span(sealed), &says, &err), CERTSTORE_OK);
}

static void put_data(struct csi_buf *buf)
{
    csi_der_wrap(buf, 0, CSI_DER_SEQUENCE);
    csi_der_wrap(buf, 0, CSI_DER_OCTET_STRING);
    csi_der_wrap(buf, 0, CSI_DER_CONTEXT_CONSTRUCTED | 0);
    CSI_AUTO_BUF whole = { 0 };
    csi_der_put(&whole, CSI_DER_OID, csi_oid_data);
    csi_buf_put_buf(&whole, buf);
    csi_der_wrap(&whole, 0, CSI_DER_SEQUENCE);
    buf->size = 0;
    csi_buf_put_buf(buf, &whole);
}

/* One safe in the clear, no MAC. */
static csi_blob *finish(struct hand *h)
{
    certstore_error err = { 0 };
    CSI_AUTO_BUF out = { 0 };
    put_data(&h->bags);
    put_data(&h->bags);
    csi_der_put_uint(&out, 3);
    csi_buf_put_buf(&out, &h->bags);
    csi_der_wrap(&out, 0, CSI_DER_SEQUENCE);
    csi_buf_free(&h->bags);
    return csi_blob_from_buf(&out, &err);
}

static csi_blob *issued(const char *subject, const char *issuer, EVP_PKEY *key)
{
    X509 *cert = make_cert(&(struct make_cert){ .subject = subject, .issuer = issuer, .key = key, .signer_key = key });
    csi_blob *der = make_der(cert);
    X509_free(cert);
    return der;
}

static void a_key_finds_its_certificate_by_id_then_public_key_then_name(void **state)
{
    (void)state;
    EVP_PKEY *one = make_key("EC:P-256", 11), *two = make_key("EC:P-256", 12), *three = make_key("EC:P-256", 13);
    CSI_AUTO(csi_blob) *a = issued("CN=a", "CN=x", one);
    CSI_AUTO(csi_blob) *b = issued("CN=b", "CN=x", two);
    CSI_AUTO(csi_blob) *c = issued("CN=c", "CN=x", three);
    struct hand h = { 0 };
    put_cert(&h, a, "first", "1");
    put_cert(&h, b, "something else", "");
    put_cert(&h, c, "THIRD", "");
    put_key(&h, one, NULL, "1", "pw");
    put_key(&h, two, "second", "", "pw");
    put_key(&h, three, "third", "", "another passphrase");
    CSI_AUTO(csi_blob) *file = finish(&h);
    CSI_AUTO(certstore_bundle) *bundle = read_back(file, "pw");
    assert_int_equal(bundle->count, 3);
    const certstore_entry *first = codec_entry(bundle, "first"); /* the key has no name: its certificate's */
    assert_int_equal(first->kind, CERTSTORE_KEY);
    assert_true(csi_span_equal(csi_span(first->certs[0].data, first->certs[0].size), csi_blob_span(a)));
    assert_int_equal(codec_entry(bundle, "second")->cert_count, 1);
    assert_int_equal(codec_entry(bundle, "third")->cert_count, 1);
}

static void certificates_that_name_each_other_as_issuer_make_a_chain_that_ends(void **state)
{
    (void)state;
    EVP_PKEY *key = make_key("EC:P-256", 11);
    CSI_AUTO(csi_blob) *leaf = issued("CN=leaf", "CN=a", key);
    CSI_AUTO(csi_blob) *a = issued("CN=a", "CN=b", make_key("EC:P-256", 12));
    CSI_AUTO(csi_blob) *b = issued("CN=b", "CN=a", make_key("EC:P-256", 13));
    struct hand h = { 0 };
    put_key(&h, key, "leaf", "1", "pw");
    put_cert(&h, leaf, NULL, "1");
    put_cert(&h, a, NULL, "");
    put_cert(&h, b, NULL, "");
    CSI_AUTO(csi_blob) *file = finish(&h);
    CSI_AUTO(certstore_bundle) *bundle = read_back(file, "pw");
    assert_int_equal(bundle->count, 1);
    assert_int_equal(codec_entry(bundle, "leaf")->cert_count, 3);
}

static void certificates_without_javas_attribute_are_trusted_for_nothing_said(void **state)
{
    (void)state;
    CSI_AUTO(csi_blob) *cert = issued("CN=plain", NULL, make_key("EC:P-256", 14));
    struct hand h = { 0 };
    put_cert(&h, cert, "same", "");
    put_cert(&h, cert, "SAME", "");
    put_cert(&h, cert, NULL, "");
    CSI_AUTO(csi_blob) *file = finish(&h);
    CSI_AUTO(certstore_bundle) *bundle = read_back(file, NULL);
    assert_int_equal(bundle->count, 3); /* clashing names are told apart, none is lost */
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(bundle->entries[i]->kind, CERTSTORE_TRUSTED);
        assert_int_equal(bundle->entries[i]->trust.trusted_count, 0);
        assert_int_equal(bundle->entries[i]->unnamed, i == 2);
    }
}

static void bags_of_unknown_kinds_are_carried_along(void **state)
{
    (void)state;
    static const uint8_t unknown[] = { 0x2a, 0x03, 0x04 };
    static const uint8_t value[] = { 0x04, 0x03, 'x', 'y', 'z' };
    certstore_error err = { 0 };
    struct hand h = { 0 };
    const struct csi_bag_says says = { .alias = "odd" };
    assert_int_equal(csi_bag_put(&h.bags, csi_span(unknown, sizeof unknown), csi_span(value, sizeof value), &says, &err), CERTSTORE_OK);
    CSI_AUTO(csi_blob) *cert = issued("CN=plain", NULL, make_key("EC:P-256", 14));
    put_cert(&h, cert, "plain", "");
    CSI_AUTO(csi_blob) *file = finish(&h);
    CSI_AUTO(certstore_bundle) *bundle = read_back(file, NULL);
    const certstore_entry *odd = codec_entry(bundle, "odd");
    assert_int_equal(odd->kind, CERTSTORE_OPAQUE);
    assert_string_equal(odd->type, "1.2.3.4");
    assert_int_equal(csi_bundle_remove(bundle, "plain", &err), CERTSTORE_OK);
    CSI_AUTO(csi_blob) *less = codec_encode(&csi_codec_pkcs12, bundle, NULL, CSI_PROFILE_DEFAULT);
    assert_non_null(memmem(less->data, less->size, odd->content->data, odd->content->size));
    /* and into another file, whole */
    CSI_AUTO(certstore_bundle) *other = csi_bundle_new("pkcs12", CSI_ALIAS_LOWER, &err);
    assert_int_equal(csi_bundle_put(other, odd, &err), CERTSTORE_OK);
    CSI_AUTO(csi_blob) *copied = codec_encode(&csi_codec_pkcs12, other, NULL, CSI_PROFILE_DEFAULT);
    assert_non_null(memmem(copied->data, copied->size, odd->content->data, odd->content->size));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_passphrase_is_not_tampering_and_tampering_is_no_wrong_passphrase),
        cmocka_unit_test(a_file_that_ends_early_is_truncated_wherever_it_is_cut),
        cmocka_unit_test(what_is_no_pkcs12_is_malformed),
        cmocka_unit_test(iterations_over_the_limit_are_refused_and_cost_nothing),
        cmocka_unit_test(pbmac1_without_a_sound_key_length_is_refused),
        cmocka_unit_test(an_unknown_digest_of_the_mac_is_named),
        cmocka_unit_test(without_a_passphrase_what_is_open_opens_unchecked),
        cmocka_unit_test(an_empty_passphrase_is_a_passphrase),
        cmocka_unit_test(other_readings_of_the_passphrase_are_tried_and_reported),
        cmocka_unit_test(ber_with_segments_of_any_size_reads_as_its_der_does),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(trailing_bytes_are_reported_and_kept),
        cmocka_unit_test(a_key_finds_its_certificate_by_id_then_public_key_then_name),
        cmocka_unit_test(certificates_that_name_each_other_as_issuer_make_a_chain_that_ends),
        cmocka_unit_test(certificates_without_javas_attribute_are_trusted_for_nothing_said),
        cmocka_unit_test(bags_of_unknown_kinds_are_carried_along),
    };
    return cmocka_run_group_tests_name("pkcs12 reading", tests, NULL, NULL);
}
