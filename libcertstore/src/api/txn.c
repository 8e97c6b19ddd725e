/* SPDX-License-Identifier: Apache-2.0 */
/*
 * txn.c: "these stores shall equal these bundles". Requests are collected; at prepare each becomes bytes and then a participant of the engine,
 * which knows neither bundles nor formats.
 */
#include "api/call.h"
#include "api/store.h"
#include "api/transcode.h"

struct request {
    certstore *store;
    certstore_bundle *bundle; /* NULL: as it is */
    csi_secret *new_password; /* NULL: the same */
    int64_t generation;       /* to go back to; 0: none */
};

struct certstore_txn {
    struct request *requests;
    size_t count;
    size_t capacity;
    struct csi_env env;
    struct csi_token_list tokens; /* of its stores, for recovery by the way */
    csi_txn *engine;              /* begun with the first store, whose state directory it uses */
    bool prepared;
    bool over;
    bool pin_changed;
    char *note;
};

certstore_txn *certstore_txn_begin(certstore_error *err)
{
    CSI_AUTO_CALL call;
    return csi_call_begin(&call, &err) ? csi_new(1, sizeof(certstore_txn), err) : NULL;
}

static void clear_request(struct request *request)
{
    certstore_bundle_free(request->bundle);
    csi_secret_free(request->new_password);
    request->bundle = NULL;
    request->new_password = NULL;
    request->generation = 0;
}

void certstore_txn_free(certstore_txn *txn)
{
    if (txn == NULL)
        return;
    csi_txn_free(txn->engine);
    for (size_t i = 0; i < txn->count; i++)
        clear_request(&txn->requests[i]);
    free(txn->requests);
    csi_env_clear(&txn->env);
    free(txn->tokens.items);
    free(txn->note);
    free(txn);
}

static certstore_status begin_engine(certstore_txn *txn, const certstore *store, certstore_error *err)
{
    if (txn->engine == NULL) {
        CSI_TRY(csi_env_of(store->opts, &txn->env, err));
        txn->env.env.world = &txn->tokens;
        txn->engine = csi_txn_begin(&txn->env.env, err);
        if (txn->engine == NULL) {
            csi_env_clear(&txn->env);
            return err->status;
        }
        return txn->note != NULL ? csi_txn_set_note(txn->engine, txn->note, err) : CERTSTORE_OK;
    }
    if (strcmp(csi_place_env(store->place)->state_dir, txn->env.state_dir) != 0)
        return csi_fail(err, CERTSTORE_E_ARGUMENT,
                        "state directory: it differs from that of the transaction's first store; open all stores with one");
    return CERTSTORE_OK;
}

static certstore_status add_token(certstore_txn *txn, csi_p11 *token, certstore_error *err)
{
    csi_p11 **items = csi_grow(txn->tokens.items, &txn->tokens.capacity, txn->tokens.count + 1, sizeof *items, err);
    if (items == NULL)
        return err->status;
    txn->tokens.items = items;
    items[txn->tokens.count++] = token;
    return CERTSTORE_OK;
}

/* The request for a store, made if there is none yet. NULL on failure. */
static struct request *request_for(certstore_txn *txn, certstore *store, certstore_error *err)
{
    if (txn == NULL || store == NULL) {
        csi_fail_null(err, txn == NULL ? "txn" : "store");
        return NULL;
    }
    if (txn->prepared || txn->over) {
        csi_fail(err, CERTSTORE_E_ARGUMENT, "transaction: it is prepared or over; begin another one");
        return NULL;
    }
    if (begin_engine(txn, store, err) != CERTSTORE_OK) {
        csi_error_about(err, store->text);
        return NULL;
    }
    for (size_t i = 0; i < txn->count; i++)
        if (txn->requests[i].store == store)
            return &txn->requests[i];
    struct request *requests = csi_grow(txn->requests, &txn->capacity, txn->count + 1, sizeof *requests, err);
    if (requests == NULL)
        return NULL;
    txn->requests = requests;
    if (store->token != NULL && add_token(txn, store->token, err) != CERTSTORE_OK)
        return NULL;
    requests[txn->count].store = store;
    return &requests[txn->count++];
}

certstore_status certstore_txn_replace(certstore_txn *txn, certstore *store, const certstore_bundle *bundle, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return err->status;
    if (bundle == NULL)
        return csi_fail_null(err, "bundle");
    CSI_AUTO(certstore_bundle) *copy = csi_bundle_copy(bundle, err);
    struct request *request = copy != NULL ? request_for(txn, store, err) : NULL;
    if (request == NULL)
        return err->status;
    certstore_bundle_free(request->bundle);
    request->bundle = csi_steal(&copy);
    request->generation = 0;
    return CERTSTORE_OK;
}

certstore_status certstore_txn_restore(certstore_txn *txn, certstore *store, int64_t generation, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return err->status;
    if (generation < 1)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "generation: they are numbered from 1; see the store's history");
    struct request *request = request_for(txn, store, err);
    if (request == NULL)
        return err->status;
    clear_request(request);
    request->generation = generation;
    return CERTSTORE_OK;
}

certstore_status certstore_txn_set_password(certstore_txn *txn, certstore *store, const uint8_t *data, size_t size, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return err->status;
    if (data == NULL && size > 0)
        return csi_fail_null(err, "data");
    CSI_AUTO(csi_secret) *password = csi_secret_new(data, size, err);
    struct request *request = password != NULL ? request_for(txn, store, err) : NULL;
    if (request == NULL)
        return err->status;
    if (request->generation != 0)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "%s: an earlier generation comes back with its own passphrase; change it afterwards", store->text);
    csi_secret_free(request->new_password);
    request->new_password = csi_steal(&password);
    return CERTSTORE_OK;
}

certstore_status certstore_txn_set_note(certstore_txn *txn, const char *note, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return err->status;
    if (txn == NULL || note == NULL)
        return csi_fail_null(err, txn == NULL ? "txn" : "note");
    if (strlen(note) > 255)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "note: it is longer than 255 bytes; shorten it");
    char *copy = csi_strdup(note, err);
    if (copy == NULL)
        return err->status;
    free(txn->note);
    txn->note = copy;
    return txn->engine != NULL ? csi_txn_set_note(txn->engine, note, err) : CERTSTORE_OK;
}

/* A bundle that was not read from the store may only fill a store that is empty or not there: nobody's content is overwritten unseen. */
static certstore_status snapshot_for(const struct request *request, csi_snapshot **snapshot, certstore_error *err)
{
    if (request->bundle != NULL && csi_store_read_it(request->store, request->bundle)) {
        *snapshot = csi_snapshot_ref(request->bundle->snapshot);
        return CERTSTORE_OK;
    }
    CSI_AUTO(csi_parts) *parts = NULL;
    CSI_TRY(csi_store_read_parts(request->store, &parts, snapshot, err));
    if (parts->count > 0 && request->bundle != NULL) {
        csi_snapshot_free(csi_steal(snapshot));
        return csi_fail(err, CERTSTORE_E_EXISTS, "it exists, and the bundle was not read from it; read it, change that bundle and replace with it");
    }
    return CERTSTORE_OK;
}

static bool holds_keys(const certstore_bundle *bundle)
{
    for (size_t i = 0; i < bundle->count; i++)
        if (bundle->entries[i]->key != NULL)
            return true;
    return false;
}

static certstore_status add_restored(certstore_txn *txn, struct request *request, certstore_error *err)
{
    certstore *store = request->store;
    CSI_AUTO(csi_parts) *now = NULL;
    CSI_AUTO(csi_snapshot) *snapshot = NULL;
    CSI_AUTO(csi_parts) *wanted = csi_place_generation_parts(store->place, request->generation, err);
    if (wanted == NULL || csi_store_read_parts(store, &now, &snapshot, err) != CERTSTORE_OK)
        return err->status;
    if (wanted->count == 0)
        return csi_fail(err, CERTSTORE_E_NOT_FOUND, "the store did not exist in generation %lld; remove its file if that is what you want",
                        (long long)request->generation);
    return csi_place_replace(txn->engine, store->place, snapshot, wanted, true, CSI_KEYS_KEEP, err);
}

static certstore_status add_replaced(certstore_txn *txn, struct request *request, certstore_error *err)
{
    certstore *store = request->store;
    if (request->bundle == NULL && (request->bundle = certstore_read(store, err)) == NULL)
        return err->status;
    bool its_own = csi_store_read_it(store, request->bundle);
    if (its_own && request->new_password == NULL && csi_bundle_pristine(request->bundle))
        return CERTSTORE_OK; /* a commit that changes nothing writes nothing */
    CSI_AUTO(csi_snapshot) *snapshot = NULL;
    CSI_TRY(snapshot_for(request, &snapshot, err));
    CSI_AUTO(csi_parts) *wanted = csi_encode_bundle(store->codec, request->bundle, store->opts, request->new_password, csi_store_part_count(store),
                                                    csi_store_remote(store), err);
    if (wanted == NULL)
        return err->status;
    enum csi_key_fate fate = store->opts->destroy_keys ? CSI_KEYS_DESTROY : CSI_KEYS_REFUSE;
    return csi_place_replace(txn->engine, store->place, snapshot, wanted, holds_keys(request->bundle), fate, err);
}

/* A token's PIN changes at once, and nothing takes that back: it is a transaction of its own, in which nothing else can fail. */
static bool is_pin(const struct request *request)
{
    return request->store->token != NULL && request->new_password != NULL;
}

static certstore_status add_pin(const certstore_txn *txn, const struct request *request, certstore_error *err)
{
    if (txn->count == 1 && request->bundle == NULL)
        return CERTSTORE_OK;
    return csi_fail(err, CERTSTORE_E_ARGUMENT,
                    "%s: a token's PIN changes at once and cannot be taken back; change it alone, with nothing else beside it", request->store->text);
}

static certstore_status add(certstore_txn *txn, struct request *request, certstore_error *err)
{
    if (is_pin(request))
        return add_pin(txn, request, err);
    return request->generation != 0 ? add_restored(txn, request, err) : add_replaced(txn, request, err);
}

static certstore_status change_pin(certstore_txn *txn, certstore_error *err)
{
    const struct request *request = &txn->requests[0];
    certstore_status status = csi_token_hold(request->store->place, err);
    if (status == CERTSTORE_OK) {
        status = csi_p11_set_pin(request->store->token, request->new_password, err);
        csi_token_release(request->store->place);
    }
    txn->pin_changed = status == CERTSTORE_OK;
    if (status != CERTSTORE_OK)
        csi_error_about(err, request->store->text);
    return status;
}

static certstore_status prepare(certstore_txn *txn, certstore_error *err)
{
    if (txn->prepared)
        return CERTSTORE_OK;
    for (size_t i = 0; i < txn->count; i++) {
        struct request *request = &txn->requests[i];
        certstore_status status = add(txn, request, err);
        if (status != CERTSTORE_OK) {
            csi_error_about(err, request->store->text);
            return status;
        }
    }
    if (txn->engine != NULL && csi_txn_stores(txn->engine) > 0) { /* who it is matters where something changes */
        CSI_AUTO(csi_chars) *actor = csi_env_actor(txn->requests[0].store->opts, err);
        if (actor == NULL || csi_txn_set_actor(txn->engine, actor, err) != CERTSTORE_OK)
            return err->status;
    }
    if (txn->engine != NULL)
        CSI_TRY(csi_txn_prepare(txn->engine, err));
    txn->prepared = true;
    return CERTSTORE_OK;
}

static certstore_status check_usable(const certstore_txn *txn, certstore_error *err)
{
    if (txn == NULL)
        return csi_fail_null(err, "txn");
    if (txn->over)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "transaction: it is over; begin another one");
    return CERTSTORE_OK;
}

certstore_status certstore_txn_prepare(certstore_txn *txn, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return err->status;
    CSI_TRY(check_usable(txn, err));
    certstore_status status = prepare(txn, err);
    txn->over = status != CERTSTORE_OK;
    return status;
}

/* From now on the handle opens its store with the passphrase that the store has now. */
static void adopt_password(struct request *request)
{
    csi_passwords *passwords = request->store->opts->passwords;
    csi_secret_free(passwords->store);
    csi_secret_free(passwords->key);
    passwords->store = csi_secret_ref(request->new_password);
    passwords->key = NULL;
    for (size_t i = 0; i < passwords->entry_count; i++) {
        free(passwords->entries[i].alias);
        csi_secret_free(passwords->entries[i].password);
    }
    passwords->entry_count = 0;
}

certstore_status certstore_txn_commit(certstore_txn *txn, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return err->status;
    CSI_TRY(check_usable(txn, err));
    certstore_status status = prepare(txn, err);
    if (status == CERTSTORE_OK && txn->count == 1 && is_pin(&txn->requests[0]))
        status = change_pin(txn, err);
    else if (status == CERTSTORE_OK && txn->engine != NULL)
        status = csi_txn_commit(txn->engine, err);
    txn->over = true;
    for (size_t i = 0; status == CERTSTORE_OK && i < txn->count; i++)
        if (txn->requests[i].new_password != NULL)
            adopt_password(&txn->requests[i]);
    return status;
}

const char *certstore_txn_id(const certstore_txn *txn)
{
    return txn != NULL && txn->engine != NULL ? csi_txn_id(txn->engine) : "";
}

int64_t certstore_txn_generation(const certstore_txn *txn, const certstore *store)
{
    return txn != NULL && txn->engine != NULL && store != NULL ? csi_place_generation_made(store->place, txn->engine) : 0;
}

size_t certstore_txn_changed(const certstore_txn *txn)
{
    if (txn != NULL && txn->pin_changed)
        return 1;
    return txn != NULL && txn->engine != NULL && csi_txn_committed(txn->engine) ? csi_txn_stores(txn->engine) : 0;
}
