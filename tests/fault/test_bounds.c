/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_bounds.c: no input costs more than it weighs. What the library allocates is a few times the file's size, whatever lengths and counts stand in
 * it; it derives no more than its budget; and ten times the input is ten times the work.
 *
 * Counted are the bytes that are asked for (support/faulty_alloc.h; given back or not), and instructions where the kernel lets a program count its
 * own: never time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "codec/pbe.h"
#include "codec/pem.h"
#include "support/codec.h"
#include "support/corpus.h"
#include "support/faulty_alloc.h"
#include "support/jksfile.h"
#include "support/make.h"
#include "support/p12file.h"

/* An entry of a dozen bytes takes the struct that it becomes, which is why so much more is allowed where there is nothing but such entries; what is
 * fixed pays for tables, errors and buffers. */
enum { FIXED = 96 * 1024, TIMES_REAL = 8, TIMES_TINY = 48 };

struct cost {
    certstore_status status;
    size_t count; /* entries, where it was read */
    size_t bytes;
    size_t calls;
    uint64_t instructions; /* 0: cannot be counted here */
};

/* ------------------------------------------------------------------------------------------------------------ counting */

/* -1 where the kernel or the machine has no such counter for us. */
static int open_counter(void)
{
    struct perf_event_attr attr = {
        .type = PERF_TYPE_HARDWARE, .size = sizeof attr, .config = PERF_COUNT_HW_INSTRUCTIONS, .disabled = 1, .exclude_kernel = 1, .exclude_hv = 1
    };
    return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0UL);
}

static uint64_t stop_counter(int counter)
{
    uint64_t value = 0;
    if (counter < 0)
        return 0;
    ioctl(counter, PERF_EVENT_IOC_DISABLE, 0);
    if (read(counter, &value, sizeof value) != (ssize_t)sizeof value)
        value = 0;
    close(counter);
    return value;
}

static struct cost decode(const struct csi_codec *codec, csi_blob *file, const csi_passwords *passwords, const struct csi_limits *limits)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_parts) *parts = csi_parts_new(&err);
    assert_int_equal(csi_parts_add(parts, "", file, &err), CERTSTORE_OK);
    const struct csi_decode in = { .parts = parts, .passwords = passwords, .limits = limits };
    const int counter = open_counter();
    faulty_alloc_reset(0, false);
    if (counter >= 0)
        ioctl(counter, PERF_EVENT_IOC_ENABLE, 0);
    CSI_AUTO(certstore_bundle) *bundle = codec->decode(&in, &err);
    struct cost cost = { .instructions = stop_counter(counter) };
    cost.bytes = faulty_alloc_bytes();
    cost.calls = (size_t)faulty_alloc_calls();
    cost.status = err.status;
    cost.count = bundle != NULL ? bundle->count : 0;
    assert_int_equal(bundle == NULL, err.status != CERTSTORE_OK);
    return cost;
}

static void assert_bounded(const char *what, const struct cost *cost, size_t size, size_t times)
{
    if (cost->bytes > FIXED + times * size)
        fail_msg("%s: %zu bytes were asked for to read %zu", what, cost->bytes, size);
}

static csi_blob *take(struct csi_buf *file)
{
    certstore_error err = { 0 };
    csi_blob *blob = csi_blob_from_buf(file, &err);
    assert_non_null(blob);
    return blob;
}

/* Reads a bomb, and empties it. */
static struct cost read_bomb(const char *what, const struct csi_codec *codec, struct csi_buf *file, const char *password, certstore_status expected)
{
    CSI_AUTO(csi_blob) *blob = take(file);
    CSI_AUTO(csi_passwords) *passwords = codec_passwords(password, NULL);
    const struct cost cost = decode(codec, blob, passwords, &csi_limits_default);
    if (cost.status != expected)
        fail_msg("%s: %s", what, certstore_status_name(cost.status));
    assert_bounded(what, &cost, blob->size, TIMES_TINY);
    return cost;
}

/* -------------------------------------------------------------------------------------------------------------- corpus */

static const struct csi_codec *codec_of(struct csi_span content)
{
    static const struct csi_codec *const codecs[] = { &csi_codec_pkcs12, &csi_codec_jceks, &csi_codec_jks, &csi_codec_bks, &csi_codec_pem };
    const struct csi_codec *best = NULL;
    int sure = 0;
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++) {
        const int probed = codecs[i]->probe(content);
        best = probed > sure ? codecs[i] : best;
        sure = probed > sure ? probed : sure;
    }
    return best;
}

static void no_file_of_the_corpus_takes_more_than_a_few_times_its_size(void **state)
{
    (void)state;
    struct corpus *corpus = corpus_open();
    if (corpus == NULL) {
        print_message("no corpus; set CERTSTORE_CORPUS to its folder\n");
        skip();
    }
    size_t files = 0;
    double worst = 0;
    for (size_t i = 0; i < corpus->count; i++) {
        const struct corpus_row *row = &corpus->rows[i];
        size_t size = 0;
        certstore_error err = { 0 };
        uint8_t *data = corpus_load(corpus, row->file, &size);
        if (data == NULL)
            continue;
        CSI_AUTO(csi_blob) *blob = csi_blob_adopt(data, size, &err);
        CSI_AUTO(csi_passwords) *passwords = codec_passwords(NULL, NULL);
        if (row->has_password)
            passwords->store = csi_secret_new(row->password.data, row->password.size, &err);
        const struct csi_codec *codec = codec_of(csi_blob_span(blob));
        if (codec == NULL)
            continue;
        const struct cost cost = decode(codec, blob, passwords, &csi_limits_default);
        assert_bounded(row->file, &cost, size, TIMES_REAL);
        const double ratio = size >= 65536 ? (double)cost.bytes / (double)size : 0;
        worst = ratio > worst ? ratio : worst;
        files++;
    }
    print_message("%zu files; of those from 64 KiB on the most for its size: %.2f times\n", files, worst);
    assert_true(files > 100);
    corpus_free(corpus);
}

/* ---------------------------------------------------------------------------------------------------------------- Java */

static void lie_about_entries(struct csi_buf *file, uint32_t lie)
{
    jksfile_begin(file, JKSFILE_JKS, 2, lie);
    jksfile_trusted(file, 2, "a", 0, 1);
}

static void lie_about_a_key(struct csi_buf *file, uint32_t lie)
{
    jksfile_begin(file, JKSFILE_JKS, 2, 1);
    jksfile_head(file, 1, "a", 0);
    csi_buf_put_u32(file, lie);
    csi_buf_put_text(file, "key");
}

static void lie_about_a_chain(struct csi_buf *file, uint32_t lie)
{
    jksfile_begin(file, JKSFILE_JKS, 2, 1);
    jksfile_head(file, 1, "a", 0);
    csi_buf_put_u32(file, 0);
    csi_buf_put_u32(file, lie);
}

static void lie_about_a_certificate(struct csi_buf *file, uint32_t lie)
{
    jksfile_begin(file, JKSFILE_JKS, 1, 1);
    jksfile_head(file, 2, "a", 0);
    csi_buf_put_u32(file, lie);
    csi_buf_put_text(file, "0\001");
}

static void lengths_and_counts_of_java_stores_allocate_nothing(void **state)
{
    (void)state;
    static void (*const makers[])(struct csi_buf * file, uint32_t lie) = { lie_about_entries, lie_about_a_key, lie_about_a_chain,
                                                                           lie_about_a_certificate };
    static const uint32_t lies[] = { 0x7fffffff, 0x80000000, 0xffffffff, 200001 };
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
        for (size_t j = 0; j < sizeof lies / sizeof *lies; j++) {
            CSI_AUTO_BUF file = { 0 };
            makers[i](&file, lies[j]);
            read_bomb("a length", &csi_codec_jks, &file, "changeit", lies[j] > INT32_MAX ? CERTSTORE_E_MALFORMED : CERTSTORE_E_TRUNCATED);
        }
    }
}

static void put_numbered(struct csi_buf *file, size_t number, const char *prefix)
{
    char alias[64];
    snprintf(alias, sizeof alias, "%s%zu", prefix, number);
    jksfile_trusted(file, 1, alias, 0, 1);
}

static void entries_beyond_the_limit_are_not_begun(void **state)
{
    (void)state;
    CSI_AUTO_BUF file = { 0 };
    jksfile_begin(&file, JKSFILE_JKS, 1, 200001);
    for (size_t i = 0; i < 200001; i++)
        put_numbered(&file, i, "");
    jksfile_end(&file, "changeit");
    const struct cost cost = read_bomb("200,001 entries", &csi_codec_jks, &file, "changeit", CERTSTORE_E_LIMIT);
    assert_in_range(cost.bytes, 0, FIXED);
}

static void long_aliases_of_one_fold_are_told_apart_within_bounds(void **state)
{
    (void)state;
    enum { ALIAS = 65535, COPIES = 30 };
    char *alias = malloc(ALIAS + 1);
    assert_non_null(alias);
    memset(alias, 'A', ALIAS);
    alias[ALIAS] = 0;
    CSI_AUTO_BUF file = { 0 };
    jksfile_begin(&file, JKSFILE_JKS, 1, COPIES);
    for (int i = 0; i < COPIES; i++) {
        alias[i] = 'a';
        jksfile_trusted(&file, 1, alias, 0, 1);
    }
    jksfile_end(&file, "changeit");
    free(alias);
    const struct cost cost = read_bomb("long aliases", &csi_codec_jks, &file, "changeit", CERTSTORE_OK);
    assert_int_equal(cost.count, COPIES);
}

/* A stream's object of a known class, up to the class's flags. */
static void put_class(struct csi_buf *file)
{
    static const char name[] = "javax.crypto.SealedObject";
    csi_buf_put_u8(file, 0x72);
    csi_buf_put_u16(file, sizeof name - 1);
    csi_buf_put_text(file, name);
    csi_buf_put_u64(file, 0);
    csi_buf_put_u8(file, 0x02);
}

/* An object whose class has class after class above it, and one with more fields, each a string with a handle, than any class has. */
static void serialized_objects_have_a_fixed_number_of_parts(void **state)
{
    (void)state;
    static const uint8_t head[] = { 0xac, 0xed, 0, 5, 0x73 };
    for (int fields = 0; fields < 2; fields++) {
        CSI_AUTO_BUF file = { 0 };
        jksfile_begin(&file, JKSFILE_JCEKS, 2, 1);
        jksfile_head(&file, 3, "a", 0);
        csi_buf_put(&file, head, sizeof head);
        for (int i = 0; i < (fields != 0 ? 1 : 10000); i++) {
            put_class(&file);
            csi_buf_put(&file, fields != 0 ? "\xff\xff" : "\0\0\x78", fields != 0 ? 2 : 3);
        }
        for (int i = 0; i < 65535 && fields != 0; i++)
            csi_buf_put(&file, "L\0\1f\x74\0\2[B", 9);
        const struct cost cost = read_bomb("a serialized object", &csi_codec_jceks, &file, "changeit", CERTSTORE_E_MALFORMED);
        assert_in_range(cost.bytes, 0, FIXED);
    }
}

/* ------------------------------------------------------------------------------------------------------------- PKCS#12 */

static void nested_safes_are_refused_beyond_the_limit(void **state)
{
    (void)state;
    CSI_AUTO_BUF contents = { 0 };
    CSI_AUTO_BUF safes = { 0 };
    CSI_AUTO_BUF file = { 0 };
    csi_der_put(&contents, CSI_DER_SEQUENCE, csi_span(NULL, 0));
    for (int i = 0; i < 10000; i++)
        p12file_nest(&contents);
    p12file_put_data(&safes, csi_buf_span(&contents));
    p12file_finish(&file, &safes);
    const struct cost cost = read_bomb("nested safes", &csi_codec_pkcs12, &file, NULL, CERTSTORE_E_LIMIT);
    assert_int_equal(cost.count, 0);
}

static void indefinite_lengths_are_refused_beyond_the_limit(void **state)
{
    (void)state;
    for (int octets = 0; octets < 2; octets++) {
        CSI_AUTO_BUF file = { 0 };
        csi_buf_put(&file, "\x30\x80", 2);
        for (int i = 0; i < 10000; i++)
            csi_buf_put(&file, octets != 0 ? "\x24\x80" : "\x30\x80", 2);
        read_bomb("indefinite lengths", &csi_codec_pkcs12, &file, NULL, CERTSTORE_E_LIMIT);
    }
}

static csi_blob *costly_safes(size_t count, unsigned iterations)
{
    CSI_AUTO_BUF safes = { 0 };
    CSI_AUTO_BUF file = { 0 };
    for (size_t i = 0; i < count; i++)
        p12file_put_costly_safe(&safes, (uint8_t)i, iterations);
    p12file_finish(&file, &safes);
    return take(&file);
}

/* Reads, in vain, and says how many iterations were paid for. */
static uint64_t spent_on(csi_blob *file, const struct csi_limits *limits, certstore_status expected)
{
    certstore_error err = { 0 };
    CSI_AUTO(csi_passwords) *passwords = codec_passwords("changeit", NULL);
    struct csi_p12_read read = { .passwords = passwords, .limits = limits, .budget = { .limits = limits } };
    read.session.budget = &read.budget;
    CSI_AUTO(csi_pkcs12) *pkcs12 = csi_pkcs12_read(&read, file, &err);
    csi_pbe_session_close(&read.session);
    assert_null(pkcs12);
    assert_int_equal(err.status, expected);
    return read.budget.spent;
}

static void derivations_stop_at_the_budget(void **state)
{
    (void)state;
    struct csi_limits limits = csi_limits_default;
    CSI_AUTO(csi_blob) *one = costly_safes(1, UINT32_C(0x80000000));
    assert_int_equal(spent_on(one, &limits, CERTSTORE_E_LIMIT), 0);
    limits.value[CERTSTORE_LIMIT_KDF_ITERATIONS] = 1000;
    limits.value[CERTSTORE_LIMIT_KDF_TOTAL] = 1500;
    CSI_AUTO(csi_blob) *many = costly_safes(50, 1000);
    assert_in_range(spent_on(many, &limits, CERTSTORE_E_PASSWORD), 1, 1500);
    /* A derivation of one iteration is not free either. */
    limits.value[CERTSTORE_LIMIT_KDF_TOTAL] = CSI_DERIVATION_LEAST - 1;
    CSI_AUTO(csi_blob) *cheap = costly_safes(1, 1);
    assert_int_equal(spent_on(cheap, &limits, CERTSTORE_E_LIMIT), 0);
}

static void more_safes_than_entries_are_refused(void **state)
{
    (void)state;
    struct csi_limits limits = csi_limits_default;
    CSI_AUTO_BUF safes = { 0 };
    CSI_AUTO_BUF file = { 0 };
    for (int i = 0; i < 101; i++)
        p12file_put_data(&safes, csi_span("0\0", 2));
    p12file_finish(&file, &safes);
    CSI_AUTO(csi_blob) *blob = take(&file);
    limits.value[CERTSTORE_LIMIT_ENTRIES] = 101;
    assert_int_equal(decode(&csi_codec_pkcs12, blob, NULL, &limits).status, CERTSTORE_OK);
    limits.value[CERTSTORE_LIMIT_ENTRIES] = 100;
    assert_int_equal(decode(&csi_codec_pkcs12, blob, NULL, &limits).status, CERTSTORE_E_LIMIT);
}

/* A certificate of that name that another, named likewise, may have issued. */
static csi_blob *issued(const char *subject, const char *issuer, int number)
{
    EVP_PKEY *key = make_key("ED25519", number);
    X509 *cert = make_cert(&(struct make_cert){ .subject = subject, .issuer = issuer, .key = key, .signer_key = key, .ca = true });
    csi_blob *der = make_der(cert);
    X509_free(cert);
    return der;
}

static void certificates_that_issue_each_other_end_a_chain(void **state)
{
    (void)state;
    CSI_AUTO(csi_blob) *a = issued("CN=a", "CN=b", 1);
    CSI_AUTO(csi_blob) *b = issued("CN=b", "CN=a", 2);
    CSI_AUTO(csi_blob) *key = make_pkcs8(make_key("ED25519", 1));
    CSI_AUTO_BUF bags = { 0 };
    CSI_AUTO_BUF file = { 0 };
    p12file_put_bag(&bags, CSI_BAG_OID_KEY, csi_blob_span(key), "key", "1");
    p12file_put_cert(&bags, csi_blob_span(a), NULL, "1");
    p12file_put_cert(&bags, csi_blob_span(b), NULL, NULL);
    p12file_finish_bags(&file, &bags);
    CSI_AUTO(csi_blob) *blob = take(&file);
    certstore_status status;
    CSI_AUTO(certstore_bundle) *bundle = codec_decode(&csi_codec_pkcs12, blob, NULL, &status);
    assert_int_equal(status, CERTSTORE_OK);
    assert_int_equal(bundle->count, 1);
    assert_int_equal(bundle->entries[0]->cert_count, 2);
}

/* Keys that share two rows of namesakes, which issue each other: every chain wants all of them. */
static void chains_that_keys_share_are_bounded_together(void **state)
{
    (void)state;
    enum { KEYS = 100, NAMESAKES = 30 };
    CSI_AUTO(csi_blob) *a = issued("CN=a", "CN=b", 1);
    CSI_AUTO(csi_blob) *b = issued("CN=b", "CN=a", 2);
    CSI_AUTO(csi_blob) *leaf = issued("CN=leaf", "CN=a", 1);
    CSI_AUTO(csi_blob) *key = make_pkcs8(make_key("ED25519", 1));
    CSI_AUTO_BUF bags = { 0 };
    CSI_AUTO_BUF file = { 0 };
    for (int i = 0; i < NAMESAKES; i++) {
        p12file_put_cert(&bags, csi_blob_span(a), NULL, NULL);
        p12file_put_cert(&bags, csi_blob_span(b), NULL, NULL);
    }
    for (int i = 0; i < KEYS; i++) {
        char id[16];
        snprintf(id, sizeof id, "%d", i);
        p12file_put_bag(&bags, CSI_BAG_OID_KEY, csi_blob_span(key), id, id);
        p12file_put_cert(&bags, csi_blob_span(leaf), NULL, id);
    }
    p12file_finish_bags(&file, &bags);
    CSI_AUTO(csi_blob) *blob = take(&file);
    struct csi_limits limits = csi_limits_default;
    const struct cost open = decode(&csi_codec_pkcs12, blob, NULL, &limits);
    assert_int_equal(open.status, CERTSTORE_OK);
    assert_bounded("shared chains", &open, blob->size, TIMES_TINY);
    limits.value[CERTSTORE_LIMIT_ENTRIES] = 2 * KEYS + 2 * NAMESAKES; /* all bags, and four certificates in chains for each of them */
    assert_int_equal(decode(&csi_codec_pkcs12, blob, NULL, &limits).status, CERTSTORE_E_LIMIT);
}

/* ----------------------------------------------------------------------------------------------------------------- PEM */

static void put_repeated(struct csi_buf *out, const char *text, size_t times)
{
    const size_t size = strlen(text);
    uint8_t *room = csi_buf_reserve(out, size * times);
    assert_non_null(room);
    for (size_t i = 0; i < times; i++)
        memcpy(room + i * size, text, size);
    out->size += size * times;
}

static void a_line_of_100_megabytes_costs_its_size(void **state)
{
    (void)state;
    CSI_AUTO_BUF file = { 0 };
    csi_buf_put_text(&file, "-----BEGIN CERTIFICATE-----\n");
    put_repeated(&file, "AAAA", 25 * 1024 * 1024);
    csi_buf_put_text(&file, "\n-----END CERTIFICATE-----\n");
    CSI_AUTO(csi_blob) *blob = take(&file);
    const struct cost cost = decode(&csi_codec_pem, blob, NULL, &csi_limits_default);
    assert_int_not_equal(cost.status, CERTSTORE_OK);
    assert_bounded("a long line", &cost, blob->size, 3);
}

static const char tiny_block[] = "-----BEGIN X-----\nMAA=\n-----END X-----\n";

static void a_million_tiny_blocks_stop_at_the_limit(void **state)
{
    (void)state;
    CSI_AUTO_BUF file = { 0 };
    put_repeated(&file, tiny_block, 1000000);
    read_bomb("blocks", &csi_codec_pem, &file, NULL, CERTSTORE_E_LIMIT);
}

/* -------------------------------------------------------------------------------------------------------------- growth */

static void grow_jks(struct csi_buf *file, size_t count)
{
    jksfile_begin(file, JKSFILE_JKS, 1, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        put_numbered(file, i, "alias-");
    jksfile_end(file, "changeit");
}

/* Every alias folds to the same one. */
static void grow_jks_folded(struct csi_buf *file, size_t count)
{
    jksfile_begin(file, JKSFILE_JKS, 1, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        char alias[21] = { 0 };
        for (size_t bit = 0; bit < 20; bit++)
            alias[bit] = ((i + 1) >> bit & 1) != 0 ? 'A' : 'a';
        jksfile_trusted(file, 1, alias, 0, 1);
    }
    jksfile_end(file, "changeit");
}

static void grow_jks_duplicates(struct csi_buf *file, size_t count)
{
    jksfile_begin(file, JKSFILE_JKS, 1, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        jksfile_trusted(file, 1, "same", 0, 1);
    jksfile_end(file, "changeit");
}

static void grow_pem_opaque(struct csi_buf *file, size_t count)
{
    put_repeated(file, tiny_block, count);
}

static void grow_pem_same_cert(struct csi_buf *file, size_t count)
{
    CSI_AUTO(csi_blob) *cert = issued("CN=a", "CN=b", 1);
    for (size_t i = 0; i < count; i++)
        csi_pem_write(file, "CERTIFICATE", csi_blob_span(cert));
}

/* Keys and certificates that all belong together. */
static void grow_pem_same_key(struct csi_buf *file, size_t count)
{
    CSI_AUTO(csi_blob) *cert = issued("CN=a", "CN=b", 1);
    CSI_AUTO(csi_blob) *key = make_pkcs8(make_key("ED25519", 1));
    for (size_t i = 0; i < count / 2; i++)
        csi_pem_write(file, "CERTIFICATE", csi_blob_span(cert));
    for (size_t i = 0; i < count / 2; i++)
        csi_pem_write(file, "PRIVATE KEY", csi_blob_span(key));
}

static void grow_p12_certs(struct csi_buf *file, size_t count)
{
    CSI_AUTO(csi_blob) *cert = issued("CN=a", "CN=b", 1);
    CSI_AUTO_BUF bags = { 0 };
    for (size_t i = 0; i < count; i++)
        p12file_put_cert(&bags, csi_blob_span(cert), "same", NULL);
    p12file_finish_bags(file, &bags);
}

/* Certificates, and as many keys that do not open, which have the same localKeyID or none, and another name. */
static void grow_p12_keys(struct csi_buf *file, size_t count, const char *name, const char *id)
{
    CSI_AUTO(csi_blob) *cert = issued("CN=a", "CN=b", 1);
    CSI_AUTO_BUF bags = { 0 };
    for (size_t i = 0; i < count / 2; i++)
        p12file_put_cert(&bags, csi_blob_span(cert), name, id);
    for (size_t i = 0; i < count / 2; i++)
        p12file_put_bag(&bags, CSI_BAG_OID_SHROUDED, csi_span("0\0", 2), name != NULL ? "other" : NULL, id);
    p12file_finish_bags(file, &bags);
}

static void grow_p12_same_id(struct csi_buf *file, size_t count)
{
    grow_p12_keys(file, count, NULL, "1");
}

static void grow_p12_unmatched(struct csi_buf *file, size_t count)
{
    grow_p12_keys(file, count, "name", NULL);
}

static struct cost cost_of(const struct csi_codec *codec, void (*grow)(struct csi_buf *file, size_t count), size_t count)
{
    CSI_AUTO_BUF file = { 0 };
    grow(&file, count);
    CSI_AUTO(csi_blob) *blob = take(&file);
    CSI_AUTO(csi_passwords) *passwords = codec_passwords("changeit", NULL);
    const struct cost cost = decode(codec, blob, passwords, &csi_limits_default);
    assert_int_equal(cost.status, CERTSTORE_OK);
    assert_bounded("growth", &cost, blob->size, TIMES_TINY);
    return cost;
}

static void ten_times_the_input_is_ten_times_the_work(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const struct csi_codec *codec;
        void (*grow)(struct csi_buf *file, size_t count);
    } cases[] = {
        { "JKS", &csi_codec_jks, grow_jks },
        { "JKS, aliases of one fold", &csi_codec_jks, grow_jks_folded },
        { "JKS, one alias", &csi_codec_jks, grow_jks_duplicates },
        { "PEM, small blocks", &csi_codec_pem, grow_pem_opaque },
        { "PEM, one certificate over and over", &csi_codec_pem, grow_pem_same_cert },
        { "PEM, one key over and over", &csi_codec_pem, grow_pem_same_key },
        { "PKCS#12, one certificate over and over", &csi_codec_pkcs12, grow_p12_certs },
        { "PKCS#12, keys of one localKeyID", &csi_codec_pkcs12, grow_p12_same_id },
        { "PKCS#12, keys without certificates", &csi_codec_pkcs12, grow_p12_unmatched },
    };
    bool counted = true;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cost_of(cases[i].codec, cases[i].grow, 10); /* what is set up once is set up */
        const struct cost small = cost_of(cases[i].codec, cases[i].grow, 1000);
        const struct cost large = cost_of(cases[i].codec, cases[i].grow, 10000);
        counted = small.instructions > 0;
        const double work = counted ? (double)large.instructions / (double)small.instructions : 0;
        print_message("%-40s allocations x%.1f, bytes x%.1f, instructions x%.1f\n", cases[i].name, (double)large.calls / (double)small.calls,
                      (double)large.bytes / (double)small.bytes, work);
        assert_in_range(large.calls, 0, 15 * small.calls);
        assert_in_range(large.bytes, 0, 15 * small.bytes);
        assert_true(work < 15); /* n log n among it */
    }
    if (!counted)
        print_message("# skip: instructions were not counted, for this machine has no counter that programs may use; bench/check counts them\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_file_of_the_corpus_takes_more_than_a_few_times_its_size),
        cmocka_unit_test(lengths_and_counts_of_java_stores_allocate_nothing),
        cmocka_unit_test(entries_beyond_the_limit_are_not_begun),
        cmocka_unit_test(long_aliases_of_one_fold_are_told_apart_within_bounds),
        cmocka_unit_test(serialized_objects_have_a_fixed_number_of_parts),
        cmocka_unit_test(nested_safes_are_refused_beyond_the_limit),
        cmocka_unit_test(indefinite_lengths_are_refused_beyond_the_limit),
        cmocka_unit_test(derivations_stop_at_the_budget),
        cmocka_unit_test(more_safes_than_entries_are_refused),
        cmocka_unit_test(certificates_that_issue_each_other_end_a_chain),
        cmocka_unit_test(chains_that_keys_share_are_bounded_together),
        cmocka_unit_test(a_line_of_100_megabytes_costs_its_size),
        cmocka_unit_test(a_million_tiny_blocks_stop_at_the_limit),
        cmocka_unit_test(ten_times_the_input_is_ten_times_the_work),
    };
    return cmocka_run_group_tests_name("bounds", tests, NULL, NULL);
}
