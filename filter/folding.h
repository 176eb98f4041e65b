/* folding.h - texts as the matcher compares them: what makes letters equal. Pure. */
#ifndef WINNOW_FOLDING_H
#define WINNOW_FOLDING_H

#include "matcher.h"

#include <stddef.h>
#include <stdint.h>

/* A text folded: UTF-8 in normalisation form D, folded as the level says but for what folding_table
 * does byte by byte. One space stands for a run of white space, and 0xff for a byte that is not
 * UTF-8. Keep one and reuse it: its memory grows to the longest text and stays. */
struct folded {
    uint8_t *bytes;
    /* By byte: where in the text the character begins, with all that continues it, from which the
     * byte comes; offsets[length] is the text's length. */
    uint32_t *offsets;
    size_t length;
    size_t capacity;
    struct folding_cache *cache; /* single characters that were folded before */
};

/* How many bytes the character of a folded text has that begins with this byte. */
static inline size_t folded_size(uint8_t first)
{
    return first < 0xc0 || first == 0xff ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

void folding_init(struct folded *folded);
void folding_clear(struct folded *folded);

/* Folds a text of less than 1 GiB. MATCHER_LOOSE folds like MATCHER_FOLDED but for signs that are
 * not ASCII: what stands for an ASCII one is in folding_table, not here.
 *
 * Returns 0, or -ERR_MEMORY. */
int folding_fold(enum matcher_level level, const uint8_t *text, size_t length,
                 struct folded *folded);

/* By byte of a folded text, the byte as which it is compared: the small letter for a capital one, a
 * space for white space, and for MATCHER_LOOSE one letter for all that may stand for each other
 * (disguises.h): i for l, 1 and ! too. */
void folding_table(enum matcher_level level, uint8_t table[256]);

#endif
