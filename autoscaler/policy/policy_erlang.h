/* policy_erlang.h - the fewest workers with which few events wait long. Pure.
 *
 * The farm as a queue with N servers: events come at random at lambda per second and take s = T / C
 * seconds each, so a = lambda s workers would be busy all the time. Of N > a workers, Erlang's
 * formula says with what probability an event waits longer than the target; N is the fewest for
 * which that is at most epsilon. The target is wait_s, or half of s where that is more: who takes
 * long to serve may let wait a while.
 *
 * lambda is a long average, so that chance does not move N; it starts anew from an average a tenth
 * as long when the two differ by more than z standard deviations of Poisson arrivals. And when
 * clearing what is ready would take the workers longer than theta times the target, N becomes a and
 * what clears it within the target, but never more than there are events: then the average has
 * missed something, or chance has been unkind. So epsilon may be well above the share of events
 * that wait too long in the end. */
#ifndef WINNOW_POLICY_ERLANG_H
#define WINNOW_POLICY_ERLANG_H

#include "policy.h"

#include <stdint.h>

/* The probability that an event waits longer than wait_s in a queue of the kind M/M/workers:
 * C(workers, a) exp(-(workers - a) wait_s / service_s), a = arrival_per_s service_s; 1 when workers
 * <= a. All finite and >= 0, service_s > 0. Erlang C by the recurrence of Erlang B, which loses no
 * digits. */
double erlang_waits_longer(uint32_t workers, double arrival_per_s, double service_s, double wait_s);

/* The fewest workers for which that is at most epsilon, in (0, 1); 0 when nothing arrives. Never
 * falls when arrival_per_s rises. Beyond a = ERLANG_LARGE it grows by one worker for each worker's
 * load. */
#define ERLANG_LARGE 10000
double erlang_fewest(double arrival_per_s, double service_s, double wait_s, double epsilon);

policy_need_function policy_erlang;

#endif
