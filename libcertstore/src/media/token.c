/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.c: the objects of one token, replaced one by one under a plan.
 *
 *     stage     marker and plan durable; old objects kept in the state directory; new ones made beside the old, read back
 *     promote   keys renamed, old objects destroyed; where the module allows no second one: the old one destroyed, the new one made
 *     revert    the other way round: what was destroyed is made again, what was made is destroyed
 *     finish    keys that the caller gave up are destroyed; the plan goes
 *
 * Each step reads the token first and does what is not done yet. Objects that belong neither to old nor to new are somebody else's: the token is then
 * left as it is. Since plan and marker are on the disk before the first object is made, a transaction with a token syncs three times more: its BEGIN,
 * its plan with STATE/txn, and the marker's directory.
 */
#include "media/token.h"

#include <errno.h>
#include <fcntl.h>

#include <p11-kit/pkcs11x.h>

struct token_participant {
    csi_participant base;
    const struct csi_os *os;
    struct csi_beside beside;
    csi_p11 *token;
    struct csi_limits limits;
    struct csi_token_plan plan; /* of one that recovery brought back: empty until it is loaded */
    bool loaded;                /* the plan is there */
    bool staged;                /* objects may have been made */
    bool promoted;              /* by this process: what is condemned may go */
    char *journal;
};

static struct token_participant *cast(csi_participant *p)
{
    return (struct token_participant *)p;
}

static certstore_status conflict(const csi_participant *p, certstore_error *err)
{
    return csi_fail(err, CERTSTORE_E_CONFLICT, "%s: somebody else changed it; it was left as it is", p->location);
}

static const char *journal_of(const struct token_participant *t)
{
    return t->journal != NULL ? t->journal : t->base.journal;
}

/* -------------------------------------------------------------------------------------------------------------------- look */

static certstore_status lock(csi_participant *p, int64_t deadline, certstore_error *err)
{
    return csi_beside_lock(&cast(p)->beside, journal_of(cast(p)), deadline, &p->marked, &p->pending, err);
}

static void unlock(csi_participant *p)
{
    csi_beside_unlock(&cast(p)->beside);
}

/* Without a login a token hides its keys, and would seem to hold something else than it does. */
static certstore_status read_now(struct token_participant *t, struct csi_object_set *now, certstore_error *err)
{
    CSI_AUTO_OBJECTS objects = { 0 };
    CSI_TRY(csi_p11_login(t->token, err));
    CSI_TRY(csi_p11_read(t->token, &t->limits, &objects, err));
    return csi_object_set_of(&objects, now, err);
}

/* Old, with some of the new objects beside it? */
static certstore_status is_old(const struct token_participant *t, const struct csi_object_set *now, bool *answer, certstore_error *err)
{
    CSI_AUTO_SET old = { 0 };
    CSI_AUTO_SET more = { 0 };
    CSI_TRY(csi_token_plan_old(&t->plan, &old, err));
    CSI_TRY(csi_object_set_minus(now, &old, &more, err));
    *answer = csi_object_set_within(&old, now) && (more.count == 0 || (t->staged && csi_object_set_within(&more, &t->plan.created)));
    return CERTSTORE_OK;
}

/* New, with some of the condemned keys still there? */
static certstore_status is_new(const struct token_participant *t, const struct csi_object_set *now, bool *answer, certstore_error *err)
{
    CSI_AUTO_SET new = { 0 };
    CSI_AUTO_SET more = { 0 };
    CSI_TRY(csi_token_plan_new(&t->plan, &new, err));
    CSI_TRY(csi_object_set_minus(now, &new, &more, err));
    *answer = csi_object_set_within(&new, now) && csi_object_set_within(&more, &t->plan.condemned);
    return CERTSTORE_OK;
}

static certstore_status compare(const struct token_participant *t, const struct csi_object_set *now, enum csi_content *found, certstore_error *err)
{
    bool answer = false;
    *found = CSI_CONTENT_OLD;
    CSI_TRY(is_old(t, now, &answer, err));
    if (answer)
        return CERTSTORE_OK;
    CSI_TRY(is_new(t, now, &answer, err));
    *found = answer ? CSI_CONTENT_NEW : CSI_CONTENT_OTHER;
    return CERTSTORE_OK;
}

/* A stop between any two calls of ours leaves everything that stays, and of the rest some old and some new objects. */
static certstore_status is_ours(const struct token_participant *t, const struct csi_object_set *now, bool *answer, certstore_error *err)
{
    CSI_AUTO_SET all = { 0 };
    CSI_AUTO_SET new = { 0 };
    CSI_TRY(csi_token_plan_old(&t->plan, &all, err));
    CSI_TRY(csi_token_plan_new(&t->plan, &new, err));
    CSI_AUTO_SET fresh = { 0 };
    CSI_TRY(csi_object_set_minus(&new, &t->plan.kept, &fresh, err));
    CSI_TRY(csi_object_set_copy(&fresh, &all, err));
    csi_object_set_sort(&all);
    *answer = csi_object_set_within(now, &all) && csi_object_set_within(&t->plan.kept, now);
    return CERTSTORE_OK;
}

/* Recovery's participants get their plan here; none: nothing was done, or all of it. */
static certstore_status load(struct token_participant *t, certstore_error *err)
{
    if (t->loaded)
        return CERTSTORE_OK;
    certstore_error why = { 0 };
    if (csi_token_plan_load(t->os, journal_of(t), t->base.key, &t->plan, &why) == CERTSTORE_OK) {
        t->loaded = t->staged = true;
        return CERTSTORE_OK;
    }
    csi_token_plan_clear(&t->plan);
    if (why.status == CERTSTORE_E_NOT_FOUND)
        return CERTSTORE_OK;
    csi_error_move(err, &why);
    return err->status;
}

static certstore_status verify(csi_participant *p, enum csi_content *found, certstore_error *err)
{
    struct token_participant *t = cast(p);
    CSI_AUTO_SET now = { 0 };
    char digest[CSI_DIGEST_TEXT + 1];
    CSI_TRY(load(t, err));
    CSI_TRY(read_now(t, &now, err));
    if (t->loaded)
        return compare(t, &now, found, err);
    CSI_TRY(csi_object_set_digest(&now, digest, err));
    *found = strcmp(digest, p->before.part[0]) == 0 ? CSI_CONTENT_OLD : strcmp(digest, p->after.part[0]) == 0 ? CSI_CONTENT_NEW : CSI_CONTENT_OTHER;
    return CERTSTORE_OK;
}

/* ----------------------------------------------------------------------------------------------------------- small steps */

static bool has(const struct csi_object_set *now, csi_blob *object)
{
    for (size_t i = 0; i < now->count; i++)
        if (csi_object_same(csi_blob_span(now->items[i].object), csi_blob_span(object)))
            return true;
    return false;
}

/* Keys first, so that a certificate finds its key there; trust after the certificate it is about. */
static int rank(const csi_blob *object)
{
    switch (csi_object_class(csi_blob_span(object))) {
    case CKO_PRIVATE_KEY:
        return 0;
    case CKO_SECRET_KEY:
        return 1;
    case CKO_PUBLIC_KEY:
        return 2;
    case CKO_CERTIFICATE:
        return 3;
    default:
        return 4;
    }
}
enum { RANKS = 5 };

static certstore_status create_missing(struct token_participant *t, const struct csi_object_set *wanted, const struct csi_object_set *now,
                                       certstore_error *err)
{
    CSI_AUTO_SET missing = { 0 };
    CSI_TRY(csi_object_set_minus(wanted, now, &missing, err));
    for (int r = 0; r < RANKS; r++)
        for (size_t i = 0; i < missing.count; i++)
            if (rank(missing.items[i].object) == r)
                CSI_TRY(csi_p11_create(t->token, csi_blob_span(missing.items[i].object), err));
    return CERTSTORE_OK;
}

/* The other way round: trust before its certificate. */
static certstore_status destroy_present(struct token_participant *t, const struct csi_object_set *unwanted, const struct csi_object_set *now,
                                        certstore_error *err)
{
    for (int r = RANKS - 1; r >= 0; r--)
        for (size_t i = 0; i < unwanted->count; i++)
            if (rank(unwanted->items[i].object) == r && csi_object_set_has(now, &unwanted->items[i]))
                CSI_TRY(csi_p11_destroy(t->token, csi_blob_span(unwanted->items[i].object), err));
    return CERTSTORE_OK;
}

/* Both names: a rename by copy was stopped before its second half. The name that was free before is the copy's, so the other one may go. */
static certstore_status rename_keys(struct token_participant *t, const struct csi_objects *from, const struct csi_objects *to,
                                    const struct csi_object_set *now, certstore_error *err)
{
    for (size_t i = 0; i < from->count; i++) {
        struct csi_span label = { 0 };
        struct csi_span id = { 0 };
        if (has(now, to->items[i])) {
            if (has(now, from->items[i]))
                CSI_TRY(csi_p11_destroy(t->token, csi_blob_span(from->items[i]), err));
            continue;
        }
        csi_object_get(csi_blob_span(to->items[i]), CKA_LABEL, &label);
        csi_object_get(csi_blob_span(to->items[i]), CKA_ID, &id);
        CSI_TRY(csi_p11_relabel(t->token, csi_blob_span(from->items[i]), label, id, err));
    }
    return CERTSTORE_OK;
}

/* Where nothing is destroyed the old objects with all the new ones beside them are the new content: so the question is put, not left open. */
static certstore_status check_reached(struct token_participant *t, bool new, certstore_error *err)
{
    CSI_AUTO_SET now = { 0 };
    bool reached = false;
    CSI_TRY(read_now(t, &now, err));
    CSI_TRY(new ? is_new(t, &now, &reached, err) : is_old(t, &now, &reached, err));
    if (!reached)
        return csi_fail(err, CERTSTORE_E_IO, "%s: the token does not hold what was written to it; see what it holds with certstore list",
                        t->base.location);
    return CERTSTORE_OK;
}

/* ------------------------------------------------------------------------------------------------------------------- stage */

static certstore_status write_file(const struct csi_os *os, const char *path, struct csi_span bytes, const char *about, certstore_error *err)
{
    (void)os->unlink(os, AT_FDCWD, path, 0); /* of a transaction that came to nothing, and that a power failure brought back */
    CSI_AUTO_FD fd = { os, csi_os_open(os, AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600) };
    int status = fd.fd < 0 ? fd.fd : csi_os_write_all(os, fd.fd, bytes, 0);
    if (status == 0)
        status = os->fsync(os, fd.fd);
    return status < 0 ? csi_fail_errno(err, -status, "%s: its old content cannot be kept in the state directory; see the cause", about)
                      : CERTSTORE_OK;
}

static certstore_status keep_old(const struct token_participant *t, const struct csi_object_set *now, const char *backup, certstore_error *err)
{
    CSI_AUTO_BUF bytes = { 0 };
    CSI_AUTO(csi_parts) *parts = csi_parts_new(err);
    if (parts == NULL || backup == NULL)
        return err->status;
    for (size_t i = 0; i < now->count; i++)
        CSI_TRY(csi_parts_add(parts, "", now->items[i].object, err));
    CSI_TRY(csi_archive_write(parts, &bytes, err));
    return write_file(t->os, backup, csi_buf_span(&bytes), t->base.location, err);
}

static certstore_status write_plan(const struct token_participant *t, struct csi_dirs *dirs, certstore_error *err)
{
    CSI_AUTO_BUF bytes = { 0 };
    CSI_AUTO(csi_chars) *path = csi_token_plan_path(t->journal, t->base.key, err);
    if (path == NULL)
        return err->status;
    CSI_TRY(csi_token_plan_write(&t->plan, &bytes, err));
    CSI_TRY(write_file(t->os, path, csi_buf_span(&bytes), t->base.location, err));
    *strrchr(path, '/') = '\0';
    CSI_TRY(csi_dirs_add(dirs, path, err));
    return csi_dirs_add(dirs, t->beside.dir, err);
}

static certstore_status stage(csi_participant *p, const struct csi_stage *stage, struct csi_dirs *dirs, certstore_error *err)
{
    struct token_participant *t = cast(p);
    CSI_AUTO_SET now = { 0 };
    CSI_AUTO_SET both = { 0 };
    enum csi_content found = CSI_CONTENT_OTHER;
    CSI_TRY(read_now(t, &now, err));
    CSI_TRY(compare(t, &now, &found, err));
    if (found != CSI_CONTENT_OLD)
        return conflict(p, err);
    t->journal = csi_strdup(stage->journal, err);
    if (t->journal == NULL)
        return err->status;
    CSI_TRY(csi_marker_put(&t->beside, stage->journal, err));
    p->marked = true;
    CSI_TRY(keep_old(t, &now, stage->backup, err));
    CSI_TRY(write_plan(t, dirs, err));
    CSI_TRY(csi_dirs_sync(dirs, t->os, err)); /* what follows is seen by others at once, and must be found by recovery */
    t->staged = true;
    CSI_TRY(create_missing(t, &t->plan.created, &now, err));
    CSI_TRY(csi_object_set_copy(&now, &both, err));
    CSI_TRY(csi_object_set_copy(&t->plan.created, &both, err));
    csi_object_set_sort(&both);
    csi_object_set_clear(&now);
    CSI_TRY(read_now(t, &now, err));
    if (!csi_object_set_equal(&now, &both))
        return csi_fail(err, CERTSTORE_E_IO, "%s: what was written to the token does not read back as written; see its own tools", p->location);
    return CERTSTORE_OK;
}

static void describe(const csi_participant *p CSI_UNUSED, struct csi_record *record)
{
    csi_record_put(record, "medium", "token"); /* all else lies in the plan */
}

/* ------------------------------------------------------------------------------------------------------- promote and revert */

static certstore_status look_and_check(csi_participant *p, struct csi_object_set *now, certstore_error *err)
{
    struct token_participant *t = cast(p);
    bool ours = false;
    CSI_TRY(load(t, err));
    CSI_TRY(read_now(t, now, err));
    CSI_TRY(is_ours(t, now, &ours, err));
    return ours ? CERTSTORE_OK : conflict(p, err);
}

static certstore_status promote(csi_participant *p, struct csi_dirs *dirs CSI_UNUSED, certstore_error *err)
{
    struct token_participant *t = cast(p);
    CSI_AUTO_SET now = { 0 };
    CSI_TRY(load(t, err));
    if (!t->loaded) /* finished but for the marker */
        return CERTSTORE_OK;
    CSI_TRY(look_and_check(p, &now, err));
    CSI_TRY(rename_keys(t, &t->plan.from, &t->plan.to, &now, err));
    CSI_TRY(destroy_present(t, &t->plan.destroyed, &now, err));
    CSI_TRY(create_missing(t, &t->plan.swapped, &now, err));
    CSI_TRY(check_reached(t, true, err));
    t->promoted = true;
    return CERTSTORE_OK;
}

static certstore_status revert(csi_participant *p, const char *backup CSI_UNUSED, struct csi_dirs *dirs CSI_UNUSED, certstore_error *err)
{
    struct token_participant *t = cast(p);
    CSI_AUTO_SET now = { 0 };
    CSI_TRY(load(t, err));
    t->promoted = false;
    if (!t->staged) /* nothing was made */
        return CERTSTORE_OK;
    CSI_TRY(look_and_check(p, &now, err));
    CSI_TRY(rename_keys(t, &t->plan.to, &t->plan.from, &now, err));
    CSI_TRY(destroy_present(t, &t->plan.swapped, &now, err));
    CSI_TRY(create_missing(t, &t->plan.destroyed, &now, err));
    CSI_TRY(destroy_present(t, &t->plan.created, &now, err));
    return check_reached(t, false, err);
}

/* Only after promotion: see CSI_KEYS_DESTROY. One that is gone already is gone. */
static certstore_status destroy_condemned(struct token_participant *t, certstore_error *err)
{
    CSI_AUTO_SET now = { 0 };
    if (!t->promoted || t->plan.condemned.count == 0)
        return CERTSTORE_OK;
    CSI_TRY(read_now(t, &now, err));
    return destroy_present(t, &t->plan.condemned, &now, err);
}

static certstore_status finish(csi_participant *p, certstore_error *err)
{
    struct token_participant *t = cast(p);
    if (!p->marked) /* never begun, or over */
        return CERTSTORE_OK;
    CSI_TRY(destroy_condemned(t, err));
    CSI_AUTO(csi_chars) *path = csi_token_plan_path(journal_of(t), p->key, err);
    if (path == NULL)
        return err->status;
    int status = t->os->unlink(t->os, AT_FDCWD, path, 0);
    if (status < 0 && status != -ENOENT)
        return csi_fail_errno(err, -status, "%s: cannot be removed; see the cause", path);
    return csi_marker_remove(&t->beside, journal_of(t), err);
}

/* ---------------------------------------------------------------------------------------------------------- birth and death */

static void destroy(csi_participant *p)
{
    struct token_participant *t = cast(p);
    csi_beside_clear(&t->beside);
    csi_token_plan_clear(&t->plan);
    csi_p11_free(t->token);
    free(t->journal);
    csi_participant_clear(p);
    free(t);
}

static struct token_participant *make(const struct csi_os *os, const char *location, csi_p11 *token, certstore_error *err)
{
    struct token_participant *t = csi_new(1, sizeof *t, err);
    if (t == NULL)
        return NULL;
    t->os = os;
    t->beside.fd = t->beside.lock.fd = -1;
    t->token = csi_p11_ref(token);
    t->limits = csi_limits_default;
    CSI_AUTO(csi_chars) *beside = csi_token_beside(os, token, err);
    if (beside != NULL && csi_participant_init(&t->base, &csi_token_kind, location, NULL, 0, err) == CERTSTORE_OK &&
        csi_beside_init(&t->beside, os, beside, err) == CERTSTORE_OK)
        return t;
    destroy(&t->base);
    return NULL;
}

static certstore_status set_of_parts(const csi_parts *parts, struct csi_object_set *set, certstore_error *err)
{
    for (size_t i = 0; i < parts->count; i++)
        CSI_TRY(csi_object_set_add(set, parts->items[i].bytes, err));
    csi_object_set_sort(set);
    return CERTSTORE_OK;
}

certstore_status csi_token_replace(csi_txn *txn, csi_place *place, const csi_snapshot *snapshot, const csi_parts *wanted, enum csi_key_fate fate,
                                   certstore_error *err)
{
    CSI_AUTO_SET set = { 0 };
    CSI_AUTO_SET new = { 0 };
    struct token_participant *t = make(place->env.os, place->paths[0], place->token, err);
    if (t == NULL)
        return err->status;
    CSI_AUTO(csi_participant) *p = &t->base;
    t->limits = place->limits;
    CSI_TRY(csi_p11_login(place->token, err)); /* what the snapshot does not show must not be taken for missing */
    CSI_TRY(set_of_parts(wanted, &set, err));
    CSI_TRY(csi_token_plan_make(&snapshot->objects, &set, csi_p11_info(place->token)->traits, fate, &t->plan, err));
    t->loaded = true;
    if (csi_token_plan_is_empty(&t->plan))
        return CERTSTORE_OK;
    CSI_TRY(csi_token_plan_new(&t->plan, &new, err));
    p->before = snapshot->content;
    CSI_TRY(csi_object_set_digest(&new, p->after.part[0], err));
    return csi_txn_add(txn, csi_steal(&p), err);
}

/* Recovery's: one of the caller's tokens, which may be logged in, else the token opened anew without a PIN. */
static csi_participant *restore(const struct csi_record *record, const struct csi_txn_env *env, certstore_error *err)
{
    const char *location = csi_record_get(record, "location");
    const struct csi_token_list *known = env->world;
    CSI_AUTO(csi_p11) *token = NULL;
    for (size_t i = 0; known != NULL && i < known->count && token == NULL; i++) {
        CSI_AUTO(csi_chars) *other = csi_p11_location(known->items[i], err);
        if (other == NULL)
            return NULL;
        if (strcmp(other, location) == 0)
            token = csi_p11_ref(known->items[i]);
    }
    if (token == NULL) {
        CSI_AUTO(csi_p11_address) *address = csi_p11_address_located(location, err);
        token = address != NULL ? csi_p11_open(address, NULL, err) : NULL;
    }
    struct token_participant *t = token != NULL ? make(env->os, location, token, err) : NULL;
    return t != NULL ? &t->base : NULL;
}

const struct csi_participant_kind csi_token_kind = {
    .name = "token",
    .early = true,
    .lock = lock,
    .unlock = unlock,
    .verify = verify,
    .stage = stage,
    .describe = describe,
    .promote = promote,
    .revert = revert,
    .finish = finish,
    .free = destroy,
    .restore = restore,
};
