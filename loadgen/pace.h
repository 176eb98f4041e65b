/* pace.h - how far a run is in its schedule: which event is to be sent next, and how many events'
 * time has come, however late the sending is. */
#ifndef WINNOW_PACE_H
#define WINNOW_PACE_H

#include "arrivals.h"
#include "error.h"

#include <stdbool.h>
#include <stdint.h>

/* A walk through the arrivals, at the event that comes next. */
struct pace_walk {
    struct arrivals *arrivals;
    int64_t intended_ns; /* of that event, from the start */
    bool has_next;
};

struct pace {
    uint64_t offered; /* events whose time has come */

    /* Its own. */
    struct pace_walk sending;  /* goes on when an event is sent */
    struct pace_walk offering; /* goes on by the clock alone */
    int64_t start_ns;
    bool stopped;
};

/* settings   checked; borrowed until pace_clear
 *
 * Returns 0, or as arrivals_open and arrivals_next. pace_clear is called in any case. */
int pace_init(struct pace *pace, const struct arrivals_settings *settings, struct why *why);
/* Also takes one that is all zeros. */
void pace_clear(struct pace *pace);

/* Intended times count from here. Before it, and with times before start_ns, nothing else is
 * called. */
void pace_start(struct pace *pace, int64_t start_ns);

/* Nothing more is to be sent, nor offered. */
void pace_stop(struct pace *pace);

/* Whether an event is left to be sent, and whether its time has come. */
bool pace_has_next(const struct pace *pace);
bool pace_is_due(const struct pace *pace, int64_t now_ns);

/* The intended time of that event, from the start. */
int64_t pace_intended_ns(const struct pace *pace);

/* It has been sent: the next one is to be. Returns 0, or as arrivals_next. */
int pace_advance(struct pace *pace, struct why *why);

/* Counts the events whose time has come by now. Returns 0, or as arrivals_next. */
int pace_offer(struct pace *pace, int64_t now_ns, struct why *why);

/* Whether the schedule goes on, be it without an event. */
bool pace_goes_on(const struct pace *pace, int64_t now_ns);

/* For how long the next event to be sent has been due, also after pace_stop; 0 when none is. */
int64_t pace_overdue_ns(const struct pace *pace, int64_t now_ns);

/* How much of the schedule's time has passed by now. */
int64_t pace_passed_ns(const struct pace *pace, int64_t now_ns);

#endif
