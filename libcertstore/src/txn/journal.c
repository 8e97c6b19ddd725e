/* SPDX-License-Identifier: Apache-2.0 */
/* journal.c: lines chained by digests, appended, never changed. docs/internals/transactions.md, "Journal". */
#include "txn/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

static const char first_mark[CSI_DIGEST_TEXT + 1] = "0000000000000000000000000000000000000000000000000000000000000000";

/* --------------------------------------------------------------------------------------------------------------- bytes */

struct line {
    struct csi_span body;
    struct csi_span mark;
    size_t end; /* offset after the newline */
};

/* Cuts the line at an offset into body and mark; false when it is not even shaped like one. */
static bool split(struct csi_span bytes, size_t at, struct line *line)
{
    if (at == bytes.size)
        return false;
    const uint8_t *start = bytes.data + at;
    const uint8_t *newline = memchr(start, '\n', bytes.size - at);
    if (newline == NULL)
        return false;
    size_t size = (size_t)(newline - start);
    line->end = at + size + 1;
    line->body = line->mark = csi_span(start, 0);
    if (size < CSI_DIGEST_TEXT + 1 || start[size - CSI_DIGEST_TEXT - 1] != ' ')
        return true; /* a line, with an impossible mark */
    line->body = csi_span(start, size - CSI_DIGEST_TEXT - 1);
    line->mark = csi_span(start + size - CSI_DIGEST_TEXT, CSI_DIGEST_TEXT);
    return true;
}

static certstore_status mark_of(const char *previous, struct csi_span body, char *mark, certstore_error *err)
{
    CSI_AUTO_BUF text = { 0 };
    csi_buf_put(&text, previous, CSI_DIGEST_TEXT);
    csi_buf_put_span(&text, body);
    CSI_TRY(csi_buf_check(&text, err));
    return csi_digest_text(csi_buf_span(&text), mark, err);
}

static certstore_status matches(const char *previous, const struct line *line, bool *good, certstore_error *err)
{
    char mark[CSI_DIGEST_TEXT + 1];
    CSI_TRY(mark_of(previous, line->body, mark, err));
    *good = csi_span_equal(line->mark, csi_span(mark, CSI_DIGEST_TEXT));
    return CERTSTORE_OK;
}

static certstore_status push(csi_journal *journal, struct csi_record *record, certstore_error *err)
{
    struct csi_record *records = csi_grow(journal->records, &journal->capacity, journal->count + 1, sizeof *records, err);
    if (records == NULL)
        return err->status;
    journal->records = records;
    records[journal->count++] = *record;
    *record = (struct csi_record){ 0 };
    return CERTSTORE_OK;
}

/* After the first bad line: bytes of writes that were never synced, or damage? A line that continues its bad predecessor proves that the
 * predecessor was once whole, and therefore acted on. */
static certstore_status judge_tail(struct csi_span bytes, size_t at, certstore_error *err)
{
    struct line bad;
    struct line next;
    for (; split(bytes, at, &bad); at = bad.end) {
        bool good = false;
        if (bad.mark.size == CSI_DIGEST_TEXT && split(bytes, bad.end, &next) && next.mark.size == CSI_DIGEST_TEXT) {
            char previous[CSI_DIGEST_TEXT + 1] = { 0 };
            memcpy(previous, bad.mark.data, CSI_DIGEST_TEXT);
            CSI_TRY(matches(previous, &next, &good, err));
        }
        if (good)
            return csi_fail(err, CERTSTORE_E_TAMPERED,
                            "journal: damaged before its end; nothing was touched: restore it or settle the stores by hand");
    }
    return CERTSTORE_OK;
}

certstore_status csi_journal_parse(csi_journal *journal, struct csi_span bytes, certstore_error *err)
{
    size_t at = 0;
    struct line line;
    memcpy(journal->mark, first_mark, sizeof first_mark);
    while (split(bytes, at, &line)) {
        bool good = false;
        CSI_TRY(matches(journal->mark, &line, &good, err));
        if (!good)
            break;
        CSI_AUTO_RECORD record = { 0 };
        CSI_TRY(csi_record_read(line.body, &record, err));
        CSI_TRY(push(journal, &record, err));
        memcpy(journal->mark, line.mark.data, CSI_DIGEST_TEXT);
        at = line.end;
    }
    CSI_TRY(judge_tail(bytes, at, err));
    csi_buf_put(&journal->lines, bytes.data, at);
    return csi_buf_check(&journal->lines, err);
}

const struct csi_record *csi_journal_find(const csi_journal *journal, const char *type)
{
    for (size_t i = journal->count; i > 0; i--)
        if (strcmp(csi_record_get(&journal->records[i - 1], "type"), type) == 0)
            return &journal->records[i - 1];
    return NULL;
}

/* --------------------------------------------------------------------------------------------------------------- file */

void csi_journal_free(csi_journal *journal)
{
    if (journal == NULL)
        return;
    struct csi_fd fd = { journal->os, journal->fd };
    csi_fd_close(&fd);
    for (size_t i = 0; i < journal->count; i++)
        csi_record_free(&journal->records[i]);
    free(journal->records);
    csi_buf_free(&journal->lines);
    free(journal->path);
    free(journal);
}

static csi_journal *new_journal(const struct csi_os *os, const char *path, certstore_error *err)
{
    CSI_AUTO(csi_journal) *journal = csi_new(1, sizeof *journal, err);
    if (journal == NULL)
        return NULL;
    journal->os = os;
    journal->fd = -1;
    memcpy(journal->mark, first_mark, sizeof first_mark);
    journal->path = csi_strdup(path, err);
    return journal->path != NULL ? csi_steal(&journal) : NULL;
}

static certstore_status fail(const csi_journal *journal, int number, const char *what, certstore_error *err)
{
    return csi_fail_errno(err, -number, "journal %s: cannot be %s; see the cause", journal->path, what);
}

/* Is the name still that of the file we hold? Otherwise its owner ended the transaction between our open and our lock. */
static bool still_there(const csi_journal *journal, const char *path)
{
    struct stat held;
    struct stat named;
    return csi_os_fstat(journal->os, journal->fd, &held) == 0 && journal->os->stat(journal->os, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &named) == 0 &&
           held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

/* A new file, locked. A recovery that passes between the two calls finds an empty journal of nobody's, and removes it: seen, and reported as any
 * other failure to begin. */
static certstore_status create_file(csi_journal *journal, const char *path, certstore_error *err)
{
    journal->fd = csi_os_open(journal->os, AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    if (journal->fd < 0)
        return fail(journal, journal->fd, "created", err);
    int status = journal->os->lock(journal->os, journal->fd, true);
    if (status == -EAGAIN || (status == 0 && !still_there(journal, path)))
        return csi_fail(err, CERTSTORE_E_LOCKED, "journal %s: a recovery took it for abandoned; try again", path);
    if (status < 0) {
        journal->os->unlink(journal->os, AT_FDCWD, path, 0);
        return fail(journal, status, "locked", err);
    }
    return CERTSTORE_OK;
}

csi_journal *csi_journal_create(const struct csi_os *os, const char *path, size_t room, certstore_error *err)
{
    CSI_AUTO(csi_journal) *journal = new_journal(os, path, err);
    if (journal == NULL || create_file(journal, path, err) != CERTSTORE_OK)
        return NULL;
    int status = room > 0 ? os->allocate(os, journal->fd, (off_t)room) : 0;
    if (status < 0 && status != -EOPNOTSUPP) {
        fail(journal, status, "given room", err);
        os->unlink(os, AT_FDCWD, path, 0);
        return NULL;
    }
    return csi_steal(&journal);
}

/* A marker can be planted by whoever may write beside a store; a journal is only acted on if we or root wrote it. */
static bool is_trusted(const csi_journal *journal)
{
    struct stat st;
    return csi_os_fstat(journal->os, journal->fd, &st) == 0 && (st.st_uid == 0 || st.st_uid == journal->os->euid(journal->os)) &&
           (st.st_mode & (S_IWGRP | S_IWOTH)) == 0 && S_ISREG(st.st_mode);
}

csi_journal *csi_journal_open(const struct csi_os *os, const char *path, bool lock, certstore_error *err)
{
    CSI_AUTO(csi_journal) *journal = new_journal(os, path, err);
    if (journal == NULL)
        return NULL;
    journal->fd = csi_os_open(os, AT_FDCWD, path, (lock ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_NONBLOCK, 0);
    if (journal->fd < 0) {
        fail(journal, journal->fd, "opened", err);
        return NULL;
    }
    int status = lock ? os->lock(os, journal->fd, true) : 0;
    if (status == -EAGAIN) {
        csi_fail(err, CERTSTORE_E_LOCKED, "journal %s: its transaction is still being carried out; wait for it", path);
        return NULL;
    }
    if (status < 0) {
        fail(journal, status, "locked", err);
        return NULL;
    }
    if (lock && !still_there(journal, path)) {
        csi_fail(err, CERTSTORE_E_NOT_FOUND, "journal %s: its transaction is over", path);
        return NULL;
    }
    if (lock && !is_trusted(journal)) {
        csi_fail(err, CERTSTORE_E_PENDING, "journal %s: belongs to somebody else", path);
        return NULL;
    }
    CSI_AUTO_BUF bytes = { 0 };
    status = csi_os_read_all(os, journal->fd, CSI_RECORD_MAX * (size_t)16, &bytes);
    if (status < 0) {
        fail(journal, status, "read", err);
        return NULL;
    }
    if (csi_journal_parse(journal, csi_buf_span(&bytes), err) != CERTSTORE_OK) {
        csi_error_about(err, path);
        return NULL;
    }
    journal->durable = 0; /* what a dead process wrote may never have reached the disk: the next sync writes it again */
    journal->ragged = bytes.size != journal->lines.size;
    journal->written = journal->ragged ? 0 : bytes.size;
    return csi_steal(&journal);
}

certstore_status csi_journal_add(csi_journal *journal, struct csi_record *record, certstore_error *err)
{
    CSI_AUTO_RECORD taken = *record;
    *record = (struct csi_record){ 0 };
    CSI_AUTO_BUF body = { 0 };
    CSI_TRY(csi_record_write(&taken, &body, err));
    char mark[CSI_DIGEST_TEXT + 1];
    CSI_TRY(mark_of(journal->mark, csi_buf_span(&body), mark, err));
    size_t before = journal->lines.size;
    csi_buf_put_span(&journal->lines, csi_buf_span(&body));
    csi_buf_printf(&journal->lines, " %s\n", mark);
    if (journal->lines.failed || push(journal, &taken, err) != CERTSTORE_OK) {
        journal->lines.size = before; /* half a line must never be written */
        journal->lines.failed = false;
        return csi_error_memory(err);
    }
    memcpy(journal->mark, mark, sizeof mark);
    return CERTSTORE_OK;
}

/* From `at` to the end, in one write; a torn end that recovery found goes. */
static certstore_status write_from(csi_journal *journal, size_t at, certstore_error *err)
{
    struct csi_span bytes = csi_span(journal->lines.data + at, journal->lines.size - at);
    int status = csi_os_write_all(journal->os, journal->fd, bytes, (off_t)at);
    if (status == 0 && journal->ragged)
        status = journal->os->truncate(journal->os, journal->fd, (off_t)journal->lines.size);
    journal->ragged = status < 0;
    if (status < 0)
        return fail(journal, status, "written", err);
    journal->written = journal->lines.size;
    return CERTSTORE_OK;
}

certstore_status csi_journal_write(csi_journal *journal, certstore_error *err)
{
    return journal->written < journal->lines.size ? write_from(journal, journal->durable, err) : CERTSTORE_OK;
}

certstore_status csi_journal_sync(csi_journal *journal, certstore_error *err)
{
    CSI_TRY(write_from(journal, journal->durable, err));
    int status = journal->os->fdatasync(journal->os, journal->fd);
    if (status < 0)
        return fail(journal, status, "made durable", err);
    journal->durable = journal->lines.size;
    return CERTSTORE_OK;
}

static void keep_lines(csi_journal *journal, size_t count)
{
    struct csi_span bytes = csi_buf_span(&journal->lines);
    struct line line;
    size_t at = 0;
    memcpy(journal->mark, first_mark, sizeof first_mark);
    for (size_t i = 0; i < count && split(bytes, at, &line); i++) {
        memcpy(journal->mark, line.mark.data, CSI_DIGEST_TEXT);
        at = line.end;
    }
    journal->lines.size = at;
    journal->durable = journal->written = 0;
    journal->ragged = false; /* what comes is for a fresh file */
    while (journal->count > count)
        csi_record_free(&journal->records[--journal->count]);
}

static certstore_status put_in_place(csi_journal *journal, const char *fresh, certstore_error *err)
{
    const struct csi_os *os = journal->os;
    CSI_TRY(csi_journal_sync(journal, err));
    int status = os->rename(os, AT_FDCWD, fresh, AT_FDCWD, journal->path, 0);
    CSI_AUTO(csi_chars) *dir = csi_strndup(journal->path, (size_t)(strrchr(journal->path, '/') - journal->path), err);
    if (dir == NULL)
        return err->status;
    if (status == 0)
        status = csi_os_sync_dir(os, AT_FDCWD, dir);
    return status < 0 ? fail(journal, status, "replaced", err) : CERTSTORE_OK;
}

certstore_status csi_journal_replace(csi_journal *journal, size_t count, struct csi_record *last, certstore_error *err)
{
    const struct csi_os *os = journal->os;
    CSI_AUTO(csi_chars) *fresh = csi_format(err, "%s.new", journal->path);
    if (fresh == NULL)
        return err->status;
    struct csi_fd old = { os, journal->fd };
    journal->fd = -1;
    keep_lines(journal, count);
    os->unlink(os, AT_FDCWD, fresh, 0); /* of an earlier attempt */
    certstore_status status = csi_journal_add(journal, last, err);
    if (status == CERTSTORE_OK)
        status = create_file(journal, fresh, err);
    if (status == CERTSTORE_OK)
        status = put_in_place(journal, fresh, err);
    csi_fd_close(&old); /* only now: until the new file is in place, the old one's lock stands for the transaction */
    return status;
}
