/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokentls.c: one end of a TLS connection whose private key never leaves its token, for check-tls-token. The PIN is in $TOKENTLS_PIN.
 *
 *   tokentls generate URI TYPE         makes a key pair on the token
 *   tokentls server URI CA.pem PORT    takes one connection on 127.0.0.1 from a client that CA vouches for; writes its port into the file PORT
 *   tokentls client URI CA.pem PORT    connects to 127.0.0.1:PORT and presents its certificate
 *
 * Both ends send a line, expect one, and print what was agreed upon. Nothing is waited for longer than half a minute.
 */
#include <stdio.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <certstore_openssl.h>

#include <openssl/err.h>

#include "p11/token.h"

enum { PATIENCE = 30 };

static void fail(const char *what, const certstore_error *err)
{
    fprintf(stderr, "tokentls: %s", what);
    if (certstore_error_status(err) != CERTSTORE_OK)
        fprintf(stderr, ": %s (%s)", certstore_error_message(err), certstore_error_cause(err));
    fprintf(stderr, "\n");
    ERR_print_errors_fp(stderr);
    exit(1);
}

/* No store makes keys, so this is asked of the token itself. */
static void generate(const char *uri, const char *pin, const char *type)
{
    certstore_error err = { 0 };
    CSI_AUTO_OBJECTS made = { 0 };
    const struct csi_key_policy policy = { .extractable = false };
    CSI_AUTO(csi_p11_address) *address = csi_p11_address_parse(uri, &err);
    CSI_AUTO(csi_secret) *secret = csi_secret_new(pin, strlen(pin), &err);
    CSI_AUTO(csi_p11) *token = address != NULL && secret != NULL ? csi_p11_open(address, secret, &err) : NULL;
    if (token == NULL || csi_p11_generate(token, type, "web", csi_span(NULL, 0), &policy, &made, &err) != CERTSTORE_OK)
        fail("generate", &err);
}

/* Everything else is the public interface's. The context outlives entry, bundle and store. */
static SSL_CTX *make_context(const char *uri, const char *pin, const SSL_METHOD *method, const char *ca)
{
    certstore_error *err = certstore_error_new();
    certstore_options *options = certstore_options_new(err);
    certstore_options_set_password(options, (const uint8_t *)pin, strlen(pin), err);
    certstore *store = certstore_open(uri, options, err);
    certstore_bundle *bundle = certstore_read(store, err);
    const certstore_entry *entry = certstore_bundle_find(bundle, "web");
    SSL_CTX *ctx = SSL_CTX_new(method);
    if (ctx == NULL || certstore_entry_use(entry, ctx, err) != CERTSTORE_OK)
        fail("context", err);
    if (SSL_CTX_load_verify_file(ctx, ca) != 1 || SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1)
        fail(ca, NULL);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    certstore_bundle_free(bundle);
    certstore_free(store);
    certstore_options_free(options);
    certstore_error_free(err);
    return ctx;
}

static bool http; /* the other end is a web server: one request and its answer, instead of a line each */

#define STAYED "the key stayed where it is\n"

static void say(SSL *ssl, const char *text)
{
    if (SSL_write(ssl, text, (int)strlen(text)) <= 0)
        fail("write", NULL);
}

static void talk(SSL *ssl)
{
    char heard[1024];
    bool answers = http && SSL_is_server(ssl);
    if (!answers)
        say(ssl, http ? "GET / HTTP/1.0\r\n\r\n" : STAYED);
    int size = SSL_read(ssl, heard, sizeof heard - 1);
    if (size <= 0)
        fail("read", NULL);
    heard[size] = '\0';
    if (answers)
        say(ssl, "HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n" STAYED);
    printf("%s %s heard: %s", SSL_get_version(ssl), X509_verify_cert_error_string(SSL_get_verify_result(ssl)), heard);
    SSL_shutdown(ssl);
}

static void set_patience(int fd)
{
    const struct timeval time = { .tv_sec = PATIENCE };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

static void serve(SSL_CTX *ctx, const char *port_file)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    char temporary[4096];
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        fail("listen", NULL);
    set_patience(listener);
    snprintf(temporary, sizeof temporary, "%s.new", port_file);
    FILE *file = fopen(temporary, "we");
    if (file == NULL || fprintf(file, "%d\n", ntohs(address.sin_port)) < 0 || fclose(file) != 0 || rename(temporary, port_file) != 0)
        fail(port_file, NULL);
    int fd = accept(listener, NULL, NULL);
    SSL *ssl = SSL_new(ctx);
    set_patience(fd);
    if (fd < 0 || SSL_set_fd(ssl, fd) != 1 || SSL_accept(ssl) != 1)
        fail("accept", NULL);
    talk(ssl);
    SSL_free(ssl);
    close(fd);
    close(listener);
}

static void call(SSL_CTX *ctx, const char *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)atoi(port)) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    SSL *ssl = SSL_new(ctx);
    set_patience(fd);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0 || SSL_set_fd(ssl, fd) != 1 || SSL_set1_host(ssl, "localhost") != 1 ||
        SSL_set_tlsext_host_name(ssl, "localhost") != 1 || SSL_connect(ssl) != 1)
        fail("connect", NULL);
    talk(ssl);
    SSL_free(ssl);
    close(fd);
}

int main(int argc, char **argv)
{
    const char *pin = getenv("TOKENTLS_PIN");
    if (pin == NULL || argc < 4)
        fail("usage: tokentls generate|server|client URI ..., with $TOKENTLS_PIN", NULL);
    if (strcmp(argv[1], "generate") == 0) {
        generate(argv[2], pin, argv[3]);
        return 0;
    }
    bool server = strcmp(argv[1], "server") == 0;
    http = argc == 6 && strcmp(argv[5], "http") == 0;
    if (argc != 5 && !http)
        fail("usage: tokentls server|client URI CA PORT [http]", NULL);
    SSL_CTX *ctx = make_context(argv[2], pin, server ? TLS_server_method() : TLS_client_method(), argv[3]);
    if (server)
        serve(ctx, argv[4]);
    else
        call(ctx, argv[4]);
    SSL_CTX_free(ctx);
    return 0;
}
