/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry.h: one entry. Immutable once it is in a bundle (frozen), so bundles share entries and copying a bundle copies pointers.
 *
 * An entry that came from a store remembers where it came from (origin) and which of its parts were changed since, so that its codec can
 * write the untouched parts exactly as they were.
 */
#ifndef CSI_ENTRY_H
#define CSI_ENTRY_H

#include "base/arena.h"
#include "base/text.h"
#include "model/cert.h"
#include "model/key.h"

/* What a codec keeps of the store it read beside the entries: order, unknown parts, parameters. The codec embeds this at the start of a
 * struct of its own. Immutable and shared. */
struct csi_codec;
struct csi_document {
    const struct csi_codec *codec;
    void (*destroy)(struct csi_document *document); /* frees it, called when the last reference goes */
    struct csi_arena arena;                         /* the entries that were read from it lie here */
    _Atomic uint32_t refs;
};
typedef struct csi_document csi_document;
csi_document *csi_document_ref(const csi_document *document);
void csi_document_free(csi_document *document);
CSI_DEFINE_AUTO(csi_document, csi_document_free)

enum csi_changed {
    CSI_CHANGED_ALIAS = 1,
    CSI_CHANGED_CERTS = 2,
    CSI_CHANGED_KEY = 4,
    CSI_CHANGED_TRUST = 8,
    CSI_CHANGED_CREATED = 16,
    CSI_CHANGED_ALL = 31 /* another entry in the place of the one that was read */
};
struct csi_origin {
    csi_document *document;           /* NULL: made in memory */
    size_t index;                     /* the codec's own number for the entry in its document */
    unsigned changed;                 /* enum csi_changed bits */
    struct certstore_entry *original; /* the entry as it was read, where this is a copy of it; owned */
};

/* Purposes as text: the short names of certstore.h where there is one, else dotted OIDs. */
struct csi_trust {
    char **trusted;
    size_t trusted_count;
    char **rejected;
    size_t rejected_count;
};

struct certstore_entry {
    certstore_kind kind;
    bool frozen;
    bool unnamed;                 /* the store gives it no alias; this one was made up and is not written */
    bool resident;                /* it lies in its document's arena, */
    bool resident_alias;          /* and so does its alias */
    char *alias;                  /* never NULL */
    int64_t created_ms;           /* INT64_MIN: not said */
    struct certstore_cert *certs; /* points at `first` while there is one */
    size_t cert_count;
    struct certstore_cert first;
    csi_key *key;      /* KEY, SECRET */
    csi_blob *content; /* CRL: DER. OPAQUE: the bytes, in the format's terms */
    char *type;        /* OPAQUE: what it is */
    struct csi_trust trust;
    struct csi_origin origin;
    _Atomic uint32_t refs;
};
CSI_DEFINE_AUTO(certstore_entry, certstore_entry_free)

/* Internal constructors: everything by reference, nothing checked by OpenSSL. An entry starts with refs 1, not frozen. */
certstore_entry *csi_entry_new(certstore_kind kind, const char *alias, certstore_error *err);
/* An entry as it is being read from a document, whose number there is `index`: it lies in the document, which lives as long as it does. */
certstore_entry *csi_entry_new_in(csi_document *document, size_t index, certstore_kind kind, const char *alias, certstore_error *err);
certstore_entry *csi_entry_ref(const certstore_entry *entry);
/* Appends a certificate that lies in a blob. */
certstore_status csi_entry_append_cert(certstore_entry *entry, csi_blob *owner, struct csi_span der, certstore_error *err);
void csi_entry_clear_certs(certstore_entry *entry);
/* Not for one that lies in a document. */
void csi_entry_set_origin(certstore_entry *entry, const csi_document *document, size_t index);
/* A deep enough copy that may be changed: shares blobs, key and document; keeps the origin and its changed bits. */
certstore_entry *csi_entry_copy(const certstore_entry *entry, certstore_error *err);
certstore_status csi_entry_set_alias(certstore_entry *entry, const char *alias, certstore_error *err);
/* Takes over a malloc'ed alias; nothing is marked as changed. */
void csi_entry_take_alias(certstore_entry *entry, char *alias);
certstore_status csi_entry_copy_trust(certstore_entry *entry, const certstore_entry *from, certstore_error *err);
certstore_status csi_entry_add_trust(certstore_entry *entry, const char *purpose, bool reject, certstore_error *err);
/* The same certificates in the same order; the same purposes. */
bool csi_entry_same_certs(const certstore_entry *a, const certstore_entry *b);
bool csi_entry_same_trust(const certstore_entry *a, const certstore_entry *b);

#endif
