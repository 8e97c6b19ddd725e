/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokentls.c: one end of a TLS connection whose private key never leaves its token, for check-tls-token. The PIN is in $TOKENTLS_PIN.
 *
 *   tokentls generate URI TYPE         makes a key pair on the token; prints a certificate request
 *   tokentls put URI CERT.pem          puts the key's certificate beside it
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
#include <openssl/pem.h>

#include "codec/codec.h"
#include "p11/token.h"

enum { PATIENCE = 30 };

static void fail(const char *what, const certstore_error *err)
{
    fprintf(stderr, "tokentls: %s", what);
    if (err != NULL && err->status != CERTSTORE_OK)
        fprintf(stderr, ": %s (%s)", err->message, err->cause);
    fprintf(stderr, "\n");
    ERR_print_errors_fp(stderr);
    exit(1);
}

static csi_p11 *open_token(const char *uri)
{
    certstore_error err = { 0 };
    const char *pin = getenv("TOKENTLS_PIN");
    CSI_AUTO(csi_p11_address) *address = csi_p11_address_parse(uri, &err);
    CSI_AUTO(csi_secret) *secret = pin != NULL ? csi_secret_new(pin, strlen(pin), &err) : NULL;
    csi_p11 *token = address != NULL ? csi_p11_open(address, secret, &err) : NULL;
    if (token == NULL)
        fail(uri, &err);
    return token;
}

/* ---------------------------------------------------------------------------------------------------- the token as a store */

static certstore_bundle *read_token(csi_p11 *token, csi_parts *parts)
{
    certstore_error err = { 0 };
    CSI_AUTO_OBJECTS objects = { 0 };
    if (csi_p11_read(token, &csi_limits_default, &objects, &err) != CERTSTORE_OK)
        fail("reading", &err);
    for (size_t i = 0; i < objects.count; i++)
        if (csi_parts_add(parts, "", objects.items[i], &err) != CERTSTORE_OK)
            fail("reading", &err);
    const struct csi_decode in = { .parts = parts, .limits = &csi_limits_default, .remote = csi_p11_remote(token) };
    certstore_bundle *bundle = csi_codec_pkcs11.decode(&in, &err);
    if (bundle == NULL)
        fail("reading", &err);
    return bundle;
}

static bool is_there(const csi_parts *parts, struct csi_span object)
{
    for (size_t i = 0; i < parts->count; i++)
        if (csi_object_same(csi_blob_span(parts->items[i].bytes), object))
            return true;
    return false;
}

/* What `certstore put` does, for a store to which things are only added. */
static void write_token(csi_p11 *token, const csi_parts *before, const certstore_bundle *bundle)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_parts) *after = csi_parts_new(&err);
    const struct csi_encode in = {
        .part_count = 1, .limits = &csi_limits_default, .remote = csi_p11_remote(token), .traits = csi_p11_info(token)->traits
    };
    if (after == NULL || csi_codec_pkcs11.encode(bundle, &in, after, &err) != CERTSTORE_OK)
        fail("writing", &err);
    for (size_t i = 0; i < after->count; i++)
        if (!is_there(before, csi_blob_span(after->items[i].bytes)) &&
            csi_p11_create(token, csi_blob_span(after->items[i].bytes), &err) != CERTSTORE_OK)
            fail("writing", &err);
}

static const certstore_entry *the_key(const certstore_bundle *bundle)
{
    for (size_t i = 0; i < bundle->count; i++)
        if (bundle->entries[i]->kind == CERTSTORE_KEY)
            return bundle->entries[i];
    fail("no private key on the token", NULL);
    return NULL;
}

/* ---------------------------------------------------------------------------------------------------------------- commands */

static void generate(csi_p11 *token, const char *type)
{
    certstore_error err = { 0 };
    CSI_AUTO_OBJECTS made = { 0 };
    const struct csi_key_policy policy = { .extractable = false };
    CSI_AUTO(csi_parts) *parts = csi_parts_new(&err);
    if (csi_p11_generate(token, type, "web", csi_span(NULL, 0), &policy, &made, &err) != CERTSTORE_OK)
        fail("generate", &err);
    CSI_AUTO(certstore_bundle) *bundle = read_token(token, parts);
    certstore_bytes *request = certstore_entry_export_csr(the_key(bundle), "CN=localhost", "localhost", &err);
    if (request == NULL)
        fail("request", &err);
    PEM_write(stdout, "CERTIFICATE REQUEST", "", certstore_bytes_data(request), (long)certstore_bytes_size(request));
    certstore_bytes_free(request);
}

static void put(csi_p11 *token, const char *path)
{
    certstore_error err = { 0 };
    char text[16384];
    FILE *file = fopen(path, "rb");
    size_t size = file != NULL ? fread(text, 1, sizeof text, file) : 0;
    CSI_AUTO(csi_parts) *parts = csi_parts_new(&err);
    CSI_AUTO(certstore_bundle) *bundle = read_token(token, parts);
    CSI_AUTO(certstore_entry) *entry = certstore_entry_copy(the_key(bundle), &err);
    if (certstore_entry_add_cert(entry, (const uint8_t *)text, size, &err) != CERTSTORE_OK ||
        certstore_bundle_put(bundle, entry, &err) != CERTSTORE_OK || certstore_entry_check_key(entry, &err) != CERTSTORE_OK)
        fail(path, &err);
    write_token(token, parts, bundle);
    if (file != NULL)
        fclose(file);
}

/* The context outlives entry, bundle and every reference of ours to the token. */
static SSL_CTX *make_context(csi_p11 *token, const SSL_METHOD *method, const char *ca)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_parts) *parts = csi_parts_new(&err);
    CSI_AUTO(certstore_bundle) *bundle = read_token(token, parts);
    SSL_CTX *ctx = SSL_CTX_new(method);
    if (ctx == NULL || certstore_entry_use(the_key(bundle), ctx, &err) != CERTSTORE_OK)
        fail("context", &err);
    if (SSL_CTX_load_verify_file(ctx, ca) != 1 || SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1)
        fail(ca, NULL);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return ctx;
}

static void talk(SSL *ssl)
{
    static const char line[] = "the key stayed where it is\n";
    char heard[256];
    if (SSL_write(ssl, line, (int)(sizeof line - 1)) <= 0)
        fail("write", NULL);
    int size = SSL_read(ssl, heard, sizeof heard - 1);
    if (size <= 0)
        fail("read", NULL);
    heard[size] = '\0';
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
    if (argc < 4)
        fail("usage: tokentls generate|put|server|client URI ...", NULL);
    csi_p11 *token = open_token(argv[2]);
    bool server = strcmp(argv[1], "server") == 0;
    if (strcmp(argv[1], "generate") == 0)
        generate(token, argv[3]);
    else if (strcmp(argv[1], "put") == 0)
        put(token, argv[3]);
    else if (argc == 5) {
        SSL_CTX *ctx = make_context(token, server ? TLS_server_method() : TLS_client_method(), argv[3]);
        csi_p11_free(token);
        token = NULL;
        if (server)
            serve(ctx, argv[4]);
        else
            call(ctx, argv[4]);
        SSL_CTX_free(ctx);
    }
    csi_p11_free(token);
    return 0;
}
