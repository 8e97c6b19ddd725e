/* SPDX-License-Identifier: Apache-2.0 */
/* test_nss.c: NSS databases through softokn: several in one process, its rule of one certificate an issuer and serial number, trust, keys,
 * certutil. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "support/faulty_os.h"
#include "support/make.h"
#include "support/tokens.h"

struct fixture {
    char *folder;
    char *database;
    csi_p11 *token;
    certstore_error err;
};

static void begin(struct fixture *f, const char *password)
{
    *f = (struct fixture){ .folder = test_dir_new() };
    f->database = tokens_nss_make(f->folder, "db", password);
    f->token = tokens_open_nss(f->database, password[0] != '\0' ? password : NULL, &f->err);
    if (f->token == NULL)
        fail_msg("%s (%s)", f->err.message, f->err.cause);
}

static void end(struct fixture *f)
{
    csi_p11_free(f->token);
    free(f->database);
    test_dir_remove(f->folder);
}

static void create(struct fixture *f, csi_p11 *token, csi_blob *object)
{
    if (csi_p11_create(token, csi_blob_span(object), &f->err) != CERTSTORE_OK)
        fail_msg("create: %s (%s)", f->err.message, f->err.cause);
}

static void a_certificate_is_made_and_certutil_sees_it(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, TOKEN_PIN);
    char command[512];
    CSI_AUTO(csi_blob) *der = tokens_der("one", "01");
    CSI_AUTO(csi_blob) *cert = tokens_certificate("one", "\x01", der);
    create(&f, f.token, cert);
    CSI_AUTO(csi_blob) *read = tokens_find(f.token, CKO_CERTIFICATE, "one");
    assert_non_null(read);
    snprintf(command, sizeof command, "certutil -L -d 'sql:%s' -n one >/dev/null 2>&1", f.database);
    assert_int_equal(system(command), 0);
    assert_int_equal(csi_p11_destroy(f.token, csi_blob_span(cert), &f.err), CERTSTORE_OK);
    assert_int_not_equal(system(command), 0);
    assert_string_equal(csi_p11_info(f.token)->directory, f.database);
    assert_int_equal(csi_p11_info(f.token)->traits, CSI_TOKEN_NSS_TRUST | CSI_TOKEN_KEYS | CSI_TOKEN_SECRETS | CSI_TOKEN_WRITABLE);
    end(&f);
}

static void a_second_certificate_of_an_issuer_and_serial_number_exists_already(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, TOKEN_PIN);
    CSI_AUTO(csi_blob) *der = tokens_der("one", "01");
    CSI_AUTO(csi_blob) *cert = tokens_certificate("one", "\x01", der);
    create(&f, f.token, cert);
    assert_int_equal(csi_p11_create(f.token, csi_blob_span(cert), &f.err), CERTSTORE_E_EXISTS);
    assert_int_equal(tokens_count(f.token, CKO_CERTIFICATE), 1);
    end(&f);
}

/* The same answer for another reason is not said to be a duplicate. */
static void a_general_error_is_no_duplicate_by_itself(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, TOKEN_PIN);
    CSI_AUTO(csi_blob) *der = tokens_der("one", "01");
    CSI_AUTO(csi_blob) *cert = tokens_certificate("one", "\x01", der);
    tokens_spy_on(f.token);
    tokens_spy.refuse.function = "C_CreateObject";
    tokens_spy.refuse.answer = CKR_GENERAL_ERROR;
    tokens_spy.refuse.times = 1;
    assert_int_equal(csi_p11_create(f.token, csi_blob_span(cert), &f.err), CERTSTORE_E_IO);
    tokens_spy_off();
    end(&f);
}

static void trust_is_an_object_that_certutil_believes(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, TOKEN_PIN);
    char command[512];
    CSI_AUTO(csi_blob) *der = tokens_der("root", "01");
    CSI_AUTO(csi_blob) *cert = tokens_certificate("root", "\x01", der);
    create(&f, f.token, cert);
    CSI_AUTO(csi_blob) *trust = tokens_trust(cert);
    create(&f, f.token, trust);
    snprintf(command, sizeof command, "certutil -L -d 'sql:%s' | grep -q '^root  *C,,'", f.database);
    assert_int_equal(system(command), 0);
    assert_int_equal(tokens_count(f.token, CKO_NSS_TRUST), 1);
    assert_int_equal(csi_p11_destroy(f.token, csi_blob_span(trust), &f.err), CERTSTORE_OK);
    assert_int_equal(tokens_count(f.token, CKO_NSS_TRUST), 0);
    end(&f);
}

static void keys_are_made_and_sign(void **state)
{
    (void)state;
    static const char *const types[] = { "RSA:2048", "EC:P-256", "EC:P-384" };
    static const uint8_t digest[32] = { 7 };
    struct fixture f;
    begin(&f, TOKEN_PIN);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char id[2] = { (char)('1' + i), '\0' };
        CSI_AUTO(csi_blob) *asked = tokens_private_key(types[i], id, types[i]);
        create(&f, f.token, asked);
        CSI_AUTO(csi_blob) *key = tokens_find(f.token, CKO_PRIVATE_KEY, types[i]);
        assert_non_null(key);
        CK_MECHANISM mechanism = { i == 0 ? CKM_RSA_PKCS : CKM_ECDSA, NULL, 0 };
        CSI_AUTO_BUF out = { 0 };
        if (csi_p11_sign(f.token, csi_blob_span(key), &mechanism, csi_span(digest, sizeof digest), &out, &f.err) != CERTSTORE_OK)
            fail_msg("%s: %s (%s)", types[i], f.err.message, f.err.cause);
        assert_true(out.size >= 64);
    }
    CSI_AUTO_OBJECTS made = { 0 };
    if (csi_p11_generate(f.token, "EC:P-256", "born here", csi_span(NULL, 0), NULL, &made, &f.err) != CERTSTORE_OK ||
        csi_p11_generate(f.token, "RSA:2048", "born too", csi_span(NULL, 0), NULL, &made, &f.err) != CERTSTORE_OK)
        fail_msg("generate: %s (%s)", f.err.message, f.err.cause);
    /* NSS's programs find a certificate's RSA key by SHA-1 of the modulus. */
    struct csi_span modulus;
    struct csi_span id;
    uint8_t sha1[SHA_DIGEST_LENGTH];
    assert_true(csi_object_get(csi_blob_span(made.items[2]), CKA_MODULUS, &modulus));
    assert_true(csi_object_get(csi_blob_span(made.items[2]), CKA_ID, &id));
    SHA1(modulus.data, modulus.size, sha1);
    assert_int_equal(id.size, sizeof sha1);
    assert_memory_equal(id.data, sha1, sizeof sha1);
    end(&f);
}

/* softokn passes over the arguments of a second initialisation, and would show the first database under the second one's name. */
static void several_databases_are_kept_apart(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, TOKEN_PIN);
    char *other = tokens_nss_make(f.folder, "other", "");
    CSI_AUTO(csi_p11) *second = tokens_open_nss(other, NULL, &f.err);
    if (second == NULL)
        fail_msg("%s (%s)", f.err.message, f.err.cause);
    CSI_AUTO(csi_p11) *first_again = tokens_open_nss(f.database, TOKEN_PIN, &f.err);
    assert_non_null(first_again);
    CSI_AUTO(csi_blob) *der = tokens_der("one", "01");
    CSI_AUTO(csi_blob) *cert = tokens_certificate("one", "\x01", der);
    create(&f, second, cert);
    assert_int_equal(tokens_count(second, CKO_CERTIFICATE), 1);
    assert_int_equal(tokens_count(f.token, CKO_CERTIFICATE), 0);
    assert_int_equal(tokens_count(first_again, CKO_CERTIFICATE), 0);
    create(&f, f.token, cert);
    assert_int_equal(tokens_count(first_again, CKO_CERTIFICATE), 1);
    free(other);
    end(&f);
}

static void a_database_without_a_password_wants_none(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, "");
    assert_false(csi_p11_info(f.token)->login_required);
    assert_int_equal(csi_p11_login(f.token, &f.err), CERTSTORE_OK);
    CSI_AUTO(csi_blob) *asked = tokens_private_key("key", "\x01", "RSA:2048");
    create(&f, f.token, asked);
    assert_int_equal(tokens_count(f.token, CKO_PRIVATE_KEY), 1);
    end(&f);
}

static void a_wrong_password_is_refused_once(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, TOKEN_PIN);
    CSI_AUTO(csi_p11) *wrong = tokens_open_nss(f.database, TOKEN_WRONG_PIN, &f.err);
    assert_non_null(wrong);
    tokens_spy_on(wrong);
    for (int i = 0; i < 3; i++) {
        certstore_error err = { 0 };
        assert_int_equal(csi_p11_login(wrong, &err), CERTSTORE_E_PASSWORD);
    }
    assert_int_equal(tokens_spy.logins, 1);
    tokens_spy_off();
    end(&f);
}

static void what_another_process_writes_is_seen(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, TOKEN_PIN);
    char command[1024];
    CSI_AUTO(csi_blob) *der = tokens_der("theirs", "05");
    char path[512];
    snprintf(path, sizeof path, "%s/theirs.der", f.folder);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(der->data, 1, der->size, file), der->size);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(tokens_count(f.token, CKO_CERTIFICATE), 0);
    snprintf(command, sizeof command, "certutil -A -d 'sql:%s' -n theirs -t C,, -i '%s' -f '%s/db.password'", f.database, path, f.folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(tokens_count(f.token, CKO_CERTIFICATE), 1);
    assert_int_equal(tokens_count(f.token, CKO_NSS_TRUST), 1);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_is_made_and_certutil_sees_it),
        cmocka_unit_test(a_second_certificate_of_an_issuer_and_serial_number_exists_already),
        cmocka_unit_test(a_general_error_is_no_duplicate_by_itself),
        cmocka_unit_test(trust_is_an_object_that_certutil_believes),
        cmocka_unit_test(keys_are_made_and_sign),
        cmocka_unit_test(several_databases_are_kept_apart),
        cmocka_unit_test(a_database_without_a_password_wants_none),
        cmocka_unit_test(a_wrong_password_is_refused_once),
        cmocka_unit_test(what_another_process_writes_is_seen),
    };
    return cmocka_run_group_tests_name("p11 nss", tests, NULL, NULL);
}
