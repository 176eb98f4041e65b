/* fingerprint.h - tells one event from all others, in the same way however often and by whatever
 * kind of queue it is delivered. Pure. */
#ifndef WINNOW_FINGERPRINT_H
#define WINNOW_FINGERPRINT_H

#include "scoreboard.h"

#include <stddef.h>

/* Of an event's properties, as they stand in the frame, and its body. Never 0,0.
 *
 * What a broker adds or changes between two deliveries does not count: the headers that count
 * deliveries and deaths, and the order and the integer types of the others. Of headers that are
 * tables, arrays, decimals or floating-point numbers only the name counts. Nothing is decoded: what
 * is nested costs neither time nor stack. Properties that cannot be read count byte by byte. */
struct scoreboard_fingerprint fingerprint_of(const void *properties, size_t properties_length,
                                             const void *body, size_t body_length);

#endif
