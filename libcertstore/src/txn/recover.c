/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recover.c: what a dead process left behind, settled by the last record of its journal:
 *
 *     no BEGIN                    nothing was done: the journal goes
 *     BEGIN, PREPARED             undo
 *     BEGIN of a light one        look: the store is new: finish; otherwise nothing visible was done: undo
 *     COMMIT, APPLIED             promote what is not promoted yet, finish
 *     ROLLBACK                    undo
 *     DONE, ABORTED               finish
 *     damaged before its end      nothing is touched
 *
 * It runs the same steps as the engine does, and each of them looks before it acts: it may be cut short anywhere and run again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "txn/transaction.h"

/* ------------------------------------------------------------------------------------------------- from journal to transaction */

static const struct csi_participant_kind *find_kind(const struct csi_txn_env *env, const char *name)
{
    for (size_t i = 0; env->kinds[i] != NULL; i++)
        if (strcmp(env->kinds[i]->name, name) == 0)
            return env->kinds[i];
    return NULL;
}

static void copy_digest(const struct csi_record *record, const char *name, char *digest)
{
    const char *text = csi_record_get(record, name);
    if (strlen(text) == CSI_DIGEST_TEXT)
        memcpy(digest, text, CSI_DIGEST_TEXT + 1);
}

static csi_participant *restore(const struct csi_record *record, const struct csi_txn_env *env, certstore_error *err)
{
    const struct csi_participant_kind *kind = find_kind(env, csi_record_get(record, "kind"));
    int64_t part = csi_record_get_int(record, "part", -1);
    if (kind == NULL || part < 0 || part >= CSI_PARTS_MAX) {
        csi_fail(err, CERTSTORE_E_UNSUPPORTED, "journal: a participant of kind '%s' is not known here; use the version that wrote it",
                 csi_record_get(record, "kind"));
        return NULL;
    }
    CSI_AUTO(csi_participant) *p = kind->restore(record, env, err);
    if (p == NULL)
        return NULL;
    copy_digest(record, "before0", p->before.part[0]);
    copy_digest(record, "before1", p->before.part[1]);
    copy_digest(record, "after0", p->after.part[0]);
    copy_digest(record, "after1", p->after.part[1]);
    return csi_steal(&p);
}

static certstore_status load_participant(csi_txn *txn, const struct csi_record *record, certstore_error *err)
{
    CSI_AUTO(csi_participant) *p = restore(record, &txn->env, err);
    if (p == NULL)
        return err->status;
    p->journal = txn->journal->path;
    struct csi_member member = { .old_generation = csi_record_get_int(record, "old_generation", 0),
                                 .generation = csi_record_get_int(record, "generation", 0) };
    CSI_AUTO(csi_chars) *backup = NULL;
    if (csi_record_get(record, "backup")[0] != '\0') {
        backup = csi_state_backup_path(txn->dir, p->store, member.old_generation, p->part, err);
        if (backup == NULL)
            return err->status;
    }
    const char *key = p->key;
    CSI_TRY(csi_txn_add(txn, csi_steal(&p), err));
    for (size_t i = 0; i < txn->count; i++) {
        if (txn->members[i].participant->key != key)
            continue;
        member.participant = txn->members[i].participant;
        member.backup = csi_steal(&backup);
        txn->members[i] = member;
    }
    return CERTSTORE_OK;
}

/* The transaction as its journal tells it. Takes the journal. A torn journal may lack participants: nothing was committed then. */
static csi_txn *load(const struct csi_txn_env *env, csi_journal *journal, certstore_error *err)
{
    CSI_AUTO(csi_journal) *taken = journal;
    CSI_AUTO(csi_txn) *txn = csi_txn_begin(env, err);
    if (txn == NULL)
        return NULL;
    txn->journal = csi_steal(&taken);
    const char *name = strrchr(txn->journal->path, '/');
    txn->dir = csi_strndup(txn->journal->path, (size_t)(name - txn->journal->path), err);
    const struct csi_record *begin = csi_journal_find(txn->journal, "BEGIN");
    if (txn->dir == NULL)
        return NULL;
    if (csi_record_get_int(begin, "v", 0) != 1 || strncmp(csi_record_get(begin, "id"), name + 1, CSI_ID_TEXT) != 0) {
        csi_fail(err, CERTSTORE_E_UNSUPPORTED, "journal %s: written by another version, or renamed; use the version that wrote it",
                 txn->journal->path);
        return NULL;
    }
    memcpy(txn->id, name + 1, CSI_ID_TEXT);
    txn->light = csi_record_get_int(begin, "light", 0) != 0;
    for (size_t i = 0; i < txn->journal->count; i++)
        if (strcmp(csi_record_get(&txn->journal->records[i], "type"), "PARTICIPANT") == 0 &&
            load_participant(txn, &txn->journal->records[i], err) != CERTSTORE_OK)
            return NULL;
    return csi_steal(&txn);
}

/* -------------------------------------------------------------------------------------------------------------------- settling */

static certstore_status say(certstore_report *report, const char *code, certstore_severity severity, const char *subject, const char *message,
                            certstore_error *err)
{
    return report != NULL ? csi_report_add(report, code, severity, subject, err, "%s", message) : CERTSTORE_OK;
}

static certstore_status forward(csi_txn *txn, bool explicit_call, certstore_report *report, certstore_error *err)
{
    certstore_error why = { 0 };
    size_t conflicts = 0;
    if (csi_journal_find(txn->journal, "DONE") == NULL) {
        certstore_status status = csi_txn_promote(txn, &conflicts, &why);
        if (status != CERTSTORE_OK || (conflicts > 0 && !explicit_call)) {
            csi_fail(err, CERTSTORE_E_IN_DOUBT, "transaction %s: committed, but not complete; run certstore recover (%s)", txn->id, why.message);
            csi_error_set_cause(err, why.cause);
            return err->status;
        }
    }
    CSI_TRY(csi_txn_finish(txn, conflicts, err));
    if (conflicts > 0)
        CSI_TRY(say(report, "in-doubt", CERTSTORE_FAULT, txn->id, why.message, err));
    return say(report, "recovered-forward", CERTSTORE_INFO, txn->id, "was committed: every store now has its new content", err);
}

static certstore_status back(csi_txn *txn, certstore_report *report, certstore_error *err)
{
    size_t conflicts = 0;
    CSI_TRY(csi_txn_undo(txn, !txn->light, &conflicts, err));
    csi_state_forget(txn->env.os, txn->dir, txn->id); /* of participants that a torn journal does not name */
    if (conflicts > 0 && csi_journal_find(txn->journal, "ROLLBACK") != NULL)
        CSI_TRY(say(report, "in-doubt", CERTSTORE_FAULT, txn->id, "a store was changed by somebody else before it could go back; it was left alone",
                    err));
    return say(report, "recovered-back", CERTSTORE_INFO, txn->id, "had not been committed: every store has its old content", err);
}

static certstore_status goes_forward(csi_txn *txn, bool *is_forward, certstore_error *err)
{
    *is_forward = false;
    if (csi_journal_find(txn->journal, "DONE") != NULL) {
        *is_forward = true;
    } else if (csi_journal_find(txn->journal, "ROLLBACK") == NULL && csi_journal_find(txn->journal, "ABORTED") == NULL) {
        *is_forward = csi_journal_find(txn->journal, "COMMIT") != NULL;
        if (txn->light && txn->count == 1) {
            enum csi_content found = CSI_CONTENT_OTHER;
            CSI_TRY(txn->members[0].participant->kind->verify(txn->members[0].participant, &found, err));
            *is_forward = found == CSI_CONTENT_NEW;
        }
    }
    return CERTSTORE_OK;
}

static certstore_status settle_loaded(csi_txn *txn, bool explicit_call, certstore_report *report, certstore_error *err)
{
    CSI_TRY(csi_txn_lock(txn, err));
    bool is_forward = false;
    certstore_status status = goes_forward(txn, &is_forward, err);
    if (status == CERTSTORE_OK)
        status = is_forward ? forward(txn, explicit_call, report, err) : back(txn, report, err);
    csi_txn_unlock(txn);
    return status;
}

/* A journal that is gone is over, unless it is the state directory that is away (not mounted, say). */
static bool is_over(const struct csi_txn_env *env, const char *path)
{
    struct stat st;
    certstore_error none = { 0 };
    CSI_AUTO(csi_chars) *dir = csi_strndup(path, (size_t)(strrchr(path, '/') - path), &none);
    return dir != NULL && env->os->stat(env->os, AT_FDCWD, dir, 0, &st) == 0;
}

/* An open journal nobody holds, locked by us. NULL without an error: it is over. */
static csi_journal *take_over(const struct csi_txn_env *env, const char *path, bool patient, certstore_error *err)
{
    int64_t deadline = csi_os_deadline(env->os, patient ? env->lock_timeout_ms : 0);
    for (unsigned attempt = 0;; attempt++) {
        certstore_error refusal = { 0 };
        csi_journal *journal = csi_journal_open(env->os, path, true, &refusal);
        if (journal != NULL || (refusal.status == CERTSTORE_E_NOT_FOUND && is_over(env, path)))
            return journal;
        if (refusal.status == CERTSTORE_E_LOCKED && csi_os_wait(env->os, deadline, attempt))
            continue;
        if (refusal.status == CERTSTORE_E_LOCKED || refusal.status == CERTSTORE_E_MEMORY) {
            csi_error_move(err, &refusal);
            return NULL;
        }
        csi_fail(err, CERTSTORE_E_PENDING, "%s; run certstore recover as the user that began the transaction", refusal.message);
        csi_error_set_cause(err, refusal.cause);
        return NULL;
    }
}

static certstore_status discard(const struct csi_txn_env *env, const csi_journal *journal, certstore_report *report, certstore_error *err)
{
    int status = env->os->unlink(env->os, AT_FDCWD, journal->path, 0);
    if (status < 0)
        return csi_fail_errno(err, -status, "journal %s: cannot be removed; see the cause", journal->path);
    CSI_AUTO(csi_chars) *dir = csi_strndup(journal->path, (size_t)(strrchr(journal->path, '/') - journal->path), err);
    CSI_AUTO(csi_chars) *id = csi_strndup(strrchr(journal->path, '/') + 1, CSI_ID_TEXT, err);
    if (dir == NULL || id == NULL)
        return err->status;
    csi_state_forget(env->os, dir, id);
    return say(report, "stale-removed", CERTSTORE_INFO, journal->path, "a transaction that had not begun was cleared away", err);
}

certstore_status csi_settle(const struct csi_txn_env *env, const char *journal_path, bool patient, bool explicit_call, certstore_report *report,
                            certstore_error *err)
{
    CSI_AUTO(csi_journal) *journal = take_over(env, journal_path, patient, err);
    if (journal == NULL)
        return err->status;
    if (csi_journal_find(journal, "BEGIN") == NULL)
        return discard(env, journal, report, err);
    CSI_AUTO(csi_txn) *txn = load(env, csi_steal(&journal), err);
    if (txn == NULL)
        return err->status;
    CSI_AUTO(csi_chars) *fresh = csi_format(err, "%s.new", journal_path);
    if (fresh == NULL)
        return err->status;
    CSI_TRY(settle_loaded(txn, explicit_call, report, err));
    env->os->unlink(env->os, AT_FDCWD, fresh, 0); /* a replacement that did not get into place */
    return CERTSTORE_OK;
}

/* ------------------------------------------------------------------------------------------------------- the whole directory */

static bool ends_with(const char *name, const char *end)
{
    size_t size = strlen(name);
    return size >= strlen(end) && strcmp(name + size - strlen(end), end) == 0;
}

static certstore_status settle_and_say(const struct csi_txn_env *env, const char *path, bool explicit_call, certstore_report *report,
                                       certstore_error *err)
{
    certstore_error why = { 0 };
    certstore_status status = csi_settle(env, path, false, explicit_call, report, &why);
    if (status == CERTSTORE_OK)
        return CERTSTORE_OK;
    if (status == CERTSTORE_E_MEMORY)
        return csi_error_memory(err);
    if (status == CERTSTORE_E_LOCKED)
        return say(report, "active", CERTSTORE_INFO, path, why.message, err);
    return say(report, status == CERTSTORE_E_IN_DOUBT ? "in-doubt" : "blocked", CERTSTORE_FAULT, path, why.message, err);
}

/* STORE.N.P.old without the row STORE.N+1 whose transaction made it: what a power failure left of one that was taken back. The row is always made
 * first, so that a living transaction's backup is never taken for one. */
static void remove_orphan(const struct csi_txn_env *env, const char *dir, const char *name)
{
    certstore_error none = { 0 };
    int64_t generation = strtoll(name + CSI_ID_TEXT + 1, NULL, 10);
    CSI_AUTO(csi_chars) *row = csi_state_row_path(dir, name, generation + 1, &none);
    CSI_AUTO(csi_chars) *path = csi_format(&none, "%s/%s", dir, name);
    struct stat st;
    if (row != NULL && path != NULL && env->os->stat(env->os, AT_FDCWD, row, AT_SYMLINK_NOFOLLOW, &st) == -ENOENT)
        env->os->unlink(env->os, AT_FDCWD, path, 0);
}

static bool is_gone(const struct csi_os *os, const char *dir, const char *id, bool done)
{
    struct stat st;
    certstore_error none = { 0 };
    CSI_AUTO(csi_chars) *path = csi_state_journal(dir, id, done, &none);
    return path != NULL && os->stat(os, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &st) == -ENOENT;
}

/* ID.plan-KEY, what a participant left beside its journal, which is over. */
static bool is_plan(const char *name)
{
    return strlen(name) > CSI_ID_TEXT + 1 && strncmp(name + CSI_ID_TEXT + 1, "plan-", 5) == 0;
}

static void remove_plan(const struct csi_txn_env *env, const char *dir, const char *name)
{
    certstore_error none = { 0 };
    CSI_AUTO(csi_chars) *path = csi_format(&none, "%s/%s", dir, name);
    CSI_AUTO(csi_chars) *id = csi_strndup(name, CSI_ID_TEXT, &none);
    if (path != NULL && id != NULL && is_gone(env->os, dir, id, false))
        env->os->unlink(env->os, AT_FDCWD, path, 0);
}

static bool is_listed(const struct csi_names *names, const char *id, const char *end)
{
    char name[CSI_ID_TEXT + sizeof ".open"];
    snprintf(name, sizeof name, "%.*s%s", CSI_ID_TEXT, id, end);
    return csi_names_have(names, name);
}

/* A row whose transaction has no journal, open or done, lost it to a power failure. (A living one's journal is made before its rows, and
 * passes from open to done: looked for in that order it is always found. One that is listed need not be looked for.) */
static bool forget_if_lost(const struct csi_txn_env *env, const char *dir, const struct csi_names *names, const char *store, int64_t generation)
{
    certstore_error none = { 0 };
    struct csi_row row = { .generation = generation };
    bool there = false;
    if (csi_state_read_row(env->os, dir, store, &row, &there, &none) != CERTSTORE_OK || row.txn[0] == '\0')
        return false;
    if (is_listed(names, row.txn, ".open") || is_listed(names, row.txn, ".done"))
        return false;
    if (!is_gone(env->os, dir, row.txn, false) || !is_gone(env->os, dir, row.txn, true))
        return false;
    csi_state_forget(env->os, dir, row.txn);
    return true;
}

/* The names from one on that begin as it does: they are sorted, so a store's rows stand together. */
static struct csi_names of_one_store(const struct csi_names *names, size_t first)
{
    size_t end = first;
    while (end < names->count && strncmp(names->items[end], names->items[first], CSI_ID_TEXT) == 0)
        end++;
    return (struct csi_names){ .items = names->items + first, .count = end - first };
}

/* Power takes the newest: who passes by looks back from there as far as rows are lost. Who is asked to recover looks at every row. */
void csi_clear_lost_rows(const struct csi_txn_env *env, const char *dir, const struct csi_names *names, bool every_row)
{
    const char *store = "";
    for (size_t i = 0; i < names->count; i++) {
        const char *name = names->items[i];
        bool is_row = strlen(name) > CSI_ID_TEXT + 1 && name[CSI_ID_TEXT + 1] >= '0' && name[CSI_ID_TEXT + 1] <= '9';
        if (!is_row || strncmp(name, store, CSI_ID_TEXT) == 0)
            continue;
        store = name;
        certstore_error none = { 0 };
        CSI_AUTO_ROWS rows = { 0 };
        const struct csi_names own = of_one_store(names, i);
        bool going = csi_state_numbers(&own, store, &rows, &none) == CERTSTORE_OK;
        for (size_t n = rows.count; going && n > 0; n--)
            going = forget_if_lost(env, dir, names, store, rows.items[n - 1].generation) || every_row;
    }
}

/* Just made, and perhaps not locked yet: another transaction's first moment, which only who is asked to clear up may disturb. */
static bool is_empty(const struct csi_os *os, const char *path)
{
    struct stat st;
    return os->stat(os, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &st) == 0 && st.st_size == 0;
}

static certstore_status settle_each(const struct csi_txn_env *env, const char *dir, const struct csi_names *names, bool explicit_call,
                                    certstore_report *report, certstore_error *err)
{
    for (size_t i = 0; i < names->count; i++) {
        const char *name = names->items[i];
        if (strlen(name) > CSI_ID_TEXT + 1 && ends_with(name, ".old") && explicit_call)
            remove_orphan(env, dir, name);
        if (is_plan(name))
            remove_plan(env, dir, name);
        if (!ends_with(name, ".open"))
            continue;
        CSI_AUTO(csi_chars) *path = csi_format(err, "%s/%s", dir, name);
        if (path == NULL)
            return err->status;
        if (!explicit_call && is_empty(env->os, path))
            continue;
        CSI_TRY(settle_and_say(env, path, explicit_call, report, err));
    }
    return CERTSTORE_OK;
}

certstore_report *csi_recover(const struct csi_txn_env *env, certstore_error *err)
{
    CSI_AUTO(certstore_report) *report = csi_report_new(err);
    CSI_AUTO(csi_chars) *dir = csi_state_txn_dir(env, false, err);
    CSI_AUTO_NAMES names = { 0 };
    if (report == NULL || dir == NULL || csi_state_names(env->os, dir, &names, err) != CERTSTORE_OK)
        return NULL;
    csi_clear_lost_rows(env, dir, &names, true);
    return settle_each(env, dir, &names, true, report, err) == CERTSTORE_OK ? csi_steal(&report) : NULL;
}

/* What concerns a transaction among the names of a state directory: what may be pending, and its own stores' backups. Of their rows the newest number
 * is noted. */
static bool concerns(const char *name, void *context)
{
    csi_txn *txn = context;
    int64_t generation = 0;
    bool wanted = ends_with(name, ".open") || is_plan(name);
    for (size_t i = 0; i < txn->count; i++) {
        struct csi_member *member = &txn->members[i];
        if (csi_state_row_number(name, member->participant->store, &generation))
            member->seen = generation > member->seen ? generation : member->seen;
        else if (csi_state_backup_number(name, member->participant->store, &generation))
            wanted = true;
    }
    return wanted;
}

/* Power takes the newest, or brings it back: a backup that a row follows is nobody's orphan. */
static void remove_orphans(const csi_txn *txn, const char *dir)
{
    int64_t generation = 0;
    for (size_t n = 0; n < txn->names.count; n++)
        for (size_t i = 0; i < txn->count; i++)
            if (csi_txn_leads_store(txn, i) && csi_state_backup_number(txn->names.items[n], txn->members[i].participant->store, &generation) &&
                generation >= txn->members[i].seen)
                remove_orphan(&txn->env, dir, txn->names.items[n]);
}

void csi_settle_by_the_way(csi_txn *txn)
{
    struct csi_txn_env impatient = txn->env;
    certstore_error ignored = { 0 };
    impatient.lock_timeout_ms = 0;
    CSI_AUTO(csi_chars) *dir = csi_state_txn_dir(&txn->env, false, &ignored);
    txn->looked = dir != NULL && csi_state_names_if(txn->env.os, dir, concerns, txn, &txn->names, &ignored) == CERTSTORE_OK;
    if (!txn->looked)
        return;
    remove_orphans(txn, dir);
    settle_each(&impatient, dir, &txn->names, false, NULL, &ignored);
}

/* Alive or not: a lock that cannot be had. The trial lock is dropped at once. */
static bool is_active(const struct csi_os *os, const char *path)
{
    CSI_AUTO_FD fd = { os, csi_os_open(os, AT_FDCWD, path, O_RDWR | O_NOFOLLOW, 0) };
    return fd.fd >= 0 && os->lock(os, fd.fd, true) == -EAGAIN;
}

certstore_report *csi_pending(const struct csi_txn_env *env, certstore_error *err)
{
    CSI_AUTO(certstore_report) *report = csi_report_new(err);
    CSI_AUTO(csi_chars) *dir = csi_state_txn_dir(env, false, err);
    CSI_AUTO_NAMES names = { 0 };
    if (report == NULL || dir == NULL || csi_state_names(env->os, dir, &names, err) != CERTSTORE_OK)
        return NULL;
    for (size_t i = 0; i < names.count; i++) {
        if (!ends_with(names.items[i], ".open"))
            continue;
        CSI_AUTO(csi_chars) *path = csi_format(err, "%s/%s", dir, names.items[i]);
        if (path == NULL)
            return NULL;
        certstore_status status =
            is_active(env->os, path) ? say(report, "active", CERTSTORE_INFO, path, "a transaction is being carried out", err)
                                     : say(report, "pending", CERTSTORE_WARNING, path, "a crash cut a transaction short; run certstore recover", err);
        if (status != CERTSTORE_OK)
            return NULL;
    }
    return csi_steal(&report);
}
