/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.c: reading and checking plans. Strict: a key that is not known is refused with its line, for a plan with a misspelt "key" must not pass as one
 * without. Nothing of the file is repeated in a message but names: a plan may hold pass:TEXT.
 */
#include "plan.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include "json_line.h"

enum { PLAN_MOST = 16 << 20, DEPTH = 4 };
enum type { TYPE_TEXT, TYPE_TEXTS, TYPE_BOOL, TYPE_VERSION, TYPE_OBJECTS };

struct field {
    const char *name; /* NULL ends a list */
    enum type type;
    bool required;
};

static const struct field plan_fields[] = {
    { "version", TYPE_VERSION, true }, { "note", TYPE_TEXT, false }, { "stores", TYPE_OBJECTS, true }, { "changes", TYPE_OBJECTS, true }, { 0 },
};
static const struct field store_fields[] = {
    { "name", TYPE_TEXT, false }, { "uri", TYPE_TEXT, true }, { "pass", TYPE_TEXT, false }, { "keypass", TYPE_TEXT, false }, { 0 },
};
static const struct field put_fields[] = {
    { "op", TYPE_TEXT, true },          { "alias", TYPE_TEXT, true },    { "cert", TYPE_TEXT, true },
    { "chain", TYPE_TEXT, false },      { "key", TYPE_TEXT, false },     { "trust", TYPE_TEXTS, false },
    { "allow_loss", TYPE_BOOL, false }, { "stores", TYPE_TEXTS, false }, { 0 },
};
static const struct field remove_fields[] = {
    { "op", TYPE_TEXT, true },
    { "alias", TYPE_TEXT, true },
    { "stores", TYPE_TEXTS, false },
    { 0 },
};
static const struct field rename_fields[] = {
    { "op", TYPE_TEXT, true }, { "alias", TYPE_TEXT, true }, { "new_alias", TYPE_TEXT, true }, { "stores", TYPE_TEXTS, false }, { 0 },
};
static const struct field copy_fields[] = {
    { "op", TYPE_TEXT, true },        { "from", TYPE_TEXT, true },        { "to", TYPE_TEXT, true },
    { "aliases", TYPE_TEXTS, false }, { "allow_loss", TYPE_BOOL, false }, { 0 },
};

static const struct operation {
    const char *name;
    const struct field *fields;
} operations[] = { { "put", put_fields }, { "remove", remove_fields }, { "rename", rename_fields }, { "copy", copy_fields } };

/* Where a check is in the document, so that a complaint can name the line. */
struct place {
    struct cli *cli;
    const char *path;
    const char *text;
    struct json_step steps[DEPTH];
    size_t depth;
};

static struct place below(const struct place *place, const char *key, size_t index)
{
    struct place inner = *place;
    inner.steps[inner.depth++] = (struct json_step){ key, index };
    return inner;
}

static int complain(const struct place *place, const char *format, ...) PRINTF(2, 3);
static int complain(const struct place *place, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    OWNED(owned_chars) *what = heap_vformat(format, args);
    va_end(args);
    return report_usage(place->cli, "%s:%zu: %s", place->path, json_line_of(place->text, place->steps, place->depth), what);
}

static const char *field_name_at(const void *fields, size_t index)
{
    return ((const struct field *)fields)[index].name;
}

static const struct field *find_field(const struct field *fields, const char *name)
{
    for (; fields->name != NULL; fields++)
        if (strcmp(fields->name, name) == 0)
            return fields;
    return NULL;
}

/* JSON can write U+0000 into a string; no path, alias or passphrase source goes on behind one. */
static bool is_text(const json_t *value)
{
    return json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value);
}

static bool all_texts(const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!is_text(json_array_get(list, i)))
            return false;
    return json_is_array(list);
}

static bool all_objects(const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!json_is_object(json_array_get(list, i)))
            return false;
    return json_is_array(list);
}

static const char *type_problem(enum type type, const json_t *value)
{
    switch (type) {
    case TYPE_TEXT:
        return is_text(value) && json_string_length(value) > 0 ? NULL : "must be a string that is not empty and has no NUL in it";
    case TYPE_TEXTS:
        return all_texts(value) ? NULL : "must be a list of strings without NUL";
    case TYPE_BOOL:
        return json_is_boolean(value) ? NULL : "must be true or false";
    case TYPE_VERSION:
        return json_is_integer(value) && json_integer_value(value) == 1 ? NULL : "must be 1, the version of plans that is understood here";
    case TYPE_OBJECTS:
        return all_objects(value) && json_array_size(value) > 0 ? NULL : "must be a list of objects that is not empty";
    }
    return "is not understood";
}

static int check_object(const struct place *place, json_t *object, const struct field *fields)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        struct place here = below(place, key, 0);
        const struct field *field = find_field(fields, key);
        const char *near = field == NULL ? nearest_name(key, field_name_at, fields) : NULL;
        if (field == NULL && near != NULL)
            return complain(&here, "\"%s\" is not known here; did you mean \"%s\"?", key, near);
        if (field == NULL)
            return complain(&here, "\"%s\" is not known here; docs/guide/plans.md lists what is", key);
        const char *problem = type_problem(field->type, value);
        if (problem != NULL)
            return complain(&here, "\"%s\" %s", key, problem);
    }
    for (const struct field *field = fields; field->name != NULL; field++)
        if (field->required && json_object_get(object, field->name) == NULL)
            return complain(place, "\"%s\" is missing here; add it", field->name);
    return STATUS_DONE;
}

static const char *store_name_of(const json_t *store)
{
    const json_t *name = json_object_get(store, "name");
    return json_string_value(name != NULL ? name : json_object_get(store, "uri"));
}

size_t plan_store_position(const struct plan *plan, const char *name)
{
    const json_t *position = json_object_get(plan->positions, name);
    return position != NULL ? (size_t)json_integer_value(position) : SIZE_MAX;
}

static int check_stores(const struct place *place, struct plan *plan)
{
    struct place list = below(place, "stores", 0);
    const json_t *stores = json_object_get(plan->root, "stores");
    plan->positions = json_object();
    for (size_t i = 0; i < json_array_size(stores); i++) {
        struct place here = below(&list, NULL, i);
        json_t *store = json_array_get(stores, i);
        int status = check_object(&here, store, store_fields);
        if (status != STATUS_DONE)
            return status;
        if (plan_store_position(plan, store_name_of(store)) != SIZE_MAX)
            return complain(&here, "two stores have one name; give each a \"name\" of its own");
        json_object_set_new(plan->positions, store_name_of(store), json_integer((json_int_t)i));
    }
    return STATUS_DONE;
}

static int check_reference(const struct place *place, const struct plan *plan, const json_t *name)
{
    if (name == NULL || plan_store_position(plan, json_string_value(name)) != SIZE_MAX)
        return STATUS_DONE;
    return complain(place, "no store of this plan has that name; list it under \"stores\"");
}

static int check_references(const struct place *place, const struct plan *plan, const json_t *change)
{
    static const char *const single[] = { "from", "to" };
    for (size_t i = 0; i < 2; i++) {
        struct place here = below(place, single[i], 0);
        int status = check_reference(&here, plan, json_object_get(change, single[i]));
        if (status != STATUS_DONE)
            return status;
    }
    struct place list = below(place, "stores", 0);
    const json_t *stores = json_object_get(change, "stores");
    for (size_t i = 0; i < json_array_size(stores); i++) {
        int status = check_reference(&list, plan, json_array_get(stores, i));
        if (status != STATUS_DONE)
            return status;
    }
    return STATUS_DONE;
}

static int check_changes(const struct place *place, const struct plan *plan)
{
    struct place list = below(place, "changes", 0);
    const json_t *changes = json_object_get(plan->root, "changes");
    for (size_t i = 0; i < json_array_size(changes); i++) {
        struct place here = below(&list, NULL, i);
        json_t *change = json_array_get(changes, i);
        const char *op = json_string_value(json_object_get(change, "op"));
        const struct field *fields = NULL;
        for (size_t o = 0; op != NULL && o < sizeof operations / sizeof *operations; o++)
            if (strcmp(operations[o].name, op) == 0)
                fields = operations[o].fields;
        if (fields == NULL)
            return complain(&here, "\"op\" must be put, remove, rename or copy");
        int status = check_object(&here, change, fields);
        if (status == STATUS_DONE)
            status = check_references(&here, plan, change);
        if (status != STATUS_DONE)
            return status;
    }
    return STATUS_DONE;
}

static int check_plan(struct cli *cli, struct plan *plan, const char *path, const char *text)
{
    struct place top = { .cli = cli, .path = path, .text = text };
    if (!json_is_object(plan->root))
        return complain(&top, "a plan is a JSON object");
    int status = check_object(&top, plan->root, plan_fields);
    if (status == STATUS_DONE)
        status = check_stores(&top, plan);
    return status == STATUS_DONE ? check_changes(&top, plan) : status;
}

/* The whole file as text; NULL after reporting. */
static char *read_text(struct cli *cli, const char *path, size_t *size, int *status)
{
    bool standard_input = strcmp(path, "-") == 0;
    FILE *file = standard_input ? stdin : fopen(path, "re");
    if (file == NULL) {
        *status = report_failure(cli, CERTSTORE_E_NOT_FOUND, path, "%s: the plan cannot be read: %s; check the path", path, strerror(errno));
        return NULL;
    }
    struct text text = { 0 };
    char block[4096];
    size_t got;
    while (text.size <= PLAN_MOST && (got = fread(block, 1, sizeof block, file)) > 0)
        text_add(&text, block, got);
    bool failed = ferror(file) != 0;
    if (!standard_input)
        fclose(file);
    *size = text.size;
    if (!failed && text.size <= PLAN_MOST)
        return text_take(&text);
    free(text_take(&text));
    *status = failed ? report_failure(cli, CERTSTORE_E_IO, path, "%s: the plan cannot be read; check the file", path)
                     : report_failure(cli, CERTSTORE_E_LIMIT, path, "%s: a plan has at most %d bytes; split it", path, PLAN_MOST);
    return NULL;
}

int plan_parse(struct cli *cli, struct plan *plan, const char *path, const char *text, size_t size)
{
    json_error_t error;
    plan->root = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (plan->root == NULL) /* jansson's own words quote the text, which may hold a passphrase */
        return report_usage(cli, "%s:%d: is not JSON from column %d on; mend it there", path, error.line, error.column);
    return check_plan(cli, plan, path, text);
}

int plan_read(struct cli *cli, struct plan *plan, const char *path)
{
    int status = STATUS_DONE;
    size_t size = 0;
    char *text = read_text(cli, path, &size, &status);
    if (text == NULL)
        return status;
    status = plan_parse(cli, plan, path, text, size);
    explicit_bzero(text, size);
    free(text);
    return status;
}

void plan_free(struct plan *plan)
{
    json_decref(plan->root);
    json_decref(plan->positions);
    plan->root = plan->positions = NULL;
}
