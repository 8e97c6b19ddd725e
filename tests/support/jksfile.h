/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jksfile.h: JKS and JCEKS files put together byte by byte, by other means than the library's writer: the digest is OpenSSL's EVP, the password
 * is turned into UTF-16 here. Every step asserts.
 */
#ifndef TESTS_JKSFILE_H
#define TESTS_JKSFILE_H

#include "codec/codec.h"
#include "codec/pkcs8.h"

#define JKSFILE_JKS UINT32_C(0xfeedfeed)
#define JKSFILE_JCEKS UINT32_C(0xcececece)

void jksfile_begin(struct csi_buf *file, uint32_t magic, uint32_t version, uint32_t count);
/* tag, alias (as it stands in the file), date */
void jksfile_head(struct csi_buf *file, uint32_t tag, const char *alias, int64_t date);
void jksfile_cert(struct csi_buf *file, uint32_t version, const char *type, struct csi_span bytes);
/* A trusted certificate 30 03 02 01 mark: DER enough for a store. */
void jksfile_trusted(struct csi_buf *file, uint32_t version, const char *alias, int64_t date, uint8_t mark);
/* A private key whose sealed form is that text, with certificates marked 0, 1, 2 ... */
void jksfile_key(struct csi_buf *file, uint32_t version, const char *alias, int64_t date, const char *sealed, uint32_t chain);
/* A private key (jksfile_pkcs8) that opens. */
void jksfile_sealed_key(struct csi_buf *file, enum csi_pkcs8_scheme scheme, uint32_t version, const char *alias, const char *password, int64_t date,
                        uint32_t chain);
/* The AES key "0123456789abcdef", sealed with few iterations. */
void jksfile_secret(struct csi_buf *file, const char *alias, const char *password);
void jksfile_end(struct csi_buf *file, const char *password);
/* A PrivateKeyInfo that is one by its outline (an Ed25519 key). */
struct csi_span jksfile_pkcs8(void);

/* Decodes, and asserts the status; NULL if it is not CERTSTORE_OK. password NULL: none. */
certstore_bundle *jksfile_read(const struct csi_codec *codec, const struct csi_buf *file, const char *password, certstore_status expected);
certstore_bundle *jksfile_read_within(const struct csi_codec *codec, const struct csi_buf *file, const char *password,
                                      const struct csi_limits *limits, certstore_status expected);
/* The entry of an alias, under the bundle's rule; NULL if there is none. */
const certstore_entry *jksfile_find(const certstore_bundle *bundle, const char *alias);
bool jksfile_has_note(const certstore_bundle *bundle, const char *code, const char *subject);
bool jksfile_has_row(const certstore_report *report, const char *code, const char *subject);
/* A set with a store passphrase, and one for keys where key is not NULL. */
csi_passwords *jksfile_passwords(const char *store, const char *key);
/* Encodes with that store passphrase (NULL: none) and asserts the status; NULL if it is not CERTSTORE_OK. */
csi_blob *jksfile_write(const struct csi_codec *codec, const certstore_bundle *bundle, const csi_passwords *protect, bool reprotect,
                        certstore_status expected);

#endif
