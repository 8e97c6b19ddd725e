/* SPDX-License-Identifier: Apache-2.0 */
/* certinfo.c: what a person asks a certificate (RFC 5280, RFC 3279, RFC 5480, RFC 8410). */
#include "model/certinfo.h"

#include <arpa/inet.h>

#include <openssl/asn1.h>
#include <openssl/objects.h>

#include "model/ossl.h"

static const uint8_t basic_constraints[] = { 0x55, 0x1d, 0x13 };
static const uint8_t subject_alt_name[] = { 0x55, 0x1d, 0x11 };

/* Public key algorithms by the content of their OID; bits < 0: read them from the key. */
static const struct key_type {
    uint8_t size;
    uint8_t oid[10];
    const char *name;
    int bits;
} key_types[] = {
    { 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 }, "RSA", -1 },
    { 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a }, "RSA-PSS", -1 },
    { 7, { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 }, "EC", -1 },
    { 3, { 0x2b, 0x65, 0x70 }, "ED25519", 256 },
    { 3, { 0x2b, 0x65, 0x71 }, "ED448", 456 },
    { 3, { 0x2b, 0x65, 0x6e }, "X25519", 256 },
    { 3, { 0x2b, 0x65, 0x6f }, "X448", 448 },
    { 7, { 0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01 }, "DSA", -1 },
    { 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x03, 0x01 }, "DH", -1 },
};

/* Named curves (RFC 5480 section 2.1.1.1, RFC 5639) and the bits of their order. */
static const struct curve {
    uint8_t size;
    uint8_t oid[9];
    int bits;
} curves[] = {
    { 8, { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 }, 256 },       /* P-256 */
    { 8, { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01 }, 192 },       /* P-192 */
    { 5, { 0x2b, 0x81, 0x04, 0x00, 0x22 }, 384 },                         /* P-384 */
    { 5, { 0x2b, 0x81, 0x04, 0x00, 0x23 }, 521 },                         /* P-521 */
    { 5, { 0x2b, 0x81, 0x04, 0x00, 0x21 }, 224 },                         /* P-224 */
    { 5, { 0x2b, 0x81, 0x04, 0x00, 0x0a }, 256 },                         /* secp256k1 */
    { 9, { 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07 }, 256 }, /* brainpoolP256r1 */
    { 9, { 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0b }, 384 }, /* brainpoolP384r1 */
    { 9, { 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0d }, 512 }, /* brainpoolP512r1 */
};

bool csi_cert_is_ca(const struct csi_cert_view *view)
{
    struct csi_span value;
    bool critical;
    struct csi_reader inner;
    struct csi_tlv flag;
    if (!csi_cert_extension(view, csi_span(basic_constraints, sizeof basic_constraints), &value, &critical))
        return false;
    struct csi_reader outer = csi_reader(value);
    return csi_der_enter(&outer, CSI_DER_SEQUENCE, &inner) && csi_der_expect(&inner, CSI_DER_BOOLEAN, &flag) && flag.content.size == 1 &&
           flag.content.data[0] != 0;
}

struct spki {
    struct csi_span oid;
    struct csi_reader parameters; /* what follows the OID in the AlgorithmIdentifier */
    struct csi_span key;          /* the BIT STRING's octets */
};

static bool open_spki(struct csi_span whole, struct spki *spki)
{
    struct csi_reader outer = csi_reader(whole);
    struct csi_reader inner;
    struct csi_tlv oid;
    struct csi_tlv key;
    if (!csi_der_enter(&outer, CSI_DER_SEQUENCE, &inner) || !csi_der_enter(&inner, CSI_DER_SEQUENCE, &spki->parameters) ||
        !csi_der_expect(&spki->parameters, CSI_DER_OID, &oid) || !csi_der_expect(&inner, CSI_DER_BIT_STRING, &key) || key.content.size < 1)
        return false;
    spki->oid = oid.content;
    spki->key = csi_span(key.content.data + 1, key.content.size - 1);
    return true;
}

static const struct key_type *key_type_of(struct csi_span oid)
{
    for (size_t i = 0; i < sizeof key_types / sizeof *key_types; i++)
        if (csi_span_equal(oid, csi_span(key_types[i].oid, key_types[i].size)))
            return &key_types[i];
    return NULL;
}

static bool put_oid(struct csi_span oid, struct csi_buf *out)
{
    char text[256];
    if (!csi_oid_text(oid, text, sizeof text))
        return false;
    csi_buf_put_text(out, text);
    return true;
}

bool csi_spki_algorithm(struct csi_span whole, struct csi_buf *out)
{
    struct spki spki;
    if (!open_spki(whole, &spki))
        return false;
    const struct key_type *type = key_type_of(spki.oid);
    if (type == NULL)
        return put_oid(spki.oid, out);
    csi_buf_put_text(out, type->name);
    return true;
}

/* Bits of a positive INTEGER, without leading zero octets. */
static int integer_bits(struct csi_reader *r)
{
    struct csi_tlv number;
    if (!csi_der_expect(r, CSI_DER_INTEGER, &number))
        return 0;
    size_t at = 0;
    while (at < number.content.size && number.content.data[at] == 0)
        at++;
    if (at == number.content.size || number.content.size > 1 << 16)
        return 0;
    int top = 32 - __builtin_clz(number.content.data[at]);
    return (int)(number.content.size - at - 1) * 8 + top;
}

static int curve_bits(struct csi_reader *parameters)
{
    struct csi_tlv oid;
    if (!csi_der_expect(parameters, CSI_DER_OID, &oid))
        return 0;
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
        if (csi_span_equal(oid.content, csi_span(curves[i].oid, curves[i].size)))
            return curves[i].bits;
    return 0;
}

int csi_spki_bits(struct csi_span whole)
{
    struct spki spki;
    if (!open_spki(whole, &spki))
        return 0;
    const struct key_type *type = key_type_of(spki.oid);
    if (type == NULL)
        return 0;
    if (type->bits >= 0)
        return type->bits;
    struct csi_reader inner;
    if (strncmp(type->name, "RSA", 3) == 0) {
        struct csi_reader key = csi_reader(spki.key);
        return csi_der_enter(&key, CSI_DER_SEQUENCE, &inner) ? integer_bits(&inner) : 0;
    }
    if (strcmp(type->name, "EC") == 0)
        return curve_bits(&spki.parameters);
    return csi_der_enter(&spki.parameters, CSI_DER_SEQUENCE, &inner) ? integer_bits(&inner) : 0; /* DSA, DH: the prime is first */
}

bool csi_algorithm_name(struct csi_span algorithm, struct csi_buf *out)
{
    struct csi_reader outer = csi_reader(algorithm);
    struct csi_reader inner;
    struct csi_tlv oid;
    if (!csi_der_enter(&outer, CSI_DER_SEQUENCE, &inner) || !csi_der_expect(&inner, CSI_DER_OID, &oid))
        return false;
    CSI_AUTO_FENCE fence;
    csi_fence_begin(&fence);
    const uint8_t *at = oid.whole.data;
    ASN1_OBJECT *object = d2i_ASN1_OBJECT(NULL, &at, (long)oid.whole.size);
    int nid = object != NULL ? OBJ_obj2nid(object) : NID_undef;
    ASN1_OBJECT_free(object);
    if (nid == NID_undef)
        return put_oid(oid.content, out);
    csi_buf_put_text(out, OBJ_nid2ln(nid));
    return true;
}

/* A name from a certificate is somebody else's text: line ends and control characters must not forge another line. */
static void put_text(struct csi_buf *out, const char *label, struct csi_span text)
{
    csi_buf_put_text(out, label);
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < 0x20 || text.data[i] >= 0x7f)
            csi_buf_printf(out, "\\x%02x", text.data[i]);
        else
            csi_buf_put_u8(out, text.data[i]);
    }
}

static void put_address(struct csi_buf *out, struct csi_span address)
{
    char text[INET6_ADDRSTRLEN];
    int family = address.size == 4 ? AF_INET : AF_INET6;
    bool sized = address.size == 4 || address.size == 16;
    csi_buf_printf(out, "IP:%s", sized && inet_ntop(family, address.data, text, sizeof text) != NULL ? text : "?");
}

/* GeneralName's choices (RFC 5280 section 4.2.1.6). */
static bool put_general_name(struct csi_buf *out, const struct csi_tlv *name)
{
    struct csi_reader inner = csi_reader(name->content);
    struct csi_tlv type;
    switch (name->tag) {
    case CSI_DER_CONTEXT_CONSTRUCTED | 0:
        csi_buf_put_text(out, "otherName:");
        return csi_der_expect(&inner, CSI_DER_OID, &type) && put_oid(type.content, out);
    case CSI_DER_CONTEXT | 1:
        put_text(out, "email:", name->content);
        return true;
    case CSI_DER_CONTEXT | 2:
        put_text(out, "DNS:", name->content);
        return true;
    case CSI_DER_CONTEXT_CONSTRUCTED | 4:
        csi_buf_put_text(out, "DirName:");
        return csi_name_text(name->content, out);
    case CSI_DER_CONTEXT | 6:
        put_text(out, "URI:", name->content);
        return true;
    case CSI_DER_CONTEXT | 7:
        put_address(out, name->content);
        return true;
    case CSI_DER_CONTEXT | 8:
        csi_buf_put_text(out, "RID:");
        return put_oid(name->content, out);
    default:
        csi_buf_printf(out, "[%u]:?", name->tag & 0x1fU);
        return true;
    }
}

bool csi_cert_sans(const struct csi_cert_view *view, struct csi_buf *out)
{
    struct csi_span value;
    bool critical;
    struct csi_reader names;
    struct csi_tlv name;
    if (!csi_cert_extension(view, csi_span(subject_alt_name, sizeof subject_alt_name), &value, &critical))
        return true;
    struct csi_reader outer = csi_reader(value);
    if (!csi_der_enter(&outer, CSI_DER_SEQUENCE, &names))
        return false;
    for (bool first = true; csi_left(&names) > 0; first = false) {
        if (!csi_der_next(&names, &name))
            return false;
        if (!first)
            csi_buf_put_u8(out, '\n');
        if (!put_general_name(out, &name))
            return false;
    }
    return true;
}

void csi_cert_label(struct csi_span der, struct csi_buf *out)
{
    struct csi_cert_view view;
    uint8_t digest[32];
    CSI_AUTO_BUF name = { 0 };
    csi_sha256(der, digest);
    if (csi_cert_skim(der, &view) && csi_name_text(view.subject, &name) && name.size > 0) {
        csi_buf_put_span(out, csi_buf_span(&name));
        csi_buf_put_u8(out, ' ');
    }
    csi_buf_printf(out, "(%02x%02x%02x%02x)", digest[0], digest[1], digest[2], digest[3]);
}
