/* SPDX-License-Identifier: Apache-2.0 */
/* options.h: how to open, read and write. */
#ifndef CSI_OPTIONS_H
#define CSI_OPTIONS_H

#include "base/os.h"
#include "codec/codec.h"

struct certstore_options {
    csi_passwords *passwords; /* this object's own: never shared */
    csi_secret *so_pin;       /* a token's security officer's; NULL: not given */
    enum csi_profile profile;
    char *state_dir; /* NULL: the default */
    char *actor;     /* NULL: user and program */
    int lock_timeout_ms;
    int generations;
    bool require_integrity;
    bool destroy_keys;
    bool allow_loss;
    struct csi_limits limits;
    const struct csi_os *os; /* the real one, except in tests that make it fail */
};
CSI_DEFINE_AUTO(certstore_options, certstore_options_free)

certstore_options *csi_options_copy(const certstore_options *opts, certstore_error *err); /* NULL: the defaults */

#endif
