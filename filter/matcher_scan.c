/* matcher_scan.c - finds the places of a view where entries may begin. Most of a text costs no more
 * than this. Pure. */
#include "matcher_kinds.h"
#include "matcher_search.h"
#include "matcher_trail.h"

#include <string.h>

/* ---- whether an entry may begin at a place ---- */

static bool is_key(const struct matcher *matcher, uint64_t bytes, size_t length)
{
    return has_bit(matcher->keys,
                   hash_key(make_key(bytes, length), 64 - matcher->header->key_bits));
}

/* The 8 bytes from a place in the view, the first lowest; 0 where it has fewer. */
static inline uint64_t load_bytes(const struct view *view, size_t at)
{
    uint64_t bytes = 0;

    if (at + 8 <= view->length)
        memcpy(&bytes, view->bytes + at, 8);
    else
        memcpy(&bytes, view->bytes + at, view->length - at);
    return bytes;
}

/* Whether a word of so many bytes may begin with an entry that lets it go on. */
static bool is_prefix_key(const struct matcher *matcher, uint64_t bytes, size_t length)
{
    for (unsigned lengths = matcher->header->prefix_lengths; lengths; lengths &= lengths - 1) {
        size_t prefix = (size_t)__builtin_ctz(lengths) + 1;
        if (prefix < length && is_key(matcher, bytes, prefix))
            return true;
    }
    return false;
}

/* Whether an entry may begin with the word that begins here. */
static bool is_first_word(const struct matcher *matcher, const struct view *view, size_t begin)
{
    uint64_t bytes = load_bytes(view, begin);
    size_t length = 0;

    while (length < KEY_BYTES && begin + length < view->length &&
           is_word_byte(view->bytes[begin + length]))
        length++;
    return is_key(matcher, bytes, length) || is_prefix_key(matcher, bytes, length);
}

/* Whether what begins here in a folded text is of no word there, though its folded form may be. */
static bool is_folded_sign(const struct view *view, size_t at)
{
    return view->offsets && view->text[view->offsets[at]] >= 0x80 &&
           matcher_view_class_after(view, at) == CLASS_OTHER;
}

/* The same for MATCHER_LOOSE: a repeated letter counts once, and each sign that may be a letter may
 * also end the word. */
static bool is_first_loose_word(const struct matcher *matcher, const struct view *view,
                                size_t begin)
{
    uint64_t bytes = 0;
    size_t length = 0;
    uint8_t last = 0;

    for (size_t at = begin; at < view->length && length < KEY_BYTES; at++) {
        uint8_t byte = view->bytes[at];
        bool is_sign = is_letter_sign(byte) || is_folded_sign(view, at);
        if (!is_sign && !is_letter_byte(byte))
            break;
        if (is_sign && length > 0 && is_key(matcher, bytes, length))
            return true;
        byte = matcher->table[byte];
        if (byte != last)
            bytes |= (uint64_t)byte << 8 * length++;
        last = byte;
    }
    return is_key(matcher, bytes, length) || is_prefix_key(matcher, bytes, length);
}

/* Whether an entry that may begin inside a word may begin here. Not for MATCHER_LOOSE. */
static bool is_inside_key(const struct matcher *matcher, const struct view *view, size_t at)
{
    const struct image_header *header = matcher->header;
    const uint8_t *bytes = view->bytes + at;
    size_t left = view->length - at, length = header->inside_length;

    if (left < length || !has_bit(header->pairs, bytes[0] | (left > 1 ? bytes[1] : 0U) << 8))
        return false;
    return is_key(matcher, load_bytes(view, at), length);
}

/* Whether the character here repeats the one before it. MATCHER_LOOSE takes both for one, so
 * nothing begins with it. */
static inline bool is_repeated(const struct view *view, const uint8_t *table, size_t at)
{
    const uint8_t *bytes = view->bytes + at;
    size_t size = folded_size(*bytes);

    return at >= size &&
           (size == 1 ? table[bytes[-1]] == table[*bytes] : memcmp(bytes - size, bytes, size) == 0);
}

/* ---- any text at any level, a character at a time ---- */

/* Whether an entry may begin with the ASCII character here; after_word tells whether the character
 * before it is of a word. */
static inline bool may_begin_ascii(const struct matcher *matcher, const struct view *view,
                                   size_t at, bool after_word)
{
    const struct image_header *header = matcher->header;
    const bool is_loose = matcher->level == MATCHER_LOOSE;
    uint8_t byte = view->bytes[at];
    bool may_begin;

    if (is_loose && is_repeated(view, matcher->table, at))
        return false;
    if (is_loose ? is_letter_byte(byte) || is_letter_sign(byte) : is_word_byte(byte))
        may_begin = !after_word && (is_loose ? is_first_loose_word(matcher, view, at)
                                             : is_first_word(matcher, view, at));
    else
        may_begin = header->any_sign && has_bit(header->signs, byte);
    if (may_begin || !header->any_inside)
        return may_begin;
    return is_loose ? has_bit(header->first_bytes, matcher->table[byte])
                    : is_inside_key(matcher, view, at);
}

static void scan_characters(struct search *search)
{
    const struct matcher *matcher = search->matcher;
    const struct view *view = &search->view;
    const bool is_loose = matcher->level == MATCHER_LOOSE;
    bool after_word = false;

    for (size_t at = 0, size; at < view->length && !search->error; at += size) {
        uint8_t byte = view->bytes[at];
        bool may_begin;
        if (byte < 0x80) {
            size = 1;
            may_begin = may_begin_ascii(matcher, view, at, after_word);
            after_word =
                is_loose ? is_letter_byte(byte) && !is_folded_sign(view, at) : is_word_byte(byte);
        } else {
            size = folded_size(byte);
            may_begin = byte != 0xff && is_key(matcher, load_bytes(view, at), size) &&
                        !(is_loose && is_repeated(view, matcher->table, at));
            after_word = false;
        }
        if (may_begin)
            matcher_walk(search, at);
    }
}

/* ---- ASCII texts and lists whose entries begin where words do, 64 characters at a time ---- */

/* Of the words that begin in a block of 64 characters, bit n: with the word that begins at n an
 * entry may begin. The 8 bytes from each start have to be there.
 *
 * starts  bit n: a word begins at n
 * words   bit n: character n is of a word
 * next    the same for the block that follows
 *
 * Most words begin no entry, so nothing branches on what is found. */
static inline uint64_t match_keys(const struct matcher *matcher, const uint8_t *block,
                                  uint64_t starts, uint64_t words, uint64_t next)
{
    const uint8_t *keys = matcher->keys;
    const unsigned shift = 64 - matcher->header->key_bits;
    uint64_t found = 0;

    for (; starts; starts &= starts - 1) {
        unsigned start = (unsigned)__builtin_ctzll(starts);
        uint64_t rest = words >> start | next << 1 << (63 - start), bytes;
        size_t length = (size_t)__builtin_ctzll(~(rest & 0xff));
        memcpy(&bytes, block + start, sizeof bytes);
        found |= (uint64_t)has_bit(keys, hash_key(make_key(bytes, length), shift)) << start;
    }
    return found;
}

static void scan_words(struct search *search)
{
    const struct matcher *matcher = search->matcher;
    const struct view *view = &search->view;
    const bool has_prefixes = matcher->header->prefix_lengths != 0;
    uint64_t words = kind_mask(view, 0, KIND_LETTER | KIND_UNDERSCORE), before = 0;

    for (size_t at = 0; at < view->length; at += 64) {
        uint64_t next = kind_mask(view, at + 64, KIND_LETTER | KIND_UNDERSCORE);
        uint64_t starts = words & ~(words << 1 | before), found;
        if (has_prefixes) {
            found = 0;
            for (; starts; starts &= starts - 1) {
                unsigned start = (unsigned)__builtin_ctzll(starts);
                found |= (uint64_t)is_first_word(matcher, view, at + start) << start;
            }
        } else if (at + 64 + 8 <= view->length) {
            found = match_keys(matcher, view->bytes + at, starts, words, next);
        } else {
            uint8_t rest[64 + 8] = {0};
            memcpy(rest, view->bytes + at, view->length - at);
            found = match_keys(matcher, rest, starts, words, next);
        }
        for (; found; found &= found - 1)
            matcher_walk(search, at + (unsigned)__builtin_ctzll(found));
        before = words >> 63;
        words = next;
    }
}

/* ---- the same for MATCHER_LOOSE ---- */

/* Takes each byte out that follows an equal one. Bit 7 of byte n is set in repeats when the bytes n
 * and n + 1 are equal. */
static inline uint64_t drop_repeated(uint64_t bytes, uint64_t repeats, size_t *length)
{
    for (; repeats; --*length) {
        /* From the last one on, so that the places of the others stay. */
        unsigned bit = 63 - (unsigned)__builtin_clzll(repeats);
        uint64_t kept = (UINT64_C(2) << bit) - 1;
        bytes = (bytes & kept) | (bytes >> 8 & ~kept);
        repeats ^= UINT64_C(1) << bit;
    }
    return bytes;
}

/* 64 characters of a view and the 64 that follow, all folded. Bit n of a mask: character n is a
 * letter or a digit, or it is a sign that may be a letter. */
struct loose_block {
    uint64_t words, signs, next_words, next_signs;
    uint8_t folded[128];
};

/* Goes on by 64 characters; `next` is where the second half then begins. */
static inline void read_block(const struct view *view, size_t next, struct loose_block *block)
{
    uint8_t rest[64];
    const uint8_t *from = whole_block(view, next, rest);

    block->words = block->next_words;
    block->signs = block->next_signs;
    block->next_words = block_mask(from, KIND_LETTER);
    block->next_signs = block_mask(from, KIND_SIGN);
    memcpy(block->folded, block->folded + 64, 64);
    for (unsigned i = 0; i < 64; i += LANE)
        fold_lane(from + i, block->folded + 64 + i);
}

/* 8 bits of two masks that follow each other, from bit n of the first. */
static inline uint64_t next_bits(uint64_t mask, uint64_t next, unsigned n)
{
    return (mask >> n | next << 1 << (63 - n)) & 0xff;
}

/* is_first_loose_word for a word of nothing but letters, all of whose bytes are handled at once: 1,
 * 0, or -1 when this cannot tell. It cannot for other words, nor for long ones with a letter twice
 * in a row. */
static inline int is_plain_loose_word(const struct matcher *matcher,
                                      const struct loose_block *block, unsigned start)
{
    uint64_t folded;
    size_t length = (size_t)__builtin_ctzll(~next_bits(block->words, block->next_words, start));
    memcpy(&folded, block->folded + start, sizeof folded);
    uint64_t whole = UINT64_MAX >> (64 - 8 * length);
    uint64_t pairs = (folded ^ folded >> 8) & 0x7f * LOW_BITS;
    uint64_t repeats = ~(pairs + 0x7f * LOW_BITS) & HIGH_BITS & whole >> 8;
    uint64_t no_letter = ~folded & 0x40 * LOW_BITS & whole;

    if (no_letter || (repeats && length == KEY_BYTES))
        return -1;
    folded = drop_repeated(folded & whole, repeats, &length);
    return is_key(matcher, folded, length) || is_prefix_key(matcher, folded, length);
}

static void scan_loose_words(struct search *search)
{
    const struct matcher *matcher = search->matcher;
    const struct view *view = &search->view;
    struct loose_block block = {0};
    uint64_t word_before = 0, sign_before = 0;

    read_block(view, 0, &block);
    for (size_t at = 0; at < view->length; at += 64) {
        read_block(view, at + 64, &block);
        uint64_t starts = (block.words | block.signs) & ~(block.words << 1 | word_before);
        /* What follows a sign may repeat it. */
        uint64_t after_signs = block.signs << 1 | sign_before;
        for (; starts; starts &= starts - 1) {
            unsigned start = (unsigned)__builtin_ctzll(starts);
            int is_first = -1;
            if (!next_bits(block.signs, block.next_signs, start) && !(after_signs >> start & 1))
                is_first = is_plain_loose_word(matcher, &block, start);
            if (is_first < 0)
                is_first = !is_repeated(view, matcher->table, at + start) &&
                           is_first_loose_word(matcher, view, at + start);
            if (is_first)
                matcher_walk(search, at + start);
        }
        word_before = block.words >> 63;
        sign_before = block.signs >> 63;
    }
}

/* ---- what is spelled out ---- */

/* Anything may begin and end anywhere within it. */
static void scan_spelled(struct search *search)
{
    const struct view *view = &search->view;

    for (size_t at = 0; at < view->length && !search->error; at += folded_size(view->bytes[at]))
        if (!is_repeated(view, search->matcher->table, at))
            matcher_walk(search, at);
}

void matcher_scan(struct search *search)
{
    const struct image_header *header = search->matcher->header;

    search->error = matcher_trail_begin(search);
    if (search->error)
        return;
    if (search->view.is_spelled)
        scan_spelled(search);
    else if (search->view.offsets || header->any_inside || header->any_sign)
        scan_characters(search);
    else if (search->matcher->level == MATCHER_LOOSE)
        scan_loose_words(search);
    else
        scan_words(search);
}
