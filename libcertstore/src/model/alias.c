/* SPDX-License-Identifier: Apache-2.0 */
/* alias.c: an alias for what a format gives none: readable, and the same every time. */
#include "model/bundle.h"

/* An attribute of a Name by the last octet of its OID under 2.5.4, as text. */
static bool name_attribute(struct csi_span name, uint8_t type, struct csi_buf *out)
{
    struct csi_reader outer = csi_reader(name);
    struct csi_reader rdns;
    struct csi_reader set;
    struct csi_reader pair;
    if (!csi_der_enter(&outer, CSI_DER_SEQUENCE, &rdns))
        return false;
    while (csi_der_enter(&rdns, CSI_DER_SET, &set)) {
        while (csi_der_enter(&set, CSI_DER_SEQUENCE, &pair)) {
            struct csi_tlv oid;
            struct csi_tlv value;
            const uint8_t wanted[] = { 0x55, 0x04, type };
            if (!csi_der_expect(&pair, CSI_DER_OID, &oid) || !csi_der_next(&pair, &value) ||
                !csi_span_equal(oid.content, csi_span(wanted, sizeof wanted)))
                continue;
            out->size = 0; /* the most specific one is the last */
            if (value.tag == CSI_DER_BMP_STRING)
                csi_text_from_utf16be(value.content, out);
            else if (value.tag == CSI_DER_UTF8_STRING)
                csi_buf_put_span(out, value.content);
            else
                csi_text_from_latin1(value.content, out);
        }
    }
    return out->size > 0;
}

/* Letters, digits, '.', '_', '*' and what is not ASCII stay; everything else becomes one '-'. Cut to a length that people can still type. */
static char *slug(struct csi_span text, certstore_error *err)
{
    enum { LONGEST = 96 };
    char *alias = csi_strndup((const char *)text.data, text.size, err);
    if (alias == NULL)
        return NULL;
    size_t used = 0;
    const uint8_t *end = csi_span_end(text);
    for (const uint8_t *at = text.data; at < end && used < LONGEST;) {
        const uint8_t *from = at;
        int32_t c = *at < 0x80 ? *at++ : csi_utf8_next(&at, end);
        if (c < 0)
            break;
        bool kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0xa0 || (c > 0 && c < 0x80 && strchr("._*", c) != NULL);
        if (kept) {
            memcpy(alias + used, from, (size_t)(at - from));
            used += (size_t)(at - from);
        } else if (used > 0 && alias[used - 1] != '-') {
            alias[used++] = '-';
        }
    }
    while (used > 0 && alias[used - 1] == '-')
        used--;
    alias[used] = '\0';
    return alias;
}

char *csi_alias_for_cert(const certstore_bundle *bundle, struct csi_span der, certstore_error *err)
{
    static const uint8_t preferred[] = { 0x03, 0x0b, 0x0a }; /* CN, OU, O */
    struct csi_cert_view view;
    CSI_AUTO_BUF text = { 0 };
    CSI_AUTO_BUF lower = { 0 };
    (void)bundle;
    if (csi_cert_skim(der, &view))
        for (size_t i = 0; i < sizeof preferred && text.size == 0; i++)
            name_attribute(view.subject, preferred[i], &text);
    if (csi_buf_check(&text, err) != CERTSTORE_OK)
        return NULL;
    CSI_AUTO(csi_chars) *alias = text.size > 0 && csi_text_lower(csi_buf_span(&text), &lower) ? slug(csi_buf_span(&lower), err) : NULL;
    if (err->status != CERTSTORE_OK || csi_buf_check(&lower, err) != CERTSTORE_OK)
        return NULL;
    return alias != NULL && alias[0] != '\0' ? csi_steal(&alias) : csi_strdup("certificate", err);
}
