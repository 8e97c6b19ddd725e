/* SPDX-License-Identifier: Apache-2.0 */
/* token_read.h: what reading a token knows on the way: its certificates and keys, and which belongs to which. */
#ifndef CSI_TOKEN_READ_H
#define CSI_TOKEN_READ_H

#include "codec/token.h"

/* Objects that share a name, or a key that is on the token twice: so many of them are looked at each time. */
enum { CSI_TOKEN_ALIKE = 64 };

struct csi_token_cert {
    size_t part;
    struct csi_span object;
    struct csi_span der;
    struct csi_pubkey key;
    bool keyed;    /* `key` is known */
    bool taken;    /* a key's own certificate, or in the chain that is labelled for one */
    bool labelled; /* its label says "ALIAS chain N" */
    int64_t since; /* notBefore */
};
struct csi_token_private {
    size_t part;
    struct csi_span object;
    struct csi_pubkey keys[2];
    size_t key_count; /* 0: its public key is not known */
    size_t public;    /* the public key object that tells it; SIZE_MAX: none */
    size_t cert;      /* its certificate; SIZE_MAX: none */
    size_t publics;   /* the first of its public key objects; SIZE_MAX: none */
};
struct csi_token_public {
    size_t part;
    struct csi_span object;
    size_t next; /* the private key's next one; SIZE_MAX at the end */
};

struct csi_token_reading {
    const struct csi_codec *codec;
    const struct csi_decode *in;
    struct csi_token_document *document;
    certstore_bundle *bundle;
    struct csi_token_cert *certs;
    size_t cert_count;
    struct csi_token_private *privates;
    size_t private_count;
    struct csi_token_public *publics;
    size_t public_count;
    struct csi_token_index labelled;        /* certificates by what they are labelled as in a chain */
    struct csi_token_index trusts;          /* parts by issuer and serial number */
    struct csi_token_issuers issuers;       /* certificates that are not labelled so */
    struct csi_token_issuers other_issuers; /* and those that are */
    certstore_error *err;
};

/* Gives each private key its certificate and its public keys; notes what does not fit. */
certstore_status csi_token_pair(struct csi_token_reading *r);
/* The key of "ALIAS chain N" in `labelled`. */
void csi_token_labelled_key(struct csi_span alias, size_t number, uint8_t key[32]);

#endif
