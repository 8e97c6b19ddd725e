/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.h: what every public function does on the way in and out. On the way in: an absent `err` is replaced by a local one, and an error that is
 * set already ends the call (the first error stays). On the way out: OpenSSL's error queue is as it was.
 */
#ifndef CSI_CALL_H
#define CSI_CALL_H

#include "base/error.h"

struct csi_call {
    certstore_error local; /* stands in for an err of NULL */
    bool marked;           /* the queue is to be put back as it was */
};

/* Begins a public call; false when it must fail at once. *err is never NULL afterwards. */
bool csi_call_begin(struct csi_call *call, certstore_error **err);
/* The same for a function that asks OpenSSL nothing that can fail: its queue is left alone, which is most of what the fence costs. */
bool csi_call_begin_light(struct csi_call *call, certstore_error **err);
void csi_call_end(struct csi_call *call);
#define CSI_AUTO_CALL __attribute__((cleanup(csi_call_end))) struct csi_call

/* CERTSTORE_E_ARGUMENT naming the parameter, for a NULL where none may be. */
certstore_status csi_fail_null(certstore_error *err, const char *parameter);

#endif
