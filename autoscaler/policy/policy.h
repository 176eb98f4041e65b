/* policy.h - decides how many workers the farm should have. Pure.
 *
 * measured --> known? --> the policy's need --> headroom --> min, max --> what helps --> steadiness
 *          --> fixed, paused
 *
 * A policy is one function that says how many workers it takes (policies.h lists them); all else is
 * the same for every policy: what is unknown holds the number, what is decided stays within the
 * limits, and every decision says which term bound it. Parameters and limits may change from one
 * decision to the next. The same inputs in the same order give the
 * same decisions, bit for bit. */
#ifndef WINNOW_POLICY_H
#define WINNOW_POLICY_H

#include "error.h"
#include "peak.h"
#include "policy_params.h"
#include "steadiness.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why a decision is due. */
enum policy_trigger {
    POLICY_TICK,  /* the interval is over */
    POLICY_REACT, /* between ticks: the policy may add workers, and takes none away */
};

/* What was measured. NAN means unknown, which is not 0. */
struct policy_sample {
    double backlog_msgs;    /* B >= 0: ready and in flight, less what draining workers hold */
    double arrival_per_s;   /* lambda >= 0: events per second */
    bool backlog_only;      /* nothing counts arrivals: what is due to them is left out */
    double ready_msgs;      /* >= 0: of the backlog, what no worker holds yet */
    double most_ready_msgs; /* >= 0: the most that was found at any look since the tick before */
    double time_s;          /* of this run, monotonic */
    double interval_s;      /* >= 0: over which arrival_per_s was measured */
    double capacity_msgs;   /* C > 0 as measured; for POLICY_CAPACITY_AUTO, ignored otherwise */
    double useful_workers;  /* more than so many were seen not to help; 0 or NAN: no such limit */
    /* From the start of a worker until it consumes, as measured; ignored when startup_s is given.
     * Unknown counts as POLICY_STARTUP_GUESS_S. */
    double startup_s;
    uint32_t workers; /* at work before this decision: starting and running, not draining */
    uint32_t starting_workers; /* of them: not running yet */
    uint32_t silent_workers; /* of them: they tell nothing, and backlog_msgs lacks what they hold */
    enum policy_trigger trigger;
    /* The broker takes nothing from the workers: more would not help, and fewer could not drain. */
    bool blocked;
};

/* So many numbers a policy may remember. */
#define POLICY_MOST_MEMORY 8

/* What is remembered between decisions; start from policy_start. */
struct policy_state {
    uint32_t desired_workers;
    bool fresh; /* nothing was decided yet, and there are min_workers */
    struct steadiness steadiness;
    double memory[POLICY_MOST_MEMORY]; /* the policy's own; 0 at the start, ... */
    struct peak peak;                  /* ... as is this */
};

/* Which term bound the decision. */
enum policy_reason {
    POLICY_FORMULA,       /* the formula's own number */
    POLICY_MIN,           /* the policy needs fewer than min_workers */
    POLICY_MAX,           /* the policy needs more than max_workers */
    POLICY_ERLANG_WAITS,  /* with fewer, too many events would wait too long */
    POLICY_ERLANG_DRAINS, /* a backlog is to be cleared */
    POLICY_ERLANG_HOLDS,  /* so many were needed lately, and new ones would start slowly */
    POLICY_STARTING,      /* fewer are needed, but for those that are starting */
    POLICY_HEADROOM,      /* the policy needs fewer, without the headroom */
    POLICY_DELAYED_DOWN,  /* fewer are needed, but not for long enough */
    POLICY_STEP_UP,       /* more are needed than one step up allows */
    POLICY_STEP_DOWN,     /* fewer are needed than one step down allows */
    POLICY_SATURATED,     /* the policy needs more than useful_workers */
    POLICY_SILENT,        /* fewer are needed, but for what silent workers may hold */
    POLICY_BACKLOG_ONLY,  /* the formula's own number, without what arrivals would add */
    POLICY_TOTAL,         /* more are needed than other farms leave of a shared number */
    /* From here on the number is not the policy's. */
    POLICY_LEARNING,     /* C is not yet known: one worker finds out */
    POLICY_HELD_ARRIVAL, /* the arrival rate is unknown: the number stays */
    POLICY_HELD_BACKLOG, /* the backlog is unknown: the number stays */
    POLICY_HELD_BLOCKED, /* the broker takes nothing from the workers: the number stays */
    POLICY_PAUSED,       /* a person wants the number to stay */
    POLICY_FIXED,        /* a person has said the number */
};
#define POLICY_REASONS 21

struct policy_decision {
    uint32_t desired_workers;
    enum policy_reason reason;
    double formula_workers; /* the policy's own whole number, >= 0; NAN when held or learning */

    /* How the policy came to that, NAN where it has no such term. */
    double need_workers;  /* before it was rounded up */
    double capacity_msgs; /* C in force; NAN while it is not known */
    double smooth_per_s;  /* the arrival rate it reckoned with */
    double wait_workers;  /* so that few events wait long */
    double drain_workers; /* so that the backlog goes */
};

/* The policy's own need: fills formula_workers, need_workers, reason and its terms. All of the
 * sample is known and in range, decision->capacity_msgs is C. May change state->memory at a tick
 * only. */
typedef void policy_need_function(const struct policy_sample *sample,
                                  const struct policy_params *params, struct policy_state *state,
                                  struct policy_decision *decision);

struct policy {
    const char *name;
    const char *rule; /* the policy as a person would write it down; NULL: its name says as much */
    policy_need_function *need;
    bool needs_arrival;             /* it cannot decide by the backlog only */
    bool needs_ready_msgs;          /* it cannot decide while they are unknown */
    bool spares_starting;           /* fewer never means that one that is starting goes */
    double interval_s;              /* the time between decisions that suits it */
    double scale_down_delay_s;      /* likewise */
    const struct policy_param *own; /* its own parameters, ... */
    size_t own_count;               /* ... so many, at most POLICY_MOST_OWN, ... */
    double usual[POLICY_MOST_OWN];  /* ... and their defaults, in the same order */
};

/* The startup time to reckon with, in seconds: as given, or measured, or guessed. */
double policy_startup_s(const struct policy_sample *sample, const struct policy_params *params);

/* The name of the parameter that says how long an event may wait: what a user asks for, of
 * whichever policy that has it. */
#define POLICY_WAIT "wait_s"

/* Likewise of the one that asks for fewer starts, at the price of more workers. */
#define POLICY_FEW_STARTS "few_starts"

/* The parameters of a policy: those that every policy has, then its own. NULL after the last. */
const struct policy_param *policy_param_at(const struct policy *policy, size_t index);
/* By name; NULL when it has none of that name. */
const struct policy_param *policy_param_find(const struct policy *policy, const char *name);

/* Sets the policy's own parameters to their defaults, and the delay, when it is POLICY_UNSET, to
 * what suits it. */
void policy_tune(const struct policy *policy, struct policy_params *params);

/* The parameters of another policy that take the place of those of `own`: what the user asked for
 * stays, what suits the one gives way to what suits the other, and nobody has told it to stay at a
 * number. */
void policy_tune_like(const struct policy *other, const struct policy *own,
                      const struct policy_params *params, struct policy_params *theirs);

/* As the history's reason column says it: "formula", "max", "held: arrival rate unknown". */
const char *policy_reason_text(enum policy_reason reason);

/* 0, or -ERR_INVALID when a parameter is out of its range. */
int policy_check(const struct policy *policy, const struct policy_params *params);

/* Of a farm that begins, or of one that a history tells of: it may have been inherited. */
void policy_start(struct policy_state *state, const struct policy_params *params);

/* Of a farm that another has led: so many workers were wanted there, as far as the limits allow it.
 * Sets inherited_workers, so that a replay of the history begins with the same. */
void policy_inherit(struct policy_state *state, struct policy_params *params, uint32_t workers);

/* One decision: how many workers there should be now, within [min_workers, max_workers], or
 * total_allowed where that is less.
 *
 * A person's word needs no measurement, is no subject to steadiness, and holds while workers are
 * blocked: whoever says a number sees the farm. A fixed number goes before a pause, for it is the
 * more exact wish, and the pause then holds that number when it is fixed no more. The policy is
 * asked all the same: its terms say what it would have done, and it goes on remembering. But for
 * how long fewer were enough counts only from when the number is the policy's again.
 *
 * sample    as measured; with POLICY_REACT the policy's number is taken only when it is greater
 *           than before, a fixed one in any case. When desired_workers does not change thereby,
 *           nothing else of the state does, so that nothing need be written down
 * state     read and written
 * decision  written only on success
 *
 * Returns 0, or -ERR_INVALID when a parameter or a known measurement is out of its range. Infinite
 * amounts are in range and mean max_workers. */
int policy_decide(const struct policy *policy, const struct policy_sample *sample,
                  const struct policy_params *params, struct policy_state *state,
                  struct policy_decision *decision);

#endif
