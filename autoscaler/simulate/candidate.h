/* candidate.h - whoever decides about a simulated farm: a policy of Winnow's own, a peer, or the
 * plan of an oracle. */
#ifndef WINNOW_CANDIDATE_H
#define WINNOW_CANDIDATE_H

#include "candidate_spec.h"
#include "csv/history_writer.h"
#include "error.h"
#include "own_policy.h"
#include "peer.h"
#include "planner.h"
#include "simulation.h"

#include <stdbool.h>
#include <stdint.h>

struct candidate {
    const struct candidate_spec *spec;
    union {
        struct own_policy own;
        struct peer peer;
        struct {
            const struct planner_plan *plan;
            int64_t ahead_ns;
        } oracle;
    };
};

/* What a candidate is told before it starts; borrowed. */
struct candidate_start {
    double service_s;                /* the mean time for an event */
    double wait_s;                   /* the target */
    const struct planner_plan *plan; /* of an oracle; else NULL */
    int64_t ahead_ns;                /* of an oracle: so long before it needs them it starts them */
    /* Gets a row a decision of one of Winnow's own policies; may be NULL. */
    struct history_writer *history;
};

/* Of any kind but CANDIDATE_WORK. */
void candidate_start(struct candidate *candidate, const struct candidate_spec *spec,
                     const struct candidate_start *start);

/* Whether it is to be asked at each arrival too. */
bool candidate_each_arrival(const struct candidate *candidate);

/* How many workers there should be, and when to ask again, as peer_decide_function has it; first at
 * time 0. 0, or -ERR_INVALID: a parameter is out of its range. */
int candidate_decide(struct candidate *candidate, const struct simulation *simulation,
                     int64_t *next_ns, uint32_t *workers);

/* After the decision was carried out. 0 or an error of history_writer_append. */
int candidate_carried_out(struct candidate *candidate, const struct simulation *simulation,
                          struct why *why);

#endif
