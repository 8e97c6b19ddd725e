/* SPDX-License-Identifier: Apache-2.0 */
/* registry.c: the list of formats. */
#include "api/registry.h"

#include <strings.h>

static const struct csi_codec *const codecs[] = {
    &csi_codec_pem, &csi_codec_pemdir, &csi_codec_pkcs12, &csi_codec_jks,    &csi_codec_jceks,    &csi_codec_bks,  &csi_codec_pkcs11,
    &csi_codec_nss, &csi_codec_uber,   &csi_codec_bcfks,  &csi_codec_p11kit, &csi_codec_certdata, &csi_codec_edk2, &csi_codec_sqlite,
};
enum { CODEC_COUNT = sizeof codecs / sizeof *codecs };

const struct csi_codec *csi_registry_find(const char *name)
{
    for (size_t i = 0; i < CODEC_COUNT; i++)
        if (strcmp(codecs[i]->name, name) == 0)
            return codecs[i];
    return NULL;
}

const struct csi_codec *csi_registry_probe(struct csi_span content)
{
    const struct csi_codec *surest = NULL;
    int most = 0;
    for (size_t i = 0; i < CODEC_COUNT; i++) {
        int sure = codecs[i]->probe(content);
        if (sure <= most)
            continue;
        most = sure;
        surest = codecs[i];
    }
    return surest;
}

const struct csi_codec *csi_registry_suffix(const char *path)
{
    size_t length = strlen(path);
    for (size_t i = 0; i < CODEC_COUNT; i++) {
        for (const char *const *suffix = codecs[i]->suffixes; *suffix != NULL; suffix++) {
            size_t size = strlen(*suffix);
            if (length > size && strcasecmp(path + length - size, *suffix) == 0)
                return codecs[i];
        }
    }
    return NULL;
}

uint32_t certstore_capabilities(const char *format)
{
    const struct csi_codec *codec = format != NULL ? csi_registry_find(format) : NULL;
    return codec != NULL ? codec->capabilities : 0;
}

const char *certstore_format_at(size_t index)
{
    for (size_t i = 0; i < CODEC_COUNT; i++)
        if ((codecs[i]->capabilities & CERTSTORE_CAN_READ) != 0 && index-- == 0)
            return codecs[i]->name;
    return NULL;
}
