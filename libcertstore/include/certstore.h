/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certstore.h: the whole public interface of libcertstore.
 *
 * One API over the places a host keeps certificates and keys in (PEM files, OpenSSL hashed directories, PKCS#12, JKS and
 * JCEKS key stores), and ONE transaction over any number of them: every store takes its new content, or none does.
 *
 * Four ideas carry everything:
 *
 *   certstore          a store: where certificates and keys live. Opened by URI.
 *   certstore_bundle   the value of a store: an ordered list of entries, each under an alias. Read out, changed in memory.
 *   certstore_txn      "these stores shall equal these bundles": committed for all of them, or for none.
 *   certstore_error    what went wrong. Made once, passed last to every call that can fail, asked once at the end.
 *
 * Rules that hold for every function:
 *
 *   - Errors. A call that can fail ends with `certstore_error *err` (NULL is allowed) and returns a pointer, NULL for failure, or
 *     a certstore_status, CERTSTORE_OK for success. The first error stays: a call that is given an error already set does
 *     nothing and fails with that error, so a block of calls may be checked once, at its end. A failure changes nothing that the caller owns; the
 *     one exception has a status of its own, CERTSTORE_E_IN_DOUBT.
 *   - Ownership. What a function named new, open, begin, read, parse, copy, export, generate or unwrap returns is the caller's, who frees it with the
 *     matching _free. Everything else that is returned is borrowed from the first argument and lives until that is changed or
 *     freed. Arguments are copied. Every _free takes NULL.
 *   - Text is UTF-8. Java allows U+0000 in an alias; it is written C0 80 here, as Java itself writes it, so that a string ends where
 *     it ends. Bytes are always a pair `data, size`. Times are seconds (or, where said, milliseconds) since 1970 UTC in an int64_t.
 *   - Threads. Different objects may be used by different threads at once. One object may be read by many threads at once and
 *     changed by one that has it alone.
 *   - The library prints nothing, logs nothing, never exits, and leaves OpenSSL's error queue as it found it.
 */
#ifndef CERTSTORE_H
#define CERTSTORE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default) /* the library is built with everything hidden that is not declared here */
#endif

#define CERTSTORE_VERSION_MAJOR 0
#define CERTSTORE_VERSION_MINOR 1
#define CERTSTORE_VERSION_PATCH 0

/* ------------------------------------------------------------------------------------------------------------- status */

/* What a call came to. Each value asks for a different action; docs/guide/errors.md has a row for each. */
typedef enum certstore_status {
    CERTSTORE_OK = 0,
    CERTSTORE_E_ARGUMENT = 1,     /* the call is wrong as written: a NULL, a malformed URI, an unknown option; mend the program */
    CERTSTORE_E_MEMORY = 2,       /* no memory */
    CERTSTORE_E_IO = 3,           /* the system refused a read or a write; the cause says which and why */
    CERTSTORE_E_NOT_FOUND = 4,    /* no such store, alias or generation */
    CERTSTORE_E_EXISTS = 5,       /* something of that name is there already */
    CERTSTORE_E_PASSWORD = 6,     /* the passphrase is wrong, or none was given and one is needed */
    CERTSTORE_E_NO_MAC = 7,       /* the store carries no integrity check, and the caller asked for one */
    CERTSTORE_E_TAMPERED = 8,     /* the passphrase is right, and the content is not what was sealed with it */
    CERTSTORE_E_UNSUPPORTED = 9,  /* an algorithm or a format that cannot be used here; the message names it */
    CERTSTORE_E_TRUNCATED = 10,   /* the input ends too early */
    CERTSTORE_E_MALFORMED = 11,   /* the input is not what its format demands */
    CERTSTORE_E_LIMIT = 12,       /* over a documented ceiling; see certstore_options_set_limit() */
    CERTSTORE_E_CONFLICT = 13,    /* somebody else changed the store since it was read; read it again */
    CERTSTORE_E_LOCKED = 14,      /* another transaction holds the store; try again later */
    CERTSTORE_E_READ_ONLY = 15,   /* this place or format cannot be written */
    CERTSTORE_E_NO_SPACE = 16,    /* the disk or the quota is full */
    CERTSTORE_E_PENDING = 17,     /* a transaction that a crash cut short holds the store and cannot be settled from here */
    CERTSTORE_E_LOSSY = 18,       /* the target format cannot hold everything; see certstore_bundle_losses() */
    CERTSTORE_E_MISMATCH = 19,    /* the certificate does not carry the private key's public key */
    CERTSTORE_E_IN_DOUBT = 20,    /* the commit point may have passed; certstore_recover() decides */
    CERTSTORE_E_UNAVAILABLE = 21, /* no such token now: not plugged in, removed, or out of order; bring it back and try again */
    CERTSTORE_E_BOUND = 22        /* the private key does not leave its token; use it there */
} certstore_status;

/* "OK", "PASSWORD", "IN_DOUBT": the name without its prefix; "UNKNOWN" for any other number. Static text. */
const char *certstore_status_name(certstore_status status);

/* "0.1.0": the version of the library that is running. Static text. */
const char *certstore_version(void);

/* -------------------------------------------------------------------------------------------------------------- error */

typedef struct certstore_error certstore_error;

/* A new, clear error; NULL only without memory (and every function takes a NULL error). */
certstore_error *certstore_error_new(void);
void certstore_error_free(certstore_error *err);

/* Forgets the error, so that the object can be used again. */
void certstore_error_clear(certstore_error *err);

/* CERTSTORE_OK while nothing has failed. NULL gives CERTSTORE_OK. */
certstore_status certstore_error_status(const certstore_error *err);

/* One line for people: "NOUN: what is wrong; what to do". "" while nothing has failed. Never holds a secret. */
const char *certstore_error_message(const certstore_error *err);

/* The underlying reason in its own words (an errno's text, OpenSSL's reason); "" where there is none. */
const char *certstore_error_cause(const certstore_error *err);

/* The URI, path or alias the error is about; "" where it is about none. */
const char *certstore_error_subject(const certstore_error *err);

/* -------------------------------------------------------------------------------------------------------------- bytes */

/* Bytes that the library hands over. They are followed by a NUL that does not count, so text may be read as a C string.
 * Wiped when freed. */
typedef struct certstore_bytes certstore_bytes;

const uint8_t *certstore_bytes_data(const certstore_bytes *bytes);
size_t certstore_bytes_size(const certstore_bytes *bytes);
void certstore_bytes_free(certstore_bytes *bytes);

/* ------------------------------------------------------------------------------------------------------------- report */

/* Rows of findings: what verify, diff, losses, recover and reading have to say. */
typedef struct certstore_report certstore_report;

typedef enum certstore_severity {
    CERTSTORE_INFO = 0,    /* worth knowing */
    CERTSTORE_WARNING = 1, /* works now, and will bite */
    CERTSTORE_FAULT = 2    /* does not work */
} certstore_severity;

size_t certstore_report_count(const certstore_report *report);
/* A stable word a program can act on, such as "expired"; docs/guide/findings.md lists them all. NULL past the end. */
const char *certstore_report_code(const certstore_report *report, size_t index);
certstore_severity certstore_report_severity(const certstore_report *report, size_t index);
/* The alias, path or transaction the row is about; "" where it is about the whole. NULL past the end. */
const char *certstore_report_subject(const certstore_report *report, size_t index);
/* One line for people. NULL past the end. */
const char *certstore_report_message(const certstore_report *report, size_t index);
void certstore_report_free(certstore_report *report);

/* ------------------------------------------------------------------------------------------------------------ options */

/* How to open, read and write: passphrases, limits, profile, state directory. May be shared by many stores; copied on use. */
typedef struct certstore_options certstore_options;

typedef enum certstore_limit {
    CERTSTORE_LIMIT_FILE_SIZE = 0,      /* bytes of one file; default 256 MiB */
    CERTSTORE_LIMIT_ENTRIES = 1,        /* entries of one store; default 200,000 */
    CERTSTORE_LIMIT_ALIAS_SIZE = 2,     /* bytes of one alias; default 65,535 (the most JKS can hold) */
    CERTSTORE_LIMIT_CHAIN_LENGTH = 3,   /* certificates of one chain; default 64 */
    CERTSTORE_LIMIT_CERT_SIZE = 4,      /* bytes of one certificate, CRL or key; default 16 MiB */
    CERTSTORE_LIMIT_KDF_ITERATIONS = 5, /* iterations of one key derivation; default 5,000,000, Java's own */
    CERTSTORE_LIMIT_KDF_TOTAL = 6,      /* iterations over one whole read; default 10,000,000 */
    CERTSTORE_LIMIT_NESTING = 7         /* depth of nested structures; default 32 */
} certstore_limit;

certstore_options *certstore_options_new(certstore_error *err);
void certstore_options_free(certstore_options *opts);

/* The store's passphrase. Any bytes, NUL included; UTF-8 where the format wants text. Size 0 is the empty passphrase, which is not the
 * same as none. */
certstore_status certstore_options_set_password(certstore_options *opts, const uint8_t *data, size_t size, certstore_error *err);
/* The passphrase of private and secret keys where it differs from the store's. */
certstore_status certstore_options_set_key_password(certstore_options *opts, const uint8_t *data, size_t size, certstore_error *err);
/* The passphrase of one entry's key. */
certstore_status certstore_options_set_entry_password(certstore_options *opts, const char *alias, const uint8_t *data, size_t size,
                                                      certstore_error *err);
/* The PIN of a token's security officer, by whom a certificate that is trusted for "any" is marked so (CKA_TRUSTED), where the token has
 * CERTSTORE_CAN_MARK_TRUSTED. Presented only for that; the user is logged out meanwhile. */
certstore_status certstore_options_set_so_pin(certstore_options *opts, const uint8_t *data, size_t size, certstore_error *err);
/* What readers the written store is for: "java8", "java17", "openssl3", "fips" or "legacy". Applies to what is written anew: an edit
 * keeps the algorithms that the store already has. Default: "openssl3" ("java17" for JKS, JCEKS). */
certstore_status certstore_options_set_profile(certstore_options *opts, const char *profile, certstore_error *err);
/* Where generations, pending transactions and history live. Default: $CERTSTORE_STATE_DIR, else /var/lib/certstore for root, else
 * $XDG_STATE_HOME/certstore, else ~/.local/state/certstore. */
certstore_status certstore_options_set_state_dir(certstore_options *opts, const char *path, certstore_error *err);
/* Where that is, by the rule above; an absolute path, which need not exist. opts may be NULL. */
certstore_bytes *certstore_options_export_state_dir(const certstore_options *opts, certstore_error *err);
/* Who the history names; default: the user and the program's name. At most 255 bytes. */
certstore_status certstore_options_set_actor(certstore_options *opts, const char *actor, certstore_error *err);
/* How long to wait for a store that another transaction holds; default 10,000 ms. */
certstore_status certstore_options_set_lock_timeout(certstore_options *opts, int milliseconds, certstore_error *err);
/* How many generations of each store to keep; default 5, 0 keeps none. */
certstore_status certstore_options_set_generations(certstore_options *opts, int count, certstore_error *err);
certstore_status certstore_options_set_limit(certstore_options *opts, certstore_limit limit, uint64_t value, certstore_error *err);
/* Demand an integrity check: reading a store that has none, or whose passphrase was not given, fails with CERTSTORE_E_NO_MAC. */
certstore_status certstore_options_set_require_integrity(certstore_options *opts, int required, certstore_error *err);
/* Let a commit destroy keys on a token that the bundle no longer holds. Nobody can make them again, and no rollback brings them back; without this a
 * key that another one of its alias takes the place of stays on the token, and leaving one out fails with CERTSTORE_E_LOSSY. */
certstore_status certstore_options_set_destroy_keys(certstore_options *opts, int allowed, certstore_error *err);
/* Let a store, or bytes, be written without the entries that the format cannot hold at all, what certstore_bundle_losses() reports as a
 * CERTSTORE_FAULT. Without this a certstore_txn_replace() of the store, when it is prepared or committed, and certstore_bundle_export() fail with
 * CERTSTORE_E_LOSSY, and nothing is written. */
certstore_status certstore_options_set_allow_loss(certstore_options *opts, int allowed, certstore_error *err);

/* -------------------------------------------------------------------------------------------------------------- store */

typedef struct certstore certstore;
typedef struct certstore_bundle certstore_bundle;
typedef struct certstore_entry certstore_entry;
typedef struct certstore_cert certstore_cert;

/* What a format or a place can do; see certstore_capabilities(). */
typedef enum certstore_capability {
    CERTSTORE_CAN_READ = 1,
    CERTSTORE_CAN_WRITE = 2,
    CERTSTORE_CAN_TRUSTED = 4,          /* holds trusted certificates */
    CERTSTORE_CAN_KEYS = 8,             /* holds private keys */
    CERTSTORE_CAN_SECRETS = 16,         /* holds secret keys */
    CERTSTORE_CAN_CRLS = 32,            /* holds revocation lists */
    CERTSTORE_CAN_ALIASES = 64,         /* keeps the alias of every entry */
    CERTSTORE_CAN_TRUST_PURPOSES = 128, /* keeps what a certificate is trusted for */
    CERTSTORE_CAN_DATES = 256,          /* keeps when an entry was made */
    CERTSTORE_CAN_KEY_PASSWORDS = 512,  /* a passphrase for each key */
    CERTSTORE_CAN_INTEGRITY = 1024,     /* an integrity check over the whole store */
    CERTSTORE_CAN_GENERATE = 2048,      /* makes key pairs itself: certstore_key_generate() */
    CERTSTORE_CAN_WRAP = 4096,          /* lets a key out wrapped by another, and in again: certstore_key_export_wrapped() */
    CERTSTORE_CAN_MARK_TRUSTED = 8192   /* its security officer marks a certificate as trusted: certstore_options_set_so_pin() */
} certstore_capability;

/* Opens a store by URI: "pem:PATH", "pem:PATH?key=PATH", "pemdir:PATH", "pkcs12:PATH", "jks:PATH", "jceks:PATH", "bks:PATH" (read
 * only), or a bare path, which is recognised by its content when it exists and by its suffix when it does not. The store need not
 * exist yet. A transaction that a crash left pending on it is settled first. opts may be NULL. */
certstore *certstore_open(const char *uri, const certstore_options *opts, certstore_error *err);
void certstore_free(certstore *store);
/* The URI with its format, without any passphrase. */
const char *certstore_uri(const certstore *store);
/* "pem", "pemdir", "pkcs12", "jks", "jceks", "bks". */
const char *certstore_format(const certstore *store);
/* 1 if the store exists, 0 if not (or if that could not be found out). */
int certstore_exists(const certstore *store);
/* Capability bits of a format by its name; 0 for an unknown one. */
uint32_t certstore_capabilities(const char *format);
/* Capability bits of a store that is open: its format's, without what its token cannot do. */
uint32_t certstore_store_capabilities(const certstore *store);
/* The formats this library knows, in a fixed order; NULL past the end. */
const char *certstore_format_at(size_t index);

/* Reads the whole store. A store that does not exist reads as an empty bundle. Certificates and keys are parsed only when asked for. */
certstore_bundle *certstore_read(certstore *store, certstore_error *err);
/* 1 if the store may have changed since the bundle was read from it, 0 if it has not. Costs one stat a file. */
int certstore_changed(const certstore *store, const certstore_bundle *bundle);

/* ------------------------------------------------------------------------------------------------------------- bundle */

typedef enum certstore_integrity {
    CERTSTORE_INTEGRITY_VERIFIED = 0, /* checked with the passphrase */
    CERTSTORE_INTEGRITY_ABSENT = 1,   /* the store carries no check */
    CERTSTORE_INTEGRITY_UNCHECKED = 2 /* it carries one, and no passphrase was given */
} certstore_integrity;

/* An empty bundle in the terms of a format (its alias rules). */
certstore_bundle *certstore_bundle_new(const char *format, certstore_error *err);
/* Reads a store that is in memory. format may be NULL: recognised by content. */
certstore_bundle *certstore_bundle_parse(const uint8_t *data, size_t size, const char *format, const certstore_options *opts, certstore_error *err);
certstore_bundle *certstore_bundle_copy(const certstore_bundle *bundle, certstore_error *err);
void certstore_bundle_free(certstore_bundle *bundle);

/* The format it was read from or made for. */
const char *certstore_bundle_format(const certstore_bundle *bundle);
certstore_integrity certstore_bundle_integrity(const certstore_bundle *bundle);
size_t certstore_bundle_count(const certstore_bundle *bundle);
/* The entry at an index, in the store's order; NULL past the end. */
const certstore_entry *certstore_bundle_at(const certstore_bundle *bundle, size_t index);
/* The entry of an alias, under the format's rule (Java's formats do not tell upper from lower case); NULL if there is none. */
const certstore_entry *certstore_bundle_find(const certstore_bundle *bundle, const char *alias);
/* What reading had to say: which reading of the passphrase fitted, trailing bytes, stale links ... Borrowed. */
const certstore_report *certstore_bundle_notes(const certstore_bundle *bundle);

/* Adds an entry (copied), or puts it in the place of the one that has its alias. */
certstore_status certstore_bundle_put(certstore_bundle *bundle, const certstore_entry *entry, certstore_error *err);
certstore_status certstore_bundle_remove(certstore_bundle *bundle, const char *alias, certstore_error *err);
/* Gives an entry another alias. CERTSTORE_E_EXISTS if another entry has it. The key is not encrypted anew. */
certstore_status certstore_bundle_rename(certstore_bundle *bundle, const char *alias, const char *new_alias, certstore_error *err);

/* The bundle as bytes of a format ("pem", "pkcs12", "jks", "jceks"). NULL format: its own. CERTSTORE_E_LOSSY where the format cannot hold an
 * entry, unless certstore_options_set_allow_loss() allows it. */
certstore_bytes *certstore_bundle_export(const certstore_bundle *bundle, const char *format, const certstore_options *opts, certstore_error *err);
/* What would be lost if this bundle were written in that format; an empty report when nothing is. A CERTSTORE_FAULT is an entry that the format
 * cannot hold: writing refuses it unless that is allowed. */
certstore_report *certstore_bundle_losses(const certstore_bundle *bundle, const char *format, certstore_error *err);
/* What differs from a to b, by alias and then by meaning, whatever their formats; an empty report when nothing does. */
certstore_report *certstore_bundle_diff(const certstore_bundle *a, const certstore_bundle *b, certstore_error *err);
/* Findings: expired, weak, key without its certificate, incomplete chain, duplicates, what Java would not see ... `now` in seconds;
 * `days` before expiry from which an entry is reported as expiring. Private keys are checked where the passphrase opens them. */
certstore_report *certstore_bundle_verify(const certstore_bundle *bundle, int64_t now, int days, certstore_error *err);

/* -------------------------------------------------------------------------------------------------------------- entry */

typedef enum certstore_kind {
    CERTSTORE_TRUSTED = 0, /* a trusted certificate */
    CERTSTORE_KEY = 1,     /* a private key, with its certificate chain where there is one */
    CERTSTORE_SECRET = 2,  /* a secret (symmetric) key */
    CERTSTORE_CRL = 3,     /* a revocation list */
    CERTSTORE_OPAQUE = 4   /* something the format holds that this library does not understand and carries along */
} certstore_kind;

/* A trusted certificate from one DER or PEM certificate. */
certstore_entry *certstore_entry_new_trusted(const char *alias, const uint8_t *data, size_t size, certstore_error *err);
/* A private key from PKCS#8 DER (not encrypted). Add its certificates with certstore_entry_add_cert(), leaf first. */
certstore_entry *certstore_entry_new_key(const char *alias, const uint8_t *pkcs8, size_t size, certstore_error *err);
/* A secret key: its raw bytes and the name Java would give the algorithm ("AES", "HmacSHA256"). */
certstore_entry *certstore_entry_new_secret(const char *alias, const char *algorithm, const uint8_t *data, size_t size, certstore_error *err);
/* A revocation list from DER or PEM. */
certstore_entry *certstore_entry_new_crl(const char *alias, const uint8_t *data, size_t size, certstore_error *err);
/* A copy that may be changed. */
certstore_entry *certstore_entry_copy(const certstore_entry *entry, certstore_error *err);
void certstore_entry_free(certstore_entry *entry);

/* The setters change an entry of the caller's own, never one borrowed from a bundle (CERTSTORE_E_ARGUMENT). */
certstore_status certstore_entry_set_alias(certstore_entry *entry, const char *alias, certstore_error *err);
/* Appends a certificate (DER or PEM) to a key's chain, leaf first. */
certstore_status certstore_entry_add_cert(certstore_entry *entry, const uint8_t *data, size_t size, certstore_error *err);
/* Takes all certificates away, so that another chain can be added. */
certstore_status certstore_entry_clear_certs(certstore_entry *entry, certstore_error *err);
/* Milliseconds since 1970. */
certstore_status certstore_entry_set_created(certstore_entry *entry, int64_t milliseconds, certstore_error *err);
/* Trust a certificate for a purpose: "serverAuth", "clientAuth", "codeSigning", "emailProtection", "timeStamping", "OCSPSigning",
 * "any", or a dotted OID. */
certstore_status certstore_entry_add_trust(certstore_entry *entry, const char *purpose, certstore_error *err);
/* Distrust it for a purpose. */
certstore_status certstore_entry_add_reject(certstore_entry *entry, const char *purpose, certstore_error *err);

const char *certstore_entry_alias(const certstore_entry *entry);
certstore_kind certstore_entry_kind(const certstore_entry *entry);
/* Milliseconds since 1970, or INT64_MIN where the store says nothing. */
int64_t certstore_entry_created(const certstore_entry *entry);
size_t certstore_entry_cert_count(const certstore_entry *entry);
/* A certificate of the entry, leaf first; NULL past the end. */
const certstore_cert *certstore_entry_cert(const certstore_entry *entry, size_t index);
/* Purposes the certificate is trusted for; none means the format says nothing. Names as in certstore_entry_add_trust(). */
size_t certstore_entry_trust_count(const certstore_entry *entry);
const char *certstore_entry_trust(const certstore_entry *entry, size_t index);
size_t certstore_entry_reject_count(const certstore_entry *entry);
const char *certstore_entry_reject(const certstore_entry *entry, size_t index);
/* 1 when the entry holds a private or secret key and that is stored encrypted, 0 otherwise. */
int certstore_entry_encrypted(const certstore_entry *entry);
/* 1 when its private or secret key does not leave its token, 0 otherwise: certstore_entry_export_key() would fail with CERTSTORE_E_BOUND. */
int certstore_entry_bound(const certstore_entry *entry);
/* What an opaque entry is, in its format's own terms: a bag's OID, a PEM label; "" for other kinds. */
const char *certstore_entry_type(const certstore_entry *entry);

/* "RSA", "EC", "ED25519", "AES" ... of the private or secret key, opened with the passphrases the bundle was read with. */
certstore_bytes *certstore_entry_export_key_algorithm(const certstore_entry *entry, certstore_error *err);
/* Bits of the private or secret key; 0 when it cannot be opened. */
int certstore_entry_key_bits(const certstore_entry *entry, certstore_error *err);
/* The private key as PKCS#8 DER, or the secret key's raw bytes. CERTSTORE_E_PASSWORD if it cannot be opened. */
certstore_bytes *certstore_entry_export_key(const certstore_entry *entry, certstore_error *err);
/* The CRL's DER, or an opaque entry's content. */
certstore_bytes *certstore_entry_export_content(const certstore_entry *entry, certstore_error *err);
/* CERTSTORE_OK if the first certificate carries the private key's public key, CERTSTORE_E_MISMATCH if not. */
certstore_status certstore_entry_check_key(const certstore_entry *entry, certstore_error *err);
/* A PKCS#10 request in DER signed by the entry's key. subject is RFC 4514 ("CN=a.example,O=Example"); sans is a comma-separated list of
 * DNS names and addresses, "" for none. */
certstore_bytes *certstore_entry_export_csr(const certstore_entry *entry, const char *subject, const char *sans, certstore_error *err);
/* The private key's public half as SubjectPublicKeyInfo DER, with a certificate or without one. */
certstore_bytes *certstore_entry_export_public_key(const certstore_entry *entry, certstore_error *err);
/* A signature by the entry's private key, whether it is at hand or stays on its token. data is the value of the digest that is named ("SHA256" ...);
 * padding is "pkcs1" or "pss" (salt as long as the digest) for RSA, "" for EC, whose signature is DER. Ed25519 and Ed448 sign data as it is: digest and
 * padding "". */
certstore_bytes *certstore_key_sign(const certstore_entry *entry, const char *digest, const char *padding, const uint8_t *data, size_t size,
                                    certstore_error *err);
/* What was encrypted for the entry's RSA key. padding "oaep" with the digest's name (also of its mask generation, no label), or "pkcs1" with digest "". */
certstore_bytes *certstore_key_decrypt(const certstore_entry *entry, const char *padding, const char *digest, const uint8_t *data, size_t size,
                                       certstore_error *err);

/* ----------------------------------------------------------------------------------------------------- keys of a token */

/* What a key that is made on a token, or brought back to it, may do: the sum of these bits; 0: it stays, and the alias must be free. */
typedef enum certstore_key_policy {
    CERTSTORE_KEY_EXTRACTABLE = 1,         /* it may leave the token wrapped by another key */
    CERTSTORE_KEY_READABLE = 2,            /* it is not sensitive: it may be read out as it is, and be copied to a file */
    CERTSTORE_KEY_ALWAYS_AUTHENTICATE = 4, /* the PIN is presented for each use */
    CERTSTORE_KEY_REUSE = 8,               /* a key that the alias has already is taken as it is, whatever it is */
    CERTSTORE_KEY_ROTATE = 16              /* a new key beside the one that the alias has, which stays in use until the new one has a certificate */
} certstore_key_policy;

/* A new key on the store's token. algorithm: "RSA:2048" to "RSA:8192", "EC:P-256", "EC:P-384", "EC:P-521", "Ed25519" for a key pair; "AES:128",
 * "AES:192", "AES:256" for a secret key that wraps others. Made at once, in no transaction: no rollback takes it back. The entry, as the store reads
 * now: its alias is another one where ROTATE left the old key its own. It has no certificate; certstore_entry_export_csr() asks for one. */
certstore_entry *certstore_key_generate(certstore *store, const char *alias, const char *algorithm, uint32_t policy, certstore_error *err);
/* A private or secret key of a token, wrapped by a secret key of the same token (AES key wrap with padding, RFC 5649). CERTSTORE_E_BOUND where the key
 * is not extractable. */
certstore_bytes *certstore_key_export_wrapped(const certstore_entry *entry, const certstore_entry *wrapping, certstore_error *err);
/* Back onto a token that holds the wrapping key: data is what certstore_key_export_wrapped() gave, public_key the SubjectPublicKeyInfo of the private key
 * in it (certstore_entry_export_public_key()); of size 0: it is an AES key. CERTSTORE_E_MISMATCH, and nothing is left, where the two are not a pair. */
certstore_entry *certstore_key_unwrap(certstore *store, const char *alias, const certstore_entry *wrapping, const uint8_t *data, size_t size,
                                      const uint8_t *public_key, size_t public_size, uint32_t policy, certstore_error *err);

/* -------------------------------------------------------------------------------------------------------- certificate */

/* The certificate's DER. */
const uint8_t *certstore_cert_data(const certstore_cert *cert);
size_t certstore_cert_size(const certstore_cert *cert);
/* Seconds since 1970; INT64_MIN and INT64_MAX stand for dates that cannot be read. */
int64_t certstore_cert_not_before(const certstore_cert *cert);
int64_t certstore_cert_not_after(const certstore_cert *cert);
/* 1 if it is a certification authority's (basicConstraints cA), 0 if not. */
int certstore_cert_is_ca(const certstore_cert *cert);
/* 1 if subject and issuer are the same name. */
int certstore_cert_is_self_issued(const certstore_cert *cert);
/* RFC 4514 text. */
certstore_bytes *certstore_cert_export_subject(const certstore_cert *cert, certstore_error *err);
certstore_bytes *certstore_cert_export_issuer(const certstore_cert *cert, certstore_error *err);
/* The serial number in lower-case hexadecimal, as its INTEGER's content is. */
certstore_bytes *certstore_cert_export_serial(const certstore_cert *cert, certstore_error *err);
/* 64 lower-case hexadecimal digits: SHA-256 of the DER; of its SubjectPublicKeyInfo. */
certstore_bytes *certstore_cert_export_sha256(const certstore_cert *cert, certstore_error *err);
certstore_bytes *certstore_cert_export_spki_sha256(const certstore_cert *cert, certstore_error *err);
/* "RSA", "EC", "ED25519" ..., or a dotted OID. */
certstore_bytes *certstore_cert_export_key_algorithm(const certstore_cert *cert, certstore_error *err);
/* Bits of the public key; 0 when not known. */
int certstore_cert_key_bits(const certstore_cert *cert);
/* "sha256WithRSAEncryption" ..., or a dotted OID. */
certstore_bytes *certstore_cert_export_signature_algorithm(const certstore_cert *cert, certstore_error *err);
/* Subject alternative names, one a line: "DNS:a.example", "IP:192.0.2.1", "email:x@y", "URI:..."; "" for none. */
certstore_bytes *certstore_cert_export_sans(const certstore_cert *cert, certstore_error *err);
/* PEM, with a final newline. */
certstore_bytes *certstore_cert_export_pem(const certstore_cert *cert, certstore_error *err);

/* -------------------------------------------------------------------------------------------------------- transaction */

typedef struct certstore_txn certstore_txn;

certstore_txn *certstore_txn_begin(certstore_error *err);
/* The store shall equal the bundle. The bundle must have been read from this store (or the store not exist): a store changed by somebody
 * else since then makes commit fail with CERTSTORE_E_CONFLICT. A later call for the same store takes the place of an earlier one. Nothing is left
 * out without a word: an entry that the format cannot hold makes prepare and commit fail with CERTSTORE_E_LOSSY, unless the store was opened with
 * certstore_options_set_allow_loss(). */
certstore_status certstore_txn_replace(certstore_txn *txn, certstore *store, const certstore_bundle *bundle, certstore_error *err);
/* The store shall equal one of its earlier generations, byte for byte. */
certstore_status certstore_txn_restore(certstore_txn *txn, certstore *store, int64_t generation, certstore_error *err);
/* The store shall have another passphrase; its keys are encrypted anew. May be joined with a replace of the same store. A token's user PIN changes at
 * once and is never taken back: alone in its transaction, else CERTSTORE_E_ARGUMENT. */
certstore_status certstore_txn_set_password(certstore_txn *txn, certstore *store, const uint8_t *data, size_t size, certstore_error *err);
/* A line for the history, such as "put web"; at most 255 bytes. */
certstore_status certstore_txn_set_note(certstore_txn *txn, const char *note, certstore_error *err);
/* Locks, checks, writes and syncs everything beside its target, and changes nothing that anybody can see. commit() does it where it has not been
 * done. */
certstore_status certstore_txn_prepare(certstore_txn *txn, certstore_error *err);
/* All stores, or none. CERTSTORE_E_IN_DOUBT is the one failure after which something may have changed. */
certstore_status certstore_txn_commit(certstore_txn *txn, certstore_error *err);
/* The transaction's id: 32 hexadecimal digits; "" until it has its first store. */
const char *certstore_txn_id(const certstore_txn *txn);
/* How many stores were changed by the commit; a store that already was as asked does not count. */
size_t certstore_txn_changed(const certstore_txn *txn);
/* The generation that the commit made of the store; 0 if it did not change it, before the commit, and for NULL. What others did since does not count: for
 * that there is certstore_generation(). */
int64_t certstore_txn_generation(const certstore_txn *txn, const certstore *store);
/* Frees it. One that was not committed is rolled back. */
void certstore_txn_free(certstore_txn *txn);

/* ------------------------------------------------------------------------------------------------ history and recovery */

/* The generations of a store, oldest first. Generation numbers only grow; the newest is what the store holds now. */
typedef struct certstore_history certstore_history;

certstore_history *certstore_history_read(certstore *store, certstore_error *err);
size_t certstore_history_count(const certstore_history *history);
int64_t certstore_history_generation(const certstore_history *history, size_t index);
/* Seconds since 1970; INT64_MIN where it is no longer known. */
int64_t certstore_history_time(const certstore_history *history, size_t index);
const char *certstore_history_actor(const certstore_history *history, size_t index);
const char *certstore_history_note(const certstore_history *history, size_t index);
const char *certstore_history_txn(const certstore_history *history, size_t index);
/* 64 hexadecimal digits: SHA-256 of the store's bytes in that generation; "" where the store did not exist. */
const char *certstore_history_sha256(const certstore_history *history, size_t index);
/* 1 if its bytes are kept, so that certstore_txn_restore() can go back to it. */
int certstore_history_kept(const certstore_history *history, size_t index);
void certstore_history_free(certstore_history *history);
/* The store's generation now; 0 while no transaction has touched it. */
int64_t certstore_generation(certstore *store, certstore_error *err);
/* An earlier generation as a bundle. */
certstore_bundle *certstore_generation_read(certstore *store, int64_t generation, certstore_error *err);

/* Settles every transaction in the state directory that a crash left behind; the report has a row for each. May be cut short anywhere
 * and called again. opts names the state directory; NULL for the default one. */
certstore_report *certstore_recover(const certstore_options *opts, certstore_error *err);
/* The same for one store: what is pending on it, whichever state directory it was begun in, and what a crash left beside it. */
certstore_report *certstore_recover_store(certstore *store, certstore_error *err);
/* What is pending in the state directory, without touching it. */
certstore_report *certstore_pending(const certstore_options *opts, certstore_error *err);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif
