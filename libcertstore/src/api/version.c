/* SPDX-License-Identifier: Apache-2.0 */
/* version.c: the version of the library that is running, which may not be the one a program was compiled against. */
#include <certstore.h>

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

const char *certstore_version(void)
{
    return TEXT(CERTSTORE_VERSION_MAJOR) "." TEXT(CERTSTORE_VERSION_MINOR) "." TEXT(CERTSTORE_VERSION_PATCH);
}
