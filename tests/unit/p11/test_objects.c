/* SPDX-License-Identifier: Apache-2.0 */
/* test_objects.c: objects made on a SoftHSM token, read back, renamed, destroyed; keys that sign, decrypt, are made there, and are wrapped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

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

static void create(struct fixture *f, csi_blob *object)
{
    if (csi_p11_create(f->token, csi_blob_span(object), &f->err) != CERTSTORE_OK)
        fail_msg("create: %s (%s)", f->err.message, f->err.cause);
}

static void what_is_made_is_read_and_destroyed(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    CSI_AUTO(csi_blob) *der = tokens_der("one", "01");
    CSI_AUTO(csi_blob) *cert = tokens_certificate("one", "\x01\x02", der);
    CSI_AUTO(csi_blob) *data = tokens_data("note", csi_span("text", 4));
    create(&f, cert);
    create(&f, data);
    CSI_AUTO(csi_blob) *read = tokens_find(f.token, CKO_CERTIFICATE, "one");
    assert_non_null(read);
    assert_true(csi_object_same(csi_blob_span(read), csi_blob_span(cert)));
    assert_int_equal(csi_object_check(csi_blob_span(read), &f.err), CERTSTORE_OK);
    assert_int_equal(tokens_count(f.token, CKO_DATA), 1);
    assert_int_equal(csi_p11_destroy(f.token, csi_blob_span(cert), &f.err), CERTSTORE_OK);
    assert_int_equal(tokens_count(f.token, CKO_CERTIFICATE), 0);
    assert_int_equal(csi_p11_destroy(f.token, csi_blob_span(cert), &f.err), CERTSTORE_E_NOT_FOUND);
    end(&f);
}

static void values_larger_than_the_first_room_are_read_whole(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    char label[2000];
    CSI_AUTO(csi_octets) *large = calloc(100000, 1);
    assert_non_null(large);
    memset(label, 'l', sizeof label - 1);
    label[sizeof label - 1] = '\0';
    CSI_AUTO(csi_blob) *data = tokens_data(label, csi_span(large, 100000));
    CSI_AUTO(csi_blob) *der = tokens_der("long", "02");
    CSI_AUTO(csi_blob) *cert = tokens_certificate(label, NULL, der);
    create(&f, data);
    create(&f, cert);
    CSI_AUTO(csi_blob) *read = tokens_find(f.token, CKO_DATA, label);
    assert_non_null(read);
    assert_true(csi_object_same(csi_blob_span(read), csi_blob_span(data)));
    CSI_AUTO(csi_blob) *certificate = tokens_find(f.token, CKO_CERTIFICATE, label);
    assert_non_null(certificate);
    end(&f);
}

static void a_ceiling_stops_reading(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    struct csi_limits limits = csi_limits_default;
    CSI_AUTO_OBJECTS objects = { 0 };
    CSI_AUTO(csi_blob) *a = tokens_data("a", csi_span("a", 1));
    CSI_AUTO(csi_blob) *b = tokens_data("b", csi_span("b", 1));
    create(&f, a);
    create(&f, b);
    limits.value[CERTSTORE_LIMIT_ENTRIES] = 1;
    assert_int_equal(csi_p11_read(f.token, &limits, &objects, &f.err), CERTSTORE_E_LIMIT);
    assert_int_equal(objects.count, 0);
    end(&f);
}

static void a_partial_address_reads_its_objects_alone(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    CSI_AUTO(csi_blob) *der = tokens_der("one", "01");
    CSI_AUTO(csi_blob) *cert = tokens_certificate("one", NULL, der);
    CSI_AUTO(csi_blob) *one = tokens_data("one", csi_span("1", 1));
    CSI_AUTO(csi_blob) *two = tokens_data("two", csi_span("2", 1));
    create(&f, cert);
    create(&f, one);
    create(&f, two);
    char uri[512];
    snprintf(uri, sizeof uri, "pkcs11:token=box;object=one;type=cert?module-path=%s", tokens_softhsm_module());
    CSI_AUTO(csi_p11) *part = tokens_open_uri(uri, NULL, &f.err);
    assert_non_null(part);
    assert_int_equal(tokens_count(part, CKO_CERTIFICATE), 1);
    assert_int_equal(tokens_count(part, CKO_DATA), 0);
    end(&f);
}

/* SoftHSM checks a check value; a refusal may not leave an object behind. */
static void what_the_module_refuses_leaves_nothing(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    CSI_AUTO(csi_blob) *der = tokens_der("one", "01");
    CSI_AUTO(csi_blob) *plain = tokens_certificate("one", NULL, der);
    CSI_AUTO_DRAFT draft = { 0 };
    csi_object_put_all(&draft, csi_blob_span(plain));
    csi_object_put(&draft, CKA_CHECK_VALUE, csi_span("no!", 3));
    CSI_AUTO(csi_blob) *wrong = csi_object_finish(&draft, &f.err);
    assert_int_equal(csi_p11_create(f.token, csi_blob_span(wrong), &f.err), CERTSTORE_E_IO);
    assert_int_equal(tokens_count(f.token, CKO_CERTIFICATE), 0);
    end(&f);
}

/* What a module does that keeps less than it was given. */
static CK_RV drop_label(CK_SESSION_HANDLE session, CK_ATTRIBUTE *t, CK_ULONG count, CK_OBJECT_HANDLE *object)
{
    CK_ATTRIBUTE kept[64];
    CK_ULONG n = 0;
    for (CK_ULONG i = 0; i < count && n < 64; i++)
        if (t[i].type != CKA_LABEL)
            kept[n++] = t[i];
    return tokens_spy.real->C_CreateObject(session, kept, n, object);
}

static void a_dropped_attribute_is_noticed_and_the_object_taken_back(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    CSI_AUTO(csi_blob) *der = tokens_der("one", "01");
    CSI_AUTO(csi_blob) *cert = tokens_certificate("one", NULL, der);
    tokens_spy_on(f.token);
    tokens_spy.list.C_CreateObject = drop_label;
    assert_int_equal(csi_p11_create(f.token, csi_blob_span(cert), &f.err), CERTSTORE_E_UNSUPPORTED);
    tokens_spy_off();
    assert_int_equal(tokens_count(f.token, CKO_CERTIFICATE), 0);
    end(&f);
}

static void a_full_token_says_so(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    CSI_AUTO(csi_blob) *data = tokens_data("a", csi_span("a", 1));
    tokens_spy_on(f.token);
    tokens_spy.refuse.function = "C_CreateObject";
    tokens_spy.refuse.answer = CKR_DEVICE_MEMORY;
    tokens_spy.refuse.times = 1;
    assert_int_equal(csi_p11_create(f.token, csi_blob_span(data), &f.err), CERTSTORE_E_NO_SPACE);
    assert_string_equal(f.err.cause, "CKR_DEVICE_MEMORY");
    tokens_spy_off();
    end(&f);
}

/* -------------------------------------------------------------------------------------------------------------------- keys */

static void sign_and_verify(struct fixture *f, struct csi_span key, const char *type)
{
    static const uint8_t digest[32] = { 1, 2, 3 };
    CSI_AUTO_BUF out = { 0 };
    bool ed = strcmp(type, "ED25519") == 0;
    CK_MECHANISM mechanism = { strncmp(type, "RSA", 3) == 0 ? CKM_RSA_PKCS : ed ? CKM_EDDSA : CKM_ECDSA, NULL, 0 };
    if (csi_p11_sign(f->token, key, &mechanism, csi_span(digest, sizeof digest), &out, &f->err) != CERTSTORE_OK)
        fail_msg("%s: %s (%s)", type, f->err.message, f->err.cause);
    EVP_PKEY *public_key = make_key(type, 1);
    if (ed) {
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        assert_int_equal(EVP_DigestVerifyInit(context, NULL, NULL, NULL, public_key), 1);
        assert_int_equal(EVP_DigestVerify(context, out.data, out.size, digest, sizeof digest), 1);
        EVP_MD_CTX_free(context);
    } else if (mechanism.mechanism == CKM_RSA_PKCS) {
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(public_key, NULL);
        assert_int_equal(EVP_PKEY_verify_init(context), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING), 1);
        assert_int_equal(EVP_PKEY_verify(context, out.data, out.size, digest, sizeof digest), 1);
        EVP_PKEY_CTX_free(context);
    } else {
        assert_int_equal(out.size % 2, 0); /* r || s */
    }
}

static void a_key_from_outside_signs_and_stays(void **state)
{
    (void)state;
    static const char *const types[] = { "RSA:2048", "EC:P-256", "EC:P-384", "EC:P-521", "ED25519" };
    struct fixture f;
    begin(&f);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        CSI_AUTO(csi_blob) *asked = tokens_private_key(types[i], "\x07", types[i]);
        create(&f, asked);
        CSI_AUTO(csi_blob) *key = tokens_find(f.token, CKO_PRIVATE_KEY, types[i]);
        assert_non_null(key);
        assert_true(csi_object_flag(csi_blob_span(key), CKA_SENSITIVE, false));
        assert_false(csi_object_flag(csi_blob_span(key), CKA_EXTRACTABLE, true));
        assert_true(csi_object_flag(csi_blob_span(key), CKA_PRIVATE, false));
        sign_and_verify(&f, csi_blob_span(key), types[i]);
        CSI_AUTO_PLAIN plain = { 0 };
        struct csi_remote *remote = csi_p11_remote(f.token);
        assert_int_equal(remote->open(remote, csi_blob_span(key), &plain, &f.err), CERTSTORE_E_BOUND);
        certstore_error_clear(&f.err);
    }
    assert_int_equal(tokens_count(f.token, CKO_PUBLIC_KEY), 0); /* the caller's to make */
    end(&f);
}

static void a_key_that_may_leave_comes_out_as_it_went_in(void **state)
{
    (void)state;
    static const char *const types[] = { "RSA:2048", "EC:P-256", "EC:P-521", "ED25519" };
    struct fixture f;
    begin(&f);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        CSI_AUTO(csi_blob) *bound = tokens_private_key(types[i], NULL, types[i]);
        CSI_AUTO_DRAFT draft = { 0 };
        csi_object_put_all(&draft, csi_blob_span(bound));
        csi_object_put_flag(&draft, CKA_SENSITIVE, false);
        csi_object_put_flag(&draft, CKA_EXTRACTABLE, true);
        CSI_AUTO(csi_blob) *asked = csi_object_finish(&draft, &f.err);
        create(&f, asked);
        CSI_AUTO(csi_blob) *key = tokens_find(f.token, CKO_PRIVATE_KEY, types[i]);
        CSI_AUTO_PLAIN plain = { 0 };
        struct csi_remote *remote = csi_p11_remote(f.token);
        if (remote->open(remote, csi_blob_span(key), &plain, &f.err) != CERTSTORE_OK)
            fail_msg("%s: %s", types[i], f.err.message);
        const unsigned char *at = plain.bytes->data;
        EVP_PKEY *out = d2i_AutoPrivateKey(NULL, &at, (long)plain.bytes->size);
        assert_non_null(out);
        assert_int_equal(EVP_PKEY_eq(out, make_key(types[i], 1)), 1);
        EVP_PKEY_free(out);
    }
    CSI_AUTO(csi_blob) *aes = tokens_aes("secret", true);
    create(&f, aes);
    CSI_AUTO(csi_blob) *secret = tokens_find(f.token, CKO_SECRET_KEY, "secret");
    CSI_AUTO_PLAIN plain = { 0 };
    struct csi_remote *remote = csi_p11_remote(f.token);
    assert_int_equal(remote->open(remote, csi_blob_span(secret), &plain, &f.err), CERTSTORE_OK);
    assert_string_equal(plain.algorithm, "AES");
    assert_int_equal(plain.bytes->size, 32);
    end(&f);
}

static void a_key_decrypts_what_was_encrypted_for_it(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    CSI_AUTO(csi_blob) *asked = tokens_private_key("rsa", NULL, "RSA:2048");
    create(&f, asked);
    CSI_AUTO(csi_blob) *key = tokens_find(f.token, CKO_PRIVATE_KEY, "rsa");
    uint8_t cipher[512];
    size_t size = sizeof cipher;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(make_key("RSA:2048", 1), NULL);
    assert_int_equal(EVP_PKEY_encrypt_init(context), 1);
    assert_int_equal(EVP_PKEY_encrypt(context, cipher, &size, (const uint8_t *)"hello", 5), 1);
    EVP_PKEY_CTX_free(context);
    CK_MECHANISM mechanism = { CKM_RSA_PKCS, NULL, 0 };
    CSI_AUTO_BUF out = { 0 };
    assert_int_equal(csi_p11_decrypt(f.token, csi_blob_span(key), &mechanism, csi_span(cipher, size), &out, &f.err), CERTSTORE_OK);
    assert_true(csi_span_equal(csi_buf_span(&out), csi_span_text("hello")));
    assert_true(csi_p11_offers(f.token, CKM_RSA_PKCS, CKF_DECRYPT));
    assert_false(csi_p11_offers(f.token, CKM_KIP_DERIVE, CKF_DERIVE));
    end(&f);
}

static void a_generated_pair_has_the_id_that_its_certificates_will_have(void **state)
{
    (void)state;
    static const char *const types[] = { "RSA:2048", "EC:P-256", "EC:P-384", "EC:P-521", "ED25519" };
    struct fixture f;
    begin(&f);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        CSI_AUTO_OBJECTS made = { 0 };
        struct csi_span id;
        struct csi_span point;
        if (csi_p11_generate(f.token, types[i], types[i], csi_span(NULL, 0), NULL, &made, &f.err) != CERTSTORE_OK)
            fail_msg("%s: %s (%s)", types[i], f.err.message, f.err.cause);
        assert_int_equal(made.count, 2);
        assert_int_equal(csi_object_class(csi_blob_span(made.items[0])), CKO_PRIVATE_KEY);
        assert_int_equal(csi_object_class(csi_blob_span(made.items[1])), CKO_PUBLIC_KEY);
        assert_true(csi_object_get(csi_blob_span(made.items[0]), CKA_ID, &id));
        assert_int_equal(id.size, SHA_DIGEST_LENGTH);
        if (csi_object_get(csi_blob_span(made.items[1]), CKA_EC_POINT, &point)) { /* SoftHSM's is an OCTET STRING */
            uint8_t digest[SHA_DIGEST_LENGTH];
            size_t header = point.data[1] == 0x81 ? 3 : 2;
            SHA1(point.data + header, point.size - header, digest);
            assert_memory_equal(digest, id.data, sizeof digest);
        }
        assert_true(csi_object_flag(csi_blob_span(made.items[0]), CKA_SENSITIVE, false));
        assert_false(csi_object_flag(csi_blob_span(made.items[0]), CKA_EXTRACTABLE, true));
    }
    assert_int_equal(tokens_count(f.token, CKO_PRIVATE_KEY), 5);
    CSI_AUTO_OBJECTS none = { 0 };
    assert_int_equal(csi_p11_generate(f.token, "RSA:1024", "weak", csi_span(NULL, 0), NULL, &none, &f.err), CERTSTORE_E_ARGUMENT);
    end(&f);
}

static void a_pair_whose_id_cannot_be_set_is_taken_back(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    CSI_AUTO_OBJECTS made = { 0 };
    tokens_spy_on(f.token);
    tokens_spy.refuse.function = "C_GetAttributeValue";
    tokens_spy.refuse.answer = CKR_DEVICE_ERROR;
    tokens_spy.refuse.times = 1;
    assert_int_equal(csi_p11_generate(f.token, "EC:P-256", "new", csi_span(NULL, 0), NULL, &made, &f.err), CERTSTORE_E_UNAVAILABLE);
    tokens_spy_off();
    assert_int_equal(tokens_count(f.token, CKO_PRIVATE_KEY) + tokens_count(f.token, CKO_PUBLIC_KEY), 0);
    end(&f);
}

static void a_key_that_wants_its_pin_each_time_gets_it(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    CSI_AUTO_OBJECTS made = { 0 };
    const struct csi_key_policy policy = { .always_authenticate = true };
    static const uint8_t digest[32] = { 9 };
    CK_MECHANISM mechanism = { CKM_ECDSA, NULL, 0 };
    assert_int_equal(csi_p11_generate(f.token, "EC:P-256", "careful", csi_span("\x05", 1), &policy, &made, &f.err), CERTSTORE_OK);
    tokens_spy_on(f.token);
    for (int i = 0; i < 3; i++) {
        CSI_AUTO_BUF out = { 0 };
        struct csi_span key = csi_blob_span(made.items[0]);
        assert_int_equal(csi_p11_sign(f.token, key, &mechanism, csi_span(digest, sizeof digest), &out, &f.err), CERTSTORE_OK);
    }
    assert_int_equal(tokens_spy.logins, 3);
    tokens_spy_off();
    end(&f);
}

static void a_renamed_key_is_the_same_key(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    for (int in_place = 0; in_place < 2; in_place++) {
        CSI_AUTO(csi_blob) *asked = tokens_private_key("old", "\x01", "RSA:2048");
        create(&f, asked);
        CSI_AUTO(csi_blob) *old = tokens_find(f.token, CKO_PRIVATE_KEY, "old");
        tokens_spy_on(f.token);
        if (in_place) {
            tokens_spy.refuse.function = "C_CopyObject";
            tokens_spy.refuse.answer = CKR_FUNCTION_NOT_SUPPORTED;
            tokens_spy.refuse.times = 1;
        }
        certstore_status status = csi_p11_relabel(f.token, csi_blob_span(old), csi_span_text("new"), csi_span("\x02", 1), &f.err);
        tokens_spy_off();
        if (status != CERTSTORE_OK)
            fail_msg("%s (%s)", f.err.message, f.err.cause);
        CSI_AUTO(csi_blob) *key = tokens_find(f.token, CKO_PRIVATE_KEY, "new");
        assert_non_null(key);
        sign_and_verify(&f, csi_blob_span(key), "RSA:2048");
        assert_int_equal(tokens_count(f.token, CKO_PRIVATE_KEY), 1);
        assert_int_equal(csi_p11_destroy(f.token, csi_blob_span(key), &f.err), CERTSTORE_OK);
    }
    end(&f);
}

static void a_copy_that_cannot_be_seen_leaves_the_key_under_its_old_name(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    CSI_AUTO(csi_blob) *asked = tokens_private_key("old", "\x01", "EC:P-256");
    create(&f, asked);
    CSI_AUTO(csi_blob) *old = tokens_find(f.token, CKO_PRIVATE_KEY, "old");
    tokens_spy_on(f.token);
    tokens_spy.refuse.function = "C_GetAttributeValue";
    tokens_spy.refuse.answer = CKR_DEVICE_ERROR;
    tokens_spy.refuse.after = 2; /* the two that find it */
    tokens_spy.refuse.times = 1;
    assert_int_not_equal(csi_p11_relabel(f.token, csi_blob_span(old), csi_span_text("new"), csi_span("\x02", 1), &f.err), CERTSTORE_OK);
    tokens_spy_off();
    CSI_AUTO(csi_blob) *still = tokens_find(f.token, CKO_PRIVATE_KEY, "old");
    assert_non_null(still);
    assert_int_equal(tokens_count(f.token, CKO_PRIVATE_KEY), 1);
    end(&f);
}

static void a_wrapped_key_comes_back_on_the_same_token(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    CSI_AUTO(csi_blob) *aes = tokens_aes("kek", false);
    create(&f, aes);
    CSI_AUTO(csi_blob) *kek = tokens_find(f.token, CKO_SECRET_KEY, "kek");
    CSI_AUTO_OBJECTS made = { 0 };
    const struct csi_key_policy policy = { .extractable = true };
    assert_int_equal(csi_p11_generate(f.token, "RSA:2048", "traveller", csi_span("\x09", 1), &policy, &made, &f.err), CERTSTORE_OK);
    struct csi_span key = csi_blob_span(made.items[0]);
    CSI_AUTO_BUF wrapped = { 0 };
    if (csi_p11_wrap(f.token, key, csi_blob_span(kek), &wrapped, &f.err) != CERTSTORE_OK)
        fail_msg("wrap: %s (%s)", f.err.message, f.err.cause);
    assert_true(wrapped.size > 1000);
    assert_int_equal(csi_p11_destroy(f.token, key, &f.err), CERTSTORE_OK);
    if (csi_p11_unwrap(f.token, key, csi_blob_span(kek), csi_buf_span(&wrapped), &f.err) != CERTSTORE_OK)
        fail_msg("unwrap: %s (%s)", f.err.message, f.err.cause);
    CSI_AUTO(csi_blob) *back = tokens_find(f.token, CKO_PRIVATE_KEY, "traveller");
    assert_non_null(back);
    assert_true(csi_object_same(csi_blob_span(back), key));
    wrapped.data[8] ^= 1;
    assert_int_not_equal(csi_p11_unwrap(f.token, key, csi_blob_span(kek), csi_buf_span(&wrapped), &f.err), CERTSTORE_OK);
    assert_int_equal(tokens_count(f.token, CKO_PRIVATE_KEY), 1);
    end(&f);
}

static void a_key_that_may_not_leave_is_not_wrapped(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    CSI_AUTO(csi_blob) *aes = tokens_aes("kek", false);
    create(&f, aes);
    CSI_AUTO(csi_blob) *kek = tokens_find(f.token, CKO_SECRET_KEY, "kek");
    CSI_AUTO_OBJECTS made = { 0 };
    CSI_AUTO_BUF wrapped = { 0 };
    assert_int_equal(csi_p11_generate(f.token, "EC:P-256", "homebody", csi_span("\x09", 1), NULL, &made, &f.err), CERTSTORE_OK);
    assert_int_equal(csi_p11_wrap(f.token, csi_blob_span(made.items[0]), csi_blob_span(kek), &wrapped, &f.err), CERTSTORE_E_BOUND);
    assert_int_equal(wrapped.size, 0);
    end(&f);
}

static void traits_are_found_without_leaving_anything(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    const struct csi_p11_info *info = csi_p11_info(f.token);
    assert_int_equal(info->traits, CSI_TOKEN_DATA | CSI_TOKEN_KEYS | CSI_TOKEN_SECRETS | CSI_TOKEN_WRITABLE | CSI_TOKEN_OFFICER);
    assert_true(info->login_required);
    assert_string_equal(info->label, "box");
    CSI_AUTO_OBJECTS objects = { 0 };
    assert_int_equal(csi_p11_read(f.token, &csi_limits_default, &objects, &f.err), CERTSTORE_OK);
    assert_int_equal(objects.count, 0);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_made_is_read_and_destroyed),
        cmocka_unit_test(values_larger_than_the_first_room_are_read_whole),
        cmocka_unit_test(a_ceiling_stops_reading),
        cmocka_unit_test(a_partial_address_reads_its_objects_alone),
        cmocka_unit_test(what_the_module_refuses_leaves_nothing),
        cmocka_unit_test(a_dropped_attribute_is_noticed_and_the_object_taken_back),
        cmocka_unit_test(a_full_token_says_so),
        cmocka_unit_test(a_key_from_outside_signs_and_stays),
        cmocka_unit_test(a_key_that_may_leave_comes_out_as_it_went_in),
        cmocka_unit_test(a_key_decrypts_what_was_encrypted_for_it),
        cmocka_unit_test(a_generated_pair_has_the_id_that_its_certificates_will_have),
        cmocka_unit_test(a_pair_whose_id_cannot_be_set_is_taken_back),
        cmocka_unit_test(a_key_that_wants_its_pin_each_time_gets_it),
        cmocka_unit_test(a_renamed_key_is_the_same_key),
        cmocka_unit_test(a_copy_that_cannot_be_seen_leaves_the_key_under_its_old_name),
        cmocka_unit_test(a_wrapped_key_comes_back_on_the_same_token),
        cmocka_unit_test(a_key_that_may_not_leave_is_not_wrapped),
        cmocka_unit_test(traits_are_found_without_leaving_anything),
    };
    return cmocka_run_group_tests_name("p11 objects", tests, NULL, NULL);
}
