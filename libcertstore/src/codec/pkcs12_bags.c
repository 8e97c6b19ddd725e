/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs12_bags.c: SafeContents to bags (RFC 7292 section 4.2), with their attributes. A bag we do not understand is kept as it is. */
#include "base/text.h"
#include "codec/pkcs12.h"

#define OID(...)                                                                   \
    {                                                                              \
        (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }) \
    }
const struct csi_span csi_oid_friendly_name = OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x14); /* 1.2.840.113549.1.9.20 */
const struct csi_span csi_oid_local_key_id = OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x15);  /* 1.2.840.113549.1.9.21 */
/* 2.16.840.1.113894.746875.1.1: Java takes a certificate for trusted only if it carries this. */
const struct csi_span csi_oid_java_trust = OID(0x60, 0x86, 0x48, 0x01, 0x86, 0xf9, 0x66, 0xad, 0xca, 0x7b, 0x01, 0x01);
const struct csi_span csi_oid_x509_certificate = OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x16, 0x01); /* 1.2.840.113549.1.9.22.1 */
const struct csi_span csi_oid_x509_crl = OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x17, 0x01);         /* 1.2.840.113549.1.9.23.1 */

static const uint8_t bag_prefix[CSI_BAG_OID_SIZE - 1] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01 };

unsigned csi_bag_number(struct csi_span oid)
{
    if (oid.size != CSI_BAG_OID_SIZE || memcmp(oid.data, bag_prefix, sizeof bag_prefix) != 0)
        return 0;
    return oid.data[sizeof bag_prefix];
}

void csi_bag_oid(enum csi_bag_number number, uint8_t oid[CSI_BAG_OID_SIZE])
{
    memcpy(oid, bag_prefix, sizeof bag_prefix);
    oid[sizeof bag_prefix] = (uint8_t)number;
}

static certstore_status malformed(const char *what, certstore_error *err)
{
    return csi_fail(err, CERTSTORE_E_MALFORMED, "PKCS#12: %s is not well formed; restore it from a copy", what);
}

/* SEQUENCE { type OID, [0] OCTET STRING }: certificates and CRLs (RFC 7292 sections 4.2.3 and 4.2.4). */
static bool typed_octets(struct csi_span value, struct csi_span type, struct csi_span *object)
{
    struct csi_reader r = csi_reader(value);
    struct csi_reader body, content;
    struct csi_tlv oid, octets, whole;
    if (!csi_der_enter(&r, CSI_DER_SEQUENCE, &body) || !csi_der_expect(&body, CSI_DER_OID, &oid) || !csi_span_equal(oid.content, type) ||
        !csi_der_enter(&body, CSI_DER_CONTEXT_CONSTRUCTED | 0, &content) || !csi_der_expect(&content, CSI_DER_OCTET_STRING, &octets))
        return false;
    struct csi_reader inside = csi_reader(octets.content);
    if (!csi_der_expect(&inside, CSI_DER_SEQUENCE, &whole) || csi_left(&inside) != 0)
        return false;
    *object = whole.whole;
    return true;
}

/* Java: SecretBag SEQUENCE { pkcs8ShroudedKeyBag OID, [0] OCTET STRING { EncryptedPrivateKeyInfo } }. */
static bool java_secret(struct csi_span value, struct csi_span *object)
{
    uint8_t oid[CSI_BAG_OID_SIZE];
    csi_bag_oid(CSI_BAG_OID_SHROUDED, oid);
    return typed_octets(value, csi_span(oid, sizeof oid), object);
}

static bool one_sequence(struct csi_span value, struct csi_span *object)
{
    struct csi_reader r = csi_reader(value);
    struct csi_tlv tlv;
    if (!csi_der_expect(&r, CSI_DER_SEQUENCE, &tlv))
        return false;
    *object = tlv.whole;
    return true;
}

static void classify(struct csi_bag *bag)
{
    struct csi_span value = bag->value;
    bag->kind = CSI_BAG_OPAQUE;
    bag->object = value;
    switch (csi_bag_number(bag->type)) {
    case CSI_BAG_OID_KEY:
        bag->kind = one_sequence(value, &bag->object) ? CSI_BAG_KEY : CSI_BAG_OPAQUE;
        break;
    case CSI_BAG_OID_SHROUDED:
        bag->kind = one_sequence(value, &bag->object) ? CSI_BAG_SHROUDED : CSI_BAG_OPAQUE;
        break;
    case CSI_BAG_OID_CERT:
        bag->kind = typed_octets(value, csi_oid_x509_certificate, &bag->object) ? CSI_BAG_CERT : CSI_BAG_OPAQUE;
        break;
    case CSI_BAG_OID_CRL:
        bag->kind = typed_octets(value, csi_oid_x509_crl, &bag->object) ? CSI_BAG_CRL : CSI_BAG_OPAQUE;
        break;
    case CSI_BAG_OID_SECRET:
        bag->kind = java_secret(value, &bag->object) ? CSI_BAG_SECRET : CSI_BAG_OPAQUE;
        break;
    case CSI_BAG_OID_NEST:
        bag->kind = CSI_BAG_NEST;
        break;
    default:
        break;
    }
}

/* Attribute ::= SEQUENCE { type OID, values SET }. The first of a kind counts. */
static bool read_attribute(struct csi_reader *r, struct csi_bag *bag)
{
    struct csi_reader body, values;
    struct csi_tlv type, set, value;
    if (!csi_der_enter(r, CSI_DER_SEQUENCE, &body) || !csi_der_expect(&body, CSI_DER_OID, &type) || !csi_der_expect(&body, CSI_DER_SET, &set))
        return false;
    values = csi_reader(set.content);
    bool some = csi_der_next(&values, &value);
    if (!some && set.content.size > 0)
        return false;
    if (some && value.tag == (CSI_DER_OCTET_STRING | 0x20)) /* segments: BER */
        return false;
    if (csi_span_equal(type.content, csi_oid_java_trust)) {
        bag->trusted = true;
        bag->trust = set.content;
    }
    if (some && bag->friendly_name.size == 0 && csi_span_equal(type.content, csi_oid_friendly_name))
        bag->friendly_name = value.whole;
    if (some && bag->local_key_id.size == 0 && value.tag == CSI_DER_OCTET_STRING && csi_span_equal(type.content, csi_oid_local_key_id))
        bag->local_key_id = value.content;
    return true;
}

/* SafeBag ::= SEQUENCE { bagId OID, bagValue [0] EXPLICIT ANY, bagAttributes SET OF Attribute OPTIONAL }. */
static bool read_bag(struct csi_reader *r, struct csi_bag *bag)
{
    struct csi_tlv whole, type, content, attributes;
    if (!csi_der_expect(r, CSI_DER_SEQUENCE, &whole))
        return false;
    struct csi_reader body = csi_reader(whole.content);
    if (!csi_der_expect(&body, CSI_DER_OID, &type) || !csi_der_expect(&body, CSI_DER_CONTEXT_CONSTRUCTED | 0, &content))
        return false;
    bag->whole = whole.whole;
    bag->type = type.content;
    bag->value = content.content;
    classify(bag);
    if (bag->kind != CSI_BAG_CERT && bag->kind != CSI_BAG_CRL && csi_ber_needed(content.content))
        return false;
    if (csi_left(&body) == 0)
        return true;
    if (!csi_der_expect(&body, CSI_DER_SET, &attributes) || csi_left(&body) != 0)
        return false;
    bag->attributes = attributes.content;
    struct csi_reader each = csi_reader(attributes.content);
    while (csi_left(&each) > 0)
        if (!read_attribute(&each, bag))
            return false;
    return true;
}

struct walk {
    csi_pkcs12 *pkcs12;
    uint32_t safe;
    const struct csi_limits *limits;
};

static certstore_status walk_contents(const struct walk *w, struct csi_span contents, int32_t parent, uint64_t depth, certstore_error *err);

static certstore_status add_bag(const struct walk *w, struct csi_reader *r, int32_t parent, uint64_t depth, certstore_error *err)
{
    csi_pkcs12 *p = w->pkcs12;
    struct csi_bag *bags = csi_grow(p->bags, &p->bag_capacity, p->bag_count + 1, sizeof *bags, err);
    if (bags == NULL)
        return err->status;
    p->bags = bags;
    struct csi_bag *bag = &bags[p->bag_count];
    *bag = (struct csi_bag){ .parent = parent, .safe = w->safe };
    if (!read_bag(r, bag))
        return malformed("a bag", err);
    CSI_TRY(csi_limit_check(w->limits, CERTSTORE_LIMIT_CERT_SIZE, bag->object.size, err));
    CSI_TRY(csi_limit_check(w->limits, CERTSTORE_LIMIT_ENTRIES, p->bag_count + 1, err));
    int32_t number = (int32_t)p->bag_count++;
    return bag->kind == CSI_BAG_NEST ? walk_contents(w, bag->value, number, depth + 1, err) : CERTSTORE_OK;
}

static certstore_status walk_contents(const struct walk *w, struct csi_span contents, int32_t parent, uint64_t depth, certstore_error *err)
{
    CSI_TRY(csi_limit_check(w->limits, CERTSTORE_LIMIT_NESTING, depth, err));
    struct csi_reader r = csi_reader(contents);
    struct csi_reader body;
    if (!csi_der_enter(&r, CSI_DER_SEQUENCE, &body) || csi_left(&r) != 0)
        return malformed("SafeContents", err);
    while (csi_left(&body) > 0)
        CSI_TRY(add_bag(w, &body, parent, depth, err));
    return CERTSTORE_OK;
}

certstore_status csi_pkcs12_walk(csi_pkcs12 *pkcs12, uint32_t safe, const struct csi_limits *limits, certstore_error *err)
{
    const struct walk w = { .pkcs12 = pkcs12, .safe = safe, .limits = limits };
    return walk_contents(&w, pkcs12->safes[safe].contents, CSI_NO_BAG, 0, err);
}

bool csi_bag_name(const struct csi_bag *bag, struct csi_buf *name)
{
    struct csi_reader r = csi_reader(bag->friendly_name);
    struct csi_tlv tlv;
    if (!csi_der_next(&r, &tlv))
        return false;
    if (tlv.tag == CSI_DER_BMP_STRING) {
        struct csi_span text = tlv.content; /* Microsoft writes a terminator, which is not part of the name */
        if (text.size >= 2 && text.data[text.size - 1] == 0 && text.data[text.size - 2] == 0)
            text.size -= 2;
        return csi_text_from_utf16be(text, name);
    }
    if (tlv.tag != CSI_DER_UTF8_STRING || !csi_utf8_valid(tlv.content)) /* not what the standard says, but seen */
        return false;
    csi_buf_put_span(name, tlv.content);
    return true;
}
