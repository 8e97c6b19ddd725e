/* SPDX-License-Identifier: Apache-2.0 */
/* files.h: the certificates and the key that `put` is given, in whatever format their files are. */
#ifndef TOOL_FILES_H
#define TOOL_FILES_H

#include "stores.h"

/* One input file. */
struct input {
    struct target target;
};

/* What is to be put. Everything is borrowed from the inputs. */
struct material {
    struct input inputs[3];
    size_t input_count;
    const certstore_entry *key;     /* the entry with the private key; NULL: none was given */
    const certstore_entry *trusted; /* the entry of the first certificate, with the trust it carries; NULL: it came with a key */
    const certstore_cert **certs;   /* as given: --cert, then --chain; each once */
    size_t cert_count;
    char **purposes; /* what a trusted certificate is to be trusted for; owned */
    size_t purpose_count;
    bool allow_loss; /* of purposes that a store cannot hold */
    bool chain_given;
    bool warned; /* certificates that were left out are mentioned for one store, not for each */
};

/* Reads the files; key and chain may be NULL. Each is a path or a URI, with ?pass= and #ALIAS where wanted. Reports failures. */
int material_read(struct cli *cli, struct material *material, const char *cert, const char *chain, const char *key);
/* Byte for byte. */
bool same_cert(const certstore_cert *a, const certstore_cert *b);
void material_free(struct material *material);

#endif
