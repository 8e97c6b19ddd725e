/* SPDX-License-Identifier: Apache-2.0 */
/* token.c: objects as tokens give them. */
#include "support/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include <openssl/sha.h>
#include <p11-kit/pkcs11.h>
#include <p11-kit/pkcs11x.h>

#include "base/writer.h"
#include "model/cert.h"

/* --------------------------------------------------------------------------------------------------------------------- objects */

static csi_blob *finish(struct csi_object_draft *draft)
{
    certstore_error err = { 0 };
    csi_blob *object = csi_object_finish(draft, &err);
    assert_non_null(object);
    assert_int_equal(csi_object_check(csi_blob_span(object), &err), CERTSTORE_OK);
    return object;
}

static void begin(struct csi_object_draft *draft, uint32_t object_class, const char *label, const char *id)
{
    uint8_t bytes[64];
    csi_object_put_number(draft, CKA_CLASS, object_class);
    if (label != NULL)
        csi_object_put(draft, CKA_LABEL, csi_span_text(label));
    if (id == NULL)
        return;
    assert_true(strlen(id) / 2 <= sizeof bytes && csi_unhex(id, bytes, strlen(id) / 2));
    csi_object_put(draft, CKA_ID, csi_span(bytes, strlen(id) / 2));
}

static void put_serial(struct csi_object_draft *draft, struct csi_span serial)
{
    CSI_AUTO_BUF der = { 0 };
    csi_der_put(&der, CSI_DER_INTEGER, serial);
    csi_object_put(draft, CKA_SERIAL_NUMBER, csi_buf_span(&der));
}

csi_blob *token_cert(enum token_maker maker, const csi_blob *der, const char *label, const char *id)
{
    CSI_AUTO_DRAFT draft = { 0 };
    struct csi_cert_view view;
    begin(&draft, CKO_CERTIFICATE, label, id);
    csi_object_put_number(&draft, CKA_CERTIFICATE_TYPE, CKC_X_509);
    csi_object_put_flag(&draft, CKA_PRIVATE, false);
    csi_object_put(&draft, CKA_VALUE, csi_blob_span(der));
    if (csi_cert_skim(csi_blob_span(der), &view)) {
        csi_object_put(&draft, CKA_SUBJECT, view.subject);
        csi_object_put(&draft, CKA_ISSUER, view.issuer);
        put_serial(&draft, view.serial);
    }
    csi_object_put_flag(&draft, CKA_MODIFIABLE, maker != TOKEN_P11_KIT);
    if (maker == TOKEN_NSS) {
        csi_object_put_flag(&draft, CKA_SENSITIVE, false);
        return finish(&draft);
    }
    csi_object_put_number(&draft, CKA_CERTIFICATE_CATEGORY, 0);
    csi_object_put_flag(&draft, CKA_TRUSTED, false);
    if (maker == TOKEN_P11_KIT)
        csi_object_put_flag(&draft, CKA_X_DISTRUSTED, false);
    return finish(&draft);
}

csi_blob *token_private(enum token_maker maker, const EVP_PKEY *key, const char *label, const char *id)
{
    CSI_AUTO_DRAFT draft = { 0 };
    CSI_AUTO(csi_blob) *spki = make_spki(key);
    begin(&draft, CKO_PRIVATE_KEY, label, id);
    assert_true(csi_object_put_spki(&draft, csi_blob_span(spki), false));
    csi_object_put_flag(&draft, CKA_PRIVATE, true);
    csi_object_put_flag(&draft, CKA_SENSITIVE, true);
    csi_object_put_flag(&draft, CKA_EXTRACTABLE, maker == TOKEN_NSS);
    csi_object_put_flag(&draft, CKA_MODIFIABLE, true);
    csi_object_put_flag(&draft, CKA_LOCAL, false);
    return finish(&draft);
}

csi_blob *token_public(enum token_maker maker, const EVP_PKEY *key, const char *label, const char *id)
{
    CSI_AUTO_DRAFT draft = { 0 };
    CSI_AUTO(csi_blob) *spki = make_spki(key);
    begin(&draft, CKO_PUBLIC_KEY, maker == TOKEN_NSS ? NULL : label, id);
    assert_true(csi_object_put_spki(&draft, csi_blob_span(spki), true));
    csi_object_put_flag(&draft, CKA_PRIVATE, false);
    if (maker == TOKEN_SOFTHSM)
        csi_object_put_flag(&draft, CKA_TRUSTED, false);
    return finish(&draft);
}

csi_blob *token_trust(const csi_blob *der, const uint32_t levels[4])
{
    static const uint32_t types[] = { CKA_TRUST_SERVER_AUTH, CKA_TRUST_CLIENT_AUTH, CKA_TRUST_CODE_SIGNING, CKA_TRUST_EMAIL_PROTECTION };
    CSI_AUTO_DRAFT draft = { 0 };
    struct csi_cert_view view;
    uint8_t digest[SHA_DIGEST_LENGTH];
    assert_true(csi_cert_skim(csi_blob_span(der), &view));
    begin(&draft, CKO_NSS_TRUST, NULL, NULL);
    csi_object_put(&draft, CKA_ISSUER, view.issuer);
    put_serial(&draft, view.serial);
    for (size_t i = 0; i < 4; i++)
        csi_object_put_number(&draft, types[i], levels[i]);
    assert_int_equal(EVP_Q_digest(NULL, "SHA1", NULL, der->data, der->size, digest, NULL), 1);
    csi_object_put(&draft, CKA_CERT_SHA1_HASH, csi_span(digest, sizeof digest));
    csi_object_put_flag(&draft, CKA_TRUST_STEP_UP_APPROVED, false);
    return finish(&draft);
}

csi_blob *token_data(const char *label, const char *application, const char *value)
{
    CSI_AUTO_DRAFT draft = { 0 };
    begin(&draft, CKO_DATA, label, NULL);
    csi_object_put(&draft, CKA_APPLICATION, csi_span_text(application));
    csi_object_put(&draft, CKA_VALUE, csi_span_text(value));
    csi_object_put_flag(&draft, CKA_PRIVATE, false);
    return finish(&draft);
}

csi_blob *token_aes(const char *label, const char *id)
{
    CSI_AUTO_DRAFT draft = { 0 };
    begin(&draft, CKO_SECRET_KEY, label, id);
    csi_object_put_number(&draft, CKA_KEY_TYPE, CKK_AES);
    csi_object_put_number(&draft, CKA_VALUE_LEN, 32);
    csi_object_put_flag(&draft, CKA_SENSITIVE, true);
    csi_object_put_flag(&draft, CKA_EXTRACTABLE, false);
    return finish(&draft);
}

csi_blob *token_with(const csi_blob *object, uint32_t type, struct csi_span value)
{
    CSI_AUTO_DRAFT draft = { 0 };
    csi_object_put_all(&draft, csi_blob_span(object));
    csi_object_put(&draft, type, value);
    return finish(&draft);
}

csi_blob *token_with_flag(const csi_blob *object, uint32_t type, bool value)
{
    uint8_t byte = value;
    return token_with(object, type, csi_span(&byte, 1));
}

csi_blob *token_with_number(const csi_blob *object, uint32_t type, uint32_t value)
{
    uint8_t bytes[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value };
    return token_with(object, type, csi_span(bytes, sizeof bytes));
}

/* ----------------------------------------------------------------------------------------------------------------------- token */

static struct token *token_of(struct csi_remote *remote)
{
    return (struct token *)(void *)((char *)remote - offsetof(struct token, remote));
}

static void ref(struct csi_remote *remote)
{
    token_of(remote)->refs++;
}

static void unref(struct csi_remote *remote)
{
    token_of(remote)->refs--;
}

static certstore_status stays(struct csi_remote *remote, struct csi_span object, struct csi_plain_key *plain, certstore_error *err)
{
    (void)object;
    (void)plain;
    token_of(remote)->opened++;
    return csi_fail(err, CERTSTORE_E_BOUND, "key: it does not leave its token; use it there");
}

void token_begin(struct token *token, unsigned traits)
{
    certstore_error err = { 0 };
    *token = (struct token){ .remote = { .traits = traits, .ref = ref, .free = unref, .open = stays } };
    token->parts = csi_parts_new(&err);
    assert_non_null(token->parts);
}

void token_add(struct token *token, csi_blob *object)
{
    certstore_error err = { 0 };
    char name[24];
    snprintf(name, sizeof name, "%zu", token->parts->count);
    assert_int_equal(csi_parts_add(token->parts, name, object, &err), CERTSTORE_OK);
    csi_blob_free(object);
}

void token_end(struct token *token)
{
    csi_parts_free(token->parts);
    assert_int_equal(token->refs, 0);
}

certstore_bundle *token_read(struct token *token, const struct csi_codec *codec)
{
    certstore_error err = { 0 };
    const struct csi_decode in = { .parts = token->parts, .limits = &csi_limits_default, .remote = &token->remote };
    certstore_bundle *bundle = codec->decode(&in, &err);
    if (bundle == NULL)
        fail_msg("decode: %s: %s", certstore_status_name(err.status), err.message);
    assert_true(csi_bundle_pristine(bundle));
    return bundle;
}

csi_parts *token_write(struct token *token, const struct csi_codec *codec, const certstore_bundle *bundle, certstore_status *status,
                       char message[512])
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_parts) *parts = csi_parts_new(&err);
    assert_non_null(parts);
    const struct csi_encode in = { .part_count = 1, .limits = &csi_limits_default, .remote = &token->remote, .traits = token->remote.traits };
    *status = codec->encode(bundle, &in, parts, &err);
    assert_int_equal(*status, err.status);
    memcpy(message, err.message, sizeof err.message);
    for (size_t i = 0; *status == CERTSTORE_OK && i < parts->count; i++)
        assert_int_equal(csi_object_check(csi_blob_span(parts->items[i].bytes), &err), CERTSTORE_OK);
    return *status == CERTSTORE_OK ? csi_steal(&parts) : NULL;
}

csi_parts *token_must_write(struct token *token, const struct csi_codec *codec, const certstore_bundle *bundle)
{
    certstore_status status;
    char message[512];
    csi_parts *parts = token_write(token, codec, bundle, &status, message);
    if (parts == NULL)
        fail_msg("encode: %s: %s", certstore_status_name(status), message);
    return parts;
}

/* A module keeps the key's numbers, and never tells what it is made of. */
static csi_blob *as_made(const csi_blob *object)
{
    CSI_AUTO_DRAFT draft = { 0 };
    struct csi_attribute attribute;
    for (size_t at = 0; csi_object_next(csi_blob_span(object), &at, &attribute);)
        if (attribute.type != CSI_OBJECT_PKCS8 && (attribute.type != CKA_VALUE || csi_object_class(csi_blob_span(object)) != CKO_SECRET_KEY))
            csi_object_put(&draft, attribute.type, attribute.value);
    csi_object_put_flag(&draft, CKA_MODIFIABLE, true);
    return finish(&draft);
}

void token_become(struct token *token, csi_parts *parts)
{
    certstore_error err = { 0 };
    csi_parts *after = csi_parts_new(&err);
    assert_non_null(after);
    for (size_t i = 0; i < parts->count; i++) {
        csi_blob *object = parts->items[i].bytes;
        CSI_AUTO(csi_blob) *made = token_holds(token->parts, object) ? csi_blob_ref(object) : as_made(object);
        assert_int_equal(csi_parts_add(after, parts->items[i].name, made, &err), CERTSTORE_OK);
    }
    csi_parts_free(token->parts);
    token->parts = after;
}

/* --------------------------------------------------------------------------------------------------------------------- looking */

bool token_holds(const csi_parts *parts, const csi_blob *object)
{
    for (size_t i = 0; i < parts->count; i++)
        if (csi_span_equal(csi_blob_span(parts->items[i].bytes), csi_blob_span(object)))
            return true;
    return false;
}

bool token_holds_same(const csi_parts *parts, const csi_blob *object)
{
    for (size_t i = 0; i < parts->count; i++)
        if (csi_object_same(csi_blob_span(parts->items[i].bytes), csi_blob_span(object)))
            return true;
    return false;
}

size_t token_count(const csi_parts *parts, uint32_t object_class)
{
    size_t count = 0;
    for (size_t i = 0; i < parts->count; i++)
        count += csi_object_class(csi_blob_span(parts->items[i].bytes)) == object_class;
    return count;
}

struct csi_span token_object(const csi_parts *parts, uint32_t object_class, const char *label)
{
    struct csi_span found = { 0 };
    size_t count = 0;
    for (size_t i = 0; i < parts->count; i++) {
        struct csi_span object = csi_blob_span(parts->items[i].bytes);
        struct csi_span value = { 0 };
        csi_object_get(object, CKA_LABEL, &value);
        if (csi_object_class(object) != object_class || !csi_span_equal(value, label != NULL ? csi_span_text(label) : csi_span(NULL, 0)))
            continue;
        found = object;
        count++;
    }
    if (count != 1)
        fail_msg("%zu objects of class 0x%x are labelled %s", count, (unsigned)object_class, label != NULL ? label : "nothing");
    return found;
}

bool token_noted(const certstore_report *report, const char *code, const char *subject)
{
    for (size_t i = 0; i < report->count; i++)
        if (strcmp(report->rows[i].code, code) == 0 && (subject == NULL || strcmp(report->rows[i].subject, subject) == 0))
            return true;
    return false;
}
