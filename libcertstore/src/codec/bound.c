/* SPDX-License-Identifier: Apache-2.0 */
/* bound.c: keys that do not leave their token, for the formats that would hold them otherwise. */
#include "codec/codec.h"

certstore_status csi_losses_bound(const certstore_entry *entry, bool *bound, certstore_report *losses, certstore_error *err)
{
    *bound = entry->key != NULL && csi_key_is_bound(entry->key, entry->alias);
    if (!*bound)
        return CERTSTORE_OK;
    return csi_report_add(losses, "key-bound", CERTSTORE_FAULT, entry->alias, err, "the %s does not leave its token; the entry is left out",
                          entry->kind == CERTSTORE_KEY ? "private key" : "secret key");
}
