/* SPDX-License-Identifier: Apache-2.0 */
/* call.c: the fence around every public function. */
#include "api/call.h"

#include <openssl/err.h>

bool csi_call_begin_light(struct csi_call *call, certstore_error **err)
{
    call->marked = false;
    if (*err == NULL) {
        call->local.status = CERTSTORE_OK;
        *err = &call->local;
    }
    return (*err)->status == CERTSTORE_OK;
}

bool csi_call_begin(struct csi_call *call, certstore_error **err)
{
    if (!csi_call_begin_light(call, err))
        return false;
    ERR_set_mark(); /* on an empty queue it sets none, and the pop at the end then empties it again */
    call->marked = true;
    return true;
}

void csi_call_end(struct csi_call *call)
{
    if (call->marked)
        ERR_pop_to_mark();
}

certstore_status csi_fail_null(certstore_error *err, const char *parameter)
{
    return csi_fail(err, CERTSTORE_E_ARGUMENT, "argument: %s is NULL; pass an object", parameter);
}
