/* SPDX-License-Identifier: Apache-2.0 */
/* test_journal.c: records are read strictly; a journal tells a torn end from damage, bit by bit and byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "support/faulty_alloc.h"
#include "support/faulty_os.h"
#include "txn/journal.h"

struct fixture {
    struct faulty_os os;
    char *dir;
    char *path;
};

static void open_fixture(struct fixture *f)
{
    faulty_os_init(&f->os);
    f->dir = test_dir_new();
    assert_true(asprintf(&f->path, "%s/journal", f->dir) > 0);
}

static void close_fixture(struct fixture *f)
{
    test_dir_remove(f->dir);
    free(f->path);
}

static certstore_status add(csi_journal *journal, const char *type, certstore_error *err)
{
    CSI_AUTO_RECORD record = { 0 };
    csi_record_put(&record, "type", type);
    csi_record_put(&record, "text", "a \"quoted\" back\\slash, 100 % and \xc3\xa4\n");
    csi_record_put_int(&record, "n", INT64_MIN);
    return csi_journal_add(journal, &record, err);
}

static csi_journal *new_journal(struct fixture *f, certstore_error *err)
{
    csi_journal *journal = csi_journal_create(&f->os.table, f->path, 4096, err);
    add(journal, "BEGIN", err);
    add(journal, "PREPARED", err);
    add(journal, "COMMIT", err);
    return journal;
}

static certstore_status parse(struct csi_span bytes, size_t *count)
{
    certstore_error err = { 0 };
    csi_journal *journal = csi_new(1, sizeof *journal, &err);
    journal->fd = -1;
    journal->os = &csi_os_real;
    csi_journal_parse(journal, bytes, &err);
    *count = journal->count;
    csi_journal_free(journal);
    return err.status;
}

static void what_was_written_is_read(void **state)
{
    (void)state;
    struct fixture f;
    certstore_error err = { 0 };
    open_fixture(&f);
    csi_journal *written = new_journal(&f, &err);
    assert_int_equal(csi_journal_sync(written, &err), CERTSTORE_OK);
    csi_journal_free(written);
    CSI_AUTO(csi_journal) *journal = csi_journal_open(&f.os.table, f.path, true, &err);
    assert_non_null(journal);
    assert_int_equal(journal->count, 3);
    const struct csi_record *commit = csi_journal_find(journal, "COMMIT");
    assert_string_equal(csi_record_get(commit, "text"), "a \"quoted\" back\\slash, 100 % and \xc3\xa4\n");
    assert_true(csi_record_get_int(commit, "n", 0) == INT64_MIN);
    assert_string_equal(csi_record_get(commit, "n"), "");
    assert_int_equal(csi_record_get_int(commit, "text", 7), 7);
    assert_null(csi_journal_find(journal, "DONE"));
    close_fixture(&f);
}

static void a_journal_is_locked_while_its_process_lives(void **state)
{
    (void)state;
    struct fixture f;
    certstore_error err = { 0 };
    open_fixture(&f);
    csi_journal *owner = new_journal(&f, &err);
    assert_int_equal(csi_journal_write(owner, &err), CERTSTORE_OK);
    assert_null(csi_journal_open(&f.os.table, f.path, true, &err));
    assert_int_equal(err.status, CERTSTORE_E_LOCKED);
    err = (certstore_error){ 0 };
    CSI_AUTO(csi_journal) *onlooker = csi_journal_open(&f.os.table, f.path, false, &err);
    assert_int_equal(onlooker->count, 3);
    csi_journal_free(owner);
    CSI_AUTO(csi_journal) *heir = csi_journal_open(&f.os.table, f.path, true, &err);
    assert_non_null(heir);
    close_fixture(&f);
}

static void every_truncation_yields_the_lines_before_it(void **state)
{
    (void)state;
    struct fixture f;
    certstore_error err = { 0 };
    open_fixture(&f);
    CSI_AUTO(csi_journal) *journal = new_journal(&f, &err);
    struct csi_span all = csi_buf_span(&journal->lines);
    for (size_t size = 0; size <= all.size; size++) {
        size_t count = 0;
        size_t lines = 0;
        for (size_t i = 0; i < size; i++)
            lines += all.data[i] == '\n';
        assert_int_equal(parse(csi_span(all.data, size), &count), CERTSTORE_OK);
        assert_int_equal(count, lines);
    }
    close_fixture(&f);
}

/* In the last line a flipped bit looks like a torn end, before it like the damage it is; it is never believed. */
static void every_flipped_bit_is_detected(void **state)
{
    (void)state;
    struct fixture f;
    certstore_error err = { 0 };
    open_fixture(&f);
    CSI_AUTO(csi_journal) *journal = new_journal(&f, &err);
    CSI_AUTO(csi_blob) *copy = csi_blob_new(journal->lines.data, journal->lines.size, &err);
    size_t last = copy->size - 1;
    while (copy->data[last - 1] != '\n')
        last--;
    for (size_t bit = 0; bit < copy->size * 8; bit++) {
        size_t count = 0;
        copy->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        certstore_status status = parse(csi_blob_span(copy), &count);
        copy->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_true(count < 3);
        if (status == CERTSTORE_OK) /* taken for torn: only where nothing valid follows that continues the damaged line's own mark */
            assert_true(bit / 8 >= last || count < 2);
        else
            assert_int_equal(status, CERTSTORE_E_TAMPERED);
    }
    close_fixture(&f);
}

static void damage_within_a_line_before_the_last_stops_everything(void **state)
{
    (void)state;
    struct fixture f;
    certstore_error err = { 0 };
    open_fixture(&f);
    CSI_AUTO(csi_journal) *journal = new_journal(&f, &err);
    size_t count = 0;
    journal->lines.data[3] ^= 1;
    assert_int_equal(parse(csi_buf_span(&journal->lines), &count), CERTSTORE_E_TAMPERED);
    assert_int_equal(csi_journal_write(journal, &err), CERTSTORE_OK);
    assert_null(csi_journal_open(&f.os.table, f.path, false, &err));
    assert_int_equal(err.status, CERTSTORE_E_TAMPERED);
    assert_non_null(strstr(err.message, "nothing was touched"));
    close_fixture(&f);
}

static void lines_of_zeros_are_a_torn_end(void **state)
{
    (void)state;
    struct fixture f;
    certstore_error err = { 0 };
    open_fixture(&f);
    CSI_AUTO(csi_journal) *journal = new_journal(&f, &err);
    CSI_AUTO_BUF bytes = { 0 };
    size_t count = 9;
    for (int i = 0; i < 300; i++)
        csi_buf_put_u8(&bytes, i % 100 == 99 ? '\n' : 0);
    assert_int_equal(parse(csi_buf_span(&bytes), &count), CERTSTORE_OK);
    assert_int_equal(count, 0);
    csi_buf_put_span(&journal->lines, csi_buf_span(&bytes));
    assert_int_equal(parse(csi_buf_span(&journal->lines), &count), CERTSTORE_OK);
    assert_int_equal(count, 3);
    close_fixture(&f);
}

/* A mark needs 65 characters: shorter lines have none, before and after one that has. */
static void short_lines_are_a_torn_end(void **state)
{
    (void)state;
    struct fixture f;
    certstore_error err = { 0 };
    open_fixture(&f);
    CSI_AUTO(csi_journal) *journal = new_journal(&f, &err);
    static const char *const ends[] = { "\n", "x\n", "\n\n\n" };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        CSI_AUTO_BUF bytes = { 0 };
        size_t count = 0;
        csi_buf_put_span(&bytes, csi_buf_span(&journal->lines));
        csi_buf_put_text(&bytes, "{} 0000000000000000000000000000000000000000000000000000000000000000\n");
        csi_buf_put_text(&bytes, ends[i]);
        assert_int_equal(parse(csi_buf_span(&bytes), &count), CERTSTORE_OK);
        assert_int_equal(count, 3);
    }
    close_fixture(&f);
}

static void a_torn_end_is_cut_off_by_the_next_write(void **state)
{
    (void)state;
    struct fixture f;
    certstore_error err = { 0 };
    open_fixture(&f);
    csi_journal *journal = new_journal(&f, &err);
    assert_int_equal(csi_journal_write(journal, &err), CERTSTORE_OK);
    assert_int_equal(pwrite(journal->fd, "{\"type\":\"DO", 11, (off_t)journal->lines.size), 11);
    csi_journal_free(journal);
    journal = csi_journal_open(&f.os.table, f.path, true, &err);
    assert_int_equal(journal->count, 3);
    assert_int_equal(add(journal, "DONE", &err), CERTSTORE_OK);
    assert_int_equal(csi_journal_sync(journal, &err), CERTSTORE_OK);
    csi_journal_free(journal);
    CSI_AUTO(csi_journal) *again = csi_journal_open(&f.os.table, f.path, false, &err);
    assert_int_equal(again->count, 4);
    close_fixture(&f);
}

static void replacing_a_journal_drops_the_lines_after_a_point(void **state)
{
    (void)state;
    struct fixture f;
    certstore_error err = { 0 };
    open_fixture(&f);
    CSI_AUTO(csi_journal) *journal = new_journal(&f, &err);
    CSI_AUTO_RECORD last = { 0 };
    csi_record_put(&last, "type", "ROLLBACK");
    assert_int_equal(csi_journal_sync(journal, &err), CERTSTORE_OK);
    assert_int_equal(csi_journal_replace(journal, 2, &last, &err), CERTSTORE_OK);
    CSI_AUTO(csi_journal) *read = csi_journal_open(&f.os.table, f.path, false, &err);
    assert_int_equal(read->count, 3);
    assert_null(csi_journal_find(read, "COMMIT"));
    assert_non_null(csi_journal_find(read, "ROLLBACK"));
    assert_null(csi_journal_open(&f.os.table, f.path, true, &err));
    assert_int_equal(err.status, CERTSTORE_E_LOCKED);
    close_fixture(&f);
}

static void a_journal_of_somebody_else_is_not_acted_on(void **state)
{
    (void)state;
    struct fixture f;
    certstore_error err = { 0 };
    open_fixture(&f);
    csi_journal *journal = new_journal(&f, &err);
    csi_journal_write(journal, &err);
    csi_journal_free(journal);
    assert_int_equal(chmod(f.path, 0666), 0);
    assert_null(csi_journal_open(&f.os.table, f.path, true, &err));
    assert_int_equal(err.status, CERTSTORE_E_PENDING);
    close_fixture(&f);
}

static const char *vanishing;
static int lock_after_it_is_over(const struct csi_os *os, int fd, bool exclusive)
{
    unlink(vanishing);
    return csi_os_real.lock(os, fd, exclusive);
}

static void a_journal_that_ends_while_it_is_opened_is_over(void **state)
{
    (void)state;
    struct fixture f;
    certstore_error err = { 0 };
    open_fixture(&f);
    csi_journal *journal = new_journal(&f, &err);
    csi_journal_write(journal, &err);
    csi_journal_free(journal);
    vanishing = f.path;
    f.os.table.lock = lock_after_it_is_over;
    assert_null(csi_journal_open(&f.os.table, f.path, true, &err));
    assert_int_equal(err.status, CERTSTORE_E_NOT_FOUND);
    err = (certstore_error){ 0 };
    assert_null(csi_journal_create(&f.os.table, f.path, 0, &err)); /* a recovery that passed took it for abandoned */
    assert_int_equal(err.status, CERTSTORE_E_LOCKED);
    close_fixture(&f);
}

static void a_record_is_read_only_as_it_is_written(void **state)
{
    (void)state;
    static const char *const good[] = {
        "{}", "{\"a\":\"b\"}", "{\"a\":0,\"b\":-1}", "{ \"a\" : \"%25\" }", "{\"a\":9223372036854775807}", "{\"a\":-9223372036854775808}"
    };
    static const char *const bad[] = { "",
                                       "{",
                                       "[]",
                                       "{\"a\"}",
                                       "{\"a\":}",
                                       "{\"a\":\"b\"",
                                       "{\"a\":\"b\"}x",
                                       "{\"a\":01}",
                                       "{\"a\":1.5}",
                                       "{\"a\":null}",
                                       "{\"a\":\"%\"}",
                                       "{\"a\":\"%4\"}",
                                       "{\"a\":\"%41\"}",
                                       "{\"a\":\"%00\"}",
                                       "{\"a\":\"%C3\"}",
                                       "{\"a\":\"\\n\"}",
                                       "{\"a\":9223372036854775808}",
                                       "{\"a\":-}",
                                       "{\"a\":1,}",
                                       "{\"a\":1,\"a\":2}",
                                       "{\"a\":\"\xc3\"}",
                                       "{a:1}",
                                       "{\"a",
                                       "{\"a\":99999999999999999999}",
                                       "{\"a\":-9223372036854775809}",
                                       "{\"a\":\"%4g\"}",
                                       "{\"a\":\"%g4\"}",
                                       "{\"a\":\"%/4\"}",
                                       "{\"a\":",
                                       "{\"a\":1" };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        CSI_AUTO_RECORD record = { 0 };
        certstore_error err = { 0 };
        assert_int_equal(csi_record_read(csi_span_text(good[i]), &record, &err), CERTSTORE_OK);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CSI_AUTO_RECORD record = { 0 };
        certstore_error err = { 0 };
        if (csi_record_read(csi_span_text(bad[i]), &record, &err) != CERTSTORE_E_MALFORMED)
            fail_msg("was read: %s", bad[i]);
    }
}

static void a_field_of_another_type_is_not_there(void **state)
{
    (void)state;
    CSI_AUTO_RECORD record = { 0 };
    csi_record_put(&record, "text", "7");
    csi_record_put_int(&record, "number", 7);
    assert_string_equal(csi_record_get(&record, "number"), "");
    assert_int_equal(csi_record_get_int(&record, "text", -1), -1);
    assert_string_equal(csi_record_get(&record, "another"), "");
    assert_int_equal(csi_record_get_int(&record, "another", -1), -1);
}

static void a_record_without_fields_is_written_and_read(void **state)
{
    (void)state;
    CSI_AUTO_RECORD empty = { 0 };
    CSI_AUTO_RECORD again = { 0 };
    CSI_AUTO_BUF text = { 0 };
    certstore_error err = { 0 };
    assert_int_equal(csi_record_write(&empty, &text, &err), CERTSTORE_OK);
    assert_true(csi_span_equal(csi_buf_span(&text), csi_span_text("{}")));
    assert_int_equal(csi_record_read(csi_buf_span(&text), &again, &err), CERTSTORE_OK);
}

static void a_record_over_the_longest_is_refused(void **state)
{
    (void)state;
    char *text = malloc(CSI_RECORD_MAX + 1);
    memset(text, ' ', CSI_RECORD_MAX + 1);
    memcpy(text, "{}", 2);
    for (size_t more = 0; more < 2; more++) {
        CSI_AUTO_RECORD record = { 0 };
        certstore_error err = { 0 };
        csi_record_read(csi_span(text, CSI_RECORD_MAX + more), &record, &err);
        assert_int_equal(err.status, more == 0 ? CERTSTORE_OK : CERTSTORE_E_MALFORMED);
    }
    free(text);
}

/* Every allocation failed in turn; nothing else may be wrong with it. */
static void for_want_of_memory(certstore_status (*attempt)(certstore_error *err))
{
    bool done = false;
    for (long at = 1; !done; at++) {
        certstore_error err = { 0 };
        faulty_alloc_reset(at, false);
        attempt(&err);
        done = !faulty_alloc_hit();
        faulty_alloc_reset(0, false);
        assert_int_equal(err.status, done ? CERTSTORE_OK : CERTSTORE_E_MEMORY);
        assert_in_range(at, 1, 500);
    }
}

static certstore_status write_and_read(certstore_error *err)
{
    CSI_AUTO_RECORD written = { 0 };
    CSI_AUTO_RECORD read = { 0 };
    CSI_AUTO_BUF text = { 0 };
    csi_record_put(&written, "type", "BEGIN");
    csi_record_put_int(&written, "n", 1);
    CSI_TRY(csi_record_write(&written, &text, err));
    return csi_record_read(csi_buf_span(&text), &read, err);
}

static void a_record_without_memory_is_not_called_damaged(void **state)
{
    (void)state;
    for_want_of_memory(write_and_read);
}

static void damage_is_looked_for_with_whatever_memory_there_is(void **state)
{
    (void)state;
    struct fixture f;
    certstore_error none = { 0 };
    open_fixture(&f);
    CSI_AUTO(csi_journal) *whole = new_journal(&f, &none);
    whole->lines.data[2] ^= 1;
    bool done = false;
    for (long at = 1; !done; at++) {
        certstore_error err = { 0 };
        csi_journal *journal = csi_new(1, sizeof *journal, &none);
        journal->fd = -1;
        journal->os = &csi_os_real;
        faulty_alloc_reset(at, false);
        csi_journal_parse(journal, csi_buf_span(&whole->lines), &err);
        done = !faulty_alloc_hit();
        faulty_alloc_reset(0, false);
        csi_journal_free(journal);
        assert_int_equal(err.status, done ? CERTSTORE_E_TAMPERED : CERTSTORE_E_MEMORY);
    }
    close_fixture(&f);
}

/* Whatever fails, what is found afterwards is the old journal or the new one, whole. */
static void a_failed_replacement_leaves_one_journal_or_the_other(void **state)
{
    (void)state;
    for (int allocations = 0; allocations < 2; allocations++) {
        bool done = false;
        for (long at = 1; !done; at++) {
            struct fixture f;
            certstore_error err = { 0 };
            open_fixture(&f);
            certstore_error none = { 0 };
            csi_journal *journal = new_journal(&f, &none);
            CSI_AUTO_RECORD last = { 0 };
            csi_record_put(&last, "type", "ROLLBACK");
            assert_int_equal(csi_journal_sync(journal, &none), CERTSTORE_OK);
            faulty_os_reset(&f.os);
            f.os.fail_at = allocations ? 0 : at;
            f.os.number = EIO;
            faulty_alloc_reset(allocations ? at : 0, false);
            csi_journal_replace(journal, 2, &last, &err);
            done = allocations ? !faulty_alloc_hit() : f.os.hit == NULL;
            faulty_alloc_reset(0, false);
            faulty_os_reset(&f.os);
            csi_journal_free(journal);
            CSI_AUTO(csi_journal) *read = csi_journal_open(&f.os.table, f.path, true, &none);
            assert_non_null(read);
            assert_int_equal(read->count, 3);
            if (err.status == CERTSTORE_OK)
                assert_non_null(csi_journal_find(read, "ROLLBACK"));
            close_fixture(&f);
            assert_in_range(at, 1, 200);
        }
    }
}

static void asked_to_keep_more_lines_than_there_are_it_keeps_them_all(void **state)
{
    (void)state;
    struct fixture f;
    certstore_error err = { 0 };
    open_fixture(&f);
    CSI_AUTO(csi_journal) *journal = new_journal(&f, &err);
    CSI_AUTO_RECORD last = { 0 };
    csi_record_put(&last, "type", "ROLLBACK");
    assert_int_equal(csi_journal_replace(journal, 99, &last, &err), CERTSTORE_OK);
    CSI_AUTO(csi_journal) *read = csi_journal_open(&f.os.table, f.path, false, &err);
    assert_int_equal(read->count, 4);
    assert_non_null(csi_journal_find(read, "COMMIT"));
    close_fixture(&f);
}

static void what_is_written_already_is_not_written_again(void **state)
{
    (void)state;
    struct fixture f;
    certstore_error err = { 0 };
    open_fixture(&f);
    CSI_AUTO(csi_journal) *journal = new_journal(&f, &err);
    assert_int_equal(csi_journal_write(journal, &err), CERTSTORE_OK);
    long changes = f.os.changes;
    assert_int_equal(csi_journal_write(journal, &err), CERTSTORE_OK);
    assert_int_equal(f.os.changes, changes);
    close_fixture(&f);
}

static int no_lock(const struct csi_os *os, int fd, bool exclusive)
{
    (void)os, (void)fd, (void)exclusive;
    return -ENOLCK;
}
static int somebody_elses_lock(const struct csi_os *os, int fd, bool exclusive)
{
    (void)os, (void)fd, (void)exclusive;
    return -EAGAIN;
}
static int no_room_ahead(const struct csi_os *os, int fd, off_t size)
{
    (void)os, (void)fd, (void)size;
    return -EOPNOTSUPP;
}

static void a_file_system_that_cannot_lock_carries_no_journal(void **state)
{
    (void)state;
    struct fixture f;
    certstore_error err = { 0 };
    open_fixture(&f);
    f.os.table.lock = no_lock;
    assert_null(csi_journal_create(&f.os.table, f.path, 0, &err));
    assert_int_equal(err.status, CERTSTORE_E_IO);
    assert_int_equal(test_names(f.dir), 0);
    test_write(f.dir, "journal", "");
    err = (certstore_error){ 0 };
    assert_null(csi_journal_open(&f.os.table, f.path, true, &err));
    assert_int_equal(err.status, CERTSTORE_E_IO);
    close_fixture(&f);
}

static void a_new_journal_that_a_recovery_holds_is_given_up(void **state)
{
    (void)state;
    struct fixture f;
    certstore_error err = { 0 };
    open_fixture(&f);
    f.os.table.lock = somebody_elses_lock;
    assert_null(csi_journal_create(&f.os.table, f.path, 0, &err));
    assert_int_equal(err.status, CERTSTORE_E_LOCKED);
    close_fixture(&f);
}

static void a_file_system_that_gives_no_room_ahead_will_do(void **state)
{
    (void)state;
    struct fixture f;
    certstore_error err = { 0 };
    open_fixture(&f);
    f.os.table.allocate = no_room_ahead;
    CSI_AUTO(csi_journal) *journal = new_journal(&f, &err);
    assert_int_equal(csi_journal_sync(journal, &err), CERTSTORE_OK);
    close_fixture(&f);
}

/* What stat says, as another owner, mode or identity would have it. */
static struct stat said;
static int asked;
static int say_otherwise(const struct csi_os *os, int dir, const char *path, int flags, struct stat *st)
{
    int status = csi_os_real.stat(os, dir, path, flags, st);
    st->st_uid += said.st_uid;
    st->st_mode = (st->st_mode & ~said.st_mode) | (said.st_mode & (S_IWGRP | S_IWOTH));
    if (path[0] != '\0') { /* by name, not by descriptor */
        st->st_dev += said.st_dev;
        st->st_ino += said.st_ino;
    }
    return --asked == 0 ? -EIO : status;
}
static uid_t not_root(const struct csi_os *os)
{
    (void)os;
    return 1000;
}

static certstore_status open_as(struct stat other, int failing)
{
    struct fixture f;
    certstore_error err = { 0 };
    open_fixture(&f);
    csi_journal *journal = new_journal(&f, &err);
    csi_journal_write(journal, &err);
    csi_journal_free(journal);
    assert_int_equal(err.status, CERTSTORE_OK);
    assert_int_equal(chown(f.path, geteuid(), getegid()), 0);
    said = other;
    asked = failing;
    f.os.table.stat = say_otherwise;
    f.os.table.euid = not_root;
    csi_journal_free(csi_journal_open(&f.os.table, f.path, true, &err));
    close_fixture(&f);
    return err.status;
}

static void a_journal_is_acted_on_if_root_or_we_wrote_it_and_nobody_else_can(void **state)
{
    (void)state;
    const uid_t me = geteuid();
    assert_int_equal(open_as((struct stat){ .st_uid = (uid_t)0 - me }, 0), CERTSTORE_OK);
    assert_int_equal(open_as((struct stat){ .st_uid = (uid_t)1000 - me }, 0), CERTSTORE_OK);
    assert_int_equal(open_as((struct stat){ .st_uid = (uid_t)1001 - me }, 0), CERTSTORE_E_PENDING);
    assert_int_equal(open_as((struct stat){ .st_uid = (uid_t)0 - me, .st_mode = S_IWGRP }, 0), CERTSTORE_E_PENDING);
    assert_int_equal(open_as((struct stat){ .st_uid = (uid_t)0 - me, .st_mode = S_IFREG }, 0), CERTSTORE_E_PENDING);
    assert_int_equal(open_as((struct stat){ .st_uid = (uid_t)0 - me }, 3), CERTSTORE_E_PENDING); /* its owner cannot be found out */
}

static void a_journal_whose_name_is_another_files_by_now_is_over(void **state)
{
    (void)state;
    const uid_t me = geteuid();
    assert_int_equal(open_as((struct stat){ .st_uid = (uid_t)0 - me, .st_dev = 1 }, 0), CERTSTORE_E_NOT_FOUND);
    assert_int_equal(open_as((struct stat){ .st_uid = (uid_t)0 - me, .st_ino = 1 }, 0), CERTSTORE_E_NOT_FOUND);
    assert_int_equal(open_as((struct stat){ .st_uid = (uid_t)0 - me }, 1), CERTSTORE_E_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(a_journal_is_locked_while_its_process_lives),
        cmocka_unit_test(every_truncation_yields_the_lines_before_it),
        cmocka_unit_test(every_flipped_bit_is_detected),
        cmocka_unit_test(damage_within_a_line_before_the_last_stops_everything),
        cmocka_unit_test(lines_of_zeros_are_a_torn_end),
        cmocka_unit_test(short_lines_are_a_torn_end),
        cmocka_unit_test(a_torn_end_is_cut_off_by_the_next_write),
        cmocka_unit_test(replacing_a_journal_drops_the_lines_after_a_point),
        cmocka_unit_test(a_journal_of_somebody_else_is_not_acted_on),
        cmocka_unit_test(a_journal_that_ends_while_it_is_opened_is_over),
        cmocka_unit_test(a_record_is_read_only_as_it_is_written),
        cmocka_unit_test(a_field_of_another_type_is_not_there),
        cmocka_unit_test(a_record_without_fields_is_written_and_read),
        cmocka_unit_test(a_record_over_the_longest_is_refused),
        cmocka_unit_test(a_record_without_memory_is_not_called_damaged),
        cmocka_unit_test(damage_is_looked_for_with_whatever_memory_there_is),
        cmocka_unit_test(a_failed_replacement_leaves_one_journal_or_the_other),
        cmocka_unit_test(asked_to_keep_more_lines_than_there_are_it_keeps_them_all),
        cmocka_unit_test(what_is_written_already_is_not_written_again),
        cmocka_unit_test(a_file_system_that_cannot_lock_carries_no_journal),
        cmocka_unit_test(a_new_journal_that_a_recovery_holds_is_given_up),
        cmocka_unit_test(a_file_system_that_gives_no_room_ahead_will_do),
        cmocka_unit_test(a_journal_is_acted_on_if_root_or_we_wrote_it_and_nobody_else_can),
        cmocka_unit_test(a_journal_whose_name_is_another_files_by_now_is_over),
    };
    return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
