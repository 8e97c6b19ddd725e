/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c: a participant over cells in memory. */
#include "media/memory.h"

#include <errno.h>

struct memory_participant {
    csi_participant base;
    struct csi_memory *memory;
    csi_blob *wanted; /* NULL for one that recovery brought back: it is staged by then */
    bool locked;
};

static struct csi_cell *find(const struct csi_memory *memory, const char *name)
{
    for (size_t i = 0; i < memory->count; i++)
        if (strcmp(memory->cells[i].name, name) == 0)
            return &memory->cells[i];
    return NULL;
}

const struct csi_cell *csi_memory_find(const struct csi_memory *memory, const char *name)
{
    return find(memory, name);
}

static void put(csi_blob **place, csi_blob *blob)
{
    csi_blob_free(*place);
    *place = blob;
}

void csi_memory_clear(struct csi_memory *memory)
{
    for (size_t i = 0; i < memory->count; i++) {
        struct csi_cell *cell = &memory->cells[i];
        put(&cell->content, NULL);
        put(&cell->staged, NULL);
        put(&cell->kept, NULL);
        free(cell->name);
    }
    free(memory->cells);
    *memory = (struct csi_memory){ 0 };
}

void csi_memory_reboot(struct csi_memory *memory)
{
    for (size_t i = 0; i < memory->count; i++)
        memory->cells[i].locked = false;
    memory->steps = 0;
    memory->fail_at = 0;
    memory->for_good = false;
}

certstore_status csi_memory_set(struct csi_memory *memory, const char *name, const char *text, certstore_error *err)
{
    CSI_AUTO(csi_blob) *content = text != NULL ? csi_blob_new(text, strlen(text), err) : NULL;
    struct csi_cell *cell = find(memory, name);
    if (cell == NULL) {
        struct csi_cell *cells = csi_grow(memory->cells, &memory->capacity, memory->count + 1, sizeof *cells, err);
        CSI_AUTO(csi_chars) *copy = csi_strdup(name, err);
        if (cells != NULL)
            memory->cells = cells;
        if (cells == NULL || copy == NULL)
            return err->status;
        cell = &cells[memory->count++];
        *cell = (struct csi_cell){ .name = csi_steal(&copy) };
    }
    put(&cell->content, csi_steal(&content));
    return err->status;
}

/* Every step that changes something asks here first. */
static certstore_status step(struct csi_memory *memory, certstore_error *err)
{
    memory->steps++;
    if (memory->fail_at != 0 && (memory->steps == memory->fail_at || (memory->for_good && memory->steps > memory->fail_at)))
        return csi_fail_errno(err, EIO, "memory: step %ld was refused", memory->steps);
    return CERTSTORE_OK;
}

static struct memory_participant *cast(csi_participant *p)
{
    return (struct memory_participant *)p;
}

static struct csi_cell *cell_of(csi_participant *p)
{
    return find(cast(p)->memory, p->location);
}

static certstore_status lock(csi_participant *p, int64_t deadline CSI_UNUSED, certstore_error *err)
{
    struct csi_cell *cell = cell_of(p);
    CSI_TRY(step(cast(p)->memory, err));
    if (cell->locked)
        return csi_fail(err, CERTSTORE_E_LOCKED, "%s: another transaction holds it; try again later", p->location);
    cell->locked = cast(p)->locked = true;
    p->marked = true; /* a cell has no room for a second transaction's traces */
    return CERTSTORE_OK;
}

static void unlock(csi_participant *p)
{
    if (cast(p)->locked)
        cell_of(p)->locked = false;
    cast(p)->locked = false;
}

static certstore_status digest_of(const csi_blob *blob, char *text, certstore_error *err)
{
    text[0] = '\0';
    return blob != NULL ? csi_digest_text(csi_blob_span(blob), text, err) : CERTSTORE_OK;
}

static certstore_status verify(csi_participant *p, enum csi_content *found, certstore_error *err)
{
    char now[CSI_DIGEST_TEXT + 1];
    CSI_TRY(step(cast(p)->memory, err));
    CSI_TRY(digest_of(cell_of(p)->content, now, err));
    *found = strcmp(now, p->after.part[0]) == 0 ? CSI_CONTENT_NEW : strcmp(now, p->before.part[0]) == 0 ? CSI_CONTENT_OLD : CSI_CONTENT_OTHER;
    return CERTSTORE_OK;
}

static certstore_status stage(csi_participant *p, const struct csi_stage *stage CSI_UNUSED, struct csi_dirs *dirs CSI_UNUSED, certstore_error *err)
{
    struct csi_cell *cell = cell_of(p);
    CSI_TRY(step(cast(p)->memory, err));
    put(&cell->staged, csi_blob_ref(cast(p)->wanted));
    CSI_TRY(step(cast(p)->memory, err));
    put(&cell->kept, csi_blob_ref(cell->content));
    return CERTSTORE_OK;
}

static void describe(const csi_participant *p CSI_UNUSED, struct csi_record *record)
{
    csi_record_put(record, "medium", "memory");
}

static certstore_status conflict(const csi_participant *p, certstore_error *err)
{
    return csi_fail(err, CERTSTORE_E_CONFLICT, "%s: somebody else changed it; it was left as it is", p->location);
}

static certstore_status promote(csi_participant *p, struct csi_dirs *dirs CSI_UNUSED, certstore_error *err)
{
    enum csi_content found = CSI_CONTENT_OTHER;
    CSI_TRY(verify(p, &found, err));
    if (found == CSI_CONTENT_OTHER)
        return conflict(p, err);
    p->stepped = true;
    if (found == CSI_CONTENT_NEW)
        return CERTSTORE_OK;
    CSI_TRY(step(cast(p)->memory, err));
    put(&cell_of(p)->content, csi_steal(&cell_of(p)->staged));
    return CERTSTORE_OK;
}

static certstore_status revert(csi_participant *p, const char *backup CSI_UNUSED, struct csi_dirs *dirs CSI_UNUSED, certstore_error *err)
{
    enum csi_content found = CSI_CONTENT_OTHER;
    CSI_TRY(verify(p, &found, err));
    if (found == CSI_CONTENT_OTHER)
        return conflict(p, err);
    if (found == CSI_CONTENT_OLD)
        return CERTSTORE_OK;
    CSI_TRY(step(cast(p)->memory, err));
    put(&cell_of(p)->content, csi_blob_ref(cell_of(p)->kept));
    return CERTSTORE_OK;
}

static certstore_status finish(csi_participant *p, certstore_error *err)
{
    CSI_TRY(step(cast(p)->memory, err));
    put(&cell_of(p)->staged, NULL);
    CSI_TRY(step(cast(p)->memory, err));
    put(&cell_of(p)->kept, NULL);
    return CERTSTORE_OK;
}

static void destroy(csi_participant *p)
{
    csi_blob_free(cast(p)->wanted);
    csi_participant_clear(p);
    free(p);
}

static struct memory_participant *make(struct csi_memory *memory, const char *name, certstore_error *err)
{
    struct memory_participant *p = csi_new(1, sizeof *p, err);
    if (p == NULL)
        return NULL;
    p->memory = memory;
    if (csi_participant_init(&p->base, &csi_memory_kind, name, NULL, 0, err) == CERTSTORE_OK)
        return p;
    destroy(&p->base);
    return NULL;
}

csi_participant *csi_memory_participant(struct csi_memory *memory, const char *name, const char *wanted, certstore_error *err)
{
    struct memory_participant *made = make(memory, name, err);
    if (made == NULL)
        return NULL;
    CSI_AUTO(csi_participant) *p = &made->base;
    made->wanted = csi_blob_new(wanted, strlen(wanted), err);
    if (made->wanted == NULL || digest_of(find(memory, name)->content, p->before.part[0], err) != CERTSTORE_OK ||
        digest_of(made->wanted, p->after.part[0], err) != CERTSTORE_OK)
        return NULL;
    return csi_steal(&p);
}

static csi_participant *restore(const struct csi_record *record, const struct csi_txn_env *env, certstore_error *err)
{
    const char *name = csi_record_get(record, "location");
    if (env->world == NULL || find(env->world, name) == NULL) {
        csi_fail(err, CERTSTORE_E_NOT_FOUND, "%s: no such cell", name);
        return NULL;
    }
    struct memory_participant *p = make(env->world, name, err);
    return p != NULL ? &p->base : NULL;
}

const struct csi_participant_kind csi_memory_kind = {
    .name = "memory",
    .atomic = true,
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
