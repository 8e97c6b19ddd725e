/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_journal.c: any bytes as a journal, and any lines as its records: parsed or refused, and what was parsed is what its own bytes say when parsed
 * again. A fuzzer does not guess digests, so the lines that are records are put into a journal whose digests are right.
 */
#include "fuzz/fuzz.h"
#include "txn/journal.h"

static csi_journal *new_journal(void)
{
    csi_journal *journal = calloc(1, sizeof *journal);
    must(journal != NULL);
    journal->os = &csi_os_real;
    journal->fd = -1;
    return journal;
}

static csi_journal *parse(struct csi_span bytes)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_journal) *journal = new_journal();
    const certstore_status status = csi_journal_parse(journal, bytes, &err);
    must(status == err.status);
    return status == CERTSTORE_OK ? csi_steal(&journal) : NULL;
}

static void parse_again(const csi_journal *journal)
{
    CSI_AUTO(csi_journal) *again = parse(csi_buf_span(&journal->lines));
    must(again != NULL && again->count == journal->count && again->lines.size == journal->lines.size);
    must(strcmp(again->mark, journal->mark) == 0);
}

static void must_be_the_same_record(const struct csi_record *a, const struct csi_record *b)
{
    must(a->count == b->count);
    for (size_t i = 0; i < a->count; i++) {
        const struct csi_field *x = &a->fields[i], *y = &b->fields[i];
        must(strcmp(x->name, y->name) == 0 && x->number == y->number && (x->text == NULL) == (y->text == NULL));
        must(x->text == NULL || strcmp(x->text, y->text) == 0);
    }
}

/* Adds the line to the journal if it is a record. */
static void add_line(csi_journal *journal, struct csi_span line)
{
    certstore_error err = { 0 };
    CSI_AUTO_RECORD record = { 0 };
    CSI_AUTO_RECORD again = { 0 };
    CSI_AUTO_BUF written = { 0 };
    if (csi_record_read(line, &record, &err) != CERTSTORE_OK)
        return;
    must(csi_record_write(&record, &written, &err) == CERTSTORE_OK);
    if (written.size > CSI_RECORD_MAX)
        return;
    must(csi_record_read(csi_buf_span(&written), &again, &err) == CERTSTORE_OK);
    must_be_the_same_record(&record, &again);
    must(csi_journal_add(journal, &record, &err) == CERTSTORE_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CSI_AUTO(csi_journal) *as_it_stands = parse(csi_span(data, size));
    if (as_it_stands != NULL)
        parse_again(as_it_stands);
    CSI_AUTO(csi_journal) *journal = parse(csi_span(NULL, 0)); /* the empty one */
    must(journal != NULL);
    for (size_t at = 0; at < size;) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        const size_t length = end != NULL ? (size_t)(end - (data + at)) : size - at;
        add_line(journal, csi_span(data + at, length));
        at += length + 1;
    }
    parse_again(journal);
    return 0;
}
