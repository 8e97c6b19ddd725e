/* SPDX-License-Identifier: Apache-2.0 */
/* test_pem_keys.c: private keys and trust in PEM: which certificate is a key's, how keys stay protected, what OpenSSL's own settings become. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/pem.h>

#include "codec/pkcs8.h"
#include "support/pemstore.h"

static void an_encrypted_key_without_its_passphrase_goes_by_its_place(void **state)
{
    (void)state;
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    CSI_AUTO(csi_blob) *pkcs8 = make_pkcs8(pem.web.key);
    CSI_AUTO(csi_secret) *password = csi_secret_new("secret", 6, err);
    CSI_AUTO(csi_blob) *sealed = csi_pkcs8_seal(CSI_PKCS8_PBES2_AES256_SHA256, csi_blob_span(pkcs8), password, 0, err);
    TEXT block = pem_block("ENCRYPTED PRIVATE KEY", sealed);
    TEXT text = pem_join(pem.other_leaf, pem.leaf, pem.intermediate, block);
    STORE blind = pem_open(text, NULL, NULL);
    assert_int_equal(blind.bundle->entries[0]->kind, CERTSTORE_KEY); /* the first leaf above the key */
    STORE seeing = pem_open(text, NULL, "secret");
    assert_int_equal(seeing.bundle->entries[0]->kind, CERTSTORE_TRUSTED);
    assert_int_equal(seeing.bundle->entries[1]->kind, CERTSTORE_KEY); /* its own public key */
    assert_int_equal(seeing.bundle->entries[1]->cert_count, 2);
    TEXTS out = pem_encode(&seeing, 1);
    assert_string_equal(out.part[0], text);
}

static void two_files_that_do_not_fit_are_still_one_identity_for_verify_to_judge(void **state)
{
    (void)state;
    STORE s = pem_open(pem.leaf, pem.other_key, NULL);
    assert_int_equal(s.bundle->count, 1);
    assert_int_equal(s.bundle->entries[0]->kind, CERTSTORE_KEY);
    assert_int_equal(s.bundle->entries[0]->cert_count, 1);
    TEXT text = pem_join(pem.leaf, pem.other_key, "", "");
    STORE one = pem_open(text, NULL, NULL); /* in one file nobody said that they belong together */
    assert_int_equal(one.bundle->count, 2);
}

static void a_key_in_the_clear_stays_in_the_clear_and_an_encrypted_one_encrypted(void **state)
{
    (void)state;
    STORE plain = pem_open(pem.key, NULL, "secret");
    pem_put(&plain, make_identity(plain.bundle->entries[0]->alias, &pem.other));
    const struct csi_encode in = { .passwords = plain.passwords, .protect = plain.passwords, .part_count = 1, .limits = &csi_limits_default };
    TEXTS out = pem_encode_with(plain.bundle, &in);
    assert_non_null(strstr(out.part[0], "-----BEGIN PRIVATE KEY-----"));

    CSI_AUTO(csi_blob) *pkcs8 = make_pkcs8(pem.web.key);
    CSI_AUTO(csi_blob) *sealed = csi_pkcs8_seal(CSI_PKCS8_PBE_SHA1_3DES, csi_blob_span(pkcs8), plain.passwords->store, 0, plain.err);
    TEXT block = pem_block("ENCRYPTED PRIVATE KEY", sealed);
    STORE secret = pem_open(block, NULL, "secret");
    pem_put(&secret, make_identity(secret.bundle->entries[0]->alias, &pem.other));
    TEXTS kept = pem_encode(&secret, 1);
    assert_int_equal(kept.status, CERTSTORE_OK);
    assert_non_null(strstr(kept.part[0], "-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    STORE again = pem_open(kept.part[0], NULL, "secret");
    CSI_AUTO_PLAIN opened = { 0 };
    assert_int_equal(csi_key_open(again.bundle->entries[0]->key, "", NULL, &opened, again.err), CERTSTORE_OK);

    STORE blind = pem_open(block, NULL, NULL);
    pem_put(&blind, make_identity(blind.bundle->entries[0]->alias, &pem.other));
    TEXTS refused = pem_encode(&blind, 1);
    assert_int_equal(refused.status, CERTSTORE_E_PASSWORD);
}

static void a_new_passphrase_encrypts_every_key_anew_and_none_takes_it_away(void **state)
{
    (void)state;
    TEXT text = pem_join(pem.leaf, pem.key, "# end\n", "");
    STORE s = pem_open(text, NULL, NULL);
    CSI_AUTO(csi_passwords) *protect = csi_passwords_new(s.err);
    protect->store = csi_secret_new("new", 3, s.err);
    struct csi_encode in = { .passwords = s.passwords, .protect = protect, .reprotect = true, .part_count = 1, .limits = &csi_limits_default };
    TEXTS out = pem_encode_with(s.bundle, &in);
    assert_memory_equal(out.part[0], pem.leaf, strlen(pem.leaf));
    assert_null(strstr(out.part[0], "BEGIN PRIVATE KEY"));
    STORE again = pem_open(out.part[0], NULL, "new");
    assert_int_equal(again.bundle->count, 1);
    assert_int_equal(again.bundle->entries[0]->cert_count, 1);
    in.protect = NULL;
    in.passwords = again.passwords;
    TEXTS bare = pem_encode_with(again.bundle, &in);
    assert_string_equal(bare.part[0], text);
}

static void keys_under_dek_info_open_with_their_passphrase_and_with_no_other(void **state)
{
    (void)state;
    static const char *const ciphers[] = { "AES-256-CBC", "AES-128-CBC", "DES-EDE3-CBC", "CAMELLIA-256-CBC" };
    static const char *const types[] = { "RSA:2048", "EC:P-256" };
    for (size_t i = 0; i < sizeof ciphers / sizeof *ciphers; i++) {
        for (size_t j = 0; j < sizeof types / sizeof *types; j++) {
            EVP_PKEY *pkey = make_key(types[j], 7);
            BIO *bio = BIO_new(BIO_s_mem());
            assert_true(
                PEM_write_bio_PrivateKey_traditional(bio, pkey, EVP_get_cipherbyname(ciphers[i]), NULL, 0, NULL, (void *)(uintptr_t) "secret"));
            TEXT text = pem_bio_text(bio);
            assert_non_null(strstr(text, "DEK-Info"));
            STORE s = pem_open(text, NULL, "secret");
            CSI_AUTO_PLAIN plain = { 0 };
            assert_int_equal(csi_key_open(s.bundle->entries[0]->key, "", NULL, &plain, s.err), CERTSTORE_OK);
            CSI_AUTO(csi_blob) *pkcs8 = make_pkcs8(pkey);
            assert_true(csi_span_equal(csi_secret_span(plain.bytes), csi_blob_span(pkcs8)));
            STORE wrong = pem_open(text, NULL, "Secret");
            CSI_AUTO_PLAIN none = { 0 };
            assert_int_equal(csi_key_open(wrong.bundle->entries[0]->key, "", NULL, &none, wrong.err), CERTSTORE_E_PASSWORD);
            STORE missing = pem_open(text, NULL, NULL);
            assert_int_equal(csi_key_open(missing.bundle->entries[0]->key, "", NULL, &none, missing.err), CERTSTORE_E_PASSWORD);
        }
    }
}

static void an_unknown_cipher_is_unsupported_and_not_a_wrong_passphrase(void **state)
{
    (void)state;
    STORE s = pem_open("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: NO-SUCH-CIPHER,0011223344556677\n\nZm9vYmFy\n"
                       "-----END RSA PRIVATE KEY-----\n",
                       NULL, "secret");
    CSI_AUTO_PLAIN plain = { 0 };
    assert_int_equal(csi_key_open(s.bundle->entries[0]->key, "", NULL, &plain, s.err), CERTSTORE_E_UNSUPPORTED);
    assert_non_null(strstr(s.err->message, "NO-SUCH-CIPHER"));
}

static void trust_and_alias_of_openssl_are_read_written_and_read_by_openssl(void **state)
{
    (void)state;
    TEXT text = pem_join("# roots\n\n", pem.root, pem.leaf, "");
    STORE s = pem_open(text, NULL, NULL);
    CSI_AUTO(certstore_entry) *entry = csi_entry_copy(s.bundle->entries[0], s.err);
    csi_entry_add_trust(entry, "serverAuth", false, s.err);
    csi_entry_add_trust(entry, "1.3.6.1.5.5.7.3.4", true, s.err);
    assert_int_equal(csi_bundle_put(s.bundle, entry, s.err), CERTSTORE_OK);
    TEXTS out = pem_encode(&s, 1);
    assert_non_null(strstr(out.part[0], "# roots\n\n-----BEGIN TRUSTED CERTIFICATE-----\n"));
    assert_string_equal(out.part[0] + strlen(out.part[0]) - strlen(pem.leaf), pem.leaf);
    BIO *bio = BIO_new_mem_buf(out.part[0], -1);
    X509 *x509 = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);
    assert_non_null(x509);
    STACK_OF(ASN1_OBJECT) *reject = X509_get0_reject_objects(x509);
    assert_int_equal(sk_ASN1_OBJECT_num(X509_get0_trust_objects(x509)), 1);
    assert_int_equal(OBJ_obj2nid(sk_ASN1_OBJECT_value(X509_get0_trust_objects(x509), 0)), NID_server_auth);
    assert_int_equal(OBJ_obj2nid(sk_ASN1_OBJECT_value(reject, 0)), NID_email_protect);
    /* Now with an alias and a key id of OpenSSL's: the trust changes, they stay. */
    X509_alias_set1(x509, (const unsigned char *)"Custom Label", -1);
    X509_keyid_set1(x509, (const unsigned char *)"\x01\x02", 2);
    BIO_free(bio);
    bio = BIO_new(BIO_s_mem());
    assert_true(PEM_write_bio_X509_AUX(bio, x509));
    X509_free(x509);
    TEXT labelled = pem_bio_text(bio);
    STORE again = pem_open(labelled, NULL, NULL);
    assert_string_equal(again.bundle->entries[0]->alias, "Custom Label");
    assert_string_equal(again.bundle->entries[0]->trust.trusted[0], "serverAuth");
    assert_string_equal(again.bundle->entries[0]->trust.rejected[0], "emailProtection");
    assert_int_equal(csi_bundle_rename(again.bundle, "Custom Label", "new name", again.err), CERTSTORE_OK);
    TEXTS renamed = pem_encode(&again, 1);
    bio = BIO_new_mem_buf(renamed.part[0], -1);
    x509 = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);
    int size;
    assert_memory_equal(X509_alias_get0(x509, &size), "new name", 8);
    assert_int_equal(size, 8);
    assert_memory_equal(X509_keyid_get0(x509, &size), "\x01\x02", 2);
    X509_free(x509);
    BIO_free(bio);
}

static void ec_parameters_go_with_their_key_and_unknown_labels_are_kept(void **state)
{
    (void)state;
    BIO *bio = BIO_new(BIO_s_mem());
    assert_true(PEM_write_bio_PrivateKey_traditional(bio, pem.web.key, NULL, NULL, 0, NULL, NULL));
    TEXT traditional = pem_bio_text(bio);
    static const char parameters[] = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    static const char unknown[] = "-----BEGIN SOMETHING ELSE-----\nZm9vYmFy\n-----END SOMETHING ELSE-----\n";
    TEXT text = pem_join(parameters, traditional, unknown, pem.leaf);
    STORE s = pem_open(text, NULL, NULL);
    assert_int_equal(s.bundle->count, 2);
    assert_int_equal(s.bundle->entries[0]->kind, CERTSTORE_KEY);
    assert_int_equal(s.bundle->entries[1]->kind, CERTSTORE_OPAQUE);
    assert_string_equal(s.bundle->entries[1]->type, "SOMETHING ELSE");
    pem_remove(&s, 0);
    TEXTS out = pem_encode(&s, 1);
    assert_string_equal(out.part[0], unknown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_encrypted_key_without_its_passphrase_goes_by_its_place),
        cmocka_unit_test(two_files_that_do_not_fit_are_still_one_identity_for_verify_to_judge),
        cmocka_unit_test(a_key_in_the_clear_stays_in_the_clear_and_an_encrypted_one_encrypted),
        cmocka_unit_test(a_new_passphrase_encrypts_every_key_anew_and_none_takes_it_away),
        cmocka_unit_test(keys_under_dek_info_open_with_their_passphrase_and_with_no_other),
        cmocka_unit_test(an_unknown_cipher_is_unsupported_and_not_a_wrong_passphrase),
        cmocka_unit_test(trust_and_alias_of_openssl_are_read_written_and_read_by_openssl),
        cmocka_unit_test(ec_parameters_go_with_their_key_and_unknown_labels_are_kept),
    };
    return cmocka_run_group_tests_name("PEM keys", tests, pem_make, pem_free);
}
