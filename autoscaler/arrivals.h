/* arrivals.h - the events that a simulation gets, out of a file: a trace (trace.h), or a history that the
 * autoscaler wrote, whose events are those it counted. Read a row at a time, as often as asked.
 *
 * Where a row tells only how many events there were between two times, they are spread over it at random,
 * uniformly and independently, by the seed (random_least), and rounded down to nanoseconds. */
#ifndef WINNOW_ARRIVALS_H
#define WINNOW_ARRIVALS_H

#include "error.h"
#include "simulation.h"

#include <stdint.h>

struct arrivals;

/* Opens the file and sees that it has events.
 *
 * source   as trace_open has it, or the path of a history: the file's last run, or the one of that number
 * run      of a history; ARRIVALS_LAST_RUN
 * from_s, until_s   only this part of it, in seconds since its first row; 0 and INFINITY: all
 *
 * Returns 0, -ERR_MEMORY, or -ERR_CONFIG with the file and, where it has one, the line. */
#define ARRIVALS_LAST_RUN UINT64_MAX
int arrivals_open(const char *source, uint64_t run, double from_s, double until_s, uint64_t seed,
                  struct arrivals **arrivals, struct why *why);
/* Takes NULL. */
void arrivals_close(struct arrivals *arrivals);

/* Begins again from the start. 0, or as arrivals_open. */
int arrivals_rewind(struct arrivals *arrivals, struct why *why);

/* For simulation_init; what was wrong when it fails is in arrivals_why. Borrows. */
struct simulation_source arrivals_source(struct arrivals *arrivals);
const struct why *arrivals_why(const struct arrivals *arrivals);

#endif
