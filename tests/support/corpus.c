/* SPDX-License-Identifier: Apache-2.0 */
/* corpus.c: reads index.tsv and expected.jsonl of the shared corpus. Test code: whatever is malformed there aborts with a message. */
#include "support/corpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void die(const char *what, const char *detail)
{
    printf("not ok - corpus: %s: %s\n", what, detail);
    exit(1);
}

static void *must(void *pointer)
{
    if (pointer == NULL)
        die("corpus", "no memory");
    return pointer;
}

static uint8_t *slurp(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    size_t capacity = 1 << 16;
    uint8_t *data = must(malloc(capacity));
    size_t got;
    *size = 0;
    while ((got = fread(data + *size, 1, capacity - *size - 1, file)) > 0) {
        *size += got;
        if (*size + 1 == capacity)
            data = must(realloc(data, capacity *= 2));
    }
    data[*size] = 0;
    const int bad = ferror(file);
    fclose(file);
    if (bad) {
        free(data);
        return NULL;
    }
    return data;
}

/* The column holds JSON strings, for BKS several with blanks between; returns how many. */
static size_t parse_passwords(const char *column, struct corpus_password *out, size_t room)
{
    size_t count = 0;
    size_t left = strlen(column);
    while (left > 0 && count < room) {
        json_error_t error;
        json_t *value = json_loadb(column, left, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DISABLE_EOF_CHECK, &error);
        if (!json_is_string(value))
            die("a password is no JSON string", column);
        const size_t size = json_string_length(value);
        out[count].data = must(calloc(1, size + 1));
        memcpy(out[count].data, json_string_value(value), size);
        out[count++].size = size;
        json_decref(value);
        column += error.position;
        left -= (size_t)error.position;
        while (left > 0 && *column == ' ') {
            column++;
            left--;
        }
    }
    return count;
}

static void parse_row(struct corpus_row *row, char *line)
{
    enum { FILE_NAME, FORMAT, CLS, PASSWORD, KEY_PASSWORD, EXPECT, EXPECTED, ORACLE, SOURCE, LICENCE, SIZE, SHA256, NOTE, COLUMNS };
    char *columns[COLUMNS];
    for (size_t i = 0; i < COLUMNS; i++) {
        columns[i] = line;
        char *tab = strchr(line, '\t');
        if (tab == NULL && i + 1 < COLUMNS)
            die("index.tsv has a line with too few columns", columns[0]);
        if (tab != NULL) {
            *tab = 0;
            line = tab + 1;
        }
    }
    row->file = must(strdup(columns[FILE_NAME]));
    row->format = must(strdup(columns[FORMAT]));
    row->cls = must(strdup(columns[CLS]));
    row->expect = must(strdup(columns[EXPECT]));
    row->expected = must(strdup(columns[EXPECTED]));
    row->note = must(strdup(columns[NOTE]));
    row->null_password = strcmp(columns[PASSWORD], "@null") == 0;
    row->has_password = columns[PASSWORD][0] == '"';
    if (row->has_password)
        parse_passwords(columns[PASSWORD], &row->password, 1);
    row->key_password_count = parse_passwords(columns[KEY_PASSWORD], row->key_passwords, 4);
}

static void read_index(struct corpus *corpus, const char *path)
{
    size_t size;
    char *text = (char *)slurp(path, &size);
    if (text == NULL)
        die("cannot read", path);
    size_t lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    corpus->rows = must(calloc(lines + 1, sizeof *corpus->rows));
    char *next = text;
    bool header = true;
    for (char *line; (line = strsep(&next, "\n")) != NULL;) {
        if (*line != 0 && !header)
            parse_row(&corpus->rows[corpus->count++], line);
        header = false;
    }
    free(text);
}

static void read_records(struct corpus *corpus, const char *path)
{
    size_t size;
    char *text = (char *)slurp(path, &size);
    if (text == NULL)
        die("cannot read", path);
    corpus->records = must(json_object());
    char *next = text;
    for (char *line; (line = strsep(&next, "\n")) != NULL;) {
        if (*line == 0)
            continue;
        json_error_t error;
        json_t *record = json_loads(line, JSON_ALLOW_NUL, &error);
        if (record == NULL)
            die("expected.jsonl holds a line that is no JSON", error.text);
        json_object_set_new(corpus->records, json_string_value(json_object_get(record, "file")), record);
    }
    free(text);
    for (size_t i = 0; i < corpus->count; i++)
        corpus->rows[i].record = json_object_get(corpus->records, corpus->rows[i].file);
}

static char *join(const char *root, const char *relative)
{
    const size_t size = strlen(root) + strlen(relative) + 2;
    char *path = must(malloc(size));
    snprintf(path, size, "%s/%s", root, relative);
    return path;
}

struct corpus *corpus_open(void)
{
    const char *root = getenv("CERTSTORE_CORPUS");
    if (root == NULL || *root == 0)
        root = "../shared/corpus";
    char *index = join(root, "index.tsv");
    struct stat st;
    struct corpus *corpus = NULL;
    if (stat(index, &st) == 0) {
        corpus = must(calloc(1, sizeof *corpus));
        corpus->root = must(strdup(root));
        read_index(corpus, index);
        char *records = join(root, "expected.jsonl");
        read_records(corpus, records);
        free(records);
    }
    free(index);
    return corpus;
}

void corpus_free(struct corpus *corpus)
{
    if (corpus == NULL)
        return;
    for (size_t i = 0; i < corpus->count; i++) {
        struct corpus_row *row = &corpus->rows[i];
        free(row->file);
        free(row->format);
        free(row->cls);
        free(row->expect);
        free(row->expected);
        free(row->note);
        free(row->password.data);
        for (size_t j = 0; j < row->key_password_count; j++)
            free(row->key_passwords[j].data);
    }
    free(corpus->rows);
    json_decref(corpus->records);
    free(corpus->root);
    free(corpus);
}

const struct corpus_row *corpus_next(const struct corpus *corpus, const char *format, size_t *at)
{
    for (; *at < corpus->count; (*at)++)
        if (strcmp(corpus->rows[*at].format, format) == 0)
            return &corpus->rows[(*at)++];
    return NULL;
}

uint8_t *corpus_load(const struct corpus *corpus, const char *relative, size_t *size)
{
    char *path = join(corpus->root, relative);
    uint8_t *data = slurp(path, size);
    free(path);
    return data;
}

void corpus_count(struct corpus_score *score, const struct corpus_row *row, bool good, const char *why)
{
    size_t i = 0;
    while (i < score->count && (strcmp(score->rows[i].format, row->format) != 0 || strcmp(score->rows[i].expect, row->expect) != 0))
        i++;
    if (i == sizeof score->rows / sizeof *score->rows)
        die("the score has no row left for", row->format);
    struct corpus_tally *tally = &score->rows[i];
    if (i == score->count) {
        snprintf(tally->format, sizeof tally->format, "%s", row->format);
        snprintf(tally->expect, sizeof tally->expect, "%s", row->expect);
        score->count++;
    }
    tally->total++;
    tally->good += good;
    if (!good)
        printf("# miss: %s (%s): %s\n", row->file, row->expect, why);
}

void corpus_print(const struct corpus_score *score)
{
    printf("# table %-12s %-22s %8s %8s\n", "format", "expectation", "as said", "of");
    for (size_t i = 0; i < score->count; i++)
        printf("# table %-12s %-22s %8u %8u\n", score->rows[i].format, score->rows[i].expect, score->rows[i].good, score->rows[i].total);
}

unsigned corpus_misses(const struct corpus_score *score)
{
    unsigned misses = 0;
    for (size_t i = 0; i < score->count; i++)
        misses += score->rows[i].total - score->rows[i].good;
    return misses;
}
