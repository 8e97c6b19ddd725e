/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chainfile.h: a PEM file that holds a server's certificate and its chain, while the key lies elsewhere: on a token, as nginx and Apache want it.
 * It is told by its first certificate, which is no CA's, by the others, each of which issued the one before it, and by holding no key; it is
 * replaced whole, since a server takes its first certificate for its own.
 */
#ifndef TOOL_CHAINFILE_H
#define TOOL_CHAINFILE_H

#include "files.h"

/* True if the material is a leaf with its chain and without a key, and the store such a file or a new one. */
bool chainfile_fits(const struct target *target, const struct material *material);
int chainfile_put(struct cli *cli, struct target *target, const char *alias, struct material *material);

#endif
