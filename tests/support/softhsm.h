/* SPDX-License-Identifier: Apache-2.0 */
/* softhsm.h: SoftHSM tokens of a test's own, in a temporary folder, optionally behind the shim (tests/shim). */
#ifndef TESTS_SOFTHSM_H
#define TESTS_SOFTHSM_H

#include <stdbool.h>

#include "p11/token.h"
#include "shim/p11shim.h"

#define SOFTHSM_PIN "1234"

/* True where SoftHSM is installed; a test that needs it skips otherwise. */
bool softhsm_there(void);
/* Points SOFTHSM2_CONF, P11SHIM_MODULE and CERTSTORE_TOKEN_DIR into the folder, which holds no token yet. */
void softhsm_begin(const char *folder);
void softhsm_add_token(const char *label);
/* Keeps a copy of the tokens as they are now, and brings it back. No module may be initialised meanwhile. */
void softhsm_keep(const char *folder);
void softhsm_bring_back(const char *folder);
/* Opened with the PIN; NULL with err set where that fails. */
csi_p11 *softhsm_open(const char *label, bool behind_shim, const char *pin, certstore_error *err);
/* NULL until a module has been loaded behind the shim. */
struct p11shim *softhsm_shim(void);

#endif
