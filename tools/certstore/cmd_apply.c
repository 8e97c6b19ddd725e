/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_apply.c: `certstore apply`: a plan's changes, all in one transaction. */
#include <stdint.h>

#include "change.h"
#include "edit.h"
#include "json.h"
#include "plan.h"
#include "trust.h"
#include "verbs.h"

struct application {
    struct plan plan;
    struct targets targets; /* in the order of the plan's stores */
};

static void application_free(struct application *application)
{
    plan_free(&application->plan);
    targets_free(&application->targets);
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* Whether the change is made to that store of the plan: all of them where it names none. */
static bool changes_store(const struct plan *plan, const json_t *change, size_t store)
{
    const json_t *names = json_object_get(change, "stores");
    if (text_of(change, "to") != NULL)
        return plan_store_position(plan, text_of(change, "to")) == store;
    for (size_t i = 0; i < json_array_size(names); i++)
        if (plan_store_position(plan, json_string_value(json_array_get(names, i))) == store)
            return true;
    return names == NULL;
}

/* What a change may lose is settled with that change, by what the command says of it; the store itself must take what comes of them all. */
static bool may_lose(const struct plan *plan, size_t store)
{
    const json_t *changes = json_object_get(plan->root, "changes");
    for (size_t i = 0; i < json_array_size(changes); i++) {
        const json_t *change = json_array_get(changes, i);
        if (json_is_true(json_object_get(change, "allow_loss")) && changes_store(plan, change, store))
            return true;
    }
    return false;
}

static int open_stores(struct cli *cli, struct application *application)
{
    const json_t *stores = json_object_get(application->plan.root, "stores");
    int status = STATUS_DONE;
    for (size_t i = 0; i < json_array_size(stores) && status == STATUS_DONE; i++) {
        const json_t *store = json_array_get(stores, i);
        struct store_name name = store_name_parse(text_of(store, "uri"));
        if (name.pass == NULL && text_of(store, "pass") != NULL)
            name.pass = heap_copy(text_of(store, "pass"));
        if (name.keypass == NULL && text_of(store, "keypass") != NULL)
            name.keypass = heap_copy(text_of(store, "keypass"));
        unsigned lossy = may_lose(&application->plan, i) ? TARGET_LOSSY : 0;
        status = targets_add(cli, &application->targets, name, TARGET_READ | TARGET_UNLOCK | lossy);
    }
    return status;
}

static struct target *target_named(struct application *application, const char *name)
{
    return &application->targets.items[plan_store_position(&application->plan, name)];
}

typedef int edit_function(struct cli *cli, struct target *target, const json_t *change, struct material *material);

static int edit_one_put(struct cli *cli, struct target *target, const json_t *change, struct material *material)
{
    OWNED(owned_chars) *alias = json_text_value(json_object_get(change, "alias"));
    return edit_put(cli, target, alias, material);
}

static int edit_one_remove(struct cli *cli, struct target *target, const json_t *change, struct material *material)
{
    (void)material;
    OWNED(owned_chars) *alias = json_text_value(json_object_get(change, "alias"));
    return edit_remove(cli, target, alias);
}

static int edit_one_rename(struct cli *cli, struct target *target, const json_t *change, struct material *material)
{
    (void)material;
    OWNED(owned_chars) *alias = json_text_value(json_object_get(change, "alias"));
    OWNED(owned_chars) *new_alias = json_text_value(json_object_get(change, "new_alias"));
    return edit_rename(cli, target, alias, new_alias);
}

/* The stores that the change names, or all of them. */
static int edit_each(struct cli *cli, struct application *application, const json_t *change, edit_function *edit, struct material *material)
{
    const json_t *names = json_object_get(change, "stores");
    size_t count = names != NULL ? json_array_size(names) : application->targets.count;
    int status = STATUS_DONE;
    for (size_t i = 0; i < count && status == STATUS_DONE; i++) {
        struct target *target =
            names != NULL ? target_named(application, json_string_value(json_array_get(names, i))) : &application->targets.items[i];
        status = edit(cli, target, change, material);
    }
    return status;
}

static int apply_put(struct cli *cli, struct application *application, const json_t *change)
{
    SCOPED(material) material = { 0 };
    int status = material_read(cli, &material, text_of(change, "cert"), text_of(change, "chain"), text_of(change, "key"));
    const json_t *purposes = json_object_get(change, "trust");
    material.allow_loss = json_is_true(json_object_get(change, "allow_loss"));
    for (size_t i = 0; i < json_array_size(purposes) && status == STATUS_DONE; i++)
        status = trust_add(cli, &material, json_string_value(json_array_get(purposes, i)));
    return status == STATUS_DONE ? edit_each(cli, application, change, edit_one_put, &material) : status;
}

static int apply_copy(struct cli *cli, struct application *application, const json_t *change)
{
    const struct target *from = target_named(application, text_of(change, "from"));
    struct target *to = target_named(application, text_of(change, "to"));
    if (from == to)
        return report_usage(cli, "%s: a copy of a store into itself; name two stores", target_uri(from));
    const json_t *names = json_object_get(change, "aliases");
    size_t count = json_array_size(names);
    const char **aliases = heap_new(count, sizeof *aliases);
    for (size_t i = 0; i < count; i++)
        aliases[i] = json_string_value(json_array_get(names, i));
    int status = edit_check_losses(cli, from, to, aliases, count, json_is_true(json_object_get(change, "allow_loss")));
    if (status == STATUS_DONE)
        status = edit_copy(cli, from, to, aliases, count);
    free(aliases);
    return status;
}

static int apply_change(struct cli *cli, struct application *application, const json_t *change)
{
    const char *op = text_of(change, "op");
    if (strcmp(op, "put") == 0)
        return apply_put(cli, application, change);
    if (strcmp(op, "copy") == 0)
        return apply_copy(cli, application, change);
    return edit_each(cli, application, change, strcmp(op, "remove") == 0 ? edit_one_remove : edit_one_rename, NULL);
}

static int run_apply(struct cli *cli, const struct args *args)
{
    SCOPED(application) application = { 0 };
    bool dry_run = args_flag(args, "dry-run");
    int status = plan_read(cli, &application.plan, args->positional[0]);
    if (status == STATUS_DONE)
        status = open_stores(cli, &application);
    if (status == STATUS_DONE && dry_run)
        status = change_remember(cli, &application.targets);
    if (status != STATUS_DONE)
        return status;
    const json_t *changes = json_object_get(application.plan.root, "changes");
    for (size_t i = 0; i < json_array_size(changes) && status == STATUS_DONE; i++)
        status = apply_change(cli, &application, json_array_get(changes, i));
    if (status != STATUS_DONE)
        return status;
    const char *note = text_of(application.plan.root, "note");
    return dry_run ? change_show(cli, &application.targets) : change_commit(cli, &application.targets, note != NULL ? note : "apply");
}

static const struct option options[] = {
    { "dry-run", 0, NULL, false, "show what would change in each store, and change nothing" },
    { 0 },
};
const struct verb verb_apply = {
    .name = "apply",
    .synopsis = "[--dry-run] PLAN",
    .summary = "carry out a plan file: many changes, many stores, one transaction",
    .about = "PLAN is a JSON file (\"-\": standard input) that lists stores and the changes to be\n"
             "made to them: put, remove, rename, copy, in that order. All of it is done, or none\n"
             "of it. Paths in it are relative to the current directory. A key that is not known\n"
             "is refused with its line. docs/guide/plans.md describes the format.\n",
    .examples = "certstore apply --dry-run rotate.json\n"
                "certstore apply rotate.json\n",
    .options = options,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run_apply,
};
