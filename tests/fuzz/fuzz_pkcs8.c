/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_pkcs8.c: any bytes at all as an EncryptedPrivateKeyInfo, as a PrivateKeyInfo and as a traditional key. An envelope that opens must be
 * followed: sealed anew with its own algorithm it opens to the same key.
 */
#include "codec/pbe.h"
#include "codec/pkcs8.h"
#include "fuzz/fuzz.h"

static const struct csi_limits limits = { .value = {
                                              [CERTSTORE_LIMIT_KDF_ITERATIONS] = 2100,
                                              [CERTSTORE_LIMIT_KDF_TOTAL] = 8400,
                                          } };

static csi_secret *open_with(const csi_blob *sealed, const csi_secret *password, certstore_status *status)
{
    certstore_error err = { 0 };
    struct csi_budget budget = { .limits = &limits };
    CSI_AUTO_PLAIN plain = { 0 };
    *status = csi_protection_pkcs8.open(sealed, password, &budget, &plain, &err);
    must(*status == err.status && (plain.bytes != NULL) == (*status == CERTSTORE_OK));
    must(budget.spent <= limits.value[CERTSTORE_LIMIT_KDF_TOTAL]);
    return csi_secret_ref(plain.bytes);
}

static void open_and_follow(const csi_blob *sealed, const char *text)
{
    certstore_error err = { 0 };
    certstore_status status;
    CSI_AUTO(csi_secret) *password = csi_secret_new(text, strlen(text), &err);
    CSI_AUTO(csi_secret) *key = open_with(sealed, password, &status);
    if (key == NULL)
        return;
    CSI_AUTO(csi_blob) *anew = csi_pkcs8_reseal(csi_blob_span(sealed), csi_secret_span(key), password, &limits, &err);
    if (anew == NULL) {
        must(err.status != CERTSTORE_OK);
        return;
    }
    struct csi_limits enough = csi_limits_default; /* where it could not be followed it is sealed as the default has it */
    struct csi_budget budget = { .limits = &enough };
    CSI_AUTO_PLAIN again = { 0 };
    must(csi_protection_pkcs8.open(anew, password, &budget, &again, &err) == CERTSTORE_OK);
    must(csi_span_equal(csi_secret_span(again.bytes), csi_secret_span(key)));
}

static void read_plain(struct csi_span bytes)
{
    static const char *const types[] = { "RSA", "EC", "DSA" };
    struct csi_span oid;
    csi_pkcs8_algorithm(bytes, &oid);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        certstore_error err = { 0 };
        CSI_AUTO(csi_secret) *key = csi_pkcs8_from_traditional(types[i], bytes, &err);
        must((key != NULL) == (err.status == CERTSTORE_OK));
        must(key == NULL || csi_pkcs8_algorithm(csi_secret_span(key), &oid));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    certstore_error err = { 0 };
    struct csi_pbe pbe;
    CSI_AUTO(csi_blob) *sealed = csi_blob_new(data, size, &err);
    if (sealed == NULL)
        return 0;
    csi_pbe_parse(csi_span(data, size), &pbe, &err);
    csi_pbe_can_seal(csi_span(data, size));
    open_and_follow(sealed, "1234");
    open_and_follow(sealed, "password");
    open_and_follow(sealed, "");
    read_plain(csi_span(data, size));
    return 0;
}
