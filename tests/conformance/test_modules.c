/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_modules.c: what a token is to a user of the library, asked of every PKCS#11 module alike: SoftHSM and NSS; p11-kit's trust module and a TPM in
 * tests/interop/check-modules. What a module is held to stands in support/modules.c; what it was seen to do is the table at the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "api/store.h"
#include "support/make.h"
#include "support/modules.h"

/*
 * SoftHSM itself loses a few bytes for each signature with an Ed25519 key that it made, tpm2-pkcs11 the curve's point for each with an EC key: a
 * sanitizer sees only by whole stacks that it was they.
 */
#define SEEN_BY_SANITIZERS __attribute__((visibility("default")))
SEEN_BY_SANITIZERS const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "fast_unwind_on_malloc=0";
}

SEEN_BY_SANITIZERS const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libsofthsm2.so\nleak:libtpm2_pkcs11.so\n";
}

/* --------------------------------------------------------------------------------------------------------------- the table */

enum { SEEN_MAX = 8 };
static struct seen {
    const struct module *module;
    char text[600];
} seen[SEEN_MAX];

/* One more word of what the module did. */
static void saw(const struct module_fixture *f, const char *word)
{
    for (size_t i = 0; i < SEEN_MAX; i++) {
        if (seen[i].module != NULL && seen[i].module != f->module)
            continue;
        size_t used = strlen(seen[i].text);
        seen[i].module = f->module;
        snprintf(seen[i].text + used, sizeof seen[i].text - used, "%s%s", used > 0 ? ", " : "", word);
        return;
    }
}

static int print_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < SEEN_MAX && seen[i].module != NULL; i++)
        printf("# table %s: %s\n", seen[i].module->name, seen[i].text);
    return 0;
}

static bool can(const struct module_fixture *f, unsigned what)
{
    return (f->module->can & what) != 0;
}

/* ----------------------------------------------------------------------------------------------------------------- editing */

/* A store that is read, changed, and written in a transaction of its own. */
struct edit {
    certstore *store;
    certstore_bundle *bundle;
    certstore_error err;
};

static void edit_begin(struct edit *e, const struct module_fixture *f)
{
    *e = (struct edit){ .store = module_store(f) };
    e->bundle = certstore_read(e->store, &e->err);
    if (e->bundle == NULL)
        fail_msg("%s: %s (%s)", f->module->name, e->err.message, e->err.cause);
}

static void edit_drop(struct edit *e)
{
    certstore_bundle_free(e->bundle);
    certstore_free(e->store);
}

static certstore_status edit_end(struct edit *e)
{
    certstore_txn *txn = certstore_txn_begin(&e->err);
    certstore_txn_replace(txn, e->store, e->bundle, &e->err);
    certstore_status status = certstore_txn_commit(txn, &e->err);
    certstore_txn_free(txn);
    edit_drop(e);
    return status;
}

static void must(const struct module_fixture *f, struct edit *e, certstore_status status)
{
    if (status != CERTSTORE_OK)
        fail_msg("%s: %s (%s)", f->module->name, e->err.message, e->err.cause);
}

static void put(struct edit *e, certstore_entry *entry)
{
    certstore_bundle_put(e->bundle, entry, &e->err);
    certstore_entry_free(entry);
}

static void put_trusted(struct edit *e, const struct module_fixture *f, const char *alias, const csi_blob *der)
{
    certstore_entry *entry = certstore_entry_new_trusted(alias, der->data, der->size, &e->err);
    if (f->module->purpose != NULL)
        certstore_entry_add_trust(entry, f->module->purpose, &e->err);
    put(e, entry);
}

static void store_trusted(const struct module_fixture *f, const char *alias, const csi_blob *der)
{
    struct edit e;
    edit_begin(&e, f);
    put_trusted(&e, f, alias, der);
    must(f, &e, edit_end(&e));
}

/* The entry, as somebody who opens the store now sees it, holds that certificate first. */
static bool holds(const struct module_fixture *f, const char *alias, certstore_kind kind, const csi_blob *der)
{
    struct edit e;
    edit_begin(&e, f);
    const certstore_entry *entry = certstore_bundle_find(e.bundle, alias);
    const certstore_cert *cert = entry != NULL ? certstore_entry_cert(entry, 0) : NULL;
    bool good = entry != NULL && certstore_entry_kind(entry) == kind;
    if (der != NULL)
        good = good && cert != NULL && csi_span_equal(csi_span(certstore_cert_data(cert), certstore_cert_size(cert)), csi_blob_span(der));
    edit_drop(&e);
    return good;
}

static size_t count_entries(const struct module_fixture *f)
{
    struct edit e;
    edit_begin(&e, f);
    size_t count = certstore_bundle_count(e.bundle);
    edit_drop(&e);
    return count;
}

static bool is_noted(const struct module_fixture *f, const char *code)
{
    struct edit e;
    bool found = false;
    edit_begin(&e, f);
    const certstore_report *notes = certstore_bundle_notes(e.bundle);
    for (size_t i = 0; i < notes->count; i++)
        found = found || strcmp(notes->rows[i].code, code) == 0;
    edit_drop(&e);
    return found;
}

static void create(const struct module_fixture *f, csi_p11 *token, csi_blob *object)
{
    certstore_error err = { 0 };
    if (csi_p11_create(token, csi_blob_span(object), &err) != CERTSTORE_OK)
        fail_msg("%s: %s (%s)", f->module->name, err.message, err.cause);
}

static csi_blob *cert_of(EVP_PKEY *key, const char *subject)
{
    X509 *cert = make_cert(&(struct make_cert){ .subject = subject, .key = key, .ca = true });
    csi_blob *der = make_der(cert);
    X509_free(cert);
    return der;
}

/* ------------------------------------------------------------------------------------------------------------ certificates */

static void change_certificates(struct module_fixture *f)
{
    struct edit e;
    CSI_AUTO(csi_blob) *first = tokens_der("first", "01");
    CSI_AUTO(csi_blob) *second = tokens_der("second", "02");
    CSI_AUTO(csi_blob) *bystander = tokens_der("bystander", "03");
    store_trusted(f, "bystander", bystander);
    store_trusted(f, "ca", first);
    assert_true(holds(f, "ca", CERTSTORE_TRUSTED, first));
    edit_begin(&e, f);
    certstore_bundle_remove(e.bundle, "ca", &e.err);
    put_trusted(&e, f, "ca", second);
    must(f, &e, edit_end(&e));
    assert_true(holds(f, "ca", CERTSTORE_TRUSTED, second));
    edit_begin(&e, f);
    certstore_bundle_rename(e.bundle, "ca", "ca-2", &e.err);
    must(f, &e, edit_end(&e));
    assert_true(holds(f, "ca-2", CERTSTORE_TRUSTED, second));
    edit_begin(&e, f);
    certstore_bundle_remove(e.bundle, "ca-2", &e.err);
    must(f, &e, edit_end(&e));
    assert_int_equal(count_entries(f), 1);
    assert_true(holds(f, "bystander", CERTSTORE_TRUSTED, bystander));
    saw(f, "certificates written, replaced, renamed, removed");
}

static void certificates_are_written_replaced_renamed_and_removed(void **state)
{
    (void)state;
    with_each_module(change_certificates);
}

static void ask_for_trust(struct module_fixture *f)
{
    struct edit e;
    char word[80];
    CSI_AUTO(csi_blob) *der = tokens_der("root", "01");
    store_trusted(f, "root", der);
    edit_begin(&e, f);
    const certstore_entry *entry = certstore_bundle_find(e.bundle, "root");
    assert_non_null(entry);
    assert_int_equal(certstore_entry_trust_count(entry), f->module->purpose != NULL);
    if (f->module->purpose != NULL)
        assert_string_equal(certstore_entry_trust(entry, 0), f->module->purpose);
    edit_drop(&e);
    snprintf(word, sizeof word, "trust read back: %s", f->module->purpose != NULL ? f->module->purpose : "by presence");
    saw(f, word);
}

static void trust_is_read_back_as_it_was_written(void **state)
{
    (void)state;
    with_each_module(ask_for_trust);
}

static void write_twice(struct module_fixture *f)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_blob) *der = tokens_der("one", "01");
    CSI_AUTO(csi_blob) *first = tokens_certificate("one", "\x01", der);
    CSI_AUTO(csi_blob) *second = tokens_certificate("two", "\x02", der);
    CSI_AUTO(csi_p11) *token = module_token(f, f->pin);
    create(f, token, first);
    certstore_status status = csi_p11_create(token, csi_blob_span(second), &err);
    assert_int_equal(status, can(f, MODULE_DUPLICATES) ? CERTSTORE_OK : CERTSTORE_E_EXISTS);
    assert_int_equal(tokens_count(token, CKO_CERTIFICATE), can(f, MODULE_DUPLICATES) ? 2 : 1);
    struct edit e;
    edit_begin(&e, f);
    CSI_AUTO(certstore_report) *report = certstore_bundle_verify(e.bundle, MAKE_NOW, 30, &e.err);
    bool found = false;
    for (size_t i = 0; report != NULL && i < report->count; i++)
        found = found || strcmp(report->rows[i].code, "duplicate-certificate") == 0;
    edit_drop(&e);
    assert_int_equal(found, can(f, MODULE_DUPLICATES));
    saw(f, found ? "a certificate twice is a finding" : "one certificate an issuer and serial number");
}

static void a_certificate_twice_is_a_finding_or_refused(void **state)
{
    (void)state;
    with_each_module(write_twice);
}

/* -------------------------------------------------------------------------------------------------------------------- keys */

/* A key that is on the token under the label "web", however it comes there; its public key is the caller's. NULL where none does. */
static EVP_PKEY *key_on(const struct module_fixture *f, const char *type)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_p11) *token = module_token(f, f->pin);
    if (can(f, MODULE_KEYS)) {
        CSI_AUTO(csi_blob) *object = tokens_private_key("web", "\x01", type);
        create(f, token, object);
    } else if (can(f, MODULE_GENERATES)) {
        CSI_AUTO_OBJECTS made = { 0 };
        if (csi_p11_generate(token, type, "web", csi_span("\x01", 1), NULL, &made, &err) != CERTSTORE_OK)
            fail_msg("%s: %s (%s)", f->module->name, err.message, err.cause);
    } else {
        return NULL;
    }
    if (can(f, MODULE_KEYS)) {
        EVP_PKEY_up_ref(make_key(type, 1));
        return make_key(type, 1);
    }
    struct edit e;
    edit_begin(&e, f);
    certstore_bytes *spki = certstore_entry_export_public_key(certstore_bundle_find(e.bundle, "web"), &e.err);
    assert_non_null(spki);
    const unsigned char *at = certstore_bytes_data(spki);
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)certstore_bytes_size(spki));
    certstore_bytes_free(spki);
    edit_drop(&e);
    assert_non_null(key);
    return key;
}

/* A certificate for it, from an authority: whose key it is does not sign. */
static csi_blob *issued(EVP_PKEY *key, const char *subject)
{
    X509 *cert = make_cert(&(struct make_cert){ .subject = subject, .key = key, .issuer = "CN=Issuer", .signer_key = make_key("EC:P-256", 8) });
    csi_blob *der = make_der(cert);
    X509_free(cert);
    return der;
}

static void renew(const struct module_fixture *f, const csi_blob *der)
{
    struct edit e;
    edit_begin(&e, f);
    certstore_entry *entry = certstore_entry_copy(certstore_bundle_find(e.bundle, "web"), &e.err);
    certstore_entry_clear_certs(entry, &e.err);
    certstore_entry_add_cert(entry, der->data, der->size, &e.err);
    put(&e, entry);
    must(f, &e, edit_end(&e));
    assert_true(holds(f, "web", CERTSTORE_KEY, der));
}

static void change_pair(struct module_fixture *f)
{
    struct edit e;
    EVP_PKEY *key = key_on(f, "EC:P-256");
    if (key == NULL)
        return;
    CSI_AUTO(csi_blob) *first = issued(key, "CN=first");
    CSI_AUTO(csi_blob) *second = issued(key, "CN=second");
    EVP_PKEY_free(key);
    renew(f, first);
    renew(f, second);
    assert_int_equal(count_entries(f), 1);
    edit_begin(&e, f);
    certstore_bundle_rename(e.bundle, "web", "site", &e.err);
    certstore_status renamed = edit_end(&e);
    if (can(f, MODULE_RENAMES))
        must(f, &e, renamed);
    else
        assert_int_equal(renamed, CERTSTORE_E_UNSUPPORTED);
    const char *name = can(f, MODULE_RENAMES) ? "site" : "web";
    assert_true(holds(f, name, CERTSTORE_KEY, second));
    edit_begin(&e, f);
    certstore_bundle_remove(e.bundle, name, &e.err);
    assert_int_equal(edit_end(&e), CERTSTORE_E_LOSSY); /* no key is destroyed unasked */
    certstore_error_clear(&e.err);
    certstore_options_set_destroy_keys(f->opts, 1, &e.err);
    edit_begin(&e, f);
    certstore_bundle_remove(e.bundle, name, &e.err);
    must(f, &e, edit_end(&e));
    assert_int_equal(count_entries(f), 0);
    saw(f, "a key's certificate renewed, the pair destroyed when asked");
    saw(f, can(f, MODULE_RENAMES) ? "pairs renamed" : "no pair renamed");
}

static void a_pair_is_renewed_renamed_and_destroyed_only_when_asked(void **state)
{
    (void)state;
    with_each_module(change_pair);
}

static void pair_by_each(struct module_fixture *f)
{
    EVP_PKEY *key = key_on(f, "RSA:2048");
    if (key == NULL)
        return;
    CSI_AUTO(csi_p11) *token = module_token(f, f->pin);
    CSI_AUTO(csi_blob) *der = issued(key, "CN=fits");
    CSI_AUTO(csi_blob) *foreign_der = issued(make_key("RSA:2048", 2), "CN=foreign");
    CSI_AUTO(csi_blob) *cert = tokens_certificate("elsewhere", "\x63", der);
    CSI_AUTO(csi_blob) *foreign = tokens_certificate("web", "\x01", foreign_der);
    EVP_PKEY_free(key);
    create(f, token, foreign);
    csi_p11_free(csi_steal(&token));
    assert_true(is_noted(f, "key-mismatch"));
    token = module_token(f, f->pin);
    create(f, token, cert);
    csi_p11_free(csi_steal(&token));
    assert_true(holds(f, "web", CERTSTORE_KEY, der)); /* label and ID say the other one */
    saw(f, "pairs by public key, a mismatch is a finding");
}

static void pairs_are_made_by_public_key_before_id_and_label(void **state)
{
    (void)state;
    with_each_module(pair_by_each);
}

/* A key entry with its certificate, out of a file. */
static certstore_status import_pair(const struct module_fixture *f, const csi_blob *der, certstore_error *err)
{
    struct edit e;
    CSI_AUTO(csi_blob) *pkcs8 = make_pkcs8(make_key("EC:P-256", 3));
    edit_begin(&e, f);
    certstore_entry *entry = certstore_entry_new_key("import", pkcs8->data, pkcs8->size, &e.err);
    certstore_entry_add_cert(entry, der->data, der->size, &e.err);
    put(&e, entry);
    certstore_status status = edit_end(&e);
    *err = e.err;
    return status;
}

static void import(struct module_fixture *f)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_blob) *der = cert_of(make_key("EC:P-256", 3), "CN=import");
    certstore_status status = import_pair(f, der, &err);
    if (can(f, MODULE_KEYS)) {
        assert_string_equal(err.message, "");
        assert_true(holds(f, "import", CERTSTORE_KEY, der));
    } else {
        assert_true(status == CERTSTORE_E_UNSUPPORTED || status == CERTSTORE_E_LOSSY);
        assert_int_equal(count_entries(f), 0);
    }
    saw(f, can(f, MODULE_KEYS) ? "private keys come in" : "no private key comes in");
}

static void a_private_key_comes_in_or_is_refused_and_leaves_nothing(void **state)
{
    (void)state;
    with_each_module(import);
}

static certstore_status try_secret(const struct module_fixture *f)
{
    struct edit e;
    edit_begin(&e, f);
    put(&e, certstore_entry_new_secret("aes", "AES", (const uint8_t *)"0123456789abcdef", 16, &e.err));
    return edit_end(&e);
}

static void write_others(struct module_fixture *f)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_blob) *data = tokens_data("note", csi_span("some text", 9));
    CSI_AUTO(csi_blob) *spki = make_spki(make_key("EC:P-256", 4));
    CSI_AUTO_DRAFT draft = { 0 };
    csi_object_put_number(&draft, CKA_CLASS, CKO_PUBLIC_KEY);
    assert_true(csi_object_put_spki(&draft, csi_blob_span(spki), true));
    csi_object_put(&draft, CKA_LABEL, csi_span_text("public"));
    csi_object_put(&draft, CKA_ID, csi_span_text("public"));
    CSI_AUTO(csi_blob) *public_key = csi_object_finish(&draft, &err);
    CSI_AUTO(csi_p11) *token = module_token(f, f->pin);
    assert_int_equal(csi_p11_create(token, csi_blob_span(data), &err) == CERTSTORE_OK, can(f, MODULE_DATA));
    certstore_error_clear(&err);
    assert_int_equal(csi_p11_create(token, csi_blob_span(public_key), &err) == CERTSTORE_OK, can(f, MODULE_PUBLIC));
    csi_p11_free(csi_steal(&token));
    assert_int_equal(try_secret(f) == CERTSTORE_OK, can(f, MODULE_SECRETS));
    assert_int_equal(holds(f, "aes", CERTSTORE_SECRET, NULL), can(f, MODULE_SECRETS));
    saw(f, can(f, MODULE_SECRETS) ? "secret keys" : "no secret keys");
    saw(f, can(f, MODULE_DATA) ? "data" : "no data");
    saw(f, can(f, MODULE_PUBLIC) ? "public keys" : "no lone public keys");
}

static void secret_keys_data_and_public_keys_are_taken_or_refused(void **state)
{
    (void)state;
    with_each_module(write_others);
}

/* ----------------------------------------------------------------------------------------------------------------- using them */

static const struct way {
    const char *type;
    const char *digest;
    const char *padding;
    const char *word;
} ways[] = {
    { "RSA:2048", "SHA256", "pkcs1", "RSA PKCS#1" }, { "RSA:2048", "SHA256", "pss", "RSA-PSS" }, { "EC:P-256", "SHA256", "", "ECDSA P-256" },
    { "EC:P-384", "SHA384", "", "ECDSA P-384" },     { "ED25519", "", "", "Ed25519" },
};

/* Made there, and signs there: what it gives is good for the public key. */
static certstore_status make_and_sign(const struct module_fixture *f, const struct way *way)
{
    static const uint8_t digest[48] = { 7 };
    certstore_error err = { 0 };
    CSI_AUTO(csi_p11) *token = module_token(f, f->pin);
    CSI_AUTO_OBJECTS made = { 0 };
    if (csi_p11_generate(token, way->type, way->word, csi_span_text(way->word), NULL, &made, &err) != CERTSTORE_OK)
        return err.status;
    csi_p11_free(csi_steal(&token));
    struct edit e;
    edit_begin(&e, f);
    const certstore_entry *entry = certstore_bundle_find(e.bundle, way->word);
    size_t size = strcmp(way->digest, "SHA384") == 0 ? 48 : 32;
    certstore_bytes *signature = certstore_key_sign(entry, way->digest, way->padding, digest, size, &e.err);
    certstore_bytes *spki = certstore_entry_export_public_key(entry, &e.err);
    if (signature == NULL || spki == NULL)
        fail_msg("%s: %s: %s (%s)", f->module->name, way->word, e.err.message, e.err.cause);
    const unsigned char *at = certstore_bytes_data(spki);
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)certstore_bytes_size(spki));
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    EVP_MD_CTX *whole = EVP_MD_CTX_new();
    int good = 0;
    if (way->digest[0] == '\0') {
        good = EVP_DigestVerifyInit(whole, NULL, NULL, NULL, key) == 1 &&
               EVP_DigestVerify(whole, certstore_bytes_data(signature), certstore_bytes_size(signature), digest, size) == 1;
    } else {
        good = EVP_PKEY_verify_init(context) == 1 && EVP_PKEY_CTX_set_signature_md(context, EVP_get_digestbyname(way->digest)) == 1 &&
               (strcmp(way->padding, "pss") != 0 || EVP_PKEY_CTX_ctrl_str(context, "rsa_padding_mode", "pss") == 1) &&
               EVP_PKEY_verify(context, certstore_bytes_data(signature), certstore_bytes_size(signature), digest, size) == 1;
    }
    EVP_MD_CTX_free(whole);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    certstore_bytes_free(signature);
    certstore_bytes_free(spki);
    edit_drop(&e);
    assert_int_equal(good, 1);
    return CERTSTORE_OK;
}

static void sign_every_way(struct module_fixture *f)
{
    if (!can(f, MODULE_GENERATES)) {
        assert_int_not_equal(make_and_sign(f, &ways[0]), CERTSTORE_OK);
        saw(f, "makes no keys");
        return;
    }
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        char word[64];
        certstore_status status = make_and_sign(f, &ways[i]);
        bool is_common = strcmp(ways[i].type, "RSA:2048") == 0 || strcmp(ways[i].type, "EC:P-256") == 0;
        if (is_common)
            assert_int_equal(status, CERTSTORE_OK);
        snprintf(word, sizeof word, "%s%s", status == CERTSTORE_OK ? "makes and signs " : "no ", ways[i].word);
        saw(f, word);
    }
}

static void keys_that_the_token_makes_sign(void **state)
{
    (void)state;
    with_each_module(sign_every_way);
}

/* Measured, not asked for: no store needs it. What is claimed to be done is looked at. */
static void wrap_and_copy(struct module_fixture *f)
{
    certstore_error err = { 0 };
    if (!can(f, MODULE_SECRETS) || !can(f, MODULE_GENERATES)) {
        saw(f, "does not wrap");
        return;
    }
    CSI_AUTO(csi_p11) *token = module_token(f, f->pin);
    CSI_AUTO(csi_blob) *wrapping = tokens_aes("wrapping", false);
    CSI_AUTO_OBJECTS made = { 0 };
    CSI_AUTO_BUF wrapped = { 0 };
    const struct csi_key_policy policy = { .extractable = true };
    create(f, token, wrapping);
    assert_int_equal(csi_p11_generate(token, "RSA:2048", "moved", csi_span("\x05", 1), &policy, &made, &err), CERTSTORE_OK);
    CSI_AUTO(csi_blob) *key = tokens_find(token, CKO_PRIVATE_KEY, "moved");
    CSI_AUTO(csi_blob) *aes = tokens_find(token, CKO_SECRET_KEY, "wrapping");
    certstore_status status = csi_p11_wrap(token, csi_blob_span(key), csi_blob_span(aes), &wrapped, &err);
    if (status == CERTSTORE_OK) {
        assert_int_equal(csi_p11_destroy(token, csi_blob_span(key), &err), CERTSTORE_OK);
        assert_int_equal(csi_p11_unwrap(token, csi_blob_span(key), csi_blob_span(aes), csi_buf_span(&wrapped), &err), CERTSTORE_OK);
        assert_int_equal(tokens_count(token, CKO_PRIVATE_KEY), 1);
    } else {
        assert_int_equal(status, CERTSTORE_E_UNSUPPORTED);
        assert_int_equal(tokens_count(token, CKO_PRIVATE_KEY), 1);
    }
    saw(f, status == CERTSTORE_OK ? "wraps and unwraps" : "does not wrap");
}

static void a_key_that_was_wrapped_comes_back_or_stays(void **state)
{
    (void)state;
    with_each_module(wrap_and_copy);
}

/* ------------------------------------------------------------------------------------------------------- doors that are closed */

static void write_protected(struct module_fixture *f)
{
    struct edit e;
    CSI_AUTO(csi_blob) *der = tokens_der("one", "01");
    tokens_shim.token_flags = CKF_WRITE_PROTECTED;
    edit_begin(&e, f);
    assert_int_equal(certstore_store_capabilities(e.store) & CERTSTORE_CAN_WRITE, 0);
    put_trusted(&e, f, "one", der);
    assert_int_equal(edit_end(&e), CERTSTORE_E_READ_ONLY);
    assert_non_null(strstr(e.err.message, strncmp(f->uri, "nss:", 4) == 0 ? f->uri + 4 : "token="));
    tokens_shim.token_flags = 0;
    assert_int_equal(count_entries(f), 0);
}

static void a_token_that_is_read_only_is_refused_by_name(void **state)
{
    (void)state;
    with_each_module(write_protected);
}

static void present_wrong_pin(struct module_fixture *f)
{
    certstore_error err = { 0 };
    if (!can(f, MODULE_LOGIN))
        return;
    certstore_options_set_password(f->opts, (const uint8_t *)TOKEN_WRONG_PIN, strlen(TOKEN_WRONG_PIN), &err);
    certstore *store = module_store(f);
    tokens_shim.logins = 0;
    for (int i = 0; i < 3; i++) {
        certstore_error refused = { 0 };
        assert_null(certstore_read(store, &refused));
        assert_int_equal(refused.status, CERTSTORE_E_PASSWORD);
        assert_null(strstr(refused.message, TOKEN_WRONG_PIN));
    }
    assert_int_equal(tokens_shim.logins, 1);
    certstore_free(store);
    certstore_options_set_password(f->opts, (const uint8_t *)f->pin, strlen(f->pin), &err);
    assert_int_equal(count_entries(f), 0);
    saw(f, "a wrong PIN is presented once");
}

static void a_wrong_pin_is_never_presented_twice(void **state)
{
    (void)state;
    with_each_module(present_wrong_pin);
}

static void see_others(struct module_fixture *f)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_blob) *der = tokens_der("theirs", "07");
    CSI_AUTO(csi_blob) *ours = tokens_der("ours", "08");
    struct edit e;
    edit_begin(&e, f);
    assert_int_equal(certstore_bundle_count(e.bundle), 0);
    f->module->write_elsewhere(f, "theirs", der);
    certstore_bundle *now = certstore_read(e.store, &err);
    if (now == NULL)
        fail_msg("%s: %s (%s)", f->module->name, err.message, err.cause);
    assert_int_equal(certstore_bundle_count(now), 1);
    certstore_bundle_free(now);
    put_trusted(&e, f, "ours", ours);
    assert_int_equal(edit_end(&e), CERTSTORE_E_CONFLICT); /* it was read before */
    store_trusted(f, "ours", ours);
    assert_int_equal(count_entries(f), 2);
    saw(f, "another process's writing is seen");
}

static void what_another_process_writes_is_seen_and_never_overwritten(void **state)
{
    (void)state;
    with_each_module(see_others);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates_are_written_replaced_renamed_and_removed),
        cmocka_unit_test(trust_is_read_back_as_it_was_written),
        cmocka_unit_test(a_certificate_twice_is_a_finding_or_refused),
        cmocka_unit_test(a_pair_is_renewed_renamed_and_destroyed_only_when_asked),
        cmocka_unit_test(pairs_are_made_by_public_key_before_id_and_label),
        cmocka_unit_test(a_private_key_comes_in_or_is_refused_and_leaves_nothing),
        cmocka_unit_test(secret_keys_data_and_public_keys_are_taken_or_refused),
        cmocka_unit_test(keys_that_the_token_makes_sign),
        cmocka_unit_test(a_key_that_was_wrapped_comes_back_or_stays),
        cmocka_unit_test(a_token_that_is_read_only_is_refused_by_name),
        cmocka_unit_test(a_wrong_pin_is_never_presented_twice),
        cmocka_unit_test(what_another_process_writes_is_seen_and_never_overwritten),
    };
    return cmocka_run_group_tests(tests, NULL, print_table);
}
