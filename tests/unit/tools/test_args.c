/* SPDX-License-Identifier: Apache-2.0 */
/* test_args.c: options mean what they say wherever they stand, and nothing is guessed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "args.h"
#include "heap.h"

static const struct option own[] = {
    { "cert", 0, "FILE", false, "" },
    { "alias", 0, "ALIAS", true, "" },
    { "out", 'o', "FILE", false, "" },
    { "dry-run", 'n', NULL, false, "" },
    { 0 },
};
static const struct option global[] = { { "json", 'j', NULL, false, "" }, { 0 } };
static const struct option *const lists[] = { own, global, NULL };

static int parse(struct args *args, char **complaint, int argc, char **argv)
{
    *args = (struct args){ 0 };
    *complaint = NULL;
    return args_parse(args, argc, argv, lists, false, complaint);
}

static void options_may_stand_anywhere(void **state)
{
    (void)state;
    char *words[] = { "a", "--json", "b", "--cert=x=y", "c", "--alias", "one", "--alias", "two" };
    struct args args;
    char *complaint;
    assert_int_equal(parse(&args, &complaint, 9, words), 9);
    assert_int_equal(args.count, 3);
    assert_string_equal(args.positional[2], "c");
    assert_true(args_flag(&args, "json"));
    assert_false(args_flag(&args, "dry-run"));
    assert_string_equal(args_value(&args, "cert"), "x=y");
    assert_string_equal(args_value_at(&args, "alias", 1), "two");
    assert_null(args_value_at(&args, "alias", 2));
    args_free(&args);
}

static void behind_a_double_dash_everything_is_positional(void **state)
{
    (void)state;
    char *words[] = { "--", "--json", "-", "--" };
    struct args args;
    char *complaint;
    assert_int_equal(parse(&args, &complaint, 4, words), 4);
    assert_int_equal(args.count, 3);
    assert_string_equal(args.positional[2], "--");
    assert_false(args_flag(&args, "json"));
    args_free(&args);
}

static void letters_may_be_joined(void **state)
{
    (void)state;
    char *words[] = { "-jnoFILE", "-" };
    struct args args;
    char *complaint;
    assert_int_equal(parse(&args, &complaint, 2, words), 2);
    assert_true(args_flag(&args, "json") && args_flag(&args, "dry-run"));
    assert_string_equal(args_value(&args, "out"), "FILE");
    assert_int_equal(args.count, 1);
    args_free(&args);
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *words[3];
        int count;
        const char *complaint;
    } cases[] = {
        { { "--crt", "x" }, 2, "--crt: no such option; did you mean --cert?" },
        { { "--cer", "x" }, 2, "--cer: no such option; did you mean --cert?" },
        { { "--unheard-of=x" }, 1, "--unheard-of: no such option; see --help" },
        { { "--cert" }, 1, "--cert: needs a value; write --cert FILE" },
        { { "-o" }, 1, "-o: needs a value; write -o FILE" },
        { { "-x" }, 1, "-x: no such option; see --help" },
        { { "--json=1" }, 1, "--json: takes no value; leave the \"=\" out" },
        { { "--cert=a", "--cert=b" }, 2, "--cert: given twice; give it once" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct args args;
        char *complaint;
        assert_int_equal(parse(&args, &complaint, cases[i].count, (char **)(uintptr_t)cases[i].words), -1);
        assert_string_equal(complaint, cases[i].complaint);
        free(complaint);
        args_free(&args);
    }
}

static void the_first_positional_argument_ends_a_first_pass(void **state)
{
    (void)state;
    char *words[] = { "--json", "verb", "--unknown" };
    struct args args = { 0 };
    char *complaint = NULL;
    assert_int_equal(args_parse(&args, 3, words, lists, true, &complaint), 2);
    assert_string_equal(args.positional[0], "verb");
    args_free(&args);
}

static const char *name_at(const void *context, size_t index)
{
    const char *const *names = context;
    return names[index];
}

static void the_nearest_name_is_close_or_none(void **state)
{
    (void)state;
    const char *names[] = { "list", "show", "rollback", "a", NULL };
    assert_string_equal(nearest_name("lst", name_at, names), "list");
    assert_string_equal(nearest_name("rolback", name_at, names), "rollback");
    assert_null(nearest_name("probe", name_at, names));
    assert_null(nearest_name("b", name_at, names)); /* all of it would have to change */
    char endless[200];
    memset(endless, 'x', sizeof endless);
    endless[sizeof endless - 1] = '\0';
    assert_null(nearest_name(endless, name_at, names));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_may_stand_anywhere),
        cmocka_unit_test(behind_a_double_dash_everything_is_positional),
        cmocka_unit_test(letters_may_be_joined),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(the_first_positional_argument_ends_a_first_pass),
        cmocka_unit_test(the_nearest_name_is_close_or_none),
    };
    return cmocka_run_group_tests_name("args", tests, NULL, NULL);
}
