/* SPDX-License-Identifier: Apache-2.0 */
/* error.c: the first error stays; a message is one printable line. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/text.h"

/* A hostile alias must not move a terminal's cursor or forge a log line, and a message cut short must still be UTF-8. */
void csi_make_printable(char *text)
{
    const uint8_t *at = (const uint8_t *)text;
    const uint8_t *end = at + strlen(text);
    while (at < end) {
        if (*at >= 0x20 && *at < 0x7f) {
            at++;
            continue;
        }
        char *from = (char *)(uintptr_t)at;
        int32_t c = csi_utf8_next(&at, end);
        bool shown = c >= 0x20 && (c < 0x7f || c > 0x9f) && (c < 0xd800 || c > 0xdfff);
        if (c < 0)
            at++; /* one byte that belongs to nothing */
        if (!shown)
            memset(from, '?', (size_t)((const char *)at - from));
    }
}

static void set(certstore_error *err, certstore_status status, const char *format, va_list args)
{
    err->status = status;
    err->cause[0] = '\0';
    err->subject[0] = '\0';
    vsnprintf(err->message, sizeof err->message, format, args);
    csi_make_printable(err->message);
}

certstore_status csi_fail(certstore_error *err, certstore_status status, const char *format, ...)
{
    if (err->status != CERTSTORE_OK)
        return err->status;
    va_list args;
    va_start(args, format);
    set(err, status, format, args);
    va_end(args);
    return status;
}

static certstore_status status_of_errno(int number)
{
    switch (number) {
    case ENOMEM:
        return CERTSTORE_E_MEMORY;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return CERTSTORE_E_NO_SPACE;
    case EROFS:
        return CERTSTORE_E_READ_ONLY;
    case ENOENT:
    case ENOTDIR:
        return CERTSTORE_E_NOT_FOUND;
    case EEXIST:
        return CERTSTORE_E_EXISTS;
    default:
        return CERTSTORE_E_IO;
    }
}

/* Most of what the system refuses, only its own words explain; of a full disk everybody can be told what to do. */
static void name_remedy(certstore_error *err)
{
    static const char general[] = "; see the cause";
    static const char remedy[] = "; make room there and try again";
    size_t size = strlen(err->message);
    if (err->status != CERTSTORE_E_NO_SPACE || size < sizeof general - 1)
        return;
    size_t at = size - (sizeof general - 1);
    if (strcmp(err->message + at, general) == 0 && at + sizeof remedy <= sizeof err->message)
        memcpy(err->message + at, remedy, sizeof remedy);
}

certstore_status csi_fail_errno(certstore_error *err, int number, const char *format, ...)
{
    if (err->status != CERTSTORE_OK)
        return err->status;
    va_list args;
    va_start(args, format);
    set(err, status_of_errno(number), format, args);
    va_end(args);
    name_remedy(err);
    char text[128];
    csi_error_set_cause(err, strerror_r(number, text, sizeof text));
    return err->status;
}

certstore_status csi_error_memory(certstore_error *err)
{
    return csi_fail(err, CERTSTORE_E_MEMORY, "memory: none left; free some and try again");
}

void csi_error_about(certstore_error *err, const char *subject)
{
    if (err->status == CERTSTORE_OK || err->subject[0] != '\0')
        return;
    snprintf(err->subject, sizeof err->subject, "%s", subject);
    csi_make_printable(err->subject);
    if (strncmp(err->message, subject, strlen(subject)) == 0)
        return;
    char message[sizeof err->message];
    memcpy(message, err->message, sizeof message);
    struct csi_buf whole = { 0 };
    csi_buf_printf(&whole, "%s: %s", err->subject, message);
    if (!whole.failed)
        snprintf(err->message, sizeof err->message, "%.*s", (int)whole.size, (const char *)whole.data);
    csi_make_printable(err->message); /* it may have been cut */
    csi_buf_free(&whole);
}

void csi_error_set_cause(certstore_error *err, const char *cause)
{
    snprintf(err->cause, sizeof err->cause, "%s", cause);
    csi_make_printable(err->cause);
}

void csi_error_move(certstore_error *err, const certstore_error *from)
{
    if (err->status == CERTSTORE_OK)
        *err = *from;
}

static const char *const status_names[] = {
    "OK",    "ARGUMENT", "MEMORY", "IO",        "NOT_FOUND", "EXISTS",  "PASSWORD", "NO_MAC",   "TAMPERED", "UNSUPPORTED", "TRUNCATED", "MALFORMED",
    "LIMIT", "CONFLICT", "LOCKED", "READ_ONLY", "NO_SPACE",  "PENDING", "LOSSY",    "MISMATCH", "IN_DOUBT", "UNAVAILABLE", "BOUND",
};

const char *certstore_status_name(certstore_status status)
{
    size_t index = (size_t)status;
    return index < sizeof status_names / sizeof *status_names ? status_names[index] : "UNKNOWN";
}

certstore_error *certstore_error_new(void)
{
    return calloc(1, sizeof(certstore_error));
}

void certstore_error_free(certstore_error *err)
{
    free(err);
}

void certstore_error_clear(certstore_error *err)
{
    if (err != NULL)
        *err = (certstore_error){ 0 };
}

certstore_status certstore_error_status(const certstore_error *err)
{
    return err != NULL ? err->status : CERTSTORE_OK;
}

const char *certstore_error_message(const certstore_error *err)
{
    return err != NULL ? err->message : "";
}

const char *certstore_error_cause(const certstore_error *err)
{
    return err != NULL ? err->cause : "";
}

const char *certstore_error_subject(const certstore_error *err)
{
    return err != NULL ? err->subject : "";
}
