/* SPDX-License-Identifier: Apache-2.0 */
/*
 * java_serial.h: the few serialized Java objects that a JCEKS store holds: a SealedObject around a secret key, and within it, encrypted, the
 * key itself (SecretKeySpec or KeyRep). Nothing else is read: the classes are a list, and an object of any other class is refused.
 */
#ifndef CSI_JAVA_SERIAL_H
#define CSI_JAVA_SERIAL_H

#include "base/reader.h"
#include "codec/java.h"

/* A stream's one object: the values of its fields, as slices of the stream. A field that is null or not there has data NULL. */
struct csi_java_sealed {
    struct csi_span whole;      /* from the stream's magic number to the object's end */
    struct csi_span parameters; /* DER of the encryption's parameters */
    struct csi_span ciphertext;
    struct csi_span algorithm; /* of the encryption; modified UTF-8 */
};
struct csi_java_secret {
    struct csi_span algorithm; /* of the key; modified UTF-8 */
    struct csi_span key;
};

/* Reads the stream that begins at the cursor and moves it past the object's end, which nothing but reading it tells.
 * CERTSTORE_E_TRUNCATED, _MALFORMED, or _UNSUPPORTED for a class that is not on the list. */
certstore_status csi_java_read_sealed(struct csi_reader *r, struct csi_java_sealed *sealed, certstore_error *err);
certstore_status csi_java_read_secret(struct csi_span stream, struct csi_java_secret *secret, certstore_error *err);

/* The same objects, written as Java 17 writes them. */
void csi_java_write_sealed(struct csi_buf *out, struct csi_span parameters, struct csi_span ciphertext);
void csi_java_write_secret(struct csi_buf *out, struct csi_span algorithm, struct csi_span key);

#endif
