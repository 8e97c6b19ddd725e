/* SPDX-License-Identifier: Apache-2.0 */
/* p11shim.c: see p11shim.h. */
#include "p11shim.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

static struct p11shim none; /* until it is told of another */
static struct p11shim *control = &none;
static const char *path;
static const char *init_reserved;
static CK_FUNCTION_LIST shim;
static CK_FUNCTION_LIST *real;
static bool is_blind;

#define EXPORT __attribute__((visibility("default")))

EXPORT void p11shim_begin(const char *module, struct p11shim *shared, const char *reserved)
{
    path = module;
    control = shared;
    init_reserved = reserved;
}

static bool is_due(void)
{
    return control->at != 0 && (control->calls == control->at || (control->for_good && control->calls > control->at));
}

/* False: *rv is the answer, and the call is not carried out. */
static bool may_run(CK_RV *rv)
{
    control->calls++;
    if (!is_due() || control->done_first)
        return true;
    if (control->kill)
        _exit(9);
    *rv = control->rv;
    return false;
}

static CK_RV answer(CK_RV rv)
{
    if (!is_due() || !control->done_first)
        return rv;
    if (control->kill)
        _exit(9);
    return control->rv;
}

static CK_RV initialize(void *args)
{
    CK_C_INITIALIZE_ARGS own = { .flags = CKF_OS_LOCKING_OK };
    is_blind = control->blind > 0;
    control->blind -= is_blind;
    if (init_reserved == NULL)
        return real->C_Initialize(args);
    own.pReserved = (void *)(uintptr_t)init_reserved; /* PKCS#11 has no const */
    return real->C_Initialize(&own);
}

static CK_RV list_slots(CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *count)
{
    if (!is_blind)
        return real->C_GetSlotList(present, slots, count);
    *count = 0;
    return CKR_OK;
}

static CK_RV token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    CK_RV rv = real->C_GetTokenInfo(slot, info);
    if (rv == CKR_OK)
        info->flags |= control->token_flags;
    return rv;
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify, CK_SESSION_HANDLE *session)
{
    CK_RV rv;
    return may_run(&rv) ? answer(real->C_OpenSession(slot, flags, application, notify, session)) : rv;
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG size)
{
    CK_RV rv;
    control->logins++;
    return may_run(&rv) ? answer(real->C_Login(session, user, pin, size)) : rv;
}

static CK_RV find_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count)
{
    CK_RV rv;
    return may_run(&rv) ? answer(real->C_FindObjectsInit(session, template, count)) : rv;
}

static CK_RV get_attributes(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG count)
{
    CK_RV rv;
    return may_run(&rv) ? answer(real->C_GetAttributeValue(session, object, template, count)) : rv;
}

static CK_RV set_attributes(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG count)
{
    CK_RV rv;
    return may_run(&rv) ? answer(real->C_SetAttributeValue(session, object, template, count)) : rv;
}

static CK_RV create(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *object)
{
    CK_RV rv;
    return may_run(&rv) ? answer(real->C_CreateObject(session, template, count, object)) : rv;
}

static CK_RV copy(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *made)
{
    CK_RV rv;
    return may_run(&rv) ? answer(real->C_CopyObject(session, object, template, count, made)) : rv;
}

static CK_RV destroy(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
    CK_RV rv;
    return may_run(&rv) ? answer(real->C_DestroyObject(session, object)) : rv;
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG size, CK_BYTE *out, CK_ULONG *out_size)
{
    CK_RV rv;
    return may_run(&rv) ? answer(real->C_Sign(session, data, size, out, out_size)) : rv;
}

EXPORT CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    void *library = path != NULL ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    CK_C_GetFunctionList get = NULL;
    if (library != NULL)
        *(void **)&get = dlsym(library, "C_GetFunctionList");
    if (get == NULL || get(&real) != CKR_OK)
        return CKR_GENERAL_ERROR;
    shim = *real;
    shim.C_GetFunctionList = C_GetFunctionList;
    shim.C_Initialize = initialize;
    shim.C_GetSlotList = list_slots;
    shim.C_GetTokenInfo = token_info;
    shim.C_OpenSession = open_session;
    shim.C_Login = login;
    shim.C_FindObjectsInit = find_init;
    shim.C_GetAttributeValue = get_attributes;
    shim.C_SetAttributeValue = set_attributes;
    shim.C_CreateObject = create;
    shim.C_CopyObject = copy;
    shim.C_DestroyObject = destroy;
    shim.C_Sign = sign;
    *list = &shim;
    return CKR_OK;
}
