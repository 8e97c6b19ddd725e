/* SPDX-License-Identifier: Apache-2.0 */
/* start.c: what it costs to start a C program that is linked to libcrypto, before it does anything. */
#include <stdio.h>

#include <openssl/crypto.h>

int main(int argc, char **argv)
{
    (void)argv;
    return argc > 1 ? puts(OpenSSL_version(OPENSSL_VERSION)) < 0 : 0;
}
