/* matcher_image.h - the compiled form of a word list: one block of bytes without addresses. The
 * files of matcher_compile.h write it, those of matcher_search.h read it. Pure.
 *
 * An entry is reduced to its skeleton: folded, passed through folding_table, and with one letter
 * for each run of the same where the level lets letters repeat. The skeletons are in a radix tree;
 * entries with the same skeleton lie together. Before the tree is walked from a place in a text, a
 * bit map of keys tells whether an entry may begin there at all: a key is made of the first bytes
 * of a word, up to KEY_BYTES. */
#ifndef WINNOW_MATCHER_IMAGE_H
#define WINNOW_MATCHER_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A node of the tree, with its label: the bytes that lead to it from its parent but for the first,
 * which is in image_header.firsts. */
struct image_node {
    uint32_t label; /* in texts */
    uint32_t label_length;
    uint32_t child; /* the first of its children, which lie together, sorted by their first byte */
    uint32_t child_count;
    uint32_t entry; /* the first of the entries whose skeleton ends here, most severe first */
    uint32_t entry_count;
};

/* Labels from this length on have a trail (matcher_trail.h). */
#define LONG_LABEL 64

struct image_trail {
    uint32_t node;
    /* Index in repeats. There stands for each byte of the label how many bytes from there on are
     * the same as at the label's beginning. */
    uint32_t repeats;
};

struct image_entry {
    uint32_t index; /* in the word list */
    /* In texts: what has to be compared because the skeleton does not tell it. For MATCHER_EXACT it
     * is a byte for each i, a value of dotted_i.h; for MATCHER_LOOSE the folded entry. */
    uint32_t check;
    uint32_t check_length; /* 0 when there is nothing to compare */
    uint32_t letters;      /* characters of the skeleton; 0 when it has a space */
    bool open_start;       /* needs no word boundary there */
    bool open_end;
    bool allowed;
    /* There is no need to compare: for MATCHER_EXACT because all i are plain ones, if the text is
     * ASCII; for MATCHER_LOOSE because no letter stands for another, if none is hidden. */
    bool skeleton_tells;
};

/* By index in the word list. */
struct image_source {
    uint32_t text; /* in texts */
    uint32_t length;
    uint32_t file;
    uint32_t line;
    int32_t severity;
};

/* The image begins with this. Offsets are from the image's beginning, in bytes. */
struct image_header {
    uint64_t magic;
    uint32_t version;
    uint32_t level;
    uint32_t unicode; /* version of the library that folded the entries */
    uint32_t check;   /* a hash of this header, computed with 0 here */
    uint64_t length;  /* of the whole image */
    uint64_t nodes;
    uint64_t firsts; /* by node: the first byte that leads to it */
    uint64_t entries;
    uint64_t sources;
    uint64_t keys; /* bit map, by hash_key */
    uint64_t texts;
    uint64_t trails; /* sorted by node */
    uint64_t repeats;
    uint32_t trail_count;
    uint32_t source_count;
    uint32_t key_bits;      /* log2 of the number of bits in keys */
    uint8_t prefix_lengths; /* bit n: an entry of n + 1 bytes lets a word go on behind it */
    bool any_allowed;

    /* Of entries that begin with an ASCII character and may do so inside a word. */
    bool any_inside;
    uint8_t inside_length; /* 1 .. 3: so many of their first bytes are a key too */
    uint8_t pairs[8192];   /* bit map of their first two bytes */

    /* Bit map of the ASCII characters that are no part of a word and begin an entry. */
    uint8_t signs[32];
    uint8_t first_bytes[32]; /* bit map of the first bytes of the entries of any_inside */
    bool any_sign;           /* signs is not empty */
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

/* The key of so many bytes, 1 .. KEY_BYTES, the first lowest. Bit 5 of each is set, which makes
 * letters small. */
static inline uint64_t make_key(uint64_t bytes, size_t length)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): length is not 0. */
    return (bytes | UINT64_C(0x2020202020202020)) & UINT64_MAX >> (64 - 8 * length);
}

/* The place of a key in the bit map. shift is 64 - key_bits. */
static inline size_t hash_key(uint64_t key, unsigned shift)
{
    return (size_t)((key ^ key >> 29) * UINT64_C(0x9e3779b97f4a7c15) >> shift);
}

/* Whether bytes, aligned to 8, begin with the header of an image that this build wrote on a machine
 * like this, and are as long as that says. */
bool matcher_image_is_sound(const void *bytes, size_t length);

#endif
