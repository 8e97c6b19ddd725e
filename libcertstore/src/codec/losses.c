/* SPDX-License-Identifier: Apache-2.0 */
/* losses.c: what no format holds, whatever else it does: keys that do not leave their token, and entries that are emptied of what makes them one. */
#include "codec/codec.h"

certstore_status csi_losses_bound(const certstore_entry *entry, bool *bound, certstore_report *losses, certstore_error *err)
{
    *bound = !losses->left_out_only && entry->key != NULL && csi_key_is_bound(entry->key, entry->alias);
    if (!*bound)
        return CERTSTORE_OK;
    return csi_report_add(losses, "key-bound", CERTSTORE_FAULT, entry->alias, err, "the %s does not leave its token; the entry is left out",
                          entry->kind == CERTSTORE_KEY ? "private key" : "secret key");
}

certstore_status csi_losses_empty(const certstore_entry *entry, bool *empty, certstore_report *losses, certstore_error *err)
{
    *empty = entry->kind != CERTSTORE_CRL && entry->kind != CERTSTORE_OPAQUE && entry->cert_count == 0 && entry->key == NULL;
    if (!*empty)
        return CERTSTORE_OK;
    return csi_report_add(losses, "opaque-lost", CERTSTORE_FAULT, entry->alias, err, "an entry without the key or certificate that makes it one");
}
