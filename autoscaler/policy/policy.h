/* policy.h - decides how many workers the farm should have. Pure.
 *
 * measured --> known? --> the policy's need --> headroom --> min, max --> what helps --> steadiness
 *
 * A policy is one function that says how many workers it takes; all else is the same for every
 * policy: what is unknown holds the number, what is decided stays within the limits, and every
 * decision says which term bound it. The same inputs in the same order give the same decisions, bit
 * for bit. */
#ifndef WINNOW_POLICY_H
#define WINNOW_POLICY_H

#include "error.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why a decision is due. */
enum policy_trigger {
    POLICY_TICK,  /* the interval is over */
    POLICY_REACT, /* a look between ticks: it may add workers and take none away */
};

/* What was measured. NAN means unknown, which is not 0. */
struct policy_sample {
    double backlog_msgs;   /* B >= 0: ready and in flight, less what draining workers hold */
    double arrival_per_s;  /* lambda >= 0: events per second */
    double ready_msgs;     /* >= 0: of the backlog, what no worker holds yet */
    double time_s;         /* of this run, monotonic */
    double interval_s;     /* >= 0: over which arrival_per_s was measured */
    double capacity_msgs;  /* C > 0 as measured; for POLICY_CAPACITY_AUTO, ignored otherwise */
    double useful_workers; /* more than so many stopped helping; 0 or NAN: no such limit was seen */
    uint32_t workers;      /* at work before this decision: starting and running, not draining */
    enum policy_trigger trigger;
    bool
        blocked; /* the broker takes nothing from the workers: more would not help, fewer not drain */
};

/* capacity_msgs: C is measured. */
#define POLICY_CAPACITY_AUTO 0.0

struct policy_params {
    double horizon_s; /* T > 0: the time within which backlog and arrivals should be cleared */
    double
        capacity_msgs; /* C > 0: events that one worker clears within T; or POLICY_CAPACITY_AUTO */
    uint32_t min_workers, max_workers;

    /* Steadiness, for every policy. */
    double headroom;           /* >= 1: so many times the workers that are needed */
    double scale_down_delay_s; /* >= 0: fewer only after fewer were enough so long; POLICY_OWN */
    double step_up, step_down; /* at most so many workers more or fewer a decision; 0: any number */

    /* Of erlang alone; policy_erlang.h says what they mean. */
    double wait_s;  /* > 0: how long an event may wait */
    double epsilon; /* (0, 1): the share of events that may wait longer */
    double theta; /* > 0: ready events are a backlog once clearing them takes theta times wait_s */
    double average_s; /* > 0: the time over which arrivals are averaged */
    double z; /* > 0: so many standard deviations of Poisson arrivals are a change of the rate */
};

/* Of the delay, until policy_tune: what suits the policy. */
#define POLICY_OWN ((double)NAN)

/* The mission's constants, and no steadiness. */
#define POLICY_DEFAULT_PARAMS                                                                      \
    {                                                                                              \
        .horizon_s = 2, .capacity_msgs = 1000, .min_workers = 0, .max_workers = 32, .headroom = 1, \
        .wait_s = 0.2, .epsilon = 0.25, .theta = 1.2, .average_s = 12, .z = 2.5                    \
    }

/* The parameters that are doubles, in one list: whoever writes them down or reads them back goes
 * through it. A history names the first two (the second "auto" when measured), what differs from
 * POLICY_DEFAULT_PARAMS, and with erlang all of its own. */
struct policy_param {
    const char *name; /* as in the history's JSON */
    size_t offset;    /* of the double in struct policy_params */
    bool erlang;      /* it matters to that policy alone */
};
#define POLICY_PARAMS_ALWAYS 2
const struct policy_param *policy_param_list(size_t *count);
double policy_param_get(const struct policy_param *param, const struct policy_params *params);
void policy_param_set(const struct policy_param *param, struct policy_params *params, double value);

/* What a policy remembers between decisions; start from policy_start. */
struct policy_state {
    uint32_t desired_workers;

    bool fewer;          /* fewer than desired_workers were enough ever since ... */
    double fewer_from_s; /* ... this time ... */
    uint32_t fewer_most; /* ... and this was the most */

    /* erlang's averages of the arrival rate. */
    double slow_per_s, slow_weight; /* the long average, and how much of it is filled */
    double fast_per_s, fast_weight;
};

/* Which term bound the decision. */
enum policy_reason {
    POLICY_FORMULA,       /* the formula's own number */
    POLICY_MIN,           /* it asked for fewer than min_workers */
    POLICY_MAX,           /* it asked for more than max_workers */
    POLICY_ERLANG_WAITS,  /* fewer would make too many events wait too long */
    POLICY_ERLANG_DRAINS, /* a backlog is to be cleared */
    POLICY_HEADROOM,      /* it asked for fewer, without the headroom */
    POLICY_DELAYED_DOWN,  /* it asked for fewer, but not for long enough */
    POLICY_STEP_UP,       /* it asked for more than step_up more */
    POLICY_STEP_DOWN,     /* it asked for more than step_down fewer */
    POLICY_SATURATED,     /* it asked for more than useful_workers */
    POLICY_LEARNING,      /* C is not yet known: one worker finds out */
    POLICY_HELD_ARRIVAL,  /* the arrival rate is unknown: as before */
    POLICY_HELD_BACKLOG,  /* the backlog is unknown: as before */
    POLICY_HELD_BLOCKED,  /* the broker takes nothing from the workers: as before */
};
#define POLICY_REASONS 14

struct policy_decision {
    uint32_t desired_workers;
    enum policy_reason reason;
    double formula_workers; /* the policy's own whole number, >= 0; NAN when held or learning */

    /* How it came to that, NAN where it has no such term. */
    double need_workers;  /* before it was rounded up */
    double capacity_msgs; /* C in force; NAN while it is not known */
    double smooth_per_s;  /* the arrival rate it reckoned with */
    double wait_workers;  /* so that few events wait long */
    double drain_workers; /* so that the backlog goes */
};

/* The policy's own need: fills formula_workers, need_workers, reason and its terms. All of the
 * sample is known and in range, decision->capacity_msgs is C. May change its own part of the state
 * at a tick only. */
typedef void policy_need_function(const struct policy_sample *sample,
                                  const struct policy_params *params, struct policy_state *state,
                                  struct policy_decision *decision);

struct policy {
    const char *name;
    policy_need_function *need;
    bool ready;                          /* it needs ready_msgs */
    double interval_s;                   /* the time between decisions that suits it */
    double scale_down_delay_s;           /* likewise */
    double epsilon, theta, average_s, z; /* erlang's parameters in this setting of it */
};

/* By name; NULL when there is none. The default is "formula". */
const struct policy *policy_find(const char *name);
/* The one at that place of the list; NULL after the last. */
const struct policy *policy_at(size_t index);

/* Sets the parameters of erlang that make this setting of it, and the delay when it is
 * POLICY_OWN. */
void policy_tune(const struct policy *policy, struct policy_params *params);

/* As the history's reason column says it: "formula", "max", "held: arrival rate unknown". */
const char *policy_reason_text(enum policy_reason reason);
bool policy_reason_held(enum policy_reason reason);

/* 0, or -ERR_INVALID when a parameter is out of its range. */
int policy_check(const struct policy_params *params);

void policy_start(struct policy_state *state, const struct policy_params *params);

/* One decision: how many workers there should be now, within [min_workers, max_workers].
 *
 * sample    as measured; with POLICY_REACT only a greater number than before is taken, and when
 *           there is none the state stays as it was, so that such a look need not be written down
 * state     read and written
 * decision  written only on success
 *
 * Returns 0, or -ERR_INVALID when a parameter or a known measurement is out of its range. Infinite
 * amounts are in range and mean max_workers. */
int policy_decide(const struct policy *policy, const struct policy_sample *sample,
                  const struct policy_params *params, struct policy_state *state,
                  struct policy_decision *decision);

/* The policies. */

/* N = ceil((B + lambda T) / C): the workers that clear the backlog and what arrives within the
 * horizon. Source: the original experiment, with lambda per second rather than per tick. */
policy_need_function policy_formula;

#endif
