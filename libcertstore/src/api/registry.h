/* SPDX-License-Identifier: Apache-2.0 */
/* registry.h: the list of formats. A new format is one line here. */
#ifndef CSI_REGISTRY_H
#define CSI_REGISTRY_H

#include "codec/codec.h"

/* By name; NULL when unknown. */
const struct csi_codec *csi_registry_find(const char *name);
/* By content: the codec that is surest; NULL when none knows it. */
const struct csi_codec *csi_registry_probe(struct csi_span content);
/* By a path's suffix, for a store that does not exist yet; NULL when it says nothing. */
const struct csi_codec *csi_registry_suffix(const char *path);

#endif
