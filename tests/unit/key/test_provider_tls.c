/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_provider_tls.c: TLS 1.2 and 1.3, client and server, with keys that stay on their token, in the default library context. Both ends talk through
 * memory, so nothing is sent anywhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <certstore_openssl.h>

#include "support/make.h"
#include "support/tokenkey.h"

CSI_DEFINE_AUTO(EVP_PKEY, EVP_PKEY_free)
CSI_DEFINE_AUTO(X509, X509_free)
CSI_DEFINE_AUTO(SSL_CTX, SSL_CTX_free)
CSI_DEFINE_AUTO(SSL, SSL_free)

static void require(bool good, const char *what)
{
    if (good)
        return;
    ERR_print_errors_fp(stderr);
    fail_msg("%s", what);
}

/* The same for both ends: two certificates of one key are not the same certificate. */
static X509 *cert_of(const char *type)
{
    enum { MOST = 8 };
    static struct {
        const char *type;
        X509 *cert;
    } made[MOST];
    size_t i = 0;
    while (made[i].type != NULL && strcmp(made[i].type, type) != 0)
        i++;
    assert_true(i + 1 < MOST);
    if (made[i].type == NULL) {
        made[i].type = type;
        made[i].cert = tokenkey_cert(type);
    }
    return made[i].cert;
}

/* One end: presents the token's key under its certificate, and trusts the other's. */
static SSL_CTX *make_end(bool server, const char *type, const char *trusted, int version)
{
    SSL_CTX *ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    CSI_AUTO(EVP_PKEY) *key = tokenkey_make(type);
    require(SSL_CTX_use_certificate(ctx, cert_of(type)) == 1, "SSL_CTX_use_certificate");
    require(SSL_CTX_use_PrivateKey(ctx, key) == 1, "SSL_CTX_use_PrivateKey");
    require(SSL_CTX_check_private_key(ctx) == 1, "SSL_CTX_check_private_key");
    require(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), cert_of(trusted)) == 1, "X509_STORE_add_cert");
    X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(ctx), MAKE_NOW);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    require(SSL_CTX_set_min_proto_version(ctx, version) == 1 && SSL_CTX_set_max_proto_version(ctx, version) == 1, "protocol version");
    SSL_CTX_set_security_level(ctx, 1);
    return ctx;
}

/* A flight a turn; a handshake takes fewer than ten. */
static bool shake(SSL *client, SSL *server)
{
    enum { TURNS = 20 };
    int done_client = 0;
    int done_server = 0;
    for (int i = 0; i < TURNS && (done_client != 1 || done_server != 1); i++) {
        if (done_client != 1)
            done_client = SSL_do_handshake(client);
        if (done_server != 1)
            done_server = SSL_do_handshake(server);
    }
    return done_client == 1 && done_server == 1;
}

static void join(SSL *client, SSL *server)
{
    BIO *one = NULL;
    BIO *other = NULL;
    require(BIO_new_bio_pair(&one, 0, &other, 0) == 1, "BIO_new_bio_pair");
    SSL_set_bio(client, one, one);
    SSL_set_bio(server, other, other);
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
}

static void talk(SSL *from, SSL *to)
{
    char heard[32];
    require(SSL_write(from, "over the token", 14) == 14, "SSL_write");
    require(SSL_read(to, heard, sizeof heard) == 14, "SSL_read");
    assert_memory_equal(heard, "over the token", 14);
}

static void meet(const char *server_type, const char *client_type, int version)
{
    CSI_AUTO(SSL_CTX) *server_ctx = make_end(true, server_type, client_type, version);
    CSI_AUTO(SSL_CTX) *client_ctx = make_end(false, client_type, server_type, version);
    CSI_AUTO(SSL) *server = SSL_new(server_ctx);
    CSI_AUTO(SSL) *client = SSL_new(client_ctx);
    join(client, server);
    if (!shake(client, server)) {
        ERR_print_errors_fp(stderr);
        fail_msg("%s server, %s client, version %x: no handshake", server_type, client_type, (unsigned)version);
    }
    assert_int_equal(SSL_get_verify_result(client), X509_V_OK);
    assert_int_equal(SSL_get_verify_result(server), X509_V_OK);
    assert_int_equal(SSL_version(client), version);
    talk(client, server);
    talk(server, client);
}

static const char *const types[] = { "RSA:2048", "EC:P-256", "EC:P-384", "EC:P-521", "ED25519" };
enum { TYPES = sizeof types / sizeof *types };

static void tls_1_3_is_spoken_by_both_ends_with_every_kind_of_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < TYPES; i++)
        meet(types[i], types[(i + 1) % TYPES], TLS1_3_VERSION);
}

static void tls_1_2_is_spoken_by_both_ends_with_every_kind_of_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < TYPES; i++)
        meet(types[i], types[(i + 1) % TYPES], TLS1_2_VERSION);
}

/* PKCS#1 v1.5 and PSS, as TLS 1.2 may have them. */
static void the_peer_may_choose_the_padding(void **state)
{
    (void)state;
    static const char *const choices[] = { "RSA+SHA256", "RSA+SHA384", "rsa_pss_rsae_sha256", "rsa_pss_rsae_sha512" };
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        CSI_AUTO(SSL_CTX) *server_ctx = make_end(true, "RSA:2048", "RSA:2048", TLS1_2_VERSION);
        CSI_AUTO(SSL_CTX) *client_ctx = make_end(false, "RSA:2048", "RSA:2048", TLS1_2_VERSION);
        require(SSL_CTX_set1_sigalgs_list(server_ctx, choices[i]) == 1, "SSL_CTX_set1_sigalgs_list");
        require(SSL_CTX_set1_sigalgs_list(client_ctx, choices[i]) == 1, "SSL_CTX_set1_sigalgs_list");
        CSI_AUTO(SSL) *server = SSL_new(server_ctx);
        CSI_AUTO(SSL) *client = SSL_new(client_ctx);
        join(client, server);
        require(shake(client, server), choices[i]);
    }
}

/* TLS 1.2 without forward secrecy would have the token decrypt under a padding that must not leak, not even by time: refused, by the book. */
static void static_rsa_is_refused(void **state)
{
    (void)state;
    CSI_AUTO(SSL_CTX) *server_ctx = make_end(true, "RSA:2048", "RSA:2048", TLS1_2_VERSION);
    CSI_AUTO(SSL_CTX) *client_ctx = make_end(false, "RSA:2048", "RSA:2048", TLS1_2_VERSION);
    require(SSL_CTX_set_cipher_list(client_ctx, "AES128-GCM-SHA256") == 1, "SSL_CTX_set_cipher_list");
    require(SSL_CTX_set_cipher_list(server_ctx, "AES128-GCM-SHA256") == 1, "SSL_CTX_set_cipher_list");
    CSI_AUTO(SSL) *server = SSL_new(server_ctx);
    CSI_AUTO(SSL) *client = SSL_new(client_ctx);
    join(client, server);
    assert_false(shake(client, server));
    ERR_clear_error();
}

static void an_entry_whose_key_stays_on_its_token_serves_a_context(void **state)
{
    (void)state;
    for (size_t i = 0; i < TYPES; i++) {
        certstore_error *err = certstore_error_new();
        CSI_AUTO(certstore_entry) *entry = tokenkey_entry("web", types[i], true, i % 2 == 0);
        CSI_AUTO(SSL_CTX) *server_ctx = SSL_CTX_new(TLS_server_method());
        CSI_AUTO(SSL_CTX) *client_ctx = SSL_CTX_new(TLS_client_method());
        CSI_AUTO(X509) *cert = certstore_cert_x509(certstore_entry_cert(entry, 0), err);
        X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(client_ctx), MAKE_NOW);
        SSL_CTX_set_verify(client_ctx, SSL_VERIFY_PEER, NULL);
        require(X509_STORE_add_cert(SSL_CTX_get_cert_store(client_ctx), cert) == 1, "X509_STORE_add_cert");
        if (certstore_entry_use(entry, server_ctx, err) != CERTSTORE_OK)
            fail_msg("%s (%s)", certstore_error_message(err), certstore_error_cause(err));
        CSI_AUTO(SSL) *server = SSL_new(server_ctx);
        CSI_AUTO(SSL) *client = SSL_new(client_ctx);
        join(client, server);
        require(shake(client, server), types[i]);
        certstore_error_free(err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_1_3_is_spoken_by_both_ends_with_every_kind_of_key),
        cmocka_unit_test(tls_1_2_is_spoken_by_both_ends_with_every_kind_of_key),
        cmocka_unit_test(the_peer_may_choose_the_padding),
        cmocka_unit_test(static_rsa_is_refused),
        cmocka_unit_test(an_entry_whose_key_stays_on_its_token_serves_a_context),
    };
    return cmocka_run_group_tests_name("provider_tls", tests, NULL, NULL);
}
