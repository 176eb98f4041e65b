/* phase.h - one stretch of a schedule: a rate that goes in a straight line or in waves, and bursts
 * on top. Pure.
 *
 *    straight             waves, ~             bursts, +
 *    rate                 rate                 rate
 *      |      /|            |   _     _          |  |     |
 *      |    /  |        to  |  / \   / \         |  |     |
 *      |  /    |            | /   \ /   \        |__|_____|___  COUNT events at once at 0, EVERY,
 *      |/______|__ time from|/_____v_____\_      |            2 EVERY ... before the end
 *                           |<---->| PERIOD
 */
#ifndef WINNOW_PHASE_H
#define WINNOW_PHASE_H

#include "error.h"

#include <stdint.h>

#define PHASE_MAX_PER_S 1e9 /* one event a nanosecond */

struct phase {
    double duration_s;    /* >= 0 */
    double from_per_s;    /* 0 .. PHASE_MAX_PER_S: the rate at the start */
    double to_per_s;      /* the same at its end, or in waves half a period later */
    double period_s;      /* of a sine from from_per_s to to_per_s and back; 0: a straight line */
    uint64_t burst_msgs;  /* events of one burst, all at the same time; 0: no bursts */
    double burst_every_s; /* from one burst to the next; 0: no bursts */
};

/* 0, or -ERR_INVALID when a member is negative, not finite or beyond its range, the bursts on
 * average as well. The duration may be anything. */
int phase_check(const struct phase *phase, struct why *why);

/* Below, t_s is from the start of the phase, 0 .. duration_s; and all but the last two leave the
 * bursts out. */

double phase_rate_per_s(const struct phase *phase, double t_s);

/* The integral of the rate from 0 to t_s. */
double phase_events(const struct phase *phase, double t_s);

/* When that integral reaches `events`, 0 <= events <= phase_events(duration_s). */
double phase_time_s(const struct phase *phase, double events);

/* How many bursts begin before t_s, and when the n-th does, n from 0. */
uint64_t phase_bursts(const struct phase *phase, double t_s);
double phase_burst_s(const struct phase *phase, uint64_t n);

#endif
