/* SPDX-License-Identifier: Apache-2.0 */
/* json_line.c: walks JSON text (RFC 8259) that is known to be well-formed, without building anything. */
#include "json_line.h"

#include <stdbool.h>
#include <string.h>

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* From the opening quote to behind the closing one. */
static const char *skip_string(const char *at)
{
    for (at++; *at != '\0' && *at != '"'; at++)
        if (*at == '\\' && at[1] != '\0')
            at++;
    return *at == '"' ? at + 1 : at;
}

static const char *skip_value(const char *at)
{
    size_t depth = 0;
    while (*at != '\0') {
        if (*at == '"') {
            at = skip_string(at);
        } else if (*at == '{' || *at == '[') {
            depth++;
            at++;
        } else if (*at == '}' || *at == ']') {
            if (depth == 0)
                return at;
            depth--;
            at++;
        } else if (depth == 0 && (*at == ',' || strchr(" \t\r\n", *at) != NULL)) {
            return at;
        } else {
            at++;
            continue;
        }
        if (depth == 0)
            return at;
    }
    return at;
}

/* Keys that need escapes are compared as they are written, and found nowhere: nobody's schema has one. */
static bool key_is(const char *at, const char *key)
{
    size_t size = strlen(key);
    return strncmp(at + 1, key, size) == 0 && at[1 + size] == '"';
}

/* The key in an object; NULL where there is none. */
static const char *find_key(const char *at, const char *key)
{
    for (at = skip_space(at + 1); *at == '"'; at = skip_space(at + 1)) {
        if (key_is(at, key))
            return at;
        at = skip_space(skip_string(at));
        at = skip_space(skip_value(skip_space(*at == ':' ? at + 1 : at)));
        if (*at != ',')
            return NULL;
    }
    return NULL;
}

static const char *find_item(const char *at, size_t index)
{
    at = skip_space(at + 1);
    for (; index > 0; index--) {
        at = skip_space(skip_value(at));
        if (*at != ',')
            return NULL;
        at = skip_space(at + 1);
    }
    return *at == ']' ? NULL : at;
}

size_t json_line_of(const char *text, const struct json_step *steps, size_t count)
{
    const char *value = skip_space(text);
    const char *found = value;
    for (size_t i = 0; i < count; i++) {
        bool object = steps[i].key != NULL;
        if (*value != (object ? '{' : '['))
            break;
        const char *next = object ? find_key(value, steps[i].key) : find_item(value, steps[i].index);
        if (next == NULL)
            break;
        found = next;
        value = object ? skip_space(skip_string(next)) : next;
        if (object && *value == ':')
            value = skip_space(value + 1);
    }
    size_t line = 1;
    for (const char *at = text; at < found; at++)
        line += *at == '\n';
    return line;
}
