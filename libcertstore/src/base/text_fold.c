/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text_fold.c: lower case as Java's String.toLowerCase(Locale.ENGLISH) makes it, one code point at a time, so that aliases are hashed and compared
 * without memory.
 *
 * Two letters depend on more than themselves: U+0130 becomes i U+0307, and a capital sigma becomes the final one when a cased letter stands before
 * it and none after it in the same word, words being those of java.text.BreakIterator: runs of letters and digits, in which a single dash, full stop
 * or quotation mark may stand between two letters, and a single full stop or comma between two digits.
 */
#include "base/text.h"

#include <endian.h>

#include "base/error.h"

enum { CAPITAL_I_DOT = 0x130, DOT_ABOVE = 0x307, CAPITAL_SIGMA = 0x3a3, SMALL_SIGMA = 0x3c3, FINAL_SIGMA = 0x3c2 };

/* Where a word stands after the characters seen so far. */
struct word {
    enum csi_word_class last;   /* CSI_WORD_LETTER or CSI_WORD_DIGIT; CSI_WORD_BREAK: no word yet */
    enum csi_word_class joiner; /* the one that waits for what it joins to; CSI_WORD_BREAK: none */
};

static bool joins(enum csi_word_class joiner, enum csi_word_class left, enum csi_word_class right)
{
    if (joiner == CSI_WORD_BREAK || joiner == CSI_WORD_JOINS_BOTH)
        return joiner == CSI_WORD_BREAK || left == right;
    return left == right && left == (joiner == CSI_WORD_JOINS_LETTERS ? CSI_WORD_LETTER : CSI_WORD_DIGIT);
}

/* Takes a character in; false when a new word begins with it or at it. */
static bool word_step(struct word *word, enum csi_word_class next)
{
    if (next == CSI_WORD_FORMAT || (next == CSI_WORD_MARK && word->joiner == CSI_WORD_BREAK))
        return word->last != CSI_WORD_BREAK;
    if (next == CSI_WORD_LETTER || next == CSI_WORD_DIGIT) {
        bool same = word->last != CSI_WORD_BREAK && joins(word->joiner, word->last, next);
        *word = (struct word){ .last = next };
        return same;
    }
    bool may_join = next != CSI_WORD_BREAK && next != CSI_WORD_MARK && word->last != CSI_WORD_BREAK && word->joiner == CSI_WORD_BREAK;
    *word = may_join ? (struct word){ .last = word->last, .joiner = next } : (struct word){ .last = CSI_WORD_BREAK };
    return may_join;
}

struct lower {
    const uint8_t *at;
    const uint8_t *end;
    int32_t pending;   /* the second half of U+0130; 0: none */
    bool cased_before; /* a cased letter stands before in this word */
    struct word word;
};

static struct lower lower_begin(struct csi_span text)
{
    return (struct lower){ .at = text.data, .end = csi_span_end(text) };
}

/* Whether a cased letter follows in the same word. Stops at the first, so that many sigmas cost no more than the text is long. */
static bool cased_after(struct word word, const uint8_t *at, const uint8_t *end)
{
    while (at < end) {
        int32_t code_point = csi_utf8_next(&at, end);
        if (code_point < 0 || !word_step(&word, csi_code_point_word(code_point)))
            return false;
        if (csi_code_point_cased(code_point))
            return true;
    }
    return false;
}

/* The next code point of the lower-case text; -1 at its end and where it is not our UTF-8 (then l->at is not l->end). */
static int32_t lower_next(struct lower *l)
{
    if (l->pending != 0) {
        int32_t pending = l->pending;
        l->pending = 0;
        return pending;
    }
    int32_t code_point = csi_utf8_next(&l->at, l->end);
    if (code_point < 0)
        return -1;
    bool cased_before = word_step(&l->word, csi_code_point_word(code_point)) && l->cased_before;
    l->cased_before = cased_before || csi_code_point_cased(code_point);
    if (code_point == CAPITAL_SIGMA)
        return cased_before && !cased_after(l->word, l->at, l->end) ? FINAL_SIGMA : SMALL_SIGMA;
    if (code_point == CAPITAL_I_DOT) {
        l->pending = DOT_ABOVE;
        return 'i';
    }
    return csi_code_point_lower(code_point);
}

static uint8_t ascii_lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

bool csi_text_lower(struct csi_span in, struct csi_buf *out)
{
    if (csi_text_ascii(in)) {
        uint8_t *room = csi_buf_reserve(out, in.size);
        for (size_t i = 0; room != NULL && i < in.size; i++)
            room[i] = ascii_lower(in.data[i]);
        out->size += room != NULL ? in.size : 0;
        return true;
    }
    struct lower l = lower_begin(in);
    for (int32_t code_point = lower_next(&l); code_point >= 0; code_point = lower_next(&l))
        csi_utf8_put(out, code_point);
    return l.at == l.end;
}

/* SipHash-1-3 (Aumasson and Bernstein, 2012): whoever writes a store chooses its aliases, and must not be able to choose them all into one slot. */
struct sip {
    uint64_t v[4];
    uint64_t word;
    size_t size;
};

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32) + v[3];
    v[2] += v[1];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static void sip_word(struct sip *sip)
{
    sip->v[3] ^= sip->word;
    sip_round(sip->v);
    sip->v[0] ^= sip->word;
    sip->word = 0;
}

static struct sip sip_begin(const struct csi_hash_key *key)
{
    return (struct sip){ .v = { key->k0 ^ 0x736f6d6570736575u, key->k1 ^ 0x646f72616e646f6du, key->k0 ^ 0x6c7967656e657261u,
                                key->k1 ^ 0x7465646279746573u } };
}

static void sip_put(struct sip *sip, uint8_t byte)
{
    sip->word |= (uint64_t)byte << 8 * (sip->size % 8);
    if (++sip->size % 8 == 0)
        sip_word(sip);
}

static uint32_t sip_end(struct sip *sip)
{
    sip->word |= (uint64_t)(sip->size & 0xff) << 56;
    sip_word(sip);
    sip->v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(sip->v);
    return (uint32_t)(sip->v[0] ^ sip->v[1] ^ sip->v[2] ^ sip->v[3]);
}

/* Eight ASCII characters in lower case at once: the top bit of a sum tells whether a character reaches a bound, and 0x20 is a quarter of it. */
static uint64_t ascii_lower_word(uint64_t word)
{
    const uint64_t ones = UINT64_MAX / 0xff;
    const uint64_t from_a = word + ones * (0x80 - 'A');
    const uint64_t past_z = word + ones * (0x80 - 'Z' - 1);
    return word | (from_a & ~past_z & ones * 0x80) >> 2;
}

/* lower: the text is ASCII, and counts in lower case. */
static uint32_t hash_bytes(const struct csi_hash_key *key, struct csi_span text, bool lower)
{
    struct sip sip = sip_begin(key);
    size_t at = 0;
    for (; text.size - at >= 8; at += 8) {
        memcpy(&sip.word, text.data + at, 8);
        sip.word = lower ? ascii_lower_word(le64toh(sip.word)) : le64toh(sip.word);
        sip_word(&sip);
    }
    sip.size = at;
    for (; at < text.size; at++)
        sip_put(&sip, lower ? ascii_lower(text.data[at]) : text.data[at]);
    return sip_end(&sip);
}

uint32_t csi_alias_hash(enum csi_alias_rule rule, const struct csi_hash_key *key, const char *alias)
{
    struct csi_span text = csi_span_text(alias);
    if (rule == CSI_ALIAS_EXACT)
        return hash_bytes(key, text, false);
    if (csi_text_ascii(text))
        return hash_bytes(key, text, true);
    struct sip sip = sip_begin(key);
    struct lower l = lower_begin(text);
    for (int32_t code_point = lower_next(&l); code_point >= 0; code_point = lower_next(&l)) {
        if (code_point < 0x80) { /* as above: U+212A, the Kelvin sign, becomes an ordinary k */
            sip_put(&sip, (uint8_t)code_point);
            continue;
        }
        for (int shift = 0; shift < 24; shift += 8)
            sip_put(&sip, (uint8_t)(code_point >> shift));
    }
    return l.at == l.end ? sip_end(&sip) : hash_bytes(key, text, false);
}

bool csi_alias_equal(enum csi_alias_rule rule, const char *a, const char *b)
{
    if (strcmp(a, b) == 0)
        return true;
    if (rule == CSI_ALIAS_EXACT)
        return false;
    struct lower left = lower_begin(csi_span_text(a));
    struct lower right = lower_begin(csi_span_text(b));
    int32_t code_point;
    do {
        code_point = lower_next(&left);
        if (code_point != lower_next(&right))
            return false;
    } while (code_point >= 0);
    return left.at == left.end && right.at == right.end; /* what is not our UTF-8 only equals itself */
}

char *csi_alias_fold(enum csi_alias_rule rule, const char *alias, certstore_error *err)
{
    if (rule == CSI_ALIAS_EXACT)
        return csi_strdup(alias, err);
    CSI_AUTO_BUF lower = { 0 };
    if (!csi_text_lower(csi_span_text(alias), &lower))
        return csi_strdup(alias, err);
    if (csi_buf_check(&lower, err) != CERTSTORE_OK)
        return NULL;
    return csi_strndup((const char *)lower.data, lower.size, err);
}
