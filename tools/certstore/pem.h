/* SPDX-License-Identifier: Apache-2.0 */
/* pem.h: RFC 7468's outer form, for what the command prints. */
#ifndef TOOL_PEM_H
#define TOOL_PEM_H

#include <stdbool.h>
#include <stdint.h>

#include "heap.h"

/* The bytes as one PEM block, with a final newline; owned. */
char *pem_wrap(const char *label, const uint8_t *data, size_t size);

#endif
