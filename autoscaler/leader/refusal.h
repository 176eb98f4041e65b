/* refusal.h - when to try again what the broker has refused: after growing pauses, and said once.
 * Pure. */
#ifndef WINNOW_REFUSAL_H
#define WINNOW_REFUSAL_H

#include <stdbool.h>
#include <stdint.h>

#define REFUSAL_FIRST_NS   INT64_C(1000000000)
#define REFUSAL_LONGEST_NS INT64_C(30000000000)

/* Starts zeroed. */
struct refusal {
    bool stands;      /* the last attempt was refused */
    int64_t retry_ns; /* no attempt before */
    int64_t pause_ns;
};

/* The broker has refused. True when it did not before, so that it is worth a line of the log. */
bool refusal_begin(struct refusal *refusal, int64_t now_ns);

/* It refuses no more. True when it did. */
bool refusal_end(struct refusal *refusal);

#endif
