/* SPDX-License-Identifier: Apache-2.0 */
/* pemstore.h: PEM stores made of texts, edited and written, for the tests. Everything fails the test when it cannot be done. */
#ifndef TESTS_PEMSTORE_H
#define TESTS_PEMSTORE_H

#include <openssl/bio.h>

#include "codec/pem.h"
#include "support/make.h"

/* Two chains, and their blocks. Made once for a group of tests: cmocka's group set-up and tear-down. */
extern struct pem_material {
    struct make_chain web, other;
    char *leaf, *intermediate, *root, *key; /* web's */
    char *other_leaf, *other_key;
} pem;
int pem_make(void **state);
int pem_free(void **state);

struct pem_store {
    csi_parts *parts;
    csi_passwords *passwords;
    certstore_bundle *bundle; /* NULL: refused, err says why */
    certstore_error *err;
};
/* key NULL: a store of one file. */
struct pem_store pem_open(const char *text, const char *key, const char *password);
void pem_close(struct pem_store *s);
#define STORE __attribute__((cleanup(pem_close))) struct pem_store

/* The parts after an edit as texts; part 1 is "" where there is none. */
struct pem_texts {
    char *part[2];
    certstore_status status;
};
void pem_free_texts(struct pem_texts *texts);
#define TEXTS __attribute__((cleanup(pem_free_texts))) struct pem_texts
struct pem_texts pem_encode_with(const certstore_bundle *bundle, const struct csi_encode *in);
struct pem_texts pem_encode(const struct pem_store *s, size_t part_count);

#define TEXT CSI_AUTO(csi_chars) *
char *pem_block(const char *label, const csi_blob *der);
char *pem_join(const char *a, const char *b, const char *c, const char *d);
/* What a BIO holds; frees it. */
char *pem_bio_text(BIO *bio);

void pem_remove(struct pem_store *s, size_t index);
void pem_put(struct pem_store *s, certstore_entry *taken);

#endif
