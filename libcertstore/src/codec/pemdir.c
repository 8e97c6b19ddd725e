/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pemdir.c: the format `pemdir`: an OpenSSL hashed directory (openssl-rehash(1)).
 *
 * A certificate is found as HASH.N, a CRL as HASH.rN: HASH is that of the subject (of a CRL: the issuer), N counts from 0, and a lookup
 * stops at the first number that is missing. So numbers must have no gaps, and a name must not outlive its content.
 *
 * Files are the parts. A file that did not change keeps its name and bytes; every file that is not hash-named is somebody else's and is
 * handed through. What cannot be read is a finding and no failure: one bad file must not make all others unreadable.
 */
#include "codec/pemdir.h"

static void destroy(struct csi_document *base)
{
    struct csi_pemdir *dir = (struct csi_pemdir *)base;
    for (size_t i = 0; i < dir->count; i++)
        csi_blob_free(dir->files[i].bytes);
    for (size_t i = 0; i < dir->count; i++)
        free(dir->files[i].name);
    free(dir->files);
    free(dir);
}

/* Eight lower-case hexadecimal digits, a dot, "r" for CRLs, a number without leading zeros. */
bool csi_pemdir_parse_name(const char *name, struct csi_pemdir_slot *slot)
{
    uint8_t hash[4];
    char digits[9];
    if (strlen(name) < 10 || name[8] != '.' || strspn(name, "0123456789abcdef") != 8)
        return false;
    memcpy(digits, name, 8);
    digits[8] = 0;
    slot->crl = name[9] == 'r';
    const char *number = name + 9 + slot->crl;
    const size_t size = strlen(number);
    if (!csi_unhex(digits, hash, sizeof hash) || size == 0 || size > 6 || strspn(number, "0123456789") != size || (size > 1 && *number == '0'))
        return false;
    slot->hash = (uint32_t)hash[0] << 24 | (uint32_t)hash[1] << 16 | (uint32_t)hash[2] << 8 | hash[3];
    slot->number = (unsigned)strtoul(number, NULL, 10);
    return true;
}

bool csi_pemdir_hash(struct csi_span der, bool crl, uint32_t *hash)
{
    struct csi_cert_view view;
    struct csi_span name;
    if (crl)
        return csi_pem_crl_issuer(der, &name) && csi_name_hash(name, hash);
    return csi_cert_skim(der, &view) && csi_name_hash(view.subject, hash);
}

/* What reading one file found. */
static certstore_status take_piece(certstore_bundle *bundle, struct csi_pemdir *dir, struct csi_pemdir_file *file,
                                   const struct csi_pem_document *text, const struct csi_pem_piece *piece, struct csi_pemdir_known *known,
                                   certstore_error *err)
{
    const bool crl = piece->kind == CSI_PEM_CRL;
    uint32_t hash;
    if (!csi_pemdir_hash(piece->body, crl, &hash))
        return csi_report_add(bundle->notes, "dir-unreadable", CERTSTORE_WARNING, file->name, err, "its name cannot be read; OpenSSL passes over it");
    if (hash != file->slot.hash || crl != file->slot.crl)
        CSI_TRY(csi_report_add(bundle->notes, "dir-misnamed", CERTSTORE_WARNING, file->name, err,
                               "OpenSSL looks for its content under another name; run rehash"));
    bool is_new;
    CSI_TRY(csi_pemdir_known_add(known, piece->body, dir->unit_count, &file->unit, &is_new, err));
    if (!is_new)
        return csi_report_add(bundle->notes, "dir-duplicate", CERTSTORE_INFO, file->name, err,
                              "the same certificate or CRL stands here under another name");
    const size_t unit = dir->unit_count;
    certstore_entry *entry = crl ? csi_pem_entry_crl(piece->body, err) : csi_pem_entry_cert(text, piece, &dir->base, unit, err);
    if (entry == NULL)
        return err->status;
    if (crl)
        csi_entry_set_origin(entry, bundle->document, unit);
    dir->unit_count++;
    return csi_bundle_append(bundle, entry, true, err);
}

static bool is_entry(const struct csi_pem_piece *piece)
{
    return piece->kind == CSI_PEM_CERT || piece->kind == CSI_PEM_TRUSTED || piece->kind == CSI_PEM_CRL;
}

static certstore_status read_text(certstore_bundle *bundle, struct csi_pemdir *dir, struct csi_pemdir_file *file, const struct csi_limits *limits,
                                  struct csi_pemdir_known *known, certstore_error *err)
{
    CSI_AUTO(certstore_error) *scratch = certstore_error_new();
    if (scratch == NULL)
        return csi_error_memory(err);
    struct csi_pem_document text = { .text = { file->bytes } };
    certstore_status status = csi_pem_split(&text, 0, limits, scratch);
    size_t entries = 0;
    const struct csi_pem_piece *piece = NULL;
    for (size_t i = 0; i < text.count; i++) {
        if (is_entry(&text.pieces[i])) {
            piece = &text.pieces[i];
            entries++;
        }
    }
    if (status == CERTSTORE_E_MEMORY)
        csi_error_memory(err);
    else if (status != CERTSTORE_OK)
        csi_report_add(bundle->notes, "dir-unreadable", CERTSTORE_WARNING, file->name, err, "%s", certstore_error_message(scratch));
    else if (entries != 1) /* openssl-rehash(1): "exactly one certificate or CRL" */
        csi_report_add(bundle->notes, "dir-unreadable", CERTSTORE_WARNING, file->name, err,
                       "it does not hold exactly one certificate or CRL; split it");
    else
        take_piece(bundle, dir, file, &text, piece, known, err);
    csi_blob_free(text.bodies[0]);
    free(text.pieces);
    csi_buf_free(&text.aliases);
    return err->status;
}

static certstore_status read_file(certstore_bundle *bundle, struct csi_pemdir *dir, struct csi_pemdir_file *file, const struct csi_limits *limits,
                                  struct csi_pemdir_known *known, certstore_error *err)
{
    file->unit = SIZE_MAX;
    file->hashed = csi_pemdir_parse_name(file->name, &file->slot);
    if (!file->hashed)
        return CERTSTORE_OK;
    if (file->bytes->size == 0) {
        file->stale = true;
        return csi_report_add(bundle->notes, "dir-stale", CERTSTORE_INFO, file->name, err, "a link to nothing; the next change takes it away");
    }
    return read_text(bundle, dir, file, limits, known, err);
}

static certstore_status read_files(certstore_bundle *bundle, struct csi_pemdir *dir, const struct csi_decode *in, struct csi_pemdir_known *known,
                                   certstore_error *err)
{
    dir->files = csi_new(in->parts->count, sizeof *dir->files, err);
    if (dir->files == NULL)
        return err->status;
    CSI_TRY(csi_limit_check(in->limits, CERTSTORE_LIMIT_ENTRIES, in->parts->count, err));
    for (size_t i = 0; i < in->parts->count; i++) {
        struct csi_pemdir_file *file = &dir->files[i];
        if ((file->name = csi_strdup(in->parts->items[i].name, err)) == NULL)
            return err->status;
        file->bytes = csi_blob_ref(in->parts->items[i].bytes);
        dir->count++;
        CSI_TRY(read_file(bundle, dir, file, in->limits, known, err));
    }
    return CERTSTORE_OK;
}

static certstore_bundle *decode(const struct csi_decode *in, certstore_error *err)
{
    struct csi_pemdir *dir = csi_new(1, sizeof *dir, err);
    if (dir == NULL)
        return NULL;
    dir->base.codec = &csi_codec_pemdir;
    dir->base.destroy = destroy;
    dir->base.refs = 1;
    CSI_AUTO(csi_document) *base = &dir->base;
    CSI_AUTO(certstore_bundle) *bundle = csi_bundle_new(csi_codec_pemdir.name, csi_codec_pemdir.rule, err);
    if (bundle == NULL)
        return NULL;
    bundle->integrity = CERTSTORE_INTEGRITY_ABSENT;
    bundle->document = csi_document_ref(base);
    struct csi_pemdir_known known = { 0 };
    const certstore_status status = read_files(bundle, dir, in, &known, err);
    free(known.slots);
    return status == CERTSTORE_OK ? csi_steal(&bundle) : NULL;
}

/* One file is never a directory. */
static int probe(struct csi_span content)
{
    (void)content;
    return 0;
}

static certstore_status losses(const certstore_bundle *bundle, certstore_report *report, certstore_error *err)
{
    for (size_t i = 0; i < bundle->count; i++) {
        const certstore_entry *entry = bundle->entries[i];
        if (entry->kind != CERTSTORE_TRUSTED && entry->kind != CERTSTORE_CRL) {
            const char *why = "a hashed directory holds trusted certificates and CRLs only; it is left out";
            if (entry->kind == CERTSTORE_KEY)
                CSI_TRY(csi_report_add(report, "key-lost", CERTSTORE_FAULT, entry->alias, err, "%s", why));
            else if (entry->kind == CERTSTORE_SECRET)
                CSI_TRY(csi_report_add(report, "secret-lost", CERTSTORE_FAULT, entry->alias, err, "%s", why));
            else
                CSI_TRY(csi_report_add(report, "opaque-lost", CERTSTORE_FAULT, entry->alias, err, "%s", why));
            continue;
        }
        bool empty;
        CSI_TRY(csi_losses_empty(entry, &empty, report, err));
        if (empty || report->left_out_only)
            continue;
        if (!entry->unnamed && (entry->origin.document == NULL || entry->origin.document->codec != &csi_codec_pemdir))
            CSI_TRY(csi_report_add(report, "alias-lost", CERTSTORE_INFO, entry->alias, err,
                                   "a hashed directory holds no aliases; one is made from the subject"));
        if (entry->created_ms != INT64_MIN)
            CSI_TRY(csi_report_add(report, "date-lost", CERTSTORE_INFO, entry->alias, err, "a hashed directory does not say when an entry was made"));
    }
    return CERTSTORE_OK;
}

static const char *const suffixes[] = { NULL };

const struct csi_codec csi_codec_pemdir = {
    .name = "pemdir",
    .capabilities = CERTSTORE_CAN_READ | CERTSTORE_CAN_WRITE | CERTSTORE_CAN_TRUSTED | CERTSTORE_CAN_CRLS | CERTSTORE_CAN_TRUST_PURPOSES,
    .rule = CSI_ALIAS_EXACT,
    .suffixes = suffixes,
    .probe = probe,
    .decode = decode,
    .encode = csi_pemdir_encode,
    .losses = losses,
};
