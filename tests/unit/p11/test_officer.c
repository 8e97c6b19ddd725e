/* SPDX-License-Identifier: Apache-2.0 */
/* test_officer.c: certificates that the security officer of a SoftHSM token marks as trusted, and PINs that are changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/faulty_os.h"
#include "support/make.h"
#include "support/tokens.h"

struct fixture {
    char *folder;
    csi_p11 *token;
    certstore_error err;
};

static void begin(struct fixture *f)
{
    *f = (struct fixture){ .folder = test_dir_new() };
    tokens_softhsm_begin(f->folder);
    tokens_softhsm_add("box");
    f->token = tokens_open_softhsm("box", TOKEN_PIN, &f->err);
    if (f->token == NULL)
        fail_msg("%s (%s)", f->err.message, f->err.cause);
}

static void end(struct fixture *f)
{
    csi_p11_free(f->token);
    test_dir_remove(f->folder);
}

static void give_officer(struct fixture *f, const char *pin)
{
    CSI_AUTO(csi_secret) *secret = csi_secret_new(pin, strlen(pin), &f->err);
    assert_int_equal(csi_p11_set_officer(f->token, secret, &f->err), CERTSTORE_OK);
}

static csi_blob *marked(const char *label)
{
    CSI_AUTO(csi_blob) *der = tokens_der(label, "01");
    CSI_AUTO(csi_blob) *plain = tokens_certificate(label, "\x01\x02", der);
    CSI_AUTO_DRAFT draft = { 0 };
    certstore_error err = { 0 };
    csi_object_put_all(&draft, csi_blob_span(plain));
    csi_object_put_flag(&draft, CKA_TRUSTED, true);
    csi_blob *object = csi_object_finish(&draft, &err);
    assert_non_null(object);
    return object;
}

static void the_officer_marks_and_the_user_is_in_again(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    give_officer(&f, TOKEN_SO_PIN);
    CSI_AUTO_OBJECTS made = { 0 };
    assert_int_equal(csi_p11_generate(f.token, "EC:P-256", "web", csi_span(NULL, 0), NULL, &made, &f.err), CERTSTORE_OK);
    CSI_AUTO(csi_blob) *object = marked("ca");
    if (csi_p11_create(f.token, csi_blob_span(object), &f.err) != CERTSTORE_OK)
        fail_msg("%s (%s)", f.err.message, f.err.cause);
    CSI_AUTO(csi_blob) *read = tokens_find(f.token, CKO_CERTIFICATE, "ca");
    assert_true(csi_object_flag(csi_blob_span(read), CKA_TRUSTED, false));
    /* The key that was used before the officer came signs after he went. */
    static const uint8_t digest[32] = { 1 };
    const CK_MECHANISM mechanism = { CKM_ECDSA, NULL, 0 };
    CSI_AUTO_BUF signature = { 0 };
    assert_int_equal(csi_p11_sign(f.token, csi_blob_span(made.items[0]), &mechanism, csi_span(digest, 32), &signature, &f.err), CERTSTORE_OK);
    assert_int_equal(csi_p11_destroy(f.token, csi_blob_span(object), &f.err), CERTSTORE_OK);
    end(&f);
}

static void without_the_officer_nothing_is_marked(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    CSI_AUTO(csi_blob) *object = marked("ca");
    assert_int_not_equal(csi_p11_info(f.token)->traits & CSI_TOKEN_OFFICER, 0);
    assert_int_equal(csi_p11_create(f.token, csi_blob_span(object), &f.err), CERTSTORE_E_PASSWORD);
    assert_non_null(strstr(f.err.message, "security officer"));
    assert_int_equal(tokens_count(f.token, CKO_CERTIFICATE), 0);
    end(&f);
}

static void a_wrong_officers_pin_is_presented_once(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    give_officer(&f, TOKEN_WRONG_PIN);
    CSI_AUTO(csi_blob) *object = marked("ca");
    assert_int_equal(csi_p11_login(f.token, &f.err), CERTSTORE_OK);
    tokens_spy_on(f.token);
    assert_int_equal(csi_p11_create(f.token, csi_blob_span(object), &f.err), CERTSTORE_E_PASSWORD);
    assert_int_equal(tokens_spy.logins, 2); /* the officer's, and the user's again */
    certstore_error second = { 0 };
    assert_int_equal(csi_p11_create(f.token, csi_blob_span(object), &second), CERTSTORE_E_PASSWORD);
    assert_int_equal(tokens_spy.logins, 2);
    tokens_spy_off();
    certstore_error none = { 0 };
    CSI_AUTO(csi_blob) *aes = tokens_aes("still in", false);
    assert_int_equal(csi_p11_create(f.token, csi_blob_span(aes), &none), CERTSTORE_OK);
    assert_int_equal(tokens_count(f.token, CKO_CERTIFICATE), 0);
    end(&f);
}

static void the_officers_last_try_is_not_spent(void **state)
{
    (void)state;
    static const struct {
        CK_FLAGS flag;
        certstore_status status;
    } rows[] = { { CKF_SO_PIN_FINAL_TRY, CERTSTORE_E_PASSWORD }, { CKF_SO_PIN_LOCKED, CERTSTORE_E_LOCKED } };
    struct fixture f;
    begin(&f);
    give_officer(&f, TOKEN_SO_PIN);
    CSI_AUTO(csi_blob) *object = marked("ca");
    for (size_t i = 0; i < 2; i++) {
        certstore_error err = { 0 };
        assert_int_equal(csi_p11_login(f.token, &err), CERTSTORE_OK);
        tokens_spy_on(f.token);
        tokens_spy.token_flags = rows[i].flag;
        assert_int_equal(csi_p11_create(f.token, csi_blob_span(object), &err), rows[i].status);
        assert_int_equal(tokens_spy.logins, 0);
        tokens_spy_off();
    }
    end(&f);
}

static void a_mark_that_the_module_drops_is_taken_back(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    give_officer(&f, TOKEN_SO_PIN);
    CSI_AUTO(csi_blob) *object = marked("ca");
    assert_int_equal(csi_p11_login(f.token, &f.err), CERTSTORE_OK);
    tokens_spy_on(f.token);
    tokens_spy.refuse.function = "C_GetAttributeValue"; /* it cannot be read back */
    tokens_spy.refuse.answer = CKR_DEVICE_ERROR;
    tokens_spy.refuse.times = 1;
    assert_int_not_equal(csi_p11_create(f.token, csi_blob_span(object), &f.err), CERTSTORE_OK);
    tokens_spy_off();
    assert_int_equal(tokens_count(f.token, CKO_CERTIFICATE), 0);
    end(&f);
}

/* --------------------------------------------------------------------------------------------------------------------- PIN */

static certstore_status set_pin(csi_p11 *token, const char *pin, certstore_error *err)
{
    CSI_AUTO(csi_secret) *secret = csi_secret_new(pin, strlen(pin), err);
    return csi_p11_set_pin(token, secret, err);
}

static bool opens_with(const char *pin)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_p11) *token = tokens_open_softhsm("box", pin, &err);
    return token != NULL && csi_p11_login(token, &err) == CERTSTORE_OK;
}

static void a_pin_is_changed_and_the_token_goes_on(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    if (set_pin(f.token, "another-pin", &f.err) != CERTSTORE_OK)
        fail_msg("%s (%s)", f.err.message, f.err.cause);
    const struct csi_key_policy policy = { .always_authenticate = true }; /* its uses present the PIN that is right now */
    CSI_AUTO_OBJECTS made = { 0 };
    assert_int_equal(csi_p11_generate(f.token, "EC:P-256", "web", csi_span(NULL, 0), &policy, &made, &f.err), CERTSTORE_OK);
    static const uint8_t digest[32] = { 1 };
    const CK_MECHANISM mechanism = { CKM_ECDSA, NULL, 0 };
    CSI_AUTO_BUF signature = { 0 };
    if (csi_p11_sign(f.token, csi_blob_span(made.items[0]), &mechanism, csi_span(digest, 32), &signature, &f.err) != CERTSTORE_OK)
        fail_msg("%s (%s)", f.err.message, f.err.cause);
    csi_p11_free(f.token);
    f.token = NULL;
    assert_true(opens_with("another-pin"));
    assert_false(opens_with(TOKEN_PIN));
    end(&f);
}

static void a_wrong_old_pin_is_presented_once_and_changes_nothing(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    csi_p11_free(f.token);
    f.token = tokens_open_softhsm("box", TOKEN_WRONG_PIN, &f.err);
    assert_non_null(f.token);
    tokens_spy_on(f.token);
    certstore_error second = { 0 };
    assert_int_equal(set_pin(f.token, "another-pin", &f.err), CERTSTORE_E_PASSWORD);
    assert_int_equal(set_pin(f.token, "another-pin", &second), CERTSTORE_E_PASSWORD);
    assert_int_equal(tokens_spy.logins, 1);
    tokens_spy_off();
    csi_p11_free(f.token);
    f.token = NULL;
    assert_true(opens_with(TOKEN_PIN));
    end(&f);
}

static void a_pin_that_the_token_does_not_take_changes_nothing(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_int_equal(set_pin(f.token, "1", &f.err), CERTSTORE_E_ARGUMENT);
    assert_non_null(strstr(f.err.message, "4 to 255 bytes"));
    csi_p11_free(f.token);
    f.token = NULL;
    assert_true(opens_with(TOKEN_PIN));
    end(&f);
}

static void an_nss_database_gets_its_first_password_and_another(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    char *folder = test_dir_new();
    char *directory = tokens_nss_make(folder, "db", "");
    csi_p11 *token = tokens_open_nss(directory, NULL, &err);
    assert_non_null(token);
    assert_false(csi_p11_info(token)->login_required);
    if (set_pin(token, "first", &err) != CERTSTORE_OK)
        fail_msg("%s (%s)", err.message, err.cause);
    assert_true(csi_p11_info(token)->login_required);
    assert_int_equal(set_pin(token, "second", &err), CERTSTORE_OK);
    csi_p11_free(token);
    token = tokens_open_nss(directory, "second", &err);
    assert_int_equal(csi_p11_login(token, &err), CERTSTORE_OK);
    csi_p11_free(token);
    certstore_error wrong = { 0 };
    token = tokens_open_nss(directory, "first", &err);
    assert_int_equal(csi_p11_login(token, &wrong), CERTSTORE_E_PASSWORD);
    csi_p11_free(token);
    free(directory);
    test_dir_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_officer_marks_and_the_user_is_in_again),
        cmocka_unit_test(without_the_officer_nothing_is_marked),
        cmocka_unit_test(a_wrong_officers_pin_is_presented_once),
        cmocka_unit_test(the_officers_last_try_is_not_spent),
        cmocka_unit_test(a_mark_that_the_module_drops_is_taken_back),
        cmocka_unit_test(a_pin_is_changed_and_the_token_goes_on),
        cmocka_unit_test(a_wrong_old_pin_is_presented_once_and_changes_nothing),
        cmocka_unit_test(a_pin_that_the_token_does_not_take_changes_nothing),
        cmocka_unit_test(an_nss_database_gets_its_first_password_and_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
