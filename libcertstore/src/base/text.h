/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.h: UTF-8 and the encodings the formats use for it.
 *
 * Inside the library text is UTF-8 with two liberties that let every Java string and BMPString through unharmed: U+0000 is written C0 80
 * (so that it can stand in a C string), and an unpaired surrogate is written as its three bytes (ED A0..BF xx).
 */
#ifndef CSI_TEXT_H
#define CSI_TEXT_H

#include "base/buf.h"

/* The code point at *at (moved past it), or -1 for bytes that are not our UTF-8 (and at the end). A raw NUL byte reads as U+0000. */
int32_t csi_utf8_next(const uint8_t **at, const uint8_t *end);
void csi_utf8_put(struct csi_buf *out, int32_t code_point);
bool csi_utf8_valid(struct csi_span text);
/* Nothing but U+0001 to U+007F: the same bytes in every encoding below that has bytes. */
bool csi_text_ascii(struct csi_span text);

/* Java's modified UTF-8 (DataOutput.writeUTF: C0 80, surrogate pairs as 2 x 3 bytes) from and to ours. False: malformed. */
bool csi_text_from_modified_utf8(struct csi_span in, struct csi_buf *out);
bool csi_text_to_modified_utf8(struct csi_span in, struct csi_buf *out);
/* UTF-16BE / BMPString, without byte order mark and terminator. False: malformed (an odd size, invalid UTF-8). */
bool csi_text_from_utf16be(struct csi_span in, struct csi_buf *out);
bool csi_text_to_utf16be(struct csi_span in, struct csi_buf *out);
/* ISO 8859-1 to ours. */
void csi_text_from_latin1(struct csi_span in, struct csi_buf *out);

/* String.toLowerCase(Locale.ENGLISH) of Java 17: what Java's key stores look an alias up by. False: not our UTF-8. */
bool csi_text_lower(struct csi_span in, struct csi_buf *out);
/* Equality under an alias rule. */
enum csi_alias_rule { CSI_ALIAS_EXACT = 0, CSI_ALIAS_LOWER = 1 };
bool csi_alias_equal(enum csi_alias_rule rule, const char *a, const char *b);
/* A hash that is equal for aliases that are equal under the rule; without the key nobody can choose aliases that collide. */
struct csi_hash_key {
    uint64_t k0, k1;
};
uint32_t csi_alias_hash(enum csi_alias_rule rule, const struct csi_hash_key *key, const char *alias);
/* The key an alias is found by: itself, or its lower-case form; NUL-terminated, owned. */
char *csi_alias_fold(enum csi_alias_rule rule, const char *alias, certstore_error *err);

/* What text_fold.c asks of the table in text_lower.c: Character.toLowerCase, and the classes that decide on a final sigma. */
enum csi_word_class {
    CSI_WORD_BREAK,
    CSI_WORD_LETTER,
    CSI_WORD_DIGIT,
    CSI_WORD_MARK,          /* belongs to the letter it follows */
    CSI_WORD_FORMAT,        /* is passed over */
    CSI_WORD_JOINS_LETTERS, /* a dash: keeps two letters in one word */
    CSI_WORD_JOINS_DIGITS,  /* a decimal comma */
    CSI_WORD_JOINS_BOTH     /* a full stop or a quotation mark */
};
int32_t csi_code_point_lower(int32_t code_point);
bool csi_code_point_cased(int32_t code_point);
enum csi_word_class csi_code_point_word(int32_t code_point);

/* Lower-case hexadecimal with a final NUL; room for 2 * size + 1. */
void csi_hex(const uint8_t *data, size_t size, char *text);
/* False unless text is exactly 2 * size hexadecimal digits. */
bool csi_unhex(const char *text, uint8_t *data, size_t size);

#endif
