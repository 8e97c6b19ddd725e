/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokenworld.h: two tokens and three files of a test's own, a transaction over all five, and what they are to hold before and after it.
 *
 *     token 0    the certificate of its key is renewed, the key gets another label
 *     token 1    a new key with its certificate comes in; the old key's certificate goes, the old key stays
 *     files      new content
 *
 * A certificate on an NSS token is replaced by one of the same issuer and serial number, of which NSS takes one only; and each has its trust object.
 */
#ifndef TESTS_TOKENWORLD_H
#define TESTS_TOKENWORLD_H

#include "media/token.h"
#include "support/tokens.h"

enum { WORLD_TOKENS = 2, WORLD_FILES = 3 };
enum world_maker { WORLD_SOFTHSM, WORLD_NSS };
enum world_content { WORLD_OLD, WORLD_NEW, WORLD_MIXED };

struct world {
    enum world_maker maker[WORLD_TOKENS];
    char *root;
    char *databases[WORLD_TOKENS]; /* NSS's directories */
    char *state;
    char *files[WORLD_FILES];
    struct csi_txn_env env;
    struct csi_objects old[WORLD_TOKENS]; /* what each token is to hold before and after; keys as they read, without their values */
    struct csi_objects new[WORLD_TOKENS];
    struct csi_objects second;     /* the key that comes into token 1 */
    csi_p11 *tokens[WORLD_TOKENS]; /* while they are open */
};

/* True where both can be made. */
bool world_can_be(enum world_maker first, enum world_maker second);
void world_begin(struct world *w, enum world_maker first, enum world_maker second);
void world_end(struct world *w);
/* All as it was before the transaction; no token is open meanwhile. */
void world_reset(struct world *w);

/* The tokens, with their PINs, behind the shim, which does nothing yet; until world_close(). */
void world_open(struct world *w);
void world_close(struct world *w);
/* What tokens and files hold, by a look that knows nothing of transactions; the tokens are open. */
enum world_content world_look(const struct world *w);
void world_describe(const struct world *w); /* for who has to find out why */
/* Exactly these, and these besides (NULL: none). */
bool world_token_holds(csi_p11 *token, const struct csi_objects *wanted, const struct csi_objects *besides);
/* Names that only a transaction under way may leave: marker, lock, plan, open journal. */
int world_litter(const struct world *w);

/* Opens the tokens, and has the shim do as `tamper` says from there on, so that there is a transaction to stop; closes them again. */
certstore_status world_run(struct world *w, const struct p11shim *tamper, long *calls, certstore_error *err);
/* What `certstore recover` and `certstore recover STORE...` do, with the tokens' PINs; the tokens are open. */
void world_recover(struct world *w);
/* One token's part of the transaction; the tokens are open. */
certstore_status world_add_token(struct world *w, csi_txn *txn, int i, certstore_error *err);

#endif
