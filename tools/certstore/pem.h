/* SPDX-License-Identifier: Apache-2.0 */
/* pem.h: RFC 7468's outer form, for what the command prints and for DER files that are given to it. */
#ifndef TOOL_PEM_H
#define TOOL_PEM_H

#include <stdbool.h>
#include <stdint.h>

#include "heap.h"

/* The bytes as one PEM block, with a final newline; owned. */
char *pem_wrap(const char *label, const uint8_t *data, size_t size);
/* The PEM label that DER bytes would go under ("CERTIFICATE", "PRIVATE KEY" ...), told by their outermost elements; NULL for anything else, such as
 * a PKCS#12 store, which is DER as well. */
const char *pem_label_of_der(const uint8_t *data, size_t size);

#endif
