/* SPDX-License-Identifier: Apache-2.0 */
/*
 * participant.h: a PLACE as the engine sees it: one file, one hashed directory, one memory cell, later one token.
 *
 * Seven verbs. The engine calls them in this order, and recovery calls any of the last four again, as often as it is cut short:
 *
 *     lock      nobody else commits here until unlock
 *     verify    is the content the old one, the new one, or somebody else's?
 *     stage     everything that can fail: new content complete and durable beside the old one, the old one kept; nothing visible changes
 *     describe  writes into a journal record what recovery needs to do the rest without us
 *     promote   the new content takes the old one's place
 *     revert    the old content takes its place back
 *     finish    staging names go
 *
 * promote and revert decide by looking, never by counting: done already is done, and content that is neither old nor new is somebody else's
 * and stays (CERTSTORE_E_CONFLICT).
 *
 * Looking is not enough for a journal whose process died before it marked a place, or after it took the mark away: transactions may have followed
 * there, and one of them may have made the same content. Recovery neither promotes nor reverts a place that does not bear its mark.
 */
#ifndef CSI_PARTICIPANT_H
#define CSI_PARTICIPANT_H

#include "base/os.h"
#include "txn/record.h"

struct csi_participant;
typedef struct csi_participant csi_participant;
struct csi_txn_env;

enum {
    CSI_DIGEST_TEXT = 64, /* hexadecimal digits of a SHA-256 */
    CSI_PARTS_MAX = 2     /* files of one store */
};

/* What a whole store holds: a digest for each part; "" for a part that is not there or none of the store's. */
struct csi_content_digests {
    char part[CSI_PARTS_MAX][CSI_DIGEST_TEXT + 1];
};

enum csi_content {
    CSI_CONTENT_OLD,  /* what was read when the transaction was put together */
    CSI_CONTENT_NEW,  /* what the transaction wants */
    CSI_CONTENT_OTHER /* neither: somebody else was here */
};

/* What the engine gives to stage(). */
struct csi_stage {
    const char *backup;  /* path for the old content in the state directory, on which link(2) may or may not work; NULL: keep none */
    const char *journal; /* absolute path of the journal, for the marker, which is made before anything else */
    bool light;          /* marker and staging name need not be durable: the rename is the commit point */
};

/* Directories that must be synced before the next step; each is synced once however many participants share it. */
struct csi_dirs {
    char **paths;
    size_t count;
    size_t capacity;
};
certstore_status csi_dirs_add(struct csi_dirs *dirs, const char *path, certstore_error *err);
certstore_status csi_dirs_sync(struct csi_dirs *dirs, const struct csi_os *os, certstore_error *err); /* and forgets them */
void csi_dirs_free(struct csi_dirs *dirs);

struct csi_participant_kind {
    const char *name;
    bool atomic; /* promote is one atomic step that a look can tell done from not done: alone it needs no COMMIT record */
    bool early;  /* stage makes what others see at once: what recovery needs must be durable before it */
    /* CERTSTORE_E_LOCKED once the deadline has passed. CERTSTORE_E_PENDING, with p->pending set and nothing locked: another transaction's marker is
     * here (not p->journal's own), which has to be settled first. */
    certstore_status (*lock)(csi_participant *p, int64_t deadline, certstore_error *err);
    void (*unlock)(csi_participant *p);
    certstore_status (*verify)(csi_participant *p, enum csi_content *found, certstore_error *err);
    certstore_status (*stage)(csi_participant *p, const struct csi_stage *stage, struct csi_dirs *dirs, certstore_error *err);
    void (*describe)(const csi_participant *p, struct csi_record *record);
    certstore_status (*promote)(csi_participant *p, struct csi_dirs *dirs, certstore_error *err);
    certstore_status (*revert)(csi_participant *p, const char *backup, struct csi_dirs *dirs, certstore_error *err);
    certstore_status (*finish)(csi_participant *p, certstore_error *err);
    void (*free)(csi_participant *p); /* memory and descriptors; what unlock() undoes stays as it is */
    /* A participant from what describe() wrote: recovery's. NULL on failure. */
    csi_participant *(*restore)(const struct csi_record *record, const struct csi_txn_env *env, certstore_error *err);
};

/* A kind embeds this at the start of a struct of its own. */
struct csi_participant {
    const struct csi_participant_kind *kind;
    char *location;                    /* canonical, for people: "/etc/ssl/ca.pem" */
    char *store_location;              /* of the store it is a part of: its first part's location */
    char key[CSI_DIGEST_TEXT + 1];     /* SHA-256 of location: the order of locks */
    char store[CSI_DIGEST_TEXT + 1];   /* SHA-256 of store_location: whose history it belongs to */
    int part;                          /* which part of that store: 0, 1 */
    struct csi_content_digests before; /* the store's content, this part's included: before.part[part] is what verify() calls OLD */
    struct csi_content_digests after;  /* ... and NEW */
    const char *journal;               /* recovery's: the journal the participant came from; borrowed */
    char *pending;                     /* see lock() */
    bool stepped;                      /* set by promote() once it has looked: from there on what others see may have changed */
    bool marked;                       /* our marker is at the place: set by lock() where it finds it, by stage() where it makes it */
};
/* Fills the common part; store_location NULL: it is its own store. */
certstore_status csi_participant_init(csi_participant *p, const struct csi_participant_kind *kind, const char *location, const char *store_location,
                                      int part, certstore_error *err);
void csi_participant_clear(csi_participant *p);
void csi_participant_free(csi_participant *p); /* NULL is fine */
CSI_DEFINE_AUTO(csi_participant, csi_participant_free)

/* Lower-case hexadecimal SHA-256; text has room for CSI_DIGEST_TEXT + 1. */
certstore_status csi_digest_text(struct csi_span bytes, char *text, certstore_error *err);

#endif
