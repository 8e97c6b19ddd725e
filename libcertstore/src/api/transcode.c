/* SPDX-License-Identifier: Apache-2.0 */
/* transcode.c: parts to bundle and back, under a caller's options. */
#include "api/transcode.h"

#include "api/registry.h"

const struct csi_codec *csi_codec_named(const char *format, certstore_error *err)
{
    const struct csi_codec *codec = format != NULL ? csi_registry_find(format) : NULL;
    if (codec == NULL)
        csi_fail(err, CERTSTORE_E_ARGUMENT, "format: '%.64s' is not known; use pem, pemdir, pkcs12, jks, jceks, bks, pkcs11 or nss",
                 format != NULL ? format : "(none)");
    return codec;
}

const struct csi_codec *csi_codec_of_content(struct csi_span content, certstore_error *err)
{
    const struct csi_codec *codec = csi_registry_probe(content);
    if (codec == NULL && content.size == 0)
        csi_fail(err, CERTSTORE_E_TRUNCATED, "content: it is empty; restore it, or name the format to start a new store");
    else if (codec == NULL)
        csi_fail(err, CERTSTORE_E_MALFORMED, "content: no format that is known here; name the format if you know it");
    return codec;
}

certstore_bundle *csi_decode_parts(const struct csi_codec *codec, const csi_parts *parts, struct csi_remote *remote, const certstore_options *opts,
                                   certstore_error *err)
{
    for (size_t i = 0; i < parts->count; i++)
        if (csi_limit_check(&opts->limits, CERTSTORE_LIMIT_FILE_SIZE, parts->items[i].bytes->size, err) != CERTSTORE_OK)
            return NULL;
    CSI_AUTO(csi_passwords) *passwords = csi_passwords_copy(opts->passwords, err); /* the keys share it, and opts may change */
    if (passwords == NULL)
        return NULL;
    const struct csi_decode in = { .parts = parts, .passwords = passwords, .limits = &opts->limits, .remote = remote };
    CSI_AUTO(certstore_bundle) *bundle = codec->decode(&in, err);
    if (bundle == NULL)
        return NULL;
    if (opts->require_integrity && bundle->integrity != CERTSTORE_INTEGRITY_VERIFIED) {
        csi_fail(err, CERTSTORE_E_NO_MAC, "integrity: %s; give the passphrase, or do not require the check",
                 bundle->integrity == CERTSTORE_INTEGRITY_ABSENT ? "the store carries no check" : "no passphrase to check it with was given");
        return NULL;
    }
    return csi_steal(&bundle);
}

static int64_t now_ms(const struct csi_os *os)
{
    struct timespec now;
    return os->now(os, CSI_CLOCK_WALL, &now) == 0 ? (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 : 0;
}

/* Everything under one new passphrase: the store's, and every key's that has none of its own among the options. */
static csi_passwords *passwords_with(const csi_secret *password, certstore_error *err)
{
    CSI_AUTO(csi_passwords) *passwords = csi_passwords_new(err);
    if (passwords == NULL)
        return NULL;
    passwords->store = csi_secret_ref(password);
    return csi_steal(&passwords);
}

certstore_status csi_refuse_losses(const struct csi_codec *codec, const certstore_bundle *bundle, certstore_error *err)
{
    CSI_AUTO(certstore_report) *lost = csi_report_new(err);
    if (lost == NULL)
        return err->status;
    lost->left_out_only = true;
    CSI_TRY(codec->losses(bundle, lost, err));
    if (lost->count == 0)
        return CERTSTORE_OK;
    const char *why = lost->rows[0].message;
    int size = (int)strcspn(why, ";"); /* what follows says that it is left out, and it is not */
    return csi_fail(err, CERTSTORE_E_LOSSY,
                    "entry \"%.64s\": the format %s cannot hold it: %.*s; leave it out, choose another format, or allow the loss (--allow-loss)",
                    lost->rows[0].subject, codec->name, size < 160 ? size : 160, why);
}

csi_parts *csi_encode_bundle(const struct csi_codec *codec, const certstore_bundle *bundle, const certstore_options *opts,
                             const csi_secret *new_password, size_t part_count, struct csi_remote *remote, certstore_error *err)
{
    if ((codec->capabilities & CERTSTORE_CAN_WRITE) == 0) {
        csi_fail(err, CERTSTORE_E_READ_ONLY, "%s: this format is only read here; copy the store to pkcs12, jceks or pem", codec->name);
        return NULL;
    }
    if (!opts->allow_loss && csi_refuse_losses(codec, bundle, err) != CERTSTORE_OK)
        return NULL;
    CSI_AUTO(csi_passwords) *protect = new_password != NULL ? passwords_with(new_password, err) : csi_passwords_ref(opts->passwords);
    CSI_AUTO(csi_parts) *parts = csi_parts_new(err);
    if (protect == NULL || parts == NULL)
        return NULL;
    const struct csi_encode in = {
        .passwords = opts->passwords,
        .protect = protect,
        .reprotect = new_password != NULL,
        .profile = opts->profile,
        .now_ms = now_ms(opts->os),
        .part_count = part_count,
        .limits = &opts->limits,
        .allow_loss = opts->allow_loss,
        .remote = remote,
        .traits = remote != NULL ? remote->traits : 0,
        .by_officer = opts->so_pin != NULL,
    };
    return codec->encode(bundle, &in, parts, err) == CERTSTORE_OK ? csi_steal(&parts) : NULL;
}

csi_blob *csi_single_der(struct csi_span data, certstore_kind kind, certstore_error *err)
{
    const char *what = kind == CERTSTORE_CRL ? "CRL" : "certificate";
    struct csi_reader r = csi_reader(data);
    struct csi_tlv whole;
    if (csi_der_expect(&r, CSI_DER_SEQUENCE, &whole) && csi_left(&r) == 0)
        return csi_blob_new(data.data, data.size, err);
    CSI_AUTO(certstore_options) *opts = csi_options_copy(NULL, err);
    CSI_AUTO(csi_parts) *parts = csi_parts_new(err);
    CSI_AUTO(csi_blob) *text = csi_blob_new(data.data, data.size, err);
    if (opts == NULL || parts == NULL || text == NULL || csi_parts_add(parts, "", text, err) != CERTSTORE_OK)
        return NULL;
    CSI_AUTO(certstore_bundle) *bundle = csi_decode_parts(&csi_codec_pem, parts, NULL, opts, err);
    if (bundle == NULL)
        return NULL;
    const certstore_entry *entry = bundle->count == 1 ? bundle->entries[0] : NULL;
    if (entry != NULL && kind == CERTSTORE_CRL && entry->kind == CERTSTORE_CRL)
        return csi_blob_ref(entry->content);
    if (entry != NULL && kind != CERTSTORE_CRL && entry->cert_count == 1)
        return csi_blob_new(entry->certs[0].data, entry->certs[0].size, err);
    csi_fail(err, CERTSTORE_E_MALFORMED, "%s: the bytes are not one %s in DER or PEM; give exactly one", what, what);
    return NULL;
}
