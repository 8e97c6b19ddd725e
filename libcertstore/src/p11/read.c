/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read.c: objects out of a token: found class by class, each read by one call of C_GetAttributeValue where its values fit the room, which they do but
 * for outsized certificates.
 */
#include "p11/internal.h"

enum { AT_ONCE = 64, ROOM = 16 << 10, ATTRIBUTES_MAX = 32 };

/* Room for each attribute of one kind: most are small, a value is not. */
enum { ROOM_VALUE = 8 << 10, ROOM_MODULUS = 1 << 10, ROOM_SMALL = 512 };

static const CK_ATTRIBUTE_TYPE certificate[] = {
    CKA_LABEL,         CKA_ID,      CKA_VALUE,   CKA_CERTIFICATE_TYPE,     CKA_SUBJECT,    CKA_ISSUER,
    CKA_SERIAL_NUMBER, CKA_PRIVATE, CKA_TRUSTED, CKA_CERTIFICATE_CATEGORY, CKA_START_DATE, CKA_END_DATE,
    CKA_URL,           0,
};
static const CK_ATTRIBUTE_TYPE trust_certificate[] = {
    CKA_LABEL,         CKA_ID,      CKA_VALUE,        CKA_CERTIFICATE_TYPE,     CKA_SUBJECT, CKA_ISSUER,
    CKA_SERIAL_NUMBER, CKA_TRUSTED, CKA_X_DISTRUSTED, CKA_CERTIFICATE_CATEGORY, 0,
};
static const CK_ATTRIBUTE_TYPE private_key[] = {
    CKA_LABEL,
    CKA_ID,
    CKA_KEY_TYPE,
    CKA_SUBJECT,
    CKA_MODULUS,
    CKA_PUBLIC_EXPONENT,
    CKA_EC_PARAMS,
    CKA_PRIVATE,
    CKA_SENSITIVE,
    CKA_EXTRACTABLE,
    CKA_ALWAYS_AUTHENTICATE,
    CKA_SIGN,
    CKA_DECRYPT,
    CKA_UNWRAP,
    CKA_DERIVE,
    CKA_LOCAL,
    CKA_START_DATE,
    CKA_END_DATE,
    0,
};
static const CK_ATTRIBUTE_TYPE public_key[] = {
    CKA_LABEL,    CKA_ID,      CKA_KEY_TYPE, CKA_SUBJECT, CKA_MODULUS, CKA_PUBLIC_EXPONENT, CKA_EC_PARAMS,
    CKA_EC_POINT, CKA_PRIVATE, CKA_ENCRYPT,  CKA_VERIFY,  CKA_WRAP,    CKA_DERIVE,          0,
};
static const CK_ATTRIBUTE_TYPE secret_key[] = {
    CKA_LABEL,  CKA_ID,   CKA_KEY_TYPE, CKA_VALUE_LEN, CKA_PRIVATE, CKA_SENSITIVE, CKA_EXTRACTABLE, CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN,
    CKA_VERIFY, CKA_WRAP, CKA_UNWRAP,   CKA_DERIVE,    0,
};
static const CK_ATTRIBUTE_TYPE data[] = { CKA_LABEL, CKA_APPLICATION, CKA_OBJECT_ID, CKA_VALUE, CKA_PRIVATE, 0 };
static const CK_ATTRIBUTE_TYPE nss_trust[] = {
    CKA_ISSUER,
    CKA_SERIAL_NUMBER,
    CKA_CERT_SHA1_HASH,
    CKA_CERT_MD5_HASH,
    CKA_TRUST_SERVER_AUTH,
    CKA_TRUST_CLIENT_AUTH,
    CKA_TRUST_CODE_SIGNING,
    CKA_TRUST_EMAIL_PROTECTION,
    CKA_TRUST_STEP_UP_APPROVED,
    0,
};
static const CK_ATTRIBUTE_TYPE nss_crl[] = { CKA_SUBJECT, CKA_VALUE, 0 };

bool csi_class_known(const csi_p11 *token, size_t index, CK_OBJECT_CLASS *object_class)
{
    static const CK_OBJECT_CLASS all[] = { CKO_CERTIFICATE, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKO_SECRET_KEY, CKO_DATA };
    static const CK_OBJECT_CLASS nss[] = { CKO_CERTIFICATE, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKO_SECRET_KEY, CKO_NSS_TRUST, CKO_NSS_CRL };
    static const CK_OBJECT_CLASS trust[] = { CKO_CERTIFICATE };
    bool is_nss = (token->info.traits & CSI_TOKEN_NSS_TRUST) != 0;
    bool is_trust = (token->info.traits & CSI_TOKEN_P11_TRUST) != 0;
    const CK_OBJECT_CLASS *list = is_nss ? nss : is_trust ? trust : all;
    size_t count = is_nss ? sizeof nss / sizeof *nss : is_trust ? sizeof trust / sizeof *trust : sizeof all / sizeof *all;
    if (index >= count)
        return false;
    *object_class = list[index];
    return true;
}

static const CK_ATTRIBUTE_TYPE *wanted(const csi_p11 *token, CK_OBJECT_CLASS object_class)
{
    switch (object_class) {
    case CKO_CERTIFICATE:
        return (token->info.traits & CSI_TOKEN_P11_TRUST) != 0 ? trust_certificate : certificate;
    case CKO_PRIVATE_KEY:
        return private_key;
    case CKO_PUBLIC_KEY:
        return public_key;
    case CKO_SECRET_KEY:
        return secret_key;
    case CKO_NSS_TRUST:
        return nss_trust;
    case CKO_NSS_CRL:
        return nss_crl;
    default:
        return data;
    }
}

/* -------------------------------------------------------------------------------------------------------------- attributes */

static size_t room_for(CK_ATTRIBUTE_TYPE type)
{
    if (type == CKA_VALUE)
        return ROOM_VALUE;
    if (csi_attribute_is_number((uint32_t)type))
        return sizeof(CK_ULONG);
    if (csi_attribute_is_flag((uint32_t)type))
        return sizeof(CK_BBOOL);
    if (type == CKA_START_DATE || type == CKA_END_DATE)
        return sizeof(CK_DATE);
    return type == CKA_MODULUS ? ROOM_MODULUS : ROOM_SMALL;
}

static certstore_status put_value(struct csi_object_draft *draft, const CK_ATTRIBUTE *attribute, certstore_error *err)
{
    uint32_t type = (uint32_t)attribute->type;
    const uint8_t *value = attribute->pValue;
    if (attribute->ulValueLen == CK_UNAVAILABLE_INFORMATION || attribute->ulValueLen == 0)
        return CERTSTORE_OK;
    if (csi_attribute_is_flag(type)) {
        csi_object_put_flag(draft, type, value[0] != 0);
    } else if (csi_attribute_is_number(type)) {
        CK_ULONG number = 0;
        if (attribute->ulValueLen != sizeof number)
            return csi_fail(err, CERTSTORE_E_MALFORMED, "object: the token gives a number of %lu bytes; its module is out of order",
                            attribute->ulValueLen);
        memcpy(&number, value, sizeof number);
        csi_object_put_number(draft, type, (uint32_t)number);
    } else {
        csi_object_put(draft, type, csi_span(value, attribute->ulValueLen));
    }
    return CERTSTORE_OK;
}

/* A value that did not fit, of a size that the token told. */
static certstore_status put_large(struct csi_use *use, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE *one, uint64_t limit, struct csi_object_draft *draft,
                                  certstore_error *err)
{
    if (one->ulValueLen == CK_UNAVAILABLE_INFORMATION || one->ulValueLen == 0)
        return CERTSTORE_OK; /* not there, or not for us */
    if (one->ulValueLen > limit)
        return csi_fail(err, CERTSTORE_E_LIMIT, "object: an attribute of %lu bytes is over the limit; see certstore_options_set_limit()",
                        one->ulValueLen);
    CSI_AUTO(csi_octets) *room = csi_new(one->ulValueLen, 1, err);
    if (room == NULL)
        return err->status;
    one->pValue = room;
    CSI_TRY(csi_ckr(use, use->f->C_GetAttributeValue(use->session, handle, one, 1), "reading an object", err));
    return put_value(draft, one, err);
}

/* Any answer but success leaves in each attribute what could be had of it (PKCS#11 2.40, section 4.5, C_GetAttributeValue). */
static bool has_answered(CK_RV rv)
{
    return rv == CKR_OK || rv == CKR_ATTRIBUTE_SENSITIVE || rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_BUFFER_TOO_SMALL;
}

/* One answer stands for all attributes, so "no such attribute" may hide "too small": all that is missing is asked for its size, in one call. */
static certstore_status put_missing(struct csi_use *use, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE *missing, CK_ULONG count, uint64_t limit,
                                    struct csi_object_draft *draft, certstore_error *err)
{
    if (count == 0)
        return CERTSTORE_OK;
    CK_RV rv = use->f->C_GetAttributeValue(use->session, handle, missing, count);
    if (!has_answered(rv))
        return csi_ckr(use, rv, "reading an object", err);
    for (CK_ULONG i = 0; i < count; i++)
        CSI_TRY(put_large(use, handle, &missing[i], limit, draft, err));
    return CERTSTORE_OK;
}

csi_blob *csi_read_object(struct csi_use *use, CK_OBJECT_HANDLE handle, CK_OBJECT_CLASS object_class, uint64_t limit, certstore_error *err)
{
    CSI_AUTO_DRAFT draft = { 0 };
    CK_ATTRIBUTE attributes[ATTRIBUTES_MAX];
    CK_ATTRIBUTE missing[ATTRIBUTES_MAX];
    _Alignas(8) uint8_t room[ROOM];
    CK_ULONG count = 0;
    CK_ULONG missed = 0;
    size_t used = 0;
    const CK_ATTRIBUTE_TYPE *types = wanted(use->token, object_class);
    for (; types[count] != 0; count++) {
        attributes[count] = (CK_ATTRIBUTE){ types[count], room + used, room_for(types[count]) };
        used += (room_for(types[count]) + 7) & ~(size_t)7;
    }
    CK_RV rv = use->f->C_GetAttributeValue(use->session, handle, attributes, count);
    if (!has_answered(rv)) {
        csi_ckr(use, rv, "reading an object", err);
        return NULL;
    }
    csi_object_put_number(&draft, CKA_CLASS, (uint32_t)object_class);
    for (CK_ULONG i = 0; i < count; i++) {
        if (attributes[i].ulValueLen == CK_UNAVAILABLE_INFORMATION && room_for(types[i]) >= ROOM_SMALL)
            missing[missed++] = (CK_ATTRIBUTE){ types[i], NULL, 0 };
        else if (put_value(&draft, &attributes[i], err) != CERTSTORE_OK)
            return NULL;
    }
    if (put_missing(use, handle, missing, missed, limit, &draft, err) != CERTSTORE_OK)
        return NULL;
    return csi_object_finish(&draft, err);
}

/* --------------------------------------------------------------------------------------------------------------- templates */

void csi_template_put(struct csi_template *t, CK_ATTRIBUTE_TYPE type, struct csi_span value)
{
    if (t->count < CSI_TEMPLATE_MAX)
        t->items[t->count++] = (CK_ATTRIBUTE){ type, (void *)(uintptr_t)value.data, value.size };
}

void csi_template_number(struct csi_template *t, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
    if (t->count >= CSI_TEMPLATE_MAX)
        return;
    t->numbers[t->count] = value;
    csi_template_put(t, type, csi_span(&t->numbers[t->count], sizeof value));
}

void csi_template_flag(struct csi_template *t, CK_ATTRIBUTE_TYPE type, bool value)
{
    if (t->count >= CSI_TEMPLATE_MAX)
        return;
    t->flags[t->count] = value ? CK_TRUE : CK_FALSE;
    csi_template_put(t, type, csi_span(&t->flags[t->count], sizeof *t->flags));
}

bool csi_template_has(const struct csi_template *t, CK_ATTRIBUTE_TYPE type)
{
    for (CK_ULONG i = 0; i < t->count; i++)
        if (t->items[i].type == type)
            return true;
    return false;
}

/* ------------------------------------------------------------------------------------------------------------------ finding */

certstore_status csi_find_handles(struct csi_use *use, struct csi_template *template, uint64_t most, CK_OBJECT_HANDLE **handles, size_t *count,
                                  certstore_error *err)
{
    size_t capacity = 0;
    CK_ULONG got = AT_ONCE;
    CSI_TRY(csi_ckr(use, use->f->C_FindObjectsInit(use->session, template->items, template->count), "looking for objects", err));
    while (got > 0 && err->status == CERTSTORE_OK) {
        CK_OBJECT_HANDLE *grown = csi_grow(*handles, &capacity, *count + AT_ONCE, sizeof *grown, err);
        if (grown == NULL)
            break;
        *handles = grown;
        got = 0;
        csi_ckr(use, use->f->C_FindObjects(use->session, grown + *count, AT_ONCE, &got), "looking for objects", err);
        *count += got;
        if (*count > most)
            csi_fail(err, CERTSTORE_E_LIMIT, "token %s: it holds more than %llu objects; see certstore_options_set_limit()", use->token->info.label,
                     (unsigned long long)most);
    }
    use->f->C_FindObjectsFinal(use->session);
    return err->status;
}

static void free_handles(CK_OBJECT_HANDLE **handles)
{
    free(*handles);
}
#define AUTO_HANDLES __attribute__((cleanup(free_handles))) CK_OBJECT_HANDLE

/* What the store's URI says of its objects (object, id; a type that is another one's leaves the class out). */
static bool add_filter(const csi_p11 *token, CK_OBJECT_CLASS object_class, struct csi_template *template)
{
    CK_ULONG count = 0;
    CK_ATTRIBUTE *filter = token->objects != NULL ? csi_kit()->uri_get_attributes(token->objects->uri, &count) : NULL;
    for (CK_ULONG i = 0; filter != NULL && i < count; i++) {
        if (filter[i].type != CKA_CLASS)
            csi_template_put(template, filter[i].type, csi_span(filter[i].pValue, filter[i].ulValueLen));
        else if (*(const CK_OBJECT_CLASS *)filter[i].pValue != object_class)
            return false;
    }
    return true;
}

static certstore_status read_class(struct csi_use *use, CK_OBJECT_CLASS object_class, const struct csi_limits *limits, struct csi_objects *objects,
                                   certstore_error *err)
{
    struct csi_template template = { .count = 0 };
    AUTO_HANDLES *handles = NULL;
    size_t count = 0;
    csi_template_number(&template, CKA_CLASS, object_class);
    csi_template_flag(&template, CKA_TOKEN, true);
    if (!add_filter(use->token, object_class, &template))
        return CERTSTORE_OK;
    CSI_TRY(csi_find_handles(use, &template, limits->value[CERTSTORE_LIMIT_ENTRIES], &handles, &count, err));
    for (size_t i = 0; i < count; i++) {
        certstore_error why = { 0 };
        CSI_AUTO(csi_blob) *object = csi_read_object(use, handles[i], object_class, limits->value[CERTSTORE_LIMIT_CERT_SIZE], &why);
        if (object == NULL && why.status == CERTSTORE_E_NOT_FOUND)
            continue; /* somebody destroyed it meanwhile */
        csi_error_move(err, &why);
        if (object == NULL || csi_objects_add(objects, object, err) != CERTSTORE_OK)
            return err->status;
    }
    return CERTSTORE_OK;
}

static certstore_status read_once(csi_p11 *token, const struct csi_limits *limits, struct csi_objects *objects, bool *again, certstore_error *err)
{
    CK_OBJECT_CLASS object_class;
    *again = false;
    if (token->pin != NULL)
        CSI_TRY(csi_p11_login(token, err));
    CSI_AUTO_USE use = { 0 };
    CSI_TRY(csi_use_begin(&use, token, err));
    bool was_in = csi_use_logged_in(&use);
    for (size_t i = 0; err->status == CERTSTORE_OK && csi_class_known(token, i, &object_class); i++)
        read_class(&use, object_class, limits, objects, err);
    *again = use.gone || (was_in && !csi_use_logged_in(&use));
    return err->status;
}

/* Somebody who logs out in the middle hides what is private: half of the objects must not pass for all. */
certstore_status csi_p11_read(csi_p11 *token, const struct csi_limits *limits, struct csi_objects *objects, certstore_error *err)
{
    bool again = true;
    for (int attempt = 0; attempt < 2 && again; attempt++) {
        CSI_AUTO_OBJECTS read = { 0 };
        certstore_error why = { 0 };
        read_once(token, limits, &read, &again, &why);
        if (again && attempt == 0)
            continue;
        csi_error_move(err, &why);
        if (again)
            csi_fail(err, CERTSTORE_E_UNAVAILABLE, "token %s: another user of it logged out while it was read; try again", token->info.label);
        if (err->status != CERTSTORE_OK)
            return err->status;
        csi_objects_sort(&read);
        for (size_t i = 0; i < read.count; i++)
            CSI_TRY(csi_objects_add(objects, read.items[i], err));
    }
    return err->status;
}

certstore_status csi_find_object(struct csi_use *use, struct csi_span object, CK_OBJECT_HANDLE *handle, certstore_error *err)
{
    static const uint32_t telling[] = { CKA_LABEL, CKA_ID, CKA_ISSUER, CKA_SERIAL_NUMBER };
    struct csi_template template = { .count = 0 };
    AUTO_HANDLES *handles = NULL;
    size_t count = 0;
    CK_OBJECT_CLASS object_class = csi_object_class(object);
    *handle = CK_INVALID_HANDLE;
    csi_template_number(&template, CKA_CLASS, object_class);
    csi_template_flag(&template, CKA_TOKEN, true);
    for (size_t i = 0; i < sizeof telling / sizeof *telling; i++) {
        struct csi_span value;
        if (csi_object_get(object, telling[i], &value))
            csi_template_put(&template, telling[i], value);
    }
    CSI_TRY(csi_find_handles(use, &template, UINT32_MAX, &handles, &count, err));
    for (size_t i = 0; i < count && *handle == CK_INVALID_HANDLE; i++) {
        certstore_error why = { 0 };
        CSI_AUTO(csi_blob) *found = csi_read_object(use, handles[i], object_class, UINT32_MAX, &why);
        if (found == NULL && why.status != CERTSTORE_E_NOT_FOUND) {
            csi_error_move(err, &why);
            return err->status;
        }
        if (found != NULL && csi_object_same(csi_blob_span(found), object))
            *handle = handles[i];
    }
    return CERTSTORE_OK;
}
