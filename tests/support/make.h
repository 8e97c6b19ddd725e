/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make.h: keys, certificates, chains and revocation lists made on the spot, so that no test carries a fixture that expires. Everything fails the test
 * when it cannot be made. Times are relative to MAKE_NOW, never to the clock.
 */
#ifndef TESTS_MAKE_H
#define TESTS_MAKE_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/buf.h"
#include "model/entry.h"

enum { MAKE_NOW = 1767225600, MAKE_DAY = 86400 }; /* 2026-01-01T00:00:00Z */

/* "RSA:2048", "RSA-PSS:2048", "DSA:1024", "EC:P-256" (any curve OpenSSL names), "ED25519", "ED448". The same name and number give the same key
 * within a program, since making one is slow. Borrowed. */
EVP_PKEY *make_key(const char *type, int number);

/* Zero members mean: valid from a day before MAKE_NOW to a year after, SHA-256, a serial number of its own. */
struct make_cert {
    const char *subject; /* "CN=a.example,O=Example": most specific first, as RFC 4514; no escapes */
    const char *issuer;  /* like subject; for a certificate whose issuer is not there */
    EVP_PKEY *key;       /* whose certificate it is */
    X509 *signer;        /* NULL: self-signed (or by signer_key under the name `issuer`) */
    EVP_PKEY *signer_key;
    int64_t not_before; /* seconds from MAKE_NOW */
    int64_t not_after;
    bool ca;
    const char *sans;   /* OpenSSL's syntax: "DNS:a.example,IP:192.0.2.1" */
    const char *digest; /* "SHA1", "MD5" ...; ignored for Ed25519 and Ed448 */
    const char *serial; /* hexadecimal */
};
X509 *make_cert(const struct make_cert *wanted); /* the caller's */

csi_blob *make_der(X509 *cert);
csi_blob *make_pkcs8(const EVP_PKEY *key);
csi_blob *make_spki(const EVP_PKEY *key);
/* A CRL of that issuer with one revoked serial number. */
csi_blob *make_crl(X509 *issuer, EVP_PKEY *key);

/* A chain of three: the leaf, an intermediate, a self-signed root; leaf keys differ by number. */
struct make_chain {
    EVP_PKEY *key; /* the leaf's; borrowed */
    csi_blob *leaf;
    csi_blob *intermediate;
    csi_blob *root;
};
struct make_chain make_chain(const char *name, const char *key_type, int number);
void make_chain_free(struct make_chain *chain);

/* Entries ready for a bundle; the caller's. */
certstore_entry *make_trusted(const char *alias, csi_blob *cert);
/* A key entry (in the clear) with its chain. */
certstore_entry *make_identity(const char *alias, const struct make_chain *chain);

#endif
