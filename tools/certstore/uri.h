/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uri.h: a store as it is named on the command line: a bare path or a URI, `?pass=SOURCE&keypass=SOURCE` and other parameters, `#ALIAS`.
 *
 * The sources of passphrases are taken out at once, so that what is left can be shown, logged and handed to the library.
 */
#ifndef TOOL_URI_H
#define TOOL_URI_H

#include <stdbool.h>

struct store_name {
    char *uri;     /* for the library and for people */
    char *alias;   /* what stands behind '#'; NULL: nothing */
    char *pass;    /* SOURCE; NULL: none named */
    char *keypass; /* SOURCE; NULL: none named */
};

struct store_name store_name_parse(const char *text);
void store_name_free(struct store_name *name);
/* The path inside a URI of a store in files, or the bare path itself. Borrowed. */
const char *store_name_path(const char *uri);

#endif
