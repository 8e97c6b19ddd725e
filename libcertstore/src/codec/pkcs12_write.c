/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs12_write.c: an edit's outcome as a file: safes, AuthenticatedSafe, MAC (RFC 7292 section 4). */
#include "base/writer.h"
#include "codec/pkcs12_encode.h"

static bool bag_is_kept(const struct csi_p12_edit *e, size_t number)
{
    return e->bags[number].wanted && e->bags[number].replacement.size == 0 && e->bags[number].after.size == 0;
}

/* The number behind the last bag inside this one. */
static size_t end_of(const csi_pkcs12 *from, size_t number)
{
    size_t end = number + 1;
    while (end < from->bag_count && from->bags[end].parent >= (int32_t)number)
        end++;
    return end;
}

static bool range_is_kept(const struct csi_p12_edit *e, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++)
        if (e->from->bags[i].kind != CSI_BAG_NEST && !bag_is_kept(e, i))
            return false;
    return true;
}

static certstore_status put_bags(const struct csi_p12_edit *e, size_t begin, size_t end, struct csi_buf *out, certstore_error *err);

/* A nest whose bags all went away goes with them. */
static certstore_status put_nest(const struct csi_p12_edit *e, size_t number, size_t end, struct csi_buf *out, certstore_error *err)
{
    const struct csi_bag *nest = &e->from->bags[number];
    const struct csi_bag_says says = { .keep = nest->attributes };
    CSI_AUTO_BUF inside = { 0 };
    CSI_TRY(put_bags(e, number + 1, end, &inside, err));
    if (inside.size == 0)
        return CERTSTORE_OK;
    csi_der_wrap(&inside, 0, CSI_DER_SEQUENCE);
    CSI_TRY(csi_buf_check(&inside, err));
    return csi_bag_put(out, nest->type, csi_buf_span(&inside), &says, err);
}

static certstore_status put_bags(const struct csi_p12_edit *e, size_t begin, size_t end, struct csi_buf *out, certstore_error *err)
{
    for (size_t i = begin, next; i < end; i = next) {
        const struct csi_bag *bag = &e->from->bags[i];
        next = end_of(e->from, i);
        if (bag->kind == CSI_BAG_NEST && !range_is_kept(e, i + 1, next)) {
            CSI_TRY(put_nest(e, i, next, out, err));
            continue;
        }
        if (e->bags[i].wanted && e->bags[i].replacement.size > 0)
            csi_buf_put_buf(out, &e->bags[i].replacement);
        else if (e->bags[i].wanted || bag->kind == CSI_BAG_NEST)
            csi_buf_put_span(out, bag->whole);
        csi_buf_put_buf(out, &e->bags[i].after);
    }
    return csi_buf_check(out, err);
}

/* ContentInfo ::= SEQUENCE { data, [0] OCTET STRING }. */
static void put_clear(struct csi_buf *out, struct csi_span contents)
{
    size_t from = out->size;
    csi_der_put(out, CSI_DER_OID, csi_oid_data);
    size_t content = out->size;
    csi_der_put(out, CSI_DER_OCTET_STRING, contents);
    csi_der_wrap(out, content, CSI_DER_CONTEXT_CONSTRUCTED | 0);
    csi_der_wrap(out, from, CSI_DER_SEQUENCE);
}

/* ContentInfo ::= SEQUENCE { encryptedData, [0] SEQUENCE { 0, SEQUENCE { data, algorithm, [0] IMPLICIT ciphertext } } }. */
static certstore_status put_encrypted(struct csi_p12_edit *e, struct csi_buf *out, struct csi_span like, const csi_secret *password,
                                      struct csi_span contents, certstore_error *err)
{
    CSI_AUTO_BUF algorithm = { 0 };
    CSI_AUTO_BUF ciphertext = { 0 };
    CSI_TRY(csi_pbe_seal(&e->session, like, password, contents, &algorithm, &ciphertext, err));
    size_t from = out->size;
    csi_der_put(out, CSI_DER_OID, csi_oid_encrypted_data);
    size_t content = out->size;
    csi_der_put_uint(out, 0);
    size_t info = out->size;
    csi_der_put(out, CSI_DER_OID, csi_oid_data);
    csi_buf_put_buf(out, &algorithm);
    csi_der_put_buf(out, CSI_DER_CONTEXT | 0, &ciphertext);
    csi_der_wrap(out, info, CSI_DER_SEQUENCE);
    csi_der_wrap(out, content, CSI_DER_SEQUENCE);
    csi_der_wrap(out, content, CSI_DER_CONTEXT_CONSTRUCTED | 0);
    csi_der_wrap(out, from, CSI_DER_SEQUENCE);
    return csi_buf_check(out, err);
}

/* A safe that held nothing is kept; one that was emptied goes. */
static certstore_status put_safe(struct csi_p12_edit *e, struct csi_buf *out, struct csi_span bags, struct csi_span like, const csi_secret *password,
                                 bool encrypted, certstore_error *err)
{
    CSI_AUTO_BUF contents = { 0 };
    if (bags.size == 0)
        return CERTSTORE_OK;
    csi_der_put(&contents, CSI_DER_SEQUENCE, bags);
    CSI_TRY(csi_buf_check(&contents, err));
    if (encrypted)
        return put_encrypted(e, out, like, password, csi_buf_span(&contents), err);
    put_clear(out, csi_buf_span(&contents));
    return csi_buf_check(out, err);
}

struct plan {
    size_t key_safe;  /* where new keys go; SIZE_MAX: a new safe */
    size_t cert_safe; /* and everything else */
    bool protect_all; /* a store without any protection gets some */
};

static bool is_key(enum csi_bag_kind kind)
{
    return kind == CSI_BAG_KEY || kind == CSI_BAG_SHROUDED || kind == CSI_BAG_SECRET;
}

/* The safe with the most such bags. */
static size_t safe_for(const csi_pkcs12 *from, bool keys)
{
    for (size_t i = 0; i < from->bag_count; i++)
        if (keys ? is_key(from->bags[i].kind) : from->bags[i].kind == CSI_BAG_CERT)
            return from->bags[i].safe;
    return SIZE_MAX;
}

static bool is_bare(const csi_pkcs12 *from)
{
    for (size_t i = 0; i < from->safe_count; i++)
        if (from->safes[i].encrypted)
            return false;
    for (size_t i = 0; i < from->bag_count; i++)
        if (from->bags[i].kind == CSI_BAG_SHROUDED)
            return false;
    return !from->mac.present;
}

/* The bags of an old safe and its new ones. */
static certstore_status put_old_safe(struct csi_p12_edit *e, const struct plan *plan, size_t number, size_t begin, size_t end, struct csi_buf *out,
                                     certstore_error *err)
{
    const struct csi_safe *safe = &e->from->safes[number];
    bool grows = (number == plan->key_safe && e->keys.size > 0) || (number == plan->cert_safe && e->certs.size > 0);
    if (!grows && range_is_kept(e, begin, end) && !(e->in->reprotect && (safe->encrypted || plan->protect_all))) {
        csi_buf_put_span(out, safe->whole);
        return csi_buf_check(out, err);
    }
    CSI_AUTO_BUF bags = { 0 };
    CSI_AUTO_BUF algorithm = { 0 };
    CSI_TRY(put_bags(e, begin, end, &bags, err));
    if (number == plan->cert_safe)
        csi_buf_put_buf(&bags, &e->certs);
    if (number == plan->key_safe)
        csi_buf_put_buf(&bags, &e->keys);
    const csi_secret *password = e->in->reprotect ? csi_p12_store_password(e) : safe->password;
    bool encrypted = e->in->reprotect ? password != NULL && (safe->encrypted || (plan->protect_all && number == plan->cert_safe)) : safe->encrypted;
    if (safe->encrypted && csi_pbe_can_seal(safe->algorithm))
        csi_buf_put_span(&algorithm, safe->algorithm);
    else
        csi_p12_put_safe_algorithm(e->in->profile, &algorithm);
    CSI_TRY(csi_buf_check(&bags, err));
    CSI_TRY(csi_buf_check(&algorithm, err));
    return put_safe(e, out, csi_buf_span(&bags), csi_buf_span(&algorithm), password, encrypted, err);
}

static certstore_status put_old_safes(struct csi_p12_edit *e, const struct plan *plan, struct csi_buf *out, certstore_error *err)
{
    size_t begin = 0;
    for (size_t i = 0; i < e->from->safe_count; i++) {
        size_t end = begin;
        while (end < e->from->bag_count && e->from->bags[end].safe == i)
            end++;
        CSI_TRY(put_old_safe(e, plan, i, begin, end, out, err));
        begin = end;
    }
    return CERTSTORE_OK;
}

/* Keys in a safe in the clear, since each is encrypted itself; then certificates in an encrypted one: as Java does. */
static certstore_status put_new_safes(struct csi_p12_edit *e, const struct plan *plan, struct csi_buf *out, certstore_error *err)
{
    const csi_secret *password = csi_p12_store_password(e);
    CSI_AUTO_BUF algorithm = { 0 };
    csi_p12_put_safe_algorithm(e->in->profile, &algorithm);
    CSI_TRY(csi_buf_check(&algorithm, err));
    if (plan->key_safe == SIZE_MAX)
        CSI_TRY(put_safe(e, out, csi_buf_span(&e->keys), csi_buf_span(&algorithm), password, false, err));
    if (plan->cert_safe == SIZE_MAX)
        CSI_TRY(put_safe(e, out, csi_buf_span(&e->certs), csi_buf_span(&algorithm), password, password != NULL, err));
    return CERTSTORE_OK;
}

/* The passphrase of a MAC that reading did not verify must fit it before anything is signed with it. */
static certstore_status mac_password(struct csi_p12_edit *e, const csi_secret **password, certstore_error *err)
{
    enum csi_reading reading;
    certstore_error mismatch = { 0 };
    *password = csi_p12_store_password(e);
    if (e->in->reprotect || e->from == NULL || e->from->verified)
        return CERTSTORE_OK;
    if (csi_p12_mac_verify(&e->session, &e->from->mac, e->from->mac_input, *password, &reading, &mismatch) == CERTSTORE_OK)
        return CERTSTORE_OK;
    if (mismatch.status != CERTSTORE_E_PASSWORD) { /* too much work, no memory, an unknown algorithm: another passphrase would not help */
        csi_error_move(err, &mismatch);
        return err->status;
    }
    return csi_fail(err, CERTSTORE_E_PASSWORD, "PKCS#12: changing it takes the passphrase of its integrity check; give it");
}

static certstore_status put_mac(struct csi_p12_edit *e, bool fresh, struct csi_span input, struct csi_buf *out, certstore_error *err)
{
    const csi_secret *password;
    struct csi_p12_mac like = { 0 };
    CSI_AUTO_BUF made = { 0 };
    CSI_TRY(mac_password(e, &password, err));
    if (password == NULL && (e->from == NULL || e->in->reprotect))
        return CERTSTORE_OK;
    if (!fresh)
        return csi_p12_mac_make(&e->session, &e->from->mac, input, password, out, err);
    csi_p12_mac_put_template(e->in->profile, &made);
    CSI_TRY(csi_buf_check(&made, err));
    CSI_TRY(csi_p12_mac_parse(csi_buf_span(&made), &like, err));
    return csi_p12_mac_make(&e->session, &like, input, password, out, err);
}

/* PFX ::= SEQUENCE { 3, authSafe, macData }. */
static certstore_status put_pfx(struct csi_p12_edit *e, const struct plan *plan, struct csi_span auth_safe, struct csi_buf *out, certstore_error *err)
{
    bool fresh = e->from == NULL || plan->protect_all;
    csi_der_put_uint(out, 3);
    put_clear(out, auth_safe);
    if (fresh || e->from->mac.present)
        CSI_TRY(put_mac(e, fresh, auth_safe, out, err));
    csi_der_wrap(out, 0, CSI_DER_SEQUENCE);
    if (e->from != NULL)
        csi_buf_put_span(out, e->from->trailing);
    return csi_buf_check(out, err);
}

certstore_status csi_p12_write(struct csi_p12_edit *edit, struct csi_buf *out, certstore_error *err)
{
    struct plan plan = { SIZE_MAX, SIZE_MAX, false };
    CSI_AUTO_BUF safes = { 0 };
    if (edit->from != NULL) {
        plan.key_safe = safe_for(edit->from, true);
        plan.cert_safe = safe_for(edit->from, false);
        plan.protect_all = edit->in->reprotect && is_bare(edit->from) && csi_p12_store_password(edit) != NULL;
        CSI_TRY(put_old_safes(edit, &plan, &safes, err));
    }
    CSI_TRY(put_new_safes(edit, &plan, &safes, err));
    csi_der_wrap(&safes, 0, CSI_DER_SEQUENCE);
    CSI_TRY(csi_buf_check(&safes, err));
    return put_pfx(edit, &plan, csi_buf_span(&safes), out, err);
}

static void clear(struct csi_p12_edit *e)
{
    for (size_t i = 0; e->bags != NULL && i < e->from->bag_count; i++) {
        csi_buf_free(&e->bags[i].replacement);
        csi_buf_free(&e->bags[i].after);
    }
    free(e->bags);
    free(e->claimed);
    free(e->own);
    free(e->dates);
    free(e->written);
    csi_buf_free(&e->keys);
    csi_buf_free(&e->certs);
    csi_pbe_session_close(&e->session);
}

enum { OUR_ITERATIONS = 100000 /* the most that any profile writes */ };

static certstore_status run(struct csi_p12_edit *e, struct csi_buf *out, certstore_error *err)
{
    e->limits = *e->in->limits;
    /* Not all that is followed was ever derived: a store that was read without a passphrase says what it likes in its MAC. */
    if (e->limits.value[CERTSTORE_LIMIT_KDF_ITERATIONS] < OUR_ITERATIONS)
        e->limits.value[CERTSTORE_LIMIT_KDF_ITERATIONS] = OUR_ITERATIONS;
    e->limits.value[CERTSTORE_LIMIT_KDF_TOTAL] = UINT64_MAX;
    e->budget.limits = &e->limits;
    e->session.budget = &e->budget;
    if (e->from != NULL) {
        e->bags = csi_new(e->from->bag_count, sizeof *e->bags, err);
        e->claimed = csi_new(e->from->item_count, sizeof *e->claimed, err);
        e->own = csi_new(e->from->bag_count, sizeof *e->own, err);
        if (e->bags == NULL || e->claimed == NULL || e->own == NULL)
            return err->status;
        for (size_t i = 0; i < e->from->item_count; i++)
            e->own[e->from->items[i].bag] = true;
    }
    if (e->from == NULL || e->in->reprotect)
        CSI_TRY(csi_p12_check_password(e->in->profile, csi_p12_store_password(e), err));
    CSI_TRY(csi_p12_edit_entries(e, err));
    return csi_p12_write(e, out, err);
}

certstore_status csi_pkcs12_encode(const certstore_bundle *bundle, const struct csi_encode *in, csi_parts *parts, certstore_error *err)
{
    const csi_document *document = bundle->document;
    const csi_pkcs12 *from = document != NULL && document->codec == &csi_codec_pkcs12 ? (const csi_pkcs12 *)document : NULL;
    if (from != NULL && !in->reprotect && csi_bundle_pristine(bundle))
        return csi_parts_add(parts, "", from->file, err);
    struct csi_p12_edit edit = { .bundle = bundle, .in = in, .from = from };
    CSI_AUTO_BUF out = { 0 };
    certstore_status status = run(&edit, &out, err);
    clear(&edit);
    if (status != CERTSTORE_OK)
        return status;
    CSI_AUTO(csi_blob) *blob = csi_blob_from_buf(&out, err);
    return blob != NULL ? csi_parts_add(parts, "", blob, err) : err->status;
}
