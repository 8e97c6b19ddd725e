/* SPDX-License-Identifier: Apache-2.0 */
/* report.c: rows of findings. */
#include "model/report.h"

#include <stdarg.h>
#include <stdio.h>

certstore_report *csi_report_new(certstore_error *err)
{
    return csi_new(1, sizeof(certstore_report), err);
}

void certstore_report_free(certstore_report *report)
{
    if (report == NULL)
        return;
    for (size_t i = 0; i < report->count; i++) {
        free(report->rows[i].subject);
        free(report->rows[i].message);
    }
    free(report->rows);
    free(report);
}

static certstore_status add_row(certstore_report *report, const char *code, certstore_severity severity, const char *subject, const char *message,
                                certstore_error *err)
{
    CSI_AUTO(csi_chars) *subject_copy = csi_strdup(subject, err);
    CSI_AUTO(csi_chars) *message_copy = csi_strdup(message, err);
    if (subject_copy == NULL || message_copy == NULL)
        return err->status;
    struct csi_finding *rows = csi_grow(report->rows, &report->capacity, report->count + 1, sizeof *rows, err);
    if (rows == NULL)
        return err->status;
    report->rows = rows;
    rows[report->count++] = (struct csi_finding){ code, severity, csi_steal(&subject_copy), csi_steal(&message_copy) };
    return CERTSTORE_OK;
}

certstore_report *csi_report_copy(const certstore_report *report, certstore_error *err)
{
    CSI_AUTO(certstore_report) *copy = csi_report_new(err);
    for (size_t i = 0; copy != NULL && i < report->count; i++) {
        const struct csi_finding *row = &report->rows[i];
        if (add_row(copy, row->code, row->severity, row->subject, row->message, err) != CERTSTORE_OK)
            return NULL;
    }
    return csi_steal(&copy);
}

certstore_status csi_report_add(certstore_report *report, const char *code, certstore_severity severity, const char *subject, certstore_error *err,
                                const char *format, ...)
{
    char message[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return add_row(report, code, severity, subject, message, err);
}

static const struct csi_finding *row_at(const certstore_report *report, size_t index)
{
    return report != NULL && index < report->count ? &report->rows[index] : NULL;
}

size_t certstore_report_count(const certstore_report *report)
{
    return report != NULL ? report->count : 0;
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
