/* SPDX-License-Identifier: Apache-2.0 */
/* object.c: PKCS#11 objects as bytes. */
#include "model/object.h"

#include <p11-kit/pkcs11.h>
#include <p11-kit/pkcs11x.h>

#include "base/error.h"
#include "base/reader.h"

enum { HEADER = 8 };

/* ------------------------------------------------------------------------------------------------------------------- draft */

void csi_object_draft_clear(struct csi_object_draft *draft)
{
    free(draft->items);
    csi_buf_free(&draft->bytes);
    *draft = (struct csi_object_draft){ 0 };
}

static struct csi_draft_attribute *find(const struct csi_object_draft *draft, uint32_t type)
{
    for (size_t i = 0; i < draft->count; i++)
        if (draft->items[i].type == type)
            return &draft->items[i];
    return NULL;
}

void csi_object_put(struct csi_object_draft *draft, uint32_t type, struct csi_span value)
{
    certstore_error ignored = { 0 }; /* the buffer's failure stays, and is reported at the end */
    struct csi_draft_attribute *item = find(draft, type);
    if (item == NULL) {
        struct csi_draft_attribute *items = csi_grow(draft->items, &draft->capacity, draft->count + 1, sizeof *items, &ignored);
        if (items == NULL) {
            draft->bytes.failed = true;
            return;
        }
        draft->items = items;
        item = &items[draft->count++];
        item->type = type;
    }
    item->at = draft->bytes.size;
    item->size = value.size;
    csi_buf_put_span(&draft->bytes, value);
}

void csi_object_put_number(struct csi_object_draft *draft, uint32_t type, uint32_t value)
{
    uint8_t bytes[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value };
    csi_object_put(draft, type, csi_span(bytes, sizeof bytes));
}

void csi_object_put_flag(struct csi_object_draft *draft, uint32_t type, bool value)
{
    uint8_t byte = value;
    csi_object_put(draft, type, csi_span(&byte, 1));
}

void csi_object_put_all(struct csi_object_draft *draft, struct csi_span object)
{
    struct csi_attribute attribute;
    for (size_t at = 0; csi_object_next(object, &at, &attribute);)
        csi_object_put(draft, attribute.type, attribute.value);
}

static int by_type(const void *a, const void *b)
{
    uint32_t left = ((const struct csi_draft_attribute *)a)->type;
    uint32_t right = ((const struct csi_draft_attribute *)b)->type;
    return (left > right) - (left < right);
}

csi_blob *csi_object_finish(struct csi_object_draft *draft, certstore_error *err)
{
    CSI_AUTO_BUF out = { 0 };
    if (csi_buf_check(&draft->bytes, err) != CERTSTORE_OK)
        return NULL;
    if (draft->count > 1)
        qsort(draft->items, draft->count, sizeof *draft->items, by_type);
    for (size_t i = 0; i < draft->count; i++) {
        const struct csi_draft_attribute *item = &draft->items[i];
        if (item->size == 0)
            continue;
        if (item->size > UINT32_MAX) {
            csi_fail(err, CERTSTORE_E_LIMIT, "object: an attribute is larger than 4 GiB; a token cannot hold it");
            return NULL;
        }
        csi_buf_put_u32(&out, item->type);
        csi_buf_put_u32(&out, (uint32_t)item->size);
        csi_buf_put(&out, draft->bytes.data + item->at, item->size);
    }
    return csi_blob_from_buf(&out, err);
}

/* ------------------------------------------------------------------------------------------------------------------ reading */

static uint32_t u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

bool csi_object_next(struct csi_span object, size_t *at, struct csi_attribute *attribute)
{
    if (*at > object.size || object.size - *at < HEADER)
        return false;
    uint32_t size = u32(object.data + *at + 4);
    if (object.size - *at - HEADER < size)
        return false;
    attribute->type = u32(object.data + *at);
    attribute->value = csi_span(object.data + *at + HEADER, size);
    *at += HEADER + size;
    return true;
}

certstore_status csi_object_check(struct csi_span object, certstore_error *err)
{
    struct csi_attribute attribute;
    size_t at = 0;
    uint64_t next = 0; /* the least type that may follow */
    bool fits = true;
    while (fits && csi_object_next(object, &at, &attribute)) {
        fits = attribute.type >= next && attribute.value.size > 0 && (attribute.value.size == 4 || !csi_attribute_is_number(attribute.type)) &&
               (!csi_attribute_is_flag(attribute.type) || (attribute.value.size == 1 && attribute.value.data[0] <= 1));
        next = (uint64_t)attribute.type + 1;
    }
    if (!fits || at != object.size || csi_object_class(object) == UINT32_MAX)
        return csi_fail(err, CERTSTORE_E_MALFORMED, "object: its attributes are not in the form that they are kept in; it is damaged");
    return CERTSTORE_OK;
}

bool csi_object_get(struct csi_span object, uint32_t type, struct csi_span *value)
{
    struct csi_attribute attribute;
    for (size_t at = 0; csi_object_next(object, &at, &attribute) && attribute.type <= type;) {
        if (attribute.type != type)
            continue;
        *value = attribute.value;
        return true;
    }
    return false;
}

uint32_t csi_object_number(struct csi_span object, uint32_t type, uint32_t fallback)
{
    struct csi_span value;
    return csi_object_get(object, type, &value) && value.size == 4 ? u32(value.data) : fallback;
}

bool csi_object_flag(struct csi_span object, uint32_t type, bool fallback)
{
    struct csi_span value;
    return csi_object_get(object, type, &value) && value.size == 1 ? value.data[0] != 0 : fallback;
}

uint32_t csi_object_class(struct csi_span object)
{
    return csi_object_number(object, CKA_CLASS, UINT32_MAX);
}

bool csi_attribute_is_number(uint32_t type)
{
    switch (type) {
    case CKA_CLASS:
    case CKA_CERTIFICATE_TYPE:
    case CKA_CERTIFICATE_CATEGORY:
    case CKA_JAVA_MIDP_SECURITY_DOMAIN:
    case CKA_KEY_TYPE:
    case CKA_KEY_GEN_MECHANISM:
    case CKA_MODULUS_BITS:
    case CKA_VALUE_LEN:
    case CKA_PRIME_BITS:
    case CKA_SUB_PRIME_BITS:
    case CKA_TRUST_DIGITAL_SIGNATURE:
    case CKA_TRUST_NON_REPUDIATION:
    case CKA_TRUST_KEY_ENCIPHERMENT:
    case CKA_TRUST_DATA_ENCIPHERMENT:
    case CKA_TRUST_KEY_AGREEMENT:
    case CKA_TRUST_KEY_CERT_SIGN:
    case CKA_TRUST_CRL_SIGN:
    case CKA_TRUST_SERVER_AUTH:
    case CKA_TRUST_CLIENT_AUTH:
    case CKA_TRUST_CODE_SIGNING:
    case CKA_TRUST_EMAIL_PROTECTION:
    case CKA_TRUST_IPSEC_END_SYSTEM:
    case CKA_TRUST_IPSEC_TUNNEL:
    case CKA_TRUST_IPSEC_USER:
    case CKA_TRUST_TIME_STAMPING:
        return true;
    default:
        return false;
    }
}

bool csi_attribute_is_flag(uint32_t type)
{
    switch (type) {
    case CKA_TOKEN:
    case CKA_PRIVATE:
    case CKA_MODIFIABLE:
    case CKA_COPYABLE:
    case CKA_DESTROYABLE:
    case CKA_TRUSTED:
    case CKA_X_DISTRUSTED:
    case CKA_SENSITIVE:
    case CKA_ALWAYS_SENSITIVE:
    case CKA_EXTRACTABLE:
    case CKA_NEVER_EXTRACTABLE:
    case CKA_WRAP_WITH_TRUSTED:
    case CKA_ALWAYS_AUTHENTICATE:
    case CKA_LOCAL:
    case CKA_ENCRYPT:
    case CKA_DECRYPT:
    case CKA_SIGN:
    case CKA_SIGN_RECOVER:
    case CKA_VERIFY:
    case CKA_VERIFY_RECOVER:
    case CKA_WRAP:
    case CKA_UNWRAP:
    case CKA_DERIVE:
    case CKA_TRUST_STEP_UP_APPROVED:
    case CKA_NSS_KRL:
        return true;
    default:
        return false;
    }
}

/* ----------------------------------------------------------------------------------------------------------------- essence */

/* What tells objects of a class apart, in ascending order. CKA_ID and CKA_LABEL come into every class. CKA_TRUSTED counts where it is set: modules
 * answer "no" and nothing alike. A private key is told by its public part, as far as it has one. */
static const uint32_t of_certificate[] = { CKA_VALUE, CKA_TRUSTED, CKA_X_DISTRUSTED, 0 };
static const uint32_t of_private_key[] = { CKA_KEY_TYPE, CKA_MODULUS, CKA_EC_PARAMS, 0 };
static const uint32_t of_public_key[] = { CKA_KEY_TYPE, CKA_MODULUS, CKA_PUBLIC_EXPONENT, CKA_EC_PARAMS, CKA_EC_POINT, 0 };
static const uint32_t of_secret_key[] = { CKA_KEY_TYPE, 0 };
static const uint32_t of_data[] = { CKA_APPLICATION, CKA_VALUE, 0 };
static const uint32_t of_trust[] = {
    CKA_ISSUER,
    CKA_SERIAL_NUMBER,
    CKA_TRUST_SERVER_AUTH,
    CKA_TRUST_CLIENT_AUTH,
    CKA_TRUST_CODE_SIGNING,
    CKA_TRUST_EMAIL_PROTECTION,
    CKA_CERT_SHA1_HASH,
    0,
};

static const uint32_t *telling(uint32_t object_class)
{
    switch (object_class) {
    case CKO_CERTIFICATE:
        return of_certificate;
    case CKO_PRIVATE_KEY:
        return of_private_key;
    case CKO_PUBLIC_KEY:
        return of_public_key;
    case CKO_SECRET_KEY:
        return of_secret_key;
    case CKO_DATA:
        return of_data;
    case CKO_NSS_TRUST:
        return of_trust;
    default:
        return NULL;
    }
}

/* One number in two spellings: a big integer with zeros in front, a point in an OCTET STRING (PKCS#11 2.40 section 2.3.3) or bare. */
static struct csi_span spelled_alike(uint32_t type, struct csi_span value)
{
    struct csi_reader r = csi_reader(value);
    struct csi_tlv point;
    if (type == CKA_EC_POINT && csi_der_expect(&r, CSI_DER_OCTET_STRING, &point) && csi_left(&r) == 0)
        return point.content;
    while ((type == CKA_MODULUS || type == CKA_PUBLIC_EXPONENT) && value.size > 1 && value.data[0] == 0)
        value = csi_span(value.data + 1, value.size - 1);
    return value;
}

static void put_attribute(struct csi_span object, uint32_t type, struct csi_buf *out)
{
    struct csi_span value;
    bool there = csi_object_get(object, type, &value);
    if (!there || (csi_attribute_is_flag(type) && value.data[0] == 0))
        return;
    value = spelled_alike(type, value);
    csi_buf_put_u32(out, type);
    csi_buf_put_u32(out, (uint32_t)value.size);
    csi_buf_put_span(out, value);
}

certstore_status csi_object_essence(struct csi_span object, struct csi_buf *out, certstore_error *err)
{
    const uint32_t *types = telling(csi_object_class(object));
    if (types == NULL) { /* not known here: all of it */
        csi_buf_put_span(out, object);
        return csi_buf_check(out, err);
    }
    put_attribute(object, CKA_CLASS, out);
    /* A trust object has a label and an ID only where a module makes them up. */
    if (types != of_trust) {
        put_attribute(object, CKA_LABEL, out);
        put_attribute(object, CKA_ID, out);
    }
    for (; *types != 0; types++)
        put_attribute(object, *types, out);
    return csi_buf_check(out, err);
}

bool csi_object_same(struct csi_span a, struct csi_span b)
{
    CSI_AUTO_BUF left = { 0 };
    CSI_AUTO_BUF right = { 0 };
    certstore_error ignored = { 0 };
    return csi_object_essence(a, &left, &ignored) == CERTSTORE_OK && csi_object_essence(b, &right, &ignored) == CERTSTORE_OK &&
           csi_span_equal(csi_buf_span(&left), csi_buf_span(&right));
}

/* -------------------------------------------------------------------------------------------------------------------- list */

void csi_objects_clear(struct csi_objects *objects)
{
    for (size_t i = 0; i < objects->count; i++)
        csi_blob_free(objects->items[i]);
    free(objects->items);
    *objects = (struct csi_objects){ 0 };
}

certstore_status csi_objects_add(struct csi_objects *objects, csi_blob *object, certstore_error *err)
{
    csi_blob **items = csi_grow(objects->items, &objects->capacity, objects->count + 1, sizeof *items, err);
    if (items == NULL)
        return err->status;
    objects->items = items;
    items[objects->count++] = csi_blob_ref(object);
    return CERTSTORE_OK;
}

static int by_bytes(const void *a, const void *b)
{
    const csi_blob *left = *(csi_blob *const *)a;
    const csi_blob *right = *(csi_blob *const *)b;
    size_t common = left->size < right->size ? left->size : right->size;
    int order = common > 0 ? memcmp(left->data, right->data, common) : 0;
    return order != 0 ? order : (left->size > right->size) - (left->size < right->size);
}

void csi_objects_sort(struct csi_objects *objects)
{
    if (objects->count > 1)
        qsort(objects->items, objects->count, sizeof *objects->items, by_bytes);
}
