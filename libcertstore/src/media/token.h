/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.h: the participant "this token shall hold these objects", and a token as a store's place.
 *
 * A token has no rename: new objects are made beside the old ones while everything can still fail, read back, and only then, after COMMIT, are the
 * old ones destroyed. What is to be done lies in a plan (media/tokenplan.h) beside the journal. Lock and marker lie on the host, in a directory of
 * the user's own that does not depend on the state directory: beside the database for NSS, else csi_token_dir().
 */
#ifndef CSI_MEDIA_TOKEN_H
#define CSI_MEDIA_TOKEN_H

#include "media/directory.h"
#include "media/place_internal.h"
#include "media/tokenplan.h"
#include "p11/token.h"

extern const struct csi_participant_kind csi_token_kind;

/* $CERTSTORE_TOKEN_DIR, /var/lib/certstore/tokens for root, else "tokens" in the default state directory of the user. */
char *csi_token_dir(const struct csi_os *os, certstore_error *err);
/* The path that lock and marker are named after; its directory is made when it is not there. */
char *csi_token_beside(const struct csi_os *os, const csi_p11 *token, certstore_error *err);
/* The plan of a transaction for a token, beside its journal. */
char *csi_token_plan_path(const char *journal, const char *key, certstore_error *err);
/* CERTSTORE_E_NOT_FOUND when there is none: nothing has been done on the token yet, or everything is over. */
certstore_status csi_token_plan_load(const struct csi_os *os, const char *journal, const char *key, struct csi_token_plan *plan,
                                     certstore_error *err);

/* What the place shows now; an open transaction's staged objects are left out. */
certstore_status csi_token_look(csi_place *place, csi_parts *parts, csi_snapshot *snapshot, certstore_error *err);
bool csi_token_unchanged(const csi_place *place, const csi_snapshot *snapshot);
certstore_status csi_token_replace(csi_txn *txn, csi_place *place, const csi_snapshot *snapshot, const csi_parts *wanted, enum csi_key_fate fate,
                                   certstore_error *err);
/* The digest of a token that holds these objects. */
certstore_status csi_token_digest(const csi_parts *parts, char *digest, certstore_error *err);

#endif
