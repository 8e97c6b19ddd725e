/* SPDX-License-Identifier: Apache-2.0 */
/* test_pemdir.c: hashed directories: names as OpenSSL makes them, numbers without gaps, and no file touched that need not be. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/pem.h>

#include "codec/pemdir.h"
#include "support/make.h"

/* ------------------------------------------------------------------------------------------------------------- the hash */

static void assert_hash_equals_openssls(X509_NAME *name)
{
    unsigned char *der = NULL;
    const int size = i2d_X509_NAME(name, &der);
    int good = 0;
    const unsigned long expected = X509_NAME_hash_ex(name, NULL, NULL, &good);
    uint32_t hash = 0;
    assert_true(size > 0 && good);
    assert_true(csi_name_hash(csi_span(der, (size_t)size), &hash));
    assert_int_equal(hash, expected);
    OPENSSL_free(der);
}

static void names_of_every_string_type_blank_and_case_hash_as_openssl_hashes_them(void **state)
{
    (void)state;
    static const int types[] = { V_ASN1_UTF8STRING, V_ASN1_PRINTABLESTRING, V_ASN1_T61STRING,
                                 V_ASN1_IA5STRING,  V_ASN1_BMPSTRING,       V_ASN1_UNIVERSALSTRING };
    static const char *const values[] = {
        "Example", "  Leading and   inner  ", "\t tab\nand\r\nlines\v\f", "UPPER lower 123", "a", " ", "  ", "ends in blank ", "a.b-c'd(e)", "x  Y"
    };
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
            unsigned char wide[256];
            size_t size = 0;
            const size_t width = types[t] == V_ASN1_BMPSTRING ? 2 : types[t] == V_ASN1_UNIVERSALSTRING ? 4 : 1;
            for (const char *c = values[v]; *c != 0; c++) {
                memset(wide + size, 0, width);
                wide[size + width - 1] = (unsigned char)*c;
                size += width;
            }
            X509_NAME *name = X509_NAME_new();
            assert_true(X509_NAME_add_entry_by_NID(name, NID_organizationName, types[t], wide, (int)size, -1, 0));
            assert_true(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)"\xc3\x89t\xc3\xa9 \xe2\x98\xba", -1, -1, 0));
            assert_hash_equals_openssls(name);
            X509_NAME_free(name);
        }
    }
}

static void several_values_in_one_place_hash_in_der_order_whatever_order_they_came_in(void **state)
{
    (void)state;
    static const char *const values[] = { "Zebra", "apple", "Mango", "b", "aa" };
    for (int shift = 0; shift < 5; shift++) {
        X509_NAME *name = X509_NAME_new();
        assert_true(X509_NAME_add_entry_by_txt(name, "C", MBSTRING_ASC, (const unsigned char *)"DE", -1, -1, 0));
        for (int i = 0; i < 5; i++)
            assert_true(X509_NAME_add_entry_by_txt(name, i % 2 == 0 ? "OU" : "CN", MBSTRING_ASC, (const unsigned char *)values[(i + shift) % 5], -1,
                                                   -1, i == 0 ? 0 : -1));
        assert_hash_equals_openssls(name);
        X509_NAME_free(name);
    }
    X509_NAME *empty = X509_NAME_new();
    assert_hash_equals_openssls(empty);
    X509_NAME_free(empty);
}

static unsigned hash_pem_file(const char *path)
{
    BIO *bio = BIO_new_file(path, "r");
    unsigned count = 0;
    for (X509 *x509; bio != NULL && (x509 = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL)) != NULL; count++) {
        assert_hash_equals_openssls(X509_get_subject_name(x509));
        assert_hash_equals_openssls(X509_get_issuer_name(x509));
        X509_free(x509);
    }
    BIO_free(bio);
    return count;
}

static void the_systems_own_authorities_hash_as_openssl_hashes_them(void **state)
{
    (void)state;
    if (hash_pem_file("/etc/ssl/certs/ca-certificates.crt") == 0)
        skip();
}

static void names_of_slots_are_read_exactly(void **state)
{
    (void)state;
    struct csi_pemdir_slot slot;
    assert_true(csi_pemdir_parse_name("0a1b2c3d.0", &slot));
    assert_int_equal(slot.hash, 0x0a1b2c3d);
    assert_false(slot.crl);
    assert_true(csi_pemdir_parse_name("ffffffff.r12", &slot));
    assert_true(slot.crl);
    assert_int_equal(slot.number, 12);
    static const char *const others[] = { "",           "README",      "0a1b2c3d",    "0a1b2c3d.",
                                          "0a1b2c3d.r", "0A1B2C3D.0",  "0a1b2c3d.00", "0a1b2c3d.0.bak",
                                          "0a1b2c3.0",  "0a1b2c3dd.0", "ca.pem",      "0a1b2c3d.9999999" };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(csi_pemdir_parse_name(others[i], &slot));
}

/* -------------------------------------------------------------------------------------------------------- the directory */

struct directory {
    csi_parts *parts;
    certstore_error *err;
};
static void free_directory(struct directory *d)
{
    csi_parts_free(d->parts);
    certstore_error_free(d->err);
}
#define DIRECTORY __attribute__((cleanup(free_directory))) struct directory

static struct directory directory(void)
{
    struct directory d = { .err = certstore_error_new() };
    d.parts = csi_parts_new(d.err);
    return d;
}

static void add_file(struct directory *d, const char *name, const void *data, size_t size)
{
    CSI_AUTO(csi_blob) *bytes = csi_blob_new(data, size, d->err);
    assert_int_equal(csi_parts_add(d->parts, name, bytes, d->err), CERTSTORE_OK);
}

/* A certificate in a slot; number < 0: without its hash, under the name given. */
static void add_cert(struct directory *d, const csi_blob *der, const char *name)
{
    CSI_AUTO_BUF text = { 0 };
    csi_pem_write(&text, "CERTIFICATE", csi_blob_span(der));
    add_file(d, name, text.data, text.size);
}

static char *slot_name(const csi_blob *der, bool crl, unsigned number)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    uint32_t hash;
    assert_true(csi_pemdir_hash(csi_blob_span(der), crl, &hash));
    return csi_format(err, "%08x.%s%u", hash, crl ? "r" : "", number);
}

static certstore_bundle *decode(const struct directory *d)
{
    const struct csi_decode in = { .parts = d->parts, .limits = &csi_limits_default };
    certstore_bundle *bundle = csi_codec_pemdir.decode(&in, d->err);
    assert_non_null(bundle);
    return bundle;
}

static struct directory encode(const certstore_bundle *bundle)
{
    struct directory d = directory();
    const struct csi_encode in = { .part_count = 1, .limits = &csi_limits_default };
    assert_int_equal(csi_codec_pemdir.encode(bundle, &in, d.parts, d.err), CERTSTORE_OK);
    return d;
}

/* The certificate in a file of a directory, in PEM; NULL if there is no such file. */
static const csi_blob *file(const struct directory *d, const char *name)
{
    for (size_t i = 0; i < d->parts->count; i++)
        if (strcmp(d->parts->items[i].name, name) == 0)
            return d->parts->items[i].bytes;
    return NULL;
}

static bool file_is(const struct directory *d, const char *name, const csi_blob *der)
{
    CSI_AUTO_BUF text = { 0 };
    csi_pem_write(&text, "CERTIFICATE", csi_blob_span(der));
    const csi_blob *bytes = file(d, name);
    return bytes != NULL && csi_span_equal(csi_blob_span(bytes), csi_buf_span(&text));
}

/* Four authorities of one name: they share a hash. */
enum { CLASHING = 4 };
static csi_blob *clashing[CLASHING];
static char *slots[CLASHING];
static csi_blob *crl;
static char *crl_slot;

static int make_material(void **state)
{
    (void)state;
    for (int i = 0; i < CLASHING; i++) {
        X509 *x509 = make_cert(&(struct make_cert){ .subject = "CN=Clash", .key = make_key("EC:P-256", 20 + i), .ca = true });
        clashing[i] = make_der(x509);
        slots[i] = slot_name(clashing[i], false, (unsigned)i);
        if (i == 0) {
            crl = make_crl(x509, make_key("EC:P-256", 20));
            crl_slot = slot_name(crl, true, 0);
        }
        X509_free(x509);
    }
    return 0;
}

static int free_material(void **state)
{
    (void)state;
    for (int i = 0; i < CLASHING; i++) {
        csi_blob_free(clashing[i]);
        free(slots[i]);
    }
    csi_blob_free(crl);
    free(crl_slot);
    return 0;
}

static void remove_holder(certstore_bundle *bundle, const csi_blob *der)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    for (size_t i = 0; i < bundle->count; i++) {
        const struct certstore_cert *cert = bundle->entries[i]->certs;
        if (cert == NULL || !csi_span_equal(csi_span(cert->data, cert->size), csi_blob_span(der)))
            continue;
        CSI_AUTO(csi_chars) *alias = strdup(bundle->entries[i]->alias);
        assert_int_equal(csi_bundle_remove(bundle, alias, err), CERTSTORE_OK);
        return;
    }
    fail();
}

static void put(certstore_bundle *bundle, certstore_entry *taken)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    CSI_AUTO(certstore_entry) *entry = taken;
    assert_int_equal(csi_bundle_put(bundle, entry, err), CERTSTORE_OK);
}

static void removing_the_first_of_a_hash_closes_the_gap_with_one_move(void **state)
{
    (void)state;
    DIRECTORY d = directory();
    for (int i = 0; i < 3; i++)
        add_cert(&d, clashing[i], slots[i]);
    CSI_AUTO(certstore_bundle) *bundle = decode(&d);
    assert_int_equal(bundle->count, 3);
    remove_holder(bundle, clashing[0]);
    DIRECTORY after = encode(bundle);
    assert_int_equal(after.parts->count, 2);
    assert_true(file_is(&after, slots[1], clashing[1])); /* keeps its name */
    assert_true(file_is(&after, slots[0], clashing[2])); /* fills the gap */
}

static void new_entries_of_one_hash_are_numbered_by_fingerprint_behind_what_is_there(void **state)
{
    (void)state;
    for (int order = 0; order < 2; order++) {
        DIRECTORY d = directory();
        add_cert(&d, clashing[0], slots[0]);
        CSI_AUTO(certstore_bundle) *bundle = decode(&d);
        for (int i = 1; i < CLASHING; i++) {
            const int which = order == 0 ? i : CLASHING - i;
            char alias[16];
            snprintf(alias, sizeof alias, "new-%d", which);
            put(bundle, make_trusted(alias, clashing[which]));
        }
        DIRECTORY after = encode(bundle);
        assert_int_equal(after.parts->count, CLASHING);
        assert_true(file_is(&after, slots[0], clashing[0]));
        uint8_t last[32] = { 0 }, digest[32];
        for (int i = 1; i < CLASHING; i++) {
            int which = 1;
            while (which < CLASHING && !file_is(&after, slots[i], clashing[which]))
                which++;
            assert_true(which < CLASHING);
            csi_sha256(csi_blob_span(clashing[which]), digest);
            assert_true(memcmp(last, digest, sizeof digest) < 0);
            memcpy(last, digest, sizeof last);
        }
    }
}

static void foreign_files_are_handed_through_and_stale_links_go_with_the_next_change(void **state)
{
    (void)state;
    DIRECTORY d = directory();
    add_file(&d, "README", "hands off", 9);
    add_cert(&d, clashing[0], "clash.pem"); /* what a link pointed to: not ours to remove */
    add_cert(&d, clashing[0], slots[0]);
    add_file(&d, "00000000.0", "", 0);
    CSI_AUTO(certstore_bundle) *bundle = decode(&d);
    assert_int_equal(bundle->count, 1);
    assert_int_equal(bundle->notes->count, 1);
    assert_string_equal(bundle->notes->rows[0].code, "dir-stale");
    DIRECTORY same = encode(bundle);
    assert_int_equal(same.parts->count, 4);
    put(bundle, make_trusted("new", clashing[1]));
    DIRECTORY after = encode(bundle);
    assert_int_equal(after.parts->count, 4);
    assert_null(file(&after, "00000000.0"));
    assert_true(csi_span_equal(csi_blob_span(file(&after, "README")), csi_span_text("hands off")));
    assert_true(file_is(&after, "clash.pem", clashing[0]));
    assert_true(file_is(&after, slots[1], clashing[1]));
}

static void a_duplicate_is_one_entry_and_goes_with_it(void **state)
{
    (void)state;
    DIRECTORY d = directory();
    add_cert(&d, clashing[0], slots[0]);
    add_cert(&d, clashing[0], slots[1]);
    add_cert(&d, clashing[1], slots[2]);
    CSI_AUTO(certstore_bundle) *bundle = decode(&d);
    assert_int_equal(bundle->count, 2);
    assert_string_equal(bundle->notes->rows[0].code, "dir-duplicate");
    remove_holder(bundle, clashing[0]);
    DIRECTORY after = encode(bundle);
    assert_int_equal(after.parts->count, 1);
    assert_true(file_is(&after, slots[0], clashing[1]));
}

static void a_file_that_cannot_be_read_is_a_finding_and_keeps_its_place(void **state)
{
    (void)state;
    DIRECTORY d = directory();
    add_file(&d, slots[0], "-----BEGIN CERTIFICATE-----\n", 28);
    add_cert(&d, clashing[1], slots[1]);
    add_cert(&d, clashing[2], "12345678.0");
    CSI_AUTO(certstore_bundle) *bundle = decode(&d);
    assert_int_equal(bundle->count, 2);
    assert_string_equal(bundle->notes->rows[0].code, "dir-unreadable");
    assert_string_equal(bundle->notes->rows[1].code, "dir-misnamed");
    put(bundle, make_trusted("new", clashing[3]));
    DIRECTORY after = encode(bundle);
    assert_int_equal(file(&after, slots[0])->size, 28);
    assert_true(file_is(&after, slots[1], clashing[1]));
    assert_true(file_is(&after, slots[2], clashing[3]));
    assert_true(file_is(&after, "12345678.0", clashing[2]));
}

static void a_crl_stands_under_its_issuers_hash_with_numbers_of_its_own(void **state)
{
    (void)state;
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    CSI_AUTO(certstore_bundle) *bundle = csi_bundle_new("pemdir", CSI_ALIAS_EXACT, err);
    put(bundle, make_trusted("ca", clashing[0]));
    certstore_entry *entry = csi_entry_new(CERTSTORE_CRL, "crl", err);
    entry->content = csi_blob_ref(crl);
    put(bundle, entry);
    DIRECTORY d = encode(bundle);
    assert_int_equal(d.parts->count, 2);
    assert_true(file_is(&d, slots[0], clashing[0]));
    assert_non_null(file(&d, crl_slot));
    CSI_AUTO(certstore_bundle) *again = decode(&d);
    assert_int_equal(again->count, 2);
    assert_int_equal(again->notes->count, 0);
    assert_int_equal(again->entries[0]->kind + again->entries[1]->kind, CERTSTORE_TRUSTED + CERTSTORE_CRL);
}

static void changing_what_a_certificate_is_trusted_for_rewrites_its_file_and_no_other(void **state)
{
    (void)state;
    DIRECTORY d = directory();
    add_cert(&d, clashing[0], slots[0]);
    add_cert(&d, clashing[1], slots[1]);
    CSI_AUTO(certstore_bundle) *bundle = decode(&d);
    CSI_AUTO(certstore_entry) *entry = csi_entry_copy(bundle->entries[0], d.err);
    assert_int_equal(csi_entry_add_trust(entry, "serverAuth", false, d.err), CERTSTORE_OK);
    assert_int_equal(csi_bundle_put(bundle, entry, d.err), CERTSTORE_OK);
    DIRECTORY after = encode(bundle);
    assert_int_equal(after.parts->count, 2);
    assert_memory_equal(file(&after, slots[0])->data, "-----BEGIN TRUSTED CERTIFICATE-----", 35);
    assert_true(file_is(&after, slots[1], clashing[1]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_every_string_type_blank_and_case_hash_as_openssl_hashes_them),
        cmocka_unit_test(several_values_in_one_place_hash_in_der_order_whatever_order_they_came_in),
        cmocka_unit_test(the_systems_own_authorities_hash_as_openssl_hashes_them),
        cmocka_unit_test(names_of_slots_are_read_exactly),
        cmocka_unit_test(removing_the_first_of_a_hash_closes_the_gap_with_one_move),
        cmocka_unit_test(new_entries_of_one_hash_are_numbered_by_fingerprint_behind_what_is_there),
        cmocka_unit_test(foreign_files_are_handed_through_and_stale_links_go_with_the_next_change),
        cmocka_unit_test(a_duplicate_is_one_entry_and_goes_with_it),
        cmocka_unit_test(a_file_that_cannot_be_read_is_a_finding_and_keeps_its_place),
        cmocka_unit_test(a_crl_stands_under_its_issuers_hash_with_numbers_of_its_own),
        cmocka_unit_test(changing_what_a_certificate_is_trusted_for_rewrites_its_file_and_no_other),
    };
    return cmocka_run_group_tests_name("hashed directory", tests, make_material, free_material);
}
