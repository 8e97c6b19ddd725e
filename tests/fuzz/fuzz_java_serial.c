/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_java_serial.c: any bytes at all as a serialized object of a JCEKS store: sealed, and the key within. What was read must be written and read
 * again. */
#include "codec/java_serial.h"
#include "fuzz/fuzz.h"

static void read_sealed(struct csi_span input)
{
    certstore_error err = { 0 };
    struct csi_reader r = csi_reader(input);
    struct csi_java_sealed sealed, again;
    if (csi_java_read_sealed(&r, &sealed, &err) != CERTSTORE_OK) {
        must(err.status != CERTSTORE_OK && r.at == input.data);
        return;
    }
    must(sealed.whole.data == input.data && r.at == input.data + sealed.whole.size);
    if (sealed.parameters.data == NULL || sealed.ciphertext.data == NULL)
        return;
    CSI_AUTO_BUF written = { 0 };
    csi_java_write_sealed(&written, sealed.parameters, sealed.ciphertext);
    r = csi_reader(csi_buf_span(&written));
    must(!written.failed && csi_java_read_sealed(&r, &again, &err) == CERTSTORE_OK && csi_left(&r) == 0);
    must(csi_span_equal(sealed.parameters, again.parameters) && csi_span_equal(sealed.ciphertext, again.ciphertext));
}

static void read_secret(struct csi_span input)
{
    certstore_error err = { 0 };
    struct csi_java_secret secret, again;
    if (csi_java_read_secret(input, &secret, &err) != CERTSTORE_OK) {
        must(err.status != CERTSTORE_OK);
        return;
    }
    CSI_AUTO_BUF written = { 0 };
    csi_java_write_secret(&written, secret.algorithm, secret.key);
    must(!written.failed && csi_java_read_secret(csi_buf_span(&written), &again, &err) == CERTSTORE_OK);
    must(csi_span_equal(secret.algorithm, again.algorithm) && csi_span_equal(secret.key, again.key));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_sealed(csi_span(data, size));
    read_secret(csi_span(data, size));
    return 0;
}
