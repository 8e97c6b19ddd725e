/* SPDX-License-Identifier: Apache-2.0 */
/* test_place.c: what a place keeps (mode, owner, links, generations), what it refuses, and what it tells other openers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "media/place.h"
#include "support/storedir.h"

static char *path_of(const struct storedir *f, const char *name)
{
    char *path = NULL;
    assert_true(asprintf(&path, "%s/%s", f->dir, name) > 0);
    return path;
}

static csi_place *open_place(struct storedir *f, const char *name, const char *key, certstore_error *err)
{
    CSI_AUTO(csi_chars) *first = path_of(f, name);
    CSI_AUTO(csi_chars) *second = key != NULL ? path_of(f, key) : NULL;
    const char *paths[] = { first, second };
    return csi_place_open(&f->env, paths, key != NULL ? 2 : 1, false, err);
}

static certstore_status request(csi_txn *txn, csi_place *place, const char *text, const char *key, bool private_bytes, certstore_error *err)
{
    CSI_AUTO(csi_parts) *parts = NULL;
    CSI_AUTO(csi_snapshot) *snapshot = NULL;
    CSI_TRY(csi_place_read(place, &csi_limits_default, &parts, &snapshot, err));
    CSI_AUTO(csi_parts) *wanted = csi_parts_new(err);
    CSI_AUTO(csi_blob) *bytes = csi_blob_new(text, strlen(text), err);
    CSI_AUTO(csi_blob) *key_bytes = key != NULL ? csi_blob_new(key, strlen(key), err) : NULL;
    CSI_TRY(csi_parts_add(wanted, "", bytes, err));
    if (key_bytes != NULL)
        CSI_TRY(csi_parts_add(wanted, "key", key_bytes, err));
    return csi_place_replace(txn, place, snapshot, wanted, private_bytes, CSI_KEYS_REFUSE, err);
}

static certstore_status put_with(struct storedir *f, const char *name, const char *text, bool private_bytes, certstore_error *err)
{
    CSI_AUTO(csi_place) *place = open_place(f, name, NULL, err);
    if (place == NULL)
        return err->status;
    CSI_AUTO(csi_txn) *txn = csi_txn_begin(&f->env, err);
    csi_txn_set_note(txn, text, err);
    CSI_TRY(request(txn, place, text, NULL, private_bytes, err));
    return csi_txn_commit(txn, err);
}

static certstore_status put(struct storedir *f, const char *name, const char *text)
{
    certstore_error err = { 0 };
    return put_with(f, name, text, true, &err);
}

/* ------------------------------------------------------------------------------------------------------------------ keeping */

static void mode_and_owner_are_kept(void **state)
{
    (void)state;
    struct storedir f;
    struct stat st;
    storedir_open(&f);
    CSI_AUTO(csi_chars) *path = path_of(&f, "a.pem");
    assert_int_equal(chmod(path, 0451), 0);
    if (geteuid() == 0)
        assert_int_equal(chown(path, 12, 34), 0);
    assert_int_equal(put(&f, "a.pem", "two"), CERTSTORE_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0451);
    assert_int_equal(st.st_uid, geteuid() == 0 ? 12 : geteuid());
    assert_int_equal(st.st_nlink, 1);
    storedir_close(&f);
}

static void extended_attributes_are_kept(void **state)
{
    (void)state;
    struct storedir f;
    char value[8] = { 0 };
    setenv("TMPDIR", "/var/tmp", 1); /* tmpfs has user attributes only in recent kernels */
    storedir_open(&f);
    unsetenv("TMPDIR");
    CSI_AUTO(csi_chars) *path = path_of(&f, "a.pem");
    if (setxattr(path, "user.origin", "test", 4, 0) != 0) {
        storedir_close(&f);
        skip();
    }
    assert_int_equal(put(&f, "a.pem", "two"), CERTSTORE_OK);
    assert_int_equal(getxattr(path, "user.origin", value, sizeof value), 4);
    assert_string_equal(value, "test");
    storedir_close(&f);
}

static void links_stay_and_their_final_target_is_replaced(void **state)
{
    (void)state;
    struct storedir f;
    struct stat st;
    storedir_open(&f);
    CSI_AUTO(csi_chars) *first = path_of(&f, "first.pem");
    CSI_AUTO(csi_chars) *second = path_of(&f, "second.pem");
    assert_int_equal(symlink("a.pem", first), 0);
    assert_int_equal(symlink(first, second), 0);
    assert_int_equal(put(&f, "second.pem", "two"), CERTSTORE_OK);
    assert_true(lstat(second, &st) == 0 && S_ISLNK(st.st_mode) && lstat(first, &st) == 0 && S_ISLNK(st.st_mode));
    assert_true(storedir_holds(&f, "a.pem", "two"));
    storedir_close(&f);
}

static void a_new_file_with_keys_is_its_owners_alone(void **state)
{
    (void)state;
    struct storedir f;
    struct stat st;
    certstore_error err = { 0 };
    storedir_open(&f);
    mode_t mask = umask(027);
    assert_int_equal(put_with(&f, "key.pem", "key", true, &err), CERTSTORE_OK);
    assert_int_equal(put_with(&f, "ca.pem", "ca", false, &err), CERTSTORE_OK);
    umask(mask);
    CSI_AUTO(csi_chars) *key = path_of(&f, "key.pem");
    CSI_AUTO(csi_chars) *ca = path_of(&f, "ca.pem");
    assert_true(stat(key, &st) == 0 && (st.st_mode & 07777) == 0600);
    assert_true(stat(ca, &st) == 0 && (st.st_mode & 07777) == 0640);
    storedir_close(&f);
}

static int no_link(const struct csi_os *os CSI_UNUSED, int from_dir CSI_UNUSED, const char *from CSI_UNUSED, int to_dir CSI_UNUSED,
                   const char *to CSI_UNUSED)
{
    return -EXDEV;
}

static void a_state_directory_on_another_file_system_keeps_copies(void **state)
{
    (void)state;
    struct storedir f;
    certstore_error err = { 0 };
    storedir_open(&f);
    f.os.table.link = no_link;
    assert_int_equal(put(&f, "a.pem", "two"), CERTSTORE_OK);
    CSI_AUTO(csi_place) *place = open_place(&f, "a.pem", NULL, &err);
    CSI_AUTO(csi_parts) *parts = csi_place_generation_parts(place, 1, &err);
    assert_non_null(parts);
    assert_true(csi_span_equal(csi_blob_span(parts->items[0].bytes), csi_span_text("one")));
    storedir_close(&f);
}

/* ----------------------------------------------------------------------------------------------------------------- refusing */

static void refused(struct storedir *f, const char *name, certstore_status status, const char *word)
{
    certstore_error err = { 0 };
    assert_int_equal(put_with(f, name, "two", true, &err), status);
    if (strstr(err.message, word) == NULL)
        fail_msg("'%s' does not say '%s'", err.message, word);
    assert_true(storedir_holds(f, "a.pem", "one"));
    assert_int_equal(test_names(f->state) <= 1, 1);
}

static void hard_links_are_not_parted(void **state)
{
    (void)state;
    struct storedir f;
    storedir_open(&f);
    CSI_AUTO(csi_chars) *path = path_of(&f, "a.pem");
    CSI_AUTO(csi_chars) *other = path_of(&f, "b.pem");
    assert_int_equal(link(path, other), 0);
    refused(&f, "a.pem", CERTSTORE_E_READ_ONLY, "hard links");
    storedir_close(&f);
}

static void what_is_no_regular_file_is_refused_without_waiting_for_it(void **state)
{
    (void)state;
    struct storedir f;
    storedir_open(&f);
    CSI_AUTO(csi_chars) *fifo = path_of(&f, "fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    refused(&f, "fifo", CERTSTORE_E_ARGUMENT, "no regular file");
    refused(&f, "", CERTSTORE_E_ARGUMENT, "no regular file");
    refused(&f, "none/c.pem", CERTSTORE_E_NOT_FOUND, "make it first");
    storedir_close(&f);
}

static struct csi_os_nature pretended;
static int pretend_nature(const struct csi_os *os CSI_UNUSED, int dir CSI_UNUSED, const char *path, int flags CSI_UNUSED,
                          struct csi_os_nature *nature)
{
    *nature = path[0] != '\0' ? pretended : (struct csi_os_nature){ 0 };
    return 0;
}

static void targets_that_a_rename_cannot_replace_are_refused_before_anything_is_done(void **state)
{
    (void)state;
    struct storedir f;
    storedir_open(&f);
    f.os.table.nature = pretend_nature;
    pretended = (struct csi_os_nature){ .mount = 7 };
    refused(&f, "a.pem", CERTSTORE_E_READ_ONLY, "bind mount");
    pretended = (struct csi_os_nature){ .immutable = true };
    refused(&f, "a.pem", CERTSTORE_E_READ_ONLY, "immutable");
    storedir_close(&f);
}

static uid_t stranger(const struct csi_os *os CSI_UNUSED)
{
    return 4711;
}

static void another_users_symlink_in_a_shared_directory_is_not_followed(void **state)
{
    (void)state;
    struct storedir f;
    storedir_open(&f);
    CSI_AUTO(csi_chars) *shared = path_of(&f, "shared");
    CSI_AUTO(csi_chars) *planted = path_of(&f, "shared/a.pem");
    assert_int_equal(mkdir(shared, 0700), 0);
    assert_int_equal(symlink("../a.pem", planted), 0);
    assert_int_equal(chmod(shared, 01777), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(shared, 1, 1), 0);
        f.os.table.euid = stranger;
        refused(&f, "shared/a.pem", CERTSTORE_E_READ_ONLY, "another user's symlink");
    }
    storedir_close(&f);
}

static void a_state_directory_that_others_can_write_to_is_refused(void **state)
{
    (void)state;
    struct storedir f;
    storedir_open(&f);
    CSI_AUTO(csi_chars) *txn = path_of(&f, "state/txn");
    assert_int_equal(mkdir(f.state, 0755), 0);
    assert_int_equal(mkdir(txn, 0700), 0);
    assert_int_equal(chmod(txn, 0777), 0);
    refused(&f, "a.pem", CERTSTORE_E_ARGUMENT, "others can write");
    storedir_close(&f);
}

/* --------------------------------------------------------------------------------------------------------------- generations */

static void check_row(const struct csi_generation *row, int64_t number, const char *note, bool kept)
{
    assert_int_equal(row->number, number);
    assert_string_equal(row->note, note);
    assert_int_equal(row->kept, kept);
}

static void each_change_is_a_generation_and_others_changes_are_seen(void **state)
{
    (void)state;
    struct storedir f;
    certstore_error err = { 0 };
    int64_t number = 0;
    storedir_open(&f);
    CSI_AUTO(csi_place) *place = open_place(&f, "a.pem", NULL, &err);
    assert_int_equal(csi_place_generation(place, &number, &err), CERTSTORE_OK);
    assert_int_equal(number, 0);
    assert_int_equal(put(&f, "a.pem", "two"), CERTSTORE_OK);
    assert_int_equal(csi_place_generation(place, &number, &err), CERTSTORE_OK);
    assert_int_equal(number, 2);
    test_write(f.dir, "a.pem", "theirs");
    assert_int_equal(csi_place_generation(place, &number, &err), CERTSTORE_OK);
    assert_int_equal(number, 3);
    assert_int_equal(put(&f, "a.pem", "four"), CERTSTORE_OK);
    CSI_AUTO(certstore_history) *history = csi_place_history(place, &err);
    assert_non_null(history);
    assert_int_equal(history->count, 4);
    check_row(&history->rows[0], 1, "before certstore", true);
    check_row(&history->rows[1], 2, "two", false); /* overwritten in place by others: nobody kept it */
    check_row(&history->rows[2], 3, "changed outside certstore", true);
    check_row(&history->rows[3], 4, "four", true);
    assert_string_equal(history->rows[3].actor, "tester");
    CSI_AUTO(csi_parts) *theirs = csi_place_generation_parts(place, 3, &err);
    assert_true(csi_span_equal(csi_blob_span(theirs->items[0].bytes), csi_span_text("theirs")));
    assert_null(csi_place_generation_parts(place, 2, &err));
    assert_int_equal(err.status, CERTSTORE_E_NOT_FOUND);
    storedir_close(&f);
}

/* A second change within the same tick of the clock, to the same size, shows in no stat: then the bytes decide. */
static void a_store_that_was_just_changed_is_judged_by_its_bytes(void **state)
{
    (void)state;
    for (int theirs = 0; theirs < 2; theirs++) {
        struct storedir f;
        certstore_error err = { 0 };
        storedir_open(&f);
        CSI_AUTO(csi_chars) *path = path_of(&f, "a.pem");
        CSI_AUTO(csi_place) *place = open_place(&f, "a.pem", NULL, &err);
        CSI_AUTO(csi_txn) *txn = csi_txn_begin(&f.env, &err);
        assert_int_equal(request(txn, place, "two", NULL, true, &err), CERTSTORE_OK);
        struct stat before;
        assert_int_equal(stat(path, &before), 0);
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        assert_int_equal(pwrite(fd, theirs ? "oNe" : "one", 3, 0), 3); /* in place: the same inode, the same size */
        const struct timespec times[] = { before.st_atim, before.st_mtim };
        assert_int_equal(futimens(fd, times), 0); /* and the same tick */
        close(fd);
        assert_int_equal(csi_txn_commit(txn, &err), theirs ? CERTSTORE_E_CONFLICT : CERTSTORE_OK);
        assert_true(storedir_holds(&f, "a.pem", theirs ? "oNe" : "two"));
        storedir_close(&f);
    }
}

static void only_the_newest_generations_are_kept(void **state)
{
    (void)state;
    struct storedir f;
    certstore_error err = { 0 };
    storedir_open(&f);
    f.env.generations = 2;
    const char *texts[] = { "two", "three", "four", "five" };
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(put(&f, "a.pem", texts[i]), CERTSTORE_OK);
    CSI_AUTO(csi_place) *place = open_place(&f, "a.pem", NULL, &err);
    CSI_AUTO(certstore_history) *history = csi_place_history(place, &err);
    assert_int_equal(history->count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(history->rows[i].kept, i >= 2);
    f.env.generations = 0;
    assert_int_equal(put(&f, "a.pem", "six"), CERTSTORE_OK);
    CSI_AUTO(certstore_history) *none = csi_place_history(place, &err);
    assert_int_equal(none->count, 6);
    assert_false(none->rows[4].kept);
    storedir_close(&f);
}

static void a_generation_whose_kept_bytes_were_changed_is_refused(void **state)
{
    (void)state;
    struct storedir f;
    certstore_error err = { 0 };
    storedir_open(&f);
    assert_int_equal(put(&f, "a.pem", "two"), CERTSTORE_OK);
    CSI_AUTO(csi_chars) *command = NULL;
    assert_true(asprintf(&command, "for i in %s/txn/*.old; do echo x > $i; done", f.state) > 0);
    assert_int_equal(system(command), 0);
    CSI_AUTO(csi_place) *place = open_place(&f, "a.pem", NULL, &err);
    assert_null(csi_place_generation_parts(place, 1, &err));
    assert_int_equal(err.status, CERTSTORE_E_TAMPERED);
    storedir_close(&f);
}

/* -------------------------------------------------------------------------------------------------------------- other openers */

static void a_lock_file_that_exists_means_nothing(void **state)
{
    (void)state;
    struct storedir f;
    storedir_open(&f);
    test_write(f.dir, ".a.pem.certstore-lock", "1\n");
    assert_int_equal(put(&f, "a.pem", "two"), CERTSTORE_OK);
    CSI_AUTO(csi_chars) *left = test_read(f.dir, ".a.pem.certstore-lock");
    assert_null(left);
    storedir_close(&f);
}

static void a_held_store_names_its_holder(void **state)
{
    (void)state;
    struct storedir f;
    certstore_error err = { 0 };
    char pid[32];
    storedir_open(&f);
    CSI_AUTO(csi_place) *place = open_place(&f, "a.pem", NULL, &err);
    CSI_AUTO(csi_txn) *holder = csi_txn_begin(&f.env, &err);
    assert_int_equal(request(holder, place, "two", NULL, true, &err), CERTSTORE_OK);
    assert_int_equal(csi_txn_prepare(holder, &err), CERTSTORE_OK);
    assert_int_equal(put_with(&f, "a.pem", "three", true, &err), CERTSTORE_E_LOCKED);
    snprintf(pid, sizeof pid, "process %ld ", (long)getpid());
    assert_non_null(strstr(err.message, pid));
    storedir_close(&f);
}

static void a_marker_that_leads_nowhere_is_removed(void **state)
{
    (void)state;
    struct storedir f;
    storedir_open(&f);
    assert_int_equal(put(&f, "a.pem", "two"), CERTSTORE_OK);
    CSI_AUTO(csi_chars) *marker = path_of(&f, ".a.pem.certstore");
    CSI_AUTO(csi_chars) *gone = path_of(&f, "state/txn/00000000000000000000000000000000.open");
    assert_int_equal(symlink(gone, marker), 0);
    assert_int_equal(put(&f, "a.pem", "three"), CERTSTORE_OK);
    assert_int_equal(access(marker, F_OK), -1);
    storedir_close(&f);
}

static void a_marker_whose_state_directory_is_away_is_pending(void **state)
{
    (void)state;
    struct storedir f;
    certstore_error err = { 0 };
    storedir_open(&f);
    CSI_AUTO(csi_chars) *marker = path_of(&f, ".a.pem.certstore");
    CSI_AUTO(csi_chars) *away = path_of(&f, "unmounted/txn/00000000000000000000000000000000.open");
    assert_int_equal(symlink(away, marker), 0);
    assert_null(open_place(&f, "a.pem", NULL, &err));
    assert_int_equal(err.status, CERTSTORE_E_PENDING);
    storedir_close(&f);
}

/* One process flips a pair of files as fast as it can; the other never reads one old and one new. */
static void invariant_9_a_reader_never_sees_half_of_a_transaction(void **state)
{
    (void)state;
    struct storedir f;
    certstore_error err = { 0 };
    storedir_open(&f);
    f.env.os = &csi_os_real;
    f.env.lock_timeout_ms = 10000;
    test_write(f.dir, "cert.pem", "0");
    test_write(f.dir, "key.pem", "0");
    pid_t writer = fork();
    if (writer == 0) {
        for (int i = 1; i <= 200; i++) {
            char text[16];
            snprintf(text, sizeof text, "%d", i);
            CSI_AUTO(csi_place) *place = open_place(&f, "cert.pem", "key.pem", &err);
            CSI_AUTO(csi_txn) *txn = csi_txn_begin(&f.env, &err);
            if (request(txn, place, text, text, true, &err) != CERTSTORE_OK || csi_txn_commit(txn, &err) != CERTSTORE_OK)
                _exit(1);
        }
        _exit(0);
    }
    int status = 0;
    int reads = 0;
    CSI_AUTO(csi_place) *place = open_place(&f, "cert.pem", "key.pem", &err);
    while (waitpid(writer, &status, WNOHANG) == 0) {
        CSI_AUTO(csi_parts) *parts = NULL;
        CSI_AUTO(csi_snapshot) *snapshot = NULL;
        assert_int_equal(csi_place_read(place, &csi_limits_default, &parts, &snapshot, &err), CERTSTORE_OK);
        assert_int_equal(parts->count, 2);
        assert_true(csi_span_equal(csi_blob_span(parts->items[0].bytes), csi_blob_span(parts->items[1].bytes)));
        reads++;
    }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(reads > 0);
    storedir_close(&f);
}

static int64_t number_in(const struct storedir *f, const char *name)
{
    CSI_AUTO(csi_chars) *text = test_read(f->dir, name);
    return text != NULL ? strtoll(text, NULL, 10) : -1;
}

/* Adds one to two counters in one transaction; names in either order. */
static certstore_status count_up(struct storedir *f, const char *first, const char *second)
{
    const char *names[] = { first, second };
    for (int attempt = 0; attempt < 1000; attempt++) {
        certstore_error err = { 0 };
        CSI_AUTO(csi_txn) *txn = csi_txn_begin(&f->env, &err);
        for (int i = 0; i < 2 && err.status == CERTSTORE_OK; i++) {
            char text[24];
            CSI_AUTO(csi_place) *place = open_place(f, names[i], NULL, &err);
            CSI_AUTO(csi_parts) *parts = NULL;
            CSI_AUTO(csi_snapshot) *snapshot = NULL;
            if (place == NULL || csi_place_read(place, &csi_limits_default, &parts, &snapshot, &err) != CERTSTORE_OK)
                break;
            CSI_AUTO(csi_chars) *old = csi_strndup((const char *)parts->items[0].bytes->data, parts->items[0].bytes->size, &err);
            snprintf(text, sizeof text, "%lld", strtoll(old, NULL, 10) + 1);
            CSI_AUTO(csi_blob) *bytes = csi_blob_new(text, strlen(text), &err);
            CSI_AUTO(csi_parts) *wanted = csi_parts_new(&err);
            csi_parts_add(wanted, "", bytes, &err);
            csi_place_replace(txn, place, snapshot, wanted, true, CSI_KEYS_REFUSE, &err);
        }
        if (err.status == CERTSTORE_OK)
            csi_txn_commit(txn, &err);
        if (err.status != CERTSTORE_E_CONFLICT)
            return err.status;
    }
    return CERTSTORE_E_CONFLICT;
}

/* Three processes, three counters, each transaction over two of them: no update is lost and nobody waits for ever. */
static void invariant_9_concurrent_committers_are_serialised_without_deadlock(void **state)
{
    (void)state;
    enum { PROCESSES = 3, ROUNDS = 100 };
    static const char *const names[] = { "a.pem", "b.pem", "c.pem" };
    struct storedir f;
    certstore_error err = { 0 };
    storedir_open(&f);
    f.env.os = &csi_os_real;
    f.env.lock_timeout_ms = 30000;
    for (int i = 0; i < PROCESSES; i++)
        test_write(f.dir, names[i], "0");
    for (int i = 0; i < PROCESSES; i++) {
        if (fork() != 0)
            continue;
        alarm(120);
        for (int round = 0; round < ROUNDS; round++)
            if (count_up(&f, names[(i + round) % 3], names[(i + round + 1 + round % 2) % 3]) != CERTSTORE_OK)
                _exit(1);
        _exit(0);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = 0;
        wait(&status);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    assert_int_equal(number_in(&f, "a.pem") + number_in(&f, "b.pem") + number_in(&f, "c.pem"), 2 * PROCESSES * ROUNDS);
    CSI_AUTO(certstore_report) *report = csi_recover(&f.env, &err);
    assert_int_equal(report->count, 0);
    storedir_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mode_and_owner_are_kept),
        cmocka_unit_test(extended_attributes_are_kept),
        cmocka_unit_test(links_stay_and_their_final_target_is_replaced),
        cmocka_unit_test(a_new_file_with_keys_is_its_owners_alone),
        cmocka_unit_test(a_state_directory_on_another_file_system_keeps_copies),
        cmocka_unit_test(hard_links_are_not_parted),
        cmocka_unit_test(what_is_no_regular_file_is_refused_without_waiting_for_it),
        cmocka_unit_test(targets_that_a_rename_cannot_replace_are_refused_before_anything_is_done),
        cmocka_unit_test(another_users_symlink_in_a_shared_directory_is_not_followed),
        cmocka_unit_test(a_state_directory_that_others_can_write_to_is_refused),
        cmocka_unit_test(each_change_is_a_generation_and_others_changes_are_seen),
        cmocka_unit_test(a_store_that_was_just_changed_is_judged_by_its_bytes),
        cmocka_unit_test(only_the_newest_generations_are_kept),
        cmocka_unit_test(a_generation_whose_kept_bytes_were_changed_is_refused),
        cmocka_unit_test(a_lock_file_that_exists_means_nothing),
        cmocka_unit_test(a_held_store_names_its_holder),
        cmocka_unit_test(a_marker_that_leads_nowhere_is_removed),
        cmocka_unit_test(a_marker_whose_state_directory_is_away_is_pending),
        cmocka_unit_test(invariant_9_a_reader_never_sees_half_of_a_transaction),
        cmocka_unit_test(invariant_9_concurrent_committers_are_serialised_without_deadlock),
    };
    return cmocka_run_group_tests_name("place", tests, NULL, NULL);
}
