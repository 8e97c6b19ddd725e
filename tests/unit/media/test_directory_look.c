/* SPDX-License-Identifier: Apache-2.0 */
/* test_directory_look.c: a file of a directory is read once, and never taken for what it is no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "media/directory_look.h"
#include "support/faulty_os.h"

static int reads;
static const char *changing; /* the directory whose file changes as soon as its second name is looked at; NULL: none */

static ssize_t count_read(const struct csi_os *os, int fd, void *data, size_t size, off_t at)
{
    reads++;
    return csi_os_real.pread(os, fd, data, size, at);
}

static int change_first(const struct csi_os *os, int dir, const char *path, int flags, struct stat *st)
{
    if (changing != NULL && strcmp(path, "b") == 0)
        test_write(changing, "a", "changed");
    return csi_os_real.stat(os, dir, path, flags, st);
}

struct fixture {
    struct csi_os os;
    char *dir;
    csi_parts *parts;
    char digest[CSI_DIGEST_TEXT + 1];
};

static void begin(struct fixture *f)
{
    *f = (struct fixture){ .os = csi_os_real, .dir = test_dir_new() };
    f->os.pread = count_read;
    f->os.stat = change_first;
    reads = 0;
    changing = NULL;
    test_write(f->dir, "a", "one");
}

static void add_link(const struct fixture *f, const char *name, bool hard)
{
    int fd = open(f->dir, O_RDONLY | O_DIRECTORY);
    assert_true(fd >= 0);
    assert_int_equal(hard ? linkat(fd, "a", fd, name, 0) : symlinkat("a", fd, name), 0);
    close(fd);
}

static void look(struct fixture *f)
{
    certstore_error err = { 0 };
    f->parts = csi_parts_new(&err);
    struct csi_look look = { .os = &f->os, .about = f->dir, .left = SIZE_MAX / 2, .parts = f->parts };
    assert_int_equal(csi_look_at(&look, AT_FDCWD, f->dir, f->digest, &err), CERTSTORE_OK);
}

static void assert_part(const struct fixture *f, size_t index, const char *name, const char *text)
{
    assert_string_equal(f->parts->items[index].name, name);
    assert_int_equal(f->parts->items[index].bytes->size, strlen(text));
    assert_memory_equal(f->parts->items[index].bytes->data, text, strlen(text));
}

static void end(struct fixture *f)
{
    csi_parts_free(f->parts);
    test_dir_remove(f->dir);
}

static void a_file_is_read_once_however_many_links_lead_to_it(void **state)
{
    (void)state;
    static const char *const names[] = { "a", "b", "c", "d" };
    struct fixture f;
    begin(&f);
    add_link(&f, "b", false);
    add_link(&f, "c", true);
    add_link(&f, "d", false);
    look(&f);
    assert_int_equal(reads, 1);
    assert_int_equal(f.parts->count, 4);
    for (size_t i = 0; i < f.parts->count; i++)
        assert_part(&f, i, names[i], "one");
    end(&f);
}

static void a_file_that_changes_between_two_of_its_names_is_read_again(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    add_link(&f, "b", false);
    changing = f.dir;
    look(&f);
    assert_int_equal(reads, 2);
    assert_part(&f, 0, "a", "one");
    assert_part(&f, 1, "b", "changed");
    end(&f);
}

static void links_and_copies_of_a_file_are_one_content(void **state)
{
    (void)state;
    struct fixture linked;
    struct fixture copied;
    begin(&linked);
    begin(&copied);
    add_link(&linked, "b", false);
    test_write(copied.dir, "b", "one");
    look(&linked);
    look(&copied);
    assert_string_equal(linked.digest, copied.digest);
    end(&linked);
    end(&copied);
}

static void a_directory_read_without_digests_has_the_digest_of_one_read_with(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    test_write(f.dir, "e", "another");
    add_link(&f, "b", false);
    add_link(&f, "c", true);
    CSI_AUTO(csi_chars) *dangling = NULL;
    assert_true(asprintf(&dangling, "%s/d", f.dir) > 0);
    assert_int_equal(symlink("nothing", dangling), 0);
    look(&f);
    certstore_error err = { 0 };
    const struct csi_txn_env env = { .os = &f.os, .state_dir = f.dir };
    CSI_AUTO(csi_place) *place = csi_place_open(&env, (const char *const[]){ f.dir }, 1, true, &err);
    CSI_AUTO(csi_parts) *parts = NULL;
    CSI_AUTO(csi_snapshot) *snapshot = NULL;
    struct csi_content_digests content;
    assert_int_equal(csi_place_read(place, &csi_limits_default, &parts, &snapshot, &err), CERTSTORE_OK);
    assert_true(snapshot->undigested);
    assert_string_equal(snapshot->entries[0].view.digest, "");
    assert_int_equal(csi_snapshot_content(snapshot, &content, &err), CERTSTORE_OK);
    assert_string_equal(content.part[0], f.digest);
    end(&f);
}

static void a_directory_that_is_not_there_has_no_digest(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    certstore_error err = { 0 };
    const struct csi_txn_env env = { .os = &f.os, .state_dir = f.dir };
    CSI_AUTO(csi_chars) *path = NULL;
    assert_true(asprintf(&path, "%s/none", f.dir) > 0);
    CSI_AUTO(csi_place) *place = csi_place_open(&env, (const char *const[]){ path }, 1, true, &err);
    CSI_AUTO(csi_parts) *parts = NULL;
    CSI_AUTO(csi_snapshot) *snapshot = NULL;
    struct csi_content_digests content;
    assert_int_equal(csi_place_read(place, &csi_limits_default, &parts, &snapshot, &err), CERTSTORE_OK);
    assert_int_equal(csi_snapshot_content(snapshot, &content, &err), CERTSTORE_OK);
    assert_string_equal(content.part[0], "");
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_once_however_many_links_lead_to_it),
        cmocka_unit_test(a_file_that_changes_between_two_of_its_names_is_read_again),
        cmocka_unit_test(links_and_copies_of_a_file_are_one_content),
        cmocka_unit_test(a_directory_read_without_digests_has_the_digest_of_one_read_with),
        cmocka_unit_test(a_directory_that_is_not_there_has_no_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
