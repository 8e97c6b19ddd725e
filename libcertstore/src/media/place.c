/* SPDX-License-Identifier: Apache-2.0 */
/* place.c: a store's files, read so that no reader sees half of a transaction. */
#include "media/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>

#include "media/directory.h"
#include "media/file.h"
#include "media/path.h"
#include "media/place_internal.h"
#include "media/token.h"
#include "media/tree.h"
#include "txn/transaction.h"

enum { READ_ATTEMPTS = 100 };

const struct csi_participant_kind *const csi_place_kinds[] = { &csi_file_kind, &csi_directory_kind, &csi_token_kind, NULL };
const char *const csi_part_names[CSI_PARTS_MAX] = { "", "key" };

/* ---------------------------------------------------------------------------------------------------------------- snapshot */

csi_snapshot *csi_snapshot_new(const csi_place *place, certstore_error *err)
{
    csi_snapshot *snapshot = csi_new(1, sizeof *snapshot, err);
    if (snapshot == NULL)
        return NULL;
    atomic_init(&snapshot->refs, 1);
    memcpy(snapshot->store, place->store, sizeof snapshot->store);
    snapshot->count = place->count;
    return snapshot;
}

csi_snapshot *csi_snapshot_ref(const csi_snapshot *snapshot)
{
    csi_snapshot *shared = (csi_snapshot *)(uintptr_t)snapshot; /* the count is the one thing that changes in a snapshot */
    if (shared != NULL)
        atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
    return shared;
}

void csi_snapshot_free(csi_snapshot *snapshot)
{
    if (snapshot == NULL || atomic_fetch_sub_explicit(&snapshot->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < snapshot->entry_count; i++) {
        free(snapshot->entries[i].name);
        csi_blob_free(snapshot->entries[i].bytes);
    }
    for (size_t i = 0; i < CSI_PARTS_MAX; i++)
        csi_blob_free(snapshot->bytes[i]);
    free(snapshot->entries);
    csi_object_set_clear(&snapshot->objects);
    free(snapshot);
}

bool csi_snapshot_of(const csi_snapshot *snapshot, const csi_place *place)
{
    return snapshot->count == place->count && strcmp(snapshot->store, place->store) == 0;
}

certstore_status csi_snapshot_content(const csi_snapshot *snapshot, struct csi_content_digests *content, certstore_error *err)
{
    *content = snapshot->content;
    if (snapshot->undigested)
        return csi_directory_digest_of(snapshot, content->part[0], err);
    for (size_t i = 0; i < CSI_PARTS_MAX; i++)
        if (snapshot->bytes[i] != NULL && content->part[i][0] == '\0')
            CSI_TRY(csi_digest_text(csi_blob_span(snapshot->bytes[i]), content->part[i], err));
    return CERTSTORE_OK;
}

/* -------------------------------------------------------------------------------------------------------------------- open */

void csi_place_free(csi_place *place)
{
    if (place == NULL)
        return;
    for (size_t i = 0; i < place->count; i++) {
        csi_beside_clear(&place->beside[i]);
        csi_blob_free(place->known_bytes[i].bytes);
        free(place->paths[i]);
    }
    csi_snapshot_free(place->last);
    csi_p11_free(place->token);
    free(place->state_dir);
    free(place->actor);
    free(place);
}

const struct csi_txn_env *csi_place_env(const csi_place *place)
{
    return &place->env;
}

bool csi_place_exists(const csi_place *place)
{
    struct stat st;
    return place->token != NULL || place->env.os->stat(place->env.os, AT_FDCWD, place->paths[0], AT_SYMLINK_NOFOLLOW, &st) == 0;
}

bool csi_path_is_directory(const struct csi_os *os, const char *path)
{
    struct stat st;
    return os->stat(os, AT_FDCWD, path, 0, &st) == 0 && S_ISDIR(st.st_mode);
}

csi_blob *csi_path_peek(const struct csi_os *os, const char *path, size_t size, certstore_error *err)
{
    CSI_AUTO_FD fd = { os, csi_os_open(os, AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0) };
    CSI_AUTO_BUF bytes = { 0 };
    uint8_t *room = csi_buf_reserve(&bytes, size);
    if (room == NULL) {
        csi_error_memory(err);
        return NULL;
    }
    ssize_t got = fd.fd < 0 ? fd.fd : os->pread(os, fd.fd, room, size, 0);
    if (got < 0) {
        csi_fail_errno(err, (int)-got, "%s: cannot be read; see the cause", path);
        return NULL;
    }
    bytes.size = (size_t)got;
    return csi_blob_from_buf(&bytes, err);
}

/* What may be said of a place that somebody else's transaction holds: nothing of it can be read here, so wait for the marker to go. */
static certstore_status wait_for_others(const struct csi_beside *beside, const struct csi_os *os, int64_t deadline, const certstore_error *why,
                                        certstore_error *err)
{
    for (unsigned attempt = 0;; attempt++) {
        CSI_AUTO(csi_chars) *journal = NULL;
        CSI_TRY(csi_marker_read(beside, &journal, err));
        if (journal == NULL)
            return CERTSTORE_OK;
        if (!csi_os_wait(os, deadline, attempt)) {
            csi_error_move(err, why);
            return err->status;
        }
    }
}

/* A living transaction that has not committed has changed nothing yet, and need not be waited for. */
static bool is_committed(const struct csi_os *os, const char *journal_path)
{
    certstore_error none = { 0 };
    CSI_AUTO(csi_journal) *journal = csi_journal_open(os, journal_path, false, &none);
    return journal == NULL || csi_journal_find(journal, "COMMIT") != NULL || csi_journal_find(journal, "ROLLBACK") != NULL;
}

static certstore_status settle_one(csi_place *place, struct csi_beside *beside, certstore_error *err)
{
    const struct csi_os *os = place->env.os;
    CSI_AUTO(csi_chars) *journal = NULL;
    CSI_TRY(csi_beside_open(beside, err));
    CSI_TRY(csi_marker_read(beside, &journal, err));
    if (journal == NULL || journal[0] != '/' || csi_marker_is_stale(os, journal)) /* what is no marker of ours stops writers, not readers */
        return CERTSTORE_OK;
    int64_t deadline = csi_os_deadline(os, place->env.lock_timeout_ms);
    certstore_error why = { 0 };
    bool committed = is_committed(os, journal);
    certstore_status status = csi_settle(&place->env, journal, committed, false, NULL, &why);
    if (status == CERTSTORE_OK || (status == CERTSTORE_E_LOCKED && !committed))
        return CERTSTORE_OK;
    if (status == CERTSTORE_E_PENDING)
        return wait_for_others(beside, os, deadline, &why, err);
    csi_error_move(err, &why);
    return status;
}

static certstore_status settle(csi_place *place, certstore_error *err)
{
    for (size_t i = 0; i < place->count; i++)
        CSI_TRY(settle_one(place, &place->beside[i], err));
    return CERTSTORE_OK;
}

static csi_place *new_place(const struct csi_txn_env *env, certstore_error *err)
{
    CSI_AUTO(csi_place) *place = csi_new(1, sizeof *place, err);
    if (place == NULL)
        return NULL;
    place->env = *env;
    place->limits = csi_limits_default;
    place->env.state_dir = place->state_dir = csi_strdup(env->state_dir, err);
    place->env.actor = place->actor = csi_strdup(env->actor != NULL ? env->actor : "", err);
    return err->status == CERTSTORE_OK ? csi_steal(&place) : NULL;
}

csi_place *csi_place_open_token(const struct csi_txn_env *env, csi_p11 *token, const struct csi_limits *limits, certstore_error *err)
{
    CSI_AUTO(csi_place) *place = new_place(env, err);
    CSI_AUTO(csi_chars) *beside = csi_token_beside(env->os, token, err);
    if (place == NULL || beside == NULL)
        return NULL;
    place->token = csi_p11_ref(token);
    place->limits = *limits;
    struct csi_token_list *known = &place->known;
    *known = (struct csi_token_list){ .items = &place->token, .count = 1 };
    place->env.world = known;
    place->count = 1;
    place->beside[0].fd = place->beside[0].lock.fd = -1;
    place->paths[0] = csi_p11_location(token, err);
    if (place->paths[0] == NULL || csi_beside_init(&place->beside[0], env->os, beside, err) != CERTSTORE_OK ||
        csi_digest_text(csi_span_text(place->paths[0]), place->store, err) != CERTSTORE_OK)
        return NULL;
    return settle(place, err) == CERTSTORE_OK ? csi_steal(&place) : NULL;
}

csi_place *csi_place_open(const struct csi_txn_env *env, const char *const *paths, size_t count, bool directory, certstore_error *err)
{
    CSI_AUTO(csi_place) *place = new_place(env, err);
    if (place == NULL)
        return NULL;
    place->directory = directory;
    for (size_t i = 0; i < count && i < CSI_PARTS_MAX && err->status == CERTSTORE_OK; i++) {
        place->beside[i].fd = place->beside[i].lock.fd = -1;
        place->count = i + 1;
        place->paths[i] = csi_path_resolve(env->os, paths[i], err);
        if (place->paths[i] != NULL)
            csi_beside_init(&place->beside[i], env->os, place->paths[i], err);
    }
    if (err->status == CERTSTORE_OK && place->count == 2 && strcmp(place->paths[0], place->paths[1]) == 0)
        csi_fail(err, CERTSTORE_E_ARGUMENT, "%s: certificate and key are the same file; name it once", paths[0]);
    if (err->status != CERTSTORE_OK || csi_digest_text(csi_span_text(place->paths[0]), place->store, err) != CERTSTORE_OK)
        return NULL;
    return settle(place, err) == CERTSTORE_OK ? csi_steal(&place) : NULL;
}

/* -------------------------------------------------------------------------------------------------------------------- read */

/* Does a file hold what we know the digest of? Comparing costs a fraction of it. *view: what it looked like, before and after. */
static bool holds_known(const csi_place *place, size_t part, struct csi_view *view)
{
    const struct csi_beside *beside = &place->beside[part];
    const struct csi_known_bytes *known = &place->known_bytes[part];
    struct stat st;
    certstore_error none = { 0 };
    bool same = false;
    if (known->bytes == NULL || beside->os->stat(beside->os, beside->fd, beside->name, AT_SYMLINK_NOFOLLOW, &st) != 0 ||
        (size_t)st.st_size != known->bytes->size)
        return false;
    if (csi_view_matches(beside->os, beside->fd, beside->name, csi_blob_span(known->bytes), place->paths[part], &same, &none) != CERTSTORE_OK ||
        !same)
        return false;
    csi_view_of(&st, view);
    if (!csi_view_holds(beside->os, beside->fd, beside->name, O_NOFOLLOW, view))
        return false;
    view->racy = true; /* it is most likely new */
    memcpy(view->digest, known->digest, sizeof known->digest);
    return true;
}

static certstore_status digest_file(csi_place *place, size_t part, uint64_t limit, csi_snapshot *snapshot, certstore_error *err)
{
    const struct csi_beside *beside = &place->beside[part];
    struct csi_view *view = &snapshot->views[part];
    if (!holds_known(place, part, view))
        CSI_TRY(csi_view_read(beside->os, beside->fd, beside->name, O_NOFOLLOW, limit, place->paths[part], view, NULL, err));
    memcpy(snapshot->content.part[part], view->digest, sizeof view->digest);
    return CERTSTORE_OK;
}

static certstore_status read_file(csi_place *place, size_t part, uint64_t limit, csi_parts *parts, csi_snapshot *snapshot, certstore_error *err)
{
    const struct csi_beside *beside = &place->beside[part];
    const struct csi_known_bytes *known = &place->known_bytes[part];
    csi_blob **bytes = &snapshot->bytes[part];
    CSI_TRY(
        csi_view_read_undigested(beside->os, beside->fd, beside->name, O_NOFOLLOW, limit, place->paths[part], &snapshot->views[part], bytes, err));
    if (*bytes == NULL)
        return CERTSTORE_OK;
    if (known->bytes != NULL && csi_span_equal(csi_blob_span(*bytes), csi_blob_span(known->bytes))) {
        csi_blob_free(*bytes);
        *bytes = csi_blob_ref(known->bytes);
        memcpy(snapshot->content.part[part], known->digest, sizeof known->digest);
    }
    return csi_parts_add(parts, csi_part_names[part], *bytes, err);
}

static certstore_status look_at_files(csi_place *place, uint64_t limit, csi_parts *parts, csi_snapshot *snapshot, certstore_error *err)
{
    for (size_t i = 0; i < place->count; i++) {
        CSI_TRY(csi_beside_open(&place->beside[i], err));
        if (parts != NULL)
            CSI_TRY(read_file(place, i, limit, parts, snapshot, err));
        else
            CSI_TRY(digest_file(place, i, limit, snapshot, err));
    }
    return CERTSTORE_OK;
}

certstore_status csi_content_digest(const struct csi_content_digests *content, char *digest, certstore_error *err)
{
    memcpy(digest, content->part[0], CSI_DIGEST_TEXT + 1);
    if (content->part[1][0] == '\0')
        return CERTSTORE_OK;
    CSI_AUTO_BUF both = { 0 };
    csi_buf_put_text(&both, content->part[0]);
    csi_buf_put_text(&both, content->part[1]);
    CSI_TRY(csi_buf_check(&both, err));
    return csi_digest_text(csi_buf_span(&both), digest, err);
}

certstore_status csi_place_look(csi_place *place, uint64_t limit, csi_parts *parts, csi_snapshot **snapshot, certstore_error *err)
{
    CSI_AUTO(csi_snapshot) *taken = csi_snapshot_new(place, err);
    if (taken == NULL)
        return err->status;
    if (place->token != NULL)
        CSI_TRY(csi_token_look(place, parts, taken, err));
    else if (place->directory)
        CSI_TRY(csi_directory_look(place, limit, parts, taken, err));
    else
        CSI_TRY(look_at_files(place, limit, parts, taken, err));
    *snapshot = csi_steal(&taken);
    return CERTSTORE_OK;
}

/* By stat alone; a racy view counts as holding here: it is asked about a moment ago, not about the past. */
static bool still_holds(const csi_place *place, const csi_snapshot *snapshot)
{
    for (size_t i = 0; i < place->count && place->token == NULL; i++) {
        struct csi_view view = snapshot->views[i];
        view.racy = false;
        if (!csi_view_holds(place->env.os, place->beside[i].fd, place->beside[i].name, O_NOFOLLOW, &view))
            return false;
    }
    return true;
}

/* Two files are of one transaction if, after both were read, neither has been replaced and no committed transaction is still under way: the marker
 * goes only when both renames are done. A token's objects change one by one: the same goes for them. */
static certstore_status is_whole(csi_place *place, const csi_snapshot *snapshot, bool *whole, certstore_error *err)
{
    *whole = still_holds(place, snapshot);
    for (size_t i = 0; i < place->count && *whole; i++) {
        CSI_AUTO(csi_chars) *journal = NULL;
        CSI_TRY(csi_marker_read(&place->beside[i], &journal, err));
        *whole = journal == NULL || csi_marker_is_stale(place->env.os, journal) || !is_committed(place->env.os, journal);
    }
    return CERTSTORE_OK;
}

certstore_status csi_place_read(csi_place *place, const struct csi_limits *limits, csi_parts **parts, csi_snapshot **snapshot, certstore_error *err)
{
    for (int attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
        CSI_AUTO(csi_parts) *read = csi_parts_new(err);
        CSI_AUTO(csi_snapshot) *taken = NULL;
        bool whole = place->count == 1 && place->token == NULL;
        if (read == NULL)
            return err->status;
        CSI_TRY(settle(place, err));
        CSI_TRY(csi_place_look(place, limits->value[CERTSTORE_LIMIT_FILE_SIZE], read, &taken, err));
        if (!whole)
            CSI_TRY(is_whole(place, taken, &whole, err));
        if (!whole)
            continue;
        csi_snapshot_free(place->last);
        place->last = csi_snapshot_ref(taken);
        *parts = csi_steal(&read);
        *snapshot = csi_steal(&taken);
        return CERTSTORE_OK;
    }
    return csi_fail(err, CERTSTORE_E_CONFLICT, "%s: keeps changing while it is read; try again", place->paths[0]);
}

bool csi_place_unchanged(const csi_place *place, const csi_snapshot *snapshot)
{
    if (place->token != NULL)
        return csi_token_unchanged(place, snapshot);
    if (place->directory && !csi_directory_unchanged(place, snapshot))
        return false;
    for (size_t i = 0; i < place->count && !place->directory; i++)
        if (!csi_view_holds(place->env.os, AT_FDCWD, place->paths[i], O_NOFOLLOW, &snapshot->views[i]))
            return false;
    return true;
}

certstore_status csi_place_content(csi_place *place, struct csi_content_digests *content, certstore_error *err)
{
    if (place->token != NULL)
        CSI_TRY(csi_p11_login(place->token, err)); /* a look without the keys is another content */
    if (place->last == NULL || !csi_place_unchanged(place, place->last)) {
        csi_snapshot *now = NULL;
        CSI_TRY(csi_place_look(place, UINT64_MAX, NULL, &now, err));
        csi_snapshot_free(place->last);
        place->last = now;
    }
    return csi_snapshot_content(place->last, content, err);
}

/* ----------------------------------------------------------------------------------------------------------------- replace */

static csi_blob *find_part(const csi_parts *parts, const char *name)
{
    for (size_t i = 0; i < parts->count; i++)
        if (strcmp(parts->items[i].name, name) == 0)
            return parts->items[i].bytes;
    return NULL;
}

/* What was read last is about to be history: its bytes make room for these. */
static void know(csi_place *place, size_t part, csi_blob *bytes, const char *digest)
{
    csi_snapshot_free(csi_steal(&place->last));
    csi_blob_free(place->known_bytes[part].bytes);
    place->known_bytes[part].bytes = csi_blob_ref(bytes);
    memcpy(place->known_bytes[part].digest, digest, sizeof place->known_bytes[part].digest);
}

static certstore_status replace_files(csi_txn *txn, csi_place *place, const csi_snapshot *snapshot, const csi_parts *wanted, bool private_bytes,
                                      certstore_error *err)
{
    struct csi_content_digests before;
    struct csi_content_digests after = { 0 };
    CSI_TRY(csi_snapshot_content(snapshot, &before, err));
    for (size_t i = 0; i < place->count; i++) {
        csi_blob *bytes = find_part(wanted, csi_part_names[i]);
        if (bytes != NULL)
            CSI_TRY(csi_digest_text(csi_blob_span(bytes), after.part[i], err));
    }
    for (size_t i = 0; i < place->count; i++) {
        if (strcmp(after.part[i], before.part[i]) == 0)
            continue;
        csi_participant *p = csi_file_participant(place->env.os, place->paths[i], place->paths[0], (int)i, &snapshot->views[i], snapshot->bytes[i],
                                                  find_part(wanted, csi_part_names[i]), private_bytes, err);
        if (p == NULL)
            return err->status;
        know(place, i, find_part(wanted, csi_part_names[i]), after.part[i]);
        p->before = before;
        p->after = after;
        CSI_TRY(csi_txn_add(txn, p, err));
    }
    return CERTSTORE_OK;
}

certstore_status csi_place_replace(csi_txn *txn, csi_place *place, const csi_snapshot *snapshot, const csi_parts *wanted, bool private_bytes,
                                   enum csi_key_fate fate, certstore_error *err)
{
    csi_txn_drop_store(txn, place->store);
    if (!csi_snapshot_of(snapshot, place))
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "%s: what is to replace it was read from another store", place->paths[0]);
    if (place->token != NULL)
        return csi_token_replace(txn, place, snapshot, wanted, fate, err);
    if (place->directory)
        return csi_directory_replace(txn, place, snapshot, wanted, err);
    return replace_files(txn, place, snapshot, wanted, private_bytes, err);
}

/* ----------------------------------------------------------------------------------------------------------------- recovery */

static certstore_status settle_marker(csi_place *place, struct csi_beside *beside, certstore_report *report, certstore_error *err)
{
    CSI_AUTO(csi_chars) *journal = NULL;
    certstore_error why = { 0 };
    CSI_TRY(csi_beside_open(beside, err));
    CSI_TRY(csi_marker_read(beside, &journal, err));
    if (journal == NULL || journal[0] != '/' || csi_marker_is_stale(beside->os, journal))
        return CERTSTORE_OK;
    certstore_status status = csi_settle(&place->env, journal, false, true, report, &why);
    if (status == CERTSTORE_OK)
        return CERTSTORE_OK;
    if (status == CERTSTORE_E_LOCKED)
        return csi_report_add(report, "active", CERTSTORE_INFO, journal, err, "%s", why.message);
    return csi_report_add(report, status == CERTSTORE_E_IN_DOUBT ? "in-doubt" : "blocked", CERTSTORE_FAULT, journal, err, "%s", why.message);
}

/* Under the lock and without a marker, what bears a staging name is nobody's. */
static certstore_status sweep(struct csi_beside *beside, const char *location, int64_t deadline, certstore_report *report, certstore_error *err)
{
    struct stat st;
    const struct csi_os *os = beside->os;
    CSI_AUTO(csi_chars) *pending = NULL;
    certstore_error why = { 0 };
    bool is_own = false;
    bool staged = os->stat(os, beside->fd, beside->staged, AT_SYMLINK_NOFOLLOW, &st) == 0;
    bool is_dir = staged && S_ISDIR(st.st_mode);
    bool marked = os->stat(os, beside->fd, beside->marker, AT_SYMLINK_NOFOLLOW, &st) == 0;
    bool locked = os->stat(os, beside->fd, beside->lock_name, AT_SYMLINK_NOFOLLOW, &st) == 0;
    if (!staged && !marked && !locked)
        return CERTSTORE_OK;
    if (csi_beside_lock(beside, NULL, deadline, &is_own, &pending, &why) != CERTSTORE_OK)
        return csi_report_add(report, why.status == CERTSTORE_E_LOCKED ? "active" : "blocked",
                              why.status == CERTSTORE_E_LOCKED ? CERTSTORE_INFO : CERTSTORE_FAULT, location, err, "%s", why.message);
    certstore_status status = CERTSTORE_OK;
    if (is_dir)
        status = csi_tree_remove(os, beside->fd, beside->staged, location, err);
    else if (staged)
        os->unlink(os, beside->fd, beside->staged, 0);
    csi_beside_unlock(beside);
    CSI_TRY(status);
    return csi_report_add(report, "stale-removed", CERTSTORE_INFO, location, err, "what a crash left beside it was cleared away");
}

certstore_report *csi_place_recover(csi_place *place, certstore_error *err)
{
    CSI_AUTO(certstore_report) *report = csi_report_new(err);
    if (report == NULL)
        return NULL;
    int64_t deadline = csi_os_deadline(place->env.os, place->env.lock_timeout_ms);
    for (size_t i = 0; i < place->count; i++)
        if (settle_marker(place, &place->beside[i], report, err) != CERTSTORE_OK)
            return NULL;
    for (size_t i = 0; i < place->count; i++)
        if (sweep(&place->beside[i], place->paths[i], deadline, report, err) != CERTSTORE_OK)
            return NULL;
    return csi_steal(&report);
}

char *csi_default_state_dir(const struct csi_os *os, certstore_error *err)
{
    const char *named = getenv("CERTSTORE_STATE_DIR");
    if (named != NULL && named[0] != '\0')
        return named[0] == '/' ? csi_strdup(named, err) : csi_path_absolute(os, named, err);
    if (os->euid(os) == 0)
        return csi_strdup("/var/lib/certstore", err);
    const char *xdg = getenv("XDG_STATE_HOME");
    if (xdg != NULL && xdg[0] == '/')
        return csi_format(err, "%s/certstore", xdg);
    const char *home = getenv("HOME");
    if (home != NULL && home[0] == '/')
        return csi_format(err, "%s/.local/state/certstore", home);
    csi_fail(err, CERTSTORE_E_ARGUMENT, "state directory: neither CERTSTORE_STATE_DIR nor HOME says where; set one of them");
    return NULL;
}
