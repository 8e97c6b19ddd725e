/* SPDX-License-Identifier: Apache-2.0 */
/* x509.c: see x509.h. */
#include "x509.h"

#include <certstore_openssl.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

DEFINE_OWNED(X509, X509_free)

bool x509_issued(const certstore_cert *issuer, const certstore_cert *subject)
{
    OWNED(X509) *above = certstore_cert_x509(issuer, NULL);
    OWNED(X509) *below = certstore_cert_x509(subject, NULL);
    bool issued = above != NULL && below != NULL && X509_check_issued(above, below) == X509_V_OK && X509_verify(below, X509_get0_pubkey(above)) == 1;
    ERR_clear_error();
    return issued;
}

char *x509_sha1(const certstore_cert *cert)
{
    OWNED(X509) *certificate = certstore_cert_x509(cert, NULL);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    if (certificate == NULL || X509_digest(certificate, EVP_sha1(), digest, &size) != 1)
        return NULL;
    struct text hex = { 0 };
    for (unsigned int i = 0; i < size; i++)
        text_add_format(&hex, "%02x", digest[i]);
    return text_take(&hex);
}
