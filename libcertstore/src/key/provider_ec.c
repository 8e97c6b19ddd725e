/* SPDX-License-Identifier: Apache-2.0 */
/* provider_ec.c: ECDSA and Ed25519: a token gives r and s side by side, X.509 wants a SEQUENCE of the two (RFC 3279 section 2.2.3). */
#include "base/writer.h"
#include "key/provider_internal.h"

/* Big-endian with zeros in front, as an INTEGER that is not negative and no longer than it must be. */
static void put_integer(struct csi_buf *out, struct csi_span number)
{
    while (number.size > 1 && number.data[0] == 0)
        number = csi_span(number.data + 1, number.size - 1);
    size_t from = out->size;
    if (number.size == 0 || (number.data[0] & 0x80) != 0)
        csi_buf_put_u8(out, 0);
    csi_buf_put_span(out, number);
    csi_der_wrap(out, from, CSI_DER_INTEGER);
}

certstore_status csi_ec_sign(struct csi_token_key *key, struct csi_span digest, struct csi_buf *out, certstore_error *err)
{
    static const CK_MECHANISM mechanism = { .mechanism = CKM_ECDSA };
    size_t half = ((size_t)EVP_PKEY_get_bits(key->twin) + 7) / 8;
    CSI_AUTO_BUF raw = { 0 };
    if (digest.size > half) /* the leftmost bits count (FIPS 186-4 section 6.4); some modules refuse more than those */
        digest.size = half;
    CSI_TRY(csi_token_operate(key, &mechanism, false, digest, &raw, err));
    if (raw.size == 0 || raw.size % 2 != 0 || raw.size / 2 > half)
        return csi_fail(err, CERTSTORE_E_IO, "token: its signature has %zu bytes, where a curve of %d bits has up to %zu; see to the module",
                        raw.size, EVP_PKEY_get_bits(key->twin), 2 * half);
    size_t from = out->size;
    put_integer(out, csi_span(raw.data, raw.size / 2));
    put_integer(out, csi_span(raw.data + raw.size / 2, raw.size / 2));
    csi_der_wrap(out, from, CSI_DER_SEQUENCE);
    return csi_buf_check(out, err);
}

certstore_status csi_ed25519_sign(struct csi_token_key *key, struct csi_span message, struct csi_buf *out, certstore_error *err)
{
    static const CK_MECHANISM mechanism = { .mechanism = CKM_EDDSA };
    return csi_token_operate(key, &mechanism, false, message, out, err);
}
