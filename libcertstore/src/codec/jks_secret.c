/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jks_secret.c: the secret keys of JCEKS: a serialized key, encrypted by PBEWithMD5AndTripleDES, inside a serialized SealedObject
 * (JDK com/sun/crypto/provider/KeyProtector.java, seal and unseal).
 */
#include "base/text.h"
#include "codec/java_serial.h"
#include "codec/jks.h"
#include "codec/pkcs8.h"

/* A stream of Java's into a key in the clear. */
static certstore_status plain_from_stream(struct csi_span stream, struct csi_plain_key *plain, certstore_error *err)
{
    struct csi_java_secret secret;
    CSI_TRY(csi_java_read_secret(stream, &secret, err));
    CSI_AUTO_BUF name = { 0 };
    if (!csi_text_from_modified_utf8(secret.algorithm, &name) || name.size >= sizeof plain->algorithm)
        return csi_fail(err, CERTSTORE_E_MALFORMED, "secret key: the name of its algorithm cannot be read");
    plain->bytes = csi_secret_new(secret.key.data, secret.key.size, err);
    if (plain->bytes == NULL)
        return err->status;
    if (name.size > 0)
        memcpy(plain->algorithm, name.data, name.size);
    plain->algorithm[name.size] = '\0';
    return CERTSTORE_OK;
}

static certstore_status open_sealed_object(const csi_blob *sealed, const csi_secret *password, struct csi_budget *budget, struct csi_plain_key *plain,
                                           certstore_error *err)
{
    struct csi_reader r = csi_reader(csi_blob_span(sealed));
    struct csi_java_sealed object;
    CSI_TRY(csi_java_read_sealed(&r, &object, err));
    if (object.algorithm.data == NULL || object.parameters.data == NULL || object.ciphertext.data == NULL)
        return csi_fail(err, CERTSTORE_E_MALFORMED, "secret key: the sealed object lacks its algorithm, its parameters or its content");
    if (!csi_span_equal(object.algorithm, csi_span_text("PBEWithMD5AndTripleDES")))
        return csi_fail(err, CERTSTORE_E_UNSUPPORTED, "secret key: sealed with %.*s, which JCEKS does not use",
                        (int)(object.algorithm.size < 100 ? object.algorithm.size : 100), (const char *)object.algorithm.data);
    CSI_AUTO(csi_secret) *stream = NULL;
    CSI_TRY(csi_jceks_pbe_open(object.parameters, object.ciphertext, password, budget, &stream, err));
    return plain_from_stream(csi_secret_span(stream), plain, err);
}

const struct csi_protection csi_protection_sealed_object = { .name = "Java's sealed object", .open = open_sealed_object };

certstore_status csi_jks_seal_secret(const struct csi_plain_key *plain, const csi_secret *password, struct csi_buf *out, certstore_error *err)
{
    CSI_AUTO_BUF name = { 0 };
    CSI_AUTO_BUF stream = { 0 };
    CSI_AUTO_BUF parameters = { 0 };
    CSI_AUTO_BUF ciphertext = { 0 };
    /* Java's SecretKeySpec refuses an empty name. */
    const char *algorithm = plain->algorithm[0] != '\0' ? plain->algorithm : "RAW";
    if (!csi_text_to_modified_utf8(csi_span_text(algorithm), &name))
        return csi_fail(err, CERTSTORE_E_ARGUMENT, "secret key: the name of its algorithm is no UTF-8");
    CSI_TRY(csi_buf_check(&name, err));
    csi_java_write_secret(&stream, csi_buf_span(&name), csi_secret_span(plain->bytes));
    CSI_TRY(csi_buf_check(&stream, err));
    CSI_TRY(csi_jceks_pbe_seal(csi_buf_span(&stream), password, 0, &parameters, &ciphertext, err));
    csi_java_write_sealed(out, csi_buf_span(&parameters), csi_buf_span(&ciphertext));
    return csi_buf_check(out, err);
}
