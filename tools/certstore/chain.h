/* SPDX-License-Identifier: Apache-2.0 */
/* chain.h: which of the given certificates belongs to a key, and in which order the others follow it. */
#ifndef TOOL_CHAIN_H
#define TOOL_CHAIN_H

#include "files.h"

/* The certificate that carries the public key of the entry's private key; NULL where none does, or (with err set) where that cannot be found out.
 * The entry's own certificates are replaced by it. */
const certstore_cert *chain_leaf(certstore_entry *entry, const struct material *material, certstore_error *err);

/* Gives a key entry its certificates, leaf first, each followed by its issuer. A key that fits none of them is refused; what belongs to another
 * chain is left out with a warning. `uri` names the store in messages. */
int chain_attach(struct cli *cli, certstore_entry *entry, struct material *material, const char *uri);

#endif
