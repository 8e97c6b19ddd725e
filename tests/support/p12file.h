/* SPDX-License-Identifier: Apache-2.0 */
/* p12file.h: PKCS#12 files put together bag by bag, without a MAC and as hostile as they need be. */
#ifndef TESTS_P12FILE_H
#define TESTS_P12FILE_H

#include "base/writer.h"
#include "codec/pkcs12.h"

/* A ContentInfo of type data around the content of a safe (or of anything else). */
void p12file_put_data(struct csi_buf *out, struct csi_span content);
/* A safe under pbeWithSHAAnd3-KeyTripleDES-CBC with a salt and a number of iterations of its own; nothing opens it. */
void p12file_put_costly_safe(struct csi_buf *out, uint8_t salt, unsigned iterations);
/* The file around its safes, which are emptied. */
void p12file_finish(struct csi_buf *out, struct csi_buf *safes);

/* A bag; name and localKeyID may be NULL. */
void p12file_put_bag(struct csi_buf *out, enum csi_bag_number number, struct csi_span value, const char *name, const char *id);
void p12file_put_cert(struct csi_buf *out, struct csi_span der, const char *name, const char *id);
/* Puts SafeContents into a bag of their own, and that into SafeContents. */
void p12file_nest(struct csi_buf *contents);
/* The file around one safe in the clear with these bags, which are emptied. */
void p12file_finish_bags(struct csi_buf *out, struct csi_buf *bags);

#endif
