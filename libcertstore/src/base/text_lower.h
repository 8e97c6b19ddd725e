/* SPDX-License-Identifier: Apache-2.0 */
/* text_lower.h: Unicode's lower-case mapping of single code points, as tables (text_lower.c is made by scripts/make-lower-table). */
#ifndef CSI_TEXT_LOWER_H
#define CSI_TEXT_LOWER_H

#include <stdbool.h>
#include <stdint.h>

int32_t csi_lower(int32_t code_point);
/* Unicode's derived properties Cased and Case_Ignorable, for the final sigma. */
bool csi_cased(int32_t code_point);
bool csi_case_ignorable(int32_t code_point);

#endif
