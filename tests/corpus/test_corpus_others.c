/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_corpus_others.c: what is in the corpus beside stores that are files of a format: what is recognised and declined by name (p11-kit's
 * own files, certdata.txt, firmware's signature lists), token URIs, held against p11-kit's parser, an NSS database, held against certutil, and files
 * that hold passphrases.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <p11-kit/uri.h>

#include "api/registry.h"
#include "certstore.h"
#include "cli.h"
#include "source.h"
#include "support/corpus.h"
#include "support/faulty_os.h"
#include "support/tokens.h"

static struct corpus_score score;

static certstore_bundle *decode(const struct csi_codec *codec, const csi_parts *parts, certstore_error *err)
{
    const struct csi_decode in = { .parts = parts, .limits = &csi_limits_default };
    return codec->decode(&in, err);
}

static csi_parts *parts_of(const uint8_t *data, size_t size, certstore_error *err)
{
    csi_parts *parts = csi_parts_new(err);
    CSI_AUTO(csi_blob) *bytes = csi_blob_new(data, size, err);
    assert_int_equal(csi_parts_add(parts, "", bytes, err), CERTSTORE_OK);
    return parts;
}

/* ------------------------------------------------------------------------------------------------------------ declined by name */

static void judge_declined(const struct corpus_row *row, const uint8_t *data, size_t size, const struct csi_codec *codec, const char *named)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_parts) *parts = parts_of(data, size, &err);
    const struct csi_codec *found = csi_registry_probe(csi_span(data, size));
    CSI_AUTO(certstore_bundle) *bundle = found != NULL ? decode(found, parts, &err) : NULL;
    const bool good = found == codec && bundle == NULL && err.status == CERTSTORE_E_UNSUPPORTED && strstr(err.message, named) != NULL;
    corpus_count(&score, row, good, found != codec ? "taken for another format" : err.message);
}

/* Two of p11-kit's fuzz seeds are PEM, whatever their names end in: their blocks are read or refused as such, and come out as they went in. */
static void judge_as_pem(const struct corpus_row *row, const uint8_t *data, size_t size)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_parts) *parts = parts_of(data, size, &err);
    CSI_AUTO(csi_parts) *after = csi_parts_new(&err);
    const struct csi_codec *found = csi_registry_probe(csi_span(data, size));
    CSI_AUTO(certstore_bundle) *bundle = decode(&csi_codec_pem, parts, &err);
    const struct csi_encode in = { .part_count = 1, .limits = &csi_limits_default };
    bool good = found == &csi_codec_pem;
    if (bundle == NULL)
        good = good && err.status == CERTSTORE_E_MALFORMED;
    else
        good = good && csi_codec_pem.encode(bundle, &in, after, &err) == CERTSTORE_OK && after->count == 1 &&
               csi_span_equal(csi_blob_span(after->items[0].bytes), csi_span(data, size));
    corpus_count(&score, row, good, "neither refused as PEM nor kept");
}

static void judge_p11kit(const struct corpus_row *row, const uint8_t *data, size_t size)
{
    if (json_integer_value(json_object_get(json_object_get(row->record, "result"), "objects")) == 0)
        judge_as_pem(row, data, size);
    else
        judge_declined(row, data, size, &csi_codec_p11kit, "p11-kit");
}

static void judge_certdata(const struct corpus_row *row, const uint8_t *data, size_t size)
{
    judge_declined(row, data, size, &csi_codec_certdata, "certdata.txt");
}

static void judge_edk2(const struct corpus_row *row, const uint8_t *data, size_t size)
{
    judge_declined(row, data, size, &csi_codec_edk2, "edk2");
}

/* ------------------------------------------------------------------------------------------------------------------ token URIs */

/* In p11-kit's own order and spelling; NULL when its parser refuses it or does not know all of it. */
static char *as_p11_kit_reads(const char *text)
{
    P11KitUri *uri = p11_kit_uri_new();
    char *formatted = NULL;
    if (p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri) == P11_KIT_URI_OK && !p11_kit_uri_any_unrecognized(uri) &&
        p11_kit_uri_format(uri, P11_KIT_URI_FOR_ANY, &formatted) != P11_KIT_URI_OK)
        formatted = NULL;
    p11_kit_uri_free(uri);
    return formatted;
}

static void judge_uri(const struct corpus_row *row, const uint8_t *data, size_t size)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_chars) *text = strndup((const char *)data, size);
    CSI_AUTO(csi_p11_address) *address = csi_p11_address_parse(text, &err);
    CSI_AUTO(csi_chars) *theirs = as_p11_kit_reads(text);
    CSI_AUTO(csi_chars) *shown = address != NULL ? csi_p11_address_text(address, &err) : NULL;
    CSI_AUTO(csi_chars) *ours = shown != NULL ? as_p11_kit_reads(shown) : NULL;
    bool good = address != NULL ? theirs != NULL && ours != NULL && strcmp(ours, theirs) == 0 : theirs == NULL && err.status == CERTSTORE_E_ARGUMENT;
    corpus_count(&score, row, good, shown != NULL ? shown : err.message);
}

/* ----------------------------------------------------------------------------------------------------------------- NSS database */

/* The database's files are rows of their own. NSS may write into what it opens, so it is given a copy. */
static char *copy_database(const struct corpus *corpus, const char *folder)
{
    const struct corpus_row *row;
    for (size_t at = 0; (row = corpus_next(corpus, "NSSDB", &at)) != NULL;) {
        char path[4096];
        size_t size;
        uint8_t *data = corpus_load(corpus, row->file, &size);
        snprintf(path, sizeof path, "%s/%s", folder, strrchr(row->file, '/') + 1);
        FILE *file = fopen(path, "w");
        assert_non_null(data);
        assert_non_null(file);
        assert_int_equal(fwrite(data, 1, size, file), size);
        assert_int_equal(fclose(file), 0);
        free(data);
    }
    char *uri = NULL;
    assert_true(asprintf(&uri, "nss:%s", folder) > 0);
    return uri;
}

static size_t count_lines(const char *command)
{
    size_t lines = 0;
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    for (int c; (c = getc(pipe)) != EOF;)
        lines += c == '\n';
    assert_int_equal(pclose(pipe), 0);
    return lines;
}

/* The certificate that certutil writes for a nickname is the entry's. */
static bool certutil_has(const char *folder, const certstore_entry *entry)
{
    char command[4096];
    uint8_t der[8192];
    const certstore_cert *cert = certstore_entry_cert(entry, 0);
    snprintf(command, sizeof command, "certutil -L -d 'sql:%s' -n '%s' -r", folder, certstore_entry_alias(entry));
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    const size_t size = fread(der, 1, sizeof der, pipe);
    return pclose(pipe) == 0 && csi_span_equal(csi_span(der, size), csi_span(certstore_cert_data(cert), certstore_cert_size(cert)));
}

static certstore_bundle *read_database(const char *uri, const char *state, certstore_error *err)
{
    certstore_options *options = certstore_options_new(err);
    certstore_options_set_state_dir(options, state, err);
    certstore_options_set_password(options, (const uint8_t *)"12345678", 8, err); /* as its project's tests have it */
    certstore *store = certstore_open(uri, options, err);
    certstore_bundle *bundle = store != NULL ? certstore_read(store, err) : NULL;
    certstore_free(store);
    certstore_options_free(options);
    return bundle;
}

static void an_nss_database_is_what_certutil_says_it_is(void **state)
{
    (void)state;
    struct corpus *corpus = corpus_open();
    if (corpus == NULL)
        skip();
    if (system("command -v certutil >/dev/null") != 0) {
        printf("# no certutil: install libnss3-tools\n");
        corpus_free(corpus);
        skip();
    }
    char *folder = test_dir_new();
    char command[4096];
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    CSI_AUTO(csi_chars) *uri = copy_database(corpus, folder);
    char *elsewhere = test_dir_new();
    CSI_AUTO(certstore_bundle) *bundle = read_database(uri, elsewhere, err);
    if (bundle == NULL)
        fail_msg("%s", certstore_error_message(err));
    size_t certificates = 0, keys = 0, equal = 0;
    for (size_t i = 0; i < certstore_bundle_count(bundle); i++) {
        const certstore_entry *entry = certstore_bundle_at(bundle, i);
        const bool has_cert = certstore_entry_cert_count(entry) > 0;
        keys += certstore_entry_kind(entry) == CERTSTORE_KEY;
        certificates += has_cert;
        equal += has_cert && certutil_has(folder, entry);
    }
    snprintf(command, sizeof command, "certutil -L -d 'sql:%s' | grep ',.*,'", folder);
    const size_t listed = count_lines(command) - 1; /* "SSL,S/MIME,JAR/XPI" */
    snprintf(command, sizeof command, "printf 12345678 | certutil -K -d 'sql:%s' -f /dev/stdin | grep '^<'", folder);
    const size_t listed_keys = count_lines(command);
    const bool good = certificates == listed && equal == listed && keys == listed_keys && listed == 7;
    const struct corpus_row *row;
    for (size_t at = 0; (row = corpus_next(corpus, "NSSDB", &at)) != NULL;)
        corpus_count(&score, row, good, "other certificates or keys than certutil lists");
    assert_true(good);
    test_dir_remove(folder);
    test_dir_remove(elsewhere);
    corpus_free(corpus);
}

/* ----------------------------------------------------------------------------------------------------------- passphrase files */

static bool is_passphrase_of(const struct corpus_row *row, struct csi_span line)
{
    bool is = row->has_password && csi_span_equal(csi_span(row->password.data, row->password.size), line);
    for (size_t i = 0; i < row->key_password_count; i++)
        is = is || csi_span_equal(csi_span(row->key_passwords[i].data, row->key_passwords[i].size), line);
    return is;
}

/* A source "file:PATH" gives the first line. In files that were made to open stores of the corpus, that is the passphrase of some. */
static void judge_passfile(const struct corpus *corpus, const struct corpus_row *row)
{
    char source[4096];
    int status = 0;
    size_t size;
    struct cli cli = { 0 };
    snprintf(source, sizeof source, "file:%s/%s", corpus->root, row->file);
    struct secret *secret = source_read(&cli, source, "the corpus", &status);
    uint8_t *data = corpus_load(corpus, row->file, &size);
    assert_non_null(data);
    const uint8_t *newline = memchr(data, '\n', size);
    const struct csi_span line = csi_span(data, newline != NULL ? (size_t)(newline - data) : size);
    bool good = secret != NULL && csi_span_equal(csi_span(secret->data, secret->size), line);
    size_t opens = 0;
    for (size_t i = 0; i < corpus->count; i++)
        opens += is_passphrase_of(&corpus->rows[i], line);
    if (strstr(row->file, "/password-") != NULL)
        good = good && opens > 0;
    corpus_count(&score, row, good, "not the first line, or no store's passphrase");
    secret_free(secret);
    free(data);
}

/* ------------------------------------------------------------------------------------------------------------------------- all */

static void judge_rows(const struct corpus *corpus, const char *format, void (*judge)(const struct corpus_row *, const uint8_t *, size_t))
{
    const struct corpus_row *row;
    for (size_t at = 0; (row = corpus_next(corpus, format, &at)) != NULL;) {
        size_t size;
        uint8_t *data = corpus_load(corpus, row->file, &size);
        assert_non_null(data);
        judge(row, data, size);
        free(data);
    }
}

static void what_is_no_file_store_of_ours_is_declined_by_name_or_read_as_what_it_is(void **state)
{
    (void)state;
    struct corpus *corpus = corpus_open();
    if (corpus == NULL)
        skip();
    judge_rows(corpus, "P11KIT", judge_p11kit);
    judge_rows(corpus, "NSS-CERTDATA", judge_certdata);
    judge_rows(corpus, "EDK2", judge_edk2);
    judge_rows(corpus, "PKCS11-URI", judge_uri);
    const struct corpus_row *row;
    for (size_t at = 0; (row = corpus_next(corpus, "passfile", &at)) != NULL;)
        judge_passfile(corpus, row);
    corpus_print(&score);
    assert_int_equal(corpus_misses(&score), 0);
    corpus_free(corpus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_nss_database_is_what_certutil_says_it_is),
        cmocka_unit_test(what_is_no_file_store_of_ours_is_declined_by_name_or_read_as_what_it_is),
    };
    return cmocka_run_group_tests_name("corpus: others", tests, NULL, NULL);
}
