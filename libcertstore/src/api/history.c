/* SPDX-License-Identifier: Apache-2.0 */
/* history.c: public functions of generations and recovery. */
#include "api/call.h"
#include "api/store.h"

certstore_history *certstore_history_read(certstore *store, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return NULL;
    if (store == NULL) {
        csi_fail_null(err, "store");
        return NULL;
    }
    certstore_history *history = csi_place_history(store->place, err);
    if (history == NULL)
        csi_error_about(err, store->text);
    return history;
}

static const struct csi_generation *row_at(const certstore_history *history, size_t index)
{
    return history != NULL && index < history->count ? &history->rows[index] : NULL;
}

size_t certstore_history_count(const certstore_history *history)
{
    return history != NULL ? history->count : 0;
}

int64_t certstore_history_generation(const certstore_history *history, size_t index)
{
    const struct csi_generation *row = row_at(history, index);
    return row != NULL ? row->number : 0;
}

int64_t certstore_history_time(const certstore_history *history, size_t index)
{
    const struct csi_generation *row = row_at(history, index);
    return row != NULL ? row->time : 0;
}

const char *certstore_history_actor(const certstore_history *history, size_t index)
{
    const struct csi_generation *row = row_at(history, index);
    return row != NULL ? row->actor : NULL;
}

const char *certstore_history_note(const certstore_history *history, size_t index)
{
    const struct csi_generation *row = row_at(history, index);
    return row != NULL ? row->note : NULL;
}

const char *certstore_history_txn(const certstore_history *history, size_t index)
{
    const struct csi_generation *row = row_at(history, index);
    return row != NULL ? row->txn : NULL;
}

const char *certstore_history_sha256(const certstore_history *history, size_t index)
{
    const struct csi_generation *row = row_at(history, index);
    return row != NULL ? row->sha256 : NULL;
}

int certstore_history_kept(const certstore_history *history, size_t index)
{
    const struct csi_generation *row = row_at(history, index);
    return row != NULL && row->kept;
}

int64_t certstore_generation(certstore *store, certstore_error *err)
{
    CSI_AUTO_CALL call;
    int64_t number = 0;
    if (!csi_call_begin(&call, &err))
        return 0;
    if (store == NULL)
        csi_fail_null(err, "store");
    else if (csi_place_generation(store->place, &number, err) != CERTSTORE_OK)
        csi_error_about(err, store->text);
    return number;
}

certstore_bundle *certstore_generation_read(certstore *store, int64_t generation, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return NULL;
    if (store == NULL) {
        csi_fail_null(err, "store");
        return NULL;
    }
    CSI_AUTO(csi_parts) *parts = csi_place_generation_parts(store->place, generation, err);
    certstore_bundle *bundle = parts != NULL ? csi_store_decode(store, parts, err) : NULL;
    if (bundle == NULL)
        csi_error_about(err, store->text);
    return bundle;
}

/* What recover and pending share: the state directory that the options name. */
static certstore_report *over_state(const certstore_options *opts, certstore_report *(*work)(const struct csi_txn_env *env, certstore_error *err),
                                    certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return NULL;
    CSI_AUTO(certstore_options) *how = csi_options_copy(opts, err);
    CSI_AUTO_ENV env = { 0 };
    if (how == NULL || csi_env_of(how, &env, err) != CERTSTORE_OK)
        return NULL;
    return work(&env.env, err);
}

certstore_report *certstore_recover(const certstore_options *opts, certstore_error *err)
{
    return over_state(opts, csi_recover, err);
}

certstore_report *certstore_pending(const certstore_options *opts, certstore_error *err)
{
    return over_state(opts, csi_pending, err);
}

certstore_report *certstore_recover_store(certstore *store, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return NULL;
    if (store == NULL) {
        csi_fail_null(err, "store");
        return NULL;
    }
    certstore_report *report = csi_place_recover(store->place, err);
    if (report == NULL)
        csi_error_about(err, store->text);
    return report;
}
