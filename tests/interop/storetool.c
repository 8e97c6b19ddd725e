/* SPDX-License-Identifier: Apache-2.0 */
/*
 * storetool.c: the codecs on a command line, for the tests against other programs.
 *
 *   storetool list FORMAT FILE [STOREPASS [ALIAS=PASS ...]]
 *   storetool copy FORMAT FILE OUTFORMAT[:PROFILE] OUT [STOREPASS [ALIAS=PASS ...]]
 *   storetool rename FORMAT FILE OLD NEW [STOREPASS [ALIAS=PASS ...]]
 *
 * `list` prints a line an entry: alias (as its format looks it up), kind, SHA-256 of each certificate (or -), SHA-256 of the key in
 * the clear (or -). `copy` writes every entry anew, as if none had been read from a file. `rename` edits the file in place. A hashed
 * directory is a directory that exists.
 */
#include <stdio.h>

#include <dirent.h>

#include "codec/codec.h"

static const struct csi_codec *const codecs[] = {
    &csi_codec_jks, &csi_codec_jceks, &csi_codec_bks, &csi_codec_pem, &csi_codec_pemdir, &csi_codec_pkcs12,
};
static const struct {
    const char *name;
    enum csi_profile profile;
} profiles[] = { { "java8", CSI_PROFILE_JAVA8 },
                 { "java17", CSI_PROFILE_JAVA17 },
                 { "openssl3", CSI_PROFILE_OPENSSL3 },
                 { "fips", CSI_PROFILE_FIPS },
                 { "legacy", CSI_PROFILE_LEGACY } };

static void fail(const char *what)
{
    fprintf(stderr, "storetool: %s\n", what);
    exit(1);
}

static const struct csi_codec *codec_of(const char *name)
{
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
        if (strcmp(codecs[i]->name, name) == 0)
            return codecs[i];
    fail("no such format");
    return NULL;
}

static void add_file(csi_parts *parts, const char *name, const char *path, certstore_error *err)
{
    CSI_AUTO_BUF buf = { 0 };
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail(path);
    for (size_t n = 1; n > 0;) {
        uint8_t *room = csi_buf_reserve(&buf, 65536);
        n = room != NULL ? fread(room, 1, 65536, file) : 0;
        buf.size += n;
    }
    fclose(file);
    CSI_AUTO(csi_blob) *blob = csi_blob_from_buf(&buf, err);
    if (blob == NULL || csi_parts_add(parts, name, blob, err) != CERTSTORE_OK)
        fail(err->message);
}

/* A file, or each file of a directory. */
static csi_parts *read_parts(const char *path, certstore_error *err)
{
    CSI_AUTO(csi_parts) *parts = csi_parts_new(err);
    if (parts == NULL)
        fail(err->message);
    DIR *dir = opendir(path);
    if (dir == NULL)
        add_file(parts, "", path, err);
    for (const struct dirent *item; dir != NULL && (item = readdir(dir)) != NULL;) {
        CSI_AUTO(csi_chars) *inner = csi_format(err, "%s/%s", path, item->d_name);
        if (item->d_name[0] != '.')
            add_file(parts, item->d_name, inner, err);
    }
    if (dir != NULL)
        closedir(dir);
    return csi_steal(&parts);
}

/* STOREPASS and then ALIAS=PASS; the last '=' divides. */
static csi_passwords *parse_passwords(char **words, int count, certstore_error *err)
{
    CSI_AUTO(csi_passwords) *passwords = csi_passwords_new(err);
    if (passwords == NULL || count <= 0)
        return csi_steal(&passwords);
    passwords->store = csi_secret_new(words[0], strlen(words[0]), err);
    for (int i = 1; i < count; i++) {
        char *divider = strrchr(words[i], '=');
        if (divider == NULL)
            fail("ALIAS=PASS");
        *divider = '\0';
        if (csi_passwords_set_entry(passwords, words[i], csi_span_text(divider + 1), err) != CERTSTORE_OK)
            fail(err->message);
        *divider = '=';
    }
    return csi_steal(&passwords);
}

static void print_hash(struct csi_span bytes, const char *before)
{
    uint8_t digest[32];
    char text[65];
    csi_sha256(bytes, digest);
    csi_hex(digest, sizeof digest, text);
    printf("%s%s", before, text);
}

static void print_entry(enum csi_alias_rule rule, const certstore_entry *entry)
{
    static const char *const kinds[] = { "trusted", "key", "secret", "crl", "opaque" };
    certstore_error err = { 0 };
    CSI_AUTO_PLAIN plain = { 0 };
    CSI_AUTO(csi_chars) *alias = csi_alias_fold(rule, entry->alias, &err);
    printf("%s\t%s\t%s", alias != NULL ? alias : "?", kinds[entry->kind], entry->cert_count == 0 ? "-" : "");
    for (size_t i = 0; i < entry->cert_count; i++)
        print_hash(csi_span(entry->certs[i].data, entry->certs[i].size), i > 0 ? "+" : "");
    if (entry->key == NULL) {
        printf("\t-\n");
        return;
    }
    if (csi_key_open(entry->key, entry->alias, NULL, &plain, &err) != CERTSTORE_OK) {
        printf("\tlocked\n");
        return;
    }
    print_hash(csi_secret_span(plain.bytes), "\t");
    printf("%s%s\n", plain.algorithm[0] != '\0' ? ":" : "", plain.algorithm);
}

static certstore_bundle *read_store(const char *format, const char *path, const csi_passwords *passwords, certstore_error *err)
{
    CSI_AUTO(csi_parts) *parts = read_parts(path, err);
    const struct csi_decode in = { .parts = parts, .passwords = passwords, .limits = &csi_limits_default };
    certstore_bundle *bundle = codec_of(format)->decode(&in, err);
    if (bundle == NULL)
        fail(err->message);
    return bundle;
}

static certstore_bundle *without_origins(const certstore_bundle *from, certstore_error *err)
{
    certstore_bundle *bundle = csi_bundle_new(from->format, from->rule, err);
    for (size_t i = 0; i < from->count; i++)
        if (bundle == NULL || csi_bundle_put(bundle, from->entries[i], err) != CERTSTORE_OK)
            fail(err->message);
    return bundle;
}

static void write_store(const struct csi_codec *codec, enum csi_profile profile, const certstore_bundle *bundle, const char *path,
                        const csi_passwords *passwords, certstore_error *err)
{
    CSI_AUTO(csi_parts) *parts = csi_parts_new(err);
    const struct csi_encode in = { .passwords = passwords, .protect = passwords, .profile = profile, .part_count = 1, .limits = &csi_limits_default };
    if (codec->encode(bundle, &in, parts, err) != CERTSTORE_OK)
        fail(err->message);
    for (size_t i = 0; i < parts->count; i++) {
        const struct csi_part *part = &parts->items[i];
        CSI_AUTO(csi_chars) *name = csi_format(err, "%s%s%s", path, part->name[0] != '\0' ? "/" : "", part->name);
        FILE *file = fopen(name, "wb");
        if (file == NULL || fwrite(part->bytes->data, 1, part->bytes->size, file) != part->bytes->size || fclose(file) != 0)
            fail(name);
    }
}

static enum csi_profile profile_of(const char *name)
{
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
        if (strcmp(name, profiles[i].name) == 0)
            return profiles[i].profile;
    fail("no such profile");
    return CSI_PROFILE_DEFAULT;
}

static void copy(char *format, const certstore_bundle *bundle, char **words, const csi_passwords *passwords, certstore_error *err)
{
    char *colon = strchr(format, ':');
    enum csi_profile profile = colon != NULL ? profile_of(colon + 1) : CSI_PROFILE_DEFAULT;
    if (colon != NULL)
        *colon = '\0';
    CSI_AUTO(certstore_bundle) *fresh = without_origins(bundle, err);
    write_store(codec_of(format), profile, fresh, words[0], passwords, err);
}

static void rename_entry(const struct csi_codec *codec, certstore_bundle *bundle, char **words, const csi_passwords *passwords, certstore_error *err)
{
    if (csi_bundle_rename(bundle, words[1], words[2], err) != CERTSTORE_OK)
        fail(err->message);
    write_store(codec, CSI_PROFILE_DEFAULT, bundle, words[0], passwords, err);
}

int main(int argc, char **argv)
{
    certstore_error err = { 0 };
    const char *verb = argc > 1 ? argv[1] : "";
    const bool lists = strcmp(verb, "list") == 0;
    if (argc < (lists ? 4 : 6))
        fail("list FORMAT FILE ... | copy FORMAT FILE OUTFORMAT OUT ... | rename FORMAT FILE OLD NEW ...");
    const int first = lists ? 4 : 6;
    CSI_AUTO(csi_passwords) *passwords = parse_passwords(argv + first, argc - first, &err);
    CSI_AUTO(certstore_bundle) *bundle = read_store(argv[2], argv[3], passwords, &err);
    if (strcmp(verb, "copy") == 0)
        copy(argv[4], bundle, argv + 5, passwords, &err);
    else if (strcmp(verb, "rename") == 0)
        rename_entry(codec_of(argv[2]), bundle, argv + 3, passwords, &err);
    else if (lists)
        for (size_t i = 0; i < bundle->count; i++)
            print_entry(bundle->rule, bundle->entries[i]);
    else
        fail("no such verb");
    return 0;
}
