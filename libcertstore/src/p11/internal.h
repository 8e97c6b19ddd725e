/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h: what the rooms of p11 share: an address, a token, a session in use. */
#ifndef CSI_P11_INTERNAL_H
#define CSI_P11_INTERNAL_H

#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11x.h>
#include <pthread.h>

#include "base/error.h"
#include "model/ossl.h"
#include "p11/kit.h"
#include "p11/token.h"

struct csi_p11_address {
    P11KitUri *uri;  /* NULL for NSS */
    char *directory; /* NSS: canonical */
    csi_secret *pin;
};

enum { CSI_POOL = 8, CSI_HANDLES = 16 };

struct csi_p11 {
    struct csi_remote remote; /* first: see csi_p11_of_remote() */
    _Atomic uint32_t refs;
    struct csi_p11_info info;
    char *texts[6]; /* what info points to */
    CK_FUNCTION_LIST *module;
    void *init_args; /* NSS's, which the module may keep */
    char *init_text;
    CK_SLOT_ID slot;
    CK_TOKEN_INFO found;      /* the token as it was when it was opened */
    csi_p11_address *objects; /* which of its objects are the store's; NULL: all */
    csi_secret *pin;
    csi_secret *so_pin; /* the security officer's; NULL: not given */
    pid_t pid;
    bool forgetful;       /* does not see by itself what other processes wrote */
    bool torn;            /* SoftHSM: another process's writing is seen half done, see csi_token_state() */
    pthread_mutex_t lock; /* of everything below; in a forked child nobody waits for it, since who holds it may not be there */
    pthread_cond_t returned;
    bool half_read; /* the last login failed for a state that is_torn() */
    CK_SESSION_HANDLE anchor;
    CK_SESSION_HANDLE pool[CSI_POOL];
    size_t pooled;
    size_t lent; /* besides the anchor */
    bool anchor_lent;
    uint64_t epoch; /* how often all sessions were opened anew */
    bool suspect;   /* the module has forgotten a session: they are opened anew before the next use */
    bool refreshing;
    bool read_only;
    bool pin_refused;
    bool so_refused;
    struct csi_handle {
        uint64_t hash;
        CK_OBJECT_HANDLE handle;
    } handles[CSI_HANDLES]; /* of keys, by the hash of their objects; 0: none */
    size_t next_handle;
};

/* One session, taken from the pool, for one call of ours. */
struct csi_use {
    csi_p11 *token;
    CK_FUNCTION_LIST *f;
    CK_SESSION_HANDLE session;
    struct csi_fence fence;
    uint64_t epoch;
    bool open;
    bool anchor; /* it is the anchor, for want of another */
    bool broken; /* the session is not to be used again */
    bool gone;   /* the module does not know it any more, nor perhaps the others */
};
certstore_status csi_use_begin(struct csi_use *use, csi_p11 *token, certstore_error *err);
void csi_use_end(struct csi_use *use);
#define CSI_AUTO_USE __attribute__((cleanup(csi_use_end))) struct csi_use

/* True if the user is logged in, as this session sees it. */
bool csi_use_logged_in(struct csi_use *use);
/* CERTSTORE_E_UNAVAILABLE in a child of the process that opened the token. */
certstore_status csi_check_process(const csi_p11 *token, certstore_error *err);
bool csi_session_is_gone(CK_RV rv);
certstore_status csi_sessions_open(csi_p11 *token, certstore_error *err);
void csi_sessions_close(csi_p11 *token);
/* With the token's lock held. */
certstore_status csi_sessions_mend(csi_p11 *token, certstore_error *err);
certstore_status csi_login_locked(csi_p11 *token, certstore_error *err);
bool csi_user_is_in(csi_p11 *token);
/* Takes the lock once no session is lent any more, and lends none until the end. */
void csi_alone_begin(csi_p11 *token);
void csi_alone_end(csi_p11 *token);

/* CERTSTORE_OK for CKR_OK, else a failure whose message says what could not be done and whose cause is the CKR's name. Marks the session as broken
 * where it is. */
certstore_status csi_ckr(struct csi_use *use, CK_RV rv, const char *what, certstore_error *err);
certstore_status csi_fail_ckr(const char *about, CK_RV rv, const char *what, certstore_error *err);

struct csi_template;

/* module.c */
certstore_status csi_module_open(csi_p11 *token, const csi_p11_address *address, certstore_error *err);
void csi_module_close(csi_p11 *token);
/* The token's slot in a module that was initialised anew: its number may be another one. */
certstore_status csi_module_find_slot(csi_p11 *token, certstore_error *err);
/* What the token of a slot says of itself. Asked for again while the answer is CKR_GENERAL_ERROR, for half a second: SoftHSM gives it while another
 * process rewrites the token's file. */
CK_RV csi_token_state(CK_FUNCTION_LIST *module, CK_SLOT_ID slot, CK_TOKEN_INFO *info);
/* traits.c: what the token can do, found out without leaving anything behind. */
unsigned csi_traits(csi_p11 *token);
/* read.c */
csi_blob *csi_read_object(struct csi_use *use, CK_OBJECT_HANDLE handle, CK_OBJECT_CLASS object_class, uint64_t limit, certstore_error *err);
/* The object of that essence; CK_INVALID_HANDLE in *handle where there is none. */
certstore_status csi_find_object(struct csi_use *use, struct csi_span object, CK_OBJECT_HANDLE *handle, certstore_error *err);
/* At most `most` handles of the objects that have all attributes of the template. The caller frees *handles. */
certstore_status csi_find_handles(struct csi_use *use, struct csi_template *t, uint64_t most, CK_OBJECT_HANDLE **handles, size_t *count,
                                  certstore_error *err);
/* No handle is remembered: after objects were destroyed another one may get it. */
void csi_forget_handles(csi_p11 *token);
bool csi_class_known(const csi_p11 *token, size_t index, CK_OBJECT_CLASS *object_class);

/* keys.c: an object's PKCS#8 as the attributes of a private key; *owned keeps the values alive. */
certstore_status csi_template_pkcs8(struct csi_template *t, struct csi_span pkcs8, struct csi_buf *owned, certstore_error *err);
/* write.c: an object's attributes as far as they may be asked for; what a new key may do and is for, where that is not said. */
void csi_template_object(struct csi_template *t, struct csi_span object);
void csi_template_policy(struct csi_template *t, uint32_t object_class);
void csi_template_uses(struct csi_template *t);
/* Is the new object what was asked for? Destroys it if not. */
certstore_status csi_read_back(struct csi_use *use, struct csi_span object, const struct csi_template *t, CK_OBJECT_HANDLE handle,
                               certstore_error *err);
/* officer.c: makes the object while the security officer is logged in, and reads it back. */
certstore_status csi_officer_create(csi_p11 *token, struct csi_template *t, struct csi_span object, certstore_error *err);
/* remote.c: the key in the clear, where the token gives it away. */
certstore_status csi_remote_open(struct csi_remote *remote, struct csi_span object, struct csi_plain_key *plain, certstore_error *err);

/* A template that owns nothing but its list. */
enum { CSI_TEMPLATE_MAX = 48 };
struct csi_template {
    CK_ATTRIBUTE items[CSI_TEMPLATE_MAX];
    CK_ULONG count;
    CK_ULONG numbers[CSI_TEMPLATE_MAX];
    CK_BBOOL flags[CSI_TEMPLATE_MAX];
};
void csi_template_put(struct csi_template *t, CK_ATTRIBUTE_TYPE type, struct csi_span value);
void csi_template_number(struct csi_template *t, CK_ATTRIBUTE_TYPE type, CK_ULONG value);
void csi_template_flag(struct csi_template *t, CK_ATTRIBUTE_TYPE type, bool value);
bool csi_template_has(const struct csi_template *t, CK_ATTRIBUTE_TYPE type);

#endif
