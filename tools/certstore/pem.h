/* SPDX-License-Identifier: Apache-2.0 */
/* pem.h: RFC 7468's outer form, for what the command prints and for keys in bare DER that are given to it. */
#ifndef TOOL_PEM_H
#define TOOL_PEM_H

#include <stdbool.h>
#include <stdint.h>

#include "heap.h"

/* The bytes as one PEM block, with a final newline; owned. */
char *pem_wrap(const char *label, const uint8_t *data, size_t size);
/* The PEM label of a private key in its traditional DER form, told by its outermost elements; NULL for everything else. */
const char *pem_label_of_key(const uint8_t *data, size_t size);

#endif
