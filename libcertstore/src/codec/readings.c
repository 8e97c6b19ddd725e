/* SPDX-License-Identifier: Apache-2.0 */
/* readings.c: what a passphrase may mean; see readings.h. */
#include "codec/readings.h"

#include "base/text.h"

static void put_widened(struct csi_span password, struct csi_buf *out)
{
    for (size_t i = 0; i < password.size; i++)
        csi_buf_put_u16(out, password.data[i]);
}

static bool put_latin1(struct csi_span password, struct csi_buf *out)
{
    const uint8_t *at = password.data;
    const uint8_t *end = csi_span_end(password);
    while (at < end) {
        int32_t code_point = csi_utf8_next(&at, end);
        if (code_point < 0 || code_point > 0xff)
            return false;
        csi_buf_put_u8(out, (uint8_t)code_point);
    }
    return true;
}

/* Writes one reading; false when the passphrase has none of this kind. */
static bool put_reading(enum csi_reading kind, struct csi_span password, struct csi_buf *out)
{
    switch (kind) {
    case CSI_READ_BMP:
        if (!csi_text_to_utf16be(password, out))
            return false;
        csi_buf_put_u16(out, 0);
        return true;
    case CSI_READ_WIDENED:
        put_widened(password, out);
        csi_buf_put_u16(out, 0);
        return true;
    case CSI_READ_BYTES:
        csi_buf_put_span(out, password);
        return true;
    case CSI_READ_LATIN1:
        return put_latin1(password, out);
    case CSI_READ_NOTHING:
        return password.size == 0;
    }
    return false;
}

static certstore_status add(struct csi_readings *readings, enum csi_reading kind, struct csi_span password, certstore_error *err)
{
    CSI_AUTO_BUF bytes = { 0 };
    if (!put_reading(kind, password, &bytes))
        return CERTSTORE_OK;
    CSI_TRY(csi_buf_check(&bytes, err));
    for (size_t i = 0; i < readings->count; i++)
        if (csi_span_equal(csi_secret_span(readings->items[i].bytes), csi_buf_span(&bytes)))
            return CERTSTORE_OK;
    csi_secret *secret = csi_secret_new(bytes.data, bytes.size, err);
    if (secret == NULL)
        return err->status;
    readings->items[readings->count].kind = kind;
    readings->items[readings->count++].bytes = secret;
    return CERTSTORE_OK;
}

certstore_status csi_readings_make(struct csi_readings *readings, enum csi_reading_family family, const csi_secret *password, certstore_error *err)
{
    static const enum csi_reading pkcs12[] = { CSI_READ_BMP, CSI_READ_WIDENED, CSI_READ_NOTHING };
    static const enum csi_reading pkcs5[] = { CSI_READ_BYTES, CSI_READ_LATIN1, CSI_READ_BMP };
    const enum csi_reading *order = family == CSI_FAMILY_PKCS12 ? pkcs12 : pkcs5;
    struct csi_span bytes = password != NULL ? csi_secret_span(password) : csi_span(NULL, 0);
    for (size_t i = 0; i < sizeof pkcs12 / sizeof *pkcs12; i++)
        CSI_TRY(add(readings, order[i], bytes, err));
    return CERTSTORE_OK;
}

csi_secret *csi_reading_standard(enum csi_reading_family family, const csi_secret *password, certstore_error *err)
{
    CSI_AUTO_READINGS readings = { 0 };
    if (csi_readings_make(&readings, family, password, err) != CERTSTORE_OK)
        return NULL;
    return csi_secret_ref(readings.items[0].bytes);
}

void csi_readings_clear(struct csi_readings *readings)
{
    for (size_t i = 0; i < readings->count; i++)
        csi_secret_free(readings->items[i].bytes);
    readings->count = 0;
}

const char *csi_reading_name(enum csi_reading kind)
{
    switch (kind) {
    case CSI_READ_BMP:
        return "UTF-16 with a terminator";
    case CSI_READ_WIDENED:
        return "bytes widened one by one";
    case CSI_READ_BYTES:
        return "bytes as given";
    case CSI_READ_LATIN1:
        return "ISO 8859-1";
    case CSI_READ_NOTHING:
        return "no bytes at all";
    }
    return "unknown";
}
