/* matcher_image.h - the compiled form of a word list, between matcher_compile.c that writes it and the
 * files of the matcher that read it.
 *
 * An entry is reduced to its skeleton: folded, passed through folding_table, and with one letter for a run of
 * the same where the level lets letters repeat. The skeletons are in a radix tree; the entries of one skeleton
 * lie together. Before the tree is asked, a bit map says whether an entry may begin here at all, by
 * the key of what stands here. */
#ifndef WINNOW_MATCHER_IMAGE_H
#define WINNOW_MATCHER_IMAGE_H

#include "folding.h"
#include "matcher.h"

#include <stdbool.h>
#include <stdint.h>

#define IMAGE_MAGIC   UINT64_C(0x31747366776f6e77)
#define IMAGE_VERSION 3

/* A tree node: the bytes that lead to it from its parent, after the first, which is in firsts. */
struct image_node {
    uint32_t label; /* in texts */
    uint32_t label_length;
    uint32_t child; /* the first of its children, which lie together, sorted by first byte */
    uint32_t child_count;
    uint32_t entry; /* the first of the entries whose skeleton ends here, most severe first */
    uint32_t entry_count;
};

/* Labels from this length on have a trail (matcher_trail.h). */
#define LONG_LABEL 64

struct image_trail {
    uint32_t node;
    uint32_t
        repeats; /* index in repeats. There, by byte of the label: how many from there on are the same as
                         at its beginning */
};

struct image_entry {
    uint32_t index;        /* in the word list */
    uint32_t check;        /* in texts: what the skeleton does not tell; */
    uint32_t check_length; /* 0 when it tells all */
    uint32_t letters;      /* characters of the skeleton; 0 when it has a space */
    bool open_start;       /* needs no word boundary there */
    bool open_end;
    bool allowed;
    bool has_dots; /* MATCHER_EXACT: has an i, so that a text that is not ASCII needs the check */
};

/* By index in the word list. */
struct image_source {
    uint32_t text; /* in texts */
    uint32_t length;
    uint32_t file;
    uint32_t line;
    int32_t severity;
};

/* All offsets are from the image's beginning, in bytes. */
struct image_header {
    uint64_t magic;
    uint32_t version;
    uint32_t level;
    uint32_t unicode; /* of the library that folded the entries */
    uint32_t check;   /* of this header, with 0 here */
    uint64_t length;  /* of the whole image */
    uint64_t nodes;
    uint64_t firsts; /* by node: the first byte that leads to it */
    uint64_t entries;
    uint64_t sources;
    uint64_t keys; /* bit map by hash_key */
    uint64_t texts;
    uint64_t trails; /* by node */
    uint64_t repeats;
    uint32_t trail_count;
    uint32_t source_count;
    uint32_t key_bits;      /* log2 of the size of keys */
    uint8_t prefix_lengths; /* bit n: an entry that lets a word go on after its n + 1 bytes */
    bool any_allowed;
    bool any_inside; /* an entry that may begin inside a word begins with an ASCII character */
    uint8_t inside_length; /* of the keys by which those are in keys too: 1 .. 3 */
    uint8_t pairs[8192];   /* bit map of the first two bytes of those */
    uint8_t signs
        [32]; /* bit map of the ASCII characters that are no part of a word and begin an entry */
    uint8_t first_bytes[32]; /* bit map of the bytes that begin an entry of those of any_inside */
    bool any_sign;
};

#define KEY_BYTES 8

static inline bool has_bit(const uint8_t *map, size_t bit)
{
    return map[bit >> 3] >> (bit & 7) & 1;
}

static inline void set_bit(uint8_t *map, size_t bit)
{
    map[bit >> 3] |= (uint8_t)(1U << (bit & 7));
}

/* The place in the bit map of a key: up to 8 bytes, the first lowest, the rest 0, each with bit 5 set. shift is
 * 64 - key_bits. */
static inline size_t hash_key(uint64_t key, unsigned shift)
{
    return (size_t)((key ^ key >> 29) * UINT64_C(0x9e3779b97f4a7c15) >> shift);
}

/* The key of so many bytes; length is 1 .. KEY_BYTES. */
static inline uint64_t make_key(uint64_t bytes, size_t length)
{
    return (bytes | UINT64_C(0x2020202020202020)) & UINT64_MAX >> (64 - 8 * length);
}

static inline bool is_word_byte(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') ||
           byte == '_';
}

/* Signs that MATCHER_LOOSE takes for letters. */
static inline bool is_letter_sign(uint8_t byte)
{
    return byte == '@' || byte == '$' || byte == '!';
}

/* How many bytes the character has that begins with this byte, in a folded text. */
static inline size_t character_size(uint8_t first)
{
    return first < 0xc0 || first == 0xff ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* Fills in what matcher_from_image looks at. */
void matcher_seal(struct image_header *header);

/* A matcher that frees its image; on failure that is freed too. */
int matcher_own(void *image, size_t length, struct matcher **matcher);

#endif
