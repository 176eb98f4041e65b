/* matcher_cluster.h - characters as a person counts them: a letter with its accents, a flag, an
 * emoji family are one each (grapheme clusters). For the files of the matcher. Pure. */
#ifndef WINNOW_MATCHER_CLUSTER_H
#define WINNOW_MATCHER_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where characters begin in a part of a text. Starts from {0}; memory is kept for the next use, and
 * the caller frees `begins`. */
struct cluster_breaks {
    char *begins; /* by byte, 1 or 0 */
    size_t capacity;
};

/* Widens a stretch of a text to whole characters. One that begins with the second half of a flag is
 * none, because it took two flags apart.
 *
 * least       a place up to *start where a character begins
 * start, end  changed only when true is returned
 *
 * Returns whether it is a stretch. Takes time in the length of the characters at its ends and of
 * the stretch. Without memory it stays as it is. */
bool matcher_cluster_widen(const uint8_t *text, size_t length, size_t least,
                           struct cluster_breaks *breaks, uint32_t *start, uint32_t *end);

#endif
