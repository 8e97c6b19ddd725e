/* SPDX-License-Identifier: Apache-2.0 */
/* store.c: opening a store, reading it, asking whether it has changed. */
#include "api/store.h"

#include "api/call.h"
#include "api/registry.h"
#include "api/transcode.h"

enum { PEEK_SIZE = 64 << 10 }; /* explanatory text may stand before the first block of a PEM file */

/* A bare path: what is there decides, never its name; where nothing is there yet, the suffix does. */
static const struct csi_codec *recognise(const struct csi_uri *uri, const struct csi_os *os, certstore_error *err)
{
    if (csi_path_is_directory(os, uri->path))
        return &csi_codec_pemdir;
    certstore_error attempt = { 0 };
    CSI_AUTO(csi_blob) *head = csi_path_peek(os, uri->path, PEEK_SIZE, &attempt);
    if (head != NULL)
        return csi_codec_of_content(csi_blob_span(head), err);
    if (attempt.status != CERTSTORE_E_NOT_FOUND) {
        csi_error_move(err, &attempt);
        return NULL;
    }
    const struct csi_codec *codec = csi_registry_suffix(uri->path);
    if (codec == NULL)
        csi_fail(err, CERTSTORE_E_NOT_FOUND, "it does not exist, and its name does not tell what to make it; write for example pem:PATH");
    return codec;
}

/* In RFC 7512's order: what the program was given, then the URI's own pin-value, then its pin-source. NULL without an error: none. */
static csi_secret *pin_of(const certstore *store, const csi_p11_address *address, certstore_error *err)
{
    if (store->opts->passwords->store != NULL)
        return csi_secret_ref(store->opts->passwords->store);
    if (csi_p11_address_pin_value(address) != NULL)
        return csi_secret_ref(csi_p11_address_pin_value(address));
    return csi_token_pin_from(store->opts->os, csi_p11_address_pin_source(address), err);
}

static certstore_status open_token(certstore *store, const struct csi_env *env, certstore_error *err)
{
    bool is_nss = store->codec == &csi_codec_nss;
    CSI_AUTO(csi_p11_address) *address = is_nss ? csi_p11_address_nss(store->uri.path, err) : csi_p11_address_parse(store->uri.path, err);
    if (address == NULL)
        return err->status;
    CSI_AUTO(csi_secret) *pin = pin_of(store, address, err);
    store->text = csi_p11_address_text(address, err);
    if (err->status != CERTSTORE_OK)
        return err->status;
    store->token = csi_p11_open(address, pin, err);
    if (store->token != NULL && store->opts->so_pin != NULL)
        csi_p11_set_officer(store->token, store->opts->so_pin, err);
    if (store->token != NULL)
        store->place = csi_place_open_token(&env->env, store->token, &store->opts->limits, err);
    return err->status;
}

static certstore *open_store(const char *text, const certstore_options *opts, certstore_error *err)
{
    CSI_AUTO(certstore) *store = csi_new(1, sizeof *store, err);
    CSI_AUTO_ENV env = { 0 };
    if (store == NULL || (store->opts = csi_options_copy(opts, err)) == NULL || csi_uri_parse(text, &store->uri, err) != CERTSTORE_OK)
        return NULL;
    if (store->uri.codec == NULL)
        store->uri.codec = recognise(&store->uri, store->opts->os, err);
    store->codec = store->uri.codec;
    if (store->codec == NULL || csi_env_of(store->opts, &env, err) != CERTSTORE_OK)
        return NULL;
    if (csi_uri_is_token(&store->uri))
        return open_token(store, &env, err) == CERTSTORE_OK ? csi_steal(&store) : NULL;
    if ((store->text = csi_uri_text(&store->uri, err)) == NULL)
        return NULL;
    const char *const paths[] = { store->uri.path, store->uri.key_path };
    store->place = csi_place_open(&env.env, paths, csi_store_part_count(store), store->codec == &csi_codec_pemdir, err);
    return store->place != NULL ? csi_steal(&store) : NULL;
}

certstore *certstore_open(const char *uri, const certstore_options *opts, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return NULL;
    if (uri == NULL) {
        csi_fail_null(err, "uri");
        return NULL;
    }
    certstore *store = open_store(uri, opts, err);
    if (store == NULL)
        csi_error_about(err, uri);
    return store;
}

void certstore_free(certstore *store)
{
    if (store == NULL)
        return;
    csi_uri_clear(&store->uri);
    free(store->text);
    certstore_options_free(store->opts);
    csi_place_free(store->place);
    csi_p11_free(store->token);
    free(store);
}

const char *certstore_uri(const certstore *store)
{
    return store != NULL ? store->text : "";
}

const char *certstore_format(const certstore *store)
{
    return store != NULL ? store->codec->name : "";
}

int certstore_exists(const certstore *store)
{
    return store != NULL && csi_place_exists(store->place);
}

uint32_t certstore_store_capabilities(const certstore *store)
{
    if (store == NULL)
        return 0;
    uint32_t bits = store->codec->capabilities;
    unsigned traits = store->token != NULL ? csi_p11_info(store->token)->traits : ~0u;
    if ((traits & CSI_TOKEN_WRITABLE) == 0)
        bits &= ~(uint32_t)CERTSTORE_CAN_WRITE;
    if ((traits & CSI_TOKEN_KEYS) == 0)
        bits &= ~(uint32_t)CERTSTORE_CAN_KEYS;
    if ((traits & CSI_TOKEN_SECRETS) == 0)
        bits &= ~(uint32_t)CERTSTORE_CAN_SECRETS;
    if ((traits & CSI_TOKEN_OFFICER) == 0)
        bits &= ~(uint32_t)CERTSTORE_CAN_MARK_TRUSTED;
    if (store->token != NULL && !csi_p11_generates(store->token))
        bits &= ~(uint32_t)CERTSTORE_CAN_GENERATE;
    if (store->token != NULL && !csi_p11_wraps(store->token))
        bits &= ~(uint32_t)CERTSTORE_CAN_WRAP;
    return bits;
}

size_t csi_store_part_count(const certstore *store)
{
    return store->uri.key_path != NULL ? 2 : 1;
}

certstore_status csi_store_read_parts(certstore *store, csi_parts **parts, csi_snapshot **snapshot, certstore_error *err)
{
    return csi_place_read(store->place, &store->opts->limits, parts, snapshot, err);
}

/* "jks: this is PKCS#12" helps more than "bad magic number": Java itself opens either under either name. */
static void hint_at_format(const certstore *store, const csi_parts *parts, certstore_error *err)
{
    if (err->status != CERTSTORE_E_MALFORMED || store->codec == &csi_codec_pemdir)
        return;
    const struct csi_codec *looks = csi_registry_probe(csi_blob_span(parts->items[0].bytes));
    if (looks == NULL || looks == store->codec)
        return;
    certstore_error clearer = { 0 };
    csi_fail(&clearer, CERTSTORE_E_MALFORMED, "it is not %s, its content is %s; open it as %s:PATH", store->codec->name, looks->name, looks->name);
    *err = clearer;
}

certstore_bundle *csi_store_decode(const certstore *store, const csi_parts *parts, certstore_error *err)
{
    if (parts->count == 0)
        return csi_bundle_new(store->codec->name, store->codec->rule, err);
    certstore_bundle *bundle = csi_decode_parts(store->codec, parts, csi_store_remote(store), store->opts, err);
    if (bundle == NULL)
        hint_at_format(store, parts, err);
    return bundle;
}

struct csi_remote *csi_store_remote(const certstore *store)
{
    return store->token != NULL ? csi_p11_remote(store->token) : NULL;
}

static void free_snapshot(void *snapshot)
{
    csi_snapshot_free(snapshot);
}

static void *share_snapshot(const void *snapshot)
{
    return csi_snapshot_ref(snapshot);
}

certstore_bundle *certstore_read(certstore *store, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return NULL;
    if (store == NULL) {
        csi_fail_null(err, "store");
        return NULL;
    }
    CSI_AUTO(csi_parts) *parts = NULL;
    CSI_AUTO(csi_snapshot) *snapshot = NULL;
    CSI_AUTO(certstore_bundle) *bundle = NULL;
    if (csi_store_read_parts(store, &parts, &snapshot, err) == CERTSTORE_OK)
        bundle = csi_store_decode(store, parts, err);
    if (bundle == NULL) {
        csi_error_about(err, store->text);
        return NULL;
    }
    bundle->snapshot = csi_steal(&snapshot);
    bundle->snapshot_free = free_snapshot;
    bundle->snapshot_ref = share_snapshot;
    return csi_steal(&bundle);
}

bool csi_store_read_it(const certstore *store, const certstore_bundle *bundle)
{
    return bundle->snapshot != NULL && csi_snapshot_of(bundle->snapshot, store->place);
}

int certstore_changed(const certstore *store, const certstore_bundle *bundle)
{
    if (store == NULL || bundle == NULL || !csi_store_read_it(store, bundle))
        return 1;
    return !csi_place_unchanged(store->place, bundle->snapshot);
}
