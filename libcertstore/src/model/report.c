/* SPDX-License-Identifier: Apache-2.0 */
/* report.c: rows of findings, every one a printable line. */
#include "model/report.h"

#include <stdarg.h>
#include <stdio.h>

static void drop(struct csi_finding *row)
{
    free(row->subject);
    free(row->message);
}

void certstore_report_free(certstore_report *report)
{
    if (report == NULL)
        return;
    for (size_t i = 0; i < report->count; i++)
        drop(&report->rows[i]);
    free(report->rows);
    free(report);
}

certstore_report *csi_report_new(certstore_error *err)
{
    return csi_new(1, sizeof(certstore_report), err);
}

certstore_status csi_report_add(certstore_report *report, const char *code, certstore_severity severity, const char *subject, certstore_error *err,
                                const char *format, ...)
{
    va_list args;
    if (report->left_out_only && (severity != CERTSTORE_FAULT || report->count > 0))
        return CERTSTORE_OK;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    CSI_AUTO(csi_chars) *message = length >= 0 ? malloc((size_t)length + 1) : NULL;
    if (message == NULL)
        return csi_error_memory(err);
    va_start(args, format);
    vsnprintf(message, (size_t)length + 1, format, args);
    va_end(args);
    csi_make_printable(message);
    CSI_AUTO(csi_chars) *about = csi_strdup(subject, err);
    if (about == NULL)
        return err->status;
    struct csi_finding *rows = csi_grow(report->rows, &report->capacity, report->count + 1, sizeof *rows, err);
    if (rows == NULL)
        return err->status;
    report->rows = rows;
    rows[report->count++] = (struct csi_finding){ code, severity, csi_steal(&about), csi_steal(&message) };
    return CERTSTORE_OK;
}

certstore_report *csi_report_copy(const certstore_report *report, certstore_error *err)
{
    CSI_AUTO(certstore_report) *copy = csi_report_new(err);
    if (copy == NULL || report == NULL)
        return csi_steal(&copy);
    for (size_t i = 0; i < report->count; i++) {
        const struct csi_finding *row = &report->rows[i];
        if (csi_report_add(copy, row->code, row->severity, row->subject, err, "%s", row->message) != CERTSTORE_OK)
            return NULL;
    }
    return csi_steal(&copy);
}

size_t certstore_report_count(const certstore_report *report)
{
    return report != NULL ? report->count : 0;
}

static const struct csi_finding *row_at(const certstore_report *report, size_t index)
{
    return report != NULL && index < report->count ? &report->rows[index] : NULL;
}

const char *certstore_report_code(const certstore_report *report, size_t index)
{
    const struct csi_finding *row = row_at(report, index);
    return row != NULL ? row->code : NULL;
}

certstore_severity certstore_report_severity(const certstore_report *report, size_t index)
{
    const struct csi_finding *row = row_at(report, index);
    return row != NULL ? row->severity : CERTSTORE_INFO;
}

const char *certstore_report_subject(const certstore_report *report, size_t index)
{
    const struct csi_finding *row = row_at(report, index);
    return row != NULL ? row->subject : NULL;
}

const char *certstore_report_message(const certstore_report *report, size_t index)
{
    const struct csi_finding *row = row_at(report, index);
    return row != NULL ? row->message : NULL;
}
