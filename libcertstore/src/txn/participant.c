/* SPDX-License-Identifier: Apache-2.0 */
/* participant.c: what all participants share. */
#include "txn/participant.h"

#include <fcntl.h>

#include "base/text.h"
#include "model/cert.h"

certstore_status csi_digest_text(struct csi_span bytes, char *text, certstore_error *err CSI_UNUSED)
{
    uint8_t digest[32];
    csi_sha256(bytes, digest);
    csi_hex(digest, sizeof digest, text);
    return CERTSTORE_OK;
}

certstore_status csi_participant_init(csi_participant *p, const struct csi_participant_kind *kind, const char *location, const char *store_location,
                                      int part, certstore_error *err)
{
    p->kind = kind;
    p->part = part;
    p->location = csi_strdup(location, err);
    p->store_location = csi_strdup(store_location != NULL ? store_location : location, err);
    if (p->location == NULL || p->store_location == NULL)
        return err->status;
    csi_digest_text(csi_span_text(p->location), p->key, err); /* a digest cannot fail */
    return csi_digest_text(csi_span_text(p->store_location), p->store, err);
}

void csi_participant_clear(csi_participant *p)
{
    free(p->location);
    free(p->store_location);
    free(p->pending);
}

void csi_participant_free(csi_participant *p)
{
    if (p != NULL)
        p->kind->free(p);
}

certstore_status csi_dirs_add(struct csi_dirs *dirs, const char *path, certstore_error *err)
{
    for (size_t i = 0; i < dirs->count; i++)
        if (strcmp(dirs->paths[i], path) == 0)
            return CERTSTORE_OK;
    char **paths = csi_grow(dirs->paths, &dirs->capacity, dirs->count + 1, sizeof *paths, err);
    if (paths == NULL)
        return err->status;
    dirs->paths = paths;
    paths[dirs->count] = csi_strdup(path, err);
    if (paths[dirs->count] == NULL)
        return err->status;
    dirs->count++;
    return CERTSTORE_OK;
}

certstore_status csi_dirs_sync(struct csi_dirs *dirs, const struct csi_os *os, certstore_error *err)
{
    for (size_t i = 0; i < dirs->count; i++) {
        int status = csi_os_sync_dir(os, AT_FDCWD, dirs->paths[i]);
        if (status < 0)
            return csi_fail_errno(err, -status, "%s: the directory cannot be made durable; see the cause", dirs->paths[i]);
    }
    csi_dirs_free(dirs);
    return CERTSTORE_OK;
}

void csi_dirs_free(struct csi_dirs *dirs)
{
    for (size_t i = 0; i < dirs->count; i++)
        free(dirs->paths[i]);
    free(dirs->paths);
    *dirs = (struct csi_dirs){ 0 };
}
