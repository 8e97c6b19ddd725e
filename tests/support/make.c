/* SPDX-License-Identifier: Apache-2.0 */
/* make.c: test material through OpenSSL. */
#include "support/make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include <openssl/bn.h>
#include <openssl/dsa.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

static EVP_PKEY *new_dsa(size_t bits)
{
    EVP_PKEY *parameters = NULL;
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL);
    assert_int_equal(EVP_PKEY_paramgen_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_dsa_paramgen_bits(ctx, (int)bits), 1);
    assert_int_equal(EVP_PKEY_paramgen(ctx, &parameters), 1);
    EVP_PKEY_CTX_free(ctx);
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, parameters, NULL);
    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    assert_int_equal(EVP_PKEY_keygen(ctx, &key), 1);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(parameters);
    return key;
}

static EVP_PKEY *new_rsa_pss(size_t bits)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits), 1);
    assert_int_equal(EVP_PKEY_keygen(ctx, &key), 1);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static EVP_PKEY *new_key(const char *type)
{
    const char *colon = strchr(type, ':');
    size_t bits = colon != NULL ? strtoul(colon + 1, NULL, 10) : 0;
    if (strncmp(type, "RSA:", 4) == 0)
        return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", bits);
    if (strncmp(type, "RSA-PSS:", 8) == 0)
        return new_rsa_pss(bits);
    if (strncmp(type, "DSA:", 4) == 0)
        return new_dsa(bits);
    if (strncmp(type, "EC:", 3) == 0)
        return EVP_PKEY_Q_keygen(NULL, NULL, "EC", colon + 1);
    return EVP_PKEY_Q_keygen(NULL, NULL, type);
}

EVP_PKEY *make_key(const char *type, int number)
{
    static struct {
        char type[32];
        int number;
        EVP_PKEY *key;
    } made[64]; /* reachable until the program ends: no leak */
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        if (made[i].key != NULL && (made[i].number != number || strcmp(made[i].type, type) != 0))
            continue;
        if (made[i].key == NULL) {
            made[i].key = new_key(type);
            made[i].number = number;
            snprintf(made[i].type, sizeof made[i].type, "%s", type);
        }
        assert_non_null(made[i].key);
        return made[i].key;
    }
    fail_msg("make_key: no more than 64 keys in one program");
    return NULL;
}

/* X509_NAME wants the least specific part first. */
static X509_NAME *make_name(const char *text)
{
    X509_NAME *name = X509_NAME_new();
    char *copy = strdup(text);
    assert_non_null(name);
    assert_non_null(copy);
    for (char *part = copy, *next; part != NULL; part = next) {
        next = strchr(part, ',');
        if (next != NULL)
            *next++ = '\0';
        char *value = strchr(part, '=');
        assert_non_null(value);
        *value++ = '\0';
        assert_int_equal(X509_NAME_add_entry_by_txt(name, part, MBSTRING_UTF8, (unsigned char *)value, -1, 0, 0), 1);
    }
    free(copy);
    return name;
}

static void add_extension(X509 *cert, X509 *signer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, signer != NULL ? signer : cert, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void set_serial(X509 *cert, const char *wanted)
{
    static uint32_t next = 0x10000;
    char own[16];
    snprintf(own, sizeof own, "%x", (unsigned)next++);
    BIGNUM *number = NULL;
    assert_int_not_equal(BN_hex2bn(&number, wanted != NULL ? wanted : own), 0);
    assert_non_null(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)));
    BN_free(number);
}

static void set_names(X509 *cert, const struct make_cert *wanted)
{
    X509_NAME *subject = make_name(wanted->subject);
    assert_int_equal(X509_set_subject_name(cert, subject), 1);
    X509_NAME *issuer = wanted->issuer != NULL ? make_name(wanted->issuer) : NULL;
    const X509_NAME *signer = wanted->signer != NULL ? X509_get_subject_name(wanted->signer) : subject;
    assert_int_equal(X509_set_issuer_name(cert, issuer != NULL ? issuer : signer), 1);
    X509_NAME_free(subject);
    X509_NAME_free(issuer);
}

X509 *make_cert(const struct make_cert *wanted)
{
    X509 *cert = X509_new();
    EVP_PKEY *signer_key = wanted->signer_key != NULL ? wanted->signer_key : wanted->key;
    assert_non_null(cert);
    assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
    set_serial(cert, wanted->serial);
    set_names(cert, wanted);
    int64_t from = wanted->not_before != 0 ? wanted->not_before : -MAKE_DAY;
    int64_t to = wanted->not_after != 0 ? wanted->not_after : 365 * (int64_t)MAKE_DAY;
    assert_non_null(ASN1_TIME_set(X509_getm_notBefore(cert), MAKE_NOW + from));
    assert_non_null(ASN1_TIME_set(X509_getm_notAfter(cert), MAKE_NOW + to));
    assert_int_equal(X509_set_pubkey(cert, wanted->key), 1);
    add_extension(cert, wanted->signer, NID_basic_constraints, wanted->ca ? "critical,CA:TRUE" : "CA:FALSE");
    if (wanted->ca)
        add_extension(cert, wanted->signer, NID_key_usage, "critical,keyCertSign,cRLSign");
    if (wanted->sans != NULL)
        add_extension(cert, wanted->signer, NID_subject_alt_name, wanted->sans);
    bool edwards = EVP_PKEY_is_a(signer_key, "ED25519") || EVP_PKEY_is_a(signer_key, "ED448");
    const EVP_MD *digest = edwards ? NULL : EVP_get_digestbyname(wanted->digest != NULL ? wanted->digest : "SHA256");
    assert_true(X509_sign(cert, signer_key, digest) > 0);
    return cert;
}

static csi_blob *blob_of(unsigned char *der, int size)
{
    certstore_error err = { 0 };
    assert_true(size > 0);
    csi_blob *blob = csi_blob_new(der, (size_t)size, &err);
    assert_non_null(blob);
    OPENSSL_free(der);
    return blob;
}

csi_blob *make_der(X509 *cert)
{
    unsigned char *der = NULL;
    int size = i2d_X509(cert, &der);
    return blob_of(der, size);
}

csi_blob *make_pkcs8(const EVP_PKEY *key)
{
    unsigned char *der = NULL;
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    assert_non_null(info);
    int size = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    PKCS8_PRIV_KEY_INFO_free(info);
    return blob_of(der, size);
}

csi_blob *make_spki(const EVP_PKEY *key)
{
    unsigned char *der = NULL;
    int size = i2d_PUBKEY(key, &der);
    return blob_of(der, size);
}

csi_blob *make_crl(X509 *issuer, EVP_PKEY *key)
{
    X509_CRL *crl = X509_CRL_new();
    X509_REVOKED *revoked = X509_REVOKED_new();
    ASN1_TIME *when = ASN1_TIME_set(NULL, MAKE_NOW);
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    assert_true(crl != NULL && revoked != NULL && when != NULL && serial != NULL);
    assert_int_equal(ASN1_INTEGER_set(serial, 0x4242), 1);
    assert_int_equal(X509_REVOKED_set_serialNumber(revoked, serial), 1);
    assert_int_equal(X509_REVOKED_set_revocationDate(revoked, when), 1);
    assert_int_equal(X509_CRL_set_version(crl, X509_CRL_VERSION_2), 1);
    assert_int_equal(X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)), 1);
    assert_int_equal(X509_CRL_set1_lastUpdate(crl, when), 1);
    assert_non_null(ASN1_TIME_adj(when, MAKE_NOW, 30, 0));
    assert_int_equal(X509_CRL_set1_nextUpdate(crl, when), 1);
    assert_int_equal(X509_CRL_add0_revoked(crl, revoked), 1);
    bool edwards = EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448");
    assert_true(X509_CRL_sign(crl, key, edwards ? NULL : EVP_sha256()) > 0);
    unsigned char *der = NULL;
    int size = i2d_X509_CRL(crl, &der);
    X509_CRL_free(crl);
    ASN1_TIME_free(when);
    ASN1_INTEGER_free(serial);
    return blob_of(der, size);
}

struct make_chain make_chain(const char *name, const char *key_type, int number)
{
    char subject[128];
    char sans[128];
    snprintf(subject, sizeof subject, "CN=%s", name);
    snprintf(sans, sizeof sans, "DNS:%s", name);
    EVP_PKEY *key = make_key(key_type, number);
    EVP_PKEY *root_key = make_key("EC:P-256", 9000);
    EVP_PKEY *middle_key = make_key("EC:P-256", 9001);
    X509 *root = make_cert(&(struct make_cert){ .subject = "CN=Test Root,O=Example", .key = root_key, .ca = true, .serial = "0101" });
    X509 *middle = make_cert(&(struct make_cert){
        .subject = "CN=Test Issuer,O=Example", .key = middle_key, .signer = root, .signer_key = root_key, .ca = true, .serial = "0102" });
    X509 *leaf = make_cert(&(struct make_cert){ .subject = subject, .key = key, .signer = middle, .signer_key = middle_key, .sans = sans });
    struct make_chain chain = { .key = key, .leaf = make_der(leaf), .intermediate = make_der(middle), .root = make_der(root) };
    X509_free(leaf);
    X509_free(middle);
    X509_free(root);
    return chain;
}

void make_chain_free(struct make_chain *chain)
{
    csi_blob_free(chain->leaf);
    csi_blob_free(chain->intermediate);
    csi_blob_free(chain->root);
    *chain = (struct make_chain){ 0 };
}

static void append(certstore_entry *entry, csi_blob *cert)
{
    certstore_error err = { 0 };
    assert_int_equal(csi_entry_append_cert(entry, cert, csi_blob_span(cert), &err), CERTSTORE_OK);
}

certstore_entry *make_trusted(const char *alias, csi_blob *cert)
{
    certstore_error err = { 0 };
    certstore_entry *entry = csi_entry_new(CERTSTORE_TRUSTED, alias, &err);
    assert_non_null(entry);
    append(entry, cert);
    return entry;
}

certstore_entry *make_identity(const char *alias, const struct make_chain *chain)
{
    certstore_error err = { 0 };
    certstore_entry *entry = csi_entry_new(CERTSTORE_KEY, alias, &err);
    assert_non_null(entry);
    CSI_AUTO(csi_blob) *pkcs8 = make_pkcs8(chain->key);
    entry->key = csi_key_new_plain(csi_blob_span(pkcs8), "", &err);
    assert_non_null(entry->key);
    append(entry, chain->leaf);
    append(entry, chain->intermediate);
    append(entry, chain->root);
    return entry;
}
