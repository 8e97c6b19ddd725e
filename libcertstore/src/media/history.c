/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history.c: the generations of a store, put together from the rows, journals and backups in the state directory (txn/state.h).
 *
 * Each transaction's row says what the store became. What it had been before, if that is not what the row before it says, was changed by others and
 * is a generation of its own: so are the content before the first transaction, and a change since the last one.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "media/directory.h"
#include "media/place_internal.h"
#include "media/token.h"
#include "txn/transaction.h"

struct moment {
    int64_t number;
    int64_t time;
    char *actor;
    char *note;
    char txn[CSI_ID_TEXT + 1];
    struct csi_content_digests content;
};
/* Everything known of one store's past. */
struct timeline {
    csi_place *place;
    char *dir;
    struct csi_names names;
    struct moment *moments;
    size_t count;
    size_t capacity;
};

static void clear_timeline(struct timeline *line)
{
    for (size_t i = 0; i < line->count; i++) {
        free(line->moments[i].actor);
        free(line->moments[i].note);
    }
    free(line->moments);
    free(line->dir);
    csi_names_free(&line->names);
}
#define AUTO_TIMELINE __attribute__((cleanup(clear_timeline))) struct timeline

static certstore_status add_moment(struct timeline *line, const struct moment *from, const char *actor, const char *note, certstore_error *err)
{
    struct moment *moments = csi_grow(line->moments, &line->capacity, line->count + 1, sizeof *moments, err);
    if (moments == NULL)
        return err->status;
    line->moments = moments;
    struct moment *made = &moments[line->count++];
    *made = *from;
    made->actor = csi_strdup(actor, err);
    made->note = csi_strdup(note, err);
    return err->status;
}

static int64_t modified(const struct timeline *line, int64_t number, int part)
{
    struct stat st;
    certstore_error none = { 0 };
    const struct csi_os *os = line->place->env.os;
    CSI_AUTO(csi_chars) *backup = csi_state_backup_path(line->dir, line->place->store, number, part, &none);
    return backup != NULL && os->stat(os, AT_FDCWD, backup, AT_SYMLINK_NOFOLLOW, &st) == 0 ? st.st_mtim.tv_sec : INT64_MIN;
}

static bool named(const struct timeline *line, const char *path)
{
    return csi_names_have(&line->names, strrchr(path, '/') + 1);
}

static certstore_status is_open(const struct timeline *line, const struct csi_row *row, bool *open, certstore_error *err)
{
    CSI_AUTO(csi_chars) *path = csi_state_journal(line->dir, row->txn, false, err);
    if (path == NULL)
        return err->status;
    *open = named(line, path);
    return CERTSTORE_OK;
}

static const struct csi_record *participant_of(const csi_journal *journal, const csi_place *place)
{
    for (size_t i = 0; i < journal->count; i++)
        if (strcmp(csi_record_get(&journal->records[i], "type"), "PARTICIPANT") == 0 &&
            strcmp(csi_record_get(&journal->records[i], "store"), place->paths[0]) == 0)
            return &journal->records[i];
    return NULL;
}

/* The generation that a transaction found, where no row tells of it. */
static certstore_status add_found(struct timeline *line, const struct csi_record *participant, certstore_error *err)
{
    struct moment found = { .number = csi_record_get_int(participant, "old_generation", 0) };
    int64_t last = line->count > 0 ? line->moments[line->count - 1].number : 0;
    if (found.number <= last)
        return CERTSTORE_OK;
    for (int part = 0; part < CSI_PARTS_MAX; part++) {
        const char *digest = csi_record_get(participant, part == 0 ? "before0" : "before1");
        if (strlen(digest) == CSI_DIGEST_TEXT)
            memcpy(found.content.part[part], digest, CSI_DIGEST_TEXT + 1);
    }
    found.time = modified(line, found.number, (int)csi_record_get_int(participant, "part", 0));
    return add_moment(line, &found, "", last == 0 ? "before certstore" : "changed outside certstore", err);
}

static certstore_status digest_of_archive(const csi_place *place, const csi_parts *parts, char *digest, certstore_error *err)
{
    return place->token != NULL ? csi_token_digest(parts, digest, err) : csi_directory_digest(parts, digest, err);
}

static certstore_status digest_kept(const struct timeline *line, int64_t number, int part, char *digest, certstore_error *err)
{
    struct csi_view view;
    CSI_AUTO(csi_blob) *bytes = NULL;
    CSI_AUTO(csi_chars) *path = csi_state_backup_path(line->dir, line->place->store, number, part, err);
    digest[0] = '\0';
    if (path == NULL || !named(line, path))
        return err->status;
    CSI_TRY(csi_view_read(line->place->env.os, AT_FDCWD, path, O_NOFOLLOW, SIZE_MAX / 2, path, &view, &bytes, err));
    if (bytes == NULL)
        return CERTSTORE_OK;
    memcpy(digest, view.digest, sizeof view.digest);
    if (!csi_place_is_archived(line->place))
        return CERTSTORE_OK;
    CSI_AUTO(csi_parts) *parts = csi_archive_read(csi_blob_span(bytes), err);
    return parts != NULL ? digest_of_archive(line->place, parts, digest, err) : err->status;
}

/* A light transaction's journal was lost in a power failure; its row and the backup it made are left. */
static certstore_status add_unrecorded(struct timeline *line, const struct csi_row *row, certstore_error *err)
{
    struct moment found = { .number = row->generation - 1 };
    struct moment made = { .number = row->generation, .content = row->content };
    struct stat st;
    int64_t last = line->count > 0 ? line->moments[line->count - 1].number : 0;
    CSI_AUTO(csi_chars) *own = csi_state_row_path(line->dir, line->place->store, row->generation, err);
    if (own == NULL)
        return err->status;
    for (int part = 0; part < (int)line->place->count && found.number > last; part++)
        CSI_TRY(digest_kept(line, found.number, part, found.content.part[part], err));
    found.time = modified(line, found.number, 0);
    if (found.content.part[0][0] != '\0')
        CSI_TRY(add_moment(line, &found, "", last == 0 ? "before certstore" : "changed outside certstore", err));
    memcpy(made.txn, row->txn, sizeof made.txn);
    made.time = line->place->env.os->stat(line->place->env.os, AT_FDCWD, own, AT_SYMLINK_NOFOLLOW, &st) == 0 ? st.st_mtim.tv_sec : 0;
    return add_moment(line, &made, "", "", err);
}

static certstore_status add_row(struct timeline *line, const struct csi_row *row, certstore_error *err)
{
    struct moment made = { .number = row->generation, .content = row->content };
    certstore_error unreadable = { 0 };
    memcpy(made.txn, row->txn, sizeof made.txn);
    CSI_AUTO(csi_chars) *path = csi_state_journal(line->dir, row->txn, true, err);
    if (path == NULL)
        return err->status;
    CSI_AUTO(csi_journal) *journal = csi_journal_open(line->place->env.os, path, false, &unreadable);
    const struct csi_record *participant = journal != NULL ? participant_of(journal, line->place) : NULL;
    if (participant == NULL)
        return unreadable.status != CERTSTORE_E_MEMORY ? add_unrecorded(line, row, err) : csi_error_memory(err);
    CSI_TRY(add_found(line, participant, err));
    const struct csi_record *begin = csi_journal_find(journal, "BEGIN");
    made.time = csi_record_get_int(begin, "t", 0);
    return add_moment(line, &made, csi_record_get(begin, "actor"), csi_record_get(begin, "note"), err);
}

static bool same_content(const struct csi_content_digests *a, const struct csi_content_digests *b)
{
    return strcmp(a->part[0], b->part[0]) == 0 && (a->part[1][0] == '\0' || b->part[1][0] == '\0' || strcmp(a->part[1], b->part[1]) == 0);
}

static certstore_status add_present(struct timeline *line, certstore_error *err)
{
    struct moment now = { 0 };
    if (line->count == 0)
        return CERTSTORE_OK;
    CSI_TRY(csi_place_content(line->place, &now.content, err));
    const struct moment *last = &line->moments[line->count - 1];
    if (same_content(&last->content, &now.content))
        return CERTSTORE_OK;
    now.number = last->number + 1;
    now.time = line->place->token == NULL ? line->place->last->views[0].mtime.tv_sec : INT64_MIN;
    return add_moment(line, &now, "", "changed outside certstore", err);
}

/* Rows of transactions that are over; with details, journals are read as well. */
static certstore_status read_rows(struct timeline *line, struct csi_rows *rows, certstore_error *err)
{
    const struct csi_os *os = line->place->env.os;
    line->dir = csi_state_txn_dir(&line->place->env, false, err);
    if (line->dir == NULL)
        return err->status;
    CSI_TRY(csi_state_names(os, line->dir, &line->names, err));
    return csi_state_rows(os, line->dir, &line->names, line->place->store, rows, err);
}

static certstore_status read_timeline(struct timeline *line, certstore_error *err)
{
    CSI_AUTO_ROWS rows = { 0 };
    CSI_TRY(read_rows(line, &rows, err));
    for (size_t i = 0; i < rows.count; i++) {
        bool open = false;
        CSI_TRY(is_open(line, &rows.items[i], &open, err));
        if (!open)
            CSI_TRY(add_row(line, &rows.items[i], err));
    }
    return add_present(line, err);
}

/* --------------------------------------------------------------------------------------------------------------- kept bytes */

/* Where a part's bytes of a generation lie: in the backup made when it was replaced, which may have been later than the generation's end if the
 * transaction in between replaced another part only; or still in the store. NULL without an error: nowhere. */
static char *locate(const struct timeline *line, size_t index, int part, certstore_error *err)
{
    const char *digest = line->moments[index].content.part[part];
    for (size_t i = index; i < line->count && strcmp(line->moments[i].content.part[part], digest) == 0; i++) {
        CSI_AUTO(csi_chars) *path = csi_state_backup_path(line->dir, line->place->store, line->moments[i].number, part, err);
        if (path == NULL)
            return NULL;
        if (named(line, path))
            return csi_steal(&path);
        if (i + 1 == line->count)
            return csi_strdup(line->place->paths[part], err);
    }
    return NULL;
}

static certstore_status is_kept(const struct timeline *line, size_t index, bool *kept, certstore_error *err)
{
    *kept = true;
    for (size_t part = 0; part < line->place->count && *kept; part++) {
        if (line->moments[index].content.part[part][0] == '\0')
            continue;
        CSI_AUTO(csi_chars) *path = locate(line, index, (int)part, err);
        *kept = path != NULL;
    }
    return err->status;
}

static certstore_status add_generation(certstore_history *history, const struct timeline *line, size_t index, certstore_error *err)
{
    const struct moment *moment = &line->moments[index];
    struct csi_generation *rows = csi_grow(history->rows, &history->capacity, history->count + 1, sizeof *rows, err);
    if (rows == NULL)
        return err->status;
    history->rows = rows;
    struct csi_generation *row = &rows[history->count++];
    *row = (struct csi_generation){ .number = moment->number, .time = moment->time };
    row->actor = csi_strdup(moment->actor, err);
    row->note = csi_strdup(moment->note, err);
    row->txn = csi_strdup(moment->txn, err);
    CSI_TRY(csi_content_digest(&moment->content, row->sha256, err));
    return is_kept(line, index, &row->kept, err);
}

certstore_history *csi_place_history(csi_place *place, certstore_error *err)
{
    AUTO_TIMELINE line = { .place = place };
    CSI_AUTO(certstore_history) *history = csi_new(1, sizeof *history, err);
    if (history == NULL || read_timeline(&line, err) != CERTSTORE_OK)
        return NULL;
    for (size_t i = 0; i < line.count; i++)
        if (add_generation(history, &line, i, err) != CERTSTORE_OK)
            return NULL;
    return csi_steal(&history);
}

void certstore_history_free(certstore_history *history)
{
    if (history == NULL)
        return;
    for (size_t i = 0; i < history->count; i++) {
        free(history->rows[i].actor);
        free(history->rows[i].note);
        free(history->rows[i].txn);
    }
    free(history->rows);
    free(history);
}

/* Rows of a store, and journals that are open. */
static bool is_row_or_open(const char *name, void *context)
{
    const csi_place *place = context;
    const size_t size = strlen(name);
    int64_t generation = 0;
    return csi_state_row_number(name, place->store, &generation) || (size > 5 && strcmp(name + size - 5, ".open") == 0);
}

/* From names alone, and the newest row of them: no journal is read. */
certstore_status csi_place_generation(csi_place *place, int64_t *number, certstore_error *err)
{
    AUTO_TIMELINE line = { .place = place };
    CSI_AUTO_ROWS rows = { 0 };
    const struct csi_os *os = place->env.os;
    *number = 0;
    line.dir = csi_state_txn_dir(&place->env, false, err);
    if (line.dir == NULL)
        return err->status;
    CSI_TRY(csi_state_names_if(os, line.dir, is_row_or_open, place, &line.names, err));
    CSI_TRY(csi_state_numbers(&line.names, place->store, &rows, err));
    for (size_t i = rows.count; i > 0 && *number == 0; i--) {
        struct csi_row *row = &rows.items[i - 1];
        bool open = false;
        bool there = false;
        struct csi_content_digests now;
        CSI_TRY(csi_state_read_row(os, line.dir, place->store, row, &there, err));
        if (there)
            CSI_TRY(is_open(&line, row, &open, err));
        if (!there || open)
            continue;
        CSI_TRY(csi_place_content(place, &now, err));
        *number = row->generation + (same_content(&row->content, &now) ? 0 : 1);
    }
    return CERTSTORE_OK;
}

int64_t csi_place_generation_made(const csi_place *place, const csi_txn *txn)
{
    return csi_txn_committed(txn) ? csi_txn_generation(txn, place->store) : 0;
}

/* ------------------------------------------------------------------------------------------------------------ reading one back */

static certstore_status damaged(const char *path, certstore_error *err)
{
    return csi_fail(err, CERTSTORE_E_TAMPERED, "%s: is not what was kept as this generation; choose another one", path);
}

static certstore_status read_part(const struct timeline *line, size_t index, int part, csi_parts *parts, certstore_error *err)
{
    const struct moment *moment = &line->moments[index];
    struct csi_view view;
    CSI_AUTO(csi_blob) *bytes = NULL;
    if (moment->content.part[part][0] == '\0')
        return CERTSTORE_OK;
    CSI_AUTO(csi_chars) *path = locate(line, index, part, err);
    if (path == NULL && err->status == CERTSTORE_OK)
        return csi_fail(err, CERTSTORE_E_NOT_FOUND, "%s: the bytes of generation %" PRId64 " are not kept; see its history for those that are",
                        line->place->paths[0], moment->number);
    if (path == NULL)
        return err->status;
    CSI_TRY(csi_view_read(line->place->env.os, AT_FDCWD, path, O_NOFOLLOW, SIZE_MAX / 2, path, &view, &bytes, err));
    if (bytes == NULL || strcmp(view.digest, moment->content.part[part]) != 0)
        return damaged(path, err);
    return csi_parts_add(parts, csi_part_names[part], bytes, err);
}

static csi_parts *read_archive(const struct timeline *line, size_t index, certstore_error *err)
{
    const struct moment *moment = &line->moments[index];
    char digest[CSI_DIGEST_TEXT + 1];
    struct csi_view view;
    CSI_AUTO(csi_blob) *bytes = NULL;
    CSI_AUTO(csi_chars) *path = csi_state_backup_path(line->dir, line->place->store, moment->number, 0, err);
    if (path == NULL || csi_view_read(line->place->env.os, AT_FDCWD, path, O_NOFOLLOW, SIZE_MAX / 2, path, &view, &bytes, err) != CERTSTORE_OK)
        return NULL;
    if (bytes == NULL) {
        csi_fail(err, CERTSTORE_E_NOT_FOUND, "%s: the bytes of generation %" PRId64 " are not kept; see its history for those that are",
                 line->place->paths[0], moment->number);
        return NULL;
    }
    CSI_AUTO(csi_parts) *parts = csi_archive_read(csi_blob_span(bytes), err);
    if (parts == NULL || digest_of_archive(line->place, parts, digest, err) != CERTSTORE_OK)
        return NULL;
    if (strcmp(digest, moment->content.part[0]) != 0)
        damaged(path, err);
    return err->status == CERTSTORE_OK ? csi_steal(&parts) : NULL;
}

static csi_parts *read_moment(struct timeline *line, size_t index, certstore_error *err)
{
    CSI_AUTO(csi_parts) *parts = csi_parts_new(err);
    if (parts == NULL)
        return NULL;
    if (csi_place_is_archived(line->place) && line->moments[index].content.part[0][0] != '\0') {
        if (index + 1 < line->count)
            return read_archive(line, index, err);
        CSI_AUTO(csi_snapshot) *now = NULL;
        return csi_place_look(line->place, UINT64_MAX, parts, &now, err) == CERTSTORE_OK ? csi_steal(&parts) : NULL;
    }
    for (size_t part = 0; part < line->place->count; part++)
        if (read_part(line, index, (int)part, parts, err) != CERTSTORE_OK)
            return NULL;
    return csi_steal(&parts);
}

csi_parts *csi_place_generation_parts(csi_place *place, int64_t number, certstore_error *err)
{
    AUTO_TIMELINE line = { .place = place };
    if (read_timeline(&line, err) != CERTSTORE_OK)
        return NULL;
    for (size_t i = 0; i < line.count; i++)
        if (line.moments[i].number == number)
            return read_moment(&line, i, err);
    csi_fail(err, CERTSTORE_E_NOT_FOUND, "%s: has no generation %" PRId64 "; see its history", place->paths[0], number);
    return NULL;
}
