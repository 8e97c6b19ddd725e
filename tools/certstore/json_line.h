/* SPDX-License-Identifier: Apache-2.0 */
/* json_line.h: in which line of a JSON text a value stands; jansson does not remember. */
#ifndef TOOL_JSON_LINE_H
#define TOOL_JSON_LINE_H

#include <stddef.h>

/* One step into a document: a key, or (key NULL) an index. */
struct json_step {
    const char *key;
    size_t index;
};

/* The line (from 1) of the key or item that the steps lead to; where they lead nowhere, the line of the last one that exists. The text must have
 * been accepted by a JSON parser. */
size_t json_line_of(const char *text, const struct json_step *steps, size_t count);

#endif
