/* SPDX-License-Identifier: Apache-2.0 */
/* openssl.h: what the two files of the OpenSSL bridge share. */
#ifndef CSI_API_OPENSSL_H
#define CSI_API_OPENSSL_H

#include <certstore_openssl.h>

#include "model/entry.h"

CSI_DEFINE_AUTO(X509, X509_free)
CSI_DEFINE_AUTO(EVP_PKEY, EVP_PKEY_free)

/* A certificate parsed by OpenSSL, with its default library context. */
X509 *csi_make_x509(const certstore_cert *cert, certstore_error *err);

#endif
