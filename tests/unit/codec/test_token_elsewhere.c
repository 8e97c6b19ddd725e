/* SPDX-License-Identifier: Apache-2.0 */
/* test_token_elsewhere.c: what becomes of a token's entries in files: keys that leave go along, those that do not are named first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <p11-kit/pkcs11.h>

#include "support/codec.h"
#include "support/token.h"

static const struct csi_codec *const files[] = { &csi_codec_pem, &csi_codec_pkcs12, &csi_codec_jks, &csi_codec_jceks };
enum { FILES = sizeof files / sizeof *files };

/* A token that gives its keys away. */
static csi_blob *given;
static certstore_status gives(struct csi_remote *remote, struct csi_span object, struct csi_plain_key *plain, certstore_error *err)
{
    (void)remote;
    (void)object;
    plain->bytes = csi_secret_new(given->data, given->size, err);
    return err->status;
}

static certstore_status encode(const struct csi_codec *codec, const certstore_bundle *bundle, char message[512])
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_parts) *parts = csi_parts_new(&err);
    CSI_AUTO(csi_passwords) *passwords = codec_passwords("changeit", NULL);
    const struct csi_encode in = { .passwords = passwords, .protect = passwords, .part_count = 1, .limits = &csi_limits_default };
    codec->encode(bundle, &in, parts, &err);
    memcpy(message, err.message, sizeof err.message);
    return err.status;
}

static void a_key_that_stays_on_its_token_is_named_and_no_file_is_made_without_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < FILES; i++) {
        certstore_error err = { 0 };
        char message[512];
        struct token token;
        struct make_chain chain = make_chain("web.example", "EC:P-256", 1);
        token_begin(&token, CSI_TOKEN_WRITABLE);
        token_add(&token, token_private(TOKEN_SOFTHSM, chain.key, "web", "01"));
        token_add(&token, token_cert(TOKEN_SOFTHSM, chain.leaf, "web", "01"));
        token_add(&token, token_cert(TOKEN_SOFTHSM, chain.root, "root", NULL));
        CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_pkcs11);
        CSI_AUTO(certstore_report) *losses = csi_report_new(&err);
        assert_int_equal(files[i]->losses(bundle, losses, &err), CERTSTORE_OK);
        assert_true(token_noted(losses, "key-bound", "web"));
        assert_false(token_noted(losses, "key-bound", "root"));
        CSI_AUTO(certstore_report) *left_out = csi_report_new(&err);
        left_out->left_out_only = true; /* a status of its own says more */
        assert_int_equal(files[i]->losses(bundle, left_out, &err), CERTSTORE_OK);
        assert_int_equal(certstore_report_count(left_out), 0);
        assert_int_equal(encode(files[i], bundle, message), CERTSTORE_E_BOUND);
        assert_int_equal(csi_bundle_remove(bundle, "web", &err), CERTSTORE_OK);
        assert_int_equal(encode(files[i], bundle, message), CERTSTORE_OK);
        certstore_bundle_free(csi_steal(&bundle));
        make_chain_free(&chain);
        token_end(&token);
    }
}

static void a_key_that_its_token_gives_goes_along(void **state)
{
    (void)state;
    for (size_t i = 0; i < FILES; i++) {
        certstore_error err = { 0 };
        certstore_status status;
        struct token token;
        struct make_chain chain = make_chain("web.example", "EC:P-256", 1);
        CSI_AUTO(csi_blob) *bound = token_private(TOKEN_SOFTHSM, chain.key, "web", "01");
        given = make_pkcs8(chain.key);
        token_begin(&token, CSI_TOKEN_WRITABLE);
        token.remote.open = gives;
        token_add(&token, token_with_flag(bound, CKA_EXTRACTABLE, true));
        token_add(&token, token_cert(TOKEN_SOFTHSM, chain.leaf, "web", "01"));
        CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_pkcs11);
        CSI_AUTO(certstore_report) *losses = csi_report_new(&err);
        assert_int_equal(files[i]->losses(bundle, losses, &err), CERTSTORE_OK);
        assert_false(token_noted(losses, "key-bound", NULL));
        CSI_AUTO(csi_passwords) *passwords = codec_passwords("changeit", NULL);
        CSI_AUTO(csi_blob) *bytes = codec_encode(files[i], bundle, passwords, CSI_PROFILE_DEFAULT);
        CSI_AUTO(certstore_bundle) *copy = codec_decode(files[i], bytes, passwords, &status);
        assert_int_equal(status, CERTSTORE_OK);
        assert_int_equal(copy->count, 1);
        assert_true(csi_key_same(copy->entries[0]->key, bundle->entries[0]->key, "web"));
        assert_true(codec_same_certs(copy->entries[0], bundle->entries[0]));
        certstore_bundle_free(csi_steal(&bundle));
        csi_blob_free(given);
        make_chain_free(&chain);
        token_end(&token);
    }
}

static void a_copy_from_token_to_token_names_the_keys_that_stay(void **state)
{
    (void)state;
    static const struct csi_codec *const tokens[] = { &csi_codec_pkcs11, &csi_codec_nss };
    for (size_t i = 0; i < 2; i++) {
        certstore_error err = { 0 };
        struct token token;
        token_begin(&token, CSI_TOKEN_WRITABLE);
        token_add(&token, token_private(TOKEN_SOFTHSM, make_key("RSA:2048", 1), "web", "01"));
        token_add(&token, token_aes("backup", "06"));
        CSI_AUTO(certstore_bundle) *bundle = token_read(&token, &csi_codec_pkcs11);
        CSI_AUTO(certstore_report) *losses = csi_report_new(&err);
        assert_int_equal(tokens[i]->losses(bundle, losses, &err), CERTSTORE_OK);
        assert_true(token_noted(losses, "key-bound", "web"));
        assert_true(token_noted(losses, "key-bound", "backup"));
        certstore_bundle_free(csi_steal(&bundle));
        token_end(&token);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_that_stays_on_its_token_is_named_and_no_file_is_made_without_it),
        cmocka_unit_test(a_key_that_its_token_gives_goes_along),
        cmocka_unit_test(a_copy_from_token_to_token_names_the_keys_that_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
