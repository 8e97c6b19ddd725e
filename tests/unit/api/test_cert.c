/* SPDX-License-Identifier: Apache-2.0 */
/* test_cert.c: what the public functions hand out of a certificate, and what they leave alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "base/bytes.h"
#include "support/make.h"

/* An entry with one certificate of such a subject; of its outer signature algorithm's OID the first octet is set, unless that is 0. */
static certstore_entry *entry_of(const char *subject, uint8_t oid_first)
{
    X509 *x = make_cert(&(struct make_cert){ .subject = subject, .key = make_key("ED25519", 1), .sans = "DNS:a.example,DNS:b.example" });
    CSI_AUTO(csi_blob) *der = make_der(x);
    X509_free(x);
    enum { ALGORITHM = 5, SIGNATURE = 3 + 64 };
    uint8_t *oid = der->data + der->size - SIGNATURE - ALGORITHM + 2;
    assert_memory_equal(oid - 2, "\x06\x03\x2b\x65\x70", ALGORITHM);
    if (oid_first != 0)
        oid[0] = oid_first;
    certstore_entry *entry = certstore_entry_new_trusted("a", der->data, der->size, NULL);
    assert_non_null(entry);
    return entry;
}

static void assert_text(certstore_bytes *given, const char *expected)
{
    CSI_AUTO(certstore_bytes) *bytes = given;
    assert_non_null(bytes);
    assert_int_equal(certstore_bytes_size(bytes), strlen(expected));
    assert_string_equal((const char *)certstore_bytes_data(bytes), expected); /* with its NUL */
}

static void what_is_exported_is_text_of_any_length_with_a_nul_behind_it(void **state)
{
    (void)state;
    CSI_AUTO(certstore_entry) *entry = entry_of("CN=web", 0);
    const certstore_cert *cert = certstore_entry_cert(entry, 0);
    assert_text(certstore_cert_export_subject(cert, NULL), "CN=web");
    assert_text(certstore_cert_export_issuer(cert, NULL), "CN=web");
    assert_text(certstore_cert_export_sans(cert, NULL), "DNS:a.example\nDNS:b.example");
    assert_text(certstore_cert_export_key_algorithm(cert, NULL), "ED25519");
    assert_text(certstore_cert_export_signature_algorithm(cert, NULL), "ED25519");
    for (size_t units = 1; units < 40; units++) {
        CSI_AUTO_BUF subject = { 0 };
        csi_buf_put_text(&subject, "O=x");
        for (size_t i = 0; i < units; i++)
            csi_buf_put_text(&subject, ",OU=seven");
        csi_buf_put_u8(&subject, 0);
        CSI_AUTO(certstore_entry) *longer = entry_of((const char *)subject.data, 0);
        assert_text(certstore_cert_export_subject(certstore_entry_cert(longer, 0), NULL), (const char *)subject.data);
    }
}

static void an_empty_text_is_no_failure(void **state)
{
    (void)state;
    CSI_AUTO_BUF buf = { 0 };
    csi_bytes_begin(&buf, 0);
    certstore_bytes *bytes = csi_bytes_finish(&buf, NULL);
    assert_text(bytes, "");
}

static void an_error_that_is_set_already_ends_the_call(void **state)
{
    (void)state;
    CSI_AUTO(certstore_entry) *entry = entry_of("CN=web", 0);
    certstore_error *err = certstore_error_new();
    assert_null(certstore_cert_export_subject(NULL, err));
    assert_int_equal(certstore_error_status(err), CERTSTORE_E_ARGUMENT);
    assert_null(certstore_cert_export_subject(certstore_entry_cert(entry, 0), err));
    assert_null(certstore_cert_export_signature_algorithm(certstore_entry_cert(entry, 0), err));
    certstore_error_free(err);
}

static void an_oid_that_openssl_complains_of_leaves_its_error_queue_as_it_was(void **state)
{
    (void)state;
    CSI_AUTO(certstore_entry) *entry = entry_of("CN=web", 0x80); /* X.690 8.19.2: the leading octet of an arc shall not be 80 */
    const certstore_cert *cert = certstore_entry_cert(entry, 0);
    ERR_clear_error();
    certstore_bytes_free(certstore_cert_export_signature_algorithm(cert, NULL));
    assert_int_equal(ERR_peek_error(), 0);
    ERR_raise(ERR_LIB_USER, 7);
    const unsigned long before = ERR_peek_last_error();
    certstore_bytes_free(certstore_cert_export_signature_algorithm(cert, NULL));
    assert_int_equal(ERR_peek_last_error(), before);
    ERR_clear_error();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_exported_is_text_of_any_length_with_a_nul_behind_it),
        cmocka_unit_test(an_empty_text_is_no_failure),
        cmocka_unit_test(an_error_that_is_set_already_ends_the_call),
        cmocka_unit_test(an_oid_that_openssl_complains_of_leaves_its_error_queue_as_it_was),
    };
    return cmocka_run_group_tests_name("cert", tests, NULL, NULL);
}
