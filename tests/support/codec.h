/* SPDX-License-Identifier: Apache-2.0 */
/* codec.h: decoding and encoding in one call, for tests of codecs with one part. */
#ifndef TESTS_CODEC_H
#define TESTS_CODEC_H

#include "codec/codec.h"

/* Passphrases of store and keys; NULL: not given. The caller's. */
csi_passwords *codec_passwords(const char *store, const char *key);
/* Decodes one part. Entries keep a reference of the passwords. *status is what it came to; NULL when it failed. */
certstore_bundle *codec_decode(const struct csi_codec *codec, csi_blob *bytes, const csi_passwords *passwords, certstore_status *status);
/* Encodes under `passwords` for both opening and protecting; reprotect: under `protect`. Fails the test unless it succeeds. The only part. */
csi_blob *codec_encode(const struct csi_codec *codec, const certstore_bundle *bundle, const csi_passwords *passwords, enum csi_profile profile);
csi_blob *codec_reprotect(const struct csi_codec *codec, const certstore_bundle *bundle, const csi_passwords *passwords,
                          const csi_passwords *protect);
/* The entry of an alias; fails the test when there is none. */
const certstore_entry *codec_entry(const certstore_bundle *bundle, const char *alias);
/* True if both entries hold the same certificates in the same order. */
bool codec_same_certs(const certstore_entry *a, const certstore_entry *b);
/* The key's bytes in the clear (the caller's), opened with what the entry was read with; fails the test when it does not open. */
csi_secret *codec_key(const certstore_entry *entry);

#endif
