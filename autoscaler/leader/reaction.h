/* reaction.h - --react: between two ticks, looks whether what has come since needs more workers.
 * Pure. */
#ifndef WINNOW_REACTION_H
#define WINNOW_REACTION_H

#include <stdbool.h>
#include <stdint.h>

struct reaction {
    int64_t every_ns; /* 0: never */
    int64_t due_ns;   /* when the next question is due */
    bool asking;      /* one is out */
};

/* What is to be done now. While a tick's own question is out there is nothing to do. */
enum reaction_act {
    REACTION_NOTHING,
    REACTION_ASK,    /* ask for what is ready, and tell reaction_next */
    REACTION_DECIDE, /* the answer is there */
};
enum reaction_act reaction_step(struct reaction *reaction, bool ticking, bool answered,
                                int64_t now_ns);

/* When reaction_step is due next; INT64_MAX when it is not. */
int64_t reaction_due_ns(const struct reaction *reaction, bool ticking);

/* The arrival rate to decide by between ticks: at least that of the last tick, and what the events
 * that have arrived since would make it at the next one. Either may be NAN, unknown. */
double reaction_arrival_per_s(double last_per_s, double arrived_msgs, double interval_s);

#endif
