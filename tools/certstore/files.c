/* SPDX-License-Identifier: Apache-2.0 */
/* files.c: reading the inputs of `put`; see files.h. */
#include "files.h"

#include <errno.h>
#include <unistd.h>

static int input_read(struct cli *cli, struct input *input, const char *text, unsigned use)
{
    struct store_name name = store_name_parse(text);
    if (access(store_name_path(name.uri), F_OK) == 0 || errno != ENOENT)
        return target_open(cli, &input->target, name, use);
    input->target.name = name;
    return report_failure(cli, CERTSTORE_E_NOT_FOUND, name.uri, "%s: there is no such file; check the path", name.uri);
}

bool same_cert(const certstore_cert *a, const certstore_cert *b)
{
    return certstore_cert_size(a) == certstore_cert_size(b) && memcmp(certstore_cert_data(a), certstore_cert_data(b), certstore_cert_size(a)) == 0;
}

static void add_cert(struct material *material, const certstore_cert *cert)
{
    for (size_t i = 0; i < material->cert_count; i++)
        if (same_cert(material->certs[i], cert))
            return;
    material->certs = heap_grow(material->certs, material->cert_count, sizeof *material->certs);
    material->certs[material->cert_count++] = cert;
}

enum wanted { WANT_CERTS = 1, WANT_KEY = 2 };

static int take_entry(struct cli *cli, struct material *material, const certstore_entry *entry, unsigned wanted, const char *uri)
{
    if ((wanted & WANT_CERTS) != 0) {
        if (certstore_entry_kind(entry) == CERTSTORE_TRUSTED && material->cert_count == 0)
            material->trusted = entry;
        for (size_t i = 0; i < certstore_entry_cert_count(entry); i++)
            add_cert(material, certstore_entry_cert(entry, i));
    }
    if ((wanted & WANT_KEY) == 0 || certstore_entry_kind(entry) != CERTSTORE_KEY)
        return STATUS_DONE;
    if (material->key != NULL)
        return report_failure(cli, CERTSTORE_E_ARGUMENT, uri, "%s: holds several private keys; name one with %s#ALIAS", uri, uri);
    material->key = entry;
    return STATUS_DONE;
}

static int take_input(struct cli *cli, struct material *material, const char *text, unsigned wanted)
{
    struct input *input = &material->inputs[material->input_count++];
    unsigned unlock = wanted == WANT_KEY ? TARGET_UNLOCK : 0;
    int status = input_read(cli, input, text, TARGET_READ | TARGET_EXISTS | unlock);
    const certstore_bundle *bundle = input->target.bundle;
    const char *uri = input->target.name.uri;
    const char *alias = input->target.name.alias;
    if (status != STATUS_DONE)
        return status;
    const certstore_entry *only = alias != NULL ? certstore_bundle_find(bundle, alias) : NULL;
    if (alias != NULL && only == NULL)
        return report_failure(cli, CERTSTORE_E_NOT_FOUND, uri, "%s: holds no entry \"%s\"; list it to see what it holds", uri, alias);
    if (only != NULL)
        return take_entry(cli, material, only, wanted, uri);
    for (size_t i = 0; i < certstore_bundle_count(bundle) && status == STATUS_DONE; i++)
        status = take_entry(cli, material, certstore_bundle_at(bundle, i), wanted, uri);
    return status;
}

int material_read(struct cli *cli, struct material *material, const char *cert, const char *chain, const char *key)
{
    int status = take_input(cli, material, cert, key == NULL ? WANT_CERTS | WANT_KEY : WANT_CERTS);
    if (status == STATUS_DONE && material->cert_count == 0)
        status = report_failure(cli, CERTSTORE_E_NOT_FOUND, cert, "%s: holds no certificate; name the file with the certificate after --cert",
                                material->inputs[0].target.name.uri);
    if (status == STATUS_DONE && chain != NULL) {
        material->chain_given = true;
        status = take_input(cli, material, chain, WANT_CERTS);
    }
    if (status != STATUS_DONE || key == NULL)
        return status;
    status = take_input(cli, material, key, WANT_KEY);
    const char *uri = material->inputs[material->input_count - 1].target.name.uri;
    if (status == STATUS_DONE && material->key == NULL)
        status = report_failure(cli, CERTSTORE_E_NOT_FOUND, uri, "%s: holds no private key; name the file with the key after --key", uri);
    return status;
}

void material_free(struct material *material)
{
    for (size_t i = 0; i < material->input_count; i++)
        target_free(&material->inputs[i].target);
    for (size_t i = 0; i < material->purpose_count; i++)
        free(material->purposes[i]);
    free(material->purposes);
    free(material->certs);
    *material = (struct material){ 0 };
}
