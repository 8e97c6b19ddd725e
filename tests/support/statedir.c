/* SPDX-License-Identifier: Apache-2.0 */
/* statedir.c: see statedir.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "support/statedir.h"
#include "txn/state.h"

static const struct csi_participant_kind *const kinds[] = { &csi_memory_kind, NULL };

void statedir_open(struct statedir *f)
{
    *f = (struct statedir){ 0 };
    faulty_os_init(&f->os);
    f->dir = test_dir_new();
    assert_true(asprintf(&f->state, "%s/state", f->dir) > 0);
    assert_true(asprintf(&f->txn_dir, "%s/txn", f->state) > 0);
    assert_true(asprintf(&f->journal, "%s/" STATEDIR_ID ".open", f->txn_dir) > 0);
    f->env = (struct csi_txn_env){ .os = &f->os.table, .state_dir = f->state, .kinds = kinds, .world = &f->memory, .generations = 5 };
    certstore_error err = { 0 };
    csi_memory_set(&f->memory, "a", "old a", &err);
    csi_memory_set(&f->memory, "b", "old b", &err);
    assert_int_equal(err.status, CERTSTORE_OK);
}

void statedir_open_made(struct statedir *f)
{
    certstore_error err = { 0 };
    statedir_open(f);
    CSI_AUTO(csi_chars) *made = csi_state_txn_dir(&f->env, true, &err);
    assert_non_null(made);
}

void statedir_close(struct statedir *f)
{
    csi_memory_clear(&f->memory);
    test_dir_remove(f->dir);
    free(f->state);
    free(f->txn_dir);
    free(f->journal);
}

bool statedir_has(const struct statedir *f, const char *name)
{
    struct stat st;
    CSI_AUTO(csi_chars) *path = NULL;
    assert_true(asprintf(&path, "%s/%s", f->txn_dir, name) > 0);
    return lstat(path, &st) == 0;
}

static bool cell_is(const struct statedir *f, const char *name, const char *text)
{
    return csi_span_equal(csi_blob_span(csi_memory_find(&f->memory, name)->content), csi_span_text(text));
}

bool statedir_holds(const struct statedir *f, const char *a, const char *b)
{
    return cell_is(f, "a", a) && cell_is(f, "b", b);
}

certstore_report *statedir_recover(struct statedir *f)
{
    certstore_error err = { 0 };
    return csi_recover(&f->env, &err);
}
