/* SPDX-License-Identifier: Apache-2.0 */
/* test_key.c: which passphrases a sealed key is tried with, in which order, at what price, and what it means when none fits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <p11-kit/pkcs11.h>

#include "model/key.h"
#include "support/make.h"

enum { COST = 1000 };

/* A form of sealing for the test: opens to its own bytes with the passphrase that equals them; "open" needs none, "alien" is unsupported. Every
 * attempt costs COST iterations and is written down. */
static char tried[256];

static certstore_status toy_open(const csi_blob *sealed, const csi_secret *password, struct csi_budget *budget, struct csi_plain_key *plain,
                                 certstore_error *err)
{
    strncat(tried, password != NULL ? (const char *)password->data : "(none)", sizeof tried - strlen(tried) - 1);
    strncat(tried, " ", sizeof tried - strlen(tried) - 1);
    struct csi_span bytes = csi_blob_span(sealed);
    if (csi_span_equal(bytes, csi_span_text("alien")))
        return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "key: sealed with the algorithm ROT13; seal it with another");
    if (password != NULL)
        CSI_TRY(csi_budget_spend(budget, COST, err));
    bool fits = password != NULL ? csi_span_equal(bytes, csi_secret_span(password)) : csi_span_equal(bytes, csi_span_text("open"));
    if (!fits)
        return csi_fail(err, CERTSTORE_E_PASSWORD, "key: wrong passphrase");
    plain->bytes = csi_secret_new(bytes.data, bytes.size, err);
    return plain->bytes != NULL ? CERTSTORE_OK : err->status;
}

static const struct csi_protection toy = { .name = "a toy", .open = toy_open };

static csi_passwords *passwords_of(const char *store, const char *key, const char *alias, const char *entry)
{
    certstore_error err = { 0 };
    csi_passwords *passwords = csi_passwords_new(&err);
    assert_non_null(passwords);
    if (store != NULL)
        passwords->store = csi_secret_new(store, strlen(store), &err);
    if (key != NULL)
        passwords->key = csi_secret_new(key, strlen(key), &err);
    if (alias != NULL)
        assert_int_equal(csi_passwords_set_entry(passwords, alias, csi_span_text(entry), &err), CERTSTORE_OK);
    return passwords;
}

static certstore_status open_with(const char *content, const csi_passwords *own, const csi_passwords *more, uint64_t total, certstore_error *err)
{
    struct csi_limits limits = csi_limits_default;
    limits.value[CERTSTORE_LIMIT_KDF_TOTAL] = total;
    CSI_AUTO(csi_blob) *sealed = csi_blob_new(content, strlen(content), err);
    CSI_AUTO(csi_key) *key = csi_key_new_sealed(&toy, sealed, own, &limits, err);
    CSI_AUTO_PLAIN plain = { 0 };
    tried[0] = '\0';
    certstore_status status = csi_key_open(key, "web", more, &plain, err);
    assert_int_equal(status == CERTSTORE_OK, plain.bytes != NULL);
    return status;
}

static void the_most_specific_passphrase_is_tried_first_and_each_once(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO(csi_passwords) *own = passwords_of("store", "key", "web", "entry");
    CSI_AUTO(csi_passwords) *more = passwords_of("late", "store", NULL, NULL);
    CSI_AUTO(csi_passwords) *same = passwords_of("one", "one", "web", "one");
    assert_int_equal(open_with("store", own, NULL, 100000, &err), CERTSTORE_OK);
    assert_string_equal(tried, "entry key store ");
    assert_int_equal(open_with("late", own, more, 100000, &err), CERTSTORE_OK);
    assert_string_equal(tried, "entry key store late ");
    assert_int_equal(open_with("open", same, same, 100000, &err), CERTSTORE_OK);
    assert_string_equal(tried, "one (none) ");
    assert_string_equal((const char *)csi_passwords_for_key(own, "web")->data, "entry");
    assert_string_equal((const char *)csi_passwords_for_key(own, "mail")->data, "key");
    assert_null(csi_passwords_for_key(NULL, "web"));
}

static void a_passphrase_given_for_another_spelling_of_the_alias_counts(void **state)
{
    (void)state;
    CSI_AUTO(csi_passwords) *passwords = passwords_of(NULL, NULL, "WEB", "shouted");
    assert_string_equal((const char *)csi_passwords_for_key(passwords, "web")->data, "shouted");
    certstore_error err = { 0 };
    assert_int_equal(csi_passwords_set_entry(passwords, "web", csi_span_text("spoken"), &err), CERTSTORE_OK);
    assert_string_equal((const char *)csi_passwords_for_key(passwords, "web")->data, "spoken");
}

static void wrong_is_told_from_none_given_and_from_unsupported(void **state)
{
    (void)state;
    CSI_AUTO(csi_passwords) *own = passwords_of("store", NULL, NULL, NULL);
    certstore_error wrong = { 0 };
    certstore_error none = { 0 };
    certstore_error alien = { 0 };
    assert_int_equal(open_with("other", own, NULL, 100000, &wrong), CERTSTORE_E_PASSWORD);
    assert_int_equal(open_with("other", NULL, NULL, 100000, &none), CERTSTORE_E_PASSWORD);
    assert_string_not_equal(wrong.message, none.message);
    assert_non_null(strstr(none.message, "no passphrase was given"));
    assert_int_equal(open_with("alien", own, NULL, 100000, &alien), CERTSTORE_E_UNSUPPORTED);
    assert_non_null(strstr(alien.message, "ROT13"));
    assert_string_equal(tried, "store ");
}

static void one_opening_has_one_budget_however_many_passphrases_are_tried(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO(csi_passwords) *own = passwords_of("third", "second", "web", "first");
    assert_int_equal(open_with("third", own, NULL, 3 * COST, &err), CERTSTORE_OK);
    assert_int_equal(open_with("third", own, NULL, 3 * COST - 1, &err), CERTSTORE_E_LIMIT);
    assert_string_equal(tried, "first second third ");
}

static void keys_are_the_same_by_their_bytes_sealed_or_open(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO(csi_passwords) *own = passwords_of("bytes", NULL, NULL, NULL);
    CSI_AUTO(csi_blob) *sealed = csi_blob_new("bytes", 5, &err);
    CSI_AUTO(csi_key) *a = csi_key_new_sealed(&toy, sealed, own, &csi_limits_default, &err);
    CSI_AUTO(csi_key) *b = csi_key_new_plain(csi_span_text("bytes"), "", &err);
    CSI_AUTO(csi_key) *c = csi_key_new_plain(csi_span_text("other"), "", &err);
    CSI_AUTO(csi_key) *d = csi_key_new_plain(csi_span_text("bytes"), "AES", &err);
    assert_true(csi_key_same(a, a, "web"));
    assert_true(csi_key_same(a, b, "web"));
    assert_false(csi_key_same(a, c, "web"));
    assert_false(csi_key_same(b, d, "web"));
    assert_false(csi_key_same(a, NULL, "web"));
    assert_true(csi_key_same(NULL, NULL, "web"));
    CSI_AUTO(csi_key) *shut = csi_key_new_sealed(&toy, sealed, NULL, &csi_limits_default, &err);
    assert_false(csi_key_same(shut, b, "web")); /* nothing to open it with */
    assert_true(csi_key_same(shut, a, "web"));  /* the same sealed bytes */
}

static void a_limit_names_what_is_over_it(void **state)
{
    (void)state;
    for (int i = 0; i < CSI_LIMIT_COUNT; i++) {
        certstore_error err = { 0 };
        uint64_t most = csi_limits_default.value[i];
        assert_int_equal(csi_limit_check(&csi_limits_default, (certstore_limit)i, most, &err), CERTSTORE_OK);
        assert_int_equal(csi_limit_check(&csi_limits_default, (certstore_limit)i, most + 1, &err), CERTSTORE_E_LIMIT);
        assert_non_null(strchr(err.message, ';'));
    }
    struct csi_budget budget = { .limits = &csi_limits_default };
    certstore_error err = { 0 };
    assert_int_equal(csi_budget_spend(&budget, 5000000, &err), CERTSTORE_OK);
    assert_int_equal(csi_budget_spend(&budget, 5000000, &err), CERTSTORE_OK);
    assert_int_equal(csi_budget_spend(&budget, 1, &err), CERTSTORE_E_LIMIT);
    assert_int_equal(budget.spent, 10000000);
    budget.spent = UINT64_MAX;
    certstore_error_clear(&err);
    assert_int_equal(csi_budget_spend(&budget, 1, &err), CERTSTORE_E_LIMIT);
}

/* --------------------------------------------------------------------------------------------------------------- on a token */

static int asked; /* how often the token was asked for a key */

static void keep(struct csi_remote *remote)
{
    (void)remote;
}

static certstore_status stays(struct csi_remote *remote, struct csi_span object, struct csi_plain_key *plain, certstore_error *err)
{
    (void)remote;
    (void)object;
    (void)plain;
    asked++;
    return csi_fail(err, CERTSTORE_E_BOUND, "key: it does not leave its token; use it there");
}

static struct csi_remote token = { .ref = keep, .free = keep, .open = stays };

static csi_key *remote_key(const EVP_PKEY *key, bool extractable, struct csi_remote *remote)
{
    certstore_error err = { 0 };
    CSI_AUTO_DRAFT draft = { 0 };
    CSI_AUTO(csi_blob) *spki = make_spki(key);
    csi_object_put_number(&draft, CKA_CLASS, CKO_PRIVATE_KEY);
    csi_object_put_number(&draft, CKA_KEY_TYPE, CKK_EC);
    csi_object_put_flag(&draft, CKA_EXTRACTABLE, extractable);
    csi_object_put(&draft, CKA_PUBLIC_KEY_INFO, csi_blob_span(spki));
    CSI_AUTO(csi_blob) *object = csi_object_finish(&draft, &err);
    csi_key *made = csi_key_new_remote(remote, object, &err);
    assert_non_null(made);
    return made;
}

static csi_key *plain_key(const EVP_PKEY *key)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_blob) *pkcs8 = make_pkcs8(key);
    csi_key *made = csi_key_new_plain(csi_blob_span(pkcs8), "", &err);
    assert_non_null(made);
    return made;
}

static void a_key_on_a_token_is_the_same_as_the_one_with_its_public_key_and_is_not_asked_for(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO(csi_key) *there = remote_key(make_key("EC:P-256", 1), false, &token);
    CSI_AUTO(csi_key) *nowhere = remote_key(make_key("EC:P-256", 1), true, NULL);
    CSI_AUTO(csi_key) *same = plain_key(make_key("EC:P-256", 1));
    CSI_AUTO(csi_key) *other = plain_key(make_key("EC:P-256", 2));
    CSI_AUTO(csi_key) *secret = csi_key_new_plain(csi_span_text("0123456789abcdef"), "AES", &err);
    asked = 0;
    assert_true(csi_key_same(there, same, "web"));
    assert_true(csi_key_same(same, there, "web"));
    assert_true(csi_key_same(there, nowhere, "web"));
    assert_false(csi_key_same(there, other, "web"));
    assert_false(csi_key_same(there, secret, "web"));
    assert_false(csi_key_same(there, NULL, "web"));
    assert_int_equal(asked, 0);
}

static void a_key_that_its_object_says_is_bound_is_not_asked_for_and_one_that_may_leave_is(void **state)
{
    (void)state;
    CSI_AUTO(csi_key) *bound = remote_key(make_key("EC:P-256", 1), false, &token);
    CSI_AUTO(csi_key) *refused = remote_key(make_key("EC:P-256", 1), true, &token);
    CSI_AUTO(csi_key) *nowhere = remote_key(make_key("EC:P-256", 1), true, NULL);
    CSI_AUTO(csi_key) *here = plain_key(make_key("EC:P-256", 1));
    asked = 0;
    assert_true(csi_key_is_bound(bound, "web"));
    assert_int_equal(asked, 0);
    assert_true(csi_key_is_bound(refused, "web"));
    assert_int_equal(asked, 1);
    assert_true(csi_key_is_bound(nowhere, "web"));
    assert_false(csi_key_is_bound(here, "web"));
}

static void a_key_whose_token_is_not_at_hand_says_so(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO_PLAIN plain = { 0 };
    CSI_AUTO(csi_key) *nowhere = remote_key(make_key("EC:P-256", 1), true, NULL);
    assert_int_equal(csi_key_open(nowhere, "web", NULL, &plain, &err), CERTSTORE_E_UNAVAILABLE);
    assert_null(plain.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_most_specific_passphrase_is_tried_first_and_each_once),
        cmocka_unit_test(a_passphrase_given_for_another_spelling_of_the_alias_counts),
        cmocka_unit_test(wrong_is_told_from_none_given_and_from_unsupported),
        cmocka_unit_test(one_opening_has_one_budget_however_many_passphrases_are_tried),
        cmocka_unit_test(keys_are_the_same_by_their_bytes_sealed_or_open),
        cmocka_unit_test(a_limit_names_what_is_over_it),
        cmocka_unit_test(a_key_on_a_token_is_the_same_as_the_one_with_its_public_key_and_is_not_asked_for),
        cmocka_unit_test(a_key_that_its_object_says_is_bound_is_not_asked_for_and_one_that_may_leave_is),
        cmocka_unit_test(a_key_whose_token_is_not_at_hand_says_so),
    };
    return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
