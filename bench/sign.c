/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign.c: a signature by a token's key through its EVP_PKEY, as a TLS server or a certification authority makes it: EVP_DigestSign of a short
 * message, in the default library context. Prints CPU microseconds.
 *
 *   sign URI LABEL     the key of that label; the PIN is in $BENCH_PIN
 */
#include "support/common.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include <certstore_openssl.h>

enum { TIMES = 50 };

static EVP_PKEY *open_key(const char *uri, const char *label)
{
    const char *pin = getenv("BENCH_PIN");
    certstore_error *err = certstore_error_new();
    certstore_options *options = certstore_options_new(err);
    certstore_options_set_password(options, (const uint8_t *)pin, pin != NULL ? strlen(pin) : 0, err);
    certstore *store = certstore_open(uri, options, err);
    certstore_bundle *bundle = certstore_read(store, err);
    const certstore_entry *entry = certstore_bundle_find(bundle, label);
    EVP_PKEY *key = certstore_entry_pkey(entry, err);
    if (key == NULL)
        die("%s (%s)", certstore_error_message(err), certstore_error_cause(err));
    certstore_bundle_free(bundle);
    certstore_free(store);
    certstore_options_free(options);
    certstore_error_free(err);
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
