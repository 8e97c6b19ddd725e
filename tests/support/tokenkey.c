/* SPDX-License-Identifier: Apache-2.0 */
/* tokenkey.c: see tokenkey.h. */
#include "support/tokenkey.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "key/provider.h"
#include "model/pubkey.h"
#include "support/faulty_os.h"
#include "support/make.h"

static csi_p11 *open_token(void)
{
    certstore_error err = { 0 };
    char *folder = test_dir_new();
    tokens_softhsm_begin(folder);
    tokens_softhsm_add("keys");
    free(folder);
    csi_p11 *token = tokens_open_softhsm("keys", TOKEN_PIN, &err);
    if (token == NULL || csi_p11_login(token, &err) != CERTSTORE_OK)
        fail_msg("token: %s (%s)", err.message, err.cause);
    return token;
}

csi_p11 *tokenkey_token(void)
{
    static csi_p11 *token;
    if (token == NULL)
        token = open_token();
    return csi_p11_ref(token);
}

static csi_blob *wanted_object(const char *type)
{
    certstore_error err = { 0 };
    CSI_AUTO_DRAFT draft = { 0 };
    CSI_AUTO(csi_blob) *pkcs8 = make_pkcs8(make_key(type, 1));
    CSI_AUTO(csi_blob) *spki = make_spki(make_key(type, 1));
    csi_object_put_number(&draft, CKA_CLASS, CKO_PRIVATE_KEY);
    assert_true(csi_object_put_spki(&draft, csi_blob_span(spki), false));
    csi_object_put(&draft, CSI_OBJECT_PKCS8, csi_blob_span(pkcs8));
    csi_object_put(&draft, CKA_LABEL, csi_span_text(type));
    csi_object_put(&draft, CKA_ID, csi_span_text(type));
    csi_blob *object = csi_object_finish(&draft, &err);
    assert_non_null(object);
    return object;
}

csi_blob *tokenkey_object(csi_p11 *token, const char *type)
{
    certstore_error err = { 0 };
    csi_blob *object = tokens_find(token, CKO_PRIVATE_KEY, type);
    if (object != NULL)
        return object;
    CSI_AUTO(csi_blob) *wanted = wanted_object(type);
    if (csi_p11_create(token, csi_blob_span(wanted), &err) != CERTSTORE_OK)
        fail_msg("%s onto the token: %s (%s)", type, err.message, err.cause);
    object = tokens_find(token, CKO_PRIVATE_KEY, type);
    assert_non_null(object);
    return object;
}

EVP_PKEY *tokenkey_make(const char *type)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_p11) *token = tokenkey_token();
    CSI_AUTO(csi_blob) *object = tokenkey_object(token, type);
    CSI_AUTO(csi_blob) *spki = make_spki(make_key(type, 1));
    EVP_PKEY *key = csi_token_pkey(token, csi_blob_span(object), csi_blob_span(spki), &err);
    if (key == NULL)
        fail_msg("%s: %s (%s)", type, err.message, err.cause);
    return key;
}

X509 *tokenkey_cert(const char *type)
{
    return make_cert(&(struct make_cert){ .subject = "CN=localhost", .key = make_key(type, 1), .sans = "DNS:localhost" });
}

static csi_blob *told_object(csi_blob *object, const char *type)
{
    certstore_error err = { 0 };
    CSI_AUTO_DRAFT draft = { 0 };
    CSI_AUTO(csi_blob) *spki = make_spki(make_key(type, 1));
    csi_object_put_all(&draft, csi_blob_span(object));
    csi_object_put(&draft, CKA_PUBLIC_KEY_INFO, csi_blob_span(spki));
    csi_blob *told = csi_object_finish(&draft, &err);
    assert_non_null(told);
    return told;
}

certstore_entry *tokenkey_entry(const char *alias, const char *type, bool certified, bool told)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_p11) *token = tokenkey_token();
    CSI_AUTO(csi_blob) *plain = tokenkey_object(token, type);
    CSI_AUTO(csi_blob) *object = told ? told_object(plain, type) : csi_blob_ref(plain);
    certstore_entry *entry = csi_entry_new(CERTSTORE_KEY, alias, &err);
    assert_non_null(entry);
    entry->key = csi_key_new_remote(csi_p11_remote(token), object, &err);
    assert_non_null(entry->key);
    if (certified) {
        X509 *cert = tokenkey_cert(type);
        CSI_AUTO(csi_blob) *der = make_der(cert);
        assert_int_equal(csi_entry_append_cert(entry, der, csi_blob_span(der), &err), CERTSTORE_OK);
        X509_free(cert);
    }
    return entry;
}
