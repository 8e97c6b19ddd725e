/* SPDX-License-Identifier: Apache-2.0 */
/* test_pem.c: PEM stores: what becomes of text, order and entries when a bundle is read, edited and written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>

#include "support/pemstore.h"

static void a_key_and_the_certificate_of_its_public_key_are_one_entry_with_the_chain_in_order(void **state)
{
    (void)state;
    TEXT text = pem_join(pem.root, pem.intermediate, pem.key, pem.leaf); /* upside down */
    STORE s = pem_open(text, NULL, NULL);
    assert_int_equal(s.bundle->count, 1);
    const certstore_entry *entry = s.bundle->entries[0];
    assert_int_equal(entry->kind, CERTSTORE_KEY);
    assert_int_equal(entry->cert_count, 3);
    const csi_blob *const chain[] = { pem.web.leaf, pem.web.intermediate, pem.web.root };
    for (size_t i = 0; i < 3; i++)
        assert_true(csi_span_equal(csi_span(entry->certs[i].data, entry->certs[i].size), csi_blob_span(chain[i])));
    TEXTS out = pem_encode(&s, 1);
    assert_string_equal(out.part[0], text);
}

static void certificates_outside_a_chain_are_trusted_and_the_same_one_twice_is_two_entries(void **state)
{
    (void)state;
    TEXT text = pem_join(pem.leaf, pem.key, pem.leaf, pem.other_leaf);
    STORE s = pem_open(text, NULL, NULL);
    assert_int_equal(s.bundle->count, 3);
    assert_int_equal(s.bundle->entries[0]->kind, CERTSTORE_KEY);
    assert_int_equal(s.bundle->entries[1]->kind, CERTSTORE_TRUSTED);
    assert_int_equal(s.bundle->entries[2]->kind, CERTSTORE_TRUSTED);
    assert_true(s.bundle->entries[1]->unnamed);
    assert_string_not_equal(s.bundle->entries[0]->alias, s.bundle->entries[1]->alias);
}

static void header_comments_order_and_line_ends_stay_when_a_block_in_the_middle_goes(void **state)
{
    (void)state;
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    static const char header[] = "\xef\xbb\xbf# our roots, kept by hand\r\n\r\n";
    TEXT before = csi_format(err, "%s# web\r\n%s\r\n# intermediate: old\r\n# second line\r\n%s\r\n\t# root\n   %s   trailing words", header, pem.leaf,
                             pem.intermediate, pem.root);
    TEXT after = csi_format(err, "%s# web\r\n%s\r\n\r\n\t# root\n   %s   trailing words", header, pem.leaf, pem.root);
    STORE s = pem_open(before, NULL, NULL);
    assert_int_equal(s.bundle->count, 3);
    pem_remove(&s, 1);
    TEXTS out = pem_encode(&s, 1);
    assert_string_equal(out.part[0], after);
}

static void the_header_of_the_file_stays_when_the_first_block_goes(void **state)
{
    (void)state;
    TEXT text = pem_join("# kept by hand\n", pem.leaf, pem.root, "");
    STORE s = pem_open(text, NULL, NULL);
    pem_remove(&s, 0);
    TEXTS out = pem_encode(&s, 1);
    TEXT expected = pem_join("# kept by hand\n", pem.root, "", "");
    assert_string_equal(out.part[0], expected);
    TEXT bag = pem_join("Bag Attributes\n    friendlyName: Web Server\n", pem.leaf, pem.root, "");
    STORE named = pem_open(bag, NULL, NULL);
    assert_string_equal(named.bundle->entries[0]->alias, "Web Server");
    assert_false(named.bundle->entries[0]->unnamed);
    pem_remove(&named, 0);
    TEXTS rest = pem_encode(&named, 1);
    assert_string_equal(rest.part[0], pem.root);
}

static void a_new_entry_comes_behind_a_text_whose_last_newline_was_missing(void **state)
{
    (void)state;
    TEXT text = strdup(pem.leaf);
    text[strlen(text) - 1] = '\0';
    STORE s = pem_open(text, NULL, NULL);
    pem_put(&s, make_trusted("another", pem.other.root));
    TEXTS out = pem_encode(&s, 1);
    TEXT block = pem_block("CERTIFICATE", pem.other.root);
    TEXT expected = pem_join(pem.leaf, block, "", "");
    assert_string_equal(out.part[0], expected);
}

static void blocks_on_one_line_are_told_apart_when_one_is_replaced(void **state)
{
    (void)state;
    TEXT text = pem_join(pem.leaf, pem.root, "", "");
    memmove(text + strlen(pem.leaf) - 1, text + strlen(pem.leaf), strlen(pem.root) + 1); /* -----END CERTIFICATE----------BEGIN */
    STORE s = pem_open(text, NULL, NULL);
    assert_int_equal(s.bundle->count, 2);
    pem_put(&s, make_trusted(s.bundle->entries[1]->alias, pem.other.root));
    TEXTS out = pem_encode(&s, 1);
    TEXT block = pem_block("CERTIFICATE", pem.other.root);
    TEXT expected = pem_join(pem.leaf, block, "", "");
    assert_string_equal(out.part[0], expected);
}

static void words_behind_the_dashes_of_an_end_stay_there(void **state)
{
    (void)state;
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    TEXT text = csi_format(err, "%.*s words\n%s%s", (int)strlen(pem.leaf) - 1, pem.leaf, pem.root, pem.other_leaf);
    STORE s = pem_open(text, NULL, NULL);
    assert_int_equal(s.bundle->count, 3);
    TEXTS same = pem_encode(&s, 1);
    assert_string_equal(same.part[0], text);
    pem_remove(&s, 2);
    TEXTS out = pem_encode(&s, 1);
    TEXT expected = csi_format(err, "%.*s words\n%s", (int)strlen(pem.leaf) - 1, pem.leaf, pem.root);
    assert_string_equal(out.part[0], expected);
}

static void a_new_identity_takes_the_place_of_the_only_one_whatever_its_alias(void **state)
{
    (void)state;
    TEXT text = pem_join("# tls\n\n", pem.leaf, pem.intermediate, pem.key);
    STORE s = pem_open(text, NULL, NULL);
    pem_remove(&s, 0);
    pem_put(&s, make_identity("quite-another-name", &pem.other));
    TEXTS out = pem_encode(&s, 1);
    TEXT other_intermediate = pem_block("CERTIFICATE", pem.other.intermediate);
    STORE again = pem_open(out.part[0], NULL, NULL);
    assert_int_equal(again.bundle->count, 1);
    assert_true(
        csi_span_equal(csi_blob_span(pem.other.leaf), csi_span(again.bundle->entries[0]->certs[0].data, again.bundle->entries[0]->certs[0].size)));
    assert_memory_equal(out.part[0], "# tls\n\n", 7);
    assert_memory_equal(out.part[0] + 7, pem.other_leaf, strlen(pem.other_leaf));
    assert_memory_equal(out.part[0] + 7 + strlen(pem.other_leaf), other_intermediate, strlen(other_intermediate));
    assert_string_equal(out.part[0] + strlen(out.part[0]) - strlen(pem.other_key), pem.other_key);
}

static void made_from_nothing_an_identity_is_leaf_chain_key_in_one_file_or_two(void **state)
{
    (void)state;
    STORE s = pem_open("", NULL, NULL);
    assert_int_equal(s.bundle->count, 0);
    pem_put(&s, make_identity("web", &pem.web));
    TEXTS one = pem_encode(&s, 1);
    TEXT certs = pem_join(pem.leaf, pem.intermediate, "", "");
    TEXT all = pem_join(certs, pem.key, "", "");
    TEXT all_with_root = pem_join(certs, pem.root, pem.key, "");
    assert_true(strcmp(one.part[0], all) == 0 || strcmp(one.part[0], all_with_root) == 0);
    TEXTS two = pem_encode(&s, 2);
    assert_int_equal(strncmp(two.part[0], certs, strlen(certs)), 0);
    assert_null(strstr(two.part[0], "PRIVATE KEY"));
    assert_string_equal(two.part[1], pem.key);
}

static void two_files_are_one_identity_and_each_keeps_its_bytes(void **state)
{
    (void)state;
    TEXT certs = pem_join("# chain\n", pem.leaf, pem.intermediate, "\n# end\n");
    TEXT secret = pem_join("# key\n\n", pem.key, "", "");
    STORE s = pem_open(certs, secret, NULL);
    assert_int_equal(s.bundle->count, 1);
    assert_int_equal(s.bundle->entries[0]->cert_count, 2);
    TEXTS out = pem_encode(&s, 2);
    assert_string_equal(out.part[0], certs);
    assert_string_equal(out.part[1], secret);
    pem_put(&s, make_identity(s.bundle->entries[0]->alias, &pem.other));
    TEXTS changed = pem_encode(&s, 2);
    assert_memory_equal(changed.part[0], "# chain\n", 8);
    assert_non_null(strstr(changed.part[0], "\n# end\n"));
    TEXT wanted = pem_join("# key\n\n", pem.other_key, "", "");
    assert_string_equal(changed.part[1], wanted);
}

static void a_friendly_name_follows_its_entry_when_that_is_renamed(void **state)
{
    (void)state;
    TEXT text = pem_join("Bag Attributes\n    friendlyName: web\n    localKeyID: 01 \nsubject=CN = x\n", pem.leaf, "", "");
    STORE s = pem_open(text, NULL, NULL);
    assert_int_equal(csi_bundle_rename(s.bundle, "web", "web 2", s.err), CERTSTORE_OK);
    TEXTS out = pem_encode(&s, 1);
    TEXT expected = pem_join("Bag Attributes\n    friendlyName: web 2\n    localKeyID: 01 \nsubject=CN = x\n", pem.leaf, "", "");
    assert_string_equal(out.part[0], expected);
}

/* A degenerate SignedData, as openssl crl2pkcs7 makes it. */
static char *pkcs7_of(const csi_blob *const *certs, size_t count)
{
    PKCS7 *p7 = PKCS7_new();
    assert_true(PKCS7_set_type(p7, NID_pkcs7_signed) && PKCS7_content_new(p7, NID_pkcs7_data));
    for (size_t i = 0; i < count; i++) {
        const unsigned char *at = certs[i]->data;
        X509 *x509 = d2i_X509(NULL, &at, (long)certs[i]->size);
        assert_true(PKCS7_add_certificate(p7, x509));
        X509_free(x509);
    }
    BIO *bio = BIO_new(BIO_s_mem());
    assert_true(PEM_write_bio_PKCS7(bio, p7));
    PKCS7_free(p7);
    return pem_bio_text(bio);
}

static void certificates_within_pkcs7_are_entries_and_losing_one_writes_the_others_as_blocks(void **state)
{
    (void)state;
    const csi_blob *const certs[] = { pem.web.leaf, pem.web.intermediate, pem.web.root };
    TEXT block = pkcs7_of(certs, 3);
    TEXT text = pem_join("# p7\n\n", block, pem.other_leaf, "");
    STORE s = pem_open(text, NULL, NULL);
    assert_int_equal(s.bundle->count, 4);
    assert_string_equal(s.bundle->notes->rows[0].code, "pem-cms");
    TEXTS same = pem_encode(&s, 1);
    assert_string_equal(same.part[0], text);
    pem_remove(&s, 1);
    TEXTS out = pem_encode(&s, 1);
    TEXT two = pem_join("# p7\n\n", pem.leaf, pem.root, pem.other_leaf);
    TEXT swapped = pem_join("# p7\n\n", pem.root, pem.leaf, pem.other_leaf); /* the SET is sorted */
    assert_true(strcmp(out.part[0], two) == 0 || strcmp(out.part[0], swapped) == 0 || strstr(out.part[0], "PKCS7") == NULL);
    STORE again = pem_open(out.part[0], NULL, NULL);
    assert_int_equal(again.bundle->count, 3);
}

static void bare_der_is_read_and_a_change_writes_it_as_pem(void **state)
{
    (void)state;
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    CSI_AUTO(csi_parts) *parts = csi_parts_new(err);
    assert_int_equal(csi_parts_add(parts, "", pem.web.root, err), CERTSTORE_OK);
    const struct csi_decode in = { .parts = parts, .limits = &csi_limits_default };
    CSI_AUTO(certstore_bundle) *bundle = csi_codec_pem.decode(&in, err);
    assert_non_null(bundle);
    assert_string_equal(bundle->notes->rows[0].code, "pem-der");
    CSI_AUTO(certstore_entry) *entry = make_trusted("more", pem.other.root);
    assert_int_equal(csi_bundle_put(bundle, entry, err), CERTSTORE_OK);
    const struct csi_encode how = { .part_count = 1, .limits = &csi_limits_default };
    TEXTS out = pem_encode_with(bundle, &how);
    TEXT block = pem_block("CERTIFICATE", pem.other.root);
    TEXT expected = pem_join(pem.root, block, "", "");
    assert_string_equal(out.part[0], expected);
}

static void a_store_that_was_emptied_keeps_its_header_and_is_read_again(void **state)
{
    (void)state;
    TEXT text = pem_join("# nothing here yet\n\n", pem.leaf, "", "");
    STORE s = pem_open(text, NULL, NULL);
    pem_remove(&s, 0);
    TEXTS out = pem_encode(&s, 1);
    assert_string_equal(out.part[0], "# nothing here yet\n\n");
    STORE again = pem_open(out.part[0], NULL, NULL);
    assert_int_equal(again.bundle->count, 0);
}

static void what_is_neither_text_nor_der_is_refused_and_not_taken_for_an_empty_store(void **state)
{
    (void)state;
    STORE s = pem_open("\x7f"
                       "ELF\x02\x01\x01",
                       NULL, NULL);
    assert_null(s.bundle);
    assert_int_equal(s.err->status, CERTSTORE_E_MALFORMED);
}

static void losses_name_what_pem_cannot_hold(void **state)
{
    (void)state;
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    CSI_AUTO(certstore_bundle) *bundle = csi_bundle_new("pkcs12", CSI_ALIAS_EXACT, err);
    CSI_AUTO(certstore_report) *report = csi_report_new(err);
    CSI_AUTO(certstore_entry) *trusted = make_trusted("named", pem.web.root);
    trusted->created_ms = 1;
    CSI_AUTO(certstore_entry) *secret = csi_entry_new(CERTSTORE_SECRET, "aes", err);
    secret->key = csi_key_new_plain(csi_span_text("0123456789abcdef"), "AES", err);
    assert_int_equal(csi_bundle_put(bundle, trusted, err), CERTSTORE_OK);
    assert_int_equal(csi_bundle_put(bundle, secret, err), CERTSTORE_OK);
    assert_int_equal(csi_codec_pem.losses(bundle, report, err), CERTSTORE_OK);
    assert_int_equal(report->count, 3);
    assert_string_equal(report->rows[0].code, "alias-lost");
    assert_int_equal(report->rows[0].severity, CERTSTORE_INFO);
    assert_string_equal(report->rows[1].code, "date-lost");
    assert_string_equal(report->rows[2].code, "secret-lost");
    assert_int_equal(report->rows[2].severity, CERTSTORE_FAULT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_and_the_certificate_of_its_public_key_are_one_entry_with_the_chain_in_order),
        cmocka_unit_test(certificates_outside_a_chain_are_trusted_and_the_same_one_twice_is_two_entries),
        cmocka_unit_test(header_comments_order_and_line_ends_stay_when_a_block_in_the_middle_goes),
        cmocka_unit_test(the_header_of_the_file_stays_when_the_first_block_goes),
        cmocka_unit_test(a_new_entry_comes_behind_a_text_whose_last_newline_was_missing),
        cmocka_unit_test(blocks_on_one_line_are_told_apart_when_one_is_replaced),
        cmocka_unit_test(words_behind_the_dashes_of_an_end_stay_there),
        cmocka_unit_test(a_new_identity_takes_the_place_of_the_only_one_whatever_its_alias),
        cmocka_unit_test(made_from_nothing_an_identity_is_leaf_chain_key_in_one_file_or_two),
        cmocka_unit_test(two_files_are_one_identity_and_each_keeps_its_bytes),
        cmocka_unit_test(a_friendly_name_follows_its_entry_when_that_is_renamed),
        cmocka_unit_test(certificates_within_pkcs7_are_entries_and_losing_one_writes_the_others_as_blocks),
        cmocka_unit_test(bare_der_is_read_and_a_change_writes_it_as_pem),
        cmocka_unit_test(a_store_that_was_emptied_keeps_its_header_and_is_read_again),
        cmocka_unit_test(what_is_neither_text_nor_der_is_refused_and_not_taken_for_an_empty_store),
        cmocka_unit_test(losses_name_what_pem_cannot_hold),
    };
    return cmocka_run_group_tests_name("PEM", tests, pem_make, pem_free);
}
