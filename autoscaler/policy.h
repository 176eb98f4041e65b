/* policy.h - decides how many workers the farm should have. Pure. */
#ifndef WINNOW_POLICY_H
#define WINNOW_POLICY_H

#include "error.h"

#include <stdbool.h>
#include <stdint.h>

/* What was measured. NAN means unknown, which is not 0. */
struct policy_sample {
    double backlog_msgs;  /* >= 0: ready and in flight, less what draining workers hold */
    double arrival_per_s; /* >= 0: events per second */
    bool
        blocked; /* the broker takes nothing from the workers: more would not help, fewer could not drain */
};

struct policy_params {
    double horizon_s;     /* T > 0: the time within which backlog and arrivals should be cleared */
    double capacity_msgs; /* C > 0: events that one worker clears within T */
    uint32_t min_workers, max_workers;
};

/* The mission's constants. */
#define POLICY_DEFAULT_PARAMS                                                                      \
    {                                                                                              \
        .horizon_s = 2, .capacity_msgs = 1000, .min_workers = 0, .max_workers = 32                 \
    }

/* What a policy remembers between decisions; start from policy_start. */
struct policy_state {
    uint32_t desired_workers;
};

/* Which term bound the decision. */
enum policy_reason {
    POLICY_FORMULA,      /* the formula's own number */
    POLICY_MIN,          /* the formula asked for fewer than min_workers */
    POLICY_MAX,          /* the formula asked for more than max_workers */
    POLICY_HELD_ARRIVAL, /* the arrival rate is unknown: as before */
    POLICY_HELD_BACKLOG, /* the backlog is unknown: as before */
    POLICY_HELD_BLOCKED, /* the broker takes nothing from the workers: as before */
};

struct policy_decision {
    double formula_workers; /* ceil((B + lambda T) / C) before clamping; NAN when held */
    uint32_t desired_workers;
    enum policy_reason reason;
};

typedef int policy_decide_function(const struct policy_sample *sample,
                                   const struct policy_params *params, struct policy_state *state,
                                   struct policy_decision *decision);

struct policy {
    const char *name;
    policy_decide_function *decide;
};

/* By name; NULL when there is none. The default is "formula". */
const struct policy *policy_find(const char *name);

/* As the history's reason column says it: "formula", "max", "held: arrival rate unknown". */
const char *policy_reason_text(enum policy_reason reason);
bool policy_reason_held(enum policy_reason reason);

void policy_start(struct policy_state *state, const struct policy_params *params);

/* Workers needed to clear the backlog and what arrives within the horizon:
 * N = ceil((B + lambda T) / C), clamped to [min_workers, max_workers]. When something is unknown or
 * the workers are blocked, the number decided before, clamped. The same inputs give the same decision.
 *
 * state     read and written
 * decision  written only on success
 *
 * Returns 0, or -ERR_INVALID when a parameter or a known measurement is out of its range.
 * Source: the original experiment, with lambda per second rather than per tick. */
policy_decide_function policy_formula;

#endif
