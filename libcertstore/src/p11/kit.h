/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kit.h: p11-kit, which finds and shares PKCS#11 modules and reads their URIs. It is loaded when the first token is named: linked, it would make
 * every start of a program a fifth longer, and be needed on hosts that have no token (docs/decisions/008).
 */
#ifndef CSI_KIT_H
#define CSI_KIT_H

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#include "base/error.h"

/* Its functions, by the names it gives them without `p11_kit_`. */
struct csi_kit {
    __typeof__(p11_kit_message) *message;
    __typeof__(p11_kit_modules_load) *modules_load;
    __typeof__(p11_kit_module_load) *module_load;
    __typeof__(p11_kit_module_initialize) *module_initialize;
    __typeof__(p11_kit_module_finalize) *module_finalize;
    __typeof__(p11_kit_module_release) *module_release;
    __typeof__(p11_kit_module_get_name) *module_get_name;
    __typeof__(p11_kit_module_get_filename) *module_get_filename;
    __typeof__(p11_kit_uri_new) *uri_new;
    __typeof__(p11_kit_uri_free) *uri_free;
    __typeof__(p11_kit_uri_parse) *uri_parse;
    __typeof__(p11_kit_uri_format) *uri_format;
    __typeof__(p11_kit_uri_any_unrecognized) *uri_any_unrecognized;
    __typeof__(p11_kit_uri_get_attributes) *uri_get_attributes;
    __typeof__(p11_kit_uri_get_module_name) *uri_get_module_name;
    __typeof__(p11_kit_uri_get_module_path) *uri_get_module_path;
    __typeof__(p11_kit_uri_set_module_path) *uri_set_module_path;
    __typeof__(p11_kit_uri_get_pin_source) *uri_get_pin_source;
    __typeof__(p11_kit_uri_get_pin_value) *uri_get_pin_value;
    __typeof__(p11_kit_uri_set_pin_value) *uri_set_pin_value;
    __typeof__(p11_kit_uri_get_slot_id) *uri_get_slot_id;
    __typeof__(p11_kit_uri_get_token_info) *uri_get_token_info;
    __typeof__(p11_kit_uri_match_module_info) *uri_match_module_info;
    __typeof__(p11_kit_uri_match_slot_info) *uri_match_slot_info;
    __typeof__(p11_kit_uri_match_token_info) *uri_match_token_info;
};

/* Loads it, once a process; CERTSTORE_E_UNAVAILABLE, with the loader's words as the cause, where it is not installed. */
certstore_status csi_kit_load(certstore_error *err);
/* For whoever has an address or a token: neither is made before csi_kit_load() has succeeded. */
const struct csi_kit *csi_kit(void);

#endif
