/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.h: what every public function does on the way in and out. On the way in: an absent `err` is replaced by a local one, and an error that is
 * set already ends the call (the first error stays). On the way out: OpenSSL's error queue is as it was, by a fence around the call where it uses
 * OpenSSL itself, or by those of the lower floors (model/ossl.h).
 */
#ifndef CSI_CALL_H
#define CSI_CALL_H

#include "base/error.h"
#include "model/ossl.h"

struct csi_call {
    certstore_error local; /* stands in for an err of NULL */
    struct csi_fence fence;
};

/* Begins a public call; false when it must fail at once. *err is never NULL afterwards. */
bool csi_call_begin(struct csi_call *call, certstore_error **err);
/* The same for a function that uses OpenSSL itself. */
bool csi_call_begin_fenced(struct csi_call *call, certstore_error **err);
void csi_call_end(struct csi_call *call);
#define CSI_AUTO_CALL __attribute__((cleanup(csi_call_end))) struct csi_call

/* CERTSTORE_E_ARGUMENT naming the parameter, for a NULL where none may be. */
certstore_status csi_fail_null(certstore_error *err, const char *parameter);

#endif
