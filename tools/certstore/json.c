/* SPDX-License-Identifier: Apache-2.0 */
/* json.c: the shapes of --json. */
#include "json.h"

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/* One character of the library's UTF-8 as JSON's; returns the bytes taken. */
static size_t add_character(struct text *out, const char *at)
{
    unsigned char first = (unsigned char)at[0];
    if (first < 0x80) {
        text_add(out, at, 1);
        return 1;
    }
    if (first == 0xc0 && (unsigned char)at[1] == 0x80) {
        text_add(out, "\0", 1);
        return 2;
    }
    size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    size_t have = strnlen(at, size);
    json_t *valid = have == size ? json_stringn(at, size) : NULL;
    if (valid == NULL) { /* not UTF-8, or an unpaired surrogate (three bytes) */
        bool surrogate = have >= 3 && first == 0xed && (unsigned char)at[1] >= 0xa0;
        text_add(out, replacement, 3);
        return surrogate ? 3 : 1;
    }
    json_decref(valid);
    text_add(out, at, size);
    return size;
}

json_t *json_text(const char *text)
{
    if (text == NULL)
        return json_null();
    if (strchr(text, '\xc0') == NULL) {
        json_t *plain = json_string(text);
        if (plain != NULL)
            return plain;
    }
    struct text out = { 0 };
    while (*text != '\0')
        text += add_character(&out, text);
    size_t size = out.size;
    OWNED(owned_chars) *clean = text_take(&out);
    return json_stringn(clean, size);
}

char *json_text_value(const json_t *string)
{
    const char *value = json_string_value(string);
    struct text out = { 0 };
    for (size_t i = 0; i < json_string_length(string); i++)
        if (value[i] == '\0')
            text_add(&out, "\xc0\x80", 2);
        else
            text_add(&out, value + i, 1);
    return text_take(&out);
}

json_t *json_error(certstore_status status, const char *store, const char *message)
{
    json_t *error = json_object();
    json_object_set_new(error, "status", json_string(certstore_status_name(status)));
    json_object_set_new(error, "message", json_text(message));
    json_object_set_new(error, "store", json_text(store));
    return error;
}

json_t *json_store(certstore *store, const certstore_bundle *bundle)
{
    json_t *object = json_object();
    json_object_set_new(object, "uri", json_text(certstore_uri(store)));
    json_object_set_new(object, "format", json_text(certstore_format(store)));
    json_object_set_new(object, "generation", json_integer(certstore_generation(store, NULL)));
    if (bundle != NULL)
        json_object_set_new(object, "integrity", json_string(facts_integrity(certstore_bundle_integrity(bundle))));
    return object;
}

/* The certificates above the leaf. */
static json_t *chain_of(const certstore_entry *entry)
{
    if (certstore_entry_kind(entry) != CERTSTORE_KEY)
        return json_null();
    json_t *chain = json_array();
    for (size_t i = 1; i < certstore_entry_cert_count(entry); i++) {
        OWNED(owned_chars) *sha256 = facts_text(certstore_cert_export_sha256(certstore_entry_cert(entry, i), NULL));
        json_array_append_new(chain, json_text(sha256));
    }
    return chain;
}

static json_t *key_of(const struct facts *facts)
{
    certstore_kind kind = certstore_entry_kind(facts->entry);
    if (kind != CERTSTORE_KEY && kind != CERTSTORE_SECRET)
        return json_null();
    json_t *key = json_object();
    json_object_set_new(key, "algorithm", json_text(facts->key_algorithm));
    json_object_set_new(key, "bits", facts->key_bits > 0 ? json_integer(facts->key_bits) : json_null());
    json_object_set_new(key, "exportable",
                        json_boolean(certstore_entry_bound(facts->entry) == 0)); /* files give theirs to whoever has the passphrase */
    json_object_set_new(key, "spki_sha256", json_text(facts->spki_sha256));
    return key;
}

static json_t *trust_of(const certstore_entry *entry)
{
    if (certstore_entry_trust_count(entry) == 0)
        return json_null();
    json_t *trust = json_array();
    for (size_t i = 0; i < certstore_entry_trust_count(entry); i++)
        json_array_append_new(trust, json_text(certstore_entry_trust(entry, i)));
    return trust;
}

json_t *json_entry(const struct facts *facts)
{
    const certstore_entry *entry = facts->entry;
    json_t *object = json_object();
    json_object_set_new(object, "alias", json_text(certstore_entry_alias(entry)));
    json_object_set_new(object, "kind", json_string(facts_kind(certstore_entry_kind(entry))));
    json_object_set_new(object, "subject", json_text(facts->subject));
    json_object_set_new(object, "issuer", json_text(facts->issuer));
    json_object_set_new(object, "serial", json_text(facts->serial));
    json_object_set_new(object, "not_before", json_text(facts->not_before));
    json_object_set_new(object, "not_after", json_text(facts->not_after));
    json_object_set_new(object, "days_left", facts->not_after != NULL ? json_integer(facts->days_left) : json_null());
    json_object_set_new(object, "sha256", json_text(facts->sha256));
    json_object_set_new(object, "chain", chain_of(entry));
    json_object_set_new(object, "key", key_of(facts));
    json_object_set_new(object, "created", json_text(facts->created));
    json_object_set_new(object, "trust", trust_of(entry));
    return object;
}

json_t *json_report(const certstore_report *report)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < certstore_report_count(report); i++) {
        const char *alias = certstore_report_subject(report, i);
        json_t *row = json_object();
        json_object_set_new(row, "code", json_text(certstore_report_code(report, i)));
        json_object_set_new(row, "severity", json_string(facts_severity(certstore_report_severity(report, i))));
        json_object_set_new(row, "alias", *alias != '\0' ? json_text(alias) : json_null());
        json_object_set_new(row, "message", json_text(certstore_report_message(report, i)));
        json_array_append_new(rows, row);
    }
    return rows;
}
