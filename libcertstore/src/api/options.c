/* SPDX-License-Identifier: Apache-2.0 */
/* options.c: how to open, read and write. */
#include "api/options.h"

#include "api/call.h"
#include "api/environment.h"
#include "base/bytes.h"

enum { DEFAULT_LOCK_TIMEOUT_MS = 10000, DEFAULT_GENERATIONS = 5, MAX_GENERATIONS = 1000, MAX_ACTOR = 255 };

static const struct {
    const char *name;
    enum csi_profile profile;
} profiles[] = {
    { "java8", CSI_PROFILE_JAVA8 }, { "java17", CSI_PROFILE_JAVA17 }, { "openssl3", CSI_PROFILE_OPENSSL3 },
    { "fips", CSI_PROFILE_FIPS },   { "legacy", CSI_PROFILE_LEGACY },
};

certstore_options *csi_options_copy(const certstore_options *from, certstore_error *err)
{
    CSI_AUTO(certstore_options) *opts = csi_new(1, sizeof *opts, err);
    if (opts == NULL)
        return NULL;
    if (from == NULL) {
        opts->os = &csi_os_real;
        opts->lock_timeout_ms = DEFAULT_LOCK_TIMEOUT_MS;
        opts->generations = DEFAULT_GENERATIONS;
        opts->limits = csi_limits_default;
        opts->passwords = csi_passwords_new(err);
        return opts->passwords != NULL ? csi_steal(&opts) : NULL;
    }
    *opts = *from;
    opts->passwords = NULL;
    opts->state_dir = opts->actor = NULL;
    opts->so_pin = csi_secret_ref(from->so_pin);
    opts->passwords = csi_passwords_copy(from->passwords, err);
    if (opts->passwords == NULL)
        return NULL;
    if (from->state_dir != NULL && (opts->state_dir = csi_strdup(from->state_dir, err)) == NULL)
        return NULL;
    if (from->actor != NULL && (opts->actor = csi_strdup(from->actor, err)) == NULL)
        return NULL;
    return csi_steal(&opts);
}

certstore_options *certstore_options_new(certstore_error *err)
{
    CSI_AUTO_CALL call;
    return csi_call_begin(&call, &err) ? csi_options_copy(NULL, err) : NULL;
}

void certstore_options_free(certstore_options *opts)
{
    if (opts == NULL)
        return;
    csi_passwords_free(opts->passwords);
    csi_secret_free(opts->so_pin);
    free(opts->state_dir);
    free(opts->actor);
    free(opts);
}

static certstore_status set_secret(csi_secret **slot, const uint8_t *data, size_t size, certstore_error *err)
{
    if (data == NULL && size > 0)
        return csi_fail_null(err, "data");
    csi_secret *secret = csi_secret_new(data, size, err);
    if (secret == NULL)
        return err->status;
    csi_secret_free(*slot);
    *slot = secret;
    return CERTSTORE_OK;
}

certstore_status certstore_options_set_password(certstore_options *opts, const uint8_t *data, size_t size, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return err->status;
    return opts != NULL ? set_secret(&opts->passwords->store, data, size, err) : csi_fail_null(err, "opts");
}

certstore_status certstore_options_set_so_pin(certstore_options *opts, const uint8_t *data, size_t size, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return err->status;
    return opts != NULL ? set_secret(&opts->so_pin, data, size, err) : csi_fail_null(err, "opts");
}

certstore_status certstore_options_set_key_password(certstore_options *opts, const uint8_t *data, size_t size, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return err->status;
    return opts != NULL ? set_secret(&opts->passwords->key, data, size, err) : csi_fail_null(err, "opts");
}

certstore_status certstore_options_set_entry_password(certstore_options *opts, const char *alias, const uint8_t *data, size_t size,
                                                      certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return err->status;
    if (opts == NULL || alias == NULL || (data == NULL && size > 0))
        return csi_fail_null(err, opts == NULL ? "opts" : alias == NULL ? "alias" : "data");
    return csi_passwords_set_entry(opts->passwords, alias, csi_span(data, size), err);
}

certstore_status certstore_options_set_profile(certstore_options *opts, const char *profile, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return err->status;
    if (opts == NULL || profile == NULL)
        return csi_fail_null(err, opts == NULL ? "opts" : "profile");
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++) {
        if (strcmp(profile, profiles[i].name) != 0)
            continue;
        opts->profile = profiles[i].profile;
        return CERTSTORE_OK;
    }
    return csi_fail(err, CERTSTORE_E_ARGUMENT, "profile: '%.64s' is not known; use java8, java17, openssl3, fips or legacy", profile);
}

static certstore_status set_text(char **slot, const char *text, const char *what, size_t most, certstore_error *err)
{
    if (text == NULL || text[0] == '\0' || strlen(text) > most)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "%s: give 1 to %zu bytes of text", what, most);
    char *copy = csi_strdup(text, err);
    if (copy == NULL)
        return err->status;
    free(*slot);
    *slot = copy;
    return CERTSTORE_OK;
}

certstore_status certstore_options_set_state_dir(certstore_options *opts, const char *path, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return err->status;
    return opts != NULL ? set_text(&opts->state_dir, path, "state directory", 4095, err) : csi_fail_null(err, "opts");
}

certstore_bytes *certstore_options_export_state_dir(const certstore_options *opts, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return NULL;
    CSI_AUTO(certstore_options) *defaults = opts == NULL ? csi_options_copy(NULL, err) : NULL;
    CSI_AUTO_ENV env = { 0 };
    if ((opts == NULL && defaults == NULL) || csi_env_of(opts != NULL ? opts : defaults, &env, err) != CERTSTORE_OK)
        return NULL;
    return csi_bytes_new(csi_span_text(env.state_dir), err);
}

certstore_status certstore_options_set_actor(certstore_options *opts, const char *actor, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return err->status;
    return opts != NULL ? set_text(&opts->actor, actor, "actor", MAX_ACTOR, err) : csi_fail_null(err, "opts");
}

certstore_status certstore_options_set_lock_timeout(certstore_options *opts, int milliseconds, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return err->status;
    if (opts == NULL)
        return csi_fail_null(err, "opts");
    if (milliseconds < 0)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "lock timeout: %d ms is negative; give 0 or more", milliseconds);
    opts->lock_timeout_ms = milliseconds;
    return CERTSTORE_OK;
}

certstore_status certstore_options_set_generations(certstore_options *opts, int count, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return err->status;
    if (opts == NULL)
        return csi_fail_null(err, "opts");
    if (count < 0 || count > MAX_GENERATIONS)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "generations: %d is out of range; give 0 to %d", count, MAX_GENERATIONS);
    opts->generations = count;
    return CERTSTORE_OK;
}

certstore_status certstore_options_set_limit(certstore_options *opts, certstore_limit limit, uint64_t value, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return err->status;
    if (opts == NULL)
        return csi_fail_null(err, "opts");
    if ((int)limit < 0 || (int)limit >= CSI_LIMIT_COUNT)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "limit: %d is not known; use a CERTSTORE_LIMIT_ constant", (int)limit);
    opts->limits.value[limit] = value;
    return CERTSTORE_OK;
}

certstore_status certstore_options_set_require_integrity(certstore_options *opts, int required, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return err->status;
    if (opts == NULL)
        return csi_fail_null(err, "opts");
    opts->require_integrity = required != 0;
    return CERTSTORE_OK;
}

certstore_status certstore_options_set_destroy_keys(certstore_options *opts, int allowed, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return err->status;
    if (opts == NULL)
        return csi_fail_null(err, "opts");
    opts->destroy_keys = allowed != 0;
    return CERTSTORE_OK;
}

certstore_status certstore_options_set_allow_loss(certstore_options *opts, int allowed, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin(&call, &err))
        return err->status;
    if (opts == NULL)
        return csi_fail_null(err, "opts");
    opts->allow_loss = allowed != 0;
    return CERTSTORE_OK;
}
