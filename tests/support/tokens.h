/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokens.h: tokens of a test's own in a temporary folder: SoftHSM's and NSS databases; objects to put into them; and what may stand before a module:
 * a spy inside this process, whose calls are counted and refused, or the shim (tests/shim), which lasts over a token's opening and into a child. What
 * is not installed is skipped, with the reason on a line of its own.
 */
#ifndef TESTS_TOKENS_H
#define TESTS_TOKENS_H

#include "p11/internal.h"
#include "shim/p11shim.h"

#define TOKEN_PIN "1234"
#define TOKEN_SO_PIN "567890"
#define TOKEN_WRONG_PIN "4321"

/* For a group's setup, which cannot skip: is it installed, with the program that makes its tokens? */
bool tokens_softhsm_there(void);
bool tokens_nss_there(void);
/* Each skips the test where it cannot be made. The folder is the caller's (test_dir_new). */
void tokens_softhsm_begin(const char *folder);
void tokens_softhsm_add(const char *label);
const char *tokens_softhsm_module(void);
/* "sql:" databases with that password ("" for none) in folder/name, which is returned; the caller's. */
char *tokens_nss_make(const char *folder, const char *name, const char *password);

/* Opened by URI text; NULL with err set. pin may be NULL. */
csi_p11 *tokens_open_uri(const char *uri, const char *pin, certstore_error *err);
csi_p11 *tokens_open_softhsm(const char *label, const char *pin, certstore_error *err);
csi_p11 *tokens_open_nss(const char *directory, const char *pin, certstore_error *err);

/* From here on NSS's module is spoken to through the shim in this process and its children, and SoftHSM's by tokens_open_shimmed(). */
extern struct p11shim tokens_shim;
void tokens_shim_begin(void);
csi_p11 *tokens_open_shimmed(const char *label, const char *pin, certstore_error *err);
/* A shim of the module's own name in the folder, which stands before it; its path is the caller's, module and reserved stay for good. */
char *tokens_shim_before(const char *module, const char *reserved, const char *folder);
/* A folder of files and folders, copied as far as their bytes go. */
void tokens_copy_tree(const char *from, const char *to);

/* Objects to be made; the caller's. */
csi_blob *tokens_certificate(const char *label, const char *id, csi_blob *der);
csi_blob *tokens_private_key(const char *label, const char *id, const char *type);
/* NSS: the certificate stands for the servers that it signs for (certutil's "C,,"). */
csi_blob *tokens_trust(csi_blob *certificate);
csi_blob *tokens_data(const char *label, struct csi_span value);
csi_blob *tokens_aes(const char *label, bool extractable);
csi_blob *tokens_der(const char *common_name, const char *serial); /* of a self-signed certificate */

size_t tokens_count(csi_p11 *token, uint32_t object_class);
/* The first object of the class and label; NULL when there is none. */
csi_blob *tokens_find(csi_p11 *token, uint32_t object_class, const char *label);

/* A module of which every call is counted. Only one token at a time. refuse: this call is answered so and not passed on; `after` as many of it. */
struct tokens_spy {
    csi_p11 *token;
    CK_FUNCTION_LIST *real;
    CK_FUNCTION_LIST list;
    int logins, opened, closed, signs, finds, creates;
    int most_open; /* of sessions */
    struct {
        const char *function;
        CK_RV answer;
        int after;
        int times;
    } refuse;
    CK_ULONG sessions_allowed; /* 0: any number */
    CK_FLAGS token_flags;      /* added to what the token says */
};
extern struct tokens_spy tokens_spy;
void tokens_spy_on(csi_p11 *token);
void tokens_spy_off(void);

#endif
