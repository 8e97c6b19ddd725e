/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p11shim.h: a PKCS#11 module that stands in front of another one and counts the calls that tell or change something. The process can end before or
 * after any of them, and any can be answered with an error, once or from then on, before or after it was carried out: kill points and faults lie
 * BETWEEN the module's own calls, since what a module does inside of one is its own affair.
 *
 * It is built twice: p11shim.so, and p11shim-nss.so under the linker's name of NSS's module. Both count together.
 */
#ifndef P11SHIM_H
#define P11SHIM_H

#include <stdbool.h>

#include <p11-kit/pkcs11.h>

struct p11shim {
    long calls;      /* so far */
    long at;         /* the call that is tampered with; 0: none */
    bool kill;       /* the process ends there, ... */
    bool done_first; /* ... or the error is given, after the call was carried out instead of before */
    bool for_good;   /* every later call fails as well */
    CK_RV rv;
    long logins;          /* calls of C_Login */
    CK_FLAGS token_flags; /* added to what each token says */
    long blind;           /* how many more initialisations find no token */
};
/* Called through dlsym() before the shim is used: whom it stands for, where it counts, and what the module is given as pReserved when it is
 * initialised (NULL: what the caller gives). All stay the caller's, for good. */
void p11shim_begin(const char *module, struct p11shim *shared, const char *reserved);

#endif
