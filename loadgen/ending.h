/* ending.h - when a run is over. Pure.
 *
 * After its schedule a run waits for what is still to come, as long as anything happens. A first
 * signal leaves it a few seconds, a second one none. */
#ifndef WINNOW_ENDING_H
#define WINNOW_ENDING_H

#include "ledger.h"

#include <stdbool.h>
#include <stdint.h>

/* After a signal, so long for confirms and answers. */
#define ENDING_STOP_NS INT64_C(5000000000)

/* When every event has been answered, so long for another answer, which would be a duplicate. */
#define ENDING_LINGER_NS INT64_C(250000000)

/* A count, and when it last changed. */
struct ending_change {
    uint64_t count;
    int64_t at_ns;
};

struct ending {
    int64_t patience_ns; /* so long without anything happening is the end */
    bool verify;         /* answers are waited for */

    bool stopping; /* after a signal ... */
    int64_t stopped_ns;

    /* Its own. */
    bool at_once;
    bool held;
    struct ending_change happened; /* whatever it was, to any event */
    struct ending_change answers;
};

/* The run starts. */
void ending_start(struct ending *ending, int64_t now_ns);

/* How things are.
 *
 * held   the broker blocks a connection, or one is away; such time does not count as time in which
 *        nothing happens */
void ending_note(struct ending *ending, const struct ledger_counts *counts, bool held,
                 int64_t now_ns);

/* A signal. Returns true for the first one. */
bool ending_signal(struct ending *ending, int64_t now_ns);

/* scheduled   the schedule goes on
 * unsettled   events that are still to be sent, or to be confirmed; of no matter while it does */
bool ending_reached(const struct ending *ending, const struct ledger_counts *counts, bool scheduled,
                    uint64_t unsettled, int64_t now_ns);

#endif
