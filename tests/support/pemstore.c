/* SPDX-License-Identifier: Apache-2.0 */
/* pemstore.c: PEM stores made of texts, edited and written, for the tests. */
#include "support/pemstore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct pem_material pem;

static csi_blob *pem_blob(const char *text)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    return csi_blob_new(text, strlen(text), err);
}

struct pem_store pem_open(const char *text, const char *key, const char *password)
{
    struct pem_store s = { .err = certstore_error_new() };
    s.parts = csi_parts_new(s.err);
    s.passwords = csi_passwords_new(s.err);
    if (password != NULL)
        s.passwords->store = csi_secret_new(password, strlen(password), s.err);
    const char *const texts[] = { text, key };
    const char *const names[] = { "", "key" };
    for (int i = 0; i < 2; i++) {
        if (texts[i] == NULL)
            continue;
        CSI_AUTO(csi_blob) *bytes = pem_blob(texts[i]);
        assert_int_equal(csi_parts_add(s.parts, names[i], bytes, s.err), CERTSTORE_OK);
    }
    const struct csi_decode in = { .parts = s.parts, .passwords = s.passwords, .limits = &csi_limits_default };
    s.bundle = csi_codec_pem.decode(&in, s.err);
    if (s.bundle == NULL)
        print_message("# %s\n", s.err->message);
    return s;
}

void pem_close(struct pem_store *s)
{
    certstore_bundle_free(s->bundle);
    csi_parts_free(s->parts);
    csi_passwords_free(s->passwords);
    certstore_error_free(s->err);
}

void pem_free_texts(struct pem_texts *texts)
{
    free(texts->part[0]);
    free(texts->part[1]);
}

struct pem_texts pem_encode_with(const certstore_bundle *bundle, const struct csi_encode *in)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    CSI_AUTO(csi_parts) *parts = csi_parts_new(err);
    struct pem_texts texts = { .status = csi_codec_pem.encode(bundle, in, parts, err) };
    for (size_t i = 0; i < 2; i++) {
        const csi_blob *bytes = texts.status == CERTSTORE_OK && i < parts->count ? parts->items[i].bytes : NULL;
        texts.part[i] = csi_strndup(bytes != NULL ? (const char *)bytes->data : "", bytes != NULL ? bytes->size : 0, err);
        assert_non_null(texts.part[i]);
        if (bytes != NULL)
            assert_string_equal(parts->items[i].name, i == 0 ? "" : "key");
    }
    return texts;
}

struct pem_texts pem_encode(const struct pem_store *s, size_t part_count)
{
    const struct csi_encode in = { .passwords = s->passwords, .part_count = part_count, .limits = &csi_limits_default };
    return pem_encode_with(s->bundle, &in);
}

char *pem_block(const char *label, const csi_blob *der)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    CSI_AUTO_BUF out = { 0 };
    csi_pem_write(&out, label, csi_blob_span(der));
    return csi_strndup((const char *)out.data, out.size, err);
}

int pem_make(void **state)
{
    (void)state;
    pem.web = make_chain("web.example", "EC:P-256", 1);
    pem.other = make_chain("other.example", "EC:P-256", 2);
    pem.leaf = pem_block("CERTIFICATE", pem.web.leaf);
    pem.intermediate = pem_block("CERTIFICATE", pem.web.intermediate);
    pem.root = pem_block("CERTIFICATE", pem.web.root);
    pem.other_leaf = pem_block("CERTIFICATE", pem.other.leaf);
    CSI_AUTO(csi_blob) *pkcs8 = make_pkcs8(pem.web.key);
    CSI_AUTO(csi_blob) *other_pkcs8 = make_pkcs8(pem.other.key);
    pem.key = pem_block("PRIVATE KEY", pkcs8);
    pem.other_key = pem_block("PRIVATE KEY", other_pkcs8);
    return 0;
}

int pem_free(void **state)
{
    (void)state;
    char *const texts[] = { pem.leaf, pem.intermediate, pem.root, pem.key, pem.other_leaf, pem.other_key };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
    make_chain_free(&pem.web);
    make_chain_free(&pem.other);
    return 0;
}

char *pem_join(const char *a, const char *b, const char *c, const char *d)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    return csi_format(err, "%s%s%s%s", a, b, c, d);
}

void pem_remove(struct pem_store *s, size_t index)
{
    CSI_AUTO(csi_chars) *alias = strdup(s->bundle->entries[index]->alias);
    assert_int_equal(csi_bundle_remove(s->bundle, alias, s->err), CERTSTORE_OK);
}

void pem_put(struct pem_store *s, certstore_entry *taken)
{
    CSI_AUTO(certstore_entry) *entry = taken;
    assert_int_equal(csi_bundle_put(s->bundle, entry, s->err), CERTSTORE_OK);
}

char *pem_bio_text(BIO *bio)
{
    CSI_AUTO(certstore_error) *err = certstore_error_new();
    char *data;
    const long size = BIO_get_mem_data(bio, &data);
    char *text = csi_strndup(data, (size_t)size, err);
    BIO_free(bio);
    return text;
}
