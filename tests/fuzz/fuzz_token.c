/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_token.c: any objects at all as a token's content.
 *
 * An input's first byte says which of the two formats it is, by its last bit; then come objects, each behind its size in two bytes, big-endian;
 * what does not begin so is one object. What decodes must encode: unchanged to the same objects; changed to objects that are whole, that
 * decode again, and that a second encoding leaves as they are.
 */
#include "codec/token.h"
#include "fuzz/fuzz.h"

enum { OBJECTS_MAX = 64 };

static void ref(struct csi_remote *remote)
{
    (void)remote;
}

static certstore_status stays(struct csi_remote *remote, struct csi_span object, struct csi_plain_key *plain, certstore_error *err)
{
    (void)remote;
    (void)object;
    (void)plain;
    return csi_fail(err, CERTSTORE_E_BOUND, "key: it does not leave its token");
}

static struct csi_remote token = { .traits = CSI_TOKEN_WRITABLE | CSI_TOKEN_KEYS, .ref = ref, .free = ref, .open = stays };

static certstore_bundle *decode(const struct csi_codec *codec, const csi_parts *parts, certstore_status *status)
{
    certstore_error err = { 0 };
    const struct csi_limits limits = fuzz_limits(1);
    const struct csi_decode in = { .parts = parts, .limits = &limits, .remote = &token };
    certstore_bundle *bundle = codec->decode(&in, &err);
    must((bundle != NULL) == (err.status == CERTSTORE_OK));
    *status = err.status;
    return bundle;
}

static csi_parts *encode(const struct csi_codec *codec, const certstore_bundle *bundle, certstore_status *status)
{
    certstore_error err = { 0 };
    const struct csi_limits limits = fuzz_limits(1);
    CSI_AUTO(csi_parts) *parts = csi_parts_new(&err);
    const struct csi_encode in = { .part_count = 1, .limits = &limits, .remote = &token, .traits = token.traits };
    must(parts != NULL);
    *status = codec->encode(bundle, &in, parts, &err);
    must(*status == err.status);
    for (size_t i = 0; *status == CERTSTORE_OK && i < parts->count; i++)
        must(csi_object_check(csi_blob_span(parts->items[i].bytes), &err) == CERTSTORE_OK);
    return *status == CERTSTORE_OK ? csi_steal(&parts) : NULL;
}

static void add(csi_parts *parts, struct csi_span bytes)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_blob) *blob = csi_blob_new(bytes.data, bytes.size, &err);
    must(blob != NULL && csi_parts_add(parts, "", blob, &err) == CERTSTORE_OK);
}

static void split(struct csi_span input, csi_parts *parts)
{
    struct csi_reader r = csi_reader(input);
    uint16_t size;
    struct csi_span object;
    while (csi_left(&r) > 0 && parts->count < OBJECTS_MAX) {
        struct csi_reader rest = r;
        if (!csi_read_u16(&r, &size) || !csi_read_span(&r, size, &object)) {
            add(parts, csi_span(rest.at, csi_left(&rest)));
            return;
        }
        add(parts, object);
    }
}

static void must_be_the_same(const csi_parts *a, const csi_parts *b)
{
    must(a->count == b->count);
    for (size_t i = 0; i < a->count; i++)
        must(same_blob(a->items[i].bytes, b->items[i].bytes));
}

static bool has_part(const csi_parts *parts, const csi_blob *object)
{
    for (size_t i = 0; i < parts->count; i++)
        if (same_blob(parts->items[i].bytes, object))
            return true;
    return false;
}

/* A second reading and writing leaves every object of the first as it is, also where an entry was taken out and put back, so that the whole is looked
 * through again. NSS's rule may refuse what no NSS would hold. */
static void must_settle(const struct csi_codec *codec, const csi_parts *written)
{
    certstore_error err = { 0 };
    certstore_status status;
    CSI_AUTO(certstore_bundle) *bundle = decode(codec, written, &status);
    must(bundle != NULL || status == CERTSTORE_E_LIMIT);
    if (bundle == NULL || bundle->count == 0 || bundle->entries[0]->alias[0] == '\0')
        return;
    CSI_AUTO(certstore_entry) *first = csi_entry_ref(bundle->entries[0]);
    must(csi_bundle_remove(bundle, first->alias, &err) == CERTSTORE_OK && csi_bundle_put(bundle, first, &err) == CERTSTORE_OK);
    CSI_AUTO(csi_parts) *again = encode(codec, bundle, &status);
    must(again != NULL || status == CERTSTORE_E_EXISTS);
    must(again == NULL || again->count == written->count);
    for (size_t i = 0; again != NULL && i < written->count; i++)
        must(has_part(again, written->items[i].bytes));
}

static void change(const struct csi_codec *codec, const csi_parts *parts, bool rename)
{
    certstore_error err = { 0 };
    certstore_status status;
    CSI_AUTO(certstore_bundle) *bundle = decode(codec, parts, &status);
    if (bundle == NULL || bundle->count == 0)
        return;
    const char *alias = bundle->entries[0]->alias;
    status = rename ? csi_bundle_rename(bundle, alias, "another name", &err) : csi_bundle_remove(bundle, alias, &err);
    if (status != CERTSTORE_OK) /* an alias that is taken, or empty */
        return;
    CSI_AUTO(csi_parts) *changed = encode(codec, bundle, &status);
    if (changed != NULL)
        must_settle(codec, changed);
}

/* Every entry as a stranger's: the objects are made anew, where they can be. */
static void copy(const struct csi_codec *codec, const certstore_bundle *from)
{
    certstore_error err = { 0 };
    certstore_status status;
    CSI_AUTO(certstore_bundle) *bundle = csi_bundle_new(codec->name, codec->rule, &err);
    must(bundle != NULL);
    for (size_t i = 0; i < from->count; i++)
        csi_bundle_put(bundle, from->entries[i], &err);
    CSI_AUTO(csi_parts) *made = encode(codec, bundle, &status);
    if (made != NULL)
        must_settle(codec, made);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    certstore_error err = { 0 };
    certstore_status status;
    const struct csi_codec *codec = size > 0 && data[0] % 2 != 0 ? &csi_codec_nss : &csi_codec_pkcs11;
    CSI_AUTO(csi_parts) *parts = csi_parts_new(&err);
    must(parts != NULL);
    if (size > 1)
        split(csi_span(data + 1, size - 1), parts);
    CSI_AUTO(certstore_bundle) *bundle = decode(codec, parts, &status);
    if (bundle == NULL)
        return 0;
    CSI_AUTO(csi_parts) *same = encode(codec, bundle, &status);
    must(same != NULL);
    must_be_the_same(parts, same);
    change(codec, parts, true);
    change(codec, parts, false);
    copy(codec, bundle);
    return 0;
}
