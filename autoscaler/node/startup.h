/* startup.h - how long a worker takes from its start until it consumes. Pure. */
#ifndef WINNOW_STARTUP_H
#define WINNOW_STARTUP_H

#include <stddef.h>
#include <stdint.h>

/* So many starts are remembered: the median follows a change after three of them, and one that was
 * unlucky changes nothing. */
#define STARTUP_MOST 5

/* Starts zeroed. */
struct startup {
    int64_t last_ns[STARTUP_MOST];
    size_t count; /* of all starts */
};

/* A worker took so long, >= 0. */
void startup_note(struct startup *startup, int64_t took_ns);

/* The median of the last starts, of two in the middle the shorter, in seconds; NAN before the
 * first. */
double startup_median_s(const struct startup *startup);

#endif
