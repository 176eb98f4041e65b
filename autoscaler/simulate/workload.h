/* workload.h - the events that a simulation gets, out of a file: a trace (trace.h), or a history,
 * whose events are those that the autoscaler counted. The file is read a row at a time, and from
 * its start as often as wanted.
 *
 * Where a row tells only how many events there were between two times, they are spread over it
 * at random, uniformly and independently, by the seed (random_least), and rounded down to
 * nanoseconds. */
#ifndef WINNOW_WORKLOAD_H
#define WINNOW_WORKLOAD_H

#include "error.h"
#include "simulation.h"

#include <stdint.h>

struct workload;

/* Opens the file and sees that it has events.
 *
 * source            as trace_open has it, or the path of a history
 * run               of a history: the number, or HISTORY_READER_LAST_RUN
 * from_s, until_s   only this part of it, in seconds since its first row; 0 and INFINITY: all
 *
 * Returns 0, -ERR_MEMORY, or -ERR_CONFIG with the file and, where it has one, the line. */
int workload_open(const char *source, uint64_t run, double from_s, double until_s, uint64_t seed,
                  struct workload **workload, struct why *why);
/* Takes NULL. */
void workload_close(struct workload *workload);

/* Begins again from the start. 0, or as workload_open. */
int workload_rewind(struct workload *workload, struct why *why);

/* For simulation_init; what was wrong when it fails is in workload_why. Borrows. */
struct simulation_source workload_source(struct workload *workload);
const struct why *workload_why(const struct workload *workload);

#endif
