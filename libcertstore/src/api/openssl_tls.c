/* SPDX-License-Identifier: Apache-2.0 */
/* openssl_tls.c: the one function of the bridge that needs libssl, in a file of its own: a program with the library inside that makes no TLS context
 * starts without libssl. */
#include "api/call.h"
#include "api/openssl.h"
#include "key/pkey.h"
#include "model/ossl.h"

certstore_status certstore_entry_use(const certstore_entry *entry, SSL_CTX *ctx, certstore_error *err)
{
    CSI_AUTO_CALL call;
    if (!csi_call_begin_fenced(&call, &err))
        return err->status;
    if (entry == NULL || ctx == NULL)
        return csi_fail_null(err, entry == NULL ? "entry" : "ctx");
    if (entry->cert_count == 0)
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "%s: the key has no certificate to present; add its chain", entry->alias);
    CSI_AUTO(EVP_PKEY) *key = csi_entry_pkey(entry, err);
    CSI_AUTO(X509) *leaf = key != NULL ? csi_make_x509(&entry->certs[0], err) : NULL;
    if (leaf == NULL)
        return err->status;
    STACK_OF(X509) *chain = sk_X509_new_null();
    for (size_t i = 1; chain != NULL && i < entry->cert_count; i++) {
        X509 *x509 = csi_make_x509(&entry->certs[i], err);
        if (x509 == NULL || sk_X509_push(chain, x509) <= 0) {
            X509_free(x509);
            sk_X509_pop_free(chain, X509_free);
            return csi_error_memory(err);
        }
    }
    /* One call sets all three, or none: a context is never left with a certificate that is not its key's. */
    int used = chain != NULL && SSL_CTX_use_cert_and_key(ctx, leaf, key, chain, 1) == 1;
    sk_X509_pop_free(chain, X509_free);
    return used ? CERTSTORE_OK
                : csi_fail_ossl(err, CERTSTORE_E_MISMATCH, "%s: OpenSSL does not take this key and certificate together", entry->alias);
}
