/* buffer.h - a byte buffer that grows and is kept. */
#ifndef WINNOW_BUFFER_H
#define WINNOW_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

/* Makes the buffer at least `needed` bytes long and keeps what is in it. *buffer is NULL or was
 * made by this function; the caller frees it with free().
 *
 * Returns false when out of memory; the buffer is then as it was. */
bool buffer_reserve(char **buffer, size_t *capacity, size_t needed);

/* The same for a buffer to which much is added bit by bit: it grows by half at least. */
bool buffer_extend(char **buffer, size_t *capacity, size_t needed);

#endif
