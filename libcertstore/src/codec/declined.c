/* SPDX-License-Identifier: Apache-2.0 */
/*
 * declined.c: key stores that are recognised, so that nobody is told "unknown format", and declined by name with what to do instead.
 *
 *   UBER   the header of BKS, then Twofish-CBC over the whole store; OpenSSL has no Twofish
 *   BCFKS  ObjectStore ::= SEQUENCE { EncryptedObjectStoreData { PBES2 ... }, ObjectStoreIntegrityCheck } (org.bouncycastle.asn1.bc)
 */
#include "base/reader.h"
#include "codec/bks.h"
#include "codec/codec.h"

enum { TWOFISH_BLOCK = 16 };

static int probe_uber(struct csi_span content)
{
    struct csi_reader r = csi_reader(content);
    if (csi_codec_bks.probe(content) > 0 || !csi_bks_read_header(&r))
        return 0;
    return csi_left(&r) >= 2 * TWOFISH_BLOCK ? 60 : 0;
}

static certstore_bundle *decline_uber(const struct csi_decode *in CSI_UNUSED, certstore_error *err)
{
    csi_fail(err, CERTSTORE_E_UNSUPPORTED,
             "key store: Bouncy Castle's UBER is encrypted with Twofish, which is not supported; convert it to PKCS#12 with keytool");
    return NULL;
}

/* Steps into an element whose end may lie beyond the bytes at hand. */
static bool step_in(struct csi_reader *r, uint8_t tag)
{
    uint8_t byte;
    struct csi_span digits;
    if (!csi_read_u8(r, &byte) || byte != tag || !csi_read_u8(r, &byte))
        return false;
    return byte < 0x80 || (byte > 0x80 && csi_read_span(r, byte & 0x7f, &digits));
}

/* SEQUENCE { SEQUENCE { SEQUENCE { OID pbes2: nothing else begins like this. */
static int probe_bcfks(struct csi_span content)
{
    static const uint8_t pbes2[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d };
    struct csi_reader r = csi_reader(content);
    struct csi_tlv oid;
    for (int depth = 0; depth < 3; depth++)
        if (!step_in(&r, CSI_DER_SEQUENCE))
            return 0;
    return csi_der_expect(&r, CSI_DER_OID, &oid) && csi_span_equal(oid.content, csi_span(pbes2, sizeof pbes2)) ? 80 : 0;
}

static certstore_bundle *decline_bcfks(const struct csi_decode *in CSI_UNUSED, certstore_error *err)
{
    csi_fail(err, CERTSTORE_E_UNSUPPORTED, "key store: Bouncy Castle's BCFKS is not supported; convert it to PKCS#12 with keytool");
    return NULL;
}

static certstore_status decline_encode(const certstore_bundle *bundle CSI_UNUSED, const struct csi_encode *in CSI_UNUSED, csi_parts *parts CSI_UNUSED,
                                       certstore_error *err)
{
    return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "key store: Bouncy Castle's UBER and BCFKS are not supported; write PKCS#12 instead");
}

static certstore_status decline_losses(const certstore_bundle *bundle, certstore_report *losses, certstore_error *err)
{
    for (size_t i = 0; i < bundle->count; i++)
        CSI_TRY(csi_report_add(losses, "read-only", CERTSTORE_FAULT, bundle->entries[i]->alias, err, "this format is not supported"));
    return CERTSTORE_OK;
}

static const char *const no_suffixes[] = { NULL };

const struct csi_codec csi_codec_uber = {
    .name = "uber",
    .rule = CSI_ALIAS_EXACT,
    .suffixes = no_suffixes,
    .probe = probe_uber,
    .decode = decline_uber,
    .encode = decline_encode,
    .losses = decline_losses,
};

const struct csi_codec csi_codec_bcfks = {
    .name = "bcfks",
    .rule = CSI_ALIAS_EXACT,
    .suffixes = no_suffixes,
    .probe = probe_bcfks,
    .decode = decline_bcfks,
    .encode = decline_encode,
    .losses = decline_losses,
};
