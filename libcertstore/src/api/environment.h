/* SPDX-License-Identifier: Apache-2.0 */
/* environment.h: what a transaction of given options works with: state directory, system calls, kinds of participants; and who carries it out. */
#ifndef CSI_ENVIRONMENT_H
#define CSI_ENVIRONMENT_H

#include "api/options.h"
#include "media/place.h"

struct csi_env {
    struct csi_txn_env env; /* points to the one below */
    char *state_dir;
};
/* Without the actor, whom the user database is asked for: see csi_env_actor(). */
certstore_status csi_env_of(const certstore_options *opts, struct csi_env *env, certstore_error *err);
void csi_env_clear(struct csi_env *env);
#define CSI_AUTO_ENV __attribute__((cleanup(csi_env_clear))) struct csi_env

/* Whom the history shall name: what the options say, or user and program. The caller's. */
char *csi_env_actor(const certstore_options *opts, certstore_error *err);

#endif
