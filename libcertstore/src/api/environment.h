/* SPDX-License-Identifier: Apache-2.0 */
/* environment.h: what a transaction of given options works with: state directory, actor, system calls, kinds of participants. */
#ifndef CSI_ENVIRONMENT_H
#define CSI_ENVIRONMENT_H

#include "api/options.h"
#include "media/place.h"

struct csi_env {
    struct csi_txn_env env; /* points into the two below */
    char *state_dir;
    char *actor;
};
/* with_actor false: leaves out who it is, which needs the user database and only a change is asked for. */
certstore_status csi_env_of(const certstore_options *opts, bool with_actor, struct csi_env *env, certstore_error *err);
void csi_env_clear(struct csi_env *env);
#define CSI_AUTO_ENV __attribute__((cleanup(csi_env_clear))) struct csi_env

#endif
