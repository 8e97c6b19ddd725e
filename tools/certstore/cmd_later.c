/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_later.c: verbs whose names are taken and whose work comes in a later version: they say so instead of being unknown. */
#include "verbs.h"

static const struct option options[] = { { 0 } };

const struct verb verb_confirm = {
    .name = "confirm",
    .synopsis = "TXN",
    .summary = "end a provisional transaction: keep the new material",
    .about = "Not in this version.\n",
    .options = options,
    .max_arguments = -1,
    .later = true,
};
const struct verb verb_cancel = {
    .name = "cancel",
    .synopsis = "TXN",
    .summary = "end a provisional transaction: go back now",
    .about = "Not in this version.\n",
    .options = options,
    .max_arguments = -1,
    .later = true,
};
const struct verb verb_probe = {
    .name = "probe",
    .synopsis = "HOST:PORT --trust STORE [--identity STORE#ALIAS]",
    .summary = "a TLS handshake against what a store says",
    .about = "Not in this version.\n",
    .options = options,
    .max_arguments = -1,
    .later = true,
};
