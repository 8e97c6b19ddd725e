/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign.c: a signature by a token's key through its EVP_PKEY, as a TLS server or a certification authority makes it: EVP_DigestSign of a short
 * message, in the default library context. Prints CPU microseconds.
 *
 *   sign URI LABEL     the key of that label; the PIN is in $BENCH_PIN
 */
#include "support/common.h"

#include <string.h>

#include <openssl/evp.h>

#include "codec/codec.h"
#include "key/pkey.h"
#include "p11/token.h"

enum { TIMES = 50 };

static void expect(const certstore_error *err)
{
    if (err->status != CERTSTORE_OK)
        die("%s (%s)", err->message, err->cause);
}

static EVP_PKEY *open_key(const char *uri, const char *label)
{
    certstore_error err = { 0 };
    const char *text = getenv("BENCH_PIN");
    struct csi_objects objects = { 0 };
    csi_p11_address *address = csi_p11_address_parse(uri, &err);
    csi_secret *pin = csi_secret_new(text != NULL ? text : "", text != NULL ? strlen(text) : 0, &err);
    csi_p11 *token = address != NULL ? csi_p11_open(address, pin, &err) : NULL;
    csi_parts *parts = csi_parts_new(&err);
    expect(&err);
    csi_p11_read(token, &csi_limits_default, &objects, &err);
    for (size_t i = 0; i < objects.count; i++)
        csi_parts_add(parts, "", objects.items[i], &err);
    const struct csi_decode in = { .parts = parts, .limits = &csi_limits_default, .remote = csi_p11_remote(token) };
    certstore_bundle *bundle = csi_codec_pkcs11.decode(&in, &err);
    const certstore_entry *entry = certstore_bundle_find(bundle, label);
    expect(&err);
    EVP_PKEY *key = entry != NULL ? csi_entry_pkey(entry, &err) : NULL;
    expect(&err);
    if (key == NULL)
        die("%s: no such key", label);
    certstore_bundle_free(bundle);
    csi_parts_free(parts);
    csi_objects_clear(&objects);
    csi_p11_free(token);
    csi_secret_free(pin);
    csi_p11_address_free(address);
    return key;
}

static void sign(void *key)
{
    static const uint8_t message[32] = "signed over and over";
    for (int i = 0; i < TIMES; i++) {
        uint8_t made[512];
        size_t size = sizeof made;
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        if (EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) != 1 || EVP_DigestSign(context, made, &size, message, sizeof message) != 1)
            die("no signature");
        EVP_MD_CTX_free(context);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3)
        die("usage: sign URI LABEL");
    EVP_PKEY *key = open_key(argv[1], argv[2]);
    print_median(sign, key, TIMES);
    EVP_PKEY_free(key);
    return 0;
}
