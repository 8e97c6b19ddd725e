/* SPDX-License-Identifier: Apache-2.0 */
/* test_corpus_index.c: the corpus is read as its README says, so that the tests over it count what they claim to count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/corpus.h"

static void every_file_of_the_index_is_there_and_readable(void **state)
{
    (void)state;
    struct corpus *corpus = corpus_open();
    if (corpus == NULL)
        skip();
    assert_true(corpus->count > 800);
    for (size_t i = 0; i < corpus->count; i++) {
        const struct corpus_row *row = &corpus->rows[i];
        if (strcmp(row->format, "HASHDIR") == 0 || strcmp(row->format, "NSSDB") == 0)
            continue;
        size_t size;
        uint8_t *data = corpus_load(corpus, row->file, &size);
        assert_non_null(data);
        free(data);
    }
    corpus_free(corpus);
}

static void passwords_keep_their_nul_bytes_and_null_is_not_empty(void **state)
{
    (void)state;
    struct corpus *corpus = corpus_open();
    if (corpus == NULL)
        skip();
    size_t null_passwords = 0;
    size_t several = 0;
    for (size_t i = 0; i < corpus->count; i++) {
        null_passwords += corpus->rows[i].null_password;
        several += corpus->rows[i].key_password_count == 3;
        assert_false(corpus->rows[i].null_password && corpus->rows[i].has_password);
    }
    assert_true(null_passwords > 0);
    assert_true(several > 0); /* BKS: one a key */
    corpus_free(corpus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_of_the_index_is_there_and_readable),
        cmocka_unit_test(passwords_keep_their_nul_bytes_and_null_is_not_empty),
    };
    return cmocka_run_group_tests_name("corpus index", tests, NULL, NULL);
}
