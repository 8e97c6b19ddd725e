/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_journal.c: any bytes as a journal: parsed or refused, and what was parsed is what its own bytes say when parsed again. */
#include <stdlib.h>

#include "txn/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static csi_journal *parse(struct csi_span bytes)
{
    certstore_error err = { 0 };
    csi_journal *journal = calloc(1, sizeof *journal);
    if (journal == NULL)
        return NULL;
    journal->os = &csi_os_real;
    journal->fd = -1;
    if (csi_journal_parse(journal, bytes, &err) == CERTSTORE_OK)
        return journal;
    csi_journal_free(journal);
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CSI_AUTO(csi_journal) *journal = parse(csi_span(data, size));
    if (journal == NULL)
        return 0;
    CSI_AUTO(csi_journal) *again = parse(csi_buf_span(&journal->lines));
    if (again == NULL || again->count != journal->count || again->lines.size != journal->lines.size)
        abort();
    /* The records alone as well: a fuzzer does not guess digests. */
    CSI_AUTO_RECORD record = { 0 };
    certstore_error err = { 0 };
    CSI_AUTO_BUF written = { 0 };
    CSI_AUTO_RECORD second = { 0 };
    if (csi_record_read(csi_span(data, size), &record, &err) != CERTSTORE_OK)
        return 0;
    if (csi_record_write(&record, &written, &err) != CERTSTORE_OK || csi_record_read(csi_buf_span(&written), &second, &err) != CERTSTORE_OK ||
        second.count != record.count)
        abort();
    return 0;
}
