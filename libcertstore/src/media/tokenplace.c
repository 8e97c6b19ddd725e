/* SPDX-License-Identifier: Apache-2.0 */
/* tokenplace.c: a token as a store's place: where its lock lies, what it shows, what a replacement comes to. */
#include <errno.h>
#include <fcntl.h>

#include "media/path.h"
#include "media/token.h"
#include "txn/transaction.h"

/* ---------------------------------------------------------------------------------------------------------- lock and marker */

char *csi_token_dir(const struct csi_os *os, certstore_error *err)
{
    const char *named = getenv("CERTSTORE_TOKEN_DIR");
    if (named != NULL && named[0] != '\0')
        return named[0] == '/' ? csi_strdup(named, err) : csi_path_absolute(os, named, err);
    if (os->euid(os) == 0)
        return csi_strdup("/var/lib/certstore/tokens", err);
    const char *xdg = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    if (xdg != NULL && xdg[0] == '/')
        return csi_format(err, "%s/certstore/tokens", xdg);
    if (home != NULL && home[0] == '/')
        return csi_format(err, "%s/.local/state/certstore/tokens", home);
    csi_fail(err, CERTSTORE_E_ARGUMENT, "token directory: neither HOME nor XDG_STATE_HOME says where; set CERTSTORE_TOKEN_DIR");
    return NULL;
}

/* With its parents, each durable before what is in it. */
static certstore_status make_directory(const struct csi_os *os, const char *path, certstore_error *err)
{
    struct stat st;
    if (os->stat(os, AT_FDCWD, path, 0, &st) == 0)
        return CERTSTORE_OK;
    CSI_AUTO(csi_chars) *parent = csi_strdup(path, err);
    if (parent == NULL)
        return err->status;
    char *slash = strrchr(parent, '/');
    if (slash != parent) {
        *slash = '\0';
        CSI_TRY(make_directory(os, parent, err));
    }
    int status = os->mkdir(os, AT_FDCWD, path, 0700);
    if (status == 0)
        status = csi_os_sync_dir(os, AT_FDCWD, slash != parent ? parent : "/");
    return status < 0 && status != -EEXIST ? csi_fail_errno(err, -status, "%s: the directory for tokens' locks cannot be made; see the cause", path)
                                           : CERTSTORE_OK;
}

char *csi_token_beside(const struct csi_os *os, const csi_p11 *token, certstore_error *err)
{
    const struct csi_p11_info *info = csi_p11_info(token);
    if (info->directory != NULL)
        return csi_format(err, "%s/cert9.db", info->directory);
    char name[CSI_DIGEST_TEXT + 1];
    CSI_AUTO(csi_chars) *location = csi_p11_location(token, err);
    CSI_AUTO(csi_chars) *dir = csi_token_dir(os, err);
    if (location == NULL || dir == NULL || csi_digest_text(csi_span_text(location), name, err) != CERTSTORE_OK ||
        make_directory(os, dir, err) != CERTSTORE_OK)
        return NULL;
    CSI_AUTO(csi_chars) *real = csi_path_resolve(os, dir, err);
    return real != NULL ? csi_format(err, "%s/%.32s", real, name) : NULL;
}

certstore_status csi_token_hold(csi_place *place, certstore_error *err)
{
    bool is_own = false;
    CSI_AUTO(csi_chars) *pending = NULL;
    return csi_beside_lock(&place->beside[0], NULL, csi_os_deadline(place->env.os, place->env.lock_timeout_ms), &is_own, &pending, err);
}

void csi_token_release(csi_place *place)
{
    csi_beside_unlock(&place->beside[0]);
}

/* -------------------------------------------------------------------------------------------------------------------- plan */

char *csi_token_plan_path(const char *journal, const char *key, certstore_error *err)
{
    const char *name = strrchr(journal, '/');
    if (name == NULL || strlen(name + 1) < CSI_ID_TEXT) {
        csi_fail(err, CERTSTORE_E_MALFORMED, "journal: '%s' is no path of one", journal);
        return NULL;
    }
    return csi_format(err, "%.*s.plan-%.16s", (int)(name + 1 - journal) + CSI_ID_TEXT, journal, key);
}

certstore_status csi_token_plan_load(const struct csi_os *os, const char *journal, const char *key, struct csi_token_plan *plan, certstore_error *err)
{
    struct csi_view view;
    CSI_AUTO(csi_blob) *bytes = NULL;
    CSI_AUTO(csi_chars) *path = csi_token_plan_path(journal, key, err);
    if (path == NULL)
        return err->status;
    CSI_TRY(csi_view_read_undigested(os, AT_FDCWD, path, O_NOFOLLOW, SIZE_MAX / 2, path, &view, &bytes, err));
    if (bytes == NULL)
        return csi_fail(err, CERTSTORE_E_NOT_FOUND, "%s: there is no such plan", path);
    return csi_token_plan_read(csi_blob_span(bytes), plan, err);
}

/* -------------------------------------------------------------------------------------------------------------------- look */

/* Objects that an open transaction has made, and not yet committed to: they are not there. Whose plan cannot be read is waited for by who asked. */
static certstore_status leave_out_staged(csi_place *place, struct csi_object_set *set, certstore_error *err)
{
    CSI_AUTO(csi_chars) *journal = NULL;
    CSI_AUTO_PLAN plan = { 0 };
    CSI_AUTO_SET left = { 0 };
    certstore_error none = { 0 };
    CSI_TRY(csi_beside_open(&place->beside[0], err));
    CSI_TRY(csi_marker_read(&place->beside[0], &journal, err));
    if (journal == NULL || csi_marker_is_stale(place->env.os, journal))
        return CERTSTORE_OK;
    if (csi_token_plan_load(place->env.os, journal, place->store, &plan, &none) != CERTSTORE_OK)
        return none.status == CERTSTORE_E_MEMORY ? csi_error_memory(err) : CERTSTORE_OK;
    CSI_TRY(csi_object_set_minus(set, &plan.created, &left, err));
    struct csi_object_set with = *set;
    *set = left;
    left = with;
    return CERTSTORE_OK;
}

static certstore_status give_parts(const struct csi_object_set *set, csi_parts *parts, certstore_error *err)
{
    CSI_AUTO_OBJECTS objects = { 0 };
    for (size_t i = 0; i < set->count; i++)
        CSI_TRY(csi_objects_add(&objects, set->items[i].object, err));
    csi_objects_sort(&objects);
    for (size_t i = 0; i < objects.count; i++) {
        CSI_AUTO(csi_chars) *name = csi_format(err, "%zu", i);
        if (name == NULL)
            return err->status;
        CSI_TRY(csi_parts_add(parts, name, objects.items[i], err));
    }
    return CERTSTORE_OK;
}

certstore_status csi_token_look(csi_place *place, csi_parts *parts, csi_snapshot *snapshot, certstore_error *err)
{
    CSI_AUTO_OBJECTS objects = { 0 };
    struct csi_object_set *set = &snapshot->objects;
    CSI_TRY(csi_p11_refresh(place->token, err));
    CSI_TRY(csi_p11_read(place->token, &place->limits, &objects, err));
    CSI_TRY(csi_object_set_of(&objects, set, err));
    CSI_TRY(leave_out_staged(place, set, err));
    snapshot->views[0].exists = true;
    CSI_TRY(csi_object_set_digest(set, snapshot->content.part[0], err));
    return parts != NULL ? give_parts(set, parts, err) : CERTSTORE_OK;
}

bool csi_token_unchanged(const csi_place *place, const csi_snapshot *snapshot)
{
    CSI_AUTO_OBJECTS objects = { 0 };
    CSI_AUTO_SET now = { 0 };
    certstore_error ignored = { 0 };
    return csi_p11_refresh(place->token, &ignored) == CERTSTORE_OK &&
           csi_p11_read(place->token, &place->limits, &objects, &ignored) == CERTSTORE_OK &&
           csi_object_set_of(&objects, &now, &ignored) == CERTSTORE_OK && csi_object_set_equal(&now, &snapshot->objects);
}

certstore_status csi_token_digest(const csi_parts *parts, char *digest, certstore_error *err)
{
    CSI_AUTO_SET set = { 0 };
    for (size_t i = 0; i < parts->count; i++) {
        CSI_TRY(csi_object_check(csi_blob_span(parts->items[i].bytes), err));
        CSI_TRY(csi_object_set_add(&set, parts->items[i].bytes, err));
    }
    csi_object_set_sort(&set);
    return csi_object_set_digest(&set, digest, err);
}

/* --------------------------------------------------------------------------------------------------------------------- PIN */

enum { PIN_FILE_MAX = 4096 };

csi_secret *csi_token_pin_from(const struct csi_os *os, const char *source, certstore_error *err)
{
    CSI_AUTO_BUF bytes = { 0 };
    if (source == NULL)
        return NULL;
    const char *path = strncmp(source, "file:", 5) == 0 ? source + 5 : source;
    if (strncmp(path, "//", 2) == 0) /* file:///PATH, with an empty host */
        path += 2;
    if (path[0] != '/') { /* RFC 7512 section 2.4 also has "|COMMAND": a URI that starts programs is a hole */
        csi_fail(err, CERTSTORE_E_ARGUMENT, "pin-source: '%s' is not the absolute path of a file; write file:/PATH", source);
        return NULL;
    }
    CSI_AUTO_FD fd = { os, csi_os_open(os, AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0) };
    int status = fd.fd < 0 ? fd.fd : csi_os_read_all(os, fd.fd, PIN_FILE_MAX, &bytes);
    if (status < 0) {
        csi_fail_errno(err, -status, "%s: the PIN cannot be read; see the cause", path);
        return NULL;
    }
    const uint8_t *end = bytes.size > 0 ? memchr(bytes.data, '\n', bytes.size) : NULL;
    size_t size = end != NULL ? (size_t)(end - bytes.data) : bytes.size;
    if (size > 0 && bytes.data[size - 1] == '\r')
        size--;
    return csi_secret_new(bytes.data, size, err);
}
