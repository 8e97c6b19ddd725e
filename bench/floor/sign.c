/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign.c: the least that a signature by a token costs: C_SignInit and C_Sign in one open session, with a key that was found once. Prints CPU
 * microseconds.
 *
 *   sign make MODULE LABEL rsa|ec     a key pair of that name on the token of that label
 *   sign bare MODULE LABEL rsa|ec     a signature: RSA's PKCS#1 v1.5 over SHA-256, or ECDSA over a SHA-256 value
 *
 * The PIN is in $BENCH_PIN.
 */
#include "support/common.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <p11-kit/pkcs11.h>

static CK_FUNCTION_LIST *f;
static CK_SESSION_HANDLE session;
static CK_OBJECT_HANDLE key;
static CK_MECHANISM mechanism;
static CK_BYTE data[51]; /* DigestInfo of SHA-256; a SHA-256 value is its first 32 bytes */
static CK_ULONG data_size;

enum { TIMES = 50 };

static void must(CK_RV rv, const char *what)
{
    if (rv != CKR_OK)
        die("%s: 0x%lx", what, rv);
}

static void load(const char *path)
{
    void *module = dlopen(path, RTLD_NOW);
    void *symbol = module != NULL ? dlsym(module, "C_GetFunctionList") : NULL;
    CK_RV (*list)(CK_FUNCTION_LIST **) = NULL;
    memcpy(&list, &symbol, sizeof list);
    if (list == NULL)
        die("%s: no module", path);
    must(list(&f), "C_GetFunctionList");
    must(f->C_Initialize(NULL), "C_Initialize");
}

static CK_SLOT_ID find_slot(const char *label)
{
    CK_SLOT_ID slots[64];
    CK_ULONG count = sizeof slots / sizeof *slots;
    CK_TOKEN_INFO info;
    must(f->C_GetSlotList(CK_TRUE, slots, &count), "C_GetSlotList");
    for (CK_ULONG i = 0; i < count; i++)
        if (f->C_GetTokenInfo(slots[i], &info) == CKR_OK && strlen(label) < sizeof info.label && memcmp(info.label, label, strlen(label)) == 0 &&
            info.label[strlen(label)] == ' ')
            return slots[i];
    die("%s: no such token", label);
}

static void log_in(const char *label)
{
    const char *pin = getenv("BENCH_PIN");
    CK_SLOT_ID slot = find_slot(label);
    must(f->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session), "C_OpenSession");
    must(pin != NULL ? f->C_Login(session, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)pin, strlen(pin)) : CKR_PIN_INCORRECT, "C_Login");
}

static void make(char *name, int rsa)
{
    static CK_BYTE p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
    static CK_BYTE f4[] = { 1, 0, 1 };
    CK_BBOOL yes = CK_TRUE;
    CK_ULONG bits = 2048;
    CK_MECHANISM pair = { .mechanism = rsa ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN };
    CK_ATTRIBUTE public[] = {
        { CKA_TOKEN, &yes, sizeof yes },          { CKA_LABEL, name, strlen(name) },
        { CKA_ID, name, strlen(name) },           { rsa ? CKA_PUBLIC_EXPONENT : CKA_EC_PARAMS, rsa ? f4 : p256, rsa ? sizeof f4 : sizeof p256 },
        { CKA_MODULUS_BITS, &bits, sizeof bits },
    };
    CK_ATTRIBUTE private[] = {
        { CKA_TOKEN, &yes, sizeof yes },   { CKA_PRIVATE, &yes, sizeof yes }, { CKA_SIGN, &yes, sizeof yes },
        { CKA_LABEL, name, strlen(name) }, { CKA_ID, name, strlen(name) },
    };
    CK_OBJECT_HANDLE other;
    must(f->C_GenerateKeyPair(session, &pair, public, rsa ? 5 : 4, private, 5, &other, &key), "C_GenerateKeyPair");
}

static void find(char *name)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ULONG count = 0;
    CK_ATTRIBUTE wanted[] = { { CKA_CLASS, &class, sizeof class }, { CKA_LABEL, name, strlen(name) } };
    must(f->C_FindObjectsInit(session, wanted, 2), "C_FindObjectsInit");
    must(f->C_FindObjects(session, &key, 1, &count), "C_FindObjects");
    must(f->C_FindObjectsFinal(session), "C_FindObjectsFinal");
    if (count != 1)
        die("%s: no such key", name);
}

static void sign(void *argument)
{
    (void)argument;
    for (int i = 0; i < TIMES; i++) {
        CK_BYTE made[512];
        CK_ULONG size = sizeof made;
        must(f->C_SignInit(session, &mechanism, key), "C_SignInit");
        must(f->C_Sign(session, data, data_size, made, &size), "C_Sign");
    }
}

int main(int argc, char **argv)
{
    if (argc != 5)
        die("usage: sign make|bare MODULE LABEL rsa|ec");
    int rsa = strcmp(argv[4], "rsa") == 0;
    load(argv[2]);
    log_in(argv[3]);
    if (strcmp(argv[1], "make") == 0) {
        make(argv[4], rsa);
        return 0;
    }
    find(argv[4]);
    mechanism.mechanism = rsa ? CKM_RSA_PKCS : CKM_ECDSA;
    data_size = rsa ? 51 : 32;
    print_median(sign, NULL, TIMES);
    return 0;
}
