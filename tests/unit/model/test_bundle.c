/* SPDX-License-Identifier: Apache-2.0 */
/* test_bundle.c: a bundle knows exactly what differs from what was read, and stays fast when it is large. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "model/bundle.h"
#include "support/make.h"

static void leave(csi_document *document)
{
    (void)document;
}

/* A document that outlives the tests: what a codec would have read. */
static csi_document document = { .destroy = leave, .refs = 1 };

static csi_blob *cert_of(int number)
{
    X509 *x = make_cert(&(struct make_cert){ .subject = "CN=a.example", .key = make_key("ED25519", number) });
    csi_blob *der = make_der(x);
    X509_free(x);
    return der;
}

/* A bundle "read" with the aliases named, all with one certificate. */
static certstore_bundle *read_bundle(enum csi_alias_rule rule, const char *const *aliases, size_t count)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_blob) *cert = cert_of(1);
    certstore_bundle *bundle = csi_bundle_new("test", rule, &err);
    assert_non_null(bundle);
    bundle->document = csi_document_ref(&document);
    for (size_t i = 0; i < count; i++) {
        certstore_entry *entry = make_trusted(aliases[i], cert);
        entry->created_ms = 1000;
        assert_int_equal(csi_entry_add_trust(entry, "serverAuth", false, &err), CERTSTORE_OK);
        csi_entry_set_origin(entry, &document, i);
        assert_int_equal(csi_bundle_append(bundle, entry, false, &err), CERTSTORE_OK);
    }
    assert_true(csi_bundle_pristine(bundle));
    return bundle;
}

static const char *const three[] = { "one", "two", "three" };

static unsigned changed_of(const certstore_bundle *bundle, const char *alias)
{
    return bundle->entries[csi_bundle_position(bundle, alias)]->origin.changed;
}

static void putting_an_equal_entry_leaves_the_bundle_pristine(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO(certstore_bundle) *bundle = read_bundle(CSI_ALIAS_EXACT, three, 3);
    CSI_AUTO(certstore_entry) *copy = csi_entry_copy(bundle->entries[1], &err);
    assert_int_equal(csi_bundle_put(bundle, copy, &err), CERTSTORE_OK);
    assert_true(csi_bundle_pristine(bundle));
    CSI_AUTO(certstore_entry) *made = make_trusted("two", bundle->entries[1]->certs[0].owner);
    assert_int_equal(csi_bundle_put(bundle, made, &err), CERTSTORE_OK); /* says nothing of date and trust: changes neither */
    assert_true(csi_bundle_pristine(bundle));
    assert_int_equal(bundle->entries[1]->created_ms, 1000);
}

static void only_what_differs_is_marked_and_going_back_unmarks_it(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO(certstore_bundle) *bundle = read_bundle(CSI_ALIAS_EXACT, three, 3);
    CSI_AUTO(certstore_bundle) *before = csi_bundle_copy(bundle, &err);
    CSI_AUTO(certstore_entry) *copy = csi_entry_copy(bundle->entries[1], &err);
    assert_int_equal(csi_entry_add_trust(copy, "clientAuth", false, &err), CERTSTORE_OK);
    assert_int_equal(csi_bundle_put(bundle, copy, &err), CERTSTORE_OK);
    assert_int_equal(changed_of(bundle, "two"), CSI_CHANGED_TRUST);
    assert_int_equal(bundle->entries[1]->origin.index, 1);
    assert_false(csi_bundle_pristine(bundle));
    assert_int_equal(csi_bundle_put(bundle, before->entries[1], &err), CERTSTORE_OK);
    assert_true(csi_bundle_pristine(bundle));
    assert_int_equal(csi_bundle_rename(bundle, "two", "zwei", &err), CERTSTORE_OK);
    assert_int_equal(changed_of(bundle, "zwei"), CSI_CHANGED_ALIAS);
    assert_int_equal(csi_bundle_position(bundle, "zwei"), 1);
    assert_int_equal(csi_bundle_position(bundle, "two"), SIZE_MAX);
    assert_int_equal(csi_bundle_rename(bundle, "zwei", "two", &err), CERTSTORE_OK);
    assert_true(csi_bundle_pristine(bundle));
    assert_true(csi_bundle_pristine(before));
}

static void another_certificate_is_another_entry_in_the_same_place(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO(certstore_bundle) *bundle = read_bundle(CSI_ALIAS_LOWER, three, 3);
    CSI_AUTO(csi_blob) *other = cert_of(2);
    CSI_AUTO(certstore_entry) *entry = make_trusted("TWO", other);
    assert_int_equal(csi_bundle_put(bundle, entry, &err), CERTSTORE_OK);
    assert_int_equal(bundle->count, 3);
    assert_int_equal(changed_of(bundle, "two"), CSI_CHANGED_ALL);
    assert_string_equal(bundle->entries[1]->alias, "TWO");
    assert_false(entry->frozen);
}

static void a_new_chain_for_the_same_key_leaves_the_key_unmarked(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    struct make_chain chain = make_chain("web.example", "EC:P-256", 1);
    struct make_chain renewed = make_chain("web.example", "EC:P-256", 1);
    struct make_chain rekeyed = make_chain("web.example", "EC:P-256", 2);
    CSI_AUTO(certstore_bundle) *bundle = read_bundle(CSI_ALIAS_EXACT, three, 3);
    certstore_entry *identity = make_identity("web", &chain);
    csi_entry_set_origin(identity, &document, 3);
    assert_int_equal(csi_bundle_append(bundle, identity, false, &err), CERTSTORE_OK);
    CSI_AUTO(certstore_entry) *same_key = make_identity("web", &renewed);
    assert_int_equal(csi_bundle_put(bundle, same_key, &err), CERTSTORE_OK);
    assert_int_equal(changed_of(bundle, "web"), CSI_CHANGED_CERTS);
    CSI_AUTO(certstore_entry) *other_key = make_identity("web", &rekeyed);
    assert_int_equal(csi_bundle_put(bundle, other_key, &err), CERTSTORE_OK);
    assert_int_equal(changed_of(bundle, "web"), CSI_CHANGED_ALL);
    CSI_AUTO(certstore_entry) *again = make_identity("web", &chain);
    assert_int_equal(csi_bundle_put(bundle, again, &err), CERTSTORE_OK);
    assert_true(csi_bundle_pristine(bundle));
    make_chain_free(&chain);
    make_chain_free(&renewed);
    make_chain_free(&rekeyed);
}

static void an_entry_removed_and_put_back_keeps_its_origin_but_a_second_copy_gets_none(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO(certstore_bundle) *bundle = read_bundle(CSI_ALIAS_EXACT, three, 3);
    CSI_AUTO(certstore_entry) *copy = csi_entry_copy(bundle->entries[0], &err);
    assert_int_equal(csi_bundle_remove(bundle, "one", &err), CERTSTORE_OK);
    assert_int_equal(csi_entry_set_alias(copy, "uno", &err), CERTSTORE_OK);
    assert_int_equal(csi_bundle_put(bundle, copy, &err), CERTSTORE_OK);
    assert_string_equal(bundle->entries[2]->alias, "uno");
    assert_ptr_equal(bundle->entries[2]->origin.document, &document);
    assert_int_equal(bundle->entries[2]->origin.index, 0);
    assert_int_equal(changed_of(bundle, "uno"), CSI_CHANGED_ALIAS);
    assert_false(csi_bundle_pristine(bundle));
    assert_int_equal(csi_entry_set_alias(copy, "eins", &err), CERTSTORE_OK);
    assert_int_equal(csi_bundle_put(bundle, copy, &err), CERTSTORE_OK);
    assert_null(bundle->entries[3]->origin.document);
}

static void one_removed_and_another_added_is_not_pristine(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO(certstore_bundle) *bundle = read_bundle(CSI_ALIAS_EXACT, three, 3);
    CSI_AUTO(csi_blob) *cert = cert_of(2);
    CSI_AUTO(certstore_entry) *entry = make_trusted("four", cert);
    assert_int_equal(csi_bundle_remove(bundle, "two", &err), CERTSTORE_OK);
    assert_int_equal(csi_bundle_put(bundle, entry, &err), CERTSTORE_OK);
    assert_int_equal(bundle->count, 3);
    assert_false(csi_bundle_pristine(bundle));
    assert_int_equal(csi_bundle_position(bundle, "three"), 1);
}

static void failures_name_what_is_missing_and_change_nothing(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO(certstore_bundle) *bundle = read_bundle(CSI_ALIAS_LOWER, three, 3);
    assert_int_equal(csi_bundle_remove(bundle, "four", &err), CERTSTORE_E_NOT_FOUND);
    certstore_error_clear(&err);
    assert_int_equal(csi_bundle_rename(bundle, "four", "five", &err), CERTSTORE_E_NOT_FOUND);
    certstore_error_clear(&err);
    assert_int_equal(csi_bundle_rename(bundle, "one", "THREE", &err), CERTSTORE_E_EXISTS);
    certstore_error_clear(&err);
    assert_int_equal(csi_bundle_rename(bundle, "one", "", &err), CERTSTORE_E_ARGUMENT);
    certstore_error_clear(&err);
    assert_int_equal(csi_bundle_rename(bundle, "one", "\xff", &err), CERTSTORE_E_ARGUMENT);
    assert_true(csi_bundle_pristine(bundle));
    certstore_error_clear(&err);
    assert_int_equal(csi_bundle_rename(bundle, "one", "ONE", &err), CERTSTORE_OK);
    assert_int_equal(csi_bundle_position(bundle, "one"), 0);
}

static void an_entry_in_a_bundle_is_shared_and_a_copy_may_be_changed(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO(certstore_bundle) *bundle = read_bundle(CSI_ALIAS_EXACT, three, 3);
    CSI_AUTO(certstore_bundle) *copy = csi_bundle_copy(bundle, &err);
    assert_ptr_equal(bundle->entries[2], copy->entries[2]);
    assert_true(bundle->entries[2]->frozen);
    assert_int_equal(csi_bundle_remove(copy, "one", &err), CERTSTORE_OK);
    assert_int_equal(bundle->count, 3);
    assert_int_equal(csi_bundle_position(bundle, "one"), 0);
    assert_int_equal(csi_bundle_position(copy, "three"), 1);
    assert_true(csi_bundle_pristine(bundle));
    assert_false(csi_bundle_pristine(copy));
}

static double seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Bounds a quadratic bundle would miss a hundredfold, and a sanitizer's tenfold does not. */
static void a_hundred_thousand_entries_are_added_found_renamed_and_removed_in_linear_time(void **state)
{
    (void)state;
    enum { MANY = 100000, SAME = 20000 };
    certstore_error err = { 0 };
    CSI_AUTO(csi_blob) *cert = cert_of(1);
    CSI_AUTO(certstore_bundle) *bundle = csi_bundle_new("test", CSI_ALIAS_LOWER, &err);
    char alias[32];
    double began = seconds();
    for (int i = 0; i < MANY; i++) {
        snprintf(alias, sizeof alias, i % 2 == 0 ? "Entry-%d" : "\xc3\x9c-%d", i);
        assert_int_equal(csi_bundle_append(bundle, make_trusted(alias, cert), true, &err), CERTSTORE_OK);
    }
    for (int i = 0; i < SAME; i++) /* many of one name */
        assert_int_equal(csi_bundle_append(bundle, make_trusted("same", cert), true, &err), CERTSTORE_OK);
    assert_int_equal(bundle->count, MANY + SAME);
    for (int i = 0; i < MANY; i += 2) {
        snprintf(alias, sizeof alias, "ENTRY-%d", i);
        assert_int_equal(csi_bundle_position(bundle, alias), i);
    }
    for (int i = 0; i < MANY; i++) { /* from both ends and the middle */
        size_t at = i % 3 == 0 ? 0 : i % 3 == 1 ? bundle->count - 1 : bundle->count / 2;
        CSI_AUTO(csi_chars) *name = csi_strdup(bundle->entries[at]->alias, &err);
        assert_int_equal(csi_bundle_remove(bundle, name, &err), CERTSTORE_OK);
        assert_int_equal(csi_bundle_position(bundle, name), SIZE_MAX);
    }
    assert_int_equal(bundle->count, SAME);
    for (size_t i = 0; i < bundle->count; i += 97)
        assert_int_equal(csi_bundle_position(bundle, bundle->entries[i]->alias), i);
    double took = seconds() - began;
    print_message("# 120,000 entries: %.2f s\n", took);
    assert_true(took < 30);
}

static void aliases_made_up_for_certificates_are_readable(void **state)
{
    (void)state;
    static const struct {
        const char *subject;
        const char *alias;
    } cases[] = {
        { "CN=ISRG Root X1,O=Internet Security Research Group", "isrg-root-x1" },
        { "CN=*.example.com", "*.example.com" },
        { "OU=Class 3 (old),O=Example", "class-3-old" },
        { "C=DE", "certificate" },
        { "CN=M\xc3\x9cNCHEN", "m\xc3\xbcnchen" },
    };
    certstore_error err = { 0 };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        X509 *x = make_cert(&(struct make_cert){ .subject = cases[i].subject, .key = make_key("ED25519", 1) });
        CSI_AUTO(csi_blob) *der = make_der(x);
        X509_free(x);
        CSI_AUTO(csi_chars) *alias = csi_alias_for_cert(csi_blob_span(der), &err);
        assert_string_equal(alias, cases[i].alias);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(putting_an_equal_entry_leaves_the_bundle_pristine),
        cmocka_unit_test(only_what_differs_is_marked_and_going_back_unmarks_it),
        cmocka_unit_test(another_certificate_is_another_entry_in_the_same_place),
        cmocka_unit_test(a_new_chain_for_the_same_key_leaves_the_key_unmarked),
        cmocka_unit_test(an_entry_removed_and_put_back_keeps_its_origin_but_a_second_copy_gets_none),
        cmocka_unit_test(one_removed_and_another_added_is_not_pristine),
        cmocka_unit_test(failures_name_what_is_missing_and_change_nothing),
        cmocka_unit_test(an_entry_in_a_bundle_is_shared_and_a_copy_may_be_changed),
        cmocka_unit_test(a_hundred_thousand_entries_are_added_found_renamed_and_removed_in_linear_time),
        cmocka_unit_test(aliases_made_up_for_certificates_are_readable),
    };
    return cmocka_run_group_tests_name("bundle", tests, NULL, NULL);
}
