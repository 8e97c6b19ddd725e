/* SPDX-License-Identifier: Apache-2.0 */
/* generate.c: keys made on the token, that never were anywhere else. */
#include <strings.h>

#include "model/ossl.h"
#include "model/pubkey.h"
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
    CK_ULONG bits; /* RSA, AES */
};
static const struct kind kinds[] = {
    { .name = "RSA:", .type = CKK_RSA, .mechanism = CKM_RSA_PKCS_KEY_PAIR_GEN },
    { .name = "EC:P-256", .type = CKK_EC, .mechanism = CKM_EC_KEY_PAIR_GEN, .curves = { { p256, sizeof p256 } } },
    { .name = "EC:P-384", .type = CKK_EC, .mechanism = CKM_EC_KEY_PAIR_GEN, .curves = { { p384, sizeof p384 } } },
    { .name = "EC:P-521", .type = CKK_EC, .mechanism = CKM_EC_KEY_PAIR_GEN, .curves = { { p521, sizeof p521 } } },
    { .name = "ED25519",
      .type = CKK_EC_EDWARDS,
      .mechanism = CKM_EC_EDWARDS_KEY_PAIR_GEN,
      .curves = { { ed25519, sizeof ed25519 }, { edwards25519, sizeof edwards25519 } } },
    { .name = "AES:128", .type = CKK_AES, .mechanism = CKM_AES_KEY_GEN, .bits = 128 },
    { .name = "AES:192", .type = CKK_AES, .mechanism = CKM_AES_KEY_GEN, .bits = 192 },
    { .name = "AES:256", .type = CKK_AES, .mechanism = CKM_AES_KEY_GEN, .bits = 256 },
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
        if (kind->type == CKK_RSA && strncasecmp(type, kind->name, size) == 0 && parse_bits(type + size, &kind->bits))
            return CERTSTORE_OK;
        if (kind->type != CKK_RSA && strcasecmp(type, kind->name) == 0)
            return CERTSTORE_OK;
    }
    return csi_fail(err, CERTSTORE_E_ARGUMENT,
                    "key type: '%s' is none of RSA:2048 to RSA:8192, EC:P-256, EC:P-384, EC:P-521, Ed25519, AES:128, AES:192, AES:256", type);
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

static bool may_leave(const struct csi_key_policy *policy)
{
    return policy != NULL && (policy->extractable || policy->readable);
}

static void put_policy(struct csi_template *t, const struct csi_key_policy *policy)
{
    csi_template_flag(t, CKA_PRIVATE, true);
    csi_template_flag(t, CKA_SENSITIVE, policy == NULL || !policy->readable);
    csi_template_flag(t, CKA_EXTRACTABLE, may_leave(policy));
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
    csi_template_flag(&hidden, CKA_SIGN, true);
    put_policy(&hidden, policy);
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

/* The ID follows from the key, so it comes after it: RFC 5280 section 4.2.1.2 (1), or as NSS has it. A crash in between loses a key that nobody has
 * used. */
static certstore_status give_id(struct csi_use *use, const struct pair *pair, certstore_error *err)
{
    uint8_t id[20];
    CSI_AUTO_BUF spki = { 0 };
    bool as_nss = (use->token->info.traits & CSI_TOKEN_NSS_TRUST) != 0;
    CSI_AUTO(csi_blob) *public_key = csi_read_object(use, pair->public_key, CKO_PUBLIC_KEY, UINT32_MAX, err);
    if (public_key == NULL)
        return err->status;
    bool known = csi_object_spki(csi_blob_span(public_key), &spki);
    CSI_TRY(csi_buf_check(&spki, err));
    if (!known || !csi_spki_key_id(csi_buf_span(&spki), as_nss, id))
        return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "key: the token does not tell its public part; make it with the token's own tool");
    CSI_TRY(set_id(use, pair->private_key, csi_span(id, sizeof id), err));
    return set_id(use, pair->public_key, csi_span(id, sizeof id), err);
}

/* Modules drop attributes without a word: a key that could be exported after all is not what was asked for. */
static certstore_status check_policy(const struct csi_use *use, struct csi_span key, const struct csi_key_policy *policy, certstore_error *err)
{
    bool readable = policy != NULL && policy->readable;
    bool always = policy != NULL && policy->always_authenticate && csi_object_class(key) == CKO_PRIVATE_KEY;
    if (csi_object_flag(key, CKA_SENSITIVE, false) != readable && csi_object_flag(key, CKA_EXTRACTABLE, true) == may_leave(policy) &&
        csi_object_flag(key, CKA_ALWAYS_AUTHENTICATE, false) == always)
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

static certstore_status generate_pair(struct csi_use *use, const struct kind *kind, const char *label, struct csi_span id,
                                      const struct csi_key_policy *policy, struct csi_objects *made, certstore_error *err)
{
    struct pair pair = { CK_INVALID_HANDLE, CK_INVALID_HANDLE };
    CK_RV rv = make_pair(use, kind, kind->curves[0], label, id, policy, &pair);
    if (kind->curves[1].size > 0 && rv != CKR_OK && rv != CKR_MECHANISM_INVALID && !csi_session_is_gone(rv))
        rv = make_pair(use, kind, kind->curves[1], label, id, policy, &pair);
    CSI_TRY(csi_ckr(use, rv, "making a key pair", err));
    if ((id.size == 0 && give_id(use, &pair, err) != CERTSTORE_OK) || add_made(use, &pair, policy, made, err) != CERTSTORE_OK)
        unmake(use, &pair);
    return err->status;
}

/* A key that wraps others. Nothing tells secret keys apart but their label and ID, so it gets an ID of its own. */
static certstore_status generate_secret(struct csi_use *use, const struct kind *kind, const char *label, struct csi_span id,
                                        const struct csi_key_policy *policy, struct csi_objects *made, certstore_error *err)
{
    static const CK_ATTRIBUTE_TYPE uses[] = { CKA_ENCRYPT, CKA_DECRYPT, CKA_WRAP, CKA_UNWRAP };
    struct csi_template t = { .count = 0 };
    CK_MECHANISM mechanism = { kind->mechanism, NULL, 0 };
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    uint8_t random[16];
    CSI_TRY(csi_random(random, sizeof random, err));
    put_names(&t, label, id.size > 0 ? id : csi_span(random, sizeof random));
    put_policy(&t, policy);
    csi_template_number(&t, CKA_VALUE_LEN, kind->bits / 8);
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
        csi_template_flag(&t, uses[i], true);
    CSI_TRY(csi_ckr(use, use->f->C_GenerateKey(use->session, &mechanism, t.items, t.count, &handle), "making a secret key", err));
    CSI_AUTO(csi_blob) *key = csi_read_object(use, handle, CKO_SECRET_KEY, UINT32_MAX, err);
    if (key == NULL || check_policy(use, csi_blob_span(key), policy, err) != CERTSTORE_OK || csi_objects_add(made, key, err) != CERTSTORE_OK)
        use->f->C_DestroyObject(use->session, handle);
    return err->status;
}

certstore_status csi_p11_generate(csi_p11 *token, const char *type, const char *label, struct csi_span id, const struct csi_key_policy *policy,
                                  struct csi_objects *made, certstore_error *err)
{
    struct kind kind;
    CSI_TRY(parse_kind(type, &kind, err));
    CSI_TRY(csi_p11_login(token, err));
    CSI_AUTO_USE use = { 0 };
    CSI_TRY(csi_use_begin(&use, token, err));
    return kind.type == CKK_AES ? generate_secret(&use, &kind, label, id, policy, made, err)
                                : generate_pair(&use, &kind, label, id, policy, made, err);
}

bool csi_p11_generates(csi_p11 *token)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].type != CKK_AES && csi_p11_offers(token, kinds[i].mechanism, CKF_GENERATE_KEY_PAIR))
            return true;
    return false;
}
