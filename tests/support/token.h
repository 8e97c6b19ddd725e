/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.h: objects as tokens give them, and stores of them. What a module adds (flags, lengths, empty values) is as SoftHSM 2.6.1 and NSS 3.87
 * answer.
 */
#ifndef TESTS_TOKEN_H
#define TESTS_TOKEN_H

#include "codec/token.h"
#include "support/make.h"

enum token_maker { TOKEN_SOFTHSM, TOKEN_NSS, TOKEN_P11_KIT };

/* The caller's, each. label and id (hexadecimal digits) may be NULL: not there. */
csi_blob *token_cert(enum token_maker maker, const csi_blob *der, const char *label, const char *id);
csi_blob *token_private(enum token_maker maker, const EVP_PKEY *key, const char *label, const char *id);
csi_blob *token_public(enum token_maker maker, const EVP_PKEY *key, const char *label, const char *id);
/* Levels of server, client, code, email: CKT_NSS_... */
csi_blob *token_trust(const csi_blob *der, const uint32_t levels[4]);
csi_blob *token_data(const char *label, const char *application, const char *value);
csi_blob *token_aes(const char *label, const char *id);
/* The object with one more attribute, or another value of it. */
csi_blob *token_with(const csi_blob *object, uint32_t type, struct csi_span value);
csi_blob *token_with_flag(const csi_blob *object, uint32_t type, bool value);
csi_blob *token_with_number(const csi_blob *object, uint32_t type, uint32_t value);

/* A token that holds what was put into it; it takes the objects over. */
struct token {
    csi_parts *parts;
    struct csi_remote remote; /* its keys do not leave it; `opened` counts who asked for one */
    int opened;
    int refs;
};
void token_begin(struct token *token, unsigned traits);
void token_add(struct token *token, csi_blob *object);
void token_end(struct token *token);
/* The bundle; fails the test when it does not decode. */
certstore_bundle *token_read(struct token *token, const struct csi_codec *codec);
/* What shall be on it. *status is what it came to; NULL when it failed. */
csi_parts *token_write(struct token *token, const struct csi_codec *codec, const certstore_bundle *bundle, certstore_status *status,
                       char message[512]);
/* The same, where it must not fail. */
csi_parts *token_must_write(struct token *token, const struct csi_codec *codec, const certstore_bundle *bundle);
/* The token as if `parts` had been written to it: what was there already, and what a module makes of the rest. */
void token_become(struct token *token, csi_parts *parts);

/* Are these very bytes among the objects; one that is the same object? */
bool token_holds(const csi_parts *parts, const csi_blob *object);
bool token_holds_same(const csi_parts *parts, const csi_blob *object);
/* How many objects of a class. */
size_t token_count(const csi_parts *parts, uint32_t object_class);
/* The one object of a class and label; fails the test unless there is exactly one. */
struct csi_span token_object(const csi_parts *parts, uint32_t object_class, const char *label);
/* A row of the report with that code, about that subject (NULL: any). */
bool token_noted(const certstore_report *report, const char *code, const char *subject);

#endif
