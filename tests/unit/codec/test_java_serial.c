/* SPDX-License-Identifier: Apache-2.0 */
/* test_java_serial.c: Java's serialized keys: what Java 17 wrote is read, what we write is what Java writes, and nothing else gets in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/text.h"
#include "codec/java_serial.h"

/* new SecretKeySpec(new byte[]{1, 2, 3, 4}, "AES"), by Java 17's ObjectOutputStream. */
static const char spec_stream[] =
    "aced00057372001f6a617661782e63727970746f2e737065632e5365637265744b6579537065635b470b66e230614d0200024c0009616c676f726974686d7400124c6a6176612f"
    "6c616e672f537472696e673b5b00036b65797400025b427870740003414553757200025b42acf317f8060854e002000078700000000401020304";

/* A DES key: java.security.KeyRep, with its enumeration. */
static const char keyrep_stream[] =
    "aced0005737200146a6176612e73656375726974792e4b6579526570bdf94fb3889aa5430200044c0009616c676f726974686d7400124c6a6176612f6c616e672f537472696e67"
    "3b5b0007656e636f6465647400025b424c0006666f726d617471007e00014c00047479706574001b4c6a6176612f73656375726974792f4b657952657024547970653b78707400"
    "03444553757200025b42acf317f8060854e00200007870000000080123456789abcdef7400035241577e7200196a6176612e73656375726974792e4b6579526570245479706500"
    "000000000000001200007872000e6a6176612e6c616e672e456e756d00000000000000001200007870740006534543524554";

/* A plain javax.crypto.SealedObject around sixteen bytes of ciphertext. */
static const char sealed_head[] =
    "aced0005737200196a617661782e63727970746f2e5365616c65644f626a6563743e363da6c3b754700200045b000d656e636f646564506172616d737400025b425b0010656e63"
    "727970746564436f6e74656e7471007e00014c0009706172616d73416c677400124c6a6176612f6c616e672f537472696e673b4c00077365616c416c6771007e00027870757200"
    "025b42acf317f8060854e002000078700000000f300d040801020304050607080201147571007e00040000001000112233445566778899aabbccddeeff740016504245576974"
    "684d4435416e64547269706c65444553740016504245576974684d4435416e64547269706c65444553";

struct hex {
    uint8_t data[1024];
    size_t size;
};

static struct csi_span unhex(const char *text, struct hex *hex)
{
    hex->size = strlen(text) / 2;
    assert_true(hex->size <= sizeof hex->data);
    assert_true(csi_unhex(text, hex->data, hex->size));
    return csi_span(hex->data, hex->size);
}

static bool span_is(struct csi_span span, const char *text)
{
    return csi_span_equal(span, csi_span_text(text));
}

static void the_key_that_java_wrote_is_read(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    struct hex hex;
    struct csi_java_secret secret;
    assert_int_equal(csi_java_read_secret(unhex(spec_stream, &hex), &secret, &err), CERTSTORE_OK);
    assert_true(span_is(secret.algorithm, "AES"));
    assert_true(span_is(secret.key, "\x01\x02\x03\x04"));
    assert_int_equal(csi_java_read_secret(unhex(keyrep_stream, &hex), &secret, &err), CERTSTORE_OK);
    assert_true(span_is(secret.algorithm, "DES"));
    assert_true(span_is(secret.key, "\x01\x23\x45\x67\x89\xab\xcd\xef"));
}

static void the_key_is_written_as_java_writes_it(void **state)
{
    (void)state;
    struct hex hex;
    CSI_AUTO_BUF out = { 0 };
    csi_java_write_secret(&out, csi_span_text("AES"), csi_span_text("\x01\x02\x03\x04"));
    assert_true(csi_span_equal(csi_buf_span(&out), unhex(spec_stream, &hex)));
}

static void a_plain_sealed_object_is_read_to_its_end_and_no_further(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    struct hex hex;
    struct csi_java_sealed sealed;
    struct csi_span stream = unhex(sealed_head, &hex);
    hex.data[hex.size] = 0xac; /* the next entry begins here */
    struct csi_reader r = csi_reader(csi_span(stream.data, stream.size + 1));
    assert_int_equal(csi_java_read_sealed(&r, &sealed, &err), CERTSTORE_OK);
    assert_int_equal(csi_left(&r), 1);
    assert_true(csi_span_equal(sealed.whole, stream));
    assert_int_equal(sealed.parameters.size, 15);
    assert_int_equal(sealed.ciphertext.size, 16);
    assert_true(span_is(sealed.algorithm, "PBEWithMD5AndTripleDES"));
}

static void the_sealed_object_we_write_is_read_back(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    struct csi_java_sealed sealed;
    CSI_AUTO_BUF out = { 0 };
    csi_java_write_sealed(&out, csi_span_text("parameters"), csi_span_text("ciphertext"));
    struct csi_reader r = csi_reader(csi_buf_span(&out));
    assert_int_equal(csi_java_read_sealed(&r, &sealed, &err), CERTSTORE_OK);
    assert_int_equal(csi_left(&r), 0);
    assert_true(span_is(sealed.parameters, "parameters"));
    assert_true(span_is(sealed.ciphertext, "ciphertext"));
    assert_true(span_is(sealed.algorithm, "PBEWithMD5AndTripleDES"));
}

static void every_cut_is_an_end_too_early(void **state)
{
    (void)state;
    struct hex hex;
    const struct csi_span stream = unhex(sealed_head, &hex);
    for (size_t size = 0; size < stream.size; size++) {
        certstore_error err = { 0 };
        struct csi_java_sealed sealed;
        struct csi_reader r = csi_reader(csi_span(stream.data, size));
        assert_int_equal(csi_java_read_sealed(&r, &sealed, &err), CERTSTORE_E_TRUNCATED);
        assert_int_equal(csi_left(&r), size);
    }
}

static void a_class_that_is_not_on_the_list_is_refused_by_name(void **state)
{
    (void)state;
    static const uint8_t stream[] = "\xac\xed\x00\x05sr\x00\x11java.util.HashMap\x05\x07\xda\xc1\xc3\x16\x60\xd1\x03\x00\x00xp";
    certstore_error err = { 0 };
    struct csi_java_sealed sealed;
    struct csi_reader r = csi_reader(csi_span(stream, sizeof stream - 1));
    assert_int_equal(csi_java_read_sealed(&r, &sealed, &err), CERTSTORE_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "java.util.HashMap"));
}

static void a_listed_class_in_the_wrong_place_is_refused(void **state)
{
    (void)state;
    struct hex hex;
    certstore_error err = { 0 };
    struct csi_java_sealed sealed;
    struct csi_java_secret secret;
    struct csi_reader r = csi_reader(unhex(spec_stream, &hex));
    assert_int_equal(csi_java_read_sealed(&r, &sealed, &err), CERTSTORE_E_UNSUPPORTED);
    err = (certstore_error){ 0 };
    assert_int_equal(csi_java_read_secret(unhex(sealed_head, &hex), &secret, &err), CERTSTORE_E_UNSUPPORTED);
}

static void a_private_key_in_disguise_is_no_secret_key(void **state)
{
    (void)state;
    struct hex hex;
    certstore_error err = { 0 };
    struct csi_java_secret secret;
    const struct csi_span stream = unhex(keyrep_stream, &hex);
    memcpy(hex.data + stream.size - 6, "PUBLIC", 6);
    assert_int_equal(csi_java_read_secret(stream, &secret, &err), CERTSTORE_E_UNSUPPORTED);
}

static certstore_status read_altered(const char *original, size_t offset, const char *hex_bytes)
{
    certstore_error err = { 0 };
    struct hex hex, change;
    struct csi_java_secret secret;
    const struct csi_span stream = unhex(original, &hex);
    const struct csi_span bytes = unhex(hex_bytes, &change);
    memcpy(hex.data + offset, bytes.data, bytes.size);
    return csi_java_read_secret(stream, &secret, &err);
}

/* Offsets into spec_stream, counted from the bytes above. */
static void structures_that_no_key_has_are_refused(void **state)
{
    (void)state;
    enum { MAGIC = 0, TAG = 4, FLAGS = 47, FIELD_COUNT = 48, FIELD_TYPE = 50, CLASS_END = 94, SUPER = 95, ARRAY_SIZE = 121 };
    assert_int_equal(read_altered(spec_stream, MAGIC, "aced0004"), CERTSTORE_E_MALFORMED);
    assert_int_equal(read_altered(spec_stream, TAG, "70"), CERTSTORE_E_MALFORMED);   /* null instead of an object */
    assert_int_equal(read_altered(spec_stream, FLAGS, "03"), CERTSTORE_E_MALFORMED); /* writes data of its own */
    assert_int_equal(read_altered(spec_stream, FLAGS, "0c"), CERTSTORE_E_MALFORMED); /* Externalizable */
    assert_int_equal(read_altered(spec_stream, FIELD_COUNT, "7fff"), CERTSTORE_E_MALFORMED);
    assert_int_equal(read_altered(spec_stream, FIELD_TYPE, "49"), CERTSTORE_E_MALFORMED);    /* an int */
    assert_int_equal(read_altered(spec_stream, CLASS_END, "73"), CERTSTORE_E_MALFORMED);     /* an annotation: an object */
    assert_int_equal(read_altered(spec_stream, SUPER, "71007e0000"), CERTSTORE_E_MALFORMED); /* its own ancestor */
    assert_int_equal(read_altered(spec_stream, ARRAY_SIZE, "80000000"), CERTSTORE_E_MALFORMED);
    assert_int_equal(read_altered(spec_stream, ARRAY_SIZE, "7fffffff"), CERTSTORE_E_TRUNCATED);
}

/* A class whose every superclass is new again: SecretKeySpec extends SecretKeySpec extends ... */
static void an_endless_line_of_superclasses_is_refused(void **state)
{
    (void)state;
    static const uint8_t link[] = "r\x00\x1fjavax.crypto.spec.SecretKeySpec\x5b\x47\x0b\x66\xe2\x30\x61\x4d\x02\x00\x00x";
    certstore_error err = { 0 };
    struct csi_java_secret secret;
    CSI_AUTO_BUF stream = { 0 };
    csi_buf_put(&stream, "\xac\xed\x00\x05s", 5);
    for (int i = 0; i < 1000; i++)
        csi_buf_put(&stream, link, sizeof link - 1);
    assert_int_equal(csi_java_read_secret(csi_buf_span(&stream), &secret, &err), CERTSTORE_E_MALFORMED);
}

static void references_reach_only_what_came_before(void **state)
{
    (void)state;
    static const char *const handles[] = { "71007e0009", "7100000000", "71ffffffff", "71007e0000" /* a class, where a string must stand */ };
    for (size_t i = 0; i < sizeof handles / sizeof *handles; i++) {
        certstore_error err = { 0 };
        struct hex hex, reference;
        struct csi_java_secret secret;
        CSI_AUTO_BUF stream = { 0 };
        const struct csi_span whole = unhex(spec_stream, &hex);
        enum { VALUES = 96 };
        csi_buf_put(&stream, whole.data, VALUES);
        csi_buf_put_span(&stream, unhex(handles[i], &reference));
        csi_buf_put(&stream, whole.data + VALUES + 6, whole.size - VALUES - 6);
        assert_int_equal(csi_java_read_secret(csi_buf_span(&stream), &secret, &err), CERTSTORE_E_MALFORMED);
    }
}

static void a_null_key_is_no_key(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    struct hex hex;
    struct csi_java_secret secret;
    const struct csi_span whole = unhex(spec_stream, &hex);
    enum { VALUES = 96 };
    memcpy(hex.data + VALUES, "pp", 2);
    assert_int_equal(csi_java_read_secret(csi_span(whole.data, VALUES + 2), &secret, &err), CERTSTORE_E_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_key_that_java_wrote_is_read),
        cmocka_unit_test(the_key_is_written_as_java_writes_it),
        cmocka_unit_test(a_plain_sealed_object_is_read_to_its_end_and_no_further),
        cmocka_unit_test(the_sealed_object_we_write_is_read_back),
        cmocka_unit_test(every_cut_is_an_end_too_early),
        cmocka_unit_test(a_class_that_is_not_on_the_list_is_refused_by_name),
        cmocka_unit_test(a_listed_class_in_the_wrong_place_is_refused),
        cmocka_unit_test(a_private_key_in_disguise_is_no_secret_key),
        cmocka_unit_test(structures_that_no_key_has_are_refused),
        cmocka_unit_test(an_endless_line_of_superclasses_is_refused),
        cmocka_unit_test(references_reach_only_what_came_before),
        cmocka_unit_test(a_null_key_is_no_key),
    };
    return cmocka_run_group_tests_name("java_serial", tests, NULL, NULL);
}
