/* SPDX-License-Identifier: Apache-2.0 */
/*
 * declined.c: stores that are recognised, so that nobody is told "unknown format", and declined by name with what to do instead.
 *
 *   UBER      the header of BKS, then Twofish-CBC over the whole store; OpenSSL has no Twofish
 *   BCFKS     ObjectStore ::= SEQUENCE { EncryptedObjectStoreData { PBES2 ... }, ObjectStoreIntegrityCheck } (org.bouncycastle.asn1.bc)
 *   p11-kit   lines of PKCS#11 attributes under "[p11-kit-object-v1]", with PEM blocks among them: read as PEM, what the attributes say (distrusted,
 *             a constraint stapled to a key) would be lost without a word
 *   certdata  NSS's source of its built-in roots: attributes as text after a line BEGINDATA
 *   edk2      EFI_SIGNATURE_LIST of X.509 certificates (UEFI 2.10, 32.4.1), what firmware trusts for HTTPS boot
 *   sqlite    a database file; NSS's is a store as the directory that it lies in
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

enum { WINDOW = 8192 }; /* how far in a text the line that tells its kind is looked for */

/* Is it there at the beginning of a line? */
static bool has_line(struct csi_span content, const char *line)
{
    const size_t size = strlen(line);
    const size_t window = content.size < WINDOW ? content.size : WINDOW;
    const uint8_t *end = content.data + window;
    const uint8_t *at = content.data;
    while (window > 0 && at != NULL && (size_t)(end - at) >= size) {
        if (memcmp(at, line, size) == 0)
            return true;
        at = memchr(at, '\n', (size_t)(end - at));
        at = at != NULL ? at + 1 : NULL;
    }
    return false;
}

/* Surer than PEM is of the blocks in it. */
static int probe_p11kit(struct csi_span content)
{
    return has_line(content, "[p11-kit-object-v1]") ? 95 : 0;
}

static certstore_bundle *decline_p11kit(const struct csi_decode *in CSI_UNUSED, certstore_error *err)
{
    csi_fail(err, CERTSTORE_E_UNSUPPORTED,
             "trust store: p11-kit's own files (.p11-kit) are not supported; open its token with pkcs11: or have it write PEM with trust extract");
    return NULL;
}

static int probe_certdata(struct csi_span content)
{
    return has_line(content, "BEGINDATA") ? 80 : 0;
}

static certstore_bundle *decline_certdata(const struct csi_decode *in CSI_UNUSED, certstore_error *err)
{
    csi_fail(err, CERTSTORE_E_UNSUPPORTED,
             "trust store: NSS's certdata.txt is not supported; use the bundle that your system makes of it, or NSS's module with pkcs11:");
    return NULL;
}

/* EFI_CERT_X509_GUID, then the size of the list, which counts its own header of 28 bytes. */
static int probe_edk2(struct csi_span content)
{
    static const uint8_t x509[] = { 0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72 };
    return content.size >= 28 && memcmp(content.data, x509, sizeof x509) == 0 ? 95 : 0;
}

static certstore_bundle *decline_edk2(const struct csi_decode *in CSI_UNUSED, certstore_error *err)
{
    csi_fail(err, CERTSTORE_E_UNSUPPORTED,
             "trust store: a signature list of UEFI firmware (edk2) is not supported; write PEM and make the list of it with trust extract");
    return NULL;
}

static int probe_sqlite(struct csi_span content)
{
    static const char magic[] = "SQLite format 3"; /* and its NUL */
    return content.size >= sizeof magic && memcmp(content.data, magic, sizeof magic) == 0 ? 100 : 0;
}

static certstore_bundle *decline_sqlite(const struct csi_decode *in CSI_UNUSED, certstore_error *err)
{
    csi_fail(err, CERTSTORE_E_UNSUPPORTED,
             "database file: is no store by itself; if it is NSS's (cert9.db, key4.db), name the directory that it lies in with nss:");
    return NULL;
}

static certstore_status decline_encode(const certstore_bundle *bundle CSI_UNUSED, const struct csi_encode *in CSI_UNUSED, csi_parts *parts CSI_UNUSED,
                                       certstore_error *err)
{
    return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "store: this format is recognised, and not written; write PEM or PKCS#12 instead");
}

static certstore_status decline_losses(const certstore_bundle *bundle, certstore_report *losses, certstore_error *err)
{
    for (size_t i = 0; i < bundle->count; i++)
        CSI_TRY(csi_report_add(losses, "read-only", CERTSTORE_FAULT, bundle->entries[i]->alias, err, "this format is not supported"));
    return CERTSTORE_OK;
}

static const char *const no_suffixes[] = { NULL };

#define DECLINED(text, probing, declining)                                                                                                     \
    {                                                                                                                                          \
        .name = (text), .rule = CSI_ALIAS_EXACT, .suffixes = no_suffixes, .probe = (probing), .decode = (declining), .encode = decline_encode, \
        .losses = decline_losses,                                                                                                              \
    }

const struct csi_codec csi_codec_uber = DECLINED("uber", probe_uber, decline_uber);
const struct csi_codec csi_codec_bcfks = DECLINED("bcfks", probe_bcfks, decline_bcfks);
const struct csi_codec csi_codec_p11kit = DECLINED("p11-kit", probe_p11kit, decline_p11kit);
const struct csi_codec csi_codec_certdata = DECLINED("certdata", probe_certdata, decline_certdata);
const struct csi_codec csi_codec_edk2 = DECLINED("edk2", probe_edk2, decline_edk2);
const struct csi_codec csi_codec_sqlite = DECLINED("sqlite", probe_sqlite, decline_sqlite);
