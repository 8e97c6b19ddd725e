/* SPDX-License-Identifier: Apache-2.0 */
/* tokenworld.c: see tokenworld.h. */
#include "support/tokenworld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <dirent.h>
#include <unistd.h>

#include "model/pubkey.h"
#include "support/faulty_os.h"
#include "support/make.h"

static const char *const labels[WORLD_TOKENS] = { "web", "app" };

/* ----------------------------------------------------------------------------------------------------------------- objects */

static csi_blob *new_der(const struct world *w, int i, const char *subject, int number)
{
    bool is_nss = w->maker[i] == WORLD_NSS;
    X509 *x509 = make_cert(&(struct make_cert){
        .subject = is_nss ? "CN=www" : subject, .key = make_key("EC:P-256", number), .serial = is_nss && number != 9 ? "4711" : NULL });
    csi_blob *der = make_der(x509);
    X509_free(x509);
    return der;
}

/* A private key to be made, which tells its public half, so that it is known again when it is read. */
static csi_blob *new_key(const char *label, int number)
{
    CSI_AUTO_DRAFT draft = { 0 };
    certstore_error err = { 0 };
    EVP_PKEY *key = make_key("RSA:2048", number);
    char id[2] = { (char)(number + 1), '\0' };
    CSI_AUTO(csi_blob) *pkcs8 = make_pkcs8(key);
    CSI_AUTO(csi_blob) *spki = make_spki(key);
    csi_object_put_number(&draft, CKA_CLASS, CKO_PRIVATE_KEY);
    assert_true(csi_object_put_spki(&draft, csi_blob_span(spki), false));
    csi_object_put(&draft, CKA_LABEL, csi_span_text(label));
    csi_object_put(&draft, CKA_ID, csi_span_text(id));
    csi_object_put(&draft, CSI_OBJECT_PKCS8, csi_blob_span(pkcs8));
    csi_blob *object = csi_object_finish(&draft, &err);
    assert_non_null(object);
    return object;
}

/* The same key under another label: no value, since it is there. */
static csi_blob *renamed_key(csi_blob *key, const char *label)
{
    CSI_AUTO_DRAFT draft = { 0 };
    certstore_error err = { 0 };
    struct csi_attribute attribute;
    for (size_t at = 0; csi_object_next(csi_blob_span(key), &at, &attribute);)
        if (attribute.type != CSI_OBJECT_PKCS8)
            csi_object_put(&draft, attribute.type, attribute.value);
    csi_object_put(&draft, CKA_LABEL, csi_span_text(label));
    csi_blob *object = csi_object_finish(&draft, &err);
    assert_non_null(object);
    return object;
}

static void take(struct csi_objects *list, csi_blob *object)
{
    certstore_error err = { 0 };
    assert_int_equal(csi_objects_add(list, object, &err), CERTSTORE_OK);
}

static void take_certificate(const struct world *w, struct csi_objects *list, int i, const char *subject, int number)
{
    CSI_AUTO(csi_blob) *der = new_der(w, i, subject, number);
    CSI_AUTO(csi_blob) *cert = tokens_certificate(labels[i], "\1\2\3\4", der);
    take(list, cert);
    if (w->maker[i] != WORLD_NSS)
        return;
    CSI_AUTO(csi_blob) *trust = tokens_trust(cert);
    take(list, trust);
}

/* What the transaction makes of it. */
static void plan_token(struct world *w, int i)
{
    CSI_AUTO(csi_blob) *key = new_key(labels[i], i);
    CSI_AUTO(csi_blob) *other_der = new_der(w, i, "CN=bystander", 9);
    CSI_AUTO(csi_blob) *other = tokens_certificate("bystander", "\7", other_der);
    take(&w->old[i], key);
    take(&w->old[i], other);
    CSI_AUTO(csi_blob) *renamed = i == 0 ? renamed_key(key, "web-2") : csi_blob_ref(key);
    take(&w->new[i], renamed);
    take(&w->new[i], other);
    take_certificate(w, &w->old[i], i, "CN=old", i);
    take_certificate(w, &w->new[i], i, "CN=new", i + 2);
    if (i == 1) {
        CSI_AUTO(csi_blob) *second = new_key(labels[i], 7);
        take(&w->new[i], second);
        take(&w->second, second);
    }
}

static csi_p11 *open_token(const struct world *w, int i)
{
    certstore_error err = { 0 };
    csi_p11 *token = w->maker[i] == WORLD_NSS ? tokens_open_nss(w->databases[i], TOKEN_PIN, &err) : tokens_open_shimmed(labels[i], TOKEN_PIN, &err);
    if (token == NULL)
        fail_msg("%s: %s (%s)", labels[i], err.message, err.cause);
    return token;
}

static void fill_tokens(struct world *w)
{
    certstore_error err = { 0 };
    world_open(w);
    for (int i = 0; i < WORLD_TOKENS; i++) {
        for (size_t k = 0; k < w->old[i].count; k++) {
            if (csi_p11_create(w->tokens[i], csi_blob_span(w->old[i].items[k]), &err) != CERTSTORE_OK)
                fail_msg("%s: %s (%s)", labels[i], err.message, err.cause);
        }
    }
    world_close(w);
}

/* ------------------------------------------------------------------------------------------------------------------- world */

static char *below(const struct world *w, const char *name)
{
    char *path = NULL;
    assert_true(asprintf(&path, "%s/%s", w->root, name) > 0);
    return path;
}

bool world_can_be(enum world_maker first, enum world_maker second)
{
    bool softhsm = first == WORLD_SOFTHSM || second == WORLD_SOFTHSM;
    bool nss = first == WORLD_NSS || second == WORLD_NSS;
    return (!softhsm || tokens_softhsm_there()) && (!nss || tokens_nss_there());
}

/* A PIN that guards nothing needs no 10,000 rounds at every look, and a file system in memory need not be measured at every opening. */
static void make_nss_quick(void)
{
    assert_int_equal(setenv("NSS_MAX_MP_PBE_ITERATION_COUNT", "1", 1), 0);
    assert_int_equal(setenv("NSS_SDB_USE_CACHE", "no", 1), 0);
}

/* The tokens lie in root/now, and as they were at first in root/kept. */
void world_begin(struct world *w, enum world_maker first, enum world_maker second)
{
    char name[16];
    *w = (struct world){ .maker = { first, second }, .root = test_dir_new() };
    CSI_AUTO(csi_chars) *now = below(w, "now");
    CSI_AUTO(csi_chars) *kept = below(w, "kept");
    CSI_AUTO(csi_chars) *locks = below(w, "locks");
    w->state = below(w, "state");
    assert_int_equal(mkdir(now, 0700), 0);
    assert_int_equal(setenv("CERTSTORE_TOKEN_DIR", locks, 1), 0);
    make_nss_quick();
    tokens_shim_begin();
    tokens_softhsm_begin(now);
    for (int i = 0; i < WORLD_TOKENS; i++) {
        if (w->maker[i] == WORLD_NSS)
            w->databases[i] = tokens_nss_make(now, labels[i], TOKEN_PIN);
        else
            tokens_softhsm_add(labels[i]);
        plan_token(w, i);
    }
    fill_tokens(w);
    tokens_copy_tree(now, kept);
    for (int i = 0; i < WORLD_FILES; i++) {
        snprintf(name, sizeof name, "file%d", i);
        w->files[i] = below(w, name);
    }
    w->env = (struct csi_txn_env){
        .os = &csi_os_real, .state_dir = w->state, .kinds = csi_place_kinds, .actor = "test", .lock_timeout_ms = 2000, .generations = 3
    };
}

void world_reset(struct world *w)
{
    CSI_AUTO(csi_chars) *now = below(w, "now");
    CSI_AUTO(csi_chars) *kept = below(w, "kept");
    test_dir_remove(below(w, "now"));
    test_dir_remove(below(w, "state"));
    test_dir_remove(below(w, "locks"));
    tokens_copy_tree(kept, now);
    test_write(w->root, "file0", "old");
    test_write(w->root, "file1", "old");
    test_write(w->root, "file2", "old");
}

void world_end(struct world *w)
{
    for (int i = 0; i < WORLD_TOKENS; i++) {
        csi_objects_clear(&w->old[i]);
        csi_objects_clear(&w->new[i]);
        free(w->databases[i]);
    }
    csi_objects_clear(&w->second);
    for (int i = 0; i < WORLD_FILES; i++)
        free(w->files[i]);
    free(w->state);
    test_dir_remove(w->root);
}

/* ---------------------------------------------------------------------------------------------------------------- looking */

void world_open(struct world *w)
{
    for (int i = 0; i < WORLD_TOKENS; i++)
        w->tokens[i] = open_token(w, i);
}

void world_close(struct world *w)
{
    for (int i = 0; i < WORLD_TOKENS; i++) {
        csi_p11_free(w->tokens[i]);
        w->tokens[i] = NULL;
    }
}

bool world_token_holds(csi_p11 *token, const struct csi_objects *wanted, const struct csi_objects *besides)
{
    certstore_error err = { 0 };
    CSI_AUTO_OBJECTS found = { 0 };
    CSI_AUTO_SET now = { 0 };
    CSI_AUTO_SET set = { 0 };
    assert_int_equal(csi_p11_read(token, &csi_limits_default, &found, &err), CERTSTORE_OK);
    assert_int_equal(csi_object_set_of(&found, &now, &err), CERTSTORE_OK);
    for (size_t i = 0; i < wanted->count; i++)
        assert_int_equal(csi_object_set_add(&set, wanted->items[i], &err), CERTSTORE_OK);
    for (size_t i = 0; besides != NULL && i < besides->count; i++)
        assert_int_equal(csi_object_set_add(&set, besides->items[i], &err), CERTSTORE_OK);
    csi_object_set_sort(&set);
    return csi_object_set_equal(&now, &set);
}

static bool holds_all(const struct world *w, bool new)
{
    static const char *const names[WORLD_FILES] = { "file0", "file1", "file2" };
    for (int i = 0; i < WORLD_FILES; i++) {
        CSI_AUTO(csi_chars) *text = test_read(w->root, names[i]);
        if (text == NULL || strcmp(text, new ? "new" : "old") != 0)
            return false;
    }
    for (int i = 0; i < WORLD_TOKENS; i++)
        if (!world_token_holds(w->tokens[i], new ? &w->new[i] : &w->old[i], NULL))
            return false;
    return true;
}

enum world_content world_look(const struct world *w)
{
    return holds_all(w, true) ? WORLD_NEW : holds_all(w, false) ? WORLD_OLD : WORLD_MIXED;
}

void world_describe(const struct world *w)
{
    for (int i = 0; i < WORLD_TOKENS; i++) {
        certstore_error err = { 0 };
        CSI_AUTO_OBJECTS found = { 0 };
        csi_p11_read(w->tokens[i], &csi_limits_default, &found, &err);
        for (size_t k = 0; k < found.count; k++) {
            struct csi_span label = { (const uint8_t *)"", 0 };
            csi_object_get(csi_blob_span(found.items[k]), CKA_LABEL, &label);
            print_message("# token %s: class 0x%x %.*s\n", labels[i], (unsigned)csi_object_class(csi_blob_span(found.items[k])), (int)label.size,
                          (const char *)label.data);
        }
    }
}

static int count_names(char *dir, const char *part)
{
    int count = 0;
    DIR *names = opendir(dir);
    for (const struct dirent *entry = names != NULL ? readdir(names) : NULL; entry != NULL; entry = readdir(names))
        count += strstr(entry->d_name, part) != NULL;
    if (names != NULL)
        closedir(names);
    free(dir);
    return count;
}

int world_litter(const struct world *w)
{
    int count = count_names(below(w, ""), ".certstore") + count_names(below(w, "locks"), ".certstore");
    for (int i = 0; i < WORLD_TOKENS; i++)
        count += w->databases[i] != NULL ? count_names(strdup(w->databases[i]), ".certstore") : 0;
    return count + count_names(below(w, "state/txn"), ".plan-") + count_names(below(w, "state/txn"), ".open");
}

/* ------------------------------------------------------------------------------------------------------------- transaction */

certstore_status world_add_token(struct world *w, csi_txn *txn, int i, certstore_error *err)
{
    CSI_AUTO(csi_place) *place = csi_place_open_token(&w->env, w->tokens[i], &csi_limits_default, err);
    CSI_AUTO(csi_parts) *now = NULL;
    CSI_AUTO(csi_snapshot) *snapshot = NULL;
    CSI_AUTO(csi_parts) *wanted = csi_parts_new(err);
    if (place == NULL || wanted == NULL || csi_place_read(place, &csi_limits_default, &now, &snapshot, err) != CERTSTORE_OK)
        return err->status;
    for (size_t k = 0; k < w->new[i].count; k++)
        CSI_TRY(csi_parts_add(wanted, "", w->new[i].items[k], err));
    return csi_place_replace(txn, place, snapshot, wanted, true, CSI_KEYS_REFUSE, err);
}

static certstore_status add_file(struct world *w, csi_txn *txn, int i, certstore_error *err)
{
    const char *const paths[] = { w->files[i] };
    CSI_AUTO(csi_place) *place = csi_place_open(&w->env, paths, 1, false, err);
    CSI_AUTO(csi_parts) *now = NULL;
    CSI_AUTO(csi_snapshot) *snapshot = NULL;
    CSI_AUTO(csi_parts) *wanted = csi_parts_new(err);
    CSI_AUTO(csi_blob) *text = csi_blob_new("new", 3, err);
    if (place == NULL || wanted == NULL || text == NULL || csi_place_read(place, &csi_limits_default, &now, &snapshot, err) != CERTSTORE_OK)
        return err->status;
    CSI_TRY(csi_parts_add(wanted, "", text, err));
    return csi_place_replace(txn, place, snapshot, wanted, false, CSI_KEYS_REFUSE, err);
}

static certstore_status commit(struct world *w, certstore_error *err)
{
    CSI_AUTO(csi_txn) *txn = csi_txn_begin(&w->env, err);
    for (int i = 0; i < WORLD_TOKENS && err->status == CERTSTORE_OK; i++)
        world_add_token(w, txn, i, err);
    for (int i = 0; i < WORLD_FILES && err->status == CERTSTORE_OK; i++)
        add_file(w, txn, i, err);
    return err->status == CERTSTORE_OK ? csi_txn_commit(txn, err) : err->status;
}

certstore_status world_run(struct world *w, const struct p11shim *tamper, long *calls, certstore_error *err)
{
    world_open(w);
    tokens_shim = *tamper;
    certstore_status status = commit(w, err);
    *calls = tokens_shim.calls;
    tokens_shim = (struct p11shim){ 0 };
    world_close(w);
    return status;
}

void world_recover(struct world *w)
{
    certstore_error err = { 0 };
    struct csi_token_list list = { .items = w->tokens, .count = WORLD_TOKENS };
    struct csi_txn_env env = w->env;
    env.world = &list;
    certstore_report_free(csi_recover(&env, &err));
    for (int i = 0; i < WORLD_TOKENS; i++) {
        CSI_AUTO(csi_place) *place = csi_place_open_token(&env, w->tokens[i], &csi_limits_default, &err);
        certstore_report_free(place != NULL ? csi_place_recover(place, &err) : NULL);
    }
    for (int i = 0; i < WORLD_FILES; i++) {
        const char *const paths[] = { w->files[i] };
        CSI_AUTO(csi_place) *place = csi_place_open(&env, paths, 1, false, &err);
        certstore_report_free(place != NULL ? csi_place_recover(place, &err) : NULL);
    }
    assert_string_equal(err.message, "");
}
