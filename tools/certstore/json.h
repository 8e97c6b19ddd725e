/* SPDX-License-Identifier: Apache-2.0 */
/* json.h: the documents of --json. Their shape is a promise (docs/guide/command.md): fields are added, never renamed. */
#ifndef TOOL_JSON_H
#define TOOL_JSON_H

#include <jansson.h>

#include "facts.h"

/* A JSON string, or null for NULL. The library's UTF-8 is JSON's but for two liberties: C0 80 becomes U+0000, what JSON cannot hold U+FFFD. */
json_t *json_text(const char *text);
/* The other way: a string of a document as the library's UTF-8, owned. */
char *json_text_value(const json_t *string);

json_t *json_error(certstore_status status, const char *store, const char *message);
/* {"uri", "format", "generation", "integrity"} of a store and what was read from it. */
json_t *json_store(certstore *store, const certstore_bundle *bundle);
/* One entry as `list --json` shows it. */
json_t *json_entry(const struct facts *facts);
/* A report's rows: {"code", "severity", "alias", "message"}. */
json_t *json_report(const certstore_report *report);

#endif
