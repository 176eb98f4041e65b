/* erlang.h - Erlang's formula for a queue with several servers, M/M/c. Pure.
 *
 * Events come at random at arrival_per_s and take service_s each, so a = arrival_per_s service_s
 * servers would be busy all the time. */
#ifndef WINNOW_ERLANG_H
#define WINNOW_ERLANG_H

#include <stdint.h>

/* The probability that an event waits longer than wait_s: C(servers, a) exp(-(servers - a) wait_s /
 * service_s); 1 when servers <= a. All finite and >= 0, service_s > 0. Erlang C by the recurrence
 * of Erlang B, which loses no digits. */
double erlang_waits_longer(uint32_t servers, double arrival_per_s, double service_s, double wait_s);

/* The fewest servers for which that is at most epsilon, in (0, 1); 0 when nothing arrives. Never
 * falls when arrival_per_s rises. Beyond a = ERLANG_LARGE it grows by one server for each server's
 * load. */
#define ERLANG_LARGE 10000
double erlang_fewest(double arrival_per_s, double service_s, double wait_s, double epsilon);

#endif
