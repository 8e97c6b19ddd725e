/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x509.c: what a C program does with libcrypto's own readers, in CPU time of this process.
 *
 *   x509 pem FILE     PEM_read_bio_X509 for every certificate
 *   x509 p12 FILE     PKCS12_parse
 *   x509 one FILE     d2i_X509 of one DER certificate
 */
#include "support/common.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

static void read_pem(void *path)
{
    BIO *bio = BIO_new_file(path, "rb");
    X509 *certificate;
    if (bio == NULL)
        die("%s: cannot be read", (const char *)path);
    while ((certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
        X509_free(certificate);
    BIO_free(bio);
}

static void read_p12(void *path)
{
    BIO *bio = BIO_new_file(path, "rb");
    PKCS12 *p12 = bio != NULL ? d2i_PKCS12_bio(bio, NULL) : NULL;
    EVP_PKEY *key = NULL;
    X509 *certificate = NULL;
    STACK_OF(X509) *others = NULL;
    if (p12 == NULL || PKCS12_parse(p12, "changeit", &key, &certificate, &others) != 1)
        die("%s: cannot be read", (const char *)path);
    sk_X509_pop_free(others, X509_free);
    X509_free(certificate);
    EVP_PKEY_free(key);
    PKCS12_free(p12);
    BIO_free(bio);
}

static void read_one(void *file)
{
    const struct bytes *der = file;
    enum { TIMES = 100 };
    for (int i = 0; i < TIMES; i++) {
        const uint8_t *at = der->data;
        X509 *certificate = d2i_X509(NULL, &at, (long)der->size);
        if (certificate == NULL)
            die("no certificate");
        X509_free(certificate);
    }
}

int main(int argc, char **argv)
{
    const char *verb = argc == 3 ? argv[1] : "";
    if (strcmp(verb, "pem") == 0) {
        print_median(read_pem, argv[2], 1);
    } else if (strcmp(verb, "p12") == 0) {
        print_median(read_p12, argv[2], 1);
    } else if (strcmp(verb, "one") == 0) {
        struct bytes der = read_file(argv[2]);
        print_median(read_one, &der, 100);
    } else {
        die("usage: x509 pem|p12|one FILE");
    }
    return 0;
}
