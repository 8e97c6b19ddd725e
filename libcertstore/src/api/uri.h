/* SPDX-License-Identifier: Apache-2.0 */
/* uri.h: where a store is, as its user writes it. */
#ifndef CSI_URI_H
#define CSI_URI_H

#include "codec/codec.h"

struct csi_uri {
    const struct csi_codec *codec; /* NULL: a bare path, to be recognised */
    char *path;
    char *key_path; /* pem:...?key=PATH; NULL without */
};
void csi_uri_clear(struct csi_uri *uri);
#define CSI_AUTO_URI __attribute__((cleanup(csi_uri_clear))) struct csi_uri

/* "FORMAT:PATH[?key=PATH]" or a bare path. A path may hold %XX escapes where it follows a format; "file" names with ':' or '?' in them need them.
 * A query that is not known is CERTSTORE_E_ARGUMENT: an option that is not understood must not be passed over. */
certstore_status csi_uri_parse(const char *text, struct csi_uri *uri, certstore_error *err);
/* "pkcs11:..." (path is the whole URI) and "nss:DIRECTORY". */
bool csi_uri_is_token(const struct csi_uri *uri);
/* The text form of a store in files, without anything secret: "pem:/etc/a.pem?key=/etc/k.pem". */
char *csi_uri_text(const struct csi_uri *uri, certstore_error *err);

#endif
