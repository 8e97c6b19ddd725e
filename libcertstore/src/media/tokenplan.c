/* SPDX-License-Identifier: Apache-2.0 */
/* tokenplan.c: from one set of objects to another. */
#include "media/tokenplan.h"

#include <p11-kit/pkcs11.h>
#include <p11-kit/pkcs11x.h>

#include "media/directory.h"

void csi_token_plan_clear(struct csi_token_plan *plan)
{
    csi_object_set_clear(&plan->kept);
    csi_object_set_clear(&plan->created);
    csi_object_set_clear(&plan->swapped);
    csi_object_set_clear(&plan->destroyed);
    csi_object_set_clear(&plan->condemned);
    csi_objects_clear(&plan->from);
    csi_objects_clear(&plan->to);
}

/* ------------------------------------------------------------------------------------------------------------------- making */

static bool is_precious(struct csi_span object)
{
    uint32_t object_class = csi_object_class(object);
    return object_class == CKO_PRIVATE_KEY || object_class == CKO_SECRET_KEY;
}

/* A key that the caller brings; any other is one that must be there already. */
static bool is_brought(struct csi_span object)
{
    struct csi_span value;
    return csi_object_get(object, CSI_OBJECT_PKCS8, &value) ||
           (csi_object_class(object) == CKO_SECRET_KEY && csi_object_get(object, CKA_VALUE, &value));
}

static bool same_attribute(struct csi_span a, struct csi_span b, uint32_t type)
{
    struct csi_span left = { 0 };
    struct csi_span right = { 0 };
    csi_object_get(a, type, &left);
    csi_object_get(b, type, &right);
    return csi_span_equal(left, right);
}

/* The same key under another label or ID. Where nothing of the key itself can be read (EC), the ID has to stay. */
static bool is_renamed(struct csi_span from, struct csi_span to)
{
    struct csi_span modulus;
    if (!same_attribute(from, to, CKA_CLASS) || !same_attribute(from, to, CKA_KEY_TYPE) || is_brought(to))
        return false;
    if (csi_object_get(from, CKA_MODULUS, &modulus))
        return same_attribute(from, to, CKA_MODULUS);
    return same_attribute(from, to, CKA_EC_PARAMS) && same_attribute(from, to, CKA_ID);
}

static struct csi_span span_of(const struct csi_set_item *item)
{
    return csi_blob_span(item->object);
}

/* What differs, and what has been decided of it so far. */
struct making {
    struct csi_object_set gone;  /* in old only */
    struct csi_object_set fresh; /* in wanted only */
    struct csi_object_set stays; /* in both */
    bool *decided;               /* for each of fresh */
    unsigned traits;
    enum csi_key_fate fate;
};

static void clear_making(struct making *making)
{
    csi_object_set_clear(&making->gone);
    csi_object_set_clear(&making->fresh);
    csi_object_set_clear(&making->stays);
    free(making->decided);
}
#define AUTO_MAKING __attribute__((cleanup(clear_making))) struct making

static bool holds(const struct csi_object_set *set, uint32_t object_class, struct csi_span like)
{
    for (size_t i = 0; i < set->count; i++)
        if (csi_object_class(span_of(&set->items[i])) == object_class && same_attribute(span_of(&set->items[i]), like, CKA_LABEL))
            return true;
    return false;
}

/* By a key of that label that comes in, or by one that was beside it and is now given a certificate: a rotation. */
static bool takes_its_place(const struct making *making, struct csi_span key)
{
    struct csi_span label;
    uint32_t object_class = csi_object_class(key);
    if (!csi_object_get(key, CKA_LABEL, &label))
        return false;
    return holds(&making->fresh, object_class, key) || (holds(&making->stays, object_class, key) && holds(&making->fresh, CKO_CERTIFICATE, key));
}

static certstore_status refuse(struct csi_span key, certstore_error *err)
{
    struct csi_span label = { (const uint8_t *)"", 0 };
    csi_object_get(key, CKA_LABEL, &label);
    return csi_fail(err, CERTSTORE_E_LOSSY,
                    "key %.*s: it would be destroyed, and nobody can make it again; allow that (--destroy-keys), or leave it in the store",
                    (int)(label.size < 64 ? label.size : 64), (const char *)label.data);
}

static certstore_status decide_key(struct making *making, const struct csi_set_item *item, struct csi_token_plan *plan, certstore_error *err)
{
    struct csi_span key = span_of(item);
    for (size_t i = 0; i < making->fresh.count; i++) {
        if (making->decided[i] || !is_renamed(key, span_of(&making->fresh.items[i])))
            continue;
        making->decided[i] = true;
        CSI_TRY(csi_objects_add(&plan->from, item->object, err));
        return csi_objects_add(&plan->to, making->fresh.items[i].object, err);
    }
    if (making->fate == CSI_KEYS_DESTROY)
        return csi_object_set_add_item(&plan->condemned, item, err);
    if (making->fate == CSI_KEYS_REFUSE && !takes_its_place(making, key))
        return refuse(key, err);
    return csi_object_set_add_item(&plan->kept, item, err);
}

/* A public key stays with its private key. */
static bool belongs_to_kept(const struct csi_token_plan *plan, struct csi_span object)
{
    struct csi_span id;
    if (csi_object_class(object) != CKO_PUBLIC_KEY || !csi_object_get(object, CKA_ID, &id))
        return false;
    for (size_t i = 0; i < plan->kept.count; i++) {
        struct csi_span kept = span_of(&plan->kept.items[i]);
        if (csi_object_class(kept) == CKO_PRIVATE_KEY && same_attribute(kept, object, CKA_ID) && same_attribute(kept, object, CKA_LABEL))
            return true;
    }
    return false;
}

static certstore_status decide_gone(struct making *making, struct csi_token_plan *plan, certstore_error *err)
{
    for (size_t i = 0; i < making->gone.count; i++)
        if (is_precious(span_of(&making->gone.items[i])))
            CSI_TRY(decide_key(making, &making->gone.items[i], plan, err));
    for (size_t i = 0; i < making->gone.count; i++) {
        const struct csi_set_item *item = &making->gone.items[i];
        if (!is_precious(span_of(item)))
            CSI_TRY(csi_object_set_add_item(belongs_to_kept(plan, span_of(item)) ? &plan->kept : &plan->destroyed, item, err));
    }
    return CERTSTORE_OK;
}

/* NSS knows a certificate and its trust by issuer and serial number, a key by its ID, and holds one of each; and it gives one label to one subject
 * only. */
static bool must_wait(const struct making *making, struct csi_span object)
{
    uint32_t object_class = csi_object_class(object);
    bool is_cert = object_class == CKO_CERTIFICATE;
    bool is_named = is_cert || object_class == CKO_NSS_TRUST;
    if ((making->traits & CSI_TOKEN_NSS_TRUST) == 0 || (!is_named && object_class != CKO_PUBLIC_KEY))
        return false;
    for (size_t i = 0; i < making->gone.count; i++) {
        struct csi_span gone = span_of(&making->gone.items[i]);
        bool same_name = is_named ? same_attribute(gone, object, CKA_ISSUER) && same_attribute(gone, object, CKA_SERIAL_NUMBER)
                                  : same_attribute(gone, object, CKA_ID);
        bool same_label = is_cert && same_attribute(gone, object, CKA_LABEL);
        if (same_attribute(gone, object, CKA_CLASS) && (same_name || same_label))
            return true;
    }
    return false;
}

static certstore_status decide_fresh(struct making *making, struct csi_token_plan *plan, certstore_error *err)
{
    for (size_t i = 0; i < making->fresh.count; i++) {
        const struct csi_set_item *item = &making->fresh.items[i];
        if (making->decided[i])
            continue;
        struct csi_span label = { (const uint8_t *)"", 0 };
        csi_object_get(span_of(item), CKA_LABEL, &label);
        if (is_precious(span_of(item)) && !is_brought(span_of(item)))
            return csi_fail(
                err, CERTSTORE_E_NOT_FOUND,
                "key %.*s: it is no longer on the token (--destroy-keys, or its own tool), and nobody can make it again; use the key that is there",
                (int)(label.size < 64 ? label.size : 64), (const char *)label.data);
        CSI_TRY(csi_object_set_add_item(must_wait(making, span_of(item)) ? &plan->swapped : &plan->created, item, err));
    }
    return CERTSTORE_OK;
}

certstore_status csi_token_plan_make(const struct csi_object_set *old, const struct csi_object_set *wanted, unsigned traits, enum csi_key_fate fate,
                                     struct csi_token_plan *plan, certstore_error *err)
{
    AUTO_MAKING making = { .traits = traits, .fate = fate };
    CSI_TRY(csi_object_set_minus(old, wanted, &making.gone, err));
    CSI_TRY(csi_object_set_minus(wanted, old, &making.fresh, err));
    making.decided = csi_new(making.fresh.count + 1, sizeof *making.decided, err);
    if (making.decided == NULL)
        return err->status;
    CSI_TRY(csi_object_set_minus(old, &making.gone, &making.stays, err));
    CSI_TRY(csi_object_set_copy(&making.stays, &plan->kept, err));
    CSI_TRY(decide_gone(&making, plan, err));
    CSI_TRY(decide_fresh(&making, plan, err));
    csi_object_set_sort(&plan->kept);
    return CERTSTORE_OK;
}

bool csi_token_plan_is_empty(const struct csi_token_plan *plan)
{
    return plan->created.count + plan->swapped.count + plan->destroyed.count + plan->condemned.count + plan->from.count == 0;
}

static certstore_status add_list(struct csi_object_set *to, const struct csi_objects *from, certstore_error *err)
{
    for (size_t i = 0; i < from->count; i++)
        CSI_TRY(csi_object_set_add(to, from->items[i], err));
    csi_object_set_sort(to);
    return CERTSTORE_OK;
}

certstore_status csi_token_plan_old(const struct csi_token_plan *plan, struct csi_object_set *old, certstore_error *err)
{
    CSI_TRY(csi_object_set_copy(&plan->kept, old, err));
    CSI_TRY(csi_object_set_copy(&plan->destroyed, old, err));
    CSI_TRY(csi_object_set_copy(&plan->condemned, old, err));
    return add_list(old, &plan->from, err);
}

certstore_status csi_token_plan_new(const struct csi_token_plan *plan, struct csi_object_set *new, certstore_error *err)
{
    CSI_TRY(csi_object_set_copy(&plan->kept, new, err));
    CSI_TRY(csi_object_set_copy(&plan->created, new, err));
    CSI_TRY(csi_object_set_copy(&plan->swapped, new, err));
    return add_list(new, &plan->to, err);
}

/* ---------------------------------------------------------------------------------------------------------------- as bytes */

static csi_blob *without_secrets(csi_blob *object, certstore_error *err)
{
    CSI_AUTO_DRAFT draft = { 0 };
    if (!is_precious(csi_blob_span(object)))
        return csi_blob_ref(object);
    csi_object_put_all(&draft, csi_blob_span(object));
    csi_object_put(&draft, CSI_OBJECT_PKCS8, csi_span(NULL, 0));
    csi_object_put(&draft, CKA_VALUE, csi_span(NULL, 0));
    return csi_object_finish(&draft, err);
}

static certstore_status put_object(csi_parts *parts, const char *role, csi_blob *object, certstore_error *err)
{
    CSI_AUTO(csi_blob) *plain = without_secrets(object, err);
    return plain != NULL ? csi_parts_add(parts, role, plain, err) : err->status;
}

static certstore_status put_set(csi_parts *parts, const char *role, const struct csi_object_set *set, certstore_error *err)
{
    for (size_t i = 0; i < set->count; i++)
        CSI_TRY(put_object(parts, role, set->items[i].object, err));
    return CERTSTORE_OK;
}

static certstore_status put_essences(csi_parts *parts, const struct csi_object_set *set, certstore_error *err)
{
    CSI_AUTO_BUF essences = { 0 };
    for (size_t i = 0; i < set->count; i++)
        csi_buf_put(&essences, set->items[i].essence, CSI_ESSENCE_SIZE);
    CSI_TRY(csi_buf_check(&essences, err));
    CSI_AUTO(csi_blob) *blob = csi_blob_from_buf(&essences, err);
    return blob != NULL ? csi_parts_add(parts, "kept", blob, err) : err->status;
}

certstore_status csi_token_plan_write(const struct csi_token_plan *plan, struct csi_buf *out, certstore_error *err)
{
    CSI_AUTO(csi_parts) *parts = csi_parts_new(err);
    if (parts == NULL)
        return err->status;
    CSI_TRY(put_essences(parts, &plan->kept, err));
    CSI_TRY(put_set(parts, "created", &plan->created, err));
    CSI_TRY(put_set(parts, "swapped", &plan->swapped, err));
    CSI_TRY(put_set(parts, "destroyed", &plan->destroyed, err));
    CSI_TRY(put_set(parts, "condemned", &plan->condemned, err));
    for (size_t i = 0; i < plan->from.count; i++) {
        CSI_TRY(put_object(parts, "from", plan->from.items[i], err));
        CSI_TRY(put_object(parts, "to", plan->to.items[i], err));
    }
    return csi_archive_write(parts, out, err);
}

static certstore_status read_essences(const csi_blob *bytes, struct csi_object_set *kept, certstore_error *err)
{
    for (size_t at = 0; bytes->size - at >= CSI_ESSENCE_SIZE; at += CSI_ESSENCE_SIZE) {
        struct csi_set_item item = { .object = NULL };
        memcpy(item.essence, bytes->data + at, CSI_ESSENCE_SIZE);
        CSI_TRY(csi_object_set_add_item(kept, &item, err));
    }
    return CERTSTORE_OK;
}

static certstore_status read_part(const struct csi_part *part, struct csi_token_plan *plan, certstore_error *err)
{
    if (strcmp(part->name, "kept") == 0)
        return read_essences(part->bytes, &plan->kept, err);
    CSI_TRY(csi_object_check(csi_blob_span(part->bytes), err));
    if (strcmp(part->name, "created") == 0)
        return csi_object_set_add(&plan->created, part->bytes, err);
    if (strcmp(part->name, "swapped") == 0)
        return csi_object_set_add(&plan->swapped, part->bytes, err);
    if (strcmp(part->name, "destroyed") == 0)
        return csi_object_set_add(&plan->destroyed, part->bytes, err);
    if (strcmp(part->name, "condemned") == 0)
        return csi_object_set_add(&plan->condemned, part->bytes, err);
    if (strcmp(part->name, "from") == 0)
        return csi_objects_add(&plan->from, part->bytes, err);
    if (strcmp(part->name, "to") == 0)
        return csi_objects_add(&plan->to, part->bytes, err);
    return csi_fail(err, CERTSTORE_E_MALFORMED, "plan: '%s' is no part of it; use the version that wrote it", part->name);
}

certstore_status csi_token_plan_read(struct csi_span bytes, struct csi_token_plan *plan, certstore_error *err)
{
    CSI_AUTO(csi_parts) *parts = csi_archive_read(bytes, err);
    if (parts == NULL)
        return err->status;
    for (size_t i = 0; i < parts->count; i++)
        CSI_TRY(read_part(&parts->items[i], plan, err));
    if (plan->from.count != plan->to.count)
        return csi_fail(err, CERTSTORE_E_MALFORMED, "plan: a key is renamed to nothing; it is damaged");
    csi_object_set_sort(&plan->kept);
    csi_object_set_sort(&plan->created);
    csi_object_set_sort(&plan->swapped);
    csi_object_set_sort(&plan->destroyed);
    csi_object_set_sort(&plan->condemned);
    return CERTSTORE_OK;
}
