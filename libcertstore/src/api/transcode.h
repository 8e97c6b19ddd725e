/* SPDX-License-Identifier: Apache-2.0 */
/* transcode.h: the way between parts and bundles, with a caller's options: choosing the codec, its limits, its passphrases. */
#ifndef CSI_TRANSCODE_H
#define CSI_TRANSCODE_H

#include "api/options.h"

/* By name (NULL and unknown names fail), by content. */
const struct csi_codec *csi_codec_named(const char *format, certstore_error *err);
const struct csi_codec *csi_codec_of_content(struct csi_span content, certstore_error *err);
certstore_bundle *csi_decode_parts(const struct csi_codec *codec, const csi_parts *parts, struct csi_remote *remote, const certstore_options *opts,
                                   certstore_error *err);
/* CERTSTORE_E_LOSSY where encode() would leave an entry out without a word. Costs a look at each entry's kind. */
certstore_status csi_refuse_losses(const struct csi_codec *codec, const certstore_bundle *bundle, certstore_error *err);
/* new_password: NULL, or the passphrase that everything is to be protected with from now on. */
csi_parts *csi_encode_bundle(const struct csi_codec *codec, const certstore_bundle *bundle, const certstore_options *opts,
                             const csi_secret *new_password, size_t part_count, struct csi_remote *remote, certstore_error *err);
/* One certificate or CRL out of DER or PEM bytes, as a blob of its DER. */
csi_blob *csi_single_der(struct csi_span data, certstore_kind kind, certstore_error *err);

#endif
