/* SPDX-License-Identifier: Apache-2.0 */
/* test_declined.c: which content is known for what it is although it is not read, and what is not taken for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/registry.h"
#include "support/jksfile.h"

#define GUID "\xa1\x59\xc0\xa5\xe4\x94\xa7\x4a\x87\xb5\xab\x15\x5c\x2b\xf0\x72"
#define BLOCK "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n"

static const struct {
    const char *content;
    size_t size; /* 0: that of the text */
    const struct csi_codec *codec;
    const char *named;
} known[] = {
    { "[p11-kit-object-v1]\n", 0, &csi_codec_p11kit, "p11-kit" },
    { "# made by hand\n\n[p11-kit-object-v1]\ntrusted: true\n" BLOCK, 0, &csi_codec_p11kit, "p11-kit" },
    { BLOCK "[p11-kit-object-v1]\r\nx-distrusted: true\n", 0, &csi_codec_p11kit, "p11-kit" },
    { "#\n# certdata.txt\n#\nBEGINDATA\nCKA_CLASS CK_OBJECT_CLASS CKO_CERTIFICATE\n", 0, &csi_codec_certdata, "certdata.txt" },
    { GUID "\x1c\0\0\0\0\0\0\0\0\0\0\0", 28, &csi_codec_edk2, "edk2" },
    { "SQLite format 3\0\x10\0", 18, &csi_codec_sqlite, "nss:" },
};

static void each_is_known_by_its_content_and_declined_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        certstore_error err = { 0 };
        const size_t size = known[i].size != 0 ? known[i].size : strlen(known[i].content);
        CSI_AUTO(csi_parts) *parts = csi_parts_new(&err);
        CSI_AUTO(csi_blob) *bytes = csi_blob_new(known[i].content, size, &err);
        csi_parts_add(parts, "", bytes, &err);
        const struct csi_decode in = { .parts = parts, .limits = &csi_limits_default };
        assert_ptr_equal(csi_registry_probe(csi_blob_span(bytes)), known[i].codec);
        assert_null(known[i].codec->decode(&in, &err));
        assert_int_equal(err.status, CERTSTORE_E_UNSUPPORTED);
        assert_non_null(strstr(err.message, known[i].named));
        assert_int_equal(known[i].codec->capabilities, 0);
    }
}

static void what_only_looks_like_one_is_something_else(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        size_t size;
    } others[] = {
        { "", 0 },
        { "[p11-kit-object-v1", 18 },
        { "text that speaks of [p11-kit-object-v1]\n" BLOCK, sizeof "text that speaks of [p11-kit-object-v1]\n" BLOCK - 1 },
        { " BEGINDATA\n", 11 },
        { GUID "\x1c\0\0\0\0\0\0\0\0\0\0", 27 },
        { "SQLite format 3", 15 },
        { "SQLite format 31", 16 },
    };
    static const struct csi_codec *const declined[] = { &csi_codec_p11kit, &csi_codec_certdata, &csi_codec_edk2, &csi_codec_sqlite };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        for (size_t k = 0; k < sizeof declined / sizeof *declined; k++)
            assert_int_equal(declined[k]->probe(csi_span(others[i].content, others[i].size)), 0);
}

/* A file of a few megabytes is not searched to its end for a line that would be at its beginning. */
static void the_line_that_tells_is_looked_for_in_the_first_kilobytes(void **state)
{
    (void)state;
    CSI_AUTO_BUF early = { 0 };
    CSI_AUTO_BUF late = { 0 };
    for (int i = 0; i < 8000; i++)
        csi_buf_put_u8(&early, i % 80 == 79 ? '\n' : '#');
    for (int i = 0; i < 9 * 1024; i++)
        csi_buf_put_u8(&late, i % 64 == 63 ? '\n' : '#');
    csi_buf_put_text(&early, "[p11-kit-object-v1]\n");
    csi_buf_put_text(&late, "[p11-kit-object-v1]\n");
    assert_true(csi_codec_p11kit.probe(csi_buf_span(&early)) > 0);
    assert_int_equal(csi_codec_p11kit.probe(csi_buf_span(&late)), 0);
}

static void nothing_is_written_in_them(void **state)
{
    (void)state;
    certstore_error err = { 0 };
    CSI_AUTO_BUF file = { 0 };
    jksfile_begin(&file, JKSFILE_JKS, 2, 1);
    jksfile_trusted(&file, 2, "a", 0, 1);
    jksfile_end(&file, "changeit");
    CSI_AUTO(certstore_bundle) *bundle = jksfile_read(&csi_codec_jks, &file, "changeit", CERTSTORE_OK);
    CSI_AUTO(certstore_report) *losses = csi_report_new(&err);
    assert_null(jksfile_write(&csi_codec_p11kit, bundle, NULL, false, CERTSTORE_E_UNSUPPORTED));
    assert_int_equal(csi_codec_p11kit.losses(bundle, losses, &err), CERTSTORE_OK);
    assert_true(jksfile_has_row(losses, "read-only", "a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_known_by_its_content_and_declined_by_name),
        cmocka_unit_test(what_only_looks_like_one_is_something_else),
        cmocka_unit_test(the_line_that_tells_is_looked_for_in_the_first_kilobytes),
        cmocka_unit_test(nothing_is_written_in_them),
    };
    return cmocka_run_group_tests_name("declined formats", tests, NULL, NULL);
}
