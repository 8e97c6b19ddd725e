/* SPDX-License-Identifier: Apache-2.0 */
/* test_pem.c: PEM stores: what becomes of text, order, keys and trust when a bundle is read, edited and written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>

#include "codec/pem.h"
#include "codec/pkcs8.h"
#include "support/make.h"

struct store {
    csi_parts *parts;
    csi_passwords *passwords;
    certstore_bundle *bundle;
    certstore_error *err;
};

static csi_blob *blob_of(const char *text)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    return csi_blob_new(text, strlen(text), err);
}

/* key NULL: a store of one file. */
static struct store open_store(const char *text, const char *key, const char *password)
{
    struct store s = { .err = certstore_error_new() };
    s.parts = csi_parts_new(s.err);
    s.passwords = csi_passwords_new(s.err);
    if (password != NULL)
        s.passwords->store = csi_secret_new(password, strlen(password), s.err);
    const char *const texts[] = { text, key };
    const char *const names[] = { "", "key" };
    for (int i = 0; i < 2; i++) {
        if (texts[i] == NULL)
            continue;
        CSI_AUTO(csi_blob) *bytes = blob_of(texts[i]);
        assert_int_equal(csi_parts_add(s.parts, names[i], bytes, s.err), CERTSTORE_OK);
    }
    const struct csi_decode in = { .parts = s.parts, .passwords = s.passwords, .limits = &csi_limits_default };
    s.bundle = csi_codec_pem.decode(&in, s.err);
    if (s.bundle == NULL)
        print_message("# %s\n", s.err->message);
    return s;
}

static void close_store(struct store *s)
{
    certstore_bundle_free(s->bundle);
    csi_parts_free(s->parts);
    csi_passwords_free(s->passwords);
    certstore_error_free(s->err);
}
#define STORE __attribute__((cleanup(close_store))) struct store

/* The parts after an edit as texts; part 1 is "" where there is none. */
struct texts {
    char *part[2];
    certstore_status status;
};
static void free_texts(struct texts *texts)
{
    free(texts->part[0]);
    free(texts->part[1]);
}
#define TEXTS __attribute__((cleanup(free_texts))) struct texts

static struct texts encode_with(const certstore_bundle *bundle, const struct csi_encode *in)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    CSI_AUTO(csi_parts) *parts = csi_parts_new(err);
    struct texts texts = { .status = csi_codec_pem.encode(bundle, in, parts, err) };
    for (size_t i = 0; i < 2; i++) {
        const csi_blob *bytes = texts.status == CERTSTORE_OK && i < parts->count ? parts->items[i].bytes : NULL;
        texts.part[i] = csi_strndup(bytes != NULL ? (const char *)bytes->data : "", bytes != NULL ? bytes->size : 0, err);
        assert_non_null(texts.part[i]);
        if (bytes != NULL)
            assert_string_equal(parts->items[i].name, i == 0 ? "" : "key");
    }
    return texts;
}

static struct texts encode(const struct store *s, size_t part_count)
{
    const struct csi_encode in = { .passwords = s->passwords, .part_count = part_count, .limits = &csi_limits_default };
    return encode_with(s->bundle, &in);
}

static char *pem_of(const char *label, const csi_blob *der)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    CSI_AUTO_BUF out = { 0 };
    csi_pem_write(&out, label, csi_blob_span(der));
    return csi_strndup((const char *)out.data, out.size, err);
}

/* One chain for all tests, and its blocks. */
static struct make_chain web, other;
static char *leaf, *intermediate, *root, *key, *other_leaf, *other_key;

static int make_material(void **state)
{
    (void)state;
    web = make_chain("web.example", "EC:P-256", 1);
    other = make_chain("other.example", "EC:P-256", 2);
    leaf = pem_of("CERTIFICATE", web.leaf);
    intermediate = pem_of("CERTIFICATE", web.intermediate);
    root = pem_of("CERTIFICATE", web.root);
    other_leaf = pem_of("CERTIFICATE", other.leaf);
    CSI_AUTO(csi_blob) *pkcs8 = make_pkcs8(web.key);
    CSI_AUTO(csi_blob) *other_pkcs8 = make_pkcs8(other.key);
    key = pem_of("PRIVATE KEY", pkcs8);
    other_key = pem_of("PRIVATE KEY", other_pkcs8);
    return 0;
}

static int free_material(void **state)
{
    (void)state;
    char *const texts[] = { leaf, intermediate, root, key, other_leaf, other_key };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
    make_chain_free(&web);
    make_chain_free(&other);
    return 0;
}

static char *join(const char *a, const char *b, const char *c, const char *d)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    return csi_format(err, "%s%s%s%s", a, b, c, d);
}
#define TEXT CSI_AUTO(csi_chars) *

static void remove_entry(struct store *s, size_t index)
{
    TEXT alias = strdup(s->bundle->entries[index]->alias);
    assert_int_equal(csi_bundle_remove(s->bundle, alias, s->err), CERTSTORE_OK);
}

static void put(struct store *s, certstore_entry *taken)
{
    CSI_AUTO(certstore_entry) *entry = taken;
    assert_int_equal(csi_bundle_put(s->bundle, entry, s->err), CERTSTORE_OK);
}

static void a_key_and_the_certificate_of_its_public_key_are_one_entry_with_the_chain_in_order(void **state)
{
    (void)state;
    TEXT text = join(root, intermediate, key, leaf); /* upside down */
    STORE s = open_store(text, NULL, NULL);
    assert_int_equal(s.bundle->count, 1);
    const certstore_entry *entry = s.bundle->entries[0];
    assert_int_equal(entry->kind, CERTSTORE_KEY);
    assert_int_equal(entry->cert_count, 3);
    const csi_blob *const chain[] = { web.leaf, web.intermediate, web.root };
    for (size_t i = 0; i < 3; i++)
        assert_true(csi_span_equal(csi_span(entry->certs[i].data, entry->certs[i].size), csi_blob_span(chain[i])));
    TEXTS out = encode(&s, 1);
    assert_string_equal(out.part[0], text);
}

static void certificates_outside_a_chain_are_trusted_and_the_same_one_twice_is_two_entries(void **state)
{
    (void)state;
    TEXT text = join(leaf, key, leaf, other_leaf);
    STORE s = open_store(text, NULL, NULL);
    assert_int_equal(s.bundle->count, 3);
    assert_int_equal(s.bundle->entries[0]->kind, CERTSTORE_KEY);
    assert_int_equal(s.bundle->entries[1]->kind, CERTSTORE_TRUSTED);
    assert_int_equal(s.bundle->entries[2]->kind, CERTSTORE_TRUSTED);
    assert_true(s.bundle->entries[1]->unnamed);
    assert_string_not_equal(s.bundle->entries[0]->alias, s.bundle->entries[1]->alias);
}

static void an_encrypted_key_without_its_passphrase_goes_by_its_place(void **state)
{
    (void)state;
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    CSI_AUTO(csi_blob) *pkcs8 = make_pkcs8(web.key);
    CSI_AUTO(csi_secret) *password = csi_secret_new("secret", 6, err);
    CSI_AUTO(csi_blob) *sealed = csi_pkcs8_seal(CSI_PKCS8_PBES2_AES256_SHA256, csi_blob_span(pkcs8), password, 0, err);
    TEXT block = pem_of("ENCRYPTED PRIVATE KEY", sealed);
    TEXT text = join(other_leaf, leaf, intermediate, block);
    STORE blind = open_store(text, NULL, NULL);
    assert_int_equal(blind.bundle->entries[0]->kind, CERTSTORE_KEY); /* the first leaf above the key */
    STORE seeing = open_store(text, NULL, "secret");
    assert_int_equal(seeing.bundle->entries[0]->kind, CERTSTORE_TRUSTED);
    assert_int_equal(seeing.bundle->entries[1]->kind, CERTSTORE_KEY); /* its own public key */
    assert_int_equal(seeing.bundle->entries[1]->cert_count, 2);
    TEXTS out = encode(&seeing, 1);
    assert_string_equal(out.part[0], text);
}

static void header_comments_order_and_line_ends_stay_when_a_block_in_the_middle_goes(void **state)
{
    (void)state;
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    static const char header[] = "\xef\xbb\xbf# our roots, kept by hand\r\n\r\n";
    TEXT before = csi_format(err, "%s# web\r\n%s\r\n# intermediate: old\r\n# second line\r\n%s\r\n\t# root\n   %s   trailing words", header, leaf,
                             intermediate, root);
    TEXT after = csi_format(err, "%s# web\r\n%s\r\n\r\n\t# root\n   %s   trailing words", header, leaf, root);
    STORE s = open_store(before, NULL, NULL);
    assert_int_equal(s.bundle->count, 3);
    remove_entry(&s, 1);
    TEXTS out = encode(&s, 1);
    assert_string_equal(out.part[0], after);
}

static void the_header_of_the_file_stays_when_the_first_block_goes(void **state)
{
    (void)state;
    TEXT text = join("# kept by hand\n", leaf, root, "");
    STORE s = open_store(text, NULL, NULL);
    remove_entry(&s, 0);
    TEXTS out = encode(&s, 1);
    TEXT expected = join("# kept by hand\n", root, "", "");
    assert_string_equal(out.part[0], expected);
    TEXT bag = join("Bag Attributes\n    friendlyName: Web Server\n", leaf, root, "");
    STORE named = open_store(bag, NULL, NULL);
    assert_string_equal(named.bundle->entries[0]->alias, "Web Server");
    assert_false(named.bundle->entries[0]->unnamed);
    remove_entry(&named, 0);
    TEXTS rest = encode(&named, 1);
    assert_string_equal(rest.part[0], root);
}

static void a_new_entry_comes_behind_a_text_whose_last_newline_was_missing(void **state)
{
    (void)state;
    TEXT text = strdup(leaf);
    text[strlen(text) - 1] = '\0';
    STORE s = open_store(text, NULL, NULL);
    put(&s, make_trusted("another", other.root));
    TEXTS out = encode(&s, 1);
    TEXT block = pem_of("CERTIFICATE", other.root);
    TEXT expected = join(leaf, block, "", "");
    assert_string_equal(out.part[0], expected);
}

static void blocks_on_one_line_are_told_apart_when_one_is_replaced(void **state)
{
    (void)state;
    TEXT text = join(leaf, root, "", "");
    memmove(text + strlen(leaf) - 1, text + strlen(leaf), strlen(root) + 1); /* -----END CERTIFICATE----------BEGIN */
    STORE s = open_store(text, NULL, NULL);
    assert_int_equal(s.bundle->count, 2);
    put(&s, make_trusted(s.bundle->entries[1]->alias, other.root));
    TEXTS out = encode(&s, 1);
    TEXT block = pem_of("CERTIFICATE", other.root);
    TEXT expected = join(leaf, block, "", "");
    assert_string_equal(out.part[0], expected);
}

static void a_new_identity_takes_the_place_of_the_only_one_whatever_its_alias(void **state)
{
    (void)state;
    TEXT text = join("# tls\n\n", leaf, intermediate, key);
    STORE s = open_store(text, NULL, NULL);
    remove_entry(&s, 0);
    put(&s, make_identity("quite-another-name", &other));
    TEXTS out = encode(&s, 1);
    TEXT other_intermediate = pem_of("CERTIFICATE", other.intermediate);
    STORE again = open_store(out.part[0], NULL, NULL);
    assert_int_equal(again.bundle->count, 1);
    assert_true(
        csi_span_equal(csi_blob_span(other.leaf), csi_span(again.bundle->entries[0]->certs[0].data, again.bundle->entries[0]->certs[0].size)));
    assert_memory_equal(out.part[0], "# tls\n\n", 7);
    assert_memory_equal(out.part[0] + 7, other_leaf, strlen(other_leaf));
    assert_memory_equal(out.part[0] + 7 + strlen(other_leaf), other_intermediate, strlen(other_intermediate));
    assert_string_equal(out.part[0] + strlen(out.part[0]) - strlen(other_key), other_key);
}

static void made_from_nothing_an_identity_is_leaf_chain_key_in_one_file_or_two(void **state)
{
    (void)state;
    STORE s = open_store("", NULL, NULL);
    assert_int_equal(s.bundle->count, 0);
    put(&s, make_identity("web", &web));
    TEXTS one = encode(&s, 1);
    TEXT certs = join(leaf, intermediate, "", "");
    TEXT all = join(certs, key, "", "");
    TEXT all_with_root = join(certs, root, key, "");
    assert_true(strcmp(one.part[0], all) == 0 || strcmp(one.part[0], all_with_root) == 0);
    TEXTS two = encode(&s, 2);
    assert_int_equal(strncmp(two.part[0], certs, strlen(certs)), 0);
    assert_null(strstr(two.part[0], "PRIVATE KEY"));
    assert_string_equal(two.part[1], key);
}

static void two_files_are_one_identity_and_each_keeps_its_bytes(void **state)
{
    (void)state;
    TEXT certs = join("# chain\n", leaf, intermediate, "\n# end\n");
    TEXT secret = join("# key\n\n", key, "", "");
    STORE s = open_store(certs, secret, NULL);
    assert_int_equal(s.bundle->count, 1);
    assert_int_equal(s.bundle->entries[0]->cert_count, 2);
    TEXTS out = encode(&s, 2);
    assert_string_equal(out.part[0], certs);
    assert_string_equal(out.part[1], secret);
    put(&s, make_identity(s.bundle->entries[0]->alias, &other));
    TEXTS changed = encode(&s, 2);
    assert_memory_equal(changed.part[0], "# chain\n", 8);
    assert_non_null(strstr(changed.part[0], "\n# end\n"));
    TEXT wanted = join("# key\n\n", other_key, "", "");
    assert_string_equal(changed.part[1], wanted);
}

static void two_files_that_do_not_fit_are_still_one_identity_for_verify_to_judge(void **state)
{
    (void)state;
    STORE s = open_store(leaf, other_key, NULL);
    assert_int_equal(s.bundle->count, 1);
    assert_int_equal(s.bundle->entries[0]->kind, CERTSTORE_KEY);
    assert_int_equal(s.bundle->entries[0]->cert_count, 1);
    TEXT text = join(leaf, other_key, "", "");
    STORE one = open_store(text, NULL, NULL); /* in one file nobody said that they belong together */
    assert_int_equal(one.bundle->count, 2);
}

static void a_key_in_the_clear_stays_in_the_clear_and_an_encrypted_one_encrypted(void **state)
{
    (void)state;
    STORE plain = open_store(key, NULL, "secret");
    put(&plain, make_identity(plain.bundle->entries[0]->alias, &other));
    const struct csi_encode in = { .passwords = plain.passwords, .protect = plain.passwords, .part_count = 1, .limits = &csi_limits_default };
    TEXTS out = encode_with(plain.bundle, &in);
    assert_non_null(strstr(out.part[0], "-----BEGIN PRIVATE KEY-----"));

    CSI_AUTO(csi_blob) *pkcs8 = make_pkcs8(web.key);
    CSI_AUTO(csi_blob) *sealed = csi_pkcs8_seal(CSI_PKCS8_PBE_SHA1_3DES, csi_blob_span(pkcs8), plain.passwords->store, 0, plain.err);
    TEXT block = pem_of("ENCRYPTED PRIVATE KEY", sealed);
    STORE secret = open_store(block, NULL, "secret");
    put(&secret, make_identity(secret.bundle->entries[0]->alias, &other));
    TEXTS kept = encode(&secret, 1);
    assert_int_equal(kept.status, CERTSTORE_OK);
    assert_non_null(strstr(kept.part[0], "-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    STORE again = open_store(kept.part[0], NULL, "secret");
    CSI_AUTO_PLAIN opened = { 0 };
    assert_int_equal(csi_key_open(again.bundle->entries[0]->key, "", NULL, &opened, again.err), CERTSTORE_OK);

    STORE blind = open_store(block, NULL, NULL);
    put(&blind, make_identity(blind.bundle->entries[0]->alias, &other));
    TEXTS refused = encode(&blind, 1);
    assert_int_equal(refused.status, CERTSTORE_E_PASSWORD);
}

static void a_new_passphrase_encrypts_every_key_anew_and_none_takes_it_away(void **state)
{
    (void)state;
    TEXT text = join(leaf, key, "# end\n", "");
    STORE s = open_store(text, NULL, NULL);
    CSI_AUTO(csi_passwords) *protect = csi_passwords_new(s.err);
    protect->store = csi_secret_new("new", 3, s.err);
    struct csi_encode in = { .passwords = s.passwords, .protect = protect, .reprotect = true, .part_count = 1, .limits = &csi_limits_default };
    TEXTS out = encode_with(s.bundle, &in);
    assert_memory_equal(out.part[0], leaf, strlen(leaf));
    assert_null(strstr(out.part[0], "BEGIN PRIVATE KEY"));
    STORE again = open_store(out.part[0], NULL, "new");
    assert_int_equal(again.bundle->count, 1);
    assert_int_equal(again.bundle->entries[0]->cert_count, 1);
    in.protect = NULL;
    in.passwords = again.passwords;
    TEXTS bare = encode_with(again.bundle, &in);
    assert_string_equal(bare.part[0], text);
}

/* What a BIO holds, as text. */
static char *bio_text(BIO *bio)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    char *data;
    const long size = BIO_get_mem_data(bio, &data);
    char *text = csi_strndup(data, (size_t)size, err);
    BIO_free(bio);
    return text;
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
            TEXT text = bio_text(bio);
            assert_non_null(strstr(text, "DEK-Info"));
            STORE s = open_store(text, NULL, "secret");
            CSI_AUTO_PLAIN plain = { 0 };
            assert_int_equal(csi_key_open(s.bundle->entries[0]->key, "", NULL, &plain, s.err), CERTSTORE_OK);
            CSI_AUTO(csi_blob) *pkcs8 = make_pkcs8(pkey);
            assert_true(csi_span_equal(csi_secret_span(plain.bytes), csi_blob_span(pkcs8)));
            STORE wrong = open_store(text, NULL, "Secret");
            CSI_AUTO_PLAIN none = { 0 };
            assert_int_equal(csi_key_open(wrong.bundle->entries[0]->key, "", NULL, &none, wrong.err), CERTSTORE_E_PASSWORD);
            STORE missing = open_store(text, NULL, NULL);
            assert_int_equal(csi_key_open(missing.bundle->entries[0]->key, "", NULL, &none, missing.err), CERTSTORE_E_PASSWORD);
        }
    }
}

static void an_unknown_cipher_is_unsupported_and_not_a_wrong_passphrase(void **state)
{
    (void)state;
    STORE s = open_store("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: NO-SUCH-CIPHER,0011223344556677\n\nZm9vYmFy\n"
                         "-----END RSA PRIVATE KEY-----\n",
                         NULL, "secret");
    CSI_AUTO_PLAIN plain = { 0 };
    assert_int_equal(csi_key_open(s.bundle->entries[0]->key, "", NULL, &plain, s.err), CERTSTORE_E_UNSUPPORTED);
    assert_non_null(strstr(s.err->message, "NO-SUCH-CIPHER"));
}

static void trust_and_alias_of_openssl_are_read_written_and_read_by_openssl(void **state)
{
    (void)state;
    TEXT text = join("# roots\n\n", root, leaf, "");
    STORE s = open_store(text, NULL, NULL);
    CSI_AUTO(certstore_entry) *entry = csi_entry_copy(s.bundle->entries[0], s.err);
    csi_entry_add_trust(entry, "serverAuth", false, s.err);
    csi_entry_add_trust(entry, "1.3.6.1.5.5.7.3.4", true, s.err);
    assert_int_equal(csi_bundle_put(s.bundle, entry, s.err), CERTSTORE_OK);
    TEXTS out = encode(&s, 1);
    assert_non_null(strstr(out.part[0], "# roots\n\n-----BEGIN TRUSTED CERTIFICATE-----\n"));
    assert_string_equal(out.part[0] + strlen(out.part[0]) - strlen(leaf), leaf);
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
    TEXT labelled = bio_text(bio);
    STORE again = open_store(labelled, NULL, NULL);
    assert_string_equal(again.bundle->entries[0]->alias, "Custom Label");
    assert_string_equal(again.bundle->entries[0]->trust.trusted[0], "serverAuth");
    assert_string_equal(again.bundle->entries[0]->trust.rejected[0], "emailProtection");
    assert_int_equal(csi_bundle_rename(again.bundle, "Custom Label", "new name", again.err), CERTSTORE_OK);
    TEXTS renamed = encode(&again, 1);
    bio = BIO_new_mem_buf(renamed.part[0], -1);
    x509 = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);
    int size;
    assert_memory_equal(X509_alias_get0(x509, &size), "new name", 8);
    assert_int_equal(size, 8);
    assert_memory_equal(X509_keyid_get0(x509, &size), "\x01\x02", 2);
    X509_free(x509);
    BIO_free(bio);
}

static void a_friendly_name_follows_its_entry_when_that_is_renamed(void **state)
{
    (void)state;
    TEXT text = join("Bag Attributes\n    friendlyName: web\n    localKeyID: 01 \nsubject=CN = x\n", leaf, "", "");
    STORE s = open_store(text, NULL, NULL);
    assert_int_equal(csi_bundle_rename(s.bundle, "web", "web 2", s.err), CERTSTORE_OK);
    TEXTS out = encode(&s, 1);
    TEXT expected = join("Bag Attributes\n    friendlyName: web 2\n    localKeyID: 01 \nsubject=CN = x\n", leaf, "", "");
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
    return bio_text(bio);
}

static void certificates_within_pkcs7_are_entries_and_losing_one_writes_the_others_as_blocks(void **state)
{
    (void)state;
    const csi_blob *const certs[] = { web.leaf, web.intermediate, web.root };
    TEXT block = pkcs7_of(certs, 3);
    TEXT text = join("# p7\n\n", block, other_leaf, "");
    STORE s = open_store(text, NULL, NULL);
    assert_int_equal(s.bundle->count, 4);
    assert_string_equal(s.bundle->notes->rows[0].code, "pem-cms");
    TEXTS same = encode(&s, 1);
    assert_string_equal(same.part[0], text);
    remove_entry(&s, 1);
    TEXTS out = encode(&s, 1);
    TEXT two = join("# p7\n\n", leaf, root, other_leaf);
    TEXT swapped = join("# p7\n\n", root, leaf, other_leaf); /* the SET is sorted */
    assert_true(strcmp(out.part[0], two) == 0 || strcmp(out.part[0], swapped) == 0 || strstr(out.part[0], "PKCS7") == NULL);
    STORE again = open_store(out.part[0], NULL, NULL);
    assert_int_equal(again.bundle->count, 3);
}

static void ec_parameters_go_with_their_key_and_unknown_labels_are_kept(void **state)
{
    (void)state;
    BIO *bio = BIO_new(BIO_s_mem());
    assert_true(PEM_write_bio_PrivateKey_traditional(bio, web.key, NULL, NULL, 0, NULL, NULL));
    TEXT traditional = bio_text(bio);
    static const char parameters[] = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    static const char unknown[] = "-----BEGIN SOMETHING ELSE-----\nZm9vYmFy\n-----END SOMETHING ELSE-----\n";
    TEXT text = join(parameters, traditional, unknown, leaf);
    STORE s = open_store(text, NULL, NULL);
    assert_int_equal(s.bundle->count, 2);
    assert_int_equal(s.bundle->entries[0]->kind, CERTSTORE_KEY);
    assert_int_equal(s.bundle->entries[1]->kind, CERTSTORE_OPAQUE);
    assert_string_equal(s.bundle->entries[1]->type, "SOMETHING ELSE");
    remove_entry(&s, 0);
    TEXTS out = encode(&s, 1);
    assert_string_equal(out.part[0], unknown);
}

static void bare_der_is_read_and_a_change_writes_it_as_pem(void **state)
{
    (void)state;
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    CSI_AUTO(csi_parts) *parts = csi_parts_new(err);
    assert_int_equal(csi_parts_add(parts, "", web.root, err), CERTSTORE_OK);
    const struct csi_decode in = { .parts = parts, .limits = &csi_limits_default };
    CSI_AUTO(certstore_bundle) *bundle = csi_codec_pem.decode(&in, err);
    assert_non_null(bundle);
    assert_string_equal(bundle->notes->rows[0].code, "pem-der");
    CSI_AUTO(certstore_entry) *entry = make_trusted("more", other.root);
    assert_int_equal(csi_bundle_put(bundle, entry, err), CERTSTORE_OK);
    const struct csi_encode how = { .part_count = 1, .limits = &csi_limits_default };
    TEXTS out = encode_with(bundle, &how);
    TEXT block = pem_of("CERTIFICATE", other.root);
    TEXT expected = join(root, block, "", "");
    assert_string_equal(out.part[0], expected);
}

static void a_store_that_was_emptied_keeps_its_header_and_is_read_again(void **state)
{
    (void)state;
    TEXT text = join("# nothing here yet\n\n", leaf, "", "");
    STORE s = open_store(text, NULL, NULL);
    remove_entry(&s, 0);
    TEXTS out = encode(&s, 1);
    assert_string_equal(out.part[0], "# nothing here yet\n\n");
    STORE again = open_store(out.part[0], NULL, NULL);
    assert_int_equal(again.bundle->count, 0);
}

static void what_is_neither_text_nor_der_is_refused_and_not_taken_for_an_empty_store(void **state)
{
    (void)state;
    STORE s = open_store("\x7f"
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
    CSI_AUTO(certstore_entry) *trusted = make_trusted("named", web.root);
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
        cmocka_unit_test(an_encrypted_key_without_its_passphrase_goes_by_its_place),
        cmocka_unit_test(header_comments_order_and_line_ends_stay_when_a_block_in_the_middle_goes),
        cmocka_unit_test(the_header_of_the_file_stays_when_the_first_block_goes),
        cmocka_unit_test(a_new_entry_comes_behind_a_text_whose_last_newline_was_missing),
        cmocka_unit_test(blocks_on_one_line_are_told_apart_when_one_is_replaced),
        cmocka_unit_test(a_new_identity_takes_the_place_of_the_only_one_whatever_its_alias),
        cmocka_unit_test(made_from_nothing_an_identity_is_leaf_chain_key_in_one_file_or_two),
        cmocka_unit_test(two_files_are_one_identity_and_each_keeps_its_bytes),
        cmocka_unit_test(two_files_that_do_not_fit_are_still_one_identity_for_verify_to_judge),
        cmocka_unit_test(a_key_in_the_clear_stays_in_the_clear_and_an_encrypted_one_encrypted),
        cmocka_unit_test(a_new_passphrase_encrypts_every_key_anew_and_none_takes_it_away),
        cmocka_unit_test(keys_under_dek_info_open_with_their_passphrase_and_with_no_other),
        cmocka_unit_test(an_unknown_cipher_is_unsupported_and_not_a_wrong_passphrase),
        cmocka_unit_test(trust_and_alias_of_openssl_are_read_written_and_read_by_openssl),
        cmocka_unit_test(a_friendly_name_follows_its_entry_when_that_is_renamed),
        cmocka_unit_test(certificates_within_pkcs7_are_entries_and_losing_one_writes_the_others_as_blocks),
        cmocka_unit_test(ec_parameters_go_with_their_key_and_unknown_labels_are_kept),
        cmocka_unit_test(bare_der_is_read_and_a_change_writes_it_as_pem),
        cmocka_unit_test(a_store_that_was_emptied_keeps_its_header_and_is_read_again),
        cmocka_unit_test(what_is_neither_text_nor_der_is_refused_and_not_taken_for_an_empty_store),
        cmocka_unit_test(losses_name_what_pem_cannot_hold),
    };
    return cmocka_run_group_tests_name("PEM", tests, make_material, free_material);
}
