/* SPDX-License-Identifier: Apache-2.0 */
/* test_object.c: objects of a token as bytes: one form for each, and what makes two of them the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <p11-kit/pkcs11.h>
#include <p11-kit/pkcs11x.h>

#include "base/error.h"
#include "model/object.h"
#include "support/faulty_alloc.h"

static csi_blob *finish(struct csi_object_draft *draft)
{
    certstore_error err = { 0 };
    csi_blob *object = csi_object_finish(draft, &err);
    assert_non_null(object);
    return object;
}

static csi_blob *certificate(const char *label, const char *value)
{
    CSI_AUTO_DRAFT draft = { 0 };
    csi_object_put_number(&draft, CKA_CLASS, CKO_CERTIFICATE);
    csi_object_put(&draft, CKA_LABEL, csi_span_text(label));
    csi_object_put(&draft, CKA_VALUE, csi_span_text(value));
    return finish(&draft);
}

static csi_blob *with(const csi_blob *object, uint32_t type, const void *value, size_t size)
{
    CSI_AUTO_DRAFT draft = { 0 };
    csi_object_put_all(&draft, csi_blob_span(object));
    csi_object_put(&draft, type, csi_span(value, size));
    return finish(&draft);
}

static bool is_object(const void *bytes, size_t size)
{
    certstore_error err = { 0 };
    certstore_status status = csi_object_check(csi_span(bytes, size), &err);
    assert_true(status == CERTSTORE_OK || status == CERTSTORE_E_MALFORMED);
    return status == CERTSTORE_OK;
}

/* ----------------------------------------------------------------------------------------------------------------------- form */

static void attributes_stand_in_ascending_order_once_and_none_is_empty(void **state)
{
    (void)state;
    CSI_AUTO_DRAFT draft = { 0 };
    csi_object_put(&draft, CKA_VALUE, csi_span_text("second"));
    csi_object_put(&draft, CKA_LABEL, csi_span_text("first"));
    csi_object_put(&draft, CKA_ID, csi_span(NULL, 0));
    csi_object_put_flag(&draft, CKA_PRIVATE, true);
    csi_object_put_number(&draft, CKA_CLASS, CKO_DATA);
    csi_object_put(&draft, CKA_LABEL, csi_span_text("ab"));
    CSI_AUTO(csi_blob) *object = finish(&draft);
    static const uint8_t expected[] = {
        0, 0, 0, 0,    0, 0, 0, 4, 0,   0,   0,   0,             /* CKA_CLASS: data */
        0, 0, 0, 2,    0, 0, 0, 1, 1,                            /* CKA_PRIVATE */
        0, 0, 0, 3,    0, 0, 0, 2, 'a', 'b',                     /* CKA_LABEL */
        0, 0, 0, 0x11, 0, 0, 0, 6, 's', 'e', 'c', 'o', 'n', 'd', /* CKA_VALUE */
    };
    assert_true(csi_span_equal(csi_blob_span(object), csi_span(expected, sizeof expected)));
    assert_true(is_object(object->data, object->size));
}

static void what_was_put_is_read_and_what_was_not_is_the_fallback(void **state)
{
    (void)state;
    CSI_AUTO_DRAFT draft = { 0 };
    struct csi_span value;
    csi_object_put_number(&draft, CKA_CLASS, CKO_NSS_TRUST);
    csi_object_put_number(&draft, CKA_TRUST_SERVER_AUTH, CKT_NSS_TRUSTED_DELEGATOR);
    csi_object_put_flag(&draft, CKA_TRUST_STEP_UP_APPROVED, false);
    csi_object_put(&draft, CKA_LABEL, csi_span_text("abc"));
    CSI_AUTO(csi_blob) *object = finish(&draft);
    struct csi_span bytes = csi_blob_span(object);
    assert_int_equal(csi_object_class(bytes), CKO_NSS_TRUST);
    assert_int_equal(csi_object_number(bytes, CKA_TRUST_SERVER_AUTH, 1), CKT_NSS_TRUSTED_DELEGATOR);
    assert_int_equal(csi_object_number(bytes, CKA_TRUST_CLIENT_AUTH, 7), 7);
    assert_int_equal(csi_object_number(bytes, CKA_LABEL, 7), 7); /* three bytes are no number */
    assert_false(csi_object_flag(bytes, CKA_TRUST_STEP_UP_APPROVED, true));
    assert_true(csi_object_flag(bytes, CKA_PRIVATE, true));
    assert_true(csi_object_get(bytes, CKA_LABEL, &value) && csi_span_equal(value, csi_span_text("abc")));
    assert_false(csi_object_get(bytes, CKA_ID, &value));
    assert_int_equal(csi_object_class(csi_span(NULL, 0)), UINT32_MAX);
}

static void every_attribute_comes_by_once_and_copies_into_an_equal_object(void **state)
{
    (void)state;
    CSI_AUTO(csi_blob) *object = certificate("a", "b");
    CSI_AUTO_DRAFT draft = { 0 };
    struct csi_attribute attribute;
    size_t count = 0;
    for (size_t at = 0; csi_object_next(csi_blob_span(object), &at, &attribute);)
        count++;
    assert_int_equal(count, 3);
    csi_object_put_all(&draft, csi_blob_span(object));
    CSI_AUTO(csi_blob) *copy = finish(&draft);
    assert_true(csi_span_equal(csi_blob_span(object), csi_blob_span(copy)));
}

static void bytes_in_any_other_form_are_no_object(void **state)
{
    (void)state;
    static const uint8_t class_only[] = { 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 1 };
    static const uint8_t flag_of_two[] = { 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 2 };
    static const uint8_t twice[] = { 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 1, 'a', 0, 0, 0, 3, 0, 0, 0, 1, 'a' };
    static const uint8_t backwards[] = { 0, 0, 0, 3, 0, 0, 0, 1, 'a', 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 1 };
    static const uint8_t empty_value[] = { 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 0 };
    static const uint8_t wide_class[] = { 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 1, 0 };
    static const uint8_t wide_flag[] = { 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 1, 1 };
    static const uint8_t no_class[] = { 0, 0, 0, 3, 0, 0, 0, 1, 'a' };
    static const uint8_t too_long[] = { 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 3, 0xff, 0xff, 0xff, 0xff, 'a' };
    assert_true(is_object(class_only, sizeof class_only));
    assert_false(is_object(NULL, 0));
    assert_false(is_object(flag_of_two, sizeof flag_of_two));
    assert_false(is_object(twice, sizeof twice));
    assert_false(is_object(backwards, sizeof backwards));
    assert_false(is_object(empty_value, sizeof empty_value));
    assert_false(is_object(wide_class, sizeof wide_class));
    assert_false(is_object(wide_flag, sizeof wide_flag));
    assert_false(is_object(no_class, sizeof no_class));
    assert_false(is_object(too_long, sizeof too_long));
    CSI_AUTO(csi_blob) *whole = certificate("label", "value");
    for (size_t size = 1; size < whole->size; size++) {
        bool between = size == 12 || size == 12 + 8 + 5; /* after an attribute it is a shorter object */
        assert_int_equal(is_object(whole->data, size), between);
    }
}

static void an_object_is_whole_or_the_memory_was_short(void **state)
{
    (void)state;
    bool whole = false;
    for (int number = 1; number <= 200 && !whole; number++) {
        certstore_error err = { 0 };
        struct csi_objects list = { 0 };
        CSI_AUTO_DRAFT draft = { 0 };
        faulty_alloc_reset(number, false);
        for (uint32_t type = 0; type < 40; type++)
            csi_object_put(&draft, 0x1000 + type, csi_span_text("some value that needs room"));
        csi_object_put_number(&draft, CKA_CLASS, CKO_DATA);
        csi_blob *object = csi_object_finish(&draft, &err);
        if (object != NULL)
            csi_objects_add(&list, object, &err);
        whole = !faulty_alloc_hit();
        faulty_alloc_reset(0, false);
        assert_int_equal(err.status, whole ? CERTSTORE_OK : CERTSTORE_E_MEMORY);
        if (whole)
            assert_true(is_object(list.items[0]->data, list.items[0]->size));
        csi_blob_free(object);
        csi_objects_clear(&list);
    }
    assert_true(whole);
}

/* -------------------------------------------------------------------------------------------------------------------- essence */

static void what_a_module_adds_makes_no_other_object(void **state)
{
    (void)state;
    CSI_AUTO(csi_blob) *asked = certificate("web", "der");
    CSI_AUTO(csi_blob) *modifiable = with(asked, CKA_MODIFIABLE, "\1", 1);
    CSI_AUTO(csi_blob) *made = with(modifiable, CKA_CHECK_VALUE, "abc", 3);
    CSI_AUTO(csi_blob) *untrusted = with(made, CKA_TRUSTED, "\0", 1);
    assert_true(csi_object_same(csi_blob_span(asked), csi_blob_span(made)));
    assert_true(csi_object_same(csi_blob_span(asked), csi_blob_span(untrusted)));
}

static void name_value_and_trust_do(void **state)
{
    (void)state;
    CSI_AUTO(csi_blob) *object = certificate("web", "der");
    CSI_AUTO(csi_blob) *label = certificate("www", "der");
    CSI_AUTO(csi_blob) *value = certificate("web", "red");
    CSI_AUTO(csi_blob) *id = with(object, CKA_ID, "1", 1);
    CSI_AUTO(csi_blob) *trusted = with(object, CKA_TRUSTED, "\1", 1);
    CSI_AUTO(csi_blob) *class = with(object, CKA_CLASS, "\0\0\0\0", 4);
    assert_false(csi_object_same(csi_blob_span(object), csi_blob_span(label)));
    assert_false(csi_object_same(csi_blob_span(object), csi_blob_span(value)));
    assert_false(csi_object_same(csi_blob_span(object), csi_blob_span(id)));
    assert_false(csi_object_same(csi_blob_span(object), csi_blob_span(trusted)));
    assert_false(csi_object_same(csi_blob_span(object), csi_blob_span(class)));
    assert_true(csi_object_same(csi_blob_span(object), csi_blob_span(object)));
}

static void one_number_in_two_spellings_is_one_object(void **state)
{
    (void)state;
    CSI_AUTO_DRAFT draft = { 0 };
    csi_object_put_number(&draft, CKA_CLASS, CKO_PUBLIC_KEY);
    csi_object_put_number(&draft, CKA_KEY_TYPE, CKK_EC);
    CSI_AUTO(csi_blob) *key = finish(&draft);
    CSI_AUTO(csi_blob) *wrapped = with(key, CKA_EC_POINT, "\x04\x03\x04xy", 5);
    CSI_AUTO(csi_blob) *bare = with(key, CKA_EC_POINT, "\x04xy", 3);
    CSI_AUTO(csi_blob) *other = with(key, CKA_EC_POINT, "\x04xz", 3);
    assert_true(csi_object_same(csi_blob_span(wrapped), csi_blob_span(bare)));
    assert_false(csi_object_same(csi_blob_span(other), csi_blob_span(bare)));
    CSI_AUTO(csi_blob) *zero = with(key, CKA_MODULUS, "\0\x80", 2);
    CSI_AUTO(csi_blob) *none = with(key, CKA_MODULUS, "\x80", 1);
    assert_true(csi_object_same(csi_blob_span(zero), csi_blob_span(none)));
}

static void a_private_key_is_told_by_its_public_part_and_never_by_what_it_is_made_of(void **state)
{
    (void)state;
    CSI_AUTO_DRAFT draft = { 0 };
    csi_object_put_number(&draft, CKA_CLASS, CKO_PRIVATE_KEY);
    csi_object_put_number(&draft, CKA_KEY_TYPE, CKK_RSA);
    csi_object_put(&draft, CKA_MODULUS, csi_span_text("modulus"));
    CSI_AUTO(csi_blob) *made = finish(&draft);
    CSI_AUTO(csi_blob) *asked = with(made, CSI_OBJECT_PKCS8, "secret", 6);
    CSI_AUTO(csi_blob) *other = with(made, CKA_MODULUS, "another", 7);
    CSI_AUTO(csi_blob) *told = with(made, CKA_PUBLIC_KEY_INFO, "spki", 4);
    CSI_AUTO_BUF essence = { 0 };
    certstore_error err = { 0 };
    assert_true(csi_object_same(csi_blob_span(made), csi_blob_span(asked)));
    assert_true(csi_object_same(csi_blob_span(made), csi_blob_span(told)));
    assert_false(csi_object_same(csi_blob_span(made), csi_blob_span(other)));
    assert_int_equal(csi_object_essence(csi_blob_span(asked), &essence, &err), CERTSTORE_OK);
    assert_null(memmem(essence.data, essence.size, "secret", 6));
}

static void trust_objects_are_told_by_what_they_say_and_not_by_a_made_up_name(void **state)
{
    (void)state;
    CSI_AUTO_DRAFT draft = { 0 };
    csi_object_put_number(&draft, CKA_CLASS, CKO_NSS_TRUST);
    csi_object_put(&draft, CKA_ISSUER, csi_span_text("issuer"));
    csi_object_put(&draft, CKA_SERIAL_NUMBER, csi_span_text("1"));
    csi_object_put_number(&draft, CKA_TRUST_SERVER_AUTH, CKT_NSS_TRUSTED_DELEGATOR);
    CSI_AUTO(csi_blob) *trust = finish(&draft);
    CSI_AUTO(csi_blob) *named = with(trust, CKA_LABEL, "x", 1);
    CSI_AUTO(csi_blob) *other = with(trust, CKA_TRUST_SERVER_AUTH, "\xce\x53\x43\x5a", 4);
    assert_true(csi_object_same(csi_blob_span(trust), csi_blob_span(named)));
    assert_false(csi_object_same(csi_blob_span(trust), csi_blob_span(other)));
}

static void an_object_of_a_class_that_is_not_known_is_all_of_itself(void **state)
{
    (void)state;
    CSI_AUTO_DRAFT draft = { 0 };
    csi_object_put_number(&draft, CKA_CLASS, CKO_HW_FEATURE);
    CSI_AUTO(csi_blob) *object = finish(&draft);
    CSI_AUTO(csi_blob) *more = with(object, CKA_MODIFIABLE, "\1", 1);
    assert_true(csi_object_same(csi_blob_span(object), csi_blob_span(object)));
    assert_false(csi_object_same(csi_blob_span(object), csi_blob_span(more)));
}

static void a_list_is_sorted_by_its_bytes(void **state)
{
    (void)state;
    CSI_AUTO_OBJECTS list = { 0 };
    certstore_error err = { 0 };
    static const char *const labels[] = { "c", "a", "b", "ab" };
    for (size_t i = 0; i < 4; i++) {
        CSI_AUTO(csi_blob) *object = certificate(labels[i], "v");
        assert_int_equal(csi_objects_add(&list, object, &err), CERTSTORE_OK);
    }
    csi_objects_sort(&list);
    static const char *const sorted[] = { "a", "b", "c", "ab" }; /* sizes stand before values */
    for (size_t i = 0; i < 4; i++) {
        struct csi_span label;
        assert_true(csi_object_get(csi_blob_span(list.items[i]), CKA_LABEL, &label) && csi_span_equal(label, csi_span_text(sorted[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attributes_stand_in_ascending_order_once_and_none_is_empty),
        cmocka_unit_test(what_was_put_is_read_and_what_was_not_is_the_fallback),
        cmocka_unit_test(every_attribute_comes_by_once_and_copies_into_an_equal_object),
        cmocka_unit_test(bytes_in_any_other_form_are_no_object),
        cmocka_unit_test(an_object_is_whole_or_the_memory_was_short),
        cmocka_unit_test(what_a_module_adds_makes_no_other_object),
        cmocka_unit_test(name_value_and_trust_do),
        cmocka_unit_test(one_number_in_two_spellings_is_one_object),
        cmocka_unit_test(a_private_key_is_told_by_its_public_part_and_never_by_what_it_is_made_of),
        cmocka_unit_test(trust_objects_are_told_by_what_they_say_and_not_by_a_made_up_name),
        cmocka_unit_test(an_object_of_a_class_that_is_not_known_is_all_of_itself),
        cmocka_unit_test(a_list_is_sorted_by_its_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
