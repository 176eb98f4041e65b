/* matcher_compile.h - a word list on its way to an image. matcher_compile.c drafts its entries,
 * matcher_tree.c makes the tree of them, matcher_image.c writes it all down. Pure. */
#ifndef WINNOW_MATCHER_COMPILE_H
#define WINNOW_MATCHER_COMPILE_H

#include "folding.h"
#include "matcher_image.h"

/* Bytes that are appended to. */
struct texts {
    uint8_t *bytes;
    size_t length;
    size_t capacity;
};

/* An entry while it is compiled. */
struct draft {
    const uint8_t *skeleton; /* in compiler.texts, once that grows no more */
    uint32_t at;             /* of the skeleton in compiler.texts */
    uint32_t length;
    int32_t severity;
    struct image_entry entry;
};

struct compiler {
    enum matcher_level level;
    uint8_t table[256]; /* of folding_table */
    struct folded folded;

    /* What goes into the image. */
    struct image_header header;
    struct texts texts;
    struct image_source *sources;
    size_t source_count;
    struct draft *drafts; /* sorted by skeleton before the tree is made */
    size_t draft_count;
    struct image_node *nodes;
    uint8_t *firsts;
    size_t node_count;
    struct image_trail *trails;
    uint32_t *repeats;
    size_t repeat_count;
};

/* Makes an image of a list, for the caller to free, aligned to 64. 0, -ERR_INVALID when the list is
 * too large, or -ERR_MEMORY. */
int matcher_compile(const struct wordlist *list, enum matcher_level level, void **image,
                    size_t *length);

/* Makes the tree of the sorted drafts, and the trails of its long labels. 0 or -ERR_MEMORY. */
int matcher_tree_build(struct compiler *compiler);

/* Writes the image of what has been compiled. 0 or -ERR_MEMORY. */
int matcher_image_write(struct compiler *compiler, void **image);

#endif
