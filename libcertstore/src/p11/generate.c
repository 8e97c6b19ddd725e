/* SPDX-License-Identifier: Apache-2.0 */
/* generate.c: key pairs made on the token. Their private halves never were anywhere else. */
#include <stdio.h>

#include <openssl/sha.h>

#include "base/writer.h"
#include "p11/internal.h"

/* What a type is made by. Ed25519 has two names for its curve: the OID of RFC 8410, and the PrintableString of PKCS#11 3.0 section 2.3.10. */
static const uint8_t p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const uint8_t p384[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 };
static const uint8_t p521[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23 };
static const uint8_t ed25519[] = { 0x06, 0x03, 0x2b, 0x65, 0x70 };
static const uint8_t edwards25519[] = { 0x13, 0x0c, 'e', 'd', 'w', 'a', 'r', 'd', 's', '2', '5', '5', '1', '9' };

struct kind {
    const char *name; /* of RSA: what the bits follow */
    CK_KEY_TYPE type;
    CK_MECHANISM_TYPE mechanism;
    struct csi_span curves[2];
    size_t point;  /* bytes of the bare public point */
    CK_ULONG bits; /* RSA */
};
static const struct kind kinds[] = {
    { .name = "RSA:", .type = CKK_RSA, .mechanism = CKM_RSA_PKCS_KEY_PAIR_GEN },
    { .name = "EC:P-256", .type = CKK_EC, .mechanism = CKM_EC_KEY_PAIR_GEN, .curves = { { p256, sizeof p256 } }, .point = 65 },
    { .name = "EC:P-384", .type = CKK_EC, .mechanism = CKM_EC_KEY_PAIR_GEN, .curves = { { p384, sizeof p384 } }, .point = 97 },
    { .name = "EC:P-521", .type = CKK_EC, .mechanism = CKM_EC_KEY_PAIR_GEN, .curves = { { p521, sizeof p521 } }, .point = 133 },
    { .name = "ED25519",
      .type = CKK_EC_EDWARDS,
      .mechanism = CKM_EC_EDWARDS_KEY_PAIR_GEN,
      .curves = { { ed25519, sizeof ed25519 }, { edwards25519, sizeof edwards25519 } },
      .point = 32 },
};

static bool parse_bits(const char *text, CK_ULONG *bits)
{
    char *end;
    *bits = strtoul(text, &end, 10);
    return text[0] >= '1' && text[0] <= '9' && *end == '\0' && *bits >= 2048 && *bits <= 8192 && *bits % 8 == 0;
}

static certstore_status parse_kind(const char *type, struct kind *kind, certstore_error *err)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        *kind = kinds[i];
        size_t size = strlen(kind->name);
        if (kind->type == CKK_RSA ? strncmp(type, kind->name, size) == 0 && parse_bits(type + size, &kind->bits) : strcmp(type, kind->name) == 0)
            return CERTSTORE_OK;
    }
    return csi_fail(err, CERTSTORE_E_ARGUMENT, "key type: '%s' is none of RSA:2048 to RSA:8192, EC:P-256, EC:P-384, EC:P-521, ED25519", type);
}

/* --------------------------------------------------------------------------------------------------------------------- ID */

/* The bare point: modules give it so, or as an OCTET STRING (PKCS#11 2.40 mechanisms section 2.3.3). */
static struct csi_span bare_point(struct csi_span point, size_t bare)
{
    size_t header = csi_der_header_size(bare);
    return point.size == header + bare ? csi_span(point.data + header, bare) : point;
}

static void put_integer(struct csi_buf *out, struct csi_span number)
{
    CSI_AUTO_BUF content = { 0 };
    if (number.size > 0 && number.data[0] >= 0x80)
        csi_buf_put_u8(&content, 0);
    csi_buf_put_span(&content, number);
    csi_der_put_buf(out, 0x02, &content);
}

/* The SHA-1 of the public key's bits (RFC 5280 section 4.2.1.2 (1)): what a certificate for it will have as its subject key identifier. */
static certstore_status make_id(const struct kind *kind, struct csi_span public_key, uint8_t id[SHA_DIGEST_LENGTH], certstore_error *err)
{
    struct csi_span first;
    struct csi_span second;
    CSI_AUTO_BUF bits = { 0 };
    if (kind->type == CKK_RSA && csi_object_get(public_key, CKA_MODULUS, &first) && csi_object_get(public_key, CKA_PUBLIC_EXPONENT, &second)) {
        put_integer(&bits, first);
        put_integer(&bits, second);
        csi_der_wrap(&bits, 0, 0x30);
    } else if (kind->type != CKK_RSA && csi_object_get(public_key, CKA_EC_POINT, &first)) {
        csi_buf_put_span(&bits, bare_point(first, kind->point));
    } else {
        return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "key: the token does not tell its public part; give an ID");
    }
    CSI_TRY(csi_buf_check(&bits, err));
    SHA1(bits.data, bits.size, id);
    return CERTSTORE_OK;
}

/* ------------------------------------------------------------------------------------------------------------------- making */

struct pair {
    CK_OBJECT_HANDLE public_key;
    CK_OBJECT_HANDLE private_key;
};

static void put_names(struct csi_template *t, const char *label, struct csi_span id)
{
    csi_template_flag(t, CKA_TOKEN, true);
    if (label[0] != '\0')
        csi_template_put(t, CKA_LABEL, csi_span_text(label));
    if (id.size > 0)
        csi_template_put(t, CKA_ID, id);
}

static CK_RV make_pair(struct csi_use *use, const struct kind *kind, struct csi_span curve, const char *label, struct csi_span id,
                       const struct csi_key_policy *policy, struct pair *pair)
{
    static const uint8_t exponent[] = { 1, 0, 1 };
    struct csi_template open = { .count = 0 };
    struct csi_template hidden = { .count = 0 };
    CK_MECHANISM mechanism = { kind->mechanism, NULL, 0 };
    bool rsa = kind->type == CKK_RSA;
    put_names(&open, label, id);
    put_names(&hidden, label, id);
    csi_template_flag(&open, CKA_PRIVATE, false);
    csi_template_flag(&open, CKA_VERIFY, true);
    csi_template_flag(&hidden, CKA_PRIVATE, true);
    csi_template_flag(&hidden, CKA_SENSITIVE, true);
    csi_template_flag(&hidden, CKA_EXTRACTABLE, policy != NULL && policy->extractable);
    csi_template_flag(&hidden, CKA_SIGN, true);
    if (policy != NULL && policy->always_authenticate)
        csi_template_flag(&hidden, CKA_ALWAYS_AUTHENTICATE, true);
    if (rsa) {
        csi_template_number(&open, CKA_MODULUS_BITS, kind->bits);
        csi_template_put(&open, CKA_PUBLIC_EXPONENT, csi_span(exponent, sizeof exponent));
        csi_template_flag(&open, CKA_ENCRYPT, true);
        csi_template_flag(&hidden, CKA_DECRYPT, true);
    } else {
        csi_template_put(&open, CKA_EC_PARAMS, curve);
    }
    if (kind->type == CKK_EC)
        csi_template_flag(&hidden, CKA_DERIVE, true);
    return use->f->C_GenerateKeyPair(use->session, &mechanism, open.items, open.count, hidden.items, hidden.count, &pair->public_key,
                                     &pair->private_key);
}

static void unmake(struct csi_use *use, const struct pair *pair)
{
    use->f->C_DestroyObject(use->session, pair->private_key);
    use->f->C_DestroyObject(use->session, pair->public_key);
}

static certstore_status set_id(struct csi_use *use, CK_OBJECT_HANDLE handle, struct csi_span id, certstore_error *err)
{
    struct csi_template t = { .count = 0 };
    csi_template_put(&t, CKA_ID, id);
    return csi_ckr(use, use->f->C_SetAttributeValue(use->session, handle, t.items, t.count), "giving the new key its ID", err);
}

/* The ID follows from the key, so it comes after it. A crash in between loses a key that nobody has used. */
static certstore_status give_id(struct csi_use *use, const struct kind *kind, const struct pair *pair, certstore_error *err)
{
    uint8_t id[SHA_DIGEST_LENGTH];
    CSI_AUTO(csi_blob) *public_key = csi_read_object(use, pair->public_key, CKO_PUBLIC_KEY, UINT32_MAX, err);
    if (public_key == NULL)
        return err->status;
    CSI_TRY(make_id(kind, csi_blob_span(public_key), id, err));
    CSI_TRY(set_id(use, pair->private_key, csi_span(id, sizeof id), err));
    return set_id(use, pair->public_key, csi_span(id, sizeof id), err);
}

/* Modules drop attributes without a word: a key that could be exported after all is not what was asked for. */
static certstore_status check_policy(const struct csi_use *use, struct csi_span private_key, const struct csi_key_policy *policy,
                                     certstore_error *err)
{
    bool extractable = policy != NULL && policy->extractable;
    bool always = policy != NULL && policy->always_authenticate;
    if (csi_object_flag(private_key, CKA_SENSITIVE, false) && csi_object_flag(private_key, CKA_EXTRACTABLE, true) == extractable &&
        csi_object_flag(private_key, CKA_ALWAYS_AUTHENTICATE, false) == always)
        return CERTSTORE_OK;
    return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "token %s: it gives the new key other properties than it was told to; it was taken back",
                    use->token->info.label);
}

static certstore_status add_made(struct csi_use *use, const struct pair *pair, const struct csi_key_policy *policy, struct csi_objects *made,
                                 certstore_error *err)
{
    CSI_AUTO(csi_blob) *private_key = csi_read_object(use, pair->private_key, CKO_PRIVATE_KEY, UINT32_MAX, err);
    CSI_AUTO(csi_blob) *public_key = private_key != NULL ? csi_read_object(use, pair->public_key, CKO_PUBLIC_KEY, UINT32_MAX, err) : NULL;
    if (public_key == NULL)
        return err->status;
    CSI_TRY(check_policy(use, csi_blob_span(private_key), policy, err));
    CSI_TRY(csi_objects_add(made, private_key, err));
    return csi_objects_add(made, public_key, err);
}

certstore_status csi_p11_generate(csi_p11 *token, const char *type, const char *label, struct csi_span id, const struct csi_key_policy *policy,
                                  struct csi_objects *made, certstore_error *err)
{
    struct kind kind;
    struct pair pair = { CK_INVALID_HANDLE, CK_INVALID_HANDLE };
    CSI_TRY(parse_kind(type, &kind, err));
    CSI_TRY(csi_p11_login(token, err));
    CSI_AUTO_USE use = { 0 };
    CSI_TRY(csi_use_begin(&use, token, err));
    CK_RV rv = make_pair(&use, &kind, kind.curves[0], label, id, policy, &pair);
    if (kind.curves[1].size > 0 && rv != CKR_OK && rv != CKR_MECHANISM_INVALID && !csi_session_is_gone(rv))
        rv = make_pair(&use, &kind, kind.curves[1], label, id, policy, &pair);
    CSI_TRY(csi_ckr(&use, rv, "making a key pair", err));
    if ((id.size == 0 && give_id(&use, &kind, &pair, err) != CERTSTORE_OK) || add_made(&use, &pair, policy, made, err) != CERTSTORE_OK)
        unmake(&use, &pair);
    return err->status;
}
