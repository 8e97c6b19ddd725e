/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_plan.c: any bytes at all as a plan file. One that is accepted must mean what it says: written anew it is accepted again, and every store that
 * a change names is there. */
#include <stdio.h>

#include "fuzz/fuzz.h"
#include "tools/certstore/plan.h"

/* What is wrong with a plan goes to standard error; here nobody reads it. */
static int parse(struct plan *plan, const char *text, size_t size)
{
    struct cli cli = { .quiet = true };
    FILE *terminal = stderr;
    FILE *nowhere = fopen("/dev/null", "w");
    must(nowhere != NULL);
    stderr = nowhere;
    const int status = plan_parse(&cli, plan, "plan", text, size);
    stderr = terminal;
    fclose(nowhere);
    must((status == STATUS_DONE) == (cli.failure == NULL));
    json_decref(cli.failure);
    return status;
}

static void check_stores(const struct plan *plan)
{
    const json_t *changes = json_object_get(plan->root, "changes");
    must(json_array_size(changes) > 0);
    for (size_t i = 0; i < json_array_size(changes); i++) {
        const json_t *stores = json_object_get(json_array_get(changes, i), "stores");
        for (size_t s = 0; s < json_array_size(stores); s++)
            must(plan_store_position(plan, json_string_value(json_array_get(stores, s))) != SIZE_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_chars) *text = csi_strndup((const char *)data, size, &err);
    struct plan plan = { 0 };
    if (text != NULL && parse(&plan, text, size) == STATUS_DONE) {
        struct plan again = { 0 };
        check_stores(&plan);
        char *written = json_dumps(plan.root, JSON_COMPACT);
        must(written != NULL && parse(&again, written, strlen(written)) == STATUS_DONE && json_equal(plan.root, again.root));
        plan_free(&again);
        free(written);
    }
    plan_free(&plan);
    return 0;
}
