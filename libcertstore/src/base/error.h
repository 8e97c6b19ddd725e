/* SPDX-License-Identifier: Apache-2.0 */
/* error.h: the one error model. Inside the library `err` is never NULL: the public functions see to that. */
#ifndef CSI_ERROR_H
#define CSI_ERROR_H

#include "base/mem.h"

/* Fixed arrays, so that reporting "no memory" needs none. */
struct certstore_error {
    certstore_status status;
    char message[512];
    char cause[256];
    char subject[512];
};

/* Sets err (the first error stays) and returns the status that err now has, so that `return csi_fail(...)` reads well. The message is
 * "NOUN: what is wrong; what to do", without a newline and without any secret. Control characters are escaped. */
certstore_status csi_fail(certstore_error *err, certstore_status status, const char *format, ...) CSI_PRINTF(3, 4);
/* The same, with errno's text as the cause; the status follows from errno (ENOSPC: NO_SPACE, EROFS: READ_ONLY, ENOENT: NOT_FOUND ...). */
certstore_status csi_fail_errno(certstore_error *err, int number, const char *format, ...) CSI_PRINTF(3, 4);
certstore_status csi_error_memory(certstore_error *err);
/* Puts the noun in front of the message, once, and records it as the subject: the API knows the store's URI, a codec does not. */
void csi_error_about(certstore_error *err, const char *subject);
void csi_error_set_cause(certstore_error *err, const char *cause);
/* Moves an error from a scratch object into err (the first error stays). */
void csi_error_move(certstore_error *err, const certstore_error *from);
/* Puts '?' for control characters, half surrogates and broken UTF-8: what is shown to people is one line that cannot steer a terminal. */
void csi_make_printable(char *text);
CSI_DEFINE_AUTO(certstore_error, certstore_error_free)

#endif
