/* SPDX-License-Identifier: Apache-2.0 */
/* serve.c: loads an identity from any store into a TLS context, trusts the roots of another, and makes one handshake in memory with itself:
 * what a server and a client do with certstore_openssl.h.
 *
 *     serve IDENTITY-STORE ROOTS-STORE HOST      exit status 0 when the handshake succeeds */
#include <certstore_openssl.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const certstore_entry *first_key(const certstore_bundle *bundle)
{
    for (size_t i = 0; i < certstore_bundle_count(bundle); i++)
        if (certstore_entry_kind(certstore_bundle_at(bundle, i)) == CERTSTORE_KEY)
            return certstore_bundle_at(bundle, i);
    return NULL;
}

/* Both ends in one thread: each step of one feeds the other. Returns 1 when both are through. */
static int handshake(SSL *client, SSL *server)
{
    for (int step = 0; step < 64; step++) {
        int c = SSL_do_handshake(client), s = SSL_do_handshake(server);
        if (c == 1 && s == 1)
            return 1;
        if ((c != 1 && SSL_get_error(client, c) != SSL_ERROR_WANT_READ) || (s != 1 && SSL_get_error(server, s) != SSL_ERROR_WANT_READ))
            return 0;
    }
    return 0;
}

static int connect_both(SSL_CTX *client_ctx, SSL_CTX *server_ctx, const char *host)
{
    BIO *near = NULL, *far = NULL;
    SSL *client = SSL_new(client_ctx), *server = SSL_new(server_ctx);
    if (client == NULL || server == NULL || BIO_new_bio_pair(&near, 0, &far, 0) != 1)
        return 0;
    SSL_set_bio(client, near, near);
    SSL_set_bio(server, far, far);
    SSL_set1_host(client, host);
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    int done = handshake(client, server);
    printf("handshake: %s (%s)\n", done ? SSL_get_version(client) : "failed", X509_verify_cert_error_string(SSL_get_verify_result(client)));
    SSL_free(client);
    SSL_free(server);
    return done;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: serve IDENTITY-STORE ROOTS-STORE HOST\n");
        return 2;
    }
    const char *password = getenv("STORE_PASS");
    certstore_error *err = certstore_error_new();
    certstore_options *opts = certstore_options_new(err);
    if (password != NULL)
        certstore_options_set_password(opts, (const uint8_t *)password, strlen(password), err);
    certstore *identity = certstore_open(argv[1], opts, err), *roots = certstore_open(argv[2], opts, err);
    certstore_bundle *mine = certstore_read(identity, err), *trusted = certstore_read(roots, err);

    SSL_CTX *server_ctx = SSL_CTX_new(TLS_server_method()), *client_ctx = SSL_CTX_new(TLS_client_method());
    certstore_entry_use(first_key(mine), server_ctx, err);
    X509_STORE *trust = certstore_bundle_x509_store(trusted, "serverAuth", err);
    int done = 0;
    if (certstore_error_status(err) == CERTSTORE_OK && client_ctx != NULL) {
        SSL_CTX_set1_cert_store(client_ctx, trust);
        SSL_CTX_set_verify(client_ctx, SSL_VERIFY_PEER, NULL);
        done = connect_both(client_ctx, server_ctx, argv[3]);
    } else {
        fprintf(stderr, "serve: %s\n", certstore_error_message(err));
    }
    X509_STORE_free(trust);
    SSL_CTX_free(client_ctx);
    SSL_CTX_free(server_ctx);
    certstore_bundle_free(trusted);
    certstore_bundle_free(mine);
    certstore_free(roots);
    certstore_free(identity);
    certstore_options_free(opts);
    certstore_error_free(err);
    return done ? 0 : 1;
}
