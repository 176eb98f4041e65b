/* recommend.h - which policy to run for a load like this one. */
#ifndef WINNOW_RECOMMEND_H
#define WINNOW_RECOMMEND_H

#include "candidate_spec.h"
#include "error.h"
#include "evaluation.h"

#include <stdbool.h>
#include <stdint.h>

struct recommend_settings {
    const char *source; /* and the rest: as workload_open has them */
    uint64_t run, seed;
    double from_s, until_s;
    struct candidate_defaults defaults;
};

/* Tries Winnow's policies with a grid of parameters on the first half of the load, takes the one
 * with the fewest worker-seconds of those that meet the target there with at most 2,000 starts an
 * hour, tries that on the second half, and prints both and the command line to run.
 *
 * evaluation   its workload is the whole load; it is replaced by parts of it
 * met          false when nothing meets the target on the first half, or what does misses it on the
 *              second
 *
 * Returns 0 or an error of yardstick_work, evaluation_run or workload_open. */
int recommend(struct evaluation *evaluation, const struct recommend_settings *settings, bool *met,
              struct why *why);

#endif
