/* SPDX-License-Identifier: Apache-2.0 */
/* csr.c: certificate requests (PKCS#10, RFC 2986): a subject in RFC 4514's text form, alternative names in an extensionRequest (RFC 2985). */
#include "key/csr.h"

#include <arpa/inet.h>

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/text.h"
#include "key/sign.h"
#include "model/ossl.h"

static void free_names(GENERAL_NAMES *names)
{
    GENERAL_NAMES_free(names);
}
CSI_DEFINE_AUTO(X509_REQ, X509_REQ_free)
CSI_DEFINE_AUTO(X509_NAME, X509_NAME_free)
CSI_DEFINE_AUTO(GENERAL_NAMES, free_names)

enum { MAX_VALUE = 1024, MAX_NAMES = 256 };

/* One attribute value of RFC 4514 section 2.4: up to an unescaped ',' ';' or '+'. Unescapes \X and \hh. */
static const char *read_value(const char *at, char *value, size_t *size)
{
    size_t used = 0;
    size_t keep = 0; /* trailing blanks count only when escaped */
    while (*at == ' ')
        at++;
    for (; *at != '\0' && strchr(",;+", *at) == NULL; at++) {
        bool escaped = *at == '\\' && at[1] != '\0';
        char byte = *at;
        if (escaped) {
            char digits[3] = { at[1], at[2], '\0' };
            uint8_t octet;
            if (at[2] != '\0' && csi_unhex(digits, &octet, 1)) {
                byte = (char)octet;
                at += 2;
            } else {
                byte = at[1];
                at += 1;
            }
        }
        if (used + 1 >= MAX_VALUE)
            return NULL;
        value[used++] = byte;
        if (escaped || byte != ' ')
            keep = used;
    }
    *size = keep;
    return at;
}

/* RFC 4514 writes the most specific name first; a DER Name has it last. */
static certstore_status add_rdn(X509_NAME *name, const char *type, const char *value, size_t size, bool joined, certstore_error *err)
{
    /* set 0: a new RDN; -1 / 1 joins the one before or after it. Each RDN is put in front of those before it. */
    int at = 0;
    if (X509_NAME_add_entry_by_txt(name, type, MBSTRING_UTF8, (const unsigned char *)value, (int)size, at, joined ? 1 : 0) != 1)
        return csi_fail_ossl(err, CERTSTORE_E_ARGUMENT, "subject: '%.64s' is not an attribute that takes this value; use CN, O, OU, C, ST, L ...",
                             type);
    return CERTSTORE_OK;
}

static certstore_status parse_subject(const char *text, X509_NAME *name, certstore_error *err)
{
    char value[MAX_VALUE];
    bool joined = false;
    while (*text != '\0') {
        char type[64];
        size_t size = strcspn(text, "=,");
        while (*text == ' ' && size > 0) {
            text++;
            size--;
        }
        if (text[size] != '=' || size == 0 || size >= sizeof type)
            return csi_fail(err, CERTSTORE_E_ARGUMENT, "subject: '%.64s' is not TYPE=VALUE; write for example CN=www.example.com,O=Example", text);
        memcpy(type, text, size);
        type[size] = '\0';
        const char *end = read_value(text + size + 1, value, &size);
        if (end == NULL || size == 0)
            return csi_fail(err, CERTSTORE_E_ARGUMENT, "subject: the value of %s is empty or too long; give 1 to %d bytes", type, MAX_VALUE - 1);
        CSI_TRY(add_rdn(name, type, value, size, joined, err));
        joined = *end == '+';
        text = *end != '\0' ? end + 1 : end;
    }
    return CERTSTORE_OK;
}

static GENERAL_NAME *make_name(const char *text, certstore_error *err)
{
    uint8_t address[16];
    int type = GEN_DNS;
    const char *value = text;
    if (strncmp(text, "DNS:", 4) == 0)
        value = text + 4;
    else if (strncmp(text, "IP:", 3) == 0)
        value = text + 3;
    else if (strncmp(text, "email:", 6) == 0)
        type = GEN_EMAIL, value = text + 6;
    else if (strncmp(text, "URI:", 4) == 0)
        type = GEN_URI, value = text + 4;
    else if (strchr(text, '@') != NULL) /* no host has that in its name */
        type = GEN_EMAIL;
    if (type == GEN_DNS && (inet_pton(AF_INET, value, address) == 1 || inet_pton(AF_INET6, value, address) == 1))
        type = GEN_IPADD;
    GENERAL_NAME *name = value[0] != '\0' ? a2i_GENERAL_NAME(NULL, NULL, NULL, type, (char *)(uintptr_t)value, 0) : NULL;
    if (name == NULL)
        csi_fail_ossl(err, CERTSTORE_E_ARGUMENT, "alternative name: '%.128s' is not a DNS name, an address, email:NAME or URI:NAME", text);
    return name;
}

static certstore_status add_sans(X509_REQ *request, const char *sans, certstore_error *err)
{
    CSI_AUTO(GENERAL_NAMES) *names = sk_GENERAL_NAME_new_null();
    while (*sans != '\0') {
        size_t size = strcspn(sans, ",");
        CSI_AUTO(csi_chars) *text = csi_strndup(sans, size, err);
        GENERAL_NAME *name = text != NULL ? make_name(text, err) : NULL;
        if (name == NULL)
            return err->status;
        if (names == NULL || sk_GENERAL_NAME_num(names) >= MAX_NAMES || sk_GENERAL_NAME_push(names, name) <= 0) {
            GENERAL_NAME_free(name);
            return csi_fail(err, CERTSTORE_E_LIMIT, "alternative names: more than %d; split the request", MAX_NAMES);
        }
        sans += size + (sans[size] == ',');
    }
    STACK_OF(X509_EXTENSION) *extensions = NULL;
    int done =
        X509V3_add1_i2d(&extensions, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1 && X509_REQ_add_extensions(request, extensions) == 1;
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return done ? CERTSTORE_OK : csi_fail_ossl(err, CERTSTORE_E_MEMORY, "request: the alternative names could not be added; try again");
}

/* The digest that goes with the key; none for Ed25519 and Ed448, whose signature names it (RFC 8410). */
static const EVP_MD *digest_for(EVP_PKEY *key)
{
    return EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448") ? NULL : EVP_sha256();
}

csi_blob *csi_csr_make(EVP_PKEY *key, const char *subject, const char *sans, certstore_error *err)
{
    CSI_AUTO(X509_REQ) *request = X509_REQ_new();
    CSI_AUTO(X509_NAME) *name = X509_NAME_new();
    if (request == NULL || name == NULL) {
        csi_error_memory(err);
        return NULL;
    }
    if (parse_subject(subject, name, err) != CERTSTORE_OK)
        return NULL;
    if (X509_REQ_set_version(request, X509_REQ_VERSION_1) != 1 || X509_REQ_set_subject_name(request, name) != 1 ||
        X509_REQ_set_pubkey(request, key) != 1) {
        csi_fail_ossl(err, CERTSTORE_E_UNSUPPORTED, "request: this key cannot make one; use an RSA, EC or EdDSA key");
        return NULL;
    }
    if (sans[0] != '\0' && add_sans(request, sans, err) != CERTSTORE_OK)
        return NULL;
    if (X509_REQ_sign(request, key, digest_for(key)) <= 0) {
        csi_fail_key(key, err, CERTSTORE_E_UNSUPPORTED, "request: this key cannot sign one; use an RSA, EC or EdDSA key");
        return NULL;
    }
    uint8_t *der = NULL;
    int size = i2d_X509_REQ(request, &der);
    csi_blob *blob = size > 0 ? csi_blob_new(der, (size_t)size, err) : NULL;
    if (size <= 0)
        csi_error_memory(err);
    OPENSSL_free(der);
    return blob;
}
