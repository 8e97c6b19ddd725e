/* SPDX-License-Identifier: Apache-2.0 */
/* store.h: a store: a place, its format, and how its user wants it opened. */
#ifndef CSI_STORE_H
#define CSI_STORE_H

#include "api/environment.h"
#include "api/uri.h"
#include "media/place.h"

struct certstore {
    struct csi_uri uri; /* codec never NULL */
    char *text;         /* the URI for people */
    certstore_options *opts;
    csi_place *place;
    csi_p11 *token; /* NULL: files */
    const struct csi_codec *codec;
};
CSI_DEFINE_AUTO(certstore, certstore_free)

size_t csi_store_part_count(const certstore *store);
/* The store's parts, and what they looked like; no parts when it does not exist. */
certstore_status csi_store_read_parts(certstore *store, csi_parts **parts, csi_snapshot **snapshot, certstore_error *err);
/* Parts as a bundle in the store's format; an empty bundle for no parts. */
certstore_bundle *csi_store_decode(const certstore *store, const csi_parts *parts, certstore_error *err);
/* What its keys refer to; NULL for files. */
struct csi_remote *csi_store_remote(const certstore *store);
/* True if the bundle was read from this very store. */
bool csi_store_read_it(const certstore *store, const certstore_bundle *bundle);

#endif
