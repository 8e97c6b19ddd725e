/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_corpus_pkcs12.c: every PKCS#12 file of the corpus, against what an independent reader saw in it: every bag in its order with its
 * attributes, every key opened, and every refusal with the status that says why.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "codec/pkcs12.h"
#include "codec/pkcs8.h"
#include "model/cert.h"
#include "support/codec.h"
#include "support/corpus.h"
#include "support/make.h"

static const char *digest_text(struct csi_span bytes, char text[65])
{
    uint8_t digest[32];
    csi_sha256(bytes, digest);
    csi_hex(digest, sizeof digest, text);
    return text;
}

static csi_passwords *passwords_of(const struct corpus_row *row)
{
    certstore_error err = { 0 };
    csi_passwords *passwords = csi_passwords_new(&err);
    if (row->has_password)
        passwords->store = csi_secret_new(row->password.data, row->password.size, &err);
    if (row->key_password_count > 0)
        passwords->key = csi_secret_new(row->key_passwords[0].data, row->key_passwords[0].size, &err);
    assert_int_equal(err.status, CERTSTORE_OK);
    return passwords;
}

/* One file, read raw. */
struct reading {
    csi_blob *file;
    csi_passwords *passwords;
    struct csi_p12_read read;
    csi_pkcs12 *pkcs12;
    certstore_error err;
};

static void start(struct reading *r, const struct corpus *corpus, const struct corpus_row *row)
{
    size_t size;
    uint8_t *data = corpus_load(corpus, row->file, &size);
    assert_non_null(data);
    *r = (struct reading){ 0 };
    r->file = csi_blob_adopt(data, size, &r->err);
    r->passwords = passwords_of(row);
    r->read = (struct csi_p12_read){ .passwords = r->passwords, .limits = &csi_limits_default, .budget = { .limits = &csi_limits_default } };
    r->read.session.budget = &r->read.budget;
    r->pkcs12 = csi_pkcs12_read(&r->read, r->file, &r->err);
}

static void stop(struct reading *r)
{
    csi_document_free(r->pkcs12 != NULL ? &r->pkcs12->base : NULL);
    csi_pbe_session_close(&r->read.session);
    csi_passwords_free(r->passwords);
    csi_blob_free(r->file);
}

/* The key of a bag as PKCS#8, in the clear. */
static certstore_status open_key(const struct reading *r, const struct csi_bag *bag, struct csi_plain_key *plain, certstore_error *err)
{
    if (bag->kind == CSI_BAG_KEY) {
        plain->bytes = csi_secret_new(bag->object.data, bag->object.size, err);
        return err->status;
    }
    CSI_AUTO(csi_blob) *sealed = csi_blob_new(bag->object.data, bag->object.size, err);
    CSI_AUTO(csi_key) *key = csi_key_new_sealed(&csi_protection_pkcs8, sealed, r->passwords, &csi_limits_default, err);
    return csi_key_open(key, "", NULL, plain, err);
}

static bool attribute_is(const struct csi_bag *bag, const char *oid, const json_t *values, char *why, size_t room)
{
    const char *value = json_string_value(json_array_get(values, 0));
    if (value == NULL)
        return true;
    if (strcmp(oid, "1.2.840.113549.1.9.20") == 0) {
        CSI_AUTO_BUF name = { 0 };
        bool good = csi_bag_name(bag, &name) && csi_span_equal(csi_buf_span(&name), csi_span_text(value));
        if (!good)
            snprintf(why, room, "friendlyName is not \"%s\"", value);
        return good;
    }
    if (strcmp(oid, "1.2.840.113549.1.9.21") == 0 && strncmp(value, "hex:", 4) == 0) {
        char hex[1024];
        if (bag->local_key_id.size * 2 < sizeof hex)
            csi_hex(bag->local_key_id.data, bag->local_key_id.size, hex);
        if (bag->local_key_id.size * 2 < sizeof hex && strcmp(hex, value + 4) == 0)
            return true;
        snprintf(why, room, "localKeyID is not %s", value + 4);
        return false;
    }
    if (strcmp(oid, "2.16.840.1.113894.746875.1.1") == 0 && !bag->trusted) {
        snprintf(why, room, "the trust attribute was not seen");
        return false;
    }
    return true;
}

static const char *kind_name(enum csi_bag_kind kind)
{
    static const char *const names[] = { "key", "shroudedkey", "cert", "crl", "other", "nest", "other" };
    return names[kind];
}

/* What the bag itself is, by digest. */
static bool object_is(const struct reading *r, const struct csi_bag *bag, const json_t *expected, char *why, size_t room)
{
    char text[65];
    const char *sha256 = json_string_value(json_object_get(expected, "sha256"));
    const char *pkcs8 = json_string_value(json_object_get(expected, "pkcs8_sha256"));
    if (sha256 != NULL && strcmp(digest_text(bag->object, text), sha256) != 0) {
        snprintf(why, room, "%s is %s, not %s", kind_name(bag->kind), text, sha256);
        return false;
    }
    if (pkcs8 == NULL)
        return true;
    CSI_AUTO_PLAIN plain = { 0 };
    certstore_error err = { 0 };
    if (open_key(r, bag, &plain, &err) != CERTSTORE_OK) {
        snprintf(why, room, "a key does not open: %s", err.message);
        return false;
    }
    if (strcmp(digest_text(csi_secret_span(plain.bytes), text), pkcs8) == 0)
        return true;
    snprintf(why, room, "a key is %s, not %s", text, pkcs8);
    return false;
}

static bool bag_is(const struct reading *r, const struct csi_bag *bag, const json_t *expected, char *why, size_t room)
{
    const char *kind = json_string_value(json_object_get(expected, "bag"));
    const char *oid;
    json_t *values;
    if (kind == NULL || strcmp(kind, kind_name(bag->kind)) != 0) {
        snprintf(why, room, "a bag is a %s, not a %s", kind_name(bag->kind), kind != NULL ? kind : "?");
        return false;
    }
    json_object_foreach(json_object_get(expected, "attrs"), oid, values)
    {
        if (!attribute_is(bag, oid, values, why, room))
            return false;
    }
    return object_is(r, bag, expected, why, room);
}

/* Every bag of the record, in order, and no more. */
static bool bags_are(const struct reading *r, const struct corpus_row *row, char *why, size_t room)
{
    const json_t *bags = json_object_get(json_object_get(row->record, "result"), "bags");
    size_t seen = 0;
    for (size_t i = 0; i < r->pkcs12->bag_count; i++) {
        const struct csi_bag *bag = &r->pkcs12->bags[i];
        if (bag->kind == CSI_BAG_NEST)
            continue;
        const json_t *expected = json_array_get(bags, seen++);
        if (expected == NULL && bags != NULL) {
            snprintf(why, room, "more bags than %zu", json_array_size(bags));
            return false;
        }
        if (expected != NULL && !bag_is(r, bag, expected, why, room))
            return false;
    }
    if (bags != NULL && seen != json_array_size(bags)) {
        snprintf(why, room, "%zu bags, not %zu", seen, json_array_size(bags));
        return false;
    }
    return true;
}

/* The one file whose record is Java's alone: its key and certificate are in `expected`. */
static bool java_record_is(const struct reading *r, const struct corpus_row *row)
{
    size_t found = 0;
    for (size_t i = 0; i < r->pkcs12->bag_count; i++) {
        const struct csi_bag *bag = &r->pkcs12->bags[i];
        CSI_AUTO_PLAIN plain = { 0 };
        certstore_error err = { 0 };
        char text[65] = "";
        if (bag->kind == CSI_BAG_CERT)
            digest_text(bag->object, text);
        if (bag->kind == CSI_BAG_SHROUDED && open_key(r, bag, &plain, &err) == CERTSTORE_OK)
            digest_text(csi_secret_span(plain.bytes), text);
        found += text[0] != '\0' && strstr(row->expected, text) != NULL;
    }
    return found == 2;
}

static bool accepted_whole(const struct reading *r, const struct corpus_row *row, char *why, size_t room)
{
    if (r->pkcs12 == NULL) {
        snprintf(why, room, "%s: %s (%s)", certstore_status_name(r->err.status), r->err.message, r->err.cause);
        return false;
    }
    bool has_record = json_object_get(json_object_get(row->record, "result"), "bags") != NULL;
    return has_record ? bags_are(r, row, why, room) : java_record_is(r, row);
}

/* UNSUPPORTED from the file or, where only a key is concerned, from that key; never PASSWORD. */
static bool refused_as_unsupported(const struct reading *r, char *why, size_t room)
{
    certstore_error err = { 0 };
    snprintf(why, room, "%s: %s", certstore_status_name(r->err.status), r->err.message);
    if (r->pkcs12 == NULL)
        return r->err.status == CERTSTORE_E_UNSUPPORTED;
    for (size_t i = 0; i < r->pkcs12->bag_count; i++) {
        CSI_AUTO_PLAIN plain = { 0 };
        if (r->pkcs12->bags[i].kind == CSI_BAG_SHROUDED && open_key(r, &r->pkcs12->bags[i], &plain, &err) == CERTSTORE_E_UNSUPPORTED)
            return true;
    }
    return false;
}

static bool every_key_opens(const struct reading *r, char *why, size_t room)
{
    for (size_t i = 0; i < r->pkcs12->bag_count; i++) {
        CSI_AUTO_PLAIN plain = { 0 };
        certstore_error err = { 0 };
        struct csi_span oid;
        if (r->pkcs12->bags[i].kind != CSI_BAG_SHROUDED)
            continue;
        if (open_key(r, &r->pkcs12->bags[i], &plain, &err) != CERTSTORE_OK || !csi_pkcs8_algorithm(csi_secret_span(plain.bytes), &oid)) {
            snprintf(why, room, "%s: %s", certstore_status_name(err.status), err.message);
            return false;
        }
    }
    return true;
}

static bool judge(const struct reading *r, const struct corpus_row *row, char *why, size_t room)
{
    snprintf(why, room, "%s: %s", certstore_status_name(r->err.status), r->err.message);
    if (strcmp(row->expect, "accept") == 0)
        return accepted_whole(r, row, why, room);
    if (strcmp(row->expect, "reject") == 0)
        return r->pkcs12 == NULL && r->err.status != CERTSTORE_E_PASSWORD && r->err.status != CERTSTORE_E_MEMORY;
    if (strcmp(row->expect, "unsupported-algorithm") == 0)
        return refused_as_unsupported(r, why, room);
    if (strcmp(row->expect, "password-unknown") == 0)
        return r->pkcs12 == NULL && r->err.status == CERTSTORE_E_PASSWORD;
    if (strcmp(row->expect, "quirk-readable") == 0)
        return r->pkcs12 != NULL && every_key_opens(r, why, room);
    return r->pkcs12 == NULL ? r->err.status != CERTSTORE_E_MEMORY : true; /* no-crash, quirk: any answer */
}

static void every_file_is_read_as_the_corpus_says(void **state)
{
    (void)state;
    struct corpus *corpus = corpus_open();
    const struct corpus_row *row;
    struct corpus_score score = { 0 };
    if (corpus == NULL)
        skip();
    for (size_t at = 0; (row = corpus_next(corpus, "PKCS12", &at)) != NULL;) {
        struct reading r;
        char why[1024];
        start(&r, corpus, row);
        bool good = judge(&r, row, why, sizeof why);
        corpus_count(&score, row, good, why);
        stop(&r);
    }
    corpus_print(&score);
    assert_int_equal(corpus_misses(&score), 0);
    corpus_free(corpus);
}

/* The bags of `before` are all there, in order, byte for byte; `*more` is how many others there are. */
static bool bags_survive(const csi_pkcs12 *before, const csi_pkcs12 *after, size_t *more)
{
    size_t found = 0;
    for (size_t i = 0; i < after->bag_count && found < before->bag_count; i++)
        if (before->bags[found].kind == CSI_BAG_NEST || csi_span_equal(before->bags[found].whole, after->bags[i].whole))
            found++;
    *more = after->bag_count - before->bag_count;
    return found == before->bag_count;
}

/* Adds a trusted certificate to the decoded file and reads the result. */
static bool edit_keeps_the_rest(csi_blob *file, const csi_passwords *passwords, csi_blob *cert, char *why, size_t room)
{
    certstore_status status;
    size_t more = 0;
    CSI_AUTO(certstore_bundle) *bundle = codec_decode(&csi_codec_pkcs12, file, passwords, &status);
    snprintf(why, room, "does not decode: %s", certstore_status_name(status));
    if (bundle == NULL)
        return false;
    CSI_AUTO(csi_blob) *same = codec_encode(&csi_codec_pkcs12, bundle, passwords, CSI_PROFILE_DEFAULT);
    snprintf(why, room, "unchanged, but other bytes");
    if (!csi_span_equal(csi_blob_span(same), csi_blob_span(file)))
        return false;
    CSI_AUTO(certstore_entry) *added = make_trusted("an added certificate", cert);
    certstore_error err = { 0 };
    assert_int_equal(csi_bundle_put(bundle, added, &err), CERTSTORE_OK);
    CSI_AUTO(csi_blob) *edited = codec_encode(&csi_codec_pkcs12, bundle, passwords, CSI_PROFILE_DEFAULT);
    CSI_AUTO(certstore_bundle) *after = codec_decode(&csi_codec_pkcs12, edited, passwords, &status);
    snprintf(why, room, "edited, and does not decode: %s", certstore_status_name(status));
    if (after == NULL)
        return false;
    snprintf(why, room, "edited, and not every bag is as it was");
    return bags_survive((const csi_pkcs12 *)bundle->document, (const csi_pkcs12 *)after->document, &more) && more == 1 &&
           after->count == bundle->count && after->integrity == bundle->integrity;
}

static void every_accepted_file_survives_an_edit_bag_for_bag(void **state)
{
    (void)state;
    struct corpus *corpus = corpus_open();
    const struct corpus_row *row;
    unsigned files = 0, misses = 0;
    if (corpus == NULL)
        skip();
    X509 *x509 = make_cert(&(struct make_cert){ .subject = "CN=added", .key = make_key("EC:P-256", 1), .ca = true });
    CSI_AUTO(csi_blob) *cert = make_der(x509);
    X509_free(x509);
    for (size_t at = 0; (row = corpus_next(corpus, "PKCS12", &at)) != NULL;) {
        size_t size;
        char why[128];
        certstore_error err = { 0 };
        if (strcmp(row->expect, "accept") != 0 || strstr(row->file, "iter_1000000") != NULL) /* a second each */
            continue;
        uint8_t *data = corpus_load(corpus, row->file, &size);
        CSI_AUTO(csi_blob) *file = csi_blob_adopt(data, size, &err);
        CSI_AUTO(csi_passwords) *passwords = passwords_of(row);
        bool good = edit_keeps_the_rest(file, passwords, cert, why, sizeof why);
        if (!good)
            print_message("# miss: %s: %s\n", row->file, why);
        misses += !good;
        files++;
    }
    print_message("# table PKCS12       edited, rest kept    %4u     %4u\n", files - misses, files);
    assert_int_equal(misses, 0);
    corpus_free(corpus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_is_read_as_the_corpus_says),
        cmocka_unit_test(every_accepted_file_survives_an_edit_bag_for_bag),
    };
    return cmocka_run_group_tests_name("pkcs12 corpus", tests, NULL, NULL);
}
