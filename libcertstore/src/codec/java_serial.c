/* SPDX-License-Identifier: Apache-2.0 */
/*
 * java_serial.c: the serialized objects of a JCEKS store (Java Object Serialization Specification, chapter 6: the stream protocol).
 *
 * Deserialization is a known way into a program, so this is no deserializer: it knows seven classes, one object that is not nested in another, a
 * fixed number of handles, and no recursion. The list is that of Java's own filter for these stores (jdk property jceks.key.serialFilter)
 * and of the sealed object around the key.
 */
#include "codec/java_serial.h"

#include "base/error.h"

enum {
    STREAM_MAGIC = 0xaced,
    STREAM_VERSION = 5,
    TC_NULL = 0x70,
    TC_REFERENCE = 0x71,
    TC_CLASSDESC = 0x72,
    TC_OBJECT = 0x73,
    TC_STRING = 0x74,
    TC_ARRAY = 0x75,
    TC_ENDBLOCKDATA = 0x78,
    TC_ENUM = 0x7e,
    SC_SERIALIZABLE = 0x02, /* the only flag of these classes, beside SC_ENUM: none writes data of its own */
    SC_ENUM = 0x10,
    BASE_HANDLE = 0x7e0000,
    MAX_HANDLES = 32, /* the largest object of the list takes 15 */
    MAX_CLASSES = 6,
    MAX_FIELDS = 6
};

static const char class_protector[] = "com.sun.crypto.provider.SealedObjectForKeyProtector";
static const char class_sealed[] = "javax.crypto.SealedObject";
static const char class_spec[] = "javax.crypto.spec.SecretKeySpec";
static const char class_keyrep[] = "java.security.KeyRep";
static const char class_keyrep_type[] = "java.security.KeyRep$Type";
static const char class_enum[] = "java.lang.Enum";
static const char class_bytes[] = "[B";

struct field {
    char type; /* 'L' or '[' */
    struct csi_span name;
    struct csi_span class_name; /* "[B", "Ljava/lang/String;" ... */
};
struct class
{
    const char *name; /* of the list above */
    struct field fields[MAX_FIELDS];
    size_t field_count;
    const struct class *super;
};
enum kind { KIND_NULL, KIND_STRING, KIND_BYTES, KIND_ENUM, KIND_CLASS, KIND_OBJECT };
struct value {
    enum kind kind;
    struct csi_span bytes;
    const struct class *class; /* KIND_CLASS, KIND_OBJECT */
};
struct member {
    struct csi_span name;
    struct value value;
};
struct parser {
    struct csi_reader r;
    certstore_error *err;
    struct value handles[MAX_HANDLES];
    size_t handle_count;
    struct class classes[MAX_CLASSES];
    size_t class_count;
    struct member members[2 * MAX_FIELDS];
    size_t member_count;
};

static certstore_status truncated(struct parser *p)
{
    return csi_fail(p->err, CERTSTORE_E_TRUNCATED, "secret key: the serialized object ends too early");
}

static certstore_status malformed(struct parser *p, const char *what)
{
    return csi_fail(p->err, CERTSTORE_E_MALFORMED, "secret key: the serialized object is malformed: %s", what);
}

static certstore_status take_u8(struct parser *p, uint8_t *value)
{
    return csi_read_u8(&p->r, value) ? CERTSTORE_OK : truncated(p);
}

static certstore_status take_u16(struct parser *p, uint16_t *value)
{
    return csi_read_u16(&p->r, value) ? CERTSTORE_OK : truncated(p);
}

static certstore_status take_u32(struct parser *p, uint32_t *value)
{
    return csi_read_u32(&p->r, value) ? CERTSTORE_OK : truncated(p);
}

static certstore_status take_span(struct parser *p, size_t size, struct csi_span *bytes)
{
    return csi_read_span(&p->r, size, bytes) ? CERTSTORE_OK : truncated(p);
}

static certstore_status take_utf(struct parser *p, struct csi_span *text)
{
    uint16_t size;
    CSI_TRY(take_u16(p, &size));
    return take_span(p, size, text);
}

static certstore_status expect_u8(struct parser *p, uint8_t expected, const char *what)
{
    uint8_t value;
    CSI_TRY(take_u8(p, &value));
    return value == expected ? CERTSTORE_OK : malformed(p, what);
}

/* Every new class, string, array and object is numbered as it is met; later ones refer to it by that number. */
static certstore_status number(struct parser *p, struct value value, size_t *slot)
{
    if (p->handle_count == MAX_HANDLES)
        return malformed(p, "more parts than any key has");
    *slot = p->handle_count;
    p->handles[p->handle_count++] = value;
    return CERTSTORE_OK;
}

static certstore_status take_reference(struct parser *p, enum kind kind, struct value *value)
{
    uint32_t handle;
    CSI_TRY(take_u32(p, &handle));
    if (handle < BASE_HANDLE || handle - BASE_HANDLE >= p->handle_count || p->handles[handle - BASE_HANDLE].kind != kind)
        return malformed(p, "a reference to something that is not there");
    *value = p->handles[handle - BASE_HANDLE];
    return CERTSTORE_OK;
}

static certstore_status take_string(struct parser *p, struct value *value)
{
    uint8_t tag;
    size_t slot = 0;
    CSI_TRY(take_u8(p, &tag));
    *value = (struct value){ .kind = KIND_NULL };
    if (tag == TC_NULL)
        return CERTSTORE_OK;
    if (tag == TC_REFERENCE)
        return take_reference(p, KIND_STRING, value);
    if (tag != TC_STRING)
        return malformed(p, "something else where a string must stand");
    value->kind = KIND_STRING;
    CSI_TRY(take_utf(p, &value->bytes));
    return number(p, *value, &slot);
}

/* The list's own spelling of a class name, or NULL. */
static const char *listed_class(struct csi_span name)
{
    static const char *const list[] = { class_protector, class_sealed, class_spec, class_keyrep, class_keyrep_type, class_enum, class_bytes };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (csi_span_equal(name, csi_span_text(list[i])))
            return list[i];
    return NULL;
}

static certstore_status take_fields(struct parser *p, struct class *class)
{
    uint16_t count;
    CSI_TRY(take_u16(p, &count));
    if (count > MAX_FIELDS)
        return malformed(p, "more fields than any class of a key has");
    for (; class->field_count < count; class->field_count++) {
        struct field *field = &class->fields[class->field_count];
        struct value type;
        uint8_t code;
        CSI_TRY(take_u8(p, &code));
        if (code != 'L' && code != '[')
            return malformed(p, "a field of a type that no class of a key has");
        field->type = (char)code;
        CSI_TRY(take_utf(p, &field->name));
        CSI_TRY(take_string(p, &type));
        field->class_name = type.bytes;
    }
    return CERTSTORE_OK;
}

/* One class description without its superclass, which follows in the stream. */
static certstore_status take_one_class(struct parser *p, struct class **class)
{
    struct csi_span name = { 0 }, suid;
    size_t slot = 0;
    uint8_t flags;
    CSI_TRY(take_utf(p, &name));
    const char *listed = listed_class(name);
    if (listed == NULL)
        return csi_fail(p->err, CERTSTORE_E_UNSUPPORTED, "secret key: a serialized object of class %.*s, which is no key; refused",
                        (int)(name.size < 100 ? name.size : 100), (const char *)name.data);
    if (p->class_count == MAX_CLASSES)
        return malformed(p, "more classes than any key has");
    *class = &p->classes[p->class_count++];
    (*class)->name = listed;
    CSI_TRY(take_span(p, 8, &suid)); /* Java compares it with the class it has loaded; there is none here */
    CSI_TRY(number(p, (struct value){ .kind = KIND_CLASS, .class = *class }, &slot));
    CSI_TRY(take_u8(p, &flags));
    if ((flags & ~SC_ENUM) != SC_SERIALIZABLE)
        return malformed(p, "a class that writes data of its own");
    CSI_TRY(take_fields(p, *class));
    return expect_u8(p, TC_ENDBLOCKDATA, "an annotated class");
}

/* A class description with its superclasses: NULL, a reference, or new. */
static certstore_status take_class(struct parser *p, const struct class **class)
{
    const struct class **place = class;
    for (size_t depth = 0; depth <= MAX_CLASSES; depth++) {
        uint8_t tag;
        struct value value;
        struct class *fresh = NULL;
        *place = NULL;
        CSI_TRY(take_u8(p, &tag));
        if (tag == TC_NULL)
            return CERTSTORE_OK;
        if (tag == TC_REFERENCE) {
            CSI_TRY(take_reference(p, KIND_CLASS, &value));
            /* Only a finished class may be meant, or a class could become its own ancestor. */
            if (place != class)
                return malformed(p, "a superclass that was described before");
            *place = value.class;
            return CERTSTORE_OK;
        }
        if (tag != TC_CLASSDESC)
            return malformed(p, "something else where a class must stand");
        CSI_TRY(take_one_class(p, &fresh));
        *place = fresh;
        place = &fresh->super;
    }
    return malformed(p, "too many superclasses");
}

static certstore_status take_bytes(struct parser *p, struct value *value)
{
    uint8_t tag;
    uint32_t size;
    size_t slot = 0;
    const struct class *class;
    CSI_TRY(take_u8(p, &tag));
    *value = (struct value){ .kind = KIND_NULL };
    if (tag == TC_NULL)
        return CERTSTORE_OK;
    if (tag == TC_REFERENCE)
        return take_reference(p, KIND_BYTES, value);
    if (tag != TC_ARRAY)
        return malformed(p, "something else where bytes must stand");
    CSI_TRY(take_class(p, &class));
    if (class == NULL || class->name != class_bytes)
        return malformed(p, "an array of something else than bytes");
    CSI_TRY(number(p, (struct value){ .kind = KIND_BYTES }, &slot));
    CSI_TRY(take_u32(p, &size));
    if (size > INT32_MAX)
        return malformed(p, "a negative length");
    value->kind = KIND_BYTES;
    CSI_TRY(take_span(p, size, &value->bytes));
    p->handles[slot] = *value;
    return CERTSTORE_OK;
}

static certstore_status take_enum(struct parser *p, struct value *value)
{
    struct value constant;
    size_t slot = 0;
    const struct class *class;
    CSI_TRY(expect_u8(p, TC_ENUM, "something else where a key's type must stand"));
    CSI_TRY(take_class(p, &class));
    if (class == NULL || class->name != class_keyrep_type)
        return malformed(p, "an enumeration that is no key's type");
    CSI_TRY(number(p, (struct value){ .kind = KIND_ENUM }, &slot));
    CSI_TRY(take_string(p, &constant));
    *value = (struct value){ .kind = KIND_ENUM, .bytes = constant.bytes };
    p->handles[slot] = *value;
    return CERTSTORE_OK;
}

static certstore_status take_members(struct parser *p, const struct class *class)
{
    for (size_t i = 0; i < class->field_count; i++) {
        const struct field *field = &class->fields[i];
        if (p->member_count == sizeof p->members / sizeof *p->members)
            return malformed(p, "more fields than any key has");
        struct member *member = &p->members[p->member_count++];
        member->name = field->name;
        if (csi_span_equal(field->class_name, csi_span_text(class_bytes)))
            CSI_TRY(take_bytes(p, &member->value));
        else if (csi_span_equal(field->class_name, csi_span_text("Ljava/lang/String;")))
            CSI_TRY(take_string(p, &member->value));
        else if (csi_span_equal(field->class_name, csi_span_text("Ljava/security/KeyRep$Type;")))
            CSI_TRY(take_enum(p, &member->value));
        else
            return malformed(p, "a field of a type that no class of a key has");
    }
    return CERTSTORE_OK;
}

/* The stream's object: its class, then the fields of each class, the topmost superclass first. */
static certstore_status take_object(struct parser *p, const struct class **class)
{
    uint16_t magic, version;
    size_t slot = 0;
    CSI_TRY(take_u16(p, &magic));
    CSI_TRY(take_u16(p, &version));
    if (magic != STREAM_MAGIC || version != STREAM_VERSION)
        return malformed(p, "it does not begin as a stream does");
    CSI_TRY(expect_u8(p, TC_OBJECT, "no object"));
    CSI_TRY(take_class(p, class));
    if (*class == NULL)
        return malformed(p, "an object without a class");
    CSI_TRY(number(p, (struct value){ .kind = KIND_OBJECT, .class = *class }, &slot));
    const struct class *lineage[MAX_CLASSES];
    size_t depth = 0;
    for (const struct class *c = *class; c != NULL && depth < MAX_CLASSES; c = c->super)
        lineage[depth++] = c;
    while (depth > 0)
        CSI_TRY(take_members(p, lineage[--depth]));
    return CERTSTORE_OK;
}

static struct csi_span member(const struct parser *p, const char *name, enum kind kind)
{
    for (size_t i = 0; i < p->member_count; i++)
        if (p->members[i].value.kind == kind && csi_span_equal(p->members[i].name, csi_span_text(name)))
            return p->members[i].value.bytes;
    return csi_span(NULL, 0);
}

certstore_status csi_java_read_sealed(struct csi_reader *r, struct csi_java_sealed *sealed, certstore_error *err)
{
    struct parser p = { .r = *r, .err = err };
    const struct class *class;
    CSI_TRY(take_object(&p, &class));
    if (class->name != class_protector && class->name != class_sealed)
        return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "secret key: an object of class %s stands where a sealed one must", class->name);
    *sealed = (struct csi_java_sealed){ .whole = csi_span(r->at, (size_t)(p.r.at - r->at)),
                                        .parameters = member(&p, "encodedParams", KIND_BYTES),
                                        .ciphertext = member(&p, "encryptedContent", KIND_BYTES),
                                        .algorithm = member(&p, "sealAlg", KIND_STRING) };
    *r = p.r;
    return CERTSTORE_OK;
}

/* What KeyRep says of the key it stands for: format "RAW" and type SECRET. */
static bool is_raw_secret(const struct parser *p)
{
    return csi_span_equal(member(p, "format", KIND_STRING), csi_span_text("RAW")) &&
           csi_span_equal(member(p, "type", KIND_ENUM), csi_span_text("SECRET"));
}

certstore_status csi_java_read_secret(struct csi_span stream, struct csi_java_secret *secret, certstore_error *err)
{
    struct parser p = { .r = csi_reader(stream), .err = err };
    const struct class *class;
    CSI_TRY(take_object(&p, &class));
    if (class->name != class_spec && class->name != class_keyrep)
        return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "secret key: an object of class %s is no secret key", class->name);
    if (class->name == class_keyrep && !is_raw_secret(&p))
        return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "secret key: the entry holds a key of another kind");
    *secret = (struct csi_java_secret){ .algorithm = member(&p, "algorithm", KIND_STRING),
                                        .key = member(&p, class->name == class_spec ? "key" : "encoded", KIND_BYTES) };
    if (secret->algorithm.data == NULL || secret->key.data == NULL)
        return malformed(&p, "a key without its algorithm or its bytes");
    return CERTSTORE_OK;
}

/* ------------------------------------------------------------------------------------------------------------- writing */

static void put_utf(struct csi_buf *out, struct csi_span text)
{
    if (text.size > UINT16_MAX)
        out->failed = true;
    csi_buf_put_u16(out, (uint16_t)text.size);
    csi_buf_put_span(out, text);
}

static void put_string(struct csi_buf *out, const char *text)
{
    csi_buf_put_u8(out, TC_STRING);
    put_utf(out, csi_span_text(text));
}

static void put_reference(struct csi_buf *out, uint32_t handle)
{
    csi_buf_put_u8(out, TC_REFERENCE);
    csi_buf_put_u32(out, BASE_HANDLE + handle);
}

static void put_class(struct csi_buf *out, const char *name, uint64_t suid, uint16_t field_count)
{
    csi_buf_put_u8(out, TC_CLASSDESC);
    put_utf(out, csi_span_text(name));
    csi_buf_put_u64(out, suid);
    csi_buf_put_u8(out, SC_SERIALIZABLE);
    csi_buf_put_u16(out, field_count);
}

static void put_field(struct csi_buf *out, char type, const char *name)
{
    csi_buf_put_u8(out, (uint8_t)type);
    put_utf(out, csi_span_text(name));
}

static void put_array(struct csi_buf *out, struct csi_span bytes)
{
    csi_buf_put_u32(out, (uint32_t)bytes.size);
    csi_buf_put_span(out, bytes);
}

static void put_byte_array_class(struct csi_buf *out)
{
    put_class(out, class_bytes, 0xacf317f8060854e0, 0);
    csi_buf_put_u8(out, TC_ENDBLOCKDATA);
    csi_buf_put_u8(out, TC_NULL);
}

static void put_head(struct csi_buf *out)
{
    csi_buf_put_u16(out, STREAM_MAGIC);
    csi_buf_put_u16(out, STREAM_VERSION);
    csi_buf_put_u8(out, TC_OBJECT);
}

void csi_java_write_sealed(struct csi_buf *out, struct csi_span parameters, struct csi_span ciphertext)
{
    put_head(out);
    put_class(out, class_protector, 0xcd57ca59e730bb53, 0); /* handle 0 */
    csi_buf_put_u8(out, TC_ENDBLOCKDATA);
    put_class(out, class_sealed, 0x3e363da6c3b75470, 4); /* 1 */
    put_field(out, '[', "encodedParams");
    put_string(out, class_bytes); /* 2 */
    put_field(out, '[', "encryptedContent");
    put_reference(out, 2);
    put_field(out, 'L', "paramsAlg");
    put_string(out, "Ljava/lang/String;"); /* 3 */
    put_field(out, 'L', "sealAlg");
    put_reference(out, 3);
    csi_buf_put_u8(out, TC_ENDBLOCKDATA);
    csi_buf_put_u8(out, TC_NULL); /* no superclass; the object itself is 4 */
    csi_buf_put_u8(out, TC_ARRAY);
    put_byte_array_class(out);  /* 5 */
    put_array(out, parameters); /* 6 */
    csi_buf_put_u8(out, TC_ARRAY);
    put_reference(out, 5);
    put_array(out, ciphertext);                /* 7 */
    put_string(out, "PBEWithMD5AndTripleDES"); /* 8 */
    put_reference(out, 8);
}

void csi_java_write_secret(struct csi_buf *out, struct csi_span algorithm, struct csi_span key)
{
    put_head(out);
    put_class(out, class_spec, 0x5b470b66e230614d, 2);
    put_field(out, 'L', "algorithm");
    put_string(out, "Ljava/lang/String;");
    put_field(out, '[', "key");
    put_string(out, class_bytes);
    csi_buf_put_u8(out, TC_ENDBLOCKDATA);
    csi_buf_put_u8(out, TC_NULL);
    csi_buf_put_u8(out, TC_STRING);
    put_utf(out, algorithm);
    csi_buf_put_u8(out, TC_ARRAY);
    put_byte_array_class(out);
    put_array(out, key);
}
