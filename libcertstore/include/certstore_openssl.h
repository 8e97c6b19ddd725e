/* SPDX-License-Identifier: Apache-2.0 */
/* certstore_openssl.h: the bridge for C programs that use OpenSSL themselves. Rules as in certstore.h. */
#ifndef CERTSTORE_OPENSSL_H
#define CERTSTORE_OPENSSL_H

#include <certstore.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default) /* the library is built with everything hidden that is not declared here */
#endif

/* The certificate as an X509 of the default library context; the caller's, X509_free(). */
X509 *certstore_cert_x509(const certstore_cert *cert, certstore_error *err);
/* The private key as an EVP_PKEY of the default library context; the caller's, EVP_PKEY_free(). A key on a token stays there; its EVP_PKEY works in any
 * context, may outlive store and bundle, and gives its private half to nobody. */
EVP_PKEY *certstore_entry_pkey(const certstore_entry *entry, certstore_error *err);
/* A trust store with every trusted certificate of the bundle that may serve `purpose` ("serverAuth" ..., NULL for any), and its CRLs; the
 * caller's, X509_STORE_free(). */
X509_STORE *certstore_bundle_x509_store(const certstore_bundle *bundle, const char *purpose, certstore_error *err);
/* Lets a TLS context present this entry: certificate, key and chain. */
certstore_status certstore_entry_use(const certstore_entry *entry, SSL_CTX *ctx, certstore_error *err);
/* New entries from OpenSSL's objects. chain may be NULL. */
certstore_entry *certstore_entry_from_x509(const char *alias, X509 *cert, certstore_error *err);
certstore_entry *certstore_entry_from_pkey(const char *alias, EVP_PKEY *key, X509 *cert, STACK_OF(X509) *chain, certstore_error *err);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif
