/* SPDX-License-Identifier: Apache-2.0 */
/* test_plan.c: a plan is taken whole or refused: nothing behind a NUL is passed over, nothing is cut short at one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "plan.h"

/* Complaints go to standard error; here they are the test's own. */
static int parse(struct plan *plan, const char *text, size_t size)
{
    struct cli cli = { .quiet = true };
    FILE *terminal = stderr;
    stderr = fopen("/dev/null", "w");
    assert_non_null(stderr);
    const int status = plan_parse(&cli, plan, "plan.json", text, size);
    fclose(stderr);
    stderr = terminal;
    json_decref(cli.failure);
    return status;
}

static int parse_text(const char *text)
{
    struct plan plan = { 0 };
    const int status = parse(&plan, text, strlen(text));
    plan_free(&plan);
    return status;
}

#define STORES "\"version\": 1, \"stores\": [{\"name\": \"a\", \"uri\": \"pem:/a\"}, {\"uri\": \"jks:/b\"}]"

static void a_store_is_found_by_its_name_or_its_uri(void **state)
{
    (void)state;
    static const char text[] = "{" STORES ", \"changes\": [{\"op\": \"remove\", \"alias\": \"x\", \"stores\": [\"jks:/b\"]}]}";
    struct plan plan = { 0 };
    assert_int_equal(parse(&plan, text, sizeof text - 1), STATUS_DONE);
    assert_int_equal(plan_store_position(&plan, "a"), 0);
    assert_int_equal(plan_store_position(&plan, "jks:/b"), 1);
    assert_true(plan_store_position(&plan, "pem:/a") == SIZE_MAX);
    plan_free(&plan);
}

static void two_stores_of_one_name_are_refused(void **state)
{
    (void)state;
    assert_int_equal(parse_text("{\"version\": 1, \"stores\": [{\"name\": \"jks:/b\", \"uri\": \"pem:/a\"}, {\"uri\": \"jks:/b\"}], \"changes\": "
                                "[{\"op\": \"remove\", \"alias\": \"x\"}]}"),
                     STATUS_USAGE);
}

static void a_nul_in_a_text_is_refused_and_cuts_nothing_short(void **state)
{
    (void)state;
    assert_int_equal(parse_text("{" STORES ", \"changes\": [{\"op\": \"remove\", \"alias\": \"x\\u0000y\"}]}"), STATUS_USAGE);
    assert_int_equal(parse_text("{" STORES ", \"changes\": [{\"op\": \"remove\", \"alias\": \"x\", \"stores\": [\"a\\u0000b\"]}]}"), STATUS_USAGE);
    assert_int_equal(parse_text("{" STORES ", \"changes\": [{\"op\": \"remove\", \"alias\": \"x\"}]}"), STATUS_DONE);
}

static void what_stands_behind_a_nul_is_not_passed_over(void **state)
{
    (void)state;
    static const char text[] = "{" STORES ", \"changes\": [{\"op\": \"remove\", \"alias\": \"x\"}]}\0{}";
    struct plan plan = { 0 };
    assert_int_equal(parse(&plan, text, sizeof text - 1), STATUS_USAGE);
    plan_free(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_is_found_by_its_name_or_its_uri),
        cmocka_unit_test(two_stores_of_one_name_are_refused),
        cmocka_unit_test(a_nul_in_a_text_is_refused_and_cuts_nothing_short),
        cmocka_unit_test(what_stands_behind_a_nul_is_not_passed_over),
    };
    return cmocka_run_group_tests_name("plans", tests, NULL, NULL);
}
