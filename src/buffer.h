/* buffer.h - a byte buffer that grows and is kept. */
#ifndef WINNOW_BUFFER_H
#define WINNOW_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

/* Makes room for `needed` bytes, keeping what is there. *buffer is NULL or from here, and freed with free().
 * False when out of memory; the buffer is then as it was. */
bool buffer_reserve(char **buffer, size_t *capacity, size_t needed);

#endif
