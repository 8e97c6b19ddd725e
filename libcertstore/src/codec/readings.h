/* SPDX-License-Identifier: Apache-2.0 */
/*
 * readings.h: the byte strings that one passphrase may mean to a key derivation.
 *
 * RFC 7292 appendix B.1 wants a BMPString with a terminator, RFC 8018 section 3 the bytes as they are, and programs have done otherwise:
 * bytes widened one by one (OpenSSL before 1.1), ISO 8859-1 (RSA JSAFE), a BMPString in PBKDF2 (NSS before 3.31), nothing at all for "no
 * passphrase". Each reading that differs from the ones before it is tried, the one that the standard wants first.
 */
#ifndef CSI_READINGS_H
#define CSI_READINGS_H

#include "base/error.h"
#include "base/secret.h"

enum csi_reading {
    CSI_READ_BMP,     /* UTF-16BE and 00 00 */
    CSI_READ_WIDENED, /* each byte as 00 xx, and 00 00 */
    CSI_READ_BYTES,   /* as given */
    CSI_READ_LATIN1,  /* UTF-8 to ISO 8859-1 */
    CSI_READ_NOTHING  /* zero bytes where the empty passphrase should be 00 00 */
};
/* Which derivation asks: PKCS#12's own (RFC 7292 appendix B), or PKCS#5's (PBKDF1, PBKDF2, scrypt). */
enum csi_reading_family { CSI_FAMILY_PKCS12, CSI_FAMILY_PKCS5 };

struct csi_readings {
    struct {
        enum csi_reading kind;
        csi_secret *bytes;
    } items[4];
    size_t count;
};
/* Every reading of the passphrase, each different, the standard one first. NULL reads as the empty passphrase. */
certstore_status csi_readings_make(struct csi_readings *readings, enum csi_reading_family family, const csi_secret *password, certstore_error *err);
/* The standard reading alone: what is written is made with it. */
csi_secret *csi_reading_standard(enum csi_reading_family family, const csi_secret *password, certstore_error *err);
void csi_readings_clear(struct csi_readings *readings);
#define CSI_AUTO_READINGS __attribute__((cleanup(csi_readings_clear))) struct csi_readings
/* For notes: "UTF-16 with a terminator" and so on. */
const char *csi_reading_name(enum csi_reading kind);

#endif
