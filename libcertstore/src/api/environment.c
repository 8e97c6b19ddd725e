/* SPDX-License-Identifier: Apache-2.0 */
/* environment.c: what a transaction of given options works with. */
#include "api/environment.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

void csi_env_clear(struct csi_env *env)
{
    free(env->state_dir);
    *env = (struct csi_env){ 0 };
}

/* The journal's path is left beside the stores for openers with another working directory: it is absolute. */
static char *absolute(const char *path, certstore_error *err)
{
    if (path[0] == '/')
        return csi_strdup(path, err);
    char *here = getcwd(NULL, 0);
    if (here == NULL) {
        csi_fail_errno(err, errno, "%s: the working directory cannot be named; give an absolute path", path);
        return NULL;
    }
    char *whole = csi_format(err, "%s/%s", strcmp(here, "/") == 0 ? "" : here, path);
    free(here);
    return whole;
}

/* Asked of the system once a thread: the name service opens sockets and files for it, as many as the rest of a transaction. */
static const char *user_of(uid_t uid)
{
    static _Thread_local struct {
        char name[64];
        uid_t uid;
    } known;
    struct passwd entry;
    struct passwd *found = NULL;
    char room[4096];
    if (known.name[0] != '\0' && known.uid == uid)
        return known.name;
    known.uid = uid;
    if (getpwuid_r(uid, &entry, room, sizeof room, &found) == 0 && found != NULL)
        snprintf(known.name, sizeof known.name, "%s", found->pw_name);
    else
        snprintf(known.name, sizeof known.name, "uid %u", (unsigned)uid);
    return known.name;
}

/* "alice (certstore)", "root for alice (certstore)" under sudo: what the next administrator wants to know. */
static char *default_actor(const struct csi_os *os, certstore_error *err)
{
    const uid_t uid = os->euid(os);
    const char *user = user_of(uid);
    const char *sudo = uid == 0 ? getenv("SUDO_USER") : NULL;
    bool for_other = sudo != NULL && sudo[0] != '\0' && strcmp(sudo, user) != 0;
    return csi_format(err, "%s%s%.64s (%.64s)", user, for_other ? " for " : "", for_other ? sudo : "", program_invocation_short_name);
}

char *csi_env_actor(const certstore_options *opts, certstore_error *err)
{
    return opts->actor != NULL ? csi_strdup(opts->actor, err) : default_actor(opts->os, err);
}

certstore_status csi_env_of(const certstore_options *opts, struct csi_env *out, certstore_error *err)
{
    CSI_AUTO_ENV env = { 0 };
    env.state_dir = opts->state_dir != NULL ? absolute(opts->state_dir, err) : csi_default_state_dir(opts->os, err);
    if (env.state_dir == NULL)
        return err->status;
    env.env = (struct csi_txn_env){
        .os = opts->os,
        .state_dir = env.state_dir,
        .kinds = csi_place_kinds,
        .lock_timeout_ms = opts->lock_timeout_ms,
        .generations = opts->generations,
    };
    *out = env;
    env = (struct csi_env){ 0 };
    return CERTSTORE_OK;
}
