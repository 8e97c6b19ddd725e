/* SPDX-License-Identifier: Apache-2.0 */
/* chain.h: which of the given certificates belongs to a key, and in which order the others follow it. */
#ifndef TOOL_CHAIN_H
#define TOOL_CHAIN_H

#include "files.h"

/* The certificate that carries the public key of the entry's private key; NULL where none does, or (with err set) where that cannot be found out.
 * The entry's own certificates are replaced by it. */
const certstore_cert *chain_leaf(certstore_entry *entry, const struct material *material, certstore_error *err);

/* Gives a key entry its certificates, leaf first, each followed by its issuer. A key that fits none of them is refused; what belongs to another
 * chain is left out with a warning. */
int chain_attach(struct cli *cli, certstore_entry *entry, struct material *material, const struct target *target);

/* The leaf and its issuers up to the top, into `ordered`, which has room for all of the material's. Returns how many they are. */
size_t chain_order(const struct material *material, const certstore_cert *leaf, const certstore_cert **ordered);
/* Names what of the material is not among them; once for all stores. */
void chain_warn_left_out(struct cli *cli, struct material *material, const certstore_cert *const *ordered, size_t count);

#endif
