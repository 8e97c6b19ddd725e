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

/* Who a user of a store is, kept with it: a process that changes a store again and again asks the user database once. */
struct csi_actor {
    char *text; /* NULL: not asked for yet */
    uid_t uid;  /* whose name it is */
};
/* What the history shall say: what the options name, or user and program. Borrowed from the options or from `known`; NULL on failure. */
const char *csi_env_actor(const certstore_options *opts, struct csi_actor *known, certstore_error *err);
#define CSI_AUTO_ENV __attribute__((cleanup(csi_env_clear))) struct csi_env

#endif
