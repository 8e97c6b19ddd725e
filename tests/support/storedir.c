/* SPDX-License-Identifier: Apache-2.0 */
/* storedir.c: see storedir.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "support/storedir.h"

void storedir_open(struct storedir *f)
{
    *f = (struct storedir){ 0 };
    faulty_os_init(&f->os);
    f->dir = test_dir_new();
    assert_true(asprintf(&f->state, "%s/state", f->dir) > 0);
    assert_true(asprintf(&f->path, "%s/a.pem", f->dir) > 0);
    f->env = (struct csi_txn_env){
        .os = &f->os.table, .state_dir = f->state, .kinds = csi_place_kinds, .actor = "tester", .lock_timeout_ms = 0, .generations = 5
    };
    test_write(f->dir, "a.pem", "one");
}

void storedir_close(struct storedir *f)
{
    test_dir_remove(f->dir);
    free(f->state);
    free(f->path);
}

bool storedir_holds(const struct storedir *f, const char *name, const char *text)
{
    CSI_AUTO(csi_chars) *found = test_read(f->dir, name);
    return found != NULL && strcmp(found, text) == 0;
}
