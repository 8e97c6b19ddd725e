/* SPDX-License-Identifier: Apache-2.0 */
/* call.c: the way into every public function, and out of it. */
#include "api/call.h"

bool csi_call_begin(struct csi_call *call, certstore_error **err)
{
    call->fence.up = false;
    if (*err == NULL) {
        call->local.status = CERTSTORE_OK;
        *err = &call->local;
    }
    return (*err)->status == CERTSTORE_OK;
}

bool csi_call_begin_fenced(struct csi_call *call, certstore_error **err)
{
    if (!csi_call_begin(call, err))
        return false;
    csi_fence_begin(&call->fence);
    return true;
}

void csi_call_end(struct csi_call *call)
{
    csi_fence_end(&call->fence);
}

certstore_status csi_fail_null(certstore_error *err, const char *parameter)
{
    return csi_fail(err, CERTSTORE_E_ARGUMENT, "argument: %s is NULL; pass an object", parameter);
}
